/* SPDX-License-Identifier: Apache-2.0 */
/* The camera serves the new certificate, and that is seen in a handshake: no
 * "200 OK" counts. The old path stays until then; going back is one call. */
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "enroll/agent/visit.h"

#define ASSIGN_POLL_MIN_MS 250
#define ASSIGN_POLL_MAX_MS 2000

/* ---- the assignment ---- */

/* The assigned path whose leaf is served now; else the first assigned one. */
static const char *
assign_old(const struct visit *v, const char *but)
{
	const char *first = NULL;
	size_t i;

	for (i = 0; i < v->lists.assigned.n; i++) {
		const char *id = v->lists.assigned.v[i];
		const struct cam_path *p = visit_path(v, id);
		const struct cam_cert *c = p != NULL && p->n > 0 ?
		    visit_cert(v, p->cert[0]) : NULL;

		if (strcmp(id, but) == 0)
			continue;
		if (c != NULL && memcmp(c->sha256, v->served, 32) == 0)
			return id;
		if (first == NULL)
			first = id;
	}
	return first;
}

/* new_id is the path that the TLS server uses, instead of the one before. */
static int
assign_make(struct visit *v, const char *new_id)
{
	struct cam_why why = { 0 };
	const char *old = assign_old(v, new_id);
	int ret;

	visit_lists_stale(v, LIST_ASSIGNED);
	if (old == NULL) {
		ret = v->drv->assign_add(v->cam, new_id, &why);
	} else {
		ret = v->drv->assign_replace(v->cam, old, new_id, &why);
	}
	return ret < 0 ? visit_cam(v, ret, &why, "the path is assigned") :
	    CAMCA_OK;
}

/* HTTPS on, where it is not; a camera that we speak TLS with has it. */
static int
assign_https(struct visit *v)
{
	const struct cam_protocols *now = &v->lists.protocols;
	struct cam_protocols set = { .n = 1 };
	struct cam_why why = { 0 };
	size_t i;
	int ret;

	if (v->on_tls)
		return CAMCA_OK;
	if ((ret = visit_lists_need(v, LIST_PROTOCOLS)) < 0)
		return ret;
	for (i = 0; i < now->n; i++)
		if (strcmp(now->v[i].name, "HTTPS") == 0 && now->v[i].enabled)
			return CAMCA_OK;
	set.v[0] = (struct cam_protocol){ .name = "HTTPS", .enabled = true,
	    .port = visit_https_port(v) };
	visit_lists_stale(v, LIST_PROTOCOLS);
	ret = v->drv->protocols_set(v->cam, &set, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "HTTPS is switched on");
	visit_after(v, "HTTPS on, port %u", set.v[0].port);
	return CAMCA_OK;
}

int
step_assign(struct visit *v)
{
	const char *old;
	int ret = visit_lists_need(v, LIST_KEYSTORE & ~LIST_KEYS);

	if (ret < 0)
		return ret;
	old = assign_old(v, v->path_id);
	if (old != NULL)
		memcpy(v->old_path, old, strlen(old) + 1);
	visit_before(v, "assigned %s", old != NULL ? old :
	    visit_assigned(v, v->path_id) ? v->path_id : "nothing");
	if (visit_assigned(v, v->path_id)) {
		ret = assign_https(v);
		v->replaced = true;
		return ret < 0 ? ret : VISIT_SKIPPED;
	}
	ret = assign_make(v, v->path_id);
	v->replaced = v->replaced || ret == CAMCA_OK || ret == CAMCA_EUNKNOWN;
	if (ret == CAMCA_OK)
		ret = assign_https(v);
	visit_after(v, "assigned %s", v->path_id);
	return ret;
}

/* ---- the proof ---- */

/* Waits until the leaf is served. CAMCA_ENOENT with the last one seen in *s. */
static int
tls_wait(struct visit *v, const uint8_t sha256[static 32],
    struct cam_served *s)
{
	int64_t pause = ASSIGN_POLL_MIN_MS,
	    end = v->peer->mono_ms(v->peer->arg) + v->job->options.tls_wait_ms;
	struct cam_why why;
	int ret;

	for (;;) {
		memset(&why, 0, sizeof why);
		cam_served_fini(s);
		ret = v->drv->served(v->cam, visit_https_port(v), s, &why);
		if (ret == CAMCA_OK && s->n > 0 &&
		    memcmp(s->sha256, sha256, 32) == 0)
			return CAMCA_OK;
		if (ret == CAMCA_EBUSY || ret == CAMCA_ENOMEM ||
		    v->peer->mono_ms(v->peer->arg) >= end)
			break;
		if (visit_wait(v, pause) != 0)
			return CAMCA_EBUSY;
		pause = pause * 2 < ASSIGN_POLL_MAX_MS ? pause * 2 :
		    ASSIGN_POLL_MAX_MS;
	}
	return ret < 0 ? visit_cam(v, ret, &why, "the TLS handshake") :
	    CAMCA_ENOENT;
}

