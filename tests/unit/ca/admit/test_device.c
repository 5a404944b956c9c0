/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/admit.h"

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static struct device_row
device(void)
{
	struct device_row d = { .id = "cam-1", .manufacturer = "Axis",
	    .model = "P3245", .serial = "ACCC8E012345", .site = "s1" };

	return d;
}

static void
assert_bad(const struct device_row *d, const char *code)
{
	struct device_row copy = *d;
	struct refusal why = { 0 };

	assert_int_equal(device_normalize(&copy, &why), CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	assert_string_equal(why.code, code);
	assert_true(why.detail[0] != '\0');
}

static void
test_good(void **state)
{
	struct device_row d = device();

	(void)state;
	memcpy(d.model, "  P3245 \t", 10);
	memcpy(d.manufacturer, "C\xc3\xb4ng ty", 9);
	memcpy(d.id, X64, 65);
	assert_int_equal(device_normalize(&d, NULL), 0);
	assert_string_equal(d.model, "P3245");
	assert_string_equal(d.mac, "");
}

static void
test_ids(void **state)
{
	static const char *const bad[] = { "", "-a", ".a", "_a", "a b", "a/b",
	    "a\n", "a\xc3\xa4", "../a", "a:b", "a\"" };
	static const char *const good[] = { "a", "0", "A.b_c-d", " a " };
	struct device_row d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		d = device();
		snprintf(d.id, sizeof d.id, "%s", bad[i]);
		assert_bad(&d, "device.id");
		d = device();
		snprintf(d.site, sizeof d.site, "%s", bad[i]);
		assert_bad(&d, "device.site");
	}
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		d = device();
		snprintf(d.id, sizeof d.id, "%s", good[i]);
		assert_int_equal(device_normalize(&d, NULL), 0);
	}
	assert_string_equal(d.id, "a");
}

static void
test_texts(void **state)
{
	struct device_row d = device();

	(void)state;
	d.manufacturer[0] = '\0';
	assert_bad(&d, "device.manufacturer");
	d = device();
	memcpy(d.model, "   ", 4);
	assert_bad(&d, "device.model");
	d = device();
	d.serial[0] = '\0';
	assert_bad(&d, "device.serial");
	d = device();
	memset(d.serial, 's', sizeof d.serial);   /* no NUL */
	assert_bad(&d, "device.serial");
	d.serial[sizeof d.serial - 1] = '\0';
	assert_int_equal(device_normalize(&d, NULL), 0);
	d = device();
	memcpy(d.firmware, "1\n2", 4);
	assert_bad(&d, "device.firmware");
	memcpy(d.firmware, "1\xe2\x80\xae", 5);
	assert_bad(&d, "device.firmware");
	memcpy(d.firmware, "9.80", 5);
	memcpy(d.hardware_id, "\xc0\xaf", 3);
	assert_bad(&d, "device.hardware-id");
}

static void
test_mac(void **state)
{
	static const char *const good[] = { "00:40:8c:12:34:5f",
	    "00-40-8C-12-34-5F", "0040.8c12.345f", "00408C12345F" };
	static const char *const bad[] = { "00:40:8c:12:34", "0",
	    "00:40:8c:12:34:5g", "00:40-8c:12:34:5f", "00 40 8c 12 34 5f",
	    "0:40:8c:12:34:5f:", "00408c12345", "0040.8c12345f", "....",
	    "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01",
	    "0040.8c12.345.", "::::::::::::::::\xc3" };
	struct device_row d;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		d = device();
		snprintf(d.mac, sizeof d.mac, "%s", good[i]);
		assert_int_equal(device_normalize(&d, NULL), 0);
		assert_string_equal(d.mac, "00:40:8c:12:34:5f");
		assert_int_equal(device_normalize(&d, NULL), 0);
		for (n = 1; n < strlen(good[i]); n++) {
			d = device();
			memcpy(d.mac, good[i], n);
			/* 14 digits of the 17 are no MAC of another form. */
			assert_bad(&d, "device.mac");
		}
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		d = device();
		snprintf(d.mac, sizeof d.mac, "%s", bad[i]);
		assert_bad(&d, "device.mac");
	}
	d = device();
	memset(d.mac, '0', sizeof d.mac);
	assert_bad(&d, "device.mac");
}

static void
test_enums(void **state)
{
	struct device_row d = device();

	(void)state;
	d.kind = 2;
	assert_bad(&d, "device.kind");
	d = device();
	d.place = DEVICE_PLACES;
	assert_bad(&d, "device.place");
	d.place = -1;
	assert_bad(&d, "device.place");
	d = device();
	d.state = DEVICE_STATES;
	assert_bad(&d, "device.state");
}

static void
test_ra(void **state)
{
	struct device_row d = { .id = "agent-1", .kind = DEVICE_RA,
	    .site = "s1" };

	(void)state;
	assert_int_equal(device_normalize(&d, NULL), 0);
	assert_string_equal(d.serial, "agent-1");
	d.kind = DEVICE_CAMERA;
	assert_bad(&d, "device.manufacturer");
}

static void
test_default_id(void **state)
{
	struct device_row d = device();
	struct refusal why = { 0 };

	(void)state;
	memcpy(d.serial, "A/1 \xc3\xa9", 7);
	assert_int_equal(device_default_id(&d, &why), 0);
	assert_string_equal(d.id, "s1-A-1---");
	assert_int_equal(device_normalize(&d, NULL), 0);
	memcpy(d.serial, X64, 65);
	assert_int_equal(device_default_id(&d, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "device.id");
	memcpy(d.serial + 61, "", 1);
	assert_int_equal(device_default_id(&d, &why), 0);
	assert_int_equal(strlen(d.id), 64);
	d.serial[0] = '\0';
	assert_int_equal(device_default_id(&d, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "device.serial");
	d = device();
	d.site[0] = '\0';
	assert_int_equal(device_default_id(&d, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "device.site");
	d = device();
	memset(d.serial, 's', sizeof d.serial);   /* no NUL */
	assert_int_equal(device_default_id(&d, &why), CAMCA_EINVAL);
}

static void
test_site(void **state)
{
	struct site_row s = { .id = "s1", .level = 3 };
	struct refusal why = { 0 };

	(void)state;
	assert_int_equal(site_normalize(&s, &why), 0);
	assert_string_equal(s.name, "s1");
	s.level = 0;
	assert_int_equal(site_normalize(&s, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "site.level");
	s.level = 6;
	assert_int_equal(site_normalize(&s, &why), CAMCA_EINVAL);
	s.level = 5;
	memcpy(s.name, "a\x1b[2J", 6);
	assert_int_equal(site_normalize(&s, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "site.name");
	memcpy(s.name, " Ga ", 5);
	assert_int_equal(site_normalize(&s, &why), 0);
	assert_string_equal(s.name, "Ga");
	s.id[0] = '\0';
	assert_int_equal(site_normalize(&s, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "site.id");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_ra),
		cmocka_unit_test(test_default_id),
		cmocka_unit_test(test_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
