/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in the camera's keystore, and whose it is: that is told by the
 * alias, "camca:<device>:<job>". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/agent/visit.h"

void
visit_lists_fini(struct visit_lists *l)
{
	cam_keys_fini(&l->keys);
	cam_certs_fini(&l->certs);
	cam_paths_fini(&l->paths);
	cam_ids_fini(&l->assigned);
	cam_accounts_fini(&l->accounts);
	l->known = 0;
}

/* ---- reading ---- */

static int
lists_keys(struct visit *v, struct cam_why *why)
{
	cam_keys_fini(&v->lists.keys);
	return v->drv->keys(v->cam, &v->lists.keys, why);
}

static int
lists_certs(struct visit *v, struct cam_why *why)
{
	cam_certs_fini(&v->lists.certs);
	return v->drv->certs(v->cam, &v->lists.certs, why);
}

static int
lists_paths(struct visit *v, struct cam_why *why)
{
	cam_paths_fini(&v->lists.paths);
	return v->drv->paths(v->cam, &v->lists.paths, why);
}

static int
lists_assigned(struct visit *v, struct cam_why *why)
{
	cam_ids_fini(&v->lists.assigned);
	return v->drv->assigned(v->cam, &v->lists.assigned, why);
}

static int
lists_accounts(struct visit *v, struct cam_why *why)
{
	cam_accounts_fini(&v->lists.accounts);
	return v->drv->accounts(v->cam, &v->lists.accounts, why);
}

static int
lists_protocols(struct visit *v, struct cam_why *why)
{
	int ret = v->drv->protocols(v->cam, &v->lists.protocols, why);

	if (ret < 0)
		v->lists.protocols.n = 0;
	return ret;
}

static int
lists_discovery(struct visit *v, struct cam_why *why)
{
	return v->drv->discoverable(v->cam, &v->lists.discoverable, why);
}

static const struct list_row {
	enum visit_list which;
	int (*read)(struct visit *v, struct cam_why *why);
	const char *what;
} lists_table[] = {
	{ LIST_KEYS, lists_keys, "the keys are listed" },
	{ LIST_CERTS, lists_certs, "the certificates are listed" },
	{ LIST_PATHS, lists_paths, "the paths are listed" },
	{ LIST_ASSIGNED, lists_assigned, "the assigned paths are listed" },
	{ LIST_ACCOUNTS, lists_accounts, "the accounts are listed" },
	{ LIST_PROTOCOLS, lists_protocols, "the protocols are read" },
	{ LIST_DISCOVERY, lists_discovery, "the discovery mode is read" },
};

static int
lists_one(struct visit *v, const struct list_row *r, struct cam_why *why)
{
	int ret;

	if (v->lists.known & r->which)
		return CAMCA_OK;
	ret = r->read(v, why);
	if (ret == CAMCA_OK)
		v->lists.known |= r->which;
	return ret;
}

int
visit_lists_need(struct visit *v, unsigned which)
{
	const struct list_row *r = lists_table,
	    *end = r + sizeof lists_table / sizeof lists_table[0];
	struct cam_why why;
	int ret;

	for (; r < end; r++) {
		if (!(which & r->which))
			continue;
		memset(&why, 0, sizeof why);
		if ((ret = lists_one(v, r, &why)) < 0)
			return visit_cam(v, ret, &why, r->what);
	}
	return CAMCA_OK;
}

int
visit_lists_try(struct visit *v, enum visit_list which, struct cam_why *why)
{
	const struct list_row *r = lists_table;

	while (r->which != which)
		r++;
	return lists_one(v, r, why);
}

void
visit_lists_stale(struct visit *v, unsigned which)
{
	v->lists.known &= ~which;
}

int
visit_lists_add_path(struct visit *v, const char *id, const char *alias,
    const char *const *certs, size_t n)
{
	struct cam_paths *l = &v->lists.paths;
	struct cam_path *p = reallocarray(l->v, l->n + 1, sizeof *p);
	size_t i;

	if (p == NULL)
		return CAMCA_ENOMEM;
	l->v = p;
	p += l->n++;
	memset(p, 0, sizeof *p);
	snprintf(p->id, sizeof p->id, "%s", id);
	snprintf(p->alias, sizeof p->alias, "%s", alias);
	for (i = 0; i < n && i < sizeof p->cert / sizeof p->cert[0]; i++)
		snprintf(p->cert[p->n++], sizeof p->cert[0], "%s", certs[i]);
	return CAMCA_OK;
}

/* ---- looking ---- */

const struct cam_path *
visit_path(const struct visit *v, const char *id)
{
	size_t i;

	for (i = 0; i < v->lists.paths.n; i++)
		if (strcmp(v->lists.paths.v[i].id, id) == 0)
			return &v->lists.paths.v[i];
	return NULL;
}

const struct cam_cert *
visit_cert(const struct visit *v, const char *id)
{
	size_t i;

	for (i = 0; i < v->lists.certs.n; i++)
		if (strcmp(v->lists.certs.v[i].id, id) == 0)
			return &v->lists.certs.v[i];
	return NULL;
}

bool
visit_assigned(const struct visit *v, const char *path_id)
{
	size_t i;

	for (i = 0; i < v->lists.assigned.n; i++)
		if (strcmp(v->lists.assigned.v[i], path_id) == 0)
			return true;
	return false;
}

/* The part of our aliases before the number: its length, 0 where alias does
 * not begin so. */
static size_t
lists_stem(const struct visit *v, const char *alias)
{
	const char *mine = v->job->alias, *colon = strrchr(mine, ':');
	size_t n = colon != NULL ? (size_t)(colon - mine) + 1 : 0;

	return n > 0 && strncmp(alias, mine, n) == 0 ? n : 0;
}

bool
visit_is_ours(const struct visit *v, const char *alias)
{
	return lists_stem(v, alias) > 0;
}

bool
visit_is_mine(const struct visit *v, const char *alias)
{
	return strcmp(alias, v->job->alias) == 0;
}

int64_t
visit_alias_job(const struct visit *v, const char *alias)
{
	size_t n = lists_stem(v, alias);
	long long job;
	char *end;

	if (n == 0 || alias[n] < '0' || alias[n] > '9')
		return 0;
	job = strtoll(alias + n, &end, 10);
	return *end == '\0' ? (int64_t)job : 0;
}

/* Number of the newest job of ours among the assigned paths. */
static int64_t
lists_assigned_job(const struct visit *v)
{
	int64_t job, newest = 0;
	size_t i;

	for (i = 0; i < v->lists.paths.n; i++) {
		job = visit_alias_job(v, v->lists.paths.v[i].alias);
		if (job > newest &&
		    visit_assigned(v, v->lists.paths.v[i].id))
			newest = job;
	}
	return newest;
}

const struct cam_path *
visit_previous(const struct visit *v)
{
	int64_t now = lists_assigned_job(v), job, best = 0;
	const struct cam_path *ours = NULL, *other = NULL;
	size_t i, others = 0;

	for (i = 0; i < v->lists.paths.n; i++) {
		const struct cam_path *p = &v->lists.paths.v[i];

		if (visit_assigned(v, p->id))
			continue;
		job = visit_alias_job(v, p->alias);
		if (job > best && job < now) {
			best = job;
			ours = p;
		} else if (job == 0) {
			other = p;
			others++;
		}
	}
	return ours != NULL ? ours : others == 1 ? other : NULL;
}

bool
visit_has_room(int max, size_t n, size_t more)
{
	return max < 0 || n + more <= (size_t)max;
}
