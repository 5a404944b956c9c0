/* SPDX-License-Identifier: Apache-2.0 */
/* What the OCSP responder is measured against: libmicrohttpd with the same
 * threads, which reads the request and answers a constant.
 *
 *   ocsp_base BYTES
 *
 * Prints its port, and ends when its standard input does. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct MHD_Response *constant;

static enum MHD_Result
answer(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **state)
{
	static int seen;

	(void)cls;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (*state == NULL) {
		*state = &seen;
		return MHD_YES;
	}
	if (*n > 0) {
		*n = 0;
		return MHD_YES;
	}
	return MHD_queue_response(c, 200, constant);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct MHD_Daemon *d;
	size_t n;
	char *body, c;

	if (argc != 2)
		return 2;
	n = strtoul(argv[1], NULL, 10);
	body = calloc(1, n);
	if (body == NULL)
		return 1;
	constant = MHD_create_response_from_buffer(n, body,
	    MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(constant, "Content-Type",
	    "application/ocsp-response");
	MHD_add_response_header(constant, "Cache-Control",
	    "max-age=0, no-cache");
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, NULL,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&sa,
	    MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_CONNECTION_LIMIT,
	    4096u, MHD_OPTION_CONNECTION_TIMEOUT, 20u, MHD_OPTION_END);
	if (d == NULL)
		return 1;
	printf("%u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	MHD_stop_daemon(d);
	return 0;
}
