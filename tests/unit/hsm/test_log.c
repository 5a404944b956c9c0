/* SPDX-License-Identifier: Apache-2.0 */
/* The second token of the module: keys of the custody log, and that whatever
 * happens to it is not felt by the CAs' token. */
#include "tests/unit/hsm/fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "ca/base/auto.h"
#include "hsm/internal.h"

#define MAIN_THREADS 4
#define LOG_THREADS 2
#define THREADS (MAIN_THREADS + LOG_THREADS)

static struct fixture fx;
static _Atomic int64_t clock_ms;
static struct hsm *hsm;
static struct hsm_key *ca_key, *log_key;
static char *ca_uri, *log_uri;

static int64_t
fake_clock(void *arg)
{
	(void)arg;
	return clock_ms;
}

static void
order(const char *text)
{
	fixture_write(fx.control, text);
}

static struct hsm_conf
conf_both(void)
{
	struct hsm_conf c = fixture_conf(&fx);

	c.log_token_uri = "pkcs11:token=camca-log";
	return c;
}

static struct hsm *
open_conf(const struct hsm_conf *c)
{
	struct hsm *h = NULL;

	if (hsm_open(&h, c, &fx.why) < 0)
		fail_msg("%s", fx.why.detail);
	assert_int_equal(ERR_peek_error(), 0);
	session_set_clock(h, fake_clock, NULL);
	h->tokens[HSM_LOG].next_try_ms = 0;   /* was by the real clock */
	return h;
}

static void
make_log_key(enum hsm_key_type type)
{
	if (hsm_generate_log(hsm, type, "log", &log_uri, &fx.why) < 0 ||
	    hsm_key_open(hsm, log_uri, &log_key, &fx.why) < 0)
		fail_msg("%s", fx.why.detail);
}

static int
setup(void **state)
{
	struct hsm_conf c;

	(void)state;
	fixture_fault(&fx);
	fixture_log(&fx);
	clock_ms = 1000000;
	c = conf_both();
	hsm = open_conf(&c);
	ca_key = fixture_key(&fx, hsm, HSM_EC_P256, &ca_uri);
	make_log_key(HSM_ED25519);
	assert_int_equal(fixture_sign(ca_key), 0);
	assert_int_equal(fixture_sign(log_key), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hsm_key_free(ca_key);
	hsm_key_free(log_key);
	hsm_close(hsm);
	free(ca_uri);
	free(log_uri);
	hsm = NULL;
	ca_key = log_key = NULL;
	ca_uri = log_uri = NULL;
	fixture_remove(&fx);
	return 0;
}

/* How often the module was loaded for the CAs. */
static uint64_t
loads(void)
{
	return hsm->tokens[HSM_MAIN].epoch;
}

/* The signature is over the message itself, as openssl pkeyutl -rawin would
 * check it. */
static void
test_ed25519(void **state)
{
	AUTO(EVP_PKEY) *pub = hsm_key_public(log_key);
	uint8_t msg[5000], sig[512];
	size_t len, n;

	(void)state;
	assert_int_equal(EVP_PKEY_get_id(pub), EVP_PKEY_ED25519);
	assert_non_null(strstr(log_uri, "token=camca-log;object=log;id="));
	memset(msg, 'x', sizeof msg);
	for (n = 0; n <= sizeof msg; n += 1000) {
		AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();

		len = sizeof sig;
		assert_int_equal(hsm_sign_data(log_key, msg, n, sig, &len), 0);
		assert_int_equal(len, 64);
		assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL,
		    pub), 1);
		assert_int_equal(EVP_DigestVerify(ctx, sig, len, msg, n), 1);
	}
	len = 63;
	assert_int_equal(hsm_sign_data(log_key, msg, 1, sig, &len),
	    CAMCA_ELIMIT);
	assert_int_equal(hsm_check_log(hsm, &fx.why), 0);
	assert_int_equal(ERR_peek_error(), 0);
}

/* Nothing with Ed25519 that would need a hash, and no certificate by a key of
 * the log, whatever its type. */
