/* SPDX-License-Identifier: Apache-2.0 */
/* Commits a second of the store, one JSON line a measurement:
 *   store_bench FOLDER ROWS SECONDS
 * fills a fresh database with ROWS devices and certificates, then enrolls
 * waiting devices (secret used, certificate stored, device moved, event put)
 * from 1, 8 and 32 threads, and reads certificates by serial number. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/store/store.h"

#define BENCH_POOL 200000      /* devices that wait for their certificate */
#define BENCH_SITE 200         /* cameras of a site; divides pool and rows */
#define BENCH_STEP 2000        /* rows in one filling transaction */
#define BENCH_DER 900
#define BENCH_EVENT 400
#define BENCH_THREADS 32
#define BENCH_SAMPLES 400000

struct bench {
	struct store *store;
	int64_t rows;
	int64_t total;                 /* rows + pool */
	int64_t *order;                /* devices, shuffled */
	atomic_int_fast64_t next;      /* into order */
	atomic_int stop;
	int64_t from, to;              /* of the filling job */
};

struct bench_thread {
	struct bench *b;
	pthread_t thread;
	uint32_t *us;
	size_t n;
	int err;
};

static double
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Processor seconds of all threads: what stays comparable where other programs
 * share the machine. */
static double
bench_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Same bytes for the same seed, spread like a hash. */
static void
bench_fill(uint64_t seed, uint8_t *out, size_t n)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u;
	size_t i;

	for (i = 0; i < n; i++) {
		x ^= x >> 27;
		x *= 0x94d049bb133111ebu;
		x ^= x >> 31;
		out[i] = (uint8_t)(x >> 24);
	}
}

static void
bench_selector(int64_t i, char out[static 17])
{
	uint8_t r[8];
	size_t k;

	bench_fill((uint64_t)i ^ 0x5e1ec70, r, sizeof r);
	for (k = 0; k < sizeof r; k++)
		snprintf(out + 2 * k, 3, "%02x", r[k]);
}

/* Four bytes of time, then random ones, as the issuer makes them. */
static void
bench_serial(int64_t i, int64_t at, uint8_t out[static STORE_SERIAL_LEN])
{
	bench_fill((uint64_t)i, out, STORE_SERIAL_LEN);
	out[0] = (uint8_t)(at >> 24 & 0x7f);
	out[1] = (uint8_t)(at >> 16);
	out[2] = (uint8_t)(at >> 8);
	out[3] = (uint8_t)at;
}

static int
bench_device(struct tx *tx, int64_t i)
{
	struct device_row d = { .created_ms = 1, .updated_ms = 1 };
	struct secret_row s = { .created_ms = 1, .expires_ms = 2 };
	int err;

	snprintf(d.id, sizeof d.id, "cam-%07" PRId64, i);
	snprintf(d.manufacturer, sizeof d.manufacturer, "Vendor %d",
	    (int)(i % 7));
	snprintf(d.model, sizeof d.model, "Model %d", (int)(i % 50));
	snprintf(d.serial, sizeof d.serial, "SN%012" PRId64, i);
	snprintf(d.firmware, sizeof d.firmware, "5.7.%d", (int)(i % 20));
	snprintf(d.site, sizeof d.site, "site-%04d",
	    (int)(i / BENCH_SITE % 4000));
	if ((err = store_device_insert(tx, &d)) < 0)
		return err;
	s.device = d.pk;
	bench_selector(i, s.selector);
	bench_fill((uint64_t)i, s.hash, sizeof s.hash);
	return store_secret_insert(tx, &s);
}

static int
bench_enroll(struct tx *tx, int64_t i, int64_t at)
{
	uint8_t der[BENCH_DER], body[BENCH_EVENT];
	struct cert_row c = { .issuer = 1, .device = i + 1, .reason = -1,
	    .profile = "camera-tls", .not_after_ms = 10, .der = { der,
	    sizeof der } };
	struct event_row e = { .body = { body,
	    sizeof body } };
	char selector[17];
	int err;

	bench_serial(i, at, c.serial);
	bench_fill((uint64_t)i + 77, c.spki, sizeof c.spki);
	memset(der, (int)(i & 0xff), sizeof der);
	memset(body, 'e', sizeof body);
	bench_fill((uint64_t)i + 99, e.id, sizeof e.id);
	snprintf(e.device, sizeof e.device, "cam-%07" PRId64, i);
	bench_selector(i, selector);
	if ((err = store_secret_use(tx, selector, c.spki, at)) < 0 ||
	    (err = store_cert_insert(tx, &c)) < 0 ||
	    (err = store_device_move(tx, i + 1, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, at)) < 0)
		return err;
	return store_outbox_put(tx, &e);
}

