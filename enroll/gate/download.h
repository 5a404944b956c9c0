/* SPDX-License-Identifier: Apache-2.0 */
/* A download that comes in pages: a CRL of a million entries has 50 MB, an
 * answer of the authority at most 1 MiB. */
#ifndef CAMCA_GATE_DOWNLOAD_H
#define CAMCA_GATE_DOWNLOAD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

#define DOWNLOAD_MAX (256u << 20)    /* bytes of the whole */

struct download {
	uint8_t *p;
	size_t size, got;
	int64_t number;              /* of the CRL; 0: not one of several */
	uint8_t sha256[32];          /* of the whole, when complete */
};

void download_init(struct download *d);
void download_fini(struct download *d);

/* Adds an answer: "der" (or "data"), and of one in pages "number", "size", "offset" and
 * "sha256". CAMCA_OK: complete, and its hash is the one stated (p and got are
 * the bytes). CAMCA_EPENDING: more is to be asked for, from offset got of that
 * number. CAMCA_EPROTO: it does not fit what came before, or DOWNLOAD_MAX;
 * CAMCA_ENOMEM. */
CAMCA_MUST int download_add(struct download *d, const json_t *answer);

#endif