static void
test_not_for_cas(void **state)
{
	static const uint8_t hash[32] = { 1 };
	AUTO(X509) *cert = X509_new();
	struct refusal why = { 0 };
	uint8_t sig[512];
	size_t len = sizeof sig;
	char *uri = NULL;
	struct hsm_key *k = NULL;

	(void)state;
	assert_int_equal(hsm_sign_cert(log_key, cert), CAMCA_EPOLICY);
	assert_int_equal(hsm_sign_hashed(log_key, "x", 1, hash, sig, &len),
	    CAMCA_EINVAL);
	assert_null(hsm_key_md(log_key));
	assert_int_equal(hsm_generate(hsm, HSM_ED25519, "ca", &uri, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "hsm.key-type");
	assert_int_equal(hsm_generate_log(hsm, HSM_EC_P256, "log2", &uri,
	    &why), 0);
	assert_int_equal(hsm_key_open(hsm, uri, &k, &why), 0);
	assert_int_equal(fixture_sign(k), 0);
	assert_int_equal(hsm_sign_cert(k, cert), CAMCA_EPOLICY);
	assert_int_equal(ERR_peek_error(), 0);
	hsm_key_free(k);
	free(uri);
}

static void
test_wrong_signature(void **state)
{
	uint8_t sig[512] = { 0 };
	size_t len = sizeof sig, i;

	(void)state;
	order("flip");
	assert_int_equal(hsm_sign_data(log_key, "x", 1, sig, &len),
	    CAMCA_EHSM);
	for (i = 0; i < sizeof sig; i++)
		assert_int_equal(sig[i], 0);
	assert_int_equal(hsm_check_log(hsm, &fx.why), CAMCA_EHSM);
	assert_string_equal(fx.why.code, "hsm.signature-wrong");
}

/* Each key is made where it belongs and found there again. */
static void
test_right_token(void **state)
{
	static const struct { const char *uri; int err; bool log; } cases[] = {
		{ "pkcs11:object=log;token=camca-log", 0, true },
		{ "pkcs11:object=issuer;token=camca", 0, false },
		{ "pkcs11:object=log;token=camca", CAMCA_ENOENT, false },
		{ "pkcs11:object=issuer;token=camca-log", CAMCA_ENOENT,
		    false },
		{ "pkcs11:object=issuer;token=other", CAMCA_ENOENT, false },
		{ "pkcs11:object=issuer", 0, false },
		{ "pkcs11:object=log", CAMCA_ENOENT, false },
	};
	struct refusal why;
	struct hsm_key *k;
	char uri[128];
	size_t i;

	(void)state;
	assert_non_null(strstr(ca_uri, "pkcs11:token=camca;"));
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&why, 0, sizeof why);
		k = NULL;
		assert_int_equal(hsm_key_open(hsm, cases[i].uri, &k, &why),
		    cases[i].err);
		if (k != NULL)
			assert_int_equal(k->t == &hsm->tokens[HSM_LOG],
			    cases[i].log);
		else
			assert_string_equal(why.code, "hsm.key-missing");
		hsm_key_free(k);
	}
	/* By what the URI in the settings does not speak of. */
	snprintf(uri, sizeof uri, "pkcs11:object=log;serial=%s",
	    hsm->tokens[HSM_LOG].names.serial);
	assert_int_equal(hsm_key_open(hsm, uri, &k, &why), 0);
	assert_true(k->t == &hsm->tokens[HSM_LOG]);
	hsm_key_free(k);
}

static void
test_none(void **state)
{
	struct hsm_conf c = fixture_conf(&fx);
	struct refusal why = { 0 };
	struct hsm_key *k = NULL;
	char *uri = NULL;

	assert_true(hsm_has_log(hsm));
	hsm_key_free(ca_key);
	hsm_key_free(log_key);
	hsm_close(hsm);
	ca_key = log_key = NULL;
	hsm = open_conf(&c);
	assert_false(hsm_has_log(hsm));
	assert_int_equal(hsm_generate_log(hsm, HSM_ED25519, "x", &uri, &why),
	    CAMCA_ENOENT);
	assert_string_equal(why.code, "hsm.log-token");
	assert_int_equal(hsm_check_log(hsm, &why), CAMCA_ENOENT);
	assert_int_equal(hsm_key_open(hsm, log_uri, &k, &why), CAMCA_ENOENT);
	assert_int_equal(hsm_check(hsm, &why), 0);
	(void)state;
}

