/* SPDX-License-Identifier: Apache-2.0 */
/* One EST request after the other on each connection; the connection is
 * suspended while the authority works. */
#include "enroll/gate/est_request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "enroll/est/body.h"
#include "enroll/est/call.h"
#include "enroll/est/media.h"
#include "enroll/est/reply.h"
#include "enroll/est/route.h"
#include "enroll/gate/agent.h"
#include "enroll/gate/custody.h"
#include "enroll/gate/http.h"
#include "enroll/gate/tlsinfo.h"

/* A body that is refused is still read up to here, so that the client gets to
 * read why: closing with bytes unread would reset the connection. */
#define EST_DRAIN_MAX (1u << 20)

enum est_phase { EST_NEW, EST_BODY, EST_WAITING, EST_ANSWERED };

struct est_request {
	struct gate *gate;
	struct conn *conn;
	struct MHD_Connection *mhd;
	struct est_route route;
	struct refusal why;      /* http 0: nothing refused so far */
	bool ours;               /* refused here, not by the authority */
	bool bare;               /* neither User-Agent nor Accept */
	bool login;              /* came with a password */
	enum est_phase phase;
	struct buf body;
	size_t counted;          /* bytes of it in gate->bodies */
	size_t seen;             /* body bytes, kept or not */
	json_t *result;
	struct custody_http *custody;    /* not NULL: this and nothing else */
	struct agent_http *agent;        /* not NULL: this and nothing else */
};

/* --- bodies --- */

static void
est_body_drop(struct est_request *r)
{
	atomic_fetch_sub(&r->gate->bodies, r->counted);
	r->counted = 0;
	buf_cleanse(&r->body);
}

static int
est_body_keep(struct est_request *r, const char *p, size_t n)
{
	size_t held;
	int ret;

	if (r->why.http != 0)
		return CAMCA_OK;
	if (r->route.op->media == NULL)
		return refuse(&r->why, CAMCA_EINVAL, 400, "est.body-unasked",
		    "/%s takes no body.", r->route.op->name);
	if (n > EST_BODY_MAX - r->body.len)
		return refuse(&r->why, CAMCA_ELIMIT, 413, "est.body-too-large",
		    "The body is larger than %u bytes.", EST_BODY_MAX);
	held = atomic_fetch_add(&r->gate->bodies, n);
	r->counted += n;
	if (held > GATE_BODIES_MAX)
		return refuse(&r->why, CAMCA_EBUSY, 503, "system.busy",
		    "Too many requests are being received; try again later.");
	ret = buf_put(&r->body, p, n);
	return ret < 0 ? refuse_default(&r->why, ret) : ret;
}

/* --- requests --- */

static void
est_request_free(struct est_request *r)
{
	if (r == NULL)
		return;
	est_body_drop(r);
	json_decref(r->result);
	custody_http_free(r->custody);
	agent_http_free(r->agent);
	atomic_fetch_sub(&r->gate->requests, 1);
	free(r);
}

/* The request line is there, untouched: routes are found in it, not in what
 * libmicrohttpd makes of it. */
