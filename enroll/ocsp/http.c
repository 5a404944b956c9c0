/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "enroll/gate/http.h"
#include "enroll/ocsp/uri.h"

/* A body that is too long is read so far, so that its sender hears why. */
#define OCSP_HTTP_DRAIN_MAX (2u << 20)

enum ocsp_http_phase { PHASE_NEW, PHASE_BODY, PHASE_WAITING, PHASE_SIGNED };

struct ocsp_http {
	struct responder *responder;
	struct conn *conn;
	struct MHD_Connection *mhd;
	bool get;
	bool below;                  /* something stands behind "/ocsp/" */
	enum ocsp_http_phase phase;
	unsigned refusal;            /* HTTP status, 0: none */
	bool entered;                /* table_enter(), and its epoch */
	unsigned epoch;
	size_t seen;
	struct prepared *answer;     /* from the HSM's thread */
	struct question question;
	size_t len;
	uint8_t request[OCSP_REQUEST_MAX];
};

struct ocsp_http *
ocsp_http_new(struct responder *r, struct conn *conn,
    struct MHD_Connection *mhd, const char *rest)
{
	/* Not all of it: clearing the request's memory would cost as much as
	 * answering. */
	struct ocsp_http *h = malloc(sizeof *h);

	if (h == NULL)
		return NULL;
	h->responder = r;
	h->conn = conn;
	h->mhd = mhd;
	h->get = false;
	h->below = rest[strspn(rest, "/")] != '\0';
	h->phase = PHASE_NEW;
	h->refusal = 0;
	h->entered = false;
	h->seen = h->len = 0;
	h->answer = NULL;
	/* Here and now: libmicrohttpd will cut the address at its '?'. A
	 * request of no bytes is malformed. */
	if (ocsp_uri_decode(rest, h->request, &h->len) < 0)
		h->len = 0;
	return h;
}

static void
ocsp_http_leave(struct ocsp_http *h)
{
	if (h->entered)
		table_leave(h->responder->table, h->epoch);
	h->entered = false;
}

static void
ocsp_http_enter(struct ocsp_http *h)
{
	ocsp_http_leave(h);
	h->epoch = table_enter(h->responder->table);
	h->entered = true;
}

void
ocsp_http_free(struct ocsp_http *h)
{
	if (h == NULL)
		return;
	ocsp_http_leave(h);
	prepared_free(h->answer);
	free(h);
}

/* RFC 9110 13.1.2. */
static unsigned
ocsp_http_status(struct ocsp_http *h, const struct prepared *p)
{
	const char *tags;

	if (p->etag[0] == '\0')
		return MHD_HTTP_OK;
	tags = http_field(h->mhd, "If-None-Match");
	return est_etag_matches(tags, p->etag) ? MHD_HTTP_NOT_MODIFIED :
	    MHD_HTTP_OK;
}

static enum MHD_Result
ocsp_http_send(struct ocsp_http *h, struct prepared *p)
{
	enum MHD_Result ret = MHD_queue_response(h->mhd,
	    ocsp_http_status(h, p), p->http);

	conn_wait_peer(h->conn);
	prepared_free(p);
	return ret;
}

static enum MHD_Result
ocsp_http_refuse(struct ocsp_http *h)
{
	static const struct est_operation both = { .allow = "GET, POST" };
	enum MHD_Result ret = MHD_NO;
	struct refusal why = { 0 };
	struct est_reply reply;

	if (h->refusal == 404)
		refuse(&why, CAMCA_ENOENT, 404, "ocsp.address",
		    "OCSP requests are posted to /ocsp.");
	else if (h->refusal == 405)
		refuse(&why, CAMCA_EINVAL, 405, "ocsp.method",
		    "OCSP is asked by GET or POST (RFC 6960 appendix A).");
	else
		refuse(&why, CAMCA_EINVAL, 415, "ocsp.media-type",
		    "The body must be application/ocsp-request.");
	est_reply_init(&reply);
	if (est_reply_refusal(&reply, &both, &why) == CAMCA_OK)
		ret = http_answer(h->mhd, &reply, false);
	est_reply_fini(&reply);
	conn_wait_peer(h->conn);
	return ret;
}

