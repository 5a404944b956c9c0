/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>

#include "enroll/renew/install.h"
#include "fault.h"
#include "pki.h"
#include "rmtree.h"

static EVP_PKEY *ca_key;
static X509 *ca;

static int
setup(void **state)
{
	(void)state;
	ca_key = pki_key();
	ca = pki_root("Root", ca_key);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(ca_key);
	X509_free(ca);
	return 0;
}

/* A pair with one certificate in its chain. */
static struct install_pair
make_pair(void)
{
	struct install_pair p = { .key = pki_key() };
	struct pki_want w = { .cn = "cam", .key = p.key, .issuer = ca,
	    .issuer_key = ca_key, .end_s = PKI_DAY_S };

	p.cert = pki_cert(&w);
	p.chain = sk_X509_new_null();
	X509_up_ref(ca);
	sk_X509_push(p.chain, ca);
	return p;
}

static unsigned
install_one(const char *dir)
{
	struct install_pair p = make_pair();
	struct install *in = NULL;
	struct refusal why;
	unsigned gen;

	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_int_equal(install_switch(in, &p, NULL, &why), 0);
	gen = p.generation;
	install_pair_fini(&p);
	install_close(in);
	return gen;
}

/* The generation that loads and matches; 0 where none is installed. */
static unsigned
loads(const char *dir)
{
	struct install_pair p;
	struct install *in = NULL;
	struct refusal why;
	unsigned gen;
	int ret;

	assert_int_equal(install_open(&in, dir, &why), 0);
	ret = install_load(in, NULL, &p, &why);
	gen = ret == CAMCA_OK ? p.generation : 0;
	if (ret != CAMCA_ENOENT)
		assert_int_equal(ret, 0);
	else
		assert_int_equal(gen, 0);
	install_pair_fini(&p);
	install_close(in);
	return gen;
}

