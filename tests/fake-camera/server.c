/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "tests/fake-camera/conn.h"
#include "tests/fake-camera/server.h"

#define SERVER_TICK_MS 20
#define SERVER_STACK (256 * 1024)
#define SERVER_BACKLOG 256

/* A door: listening or shut, its port is its own all the time. */
struct door {
	struct camera *cam;      /* NULL: the control port */
	int fd;
	enum door_kind kind;
	bool open;
};

/* The context of this program. */
static struct {
	struct fleet *fleet;
	struct door *door;
	size_t ndoors;
	int epoll;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	atomic_int live;         /* connections being served */
} server = { .epoll = -1 };

/* ---- doors ---- */

/* A socket for the address that is bound and does not listen yet. A free port
 * is found by a first one: bound by number it is kept while it is shut. */
static int
door_bind(const char *address, uint16_t *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
	    .ai_socktype = SOCK_STREAM }, *ai;
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	char service[8];
	int one = 1, fd, again;

	snprintf(service, sizeof service, "%u", *port);
	if (getaddrinfo(address, service, &hints, &ai) != 0)
		return -1;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof one) != 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) != 0)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	if (fd < 0 || *port != 0)
		return fd;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
		*port = ntohs(ss.ss_family == AF_INET6 ?
		    ((struct sockaddr_in6 *)&ss)->sin6_port :
		    ((struct sockaddr_in *)&ss)->sin_port);
		again = door_bind(address, port);
	} else
		again = -1;
	close(fd);
	return again;
}

static void
door_open(struct door *d, bool open)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = d } };

	if (d->open == open)
		return;
	if (open) {
		if (listen(d->fd, SERVER_BACKLOG) != 0 ||
		    epoll_ctl(server.epoll, EPOLL_CTL_ADD, d->fd, &ev) != 0) {
			log_msg(LOG_ERROR, NULL, "cannot listen: %s",
			    strerror(errno));
			return;
		}
	} else {
		epoll_ctl(server.epoll, EPOLL_CTL_DEL, d->fd, NULL);
		/* Linux: listening ends, the port stays bound, and a new
		 * listen() takes it up again. */
		shutdown(d->fd, SHUT_RDWR);
	}
	d->open = open;
}

static int
door_make(struct door *d, struct camera *cam, enum door_kind kind,
    uint16_t *port)
{
	d->cam = cam;
	d->kind = kind;
	d->fd = door_bind(server.fleet->address, port);
	return d->fd < 0 ? CAMCA_EIO : CAMCA_OK;
}

/* Power comes back; doors are as the protocols are. */
static void
door_tend(struct door *d)
{
	struct camera *cam = d->cam;
	bool on;

	if (cam == NULL) {
		door_open(d, true);
		return;
	}
	pthread_mutex_lock(&cam->lock);
	if (cam->off && cam->off_until >= 0 && cam->off_until <= mono_ms())
		cam->off = false;
	on = !cam->off && (d->kind == DOOR_HTTPS ? cam->https.enabled :
	    d->kind == DOOR_RTSP ? cam->rtsp.enabled : cam->http.enabled);
	pthread_mutex_unlock(&cam->lock);
	door_open(d, on);
}

/* ---- connections ---- */

struct visit { struct door *door; int fd; };

static void *
visit_run(void *arg)
{
	struct visit v = *(struct visit *)arg;

	free(arg);
	if (v.door->cam == NULL)
		conn_control(server.fleet, v.fd);
	else
		conn_camera(server.fleet, v.door->cam, v.fd, v.door->kind,
		    &server.stop);
	atomic_fetch_sub(&server.live, 1);
	return NULL;
}

static void
visit_start(struct door *d, int fd)
{
	struct visit *v = malloc(sizeof *v);
	pthread_attr_t attr;
	pthread_t t;
	int one = 1, err = ENOMEM;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (v != NULL && pthread_attr_init(&attr) == 0) {
		*v = (struct visit){ d, fd };
		pthread_attr_setstacksize(&attr, SERVER_STACK);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		atomic_fetch_add(&server.live, 1);
		err = pthread_create(&t, &attr, visit_run, v);
		if (err != 0)
			atomic_fetch_sub(&server.live, 1);
		pthread_attr_destroy(&attr);
	}
	if (err != 0) {
		log_msg(LOG_WARN, NULL, "no thread: %s", strerror(err));
		free(v);
		close(fd);
	}
}

