/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of camca share: the table entry of a subcommand, its
 * options as a table, the values that were given, and the way to an operation
 * of the authority. */
#ifndef CAMCA_CMD_CMD_H
#define CAMCA_CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ca/base/ctx.h"
#include "ca/base/refusal.h"
#include "ca/base/rpc.h"

/* Exit codes, promised in camca(1). */
enum cmd_exit {
	CMD_DONE = 0,
	CMD_REFUSED = 1,         /* refused, or failed */
	CMD_USAGE = 2,           /* the command line is wrong */
	CMD_UNREACHABLE = 3      /* the authority does not answer */
};

enum cmd_kind {
	CMD_TEXT,
	CMD_INT,
	CMD_FLAG,                /* takes no value */
	CMD_BOOL,                /* true, false */
	CMD_FILE,                /* the file's text is what is sent */
	CMD_SPAN                 /* 90s 10m 12h 30d 2y, sent as seconds */
};

#define CMD_MUST 1u              /* has to be given */
#define CMD_MANY 2u              /* may be given again */
#define CMD_POS  4u              /* by position, not by name */

struct cmd_opt {
	const char *name;        /* "level" for --level; "ID" by position */
	enum cmd_kind kind;
	unsigned flags;
	const char *field;       /* argument of the operation, NULL: not sent */
	const char *meta;        /* stands for the value in help texts */
	const char *help;
};

#define CMD_OPTS_MAX 24
#define CMD_VALUES_MAX 1024

struct cmd_value {
	const struct cmd_opt *opt;
	const char *text;        /* "" for a flag; borrowed from argv */
};

/* What was given on the command line; kinds are checked already. */
struct cmd_values {
	struct cmd_value list[CMD_VALUES_MAX];
	size_t n;
};

struct cmd_env {
	const char *state;
	bool json;
	bool help;               /* --help was given */
	const struct camca_ctx *ctx;
	struct rpc *rpc;         /* opened by the first call, or NULL */
	FILE *out, *err;
};

struct out_column;

struct cmd {
	const char *noun;
	const char *verb;        /* NULL: the noun is the whole command */
	const char *help;        /* one line */
	const struct cmd_opt *opts;          /* ends with a NULL name, or NULL */
	const char *op;                      /* operation that it calls */
	const struct out_column *columns;    /* the answer is a list */
	/* NULL: calls op with the options that have a field and prints the
	 * answer. Returns enum cmd_exit. */
	int (*run)(struct cmd_env *env, const struct cmd *cmd,
	    const struct cmd_values *v);
	const char *more;        /* further paragraphs of its help, or NULL */
};

/* Tables of the nouns, each ended by a NULL noun. */
extern const struct cmd cmd_init[], cmd_up[], cmd_site[], cmd_device[],
    cmd_enroll[], cmd_ca[], cmd_crl[], cmd_cert[], cmd_revoke[], cmd_vendor[],
    cmd_policy[], cmd_event[], cmd_custody[], cmd_clock[], cmd_doctor[],
    cmd_help[], cmd_version[], cmd_secret[], cmd_job[],
    cmd_agent[];
/* All of them, in the order of the help text, ended by NULL. */
extern const struct cmd *const cmd_nouns[];

/* One page of a list, as the authority allows. */
#define CMD_PAGE 1000
#define CMD_LABEL_PAGE 500

/* ---- call.c ---- */

/* Calls op; args are taken. CMD_DONE and *out the caller's, or the exit code
 * after the reason was printed. */
CAMCA_MUST int cmd_call(struct cmd_env *env, const char *op, json_t *args,
    json_t **out);
/* As cmd_call, but prints nothing: a camca_err and why. */
CAMCA_MUST int cmd_try(struct cmd_env *env, const char *op, json_t *args,
    json_t **out, struct refusal *why);
/* The options that have a field, as arguments of the operation. CMD_DONE and
 * *out the caller's, or the exit code after the reason was printed. */
CAMCA_MUST int cmd_args(struct cmd_env *env, const struct cmd_values *v,
    json_t **out);
/* Calls op page by page, printing each; limit 0: everything. args are taken;
 * where they hold "after", the list starts there. */
CAMCA_MUST int cmd_list(struct cmd_env *env, const char *op, json_t *args,
    const struct out_column *columns, int64_t limit);
/* struct cmd's run for a list that the authority does not page: prints all of
 * it under cmd->columns. */
CAMCA_MUST int cmd_list_whole(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v);
/* Default of struct cmd's run. */
CAMCA_MUST int cmd_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v);
/* Prints why; CMD_UNREACHABLE where the authority was not there, else
 * CMD_REFUSED. */
int cmd_refused(struct cmd_env *env, const struct refusal *why);
/* Prints a reason of camca's own; returns CMD_REFUSED. */
int cmd_failed(struct cmd_env *env, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
