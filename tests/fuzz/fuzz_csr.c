/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS #10 request as it comes from the network. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "ca/issue/csr.h"
#include "tests/fuzz/replay.h"

/* Every wish is looked at, whatever it leads to. */
static void
fuzz_checks(const struct csr *c, const struct keycheck *keys)
{
	struct profile p = { .name = "fuzz" };
	struct refusal why;

	p.keys = (1u << PROFILE_KEYS) - 1;
	p.rsa_min_bits = 2048;
	p.rsa_max_bits = 4096;
	p.csr_subject_must_match = p.change_subject = true;
	if (csr_check_key(c, keys, &p, &why) < 0 && why.http == 0)
		abort();
	if (csr_check_wishes(c, &p, c->subject, c->san, &why) < 0 &&
	    why.http == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct keycheck *keys;
	struct refusal why = { 0 };
	struct csr c;
	char error[256];

	if (keys == NULL &&
	    keycheck_load(&keys, NULL, error, sizeof error) < 0)
		abort();
	if (csr_parse(&c, keys, data, n, &why) == 0) {
		fuzz_checks(&c, keys);
		csr_fini(&c);
	} else if (why.http != 400 || why.code[0] == '\0') {
		abort();
	}
	if (ERR_peek_error() != 0)
		abort();
	return 0;
}
