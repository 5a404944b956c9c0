/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "ca/base/auto.h"

/* Levels that a tree of TREE_SIZE_MAX leaves can have: 256^7 = 2^56. */
#define TILE_LEVELS 8

static const uint8_t tree_prefix_leaf = 0x00;
static const uint8_t tree_prefix_node = 0x01;

static int
tree_crypto_error(void)
{
	ERR_clear_error();
	return CAMCA_ECRYPTO;
}

/* ---- hashes ---- */

struct tree_sha {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static int
tree_sha_init(struct tree_sha *s)
{
	s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->ctx = EVP_MD_CTX_new();
	if (s->md != NULL && s->ctx != NULL)
		return CAMCA_OK;
	ERR_clear_error();
	return CAMCA_ENOMEM;
}

static void
tree_sha_fini(struct tree_sha *s)
{
	EVP_MD_CTX_free(s->ctx);
	EVP_MD_free(s->md);
}

int
tree_sha_new(struct tree_sha **out)
{
	struct tree_sha *s = calloc(1, sizeof *s);

	if (s == NULL)
		return CAMCA_ENOMEM;
	if (tree_sha_init(s) < 0) {
		tree_sha_free(s);
		return CAMCA_ENOMEM;
	}
	*out = s;
	return CAMCA_OK;
}

void
tree_sha_free(struct tree_sha *s)
{
	if (s == NULL)
		return;
	tree_sha_fini(s);
	free(s);
}

/* SHA-256(prefix || data). */
static int
tree_sha_hash(const struct tree_sha *s, struct hash *out, uint8_t prefix,
    const void *data, size_t n)
{
	if (EVP_DigestInit_ex(s->ctx, s->md, NULL) != 1 ||
	    EVP_DigestUpdate(s->ctx, &prefix, 1) != 1 ||
	    EVP_DigestUpdate(s->ctx, data, n) != 1 ||
	    EVP_DigestFinal_ex(s->ctx, out->b, NULL) != 1)
		return tree_crypto_error();
	return CAMCA_OK;
}

int
tree_leaf_by(struct tree_sha *s, struct hash *out, const void *entry,
    size_t n)
{
	struct tree_sha own;
	int ret;

	if (s != NULL)
		return tree_sha_hash(s, out, tree_prefix_leaf, entry, n);
	ret = tree_sha_init(&own);
	if (ret == CAMCA_OK)
		ret = tree_sha_hash(&own, out, tree_prefix_leaf, entry, n);
	tree_sha_fini(&own);
	return ret;
}

int
tree_leaf(struct hash *out, const void *entry, size_t n)
{
	return tree_leaf_by(NULL, out, entry, n);
}

int
tree_node_by(struct tree_sha *s, struct hash *out, const struct hash *left,
    const struct hash *right)
{
	uint8_t in[1 + 2 * TREE_HASH_LEN];

	in[0] = tree_prefix_node;
	memcpy(in + 1, left->b, TREE_HASH_LEN);
	memcpy(in + 1 + TREE_HASH_LEN, right->b, TREE_HASH_LEN);
	if (s != NULL)
		return tree_sha_hash(s, out, in[0], in + 1, sizeof in - 1);
	if (SHA256(in, sizeof in, out->b) == NULL)
		return tree_crypto_error();
	return CAMCA_OK;
}

int
tree_node(struct hash *out, const struct hash *left, const struct hash *right)
{
	return tree_node_by(NULL, out, left, right);
}

int
tree_empty(struct hash *out)
{
	if (SHA256((const uint8_t *)"", 0, out->b) == NULL)
		return tree_crypto_error();
	return CAMCA_OK;
}

/* ---- the right edge ---- */

/* An edge that came out of a store may be damaged: never index by it blindly.
 * popcount(size) <= 56, so that there is always room for one more. */
static bool
edge_ok(const struct edge *e)
{
	return e->size >= 0 && e->size <= TREE_SIZE_MAX &&
	    e->n == (size_t)__builtin_popcountll((uint64_t)e->size);
}

int
edge_add_by(struct tree_sha *s, struct edge *e, const struct hash *leaf)
{
	struct hash top = *leaf;
	size_t n = e->n;
	int64_t bits;
	int ret;

	if (!edge_ok(e))
		return CAMCA_EINVAL;
	if (e->size == TREE_SIZE_MAX)
		return CAMCA_ELIMIT;
	for (bits = e->size; bits & 1; bits >>= 1) {
		ret = tree_node_by(s, &top, &e->h[n - 1], &top);
		if (ret < 0)
			return ret;
		n--;
	}
	e->h[n] = top;
	e->n = n + 1;
	e->size++;
	return CAMCA_OK;
}

int
edge_add(struct edge *e, const struct hash *leaf)
{
	return edge_add_by(NULL, e, leaf);
}

int
edge_root(const struct edge *e, struct hash *out)
{
	struct hash root;
	size_t i;
	int ret;

	if (!edge_ok(e))
		return CAMCA_EINVAL;
	if (e->n == 0)
		return tree_empty(out);
	root = e->h[e->n - 1];
	for (i = e->n - 1; i > 0; i--)
		if ((ret = tree_node(&root, &e->h[i - 1], &root)) < 0)
			return ret;
	*out = root;
	return CAMCA_OK;
}

/* ---- tiles ---- */

/* Hashes that a level of tiles has; level -1 are the entries themselves. */
static int64_t
tile_hashes(int level, int64_t size)
{
	if (level < 0)
		level = 0;
	return level < TILE_LEVELS && size > 0 ? size >> (8 * level) : 0;
}

int
tile_width(int level, int64_t n, int64_t size)
{
	int64_t hashes = tile_hashes(level, size);

	if (n < 0 || n > hashes / TILE_HASHES)
		return 0;
	hashes -= n * TILE_HASHES;
	return hashes < TILE_HASHES ? (int)hashes : TILE_HASHES;
}

int64_t
tile_count(int level, int64_t size)
{
	int64_t hashes = tile_hashes(level, size);

	return hashes / TILE_HASHES + (hashes % TILE_HASHES != 0);
}

/* ---- roots and proofs out of tiles ---- */

/* One call's view: each tile read once, and one SHA-256 for all of its nodes. A
 * path and the right edge cross at most two tiles a level. */
#define WALK_TILES (2 * TILE_LEVELS)
struct walk {
	const struct tiles *tiles;
	int64_t size;
	struct tree_sha sha;
	size_t n;
	struct walk_tile {
		int level;
		int64_t n;
		struct hash *h;
	} tile[WALK_TILES];
};

static int
walk_init(struct walk *w, const struct tiles *tiles, int64_t size)
{
	*w = (struct walk){.tiles = tiles, .size = size};
	return tree_sha_init(&w->sha);
}

static void
walk_fini(struct walk *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->tile[i].h);
	tree_sha_fini(&w->sha);
}

