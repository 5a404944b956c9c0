/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/tls_probe.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "ca/base/mono.h"
#include "enroll/onvif/tcp.h"
#include "enroll/onvif/tls_verify.h"
#include "enroll/onvif/trouble.h"

#define PROBE_MS 10000L

struct probe {
	const struct tls_target *target;
	struct cam_why *why;
	struct tcp tcp;
	SSL_CTX *ctx;
	SSL *ssl;
};

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
	if (!tls_client_set(p->ctx, p->target->client))
		return cam_fail_plain(p->why, CAMCA_ECRYPTO);
	p->ssl = SSL_new(p->ctx);
	if (p->ssl == NULL || SSL_set_fd(p->ssl, p->tcp.fd) != 1 || (!ip &&
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
			ret = tcp_wait(&p->tcp, POLLIN);
			break;
		case SSL_ERROR_WANT_WRITE:
			ret = tcp_wait(&p->tcp, POLLOUT);
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

static void
probe_begin(struct probe *p, const struct tls_target *t, struct cam_why *why)
{
	*p = (struct probe){ .target = t, .why = why, .tcp = { .fd = -1,
	    .what = "TLS handshake", .stopping = t->stopping, .arg = t->arg,
	    .why = why } };
	cam_why_clear(why);
	p->tcp.end_ms = mono_ms() + (t->connect_ms > 0 ? t->connect_ms :
	    PROBE_MS);
}

/* No close_notify is waited for: what was asked has been shown. */
static void
probe_end(struct probe *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	tcp_close(&p->tcp);
	ERR_clear_error();
}

int
tls_probe(const struct tls_target *t, struct cam_served *out,
    struct cam_why *why)
{
	struct probe p;
	int ret;

	memset(out, 0, sizeof *out);
	probe_begin(&p, t, why);
	ret = tcp_connect(&p.tcp, t->host, t->port);
	if (ret == CAMCA_OK)
		ret = probe_setup(&p);
	if (ret == CAMCA_OK)
		ret = probe_handshake(&p);
	if (ret == CAMCA_OK)
		ret = probe_take(&p, out);
	probe_end(&p);
	if (ret < 0)
		cam_served_fini(out);
	return ret;
}

/* One question that changes nothing, and whatever comes back. */
static int
probe_ask(struct probe *p)
{
	static const char ask[] = "HEAD / HTTP/1.1\r\nHost: camera\r\n"
	    "Connection: close\r\n\r\n";
	char one;
	int rc, ret;

	rc = SSL_write(p->ssl, ask, sizeof ask - 1);
	while (rc > 0) {
		ERR_clear_error();
		rc = SSL_read(p->ssl, &one, 1);
		if (rc == 1)
			return CAMCA_OK;
		if (SSL_get_error(p->ssl, rc) != SSL_ERROR_WANT_READ)
			break;
		if ((ret = tcp_wait(&p->tcp, POLLIN)) < 0)
			return ret;
		rc = 1;
	}
	return cam_fail(p->why, CAMCA_EIO, CAM_TLS,
	    "The TLS server ends the connection.");
}

int
tls_taken(const struct tls_target *t, bool *out, struct cam_why *why)
{
	struct probe p;
	int ret;

	*out = false;
	probe_begin(&p, t, why);
	ret = tcp_connect(&p.tcp, t->host, t->port);
	if (ret == CAMCA_OK)
		ret = probe_setup(&p);
	if (ret == CAMCA_OK) {
		ret = probe_handshake(&p);
		if (ret == CAMCA_OK)
			ret = probe_ask(&p);
		*out = ret == CAMCA_OK;
		/* It answers, and ends it: that is a no. */
		if (ret == CAMCA_EIO && why != NULL && why->code == CAM_TLS)
			ret = CAMCA_OK;
	}
	probe_end(&p);
	return ret;
}
