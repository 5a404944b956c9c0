/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/daemon_args.h"

#include <errno.h>
#include <stdlib.h>

#define DAEMON_STATE "/var/lib/camca"
#define DAEMON_FD_MAX 65535
#define DAEMON_USAGE 2                 /* as camca and the man pages say */

/* Above every character and every number that a program uses for its own. */
enum { OPT_READY = 0x1000, OPT_LEVEL };

static const struct argp_option daemon_options[] = {
	{ "state", 's', "DIR", 0, "state folder (default " DAEMON_STATE ")",
	    0 },
	{ "ready-fd", OPT_READY, "N", 0, "write \"ready\" there when serving",
	    0 },
	{ "log-level", OPT_LEVEL, "LEVEL", 0,
	    "error, warning, note, info, trace", 0 },
	{ 0 }
};

static error_t
daemon_option(int key, char *arg, struct argp_state *st)
{
	struct daemon_args *a = st->input;
	char *end;
	long n;

	switch (key) {
	case 's':
		a->state = arg;
		return 0;
	case OPT_READY:
		n = strtol(arg, &end, 10);
		if (*arg == '\0' || *end != '\0' || n < 0 || n > DAEMON_FD_MAX)
			argp_error(st, "not a descriptor: %s", arg);
		a->ready_fd = (int)n;
		return 0;
	case OPT_LEVEL:
		if (!log_level_parse(arg, &a->level))
			argp_error(st, "no such log level: %s", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(st, "unexpected: %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp daemon_argp = { daemon_options, daemon_option, NULL, NULL,
	NULL, NULL, NULL };

void
daemon_args_init(struct daemon_args *out)
{
	const char *state = getenv("CAMCA_STATE");

	argp_err_exit_status = DAEMON_USAGE;
	out->state = state != NULL ? state : DAEMON_STATE;
	out->ready_fd = -1;
	out->level = LOG_NOTE;
}

int
daemon_args_parse(int argc, char **argv, const char *about,
    struct daemon_args *out)
{
	struct argp parser = daemon_argp;
	error_t err;

	parser.doc = about;
	daemon_args_init(out);
	err = argp_parse(&parser, argc, argv, 0, NULL, out);
	if (err != 0)
		return err == ENOMEM ? CAMCA_ENOMEM : CAMCA_EINVAL;
	return CAMCA_OK;
}
