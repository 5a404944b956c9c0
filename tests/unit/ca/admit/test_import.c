/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/admit.h"
#include "ca/base/buf.h"

#define HEAD "manufacturer,model,serial,site\n"
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct import imp;
static struct refusal why;

static int
parse_n(const char *csv, size_t n, const char *site)
{
	int ret;

	import_free(&imp);
	memset(&why, 0, sizeof why);
	ret = import_parse(&imp, csv, n, site, &why);
	if (ret < 0)
		assert_true(why.http >= 400 && why.detail[0] != '\0');
	return ret;
}

static int
parse(const char *csv)
{
	return parse_n(csv, strlen(csv), NULL);
}

static int
teardown(void **state)
{
	(void)state;
	import_free(&imp);
	return 0;
}

static void
assert_error(size_t i, int line, const char *column, const char *reason)
{
	assert_true(i < imp.errors.n);
	assert_int_equal(imp.errors.list[i].line, line);
	assert_string_equal(imp.errors.list[i].column, column);
	if (strstr(imp.errors.list[i].reason, reason) == NULL)
		fail_msg("\"%s\" has no \"%s\"", imp.errors.list[i].reason, reason);
	assert_false(imp.errors.list[i].from_store);
}

static void
test_full_row(void **state)
{
	const struct import_row *r;

	(void)state;
	assert_int_equal(parse("\xef\xbb\xbf" "Serial, MAC ,site,place,kind,"
	    "model,manufacturer,id,hardware_id,firmware,"
	    "origin_number,origin_date,origin_issuer,origin_sha256,"
	    "assessment_number,assessment_date,assessment_sha256,"
	    "assessment_expires,assessment_passed,quality_number,"
	    "quality_date,quality_issuer,quality_sha256\r\n"
	    "A1,00-40-8C-12-34-5F,s1,key-area,camera,P3245,\"Axis, AB\","
	    "cam-1,hw,9.80,CO-7,2025-01-31,Chamber," SHA ",AS-1,"
	    "2026-01-01T10:00:00.000Z," SHA ",2027-01-01,TRUE,,,,\r\n"), 0);
	assert_int_equal(imp.errors.n, 0);
	assert_int_equal(imp.nrows, 1);
	r = &imp.rows[0];
	assert_int_equal(r->line, 2);
	assert_string_equal(r->device.id, "cam-1");
	assert_string_equal(r->device.manufacturer, "Axis, AB");
	assert_string_equal(r->device.mac, "00:40:8c:12:34:5f");
	assert_int_equal(r->device.place, PLACE_KEY_AREA);
	assert_int_equal(r->ndocs, 2);
	assert_int_equal(r->docs[0].kind, DOC_ORIGIN);
	assert_string_equal(r->docs[0].number, "CO-7");
	assert_string_equal(r->docs[0].issuer, "Chamber");
	assert_int_equal(r->docs[0].date_ms, 1738281600000);
	assert_int_equal(r->docs[0].sha256[31], 0xff);
	assert_int_equal(r->docs[1].kind, DOC_ASSESSMENT);
	assert_int_equal(r->docs[1].passed, 1);
	assert_int_equal(r->docs[1].expires_ms, 1798761600000);
}

static void
test_defaults(void **state)
{
	static const char csv[] = "manufacturer,model,serial\nAxis,P1,A 1\n"
	    "Axis,P1,A2";

	(void)state;
	assert_int_equal(parse_n(csv, strlen(csv), "s9"), 0);
	assert_int_equal(imp.nrows, 2);
	assert_string_equal(imp.rows[0].device.id, "s9-A-1");
	assert_string_equal(imp.rows[0].device.site, "s9");
	assert_string_equal(imp.rows[1].device.id, "s9-A2");
	assert_int_equal(imp.rows[0].device.kind, DEVICE_CAMERA);
	assert_int_equal(imp.rows[0].device.place, PLACE_OTHER);
	assert_int_equal(parse_n(csv, strlen(csv), ""), CAMCA_EINVAL);
	assert_string_equal(why.code, "import.column-missing");
}

