/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of failed logins at a camera. A camera counts failures whatever
 * visit or job they came from, and locks the account at some number of them; so
 * camcad counts, too, over all of them: each visit is granted what is left
 * within login_window of the last failure. Until the agent tells how many it
 * needed, all that it was granted counts as used: a killed agent tells nothing.
 *
 * All of these run inside a transaction of the caller and may run again. */
#ifndef CAMCA_JOB_LOGIN_H
#define CAMCA_JOB_LOGIN_H

#include "ca/job/job.h"

#define LOGIN_MIN 2                    /* a visit needs as many */

struct login_left {
	int64_t left;                  /* logins that may fail now; 0: wait */
	int64_t again_ms;              /* else 0: the whole budget is free */
	struct login_row row;          /* as of now, for login_grant() */
};
CAMCA_MUST int login_left(struct tx *tx, int64_t device, int64_t now_ms,
    const struct job_rules *rules, struct login_left *out);
/* The visit of this job gets them all; in the transaction that asked. */
CAMCA_MUST int login_grant(struct tx *tx, int64_t job,
    const struct login_left *l);
/* A waiting job waits on until again_ms, and says why. */
CAMCA_MUST int login_wait(struct tx *tx, struct job_row *r, int64_t now_ms,
    int64_t again_ms);
/* The visit of r is over and told how many failed; below 0: it did not tell.
 * proven: it ended well and has logged in with every password of the camera,
 * where cameras begin to count anew. Nothing happens where another visit has
 * been granted something since. */
CAMCA_MUST int login_settle(struct tx *tx, const struct job_row *r,
    int64_t failed, bool proven, int64_t now_ms,
    const struct job_rules *rules);
/* Somebody has looked at the camera: what was counted is forgotten, but for a
 * visit that is under way. */
CAMCA_MUST int login_forgive(struct tx *tx, int64_t device);

#endif
