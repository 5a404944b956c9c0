/* SPDX-License-Identifier: Apache-2.0 */
/* The authority socket: one thread reads frames with epoll, workers run them.
 * Queues are bounded; a full one answers 503 at once. Peers are known by
 * SO_PEERCRED, strangers are closed. Whatever a gate does, an operator gets
 * through: revoking must be possible in the middle of a flood. So operators
 * have a queue of their own, which is emptied first, a worker that runs nothing
 * else, and places that no gate's connection can take. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ca/authority/authority.h"
#include "ca/authority/bundle.h"
#include "ca/authority/peer.h"
#include "ca/base/frame.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"

#define SERVER_CONNS_MAX 256
#define SERVER_GATE_CONNS_MAX 64
#define SERVER_JOBS_MAX 4096           /* in each queue */
#define SERVER_UPLOAD_MAX IMPORT_MAX_BYTES

struct conn {
	struct conn *next, *prev;      /* of the server's list; reader only */
	int fd;
	atomic_int refs;               /* reader and each queued job */
	pthread_mutex_t write_lock;    /* one answer at a time */
	struct caller caller;
	struct session session;
	struct buf in;                 /* reader only */
};

struct job {
	struct job *next;
	struct conn *conn;
	size_t n;
	uint8_t payload[];
};

struct queue {
	struct job *head, **tail;
	size_t n;
};

struct server {
	struct authority *a;
	int epoll, listener, wake;
	struct conn *conns;            /* all that are open; reader only */
	size_t nconns, ngates;         /* reader only */
	pthread_mutex_t lock;          /* guards the queues and stop */
	pthread_cond_t more;           /* something for everybody */
	pthread_cond_t more_operator;  /* for the operators' worker */
	struct queue operators, gates;
	bool stop;
	size_t nthreads;
	pthread_t threads[1 + 64];     /* workers: 64 at the most */
};

static void
conn_put(struct conn *k)
{
	if (atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	close(k->fd);
	buf_cleanse(&k->in);
	buf_cleanse(&k->session.upload);
	bundle_free(k->session.bundle);
	pthread_mutex_destroy(&k->session.lock);
	pthread_mutex_destroy(&k->write_lock);
	free(k);
}

static void
conn_answer(struct conn *k, const char *text, size_t n)
{
	int ret;

	pthread_mutex_lock(&k->write_lock);
	ret = frame_write(k->fd, text, n);
	pthread_mutex_unlock(&k->write_lock);
	if (ret == CAMCA_ELIMIT)
		log_msg(LOG_ERROR, k->caller.actor, "answer is too large");
	if (ret < 0)
		shutdown(k->fd, SHUT_RDWR);
}

static void
conn_answer_busy(struct conn *k, const uint8_t *payload, size_t n)
{
	json_t *call = json_loadb((const char *)payload, n, 0, NULL);
	struct timespec until;
	char text[256];
	int len;

	len = snprintf(text + 4, sizeof text - 4, "{\"id\":%lld,\"error\":"
	    "{\"code\":\"system.busy\",\"http\":503,\"detail\":\"The authority is busy; "
	    "try again.\",\"retry_after\":5}}",
	    (long long)json_integer_value(json_object_get(call, "id")));
	json_decref(call);
	text[0] = text[1] = text[2] = 0;
	text[3] = (char)len;
	/* This may be the reader's thread, which waits for nobody for long: who
	 * asks so much and does not read the answers is dropped. */
	until = mono_after(1000);
	if (pthread_mutex_clocklock(&k->write_lock, CLOCK_MONOTONIC,
	    &until) != 0) {
		shutdown(k->fd, SHUT_RDWR);
		return;
	}
	if (send(k->fd, text, (size_t)len + 4, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    len + 4)
		shutdown(k->fd, SHUT_RDWR);
	pthread_mutex_unlock(&k->write_lock);
}

static void
server_run_job(struct server *s, struct job *j)
{
	size_t len = 0;
	char *text;

	text = dispatch(s->a, &j->conn->caller, &j->conn->session, j->payload,
	    j->n, &len);
	if (text != NULL)
		conn_answer(j->conn, text, len);
	else
		conn_answer_busy(j->conn, j->payload, j->n);
	/* Answers carry one-time secrets, and passwords that are revealed. */
	OPENSSL_cleanse(j->payload, j->n);
	if (text != NULL)
		OPENSSL_cleanse(text, len);
	free(text);
	conn_put(j->conn);
	free(j);
}

static struct job *
queue_take(struct queue *q)
{
	struct job *j = q->head;

	if (j == NULL)
		return NULL;
	q->head = j->next;
	if (q->head == NULL)
		q->tail = &q->head;
	q->n--;
	return j;
}

static void *
server_worker(void *arg)
{
	struct server *s = arg;
	struct job *j;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while ((j = queue_take(&s->operators)) == NULL &&
		    (j = queue_take(&s->gates)) == NULL && !s->stop)
			pthread_cond_wait(&s->more, &s->lock);
		pthread_mutex_unlock(&s->lock);
		if (j == NULL)
			return NULL;
		server_run_job(s, j);
	}
}

/* Runs what operators ask for and nothing else: a gate that does not read its
 * answers can hold up all the others. */
static void *
server_operator_worker(void *arg)
{
	struct server *s = arg;
	struct job *j;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while ((j = queue_take(&s->operators)) == NULL && !s->stop)
			pthread_cond_wait(&s->more_operator, &s->lock);
		pthread_mutex_unlock(&s->lock);
		if (j == NULL)
			return NULL;
		server_run_job(s, j);
	}
}

