/* SPDX-License-Identifier: Apache-2.0 */
/* The answers in known[] and wanted[] are RFC 6962's tree over the inputs that
 * Certificate Transparency implementations test with, computed by a separate
 * program out of the definition:
 *
 *	def mth(D): k = split(D); return (sha256(b"") if not D else
 *	    leaf(D[0]) if len(D) == 1 else node(mth(D[:k]), mth(D[k:])))
 *	def path(m, D): k = split(D); return ([] if len(D) == 1 else
 *	    path(m, D[:k]) + [mth(D[k:])] if m < k else
 *	    path(m - k, D[k:]) + [mth(D[:k])])
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/enc.h"
#include "ca/custody/tree.h"

#define LEAVES 300

static void
assert_hash(const struct hash *h, const char *hex)
{
	char got[2 * TREE_HASH_LEN + 1];

	enc_hex(got, h->b, sizeof h->b);
	assert_string_equal(got, hex);
}

static bool
same(const struct hash *a, const struct hash *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* ---- known answers ---- */

static const struct {
	const char *data;
	size_t n;
	const char *root;              /* of the tree up to and with this one */
} known[] = {
	{"", 0, "6e340b9cffb37a989ca544e6bb780a2c"
	    "78901d3fb33738768511a30617afa01d"},
	{"\0", 1, "fac54203e7cc696cf0dfcb42c92a1d9d"
	    "baf70ad9e621f4bd8d98662f00e3c125"},
	{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264"
	    "db0fa9b51af5e0ba159158f329e06e77"},
	{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398f"
	    "a2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"01", 2, "4e3bbb1f7b478dcfe71fb631631519a3"
	    "bca12c9aefca1612bfce4c13a86264d4"},
	{"@ABC", 4, "76e67dadbcdf1e10e1b74ddc608abd2f"
	    "98dfb16fbce75277b5232a127f2087ef"},
	{"PQRSTUVW", 8, "ddb89be403809e325750d3d263cd7892"
	    "9c2942b7942a34b77e122c9594a74c8c"},
	{"`abcdefghijklmno", 16, "5dc9da79a70659a9ad559cb701ded9a2"
	    "ab9d823aad2f4960cfe370eff4604328"},
};
#define KNOWN (sizeof known / sizeof *known)

static int
read_known(void *arg, int level, int64_t n, int width, struct hash *out)
{
	assert_int_equal(level, 0);
	assert_int_equal(n, 0);
	memcpy(out, arg, (size_t)width * sizeof *out);
	return 0;
}

static void
test_known_roots(void **state)
{
	struct hash leaf[KNOWN], root;
	struct tiles tiles = {read_known, leaf};
	struct edge e = {0};
	size_t i;

	(void)state;
	assert_int_equal(edge_root(&e, &root), 0);
	assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	assert_int_equal(tree_root(&tiles, 0, &root), 0);
	assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	for (i = 0; i < KNOWN; i++) {
		assert_int_equal(tree_leaf(&leaf[i], known[i].data,
		    known[i].n), 0);
		assert_int_equal(edge_add(&e, &leaf[i]), 0);
		assert_int_equal(edge_root(&e, &root), 0);
		assert_hash(&root, known[i].root);
		assert_int_equal(tree_root(&tiles, (int64_t)i + 1, &root), 0);
		assert_hash(&root, known[i].root);
	}
}

#define H_1 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define H_23 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define H_4 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define H_45 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define H_67 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define H_03 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define H_47 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define H_0 "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define H_01 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"

static const struct {
	int (*make)(const struct tiles *, int64_t, int64_t, struct proof *);
	int64_t m, n;
	const char *path[4];
} wanted[] = {
	{tree_inclusion, 0, 8, {H_1, H_23, H_47}},
	{tree_inclusion, 5, 8, {H_4, H_67, H_03}},
	{tree_inclusion, 2, 3, {H_01}},
	{tree_inclusion, 1, 5, {H_0, H_23, H_4}},
	{tree_inclusion, 0, 1, {NULL}},
	{tree_consistency, 1, 8, {H_1, H_23, H_47}},
	{tree_consistency, 6, 8, {H_45, H_67, H_03}},
	{tree_consistency, 2, 5, {H_23, H_4}},
	{tree_consistency, 8, 8, {NULL}},
	{tree_consistency, 0, 8, {NULL}},
};

