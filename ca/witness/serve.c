/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/witness/serve.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/listen.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/custody/witness.h"
#include "ca/witness/guests.h"

#define SERVE_THREADS 4
#define SERVE_IDLE_S 20                /* between two requests */
#define SERVE_HEADER_MAX (16u * 1024)
#define SERVE_BACKLOG 128

struct serve {
	struct serve_conf conf;
	char prefix[SERVE_PREFIX_MAX];
	struct MHD_Daemon *daemon;
	struct guests guests;
	pthread_rwlock_t roster_lock;  /* held for reading by each request */
	struct roster *roster;
};

struct turn {
	struct serve *serve;
	bool begun;
	bool too_large;
	struct buf body;
};

/* ---- guests ---- */

static struct guest *
guest_of(struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(m,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
serve_on_connection(void *arg, struct MHD_Connection *m, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct serve *s = arg;
	int fd;

	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		guests_leave(&s->guests, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(m, MHD_CONNECTION_INFO_CONNECTION_FD);
	fd = info->connect_fd;
	info = MHD_get_connection_info(m, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = guests_enter(&s->guests, fd, info->client_addr, mono_ms());
}

void
serve_sweep(struct serve *s)
{
	guests_sweep(&s->guests, mono_ms());
}

/* ---- requests ---- */

static void *
serve_on_uri(void *arg, const char *uri, struct MHD_Connection *m)
{
	struct serve *s = arg;
	struct turn *t;

	(void)uri;
	/* libmicrohttpd's own timeout begins anew with each byte. */
	if (!guests_turn(&s->guests, guest_of(m), mono_ms()))
		return NULL;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->serve = s;
	buf_init(&t->body, WITNESS_REQUEST_MAX);
	return t;
}

static void
serve_on_completed(void *arg, struct MHD_Connection *m, void **request,
    enum MHD_RequestTerminationCode why)
{
	struct serve *s = arg;
	struct turn *t = *request;

	(void)why;
	(void)guests_turn(&s->guests, guest_of(m), 0);
	if (t == NULL)
		return;
	buf_fini(&t->body);
	free(t);
	*request = NULL;
}

static enum MHD_Result
serve_answer(struct MHD_Connection *m, struct decision *d)
{
	static char nothing[1];
	struct MHD_Response *p;
	enum MHD_Result ret;

	if (d->body.len > 0)
		p = MHD_create_response_from_buffer(d->body.len, d->body.data,
		    MHD_RESPMEM_MUST_COPY);
	else
		p = MHD_create_response_from_buffer(0, nothing,
		    MHD_RESPMEM_PERSISTENT);
	if (p == NULL)
		return MHD_NO;
	MHD_add_response_header(p, "Content-Type", d->type);
	MHD_add_response_header(p, "Cache-Control", "no-store");
	if (d->http == 405)
		MHD_add_response_header(p, "Allow", "GET, HEAD, POST");
	if (d->http == 503)
		MHD_add_response_header(p, "Retry-After", "5");
	ret = MHD_queue_response(m, (unsigned)d->http, p);
	MHD_destroy_response(p);
	return ret;
}

/* "<hex>/checkpoint" */
static void
serve_get(const struct desk *desk, const char *path, struct decision *d)
{
	size_t n = strcspn(path, "/");

	if (strcmp(path + n, "/checkpoint") == 0)
		decide_get(desk, path, n, d);
	else
		decide_refuse(d, 404, "There is nothing here.");
}

static void
serve_decide(struct turn *t, const char *url, const char *method,
    struct decision *d)
{
	struct serve *s = t->serve;
	struct desk desk = { s->conf.dir, s->conf.cosigner, NULL,
	    s->conf.ctx };
	size_t n = strlen(s->prefix);
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	pthread_rwlock_rdlock(&s->roster_lock);
	desk.roster = s->roster;
	if (strncmp(url, s->prefix, n) != 0 || url[n] != '/')
		decide_refuse(d, 404, "There is nothing here.");
	else if (t->too_large)
		decide_refuse(d, 413, "The request is too large.");
	else if (get)
		serve_get(&desk, url + n + 1, d);
	else if (strcmp(method, "POST") != 0)
		decide_refuse(d, 405, "Only GET, HEAD and POST are possible.");
	else if (strcmp(url + n, WITNESS_PATH) == 0)
		decide_add(&desk, t->body.data, t->body.len, d);
	else
		decide_refuse(d, 404, "There is nothing here.");
	pthread_rwlock_unlock(&s->roster_lock);
}

/* The length that a request states, 0: none. */
static unsigned long long
serve_announced(struct MHD_Connection *m)
{
	const char *s = MHD_lookup_connection_value(m, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_LENGTH);

	/* libmicrohttpd has refused anything but digits, and overflow. */
	return s != NULL ? strtoull(s, NULL, 10) : 0;
}

static enum MHD_Result
serve_on_access(void *arg, struct MHD_Connection *m, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **request)
{
	struct turn *t = *request;
	struct decision d;
	enum MHD_Result ret;

	(void)arg;
	(void)version;
	if (t == NULL)
		return MHD_NO;
	if (!t->begun) {
		t->begun = true;
		t->too_large = serve_announced(m) > WITNESS_REQUEST_MAX;
		if (!t->too_large)
			return MHD_YES;
		*n = 0;
	}
	if (*n > 0) {
		/* Chunked, and past the most: it is not read further. */
		if (buf_put(&t->body, data, *n) < 0)
			return MHD_NO;
		*n = 0;
		return MHD_YES;
	}
	serve_decide(t, url, method, &d);
	ret = serve_answer(m, &d);
	decision_fini(&d);
	return ret;
}

/* ---- start and stop ---- */

static void
serve_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof text, fmt, ap);
#pragma GCC diagnostic pop
	text[strcspn(text, "\n")] = '\0';
	log_msg(LOG_TRACE, "http", "%s", text);
}

static size_t
serve_keep(void *arg, struct MHD_Connection *m, char *s)
{
	(void)arg;
	(void)m;
	return strlen(s);              /* paths are compared as they come */
}

static int
serve_daemon(struct serve *s, int fd)
{
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_USE_ERROR_LOG, 0, NULL, NULL, serve_on_access, s,
	    MHD_OPTION_EXTERNAL_LOGGER, serve_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)SERVE_THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)GUESTS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVE_IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVE_HEADER_MAX,
	    MHD_OPTION_URI_LOG_CALLBACK, serve_on_uri, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, serve_keep, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, serve_on_completed, s,
	    MHD_OPTION_NOTIFY_CONNECTION, serve_on_connection, s,
	    MHD_OPTION_END);
	if (s->daemon != NULL)
		return CAMCA_OK;
	close(fd);
	log_msg(LOG_ERROR, "http", "the listener does not start");
	return CAMCA_EIO;
}