/* False where the queue is full or memory is short. */
static bool
server_enqueue(struct server *s, struct conn *k, const uint8_t *p, size_t n)
{
	bool gate = k->caller.roles == ROLE_GATE;
	struct queue *q = gate ? &s->gates : &s->operators;
	struct job *j = malloc(sizeof *j + n);
	bool ok;

	if (j == NULL)
		return false;
	j->next = NULL;
	j->conn = k;
	j->n = n;
	memcpy(j->payload, p, n);
	pthread_mutex_lock(&s->lock);
	ok = q->n < SERVER_JOBS_MAX;
	if (ok) {
		atomic_fetch_add(&k->refs, 1);
		*q->tail = j;
		q->tail = &j->next;
		q->n++;
		pthread_cond_signal(&s->more);
		if (!gate)
			pthread_cond_signal(&s->more_operator);
	}
	pthread_mutex_unlock(&s->lock);
	if (!ok)
		free(j);
	return ok;
}

static void
server_accept(struct server *s)
{
	struct timeval patience = { .tv_sec = 10 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct caller caller;
	struct conn *k = NULL;
	bool gate;
	int fd;

	fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (!peer_identify(s->a, fd, &caller)) {
		log_msg(LOG_WARN, "authority.sock", "uid %u was turned away",
		    caller.uid);
		close(fd);
		return;
	}
	gate = caller.roles == ROLE_GATE;
	if (s->nconns < SERVER_CONNS_MAX &&
	    (!gate || s->ngates < SERVER_GATE_CONNS_MAX))
		k = calloc(1, sizeof *k);
	if (k == NULL) {
		close(fd);
		return;
	}
	k->fd = fd;
	k->caller = caller;
	atomic_init(&k->refs, 1);
	pthread_mutex_init(&k->write_lock, NULL);
	pthread_mutex_init(&k->session.lock, NULL);
	buf_init(&k->in, 4 + FRAME_MAX + 65536);
	buf_init(&k->session.upload, SERVER_UPLOAD_MAX);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	ev.data.ptr = k;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		conn_put(k);
		return;
	}
	k->next = s->conns;
	if (k->next != NULL)
		k->next->prev = k;
	s->conns = k;
	s->nconns++;
	s->ngates += gate;
}

