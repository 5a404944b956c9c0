/* SPDX-License-Identifier: Apache-2.0 */
/* A custody log as a folder of files, as a web server would have it: for
 * verifiers that are not ours.
 *
 *   custody_export --make OUT SIZE...   a new log (sizes rising), with keys of
 *                                       its own, a checkpoint at each size
 *   custody_export --copy DB OUT        the log of a store, all its checkpoints
 *
 * (proofs for twenty of them)
 *
 * OUT/vkeys, OUT/checkpoint (the newest), OUT/checkpoint.SIZE, OUT/tile/...,
 * OUT/tile/entries/..., OUT/proof/SIZE/INDEX.tlog-proof, OUT/proof/SIZE/from.OLD
 * (hashes of a consistency proof, one a line). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/custody/append.h"
#include "ca/custody/origin.h"
#include "ca/custody/reader.h"
#include "ca/custody/tlog.h"
#include "ca/store/store_log_sign.h"

#define EXPORT_ORIGIN "log.example/custody"
#define EXPORT_PATH 1024
#define EXPORT_STEP 4096               /* events of one transaction */
#define EXPORT_PROVEN 20               /* checkpoints that get proofs */

struct export {
	struct store *store;
	const char *out;
	int64_t size, step;            /* --make: what is asked for */
	EVP_PKEY *pair[ORIGIN_KEYS];
	struct note_key keys[ORIGIN_KEYS];
	struct append *append;
	int64_t sizes[64];             /* exported so far, for proofs */
	size_t nsizes;
	int64_t seen, all;             /* --copy: checkpoints */
};

static const struct event_source export_src = { &camca_ctx_system, "n1" };

/* ---- files ---- */

static int
export_mkdirs(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return CAMCA_EIO;
		*slash = '/';
	}
	return CAMCA_OK;
}

static int
export_file(const struct export *x, const char *name, const void *p, size_t n)
{
	char path[EXPORT_PATH];
	FILE *f;
	int ret;

	if (snprintf(path, sizeof path, "%s/%s", x->out, name) >=
	    (int)sizeof path)
		return CAMCA_ELIMIT;
	ret = export_mkdirs(path);
	if (ret < 0)
		return ret;
	f = fopen(path, "wb");
	if (f == NULL)
		return CAMCA_EIO;
	ret = n == 0 || fwrite(p, 1, n, f) == n ? CAMCA_OK : CAMCA_EIO;
	return fclose(f) == 0 ? ret : CAMCA_EIO;
}

static int
export_buf(const struct export *x, const char *name, struct buf *b)
{
	int ret = export_file(x, name, b->data, b->len);

	buf_reset(b);
	return ret;
}

/* ---- tiles, entries, proofs ---- */

static int
export_tile(const struct export *x, struct tx *tx, const struct tiles *tiles,
    int level, int64_t n, int width)
{
	char name[TILE_PATH_MAX + 8] = "tile/";
	struct hash h[TILE_HASHES];
	struct buf b;
	int ret;

	tile_path(name + 5, level, n, width);
	if (level >= 0) {
		ret = tiles->read(tiles->arg, level, n, width, h);
		return ret < 0 ? ret : export_file(x, name, h,
		    (size_t)width * sizeof *h);
	}
	buf_init(&b, 0);
	ret = reader_bundle(tx, n, width, &b);
	if (ret == CAMCA_OK)
		ret = export_buf(x, name, &b);
	buf_fini(&b);
	return ret;
}

/* Those that the size before this one did not have, or had narrower. */
static int
export_tiles(const struct export *x, struct tx *tx, const struct tiles *tiles,
    int64_t size)
{
	int64_t before = x->nsizes > 0 ? x->sizes[x->nsizes - 1] : 0, n;
	int level, width, ret;

	for (level = TILE_ENTRIES; level < 64; level++)
		for (n = 0; n < tile_count(level, size); n++) {
			width = tile_width(level, n, size);
			if (width == tile_width(level, n, before))
				continue;
			ret = export_tile(x, tx, tiles, level, n, width);
			if (ret < 0)
				return ret;
		}
	return CAMCA_OK;
}

