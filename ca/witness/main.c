/* SPDX-License-Identifier: Apache-2.0 */
/* camca-witness: remembers the newest checkpoint of each log it knows and signs
 * the next one only where that extends it (C2SP tlog-witness). */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/ctx.h"
#include "ca/base/file.h"
#include "ca/base/harden.h"
#include "ca/base/listen.h"
#include "ca/base/log.h"
#include "ca/witness/serve.h"

const char *argp_program_version = "camca-witness " CAMCA_VERSION;

enum { OPT_READY = 256, OPT_LEVEL, OPT_INIT, OPT_NAME, OPT_LISTEN,
	OPT_PREFIX };

static const struct argp_option options[] = {
	{ "dir", 'd', "DIR", 0, "folder with key, logs and state "
	    "(default /var/lib/camca-witness)", 0 },
	{ "listen", OPT_LISTEN, "ADDR:PORT", 0, "default 127.0.0.1:7380", 0 },
	{ "prefix", OPT_PREFIX, "/PATH", 0, "before all paths", 0 },
	{ "ready-fd", OPT_READY, "N", 0, "write \"ready\" there when serving",
	    0 },
	{ "log-level", OPT_LEVEL, "LEVEL", 0,
	    "error, warning, note, info, trace", 0 },
	{ "init", OPT_INIT, NULL, 0, "make folder and key, and end", 1 },
	{ "name", OPT_NAME, "NAME", 0, "of the key: witness.example/w1", 1 },
	{ 0 }
};

struct arguments {
	const char *dir, *name, *prefix;
	char host[64];
	uint16_t port;
	bool init;
	int ready_fd;
	enum log_level level;
};

static long
arguments_number(struct argp_state *st, const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*s == '\0' || *end != '\0' || n < 0 || n > 65535)
		argp_error(st, "not a number from 0 to 65535: %s", s);
	return n;
}

static error_t
arguments_parse(int key, char *arg, struct argp_state *st)
{
	struct arguments *a = st->input;
	size_t n;

	switch (key) {
	case 'd': a->dir = arg; break;
	case OPT_NAME: a->name = arg; break;
	case OPT_INIT: a->init = true; break;
	case OPT_READY: a->ready_fd = (int)arguments_number(st, arg); break;
	case OPT_LEVEL:
		if (!log_level_parse(arg, &a->level))
			argp_error(st, "no such log level: %s", arg);
		break;
	case OPT_LISTEN:
		if (listen_parse(arg, a->host, sizeof a->host, &a->port) < 0)
			argp_error(st, "an address is written ADDRESS:PORT: "
			    "%s", arg);
		break;
	case OPT_PREFIX:
		n = strlen(arg);
		if (n >= SERVE_PREFIX_MAX || (n > 0 && (arg[0] != '/' ||
		    arg[n - 1] == '/')))
			argp_error(st, "a prefix is written /PATH: %s", arg);
		a->prefix = arg;
		break;
	case ARGP_KEY_ARG: argp_error(st, "unexpected: %s", arg); break;
	case ARGP_KEY_END:
		if (a->init != (a->name != NULL))
			argp_error(st, "--init and --name go together");
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int
main_say(const struct refusal *why, int err)
{
	log_msg(LOG_ERROR, NULL, "%s", why->http != 0 ? why->detail :
	    camca_strerror(err));
	return err;
}

/* ---- --init ---- */

/* A list of no logs, with a word on what goes there. */
static int
init_logs(const char *dir)
{
	static const char text[] = "# Logs that are witnessed: their verifier "
	    "keys, one a line.\n";
	char path[400];

	if (file_join(path, sizeof path, dir, ROSTER_FILE) < 0)
		return CAMCA_ELIMIT;
	return file_exists(path) ? CAMCA_OK :
	    file_replace(path, text, sizeof text - 1, 0644);
}

static int
init_vkey(const char *dir)
{
	struct cosigner c;
	struct refusal why = { 0 };
	struct buf b;
	int ret = cosigner_open(&c, dir, &why);

	if (ret < 0)
		return main_say(&why, ret);
	buf_init(&b, 0);
	ret = note_key_text(&c.key, &b);
	if (ret == CAMCA_OK)
		printf("%s\n", buf_str(&b));
	buf_fini(&b);
	cosigner_fini(&c);
	return ret;
}

static int
main_init(const struct arguments *a)
{
	struct refusal why = { 0 };
	char state[400];
	int ret;

	if ((ret = file_mkdirs(a->dir, 0755)) < 0 ||
	    (ret = file_join(state, sizeof state, a->dir,
	    ROSTER_FOLDER)) < 0 || (ret = file_mkdirs(state, 0755)) < 0 ||
	    (ret = init_logs(a->dir)) < 0 ||
	    (ret = cosigner_make(a->dir, a->name, &why)) < 0)
		return main_say(&why, ret);
	return init_vkey(a->dir);
}

/* ---- serving ---- */

static void
main_harden(void)
{
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);      /* a limit on files is a full disk */
	harden_process();
}

/* One process a folder: two would each have a record of their own in memory, and
 * could sign two histories. The lock goes with the process. */
static int
main_lock(const char *dir, int *fd_out)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*fd_out = fd;
		return CAMCA_OK;
	}
	log_msg(LOG_ERROR, dir, "%s", fd >= 0 && errno == EWOULDBLOCK ?
	    "another camca-witness works there" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return CAMCA_EBUSY;
}

