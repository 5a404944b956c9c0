/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/witness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/enc.h"

#define WITNESS_HASH_TEXT 44           /* base64 of 32 bytes */

/* ---- numbers and lines ---- */

/* A size in decimal without a leading zero: 1..17 digits. */
static int
witness_size(const char *p, size_t n, int64_t *out)
{
	int64_t v = 0;
	size_t i;

	if (n == 0 || n > 17 || (n > 1 && p[0] == '0'))
		return CAMCA_EINVAL;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return CAMCA_EINVAL;
		v = v * 10 + (p[i] - '0');
	}
	if (v > TREE_SIZE_MAX)
		return CAMCA_EINVAL;
	*out = v;
	return CAMCA_OK;
}

/* A line without its newline; moves on behind it. False: there is none. */
struct witness_line {
	const char *p;
	size_t n;
};

static bool
witness_line_next(const char **p, const char *end, struct witness_line *out)
{
	const char *nl = *p < end ? memchr(*p, '\n', (size_t)(end - *p)) :
	    NULL;

	if (nl == NULL)
		return false;
	out->p = *p;
	out->n = (size_t)(nl - *p);
	*p = nl + 1;
	return true;
}

/* ---- requests ---- */

int
witness_request_text(const struct witness_request *r, struct buf *out)
{
	size_t i;
	int ret;

	if (r->old_size < 0 || r->old_size > TREE_SIZE_MAX ||
	    r->proof.n > WITNESS_PROOF_MAX)
		return CAMCA_EINVAL;
	ret = buf_printf(out, "old %" PRId64 "\n", r->old_size);
	for (i = 0; ret == CAMCA_OK && i < r->proof.n; i++) {
		ret = enc_base64(out, r->proof.path[i].b, TREE_HASH_LEN, 0);
		if (ret == CAMCA_OK)
			ret = buf_putc(out, '\n');
	}
	if (ret == CAMCA_OK)
		ret = buf_putc(out, '\n');
	return ret < 0 ? ret : buf_put(out, r->note, r->note_len);
}

static int
witness_refuse(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "witness.request",
	    "tlog-witness add-checkpoint: %s.", what);
}

static int
witness_hash(const struct witness_line *l, struct hash *out)
{
	struct buf b;
	int ret;

	if (l->n != WITNESS_HASH_TEXT)
		return CAMCA_EINVAL;
	buf_init(&b, TREE_HASH_LEN);
	ret = dec_base64(&b, l->p, l->n, 0);
	if (ret == CAMCA_OK && b.len != TREE_HASH_LEN)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_OK)
		memcpy(out->b, b.data, TREE_HASH_LEN);
	buf_fini(&b);
	return ret == CAMCA_ENOMEM ? ret : ret < 0 ? CAMCA_EINVAL : CAMCA_OK;
}

int
witness_request_parse(struct witness_request *out, const void *p, size_t n,
    struct refusal *why)
{
	const char *at = p, *end = at + n;
	struct witness_line l;
	int ret;

	memset(out, 0, sizeof *out);
	if (n > WITNESS_REQUEST_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "witness.request",
		    "The request has more than %d bytes.",
		    WITNESS_REQUEST_MAX);
	if (!witness_line_next(&at, end, &l) || l.n < 5 ||
	    memcmp(l.p, "old ", 4) != 0 ||
	    witness_size(l.p + 4, l.n - 4, &out->old_size) < 0)
		return witness_refuse(why, "the first line is not \"old SIZE\"");
	for (;;) {
		if (!witness_line_next(&at, end, &l))
			return witness_refuse(why, "there is no empty line "
			    "before the checkpoint");
		if (l.n == 0)
			break;
		if (out->proof.n == WITNESS_PROOF_MAX)
			return witness_refuse(why, "there are more than 63 "
			    "proof lines");
		ret = witness_hash(&l, &out->proof.path[out->proof.n]);
		if (ret == CAMCA_ENOMEM)
			return ret;
		if (ret < 0)
			return witness_refuse(why, "a proof line is not the "
			    "base64 of a hash");
		out->proof.n++;
	}
	if (at == end)
		return witness_refuse(why, "there is no checkpoint");
	out->note = at;
	out->note_len = (size_t)(end - at);
	return CAMCA_OK;
}

