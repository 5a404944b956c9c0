/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/rtsp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ca/base/enc.h"
#include "ca/base/mono.h"
#include "enroll/onvif/tcp.h"
#include "enroll/onvif/trouble.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "0"
#endif
#define RTSP_CONNECT_MS 10000L
#define RTSP_ANSWER_MS 30000L
#define RTSP_INTERIM_MAX 4       /* 1xx before the reply */
#define RTSP_URL_MAX (ONVIF_HOST_MAX + ONVIF_PATH_MAX + 24)

struct rtsp {
	struct camera *c;
	struct cam_why *why;
	uint16_t port;
	char url[RTSP_URL_MAX];
	int major;                   /* we speak 1.0, or 2.0 where asked to */
	struct tcp tcp;
	struct buf in;               /* read and not yet used */
	uint32_t cseq;
	bool sent_login;             /* in the request under way */
};

/* ---- the connection ---- */

static void
rtsp_shut(struct rtsp *r)
{
	tcp_close(&r->tcp);
	buf_reset(&r->in);
}

static int
rtsp_connect(struct rtsp *r)
{
	const struct cam_env *env = &r->c->env;
	int ret;

	rtsp_shut(r);
	r->tcp.end_ms = mono_ms() + (env->connect_ms > 0 ? env->connect_ms :
	    RTSP_CONNECT_MS);
	r->tcp.stopping = env->stopping;
	r->tcp.arg = env->arg;
	ret = tcp_connect(&r->tcp, r->c->link.host, r->port);
	if (ret < 0 && r->tcp.refused)
		return cam_fail(r->why, CAMCA_EPERM, CAM_UNSUPPORTED,
		    "Nobody listens at port %u for RTSP.", (unsigned)r->port);
	return ret;
}

/* A kept connection on which the camera has hung up, or talks unasked. */
static bool
rtsp_is_stale(const struct rtsp *r)
{
	char one;
	ssize_t n;

	if (r->tcp.fd < 0 || r->in.len > 0)
		return true;
	n = recv(r->tcp.fd, &one, 1, MSG_PEEK | MSG_DONTWAIT);
	return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static int
rtsp_write(struct rtsp *r, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;
	int ret;

	while (done < b->len) {
		n = send(r->tcp.fd, b->data + done, b->len - done,
		    MSG_NOSIGNAL);
		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if ((ret = tcp_wait(&r->tcp, POLLOUT)) < 0)
				return ret;
		} else {
			return cam_fail(r->why, CAMCA_EIO, CAM_UNREACHABLE,
			    "RTSP: the connection broke.");
		}
	}
	return CAMCA_OK;
}

