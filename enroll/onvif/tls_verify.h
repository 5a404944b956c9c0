/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate is believed: the pinned leaf, or what our CA issued. */
#ifndef CAMCA_ONVIF_TLS_VERIFY_H
#define CAMCA_ONVIF_TLS_VERIFY_H

#include <openssl/ssl.h>

#include "enroll/onvif/http.h"

/* Lives as long as the SSL_CTX. */
struct tls_verify {
	const struct onvif_link *link;
	const struct camca_ctx *ctx;
	char reason[CAM_TEXT_MAX];   /* why the last one was not believed */
};

/* Makes ctx ask v, demand TLS 1.2 or newer and forget sessions: a resumed
 * session would show no certificate. 1, or 0 where OpenSSL fails. */
int tls_verify_set(SSL_CTX *ctx, struct tls_verify *v);
/* Makes ctx show client (may be NULL) to a server that asks. False where
 * OpenSSL fails. */
bool tls_client_set(SSL_CTX *ctx, const struct cam_client *client);

#endif
