/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are: the other programs, the policies that are shipped, and the
 * addresses under which the gate answers. */
#ifndef CAMCA_CMD_WHERE_H
#define CAMCA_CMD_WHERE_H

#include <stddef.h>

#include "ca/base/config.h"
#include "ca/base/err.h"

#define WHERE_URL_MAX 400

/* The program of this name beside camca, else in ../sbin or ../bin; without
 * either the bare name, which execvp(3) looks for in PATH. CAMCA_ELIMIT. */
CAMCA_MUST int where_program(const char *name, char *out, size_t out_len);
/* The shipped policies: ../share/camca/policies of the program's folder, the
 * source tree that it was built in, or those of the prefix it was built for.
 * CAMCA_ENOENT. */
CAMCA_MUST int where_policies(char *out, size_t out_len);

struct where_urls {
	char est[WHERE_URL_MAX];     /* "https://name:8443/.well-known/est" */
	char http[WHERE_URL_MAX];    /* "http://name:8080" */
};
/* From STATE/camca.yaml and, where a port is 0, STATE/gate/ports as the running
 * gate writes it. CAMCA_EINVAL with a sentence in error. */
CAMCA_MUST int where_urls(const char *state, struct where_urls *out,
    char *error, size_t error_len);
/* Ports in the text of STATE/gate/ports ("est 8443\nhttp 8080\n"); others are
 * left alone. CAMCA_EINVAL. */
CAMCA_MUST int where_ports(const char *text, unsigned *est, unsigned *http);

#endif
