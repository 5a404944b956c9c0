/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an Authorization value: refused and cleansed, no login, or a
 * login that is UTF-8 without control characters. */
#include <stdlib.h>
#include <string.h>

#include "enroll/est/basic.h"
#include "tests/fuzz/replay.h"

static void
check_text(const char *s)
{
	char clean[EST_LOGIN_MAX];

	if (memchr(s, '\0', EST_LOGIN_MAX) == NULL)
		abort();
	memcpy(clean, s, sizeof clean);
	refusal_sanitize(clean);
	if (strcmp(clean, s) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct est_login none;
	struct refusal why = { 0 };
	struct est_login l;
	int ret = est_basic_parse(&l, (const char *)data, size, &why);

	if (ret < 0 && (why.http == 0 || memcmp(&l, &none, sizeof l) != 0))
		abort();
	if (ret == CAMCA_OK && l.present) {
		check_text(l.user);
		check_text(l.password);
	}
	est_login_fini(&l);
	return 0;
}
