/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of ca/vault share. */
#ifndef CAMCA_VAULT_VAULT_INT_H
#define CAMCA_VAULT_VAULT_INT_H

#include <pthread.h>

#include "ca/vault/vault.h"

struct vault {
	struct vault_conf conf;
	pthread_mutex_t lock;            /* taken to set the two below, once */
	struct hsm_key *key;             /* NULL: not open yet */
	X509 *cert;                      /* names it; there before key is */
};

/* What a sealed password says of itself; borrowed. */
struct vault_sealed {
	const char *device, *username;
	const uint8_t *uid;              /* VAULT_UID_LEN */
};
/* The password for this account as DER; the caller frees it. Errors of
 * vault_ready and seal_to. */
CAMCA_MUST int vault_seal(struct vault *v, const struct vault_sealed *s,
    const char *password, struct store_blob *out, struct refusal *why);

#endif
