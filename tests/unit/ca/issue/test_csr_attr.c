/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509v3.h>

#include "csr_fixture.h"

/* G8, G9: each text attribute goes to its own field. */
static void
test_texts(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	fx_attr_text(&f, BYTES(OID_CHALLENGE), PRINTABLE, BYTES("one+/="));
	fx_attr_text(&f, BYTES(OID_OTP), UTF8, BYTES("two"));
	fx_attr_text(&f, BYTES(OID_REVOCATION), IA5, BYTES("three"));
	fx_attr_text(&f, BYTES(OID_LINKING), UTF8, BYTES("four"));
	fx_accepted(&f, &c);
	assert_string_equal(c.challenge, "one+/=");
	assert_string_equal(c.otp, "two");
	assert_string_equal(c.revocation, "three");
	assert_string_equal(c.linking, "four");
	csr_fini(&c);
	assert_string_equal(c.challenge, "");
	fx_fini(&f);
}

static void
test_text_rules(void **state)
{
	static const struct {
		uint8_t type;
		const char *text;
		size_t n;
		const char *code;
	} cases[] = {
		{ BMP, BYTES("\0a"), "csr.attribute-type" },
		{ 0x04, BYTES("a"), "csr.attribute-type" },
		{ 0x30, BYTES(""), "csr.attribute-type" },
		{ UTF8, BYTES(""), "csr.attribute-length" },
		{ UTF8, BYTES("a\0b"), "csr.attribute-text" },
		{ UTF8, BYTES("a\rb"), "csr.attribute-text" },
		{ UTF8, BYTES("\xff"), "csr.attribute-text" },
		{ PRINTABLE, BYTES("\xc3\xa1"), "csr.attribute-text" },
	};
	char text[256];
	struct fx f;
	struct csr c;
	size_t i;

	(void)state;
	fx_init(&f);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&f.attrs);
		fx_attr_text(&f, BYTES(OID_CHALLENGE), cases[i].type,
		    cases[i].text, cases[i].n);
		fx_refused(&f, cases[i].code);
	}
	memset(text, 'a', sizeof text);
	buf_reset(&f.attrs);
	fx_attr_text(&f, BYTES(OID_LINKING), UTF8, text, 255);
	fx_accepted(&f, &c);
	assert_int_equal(strlen(c.linking), 255);
	csr_fini(&c);
	buf_reset(&f.attrs);
	fx_attr_text(&f, BYTES(OID_LINKING), UTF8, text, 256);
	fx_refused(&f, "csr.attribute-length");
	fx_fini(&f);
}

/* Where two are sent, a checker could see one and a user the other. */
static void
test_twice(void **state)
{
	struct fx f;

	(void)state;
	fx_init(&f);
	fx_attr_text(&f, BYTES(OID_CHALLENGE), UTF8, BYTES("a"));
	fx_attr_text(&f, BYTES(OID_CHALLENGE), UTF8, BYTES("a"));
	fx_refused(&f, "csr.attribute-twice");
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_CHALLENGE), BYTES("\x0c\x01\x61\x0c\x01\x62"));
	fx_refused(&f, "csr.attribute-values");
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_CHALLENGE), BYTES(""));
	fx_refused(&f, "csr.attribute-values");
	/* an unknown one, twice */
	buf_reset(&f.attrs);
	fx_attr_text(&f, BYTES("\x2a\x03\x04"), UTF8, BYTES("a"));
	fx_attr_text(&f, BYTES("\x2a\x03\x04"), UTF8, BYTES("b"));
	fx_refused(&f, "csr.attribute-twice");
	/* Microsoft's name of the extension request beside PKCS #9's */
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_MS_EXTENSIONS), BYTES("\x30\x00"));
	fx_attr(&f, BYTES(OID_EXTENSIONS), BYTES("\x30\x00"));
	fx_refused(&f, "csr.attribute-twice");
	/* an extension twice */
	buf_reset(&f.attrs);
	fx_san(&f, 0x82, BYTES("a.example"));
	fx_san(&f, 0x82, BYTES("a.example"));
	fx_refused(&f, "csr.extension-twice");
	fx_fini(&f);
}

