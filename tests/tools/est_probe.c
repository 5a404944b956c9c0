/* SPDX-License-Identifier: Apache-2.0 */
/* An EST client that behaves as no decent one does, to test and measure servers.
 *
 *   est_probe post PORT ROOT PATH FILE [option=value ...]
 *       Sends FILE as application/pkcs10 and prints "binding BASE64", then the
 *       answer. tls=1.2 or 1.3, login=USER:SECRET, cert=PEM key=PEM, times=N
 *       requests on one connection, wrongkey=1 signs the handshake with another
 *       key than the certificate's.
 *   est_probe load PORT ROOT PATH FILE threads=N seconds=N [login=...]
 *       A new handshake for each request; prints "rate N errors N".
 *   est_probe hold PORT KIND COUNT SECONDS
 *       Opens COUNT connections and sits on them: "tcp" says nothing, "byte"
 *       begins a record and drips, "half" goes silent after its ClientHello,
 *       "idle" is silent after the handshake, "slow" drips a header after it.
 *       Prints "held N", and at the end "open N": what the server left. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"

#define PROBE_ANSWER_MAX (1u << 20)
#define PROBE_THREADS_MAX 256
#define PROBE_HOLD_MAX 20000

struct probe {
	uint16_t port;
	SSL_CTX *ctx;
	const char *path;
	const char *login;       /* "USER:SECRET" or NULL */
	struct buf body;
	struct buf request;
	int times;
	int threads;
	int seconds;
	atomic_long done;
	atomic_long errors;
	atomic_bool stop;
};

static void
probe_die(const char *what)
{
	fprintf(stderr, "est_probe: %s\n", what);
	exit(2);
}

