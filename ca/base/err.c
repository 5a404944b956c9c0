/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/err.h"

#include <stddef.h>

static const char *const names[] = {
	"ok", "malformed input", "no such object", "conflict",
	"busy, try again", "refused by policy", "not authenticated",
	"not permitted", "HSM failure", "store failure", "out of memory",
	"input/output failure", "protocol violation", "limit exceeded",
	"time out or wrong clock", "outcome unknown", "no space left",
	"pending", "token PIN missing, wrong or locked", "crypto library failure",
};
_Static_assert(sizeof names / sizeof names[0] == CAMCA_ERR_MAX + 1,
    "a name for each error");

const char *
camca_strerror(int err)
{
	size_t i = err <= 0 && err >= -CAMCA_ERR_MAX ? (size_t)-err : 0;

	return err > 0 || err < -CAMCA_ERR_MAX ? "unknown error" : names[i];
}
