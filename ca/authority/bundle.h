/* SPDX-License-Identifier: Apache-2.0 */
/* An evidence bundle being made for one connection: what changes by the minute
 * (checkpoint, CRLs, OCSP answers, time-stamps) is taken at once and fits
 * together; events, proofs and certificates never change and are read while they
 * are sent. */
#ifndef CAMCA_AUTHORITY_BUNDLE_H
#define CAMCA_AUTHORITY_BUNDLE_H

#include "ca/authority/authority.h"

struct bundle;

/* Takes what is needed: all of the device's events that are committed now, under
 * one checkpoint that has the policy's quorum. Waits some seconds for signer,
 * witnesses and CRLs; with timestamp, for the TSAs too. The caller frees *out.
 * 404 "device.unknown", 503 "custody.behind", "custody.unwitnessed",
 * "custody.timestamp", 413 "custody.bundle" and what signer, HSM and store
 * refuse, in c->why. */
CAMCA_MUST int bundle_make(struct op_call *c, const char *device,
    bool timestamp, struct bundle **out);
/* NULL is fine. Before authority_close(). */
void bundle_free(struct bundle *b);
/* Appends the next files, or parts of one, to list: {"name","offset","data",
 * "more"}; *done_out at the end. One thread at a time. */
CAMCA_MUST int bundle_page(struct bundle *b, json_t *list, bool *done_out);
const char *bundle_device(const struct bundle *b);
const char *bundle_origin(const struct bundle *b);
int64_t bundle_size(const struct bundle *b);

#endif
