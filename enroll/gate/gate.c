/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/gate.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/listen.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "enroll/gate/custody_cache.h"
#include "enroll/gate/http.h"
#include "enroll/gate/process.h"

#define GATE_TICK_MS 250
#define GATE_TICK_START_MS 20
#define GATE_STOP_MS 5000
#define GATE_LINGER_MS 500
#define GATE_ADDRESSES 4096
#define GATE_BACKLOG 1024
#define GATE_THREADS_MIN 2
#define GATE_THREADS_MAX 16
/* A whole turn of a peer may take half as long again as its silence: 30 s where
 * idle_timeout_s is 20. */
#define GATE_PATIENCE_FACTOR_MS 1500

static int
gate_ports(const struct gate *g, uint16_t est, uint16_t web)
{
	char path[300], text[64];
	int n, ret;

	ret = file_join(path, sizeof path, g->conf.state, "gate/ports");
	if (ret < 0)
		return ret;
	n = snprintf(text, sizeof text, "est %u\nhttp %u\n", est, web);
	return file_replace(path, text, (size_t)n, 0644);
}

int
gate_bind(struct gate *g)
{
	char dir[300];
	uint16_t est, web;
	int ret;

	g->est_fd = g->web_fd = -1;
	/* A port below 1024 needs root; all the rest must not have it. */
	if ((ret = listen_open(g->conf.est_host, g->conf.est_port,
	    GATE_BACKLOG, &g->est_fd, &est)) < 0 ||
	    (ret = listen_open(g->conf.http_host, g->conf.http_port,
	    GATE_BACKLOG, &g->web_fd, &web)) < 0 ||
	    (ret = file_join(dir, sizeof dir, g->conf.state, "gate")) < 0 ||
	    (ret = process_drop(g->conf.gate_user, dir)) < 0)
		return ret;
	ret = gate_ports(g, est, web);
	if (ret < 0)
		log_msg(LOG_ERROR, dir, "cannot write: %s",
		    camca_strerror(ret));
	else
		log_msg(LOG_NOTE, NULL, "EST on port %u, HTTP on port %u", est,
		    web);
	return ret;
}

unsigned
gate_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < GATE_THREADS_MIN)
		return GATE_THREADS_MIN;
	return n > GATE_THREADS_MAX ? GATE_THREADS_MAX : (unsigned)n;
}

static int
gate_parts(struct gate *g)
{
	struct upstream_config uc;
	char path[300];
	size_t max = (size_t)g->conf.max_connections;
	int patience = (int)g->conf.idle_timeout_s * GATE_PATIENCE_FACTOR_MS;
	int ret;

	if ((ret = config_socket_path(g->conf.state, path, sizeof path)) < 0)
		return ret;
	upstream_defaults(&uc, path);
	if ((ret = upstream_open(&g->up, &uc)) < 0 ||
	    (ret = report_new(&g->report, g->up)) < 0 ||
	    (ret = throttle_new(&g->throttle, g->ctx, GATE_ADDRESSES,
	    g->conf.failures_per_minute)) < 0 ||
	    (ret = throttle_new(&g->agents, g->ctx, GATE_ADDRESSES,
	    g->conf.failures_per_minute)) < 0 ||
	    (ret = cache_new(&g->cache, g->ctx, g->up)) < 0 ||
	    (ret = custody_cache_new(&g->custody, g->up,
	    CUSTODY_CACHE_BYTES)) < 0 ||
	    (ret = conns_new(&g->est_conns, max, patience)) < 0 ||
	    (ret = conns_new(&g->web_conns, max, patience)) < 0)
		return ret;
	return ident_open(&g->ident, &g->conf, g->ctx, g->up);
}

static int
gate_feed(struct gate *g)
{
	struct ocsp_feed_conf fc;
	char path[300];
	int ret;

	if ((ret = config_status_path(g->conf.state, path, sizeof path)) < 0 ||
	    (ret = table_new(&g->table)) < 0)
		return ret;
	ocsp_feed_defaults(&fc, path);
	fc.ctx = g->ctx;
	fc.table = g->table;
	fc.issuers = &g->issuers;
	return ocsp_feed_start(&g->feed, &fc);
}

