/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a proof file: refused, or written again as they were; the proof
 * in it may be checked against any tree without harm. */
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
	struct hash h = {{0}};
	struct tlog_proof t;
	struct buf b;

	if (tlog_proof_parse(&t, data, size, NULL) < 0)
		return 0;
	buf_init(&b, 0);
	check(tlog_proof_text(&t, &b) == CAMCA_OK);
	check(b.len == size && memcmp(b.data, data, size) == 0);
	buf_fini(&b);
	/* One leaf alone is its own root; nothing else is by chance. */
	check(tree_check_inclusion(t.index, t.index + 1, &h, &t.proof, &h) ==
	    CAMCA_EINVAL || (t.index == 0 && t.proof.n == 0));
	check(tree_check_inclusion(t.index, TREE_SIZE_MAX, &h, &t.proof, &h) ==
	    CAMCA_EINVAL);
	check(tree_check_consistency(t.index + 1, TREE_SIZE_MAX, &h, &h,
	    &t.proof) == CAMCA_EINVAL || t.index + 1 == TREE_SIZE_MAX);
	return 0;
}
