/* SPDX-License-Identifier: Apache-2.0 */
/* From the camera's request to a certification path on the camera. */
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/agent/visit.h"
#include "enroll/renew/bag.h"

#define CERT_BUSY_MAX_MS 10000
#define CERT_BUSY_TRIES 3

static int
cert_der_hash(X509 *x, struct buf *der, uint8_t out[static 32])
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p), ret;

	if (n < 0)
		return CAMCA_ENOMEM;
	SHA256(p, (size_t)n, out);
	ret = buf_put(der, p, (size_t)n);
	OPENSSL_free(p);
	return ret;
}

/* ---- EST ---- */

static EVP_PKEY *
cert_csr_key(const struct visit *v)
{
	const unsigned char *p = v->csr.data;
	AUTO(X509_REQ) *req = d2i_X509_REQ(NULL, &p, (long)v->csr.len);

	return req != NULL ? X509_REQ_get_pubkey(req) : NULL;
}

/* The same request and key again give the same certificate: a lost answer
 * costs nothing. */
static int
cert_est(struct visit *v, EVP_PKEY *pub, X509 **leaf, STACK_OF(X509) **bag)
{
	struct refusal why = { 0 };
	int64_t pause;
	unsigned i;
	int ret;

	for (i = 0;; i++) {
		memset(&why, 0, sizeof why);
		ret = v->peer->est(v->peer->arg, v->label->name, &v->csr, pub,
		    leaf, bag, &why);
		if ((ret != CAMCA_EBUSY && ret != CAMCA_EIO &&
		    ret != CAMCA_ETIME) || i >= CERT_BUSY_TRIES)
			break;
		pause = why.retry_after_s > 0 ? why.retry_after_s * 1000 :
		    500 << i;
		if (visit_wait(v, pause < CERT_BUSY_MAX_MS ? pause :
		    CERT_BUSY_MAX_MS) != 0)
			break;
	}
	if (ret == CAMCA_OK)
		return ret;
	visit_peer_failed(v, ret, &why);
	/* Not the camera's fault; it has done what it could. */
	if (ret == CAMCA_EBUSY || ret == CAMCA_EIO || ret == CAMCA_ETIME)
		snprintf(v->note.code, sizeof v->note.code, "agent.gate");
	return CAMCA_EPERM;
}

static int
cert_take(struct visit *v, X509 *leaf, STACK_OF(X509) *bag)
{
	struct buf der;
	int ret;

	/* What came with it may build the path; it is trusted no more for
	 * that. */
	if (X509_add_certs(v->job->trust, bag, X509_ADD_FLAG_UP_REF |
	    X509_ADD_FLAG_NO_DUP | X509_ADD_FLAG_NO_SS) != 1)
		return CAMCA_ENOMEM;
	X509_free(v->issuer);
	v->issuer = NULL;
	if (!visit_is_issued(v, leaf, &v->issuer))
		return visit_fail(v, "est.certificate", "The certificate that "
		    "came back is not for this device under the CAs that the "
		    "job names");
	buf_init(&der, CAM_DER_MAX);
	ret = cert_der_hash(leaf, &der, v->leaf_sha256);
	buf_fini(&der);
	X509_free(v->leaf);
	v->leaf = leaf;
	X509_up_ref(leaf);
	return ret;
}

int
step_certificate(struct visit *v)
{
	STACK_OF(X509) *bag = NULL;
	AUTO(EVP_PKEY) *pub = NULL;
	AUTO(X509) *leaf = NULL;
	char hex[65];
	int ret;

	if (v->leaf != NULL)
		return VISIT_SKIPPED;
	pub = cert_csr_key(v);
	if (pub == NULL)
		return CAMCA_ENOMEM;
	ret = cert_est(v, pub, &leaf, &bag);
	if (ret == CAMCA_OK)
		ret = cert_take(v, leaf, bag);
	bag_free(bag);
	ERR_clear_error();
	if (ret < 0)
		return ret;
	enc_hex(hex, v->leaf_sha256, 32);
	visit_after(v, "certificate %s, label %s", hex, v->label->name);
	return CAMCA_OK;
}

/* ---- onto the camera ---- */

static const struct cam_cert *
cert_by_hash(const struct visit *v, const uint8_t sha256[static 32])
{
	size_t i;

	for (i = 0; i < v->lists.certs.n; i++)
		if (memcmp(v->lists.certs.v[i].sha256, sha256, 32) == 0)
			return &v->lists.certs.v[i];
	return NULL;
}

