/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enroll/onvif/xml.h"
#include "enroll/onvif/xml_write.h"

static int
parse(const char *s, xmlDoc **doc, struct cam_why *why)
{
	return xml_parse(doc, s, strlen(s), XML_BYTES_DEFAULT, why);
}

static void
refused(const char *s, int err)
{
	struct cam_why why;
	xmlDoc *doc;

	assert_int_equal(parse(s, &doc, &why), err);
	assert_null(doc);
	assert_int_equal(why.code, CAM_MALFORMED);
}

static void
test_dtd(void **state)
{
	(void)state;
	refused("<!DOCTYPE a><a/>", CAMCA_EPROTO);
	refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
	    CAMCA_EPROTO);
	refused("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY "
	    "c \"&b;&b;&b;&b;\">]><a>&c;</a>", CAMCA_EPROTO);
	refused("<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\">%p;]>"
	    "<a/>", CAMCA_EPROTO);
	refused("<a>&b;</a>", CAMCA_EPROTO);
}

static void
test_malformed(void **state)
{
	static const char good[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	    "<a xmlns=\"urn:a\"><b c=\"1\">x</b></a>";
	char cut[sizeof good];
	struct cam_why why;
	xmlDoc *doc;
	size_t i;

	(void)state;
	refused("", CAMCA_EPROTO);
	refused("x", CAMCA_EPROTO);
	refused("<a", CAMCA_EPROTO);
	refused("<a/><b/>", CAMCA_EPROTO);
	refused("<a b='1' b='2'/>", CAMCA_EPROTO);
	refused("<x:a/>", CAMCA_EPROTO);
	refused("<a>\x01</a>", CAMCA_EPROTO);
	refused("<a>\xff</a>", CAMCA_EPROTO);
	for (i = 0; i < sizeof good - 1; i++) {
		assert_int_not_equal(xml_parse(&doc, good, i,
		    XML_BYTES_DEFAULT, &why), CAMCA_OK);
		memcpy(cut, good, sizeof good);
		cut[i] = (char)(cut[i] ^ 0x10);
		if (xml_parse(&doc, cut, sizeof good - 1, XML_BYTES_DEFAULT,
		    &why) == CAMCA_OK)
			xmlFreeDoc(doc);
	}
	assert_int_equal(parse(good, &doc, &why), CAMCA_OK);
	xmlFreeDoc(doc);
}

static char *
repeat(const char *a, size_t n, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i;
	char *s = malloc(n * (la + lb) + 1);

	assert_non_null(s);
	for (i = 0; i < n; i++) {
		memcpy(s + i * la, a, la);
		memcpy(s + n * la + i * lb, b, lb);
	}
	s[n * (la + lb)] = '\0';
	return s;
}

static void
flooded(const struct buf *b)
{
	struct cam_why why;
	xmlDoc *doc;

	assert_int_equal(xml_parse(&doc, b->data, b->len, XML_BYTES_MAX,
	    &why), CAMCA_ELIMIT);
	assert_int_equal(why.code, CAM_MALFORMED);
}

static void
taken(const char *text)
{
	struct cam_why why;
	xmlDoc *doc;

	assert_int_equal(parse(text, &doc, &why), CAMCA_OK);
	xmlFreeDoc(doc);
}

static void
test_limits(void **state)
{
	struct cam_why why;
	xmlDoc *doc;
	char *s;

	(void)state;
	s = repeat("<a>", XML_DEPTH_MAX, "</a>");
	assert_int_equal(parse(s, &doc, &why), CAMCA_OK);
	xmlFreeDoc(doc);
	free(s);
	s = repeat("<a>", XML_DEPTH_MAX + 1, "</a>");
	refused(s, CAMCA_ELIMIT);
	free(s);
	s = repeat("<a/>", XML_ELEMENTS_MAX + 1, "");
	memcpy(s, "<b> ", 4);
	refused(s, CAMCA_ELIMIT);
	free(s);
	s = repeat(" ", XML_BYTES_DEFAULT, "");
	assert_int_equal(xml_parse(&doc, s, XML_BYTES_DEFAULT + 1,
	    XML_BYTES_DEFAULT, &why), CAMCA_ELIMIT);
	free(s);
}

/* Each is compared with all before it: 100,000 in one tag, or namespaces, would
 * take ten seconds of a processor. In UTF-16 they are as many, and where they
 * cannot be counted nothing is read. */
static void
test_attribute_flood(void **state)
{
	static const char *const blanks[] = { "=\"\" ", "='' ", " = \"\" " };
	struct buf b, wide;
	clock_t begin;
	size_t i, k;

	(void)state;
	for (k = 0; k < 6; k++) {
		buf_init(&b, XML_BYTES_MAX);
		buf_init(&wide, 2 * XML_BYTES_MAX);
		assert_int_equal(buf_puts(&b, "<a "), CAMCA_OK);
		for (i = 0; i < (k < 3 ? 50000 : 25000); i++)
			assert_int_equal(buf_printf(&b, "%sa%zx%s", k % 2 ?
			    "xmlns:" : "", i, blanks[k % 3]), CAMCA_OK);
		assert_int_equal(buf_puts(&b, "/>"), CAMCA_OK);
		for (i = 0; i < b.len; i++)
			assert_int_equal(buf_put(&wide, (uint8_t[]){
			    b.data[i], 0 }, 2), CAMCA_OK);
		begin = clock();
		flooded(k < 3 ? &b : &wide);
		assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 1);
		buf_fini(&b);
		buf_fini(&wide);
	}
	refused("<?xml version='1.0' encoding='UTF-7'?><a/>", CAMCA_EPROTO);
	refused("<?xml version='1.0' encoding='IBM037'?><a/>", CAMCA_EPROTO);
	refused("\x4c\x6f\xa7\x94\x93", CAMCA_EPROTO);
	taken("<?xml version='1.0' encoding='utf-8'?><a b='1'/>");
	taken("<?xml version='1.0' encoding='GB2312'?><a b='1'/>");
	taken("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>");
}

