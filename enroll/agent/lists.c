/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in the camera's keystore, and whose it is: that is told by the
 * alias, "camca:<device>:<job>". */
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
}

int
visit_lists_read(struct visit *v)
{
	struct visit_lists *l = &v->lists;
	struct cam_why why = { 0 };
	int ret;

	visit_lists_fini(l);
	if ((ret = v->drv->keys(v->cam, &l->keys, &why)) < 0)
		return visit_cam(v, ret, &why, "the keys are listed");
	if ((ret = v->drv->certs(v->cam, &l->certs, &why)) < 0)
		return visit_cam(v, ret, &why, "the certificates are listed");
	if ((ret = v->drv->paths(v->cam, &l->paths, &why)) < 0)
		return visit_cam(v, ret, &why, "the paths are listed");
	if ((ret = v->drv->assigned(v->cam, &l->assigned, &why)) < 0)
		return visit_cam(v, ret, &why, "the assigned paths are listed");
	return CAMCA_OK;
}

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