static void *
server_run(void *arg)
{
	struct epoll_event ev[64];
	struct door *d;
	int64_t next = 0;
	int i, n, fd;

	(void)arg;
	while (!atomic_load(&server.stop)) {
		n = epoll_wait(server.epoll, ev, 64, SERVER_TICK_MS);
		for (i = 0; i < n; i++) {
			d = ev[i].data.ptr;
			fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				visit_start(d, fd);
		}
		if (mono_ms() < next)
			continue;
		for (i = 0; i < (int)server.ndoors; i++)
			door_tend(&server.door[i]);
		next = mono_ms() + SERVER_TICK_MS;
	}
	return NULL;
}

static int
server_doors_of(struct fleet *f, struct camera *cam, struct door *d)
{
	int ret;

	if (f->base_port > 0) {
		cam->http_port = (uint16_t)((unsigned)f->base_port +
		    2 * cam->number);
		cam->https_port = (uint16_t)(cam->http_port + 1);
		cam->rtsp_port = (uint16_t)((unsigned)f->base_port + 2 * f->n +
		    cam->number);
	}
	snprintf(cam->address, sizeof cam->address, "%s", f->address);
	if ((ret = door_make(&d[0], cam, DOOR_HTTP, &cam->http_port)) < 0 ||
	    (ret = door_make(&d[1], cam, DOOR_HTTPS, &cam->https_port)) < 0 ||
	    (ret = door_make(&d[2], cam, DOOR_RTSP, &cam->rtsp_port)) < 0)
		return ret;
	cam->http.port = cam->http_port;
	cam->https.port = cam->https_port;
	cam->rtsp.port = cam->rtsp_port;
	return CAMCA_OK;
}

static int
server_doors(struct fleet *f)
{
	unsigned i;
	int ret;

	server.ndoors = 3 * (size_t)f->n + 1;
	server.door = calloc(server.ndoors, sizeof *server.door);
	if (server.door == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < server.ndoors; i++)
		server.door[i].fd = -1;
	if ((ret = door_make(&server.door[0], NULL, DOOR_HTTP,
	    &f->control_port)) < 0)
		return ret;
	for (i = 0; i < f->n; i++)
		if ((ret = server_doors_of(f, f->cam[i],
		    &server.door[1 + 3 * i])) < 0)
			return ret;
	return CAMCA_OK;
}

int
server_start(struct fleet *fleet)
{
	size_t i;
	int ret;

	server.fleet = fleet;
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server.epoll < 0)
		return CAMCA_EIO;
	if ((ret = conn_setup()) < 0 || (ret = server_doors(fleet)) < 0)
		return ret;
	for (i = 0; i < server.ndoors; i++)
		door_tend(&server.door[i]);
	if (pthread_create(&server.thread, NULL, server_run, NULL) != 0)
		return CAMCA_ENOMEM;
	server.started = true;
	return CAMCA_OK;
}

void
server_stop(void)
{
	struct camera *cam;
	unsigned i, k;

	atomic_store(&server.stop, true);
	if (server.started)
		pthread_join(server.thread, NULL);
	for (i = 0; i < server.ndoors; i++)
		if (server.door[i].fd >= 0)
			close(server.door[i].fd);
	for (i = 0; server.fleet != NULL && i < server.fleet->n; i++) {
		cam = server.fleet->cam[i];
		pthread_mutex_lock(&cam->lock);
		for (k = 0; k < CAM_CONNS; k++)
			if (cam->fd[k] >= 0)
				shutdown(cam->fd[k], SHUT_RDWR);
		pthread_mutex_unlock(&cam->lock);
	}
	for (i = 0; i < 1000 && atomic_load(&server.live) > 0; i++)
		poll(NULL, 0, 5);
	free(server.door);
	if (server.epoll >= 0)
		close(server.epoll);
	conn_teardown();
}
