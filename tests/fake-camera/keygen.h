/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are made beside the requests, as cameras do it. */
#ifndef FAKE_KEYGEN_H
#define FAKE_KEYGEN_H

#include <openssl/evp.h>
#include <stdint.h>

#include "tests/fake-camera/camera.h"

/* Starts the workers. pool > 0: at most so many keys of each kind are made,
 * then they are handed out again, to other cameras first. min_ms: no key is
 * ready sooner than that. 0 or a negative camca_err. */
CAMCA_MUST int keygen_start(unsigned pool, int64_t min_ms);
/* Ends the workers; keys not made yet stay as they are. */
void keygen_stop(void);
/* Sets off the making of a key for the slot; the camera is locked. bits > 0:
 * RSA, otherwise the curve. False where the queue is full. */
bool keygen_order(struct camera *cam, struct key *k, unsigned bits,
    const char *curve);
/* A key at once; NULL on failure. */
EVP_PKEY *keygen_now(unsigned bits, const char *curve);

#endif
