/* SPDX-License-Identifier: Apache-2.0 */
/* The camera's half of EST as load generators need it: one connection, one
 * POST, the certificate out of the answer. For test programs only. */
#ifndef CAMCA_TESTS_EST_CLIENT_H
#define CAMCA_TESTS_EST_CLIENT_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pkcs7.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/buf.h"
#include "ca/base/enc.h"

#define EST_CLIENT_ANSWER_MAX 16384

struct est_post {
	const char *label;       /* "": none */
	const char *op;          /* "simpleenroll" */
	const char *body;        /* base64 */
	const char *user;        /* NULL: no login */
	const char *secret;
	bool keepalive;
};

/* What verifies servers against the certificates of a file. NULL: said why. */
static inline SSL_CTX *
est_client_ctx(const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	STACK_OF(X509_OBJECT) *roots;
	int i;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1) {
		fprintf(stderr, "%s: no certificates\n", ca);
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* Decoded here: done by the first threads that verify, a thread
	 * sanitizer cannot see how libcrypto orders them. */
	roots = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
	for (i = 0; i < sk_X509_OBJECT_num(roots); i++)
		X509_check_ca(X509_OBJECT_get0_X509(
		    sk_X509_OBJECT_value(roots, i)));
	return ctx;
}

/* Base64 PKCS#10 for key; like: subject and SAN are those of this one. The
 * caller frees. NULL without memory. */
static inline char *
est_client_csr(EVP_PKEY *key, X509 *like)
{
	AUTO(X509_REQ) *r = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts;
	unsigned char *der = NULL;
	char *text = NULL;
	int i, len;

	X509_REQ_set_pubkey(r, key);
	if (like != NULL) {
		X509_REQ_set_subject_name(r, X509_get_subject_name(like));
		i = X509_get_ext_by_NID(like, NID_subject_alt_name, -1);
		if (i >= 0) {
			exts = sk_X509_EXTENSION_new_null();
			sk_X509_EXTENSION_push(exts, X509_get_ext(like, i));
			X509_REQ_add_extensions(r, exts);
			sk_X509_EXTENSION_free(exts);
		}
	}
	X509_REQ_sign(r, key, EVP_sha256());
	len = i2d_X509_REQ(r, &der);
	if (len > 0)
		text = enc_base64_dup(der, (size_t)len);
	OPENSSL_free(der);
	return text;
}

/* Closes the connection; s may be NULL. */
static inline void
est_client_close(SSL *s)
{
	int fd;

	if (s == NULL)
		return;
	fd = SSL_get_fd(s);
	SSL_shutdown(s);
	SSL_free(s);
	close(fd);
}

/* A handshake with localhost, with a client certificate unless cert is NULL.
 * NULL: the server is away. */
static inline SSL *
est_client_connect(SSL_CTX *ctx, int port, X509 *cert, EVP_PKEY *key)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 60 };
	SSL *s;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		close(fd);
		return NULL;
	}
	s = SSL_new(ctx);
	SSL_set_fd(s, fd);
	SSL_set_tlsext_host_name(s, "localhost");
	SSL_set1_host(s, "localhost");
	if (cert != NULL) {
		SSL_use_certificate(s, cert);
		SSL_use_PrivateKey(s, key);
	}
	if (SSL_connect(s) == 1)
		return s;
	SSL_free(s);
	close(fd);
	return NULL;
}

/* Sends one request; false: the connection broke. */
static inline bool
est_client_send(SSL *s, const struct est_post *p)
{
	char user[192], *auth = NULL;
	struct buf req;
	bool ok;

	buf_init(&req, 0);
	if (p->user != NULL) {
		snprintf(user, sizeof user, "%s:%s", p->user, p->secret);
		auth = enc_base64_dup(user, strlen(user));
	}
	ok = buf_printf(&req, "POST /.well-known/est/%s%s%s HTTP/1.1\r\n"
	    "Host: localhost\r\nUser-Agent: est-client\r\nAccept: */*\r\n"
	    "Content-Type: application/pkcs10\r\nContent-Length: %zu\r\n"
	    "%s%s%s%s\r\n%s", p->label, p->label[0] != '\0' ? "/" : "", p->op,
	    strlen(p->body), auth != NULL ? "Authorization: Basic " : "",
	    auth != NULL ? auth : "", auth != NULL ? "\r\n" : "",
	    p->keepalive ? "" : "Connection: close\r\n", p->body) == 0 &&
	    SSL_write(s, req.data, (int)req.len) > 0;
	free(auth);
	buf_fini(&req);
	return ok;
}

/* Status of one whole answer, -1 where the connection broke. Its body lies in
 * buf until the next call. */
static inline int
est_client_read(SSL *s, char buf[static EST_CLIENT_ANSWER_MAX],
    const char **body, size_t *len)
{
	size_t used = 0, want = 0;
	char *end = NULL, *cl;
	int r;

	do {
		r = SSL_read(s, buf + used,
		    (int)(EST_CLIENT_ANSWER_MAX - 1 - used));
		if (r <= 0)
			return -1;
		used += (size_t)r;
		buf[used] = '\0';
		if (end == NULL && (end = strstr(buf, "\r\n\r\n")) != NULL) {
			cl = strcasestr(buf, "content-length:");
			want = cl != NULL ? strtoul(cl + 15, NULL, 10) : 0;
			end += 4;
		}
	} while (end == NULL || used - (size_t)(end - buf) < want);
	*body = end;
	*len = want;
	return (int)strtol(buf + 9, NULL, 10);
}

/* The one certificate of a certs-only body in base64; NULL: it is no such. */
static inline X509 *
est_client_cert(const char *b64, size_t n)
{
	const unsigned char *p;
	struct buf der;
	PKCS7 *p7 = NULL;
	X509 *x = NULL;

	buf_init(&der, 0);
	if (dec_base64(&der, b64, n, 1) == 0) {
		p = der.data;
		p7 = d2i_PKCS7(NULL, &p, (long)der.len);
	}
	if (p7 != NULL && PKCS7_type_is_signed(p7) &&
	    sk_X509_num(p7->d.sign->cert) == 1)
		x = X509_dup(sk_X509_value(p7->d.sign->cert, 0));
	PKCS7_free(p7);
	buf_fini(&der);
	return x;
}

#endif
