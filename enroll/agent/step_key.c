/* SPDX-License-Identifier: Apache-2.0 */
/* The key is made on the camera and never leaves it; found again by its alias
 * after whatever went wrong. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/agent/csr_check.h"
#include "enroll/agent/visit.h"

#define KEY_RSA_BITS 3072              /* the baseline's; 2048 where need be */

const char *
visit_key_name(const struct visit *v)
{
	return v->key_type == CAM_RSA ? "RSA" :
	    v->key_type == CAM_P256 ? "P-256" : "P-384";
}

/* ---- which key ---- */

/* The best length that both take: 3072, else the next above, else below. */
static unsigned
key_rsa_bits(const struct cam_caps *c, const struct agent_label *l)
{
	unsigned best = 0, b;
	size_t i;

	if (c->rsa_bits[0] == 0)       /* not told: what all of them can */
		return l->rsa_min > 2048 ? l->rsa_min : 2048;
	for (i = 0; i < CAM_RSA_LENGTHS && (b = c->rsa_bits[i]) != 0; i++)
		if (b >= l->rsa_min && b <= l->rsa_max &&
		    (best < KEY_RSA_BITS || b <= KEY_RSA_BITS))
			best = b;
	return best;
}

static bool
key_fits(struct visit *v, const struct agent_label *l)
{
	const struct cam_caps *c = &v->caps;

	v->label = l;
	v->key_bits = 0;
	if (l->p256 && c->p256) {
		v->key_type = CAM_P256;
		return true;
	}
	if (l->p384 && c->p384) {
		v->key_type = CAM_P384;
		return true;
	}
	v->key_type = CAM_RSA;
	v->key_bits = l->rsa && c->rsa ? key_rsa_bits(c, l) : 0;
	return v->key_bits != 0;
}

int
visit_choose_key(struct visit *v)
{
	size_t i;

	if (!v->caps.keystore || !v->caps.pkcs10)
		return visit_fail(v, "camera.unsupported", "The camera has no "
		    "Security service that makes certificate requests: its "
		    "TLS certificate must be installed in its own way");
	for (i = 0; i < v->job->labels_count; i++)
		if (key_fits(v, &v->job->labels[i]))
			return CAMCA_OK;
	return visit_fail(v, "camera.no-key-type", "None of the keys that this "
	    "camera makes is certified under a label for it: see \"keys\" and "
	    "\"rsa_min_bits\" of the profiles");
}

/* ---- making it ---- */

static const struct cam_key *
key_mine(const struct visit *v)
{
	size_t i;

	for (i = 0; i < v->lists.keys.n; i++)
		if (visit_is_mine(v, v->lists.keys.v[i].alias) &&
		    v->lists.keys.v[i].has_private)
			return &v->lists.keys.v[i];
	return NULL;
}

static int
key_full(struct visit *v, const char *what)
{
	return visit_fail(v, "camera.full", "No slot is left for %s and "
	    "nothing in the camera is ours to delete: remove what is not used "
	    "in its certificate page", what);
}

static int
key_make(struct visit *v)
{
	struct cam_why why = { 0 };
	int64_t estimate = 0;
	bool again = true;
	int ret;

	for (;;) {
		visit_lists_stale(v, LIST_KEYS);
		ret = v->drv->key_create(v->cam, v->key_type, v->key_bits,
		    v->job->alias, v->key_id, &estimate, &why);
		if (ret == CAMCA_OK)
			return ret;
		if (why.code != CAM_FULL || !again)
			break;
		again = false;
		if (!visit_make_room(v, false))
			return key_full(v, "a key");
	}
	return visit_cam(v, ret, &why, "the key pair is begun");
}

static int
key_wait(struct visit *v)
{
	struct cam_why why = { 0 };
	int ret = v->drv->key_wait(v->cam, v->key_id, v->peer->key_ms,
	    &why);

	return ret < 0 ? visit_cam(v, ret, &why, "the key pair is made") :
	    CAMCA_OK;
}

/* A key that came out broken is made once more. */
static int
key_again(struct visit *v)
{
	struct cam_why why = { 0 };
	int ret = v->drv->key_delete(v->cam, v->key_id, &why);

	if (ret < 0 && why.code != CAM_NO_SUCH)
		return visit_cam(v, ret, &why, "the broken key is deleted");
	note_reset(&v->note);
	visit_detail(v, "key %s came out corrupt and was made again",
	    v->key_id);
	ret = key_make(v);
	return ret < 0 ? ret : key_wait(v);
}

