/* SPDX-License-Identifier: Apache-2.0 */
/* Versions as they stand on cameras and in advisories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/firmware.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

static const char *const versions[] = {
	"V5.5.800 build 210628", "5.5.800_210628", "5.4.5", "V5.4.5 build 170124",
	"2.800.0000000.8.R", "2.800.0000000.8.R, Build Date 2021-06-30",
	"2.820.0000000.48.R.220614", "V2.622.0000000.18.R.2017-11-23",
	"9.80.3.8", "10.12.114", "FW 7.10.0076", "Firmware Version: V5.5.82",
	"1.41.06_20210303_R321", "SRN4000_v2.16_170401",
	"NVR-B3801.20.17.240507", "QIPC-B2201.8.7.230726",
	"v3.0.0.136_20121102", "v3.1.0.956_22041503", "MX-V5.3.2.14",
	"Illustra.Ess4.01.02.10.5982", "SS016.05.03.01.0010", "5.5 SP2",
	"5.5 Update 3", "5.5 HF 1", "5.5.0 rev 7", "20230102", "2023-01-02",
	"5", "\tV5.5.800   BUILD 210628 ",
};

static void
test_parses(void **state)
{
	struct firmware f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(versions); i++)
		if (firmware_parse(&f, versions[i]) < 0)
			fail_msg("'%s' is not understood", versions[i]);
	assert_int_equal(firmware_parse(&f,
	    "2.800.0000000.8.R, Build Date 2021-06-30"), 0);
	assert_int_equal(f.nnumbers, 4);
	assert_int_equal(f.marks[FIRMWARE_BUILD].len, 6);
	assert_int_equal(f.marks[FIRMWARE_LETTER].len, 1);
	assert_int_equal(firmware_parse(&f, "NVR-B3801.20.17"), 0);
	assert_int_equal(f.prefix.len, 5);
}

/* Nothing of these can be compared with anything. */
static void
test_not_understood(void **state)
{
	static const char *const bad[] = { "", " ", "-", "unknown", "n/a",
	    "none", "latest", "0113b", "5.5.0-beta", "5.5.0 rc1",
	    "1023-1007-1011-1009", "FullImg-1023-1007-1011-1009",
	    "build 210628", "5.5.800 build", "5.5 SP2 SP3", "5.5 (custom)",
	    "5.5.800 build 210628 build 210629", "5.5\xe2\x80\x8b.8",
	    "\xd9\xa5.5", "5.5.800 and later", "5.5\n", "5..5", "5.5.800,",
	    "1.1.1.1.1.1.1.1.1.1.1.1.1", "5.5_8" };
	struct firmware f;
	char big[400];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (firmware_parse(&f, bad[i]) == CAMCA_OK)
			fail_msg("'%s' is taken for a version", bad[i]);
	memset(big, '1', sizeof big);
	big[sizeof big - 1] = '\0';
	assert_int_equal(firmware_parse(&f, big), CAMCA_EINVAL);
	big[FIRMWARE_TEXT_MAX - 1] = '\0';
	assert_int_equal(firmware_parse(&f, big), 0);
}

