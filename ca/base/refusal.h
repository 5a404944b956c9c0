/* SPDX-License-Identifier: Apache-2.0 */
/* Why something was refused: one HTTP status, the name of the rule, and one
 * clear sentence. Travels from the rule to the client, the log and the event. */
#ifndef CAMCA_BASE_REFUSAL_H
#define CAMCA_BASE_REFUSAL_H

#include "ca/base/err.h"

#define REFUSAL_CODE_MAX 64
#define REFUSAL_DETAIL_MAX 512

struct refusal {
	int http;                         /* 400..599; 0 = nothing refused */
	int retry_after_s;                /* > 0: Retry-After, delta-seconds */
	char code[REFUSAL_CODE_MAX];      /* "policy.provenance-missing" */
	char detail[REFUSAL_DETAIL_MAX];  /* one sentence, UTF-8, no controls */
};

/* Fills why (may be NULL) and returns err, so that a rule is one line:
 *   return refuse(why, CAMCA_EPOLICY, 403, "est.label", "no label %s", l);
 * err is a negative camca_err. Control characters and bytes that are not
 * UTF-8 are replaced by '?'. No secrets in fmt's arguments. Any thread. */
int refuse(struct refusal *why, int err, int http, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Default refusal for an error value that no rule has described: EHSM, EDB,
 * EBUSY, ENOMEM, EFULL, EIO give 503 and a Retry-After; ENOENT 404; EINVAL
 * 400; the rest 500. Does nothing where why->http is set. Returns err. */
int refuse_default(struct refusal *why, int err);

/* Replaces control characters and invalid UTF-8 in s by '?', in place. */
void refusal_sanitize(char *s);

#endif
