/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#10 requests (RFC 2986) as they come from outside: strict DER, bounded,
 * signature checked, attributes taken apart. */
#ifndef CAMCA_ISSUE_CSR_H
#define CAMCA_ISSUE_CSR_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "ca/issue/keycheck.h"
#include "ca/issue/profile.h"

#define CSR_MAX_BYTES (48u * 1024)   /* base64 of it fits the 64 KiB body */
#define CSR_ATTR_MAX 256             /* RFC 2985 challengePassword: 255 */

/* Everything is owned by the struct. Only subject and key are always there. */
struct csr {
	X509_NAME *subject;            /* asked for; may have no entry */
	EVP_PKEY *key;
	enum profile_key key_kind;
	int key_bits;
	uint8_t spki[32];              /* SHA-256 of the DER SPKI */
	int digest_nid;                /* signature; NID_undef: Ed25519 */
	GENERAL_NAMES *san;            /* asked for, NULL if none */
	bool asks_ca;                  /* basicConstraints with cA TRUE */
	unsigned key_usage;            /* asked for, KU_* bits, 0 if none */
	EXTENDED_KEY_USAGE *eku;       /* asked for, NULL if none */
	char challenge[CSR_ATTR_MAX];  /* challengePassword, "" if none */
	char linking[CSR_ATTR_MAX];    /* estIdentityLinking, RFC 7894 */
	char otp[CSR_ATTR_MAX];        /* otpChallenge */
	char revocation[CSR_ATTR_MAX]; /* revocationChallenge */
	bool change_subject;           /* RFC 6402 2.8 attribute present */
	X509_NAME *new_subject;        /* its subject, NULL if absent */
	GENERAL_NAMES *new_san;        /* its subjectAlt, NULL if absent */
};

/* One DER object, version 0, at most CSR_MAX_BYTES, depth <= 32, at most 64
 * attributes/extensions and 100 GeneralNames, no NUL, control or invalid UTF-8
 * in names, each attribute at most once; signature verified with the key
 * inside. The one liberty: attributes may stand in any order, as strongSwan
 * sends them. CAMCA_EINVAL with why (400, "csr.…"); CAMCA_ENOMEM with
 * why (503). out is zeroed on failure. Any thread. */
CAMCA_MUST int csr_parse(struct csr *out, const struct keycheck *keys,
    const uint8_t *der, size_t n, struct refusal *why);
void csr_fini(struct csr *c);          /* cleanses the attribute values */

/* Key rules: RSA of the profile's sizes with an odd exponent >= 65537, allowed
 * curves, no ROCA modulus, no key from the list of known weak ones.
 * CAMCA_EPOLICY, 400 "csr.key-…". */
CAMCA_MUST int csr_check_key(const struct csr *c, const struct keycheck *keys,
    const struct profile *p, struct refusal *why);

/* What the profile allows beyond the key: signature digest of the SHA-2 or
 * SHA-3 family, 256 bits or more; requested CA:TRUE, key usages and EKUs
 * outside the profile refused; with csr_subject_must_match subject and SAN must
 * equal the expected ones (DER). ChangeSubjectName only where the profile
 * honours it, and then the names it leads to (RFC 6402 2.8: an absent subject
 * is an empty one, an absent subjectAlt no SAN) must equal the expected ones,
 * while subject and SAN of the request are still those of the old certificate
 * (csr_same_identity). expect_* as built by cert_names(), expect_san NULL for
 * none. CAMCA_EPOLICY (403) or CAMCA_EINVAL (400). */
CAMCA_MUST int csr_check_wishes(const struct csr *c, const struct profile *p,
    const X509_NAME *expect_subject, const GENERAL_NAMES *expect_san,
    struct refusal *why);

/* RFC 7030 4.2.2: subject and subjectAltName of the request equal those of the
 * certificate: subject by its characters (UTF8String or PrintableString), SAN as
 * a set of DER GeneralNames, absent equals absent. CAMCA_EPOLICY, 403 "reenroll.subject-differs" or
 * "reenroll.san-differs". */
CAMCA_MUST int csr_same_identity(const struct csr *c, X509 *cert,
    struct refusal *why);

/* DER of CsrAttrs for this profile (RFC 8951 section 4, RFC 9908 3.2 and 3.4),
 * appended to out: legacy, template, or both. It asks for nothing that the
 * checks above do not enforce. */
CAMCA_MUST int csrattrs_build(const struct profile *p, struct buf *out);

#endif
