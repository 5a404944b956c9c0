/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates demanded by the camera, where the policy asks for it. The
 * order keeps us from locking ourselves out: our own certificate is checked
 * against the anchor first; then anchor, validation policy and its assignment;
 * then the demand, while a connection from before it is open; then two
 * handshakes prove that we are taken and a stranger is not. Else it is taken
 * back at once, over that connection or plain HTTP, which is still on. */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/agent/visit.h"

#define CLIENT_POLL_MS 500
#define CLIENT_NOS 3             /* a server that restarts ends connections */

struct client_run {
	char alias[CAM_ALIAS_MAX];   /* the same for each camera and visit */
	char policy[CAM_ID_MAX];     /* ours */
	char before[CAM_ID_MAX];     /* assigned before; "": none */
	bool made;                   /* the policy, now */
	bool http;                   /* a way back without TLS */
};

/* ---- policy ---- */

/* Named after the root: another root gets a policy of its own. It is no
 * job's, so that what collects old jobs leaves it alone. */
static int
client_root(struct visit *v, struct client_run *r, uint8_t **der, int *len)
{
	AUTO(X509) *root = visit_client_root(v);
	uint8_t sha[32];
	unsigned n = 0;
	char hex[17];

	if (root == NULL)
		return visit_fail(v, "agent.client-cert", "Our own certificate "
		    "does not chain to the root that the camera would be "
		    "given: asking for client certificates would lock us out");
	*len = i2d_X509(root, der);
	if (*len <= 0 || X509_digest(root, EVP_sha256(), sha, &n) != 1) {
		ERR_clear_error();
		return visit_fail(v, "agent.internal", "The root cannot be "
		    "written");
	}
	enc_hex(hex, sha, 8);
	snprintf(r->alias, sizeof r->alias, "camca-trust:%s", hex);
	return CAMCA_OK;
}

static int
client_anchor(struct visit *v, struct client_run *r)
{
	struct cam_uploaded up = { .was_there = false };
	struct cam_upload u = { .alias = r->alias };
	struct cam_why why = { 0 };
	const char *ids[1] = { up.cert_id };
	uint8_t *der = NULL;
	int len = 0, ret = client_root(v, r, &der, &len);

	if (ret < 0)
		return ret;
	ret = v->drv->policy_find(v->cam, r->alias, r->policy, &why);
	if (ret == CAMCA_OK && r->policy[0] == '\0') {
		u.der = der;
		u.der_len = (size_t)len;
		visit_lists_stale(v, LIST_CERTS);
		ret = v->drv->cert_upload(v->cam, &u, &up, &why);
		if (ret == CAMCA_OK)
			ret = v->drv->policy_create(v->cam, ids, 1, r->alias,
			    r->policy, &why);
		r->made = ret == CAMCA_OK;
	}
	OPENSSL_free(der);
	return ret < 0 ? visit_cam(v, ret, &why, "the validation policy is "
	    "made") : CAMCA_OK;
}

static int
client_assign(struct visit *v, struct client_run *r)
{
	struct cam_protocols p = { .n = 0 };
	struct cam_why why = { 0 };
	struct cam_ids now = { 0 };
	size_t i;
	int ret = v->drv->policies_assigned(v->cam, &now, &why);

	if (ret == CAMCA_OK && now.n > 0 && strcmp(now.v[0], r->policy) != 0)
		memcpy(r->before, now.v[0], sizeof r->before);
	cam_ids_fini(&now);
	if (ret == CAMCA_OK)
		ret = v->drv->protocols(v->cam, &p, &why);
	for (i = 0; i < p.n; i++)
		if (strcmp(p.v[i].name, "HTTP") == 0)
			r->http = p.v[i].enabled;
	if (ret == CAMCA_OK)
		ret = v->drv->policy_assign(v->cam, r->policy, &why);
	return ret < 0 ? visit_cam(v, ret, &why, "the validation policy is "
	    "assigned") : CAMCA_OK;
}

/* ---- proof ---- */