static void
test_compare(void **state)
{
	static const struct {
		const char *version, *bound;
		unsigned want;
	} rows[] = {
		{ "1.10", "1.9", FIRMWARE_GT },
		{ "1.9", "1.10", FIRMWARE_LT },
		{ "5.5.82", "5.5.800", FIRMWARE_LT },
		{ "5.5", "5.5.0", FIRMWARE_EQ },
		{ "5.5.0.1", "5.5", FIRMWARE_GT },
		{ "05.05", "5.5", FIRMWARE_EQ },
		{ "V5.5.800 build 210628", "5.5.800", FIRMWARE_EQ },
		{ "V5.5.800 build 210628", "5.5.800 build 210629", FIRMWARE_LT },
		{ "5.5.800_20210628", "5.5.800 build 210628", FIRMWARE_EQ },
		{ "5.5.800", "5.5.800 build 210628", FIRMWARE_ANY },
		{ "5.5.799", "5.5.800 build 210628", FIRMWARE_LT },
		{ "2.800.0000000.8.R", "2.820.0000000.48.R.220614", FIRMWARE_LT },
		{ "2.800.0000000.16.R", "2.800.0000000.8.R", FIRMWARE_GT },
		{ "2.800.0000000.8.T", "2.800.0000000.8.R", FIRMWARE_ANY },
		{ "2.800.0000000.8.R", "2.800.0000000.8", FIRMWARE_EQ },
		{ "2.800.0000000.8.R, Build Date 2021-06-30",
		    "2.800.0000000.8.R.210701", FIRMWARE_LT },
		/* Schemes that have nothing in common. */
		{ "2.800.0000000.8.R", "5.5.800", FIRMWARE_ANY },
		{ "20230102", "5.5.800", FIRMWARE_ANY },
		{ "2023.1.2", "5.5.800", FIRMWARE_ANY },
		{ "2023.1.2", "20230102", FIRMWARE_ANY },
		{ "2023-01-02", "20230103", FIRMWARE_LT },
		{ "NVR-B3801.20.17.240507", "3801.20.17", FIRMWARE_ANY },
		{ "NVR-B3801.20.17.240507", "NVR-B3801.20.18", FIRMWARE_LT },
		{ "SRN4000_v2.15_170101", "SRN4000_v2.16_170401", FIRMWARE_LT },
		{ "5.5 SP2", "5.5", FIRMWARE_EQ | FIRMWARE_GT },
		{ "5.5 SP2", "5.5 SP10", FIRMWARE_LT },
		{ "5.5", "5.5 SP2", FIRMWARE_ANY },
		{ "5.5 build 1234", "5.5 build 20210101", FIRMWARE_ANY },
		{ "1.99999999999999999999999", "1.100000000000000000000000",
		    FIRMWARE_LT },
	};
	struct firmware a, b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(firmware_parse(&a, rows[i].version), 0);
		assert_int_equal(firmware_parse(&b, rows[i].bound), 0);
		if (firmware_compare(&a, &b) != rows[i].want)
			fail_msg("%s to %s: %u", rows[i].version,
			    rows[i].bound, firmware_compare(&a, &b));
	}
}

#define N FIRMWARE_NOT_AFFECTED
#define A FIRMWARE_AFFECTED
#define U FIRMWARE_UNDETERMINED

static const struct {
	const char *range, *version;
	enum firmware_verdict want;
} judged[] = {
	{ "<5.5.800", "V5.5.82 build 190909", A },
	{ "<5.5.800", "V5.5.800 build 210628", N },
	{ "<5.5.800", "V5.6.0 build 200101", N },
	{ "<5.5.800", "", U },
	{ "<5.5.800", "unknown", U },
	{ "<5.5.800", "2.800.0000000.8.R", U },
	{ "<1.9", "1.10", N },
	{ "<= V5.5.800 build 210628", "5.5.800", U },
	{ "<= V5.5.800 build 210628", "5.5.800_210628", A },
	{ "<= V5.5.800 build 210628", "5.5.800_210629", N },
	{ "<=5.5.800", "5.5.800 build 210628", A },
	{ "=5.5.800", "V5.5.800 build 210628", A },
	{ "5.5.800", "V5.5.801", N },
	{ "!=5.5.800", "V5.5.801", A },
	{ ">=1.2,<1.4", "1.3.9", A },
	{ ">=1.2,<1.4", "1.4", N },
	{ "<1.4 and >=1.2", "1.2", A },
	{ ">=  5.3.1 build 150410 | <= 5.4.4  Build 161125",
	    "V5.4.0 build 160530", A },
	{ ">=  5.3.1 build 150410 | <= 5.4.4  Build 161125",
	    "V5.4.5 build 170124", N },
	{ ">=  5.3.1 build 150410 | <= 5.4.4  Build 161125", "5.4.4", U },
	{ "< 2.820.0000000.48.R.220614", "2.800.0000000.16.R", A },
	{ "< 2.820.0000000.48.R.220614",
	    "2.820.0000000.48.R, Build Date 2022-06-13", A },
	{ "<2.800.0000000.8.R, Build Date 2021-06-30",
	    "2.800.0000000.8.R.210629", A },
	{ "<NVR-B3801.20.17.240507", "NVR-B3801.20.16.231201", A },
	{ "<NVR-B3801.20.17.240507", "B3801.20.16.231201", U },
	/* Intervals: the second one must not be lost. */
	{ "vers:generic/>=1.0|<1.4|>=2.0|<2.1", "1.3", A },
	{ "vers:generic/>=1.0|<1.4|>=2.0|<2.1", "1.5", N },
	{ "vers:generic/>=1.0|<1.4|>=2.0|<2.1", "2.0.5", A },
	{ "vers:generic/>=1.0|<1.4|>=2.0|<2.1", "3", N },
	{ "vers:intdot/<1.4|>=2.0|<2.1|!=2.0.3", "2.0.3", N },
	{ "=1.2|=1.3", "1.3", A },
	{ "=1.2|=1.3", "1.4", N },
	{ "vers:all/*", "", A },
	{ "All versions", "whatever", A },
	{ "<5.5", "5.5 SP2", N },
	{ ">5.5", "5.5 SP2", U },
	{ ">=5.5", "5.5 SP2", A },
	{ "\xe2\x89\xa4""1.65.4", "1.65.4", A },
	{ "<= 1.65.4", "1.66", N },
};

