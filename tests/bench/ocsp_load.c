/* SPDX-License-Identifier: Apache-2.0 */
/* Load for OCSP responders, and for servers that answer a constant, from one
 * epoll loop, the same for all that are compared:
 *
 *   ocsp_load PORT post|get|new|nonce CONNECTIONS SECONDS ISSUER.pem SERIALS
 *
 * SERIALS has one hex number a line; requests walk through them. new: POST,
 * each on a connection of its own. Prints {"rate":…,"n":…,"bad":…}: bad ones
 * are no HTTP 200, or shorter than a signed answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"

#define LOAD_MAX_CONNS 1024
#define LOAD_IN 8192
#define LOAD_NONCE 32
#define LOAD_SIGNED 200          /* an error of OCSP has 5 bytes */

struct shot {                    /* one HTTP request, ready to send */
	uint8_t *p;
	size_t n;
	size_t nonce;            /* where it stands, 0: none */
};

struct peer {
	int fd;
	size_t out;              /* sent of its request */
	size_t shot;
	size_t in;
	char data[LOAD_IN];
};

struct load {
	int port, epoll;
	bool fresh;              /* a connection for each */
	struct shot *shots;
	size_t nshots, next;
	long n, bad;
	bool over;
};

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- requests ---- */

static OCSP_REQUEST *
shot_request(X509 *issuer, const char *serial, bool nonce)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	uint8_t v[LOAD_NONCE + 2] = { 0x04, LOAD_NONCE };
	ASN1_OCTET_STRING *s;
	X509_EXTENSION *e;
	BIGNUM *bn = NULL;
	ASN1_INTEGER *i;

	BN_hex2bn(&bn, serial);
	i = BN_to_ASN1_INTEGER(bn, NULL);
	OCSP_request_add0_id(req, OCSP_cert_id_new(EVP_sha1(),
	    X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer),
	    i));
	BN_free(bn);
	ASN1_INTEGER_free(i);
	if (!nonce)
		return req;
	memset(v + 2, 0xee, LOAD_NONCE);
	s = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(s, v, sizeof v);
	e = X509_EXTENSION_create_by_NID(NULL, NID_id_pkix_OCSP_Nonce, 0, s);
	OCSP_REQUEST_add_ext(req, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	return req;
}

static struct shot
shot_make(X509 *issuer, const char *serial, const char *mode)
{
	bool nonce = strcmp(mode, "nonce") == 0;
	OCSP_REQUEST *req = shot_request(issuer, serial, nonce);
	unsigned char *der = NULL;
	int n = i2d_OCSP_REQUEST(req, &der);
	struct shot s = { 0 };
	struct buf b;
	char *b64;
	int ret;

	buf_init(&b, 0);
	if (strcmp(mode, "get") == 0) {
		b64 = enc_base64_dup(der, (size_t)n);
		ret = buf_printf(&b, "GET /ocsp/%s HTTP/1.1\r\n"
		    "Host: localhost\r\n\r\n", b64);
		free(b64);
	} else {
		ret = buf_printf(&b, "POST /ocsp HTTP/1.1\r\n"
		    "Host: localhost\r\n%s"
		    "Content-Type: application/ocsp-request\r\n"
		    "Content-Length: %d\r\n\r\n",
		    strcmp(mode, "new") == 0 ? "Connection: close\r\n" : "",
		    n);
		if (ret == 0)
			ret = buf_put(&b, der, (size_t)n);
	}
	if (ret < 0)
		die("memory");
	s.p = b.data;
	s.n = b.len;
	if (nonce)
		s.nonce = b.len - LOAD_NONCE;
	OPENSSL_free(der);
	OCSP_REQUEST_free(req);
	return s;
}

static void
shots_load(struct load *l, const char *pem, const char *serials,
    const char *mode)
{
	FILE *f = fopen(pem, "r");
	X509 *issuer = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	char line[128];

	if (issuer == NULL)
		die(pem);
	fclose(f);
	f = fopen(serials, "r");
	if (f == NULL)
		die(serials);
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		l->shots = realloc(l->shots, (l->nshots + 1) *
		    sizeof *l->shots);
		if (l->shots == NULL)
			die("memory");
		l->shots[l->nshots++] = shot_make(issuer, line, mode);
	}
	fclose(f);
	X509_free(issuer);
	if (l->nshots == 0)
		die("no serials");
}

/* ---- connections ---- */

static void
peer_watch(struct load *l, struct peer *p, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(l->epoll, op, p->fd, &ev) != 0)
		die("epoll_ctl");
}