static int
bench_base(struct tx *tx, void *arg)
{
	struct site_row s = { .name = "Site", .level = 3 };
	uint8_t der[] = { 0x30, 0 };
	struct issuer_row r = { .name = "ec", .generation = 1,
	    .cert = { der, sizeof der } };
	int i, err;

	(void)arg;
	for (i = 0; i < 4000; i++) {
		snprintf(s.id, sizeof s.id, "site-%04d", i);
		if ((err = store_site_insert(tx, &s)) < 0)
			return err;
	}
	return store_issuer_insert(tx, &r);
}

static int
bench_fill_devices(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	int64_t i;
	int err;

	for (i = b->from; i < b->to; i++)
		if ((err = bench_device(tx, i)) < 0)
			return err;
	return CAMCA_OK;
}

static int
bench_fill_certs(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	int64_t i;
	int err;

	for (i = b->from; i < b->to; i++)
		if ((err = bench_enroll(tx, b->order[i], i / 100)) < 0)
			return err;
	return CAMCA_OK;
}

static int
bench_steps(struct bench *b, int64_t n, int (*fn)(struct tx *, void *))
{
	int err = CAMCA_OK;

	for (b->from = 0; err == CAMCA_OK && b->from < n; b->from = b->to) {
		b->to = b->from + BENCH_STEP < n ? b->from + BENCH_STEP : n;
		err = store_tx(b->store, DB_WRITE, fn, b);
	}
	return err;
}

/* The cameras of a site come together, sites in any order. */
static int
bench_order(struct bench *b)
{
	int64_t n = b->total / BENCH_SITE, i, k, t;
	int64_t *sites = calloc((size_t)n, sizeof *sites);

	b->order = calloc((size_t)b->total, sizeof *b->order);
	if (sites == NULL || b->order == NULL) {
		free(sites);
		return CAMCA_ENOMEM;
	}
	for (i = 0; i < n; i++)
		sites[i] = i;
	for (i = n - 1; i > 0; i--) {
		k = random() % (i + 1);
		t = sites[i];
		sites[i] = sites[k];
		sites[k] = t;
	}
	for (i = 0; i < b->total; i++)
		b->order[i] = sites[i / BENCH_SITE] * BENCH_SITE +
		    i % BENCH_SITE;
	free(sites);
	return CAMCA_OK;
}

static int
bench_prepare(struct bench *b)
{
	int err;

	if ((err = bench_order(b)) < 0 ||
	    (err = store_tx(b->store, DB_WRITE, bench_base, NULL)) < 0 ||
	    (err = bench_steps(b, b->total, bench_fill_devices)) < 0 ||
	    (err = bench_steps(b, b->rows, bench_fill_certs)) < 0)
		return err;
	atomic_store(&b->next, b->rows);
	return CAMCA_OK;
}

struct bench_one {
	int64_t i, at;
};

static int
bench_enroll_job(struct tx *tx, void *arg)
{
	struct bench_one *o = arg;

	return bench_enroll(tx, o->i, o->at);
}

static int
bench_read_job(struct tx *tx, void *arg)
{
	struct bench_one *o = arg;
	uint8_t serial[STORE_SERIAL_LEN];
	struct cert_row c;
	int err;

	bench_serial(o->i, o->at, serial);
	err = store_cert_by_serial(tx, serial, &c);
	if (err == CAMCA_OK)
		store_cert_free(&c);
	return err;
}

static void
bench_sample(struct bench_thread *t, double since)
{
	if (t->n < BENCH_SAMPLES)
		t->us[t->n] = (uint32_t)((bench_now() - since) * 1e6);
	t->n++;
}

static void *
bench_write_main(void *arg)
{
	struct bench_thread *t = arg;
	struct bench *b = t->b;
	struct bench_one o;
	int64_t k;
	double since;

	while (!atomic_load(&b->stop)) {
		k = atomic_fetch_add(&b->next, 1);
		if (k >= b->total)
			break;
		o.i = b->order[k];
		o.at = k / 100;
		since = bench_now();
		t->err = store_tx(b->store, DB_WRITE, bench_enroll_job, &o);
		bench_sample(t, since);
		if (t->err < 0)
			break;
	}
	return NULL;
}

static void *
bench_read_main(void *arg)
{
	struct bench_thread *t = arg;
	struct bench *b = t->b;
	int64_t n = b->rows > 0 ? b->rows : 1, k = 0;
	struct bench_one o;
	double since;

	while (!atomic_load(&b->stop)) {
		k = (k + 7919) % n;
		o.i = b->order[k];
		o.at = k / 100;
		since = bench_now();
		t->err = store_tx(b->store, DB_READ, bench_read_job, &o);
		bench_sample(t, since);
		if (t->err < 0)
			break;
	}
	return NULL;
}

