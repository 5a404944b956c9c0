/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a checkpoint: three lines (C2SP tlog-checkpoint v1.0.0). */
#include "ca/custody/note.h"

#include <inttypes.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/custody/note_int.h"

#define CHECKPOINT_DIGITS_MAX 17       /* of TREE_SIZE_MAX */

bool
note_take_line(const char **p, const char *end, const char **line, size_t *n)
{
	const char *lf = memchr(*p, '\n', (size_t)(end - *p));

	if (lf == NULL)
		return false;
	*line = *p;
	*n = (size_t)(lf - *p);
	*p = lf + 1;
	return true;
}

int64_t
note_decimal(const char *p, size_t n)
{
	int64_t v = 0;
	size_t i;

	if (n == 0 || n > CHECKPOINT_DIGITS_MAX || (n > 1 && p[0] == '0'))
		return -1;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v <= TREE_SIZE_MAX ? v : -1;
}

int
note_hash(struct hash *out, const char *p, size_t n)
{
	struct buf b;
	int ret;

	if (n != (sizeof out->b + 2) / 3 * 4)
		return CAMCA_EINVAL;
	buf_init(&b, n);
	ret = dec_base64(&b, p, n, 0);
	if (ret == CAMCA_OK && b.len != sizeof out->b)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_OK)
		memcpy(out->b, b.data, sizeof out->b);
	buf_fini(&b);
	return ret;
}

static int
checkpoint_bad(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "custody.checkpoint",
	    "checkpoint: %s", what);
}

int
checkpoint_parse(struct checkpoint *out, const char *text, size_t n,
    struct refusal *why)
{
	const char *p = text, *end = text + n, *line;
	size_t len;
	int ret;

	memset(out, 0, sizeof *out);
	if (!note_take_line(&p, end, &line, &len) ||
	    len >= sizeof out->origin || !note_name_ok_n(line, len))
		return checkpoint_bad(why, "the first line is not an origin");
	memcpy(out->origin, line, len);
	if (!note_take_line(&p, end, &line, &len) ||
	    (out->size = note_decimal(line, len)) < 0)
		return checkpoint_bad(why, "the second line is not a size");
	if (!note_take_line(&p, end, &line, &len))
		return checkpoint_bad(why, "the third line is missing");
	ret = note_hash(&out->root, line, len);
	if (ret == CAMCA_EINVAL)
		return checkpoint_bad(why, "the third line is not a root hash");
	if (ret < 0)
		return refuse_default(why, ret);
	if (p != end)
		return checkpoint_bad(why, "extension lines are not accepted");
	return CAMCA_OK;
}

int
checkpoint_text(const struct checkpoint *c, struct buf *out)
{
	int ret;

	if (!note_name_ok(c->origin) || c->size < 0 || c->size > TREE_SIZE_MAX)
		return CAMCA_EINVAL;
	ret = buf_printf(out, "%s\n%" PRId64 "\n", c->origin, c->size);
	if (ret == CAMCA_OK)
		ret = enc_base64(out, c->root.b, sizeof c->root.b, 0);
	return ret < 0 ? ret : buf_putc(out, '\n');
}
