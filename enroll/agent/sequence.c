/* SPDX-License-Identifier: Apache-2.0 */
/* The order of steps is a safety property: clock, certificate, proof, then
 * passwords (never before TLS), plain HTTP off at last; the old path stays
 * until the new one is proven. */
#include "enroll/agent/visit.h"

static const struct visit_row sequence_enroll[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, step_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_KEY, step_key, false, false },
	{ STEP_CSR, step_csr, false, false },
	{ STEP_CERTIFICATE, step_certificate, false, false },
	{ STEP_UPLOAD, step_upload, false, false },
	{ STEP_PATH, step_path, false, false },
	{ STEP_ASSIGN, step_assign, true, false },
	{ STEP_TLS, step_tls, false, false },
	{ STEP_ACCOUNT, step_account, false, false },
	{ STEP_PASSWORD, step_password, false, true },
	{ STEP_CRL, step_crl, false, false },
	{ STEP_PROTOCOLS, step_protocols, false, false },
	{ STEP_COLLECT, step_collect, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_renew[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, step_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_KEY, step_key, false, false },
	{ STEP_CSR, step_csr, false, false },
	{ STEP_CERTIFICATE, step_certificate, false, false },
	{ STEP_UPLOAD, step_upload, false, false },
	{ STEP_PATH, step_path, false, false },
	{ STEP_ASSIGN, step_assign, true, false },
	{ STEP_TLS, step_tls, false, false },
	{ STEP_COLLECT, step_collect, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_rotate[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, plan_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_PASSWORD, step_password, false, true },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_crl[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_CRL, step_crl, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_observe[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, plan_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

/* The factory's path first, then nothing of ours stays. */
static const struct visit_row sequence_retire[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_ASSIGN, step_assign_away, true, false },
	{ STEP_TLS, step_tls_back, false, false },
	{ STEP_COLLECT, step_collect_all, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_back[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_ASSIGN, step_assign_back, true, false },
	{ STEP_TLS, step_tls_back, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

/* ---- only looking ---- */

static const struct visit_row sequence_plan_enroll[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, plan_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_KEY, plan_key, false, false },
	{ STEP_ASSIGN, plan_assign, false, false },
	{ STEP_ACCOUNT, plan_account, false, false },
	{ STEP_PASSWORD, plan_password, false, false },
	{ STEP_CRL, plan_crl, false, false },
	{ STEP_PROTOCOLS, plan_protocols, false, false },
	{ STEP_COLLECT, plan_collect, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_plan_renew[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, plan_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_KEY, plan_key, false, false },
	{ STEP_ASSIGN, plan_assign, false, false },
	{ STEP_COLLECT, plan_collect, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_plan_rotate[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_CLOCK, plan_clock, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_PASSWORD, plan_password, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_plan_crl[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_CRL, plan_crl, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

static const struct visit_row sequence_plan_retire[] = {
	{ STEP_REACH, step_reach, false, false },
	{ STEP_OBSERVE, step_observe, false, false },
	{ STEP_ASSIGN, plan_back, false, false },
	{ STEP_END, step_end, false, false },
	{ JOB_STEPS, NULL, false, false }
};

const struct visit_row *
visit_sequence(enum job_kind kind, enum job_mode mode)
{
	static const struct visit_row *const table[JOB_KINDS][JOB_MODES] = {
		[JOB_ENROLL] = { sequence_enroll, sequence_plan_enroll,
		    sequence_back },
		[JOB_RENEW] = { sequence_renew, sequence_plan_renew,
		    sequence_back },
		/* There is no way back from a password but another rotation. */
		[JOB_ROTATE] = { sequence_rotate, sequence_plan_rotate, NULL },
		[JOB_CRL] = { sequence_crl, sequence_plan_crl, NULL },
		[JOB_OBSERVE] = { sequence_observe, sequence_observe, NULL },
		[JOB_RETIRE] = { sequence_retire, sequence_plan_retire, NULL },
	};

	return table[kind][mode];
}
