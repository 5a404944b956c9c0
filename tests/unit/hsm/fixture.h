/* SPDX-License-Identifier: Apache-2.0 */
/* A SoftHSM token in a folder of its own, with the fault module in front of it
 * where a test wants that. */
#ifndef CAMCA_TEST_HSM_FIXTURE_H
#define CAMCA_TEST_HSM_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "hsm/hsm.h"

struct fixture {
	char dir[PATH_MAX];        /* new, below $TMPDIR */
	char token[PATH_MAX];      /* folder given to hsm_softhsm_make */
	char conf[PATH_MAX];
	char pin[PATH_MAX];
	char control[PATH_MAX];    /* orders to the fault module */
	char fault[PATH_MAX];      /* the fault module */
	struct refusal why;
};

static inline void
fixture_write(const char *path, const char *text)
{
	assert_int_equal(file_replace(path, text, strlen(text), 0600), 0);
}

/* The fault module lies in the build folder beside the test program. */
static inline void
fixture_find_fault(char out[static PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *end;

	assert_true(n > 0);
	exe[n] = '\0';
	end = strstr(exe, "/tests/unit/hsm/");
	assert_non_null(end);
	*end = '\0';
	assert_int_equal(file_join(out, PATH_MAX, exe,
	    "tests/faults/pkcs11_fault.so"), 0);
	if (!file_exists(out))
		fail_msg("%s is missing: make tools", out);
}

static inline void
fixture_dir(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	memset(f, 0, sizeof *f);
	log_setup("test", LOG_ERROR - 1);
	assert_int_equal(file_join(f->dir, sizeof f->dir,
	    tmp != NULL ? tmp : "/tmp", "camca-hsm.XXXXXX"), 0);
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(file_join(f->token, sizeof f->token, f->dir, "token"),
	    0);
	assert_int_equal(file_join(f->conf, sizeof f->conf, f->token,
	    "softhsm2.conf"), 0);
	assert_int_equal(file_join(f->pin, sizeof f->pin, f->token, "pin"), 0);
	assert_int_equal(file_join(f->control, sizeof f->control, f->dir,
	    "control"), 0);
}

/* A folder with a token "camca" in it. */
static inline void
fixture_token(struct fixture *f)
{
	fixture_dir(f);
	if (hsm_softhsm_make(f->token, "camca", &f->why) < 0)
		fail_msg("%s", f->why.detail);
}

/* The same, the fault module ready to be opened. */
static inline void
fixture_fault(struct fixture *f)
{
	fixture_token(f);
	fixture_find_fault(f->fault);
	setenv("CAMCA_FAULT_MODULE", "/usr/lib/softhsm/libsofthsm2.so", 1);
	setenv("CAMCA_FAULT_CONTROL", f->control, 1);
	fixture_write(f->control, "");
}

/* Beside "camca" the token "camca-log" with the same PIN. */
static inline void
fixture_log(struct fixture *f)
{
	if (hsm_softhsm_add(f->token, "camca", "camca-log", &f->why) < 0)
		fail_msg("%s", f->why.detail);
}

static inline int
fixture_remove_one(const char *path, const struct stat *st, int flag,
    struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static inline void
fixture_remove(struct fixture *f)
{
	nftw(f->dir, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct hsm_conf
fixture_conf(const struct fixture *f)
{
	struct hsm_conf c = {
		.module = f->fault[0] != '\0' ? f->fault : NULL,
		.token_uri = "pkcs11:token=camca",
		.softhsm_conf = f->conf,
		.pin = { .file = f->pin },
	};

	return c;
}

static inline struct hsm *
fixture_open(struct fixture *f)
{
	struct hsm_conf c = fixture_conf(f);
	struct hsm *h = NULL;

	if (hsm_open(&h, &c, &f->why) < 0)
		fail_msg("%s", f->why.detail);
	assert_int_equal(ERR_peek_error(), 0);
	return h;
}

/* Generates and opens; the caller frees the key and *uri_out. */
static inline struct hsm_key *
fixture_key(struct fixture *f, struct hsm *h, enum hsm_key_type type,
    char **uri_out)
{
	struct hsm_key *k = NULL;

	if (hsm_generate(h, type, "issuer", uri_out, &f->why) < 0 ||
	    hsm_key_open(h, *uri_out, &k, &f->why) < 0)
		fail_msg("%s", f->why.detail);
	assert_int_equal(ERR_peek_error(), 0);
	return k;
}

/* One signature; the result of the call, and the queue left empty. */
static inline int
fixture_sign(struct hsm_key *k)
{
	uint8_t sig[512];
	size_t len = sizeof sig;
	int ret = hsm_sign_data(k, "camera", 6, sig, &len);

	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

/* Counters of the loaded fault module. */
static inline unsigned long
fixture_count(const struct fixture *f, const char *name)
{
	void *dl = dlopen(f->fault, RTLD_NOW | RTLD_NOLOAD);
	unsigned long (*get)(void);
	unsigned long n;

	assert_non_null(dl);
	*(void **)&get = dlsym(dl, name);
	assert_non_null(get);
	n = get();
	dlclose(dl);
	return n;
}

#endif
