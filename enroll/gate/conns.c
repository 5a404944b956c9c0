/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd's idle timeout starts anew with each byte, so a peer that sends
 * one byte a second holds a connection for ever. Here each connection has one
 * patience for its whole turn: handshake, request line to end of body, or
 * taking the answer.
 *
 * With epoll, libmicrohttpd 0.9.75 does not notice that a TLS handshake has run
 * out of bytes: it goes on calling gnutls_handshake(), and one half-open
 * connection costs a whole core. So we read for GnuTLS, see that the socket is
 * empty, and suspend the connection until our own epoll set reports bytes: at
 * once, since to wait 2 ms for a peer nearby cost 1.4 ms of a processor for
 * each handshake, and this costs 0.1 ms. That is done in the thread that polls
 * for the connection, as MHD_suspend_connection() demands. */
#include "enroll/gate/conns.h"

#include "ca/base/mono.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>


#define CONNS_EVENTS 64

struct conns {
	size_t max;
	int patience_ms;
	int epoll_fd;
	pthread_mutex_t lock;    /* guards the list and its private fields */
	bool stopping;
	size_t count;
	struct conn head;        /* ring */
};

int
conns_new(struct conns **out, size_t max, int patience_ms)
{
	struct conns *t = calloc(1, sizeof *t);

	if (t == NULL)
		return CAMCA_ENOMEM;
	t->max = max;
	t->patience_ms = patience_ms;
	t->head.prev = t->head.next = &t->head;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd < 0) {
		free(t);
		return CAMCA_EIO;
	}
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return CAMCA_OK;
}

void
conns_free(struct conns *t)
{
	if (t == NULL)
		return;
	close(t->epoll_fd);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int
conns_fd(const struct conns *t)
{
	return t->epoll_fd;
}

static void
conn_remote(struct conn *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->mhd,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr_in *v4;
	const struct sockaddr_in6 *v6;
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;

	if (sa == NULL)
		return;
	client_key(&c->key, sa);
	v4 = (const void *)sa;
	v6 = (const void *)sa;
	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, c->remote, sizeof c->remote);
	else if (sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], c->remote,
		    sizeof c->remote);
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, c->remote,
		    sizeof c->remote);
}

struct conn *
conn_start(struct conns *t, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL || info == NULL) {
		free(c);
		return NULL;
	}
	c->owner = t;
	c->mhd = mhd;
	c->fd = info->connect_fd;
	c->since_ms = mono_ms();
	conn_remote(c);
	pthread_mutex_lock(&t->lock);
	c->next = &t->head;
	c->prev = t->head.prev;
	c->prev->next = c;
	t->head.prev = c;
	t->count++;
	pthread_mutex_unlock(&t->lock);
	return c;
}

/* libmicrohttpd closes the socket after this, never before: as long as a
 * connection is in the list, its descriptor is its own. */
void
conn_end(struct conn *c)
{
	struct conns *t;

	if (c == NULL)
		return;
	t = c->owner;
	pthread_mutex_lock(&t->lock);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	t->count--;
	if (c->watched)
		epoll_ctl(t->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	pthread_mutex_unlock(&t->lock);
	free(c);
}

/* With the lock held. */
static int
conn_watch(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT,
	    .data.ptr = c };
	int op = c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (epoll_ctl(c->owner->epoll_fd, op, c->fd, &ev) != 0)
		return CAMCA_EIO;
	c->watched = true;
	return CAMCA_OK;
}

static void
conn_park(struct conn *c)
{
	struct conns *t = c->owner;

	pthread_mutex_lock(&t->lock);
	if (!t->stopping && !c->parked) {
		/* Suspend first: bytes may be reported at once. */
		MHD_suspend_connection(c->mhd);
		c->parked = true;
		if (conn_watch(c) < 0) {
			c->parked = false;
			MHD_resume_connection(c->mhd);
		}
	}
	pthread_mutex_unlock(&t->lock);
}

/* GnuTLS reads through this. */
static ssize_t
conn_pull(gnutls_transport_ptr_t p, void *data, size_t n)
{
	struct conn *c = p;
	ssize_t r = recv(c->fd, data, n, MSG_DONTWAIT);

	if (r < 0 && errno == EAGAIN && c->shaking) {
		conn_park(c);
		errno = EAGAIN;
	}
	return r;
}

/* The peer's Finished is the last thing a server reads of a handshake, in TLS
 * 1.2 without resumption and in TLS 1.3 alike. */
static int
conn_finished(gnutls_session_t s, unsigned type, unsigned when,
    unsigned incoming, const gnutls_datum_t *msg)
{
	gnutls_transport_ptr_t in, out;

	(void)type;
	(void)when;
	(void)msg;
	gnutls_transport_get_ptr2(s, &in, &out);
	if (incoming != 0)
		((struct conn *)in)->shaking = false;
	return 0;
}

void
conn_tls(struct conn *c, gnutls_session_t tls)
{
	c->tls = tls;
	c->shaking = true;
	gnutls_certificate_server_set_request(tls, GNUTLS_CERT_REQUEST);
	gnutls_transport_set_ptr2(tls, c,
	    (gnutls_transport_ptr_t)(intptr_t)c->fd);
	gnutls_transport_set_pull_function(tls, conn_pull);
	gnutls_handshake_set_hook_function(tls, GNUTLS_HANDSHAKE_FINISHED,
	    GNUTLS_HOOK_POST, conn_finished);
}

static void
conn_since(struct conn *c, int64_t since_ms)
{
	pthread_mutex_lock(&c->owner->lock);
	c->since_ms = since_ms;
	pthread_mutex_unlock(&c->owner->lock);
}

void
conn_wait_peer(struct conn *c)
{
	conn_since(c, mono_ms());
}

void
conn_wait_us(struct conn *c)
{
	conn_since(c, 0);
}

/* With the lock held. */
static void
conn_unpark(struct conn *c)
{
	if (!c->parked)
		return;
	c->parked = false;
	MHD_resume_connection(c->mhd);
}

void
conns_wake(struct conns *t)
{
	struct epoll_event ev[CONNS_EVENTS];
	int i, n;

	/* Under the lock from wait to resume: conn_end() cannot free one in
	 * between. */
	pthread_mutex_lock(&t->lock);
	n = epoll_wait(t->epoll_fd, ev, CONNS_EVENTS, 0);
	for (i = 0; i < n; i++)
		conn_unpark(ev[i].data.ptr);
	pthread_mutex_unlock(&t->lock);
}

/* The fuller the table, the less patience with everyone: an attacker who opens
 * many connections loses them first, for he has held them longest. */
static int64_t
conns_patience(const struct conns *t)
{
	if (t->count * 10 >= t->max * 9)
		return t->patience_ms / 15;
	if (t->count * 4 >= t->max * 3)
		return t->patience_ms / 5;
	return t->patience_ms;
}

void
conns_sweep(struct conns *t, int64_t now_ms)
{
	struct conn *c;
	int64_t patience;

	pthread_mutex_lock(&t->lock);
	patience = conns_patience(t);
	for (c = t->head.next; c != &t->head; c = c->next) {
		if (c->since_ms == 0 || now_ms - c->since_ms < patience)
			continue;
		/* Both epoll sets report the end, and MHD closes. */
		shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&t->lock);
}

void
conns_stop(struct conns *t)
{
	struct conn *c;

	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	for (c = t->head.next; c != &t->head; c = c->next)
		conn_unpark(c);
	pthread_mutex_unlock(&t->lock);
}
