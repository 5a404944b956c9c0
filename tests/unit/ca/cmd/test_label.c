/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include "ca/cmd/label.c"
#include "ca/cmd/label_html.c"

/* The QR code's text, as a comment, in the place of its picture. */
int
qr_svg(struct buf *out, const char *text)
{
	return buf_printf(out, "<!--%s-->", text);
}

static struct label
example(void)
{
	struct label l = { "cam-1", "SN1", "M1", "hn-01", "ABCDEFGHIJKL",
	    "2026-12-01T10:00:00.000Z", "https://pki:8443/.well-known/est",
	    "00ff" };

	return l;
}

static void
test_uri(void **state)
{
	struct label l = example();
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	l.device = "a&b=c d%\xc3\xa9#?+";
	assert_int_equal(label_uri(&b, &l), 0);
	assert_string_equal(buf_str(&b),
	    "camca:1?url=https://pki:8443/.well-known/est"
	    "&id=a%26b%3Dc%20d%25%C3%A9%23%3F%2B&otp=ABCDEFGHIJKL"
	    "&root=sha256:00ff");
	buf_fini(&b);
}

static void
test_csv(void **state)
{
	struct label l = example();
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	l.model = "a \"b\", c";
	l.serial = "line\r\nfeed";
	assert_int_equal(label_csv(&b, &l), 0);
	assert_memory_equal(buf_str(&b), "\"cam-1\",\"line\r\nfeed\","
	    "\"a \"\"b\"\", c\",\"hn-01\",\"ABCDEFGHIJKL\",",
	    strlen("\"cam-1\",\"line\r\nfeed\",\"a \"\"b\"\", c\",\"hn-01\","
	    "\"ABCDEFGHIJKL\","));
	assert_memory_equal(b.data + b.len - 3, "\"\r\n", 3);
	buf_reset(&b);
	assert_int_equal(label_csv_head(&b), 0);
	assert_memory_equal(b.data + b.len - 2, "\r\n", 2);
	buf_fini(&b);
}

/* A serial number read as a formula runs commands on the printing machine. */
static void
test_csv_formula(void **state)
{
	static const char *const evil[] = { "=cmd|'/C calc'!A0", "+1", "-1",
	    "@SUM(1)", "\t=1", "\r=1" };
	static const char *const fine[] = { "1=2", "a-b", "", "'x" };
	char want[64];
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof evil / sizeof evil[0]; i++) {
		buf_reset(&b);
		assert_int_equal(label_csv_field(&b, evil[i], false), 0);
		snprintf(want, sizeof want, "\"'%s\",", evil[i]);
		assert_string_equal(buf_str(&b), want);
	}
	for (i = 0; i < sizeof fine / sizeof fine[0]; i++) {
		buf_reset(&b);
		assert_int_equal(label_csv_field(&b, fine[i], false), 0);
		snprintf(want, sizeof want, "\"%s\",", fine[i]);
		assert_string_equal(buf_str(&b), want);
	}
	buf_fini(&b);
}

static void
test_group(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = { { "", "" }, { "ABC", "ABC" }, { "ABCD", "ABCD" },
	    { "ABCDE", "ABCD-E" }, { "AB-CD-EF", "ABCD-EF" },
	    { "ABCD EFGH", "ABCD-EFGH" } };
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&b);
		assert_int_equal(label_group(&b, rows[i].in), 0);
		assert_string_equal(buf_str(&b), rows[i].out);
	}
	buf_fini(&b);
}

/* Inventory texts stay text in the page. */
static void
test_html_escapes(void **state)
{
	static const char evil[] = "<script>alert(1)</script>\"' &amp;";
	struct label l = example();
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	l.device = l.serial = l.model = l.site = l.expires = l.secret = evil;
	assert_int_equal(label_html(&b, &l), 0);
	assert_null(strstr(buf_str(&b), "<script"));
	assert_non_null(strstr(buf_str(&b),
	    "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; &amp;amp;"));
	buf_reset(&b);
	assert_int_equal(label_html_head(&b, evil, evil, evil), 0);
	assert_null(strstr(buf_str(&b), "<script"));
	buf_fini(&b);
}

static void
test_html(void **state)
{
	struct label l = example();
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(label_html_head(&b, l.url, l.root, "now"), 0);
	assert_int_equal(label_html(&b, &l), 0);
	assert_int_equal(label_html_tail(&b), 0);
	assert_non_null(strstr(buf_str(&b), "default-src 'none'"));
	assert_null(strstr(buf_str(&b), "src="));
	assert_null(strstr(buf_str(&b), "href="));
	assert_non_null(strstr(buf_str(&b), "2026-12-01 10:00 UTC"));
	assert_non_null(strstr(buf_str(&b), "<span>ABCD-</span>"));
	assert_non_null(strstr(buf_str(&b), "Số sê-ri"));
	assert_non_null(strstr(buf_str(&b), "Serial"));
	assert_non_null(strstr(buf_str(&b), "otp=ABCDEFGHIJKL"));
	buf_fini(&b);
}

/* No room: an error, at every size. */
static void
test_limits(void **state)
{
	struct label l = example();
	struct buf all, b;
	size_t max;

	(void)state;
	buf_init(&all, 0);
	assert_int_equal(label_html(&all, &l), 0);
	for (max = 1; max < all.len; max += 7) {
		buf_init(&b, max);
		assert_int_equal(label_html(&b, &l), CAMCA_ELIMIT);
		buf_reset(&b);
		if (max < 200)
			assert_int_equal(label_csv(&b, &l), CAMCA_ELIMIT);
		buf_fini(&b);
	}
	buf_fini(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_formula),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_html_escapes),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
