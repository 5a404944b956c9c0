/* SPDX-License-Identifier: Apache-2.0 */
/* Load generator for EST servers: prepares keys and CSRs first, then posts them
 * from several threads, and says how long that took.
 *
 *   est_load --port N --ca FILE --threads N --secrets FILE [--keepalive]
 *            [--renew] [--label L] [--save DIR] [--baseline]
 *
 * secrets: lines "device secret". Each line is one enrollment with a key of its
 * own. --renew: afterwards each camera renews once with its new certificate,
 * timed apart. --baseline: answers are not looked at but for their status, and
 * renewal uses one self-signed certificate. One JSON line a phase. */
#include <arpa/inet.h>
#include <argp.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"

struct camera {
	char device[80], secret[64];
	EVP_PKEY *key;
	X509 *cert;
	char *csr_b64, *renew_b64;
};

static struct {
	int port, threads;
	const char *ca, *secrets, *label;
	bool keepalive, renew, baseline;
	struct camera *cams;
	size_t n;
	SSL_CTX *ctx;
	atomic_size_t next, ok, bad, conns;
	atomic_int last_bad;
	bool renewing;
} L = { .threads = 8, .label = "" };

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static char *
csr_b64(EVP_PKEY *key, X509 *like)
{
	AUTO(X509_REQ) *r = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts = NULL;
	unsigned char *der = NULL;
	struct buf b;
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
	buf_init(&b, 0);
	if (len <= 0 || enc_base64(&b, der, (size_t)len, 0) < 0)
		exit(1);
	OPENSSL_free(der);
	return (char *)b.data;
}

static void
cameras_read(void)
{
	FILE *f = fopen(L.secrets, "r");
	size_t cap = 0;
	struct camera c;

	if (f == NULL) {
		perror(L.secrets);
		exit(1);
	}
	memset(&c, 0, sizeof c);
	while (fscanf(f, "%79s %63s", c.device, c.secret) == 2) {
		if (L.n == cap) {
			cap = cap != 0 ? cap * 2 : 1024;
			L.cams = realloc(L.cams, cap * sizeof *L.cams);
			if (L.cams == NULL)
				exit(1);
		}
		L.cams[L.n++] = c;
	}
	fclose(f);
}

static void *
prepare_thread(void *arg)
{
	size_t i;

	(void)arg;
	while ((i = atomic_fetch_add(&L.next, 1)) < L.n) {
		struct camera *c = &L.cams[i];

		if (!L.renewing) {
			c->key = EVP_EC_gen("P-256");
			c->csr_b64 = csr_b64(c->key, NULL);
		} else if (c->cert != NULL) {
			EVP_PKEY *fresh = EVP_EC_gen("P-256");

			c->renew_b64 = csr_b64(fresh, c->cert);
			EVP_PKEY_free(fresh);
		}
	}
	return NULL;
}

static void
in_threads(int n, void *(*fn)(void *))
{
	pthread_t t[256];
	int i;

	atomic_store(&L.next, 0);
	for (i = 0; i < n; i++)
		pthread_create(&t[i], NULL, fn, NULL);
	for (i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

static SSL *
client_connect(const struct camera *c)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)L.port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		close(fd);
		return NULL;
	}
	atomic_fetch_add(&L.conns, 1);
	ssl = SSL_new(L.ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "localhost");
	SSL_set1_host(ssl, "localhost");
	if (L.renewing && c->cert != NULL) {
		SSL_use_certificate(ssl, c->cert);
		SSL_use_PrivateKey(ssl, c->key);
	}
	if (SSL_connect(ssl) != 1) {
		SSL_free(ssl);
		close(fd);
		return NULL;
	}
	return ssl;
}

