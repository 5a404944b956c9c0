/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/conn.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/enc.h"
#include "ca/base/mono.h"

struct conn {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int64_t deadline_ms;      /* CLOCK_MONOTONIC */
	bool usable;
};

/* Deadlines do not follow the wall clock: a camera sets it after booting. */
static int
conn_late(struct refusal *why)
{
	return refuse(why, CAMCA_ETIME, 504, "net.timeout",
	    "The server did not answer in time.");
}

/* Waits until fd can be read or written, at most until the deadline. */
static int
conn_wait(const struct conn *c, short events, struct refusal *why)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left;
	int n;

	for (;;) {
		left = c->deadline_ms - mono_ms();
		if (left <= 0)
			return conn_late(why);
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return CAMCA_OK;
		if (n < 0 && errno != EINTR)
			return refuse(why, CAMCA_EIO, 504, "net.poll",
			    "poll: %s.", strerror(errno));
	}
}

/* Non-blocking from the start, so that a host that swallows packets costs the
 * deadline and no more. */
static int
conn_tcp_one(struct conn *c, const struct addrinfo *ai, struct refusal *why)
{
	socklen_t len = sizeof(int);
	int err = 0, ret;

	c->fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, ai->ai_protocol);
	if (c->fd < 0)
		return refuse(why, CAMCA_EIO, 504, "net.socket", "socket: %s.",
		    strerror(errno));
	if (connect(c->fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return CAMCA_OK;
	if (errno != EINPROGRESS)
		err = errno;
	else if ((ret = conn_wait(c, POLLOUT, why)) < 0)
		return ret;
	else if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err == 0)
		return CAMCA_OK;
	return refuse(why, CAMCA_EIO, 504, "net.connect",
	    "No connection to the server: %s.", strerror(err));
}

/* Tries each address in turn (IPv6 and IPv4) within the one deadline. Name
 * resolution itself keeps to the resolver's own timeouts. */
static int
conn_tcp(struct conn *c, const struct conn_config *cfg, struct refusal *why)
{
	const char *host = cfg->connect_to != NULL ? cfg->connect_to :
	    cfg->url->host;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL, *ai;
	int gai, ret = CAMCA_EIO;

	gai = getaddrinfo(host, cfg->url->port, &hints, &list);
	if (gai != 0)
		return refuse(why, CAMCA_EIO, 504, "net.resolve",
		    "Host %s has no address: %s.", host, gai_strerror(gai));
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		ret = conn_tcp_one(c, ai, why);
		if (ret == CAMCA_OK || ret == CAMCA_ETIME)
			break;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
	freeaddrinfo(list);
	return ret;
}

static int
conn_broken(struct refusal *why, const char *what)
{
	char text[160] = "no detail";
	unsigned long e = ERR_peek_last_error();

	if (e != 0)
		ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	return refuse(why, CAMCA_ECRYPTO, 500, "tls.setup", "%s: %s.", what,
	    text);
}

/* RFC 7030 3.3 with RFC 8996: TLS 1.2 or newer, forward secrecy and AEAD. No
 * resumption and no renegotiation: each channel binding belongs to exactly one
 * full handshake (RFC 9266 4.1). */
