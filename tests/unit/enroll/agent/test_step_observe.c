/* SPDX-License-Identifier: Apache-2.0 */
/* What a camera has is told, and where it is more than can be told, the part
 * that is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/agent/visit.h"

struct camera { int unused; };

/* The longest that there is, and each byte of it is two in JSON. */
static void
worst(char *out, size_t len, size_t i)
{
	memset(out, '"', len - 1);
	snprintf(out, 8, "%06zu", i);
	out[6] = '"';
	out[len - 1] = '\0';
}

static int
drv_identify(struct camera *c, struct cam_identity *out, struct cam_why *why)
{
	(void)c;
	(void)why;
	worst(out->manufacturer, sizeof out->manufacturer, 0);
	worst(out->model, sizeof out->model, 0);
	worst(out->firmware, sizeof out->firmware, 0);
	worst(out->serial, sizeof out->serial, 0);
	worst(out->hardware_id, sizeof out->hardware_id, 0);
	return CAMCA_OK;
}

static int
drv_caps(struct camera *c, struct cam_caps *out, struct cam_why *why)
{
	(void)c;
	(void)why;
	memset(out, 0, sizeof *out);
	out->keystore = true;
	return CAMCA_OK;
}

static const struct cam_driver driver = { .name = "test",
    .identify = drv_identify, .caps = drv_caps };

static void
fill(struct visit *v, size_t n)
{
	struct visit_lists *l = &v->lists;
	size_t i;

	l->known = LIST_ALL;
	l->accounts.v = calloc(n, sizeof *l->accounts.v);
	l->certs.v = calloc(n, sizeof *l->certs.v);
	l->keys.v = calloc(n, sizeof *l->keys.v);
	l->paths.v = calloc(n, sizeof *l->paths.v);
	l->accounts.n = l->certs.n = l->keys.n = l->paths.n = n;
	for (i = 0; i < n; i++) {
		worst(l->accounts.v[i].user, CAM_USER_MAX, i);
		worst(l->accounts.v[i].level, CAM_WORD_MAX, i);
		worst(l->certs.v[i].id, CAM_ID_MAX, i);
		worst(l->certs.v[i].key_id, CAM_ID_MAX, i);
		worst(l->certs.v[i].alias, CAM_ALIAS_MAX, i);
		worst(l->keys.v[i].id, CAM_ID_MAX, i);
		worst(l->keys.v[i].alias, CAM_ALIAS_MAX, i);
		worst(l->paths.v[i].id, CAM_ID_MAX, i);
		worst(l->paths.v[i].alias, CAM_ALIAS_MAX, i);
	}
	l->protocols.n = CAM_PROTOCOLS_MAX;
	for (i = 0; i < CAM_PROTOCOLS_MAX; i++)
		worst(l->protocols.v[i].name, sizeof l->protocols.v[i].name,
		    i);
}

static struct visit *
visit_new(struct agent_job *j, size_t n)
{
	struct visit *v = calloc(1, sizeof *v);

	assert_non_null(v);
	j->device.serial[0] = '\0';
	v->drv = &driver;
	v->job = j;
	memset(v->served, 0xaa, sizeof v->served);
	v->leaf_seen = LEAF_OURS;
	fill(v, n);
	return v;
}

static void
visit_end(struct visit *v)
{
	visit_lists_fini(&v->lists);
	note_reset(&v->note);
	free(v);
}

static const json_t *
observation(const struct visit *v, const char *name)
{
	return json_object_get(json_object_get(v->note.extra, "observation"),
	    name);
}

static bool
tells(const struct visit *v, const char *list, const char *key,
    const char *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach(observation(v, list), i, item)
		if (strcmp(json_string_value(json_object_get(item, key)),
		    value) == 0)
			return true;
	return false;
}

/* A camera as most are: all of it is told. */
static void
test_all(void **state)
{
	struct agent_job *j = calloc(1, sizeof *j);
	struct visit *v = visit_new(j, 24);

	(void)state;
	assert_int_equal(step_observe(v), CAMCA_OK);
	assert_int_equal(json_array_size(observation(v, "accounts")), 24);
	assert_int_equal(json_array_size(observation(v, "certificates")), 24);
	assert_int_equal(json_array_size(observation(v, "keys")), 24);
	assert_int_equal(json_array_size(observation(v, "paths")), 24);
	assert_null(strstr(v->note.detail, "are told"));
	visit_end(v);
	free(j);
}

/* One with all that it may list, and what matters at the end: camcad takes the
 * report, and an administrator or a key is not hidden behind a thousand rows. */
static void
test_too_much(void **state)
{
	struct agent_job *j = calloc(1, sizeof *j);
	struct visit *v = visit_new(j, CAM_ROWS_MAX);
	const size_t last = CAM_ROWS_MAX - 1;
	json_t *o;

	(void)state;
	snprintf(v->lists.accounts.v[last].user, CAM_USER_MAX, "root");
	snprintf(v->lists.accounts.v[last].level, CAM_WORD_MAX,
	    "Administrator");
	snprintf(v->lists.certs.v[last].id, CAM_ID_MAX, "c1");
	memset(v->lists.certs.v[last].sha256, 0xaa, 32);
	snprintf(v->lists.certs.v[last - 1].id, CAM_ID_MAX, "c2");
	snprintf(v->lists.certs.v[last - 1].alias, CAM_ALIAS_MAX,
	    "camca:cam-2:7");
	snprintf(v->lists.keys.v[last].alias, CAM_ALIAS_MAX, "camca:cam-1:7");
	v->lists.assigned.v = calloc(1, sizeof *v->lists.assigned.v);
	snprintf(v->lists.assigned.v[0], CAM_ID_MAX, "p1");
	v->lists.assigned.n = 1;
	snprintf(v->lists.paths.v[last].id, CAM_ID_MAX, "p1");
	assert_int_equal(step_observe(v), CAMCA_OK);
	assert_true(json_dumpb(json_object_get(v->note.extra, "observation"),
	    NULL, 0, JSON_COMPACT) <= JOB_OBSERVATION_MAX);
	assert_true(tells(v, "accounts", "user", "root"));
	assert_true(tells(v, "certificates", "id", "c1"));
	assert_true(tells(v, "certificates", "id", "c2"));
	assert_true(tells(v, "keys", "alias", "camca:cam-1:7"));
	assert_true(tells(v, "paths", "id", "p1"));
	assert_non_null(strstr(v->note.detail, "of 1024 are told"));
	o = visit_report_json(v, OUTCOME_DONE, END_NOT_YET);
	assert_true(json_dumpb(o, NULL, 0, JSON_COMPACT) <= JOB_BODY_MAX);
	json_decref(o);
	visit_end(v);
	free(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