int
serve_start(struct serve **out, const struct serve_conf *conf,
    struct roster *roster, uint16_t *port_out)
{
	struct serve *s = calloc(1, sizeof *s);
	int fd = -1, ret;

	if (s == NULL) {
		roster_close(roster);
		return CAMCA_ENOMEM;
	}
	s->conf = *conf;
	s->roster = roster;
	guests_init(&s->guests);
	pthread_rwlock_init(&s->roster_lock, NULL);
	ret = (size_t)snprintf(s->prefix, sizeof s->prefix, "%s",
	    conf->prefix) < sizeof s->prefix ? CAMCA_OK : CAMCA_ELIMIT;
	if (ret == CAMCA_OK)
		ret = listen_open(conf->host, conf->port, SERVE_BACKLOG, &fd,
		    port_out);
	if (ret == CAMCA_OK)
		ret = serve_daemon(s, fd);
	if (ret < 0) {
		serve_stop(s);
		return ret;
	}
	*out = s;
	return CAMCA_OK;
}

void
serve_stop(struct serve *s)
{
	if (s == NULL)
		return;
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	roster_close(s->roster);
	pthread_rwlock_destroy(&s->roster_lock);
	guests_fini(&s->guests);
	free(s);
}

/* What was signed is not forgotten because a file is gone or an old one. */
static void
serve_carry(struct roster_log *fresh, struct roster_log *old)
{
	struct buf note;

	if (old == NULL || old->damaged || old->note.len == 0 ||
	    (!fresh->damaged && fresh->last.size >= old->last.size &&
	    fresh->note.len > 0))
		return;
	log_msg(LOG_WARN, fresh->origin, "its record on the disk is older than "
	    "the one in memory, which stays");
	note = fresh->note;
	fresh->note = old->note;
	old->note = note;
	fresh->last = old->last;
	fresh->damaged = false;
}

/* Records are read while no request changes one. */
int
serve_reload(struct serve *s, struct refusal *why)
{
	struct roster *fresh = NULL, *old = NULL;
	size_t i;
	int ret;

	pthread_rwlock_wrlock(&s->roster_lock);
	ret = roster_open(&fresh, s->conf.dir, s->conf.cosigner, why);
	for (i = 0; ret == CAMCA_OK && i < fresh->n; i++)
		serve_carry(fresh->logs[i], roster_find(s->roster,
		    fresh->logs[i]->origin));
	if (ret == CAMCA_OK) {
		old = s->roster;
		s->roster = fresh;
	}
	pthread_rwlock_unlock(&s->roster_lock);
	roster_close(old);
	return ret;
}
