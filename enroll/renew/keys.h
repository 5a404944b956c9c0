/* SPDX-License-Identifier: Apache-2.0 */
/* The camera's private key: made here, read from PEM, or behind a URI that an
 * OpenSSL provider or engine understands. */
#ifndef CAMCA_RENEW_KEYS_H
#define CAMCA_RENEW_KEYS_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "enroll/renew/csrattrs.h"

struct keys_type {
	int curve_nid;            /* NID_undef for RSA */
	int rsa_bits;
	bool fixed;               /* chosen by the operator: the server's wish
	                             does not change it */
};

struct keys_source {
	const char *uri;          /* "pkcs11:...", "handle:0x81000001" */
	const char *provider;     /* provider to load first, or NULL */
	const char *engine;       /* engine to ask instead of a provider */
	const char *pin_file;     /* first line is the PIN, or NULL */
};

/* "auto" (P-256 unless the server asks otherwise), "p256", "p384", "p521",
 * "rsa2048", "rsa3072", "rsa4096". CAMCA_EINVAL. */
CAMCA_MUST int keys_type_parse(struct keys_type *out, const char *text,
    struct refusal *why);
/* What to make, given the server's wish. CAMCA_EPOLICY where it asks for a
 * key that we cannot make or that is too weak to make. */
CAMCA_MUST int keys_type_choose(struct keys_type *out,
    const struct keys_type *own, const struct csrattrs *wish,
    struct refusal *why);
/* Is key of that type? */
bool keys_fits(EVP_PKEY *key, const struct keys_type *type);

/* Makes a key; the caller frees it. CAMCA_ECRYPTO. */
CAMCA_MUST int keys_generate(EVP_PKEY **out, const struct keys_type *type,
    struct refusal *why);
/* PEM (PKCS #8, not encrypted: the file's mode protects it) to and from a
 * buffer, which the caller cleanses. CAMCA_EINVAL for a text that is none. */
CAMCA_MUST int keys_to_pem(struct buf *out, EVP_PKEY *key);
CAMCA_MUST int keys_from_pem(EVP_PKEY **out, const struct buf *pem,
    struct refusal *why);
/* The key behind a URI. Providers and engines stay loaded until the process
 * ends. CAMCA_EHSM, CAMCA_EPIN. Main thread only. */
CAMCA_MUST int keys_open(EVP_PKEY **out, const struct keys_source *src,
    struct refusal *why);
/* SHA-256 of the SubjectPublicKeyInfo: names a key on every machine. */
CAMCA_MUST int keys_hash(uint8_t out[static 32], EVP_PKEY *key);

#endif