/* Until the answer is want, or for so long as a switch may take. A "no" to us
 * is not waited out: it is taken back. */
static int
client_ask(struct visit *v, bool with_cert, bool want, bool *got)
{
	int64_t end = v->peer->mono_ms(v->peer->arg) +
	    v->job->options.tls_wait_ms;
	struct cam_why why = { 0 };
	unsigned nos = 0;
	int ret;

	for (;;) {
		*got = !want;
		ret = v->drv->client_taken(v->cam, with_cert, got, &why);
		if (ret == CAMCA_OK && *got == want)
			return CAMCA_OK;
		nos += ret == CAMCA_OK && with_cert;
		if (nos >= CLIENT_NOS || v->peer->mono_ms(v->peer->arg) >= end)
			break;
		if (visit_wait(v, CLIENT_POLL_MS) != 0)
			return CAMCA_EBUSY;
	}
	return ret < 0 ? visit_cam(v, ret, &why, "the proof by a handshake") :
	    CAMCA_OK;
}

static int
client_prove(struct visit *v)
{
	struct cam_why why = { 0 };
	bool got = false;
	int ret = client_ask(v, true, true, &got);

	if (ret == CAMCA_OK && !got)
		return visit_fail(v, "camera.client-auth", "The camera refuses "
		    "our own client certificate");
	if (ret == CAMCA_OK)
		ret = client_ask(v, false, false, &got);
	if (ret == CAMCA_OK && got)
		return visit_fail(v, "camera.client-auth-ignored", "The camera "
		    "said yes, but still talks to whoever shows no "
		    "certificate");
	if (ret < 0)
		return ret;
	/* The link itself, from here on, over a new connection. */
	if ((ret = visit_pin(v, v->served)) < 0)
		return ret;
	ret = v->drv->client_auth(v->cam, &got, &why);
	return ret < 0 ? visit_cam(v, ret, &why, "the camera is asked over "
	    "the new TLS") : CAMCA_OK;
}

/* ---- back ---- */

/* Over plain HTTP, by Digest: no secret goes that way. */
static int
client_off_http(struct visit *v, struct cam_why *why)
{
	const struct agent_reach *reach = &v->job->reach;
	struct cam_link link = { .scheme = CAM_HTTP, .host = reach->host,
	    .port = reach->http_port };
	int ret;

	if (reach->path[0] != '\0')
		link.path = reach->path;
	ret = v->drv->move(v->cam, &link, why);
	if (ret == CAMCA_OK)
		ret = v->drv->client_auth_set(v->cam, false, why);
	return ret;
}

static int
client_off(struct visit *v, bool http)
{
	struct cam_why why = { 0 };
	int ret = v->drv->client_auth_set(v->cam, false, &why), back;

	if (ret < 0 && http && v->job->reach.http_port != 0)
		ret = client_off_http(v, &why);
	back = visit_pin(v, v->served);
	if (ret < 0)
		return visit_cam(v, ret, &why, "client certificates are no "
		    "longer asked for");
	return back;
}

/* What the camera does not let go does no harm without the demand. */
static void
client_forget(struct visit *v, const struct client_run *r)
{
	struct cam_why why = { 0 };
	int ret = v->drv->policy_assign(v->cam, r->before[0] != '\0' ?
	    r->before : NULL, &why);

	if (ret == CAMCA_OK && r->made)
		ret = v->drv->policy_delete(v->cam, r->policy, &why);
	if (ret < 0)
		visit_detail(v, "the validation policy stays: %s", why.text);
}

static int
client_back(struct visit *v, const struct client_run *r)
{
	char code[JOB_CODE_MAX];
	bool critical = v->critical;
	int ret;

	memcpy(code, v->note.code, sizeof code);
	v->critical = true;            /* also while stopping */
	ret = client_off(v, r->http);
	v->critical = critical;
	if (ret < 0) {
		v->note.code[0] = '\0';
		return visit_fail(v, "camera.client-auth-stuck", "It goes on "
		    "asking for client certificates and refuses ours: switch "
		    "that off in its own page, or reset it");
	}
	client_forget(v, r);
	visit_after(v, "client certificates are not asked for, as before");
	memcpy(v->note.code, code, sizeof code);
	return CAMCA_OK;
}