/* After gate_feed(): it reads what that fills. */
static int
gate_ocsp(struct gate *g)
{
	int ret = signer_open(&g->signer, &g->conf, g->ctx, g->up,
	    &g->issuers);

	if (ret < 0)
		return ret;
	g->responder = (struct responder){ .cfg = &g->conf, .ctx = g->ctx,
	    .table = g->table, .issuers = &g->issuers, .signer = g->signer,
	    .up = g->up, .busy = &g->busy };
	ret = responder_init(&g->responder);
	return ret < 0 ? ret : staples_new(&g->staples, &g->responder,
	    g->ident);
}

int
gate_start(struct gate *g)
{
	int ret;

	issuers_box_init(&g->issuers);
	ret = gate_parts(g);
	if (ret == CAMCA_OK)
		ret = gate_feed(g);
	if (ret == CAMCA_OK)
		ret = gate_ocsp(g);
	if (ret < 0) {
		log_msg(LOG_ERROR, NULL, "cannot start: %s",
		    camca_strerror(ret));
		return ret;
	}
	ret = web_start(g);
	return ret < 0 ? ret : est_start(g);
}

static void
gate_tick(struct gate *g, bool certify)
{
	int64_t now = mono_ms();

	conns_sweep(g->est_conns, now);
	conns_sweep(g->web_conns, now);
	report_flush(g->report, now);
	ident_tick(g->ident, now, certify);
	signer_tick(g->signer, now, certify);
	staples_tick(g->staples, now);
}

/* "ready" once a handshake can succeed: before that nobody can be served. */
static void
gate_tell_ready(struct gate *g, int *ready_fd)
{
	if (*ready_fd < 0 || !ident_ready(g->ident))
		return;
	if (write(*ready_fd, "ready\n", 6) != 6)
		log_msg(LOG_WARN, NULL, "nobody hears that we are ready");
	close(*ready_fd);
	*ready_fd = -1;
}

/* The signal that came, 0: none. */
static uint32_t
gate_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof info) == sizeof info ?
	    info.ssi_signo : 0;
}

int
gate_run(struct gate *g, int ready_fd)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int64_t next = 0, now, tick;
	uint32_t sig = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	p[0].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p[1].fd = conns_fd(g->est_conns);
	if (p[0].fd < 0)
		return CAMCA_EIO;
	while (sig != SIGTERM && sig != SIGINT) {
		tick = ident_ready(g->ident) ? GATE_TICK_MS :
		    GATE_TICK_START_MS;
		if (poll(p, 2, (int)tick) < 0 && errno != EINTR)
			break;
		conns_wake(g->est_conns);
		sig = gate_signal(p[0].fd);
		now = mono_ms();
		if (now < next && sig == 0)
			continue;
		next = now + tick;
		gate_tick(g, sig == SIGHUP);
		gate_tell_ready(g, &ready_fd);
	}
	close(p[0].fd);
	if (ready_fd >= 0)
		close(ready_fd);
	return CAMCA_OK;
}

static void
gate_wait_zero(atomic_uint *n, int64_t limit_ms)
{
	int64_t end = mono_ms() + limit_ms;

	while (atomic_load(n) > 0 && mono_ms() < end)
		poll(NULL, 0, 10);
}

/* The order matters: libmicrohttpd must not be stopped with a suspended
 * connection, and its threads may use every part until it is. */
void
gate_stop(struct gate *g)
{
	atomic_store(&g->stopping, true);
	gate_wait_zero(&g->busy, GATE_STOP_MS);
	upstream_stop(g->up);
	gate_wait_zero(&g->requests, g->est != NULL ? GATE_LINGER_MS : 0);
	if (g->est_conns != NULL)
		conns_stop(g->est_conns);
	if (g->est != NULL)
		MHD_stop_daemon(g->est);
	if (g->web != NULL)
		MHD_stop_daemon(g->web);
	if (g->est_fd >= 0)
		close(g->est_fd);
	if (g->web_fd >= 0)
		close(g->web_fd);
	ocsp_feed_stop(g->feed);
	staples_free(g->staples);
	responder_fini(&g->responder);
	signer_close(g->signer);
	table_free(g->table);
	issuers_box_fini(&g->issuers);
	ident_close(g->ident);
	conns_free(g->web_conns);
	conns_free(g->est_conns);
	custody_cache_free(g->custody);
	cache_free(g->cache);
	throttle_free(g->throttle);
	throttle_free(g->agents);
	report_free(g->report);
	upstream_close(g->up);
}
