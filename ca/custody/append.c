/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/append.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/custody/chains.h"

_Static_assert(STORE_LOG_TEXT_MAX == EVENT_BODY_MAX &&
    STORE_LOG_BODY_MAX == EVENT_OUTBOX_MAX, "an entry is an event");

/* A device with events in this batch: read once, written once. */
struct append_chain {
	const char *device;            /* of its first row */
	int64_t seq;                   /* dev-seq given last */
	int64_t prev;                  /* entry it was given to; -1: none */
	struct hash leaf;              /* of prev */
	bool loaded;
	bool known;                    /* was in the log before this batch */
	bool fits;                     /* prev is what is said of it */
};
struct append_row {
	int64_t time_ms;
	uint8_t id[STORE_LOG_ID_LEN];
	char device[STORE_ID_MAX];
	size_t at, n;                  /* body in bodies */
	struct append_chain *chain;
	bool odd;                      /* in place of one nobody understood */
};
struct append {
	const struct event_source *src;
	size_t max;
	struct grow grow;
	struct append_row *rows;
	struct append_chain *chains;
	struct append_chain **table;   /* of chains, by device; 2^k places */
	size_t places;
	size_t nrows, nchains;
	int64_t size;                  /* of the log at the start */
	struct buf bodies;
};

int
append_new(struct append **out, const struct event_source *src, size_t max)
{
	struct append *a;

	if (max < 1 || max > APPEND_MAX)
		return CAMCA_EINVAL;
	if ((a = calloc(1, sizeof *a)) == NULL)
		return CAMCA_ENOMEM;
	a->src = src;
	a->max = max;
	for (a->places = 16; a->places < 2 * max; a->places *= 2)
		;
	buf_init(&a->bodies, 0);
	a->rows = calloc(max, sizeof *a->rows);
	a->chains = calloc(max, sizeof *a->chains);
	a->table = calloc(a->places, sizeof (struct append_chain *));
	if (a->rows == NULL || a->chains == NULL || a->table == NULL ||
	    tree_sha_new(&a->grow.sha) < 0) {
		append_free(a);
		return CAMCA_ENOMEM;
	}
	*out = a;
	return CAMCA_OK;
}

void
append_free(struct append *a)
{
	if (a == NULL)
		return;
	buf_fini(&a->bodies);
	tree_sha_free(a->grow.sha);
	free(a->rows);
	free(a->chains);
	free(a->table);
	free(a);
}

/* ---- bodies ---- */

/* The chain that the leaf will be in is the one that its text names. */
static bool
append_readable(const struct append_row *r, const void *body,
    struct refusal *why)
{
	struct event_view v;

	if (event_parse(&v, body, r->n, why) < 0)
		return false;
	if (r->n > EVENT_OUTBOX_MAX)
		snprintf(why->code, sizeof why->code, "event.size");
	else if (v.dev_seq != 0)
		snprintf(why->code, sizeof why->code, "event.dev-seq");
	else if (memcmp(v.id, r->id, sizeof v.id) != 0)
		snprintf(why->code, sizeof why->code, "event.id");
	else if (v.device.n != strlen(r->device) ||
	    memcmp(v.device.p, r->device, v.device.n) != 0)
		snprintf(why->code, sizeof why->code, "event.device");
	else
		return true;
	return false;
}

/* Puts an event about the body in its place: losing it, or waiting for ever for
 * a program that can read it, would both be worse. */