static xmlDoc *
doc_of(const char *inner)
{
	char text[2048];
	struct cam_why why;
	xmlDoc *doc;

	snprintf(text, sizeof text, "<r xmlns=\"urn:n\" xmlns:o=\"urn:o\">%s"
	    "</r>", inner);
	assert_int_equal(parse(text, &doc, &why), CAMCA_OK);
	return doc;
}

static void
test_lookup(void **state)
{
	struct xml_in in = { 0, NULL };
	xmlDoc *doc = doc_of("<a>1</a><o:b>2</o:b><c/><c/>");
	const xmlNode *r = xmlDocGetRootElement(doc);

	(void)state;
	assert_non_null(xml_one(&in, r, "urn:n", "a", true));
	assert_null(xml_one(&in, r, "urn:o", "a", false));
	assert_null(xml_one(&in, r, "urn:n", "b", false));
	assert_non_null(xml_one(&in, r, "urn:o", "b", true));
	assert_null(xml_one(&in, NULL, "urn:n", "a", false));
	assert_int_equal(in.err, 0);
	assert_null(xml_one(&in, r, "urn:n", "c", false));
	assert_int_equal(in.err, CAMCA_EPROTO);
	/* After the first error nothing is found. */
	assert_null(xml_one(&in, r, "urn:n", "a", true));
	in.err = 0;
	assert_null(xml_one(&in, r, "urn:n", "missing", true));
	assert_int_equal(in.err, CAMCA_EPROTO);
	xmlFreeDoc(doc);
}

static int
string_of(const char *inner, char *out, size_t len, unsigned flags)
{
	struct xml_in in = { 0, NULL };
	xmlDoc *doc = doc_of(inner);

	xml_string(&in, xmlDocGetRootElement(doc), "urn:n", "a", out, len,
	    flags);
	xmlFreeDoc(doc);
	return in.err;
}

