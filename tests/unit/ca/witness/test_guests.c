/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/witness/guests.h"

#define T0 1000000

/* A connection: our end, the client's, and its place. */
struct conn {
	int fd[2];
	struct guest *g;
};

static void
come(struct guests *s, struct conn *c, const struct sockaddr *from)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    c->fd), 0);
	c->g = guests_enter(s, c->fd[0], from, T0);
	assert_non_null(c->g);
}

static void
come4(struct guests *s, struct conn *c, uint32_t address)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };

	sa.sin_addr.s_addr = htonl(address);
	come(s, c, (const struct sockaddr *)&sa);
}

static void
come6(struct guests *s, struct conn *c, const char *prefix, unsigned last)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

	assert_int_equal(inet_pton(AF_INET6, prefix, &sa.sin6_addr), 1);
	sa.sin6_addr.s6_addr[15] = (uint8_t)last;
	come(s, c, (const struct sockaddr *)&sa);
}

static void
go(struct guests *s, struct conn *c)
{
	guests_leave(s, c->g);
	close(c->fd[0]);
	close(c->fd[1]);
}

/* Has the client been shut out? */
static bool
is_cut(const struct conn *c)
{
	char byte;
	ssize_t n = read(c->fd[1], &byte, 1);

	assert_true(n == 0 || (n < 0 && errno == EAGAIN));
	return n == 0;
}

static void
test_one_address(void **state)
{
	static struct conn c[GUESTS_ADDRESS_MAX], more, other;
	struct guests s;
	size_t i;

	(void)state;
	guests_init(&s);
	for (i = 0; i < GUESTS_ADDRESS_MAX; i++)
		come4(&s, &c[i], 0xc0000201);
	for (i = 0; i < GUESTS_ADDRESS_MAX; i++) {
		assert_false(is_cut(&c[i]));
		assert_true(guests_turn(&s, c[i].g, T0));
	}
	come4(&s, &more, 0xc0000201);
	assert_true(is_cut(&more));
	assert_false(guests_turn(&s, more.g, T0));
	come4(&s, &other, 0xc0000202);
	assert_false(is_cut(&other));
	go(&s, &other);
	/* Idle ones count too; one that was refused does not. */
	assert_true(guests_turn(&s, c[0].g, 0));
	go(&s, &c[1]);
	come4(&s, &c[1], 0xc0000201);
	assert_false(is_cut(&c[1]));
	go(&s, &more);
	come4(&s, &more, 0xc0000201);
	assert_true(is_cut(&more));
	go(&s, &more);
	for (i = 0; i < GUESTS_ADDRESS_MAX; i++)
		go(&s, &c[i]);
	come4(&s, &more, 0xc0000201);
	assert_false(is_cut(&more));
	go(&s, &more);
	guests_leave(&s, NULL);
	guests_fini(&s);
}

/* Whoever has one IPv6 address has 2^64 of them. */
static void
test_ipv6(void **state)
{
	static struct conn c[GUESTS_ADDRESS_MAX], more;
	struct guests s;
	size_t i;

	(void)state;
	guests_init(&s);
	for (i = 0; i < GUESTS_ADDRESS_MAX; i++)
		come6(&s, &c[i], "2001:db8:1:2::", (unsigned)i);
	come6(&s, &more, "2001:db8:1:2:ffff::", 9);
	assert_true(is_cut(&more));
	go(&s, &more);
	come6(&s, &more, "2001:db8:1:3::", 0);
	assert_false(is_cut(&more));
	go(&s, &more);
	for (i = 0; i < GUESTS_ADDRESS_MAX; i++)
		go(&s, &c[i]);
	guests_fini(&s);
}

/* All places: eight addresses at least. */
static void
test_many_addresses(void **state)
{
	static struct conn c[GUESTS_MAX];
	struct guests s;
	size_t i;

	(void)state;
	guests_init(&s);
	for (i = 0; i < GUESTS_MAX; i++)
		come4(&s, &c[i], (uint32_t)(i / GUESTS_ADDRESS_MAX));
	for (i = 0; i < GUESTS_MAX; i++) {
		assert_false(is_cut(&c[i]));
		go(&s, &c[i]);
	}
	guests_fini(&s);
}

static void
test_sweep(void **state)
{
	struct conn slow, idle, late;
	struct guests s;

	(void)state;
	guests_init(&s);
	come4(&s, &slow, 1);
	come4(&s, &idle, 1);
	come4(&s, &late, 1);
	assert_true(guests_turn(&s, idle.g, 0));
	assert_true(guests_turn(&s, late.g, T0 + 1));
	guests_sweep(&s, T0 + GUESTS_TURN_MS);
	assert_false(is_cut(&slow));
	guests_sweep(&s, T0 + GUESTS_TURN_MS + 1);
	assert_true(is_cut(&slow));
	assert_false(guests_turn(&s, slow.g, T0 + GUESTS_TURN_MS + 2));
	assert_false(is_cut(&idle));
	assert_false(is_cut(&late));
	assert_false(guests_turn(&s, NULL, T0));
	go(&s, &idle);
	go(&s, &slow);
	go(&s, &late);
	guests_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_sweep),
	};

	log_setup("test_guests", LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
