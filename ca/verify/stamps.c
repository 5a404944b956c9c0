/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3161 time-stamps over the text of the checkpoint: it existed, and with it
 * all events under it, no later than that. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ts.h>
#include <string.h>

#include "ca/custody/timestamp.h"
#include "ca/verify/verify_int.h"

#define STAMPS_CERTS_MAX 32

/* The one in list that has signed c, or NULL. */
static X509 *
stamps_signer(const STACK_OF(X509) *list, X509 *c)
{
	EVP_PKEY *key;
	int i;

	for (i = 0; i < sk_X509_num(list); i++) {
		key = X509_get0_pubkey(sk_X509_value(list, i));
		if (key != NULL && X509_verify(c, key) == 1)
			return sk_X509_value(list, i);
	}
	return NULL;
}

/* Each certificate is signed by itself or another one in the file: nothing else
 * in it could be altered without notice. */
static int
stamps_joined(struct verify *v, const struct file *x,
    const STACK_OF(X509) *list)
{
	X509 *signer;
	int i;

	for (i = 0; i < sk_X509_num(list); i++) {
		signer = stamps_signer(list, sk_X509_value(list, i));
		ERR_clear_error();
		if (signer == NULL)
			return report_wrong(&v->report, "stamp.trust", x->name,
			    "Certificate %d in it is signed by none in it.",
			    "Chứng thư thứ %d trong đó không được chứng thư "
			    "nào trong tệp ký.", i + 1);
	}
	return CAMCA_OK;
}

/* Is c in list, or signed by one of these, and on the way up from the token's
 * signer? */
static bool
stamps_needed(X509 *c, X509 *signer, const STACK_OF(X509) *in_token,
    const STACK_OF(X509) *list)
{
	X509 *up = signer;
	int i, steps;

	for (i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), c) == 0)
			return true;
	if (stamps_signer(list, c) == NULL &&
	    stamps_signer(in_token, c) == NULL)
		return false;
	for (steps = 0; up != NULL && steps < STAMPS_CERTS_MAX; steps++) {
		if (X509_cmp(up, c) == 0)
			return true;
		up = stamps_signer(in_token, up);
	}
	return false;
}

/* What the signature does not cover and OpenSSL does not look at has one
 * spelling here all the same (RFC 5652 5.1, 5.3): no two bundles differ and mean
 * the same. */
static bool
stamps_hash_alg(const X509_ALGOR *alg, int *nid_out)
{
	const ASN1_OBJECT *oid;
	int params;

	X509_ALGOR_get0(&oid, &params, NULL, alg);
	*nid_out = OBJ_obj2nid(oid);
	return params == V_ASN1_UNDEF || params == V_ASN1_NULL;
}

static bool
stamps_algorithms(const PKCS7_SIGNED *s, const PKCS7_SIGNER_INFO *si)
{
	const ASN1_OBJECT *sig;
	int nid, outer, inner, hash = 0, pk = 0;

	if (sk_X509_ALGOR_num(s->md_algs) != 1 || !stamps_hash_alg(
	    sk_X509_ALGOR_value(s->md_algs, 0), &outer) ||
	    !stamps_hash_alg(si->digest_alg, &inner) || outer != inner)
		return false;
	X509_ALGOR_get0(&sig, NULL, NULL, si->digest_enc_alg);
	nid = OBJ_obj2nid(sig);
	/* RFC 3370 3.2: for RSA the name of the key serves, too. */
	return nid == NID_rsaEncryption || nid == NID_rsassaPss ||
	    (OBJ_find_sigid_algs(nid, &hash, &pk) == 1 && hash == inner);
}

static bool
stamps_same_name(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *p, *q;
	size_t n, m;

	return X509_NAME_get0_der(a, &p, &n) == 1 &&
	    X509_NAME_get0_der(b, &q, &m) == 1 && n == m &&
	    memcmp(p, q, n) == 0;
}

