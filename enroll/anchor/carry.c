/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/anchor/carry.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/refusal.h"

struct carry {
	const struct config *conf;
	const atomic_bool *stopping;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
};

/* ---- jobs and results as JSON ---- */

static bool
carry_text(const json_t *o, const char *name, char *out, size_t len)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL && (size_t)snprintf(out, len, "%s", s) < len;
}

static bool
carry_number(const json_t *o, const char *name, json_int_t max,
    json_int_t *out)
{
	const json_t *v = json_object_get(o, name);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out > 0 && *out <= max;
}

int
carry_job_parse(struct carry_job *out, const json_t *answer)
{
	const json_t *body = json_object_get(answer, "body");
	json_int_t max, timeout;
	char method[8];
	int ret;

	memset(out, 0, sizeof *out);
	buf_init(&out->body, CARRY_BODY_MAX);
	if (json_object_get(answer, "id") == NULL)
		return CAMCA_ENOENT;
	if (!carry_text(answer, "id", out->id, sizeof out->id) ||
	    !carry_text(answer, "url", out->url, sizeof out->url) ||
	    !carry_text(answer, "type", out->type, sizeof out->type) ||
	    !carry_text(answer, "method", method, sizeof method) ||
	    (strcmp(method, "POST") != 0 && strcmp(method, "GET") != 0) ||
	    out->id[0] == '\0' ||
	    strpbrk(out->type, "\r\n") != NULL ||
	    !carry_number(answer, "max", CARRY_BYTES_MAX, &max) ||
	    !carry_number(answer, "timeout_ms", CARRY_TIMEOUT_MAX_MS,
	    &timeout) || !json_is_string(body))
		return CAMCA_EPROTO;
	out->get = strcmp(method, "GET") == 0;
	out->max_bytes = (size_t)max;
	out->timeout_ms = (long)timeout;
	ret = dec_base64(&out->body, json_string_value(body),
	    json_string_length(body), 0);
	return ret == CAMCA_ENOMEM ? ret : ret < 0 ? CAMCA_EPROTO : CAMCA_OK;
}

void
carry_job_fini(struct carry_job *j)
{
	buf_fini(&j->body);
}

void
carry_result_fini(struct carry_result *r)
{
	buf_fini(&r->body);
}

json_t *
carry_result_json(const struct carry_job *j, const struct carry_result *r)
{
	json_t *o;
	char *b64;

	if (r->error[0] != '\0')
		return json_pack("{s:s, s:s}", "id", j->id, "error",
		    r->error);
	b64 = enc_base64_dup(r->body.data, r->body.len);
	o = b64 == NULL ? NULL : json_pack("{s:s, s:i, s:s, s:s}", "id",
	    j->id, "status", r->status, "type", r->type, "body", b64);
	free(b64);
	return o;
}

/* ---- the transfer ---- */

struct carry_sink {
	struct buf *out;
	size_t max;
	bool over;
};

static size_t
carry_on_body(char *p, size_t one, size_t n, void *arg)
{
	struct carry_sink *s = arg;

	if (n > s->max - s->out->len || buf_put(s->out, p, one * n) < 0) {
		s->over = true;
		return 0;
	}
	return one * n;
}

/* Ends the transfer where the program is to end. */
static int
carry_on_progress(void *arg, curl_off_t dl_total, curl_off_t dl_now,
    curl_off_t ul_total, curl_off_t ul_now)
{
	const struct carry *c = arg;

	(void)dl_total;
	(void)dl_now;
	(void)ul_total;
	(void)ul_now;
	return atomic_load(c->stopping) ? 1 : 0;
}

