/* SPDX-License-Identifier: Apache-2.0 */
/* camca up: camcad, camca-gate and, where the custody log has witnesses or TSAs,
 * camca-anchor in the foreground, as one thing that is started and stopped; a
 * program that ends unasked is started again. */
#include "ca/cmd/up.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/buf.h"
#include "ca/base/config.h"
#include "ca/base/file.h"
#include "ca/base/mono.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/options.h"
#include "ca/cmd/where.h"

#define UP_READY_MS 120000       /* an HSM may be slow to open */
#define UP_STOP_MS 15000         /* then SIGKILL */
#define UP_POLICY_MAX (256 * 1024)

struct up_child {
	const char *name;
	char path[PATH_MAX];
	pid_t pid;               /* 0: not running */
	int ready_fd;            /* -1: not awaited */
	bool ready;              /* has been ready in this life */
	bool proven;             /* has been ready once */
	int64_t start_ms;        /* next start, or when this one began */
	struct up_history history;
};

enum { UP_AUTHORITY, UP_GATE, UP_ANCHOR, UP_CHILDREN };

struct up {
	struct cmd_env *env;
	const char *log_level;   /* or NULL */
	struct up_child child[UP_CHILDREN];
	size_t n;                /* of them that are wanted */
	int signals;             /* signalfd */
	int ready_fd;            /* ours, told when both are ready; -1 */
	bool announced;
	bool stopping;
	int64_t stop_ms;
	int exit;
};

bool
up_again(struct up_history *h, int64_t now_ms, int64_t *start_ms)
{
	size_t i, kept = 0;

	for (i = 0; i < h->n; i++)
		if (h->ends_ms[i] > now_ms - UP_WINDOW_MS)
			h->ends_ms[kept++] = h->ends_ms[i];
	h->n = kept;
	if (h->n == UP_RESTARTS)
		return false;
	/* 0.25 s, 0.5 s, … 4 s: a short trouble costs little time, a lasting
	 * one no processor. */
	*start_ms = now_ms + (250LL << h->n);
	h->ends_ms[h->n++] = now_ms;
	return true;
}