static bool
there(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void
generations(void **state)
{
	char *dir = pki_tmpdir(), path[256];
	struct stat st;

	(void)state;
	assert_int_equal(loads(dir), 0);
	assert_int_equal(install_one(dir), 1);
	assert_int_equal(install_one(dir), 2);
	assert_int_equal(install_one(dir), 3);
	assert_int_equal(loads(dir), 3);
	assert_false(there(dir, "gen-000001"));
	assert_true(there(dir, "gen-000002"));
	assert_true(there(dir, "current/chain.pem"));
	assert_true(there(dir, "current/fullchain.pem"));
	snprintf(path, sizeof path, "%s/current/key.pem", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	rmtree(dir);
}

static void
one_at_a_time(void **state)
{
	struct install *a = NULL, *b = NULL;
	char *dir = pki_tmpdir();
	struct refusal why;

	(void)state;
	assert_int_equal(install_open(&a, dir, &why), 0);
	assert_int_equal(install_open(&b, dir, &why), CAMCA_EBUSY);
	assert_null(b);
	install_close(a);
	assert_int_equal(install_open(&b, dir, &why), 0);
	install_close(b);
	rmtree(dir);
}

static void
mismatch_is_seen(void **state)
{
	struct install_pair p;
	struct install *in = NULL;
	char *dir = pki_tmpdir(), gen[128];
	struct refusal why;
	struct buf pem;

	(void)state;
	install_one(dir);
	snprintf(gen, sizeof gen, "%s/gen-000001", dir);
	buf_init(&pem, 0);
	assert_int_equal(keys_to_pem(&pem, ca_key), 0);
	pki_write(gen, "key.pem", &pem);
	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_int_equal(install_load(in, NULL, &p, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "install.broken");
	buf_reset(&pem);
	pki_write(gen, "key.pem", &pem);
	assert_int_equal(install_load(in, NULL, &p, &why), CAMCA_EINVAL);
	install_close(in);
	buf_fini(&pem);
	rmtree(dir);
}

/* One that rots after it was installed does not lock the camera out. */
static void
the_pair_before_stands_in(void **state)
{
	struct install_pair p;
	struct install *in = NULL;
	char *dir = pki_tmpdir(), gen[128];
	X509 *first;
	struct refusal why;
	struct buf none;

	(void)state;
	install_one(dir);
	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_int_equal(install_load(in, NULL, &p, &why), 0);
	first = p.cert;
	p.cert = NULL;
	install_pair_fini(&p);
	install_close(in);
	assert_int_equal(install_one(dir), 2);
	snprintf(gen, sizeof gen, "%s/gen-000002", dir);
	buf_init(&none, 0);
	pki_write(gen, "fullchain.pem", &none);
	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_int_equal(install_load(in, NULL, &p, &why), 0);
	assert_int_equal(p.generation, 2);
	assert_int_equal(X509_cmp(p.cert, first), 0);
	install_pair_fini(&p);
	install_close(in);
	assert_int_equal(install_one(dir), 3);
	assert_int_equal(loads(dir), 3);
	X509_free(first);
	buf_fini(&none);
	rmtree(dir);
}

static void
pending_key(void **state)
{
	EVP_PKEY *k = pki_key(), *back = NULL;
	struct install *in = NULL;
	char *dir = pki_tmpdir();
	struct refusal why;
	struct buf junk;

	(void)state;
	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_int_equal(install_pending_load(in, &back), CAMCA_ENOENT);
	assert_int_equal(install_pending_save(in, k), 0);
	assert_int_equal(install_pending_load(in, &back), 0);
	assert_int_equal(EVP_PKEY_eq(k, back), 1);
	EVP_PKEY_free(back);
	back = NULL;
	assert_int_equal(install_pending_drop(in), 0);
	assert_int_equal(install_pending_drop(in), 0);
	buf_init(&junk, 0);
	assert_int_equal(buf_puts(&junk, "junk"), 0);
	pki_write(dir, "pending.pem", &junk);
	assert_int_equal(install_pending_load(in, &back), CAMCA_ENOENT);
	assert_false(there(dir, "pending.pem"));
	/* Litter of a crash, which may hold a key, is swept up. */
	pki_write(dir, "pending.pem.AbCdEf", &junk);
	pki_write(dir, "keep.AbCdEf", &junk);
	install_close(in);
	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_false(there(dir, "pending.pem.AbCdEf"));
	assert_true(there(dir, "keep.AbCdEf"));
	install_close(in);
	buf_fini(&junk);
	EVP_PKEY_free(k);
	rmtree(dir);
}

static void
hook_mark(void **state)
{
	struct install *in = NULL;
	char *dir = pki_tmpdir();
	struct refusal why;

	(void)state;
	assert_int_equal(install_open(&in, dir, &why), 0);
	assert_int_equal(install_hook_done(in), 0);
	assert_int_equal(install_hook_set(in, 12), 0);
	assert_int_equal(install_hook_done(in), 12);
	install_close(in);
	rmtree(dir);
}

static void
lost_link_loses_nothing(void **state)
{
	char *dir = pki_tmpdir(), path[256];

	(void)state;
	install_one(dir);
	install_one(dir);
	snprintf(path, sizeof path, "%s/current", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(loads(dir), 0);
	assert_true(there(dir, "gen-000002"));
	assert_int_equal(install_one(dir), 3);
	assert_int_equal(loads(dir), 3);
	rmtree(dir);
}

/* Installs in a child that the n-th file operation ends or fails. Gives the
 * child's exit code: 0 it went through, 1 it failed cleanly, 99 cut. */
static int
install_in_child(const char *dir, enum fault_mode mode, long n)
{
	struct install_pair p = make_pair();
	struct install *in = NULL;
	int status, ret;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fault_arm(mode, n);
		ret = install_open(&in, dir, NULL);
		if (ret == CAMCA_OK)
			ret = install_pending_save(in, p.key);
		if (ret == CAMCA_OK)
			ret = install_switch(in, &p, NULL, NULL);
		if (ret == CAMCA_OK)
			ret = install_pending_drop(in);
		_exit(fault.unsynced_switch ? 42 : ret == CAMCA_OK ? 0 : 1);
	}
	install_pair_fini(&p);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* For n = 1.. until a run passes: after the fault a whole pair is current, the
 * old or the new one, and the next installation works. */
static void
every_operation(enum fault_mode mode, bool with_old)
{
	char *dir;
	unsigned gen;
	long n;
	int code = -1;

	for (n = 1; n < 200 && code != 0; n++) {
		dir = pki_tmpdir();
		if (with_old)
			assert_int_equal(install_one(dir), 1);
		code = install_in_child(dir, mode, n);
		assert_int_not_equal(code, 42);
		gen = loads(dir);
		if (with_old)
			assert_in_range(gen, 1, 2);
		else
			assert_in_range(gen, 0, 1);
		assert_true(install_one(dir) > gen);
		assert_int_equal(loads(dir), gen == 0 ? loads(dir) : gen + 1);
		rmtree(dir);
	}
	assert_int_equal(code, 0);
	assert_true(n > 15);
}

static void
power_cut_at_each_operation(void **state)
{
	(void)state;
	every_operation(FAULT_CUT, true);
	every_operation(FAULT_CUT, false);
}

static void
torn_write_at_each_operation(void **state)
{
	(void)state;
	every_operation(FAULT_TORN, true);
}

static void
error_at_each_operation(void **state)
{
	char *dir;
	long n;
	int code;

	(void)state;
	/* An error that only the sweeping meets is forgiven, so a run may pass
	 * with a fault in it: go on until no operation is left to fail. */
	for (n = 1; n < 60; n++) {
		dir = pki_tmpdir();
		assert_int_equal(install_one(dir), 1);
		code = install_in_child(dir, FAULT_ERROR, n);
		assert_true(code == 0 || code == 1);
		assert_int_not_equal(loads(dir), 0);
		assert_true(install_one(dir) > 1);
		rmtree(dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generations),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(mismatch_is_seen),
		cmocka_unit_test(the_pair_before_stands_in),
		cmocka_unit_test(pending_key),
		cmocka_unit_test(hook_mark),
		cmocka_unit_test(lost_link_loses_nothing),
		cmocka_unit_test(power_cut_at_each_operation),
		cmocka_unit_test(torn_write_at_each_operation),
		cmocka_unit_test(error_at_each_operation),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
