/* SPDX-License-Identifier: Apache-2.0 */
/* A token that goes away and comes back. */
#include "tests/unit/hsm/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "hsm/internal.h"

#define THREADS 8

static struct fixture fx;
static _Atomic int64_t clock_ms;

static int64_t
fake_clock(void *arg)
{
	(void)arg;
	return clock_ms;
}

/* The key is opened before anything breaks. */
struct scene {
	struct hsm *h;
	struct hsm_key *k;
	char *uri;
};

static int
setup(void **state)
{
	static struct scene s;

	fixture_fault(&fx);
	clock_ms = 1000000;
	s.h = fixture_open(&fx);
	session_set_clock(s.h, fake_clock, NULL);
	s.k = fixture_key(&fx, s.h, HSM_EC_P256, &s.uri);
	assert_int_equal(fixture_sign(s.k), 0);
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	hsm_key_free(s->k);
	hsm_close(s->h);
	free(s->uri);
	fixture_remove(&fx);
	return 0;
}

static void
order(const char *text)
{
	fixture_write(fx.control, text);
}

static void
test_gone_and_back(void **state)
{
	struct scene *s = *state;
	struct refusal why = { 0 };
	EVP_PKEY *pub;
	int round;

	for (round = 0; round < 3; round++) {
		order("gone");
		assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
		pub = hsm_key_public(s->k);
		assert_non_null(pub);
		EVP_PKEY_free(pub);
		assert_int_equal(hsm_check(s->h, &why), CAMCA_EHSM);
		assert_int_equal(why.http, 503);
		assert_true(why.retry_after_s > 0);
		order("");
		clock_ms += 1000;
		assert_int_equal(fixture_sign(s->k), 0);
		assert_int_equal(hsm_check(s->h, &why), 0);
		clock_ms += 1000;
	}
}

/* A loss that nobody noticed: sessions and login are gone, the token is back
 * before the next signature. */
static void
test_short_absence(void **state)
{
	struct scene *s = *state;

	CK_SLOT_INFO info;

	order("gone");
	/* The module takes an order over at a call, whoever makes it. */
	assert_int_equal(s->h->p11->C_GetSlotInfo(s->h->tokens->slot, &info), CKR_OK);
	order("");
	assert_int_equal(fixture_sign(s->k), 0);
}

/* While it is away there is one attempt a second, and the others cost nothing.
 * The time is the fake one; no call reaches the module. */
static void
test_no_herd(void **state)
{
	struct scene *s = *state;
	unsigned long calls;
	int i;

	order("gone");
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	calls = fixture_count(&fx, "pkcs11_fault_calls");
	for (i = 0; i < 1000; i++)
		assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_calls"), calls);
	clock_ms += 999;
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_calls"), calls);
	clock_ms += 1;
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	assert_true(fixture_count(&fx, "pkcs11_fault_calls") > calls);
}

static void
test_everything_while_away(void **state)
{
	struct scene *s = *state;
	struct hsm_key *k = NULL;
	struct refusal why = { 0 };
	char *uri = NULL;

	order("gone");
	assert_int_equal(hsm_generate(s->h, HSM_EC_P256, "x", &uri, &why),
	    CAMCA_EHSM);
	assert_int_equal(why.http, 503);
	assert_int_equal(hsm_key_open(s->h, s->uri, &k, &why), CAMCA_EHSM);
	assert_null(uri);
	assert_null(k);
	order("");
	clock_ms += 1000;
	assert_int_equal(hsm_generate(s->h, HSM_EC_P256, "x", &uri, &why), 0);
	assert_int_equal(hsm_key_open(s->h, s->uri, &k, &why), 0);
	hsm_key_free(k);
	free(uri);
}

/* libp11 0.4.12 would wait for ever in PKCS11_login here. */
static void
test_no_session(void **state)
{
	struct scene *s = *state;

	order("gone");
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	order("fail C_OpenSession 0x30");
	clock_ms += 1000;
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	order("");
	clock_ms += 1000;
	assert_int_equal(fixture_sign(s->k), 0);
}

/* The files of the token themselves: moved away, and back. */
static void
test_folder_moved(void **state)
{
	struct scene *s = *state;
	char tokens[PATH_MAX], away[PATH_MAX];
	int i, ret = 0;

	assert_int_equal(file_join(tokens, sizeof tokens, fx.token, "tokens"),
	    0);
	assert_int_equal(file_join(away, sizeof away, fx.token, "away"), 0);
	assert_int_equal(rename(tokens, away), 0);
	for (i = 0; i < 3; i++) {
		ret = fixture_sign(s->k);
		clock_ms += 1000;
	}
	assert_int_equal(ret, CAMCA_EHSM);
	assert_int_equal(rename(away, tokens), 0);
	assert_int_equal(fixture_sign(s->k), 0);
}