static int
rtsp_fill(struct rtsp *r)
{
	char chunk[4096];
	ssize_t n;
	int ret;

	do {
		if ((ret = tcp_wait(&r->tcp, POLLIN)) < 0)
			return ret;
		n = recv(r->tcp.fd, chunk, sizeof chunk, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		return cam_fail(r->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "RTSP: the camera hung up without an answer.");
	ret = buf_put(&r->in, chunk, (size_t)n);
	return ret < 0 ? cam_fail_plain(r->why, ret) : CAMCA_OK;
}

/* ---- one reply ---- */

/* Bytes of a whole head, its empty line with them; 0: not yet there. */
static size_t
rtsp_head_len(const struct buf *b)
{
	const char *s = buf_str(b);
	size_t i;

	for (i = 1; i < b->len; i++)
		if (s[i] == '\n' && (s[i - 1] == '\n' || (i > 1 &&
		    s[i - 1] == '\r' && s[i - 2] == '\n')))
			return i + 1;
	return 0;
}

static int
rtsp_malformed(struct rtsp *r, int ret)
{
	if (ret == CAMCA_ENOMEM)
		return cam_fail_plain(r->why, ret);
	return cam_fail(r->why, ret, CAM_MALFORMED, "What answers at port %u "
	    "does not speak RTSP, or too much of it.", (unsigned)r->port);
}

static int
rtsp_read_one(struct rtsp *r, struct rtsp_reply *out)
{
	size_t n;
	int ret = CAMCA_OK;

	memset(out, 0, sizeof *out);
	while ((n = rtsp_head_len(&r->in)) == 0) {
		if (r->in.len >= RTSP_HEAD_MAX)
			return rtsp_malformed(r, CAMCA_ELIMIT);
		if ((ret = rtsp_fill(r)) < 0)
			return ret;
	}
	ret = n > RTSP_HEAD_MAX ? CAMCA_ELIMIT : rtsp_reply_read(out,
	    buf_str(&r->in), n);
	if (ret < 0)
		return rtsp_malformed(r, ret);
	buf_shift(&r->in, n);
	while (r->in.len < out->body_len)
		if ((ret = rtsp_fill(r)) < 0)
			return ret;
	buf_shift(&r->in, out->body_len);
	return CAMCA_OK;
}

/* The reply to our last request, past those that only ask for patience. */
static int
rtsp_read(struct rtsp *r, struct rtsp_reply *out)
{
	int i, ret;

	for (i = 0; i < RTSP_INTERIM_MAX; i++) {
		ret = rtsp_read_one(r, out);
		if (ret == CAMCA_OK && out->cseq >= 0 &&
		    out->cseq != (int64_t)r->cseq)
			ret = rtsp_malformed(r, CAMCA_EPROTO);
		if (ret < 0 || out->status >= 200)
			return ret;
		rtsp_reply_fini(out);
	}
	memset(out, 0, sizeof *out);
	return rtsp_malformed(r, CAMCA_EPROTO);
}

/* ---- one request ---- */

static int
rtsp_request(struct rtsp *r, const char *authorization, struct buf *out)
{
	int ret = buf_printf(out, "DESCRIBE %s RTSP/%d.0\r\nCSeq: %u\r\n"
	    "Accept: application/sdp\r\nUser-Agent: camca-agent/"
	    CAMCA_VERSION "\r\n", r->url, r->major, (unsigned)++r->cseq);

	if (ret == CAMCA_OK && authorization != NULL)
		ret = buf_printf(out, "Authorization: %s\r\n", authorization);
	return ret == CAMCA_OK ? buf_puts(out, "\r\n") : ret;
}

/* Over the connection that is open: some cameras take a nonce only where they
 * gave it. out is for rtsp_reply_fini in any case. */
static int
rtsp_describe(struct rtsp *r, const char *authorization,
    struct rtsp_reply *out)
{
	const struct cam_env *env = &r->c->env;
	struct buf q;
	int ret = CAMCA_OK;

	memset(out, 0, sizeof *out);
	if (rtsp_is_stale(r))
		ret = rtsp_connect(r);
	if (ret < 0)
		return ret;
	r->tcp.end_ms = mono_ms() + (env->answer_ms > 0 ? env->answer_ms :
	    RTSP_ANSWER_MS);
	buf_init(&q, 8192);
	ret = rtsp_request(r, authorization, &q);
	if (ret < 0) {
		cam_fail_plain(r->why, ret);
	} else {
		r->sent_login = authorization != NULL;
		ret = rtsp_write(r, &q);
	}
	buf_fini(&q);
	if (ret == CAMCA_OK)
		ret = rtsp_read(r, out);
	if (ret == CAMCA_OK && r->why != NULL)
		r->why->http = out->status;
	if (ret < 0 || out->close)
		rtsp_shut(r);
	return ret;
}

/* Without a login: what the camera offers, 401 expected. */
static int
rtsp_ask(struct rtsp *r, struct auth_offers *offers)
{
	struct rtsp_reply a;
	int ret = rtsp_describe(r, NULL, &a);

	/* RFC 7826 4.3: it speaks 2.0 alone. */
	if (ret == CAMCA_OK && a.status == 505) {
		rtsp_reply_fini(&a);
		rtsp_shut(r);
		r->major = 2;
		ret = rtsp_describe(r, NULL, &a);
	}
	if (ret == CAMCA_OK) {
		auth_read_offers(offers, buf_str(&a.offers));
		if (a.status != 401)
			ret = cam_fail(r->why, CAMCA_EPERM, CAM_UNSUPPORTED,
			    "RTSP asks for no login there (status %d).",
			    a.status);
		else if (!offers->digest)
			ret = cam_fail(r->why, CAMCA_EPERM, CAM_UNSUPPORTED,
			    "RTSP wants the password in clear, or in a way "
			    "that is not known here.");
	}
	rtsp_reply_fini(&a);
	return ret;
}

static int
rtsp_authorization(struct rtsp *r, const struct auth_offers *o,
    const struct onvif_login *l, struct buf *out)
{
	uint8_t random[8];
	char cnonce[2 * sizeof random + 1];
	struct digest_use use = { "DESCRIBE", r->url, l->user, l->password, 1,
	    cnonce };
	int ret = ctx_random(r->c->env.ctx, random, sizeof random);

	enc_hex(cnonce, random, sizeof random);
	if (ret == CAMCA_OK)
		ret = digest_answer(out, &o->best, &use);
	return ret < 0 ? cam_fail_plain(r->why, ret) : CAMCA_OK;
}

/* 1: the password may be right, the nonce was old. */
static int
rtsp_verdict(struct rtsp *r, const struct rtsp_reply *a,
    struct auth_offers *offers)
{
	if (a->status >= 200 && a->status < 300)
		return CAMCA_OK;
	if (a->status == 401) {
		auth_read_offers(offers, buf_str(&a->offers));
		if (offers->digest && offers->best.stale)
			return 1;
	}
	if (a->status == 401 || a->status == 403) {
		r->c->failed++;
		return cam_fail(r->why, CAMCA_EAUTH, CAM_AUTH,
		    "RTSP refuses the login (status %d).", a->status);
	}
	if (a->status == 423 || a->status == 429) {
		r->c->failed++;
		return cam_fail(r->why, CAMCA_EAUTH, CAM_LOCKED, "The camera "
		    "has locked the account (RTSP %d).", a->status);
	}
	return cam_fail(r->why, CAMCA_EPERM, CAM_REFUSED,
	    "RTSP answers with %d to %s.", a->status, r->url);
}

static int
rtsp_try(struct rtsp *r, struct auth_offers *offers,
    const struct onvif_login *l)
{
	struct rtsp_reply a;
	struct buf authorization;
	int ret = onvif_budget(r->c, r->why);

	if (ret < 0)
		return ret;
	buf_init(&authorization, 4096);
	r->sent_login = false;
	ret = rtsp_authorization(r, offers, l, &authorization);
	if (ret == CAMCA_OK) {
		ret = rtsp_describe(r, buf_str(&authorization), &a);
		if (ret == CAMCA_OK)
			ret = rtsp_verdict(r, &a, offers);
		else if (r->sent_login)
			r->c->failed++;
		rtsp_reply_fini(&a);
	}
	buf_fini(&authorization);
	return ret;
}

int
onvif_rtsp_login(struct camera *c, uint16_t port, const char *path,
    const struct onvif_login *l, struct cam_why *why)
{
	bool v6 = strchr(c->link.host, ':') != NULL;
	struct rtsp r = { .c = c, .why = why, .port = port, .major = 1,
	    .tcp = { .fd = -1, .what = "RTSP answer", .why = why } };
	struct auth_offers offers;
	int ret;

	if (port == 0 || path == NULL || !onvif_path_ok(path))
		return cam_fail_plain(why, CAMCA_EINVAL);
	snprintf(r.url, sizeof r.url, "rtsp://%s%s%s:%u%s", v6 ? "[" : "",
	    c->link.host, v6 ? "]" : "", (unsigned)port, path);
	buf_init(&r.in, RTSP_HEAD_MAX + RTSP_BODY_MAX + 8192);
	ret = rtsp_ask(&r, &offers);
	if (ret == CAMCA_OK)
		ret = rtsp_try(&r, &offers, l);
	if (ret == 1)
		ret = rtsp_try(&r, &offers, l);
	/* "stale" twice: nothing is known, and the camera may have counted. */
	if (ret == 1) {
		c->failed++;
		ret = cam_fail(why, CAMCA_EPROTO, CAM_MALFORMED,
		    "RTSP calls a nonce old that it gave at once.");
	}
	tcp_close(&r.tcp);
	buf_fini(&r.in);
	return ret;
}