static int
append_replace(struct append *a, struct append_row *r,
    const struct refusal *why)
{
	char text[EVENT_BODY_MAX];
	uint8_t sha[32];
	struct event e;
	int ret;

	if (EVP_Digest(a->bodies.data + r->at, r->n, sha, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	log_msg(LOG_ERROR, "custody", "entry %" PRId64 ": the event's text is "
	    "not readable [%s]; its hash goes into the log",
	    a->size + (int64_t)(r - a->rows), why->code);
	event_init(&e, a->src, "record.unreadable", r->device, "camcad");
	memcpy(e.id, r->id, sizeof e.id);
	e.time_ms = r->time_ms;
	event_add_hex(&e, "body-sha256", sha, sizeof sha);
	event_add(&e, "bytes", "%zu", r->n);
	event_add(&e, "rule", "%s", why->code);
	r->odd = true;
	r->at = a->bodies.len;
	if ((ret = event_format(&e, text, &r->n)) < 0)
		return ret;
	memcpy(r->device, e.device, sizeof r->device);
	return buf_put(&a->bodies, text, r->n);
}

/* ---- chains ---- */

static struct append_chain *
append_chain(struct append *a, const char *device)
{
	uint32_t h = 2166136261u;      /* FNV-1a */
	const char *p;
	size_t i;

	for (p = device; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	for (i = h & (a->places - 1); a->table[i] != NULL;
	    i = (i + 1) & (a->places - 1))
		if (strcmp(a->table[i]->device, device) == 0)
			return a->table[i];
	a->table[i] = &a->chains[a->nchains++];
	*a->table[i] = (struct append_chain){ .device = device, .prev = -1 };
	return a->table[i];
}

static void
append_chain_set(struct append_chain *c, const struct log_chain_row *row)
{
	c->loaded = true;
	c->known = row->n > 0;
	if (!c->known)
		return;
	c->fits = row->fits;
	c->seq = row->n;
	c->prev = row->last;
	memcpy(c->leaf.b, row->leaf, sizeof c->leaf.b);
}

static int
append_chain_load(struct tx *tx, struct append_chain *c)
{
	struct log_chain_row row = { .n = 0 };
	int ret = store_log_chain(tx, c->device, &row);

	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	append_chain_set(c, &row);
	return CAMCA_OK;
}

/* Those that did not come with a row of the outbox; and what is said of where
 * each ends is not taken on trust. */
static int
append_chains(struct tx *tx, struct append *a, struct refusal *why)
{
	struct append_chain *c;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < a->nchains && ret == CAMCA_OK; i++) {
		c = &a->chains[i];
		if (!c->loaded)
			ret = append_chain_load(tx, c);
		if (ret == CAMCA_OK && c->known && !c->fits)
			ret = chains_row(tx, c->device, c->seq, c->prev, why);
	}
	return ret;
}

static int
append_chain_store(struct tx *tx, const struct append_chain *c)
{
	struct log_device_row row = { .n = c->seq, .last = c->prev };

	snprintf(row.device, sizeof row.device, "%s", c->device);
	return c->known ? store_log_device_update(tx, &row) :
	    store_log_device_insert(tx, &row);
}

/* ---- what waits ---- */

static int
append_gap(struct refusal *why, const char *what, int64_t seq)
{
	return refuse(why, CAMCA_EPOLICY, 500, "custody.gap", "The custody log "
	    "stands still: event %" PRId64 " %s. Somebody changed the "
	    "database behind our back: put the table event back as it was.", seq,
	    what);
}

/* The numbers that wait are size + 1 .. given, each once: they are given in the
 * transaction that stores the event, so nothing that happens here by itself can
 * make a hole. */
static int
append_check(struct tx *tx, struct append *a, int64_t *waiting_out,
    struct refusal *why)
{
	struct outbox_state st;
	int ret;

	if ((ret = store_log_size(tx, &a->size)) < 0 ||
	    (ret = store_outbox_state(tx, &st)) < 0)
		return ret;
	*waiting_out = st.given - a->size;
	if (*waiting_out < 0)
		return append_gap(why, "is the newest, but the log has more "
		    "entries", st.given);
	if (st.last > st.given)
		return append_gap(why, "waits, but its number was not given",
		    st.last);
	if (*waiting_out > 0 && st.first != a->size + 1)
		return append_gap(why, "is missing", a->size + 1);
	if (*waiting_out > 0 && st.last != st.given)
		return append_gap(why, "is missing", st.given);
	return CAMCA_OK;
}

struct append_list {
	struct append *a;
	struct refusal *why;
};

static int
append_take(const struct event_row *e, const struct log_chain_row *c,
    void *arg)
{
	struct append_list *l = arg;
	struct append *a = l->a;
	struct append_row *r = &a->rows[a->nrows];
	struct refusal odd = { 0 };
	int ret;

	if (e->seq != a->size + (int64_t)a->nrows + 1)
		return append_gap(l->why, "is missing",
		    a->size + (int64_t)a->nrows + 1);
	a->nrows++;
	r->time_ms = e->time_ms;
	memcpy(r->id, e->id, sizeof r->id);
	memcpy(r->device, e->device, sizeof r->device);
	r->odd = false;
	r->at = a->bodies.len;
	r->n = e->body.n;
	if ((ret = buf_put(&a->bodies, e->body.p, e->body.n)) < 0)
		return ret;
	if (!append_readable(r, e->body.p, &odd)) {
		if ((ret = append_replace(a, r, &odd)) < 0)
			return ret;
		r->chain = append_chain(a, r->device);
		return CAMCA_OK;
	}
	r->chain = append_chain(a, r->device);
	if (!r->chain->loaded)
		append_chain_set(r->chain, c);
	return CAMCA_OK;
}

/* ---- entries ---- */

static int
append_entry(struct append *a, struct append_row *r)
{
	struct append_chain *c = r->chain;
	struct log_entry_row e = { .prev = c->prev, .n = ++c->seq,
	    .data = { a->bodies.data + r->at, r->n } };
	int ret;

	memcpy(e.dev_prev, c->leaf.b, sizeof e.dev_prev);
	if ((ret = grow_add(&a->grow, &e)) < 0)
		return ret;
	c->prev = e.idx;
	memcpy(c->leaf.b, e.leaf, sizeof c->leaf.b);
	return CAMCA_OK;
}

static int
append_odd(struct tx *tx, const struct append *a, size_t i)
{
	const struct append_row *r = &a->rows[i];
	struct log_odd_row odd = { a->size + (int64_t)i,
	    { a->bodies.data + r->at, r->n } };

	return r->odd ? store_log_odd_put(tx, &odd) : CAMCA_OK;
}

static int
append_entries(struct tx *tx, struct append *a)
{
	size_t i;
	int ret = grow_begin(&a->grow, tx);

	for (i = 0; i < a->nrows && ret == CAMCA_OK; i++) {
		ret = append_entry(a, &a->rows[i]);
		if (ret == CAMCA_OK)
			ret = append_odd(tx, a, i);
	}
	for (i = 0; i < a->nchains && ret == CAMCA_OK; i++)
		ret = append_chain_store(tx, &a->chains[i]);
	return ret < 0 ? ret : grow_end(&a->grow);
}

int
log_append(struct tx *tx, struct append *a, int64_t *taken_out,
    int64_t *left_out, struct refusal *why)
{
	struct append_list l = { a, why };
	int64_t waiting = 0;
	int ret;

	*taken_out = *left_out = 0;
	a->nrows = a->nchains = 0;
	memset(a->table, 0, a->places * sizeof (struct append_chain *));
	buf_reset(&a->bodies);
	if ((ret = append_check(tx, a, &waiting, why)) < 0 || waiting == 0)
		return ret;
	ret = store_outbox_read(tx, a->size, (int64_t)a->max,
	    append_take, &l);
	if (ret == CAMCA_OK && (int64_t)a->nrows != waiting &&
	    a->nrows != a->max)
		ret = append_gap(why, "is missing",
		    a->size + (int64_t)a->nrows + 1);
	if (ret < 0 || (ret = append_chains(tx, a, why)) < 0 ||
	    (ret = append_entries(tx, a)) < 0)
		return ret;
	*taken_out = (int64_t)a->nrows;
	*left_out = waiting - *taken_out;
	return CAMCA_OK;
}
