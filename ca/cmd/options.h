/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a command line by the table of a subcommand. */
#ifndef CAMCA_CMD_OPTIONS_H
#define CAMCA_CMD_OPTIONS_H

#include "ca/cmd/cmd.h"

#define OPTIONS_ERROR_MAX 256

/* The global options in front of the noun: --state, --json, --help, into env.
 * *rest is the index of the first word that is none. CMD_USAGE with error. */
CAMCA_MUST int options_global(struct cmd_env *env, int argc, char **argv,
    int *rest, char error[static OPTIONS_ERROR_MAX]);

/* Options and positions of cmd from argv[1] on (argv[0] is not looked at),
 * global ones too. Values are borrowed from argv; kinds, counts and what must
 * be given are checked, but nothing where --help is among them. CMD_USAGE with
 * error. Not for several threads: getopt_long(3). */
CAMCA_MUST int options_parse(struct cmd_env *env, const struct cmd *cmd,
    int argc, char **argv, struct cmd_values *out,
    char error[static OPTIONS_ERROR_MAX]);

/* The value of an option or position, NULL where it was not given. */
const char *values_text(const struct cmd_values *v, const char *name);
bool values_flag(const struct cmd_values *v, const char *name);
int64_t values_int(const struct cmd_values *v, const char *name,
    int64_t otherwise);
/* Seconds of a CMD_SPAN. */
int64_t values_span(const struct cmd_values *v, const char *name,
    int64_t otherwise);

/* Whole number of the text; seconds of "90s" ... "2y". CAMCA_EINVAL. */
CAMCA_MUST int options_int(const char *text, int64_t *out);
CAMCA_MUST int options_span(const char *text, int64_t *out_s);

#endif
