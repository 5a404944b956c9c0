/* SPDX-License-Identifier: Apache-2.0 */
/* The status of one certificate as the status feed carries it: a record of
 * fixed size, numbers big-endian, so that a page of them is checked by its
 * length and read without a parser:
 *   serial[20] issuer u32 status u8 reason u8 zero[2] revoked_s i64
 *   not_after_s i64 rev_seq i64 */
#ifndef CAMCA_BASE_STATUS_WIRE_H
#define CAMCA_BASE_STATUS_WIRE_H

#include <stdint.h>

#include "ca/base/err.h"

#define STATUS_WIRE_LEN 52
#define STATUS_WIRE_NO_REASON 255
/* For how long after it SENT a request whose answer said "this is all" a gate
 * may say good; and how much longer the authority counts, from its answer. */
#define STATUS_LEASE_MS 5000
#define STATUS_LEASE_MARGIN_MS 500

enum status_wire_status { STATUS_WIRE_GOOD, STATUS_WIRE_HOLD,
	STATUS_WIRE_REVOKED };

struct status_wire {
	uint8_t serial[20];            /* left-padded with zeros */
	uint32_t issuer;               /* issuer.id of the authority */
	uint8_t status;                /* enum status_wire_status */
	uint8_t reason;                /* CRLReason, or STATUS_WIRE_NO_REASON */
	int64_t revoked_s;             /* UTC since 1970, 0: never */
	int64_t not_after_s;
	int64_t rev_seq;               /* of the last change, 0: none */
};

/* Any thread. */
void status_wire_put(uint8_t out[static STATUS_WIRE_LEN],
    const struct status_wire *r);
/* CAMCA_EINVAL for a record that status_wire_put() never writes: status or
 * reason out of range, a good one with a reason or a date, another one without
 * a change, negative numbers, bytes that must be zero and are not. */
CAMCA_MUST int status_wire_get(struct status_wire *out,
    const uint8_t in[static STATUS_WIRE_LEN]);

#endif
