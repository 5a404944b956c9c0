/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate is believed, and which one is seen to be served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "enroll/onvif/http.h"
#include "enroll/onvif/tls_probe.h"

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

static struct party root, leaf, other;

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
make(struct party *p, const char *name, const struct party *issuer, bool ca)
{
	static long serial;
	X509_NAME *n;

	p->key = EVP_EC_gen("P-256");
	p->cert = X509_new();
	assert_true(p->key != NULL && p->cert != NULL);
	X509_set_version(p->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p->cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(p->cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(p->cert), 3600);
	X509_set_pubkey(p->cert, p->key);
	n = X509_get_subject_name(p->cert);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(p->cert, issuer != NULL ?
	    X509_get_subject_name(issuer->cert) : n);
	if (ca)
		add_extension(p->cert, NID_basic_constraints,
		    "critical,CA:TRUE");
	else
		add_extension(p->cert, NID_subject_alt_name,
		    "DNS:cam.local,IP:10.9.8.7");
	assert_true(X509_sign(p->cert, issuer != NULL ? issuer->key : p->key,
	    EVP_sha256()) > 0);
}

static int
setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	make(&root, "Root", NULL, true);
	make(&leaf, "cam", &root, false);
	make(&other, "stranger", NULL, false);
	return 0;
}

static int
teardown(void **state)
{
	struct party *all[] = { &root, &leaf, &other };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		EVP_PKEY_free(all[i]->key);
		X509_free(all[i]->cert);
	}
	return 0;
}

/* ---- a TLS server that answers each connection with an empty 200 ---- */

struct server {
	SSL_CTX *ctx;
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_bool end;
	atomic_uint requests;
	bool deaf;                   /* accepts, and says nothing */
	bool asks;                   /* for a client certificate of root */
};

/* Head, and body "B" unless it is a HEAD; else the answer would overtake the
 * request. */
static bool
server_read(SSL *ssl)
{
	char bytes[4096] = "";
	int n = 0, r;

	while (strstr(bytes, bytes[0] == 'H' ? "\r\n\r\n" : "\r\n\r\nB") ==
	    NULL) {
		r = SSL_read(ssl, bytes + n, (int)sizeof bytes - 1 - n);
		if (r <= 0)
			return false;
		n += r;
		bytes[n] = '\0';
	}
	return true;
}

static void
server_serve(struct server *s, int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n";
	SSL *ssl = SSL_new(s->ctx);

	if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
	    server_read(ssl)) {
		s->requests++;
		SSL_write(ssl, answer, sizeof answer - 1);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
}

static void *
server_thread(void *arg)
{
	struct server *s = arg;
	char c;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0 && !s->end) {
		if (s->deaf)
			(void)!recv(fd, &c, 1, MSG_PEEK);
		else
			server_serve(s, fd);
		if (s->deaf)
			while (recv(fd, &c, 1, 0) > 0)
				;
		close(fd);
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
server_start(struct server *s, const struct party *p, int max_version)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof a;

	s->ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(s->ctx);
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, p->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, p->key), 1);
	SSL_CTX_set_max_proto_version(s->ctx, max_version);
	if (max_version != 0 && max_version < TLS1_2_VERSION) {
		SSL_CTX_set_min_proto_version(s->ctx, max_version);
		SSL_CTX_set_security_level(s->ctx, 0);
	}
	if (s->asks) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(s->ctx),
		    root.cert);
		SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, server_thread, s),
	    0);
}

static void
server_end(struct server *s)
{
	s->end = true;
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	SSL_CTX_free(s->ctx);
}

/* ---- the transport ---- */

static int
exchange_as(const struct cam_client *client, uint16_t port,
    const uint8_t *pin, X509_STORE *trust, const char *name,
    struct cam_why *why)
{
	const struct cam_env env = { .ctx = &camca_ctx_system,
	    .client = client, .connect_ms = 5000, .answer_ms = 5000 };
	const struct onvif_request q = { .path = "/", .body = "B",
	    .body_len = 1, .changes = true };
	const struct cam_link link = { .scheme = CAM_HTTPS,
	    .host = "127.0.0.1", .port = port, .leaf_sha256 = pin,
	    .trust = trust, .name = name };
	struct onvif_link l;
	struct onvif_answer a;
	struct onvif_http *h;
	int ret;

	memset(why, 0, sizeof *why);
	assert_int_equal(onvif_link_copy(&l, &link, why), CAMCA_OK);
	assert_int_equal(onvif_http_new(&h, &l, &env), CAMCA_OK);
	ret = onvif_http_exchange(h, &q, &a, why);
	onvif_answer_fini(&a);
	onvif_http_free(h);
	onvif_link_fini(&l);
	return ret;
}

static int
exchange(uint16_t port, const uint8_t *pin, X509_STORE *trust,
    const char *name, struct cam_why *why)
{
	return exchange_as(NULL, port, pin, trust, name, why);
}

static void
hash_of(X509 *x, uint8_t out[static 32])
{
	unsigned n = 0;

	assert_int_equal(X509_digest(x, EVP_sha256(), out, &n), 1);
}

static void
test_pin(void **state)
{
	struct server s = { 0 };
	uint8_t good[32], bad[32];
	struct cam_why why;

	(void)state;
	hash_of(other.cert, good);
	hash_of(leaf.cert, bad);
	server_start(&s, &other, 0);
	assert_int_equal(exchange(s.port, good, NULL, NULL, &why), CAMCA_OK);
	/* Nothing is sent to a stranger, so nothing is unknown. */
	assert_int_equal(exchange(s.port, bad, NULL, NULL, &why), CAMCA_EIO);
	assert_int_equal(why.code, CAM_TLS);
	assert_non_null(strstr(why.text, "does not serve"));
	server_end(&s);
	assert_int_equal(s.requests, 1);
}

