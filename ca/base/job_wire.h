/* SPDX-License-Identifier: Apache-2.0 */
/* The words that camcad and a site agent share: kinds of jobs, their steps and
 * what can become of one. They are stored, logged and shown, so they never
 * change their meaning. */
#ifndef CAMCA_BASE_JOB_WIRE_H
#define CAMCA_BASE_JOB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum job_kind {
	JOB_ENROLL, JOB_RENEW, JOB_ROTATE, JOB_CRL, JOB_OBSERVE, JOB_RETIRE,
	JOB_KINDS
};

enum job_mode { JOB_APPLY, JOB_PLAN, JOB_ROLLBACK, JOB_MODES };

/* In the order in which a job takes them; each may be skipped. */
enum job_step {
	STEP_REACH,               /* connect, authenticate within the budget */
	STEP_CLOCK,               /* offset read, mended where it is far off */
	STEP_OBSERVE,             /* identity, capabilities, the "before" */
	STEP_KEY,                 /* key pair on the camera, status ok */
	STEP_CSR,                 /* request made by the camera, checked */
	STEP_CERTIFICATE,         /* EST */
	STEP_UPLOAD,              /* issuing CA and leaf are on the camera */
	STEP_PATH,                /* certification path */
	STEP_ASSIGN,              /* replaced or added, HTTPS on */
	STEP_TLS,                 /* the new leaf is the one that is served */
	STEP_ACCOUNT,             /* the service account exists and logs in */
	STEP_PASSWORD,            /* the pending password is set */
	STEP_PROVE,               /* the new one works, the old one fails */
	STEP_CRL,
	STEP_PROTOCOLS,           /* plain HTTP off, discovery off */
	STEP_COLLECT,             /* superseded path, certificate, key deleted */
	STEP_END,                 /* the "after" */
	JOB_STEPS
};

enum job_outcome { OUTCOME_DONE, OUTCOME_SKIPPED, OUTCOME_FAILED,
	JOB_OUTCOMES };

enum job_end { END_NOT_YET, END_SUCCESS, END_ROLLED_BACK, END_FAILED,
	END_PARKED, JOB_ENDS };

/* "enroll", "renew", "rotate-password", "push-crl", "observe", "retire". */
const char *job_kind_name(enum job_kind k);
const char *job_mode_name(enum job_mode m);
const char *job_step_name(enum job_step s);
const char *job_outcome_name(enum job_outcome o);
/* "", "success", "rolled-back", "failed", "parked". */
const char *job_end_name(enum job_end e);
/* The value with that name, -1 where there is none. */
int job_kind_parse(const char *name);
int job_mode_parse(const char *name);
int job_step_parse(const char *name);
int job_outcome_parse(const char *name);
int job_end_parse(const char *name);

/* Another place at a camera that an account's password opens. */
struct job_surface {
	bool rtsp;                /* its video, else a web page */
	uint16_t port;            /* of RTSP; 0: as the camera tells */
	const char *path;         /* from '/' on; points into the text */
};

/* "/web/login", "rtsp:/stream1" or "rtsp:8554/stream1"; false for others. */
bool job_surface_parse(const char *text, struct job_surface *out);

/* Sizes that both sides keep. */
#define JOB_BODY_MAX 262144            /* bytes of one JSON body */
#define JOB_OBSERVATION_MAX 131072     /* bytes of what was read there */
#define JOB_ACCOUNTS_MAX 16            /* of one camera, in one job */
#define JOB_TEXT_MAX 4096              /* of "before", "after", "detail" */
#define JOB_CODE_MAX 48                /* "camera.unreachable" */
#define JOB_LEASE_MAX 64               /* jobs in one answer */

#endif
