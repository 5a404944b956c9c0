/* SPDX-License-Identifier: Apache-2.0 */
/* The files that say who the anchors are, starts, and the turns of the TSAs. */
#include "tests/unit/ca/custody/anchor_fixture.h"

#include <openssl/pem.h>

/* ---- files ---- */

static void
test_reload(void **state)
{
	struct fix *f = *state;
	struct anchor_summary s;
	struct refusal why = { 0 };

	grow(f, 2);
	cosign(f, 0, 0, 2);
	cosign(f, 1, 0, 2);
	fix_policy(f, "quorum nobody\n");
	assert_int_equal(anchor_reload(f->an, &why), CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	assert_int_equal(anchor_summary(f->an, &s), 0);
	assert_true(s.why[0] != '\0');
	assert_int_equal(s.witnesses, 2);
	assert_int_equal(s.quorum_size, 2);
	fix_policy(f, "quorum a\n");
	assert_int_equal(anchor_reload(f->an, NULL), 0);
	grow(f, 1);
	cosign(f, 0, 2, 3);                    /* it is remembered */
	assert_int_equal(quorum(f), 3);
	/* Another log's policy. */
	key_free(&f->log);
	key_new(&f->log, "other.test", NOTE_ED25519);
	fix_policy(f, "quorum a\n");
	assert_int_equal(anchor_reload(f->an, NULL), 0);
	assert_int_equal(anchor_summary(f->an, &s), 0);
	assert_non_null(strstr(s.why, "does not fit"));
	fix_file(f, "policy.tlog", "", 0);
	assert_int_equal(anchor_reload(f->an, NULL), CAMCA_EINVAL);
}

static void
test_reload_in_flight(void **state)
{
	struct fix *f = *state;
	char id[ANCHOR_ID_LEN + 1];

	grow(f, 2);
	assert_int_equal(next(f), 0);
	memcpy(id, f->work.id, sizeof id);
	assert_int_equal(anchor_reload(f->an, NULL), 0);
	assert_int_equal(done_as(f, id, 500, "", "", 0), CAMCA_ENOENT);
	cosign(f, 0, 0, 2);
	cosign(f, 1, 0, 2);
}

static void
test_restart(void **state)
{
	struct fix *f = *state;
	int64_t n;

	grow(f, 2);
	cosign(f, 0, 0, 2);
	assert_int_equal(next(f), 1);
	done(f, 422, "", "");
	n = events(f);
	anchor_close(f->an);
	fix_open(f);
	is(f, "a.test", ANCHOR_ANSWERING, "");
	is(f, "b.test", ANCHOR_FAILING, "422");
	grow(f, 1);
	cosign(f, 0, 2, 3);
	assert_int_equal(events(f), n);
	assert_int_equal(next(f), 1);
}

static void
test_no_policy(void **state)
{
	struct fix *f = *state;
	struct anchor_summary s;
	struct got g = { .f = f };
	struct buf text;
	char path[128];

	buf_init(&text, 0);
	buf_init(&g.cosigs, 0);
	assert_int_equal(anchor_policy_text(f->an, &text), 0);
	assert_non_null(strstr(buf_str(&text), "quorum both"));
	snprintf(path, sizeof path, "%s/policy.tlog", f->dir);
	unlink(path);
	assert_int_equal(anchor_reload(f->an, NULL), 0);
	assert_int_equal(anchor_policy_text(f->an, &text), CAMCA_ENOENT);
	grow(f, 2);
	assert_int_equal(next(f), -1);
	assert_int_equal(anchor_summary(f->an, &s), 0);
	assert_false(s.policy);
	assert_int_equal(store_tx(f->store, DB_READ, got_tx, &g), 0);
	assert_int_equal(g.row.size, 2);
	store_checkpoint_free(&g.row);
	/* One that cannot be read is not one that asks for nothing. */
	fix_file(f, "policy.tlog", "quorum nobody\n", 14);
	assert_int_equal(anchor_reload(f->an, NULL), CAMCA_EINVAL);
	assert_int_equal(store_tx(f->store, DB_READ, got_tx, &g),
	    CAMCA_ENOENT);
	/* Nobody at all. */
	assert_int_equal(anchor_policy_text(NULL, &text), CAMCA_ENOENT);
	assert_int_equal(anchor_list(NULL, find_state, NULL), 0);
	anchor_kick(NULL);
	anchor_stop(NULL);
	buf_fini(&text);
}

/* ---- time-stamps ---- */

static void
fix_trust(struct fix *f, const char *name)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *b = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	X509_set_pubkey(x, k);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 1000);
	X509_sign(x, k, EVP_sha256());
	PEM_write_bio_X509(b, x);
	n = BIO_get_mem_data(b, &pem);
	fix_file(f, name, pem, (size_t)n);
	BIO_free(b);
	X509_free(x);
	EVP_PKEY_free(k);
}

