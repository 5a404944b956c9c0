/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of the responder: asked for, kept, renewed, and refused. */
#include "tests/unit/enroll/ocsp/responder_fixture.h"

#include "ca/base/mono.h"

#define LIFE_S INT64_C(604800)

static void
until_connected(struct rf *f)
{
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;

	fake_listen(&f->fake);
	fake_accept(&f->fake);
	while (!upstream_connected(f->up) && mono_ms() < end)
		poll(NULL, 0, 1);
}

/* Which CA the call is about. */
static size_t
call_ca(struct rf *f, json_t *call)
{
	const char *ski = json_string_value(json_object_get(json_object_get(
	    call, "args"), "issuer"));
	char hex[41];

	for (size_t i = 0; i < RF_CAS; i++) {
		enc_hex(hex, f->cas[i].ski, 20);
		if (strcmp(hex, ski) == 0)
			return i;
	}
	fail();
	return 0;
}

static EVP_PKEY *
call_key(json_t *call)
{
	const char *b64 = json_string_value(json_object_get(json_object_get(
	    call, "args"), "csr"));
	const unsigned char *p;
	X509_REQ *req;
	EVP_PKEY *key;
	struct buf der;

	assert_non_null(b64);
	buf_init(&der, 0);
	assert_int_equal(dec_base64(&der, b64, strlen(b64), 0), 0);
	p = der.data;
	req = d2i_X509_REQ(NULL, &p, (long)der.len);
	assert_non_null(req);
	key = X509_REQ_get_pubkey(req);
	assert_int_equal(X509_REQ_verify(req, key), 1);
	X509_REQ_free(req);
	buf_fini(&der);
	return key;
}

/* Answers the next call with a certificate by CA `by` for the key in it, or for
 * key where that is given. */
static size_t
certify(struct rf *f, int by, EVP_PKEY *key, const char *eku, int64_t to_s)
{
	json_t *call = fake_call(&f->fake);
	size_t ca = call_ca(f, call);
	EVP_PKEY *k = key == NULL ? call_key(call) : key;
	char *b64, *text;
	struct buf der;

	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    "ocsp.certify");
	buf_init(&der, 0);
	pki_responder(&f->cas[by < 0 ? ca : (size_t)by], k, eku,
	    rf_now_s - 300, to_s, &der);
	b64 = enc_base64_dup(der.data, der.len);
	assert_true(asprintf(&text, "\"result\":{\"cert\":\"%s\"}", b64) > 0);
	fake_answer(&f->fake, call, text);
	free(text);
	free(b64);
	if (key == NULL)
		EVP_PKEY_free(k);
	buf_fini(&der);
	json_decref(call);
	return ca;
}

/* Waits for a certificate of CA ca that ends at to_s. */
static struct signer_cert *
wait_cert(struct rf *f, size_t ca, int64_t to_s)
{
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;
	struct signer_cert *c;

	while (mono_ms() < end) {
		c = signer_take(f->signer, (uint32_t)ca + 1);
		if (c != NULL && c->not_after_s == to_s)
			return c;
		signer_cert_free(c);
		poll(NULL, 0, 1);
	}
	fail_msg("no certificate for CA %zu", ca);
	return NULL;
}

static void
signs(const struct signer_cert *c)
{
	const unsigned char *p = c->der.data;
	X509 *x = d2i_X509(NULL, &p, (long)c->der.len);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[SIGNER_SIG_MAX];
	size_t n;

	assert_int_equal(signer_sign(c, "text", 4, sig, &n), 0);
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL,
	    X509_get0_pubkey(x)), 1);
	assert_int_equal(EVP_DigestVerify(md, sig, n,
	    (const unsigned char *)"text", 4), 1);
	EVP_MD_CTX_free(md);
	X509_free(x);
}

