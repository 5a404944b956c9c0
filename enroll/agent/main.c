/* SPDX-License-Identifier: Apache-2.0 */
/* camca-agent: does at a site's cameras what they cannot do themselves. */
#include <argp.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/base/json_memory.h"
#include "ca/base/log.h"
#include "enroll/agent/crew.h"
#include "enroll/agent/look.h"
#include "enroll/gate/process.h"

/* A camera has a connection, what libcurl wakes itself with, and now and then
 * one for a handshake or to the gate. */
#define MAIN_FILES (AGENT_CONCURRENCY_MAX * 5 + 128)
#define MAIN_CONFIG "/etc/camca/agent.conf"
#define MAIN_CONFIG_MAX (64u * 1024)

const char *argp_program_version = "camca-agent " CAMCA_VERSION;

enum { OPT_READY = 256, OPT_LEVEL, OPT_WAIT };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "settings (default " MAIN_CONFIG ")", 0 },
	{ "dir", 'd', "DIR", 0, "where its key and certificate are kept", 0 },
	{ "ready-fd", OPT_READY, "N", 0, "write \"ready\" there when the gate "
	    "has answered", 0 },
	{ "wait", OPT_WAIT, "MS", 0, "discover: how long to listen (3000)",
	    0 },
	{ "log-level", OPT_LEVEL, "LEVEL", 0,
	    "error, warning, note, info, trace", 0 },
	{ 0 }
};

enum command { COMMAND_RUN, COMMAND_ONCE, COMMAND_LOOK, COMMAND_DISCOVER,
	COMMANDS };

struct arguments {
	const char *config, *dir, *host;
	enum command command;
	int ready_fd, wait_ms;
	enum log_level level;
};

static int
arguments_number(struct argp_state *st, const char *arg)
{
	char *end;
	long n = strtol(arg, &end, 10);

	if (*arg == '\0' || *end != '\0' || n < 0 || n > 65535)
		argp_error(st, "not a number that fits: %s", arg);
	return (int)n;
}

static error_t
arguments_word(struct arguments *a, char *arg, struct argp_state *st)
{
	static const char *const words[COMMANDS] = { "run", "once", "look",
	    "discover" };
	int i;

	if (st->arg_num == 1 && a->command == COMMAND_LOOK) {
		a->host = arg;
		return 0;
	}
	if (st->arg_num > 0)
		argp_error(st, "unexpected: %s", arg);
	for (i = 0; i < COMMANDS; i++)
		if (strcmp(arg, words[i]) == 0) {
			a->command = (enum command)i;
			return 0;
		}
	argp_error(st, "no such command: %s", arg);
	return 0;
}

static error_t
arguments_parse(int key, char *arg, struct argp_state *st)
{
	struct arguments *a = st->input;

	switch (key) {
	case 'c':
		a->config = arg;
		return 0;
	case 'd':
		a->dir = arg;
		return 0;
	case OPT_READY:
		a->ready_fd = arguments_number(st, arg);
		return 0;
	case OPT_WAIT:
		a->wait_ms = arguments_number(st, arg);
		return 0;
	case OPT_LEVEL:
		if (!log_level_parse(arg, &a->level))
			argp_error(st, "no such log level: %s", arg);
		return 0;
	case ARGP_KEY_ARG:
		return arguments_word(a, arg, st);
	case ARGP_KEY_END:
		if (a->command == COMMAND_LOOK && a->host == NULL)
			argp_error(st, "look wants a HOST[:PORT]");
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
main_settings(struct agent_settings *s, const struct arguments *a)
{
	struct refusal why = { 0 };
	struct buf text;
	int ret;

	memset(s, 0, sizeof *s);
	buf_init(&text, MAIN_CONFIG_MAX);
	ret = file_read(a->config, MAIN_CONFIG_MAX, &text);
	if (ret < 0)
		log_msg(LOG_ERROR, a->config, "the settings cannot be read: "
		    "%s; --config FILE names another file",
		    file_strerror(ret));
	else if ((ret = agent_settings_parse(s, &text, a->dir, &why)) < 0)
		log_msg(LOG_ERROR, a->config, "%s", why.detail[0] != '\0' ?
		    why.detail : camca_strerror(ret));
	buf_fini(&text);
	return ret;
}

/* Until a signal says stop; SIGHUP looks after our own certificate. */
static void
main_until_signal(sigset_t *set, struct crew *c, struct keeper *k)
{
	int sig = 0;

	while (sig != SIGTERM && sig != SIGINT) {
		if (sigwait(set, &sig) != 0)
			break;
		if (sig == SIGHUP)
			keeper_now(k);
	}
	log_msg(LOG_NOTE, NULL, "stopping: cameras are left at a safe point");
	crew_stop(c);
}

static int
main_work(const struct agent_settings *s, const struct arguments *a,
    sigset_t *set)
{
	struct refusal why = { 0 };
	struct keeper *k = NULL;
	struct crew *c = NULL;
	int ret = keeper_open(&k, s, &why);

	if (ret == CAMCA_OK)
		ret = crew_start(&c, s, k, a->ready_fd,
		    a->command == COMMAND_ONCE);
	if (ret < 0) {
		log_msg(LOG_ERROR, NULL, "cannot start: %s", why.detail[0] !=
		    '\0' ? why.detail : camca_strerror(ret));
	} else {
		if (a->command == COMMAND_ONCE)
			ret = crew_wait(c);
		else
			main_until_signal(set, c, k);
		crew_free(c);
	}
	keeper_close(k);
	return ret;
}

static int
main_run(const struct arguments *a)
{
	struct agent_settings s;
	sigset_t set;
	int ret;

	json_memory_setup();
	process_harden(MAIN_FILES);
	if (a->command != COMMAND_ONCE)
		main_signals(&set);
	ret = main_settings(&s, a);
	if (ret == CAMCA_OK)
		ret = process_drop(s.value[AGENT_USER], s.value[AGENT_DIR]);
	if (ret == CAMCA_OK)
		ret = main_work(&s, a, &set);
	agent_settings_fini(&s);
	return ret;
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, arguments_parse,
	    "run|once|look HOST[:PORT]|discover",
	    "Enrolls the cameras of a site and rotates their passwords, as "
	    "jobs of camcad tell it.", NULL, NULL, NULL };
	struct arguments a = { .config = MAIN_CONFIG, .ready_fd = -1,
	    .wait_ms = 3000, .level = LOG_NOTE };
	int ret;

	argp_err_exit_status = 2;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return 2;
	log_setup("camca-agent", a.level);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	switch (a.command) {
	case COMMAND_LOOK:
		ret = look_at(a.host);
		break;
	case COMMAND_DISCOVER:
		ret = look_around(a.wait_ms);
		break;
	default:
		ret = main_run(&a);
	}
	curl_global_cleanup();
	return ret < 0 ? 1 : 0;
}
