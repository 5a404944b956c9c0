/* SPDX-License-Identifier: Apache-2.0 */
/* The custody log as others see it: how far it is, tiles and entries (C2SP
 * tlog-tiles) up to what has been signed. */
#include "ca/authority/custody.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ca/authority/ops.h"
#include "ca/custody/reader.h"
#include "ca/store/store_log_sign.h"

#define CUSTODY_BATCH 256
/* In base64, with the rest of the answer, it fits a frame of 1 MiB. */
#define CUSTODY_PAGE ((size_t)700 * 1000)

int
authority_sequence(struct authority *a, struct refusal *why)
{
	struct sequencer_conf conf = {
		.store = a->store, .src = &a->events,
		.interval_ms = (int)a->conf.custody_interval_ms,
		.batch_max = CUSTODY_BATCH,
	};

	return refuse_default(why, sequencer_start(&a->sequencer, &conf));
}

int
custody_behind(struct op_call *c)
{
	int64_t max = c->a->conf.outbox_max, n;

	if (max == 0 || c->a->sequencer == NULL)
		return CAMCA_OK;
	n = sequencer_waiting(c->a->sequencer);
	if (n <= max)
		return CAMCA_OK;
	return refuse(&c->why, CAMCA_EBUSY, 503, "custody.behind", "%" PRId64
	    " events wait for the custody log, %" PRId64 " may: try again "
	    "later.", n, max);
}

static int
custody_state_tx(struct tx *tx, void *arg)
{
	struct sequencer_state *s = arg;
	struct outbox_state st;
	int ret;

	if ((ret = store_log_size(tx, &s->size)) < 0 ||
	    (ret = store_outbox_state(tx, &st)) < 0)
		return ret;
	s->waiting = st.given - s->size;
	s->oldest_ms = st.first_ms;
	return CAMCA_OK;
}

int
custody_state(struct authority *a, struct sequencer_state *out)
{
	*out = (struct sequencer_state){ 0 };
	return a->sequencer != NULL ? sequencer_state(a->sequencer, out) :
	    store_tx(a->store, DB_READ, custody_state_tx, out);
}

/* An age, which a clock that was set back must not make negative. */
static int64_t
custody_age(const struct authority *a, int64_t since_ms)
{
	int64_t now = ctx_now_ms(a->ctx);

	return since_ms == 0 || since_ms > now ? 0 : now - since_ms;
}

int
op_custody_status(struct op_call *c)
{
	struct sequencer_state s;
	int ret = custody_state(c->a, &s);

	if (ret < 0)
		return ret;
	c->result = json_pack("{s:I, s:I, s:I, s:s}", "size",
	    (json_int_t)s.size, "waiting", (json_int_t)s.waiting, "oldest_ms",
	    (json_int_t)custody_age(c->a, s.oldest_ms), "error", s.why);
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	ret = custody_status_sign(c, c->result);
	return ret < 0 ? ret : custody_status_anchor(c, c->result);
}

/* ---- tiles and entries ---- */

struct custody_get {
	int level;                     /* -1: entries */
	int64_t n;
	int width;
	struct buf out;
};

/* Only what a published checkpoint can need: before, it could still be taken
 * back (tlog-tiles: partial tiles of a checkpoint that is out). */
static int
custody_published(struct tx *tx, const struct custody_get *g)
{
	struct checkpoint_row cp;
	int64_t size;
	int level = g->level < 0 ? 0 : g->level;
	int ret = store_checkpoint_latest(tx, &cp);

	if (ret < 0)
		return ret;
	size = cp.size;
	store_checkpoint_free(&cp);
	return g->width >= 1 && g->width <= tile_width(level, g->n, size) ?
	    CAMCA_OK : CAMCA_ENOENT;
}

static int
custody_get_tx(struct tx *tx, void *arg)
{
	struct custody_get *g = arg;
	struct store_blob b = { NULL, 0 };
	size_t want = (size_t)g->width * TREE_HASH_LEN;
	int ret = custody_published(tx, g);

	buf_reset(&g->out);
	if (ret < 0)
		return ret;
	if (g->level < 0)
		return reader_bundle(tx, g->n, g->width, &g->out);
	ret = store_log_tile_get(tx, g->level, g->n, &b);
	/* Of a published checkpoint it must be there. */
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK && b.n < want))
		ret = CAMCA_EDB;
	if (ret == CAMCA_OK)
		ret = buf_put(&g->out, b.p, want);
	store_blob_free(&b);
	return ret;
}

static int
custody_get(struct op_call *c, struct custody_get *g)
{
	int ret;

	g->n = arg_int(c, "n", 0);
	g->width = (int)arg_int(c, "width", TILE_HASHES);
	buf_init(&g->out, 0);
	ret = store_tx(c->a->store, DB_READ, custody_get_tx, g);
	if (ret != CAMCA_ENOENT)
		return ret;
	return refuse(&c->why, ret, 404, "custody.unknown", "The custody log "
	    "has no such tile yet, or not of this width.");
}

int
op_custody_tile(struct op_call *c)
{
	struct custody_get g = { .level = (int)arg_int(c, "level", 0) };
	int ret = custody_get(c, &g);

	if (ret == CAMCA_OK) {
		c->result = json_object();
		json_set_base64(c->result, "data", g.out.data, g.out.len);
	}
	buf_fini(&g.out);
	return ret;
}

int
op_custody_entries(struct op_call *c)
{
	struct custody_get g = { .level = -1 };
	int64_t offset = arg_int(c, "offset", 0);
	size_t n;
	int ret = custody_get(c, &g);

	if (ret == CAMCA_OK && (uint64_t)offset > g.out.len)
		ret = refuse(&c->why, CAMCA_EINVAL, 400, "custody.offset",
		    "The entries have %zu bytes.", g.out.len);
	if (ret == CAMCA_OK) {
		n = g.out.len - (size_t)offset;
		n = n < CUSTODY_PAGE ? n : CUSTODY_PAGE;
		c->result = json_pack("{s:I, s:I}", "size",
		    (json_int_t)g.out.len, "offset", (json_int_t)offset);
		json_set_base64(c->result, "data", g.out.data + offset, n);
	}
	buf_fini(&g.out);
	return ret;
}
