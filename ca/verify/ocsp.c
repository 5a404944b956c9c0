/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP answers that the authority made for this bundle, one for each certificate
 * that had not ended: signed after the events, by a key that its CA certified
 * for that. RFC 6960. */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/ocsp_data.h"
#include "ca/verify/verify_int.h"

AUTO_DEFINE(OCSP_RESPONSE, OCSP_RESPONSE_free)
AUTO_DEFINE(OCSP_BASICRESP, OCSP_BASICRESP_free)
AUTO_DEFINE(OCSP_CERTID, OCSP_CERTID_free)

struct ocsp_answer {
	struct verify *v;
	struct verify_cert *c;
	const struct file *x;
	OCSP_BASICRESP *basic;
	struct ocsp_data d;
};

static int
ocsp_bad(const struct ocsp_answer *a, const char *en, const char *vi)
{
	ERR_clear_error();
	return report_wrong(&a->v->report, "ocsp.form", a->x->name,
	    "It is no OCSP answer that can be read: %s.",
	    "Không đọc được câu trả lời OCSP: %s.",
	    report_word(&a->v->report, en, vi));
}

/* DER has one spelling: what OpenSSL writes again, from the inside out, is what
 * was read. */
static bool
ocsp_same(const struct ocsp_answer *a)
{
	AUTO(OCSP_RESPONSE) *r = OCSP_response_create(
	    OCSP_RESPONSE_STATUS_SUCCESSFUL, a->basic);
	unsigned char *again = NULL;
	int n = r != NULL ? i2d_OCSP_RESPONSE(r, &again) : -1;
	bool same = n > 0 && (size_t)n == a->x->n &&
	    memcmp(again, a->x->p, a->x->n) == 0;

	OPENSSL_free(again);
	return same;
}

static int
ocsp_read(struct ocsp_answer *a)
{
	const unsigned char *p = a->x->p;
	AUTO(OCSP_RESPONSE) *r = d2i_OCSP_RESPONSE(NULL, &p, (long)a->x->n);

	if (r == NULL)
		return ocsp_bad(a, "not DER", "không phải DER");
	if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return ocsp_bad(a, "an error", "là thông báo lỗi");
	a->basic = OCSP_response_get1_basic(r);
	if (a->basic == NULL)
		return ocsp_bad(a, "not basic", "không phải dạng cơ bản");
	return ocsp_same(a) ? CAMCA_OK : ocsp_bad(a, "not DER",
	    "không phải DER");
}

/* RFC 6960 4.2.2.2: by the CA itself, or by a key that it certified. The time of
 * the question is that of the answer. */
static int
ocsp_signed(struct ocsp_answer *a)
{
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(a->v->issuers);
	int ok;

	/* Its issuer has led to a root already. */
	X509_VERIFY_PARAM_set_time(param, (time_t)a->d.produced_s);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	ok = OCSP_basic_verify(a->basic, a->v->chain, a->v->issuers, 0);
	X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME |
	    X509_V_FLAG_PARTIAL_CHAIN);
	ERR_clear_error();
	if (ok == 1)
		return CAMCA_OK;
	return report_wrong(&a->v->report, "ocsp.signature", a->x->name,
	    "It is not signed by a key that its CA certified for that.",
	    "Không do khóa được CA của nó chứng nhận ký.");
}

/* Is it about this certificate, under its issuer? */
static int
ocsp_about(struct ocsp_answer *a)
{
	static const EVP_MD *(*const mds[])(void) = { EVP_sha1, EVP_sha256 };
	size_t i;

	for (i = 0; i < sizeof mds / sizeof mds[0]; i++) {
		AUTO(OCSP_CERTID) *id = OCSP_cert_to_id(mds[i](), a->c->x,
		    a->c->issuer);

		if (id == NULL)
			return CAMCA_ENOMEM;
		if (a->d.n == 1 && OCSP_id_cmp(id, a->d.singles[0].id) == 0)
			return CAMCA_OK;
	}
	return report_wrong(&a->v->report, "ocsp.other", a->x->name,
	    "It is about another certificate.",
	    "Câu trả lời nói về một chứng thư khác.");
}

