/* SPDX-License-Identifier: Apache-2.0 */
/* Trust anchors: where they come from first, and how a new root of the same CA
 * joins them (RFC 7030 section 4.1.3, RFC 4210 section 4.4). */
#ifndef CAMCA_RENEW_TRUST_H
#define CAMCA_RENEW_TRUST_H

#include <openssl/x509.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define TRUST_ANCHORS_MAX 16

/* "sha256:HEX" (colons between bytes allowed) into 32 bytes. CAMCA_EINVAL. */
CAMCA_MUST int trust_fingerprint_parse(uint8_t out[static 32],
    const char *text, struct refusal *why);

/* Appends the self-signed CA certificates of a PEM file to anchors; those that
 * are there already are passed over. CAMCA_ENOENT without the file,
 * CAMCA_EINVAL where nothing in it can be an anchor or it is malformed,
 * CAMCA_ELIMIT past TRUST_ANCHORS_MAX. */
CAMCA_MUST int trust_add_file(STACK_OF(X509) *anchors, const char *path,
    struct refusal *why);

/* Bootstrap: appends the root of bag whose SHA-256 is pin. The bag came over a
 * connection that nobody vouched for; the pin is what vouches. CAMCA_EAUTH
 * where it is not there. */
CAMCA_MUST int trust_add_pinned(STACK_OF(X509) *anchors,
    STACK_OF(X509) *bag, const uint8_t pin[static 32], struct refusal *why);

/* Rollover: appends each new root of bag that a present anchor vouches for by
 * a NewWithOld certificate: the new key under the same CA name, signed by the
 * anchor. Repeats, so that several generations may be caught up with. Returns
 * how many were added, or a negative error. */
CAMCA_MUST int trust_follow(STACK_OF(X509) *anchors, STACK_OF(X509) *bag,
    int64_t now_ms);

/* A store that trusts anchors and nothing else. The caller frees it.
 * CAMCA_ENOMEM. */
CAMCA_MUST int trust_store(X509_STORE **out, const STACK_OF(X509) *anchors);

/* Does leaf chain up to an anchor at now_ms? helpers are certificates to build
 * the path with; nothing in them is trusted, self-signed or not. *chain_out:
 * the certificates between leaf and root, in order, the caller's. CAMCA_EAUTH
 * and why. */
CAMCA_MUST int trust_verify(STACK_OF(X509) **chain_out,
    const STACK_OF(X509) *anchors, STACK_OF(X509) *helpers, X509 *leaf,
    int64_t now_ms, struct refusal *why);

#endif
