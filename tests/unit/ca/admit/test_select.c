/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors, and what they select of a small inventory. */
#include "tests/unit/ca/store/fixture.h"

#include "ca/admit/select.h"

#define NOW 500                        /* certificates end from 1001 on */

static int
parse(struct selector *s, const char *json, struct refusal *why)
{
	json_t *o = json_loads(json, 0, NULL);
	int ret;

	assert_non_null(o);
	ret = selector_parse(s, o, why);
	json_decref(o);
	return ret;
}

static void
test_pattern(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} rows[] = {
		{ "DS-2CD*", "DS-2CD2143G2-I", true },
		{ "ds-2cd*", "DS-2CD2143G2-I", true },
		{ "DS-2CD*", "XDS-2CD2143", false },
		{ "*2143*", "DS-2CD2143G2-I", true },
		{ "DS-2CD4?2?FWD", "DS-2CD4035FWD", false },
		{ "DS-2CD4?2?FWD", "DS-2CD4A25FWD", true },
		{ "*", "", true }, { "", "", true }, { "", "x", false },
		{ "?", "", false }, { "?", "\xc4\x91", true },
		{ "**a**b", "xxaxxb", true }, { "a*b*c", "abcbd", false },
		{ "M1", "M1 ", false }, { "*x", "aaax", true },
		{ "a\xc4\x90*", "A\xc4\x90z", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (select_pattern(rows[i].pattern, rows[i].text) !=
		    rows[i].fits)
			fail_msg("%s / %s", rows[i].pattern, rows[i].text);
}

static void
test_bad_selectors(void **state)
{
	static const char *const bad[][2] = {
		{ "{}", "revoke.no-term" },
		{ "{\"reason\":\"x\"}", "revoke.no-term" },
		{ "{\"site\":[]}", "revoke.term" },
		{ "{\"site\":[\"\"]}", "revoke.term" },
		{ "{\"site\":[1]}", "revoke.term" },
		{ "{\"model\":\" a\"}", "revoke.term" },
		{ "{\"model\":\"a\\nb\"}", "revoke.term" },
		{ "{\"serial\":[\"xyz\"]}", "revoke.serial" },
		{ "{\"serial\":[\"11:22\"]}", "revoke.serial" },
		{ "{\"level\":0}", "revoke.level" },
		{ "{\"level\":6}", "revoke.level" },
		{ "{\"place\":\"roof\"}", "revoke.place" },
		{ "{\"firmware\":\"~5\"}", "revoke.firmware" },
		{ "{\"issued_after\":\"yesterday\"}", "revoke.time" },
		{ "{\"issued_after\":\"2026-02-01\","
		    "\"issued_before\":\"2026-01-01\"}", "revoke.time" },
	};
	struct selector s;
	struct refusal why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(parse(&s, bad[i][0], &why), CAMCA_EINVAL);
		assert_string_equal(why.code, bad[i][1]);
		selector_free(&s);
	}
}

static void
test_one_spelling(void **state)
{
	struct selector s, again;
	struct buf a, b;

	(void)state;
	buf_init(&a, 0);
	buf_init(&b, 0);
	assert_int_equal(parse(&s, "{\"site\":[\"b\",\"a\",\"b\"],"
	    "\"serial\":[\"0AB\"],\"model\":\"X*\",\"firmware\":\"<   5.5\","
	    "\"level\":3,\"place\":\"public\",\"issuer\":\"ec\",\"reason\":"
	    "\"not a term\",\"issued_after\":\"2026-01-02\"}", NULL), 0);
	assert_true(selector_by_cert(&s));
	assert_int_equal(selector_text(&s, &a), 0);
	assert_string_equal(buf_str(&a), "{\"firmware\":\"<5.5\","
	    "\"issued_after\":\"2026-01-02T00:00:00.000Z\",\"issuer\":\"ec\","
	    "\"level\":3,\"model\":[\"X*\"],\"place\":\"public\",\"serial\":"
	    "[\"00000000000000000000000000000000000000ab\"],"
	    "\"site\":[\"a\",\"b\"]}");
	assert_int_equal(selector_load(&again, buf_str(&a), NULL), 0);
	assert_int_equal(selector_text(&again, &b), 0);
	assert_string_equal(buf_str(&b), buf_str(&a));
	selector_free(&s);
	selector_free(&again);
	assert_int_equal(selector_load(&again, "{", NULL), CAMCA_EDB);
	selector_free(&again);
	buf_fini(&a);
	buf_fini(&b);
}

