/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include <dlfcn.h>

#include "ca/cmd/qr.c"

/* The library is opened here, so that the test needs no link of its own. */
static void *
library(const char *name)
{
	static void *lib;

	if (lib == NULL)
		lib = dlopen("libqrencode.so.4", RTLD_NOW);
	assert_non_null(lib);
	return dlsym(lib, name);
}

QRcode *
QRcode_encodeString8bit(const char *text, int version, QRecLevel level)
{
	QRcode *(*fn)(const char *, int, QRecLevel);

	*(void **)&fn = library("QRcode_encodeString8bit");
	return fn(text, version, level);
}

void
QRcode_free(QRcode *q)
{
	void (*fn)(QRcode *);

	*(void **)&fn = library("QRcode_free");
	fn(q);
}

/* Draws the path into a matrix of w modules; how many it makes dark. */
static size_t
draw(const char *svg, unsigned char *m, size_t w)
{
	const char *p = strstr(svg, " d=\"");
	unsigned x = 0, y = 0, step, run;
	size_t dark = 0;
	int used;

	assert_non_null(p);
	for (p += 4; *p != '"'; p += used) {
		used = 0;
		if (*p == 'M')
			assert_int_equal(sscanf(p, "M%u %uh%u%n", &x, &y, &run,
			    &used), 3);
		else {
			assert_int_equal(sscanf(p, "m%u 0h%u%n", &step, &run,
			    &used), 2);
			x += step;
		}
		assert_true(used > 0 && run > 0 && x + run <= w && y < w);
		for (; run > 0; run--, x++, dark++)
			m[y * w + x] = 1;
	}
	assert_string_equal(p, "\"/></svg>");
	return dark;
}

static void
test_same_modules(void **state)
{
	static const char text[] = "camca:1?url=https://pki.example:8443/"
	    ".well-known/est&id=cam-0001&otp=ABCD-EFGH";
	QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	unsigned char m[200 * 200] = { 0 };
	size_t i, w, dark = 0;
	char view[64];
	struct buf b;

	(void)state;
	assert_non_null(q);
	w = (size_t)q->width;
	buf_init(&b, 0);
	assert_int_equal(qr_svg(&b, text), 0);
	snprintf(view, sizeof view, "viewBox=\"-4 -4.5 %zu %zu\"", w + 8,
	    w + 8);
	assert_non_null(strstr(buf_str(&b), view));
	for (i = 0; i < w * w; i++)
		dark += q->data[i] & 1;
	assert_int_equal(draw(buf_str(&b), m, w), dark);
	for (i = 0; i < w * w; i++)
		assert_int_equal(m[i], q->data[i] & 1);
	QRcode_free(q);
	buf_fini(&b);
}

static void
test_limits(void **state)
{
	char big[5000];
	struct buf b;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	buf_init(&b, 0);
	assert_int_equal(qr_svg(&b, big), CAMCA_ELIMIT);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
	buf_init(&b, 300);
	assert_int_equal(qr_svg(&b, "text"), CAMCA_ELIMIT);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_modules),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
