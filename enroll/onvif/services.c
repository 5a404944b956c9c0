/* SPDX-License-Identifier: Apache-2.0 */
/* Where the services are, and what the camera says it can do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

#define SERVICES_LIST_MAX 512

/* Only the path of an XAddr counts. Its host is often the factory address or
 * one behind a NAT, and following it would let an answer send our logins to
 * somebody else. */
static bool
services_path(const char *xaddr, char out[static ONVIF_PATH_MAX])
{
	const char *p = strstr(xaddr, "://");

	p = p != NULL ? p + 3 : xaddr;
	p += strcspn(p, "/?#");
	if (*p == '\0')
		p = "/";
	if (!onvif_path_ok(p))
		return false;
	snprintf(out, ONVIF_PATH_MAX, "%s", p);
	return true;
}

static int
services_read(struct camera *c, const xmlNode *response, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *s = NULL;
	char ns[CAM_WORD_MAX], xaddr[SERVICES_LIST_MAX];

	c->has_security = false;
	while ((s = xml_each(response, s, NS_TDS, "Service")) != NULL) {
		xml_string(&in, s, NS_TDS, "Namespace", ns, sizeof ns,
		    XML_NEED | XML_CUT);
		if (in.err == 0 && strcmp(ns, NS_TAS) != 0)
			continue;
		xml_string(&in, s, NS_TDS, "XAddr", xaddr, sizeof xaddr,
		    XML_NEED);
		if (in.err < 0)
			break;
		if (c->has_security)
			xml_bad(&in, "of the Security service stands there "
			    "twice", "Service");
		else if (!services_path(xaddr, c->security_path))
			xml_bad(&in, "has no usable path", "XAddr");
		c->has_security = true;
	}
	return in.err;
}

/* Older than GetServices: asked at the places where cameras have it. Whoever
 * asks for a login there is taken at his word. */
static int
services_guess(struct camera *c, struct cam_why *why)
{
	const char *const places[] = { c->link.path, "/onvif/security_service",
	    "/onvif/advancedsecurity_service", "/onvif/advancedsecurity" };
	struct cam_why local;
	size_t i;
	int ret;

	c->services_known = true;
	for (i = 0; i < sizeof places / sizeof places[0]; i++) {
		snprintf(c->security_path, sizeof c->security_path, "%s",
		    places[i]);
		c->has_security = true;
		ret = onvif_call(c, ONVIF_SECURITY_CALL(
		    "GetServiceCapabilities", CALL_ANONYMOUS), NULL, NULL,
		    &local);
		if (ret == CAMCA_OK || ret == CAMCA_EAUTH)
			break;
		c->has_security = false;
		if (ret == CAMCA_EIO || ret == CAMCA_ETIME ||
		    ret == CAMCA_EBUSY || ret == CAMCA_ENOMEM) {
			c->services_known = false;
			*why = local;
			return ret;
		}
	}
	cam_why_clear(why);
	return CAMCA_OK;
}

int
onvif_services(struct camera *c, struct cam_why *why)
{
	struct cam_why local;
	struct soap_answer a;
	int ret;

	if (c->services_known)
		return CAMCA_OK;
	why = why != NULL ? why : &local;
	ret = onvif_call1(c, ONVIF_DEVICE_CALL("GetServices", 0),
	    "tds:IncludeCapability", "false", &a, why);
	if (ret == CAMCA_EPERM)
		return services_guess(c, why);
	if (ret < 0)
		return ret;
	ret = services_read(c, a.body, why);
	soap_answer_fini(&a);
	c->services_known = ret == CAMCA_OK;
	return ret;
}

/* ---- capabilities ---- */

static void
caps_not_told(struct cam_caps *out)
{
	memset(out, 0, sizeof *out);
	out->max_keys = out->max_certs = out->max_paths = out->max_crls =
	    out->max_policies = out->max_assigned = out->max_users =
	    out->max_user_len = out->max_password_len = CAM_NOT_TOLD;
}

/* Either spelling, the new or the old one. */
static bool
caps_flag(const xmlNode *n, const char *name, const char *old_name)
{
	bool value = false;

	if (!xml_attr_bool(n, name, &value) && old_name != NULL)
		(void)xml_attr_bool(n, old_name, &value);
	return value;
}

static void
caps_rsa_lengths(const xmlNode *keystore, struct cam_caps *out)
{
	char list[SERVICES_LIST_MAX];
	const char *s = list;
	size_t n = 0, i;
	unsigned long bits;
	char *end;

	if (!xml_attr(keystore, "RSAKeyLengths", list, sizeof list))
		return;
	for (; n < CAM_RSA_LENGTHS - 1; s = end) {
		bits = strtoul(s, &end, 10);
		if (end == s)
			return;
		if (bits < 512 || bits > 16384)
			continue;
		for (i = n++; i > 0 && out->rsa_bits[i - 1] > bits; i--)
			out->rsa_bits[i] = out->rsa_bits[i - 1];
		out->rsa_bits[i] = (unsigned)bits;
	}
}