/* Two sites, two makers; every second camera has a certificate. */
static void
fill(struct tx *tx, int64_t issuers[2])
{
	static const struct {
		const char *id, *maker, *model, *firmware, *site;
		int place;
	} rows[] = {
		{ "c-1", "Hik", "DS-1", "V5.5.82 build 190909", "hq", 2 },
		{ "c-2", "Hik", "DS-1", "V5.5.800 build 210628", "hq", 0 },
		{ "c-3", "Hik", "DS-2", "", "up", 0 },
		{ "c-4", "Dahua", "IPC", "2.800.0000000.8.R", "up", 1 },
		{ "c-5", "HIK", "DS-1", "5.5.0", "up", 2 },
	};
	struct site_row up = fix_site_row("up");
	struct device_row d;
	struct cert_row c;
	size_t i;

	fix_device(tx, "c-0");
	up.level = 2;
	assert_int_equal(store_site_insert(tx, &up), 0);
	issuers[0] = fix_issuer(tx, "ec");
	issuers[1] = fix_issuer(tx, "rsa");
	for (i = 0; i < COUNT(rows); i++) {
		d = fix_device_row(rows[i].id);
		snprintf(d.manufacturer, sizeof d.manufacturer, "%s",
		    rows[i].maker);
		snprintf(d.model, sizeof d.model, "%s", rows[i].model);
		snprintf(d.firmware, sizeof d.firmware, "%s",
		    rows[i].firmware);
		snprintf(d.site, sizeof d.site, "%s", rows[i].site);
		d.place = rows[i].place;
		d.state = i % 2 == 0 ? DEVICE_ENROLLED : DEVICE_REGISTERED;
		assert_int_equal(store_device_insert(tx, &d), 0);
		if (i % 2 == 0)
			assert_int_equal(fix_cert(tx, issuers[i / 2 % 2],
			    d.pk, (uint8_t)(i + 1), &c), 0);
	}
	/* The authority's own. */
	assert_int_equal(fix_cert(tx, issuers[0], 0, 100, &c), 0);
}

/* "c-1:+1 c-3:?0": id, verdict (+ changes, ? undetermined, = unchanged) and
 * certificates that change. */
static void
expect(struct tx *tx, const char *json, enum device_action action,
    const char *want)
{
	struct select_action act = { action, 9 };
	struct selector s;
	struct selection out;
	struct refusal why = { 0 };
	char got[400] = "";
	size_t i, k, n, certs;

	assert_int_equal(parse(&s, json, &why), 0);
	if (select_run(tx, &s, &act, NOW, &out, &why) < 0) {
		assert_string_equal(why.code, want);
		selection_free(&out);
		selector_free(&s);
		return;
	}
	for (i = 0; i < out.ndevices; i++) {
		for (k = certs = 0; k < out.devices[i].ncerts; k++)
			certs += out.certs[out.devices[i].certs + k].changes;
		n = strlen(got);
		snprintf(got + n, sizeof got - n, "%s%s:%c%zu", n > 0 ? " " :
		    "", out.devices[i].id, "+?="[out.devices[i].verdict],
		    certs);
		assert_true(out.devices[i].rule[0] != '\0');
	}
	assert_string_equal(got, want);
	selection_free(&out);
	selector_free(&s);
}

static void
test_select(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca[2];

	fill(tx, ca);
	/* The same devices, whichever way in. */
	expect(tx, "{\"manufacturer\":\"hik\"}", ACTION_HOLD,
	    "c-1:+1 c-2:+0 c-3:+1 c-5:+1");
	expect(tx, "{\"model\":\"ds-*\",\"firmware\":\"<5.5.800\"}",
	    ACTION_HOLD, "c-1:+1 c-3:?0 c-5:+1");
	expect(tx, "{\"site\":\"hq\",\"model\":\"ds-*\",\"firmware\":"
	    "\"<5.5.800\"}", ACTION_HOLD, "c-1:+1");
	expect(tx, "{\"device\":[\"c-1\",\"c-2\",\"c-3\"],\"firmware\":"
	    "\"<5.5.800\"}", ACTION_HOLD, "c-1:+1 c-3:?0");
	expect(tx, "{\"firmware\":\"<5.5.800\"}", ACTION_REVOKE,
	    "c-0:?0 c-1:+1 c-3:?0 c-4:?0 c-5:+1" + 7);
	expect(tx, "{\"firmware\":\"*\",\"level\":2}", ACTION_REVOKE,
	    "c-3:+1 c-4:+0 c-5:+1");
	expect(tx, "{\"level\":2,\"place\":\"key-area\"}", ACTION_WATCH,
	    "c-5:+0");
	expect(tx, "{\"place\":\"key-area\"}", ACTION_STOP_RENEWAL,
	    "c-1:+0 c-5:+0");
	expect(tx, "{\"site\":\"up\"}", ACTION_RELEASE,
	    "c-3:=0 c-4:=0 c-5:=0");
	/* By certificate: the devices stay as they are. */
	expect(tx, "{\"issuer\":\"ec\"}", ACTION_REVOKE,
	    "-:+1 c-1:+1 c-5:+1");
	expect(tx, "{\"issuer\":\"rsa\",\"manufacturer\":\"HIK\"}",
	    ACTION_HOLD, "c-3:+1");
	expect(tx, "{\"issued_after\":\"1970-01-02\"}", ACTION_HOLD, "");
	expect(tx, "{\"issued_before\":\"1970-01-02\"}", ACTION_HOLD,
	    "-:+1 c-1:+1 c-3:+1 c-5:+1");
	expect(tx, "{\"serial\":\"0101010101010101010101010101010101010101\"}",
	    ACTION_HOLD, "c-1:+1");
	expect(tx, "{\"serial\":\"0101010101010101010101010101010101010101\","
	    "\"issuer\":\"rsa\"}", ACTION_HOLD, "");
	expect(tx, "{\"serial\":[\"0101010101010101010101010101010101010101\","
	    "\"6464646464646464646464646464646464646464\"]}", ACTION_REVOKE,
	    "-:+1 c-1:+1");
	/* Names that do not exist. */
	expect(tx, "{\"site\":\"hp\"}", ACTION_HOLD, "site.unknown");
	expect(tx, "{\"device\":\"c-9\"}", ACTION_HOLD, "device.unknown");
	expect(tx, "{\"issuer\":\"dsa\"}", ACTION_HOLD, "ca.unknown");
	expect(tx, "{\"serial\":\"01\"}", ACTION_HOLD, "cert.unknown");
	expect(tx, "{\"manufacturer\":\"nobody\"}", ACTION_HOLD, "");
}

