/* SPDX-License-Identifier: Apache-2.0 */
/* Who the log is: its name, its numbers after a fork, its keys. */
#include "tests/unit/ca/custody/sign_fixture.h"

static int
load_tx(struct tx *tx, void *arg)
{
	return origin_load(tx, arg);
}

static int
make(struct sign_fix *x, const char *base, unsigned algs)
{
	memset(&x->f->why, 0, sizeof x->f->why);
	return origin_make(x->f->store, x->f->hsm, &x->src, base, algs,
	    &x->f->why);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int64_t number;              /* 0: not ours */
	} t[] = {
		{ "a.example/log", 1 }, { "a.example/log/2", 2 },
		{ "a.example/log/10", 10 }, { "a.example/log/1", 0 },
		{ "a.example/log/", 0 }, { "a.example/log/0", 0 },
		{ "a.example/log/02", 0 }, { "a.example/log/+2", 0 },
		{ "a.example/log/-2", 0 }, { "a.example/log/2x", 0 },
		{ "a.example/log/ 2", 0 }, { "a.example/lo", 0 },
		{ "a.example/log2", 0 }, { "", 0 },
		{ "a.example/log/9999999999999999999999", 0 },
	};
	struct origin o = { .base = "a.example/log" };
	char name[NOTE_NAME_MAX];
	int64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		n = 0;
		assert_int_equal(origin_number(&o, t[i].name, &n),
		    t[i].number > 0 ? 0 : CAMCA_ENOENT);
		assert_int_equal(n, t[i].number);
		if (n > 0) {
			origin_name(name, &o, n);
			assert_string_equal(name, t[i].name);
		}
	}
	assert_string_equal(origin_alg_name(NOTE_ED25519), "ed25519");
	assert_string_equal(origin_alg_name(NOTE_ECDSA), "ecdsa");
}

static void
test_make(void **state)
{
	struct sign_fix *x = *state;
	struct origin o, again;

	assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &o),
	    CAMCA_ENOENT);
	assert_int_equal(make(x, "a b", ORIGIN_ALGS), CAMCA_EINVAL);
	assert_int_equal(make(x, "a+b", ORIGIN_ALGS), CAMCA_EINVAL);
	assert_int_equal(make(x, "", ORIGIN_ALGS), CAMCA_EINVAL);
	assert_int_equal(make(x, ORIGIN, 0), 0);
	assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &o), 0);
	assert_int_equal(o.nkeys, 0);
	origin_fini(&o);
	assert_int_equal(make(x, "other", ORIGIN_ALG(NOTE_ECDSA)), 0);
	assert_int_equal(make(x, "third", ORIGIN_ALGS), 0);
	assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &o), 0);
	assert_string_equal(o.base, ORIGIN);
	assert_string_equal(o.name, ORIGIN);
	assert_int_equal(o.number, 1);
	assert_false(o.forked);
	assert_int_equal(o.nkeys, 2);
	assert_int_equal(o.keys[0].alg, NOTE_ED25519);
	assert_int_equal(o.keys[1].alg, NOTE_ECDSA);
	assert_non_null(strstr(o.keys[0].uri, "token=camca-log"));
	/* All is there: nothing new, no event. */
	assert_int_equal(make(x, ORIGIN, ORIGIN_ALGS), 0);
	assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &again), 0);
	assert_string_equal(o.keys[0].uri, again.keys[0].uri);
	assert_int_equal(EVP_PKEY_eq(o.keys[1].pub, again.keys[1].pub), 1);
	origin_fini(&o);
	origin_fini(&again);
	assert_int_equal(sign_count(x, "custody.key"), 2);
	assert_int_equal(ERR_peek_error(), 0);
}

/* Without a log token there is a name and no key. */
static void
test_no_token(void **state)
{
	struct sign_fix *x = *state;
	struct hsm *with = x->f->hsm;
	struct hsm_conf conf = { .token_uri = "pkcs11:token=camca" };
	char soft[256], pin[256];
	struct origin o;

	fix_path(x->f, "token/softhsm2.conf", soft);
	fix_path(x->f, "token/pin", pin);
	conf.softhsm_conf = soft;
	conf.pin.file = pin;
	hsm_close(with);
	assert_int_equal(hsm_open(&x->f->hsm, &conf, &x->f->why), 0);
	assert_int_equal(make(x, ORIGIN, ORIGIN_ALGS), CAMCA_ENOENT);
	assert_string_equal(x->f->why.code, "hsm.log-token");
	assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &o), 0);
	assert_int_equal(o.nkeys, 0);
	origin_fini(&o);
	hsm_close(x->f->hsm);
	conf.log_token_uri = "pkcs11:token=camca-log";
	assert_int_equal(hsm_open(&x->f->hsm, &conf, &x->f->why), 0);
}

/* What stands in the store and is not what we wrote. */
static void
test_damaged(void **state)
{
	static const char *const sql[] = {
		"INSERT INTO meta VALUES ('custody.number', '1')",
		"INSERT INTO meta VALUES ('custody.number', '2')",
		"INSERT INTO meta VALUES ('custody.past', 'xyz')",
		"UPDATE meta SET value = 'AAAA' WHERE key ="
		    " 'custody.ecdsa.pub'",
		"UPDATE meta SET value = '?' WHERE key ="
		    " 'custody.ed25519.pub'",
		"UPDATE meta SET value = replace(hex(zeroblob(400)), '0', 'u')"
		    " WHERE key = 'custody.origin'",
	};
	struct sign_fix *x = *state;
	struct origin o;

	assert_int_equal(make(x, ORIGIN, ORIGIN_ALGS), 0);
	sign_backup(x, false);
	for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
		sign_backup(x, true);
		sign_sql(x, sql[i]);
		assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &o),
		    i == 2 ? 0 : CAMCA_EDB);
		if (i == 2)
			origin_fini(&o);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

/* A signed note, cut at each byte and with each bit of its text changed. */
static void
test_check(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };
	struct checkpoint c;
	struct origin o;
	struct buf note;
	int64_t number;
	size_t text, i;

	sign_start(x);
	sign_grow(x, 2);
	sign_now(x);
	assert_int_equal(store_tx(x->f->store, DB_READ, load_tx, &o), 0);
	buf_init(&note, SIGNER_FILE_MAX);
	assert_int_equal(signer_file(x->dir, &note), 0);
	assert_int_equal(origin_check(&o, note.data, note.len, ORIGIN_ALGS,
	    &c, &number, &why), 0);
	assert_int_equal(number, 1);
	text = (size_t)(strstr(buf_str(&note), "\n\n") - buf_str(&note)) + 1;
	for (i = 0; i < note.len; i++)
		assert_true(origin_check(&o, note.data, i, ORIGIN_ALGS, &c,
		    &number, &why) < 0);
	for (i = 0; i < text * 8; i++) {
		note.data[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_true(origin_check(&o, note.data, note.len, 0, &c,
		    &number, &why) < 0);
		note.data[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	/* The second line gone: enough for a reader, not for a new one. */
	for (i = note.len - 2; note.data[i] != '\n'; i--)
		;
	assert_int_equal(origin_check(&o, note.data, i + 1, 0, &c, &number,
	    &why), 0);
	assert_int_equal(origin_check(&o, note.data, i + 1, ORIGIN_ALGS, &c,
	    &number, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.signature");
	buf_fini(&note);
	origin_fini(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		SIGN_TEST(test_make),
		SIGN_TEST(test_no_token),
		SIGN_TEST(test_damaged),
		SIGN_TEST(test_check),
	};

	return cmocka_run_group_tests(tests, sign_group, fix_group_end);
}
