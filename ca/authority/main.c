/* SPDX-License-Identifier: Apache-2.0 */
/* camcad: the authority. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <unistd.h>

#include "ca/authority/authority.h"
#include "ca/authority/custody.h"
#include "ca/authority/feed.h"
#include "ca/authority/layout.h"
#include "ca/base/daemon_args.h"
#include "ca/base/file.h"
#include "ca/base/harden.h"
#include "ca/base/json_memory.h"
#include "ca/base/listen.h"
#include "ca/base/log.h"
#include "ca/custody/anchor.h"
#include "ca/custody/signer.h"
#include "ca/status/publisher.h"

const char *argp_program_version = "camcad " CAMCA_VERSION;

enum { OPT_INIT = 256, OPT_ORG, OPT_NAME, OPT_EST,
	OPT_HTTP, OPT_NODE, OPT_RSA, OPT_MODULE, OPT_TOKEN, OPT_PIN,
	OPT_POLICIES, OPT_URL, OPT_JSON };

static const struct argp_option options[] = {
	{ "init", OPT_INIT, NULL, 0, "hold the ceremony and end", 1 },
	{ "organization", OPT_ORG, "TEXT", 0, "name in the CA certificates", 1 },
	{ "node", OPT_NODE, "NAME", 0, "name of this machine in events", 1 },
	{ "gate-name", OPT_NAME, "NAME", 0, "DNS name or address of the gate; repeatable", 1 },
	{ "est-listen", OPT_EST, "ADDR:PORT", 0, "where the gate serves EST", 1 },
	{ "http-listen", OPT_HTTP, "ADDR:PORT", 0, "where the gate serves CRLs", 1 },
	{ "http-url", OPT_URL, "URL", 0, "base of the addresses in certificates", 1 },
	{ "rsa", OPT_RSA, NULL, 0, "an RSA issuing CA beside the EC one", 1 },
	{ "module", OPT_MODULE, "PATH", 0, "PKCS#11 module (default SoftHSM)", 1 },
	{ "token", OPT_TOKEN, "URI", 0, "PKCS#11 URI of the token", 1 },
	{ "pin-file", OPT_PIN, "PATH", 0, "file with the token's PIN", 1 },
	{ "policies", OPT_POLICIES, "DIR", 0, "policies to copy into the state folder", 1 },
	{ "json", OPT_JSON, NULL, 0, "the outcome as JSON on standard output", 1 },
	{ 0 }
};

struct arguments {
	struct daemon_args daemon;
	struct init_options init;
	const char *organization, *node, *module, *token, *pin_file, *http_url;
	const char *est_listen, *http_listen;
	const char *names[CONFIG_NAMES_MAX];
	size_t nnames;
	bool do_init, json;
};

static error_t
arguments_init(int key, char *arg, struct argp_state *st, struct arguments *a)
{
	switch (key) {
	case OPT_ORG: a->organization = arg; break;
	case OPT_NODE: a->node = arg; break;
	case OPT_EST: a->est_listen = arg; break;
	case OPT_HTTP: a->http_listen = arg; break;
	case OPT_URL: a->http_url = arg; break;
	case OPT_RSA: a->init.rsa = true; break;
	case OPT_JSON: a->json = true; break;
	case OPT_MODULE: a->module = arg; break;
	case OPT_TOKEN: a->token = arg; break;
	case OPT_PIN: a->pin_file = arg; break;
	case OPT_POLICIES: a->init.policies_from = arg; break;
	case OPT_NAME:
		if (a->nnames == CONFIG_NAMES_MAX)
			argp_error(st, "too many names");
		else
			a->names[a->nnames++] = arg;
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t
arguments_parse(int key, char *arg, struct argp_state *st)
{
	struct arguments *a = st->input;

	switch (key) {
	case ARGP_KEY_INIT:
		st->child_inputs[0] = &a->daemon;
		return 0;
	case OPT_INIT:
		a->do_init = true;
		return 0;
	default:
		return arguments_init(key, arg, st, a);
	}
}

/* ---- init ---- */

/* False where it does not fit: cut short it would stand in certificates. */
static bool
init_copy(char *out, size_t len, const char *what, const char *value)
{
	if (value == NULL || (size_t)snprintf(out, len, "%s", value) < len)
		return true;
	fprintf(stderr, "camcad: %s has more than %zu bytes\n", what, len - 1);
	return false;
}

static bool
init_listen(const char *s, char *host, size_t len, uint16_t *port)
{
	return s == NULL || listen_parse(s, host, len, port) == CAMCA_OK;
}

