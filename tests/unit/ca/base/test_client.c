/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "ca/base/client.h"

static struct client_key
v4(const char *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct client_key k;

	assert_int_equal(inet_pton(AF_INET, s, &sa.sin_addr), 1);
	sa.sin_port = 7;
	client_key(&k, (const struct sockaddr *)&sa);
	return k;
}

static struct client_key
v6(const char *s)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	struct client_key k;

	assert_int_equal(inet_pton(AF_INET6, s, &sa.sin6_addr), 1);
	client_key(&k, (const struct sockaddr *)&sa);
	return k;
}

static int
same(struct client_key a, struct client_key b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void
test_keys(void **state)
{
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct client_key k;

	(void)state;
	assert_true(same(v4("192.0.2.1"), v4("192.0.2.1")));
	assert_false(same(v4("192.0.2.1"), v4("192.0.2.2")));
	assert_false(same(v4("192.0.2.1"), v4("193.0.2.1")));
	assert_true(same(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9")));
	assert_false(same(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1")));
	assert_true(same(v4("192.0.2.1"), v6("::ffff:192.0.2.1")));
	assert_false(same(v4("192.0.2.1"), v6("::1")));
	memset(&k, 0xff, sizeof k);
	client_key(&k, &other);
	assert_true(same(k, (struct client_key){ { 0 } }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
