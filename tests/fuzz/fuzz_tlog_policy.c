/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy and, behind the first NUL, a note that it judges. */
#include <stdlib.h>
#include <string.h>

#include "ca/custody/tlog.h"
#include "tests/fuzz/replay.h"

static void
check(int ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t n = nul != NULL ? (size_t)(nul - data) : size, i;
	const char *name, *url;
	struct tlog_policy *p;
	struct tlog_verdict v;

	if (tlog_policy_parse(&p, data, n, NULL) < 0) {
		check(p == NULL);
		return 0;
	}
	for (i = 0; i < tlog_policy_logs(p); i++)
		check(tlog_policy_log(p, i)->pub != NULL);
	for (i = 0; i < tlog_policy_witnesses(p); i++) {
		check(tlog_policy_witness(p, i, &name, &url) != NULL);
		check(name[0] != '\0' && (url == NULL || url[0] != '\0'));
	}
	if (nul != NULL && tlog_policy_check(p, nul + 1, size - n - 1, &v,
	    NULL) == CAMCA_OK)
		check(v.log_ed25519 + v.log_ecdsa > 0 && v.witnesses <=
		    (int)tlog_policy_witnesses(p));
	tlog_policy_free(p);
	return 0;
}
