/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: each one that an event tells of is there, none else is, and each
 * leads to a root. Time of that question is when the certificate was made:
 * years later all of them have ended, and were still good then. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

#define CERTS_CHAIN "ca-chain.pem"
#define CERTS_TRUST "--trust"

/* Years 1970 to 9999 in ms; else CAMCA_EINVAL. */
static int
certs_time(const ASN1_TIME *t, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds, ret = CAMCA_EINVAL;

	if (epoch == NULL)
		return CAMCA_ENOMEM;
	if (ASN1_TIME_diff(&days, &seconds, epoch, t) == 1) {
		*out = ((int64_t)days * 86400 + seconds) * 1000;
		ret = CAMCA_OK;
	}
	ASN1_TIME_free(epoch);
	return ret;
}

/* ---- the chain ---- */

static int
certs_trust(struct verify *v, STACK_OF(X509) **out)
{
	const struct buf *pem = v->conf.trust;
	struct refusal why = { .http = 0 };
	int ret = verify_pem(pem->data, pem->len, VERIFY_CHAIN_MAX, out, &why);

	if (ret == CAMCA_OK && sk_X509_num(*out) == 0)
		ret = refuse(&why, CAMCA_EINVAL, 400, "trust",
		    "no certificate in it");
	return ret < 0 ? report_refused(&v->report, ret, "trust",
	    CERTS_TRUST, &why) : CAMCA_OK;
}

static bool
certs_has(const STACK_OF(X509) *list, const X509 *c)
{
	int i;

	for (i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), c) == 0)
			return true;
	return false;
}

/* The bundle's roots are trusted where the reader brings none; else they must
 * be his. */
static int
certs_root(struct verify *v, X509 *c, const STACK_OF(X509) *trust)
{
	char hex[65];

	if (trust != NULL && !certs_has(trust, c)) {
		if (verify_fingerprint(c, hex) < 0)
			return CAMCA_ECRYPTO;
		return report_wrong(&v->report, "chain.root", CERTS_CHAIN,
		    "Its root (SHA-256 %s) is not one that you trust.",
		    "Chứng thư gốc trong đó (SHA-256 %s) không thuộc danh sách "
		    "bạn tin cậy.", hex);
	}
	return X509_STORE_add_cert(v->store, c) == 1 ? CAMCA_OK :
	    CAMCA_ENOMEM;
}

static int
certs_roots(struct verify *v)
{
	STACK_OF(X509) *trust = NULL;
	int i, roots = 0, ret = CAMCA_OK;
	X509 *c;

	if (v->conf.trust != NULL && (ret = certs_trust(v, &trust)) < 0)
		return ret;
	for (i = 0; i < sk_X509_num(v->chain) && ret == CAMCA_OK; i++) {
		c = sk_X509_value(v->chain, i);
		if (!verify_self_signed(c))
			continue;
		roots++;
		ret = certs_root(v, c, trust);
	}
	sk_X509_pop_free(trust, X509_free);
	if (ret == CAMCA_OK && roots == 0)
		ret = report_wrong(&v->report, "chain.root", CERTS_CHAIN,
		    "No root is in it.", "Không có chứng thư gốc.");
	return ret;
}

static int
certs_chain(struct verify *v)
{
	const struct file *x = files_find(v->f, CERTS_CHAIN);
	struct refusal why = { .http = 0 };
	int i, ret = verify_pem(x->p, x->n, VERIFY_CHAIN_MAX, &v->chain, &why);

	if (ret < 0)
		return report_refused(&v->report, ret, "chain", CERTS_CHAIN,
		    &why);
	v->store = X509_STORE_new();
	v->issuers = X509_STORE_new();
	if (v->store == NULL || v->issuers == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < sk_X509_num(v->chain); i++)
		if (X509_STORE_add_cert(v->issuers,
		    sk_X509_value(v->chain, i)) != 1)
			return CAMCA_ENOMEM;
	return certs_roots(v);
}

/* ---- one certificate ---- */

static int
certs_read(struct verify *v, struct verify_cert *c, const struct file *x)
{
	struct refusal why = { .http = 0 };
	STACK_OF(X509) *list = NULL;
	int ret = verify_pem(x->p, x->n, 1, &list, &why);

	if (ret == CAMCA_OK && sk_X509_num(list) != 1)
		ret = refuse(&why, CAMCA_EINVAL, 400, "cert",
		    "no certificate in it");
	if (ret == CAMCA_OK)
		c->x = sk_X509_pop(list);
	sk_X509_pop_free(list, X509_free);
	return ret < 0 ? report_refused(&v->report, ret, "cert", x->name,
	    &why) : CAMCA_OK;
}

