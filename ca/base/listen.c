/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/log.h"

/* Digits alone: strtoul() would take a sign and blanks, too. */
static int
listen_port(const char *s, uint16_t *out)
{
	unsigned long n;

	if (*s == '\0' || s[strspn(s, "0123456789")] != '\0')
		return CAMCA_ELIMIT;
	n = strtoul(s, NULL, 10);
	if (n > 65535)
		return CAMCA_ELIMIT;
	*out = (uint16_t)n;
	return CAMCA_OK;
}

int
listen_parse(const char *text, char *host, size_t len, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	int ret;

	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= len)
		return CAMCA_EINVAL;
	ret = listen_port(colon + 1, port);
	if (ret < 0)
		return ret;
	memcpy(host, text, n);
	host[n] = '\0';
	return CAMCA_OK;
}

/* The length of the address, 0 where host is none. */
static socklen_t
listen_address(struct sockaddr_storage *out, const char *host, uint16_t port)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return sizeof *v6;
	}
	return 0;
}

int
listen_open(const char *host, uint16_t port, int backlog, int *fd_out,
    uint16_t *port_out)
{
	struct sockaddr_storage sa;
	const struct sockaddr_in *v4 = (const void *)&sa;
	socklen_t len = listen_address(&sa, host, port);
	int fd, on = 1;

	if (len == 0) {
		log_msg(LOG_ERROR, host, "not an IP address to listen on");
		return CAMCA_EINVAL;
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) != 0 ||
	    listen(fd, backlog) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0) {
		log_msg(LOG_ERROR, host, "cannot listen on port %u: %s", port,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return CAMCA_EIO;
	}
	/* The port stands at the same place in both families. */
	*port_out = ntohs(v4->sin_port);
	*fd_out = fd;
	return CAMCA_OK;
}
