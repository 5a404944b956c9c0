/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations send and read, without a camera. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/enroll/onvif/mock.h"

static struct mock m;
static struct cam_why why;

static void
begin(int status, const char *answer)
{
	mock_init(&m, NULL, NULL);
	mock_security(&m);
	mock_say(&m, status, NULL, answer);
}

static void
sent(size_t i, const char *text)
{
	if (strstr(m.asked[i].body, text) == NULL)
		fail_msg("%s is not in %s", text, m.asked[i].body);
}

static void
test_key_create(void **state)
{
	char id[CAM_ID_MAX];
	int64_t ms;

	(void)state;
	begin(200, SOAP("<a:CreateECCKeyPairResponse><a:KeyID>k1</a:KeyID>"
	    "<a:EstimatedCreationTime>PT2S</a:EstimatedCreationTime>"
	    "</a:CreateECCKeyPairResponse>"));
	assert_int_equal(cam_onvif.key_create(&m.c, CAM_P384, 0, "al<ias", id,
	    &ms, &why), CAMCA_OK);
	assert_string_equal(id, "k1");
	assert_int_equal(ms, 2000);
	assert_string_equal(m.asked[0].path, "/sec");
	assert_true(m.asked[0].changes);
	sent(0, "<tas:CreateECCKeyPair><tas:EllipticCurve>secp384r1"
	    "</tas:EllipticCurve><tas:Alias>al&lt;ias</tas:Alias>");
	mock_fini(&m);
	/* No time is no trouble; no ID is: the key is there, somewhere. */
	begin(200, SOAP("<a:CreateRSAKeyPairResponse><a:KeyID>k1</a:KeyID>"
	    "<a:EstimatedCreationTime>soon</a:EstimatedCreationTime>"
	    "</a:CreateRSAKeyPairResponse>"));
	assert_int_equal(cam_onvif.key_create(&m.c, CAM_RSA, 3072, NULL, id,
	    &ms, &why), CAMCA_OK);
	assert_int_equal(ms, 0);
	sent(0, "<tas:CreateRSAKeyPair><tas:KeyLength>3072</tas:KeyLength>"
	    "</tas:CreateRSAKeyPair>");
	mock_fini(&m);
	begin(200, SOAP("<a:CreateRSAKeyPairResponse><a:KeyID>1k</a:KeyID>"
	    "</a:CreateRSAKeyPairResponse>"));
	assert_int_equal(cam_onvif.key_create(&m.c, CAM_RSA, 3072, NULL, id,
	    &ms, &why), CAMCA_EUNKNOWN);
	mock_fini(&m);
	/* An alias that XML cannot hold is not sent. */
	begin(200, "");
	assert_int_equal(cam_onvif.key_create(&m.c, CAM_RSA, 3072, "a\nb", id,
	    &ms, &why), CAMCA_EINVAL);
	assert_int_equal(m.next, 0);
	mock_fini(&m);
}

#define STATUS(s) SOAP("<a:GetKeyStatusResponse><a:KeyStatus>" s \
	"</a:KeyStatus></a:GetKeyStatusResponse>")

static void
test_key_wait(void **state)
{
	(void)state;
	begin(200, STATUS("generating"));
	mock_fail(&m, CAMCA_ETIME, false);
	mock_say(&m, 200, NULL, STATUS("generating"));
	mock_say(&m, 200, NULL, STATUS("ok"));
	assert_int_equal(cam_onvif.key_wait(&m.c, "k", 60000, &why),
	    CAMCA_OK);
	assert_int_equal(m.waits, 3);
	mock_fini(&m);
	begin(200, STATUS("corrupt"));
	assert_int_equal(cam_onvif.key_wait(&m.c, "k", 60000, &why),
	    CAMCA_EPERM);
	assert_int_equal(why.code, CAM_KEY_CORRUPT);
	mock_fini(&m);
	begin(200, STATUS("perhaps"));
	assert_int_equal(cam_onvif.key_wait(&m.c, "k", 60000, &why),
	    CAMCA_EPROTO);
	mock_fini(&m);
	begin(200, STATUS("generating"));
	m.stop_at = 1;
	assert_int_equal(cam_onvif.key_wait(&m.c, "k", 60000, &why),
	    CAMCA_EBUSY);
	assert_int_equal(why.code, CAM_STOPPED);
	mock_fini(&m);
}