static void
test_string(void **state)
{
	char s[8];

	(void)state;
	assert_int_equal(string_of("<a>  x&amp;<![CDATA[<y>]]> \n</a>", s,
	    sizeof s, 0), 0);
	assert_string_equal(s, "x&<y>");
	assert_int_equal(string_of("<a>1234567</a>", s, sizeof s, 0), 0);
	assert_int_equal(string_of("<a>12345678</a>", s, sizeof s, 0),
	    CAMCA_EPROTO);
	assert_int_equal(string_of("<a>12345678</a>", s, sizeof s, XML_CUT),
	    0);
	assert_string_equal(s, "1234567");
	/* Cut at a character and not within one. */
	assert_int_equal(string_of("<a>123456\xc3\xa9</a>", s, sizeof s,
	    XML_CUT), 0);
	assert_string_equal(s, "123456");
	assert_int_equal(string_of("<a>1&#10;2</a>", s, sizeof s, 0), 0);
	assert_string_equal(s, "1 2");
	assert_int_equal(string_of("<a/>", s, sizeof s, 0), 0);
	assert_string_equal(s, "");
	assert_int_equal(string_of("<a> </a>", s, sizeof s, XML_NEED),
	    CAMCA_EPROTO);
	assert_int_equal(string_of("", s, sizeof s, XML_NEED), CAMCA_EPROTO);
	assert_int_equal(string_of("<a>1<c/>2</a>", s, sizeof s, 0),
	    CAMCA_EPROTO);
	assert_int_equal(string_of("<a>1<!-- c -->2</a>", s, sizeof s, 0), 0);
	assert_string_equal(s, "12");
}