static void
peer_open(struct load *l, struct peer *p)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)l->port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int on = 1;

	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		die("socket");
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(p->fd, (struct sockaddr *)&sa, sizeof sa) != 0 &&
	    errno != EINPROGRESS)
		die("connect");
	peer_watch(l, p, EPOLLOUT, EPOLL_CTL_ADD);
}

/* The next request of this connection: a serial, and a nonce of its own. */
static void
peer_load(struct load *l, struct peer *p)
{
	struct shot *s;

	p->shot = l->next++ % l->nshots;
	p->out = p->in = 0;
	s = &l->shots[p->shot];
	if (s->nonce != 0)
		memcpy(s->p + s->nonce, &l->next, sizeof l->next);
}

static void peer_done(struct load *l, struct peer *p, long body);

static void
peer_send(struct load *l, struct peer *p)
{
	struct shot *s = &l->shots[p->shot];
	ssize_t n = send(p->fd, s->p + p->out, s->n - p->out, MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN) {
		peer_watch(l, p, EPOLLOUT, EPOLL_CTL_MOD);
		return;
	}
	if (n < 0 && l->fresh) {
		peer_done(l, p, 0);
		return;
	}
	if (n < 0)
		die("send");
	p->out += (size_t)n;
	if (p->out == s->n)
		peer_watch(l, p, EPOLLIN, EPOLL_CTL_MOD);
}

/* Is a whole answer there? Its body's length, or -1. */
static long
peer_body(const struct peer *p)
{
	const char *end = memmem(p->data, p->in, "\r\n\r\n", 4), *len;
	long n;

	if (end == NULL)
		return -1;
	len = strcasestr(p->data, "Content-Length:");
	if (len == NULL || len > end)
		return p->in > 0 ? 0 : -1;
	n = atol(len + 15);
	return p->in >= (size_t)(end + 4 - p->data) + (size_t)n ? n : -1;
}

static void
peer_done(struct load *l, struct peer *p, long body)
{
	l->n++;
	if (body < LOAD_SIGNED || memcmp(p->data + 8, " 200", 4) != 0)
		l->bad++;
	if (l->fresh) {
		close(p->fd);
		peer_load(l, p);
		peer_open(l, p);
	} else {
		peer_load(l, p);
		peer_send(l, p);
	}
}

static void
peer_read(struct load *l, struct peer *p)
{
	ssize_t n = recv(p->fd, p->data + p->in, LOAD_IN - 1 - p->in, 0);
	long body;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		p->in += (size_t)n;
		p->data[p->in] = '\0';
	}
	body = peer_body(p);
	if (n <= 0 && !l->fresh)
		die("the server hung up");
	/* The client closes first: on the loopback Linux uses such ports again at
	 * once, and openssl ocsp takes its time to close. */
	if (n <= 0 || body >= 0)
		peer_done(l, p, body);
}

/* Until that time; requests under way stay so. */
static void
load_until(struct load *l, double end)
{
	struct epoll_event ev[64];
	int k;

	while (now() < end) {
		k = epoll_wait(l->epoll, ev, 64, 1000);
		for (int i = 0; i < k; i++) {
			struct peer *p = ev[i].data.ptr;

			if ((ev[i].events & (EPOLLIN | EPOLLHUP |
			    EPOLLERR)) != 0)
				peer_read(l, p);
			else
				peer_send(l, p);
		}
	}
}

int
main(int argc, char **argv)
{
	struct load l = { 0 };
	struct peer *peers;
	double start;
	size_t n;

	if (argc != 7)
		return 2;
	l.port = atoi(argv[1]);
	l.fresh = strcmp(argv[2], "new") == 0;
	n = strtoul(argv[3], NULL, 10);
	if (n < 1 || n > LOAD_MAX_CONNS)
		return 2;
	shots_load(&l, argv[5], argv[6], argv[2]);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	peers = calloc(n, sizeof *peers);
	if (l.epoll < 0 || peers == NULL)
		die("epoll");
	for (size_t i = 0; i < n; i++) {
		peer_load(&l, &peers[i]);
		peer_open(&l, &peers[i]);
	}
	/* A second first, so that what is measured is the steady state. Not by
	 * hanging up in between: openssl ocsp would die of SIGPIPE. */
	load_until(&l, now() + 1);
	l.n = l.bad = 0;
	start = now();
	load_until(&l, start + atof(argv[4]));
	printf("{\"rate\":%.1f,\"n\":%ld,\"bad\":%ld}\n",
	    (double)l.n / (now() - start), l.n, l.bad);
	return 0;
}
