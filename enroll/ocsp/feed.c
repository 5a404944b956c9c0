/* SPDX-License-Identifier: Apache-2.0 */
/* Each request says what the gate has, which is the confirmation that camcad's
 * operators wait for: so nothing is asked before what came last is in the table
 * and no older answer is on its way to a client. The lease counts from the
 * moment the request was sent: the answer cannot be older than that. */
#include "enroll/ocsp/feed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/frame.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/base/rpc.h"
#include "ca/base/uptime.h"

#define FEED_WAIT_MS 1000              /* camcad answers no later than that */
#define FEED_ANSWER_MS 3000            /* or the connection is given up */
#define FEED_QUIESCE_MS 500
#define FEED_GOODBYE_MS 300
#define FEED_SWEEP_MS 60000
#define FEED_ID_LEN 32

struct ocsp_feed {
	struct ocsp_feed_conf conf;
	char path[sizeof ((struct sockaddr_un *)0)->sun_path];
	char gate[FEED_ID_LEN + 1];    /* this process */
	pthread_t thread;
	/* Of the thread alone: what the table holds. */
	char store[FEED_ID_LEN + 1];   /* "": begins */
	int64_t cert, rev;             /* all up to these; rev -1: begins */
	int64_t issuers;               /* epoch of the list, -1: none */
	bool begun;                    /* there is a new table to load into */
	bool loading;                  /* the table is not whole yet */
	bool current;                  /* the last answer brought all */
	int64_t sweep_ms;              /* next time */
	struct buf records;
	pthread_mutex_t lock;          /* guards the two below */
	pthread_cond_t stop;
	bool stopping;
	struct rpc *rpc;               /* NULL: not connected */
};

/* One answer, checked but for its records. */
struct feed_reply {
	const char *store;
	bool resync, more;
	int64_t cert, rev, epoch, forget_s;
	json_t *issuers;               /* NULL: the list has not changed */
	const char *records;
	size_t records_len;
};

void
ocsp_feed_defaults(struct ocsp_feed_conf *out, const char *path)
{
	*out = (struct ocsp_feed_conf) {
		.path = path,
		.ctx = &camca_ctx_system,
		.retry_min_ms = 50,
		.retry_max_ms = 1000,
	};
}

/* Nothing of before may reach a client after we have confirmed this. A client
 * that does not take its answer within half a second is not waited for: the
 * bytes are on their way, and nobody may hold up all revocations. */
static void
feed_settle(struct ocsp_feed *f)
{
	if (!table_quiesce(f->conf.table, FEED_QUIESCE_MS))
		log_msg(LOG_INFO, "status.feed", "a client is slow to take "
		    "an answer: not waited for");
}

/* Everything again, into a new table; "good" ends now. */
static int
feed_begin(struct ocsp_feed *f)
{
	int ret = table_load_begin(f->conf.table);

	f->store[0] = '\0';
	f->cert = 0;
	f->rev = -1;
	f->begun = ret == CAMCA_OK;
	f->loading = true;
	f->current = false;
	feed_settle(f);
	return ret;
}

static json_t *
feed_args(const struct ocsp_feed *f)
{
	json_t *args = json_pack("{s:s, s:s, s:I, s:i}", "gate", f->gate,
	    "store", f->store, "after_cert", (json_int_t)f->cert, "wait_ms",
	    f->current ? FEED_WAIT_MS : 0);

	if (args != NULL && f->rev >= 0)
		json_object_set_new(args, "after_rev", json_integer(f->rev));
	if (args != NULL && f->issuers >= 0)
		json_object_set_new(args, "issuers",
		    json_integer(f->issuers));
	return args;
}

static bool
feed_int(const json_t *o, const char *name, int64_t least, int64_t *out)
{
	const json_t *v = json_object_get(o, name);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out >= least;
}

/* What camcad never says must not move the table: its order rests on it. */
static int
feed_reply_parse(struct feed_reply *r, const struct ocsp_feed *f,
    const json_t *o)
{
	const json_t *records = json_object_get(o, "records");
	const json_t *more = json_object_get(o, "more");

	memset(r, 0, sizeof *r);
	r->store = json_string_value(json_object_get(o, "store"));
	if (r->store == NULL || strlen(r->store) != FEED_ID_LEN)
		return CAMCA_EPROTO;
	r->resync = json_is_true(json_object_get(o, "resync"));
	if (r->resync)
		return CAMCA_OK;
	r->more = json_is_true(more);
	r->issuers = json_object_get(o, "issuers");
	r->records = json_string_value(records);
	r->records_len = json_string_length(records);
	r->forget_s = json_integer_value(json_object_get(o, "forget_s"));
	if (!json_is_boolean(more) || r->records == NULL ||
	    !feed_int(o, "after_cert", f->cert, &r->cert) ||
	    !feed_int(o, "after_rev", f->rev, &r->rev) ||
	    !feed_int(o, "issuers_epoch", 0, &r->epoch) ||
	    (r->issuers == NULL && r->epoch != f->issuers) ||
	    (!r->more && r->rev < 0))
		return CAMCA_EPROTO;
	return CAMCA_OK;
}

