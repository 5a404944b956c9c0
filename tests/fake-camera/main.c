/* SPDX-License-Identifier: Apache-2.0 */
/* camca-fake-camera: ONVIF cameras for rehearsals and tests. */
#include <argp.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "tests/fake-camera/discovery.h"
#include "tests/fake-camera/keygen.h"
#include "tests/fake-camera/server.h"
#include "tests/fake-camera/spoil.h"
#include "tests/fake-camera/truth.h"

#define CAMERAS_MAX 10000

const char *argp_program_version = "camca-fake-camera " CAMCA_VERSION;

enum { OPT_PERSONA = 256, OPT_LISTEN, OPT_BASE, OPT_LATENCY, OPT_POOL,
	OPT_KEYGEN, OPT_BOOT, OPT_USER, OPT_PASSWORD, OPT_MESSAGES, OPT_KEEP,
	OPT_STDIN, OPT_READY, OPT_CONTROL, OPT_FAULTS, OPT_DISCOVERY };

static const struct argp_option options[] = {
	{ "cameras", 'n', "N", 0, "how many (default 1)", 0 },
	{ "persona", OPT_PERSONA, "NAME[,NAME...]", 0, "default, modern, "
	    "md5first, rsa4, lateclock; given out in turn", 0 },
	{ "listen", OPT_LISTEN, "ADDR", 0, "address (default 127.0.0.1)", 0 },
	{ "base-port", OPT_BASE, "N", 0, "ports from N on, two a camera, "
	    "then one each for RTSP; free ones unless given", 0 },
	{ "control-port", OPT_CONTROL, "N", 0, "of the control port", 0 },
	{ "discovery-port", OPT_DISCOVERY, "N", 0, "answer WS-Discovery "
	    "there (UDP); 0 takes a free port", 0 },
	{ "latency-ms", OPT_LATENCY, "N", 0, "each answer takes so long", 0 },
	{ "key-pool", OPT_POOL, "N", 0, "make N keys of a kind, then hand "
	    "them out again", 0 },
	{ "keygen-ms", OPT_KEYGEN, "N", 0, "a key takes at least so long "
	    "(default 200)", 0 },
	{ "boot-ms", OPT_BOOT, "N", 0, "a restart takes so long (default "
	    "500)", 0 },
	{ "user", OPT_USER, "NAME", 0, "account from the factory (admin)",
	    0 },
	{ "password", OPT_PASSWORD, "TEXT", 0, "its password (admin)", 0 },
	{ "messages", OPT_MESSAGES, "DIR", 0, "write each body there", 0 },
	{ "keep", OPT_KEEP, "N", 0, "messages a camera remembers (32 where "
	    "there are few cameras)", 0 },
	{ "with-stdin", OPT_STDIN, NULL, 0, "end when standard input does",
	    0 },
	{ "ready-fd", OPT_READY, "N", 0, "write \"ready\" there too", 0 },
	{ "faults", OPT_FAULTS, NULL, 0, "list what can go wrong, and end",
	    0 },
	{ 0 }
};

struct arguments {
	unsigned cameras, pool;
	int base_port, control_port, discovery_port, ready_fd, keep;
	int64_t latency_ms, keygen_ms, boot_ms;
	char *personas;
	const char *address, *user, *password, *messages;
	bool with_stdin, faults;
};

static long
arguments_number(struct argp_state *st, const char *s, long max)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*s == '\0' || *end != '\0' || n < 0 || n > max)
		argp_error(st, "not a number up to %ld: %s", max, s);
	return n;
}

static error_t
arguments_parse(int key, char *arg, struct argp_state *st)
{
	struct arguments *a = st->input;

	switch (key) {
	case 'n':
		a->cameras = (unsigned)arguments_number(st, arg, CAMERAS_MAX);
		break;
	case OPT_PERSONA: a->personas = arg; break;
	case OPT_LISTEN: a->address = arg; break;
	case OPT_BASE:
		a->base_port = (int)arguments_number(st, arg, 65000);
		break;
	case OPT_CONTROL:
		a->control_port = (int)arguments_number(st, arg, 65535);
		break;
	case OPT_DISCOVERY:
		a->discovery_port = (int)arguments_number(st, arg, 65535);
		break;
	case OPT_LATENCY: a->latency_ms = arguments_number(st, arg, 60000);
		break;
	case OPT_POOL: a->pool = (unsigned)arguments_number(st, arg, 1000);
		break;
	case OPT_KEYGEN: a->keygen_ms = arguments_number(st, arg, 600000);
		break;
	case OPT_BOOT: a->boot_ms = arguments_number(st, arg, 600000); break;
	case OPT_USER: a->user = arg; break;
	case OPT_PASSWORD: a->password = arg; break;
	case OPT_MESSAGES: a->messages = arg; break;
	case OPT_KEEP: a->keep = (int)arguments_number(st, arg, 4096); break;
	case OPT_STDIN: a->with_stdin = true; break;
	case OPT_READY: a->ready_fd = (int)arguments_number(st, arg, 65535);
		break;
	case OPT_FAULTS: a->faults = true; break;
	case ARGP_KEY_ARG: argp_error(st, "unexpected: %s", arg); break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- the fleet ---- */

/* "a,b,c" given out in turn. */
static const struct persona *
fleet_persona(const char *list, unsigned i)
{
	char name[32];
	const char *s;
	unsigned n = 1, k;

	for (s = list; *s != '\0'; s++)
		n += *s == ',';
	for (s = list, k = i % n; k > 0; k--)
		s = strchr(s, ',') + 1;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(s, ","), s);
	return persona_find(name);
}

static void
fleet_free(struct fleet *f)
{
	unsigned i;

	for (i = 0; f->cam != NULL && i < f->n; i++)
		camera_free(f->cam[i]);
	free(f->cam);
}

static int
fleet_make(struct fleet *f, const struct arguments *a)
{
	const struct persona *p;
	unsigned i, keep = a->keep >= 0 ? (unsigned)a->keep :
	    a->cameras <= 16 ? 32 : 0;

	f->cam = calloc(a->cameras, sizeof *f->cam);
	if (f->cam == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < a->cameras; i++) {
		if ((p = fleet_persona(a->personas, i)) == NULL) {
			log_msg(LOG_ERROR, a->personas, "no such persona");
			return CAMCA_EINVAL;
		}
		f->cam[i] = camera_new(i, p, a->user, a->password, keep);
		if (f->cam[i] == NULL)
			return CAMCA_ENOMEM;
		f->n = i + 1;
	}
	return CAMCA_OK;
}

/* Three doors a camera, and a connection or two. */
static void
main_files(unsigned cameras)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_max < 5UL * cameras + 64)
		log_msg(LOG_WARN, NULL, "%lu open files may be too few",
		    (unsigned long)r.rlim_max);
}

