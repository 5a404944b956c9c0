/* SPDX-License-Identifier: Apache-2.0 */
/* A partial tile is the beginning of the wider one, so each tile is one row
 * that grows; a full tile's own hash goes into the level above. */
#include "ca/custody/append.h"

#include <inttypes.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/custody/reader.h"

#define GROW_BITS 8                    /* of an index in one tile */

int
grow_begin(struct grow *g, struct tx *tx)
{
	int i, ret;

	g->tx = tx;
	for (i = 0; i < GROW_LEVELS; i++) {
		g->tiles[i].n = -1;
		g->tiles[i].dirty = false;
	}
	ret = reader_edge(tx, &g->edge);
	g->old_size = g->edge.size;
	return ret;
}

static int
grow_write(struct grow *g, int level)
{
	struct grow_tile *t = &g->tiles[level];
	struct store_blob b = { t->h[0].b, (size_t)t->width * TREE_HASH_LEN };

	if (!t->dirty)
		return CAMCA_OK;
	t->dirty = false;
	return store_log_tile_put(g->tx, level, t->n, &b);
}

/* The tile that gets hash number `width` next, as it is in the store. */
static int
grow_load(struct grow *g, int level, int64_t n, int width)
{
	struct grow_tile *t = &g->tiles[level];
	struct store_blob b = { NULL, 0 };
	int ret;

	if (t->n == n && t->width == width)
		return CAMCA_OK;
	t->n = n;
	t->width = width;
	if (width == 0)
		return CAMCA_OK;
	ret = store_log_tile_get(g->tx, level, n, &b);
	if (ret == CAMCA_ENOENT ||
	    (ret == CAMCA_OK && b.n != (size_t)width * TREE_HASH_LEN)) {
		log_msg(LOG_ERROR, "custody", "tile %d/%" PRId64 " is not the "
		    "one of a log with %" PRId64 " entries", level, n,
		    g->edge.size);
		ret = CAMCA_EDB;
	}
	if (ret == CAMCA_OK)
		memcpy(t->h, b.p, b.n);
	store_blob_free(&b);
	return ret;
}

static int
grow_put(struct grow *g, int level, int64_t at, const struct hash *h)
{
	struct grow_tile *t = &g->tiles[level];
	int ret = grow_load(g, level, at >> GROW_BITS,
	    (int)(at & (TILE_HASHES - 1)));

	if (ret < 0)
		return ret;
	t->h[t->width++] = *h;
	t->dirty = true;
	return t->width == TILE_HASHES ? grow_write(g, level) : CAMCA_OK;
}

/* The leaf into its tile; and where that fills the tile, its root, which is the
 * leaf folded into the last eight subtrees of the edge, into the next level. */
static int
grow_tiles(struct grow *g, const struct hash *leaf)
{
	size_t left = g->edge.n, i;
	struct hash h = *leaf, up;
	int64_t at = g->edge.size;
	int level, ret;

	for (level = 0; level < GROW_LEVELS; level++, at >>= GROW_BITS) {
		if ((ret = grow_put(g, level, at, &h)) < 0)
			return ret;
		if ((at & (TILE_HASHES - 1)) != TILE_HASHES - 1)
			break;
		for (i = 0; i < GROW_BITS; i++) {
			ret = tree_node_by(g->sha, &up, &g->edge.h[--left],
			    &h);
			if (ret < 0)
				return ret;
			h = up;
		}
	}
	return CAMCA_OK;
}

int
grow_add(struct grow *g, struct log_entry_row *r)
{
	uint8_t text[STORE_LOG_TEXT_MAX];
	struct hash leaf;
	size_t n;
	int ret;

	r->idx = g->edge.size;
	if (r->idx >= TREE_SIZE_MAX)
		return CAMCA_ELIMIT;
	ret = store_log_text(r->data.p, r->data.n, r->n, r->prev < 0 ? NULL :
	    r->dev_prev, text, &n);
	if (ret < 0 || (ret = tree_leaf_by(g->sha, &leaf, text, n)) < 0)
		return ret;
	memcpy(r->leaf, leaf.b, sizeof r->leaf);
	if ((ret = store_log_entry_insert(g->tx, r)) < 0 ||
	    (ret = grow_tiles(g, &leaf)) < 0)
		return ret;
	return edge_add_by(g->sha, &g->edge, &leaf);
}

int
grow_end(struct grow *g)
{
	struct log_head_row head = { g->edge.size, { g->edge.h[0].b,
	    g->edge.n * TREE_HASH_LEN } };
	int i, ret = CAMCA_OK;

	if (g->edge.size == g->old_size)
		return CAMCA_OK;
	for (i = 0; i < GROW_LEVELS && ret == CAMCA_OK; i++)
		ret = grow_write(g, i);
	return ret < 0 ? ret :
	    store_log_set_head(g->tx, g->old_size, &head);
}