static void
test_known_proofs(void **state)
{
	struct hash leaf[KNOWN];
	struct tiles tiles = {read_known, leaf};
	struct proof p;
	size_t i, k;

	(void)state;
	for (i = 0; i < KNOWN; i++)
		assert_int_equal(tree_leaf(&leaf[i], known[i].data,
		    known[i].n), 0);
	for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		assert_int_equal(wanted[i].make(&tiles, wanted[i].m,
		    wanted[i].n, &p), 0);
		for (k = 0; wanted[i].path[k] != NULL; k++) {
			assert_true(k < p.n);
			assert_hash(&p.path[k], wanted[i].path[k]);
		}
		assert_int_equal(p.n, k);
	}
}

/* ---- the plain definition, for trees of up to LEAVES leaves ---- */

struct plain {
	struct hash leaf[LEAVES];
	struct hash mth[LEAVES + 1][LEAVES + 1];       /* MTH(D[lo:hi]) */
	struct hash tile[2][2 * TILE_HASHES];
	int asked[2][2];               /* widths asked for since the reset */
};

static size_t
split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static int
plain_setup(void **state)
{
	struct plain *t = calloc(1, sizeof *t);
	size_t lo, n, k, i;
	char text[32];

	assert_non_null(t);
	for (i = 0; i < LEAVES; i++) {
		n = (size_t)snprintf(text, sizeof text, "entry %zu", i);
		assert_int_equal(tree_leaf(&t->leaf[i], text, n), 0);
		t->mth[i][i + 1] = t->tile[0][i] = t->leaf[i];
	}
	for (n = 2; n <= LEAVES; n++)
		for (lo = 0; lo + n <= LEAVES; lo++) {
			k = split(n);
			assert_int_equal(tree_node(&t->mth[lo][lo + n],
			    &t->mth[lo][lo + k], &t->mth[lo + k][lo + n]), 0);
		}
	assert_int_equal(tree_empty(&t->mth[0][0]), 0);
	t->tile[1][0] = t->mth[0][256];
	*state = t;
	return 0;
}

static int
plain_teardown(void **state)
{
	free(*state);
	return 0;
}

/* Each tile once a call, at the width that it has there. */
static int
plain_read(void *arg, int level, int64_t n, int width, struct hash *out)
{
	struct plain *t = arg;

	assert_true(level >= 0 && level < 2 && n >= 0 && n < 2);
	assert_int_equal(t->asked[level][n], 0);
	assert_true(width > 0 && width <= TILE_HASHES);
	t->asked[level][n] = width;
	memcpy(out, &t->tile[level][n * TILE_HASHES],
	    (size_t)width * sizeof *out);
	return 0;
}

static void
plain_asked(struct plain *t, int64_t size)
{
	int level, n;

	for (level = 0; level < 2; level++)
		for (n = 0; n < 2; n++)
			if (t->asked[level][n] != 0)
				assert_int_equal(t->asked[level][n],
				    tile_width(level, n, size));
	memset(t->asked, 0, sizeof t->asked);
}

static void
plain_path(const struct plain *t, size_t m, size_t lo, size_t hi,
    struct proof *p)
{
	size_t k;

	if (hi - lo == 1)
		return;
	k = split(hi - lo);
	if (m < k) {
		plain_path(t, m, lo, lo + k, p);
		p->path[p->n++] = t->mth[lo + k][hi];
	} else {
		plain_path(t, m - k, lo + k, hi, p);
		p->path[p->n++] = t->mth[lo][lo + k];
	}
}