static void up_say(struct up *u, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
up_say(struct up *u, const char *fmt, ...)
{
	va_list ap;

	fputs("camca up: ", u->env->err);
	va_start(ap, fmt);
	vfprintf(u->env->err, fmt, ap);
	va_end(ap);
	fputc('\n', u->env->err);
}

/* In the new process: becomes the program. */
static _Noreturn void
up_exec(const struct up *u, const struct up_child *c, int ready_fd)
{
	char fd[16];
	const char *argv[10] = { c->path, "--state", u->env->state,
	    "--ready-fd", fd };
	sigset_t none;

	snprintf(fd, sizeof fd, "%d", ready_fd);
	if (u->log_level != NULL) {
		argv[5] = "--log-level";
		argv[6] = u->log_level;
	}
	/* If camca up is killed hard, nothing is left behind. Cleared where the
	 * program changes its user: then the service manager's job. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(c->path, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "camca up: %s: %s\n", c->path, strerror(errno));
	_exit(127);
}

static int
up_start(struct up *u, struct up_child *c)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return CAMCA_EIO;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fcntl(fds[1], F_SETFD, 0);
		up_exec(u, c, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return CAMCA_EIO;
	}
	c->pid = pid;
	c->ready = false;
	c->ready_fd = fds[0];
	c->start_ms = mono_ms();
	return CAMCA_OK;
}

static void
up_stop(struct up *u, int code)
{
	size_t i;

	if (u->stopping)
		return;
	u->stopping = true;
	u->exit = code;
	u->stop_ms = mono_ms() + UP_STOP_MS;
	for (i = u->n; i-- > 0;)
		if (u->child[i].pid > 0)
			kill(u->child[i].pid, SIGTERM);
}

/* Both are ready: says where, once. */
static void
up_announce(struct up *u)
{
	struct where_urls urls;
	char error[600] = "";

	if (!u->child[UP_AUTHORITY].ready || !u->child[UP_GATE].ready)
		return;
	if (where_urls(u->env->state, &urls, error, sizeof error) < 0) {
		up_say(u, "%s", error);
		return;
	}
	if (u->env->json)
		fprintf(u->env->out, "{\"est\": \"%s\", \"http\": \"%s\"}\n",
		    urls.est, urls.http);
	else
		fprintf(u->env->out, "camca is up\n  EST    %s\n"
		    "  HTTP   %s\n  state  %s\n", urls.est, urls.http,
		    u->env->state);
	fflush(u->env->out);
	if (u->ready_fd >= 0 && !u->announced) {
		if (write(u->ready_fd, "ready\n", 6) != 6)
			up_say(u, "--ready-fd: %s", strerror(errno));
		close(u->ready_fd);
		u->ready_fd = -1;
	}
	u->announced = true;
}

/* The others need the authority: they are started once it has been ready. */
static void
up_follow(struct up *u)
{
	struct up_child *c;
	size_t i;

	for (i = UP_GATE; i < u->n && !u->stopping; i++) {
		c = &u->child[i];
		if (c->pid != 0 || c->start_ms != 0 || up_start(u, c) == 0)
			continue;
		up_say(u, "%s cannot be started: %s", c->name,
		    strerror(errno));
		up_stop(u, CMD_REFUSED);
	}
}

/* A child's ready pipe has bytes or its end. */
static void
up_heard(struct up *u, struct up_child *c)
{
	char text[16];
	ssize_t n = read(c->ready_fd, text, sizeof text);

	if (n < 0 && errno == EINTR)
		return;
	close(c->ready_fd);
	c->ready_fd = -1;
	if (n <= 0)
		return;                  /* it ended: SIGCHLD tells */
	c->ready = c->proven = true;
	up_follow(u);
	if (c != &u->child[UP_ANCHOR])
		up_announce(u);
}

/* Without witnesses certificates are issued all the same: camca-anchor has
 * another try each minute. */
static void
up_give_up(struct up *u, struct up_child *c)
{
	if (c == &u->child[UP_ANCHOR])
		c->start_ms = mono_ms() + UP_WINDOW_MS;
	else
		up_stop(u, CMD_REFUSED);
}

static void
up_ended(struct up *u, struct up_child *c, int status)
{
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof how, "with %d", WEXITSTATUS(status));
	c->pid = 0;
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	c->ready_fd = -1;
	c->ready = false;
	if (u->stopping)
		return;
	/* What never was ready has a lasting reason: it is on the screen. */
	if (!c->proven) {
		up_say(u, "%s ended %s before it was ready", c->name, how);
		up_give_up(u, c);
	} else if (!up_again(&c->history, mono_ms(), &c->start_ms)) {
		up_say(u, "%s ended %s, more than %d times a minute", c->name,
		    how, UP_RESTARTS);
		up_give_up(u, c);
	} else {
		up_say(u, "%s ended %s; it is started again", c->name, how);
	}
}

static void
up_reap(struct up *u)
{
	size_t i;
	int status;

	for (i = 0; i < u->n; i++)
		if (u->child[i].pid > 0 &&
		    waitpid(u->child[i].pid, &status, WNOHANG) > 0)
			up_ended(u, &u->child[i], status);
}

static void
up_signal(struct up *u)
{
	struct signalfd_siginfo si;
	size_t i;

	if (read(u->signals, &si, sizeof si) != (ssize_t)sizeof si)
		return;
	switch (si.ssi_signo) {
	case SIGCHLD:
		up_reap(u);
		break;
	case SIGHUP:
		for (i = 0; i < u->n; i++)
			if (u->child[i].pid > 0)
				kill(u->child[i].pid, SIGHUP);
		break;
	default:
		up_stop(u, CMD_DONE);
		break;
	}
}

/* Starts what is due, kills what does not stop, gives up on what is never
 * ready. */
static void
up_timers(struct up *u)
{
	int64_t now = mono_ms();
	struct up_child *c;
	size_t i;

	for (i = 0; i < u->n; i++) {
		c = &u->child[i];
		if (u->stopping && c->pid > 0 && now >= u->stop_ms)
			kill(c->pid, SIGKILL);
		if (u->stopping)
			continue;
		if (c->pid == 0 && c->start_ms > 0 && now >= c->start_ms &&
		    up_start(u, c) < 0)
			c->start_ms = now + 1000;
		if (c->pid > 0 && !c->ready && c != &u->child[UP_ANCHOR] &&
		    now >= c->start_ms + UP_READY_MS) {
			up_say(u, "%s is not ready after %d s", c->name,
			    UP_READY_MS / 1000);
			up_stop(u, CMD_REFUSED);
		}
	}
}

/* Milliseconds until a timer is due. */
static int
up_wait_ms(const struct up *u)
{
	int64_t now = mono_ms(), due = now + 3600000;
	const struct up_child *c;
	size_t i;

	if (u->stopping && u->stop_ms < due)
		due = u->stop_ms;
	for (i = 0; i < u->n && !u->stopping; i++) {
		c = &u->child[i];
		if (c->pid == 0 && c->start_ms > 0 && c->start_ms < due)
			due = c->start_ms;
		if (c->pid > 0 && !c->ready && c != &u->child[UP_ANCHOR] &&
		    c->start_ms + UP_READY_MS < due)
			due = c->start_ms + UP_READY_MS;
	}
	return due <= now ? 0 : (int)(due - now);
}

static bool
up_any(const struct up *u)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->child[i].pid > 0)
			return true;
	return false;
}

