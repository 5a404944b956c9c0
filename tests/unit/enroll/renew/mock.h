/* SPDX-License-Identifier: Apache-2.0 */
/* An EST server in a thread, on the loopback, that can be told to misbehave.
 * Written apart from camca's own server on purpose: two readings of one RFC.
 * Look at and change its fields only while no request is under way, and after
 * mock_sync(). */
#ifndef CAMCA_TEST_RENEW_MOCK_H
#define CAMCA_TEST_RENEW_MOCK_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "pki.h"

struct mock {
	pthread_mutex_t mutex;    /* all below, while a request is handled */
	/* how it behaves */
	int tls_max;              /* 0: newest */
	int status;               /* of enroll answers; 200 issues */
	int retry_after_s;        /* 0: no header */
	const char *words;        /* text/plain body of a refusal */
	const char *csrattrs;     /* base64, NULL: 404 */
	bool need_binding;        /* check it, in whichever attribute */
	bool chunked;             /* answers in chunks */
	bool close_each;          /* one request a connection, no length */
	bool lose_answer;         /* issue, then hang up */
	bool wrong_key;           /* issue for another key */
	bool foreign_issuer;      /* issue under a key nobody trusts */
	bool issue_ca;            /* issue a CA certificate */
	int64_t clock_s;          /* from PKI_NOW_S */
	int64_t life_s;
	X509 *issuer;             /* borrowed */
	EVP_PKEY *issuer_key;
	X509 *bag[4];             /* /cacerts, borrowed */
	size_t bag_n;
	/* what it saw */
	int connections, requests, enrolls, reenrolls, issued;
	int posts_with_auth, gets_with_auth, tls_version;
	bool name_differs;        /* a re-enrollment changed subject or SAN */
	char auth[256];
	X509 *last;               /* owned */
	/* its own */
	EVP_PKEY *root_key, *tls_key;
	X509 *root;
	SSL_CTX *ctx;
	int fd;
	char port[8];
	pthread_t thread;
};

static inline void
mock_reply(SSL *ssl, const struct mock *m, int status, const char *type,
    const char *body, size_t n)
{
	struct buf out;

	buf_init(&out, 0);
	(void)!buf_printf(&out, "HTTP/1.1 %d X\r\n", status);
	if (type != NULL)
		(void)!buf_printf(&out, "Content-Type: %s\r\n", type);
	if (m->retry_after_s > 0 && status != 200)
		(void)!buf_printf(&out, "Retry-After: %d\r\n",
		    m->retry_after_s);
	if (status >= 300 && status < 400)
		(void)!buf_printf(&out, "Location: https://other.test/\r\n");
	if (m->close_each)
		(void)!buf_printf(&out, "Connection: close\r\n\r\n%.*s",
		    (int)n, body);
	else if (m->chunked && n > 10)
		(void)!buf_printf(&out, "Transfer-Encoding: chunked\r\n\r\n"
		    "a\r\n%.10s\r\n%zx;e=1\r\n%.*s\r\n0\r\n\r\n", body, n - 10,
		    (int)n - 10, body + 10);
	else
		(void)!buf_printf(&out, "Content-Length: %zu\r\n\r\n%.*s", n,
		    (int)n, body);
	SSL_write(ssl, out.data, (int)out.len);
	buf_fini(&out);
}

/* The value that RFC 7030 3.5 wants, from the server's end of the handshake. */
static inline void
mock_binding(SSL *ssl, struct buf *out)
{
	uint8_t v[64];
	size_t n = 32;

	if (SSL_version(ssl) == TLS1_3_VERSION)
		assert_int_equal(SSL_export_keying_material(ssl, v, 32,
		    "EXPORTER-Channel-Binding", 24, (const uint8_t *)"", 0, 1),
		    1);
	else
		n = SSL_get_peer_finished(ssl, v, sizeof v);
	(void)!enc_base64(out, v, n, 0);
}

static inline bool
mock_bound(SSL *ssl, X509_REQ *req)
{
	struct buf want;
	bool ok = false;

	buf_init(&want, 0);
	mock_binding(ssl, &want);
	for (int i = 0; i < X509_REQ_get_attr_count(req); i++) {
		X509_ATTRIBUTE *a = X509_REQ_get_attr(req, i);
		ASN1_TYPE *t = X509_ATTRIBUTE_get0_type(a, 0);
		char oid[64];

		OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object(a), 1);
		if (strcmp(oid, "1.2.840.113549.1.9.7") != 0 &&
		    strcmp(oid, "1.2.840.113549.1.9.16.2.58") != 0)
			continue;
		ok = (size_t)t->value.asn1_string->length == want.len &&
		    memcmp(t->value.asn1_string->data, want.data,
		    want.len) == 0;
		if (!ok)
			break;
	}
	buf_fini(&want);
	return ok;
}

