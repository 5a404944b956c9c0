/* SPDX-License-Identifier: Apache-2.0 */
/* status.feed: a gate asks for what it has not got, and its request says at the
 * same time what it has. Where there is nothing new it waits here for a while
 * (a commit ends the wait); the empty answer then prolongs its lease. */
#include "ca/authority/feed.h"

#include <string.h>

#include "ca/authority/feed_int.h"
#include "ca/authority/ops.h"
#include "ca/base/log.h"
#include "ca/base/uptime.h"

/* New certificates are nobody's hurry: those of a moment come together. */
#define FEED_GATHER_MS 20
/* Pages in a row that a change overtook. */
#define FEED_LATE_MAX 1000
/* What ended so long ago may be forgotten, where the settings want no longer
 * memory: clocks of clients are wrong by hours at the most. */
#define FEED_FORGET_MS (INT64_C(24) * 3600 * 1000)
/* Names under meta "gates". */
#define FEED_NAMES_MAX (GATES_MAX * (GATE_ID_LEN + 1) + 1)

struct feed_ask {
	struct op_call *c;
	struct feed *feed;
	struct feed_conn *conn;
	struct ca_set *cas;
	const char *gate, *store;
	int64_t epoch, issuers;        /* ours; the gate's, -1: none */
	int64_t end_ms;                /* of the wait */
	int64_t gather_ms;             /* 0: no new certificate was seen yet */
	struct feed_page page;
};

struct feed_names_tx {
	struct feed *feed;
	struct buf text;
};

/* The list is taken inside the transaction: of two that store it at the same
 * time the second one has the newer list. */
static int
feed_names_tx(struct tx *tx, void *arg)
{
	struct feed_names_tx *x = arg;
	int ret;

	buf_reset(&x->text);
	ret = gates_names(x->feed->gates, &x->text);
	return ret < 0 ? ret : store_meta_set(tx, "gates",
	    buf_str(&x->text));
}

int
feed_store_gates(struct feed *f)
{
	struct feed_names_tx x = { .feed = f };
	int ret;

	buf_init(&x.text, FEED_NAMES_MAX);
	ret = store_tx(f->a->store, DB_WRITE, feed_names_tx, &x);
	buf_fini(&x.text);
	return ret;
}

/* The gate is known, in the store too, before anything is read for it. */
static int
feed_join(struct feed_ask *k)
{
	struct gates *gates = k->feed->gates;
	struct op_call *c = k->c;
	bool fresh;
	int ret;

	if (k->conn->id[0] != '\0' && strcmp(k->conn->id, k->gate) != 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "feed.gate",
		    "This connection is another gate's.");
	ret = gates_join(gates, k->gate, k->conn->fd, &fresh);
	if (ret == CAMCA_EINVAL)
		return refuse(&c->why, ret, 400, "feed.gate",
		    "'gate' must be %d hexadecimal digits.", GATE_ID_LEN);
	if (ret < 0)
		return refuse(&c->why, ret, 503, "feed.gates",
		    "There are too many gates (most: %d).", GATES_MAX);
	memcpy(k->conn->id, k->gate, sizeof k->conn->id);
	if (!fresh)
		return CAMCA_OK;
	if ((ret = feed_store_gates(k->feed)) < 0)
		return ret;
	gates_stored(gates, k->gate);
	log_msg(LOG_NOTE, k->gate, "gate takes the status feed");
	return CAMCA_OK;
}

static int
feed_lost(struct feed_ask *k)
{
	return refuse(&k->c->why, CAMCA_ECONFLICT, 409, "feed.replaced",
	    "This gate has another connection now.");
}

/* Has the answer something to say, now? Changes go at once. */
static bool
feed_ripe(struct feed_ask *k, int64_t now)
{
	const struct feed_page *p = &k->page;

	if (p->changed > 0 || p->more || p->from.rev < 0 || now >= k->end_ms ||
	    atomic_load(&k->feed->stopping))
		return true;
	if (p->records.len == 0)
		return false;
	if (k->gather_ms == 0)
		k->gather_ms = now + FEED_GATHER_MS;
	return now >= k->gather_ms;
}

/* Those that load everything take turns: together they would take the store's
 * readers from everybody else. */
static int
feed_read(struct feed_ask *k)
{
	bool turns = k->conn->behind;
	int ret;

	if (turns)
		pthread_mutex_lock(&k->feed->load);
	ret = feed_page_read(&k->page, k->c->a->store);
	if (turns)
		pthread_mutex_unlock(&k->feed->load);
	k->conn->behind = k->page.more;
	return ret;
}

/* The page, and the lease that goes with the last one. */
static int
feed_wait(struct feed_ask *k)
{
	struct store *s = k->c->a->store;
	int64_t now, until, seen;
	int ret, late = 0;

	while (late < FEED_LATE_MAX) {
		if ((ret = store_commits_wait(s, -1, 0, &seen)) < 0 ||
		    (ret = feed_read(k)) < 0)
			return ret;
		now = uptime_ms();
		if (!k->page.fits)
			return CAMCA_OK;
		if (feed_ripe(k, now)) {
			if (k->page.more || gates_grant(k->feed->gates,
			    k->gate, k->conn->fd, k->page.rev))
				return CAMCA_OK;
			if (!gates_here(k->feed->gates, k->gate, k->conn->fd))
				return feed_lost(k);
			late++;        /* older than a change: once more */
			continue;
		}
		until = k->gather_ms != 0 && k->gather_ms < k->end_ms ?
		    k->gather_ms : k->end_ms;
		if ((ret = store_commits_wait(s, seen, (int)(until - now),
		    &seen)) < 0)
			return ret;
	}
	return CAMCA_EBUSY;
}