static int
feed_apply_records(struct ocsp_feed *f, const struct feed_reply *r)
{
	struct status_wire w;
	size_t at;
	int ret;

	buf_reset(&f->records);
	ret = dec_base64(&f->records, r->records, r->records_len, 0);
	if (ret == CAMCA_EINVAL || f->records.len % STATUS_WIRE_LEN != 0)
		return CAMCA_EPROTO;
	for (at = 0; ret == CAMCA_OK && at < f->records.len;
	    at += STATUS_WIRE_LEN) {
		if (status_wire_get(&w, f->records.data + at) < 0)
			return CAMCA_EPROTO;
		ret = table_put(f->conf.table, &w);
	}
	return ret;
}

static int
feed_apply_issuers(struct ocsp_feed *f, const struct feed_reply *r)
{
	struct issuers *l = NULL;
	int ret;

	if (r->issuers == NULL)
		return CAMCA_OK;
	ret = issuers_parse(&l, r->issuers, r->epoch);
	if (ret < 0)
		return ret;
	issuers_box_set(f->conf.issuers, l);
	f->issuers = r->epoch;
	return CAMCA_OK;
}

static void
feed_whole(struct ocsp_feed *f)
{
	if (!f->loading)
		return;
	table_load_end(f->conf.table);
	f->loading = false;
	log_msg(LOG_NOTE, "status.feed", "the status of %zu certificates is "
	    "loaded", table_count(f->conf.table));
}

static void
feed_sweep(struct ocsp_feed *f, int64_t forget_s)
{
	int64_t now = uptime_ms();

	if (f->loading || forget_s <= 0 || now < f->sweep_ms)
		return;
	f->sweep_ms = now + FEED_SWEEP_MS;
	table_sweep(f->conf.table, forget_s);
}

static int
feed_apply_resync(struct ocsp_feed *f, const struct feed_reply *r)
{
	int ret;

	log_msg(LOG_NOTE, "status.feed", "the authority's store is another "
	    "one: loading it");
	ret = feed_begin(f);
	memcpy(f->store, r->store, sizeof f->store);
	return ret;
}

static int
feed_apply(struct ocsp_feed *f, const json_t *result, int64_t sent_ms)
{
	struct feed_reply r;
	int ret;

	f->current = false;
	if ((ret = feed_reply_parse(&r, f, result)) < 0)
		return ret;
	if (r.resync)
		return feed_apply_resync(f, &r);
	if ((ret = feed_apply_issuers(f, &r)) < 0 ||
	    (ret = feed_apply_records(f, &r)) < 0)
		return ret;
	memcpy(f->store, r.store, sizeof f->store);
	f->cert = r.cert;
	f->rev = r.rev;
	f->current = !r.more;
	if (f->current) {
		feed_whole(f);
		table_lease(f->conf.table, sent_ms + STATUS_LEASE_MS);
	}
	if (f->records.len > 0 && !f->loading)
		feed_settle(f);
	feed_sweep(f, r.forget_s);
	return CAMCA_OK;
}

static int
feed_exchange(struct ocsp_feed *f, struct refusal *why)
{
	json_t *args = feed_args(f), *result = NULL;
	int64_t sent_ms;
	int ret;

	if (args == NULL)
		return CAMCA_ENOMEM;
	sent_ms = uptime_ms();
	ret = rpc_call(f->rpc, "status.feed", args, FEED_ANSWER_MS, &result,
	    why);
	if (ret < 0)
		return ret;
	ret = feed_apply(f, result, sent_ms);
	json_decref(result);
	if (ret == CAMCA_EPROTO)
		refuse(why, ret, 500, "feed.answer",
		    "The authority's answer cannot be understood.");
	return ret;
}

