/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enroll/gate/http.h"

static void
test_listens_on_a_free_port(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	uint16_t port = 0;
	int fd = -1, c;

	(void)state;
	assert_int_equal(http_listen(&fd, "127.0.0.1", 0, &port), CAMCA_OK);
	assert_int_not_equal(port, 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons(port);
	assert_int_equal(connect(c, (struct sockaddr *)&sa, sizeof sa), 0);
	close(c);
	close(fd);
}

static void
test_address_in_use(void **state)
{
	uint16_t port = 0, again;
	int fd = -1, second = -1;

	(void)state;
	assert_int_equal(http_listen(&fd, "127.0.0.1", 0, &port), CAMCA_OK);
	assert_int_equal(http_listen(&second, "127.0.0.1", port, &again),
	    CAMCA_EIO);
	assert_int_equal(second, -1);
	close(fd);
}

static void
test_no_address(void **state)
{
	static const char *const hosts[] = { "", "localhost", "127.0.0",
	    "256.0.0.1", "::g", "127.0.0.1 " };
	uint16_t port;
	size_t i;
	int fd = -1;

	(void)state;
	for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		assert_int_equal(http_listen(&fd, hosts[i], 0, &port),
		    CAMCA_EINVAL);
	assert_int_equal(fd, -1);
}

/* B7: nothing is decoded before the routes are looked up. */
static void
test_b7_nothing_is_unescaped(void **state)
{
	char s[] = "/a%2fb+c%00";

	(void)state;
	assert_int_equal(http_keep(NULL, NULL, s), strlen(s));
	assert_string_equal(s, "/a%2fb+c%00");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listens_on_a_free_port),
		cmocka_unit_test(test_address_in_use),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_b7_nothing_is_unescaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
