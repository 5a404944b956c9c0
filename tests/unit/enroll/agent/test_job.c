/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/json_memory.h"
#include "enroll/agent/job.h"
#include "enroll/agent/seal.h"

#define ACCOUNTS "{\"accounts\":[{\"id\":4,\"user\":\"admin\",\"role\":" \
	"\"administrator\",\"level\":\"Administrator\",\"current\":\"Old-1\"," \
	"\"pending\":null},{\"id\":5,\"user\":\"camca-svc\",\"role\":" \
	"\"service\",\"level\":\"Administrator\",\"current\":null," \
	"\"pending\":\"New-2\"}]}"

struct world {
	struct ident id;
	EVP_PKEY *other_key;
	X509 *other;
};

static X509 *
certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();

	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	atomic_init(&w->id.refs, 1);
	w->id.key = EVP_EC_gen("P-256");
	w->id.cert = certificate(w->id.key);
	w->other_key = EVP_EC_gen("P-256");
	w->other = certificate(w->other_key);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	assert_int_equal(atomic_load(&w->id.refs), 1);
	EVP_PKEY_free(w->id.key);
	X509_free(w->id.cert);
	EVP_PKEY_free(w->other_key);
	X509_free(w->other);
	free(w);
	return 0;
}

/* Base64 of text sealed to cert. */
static char *
seal(X509 *cert, const char *text, const EVP_CIPHER *cipher)
{
	STACK_OF(X509) *to = sk_X509_new_null();
	AUTO(BIO) *in = BIO_new_mem_buf(text, -1);
	CMS_ContentInfo *cms;
	unsigned char *der = NULL;
	char *out;
	int n;

	sk_X509_push(to, cert);
	cms = CMS_encrypt(to, in, cipher, CMS_BINARY);
	n = i2d_CMS_ContentInfo(cms, &der);
	assert_true(n > 0);
	out = enc_base64_dup(der, (size_t)n);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	sk_X509_free(to);
	return out;
}

static json_t *
job_json(struct world *w, const char *accounts)
{
	char *b64 = seal(w->id.cert, accounts, EVP_aes_256_gcm());
	json_t *o = json_pack("{s:i, s:i, s:s, s:s, s:i, s:s, s:s, s:{s:s, s:s,"
	    " s:s}, s:{s:s, s:s, s:i, s:i}, s:s, s:[{s:s, s:[s, s], s:i, s:i}]"
	    ", s:n, s:{s:b, s:s, s:[s], s:i, s:i}}", "id", 7, "lease_s", 120,
	    "kind", "enroll", "mode", "apply", "attempt", 2, "step", "csr",
	    "alias", "camca:cam-1:7", "device", "id", "cam-1", "serial", "S1",
	    "site", "s1", "reach", "driver", "onvif", "host", "192.0.2.1",
	    "http_port", 80, "https_port", 443, "sealed", b64, "est", "label",
	    "camera", "keys", "p256", "rsa", "rsa_min_bits", 2048,
	    "rsa_max_bits", 4096, "held", "options", "http_off", 1,
	    "service_account", "camca-svc", "ntp", "192.0.2.9", "login_budget",
	    3, "tls_wait_s", 9);

	free(b64);
	assert_non_null(o);
	return o;
}

static int
parse(struct world *w, json_t *o, struct agent_job **out, int64_t *id)
{
	struct refusal why = { 0 };
	int ret = job_parse(out, id, o, &w->id, &why);

	assert_int_equal(ret < 0, why.http != 0);
	json_decref(o);
	return ret;
}

static void
test_good(void **state)
{
	struct world *w = *state;
	struct agent_job *j;
	int64_t id;

	assert_int_equal(parse(w, job_json(w, ACCOUNTS), &j, &id), CAMCA_OK);
	assert_int_equal(id, 7);
	assert_int_equal(j->kind, JOB_ENROLL);
	assert_int_equal(j->mode, JOB_APPLY);
	assert_int_equal(j->step, STEP_CSR);
	assert_int_equal(j->reach.https_port, 443);
	assert_false(j->has_held);
	assert_true(j->options.http_off);
	assert_int_equal(j->options.tls_wait_ms, 9000);
	assert_int_equal(j->options.password_wait_ms, 10000);
	assert_string_equal(j->options.ntp[0], "192.0.2.9");
	assert_true(j->labels[0].p256 && j->labels[0].rsa &&
	    !j->labels[0].p384);
	assert_int_equal(j->accounts_count, 2);
	assert_string_equal(job_account(j, "admin")->current, "Old-1");
	assert_string_equal(job_account(j, "admin")->pending, "");
	assert_true(job_account(j, "camca-svc")->leased_pending);
	assert_null(job_account(j, "nobody"));
	job_free(j);
}