/* An unknown attribute may have what it likes. */
static void
test_unknown(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	fx_attr(&f, BYTES("\x2a\x03\x04"), BYTES(""));
	fx_attr(&f, BYTES("\x2a\x03\x05"), BYTES("\x02\x01\x01\x02\x01\x02"));
	fx_ext(&f, BYTES("\x2a\x03\x04"), BYTES("no DER at all"));
	fx_accepted(&f, &c);
	csr_fini(&c);
	fx_fini(&f);
}

static void
numbered(struct fx *f, int n, bool extensions)
{
	char oid[4] = "\x2a\x03\0";
	int i;

	buf_reset(&f->attrs);
	buf_reset(&f->exts);
	for (i = 0; i < n; i++) {
		oid[2] = (char)i;
		if (extensions)
			fx_ext(f, oid, 3, BYTES("\x05\x00"));
		else
			fx_attr(f, oid, 3, BYTES("\x05\x00"));
	}
}

static void
test_counts(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	numbered(&f, 64, false);
	fx_accepted(&f, &c);
	csr_fini(&c);
	numbered(&f, 65, false);
	fx_refused(&f, "csr.too-complex");
	numbered(&f, 64, true);
	fx_accepted(&f, &c);
	csr_fini(&c);
	numbered(&f, 65, true);
	fx_refused(&f, "csr.too-complex");
	fx_fini(&f);
}

static void
test_extensions(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	fx_ext(&f, BYTES(OID_BC), BYTES("\x30\x03\x01\x01\xff"));
	fx_ext(&f, BYTES(OID_KU), BYTES("\x03\x02\x05\xa0"));
	fx_ext(&f, BYTES(OID_EKU), BYTES("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05"
	    "\x07\x03\x02"));
	fx_accepted(&f, &c);
	assert_true(c.asks_ca);
	assert_int_equal(c.key_usage, KU_DIGITAL_SIGNATURE |
	    KU_KEY_ENCIPHERMENT);
	assert_int_equal(sk_ASN1_OBJECT_num(c.eku), 1);
	csr_fini(&c);
	/* decipherOnly is the ninth bit */
	buf_reset(&f.attrs);
	buf_reset(&f.exts);
	fx_ext(&f, BYTES(OID_KU), BYTES("\x03\x03\x07\x00\x80"));
	fx_ext(&f, BYTES(OID_BC), BYTES("\x30\x00"));
	fx_accepted(&f, &c);
	assert_int_equal(c.key_usage, KU_DECIPHER_ONLY);
	assert_false(c.asks_ca);
	csr_fini(&c);
	/* Microsoft's name alone */
	buf_reset(&f.attrs);
	buf_reset(&f.exts);
	fx_attr(&f, BYTES(OID_MS_EXTENSIONS), BYTES("\x30\x0e\x30\x0c\x06\x03"
	    "\x55\x1d\x13\x04\x05\x30\x03\x01\x01\xff"));
	fx_accepted(&f, &c);
	assert_true(c.asks_ca);
	csr_fini(&c);
	fx_fini(&f);
}

