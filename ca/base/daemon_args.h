/* SPDX-License-Identifier: Apache-2.0 */
/* The options that camcad, camca-gate and camca-anchor share. */
#ifndef CAMCA_BASE_DAEMON_ARGS_H
#define CAMCA_BASE_DAEMON_ARGS_H

#include <argp.h>

#include "ca/base/err.h"
#include "ca/base/log.h"

struct daemon_args {
	const char *state;             /* borrowed: of argv, or environment */
	int ready_fd;                  /* -1: nobody waits */
	enum log_level level;
};

/* --state, --ready-fd and --log-level into a struct daemon_args: for a program
 * with options of its own, as a child of its parser. */
extern const struct argp daemon_argp;

/* What holds where nothing is given: CAMCA_STATE, else /var/lib/camca. A wrong
 * command line ends the program with 2 from here on. */
void daemon_args_init(struct daemon_args *out);
/* For a program with no other options: all of its command line. --help and
 * --version print and exit; a wrong line exits with 2. CAMCA_EINVAL,
 * CAMCA_ENOMEM. */
CAMCA_MUST int daemon_args_parse(int argc, char **argv, const char *about,
    struct daemon_args *out);

#endif
