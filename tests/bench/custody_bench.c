/* SPDX-License-Identifier: Apache-2.0 */
/* The custody log alone, one JSON line a measurement:
 *
 *   custody_bench append FOLDER EVENTS BATCH ROUNDS
 *     events that wait into the log, against the same bytes inserted and
 *     committed in batches of the same size without the log
 *   custody_bench proof FOLDER ENTRIES PROOFS
 *     fills a log of so many small entries, then makes inclusion and
 *     consistency proofs through the store */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/custody/append.h"
#include "ca/custody/reader.h"

#define BENCH_FILL 50000               /* entries of a filling transaction */
#define BENCH_DEVICES 1000

static const struct event_source src = { &camca_ctx_system, "bench" };

static double
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Processor seconds: what stays comparable on a machine that others use. */
static double
bench_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
bench_die(const char *what, int err)
{
	fprintf(stderr, "custody_bench: %s: %s\n", what, camca_strerror(err));
	exit(1);
}

static struct store *
bench_open(const char *folder)
{
	char path[512];
	struct store_conf conf = { .path = path, .readers = 1, .batch_max = 1,
	    .queue_max = 8, .ctx = &camca_ctx_system };
	struct refusal why = { 0 };
	struct store *s = NULL;

	snprintf(path, sizeof path, "%s/bench.sqlite", folder);
	if (store_open(&s, &conf, true, &why) < 0)
		bench_die(why.detail, CAMCA_EDB);
	return s;
}

/* ---- append ---- */

/* Seconds and processor seconds of one of the two. */
struct bench_time {
	double wall, cpu;
};

struct bench {
	const char *folder;
	struct store *store;
	struct append *append;
	sqlite3 *h;
	sqlite3_stmt *insert;
	int batch;
	int64_t next, plain_next;
	struct bench_time log, plain;
};

/* As an enrollment writes them: two for each device. */
static int
bench_event(struct tx *tx, int64_t i)
{
	uint8_t hash[32];
	struct event e;
	char device[32];

	snprintf(device, sizeof device, "bench-%06d",
	    (int)(i / 2 * 7919 % BENCH_DEVICES));
	memset(hash, (int)i, sizeof hash);
	event_init(&e, &src, "cert.issued", device, "gate");
	event_add_hex(&e, "cert-sha256", hash, 32);
	event_add_hex(&e, "serial", hash, 20);
	event_add_hex(&e, "issuer-ski", hash, 20);
	event_add(&e, "profile", "camera-ec");
	event_add_hex(&e, "policy", hash, 32);
	event_add_hex(&e, "spki", hash, 32);
	event_add(&e, "auth", "secret");
	return event_put(tx, &e);
}

static int
bench_put_tx(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	int64_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < b->batch && ret == CAMCA_OK; i++)
		ret = bench_event(tx, b->next + i);
	return ret;
}

static int
bench_append_tx(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	int64_t taken, left;

	return log_append(tx, b->append, &taken, &left, NULL);
}

static void
bench_add(struct bench_time *t, double t0, double c0)
{
	t->wall += bench_now() - t0;
	t->cpu += bench_cpu() - c0;
}

static void
bench_log(struct bench *b)
{
	double t0 = bench_now(), c0 = bench_cpu();
	int ret = store_tx(b->store, DB_WRITE, bench_append_tx, b);

	if (ret < 0)
		bench_die("append", ret);
	bench_add(&b->log, t0, c0);
}

/* ---- the same bytes without the log ---- */

static void
bench_sql(sqlite3 *h, const char *text)
{
	if (sqlite3_exec(h, text, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "custody_bench: %s\n", sqlite3_errmsg(h));
		exit(1);
	}
}

static sqlite3 *
bench_sqlite(const char *folder, const char *name)
{
	char path[512];
	sqlite3 *h = NULL;

	snprintf(path, sizeof path, "%s/%s.sqlite", folder, name);
	if (sqlite3_open(path, &h) != SQLITE_OK)
		bench_die("database", CAMCA_EDB);
	return h;
}

/* A checkpoint, which brings the pages of the waiting events too to their
 * places, is not to fall into a round of one of the two by chance. */
