/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request body: refused, or exactly one DER SEQUENCE. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "enroll/est/body.h"
#include "tests/fuzz/replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal why = { 0 };
	struct buf out, again, b64;
	int ret;

	buf_init(&out, EST_BODY_MAX);
	buf_init(&again, EST_BODY_MAX);
	buf_init(&b64, 0);
	ret = est_body_decode(&out, data, size, &why);
	if (ret < 0 && (why.http == 0 || out.len != 0))
		abort();
	if (ret == CAMCA_OK) {
		/* What was accepted is accepted in any layout, unchanged. */
		if (out.len < 2 || out.data[0] != 0x30 || enc_base64(&b64,
		    out.data, out.len, 64) != CAMCA_OK ||
		    est_body_decode(&again, b64.data, b64.len,
		    NULL) != CAMCA_OK || again.len != out.len ||
		    memcmp(again.data, out.data, out.len) != 0)
			abort();
	}
	buf_fini(&out);
	buf_fini(&again);
	buf_fini(&b64);
	return 0;
}