static bool
carry_limits(struct carry *c, const struct carry_job *j)
{
	CURL *h = c->curl;

	/* "" and not NULL: else the environment's proxy would be used. */
	return curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROXY, c->conf->anchor_proxy) ==
	    CURLE_OK && curl_easy_setopt(h, CURLOPT_NOPROXY, "") == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, j->timeout_ms) ==
	    CURLE_OK && curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
	    j->timeout_ms) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_MAXFILESIZE_LARGE,
	    (curl_off_t)j->max_bytes) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    (c->conf->anchor_ca_file[0] == '\0' ||
	    (curl_easy_setopt(h, CURLOPT_CAINFO,
	    c->conf->anchor_ca_file) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CAPATH, NULL) == CURLE_OK));
}

static bool
carry_method(CURL *h, const struct carry_job *j)
{
	if (j->get)
		return curl_easy_setopt(h, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)j->body.len) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDS, buf_str(&j->body)) ==
	    CURLE_OK;
}

static bool
carry_request(struct carry *c, const struct carry_job *j,
    struct curl_slist *fields, struct carry_sink *sink)
{
	CURL *h = c->curl;

	return curl_easy_setopt(h, CURLOPT_URL, j->url) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, fields) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_USERAGENT,
	    "camca-anchor/" CAMCA_VERSION) == CURLE_OK &&
	    carry_method(h, j) &&
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, carry_on_body) ==
	    CURLE_OK && curl_easy_setopt(h, CURLOPT_WRITEDATA, sink) ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, carry_on_progress) ==
	    CURLE_OK && curl_easy_setopt(h, CURLOPT_XFERINFODATA, c) ==
	    CURLE_OK && curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L) ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error) == CURLE_OK;
}

/* NULL without memory. */
static struct curl_slist *
carry_fields(const struct carry_job *j)
{
	char type[CARRY_TYPE_MAX + 20];
	struct curl_slist *list, *more;

	snprintf(type, sizeof type, "Content-Type: %s", j->type);
	list = curl_slist_append(NULL, type);
	/* A request of two parts would take two turns. */
	more = list != NULL ? curl_slist_append(list, "Expect:") : NULL;
	if (more == NULL)
		curl_slist_free_all(list);
	return more;
}

static void
carry_answer(struct carry *c, CURLcode rc, const struct carry_sink *sink,
    struct carry_result *out)
{
	const char *type = NULL;
	long status = 0;

	if (rc != CURLE_OK) {
		snprintf(out->error, sizeof out->error, "%.199s", sink->over ||
		    rc == CURLE_FILESIZE_EXCEEDED ?
		    "the answer is larger than asked for" :
		    c->error[0] != '\0' ? c->error : curl_easy_strerror(rc));
		refusal_sanitize(out->error);
		return;
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
	if (status < 100 || status > 599)
		snprintf(out->error, sizeof out->error, "no HTTP status");
	out->status = (int)status;
	snprintf(out->type, sizeof out->type, "%s", type != NULL ? type : "");
	refusal_sanitize(out->type);
}

void
carry_run(struct carry *c, const struct carry_job *j,
    struct carry_result *out)
{
	struct curl_slist *fields = carry_fields(j);
	struct carry_sink sink = { &out->body, j->max_bytes, false };

	memset(out, 0, sizeof *out);
	buf_init(&out->body, CARRY_BYTES_MAX);
	c->error[0] = '\0';
	curl_easy_reset(c->curl);      /* connections stay */
	if (fields != NULL && carry_limits(c, j) &&
	    carry_request(c, j, fields, &sink))
		carry_answer(c, curl_easy_perform(c->curl), &sink, out);
	else
		snprintf(out->error, sizeof out->error, "no request can be "
		    "made");
	curl_slist_free_all(fields);
}

int
carry_new(struct carry **out, const struct config *conf,
    const atomic_bool *stopping)
{
	struct carry *c = calloc(1, sizeof *c);

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->conf = conf;
	c->stopping = stopping;
	c->curl = curl_easy_init();
	if (c->curl == NULL) {
		free(c);
		return CAMCA_ENOMEM;
	}
	*out = c;
	return CAMCA_OK;
}

void
carry_free(struct carry *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl);
	free(c);
}
