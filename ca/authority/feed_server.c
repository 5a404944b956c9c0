/* SPDX-License-Identifier: Apache-2.0 */
/* status.sock: a thread for each gate's connection, which waits for its
 * requests and for commits. Apart from authority.sock, so that waiting gates
 * take no worker from anybody, and one that does not read its answers holds up
 * nobody but itself: it is dropped. */
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ca/authority/feed_int.h"
#include "ca/authority/peer.h"
#include "ca/base/frame.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/base/uptime.h"

#define FEED_ASK_MAX 4096              /* bytes of a request */
#define FEED_IDLE_MS 10000             /* a gate asks every second */
#define FEED_SEND_S 2                  /* an answer that nobody reads */
#define FEED_SWEEP_MS 1000
#define FEED_STOP_LOOK_MS 20

static void
feed_conn_free(struct feed_conn *k)
{
	struct feed *f = k->feed;

	if (k->id[0] != '\0')
		gates_leave(f->gates, k->id, k->fd);
	pthread_mutex_lock(&f->lock);
	if (k->next != NULL)
		k->next->prev = k->prev;
	if (k->prev != NULL)
		k->prev->next = k->next;
	else
		f->conns = k->next;
	close(k->fd);
	free(k);
	f->nconns--;
	/* The last thing done here: feed_stop() frees f after that. */
	pthread_cond_signal(&f->gone);
	pthread_mutex_unlock(&f->lock);
}

/* One request and its answer. False: the connection ends, also after a refusal:
 * a gate that asks well is not refused, and each try costs it a connection. */
static bool
feed_conn_turn(struct feed_conn *k, const struct caller *caller,
    struct session *session, struct buf *in)
{
	size_t len = 0;
	char *text;
	int ret;

	if (frame_read(k->fd, in, FEED_IDLE_MS) < 0)
		return false;
	k->served = false;
	text = dispatch(k->feed->a, caller, session, in->data, in->len, &len);
	if (text == NULL)
		return false;
	ret = frame_write(k->fd, text, len);
	free(text);
	if (ret < 0)
		log_msg(LOG_WARN, k->id, "this gate does not read its "
		    "answers: dropped");
	return ret == CAMCA_OK && k->served;
}

static void *
feed_conn_thread(void *arg)
{
	struct feed_conn *k = arg;
	struct caller caller = { .roles = ROLE_FEED, .actor = "gate" };
	struct session session = { .feed = k };
	struct buf in;

	pthread_mutex_init(&session.lock, NULL);
	buf_init(&in, FEED_ASK_MAX);
	while (!atomic_load(&k->feed->stopping) &&
	    feed_conn_turn(k, &caller, &session, &in))
		;
	buf_fini(&in);
	buf_fini(&session.upload);
	pthread_mutex_destroy(&session.lock);
	/* Once it is not counted any more, OpenSSL may end with the program. */
	OPENSSL_thread_stop();
	feed_conn_free(k);
	return NULL;
}

static int
feed_conn_start(struct feed *f, int fd)
{
	struct feed_conn *k = calloc(1, sizeof *k);
	pthread_t thread;
	int ret = CAMCA_EBUSY;

	if (k == NULL)
		return CAMCA_ENOMEM;
	k->feed = f;
	k->fd = fd;
	k->behind = true;
	pthread_mutex_lock(&f->lock);
	if (f->nconns < FEED_CONNS_MAX)
		ret = pthread_create(&thread, NULL, feed_conn_thread, k) == 0 ?
		    CAMCA_OK : CAMCA_ENOMEM;
	if (ret == CAMCA_OK) {
		/* It cannot leave the list before it is in it: the lock. */
		k->next = f->conns;
		if (k->next != NULL)
			k->next->prev = k;
		f->conns = k;
		f->nconns++;
		pthread_detach(thread);
	}
	pthread_mutex_unlock(&f->lock);
	if (ret < 0)
		free(k);
	return ret;
}

