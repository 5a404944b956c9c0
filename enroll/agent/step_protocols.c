/* SPDX-License-Identifier: Apache-2.0 */
/* The last of hardening, when everything else is proven: plain HTTP off, no
 * answers to discovery, logins by SHA-256; and what nothing uses any more goes. */
#include <string.h>

#include "enroll/agent/visit.h"

static int
protocols_http_off(struct visit *v, bool *changed)
{
	const struct cam_protocols *now = &v->lists.protocols;
	struct cam_protocols set = { .n = 1 };
	struct cam_why why = { 0 };
	size_t i, on = 0;
	int ret = visit_lists_need(v, LIST_PROTOCOLS);

	if (ret < 0)
		return ret;
	for (i = 0; i < now->n; i++) {
		visit_before(v, "%s %s (%u)", now->v[i].name,
		    now->v[i].enabled ? "on" : "off", now->v[i].port);
		if (strcmp(now->v[i].name, "HTTP") == 0 && now->v[i].enabled) {
			set.v[0] = now->v[i];
			set.v[0].enabled = false;
			on++;
		}
	}
	if (on == 0)
		return CAMCA_OK;
	visit_lists_stale(v, LIST_PROTOCOLS);
	ret = v->drv->protocols_set(v->cam, &set, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "plain HTTP is switched off");
	visit_after(v, "HTTP off");
	*changed = true;
	return CAMCA_OK;
}

static int
protocols_discovery_off(struct visit *v, bool *changed)
{
	struct cam_why why = { 0 };
	int ret = visit_lists_try(v, LIST_DISCOVERY, &why);

	if (ret == CAMCA_OK && v->lists.discoverable) {
		visit_lists_stale(v, LIST_DISCOVERY);
		ret = v->drv->discoverable_set(v->cam, false, &why);
		if (ret == CAMCA_OK) {
			visit_after(v, "answers no discovery");
			*changed = true;
		}
	}
	/* Some cameras cannot; that keeps nobody out. */
	if (ret == CAMCA_EPERM) {
		visit_detail(v, "discovery: %s", why.text);
		return CAMCA_OK;
	}
	return ret < 0 ? visit_cam(v, ret, &why, "discovery is switched off") :
	    CAMCA_OK;
}

int
step_protocols(struct visit *v)
{
	const struct agent_options *op = &v->job->options;
	bool changed = false;
	int ret = CAMCA_OK;

	if (op->http_off && !v->on_tls)
		return visit_fail(v, "agent.no-tls", "Plain HTTP is the only "
		    "way in: it stays on");
	/* While plain HTTP is on there is a way back. */
	ret = visit_client_auth(v, &changed);
	if (ret == CAMCA_OK && op->http_off)
		ret = protocols_http_off(v, &changed);
	if (ret == CAMCA_OK && op->discovery_off)
		ret = protocols_discovery_off(v, &changed);
	if (ret == CAMCA_OK)
		ret = visit_hashing(v, &changed);
	return ret < 0 ? ret : changed ? CAMCA_OK : VISIT_SKIPPED;
}

/* ---- collecting ---- */

/* The path to go back to is kept as long as the next renewal, which needs a
 * key, two certificates and a path, finds room beside it. */
static bool
collect_keeps(const struct visit *v)
{
	const struct cam_caps *c = &v->caps;

	return visit_has_room(c->max_keys, v->lists.keys.n, 1) &&
	    visit_has_room(c->max_certs, v->lists.certs.n, 2) &&
	    visit_has_room(c->max_paths, v->lists.paths.n, 1);
}

int
step_collect(struct visit *v)
{
	unsigned gone = 0;
	bool keep;
	int ret;

	if (!v->caps.keystore)
		return VISIT_SKIPPED;
	/* What is deleted is gone: looked at anew before. */
	visit_lists_stale(v, LIST_KEYSTORE);
	if ((ret = visit_lists_need(v, LIST_KEYSTORE)) < 0)
		return ret;
	keep = collect_keeps(v);
	ret = visit_collect(v, false, !keep, &gone);
	if (ret == CAMCA_OK && keep && visit_previous(v) != NULL)
		visit_detail(v, "path %s is kept to go back to",
		    visit_previous(v)->id);
	return ret < 0 ? ret : gone > 0 ? CAMCA_OK : VISIT_SKIPPED;
}

/* Retired: nothing of ours stays, its keys least of all. */
int
step_collect_all(struct visit *v)
{
	unsigned gone = 0;
	int ret;

	if (!v->caps.keystore)
		return VISIT_SKIPPED;
	if ((ret = visit_client_away(v)) < 0)
		return ret;
	visit_lists_stale(v, LIST_KEYSTORE);
	ret = visit_collect(v, true, true, &gone);
	return ret < 0 ? ret : gone > 0 ? CAMCA_OK : VISIT_SKIPPED;
}
