/* SPDX-License-Identifier: Apache-2.0 */
/* Keystores of cameras have four slots, or sixteen: what nothing uses any more
 * is deleted in the only order that works, path, certificate, key. Only what
 * earlier jobs made: a factory's certificate and key are never touched. */
#include <string.h>

#include "enroll/agent/visit.h"

#define ROOM_CA_ALIAS "camca:ca:"
#define ROOM_ORPHANS_MAX 16

struct room {
	struct visit *v;
	bool mine, previous;
	const char *keep;              /* path to go back to, or NULL */
	/* Keys of certificates that went: many cameras make a nameless one for
	 * each CA certificate, and it fills a slot. */
	char orphan[ROOM_ORPHANS_MAX][CAM_ID_MAX];
	size_t orphans;
	unsigned gone;
};

static bool
room_may_go(const struct room *r, const char *alias)
{
	if (strncmp(alias, ROOM_CA_ALIAS, strlen(ROOM_CA_ALIAS)) == 0)
		return true;
	return visit_is_ours(r->v, alias) &&
	    (r->mine || !visit_is_mine(r->v, alias));
}

/* The camera's word counts: what it still uses stays. */
static int
room_gone(struct room *r, int ret, const struct cam_why *why,
    const char *what, const char *id)
{
	struct visit *v = r->v;

	/* A key may go with its certificate. */
	visit_lists_stale(v, strcmp(what, "path") == 0 ? LIST_PATHS :
	    LIST_CERTS | LIST_KEYS);
	if (ret == CAMCA_OK || why->code == CAM_NO_SUCH) {
		r->gone++;
		visit_after(v, "%s %s deleted", what, id);
		return CAMCA_OK;
	}
	if (ret == CAMCA_EIO || ret == CAMCA_ETIME || ret == CAMCA_EUNKNOWN ||
	    ret == CAMCA_EBUSY)
		return visit_cam(v, ret, why, what);
	visit_detail(v, "%s %s stays: %s", what, id, why->text);
	return CAMCA_OK;
}

static int
room_paths(struct room *r)
{
	struct visit *v = r->v;
	struct cam_why why = { 0 };
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < v->lists.paths.n && ret == CAMCA_OK; i++) {
		const struct cam_path *p = &v->lists.paths.v[i];

		if (!room_may_go(r, p->alias) || visit_assigned(v, p->id) ||
		    (r->keep != NULL && strcmp(p->id, r->keep) == 0))
			continue;
		ret = room_gone(r, v->drv->path_delete(v->cam, p->id, &why),
		    &why, "path", p->id);
	}
	return ret;
}

static bool
room_cert_used(const struct visit *v, const char *cert)
{
	size_t i, k;

	for (i = 0; i < v->lists.paths.n; i++)
		for (k = 0; k < v->lists.paths.v[i].n; k++)
			if (strcmp(v->lists.paths.v[i].cert[k], cert) == 0)
				return true;
	return false;
}

static int
room_certs(struct room *r)
{
	struct visit *v = r->v;
	struct cam_why why = { 0 };
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < v->lists.certs.n && ret == CAMCA_OK; i++) {
		const struct cam_cert *c = &v->lists.certs.v[i];

		if (!room_may_go(r, c->alias) || room_cert_used(v, c->id))
			continue;
		/* The issuing CA just uploaded has no path yet. */
		if (!r->mine && strcmp(c->id, v->issuer_id) == 0)
			continue;
		ret = room_gone(r, v->drv->cert_delete(v->cam, c->id, &why),
		    &why, "certificate", c->id);
		if (ret == CAMCA_OK && r->orphans < ROOM_ORPHANS_MAX)
			memcpy(r->orphan[r->orphans++], c->key_id,
			    sizeof c->key_id);
	}
	return ret;
}

static bool
room_key_may_go(const struct room *r, const struct cam_key *k)
{
	size_t i;

	if (k->alias[0] != '\0' || k->has_private)
		return visit_is_ours(r->v, k->alias) &&
		    room_may_go(r, k->alias);
	for (i = 0; i < r->orphans; i++)
		if (strcmp(r->orphan[i], k->id) == 0)
			return true;
	return false;
}

static int
room_keys(struct room *r)
{
	struct visit *v = r->v;
	struct cam_why why = { 0 };
	size_t i, k;
	bool used;
	int ret = CAMCA_OK;

	for (i = 0; i < v->lists.keys.n && ret == CAMCA_OK; i++) {
		const struct cam_key *key = &v->lists.keys.v[i];

		if (!room_key_may_go(r, key))
			continue;
		for (k = 0, used = false; k < v->lists.certs.n; k++)
			used |= strcmp(v->lists.certs.v[k].key_id,
			    key->id) == 0;
		if (!used)
			ret = room_gone(r, v->drv->key_delete(v->cam, key->id,
			    &why), &why, "key", key->id);
	}
	return ret;
}

int
visit_collect(struct visit *v, bool mine, bool previous, unsigned *gone_out)
{
	static int (*const parts[])(struct room *) = { room_paths, room_certs,
	    room_keys };
	struct room r = { .v = v, .mine = mine };
	char keep[CAM_ID_MAX] = "";
	const struct cam_path *p;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < 3 && ret == CAMCA_OK; i++) {
		ret = visit_lists_need(v, LIST_KEYSTORE);
		if (ret == CAMCA_OK && i == 0 && !previous &&
		    (p = visit_previous(v)) != NULL) {
			memcpy(keep, p->id, sizeof keep);
			r.keep = keep;
		}
		if (ret == CAMCA_OK)
			ret = parts[i](&r);
	}
	if (gone_out != NULL)
		*gone_out = r.gone;
	return ret;
}

/* A path that nobody assigned and that we did not make: its certificates and
 * keys stay, so that it can be made again. */
static bool
room_foreign_path(struct visit *v)
{
	struct cam_why why = { 0 };
	size_t i;

	for (i = 0; i < v->lists.paths.n; i++) {
		const struct cam_path *p = &v->lists.paths.v[i];

		if (visit_assigned(v, p->id) || visit_is_ours(v, p->alias))
			continue;
		visit_lists_stale(v, LIST_PATHS);
		if (v->drv->path_delete(v->cam, p->id, &why) == CAMCA_OK) {
			visit_detail(v, "path %s, which nothing used, made "
			    "room; its certificates stay", p->id);
			return true;
		}
	}
	return false;
}

bool
visit_make_room(struct visit *v, bool path)
{
	unsigned gone = 0;

	/* It is full, whatever we thought. */
	visit_lists_stale(v, LIST_KEYSTORE);
	if (visit_collect(v, false, true, &gone) < 0)
		return false;
	if (gone == 0 && path)
		return visit_lists_need(v, LIST_KEYSTORE) == CAMCA_OK &&
		    room_foreign_path(v);
	return gone > 0;
}
