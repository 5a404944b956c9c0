/* SPDX-License-Identifier: Apache-2.0 */
/* When is which job due? Pure arithmetic over what the store says. */
#ifndef CAMCA_JOB_PLAN_H
#define CAMCA_JOB_PLAN_H

#include "ca/base/job_wire.h"
#include "ca/job/rules.h"
#include "ca/store/store_job.h"

struct plan {
	const char *device;            /* id: gives the device its place */
	const struct job_rules *rules;
	const struct job_level *level;
	int64_t now_ms;
	bool held;                     /* device on hold: not renewed */
	int64_t not_before_ms, not_after_ms; /* its certificate; 0: none */
	struct job_last_row last[JOB_KINDS];
	int64_t password_ms;           /* of the account asked about; 0: none */
	bool compromised;              /* it is: due now, at any hour */
};

/* The moment from which the job is due, INT64_MAX: never. For JOB_RENEW,
 * JOB_ROTATE, JOB_CRL, JOB_OBSERVE; others are never due by themselves. */
int64_t plan_due(const struct plan *p, enum job_kind kind);
/* A due one may begin from here on: the window of the level, each device at its
 * place in it. Looking disturbs nobody and has no window; a certificate in the
 * last tenth of its life does not wait for one. */
int64_t plan_start(const struct plan *p, enum job_kind kind, int64_t due_ms);
/* Is the certificate in the last tenth of its life? */
bool plan_urgent(const struct plan *p);
/* A password from before this moment should have been rotated by now: its level
 * wants it, and the window has been open since. 0: the level wants nothing. */
int64_t plan_stale_before(const struct job_level *level, int64_t now_ms);
/* 0 .. range_ms - 1, the same each time for a device and kind; 0 where the
 * range is 0. */
int64_t plan_jitter(const char *device, enum job_kind kind, int64_t range_ms);

#endif
