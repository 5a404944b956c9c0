/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an OCSP request: refused, or of one encoding and inside the
 * limits; and what would be answered reads back as it was written. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/ocsp/judge.h"
#include "tests/fuzz/replay.h"

static void
answer(const struct ocsp_request *r)
{
	struct prepared_about about[OCSP_IDS_MAX] = { 0 };
	const struct judge_times t = { .now_s = 1800000000, .life_s = 3600,
	    .end_s = 1800604800 };
	struct ocsp_data d, again;
	struct buf der;
	void *hold = NULL;

	buf_init(&der, 0);
	for (size_t i = 0; i < r->n; i++)
		about[i].status.value = (enum status_value)(i % 4);
	judge_fill(&d, about, r, &t);
	if (ocsp_data_encode(&d, &der) < 0 || (der.len <= OCSP_DATA_MAX &&
	    (ocsp_data_decode(&again, der.data, der.len, &hold) < 0 ||
	    again.n != r->n)))
		abort();
	ocsp_data_release(hold);
	buf_fini(&der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ocsp_request r;
	unsigned char *der = NULL;
	int n;

	if (ocsp_request_parse(&r, data, size) == CAMCA_OK) {
		n = i2d_OCSP_REQUEST(r.der, &der);
		if (n < 0 || (size_t)n != size ||
		    memcmp(der, data, size) != 0 || r.n < 1 ||
		    r.n > OCSP_IDS_MAX || r.nonce_len > OCSP_NONCE_MAX ||
		    (r.plain && (r.n != 1 || r.nonce_len != 0)))
			abort();
		OPENSSL_free(der);
		answer(&r);
		ocsp_request_fini(&r);
	}
	if (ERR_peek_error() != 0)
		abort();
	return 0;
}
