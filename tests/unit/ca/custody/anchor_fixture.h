/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors over a store of their own: the clocks are the test's, the courier and
 * the witnesses too. */
#ifndef CAMCA_TESTS_ANCHOR_FIXTURE_H
#define CAMCA_TESTS_ANCHOR_FIXTURE_H

#include "tests/unit/ca/custody/witness_keys.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/custody/anchor.h"
#include "ca/custody/append.h"
#include "ca/custody/reader.h"

#define NOW INT64_C(1800000000000)
#define WITNESSES 2

struct fix {
	char dir[64];
	int64_t now_ms, clock_ms;
	struct camca_ctx ctx;
	struct event_source src;
	struct store *store;
	struct anchor_conf conf;
	struct config_tsa tsas[2];
	struct anchor *an;
	struct signer_key log, w[WITNESSES];
	struct anchor_work work;
	uint8_t serial;
	int64_t size;                  /* of the newest checkpoint */
};

static inline int64_t
fix_now(void *arg)
{
	return ((struct fix *)arg)->now_ms;
}

static inline int64_t
fix_clock(void *arg)
{
	return ((struct fix *)arg)->clock_ms;
}

static inline int
fix_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return ctx_random(&camca_ctx_system, out, n);
}

static inline void
fix_file(struct fix *f, const char *name, const char *text, size_t n)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	assert_int_equal(file_replace(path, text, n, 0644), 0);
}

static inline void
fix_key(struct buf *b, const char *before, const struct signer_key *k,
    const char *after)
{
	assert_int_equal(buf_puts(b, before), 0);
	assert_int_equal(note_key_text(&k->pub, b), 0);
	assert_int_equal(buf_puts(b, after), 0);
}

static inline void
fix_policy(struct fix *f, const char *quorum)
{
	struct buf b;

	buf_init(&b, 0);
	fix_key(&b, "log ", &f->log, "\n");
	fix_key(&b, "witness a ", &f->w[0], " http://a.test/\n");
	fix_key(&b, "witness b ", &f->w[1], " https://b.test/w\n");
	assert_int_equal(buf_puts(&b, quorum), 0);
	fix_file(f, "policy.tlog", buf_str(&b), b.len);
	buf_fini(&b);
}

#define BOTH "group both all a b\nquorum both\n"

static inline void
fix_open(struct fix *f)
{
	assert_int_equal(anchor_open(&f->an, &f->conf), 0);
}

static inline int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	struct store_conf sc = { .readers = 2, .batch_max = 8,
	    .queue_max = 16, .ctx = &camca_ctx_system };
	char path[128];

	assert_non_null(f);
	log_setup("test", (enum log_level)0);
	snprintf(f->dir, sizeof f->dir, "/tmp/camca-anchor.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof path, "%s/db", f->dir);
	sc.path = path;
	assert_int_equal(store_open(&f->store, &sc, true, NULL), 0);
	f->now_ms = NOW;
	f->clock_ms = 1000000;
	f->ctx = (struct camca_ctx){ fix_now, fix_random, f };
	f->src = (struct event_source){ &f->ctx, "test" };
	f->conf = (struct anchor_conf){ .store = f->store, .src = &f->src,
	    .dir = f->dir, .tsas = f->tsas, .timestamp_ms = 3600000,
	    .clock_ms = fix_clock, .arg = f };
	key_new(&f->log, "log.test", NOTE_ED25519);
	key_new(&f->w[0], "a.test", NOTE_COSIG_ED25519);
	key_new(&f->w[1], "b.test", NOTE_COSIG_ED25519);
	fix_policy(f, BOTH);
	fix_open(f);
	*state = f;
	return 0;
}

static inline int
fix_unlink(const char *path, const struct stat *st, int flag, struct FTW *x)
{
	(void)st;
	(void)flag;
	(void)x;
	return remove(path);
}