static int
bench_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Joins the samples of all threads and prints the line. */
static int
bench_report(struct bench *b, const char *name, struct bench_thread *t,
    int threads, double seconds, double cpu)
{
	uint32_t *all;
	size_t total = 0, n = 0, k;
	int i, err = 0;

	for (i = 0; i < threads; i++) {
		total += t[i].n;
		if (t[i].err < 0)
			err = t[i].err;
	}
	if (err < 0 || total == 0 || (all = calloc(total, sizeof *all)) == NULL)
		return err;
	for (i = 0; i < threads; i++)
		for (k = 0; k < t[i].n && k < BENCH_SAMPLES; k++)
			all[n++] = t[i].us[k];
	qsort(all, n, sizeof *all, bench_cmp);
	printf("{\"bench\":\"%s\",\"rows\":%" PRId64 ",\"threads\":%d,"
	    "\"jobs\":%zu,\"per_s\":%.0f,\"cpu_us\":%.1f,\"p50_us\":%u,"
	    "\"p99_us\":%u,\"max_us\":%u}\n", name, b->rows, threads, total,
	    (double)total / seconds, cpu * 1e6 / (double)total, all[n / 2],
	    all[n * 99 / 100], all[n - 1]);
	fflush(stdout);
	free(all);
	return 0;
}

static int
bench_run(struct bench *b, const char *name, int threads, int seconds,
    void *(*main_fn)(void *))
{
	struct bench_thread t[BENCH_THREADS] = { 0 };
	double since = bench_now(), cpu = bench_cpu();
	int i, started, err = 0;

	atomic_store(&b->stop, 0);
	for (started = 0; started < threads; started++) {
		t[started].b = b;
		t[started].us = calloc(BENCH_SAMPLES, sizeof *t[started].us);
		if (t[started].us == NULL || pthread_create(
		    &t[started].thread, NULL, main_fn, &t[started]) != 0) {
			free(t[started].us);
			err = CAMCA_ENOMEM;
			break;
		}
	}
	sleep((unsigned)seconds);
	atomic_store(&b->stop, 1);
	for (i = 0; i < started; i++)
		pthread_join(t[i].thread, NULL);
	if (err == 0)
		err = bench_report(b, name, t, started, bench_now() - since,
		    bench_cpu() - cpu);
	for (i = 0; i < started; i++)
		free(t[i].us);
	return err;
}

static int
bench_all(struct bench *b, int seconds)
{
	static const int threads[] = { 1, 8, 32 };
	size_t i;
	int err;

	for (i = 0; i < sizeof threads / sizeof threads[0]; i++) {
		err = bench_run(b, "store.enroll", threads[i], seconds,
		    bench_write_main);
		if (err < 0)
			return err;
	}
	if (b->rows == 0)
		b->rows = 1;
	return bench_run(b, "store.cert_by_serial", 2, seconds,
	    bench_read_main);
}

int
main(int argc, char **argv)
{
	struct store_conf conf = { NULL, 4, 64, 1024, &camca_ctx_system };
	struct refusal why = { 0 };
	struct bench b = { 0 };
	char path[4096];
	double since;
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: store_bench FOLDER ROWS SECONDS\n");
		return 2;
	}
	log_setup("store_bench", LOG_WARN);
	snprintf(path, sizeof path, "%s/bench.db", argv[1]);
	conf.path = path;
	b.rows = strtoll(argv[2], NULL, 10) / BENCH_SITE * BENCH_SITE;
	b.total = b.rows + BENCH_POOL;
	err = store_open(&b.store, &conf, true, &why);
	since = bench_now();
	if (err == CAMCA_OK)
		err = bench_prepare(&b);
	if (err == CAMCA_OK) {
		printf("{\"bench\":\"store.fill\",\"rows\":%" PRId64
		    ",\"seconds\":%.1f}\n", b.rows, bench_now() - since);
		err = bench_all(&b, (int)strtol(argv[3], NULL, 10));
	}
	store_close(b.store);
	since = bench_now();
	if (err == CAMCA_OK)
		err = store_open(&b.store, &conf, false, &why);
	if (err == CAMCA_OK) {
		printf("{\"bench\":\"store.open\",\"rows\":%" PRId64
		    ",\"ms\":%.1f}\n", b.rows, (bench_now() - since) * 1e3);
		store_close(b.store);
	}
	if (err < 0)
		fprintf(stderr, "store_bench: %s %s\n", camca_strerror(err),
		    why.detail);
	free(b.order);
	return err < 0;
}