static void
test_asks_for_each_ca_and_keeps(void **state)
{
	struct rf *f = rf_new(false);
	struct signer_cert *c;
	char path[200];
	struct stat st;

	(void)state;
	until_connected(f);
	assert_null(signer_take(f->signer, 1));
	signer_tick(f->signer, 0, false);
	for (size_t i = 0; i < RF_CAS; i++)
		certify(f, -1, NULL, "OCSPSigning", PKI_NOW_S + LIFE_S);
	for (size_t i = 0; i < RF_CAS; i++) {
		c = wait_cert(f, i, PKI_NOW_S + LIFE_S);
		signs(c);
		signer_cert_free(c);
		rf_pem_path(f, i, path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	rf_free(f);
}

/* O19: a gate that is started a thousand times asks for nothing. */
static void
test_restarts_ask_for_nothing(void **state)
{
	struct rf *f = rf_ready();
	struct signer *s;
	struct signer_cert *c;

	(void)state;
	until_connected(f);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(signer_open(&s, &f->cfg, &rf_ctx, f->up,
		    &f->box), 0);
		signer_tick(s, i, false);
		c = signer_take(s, 2);
		assert_non_null(c);
		signer_cert_free(c);
		signer_close(s);
	}
	assert_int_equal(recv(f->fake.fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	rf_free(f);
}

static void
test_renewed_at_half_life(void **state)
{
	struct rf *f = rf_ready();
	struct signer_cert *old, *new;
	size_t ca;

	(void)state;
	until_connected(f);
	rf_now_s = PKI_NOW_S - 60 + (LIFE_S + 60) / 2 - 1;
	signer_tick(f->signer, 100000, false);
	assert_int_equal(recv(f->fake.fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	rf_now_s++;
	old = signer_take(f->signer, 1);
	signer_tick(f->signer, 200000, false);
	for (size_t i = 0; i < RF_CAS; i++) {
		ca = certify(f, -1, NULL, "OCSPSigning", rf_now_s + LIFE_S);
		new = wait_cert(f, ca, rf_now_s + LIFE_S);
		signs(new);
		signer_cert_free(new);
	}
	/* The key is another one, and the old one still signs for who has it. */
	new = signer_take(f->signer, 1);
	assert_memory_not_equal(old->key_hash, new->key_hash, 20);
	signs(old);
	signer_cert_free(old);
	signer_cert_free(new);
	rf_free(f);
}

/* Ticks until the next call lies there: the answer before may still be on its
 * way through another thread. */
static void
tick_until_called(struct rf *f, int64_t *at)
{
	struct pollfd p = { .fd = f->fake.fd, .events = POLLIN };
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;

	do {
		*at += 100000;
		signer_tick(f->signer, *at, false);
	} while (poll(&p, 1, 1) == 0 && mono_ms() < end);
}

/* What does not fit is not used, and what is held stays. */
static void
test_bad_answers(void **state)
{
	struct rf *f = rf_new(false);
	EVP_PKEY *other = EVP_EC_gen("P-256");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	int64_t at = 0;

	(void)state;
	until_connected(f);
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < RF_CAS; i++) {
			tick_until_called(f, &at);
			if (round == 0)
				certify(f, -1, other, "OCSPSigning",
				    PKI_NOW_S + LIFE_S);
			else if (round == 1)
				certify(f, -1, NULL, "serverAuth",
				    PKI_NOW_S + LIFE_S);
			else if (round == 2)
				certify(f, -1, NULL,
				    "OCSPSigning,serverAuth",
				    PKI_NOW_S + LIFE_S);
			else if (round == 3)
				certify(f, -1, NULL, "OCSPSigning",
				    PKI_NOW_S - 1);
			else
				certify(f, -1, rsa, "OCSPSigning",
				    PKI_NOW_S + LIFE_S);
		}
		tick_until_called(f, &at);
		for (uint32_t i = 1; i <= RF_CAS; i++)
			assert_null(signer_take(f->signer, i));
	}
	EVP_PKEY_free(other);
	EVP_PKEY_free(rsa);
	rf_free(f);
}

/* RFC 6960 4.2.2.2: the CA itself, not another one of ours. */
static void
test_certified_by_another_ca(void **state)
{
	struct rf *f = rf_new(false);
	int64_t at = 0;
	size_t ca;

	(void)state;
	until_connected(f);
	signer_tick(f->signer, 0, false);
	for (size_t i = 0; i < RF_CAS; i++) {
		ca = certify(f, 0, NULL, "OCSPSigning", PKI_NOW_S + LIFE_S);
		if (ca == 0)
			signer_cert_free(wait_cert(f, 0, PKI_NOW_S + LIFE_S));
	}
	tick_until_called(f, &at);
	assert_null(signer_take(f->signer, 2));
	assert_null(signer_take(f->signer, 3));
	rf_free(f);
}

static void
test_refusal_is_retried(void **state)
{
	struct rf *f = rf_new(false);
	int64_t at = 0;
	json_t *call;

	(void)state;
	until_connected(f);
	signer_tick(f->signer, 0, false);
	for (size_t i = 0; i < RF_CAS; i++) {
		call = fake_call(&f->fake);
		fake_answer(&f->fake, call, "\"error\":{\"code\":\"x.y\","
		    "\"http\":503,\"detail\":\"No.\"}");
		json_decref(call);
	}
	signer_tick(f->signer, 500, false);
	assert_int_equal(recv(f->fake.fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	for (size_t i = 0; i < RF_CAS; i++) {
		tick_until_called(f, &at);
		certify(f, -1, NULL, "OCSPSigning", PKI_NOW_S + LIFE_S);
	}
	signer_cert_free(wait_cert(f, 1, PKI_NOW_S + LIFE_S));
	rf_free(f);
}

/* Files that are empty, cut, of another CA, or expired. */
static void
test_bad_files(void **state)
{
	struct rf *f = rf_new(false);
	struct buf pem;
	char path[200];

	(void)state;
	rf_leave_pair(f, 0, PKI_NOW_S - 100, PKI_NOW_S - 1);
	rf_leave_pair(f, 1, PKI_NOW_S - 100, PKI_NOW_S + 1000);
	rf_pem_path(f, 1, path);
	buf_init(&pem, 0);
	assert_int_equal(file_read(path, 10000, &pem), 0);
	rf_pem_path(f, 2, path);
	assert_int_equal(file_replace(path, pem.data, pem.len, 0600), 0);
	rf_pem_path(f, 1, path);
	assert_int_equal(file_replace(path, pem.data, pem.len - 60, 0600), 0);
	signer_tick(f->signer, 0, false);
	for (uint32_t i = 1; i <= RF_CAS; i++)
		assert_null(signer_take(f->signer, i));
	buf_fini(&pem);
	rf_free(f);
}

/* ---- ocsp.signer hsm ---- */

static size_t
certify_hsm(struct rf *f, EVP_PKEY *key)
{
	json_t *call = fake_call(&f->fake);
	size_t ca = call_ca(f, call);
	char *b64, *text;
	struct buf der;

	assert_null(json_object_get(json_object_get(call, "args"), "csr"));
	buf_init(&der, 0);
	pki_responder(&f->cas[ca], key, "OCSPSigning", PKI_NOW_S - 300,
	    PKI_NOW_S + LIFE_S, &der);
	b64 = enc_base64_dup(der.data, der.len);
	assert_true(asprintf(&text, "\"result\":{\"cert\":\"%s\"}", b64) > 0);
	fake_answer(&f->fake, call, text);
	free(text);
	free(b64);
	buf_fini(&der);
	json_decref(call);
	return ca;
}

static void
test_hsm_has_no_key_here(void **state)
{
	struct rf *f = rf_new(true);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct signer_cert *c;

	(void)state;
	/* A key that the gate had before the setting was changed. */
	rf_leave_pair(f, 1, PKI_NOW_S - 60, PKI_NOW_S + 1000);
	until_connected(f);
	signer_tick(f->signer, 0, false);
	for (size_t i = 0; i < RF_CAS; i++)
		certify_hsm(f, key);
	c = wait_cert(f, 1, PKI_NOW_S + LIFE_S);
	assert_null(c->key);
	signer_cert_free(c);
	EVP_PKEY_free(key);
	rf_free(f);
}

struct hsm_answer {
	struct rf *f;
	struct prepared *p;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static void
on_signed(void *arg, struct prepared *p)
{
	struct hsm_answer *a = arg;

	pthread_mutex_lock(&a->lock);
	a->p = p;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

/* Signs what the call asks for, or refuses with key NULL. */
static void
hsm_sign(struct rf *f, EVP_PKEY *key)
{
	json_t *call = fake_call(&f->fake);
	const char *b64 = json_string_value(json_object_get(json_object_get(
	    call, "args"), "tbs"));
	struct signer_cert c = { .key = key };
	uint8_t sig[SIGNER_SIG_MAX];
	struct buf tbs;
	char *text, *out;
	size_t n;

	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    "ocsp.sign");
	buf_init(&tbs, 0);
	assert_int_equal(dec_base64(&tbs, b64, strlen(b64), 0), 0);
	if (key == NULL) {
		fake_answer(&f->fake, call, "\"error\":{\"code\":\"x.y\","
		    "\"http\":403,\"detail\":\"No.\"}");
	} else {
		c.ready = EVP_PKEY_CTX_new(key, NULL);
		assert_int_equal(EVP_PKEY_sign_init(c.ready), 1);
		assert_int_equal(signer_sign(&c, tbs.data, tbs.len, sig, &n),
		    0);
		EVP_PKEY_CTX_free(c.ready);
		out = enc_base64_dup(sig, n);
		assert_true(asprintf(&text, "\"result\":{\"signature\":"
		    "\"%s\"}", out) > 0);
		fake_answer(&f->fake, call, text);
		free(text);
		free(out);
	}
	buf_fini(&tbs);
	json_decref(call);
}

static struct prepared *
hsm_ask(struct rf *f, struct question *q, EVP_PKEY *key)
{
	struct hsm_answer a = { .f = f };
	struct prepared *p = NULL;

	pthread_mutex_init(&a.lock, NULL);
	pthread_cond_init(&a.cond, NULL);
	question_init(q, &f->r, true, f->der.data, f->der.len, &f->from);
	buf_reset(&f->out);
	assert_int_equal(responder_answer(q, on_signed, &a, &p),
	    CAMCA_EPENDING);
	hsm_sign(f, key);
	pthread_mutex_lock(&a.lock);
	while (a.p == NULL)
		pthread_cond_wait(&a.cond, &a.lock);
	pthread_mutex_unlock(&a.lock);
	return a.p;
}

static void
test_hsm_signs(void **state)
{
	struct rf *f = rf_new(true);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct prepared *p, *again;
	struct question q;

	(void)state;
	until_connected(f);
	signer_tick(f->signer, 0, false);
	for (size_t i = 0; i < RF_CAS; i++)
		certify_hsm(f, key);
	signer_cert_free(wait_cert(f, 1, PKI_NOW_S + LIFE_S));
	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	p = hsm_ask(f, &q, key);
	assert_int_equal(p->about.status.value, STATUS_GOOD);
	assert_true(question_holds(&q));
	/* It was kept, and what is kept needs no HSM. */
	again = rf_answer(f, true);
	assert_ptr_equal(p, again);
	prepared_free(again);
	/* What was signed before a change is not sent after it. */
	rf_put(f, 1, STATUS_WIRE_REVOKED, 1, PKI_NOW_S, 1);
	assert_false(question_holds(&q));
	prepared_free(p);
	p = hsm_ask(f, &q, NULL);
	assert_ptr_equal(p, f->r.errors[ANSWER_TRY_LATER]);
	prepared_free(p);
	assert_int_equal(atomic_load(&f->r.signing), 0);
	EVP_PKEY_free(key);
	rf_free(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks_for_each_ca_and_keeps),
		cmocka_unit_test(test_restarts_ask_for_nothing),
		cmocka_unit_test(test_renewed_at_half_life),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_certified_by_another_ca),
		cmocka_unit_test(test_refusal_is_retried),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_hsm_has_no_key_here),
		cmocka_unit_test(test_hsm_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