static void
plain_subproof(const struct plain *t, size_t m, size_t lo, size_t hi, bool b,
    struct proof *p)
{
	size_t k;

	if (m == hi - lo) {
		if (!b)
			p->path[p->n++] = t->mth[lo][hi];
		return;
	}
	k = split(hi - lo);
	if (m <= k) {
		plain_subproof(t, m, lo, lo + k, b, p);
		p->path[p->n++] = t->mth[lo + k][hi];
	} else {
		plain_subproof(t, m - k, lo + k, hi, false, p);
		p->path[p->n++] = t->mth[lo][lo + k];
	}
}

static void
assert_proof(const struct proof *a, const struct proof *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->path, b->path, a->n * sizeof *a->path);
}

/* Acceptance 4.2: all pairs up to 300 leaves. */
static void
test_all_inclusion(void **state)
{
	struct plain *t = *state;
	struct tiles tiles = {plain_read, t};
	struct edge e = {0};
	struct proof p, q;
	struct hash root;
	size_t size, i;

	for (size = 1; size <= LEAVES; size++) {
		assert_int_equal(edge_add(&e, &t->leaf[size - 1]), 0);
		assert_int_equal(e.size, size);
		assert_int_equal(edge_root(&e, &root), 0);
		assert_true(same(&root, &t->mth[0][size]));
		assert_int_equal(tree_root(&tiles, (int64_t)size, &root), 0);
		plain_asked(t, (int64_t)size);
		assert_true(same(&root, &t->mth[0][size]));
		for (i = 0; i < size; i++) {
			q.n = 0;
			plain_path(t, i, 0, size, &q);
			assert_int_equal(tree_inclusion(&tiles, (int64_t)i,
			    (int64_t)size, &p), 0);
			plain_asked(t, (int64_t)size);
			assert_proof(&p, &q);
			assert_int_equal(tree_check_inclusion((int64_t)i,
			    (int64_t)size, &t->leaf[i], &p, &root), 0);
		}
	}
}

static void
test_all_consistency(void **state)
{
	struct plain *t = *state;
	struct tiles tiles = {plain_read, t};
	struct proof p, q;
	size_t size, i;

	for (size = 0; size <= LEAVES; size++)
		for (i = 0; i <= size; i++) {
			q.n = 0;
			if (i != 0)
				plain_subproof(t, i, 0, size, true, &q);
			assert_int_equal(tree_consistency(&tiles, (int64_t)i,
			    (int64_t)size, &p), 0);
			plain_asked(t, (int64_t)size);
			assert_proof(&p, &q);
			assert_int_equal(tree_check_consistency((int64_t)i,
			    (int64_t)size, &t->mth[0][i], &t->mth[0][size],
			    &p), 0);
		}
}

/* ---- what must be rejected ---- */

/* An inclusion proof, or a consistency proof, as a check sees it. */
struct claim {
	bool growth;
	int64_t m, n;                  /* index, size; first, second */
	struct hash a, b;              /* leaf, root; first root, second root */
	struct proof p;
};

static int
claim_check(const struct claim *c)
{
	return c->growth ?
	    tree_check_consistency(c->m, c->n, &c->a, &c->b, &c->p) :
	    tree_check_inclusion(c->m, c->n, &c->a, &c->p, &c->b);
}

static struct claim
claim_make(const struct plain *t, bool growth, size_t m, size_t n)
{
	struct claim c = {.growth = growth, .m = (int64_t)m, .n = (int64_t)n};

	c.a = growth ? t->mth[0][m] : t->leaf[m];
	c.b = t->mth[0][n];
	if (growth)
		plain_subproof(t, m, 0, n, true, &c.p);
	else
		plain_path(t, m, 0, n, &c.p);
	return c;
}

/* The order in which a proof's hashes are put together: 'l' left and 'r' right
 * sibling, and what a consistency proof begins with. Two claims of one shape
 * ask the same of the same hashes, so that one proof serves both: the size is
 * bound by the signed checkpoint, not by the proof. All others must fail. */
