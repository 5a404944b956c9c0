/* SPDX-License-Identifier: Apache-2.0 */
/* camca-anchor: carries checkpoints to witnesses and time-stamping authorities,
 * and their answers back. */
#include <argp.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/anchor/courier.h"
#include "enroll/gate/process.h"

#define MAIN_FILES 128

const char *argp_program_version = "camca-anchor " CAMCA_VERSION;

enum { OPT_READY = 256, OPT_LEVEL };

static const struct argp_option options[] = {
	{ "state", 's', "DIR", 0, "state folder (default /var/lib/camca)", 0 },
	{ "ready-fd", OPT_READY, "N", 0, "write \"ready\" there when camcad "
	    "has answered", 0 },
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

/* All threads inherit this mask: signals come through sigwait() alone. */
static void
main_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static int
main_carry(const struct config *conf, int ready_fd)
{
	struct courier *c = NULL;
	char dir[300];
	sigset_t set;
	int sig = 0, ret;

	process_harden(MAIN_FILES);
	main_signals(&set);
	if ((ret = file_join(dir, sizeof dir, conf->state, "gate")) < 0 ||
	    (ret = process_drop(conf->gate_user, dir)) < 0 ||
	    (ret = courier_start(&c, conf, ready_fd)) < 0) {
		log_msg(LOG_ERROR, NULL, "cannot start: %s",
		    camca_strerror(ret));
		return ret;
	}
	while (sig != SIGTERM && sig != SIGINT)
		if (sigwait(&set, &sig) != 0)
			break;
	log_msg(LOG_NOTE, NULL, "stopping");
	courier_stop(c);
	return CAMCA_OK;
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, arguments_parse, NULL,
	    "Carries checkpoints of the custody log to its witnesses.", NULL,
	    NULL, NULL };
	struct arguments a = { .state = "/var/lib/camca", .ready_fd = -1,
	    .level = LOG_NOTE };
	char error[512] = "";
	struct config *conf;
	int ret;

	if (getenv("CAMCA_STATE") != NULL)
		a.state = getenv("CAMCA_STATE");
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return 2;
	log_setup("camca-anchor", a.level);
	conf = calloc(1, sizeof *conf);
	if (conf == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	ret = config_load(conf, a.state, error, sizeof error);
	if (ret < 0)
		log_msg(LOG_ERROR, a.state, "%s", error);
	else
		ret = main_carry(conf, a.ready_fd);
	curl_global_cleanup();
	free(conf);
	return ret < 0 ? 1 : 0;
}
