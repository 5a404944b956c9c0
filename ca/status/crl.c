/* SPDX-License-Identifier: Apache-2.0 */
/* How a list becomes public, and what a crash leaves:
 *
 *   1  SKI.new holds the list, durable.        The number is not taken yet: a
 *                                              crash, and it is written anew.
 *   2  The store takes number and SHA-256,     From here on this number has this
 *      by compare-and-set, with the event.     content and no other.
 *   3  SKI.new becomes SKI.crl.                A crash between 2 and 3: at the
 *                                              start the hash tells that SKI.new
 *                                              is the one, and 3 is done then.
 *
 * What is served is SKI.crl, opened; so nobody ever sees a number before the
 * store has it, two contents of one number, or a list older than one that was
 * seen. Were 3 before 2, a crash between them would hand the number of a
 * published list to the next one. */
#include "ca/status/crl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ca/base/log.h"
#include "ca/status/crl_gate.h"

#define CRL_BACKDATE_MS (5 * 60 * 1000)
#define CRL_AHEAD_MAX_S 2
#define CRL_TIME_MAX_MS INT64_C(253402300799000) /* 9999-12-31T23:59:59Z */
#define CRL_CHANGES 16384        /* worked in at a time: 2 MB */
#define CRL_DROPS 10000          /* expired entries that go with one list */

struct crl {
	const struct crl_conf *conf;
	int64_t issuer;
	char name[STORE_ID_MAX];
	struct crl_paths paths;
	struct crl_file_row row;         /* newest in the store; number 0 */
	struct crl_last last;            /* highest ever seen */
	struct crl_list list;
	int64_t have;                    /* rev_seq that is in list */
	struct crl_drops drops;          /* to be taken out of the store */
	struct crl_file *old;            /* to compare the first list with */
	int64_t released;                /* holds ended since row.rev_seq */
	bool compared;
	int64_t not_before_ms;
	pthread_mutex_t lock;            /* guards the two below */
	struct crl_file *now, *before;
};

int64_t
crl_not_before_ms(const struct crl *c)
{
	return c->not_before_ms;
}

struct crl_file *
crl_published(struct crl *c, int64_t number)
{
	struct crl_file *f = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->now != NULL && (number <= 0 || c->now->row.number == number))
		f = crl_file_ref(c->now);
	else if (c->before != NULL && c->before->row.number == number)
		f = crl_file_ref(c->before);
	pthread_mutex_unlock(&c->lock);
	return f;
}

/* Takes f over. */
static void
crl_show(struct crl *c, struct crl_file *f)
{
	struct crl_file *gone;

	pthread_mutex_lock(&c->lock);
	gone = c->before;
	c->before = c->now;
	c->now = f;
	pthread_mutex_unlock(&c->lock);
	crl_file_free(gone);
}

/* ---- what is there at the start ---- */

static int
crl_row_tx(struct tx *tx, void *arg)
{
	struct crl_file_row *row = arg;
	int64_t issuer = row->issuer;
	int ret = store_crl_file_get(tx, issuer, row);

	if (ret == CAMCA_ENOENT) {
		memset(row, 0, sizeof *row);
		row->issuer = issuer;
		ret = CAMCA_OK;
	}
	return ret;
}

static bool
crl_row_has_file(const struct crl_file_row *row)
{
	static const uint8_t none[STORE_HASH_LEN];

	return memcmp(row->sha256, none, sizeof none) != 0;
}

static const uint8_t *
crl_map(const struct crl_file *f)
{
	void *p = f->row.size > 0 ? mmap(NULL, (size_t)f->row.size, PROT_READ,
	    MAP_PRIVATE, f->fd, 0) : MAP_FAILED;

	return p != MAP_FAILED ? p : NULL;
}

static void
crl_unmap(const struct crl_file *f, const uint8_t *p)
{
	munmap((void *)(uintptr_t)p, (size_t)f->row.size);
}

/* A file that the store does not speak of: an older one, where somebody has put
 * it back; a newer one, where the database is an older copy; or damage. The
 * next list is compared with any that ca signed, and its number is higher. */
