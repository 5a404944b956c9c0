/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL of many entries against hashing and signing the same bytes with the
 * same key, in a folder of its own (token, store, files):
 *
 *   crl_bench FOLDER ENTRIES ROUNDS
 *
 * One JSON object: medians of the rounds in milliseconds (each round revokes one
 * more certificate and publishes), the parts, and resident memory. "sync" is
 * writing and fsync of the bytes, which is the disk's. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/status/change.h"
#include "ca/status/crl.h"
#include "ca/status/crl_gate.h"
#include "ca/store/tx.h"

#define BENCH_STEP 20000
#define BENCH_LIFE_MS (7LL * 86400000)
#define BENCH_ROUNDS_MAX 99

struct bench {
	struct hsm *hsm;
	struct store *store;
	struct ca_set *set;
	const struct ca *ca;
	int64_t base_ms, entries, at;
	int64_t now_ms;
	struct cert_row cert;
};

enum part { ALL, CPU, GATE, HASH, SYNC, BARE, BARE_CPU, PARTS };
static const char *const part_names[PARTS] = { "build_ms", "build_cpu_ms",
    "gate_ms", "sha256_ms", "sync_ms", "bare_ms", "bare_cpu_ms" };

static double
clock_s(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

static double
cpu_s(void)
{
	return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static long
rss_kb(void)
{
	char text[256];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(text, sizeof text, f) != NULL)
		if (strncmp(text, "VmRSS:", 6) == 0)
			kb = strtol(text + 6, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
must(int ret, const char *what, const struct refusal *why)
{
	if (ret == CAMCA_OK)
		return;
	fprintf(stderr, "crl_bench: %s: %s %s\n", what, camca_strerror(ret),
	    why != NULL ? why->detail : "");
	exit(1);
}

/* Serials as the product makes them: the time first, then chance. */
static void
bench_serial(const struct bench *b, int64_t i, uint8_t out[20])
{
	uint64_t x = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
	uint64_t t = (uint64_t)(b->base_ms - i * 977);

	for (int k = 0; k < 6; k++)
		out[k] = (uint8_t)(t >> (40 - 8 * k));
	for (int k = 6; k < 20; k++) {
		x ^= x >> 29;
		x *= 0xbf58476d1ce4e5b9u;
		out[k] = (uint8_t)(x >> 56);
	}
	out[0] &= 0x7f;
}

static int
fill_tx(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	int64_t to = b->at + BENCH_STEP < b->entries ? b->at + BENCH_STEP :
	    b->entries;
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_entry_row e = { .issuer = b->ca->row.id, .cert =
	    b->cert.id, .not_after_ms = b->base_ms + BENCH_LIFE_MS * 99,
	    .der = { der, 0 } };
	struct cert_row r = { .status = CERT_REVOKED, .reason = 1 };
	int ret = CAMCA_OK;

	for (int64_t i = b->at; ret == CAMCA_OK && i < to; i++) {
		bench_serial(b, i, r.serial);
		r.revoked_ms = b->base_ms - i % 100000 * 1000;
		ret = crl_entry_encode(&r, der, &e.der.n);
		e.rev_seq = i + 1;
		if (ret == CAMCA_OK)
			ret = store_crl_entry_put(tx, &e);
	}
	return ret;
}

/* Changes to come get numbers above those of the entries. */
static int
counter_tx(struct tx *tx, void *arg)
{
	const struct bench *b = arg;
	char sql[120];

	snprintf(sql, sizeof sql, "UPDATE counter SET n = %" PRId64
	    " WHERE name = 'rev_seq'", b->entries);
	return tx->engine->script(tx->db, sql);
}

static int
ca_tx(struct tx *tx, void *arg)
{
	return store_issuer_insert(tx, arg);
}

static int
cert_tx(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	uint8_t der[] = { 0x30, 0 };

	memset(&b->cert, 0, sizeof b->cert);
	bench_serial(b, b->entries + ++b->at, b->cert.serial);
	b->cert.issuer = b->ca->row.id;
	b->cert.reason = -1;
	b->cert.not_after_ms = b->base_ms + BENCH_LIFE_MS * 99;
	b->cert.der = (struct store_blob){ der, sizeof der };
	return store_cert_insert(tx, &b->cert);
}

static int
revoke_tx(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	struct status_to to = { CERT_REVOKED, 1, 0 };
	int64_t seq;

	return status_change(tx, &b->cert, &to, b->now_ms, &seq, NULL);
}

static int64_t
bench_now(void *arg)
{
	return ((struct bench *)arg)->now_ms;
}

static int
bench_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return ctx_random(&camca_ctx_system, out, n);
}

static void
bench_open(struct bench *b, const struct camca_ctx *ctx, const char *dir)
{
	char path[400], soft[400], pin[400];
	struct hsm_conf hc = { .token_uri = "pkcs11:token=camca",
	    .softhsm_conf = soft, .pin.file = pin };
	struct store_conf sc = { .path = path, .readers = 2, .batch_max = 16,
	    .queue_max = 64, .ctx = ctx };
	struct ca_spec spec = { "ec", "Bench", "Bench CA", HSM_EC_P256,
	    BENCH_LIFE_MS * 500 };
	struct issuer_row row;
	struct refusal why = { 0 };

	must(file_join(path, sizeof path, dir, "token"), dir, NULL);
	must(file_join(soft, sizeof soft, path, "softhsm2.conf"), dir, NULL);
	must(file_join(pin, sizeof pin, path, "pin"), dir, NULL);
	must(hsm_softhsm_make(path, "camca", &why), "token", &why);
	must(hsm_open(&b->hsm, &hc, &why), "token", &why);
	must(file_join(path, sizeof path, dir, "db"), dir, NULL);
	must(store_open(&b->store, &sc, true, &why), "store", &why);
	must(ca_make(b->hsm, ctx, &spec, NULL, NULL, NULL, NULL, &row, &why),
	    "CA", &why);
	must(store_tx(b->store, DB_WRITE, ca_tx, &row), "CA", NULL);
	store_issuer_free(&row);
	must(ca_set_load(&b->set, b->store, b->hsm, &why), "CA", &why);
	b->ca = &b->set->list[0];
}

static void
bench_fill(struct bench *b)
{
	must(store_tx(b->store, DB_WRITE, cert_tx, b), "certificate", NULL);
	for (b->at = 0; b->at < b->entries; b->at += BENCH_STEP)
		must(store_tx(b->store, DB_WRITE, fill_tx, b), "entries",
		    NULL);
	must(store_tx(b->store, DB_WRITE, counter_tx, b), "counter", NULL);
	b->at = 1;
	must(store_tx(b->store, DB_WRITE, cert_tx, b), "certificate", NULL);
	must(store_tx(b->store, DB_WRITE, revoke_tx, b), "revocation", NULL);
}

static void
bench_revoke(struct bench *b)
{
	b->now_ms += 1000;
	must(store_tx(b->store, DB_WRITE, cert_tx, b), "certificate", NULL);
	must(store_tx(b->store, DB_WRITE, revoke_tx, b), "revocation", NULL);
}

/* Hashing and signing the bytes that were published, and the parts of the way
 * to them one by one. */
static void
bench_parts(struct bench *b, struct crl *crl, double t[PARTS],
    const char *copy)
{
	struct crl_file *f = crl_published(crl, 0);
	size_t n = (size_t)f->row.size, len = 512;
	uint8_t hash[EVP_MAX_MD_SIZE], sig[512];
	uint8_t *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
	    f->fd, 0);
	struct crl_file_row row = { 0 };
	struct refusal why = { 0 };
	double at = now_s(), cpu = cpu_s();

	must(EVP_Digest(p, n, hash, NULL, EVP_sha256(), NULL) == 1 ? 0 :
	    CAMCA_ECRYPTO, "hash", NULL);
	t[HASH] = now_s() - at;
	must(hsm_sign_hashed(b->ca->key, p, n, hash, sig, &len), "sign",
	    NULL);
	t[BARE] = now_s() - at;
	t[BARE_CPU] = cpu_s() - cpu;
	at = now_s();
	must(crl_gate_read(p, n, b->ca, &row, &why), "gate", &why);
	t[GATE] = now_s() - at - t[HASH];
	at = now_s();
	must(file_replace(copy, p, n, 0600), "write", NULL);
	t[SYNC] = now_s() - at;
	munmap(p, n);
	crl_file_free(f);
}

static int
double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double t[][PARTS], int rounds, int part)
{
	double v[BENCH_ROUNDS_MAX];

	for (int i = 0; i < rounds; i++)
		v[i] = t[i][part];
	qsort(v, (size_t)rounds, sizeof v[0], double_cmp);
	return v[rounds / 2] * 1e3;
}

