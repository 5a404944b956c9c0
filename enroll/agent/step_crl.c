/* SPDX-License-Identifier: Apache-2.0 */
/* Cameras fetch no CRLs: they are pushed. There is no update in place; the new
 * one is uploaded, then the old one of the same issuer goes. Where there is one
 * slot only, the order is the other way round, and for that moment nothing is
 * revoked on this camera: that is told. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/agent/visit.h"

static X509_CRL *
crl_parse(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)len);

	ERR_clear_error();
	return crl;
}

/* Number of a CRL, -1 where it has none. */
static int64_t
crl_number(X509_CRL *crl)
{
	AUTO(ASN1_INTEGER) *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL,
	    NULL);
	int64_t out = -1;

	if (n == NULL || ASN1_INTEGER_get_int64(&out, n) != 1)
		out = -1;
	ERR_clear_error();
	return out;
}

/* One of the same issuer on the camera. */
static const struct cam_crl *
crl_older(const struct cam_crls *l, X509_CRL *mine, const char *but)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		AUTO(X509_CRL) *other = crl_parse(l->v[i].der,
		    l->v[i].der_len);

		if (other != NULL && strcmp(l->v[i].id, but) != 0 &&
		    X509_NAME_cmp(X509_CRL_get_issuer(other),
		    X509_CRL_get_issuer(mine)) == 0)
			return &l->v[i];
	}
	return NULL;
}

static const struct cam_crl *
crl_same(const struct cam_crls *l, const struct buf *der)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].der_len == der->len &&
		    memcmp(l->v[i].der, der->data, der->len) == 0)
			return &l->v[i];
	return NULL;
}

static int
crl_list(struct visit *v, struct cam_crls *l)
{
	struct cam_why why = { 0 };
	int ret;

	cam_crls_fini(l);
	ret = v->drv->crls(v->cam, l, &why);
	return ret < 0 ? visit_cam(v, ret, &why, "the CRLs are listed") :
	    CAMCA_OK;
}

static int
crl_put(struct visit *v, const uint8_t *der, size_t len,
    char id[static CAM_ID_MAX], enum cam_trouble *code)
{
	struct cam_why why = { 0 };
	int ret = v->drv->crl_upload(v->cam, der, len, v->job->alias, id,
	    &why);

	*code = why.code;
	return ret < 0 ? visit_cam(v, ret, &why, "the CRL is uploaded") :
	    CAMCA_OK;
}

/* The only slot: out with the old one, in with the new; where that fails, the
 * old one goes back. */
static int
crl_swap(struct visit *v, const struct cam_crl *old)
{
	const struct agent_job *j = v->job;
	int64_t begun = v->peer->mono_ms(v->peer->arg);
	struct cam_why why = { 0 };
	char id[CAM_ID_MAX];
	enum cam_trouble code;
	int ret;

	visit_detail(v, "one slot only: deleted before the new one went in");
	ret = v->drv->crl_delete(v->cam, old->id, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "the old CRL is deleted");
	ret = crl_put(v, j->crl.data, j->crl.len, id, &code);
	if (ret < 0 && ret != CAMCA_EUNKNOWN) {
		char failed[JOB_CODE_MAX];

		memcpy(failed, v->note.code, sizeof failed);
		if (crl_put(v, old->der, old->der_len, id, &code) == CAMCA_OK)
			visit_detail(v, "the old CRL was put back");
		memcpy(v->note.code, failed, sizeof failed);
		return ret;
	}
	visit_detail(v, "without a CRL for %lld ms",
	    (long long)(v->peer->mono_ms(v->peer->arg) - begun));
	return ret;
}

static int
crl_delete_older(struct visit *v, struct cam_crls *l, X509_CRL *mine,
    const char *id)
{
	const struct cam_crl *old;
	struct cam_why why = { 0 };
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < 16 && ret == CAMCA_OK; i++) {
		old = crl_older(l, mine, id);
		if (old == NULL)
			break;
		ret = v->drv->crl_delete(v->cam, old->id, &why);
		if (ret < 0 && why.code != CAM_NO_SUCH)
			return visit_cam(v, ret, &why, "an old CRL is "
			    "deleted");
		visit_after(v, "CRL %s deleted", old->id);
		ret = crl_list(v, l);
	}
	return ret;
}

static int
crl_push(struct visit *v, struct cam_crls *l, X509_CRL *mine)
{
	const struct agent_job *j = v->job;
	const struct cam_crl *old = crl_older(l, mine, ""), *same;
	enum cam_trouble code = CAM_NONE;
	char id[CAM_ID_MAX] = "";
	int ret;

	if (old != NULL)
		visit_before(v, "CRL %s", old->id);
	same = crl_same(l, &j->crl);
	if (same != NULL) {
		memcpy(id, same->id, sizeof id);
	} else if (old != NULL && v->caps.max_crls > 0 &&
	    l->n >= (size_t)v->caps.max_crls) {
		return crl_swap(v, old);
	} else {
		ret = crl_put(v, j->crl.data, j->crl.len, id, &code);
		if (ret < 0 && code == CAM_FULL && old != NULL) {
			v->note.code[0] = '\0';
			return crl_swap(v, old);
		}
		if (ret < 0 || (ret = crl_list(v, l)) < 0)
			return ret;
	}
	return crl_delete_older(v, l, mine, id);
}

/* A camera without CRLs is one of those whose viewers must look for
 * themselves. */
static int
crl_unsupported(struct visit *v)
{
	if (v->job->kind != JOB_CRL)
		return VISIT_SKIPPED;
	return visit_fail(v, "camera.unsupported", "This camera takes no CRLs: "
	    "keep revoked clients away from it at the network");
}

int
step_crl(struct visit *v)
{
	struct cam_crls l = { 0 };
	AUTO(X509_CRL) *mine = NULL;
	int ret;

	if (v->job->crl.len == 0 && v->job->kind != JOB_CRL)
		return VISIT_SKIPPED;
	mine = crl_parse(v->job->crl.data, v->job->crl.len);
	if (mine == NULL)
		return visit_fail(v, "agent.job", "The job brings no CRL that "
		    "can be read");
	if (!v->caps.keystore || v->caps.max_crls == 0)
		return crl_unsupported(v);
	ret = crl_list(v, &l);
	if (ret == CAMCA_OK)
		ret = crl_push(v, &l, mine);
	if (ret == CAMCA_OK && (ret = crl_list(v, &l)) == CAMCA_OK &&
	    crl_same(&l, &v->job->crl) == NULL)
		ret = visit_fail(v, "camera.crl", "The CRL is not listed as it "
		    "was uploaded");
	if (ret == CAMCA_OK)
		visit_after(v, "CRL number %lld, %zu bytes",
		    (long long)crl_number(mine), v->job->crl.len);
	cam_crls_fini(&l);
	if (ret < 0 && strcmp(v->note.code, "camera.unsupported") == 0)
		return crl_unsupported(v);
	return ret;
}