static void
crl_examine(struct crl *c, const struct ca *ca)
{
	struct crl_file *f = NULL;
	struct refusal why = { 0 };
	const uint8_t *p;

	if (crl_file_open_any(&f, c->paths.now) < 0) {
		log_msg(LOG_WARN, c->name, "the file of CRL %lld is missing: "
		    "the next list cannot be compared with it",
		    (long long)c->row.number);
		return;
	}
	p = crl_map(f);
	if (p == NULL || crl_gate_read(p, (size_t)f->row.size, ca, &f->row,
	    &why) < 0) {
		log_msg(LOG_ERROR, c->name, "the file of CRL %lld is damaged "
		    "and not served: %s", (long long)c->row.number,
		    why.detail);
	} else {
		log_msg(LOG_WARN, c->name, "the file holds CRL %lld, the store "
		    "speaks of %lld", (long long)f->row.number,
		    (long long)c->row.number);
		f->row.issuer = c->issuer;
		c->old = crl_file_ref(f);
		if (f->row.number > c->row.number)
			crl_show(c, crl_file_ref(f));
	}
	if (p != NULL)
		crl_unmap(f, p);
	crl_file_free(f);
}

static void
crl_last(struct crl *c, const struct crl_file_row *row)
{
	if (row->number > c->last.number)
		c->last.number = row->number;
	if (row->this_update_ms > c->last.this_update_ms)
		c->last.this_update_ms = row->this_update_ms;
}

/* Brings file and store together. */
static int
crl_find(struct crl *c, const struct ca *ca)
{
	struct crl_file *f = NULL;
	int ret;

	c->row.issuer = c->issuer;
	ret = store_tx(c->conf->store, DB_READ, crl_row_tx, &c->row);
	if (ret < 0)
		return ret;
	crl_last(c, &c->row);
	if (!crl_row_has_file(&c->row))
		return CAMCA_OK;         /* none yet, or before files */
	ret = crl_file_open(&f, c->paths.now, &c->row);
	if (ret < 0 && crl_file_open(&f, c->paths.next, &c->row) == CAMCA_OK) {
		log_msg(LOG_NOTE, c->name, "CRL %lld is published after a "
		    "crash", (long long)c->row.number);
		ret = crl_file_show(&c->paths);
		if (ret < 0)
			crl_file_free(f);
	}
	if (ret < 0 && ret != CAMCA_ENOENT && ret != CAMCA_ECONFLICT)
		return ret;
	if (ret == CAMCA_OK) {
		c->old = crl_file_ref(f);
		crl_show(c, f);
	} else {
		crl_examine(c, ca);
	}
	if (c->old != NULL)
		crl_last(c, &c->old->row);
	return CAMCA_OK;
}

int
crl_open(struct crl **out, const struct crl_conf *conf, const struct ca *ca)
{
	struct crl *c = calloc(1, sizeof *c);
	int ret;

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->conf = conf;
	c->issuer = ca->row.id;
	memcpy(c->name, ca->row.name, sizeof c->name);
	crl_list_init(&c->list);
	pthread_mutex_init(&c->lock, NULL);
	ret = crl_paths(&c->paths, conf->dir, ca->row.ski);
	if (ret == CAMCA_OK)
		ret = crl_find(c, ca);
	if (ret < 0) {
		crl_close(c);
		return ret;
	}
	*out = c;
	return CAMCA_OK;
}