/* What a spreadsheet leaves of cleared columns and rows. */
static void
test_empty_columns(void **state)
{
	(void)state;
	assert_int_equal(parse("manufacturer,,model,serial,site,,\r\n"
	    "Axis,,P1,A1,s1,,\r\n,,,,,,\r\nAxis, ,P1,A2,s1,,\r\n"), 0);
	assert_int_equal(imp.errors.n, 0);
	assert_int_equal(imp.nrows, 2);
	assert_string_equal(imp.rows[1].device.serial, "A2");
	assert_int_equal(parse("manufacturer,model,serial,site,\n"
	    "Axis,P1,A1,s1,\nAxis,P1,A2,s1,lost\nAxis,P1,,s1,\n,,,\n"), 0);
	assert_int_equal(imp.nrows, 1);
	assert_int_equal(imp.errors.n, 2);
	assert_int_equal(imp.errors.list[0].line, 3);
	assert_int_equal(imp.errors.list[1].line, 4);
}

static void
test_header_refused(void **state)
{
	static const struct {
		const char *csv, *code;
	} cases[] = {
		{ "", "import.header" },
		{ "\n\n  \n", "import.header" },
		{ "\xef\xbb\xbf", "import.header" },
		{ "\xff\xfe" "m\0", "import.encoding" },
		{ "\xfe\xff\0m", "import.encoding" },
		{ "manufacturer;model;serial;site\n", "import.header" },
		{ "manufacturer,model,serial\n", "import.column-missing" },
		{ "manufacturer,model,serial,site,colour\n",
		  "import.column-unknown" },
		{ "manufacturer,model,serial,site,Site\n",
		  "import.column-twice" },
		{ "manufacturer,\"model,serial,site\n", "import.header" },
		{ "manufacturer,mo\"del,serial,site\n", "import.header" },
		{ "\"manufacturer", "import.header" },
		{ "Axis,P1,A1,s1\n", "import.column-unknown" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(parse(cases[i].csv), CAMCA_EINVAL);
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, cases[i].code);
		assert_int_equal(imp.nrows, 0);
	}
}

/* Each bad row by its line, and every good one kept. */
static void
test_bad_rows(void **state)
{
	(void)state;
	assert_int_equal(parse("manufacturer,model,serial,site,mac,place,kind\n"
	    "Axis,P1,A1,s1,,,\n"
	    "Axis,P1,A2,s1,,\n"
	    "Axis,P1,A3,s1,,,,\n"
	    ",P1,A4,s1,,,\n"
	    "Axis,P1,,s1,,,\n"
	    "Axis,P1,A6,,,,\n"
	    "Axis,P1,A7,s 1,,,\n"
	    "Axis,P1,A8,s1,12:34,,\n"
	    "Axis,P1,A9,s1,,square,\n"
	    "Axis,P1,B1,s1,,,lamp\n"
	    "Axis,\xff,B2,s1,,,\n"
	    "Axis,P\"1,B3,s1,,,\n"
	    "\n"
	    "Axis,P1,B4,s1,,,\n"), 0);
	assert_int_equal(imp.nrows, 2);
	assert_string_equal(imp.rows[1].device.serial, "B4");
	assert_int_equal(imp.rows[1].line, 15);
	assert_int_equal(imp.errors.n, 11);
	assert_error(0, 3, "", "6 fields, the header has 7");
	assert_error(1, 4, "", "8 fields");
	assert_error(2, 5, "manufacturer", "missing");
	assert_error(3, 6, "serial", "missing");
	assert_error(4, 7, "site", "missing");
	assert_error(5, 8, "site", "'s 1'");
	assert_error(6, 9, "mac", "12:34");
	assert_error(7, 10, "place", "key-area");
	assert_error(8, 11, "kind", "camera or ra");
	assert_error(9, 12, "model", "UTF-8");
	assert_error(10, 13, "", "quotes");
}

static void
test_bad_documents(void **state)
{
	(void)state;
	assert_int_equal(parse("manufacturer,model,serial,site,"
	    "quality_number,quality_date,quality_sha256,assessment_number,"
	    "assessment_date,assessment_sha256,assessment_passed,"
	    "assessment_expires\n"
	    "A,M,1,s,Q1,,,,,,,\n"
	    "A,M,2,s,Q1,2026-01-01,,,,,,\n"
	    "A,M,3,s,,2026-01-01," SHA ",,,,,\n"
	    "A,M,4,s,Q1,2026-02-29," SHA ",,,,,\n"
	    "A,M,5,s,Q1,01/02/2026," SHA ",,,,,\n"
	    "A,M,6,s,Q1,2026-01-01,00" SHA ",,,,,\n"
	    "A,M,7,s,,,,N1,2026-01-01," SHA ",,\n"
	    "A,M,8,s,,,,N1,2026-01-01," SHA ",passt,\n"
	    "A,M,9,s,,,,N1,2026-01-01," SHA ",no,2026-01-01\n"
	    "A,M,10,s,,,,,,,,2026-01-01\n"
	    "A,M,11,s,Q\x01,2026-01-01," SHA ",,,,,\n"
	    "A,M,12,s,,,,N1,2026-01-01," SHA ",no,2026-01-02\n"), 0);
	assert_int_equal(imp.nrows, 1);
	assert_int_equal(imp.rows[0].docs[0].passed, 0);
	assert_int_equal(imp.errors.n, 11);
	assert_error(0, 2, "quality_date", "missing");
	assert_error(1, 3, "quality_sha256", "missing");
	assert_error(2, 4, "quality_number", "missing");
	assert_error(3, 5, "quality_date", "2026-02-29");
	assert_error(4, 6, "quality_date", "01/02/2026");
	assert_error(5, 7, "quality_sha256", "64 hex");
	assert_error(6, 8, "assessment_passed", "missing");
	assert_error(7, 9, "assessment_passed", "passt");
	assert_error(8, 10, "assessment_expires", "not after");
	assert_error(9, 11, "assessment_number", "missing");
	assert_error(10, 12, "quality_number", "control");
}