/* The mechanism list of a token without Edwards curves. */
static void
test_no_eddsa(void **state)
{
	struct refusal why = { 0 };
	char *uri = NULL;

	(void)state;
	order("fail C_GetMechanismInfo 0x70");
	assert_int_equal(hsm_generate_log(hsm, HSM_ED25519, "x", &uri, &why),
	    CAMCA_EHSM);
	assert_string_equal(why.code, "hsm.refused");
	assert_non_null(strstr(why.detail, "Ed25519"));
	assert_null(uri);
	/* The other kind of log key does not need them. */
	assert_int_equal(hsm_generate_log(hsm, HSM_EC_P256, "x", &uri, &why),
	    0);
	free(uri);
	uri = NULL;
	order("fail C_GenerateKeyPair 0x13");
	assert_int_equal(hsm_generate_log(hsm, HSM_ED25519, "x", &uri, &why),
	    CAMCA_EHSM);
	assert_string_equal(why.code, "hsm.refused");
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), 2);
	/* One that keeps its list to itself is tried. */
	order("fail C_GetMechanismInfo 0x54");
	assert_int_equal(hsm_generate_log(hsm, HSM_ED25519, "x", &uri, &why),
	    0);
	free(uri);
}

/* Gone and back, several times: the CAs' token is never opened again for it,
 * and its callers make no more calls than they sign. */
static void
test_away(void **state)
{
	static const char *const orders[] =
	    { "away camca-log", "ill camca-log" };
	struct refusal why = { 0 };
	unsigned long calls;
	uint64_t before = loads();
	int round, i;

	(void)state;
	for (round = 0; round < 4; round++) {
		order(orders[round % 2]);
		clock_ms += 1000;
		if (round % 2 == 1) {   /* the sessions live on until lost */
			order("fail C_SignInit 0x32");
			assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
			order("ill camca-log");
		}
		for (i = 0; i < 3; i++) {
			assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
			assert_int_equal(fixture_sign(ca_key), 0);
			clock_ms += 1000;
		}
		assert_int_equal(hsm_check(hsm, &why), 0);
		assert_int_equal(hsm_check_log(hsm, &why), CAMCA_EHSM);
		assert_int_equal(why.http, 503);
		calls = fixture_count(&fx, "pkcs11_fault_calls");
		for (i = 0; i < 100; i++)
			assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
		assert_int_equal(fixture_count(&fx, "pkcs11_fault_calls"),
		    calls);
		assert_int_equal(fixture_sign(ca_key), 0);
		assert_int_equal(fixture_count(&fx, "pkcs11_fault_calls"),
		    calls + 2);
		order("");
		clock_ms += 1000;
		assert_int_equal(fixture_sign(log_key), 0);
		assert_int_equal(hsm_check_log(hsm, &why), 0);
	}
	assert_int_equal(loads(), before);
}

/* Missing or ill when the authority starts: it starts, and the log follows. */
static void
test_away_at_start(void **state)
{
	static const char *const orders[] =
	    { "away camca-log", "ill camca-log" };
	struct hsm_conf c = conf_both();
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		hsm_key_free(ca_key);
		hsm_key_free(log_key);
		hsm_close(hsm);
		ca_key = log_key = NULL;
		order(orders[i]);
		hsm = open_conf(&c);
		assert_true(hsm_has_log(hsm));
		assert_int_equal(hsm_key_open(hsm, ca_uri, &ca_key, NULL), 0);
		assert_int_equal(hsm_key_open(hsm, log_uri, &log_key,
		    &fx.why), CAMCA_EHSM);
		assert_int_equal(fixture_sign(ca_key), 0);
		order("");
		clock_ms += 1000;
		assert_int_equal(hsm_key_open(hsm, log_uri, &log_key, NULL),
		    0);
		assert_int_equal(fixture_sign(log_key), 0);
		assert_int_equal(loads(), 1);
	}
}

/* An ill log token must not keep the CAs' from being opened again. */
static void
test_main_lost_meanwhile(void **state)
{
	static const char *const orders[] = { "away camca-log; after 1",
	    "ill camca-log; after 1", "after 1" };
	uint64_t before;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		before = loads();
		order(orders[i]);
		assert_int_equal(fixture_sign(ca_key), 0);
		assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), 1);
		assert_int_equal(loads(), before + 1);
		assert_int_equal(fixture_sign(log_key), i == 2 ? 0 :
		    CAMCA_EHSM);
		order("");
		clock_ms += 1000;
		assert_int_equal(fixture_sign(log_key), 0);
		assert_int_equal(fixture_sign(ca_key), 0);
		assert_int_equal(loads(), before + 1);
	}
}

