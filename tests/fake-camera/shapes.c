/* SPDX-License-Identifier: Apache-2.0 */
/* The requests, after devicemgmt.wsdl and advancedsecurity.wsdl. */
#include <stddef.h>
#include <string.h>

#include "tests/fake-camera/shape.h"
#include "tests/fake-camera/xml.h"

#define END { .name = NULL }
#define ONE(n, s, t) { .name = n, .ns = s, .type = t, .min = 1, .max = 1 }
#define OPT(n, s, t) { .name = n, .ns = s, .type = t, .max = 1 }
#define WORD(n, s, w) { .name = n, .ns = s, .type = SH_WORD, .min = 1, \
	.max = 1, .words = w }
#define SEQ(n, s, lo, hi, k) { .name = n, .ns = s, .type = SH_SEQ, \
	.min = lo, .max = hi, .kids = k }
/* As SEQ where the type has xs:anyAttribute. */
#define SEQA(n, s, lo, hi, k) { .name = n, .ns = s, .type = SH_SEQ, \
	.min = lo, .max = hi, .kids = k, .attributes = any }
#define MANY(n, s, lo, t) { .name = n, .ns = s, .type = t, .min = lo }
#define LIST(x) static const struct shape x[]

static const char *const any[] = { "*", NULL };
static const char *const levels[] = { "Administrator", "Operator", "User",
	"Anonymous", "Extended", NULL };
static const char *const protocols[] = { "HTTP", "HTTPS", "RTSP", NULL };
static const char *const modes[] = { "Discoverable", "NonDiscoverable", NULL };
static const char *const manuals[] = { "Manual", "NTP", NULL };
static const char *const resets[] = { "Hard", "Soft", NULL };
static const char *const hosts[] = { "IPv4", "IPv6", "DNS", NULL };

LIST(none) = { END };

/* ---- device ---- */

LIST(get_services) = { ONE("IncludeCapability", NS_TDS, SH_BOOL), END };
LIST(tz) = { ONE("TZ", NS_TT, SH_STRING), END };
LIST(time_of_day) = { ONE("Hour", NS_TT, SH_INT), ONE("Minute", NS_TT, SH_INT),
	ONE("Second", NS_TT, SH_INT), END };
LIST(day) = { ONE("Year", NS_TT, SH_INT), ONE("Month", NS_TT, SH_INT),
	ONE("Day", NS_TT, SH_INT), END };
LIST(date_time) = { SEQ("Time", NS_TT, 1, 1, time_of_day),
	SEQ("Date", NS_TT, 1, 1, day), END };
LIST(set_time) = { WORD("DateTimeType", NS_TDS, manuals),
	ONE("DaylightSavings", NS_TDS, SH_BOOL),
	SEQ("TimeZone", NS_TDS, 0, 1, tz),
	SEQ("UTCDateTime", NS_TDS, 0, 1, date_time), END };
LIST(host) = { WORD("Type", NS_TT, hosts),
	OPT("IPv4Address", NS_TT, SH_STRING),
	OPT("IPv6Address", NS_TT, SH_STRING), OPT("DNSname", NS_TT, SH_STRING),
	OPT("Extension", NS_TT, SH_ANY), END };
LIST(set_ntp) = { ONE("FromDHCP", NS_TDS, SH_BOOL),
	SEQA("NTPManual", NS_TDS, 0, 0, host), END };
LIST(extension) = { ONE("Roles", NS_TT, SH_LIST), END };
LIST(user) = { ONE("Username", NS_TT, SH_STRING),
	OPT("Password", NS_TT, SH_STRING), WORD("UserLevel", NS_TT, levels),
	SEQ("Extension", NS_TT, 0, 1, extension), END };
LIST(users) = { SEQA("User", NS_TDS, 1, 0, user), END };
LIST(delete_users) = { MANY("Username", NS_TDS, 1, SH_STRING), END };
LIST(protocol) = { WORD("Name", NS_TT, protocols),
	ONE("Enabled", NS_TT, SH_BOOL), MANY("Port", NS_TT, 1, SH_INT),
	OPT("Extension", NS_TT, SH_ANY), END };
LIST(set_protocols) = { SEQA("NetworkProtocols", NS_TDS, 1, 0, protocol),
	END };