/* The line of a record is the one on which it starts. */
static void
test_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("manufacturer,model,serial,site,origin_issuer\n"
	    "\"a\n\nb\",M,1,s,\n"
	    "A,\"say \"\"x\"\"\",2,s,\n"
	    "A,M,3,s,\"x\ny\"\r\n"
	    "\r\n"
	    "A,M,4,s,\r"
	    "A,M,4,s,\n"
	    "A,M,5,s,\"open\n"
	    "A,M,6,s,\n"
	    "A,M,7,s,\"x\"y\n"
	    "A,M,8,s,"), 0);
	assert_int_equal(imp.nrows, 4);
	assert_int_equal(imp.rows[0].line, 5);
	assert_string_equal(imp.rows[0].device.model, "say \"x\"");
	assert_int_equal(imp.rows[1].line, 9);
	assert_int_equal(imp.rows[2].line, 12);
	assert_int_equal(imp.rows[3].line, 14);
	assert_int_equal(imp.errors.n, 5);
	assert_error(0, 2, "manufacturer", "control");
	assert_error(1, 6, "origin_issuer", "control");
	assert_error(2, 10, "id", "line 9");
	assert_error(3, 11, "", "quotes");
	assert_error(4, 13, "", "quotes");
}

static void
test_duplicates(void **state)
{
	(void)state;
	assert_int_equal(parse("id,manufacturer,model,serial,site,mac\n"
	    "a,X,M,1,s,00:40:8c:00:00:01\n"
	    "a,X,M,2,s,\n"
	    "b,X,M,1,s,\n"
	    "c,Y,M,1,s,00408C000001\n"
	    "d,Y,M,2,s,\n"
	    "a,X,M,1,s,00:40:8c:00:00:01\n"), 0);
	assert_int_equal(imp.nrows, 2);
	assert_string_equal(imp.rows[0].device.id, "a");
	assert_string_equal(imp.rows[1].device.id, "d");
	assert_int_equal(imp.errors.n, 4);
	assert_error(0, 3, "id", "line 2");
	assert_error(1, 4, "serial", "line 2");
	assert_error(2, 5, "mac", "line 2");
	assert_error(3, 7, "id", "line 2");
	/* "X" + "Y1" is not "XY" + "1". */
	assert_int_equal(parse("id,manufacturer,model,serial,site\n"
	    "a,X,M,Y1,s\nb,XY,M,1,s\n"), 0);
	assert_int_equal(imp.nrows, 2);
}

static void
test_ids_made(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD
	    "A,M,x/1,s1\n"
	    "A,M,x 1,s1\n"
	    "B,M,x\xc3\xa9,s1\n"
	    "A,M,0123456789012345678901234567890123456789012345678901234567"
	    "890123,s1\n"
	    "A,M,012345678901234567890123456789012345678901234567890123456"
	    "7890,s1\n"), 0);
	assert_int_equal(imp.nrows, 3);
	assert_string_equal(imp.rows[0].device.id, "s1-x-1");
	assert_string_equal(imp.rows[1].device.id, "s1-x--");
	assert_int_equal(strlen(imp.rows[2].device.id), 64);
	assert_int_equal(imp.errors.n, 2);
	assert_error(0, 3, "id", "line 2");
	assert_error(1, 5, "id", "give an id");
}

/* Cells that a spreadsheet would run are plain text here. */
static void
test_formulas_are_text(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD "=1+1,@SUM(A1),-2,s1\n"), 0);
	assert_int_equal(imp.nrows, 1);
	assert_string_equal(imp.rows[0].device.manufacturer, "=1+1");
	assert_string_equal(imp.rows[0].device.model, "@SUM(A1)");
}

