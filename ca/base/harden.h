/* SPDX-License-Identifier: Apache-2.0 */
/* What no process that holds a key may be good for. */
#ifndef CAMCA_BASE_HARDEN_H
#define CAMCA_BASE_HARDEN_H

/* No core file, no debugger of the same user, no rights by set-user-ID
 * programs; for good. What the kernel refuses is a warning in the log. Call it
 * at the start, and once more after each change of user: that one makes the
 * process dumpable again. */
void harden_process(void);

#endif
