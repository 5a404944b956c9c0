/* SPDX-License-Identifier: Apache-2.0 */
/* The EST operations (RFC 7030 section 4) as a client sees them. */
#ifndef CAMCA_RENEW_EST_H
#define CAMCA_RENEW_EST_H

#include <openssl/x509.h>

#include "ca/base/refusal.h"
#include "enroll/renew/conn.h"
#include "enroll/renew/csr.h"
#include "enroll/renew/csrattrs.h"

/* Initialise with {0} and conn's fields; finish with est_close(). */
struct est {
	struct conn_config conn_config;
	const char *auth;         /* base64 of "user:secret" or NULL; sent only
	                             with enroll requests */
	struct conn *conn;        /* private */
};

void est_close(struct est *e);

/* GET /cacerts. The caller frees the bag. Works on an unauthenticated
 * connection too (conn_config.trust NULL); what it gives is then a rumour. */
CAMCA_MUST int est_cacerts(struct est *e, STACK_OF(X509) **out,
    struct refusal *why);
/* GET /csrattrs. A server that has none (204, 404, 501) leaves out empty; so
 * does one that wants a login first (401). out wants csrattrs_fini(). */
CAMCA_MUST int est_csrattrs(struct est *e, struct csrattrs *out,
    struct refusal *why);
/* POST /simpleenroll or, with again, /simplereenroll, on a connection of its
 * own: a channel binding must not serve twice (RFC 9266 4.1). 0: *leaf_out is
 * the certificate for key, the caller's, and *bag_out everything that came
 * with it. CAMCA_EPENDING (202), CAMCA_EBUSY (408, 429, 5xx): why has
 * retry_after_s, 0 where the server named none. CAMCA_EPOLICY: refused, why
 * has the server's status and words. CAMCA_EPROTO: another certificate. */
CAMCA_MUST int est_enroll(struct est *e, bool again, struct csr_spec *spec,
    EVP_PKEY *key, X509 **leaf_out, STACK_OF(X509) **bag_out,
    struct refusal *why);
/* RFC 7030 3.7: a registration authority posts another's request (DER), made
 * elsewhere by the key whose public half is pub. Carries no channel binding:
 * who made it knows nothing of this connection. Otherwise as est_enroll(). */
CAMCA_MUST int est_enroll_for(struct est *e, const struct buf *csr,
    EVP_PKEY *pub, X509 **leaf_out, STACK_OF(X509) **bag_out,
    struct refusal *why);

#endif