static void
feed_accept(struct feed *f)
{
	struct timeval patience = { .tv_sec = FEED_SEND_S };
	struct caller caller;
	int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	/* The gate's user alone: each connection here can make an operator
	 * wait. */
	if (!peer_identify(f->a, fd, &caller) ||
	    (caller.roles & ROLE_GATE) == 0) {
		log_msg(LOG_WARN, "status.sock", "uid %u was turned away",
		    caller.uid);
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (feed_conn_start(f, fd) < 0) {
		log_msg(LOG_WARN, "status.sock", "a gate was turned away: "
		    "there are %d", FEED_CONNS_MAX);
		close(fd);
	}
}

static void *
feed_acceptor(void *arg)
{
	struct feed *f = arg;
	struct pollfd p[2] = { { .fd = f->listener, .events = POLLIN },
	    { .fd = f->wake, .events = POLLIN } };
	bool stale = false;

	while (!atomic_load(&f->stopping)) {
		if (poll(p, 2, FEED_SWEEP_MS) < 0 && errno != EINTR)
			break;
		if (p[0].revents != 0)
			feed_accept(f);
		stale |= gates_sweep(f->gates);
		/* Names too many only make the next start wait longer. */
		if (stale && feed_store_gates(f) == CAMCA_OK)
			stale = false;
	}
	return NULL;
}

struct feed_known {
	struct feed *feed;
	char text[GATES_MAX * (GATE_ID_LEN + 1) + 1];
};

static int
feed_known_tx(struct tx *tx, void *arg)
{
	struct feed_known *x = arg;
	int ret = store_meta_get(tx, "gates", x->text, sizeof x->text);

	if (ret == CAMCA_ENOENT)
		x->text[0] = '\0';
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

/* Gates that the process before this one gave a lease: they may be saying good
 * right now, from whatever they knew. */
static int
feed_expect(struct feed *f)
{
	struct feed_known *x = calloc(1, sizeof *x);
	char *line, *end;
	int ret;

	if (x == NULL)
		return CAMCA_ENOMEM;
	x->feed = f;
	ret = store_tx(f->a->store, DB_READ, feed_known_tx, x);
	for (line = x->text; ret == CAMCA_OK &&
	    (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		gates_expect(f->gates, line);
	}
	free(x);
	return ret;
}

static int64_t
feed_clock(void *arg)
{
	(void)arg;
	return uptime_ms();
}

static int
feed_open(struct feed *f)
{
	char path[300];
	int ret;

	if ((ret = gates_new(&f->gates, feed_clock, NULL)) < 0 ||
	    (ret = feed_past_begin(&f->past, f->a)) < 0 ||
	    (ret = feed_expect(f)) < 0 ||
	    (ret = config_status_path(f->a->conf.state, path,
	    sizeof path)) < 0)
		return ret;
	f->wake = eventfd(0, EFD_CLOEXEC);
	f->listener = f->wake >= 0 ? peer_listen(path, false) : -1;
	if (f->listener < 0)
		return CAMCA_EIO;
	f->accepting = pthread_create(&f->acceptor, NULL, feed_acceptor,
	    f) == 0;
	return f->accepting ? CAMCA_OK : CAMCA_ENOMEM;
}

int
feed_start(struct authority *a, struct refusal *why)
{
	struct feed *f = calloc(1, sizeof *f);
	int ret;

	if (f == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	f->a = a;
	f->listener = f->wake = -1;
	pthread_mutex_init(&f->load, NULL);
	pthread_mutex_init(&f->lock, NULL);
	mono_cond_init(&f->gone);
	a->feed = f;
	ret = feed_open(f);
	if (ret < 0)
		feed_stop(a);
	return ret < 0 ? refuse(why, ret, 503, "system.status-feed",
	    "The status feed does not start: %s.", camca_strerror(ret)) :
	    CAMCA_OK;
}

static void
feed_stop_look(struct feed *f)
{
	struct timespec end = mono_after(FEED_STOP_LOOK_MS);

	pthread_cond_timedwait(&f->gone, &f->lock, &end);
}

/* Threads wait in three places: a read or a write, which the shutdown ends, and
 * for a commit. One may begin to wait for that just after it was woken: so it is
 * woken until it is gone. */
static void
feed_stop_conns(struct feed *f)
{
	struct feed_conn *k;

	pthread_mutex_lock(&f->lock);
	while (f->nconns > 0) {
		for (k = f->conns; k != NULL; k = k->next)
			shutdown(k->fd, SHUT_RDWR);
		store_commits_wake(f->a->store);
		feed_stop_look(f);
	}
	pthread_mutex_unlock(&f->lock);
}

void
feed_stop(struct authority *a)
{
	struct feed *f = a->feed;
	uint64_t one = 1;

	if (f == NULL)
		return;
	atomic_store(&f->stopping, true);
	if (f->accepting && write(f->wake, &one, sizeof one) == sizeof one)
		pthread_join(f->acceptor, NULL);
	feed_stop_conns(f);
	if (f->listener >= 0)
		close(f->listener);
	if (f->wake >= 0)
		close(f->wake);
	gates_free(f->gates);
	pthread_cond_destroy(&f->gone);
	pthread_mutex_destroy(&f->lock);
	pthread_mutex_destroy(&f->load);
	a->feed = NULL;
	free(f);
}
