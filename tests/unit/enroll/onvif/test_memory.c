/* SPDX-License-Identifier: Apache-2.0 */
/* What reads a camera's answers, with the n-th allocation failing: either no
 * memory is named, or what is read is what stands there. A camera is not said
 * to be wrong, or to lack something, because memory is short here. */
#include "tests/unit/nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "ca/base/enc.h"
#include "tests/unit/enroll/onvif/mock.h"

static struct mock m;

/* The other side has memory. */
static int
exchange(void *arg, const struct onvif_request *q, struct onvif_answer *out,
    struct cam_why *why)
{
	int ret;

	nth_inside = true;
	ret = mock_exchange(arg, q, out, why);
	nth_inside = false;
	return ret;
}

/* ---- what is read, as text ---- */

#define ADD(...) do { \
	nth_inside = true; \
	assert_int_equal(buf_printf(out, __VA_ARGS__), 0); \
	nth_inside = false; \
} while (0)

static int
accounts(struct buf *out, struct cam_why *why)
{
	struct cam_accounts l;
	int ret = cam_onvif.accounts(&m.c, &l, why);

	for (size_t i = 0; i < l.n; i++)
		ADD("%s %s;", l.v[i].user, l.v[i].level);
	cam_accounts_fini(&l);
	return ret;
}

static int
keys(struct buf *out, struct cam_why *why)
{
	struct cam_keys l;
	int ret = cam_onvif.keys(&m.c, &l, why);

	for (size_t i = 0; i < l.n; i++)
		ADD("%s %s %d %d %d;", l.v[i].id, l.v[i].alias,
		    l.v[i].has_private, l.v[i].external, (int)l.v[i].state);
	cam_keys_fini(&l);
	return ret;
}

static int
certs(struct buf *out, struct cam_why *why)
{
	struct cam_certs l;
	int ret = cam_onvif.certs(&m.c, &l, why);

	for (size_t i = 0; i < l.n; i++)
		ADD("%s %s %s %.*s;", l.v[i].id, l.v[i].key_id, l.v[i].alias,
		    (int)l.v[i].der_len, (const char *)l.v[i].der);
	cam_certs_fini(&l);
	return ret;
}

static int
paths(struct buf *out, struct cam_why *why)
{
	struct cam_paths l;
	int ret = cam_onvif.paths(&m.c, &l, why);

	for (size_t i = 0; i < l.n; i++)
		ADD("%s %s %zu %s;", l.v[i].id, l.v[i].alias, l.v[i].n,
		    l.v[i].cert[l.v[i].n - 1]);
	cam_paths_fini(&l);
	return ret;
}

static int
caps(struct buf *out, struct cam_why *why)
{
	struct cam_caps c;
	int ret = cam_onvif.caps(&m.c, &c, why);

	if (ret == CAMCA_OK)
		ADD("%d %d %d %d %u %u %d %d %d %d %d %d %s", c.keystore,
		    c.rsa, c.p256, c.p384, c.rsa_bits[0], c.rsa_bits[1],
		    c.pkcs10, c.no_key_sharing, c.max_keys, c.max_password_len,
		    c.digest_sha256, c.tls_addon, c.tls_versions);
	return ret;
}

static int
identify(struct buf *out, struct cam_why *why)
{
	struct cam_identity id;
	int ret = cam_onvif.identify(&m.c, &id, why);

	if (ret == CAMCA_OK)
		ADD("%s %s %s %s %s", id.manufacturer, id.model, id.firmware,
		    id.serial, id.hardware_id);
	return ret;
}

static int
protocols(struct buf *out, struct cam_why *why)
{
	struct cam_protocols p;
	int ret = cam_onvif.protocols(&m.c, &p, why);

	for (size_t i = 0; ret == CAMCA_OK && i < p.n; i++)
		ADD("%s %d %u;", p.v[i].name, p.v[i].enabled, p.v[i].port);
	return ret;
}