static void
test_id(void **state)
{
	static const char *const good[] = { "k7", "_1", "a.b-c_d", "K\xc3\xa9",
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl" };
	static const char *const bad[] = { "1key", "-a", "a:b", "a b",
	    "0f1e2d3c-1111-2222-3333-444455556666", "a&lt;", "", "a/b",
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm" };
	char inner[128], id[CAM_ID_MAX];
	struct xml_in in;
	xmlDoc *doc;
	size_t i;

	(void)state;
	for (i = 0; i < 5 + sizeof bad / sizeof bad[0]; i++) {
		snprintf(inner, sizeof inner, "<a>%s</a>", i < 5 ? good[i] :
		    bad[i - 5]);
		doc = doc_of(inner);
		in = (struct xml_in){ 0, NULL };
		xml_id(&in, xmlDocGetRootElement(doc), "urn:n", "a", id,
		    XML_NEED);
		assert_int_equal(in.err, i < 5 ? 0 : CAMCA_EPROTO);
		xmlFreeDoc(doc);
	}
}

static int
int_of(const char *text, int *out)
{
	struct xml_in in = { 0, NULL };
	char inner[64];
	xmlDoc *doc;

	snprintf(inner, sizeof inner, "<a>%s</a>", text);
	doc = doc_of(inner);
	xml_int(&in, xmlDocGetRootElement(doc), "urn:n", "a", out, 0);
	xmlFreeDoc(doc);
	return in.err;
}

static void
test_numbers(void **state)
{
	struct xml_in in = { 0, NULL };
	xmlDoc *doc = doc_of("<a>true</a><b>0</b><c>yes</c>");
	const xmlNode *r = xmlDocGetRootElement(doc);
	bool b = false;
	int i = 5;

	(void)state;
	assert_int_equal(int_of(" -12 ", &i), 0);
	assert_int_equal(i, -12);
	assert_int_equal(int_of("", &i), 0);
	assert_int_equal(i, -12);
	assert_int_equal(int_of("2147483648", &i), CAMCA_EPROTO);
	assert_int_equal(int_of("99999999999999999999", &i), CAMCA_EPROTO);
	assert_int_equal(int_of("1x", &i), CAMCA_EPROTO);
	assert_int_equal(int_of("0x10", &i), CAMCA_EPROTO);
	xml_bool(&in, r, "urn:n", "a", &b, 0);
	assert_true(b);
	xml_bool(&in, r, "urn:n", "b", &b, 0);
	assert_false(b);
	xml_bool(&in, r, "urn:n", "missing", &b, 0);
	assert_int_equal(in.err, 0);
	xml_bool(&in, r, "urn:n", "c", &b, 0);
	assert_int_equal(in.err, CAMCA_EPROTO);
	xmlFreeDoc(doc);
}

static int
duration_of(const char *text, int64_t *out)
{
	struct xml_in in = { 0, NULL };
	char inner[64];
	xmlDoc *doc;

	snprintf(inner, sizeof inner, "<a>%s</a>", text);
	doc = doc_of(inner);
	xml_duration(&in, xmlDocGetRootElement(doc), "urn:n", "a", out, 0);
	xmlFreeDoc(doc);
	return in.err;
}

static void
test_duration(void **state)
{
	static const char *const bad[] = { "P", "5S", "PT5", "P1M", "P1Y",
	    "PT1.5M", "-PT1S", "P400D", "PT9999999999S", "PTT1S", "P1S",
	    "PT1D" };
	int64_t ms = 0;
	size_t i;

	(void)state;
	assert_int_equal(duration_of("PT15M", &ms), 0);
	assert_int_equal(ms, 900000);
	assert_int_equal(duration_of("P1DT2H3M4.5S", &ms), 0);
	assert_int_equal(ms, 93784000);
	assert_int_equal(duration_of("P0Y0M0DT1S", &ms), 0);
	assert_int_equal(ms, 1000);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (duration_of(bad[i], &ms) != CAMCA_EPROTO)
			fail_msg("taken: %s", bad[i]);
}

static int
base64_of(const char *text, size_t max, size_t *len)
{
	struct xml_in in = { 0, NULL };
	char inner[128];
	uint8_t *p;
	xmlDoc *doc;

	snprintf(inner, sizeof inner, "<a>%s</a>", text);
	doc = doc_of(inner);
	xml_base64(&in, xmlDocGetRootElement(doc), "urn:n", "a", max, &p,
	    len);
	assert_true((p != NULL) == (in.err == 0));
	free(p);
	xmlFreeDoc(doc);
	return in.err;
}

static void
test_base64(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(base64_of("\r\n QUJD\r\nREVG \t", 6, &len), 0);
	assert_int_equal(len, 6);
	assert_int_equal(base64_of("QUJDREVG", 5, &len), CAMCA_EPROTO);
	assert_int_equal(base64_of("QUJ", 9, &len), CAMCA_EPROTO);
	assert_int_equal(base64_of("", 9, &len), CAMCA_EPROTO);
	assert_int_equal(base64_of("QU*D", 9, &len), CAMCA_EPROTO);
}

static void
test_attributes(void **state)
{
	xmlDoc *doc = doc_of("<a i=\"7\" b=\"true\" s=\" RSA  ECC \" "
	    "o:i=\"8\" bad=\"x\"/>");
	const xmlNode *a = xml_each(xmlDocGetRootElement(doc), NULL, "urn:n",
	    "a");
	char s[16];
	bool b = false;
	int i = 0;

	(void)state;
	assert_true(xml_attr_int(a, "i", &i));
	assert_int_equal(i, 7);
	assert_true(xml_attr_bool(a, "b", &b));
	assert_true(b);
	assert_false(xml_attr_int(a, "bad", &i));
	assert_false(xml_attr_bool(a, "none", &b));
	assert_false(xml_attr(NULL, "i", s, sizeof s));
	assert_true(xml_attr(a, "s", s, sizeof s));
	assert_true(xml_has_word(s, "ECC"));
	assert_true(xml_has_word(s, "RSA"));
	assert_false(xml_has_word(s, "RS"));
	assert_false(xml_has_word("", "RSA"));
	assert_false(xml_attr(a, "s", s, 4));
	xmlFreeDoc(doc);
}

static void
test_rows(void **state)
{
	struct xml_in in = { 0, NULL };
	xmlDoc *doc = doc_of("<a/><a/><o:a/>");
	const xmlNode *r = xmlDocGetRootElement(doc);
	static const char same[3][4] = { "x", "y", "x" };
	size_t n;
	void *p;

	(void)state;
	p = xml_rows(&in, r, "urn:n", "a", 8, &n);
	assert_non_null(p);
	assert_int_equal(n, 2);
	free(p);
	assert_null(xml_rows(&in, r, "urn:n", "b", 8, &n));
	assert_int_equal(in.err, 0);
	xml_distinct(&in, same[0], 2, 4, "x");
	assert_int_equal(in.err, 0);
	xml_distinct(&in, same[0], 3, 4, "x");
	assert_int_equal(in.err, CAMCA_EPROTO);
	xmlFreeDoc(doc);
}

/* ---- the n-th allocation fails ---- */

/* Read whole, or not at all: never a tree with holes. */
static bool
memory_round(int n)
{
	static const char text[] = "<r xmlns=\"urn:n\" xmlns:o=\"urn:o\"><a b="
	    "\"c\">value that is long enough &amp; not kept within a node</a>"
	    "<o:long_name_that_is_new>2</o:long_name_that_is_new></r>";
	struct xml_in in = { 0, NULL };
	struct cam_why why;
	char out[80];
	xmlDoc *doc;
	bool more;
	int ret;

	nth_arm(n);
	ret = parse(text, &doc, &why);
	more = nth_disarm();
	if (ret < 0) {
		assert_int_equal(ret, CAMCA_ENOMEM);
		return true;
	}
	xml_string(&in, xmlDocGetRootElement(doc), "urn:n", "a", out,
	    sizeof out, XML_NEED);
	assert_int_equal(in.err, 0);
	assert_string_equal(out, "value that is long enough & not kept within "
	    "a node");
	xmlFreeDoc(doc);
	return more;
}

static void
test_without_memory(void **state)
{
	int n = 1;

	(void)state;
	while (memory_round(n) && n < 2000)
		n++;
	assert_true(n > 10 && n < 2000);
}

/* ---- writing ---- */

static void
test_write(void **state)
{
	struct xml_out w;

	(void)state;
	xml_out_init(&w);
	xml_open(&w, "a");
	xml_put_attr(&w, "b", "\"<&'>");
	xml_put(&w, "c", "x<y>&\"'\t\xc3\xa9");
	xml_put_some(&w, "d", "");
	xml_put_some(&w, "d", NULL);
	xml_put_int(&w, "e", -5);
	xml_put_bool(&w, "f", true);
	xml_put_base64(&w, "g", "abc", 3);
	xml_open(&w, "h");
	xml_close(&w);
	assert_int_equal(xml_out_end(&w), CAMCA_EINVAL);
	xml_close(&w);
	assert_int_equal(xml_out_end(&w), CAMCA_OK);
	assert_string_equal(buf_str(&w.b), "<a b=\"&quot;&lt;&amp;&apos;&gt;\">"
	    "<c>x&lt;y&gt;&amp;&quot;&apos;\t\xc3\xa9</c><e>-5</e>"
	    "<f>true</f><g>YWJj</g><h/></a>");
	xml_out_fini(&w);
}

static void
test_write_refuses(void **state)
{
	static const char *const bad[] = { "\x01", "\n", "\r", "\x7f", "\xff",
	    "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80",
	    "\xef\xbf\xbf", "a\x1b[0m", "\xe2\x82" };
	struct xml_out w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		xml_out_init(&w);
		xml_put(&w, "a", bad[i]);
		assert_int_equal(xml_out_end(&w), CAMCA_EINVAL);
		xml_out_fini(&w);
	}
}

/* What is written is read as the same again. */
static void
test_round(void **state)
{
	struct xml_in in = { 0, NULL };
	char back[256], text[224];
	struct cam_why why;
	struct xml_out w;
	xmlDoc *doc;
	int i, n = 0;

	(void)state;
	for (i = 0x21; i < 0x7f; i++)
		text[n++] = (char)i;
	text[n] = '\0';
	xml_out_init(&w);
	xml_open(&w, "r");
	xml_put_attr(&w, "xmlns", "urn:n");
	xml_put(&w, "a", text);
	xml_close(&w);
	assert_int_equal(xml_parse(&doc, w.b.data, w.b.len, 4096, &why), 0);
	xml_string(&in, xmlDocGetRootElement(doc), "urn:n", "a", back,
	    sizeof back, 0);
	assert_string_equal(back, text);
	xmlFreeDoc(doc);
	xml_out_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dtd),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_attribute_flood),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_refuses),
		cmocka_unit_test(test_round),
	};

	nth_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
