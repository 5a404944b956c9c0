/* SPDX-License-Identifier: Apache-2.0 */
/* The plain HTTP listener: CA certificates, CRLs, OCSP and the custody log, which
 * are signed and public. Never EST (RFC 7030 section 3.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "enroll/est/reply.h"
#include "enroll/est/route.h"
#include "enroll/gate/custody.h"
#include "enroll/gate/gate.h"
#include "enroll/gate/http.h"
#include "enroll/gate/range.h"
#include "enroll/gate/weburi.h"
#include "enroll/ocsp/http.h"
#include "enroll/ocsp/uri.h"

#define WEB_DRAIN_MAX (64u * 1024)
#define WEB_DATE_LEN 32

enum web_phase { WEB_NEW, WEB_BODY, WEB_WAITING, WEB_ANSWERED };

struct web_request {
	struct gate *gate;
	struct conn *conn;
	struct MHD_Connection *mhd;
	struct web_uri uri;
	struct refusal why;
	enum web_phase phase;
	bool get;                    /* not HEAD */
	size_t seen;
	struct cache_waiter waiter;
	struct cache_item *item;
	struct ocsp_http *ocsp;      /* not NULL: this and nothing else */
	struct custody_http *custody;        /* likewise */
};

static const char *const web_types[] = {
	[CACHE_CERT] = "application/pkix-cert",
	[CACHE_CRL] = "application/pkix-crl",
	[CACHE_ISSUED] = "application/pkix-cert",
};

/* Certificates never change under their identifier; a CRL does any moment, and
 * what sits in caches meanwhile is added to the time a revocation takes. */
static const int web_max_age_s[] = {
	[CACHE_CERT] = 86400,
	[CACHE_CRL] = 5,
	[CACHE_ISSUED] = 86400,
};