static int
ocsp_agrees(struct ocsp_answer *a)
{
	const struct ocsp_single *s = &a->d.singles[0];
	const struct verify_cert *c = a->c;
	int64_t since = s->revoked_s * 1000;
	bool same = s->revoked == (c->status != VERIFY_GOOD);

	/* "unspecified" is left out where there is no reason (5280 5.3.1). */
	if (same && s->revoked)
		same = (s->reason < 0 ? 0 : s->reason) == c->reason &&
		    since <= c->since_ms &&
		    since >= c->since_ms - VERIFY_SKEW_MS;
	if (same)
		return CAMCA_OK;
	return report_wrong(&a->v->report, "ocsp.event", a->x->name,
	    "It calls the certificate %s, and the events of the device say "
	    "something else: one is missing, or was altered.", "Câu trả lời "
	    "ghi chứng thư '%s', còn các sự kiện của thiết bị nói khác: có sự "
	    "kiện bị thiếu hoặc bị sửa.", s->revoked ? "revoked" : "good");
}

/* The part that is signed, read as the authority writes it and not otherwise. */
static int
ocsp_data(struct ocsp_answer *a)
{
	const OCSP_RESPDATA *data = OCSP_resp_get0_respdata(a->basic);
	unsigned char *der = NULL;
	int n = i2d_OCSP_RESPDATA(data, &der), ret;
	void *hold = NULL;

	ret = n > 0 ? ocsp_data_decode(&a->d, der, (size_t)n, &hold) :
	    CAMCA_EINVAL;
	if (ret == CAMCA_EINVAL)
		ret = ocsp_bad(a, "other contents than such an answer has",
		    "nội dung khác với loại câu trả lời này");
	if (ret == CAMCA_OK && (ret = ocsp_about(a)) == CAMCA_OK &&
	    (ret = ocsp_signed(a)) == CAMCA_OK)
		ret = ocsp_agrees(a);
	ocsp_data_release(hold);
	OPENSSL_free(der);
	return ret;
}

static int
ocsp_one(struct verify *v, struct verify_cert *c, size_t *n)
{
	struct ocsp_answer a = { .v = v, .c = c };
	char name[BUNDLE_NAME_MAX];
	int ret;

	snprintf(name, sizeof name, "ocsp/%s.der", c->serial);
	a.x = files_find(v->f, name);
	if (a.x == NULL && c->not_after_ms <= c->crl_ms)
		return CAMCA_OK;
	if (a.x == NULL)
		return report_wrong(&v->report, "ocsp.missing", name,
		    "The certificate had not ended, and there is no OCSP "
		    "answer about it.", "Chứng thư chưa hết hạn nhưng không có "
		    "câu trả lời OCSP.");
	++*n;
	ret = ocsp_read(&a);
	if (ret == CAMCA_OK)
		ret = ocsp_data(&a);
	OCSP_BASICRESP_free(a.basic);
	if (v->ocsp_ms == 0 || a.d.produced_s * 1000 < v->ocsp_ms)
		v->ocsp_ms = a.d.produced_s * 1000;
	return ret;
}

int
verify_ocsp(struct verify *v)
{
	char when[CTX_TIME_LEN];
	size_t i, n = 0;
	int ret;

	for (i = 0; i < v->ncerts; i++)
		if ((ret = ocsp_one(v, &v->certs[i], &n)) < 0)
			return ret;
	if (files_count(v->f, BUNDLE_OCSP) != n)
		return report_wrong(&v->report, "ocsp.extra", "",
		    "There is an OCSP answer about a certificate that is not "
		    "of this device.", "Có câu trả lời OCSP về chứng thư không "
		    "thuộc thiết bị này.");
	if (n == 0)
		return CAMCA_OK;
	ctx_time_format(when, v->ocsp_ms);
	report_add(&v->report, REPORT_PROVEN, "ocsp", "",
	    "The OCSP answers (%zu, the oldest of %s) are signed and say what "
	    "the events say.", "Các câu trả lời OCSP (%zu, cũ nhất lúc %s) có "
	    "chữ ký hợp lệ và khớp với các sự kiện.", n, when);
	return CAMCA_OK;
}
