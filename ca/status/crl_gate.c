/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl_gate.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"

#define REASON_HOLD 6

static bool
gate_issuer(const struct crl_view *v, const struct ca *ca)
{
	uint8_t *name = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(ca->cert), &name);
	bool same = n > 0 && v->issuer_n == (size_t)n &&
	    memcmp(v->issuer, name, v->issuer_n) == 0;

	OPENSSL_free(name);
	return same && memcmp(v->aki, ca->row.ski, sizeof v->aki) == 0;
}

static bool
gate_algorithm(const struct crl_view *v, const struct ca *ca)
{
	X509_ALGOR *alg = X509_ALGOR_new();
	uint8_t *der = NULL;
	int n = -1;
	bool same;

	if (alg != NULL && hsm_key_algorithm(ca->key, alg) == CAMCA_OK)
		n = i2d_X509_ALGOR(alg, &der);
	same = n > 0 && v->alg_n == (size_t)n && memcmp(v->alg, der,
	    v->alg_n) == 0;
	X509_ALGOR_free(alg);
	OPENSSL_free(der);
	return same;
}

/* By the public key of the certificate that clients have, not the token's. */
static bool
gate_signature(const struct crl_view *v, const struct ca *ca,
    const uint8_t *hash, size_t hash_n)
{
	AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(X509_get0_pubkey(ca->cert),
	    NULL);
	bool good;

	good = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    (!EVP_PKEY_is_a(X509_get0_pubkey(ca->cert), "RSA") ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
	    EVP_PKEY_CTX_set_signature_md(ctx, hsm_key_md(ca->key)) == 1 &&
	    EVP_PKEY_verify(ctx, v->sig, v->sig_n, hash, hash_n) == 1;
	ERR_clear_error();
	return good;
}

static const char *
gate_view(const struct crl_view *v, const struct crl_made *m,
    const struct crl_list *l, const struct crl_file_row *row,
    const struct crl_last *last)
{
	if (v->tbs != m->tbs || v->tbs_n != m->tbs_n)
		return "other bytes than those that were signed";
	if (v->number != row->number || v->this_s * 1000 !=
	    row->this_update_ms || v->next_s * 1000 != row->next_update_ms)
		return "another number or time than meant";
	if (v->entries != l->n || v->hash != l->hash)
		return "other entries than the list before and its changes";
	if (last->number > 0 && v->number <= last->number)
		return "a number that does not rise";
	if (last->number > 0 && v->this_s * 1000 <= last->this_update_ms)
		return "a thisUpdate that does not rise";
	return NULL;
}

int
crl_gate(const struct crl_made *m, const struct crl_list *l,
    const struct ca *ca, const struct crl_file_row *row,
    const struct crl_last *last, struct refusal *why)
{
	struct crl_view v;
	const char *bad;

	if (crl_walk(&v, m->p, m->n, NULL, NULL, why) < 0)
		return CAMCA_EPOLICY;
	bad = gate_view(&v, m, l, row, last);
	if (bad == NULL && !gate_issuer(&v, ca))
		bad = "another issuer";
	if (bad == NULL && (!gate_algorithm(&v, ca) || !gate_signature(&v, ca,
	    m->tbs_hash, m->tbs_hash_n)))
		bad = "a wrong signature";
	if (bad == NULL)
		return CAMCA_OK;
	return refuse(why, CAMCA_EPOLICY, 503, "crl.gate",
	    "CRL %lld of %s is not published: it has %s.",
	    (long long)row->number, ca->row.name, bad);
}

int
crl_gate_read(const uint8_t *p, size_t n, const struct ca *ca,
    struct crl_file_row *row, struct refusal *why)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned hash_n = 0;
	struct crl_view v;

	if (crl_walk(&v, p, n, NULL, NULL, why) < 0)
		return CAMCA_EPOLICY;
	if (!gate_issuer(&v, ca) || !gate_algorithm(&v, ca) ||
	    EVP_Digest(v.tbs, v.tbs_n, hash, &hash_n, hsm_key_md(ca->key),
	    NULL) != 1 || !gate_signature(&v, ca, hash, hash_n))
		return refuse(why, CAMCA_EPOLICY, 503, "crl.gate",
		    "The file of %s is not a CRL that it signed.",
		    ca->row.name);
	row->number = v.number;
	row->this_update_ms = v.this_s * 1000;
	row->next_update_ms = v.next_s * 1000;
	row->entries = (int64_t)v.entries;
	return CAMCA_OK;
}

