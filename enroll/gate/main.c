/* SPDX-License-Identifier: Apache-2.0 */
/* camca-gate: EST over TLS, CA certificates and CRLs over plain HTTP. */
#include <argp.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "enroll/gate/gate.h"
#include "enroll/gate/process.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "unknown"
#endif

/* Beside a descriptor for each connection of both listeners. */
#define MAIN_FILES 256

const char *argp_program_version = "camca-gate " CAMCA_VERSION;

enum { OPT_READY = 256, OPT_LEVEL };

static const struct argp_option options[] = {
	{ "state", 's', "DIR", 0, "state folder (default /var/lib/camca)", 0 },
	{ "ready-fd", OPT_READY, "N", 0, "write \"ready\" there when serving",
	    0 },
	{ "log-level", OPT_LEVEL, "LEVEL", 0,
	    "error, warning, note, info, trace", 0 },
	{ 0 }
};

struct arguments {
	const char *state;
	int ready_fd;
	enum log_level level;
};

static error_t
arguments_parse(int key, char *arg, struct argp_state *st)
{
	struct arguments *a = st->input;
	char *end;
	long n;

	switch (key) {
	case 's':
		a->state = arg;
		return 0;
	case OPT_READY:
		n = strtol(arg, &end, 10);
		if (*arg == '\0' || *end != '\0' || n < 0 || n > 65535)
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

/* All threads inherit this mask: signals come through gate_run() alone. */
static void
main_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int
main_serve(struct gate *g, int ready_fd)
{
	int ret;

	process_harden((size_t)g->conf.max_connections * 2 + MAIN_FILES);
	process_cleanse_json();
	main_block_signals();
	ret = gate_bind(g);
	if (ret == CAMCA_OK)
		ret = gate_start(g);
	if (ret == CAMCA_OK)
		ret = gate_run(g, ready_fd);
	log_msg(LOG_NOTE, NULL, "stopping");
	gate_stop(g);
	return ret;
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, arguments_parse, NULL,
	    "The network side of camca: EST, CA certificates and CRLs.", NULL,
	    NULL, NULL };
	struct arguments a = { .state = "/var/lib/camca", .ready_fd = -1,
	    .level = LOG_NOTE };
	char error[512] = "";
	struct gate *g;
	int ret;

	if (getenv("CAMCA_STATE") != NULL)
		a.state = getenv("CAMCA_STATE");
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return 2;
	log_setup("camca-gate", a.level);
	g = calloc(1, sizeof *g);
	if (g == NULL)
		return 1;
	g->ctx = &camca_ctx_system;
	ret = config_load(&g->conf, a.state, error, sizeof error);
	if (ret < 0)
		log_msg(LOG_ERROR, a.state, "%s", error);
	else
		ret = main_serve(g, a.ready_fd);
	free(g);
	return ret < 0 ? 1 : 0;
}
