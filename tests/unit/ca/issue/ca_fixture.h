/* SPDX-License-Identifier: Apache-2.0 */
/* A whole authority in a folder of its own: SoftHSM token, store, clock that
 * the test sets. For the tests of CAs and CRLs. */
#ifndef CAMCA_TEST_CA_FIXTURE_H
#define CAMCA_TEST_CA_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/base/auto.h"
#include "ca/base/file.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert.h"

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)
#define FIX_NOW_MS INT64_C(1795300000000)      /* 2026-11-21 */

extern char **environ;

struct fix {
	char dir[128];
	int64_t now_ms;
	struct camca_ctx ctx;
	struct hsm *hsm;
	struct store *store;
	struct ca_set *set;
	struct refusal why;
};

static int64_t
fix_now_ms(void *arg)
{
	return __atomic_load_n(&((struct fix *)arg)->now_ms, __ATOMIC_RELAXED);
}

static int
fix_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return RAND_bytes(out, (int)n) == 1 ? CAMCA_OK : CAMCA_ECRYPTO;
}

static inline void
fix_path(const struct fix *f, const char *name, char out[static 256])
{
	assert_int_equal(file_join(out, 256, f->dir, name), 0);
}

/* Token and module: once a program, making one takes half a second. */
static inline int
fix_group(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	struct hsm_conf conf = { .token_uri = "pkcs11:token=camca" };
	char token[256], soft[256], pin[256];

	assert_non_null(f);
	/* Memory where there is some: no test here is about fsync. */
	snprintf(f->dir, sizeof f->dir, "%s/camca-test-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->ctx = (struct camca_ctx){ fix_now_ms, fix_random, f };
	fix_path(f, "token", token);
	fix_path(f, "token/softhsm2.conf", soft);
	fix_path(f, "token/pin", pin);
	assert_int_equal(hsm_softhsm_make(token, "camca", &f->why), 0);
	conf.softhsm_conf = soft;
	conf.pin.file = pin;
	assert_int_equal(hsm_open(&f->hsm, &conf, &f->why), 0);
	*state = f;
	return 0;
}

/* An empty store and the clock at FIX_NOW_MS for each test. */
static inline int
fix_setup(void **state)
{
	struct fix *f = *state;
	struct store_conf conf = { .readers = 2, .batch_max = 16,
	    .queue_max = 64, .ctx = &f->ctx };
	char db[256];

	f->now_ms = FIX_NOW_MS;
	memset(&f->why, 0, sizeof f->why);
	fix_path(f, "db", db);
	conf.path = db;
	assert_int_equal(store_open(&f->store, &conf, true, &f->why), 0);
	return 0;
}

static inline int
fix_teardown(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm" };
	struct fix *f = *state;
	char path[256];

	ca_set_free(f->set);
	f->set = NULL;
	store_close(f->store);
	for (size_t i = 0; i < 3; i++) {
		fix_path(f, names[i], path);
		unlink(path);
	}
	return 0;
}

static int
fix_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int
fix_group_end(void **state)
{
	struct fix *f = *state;

	hsm_close(f->hsm);
	nftw(f->dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

#define FIX_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

static int
fix_insert_tx(struct tx *tx, void *arg)
{
	return store_issuer_insert(tx, arg);
}

static int
fix_retire_tx(struct tx *tx, void *arg)
{
	return store_issuer_set_state(tx, *(int64_t *)arg, ISSUER_OLD);
}

static inline int
fix_try_load(struct fix *f)
{
	struct ca_set *set = NULL;
	int ret;

	memset(&f->why, 0, sizeof f->why);
	ret = ca_set_load(&set, f->store, f->hsm, &f->why);
	if (ret < 0)
		return ret;
	ca_set_free(f->set);
	f->set = set;
	return ret;
}

static inline void
fix_load(struct fix *f)
{
	if (fix_try_load(f) < 0)
		fail_msg("%s: %s", f->why.code, f->why.detail);
}

static inline void
fix_store(struct fix *f, struct issuer_row *row)
{
	assert_int_equal(store_tx(f->store, DB_WRITE, fix_insert_tx, row), 0);
	store_issuer_free(row);
	fix_load(f);
}

/* A CA of its own, stored and loaded. */
static inline const struct ca *
fix_ca(struct fix *f, const char *name, const char *parent, int64_t life_ms)
{
	struct ca_spec spec = { name, "Trường Điện", name, HSM_EC_P256,
	    life_ms };
	const struct ca *up = parent != NULL ? ca_active(f->set, parent) : NULL;
	struct issuer_row row;

	if (ca_make(f->hsm, &f->ctx, &spec, up, parent != NULL ?
	    "http://pki.example/root.crl" : NULL, parent != NULL ?
	    "http://pki.example/root.cer" : NULL, parent != NULL ?
	    "http://pki.example/ocsp" : NULL, &row, &f->why) < 0)
		fail_msg("%s: %s", f->why.code, f->why.detail);
	fix_store(f, &row);
	return ca_active(f->set, name);
}

static inline void
fix_cas(struct fix *f)
{
	fix_ca(f, "root", NULL, 20 * YEAR_MS);
	fix_ca(f, "ec", "root", 10 * YEAR_MS);
}

/* The next generation of name, stored as the active one. */
static inline const struct ca *
fix_next(struct fix *f, const char *name, int64_t life_ms)
{
	const struct ca *cur = ca_active(f->set, name);
	int64_t old = cur->row.id;
	struct issuer_row row;

	if (ca_make_next(f->hsm, &f->ctx, cur, ca_root(f->set), HSM_EC_P256,
	    life_ms, NULL, NULL, NULL, &row, &f->why) < 0)
		fail_msg("%s: %s", f->why.code, f->why.detail);
	assert_int_equal(store_tx(f->store, DB_WRITE, fix_retire_tx, &old), 0);
	fix_store(f, &row);
	return ca_active(f->set, name);
}

static inline EVP_PKEY *
fix_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

/* A client certificate of ca as the product builds it. */
static inline X509 *
fix_leaf(struct fix *f, const struct ca *ca, const char *cn, int64_t life_ms)
{
	struct profile p = { .name = "camera", .validity_ms = life_ms,
	    .key_usage = KU_DIGITAL_SIGNATURE, .eku_nids = { NID_client_auth,
	    NID_server_auth }, .cdp = true };
	AUTO(EVP_PKEY) *key = fix_key();
	AUTO(X509_NAME) *name = X509_NAME_new();
	uint8_t serial[20];
	X509 *cert = NULL;
	struct cert_plan plan = { .profile = &p, .issuer = ca->cert, .key = key,
	    .subject = name, .serial = serial, .now_ms = f->now_ms,
	    .crl_url = "http://pki.example/ec.crl" };

	assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName,
	    MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
	assert_int_equal(cert_serial(&f->ctx, f->now_ms, serial), 0);
	assert_int_equal(cert_build(&plan, &cert, &f->why), 0);
	assert_int_equal(hsm_sign_cert(ca->key, cert), 0);
	return cert;
}

/* PEM of the certificates into DIR/name; NULL ends the list. */
static inline void
fix_pem(const struct fix *f, const char *name, ...)
{
	char path[256];
	va_list ap;
	X509 *cert;
	FILE *fp;

	fix_path(f, name, path);
	fp = fopen(path, "w");
	assert_non_null(fp);
	va_start(ap, name);
	while ((cert = va_arg(ap, X509 *)) != NULL)
		assert_int_equal(PEM_write_X509(fp, cert), 1);
	va_end(ap);
	assert_int_equal(fclose(fp), 0);
}

/* Runs a program inside DIR with its output in DIR/out; its exit status. */
static inline int
fix_run(const struct fix *f, const char *const argv[])
{
	posix_spawn_file_actions_t fa;
	char out[256];
	int status = -1;
	pid_t pid;

	fix_path(f, "out", out);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	posix_spawn_file_actions_addchdir_np(&fa, f->dir);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, out,
	    O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&fa, 1, 2);
	if (posix_spawnp(&pid, argv[0], &fa, NULL, (char **)(uintptr_t)argv,
	    environ) != 0)
		return -1;
	posix_spawn_file_actions_destroy(&fa);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define RUN(f, ...) fix_run(f, (const char *const[]){ __VA_ARGS__, NULL })

#endif
