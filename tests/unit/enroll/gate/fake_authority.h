/* SPDX-License-Identifier: Apache-2.0 */
/* An authority in a thread of the test: a socket in a folder of its own, and
 * answers that the test writes. */
#ifndef CAMCA_TESTS_FAKE_AUTHORITY_H
#define CAMCA_TESTS_FAKE_AUTHORITY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "ca/base/frame.h"
#include "ca/base/refusal.h"

#define FAKE_TURN_S 20   /* no test waits longer before it fails */

struct fake {
	char dir[64];
	char path[96];
	int listen_fd;
	int fd;              /* the connection, while there is one */
	struct buf in;
};

static inline void
fake_listen(struct fake *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", f->path);
	unlink(f->path);
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&sa,
	    sizeof sa), 0);
	assert_int_equal(listen(f->listen_fd, 4), 0);
}

static inline void
fake_init(struct fake *f)
{
	memset(f, 0, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "/tmp/camca-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/authority.sock", f->dir);
	f->listen_fd = f->fd = -1;
	buf_init(&f->in, FRAME_MAX);
}

static inline void
fake_hang_up(struct fake *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static inline void
fake_fini(struct fake *f)
{
	fake_hang_up(f);
	if (f->listen_fd >= 0)
		close(f->listen_fd);
	buf_fini(&f->in);
	unlink(f->path);
	rmdir(f->dir);
}

static inline void
fake_accept(struct fake *f)
{
	f->fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f->fd >= 0);
}

/* The next call; the test frees it. */
static inline json_t *
fake_call(struct fake *f)
{
	json_t *call;

	assert_int_equal(frame_read(f->fd, &f->in, FAKE_TURN_S * 1000), 0);
	call = json_loadb((const char *)f->in.data, f->in.len, 0, NULL);
	assert_non_null(call);
	return call;
}

/* Answers call with text, which goes between the braces after the id. */
static inline void
fake_answer(struct fake *f, json_t *call, const char *text)
{
	char *line;

	assert_true(asprintf(&line, "{\"id\":%lld,%s}", (long long)
	    json_integer_value(json_object_get(call, "id")), text) > 0);
	assert_int_equal(frame_write(f->fd, line, strlen(line)), 0);
	free(line);
}

/* --- results of calls, gathered from another thread --- */

struct got {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int count;           /* how often fn was called */
	json_t *result;      /* of the last time */
	struct refusal why;
};

static inline void
got_init(struct got *g)
{
	memset(g, 0, sizeof *g);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->cond, NULL);
}

static inline void
got_fini(struct got *g)
{
	json_decref(g->result);
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->cond);
}

static inline void
got_fn(void *arg, json_t *result, const struct refusal *why)
{
	struct got *g = arg;

	pthread_mutex_lock(&g->lock);
	json_decref(g->result);
	g->result = result;
	memset(&g->why, 0, sizeof g->why);
	if (why != NULL)
		g->why = *why;
	g->count++;
	pthread_cond_broadcast(&g->cond);
	pthread_mutex_unlock(&g->lock);
}

/* Waits until fn has been called count times. */
static inline void
got_wait(struct got *g, int count)
{
	struct timespec end;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += FAKE_TURN_S;
	pthread_mutex_lock(&g->lock);
	while (g->count < count && ret == 0)
		ret = pthread_cond_timedwait(&g->cond, &g->lock, &end);
	pthread_mutex_unlock(&g->lock);
	assert_int_equal(g->count, count);
}

#endif
