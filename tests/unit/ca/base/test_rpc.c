/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include <limits.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ca/base/frame.h"
#include "ca/base/rpc.h"

/* An authority that gives one prepared answer to each call, then hangs up. */
struct server {
	int listen;
	int gone;                        /* -1, or hang up when its pipe ends */
	pthread_t thread;
	const char *const *answers;      /* NULL-ended; "" is none at all */
	const size_t *cut;               /* bytes sent of the frame, NULL: all */
	char last[512];                  /* the newest call, as it came */
};

static void
server_answer(int fd, const char *text, const size_t *cut)
{
	size_t len = strlen(text), n;
	struct buf b;

	buf_init(&b, 0);
	if (len > 0 && buf_put(&b, (uint8_t[]){ 0, 0, (uint8_t)(len >> 8),
	    (uint8_t)len }, 4) == 0 && buf_put(&b, text, len) == 0) {
		n = cut != NULL && *cut < b.len ? *cut : b.len;
		if (send(fd, b.data, n, MSG_NOSIGNAL) < 0)
			n = 0;
	}
	buf_fini(&b);
}

static void *
server_run(void *arg)
{
	struct server *s = arg;
	const char *const *a;
	struct buf in;
	char c;
	int fd = accept(s->listen, NULL, NULL);

	buf_init(&in, FRAME_MAX);
	for (a = s->answers; fd >= 0 && *a != NULL; a++) {
		if (frame_read(fd, &in, 10000) < 0)
			break;
		snprintf(s->last, sizeof s->last, "%.500s", buf_str(&in));
		if (**a != '\0')
			server_answer(fd, *a, s->cut);
	}
	buf_fini(&in);
	/* Where silence is wished for, it stays until the test ends. */
	while (s->gone >= 0 && read(s->gone, &c, 1) > 0)
		;
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
server_start(struct server *s, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	s->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listen >= 0);
	assert_int_equal(bind(s->listen, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(s->listen, 4), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static void
server_end(struct server *s, const char *path)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->listen);
	unlink(path);
}

static void
test_call(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"x\":5}}", "{\"result\":[],\"id\":2}",
		NULL };
	struct server s = { .answers = answers, .gone = -1 };
	const char *path = folder_path(state, "sock");
	struct refusal why = { 0 };
	struct rpc *r;
	json_t *result;

	server_start(&s, path);
	assert_int_equal(rpc_open(&r, path), 0);
	assert_int_equal(rpc_call(r, "a.b", json_pack("{s:i}", "n", 1), 5000,
	    &result, &why), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "x")), 5);
	json_decref(result);
	assert_int_equal(rpc_call(r, "a.c", NULL, -1, &result, &why), 0);
	assert_true(json_is_array(result));
	json_decref(result);
	rpc_close(r);
	server_end(&s, path);
	assert_string_equal(s.last, "{\"id\":2,\"op\":\"a.c\",\"args\":{}}");
	rpc_close(NULL);
}

static void
test_refusals(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"error\":{\"http\":403,\"code\":\"a.b\","
		"\"detail\":\"no\\nway\"}}",
		"{\"id\":2,\"error\":{\"http\":202,\"code\":\"enroll.pending\","
		"\"detail\":\"wait\",\"retry_after\":60}}",
		"{\"id\":3,\"error\":7}",
		"{\"id\":4,\"error\":{\"http\":99999999999999,"
		"\"retry_after\":99999999999}}",
		"{\"id\":5,\"error\":{\"http\":503,\"retry_after\":-1}}", NULL };
	static const struct {
		int err, http, retry;
	} want[] = { { CAMCA_EPOLICY, 403, 0 }, { CAMCA_EPENDING, 202, 60 },
	    { CAMCA_EPROTO, 500, 0 }, { CAMCA_EPROTO, 500, INT_MAX },
	    { CAMCA_EBUSY, 503, 0 } };
	struct server s = { .answers = answers, .gone = -1 };
	const char *path = folder_path(state, "sock");
	struct rpc *r;
	json_t *result;
	size_t i;

	server_start(&s, path);
	assert_int_equal(rpc_open(&r, path), 0);
	for (i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct refusal why = { 0 };

		assert_int_equal(rpc_call(r, "x.y", NULL, 5000, &result, &why),
		    want[i].err);
		assert_int_equal(why.http, want[i].http);
		assert_int_equal(why.retry_after_s, want[i].retry);
		if (i == 0)
			assert_string_equal(why.detail, "no?way");
	}
	rpc_close(r);
	server_end(&s, path);
}

/* What is no answer to this call: the connection is given up, and a later call
 * on it fails too instead of reading what belongs to another. */