/* The time of the context counts, and no clock of the machine. */
static void
test_key_stuck(void **state)
{
	size_t i;

	(void)state;
	begin(200, STATUS("generating"));
	for (i = 0; i < MOCK_MAX - 1; i++)
		mock_say(&m, 200, NULL, STATUS("generating"));
	assert_int_equal(cam_onvif.key_wait(&m.c, "k", 60000, &why),
	    CAMCA_ETIME);
	assert_int_equal(why.code, CAM_KEY_STUCK);
	assert_true(m.now_ms >= INT64_C(1790000060000));
	mock_fini(&m);
}

static void
test_keys(void **state)
{
	struct cam_keys l;

	(void)state;
	begin(200, SOAP("<a:GetAllKeysResponse><a:KeyAttribute><a:KeyID>k1"
	    "</a:KeyID><a:KeyStatus>ok</a:KeyStatus></a:KeyAttribute>"
	    "<a:KeyAttribute><a:KeyID>k2</a:KeyID><a:Alias>x</a:Alias>"
	    "<a:hasPrivateKey>false</a:hasPrivateKey><a:KeyStatus>generating"
	    "</a:KeyStatus><a:externallyGenerated>true"
	    "</a:externallyGenerated></a:KeyAttribute>"
	    "</a:GetAllKeysResponse>"));
	assert_int_equal(cam_onvif.keys(&m.c, &l, &why), CAMCA_OK);
	assert_int_equal(l.n, 2);
	assert_true(l.v[0].has_private && !l.v[1].has_private);
	assert_int_equal(l.v[1].state, CAM_KEY_GENERATING);
	assert_true(l.v[1].external);
	cam_keys_fini(&l);
	mock_fini(&m);
	begin(200, SOAP("<a:GetAllKeysResponse><a:KeyAttribute><a:KeyID>k1"
	    "</a:KeyID><a:KeyStatus>ok</a:KeyStatus></a:KeyAttribute>"
	    "<a:KeyAttribute><a:KeyID>k1</a:KeyID><a:KeyStatus>ok"
	    "</a:KeyStatus></a:KeyAttribute></a:GetAllKeysResponse>"));
	assert_int_equal(cam_onvif.keys(&m.c, &l, &why), CAMCA_EPROTO);
	assert_int_equal(l.n, 0);
	mock_fini(&m);
}