bool
verify_serial(const ASN1_INTEGER *s, uint8_t out[static 20])
{
	int n = ASN1_STRING_length(s);

	if (ASN1_STRING_type(s) != V_ASN1_INTEGER || n < 1 || n > 20)
		return false;
	memset(out, 0, 20);
	memcpy(out + 20 - n, ASN1_STRING_get0_data(s), (size_t)n);
	return true;
}

static bool
certs_serial_is(const X509 *x, const uint8_t serial[static 20])
{
	uint8_t padded[20];

	return verify_serial(X509_get0_serialNumber(x), padded) &&
	    memcmp(padded, serial, sizeof padded) == 0;
}

static bool
certs_key_is(X509 *x, const uint8_t spki[static 32])
{
	unsigned char *der = NULL;
	uint8_t hash[32];
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool same = n > 0 && EVP_Digest(der, (size_t)n, hash, NULL,
	    EVP_sha256(), NULL) == 1 && memcmp(hash, spki, 32) == 0;

	OPENSSL_free(der);
	return same;
}

static bool
certs_issuer_is(X509 *x, const uint8_t ski[static 20])
{
	const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(x);

	return id != NULL && ASN1_STRING_length(id) == 20 &&
	    memcmp(ASN1_STRING_get0_data(id), ski, 20) == 0;
}

/* What the event says of it, line by line. */
static int
certs_match(struct verify *v, const struct verify_cert *c,
    const struct file *x)
{
	const char *what = NULL, *vi = NULL;
	uint8_t hash[32];

	if (X509_digest(c->x, EVP_sha256(), hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	if (memcmp(hash, c->sha256, sizeof hash) != 0)
		what = "hash", vi = "giá trị băm";
	else if (!certs_serial_is(c->x, c->serial_bytes))
		what = "serial number", vi = "số sê-ri";
	else if (!certs_key_is(c->x, c->spki))
		what = "key", vi = "khóa";
	else if (!certs_issuer_is(c->x, c->ski))
		what = "issuer", vi = "tổ chức phát hành";
	if (what == NULL)
		return CAMCA_OK;
	return report_wrong(&v->report, "cert.event", x->name,
	    "The certificate is not the one that event %zu tells of: another "
	    "%s.", "Chứng thư không phải là chứng thư mà sự kiện %zu nói đến: "
	    "khác %s.", c->event + 1, report_word(&v->report, what, vi));
}

/* Place in ca-chain.pem, or -1. */
static int
certs_in_chain(const struct verify *v, const X509 *c)
{
	int i;

	for (i = 0; i < sk_X509_num(v->chain); i++)
		if (X509_cmp(sk_X509_value(v->chain, i), c) == 0)
			return i;
	return -1;
}

static int
certs_astray(struct verify *v, const struct verify_cert *c,
    const char *file, X509_STORE_CTX *ctx)
{
	ERR_clear_error();
	return report_wrong(&v->report, "cert.chain", file,
	    "When event %zu issued certificate %s, it did not lead to a "
	    "trusted root: %s.", "Khi sự kiện %zu cấp chứng thư %s, chứng thư "
	    "này không dẫn đến chứng thư gốc tin cậy: %s.", c->event + 1,
	    c->serial, X509_verify_cert_error_string(
	    X509_STORE_CTX_get_error(ctx)));
}

/* RFC 5280 6.1 from x on, at the time when c was issued. *next_out: place of the
 * certificate behind x in the path. */
static int
certs_path(struct verify *v, X509_STORE *store, X509 *x,
    const struct verify_cert *c, const char *file, int *next_out)
{
	AUTO(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();
	const STACK_OF(X509) *path;
	int i, at;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, store, x, v->chain) != 1)
		return CAMCA_ENOMEM;
	X509_STORE_CTX_set_time(ctx, 0, (time_t)(c->issued_ms / 1000));
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CHECK_SS_SIGNATURE |
	    (store == v->issuers ? X509_V_FLAG_PARTIAL_CHAIN : 0));
	if (X509_verify_cert(ctx) != 1)
		return certs_astray(v, c, file, ctx);
	path = X509_STORE_CTX_get0_chain(ctx);
	*next_out = -1;
	for (i = 1; i < sk_X509_num(path); i++) {
		at = certs_in_chain(v, sk_X509_value(path, i));
		if (at >= 0)
			v->chain_used[at] = true;
		if (i == 1)
			*next_out = at;
	}
	return CAMCA_OK;
}

