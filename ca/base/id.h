/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of ids that people give: devices, sites, time-stamping authorities.
 * They become file names, parts of host names and URIs, and cells of tables:
 * only characters that mean nothing in any of them, no dash in front that a
 * command line would take for an option, no dot in front that hides a file. */
#ifndef CAMCA_BASE_ID_H
#define CAMCA_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

#define ID_MAX 64                        /* bytes, without NUL */

/* [A-Za-z0-9][A-Za-z0-9._-]{0,63}, in any locale. Any thread. */
bool id_ok(const char *p, size_t n);

#endif