/* A certificate that this job has put on the camera already: nothing of key,
 * request and EST is left to do. */
static bool
key_has_cert(struct visit *v)
{
	size_t i;

	for (i = 0; i < v->lists.certs.n && v->leaf == NULL; i++) {
		const struct cam_cert *c = &v->lists.certs.v[i];
		const unsigned char *p = c->der;
		AUTO(X509) *x = NULL;

		if (!visit_is_mine(v, c->alias))
			continue;
		x = d2i_X509(NULL, &p, (long)c->der_len);
		if (x == NULL || !visit_is_issued(v, x, &v->issuer))
			continue;
		v->leaf = TAKE(x);
		memcpy(v->leaf_sha256, c->sha256, 32);
		memcpy(v->cert_id, c->id, sizeof v->cert_id);
		memcpy(v->key_id, c->key_id, sizeof v->key_id);
	}
	return v->leaf != NULL;
}

int
step_key(struct visit *v)
{
	const struct cam_key *k;
	int ret;

	if ((ret = visit_choose_key(v)) < 0 ||
	    (ret = visit_lists_need(v, LIST_KEYS | LIST_CERTS)) < 0)
		return ret;
	if (key_has_cert(v)) {
		visit_detail(v, "this job's certificate is on the camera");
		return VISIT_SKIPPED;
	}
	k = key_mine(v);
	if (k != NULL) {
		memcpy(v->key_id, k->id, sizeof v->key_id);
		visit_detail(v, "this job's key is on the camera");
	} else if ((ret = key_make(v)) < 0) {
		return ret;
	}
	ret = key_wait(v);
	if (ret < 0 && strcmp(v->note.code, "camera.key-corrupt") == 0)
		ret = key_again(v);
	if (ret == CAMCA_OK)
		visit_after(v, "key %s, %s %.0u", v->key_id,
		    visit_key_name(v), v->key_bits);
	return ret;
}

/* ---- the request ---- */

/* A key that another certificate of this camera has is no new one: a camera
 * that gives the same key twice is told. */
static int
csr_key_is_new(struct visit *v, EVP_PKEY *pub)
{
	size_t i;
	int ret = visit_lists_need(v, LIST_CERTS);

	for (i = 0; ret == CAMCA_OK && i < v->lists.certs.n; i++) {
		const struct cam_cert *c = &v->lists.certs.v[i];
		const unsigned char *p = c->der;
		AUTO(X509) *x = d2i_X509(NULL, &p, (long)c->der_len);

		if (x == NULL || visit_is_mine(v, c->alias) ||
		    EVP_PKEY_eq(X509_get0_pubkey(x), pub) != 1)
			continue;
		return visit_fail(v, "camera.key-reused", "The new key is the "
		    "one of certificate %s: the camera makes no fresh keys",
		    c->id);
	}
	return ret;
}

int
step_csr(struct visit *v)
{
	struct cam_csr_ask ask = { .key_id = v->key_id, .type = v->key_type,
	    .common_name = v->job->device.id };
	struct csr_want want = { v->job->device.id, v->key_type, v->label };
	AUTO(EVP_PKEY) *pub = NULL;
	struct cam_why why = { 0 };
	struct refusal r = { 0 };
	int ret;

	if (v->leaf != NULL)
		return VISIT_SKIPPED;
	buf_reset(&v->csr);
	ret = v->drv->csr(v->cam, &ask, &v->csr, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "the request is made");
	ret = csr_check(&v->csr, &want, &pub, &r);
	if (ret < 0)
		return visit_peer_failed(v, ret, &r);
	if ((ret = csr_key_is_new(v, pub)) < 0)
		return ret;
	visit_after(v, "%s, %d bits, signed by its key", visit_key_name(v),
	    EVP_PKEY_get_bits(pub));
	if (v->key_type == CAM_RSA &&
	    EVP_PKEY_get_bits(pub) < (int)v->key_bits)
		visit_detail(v, "%u bits were asked for", v->key_bits);
	return CAMCA_OK;
}