/* Both pulled; whoever comes first opens the module, the log's caller too. */
static void
test_both_gone(void **state)
{
	(void)state;
	order("gone");
	assert_int_equal(fixture_sign(ca_key), CAMCA_EHSM);
	assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
	order("");
	clock_ms += 1000;
	assert_int_equal(fixture_sign(log_key), 0);
	assert_int_equal(fixture_sign(ca_key), 0);
}

static void
move_log(const char *from_name, const char *to_name)
{
	char from[PATH_MAX], to[PATH_MAX];

	assert_int_equal(file_join(from, sizeof from, fx.token, from_name), 0);
	assert_int_equal(file_join(to, sizeof to, fx.token, to_name), 0);
	assert_int_equal(rename(from, to), 0);
}

/* SoftHSM names a token's folder by a UUID that ends in its serial number. */
static void
log_folder(char out[static PATH_MAX])
{
	char cmp[40];
	char tokens[PATH_MAX];
	struct hsm_names *names = &hsm->tokens[HSM_LOG].names;
	struct dirent *e;
	size_t i, n;
	DIR *d;

	assert_int_equal(file_join(tokens, sizeof tokens, fx.token, "tokens"),
	    0);
	d = opendir(tokens);
	assert_non_null(d);
	out[0] = '\0';
	while ((e = readdir(d)) != NULL) {
		for (n = i = 0; e->d_name[i] != '\0' && n < 39; i++)
			if (e->d_name[i] != '-')
				cmp[n++] = e->d_name[i];
		cmp[n] = '\0';
		if (n == 32 && strcmp(cmp + 16, names->serial) == 0)
			snprintf(out, PATH_MAX, "tokens/%s", e->d_name);
	}
	closedir(d);
	assert_true(out[0] != '\0');
}

/* SoftHSM does not see a token again that it has missed: it is initialized
 * anew, once for each change of the folder, and the CAs sign on. */
static void
test_folder_moved(void **state)
{
	uint64_t before = loads();
	char name[PATH_MAX];
	int i;

	(void)state;
	log_folder(name);
	move_log(name, "away");
	for (i = 0; i < 5; i++) {
		assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
		assert_int_equal(fixture_sign(ca_key), 0);
		clock_ms += 1000;
	}
	assert_true(loads() <= before + 1);
	move_log("away", name);
	assert_int_equal(fixture_sign(log_key), 0);
	assert_int_equal(fixture_sign(ca_key), 0);
	assert_true(loads() <= before + 2);
	before = loads();
	for (i = 0; i < 5; i++) {
		clock_ms += 1000;
		order(i % 2 == 0 ? "away camca-log" : "");
		assert_int_equal(fixture_sign(log_key), i % 2 == 0 ?
		    CAMCA_EHSM : 0);
	}
	assert_int_equal(loads(), before);
}

/* Its own PIN, and wrong: tried once, and the CAs' PIN is not touched. */
static void
test_pin(void **state)
{
	struct hsm_conf c = conf_both();
	struct refusal why = { 0 };
	struct hsm_token *t;
	char pin[PATH_MAX];
	struct buf good;
	int i;

	(void)state;
	hsm_key_free(ca_key);
	hsm_key_free(log_key);
	hsm_close(hsm);
	ca_key = log_key = NULL;
	buf_init(&good, 0);
	assert_int_equal(file_read(fx.pin, 100, &good), 0);
	assert_int_equal(file_join(pin, sizeof pin, fx.dir, "log-pin"), 0);
	fixture_write(pin, "00000000\n");
	c.log_pin.file = pin;
	hsm = open_conf(&c);
	t = &hsm->tokens[HSM_LOG];
	assert_true(t->pin_refused);
	assert_int_equal(t->last_err, CAMCA_EPIN);
	assert_int_equal(hsm_key_open(hsm, ca_uri, &ca_key, NULL), 0);
	order("fail C_Login 0xa0");
	for (i = 0; i < 5; i++) {
		assert_int_equal(hsm_key_open(hsm, log_uri, &log_key, &why),
		    CAMCA_EPIN);
		assert_string_equal(why.code, "hsm.pin-wrong");
		assert_int_equal(fixture_sign(ca_key), 0);
		assert_int_equal(hsm_check(hsm, &why), 0);
		clock_ms += 1000;
	}
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), 0);
	order("final-try");
	fixture_write(pin, buf_str(&good));
	assert_int_equal(hsm_check_log(hsm, &why), CAMCA_EPIN);
	assert_string_equal(why.code, "hsm.pin-final-try");
	order("");
	clock_ms += 1000;
	assert_int_equal(hsm_key_open(hsm, log_uri, &log_key, &why), 0);
	assert_int_equal(fixture_sign(log_key), 0);
	assert_int_equal(loads(), 1);
	buf_cleanse(&good);
}

