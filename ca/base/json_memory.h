/* SPDX-License-Identifier: Apache-2.0 */
/* jansson and memory. Requests and answers carry one-time secrets and
 * passwords: what held them is overwritten when freed. And jansson does not
 * always tell that there was no memory: it drops a character of a text that it
 * reads, and whoever builds an answer member by member does not look at each. */
#ifndef CAMCA_BASE_JSON_MEMORY_H
#define CAMCA_BASE_JSON_MEMORY_H

#include <jansson.h>
#include <stdbool.h>

#include "ca/base/err.h"

/* Once in a program, before jansson is used. */
void json_memory_setup(void);
/* Whether jansson missed memory in this thread since this was last asked; false
 * where json_memory_setup() was not called. */
bool json_memory_missed(void);
/* One JSON value of n bytes, no member twice; the caller's. CAMCA_ENOMEM;
 * CAMCA_EINVAL where it is none. Asks json_memory_missed(). Any thread. */
CAMCA_MUST int json_memory_parse(const void *p, size_t n, json_t **out);

#endif
