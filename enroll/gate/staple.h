/* SPDX-License-Identifier: Apache-2.0 */
/* The status of the gate's own certificate, stapled to its TLS handshakes (RFC
 * 6066 section 8): cameras that ask nobody see it all the same. */
#ifndef CAMCA_GATE_STAPLE_H
#define CAMCA_GATE_STAPLE_H

#include <gnutls/gnutls.h>
#include <stdatomic.h>

#include "enroll/gate/ident.h"
#include "enroll/ocsp/responder.h"

struct staples;

/* One answer; constant once made, counted. */
struct staple {
	atomic_uint refs;
	struct ident_pair *pair;     /* whose certificate it is, counted */
	struct prepared_about about;
	int64_t next_s;
	gnutls_ocsp_data_st data;    /* for GnuTLS; points to der */
	struct buf der;
};

/* Both are borrowed. CAMCA_ENOMEM. */
CAMCA_MUST int staples_new(struct staples **out, struct responder *r,
    struct ident *id);
/* After upstream_stop(). NULL is fine. */
void staples_free(struct staples *s);
/* A new answer where the certificate is a new one, or the answer has some age;
 * never waits. One thread. */
void staples_tick(struct staples *s, int64_t mono_ms);
/* The answer to staple to this pair's certificate, counted; NULL where there is
 * none that is true now. Any thread. */
struct staple *staples_take(struct staples *s, const struct ident_pair *pair);
void staple_free(struct staple *st);           /* drops one count */

#endif
