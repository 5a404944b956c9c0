/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/post.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/job_wire.h"
#include "ca/base/json_memory.h"
#include "ca/base/log.h"

#define POST_ANSWER_MAX (16u * 1024 * 1024)   /* 64 jobs with a CRL each */
#define POST_URL_MAX 320

struct line {
	CURL *curl;
	bool busy;
	unsigned generation;           /* of the pair it shows */
};

struct post {
	const struct agent_settings *settings;
	struct keeper *keeper;
	struct curl_slist *connect_to; /* or NULL */
	struct curl_slist *fields;
	pthread_mutex_t lock;          /* guards the lines */
	pthread_cond_t free;
	struct line lines[POST_CONNECTIONS];
};

/* ---- connections ---- */

static struct line *
post_line(struct post *p)
{
	struct line *l = NULL;
	size_t i;

	pthread_mutex_lock(&p->lock);
	while (l == NULL) {
		for (i = 0; i < POST_CONNECTIONS && l == NULL; i++)
			if (!p->lines[i].busy)
				l = &p->lines[i];
		if (l == NULL)
			pthread_cond_wait(&p->free, &p->lock);
	}
	l->busy = true;
	pthread_mutex_unlock(&p->lock);
	return l;
}

static void
post_line_free(struct post *p, struct line *l)
{
	pthread_mutex_lock(&p->lock);
	l->busy = false;
	pthread_cond_signal(&p->free);
	pthread_mutex_unlock(&p->lock);
}

/* A connection that showed an older certificate is of no use any more. */
static bool
line_ready(struct line *l, const struct ident *id)
{
	if (l->curl != NULL && l->generation != id->generation) {
		curl_easy_cleanup(l->curl);
		l->curl = NULL;
	}
	if (l->curl == NULL)
		l->curl = curl_easy_init();
	else
		curl_easy_reset(l->curl);      /* connections stay */
	l->generation = id->generation;
	return l->curl != NULL;
}

/* ---- one request ---- */

struct sink {
	struct buf body;
	bool over;
};

static size_t
post_on_body(char *p, size_t one, size_t n, void *arg)
{
	struct sink *s = arg;

	if (buf_put(&s->body, p, one * n) < 0) {
		s->over = true;
		return 0;
	}
	return one * n;
}

/* Nobody but the gate is spoken to, and it must be vouched for by our anchors;
 * "" and not NULL: else the environment's proxy would be used. */
static bool
post_options(const struct post *p, CURL *h, const struct ident *id)
{
	long ms = p->settings->timeout_ms;

	return curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, ms) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CAINFO, id->trust_path) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSLCERT, id->cert_path) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSLKEY, id->key_path) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CONNECT_TO, p->connect_to) ==
	    CURLE_OK;
}

static bool
post_request(const struct post *p, CURL *h, const char *url, const char *text,
    struct sink *sink)
{
	return curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, p->fields) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_USERAGENT,
	    "camca-agent/" CAMCA_VERSION) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)strlen(text)) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDS, text) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, post_on_body) ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, sink) == CURLE_OK;
}

/* An answer other than 200: {"code", "detail"} as camcad says it. */
static int
post_refused(long status, const json_t *o, curl_off_t retry,
    struct refusal *why)
{
	const char *code = json_string_value(json_object_get(o, "code"));
	const char *detail = json_string_value(json_object_get(o, "detail"));
	bool busy = status == 408 || status == 429 || status >= 500;

	refuse(why, CAMCA_EPOLICY, status < 400 ? 502 : (int)status,
	    code != NULL ? code : "agent.refused", "%s", detail != NULL ?
	    detail : "The gate answered with another status than 200.");
	if (why != NULL && retry > 0 && retry < 86400)
		why->retry_after_s = (int)retry;
	return busy ? CAMCA_EBUSY : status < 400 ? CAMCA_EPROTO :
	    CAMCA_EPOLICY;
}