static void
test_key_delete(void **state)
{
	(void)state;
	begin(500, FAULT2("InvalidArgVal", "KeyID"));
	assert_int_equal(cam_onvif.key_delete(&m.c, "k", NULL), CAMCA_OK);
	mock_fini(&m);
	begin(500, FAULT2("InvalidArgVal", "ReferenceExists"));
	assert_int_equal(cam_onvif.key_delete(&m.c, "k", &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_IN_USE);
	mock_fini(&m);
}

static void
test_csr(void **state)
{
	static const uint8_t san[] = { 1, 2, 3 };
	const struct cam_csr_ask ask = { .key_id = "k1", .type = CAM_P256,
	    .common_name = "cam", .serial_number = "S", .organization = "O",
	    .san = san, .san_len = 3 };
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	begin(200, SOAP("<a:CreatePKCS10CSRResponse><a:PKCS10CSR>MAA="
	    "</a:PKCS10CSR></a:CreatePKCS10CSRResponse>"));
	assert_int_equal(cam_onvif.csr(&m.c, &ask, &b, &why), CAMCA_EPROTO);
	assert_int_equal(why.code, CAM_MALFORMED);
	assert_int_equal(b.len, 0);
	sent(0, "<tas:Subject><tas:Organization>O</tas:Organization>"
	    "<tas:CommonName>cam</tas:CommonName><tas:SerialNumber>S"
	    "</tas:SerialNumber></tas:Subject><tas:KeyID>k1</tas:KeyID>"
	    "<tas:CSRAttribute><tas:X509v3Extension><tas:extnOID>2.5.29.17");
	sent(0, "<tas:extnValue>AQID</tas:extnValue>");
	sent(0, "<tas:algorithm>1.2.840.10045.4.3.2</tas:algorithm>");
	mock_fini(&m);
	begin(500, FAULT2("InvalidArgVal", "KeyID"));
	assert_int_equal(cam_onvif.csr(&m.c, &ask, &b, &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_NO_SUCH);
	mock_fini(&m);
	buf_fini(&b);
}

#define CERTS SOAP("<a:GetAllCertificatesResponse><a:Certificate>" \
	"<a:CertificateID>c1</a:CertificateID><a:KeyID>k1</a:KeyID>" \
	"<a:CertificateContent>QUJD</a:CertificateContent></a:Certificate>" \
	"<a:Certificate><a:CertificateID>c2</a:CertificateID><a:KeyID/>" \
	"<a:Alias>leaf</a:Alias><a:CertificateContent>REVG\n" \
	"</a:CertificateContent></a:Certificate>" \
	"</a:GetAllCertificatesResponse>")

/* The camera says that it has it: the one with the same bytes. */
static void
test_duplicate(void **state)
{
	const struct cam_upload there = { (const uint8_t *)"DEF", 3, "x",
	    true };
	const struct cam_upload other = { (const uint8_t *)"XYZ", 3, "x",
	    false };
	struct cam_uploaded up;

	(void)state;
	begin(500, FAULT2("InvalidArgVal", "Duplicate"));
	mock_say(&m, 200, NULL, CERTS);
	assert_int_equal(cam_onvif.cert_upload(&m.c, &there, &up, NULL),
	    CAMCA_OK);
	assert_string_equal(up.cert_id, "c2");
	assert_string_equal(up.key_id, "");
	assert_true(up.was_there);
	sent(0, "<tas:PrivateKeyRequired>true</tas:PrivateKeyRequired>");
	mock_fini(&m);
	begin(500, FAULT2("InvalidArgVal", "Duplicate"));
	mock_say(&m, 200, NULL, CERTS);
	assert_int_equal(cam_onvif.cert_upload(&m.c, &other, &up, &why),
	    CAMCA_EPERM);
	assert_int_equal(why.code, CAM_DUPLICATE);
	sent(0, "<tas:PrivateKeyRequired>false</tas:PrivateKeyRequired>");
	mock_fini(&m);
}

static void
test_certs(void **state)
{
	struct cam_certs l;

	(void)state;
	begin(200, CERTS);
	assert_int_equal(cam_onvif.certs(&m.c, &l, &why), CAMCA_OK);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[1].alias, "leaf");
	assert_memory_equal(l.v[1].der, "DEF", 3);
	cam_certs_fini(&l);
	mock_fini(&m);
	/* The second row is bad: nothing of the first one is left. */
	begin(200, SOAP("<a:GetAllCertificatesResponse><a:Certificate>"
	    "<a:CertificateID>c1</a:CertificateID><a:CertificateContent>QUJD"
	    "</a:CertificateContent></a:Certificate><a:Certificate/>"
	    "</a:GetAllCertificatesResponse>"));
	assert_int_equal(cam_onvif.certs(&m.c, &l, &why), CAMCA_EPROTO);
	assert_null(l.v);
	mock_fini(&m);
}

