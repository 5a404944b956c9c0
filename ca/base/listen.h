/* SPDX-License-Identifier: Apache-2.0 */
/* Where a program listens: "ADDRESS:PORT" as settings and arguments have it, and
 * the TCP socket for it. */
#ifndef CAMCA_BASE_LISTEN_H
#define CAMCA_BASE_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

/* "0.0.0.0:8443", "[::1]:8443": host without brackets, at most len - 1 bytes,
 * and a port of digits up to 65535. Both are as they were after an error.
 * CAMCA_EINVAL: not of this form, or longer; CAMCA_ELIMIT: no such port. Whether
 * host is an address is listen_open()'s business. */
CAMCA_MUST int listen_parse(const char *text, char *host, size_t len,
    uint16_t *port);
/* A TCP socket, non-blocking and closed on exec, that listens on an IPv4 or IPv6
 * address; port 0 picks a free one, *port_out is the one in use. The caller
 * closes *fd_out. CAMCA_EINVAL for something that is no address, CAMCA_EIO;
 * logged. Any thread. */
CAMCA_MUST int listen_open(const char *host, uint16_t port, int backlog,
    int *fd_out, uint16_t *port_out);

#endif