static void *
web_on_uri(void *arg, const char *uri, struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(m,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct web_request *r = calloc(1, sizeof *r);
	struct est_route est;
	const char *rest;

	if (r == NULL || info == NULL || info->socket_context == NULL) {
		free(r);
		return NULL;
	}
	r->gate = arg;
	atomic_fetch_add(&r->gate->requests, 1);
	r->conn = info->socket_context;
	r->mhd = m;
	if (ocsp_uri_is(uri, &rest)) {
		r->ocsp = ocsp_http_new(&r->gate->responder, r->conn, m, rest);
		if (r->ocsp == NULL)
			refuse_default(&r->why, CAMCA_ENOMEM);
		return r;
	}
	if (custody_uri_is(uri)) {
		r->custody = custody_http_new(r->gate, r->conn, m, uri);
		if (r->custody == NULL)
			refuse_default(&r->why, CAMCA_ENOMEM);
		return r;
	}
	if (web_uri_parse(&r->uri, uri, &r->why) == CAMCA_OK ||
	    est_route_parse(&est, uri, NULL) < 0)
		return r;
	refuse(&r->why, CAMCA_ENOENT, 404, "est.plain-http",
	    "EST is not offered without TLS.");
	report_refusal(r->gate->report, est.op->name, est.label, &r->why,
	    r->conn->remote, mono_ms());
	return r;
}

static void
web_date(char out[static WEB_DATE_LEN], int64_t t)
{
	time_t s = (time_t)t;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, WEB_DATE_LEN, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* RFC 9110 13.1.3; only where there is no If-None-Match. */
static bool
web_unmodified(struct web_request *r)
{
	const char *tags = http_field(r->mhd, "If-None-Match");
	const char *since = http_field(r->mhd, "If-Modified-Since");
	struct tm tm = { 0 };
	const char *end;

	if (tags != NULL)
		return est_etag_matches(tags, r->item->etag);
	if (since == NULL || r->item->modified_s == 0)
		return false;
	end = strptime(since, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return end != NULL && *end == '\0' &&
	    r->item->modified_s <= (int64_t)timegm(&tm);
}

static void
web_item_free(void *item)
{
	cache_item_free(item);
}

/* Expires says the same to caches that know no Cache-Control: the nextUpdate of
 * a CRL there would keep the old list in them for days. */
static void
web_caching(struct web_request *r, struct MHD_Response *p)
{
	int age_s = web_max_age_s[r->uri.kind];
	char text[64];

	snprintf(text, sizeof text, "public, max-age=%d", age_s);
	MHD_add_response_header(p, "Cache-Control", text);
	web_date(text, (int64_t)time(NULL) + age_s);
	MHD_add_response_header(p, "Expires", text);
	MHD_add_response_header(p, "ETag", r->item->etag);
	MHD_add_response_header(p, "Accept-Ranges", "bytes");
	if (r->item->modified_s != 0) {
		web_date(text, r->item->modified_s);
		MHD_add_response_header(p, "Last-Modified", text);
	}
}

/* RFC 9110 13.1.5: half of one list and half of another make none. Dates do not
 * tell two lists of one second apart, so only an ETag counts. */
static const char *
web_range(struct web_request *r)
{
	const char *only_if = http_field(r->mhd, "If-Range");

	if (only_if != NULL && strcmp(only_if, r->item->etag) != 0)
		return NULL;
	return http_field(r->mhd, "Range");
}

static enum MHD_Result
web_answer_item(struct web_request *r)
{
	static char nothing[1];
	size_t from = 0, n = r->item->len, len = r->item->len;
	unsigned status = MHD_HTTP_OK;
	enum range_kind range = RANGE_ALL;
	struct MHD_Response *p;
	enum MHD_Result ret;
	char text[96];

	if (web_unmodified(r))
		status = MHD_HTTP_NOT_MODIFIED;
	else if (r->get)
		range = range_parse(web_range(r), len, &from, &n);
	if (range == RANGE_NONE)
		p = MHD_create_response_from_buffer(0, nothing,
		    MHD_RESPMEM_PERSISTENT);
	else         /* its count goes to the response, which borrows bytes */
		p = MHD_create_response_from_buffer_with_free_callback_cls(n,
		    r->item->der + from, web_item_free, r->item);
	if (p == NULL)
		return MHD_NO;
	MHD_add_response_header(p, "Content-Type", web_types[r->uri.kind]);
	web_caching(r, p);
	if (range == RANGE_PART)
		snprintf(text, sizeof text, "bytes %zu-%zu/%zu", from,
		    from + n - 1, len);
	else
		snprintf(text, sizeof text, "bytes */%zu", len);
	if (range != RANGE_ALL) {
		MHD_add_response_header(p, "Content-Range", text);
		status = range == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT :
		    MHD_HTTP_RANGE_NOT_SATISFIABLE;
	}
	ret = MHD_queue_response(r->mhd, status, p);
	if (range != RANGE_NONE)
		r->item = NULL;
	MHD_destroy_response(p);
	return ret;
}

static enum MHD_Result
web_answer(struct web_request *r)
{
	static const struct est_operation get = { .allow = "GET, HEAD" };
	enum MHD_Result ret = MHD_NO;
	struct est_reply reply;

	conn_wait_peer(r->conn);
	if (r->item != NULL)
		return web_answer_item(r);
	est_reply_init(&reply);
	if (est_reply_refusal(&reply, &get, &r->why) == CAMCA_OK)
		ret = http_answer(r->mhd, &reply,
		    atomic_load(&r->gate->stopping));
	est_reply_fini(&reply);
	return ret;
}

static void
web_on_item(void *arg, struct cache_item *item, const struct refusal *why)
{
	struct web_request *r = arg;

	r->item = item;
	if (why != NULL)
		r->why = *why;
	r->phase = WEB_ANSWERED;
	atomic_fetch_sub(&r->gate->busy, 1);
	MHD_resume_connection(r->mhd);
}

static enum MHD_Result
web_fetch(struct web_request *r)
{
	int64_t now = mono_ms();
	int ret;

	if (cache_get(r->gate->cache, r->uri.kind, r->uri.ski, now, NULL,
	    &r->item, &r->why) == CAMCA_OK)
		return web_answer(r);
	r->waiter.fn = web_on_item;
	r->waiter.arg = r;
	r->phase = WEB_WAITING;
	conn_wait_us(r->conn);
	atomic_fetch_add(&r->gate->busy, 1);
	MHD_suspend_connection(r->mhd);
	ret = cache_get(r->gate->cache, r->uri.kind, r->uri.ski, now,
	    &r->waiter, &r->item, &r->why);
	if (ret != CAMCA_EPENDING) {
		r->phase = WEB_ANSWERED;
		atomic_fetch_sub(&r->gate->busy, 1);
		MHD_resume_connection(r->mhd);
	}
	return MHD_YES;
}

static enum MHD_Result
web_begin(struct web_request *r, const char *method)
{
	r->phase = WEB_BODY;
	r->get = strcmp(method, "GET") == 0;
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return MHD_YES;
	if (r->why.http == 0)
		refuse(&r->why, CAMCA_EINVAL, 405, "http.method",
		    "Only GET and HEAD are possible here.");
	return web_answer(r);
}

static enum MHD_Result
web_on_access(void *arg, struct MHD_Connection *m, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **request)
{
	struct web_request *r = *request;

	(void)arg;
	(void)m;
	(void)url;
	(void)version;
	(void)data;
	if (r == NULL)
		return MHD_NO;
	if (r->ocsp != NULL)
		return ocsp_http_access(r->ocsp, method, data, n);
	if (r->custody != NULL)
		return custody_http_access(r->custody, method, n);
	if (r->phase == WEB_NEW)
		return web_begin(r, method);
	if (r->phase == WEB_WAITING)
		return MHD_YES;
	if (r->phase == WEB_ANSWERED)
		return web_answer(r);
	if (*n > 0) {
		r->seen += *n;
		*n = 0;
		return r->seen <= WEB_DRAIN_MAX ? MHD_YES : MHD_NO;
	}
	return r->why.http != 0 ? web_answer(r) : web_fetch(r);
}

static void
web_on_completed(void *arg, struct MHD_Connection *m, void **request,
    enum MHD_RequestTerminationCode why)
{
	struct web_request *r = *request;

	(void)arg;
	(void)m;
	(void)why;
	if (r == NULL)
		return;
	conn_wait_peer(r->conn);
	cache_item_free(r->item);
	ocsp_http_free(r->ocsp);
	custody_http_free(r->custody);
	atomic_fetch_sub(&r->gate->requests, 1);
	free(r);
	*request = NULL;
}

static void
web_on_connection(void *arg, struct MHD_Connection *m, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct gate *g = arg;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = conn_start(g->web_conns, m);
	} else {
		conn_end(*context);
		*context = NULL;
	}
}

int
web_start(struct gate *g)
{
	g->web = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    web_on_access, g,
	    MHD_OPTION_EXTERNAL_LOGGER, http_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, g->web_fd,
	    MHD_OPTION_THREAD_POOL_SIZE, gate_threads(),
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)g->conf.max_connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)g->conf.idle_timeout_s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_MEMORY,
	    MHD_OPTION_URI_LOG_CALLBACK, web_on_uri, g,
	    MHD_OPTION_UNESCAPE_CALLBACK, http_keep, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, web_on_completed, g,
	    MHD_OPTION_NOTIFY_CONNECTION, web_on_connection, g,
	    MHD_OPTION_END);
	if (g->web == NULL) {
		log_msg(LOG_ERROR, "http", "the listener does not start");
		return CAMCA_EIO;
	}
	g->web_fd = -1;
	return CAMCA_OK;
}