static void
tls_tell(struct visit *v, const struct cam_served *s)
{
	char hex[65], serial[64] = "";
	const ASN1_INTEGER *n = X509_get0_serialNumber(s->chain[0]);

	memcpy(v->served, s->sha256, 32);
	enc_hex(hex, s->sha256, 32);
	if (n != NULL && n->length > 0 && n->length < 32)
		enc_hex(serial, n->data, (size_t)n->length);
	visit_after(v, "serves %s, TLS 1.%d", hex, (s->version & 0xff) - 1);
	visit_extra(v, "served", json_pack("{s:s, s:s}", "sha256", hex,
	    "serial", serial));
}

static void
tls_before(struct visit *v)
{
	char hex[65];

	enc_hex(hex, v->served, 32);
	if (v->leaf_seen != LEAF_NONE)
		visit_before(v, "served %s", hex);
}

int
step_tls(struct visit *v)
{
	struct cam_served s = { 0 };
	int ret;

	tls_before(v);
	ret = tls_wait(v, v->leaf_sha256, &s);
	if (ret == CAMCA_OK && s.version < 0x0303)
		ret = visit_fail(v, "camera.tls-version", "The handshake ends "
		    "below TLS 1.2");
	if (ret == CAMCA_ENOENT)
		ret = visit_fail(v, "camera.tls-old-leaf", "The camera took "
		    "the new path but still serves another certificate after "
		    "%lld s", (long long)(v->job->options.tls_wait_ms / 1000));
	if (ret == CAMCA_OK) {
		tls_tell(v, &s);
		v->leaf_seen = LEAF_OURS;
		ret = visit_pin(v, v->leaf_sha256);
	}
	cam_served_fini(&s);
	return ret;
}

/* ---- the way back ---- */

/* The path to go back to: the one this visit replaced, else the one that the
 * aliases tell of. */
static const struct cam_path *
back_path(const struct visit *v)
{
	const struct cam_path *p = v->old_path[0] != '\0' ?
	    visit_path(v, v->old_path) : NULL;

	return p != NULL ? p : visit_previous(v);
}

/* A path becomes the assigned one again, as what step_tls_back waits for. */
static int
back_to(struct visit *v, const struct cam_path *p)
{
	const struct cam_cert *c;
	int ret = CAMCA_OK;

	if (p == NULL)
		return visit_fail(v, "camera.no-way-back", "The camera has no "
		    "earlier path to go back to");
	c = p->n > 0 ? visit_cert(v, p->cert[0]) : NULL;
	if (c == NULL)
		return visit_fail(v, "camera.no-way-back", "The leaf of path "
		    "%s is gone", p->id);
	memcpy(v->leaf_sha256, c->sha256, 32);
	memcpy(v->path_id, p->id, sizeof v->path_id);
	if (!visit_assigned(v, p->id))
		ret = assign_make(v, v->path_id);
	visit_after(v, "back to path %s", v->path_id);
	return ret;
}

int
step_assign_back(struct visit *v)
{
	int ret = visit_lists_need(v, LIST_KEYSTORE & ~LIST_KEYS);

	return ret < 0 ? ret : back_to(v, back_path(v));
}

/* A path that none of our jobs made: the factory's. */
int
step_assign_away(struct visit *v)
{
	const struct cam_path *p = NULL;
	size_t i;
	int ret = visit_lists_need(v, LIST_KEYSTORE & ~LIST_KEYS);

	for (i = 0; ret == CAMCA_OK && i < v->lists.paths.n && p == NULL; i++)
		if (!visit_is_ours(v, v->lists.paths.v[i].alias))
			p = &v->lists.paths.v[i];
	if (ret == CAMCA_OK && p == NULL)
		return visit_fail(v, "camera.no-way-back", "The camera has no "
		    "path of its factory left: reset it to factory defaults by "
		    "hand before it leaves");
	return ret < 0 ? ret : back_to(v, p);
}

int
step_tls_back(struct visit *v)
{
	struct cam_served s = { 0 };
	int ret = tls_wait(v, v->leaf_sha256, &s);

	if (ret == CAMCA_ENOENT)
		ret = visit_fail(v, "camera.tls-old-leaf", "The camera does "
		    "not go back to the certificate of path %s", v->path_id);
	if (ret == CAMCA_OK) {
		tls_tell(v, &s);
		v->leaf_seen = visit_leaf_judge(v, &s);
		ret = visit_pin(v, v->leaf_sha256);
	}
	cam_served_fini(&s);
	return ret;
}
