/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/renew/options.h"
#include "enroll/renew/run.h"
#include "enroll/renew/wait.h"

#define MAIN_CONFIG_MAX (64u * 1024)

/* Prints the status file; exits with the code of the last cycle, or 7 where
 * there is no pair that is valid now. */
static enum renew_exit
main_status(const struct renew_config *cfg)
{
	char path[PATH_MAX];
	struct state st;
	struct buf text;
	enum renew_exit code = RENEW_INSTALL;

	buf_init(&text, 0);
	if (file_join(path, sizeof path, cfg->dir, "status") == CAMCA_OK &&
	    file_read(path, 8192, &text) == CAMCA_OK &&
	    state_parse(&st, &text) == CAMCA_OK) {
		fputs(buf_str(&text), stdout);
		if (st.generation > 0 &&
		    st.not_after_ms > ctx_now_ms(&camca_ctx_system))
			code = st.exit_code;
	} else {
		printf("state: none\n");
	}
	buf_fini(&text);
	return code;
}

static enum renew_exit
main_daemon(struct renew_config *cfg)
{
	struct run_waiter waiter = { .wait = wait_until };
	struct wait *w = NULL;
	enum renew_exit code;

	if (wait_open(&w) < 0) {
		log_msg(LOG_ERROR, NULL, "signals and timer cannot be set up");
		return RENEW_RETRY;
	}
	waiter.arg = w;
	code = run_daemon(cfg, &camca_ctx_system, &waiter);
	wait_close(w);
	return code;
}

static enum renew_exit
main_run(struct renew_config *cfg)
{
	struct state st;

	if (cfg->mode == RENEW_STATUS)
		return main_status(cfg);
	if (cfg->daemon)
		return main_daemon(cfg);
	return run_cycle(cfg, &camca_ctx_system, false, &st);
}

/* Adds the settings of the configuration file, where there is one. */
static int
main_config_file(struct options *o, struct buf *text, struct refusal *why)
{
	int ret;

	if (o->config_file == NULL)
		return CAMCA_OK;
	ret = file_read(o->config_file, MAIN_CONFIG_MAX, text);
	if (ret < 0)
		return refuse(why, ret, 400, "settings.file",
		    "%s cannot be read: %s.", o->config_file,
		    camca_strerror(ret));
	return settings_read(&o->texts, text, why);
}

int
main(int argc, char **argv)
{
	enum renew_exit code = RENEW_USAGE;
	struct renew_config cfg;
	struct refusal why = { 0 };
	struct options o;
	struct buf text;

	buf_init(&text, 0);
	memset(&cfg, 0, sizeof cfg);
	/* Modes are set by name on every file; nothing may widen them. */
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	options_parse(&o, argc, argv);
	log_setup("camca-renew", o.log_max);
	if (main_config_file(&o, &text, &why) < 0 ||
	    settings_check(&cfg, o.mode, o.daemon, &o.texts, &why) < 0)
		log_msg(LOG_ERROR, NULL, "%s", why.http != 0 ? why.detail :
		    "out of memory");
	else
		code = main_run(&cfg);
	settings_fini(&cfg);
	buf_cleanse(&text);
	return (int)code;
}
