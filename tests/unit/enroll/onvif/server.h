/* SPDX-License-Identifier: Apache-2.0 */
/* A server that says what it was told, byte for byte, one turn a request. */
#ifndef TEST_ONVIF_SERVER_H
#define TEST_ONVIF_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 4

/* Each turn reads one request and then writes, or writes nothing and waits for
 * the end (NULL); end closes the connection, so the next turn accepts. */
struct turn {
	const char *answer;
	bool end;
	size_t more;                 /* bytes 'x' behind it */
};

struct server {
	int fd, stop[2];
	uint16_t port;
	pthread_t thread;
	struct turn turn[TURNS];
	size_t n, requests, connections;
	char asked[TURNS][4096];
};

static bool
server_ready(struct server *s, int fd)
{
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { s->stop[0], POLLIN, 0 } };

	return poll(p, 2, 10000) > 0 && p[1].revents == 0;
}

/* Head, and the body "BODY" where it is a POST. */
static bool
server_read(struct server *s, int fd, char *out)
{
	size_t n = 0;
	ssize_t r;

	out[0] = '\0';
	while (n < 4095 && strstr(out, strncmp(out, "POST", 4) != 0 ?
	    "\r\n\r\n" : "\r\n\r\nBODY") == NULL) {
		if (!server_ready(s, fd))
			return false;
		r = recv(fd, out + n, 4095 - n, 0);
		if (r <= 0)
			return false;
		n += (size_t)r;
		out[n] = '\0';
	}
	return true;
}

static void
server_write(int fd, const struct turn *t)
{
	char block[4096];
	size_t left, n;

	send(fd, t->answer, strlen(t->answer), MSG_NOSIGNAL);
	memset(block, 'x', sizeof block);
	for (left = t->more; left > 0; left -= n) {
		n = left < sizeof block ? left : sizeof block;
		if (send(fd, block, n, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *
server_thread(void *arg)
{
	struct server *s = arg;
	int fd = -1;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (fd < 0) {
			if (!server_ready(s, s->fd))
				break;
			fd = accept(s->fd, NULL, NULL);
			s->connections++;
		}
		if (!server_read(s, fd, s->asked[i])) {
			close(fd);
			fd = -1;
			i--;
			if (!server_ready(s, s->fd))
				break;
			continue;
		}
		s->requests++;
		if (s->turn[i].answer == NULL)
			(void)server_ready(s, s->stop[0]);
		else
			server_write(fd, &s->turn[i]);
		if (s->turn[i].end) {
			close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof a;

	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_thread, s),
	    0);
}

static void
server_end(struct server *s)
{
	(void)!write(s->stop[1], "x", 1);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->stop[1]);
	close(s->fd);
}

#endif