/* One PIN for both, from where it can be had once only. */
static void
test_pin_shared(void **state)
{
	struct hsm_conf c = conf_both();
	struct buf good;

	(void)state;
	hsm_key_free(ca_key);
	hsm_key_free(log_key);
	hsm_close(hsm);
	ca_key = log_key = NULL;
	buf_init(&good, 0);
	assert_int_equal(file_read(fx.pin, 100, &good), 0);
	setenv("CAMCA_TEST_PIN", buf_str(&good), 1);
	c.pin.file = NULL;
	c.pin.env = "CAMCA_TEST_PIN";
	hsm = open_conf(&c);
	unsetenv("CAMCA_TEST_PIN");
	assert_int_equal(hsm_key_open(hsm, log_uri, &log_key, NULL), 0);
	order("away camca-log");
	assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
	order("");
	clock_ms += 1000;
	assert_int_equal(fixture_sign(log_key), 0);
	buf_cleanse(&good);
}

static void
test_conf(void **state)
{
	static const struct { const char *uri; int err; const char *code; }
	    cases[] = {
		{ "camca-log", CAMCA_EINVAL, "hsm.uri" },
		{ "pkcs11:token=camca-log;object=x", CAMCA_EINVAL, "hsm.uri" },
		{ "pkcs11:token=camca-log?module-path=/x.so", CAMCA_EINVAL,
		    "hsm.uri" },
		{ "pkcs11:token=camca-log?pin-source=pin", CAMCA_EINVAL,
		    "hsm.uri" },
		{ "pkcs11:token=camca-log?pin-value=1", CAMCA_EINVAL,
		    "hsm.uri-pin" },
		{ "pkcs11:token=camca", 0, "hsm.log-token" },
		{ "pkcs11:", 0, "hsm.token-ambiguous" },
		{ "pkcs11:token=none", 0, "hsm.token-missing" },
	};
	struct hsm_conf c = conf_both();
	struct hsm *h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct refusal why = { 0 };

		c.log_token_uri = cases[i].uri;
		h = NULL;
		assert_int_equal(hsm_open(&h, &c, &why), cases[i].err);
		if (h != NULL) {
			assert_int_equal(hsm_check(h, &why), 0);
			assert_int_equal(hsm_check_log(h, &why), CAMCA_EHSM);
		}
		assert_string_equal(why.code, cases[i].code);
		hsm_close(h);
	}
}

struct stuck {
	struct hsm_token *t;
	sem_t inside, go;
};

static CK_RV
stuck_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct stuck *st = arg;

	(void)h;
	(void)s;
	sem_post(&st->inside);
	sem_wait(&st->go);
	return CKR_OK;
}

static void *
stuck_run(void *arg)
{
	struct stuck *st = arg;

	return session_run(st->t, false, "hang", stuck_call, st, NULL) == 0 ?
	    NULL : arg;
}

/* A call to the log token hangs in the module. The CAs' token is lost at the
 * same time: it is opened by a login, and the module is not pulled away from
 * under the call that hangs. */
