/* SPDX-License-Identifier: Apache-2.0 */
/* The witness's own key: an Ed25519 key in a file, used for nothing else, and
 * the name that goes with it. */
#ifndef CAMCA_WITNESS_COSIGNER_H
#define CAMCA_WITNESS_COSIGNER_H

#include "ca/base/refusal.h"
#include "ca/custody/note.h"

#define COSIGNER_KEY "witness.key"     /* PKCS#8, PEM, mode 0600 */
#define COSIGNER_VKEY "witness.vkey"   /* "<name>+<id>+<base64>\n" */

struct cosigner {
	struct note_key key;           /* NOTE_COSIG_ED25519 */
	EVP_PKEY *private_key;
};

/* Makes key and vkey in dir, which must not have them. CAMCA_ECONFLICT,
 * CAMCA_EINVAL (a name that is none), CAMCA_EIO, CAMCA_ECRYPTO; why says what. */
CAMCA_MUST int cosigner_make(const char *dir, const char *name,
    struct refusal *why);
/* Reads both. CAMCA_ENOENT, CAMCA_EPERM (the key is open to others),
 * CAMCA_EINVAL (no such key, or the two do not fit). */
CAMCA_MUST int cosigner_open(struct cosigner *out, const char *dir,
    struct refusal *why);
void cosigner_fini(struct cosigner *c);
/* Appends the signature line over a checkpoint's text. Any thread. */
CAMCA_MUST int cosigner_sign(const struct cosigner *c, const char *text,
    size_t text_len, int64_t time_s, struct buf *out);

#endif
