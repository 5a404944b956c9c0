/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enroll/renew/url.h"

static void
good_urls(void **state)
{
	static const struct {
		const char *text, *label, *host, *port, *base;
		bool is_ip;
	} cases[] = {
		{ "https://h.example", NULL, "h.example", "443",
		    "/.well-known/est", false },
		{ "https://h.example:8443/", NULL, "h.example", "8443",
		    "/.well-known/est", false },
		{ "https://127.0.0.1:1/.well-known/est/", NULL, "127.0.0.1",
		    "1", "/.well-known/est", true },
		{ "https://[::1]:65535/.well-known/est/cams", NULL, "::1",
		    "65535", "/.well-known/est/cams", true },
		{ "https://h/.well-known/est", "north", "h", "443",
		    "/.well-known/est/north", false },
		{ "https://h", "n", "h", "443", "/.well-known/est/n", false },
	};
	struct refusal why;
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(url_parse(&u, cases[i].text, cases[i].label,
		    &why), 0);
		assert_string_equal(u.host, cases[i].host);
		assert_string_equal(u.port, cases[i].port);
		assert_string_equal(u.base, cases[i].base);
		assert_int_equal(u.is_ip, cases[i].is_ip);
	}
}

static void
bad_urls(void **state)
{
	static const char *const bad[] = { "", "http://h", "https://",
	    "https:///x", "https://h:0", "https://h:65536",
	    "https://h:99999999",
	    "https://h:", "https://h:8x", "https://u@h", "https://h h",
	    "https://h\r\nX: y", "https://[::1", "https://[::1]x",
	    "https://[zz]", "https://h/other", "https://h/.well-known/estx",
	    "https://h/.well-known/est/a/b",
	    "https://h/.well-known/est/cacerts",
	    "https://h/.well-known/est/..", "https://h/.well-known/est/a%20b",
	    "https://h/.well-known/est/a?b", "https://h?x",
	    "https://h/.well-known/est//" };
	struct refusal why;
	struct url u;
	char longer[600];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(url_parse(&u, bad[i], NULL, &why),
		    CAMCA_EINVAL);
		assert_string_equal(why.code, "renew.url");
	}
	assert_int_equal(url_parse(&u, "https://h/.well-known/est/a", "b",
	    &why), CAMCA_EINVAL);
	assert_int_equal(url_parse(&u, "https://h", "simpleenroll", &why),
	    CAMCA_EINVAL);
	assert_int_equal(url_parse(&u, "https://h", "", &why), CAMCA_EINVAL);
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	memcpy(longer, "https://", 8);
	assert_int_equal(url_parse(&u, longer, NULL, &why), CAMCA_EINVAL);
	assert_int_equal(url_parse(&u, "https://h", longer + 8, &why),
	    CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls),
		cmocka_unit_test(bad_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