/* *out: borrowed from w until walk_fini. */
static int
walk_tile(struct walk *w, int level, int64_t n, const struct hash **out)
{
	int width = tile_width(level, n, w->size), ret;
	struct hash *h;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->tile[i].level == level && w->tile[i].n == n) {
			*out = w->tile[i].h;
			return CAMCA_OK;
		}
	assert(width > 0 && w->n < WALK_TILES);
	h = malloc(TILE_BYTES);
	if (h == NULL)
		return CAMCA_ENOMEM;
	ret = w->tiles->read(w->tiles->arg, level, n, width, h);
	if (ret < 0) {
		free(h);
		return ret;
	}
	w->tile[w->n++] = (struct walk_tile){level, n, h};
	*out = h;
	return CAMCA_OK;
}

/* Root of the full subtree of 2^height leaves that is the i-th of its kind. */
static int
walk_subtree(struct walk *w, int height, int64_t i, struct hash *out)
{
	size_t count = (size_t)1 << (height % 8), k;
	struct hash work[TILE_HASHES / 2];
	int64_t first = i << (height % 8);
	const struct hash *tile;
	int ret;

	ret = walk_tile(w, height / 8, first / TILE_HASHES, &tile);
	if (ret < 0)
		return ret;
	memcpy(work, tile + first % TILE_HASHES, count * sizeof *work);
	for (; count > 1; count /= 2)
		for (k = 0; k < count / 2; k++) {
			ret = tree_node_by(&w->sha, &work[k], &work[2 * k],
			    &work[2 * k + 1]);
			if (ret < 0)
				return ret;
		}
	*out = work[0];
	return CAMCA_OK;
}