/* Copies subject and SAN of the request into a certificate. */
static inline X509 *
mock_issue(struct mock *m, X509_REQ *req)
{
	EVP_PKEY *other = pki_key();
	struct pki_want w = { .cn = "x", .issuer = m->issuer,
	    .issuer_key = m->foreign_issuer ? other : m->issuer_key,
	    .key = m->wrong_key ? other : X509_REQ_get0_pubkey(req),
	    .begin_s = m->clock_s, .end_s = m->clock_s + m->life_s,
	    .basic = m->issue_ca ? "CA:TRUE" : "CA:FALSE" };
	X509 *c = pki_cert(&w);
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);

	X509_set_subject_name(c, X509_REQ_get_subject_name(req));
	for (int i = 0; i < sk_X509_EXTENSION_num(exts); i++)
		X509_add_ext(c, sk_X509_EXTENSION_value(exts, i), -1);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_sign(c, w.issuer_key, EVP_sha256());
	EVP_PKEY_free(other);
	return c;
}

/* RFC 7030 4.2.2: names as in the old certificate. */
static inline bool
mock_same_names(X509 *old, X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *l = X509_REQ_get_extensions(req);
	int a = X509_get_ext_by_NID(old, NID_subject_alt_name, -1);
	int b = X509v3_get_ext_by_NID(l, NID_subject_alt_name, -1);
	bool same = X509_NAME_cmp(X509_get_subject_name(old),
	    X509_REQ_get_subject_name(req)) == 0 && (a < 0) == (b < 0);

	if (same && a >= 0)
		same = ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(
		    X509_get_ext(old, a)), X509_EXTENSION_get_data(
		    X509v3_get_ext(l, b))) == 0;
	sk_X509_EXTENSION_pop_free(l, X509_EXTENSION_free);
	return same;
}

/* False: hang up without an answer. */
static inline bool
mock_enroll(struct mock *m, SSL *ssl, bool again, const char *b64)
{
	X509 *client = SSL_get1_peer_certificate(ssl);
	X509_REQ *req = NULL;
	const unsigned char *p;
	struct buf der, bag;
	bool go_on = true;

	buf_init(&der, 0);
	buf_init(&bag, 0);
	m->enrolls += !again;
	m->reenrolls += again;
	if (dec_base64(&der, b64, strlen(b64), 1) == 0) {
		p = der.data;
		req = d2i_X509_REQ(NULL, &p, (long)der.len);
	}
	if (req == NULL || X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) != 1)
		mock_reply(ssl, m, 400, "text/plain", "bad CSR", 7);
	else if (again && client == NULL)
		mock_reply(ssl, m, 401, "text/plain", "no certificate", 14);
	else if (m->need_binding && !mock_bound(ssl, req))
		mock_reply(ssl, m, 403, "text/plain", "bad linking", 11);
	else if (m->status != 200)
		mock_reply(ssl, m, m->status, "text/plain; charset=utf-8",
		    m->words, strlen(m->words));
	else {
		if (again && !mock_same_names(client, req))
			m->name_differs = true;
		if (m->last == NULL || EVP_PKEY_eq(X509_get0_pubkey(m->last),
		    X509_REQ_get0_pubkey(req)) != 1) {
			X509_free(m->last);
			m->last = mock_issue(m, req);
			m->issued++;
		}
		pki_bag(&bag, &m->last, 1);
		if (m->lose_answer)
			go_on = false;
		else
			mock_reply(ssl, m, 200, "application/pkcs7-mime; "
			    "smime-type=certs-only", buf_str(&bag), bag.len);
	}
	X509_free(client);
	X509_REQ_free(req);
	buf_fini(&der);
	buf_fini(&bag);
	return go_on;
}

static inline bool
mock_answer(struct mock *m, SSL *ssl, const char *head, const char *body)
{
	const char *auth = strstr(head, "Authorization: Basic ");
	bool post = strncmp(head, "POST ", 5) == 0;
	struct buf bag;

	m->requests++;
	m->tls_version = SSL_version(ssl);
	if (auth != NULL) {
		m->posts_with_auth += post;
		m->gets_with_auth += !post;
		snprintf(m->auth, sizeof m->auth, "%.*s",
		    (int)strcspn(auth + 21, "\r"), auth + 21);
	}
	if (strstr(head, "/simpleenroll HTTP") != NULL)
		return mock_enroll(m, ssl, false, body);
	if (strstr(head, "/simplereenroll HTTP") != NULL)
		return mock_enroll(m, ssl, true, body);
	if (strstr(head, "/csrattrs HTTP") != NULL && m->csrattrs != NULL) {
		mock_reply(ssl, m, 200, "application/csrattrs", m->csrattrs,
		    strlen(m->csrattrs));
		return true;
	}
	if (strstr(head, "/cacerts HTTP") == NULL) {
		mock_reply(ssl, m, 404, NULL, "", 0);
		return true;
	}
	buf_init(&bag, 0);
	pki_bag(&bag, m->bag, m->bag_n);
	mock_reply(ssl, m, 200, "application/pkcs7-mime", buf_str(&bag),
	    bag.len);
	buf_fini(&bag);
	return true;
}

