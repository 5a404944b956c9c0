/* SPDX-License-Identifier: Apache-2.0 */
/* camca init: the work is camcad's, since it holds HSM and store; this finds
 * the program and the shipped policies and hands the options on. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/cmd/cmd.h"
#include "ca/cmd/where.h"

static const struct cmd_opt init_opts[] = {
	{ "organization", CMD_TEXT, CMD_MUST, NULL, NULL,
	    "name that stands in the authority's certificates" },
	{ "gate-name", CMD_TEXT, CMD_MANY, NULL, "NAME",
	    "DNS name or IP address of the gate; the first is in URLs" },
	{ "est-listen", CMD_TEXT, 0, NULL, "ADDRESS:PORT",
	    "where EST is answered (default 0.0.0.0:8443)" },
	{ "http-listen", CMD_TEXT, 0, NULL, "ADDRESS:PORT",
	    "where CRLs and CA certificates are (default 0.0.0.0:8080)" },
	{ "http-url", CMD_TEXT, 0, NULL, "URL",
	    "base of the addresses in certificates (default: from the first "
	    "name)" },
	{ "node", CMD_TEXT, 0, NULL, "NAME", "this machine's name in events" },
	{ "rsa", CMD_FLAG, 0, NULL, NULL,
	    "an RSA issuing CA beside the elliptic-curve one" },
	{ "module", CMD_TEXT, 0, NULL, "PATH",
	    "PKCS#11 module (default: a SoftHSM token in the state folder)" },
	{ "token", CMD_TEXT, 0, NULL, "URI", "its token, an RFC 7512 URI" },
	{ "pin-file", CMD_TEXT, 0, NULL, "FILE",
	    "file with the token's PIN, readable by its owner only" },
	{ "policies", CMD_TEXT, 0, NULL, "DIR",
	    "policy files to start with (default: the shipped ones)" },
	{ .name = NULL },
};

/* argv of camcad; every word is freed by the caller. */
struct init_argv {
	char *word[2 * CMD_OPTS_MAX + 64];
	size_t n;
};

static int
init_word(struct init_argv *a, const char *fmt, const char *text)
{
	int n;

	if (a->n + 1 >= sizeof a->word / sizeof a->word[0])
		return CAMCA_ELIMIT;
	n = fmt == NULL ? asprintf(&a->word[a->n], "%s", text) :
	    asprintf(&a->word[a->n], "--%s", text);
	if (n < 0) {
		a->word[a->n] = NULL;
		return CAMCA_ENOMEM;
	}
	a->n++;
	a->word[a->n] = NULL;
	return CAMCA_OK;
}

static int
init_option(struct init_argv *a, const char *name, const char *value)
{
	int ret = init_word(a, "--", name);

	return ret == CAMCA_OK && value != NULL ? init_word(a, NULL, value) :
	    ret;
}

static int
init_build(struct init_argv *a, const struct cmd_env *env, const char *program,
    const char *policies, const struct cmd_values *v)
{
	const struct cmd_value *x;
	size_t i;
	int ret = init_word(a, NULL, program);

	if (ret == CAMCA_OK)
		ret = init_option(a, "state", env->state);
	if (ret == CAMCA_OK)
		ret = init_option(a, "init", NULL);
	if (ret == CAMCA_OK && env->json)
		ret = init_option(a, "json", NULL);
	if (ret == CAMCA_OK && policies != NULL)
		ret = init_option(a, "policies", policies);
	for (i = 0; i < v->n && ret == CAMCA_OK; i++) {
		x = &v->list[i];
		ret = init_option(a, x->opt->name,
		    x->opt->kind == CMD_FLAG ? NULL : x->text);
	}
	return ret;
}

static int
init_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct init_argv a = { .n = 0 };
	char program[PATH_MAX], shipped[PATH_MAX];
	const char *policies = NULL;
	size_t i;
	int ret;

	(void)cmd;
	for (i = 0; i < v->n; i++)
		if (strcmp(v->list[i].opt->name, "policies") == 0)
			break;
	if (i == v->n) {
		if (where_policies(shipped, sizeof shipped) < 0)
			return cmd_failed(env, "init.no-policies",
			    "The shipped policies were not found: name their "
			    "folder with --policies.");
		policies = shipped;
	}
	ret = where_program("camcad", program, sizeof program);
	if (ret == CAMCA_OK)
		ret = init_build(&a, env, program, policies, v);
	if (ret == CAMCA_OK) {
		fflush(NULL);
		execvp(program, a.word);
		ret = cmd_failed(env, "init.no-camcad",
		    "%s cannot be started: %s.", program, strerror(errno));
	} else {
		ret = cmd_failed(env, "system.memory", "Out of memory.");
	}
	for (i = 0; i < a.n; i++)
		free(a.word[i]);
	return ret;
}

const struct cmd cmd_init[] = {
	{ .noun = "init", .help = "Makes a new installation",
	    .opts = init_opts, .run = init_run,
	    .more =
	    "Makes the state folder, the token, a root and an issuing CA, the\n"
	    "store and camca.yaml. The PIN is never an argument; without\n"
	    "--pin-file a random one is kept in the state folder. An "
	    "installation\nthat exists already is refused, not changed." },
	{ .noun = NULL },
};