static int
export_inclusion(const struct export *x, const struct tiles *tiles,
    int64_t index, int64_t size, const struct store_blob *note)
{
	struct tlog_proof t = { .index = index, .note = (const char *)note->p,
	    .note_len = note->n };
	char name[128];
	struct buf b;
	int ret;

	if (index < 0 || index >= size)
		return CAMCA_OK;
	snprintf(name, sizeof name, "proof/%" PRId64 "/%" PRId64
	    ".tlog-proof", size, index);
	buf_init(&b, 0);
	ret = tree_inclusion(tiles, index, size, &t.proof);
	if (ret == CAMCA_OK)
		ret = tlog_proof_text(&t, &b);
	if (ret == CAMCA_OK)
		ret = export_buf(x, name, &b);
	buf_fini(&b);
	return ret;
}

static int
export_consistency(const struct export *x, const struct tiles *tiles,
    int64_t first, int64_t second)
{
	struct proof p;
	char name[128];
	struct buf b;
	size_t i;
	int ret;

	if (first < 1 || first > second)
		return CAMCA_OK;
	snprintf(name, sizeof name, "proof/%" PRId64 "/from.%" PRId64, second,
	    first);
	buf_init(&b, 0);
	ret = tree_consistency(tiles, first, second, &p);
	for (i = 0; ret == CAMCA_OK && i < p.n; i++)
		ret = enc_base64(&b, p.path[i].b, TREE_HASH_LEN,
		    (TREE_HASH_LEN + 2) / 3 * 4);
	if (ret == CAMCA_OK)
		ret = export_buf(x, name, &b);
	buf_fini(&b);
	return ret;
}

static int
export_proofs(const struct export *x, const struct tiles *tiles, int64_t size,
    const struct store_blob *note)
{
	static const int64_t at[] = {0, 1, 2, 127, 128, 254, 255, 256, 257,
	    511, 512, 32767, 32768, 65279, 65280, 65534, 65535, 65536, 65537};
	size_t i;
	int ret;

	for (i = 0; i < sizeof at / sizeof *at; i++)
		if ((ret = export_inclusion(x, tiles, at[i], size, note)) < 0 ||
		    (ret = export_consistency(x, tiles, at[i], size)) < 0 ||
		    (ret = export_inclusion(x, tiles, size - 1 - at[i], size,
		    note)) < 0 || (ret = export_consistency(x, tiles,
		    size - at[i], size)) < 0)
			return ret;
	for (i = 0; i < x->nsizes; i++)
		if ((ret = export_consistency(x, tiles, x->sizes[i],
		    size)) < 0)
			return ret;
	return export_inclusion(x, tiles, size / 3, size, note);
}

/* Everything that a checkpoint of this size needs. */
static int
export_checkpoint(struct export *x, struct tx *tx, int64_t size,
    const struct store_blob *note)
{
	struct reader *r = NULL;
	char name[64];
	int ret = reader_open(&r, tx);

	snprintf(name, sizeof name, "checkpoint.%" PRId64, size);
	if (ret == CAMCA_OK)
		ret = export_tiles(x, tx, reader_tiles(r), size);
	if (ret == CAMCA_OK && (x->seen++ % (x->all / EXPORT_PROVEN + 1) == 0 ||
	    x->seen == x->all))
		ret = export_proofs(x, reader_tiles(r), size, note);
	if (ret == CAMCA_OK)
		ret = export_file(x, name, note->p, note->n);
	if (ret == CAMCA_OK)
		ret = export_file(x, "checkpoint", note->p, note->n);
	reader_close(r);
	/* Where there are many, the newest are the ones proofs start from. */
	if (x->nsizes == sizeof x->sizes / sizeof *x->sizes)
		memmove(x->sizes, x->sizes + 1,
		    --x->nsizes * sizeof *x->sizes);
	x->sizes[x->nsizes++] = size;
	return ret;
}