static void
feed_set_rpc(struct ocsp_feed *f, struct rpc *rpc)
{
	pthread_mutex_lock(&f->lock);
	f->rpc = rpc;
	if (rpc != NULL && f->stopping)
		rpc_interrupt(rpc);
	pthread_mutex_unlock(&f->lock);
}

/* Talks until something fails. True where anything was heard at all. */
static bool
feed_connection(struct ocsp_feed *f)
{
	struct refusal why = { 0 };
	struct rpc *rpc = NULL;
	bool heard = false;
	int ret;

	/* Records of one store must never go into the table of another. */
	if (!f->begun && feed_begin(f) < 0)
		return false;
	if (rpc_open(&rpc, f->path) < 0)
		return false;
	feed_set_rpc(f, rpc);
	f->current = false;
	while ((ret = feed_exchange(f, &why)) == CAMCA_OK)
		heard = true;
	feed_set_rpc(f, NULL);
	rpc_close(rpc);
	/* An entry is missing in the table, or may be: nothing it says can be
	 * relied on but what it says is revoked. */
	if (ret == CAMCA_ENOMEM && feed_begin(f) < 0)
		log_msg(LOG_ERROR, "status.feed", "no memory for the table");
	refuse_default(&why, ret);
	if (heard)
		log_msg(LOG_WARN, "status.feed", "lost: %s [%s]", why.detail,
		    why.code);
	return heard;
}

/* False where it is time to end. */
static bool
feed_pause(struct ocsp_feed *f, int ms)
{
	struct timespec end = mono_after(ms);
	bool go_on;
	int ret = 0;

	pthread_mutex_lock(&f->lock);
	while (!f->stopping && ret == 0)
		ret = pthread_cond_timedwait(&f->stop, &f->lock, &end);
	go_on = !f->stopping;
	pthread_mutex_unlock(&f->lock);
	return go_on;
}

static void *
feed_thread(void *arg)
{
	struct ocsp_feed *f = arg;
	int wait_ms = f->conf.retry_min_ms;

	do {
		if (feed_connection(f))
			wait_ms = f->conf.retry_min_ms;
		else if (wait_ms < f->conf.retry_max_ms)
			wait_ms = wait_ms * 2 < f->conf.retry_max_ms ?
			    wait_ms * 2 : f->conf.retry_max_ms;
	} while (feed_pause(f, wait_ms));
	return NULL;
}

static void
feed_free(struct ocsp_feed *f)
{
	buf_fini(&f->records);
	pthread_cond_destroy(&f->stop);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int
ocsp_feed_start(struct ocsp_feed **out, const struct ocsp_feed_conf *c)
{
	uint8_t id[FEED_ID_LEN / 2];
	struct ocsp_feed *f;
	int ret;

	if (strlen(c->path) >= sizeof f->path)
		return CAMCA_ELIMIT;
	if ((f = calloc(1, sizeof *f)) == NULL)
		return CAMCA_ENOMEM;
	f->conf = *c;
	snprintf(f->path, sizeof f->path, "%s", c->path);
	f->issuers = -1;
	buf_init(&f->records, FRAME_MAX);
	pthread_mutex_init(&f->lock, NULL);
	mono_cond_init(&f->stop);
	ret = ctx_random(c->ctx, id, sizeof id);
	enc_hex(f->gate, id, sizeof id);
	if (ret == CAMCA_OK)
		ret = feed_begin(f);
	if (ret == CAMCA_OK &&
	    pthread_create(&f->thread, NULL, feed_thread, f) != 0)
		ret = CAMCA_ENOMEM;
	if (ret < 0) {
		feed_free(f);
		return ret;
	}
	*out = f;
	return CAMCA_OK;
}

/* Best effort: without it operators wait until the lease is over. */
static void
feed_say_goodbye(const struct ocsp_feed *f)
{
	json_t *result = NULL;
	struct rpc *rpc = NULL;

	if (rpc_open(&rpc, f->path) < 0)
		return;
	if (rpc_call(rpc, "status.feed", json_pack("{s:s, s:s, s:i, s:b}",
	    "gate", f->gate, "store", "", "after_cert", 0, "leaving", 1),
	    FEED_GOODBYE_MS, &result, NULL) == CAMCA_OK)
		json_decref(result);
	rpc_close(rpc);
}

void
ocsp_feed_stop(struct ocsp_feed *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_signal(&f->stop);
	if (f->rpc != NULL)
		rpc_interrupt(f->rpc);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	table_lease(f->conf.table, 0);
	if (f->store[0] != '\0')
		feed_say_goodbye(f);
	feed_free(f);
}
