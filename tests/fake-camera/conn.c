/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/mono.h"
#include "tests/fake-camera/conn.h"
#include "tests/fake-camera/http.h"
#include "tests/fake-camera/rtsp.h"
#include "tests/fake-camera/soap.h"
#include "tests/fake-camera/spoil.h"
#include "tests/fake-camera/store.h"

#define CONN_IDLE_S 60
#define SOAP_TYPE "application/soap+xml; charset=utf-8"

static SSL_CTX *conn_ctx;        /* constant after conn_setup() */

/* ---- TLS ---- */

/* The certificate of this moment: it changes under the running server. */
static int
conn_certificate(SSL *ssl, void *arg)
{
	struct camera *cam = SSL_get_app_data(ssl);
	int good;

	(void)arg;
	pthread_mutex_lock(&cam->lock);
	tls_settle(cam);
	good = cam->served.leaf != NULL && SSL_use_cert_and_key(ssl,
	    cam->served.leaf, cam->served.key, cam->served.chain, 1) == 1;
	pthread_mutex_unlock(&cam->lock);
	return good;
}

int
conn_setup(void)
{
	conn_ctx = SSL_CTX_new(TLS_server_method());
	if (conn_ctx == NULL)
		return CAMCA_ECRYPTO;
	SSL_CTX_set_min_proto_version(conn_ctx, TLS1_2_VERSION);
	/* No resumption: each handshake shows the leaf. */
	SSL_CTX_set_options(conn_ctx, SSL_OP_NO_TICKET |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(conn_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(conn_ctx, 0);
	SSL_CTX_set_mode(conn_ctx, SSL_MODE_AUTO_RETRY |
	    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_cert_cb(conn_ctx, conn_certificate, NULL);
	return CAMCA_OK;
}

void
conn_teardown(void)
{
	SSL_CTX_free(conn_ctx);
	conn_ctx = NULL;
}

/* Client certificates by the policy's trust anchors. */
static int
conn_client_auth(struct camera *cam, SSL *ssl)
{
	X509_STORE *store = X509_STORE_new();
	struct policy *p;
	struct cert *c;
	unsigned i;
	bool refused;
	int good = store != NULL;

	pthread_mutex_lock(&cam->lock);
	p = cam->client_auth ? store_policy(cam, cam->assigned_policy) : NULL;
	if (p != NULL && fault_hit(cam, CF_CLIENT_IGNORED, NULL))
		p = NULL;
	refused = p != NULL && fault_hit(cam, CF_CLIENT_REFUSED, NULL);
	for (i = 0; good && p != NULL && !refused && i < p->n; i++)
		if ((c = store_cert(cam, p->anchors[i])) != NULL)
			good = X509_STORE_add_cert(store, c->x) == 1;
	pthread_mutex_unlock(&cam->lock);
	if (good && p != NULL) {
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
		good = SSL_set1_verify_cert_store(ssl, store) == 1;
		SSL_set_verify(ssl, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	X509_STORE_free(store);
	return good ? CAMCA_OK : CAMCA_ECRYPTO;
}

static int
conn_handshake(struct camera *cam, struct http_link *l, char *user,
    size_t len)
{
	X509 *peer;

	user[0] = '\0';
	l->ssl = SSL_new(conn_ctx);
	if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1 ||
	    SSL_set_app_data(l->ssl, cam) != 1 ||
	    conn_client_auth(cam, l->ssl) < 0 || SSL_accept(l->ssl) != 1) {
		ERR_clear_error();
		return CAMCA_EPROTO;
	}
	peer = SSL_get0_peer_certificate(l->ssl);
	if (peer != NULL)
		X509_NAME_get_text_by_NID(X509_get_subject_name(peer),
		    NID_commonName, user, (int)len);
	return CAMCA_OK;
}

/* ---- answers ---- */

static void
conn_wait(struct camera *cam, int64_t ms, const atomic_bool *stop)
{
	int64_t until = mono_ms() + ms, left;
	bool off = false;

	while (!off && !atomic_load(stop) && (left = until - mono_ms()) > 0) {
		poll(NULL, 0, (int)(left < 50 ? left : 50));
		if (left < 50)
			break;
		pthread_mutex_lock(&cam->lock);
		off = cam->off;
		pthread_mutex_unlock(&cam->lock);
	}
}

static void
conn_power(struct camera *cam, const struct soap_answer *a)
{
	if (!a->cut && a->off_ms == 0)
		return;
	pthread_mutex_lock(&cam->lock);
	camera_cut(cam, a->off_ms);
	pthread_mutex_unlock(&cam->lock);
}

/* True where the connection may be used again. */
static bool
conn_send(struct http_link *l, const struct http_request *rq,
    const struct soap_answer *a)
{
	char extra[1400] = "";
	size_t n = 0, len = a->body.b.len;
	struct buf half;
	unsigned i;
	bool sent;

	for (i = 0; i < 3; i++)
		if (a->challenge[i][0] != '\0')
			n += (size_t)snprintf(extra + n, sizeof extra - n,
			    "WWW-Authenticate: %s\r\n", a->challenge[i]);
	if (!a->truncate)
		return http_answer(l, a->status, SOAP_TYPE, extra,
		    a->body.b.data, len, rq->close) == 0 && !rq->close;
	/* The length promises the whole. */
	buf_init(&half, 0);
	sent = buf_printf(&half, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n", a->status, http_reason(a->status),
	    SOAP_TYPE, len) == 0 && buf_put(&half, a->body.b.data, len / 2) ==
	    0 && http_write(l, half.data, half.len) == 0;
	buf_fini(&half);
	(void)sent;
	return false;
}

/* The other doors with the same accounts: web page and RTSP. */
static bool
conn_login(struct camera *cam, struct http_link *l,
    const struct http_request *rq)
{
	bool web = strcmp(rq->target, "/web/login") == 0, good;
	int status = 401;
	char challenge[3][400], extra[1400] = "", body[160];
	struct auth a;
	size_t n = 0;
	unsigned i;

	pthread_mutex_lock(&cam->lock);
	cam->requests++;
	auth_http(cam, http_field(rq, "Authorization"), rq->method,
	    rq->target, web ? SURFACE_WEB : SURFACE_RTSP, web, &a);
	good = a.result == AUTH_GOOD;
	auth_challenge(cam, a.result == AUTH_STALE, web, challenge);
	if (good)
		status = 200;
	else if (a.result == AUTH_LOCKED && fault_hit(cam, CF_LOCK_TOLD,
	    NULL))
		status = (int)fault_value(cam, CF_LOCK_TOLD);
	snprintf(body, sizeof body, "{\"login\": %s}\n", good ? "true" :
	    "false");
	pthread_mutex_unlock(&cam->lock);
	for (i = 0; i < 3 && status == 401; i++)
		if (challenge[i][0] != '\0')
			n += (size_t)snprintf(extra + n, sizeof extra - n,
			    "WWW-Authenticate: %s\r\n", challenge[i]);
	return http_answer(l, status, "application/json", extra,
	    body, strlen(body), rq->close) == 0 && !rq->close;
}

static bool
conn_overload(struct camera *cam)
{
	bool hit;

	pthread_mutex_lock(&cam->lock);
	hit = fault_on(cam, CF_OVERLOAD) && (int64_t)cam->nconns >
	    fault_value(cam, CF_OVERLOAD) && fault_hit(cam, CF_OVERLOAD, NULL);
	if (hit)
		camera_cut(cam, spoil_boot_ms());
	pthread_mutex_unlock(&cam->lock);
	return hit;
}

static bool
conn_soap(const struct fleet *f, struct camera *cam, struct http_link *l,
    const struct http_request *rq, const char *tls_user,
    const atomic_bool *stop)
{
	struct soap_answer a = { .status = 200 };
	bool again = false;

	xo_init(&a.body);
	soap_handle(cam, rq, l->ssl != NULL, tls_user, &a);
	conn_wait(cam, f->latency_ms + a.slow_ms, stop);
	if (a.cut)
		conn_power(cam, &a);
	else if (!a.drop)
		again = conn_send(l, rq, &a);
	if (!a.cut && a.off_ms > 0) {
		conn_power(cam, &a);
		again = false;
	}
	xo_fini(&a.body);
	return again && !conn_overload(cam);
}

static bool
conn_request(const struct fleet *f, struct camera *cam, struct http_link *l,
    const struct http_request *rq, const char *tls_user,
    const atomic_bool *stop)
{
	bool soap = strcmp(rq->target, PATH_DEVICE) == 0 ||
	    strcmp(rq->target, PATH_SECURITY) == 0;
	int status = 404;

	if (soap && strcmp(rq->method, "POST") == 0)
		return conn_soap(f, cam, l, rq, tls_user, stop);
	if (strcmp(rq->method, "GET") == 0 && (strcmp(rq->target,
	    "/web/login") == 0 || strcmp(rq->target, "/rtsp/describe") == 0))
		return conn_login(cam, l, rq);
	if (soap)
		status = 405;
	return http_answer(l, status, "text/plain", "", "", 0, rq->close) ==
	    0 && !rq->close;
}

/* ---- the connection ---- */

static int
conn_enter(struct camera *cam, int fd)
{
	int slot = -1;
	int i;

	pthread_mutex_lock(&cam->lock);
	for (i = 0; i < CAM_CONNS && slot < 0; i++)
		if (cam->fd[i] < 0)
			slot = i;
	if (cam->off)
		slot = -1;
	if (slot >= 0) {
		cam->fd[slot] = fd;
		cam->nconns++;
	}
	pthread_mutex_unlock(&cam->lock);
	return slot;
}

static void
conn_leave(struct camera *cam, int slot)
{
	pthread_mutex_lock(&cam->lock);
	cam->fd[slot] = -1;
	cam->nconns--;
	pthread_mutex_unlock(&cam->lock);
}

static void
conn_limits(int fd)
{
	struct timeval tv = { .tv_sec = CONN_IDLE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* One request; true where another may follow. */
static bool
conn_turn(const struct fleet *f, struct camera *cam, struct http_link *l,
    const char *tls_user, const atomic_bool *stop)
{
	struct http_request rq;
	int status;
	bool again = false;

	http_request_init(&rq);
	if (http_read(l, &rq, &status) == 0)
		again = conn_request(f, cam, l, &rq, tls_user, stop);
	else if (status != 0 && http_answer(l, status, "text/plain",
	    "Connection: close\r\n", "", 0, false) < 0)
		again = false;
	http_request_fini(&rq);
	return again && !atomic_load(stop);
}

void
conn_camera(const struct fleet *f, struct camera *cam, int fd,
    enum door_kind kind, const atomic_bool *stop)
{
	struct http_link l = { .fd = fd, .rtsp = kind == DOOR_RTSP };
	struct linger now = { .l_onoff = 1 };
	char user[CAM_NAME] = "";
	int slot = conn_enter(cam, fd);
	bool again;

	buf_init(&l.in, 0);
	conn_limits(fd);
	again = slot >= 0 && !conn_overload(cam) && (kind !=
	    DOOR_HTTPS ||
	    conn_handshake(cam, &l, user, sizeof user) == 0);
	while (again && l.rtsp)
		again = rtsp_turn(cam, &l, f->latency_ms) &&
		    !atomic_load(stop);
	while (again)
		again = conn_turn(f, cam, &l, user, stop);
	if (l.ssl != NULL && SSL_is_init_finished(l.ssl))
		SSL_shutdown(l.ssl);
	ERR_clear_error();
	SSL_free(l.ssl);
	buf_fini(&l.in);
	if (slot >= 0)
		conn_leave(cam, slot);
	else
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

void
conn_control(struct fleet *f, int fd)
{
	struct http_link l = { .fd = fd };
	struct http_request rq;
	char *body = NULL;
	int status = 0;
	bool again = true;

	buf_init(&l.in, 0);
	conn_limits(fd);
	while (again) {
		http_request_init(&rq);
		if ((again = http_read(&l, &rq, &status) == 0)) {
			control_handle(f, &rq, &status, &body);
			again = http_answer(&l, status, "application/json",
			    "", body != NULL ? body : "", body != NULL ?
			    strlen(body) : 0, rq.close) == 0 && !rq.close;
			free(body);
			body = NULL;
		}
		http_request_fini(&rq);
	}
	buf_fini(&l.in);
	close(fd);
}