/* ---- --make ---- */

static int
export_keys(struct export *x)
{
	static const enum note_alg algs[] = {NOTE_ED25519, NOTE_ECDSA};
	struct buf b;
	size_t i;
	int ret = CAMCA_OK;

	buf_init(&b, 0);
	x->pair[0] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	x->pair[1] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	for (i = 0; i < ORIGIN_KEYS && ret == CAMCA_OK; i++) {
		ret = x->pair[i] == NULL ? CAMCA_ECRYPTO : note_key_make(
		    &x->keys[i], EXPORT_ORIGIN, algs[i], x->pair[i]);
		if (ret == CAMCA_OK)
			ret = note_key_text(&x->keys[i], &b);
		if (ret == CAMCA_OK)
			ret = buf_putc(&b, '\n');
	}
	if (ret == CAMCA_OK)
		ret = export_buf(x, "vkeys", &b);
	buf_fini(&b);
	return ret;
}

static int
export_line(const struct export *x, size_t i, const char *text,
    size_t text_len, struct buf *out)
{
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	uint8_t sig[NOTE_SIG_MAX];
	size_t n = sizeof sig;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL,
	    x->keys[i].alg == NOTE_ECDSA ? EVP_sha256() : NULL, NULL,
	    x->pair[i]) != 1 || EVP_DigestSign(ctx, sig, &n,
	    (const uint8_t *)text, text_len) != 1)
		return CAMCA_ECRYPTO;
	return note_line(&x->keys[i], 0, sig, n, out);
}

static int
export_sign(const struct export *x, const struct checkpoint *c,
    struct buf *out)
{
	struct buf text;
	size_t i;
	int ret;

	buf_init(&text, 0);
	ret = checkpoint_text(c, &text);
	if (ret == CAMCA_OK)
		ret = buf_printf(out, "%s\n", buf_str(&text));
	for (i = 0; i < ORIGIN_KEYS && ret == CAMCA_OK; i++)
		ret = export_line(x, i, buf_str(&text), text.len, out);
	buf_fini(&text);
	return ret;
}

static int
export_made_tx(struct tx *tx, void *arg)
{
	struct export *x = arg;
	struct checkpoint c = { .origin = EXPORT_ORIGIN };
	struct store_blob note;
	struct edge e;
	struct buf b;
	int ret = reader_edge(tx, &e);

	buf_init(&b, 0);
	c.size = e.size;
	if (ret == CAMCA_OK && e.size != x->size)
		ret = CAMCA_ECONFLICT;
	if (ret == CAMCA_OK)
		ret = edge_root(&e, &c.root);
	if (ret == CAMCA_OK)
		ret = export_sign(x, &c, &b);
	note = (struct store_blob){ b.data, b.len };
	if (ret == CAMCA_OK)
		ret = export_checkpoint(x, tx, c.size, &note);
	buf_fini(&b);
	return ret;
}

static int
export_put_tx(struct tx *tx, void *arg)
{
	struct export *x = arg;
	char device[32];
	struct event e;
	int64_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < x->step && ret == CAMCA_OK; i++) {
		snprintf(device, sizeof device, "cam-%" PRId64, i % 1000);
		event_init(&e, &export_src, "secret.made", device, "uid 0");
		event_add_time(&e, "expires", e.time_ms);
		ret = event_put(tx, &e);
	}
	return ret;
}

static int
export_append_tx(struct tx *tx, void *arg)
{
	struct export *x = arg;
	struct refusal why = { 0 };
	int64_t taken, left;
	int ret = log_append(tx, x->append, &taken, &left, &why);

	if (ret < 0)
		fprintf(stderr, "log_append: %s\n", why.detail);
	return ret == CAMCA_OK && taken != x->step ? CAMCA_ECONFLICT : ret;
}