static void
test_judge(void **state)
{
	struct firmware_range r;
	struct refusal why = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(judged); i++) {
		if (firmware_range_parse(&r, judged[i].range, &why) < 0)
			fail_msg("%s: %s", judged[i].range, why.detail);
		if (firmware_judge(&r, judged[i].version) != judged[i].want)
			fail_msg("'%s' in %s: %d", judged[i].version,
			    judged[i].range, firmware_judge(&r, judged[i].version));
	}
}

static void
test_bad_ranges(void **state)
{
	static const char *const bad[] = { "", "<", "5.5 5.6", "<5.5,", ",<5.5",
	    "<5.5||<5.6", "< unknown", "<<5", "=<5", "~5", "<5.5 or 6",
	    "=1.2,=1.3", ">5,<3", "<1.2,<1.4", "<=5.4.4|>=5.3.1",
	    "<5.5.800,>2.800.0000000.8.R", "<=firmware_FullImg-1023-1007-1011",
	    "No version", "vers:generic/", "<5.5;<5.6", ">=2,<3|>=1,<2",
	    ">5.5,<=5.5" };
	struct firmware_range r;
	struct refusal why;
	char many[400] = "";
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		memset(&why, 0, sizeof why);
		if (firmware_range_parse(&r, bad[i], &why) != CAMCA_EINVAL)
			fail_msg("'%s' is taken for a range", bad[i]);
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, "revoke.firmware");
	}
	for (i = 0; i <= FIRMWARE_RANGE_MAX; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many),
		    "%s=1.%zu", i > 0 ? "|" : "", i);
	assert_int_equal(firmware_range_parse(&r, many, NULL), CAMCA_EINVAL);
}

/* One spelling, and it means the same. */
static void
test_text(void **state)
{
	static const char *const rows[][2] = {
		{ " < 5.5.800 ", "<5.5.800" },
		{ "5.4", "=5.4" }, { "==5.4", "=5.4" },
		{ "vers:all/*", "*" }, { "ALL versions", "*" },
		{ ">= 1.2 and < 1.4", ">=1.2,<1.4" },
		{ "vers:generic/>=1.0|<1.4|>=2.0|<2.1",
		    ">=1.0,<1.4|>=2.0,<2.1" },
		{ "<2.800.0000000.8.R, Build Date 2021-06-30",
		    "<2.800.0000000.8.r, build date 20210630" },
	};
	struct firmware_range r, again;
	struct buf b, c;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	buf_init(&c, 0);
	for (i = 0; i < COUNT(rows); i++) {
		buf_reset(&b);
		buf_reset(&c);
		assert_int_equal(firmware_range_parse(&r, rows[i][0], NULL), 0);
		assert_int_equal(firmware_range_text(&r, &b), 0);
		assert_string_equal(buf_str(&b), rows[i][1]);
		assert_int_equal(firmware_range_parse(&again, buf_str(&b),
		    NULL), 0);
		assert_int_equal(firmware_range_text(&again, &c), 0);
		assert_string_equal(buf_str(&c), rows[i][1]);
	}
	buf_fini(&b);
	buf_fini(&c);
}

/* Whatever is typed or read: an answer, and no byte past the end. */
static void
test_any_bytes(void **state)
{
	struct firmware_range r;
	char text[64];
	size_t i, cut, bit;

	(void)state;
	assert_int_equal(firmware_range_parse(&r, "<5.5.800", NULL), 0);
	for (i = 0; i < COUNT(versions); i++)
		for (cut = 0; cut <= strlen(versions[i]); cut++) {
			snprintf(text, sizeof text, "%.*s", (int)cut,
			    versions[i]);
			(void)firmware_judge(&r, text);
			for (bit = 0; cut > 0 && bit < 8; bit++) {
				text[cut - 1] ^= (char)(1 << bit);
				(void)firmware_judge(&r, text);
				text[cut - 1] ^= (char)(1 << bit);
			}
		}
	for (i = 0; i < 2000; i++) {
		for (cut = 0; cut < sizeof text - 1; cut++)
			text[cut] = "<>=!|, .0159vrbuildsp-_/*"[(i * 31 +
			    cut * cut * 7 + i / 3) % 25];
		text[i % sizeof text] = '\0';
		text[sizeof text - 1] = '\0';
		if (firmware_range_parse(&r, text, NULL) == CAMCA_OK)
			(void)firmware_judge(&r, text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses),
		cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
