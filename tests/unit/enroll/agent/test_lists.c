/* SPDX-License-Identifier: Apache-2.0 */
/* A list is asked for once, until it may be another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/agent/visit.h"

struct camera {
	unsigned keys, certs, paths, assigned, accounts, protocols, modes;
	int fails;                     /* so many answers are lost */
};

static int
answer(struct camera *c, unsigned *asked, struct cam_why *why)
{
	++*asked;
	if (c->fails == 0)
		return CAMCA_OK;
	c->fails--;
	why->code = CAM_UNREACHABLE;
	return CAMCA_EIO;
}

static int
drv_keys(struct camera *c, struct cam_keys *out, struct cam_why *why)
{
	out->v = calloc(1, sizeof *out->v);
	out->n = out->v != NULL;
	return answer(c, &c->keys, why);
}

static int
drv_certs(struct camera *c, struct cam_certs *out, struct cam_why *why)
{
	(void)out;
	return answer(c, &c->certs, why);
}

static int
drv_paths(struct camera *c, struct cam_paths *out, struct cam_why *why)
{
	out->v = calloc(1, sizeof *out->v);
	out->n = out->v != NULL;
	if (out->v != NULL)
		memcpy(out->v->id, "old", 4);
	return answer(c, &c->paths, why);
}

static int
drv_assigned(struct camera *c, struct cam_ids *out, struct cam_why *why)
{
	(void)out;
	return answer(c, &c->assigned, why);
}

static int
drv_accounts(struct camera *c, struct cam_accounts *out, struct cam_why *why)
{
	(void)out;
	return answer(c, &c->accounts, why);
}

static int
drv_protocols(struct camera *c, struct cam_protocols *out,
    struct cam_why *why)
{
	out->n = 1;
	return answer(c, &c->protocols, why);
}

static int
drv_discoverable(struct camera *c, bool *out, struct cam_why *why)
{
	*out = true;
	return answer(c, &c->modes, why);
}

static const struct cam_driver driver = { .keys = drv_keys,
    .certs = drv_certs, .paths = drv_paths, .assigned = drv_assigned,
    .accounts = drv_accounts, .protocols = drv_protocols,
    .discoverable = drv_discoverable };

static struct agent_job job;

static void
begin(struct visit *v, struct camera *c)
{
	memset(v, 0, sizeof *v);
	memset(c, 0, sizeof *c);
	v->drv = &driver;
	v->cam = c;
	v->job = &job;
}

static void
test_once(void **state)
{
	struct camera c;
	struct visit v;

	(void)state;
	begin(&v, &c);
	assert_int_equal(visit_lists_need(&v, LIST_ALL), CAMCA_OK);
	assert_int_equal(visit_lists_need(&v, LIST_ALL), CAMCA_OK);
	assert_int_equal(c.keys + c.certs + c.paths + c.assigned + c.accounts +
	    c.protocols + c.modes, 7);
	visit_lists_stale(&v, LIST_KEYS | LIST_ACCOUNTS);
	/* What was read can still be looked at. */
	assert_int_equal(v.lists.keys.n, 1);
	assert_int_equal(visit_lists_need(&v, LIST_KEYSTORE), CAMCA_OK);
	assert_int_equal(c.keys, 2);
	assert_int_equal(c.certs, 1);
	assert_int_equal(c.accounts, 1);
	assert_int_equal(visit_lists_need(&v, LIST_ALL), CAMCA_OK);
	assert_int_equal(c.accounts, 2);
	assert_int_equal(c.modes, 1);
	visit_lists_fini(&v.lists);
}

/* A list that did not come is not known, and nothing of it is kept. */
static void
test_lost(void **state)
{
	struct cam_why why = { 0 };
	struct camera c;
	struct visit v;

	(void)state;
	begin(&v, &c);
	c.fails = 1;
	assert_int_equal(visit_lists_need(&v, LIST_CERTS | LIST_PATHS),
	    CAMCA_EIO);
	assert_string_equal(v.note.code, "camera.unreachable");
	assert_int_equal(c.paths, 0);
	note_reset(&v.note);
	assert_int_equal(visit_lists_need(&v, LIST_CERTS | LIST_PATHS),
	    CAMCA_OK);
	assert_int_equal(c.certs, 2);
	c.fails = 1;
	assert_int_equal(visit_lists_try(&v, LIST_PROTOCOLS, &why), CAMCA_EIO);
	assert_int_equal(v.lists.protocols.n, 0);
	/* Nobody's failure yet. */
	assert_string_equal(v.note.code, "");
	assert_int_equal(visit_lists_try(&v, LIST_PROTOCOLS, &why), CAMCA_OK);
	assert_int_equal(v.lists.protocols.n, 1);
	visit_lists_fini(&v.lists);
	note_reset(&v.note);
}

static void
test_path_added(void **state)
{
	const char *const certs[] = { "leaf", "ca" };
	struct camera c;
	struct visit v;
	const struct cam_path *p;

	(void)state;
	begin(&v, &c);
	assert_int_equal(visit_lists_need(&v, LIST_PATHS), CAMCA_OK);
	assert_int_equal(visit_lists_add_path(&v, "new", "camca:d:1", certs,
	    2), CAMCA_OK);
	assert_int_equal(visit_lists_need(&v, LIST_PATHS), CAMCA_OK);
	assert_int_equal(c.paths, 1);
	assert_non_null(visit_path(&v, "old"));
	p = visit_path(&v, "new");
	assert_non_null(p);
	assert_string_equal(p->alias, "camca:d:1");
	assert_int_equal(p->n, 2);
	assert_string_equal(p->cert[0], "leaf");
	assert_string_equal(p->cert[1], "ca");
	visit_lists_fini(&v.lists);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_path_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
