/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are not as hsm_generate makes them. */
#include "tests/unit/hsm/fixture.h"

#include "hsm/internal.h"

#define ATTR(t, v) { (t), (v), sizeof *(v) }

static struct fixture fx;
static struct hsm *hsm;
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
	(void)state;
	fixture_fault(&fx);
	hsm = fixture_open(&fx);
	session_set_clock(hsm, fake_clock, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hsm_close(hsm);
	fixture_remove(&fx);
	return 0;
}

/* A key pair as somebody else's tool would make it. */
struct pair {
	CK_MECHANISM_TYPE mech;
	const char *params;       /* CKA_EC_PARAMS */
	size_t params_len;
	CK_ULONG bits;            /* RSA instead */
	CK_BBOOL sensitive, extractable;
	const char *label;
	const char *id;
	bool no_public;           /* the public object is thrown away */
};

static CK_RV
pair_make(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct pair *p = arg;
	CK_MECHANISM mech = { p->mech, NULL, 0 };
	CK_BBOOL yes = CK_TRUE;
	CK_BYTE e[] = { 1, 0, 1 };
	CK_ATTRIBUTE label = { CKA_LABEL, (void *)(uintptr_t)p->label,
	    strlen(p->label) };
	CK_ATTRIBUTE id = { CKA_ID, (void *)(uintptr_t)p->id, strlen(p->id) };
	CK_ATTRIBUTE pub[] = { label, id, ATTR(CKA_TOKEN, &yes),
	    { CKA_EC_PARAMS, (void *)(uintptr_t)p->params, p->params_len },
	    { CKA_PUBLIC_EXPONENT, e, 3 } };
	CK_ATTRIBUTE prv[] = { label, id, ATTR(CKA_TOKEN, &yes),
	    ATTR(CKA_PRIVATE, &yes), ATTR(CKA_SIGN, &yes),
	    ATTR(CKA_SENSITIVE, &p->sensitive),
	    ATTR(CKA_EXTRACTABLE, &p->extractable) };
	CK_OBJECT_HANDLE po, vo;
	CK_RV rv;

	if (p->bits != 0)
		pub[3] = (CK_ATTRIBUTE)ATTR(CKA_MODULUS_BITS, &p->bits);
	rv = h->p11->C_GenerateKeyPair(s, &mech, pub, p->bits != 0 ? 5 : 4,
	    prv, 7, &po, &vo);
	if (rv == CKR_OK && p->no_public)
		rv = h->p11->C_DestroyObject(s, po);
	return rv;
}

static const struct pair p256 = {
	.mech = CKM_EC_KEY_PAIR_GEN,
	.params = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", .params_len = 10,
	.sensitive = CK_TRUE, .extractable = CK_FALSE,
	.label = "odd", .id = "1",
};

static void
make(struct pair p)
{
	struct refusal why = { 0 };

	if (session_run(hsm->tokens, true, "make", pair_make, &p, &why) < 0)
		fail_msg("%s", why.detail);
}

static void
open_is(const char *uri, int err, const char *code)
{
	struct refusal why = { 0 };
	struct hsm_key *k = NULL;

	assert_int_equal(hsm_key_open(hsm, uri, &k, &why), err);
	assert_string_equal(why.code, code);
	if (err == 0)
		assert_int_equal(fixture_sign(k), 0);
	hsm_key_free(k);
	assert_int_equal(ERR_peek_error(), 0);
}

/* The key may have been copied out, or may still be. */
static void
test_custody(void **state)
{
	struct pair p = p256;

	(void)state;
	p.extractable = CK_TRUE;
	p.label = "a";
	make(p);
	open_is("pkcs11:object=a", CAMCA_EPOLICY, "hsm.key-extractable");
	p.extractable = CK_FALSE;
	p.sensitive = CK_FALSE;
	p.label = "b";
	make(p);
	open_is("pkcs11:object=b", CAMCA_EPOLICY, "hsm.key-extractable");
	p.sensitive = CK_TRUE;
	p.label = "c";
	p.id = "3";
	make(p);
	open_is("pkcs11:object=c", 0, "");
}

