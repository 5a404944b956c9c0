/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/hsm/fixture.h"

#include <dirent.h>
#include <sys/wait.h>

#include "hsm/internal.h"

static struct fixture fx;

static int
setup(void **state)
{
	(void)state;
	fixture_dir(&fx);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_remove(&fx);
	return 0;
}

static int
make(void)
{
	memset(&fx.why, 0, sizeof fx.why);
	return hsm_softhsm_make(fx.token, "camca", &fx.why);
}

static int
check_mode(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)at;
	(void)path;
	return (st->st_mode & 07777) != (flag == FTW_D ? 0700U : 0600U);
}

static size_t
count_tokens(void)
{
	char tokens[PATH_MAX];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	assert_int_equal(file_join(tokens, sizeof tokens, fx.token, "tokens"),
	    0);
	d = opendir(tokens);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
read_pin(struct buf *out)
{
	buf_init(out, 0);
	assert_int_equal(file_read(fx.pin, 100, out), 0);
}

static void
test_make(void **state)
{
	struct buf pin, again;

	(void)state;
	umask(022);
	assert_int_equal(make(), 0);
	read_pin(&pin);
	assert_int_equal(pin.len, 33);
	assert_int_equal(nftw(fx.token, check_mode, 8, FTW_PHYS), 0);
	assert_int_equal(count_tokens(), 1);
	assert_int_equal(make(), 0);
	read_pin(&again);
	assert_memory_equal(pin.data, again.data, pin.len);
	assert_int_equal(count_tokens(), 1);
	assert_int_equal(umask(022), 022);
	hsm_close(fixture_open(&fx));
	buf_fini(&pin);
	buf_fini(&again);
}

/* Another label is another token, with the same PIN. */
static void
test_second_label(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = NULL;

	(void)state;
	assert_int_equal(make(), 0);
	assert_int_equal(hsm_softhsm_make(fx.token, "log", &fx.why), 0);
	assert_int_equal(count_tokens(), 2);
	conf.token_uri = "pkcs11:token=log";
	assert_int_equal(hsm_open(&h, &conf, &fx.why), 0);
	hsm_close(h);
}

static int
add(void)
{
	memset(&fx.why, 0, sizeof fx.why);
	return hsm_softhsm_add(fx.token, "camca", "camca-log", &fx.why);
}

static void
in_token(const char *name, char out[static PATH_MAX])
{
	assert_int_equal(file_join(out, PATH_MAX, fx.token, name), 0);
}

static void
test_add(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = NULL;

	(void)state;
	umask(022);
	assert_int_equal(make(), 0);
	assert_int_equal(add(), 0);
	assert_int_equal(add(), 0);
	assert_int_equal(make(), 0);
	assert_int_equal(count_tokens(), 2);
	assert_int_equal(nftw(fx.token, check_mode, 8, FTW_PHYS), 0);
	conf.token_uri = "pkcs11:token=camca-log";
	assert_int_equal(hsm_open(&h, &conf, &fx.why), 0);
	hsm_close(h);
	hsm_close(fixture_open(&fx));
}

/* The tokens are elsewhere for the moment: nothing is put in their place. */
static void
test_add_beside_nothing(void **state)
{
	char tokens[PATH_MAX], away[PATH_MAX];

	(void)state;
	in_token("tokens", tokens);
	in_token("away", away);
	assert_int_equal(add(), CAMCA_ENOENT);
	assert_false(file_exists(fx.token));
	assert_int_equal(make(), 0);
	assert_int_equal(rename(tokens, away), 0);
	assert_int_equal(add(), CAMCA_ENOENT);
	assert_string_equal(fx.why.code, "hsm.token-missing");
	assert_false(file_exists(tokens));
	assert_int_equal(mkdir(tokens, 0700), 0);
	assert_int_equal(add(), CAMCA_ENOENT);
	assert_int_equal(count_tokens(), 0);
	assert_int_equal(rmdir(tokens), 0);
	assert_int_equal(rename(away, tokens), 0);
	assert_int_equal(add(), 0);
	assert_int_equal(count_tokens(), 2);
}

/* A log token that was there and is not must come back: one with new keys under
 * the old name would only be in its way. */
static void
test_add_once(void **state)
{
	char tokens[PATH_MAX], kept[PATH_MAX], made[PATH_MAX];

	(void)state;
	in_token("tokens", tokens);
	in_token("kept", kept);
	in_token("made-camca-log", made);
	assert_int_equal(make(), 0);
	assert_int_equal(add(), 0);
	assert_true(file_exists(made));
	/* A new folder with the main token alone. */
	assert_int_equal(rename(tokens, kept), 0);
	assert_int_equal(make(), 0);
	assert_int_equal(add(), CAMCA_ENOENT);
	assert_non_null(strstr(fx.why.detail, "made-camca-log"));
	assert_int_equal(count_tokens(), 1);
	assert_int_equal(unlink(made), 0);
	assert_int_equal(add(), 0);
	assert_int_equal(count_tokens(), 2);
	/* A crash between the token and the mark. */
	assert_int_equal(unlink(made), 0);
	assert_int_equal(add(), 0);
	assert_int_equal(count_tokens(), 2);
	assert_true(file_exists(made));
}

/* The operator keeps the PIN elsewhere: a new one would be a second secret. */
static void
test_add_without_pin(void **state)
{
	(void)state;
	assert_int_equal(make(), 0);
	assert_int_equal(unlink(fx.pin), 0);
	assert_int_equal(add(), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-missing");
	assert_false(file_exists(fx.pin));
	assert_int_equal(count_tokens(), 1);
	assert_int_equal(hsm_softhsm_add(fx.token, "camca", "a/b", NULL),
	    CAMCA_EINVAL);
	assert_int_equal(hsm_softhsm_add(fx.token, "", "log", NULL),
	    CAMCA_EINVAL);
}

/* A PIN that was put there by the operator is used. */
static void
test_own_pin(void **state)
{
	struct buf pin;

	(void)state;
	assert_int_equal(file_mkdirs(fx.token, 0700), 0);
	fixture_write(fx.pin, "operator's own");
	assert_int_equal(make(), 0);
	read_pin(&pin);
	assert_string_equal(buf_str(&pin), "operator's own");
	buf_fini(&pin);
	hsm_close(fixture_open(&fx));
}

/* A new PIN would not open the old token: say so instead. */
static void
test_pin_lost(void **state)
{
	(void)state;
	assert_int_equal(make(), 0);
	assert_int_equal(unlink(fx.pin), 0);
	assert_int_equal(make(), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-missing");
	assert_false(file_exists(fx.pin));
}

/* What a crash leaves below new/ counts for nothing. */
static void
test_leftover(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(file_join(path, sizeof path, fx.token,
	    "new/tokens/half"), 0);
	assert_int_equal(file_mkdirs(path, 0700), 0);
	assert_int_equal(file_join(path, sizeof path, fx.token,
	    "new/tokens/half/token.object"), 0);
	fixture_write(path, "not a token");
	assert_int_equal(make(), 0);
	assert_false(file_exists(path));
	assert_int_equal(count_tokens(), 1);
	hsm_close(fixture_open(&fx));
}

/* The folder was restored somewhere else, with its keys. */
static void
test_moved(void **state)
{
	struct hsm *h;
	struct hsm_key *k;
	char *uri = NULL;
	char other[PATH_MAX];

	(void)state;
	assert_int_equal(make(), 0);
	h = fixture_open(&fx);
	k = fixture_key(&fx, h, HSM_EC_P256, &uri);
	hsm_key_free(k);
	hsm_close(h);
	assert_int_equal(file_join(other, sizeof other, fx.dir, "other"), 0);
	assert_int_equal(rename(fx.token, other), 0);
	assert_int_equal(file_join(fx.token, sizeof fx.token, fx.dir, "other"),
	    0);
	assert_int_equal(file_join(fx.conf, sizeof fx.conf, other,
	    "softhsm2.conf"), 0);
	assert_int_equal(file_join(fx.pin, sizeof fx.pin, other, "pin"), 0);
	assert_int_equal(make(), 0);
	assert_int_equal(count_tokens(), 1);
	h = fixture_open(&fx);
	assert_int_equal(hsm_key_open(h, uri, &k, &fx.why), 0);
	assert_int_equal(fixture_sign(k), 0);
	hsm_key_free(k);
	hsm_close(h);
	free(uri);
}

static void
test_environment_kept(void **state)
{
	(void)state;
	setenv("SOFTHSM2_CONF", "/somewhere", 1);
	assert_int_equal(make(), 0);
	assert_string_equal(getenv("SOFTHSM2_CONF"), "/somewhere");
	unsetenv("SOFTHSM2_CONF");
	assert_int_equal(make(), 0);
	assert_null(getenv("SOFTHSM2_CONF"));
}

static void
test_bad(void **state)
{
	static const char *const labels[] = { "", "a\nb", "ends in blank ",
	    "123456789012345678901234567890123", "\xff" };
	char path[PATH_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof labels / sizeof labels[0]; i++)
		assert_int_equal(hsm_softhsm_make(fx.token, labels[i], NULL),
		    CAMCA_EINVAL);
	assert_false(file_exists(fx.token));
	assert_int_equal(file_join(path, sizeof path, fx.dir, "a\nb"), 0);
	assert_int_equal(hsm_softhsm_make(path, "camca", NULL), CAMCA_EIO);
	assert_int_equal(file_join(path, sizeof path, fx.dir, "file"), 0);
	fixture_write(path, "");
	assert_int_equal(hsm_softhsm_make(path, "camca", NULL), CAMCA_EIO);
}

/* One configuration a process: not while a token is open. */
static void
test_in_use(void **state)
{
	struct hsm *h;

	(void)state;
	assert_int_equal(make(), 0);
	h = fixture_open(&fx);
	assert_int_equal(make(), CAMCA_EHSM);
	hsm_close(h);
	assert_int_equal(make(), 0);
}

/* init and the daemon started at the same moment. */
static void
test_together(void **state)
{
	pid_t pids[4];
	int i, status;

	(void)state;
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(make() == 0 ? 0 : 1);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_tokens(), 1);
	hsm_close(fixture_open(&fx));
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_make),
		CASE(test_second_label),
		CASE(test_add),
		CASE(test_add_beside_nothing),
		CASE(test_add_once),
		CASE(test_add_without_pin),
		CASE(test_own_pin),
		CASE(test_pin_lost),
		CASE(test_leftover),
		CASE(test_moved),
		CASE(test_environment_kept),
		CASE(test_bad),
		CASE(test_in_use),
		CASE(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
