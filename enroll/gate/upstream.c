/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/upstream.h"

#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ca/base/buf.h"
#include "ca/base/frame.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/base/rpc.h"

#define UPSTREAM_CALLS_MAX 65536u
#define UPSTREAM_READ 65536u
#define UPSTREAM_SWEEP_MS 250

struct upstream_slot {
	json_int_t id;               /* 0: free */
	upstream_fn *fn;
	void *arg;
	int64_t deadline_ms;
	unsigned next_free;
};

struct upstream {
	struct upstream_config cfg;
	char path[sizeof ((struct sockaddr_un *)0)->sun_path];
	pthread_t thread;
	int wake_fd;                 /* eventfd: bytes to send, or the end */
	struct buf in;               /* of the thread alone */
	/* The lock guards what follows. Callbacks run without it. */
	pthread_mutex_t lock;
	int fd;                      /* -1: not connected */
	bool stopping;
	struct buf out;              /* frames the socket did not take yet */
	struct upstream_slot *slots;
	unsigned free_head;          /* max_calls: none is free */
	json_int_t sequence;
};

void
upstream_defaults(struct upstream_config *out, const char *path)
{
	*out = (struct upstream_config) {
		.path = path,
		.max_calls = 4096,
		.max_bytes = 32u << 20,
		.deadline_ms = 30000,
		.retry_min_ms = 50,
		.retry_max_ms = 1000,
	};
}

static int
upstream_lost(struct refusal *why)
{
	int ret = refuse(why, CAMCA_EIO, 503, "system.authority-unreachable",
	    "The certificate authority cannot be reached; try again later.");

	if (why != NULL)
		why->retry_after_s = 5;
	return ret;
}

static int
upstream_busy(struct refusal *why)
{
	return refuse(why, CAMCA_EBUSY, 503, "system.busy",
	    "Too many requests are waiting; try again later.");
}

static void
upstream_wake(struct upstream *u)
{
	uint64_t one = 1;

	/* A full counter means that the thread is awake already. */
	if (write(u->wake_fd, &one, sizeof one) < 0)
		return;
}

/* --- slots, with the lock held --- */

/* The low part of an id is the slot, the rest a sequence number: the late
 * answer to a call that was given up finds another id there. */
static struct upstream_slot *
upstream_take_slot(struct upstream *u)
{
	struct upstream_slot *s;
	unsigned i = u->free_head;

	if (i >= u->cfg.max_calls)
		return NULL;
	s = &u->slots[i];
	u->free_head = s->next_free;
	s->id = ++u->sequence * UPSTREAM_CALLS_MAX + i;
	s->deadline_ms = mono_ms() + u->cfg.deadline_ms;
	return s;
}

static void
upstream_free_slot(struct upstream *u, struct upstream_slot *s)
{
	s->id = 0;
	s->next_free = u->free_head;
	u->free_head = (unsigned)(s - u->slots);
}

static void
upstream_drop_sent(struct buf *out, size_t n)
{
	size_t old = out->len;

	buf_shift(out, n);
	/* Requests carry one-time secrets. */
	OPENSSL_cleanse(out->data + out->len, old - out->len);
}

