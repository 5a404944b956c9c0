/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/tls_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "enroll/onvif/trouble.h"

#define PROBE_MS 10000L
#define PROBE_SLICE_MS 200

struct probe {
	const struct tls_target *target;
	struct cam_why *why;
	int64_t end_ms;              /* monotonic */
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

static int64_t
probe_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until fd can do events, in slices, so that a stop is heard. */
static int
probe_poll(struct probe *p, short events)
{
	const struct tls_target *t = p->target;
	struct pollfd fd = { p->fd, events, 0 };
	int n;

	while (probe_now_ms() < p->end_ms) {
		if (t->stopping != NULL && t->stopping(t->arg))
			return cam_fail(p->why, CAMCA_EBUSY, CAM_STOPPED,
			    "Stopped during a TLS handshake.");
		n = poll(&fd, 1, PROBE_SLICE_MS);
		if (n > 0)
			return CAMCA_OK;
		if (n < 0 && errno != EINTR)
			return cam_fail(p->why, CAMCA_EIO, CAM_UNREACHABLE,
			    "Connection: %s.", strerror(errno));
	}
	return cam_fail(p->why, CAMCA_ETIME, CAM_TIMEOUT,
	    "No TLS handshake within the time.");
}

static int
probe_connect_to(struct probe *p, const struct addrinfo *a)
{
	int err = 0, ret;
	socklen_t len = sizeof err;

	p->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, a->ai_protocol);
	if (p->fd < 0)
		return cam_fail(p->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No socket: %s.", strerror(errno));
	if (connect(p->fd, a->ai_addr, a->ai_addrlen) == 0)
		return CAMCA_OK;
	if (errno != EINPROGRESS)
		return cam_fail(p->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No connection: %s.", strerror(errno));
	ret = probe_poll(p, POLLOUT);
	if (ret < 0)
		return ret;
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 ||
	    err != 0)
		return cam_fail(p->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No connection: %s.", strerror(err != 0 ? err : errno));
	return CAMCA_OK;
}

static int
probe_connect(struct probe *p)
{
	struct addrinfo hints, *list, *a;
	char port[8];
	int ret = CAMCA_EIO, rc;

	memset(&hints, 0, sizeof hints);
	hints.ai_socktype = SOCK_STREAM;
	snprintf(port, sizeof port, "%u", (unsigned)p->target->port);
	rc = getaddrinfo(p->target->host, port, &hints, &list);
	if (rc != 0)
		return cam_fail(p->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "The camera's address: %s.", gai_strerror(rc));
	for (a = list; a != NULL; a = a->ai_next) {
		ret = probe_connect_to(p, a);
		if (ret != CAMCA_EIO)
			break;
		if (p->fd >= 0)
			close(p->fd);
		p->fd = -1;
	}
	freeaddrinfo(list);
	return ret;
}

static int
probe_setup(struct probe *p)
{
	uint8_t addr[16];
	bool ip = inet_pton(AF_INET, p->target->host, addr) == 1 ||
	    inet_pton(AF_INET6, p->target->host, addr) == 1;

	p->ctx = SSL_CTX_new(TLS_client_method());
	if (p->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(p->ctx, TLS1_2_VERSION) != 1)
		return cam_fail_plain(p->why, CAMCA_ENOMEM);
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(p->ctx, SSL_SESS_CACHE_OFF);
	p->ssl = SSL_new(p->ctx);
	if (p->ssl == NULL || SSL_set_fd(p->ssl, p->fd) != 1 || (!ip &&
	    SSL_set_tlsext_host_name(p->ssl, p->target->host) != 1))
		return cam_fail_plain(p->why, CAMCA_ENOMEM);
	return CAMCA_OK;
}

static int
probe_handshake(struct probe *p)
{
	char text[160] = "the connection was closed";
	unsigned long e;
	int rc, ret;

	for (;;) {
		ERR_clear_error();
		rc = SSL_connect(p->ssl);
		if (rc == 1)
			return CAMCA_OK;
		switch (SSL_get_error(p->ssl, rc)) {
		case SSL_ERROR_WANT_READ:
			ret = probe_poll(p, POLLIN);
			break;
		case SSL_ERROR_WANT_WRITE:
			ret = probe_poll(p, POLLOUT);
			break;
		default:
			e = ERR_get_error();
			if (e != 0)
				ERR_error_string_n(e, text, sizeof text);
			ERR_clear_error();
			return cam_fail(p->why, CAMCA_EIO, CAM_TLS,
			    "No TLS handshake: %s.", text);
		}
		if (ret < 0)
			return ret;
	}
}

static int
probe_take(struct probe *p, struct cam_served *out)
{
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(p->ssl);
	unsigned len = 0;
	X509 *x;
	int i;

	for (i = 0; i < sk_X509_num(sent) && out->n < CAM_SERVED_MAX; i++) {
		x = sk_X509_value(sent, i);
		if (X509_up_ref(x) != 1)
			return cam_fail_plain(p->why, CAMCA_ECRYPTO);
		out->chain[out->n++] = x;
	}
	if (out->n == 0)
		return cam_fail(p->why, CAMCA_EIO, CAM_TLS,
		    "The TLS server has shown no certificate.");
	out->version = SSL_version(p->ssl);
	if (X509_digest(out->chain[0], EVP_sha256(), out->sha256, &len) != 1)
		return cam_fail_plain(p->why, CAMCA_ECRYPTO);
	return CAMCA_OK;
}

int
tls_probe(const struct tls_target *t, struct cam_served *out,
    struct cam_why *why)
{
	struct probe p = { .target = t, .why = why, .fd = -1 };
	int ret;

	memset(out, 0, sizeof *out);
	cam_why_clear(why);
	p.end_ms = probe_now_ms() + (t->connect_ms > 0 ? t->connect_ms :
	    PROBE_MS);
	ret = probe_connect(&p);
	if (ret == CAMCA_OK)
		ret = probe_setup(&p);
	if (ret == CAMCA_OK)
		ret = probe_handshake(&p);
	if (ret == CAMCA_OK)
		ret = probe_take(&p, out);
	/* No close_notify is waited for: the certificate has been shown. */
	SSL_free(p.ssl);
	SSL_CTX_free(p.ctx);
	if (p.fd >= 0)
		close(p.fd);
	if (ret < 0)
		cam_served_fini(out);
	return ret;
}