static const char sample[] =
    "id,manufacturer,model,serial,site,mac,quality_number,quality_date,"
    "quality_sha256\r\n"
    "cam-1,Axis,\"P\"\"3,245\",A1,s1,00:40:8c:12:34:5f,Q1,2026-01-01," SHA
    "\r\n"
    "cam-2,\"Ax\nis\",P3,A2,s1,,,,\r\n"
    "cam-3,Axis,P3,A3,s1,,,,\r\n";

/* Whatever came out: rows that are whole, errors with line and reason. */
static void
assert_sound(size_t n)
{
	size_t i;

	for (i = 0; i < imp.nrows; i++) {
		struct device_row d = imp.rows[i].device;

		assert_int_equal(device_normalize(&d, NULL), 0);
		assert_memory_equal(&d, &imp.rows[i].device, sizeof d);
		assert_in_range(imp.rows[i].line, 1, n);
		assert_in_range(imp.rows[i].ndocs, 0, 3);
	}
	for (i = 0; i < imp.errors.n; i++) {
		assert_in_range(imp.errors.list[i].line, 1, n);
		assert_true(imp.errors.list[i].reason[0] != '\0');
		if (i > 0)
			assert_true(imp.errors.list[i - 1].line <=
			    imp.errors.list[i].line);
	}
}

static void
test_cut_at_each_byte(void **state)
{
	size_t n;
	char *copy;

	(void)state;
	for (n = 0; n < sizeof sample; n++) {
		/* A block of exactly n bytes, for the address sanitizer. */
		copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy + 1, sample, n);
		(void)parse_n(copy + 1, n, NULL);
		assert_sound(n);
		free(copy);
	}
	assert_int_equal(parse(sample), 0);
	assert_int_equal(imp.nrows, 2);
	assert_int_equal(imp.errors.n, 1);
}

static void
test_bit_flips(void **state)
{
	char text[sizeof sample];
	size_t i;
	int bit;

	(void)state;
	memcpy(text, sample, sizeof text);
	for (i = 0; i < sizeof sample - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ 1 << bit);
			(void)parse_n(text, sizeof text - 1, NULL);
			assert_sound(sizeof text);
			text[i] = (char)(text[i] ^ 1 << bit);
		}
}

static void
test_oversize(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, HEAD "Axis,P1,"), 0);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf_putc(&b, 'x'), 0);
	assert_int_equal(buf_puts(&b, ",s1\nAxis,P1,A1,s1\n"), 0);
	assert_int_equal(parse(buf_str(&b)), 0);
	assert_int_equal(imp.nrows, 1);
	assert_error(0, 2, "serial", "128 bytes");
	assert_int_equal(buf_reserve(&b, IMPORT_MAX_BYTES), 0);
	memset(b.data + b.len, '\n', IMPORT_MAX_BYTES);
	assert_int_equal(parse_n(buf_str(&b), IMPORT_MAX_BYTES + 1, NULL),
	    CAMCA_ELIMIT);
	assert_int_equal(why.http, 413);
	buf_reset(&b);
	assert_int_equal(buf_puts(&b, HEAD), 0);
	for (i = 0; i < IMPORT_MAX_ROWS + 1; i++)
		assert_int_equal(buf_puts(&b, "x\n"), 0);
	assert_int_equal(parse(buf_str(&b)), CAMCA_ELIMIT);
	assert_int_equal(why.http, 413);
	buf_fini(&b);
}

/* Inputs chosen to make a careless reader quadratic: many quotes that never
 * match, many equal keys. They end, and soon. */
static void
test_hostile_shapes(void **state)
{
	static const char *const lines[] = { "\"a\n", "\"\"\"\n", "a\"b\n",
	    "\",\"\n", "A,M,1,s\n", "\"\n", "\r" };
	struct buf b;
	size_t k;
	int i;

	(void)state;
	for (k = 0; k < sizeof lines / sizeof lines[0]; k++) {
		buf_init(&b, 0);
		assert_int_equal(buf_puts(&b, HEAD), 0);
		for (i = 0; i < 20000; i++)
			assert_int_equal(buf_puts(&b, lines[k]), 0);
		assert_int_equal(parse(buf_str(&b)), 0);
		assert_true(imp.nrows <= 1);
		assert_sound(b.len);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_row),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_empty_columns),
		cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_ids_made),
		cmocka_unit_test(test_formulas_are_text),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_hostile_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
