/* SPDX-License-Identifier: Apache-2.0 */
/* The user PIN of a token: read from where the operator put it, held in one
 * page that is not swapped or dumped where the system allows that. */
#ifndef CAMCA_HSM_PIN_H
#define CAMCA_HSM_PIN_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/base/refusal.h"
#include "hsm/hsm.h"

#define HSM_PIN_MAX 256   /* bytes */

struct hsm_pin {
	char *text;       /* NUL-ended, NULL where there is none */
	size_t len;
};

/* Fills *out (empty before) from the first source that is set; a final line
 * end is cut. CAMCA_EPIN with why where no source is set, it cannot be read,
 * others may read it, or it is empty, too long or holds a NUL byte;
 * CAMCA_ENOMEM. out needs hsm_pin_fini. Prompting blocks: main thread. */
CAMCA_MUST int hsm_pin_read(const struct hsm_pin_source *src,
    struct hsm_pin *out, struct refusal *why);
/* Overwrites and frees; the pin is then empty. */
void hsm_pin_fini(struct hsm_pin *pin);
/* A copy in a page of its own; out as hsm_pin_read. CAMCA_ENOMEM. */
CAMCA_MUST int hsm_pin_copy(const struct hsm_pin *from, struct hsm_pin *out);
/* Whether both hold the same bytes, in constant time for equal lengths. */
bool hsm_pin_same(const struct hsm_pin *a, const struct hsm_pin *b);

#endif