static int
csr(struct buf *out, struct cam_why *why)
{
	struct cam_csr_ask ask = { .key_id = "k1", .type = CAM_P256,
	    .common_name = "cam-1" };
	struct buf der;
	int ret;

	buf_init(&der, 4096);
	ret = cam_onvif.csr(&m.c, &ask, &der, why);
	if (ret == CAMCA_OK)
		ADD("%zu", der.len);
	buf_fini(&der);
	return ret;
}

static int
create(struct buf *out, struct cam_why *why)
{
	char id[CAM_ID_MAX];
	int64_t ms;
	int ret = cam_onvif.key_create(&m.c, CAM_P256, 0, "alias", id, &ms,
	    why);

	if (ret == CAMCA_OK)
		ADD("%s", id);           /* the time is a hint */
	return ret;
}

static int
fault(struct buf *out, struct cam_why *why)
{
	int ret = cam_onvif.key_delete(&m.c, "k1", why);

	if (why->code == CAM_MEMORY)
		return ret;
	ADD("%d %d", ret, (int)why->code);
	return CAMCA_OK;
}

static const struct reading {
	const char *name;
	int (*read)(struct buf *out, struct cam_why *why);
	const char *answer[2];
	int status;
} readings[] = {
	{ "accounts", accounts, { SOAP("<d:GetUsersResponse><d:User>"
	    "<t:Username>admin</t:Username><t:UserLevel>Administrator"
	    "</t:UserLevel></d:User><d:User><t:Username>op</t:Username>"
	    "<t:UserLevel>Operator</t:UserLevel></d:User>"
	    "</d:GetUsersResponse>"), NULL }, 200 },
	{ "keys", keys, { SOAP("<a:GetAllKeysResponse><a:KeyAttribute>"
	    "<a:KeyID>k1</a:KeyID><a:KeyStatus>ok</a:KeyStatus>"
	    "</a:KeyAttribute><a:KeyAttribute><a:KeyID>k2</a:KeyID><a:Alias>x"
	    "</a:Alias><a:hasPrivateKey>false</a:hasPrivateKey><a:KeyStatus>"
	    "generating</a:KeyStatus><a:externallyGenerated>true"
	    "</a:externallyGenerated></a:KeyAttribute>"
	    "</a:GetAllKeysResponse>"), NULL }, 200 },
	{ "certs", certs, { SOAP("<a:GetAllCertificatesResponse>"
	    "<a:Certificate><a:CertificateID>c1</a:CertificateID><a:KeyID>k1"
	    "</a:KeyID><a:Alias>leaf</a:Alias><a:CertificateContent>QUJD\n"
	    "</a:CertificateContent></a:Certificate>"
	    "</a:GetAllCertificatesResponse>"), NULL }, 200 },
	{ "paths", paths, { SOAP("<a:GetAllCertificationPathsResponse>"
	    "<a:CertificationPathID>p1</a:CertificationPathID>"
	    "</a:GetAllCertificationPathsResponse>"),
	    SOAP("<a:GetCertificationPathResponse><a:CertificationPath>"
	    "<a:CertificateID>c1</a:CertificateID><a:CertificateID>c2"
	    "</a:CertificateID><a:Alias>al</a:Alias></a:CertificationPath>"
	    "</a:GetCertificationPathResponse>") }, 200 },
	{ "caps", caps, { SOAP("<d:GetServiceCapabilitiesResponse>"
	    "<d:Capabilities><d:Network/><d:Security MaxUsers=\"5\" "
	    "MaxPasswordLength=\"32\" HttpDigest=\"true\" "
	    "HashingAlgorithms=\"MD5,SHA-256\"/><d:System Addons=\"X "
	    "TLSServerConfiguration\"/></d:Capabilities>"
	    "</d:GetServiceCapabilitiesResponse>"),
	    SOAP("<a:GetServiceCapabilitiesResponse><a:Capabilities>"
	    "<a:KeystoreCapabilities KeyPairGeneration=\"RSA ECC\" "
	    "RSAKeyLengths=\"2048 3072\" EllipticCurves=\"secp256r1 "
	    "secp384r1\" PKCS10=\"true\" MaximumNumberOfKeys=\"16\" "
	    "NoPrivateKeySharing=\"1\"/><a:TLSServerCapabilities "
	    "TLSServerSupported=\"1.2 1.3\"/></a:Capabilities>"
	    "</a:GetServiceCapabilitiesResponse>") }, 200 },
	{ "identify", identify, { INFO, NULL }, 200 },
	{ "protocols", protocols, { SOAP("<d:GetNetworkProtocolsResponse>"
	    "<d:NetworkProtocols><t:Name>HTTP</t:Name><t:Enabled>true"
	    "</t:Enabled><t:Port>80</t:Port></d:NetworkProtocols>"
	    "<d:NetworkProtocols><t:Name>HTTPS</t:Name><t:Enabled>false"
	    "</t:Enabled><t:Port>443</t:Port></d:NetworkProtocols>"
	    "</d:GetNetworkProtocolsResponse>"), NULL }, 200 },
	{ "key_create", create, { SOAP("<a:CreateECCKeyPairResponse>"
	    "<a:KeyID>k1</a:KeyID><a:EstimatedCreationTime>PT2S"
	    "</a:EstimatedCreationTime></a:CreateECCKeyPairResponse>"),
	    NULL }, 200 },
	{ "a fault", fault, { FAULT2("InvalidArgVal", "KeyID"), NULL }, 400 },
	{ "csr", csr, { NULL, NULL }, 200 },
};