/* Members of another type, missing, too large. */
static void
test_refused(void **state)
{
	static const char *const names[] = { "kind", "mode", "alias", "device",
	    "reach", "sealed", "est", "lease_s", "attempt" };
	struct world *w = *state;
	struct agent_job *j;
	int64_t id;
	json_t *o;
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		o = job_json(w, ACCOUNTS);
		json_object_set_new(o, names[i], strcmp(names[i], "est") == 0 ?
		    json_pack("[i]", 1) : json_true());
		assert_int_equal(parse(w, o, &j, &id), CAMCA_EPROTO);
		assert_int_equal(id, 7);
	}
	o = job_json(w, ACCOUNTS);
	json_object_set_new(json_object_get(o, "reach"), "https_port",
	    json_integer(65536));
	assert_int_equal(parse(w, o, &j, &id), CAMCA_EPROTO);
	o = job_json(w, ACCOUNTS);
	json_object_set_new(o, "trust", json_pack("[s]",
	    "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"));
	assert_true(parse(w, o, &j, &id) < 0);
	o = job_json(w, ACCOUNTS);
	json_object_del(o, "id");
	assert_int_equal(parse(w, o, &j, &id), CAMCA_EPROTO);
	assert_int_equal(id, 0);
	assert_int_equal(parse(w, job_json(w, "{\"accounts\":[{}]}"), &j, &id),
	    CAMCA_EPROTO);
	assert_int_equal(parse(w, job_json(w, "[]"), &j, &id), CAMCA_EPROTO);
}

/* What is not ours, has no tag, or was changed, does not open. */
static void
test_sealed(void **state)
{
	struct world *w = *state;
	char *b64 = seal(w->id.cert, ACCOUNTS, EVP_aes_256_gcm()), *bad;
	struct refusal why = { 0 };
	json_t *o = NULL;
	size_t i, n = strlen(b64), opened = 0;

	assert_int_equal(seal_open(&o, b64, &w->id, &why), CAMCA_OK);
	json_decref(o);
	for (i = 0; i < n; i += 3) {
		char was = b64[i];

		o = NULL;
		b64[i] = was == 'A' ? 'B' : 'A';
		opened += seal_open(&o, b64, &w->id, &why) == CAMCA_OK;
		json_decref(o);
		b64[i] = was;
	}
	/* Bits that carry nothing: names of the recipient, of algorithms. */
	assert_true(opened < n / 12);
	for (i = 0; i < n; i += 4) {
		char was = b64[i];

		b64[i] = '\0';
		assert_true(seal_open(&o, b64, &w->id, &why) < 0);
		b64[i] = was;
	}
	free(b64);
	bad = seal(w->other, ACCOUNTS, EVP_aes_256_gcm());
	assert_int_equal(seal_open(&o, bad, &w->id, &why), CAMCA_ECRYPTO);
	free(bad);
	bad = seal(w->id.cert, ACCOUNTS, EVP_aes_256_cbc());
	assert_int_equal(seal_open(&o, bad, &w->id, &why), CAMCA_EPROTO);
	assert_string_equal(why.code, "agent.sealed");
	free(bad);
}

static void
test_secret(void **state)
{
	struct world *w = *state;
	struct agent_account a = { .id = 4, .user = "admin" };
	struct refusal why = { 0 };
	char *b64 = seal(w->id.cert, "{\"account\":4,\"password\":\"P-3\"}",
	    EVP_aes_256_gcm());
	json_t *o = json_pack("{s:s}", "sealed", b64);

	assert_int_equal(job_secret(&a, o, &w->id, &why), CAMCA_OK);
	assert_string_equal(a.pending, "P-3");
	a.id = 5;                     /* another account's */
	assert_int_equal(job_secret(&a, o, &w->id, &why), CAMCA_EPROTO);
	json_decref(o);
	free(b64);
	o = json_object();
	assert_int_equal(job_secret(&a, o, &w->id, &why), CAMCA_EPROTO);
	json_decref(o);
}

/* With the n-th allocation failing: nothing, or the whole job; the agent learns
 * whose job it was in any case. What OpenSSL lacks it does not always tell. */
static void
test_no_memory(void **state)
{
	struct world *w = *state;
	json_t *o = job_json(w, ACCOUNTS);
	struct agent_job *j;
	struct refusal why;
	int64_t id;
	int n, ret;
	bool hit;

	for (n = 1;; n += n > 300 ? n / 20 : 1) {
		assert_true(n < 20000);
		j = NULL;
		memset(&why, 0, sizeof why);
		nth_arm(n);
		ret = job_parse(&j, &id, o, &w->id, &why);
		hit = nth_disarm();
		assert_int_equal(id, 7);
		if (ret < 0 && ret != CAMCA_ENOMEM &&
		    strcmp(why.code, "agent.sealed") != 0)
			fail_msg("n %d: %d %s", n, ret, why.detail);
		if (ret == CAMCA_OK) {
			assert_int_equal(j->accounts_count, 2);
			assert_string_equal(job_account(j, "admin")->current,
			    "Old-1");
			assert_int_equal(j->labels_count, 1);
			assert_string_equal(j->options.ntp[0], "192.0.2.9");
			job_free(j);
		}
		if (!hit)
			break;
	}
	assert_int_equal(ret, CAMCA_OK);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup,
		    teardown),
	};

	nth_setup();
	json_memory_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
