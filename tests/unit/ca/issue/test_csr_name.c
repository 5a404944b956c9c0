/* SPDX-License-Identifier: Apache-2.0 */
#include "csr_fixture.h"

static void
test_subject_texts(void **state)
{
	static const struct {
		uint8_t type;
		const char *text;
		size_t n;
		const char *code;        /* NULL: accepted */
	} cases[] = {
		{ UTF8, BYTES("C\xe1\xbb\x95ng B\xe1\xba\xaf" "c"), NULL },
		{ PRINTABLE, BYTES("cam-1"), NULL },
		{ IA5, BYTES("cam-1"), NULL },
		{ 0x14, BYTES("cam\xe9"), NULL },
		{ BMP, BYTES("\0c\0a\x1e\xaf"), NULL },
		{ 0x1c, BYTES("\0\0\0c\0\0\x1e\xaf"), NULL },
		{ UTF8, BYTES("cam-1\0.evil"), "csr.name-nul" },
		{ UTF8, BYTES("\0"), "csr.name-nul" },
		{ PRINTABLE, BYTES("cam\0x"), "csr.name-nul" },
		{ BMP, BYTES("\0c\0\0\0x"), "csr.name-nul" },
		{ UTF8, BYTES("cam\n1"), "csr.name-control" },
		{ UTF8, BYTES("cam\x7f"), "csr.name-control" },
		{ UTF8, BYTES("cam\xff"), "csr.name-encoding" },
		{ UTF8, BYTES("\xc0\x80"), "csr.name-encoding" },
		{ UTF8, BYTES("\xc3"), "csr.name-encoding" },
		{ PRINTABLE, BYTES("cam\xe9"), "csr.name-encoding" },
		{ IA5, BYTES("cam\xe9"), "csr.name-encoding" },
		{ BMP, BYTES("\0c\0"), "csr.name-encoding" },
		{ 0x1c, BYTES("\0\0\0c\0"), "csr.name-encoding" },
		{ UTF8, BYTES(""), "csr.name-empty" },
		{ 0x04, BYTES("cam"), "csr.not-pkcs10" },
		{ 0x19, BYTES("cam"), "csr.not-pkcs10" },
	};
	struct fx f;
	struct csr c;
	size_t i;

	(void)state;
	fx_init(&f);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fx_cn(&f, cases[i].type, cases[i].text, cases[i].n);
		if (cases[i].code != NULL) {
			fx_refused(&f, cases[i].code);
			continue;
		}
		fx_accepted(&f, &c);
		csr_fini(&c);
	}
	fx_fini(&f);
}

static void
test_subject_sizes(void **state)
{
	char text[1025];
	struct fx f;
	struct csr c;
	int i;

	(void)state;
	fx_init(&f);
	memset(text, 'a', sizeof text);
	fx_cn(&f, UTF8, text, 1024);
	fx_accepted(&f, &c);
	csr_fini(&c);
	fx_cn(&f, UTF8, text, 1025);
	fx_refused(&f, "csr.name-too-long");
	buf_reset(&f.subject);
	for (i = 0; i < 101; i++)
		fx_rdn(&f.subject, BYTES(OID_CN), UTF8, BYTES("a"));
	fx_wrap(&f.subject, 0x30);
	fx_refused(&f, "csr.name-too-long");
	/* one that no table knows, and RDNs of two values out of order */
	buf_reset(&f.subject);
	fx_rdn(&f.subject, BYTES("\x2a\x03\x04\x05"), UTF8, BYTES("a"));
	fx_wrap(&f.subject, 0x30);
	fx_accepted(&f, &c);
	csr_fini(&c);
	fx_fini(&f);
}

/* An RDN of two values must ascend: OpenSSL would silently sort it, and the
 * name compared later would not be the name that was signed. */
static void
test_subject_unsorted(void **state)
{
	struct buf pair;
	struct fx f;

	(void)state;
	fx_init(&f);
	buf_init(&pair, 0);
	fx_pair(&pair, BYTES(OID_SERIAL), BYTES("\x0c\x01\x61"));
	fx_pair(&pair, BYTES(OID_CN), BYTES("\x0c\x01\x61"));
	buf_reset(&f.subject);
	fx_tlv(&f.subject, 0x31, pair.data, pair.len);
	fx_wrap(&f.subject, 0x30);
	fx_refused(&f, "csr.not-der");
	buf_fini(&pair);
	fx_fini(&f);
}

static void
san_case(uint8_t tag, const char *name, size_t n, const char *code)
{
	struct fx f;
	struct csr c;

	fx_init(&f);
	fx_san(&f, tag, name, n);
	if (code != NULL) {
		fx_refused(&f, code);
	} else {
		fx_accepted(&f, &c);
		assert_int_equal(sk_GENERAL_NAME_num(c.san), 1);
		csr_fini(&c);
	}
	fx_fini(&f);
}

static void
test_san(void **state)
{
	(void)state;
	san_case(0x82, BYTES("cam.example"), NULL);
	san_case(0x82, BYTES("cam.example\0.evil"), "csr.name-nul");
	san_case(0x82, BYTES(""), "csr.name-empty");
	san_case(0x82, BYTES("c\xc3\xa1m"), "csr.name-encoding");
	san_case(0x86, BYTES("urn:x\0"), "csr.name-nul");
	san_case(0x81, BYTES("a@b\n"), "csr.name-control");
	san_case(0x87, BYTES("\x7f\0\0\1"), NULL);
	san_case(0x87, BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), NULL);
	san_case(0x87, BYTES("\x7f\0\0"), "csr.san-ip");
	san_case(0x87, BYTES("\x7f\0\0\1\xff\0\0\0"), "csr.san-ip");
	/* directoryName: CN=a / CN=a NUL; registeredID; otherName */
	san_case(0xa4, BYTES("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c"
	    "\x01\x61"), NULL);
	san_case(0xa4, BYTES("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c"
	    "\x02\x61\x00"), "csr.name-nul");
	san_case(0x88, BYTES("\x2a\x03\x04"), NULL);
	san_case(0xa0, BYTES("\x06\x03\x2a\x03\x04\xa0\x03\x0c\x01\x61"), NULL);
	san_case(0xa0, BYTES("\x06\x03\x2a\x03\x04\xa0\x80\x00\x00"),
	    "csr.not-der");
	san_case(0x89, BYTES("a"), "csr.extension-malformed");
}

static void
many_names(struct fx *f, int n)
{
	struct buf v;
	int i;

	buf_init(&v, 0);
	for (i = 0; i < n; i++)
		fx_tlv(&v, 0x82, "a.example", 9);
	fx_wrap(&v, 0x30);
	buf_reset(&f->exts);
	buf_reset(&f->attrs);
	fx_ext(f, BYTES(OID_SAN), v.data, v.len);
	buf_fini(&v);
}

/* N1 */
static void
test_san_counts(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	many_names(&f, 100);
	fx_accepted(&f, &c);
	csr_fini(&c);
	many_names(&f, 101);
	fx_refused(&f, "csr.san-count");
	many_names(&f, 1000);
	fx_refused(&f, "csr.san-count");
	many_names(&f, 3000);
	fx_refused(&f, "csr.too-complex");
	buf_reset(&f.exts);
	buf_reset(&f.attrs);
	fx_ext(&f, BYTES(OID_SAN), BYTES("\x30\x00"));
	fx_refused(&f, "csr.san-count");
	fx_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subject_texts),
		cmocka_unit_test(test_subject_sizes),
		cmocka_unit_test(test_subject_unsorted),
		cmocka_unit_test(test_san),
		cmocka_unit_test(test_san_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
