/* SPDX-License-Identifier: Apache-2.0 */
/* One request: what camcad says is done exactly, and nothing else. The server
 * is a thread that answers one connection with what it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enroll/anchor/carry.h"

struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
	const char *answer;            /* NULL: says nothing until told to end */
	size_t more;                   /* bytes 'x' behind it */
	char asked[4096];
	int hold[2];
};

/* Head and body of the request, as far as they come within one look. */
static void
server_read(struct server *s, int fd)
{
	size_t n = 0;
	ssize_t r;

	while (n < sizeof s->asked - 1 && strstr(s->asked, "BODY") == NULL &&
	    (r = recv(fd, s->asked + n, sizeof s->asked - 1 - n, 0)) > 0) {
		n += (size_t)r;
		s->asked[n] = '\0';
		if (strncmp(s->asked, "GET ", 4) == 0 &&
		    strstr(s->asked, "\r\n\r\n") != NULL)
			break;
	}
}

static void *
server_thread(void *arg)
{
	struct server *s = arg;
	char block[1024], end;
	size_t i;
	int fd = accept(s->fd, NULL, NULL);

	if (fd < 0)
		return NULL;
	server_read(s, fd);
	if (s->answer == NULL) {
		(void)!read(s->hold[0], &end, 1);
	} else {
		send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
		memset(block, 'x', sizeof block);
		for (i = 0; i < s->more; i += sizeof block)
			if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
				break;
	}
	close(fd);
	return NULL;
}

static void
server_start(struct server *s, const char *answer, size_t more)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof sa;

	memset(s, 0, sizeof *s);
	s->answer = answer;
	s->more = more;
	assert_int_equal(pipe(s->hold), 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(s->fd, 4), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sa, &len), 0);
	s->port = ntohs(sa.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, server_thread, s),
	    0);
}

static void
server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	close(s->hold[1]);
	pthread_join(s->thread, NULL);
	close(s->hold[0]);
	close(s->fd);
}

struct fix {
	struct config conf;
	atomic_bool stopping;
	struct carry *c;
	struct carry_job job;
	struct carry_result r;
};

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);

	assert_non_null(f);
	assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	assert_int_equal(carry_new(&f->c, &f->conf, &f->stopping), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	carry_job_fini(&f->job);
	carry_result_fini(&f->r);
	carry_free(f->c);
	curl_global_cleanup();
	free(f);
	return 0;
}

static void
job(struct fix *f, const char *scheme, uint16_t port, int max, int timeout)
{
	char url[64];
	json_t *o;

	snprintf(url, sizeof url, "%s://127.0.0.1:%u/add-checkpoint", scheme,
	    port);
	o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "id", "ab",
	    "url", url, "method", "POST", "type", "text/plain", "max", max,
	    "timeout_ms", timeout, "body", "Qk9EWQ==");
	carry_job_fini(&f->job);
	assert_int_equal(carry_job_parse(&f->job, o), 0);
	json_decref(o);
}

static void
run(struct fix *f)
{
	carry_result_fini(&f->r);
	carry_run(f->c, &f->job, &f->r);
}

static void
test_parse(void **state)
{
	static const char *const bad[] = { "{\"id\":\"\"}", "{\"id\":1}",
	    "{\"id\":\"a\",\"url\":\"http://x\",\"method\":\"PUT\","
	    "\"type\":\"t\",\"max\":1,\"timeout_ms\":1,\"body\":\"\"}",
	    "{\"id\":\"a\",\"url\":\"http://x\",\"method\":\"POST\","
	    "\"type\":\"t\",\"max\":1,\"timeout_ms\":1,\"body\":\"?\"}",
	    "{\"id\":\"a\",\"url\":\"http://x\",\"method\":\"POST\","
	    "\"type\":\"t\",\"max\":65537,\"timeout_ms\":1,\"body\":\"\"}",
	    "{\"id\":\"a\",\"url\":\"http://x\",\"method\":\"POST\","
	    "\"type\":\"t\",\"max\":1,\"timeout_ms\":30001,\"body\":\"\"}",
	    "{\"id\":\"a\",\"url\":\"http://x\",\"method\":\"POST\","
	    "\"type\":\"t\\r\\nX: y\",\"max\":1,\"timeout_ms\":1,"
	    "\"body\":\"\"}" };
	struct carry_job j;
	json_t *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		o = json_loads(bad[i], 0, NULL);
		assert_non_null(o);
		assert_int_equal(carry_job_parse(&j, o), CAMCA_EPROTO);
		carry_job_fini(&j);
		json_decref(o);
	}
	o = json_object();
	assert_int_equal(carry_job_parse(&j, o), CAMCA_ENOENT);
	carry_job_fini(&j);
	json_decref(o);
}

