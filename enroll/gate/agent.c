/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/enc.h"
#include "ca/base/job_wire.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "enroll/est/media.h"
#include "enroll/est/reply.h"
#include "enroll/gate/http.h"
#include "enroll/gate/tlsinfo.h"

#define AGENT_JSON "application/json"
#define AGENT_DRAIN_MAX (1u << 20)

enum agent_phase { PHASE_NEW, PHASE_BODY, PHASE_WAITING, PHASE_ANSWERED };

struct agent_http {
	struct gate *gate;
	struct conn *conn;
	struct MHD_Connection *mhd;
	const char *op;              /* NULL: no such resource */
	struct refusal why;          /* http 0: nothing refused so far */
	bool ours;                   /* refused here, not by the authority */
	enum agent_phase phase;
	struct buf body;
	size_t counted;              /* bytes of it in gate->bodies */
	size_t seen;
	json_t *result;
};

/* ---- addresses ---- */

static const struct {
	const char *path, *op;
} agent_routes[] = {
	{ "/agent/v1/lease", "agent.lease" },
	{ "/agent/v1/secret", "agent.secret" },
	{ "/agent/v1/report", "agent.report" },
};

/* RFC 9112 3.2.2: a target may come with its authority. */
static const char *
agent_uri_path(const char *uri)
{
	const char *path;

	if (strncasecmp(uri, "https://", 8) != 0)
		return uri;
	path = strchr(uri + 8, '/');
	return path != NULL && path > uri + 8 ? path : "";
}

bool
agent_uri_is(const char *uri)
{
	return strncmp(agent_uri_path(uri), "/agent/", 7) == 0;
}

const char *
agent_uri_op(const char *uri)
{
	const char *path = agent_uri_path(uri);
	size_t i;

	for (i = 0; i < sizeof agent_routes / sizeof agent_routes[0]; i++)
		if (strcmp(path, agent_routes[i].path) == 0)
			return agent_routes[i].op;
	return NULL;
}

/* ---- bodies ---- */

static void
agent_body_drop(struct agent_http *h)
{
	atomic_fetch_sub(&h->gate->bodies, h->counted);
	h->counted = 0;
	buf_cleanse(&h->body);
}

static int
agent_body_keep(struct agent_http *h, const char *p, size_t n)
{
	size_t held;
	int ret;

	if (h->why.http != 0)
		return CAMCA_OK;
	if (n > JOB_BODY_MAX - h->body.len)
		return refuse(&h->why, CAMCA_ELIMIT, 413,
		    "agent.body-too-large", "The body is larger than %d "
		    "bytes.", JOB_BODY_MAX);
	held = atomic_fetch_add(&h->gate->bodies, n);
	h->counted += n;
	if (held > GATE_BODIES_MAX)
		return refuse(&h->why, CAMCA_EBUSY, 503, "system.busy",
		    "Too many requests are being received; try again later.");
	ret = buf_put(&h->body, p, n);
	return ret < 0 ? refuse_default(&h->why, ret) : ret;
}

/* ---- answers ---- */

static int
agent_reply(struct agent_http *h, struct est_reply *reply)
{
	const struct refusal *why = &h->why;
	json_t *o = h->result;
	char *text;
	int ret;

	if (why->http != 0)
		o = json_pack("{s:s, s:s}", "code", why->code, "detail",
		    why->detail);
	text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	if (why->http != 0)
		json_decref(o);
	if (text == NULL)
		return CAMCA_ENOMEM;
	reply->status = why->http != 0 ? (unsigned)why->http : 200;
	reply->type = AGENT_JSON;
	reply->retry_after_s = why->http != 0 ? why->retry_after_s : 0;
	if (why->http == 405)
		reply->allow = "POST";
	ret = buf_puts(&reply->body, text);
	free(text);
	return ret;
}