/* One request; false where the connection is at its end. */
static inline bool
mock_request(struct mock *m, SSL *ssl)
{
	char in[16384], *end = NULL, *len;
	size_t n = 0, body = 0;
	bool go_on;
	int got;

	while (n < sizeof in - 1) {
		got = SSL_read(ssl, in + n, (int)(sizeof in - 1 - n));
		if (got <= 0)
			return false;
		n += (size_t)got;
		in[n] = '\0';
		end = strstr(in, "\r\n\r\n");
		if (end == NULL)
			continue;
		len = strstr(in, "Content-Length: ");
		body = len != NULL ? strtoul(len + 16, NULL, 10) : 0;
		if (n >= (size_t)(end - in) + 4 + body)
			break;
	}
	if (end == NULL)
		return false;
	end[2] = '\0';
	pthread_mutex_lock(&m->mutex);
	go_on = mock_answer(m, ssl, in, end + 4) && !m->close_each;
	pthread_mutex_unlock(&m->mutex);
	return go_on;
}

static inline SSL *
mock_connection(struct mock *m, int fd)
{
	SSL *ssl;

	pthread_mutex_lock(&m->mutex);
	m->connections++;
	ssl = SSL_new(m->ctx);
	SSL_set_fd(ssl, fd);
	if (m->tls_max != 0)
		SSL_set_max_proto_version(ssl, m->tls_max);
	pthread_mutex_unlock(&m->mutex);
	return ssl;
}

/* Between a request and a look at the fields, and the other way round. */
static inline void
mock_sync(struct mock *m)
{
	pthread_mutex_lock(&m->mutex);
	pthread_mutex_unlock(&m->mutex);
}

static inline void *
mock_main(void *arg)
{
	struct mock *m = arg;
	SSL *ssl;
	int fd;

	while ((fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		ssl = mock_connection(m, fd);
		if (SSL_accept(ssl) == 1) {
			while (mock_request(m, ssl))
				;
			SSL_shutdown(ssl);
		}
		ERR_clear_error();
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

/* The test looks at the client's certificate itself. */
static inline int
mock_accept_any(int ok, X509_STORE_CTX *sc)
{
	(void)ok;
	(void)sc;
	return 1;
}

/* Shows a server certificate for names, signed by issuer. */
static inline void
mock_identity(struct mock *m, X509 *issuer, EVP_PKEY *issuer_key,
    const char *names)
{
	struct pki_want w = { .cn = "est.test", .key = m->tls_key,
	    .issuer = issuer, .issuer_key = issuer_key,
	    .begin_s = -PKI_DAY_S, .end_s = 3000 * PKI_DAY_S, .san = names,
	    .basic = "CA:FALSE" };
	X509 *c = pki_cert(&w);

	assert_int_equal(SSL_CTX_use_certificate(m->ctx, c), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(m->ctx, m->tls_key), 1);
	X509_free(c);
}

static inline void
mock_start(struct mock *m)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;

	memset(m, 0, sizeof *m);
	pthread_mutex_init(&m->mutex, NULL);
	m->status = 200;
	m->words = "no";
	m->life_s = 90 * PKI_DAY_S;
	m->root_key = pki_key();
	m->tls_key = pki_key();
	m->root = pki_root("Site Root", m->root_key);
	m->issuer = m->bag[0] = m->root;
	m->issuer_key = m->root_key;
	m->bag_n = 1;
	m->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_verify(m->ctx, SSL_VERIFY_PEER, mock_accept_any);
	SSL_CTX_set_session_id_context(m->ctx, (const uint8_t *)"m", 1);
	mock_identity(m, m->root, m->root_key, "IP:127.0.0.1,DNS:est.test");
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(m->fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(m->fd, 8), 0);
	assert_int_equal(getsockname(m->fd, (struct sockaddr *)&at, &len), 0);
	snprintf(m->port, sizeof m->port, "%u", ntohs(at.sin_port));
	assert_int_equal(pthread_create(&m->thread, NULL, mock_main, m), 0);
}

static inline void
mock_stop(struct mock *m)
{
	shutdown(m->fd, SHUT_RDWR);
	pthread_join(m->thread, NULL);
	close(m->fd);
	pthread_mutex_destroy(&m->mutex);
	SSL_CTX_free(m->ctx);
	X509_free(m->root);
	X509_free(m->last);
	EVP_PKEY_free(m->root_key);
	EVP_PKEY_free(m->tls_key);
}

#endif
