/* SPDX-License-Identifier: Apache-2.0 */
/* The status of every certificate, in the gate's memory. The feed's thread
 * writes it, the listener's threads read it; no lookup waits for a socket. */
#ifndef CAMCA_OCSP_TABLE_H
#define CAMCA_OCSP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/status_wire.h"

enum status_value { STATUS_UNKNOWN, STATUS_GOOD, STATUS_HOLD, STATUS_REVOKED };

struct status {
	enum status_value value;
	uint8_t reason;                /* CRLReason, STATUS_WIRE_NO_REASON */
	int64_t revoked_s;             /* UTC, 0: never */
	int64_t not_after_s;
	int64_t rev_seq;
	uint32_t version;              /* another one after each change */
};

struct table;

/* An empty table that is not loaded. CAMCA_ENOMEM. */
CAMCA_MUST int table_new(struct table **out);
/* No other thread uses it any more. NULL is fine. */
void table_free(struct table *t);

/* ---- readers: any thread ---- */
/* True where the certificate is known, and then *out says its status; else
 * out->value is STATUS_UNKNOWN. What it says is the newest state that the feed
 * has brought, but "good" may be said only while table_may_say_good(): the
 * caller asks for that AFTER this, or the lease may end in between. Expired
 * certificates stay until the feed says that they may be forgotten (a day and
 * the retention after their end). */
bool table_lookup(struct table *t, uint32_t issuer, const uint8_t serial[20],
    struct status *out);
/* Has the feed brought everything at least once? Before that an unknown
 * certificate says nothing: tryLater. */
bool table_loaded(const struct table *t);
/* Is what the table holds the authority's state of now, as far as that is
 * promised to operators? now_ms is uptime_ms(). False: tryLater instead of
 * good, and instead of unknown too, for a certificate just issued. */
bool table_may_say_good(const struct table *t, int64_t now_ms);
/* Around each answer: table_enter() before the first lookup for it, and
 * table_leave() with what that returned once the answer was sent or dropped
 * (MHD's NOTIFY_COMPLETED). The feed waits for them before it confirms a
 * change, so that no older answer is still on its way then. */
unsigned table_enter(struct table *t);
void table_leave(struct table *t, unsigned epoch);

/* ---- the feed's thread ---- */
/* Adds or changes one certificate. An older record (lower rev_seq) changes
 * nothing. CAMCA_ENOMEM: this certificate is not in the table now. */
CAMCA_MUST int table_put(struct table *t, const struct status_wire *r);
/* From here table_put() fills a new table beside the one that is read, and
 * nobody may say good; twice in a row begins anew. CAMCA_ENOMEM. */
CAMCA_MUST int table_load_begin(struct table *t);
/* The new one takes the place of the old one; the table is loaded. Fine where
 * none was begun. */
void table_load_end(struct table *t);
/* Until when "good" may be said, uptime_ms(); 0: not any more. */
void table_lease(struct table *t, int64_t until_ms);
/* Waits until all answers are gone that were entered before this call. False
 * where some are left after timeout_ms. */
CAMCA_MUST bool table_quiesce(struct table *t, int timeout_ms);
/* Forgets certificates that ended before before_s, in one 64th of the table,
 * another one each time. How many went. */
size_t table_sweep(struct table *t, int64_t before_s);
/* Certificates in it, and bytes of memory that it takes. Any thread. */
size_t table_count(struct table *t);
size_t table_bytes(struct table *t);

#endif
