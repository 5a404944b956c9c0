/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that a camera serves: is it the one we know? Until that is
 * clear no login is sent to whoever answers at the address. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/auto.h"
#include "enroll/agent/visit.h"

#define LEAF_HTTPS_PORT 443

uint16_t
visit_https_port(const struct visit *v)
{
	return v->job->reach.https_port != 0 ? v->job->reach.https_port :
	    LEAF_HTTPS_PORT;
}

/* Exactly one common name, and it is the device's id: profiles say so, and an
 * RA's request is refused otherwise. */
static bool
leaf_names_device(const struct visit *v, X509 *cert)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const char *id = v->job->device.id;
	unsigned char *text = NULL;
	bool same;
	int n;

	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return false;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(name, at)));
	same = n >= 0 && (size_t)n == strlen(id) &&
	    memcmp(text, id, (size_t)n) == 0;
	OPENSSL_free(text);
	return same;
}

/* Roots among trust are anchors; the rest only helps to build the path. */
static X509_STORE *
leaf_anchors(const struct visit *v)
{
	X509_STORE *store = X509_STORE_new();
	X509 *c;
	int i, ok = store != NULL;

	for (i = 0; ok && i < sk_X509_num(v->job->trust); i++) {
		c = sk_X509_value(v->job->trust, i);
		if (X509_self_signed(c, 0) == 1)
			ok = X509_STORE_add_cert(store, c);
	}
	if (ok)
		return store;
	X509_STORE_free(store);
	return NULL;
}

/* Times are not looked at: a certificate that ran out last night still is the
 * camera's own, and its renewal is what we came for. */
static bool
leaf_chains(const struct visit *v, X509 *cert, X509 **issuer_out)
{
	AUTO(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();
	AUTO(X509_STORE) *store = leaf_anchors(v);
	STACK_OF(X509) *chain;
	bool ok;

	if (ctx == NULL || store == NULL ||
	    X509_STORE_CTX_init(ctx, store, cert, v->job->trust) != 1)
		return false;
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	ok = X509_verify_cert(ctx) == 1;
	chain = X509_STORE_CTX_get0_chain(ctx);
	if (ok && sk_X509_num(chain) < 2)
		ok = false;               /* an anchor is no camera */
	if (ok && issuer_out != NULL) {
		*issuer_out = sk_X509_value(chain, 1);
		X509_up_ref(*issuer_out);
	}
	return ok;
}

bool
visit_is_issued(const struct visit *v, X509 *cert, X509 **issuer_out)
{
	bool yes = X509_check_ca(cert) == 0 && leaf_names_device(v, cert) &&
	    leaf_chains(v, cert, issuer_out);

	ERR_clear_error();
	return yes;
}

/* One that was revoked is not good because its signature is: its key may be
 * what was stolen. What this very visit was issued is on no list yet. */
static bool
leaf_in_force(const struct visit *v, const struct cam_served *s)
{
	const struct agent_job *j = v->job;
	size_t i;

	if (!j->has_issued || (v->leaf != NULL &&
	    memcmp(s->sha256, v->leaf_sha256, 32) == 0))
		return true;
	for (i = 0; i < j->issued_count; i++)
		if (memcmp(s->sha256, j->issued[i], 32) == 0)
			return true;
	return false;
}

enum leaf_kind
visit_leaf_judge(const struct visit *v, const struct cam_served *s)
{
	const struct agent_job *j = v->job;

	if (s->n == 0)
		return LEAF_NONE;
	if ((j->has_held && memcmp(s->sha256, j->held, 32) == 0) ||
	    (j->reach.has_leaf && memcmp(s->sha256, j->reach.leaf, 32) == 0))
		return LEAF_HELD;
	return leaf_in_force(v, s) && visit_is_issued(v, s->chain[0], NULL) ?
	    LEAF_OURS : LEAF_OTHER;
}

X509 *
visit_client_root(const struct visit *v)
{
	AUTO(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();
	AUTO(X509_STORE) *store = leaf_anchors(v);
	const struct ident *id = v->job->ident;
	X509_VERIFY_PARAM *p;
	STACK_OF(X509) *chain;
	X509 *root = NULL;

	/* Only what is sent with it helps: the camera has no more. */
	if (id != NULL && ctx != NULL && store != NULL &&
	    X509_STORE_CTX_init(ctx, store, id->cert, id->chain) == 1) {
		p = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_time(p, (time_t)(ctx_now_ms(
		    v->peer->ctx) / 1000));
		if (X509_VERIFY_PARAM_set_purpose(p,
		    X509_PURPOSE_SSL_CLIENT) == 1 &&
		    X509_verify_cert(ctx) == 1) {
			chain = X509_STORE_CTX_get0_chain(ctx);
			root = sk_X509_value(chain, sk_X509_num(chain) - 1);
			X509_up_ref(root);
		}
	}
	ERR_clear_error();
	return root;
}

int
visit_pin(struct visit *v, const uint8_t sha256[static 32])
{
	struct cam_link link = { .scheme = CAM_HTTPS,
	    .host = v->job->reach.host, .port = visit_https_port(v),
	    .leaf_sha256 = sha256 };
	struct cam_why why = { 0 };
	int ret;

	if (v->job->reach.path[0] != '\0')
		link.path = v->job->reach.path;
	ret = v->drv->move(v->cam, &link, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "the link becomes HTTPS");
	v->on_tls = true;
	return CAMCA_OK;
}

int
visit_repin(struct visit *v)
{
	struct cam_served s = { 0 };
	struct cam_why why = { 0 };
	int ret = CAMCA_OK;
	bool known;

	if (!v->on_tls)
		return CAMCA_OK;
	if (v->drv->served(v->cam, visit_https_port(v), &s, &why) < 0)
		return CAMCA_OK;
	known = memcmp(s.sha256, v->before, 32) == 0 ||
	    (v->leaf != NULL && memcmp(s.sha256, v->leaf_sha256, 32) == 0) ||
	    visit_leaf_judge(v, &s) != LEAF_OTHER;
	if (known)
		ret = visit_pin(v, s.sha256);
	cam_served_fini(&s);
	return ret;
}
