/* SPDX-License-Identifier: Apache-2.0 */
/* An authority without an HSM: store, policies and clock of its own. */
#ifndef CAMCA_TESTS_AUTHORITY_FIXTURE_H
#define CAMCA_TESTS_AUTHORITY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/authority/ops.h"

#define FIX_NOW INT64_C(1800000000000)

struct fix {
	char dir[64];
	int64_t now_ms;
	struct camca_ctx ctx;
	struct authority a;
	struct session session;
	struct caller caller;
	json_t *answer;
};

static int64_t
fix_now(void *arg)
{
	return ((struct fix *)arg)->now_ms;
}

static int
fix_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return ctx_random(&camca_ctx_system, out, n);
}

static int
fix_unlink(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int
fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	char path[128];

	assert_non_null(f);
	snprintf(f->dir, sizeof f->dir, "/tmp/camca-auth.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof path, "%s/db", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	f->now_ms = FIX_NOW;
	f->ctx = (struct camca_ctx){ fix_now, fix_random, f };
	config_default(&f->a.conf, f->dir);
	snprintf(f->a.conf.policies, sizeof f->a.conf.policies, "policies");
	f->a.ctx = &f->ctx;
	f->a.events = (struct event_source){ &f->ctx, "test" };
	pthread_mutex_init(&f->a.lock, NULL);
	pthread_mutex_init(&f->a.rollover, NULL);
	pthread_mutex_init(&f->session.lock, NULL);
	buf_init(&f->session.upload, IMPORT_MAX_BYTES);
	assert_int_equal(authority_open_store(&f->a, true, NULL), 0);
	assert_int_equal(authority_load_policies(&f->a, "test", NULL), 0);
	f->a.cas = calloc(1, sizeof *f->a.cas);
	assert_non_null(f->a.cas);
	f->a.cas->refs = 1;
	f->caller = (struct caller){ ROLE_OPERATOR, 0, "uid:0" };
	*state = f;
	return 0;
}

static int
fix_teardown(void **state)
{
	struct fix *f = *state;

	json_decref(f->answer);
	buf_fini(&f->session.upload);
	authority_close(&f->a);
	nftw(f->dir, fix_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* Runs one frame; the answer stays in f. Returns its http status, 200 for a
 * result. */
static inline int
fix_raw(struct fix *f, const char *payload, size_t n)
{
	size_t len = 0;
	char *text = dispatch(&f->a, &f->caller, &f->session,
	    (const uint8_t *)payload, n, &len);
	json_t *error;

	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	json_decref(f->answer);
	f->answer = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(f->answer);
	error = json_object_get(f->answer, "error");
	return error == NULL ? 200 :
	    (int)json_integer_value(json_object_get(error, "http"));
}

static inline int
fix_call(struct fix *f, const char *payload)
{
	return fix_raw(f, payload, strlen(payload));
}

static inline const char *
fix_code(const struct fix *f)
{
	return json_string_value(json_object_get(json_object_get(f->answer,
	    "error"), "code"));
}

static int
fix_count_tx(struct tx *tx, void *arg)
{
	return store_outbox_count(tx, arg);
}

static inline int64_t
fix_events(struct fix *f)
{
	int64_t n = 0;

	assert_int_equal(store_tx(f->a.store, DB_READ, fix_count_tx, &n), 0);
	return n;
}

#endif
