/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a PKCS#11 token, named by RFC 7512 URIs. Nobody outside hsm/ sees
 * PKCS#11 or libp11: callers hold an hsm_key, which survives the loss and
 * return of its token. */
#ifndef CAMCA_HSM_H
#define CAMCA_HSM_H

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

enum hsm_key_type {
	HSM_EC_P256, HSM_EC_P384, HSM_RSA_2048, HSM_RSA_3072, HSM_RSA_4096,
	HSM_ED25519,              /* in the log token only, never a CA's */
	HSM_KEY_TYPES
};

/* Where the PIN comes from; the first one that is set wins. Never from an
 * argument: arguments are visible to every user of the machine. */
struct hsm_pin_source {
	const char *file;         /* path; group and others must not read it */
	const char *credential;   /* name under $CREDENTIALS_DIRECTORY */
	const char *env;          /* name of an environment variable */
	bool prompt;              /* ask on /dev/tty */
};

struct hsm_conf {
	const char *module;       /* path of the PKCS#11 module, or NULL for
	                             Debian's SoftHSM */
	const char *token_uri;    /* "pkcs11:token=camca" (token, serial, model,
	                             manufacturer, slot-id are matched) */
	const char *softhsm_conf; /* file for SOFTHSM2_CONF, or NULL */
	struct hsm_pin_source pin;
	const char *log_token_uri; /* a second token of the module, for the
	                             keys of the custody log; NULL: none */
	struct hsm_pin_source log_pin; /* nothing set: as pin */
};

struct hsm;
struct hsm_key;

/* Loads the module, finds the token, logs in. CAMCA_EHSM, CAMCA_EPIN,
 * CAMCA_ENOENT (no such token), CAMCA_ECONFLICT (several), CAMCA_EINVAL (URI,
 * module); why (may be NULL) gets one sentence for the operator. conf is
 * copied. A URI may hold module-path and pin-source (a path) where conf has
 * neither. A PIN that the token refused is not tried again, here or later,
 * until its file has another one; nor is a PIN's last attempt taken. One struct
 * hsm a module and process. Main thread, before others use it: sets
 * SOFTHSM2_CONF.
 * A log token that is missing, refuses its PIN, or is the first token itself,
 * is logged and looked for again by the calls that need it; only its URI and
 * pin-source, where malformed, are an error here. */
CAMCA_MUST int hsm_open(struct hsm **out, const struct hsm_conf *conf,
    struct refusal *why);
/* All hsm_key of it must be freed before. hsm_close(NULL) is fine. */
void hsm_close(struct hsm *h);

/* Whether a log token was named in hsm_open, there or not. */
bool hsm_has_log(const struct hsm *h);

/* "ec-p256" ... "ed25519", as written in configuration files. */
const char *hsm_key_type_name(enum hsm_key_type type);
/* CAMCA_EINVAL for an unknown name. */
CAMCA_MUST int hsm_key_type_parse(const char *name, enum hsm_key_type *out);
/* Whether a CA may have such a key: all but Ed25519, which cameras cannot
 * verify. */
bool hsm_key_type_is_ca(enum hsm_key_type type);

/* Makes a key pair in the token: private key sensitive, not extractable, sign
 * only; CKA_ID 16 random bytes. *uri_out ("pkcs11:token=…;object=…;id=%..;
 * type=private") is the caller's to free. CAMCA_EHSM (code "hsm.refused" where
 * the token does not make such keys), CAMCA_EPIN, CAMCA_EINVAL (type, label;
 * Ed25519), CAMCA_EPOLICY (the token made another kind of key; destroyed).
 * Any thread. */
CAMCA_MUST int hsm_generate(struct hsm *h, enum hsm_key_type type,
    const char *label, char **uri_out, struct refusal *why);
/* The same in the log token, Ed25519 too: "hsm.refused" where the token's
 * mechanisms are without it. CAMCA_ENOENT ("hsm.log-token") where hsm_open was
 * given none. */
CAMCA_MUST int hsm_generate_log(struct hsm *h, enum hsm_key_type type,
    const char *label, char **uri_out, struct refusal *why);

/* Opens a private key by URI, in the first of the two tokens that its token
 * attributes match (id and/or object are matched there; more than one match is
 * CAMCA_ECONFLICT, none CAMCA_ENOENT). Refuses (CAMCA_EPOLICY) a key
 * that the token does not say is sensitive and not extractable, or that wants
 * its PIN at each use; CAMCA_EINVAL for other types. CAMCA_EHSM, CAMCA_EPIN.
 * Free with hsm_key_free. Any thread. */
CAMCA_MUST int hsm_key_open(struct hsm *h, const char *uri,
    struct hsm_key **out, struct refusal *why);
void hsm_key_free(struct hsm_key *k);

/* The public key; the caller frees it with EVP_PKEY_free. Any thread; works
 * while the token is away. */
EVP_PKEY *hsm_key_public(const struct hsm_key *k);

/* Fills in the signature algorithm and signs, like X509_sign: ECDSA with
 * SHA-256 (P-256) or SHA-384 (P-384), RSA PKCS#1 v1.5 with SHA-256. Several
 * threads sign at once, each in its own session. A token that was lost and is
 * back is logged in again inside the call; while it is away CAMCA_EHSM
 * (CAMCA_EPIN where it refuses the PIN) at once for most callers, after 5 s at
 * most for one that waits for others. Each signature is verified before it is
 * given away; after a failure cert holds an empty one. Failures are logged.
 * Nothing is left in OpenSSL's error queue. CAMCA_EPOLICY for keys of the log
 * token, which sign nothing else, and for Ed25519. */