/* One line that says where everything is. */
static int
main_ready(const struct fleet *f, int discovery_port, int ready_fd)
{
	json_t *list = json_array();
	char *line;
	unsigned i;
	int ret = CAMCA_ENOMEM;

	for (i = 0; i < f->n; i++) {
		pthread_mutex_lock(&f->cam[i]->lock);
		json_array_append_new(list, truth_short(f->cam[i]));
		pthread_mutex_unlock(&f->cam[i]->lock);
	}
	list = json_pack("{s:b, s:i, s:o}", "ready", 1, "control",
	    (int)f->control_port, "cameras", list);
	if (discovery_port >= 0)
		json_object_set_new(list, "discovery", json_integer(
		    discovery_port));
	line = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (line != NULL && printf("%s\n", line) > 0 && fflush(stdout) == 0)
		ret = CAMCA_OK;
	free(line);
	if (ret == 0 && ready_fd >= 0 && write(ready_fd, "ready\n", 6) != 6)
		ret = CAMCA_EIO;
	if (ready_fd >= 0)
		close(ready_fd);
	return ret;
}

/* Until a signal, or the end of standard input. */
static void
main_wait(bool with_stdin, const sigset_t *set)
{
	struct pollfd p[2] = { { .fd = signalfd(-1, set, SFD_CLOEXEC),
	    .events = POLLIN }, { .fd = with_stdin ? 0 : -1,
	    .events = POLLIN } };
	char junk[256];

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents != 0)
			break;
		if (p[1].revents != 0 && read(0, junk, sizeof junk) <= 0)
			break;
	}
	close(p[0].fd);
}

static int
main_serve(const struct arguments *a, const sigset_t *set)
{
	struct fleet f = { .address = a->address, .base_port = a->base_port,
	    .latency_ms = a->latency_ms,
	    .control_port = (uint16_t)a->control_port };
	uint16_t discovery = (uint16_t)a->discovery_port;
	int ret;

	main_files(a->cameras);
	spoil_setup(a->boot_ms, a->messages);
	if ((ret = keygen_start(a->pool, a->keygen_ms)) == 0 &&
	    (ret = fleet_make(&f, a)) == 0 &&
	    (ret = server_start(&f)) == 0 &&
	    (a->discovery_port < 0 ||
	    (ret = discovery_start(&f, &discovery)) == 0) &&
	    (ret = main_ready(&f, a->discovery_port < 0 ? -1 : discovery,
	    a->ready_fd)) == 0)
		main_wait(a->with_stdin, set);
	else
		log_msg(LOG_ERROR, NULL, "cannot start: %s",
		    camca_strerror(ret));
	discovery_stop();
	server_stop();
	keygen_stop();
	fleet_free(&f);
	return ret;
}

static int
main_faults(void)
{
	json_t *list = fault_catalogue(), *o;
	size_t i;

	json_array_foreach(list, i, o)
		printf("%-26s %s\n", json_string_value(json_object_get(o,
		    "name")), json_string_value(json_object_get(o, "text")));
	json_decref(list);
	return 0;
}

int
main(int argc, char **argv)
{
	static char one[] = "default";
	static const struct argp parser = { options, arguments_parse, NULL,
	    "Plays ONVIF cameras: strict, small, and as faulty as told.",
	    NULL, NULL, NULL };
	struct arguments a = { .cameras = 1, .ready_fd = -1, .keep = -1,
	    .discovery_port = -1,
	    .keygen_ms = 200, .boot_ms = 500, .personas = one,
	    .address = "127.0.0.1", .user = "admin", .password = "admin" };
	sigset_t set;
	int ret;

	log_setup("camca-fake-camera", LOG_NOTE);
	argp_err_exit_status = 2;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return 2;
	if (a.faults)
		return main_faults();
	if (a.messages != NULL && file_mkdirs(a.messages, 0755) < 0) {
		log_msg(LOG_ERROR, a.messages, "no such folder");
		return 1;
	}
	/* All threads inherit the mask: signals come through one door. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	xmlInitParser();
	ret = main_serve(&a, &set);
	xmlCleanupParser();
	return ret < 0 ? 1 : 0;
}
