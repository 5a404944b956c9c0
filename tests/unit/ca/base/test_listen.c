/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/listen.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} t[] = {
		{ "0.0.0.0:8443", "0.0.0.0", 8443 },
		{ "127.0.0.1:0", "127.0.0.1", 0 },
		{ "192.0.2.7:65535", "192.0.2.7", 65535 },
		{ "[::1]:8443", "::1", 8443 },
		{ "[::]:0", "::", 0 },
		{ "::1:8443", "::1", 8443 },
		{ "a:00080", "a", 80 },
	};
	char host[64];
	uint16_t port;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		port = 1;
		assert_int_equal(listen_parse(t[i].text, host, sizeof host,
		    &port), CAMCA_OK);
		assert_string_equal(host, t[i].host);
		assert_int_equal(port, t[i].port);
	}
}

static void
test_parse_refuses(void **state)
{
	static const struct {
		const char *text;
		int err;
	} t[] = {
		{ "", CAMCA_EINVAL }, { "8443", CAMCA_EINVAL },
		{ ":", CAMCA_EINVAL }, { ":8443", CAMCA_EINVAL },
		{ "[]:8443", CAMCA_EINVAL }, { "[::1]", CAMCA_ELIMIT },
		{ "a:", CAMCA_ELIMIT }, { "a:65536", CAMCA_ELIMIT },
		{ "a:-1", CAMCA_ELIMIT }, { "a:+1", CAMCA_ELIMIT },
		{ "a: 1", CAMCA_ELIMIT }, { "a:1 ", CAMCA_ELIMIT },
		{ "a:0x50", CAMCA_ELIMIT }, { "a:1.5", CAMCA_ELIMIT },
		{ "a:99999999999999999999999", CAMCA_ELIMIT },
		{ "a:18446744073709551617", CAMCA_ELIMIT },
	};
	char host[8];
	uint16_t port;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		snprintf(host, sizeof host, "before");
		port = 7;
		assert_int_equal(listen_parse(t[i].text, host, sizeof host,
		    &port), t[i].err);
		assert_string_equal(host, "before");
		assert_int_equal(port, 7);
	}
}

/* A host of len - 1 bytes fits, one more does not, with brackets or without. */
static void
test_parse_long(void **state)
{
	char host[8] = "";
	uint16_t port = 0;

	(void)state;
	assert_int_equal(listen_parse("1234567:1", host, sizeof host, &port),
	    CAMCA_OK);
	assert_string_equal(host, "1234567");
	assert_int_equal(listen_parse("[::45:67]:2", host, sizeof host,
	    &port), CAMCA_OK);
	assert_string_equal(host, "::45:67");
	assert_int_equal(port, 2);
	assert_int_equal(listen_parse("12345678:1", host, sizeof host,
	    &port), CAMCA_EINVAL);
	assert_int_equal(listen_parse("[12345678]:1", host, sizeof host,
	    &port), CAMCA_EINVAL);
	assert_string_equal(host, "::45:67");
}

static void
test_free_port(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	uint16_t port = 0;
	int fd = -1, c;

	(void)state;
	assert_int_equal(listen_open("127.0.0.1", 0, 4, &fd, &port), CAMCA_OK);
	assert_int_not_equal(port, 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	c = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons(port);
	assert_int_equal(connect(c, (struct sockaddr *)&sa, sizeof sa), 0);
	close(c);
	close(fd);
}

static void
test_ipv6(void **state)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	uint16_t port = 0;
	int fd = socket(AF_INET6, SOCK_STREAM, 0), c;

	(void)state;
	sa.sin6_addr = in6addr_loopback;
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
		skip();                /* a machine without IPv6 */
	close(fd);
	assert_int_equal(listen_open("::1", 0, 4, &fd, &port), CAMCA_OK);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	sa.sin6_port = htons(port);
	assert_int_equal(connect(c, (struct sockaddr *)&sa, sizeof sa), 0);
	close(c);
	close(fd);
}

static void
test_in_use(void **state)
{
	uint16_t port = 0, again = 0;
	int fd = -1, second = -1;

	(void)state;
	assert_int_equal(listen_open("127.0.0.1", 0, 4, &fd, &port), CAMCA_OK);
	assert_int_equal(listen_open("127.0.0.1", port, 4, &second, &again),
	    CAMCA_EIO);
	assert_int_equal(second, -1);
	close(fd);
}

static void
test_no_address(void **state)
{
	static const char *const hosts[] = { "", "localhost", "127.0.0",
	    "256.0.0.1", "::g", "127.0.0.1 ", "[::1]" };
	uint16_t port;
	size_t i;
	int fd = -1;

	(void)state;
	for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		assert_int_equal(listen_open(hosts[i], 0, 4, &fd, &port),
		    CAMCA_EINVAL);
	assert_int_equal(fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_long),
		cmocka_unit_test(test_free_port),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
