/* SPDX-License-Identifier: Apache-2.0 */
/* A proof file: index, inclusion proof and checkpoint in one text (C2SP
 * tlog-proof). */
#include "ca/custody/tlog.h"

#include <inttypes.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/custody/note_int.h"

#define TLOG_PROOF_HEADER "c2sp.org/tlog-proof@v1"
/* Whole file: a note, as many hashes as a tree can ask for, and extra data. */
#define TLOG_PROOF_MAX (2 * NOTE_TEXT_MAX)

static int
tlog_bad(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "custody.proof",
	    "tlog-proof: %s", what);
}

/* Does the line begin with word and a space? What is behind it, else NULL. */
static const char *
tlog_word(const char *line, size_t n, const char *word, size_t *rest)
{
	size_t len = strlen(word);

	if (n <= len || memcmp(line, word, len) != 0 || line[len] != ' ')
		return NULL;
	*rest = n - len - 1;
	return line + len + 1;
}

/* Opaque, but it must be what it says: base64 of at least one byte. */
static int
tlog_proof_extra(struct tlog_proof *out, const char *p, size_t n,
    struct refusal *why)
{
	struct buf b;
	int ret;

	buf_init(&b, TLOG_PROOF_MAX);
	ret = n == 0 ? CAMCA_EINVAL : dec_base64(&b, p, n, 0);
	buf_fini(&b);
	if (ret == CAMCA_EINVAL)
		return tlog_bad(why, "the extra data is not base64");
	if (ret < 0)
		return refuse_default(why, ret);
	out->extra = p;
	out->extra_len = n;
	return CAMCA_OK;
}

/* Header, extra data where there is some, index. */
static int
tlog_proof_head(struct tlog_proof *out, const char **p, const char *end,
    struct refusal *why)
{
	const char *line, *value;
	size_t n, len;
	int ret;

	if (!note_take_line(p, end, &line, &n) ||
	    n != strlen(TLOG_PROOF_HEADER) ||
	    memcmp(line, TLOG_PROOF_HEADER, n) != 0)
		return tlog_bad(why, "the first line must be "
		    TLOG_PROOF_HEADER);
	if (!note_take_line(p, end, &line, &n))
		return tlog_bad(why, "the index is missing");
	value = tlog_word(line, n, "extra", &len);
	if (value != NULL) {
		ret = tlog_proof_extra(out, value, len, why);
		if (ret < 0)
			return ret;
		if (!note_take_line(p, end, &line, &n))
			return tlog_bad(why, "the index is missing");
	}
	value = tlog_word(line, n, "index", &len);
	if (value == NULL || (out->index = note_decimal(value, len)) < 0)
		return tlog_bad(why, "'index' and a number must stand here");
	return CAMCA_OK;
}

int
tlog_proof_parse(struct tlog_proof *out, const void *p, size_t n,
    struct refusal *why)
{
	const char *at = p, *end = at + n, *line;
	size_t len;
	int ret;

	memset(out, 0, sizeof *out);
	if (n > TLOG_PROOF_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "custody.proof",
		    "tlog-proof: larger than %d bytes", TLOG_PROOF_MAX);
	ret = tlog_proof_head(out, &at, end, why);
	if (ret < 0)
		return ret;
	while (note_take_line(&at, end, &line, &len) && len > 0) {
		if (out->proof.n == TREE_DEPTH_MAX)
			return tlog_bad(why, "more hashes than a tree has "
			    "levels");
		ret = note_hash(&out->proof.path[out->proof.n++], line, len);
		if (ret == CAMCA_EINVAL)
			return tlog_bad(why, "a line of the proof is not a "
			    "hash");
		if (ret < 0)
			return refuse_default(why, ret);
	}
	/* The empty line was the last one read, and the note is behind it. */
	if (at == end || at[-1] != '\n' || at[-2] != '\n')
		return tlog_bad(why, "no checkpoint behind an empty line");
	out->note = at;
	out->note_len = (size_t)(end - at);
	return CAMCA_OK;
}

int
tlog_proof_text(const struct tlog_proof *t, struct buf *out)
{
	size_t i;
	int ret;

	if (t->index < 0 || t->proof.n > TREE_DEPTH_MAX || t->note_len == 0)
		return CAMCA_EINVAL;
	ret = buf_puts(out, TLOG_PROOF_HEADER "\n");
	if (ret == CAMCA_OK && t->extra != NULL)
		ret = buf_printf(out, "extra %.*s\n", (int)t->extra_len,
		    t->extra);
	if (ret == CAMCA_OK)
		ret = buf_printf(out, "index %" PRId64 "\n", t->index);
	for (i = 0; i < t->proof.n && ret == CAMCA_OK; i++) {
		ret = enc_base64(out, t->proof.path[i].b, TREE_HASH_LEN, 0);
		if (ret == CAMCA_OK)
			ret = buf_putc(out, '\n');
	}
	if (ret == CAMCA_OK)
		ret = buf_putc(out, '\n');
	return ret < 0 ? ret : buf_put(out, t->note, t->note_len);
}