static void
test_paths(void **state)
{
	struct cam_paths l;

	(void)state;
	begin(200, SOAP("<a:GetAllCertificationPathsResponse>"
	    "<a:CertificationPathID>p1</a:CertificationPathID>"
	    "</a:GetAllCertificationPathsResponse>"));
	mock_say(&m, 200, NULL, SOAP("<a:GetCertificationPathResponse>"
	    "<a:CertificationPath><a:CertificateID>c1</a:CertificateID>"
	    "<a:CertificateID>c2</a:CertificateID><a:Alias>al</a:Alias>"
	    "</a:CertificationPath></a:GetCertificationPathResponse>"));
	assert_int_equal(cam_onvif.paths(&m.c, &l, &why), CAMCA_OK);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].n, 2);
	assert_string_equal(l.v[0].cert[1], "c2");
	cam_paths_fini(&l);
	mock_fini(&m);
	begin(200, SOAP("<a:GetAllCertificationPathsResponse>"
	    "<a:CertificationPathID>p1</a:CertificationPathID>"
	    "</a:GetAllCertificationPathsResponse>"));
	mock_fail(&m, CAMCA_EIO, false);
	assert_int_equal(cam_onvif.paths(&m.c, &l, &why), CAMCA_EIO);
	assert_null(l.v);
	mock_fini(&m);
}

#define CAPS_DEVICE SOAP("<d:GetServiceCapabilitiesResponse><d:Capabilities>" \
	"<d:Network/><d:Security MaxUsers=\"5\" MaxPasswordLength=\"32\" " \
	"HttpDigest=\"true\" HashingAlgorithms=\"MD5,SHA-256\"/><d:System " \
	"Addons=\"X TLSServerConfiguration\"/></d:Capabilities>" \
	"</d:GetServiceCapabilitiesResponse>")
#define CAPS(keystore) SOAP("<a:GetServiceCapabilitiesResponse>" \
	"<a:Capabilities><a:KeystoreCapabilities " keystore "/>" \
	"<a:TLSServerCapabilities TLSServerSupported=\"1.2 1.3\" " \
	"MaximumNumberOfTLSCertificationPaths=\"1\"/></a:Capabilities>" \
	"</a:GetServiceCapabilitiesResponse>")

static void
caps_of(const char *keystore, struct cam_caps *out)
{
	begin(200, CAPS_DEVICE);
	mock_say(&m, 200, NULL, keystore);
	assert_int_equal(cam_onvif.caps(&m.c, out, &why), CAMCA_OK);
	assert_true(out->keystore);
	mock_fini(&m);
}

static void
test_caps(void **state)
{
	struct cam_caps c;

	(void)state;
	caps_of(CAPS("KeyPairGeneration=\"RSA ECC\" RSAKeyLengths=\"4096 2048 "
	    "3072\" EllipticCurves=\"secp256r1 secp384r1\" PKCS10=\"true\" "
	    "MaximumNumberOfKeys=\"16\" MaximumNumberOfCRLs=\"1\" "
	    "NoPrivateKeySharing=\"1\" AutoDeleteKey=\"true\""), &c);
	assert_true(c.rsa && c.p256 && c.p384 && c.pkcs10);
	assert_true(c.no_key_sharing && c.auto_delete_key);
	assert_int_equal(c.rsa_bits[0], 2048);
	assert_int_equal(c.rsa_bits[2], 4096);
	assert_int_equal(c.rsa_bits[3], 0);
	assert_int_equal(c.max_keys, 16);
	assert_int_equal(c.max_crls, 1);
	assert_int_equal(c.max_certs, CAM_NOT_TOLD);
	assert_int_equal(c.max_password_len, 32);
	assert_true(c.tls_addon && c.digest_sha256 && c.http_digest);
	assert_string_equal(c.tls_versions, "1.2 1.3");
	/* The old spelling. */
	caps_of(CAPS("RSAKeyPairGeneration=\"true\" RSAKeyLengths=\"2048\" "
	    "PKCS10ExternalCertificationWithRSA=\"true\" "
	    "MaximumNumberOfKeys=\"x\""), &c);
	assert_true(c.rsa && c.pkcs10);
	assert_false(c.p256 || c.p384);
	assert_int_equal(c.max_keys, CAM_NOT_TOLD);
	/* More lengths than there is room for, and silly ones. */
	caps_of(CAPS("RSAKeyPairGeneration=\"true\" RSAKeyLengths=\"1 2 1024 "
	    "1025 1026 1027 1028 1029 1030 1031 1032 1033 99999999\""), &c);
	assert_int_equal(c.rsa_bits[0], 1024);
	assert_int_equal(c.rsa_bits[CAM_RSA_LENGTHS - 1], 0);
}

