/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles, each from the ones below it, the head, and what was signed. */
#include <string.h>

#include "ca/custody/fsck_int.h"
#include "ca/store/store_log.h"
#include "ca/store/store_log_sign.h"

#define FSCK_TILE_STEP 1024            /* hashes of level 0, or children */
#define FSCK_CHECKPOINT_STEP 256

/* ---- tiles ---- */

/* A tile as wide as it must be in a tree of the head's size. */
static int
fsck_tile_get(struct fsck_run *r, int level, int64_t n,
    struct store_blob *out)
{
	int width = tile_width(level, n, r->head);
	int ret = store_log_tile_get(r->tx, level, n, out);

	if (ret == CAMCA_ENOENT)
		return WRONG(r, "Tile %lld of level %d is missing.",
		    (long long)n, level);
	if (ret == CAMCA_OK && out->n != (size_t)width * TREE_HASH_LEN) {
		ret = WRONG(r, "Tile %lld of level %d has %zu bytes, %d "
		    "belong there.", (long long)n, level, out->n,
		    width * TREE_HASH_LEN);
		store_blob_free(out);
	}
	return ret;
}

/* Root of a full tile, folded in place. */
static int
fsck_tile_root(struct hash *h)
{
	size_t n, i;
	int ret;

	for (n = TILE_HASHES; n > 1; n /= 2)
		for (i = 0; i < n / 2; i++)
			if ((ret = tree_node(&h[i], &h[2 * i],
			    &h[2 * i + 1])) < 0)
				return ret;
	return CAMCA_OK;
}

/* One hash of a tile above level 0 against the tile that it stands for. */
static int
fsck_child(struct fsck_run *r, int64_t child, const uint8_t *hash)
{
	struct hash h[TILE_HASHES];
	struct store_blob b = { NULL, 0 };
	int ret = fsck_tile_get(r, r->f.level - 1, child, &b);

	if (ret < 0)
		return ret;
	if (b.n == sizeof h) {
		memcpy(h, b.p, sizeof h);
		ret = fsck_tile_root(h);
	}
	if (ret == CAMCA_OK && (b.n != sizeof h ||
	    memcmp(h[0].b, hash, sizeof h[0].b) != 0))
		ret = WRONG(r, "Tile %lld of level %d does not have the root "
		    "of tile %lld below it.",
		    (long long)(child / TILE_HASHES), r->f.level,
		    (long long)child);
	store_blob_free(&b);
	return ret;
}

static int
fsck_tile(struct fsck_run *r)
{
	struct store_blob b = { NULL, 0 };
	size_t i;
	int ret = fsck_tile_get(r, r->f.level, r->f.at, &b);

	for (i = 0; ret == CAMCA_OK && r->f.level > 0 &&
	    i < b.n / TREE_HASH_LEN; i++)
		ret = fsck_child(r, r->f.at * TILE_HASHES + (int64_t)i,
		    b.p + i * TREE_HASH_LEN);
	store_blob_free(&b);
	r->f.at++;
	/* Work is counted in tiles read. */
	r->f.checked += r->f.level > 0 ? TILE_HASHES : 1;
	return ret;
}

/* No tile is there that does not belong there; the head's own edge. */
static int
fsck_tiles_end(struct fsck_run *r)
{
	int64_t count, want = 0;
	struct edge edge;
	struct hash root, again;
	int level, ret;

	for (level = 0; tile_count(level, r->head) > 0; level++)
		want += tile_count(level, r->head);
	if ((ret = store_log_tile_count(r->tx, &count)) < 0)
		return ret;
	if (count != want)
		return WRONG(r, "There are %lld tiles, a log of %lld entries "
		    "has %lld.", (long long)count, (long long)r->head,
		    (long long)want);
	if ((ret = reader_edge(r->tx, &edge)) < 0 ||
	    (ret = edge_root(&edge, &root)) < 0 ||
	    (ret = tree_root(reader_tiles(r->reader), r->head, &again)) < 0)
		return ret == CAMCA_EDB ? WRONG(r, "The head of the log is "
		    "not one of %lld entries.", (long long)r->head) : ret;
	if (memcmp(&root, &again, sizeof root) != 0)
		return WRONG(r, "The head of the log is not that of its "
		    "tiles.");
	r->f.at = 0;
	r->f.phase = FSCK_CHECKPOINTS;
	return CAMCA_OK;
}

int
fsck_tiles(struct fsck_run *r)
{
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK && r->f.checked < FSCK_TILE_STEP) {
		if (tile_count(r->f.level, r->f.size) == 0)
			return fsck_tiles_end(r);
		if (r->f.at >= tile_count(r->f.level, r->f.size)) {
			r->f.level++;
			r->f.at = 0;
			continue;
		}
		ret = fsck_tile(r);
	}
	return ret;
}

/* ---- checkpoints ---- */

static int
fsck_checkpoint(const struct checkpoint_row *c, void *arg)
{
	struct fsck_run *r = arg;
	struct refusal why = { 0 };
	struct checkpoint text;
	struct hash root;
	int64_t number;
	int ret;

	/* A log begins with the empty tree; a fork may have left it behind. */
	if (r->f.at == 0 && c->size > 0 && !r->origin.forked)
		return WRONG(r, "The checkpoints before that of size %lld are "
		    "missing.", (long long)c->size);
	if (c->size > r->head)
		return WRONG(r, "There is a checkpoint of size %lld, the log "
		    "has %lld entries.", (long long)c->size,
		    (long long)r->head);
	ret = origin_check(&r->origin, c->note.p, c->note.n, 0, &text,
	    &number, &why);
	if (ret == CAMCA_EINVAL || ret == CAMCA_ELIMIT)
		return WRONG(r, "Checkpoint %lld: %s.", (long long)c->size,
		    why.detail);
	if (ret < 0)
		return ret;
	if (text.size != c->size ||
	    memcmp(text.root.b, c->root, sizeof c->root) != 0)
		return WRONG(r, "Checkpoint %lld is stored under another size "
		    "or root than it says.", (long long)c->size);
	if (number < r->f.number || number > r->origin.number)
		return WRONG(r, "Checkpoint %lld is of %s, which was not the "
		    "log's origin then.", (long long)c->size, text.origin);
	if ((ret = tree_root(reader_tiles(r->reader), c->size, &root)) < 0)
		return ret;
	if (memcmp(root.b, c->root, sizeof c->root) != 0)
		return WRONG(r, "The first %lld entries are not those that "
		    "were signed then.", (long long)c->size);
	r->f.number = number;
	r->f.at = c->size + 1;
	r->f.checked++;
	return CAMCA_OK;
}

int
fsck_checkpoints(struct fsck_run *r)
{
	int ret = origin_load(r->tx, &r->origin);

	if (ret == CAMCA_OK || ret == CAMCA_ENOENT)
		ret = store_checkpoint_list(r->tx, r->f.at - 1,
		    FSCK_CHECKPOINT_STEP, fsck_checkpoint, r);
	if (ret < 0 || r->f.checked == FSCK_CHECKPOINT_STEP)
		return ret;
	r->f.phase = FSCK_DONE;
	return CAMCA_OK;
}
