/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/enc.h"
#include "ca/issue/csr.h"
#include "ca/issue/csrattrs.h"

/* Encodings written down by hand from RFC 8951 section 4 and RFC 9908. */
#define EC_P256 "301506072a8648ce3d0201310a06082a8648ce3d030107"
#define EC_P384 "301206072a8648ce3d0201310706052b81040022"
#define EC_P521 "301206072a8648ce3d0201310706052b81040023"
#define RSA_2048 "301106092a864886f70d010101310402020800"
#define SIG_EC256 "06082a8648ce3d040302"
#define SIG_EC384 "06082a8648ce3d040303"
#define SIG_EC521 "06082a8648ce3d040304"
#define SIG_RSA "06092a864886f70d01010b"
#define SIG_ED25519 "06032b6570"
#define CHALLENGE "06092a864886f70d010907"
#define LINKING "060b2a864886f70d010910023a"
#define OTP "060b2a864886f70d0109100238"
#define TYPE_CN "0603550403"
#define TYPE_SERIAL "0603550405"
/* id-aa-certificationRequestInfoTemplate with a template of P-256: version 0,
 * [0] {id-ecPublicKey, P-256}, [1] empty. */
#define TEMPLATE_OID "060b2a864886f70d010910023d"
#define SPKI_P256 "a015301306072a8648ce3d020106082a8648ce3d030107"
#define TEMPLATE_P256 "302d" TEMPLATE_OID "311e301c020100" SPKI_P256 "a100"

static void
expect(const struct profile *p, const char *hex)
{
	struct buf b;
	char *got;

	buf_init(&b, 0);
	/* what is there stays */
	assert_int_equal(buf_puts(&b, "x"), 0);
	assert_int_equal(csrattrs_build(p, &b), 0);
	got = enc_hex_dup(b.data + 1, b.len - 1);
	assert_non_null(got);
	assert_string_equal(got, hex);
	free(got);
	buf_fini(&b);
}

/* J6: the example of RFC 7030 4.5.2 and RFC 8951 section 4, whole. */
static void
test_rfc_example(void **state)
{
	struct csrattrs *c;
	struct buf der, text;

	(void)state;
	buf_init(&der, 0);
	buf_init(&text, 0);
	assert_int_equal(csrattrs_new(&c), 0);
	assert_int_equal(csrattrs_add_oid(c, "1.2.840.113549.1.9.7"), 0);
	assert_int_equal(csrattrs_add_object(c, "1.2.840.10045.2.1",
	    "1.3.132.0.34"), 0);
	assert_int_equal(csrattrs_add_object(c, "1.2.840.113549.1.9.14",
	    "1.3.6.1.1.1.1.22"), 0);
	assert_int_equal(csrattrs_add_oid(c, "1.2.840.10045.4.3.3"), 0);
	assert_int_equal(csrattrs_encode(c, &der), 0);
	assert_int_equal(enc_base64(&text, der.data, der.len, 0), 0);
	assert_string_equal(buf_str(&text), "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIB"
	    "MQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw==");
	csrattrs_free(c);
	buf_fini(&der);
	buf_fini(&text);
}

static void
test_builder(void **state)
{
	struct csrattrs *c;
	struct buf der;
	char *hex;

	(void)state;
	buf_init(&der, 0);
	assert_int_equal(csrattrs_new(&c), 0);
	assert_int_equal(csrattrs_encode(c, &der), 0);
	assert_int_equal(der.len, 2);
	assert_memory_equal(der.data, "\x30\x00", 2);
	/* J7: no value, an INTEGER, a SEQUENCE */
	assert_int_equal(csrattrs_add_object(c, "1.2.3", NULL), 0);
	assert_int_equal(csrattrs_add_integer(c, "1.2.3", 4096), 0);
	assert_int_equal(csrattrs_add_der(c, "1.2.3",
	    (const uint8_t *)"\x30\x02\x05\x00", 4), 0);
	buf_reset(&der);
	assert_int_equal(csrattrs_encode(c, &der), 0);
	hex = enc_hex_dup(der.data, der.len);
	assert_string_equal(hex, "3020" "300606022a033100"
	    "300a06022a03310402021000" "300a06022a03310430020500");
	free(hex);
	assert_int_equal(csrattrs_add_oid(c, "challengePassword"),
	    CAMCA_EINVAL);
	assert_int_equal(csrattrs_add_oid(c, ""), CAMCA_EINVAL);
	assert_int_equal(csrattrs_add_oid(c, "1"), CAMCA_EINVAL);
	assert_int_equal(csrattrs_add_object(c, "1.2.3", "x"), CAMCA_EINVAL);
	assert_int_equal(csrattrs_add_integer(c, "9.9.9", 1), CAMCA_EINVAL);
	assert_int_equal(csrattrs_add_der(c, "1.2.3",
	    (const uint8_t *)"\x31\x00", 2), CAMCA_EINVAL);
	assert_int_equal(csrattrs_add_der(c, "1.2.3", NULL, 0), CAMCA_EINVAL);
	csrattrs_free(c);
	csrattrs_free(NULL);
	buf_fini(&der);
}

