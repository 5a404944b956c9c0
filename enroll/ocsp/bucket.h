/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures cost: how many one address may cause per second. */
#ifndef CAMCA_OCSP_BUCKET_H
#define CAMCA_OCSP_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/client.h"
#include "ca/base/ctx.h"

struct bucket;

/* rate tokens a second for each of about addresses of them; a burst is what a
 * second brings. Older addresses give way, and then begin with a full bucket:
 * memory stays bounded whoever knocks. CAMCA_ENOMEM, CAMCA_ECRYPTO. */
CAMCA_MUST int bucket_new(struct bucket **out, const struct camca_ctx *ctx,
    size_t addresses, int64_t rate);
void bucket_free(struct bucket *b);
/* Takes one token: false where there is none. mono_ms is monotonic. Any
 * thread. */
bool bucket_take(struct bucket *b, const struct client_key *key,
    int64_t mono_ms);

#endif
