/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 6962 section 2.1 (the same one in RFC 9162 section
 * 2.1), in the tiles of C2SP tlog-tiles: hashes, proofs, and both checks. Knows
 * nothing of where tiles are kept. Pure: OpenSSL only. Any thread. */
#ifndef CAMCA_CUSTODY_TREE_H
#define CAMCA_CUSTODY_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"
#include "ca/base/tile_path.h"

#define TREE_HASH_LEN 32
#define TREE_DEPTH_MAX 63             /* hashes of a proof, levels of a tree */
#define TILE_BYTES (TILE_HASHES * TREE_HASH_LEN)
#define TREE_SIZE_MAX ((int64_t)1 << 56)

struct hash {
	uint8_t b[TREE_HASH_LEN];
};
/* A list of hashes in the caller's memory: a proof. */
struct proof {
	size_t n;
	struct hash path[TREE_DEPTH_MAX];
};

/* SHA-256(0x00 || entry); SHA-256(0x01 || left || right); SHA-256(""). */
CAMCA_MUST int tree_leaf(struct hash *out, const void *entry, size_t n);
CAMCA_MUST int tree_node(struct hash *out, const struct hash *left,
    const struct hash *right);
CAMCA_MUST int tree_empty(struct hash *out);

/* One SHA-256 for many hashes: getting the algorithm for each costs more than
 * hashing an entry. One thread at a time. CAMCA_ENOMEM. */
struct tree_sha;
CAMCA_MUST int tree_sha_new(struct tree_sha **out);
void tree_sha_free(struct tree_sha *s);          /* NULL is fine */
/* The same as without it; s NULL: an algorithm of its own for this hash. */
CAMCA_MUST int tree_leaf_by(struct tree_sha *s, struct hash *out,
    const void *entry, size_t n);
CAMCA_MUST int tree_node_by(struct tree_sha *s, struct hash *out,
    const struct hash *left, const struct hash *right);

/* The right edge: roots of the full subtrees of a tree of `size` leaves, widest
 * first; popcount(size) of them. Zeroed: the empty tree. */
struct edge {
	int64_t size;
	size_t n;
	struct hash h[TREE_DEPTH_MAX];
};
/* Adds a leaf hash. CAMCA_ELIMIT past TREE_SIZE_MAX, CAMCA_ECRYPTO. */
CAMCA_MUST int edge_add(struct edge *e, const struct hash *leaf);
CAMCA_MUST int edge_add_by(struct tree_sha *s, struct edge *e,
    const struct hash *leaf);
CAMCA_MUST int edge_root(const struct edge *e, struct hash *out);

/* ---- tiles ---- */
/* Width of the tile (level, n) in a tree of size leaves: 0..256. */
int tile_width(int level, int64_t n, int64_t size);
/* Tiles of a level in a tree of that size, a partial one included. */
int64_t tile_count(int level, int64_t size);
/* tile_path and tile_parse: ca/base/tile_path.h. */

/* Where hashes come from: fills `width` hashes of a tile (level, n); 0 or an
 * error that is passed on. */
struct tiles {
	int (*read)(void *arg, int level, int64_t n, int width, struct hash *out);
	void *arg;
};
/* Root of the first `size` leaves; RFC 6962 2.1.1 and 2.1.2 proofs. Each tile
 * is asked for once at most a call. CAMCA_EINVAL (index >= size,
 * first > second), the reader's errors. */
CAMCA_MUST int tree_root(const struct tiles *t, int64_t size, struct hash *out);
CAMCA_MUST int tree_inclusion(const struct tiles *t, int64_t index,
    int64_t size, struct proof *out);
CAMCA_MUST int tree_consistency(const struct tiles *t, int64_t first,
    int64_t second, struct proof *out);

/* RFC 9162 2.1.3.2 and 2.1.4.2. first = 0: only the empty proof, *first_root
 * is not looked at. 0, or CAMCA_EINVAL where it does not hold; CAMCA_ECRYPTO. */
CAMCA_MUST int tree_check_inclusion(int64_t index, int64_t size,
    const struct hash *leaf, const struct proof *p, const struct hash *root);
CAMCA_MUST int tree_check_consistency(int64_t first, int64_t second,
    const struct hash *first_root, const struct hash *second_root,
    const struct proof *p);

#endif