/* What a witness has to show. */
static void
test_get(void **state)
{
	struct fix *f = *state;
	struct server s;

	server_start(&s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 3\r\nConnection: close\r\n\r\n12\n", 0);
	job(f, "http", s.port, 3, 5000);
	f->job.get = true;
	run(f);
	server_stop(&s);
	assert_string_equal(f->r.error, "");
	assert_int_equal(f->r.status, 200);
	assert_string_equal(buf_str(&f->r.body), "12\n");
	assert_memory_equal(s.asked, "GET /add-checkpoint HTTP/1.1\r\n", 30);
	assert_null(strstr(s.asked, "BODY"));
}

static void
test_post(void **state)
{
	struct fix *f = *state;
	struct server s;
	json_t *o;

	server_start(&s, "HTTP/1.1 409 Conflict\r\nContent-Type: "
	    "text/x.tlog.size\r\nContent-Length: 3\r\nConnection: close\r\n"
	    "\r\n12\n", 0);
	job(f, "http", s.port, 3, 5000);
	run(f);
	server_stop(&s);
	assert_string_equal(f->r.error, "");
	assert_int_equal(f->r.status, 409);
	assert_string_equal(f->r.type, "text/x.tlog.size");
	assert_string_equal(buf_str(&f->r.body), "12\n");
	assert_memory_equal(s.asked, "POST /add-checkpoint HTTP/1.1\r\n", 31);
	assert_non_null(strstr(s.asked, "Content-Type: text/plain\r\n"));
	assert_null(strstr(s.asked, "Expect"));
	assert_non_null(strstr(s.asked, "\r\n\r\nBODY"));
	o = carry_result_json(&f->job, &f->r);
	assert_string_equal(json_string_value(json_object_get(o, "id")),
	    "ab");
	assert_string_equal(json_string_value(json_object_get(o, "body")),
	    "MTIK");
	assert_int_equal(json_integer_value(json_object_get(o, "status")),
	    409);
	json_decref(o);
}

static void
test_too_large(void **state)
{
	struct fix *f = *state;
	struct server s;
	json_t *o;

	server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
	    1000000);
	job(f, "http", s.port, 100, 5000);
	run(f);
	server_stop(&s);
	assert_non_null(strstr(f->r.error, "larger"));
	/* Without a length it is counted. */
	server_start(&s, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	    1000000);
	job(f, "http", s.port, 100, 5000);
	run(f);
	server_stop(&s);
	assert_non_null(strstr(f->r.error, "larger"));
	o = carry_result_json(&f->job, &f->r);
	assert_null(json_object_get(o, "body"));
	assert_non_null(json_object_get(o, "error"));
	json_decref(o);
}

static void
test_redirect(void **state)
{
	struct fix *f = *state;
	struct server s, other;
	char answer[200];

	server_start(&other, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    0);
	snprintf(answer, sizeof answer, "HTTP/1.1 307 Go\r\nLocation: "
	    "http://127.0.0.1:%u/\r\nContent-Length: 0\r\n\r\n", other.port);
	server_start(&s, answer, 0);
	job(f, "http", s.port, 100, 5000);
	run(f);
	server_stop(&s);
	server_stop(&other);
	assert_int_equal(f->r.status, 307);
	assert_string_equal(other.asked, "");
}

static void
test_slow(void **state)
{
	struct fix *f = *state;
	struct server s;

	server_start(&s, NULL, 0);
	job(f, "http", s.port, 100, 200);
	run(f);
	server_stop(&s);
	assert_true(f->r.error[0] != '\0');
	/* No HTTP at all. */
	server_start(&s, "hello\r\n\r\n", 0);
	job(f, "http", s.port, 100, 5000);
	run(f);
	server_stop(&s);
	assert_true(f->r.error[0] != '\0');
	/* Nobody there. */
	job(f, "http", s.port, 100, 5000);
	run(f);
	assert_true(f->r.error[0] != '\0');
	/* The end of the program ends it. */
	atomic_store(&f->stopping, true);
	server_start(&s, NULL, 0);
	job(f, "http", s.port, 100, 30000);
	run(f);
	server_stop(&s);
	assert_true(f->r.error[0] != '\0');
}

static void
test_schemes(void **state)
{
	static const char *const bad[] = { "ftp", "file", "gopher", "ldap",
	    "telnet", "dict", "smtp" };
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		job(f, bad[i], 1, 100, 5000);
		run(f);
		assert_true(f->r.error[0] != '\0');
	}
}

/* The environment's proxy is not ours; that of the settings is. */
static void
test_proxy(void **state)
{
	struct fix *f = *state;
	struct server s, proxy;
	char url[64];

	server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n", 0);
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("all_proxy", "http://127.0.0.1:1/", 1);
	job(f, "http", s.port, 100, 5000);
	run(f);
	server_stop(&s);
	assert_int_equal(f->r.status, 200);
	server_start(&proxy, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n", 0);
	setenv("no_proxy", "*", 1);
	snprintf(url, sizeof url, "http://127.0.0.1:%u", proxy.port);
	snprintf(f->conf.anchor_proxy, sizeof f->conf.anchor_proxy, "%s",
	    url);
	job(f, "http", 1, 100, 5000);
	run(f);
	server_stop(&proxy);
	assert_int_equal(f->r.status, 200);
	assert_non_null(strstr(proxy.asked, "POST http://127.0.0.1:1/"));
}

#define FIX(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		FIX(test_get),
		FIX(test_post),
		FIX(test_too_large),
		FIX(test_redirect),
		FIX(test_slow),
		FIX(test_schemes),
		FIX(test_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
