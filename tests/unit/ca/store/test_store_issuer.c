/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static int
add(struct tx *tx, const char *name, int64_t generation, uint8_t ski,
    enum issuer_state state, int64_t *id_out)
{
	uint8_t der[] = { 0x30, 0x01, 0x00 };
	struct issuer_row r = { .generation = generation, .state = state,
	    .key_uri = "pkcs11:object=ec", .cert = { der, sizeof der } };
	int err;

	snprintf(r.name, sizeof r.name, "%s", name);
	memset(r.ski, ski, sizeof r.ski);
	err = store_issuer_insert(tx, &r);
	*id_out = r.id;
	return err;
}

static int
check(const struct issuer_row *r, void *arg)
{
	int *n = arg;

	(*n)++;
	if (*n == 1) {
		assert_string_equal(r->name, "root");
		assert_int_equal(r->parent, 0);
		assert_int_equal(r->cert.n, 3);
		assert_null(r->old_with_new.p);
		assert_null(r->new_with_old.p);
		return 0;
	}
	assert_string_equal(r->name, "ec");
	assert_int_equal(r->generation, 2);
	assert_int_equal(r->parent, 1);
	assert_int_equal(r->old_with_new.n, 2);
	assert_int_equal(r->old_with_new.p[1], 9);
	assert_int_equal(r->new_with_old.n, 1);
	assert_string_equal(r->key_uri, "pkcs11:object=ec");
	return 5;
}

static void
test_insert_list(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	uint8_t der[] = { 8, 9 };
	struct issuer_row r = { .name = "ec", .generation = 2, .ski = { 2 },
	    .key_uri = "pkcs11:object=ec", .cert = { der, 2 },
	    .old_with_new = { der, 2 }, .new_with_old = { der, 1 } };
	int n = 0;

	assert_int_equal(add(tx, "root", 1, 1, ISSUER_ACTIVE, &r.parent), 0);
	assert_int_equal(store_issuer_insert(tx, &r), 0);
	assert_int_equal(store_issuer_list(tx, check, &n), 5);
	assert_int_equal(n, 2);
}

static void
test_one_active(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t one, two;

	assert_int_equal(add(tx, "ec", 1, 1, ISSUER_ACTIVE, &one), 0);
	assert_int_equal(add(tx, "ec", 2, 2, ISSUER_ACTIVE, &two),
	    CAMCA_ECONFLICT);
	assert_int_equal(add(tx, "ec", 1, 3, ISSUER_OLD, &two),
	    CAMCA_ECONFLICT);
	assert_int_equal(add(tx, "rsa", 1, 1, ISSUER_ACTIVE, &two),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_issuer_set_state(tx, one, ISSUER_OLD), 0);
	assert_int_equal(add(tx, "ec", 2, 2, ISSUER_ACTIVE, &two), 0);
	assert_int_equal(store_issuer_set_state(tx, one, ISSUER_ACTIVE),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_issuer_set_state(tx, 99, ISSUER_OLD),
	    CAMCA_ENOENT);
	assert_int_equal(store_issuer_set_state(tx, one, ISSUER_STATES),
	    CAMCA_EINVAL);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct issuer_row r = { .name = "ec", .generation = 1 };
	uint8_t der[] = { 1 };

	assert_int_equal(store_issuer_insert(tx, &r), CAMCA_EINVAL);
	r.cert = (struct store_blob){ der, 1 };
	r.generation = 0;
	assert_int_equal(store_issuer_insert(tx, &r), CAMCA_EINVAL);
	r.generation = 1;
	r.parent = 42;
	assert_int_equal(store_issuer_insert(tx, &r), CAMCA_ENOENT);
	store_issuer_free(NULL);
	r.cert = (struct store_blob){ NULL, 0 };
	store_issuer_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_list, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_one_active, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