/* Whom the authority turned away: it may ask again, but not without end. */
static void
agent_note(struct agent_http *h)
{
	if (h->ours && h->why.http != 429)
		report_refusal(h->gate->report, "agent", "", &h->why,
		    h->conn->remote, mono_ms());
	if (!h->ours && h->why.http == 403)
		throttle_failed(h->gate->agents, &h->conn->key, mono_ms());
}

static enum MHD_Result
agent_answer(struct agent_http *h)
{
	enum MHD_Result ret = MHD_NO;
	struct est_reply reply;

	conn_wait_peer(h->conn);
	if (h->why.http != 0)
		agent_note(h);
	est_reply_init(&reply);
	if (agent_reply(h, &reply) == CAMCA_OK)
		ret = http_answer(h->mhd, &reply,
		    atomic_load(&h->gate->stopping) || h->why.http == 413);
	est_reply_fini(&reply);
	return ret;
}

/* In the thread of the upstream. */
static void
agent_on_result(void *arg, json_t *result, const struct refusal *why)
{
	struct agent_http *h = arg;

	if (why != NULL)
		h->why = *why;
	else
		h->result = result;
	h->phase = PHASE_ANSWERED;
	atomic_fetch_sub(&h->gate->busy, 1);
	MHD_resume_connection(h->mhd);
}

/* ---- the call ---- */

static json_t *
agent_chain(const struct est_peer *peer)
{
	json_t *list = json_array();
	char *text;
	size_t i;

	for (i = 0; i < peer->nchain && list != NULL; i++) {
		text = enc_base64_dup(peer->chain[i].data,
		    peer->chain[i].len);
		if (text == NULL || json_array_append_new(list,
		    json_string(text)) != 0) {
			json_decref(list);
			list = NULL;
		}
		free(text);
	}
	return list;
}

static int
agent_check(struct agent_http *h, struct est_peer *peer)
{
	int wait, ret;

	if (h->conn->tls == NULL)
		return refuse(&h->why, CAMCA_EPERM, 403, "agent.tls",
		    "Agents come over TLS, with their certificate.");
	if ((ret = tlsinfo_peer(peer, h->conn->tls, &h->why)) < 0)
		return ret;
	if (peer->nchain == 0)
		return refuse(&h->why, CAMCA_EAUTH, 403,
		    "agent.no-certificate",
		    "A site agent shows its client certificate.");
	wait = throttle_wait_s(h->gate->agents, &h->conn->key, mono_ms());
	if (wait == 0)
		return CAMCA_OK;
	refuse(&h->why, CAMCA_EBUSY, 429, "agent.throttled",
	    "Too many refused requests from this address; try again later.");
	h->why.retry_after_s = wait;
	return CAMCA_EBUSY;
}

static int
agent_args(struct agent_http *h, json_t **out)
{
	struct est_peer peer = { .nchain = 0 };
	json_t *body;
	int ret = agent_check(h, &peer);

	if (ret < 0)
		return ret;
	/* NULL where it is not UTF-8; the JSON is the authority's to read. A
	 * NUL, which UTF-8 allows, would make the whole frame one that the
	 * authority cannot read, nor say whose it was. */
	body = h->body.len > 0 && memchr(h->body.data, '\0', h->body.len) !=
	    NULL ? NULL : json_stringn((const char *)h->body.data,
	    h->body.len);
	if (body == NULL)
		return refuse(&h->why, CAMCA_EINVAL, 400,
		    "request.malformed", "The body is not text in UTF-8.");
	*out = json_pack("{s:o, s:o, s:s}", "chain", agent_chain(&peer),
	    "body", body, "remote", h->conn->remote);
	return *out != NULL ? CAMCA_OK : refuse_default(&h->why,
	    CAMCA_ENOMEM);
}