void *
est_on_uri(void *arg, const char *uri, struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(m,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct est_request *r = calloc(1, sizeof *r);

	if (r == NULL || info == NULL || info->socket_context == NULL) {
		free(r);
		return NULL;
	}
	r->gate = arg;
	atomic_fetch_add(&r->gate->requests, 1);
	r->conn = info->socket_context;
	r->mhd = m;
	buf_init(&r->body, EST_BODY_MAX);
	/* What staff alone may read is read here, by their certificates. */
	if (custody_uri_is(uri)) {
		r->custody = custody_http_new(r->gate, r->conn, m, uri);
		if (r->custody != NULL)
			return r;
		est_request_free(r);
		return NULL;
	}
	if (agent_uri_is(uri)) {
		r->agent = agent_http_new(r->gate, r->conn, m, uri);
		if (r->agent != NULL)
			return r;
		est_request_free(r);
		return NULL;
	}
	if (est_route_parse(&r->route, uri, &r->why) < 0)
		r->ours = true;
	return r;
}

static int
est_check_head(struct est_request *r, const char *method)
{
	const struct est_operation *op = r->route.op;
	int ret;

	if (r->why.http != 0)
		return CAMCA_EINVAL;
	if ((ret = est_route_method(&r->route, method, &r->why)) < 0)
		return ret;
	if (http_content_length(r->mhd) > EST_BODY_MAX)
		return refuse(&r->why, CAMCA_ELIMIT, 413, "est.body-too-large",
		    "The body is larger than %u bytes.", EST_BODY_MAX);
	if (op->media != NULL &&
	    !est_media_is(http_field(r->mhd, "Content-Type"), op->media))
		return refuse(&r->why, CAMCA_EINVAL, 415, "est.media-type",
		    "/%s takes Content-Type: %s.", op->name, op->media);
	return CAMCA_OK;
}

/* --- answers --- */

/* Did the authority turn the client away as somebody it does not know, after a
 * password was shown? Rules that refuse a known device are no guesses. */
static bool
est_was_guess(const struct est_request *r)
{
	if (!r->login || r->ours)
		return false;
	return r->why.http == 401 || (r->why.http == 403 &&
	    (strncmp(r->why.code, "auth.", 5) == 0 ||
	    strncmp(r->why.code, "secret.", 7) == 0));
}

/* A binding that the authority may have looked at is spent (RFC 9266 section
 * 4.1): the next enrollment needs a new connection. A missing login comes
 * before proof of possession and costs nothing. */
static bool
est_binding_spent(const struct est_request *r, const struct est_reply *reply)
{
	if (r->route.op == NULL || !r->route.op->post || r->ours)
		return false;
	return r->why.http != 0 ? r->why.http != 401 : reply->close;
}

static void
est_note_refusal(struct est_request *r)
{
	int64_t now = mono_ms();

	if (r->ours)
		report_refusal(r->gate->report, r->route.op != NULL ?
		    r->route.op->name : "unknown", r->route.label, &r->why,
		    r->conn->remote, now);
	if (est_was_guess(r))
		throttle_failed(r->gate->throttle, &r->conn->key, now);
}

/* Bouncy Castle asks first and shows its password after a 401, comes again after
 * a 202, and does neither where that answer has a body, which it closes unread.
 * It is known by what it sends, and what it does not. */
static bool
est_text_unread(const struct est_request *r)
{
	return r->bare &&
	    http_field(r->mhd, "Content-Transfer-Encoding") != NULL &&
	    (r->why.http == 202 || (r->why.http == 401 &&
	    http_field(r->mhd, "Authorization") == NULL));
}

static int
est_reply_make(struct est_request *r, struct est_reply *reply)
{
	int ret;

	if (r->why.http == 0) {
		ret = est_reply_result(reply, r->route.op, r->result, r->bare);
		if (ret == CAMCA_OK)
			return ret;
		refuse(&r->why, ret, 500, "system.internal",
		    "The certificate authority gave an unusable answer.");
		log_msg(LOG_ERROR, r->route.op->call,
		    "unusable answer of the authority");
		est_reply_fini(reply);
		est_reply_init(reply);
	}
	ret = est_reply_refusal(reply, r->route.op, &r->why);
	if (ret == CAMCA_OK && est_text_unread(r)) {
		buf_reset(&reply->body);
		reply->type = NULL;
	}
	return ret;
}

static enum MHD_Result
est_answer(struct est_request *r)
{
	struct est_reply reply;
	enum MHD_Result ret = MHD_NO;
	bool closing;

	est_reply_init(&reply);
	if (est_reply_make(r, &reply) < 0)
		goto out;
	if (r->why.http != 0)
		est_note_refusal(r);
	if (est_binding_spent(r, &reply))
		r->conn->pop_used = true;
	if (reply.etag[0] != '\0' && est_etag_matches(http_field(r->mhd,
	    "If-None-Match"), reply.etag)) {
		reply.status = 304;
		buf_reset(&reply.body);
	}
	closing = r->conn->pop_used || atomic_load(&r->gate->stopping) ||
	    r->why.http == 413;
	conn_wait_peer(r->conn);
	ret = http_answer(r->mhd, &reply, closing);
out:
	est_reply_fini(&reply);
	return ret;
}

/* In the thread of the upstream. */
static void
est_on_result(void *arg, json_t *result, const struct refusal *why)
{
	struct est_request *r = arg;

	if (why != NULL)
		r->why = *why;
	else
		r->result = result;
	r->phase = EST_ANSWERED;
	atomic_fetch_sub(&r->gate->busy, 1);
	MHD_resume_connection(r->mhd);
}

static enum MHD_Result
est_forward(struct est_request *r, json_t *args)
{
	int ret;

	est_body_drop(r);
	conn_wait_us(r->conn);
	r->phase = EST_WAITING;
	atomic_fetch_add(&r->gate->busy, 1);
	/* First suspend: the answer may come before upstream_call() returns,
	 * and r is the other thread's from then on. */
	MHD_suspend_connection(r->mhd);
	ret = upstream_call(r->gate->up, r->route.op->call, args,
	    est_on_result, r, &r->why);
	if (ret < 0) {
		r->ours = true;
		r->phase = EST_ANSWERED;
		atomic_fetch_sub(&r->gate->busy, 1);
		MHD_resume_connection(r->mhd);
	}
	return MHD_YES;
}

static int
est_check_throttle(struct est_request *r)
{
	int wait = r->login ? throttle_wait_s(r->gate->throttle,
	    &r->conn->key, mono_ms()) : 0;

	if (wait == 0)
		return CAMCA_OK;
	refuse(&r->why, CAMCA_EBUSY, 429, "auth.throttled",
	    "Too many refused logins from this address; try again later.");
	r->why.retry_after_s = wait;
	return CAMCA_EBUSY;
}

static int
est_enroll_args(struct est_request *r, json_t **args)
{
	const char *auth = http_field(r->mhd, "Authorization");
	struct est_peer peer = { .pop_used = r->conn->pop_used };
	struct est_login login = { 0 };
	struct buf der;
	int ret;

	buf_init(&der, EST_BODY_MAX);
	if ((ret = est_body_decode(&der, r->body.data, r->body.len,
	    &r->why)) < 0 ||
	    (ret = est_basic_parse(&login, auth, auth != NULL ?
	    strlen(auth) : 0, &r->why)) < 0)
		goto out;
	r->login = login.present;
	if ((ret = est_check_throttle(r)) < 0 ||
	    (ret = tlsinfo_peer(&peer, r->conn->tls, &r->why)) < 0)
		goto out;
	*args = est_call_enroll(r->route.label,
	    &(struct est_blob){ der.data, der.len }, &login, &peer,
	    r->conn->remote);
	ret = *args != NULL ? CAMCA_OK : refuse_default(&r->why, CAMCA_ENOMEM);
out:
	est_login_fini(&login);
	buf_cleanse(&der);
	return ret;
}

/* The request is whole. */
static enum MHD_Result
est_serve(struct est_request *r)
{
	json_t *args = NULL;
	int ret = CAMCA_OK;

	if (r->why.http == 0 && atomic_load(&r->gate->stopping))
		ret = refuse(&r->why, CAMCA_EBUSY, 503, "system.stopping",
		    "The server is being stopped; try again.");
	if (r->why.http == 0 && r->route.op->post) {
		ret = est_enroll_args(r, &args);
	} else if (r->why.http == 0) {
		args = est_call_read(r->route.label);
		if (args == NULL)
			ret = refuse_default(&r->why, CAMCA_ENOMEM);
	}
	if (ret < 0)
		r->ours = true;
	if (r->why.http != 0)
		return est_answer(r);
	return est_forward(r, args);
}

static enum MHD_Result
est_begin(struct est_request *r, const char *method)
{
	r->phase = EST_BODY;
	r->bare = http_field(r->mhd, "User-Agent") == NULL &&
	    http_field(r->mhd, "Accept") == NULL;
	if (est_check_head(r, method) < 0)
		r->ours = true;
	/* Nothing more is read from a client that waits to be told to go on,
	 * or that announces more than is worth reading. */
	if (r->why.http != 0 && (http_expects_continue(r->mhd) ||
	    http_content_length(r->mhd) > EST_DRAIN_MAX))
		return est_answer(r);
	return MHD_YES;
}

static enum MHD_Result
est_more(struct est_request *r, const char *data, size_t *n)
{
	r->seen += *n;
	if (r->seen > EST_DRAIN_MAX)
		return MHD_NO;
	if (est_body_keep(r, data, *n) < 0) {
		r->ours = true;
		est_body_drop(r);
	}
	*n = 0;
	return MHD_YES;
}

enum MHD_Result
est_on_access(void *arg, struct MHD_Connection *m, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **request)
{
	struct est_request *r = *request;

	(void)arg;
	(void)m;
	(void)url;
	(void)version;
	if (r == NULL)
		return MHD_NO;
	if (r->custody != NULL)
		return custody_http_access(r->custody, method, n);
	if (r->agent != NULL)
		return agent_http_access(r->agent, method, data, n);
	switch (r->phase) {
	case EST_NEW:
		return est_begin(r, method);
	case EST_BODY:
		return *n > 0 ? est_more(r, data, n) : est_serve(r);
	case EST_ANSWERED:
		return est_answer(r);
	default:
		return MHD_YES;
	}
}

void
est_on_completed(void *arg, struct MHD_Connection *m, void **request,
    enum MHD_RequestTerminationCode why)
{
	struct est_request *r = *request;

	(void)arg;
	(void)m;
	(void)why;
	if (r != NULL)
		conn_wait_peer(r->conn);
	est_request_free(r);
	*request = NULL;
}