static void
test_hangs(void **state)
{
	struct stuck st = { .t = &hsm->tokens[HSM_LOG] };
	uint64_t before = loads(), log_before;
	pthread_t thread;
	void *failed;

	(void)state;
	sem_init(&st.inside, 0, 0);
	sem_init(&st.go, 0, 0);
	hsm->wait_ms = 250;
	assert_int_equal(pthread_create(&thread, NULL, stuck_run, &st), 0);
	sem_wait(&st.inside);
	assert_int_equal(fixture_sign(ca_key), 0);
	log_before = hsm->tokens[HSM_LOG].epoch;
	order("after 1");
	assert_int_equal(fixture_sign(ca_key), 0);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), 1);
	assert_int_equal(loads(), before + 1);
	assert_int_equal(fixture_sign(log_key), 0);
	sem_post(&st.go);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(hsm->tokens[HSM_LOG].epoch, log_before);
	/* And the other way round: the log's own loss waits for its call. */
	assert_int_equal(pthread_create(&thread, NULL, stuck_run, &st), 0);
	sem_wait(&st.inside);
	order("fail C_SignInit 0x32");
	assert_int_equal(fixture_sign(log_key), CAMCA_EHSM);
	order("");
	assert_int_equal(hsm_check_log(hsm, &fx.why), CAMCA_EHSM);
	assert_string_equal(fx.why.code, "hsm.hangs");
	assert_int_equal(fixture_sign(ca_key), 0);
	sem_post(&st.go);
	assert_int_equal(pthread_join(thread, &failed), 0);
	clock_ms += 1000;
	assert_int_equal(fixture_sign(log_key), 0);
	sem_destroy(&st.inside);
	sem_destroy(&st.go);
}

struct worker {
	pthread_t thread;
	struct hsm_key *key;
	atomic_uint good, failed, other;
	atomic_bool stop;
};

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	uint8_t sig[512];
	size_t len;
	int ret;

	while (!w->stop) {
		len = sizeof sig;
		ret = hsm_sign_data(w->key, "x", 1, sig, &len);
		if (ret == 0)
			w->good++;
		else if (ret == CAMCA_EHSM)
			w->failed++;
		else
			w->other++;
		if (ret < 0)
			sched_yield();
	}
	return NULL;
}

/* Until each of n workers has counted one more. Time goes on: an attempt that
 * began under the order before may end only now, and pauses from now. */
static void
wait_more(struct worker *w, int n, bool good)
{
	unsigned before[THREADS];
	int i;

	for (i = 0; i < n; i++)
		before[i] = good ? w[i].good : w[i].failed;
	for (i = 0; i < n; i++)
		while ((good ? w[i].good : w[i].failed) == before[i]) {
			clock_ms++;
			sched_yield();
		}
}

/* CAs and log sign at once while the log token comes and goes, then both. */
static void
test_threads(void **state)
{
	static struct worker w[THREADS];
	struct worker *log = w + MAIN_THREADS;
	uint64_t before = loads();
	int round, i;

	(void)state;
	memset(w, 0, sizeof w);
	for (i = 0; i < THREADS; i++) {
		w[i].key = i < MAIN_THREADS ? ca_key : log_key;
		assert_int_equal(pthread_create(&w[i].thread, NULL, worker_run,
		    &w[i]), 0);
	}
	for (round = 0; round < 5; round++) {
		wait_more(w, THREADS, true);
		order("away camca-log");
		wait_more(log, LOG_THREADS, false);
		wait_more(w, MAIN_THREADS, true);
		clock_ms += 1000;
		wait_more(w, MAIN_THREADS, true);
		order("");
		clock_ms += 1000;
	}
	wait_more(w, THREADS, true);
	for (i = 0; i < MAIN_THREADS; i++)
		assert_int_equal(w[i].failed, 0);
	assert_int_equal(loads(), before);
	for (round = 0; round < 3; round++) {
		order("gone");
		wait_more(w, THREADS, false);
		order("");
		clock_ms += 1000;
		wait_more(w, THREADS, true);
		clock_ms += 1000;
	}
	for (i = 0; i < THREADS; i++)
		w[i].stop = true;
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].other, 0);
	}
	assert_int_equal(hsm->tokens[HSM_MAIN].users, 0);
	assert_int_equal(hsm->tokens[HSM_LOG].users, 0);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_ed25519),
		CASE(test_not_for_cas),
		CASE(test_wrong_signature),
		CASE(test_right_token),
		CASE(test_none),
		CASE(test_no_eddsa),
		CASE(test_away),
		CASE(test_away_at_start),
		CASE(test_main_lost_meanwhile),
		CASE(test_both_gone),
		CASE(test_folder_moved),
		CASE(test_pin),
		CASE(test_pin_shared),
		CASE(test_conf),
		CASE(test_hangs),
		CASE(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
