/* SPDX-License-Identifier: Apache-2.0 */
/* The status file: what a supervisor reads, and what the next run remembers. */
#ifndef CAMCA_RENEW_STATE_H
#define CAMCA_RENEW_STATE_H

#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "ca/base/refusal.h"

/* Exit codes of camca-renew; also written to the status file. */
enum renew_exit {
	RENEW_DONE = 0,           /* done, or nothing is due */
	RENEW_USAGE = 2,          /* options or configuration are wrong */
	RENEW_TRUST = 3,          /* server not authenticated, no anchor */
	RENEW_REFUSED = 4,        /* the server said no */
	RENEW_PENDING = 5,        /* the server will decide later (202) */
	RENEW_RETRY = 6,          /* temporary: network, 5xx, clock, lock */
	RENEW_INSTALL = 7,        /* key or certificate not made or stored */
	RENEW_HOOK = 8,           /* installed, but the hook failed */
	RENEW_ANSWER = 9          /* the server's answer is broken or wrong */
};

#define STATE_SERIAL_MAX 48

struct state {
	enum renew_exit exit_code;
	unsigned generation;      /* 0: no pair */
	char serial[STATE_SERIAL_MAX];   /* hexadecimal */
	int64_t not_before_ms;    /* 0: unknown, here and below */
	int64_t not_after_ms;
	int64_t renew_at_ms;
	int64_t next_attempt_ms;
	unsigned failures;        /* tries in a row that did not succeed */
	int64_t updated_ms;
	char last_error[REFUSAL_DETAIL_MAX];
};

/* One word for a code: "ok", "pending", "retry"... Static memory. */
const char *state_word(enum renew_exit code);
/* Reads "key: value" lines. Unknown keys are passed over; a line that cannot
 * be read gives CAMCA_EINVAL, and out is then all zero: the file is a memory
 * aid, not a source of truth. */
CAMCA_MUST int state_parse(struct state *out, const struct buf *text);
CAMCA_MUST int state_format(struct buf *out, const struct state *st);
/* dir/status, read and atomically replaced. A missing or broken file reads as
 * all zero. */
void state_load(struct state *out, const char *dir);
CAMCA_MUST int state_save(const struct state *st, const char *dir);

#endif
