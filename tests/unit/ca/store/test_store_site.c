/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static void
test_insert_get(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct site_row r = fix_site_row("hq"), got;

	assert_int_equal(store_site_insert(tx, &r), 0);
	memset(&got, 0xff, sizeof got);
	assert_int_equal(store_site_get(tx, "hq", &got), 0);
	assert_string_equal(got.id, "hq");
	assert_string_equal(got.name, "Site hq");
	assert_int_equal(got.level, 3);
	assert_int_equal(got.created_ms, 1000);
	assert_int_equal(store_site_get(tx, "HQ", &got), CAMCA_ENOENT);
	assert_int_equal(store_site_insert(tx, &r), CAMCA_ECONFLICT);
	assert_int_equal(tx->err, 0);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct site_row r = fix_site_row("hq");

	r.level = 0;
	assert_int_equal(store_site_insert(tx, &r), CAMCA_EINVAL);
	r.level = 6;
	assert_int_equal(store_site_insert(tx, &r), CAMCA_EINVAL);
	r = fix_site_row("");
	assert_int_equal(store_site_insert(tx, &r), CAMCA_EINVAL);
	/* A text that fills its array has lost its end. */
	r = fix_site_row("x");
	memset(r.name, 'n', sizeof r.name);
	assert_int_equal(store_site_insert(tx, &r), CAMCA_EINVAL);
	r.name[sizeof r.name - 1] = '\0';
	assert_int_equal(store_site_insert(tx, &r), 0);
	assert_int_equal(store_site_get(tx, "x", &r), 0);
	assert_int_equal(strlen(r.name), STORE_NAME_MAX - 1);
}

struct seen {
	char ids[400];
	int n;
	int stop_at;
};

static int
see(const struct site_row *r, void *arg)
{
	struct seen *s = arg;

	s->n++;
	if (strlen(s->ids) + strlen(r->id) + 2 < sizeof s->ids) {
		strncat(s->ids, r->id, sizeof s->ids - strlen(s->ids) - 1);
		strncat(s->ids, " ", sizeof s->ids - strlen(s->ids) - 1);
	}
	return s->n == s->stop_at ? 77 : 0;
}

static void
test_list(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct seen s = { 0 };
	struct site_row r;
	char id[16];
	int i;

	/* More than one piece of the list, put in backwards. */
	for (i = 199; i >= 0; i--) {
		snprintf(id, sizeof id, "s%03d", i);
		r = fix_site_row(id);
		assert_int_equal(store_site_insert(tx, &r), 0);
	}
	assert_int_equal(store_site_list(tx, "", 3, see, &s), 0);
	assert_string_equal(s.ids, "s000 s001 s002 ");
	s = (struct seen){ 0 };
	assert_int_equal(store_site_list(tx, "s197", 1000, see, &s), 0);
	assert_string_equal(s.ids, "s198 s199 ");
	s = (struct seen){ 0 };
	assert_int_equal(store_site_list(tx, "", INT64_MAX, see, &s), 0);
	assert_int_equal(s.n, 200);
	s = (struct seen){ .stop_at = 70 };
	assert_int_equal(store_site_list(tx, "", INT64_MAX, see, &s), 77);
	assert_int_equal(s.n, 70);
	s = (struct seen){ 0 };
	assert_int_equal(store_site_list(tx, "", 128, see, &s), 0);
	assert_int_equal(s.n, 128);
	s = (struct seen){ 0 };
	assert_int_equal(store_site_list(tx, "", 0, see, &s), 0);
	assert_int_equal(store_site_list(tx, "", -1, see, &s), 0);
	assert_int_equal(store_site_list(tx, "zzz", 10, see, &s), 0);
	assert_int_equal(s.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_get, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_list, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
