/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of add-checkpoint: refused with a reason, or of the one
 * spelling that we would write. */
#include <stdlib.h>
#include <string.h>

#include "ca/custody/witness.h"
#include "tests/fuzz/replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct witness_request q;
	struct refusal why = { 0 };
	struct buf b;
	int64_t n;
	int ret = witness_request_parse(&q, data, size, &why);

	if (ret < 0 && (why.http != 400 || why.detail[0] == '\0'))
		abort();
	if (ret == CAMCA_OK) {
		buf_init(&b, 0);
		if (q.note_len == 0 || q.proof.n > WITNESS_PROOF_MAX ||
		    witness_request_text(&q, &b) != CAMCA_OK ||
		    b.len != size || memcmp(b.data, data, size) != 0)
			abort();
		buf_fini(&b);
	}
	if (witness_size_parse(data, size, &n) == CAMCA_OK && n < 0)
		abort();
	return 0;
}
