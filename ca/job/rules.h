/* SPDX-License-Identifier: Apache-2.0 */
/* policies/rules/jobs.yaml: how often and when site agents visit cameras. */
#ifndef CAMCA_JOB_RULES_H
#define CAMCA_JOB_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

#define JOB_NTP_MAX 4
#define JOB_PATHS_MAX 8
#define JOB_LABELS_MAX 8

/* When cameras of a level may be disturbed; local time of job_rules. */
struct job_window {
	bool any;                      /* day and night */
	int64_t from_min, to_min;      /* of the day; to <= from: past midnight */
	unsigned days;                 /* bit 0 Monday … bit 6 Sunday: of its
	                                * beginning */
};

struct job_level {
	int64_t rotate_every_ms;       /* each: 0 never */
	int64_t observe_every_ms;
	int64_t crl_every_ms;
	int64_t renew_at;              /* percent of a certificate's life */
	struct job_window window;
	int64_t jitter_ms;             /* spread over so long, by device */
	bool http_off, discovery_off;  /* at the end of enroll */
	bool require_client_cert;
};

enum job_fallback { FALLBACK_NONE, FALLBACK_WATCH, FALLBACK_HOLD,
	JOB_FALLBACKS };

struct job_rules {
	int64_t version;               /* 0: there is no file */
	int64_t offset_min;            /* local time is so far east of UTC */
	struct job_level levels[5];    /* index level - 1 */
	int64_t lease_ms;
	int64_t attempts;              /* leases until a job has failed */
	int64_t pause_ms;              /* between certificate and password */
	int64_t keep_ms;               /* finished jobs and their steps */
	int64_t retry_after_ms;        /* the clock tries again after a failure */
	int64_t batch;                 /* of a series leased at once a site */
	int64_t stop_after;            /* failures in a row; 0: never */
	int64_t login_budget;          /* failed logins at one camera ... */
	int64_t login_window_ms;       /* ... within so long; 0: a visit */
	int64_t tls_wait_ms, password_wait_ms;
	int64_t clock_off_ms;          /* more is a finding */
	bool try_factory;              /* a maker's password, on observe */
	int fallback;                  /* enum job_fallback */
	char service_account[65];      /* "": none of our own */
	char ntp[JOB_NTP_MAX][254];
	size_t ntps;
	char path[JOB_PATHS_MAX][129]; /* further places a password opens */
	size_t paths;
	char label[JOB_LABELS_MAX][65];/* EST labels in order of preference */
	size_t labels;
};

/* Strict: every key is required, an unknown one refused. Where there is no such
 * file (a policy folder of an older version) the values that the shipped one
 * has are in force. CAMCA_EINVAL, error "file:line: why". */
CAMCA_MUST int job_rules_load(struct job_rules *out, const char *path,
    char *error, size_t error_len);
/* The values of the shipped file, version 0. */
void job_rules_shipped(struct job_rules *out);

/* "22:00-04:00" or "any". CAMCA_EINVAL; a window of no length is none. */
CAMCA_MUST int job_window_parse(const char *text, struct job_window *out);
/* "+07:00", "-03:30", "Z": minutes east of UTC. CAMCA_EINVAL. */
CAMCA_MUST int job_offset_parse(const char *text, int64_t *out);
/* Is it open at now_ms? */
bool job_window_open(const struct job_window *w, int64_t offset_min,
    int64_t now_ms);
/* The first moment at which it is open, from at_ms on. */
int64_t job_window_next(const struct job_window *w, int64_t offset_min,
    int64_t at_ms);
/* How long it is open each time; a day where it always is. */
int64_t job_window_length(const struct job_window *w);

#endif