/* The level is the one that is read: nobody is demoted. */
static void
test_set_password(void **state)
{
	(void)state;
	begin(200, SOAP("<d:GetUsersResponse><d:User><t:Username>admin"
	    "</t:Username><t:UserLevel>Administrator</t:UserLevel></d:User>"
	    "<d:User><t:Username>op</t:Username><t:UserLevel>Operator"
	    "</t:UserLevel></d:User></d:GetUsersResponse>"));
	mock_say(&m, 200, NULL, SOAP("<d:SetUserResponse/>"));
	assert_int_equal(cam_onvif.account_password(&m.c, "op", "n<w", &why),
	    CAMCA_OK);
	assert_string_equal(m.asked[0].path, "/dev");
	sent(1, "<tds:SetUser><tds:User><tt:Username>op</tt:Username>"
	    "<tt:Password>n&lt;w</tt:Password><tt:UserLevel>Operator"
	    "</tt:UserLevel></tds:User></tds:SetUser>");
	mock_fini(&m);
	begin(200, SOAP("<d:GetUsersResponse/>"));
	assert_int_equal(cam_onvif.account_password(&m.c, "op", "new", &why),
	    CAMCA_EPERM);
	assert_int_equal(why.code, CAM_NO_SUCH);
	mock_fini(&m);
	/* What the camera says of a password is not repeated. */
	begin(500, FAULT2("OperationProhibited", "PasswordTooWeak"));
	assert_int_equal(cam_onvif.account_create(&m.c, "op", "because",
	    "User", &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_WEAK_PASSWORD);
	assert_null(strstr(why.text, "because"));
	assert_non_null(strstr(why.text, "PasswordTooWeak"));
	mock_fini(&m);
	/* Without TLS a new password does not leave. */
	begin(200, SOAP("<d:GetUsersResponse><d:User><t:Username>op"
	    "</t:Username><t:UserLevel>Operator</t:UserLevel></d:User>"
	    "</d:GetUsersResponse>"));
	m.c.env.clear_passwords = false;
	assert_int_equal(cam_onvif.account_password(&m.c, "op", "new", &why),
	    CAMCA_EPOLICY);
	assert_int_equal(why.code, CAM_TLS);
	assert_int_equal(cam_onvif.account_create(&m.c, "op2", "new", "User",
	    &why), CAMCA_EPOLICY);
	assert_int_equal(m.next, 1);
	mock_fini(&m);
	/* Leaving the password out would clear it. */
	begin(200, "");
	assert_int_equal(cam_onvif.account_create(&m.c, "op", "",
	    "User", &why), CAMCA_EINVAL);
	assert_int_equal(m.next, 0);
	mock_fini(&m);
}

static void
test_accounts_bad(void **state)
{
	static const char *const bad[] = {
		"<d:User/>",
		"<d:User><t:Username>a</t:Username></d:User>",
		"<d:User><d:Username>a</d:Username><t:UserLevel>User"
		    "</t:UserLevel></d:User>",
		"<d:User><t:Username>a</t:Username><t:Username>b</t:Username>"
		    "<t:UserLevel>User</t:UserLevel></d:User>",
	};
	struct cam_accounts l;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, SOAP("<d:GetUsersResponse>%s"
		    "</d:GetUsersResponse>"), bad[i]);
		begin(200, text);
		assert_int_equal(cam_onvif.accounts(&m.c, &l, &why),
		    CAMCA_EPROTO);
		mock_fini(&m);
	}
}