static void
bench_clean(const char *folder, const char *name)
{
	sqlite3 *h = bench_sqlite(folder, name);

	bench_sql(h, "PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(h);
}

static sqlite3 *
bench_plain_open(const char *folder)
{
	sqlite3 *h = bench_sqlite(folder, "plain");

	bench_sql(h, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;"
	    "CREATE TABLE plain (idx INTEGER PRIMARY KEY, data BLOB NOT NULL)"
	    " STRICT");
	return h;
}

struct bench_bytes {
	struct store_blob *list;
	int64_t n;
};

static int
bench_keep(const struct log_entry_row *r, void *arg)
{
	struct bench_bytes *k = arg;
	struct store_blob *b = &k->list[k->n++];

	if ((b->p = malloc(r->data.n)) == NULL)
		return CAMCA_ENOMEM;
	memcpy(b->p, r->data.p, b->n = r->data.n);
	return CAMCA_OK;
}

struct bench_last {
	struct bench_bytes *bytes;
	int64_t n;
};

static int
bench_last_tx(struct tx *tx, void *arg)
{
	struct bench_last *l = arg;
	int64_t size;
	int ret = store_log_size(tx, &size);

	l->bytes->n = 0;
	return ret < 0 ? ret : store_log_entry_list(tx, size - l->n, l->n,
	    bench_keep, l->bytes);
}

static void
bench_plain(struct bench *b, const struct bench_bytes *k)
{
	double t0 = bench_now(), c0 = bench_cpu();
	int64_t i;

	bench_sql(b->h, "BEGIN IMMEDIATE");
	for (i = 0; i < k->n; i++) {
		sqlite3_bind_int64(b->insert, 1, b->plain_next++);
		sqlite3_bind_blob64(b->insert, 2, k->list[i].p, k->list[i].n,
		    SQLITE_STATIC);
		if (sqlite3_step(b->insert) != SQLITE_DONE)
			bench_die("insert", CAMCA_EDB);
		sqlite3_reset(b->insert);
	}
	bench_sql(b->h, "COMMIT");
	bench_add(&b->plain, t0, c0);
}

/* The events of one batch are stored, as their operations do it; then, with
 * the clock running, they get into the log; then their entries into a table.
 * The two take turns, so that both see the same machine. */
static void
bench_batch(struct bench *b, struct bench_bytes *k)
{
	struct bench_last last = { k, b->batch };
	int64_t i;
	int ret;

	if ((ret = store_tx(b->store, DB_WRITE, bench_put_tx, b)) < 0)
		bench_die("events", ret);
	b->next += b->batch;
	bench_log(b);
	if ((ret = store_tx(b->store, DB_READ, bench_last_tx, &last)) < 0)
		bench_die("entries", ret);
	bench_plain(b, k);
	for (i = 0; i < k->n; i++)
		free(k->list[i].p);
}

static void
bench_round(struct bench *b, int64_t events)
{
	struct bench_bytes k = { calloc((size_t)b->batch,
	    sizeof (struct store_blob)), 0 };
	double n = 0;

	if (k.list == NULL)
		bench_die("memory", CAMCA_ENOMEM);
	b->log = b->plain = (struct bench_time){ 0, 0 };
	bench_clean(b->folder, "bench");
	bench_clean(b->folder, "plain");
	for (; n < (double)events; n += b->batch)
		bench_batch(b, &k);
	printf("{\"batch\":%d,\"log\":%.0f,\"plain\":%.0f,\"ratio\":%.3f,"
	    "\"log_cpu_us\":%.2f,\"plain_cpu_us\":%.2f}\n", b->batch,
	    n / b->log.wall, n / b->plain.wall, b->plain.wall / b->log.wall,
	    b->log.cpu * 1e6 / n, b->plain.cpu * 1e6 / n);
	fflush(stdout);
	free(k.list);
}

static int
bench_append(const char *folder, int64_t events, int batch, int rounds)
{
	struct bench b = { .folder = folder, .store = bench_open(folder),
	    .batch = batch,
	    .h = bench_plain_open(folder) };
	int i, ret = append_new(&b.append, &src, (size_t)batch);

	if (ret < 0)
		bench_die("batch", ret);
	if (sqlite3_prepare_v2(b.h, "INSERT INTO plain VALUES (?, ?)", -1,
	    &b.insert, NULL) != SQLITE_OK)
		bench_die("prepare", CAMCA_EDB);
	for (i = 0; i < rounds; i++)
		bench_round(&b, events);
	sqlite3_finalize(b.insert);
	sqlite3_close(b.h);
	append_free(b.append);
	store_close(b.store);
	return 0;
}

/* ---- proofs ---- */

struct bench_fill {
	struct grow *grow;
	int64_t size, to;
};

/* A small event of no type, and its entry. Ids rise, as those of events do. */
static int
bench_fill_one(struct tx *tx, struct grow *g, int64_t i)
{
	char text[64];
	struct event_row e = { .device = "-", .body.p = (uint8_t *)text };
	struct log_entry_row r = { .prev = i - BENCH_DEVICES, .n = 1 };
	int k, ret;

	for (k = 0; k < 8; k++)
		e.id[k] = (uint8_t)(i >> (56 - 8 * k));
	/* Five lines stand in front of those of the chain. */
	e.body.n = (size_t)snprintf(text, sizeof text, "\n\n\n\n\nentry %"
	    PRId64, i);
	r.data = e.body;
	if (r.prev < -1)
		r.prev = -1;
	ret = store_outbox_put(tx, &e);
	return ret < 0 ? ret : grow_add(g, &r);
}

static int
bench_fill_tx(struct tx *tx, void *arg)
{
	struct bench_fill *f = arg;
	int64_t i, n;
	int ret = grow_begin(f->grow, tx);

	n = f->to - f->grow->edge.size;
	if (n > BENCH_FILL)
		n = BENCH_FILL;
	for (i = 0; ret == CAMCA_OK && i < n; i++)
		ret = bench_fill_one(tx, f->grow,
		    f->grow->edge.size);
	f->size = f->grow->edge.size;
	return ret < 0 ? ret : grow_end(f->grow);
}

static int
bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
bench_print(const char *what, double *ms, int64_t n, int64_t size)
{
	qsort(ms, (size_t)n, sizeof *ms, bench_compare);
	printf("{\"what\":\"%s\",\"entries\":%" PRId64 ",\"proofs\":%" PRId64
	    ",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", what, size,
	    n, ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
}

struct bench_proof {
	int64_t at, size;
	bool consistency;
	struct hash root, other;
	struct proof proof;
};

/* Each in a transaction of its own, with nothing remembered but what the
 * database and the system keep. */
static int
bench_proof_tx(struct tx *tx, void *arg)
{
	struct bench_proof *p = arg;
	struct reader *r = NULL;
	int ret = reader_open(&r, tx);

	if (ret == CAMCA_OK)
		ret = p->consistency ? tree_consistency(reader_tiles(r), p->at,
		    p->size, &p->proof) : tree_inclusion(reader_tiles(r),
		    p->at, p->size, &p->proof);
	reader_close(r);
	return ret;
}

static int
bench_leaf(struct tx *tx, int64_t index, struct hash *out)
{
	struct log_entry_row r;
	int ret = store_log_entry_get(tx, index, &r);

	if (ret < 0)
		return ret;
	memcpy(out->b, r.leaf, sizeof out->b);
	store_log_entry_free(&r);
	return CAMCA_OK;
}

static int
bench_roots_tx(struct tx *tx, void *arg)
{
	struct bench_proof *p = arg;
	struct reader *r = NULL;
	int ret = reader_open(&r, tx);

	if (ret == CAMCA_OK)
		ret = tree_root(reader_tiles(r), p->size, &p->root);
	if (ret == CAMCA_OK)
		ret = p->consistency ? tree_root(reader_tiles(r), p->at,
		    &p->other) : bench_leaf(tx, p->at, &p->other);
	reader_close(r);
	return ret;
}

static int
bench_check(const struct bench_proof *p)
{
	return p->consistency ? tree_check_consistency(p->at, p->size,
	    &p->other, &p->root, &p->proof) : tree_check_inclusion(p->at,
	    p->size, &p->other, &p->proof, &p->root);
}

static void
bench_proofs(struct store *s, int64_t size, int64_t n, bool consistency)
{
	struct bench_proof p = { .size = size, .consistency = consistency };
	double *ms = calloc((size_t)n, sizeof *ms), t0;
	uint64_t x = 88172645463325252u;
	int64_t i;
	int ret;

	if (ms == NULL)
		bench_die("memory", CAMCA_ENOMEM);
	for (i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p.at = 1 + (int64_t)(x % (uint64_t)(size - 1));
		t0 = bench_now();
		ret = store_tx(s, DB_READ, bench_proof_tx, &p);
		ms[i] = (bench_now() - t0) * 1e3;
		if (ret == CAMCA_OK && i % 50 == 0) {
			ret = store_tx(s, DB_READ, bench_roots_tx, &p);
			if (ret == CAMCA_OK)
				ret = bench_check(&p);
		}
		if (ret < 0)
			bench_die("proof", ret);
	}
	bench_print(consistency ? "consistency" : "inclusion", ms, n, size);
	free(ms);
}

static int
bench_proof(const char *folder, int64_t entries, int64_t proofs)
{
	struct bench_fill f = { calloc(1, sizeof (struct grow)), 0, entries };
	struct store *s = bench_open(folder);
	double t0 = bench_now();
	int ret = f.grow != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	while (ret == CAMCA_OK && f.size < entries)
		ret = store_tx(s, DB_WRITE, bench_fill_tx, &f);
	if (ret < 0)
		bench_die("fill", ret);
	printf("{\"what\":\"fill\",\"entries\":%" PRId64 ",\"seconds\":%.1f}\n",
	    entries, bench_now() - t0);
	fflush(stdout);
	bench_proofs(s, entries, proofs, false);
	bench_proofs(s, entries, proofs, true);
	free(f.grow);
	store_close(s);
	return 0;
}

int
main(int argc, char **argv)
{
	log_setup("custody_bench", LOG_WARN);
	if (argc == 6 && strcmp(argv[1], "append") == 0)
		return bench_append(argv[2], strtoll(argv[3], NULL, 10),
		    (int)strtol(argv[4], NULL, 10),
		    (int)strtol(argv[5], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "proof") == 0)
		return bench_proof(argv[2], strtoll(argv[3], NULL, 10),
		    strtoll(argv[4], NULL, 10));
	fprintf(stderr, "usage: custody_bench append FOLDER EVENTS BATCH ROUNDS"
	    " | proof FOLDER ENTRIES PROOFS\n");
	return 2;
}
