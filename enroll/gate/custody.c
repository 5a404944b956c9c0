/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/custody.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/mono.h"
#include "enroll/est/reply.h"
#include "enroll/gate/http.h"
#include "enroll/gate/tlsinfo.h"

#define CUSTODY_URI_MAX 512
#define CUSTODY_DRAIN_MAX (64u * 1024)
#define CUSTODY_LEVEL_MAX 7          /* 256^7 = 2^56 entries */
#define CUSTODY_N_MAX ((int64_t)1 << 48)
#define CUSTODY_DIGEST_LEN 32

enum custody_phase { PHASE_NEW, PHASE_BODY, PHASE_WAITING, PHASE_ANSWERED };

struct custody_http {
	struct gate *gate;
	struct conn *conn;
	struct MHD_Connection *mhd;
	struct custody_name name;
	struct refusal why;          /* http 0: nothing refused so far */
	enum custody_phase phase;
	size_t seen;
	struct custody_waiter waiter;
	struct custody_item *item;
};

/* ---- addresses ---- */

/* RFC 9112 3.2.2: a target may come with its authority. */
static const char *
custody_uri_path(const char *uri)
{
	const char *path;
	size_t n = strncasecmp(uri, "http://", 7) == 0 ? 7 :
	    strncasecmp(uri, "https://", 8) == 0 ? 8 : 0;

	if (n == 0)
		return uri;
	path = strchr(uri + n, '/');
	return path != NULL && path > uri + n ? path : "";
}

bool
custody_uri_is(const char *uri)
{
	return strncmp(custody_uri_path(uri), "/custody/", 9) == 0;
}

int
custody_uri_parse(struct custody_name *out, const char *uri,
    struct refusal *why)
{
	const char *path = custody_uri_path(uri);
	bool ok = strnlen(uri, CUSTODY_URI_MAX + 1) <= CUSTODY_URI_MAX;

	*out = (struct custody_name){ .level = CUSTODY_CHECKPOINT };
	if (ok && strcmp(path, "/custody/checkpoint") == 0)
		return CAMCA_OK;
	if (ok && strncmp(path, "/custody/tile/", 14) == 0 &&
	    tile_parse(path + 14, &out->level, &out->n, &out->width) ==
	    CAMCA_OK && out->level <= CUSTODY_LEVEL_MAX &&
	    out->n <= CUSTODY_N_MAX)
		return CAMCA_OK;
	return refuse(why, CAMCA_ENOENT, 404, "http.no-such-resource",
	    "There is nothing at this address.");
}

/* ---- who may ---- */

static bool
custody_is_reader(const struct config *conf, const struct est_blob *cert)
{
	uint8_t digest[CUSTODY_DIGEST_LEN];
	bool found = false;
	size_t i;

	if (EVP_Digest(cert->data, cert->len, digest, NULL, EVP_sha256(),
	    NULL) != 1)
		return false;
	for (i = 0; i < conf->ncustody_readers; i++)
		found |= memcmp(conf->custody_readers[i], digest,
		    sizeof digest) == 0;
	return found;
}

/* Staff are known by their certificate alone, byte for byte, and by holding its
 * key, which the handshake has shown: nothing else of it is looked at. */
static int
custody_may_staff(struct custody_http *h)
{
	struct est_peer peer = { 0 };
	int ret;

	if (h->conn->tls == NULL)
		return refuse(&h->why, CAMCA_EPERM, 403, "custody.access",
		    "The custody log is read over TLS here, with a client "
		    "certificate.");
	ret = tlsinfo_peer(&peer, h->conn->tls, &h->why);
	if (ret < 0)
		return ret;
	if (peer.nchain > 0 && custody_is_reader(&h->gate->conf,
	    &peer.chain[0]))
		return CAMCA_OK;
	return refuse(&h->why, CAMCA_EPERM, 403, "custody.access",
	    "This client may not read the custody log.");
}

static int
custody_may(struct custody_http *h)
{
	switch (h->gate->conf.custody_access) {
	case ACCESS_PUBLIC:
		return CAMCA_OK;
	case ACCESS_STAFF:
		return custody_may_staff(h);
	case ACCESS_OFF:
		break;
	}
	return refuse(&h->why, CAMCA_EPERM, 403, "custody.access",
	    "The custody log is not served here.");
}

/* ---- answers ---- */

static void
custody_item_release(void *item)
{
	custody_item_free(item);
}

/* A tile under its name never changes. A partial one is soon of no use: what is
 * asked for next is a wider one. */
static void
custody_caching(const struct custody_http *h, struct MHD_Response *p)
{
	const char *who = h->gate->conf.custody_access == ACCESS_PUBLIC ?
	    "public" : "private";
	char text[64];

	snprintf(text, sizeof text, "%s, %s", who,
	    h->name.level == CUSTODY_CHECKPOINT ? "max-age=1" :
	    h->name.width < TILE_HASHES ? "max-age=3600, immutable" :
	    "max-age=31536000, immutable");
	MHD_add_response_header(p, "Cache-Control", text);
	MHD_add_response_header(p, "ETag", h->item->etag);
}