static size_t
claim_shape(const struct claim *c, char out[static 160])
{
	uint64_t fn = (uint64_t)c->m, sn = (uint64_t)c->n - 1;
	size_t n = 0;

	if (c->growth) {
		fn--;
		while (fn & 1) {
			fn >>= 1;
			sn >>= 1;
		}
		out[n++] = (c->m & (c->m - 1)) == 0 ? 'w' : 'p';
	}
	while (sn != 0) {
		if ((fn & 1) != 0 || fn == sn) {
			out[n++] = 'l';
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else
			out[n++] = 'r';
		fn >>= 1;
		sn >>= 1;
	}
	out[n] = '\0';
	return n;
}

static bool
claim_possible(const struct claim *c)
{
	if (c->n < 1 || c->n > TREE_SIZE_MAX || c->m < 0)
		return false;
	return c->growth ? c->m > 0 && c->m < c->n : c->m < c->n;
}

static void
claim_rejects_numbers(const struct claim *good)
{
	char shape[160], other[160];
	struct claim bad;
	int which, bit;

	claim_shape(good, shape);
	for (which = 0; which < 2; which++)
		for (bit = 0; bit < 64; bit++) {
			bad = *good;
			*(which ? &bad.n : &bad.m) ^=
			    (int64_t)((uint64_t)1 << bit);
			other[0] = '\0';
			if (claim_possible(&bad))
				claim_shape(&bad, other);
			if (claim_check(&bad) == 0 &&
			    strcmp(shape, other) != 0)
				fail_msg("%d %ld of %ld passes as %ld of %ld",
				    good->growth, (long)good->m, (long)good->n,
				    (long)bad.m, (long)bad.n);
			/* Another index is never the same question. */
			if (which == 0 && !good->growth)
				assert_int_equal(claim_check(&bad),
				    CAMCA_EINVAL);
		}
}

/* Bit `bit` of one of the hashes that the check is given. */
static void
claim_rejects_bit(const struct claim *good, size_t i, unsigned bit)
{
	struct claim bad = *good;
	struct hash *h = i == 0 ? &bad.a : i == 1 ? &bad.b :
	    &bad.p.path[i - 2];

	h->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	if (claim_check(&bad) != CAMCA_EINVAL)
		fail_msg("%d %ld of %ld: bit %u of hash %zu", good->growth,
		    (long)good->m, (long)good->n, bit, i);
}

static void
claim_rejects_hashes(const struct claim *good)
{
	unsigned bit;
	size_t i;

	for (i = 0; i < good->p.n + 2; i++)
		for (bit = 0; bit < 256; bit++)
			claim_rejects_bit(good, i, bit);
}

static void
claim_rejects_lengths(const struct claim *good)
{
	struct claim bad = *good;
	size_t i;

	for (bad.p.n = 0; bad.p.n < good->p.n; bad.p.n++)
		assert_int_equal(claim_check(&bad), CAMCA_EINVAL);
	bad = *good;
	bad.p.path[bad.p.n++] = good->b;
	assert_int_equal(claim_check(&bad), CAMCA_EINVAL);
	bad.p.n = TREE_DEPTH_MAX + 1;
	assert_int_equal(claim_check(&bad), CAMCA_EINVAL);
	bad.p.n = SIZE_MAX;
	assert_int_equal(claim_check(&bad), CAMCA_EINVAL);
	for (i = 0; i + 1 < good->p.n; i++) {
		bad = *good;
		bad.p.path[i] = good->p.path[i + 1];
		bad.p.path[i + 1] = good->p.path[i];
		assert_int_equal(claim_check(&bad), CAMCA_EINVAL);
	}
}

/* Every bit of every hash: all pairs of small trees, and of those whose edges
 * differ most. */
static void
test_bits_exhaustive(void **state)
{
	static const size_t sizes[] = {31, 32, 33, 64, 127, 128, 129, 255, 256,
	    257, 300};
	struct plain *t = *state;
	struct claim c;
	size_t i, k, m, n;

	for (n = 1; n <= 16; n++)
		for (m = 0; m < n; m++) {
			c = claim_make(t, false, m, n);
			claim_rejects_hashes(&c);
			if (m == 0)
				continue;
			c = claim_make(t, true, m, n);
			claim_rejects_hashes(&c);
		}
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (k = 0; k < 4; k++) {
			n = sizes[i];
			m = (size_t[]){0, 1, n / 2, n - 1}[k];
			c = claim_make(t, false, m, n);
			claim_rejects_hashes(&c);
			c = claim_make(t, true, m + (m == 0), n);
			claim_rejects_hashes(&c);
		}
}

/* Acceptance 4.2, on all pairs: another bit of another hash at each pair; on
 * every 32nd, every bit of index and size, each wrong length, each two hashes
 * swapped. */
static void
test_bits_all_pairs(void **state)
{
	struct plain *t = *state;
	unsigned bit = 0;
	struct claim c;
	size_t m, n;
	int growth;

	for (n = 2; n <= LEAVES; n++)
		for (m = 1; m < n; m++, bit += 37)
			for (growth = 0; growth < 2; growth++) {
				c = claim_make(t, growth != 0, m, n);
				claim_rejects_bit(&c, (n + m) % (c.p.n + 2),
				    bit % 256);
				if ((m + n) % 32 != 0)
					continue;
				claim_rejects_numbers(&c);
				claim_rejects_lengths(&c);
			}
}

static void
test_consistency_ends(void **state)
{
	const struct plain *t = *state;
	const struct hash *h5 = &t->mth[0][5], *h4 = &t->mth[0][4];
	struct hash zero = {{0}}, empty;
	struct proof p = {0};

	assert_int_equal(tree_empty(&empty), 0);
	/* From nothing, everything grows; the empty root is not looked at. */
	assert_int_equal(tree_check_consistency(0, 5, &zero, h5, &p), 0);
	assert_int_equal(tree_check_consistency(0, 0, &zero, &empty, &p), 0);
	assert_int_equal(tree_check_consistency(0, 0, &zero, &zero, &p),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_consistency(5, 5, h5, h5, &p), 0);
	assert_int_equal(tree_check_consistency(5, 5, h4, h5, &p),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_consistency(5, 4, h5, h4, &p),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_consistency(4, 5, h4, h5, &p),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_consistency(-1, 5, h4, h5, &p),
	    CAMCA_EINVAL);
	p.n = 1;
	assert_int_equal(tree_check_consistency(0, 5, &zero, h5, &p),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_consistency(5, 5, h5, h5, &p),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_inclusion(0, 0, &zero, &p, &empty),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_inclusion(5, 5, &zero, &p, h5),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_inclusion(-1, 5, &zero, &p, h5),
	    CAMCA_EINVAL);
	assert_int_equal(tree_check_inclusion(0, TREE_SIZE_MAX + 1, &zero, &p,
	    h5), CAMCA_EINVAL);
}

/* ---- readers that fail, and trees too large to hold ---- */

static int
read_fails(void *arg, int level, int64_t n, int width, struct hash *out)
{
	int *left = arg;

	(void)level;
	(void)n;
	memset(out, 0, (size_t)width * sizeof *out);
	return (*left)-- == 0 ? CAMCA_EDB : 0;
}

static void
test_reader_errors(void **state)
{
	struct hash root;
	struct proof p;
	int left, i, ret;

	(void)state;
	for (i = 0, ret = CAMCA_EDB; ret != 0; i++) {
		left = i;
		ret = tree_inclusion(&(struct tiles){read_fails, &left}, 5,
		    70000, &p);
		assert_true(ret == 0 || (ret == CAMCA_EDB && p.n == 0));
	}
	assert_true(i > 3);
	for (i = 0, ret = CAMCA_EDB; ret != 0; i++) {
		left = i;
		ret = tree_consistency(&(struct tiles){read_fails, &left}, 999,
		    70000, &p);
		assert_true(ret == 0 || (ret == CAMCA_EDB && p.n == 0));
	}
	left = 0;
	assert_int_equal(tree_root(&(struct tiles){read_fails, &left}, 7,
	    &root), CAMCA_EDB);
	left = 100;
	assert_int_equal(tree_inclusion(&(struct tiles){read_fails, &left}, 7,
	    7, &p), CAMCA_EINVAL);
	assert_int_equal(tree_inclusion(&(struct tiles){read_fails, &left}, -1,
	    7, &p), CAMCA_EINVAL);
	assert_int_equal(tree_consistency(&(struct tiles){read_fails, &left},
	    8, 7, &p), CAMCA_EINVAL);
	assert_int_equal(tree_root(&(struct tiles){read_fails, &left},
	    TREE_SIZE_MAX + 1, &root), CAMCA_EINVAL);
	assert_int_equal(tree_root(&(struct tiles){read_fails, &left}, -1,
	    &root), CAMCA_EINVAL);
	assert_int_equal(left, 100);
}

/* A tree of equal leaves: the full subtrees of one height are all the same. */
struct uniform {
	struct hash h[57];
};

static int
uniform_read(void *arg, int level, int64_t n, int width, struct hash *out)
{
	const struct uniform *u = arg;
	int i;

	(void)n;
	for (i = 0; i < width; i++)
		out[i] = u->h[8 * level];
	return 0;
}

static void
uniform_pair(const struct tiles *t, const struct uniform *u, int64_t first,
    int64_t size)
{
	struct hash root, older;
	struct proof p;

	assert_int_equal(tree_root(t, size, &root), 0);
	assert_int_equal(tree_inclusion(t, first - 1, size, &p), 0);
	assert_int_equal(tree_check_inclusion(first - 1, size, &u->h[0], &p,
	    &root), 0);
	assert_int_equal(tree_root(t, first, &older), 0);
	assert_int_equal(tree_consistency(t, first, size, &p), 0);
	assert_int_equal(tree_check_consistency(first, size, &older, &root,
	    &p), 0);
}

static void
test_huge(void **state)
{
	static const int64_t sizes[] = {65535, 65536, 65537, 70000, 16777215,
	    16777216, 16777217, 10000000, ((int64_t)1 << 40) + 12345,
	    TREE_SIZE_MAX - 1, TREE_SIZE_MAX};
	struct uniform u;
	struct tiles t = {uniform_read, &u};
	size_t i, k;

	(void)state;
	assert_int_equal(tree_leaf(&u.h[0], "same", 4), 0);
	for (i = 1; i < 57; i++)
		assert_int_equal(tree_node(&u.h[i], &u.h[i - 1],
		    &u.h[i - 1]), 0);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		uniform_pair(&t, &u, 1, sizes[i]);
		uniform_pair(&t, &u, sizes[i] / 3, sizes[i]);
		uniform_pair(&t, &u, sizes[i] - 1, sizes[i]);
		for (k = 0; k < i; k++)
			uniform_pair(&t, &u, sizes[k] < sizes[i] ? sizes[k] :
			    1, sizes[i]);
	}
}

