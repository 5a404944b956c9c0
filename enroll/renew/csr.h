/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the certification request (PKCS #10, RFC 2986). */
#ifndef CAMCA_RENEW_CSR_H
#define CAMCA_RENEW_CSR_H

#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "enroll/renew/csrattrs.h"

struct csr_spec {
	const X509_NAME *subject;
	X509_EXTENSION *san;           /* subjectAltName or NULL */
	const struct csrattrs *wish;   /* or NULL */
	bool same_names;               /* re-enrollment: subject and SAN stand
	                                  as they are, RFC 7030 4.2.2 */
	const char *binding;           /* base64 channel binding, or NULL */
};

/* Reads "CN=cam-0042,serialNumber=SN1,O=Site": comma between attributes,
 * backslash before a comma, equals sign or backslash that is meant. The caller
 * frees the name. CAMCA_EINVAL. */
CAMCA_MUST int csr_subject_parse(X509_NAME **out, const char *text,
    struct refusal *why);
/* Reads "DNS:cam.example,IP:192.0.2.7,URI:urn:uuid:..." into a subjectAltName
 * extension; only DNS, IP, URI and email are known. CAMCA_EINVAL. */
CAMCA_MUST int csr_san_parse(X509_EXTENSION **out, const char *text,
    struct refusal *why);
/* Copies the subjectAltName of cert, NULL where it has none. CAMCA_ENOMEM,
 * CAMCA_EINVAL where it has two. */
CAMCA_MUST int csr_san_of(X509_EXTENSION **out, const X509 *cert);

/* Appends the DER of a request signed with key. Fills a template of the server
 * (RFC 9908) from spec; CAMCA_EPOLICY where it asks for a name that nobody
 * told us. CAMCA_ECRYPTO where the key cannot sign. */
CAMCA_MUST int csr_build(struct buf *der_out, const struct csr_spec *spec,
    EVP_PKEY *key, struct refusal *why);

#endif
