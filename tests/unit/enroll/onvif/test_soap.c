/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/enroll/onvif/mock.h"

static int
read_as(const char *text, const char *name, struct cam_why *why)
{
	struct soap_answer a;
	struct buf b;
	int ret;

	cam_why_clear(why);
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, text), CAMCA_OK);
	ret = soap_read(&a, &b, XML_BYTES_DEFAULT, NS_TAS, name, why);
	if (ret == CAMCA_OK)
		soap_answer_fini(&a);
	buf_fini(&b);
	return ret;
}

static void
test_answers(void **state)
{
	static const char *const bad[] = {
		"<r/>", SOAP(""), SOAP("text"), SOAP("<a:X/><a:X/>"),
		SOAP("<d:X/>"), SOAP("<X/>"), SOAP("<a:Y/>"),
		"<e:Envelope xmlns:e=\"" NS_ENV "\"/>",
		"<e:Envelope xmlns:e=\"" NS_ENV "\"><e:Body/><e:Body/>"
		    "</e:Envelope>",
		/* SOAP 1.1 */
		"<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/"
		    "\"><e:Body><X xmlns=\"" NS_TAS "\"/></e:Body>"
		    "</e:Envelope>",
	};
	struct cam_why why;
	size_t i;

	(void)state;
	assert_int_equal(read_as(SOAP("<!-- x --> <a:X/>\n"), "X", &why), 0);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(read_as(bad[i], "X", &why), CAMCA_EPROTO);
		assert_int_equal(why.code, CAM_MALFORMED);
	}
}

static void
test_faults(void **state)
{
	struct cam_why why;

	(void)state;
	assert_int_equal(read_as(FAULT2("InvalidArgVal", "KeyID"), "X", &why),
	    CAMCA_EPERM);
	assert_int_equal(why.code, CAM_NO_SUCH);
	assert_string_equal(why.fault, "Sender/InvalidArgVal/KeyID");
	assert_non_null(strstr(why.text, "because"));
	assert_int_equal(read_as(FAULT1("NotAuthorized"), "X", &why),
	    CAMCA_EAUTH);
	assert_int_equal(why.code, CAM_AUTH);
	/* No code is no fault. */
	assert_int_equal(read_as(SOAP("<e:Fault/>"), "X", &why),
	    CAMCA_EPROTO);
	assert_int_equal(read_as(SOAP("<e:Fault><e:Code><e:Value>e:Sender"
	    "</e:Value></e:Code></e:Fault>"), "X", &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_REFUSED);
}

static void
test_add(char *text, size_t len, const char *more)
{
	size_t n = strlen(text);

	snprintf(text + n, len - n, "%s", more);
}

/* Codes nested for ever, and long ones, are cut and not believed. */
static void
test_long_chain(void **state)
{
	char text[8192] = "<e:Envelope xmlns:e=\"" NS_ENV "\"><e:Body><e:Fault>"
	    "<e:Code>";
	struct cam_why why;
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		test_add(text, sizeof text, "<e:Value>ter:ABCDEFGHIJABCDEFGHIJABCDEFGHIJ"
		    "</e:Value><e:Subcode>");
	test_add(text, sizeof text, "<e:Value>x</e:Value>");
	for (i = 0; i < 16; i++)
		test_add(text, sizeof text, "</e:Subcode>");
	test_add(text, sizeof text, "</e:Code></e:Fault></e:Body></e:Envelope>");
	assert_int_equal(read_as(text, "X", &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_REFUSED);
	assert_true(strlen(why.fault) < sizeof why.fault);
}

static void
test_table(void **state)
{
	static const struct {
		const char *chain;
		enum cam_trouble code;
	} t[] = {
		{ "", CAM_REFUSED },
		{ "Sender", CAM_REFUSED },
		{ "Receiver/Action/MaximumNumberOfKeysReached", CAM_FULL },
		{ "Receiver/Action/MaximumNumberOfCRLsReached", CAM_FULL },
		{ "Receiver/TooManyUsers", CAM_FULL },
		{ "Sender/InvalidArgVal/ReferenceExists", CAM_IN_USE },
		{ "Sender/InvalidArgVal/Duplicate", CAM_DUPLICATE },
		{ "Sender/OperationProhibited/UsernameClash", CAM_DUPLICATE },
		{ "Sender/OperationProhibited/PasswordTooWeak",
		    CAM_WEAK_PASSWORD },
		{ "Sender/OperationProhibited/Password", CAM_WEAK_PASSWORD },
		{ "Sender/InvalidArgVal/FixedUser", CAM_FIXED_USER },
		{ "Sender/InvalidArgVal/UsernameMissing", CAM_NO_SUCH },
		{ "Receiver/ActionNotSupported", CAM_UNSUPPORTED },
		{ "Sender/NotAuthorized", CAM_AUTH },
		{ "Sender/InvalidArgVal/BadCertificate", CAM_REFUSED },
		{ "Sender/KeyIDx", CAM_REFUSED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++)
		if (soap_trouble(t[i].chain) != t[i].code)
			fail_msg("%s", t[i].chain);
}

static void
test_names(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 1; i < CAM_TROUBLES; i++) {
		assert_memory_equal(cam_trouble_name((enum cam_trouble)i),
		    "camera.", 7);
		for (j = 1; j < i; j++)
			assert_string_not_equal(cam_trouble_name(
			    (enum cam_trouble)i), cam_trouble_name(
			    (enum cam_trouble)j));
	}
	assert_string_equal(cam_trouble_name(CAM_NONE), "");
	assert_string_equal(cam_trouble_name((enum cam_trouble)99),
	    "camera.internal");
}

static void
test_envelope(void **state)
{
	struct xml_out body, out;
	struct cam_why why;
	xmlDoc *doc;

	(void)state;
	xml_out_init(&body);
	xml_out_init(&out);
	xml_put(&body, "tas:KeyID", "a<b");
	assert_int_equal(soap_envelope(&out, NULL, &body), CAMCA_OK);
	assert_int_equal(xml_parse(&doc, out.b.data, out.b.len, 4096, &why),
	    CAMCA_OK);
	xmlFreeDoc(doc);
	/* A body that is not whole is not sent. */
	xml_open(&body, "tas:X");
	xml_out_fini(&out);
	xml_out_init(&out);
	assert_int_equal(soap_envelope(&out, NULL, &body), CAMCA_EINVAL);
	xml_out_fini(&out);
	xml_out_fini(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
