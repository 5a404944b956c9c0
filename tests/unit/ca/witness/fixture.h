/* SPDX-License-Identifier: Apache-2.0 */
/* A witness's folder, and a log whose tree is small enough to be written down
 * by hand: entry i is one byte. */
#ifndef CAMCA_TESTS_WITNESS_FIXTURE_H
#define CAMCA_TESTS_WITNESS_FIXTURE_H

#include "tests/unit/ca/custody/witness_keys.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/ctx.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/witness/decide.h"

struct fix {
	char dir[64];
	struct cosigner own;
	struct signer_key log, second, stranger;
	struct roster *roster;
	struct desk desk;
	struct decision d;
};

static inline void
fix_file(const struct fix *f, const char *name, const void *p, size_t n)
{
	char path[300];

	assert_int_equal(file_join(path, sizeof path, f->dir, name), 0);
	assert_int_equal(file_replace(path, p, n, 0644), 0);
}

static inline void
fix_logs(const struct fix *f, const struct signer_key *const *keys, size_t n)
{
	struct buf b;
	size_t i;

	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "# logs\n\n"), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(note_key_text(&keys[i]->pub, &b), 0);
		assert_int_equal(buf_putc(&b, '\n'), 0);
	}
	fix_file(f, ROSTER_FILE, b.data, b.len);
	buf_fini(&b);
}

static inline void
fix_open(struct fix *f)
{
	roster_close(f->roster);
	f->roster = NULL;
	assert_int_equal(roster_open(&f->roster, f->dir, &f->own, NULL), 0);
	f->desk = (struct desk){ f->dir, &f->own, f->roster,
	    &camca_ctx_system };
}

static inline int
fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	const struct signer_key *keys[1];
	char path[128];

	assert_non_null(f);
	log_setup("test", (enum log_level)0);
	snprintf(f->dir, sizeof f->dir, "/tmp/camca-witness.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof path, "%s/state", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(cosigner_make(f->dir, "w.test", NULL), 0);
	assert_int_equal(cosigner_open(&f->own, f->dir, NULL), 0);
	key_new(&f->log, "log.test", NOTE_ED25519);
	key_new(&f->second, "log.test", NOTE_ED25519);
	key_new(&f->stranger, "other.test", NOTE_ED25519);
	keys[0] = &f->log;
	fix_logs(f, keys, 1);
	fix_open(f);
	*state = f;
	return 0;
}

static int
fix_unlink(const char *path, const struct stat *st, int flag, struct FTW *x)
{
	(void)st;
	(void)flag;
	(void)x;
	return remove(path);
}

static inline int
fix_teardown(void **state)
{
	struct fix *f = *state;

	decision_fini(&f->d);
	roster_close(f->roster);
	cosigner_fini(&f->own);
	key_free(&f->log);
	key_free(&f->second);
	key_free(&f->stranger);
	nftw(f->dir, fix_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* ---- the log's tree: a tile of one level ---- */

struct tree {
	char branch;                   /* of entry 3 and all that follow */
};

static inline int
tree_tile(void *arg, int level, int64_t n, int width, struct hash *out)
{
	const struct tree *t = arg;
	uint8_t entry[2];
	int i, ret = 0;

	assert_int_equal(level, 0);
	assert_int_equal(n, 0);
	for (i = 0; i < width && ret == 0; i++) {
		entry[0] = (uint8_t)i;
		entry[1] = (uint8_t)(i < 3 ? 'a' : t->branch);
		ret = tree_leaf(&out[i], entry, sizeof entry);
	}
	return ret;
}

/* A request of `size` entries of a branch with a proof from `from`, signed by
 * k under its own name. */
static inline void
fix_request(struct buf *out, const struct signer_key *k, char branch,
    int64_t old, int64_t from, int64_t size)
{
	struct tree t = { branch };
	const struct tiles tiles = { tree_tile, &t };
	struct checkpoint c = { .size = size };
	struct witness_request r = { .old_size = old };
	struct buf text, note;

	buf_init(&text, 0);
	buf_init(&note, 0);
	snprintf(c.origin, sizeof c.origin, "%s", k->pub.name);
	assert_int_equal(tree_root(&tiles, size, &c.root), 0);
	if (from > 0 && from < size)
		assert_int_equal(tree_consistency(&tiles, from, size,
		    &r.proof), 0);
	key_note(k, &c, &text, &note);
	r.note = buf_str(&note);
	r.note_len = note.len;
	assert_int_equal(witness_request_text(&r, out), 0);
	buf_fini(&text);
	buf_fini(&note);
}

/* Posts it; the status. */
static inline int
fix_add(struct fix *f, const struct signer_key *k, char branch, int64_t old,
    int64_t from, int64_t size)
{
	struct buf b;

	buf_init(&b, 0);
	fix_request(&b, k, branch, old, from, size);
	decision_fini(&f->d);
	decide_add(&f->desk, b.data, b.len, &f->d);
	buf_fini(&b);
	return f->d.http;
}

#endif
