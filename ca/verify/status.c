/* SPDX-License-Identifier: Apache-2.0 */
/* What the authority told others about the certificates, in its CRLs, must be
 * what its record says: who takes the last event off a chain, or never wrote
 * it, contradicts the CRL. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/status/crl_walk.h"
#include "ca/verify/verify_int.h"

struct status_crl {
	struct verify *v;
	const struct file *file;
	X509 *ca;
	struct verify_cert **sorted;   /* all certificates, by serial */
	int64_t this_ms;
};

static int
status_order(const void *a, const void *b)
{
	return memcmp((*(struct verify_cert *const *)a)->serial_bytes,
	    (*(struct verify_cert *const *)b)->serial_bytes, 20);
}

static struct verify_cert *
status_find(const struct status_crl *k, const uint8_t serial[static 20])
{
	struct verify_cert key, *p = &key, **found;

	memcpy(key.serial_bytes, serial, sizeof key.serial_bytes);
	found = bsearch(&p, k->sorted, k->v->ncerts, sizeof *k->sorted,
	    status_order);
	return found != NULL ? *found : NULL;
}

/* What the CRL's entry says, against the events. */
static int
status_entry_cert(struct status_crl *k, struct verify_cert *c,
    const struct crl_walk_entry *e)
{
	int reason = c->reason == 0 ? -1 : c->reason;
	int64_t date_ms = e->date_s * 1000;
	bool same = c->status != VERIFY_GOOD && e->reason == reason &&
	    date_ms <= c->since_ms && date_ms >= c->since_ms - VERIFY_SKEW_MS;

	if (c->invalidity_ms == 0)
		same = same && e->invalidity_s == INT64_MIN;
	else
		same = same && e->invalidity_s == c->invalidity_ms / 1000;
	c->listed = true;
	if (same)
		return CAMCA_OK;
	return report_wrong(&k->v->report, "crl.event", k->file->name,
	    "It lists certificate %s as revoked (%s), and the events of the "
	    "device say something else: one is missing, or was altered.",
	    "CRL ghi chứng thư %s bị thu hồi (%s), còn các sự kiện của thiết "
	    "bị nói khác: có sự kiện bị thiếu hoặc bị sửa.", c->serial,
	    verify_reason_name(e->reason));
}

/* A CA of the path that this CA has revoked. */
static int
status_entry_ca(struct status_crl *k, const uint8_t serial[static 20])
{
	const X509_NAME *name = X509_get_subject_name(k->ca);
	uint8_t own[20];
	X509 *c;
	int i;

	for (i = 0; i < sk_X509_num(k->v->chain); i++) {
		c = sk_X509_value(k->v->chain, i);
		if (X509_NAME_cmp(X509_get_issuer_name(c), name) == 0 &&
		    verify_serial(X509_get0_serialNumber(c), own) &&
		    memcmp(own, serial, sizeof own) == 0)
			return report_wrong(&k->v->report, "crl.ca",
			    k->file->name, "It revokes certificate %d of "
			    "ca-chain.pem.", "CRL này thu hồi chứng thư thứ %d "
			    "trong ca-chain.pem.", i + 1);
	}
	return CAMCA_OK;
}

static int
status_entry(const struct crl_walk_entry *e, void *arg)
{
	struct status_crl *k = arg;
	const uint8_t *p = e->serial;
	size_t n = e->serial_n;
	struct verify_cert *c;
	uint8_t serial[20] = { 0 };

	if (n == 21 && p[0] == 0)
		p++, n--;
	if (n > sizeof serial)
		return CAMCA_OK;
	memcpy(serial + sizeof serial - n, p, n);
	c = status_find(k, serial);
	if (c != NULL && c->issuer == k->ca)
		return status_entry_cert(k, c, e);
	return status_entry_ca(k, serial);
}

/* RFC 5280 6.3.3 (g), with hashes that still mean something. */
static bool
status_signed(const struct crl_view *w, X509 *ca)
{
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	const unsigned char *p = w->alg;
	X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &p, (long)w->alg_n);
	EVP_PKEY *key = X509_get0_pubkey(ca);
	const ASN1_OBJECT *oid = NULL;
	int md = 0, pk = 0;
	bool ok = false;

	if (alg != NULL)
		X509_ALGOR_get0(&oid, NULL, NULL, alg);
	if (ctx != NULL && key != NULL && oid != NULL &&
	    OBJ_find_sigid_algs(OBJ_obj2nid(oid), &md, &pk) == 1)
		ok = (md == NID_sha256 || md == NID_sha384 ||
		    md == NID_sha512) && EVP_PKEY_get_base_id(key) == pk &&
		    EVP_DigestVerifyInit(ctx, NULL, EVP_get_digestbynid(md),
		    NULL, key) == 1 && EVP_DigestVerify(ctx, w->sig, w->sig_n,
		    w->tbs, w->tbs_n) == 1;
	X509_ALGOR_free(alg);
	ERR_clear_error();
	return ok;
}