static int
up_loop(struct up *u)
{
	struct pollfd p[1 + UP_CHILDREN];
	size_t i;

	while (!u->stopping || up_any(u)) {
		p[0] = (struct pollfd){ .fd = u->signals, .events = POLLIN };
		for (i = 0; i < u->n; i++)
			p[1 + i] = (struct pollfd){ .events = POLLIN,
			    .fd = u->child[i].ready_fd };
		if (poll(p, 1 + u->n, up_wait_ms(u)) < 0 &&
		    errno != EINTR)
			up_stop(u, CMD_REFUSED);
		for (i = 0; i < u->n; i++)
			if (p[1 + i].revents != 0)
				up_heard(u, &u->child[i]);
		if (p[0].revents != 0)
			up_signal(u);
		up_timers(u);
	}
	return u->exit;
}

/* A line "witness NAME VKEY URL" of policy.tlog. */
static bool
up_has_witness(const char *text)
{
	size_t n, words;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n < 8 || strncmp(text, "witness ", 8) != 0)
			continue;
		words = 1;
		for (size_t i = 0; i < n; i++)
			words += text[i] == ' ';
		if (words >= 4)
			return true;
	}
	return false;
}

/* Is there anybody to whom checkpoints are to be carried? */
static bool
up_wants_anchor(const char *state)
{
	struct config *c = calloc(1, sizeof *c);
	char error[512], path[400];
	struct buf b;
	bool yes;

	buf_init(&b, UP_POLICY_MAX);
	yes = c != NULL && config_load(c, state, error, sizeof error) ==
	    CAMCA_OK && (c->ntsas > 0 || (file_join(path, sizeof path,
	    c->policies, "custody/policy.tlog") == CAMCA_OK &&
	    file_read(path, UP_POLICY_MAX, &b) == CAMCA_OK &&
	    up_has_witness(buf_str(&b))));
	buf_fini(&b);
	free(c);
	return yes;
}

static int
up_prepare(struct up *u)
{
	static const char *const names[] = { "camcad", "camca-gate",
	    "camca-anchor" };
	sigset_t set;
	size_t i;

	u->n = up_wants_anchor(u->env->state) ? UP_CHILDREN : UP_ANCHOR;
	for (i = 0; i < u->n; i++) {
		u->child[i].name = names[i];
		u->child[i].ready_fd = -1;
		if (where_program(names[i], u->child[i].path,
		    sizeof u->child[i].path) < 0)
			return CAMCA_ELIMIT;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return CAMCA_EIO;
	u->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return u->signals >= 0 ? CAMCA_OK : CAMCA_EIO;
}

static int
up_run(struct cmd_env *env, const struct cmd *cmd, const struct cmd_values *v)
{
	struct up *u;
	char path[PATH_MAX];
	int ret;

	(void)cmd;
	if (file_join(path, sizeof path, env->state, "camca.yaml") < 0 ||
	    access(path, R_OK) != 0)
		return cmd_failed(env, "up.no-state", "%s cannot be read (%s): "
		    "is --state right? A new installation: camca init.", path,
		    strerror(errno));
	u = calloc(1, sizeof *u);
	if (u == NULL)
		return cmd_failed(env, "system.memory", "Out of memory.");
	u->env = env;
	u->log_level = values_text(v, "log-level");
	u->ready_fd = (int)values_int(v, "ready-fd", -1);
	if (u->ready_fd >= 0 &&
	    fcntl(u->ready_fd, F_SETFD, FD_CLOEXEC) != 0) {
		free(u);
		return cmd_failed(env, "up.ready-fd", "--ready-fd: %s.",
		    strerror(errno));
	}
	ret = up_prepare(u);
	if (ret == CAMCA_OK)
		ret = up_start(u, &u->child[UP_AUTHORITY]);
	if (ret == CAMCA_OK)
		ret = up_loop(u);
	else
		ret = cmd_failed(env, "up.start", "camcad cannot be started: "
		    "%s.", strerror(errno));
	free(u);
	return ret;
}

static const struct cmd_opt up_opts[] = {
	{ "log-level", CMD_TEXT, 0, NULL, "LEVEL",
	    "error, warning, note, info or trace" },
	{ "ready-fd", CMD_INT, 0, NULL, "FD",
	    "write 'ready' there when both programs answer" },
	{ .name = NULL },
};

const struct cmd cmd_up[] = {
	{ .noun = "up", .help = "Runs camcad, camca-gate and camca-anchor",
	    .opts = up_opts, .run = up_run,
	    .more = "A program that ends is started again, up to 5 times a "
	    "minute.\nSIGTERM and SIGINT end all, SIGHUP goes to all.\n"
	    "camca-anchor only where there are witnesses or TSAs." },
	{ .noun = NULL },
};