static void
test_tsa(void **state)
{
	struct fix *f = *state;
	struct refusal why = { 0 };
	struct buf pem;
	int64_t size;

	buf_init(&pem, 0);
	assert_int_equal(anchor_timestamp(f->an, 0, &size, &why),
	    CAMCA_ETIME);                      /* no checkpoint yet */
	grow(f, 3);
	assert_int_equal(anchor_timestamp(f->an, 0, &size, &why),
	    CAMCA_ENOENT);
	assert_string_equal(why.code, "custody.no-tsa");
	anchor_close(f->an);
	fix_policy(f, "quorum none\n");
	snprintf(f->tsas[0].name, sizeof f->tsas[0].name, "one");
	snprintf(f->tsas[0].url, sizeof f->tsas[0].url, "http://one.test/t");
	snprintf(f->tsas[1].name, sizeof f->tsas[1].name, "two");
	snprintf(f->tsas[1].url, sizeof f->tsas[1].url, "http://two.test/");
	f->conf.ntsas = 2;
	fix_trust(f, "one.pem");
	fix_open(f);
	is(f, "two", ANCHOR_FAILING, "two.pem");
	assert_int_equal(anchor_tsa_trust(f->an, "one", &pem), 0);
	assert_int_equal(anchor_tsa_trust(f->an, "two", &pem), CAMCA_ENOENT);
	cosign(f, 0, 0, 3);
	cosign(f, 1, 0, 3);
	assert_int_equal(next(f), 2);
	assert_string_equal(f->work.url, "http://one.test/t");
	assert_int_equal(f->work.timeout_ms, 10000);
	assert_int_equal(next(f), -1);
	buf_fini(&pem);
}

static void
test_tsa_fails(void **state)
{
	struct fix *f = *state;
	struct refusal why = { 0 };
	int64_t size;

	snprintf(f->tsas[0].name, sizeof f->tsas[0].name, "one");
	snprintf(f->tsas[0].url, sizeof f->tsas[0].url, "http://one.test/t");
	f->conf.ntsas = 1;
	fix_trust(f, "one.pem");
	anchor_close(f->an);
	fix_policy(f, "quorum none\n");
	fix_open(f);
	grow(f, 3);
	cosign(f, 0, 0, 3);
	cosign(f, 1, 0, 3);
	assert_int_equal(next(f), 2);
	done(f, 200, "application/timestamp-reply", "x");
	is(f, "one", ANCHOR_FAILING, "TimeStampResp");
	assert_int_equal(next(f), -1);
	f->clock_ms += 1000;
	assert_int_equal(next(f), 2);
	done(f, 200, "text/html", "x");
	is(f, "one", ANCHOR_FAILING, "no time-stamp reply");
	assert_int_equal(next(f), -1);
	/* Who asks for one does not wait for the back-off. */
	assert_int_equal(anchor_timestamp(f->an, 1, &size, &why),
	    CAMCA_ETIME);
	assert_string_equal(why.code, "custody.timestamp");
	assert_int_equal(next(f), 2);
	done(f, 503, "", "");
	is(f, "one", ANCHOR_FAILING, "HTTP 503");
	assert_int_equal(events(f), 2);        /* the witnesses' */
	anchor_stop(f->an);
	assert_int_equal(anchor_timestamp(f->an, 60000, &size, &why),
	    CAMCA_ETIME);
}

#define FIX(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX(test_reload),
		FIX(test_reload_in_flight),
		FIX(test_restart),
		FIX(test_no_policy),
		FIX(test_tsa),
		FIX(test_tsa_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