/* One SHA-256 for all of them gives what one for each gives, whatever came
 * before. */
static void
test_sha(void **state)
{
	struct hash a, b, c = {{0}}, d;
	struct edge e = {0}, f = {0};
	struct tree_sha *s = NULL;
	char text[700];
	size_t n;

	(void)state;
	memset(text, 'x', sizeof text);
	assert_int_equal(tree_sha_new(&s), 0);
	for (n = 0; n <= sizeof text; n++) {
		assert_int_equal(tree_leaf(&a, text, n), 0);
		assert_int_equal(tree_leaf_by(s, &b, text, n), 0);
		assert_memory_equal(a.b, b.b, sizeof a.b);
		assert_int_equal(tree_node_by(s, &d, &a, &c), 0);
		assert_int_equal(tree_node(&c, &a, &c), 0);
		assert_memory_equal(c.b, d.b, sizeof c.b);
		assert_int_equal(edge_add(&e, &a), 0);
		assert_int_equal(edge_add_by(s, &f, &a), 0);
		assert_memory_equal(&e, &f, sizeof e);
	}
	tree_sha_free(s);
	tree_sha_free(NULL);
}

static void
test_edge_limits(void **state)
{
	struct edge e = {.size = TREE_SIZE_MAX, .n = 1};
	struct hash h = {{0}}, root;

	(void)state;
	assert_int_equal(edge_add(&e, &h), CAMCA_ELIMIT);
	assert_int_equal(edge_root(&e, &root), 0);
	e = (struct edge){.size = TREE_SIZE_MAX - 1, .n = 56};
	assert_int_equal(edge_root(&e, &root), 0);
	/* What a damaged store may hold. */
	e = (struct edge){.size = 7, .n = 2};
	assert_int_equal(edge_add(&e, &h), CAMCA_EINVAL);
	assert_int_equal(edge_root(&e, &root), CAMCA_EINVAL);
	e = (struct edge){.size = -1, .n = 64};
	assert_int_equal(edge_add(&e, &h), CAMCA_EINVAL);
	e = (struct edge){.size = 0, .n = 1};
	assert_int_equal(edge_add(&e, &h), CAMCA_EINVAL);
}