static void
caps_key_types(const xmlNode *keystore, struct cam_caps *out)
{
	char list[SERVICES_LIST_MAX], curves[SERVICES_LIST_MAX];
	bool ecc = caps_flag(keystore, "ECCKeyPairGeneration", NULL);

	out->rsa = caps_flag(keystore, "RSAKeyPairGeneration", NULL);
	if (xml_attr(keystore, "KeyPairGeneration", list, sizeof list)) {
		out->rsa = out->rsa || xml_has_word(list, "RSA");
		ecc = ecc || xml_has_word(list, "ECC");
	}
	if (!ecc || !xml_attr(keystore, "EllipticCurves", curves,
	    sizeof curves))
		return;
	out->p256 = xml_has_word(curves, "secp256r1") ||
	    xml_has_word(curves, "P-256");
	out->p384 = xml_has_word(curves, "secp384r1") ||
	    xml_has_word(curves, "P-384");
}

/* AutoDeleteKey is in the prose and not in the WSDL. */
static void
caps_keystore(const xmlNode *keystore, struct cam_caps *out)
{
	caps_key_types(keystore, out);
	caps_rsa_lengths(keystore, out);
	out->pkcs10 = caps_flag(keystore, "PKCS10",
	    "PKCS10ExternalCertificationWithRSA");
	out->set_path = caps_flag(keystore, "SetCertPath", NULL);
	out->auto_delete_key = caps_flag(keystore, "AutoDeleteKey", NULL);
	out->no_key_sharing = caps_flag(keystore, "NoPrivateKeySharing",
	    NULL);
	(void)xml_attr_int(keystore, "MaximumNumberOfKeys", &out->max_keys);
	(void)xml_attr_int(keystore, "MaximumNumberOfCertificates",
	    &out->max_certs);
	(void)xml_attr_int(keystore, "MaximumNumberOfCertificationPaths",
	    &out->max_paths);
	(void)xml_attr_int(keystore, "MaximumNumberOfCRLs", &out->max_crls);
	(void)xml_attr_int(keystore,
	    "MaximumNumberOfCertificationPathValidationPolicies",
	    &out->max_policies);
}

static void
caps_tls(const xmlNode *tls, struct cam_caps *out)
{
	out->client_auth = caps_flag(tls, "TLSClientAuthSupported", NULL);
	out->cn_maps_to_user = caps_flag(tls, "CnMapsToUserSupported", NULL);
	(void)xml_attr_int(tls, "MaximumNumberOfTLSCertificationPaths",
	    &out->max_assigned);
	(void)xml_attr(tls, "TLSServerSupported", out->tls_versions,
	    sizeof out->tls_versions);
}

static int
caps_security(struct camera *c, struct cam_caps *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	const xmlNode *caps;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL("GetServiceCapabilities",
	    0), NULL, &a, why);

	if (ret == CAMCA_EPERM) {
		cam_why_clear(why);
		return CAMCA_OK;
	}
	if (ret < 0)
		return ret;
	caps = xml_one(&in, a.body, NS_TAS, "Capabilities", true);
	caps_keystore(xml_one(&in, caps, NS_TAS, "KeystoreCapabilities",
	    true), out);
	caps_tls(xml_one(&in, caps, NS_TAS, "TLSServerCapabilities", false),
	    out);
	out->keystore = in.err == CAMCA_OK;
	soap_answer_fini(&a);
	return in.err;
}

static int
caps_device(struct camera *c, struct cam_caps *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	char list[SERVICES_LIST_MAX];
	const xmlNode *caps, *security, *system;
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL("GetServiceCapabilities",
	    0), NULL, &a, why);

	if (ret == CAMCA_EPERM) {
		cam_why_clear(why);
		return CAMCA_OK;
	}
	if (ret < 0)
		return ret;
	caps = xml_one(&in, a.body, NS_TDS, "Capabilities", true);
	security = xml_one(&in, caps, NS_TDS, "Security", false);
	system = xml_one(&in, caps, NS_TDS, "System", false);
	out->http_digest = caps_flag(security, "HttpDigest", NULL);
	out->username_token = caps_flag(security, "UsernameToken", NULL);
	(void)xml_attr_int(security, "MaxUsers", &out->max_users);
	(void)xml_attr_int(security, "MaxUserNameLength",
	    &out->max_user_len);
	(void)xml_attr_int(security, "MaxPasswordLength",
	    &out->max_password_len);
	/* Supported, not in use: "MD5,SHA-256" in the WSDL's own example, a
	 * list with blanks by its schema. */
	if (xml_attr(security, "HashingAlgorithms", list, sizeof list)) {
		out->hashing = strstr(list, "SHA-256") != NULL;
		c->comma = strchr(list, ',') != NULL;
	}
	out->digest_sha256 = out->hashing;
	out->tls_addon = xml_attr(system, "Addons", list, sizeof list) &&
	    xml_has_word(list, "TLSServerConfiguration");
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_caps(struct camera *c, struct cam_caps *out, struct cam_why *why)
{
	int ret;

	caps_not_told(out);
	ret = onvif_services(c, why);
	if (ret == CAMCA_OK)
		ret = caps_device(c, out, why);
	if (ret == CAMCA_OK && c->has_security)
		ret = caps_security(c, out, why);
	out->digest_sha256 = out->digest_sha256 || c->sha256_offered;
	return ret;
}