static int
conn_tls_context(struct conn *c, const struct conn_config *cfg,
    struct refusal *why)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (c->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(c->ctx, cfg->tls_max) != 1 ||
	    SSL_CTX_set_cipher_list(c->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		return conn_broken(why, "TLS cannot be set up");
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(c->ctx, cfg->trust != NULL ? SSL_VERIFY_PEER :
	    SSL_VERIFY_NONE, NULL);
	if (cfg->trust != NULL)
		SSL_CTX_set1_cert_store(c->ctx, cfg->trust);
	if (cfg->cert == NULL)
		return CAMCA_OK;
	if (SSL_CTX_use_certificate(c->ctx, cfg->cert) != 1 ||
	    (cfg->chain != NULL &&
	    SSL_CTX_set1_chain(c->ctx, cfg->chain) != 1) ||
	    SSL_CTX_use_PrivateKey(c->ctx, cfg->key) != 1)
		return conn_broken(why, "Own certificate cannot be used");
	return CAMCA_OK;
}

/* Whom we expect to meet. The name is checked even where trust is missing: a
 * bootstrap then ignores the verdict as a whole. */
static int
conn_tls_peer(struct conn *c, const struct conn_config *cfg,
    struct refusal *why)
{
	const struct url *u = cfg->url;
	X509_VERIFY_PARAM *p;

	c->ssl = SSL_new(c->ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		return conn_broken(why, "TLS cannot be set up");
	p = SSL_get0_param(c->ssl);
	X509_VERIFY_PARAM_set_time(p, (time_t)(cfg->now_ms / 1000));
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (u->is_ip ? X509_VERIFY_PARAM_set1_ip_asc(p, u->host) != 1 :
	    X509_VERIFY_PARAM_set1_host(p, u->host, 0) != 1 ||
	    SSL_set_tlsext_host_name(c->ssl, u->host) != 1)
		return conn_broken(why, "TLS cannot be set up");
	return CAMCA_OK;
}

/* Is this a fatal alert about our own certificate? RFC 8446 6.2. */
static bool
conn_alert_refuses(int alert)
{
	return (alert >= SSL_AD_BAD_CERTIFICATE &&
	    alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
	    alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
	    alert == SSL_AD_CERTIFICATE_REQUIRED;
}

/* Turns a failed SSL call that is not a mere wait into error and sentence. */
static int
conn_tls_error(struct conn *c, int ssl_error, int saved_errno,
    struct refusal *why)
{
	long verify = SSL_get_verify_result(c->ssl);
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_REASON(e), alert = reason - SSL_AD_REASON_OFFSET;
	char text[160] = "connection closed";

	c->usable = false;
	if (e != 0)
		ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	/* The queue may begin with the signature that failed: the verdict is
	 * what counts. */
	if (verify != X509_V_OK && SSL_get_verify_mode(c->ssl) != 0)
		return refuse(why, CAMCA_EAUTH, 502, "tls.server-not-trusted",
		    "The server's certificate is not trusted: %s%s.",
		    X509_verify_cert_error_string(verify),
		    verify == X509_V_ERR_CERT_NOT_YET_VALID ||
		    verify == X509_V_ERR_CERT_HAS_EXPIRED ?
		    " (is the clock right?)" : "");
	if (e != 0 && alert > 0 && conn_alert_refuses(alert))
		return refuse(why, CAMCA_EPOLICY, 403, "tls.refused-by-server",
		    "The server refuses the TLS client certificate: alert %d, "
		    "%s.", alert, SSL_alert_desc_string_long(alert));
	if (ssl_error == SSL_ERROR_SYSCALL && saved_errno != 0)
		return refuse(why, CAMCA_EIO, 504, "net.broken",
		    "The connection broke: %s.", strerror(saved_errno));
	return refuse(why, e == 0 ? CAMCA_EIO : CAMCA_EPROTO, 502,
	    "tls.failed", "TLS failed: %s.", text);
}

/* After a call that returned n <= 0: waits and says 0 to repeat it. */
static int
conn_tls_again(struct conn *c, int n, struct refusal *why)
{
	int saved = errno, err = SSL_get_error(c->ssl, n);

	if (err == SSL_ERROR_WANT_READ)
		return conn_wait(c, POLLIN, why);
	if (err == SSL_ERROR_WANT_WRITE)
		return conn_wait(c, POLLOUT, why);
	return conn_tls_error(c, err, saved, why);
}

static int
conn_handshake(struct conn *c, struct refusal *why)
{
	int n, ret;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		n = SSL_connect(c->ssl);
		if (n == 1)
			return CAMCA_OK;
		if ((ret = conn_tls_again(c, n, why)) < 0)
			return ret;
	}
}

int
conn_open(struct conn **out, const struct conn_config *cfg,
    struct refusal *why)
{
	struct conn *c = calloc(1, sizeof *c);
	int ret;

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->fd = -1;
	c->deadline_ms = mono_ms() + cfg->timeout_ms;
	if ((ret = conn_tcp(c, cfg, why)) < 0 ||
	    (ret = conn_tls_context(c, cfg, why)) < 0 ||
	    (ret = conn_tls_peer(c, cfg, why)) < 0 ||
	    (ret = conn_handshake(c, why)) < 0) {
		conn_close(c);
		return ret;
	}
	c->usable = true;
	*out = c;
	return CAMCA_OK;
}

void
conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	/* One close_notify, not waited for: the peer may be gone. */
	if (c->ssl != NULL && c->usable)
		(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* The request must not be sent twice by accident: what was written counts,
 * and a repeat is the caller's decision. */
static int
conn_write(struct conn *c, const struct buf *request, struct refusal *why)
{
	size_t done = 0, n;
	int r, ret;

	while (done < request->len) {
		ERR_clear_error();
		errno = 0;
		r = SSL_write_ex(c->ssl, request->data + done,
		    request->len - done, &n);
		if (r == 1)
			done += n;
		else if ((ret = conn_tls_again(c, r, why)) < 0)
			return ret;
	}
	return CAMCA_OK;
}

/* Feeds what was read; 1 when the response is whole. */
static int
conn_feed(struct conn *c, struct http_reader *r, const uint8_t *p, size_t n,
    struct refusal *why)
{
	size_t used;
	int ret = http_reader_feed(r, p, n, &used, why);

	/* Bytes that nobody asked for: the next response could not be told
	 * from them. */
	if (ret != 1 || used < n || !r->keep_alive)
		c->usable = false;
	return ret;
}

int
conn_exchange(struct conn *c, const struct buf *request,
    struct http_reader *r, struct refusal *why)
{
	uint8_t in[4096];
	size_t n;
	int got, ret;

	c->usable = false;
	if ((ret = conn_write(c, request, why)) < 0)
		return ret;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		got = SSL_read_ex(c->ssl, in, sizeof in, &n);
		if (got == 1) {
			c->usable = true;
			ret = conn_feed(c, r, in, n, why);
			if (ret != 0)
				return ret < 0 ? ret : CAMCA_OK;
			continue;
		}
		if (SSL_get_error(c->ssl, got) == SSL_ERROR_ZERO_RETURN)
			return http_reader_eof(r, why);
		if ((ret = conn_tls_again(c, got, why)) < 0)
			return ret;
	}
}

bool
conn_usable(const struct conn *c)
{
	return c->usable;
}

int
conn_binding(const struct conn *c, struct buf *out, struct refusal *why)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	uint8_t value[64];
	size_t n = 0;

	if (SSL_version(c->ssl) >= TLS1_3_VERSION) {
		/* RFC 9266 4.2: empty context, which is not "no context". */
		n = SSL_export_keying_material(c->ssl, value, 32, label,
		    sizeof label - 1, (const uint8_t *)"", 0, 1) == 1 ? 32 : 0;
	} else if (!SSL_session_reused(c->ssl)) {
		/* RFC 5929 3: the first Finished message of a full handshake
		 * is the client's. */
		n = SSL_get_finished(c->ssl, value, sizeof value);
	}
	ERR_clear_error();
	if (n == 0 || n > sizeof value)
		return refuse(why, CAMCA_ECRYPTO, 500, "tls.no-binding",
		    "This TLS connection gives no channel binding.");
	return enc_base64(out, value, n, 0);
}
