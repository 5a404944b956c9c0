/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of a JSON object from outside: known names only, each of its
 * type and within its bounds. */
#ifndef CAMCA_JOB_BODY_H
#define CAMCA_JOB_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/refusal.h"

enum body_type { BODY_END, BODY_TEXT, BODY_INT, BODY_BOOL, BODY_OBJECT,
	BODY_LIST };
struct body_key {
	const char *name;
	enum body_type type;
	bool required;
	int64_t max;                   /* bytes, items, or largest number; no
	                                * number is below 0 */
};

/* One JSON object and nothing behind it, no name twice. CAMCA_EINVAL (400
 * "request.malformed"). *out is the caller's. */
CAMCA_MUST int body_parse(const char *text, json_t **out,
    struct refusal *why);
/* keys ended by BODY_END; where names the object in the refusal (400
 * "request.argument"). */
CAMCA_MUST int body_check(const json_t *o, const struct body_key *keys,
    const char *where, struct refusal *why);
/* "" / the default where it is absent. Borrowed. */
const char *body_text(const json_t *o, const char *name);
int64_t body_int(const json_t *o, const char *name, int64_t dflt);

#endif