static void
test_nonsense(void **state)
{
	static const char *const texts[] = { "{\"id\":2,\"result\":{}}", "[]",
		"{\"id\":1}", "{\"id\":1,\"result\":", "nonsense",
		"{\"id\":\"1\",\"result\":{}}", "{\"result\":{}}",
		"{\"id\":1,\"result\":\"\xff\"}" };
	const char *path = folder_path(state, "sock");
	size_t i;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *const answers[] = { texts[i], NULL };
		struct server s = { .answers = answers, .gone = -1 };
		struct refusal why = { 0 };
		struct rpc *r;
		json_t *result;

		server_start(&s, path);
		assert_int_equal(rpc_open(&r, path), 0);
		assert_int_equal(rpc_call(r, "a.b", NULL, 5000, &result, &why),
		    CAMCA_EPROTO);
		assert_int_equal(why.http, 503);
		assert_string_equal(why.code, "system.authority-unreachable");
		assert_true(rpc_call(r, "a.b", NULL, 5000, &result, &why) < 0);
		rpc_close(r);
		server_end(&s, path);
	}
}

/* The answer breaks off after each byte. */
static void
test_cut(void **state)
{
	static const char *const answers[] = { "{\"id\":1,\"result\":{}}",
	    NULL };
	const char *path = folder_path(state, "sock");
	size_t cut;

	for (cut = 0; cut < 4 + 20; cut++) {
		struct server s = { .answers = answers, .gone = -1,
		    .cut = &cut };
		struct refusal why = { 0 };
		struct rpc *r;
		json_t *result;

		server_start(&s, path);
		assert_int_equal(rpc_open(&r, path), 0);
		assert_int_equal(rpc_call(r, "a.b", NULL, 5000, &result, &why),
		    CAMCA_EIO);
		assert_int_equal(why.http, 503);
		rpc_close(r);
		server_end(&s, path);
	}
}

static void
test_time_out(void **state)
{
	static const char *const answers[] = { "", NULL };
	const char *path = folder_path(state, "sock");
	struct server s = { .answers = answers };
	struct refusal why = { 0 };
	struct rpc *r;
	json_t *result;
	int gone[2];

	assert_int_equal(pipe(gone), 0);
	s.gone = gone[0];
	server_start(&s, path);
	assert_int_equal(rpc_open(&r, path), 0);
	assert_int_equal(rpc_call(r, "a.b", NULL, 1, &result, &why),
	    CAMCA_ETIME);
	/* The late answer must not be that of the next call. */
	assert_true(rpc_call(r, "a.b", NULL, 1, &result, &why) < 0);
	rpc_close(r);
	close(gone[1]);
	server_end(&s, path);
	close(gone[0]);
}

static void *
interrupt(void *arg)
{
	rpc_interrupt(arg);
	return NULL;
}

/* Another thread ends a call that would wait for ever. */
static void
test_interrupt(void **state)
{
	static const char *const answers[] = { "", NULL };
	const char *path = folder_path(state, "sock");
	struct server s = { .answers = answers };
	struct refusal why = { 0 };
	struct rpc *r;
	json_t *result;
	pthread_t thread;
	int gone[2];

	assert_int_equal(pipe(gone), 0);
	s.gone = gone[0];
	server_start(&s, path);
	assert_int_equal(rpc_open(&r, path), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt, r), 0);
	assert_int_equal(rpc_call(r, "a.b", NULL, -1, &result, &why),
	    CAMCA_EIO);
	assert_int_equal(why.http, 503);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(rpc_call(r, "a.b", NULL, -1, &result, &why) < 0);
	rpc_close(r);
	close(gone[1]);
	server_end(&s, path);
	close(gone[0]);
}

static void
test_open_refuses(void **state)
{
	struct rpc *r;
	char name[200];

	assert_int_equal(rpc_open(&r, folder_path(state, "none")), CAMCA_EIO);
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(rpc_open(&r, name), CAMCA_ELIMIT);
}

static void
test_oversized_call(void **state)
{
	static const char *const answers[] = { NULL };
	const char *path = folder_path(state, "sock");
	struct server s = { .answers = answers, .gone = -1 };
	struct refusal why = { 0 };
	char *big = malloc(FRAME_MAX + 1);
	struct rpc *r;
	json_t *result;

	assert_non_null(big);
	memset(big, 'a', FRAME_MAX);
	big[FRAME_MAX] = '\0';
	server_start(&s, path);
	assert_int_equal(rpc_open(&r, path), 0);
	assert_int_equal(rpc_call(r, "a.b", json_pack("{s:s}", "x", big), 5000,
	    &result, &why), CAMCA_ELIMIT);
	assert_int_equal(why.http, 413);
	rpc_close(r);
	server_end(&s, path);
	free(big);
}

#define IN_FOLDER(t) cmocka_unit_test_setup_teardown(t, folder_setup, \
	folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_call),
		IN_FOLDER(test_refusals),
		IN_FOLDER(test_nonsense),
		IN_FOLDER(test_cut),
		IN_FOLDER(test_time_out),
		IN_FOLDER(test_interrupt),
		IN_FOLDER(test_open_refuses),
		IN_FOLDER(test_oversized_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
