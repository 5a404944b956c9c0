/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about public keys before one is trusted: a list of known weak
 * ones, the ROCA fingerprint, and ready curve parameters. */
#ifndef CAMCA_ISSUE_KEYCHECK_H
#define CAMCA_ISSUE_KEYCHECK_H

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/refusal.h"
#include "ca/issue/profile.h"

#define KEYCHECK_MAX_BYTES (64u << 20)   /* of the list file */
#define KEYCHECK_RSA_MAX_BITS 8192       /* what one check may cost */

struct keycheck;              /* read-only once loaded: any thread */

/* Reads the list of known weak keys: one SHA-256 of a DER
 * SubjectPublicKeyInfo a line, 64 hex digits; '#' starts a comment, empty lines
 * are fine. path NULL: no list. CAMCA_EINVAL (error "file:line: why"), also
 * where the file is missing: a list that was asked for and is not there must
 * not be taken for an empty one. keycheck_free(NULL) is fine. */
CAMCA_MUST int keycheck_load(struct keycheck **out, const char *path,
    char *error, size_t error_len);
void keycheck_free(struct keycheck *k);
/* Is this key on the list? Binary search. */
bool keycheck_is_weak(const struct keycheck *k, const uint8_t spki[static 32]);

/* A modulus with the fingerprint of Infineon's RSALib (CVE-2017-15361): its
 * residue modulo each small prime is a power of 65537. About one in 10^8 sound
 * moduli shows it by chance. */
bool keycheck_roca(const BIGNUM *n);
/* Smallest prime up to 167 that divides n, 0 where none does. */
unsigned keycheck_small_factor(const BIGNUM *n);

struct keycheck_key {
	EVP_PKEY *pkey;           /* the caller's */
	enum profile_key kind;
	int bits;
};
/* Makes the key of a SubjectPublicKeyInfo. Only RSA, the three NIST curves by
 * name and Ed25519; and only the one canonical encoding of each (RFC 3279
 * 2.3.1, RFC 5480 2, RFC 8410 4), so that the hash of the SPKI names the key: a
 * compressed point or a missing NULL would be a second name for a key that
 * another device holds. CAMCA_EINVAL, 400 "csr.key-…". Any thread. */
CAMCA_MUST int keycheck_decode(const struct keycheck *k, const X509_ALGOR *alg,
    const ASN1_BIT_STRING *bits, struct keycheck_key *out,
    struct refusal *why);

#endif