static int
export_grow(struct export *x, int64_t from, int64_t to)
{
	int64_t done;
	int ret = CAMCA_OK;

	for (done = from; done < to && ret == CAMCA_OK; done += x->step) {
		x->step = to - done < EXPORT_STEP ? to - done : EXPORT_STEP;
		ret = store_tx(x->store, DB_WRITE, export_put_tx, x);
		if (ret == CAMCA_OK)
			ret = store_tx(x->store, DB_WRITE, export_append_tx,
			    x);
	}
	return ret;
}

static int
export_make(struct export *x, int nsizes, char **sizes)
{
	int64_t had = 0;
	int i, ret = export_keys(x);

	if (ret == CAMCA_OK)
		ret = append_new(&x->append, &export_src, EXPORT_STEP);
	for (i = 0; i < nsizes && ret == CAMCA_OK; i++) {
		x->size = strtoll(sizes[i], NULL, 10);
		ret = export_grow(x, had, x->size);
		if (ret == CAMCA_OK)
			ret = store_tx(x->store, DB_READ, export_made_tx, x);
		had = x->size;
	}
	append_free(x->append);
	for (i = 0; i < ORIGIN_KEYS; i++) {
		note_key_fini(&x->keys[i]);
		EVP_PKEY_free(x->pair[i]);
	}
	return ret;
}

/* ---- --copy ---- */

struct export_copy {
	struct export *x;
	struct tx *tx;
};

static int
export_copy_one(const struct checkpoint_row *r, void *arg)
{
	struct export_copy *c = arg;

	return export_checkpoint(c->x, c->tx, r->size, &r->note);
}

static int
export_count(const struct checkpoint_row *r, void *arg)
{
	(void)r;
	((struct export *)arg)->all++;
	return CAMCA_OK;
}

static int
export_copy_tx(struct tx *tx, void *arg)
{
	struct export_copy c = { arg, tx };
	char name[NOTE_NAME_MAX];
	struct origin o;
	struct buf b;
	int64_t i;
	int ret = origin_load(tx, &o);

	if (ret < 0)
		return ret;
	buf_init(&b, 0);
	for (i = 1; i <= o.number && ret == CAMCA_OK; i++) {
		origin_name(name, &o, i);
		ret = origin_vkeys(&o, name, &b);
	}
	if (ret == CAMCA_OK)
		ret = export_buf(c.x, "vkeys", &b);
	buf_fini(&b);
	origin_fini(&o);
	if (ret == CAMCA_OK)
		ret = store_checkpoint_list(tx, -1, INT64_MAX, export_count,
		    c.x);
	return ret < 0 ? ret : store_checkpoint_list(tx, -1, INT64_MAX,
	    export_copy_one, &c);
}

static int
export_run(struct export *x, const char *db, bool create, int nsizes,
    char **sizes)
{
	struct store_conf conf = { .path = db, .readers = 1, .batch_max = 1,
	    .queue_max = 8, .ctx = &camca_ctx_system };
	struct refusal why = { 0 };
	int ret = store_open(&x->store, &conf, create, &why);

	if (ret < 0) {
		fprintf(stderr, "%s: %s\n", db, why.detail);
		return ret;
	}
	ret = create ? export_make(x, nsizes, sizes) :
	    store_tx(x->store, DB_READ, export_copy_tx, x);
	store_close(x->store);
	return ret;
}

int
main(int argc, char **argv)
{
	struct export x = { 0 };
	char db[EXPORT_PATH];
	int ret = CAMCA_EINVAL;

	log_setup("custody_export", LOG_WARN);
	if (argc >= 4 && strcmp(argv[1], "--make") == 0) {
		x.out = argv[2];
		snprintf(db, sizeof db, "%s.sqlite", argv[2]);
		ret = export_run(&x, db, true, argc - 3, argv + 3);
	} else if (argc == 4 && strcmp(argv[1], "--copy") == 0) {
		x.out = argv[3];
		ret = export_run(&x, argv[2], false, 0, NULL);
	} else
		fprintf(stderr, "usage: custody_export --make OUT SIZE... | "
		    "--copy DB OUT\n");
	if (ret < 0)
		fprintf(stderr, "custody_export: %s\n", camca_strerror(ret));
	return ret < 0;
}