static int64_t
probe_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
probe_connect(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct timeval limit = { 20, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons(port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static SSL *
probe_tls(struct probe *p)
{
	int fd = probe_connect(p->port);
	SSL *s = fd >= 0 ? SSL_new(p->ctx) : NULL;

	if (s == NULL) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	SSL_set_fd(s, fd);
	SSL_set_tlsext_host_name(s, "localhost");
	SSL_set1_host(s, "localhost");
	if (SSL_connect(s) != 1) {
		SSL_free(s);
		close(fd);
		return NULL;
	}
	return s;
}

/* Without close_notify: cameras do not send it either. */
static void
probe_close(SSL *s)
{
	int fd = SSL_get_fd(s);

	SSL_set_quiet_shutdown(s, 1);
	SSL_shutdown(s);
	SSL_free(s);
	close(fd);
}

/* --- requests --- */

static void
probe_request(struct probe *p)
{
	struct buf *r = &p->request;
	char *auth = p->login != NULL ? enc_base64_dup(p->login,
	    strlen(p->login)) : NULL;
	int bad;

	buf_init(r, 0);
	bad = buf_printf(r, "POST %s HTTP/1.1\r\nHost: localhost\r\n"
	    "User-Agent: est_probe\r\nContent-Type: application/pkcs10\r\n"
	    "Content-Length: %zu\r\n", p->path, p->body.len);
	if (auth != NULL)
		bad |= buf_printf(r, "Authorization: Basic %s\r\n", auth);
	bad |= buf_puts(r, "\r\n");
	bad |= buf_put(r, p->body.data, p->body.len);
	free(auth);
	if (bad != 0)
		probe_die("memory");
}

/* Reads one whole answer; its status, or -1. */
static int
probe_answer(SSL *s, struct buf *in)
{
	const char *end, *field;
	size_t want = SIZE_MAX;
	int n;

	buf_reset(in);
	for (;;) {
		if (buf_reserve(in, 16384) < 0)
			return -1;
		n = SSL_read(s, in->data + in->len, 16384);
		if (n <= 0)
			return -1;
		in->len += (size_t)n;
		in->data[in->len] = '\0';
		end = strstr(buf_str(in), "\r\n\r\n");
		if (end == NULL)
			continue;
		field = strstr(buf_str(in), "Content-Length: ");
		if (field == NULL || field > end)
			return -1;
		want = (size_t)(end + 4 - buf_str(in)) +
		    strtoul(field + 16, NULL, 10);
		if (in->len >= want)
			break;
	}
	return in->len > 12 ? (int)strtol(buf_str(in) + 9, NULL, 10) : -1;
}

static void
probe_binding(SSL *s)
{
	unsigned char cb[64];
	size_t n = 32;
	char *text;

	if (SSL_version(s) == TLS1_3_VERSION) {
		if (SSL_export_keying_material(s, cb, n,
		    "EXPORTER-Channel-Binding", 24, NULL, 0, 1) != 1)
			probe_die("no exporter");
	} else {
		n = SSL_get_finished(s, cb, sizeof cb);
	}
	text = enc_base64_dup(cb, n);
	printf("binding %s\n", text);
	free(text);
}

static int
probe_post(struct probe *p)
{
	SSL *s = probe_tls(p);
	struct buf in;
	int i, status = -1;

	if (s == NULL) {
		printf("handshake failed\n");
		return 1;
	}
	probe_binding(s);
	buf_init(&in, PROBE_ANSWER_MAX);
	for (i = 0; i < p->times; i++) {
		if (SSL_write(s, p->request.data,
		    (int)p->request.len) <= 0 ||
		    (status = probe_answer(s, &in)) < 0) {
			printf("connection closed\n");
			break;
		}
		printf("status %d\n%s\n", status, buf_str(&in));
	}
	buf_fini(&in);
	probe_close(s);
	return status < 0;
}

/* --- load --- */

static void *
probe_worker(void *arg)
{
	struct probe *p = arg;
	struct buf in;
	SSL *s;

	buf_init(&in, PROBE_ANSWER_MAX);
	while (!atomic_load(&p->stop)) {
		s = probe_tls(p);
		if (s != NULL && SSL_write(s, p->request.data,
		    (int)p->request.len) > 0 && probe_answer(s, &in) == 200)
			atomic_fetch_add(&p->done, 1);
		else
			atomic_fetch_add(&p->errors, 1);
		if (s != NULL)
			probe_close(s);
	}
	buf_fini(&in);
	return NULL;
}

static int
probe_load(struct probe *p)
{
	pthread_t t[PROBE_THREADS_MAX];
	int64_t start = probe_now_ms(), took;
	int i;

	if (p->threads > PROBE_THREADS_MAX)
		p->threads = PROBE_THREADS_MAX;
	for (i = 0; i < p->threads; i++)
		if (pthread_create(&t[i], NULL, probe_worker, p) != 0)
			probe_die("thread");
	poll(NULL, 0, p->seconds * 1000);
	took = probe_now_ms() - start;
	printf("rate %ld errors %ld\n", atomic_load(&p->done) * 1000 /
	    (long)took, atomic_load(&p->errors));
	fflush(stdout);
	atomic_store(&p->stop, true);
	for (i = 0; i < p->threads; i++)
		pthread_join(t[i], NULL);
	return atomic_load(&p->errors) > 0;
}

/* --- hold --- */

struct held {
	int fd;
	SSL *s;
};

static void
probe_hold_open(struct probe *p, struct held *h, const char *kind)
{
	static const unsigned char record[] = { 0x16, 3, 1, 2, 0 };

	h->s = NULL;
	if (strcmp(kind, "idle") == 0 || strcmp(kind, "slow") == 0) {
		h->s = probe_tls(p);
		h->fd = h->s != NULL ? SSL_get_fd(h->s) : -1;
		return;
	}
	h->fd = probe_connect(p->port);
	if (h->fd < 0)
		return;
	if (strcmp(kind, "byte") == 0) {
		if (write(h->fd, record, sizeof record) < 0)
			return;
	} else if (strcmp(kind, "half") == 0) {
		h->s = SSL_new(p->ctx);
		fcntl(h->fd, F_SETFL, O_NONBLOCK);
		SSL_set_fd(h->s, h->fd);
		SSL_connect(h->s);   /* the ClientHello goes, no more */
	}
}

static void
probe_hold_drip(struct held *h, const char *kind)
{
	if (h->fd < 0)
		return;
	if (strcmp(kind, "byte") == 0) {
		if (write(h->fd, "\001", 1) < 0)
			return;
	} else if (strcmp(kind, "slow") == 0 && h->s != NULL) {
		if (SSL_write(h->s, "G", 1) <= 0)
			return;
	}
}

/* What came (alerts, tickets) is read away: only the end counts. */
static int
probe_held(const struct held *h)
{
	char bytes[4096];
	ssize_t n = 1;

	if (h->fd < 0)
		return 0;
	while (n > 0)
		n = recv(h->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	return n < 0 && errno == EAGAIN;
}

static int
probe_hold(struct probe *p, const char *kind, int count)
{
	struct held *h = calloc((size_t)count, sizeof *h);
	int64_t end;
	int i, open = 1;

	if (h == NULL)
		probe_die("memory");
	for (i = 0; i < count; i++)
		probe_hold_open(p, &h[i], kind);
	printf("held %d\n", count);
	fflush(stdout);
	end = probe_now_ms() + (int64_t)p->seconds * 1000;
	while (probe_now_ms() < end && open > 0) {
		poll(NULL, 0, 1000);
		for (i = open = 0; i < count; i++) {
			probe_hold_drip(&h[i], kind);
			open += probe_held(&h[i]);
		}
	}
	for (i = open = 0; i < count; i++) {
		open += probe_held(&h[i]);
		SSL_free(h[i].s);
		if (h[i].fd >= 0)
			close(h[i].fd);
	}
	printf("open %d\n", open);
	free(h);
	return 0;
}

/* --- options --- */

/* A key whose public half is the certificate's and whose private half is not:
 * it passes every check but the server's. */
static EVP_PKEY *
probe_wrong_key(X509 *cert)
{
	AUTO(EVP_PKEY) *other = EVP_EC_gen("P-256");
	AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *mixed = NULL;
	unsigned char pub[80];
	BIGNUM *priv = NULL;
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(X509_get0_pubkey(cert),
	    OSSL_PKEY_PARAM_PUB_KEY, pub, sizeof pub, &n) == 1 &&
	    EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_PRIV_KEY,
	    &priv) == 1 && OSSL_PARAM_BLD_push_utf8_string(bld,
	    OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    pub, n) == 1 && OSSL_PARAM_BLD_push_BN(bld,
	    OSSL_PKEY_PARAM_PRIV_KEY, priv) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &mixed, EVP_PKEY_KEYPAIR, params) != 1)
		probe_die("wrong key");
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(priv);
	return mixed;
}

static X509 *
probe_use_cert(struct probe *p, const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *leaf = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (f != NULL)
		fclose(f);
	if (leaf == NULL ||
	    SSL_CTX_use_certificate_chain_file(p->ctx, path) != 1)
		probe_die("certificate");
	return leaf;
}

static void
probe_identity(struct probe *p, const char *cert, const char *key, int wrong)
{
	X509 *leaf;
	EVP_PKEY *k;

	if (cert == NULL)
		return;
	leaf = probe_use_cert(p, cert);
	if (wrong) {
		k = probe_wrong_key(leaf);
		if (SSL_CTX_use_PrivateKey(p->ctx, k) != 1)
			probe_die("key");
		EVP_PKEY_free(k);
	} else if (key == NULL || SSL_CTX_use_PrivateKey_file(p->ctx, key,
	    SSL_FILETYPE_PEM) != 1) {
		probe_die("key");
	}
	X509_free(leaf);
}

static const char *
probe_option(int argc, char **argv, const char *name)
{
	size_t n = strlen(name);
	int i;

	for (i = 6; i < argc; i++)
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	return NULL;
}

static int
probe_number(const char *s, int otherwise, int max)
{
	long n = s != NULL ? strtol(s, NULL, 10) : otherwise;

	if (n < 0 || n > max)
		probe_die("number");
	return (int)n;
}

static void
probe_setup(struct probe *p, int argc, char **argv)
{
	const char *tls = probe_option(argc, argv, "tls");
	int version = tls == NULL ? 0 : strcmp(tls, "1.2") == 0 ?
	    TLS1_2_VERSION : TLS1_3_VERSION;

	if (SSL_CTX_load_verify_locations(p->ctx, argv[3], NULL) != 1)
		probe_die("root");
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(p->ctx, version);
	SSL_CTX_set_max_proto_version(p->ctx, version);
	p->path = argv[4];
	buf_init(&p->body, 0);
	if (file_read(argv[5], 16u << 20, &p->body) < 0)
		probe_die("file");
	p->login = probe_option(argc, argv, "login");
	p->times = probe_number(probe_option(argc, argv, "times"), 1, 1000);
	p->threads = probe_number(probe_option(argc, argv, "threads"), 4,
	    PROBE_THREADS_MAX);
	p->seconds = probe_number(probe_option(argc, argv, "seconds"), 3,
	    3600);
	probe_identity(p, probe_option(argc, argv, "cert"),
	    probe_option(argc, argv, "key"),
	    probe_option(argc, argv, "wrongkey") != NULL);
	probe_request(p);
}

int
main(int argc, char **argv)
{
	static struct probe p;
	int rc;

	if (argc < 6)
		probe_die("see the head of est_probe.c");
	signal(SIGPIPE, SIG_IGN);
	p.port = (uint16_t)probe_number(argv[2], 0, 65535);
	p.ctx = SSL_CTX_new(TLS_client_method());
	if (p.ctx == NULL)
		probe_die("TLS");
	if (strcmp(argv[1], "hold") == 0) {
		p.seconds = probe_number(argv[5], 3, 3600);
		rc = probe_hold(&p, argv[3], probe_number(argv[4], 1,
		    PROBE_HOLD_MAX));
		SSL_CTX_free(p.ctx);
		return rc;
	}
	probe_setup(&p, argc, argv);
	rc = strcmp(argv[1], "load") == 0 ? probe_load(&p) : probe_post(&p);
	buf_fini(&p.body);
	buf_fini(&p.request);
	SSL_CTX_free(p.ctx);
	return rc;
}
