/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

static const char *
yes(bool b)
{
	return b ? "true" : "false";
}

static void
capabilities_algorithm(struct xo *x, const char *oid)
{
	xo_printf(x, "<tas:SignatureAlgorithms><tas:algorithm>%s"
	    "</tas:algorithm></tas:SignatureAlgorithms>", oid);
}

static void
capabilities_keystore(struct call *c)
{
	const struct persona *p = c->cam->persona;
	bool sharing = p->no_key_sharing || fault_on(c->cam,
	    CF_NO_KEY_SHARING);
	struct xo *x = c->out;

	xo_printf(x, "<tas:KeystoreCapabilities MaximumNumberOfKeys=\"%u\" "
	    "MaximumNumberOfCertificates=\"%u\" "
	    "MaximumNumberOfCertificationPaths=\"%u\" ", p->keys, p->certs,
	    p->paths);
	if (p->old_spelling)
		xo_printf(x, "RSAKeyPairGeneration=\"true\" RSAKeyLengths="
		    "\"%s\" PKCS10ExternalCertificationWithRSA=\"true\" "
		    "SelfSignedCertificateCreationWithRSA=\"false\" ",
		    p->rsa_lengths);
	else
		xo_printf(x, "KeyPairGeneration=\"%s\" RSAKeyLengths=\"%s\" "
		    "%sPKCS10=\"true\" SelfSignedCertificateCreation="
		    "\"false\" ", p->ec ? "RSA ECC" : "RSA", p->rsa_lengths,
		    p->ec ? "EllipticCurves=\"secp256r1 secp384r1\" " : "");
	xo_printf(x, "X509Versions=\"3\" MaximumNumberOfPassphrases=\"0\" "
	    "MaximumNumberOfCRLs=\"%u\" "
	    "MaximumNumberOfCertificationPathValidationPolicies=\"%u\"",
	    store_max_crls(c->cam), p->policies);
	if (sharing)
		xo_puts(x, " NoPrivateKeySharing=\"true\"");
	/* Not in the WSDL: comes as any attribute. */
	if (p->auto_delete_key)
		xo_puts(x, " AutoDeleteKey=\"true\"");
	xo_puts(x, ">");
	capabilities_algorithm(x, "1.2.840.113549.1.1.11");
	capabilities_algorithm(x, "1.2.840.113549.1.1.12");
	if (p->ec) {
		capabilities_algorithm(x, "1.2.840.10045.4.3.2");
		capabilities_algorithm(x, "1.2.840.10045.4.3.3");
	}
	xo_puts(x, "</tas:KeystoreCapabilities>");
}

void
security_capabilities(struct call *c)
{
	const struct persona *p = c->cam->persona;

	capabilities_keystore(c);
	xo_printf(c->out, "<tas:TLSServerCapabilities TLSServerSupported="
	    "\"1.2 1.3\" EnabledVersionsSupported=\"false\" "
	    "MaximumNumberOfTLSCertificationPaths=\"1\" "
	    "TLSClientAuthSupported=\"%s\" CnMapsToUserSupported=\"%s\" "
	    "MaximumNumberOfTLSCertificationPathValidationPolicies=\"%u\"/>",
	    yes(p->client_auth), yes(p->client_auth), p->client_auth ? 1U :
	    0U);
}

static int
security_all(struct call *c)
{
	xo_puts(c->out, "<tas:Capabilities>");
	security_capabilities(c);
	xo_puts(c->out, "</tas:Capabilities>");
	return CAMCA_OK;
}

const struct operation security_operations[] = {
	{ "GetServiceCapabilities", ACC_PRE_AUTH, security_all },
	{ "CreateRSAKeyPair", ACC_WRITE, keys_rsa },
	{ "CreateECCKeyPair", ACC_WRITE, keys_ecc },
	{ "GetKeyStatus", ACC_READ_SECRET, keys_status },
	{ "GetAllKeys", ACC_READ_SECRET, keys_all },
	{ "DeleteKey", ACC_UNRECOVERABLE, keys_delete },
	{ "CreatePKCS10CSR", ACC_READ_SYSTEM, csr_create },
	{ "UploadCertificate", ACC_WRITE, certs_upload },
	{ "GetCertificate", ACC_READ_SECRET, certs_get },
	{ "GetAllCertificates", ACC_READ_SECRET, certs_all },
	{ "DeleteCertificate", ACC_UNRECOVERABLE, certs_delete },
	{ "CreateCertificationPath", ACC_WRITE, paths_create },
	{ "GetCertificationPath", ACC_READ_SECRET, paths_get },
	{ "GetAllCertificationPaths", ACC_READ_SECRET, paths_all },
	{ "DeleteCertificationPath", ACC_UNRECOVERABLE, paths_delete },
	{ "AddServerCertificateAssignment", ACC_WRITE, assign_add },
	{ "RemoveServerCertificateAssignment", ACC_WRITE, assign_remove },
	{ "ReplaceServerCertificateAssignment", ACC_WRITE, assign_replace },
	{ "GetAssignedServerCertificates", ACC_READ_SECRET, assign_all },
	{ "UploadCRL", ACC_WRITE, crls_upload },
	{ "GetCRL", ACC_READ_SECRET, crls_get },
	{ "GetAllCRLs", ACC_READ_SECRET, crls_all },
	{ "DeleteCRL", ACC_UNRECOVERABLE, crls_delete },
	{ "CreateCertPathValidationPolicy", ACC_WRITE, policies_create },
	{ "GetCertPathValidationPolicy", ACC_READ_SECRET, policies_get },
	{ "GetAllCertPathValidationPolicies", ACC_READ_SECRET,
	    policies_all },
	{ "DeleteCertPathValidationPolicy", ACC_UNRECOVERABLE,
	    policies_delete },
	{ "AddCertPathValidationPolicyAssignment", ACC_WRITE, policies_add },
	{ "RemoveCertPathValidationPolicyAssignment", ACC_WRITE,
	    policies_remove },
	{ "ReplaceCertPathValidationPolicyAssignment", ACC_WRITE,
	    policies_replace },
	{ "GetAssignedCertPathValidationPolicies", ACC_READ_SECRET,
	    policies_assigned },
	{ "SetClientAuthenticationRequired", ACC_WRITE, policies_set_auth },
	{ "GetClientAuthenticationRequired", ACC_READ_SYSTEM,
	    policies_auth },
	{ "SetCnMapsToUser", ACC_WRITE, policies_set_cn },
	{ "GetCnMapsToUser", ACC_READ_SYSTEM, policies_cn },
	{ NULL, ACC_PRE_AUTH, NULL }
};