/* The certificate to its issuer each time; the issuer to the root only once: a
 * device may have hundreds under the same. */
static int
certs_lead(struct verify *v, struct verify_cert *c, const struct file *x)
{
	int at = -1, above, ret;

	ret = certs_path(v, v->issuers, c->x, c, x->name, &at);
	if (ret < 0)
		return ret;
	if (at < 0)
		return report_wrong(&v->report, "cert.chain", x->name,
		    "Its issuer is not in ca-chain.pem.",
		    "Tổ chức phát hành không có trong ca-chain.pem.");
	c->issuer = sk_X509_value(v->chain, at);
	if (v->chain_led[at])
		return CAMCA_OK;
	v->chain_led[at] = true;
	return certs_path(v, v->store, c->issuer, c, CERTS_CHAIN, &above);
}

static int
certs_one(struct verify *v, struct verify_cert *c)
{
	char name[BUNDLE_NAME_MAX];
	const struct file *x;
	int ret;

	snprintf(name, sizeof name, "certs/%s.pem", c->serial);
	x = files_find(v->f, name);
	if (x == NULL)
		return report_wrong(&v->report, "cert.missing", name,
		    "Event %zu issued this certificate, and it is not here.",
		    "Sự kiện %zu cấp chứng thư này nhưng hồ sơ không có tệp.",
		    c->event + 1);
	if ((ret = certs_read(v, c, x)) < 0 ||
	    (ret = certs_match(v, c, x)) < 0)
		return ret;
	if (certs_time(X509_get0_notBefore(c->x), &c->not_before_ms) < 0 ||
	    certs_time(X509_get0_notAfter(c->x), &c->not_after_ms) < 0)
		return report_wrong(&v->report, "cert", x->name,
		    "Its validity cannot be read.",
		    "Không đọc được thời hạn hiệu lực.");
	return certs_lead(v, c, x);
}

/* Nothing is there that no event tells of, and nothing that nobody needs. */
static int
certs_extra(struct verify *v)
{
	char hex[65];
	size_t i;
	int j;

	for (i = files_next(v->f, BUNDLE_CERT, 0); i < v->f->n;
	    i = files_next(v->f, BUNDLE_CERT, i + 1)) {
		memcpy(hex, v->f->list[i].name + 6, 40);
		hex[40] = '\0';
		if (verify_find_cert(v, hex) >= v->ncerts)
			return report_wrong(&v->report, "cert.extra",
			    v->f->list[i].name, "No event has issued it.",
			    "Không có sự kiện nào cấp chứng thư này.");
	}
	for (j = 0; j < sk_X509_num(v->chain); j++)
		if (!v->chain_used[j] && (v->ncerts > 0 ||
		    !verify_self_signed(sk_X509_value(v->chain, j))))
			return report_wrong(&v->report, "chain.extra",
			    CERTS_CHAIN, "Certificate %d in it belongs to no "
			    "certificate of the device.", "Chứng thư thứ %d "
			    "trong đó không thuộc chứng thư nào của thiết bị.",
			    j + 1);
	return CAMCA_OK;
}

int
verify_certs(struct verify *v)
{
	size_t i;
	int ret;

	if ((ret = certs_chain(v)) < 0)
		return ret;
	for (i = 0; i < v->ncerts; i++)
		if ((ret = certs_one(v, &v->certs[i])) < 0)
			return ret;
	if ((ret = certs_extra(v)) < 0)
		return ret;
	if (v->ncerts > 0)
		report_add(&v->report, REPORT_PROVEN, "certs", "",
		    "The certificates (%zu) are those that the events issued, "
		    "one by one, and each led to the root then.",
		    "%zu chứng thư đúng là các chứng thư mà sự kiện đã cấp, "
		    "từng cái một, và khi đó đều dẫn đến chứng thư gốc.",
		    v->ncerts);
	else
		report_add(&v->report, REPORT_PROVEN, "certs", "",
		    "No certificate was issued to the device by these events.",
		    "Các sự kiện này không cấp chứng thư nào cho thiết bị.");
	return CAMCA_OK;
}