static enum MHD_Result
custody_answer_item(struct custody_http *h)
{
	unsigned status = est_etag_matches(http_field(h->mhd,
	    "If-None-Match"), h->item->etag) ? MHD_HTTP_NOT_MODIFIED :
	    MHD_HTTP_OK;
	struct MHD_Response *p;
	enum MHD_Result ret;

	/* Its count goes to the response, which borrows the bytes. */
	p = MHD_create_response_from_buffer_with_free_callback_cls(
	    h->item->len, h->item->p, custody_item_release, h->item);
	if (p == NULL)
		return MHD_NO;
	MHD_add_response_header(p, "Content-Type",
	    h->name.level == CUSTODY_CHECKPOINT ?
	    "text/plain; charset=utf-8" : "application/octet-stream");
	MHD_add_response_header(p, "X-Content-Type-Options", "nosniff");
	custody_caching(h, p);
	if (atomic_load(&h->gate->stopping))
		MHD_add_response_header(p, "Connection", "close");
	ret = MHD_queue_response(h->mhd, status, p);
	h->item = NULL;
	MHD_destroy_response(p);
	return ret;
}

static enum MHD_Result
custody_answer(struct custody_http *h)
{
	static const struct est_operation get = { .allow = "GET, HEAD" };
	enum MHD_Result ret = MHD_NO;
	struct est_reply reply;

	conn_wait_peer(h->conn);
	if (h->item != NULL)
		return custody_answer_item(h);
	if (strcmp(h->why.code, "custody.access") == 0)
		report_refusal(h->gate->report, "custody", "", &h->why,
		    h->conn->remote, mono_ms());
	est_reply_init(&reply);
	if (est_reply_refusal(&reply, &get, &h->why) == CAMCA_OK)
		ret = http_answer(h->mhd, &reply,
		    atomic_load(&h->gate->stopping));
	est_reply_fini(&reply);
	return ret;
}

static void
custody_on_item(void *arg, struct custody_item *item,
    const struct refusal *why)
{
	struct custody_http *h = arg;

	h->item = item;
	if (why != NULL)
		h->why = *why;
	h->phase = PHASE_ANSWERED;
	atomic_fetch_sub(&h->gate->busy, 1);
	MHD_resume_connection(h->mhd);
}

static enum MHD_Result
custody_fetch(struct custody_http *h)
{
	struct custody_cache *c = h->gate->custody;
	int64_t now = mono_ms();
	int ret;

	if (custody_cache_get(c, &h->name, now, NULL, &h->item, &h->why) ==
	    CAMCA_OK)
		return custody_answer(h);
	h->waiter.fn = custody_on_item;
	h->waiter.arg = h;
	h->phase = PHASE_WAITING;
	conn_wait_us(h->conn);
	atomic_fetch_add(&h->gate->busy, 1);
	/* First suspend: the answer may come before the call returns, and h is
	 * the other thread's from then on. */
	MHD_suspend_connection(h->mhd);
	ret = custody_cache_get(c, &h->name, now, &h->waiter, &h->item,
	    &h->why);
	if (ret != CAMCA_EPENDING) {
		h->phase = PHASE_ANSWERED;
		atomic_fetch_sub(&h->gate->busy, 1);
		MHD_resume_connection(h->mhd);
	}
	return MHD_YES;
}

/* ---- requests ---- */

struct custody_http *
custody_http_new(struct gate *g, struct conn *conn, struct MHD_Connection *mhd,
    const char *uri)
{
	struct custody_http *h = calloc(1, sizeof *h);

	if (h == NULL)
		return NULL;
	h->gate = g;
	h->conn = conn;
	h->mhd = mhd;
	/* Its refusal waits in h->why until the whole request is there. */
	if (custody_uri_parse(&h->name, uri, &h->why) < 0)
		h->name.level = CUSTODY_CHECKPOINT;
	return h;
}

void
custody_http_free(struct custody_http *h)
{
	if (h == NULL)
		return;
	custody_item_free(h->item);
	free(h);
}

static enum MHD_Result
custody_begin(struct custody_http *h, const char *method)
{
	h->phase = PHASE_BODY;
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return MHD_YES;
	if (h->why.http == 0)
		refuse(&h->why, CAMCA_EINVAL, 405, "http.method",
		    "Only GET and HEAD are possible here.");
	return custody_answer(h);
}

enum MHD_Result
custody_http_access(struct custody_http *h, const char *method, size_t *n)
{
	if (h->phase == PHASE_NEW)
		return custody_begin(h, method);
	if (h->phase == PHASE_WAITING)
		return MHD_YES;
	if (h->phase == PHASE_ANSWERED)
		return custody_answer(h);
	if (*n > 0) {
		h->seen += *n;
		*n = 0;
		return h->seen <= CUSTODY_DRAIN_MAX ? MHD_YES : MHD_NO;
	}
	/* Who may not read it does not hear what is there either. */
	if (custody_may(h) < 0 || h->why.http != 0)
		return custody_answer(h);
	return custody_fetch(h);
}