static enum MHD_Result
agent_forward(struct agent_http *h, json_t *args)
{
	int ret;

	agent_body_drop(h);
	conn_wait_us(h->conn);
	h->phase = PHASE_WAITING;
	atomic_fetch_add(&h->gate->busy, 1);
	/* First suspend: the answer may come before upstream_call() returns,
	 * and h is the other thread's from then on. */
	MHD_suspend_connection(h->mhd);
	ret = upstream_call(h->gate->up, h->op, args, agent_on_result, h,
	    &h->why);
	if (ret < 0) {
		h->ours = true;
		h->phase = PHASE_ANSWERED;
		atomic_fetch_sub(&h->gate->busy, 1);
		MHD_resume_connection(h->mhd);
	}
	return MHD_YES;
}

/* The request is whole. */
static enum MHD_Result
agent_serve(struct agent_http *h)
{
	json_t *args = NULL;

	if (h->why.http == 0 && atomic_load(&h->gate->stopping))
		refuse(&h->why, CAMCA_EBUSY, 503, "system.stopping",
		    "The server is being stopped; try again.");
	if (h->why.http == 0 && agent_args(h, &args) == CAMCA_OK)
		return agent_forward(h, args);
	h->ours = true;
	return agent_answer(h);
}

/* ---- requests ---- */

struct agent_http *
agent_http_new(struct gate *g, struct conn *conn, struct MHD_Connection *mhd,
    const char *uri)
{
	struct agent_http *h = calloc(1, sizeof *h);

	if (h == NULL)
		return NULL;
	h->gate = g;
	h->conn = conn;
	h->mhd = mhd;
	h->op = agent_uri_op(uri);
	buf_init(&h->body, JOB_BODY_MAX);
	return h;
}

void
agent_http_free(struct agent_http *h)
{
	if (h == NULL)
		return;
	agent_body_drop(h);
	json_decref(h->result);
	free(h);
}

static int
agent_head(struct agent_http *h, const char *method)
{
	if (h->op == NULL)
		return refuse(&h->why, CAMCA_ENOENT, 404,
		    "http.no-such-resource",
		    "There is nothing at this address.");
	if (strcmp(method, "POST") != 0)
		return refuse(&h->why, CAMCA_EINVAL, 405, "http.method",
		    "Only POST is possible here.");
	if (http_content_length(h->mhd) > JOB_BODY_MAX)
		return refuse(&h->why, CAMCA_ELIMIT, 413,
		    "agent.body-too-large", "The body is larger than %d "
		    "bytes.", JOB_BODY_MAX);
	if (!est_media_is(http_field(h->mhd, "Content-Type"), AGENT_JSON))
		return refuse(&h->why, CAMCA_EINVAL, 415, "agent.media-type",
		    "The body is of Content-Type: %s.", AGENT_JSON);
	return CAMCA_OK;
}

static enum MHD_Result
agent_begin(struct agent_http *h, const char *method)
{
	h->phase = PHASE_BODY;
	if (agent_head(h, method) == CAMCA_OK)
		return MHD_YES;
	h->ours = true;
	if (http_expects_continue(h->mhd) ||
	    http_content_length(h->mhd) > AGENT_DRAIN_MAX)
		return agent_answer(h);
	return MHD_YES;
}

/* A body that is refused is read to its end, so that the agent gets to read
 * why. */
static enum MHD_Result
agent_more(struct agent_http *h, const char *data, size_t *n)
{
	h->seen += *n;
	if (h->seen > AGENT_DRAIN_MAX)
		return MHD_NO;
	if (agent_body_keep(h, data, *n) < 0) {
		h->ours = true;
		agent_body_drop(h);
	}
	*n = 0;
	return MHD_YES;
}

enum MHD_Result
agent_http_access(struct agent_http *h, const char *method, const char *data,
    size_t *n)
{
	switch (h->phase) {
	case PHASE_NEW:
		return agent_begin(h, method);
	case PHASE_BODY:
		return *n > 0 ? agent_more(h, data, n) : agent_serve(h);
	case PHASE_ANSWERED:
		return agent_answer(h);
	default:
		return MHD_YES;
	}
}
