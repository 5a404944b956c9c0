/* SPDX-License-Identifier: Apache-2.0 */
/* A key that derives: its agreement is the same as software's, it signs
 * nothing, nothing of the secret stays in the token, and it comes back with its
 * token. */
#include "tests/unit/hsm/fixture.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "ca/base/auto.h"
#include "ca/vault/seal.h"
#include "hsm/internal.h"

static struct fixture fx;
static struct hsm *hsm;
static struct hsm_key *key;
static int64_t clock_ms = 1000000;

static int64_t
fake_clock(void *arg)
{
	(void)arg;
	return clock_ms;
}

static int
setup(void **state)
{
	char *uri = NULL;

	(void)state;
	fixture_fault(&fx);
	hsm = fixture_open(&fx);
	session_set_clock(hsm, fake_clock, NULL);
	assert_int_equal(hsm_generate_derive(hsm, "vault", &uri, &fx.why), 0);
	assert_int_equal(hsm_key_open_derive(hsm, uri, &key, &fx.why), 0);
	free(uri);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hsm_key_free(key);
	hsm_close(hsm);
	fixture_remove(&fx);
	return 0;
}

static void
point_of(EVP_PKEY *k, uint8_t out[static HSM_POINT_LEN])
{
	size_t n = 0;

	assert_int_equal(EVP_PKEY_get_octet_string_param(k, "pub", out,
	    HSM_POINT_LEN, &n), 1);
	assert_int_equal(n, HSM_POINT_LEN);
}

static void
test_agrees(void **state)
{
	AUTO(EVP_PKEY) *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	AUTO(EVP_PKEY) *pub = hsm_key_public(key);
	AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(other, NULL);
	uint8_t point[HSM_POINT_LEN], ours[HSM_SHARED_LEN], theirs[32];
	size_t n = sizeof theirs;

	(void)state;
	point_of(other, point);
	assert_int_equal(hsm_derive(key, point, ours, &fx.why), 0);
	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, pub), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, theirs, &n), 1);
	assert_memory_equal(ours, theirs, sizeof theirs);
	assert_int_equal(hsm_check(hsm, &fx.why), 0);
	assert_int_equal(ERR_peek_error(), 0);
}

/* Each bit of a point: on the curve it stays only where y became -y, which
 * single bits cannot do. */