/* One certificate, unless it is there; room is made once. */
static int
cert_put(struct visit *v, X509 *x, bool leaf, char id[static CAM_ID_MAX])
{
	char alias[CAM_ALIAS_MAX], hex[65];
	struct cam_uploaded done;
	struct cam_why why = { 0 };
	const struct cam_cert *c;
	struct cam_upload u;
	struct buf der;
	uint8_t hash[32];
	int ret;

	buf_init(&der, CAM_DER_MAX);
	if ((ret = cert_der_hash(x, &der, hash)) < 0)
		goto out;
	if ((c = cert_by_hash(v, hash)) != NULL) {
		memcpy(id, c->id, CAM_ID_MAX);
		goto out;
	}
	enc_hex(hex, hash, 8);
	snprintf(alias, sizeof alias, leaf ? "%s" : "camca:ca:%s",
	    leaf ? v->job->alias : hex);
	u = (struct cam_upload){ der.data, der.len, alias, leaf };
	/* Some cameras make a nameless key for it. */
	visit_lists_stale(v, LIST_CERTS | LIST_KEYS);
	ret = v->drv->cert_upload(v->cam, &u, &done, &why);
	if (ret < 0 && why.code == CAM_FULL && visit_make_room(v, false))
		ret = v->drv->cert_upload(v->cam, &u, &done, &why);
	if (ret == CAMCA_OK)
		memcpy(id, done.cert_id, CAM_ID_MAX);
	else
		ret = visit_cam(v, ret, &why, leaf ? "the certificate is "
		    "uploaded" : "the issuing CA is uploaded");
out:
	buf_fini(&der);
	return ret;
}

int
step_upload(struct visit *v)
{
	const struct cam_cert *c;
	int ret;

	if ((ret = visit_lists_need(v, LIST_CERTS)) < 0 ||
	    (ret = cert_put(v, v->issuer, false, v->issuer_id)) < 0 ||
	    (ret = cert_put(v, v->leaf, true, v->cert_id)) < 0 ||
	    (ret = visit_lists_need(v, LIST_CERTS)) < 0)
		return ret;
	c = visit_cert(v, v->cert_id);
	if (c == NULL || memcmp(c->sha256, v->leaf_sha256, 32) != 0)
		return visit_fail(v, "camera.upload", "The certificate is not "
		    "listed as it was uploaded");
	if (c->key_id[0] != '\0' && strcmp(c->key_id, v->key_id) != 0)
		return visit_fail(v, "camera.upload", "The camera ties the "
		    "certificate to key %s instead of %s", c->key_id,
		    v->key_id);
	visit_after(v, "issuing CA %s, certificate %s", v->issuer_id,
	    v->cert_id);
	return CAMCA_OK;
}

/* ---- the path ---- */

/* A path that begins with our certificate, whoever made it. */
static const struct cam_path *
path_of_leaf(const struct visit *v)
{
	size_t i;

	for (i = 0; i < v->lists.paths.n; i++)
		if (v->lists.paths.v[i].n > 0 &&
		    strcmp(v->lists.paths.v[i].cert[0], v->cert_id) == 0)
			return &v->lists.paths.v[i];
	return NULL;
}

int
step_path(struct visit *v)
{
	const char *certs[2] = { v->cert_id, v->issuer_id };
	struct cam_why why = { 0 };
	const struct cam_path *p;
	unsigned tries = 0;
	int ret = visit_lists_need(v, LIST_PATHS);

	if (ret < 0)
		return ret;
	if ((p = path_of_leaf(v)) != NULL) {
		memcpy(v->path_id, p->id, sizeof v->path_id);
		visit_after(v, "path %s", v->path_id);
		return VISIT_SKIPPED;
	}
	do {
		ret = v->drv->path_create(v->cam, certs, 2, v->job->alias,
		    v->path_id, &why);
	} while (ret < 0 && why.code == CAM_FULL && tries++ < 2 &&
	    visit_make_room(v, true));
	if (ret < 0) {
		visit_lists_stale(v, LIST_PATHS);
		return visit_cam(v, ret, &why, "the path is made");
	}
	visit_after(v, "path %s", v->path_id);
	/* That it is there is proven when it is served. */
	return visit_lists_add_path(v, v->path_id, v->job->alias, certs, 2);
}
