/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP Basic credentials (RFC 7617), as RFC 7030 section 3.2.3 uses them. */
#ifndef CAMCA_EST_BASIC_H
#define CAMCA_EST_BASIC_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/base/refusal.h"

#define EST_LOGIN_MAX 256

struct est_login {
	bool present;
	char user[EST_LOGIN_MAX];       /* may be empty (RFC 7030 3.2.3) */
	char password[EST_LOGIN_MAX];
};

/* Reads an Authorization value of n bytes (NULL: none). Another scheme than
 * Basic counts as none: the authority then says which one it wants.
 * CAMCA_EINVAL with 400 "auth.malformed" for broken base64, a missing colon,
 * control characters, anything but UTF-8, or a part past 255 bytes; out is
 * cleansed then. */
CAMCA_MUST int est_basic_parse(struct est_login *out, const char *value,
    size_t n, struct refusal *why);
/* Overwrites the secret. */
void est_login_fini(struct est_login *l);

#endif
