/* SPDX-License-Identifier: Apache-2.0 */
/* camca: the operator's command line. Finds the subcommand in the tables of
 * the nouns, reads its options and runs it. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/json_memory.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/help.h"
#include "ca/cmd/options.h"

#define MAIN_STATE "/var/lib/camca"

const struct cmd *const cmd_nouns[] = { cmd_init, cmd_up, cmd_site,
	cmd_device, cmd_enroll, cmd_ca, cmd_crl, cmd_cert, cmd_revoke, cmd_vendor,
	cmd_secret, cmd_job, cmd_agent,
	cmd_policy, cmd_event, cmd_custody, cmd_clock, cmd_doctor, cmd_help, cmd_version,
	NULL };

static int
main_usage(const struct cmd_env *env, const char *error)
{
	fprintf(env->err, "camca: %s\n(see: camca help)\n", error);
	return CMD_USAGE;
}

/* A command whose words fit, or NULL; *words is how many name it. */
static const struct cmd *
main_find(int argc, char **argv, int *words)
{
	const struct cmd *c = help_noun(argv[0]);

	for (; c != NULL && c->noun != NULL; c++) {
		*words = c->verb != NULL ? 2 : 1;
		if (c->verb == NULL ||
		    (argc > 1 && strcmp(c->verb, argv[1]) == 0))
			return c;
	}
	return NULL;
}

/* The words name no command: say which there are. */
static int
main_unknown(struct cmd_env *env, int argc, char **argv)
{
	char error[OPTIONS_ERROR_MAX];

	if (help_noun(argv[0]) == NULL) {
		snprintf(error, sizeof error, "no such command: '%.100s'",
		    argv[0]);
		refusal_sanitize(error);
		return main_usage(env, error);
	}
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return help_show_noun(env->out, argv[0]);
	if (argc > 1)
		fprintf(env->err, "camca: '%s' is not a command of '%s'\n",
		    argv[1], argv[0]);
	help_show_noun(env->err, argv[0]);
	return CMD_USAGE;
}

static int
main_dispatch(struct cmd_env *env, int argc, char **argv)
{
	static struct cmd_values values;    /* 16 KiB, one command a process */
	char error[OPTIONS_ERROR_MAX];
	const struct cmd *cmd;
	int ret, words = 0;

	cmd = main_find(argc, argv, &words);
	if (cmd == NULL)
		return main_unknown(env, argc, argv);
	ret = options_parse(env, cmd, argc - words + 1, argv + words - 1,
	    &values, error);
	if (ret != CMD_DONE) {
		fprintf(env->err, "camca: %s\n", error);
		help_show_usage(env->err, cmd);
		return ret;
	}
	if (env->help)
		return help_show(env->out, cmd);
	return (cmd->run != NULL ? cmd->run : cmd_run)(env, cmd, &values);
}

int
main(int argc, char **argv)
{
	struct cmd_env env = { .ctx = &camca_ctx_system, .out = stdout,
	    .err = stderr };
	static char version[] = "version";
	char error[OPTIONS_ERROR_MAX];
	int first = 1, ret;

	/* As the other programs have it. */
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		argv[1] = version;
	json_memory_setup();
	env.state = getenv("CAMCA_STATE");
	if (env.state == NULL || env.state[0] == '\0')
		env.state = MAIN_STATE;
	ret = options_global(&env, argc, argv, &first, error);
	if (ret != CMD_DONE)
		return main_usage(&env, error);
	if (first >= argc && env.help)
		return help_show_all(stdout);
	if (first >= argc) {
		help_show_all(stderr);
		return CMD_USAGE;
	}
	ret = main_dispatch(&env, argc - first, argv + first);
	rpc_close(env.rpc);
	/* A list cut short by a full disk must not look complete. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("camca: the output could not be written\n", stderr);
		return ret != CMD_DONE ? ret : CMD_REFUSED;
	}
	return ret;
}
