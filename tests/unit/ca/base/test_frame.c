/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/base/frame.h"

static void
test_peek(void **state)
{
	const uint8_t *p;
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(frame_peek(&b, &p, &n), 0);
	assert_int_equal(buf_put(&b, "\0\0\0\2{}\0\0\0\3[1]", 13), 0);
	assert_int_equal(frame_peek(&b, &p, &n), 1);
	assert_int_equal(n, 2);
	assert_memory_equal(p, "{}", 2);
	buf_shift(&b, 4 + n);
	assert_int_equal(frame_peek(&b, &p, &n), 1);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "[1]", 3);
	buf_shift(&b, 4 + n);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
test_peek_cut(void **state)
{
	const uint8_t *p;
	struct buf b, cut;
	size_t n, i;

	(void)state;
	buf_init(&b, 0);
	buf_init(&cut, 0);
	assert_int_equal(buf_put(&b, "\0\0\0\x08" "abcdefgh", 12), 0);
	for (i = 0; i < b.len; i++) {
		buf_reset(&cut);
		assert_int_equal(buf_put(&cut, b.data, i), 0);
		assert_int_equal(frame_peek(&cut, &p, &n), 0);
	}
	buf_fini(&cut);
	buf_fini(&b);
}

static void
test_bad_lengths(void **state)
{
	static const char *const heads[] = { "\0\0\0\0", "\0\x10\0\1",
	    "\xff\xff\xff\xff", "\x80\0\0\0", "\1\0\0\0" };
	const uint8_t *p;
	struct buf b;
	size_t n, i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		buf_reset(&b);
		assert_int_equal(buf_put(&b, heads[i], 4), 0);
		assert_int_equal(frame_peek(&b, &p, &n), CAMCA_ELIMIT);
	}
	assert_int_equal(frame_write(-1, "x", 0), CAMCA_ELIMIT);
	assert_int_equal(frame_write(-1, "x", FRAME_MAX + 1), CAMCA_ELIMIT);
	assert_int_equal(frame_write(-1, "x", 1), CAMCA_EIO);
	buf_fini(&b);
}

struct sender {
	int fd;
	uint8_t *p;
	size_t n;
	int ret;
};

static void *
sender_run(void *arg)
{
	struct sender *s = arg;

	s->ret = frame_write(s->fd, s->p, s->n);
	return NULL;
}

/* Larger than any socket buffer: written and read in many pieces. */
static void
test_largest(void **state)
{
	struct sender s = { .n = FRAME_MAX };
	struct buf b;
	pthread_t t;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	s.fd = fd[0];
	s.p = malloc(FRAME_MAX);
	assert_non_null(s.p);
	memset(s.p, 'z', FRAME_MAX);
	assert_int_equal(pthread_create(&t, NULL, sender_run, &s), 0);
	buf_init(&b, FRAME_MAX);
	assert_int_equal(frame_read(fd[1], &b, 10000), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(s.ret, 0);
	assert_int_equal(b.len, FRAME_MAX);
	assert_memory_equal(b.data, s.p, FRAME_MAX);
	free(s.p);
	buf_fini(&b);
	close(fd[0]);
	close(fd[1]);
}

/* The peer goes away, or stops, after each byte of a frame. */
static void
test_read_cut(void **state)
{
	static const uint8_t frame[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
	struct buf b;
	size_t i;
	int fd[2];

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof frame; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		assert_int_equal(send(fd[0], frame, i, 0), (ssize_t)i);
		assert_int_equal(frame_read(fd[1], &b, 1), CAMCA_ETIME);
		close(fd[0]);
		assert_int_equal(frame_read(fd[1], &b, 1000), CAMCA_EIO);
		close(fd[1]);
	}
	buf_fini(&b);
}

static void
test_read_refuses(void **state)
{
	struct buf b;
	int fd[2];

	(void)state;
	buf_init(&b, 16);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(send(fd[0], "\0\0\0\0", 4, 0), 4);
	assert_int_equal(frame_read(fd[1], &b, 1000), CAMCA_ELIMIT);
	assert_int_equal(send(fd[0], "\xff\0\0\0", 4, 0), 4);
	assert_int_equal(frame_read(fd[1], &b, 1000), CAMCA_ELIMIT);
	/* The buffer's own maximum holds too. */
	assert_int_equal(send(fd[0], "\0\0\0\x11", 4, 0), 4);
	assert_int_equal(frame_read(fd[1], &b, 1000), CAMCA_ELIMIT);
	close(fd[1]);
	/* No SIGPIPE for a peer that is gone. */
	assert_int_equal(frame_write(fd[0], "{}", 2), CAMCA_EIO);
	close(fd[0]);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_peek_cut),
		cmocka_unit_test(test_bad_lengths),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_read_cut),
		cmocka_unit_test(test_read_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