static void
world(struct tx *tx, const char *json, uint8_t out[32], size_t *losing)
{
	struct select_action act = { ACTION_HOLD, 6 };
	struct selector s;
	struct selection sel;
	size_t i;

	assert_int_equal(parse(&s, json, NULL), 0);
	assert_int_equal(select_run(tx, &s, &act, NOW, &sel, NULL), 0);
	memcpy(out, sel.world, 32);
	for (*losing = i = 0; i < sel.ndevices; i++)
		*losing += sel.devices[i].loses_service;
	selection_free(&sel);
	selector_free(&s);
}

static void
test_world(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	static const char hik[] = "{\"manufacturer\":\"hik\"}";
	static const char ec[] = "{\"issuer\":\"ec\"}";
	static const char one[] = "{\"serial\":\""
	    "3232323232323232323232323232323232323232\"}";
	static const char c3[] = "{\"serial\":\""
	    "0303030303030303030303030303030303030303\"}";
	uint8_t a[32], b[32], c[32], d[32];
	struct device_pick p, p3;
	struct cert_row cert;
	int64_t ca[2];
	size_t losing;

	fill(tx, ca);
	world(tx, hik, a, &losing);
	assert_int_equal(losing, 3);
	world(tx, hik, b, &losing);
	assert_memory_equal(a, b, 32);
	world(tx, ec, c, &losing);
	assert_int_equal(losing, 3);
	/* A renewal: the same camera, but another certificate. */
	assert_int_equal(store_pick_id(tx, "c-1", &p), 0);
	assert_int_equal(fix_cert(tx, ca[0], p.pk, 50, &cert), 0);
	world(tx, hik, b, &losing);
	assert_memory_equal(a, b, 32);
	world(tx, ec, d, &losing);
	assert_memory_not_equal(c, d, 32);
	/* One of two certificates: it keeps the other. */
	world(tx, one, d, &losing);
	assert_int_equal(losing, 0);
	/* The only one of c-3, and then it renews: it would go on. */
	world(tx, c3, c, &losing);
	assert_int_equal(losing, 1);
	assert_int_equal(store_pick_id(tx, "c-3", &p3), 0);
	assert_int_equal(fix_cert(tx, ca[1], p3.pk, 51, &cert), 0);
	world(tx, c3, d, &losing);
	assert_int_equal(losing, 0);
	assert_memory_not_equal(c, d, 32);
	/* Once more, and the preview is what it was: it goes on. */
	assert_int_equal(fix_cert(tx, ca[1], p3.pk, 52, &cert), 0);
	world(tx, c3, c, &losing);
	assert_memory_equal(c, d, 32);
	world(tx, hik, b, &losing);
	assert_memory_equal(a, b, 32);
	/* How a device stands is part of the preview. */
	assert_int_equal(store_device_standing(tx, p.pk, DEVICE_ENROLLED,
	    RESTRICT_WATCHED, 5), 0);
	world(tx, hik, b, &losing);
	assert_memory_not_equal(a, b, 32);
}

/* The n-th statement fails: an error, and nothing leaks. */
static void
test_broken_store(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct select_action act = { ACTION_HOLD, 6 };
	struct selector s;
	struct selection out;
	int64_t ca[2];

	fill(tx, ca);
	assert_int_equal(parse(&s, "{\"manufacturer\":\"hik\"}", NULL), 0);
	tx->err = CAMCA_EDB;
	assert_int_equal(select_run(tx, &s, &act, NOW, &out, NULL), CAMCA_EDB);
	selection_free(&out);
	selector_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_bad_selectors),
		cmocka_unit_test(test_one_spelling),
		cmocka_unit_test_setup_teardown(test_select, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_world, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_broken_store, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