static void
test_time(void **state)
{
	struct cam_time t;

	(void)state;
	begin(200, SOAP("<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime>"
	    "<t:DateTimeType>NTP</t:DateTimeType><t:DaylightSavings>true"
	    "</t:DaylightSavings><t:TimeZone><t:TZ>ICT-7</t:TZ></t:TimeZone>"
	    "<t:UTCDateTime><t:Time><t:Hour>0</t:Hour><t:Minute>0</t:Minute>"
	    "<t:Second>0</t:Second></t:Time><t:Date><t:Year>2013</t:Year>"
	    "<t:Month>2</t:Month><t:Day>30</t:Day></t:Date></t:UTCDateTime>"
	    "</d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>"));
	assert_int_equal(cam_onvif.time_get(&m.c, &t, &why), CAMCA_OK);
	assert_true(t.ntp && t.daylight);
	assert_string_equal(t.zone, "ICT-7");
	assert_true(m.c.has_offset && m.c.offset_ms == t.offset_ms);
	mock_fini(&m);
	begin(200, SOAP("<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime>"
	    "<t:DateTimeType>Manual</t:DateTimeType><t:DaylightSavings>true"
	    "</t:DaylightSavings></d:SystemDateAndTime>"
	    "</d:GetSystemDateAndTimeResponse>"));
	assert_int_equal(cam_onvif.time_get(&m.c, &t, &why), CAMCA_EPROTO);
	assert_int_equal(why.code, CAM_CLOCK);
	mock_fini(&m);
}

static void
test_policy_find(void **state)
{
	static const char rows[] = SOAP("<a:GetAllCertPathValidationPolicies"
	    "Response><a:CertPathValidationPolicy>"
	    "<a:CertPathValidationPolicyID>v1</a:CertPathValidationPolicyID>"
	    "<a:Parameters/></a:CertPathValidationPolicy>"
	    "<a:CertPathValidationPolicy><a:CertPathValidationPolicyID>v2"
	    "</a:CertPathValidationPolicyID><a:Alias>ours</a:Alias>"
	    "<a:Parameters/></a:CertPathValidationPolicy>"
	    "</a:GetAllCertPathValidationPoliciesResponse>");
	char id[CAM_ID_MAX];

	(void)state;
	mock_init(&m, NULL, NULL);
	mock_security(&m);
	mock_say(&m, 200, NULL, rows);
	mock_say(&m, 200, NULL, rows);
	mock_say(&m, 500, NULL, FAULT1("ActionNotSupported"));
	assert_int_equal(cam_onvif.policy_find(&m.c, "ours", id, &why),
	    CAMCA_OK);
	assert_string_equal(id, "v2");
	assert_int_equal(cam_onvif.policy_find(&m.c, "our", id, &why),
	    CAMCA_OK);
	assert_string_equal(id, "");
	assert_int_equal(cam_onvif.policy_find(&m.c, "ours", id, &why),
	    CAMCA_EPERM);
	mock_fini(&m);
}