CAMCA_MUST int hsm_sign_cert(struct hsm_key *k, X509 *cert);
/* Signature over n bytes with the same algorithms: ECDSA in DER; Ed25519
 * (RFC 8032, pure) over the bytes themselves, 64 bytes. out has room for
 * *len_io bytes (512 is enough, CAMCA_ELIMIT for less than needed), *len_io
 * becomes the length. */
CAMCA_MUST int hsm_sign_data(struct hsm_key *k, const void *p, size_t n,
    uint8_t *out, size_t *len_io);
/* The same where their hash by hsm_key_md() is known already; the bytes are
 * only read where a token wants to hash them itself. CAMCA_EINVAL for Ed25519,
 * which has no such hash. */
CAMCA_MUST int hsm_sign_hashed(struct hsm_key *k, const void *p, size_t n,
    const uint8_t *hash, uint8_t *out, size_t *len_io);
/* Hash (NULL: Ed25519) and AlgorithmIdentifier of k's signatures. Any
 * thread. */
const EVP_MD *hsm_key_md(const struct hsm_key *k);
CAMCA_MUST int hsm_key_algorithm(const struct hsm_key *k, X509_ALGOR *out);

/* ---- derive.c: a key that opens what was sealed to it, and signs nothing ---- */
/* Makes a P-256 key pair in the main token as hsm_generate does, but to derive
 * only (ECDH): CKA_SIGN is false. "hsm.no-derive" (CAMCA_EHSM) where the token
 * has no CKM_ECDH1_DERIVE. */
CAMCA_MUST int hsm_generate_derive(struct hsm *h, const char *label,
    char **uri_out, struct refusal *why);
/* Whether the main token could: "hsm.no-derive", or CAMCA_EHSM and CAMCA_EPIN
 * while it is away. Changes nothing. Any thread. */
CAMCA_MUST int hsm_can_derive(struct hsm *h, struct refusal *why);
/* hsm_key_open for such a key. CAMCA_EPOLICY ("hsm.key-use") for one that may
 * sign or must not derive, CAMCA_EINVAL for another curve, "hsm.no-derive". The
 * functions above that sign refuse it with CAMCA_EPOLICY. */
CAMCA_MUST int hsm_key_open_derive(struct hsm *h, const char *uri,
    struct hsm_key **out, struct refusal *why);
/* The shared secret (x of the product, 32 bytes; SEC 1 section 3.3.1) of k and
 * a public point (65 bytes, uncompressed, checked to lie on the curve). One
 * operation of the token, whose copy of the secret is gone again after it. The
 * caller cleanses out. Losses of the token as in hsm_sign_cert. Any thread. */
#define HSM_POINT_LEN 65
#define HSM_SHARED_LEN 32
CAMCA_MUST int hsm_derive(struct hsm_key *k,
    const uint8_t point[static HSM_POINT_LEN],
    uint8_t out[static HSM_SHARED_LEN], struct refusal *why);
/* Opens a CMS EnvelopedData or AuthEnvelopedData with one recipient, whose key
 * agreement (RFC 5753) is with k: appended to out, which is cleansed after a
 * failure. One hsm_derive. CAMCA_EPOLICY ("hsm.cms") where it is not for k or
 * was changed; CAMCA_EHSM, CAMCA_EPIN. cms is changed; any thread. */
CAMCA_MUST int hsm_cms_open(struct hsm_key *k, CMS_ContentInfo *cms,
    struct buf *out, struct refusal *why);

/* Checks that the token answers and every open key of it still signs (or, of
 * those that derive, still derives); for doctor. 0, or CAMCA_EHSM/CAMCA_EPIN with why filled. Any thread. */
CAMCA_MUST int hsm_check(struct hsm *h, struct refusal *why);
/* The same of the log token. CAMCA_ENOENT where there is none. */
CAMCA_MUST int hsm_check_log(struct hsm *h, struct refusal *why);

/* hsm/softhsm.c: the embedded default. Makes DIR/softhsm2.conf (file backend,
 * tokens in DIR/tokens), DIR/pin (0600, 32 random characters, only where it is
 * missing) and a token with this label where none is there yet. Idempotent; an
 * existing token is left alone, and CAMCA_EPIN where it has lost its DIR/pin.
 * The security officer's PIN is random and kept nowhere. Everything is
 * 0700/0600; a crash leaves no half token. CAMCA_EHSM, CAMCA_EIO, CAMCA_EINVAL
 * (label), CAMCA_EFULL, CAMCA_ENOMEM. Main thread, no struct hsm open. */
CAMCA_MUST int hsm_softhsm_make(const char *dir, const char *label,
    struct refusal *why);
/* Makes the token label with DIR/pin in a folder that holds the token beside,
 * as hsm_softhsm_make does, but once in the life of the folder
 * (DIR/made-LABEL): one that was made and is gone must be put back, not
 * replaced. CAMCA_ENOENT for that, and where beside is not there; CAMCA_EPIN
 * without DIR/pin; nothing is made then. */
CAMCA_MUST int hsm_softhsm_add(const char *dir, const char *beside,
    const char *label, struct refusal *why);

#endif