static inline int
teardown(void **state)
{
	struct fix *f = *state;

	anchor_work_fini(&f->work);
	anchor_close(f->an);
	store_close(f->store);
	key_free(&f->log);
	key_free(&f->w[0]);
	key_free(&f->w[1]);
	nftw(f->dir, fix_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* ---- the log ---- */

struct growth {
	struct fix *f;
	int n;
	struct grow g;
};

static inline void
growth_sign(struct tx *tx, struct growth *x)
{
	struct checkpoint c = { .origin = "log.test" };
	struct checkpoint_row row = { .signed_ms = x->f->now_ms };
	struct buf text, note;
	struct edge e;

	buf_init(&text, 0);
	buf_init(&note, 0);
	assert_int_equal(reader_edge(tx, &e), 0);
	c.size = row.size = e.size;
	assert_int_equal(edge_root(&e, &c.root), 0);
	memcpy(row.root, c.root.b, sizeof row.root);
	key_note(&x->f->log, &c, &text, &note);
	row.note = (struct store_blob){ note.data, note.len };
	assert_int_equal(store_checkpoint_put(tx, &row), 0);
	x->f->size = e.size;
	buf_fini(&text);
	buf_fini(&note);
}

static inline int
growth_tx(struct tx *tx, void *arg)
{
	struct growth *x = arg;
	uint8_t body[] = "\n\n\n\n\nabc";
	struct event_row e = { .device = "-",
	    .body = { body, sizeof body - 1 } };
	struct log_entry_row r = { .prev = -1, .n = 1, .data = e.body };
	int i;

	assert_int_equal(grow_begin(&x->g, tx), 0);
	for (i = 0; i < x->n; i++) {
		body[5]++;
		assert_int_equal(ctx_random(&camca_ctx_system, e.id,
		    sizeof e.id), 0);
		assert_int_equal(store_outbox_put(tx, &e), 0);
		assert_int_equal(grow_add(&x->g, &r), 0);
	}
	assert_int_equal(grow_end(&x->g), 0);
	growth_sign(tx, x);
	return CAMCA_OK;
}

/* n entries more, and a checkpoint over all. */
static inline void
grow(struct fix *f, int n)
{
	struct growth *x = calloc(1, sizeof *x);

	assert_non_null(x);
	x->f = f;
	x->n = n;
	assert_int_equal(store_tx(f->store, DB_WRITE, growth_tx, x), 0);
	free(x);
}

/* ---- the courier and the witnesses ---- */

/* The next request: 0 or 1, the witness that it is to; -1: none; 2: a TSA. */
static inline int
next(struct fix *f)
{
	anchor_work_fini(&f->work);
	assert_int_equal(anchor_next(f->an, 0, &f->work), 0);
	if (f->work.id[0] == '\0')
		return -1;
	assert_int_equal(strlen(f->work.id), ANCHOR_ID_LEN);
	if (strcmp(f->work.type, "application/timestamp-query") == 0)
		return 2;
	assert_int_equal(f->work.timeout_ms, 1000);
	if (strcmp(f->work.url, "http://a.test/add-checkpoint") == 0)
		return 0;
	assert_string_equal(f->work.url,
	    "https://b.test/w/add-checkpoint");
	return 1;
}

static inline int
done_as(struct fix *f, const char *id, int status, const char *type,
    const void *body, size_t n)
{
	const struct anchor_answer a = { .id = id, .status = status,
	    .type = type, .body = body, .body_len = n };

	return anchor_done(f->an, &a, NULL);
}

static inline void
done(struct fix *f, int status, const char *type, const char *body)
{
	assert_int_equal(done_as(f, f->work.id, status, type, body,
	    strlen(body)), 0);
}

static inline void
fails(struct fix *f, const char *error)
{
	const struct anchor_answer a = { .id = f->work.id, .error = error };

	assert_int_equal(anchor_done(f->an, &a, NULL), 0);
}

/* The request under way. */
static inline void
asked(struct fix *f, struct witness_request *q, struct checkpoint *c,
    struct note *n)
{
	assert_int_equal(witness_request_parse(q, f->work.body.data,
	    f->work.body.len, NULL), 0);
	assert_int_equal(note_parse(n, q->note, q->note_len, NULL), 0);
	assert_int_equal(checkpoint_parse(c, n->text, n->text_len, NULL), 0);
}

/* A good answer by key k, if the request is about these sizes. */
static inline void
cosign_by(struct fix *f, const struct signer_key *k, int64_t old,
    int64_t size)
{
	struct note *n = malloc(sizeof *n);
	struct witness_request q;
	struct checkpoint c;
	struct buf line;

	assert_non_null(n);
	buf_init(&line, 0);
	asked(f, &q, &c, n);
	assert_int_equal(q.old_size, old);
	assert_int_equal(c.size, size);
	if (old == 0 || old == size)
		assert_int_equal(q.proof.n, 0);
	else
		assert_true(q.proof.n > 0);
	key_line(k, n->text, n->text_len, f->now_ms / 1000, &line);
	done(f, 200, "text/plain", buf_str(&line));
	buf_fini(&line);
	free(n);
}

static inline void
cosign(struct fix *f, int which, int64_t old, int64_t size)
{
	assert_int_equal(next(f), which);
	cosign_by(f, &f->w[which], old, size);
}

struct find_state {
	const char *name;
	struct anchor_state s;
};

static inline int
find_state(const struct anchor_state *s, void *arg)
{
	struct find_state *x = arg;

	if (strcmp(s->name, x->name) == 0)
		x->s = *s;
	return 0;
}

static inline void
is(struct fix *f, const char *name, enum anchor_state_is want,
    const char *words)
{
	struct find_state x = { .name = name };

	assert_int_equal(anchor_list(f->an, find_state, &x), 0);
	assert_string_equal(x.s.name, name);
	assert_int_equal(x.s.is, want);
	if (strstr(x.s.failed, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, x.s.failed);
}

static inline int64_t
quorum(struct fix *f)
{
	struct anchor_summary s;

	assert_int_equal(anchor_summary(f->an, &s), 0);
	assert_string_equal(s.why, "");
	assert_int_equal(s.newest_size, f->size);
	return s.quorum_size;
}

static inline int
count_tx(struct tx *tx, void *arg)
{
	return store_outbox_count(tx, arg);
}

static inline int64_t
events(struct fix *f)
{
	int64_t n = 0;

	assert_int_equal(store_tx(f->store, DB_READ, count_tx, &n), 0);
	return n;
}

struct got {
	struct fix *f;
	struct buf cosigs;
	struct checkpoint_row row;
};

static inline int
got_tx(struct tx *tx, void *arg)
{
	struct got *g = arg;

	assert_int_equal(custody_cosigs(tx, g->f->size, &g->cosigs), 0);
	return anchor_checkpoint(tx, g->f->an, &g->row);
}

#endif