static void
test_policy(void **state)
{
	(void)state;
	begin(200, SOAP("<a:GetAssignedCertPathValidationPoliciesResponse>"
	    "<a:CertPathValidationPolicyID>v1</a:CertPathValidationPolicyID>"
	    "<a:CertPathValidationPolicyID>v2</a:CertPathValidationPolicyID>"
	    "</a:GetAssignedCertPathValidationPoliciesResponse>"));
	mock_say(&m, 200, NULL, SOAP(
	    "<a:ReplaceCertPathValidationPolicyAssignmentResponse/>"));
	mock_say(&m, 200, NULL, SOAP(
	    "<a:RemoveCertPathValidationPolicyAssignmentResponse/>"));
	assert_int_equal(cam_onvif.policy_assign(&m.c, "v3", &why), CAMCA_OK);
	sent(1, "<tas:OldCertPathValidationPolicyID>v1<");
	sent(1, "<tas:NewCertPathValidationPolicyID>v3<");
	sent(2, ">v2<");
	mock_fini(&m);
	begin(200, SOAP("<a:GetAssignedCertPathValidationPoliciesResponse/>"));
	mock_say(&m, 200, NULL, SOAP(
	    "<a:AddCertPathValidationPolicyAssignmentResponse/>"));
	assert_int_equal(cam_onvif.policy_assign(&m.c, "v3", &why), CAMCA_OK);
	mock_fini(&m);
	begin(200, SOAP("<a:GetAssignedCertPathValidationPoliciesResponse/>"));
	assert_int_equal(cam_onvif.policy_assign(&m.c, NULL, &why), CAMCA_OK);
	mock_fini(&m);
}

static void
test_protocols(void **state)
{
	struct cam_protocols l;

	(void)state;
	begin(200, SOAP("<d:GetNetworkProtocolsResponse><d:NetworkProtocols>"
	    "<t:Name>HTTPS</t:Name><t:Enabled>true</t:Enabled><t:Port>8443"
	    "</t:Port><t:Port>443</t:Port></d:NetworkProtocols>"
	    "<d:NetworkProtocols><t:Name>RTSP</t:Name><t:Enabled>0"
	    "</t:Enabled></d:NetworkProtocols>"
	    "</d:GetNetworkProtocolsResponse>"));
	assert_int_equal(cam_onvif.protocols(&m.c, &l, &why), CAMCA_OK);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.v[0].port, 8443);
	assert_true(l.v[0].enabled && !l.v[1].enabled);
	mock_fini(&m);
	begin(200, SOAP("<d:GetNetworkProtocolsResponse><d:NetworkProtocols>"
	    "<t:Name>HTTP</t:Name><t:Enabled>true</t:Enabled><t:Port>99999"
	    "</t:Port></d:NetworkProtocols></d:GetNetworkProtocolsResponse>"));
	assert_int_equal(cam_onvif.protocols(&m.c, &l, &why), CAMCA_EPROTO);
	mock_fini(&m);
}

static void
test_rule(void **state)
{
	struct cam_password_rule r;

	(void)state;
	begin(200, SOAP("<d:GetPasswordComplexityConfigurationResponse>"
	    "<d:MinLen>12</d:MinLen><d:BlockUsernameOccurrence>true"
	    "</d:BlockUsernameOccurrence>"
	    "</d:GetPasswordComplexityConfigurationResponse>"));
	mock_say(&m, 200, NULL, SOAP("<d:GetPasswordComplexityOptionsResponse>"
	    "<d:MinLenRange><t:Min>8</t:Min><t:Max>64</t:Max></d:MinLenRange>"
	    "<d:NumberRange><t:Min>1</t:Min><t:Max>2</t:Max></d:NumberRange>"
	    "</d:GetPasswordComplexityOptionsResponse>"));
	assert_int_equal(cam_onvif.password_rule(&m.c, &r, &why), CAMCA_OK);
	assert_int_equal(r.min_len, 12);
	assert_int_equal(r.digits, 1);
	assert_int_equal(r.upper, CAM_NOT_TOLD);
	assert_true(r.no_username);
	mock_fini(&m);
	begin(500, FAULT1("ActionNotSupported"));
	mock_say(&m, 500, NULL, FAULT1("ActionNotSupported"));
	assert_int_equal(cam_onvif.password_rule(&m.c, &r, &why), CAMCA_OK);
	assert_int_equal(r.min_len, CAM_NOT_TOLD);
	mock_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_create),
		cmocka_unit_test(test_key_wait),
		cmocka_unit_test(test_key_stuck),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_delete),
		cmocka_unit_test(test_csr),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_certs),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_set_password),
		cmocka_unit_test(test_accounts_bad),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_policy_find),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
