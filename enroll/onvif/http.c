/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/http.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "enroll/onvif/tls_verify.h"
#include "enroll/onvif/trouble.h"
#include "enroll/onvif/xml.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "0"
#endif
#define HTTP_CONNECT_MS 10000L
#define HTTP_ANSWER_MS 30000L
#define HTTP_OFFERS_MAX 16384u
#define HTTP_CHUNK 4096L             /* a thousand cameras have one each */
/* A change is not sent over a connection that has been idle for longer: the
 * camera may be closing it, and then nobody knows what became of the change. */
#define HTTP_IDLE_MS 1000
#define HTTP_URL_MAX (ONVIF_HOST_MAX + ONVIF_PATH_MAX + 32)

struct onvif_http {
	const struct onvif_link *link;
	const struct cam_env *env;
	struct tls_verify verify;
	CURL *curl;
	int64_t used_ms;             /* monotonic; end of the last exchange */
	char error[CURL_ERROR_SIZE];
};

/* One exchange under way. */
struct http_run {
	struct onvif_http *h;
	const struct onvif_request *request;
	struct onvif_answer *answer;
	size_t sent;                 /* bytes of the body given to libcurl */
	bool over;                   /* the answer is too large */
	bool memory;
	struct curl_slist *fields;
};

/* ---- memory ---- */

static void
http_mem_free(void *p)
{
	if (p != NULL)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

static void *
http_mem_realloc(void *p, size_t n)
{
	size_t old = p != NULL ? malloc_usable_size(p) : 0;
	void *more;

	if (p != NULL && n <= old && n > old / 2)
		return p;
	more = malloc(n > 0 ? n : 1);
	if (more != NULL && p != NULL) {
		memcpy(more, p, old < n ? old : n);
		http_mem_free(p);
	}
	return more;
}

static pthread_once_t http_once = PTHREAD_ONCE_INIT;
static int http_once_err;

static void
http_global(void)
{
	CURLcode rc = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc,
	    http_mem_free, http_mem_realloc, strdup, calloc);

	http_once_err = rc == CURLE_OK ? CAMCA_OK : CAMCA_ENOMEM;
}

int
onvif_http_global(void)
{
	pthread_once(&http_once, http_global);
	return http_once_err;
}

static int64_t
http_mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what libcurl calls ---- */

static size_t
http_on_body(char *p, size_t one, size_t n, void *arg)
{
	struct http_run *r = arg;
	int ret = buf_put(&r->answer->body, p, one * n);

	r->over = ret == CAMCA_ELIMIT;
	r->memory = ret == CAMCA_ENOMEM;
	return ret == CAMCA_OK ? one * n : 0;
}

/* Keeps what WWW-Authenticate says; of several responses (100 Continue) the
 * last one counts. What does not fit is left out: a challenge is missing then,
 * which is safe. */