/* Settings of a new installation from the arguments. */
static bool
init_config(struct config *c, const struct arguments *x)
{
	size_t i;

	config_default(c, x->daemon.state);
#define COPY(what, field, value) \
	init_copy(c->field, sizeof c->field, what, value)
	if (!COPY("the organization", organization, x->organization) ||
	    !COPY("the node", node, x->node) ||
	    !COPY("the URL", http_url, x->http_url) ||
	    !COPY("the module", hsm_module, x->module) ||
	    !COPY("the token", hsm_token, x->token) ||
	    !COPY("the PIN file", hsm_pin_file, x->pin_file))
		return false;
	for (i = 0; i < x->nnames; i++)
		if (!COPY("a name of the gate", names[i], x->names[i]))
			return false;
#undef COPY
	if (x->nnames > 0)
		c->nnames = x->nnames;
	if (init_listen(x->est_listen, c->est_host, sizeof c->est_host,
	    &c->est_port) && init_listen(x->http_listen, c->http_host,
	    sizeof c->http_host, &c->http_port))
		return true;
	fprintf(stderr, "camcad: an address is written ADDRESS:PORT\n");
	return false;
}

/* Reads the settings back, as every start will. Those of this very command, if
 * wrong, must not be what the corrected command is measured by. */
static int
init_settings(struct authority *a, const char *state, bool old,
    struct refusal *why)
{
	char error[512] = "", path[400];
	int ret = config_load(&a->conf, state, error, sizeof error);

	if (ret == CAMCA_OK)
		return ret;
	if (!old && file_join(path, sizeof path, state, "camca.yaml") == 0)
		(void)unlink(path);
	return refuse(why, ret, 400, "init.settings", "%s", error);
}

static int
init_token(struct config *c, struct refusal *why)
{
	char dir[320];

	if (c->hsm_module[0] != '\0')
		return CAMCA_OK;
	if (file_join(dir, sizeof dir, c->state, "hsm") < 0)
		return CAMCA_ELIMIT;
	return hsm_softhsm_make(dir, "camca", why);
}

/* The outcome in the form of camca --json. */
static void
init_json(const char *state, const struct refusal *why)
{
	json_t *o = why == NULL ? json_pack("{s:s}", "state", state) :
	    json_pack("{s:{s:s, s:i, s:s}}", "error", "code", why->code,
	    "http", why->http, "detail", why->detail);

	if (o != NULL && json_dumpf(o, stdout, 0) == 0)
		putchar('\n');
	json_decref(o);
}

static int
main_init(struct authority *a, struct arguments *x)
{
	struct config fresh;
	struct refusal why = { 0 };
	char yaml[400];
	bool old;
	int ret;

	if (!init_config(&fresh, x) ||
	    file_join(yaml, sizeof yaml, x->daemon.state, "camca.yaml") < 0)
		return 2;
	old = file_exists(yaml);
	ret = layout_make(&fresh, x->init.policies_from, &why);
	if (ret == CAMCA_OK)
		ret = init_settings(a, x->daemon.state, old, &why);
	if (ret == CAMCA_OK)
		ret = layout_drop(&a->conf);
	if (ret == CAMCA_OK)
		ret = init_token(&a->conf, &why);
	if (ret == CAMCA_OK)
		ret = authority_init(a, &x->init, &why);
	authority_close(a);
	if (ret < 0)
		refuse_default(&why, ret);
	if (x->json)
		init_json(x->daemon.state, ret < 0 ? &why : NULL);
	if (ret == CAMCA_OK)
		return 0;
	fprintf(stderr, "camcad: %s [%s]\n", why.detail, why.code);
	if (strcmp(why.code, "init.done") != 0 &&
	    strcmp(why.code, "system.running") != 0 && file_exists(yaml))
		fprintf(stderr, "camcad: the settings are those of %s%s; mend "
		    "them there: options of another --init do not\n", yaml,
		    old ? ", which was there before" : "");
	return 1;
}

/* ---- serving ---- */

/* Left alone, glibc raises both with the first large CSV, and from then on each
 * thread that has read one keeps its memory. */
#define MAIN_MMAP_FROM (256 * 1024)
#define MAIN_TRIM_FROM (512 * 1024)

struct signals {
	struct authority *a;
	int wake;
	int stop;                      /* eventfd: the server has ended */
	sigset_t set;
};

/* One thread waits for signals and the minute; the rest never sees either. The
 * first minute is short: what fell due while the authority was down is late. */