static void
client_close(SSL *ssl)
{
	int fd;

	if (ssl == NULL)
		return;
	fd = SSL_get_fd(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* Status, body borrowed in buf; -1 where the connection broke. */
static int
client_read(SSL *ssl, char *buf, size_t cap, char **body, size_t *len)
{
	size_t used = 0, want = 0;
	char *end = NULL, *cl;
	int r;

	for (;;) {
		r = SSL_read(ssl, buf + used, (int)(cap - 1 - used));
		if (r <= 0)
			return -1;
		used += (size_t)r;
		buf[used] = '\0';
		if (end == NULL) {
			end = strstr(buf, "\r\n\r\n");
			if (end == NULL)
				continue;
			cl = strcasestr(buf, "content-length:");
			want = cl != NULL ? strtoul(cl + 15, NULL, 10) : 0;
			end += 4;
		}
		if (used - (size_t)(end - buf) >= want)
			break;
	}
	*body = end;
	*len = want;
	return (int)strtol(buf + 9, NULL, 10);
}

static X509 *
bag_first(const char *b64, size_t n)
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
	if (p7 != NULL && sk_X509_num(p7->d.sign->cert) == 1)
		x = X509_dup(sk_X509_value(p7->d.sign->cert, 0));
	PKCS7_free(p7);
	buf_fini(&der);
	return x;
}

static int
client_post(SSL *ssl, struct camera *c, char *buf, size_t cap)
{
	const char *body = L.renewing ? c->renew_b64 : c->csr_b64;
	char *answer = NULL, user[160];
	struct buf req, auth;
	size_t len = 0;
	int status;

	buf_init(&req, 0);
	buf_init(&auth, 0);
	snprintf(user, sizeof user, "%s:%s", c->device, c->secret);
	if (enc_base64(&auth, user, strlen(user), 0) < 0 ||
	    buf_printf(&req, "POST /.well-known/est/%s%s%s HTTP/1.1\r\n"
	    "Host: localhost\r\nUser-Agent: est_load\r\nAccept: */*\r\n"
	    "Content-Type: application/pkcs10\r\nContent-Length: %zu\r\n"
	    "%s%s%s%s\r\n%s", L.label, L.label[0] ? "/" : "",
	    L.renewing ? "simplereenroll" : "simpleenroll", strlen(body),
	    L.renewing ? "" : "Authorization: Basic ",
	    L.renewing ? "" : buf_str(&auth), L.renewing ? "" : "\r\n",
	    L.keepalive ? "" : "Connection: close\r\n", body) < 0)
		exit(1);
	status = SSL_write(ssl, req.data, (int)req.len) > 0 ?
	    client_read(ssl, buf, cap, &answer, &len) : -1;
	buf_fini(&req);
	buf_fini(&auth);
	if (status == 200 && !L.baseline && !L.renewing) {
		c->cert = bag_first(answer, len);
		if (c->cert == NULL)
			status = -2;
	}
	return status;
}

static void *
load_thread(void *arg)
{
	char buf[16384];
	SSL *ssl = NULL;
	size_t i;
	int status;

	(void)arg;
	while ((i = atomic_fetch_add(&L.next, 1)) < L.n) {
		struct camera *c = &L.cams[i];

		if (L.renewing && c->renew_b64 == NULL)
			continue;
		if (ssl == NULL)
			ssl = client_connect(c);
		status = ssl != NULL ? client_post(ssl, c, buf, sizeof buf) :
		    -1;
		if (status == 200) {
			atomic_fetch_add(&L.ok, 1);
		} else {
			atomic_fetch_add(&L.bad, 1);
			atomic_store(&L.last_bad, status);
		}
		if (!L.keepalive || status != 200) {
			client_close(ssl);
			ssl = NULL;
		}
		ERR_clear_error();
	}
	client_close(ssl);
	return NULL;
}

static void
phase(const char *name)
{
	double t;

	atomic_store(&L.ok, 0);
	atomic_store(&L.bad, 0);
	atomic_store(&L.conns, 0);
	t = now_s();
	in_threads(L.threads, load_thread);
	t = now_s() - t;
	printf("{\"phase\":\"%s\",\"ok\":%zu,\"failed\":%zu,\"last_failure\":%d,"
	    "\"seconds\":%.3f,\"rate\":%.1f,\"connections\":%zu}\n", name,
	    atomic_load(&L.ok), atomic_load(&L.bad), atomic_load(&L.last_bad),
	    t, (double)atomic_load(&L.ok) / t, atomic_load(&L.conns));
	fflush(stdout);
}

/* The baseline server gives no certificates: one of our own will do, so that
 * its handshakes carry a client certificate too. */
static X509 *
self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"load", -1, -1, 0);
	X509_set_issuer_name(x, n);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	return x;
}

static const struct argp_option options[] = {
	{ "port", 'p', "N", 0, "", 0 },
	{ "ca", 'c', "FILE", 0, "root of the server", 0 },
	{ "threads", 't', "N", 0, "", 0 },
	{ "secrets", 's', "FILE", 0, "", 0 },
	{ "label", 'l', "L", 0, "", 0 },
	{ "keepalive", 'k', NULL, 0, "", 0 },
	{ "renew", 'r', NULL, 0, "", 0 },
	{ "baseline", 'b', NULL, 0, "", 0 },
	{ 0 }
};

static error_t
parse(int key, char *arg, struct argp_state *st)
{
	(void)st;
	switch (key) {
	case 'p': L.port = (int)strtol(arg, NULL, 10); break;
	case 'c': L.ca = arg; break;
	case 't': L.threads = (int)strtol(arg, NULL, 10); break;
	case 's': L.secrets = arg; break;
	case 'l': L.label = arg; break;
	case 'k': L.keepalive = true; break;
	case 'r': L.renew = true; break;
	case 'b': L.baseline = true; break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, parse, NULL, NULL, NULL,
	    NULL, NULL };
	size_t i;

	argp_parse(&parser, argc, argv, 0, NULL, NULL);
	L.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(L.ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(L.ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_load_verify_locations(L.ctx, L.ca, NULL) != 1) {
		fprintf(stderr, "%s: no certificates\n", L.ca);
		return 1;
	}
	cameras_read();
	in_threads(2, prepare_thread);
	phase("enroll");
	if (L.renew) {
		L.renewing = true;
		for (i = 0; L.baseline && i < L.n; i++)
			L.cams[i].cert = self_signed(L.cams[i].key);
		in_threads(2, prepare_thread);
		phase("reenroll");
	}
	return atomic_load(&L.bad) == 0 ? 0 : 1;
}
