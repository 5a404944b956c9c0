/* SPDX-License-Identifier: Apache-2.0 */
/* Subcommands of `camca device` that have a file of their own. */
#ifndef CAMCA_CMD_DEVICE_H
#define CAMCA_CMD_DEVICE_H

#include "ca/cmd/cmd.h"

/* device import (import.c); device labels (labels.c). enum cmd_exit. */
int import_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v);
int labels_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v);

/* device reach (reach.c). */
int reach_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v);

/* Which devices get labels: a site, an import, or ids named one by one. */
struct labels_wish {
	const char *site, *batch;            /* or NULL */
	const struct cmd_values *ids;        /* its "ID" values, or NULL */
	const char *csv, *html;              /* files, or NULL */
	const char *url;                     /* EST address, NULL: ours */
	int64_t ttl_s;                       /* 0: the level's */
};
/* Makes the secrets and writes the files, mode 0600, each whole or not at all.
 * *count_out: labels made. CMD_DONE or the exit code after printing why. */
CAMCA_MUST int labels_write(struct cmd_env *env, const struct labels_wish *w,
    size_t *count_out);

/* Line (from 1) of the first byte that is a NUL or not UTF-8, 0 where there is
 * none. */
size_t import_bad_line(const char *text, size_t n);

#endif
