/* SPDX-License-Identifier: Apache-2.0 */
/* camca-gate: EST over TLS, CA certificates and CRLs over plain HTTP. */
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/daemon_args.h"
#include "ca/base/json_memory.h"
#include "ca/base/log.h"
#include "enroll/gate/gate.h"
#include "enroll/gate/process.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "unknown"
#endif

/* Beside a descriptor for each connection of both listeners. */
#define MAIN_FILES 256

const char *argp_program_version = "camca-gate " CAMCA_VERSION;

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
	json_memory_setup();
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
	struct daemon_args a;
	char error[512] = "";
	struct gate *g;
	int ret;

	if (daemon_args_parse(argc, argv, "The network side of camca: EST, CA "
	    "certificates and CRLs.", &a) < 0)
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