/* A request as a camera makes it. */
static char *
csr_answer(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	char *b64, *text;
	int n;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	b64 = enc_base64_dup(der, (size_t)n);
	assert_true(asprintf(&text, SOAP("<a:CreatePKCS10CSRResponse>"
	    "<a:PKCS10CSR>%s</a:PKCS10CSR></a:CreatePKCS10CSRResponse>"),
	    b64) > 0);
	free(b64);
	OPENSSL_free(der);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return text;
}

/* Reads with the n-th allocation failing; whether it came so far. */
static bool
read_once(const struct reading *r, const char *first, int n, int *ret,
    struct buf *out, struct cam_why *why)
{
	bool hit;

	mock_init(&m, NULL, NULL);
	mock_security(&m);
	m.c.exchange = exchange;
	mock_say(&m, r->status, NULL, first);
	if (r->answer[1] != NULL)
		mock_say(&m, r->status, NULL, r->answer[1]);
	buf_reset(out);
	memset(why, 0, sizeof *why);
	nth_arm(n);
	*ret = r->read(out, why);
	hit = nth_disarm();
	mock_fini(&m);
	return hit;
}

static void
read_all(const struct reading *r)
{
	char *made = r->answer[0] == NULL ? csr_answer() : NULL;
	const char *first = made != NULL ? made : r->answer[0];
	struct buf good, out;
	struct cam_why why;
	int n, ret;

	buf_init(&good, 4096);
	buf_init(&out, 4096);
	assert_false(read_once(r, first, 0, &ret, &good, &why));
	if (ret != CAMCA_OK || good.len == 0)
		fail_msg("%s: %d %s", r->name, ret, why.text);
	for (n = 1; read_once(r, first, n, &ret, &out, &why); n++) {
		assert_true(n < 20000);
		if (ret == CAMCA_OK && strcmp(buf_str(&out),
		    buf_str(&good)) == 0)
			continue;
		/* EUNKNOWN: it was done, and the answer is lost. */
		if ((ret != CAMCA_ENOMEM && ret != CAMCA_EUNKNOWN) ||
		    why.code != CAM_MEMORY)
			fail_msg("%s, n %d: %d, %s, read %s", r->name, n, ret,
			    why.text, buf_str(&out));
	}
	assert_true(n > 5);
	free(made);
	buf_fini(&good);
	buf_fini(&out);
}

static void
test_readings(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof readings / sizeof readings[0]; i++)
		read_all(&readings[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readings),
	};

	nth_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