/* One failed call is healed inside the call that met it. */
static void
test_one_error(void **state)
{
	struct scene *s = *state;

	order("after 1");
	assert_int_equal(fixture_sign(s->k), 0);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), 1);
	clock_ms += 1000;
	order("after 2");
	assert_int_equal(fixture_sign(s->k), 0);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), 1);
}

/* A refusal by a token that is there must not make everybody log in again. */
static void
test_refusal_is_no_loss(void **state)
{
	struct scene *s = *state;
	uint64_t epoch = s->h->tokens->epoch;

	order("fail C_SignInit 0x70");
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	order("");
	assert_int_equal(fixture_sign(s->k), 0);
	assert_int_equal(s->h->tokens->epoch, epoch);
}

struct stuck {
	struct hsm *h;
	sem_t inside, go;
};

static CK_RV
stuck_call(struct hsm *h, CK_SESSION_HANDLE sh, void *arg)
{
	struct stuck *st = arg;

	(void)h;
	(void)sh;
	sem_post(&st->inside);
	sem_wait(&st->go);
	return CKR_OK;
}

static void *
stuck_run(void *arg)
{
	struct stuck *st = arg;

	if (session_run(st->h->tokens, false, "hang", stuck_call, st, NULL) != 0)
		return arg;
	return NULL;
}

/* One call hangs in the module while the token is lost: the others fail within
 * their time, and all goes on when it returns. */
static void
test_hanging_call(void **state)
{
	struct scene *s = *state;
	struct stuck st = { .h = s->h };
	struct refusal why = { 0 };
	pthread_t thread;
	void *failed;

	sem_init(&st.inside, 0, 0);
	sem_init(&st.go, 0, 0);
	s->h->wait_ms = 50;
	assert_int_equal(pthread_create(&thread, NULL, stuck_run, &st), 0);
	sem_wait(&st.inside);
	order("after 1");
	assert_int_equal(fixture_sign(s->k), CAMCA_EHSM);
	assert_int_equal(hsm_check(s->h, &why), CAMCA_EHSM);
	assert_string_equal(why.code, "hsm.hangs");
	sem_post(&st.go);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	clock_ms += 1000;
	assert_int_equal(fixture_sign(s->k), 0);
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

/* Until each worker has counted one more. Time goes on: an attempt that began
 * under the order before may end only now, and pauses from now. */
static void
wait_more(struct worker *w, bool good)
{
	unsigned before[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		before[i] = good ? w[i].good : w[i].failed;
	for (i = 0; i < THREADS; i++)
		while ((good ? w[i].good : w[i].failed) == before[i]) {
			clock_ms++;
			sched_yield();
		}
}

static void
start(struct worker *w, struct hsm_key *k)
{
	int i;

	memset(w, 0, THREADS * sizeof *w);
	for (i = 0; i < THREADS; i++) {
		w[i].key = k;
		assert_int_equal(pthread_create(&w[i].thread, NULL, worker_run,
		    &w[i]), 0);
	}
}

static void
stop(struct worker *w)
{
	int i;

	for (i = 0; i < THREADS; i++)
		w[i].stop = true;
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].other, 0);
	}
}

/* A token with few sessions: here the one in the pool, which all share. */
static void
test_session_count(void **state)
{
	static struct worker w[THREADS];
	struct scene *s = *state;
	int i;

	order("fail C_OpenSession 0xb1");   /* CKR_SESSION_COUNT */
	start(w, s->k);
	wait_more(w, true);
	wait_more(w, true);
	stop(w);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(w[i].failed, 0);
	assert_int_equal(s->h->tokens->n_pool, 1);
}

static void
test_threads(void **state)
{
	static struct worker w[THREADS];
	struct scene *s = *state;
	int round;

	start(w, s->k);
	for (round = 0; round < 5; round++) {
		wait_more(w, true);
		order("gone");
		wait_more(w, false);
		order("");
		clock_ms += 1000;
		wait_more(w, true);
		clock_ms += 1000;
	}
	stop(w);
	assert_int_equal(s->h->tokens->users, 0);
	assert_true(s->h->tokens->epoch <= 1 + 5 + 5);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_gone_and_back),
		CASE(test_short_absence),
		CASE(test_no_herd),
		CASE(test_everything_while_away),
		CASE(test_no_session),
		CASE(test_folder_moved),
		CASE(test_one_error),
		CASE(test_refusal_is_no_loss),
		CASE(test_session_count),
		CASE(test_hanging_call),
		CASE(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
