/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake-camera/rtsp.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "tests/fake-camera/auth.h"

#define RTSP_STREAM "/stream1"

static const char rtsp_sdp[] = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n"
    "s=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\n";

static const char *
rtsp_reason(int status)
{
	switch (status) {
	case 501: return "Not Implemented";
	case 505: return "RTSP Version Not Supported";
	default: return http_reason(status);
	}
}

static bool
rtsp_answer(struct http_link *l, const struct http_request *rq, int status,
    const char *extra, const char *body)
{
	const char *cseq = http_field(rq, "CSeq");
	struct buf b;
	int ret;

	buf_init(&b, 0);
	ret = buf_printf(&b, "RTSP/1.0 %d %s\r\n", status,
	    rtsp_reason(status));
	if (ret == 0 && cseq != NULL)
		ret = buf_printf(&b, "CSeq: %s\r\n", cseq);
	if (ret == 0)
		ret = buf_puts(&b, extra);
	if (ret == 0 && body[0] != '\0')
		ret = buf_printf(&b, "Content-Length: %zu\r\n", strlen(body));
	if (ret == 0)
		ret = buf_printf(&b, "\r\n%s", body);
	if (ret == 0)
		ret = http_write(l, b.data, b.len);
	buf_fini(&b);
	return ret == 0 && status != 400;
}

/* The path of "rtsp://host:port/path"; NULL where the URL is none, or tells a
 * user's name. */
static const char *
rtsp_path(const char *url)
{
	const char *path = strchr(url + 7, '/'), *at = strchr(url, '@');

	return path == NULL || path == url + 7 || at != NULL ? NULL : path;
}

static int
rtsp_login(struct camera *cam, const struct http_request *rq, char *extra,
    size_t len)
{
	bool basic = fault_on(cam, CF_BASIC_DIGEST);
	char challenge[3][400];
	struct auth a;
	size_t n = 0;
	unsigned i;
	int status = 401;

	auth_http(cam, http_field(rq, "Authorization"), rq->method,
	    rq->target, SURFACE_RTSP, basic, &a);
	auth_challenge(cam, a.result == AUTH_STALE, basic, challenge);
	if (a.result == AUTH_GOOD)
		return 200;
	if (a.result == AUTH_LOCKED && fault_hit(cam, CF_LOCK_TOLD, NULL))
		status = (int)fault_value(cam, CF_LOCK_TOLD);
	for (i = 0; i < 3 && status == 401; i++)
		if (challenge[i][0] != '\0')
			n += (size_t)snprintf(extra + n, len - n,
			    "WWW-Authenticate: %s\r\n", challenge[i]);
	return status;
}

static bool
rtsp_describe(struct camera *cam, struct http_link *l,
    const struct http_request *rq)
{
	const char *path = rtsp_path(rq->target);
	char extra[1400] = "";
	int status = 400;

	pthread_mutex_lock(&cam->lock);
	cam->requests++;
	cam->described++;
	if (path != NULL)
		status = rtsp_login(cam, rq, extra, sizeof extra);
	pthread_mutex_unlock(&cam->lock);
	if (status != 200)
		return rtsp_answer(l, rq, status, extra, "");
	if (strcmp(path, RTSP_STREAM) != 0)
		return rtsp_answer(l, rq, 404, "", "");
	return rtsp_answer(l, rq, 200, "Content-Type: application/sdp\r\n",
	    rtsp_sdp);
}

bool
rtsp_turn(struct camera *cam, struct http_link *l, int64_t latency_ms)
{
	struct http_request rq;
	int status, ret;
	bool again = false;

	http_request_init(&rq);
	ret = http_read(l, &rq, &status);
	poll(NULL, 0, (int)latency_ms);
	if (ret < 0) {
		if (status != 0)
			(void)rtsp_answer(l, &rq, status, "", "");
	} else if (strcmp(rq.method, "OPTIONS") == 0) {
		again = rtsp_answer(l, &rq, 200,
		    "Public: OPTIONS, DESCRIBE\r\n", "");
	} else if (strcmp(rq.method, "DESCRIBE") == 0) {
		again = rtsp_describe(cam, l, &rq);
	} else {
		again = rtsp_answer(l, &rq, 501, "", "");
	}
	http_request_fini(&rq);
	return again;
}