static void
test_extensions_malformed(void **state)
{
	static const struct {
		const char *oid;
		size_t oid_len;
		const char *value;
		size_t n;
		const char *code;
	} cases[] = {
		{ BYTES(OID_BC), BYTES("\x05\x00"), "csr.extension-malformed" },
		{ BYTES(OID_BC), BYTES("\x30\x03\x01\x01\x01"),
		    "csr.not-der" },
		{ BYTES(OID_BC), BYTES(""), "csr.not-der" },
		{ BYTES(OID_BC), BYTES("\x30\x00\x00"), "csr.trailing-data" },
		{ BYTES(OID_KU), BYTES("\x03\x02\x05\xff"), "csr.not-der" },
		{ BYTES(OID_KU), BYTES("\x03\x04\x00\x80\x00\x01"),
		    "csr.extension-malformed" },
		{ BYTES(OID_KU), BYTES("\x04\x01\x80"),
		    "csr.extension-malformed" },
		{ BYTES(OID_EKU), BYTES("\x30\x00"),
		    "csr.extension-malformed" },
		{ BYTES(OID_EKU), BYTES("\x30\x02\x05\x00"),
		    "csr.extension-malformed" },
		{ BYTES(OID_SAN), BYTES("\x30\x80\x00\x00"), "csr.not-der" },
		{ BYTES(OID_SAN), BYTES("\x31\x00"),
		    "csr.extension-malformed" },
	};
	struct fx f;
	size_t i;

	(void)state;
	fx_init(&f);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&f.attrs);
		buf_reset(&f.exts);
		fx_ext(&f, cases[i].oid, cases[i].oid_len, cases[i].value,
		    cases[i].n);
		fx_refused(&f, cases[i].code);
	}
	buf_reset(&f.exts);
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_EXTENSIONS), BYTES("\x05\x00"));
	fx_refused(&f, "csr.extensions");
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_EXTENSIONS), BYTES("\x30\x02\x05\x00"));
	fx_refused(&f, "csr.extensions");
	fx_fini(&f);
}

#define NAME_A "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x61"
#define ALT_A "\x30\x03\x82\x01\x61"

/* H4: RFC 6402 2.8; each part alone, both, and neither. */
static void
test_change_subject(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	fx_attr(&f, BYTES(OID_CHANGE), BYTES("\x30\x13" NAME_A ALT_A));
	fx_accepted(&f, &c);
	assert_true(c.change_subject);
	assert_int_equal(X509_NAME_entry_count(c.new_subject), 1);
	assert_int_equal(sk_GENERAL_NAME_num(c.new_san), 1);
	csr_fini(&c);
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_CHANGE), BYTES("\x30\x0e" NAME_A));
	fx_accepted(&f, &c);
	assert_true(c.change_subject);
	assert_non_null(c.new_subject);
	assert_null(c.new_san);
	csr_fini(&c);
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_CHANGE), BYTES("\x30\x05" ALT_A));
	fx_accepted(&f, &c);
	assert_true(c.change_subject);
	assert_null(c.new_subject);
	assert_int_equal(sk_GENERAL_NAME_num(c.new_san), 1);
	csr_fini(&c);
	buf_reset(&f.attrs);
	fx_attr(&f, BYTES(OID_CHANGE), BYTES("\x30\x02\x30\x00"));
	fx_accepted(&f, &c);
	assert_int_equal(X509_NAME_entry_count(c.new_subject), 0);
	csr_fini(&c);
	fx_fini(&f);
}

static void
test_change_subject_malformed(void **state)
{
	static const struct {
		const char *value;
		size_t n;
		const char *code;
	} cases[] = {
		{ BYTES("\x30\x00"), "csr.change-malformed" },
		{ BYTES("\x05\x00"), "csr.change-malformed" },
		{ BYTES("\x30\x02\x05\x00"), "csr.change-malformed" },
		/* the wrong way round, and three of them */
		{ BYTES("\x30\x13" ALT_A NAME_A), "csr.change-malformed" },
		{ BYTES("\x30\x18" NAME_A ALT_A ALT_A),
		    "csr.change-malformed" },
		{ BYTES("\x30\x10" NAME_A "\x30\x00"), "csr.san-count" },
		{ BYTES("\x30\x06\x30\x04\x82\x02\x61\x00"), "csr.name-nul" },
		{ BYTES("\x30\x0f\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03"
		    "\x0c\x02\x61\x00"), "csr.name-nul" },
	};
	struct fx f;
	size_t i;

	(void)state;
	fx_init(&f);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&f.attrs);
		fx_attr(&f, BYTES(OID_CHANGE), cases[i].value, cases[i].n);
		fx_refused(&f, cases[i].code);
	}
	fx_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_text_rules),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_extensions_malformed),
		cmocka_unit_test(test_change_subject),
		cmocka_unit_test(test_change_subject_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
