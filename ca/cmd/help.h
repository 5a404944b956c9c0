/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, made from the tables of the subcommands. */
#ifndef CAMCA_CMD_HELP_H
#define CAMCA_CMD_HELP_H

#include <stdio.h>

#include "ca/cmd/cmd.h"

/* The table of a noun, NULL where there is none. */
const struct cmd *help_noun(const char *noun);
/* All commands in one screen; the commands of a noun; one command whole; its
 * usage line. All but the last return CMD_DONE. */
int help_show_all(FILE *f);
int help_show_noun(FILE *f, const char *noun);
int help_show(FILE *f, const struct cmd *cmd);
void help_show_usage(FILE *f, const struct cmd *cmd);

#endif