/* ---- tiles ---- */

/* C2SP tlog-tiles: 70,000 entries are 273 full tiles and one of 112 hashes,
 * one full tile and one of 17, and one of 1. */
static void
test_tile_counts(void **state)
{
	static const int64_t sizes[] = {0, 1, 255, 256, 257, 65535, 65536,
	    65537, 70000};
	int64_t n, hashes;
	size_t i;
	int level;

	(void)state;
	assert_int_equal(tile_count(0, 70000), 274);
	assert_int_equal(tile_width(0, 272, 70000), 256);
	assert_int_equal(tile_width(0, 273, 70000), 112);
	assert_int_equal(tile_width(0, 274, 70000), 0);
	assert_int_equal(tile_count(1, 70000), 2);
	assert_int_equal(tile_width(1, 0, 70000), 256);
	assert_int_equal(tile_width(1, 1, 70000), 17);
	assert_int_equal(tile_count(2, 70000), 1);
	assert_int_equal(tile_width(2, 0, 70000), 1);
	assert_int_equal(tile_count(3, 70000), 0);
	assert_int_equal(tile_count(-1, 70000), 274);
	assert_int_equal(tile_width(-1, 273, 70000), 112);
	assert_int_equal(tile_width(0, -1, 70000), 0);
	assert_int_equal(tile_width(0, 0, -5), 0);
	assert_int_equal(tile_count(63, TREE_SIZE_MAX), 0);
	assert_int_equal(tile_count(7, TREE_SIZE_MAX), 1);
	assert_int_equal(tile_width(0, INT64_MAX, TREE_SIZE_MAX), 0);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (level = 0; level < 4; level++) {
			hashes = sizes[i] >> (8 * level);
			for (n = 0; n < tile_count(level, sizes[i]); n++) {
				assert_true(tile_width(level, n,
				    sizes[i]) > 0);
				hashes -= tile_width(level, n, sizes[i]);
			}
			assert_int_equal(hashes, 0);
			assert_int_equal(tile_width(level, n, sizes[i]), 0);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_roots),
		cmocka_unit_test(test_known_proofs),
		cmocka_unit_test(test_all_inclusion),
		cmocka_unit_test(test_all_consistency),
		cmocka_unit_test(test_bits_exhaustive),
		cmocka_unit_test(test_bits_all_pairs),
		cmocka_unit_test(test_consistency_ends),
		cmocka_unit_test(test_reader_errors),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_sha),
		cmocka_unit_test(test_edge_limits),
		cmocka_unit_test(test_tile_counts),
	};

	return cmocka_run_group_tests(tests, plain_setup, plain_teardown);
}
