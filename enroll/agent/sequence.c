/* SPDX-License-Identifier: Apache-2.0 */
/* The order of steps is a safety property: clock, certificate, proof, then
 * passwords (never before TLS), plain HTTP off at last; the old path stays
 * until the new one is proven. There is one order, and each job takes the rows
 * of it that are marked for it. */
#include "enroll/agent/visit.h"

/* A kind of work, and only looking at what it would do. */
#define DO(kind) (1u << (kind))
#define PLAN(kind) (1u << (JOB_KINDS + (kind)))
/* Back to the certificate before; there is no way back from a password but
 * another rotation. */
#define BACK (1u << (2 * JOB_KINDS))

#define ENROLL DO(JOB_ENROLL)
#define RENEW DO(JOB_RENEW)
#define ROTATE DO(JOB_ROTATE)
#define CRL DO(JOB_CRL)
#define OBSERVE DO(JOB_OBSERVE)        /* only looks, in either mode */
#define RETIRE DO(JOB_RETIRE)
#define CERT (ENROLL | RENEW)
#define PLAN_CERT (PLAN(JOB_ENROLL) | PLAN(JOB_RENEW))
#define ALL (~0u)

static const struct visit_row sequence[] = {
	{ STEP_REACH, step_reach, ALL, false, false },
	{ STEP_CLOCK, step_clock, CERT, false, false },
	{ STEP_CLOCK, plan_clock, ROTATE | OBSERVE | PLAN_CERT |
	    PLAN(JOB_ROTATE), false, false },
	{ STEP_OBSERVE, step_observe, ALL, false, false },
	{ STEP_KEY, step_key, CERT, false, false },
	{ STEP_KEY, plan_key, PLAN_CERT, false, false },
	{ STEP_CSR, step_csr, CERT, false, false },
	{ STEP_CERTIFICATE, step_certificate, CERT, false, false },
	{ STEP_UPLOAD, step_upload, CERT, false, false },
	{ STEP_PATH, step_path, CERT, false, false },
	{ STEP_ASSIGN, step_assign, CERT, true, false },
	{ STEP_ASSIGN, plan_assign, PLAN_CERT, false, false },
	/* The factory's path first, then nothing of ours stays. */
	{ STEP_ASSIGN, step_assign_away, RETIRE, true, false },
	{ STEP_ASSIGN, plan_back, PLAN(JOB_RETIRE), false, false },
	{ STEP_ASSIGN, step_assign_back, BACK, true, false },
	{ STEP_TLS, step_tls, CERT, false, false },
	{ STEP_TLS, step_tls_back, RETIRE | BACK, false, false },
	{ STEP_ACCOUNT, step_account, ENROLL, false, false },
	{ STEP_ACCOUNT, plan_account, PLAN(JOB_ENROLL), false, false },
	{ STEP_PASSWORD, step_password, ENROLL | ROTATE, false, true },
	{ STEP_PASSWORD, plan_password, PLAN(JOB_ENROLL) | PLAN(JOB_ROTATE),
	    false, false },
	{ STEP_CRL, step_crl, ENROLL | CRL, false, false },
	{ STEP_CRL, plan_crl, PLAN(JOB_ENROLL) | PLAN(JOB_CRL), false, false },
	{ STEP_PROTOCOLS, step_protocols, ENROLL, false, false },
	{ STEP_PROTOCOLS, plan_protocols, PLAN(JOB_ENROLL), false, false },
	{ STEP_COLLECT, step_collect, CERT, false, false },
	{ STEP_COLLECT, plan_collect, PLAN_CERT, false, false },
	{ STEP_COLLECT, step_collect_all, RETIRE, false, false },
	{ STEP_END, step_end, ALL, false, false }
};

#define SEQUENCE_ROWS (sizeof sequence / sizeof sequence[0])

/* The bit of this kind in this mode; 0: there is no such job. */
static unsigned
sequence_bit(enum job_kind kind, enum job_mode mode)
{
	if (mode == JOB_APPLY || kind == JOB_OBSERVE)
		return mode == JOB_ROLLBACK ? 0 : DO(kind);
	if (mode == JOB_PLAN)
		return PLAN(kind);
	return kind == JOB_ENROLL || kind == JOB_RENEW ? BACK : 0;
}

const struct visit_row *
visit_next(enum job_kind kind, enum job_mode mode, const struct visit_row *r)
{
	unsigned bit = sequence_bit(kind, mode);

	for (r = r == NULL ? sequence : r + 1; r < sequence + SEQUENCE_ROWS;
	    r++)
		if ((r->jobs & bit) != 0)
			return r;
	return NULL;
}