static struct profile
camera(unsigned keys, enum profile_csrattrs form)
{
	struct profile p = { .name = "camera-ec" };

	p.keys = keys;
	p.rsa_min_bits = 2048;
	p.rsa_max_bits = 4096;
	p.csrattrs = form;
	p.auth = AUTH_IDEVID;
	p.subject[0] = (char *)(uintptr_t)"CN={device.id}";
	p.subject[1] = (char *)(uintptr_t)"?serialNumber={device.serial}";
	p.san[0] = (char *)(uintptr_t)"dns:{device.id}.example";
	return p;
}

#define EC_AND_RSA (1u << KEY_P256 | 1u << KEY_P384 | 1u << KEY_RSA)

/* J4, J7: each key type once, preferred first; then the signatures. */
static void
test_legacy_keys(void **state)
{
	struct profile p;

	(void)state;
	p = camera(EC_AND_RSA, CSRATTRS_LEGACY);
	expect(&p, "303f" EC_P256 RSA_2048 SIG_EC256 SIG_RSA);
	p = camera(1u << KEY_P384, CSRATTRS_LEGACY);
	expect(&p, "301e" EC_P384 SIG_EC384);
	p = camera(1u << KEY_P521, CSRATTRS_LEGACY);
	expect(&p, "301e" EC_P521 SIG_EC521);
	p = camera(1u << KEY_RSA, CSRATTRS_LEGACY);
	expect(&p, "301e" RSA_2048 SIG_RSA);
	p = camera(1u << KEY_ED25519, CSRATTRS_LEGACY);
	expect(&p, "3005" SIG_ED25519);
}

/* J5: what links the request to the session, in every form. */
static void
test_linking(void **state)
{
	struct profile p = camera(1u << KEY_P384, CSRATTRS_LEGACY);

	(void)state;
	p.pop = POP_OPTIONAL;
	expect(&p, "301e" EC_P384 SIG_EC384);
	p.pop = POP_REQUIRE;
	expect(&p, "3029" CHALLENGE EC_P384 SIG_EC384);
	p.rfc7894 = true;
	expect(&p, "3036" CHALLENGE LINKING EC_P384 SIG_EC384);
	p.auth = AUTH_SECRET;
	expect(&p, "3043" CHALLENGE LINKING OTP EC_P384 SIG_EC384);
	p.pop = POP_OFF;
	expect(&p, "302b" OTP EC_P384 SIG_EC384);
	p = camera(1u << KEY_P256, CSRATTRS_TEMPLATE);
	p.pop = POP_REQUIRE;
	expect(&p, "303a" CHALLENGE TEMPLATE_P256);
}

/* J8: [1] is always there; nothing of the subject unless it must match. */
static void
test_template(void **state)
{
	struct profile p = camera(EC_AND_RSA, CSRATTRS_TEMPLATE);

	(void)state;
	expect(&p, "302f" TEMPLATE_P256);
	p = camera(1u << KEY_ED25519, CSRATTRS_TEMPLATE);
	expect(&p, "3021" "301f" TEMPLATE_OID "3110300e020100" "a0073005"
	    "06032b6570" "a100");
	/* a range of RSA sizes: the client chooses */
	p = camera(1u << KEY_RSA, CSRATTRS_TEMPLATE);
	expect(&p, "3029" "3027" TEMPLATE_OID "31183016020100" "a00f300d"
	    "06092a864886f70d0101010500" "a100");
	/* J9: both */
	p = camera(1u << KEY_P256, CSRATTRS_BOTH);
	expect(&p, "3050" EC_P256 SIG_EC256 TEMPLATE_P256);
}

/* One size: a public key that nobody has says which. */
static void
test_template_rsa_size(void **state)
{
	struct profile p = camera(1u << KEY_RSA, CSRATTRS_TEMPLATE);
	struct buf b;
	uint8_t *at;
	size_t i;

	(void)state;
	p.rsa_min_bits = p.rsa_max_bits = 3072;
	buf_init(&b, 0);
	assert_int_equal(csrattrs_build(&p, &b), 0);
	/* BIT STRING {SEQUENCE {INTEGER of 385 bytes, INTEGER 65537}} */
	at = memmem(b.data, b.len, "\x03\x82\x01\x8f\x00\x30\x82\x01\x8a"
	    "\x02\x82\x01\x81\x00\x80", 15);
	assert_non_null(at);
	for (i = 15; i < 15 + 382; i++)
		assert_int_equal(at[i], 0);
	assert_memory_equal(at + i, "\x01\x02\x03\x01\x00\x01\xa1\x00", 8);
	assert_true(at + i + 8 == b.data + b.len);
	buf_fini(&b);
}

/* J10: asked for where it is enforced. */
static void
test_subject_must_match(void **state)
{
	struct profile p = camera(1u << KEY_P256, CSRATTRS_LEGACY);

	(void)state;
	p.csr_subject_must_match = true;
	expect(&p, "302b" TYPE_CN TYPE_SERIAL EC_P256 SIG_EC256);
	p.csrattrs = CSRATTRS_TEMPLATE;
	/* subject {{CN}}; id-aa-extensionReqTemplate {{{subjectAltName}}} */
	expect(&p, "3054" "3052" TEMPLATE_OID "31433041020100"
	    "3009" "3107" "3005" "0603550403" SPKI_P256
	    "a11a" "3018" "060b2a864886f70d010910023e" "3109" "3007"
	    "3005" "0603551d11");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_example),
		cmocka_unit_test(test_builder),
		cmocka_unit_test(test_legacy_keys),
		cmocka_unit_test(test_linking),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_rsa_size),
		cmocka_unit_test(test_subject_must_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
