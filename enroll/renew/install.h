/* SPDX-License-Identifier: Apache-2.0 */
/* The working pair on disk. Key and certificate change together or not at all:
 *
 *   DIR/gen-000007/{key.pem|key.uri, cert.pem, chain.pem, fullchain.pem}
 *   DIR/current -> gen-000007    the one thing that switches, by rename(2)
 *   DIR/pending.pem              key of a request that is under way
 *   DIR/hook-done                generation that the hook has been told of
 *
 * Each file and folder is synced before something points to it, so that after
 * a power cut at any point `current` leads to a whole pair, old or new. */
#ifndef CAMCA_RENEW_INSTALL_H
#define CAMCA_RENEW_INSTALL_H

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ca/base/refusal.h"
#include "enroll/renew/keys.h"

struct install;

struct install_pair {
	unsigned generation;
	X509 *cert;
	STACK_OF(X509) *chain;    /* without leaf and root; may be empty */
	EVP_PKEY *key;
};

/* Makes dir where it is missing, takes its lock (freed with the process) and
 * sweeps up what a crash left. CAMCA_EBUSY where another process works in it,
 * CAMCA_EIO, CAMCA_EPERM, CAMCA_EFULL. */
CAMCA_MUST int install_open(struct install **out, const char *dir,
    struct refusal *why);
void install_close(struct install *in);
const char *install_dir(const struct install *in);

/* The current pair; where that does not load or does not match, the one before
 * it (under the current number), from which a renewal makes a whole one again.
 * src opens the key where the generation names a URI; it may be NULL.
 * CAMCA_ENOENT where nothing is installed, CAMCA_EINVAL where neither is whole.
 * Free with install_pair_fini(). */
CAMCA_MUST int install_load(const struct install *in,
    const struct keys_source *src, struct install_pair *out,
    struct refusal *why);
void install_pair_fini(struct install_pair *p);

/* The pending key: made durable before a request is sent, so that a crash
 * between the server's decision and install_switch() repeats the request with
 * the same key. CAMCA_ENOENT where there is none; a broken one is removed. */
CAMCA_MUST int install_pending_load(const struct install *in, EVP_PKEY **out);
CAMCA_MUST int install_pending_save(const struct install *in, EVP_PKEY *key);
CAMCA_MUST int install_pending_drop(const struct install *in);

/* Stores p as a new generation and points `current` at it; then keeps that and
 * the one before. With key_uri, that is stored instead of the key. Sets
 * p->generation. On failure the old pair stays current. */
CAMCA_MUST int install_switch(const struct install *in,
    struct install_pair *p, const char *key_uri, struct refusal *why);

/* The generation that the hook has finished for; 0 for none. */
unsigned install_hook_done(const struct install *in);
CAMCA_MUST int install_hook_set(const struct install *in, unsigned generation);

#endif
