/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs OCSP answers: for each CA key a certificate of its own, issued
 * directly by that key (RFC 6960 4.2.2.2), renewed at half of its life. Each
 * comes with a new private key, so that a stolen one is worth no more than its
 * certificate's week. With ocsp.signer hsm the key lies in camcad's HSM. */
#ifndef CAMCA_OCSP_SIGNER_H
#define CAMCA_OCSP_SIGNER_H

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/config.h"
#include "ca/base/ctx.h"
#include "enroll/gate/upstream.h"
#include "enroll/ocsp/issuers.h"

#define SIGNER_SIG_MAX 80            /* P-256 in DER has at most 72 */

struct signer;

/* One certificate; constant once made, counted. */
struct signer_cert {
	atomic_uint refs;
	EVP_PKEY *key;               /* NULL: in the HSM, see "ocsp.sign" */
	EVP_PKEY_CTX *ready;         /* set up to sign; each use copies it */
	char ski[41];                /* of the CA that issued it */
	uint8_t key_hash[20];        /* SHA-1 of its public key: ResponderID */
	struct buf der;
	int64_t not_before_s, not_after_s;
};

/* Certificates and keys are kept in STATE/gate/ocsp-SKI.pem (0600), so that a
 * gate that is restarted asks for none. All borrowed. CAMCA_ENOMEM. */
CAMCA_MUST int signer_open(struct signer **out, const struct config *cfg,
    const struct camca_ctx *ctx, struct upstream *up,
    struct issuers_box *issuers);
/* After upstream_stop(). NULL is fine. */
void signer_close(struct signer *s);

/* Loads, asks for and renews what the present list of CAs needs; never waits.
 * demand: renew all. One thread. */
void signer_tick(struct signer *s, int64_t mono_ms, bool demand);
/* The certificate for answers about this CA's, counted; NULL: none that is
 * valid now. Any thread. */
struct signer_cert *signer_take(struct signer *s, uint32_t issuer);
void signer_cert_free(struct signer_cert *c);  /* drops one count */

/* ECDSA with SHA-256 over n bytes. CAMCA_ECRYPTO. Any thread. */
CAMCA_MUST int signer_sign(const struct signer_cert *c, const void *p,
    size_t n, uint8_t sig[static SIGNER_SIG_MAX], size_t *len_out);

#endif