static void
test_types(void **state)
{
	struct pair p = p256;

	(void)state;
	p.params = "\x06\x05\x2b\x81\x04\x00\x23";   /* P-521 */
	p.params_len = 7;
	make(p);
	open_is("pkcs11:object=odd", CAMCA_EINVAL, "hsm.key-type");
	p.mech = CKM_RSA_PKCS_KEY_PAIR_GEN;
	p.bits = 1024;
	p.label = "short";
	p.id = "2";
	make(p);
	open_is("pkcs11:object=short", CAMCA_EINVAL, "hsm.key-type");
}

/* libp11 0.4.12 shows no key of a token that holds an Ed25519 one too. */
static void
test_ed25519_neighbour(void **state)
{
	struct pair p = p256;

	(void)state;
	p.label = "log";
	p.mech = CKM_EC_EDWARDS_KEY_PAIR_GEN;
	p.params = "\x13\x0c" "edwards25519";
	p.params_len = 14;
	HSM_LEAKS_BEGIN();
	make(p);
	HSM_LEAKS_END();
	open_is("pkcs11:object=log", 0, "");
	p = p256;
	p.id = "7";
	make(p);
	open_is("pkcs11:object=odd", 0, "");
	open_is("pkcs11:id=7", 0, "");
}

/* SoftHSM keeps RSA's public numbers with the private key, the EC point not. */
static void
test_no_public(void **state)
{
	struct pair p = p256;

	(void)state;
	p.no_public = true;
	make(p);
	open_is("pkcs11:object=odd", CAMCA_EHSM, "hsm.key-public");
	p.mech = CKM_RSA_PKCS_KEY_PAIR_GEN;
	p.bits = 2048;
	p.label = "rsa";
	p.id = "2";
	make(p);
	open_is("pkcs11:object=rsa", 0, "");
}

static CK_RV
destroy_key(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	CK_OBJECT_HANDLE o;
	CK_RV rv = key_find(h, s, CKO_PRIVATE_KEY, arg, &o);

	return rv == CKR_OK ? h->p11->C_DestroyObject(s, o) : rv;
}

static CK_RV
destroy_public(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	CK_OBJECT_HANDLE o;
	CK_RV rv = key_find(h, s, CKO_PUBLIC_KEY, arg, &o);

	return rv == CKR_OK ? h->p11->C_DestroyObject(s, o) : rv;
}

/* The token comes back with another key under the same label: it must not sign
 * in the name of the first. */
static void
test_exchanged(void **state)
{
	struct hsm_uri uri = { .object = "odd" };
	struct refusal why = { 0 };
	struct hsm_key *k = NULL;

	(void)state;
	make(p256);
	assert_int_equal(hsm_key_open(hsm, "pkcs11:object=odd", &k, NULL), 0);
	assert_int_equal(fixture_sign(k), 0);
	assert_int_equal(session_run(hsm->tokens, true, "x", destroy_key, &uri, NULL),
	    0);
	assert_int_equal(session_run(hsm->tokens, true, "x", destroy_public, &uri,
	    NULL), 0);
	assert_int_equal(fixture_sign(k), CAMCA_EHSM);
	make(p256);
	clock_ms += 1000;
	assert_int_equal(fixture_sign(k), CAMCA_EHSM);
	assert_int_equal(hsm_check(hsm, &why), CAMCA_EHSM);
	assert_string_equal(why.code, "hsm.key-changed");
	hsm_key_free(k);
}

/* A token that does not know an attribute vouches for nothing; a key that asks
 * for its PIN at each use cannot serve. */
static void
test_attribute_unknown(void **state)
{
	struct refusal why = { 0 };
	struct hsm_key *k = NULL;

	(void)state;
	make(p256);
	fixture_write(fx.control, "fail C_GetAttributeValue 0x12");
	assert_int_equal(hsm_key_open(hsm, "pkcs11:object=odd", &k, &why),
	    CAMCA_EPOLICY);
	assert_string_equal(why.code, "hsm.key-extractable");
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_custody),
		CASE(test_types),
		CASE(test_ed25519_neighbour),
		CASE(test_no_public),
		CASE(test_exchanged),
		CASE(test_attribute_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