/* ---- the list before, entry by entry; both are sorted ---- */

struct compare {
	struct store *s;
	struct tx *tx;
	const uint8_t *p, *bytes;        /* the list before */
	size_t n;
	const uint8_t *at, *end;         /* entries of the list to come */
	int64_t this_ms;                 /* of the list before */
	struct refusal *why;
};

static int
compare_lost(struct compare *c, const struct crl_walk_entry *e,
    const char *what)
{
	char hex[2 * STORE_SERIAL_LEN + 3] = "";

	if (e->serial_n <= STORE_SERIAL_LEN + 1)
		enc_hex(hex, e->serial, e->serial_n);
	return refuse(c->why, CAMCA_EPOLICY, 503, "crl.shrinks",
	    "The next CRL is not published: the one before lists serial %s, "
	    "and %s.", hex, what);
}

static int
compare_gone(struct compare *c, const struct crl_walk_entry *e)
{
	uint8_t serial[STORE_SERIAL_LEN] = { 0 };
	const uint8_t *p = e->serial;
	size_t n = e->serial_n;
	struct cert_row r = { 0 };
	int64_t status, end_ms;
	int ret;

	if (n > STORE_SERIAL_LEN) {
		p++;
		n--;
	}
	memcpy(serial + STORE_SERIAL_LEN - n, p, n);
	ret = store_cert_by_serial(c->tx, serial, &r);
	if (ret == CAMCA_ENOENT)
		return compare_lost(c, e, "the store knows no such "
		    "certificate");
	if (ret < 0)
		return ret;
	status = r.status;
	end_ms = r.not_after_ms;
	store_cert_free(&r);
	if ((status == CERT_GOOD && e->reason == REASON_HOLD) ||
	    end_ms < c->this_ms)
		return CAMCA_OK;
	return compare_lost(c, e, status == CERT_GOOD ? "the store says that "
	    "it is good: revoke it again" : "its entry is missing in the "
	    "store");
}

/* A revocation stays one. Its reason may have become worse; where an older copy
 * of the database was put back, it was revoked again, at a later date. */
static bool
compare_may_change(const struct crl_walk_entry *old,
    const struct crl_walk_entry *now)
{
	return old->reason == REASON_HOLD || now->reason != REASON_HOLD;
}

static int
compare_entry(const struct crl_walk_entry *e, void *arg)
{
	struct compare *c = arg;
	struct crl_walk_entry now;
	int cmp = -1;

	while (c->at < c->end) {
		if (crl_walk_entry(c->at, (size_t)(c->end - c->at),
		    &now) != NULL)
			return CAMCA_EDB;
		cmp = crl_serial_cmp(now.serial, now.serial_n, e->serial,
		    e->serial_n);
		if (cmp >= 0)
			break;
		c->at += now.n;
	}
	if (c->at >= c->end || cmp != 0)
		return compare_gone(c, e);
	c->at += now.n;
	if ((now.n == e->n && memcmp(now.der, e->der, e->n) == 0) ||
	    compare_may_change(e, &now))
		return CAMCA_OK;
	return compare_lost(c, e, "the store has it on hold");
}

static int
compare_tx(struct tx *tx, void *arg)
{
	struct compare *c = arg;
	struct crl_view v;

	c->tx = tx;
	c->at = c->p;
	return crl_walk(&v, c->bytes, c->n, compare_entry, c, c->why);
}

int
crl_gate_compare(struct store *s, const struct crl_list *l, const uint8_t *p,
    size_t n, struct refusal *why)
{
	struct compare c = { .s = s, .p = l->mem + CRL_HEAD_ROOM, .bytes = p,
	    .n = n, .end = l->mem + CRL_HEAD_ROOM + l->len, .why = why };
	struct crl_view v;

	if (crl_walk(&v, p, n, NULL, NULL, why) < 0)
		return CAMCA_EPOLICY;
	c.this_ms = v.this_s * 1000;
	return store_tx(s, DB_READ, compare_tx, &c);
}
