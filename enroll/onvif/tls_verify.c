/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/tls_verify.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/base/auto.h"

static bool
tls_is_ip(const char *s)
{
	uint8_t addr[16];

	return inet_pton(AF_INET, s, addr) == 1 ||
	    inet_pton(AF_INET6, s, addr) == 1;
}

static bool
tls_pinned(const struct onvif_link *l, X509 *leaf)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return l->has_leaf && X509_digest(leaf, EVP_sha256(), hash, &n) == 1 &&
	    n == sizeof l->leaf_sha256 &&
	    CRYPTO_memcmp(hash, l->leaf_sha256, n) == 0;
}

/* Valid now, a TLS server's, for the name, to one of our roots. */
static bool
tls_chains(struct tls_verify *v, X509 *leaf, STACK_OF(X509) *untrusted)
{
	AUTO(X509_STORE_CTX) *s = X509_STORE_CTX_new();
	const char *name = v->link->name;
	X509_VERIFY_PARAM *p;
	int err;

	if (s == NULL || X509_STORE_CTX_init(s, v->link->trust, leaf,
	    untrusted) != 1)
		return false;
	p = X509_STORE_CTX_get0_param(s);
	X509_VERIFY_PARAM_set_time(p, (time_t)(ctx_now_ms(v->ctx) / 1000));
	X509_VERIFY_PARAM_set_hostflags(p,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_SERVER) != 1 ||
	    (tls_is_ip(name) ? X509_VERIFY_PARAM_set1_ip_asc(p, name) :
	    X509_VERIFY_PARAM_set1_host(p, name, 0)) != 1)
		return false;
	if (X509_verify_cert(s) == 1)
		return true;
	err = X509_STORE_CTX_get_error(s);
	snprintf(v->reason, sizeof v->reason, "The camera's certificate is "
	    "not believed: %s.", X509_verify_cert_error_string(err));
	return false;
}

static int
tls_verify_cb(X509_STORE_CTX *s, void *arg)
{
	struct tls_verify *v = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(s);

	v->reason[0] = '\0';
	if (leaf != NULL && (tls_pinned(v->link, leaf) ||
	    (v->link->trust != NULL && tls_chains(v, leaf,
	    X509_STORE_CTX_get0_untrusted(s))))) {
		X509_STORE_CTX_set_error(s, X509_V_OK);
		return 1;
	}
	ERR_clear_error();
	if (v->reason[0] == '\0')
		snprintf(v->reason, sizeof v->reason, "The camera does not "
		    "serve the certificate that is expected of it.");
	X509_STORE_CTX_set_error(s, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

int
tls_verify_set(SSL_CTX *ctx, struct tls_verify *v)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify_cb, v);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* While a camera thinks, its connection needs no buffers. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

bool
tls_client_set(SSL_CTX *ctx, const struct cam_client *client)
{
	bool ok = client == NULL || SSL_CTX_use_cert_and_key(ctx,
	    client->cert, client->key, client->chain, 1) == 1;

	ERR_clear_error();
	return ok;
}