/* ---- the step's part ---- */

static int
client_on(struct visit *v, bool *changed)
{
	struct client_run r = { .made = false };
	struct cam_why why = { 0 };
	int ret, back = CAMCA_OK;

	if ((ret = client_anchor(v, &r)) == CAMCA_OK &&
	    (ret = client_assign(v, &r)) == CAMCA_OK) {
		ret = v->drv->client_auth_set(v->cam, true, &why);
		/* Its answer lost, it may ask all the same: see. */
		if (ret == CAMCA_OK || ret == CAMCA_EUNKNOWN)
			ret = client_prove(v);
		else
			ret = visit_cam(v, ret, &why, "client certificates "
			    "are asked for");
	}
	if (ret == CAMCA_OK) {
		visit_after(v, "asks for client certificates: ours is taken, "
		    "a stranger is not");
		*changed = true;
		return CAMCA_OK;
	}
	if (r.policy[0] != '\0')
		back = client_back(v, &r);
	if (back < 0 || ret == CAMCA_EBUSY)
		return back < 0 ? back : ret;
	/* The camera is as it was; the rest of the job is worth doing. */
	visit_finding(v);
	return CAMCA_OK;
}

int
visit_client_auth(struct visit *v, bool *changed)
{
	struct cam_why why = { 0 };
	bool on = false;
	int ret;

	if (!v->job->options.require_client_cert)
		return CAMCA_OK;
	if (!v->on_tls)
		return visit_fail(v, "agent.no-tls", "Client certificates "
		    "need TLS first");
	if (!v->caps.keystore || !v->caps.client_auth) {
		visit_detail(v, "the camera cannot ask for client "
		    "certificates");
		return CAMCA_OK;
	}
	ret = v->drv->client_auth(v->cam, &on, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "the demand for client "
		    "certificates is read");
	visit_before(v, "client certificates %s", on ? "asked for" : "not "
	    "asked for");
	return on ? CAMCA_OK : client_on(v, changed);
}

static int
client_drop_root(struct visit *v, const char *alias)
{
	struct cam_why why = { 0 };
	size_t i;
	int ret;

	visit_lists_stale(v, LIST_CERTS);
	ret = visit_lists_need(v, LIST_CERTS);
	for (i = 0; ret == CAMCA_OK && i < v->lists.certs.n; i++)
		if (strcmp(v->lists.certs.v[i].alias, alias) == 0 &&
		    v->drv->cert_delete(v->cam, v->lists.certs.v[i].id,
		    &why) < 0)
			visit_detail(v, "the root stays: %s", why.text);
	return ret;
}

/* Retired: nobody of ours comes back, so nobody of ours is asked for. */
int
visit_client_away(struct visit *v)
{
	struct client_run r = { .made = false };
	struct cam_why why = { 0 };
	struct cam_ids now = { 0 };
	uint8_t *der = NULL;
	bool ours;
	int len, ret;

	if (!v->caps.client_auth || client_root(v, &r, &der, &len) < 0) {
		v->note.code[0] = '\0';
		return CAMCA_OK;
	}
	OPENSSL_free(der);
	ret = v->drv->policy_find(v->cam, r.alias, r.policy, &why);
	if (ret == CAMCA_OK && r.policy[0] != '\0')
		ret = v->drv->policies_assigned(v->cam, &now, &why);
	ours = now.n > 0 && strcmp(now.v[0], r.policy) == 0;
	cam_ids_fini(&now);
	if (ret < 0)
		return visit_cam(v, ret, &why, "validation policies are read");
	if (r.policy[0] == '\0')
		return CAMCA_OK;
	r.made = true;
	if (ours && (ret = client_off(v, false)) < 0)
		return ret;
	if (ours)
		visit_after(v, "client certificates are not asked for");
	client_forget(v, &r);
	return client_drop_root(v, r.alias);
}