/* Hands queued bytes to the socket as far as it takes them. */
static int
upstream_flush(struct upstream *u)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < u->out.len) {
		n = send(u->fd, u->out.data + done, u->out.len - done,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (n < 0 && errno != EAGAIN)
		return CAMCA_EIO;
	if (done > 0)
		upstream_drop_sent(&u->out, done);
	return CAMCA_OK;
}

/* Queues one call and sends what can be sent at once, which saves a wake-up of
 * the thread for nearly every call. */
static int
upstream_post(struct upstream *u, const char *op, const char *args,
    upstream_fn *fn, void *arg)
{
	size_t before = u->out.len, n = strlen(args) + strlen(op) + 64;
	struct upstream_slot *s;
	uint32_t be;
	int ret;

	if (u->fd < 0 || u->stopping)
		return CAMCA_EIO;
	if (n > FRAME_MAX)
		return CAMCA_ELIMIT;
	if (before > u->cfg.max_bytes || (s = upstream_take_slot(u)) == NULL)
		return CAMCA_EBUSY;
	ret = buf_reserve(&u->out, n + 4);
	if (ret == CAMCA_OK)
		ret = buf_put(&u->out, "\0\0\0\0", 4);
	if (ret == CAMCA_OK)
		ret = buf_printf(&u->out, "{\"id\":%lld,\"op\":\"%s\",\"args\":",
		    (long long)s->id, op);
	if (ret == CAMCA_OK)
		ret = buf_puts(&u->out, args);
	if (ret == CAMCA_OK)
		ret = buf_putc(&u->out, '}');
	if (ret < 0) {
		u->out.len = before;
		upstream_free_slot(u, s);
		return ret;
	}
	be = htobe32((uint32_t)(u->out.len - before - 4));
	memcpy(u->out.data + before, &be, sizeof be);
	s->fn = fn;
	s->arg = arg;
	/* A failure here is found by the thread, which fails all the calls. */
	if (before == 0 && upstream_flush(u) < 0)
		shutdown(u->fd, SHUT_RDWR);
	if (u->out.len > 0)
		upstream_wake(u);
	return CAMCA_OK;
}

int
upstream_call(struct upstream *u, const char *op, json_t *args,
    upstream_fn *fn, void *arg, struct refusal *why)
{
	char *text = args != NULL ? json_dumps(args, JSON_COMPACT) : NULL;
	int ret = CAMCA_ENOMEM;

	json_decref(args);
	if (text != NULL) {
		pthread_mutex_lock(&u->lock);
		ret = upstream_post(u, op, text, fn, arg);
		pthread_mutex_unlock(&u->lock);
		OPENSSL_cleanse(text, strlen(text));
		free(text);
	}
	if (ret == CAMCA_EIO)
		return upstream_lost(why);
	if (ret == CAMCA_EBUSY)
		return upstream_busy(why);
	return ret < 0 ? refuse_default(why, ret) : ret;
}

bool
upstream_connected(struct upstream *u)
{
	bool up;

	pthread_mutex_lock(&u->lock);
	up = u->fd >= 0;
	pthread_mutex_unlock(&u->lock);
	return up;
}

/* --- the thread --- */

/* Answers with 503 every call whose deadline lies before now_ms. */
static void
upstream_fail_calls(struct upstream *u, int64_t now_ms)
{
	struct upstream_slot *s;
	struct refusal why;
	upstream_fn *fn;
	void *arg;
	unsigned i;

	upstream_lost(&why);
	for (i = 0; i < u->cfg.max_calls; i++) {
		s = &u->slots[i];
		fn = NULL;
		pthread_mutex_lock(&u->lock);
		if (s->id != 0 && s->deadline_ms < now_ms) {
			fn = s->fn;
			arg = s->arg;
			upstream_free_slot(u, s);
		}
		pthread_mutex_unlock(&u->lock);
		if (fn != NULL)
			fn(arg, NULL, &why);
	}
}

/* The call that id belongs to, its slot free again; NULL: nobody waits. */
static upstream_fn *
upstream_claim(struct upstream *u, json_int_t id, void **arg)
{
	unsigned i = (unsigned)(id % UPSTREAM_CALLS_MAX);
	struct upstream_slot *s = &u->slots[i];
	upstream_fn *fn = NULL;

	if (id <= 0 || i >= u->cfg.max_calls)
		return NULL;
	pthread_mutex_lock(&u->lock);
	if (s->id == id) {
		fn = s->fn;
		*arg = s->arg;
		upstream_free_slot(u, s);
	}
	pthread_mutex_unlock(&u->lock);
	return fn;
}

/* Frees answer before the result goes to another thread: from then on no two
 * threads hold references to one value. */
static void
upstream_deliver(struct upstream *u, json_t *answer)
{
	json_t *error = json_object_get(answer, "error");
	json_t *result = NULL;
	struct refusal why;
	upstream_fn *fn;
	void *arg = NULL;

	fn = upstream_claim(u, json_integer_value(json_object_get(answer,
	    "id")), &arg);
	if (fn != NULL && error != NULL)
		rpc_refusal(error, &why);
	else if (fn != NULL)
		result = json_incref(json_object_get(answer, "result"));
	if (fn != NULL && error == NULL && result == NULL)
		refuse(&why, CAMCA_EPROTO, 500, "system.internal",
		    "The certificate authority gave no answer.");
	json_decref(answer);
	if (fn != NULL)
		fn(arg, result, result != NULL ? NULL : &why);
}

/* All whole frames that have come. */
static int
upstream_take_frames(struct upstream *u)
{
	struct buf rest = u->in;     /* a window that moves over the bytes */
	const uint8_t *payload;
	json_t *answer;
	size_t n;
	int ret;

	while ((ret = frame_peek(&rest, &payload, &n)) > 0) {
		answer = json_loadb((const char *)payload, n, 0, NULL);
		if (answer == NULL)
			return CAMCA_EPROTO;
		upstream_deliver(u, answer);
		rest.data += 4 + n;
		rest.len -= 4 + n;
	}
	buf_shift(&u->in, u->in.len - rest.len);
	return ret;
}

static int
upstream_read(struct upstream *u, int fd)
{
	ssize_t n;
	int ret = buf_reserve(&u->in, UPSTREAM_READ);

	if (ret < 0)
		return ret;
	n = recv(fd, u->in.data + u->in.len, UPSTREAM_READ, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CAMCA_OK;
	if (n <= 0)
		return CAMCA_EIO;
	u->in.len += (size_t)n;
	return upstream_take_frames(u);
}

/* Waits for the socket (fd < 0: none) or a wake-up. */
static short
upstream_wait(struct upstream *u, int fd, bool writing, int timeout_ms)
{
	struct pollfd p[2] = {
		{ .fd = u->wake_fd, .events = POLLIN },
		{ .fd = fd, .events = (short)(POLLIN |
		    (writing ? POLLOUT : 0)) },
	};
	uint64_t count;

	if (poll(p, 2, timeout_ms) < 0)
		return 0;
	if (p[0].revents != 0 && read(u->wake_fd, &count, sizeof count) < 0)
		return 0;
	return p[1].revents;
}

/* Until the connection ends or the gate does. */
static void
upstream_serve(struct upstream *u, int fd)
{
	int64_t sweep_ms = mono_ms() + UPSTREAM_SWEEP_MS, now;
	bool writing = false, stopping = false;
	short events;
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK && !stopping) {
		events = upstream_wait(u, fd, writing, UPSTREAM_SWEEP_MS);
		if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
			ret = upstream_read(u, fd);
		pthread_mutex_lock(&u->lock);
		if (ret == CAMCA_OK)
			ret = upstream_flush(u);
		writing = u->out.len > 0;
		stopping = u->stopping;
		pthread_mutex_unlock(&u->lock);
		now = mono_ms();
		if (now >= sweep_ms) {
			upstream_fail_calls(u, now);
			sweep_ms = now + UPSTREAM_SWEEP_MS;
		}
	}
}

static int
upstream_connect(const struct upstream *u)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(sa.sun_path, u->path, sizeof sa.sun_path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
upstream_set(struct upstream *u, int fd)
{
	bool stopping;

	pthread_mutex_lock(&u->lock);
	u->fd = fd;
	if (fd < 0)
		buf_cleanse(&u->out);
	stopping = u->stopping;
	pthread_mutex_unlock(&u->lock);
	return stopping;
}

/* One connection from its first to its last byte. */
static void
upstream_session(struct upstream *u, int fd)
{
	log_msg(LOG_NOTE, NULL, "connected to the authority");
	upstream_set(u, fd);
	upstream_serve(u, fd);
	if (!upstream_set(u, -1))
		log_msg(LOG_WARN, NULL, "lost the authority");
	close(fd);
	buf_cleanse(&u->in);
	/* What became of these calls is not known: 503, and the client asks
	 * again; enrollment is idempotent for the same device and key. */
	upstream_fail_calls(u, INT64_MAX);
}

static void *
upstream_run(void *arg)
{
	struct upstream *u = arg;
	int pause_ms = u->cfg.retry_min_ms, fd;
	bool told = false;

	while (!upstream_set(u, -1)) {
		fd = upstream_connect(u);
		if (fd >= 0) {
			upstream_session(u, fd);
			pause_ms = u->cfg.retry_min_ms;
			told = true;
			continue;
		}
		if (!told)
			log_msg(LOG_WARN, u->path,
			    "the authority cannot be reached: %s",
			    strerror(errno));
		told = true;
		upstream_wait(u, -1, false, pause_ms);
		pause_ms = pause_ms * 2 < u->cfg.retry_max_ms ? pause_ms * 2 :
		    u->cfg.retry_max_ms;
	}
	return NULL;
}

static void
upstream_free(struct upstream *u)
{
	if (u->wake_fd >= 0)
		close(u->wake_fd);
	buf_cleanse(&u->in);
	buf_cleanse(&u->out);
	pthread_mutex_destroy(&u->lock);
	free(u->slots);
	free(u);
}

static int
upstream_init(struct upstream *u, const struct upstream_config *cfg)
{
	unsigned i;

	u->cfg = *cfg;
	u->fd = -1;
	u->wake_fd = -1;
	buf_init(&u->in, 2u * FRAME_MAX);
	buf_init(&u->out, cfg->max_bytes + 2u * FRAME_MAX);
	pthread_mutex_init(&u->lock, NULL);
	if (cfg->max_calls == 0 || cfg->max_calls > UPSTREAM_CALLS_MAX ||
	    (size_t)snprintf(u->path, sizeof u->path, "%s", cfg->path) >=
	    sizeof u->path)
		return CAMCA_ELIMIT;
	u->slots = calloc(cfg->max_calls, sizeof *u->slots);
	if (u->slots == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < cfg->max_calls; i++)
		u->slots[i].next_free = i + 1;
	u->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return u->wake_fd >= 0 ? CAMCA_OK : CAMCA_EIO;
}

int
upstream_open(struct upstream **out, const struct upstream_config *cfg)
{
	struct upstream *u = calloc(1, sizeof *u);
	int ret;

	if (u == NULL)
		return CAMCA_ENOMEM;
	ret = upstream_init(u, cfg);
	if (ret == CAMCA_OK &&
	    pthread_create(&u->thread, NULL, upstream_run, u) != 0)
		ret = CAMCA_EIO;
	if (ret < 0) {
		upstream_free(u);
		return ret;
	}
	*out = u;
	return CAMCA_OK;
}

void
upstream_stop(struct upstream *u)
{
	bool first;

	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	first = !u->stopping;
	u->stopping = true;
	pthread_mutex_unlock(&u->lock);
	if (!first)
		return;
	upstream_wake(u);
	pthread_join(u->thread, NULL);
}

void
upstream_close(struct upstream *u)
{
	if (u == NULL)
		return;
	upstream_stop(u);
	upstream_free(u);
}