static int
main_ports(const char *dir, uint16_t port)
{
	char path[400], text[32];
	int n;

	if (file_join(path, sizeof path, dir, "ports") < 0)
		return CAMCA_ELIMIT;
	n = snprintf(text, sizeof text, "http %u\n", port);
	return file_replace(path, text, (size_t)n, 0644);
}

static void
main_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "ready\n", 6) != 6)
		log_msg(LOG_WARN, NULL, "nobody hears that we are ready");
	close(fd);
}

/* All threads inherit the mask: signals come here alone. */
static void
main_wait(struct serve *s, const sigset_t *set)
{
	static const struct timespec second = { 1, 0 };
	struct refusal why;
	int sig;

	for (;;) {
		sig = sigtimedwait(set, NULL, &second);
		serve_sweep(s);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig != SIGHUP)
			continue;
		memset(&why, 0, sizeof why);
		if (serve_reload(s, &why) < 0)
			log_msg(LOG_ERROR, NULL, "the logs stay as they were: "
			    "%s", why.detail);
		else
			log_msg(LOG_NOTE, NULL, "the logs are read anew");
	}
}

static int
main_serve(const struct arguments *a, const struct cosigner *c)
{
	struct serve_conf conf = { .host = a->host, .port = a->port,
	    .prefix = a->prefix, .dir = a->dir, .cosigner = c,
	    .ctx = &camca_ctx_system };
	struct roster *roster = NULL;
	struct refusal why = { 0 };
	struct serve *s = NULL;
	uint16_t port = 0;
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	roster_sweep(a->dir);
	ret = roster_open(&roster, a->dir, c, &why);
	if (ret < 0)
		return main_say(&why, ret);
	ret = serve_start(&s, &conf, roster, &port);
	if (ret < 0)
		return ret;
	ret = main_ports(a->dir, port);
	if (ret == CAMCA_OK) {
		log_msg(LOG_NOTE, c->key.name, "HTTP on port %u", port);
		main_ready(a->ready_fd);
		main_wait(s, &set);
	} else {
		log_msg(LOG_ERROR, a->dir, "cannot write: %s",
		    camca_strerror(ret));
	}
	serve_stop(s);
	return ret;
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, arguments_parse, NULL,
	    "A witness for transparency logs.", NULL, NULL, NULL };
	struct arguments a = { .dir = "/var/lib/camca-witness",
	    .host = "127.0.0.1", .port = 7380, .prefix = "", .ready_fd = -1,
	    .level = LOG_NOTE };
	struct refusal why = { 0 };
	struct cosigner c;
	int fd = -1, ret;

	argp_err_exit_status = 2;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return 2;
	log_setup("camca-witness", a.level);
	main_harden();
	if (a.init)
		return main_init(&a) < 0 ? 1 : 0;
	ret = main_lock(a.dir, &fd);
	if (ret < 0)
		return 1;
	ret = cosigner_open(&c, a.dir, &why);
	if (ret < 0) {
		main_say(&why, ret);
	} else {
		ret = main_serve(&a, &c);
		cosigner_fini(&c);
	}
	close(fd);
	return ret < 0 ? 1 : 0;
}
