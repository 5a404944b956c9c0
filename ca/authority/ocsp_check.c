/* SPDX-License-Identifier: Apache-2.0 */
/* With ocsp.signer hsm the gate writes answers and the HSM signs them. A gate
 * that was taken over must not get a lie signed: every statement is compared
 * with the store first. */
#include <openssl/err.h>
#include <string.h>

#include "ca/authority/authority.h"
#include "ca/base/auto.h"
#include "ca/issue/cert.h"

#define CHECK_SKEW_S 300         /* thisUpdate before producedAt, at most */
#define CHECK_LATE_S 60          /* producedAt before now, at most */
#define CHECK_EARLY_S 5

struct check {
	struct authority *a;
	const struct ca_set *cas;
	const struct ca *ca;
	const struct ocsp_data *d;
	int64_t now_s;
	bool unissued;               /* one was never issued */
	struct refusal *why;
};

static int
check_no(struct check *k, const char *what)
{
	return refuse(k->why, CAMCA_EPOLICY, 403, "ocsp.not-so",
	    "An OCSP answer was not signed: %s.", what);
}

static bool
check_hash_is(const ASN1_OCTET_STRING *s, const void *p, size_t n,
    const EVP_MD *md)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len;

	return EVP_Digest(p, n, hash, &len, md, NULL) == 1 &&
	    ASN1_STRING_length(s) == (int)len &&
	    memcmp(ASN1_STRING_get0_data(s), hash, len) == 0;
}

/* Name and key of the CA that the answer is said to be about. */
static bool
check_issuer(const struct ca *ca, const ASN1_OBJECT *alg,
    const ASN1_OCTET_STRING *name, const ASN1_OCTET_STRING *key)
{
	const EVP_MD *md = OBJ_obj2nid(alg) == NID_sha1 ? EVP_sha1() :
	    OBJ_obj2nid(alg) == NID_sha256 ? EVP_sha256() : NULL;
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(ca->cert);
	const unsigned char *der;
	size_t n;

	return md != NULL && bits != NULL && X509_NAME_get0_der(
	    X509_get_subject_name(ca->cert), &der, &n) == 1 &&
	    check_hash_is(name, der, n, md) &&
	    check_hash_is(key, ASN1_STRING_get0_data(bits),
	    (size_t)ASN1_STRING_length(bits), md);
}

static int
check_id(struct check *k, const OCSP_CERTID *id, uint8_t serial[static 20])
{
	ASN1_OCTET_STRING *name, *key;
	ASN1_INTEGER *number;
	ASN1_OBJECT *alg;
	int n;

	if (OCSP_id_get0_info(&name, &alg, &key, &number,
	    (OCSP_CERTID *)(uintptr_t)id) != 1 ||
	    !check_issuer(k->ca, alg, name, key))
		return check_no(k, "it is not about this CA");
	n = ASN1_STRING_length(number);
	if (ASN1_STRING_type(number) != V_ASN1_INTEGER || n < 1 || n > 20)
		return check_no(k, "a serial is none");
	memset(serial, 0, 20);
	memcpy(serial + 20 - n, ASN1_STRING_get0_data(number), (size_t)n);
	return CAMCA_OK;
}

static bool
check_is_ca(const struct check *k, const uint8_t serial[static 20])
{
	const ASN1_OCTET_STRING *aki;
	uint8_t own[20];

	for (size_t i = 0; i < k->cas->n; i++) {
		const struct ca *c = &k->cas->list[i];

		if (cert_serial_bytes(c->cert, own) < 0 ||
		    memcmp(own, serial, sizeof own) != 0)
			continue;
		aki = X509_get0_authority_key_id(c->cert);
		if (aki == NULL)
			return c == k->ca;
		return ASN1_STRING_length(aki) == 20 && memcmp(
		    ASN1_STRING_get0_data(aki), k->ca->row.ski, 20) == 0;
	}
	return false;
}

/* No row: a CA's own certificate, or one that was never issued, which has a
 * form of its own (RFC 6960 4.4.8) where the settings ask for that. */
static int
check_no_row(struct check *k, const struct ocsp_single *s,
    const uint8_t serial[static 20])
{
	if (check_is_ca(k, serial))
		return s->revoked ? check_no(k, "a CA is not revoked") :
		    CAMCA_OK;
	if (!k->a->conf.ocsp_unissued_revoked)
		return check_no(k, "that certificate was never issued");
	if (!s->revoked || s->reason != 6 || s->revoked_s != 0)
		return check_no(k, "what was never issued is on hold since "
		    "1970");
	k->unissued = true;
	return CAMCA_OK;
}

static int
check_row(struct check *k, const struct ocsp_single *s,
    const struct cert_row *row)
{
	if (row->issuer != k->ca->row.id)
		return check_no(k, "another CA issued that certificate");
	if (s->revoked != (row->status != CERT_GOOD))
		return check_no(k, "the status is another one");
	if (s->revoked && (s->revoked_s != row->revoked_ms / 1000 ||
	    s->reason != (row->reason > 0 ? (int)row->reason : -1)))
		return check_no(k, "reason or time of the revocation are "
		    "others");
	return CAMCA_OK;
}

static int
check_times(struct check *k, const struct ocsp_single *s)
{
	int64_t at = k->d->produced_s, kept = k->a->conf.ocsp_retention_s;

	if (s->this_s > at || s->this_s < at - CHECK_SKEW_S ||
	    (s->revoked && s->this_s < s->revoked_s))
		return check_no(k, "thisUpdate is out of bounds");
	if (s->next_s <= s->this_s ||
	    s->next_s > at + k->a->conf.ocsp_life_s)
		return check_no(k, "nextUpdate is out of bounds");
	if (s->archive_s != (kept > 0 ? at - kept : 0))
		return check_no(k, "archiveCutoff is not that of the "
		    "settings");
	return CAMCA_OK;
}

static int
check_single(struct tx *tx, struct check *k, const struct ocsp_single *s)
{
	struct cert_row row = { 0 };
	uint8_t serial[20];
	int ret = check_id(k, s->id, serial);

	if (ret < 0)
		return ret;
	ret = store_cert_by_serial(tx, serial, &row);
	if (ret == CAMCA_OK)
		ret = check_row(k, s, &row);
	else if (ret == CAMCA_ENOENT)
		ret = check_no_row(k, s, serial);
	store_cert_free(&row);
	return ret < 0 ? ret : check_times(k, s);
}

static int
check_tx(struct tx *tx, void *arg)
{
	struct check *k = arg;
	int ret = CAMCA_OK;

	k->unissued = false;
	for (size_t i = 0; i < k->d->n && ret == CAMCA_OK; i++)
		ret = check_single(tx, k, &k->d->singles[i]);
	return ret;
}

int
ocsp_check(struct authority *a, const struct ca_set *cas, const struct ca *ca,
    const struct ocsp_data *d, const uint8_t key_hash[static 20],
    int64_t now_ms, struct refusal *why)
{
	struct check k = { .a = a, .cas = cas, .ca = ca, .d = d,
	    .now_s = now_ms / 1000, .why = why };
	int ret;

	if (memcmp(d->key_hash, key_hash, 20) != 0)
		return check_no(&k, "it names another responder");
	if (d->produced_s > k.now_s + CHECK_EARLY_S ||
	    d->produced_s < k.now_s - CHECK_LATE_S)
		return check_no(&k, "producedAt is not now");
	ret = store_tx(a->store, DB_READ, check_tx, &k);
	if (ret == CAMCA_OK && d->extended_revoke != k.unissued)
		ret = check_no(&k, "extendedRevoke stands where it must not, "
		    "or is missing");
	return ret;
}