/* In the thread of the upstream. */
static void
ocsp_http_on_signed(void *arg, struct prepared *p)
{
	struct ocsp_http *h = arg;

	h->answer = p;
	h->phase = PHASE_SIGNED;
	atomic_fetch_sub(h->responder->busy, 1);
	MHD_resume_connection(h->mhd);
}

/* While the HSM signs, no answer is on its way: the table may change. */
static enum MHD_Result
ocsp_http_wait(struct ocsp_http *h)
{
	struct prepared *p = NULL;

	ocsp_http_leave(h);
	h->phase = PHASE_WAITING;
	conn_wait_us(h->conn);
	atomic_fetch_add(h->responder->busy, 1);
	MHD_suspend_connection(h->mhd);
	if (responder_answer(&h->question, ocsp_http_on_signed, h, &p) !=
	    CAMCA_EPENDING)
		ocsp_http_on_signed(h, p);
	return MHD_YES;
}

static enum MHD_Result
ocsp_http_ask(struct ocsp_http *h)
{
	struct prepared *p;

	question_init(&h->question, h->responder, h->get, h->request,
	    h->len, &h->conn->key);
	ocsp_http_enter(h);
	p = responder_ready(&h->question);
	if (p == NULL && h->responder->cfg->ocsp_hsm)
		return ocsp_http_wait(h);
	if (p == NULL && responder_answer(&h->question, NULL, NULL, &p) < 0)
		p = responder_error(h->responder, ANSWER_TRY_LATER);
	return ocsp_http_send(h, p);
}

/* Signed a moment ago, by what was known when it was asked for: what leaves has
 * to be true now. */
static enum MHD_Result
ocsp_http_signed(struct ocsp_http *h)
{
	struct prepared *p = h->answer;

	h->answer = NULL;
	ocsp_http_enter(h);
	if (!question_holds(&h->question)) {
		prepared_free(p);
		p = responder_error(h->responder, ANSWER_TRY_LATER);
	}
	return ocsp_http_send(h, p);
}

static bool
ocsp_http_type_fits(struct ocsp_http *h)
{
	const char *type = http_field(h->mhd, "Content-Type");
	static const char wanted[] = "application/ocsp-request";
	size_t n = sizeof wanted - 1;

	return type == NULL || (strncasecmp(type, wanted, n) == 0 &&
	    strchr("; \t", type[n]) != NULL);
}

static enum MHD_Result
ocsp_http_begin(struct ocsp_http *h, const char *method)
{
	h->phase = PHASE_BODY;
	h->get = strcmp(method, "GET") == 0;
	if (h->get)
		return MHD_YES;
	h->len = 0;
	if (strcmp(method, "POST") != 0)
		h->refusal = 405;
	else if (h->below)
		h->refusal = 404;
	else if (!ocsp_http_type_fits(h))
		h->refusal = 415;
	return MHD_YES;
}

static enum MHD_Result
ocsp_http_take(struct ocsp_http *h, const char *data, size_t *n)
{
	h->seen += *n;
	if (!h->get && h->seen <= OCSP_REQUEST_MAX) {
		memcpy(h->request + h->len, data, *n);
		h->len += *n;
	} else {
		h->len = 0;      /* too long, or a GET with a body */
	}
	*n = 0;
	return h->seen <= OCSP_HTTP_DRAIN_MAX ? MHD_YES : MHD_NO;
}

enum MHD_Result
ocsp_http_access(struct ocsp_http *h, const char *method, const char *data,
    size_t *n)
{
	if (h->phase == PHASE_NEW)
		return ocsp_http_begin(h, method);
	if (h->phase == PHASE_WAITING)
		return MHD_YES;
	if (h->phase == PHASE_SIGNED)
		return ocsp_http_signed(h);
	if (*n > 0)
		return ocsp_http_take(h, data, n);
	return h->refusal != 0 ? ocsp_http_refuse(h) : ocsp_http_ask(h);
}