static int
feed_answer(struct feed_ask *k)
{
	const struct feed_page *p = &k->page;
	json_t *r = json_pack("{s:s, s:I, s:I, s:b, s:I}", "store",
	    k->feed->past.list[0].store, "after_cert",
	    (json_int_t)p->to.cert, "after_rev", (json_int_t)p->to.rev, "more",
	    (int)p->more, "issuers_epoch", (json_int_t)k->epoch);

	if (r == NULL)
		return CAMCA_ENOMEM;
	json_set_base64(r, "records", p->records.data, p->records.len);
	if (p->alive_ms > 0)
		json_object_set_new(r, "forget_s",
		    json_integer(p->alive_ms / 1000));
	k->c->result = r;
	return json_object_get(r, "records") != NULL ? CAMCA_OK :
	    CAMCA_ENOMEM;
}

/* Its state is of another store, or of one that has gone back. */
static int
feed_answer_resync(struct feed_ask *k)
{
	log_msg(LOG_NOTE, k->gate, "gate begins anew: the store is another "
	    "one than it knew");
	if (!gates_confirm(k->feed->gates, k->gate, k->conn->fd, -1))
		return feed_lost(k);
	k->c->result = json_pack("{s:s, s:b}", "store",
	    k->feed->past.list[0].store, "resync", 1);
	return k->c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* Before everything else: records name the issuers by their number. */
static int
feed_answer_issuers(struct feed_ask *k)
{
	json_t *list = feed_issuers_json(k->cas);

	k->page.to = k->page.from;
	k->page.more = true;
	if (list == NULL || feed_answer(k) < 0 ||
	    json_object_set(k->c->result, "issuers", list) != 0) {
		json_decref(list);
		return CAMCA_ENOMEM;
	}
	json_decref(list);
	return CAMCA_OK;
}

static int
feed_answer_leaving(struct feed_ask *k)
{
	log_msg(LOG_NOTE, k->gate, "gate leaves the status feed");
	gates_release(k->feed->gates, k->gate, k->conn->fd);
	k->c->result = json_object();
	return k->c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
feed_run(struct feed_ask *k)
{
	struct feed_position *from = &k->page.from;
	bool begins = k->store[0] == '\0' && from->rev < 0 && from->cert == 0;
	int ret;

	if ((ret = feed_join(k)) < 0)
		return ret;
	if (arg_bool(k->c, "leaving", false))
		return feed_answer_leaving(k);
	if (!begins && !feed_past_fits(&k->feed->past, k->store, from))
		return feed_answer_resync(k);
	if (!gates_confirm(k->feed->gates, k->gate, k->conn->fd, from->rev))
		return feed_lost(k);
	if (k->issuers != k->epoch)
		return feed_answer_issuers(k);
	if ((ret = feed_wait(k)) < 0)
		return ret;
	return k->page.fits ? feed_answer(k) : feed_answer_resync(k);
}

int
op_status_feed(struct op_call *c)
{
	struct feed_ask k = { .c = c, .feed = c->a->feed,
	    .conn = c->session->feed, .gate = arg_text(c, "gate"),
	    .store = arg_text(c, "store"),
	    .issuers = arg_int(c, "issuers", -1) };
	int ret;

	if (k.feed == NULL || k.conn == NULL)
		return refuse(&c->why, CAMCA_EPERM, 403, "auth.not-permitted",
		    "The status feed has a socket of its own.");
	k.page.from.cert = arg_int(c, "after_cert", 0);
	k.page.from.rev = arg_int(c, "after_rev", -1);
	k.end_ms = uptime_ms() + arg_int(c, "wait_ms", 0);
	/* While the clock cannot be trusted nothing is forgotten. */
	if (authority_now(c->a, &k.page.alive_ms, NULL) < 0)
		k.page.alive_ms = 0;
	else
		k.page.alive_ms -= c->a->conf.ocsp_retention_s * 1000 +
		    FEED_FORGET_MS;
	buf_init(&k.page.records, 0);
	k.cas = authority_cas(c->a);
	k.epoch = feed_issuers_epoch(k.cas);
	ret = feed_run(&k);
	authority_cas_put(c->a, k.cas);
	buf_fini(&k.page.records);
	k.conn->served = ret == CAMCA_OK;
	return ret;
}

void
feed_barrier(struct authority *a, int64_t rev_seq, struct feed_result *out)
{
	struct feed_result own;

	if (out == NULL)
		out = &own;
	memset(out, 0, sizeof *out);
	if (a->feed == NULL)
		return;
	gates_barrier(a->feed->gates, rev_seq, out);
	if (out->cut > 0)
		log_msg(LOG_WARN, "status.feed", "change %lld: %d gates have "
		    "it, %d were cut off", (long long)rev_seq, out->confirmed,
		    out->cut);
}

void
feed_result_json(json_t *answer, const struct feed_result *r)
{
	json_object_set_new(answer, "gates", json_pack("{s:i, s:i}",
	    "confirmed", r->confirmed, "cut", r->cut));
}