static void
server_drop(struct server *s, struct conn *k)
{
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, k->fd, NULL);
	shutdown(k->fd, SHUT_RDWR);
	if (k->next != NULL)
		k->next->prev = k->prev;
	if (k->prev != NULL)
		k->prev->next = k->next;
	else
		s->conns = k->next;
	s->nconns--;
	s->ngates -= k->caller.roles == ROLE_GATE;
	conn_put(k);
}

/* Reads what is there and queues whole frames. False: drop the connection. */
static bool
server_read(struct server *s, struct conn *k)
{
	const uint8_t *p;
	ssize_t r;
	size_t n, used = 0;
	struct buf view;
	int got;

	if (buf_reserve(&k->in, 65536) < 0)
		return false;
	r = recv(k->fd, k->in.data + k->in.len, 65536, MSG_DONTWAIT);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR;
	if (r == 0)
		return false;
	k->in.len += (size_t)r;
	view = k->in;
	while ((got = frame_peek(&view, &p, &n)) == 1) {
		if (!server_enqueue(s, k, p, n))
			conn_answer_busy(k, p, n);
		view.data += 4 + n;
		view.len -= 4 + n;
		used += 4 + n;
	}
	OPENSSL_cleanse(k->in.data, used);
	buf_shift(&k->in, used);
	return got == 0;
}

static int
server_watch(struct server *s, int fd, void *mark)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = mark };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
}

static int
server_loop(struct server *s)
{
	struct epoll_event ev[64];
	int i, n, timeout_ms = 60000;

	for (;;) {
		n = epoll_wait(s->epoll, ev, 64, timeout_ms);
		if (n < 0 && errno != EINTR)
			return CAMCA_EIO;
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr == &s->wake)
				return CAMCA_OK;
			if (ev[i].data.ptr == &s->listener)
				server_accept(s);
			else if (!server_read(s, ev[i].data.ptr))
				server_drop(s, ev[i].data.ptr);
		}
	}
}

static int
server_start_workers(struct server *s)
{
	size_t want = (size_t)s->a->conf.workers + 1;

	for (s->nthreads = 0; s->nthreads < want; s->nthreads++)
		if (pthread_create(&s->threads[s->nthreads], NULL,
		    s->nthreads == 0 ? server_operator_worker : server_worker,
		    s) != 0)
			break;
	return s->nthreads > 1 ? CAMCA_OK : CAMCA_ENOMEM;
}

/* Queued calls are still answered: what was committed should be heard of. */
static void
server_stop_workers(struct server *s)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->more);
	pthread_cond_broadcast(&s->more_operator);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->nthreads; i++)
		pthread_join(s->threads[i], NULL);
}

int
server_run(struct authority *a, int ready_fd, int wake_fd)
{
	struct server *s = calloc(1, sizeof *s);
	char path[300];
	int ret;

	if (s == NULL)
		return CAMCA_ENOMEM;
	s->a = a;
	s->wake = wake_fd;
	s->operators.tail = &s->operators.head;
	s->gates.tail = &s->gates.head;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	pthread_cond_init(&s->more_operator, NULL);
	s->listener = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	ret = config_socket_path(a->conf.state, path, sizeof path);
	if (ret == CAMCA_OK && (s->listener = peer_listen(path, a->noperators > 0)) < 0)
		ret = CAMCA_EIO;
	if (ret == CAMCA_OK && (server_watch(s, s->listener, &s->listener) ||
	    server_watch(s, wake_fd, &s->wake)))
		ret = CAMCA_EIO;
	if (ret == CAMCA_OK)
		ret = server_start_workers(s);
	if (ret == CAMCA_OK) {
		log_msg(LOG_NOTE, path, "ready");
		if (ready_fd >= 0 && write(ready_fd, "ready\n", 6) != 6)
			log_msg(LOG_WARN, "ready-fd", "nobody reads it");
		ret = server_loop(s);
	}
	server_stop_workers(s);
	while (s->conns != NULL)
		server_drop(s, s->conns);
	if (s->listener >= 0)
		close(s->listener);
	close(s->epoll);
	pthread_cond_destroy(&s->more);
	pthread_cond_destroy(&s->more_operator);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return ret;
}
