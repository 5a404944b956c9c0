/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"

#define READER_SLOTS 64

struct reader_tile {
	int level;
	int64_t n;
	int width;                     /* 0: nothing here */
	struct hash *h;
};

struct reader {
	struct tx *tx;
	struct tiles tiles;
	/* A tile has one place: proofs read few, and the upper ones again and
	 * again. */
	struct reader_tile slots[READER_SLOTS];
};

static int
reader_damaged(int level, int64_t n, int width)
{
	log_msg(LOG_ERROR, "custody", "tile %d/%" PRId64 " of width %d is not "
	    "in the store", level, n, width);
	return CAMCA_EDB;
}

/* Level by level in different places. */
static struct reader_tile *
reader_slot(struct reader *r, int level, int64_t n)
{
	return &r->slots[(uint64_t)(n + level * 11) % READER_SLOTS];
}

static int
reader_fetch(struct reader *r, struct reader_tile *t, int level, int64_t n,
    int width)
{
	struct store_blob b = { NULL, 0 };
	int ret = store_log_tile_get(r->tx, level, n, &b);

	t->width = 0;
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    (b.n < (size_t)width * TREE_HASH_LEN || b.n > TILE_BYTES)))
		ret = reader_damaged(level, n, width);
	if (ret == CAMCA_OK && t->h == NULL &&
	    (t->h = malloc(TILE_BYTES)) == NULL)
		ret = CAMCA_ENOMEM;
	if (ret == CAMCA_OK) {
		memcpy(t->h, b.p, b.n);
		t->level = level;
		t->n = n;
		t->width = (int)(b.n / TREE_HASH_LEN);
	}
	store_blob_free(&b);
	return ret;
}

static int
reader_read(void *arg, int level, int64_t n, int width, struct hash *out)
{
	struct reader *r = arg;
	struct reader_tile *t = reader_slot(r, level, n);
	int ret = CAMCA_OK;

	if (t->width < width || t->level != level || t->n != n)
		ret = reader_fetch(r, t, level, n, width);
	if (ret == CAMCA_OK)
		memcpy(out, t->h, (size_t)width * TREE_HASH_LEN);
	return ret;
}

int
reader_open(struct reader **out, struct tx *tx)
{
	struct reader *r = calloc(1, sizeof *r);

	if (r == NULL)
		return CAMCA_ENOMEM;
	r->tx = tx;
	r->tiles.read = reader_read;
	r->tiles.arg = r;
	*out = r;
	return CAMCA_OK;
}

void
reader_close(struct reader *r)
{
	int i;

	if (r == NULL)
		return;
	for (i = 0; i < READER_SLOTS; i++)
		free(r->slots[i].h);
	free(r);
}

const struct tiles *
reader_tiles(struct reader *r)
{
	return &r->tiles;
}

int
reader_edge(struct tx *tx, struct edge *out)
{
	struct log_head_row head;
	int ret = store_log_head(tx, &head);

	if (ret < 0)
		return ret;
	memset(out, 0, sizeof *out);
	out->size = head.size;
	out->n = (size_t)__builtin_popcountll((uint64_t)head.size);
	if (head.size < 0 || head.size > TREE_SIZE_MAX ||
	    head.edge.n != out->n * TREE_HASH_LEN) {
		log_msg(LOG_ERROR, "custody", "the head of the log, size %"
		    PRId64 ", has an edge of %zu bytes", head.size,
		    head.edge.n);
		ret = CAMCA_EDB;
	} else if (head.edge.n > 0) {
		memcpy(out->h, head.edge.p, head.edge.n);
	}
	store_blob_free(&head.edge);
	return ret;
}

/* ---- bundles ---- */

struct reader_bundle {
	struct buf *out;
	int64_t next;
};

static int
reader_bundle_row(const struct log_entry_row *r, void *arg)
{
	struct reader_bundle *b = arg;
	uint8_t len[2] = { (uint8_t)(r->data.n >> 8), (uint8_t)r->data.n };
	int ret;

	/* A hole would come out as other entries. */
	if (r->idx != b->next++ || r->data.n > UINT16_MAX)
		return CAMCA_EDB;
	ret = buf_put(b->out, len, sizeof len);
	return ret < 0 ? ret : buf_put(b->out, r->data.p, r->data.n);
}

int
reader_bundle(struct tx *tx, int64_t n, int width, struct buf *out)
{
	struct reader_bundle b = { out, 0 };
	int64_t size;
	int ret;

	if (width < 1 || width > TILE_HASHES)
		return CAMCA_EINVAL;
	if ((ret = store_log_size(tx, &size)) < 0)
		return ret;
	if (n < 0 || n > size / TILE_HASHES ||
	    n * TILE_HASHES + width > size)
		return CAMCA_ENOENT;
	b.next = n * TILE_HASHES;
	ret = store_log_entry_list(tx, b.next, width, reader_bundle_row, &b);
	if (ret == CAMCA_OK && b.next != n * TILE_HASHES + width)
		ret = CAMCA_EDB;
	if (ret == CAMCA_EDB)
		log_msg(LOG_ERROR, "custody", "entry %" PRId64 " is missing or "
		    "too long", b.next);
	return ret;
}

/* ---- the chain of a device ---- */

/* The oldest `limit` indexes above after. The chain is read from its other end,
 * so the newer ones are written over as older ones come. */
static int
reader_chain(struct tx *tx, const char *device, int64_t after, int64_t limit,
    int64_t *ring, int64_t *found_out)
{
	int64_t n, idx, found = 0;
	int ret = store_log_device(tx, device, &n, &idx);

	for (; ret == CAMCA_OK && idx > after && idx >= 0; found++) {
		ring[found % limit] = idx;
		ret = store_log_prev(tx, idx, &idx);
		/* The device itself may be unknown, an entry may not. */
		if (ret == CAMCA_ENOENT)
			ret = CAMCA_EDB;
	}
	*found_out = found;
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

int
reader_device(struct tx *tx, const char *device, int64_t after,
    int64_t limit, int (*fn)(const struct log_entry_row *r, void *arg),
    void *arg)
{
	struct log_entry_row r;
	int64_t *ring, found = 0, i;
	int ret;

	if (limit < 1 || limit > READER_DEVICE_MAX)
		return CAMCA_EINVAL;
	if ((ring = calloc((size_t)limit, sizeof *ring)) == NULL)
		return CAMCA_ENOMEM;
	ret = reader_chain(tx, device, after, limit, ring, &found);
	for (i = 0; ret == CAMCA_OK && i < limit && i < found; i++) {
		ret = store_log_entry_get(tx,
		    ring[(found - 1 - i) % limit], &r);
		if (ret < 0)
			break;
		ret = fn(&r, arg);
		store_log_entry_free(&r);
	}
	free(ring);
	return ret;
}