static void
test_chain(void **state)
{
	X509_STORE *trust = X509_STORE_new();
	struct server s = { 0 };
	uint8_t bad[32] = { 0 };
	struct cam_why why;

	(void)state;
	assert_int_equal(X509_STORE_add_cert(trust, root.cert), 1);
	server_start(&s, &leaf, 0);
	assert_int_equal(exchange(s.port, NULL, trust, "cam.local", &why),
	    CAMCA_OK);
	assert_int_equal(exchange(s.port, bad, trust, "10.9.8.7", &why),
	    CAMCA_OK);
	assert_int_equal(exchange(s.port, NULL, trust, "other.local", &why),
	    CAMCA_EIO);
	assert_int_equal(why.code, CAM_TLS);
	/* Without a name, that of the host: this one is not in it. */
	assert_int_equal(exchange(s.port, NULL, trust, NULL, &why),
	    CAMCA_EIO);
	assert_int_equal(why.code, CAM_TLS);
	server_end(&s);
	/* A stranger with a fitting name. */
	memset(&s, 0, sizeof s);
	server_start(&s, &other, 0);
	assert_int_equal(exchange(s.port, bad, trust, "cam.local", &why),
	    CAMCA_EIO);
	assert_int_equal(why.code, CAM_TLS);
	server_end(&s);
	assert_int_equal(s.requests, 0);
	X509_STORE_free(trust);
}

static void
test_old_version(void **state)
{
	struct server s = { 0 };
	struct cam_served served;
	struct tls_target t = { .host = "127.0.0.1", .connect_ms = 5000 };
	uint8_t pin[32];
	struct cam_why why;

	(void)state;
	hash_of(leaf.cert, pin);
	server_start(&s, &leaf, TLS1_1_VERSION);
	assert_int_equal(exchange(s.port, pin, NULL, NULL, &why), CAMCA_EIO);
	assert_int_equal(why.code, CAM_TLS);
	t.port = s.port;
	assert_int_equal(tls_probe(&t, &served, &why), CAMCA_EIO);
	assert_int_equal(why.code, CAM_TLS);
	server_end(&s);
}

/* ---- the probe ---- */

static void
test_probe(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct cam_served served;
	struct cam_why why;
	uint8_t hash[32];
	size_t i;

	(void)state;
	hash_of(leaf.cert, hash);
	for (i = 0; i < 2; i++) {
		struct server s = { 0 };
		struct tls_target t = { .host = "127.0.0.1" };

		server_start(&s, &leaf, versions[i]);
		t.port = s.port;
		assert_int_equal(tls_probe(&t, &served, &why), CAMCA_OK);
		assert_memory_equal(served.sha256, hash, 32);
		assert_int_equal(served.version, versions[i]);
		assert_int_equal(served.n, 1);
		assert_int_equal(X509_cmp(served.chain[0], leaf.cert), 0);
		cam_served_fini(&served);
		server_end(&s);
	}
}

static bool
stop_now(void *arg)
{
	(void)arg;
	return true;
}

static void
test_probe_trouble(void **state)
{
	struct server s = { .deaf = true };
	struct tls_target t = { .host = "127.0.0.1", .connect_ms = 200 };
	struct cam_served served;
	struct cam_why why;

	(void)state;
	server_start(&s, &leaf, 0);
	t.port = s.port;
	assert_int_equal(tls_probe(&t, &served, &why), CAMCA_ETIME);
	assert_int_equal(why.code, CAM_TIMEOUT);
	t.stopping = stop_now;
	t.connect_ms = 60000;
	assert_int_equal(tls_probe(&t, &served, &why), CAMCA_EBUSY);
	assert_int_equal(why.code, CAM_STOPPED);
	server_end(&s);
	t.stopping = NULL;
	assert_int_equal(tls_probe(&t, &served, &why), CAMCA_EIO);
	assert_int_equal(why.code, CAM_UNREACHABLE);
	assert_int_equal(served.n, 0);
}

/* Who is talked to: with TLS 1.3 only an answer tells. */
static void
test_taken(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	const struct cam_client ours = { leaf.cert, NULL, leaf.key },
	    theirs = { other.cert, NULL, other.key };
	const struct {
		const struct cam_client *client;
		bool asks, taken;
	} cases[] = { { NULL, false, true }, { &ours, false, true },
	    { NULL, true, false }, { &theirs, true, false },
	    { &ours, true, true } };
	struct cam_served served;
	struct cam_why why;
	uint8_t hash[32];
	size_t i;
	bool got;

	(void)state;
	hash_of(leaf.cert, hash);
	for (i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		struct server s = { .asks = cases[i / 2].asks };
		struct tls_target t = { .host = "127.0.0.1",
		    .client = cases[i / 2].client, .connect_ms = 5000 };

		server_start(&s, &leaf, versions[i % 2]);
		t.port = s.port;
		assert_int_equal(tls_taken(&t, &got, &why), CAMCA_OK);
		assert_int_equal(got, cases[i / 2].taken);
		/* The leaf is seen all the same, where we are let in. */
		if (got) {
			assert_int_equal(tls_probe(&t, &served, &why), 0);
			assert_memory_equal(served.sha256, hash, 32);
			cam_served_fini(&served);
		}
		assert_int_equal(exchange_as(t.client, s.port, hash, NULL,
		    NULL, &why) == CAMCA_OK, got);
		server_end(&s);
		assert_int_equal(tls_taken(&t, &got, &why), CAMCA_EIO);
		assert_int_equal(why.code, CAM_UNREACHABLE);
		assert_false(got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_old_version),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_probe_trouble),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