void
crl_close(struct crl *c)
{
	if (c == NULL)
		return;
	crl_list_fini(&c->list);
	free(c->drops.serials);
	crl_file_free(c->old);
	crl_file_free(c->now);
	crl_file_free(c->before);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- entries ---- */

/* One snapshot of the store. */
struct crl_read {
	struct crl *c;
	struct crl_change *changes;
	size_t n;
	int64_t rev_seq;
	int64_t released;
};

static int
read_flush(struct crl_read *r)
{
	int ret = crl_list_merge(&r->c->list, r->changes, r->n, 0, NULL);

	if (ret == CAMCA_OK)
		r->n = 0;
	return ret;
}

static int
read_entry(const struct crl_entry_row *e, void *arg)
{
	struct crl_read *r = arg;

	if (r->n == CRL_CHANGES && read_flush(r) < 0)
		return CAMCA_ENOMEM;
	return crl_change_put(&r->changes[r->n++], e->rev_seq,
	    e->not_after_ms, e->der.p, e->der.n);
}

static int
read_released(const struct cert_row *e, void *arg)
{
	struct crl_read *r = arg;

	if (r->n == CRL_CHANGES && read_flush(r) < 0)
		return CAMCA_ENOMEM;
	if (e->rev_seq > r->c->row.rev_seq)
		r->released++;
	crl_change_gone(&r->changes[r->n++], e->rev_seq, e->serial);
	return CAMCA_OK;
}

/* May run again: the same changes again change nothing. */
static int
read_tx(struct tx *tx, void *arg)
{
	struct crl_read *r = arg;
	struct crl *c = r->c;
	int ret;

	r->n = 0;
	r->released = 0;
	ret = store_issuer_rev_seq(tx, c->issuer, &r->rev_seq);
	if (ret == CAMCA_OK)
		ret = store_crl_entry_list(tx, c->issuer, c->have, INT64_MAX,
		    read_entry, r);
	if (ret == CAMCA_OK)
		ret = store_cert_released_list(tx, c->issuer, c->have,
		    read_released, r);
	return ret;
}

static int
crl_drops_room(struct crl *c)
{
	if (c->drops.serials != NULL)
		return CAMCA_OK;
	c->drops.serials = calloc(CRL_DROPS, sizeof *c->drops.serials);
	c->drops.max = CRL_DROPS;
	return c->drops.serials != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* All changes up to now into the list, and entries out that RFC 5280 3.3 lets
 * go: they were on a list of after the certificate's end. thisUpdate is dated
 * back, which only keeps an entry longer. A list from the future (the clock was
 * wrong, and set right) lets nothing go that has not ended by now. */
static int
crl_read(struct crl *c, int64_t now_ms)
{
	struct crl_read r = { .c = c };
	int64_t done_s = (c->last.this_update_ms < now_ms ?
	    c->last.this_update_ms : now_ms) / 1000;
	bool any;
	int ret;

	r.changes = calloc(CRL_CHANGES, sizeof *r.changes);
	if (r.changes == NULL)
		return CAMCA_ENOMEM;
	ret = store_tx(c->conf->store, DB_READ, read_tx, &r);
	any = c->compared && crl_list_any_done(&c->list, done_s);
	if (ret == CAMCA_OK && any)
		ret = crl_drops_room(c);
	if (ret == CAMCA_OK)
		ret = crl_list_merge(&c->list, r.changes, r.n, done_s,
		    any ? &c->drops : NULL);
	if (ret == CAMCA_OK) {
		c->have = r.rev_seq;
		c->released += r.released;
	}
	free(r.changes);
	return ret;
}

/* Before the first list of this process: does the store still have everything
 * that the list before had? */
static int
crl_compare(struct crl *c, struct refusal *why)
{
	const uint8_t *p;
	int ret = CAMCA_OK;

	if (c->compared)
		return CAMCA_OK;
	if (c->old == NULL) {
		if ((int64_t)c->list.n + c->released < c->row.entries)
			return refuse(why, CAMCA_EPOLICY, 503, "crl.shrinks",
			    "The next CRL of %s is not published: it would "
			    "have %zu entries, and the one before had %lld.",
			    c->name, c->list.n, (long long)c->row.entries);
	} else {
		if ((p = crl_map(c->old)) == NULL)
			return refuse_default(why, CAMCA_EIO);
		ret = crl_gate_compare(c->conf->store, &c->list, p,
		    (size_t)c->old->row.size, why);
		crl_unmap(c->old, p);
	}
	if (ret < 0)
		return ret;
	/* From here on the list in memory is known, change by change. */
	c->compared = true;
	crl_file_free(c->old);
	c->old = NULL;
	return CAMCA_OK;
}

/* ---- the next list ---- */

/* thisUpdate and nextUpdate, in whole seconds. CAMCA_EBUSY: it would lie in the
 * future by less than a moment, so wait; by more, the clock was set back, and
 * a list from the future is better than none. */
static int
crl_times(struct crl *c, int64_t now_ms, struct crl_file_row *row)
{
	int64_t life = c->conf->life_ms, now_s = now_ms / 1000;
	int64_t back = life / 4 < CRL_BACKDATE_MS ? life / 4 : CRL_BACKDATE_MS;
	int64_t this = now_s - back / 1000;

	if (this < c->list.newest_s)
		this = c->list.newest_s;
	if (c->last.number > 0 && this <= c->last.this_update_ms / 1000)
		this = c->last.this_update_ms / 1000 + 1;
	c->not_before_ms = this * 1000;
	if (this > now_s && this <= now_s + CRL_AHEAD_MAX_S)
		return CAMCA_EBUSY;
	row->this_update_ms = this * 1000;
	row->next_update_ms = ((this > now_s ? this : now_s) + life / 1000) *
	    1000;
	return CAMCA_OK;
}

struct crl_put {
	struct crl *c;
	const struct ca *ca;
	const struct crl_file_row *row;
};

static int
crl_put_tx(struct tx *tx, void *arg)
{
	const struct crl_put *p = arg;
	const struct crl_drops *d = &p->c->drops;
	struct event e;
	size_t i;
	int ret = store_crl_file_put(tx, p->row);

	for (i = 0; ret == CAMCA_OK && i < d->n; i++)
		ret = store_crl_entry_done(tx, p->c->issuer, d->serials[i]);
	if (ret < 0)
		return ret;
	event_init(&e, p->c->conf->src, "crl.issued", NULL, "camcad");
	event_add_hex(&e, "issuer-ski", p->ca->row.ski, sizeof p->ca->row.ski);
	event_add(&e, "number", "%lld", (long long)p->row->number);
	event_add_hex(&e, "crl-sha256", p->row->sha256, sizeof p->row->sha256);
	event_add_time(&e, "this-update", p->row->this_update_ms);
	event_add_time(&e, "next-update", p->row->next_update_ms);
	event_add(&e, "entries", "%lld", (long long)p->row->entries);
	event_add(&e, "rev-seq", "%lld", (long long)p->row->rev_seq);
	return event_put(tx, &e);
}

/* Steps 1 to 3 at the head of this file. */
static int
crl_publish(struct crl *c, const struct ca *ca, const struct crl_made *m,
    struct crl_file_row *row)
{
	struct crl_put put = { c, ca, row };
	struct crl_file *f = NULL;
	int ret;

	if (EVP_Digest(m->p, m->n, row->sha256, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	if ((ret = crl_file_write(&f, &c->paths, m->p, m->n, row)) < 0)
		return ret;
	ret = store_tx(c->conf->store, DB_WRITE, crl_put_tx, &put);
	if (ret == CAMCA_OK)
		ret = crl_file_show(&c->paths);
	if (ret < 0) {
		crl_file_free(f);
		return ret;
	}
	crl_show(c, f);
	c->row = *row;
	crl_last(c, row);
	crl_list_published(&c->list);
	c->drops.n = 0;
	return CAMCA_OK;
}

/* Whether the store took the number is not known after every failure, nor who
 * else has taken one: the file that belongs to it must be public before the
 * next one is written over it. */
static int
crl_settle(struct crl *c, const struct ca *ca)
{
	struct crl_file_row row = { .issuer = c->issuer };
	int ret = store_tx(c->conf->store, DB_READ, crl_row_tx, &row);

	if (ret < 0 || row.number == c->row.number)
		return ret;
	log_msg(LOG_NOTE, c->name, "CRL %lld is in the store, %lld was known",
	    (long long)row.number, (long long)c->row.number);
	crl_file_free(c->old);
	c->old = NULL;
	c->compared = false;
	return crl_find(c, ca);
}

static int
crl_next(struct crl *c, const struct ca *ca, int64_t now_ms,
    struct refusal *why)
{
	struct crl_file_row row = { .issuer = c->issuer };
	struct crl_made m;
	int ret;

	if ((ret = crl_settle(c, ca)) < 0 || (ret = crl_read(c, now_ms)) < 0 ||
	    (ret = crl_compare(c, why)) < 0)
		return ret;
	row.number = c->last.number + 1;
	row.rev_seq = c->have;
	row.entries = (int64_t)c->list.n;
	if ((ret = crl_times(c, now_ms, &row)) < 0)
		return ret;
	ret = crl_make(&c->list, ca, &row, &m);
	if (ret == CAMCA_OK)
		ret = crl_gate(&m, &c->list, ca, &row, &c->last, why);
	row.size = ret == CAMCA_OK ? (int64_t)m.n : 0;
	return ret < 0 ? ret : crl_publish(c, ca, &m, &row);
}

int
crl_build(struct crl *c, const struct ca *ca, int64_t now_ms,
    struct refusal *why)
{
	int ret;

	if (c->conf->life_ms < CRL_LIFE_MIN_MS || now_ms < 0 ||
	    c->conf->life_ms > CRL_TIME_MAX_MS - now_ms)
		return refuse(why, CAMCA_EINVAL, 500, "crl.life",
		    "A CRL lives at least a minute and ends before the year "
		    "10000.");
	c->not_before_ms = 0;
	ret = crl_next(c, ca, now_ms, why);
	if (ret == CAMCA_EBUSY && c->not_before_ms > now_ms)
		return ret;
	return ret < 0 ? refuse_default(why, ret) : ret;
}