static void
test_points(void **state)
{
	AUTO(EVP_PKEY) *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	uint8_t point[HSM_POINT_LEN], out[HSM_SHARED_LEN];
	size_t bit;

	(void)state;
	point_of(other, point);
	for (bit = 0; bit < 8 * sizeof point; bit++) {
		memset(&fx.why, 0, sizeof fx.why);
		point[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(hsm_derive(key, point, out, &fx.why),
		    CAMCA_EINVAL);
		assert_string_equal(fx.why.code, "hsm.point");
		point[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memset(point, 0, sizeof point);
	assert_int_equal(hsm_derive(key, point, out, NULL), CAMCA_EINVAL);
	assert_int_equal(hsm_derive(key, point, out, NULL), CAMCA_EINVAL);
	assert_int_equal(ERR_peek_error(), 0);
}

/* One use a key, in both directions. */
static void
test_one_use(void **state)
{
	char *uri = NULL;
	struct hsm_key *signer = fixture_key(&fx, hsm, HSM_EC_P256, &uri);
	struct hsm_key *k = NULL;
	AUTO(EVP_PKEY) *pub = hsm_key_public(signer);
	uint8_t point[HSM_POINT_LEN], out[HSM_SHARED_LEN];
	AUTO(X509) *cert = X509_new();

	(void)state;
	point_of(pub, point);
	assert_int_equal(fixture_sign(key), CAMCA_EPOLICY);
	assert_int_equal(X509_set_pubkey(cert, pub), 1);
	assert_true(hsm_sign_cert(key, cert) < 0);
	assert_int_equal(hsm_derive(signer, point, out, &fx.why),
	    CAMCA_EPOLICY);
	memset(&fx.why, 0, sizeof fx.why);
	assert_int_equal(hsm_key_open_derive(hsm, uri, &k, &fx.why),
	    CAMCA_EPOLICY);
	assert_string_equal(fx.why.code, "hsm.key-use");
	assert_null(k);
	hsm_key_free(signer);
	free(uri);
}

struct count {
	CK_ULONG n;
};

static CK_RV
count_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE want = { CKA_CLASS, &class, sizeof class };
	CK_OBJECT_HANDLE found[64];
	struct count *c = arg;
	CK_RV rv = h->p11->C_FindObjectsInit(s, &want, 1);

	if (rv == CKR_OK)
		rv = h->p11->C_FindObjects(s, found, 64, &c->n);
	h->p11->C_FindObjectsFinal(s);
	return rv;
}

static void
test_nothing_stays(void **state)
{
	AUTO(EVP_PKEY) *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	uint8_t point[HSM_POINT_LEN], out[HSM_SHARED_LEN];
	struct count c = { 99 };
	int i;

	(void)state;
	point_of(other, point);
	for (i = 0; i < 5; i++)
		assert_int_equal(hsm_derive(key, point, out, &fx.why), 0);
	assert_int_equal(session_run(&hsm->tokens[HSM_MAIN], false, "count",
	    count_call, &c, &fx.why), 0);
	assert_int_equal(c.n, 0);
	/* One that cannot be destroyed is an error, and goes with its
	 * session. */
	fixture_write(fx.control, "fail C_DestroyObject 0x70");
	assert_int_equal(hsm_derive(key, point, out, &fx.why), CAMCA_EHSM);
	fixture_write(fx.control, "");
	assert_int_equal(session_run(&hsm->tokens[HSM_MAIN], false, "count",
	    count_call, &c, &fx.why), 0);
	assert_int_equal(c.n, 0);
	for (i = 0; i < HSM_SHARED_LEN; i++)
		assert_int_equal(out[i], 0);
}

static void
test_no_mechanism(void **state)
{
	struct hsm_key *k = NULL;
	char *uri = NULL, name[512];

	(void)state;
	snprintf(name, sizeof name, "pkcs11:object=vault");
	fixture_write(fx.control, "fail C_GetMechanismInfo 0x70");
	memset(&fx.why, 0, sizeof fx.why);
	assert_int_equal(hsm_generate_derive(hsm, "other", &uri, &fx.why),
	    CAMCA_EHSM);
	assert_string_equal(fx.why.code, "hsm.no-derive");
	assert_null(uri);
	memset(&fx.why, 0, sizeof fx.why);
	assert_int_equal(hsm_key_open_derive(hsm, name, &k, &fx.why),
	    CAMCA_EHSM);
	assert_string_equal(fx.why.code, "hsm.no-derive");
	fixture_write(fx.control, "");
	assert_int_equal(hsm_key_open_derive(hsm, name, &k, &fx.why), 0);
	hsm_key_free(k);
}

/* ---- CMS ---- */

static CMS_ContentInfo *
sealed(EVP_PKEY *pub, const char *text)
{
	AUTO(X509) *cert = NULL;
	CMS_ContentInfo *cms;
	const unsigned char *p;
	struct buf der;

	buf_init(&der, 0);
	assert_int_equal(seal_cert(pub, &cert), 0);
	assert_int_equal(seal_to(cert, text, strlen(text), &der, &fx.why), 0);
	p = der.data;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	assert_non_null(cms);
	buf_fini(&der);
	return cms;
}

static int
opened(struct hsm_key *k, CMS_ContentInfo *cms, struct buf *out)
{
	int ret;

	memset(&fx.why, 0, sizeof fx.why);
	buf_init(out, 0);
	ret = hsm_cms_open(k, cms, out, &fx.why);
	CMS_ContentInfo_free(cms);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static void
test_cms(void **state)
{
	AUTO(EVP_PKEY) *pub = hsm_key_public(key);
	AUTO(EVP_PKEY) *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	struct buf out;

	(void)state;
	assert_int_equal(opened(key, sealed(pub, "open sesame"), &out), 0);
	assert_string_equal(buf_str(&out), "open sesame");
	buf_fini(&out);
	assert_int_equal(opened(key, sealed(pub, ""), &out), 0);
	assert_int_equal(out.len, 0);
	buf_fini(&out);
	assert_int_equal(opened(key, sealed(other, "x"), &out),
	    CAMCA_EPOLICY);
	assert_string_equal(fx.why.code, "hsm.cms");
	/* What it costs: one C_DeriveKey, its reading and its end. */
	fixture_write(fx.control, "after 1000");
	assert_int_equal(opened(key, sealed(pub, "x"), &out), 0);
	buf_fini(&out);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_calls"), 3);
}

static void
test_token_lost(void **state)
{
	AUTO(EVP_PKEY) *pub = hsm_key_public(key);
	struct buf out;

	(void)state;
	fixture_write(fx.control, "gone");
	assert_int_equal(opened(key, sealed(pub, "x"), &out), CAMCA_EHSM);
	assert_string_not_equal(fx.why.code, "hsm.cms");
	assert_int_equal(out.len, 0);
	fixture_write(fx.control, "");
	clock_ms += 10000;
	assert_int_equal(opened(key, sealed(pub, "back"), &out), 0);
	assert_string_equal(buf_str(&out), "back");
	buf_fini(&out);
}

/* The n-th call fails, until none does. */
static void
test_faults(void **state)
{
	AUTO(EVP_PKEY) *pub = hsm_key_public(key);
	struct buf out;
	char order[32];
	int n, ret = -1;

	(void)state;
	for (n = 1; n < 50 && ret != 0; n++) {
		snprintf(order, sizeof order, "from %d", n);
		fixture_write(fx.control, order);
		ret = opened(key, sealed(pub, "x"), &out);
		buf_fini(&out);
		assert_true(ret == 0 || ret == CAMCA_EHSM);
		fixture_write(fx.control, "");
		clock_ms += 10000;
		assert_int_equal(opened(key, sealed(pub, "x"), &out), 0);
		buf_fini(&out);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 3);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_agrees),
		CASE(test_points),
		CASE(test_one_use),
		CASE(test_nothing_stays),
		CASE(test_no_mechanism),
		CASE(test_cms),
		CASE(test_token_lost),
		CASE(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