/* ---- answers ---- */

int
witness_size_parse(const void *p, size_t n, int64_t *out)
{
	const char *s = p;

	if (n < 2 || s[n - 1] != '\n')
		return CAMCA_EINVAL;
	return witness_size(s, n - 1, out);
}

bool
witness_size_type(const char *type)
{
	size_t n = sizeof WITNESS_SIZE_TYPE - 1;

	return strncasecmp(type, WITNESS_SIZE_TYPE, n) == 0 &&
	    (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static int
witness_cosig_refuse(struct refusal *why, int err, const struct note_key *k,
    const char *what)
{
	return refuse(why, err, 502, "custody.cosignature",
	    "Witness %s: %s.", k->name, what);
}

/* The first line of key k; all of them must be signature lines. */
static int
witness_cosig_find(const struct note_key *k, const char *p, size_t n,
    struct witness_line *out)
{
	const char *end = p + n;
	struct witness_line l;
	struct note_sig sig;

	out->p = NULL;
	while (witness_line_next(&p, end, &l)) {
		if (note_line_parse(&sig, l.p, l.n + 1, NULL) < 0)
			return CAMCA_EINVAL;
		if (out->p == NULL && strlen(k->name) == sig.name_len &&
		    memcmp(k->name, sig.name, sig.name_len) == 0 &&
		    memcmp(k->id, sig.id, sizeof k->id) == 0)
			*out = l;
	}
	if (p != end)
		return CAMCA_EINVAL;
	return out->p != NULL ? CAMCA_OK : CAMCA_ENOENT;
}

/* The note that is text and this one line: read as every other note, so that
 * what is stored here is what a verifier will take. */
static int
witness_cosig_check(const struct note_key *k, const char *text,
    size_t text_len, const struct witness_line *l, int64_t *time_s_out)
{
	struct note *note = malloc(sizeof *note);
	struct buf b;
	int ret = note != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	buf_init(&b, 0);
	if (ret == CAMCA_OK)
		ret = buf_put(&b, text, text_len);
	if (ret == CAMCA_OK)
		ret = buf_putc(&b, '\n');
	if (ret == CAMCA_OK)
		ret = buf_put(&b, l->p, l->n + 1);
	if (ret == CAMCA_OK)
		ret = note_parse(note, b.data, b.len, NULL);
	/* The line must not have moved where the text ends. */
	if (ret == CAMCA_OK && note->text_len != text_len)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_OK)
		ret = note_check(note, k, time_s_out);
	buf_fini(&b);
	free(note);
	return ret;
}

int
witness_cosig_take(const struct note_key *k, const char *text,
    size_t text_len, const void *p, size_t n, struct buf *out,
    int64_t *time_s_out, struct refusal *why)
{
	struct witness_line l;
	int ret;

	if (n > WITNESS_ANSWER_MAX || k->alg != NOTE_COSIG_ED25519)
		return witness_cosig_refuse(why, CAMCA_EINVAL, k,
		    "the answer is too large, or the key of another kind");
	ret = witness_cosig_find(k, p, n, &l);
	if (ret == CAMCA_ENOENT)
		return witness_cosig_refuse(why, ret, k,
		    "the answer has no signature of its key");
	if (ret < 0)
		return witness_cosig_refuse(why, ret, k,
		    "the answer is no list of signature lines");
	ret = witness_cosig_check(k, text, text_len, &l, time_s_out);
	if (ret == CAMCA_ENOMEM || ret == CAMCA_ECRYPTO)
		return ret;
	if (ret < 0)
		return witness_cosig_refuse(why, CAMCA_EINVAL, k,
		    "its signature is not one over this checkpoint");
	return buf_put(out, l.p, l.n + 1);
}