static void
bench_report(double t[][PARTS], int rounds, double load, long before,
    long after, int64_t size)
{
	int i;

	printf("{\"size\":%" PRId64 ",\"load_ms\":%.1f,\"rss_before_kb\":%ld,"
	    "\"rss_after_kb\":%ld", size, load * 1e3, before, after);
	for (i = 0; i < PARTS; i++)
		printf(",\"%s\":%.1f", part_names[i], median(t, rounds, i));
	printf("}\n");
}

int
main(int argc, char **argv)
{
	struct bench b = { .base_ms = ctx_now_ms(&camca_ctx_system) };
	const struct camca_ctx ctx = { bench_now, bench_random, &b };
	const struct event_source src = { &ctx, "bench" };
	struct crl_conf conf = { .src = &src, .dir = argv[1],
	    .life_ms = BENCH_LIFE_MS };
	double t[BENCH_ROUNDS_MAX][PARTS], load;
	int rounds = argc == 4 ? (int)strtol(argv[3], NULL, 10) : 0;
	struct refusal why = { 0 };
	struct crl *crl;
	char copy[400];
	long before, after;

	if (rounds < 1 || rounds > BENCH_ROUNDS_MAX) {
		fprintf(stderr, "usage: crl_bench FOLDER ENTRIES ROUNDS\n");
		return 2;
	}
	log_setup("crl_bench", LOG_ERROR);
	b.now_ms = b.base_ms;
	b.entries = strtoll(argv[2], NULL, 10);
	must(file_join(copy, sizeof copy, argv[1], "copy"), argv[1], NULL);
	bench_open(&b, &ctx, argv[1]);
	conf.store = b.store;
	bench_fill(&b);
	before = rss_kb();
	load = now_s();
	must(crl_open(&crl, &conf, b.ca), "open", NULL);
	must(crl_build(crl, b.ca, b.now_ms, &why), "build", &why);
	load = now_s() - load;
	for (int i = 0; i < rounds; i++) {
		double at, cpu;

		bench_revoke(&b);
		at = now_s();
		cpu = cpu_s();
		must(crl_build(crl, b.ca, b.now_ms, &why), "build", &why);
		t[i][ALL] = now_s() - at;
		t[i][CPU] = cpu_s() - cpu;
		after = rss_kb();
		bench_parts(&b, crl, t[i], copy);
	}
	struct crl_file *f = crl_published(crl, 0);
	bench_report(t, rounds, load, before, after, f->row.size);
	crl_file_free(f);
	crl_close(crl);
	ca_set_free(b.set);
	store_close(b.store);
	hsm_close(b.hsm);
	return 0;
}
