/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and checkpoints: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0,
 * tlog-cosignature v1.0.1. Parsing is strict and never allocates more than it
 * was given. Pure: OpenSSL only. Any thread. */
#ifndef CAMCA_CUSTODY_NOTE_H
#define CAMCA_CUSTODY_NOTE_H

#include <openssl/evp.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "ca/custody/tree.h"

#define NOTE_NAME_MAX 256              /* bytes of a key name, with NUL */
#define NOTE_TEXT_MAX (64 * 1024)      /* bytes of a whole note */
#define NOTE_SIGS_MAX 64               /* signature lines; C2SP asks for 16 */
#define NOTE_SIG_MAX 512               /* bytes of one signature with key id */

enum note_alg { NOTE_ED25519 = 1, NOTE_ECDSA = 2, NOTE_COSIG_ED25519 = 4 };

/* A verifier key: "<name>+<id>+<base64(type || key)>". */
struct note_key {
	char name[NOTE_NAME_MAX];
	uint8_t id[4];
	enum note_alg alg;
	EVP_PKEY *pub;
};
/* CAMCA_EINVAL (text, id that does not fit), 400 "custody.vkey". Free with
 * note_key_fini. The id of an ECDSA key is that of the key alone: another name
 * before it is another good vkey. */
CAMCA_MUST int note_key_parse(struct note_key *out, const char *vkey, size_t n,
    struct refusal *why);
/* From a public key (Ed25519, or EC for NOTE_ECDSA); takes a reference. */
CAMCA_MUST int note_key_make(struct note_key *out, const char *name,
    enum note_alg alg, EVP_PKEY *pub);
CAMCA_MUST int note_key_text(const struct note_key *k, struct buf *out);
void note_key_fini(struct note_key *k);

struct note_sig {                      /* borrowed from the parsed bytes */
	const char *name;
	size_t name_len;
	uint8_t id[4];
	uint8_t sig[NOTE_SIG_MAX];     /* behind the key id */
	size_t sig_len;                /* 0: longer than any that is known
	                                * here; it holds for no key */
};
struct note {
	const char *text;              /* with its final newline */
	size_t text_len;
	size_t nsigs;
	struct note_sig sigs[NOTE_SIGS_MAX];
};
/* CAMCA_EINVAL, CAMCA_ELIMIT, 400 "custody.note". The note may be large: put it
 * on the heap. */
CAMCA_MUST int note_parse(struct note *out, const void *p, size_t n,
    struct refusal *why);
/* One signature line without the text: "— name base64\n", as a witness answers. */
CAMCA_MUST int note_line_parse(struct note_sig *out, const char *p, size_t n,
    struct refusal *why);
/* Tries the signatures that name key k: 0 where one is there and all of k's
 * hold; CAMCA_ENOENT: none is there; CAMCA_EINVAL: one does not hold.
 * *time_s_out (may be NULL): the time of a cosignature (of several by k: the
 * earliest), else 0. */
CAMCA_MUST int note_check(const struct note *n, const struct note_key *k,
    int64_t *time_s_out);

/* The bytes that an algorithm signs, for text (and, NOTE_COSIG_ED25519, time_s):
 * the text itself, or the "cosignature/v1" message. ECDSA signs its SHA-256. */
CAMCA_MUST int note_message(enum note_alg alg, const char *text,
    size_t text_len, int64_t time_s, struct buf *out);
/* Appends "— name base64(id || [time] || sig)\n". ECDSA: sig in DER. */
CAMCA_MUST int note_line(const struct note_key *k, int64_t time_s,
    const uint8_t *sig, size_t sig_len, struct buf *out);

/* ---- checkpoints ---- */
struct checkpoint {
	char origin[NOTE_NAME_MAX];
	int64_t size;
	struct hash root;
};
/* Reads the text of a note; extension lines are refused (see tlog-checkpoint:
 * not recommended, and not all that sign agree on them). 400
 * "custody.checkpoint". */
CAMCA_MUST int checkpoint_parse(struct checkpoint *out, const char *text,
    size_t n, struct refusal *why);
/* Appends the three lines. */
CAMCA_MUST int checkpoint_text(const struct checkpoint *c, struct buf *out);
/* A name that can be an origin and a key name: no space, no '+', no control. */
bool note_name_ok(const char *name);

#endif
