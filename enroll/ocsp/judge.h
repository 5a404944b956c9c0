/* SPDX-License-Identifier: Apache-2.0 */
/* From CertIDs to statuses: what may be said about whom, and with which times.
 * For responder.c. */
#ifndef CAMCA_OCSP_JUDGE_H
#define CAMCA_OCSP_JUDGE_H

#include "ca/base/ocsp_data.h"
#include "enroll/ocsp/answer.h"
#include "enroll/ocsp/issuers.h"
#include "enroll/ocsp/prepared.h"
#include "enroll/ocsp/request.h"
#include "enroll/ocsp/table.h"

/* How much earlier than now answers begin, for cameras whose clocks lag. */
#define JUDGE_SKEW_S 300

enum judge_verdict { JUDGE_SAME, JUDGE_CHANGED, JUDGE_NOT_NOW };

/* Looks each CertID up: about[i] for ids[i]. ANSWER_SIGNED: all can be answered
 * with one signature. ANSWER_UNAUTHORIZED: a hash or issuer that is not ours,
 * several issuers (one signature speaks for one CA only), or a serial that was
 * never issued, unless unissued_revoked. ANSWER_TRY_LATER: the table does not
 * know now. Inside table_enter(). Any thread. */
enum answer_status judge_request(struct table *t, const struct issuers *l,
    const struct ocsp_request *req, bool unissued_revoked,
    struct prepared_about *about);

/* Does the table say the same now? */
enum judge_verdict judge_again(struct table *t,
    const struct prepared_about *about);

struct judge_times {
	int64_t now_s;
	int64_t life_s;
	int64_t retention_s;
	int64_t end_s;               /* of the signer's certificate */
};
/* What the answer says: singles with their times, nonce, extendedRevoke. The
 * ids are borrowed from req. */
void judge_fill(struct ocsp_data *out, const struct prepared_about *about,
    const struct ocsp_request *req, const struct judge_times *t);

#endif