static int
post_answer(CURL *h, const struct sink *sink, json_t **out,
    struct refusal *why)
{
	json_t *o = NULL;
	curl_off_t retry = 0;
	long status = 0;
	int ret = json_memory_parse(sink->body.data, sink->body.len, &o);

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h, CURLINFO_RETRY_AFTER, &retry);
	if (ret == CAMCA_ENOMEM)
		return ret;
	if (status == 200 && json_is_object(o)) {
		*out = o;
		return CAMCA_OK;
	}
	if (status == 200)
		ret = refuse(why, CAMCA_EPROTO, 502, "agent.answer",
		    "The gate's answer is no JSON object.");
	else
		ret = post_refused(status, o, retry, why);
	json_decref(o);
	return ret;
}

static int
post_perform(struct post *p, struct line *l, const struct ident *id,
    const char *url, const char *text, json_t **out, struct refusal *why)
{
	char error[CURL_ERROR_SIZE] = "";
	struct sink sink = { .over = false };
	CURLcode rc;
	int ret;

	buf_init(&sink.body, POST_ANSWER_MAX);
	if (!line_ready(l, id) || !post_options(p, l->curl, id) ||
	    !post_request(p, l->curl, url, text, &sink) ||
	    curl_easy_setopt(l->curl, CURLOPT_ERRORBUFFER, error) != CURLE_OK)
		return CAMCA_ENOMEM;
	rc = curl_easy_perform(l->curl);
	if (rc == CURLE_OK)
		ret = post_answer(l->curl, &sink, out, why);
	else
		ret = refuse(why, sink.over ? CAMCA_ELIMIT : CAMCA_EIO, 503,
		    "agent.gate", "The gate cannot be asked: %.200s.",
		    error[0] != '\0' ? error : curl_easy_strerror(rc));
	curl_easy_setopt(l->curl, CURLOPT_ERRORBUFFER, NULL);
	buf_cleanse(&sink.body);
	return ret;
}

int
post_json(struct post *p, const char *what, json_t *body, json_t **answer_out,
    struct ident **id_out, struct refusal *why)
{
	char url[POST_URL_MAX], *text;
	struct ident *id;
	struct line *l;
	int ret = CAMCA_ELIMIT;

	text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (text == NULL)
		return CAMCA_ENOMEM;
	id = keeper_ident(p->keeper);
	if ((size_t)snprintf(url, sizeof url, "%s/agent/v1/%s",
	    p->settings->value[AGENT_URL], what) < sizeof url &&
	    strlen(text) <= JOB_BODY_MAX) {
		l = post_line(p);
		ret = post_perform(p, l, id, url, text, answer_out, why);
		post_line_free(p, l);
	}
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	if (ret == CAMCA_OK && id_out != NULL)
		*id_out = id;
	else
		ident_free(id);
	return ret;
}

/* ---- start and end ---- */

static struct curl_slist *
post_fields(void)
{
	struct curl_slist *list = curl_slist_append(NULL,
	    "Content-Type: application/json"), *more;

	/* A request of two parts would take two turns. */
	more = list != NULL ? curl_slist_append(list, "Expect:") : NULL;
	if (more == NULL)
		curl_slist_free_all(list);
	return more;
}

/* The settings' "connect-to" is a host; curl wants HOST:PORT:HOST:PORT. */
static struct curl_slist *
post_connect_to(const char *host)
{
	char entry[300];

	snprintf(entry, sizeof entry, strchr(host, ':') != NULL ? "::[%s]:" :
	    "::%s:", host);
	return curl_slist_append(NULL, entry);
}

int
post_new(struct post **out, const struct agent_settings *s, struct keeper *k)
{
	struct post *p = calloc(1, sizeof *p);
	const char *host = s->value[AGENT_CONNECT_TO];

	if (p == NULL)
		return CAMCA_ENOMEM;
	p->settings = s;
	p->keeper = k;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->free, NULL);
	p->fields = post_fields();
	p->connect_to = host != NULL ? post_connect_to(host) : NULL;
	if (p->fields == NULL || (host != NULL && p->connect_to == NULL)) {
		post_free(p);
		return CAMCA_ENOMEM;
	}
	*out = p;
	return CAMCA_OK;
}

void
post_free(struct post *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < POST_CONNECTIONS; i++)
		curl_easy_cleanup(p->lines[i].curl);
	curl_slist_free_all(p->fields);
	curl_slist_free_all(p->connect_to);
	pthread_cond_destroy(&p->free);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