/* MTH(D[lo:hi]) where lo is a multiple of a power of two >= hi - lo, as it is
 * at each step of RFC 6962 2.1: the full subtrees, narrowest first. */
static int
walk_range(struct walk *w, int64_t lo, int64_t hi, struct hash *out)
{
	int64_t left = hi - lo;
	struct hash acc, h;
	bool any = false;
	int height, ret;

	for (height = 0; left != 0; height++, left >>= 1) {
		if ((left & 1) == 0)
			continue;
		hi -= (int64_t)1 << height;
		if ((ret = walk_subtree(w, height, hi >> height, &h)) < 0)
			return ret;
		if (any && (ret = tree_node_by(&w->sha, &h, &h, &acc)) < 0)
			return ret;
		acc = h;
		any = true;
	}
	assert(any);
	*out = acc;
	return CAMCA_OK;
}

/* Largest power of two below n, n >= 2: where a tree is split. */
static int64_t
tree_split(int64_t n)
{
	return (int64_t)1 << (63 - __builtin_clzll((uint64_t)(n - 1)));
}

/* Both proofs go down from the root, but are written from the leaf up. */
static void
proof_reverse(struct proof *p)
{
	struct hash swap;
	size_t i;

	for (i = 0; i < p->n / 2; i++) {
		swap = p->path[i];
		p->path[i] = p->path[p->n - 1 - i];
		p->path[p->n - 1 - i] = swap;
	}
}

/* One step down: D[lo:hi] is split, the half without leaf m goes into the
 * proof, the other one becomes D[lo:hi]. */
static int
walk_down(struct walk *w, int64_t m, int64_t *lo, int64_t *hi, struct proof *p)
{
	int64_t mid = *lo + tree_split(*hi - *lo);
	int ret;

	assert(p->n < TREE_DEPTH_MAX);
	if (m < mid) {
		ret = walk_range(w, mid, *hi, &p->path[p->n]);
		*hi = mid;
	} else {
		ret = walk_range(w, *lo, mid, &p->path[p->n]);
		*lo = mid;
	}
	p->n += ret == CAMCA_OK;
	return ret;
}

static bool
tree_size_ok(int64_t size)
{
	return size >= 0 && size <= TREE_SIZE_MAX;
}

int
tree_root(const struct tiles *t, int64_t size, struct hash *out)
{
	struct walk w;
	int ret;

	if (!tree_size_ok(size))
		return CAMCA_EINVAL;
	if (size == 0)
		return tree_empty(out);
	ret = walk_init(&w, t, size);
	if (ret == CAMCA_OK)
		ret = walk_range(&w, 0, size, out);
	walk_fini(&w);
	return ret;
}

int
tree_inclusion(const struct tiles *t, int64_t index, int64_t size,
    struct proof *out)
{
	int64_t lo = 0, hi = size;
	struct walk w;
	int ret;

	out->n = 0;
	if (!tree_size_ok(size) || index < 0 || index >= size)
		return CAMCA_EINVAL;
	ret = walk_init(&w, t, size);
	while (ret == CAMCA_OK && hi - lo > 1)
		ret = walk_down(&w, index, &lo, &hi, out);
	walk_fini(&w);
	if (ret < 0)
		out->n = 0;
	proof_reverse(out);
	return ret;
}

int
tree_consistency(const struct tiles *t, int64_t first, int64_t second,
    struct proof *out)
{
	int64_t lo = 0, hi = second;
	struct walk w;
	int ret;

	out->n = 0;
	if (!tree_size_ok(second) || first < 0 || first > second)
		return CAMCA_EINVAL;
	if (first == 0 || first == second)
		return CAMCA_OK;
	ret = walk_init(&w, t, second);
	/* SUBPROOF goes down to the last leaf of the older tree, until what is
	 * left ends where that tree ends. */
	while (ret == CAMCA_OK && hi != first)
		ret = walk_down(&w, first - 1, &lo, &hi, out);
	/* The whole older tree: its root is known to who checks. */
	if (ret == CAMCA_OK && lo != 0)
		ret = walk_range(&w, lo, hi, &out->path[out->n++]);
	walk_fini(&w);
	if (ret < 0)
		out->n = 0;
	proof_reverse(out);
	return ret;
}