LIST(hashing) = { ONE("Algorithm", NS_TDS, SH_LIST), END };
LIST(set_mode) = { WORD("DiscoveryMode", NS_TDS, modes), END };
LIST(reset) = { WORD("FactoryDefault", NS_TDS, resets), END };
LIST(complexity) = { OPT("MinLen", NS_TDS, SH_INT),
	OPT("Uppercase", NS_TDS, SH_INT), OPT("Number", NS_TDS, SH_INT),
	OPT("SpecialChars", NS_TDS, SH_INT),
	OPT("BlockUsernameOccurrence", NS_TDS, SH_BOOL),
	OPT("PolicyConfigurationLocked", NS_TDS, SH_BOOL), END };

/* ---- security ---- */

LIST(key_id) = { ONE("KeyID", NS_TAS, SH_ID), END };
LIST(rsa) = { ONE("KeyLength", NS_TAS, SH_UINT),
	OPT("Alias", NS_TAS, SH_STRING), END };
LIST(ecc) = { ONE("EllipticCurve", NS_TAS, SH_STRING),
	OPT("Alias", NS_TAS, SH_STRING), END };
LIST(generic) = { ONE("Type", NS_TAS, SH_STRING),
	ONE("Value", NS_TAS, SH_STRING), END };
LIST(multi) = { SEQA("Attribute", NS_TAS, 0, 0, generic), END };
LIST(more_dn) = { MANY("DomainComponent", NS_TAS, 0, SH_STRING), END };
#define DN(n) MANY(n, NS_TAS, 0, SH_STRING)
LIST(dn) = { DN("Country"), DN("Organization"), DN("OrganizationalUnit"),
	DN("DistinguishedNameQualifier"), DN("StateOrProvinceName"),
	DN("CommonName"), DN("SerialNumber"), DN("Locality"), DN("Title"),
	DN("Surname"), DN("GivenName"), DN("Initials"), DN("Pseudonym"),
	DN("GenerationQualifier"), SEQA("GenericAttribute", NS_TAS, 0, 0,
	generic), SEQ("MultiValuedRDN", NS_TAS, 0, 0, multi),
	SEQ("anyAttribute", NS_TAS, 0, 1, more_dn), END };
LIST(extension_of) = { ONE("extnOID", NS_TAS, SH_OID),
	ONE("critical", NS_TAS, SH_BOOL), ONE("extnValue", NS_TAS, SH_BASE64),
	END };
LIST(basic) = { ONE("OID", NS_TAS, SH_OID), ONE("value", NS_TAS, SH_BASE64),
	END };
LIST(attribute) = { SEQA("X509v3Extension", NS_TAS, 1, 1, extension_of),
	SEQA("BasicRequestAttribute", NS_TAS, 1, 1, basic),
	ONE("anyAttribute", NS_TAS, SH_ANY), END };
LIST(algorithm) = { ONE("algorithm", NS_TAS, SH_OID),
	OPT("parameters", NS_TAS, SH_BASE64),
	OPT("anyParameters", NS_TAS, SH_ANY), END };
LIST(csr) = { SEQA("Subject", NS_TAS, 1, 1, dn), ONE("KeyID", NS_TAS, SH_ID),
	{ .name = "CSRAttribute", .ns = NS_TAS, .type = SH_CHOICE,
	    .kids = attribute, .attributes = any },
	SEQA("SignatureAlgorithm", NS_TAS, 1, 1, algorithm), END };
LIST(upload) = { ONE("Certificate", NS_TAS, SH_BASE64),
	OPT("Alias", NS_TAS, SH_STRING), OPT("KeyAlias", NS_TAS, SH_STRING),
	OPT("PrivateKeyRequired", NS_TAS, SH_BOOL), END };
LIST(cert_id) = { ONE("CertificateID", NS_TAS, SH_ID), END };
LIST(cert_ids) = { MANY("CertificateID", NS_TAS, 1, SH_ID), END };
LIST(create_path) = { SEQA("CertificateIDs", NS_TAS, 1, 1, cert_ids),
	OPT("Alias", NS_TAS, SH_STRING), END };
LIST(path_id) = { ONE("CertificationPathID", NS_TAS, SH_ID), END };
LIST(replace_path) = { ONE("OldCertificationPathID", NS_TAS, SH_ID),
	ONE("NewCertificationPathID", NS_TAS, SH_ID), END };
LIST(upload_crl) = { ONE("Crl", NS_TAS, SH_BASE64),
	OPT("Alias", NS_TAS, SH_STRING), OPT("anyParameters", NS_TAS, SH_ANY),
	END };
