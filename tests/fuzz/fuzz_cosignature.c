/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a witness's answer: nothing but the signature of its key over
 * this very checkpoint is taken, and what is taken holds. The corpus has answers
 * of the key below. */
#include <stdlib.h>
#include <string.h>

#include "ca/custody/witness.h"
#include "tests/fuzz/replay.h"

static const char vkey[] =
    "witness.test/fuzz+ed876dde+BLtLLnVg8LY6ZxRCE+xQqMbJCcsRRfqul1iS+ljXLdtA";
static const char text[] = "log.test/fuzz\n5\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

/* What was taken is one line, and is taken again from among others. */
static void
again(const struct note_key *k, const struct buf *line, int64_t time_s)
{
	struct buf b, out;
	int64_t when = 0;

	buf_init(&b, 0);
	buf_init(&out, 0);
	if (line->len == 0 || line->data[line->len - 1] != '\n' ||
	    memchr(line->data, '\n', line->len) !=
	    line->data + line->len - 1 ||
	    buf_puts(&b, "\xe2\x80\x94 other.test AAAAAAAA\n") < 0 ||
	    buf_put(&b, line->data, line->len) < 0 ||
	    witness_cosig_take(k, text, sizeof text - 1, b.data, b.len, &out,
	    &when, NULL) != CAMCA_OK || when != time_s ||
	    out.len != line->len ||
	    memcmp(out.data, line->data, out.len) != 0)
		abort();
	buf_fini(&b);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal why = { 0 };
	struct note_key k;
	struct buf line;
	int64_t time_s = -1;
	int ret;

	if (note_key_parse(&k, vkey, sizeof vkey - 1, NULL) < 0)
		abort();
	buf_init(&line, 0);
	ret = witness_cosig_take(&k, text, sizeof text - 1, data, size, &line,
	    &time_s, &why);
	if (ret < 0 && (line.len != 0 || why.http != 502))
		abort();
	if (ret == CAMCA_OK)
		again(&k, &line, time_s);
	buf_fini(&line);
	note_key_fini(&k);
	return 0;
}
