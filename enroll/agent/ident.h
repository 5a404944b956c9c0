/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own key and certificate, all it keeps at rest: got by EST with
 * the one-time secret, renewed as camca-renew does, in DIR/identity. */
#ifndef CAMCA_AGENT_IDENT_H
#define CAMCA_AGENT_IDENT_H

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "ca/base/refusal.h"
#include "enroll/agent/settings.h"
#include "enroll/renew/url.h"

/* One pair, as it was when somebody began to use it. */
struct ident {
	atomic_uint refs;
	unsigned generation;
	X509 *cert;
	STACK_OF(X509) *chain;    /* issuers sent with it; may be empty */
	EVP_PKEY *key;
	X509_STORE *trust;        /* whom the gate must be vouched for by */
	char cert_path[PATH_MAX]; /* of this generation, not of "current" */
	char key_path[PATH_MAX];
	char trust_path[PATH_MAX];
};

struct keeper;

/* Enrolls where nothing is installed, then keeps the pair fresh in a thread of
 * its own. The settings outlive it. CAMCA_EAUTH, CAMCA_EIO with why where
 * there is no pair to work with. */
CAMCA_MUST int keeper_open(struct keeper **out,
    const struct agent_settings *s, struct refusal *why);
void keeper_close(struct keeper *k);
/* The pair of now, the caller's until ident_free(). Never NULL. Any thread. */
struct ident *keeper_ident(struct keeper *k);
void ident_free(struct ident *id);
/* Another thread asks for a look at the pair now (it may be refused because it
 * is old). Any thread. */
void keeper_nudge(struct keeper *k);
/* A person asks: the secret's file is read again, and what waits after a
 * failure is tried at once. Any thread. */
void keeper_now(struct keeper *k);

#endif