LIST(crl_id) = { ONE("CrlID", NS_TAS, SH_ID), END };
LIST(parameters) = {
	OPT("RequireTLSWWWClientAuthExtendedKeyUsage", NS_TAS, SH_BOOL),
	OPT("UseDeltaCRLs", NS_TAS, SH_BOOL),
	OPT("anyParameters", NS_TAS, SH_ANY), END };
LIST(create_policy) = { OPT("Alias", NS_TAS, SH_STRING),
	SEQ("Parameters", NS_TAS, 1, 1, parameters),
	SEQ("TrustAnchor", NS_TAS, 1, 0, cert_id),
	OPT("anyParameters", NS_TAS, SH_ANY), END };
LIST(policy_id) = { ONE("CertPathValidationPolicyID", NS_TAS, SH_ID), END };
LIST(replace_policy) = { ONE("OldCertPathValidationPolicyID", NS_TAS, SH_ID),
	ONE("NewCertPathValidationPolicyID", NS_TAS, SH_ID), END };
LIST(client_auth) = { ONE("clientAuthenticationRequired", NS_TAS, SH_BOOL),
	END };
LIST(cn_maps) = { ONE("cnMapsToUser", NS_TAS, SH_BOOL), END };

static const struct named { const char *name; const struct shape *kids; }
    tds[] = {
	{ "GetServices", get_services }, { "GetServiceCapabilities", none },
	{ "GetDeviceInformation", none }, { "GetSystemDateAndTime", none },
	{ "SetSystemDateAndTime", set_time }, { "GetNTP", none },
	{ "SetNTP", set_ntp }, { "GetUsers", none }, { "CreateUsers", users },
	{ "SetUser", users }, { "DeleteUsers", delete_users },
	{ "GetNetworkProtocols", none },
	{ "SetNetworkProtocols", set_protocols },
	{ "GetPasswordComplexityOptions", none },
	{ "GetPasswordComplexityConfiguration", none },
	{ "SetPasswordComplexityConfiguration", complexity },
	{ "SetHashingAlgorithm", hashing },
	{ "GetDiscoveryMode", none }, { "SetDiscoveryMode", set_mode },
	{ "GetScopes", none }, { "GetEndpointReference", none },
	{ "SystemReboot", none }, { "SetSystemFactoryDefault", reset },
	{ NULL, NULL }
}, tas[] = {
	{ "GetServiceCapabilities", none }, { "CreateRSAKeyPair", rsa },
	{ "CreateECCKeyPair", ecc }, { "GetKeyStatus", key_id },
	{ "GetAllKeys", none }, { "DeleteKey", key_id },
	{ "CreatePKCS10CSR", csr }, { "UploadCertificate", upload },
	{ "GetCertificate", cert_id }, { "GetAllCertificates", none },
	{ "DeleteCertificate", cert_id },
	{ "CreateCertificationPath", create_path },
	{ "GetCertificationPath", path_id },
	{ "GetAllCertificationPaths", none },
	{ "DeleteCertificationPath", path_id },
	{ "AddServerCertificateAssignment", path_id },
	{ "RemoveServerCertificateAssignment", path_id },
	{ "ReplaceServerCertificateAssignment", replace_path },
	{ "GetAssignedServerCertificates", none },
	{ "UploadCRL", upload_crl }, { "GetCRL", crl_id },
	{ "GetAllCRLs", none }, { "DeleteCRL", crl_id },
	{ "CreateCertPathValidationPolicy", create_policy },
	{ "GetCertPathValidationPolicy", policy_id },
	{ "GetAllCertPathValidationPolicies", none },
	{ "DeleteCertPathValidationPolicy", policy_id },
	{ "AddCertPathValidationPolicyAssignment", policy_id },
	{ "RemoveCertPathValidationPolicyAssignment", policy_id },
	{ "ReplaceCertPathValidationPolicyAssignment", replace_policy },
	{ "GetAssignedCertPathValidationPolicies", none },
	{ "SetClientAuthenticationRequired", client_auth },
	{ "GetClientAuthenticationRequired", none },
	{ "SetCnMapsToUser", cn_maps }, { "GetCnMapsToUser", none },
	{ NULL, NULL }
};

static const struct shape *
shapes_find(const struct named *list, const char *operation)
{
	for (; list->name != NULL; list++)
		if (strcmp(list->name, operation) == 0)
			return list->kids;
	return NULL;
}

const struct shape *
shape_tds(const char *operation)
{
	return shapes_find(tds, operation);
}

const struct shape *
shape_tas(const char *operation)
{
	return shapes_find(tas, operation);
}