/* ---- checks ---- */

/* Place of a node among the nodes of its height, and of the last one there. */
struct climb {
	uint64_t fn, sn;
};

/* Is the next hash of a proof a left sibling? Moves up one height, and past
 * those where the last node has no sibling (RFC 9162 2.1.3.2, 2.1.4.2). */
static bool
climb_left(struct climb *c)
{
	bool left = (c->fn & 1) != 0 || c->fn == c->sn;

	if (left)
		while ((c->fn & 1) == 0 && c->fn != 0) {
			c->fn >>= 1;
			c->sn >>= 1;
		}
	c->fn >>= 1;
	c->sn >>= 1;
	return left;
}

static bool
tree_hash_same(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, TREE_HASH_LEN) == 0;
}

int
tree_check_inclusion(int64_t index, int64_t size, const struct hash *leaf,
    const struct proof *p, const struct hash *root)
{
	struct climb c = {(uint64_t)index, (uint64_t)size - 1};
	struct hash r = *leaf;
	size_t i;
	int ret;

	if (!tree_size_ok(size) || index < 0 || index >= size ||
	    p->n > TREE_DEPTH_MAX)
		return CAMCA_EINVAL;
	for (i = 0; i < p->n; i++) {
		if (c.sn == 0)
			return CAMCA_EINVAL;
		if (climb_left(&c))
			ret = tree_node(&r, &p->path[i], &r);
		else
			ret = tree_node(&r, &r, &p->path[i]);
		if (ret < 0)
			return ret;
	}
	return c.sn == 0 && tree_hash_same(&r, root) ? CAMCA_OK : CAMCA_EINVAL;
}

/* The general case: 0 < first < second. */
static int
tree_check_growth(int64_t first, int64_t second, const struct hash *first_root,
    const struct hash *second_root, const struct proof *p)
{
	struct climb c = {(uint64_t)first - 1, (uint64_t)second - 1};
	bool whole = (first & (first - 1)) == 0;
	struct hash fr, sr;
	size_t i = 0;
	int ret = CAMCA_OK;

	if (p->n == 0 || p->n > TREE_DEPTH_MAX)
		return CAMCA_EINVAL;
	for (; c.fn & 1; c.fn >>= 1)
		c.sn >>= 1;
	/* A full older tree is itself the node to begin with: not sent. */
	fr = sr = whole ? *first_root : p->path[i++];
	for (; i < p->n && ret == CAMCA_OK; i++) {
		if (c.sn == 0)
			return CAMCA_EINVAL;
		if (climb_left(&c)) {
			ret = tree_node(&fr, &p->path[i], &fr);
			if (ret == CAMCA_OK)
				ret = tree_node(&sr, &p->path[i], &sr);
		} else
			ret = tree_node(&sr, &sr, &p->path[i]);
	}
	if (ret < 0)
		return ret;
	return c.sn == 0 && tree_hash_same(&fr, first_root) &&
	    tree_hash_same(&sr, second_root) ? CAMCA_OK : CAMCA_EINVAL;
}

int
tree_check_consistency(int64_t first, int64_t second,
    const struct hash *first_root, const struct hash *second_root,
    const struct proof *p)
{
	struct hash empty;
	int ret;

	if (!tree_size_ok(second) || first < 0 || first > second)
		return CAMCA_EINVAL;
	if (first != 0 && first != second)
		return tree_check_growth(first, second, first_root,
		    second_root, p);
	if (p->n != 0)
		return CAMCA_EINVAL;
	if (second != 0)
		return first == 0 || tree_hash_same(first_root, second_root) ?
		    CAMCA_OK : CAMCA_EINVAL;
	ret = tree_empty(&empty);
	if (ret < 0)
		return ret;
	return tree_hash_same(second_root, &empty) ? CAMCA_OK : CAMCA_EINVAL;
}