static void *
signals_thread(void *arg)
{
	struct signals *s = arg;
	struct itimerspec minute = { { 60, 0 }, { 1, 0 } };
	struct signalfd_siginfo info;
	struct pollfd p[3] = { { .events = POLLIN }, { .events = POLLIN },
	    { .events = POLLIN } };
	uint64_t n = 1;
	bool hup;

	p[0].fd = signalfd(-1, &s->set, SFD_CLOEXEC);
	p[1].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	p[2].fd = s->stop;
	timerfd_settime(p[1].fd, 0, &minute, NULL);
	while (poll(p, 3, -1) >= 0 || errno == EINTR) {
		if (p[2].revents)
			break;
		if (p[1].revents && read(p[1].fd, &n, sizeof n) > 0)
			authority_tick(s->a);
		if (!p[0].revents ||
		    read(p[0].fd, &info, sizeof info) != sizeof info)
			continue;
		hup = info.ssi_signo == SIGHUP;
		if (hup) {
			struct refusal why = { 0 };

			if (authority_load_policies(s->a, "camcad", &why) < 0)
				log_msg(LOG_ERROR, "policies", "%s",
				    why.detail);
			(void)!anchor_reload(s->a->anchor, NULL);
			continue;
		}
		anchor_stop(s->a->anchor);
		n = 1;
		if (write(s->wake, &n, sizeof n) < 0)
			log_msg(LOG_ERROR, "camcad", "cannot be woken");
	}
	close(p[0].fd);
	close(p[1].fd);
	return NULL;
}

/* Everything that runs by itself, and then the operations. */
static int
main_run(struct authority *a, int ready_fd, int wake, struct refusal *why)
{
	int ret;

	if ((ret = authority_sequence(a, why)) < 0 ||
	    (ret = authority_sign(a, why)) < 0 ||
	    (ret = authority_publish(a, why)) < 0 ||
	    (ret = feed_start(a, why)) < 0)
		return ret;
	return server_run(a, ready_fd, wake);
}

static int
main_serve(struct authority *a, const struct arguments *x)
{
	struct signals s = { .a = a };
	struct refusal why = { 0 };
	char error[512] = "";
	pthread_t thread;
	uint64_t one = 1;
	int ret;

	ret = config_load(&a->conf, x->daemon.state, error, sizeof error);
	if (ret < 0) {
		log_msg(LOG_ERROR, x->daemon.state, "%s", error);
		return 1;
	}
	sigemptyset(&s.set);
	sigaddset(&s.set, SIGTERM);
	sigaddset(&s.set, SIGINT);
	sigaddset(&s.set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &s.set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);   /* a limit on files is a full disk: 503 */
	(void)mallopt(M_MMAP_THRESHOLD, MAIN_MMAP_FROM);
	(void)mallopt(M_TRIM_THRESHOLD, MAIN_TRIM_FROM);
	ret = layout_drop(&a->conf);
	umask(077);
	harden_process();   /* memory holds the PIN */
	if (ret == CAMCA_OK)
		ret = authority_open(a, &why);
	if (ret == CAMCA_OK)
		ret = authority_anchor(a, &why);
	if (ret == CAMCA_OK) {
		s.wake = eventfd(0, EFD_CLOEXEC);
		s.stop = eventfd(0, EFD_CLOEXEC);
		if (pthread_create(&thread, NULL, signals_thread, &s) != 0)
			ret = CAMCA_ENOMEM;
	}
	if (ret == CAMCA_OK) {
		ret = main_run(a, x->daemon.ready_fd, s.wake, &why);
		feed_stop(a);
		publisher_stop(a->publisher);
		if (write(s.stop, &one, sizeof one) == sizeof one)
			pthread_join(thread, NULL);
		authority_refusals_flush(a);
		if (clock_store(a) < 0)
			log_msg(LOG_WARN, "clock", "mark is not stored");
		sequencer_stop(a->sequencer);
		signer_stop(a->signer);
		close(s.wake);
		close(s.stop);
	}
	if (ret < 0) {
		refuse_default(&why, ret);
		log_msg(LOG_ERROR, x->daemon.state, "%s [%s]", why.detail,
		    why.code);
	}
	anchor_close(a->anchor);
	authority_close(a);
	return ret < 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static const struct argp_child shared[] = {
		{ &daemon_argp, 0, NULL, 0 }, { 0 }
	};
	static const struct argp parser = { options, arguments_parse, NULL,
	    "The authority of camca: HSM, database and every rule.", shared,
	    NULL, NULL };
	struct arguments x = { .do_init = false };
	struct authority *a;
	int rc;

	daemon_args_init(&x.daemon);
	if (argp_parse(&parser, argc, argv, 0, NULL, &x) != 0)
		return 2;
	log_setup("camcad", x.daemon.level);
	json_memory_setup();
	a = calloc(1, sizeof *a);
	if (a == NULL)
		return 1;
	a->ctx = &camca_ctx_system;
	rc = x.do_init ? main_init(a, &x) : main_serve(a, &x);
	free(a);
	return rc;
}