static bool
stamps_plain(const struct file *x, TS_RESP *resp, PKCS7 *token)
{
	PKCS7_SIGNED *s = token->d.sign;
	STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
	PKCS7_SIGNER_INFO *si = sk_PKCS7_SIGNER_INFO_value(s->signer_info, 0);
	unsigned char *again = NULL;
	int n = i2d_TS_RESP(resp, &again);
	bool ok = n > 0 && (size_t)n == x->n &&
	    memcmp(again, x->p, x->n) == 0 && sk_X509_num(signers) == 1 &&
	    ASN1_INTEGER_get(s->version) == 3 &&
	    ASN1_INTEGER_get(si->version) == 1 && stamps_algorithms(s, si) &&
	    stamps_same_name(si->issuer_and_serial->issuer,
	    X509_get_issuer_name(sk_X509_value(signers, 0)));

	OPENSSL_free(again);
	sk_X509_free(signers);
	return ok;
}

/* A token's certificates are not signed by it: those that the path does not
 * need may be anything, which the reader should hear. */
static void
stamps_unneeded(struct verify *v, const struct file *x,
    const PKCS7 *token, const STACK_OF(X509) *list)
{
	STACK_OF(X509) *signers = PKCS7_get0_signers(
	    (PKCS7 *)(uintptr_t)token, NULL, 0);
	STACK_OF(X509) *certs = signers != NULL ? token->d.sign->cert : NULL;
	int i, n = 0;

	for (i = 0; i < sk_X509_num(certs) && i < STAMPS_CERTS_MAX; i++)
		n += !stamps_needed(sk_X509_value(certs, i),
		    sk_X509_value(signers, 0), certs, list);
	sk_X509_free(signers);
	ERR_clear_error();
	if (n > 0)
		report_add(&v->report, REPORT_OPEN, "stamp.unneeded", x->name,
		    "The time-stamp %s carries %d certificates that it does "
		    "not need; they were not looked at.", "Dấu thời gian %s "
		    "kèm %d chứng thư không cần thiết; chúng không được xem "
		    "xét.", x->name, n);
}

/* What timestamp_check() leaves open, since the token is well without it. */
static int
stamps_token(struct verify *v, const struct file *x,
    const STACK_OF(X509) *list)
{
	const unsigned char *p = x->p;
	TS_RESP *resp = d2i_TS_RESP(NULL, &p, (long)x->n);
	PKCS7 *token = resp != NULL ? TS_RESP_get_token(resp) : NULL;
	bool ok = token != NULL && PKCS7_type_is_signed(token) &&
	    stamps_plain(x, resp, token);

	if (ok)
		stamps_unneeded(v, x, token, list);
	TS_RESP_free(resp);
	ERR_clear_error();
	if (ok)
		return CAMCA_OK;
	return report_wrong(&v->report, "stamp", x->name,
	    "The time-stamp does not hold: %s", "Dấu thời gian không hợp lệ: "
	    "%s", "its frame is not written as RFC 5652 has it");
}

/* pem: the certificates that go with the token x. */
static int
stamps_own_trust(struct verify *v, const struct file *x,
    const struct file *pem)
{
	struct refusal why = { .http = 0 };
	STACK_OF(X509) *list = NULL;
	int ret = verify_pem(pem->p, pem->n, STAMPS_CERTS_MAX, &list, &why);

	if (ret < 0)
		return report_refused(&v->report, ret, "stamp.trust",
		    pem->name, &why);
	ret = stamps_joined(v, pem, list);
	if (ret == CAMCA_OK)
		ret = stamps_token(v, x, list);
	sk_X509_pop_free(list, X509_free);
	return ret;
}

