/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with a log: C2SP tlog-proof and tlog-policy (both without a tagged
 * version: commit 5ba5ee8). Pure: OpenSSL only. Any thread. */
#ifndef CAMCA_CUSTODY_TLOG_H
#define CAMCA_CUSTODY_TLOG_H

#include "ca/custody/note.h"

/* ---- tlog-proof: an inclusion proof with its checkpoint ---- */
struct tlog_proof {
	int64_t index;
	struct proof proof;
	const char *extra;             /* base64 text or NULL; borrowed */
	size_t extra_len;
	const char *note;              /* the checkpoint note; borrowed */
	size_t note_len;
};
CAMCA_MUST int tlog_proof_parse(struct tlog_proof *out, const void *p,
    size_t n, struct refusal *why);      /* 400 "custody.proof" */
CAMCA_MUST int tlog_proof_text(const struct tlog_proof *t, struct buf *out);

/* ---- tlog-policy: which signatures a checkpoint must have ---- */
#define POLICY_LOGS_MAX 64
#define POLICY_WITNESSES_MAX 64
#define POLICY_GROUPS_MAX 64
struct tlog_policy;
CAMCA_MUST int tlog_policy_parse(struct tlog_policy **out, const void *p,
    size_t n, struct refusal *why);      /* 400 "custody.policy", with the line */
void tlog_policy_free(struct tlog_policy *p);
size_t tlog_policy_logs(const struct tlog_policy *p);
const struct note_key *tlog_policy_log(const struct tlog_policy *p, size_t i);
size_t tlog_policy_witnesses(const struct tlog_policy *p);
/* *name_out, *url_out (NULL where there is none) are borrowed. */
const struct note_key *tlog_policy_witness(const struct tlog_policy *p,
    size_t i, const char **name_out, const char **url_out);
/* What a checkpoint note has. All known log keys of the origin that signed, and
 * the quorum. */
struct tlog_verdict {
	struct checkpoint checkpoint;
	int log_ed25519, log_ecdsa;    /* lines of known log keys that hold */
	int witnesses;                 /* known witnesses whose lines hold */
	bool quorum;                   /* the policy's quorum is met */
	int64_t witnessed_s;           /* oldest cosignature that counts; 0: none */
};
/* 0 with *out where a log key of the policy (and of this origin) signed and no
 * known signature is wrong; quorum or not is in *out. CAMCA_EPOLICY,
 * CAMCA_EINVAL. */
CAMCA_MUST int tlog_policy_check(const struct tlog_policy *p, const void *note,
    size_t n, struct tlog_verdict *out, struct refusal *why);

#endif
