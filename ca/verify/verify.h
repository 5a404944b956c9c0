/* SPDX-License-Identifier: Apache-2.0 */
/* Checks an evidence bundle, without a network, a clock or any file but those
 * that it is given: does this record hold by itself, and against keys that the
 * reader has from elsewhere? One thread an object. */
#ifndef CAMCA_VERIFY_VERIFY_H
#define CAMCA_VERIFY_VERIFY_H

#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/verify/files.h"
#include "ca/verify/report.h"

struct verify_conf {
	enum report_lang lang;
	/* What the reader trusts, borrowed; NULL: the bundle's own, which is
	 * said in the report. */
	const struct buf *policy;      /* tlog-policy text */
	const struct buf *trust;       /* PEM, roots of the authority */
	const struct buf *tsa;         /* PEM, roots of time-stamping */
	bool as_of;                    /* a question about as_of_ms, too */
	int64_t as_of_ms;
};
struct verify;

/* CAMCA_ENOMEM. conf is copied, what it points to outlives the object. */
CAMCA_MUST int verify_new(struct verify **out, const struct verify_conf *conf);
void verify_free(struct verify *v);    /* NULL is fine */
/* Once an object. 0: everything holds; CAMCA_EPOLICY: something is wrong, and
 * the report's last item says what; CAMCA_ENOMEM, CAMCA_ECRYPTO: could not be
 * checked. f outlives the object. */
CAMCA_MUST int verify_run(struct verify *v, const struct files *f);
/* Instead of verify_run(), where the files could not even be read: says so.
 * Returns CAMCA_EPOLICY, or err where that is lack of memory. */
CAMCA_MUST int verify_unreadable(struct verify *v, int err,
    const struct refusal *why);
const struct report *verify_report(const struct verify *v);

/* ---- print.c: for people, for programs; title is the bundle's name ---- */
void verify_print(FILE *out, const struct verify *v, const char *title);
void verify_print_json(FILE *out, const struct verify *v, const char *title);

#endif
