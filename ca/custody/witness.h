/* SPDX-License-Identifier: Apache-2.0 */
/* The dialogue of C2SP tlog-witness v1.0.0 (add-checkpoint), for both of its
 * sides: what the log sends, and what a witness answers. Pure: OpenSSL only.
 * Any thread. */
#ifndef CAMCA_CUSTODY_WITNESS_H
#define CAMCA_CUSTODY_WITNESS_H

#include "ca/custody/note.h"

#define WITNESS_REQUEST_MAX (128 * 1024)   /* bytes of a request body */
#define WITNESS_ANSWER_MAX (16 * 1024)     /* bytes of an answer that we read */
#define WITNESS_PROOF_MAX 63               /* lines; tlog-witness */
#define WITNESS_SIZE_TYPE "text/x.tlog.size"
#define WITNESS_PATH "/add-checkpoint"

struct witness_request {
	int64_t old_size;
	struct proof proof;
	const char *note;              /* the checkpoint note; borrowed */
	size_t note_len;
};
/* Appends the body of a request. CAMCA_EINVAL (negative size), CAMCA_ELIMIT,
 * CAMCA_ENOMEM. */
CAMCA_MUST int witness_request_text(const struct witness_request *r,
    struct buf *out);
/* Reads one, exactly: what is accepted has one spelling. The note itself is not
 * looked into. CAMCA_EINVAL, CAMCA_ELIMIT, 400 "witness.request". */
CAMCA_MUST int witness_request_parse(struct witness_request *out,
    const void *p, size_t n, struct refusal *why);

/* The body of a 409: a size in decimal and a newline. CAMCA_EINVAL. */
CAMCA_MUST int witness_size_parse(const void *p, size_t n, int64_t *out);
/* Is this the media type of such a body? Parameters and case do not matter. */
bool witness_size_type(const char *type);

/* The body of a 200: signature lines. Takes that of key k (NOTE_COSIG_ED25519)
 * over the checkpoint text, which must hold; lines of other keys are let be.
 * Appends the line to *out as it came, *time_s_out is the time it states.
 * CAMCA_EINVAL where the body is no list of signature lines, or k's does not
 * hold; CAMCA_ENOENT where k has none; 502 "custody.cosignature". */
CAMCA_MUST int witness_cosig_take(const struct note_key *k, const char *text,
    size_t text_len, const void *p, size_t n, struct buf *out,
    int64_t *time_s_out, struct refusal *why);

#endif