static int
stamps_check(struct verify *v, const struct file *x, const void *pem,
    size_t pem_len, const char *pem_name, int64_t *time_ms)
{
	struct timestamp_expect want = { .at_ms = 0 };
	struct refusal why = { .http = 0 };
	uint8_t hash[32];
	int ret;

	if (EVP_Digest(v->checkpoint->p, v->text_len, hash, NULL,
	    EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	want.sha256 = hash;
	ret = timestamp_trust(pem, pem_len, &want.trust, &why);
	if (ret < 0)
		return report_refused(&v->report, ret, "stamp.trust",
		    pem_name, &why);
	ret = timestamp_check(x->p, x->n, &want, time_ms, &why);
	timestamp_trust_free(want.trust);
	ERR_clear_error();
	if (ret == CAMCA_ENOMEM || ret == CAMCA_ECRYPTO || ret == CAMCA_OK)
		return ret;
	return report_wrong(&v->report, "stamp", x->name,
	    "The time-stamp does not hold: %s", "Dấu thời gian không hợp lệ: "
	    "%s", why.detail);
}

static int
stamps_one(struct verify *v, const struct file *x)
{
	struct verify_stamp *s = &v->stamps[v->nstamps];
	size_t n = strlen(x->name) - 4;
	const struct file *own;
	char pem[BUNDLE_NAME_MAX];
	int ret;

	if (v->nstamps >= VERIFY_STAMPS_MAX)
		return report_wrong(&v->report, "stamp.many", "",
		    "More than %d time-stamps.", "Có hơn %d dấu thời gian.",
		    VERIFY_STAMPS_MAX);
	snprintf(pem, sizeof pem, "%.*s.pem", (int)n, x->name);
	own = files_find(v->f, pem);
	if (own == NULL)
		return report_wrong(&v->report, "stamp.trust", pem,
		    "The certificates of a time-stamp are missing.",
		    "Thiếu chứng thư của một dấu thời gian.");
	if ((ret = stamps_own_trust(v, x, own)) < 0)
		return ret;
	if (v->conf.tsa != NULL)
		ret = stamps_check(v, x, v->conf.tsa->data, v->conf.tsa->len,
		    "--tsa", &s->time_ms);
	else
		ret = stamps_check(v, x, own->p, own->n, pem, &s->time_ms);
	if (ret < 0)
		return ret;
	snprintf(s->name, sizeof s->name, "%.*s", (int)(n - 11),
	    x->name + 11);
	v->nstamps++;
	return CAMCA_OK;
}

/* The log cannot have written its last event after others saw it. */
static void
stamps_late(struct verify *v, const struct verify_stamp *s)
{
	int64_t late = v->events[v->nevents - 1].time_ms - s->time_ms;

	if (late <= VERIFY_SKEW_MS)
		return;
	report_add(&v->report, REPORT_OPEN, "stamp.clock", "",
	    "The clock of the authority was ahead of that of %s by %lld "
	    "seconds at least.", "Đồng hồ của hệ thống cấp chứng thư nhanh hơn "
	    "đồng hồ của %s ít nhất %lld giây.", s->name,
	    (long long)(late / 1000));
}

int
verify_stamps(struct verify *v)
{
	char when[CTX_TIME_LEN];
	size_t i;
	int ret;

	for (i = files_next(v->f, BUNDLE_STAMP, 0); i < v->f->n;
	    i = files_next(v->f, BUNDLE_STAMP, i + 1)) {
		if ((ret = stamps_one(v, &v->f->list[i])) < 0)
			return ret;
		ctx_time_format(when, v->stamps[v->nstamps - 1].time_ms);
		report_add(&v->report, REPORT_PROVEN, "stamp",
		    v->f->list[i].name, "The time-stamping authority %s has "
		    "seen the checkpoint at %s: all events here are older.",
		    "Tổ chức cấp dấu thời gian %s đã thấy điểm kiểm soát lúc "
		    "%s: mọi sự kiện trong hồ sơ đều có trước đó.",
		    v->stamps[v->nstamps - 1].name, when);
		stamps_late(v, &v->stamps[v->nstamps - 1]);
	}
	if (files_count(v->f, BUNDLE_STAMP_TRUST) != v->nstamps)
		return report_wrong(&v->report, "stamp.extra", "",
		    "There are certificates of a time-stamp that is not here.",
		    "Có chứng thư của dấu thời gian không nằm trong hồ sơ.");
	return CAMCA_OK;
}
