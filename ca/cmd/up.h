/* SPDX-License-Identifier: Apache-2.0 */
/* When a program that ended may be started again. */
#ifndef CAMCA_CMD_UP_H
#define CAMCA_CMD_UP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UP_RESTARTS 5            /* in */
#define UP_WINDOW_MS 60000       /* so long; then camca up gives up */

struct up_history {
	int64_t ends_ms[UP_RESTARTS];    /* newest last */
	size_t n;
};

/* Notes that the program ended at now_ms (any steady clock). True and the time
 * of the next start in *start_ms, later each time within the window; false
 * where it ended too often. */
bool up_again(struct up_history *h, int64_t now_ms, int64_t *start_ms);

#endif