static int
status_crl_of(struct status_crl *k, const struct crl_view *w)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(k->ca);
	const unsigned char *der;
	size_t n;

	if (ski == NULL || ASN1_STRING_length(ski) != 20 ||
	    memcmp(ASN1_STRING_get0_data(ski), w->aki, 20) != 0 ||
	    X509_NAME_get0_der(X509_get_subject_name(k->ca), &der, &n) != 1 ||
	    n != w->issuer_n || memcmp(der, w->issuer, n) != 0)
		return report_wrong(&k->v->report, "crl.issuer", k->file->name,
		    "It is not of the CA that it is named after.",
		    "CRL không phải của CA mang tên trong tên tệp.");
	if (status_signed(w, k->ca))
		return CAMCA_OK;
	return report_wrong(&k->v->report, "crl.signature", k->file->name,
	    "Its signature is not of its CA.",
	    "Chữ ký không phải của CA phát hành.");
}

/* Those that the events call revoked and the CRL does not. One that has ended
 * may have left the list (RFC 5280 3.3). */
static int
status_unlisted(struct status_crl *k)
{
	char when[CTX_TIME_LEN];
	struct verify_cert *c;
	size_t i;

	for (i = 0; i < k->v->ncerts; i++) {
		c = &k->v->certs[i];
		if (c->issuer != k->ca)
			continue;
		c->crl_ms = k->this_ms;
		if (c->listed || c->status == VERIFY_GOOD ||
		    c->not_after_ms <= k->this_ms)
			continue;
		ctx_time_format(when, k->this_ms);
		return report_wrong(&k->v->report, "crl.event", k->file->name,
		    "The events say that certificate %s is revoked, and this "
		    "CRL of %s does not list it.", "Các sự kiện nói chứng thư "
		    "%s đã bị thu hồi nhưng CRL ngày %s không có.", c->serial,
		    when);
	}
	return CAMCA_OK;
}

static int
status_crl(struct status_crl *k)
{
	struct refusal why = { .http = 0 };
	const struct file *x = k->file;
	struct crl_view w;
	int ret = crl_walk(&w, x->p, x->n, NULL, NULL, &why);

	if (ret < 0)
		return report_refused(&k->v->report, ret, "crl.form", x->name,
		    &why);
	if ((ret = status_crl_of(k, &w)) < 0)
		return ret;
	k->this_ms = w.this_s * 1000;
	if (k->v->crl_ms == 0 || k->this_ms < k->v->crl_ms)
		k->v->crl_ms = k->this_ms;
	ret = crl_walk(&w, x->p, x->n, status_entry, k, &why);
	return ret < 0 ? ret : status_unlisted(k);
}

static int
status_ca(struct status_crl *k, X509 *ca)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca);
	char name[BUNDLE_NAME_MAX] = "crl/", *hex = name + 4;

	if (ski == NULL || ASN1_STRING_length(ski) != 20)
		return report_wrong(&k->v->report, "chain.ski",
		    "ca-chain.pem", "A CA in it has no key identifier of 20 "
		    "bytes.", "Một CA trong đó không có mã khóa dài 20 byte.");
	enc_hex(hex, ASN1_STRING_get0_data(ski), 20);
	memcpy(hex + 40, ".crl", 5);
	k->ca = ca;
	k->file = files_find(k->v->f, name);
	if (k->file == NULL)
		return report_wrong(&k->v->report, "crl.missing", name,
		    "The CRL of a CA in ca-chain.pem is missing.",
		    "Thiếu CRL của một CA trong ca-chain.pem.");
	return status_crl(k);
}

static int
status_all(struct status_crl *k)
{
	struct verify *v = k->v;
	char when[CTX_TIME_LEN];
	size_t crls = 0;
	int i, ret;

	for (i = 0; i < sk_X509_num(v->chain); i++) {
		if (!v->chain_used[i])
			continue;
		crls++;
		ret = status_ca(k, sk_X509_value(v->chain, i));
		if (ret < 0)
			return ret;
	}
	if (files_count(v->f, BUNDLE_CRL) != crls)
		return report_wrong(&v->report, "crl.extra", "",
		    "There is a CRL of a CA that is not in ca-chain.pem.",
		    "Có CRL của CA không nằm trong ca-chain.pem.");
	if (crls == 0)
		return CAMCA_OK;
	ctx_time_format(when, v->crl_ms);
	report_add(&v->report, REPORT_PROVEN, "crl", "",
	    "The CRLs (the oldest of %s) are signed by their CAs and say of "
	    "each certificate that had not ended what the events say.",
	    "Các CRL (cũ nhất lúc %s) do CA của chúng ký và khớp với các sự "
	    "kiện về từng chứng thư chưa hết hạn khi đó.", when);
	return CAMCA_OK;
}

int
verify_crls(struct verify *v)
{
	struct status_crl k = { .v = v };
	size_t i;
	int ret;

	k.sorted = calloc(v->ncerts + 1, sizeof *k.sorted);
	if (k.sorted == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < v->ncerts; i++)
		k.sorted[i] = &v->certs[i];
	qsort(k.sorted, v->ncerts, sizeof *k.sorted, status_order);
	ret = status_all(&k);
	free(k.sorted);
	return ret;
}
