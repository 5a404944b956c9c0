/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

struct seen {
	int n;
	int64_t last;
	char text[1024];
	int stop;
};

static int
see_product(const struct product_row *r, void *arg)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof s->text - n, "%s/%s/%s ",
	    r->manufacturer, r->model, r->firmware);
	return ++s->n == s->stop ? 7 : 0;
}

static int
see_device(const struct device_pick *r, void *arg)
{
	struct seen *s = arg;

	assert_true(r->pk > s->last);
	s->last = r->pk;
	return ++s->n == s->stop ? 7 : 0;
}

static int
see_cert(const struct cert_pick *r, void *arg)
{
	struct seen *s = arg;

	assert_true(r->id > s->last);
	s->last = r->id;
	s->n++;
	return 0;
}

static void
product(struct tx *tx, const char *maker, const char *model, const char *fw,
    int n)
{
	static int next;
	struct device_row d;
	char id[32];

	while (n-- > 0) {
		snprintf(id, sizeof id, "p-%d", next++);
		d = fix_device_row(id);
		snprintf(d.manufacturer, sizeof d.manufacturer, "%s", maker);
		snprintf(d.model, sizeof d.model, "%s", model);
		snprintf(d.firmware, sizeof d.firmware, "%s", fw);
		assert_int_equal(store_device_insert(tx, &d), 0);
	}
}

static void
test_products(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct seen s = { 0 };
	struct product_row p = { "A", "M", "2" };

	assert_int_equal(store_product_list(tx, see_product, &s), 0);
	assert_int_equal(s.n, 0);
	fix_device(tx, "cam-1");
	/* Nothing known of it is a product too, the first one. */
	product(tx, "", "", "", 2);
	product(tx, "A", "M", "2", 70);
	product(tx, "A", "M", "", 1);
	product(tx, "A", "M", "10", 3);
	product(tx, "a", "M", "2", 1);
	assert_int_equal(store_product_list(tx, see_product, &s), 0);
	assert_string_equal(s.text,
	    "// A/M/ A/M/10 A/M/2 Acme/C1/5.7 a/M/2 ");
	s = (struct seen){ .stop = 2 };
	assert_int_equal(store_product_list(tx, see_product, &s), 7);
	s = (struct seen){ 0 };
	assert_int_equal(store_pick_product(tx, &p, see_device, &s), 0);
	assert_int_equal(s.n, 70);
	s = (struct seen){ .stop = 65 };
	assert_int_equal(store_pick_product(tx, &p, see_device, &s), 7);
	s = (struct seen){ 0 };
	assert_int_equal(store_pick_site(tx, "hq", see_device, &s), 0);
	assert_int_equal(s.n, 78);
	s = (struct seen){ 0 };
	assert_int_equal(store_pick_all(tx, see_device, &s), 0);
	assert_int_equal(s.n, 78);
}

static void
test_devices(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t pk = fix_device(tx, "cam-1");
	struct device_pick p;
	struct device_row d;

	assert_int_equal(store_pick_id(tx, "cam-1", &p), 0);
	assert_int_equal(p.pk, pk);
	assert_string_equal(p.site, "hq");
	assert_string_equal(p.firmware, "5.7");
	assert_int_equal(p.restriction, RESTRICT_NONE);
	assert_int_equal(store_pick_id(tx, "cam-2", &p), CAMCA_ENOENT);
	assert_int_equal(store_device_standing(tx, pk, DEVICE_HELD,
	    RESTRICT_WATCHED, 77), 0);
	assert_int_equal(store_pick_pk(tx, pk, &p), 0);
	assert_int_equal(p.state, DEVICE_HELD);
	assert_int_equal(p.restriction, RESTRICT_WATCHED);
	assert_int_equal(store_device_by_pk(tx, pk, &d), 0);
	assert_int_equal(d.restriction, RESTRICT_WATCHED);
	assert_int_equal(d.updated_ms, 77);
	assert_int_equal(store_device_standing(tx, pk + 1, DEVICE_HELD,
	    RESTRICT_NONE, 77), CAMCA_ENOENT);
	assert_int_equal(store_device_standing(tx, pk, DEVICE_STATES,
	    RESTRICT_NONE, 77), CAMCA_EINVAL);
	assert_int_equal(store_device_standing(tx, pk, DEVICE_HELD,
	    DEVICE_RESTRICTIONS, 77), CAMCA_EINVAL);
}

static void
test_certs(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ec = fix_issuer(tx, "ec"), rsa = fix_issuer(tx, "rsa");
	int64_t a = fix_device(tx, "cam-1"), b = fix_device(tx, "cam-2");
	struct cert_row c[3];
	struct cert_pick p;
	struct seen s = { 0 };
	bool any = false;

	assert_int_equal(fix_cert(tx, ec, a, 1, &c[0]), 0);
	assert_int_equal(fix_cert(tx, ec, a, 2, &c[1]), 0);
	assert_int_equal(fix_cert(tx, rsa, 0, 3, &c[2]), 0);
	assert_int_equal(store_cert_pick_device(tx, a, 0, see_cert, &s), 0);
	assert_int_equal(s.n, 2);
	/* The first one ends at 1001. */
	s = (struct seen){ 0 };
	assert_int_equal(store_cert_pick_device(tx, a, 1001, see_cert, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(store_cert_any(tx, a, &any), 0);
	assert_true(any);
	assert_int_equal(store_cert_any(tx, b, &any), 0);
	assert_false(any);
	s = (struct seen){ 0 };
	assert_int_equal(store_cert_pick_made(tx, 0, 0, INT64_MAX, 0,
	    see_cert, &s), 0);
	assert_int_equal(s.n, 3);
	s = (struct seen){ 0 };
	assert_int_equal(store_cert_pick_made(tx, rsa, 5, 6, 0, see_cert,
	    &s), 0);
	assert_int_equal(s.n, 1);
	s = (struct seen){ 0 };
	assert_int_equal(store_cert_pick_made(tx, 0, 6, 9, 0, see_cert, &s),
	    0);
	assert_int_equal(s.n, 0);
	assert_int_equal(store_cert_pick_serial(tx, c[2].serial, &p), 0);
	assert_int_equal(p.device, 0);
	assert_int_equal(p.not_before_ms, 5);
	assert_int_equal(p.reason, -1);
	assert_int_equal(store_cert_pick_id(tx, c[0].id, &p), 0);
	assert_memory_equal(p.serial, c[0].serial, sizeof p.serial);
	assert_int_equal(store_cert_pick_id(tx, 99, &p), CAMCA_ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_products, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_devices, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_certs, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
