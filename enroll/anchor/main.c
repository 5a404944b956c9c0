/* SPDX-License-Identifier: Apache-2.0 */
/* camca-anchor: carries checkpoints to witnesses and time-stamping authorities,
 * and their answers back. */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/daemon_args.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/anchor/courier.h"
#include "enroll/gate/process.h"

#define MAIN_FILES 128

const char *argp_program_version = "camca-anchor " CAMCA_VERSION;

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
	struct daemon_args a;
	char error[512] = "";
	struct config *conf;
	int ret;

	if (daemon_args_parse(argc, argv, "Carries checkpoints of the custody "
	    "log to its witnesses.", &a) < 0)
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