static size_t
http_on_header(char *p, size_t one, size_t n, void *arg)
{
	static const char name[] = "WWW-Authenticate:";
	struct buf *b = &((struct http_run *)arg)->answer->offers;
	size_t len = one * n, skip = sizeof name - 1;

	if (len >= 5 && memcmp(p, "HTTP/", 5) == 0)
		buf_reset(b);
	if (len <= skip || strncasecmp(p, name, skip) != 0)
		return len;
	while (len > skip && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (memchr(p, '\0', len) == NULL && memchr(p, '\n', len) == NULL &&
	    buf_reserve(b, len - skip + 1) == CAMCA_OK &&
	    buf_put(b, p + skip, len - skip) == CAMCA_OK)
		(void)!buf_putc(b, '\n');
	return one * n;
}

static size_t
http_on_read(char *out, size_t one, size_t n, void *arg)
{
	struct http_run *r = arg;
	size_t len = one * n, left = r->request->body_len - r->sent;

	if (len > left)
		len = left;
	memcpy(out, (const char *)r->request->body + r->sent, len);
	r->sent += len;
	return len;
}

/* libcurl would send a request again by itself when a kept connection turns
 * out to be closed: a change could happen twice, and a used-up Digest answer
 * would count as a failed login. Without rewinding it cannot. */
static int
http_on_seek(void *arg, curl_off_t offset, int origin)
{
	const struct http_run *r = arg;

	(void)origin;
	return offset == 0 && r->sent == 0 ? CURL_SEEKFUNC_OK :
	    CURL_SEEKFUNC_FAIL;
}

static int
http_on_progress(void *arg, curl_off_t dl_total, curl_off_t dl_now,
    curl_off_t ul_total, curl_off_t ul_now)
{
	const struct http_run *r = arg;
	const struct cam_env *env = r->h->env;

	(void)dl_total;
	(void)dl_now;
	(void)ul_total;
	(void)ul_now;
	return env->stopping != NULL && !r->request->changes &&
	    env->stopping(env->arg) ? 1 : 0;
}

static CURLcode
http_on_tls(CURL *curl, void *ssl_ctx, void *arg)
{
	struct onvif_http *h = arg;

	(void)curl;
	return tls_verify_set(ssl_ctx, &h->verify) == 1 &&
	    tls_client_set(ssl_ctx, h->env->client) ? CURLE_OK :
	    CURLE_SSL_CONNECT_ERROR;
}

/* ---- options ---- */

#define HTTP_SET(option, value) \
	(curl_easy_setopt(h->curl, option, value) == CURLE_OK)

/* "" as proxy and "*" as its exception: else the environment decides. */
static bool
http_set_limits(struct onvif_http *h)
{
	const struct cam_env *env = h->env;

	return HTTP_SET(CURLOPT_NOSIGNAL, 1L) &&
	    HTTP_SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
	    HTTP_SET(CURLOPT_FOLLOWLOCATION, 0L) &&
	    HTTP_SET(CURLOPT_PROXY, "") && HTTP_SET(CURLOPT_NOPROXY, "*") &&
	    HTTP_SET(CURLOPT_CONNECTTIMEOUT_MS, env->connect_ms > 0 ?
	    env->connect_ms : HTTP_CONNECT_MS) &&
	    HTTP_SET(CURLOPT_TIMEOUT_MS, env->answer_ms > 0 ?
	    env->answer_ms : HTTP_ANSWER_MS) &&
	    HTTP_SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    HTTP_SET(CURLOPT_HTTP09_ALLOWED, 0L) &&
	    HTTP_SET(CURLOPT_HTTP_CONTENT_DECODING, 0L) &&
	    HTTP_SET(CURLOPT_PATH_AS_IS, 1L) &&
	    HTTP_SET(CURLOPT_MAXCONNECTS, 1L) &&
	    HTTP_SET(CURLOPT_UPLOAD_BUFFERSIZE, 16384L) &&
	    HTTP_SET(CURLOPT_BUFFERSIZE, HTTP_CHUNK) &&
	    HTTP_SET(CURLOPT_USERAGENT, "camca-agent/" CAMCA_VERSION);
}

/* Our own callback says whom to believe, name included, so no bundle of CAs
 * is read and libcurl's own look at the name is off. */
static bool
http_set_tls(struct onvif_http *h)
{
	return HTTP_SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	    HTTP_SET(CURLOPT_SSL_VERIFYPEER, 1L) &&
	    HTTP_SET(CURLOPT_SSL_VERIFYHOST, 0L) &&
	    HTTP_SET(CURLOPT_CAINFO, NULL) && HTTP_SET(CURLOPT_CAPATH, NULL) &&
	    HTTP_SET(CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
	    HTTP_SET(CURLOPT_SSL_CTX_FUNCTION, http_on_tls) &&
	    HTTP_SET(CURLOPT_SSL_CTX_DATA, h);
}

static bool
http_set_run(struct onvif_http *h, struct http_run *r)
{
	bool fresh = r->request->changes && !r->request->kept &&
	    http_mono_ms() - h->used_ms > HTTP_IDLE_MS;

	return HTTP_SET(CURLOPT_WRITEFUNCTION, http_on_body) &&
	    HTTP_SET(CURLOPT_WRITEDATA, r) &&
	    HTTP_SET(CURLOPT_HEADERFUNCTION, http_on_header) &&
	    HTTP_SET(CURLOPT_HEADERDATA, r) &&
	    HTTP_SET(CURLOPT_XFERINFOFUNCTION, http_on_progress) &&
	    HTTP_SET(CURLOPT_XFERINFODATA, r) &&
	    HTTP_SET(CURLOPT_NOPROGRESS, 0L) &&
	    HTTP_SET(CURLOPT_ERRORBUFFER, h->error) &&
	    HTTP_SET(CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
}

static bool
http_set_request(struct onvif_http *h, struct http_run *r)
{
	const struct onvif_request *q = r->request;
	const struct onvif_link *l = h->link;
	bool v6 = strchr(l->host, ':') != NULL;
	char url[HTTP_URL_MAX];

	snprintf(url, sizeof url, "%s://%s%s%s:%u%s", l->scheme == CAM_HTTPS ?
	    "https" : "http", v6 ? "[" : "", l->host, v6 ? "]" : "",
	    (unsigned)l->port, q->path);
	if (!HTTP_SET(CURLOPT_URL, url) ||
	    !HTTP_SET(CURLOPT_HTTPHEADER, r->fields))
		return false;
	if (q->body == NULL)
		return HTTP_SET(CURLOPT_HTTPGET, 1L);
	return HTTP_SET(CURLOPT_POST, 1L) &&
	    HTTP_SET(CURLOPT_POSTFIELDS, NULL) &&
	    HTTP_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len) &&
	    HTTP_SET(CURLOPT_READFUNCTION, http_on_read) &&
	    HTTP_SET(CURLOPT_READDATA, r) &&
	    HTTP_SET(CURLOPT_SEEKFUNCTION, http_on_seek) &&
	    HTTP_SET(CURLOPT_SEEKDATA, r);
}

/* ---- header fields ---- */

static int
http_field(struct curl_slist **list, const char *name, const char *value)
{
	struct curl_slist *more;
	struct buf b;
	int ret;

	buf_init(&b, 16384);
	ret = buf_reserve(&b, strlen(name) + strlen(value));
	if (ret == CAMCA_OK)
		ret = buf_printf(&b, "%s%s", name, value);
	if (ret == CAMCA_OK && strpbrk(buf_str(&b), "\r\n") != NULL)
		ret = CAMCA_EINVAL;
	more = ret == CAMCA_OK ? curl_slist_append(*list, buf_str(&b)) : NULL;
	buf_cleanse(&b);
	if (more == NULL)
		return ret < 0 ? ret : CAMCA_ENOMEM;
	*list = more;
	return CAMCA_OK;
}

static int
http_fields(struct curl_slist **list, const struct onvif_request *q)
{
	struct buf type;
	int ret;

	buf_init(&type, 1024);
	ret = buf_puts(&type, "application/soap+xml; charset=utf-8");
	if (ret == CAMCA_OK && q->action != NULL)
		ret = buf_printf(&type, "; action=\"%s\"", q->action);
	if (ret == CAMCA_OK && q->body != NULL)
		ret = http_field(list, "Content-Type: ", buf_str(&type));
	if (ret == CAMCA_OK)
		ret = http_field(list, "Expect:", "");
	if (ret == CAMCA_OK && q->authorization != NULL)
		ret = http_field(list, "Authorization: ", q->authorization);
	buf_fini(&type);
	return ret;
}

/* ---- outcome ---- */

struct http_verdict {
	CURLcode rc;
	int err;
	enum cam_trouble code;
};

static const struct http_verdict http_verdicts[] = {
	{ CURLE_OPERATION_TIMEDOUT, CAMCA_ETIME, CAM_TIMEOUT },
	{ CURLE_ABORTED_BY_CALLBACK, CAMCA_EBUSY, CAM_STOPPED },
	{ CURLE_OUT_OF_MEMORY, CAMCA_ENOMEM, CAM_MEMORY },
	{ CURLE_SSL_CONNECT_ERROR, CAMCA_EIO, CAM_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, CAMCA_EIO, CAM_TLS },
	{ CURLE_SSL_CIPHER, CAMCA_EIO, CAM_TLS },
	{ CURLE_SSL_ISSUER_ERROR, CAMCA_EIO, CAM_TLS },
	{ CURLE_PARTIAL_FILE, CAMCA_EPROTO, CAM_MALFORMED },
	{ CURLE_WEIRD_SERVER_REPLY, CAMCA_EPROTO, CAM_MALFORMED },
	{ CURLE_UNSUPPORTED_PROTOCOL, CAMCA_EPROTO, CAM_MALFORMED },
	{ CURLE_BAD_CONTENT_ENCODING, CAMCA_EPROTO, CAM_MALFORMED },
};

static const char *
http_words(const struct http_run *r, CURLcode rc)
{
	const struct onvif_http *h = r->h;

	if (h->verify.reason[0] != '\0')
		return h->verify.reason;
	return h->error[0] != '\0' ? h->error : curl_easy_strerror(rc);
}

static int
http_failed(struct http_run *r, CURLcode rc, struct cam_why *why)
{
	struct http_verdict v = { rc, CAMCA_EIO, CAM_UNREACHABLE };
	long sent = 0;
	size_t i;

	for (i = 0; i < sizeof http_verdicts / sizeof http_verdicts[0]; i++)
		if (http_verdicts[i].rc == rc)
			v = http_verdicts[i];
	curl_easy_getinfo(r->h->curl, CURLINFO_REQUEST_SIZE, &sent);
	if (r->memory)
		(void)cam_fail_plain(why, v.err = CAMCA_ENOMEM);
	else if (r->over)
		v.err = cam_fail(why, CAMCA_ELIMIT, CAM_MALFORMED,
		    "The camera's answer has more than %zu bytes.",
		    r->answer->body.max);
	else
		(void)cam_fail(why, v.err, v.code, "%s", http_words(r, rc));
	r->answer->dropped = rc == CURLE_SEND_FAIL_REWIND;
	if (r->request->changes && (sent > 0 || r->sent > 0))
		return CAMCA_EUNKNOWN;
	return v.err;
}

static int
http_perform(struct http_run *r, struct cam_why *why)
{
	struct onvif_http *h = r->h;
	CURLcode rc = curl_easy_perform(h->curl);
	long status = 0;

	h->used_ms = http_mono_ms();
	if (rc != CURLE_OK)
		return http_failed(r, rc, why);
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	r->answer->status = (int)status;
	if (why != NULL)
		why->http = (int)status;
	return CAMCA_OK;
}

int
onvif_http_exchange(struct onvif_http *h, const struct onvif_request *request,
    struct onvif_answer *out, struct cam_why *why)
{
	struct http_run r = { .h = h, .request = request, .answer = out };
	struct curl_slist *f;
	int ret;

	onvif_answer_init(out);
	out->body.max = request->max_answer > 0 ? request->max_answer :
	    XML_BYTES_DEFAULT;
	h->error[0] = '\0';
	h->verify.reason[0] = '\0';
	ret = http_fields(&r.fields, request);
	if (ret < 0) {
		cam_fail_plain(why, ret);
	} else if (http_set_run(h, &r) && http_set_request(h, &r)) {
		ret = http_perform(&r, why);
	} else {
		ret = CAMCA_ENOMEM;
		cam_fail_plain(why, ret);
	}
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	for (f = r.fields; f != NULL; f = f->next)
		OPENSSL_cleanse(f->data, strlen(f->data));
	curl_slist_free_all(r.fields);
	return ret;
}

void
onvif_answer_init(struct onvif_answer *a)
{
	memset(a, 0, sizeof *a);
	buf_init(&a->body, XML_BYTES_DEFAULT);
	buf_init(&a->offers, HTTP_OFFERS_MAX);
}

void
onvif_answer_fini(struct onvif_answer *a)
{
	buf_fini(&a->body);
	buf_fini(&a->offers);
}

int
onvif_http_new(struct onvif_http **out, const struct onvif_link *link,
    const struct cam_env *env)
{
	struct onvif_http *h;
	int ret = onvif_http_global();

	if (ret < 0)
		return ret;
	h = calloc(1, sizeof *h);
	if (h == NULL)
		return CAMCA_ENOMEM;
	h->link = link;
	h->env = env;
	h->verify.link = link;
	h->verify.ctx = env->ctx;
	h->curl = curl_easy_init();
	if (h->curl == NULL || !http_set_limits(h) || !http_set_tls(h)) {
		onvif_http_free(h);
		return CAMCA_ENOMEM;
	}
	*out = h;
	return CAMCA_OK;
}

void
onvif_http_free(struct onvif_http *h)
{
	if (h == NULL)
		return;
	if (h->curl != NULL)
		curl_easy_cleanup(h->curl);
	free(h);
}
