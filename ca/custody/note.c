/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/note.h"

#include <string.h>

#include <openssl/err.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/custody/note_int.h"

static int
note_bad(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "custody.note",
	    "signed note: %s", what);
}

/* ---- reading ---- */

/* The payload of a line: key id and at least one byte. A signature that is
 * longer than any of ours (another algorithm, such as ML-DSA) must not make a
 * note unreadable: it is kept without its bytes, so that it holds for no key. */
static int
note_payload(struct note_sig *out, const char *p, size_t n,
    struct refusal *why)
{
	struct buf b;
	int ret;

	buf_init(&b, NOTE_TEXT_MAX);
	ret = dec_base64(&b, p, n, 0);
	if (ret == CAMCA_OK && b.len <= sizeof out->id)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_OK) {
		memcpy(out->id, b.data, sizeof out->id);
		out->sig_len = b.len - sizeof out->id;
		if (out->sig_len > sizeof out->sig)
			out->sig_len = 0;
		memcpy(out->sig, b.data + sizeof out->id, out->sig_len);
	}
	buf_fini(&b);
	if (ret == CAMCA_EINVAL)
		return note_bad(why, "a signature is not base64 of a key id "
		    "and a signature");
	return refuse_default(why, ret);
}

/* One line without its line feed. */
static int
note_sig_parse(struct note_sig *out, const char *p, size_t n,
    struct refusal *why)
{
	const char *space;

	if (n < NOTE_DASH_LEN || memcmp(p, NOTE_DASH, NOTE_DASH_LEN) != 0)
		return note_bad(why, "a signature line does not begin with "
		    "U+2014 and a space");
	p += NOTE_DASH_LEN;
	n -= NOTE_DASH_LEN;
	space = memchr(p, ' ', n);
	if (space == NULL)
		return note_bad(why, "a signature line has no signature");
	out->name = p;
	out->name_len = (size_t)(space - p);
	if (!note_name_ok_n(p, out->name_len))
		return note_bad(why, "a signature line has no proper name");
	return note_payload(out, space + 1, n - out->name_len - 1, why);
}

int
note_line_parse(struct note_sig *out, const char *p, size_t n,
    struct refusal *why)
{
	const char *lf;

	memset(out, 0, sizeof *out);
	if (n > NOTE_TEXT_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "custody.note",
		    "signed note: larger than %d bytes", NOTE_TEXT_MAX);
	lf = memchr(p, '\n', n);
	if (lf == NULL || lf != p + n - 1)
		return note_bad(why, "a signature is one line");
	return note_sig_parse(out, p, n - 1, why);
}

/* The text ends at the last blank line: it may have blank lines of its own. */
static int
note_split(struct note *out, const char *p, size_t n, struct refusal *why)
{
	const char *gap = n < 2 ? NULL : memrchr(p, '\n', n - 1);

	/* Signature lines are never empty, so that the last blank line is the
	 * last place with two line feeds. */
	while (gap != NULL && (gap == p || gap[-1] != '\n'))
		gap = memrchr(p, '\n', (size_t)(gap - p));
	if (gap == NULL || p[n - 1] != '\n')
		return note_bad(why, "no blank line with signatures behind it");
	out->text = p;
	out->text_len = (size_t)(gap - p);
	return CAMCA_OK;
}

int
note_parse(struct note *out, const void *p, size_t n, struct refusal *why)
{
	const char *text = p, *end = text + n, *at, *lf;
	int ret;

	out->nsigs = 0;
	if (n > NOTE_TEXT_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "custody.note",
		    "signed note: larger than %d bytes", NOTE_TEXT_MAX);
	if (!note_text_ok(text, n))
		return note_bad(why, "not UTF-8, or it has control characters");
	ret = note_split(out, text, n, why);
	if (ret < 0)
		return ret;
	for (at = text + out->text_len + 1; at < end; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (out->nsigs == NOTE_SIGS_MAX)
			return refuse(why, CAMCA_ELIMIT, 400, "custody.note",
			    "signed note: more than %d signatures",
			    NOTE_SIGS_MAX);
		ret = note_sig_parse(&out->sigs[out->nsigs], at,
		    (size_t)(lf - at), why);
		if (ret < 0)
			return ret;
		out->nsigs++;
	}
	return CAMCA_OK;
}

/* ---- checking ---- */

/* Seconds of a cosignature, which stand before it; -1: none that is possible. */
static int64_t
note_sig_time(const struct note_sig *s)
{
	uint64_t t = 0;
	int i;

	if (s->sig_len != 8 + 64)
		return -1;
	for (i = 0; i < 8; i++)
		t = t << 8 | s->sig[i];
	return t <= INT64_MAX ? (int64_t)t : -1;
}

static int
note_verify(const struct note_key *k, const uint8_t *sig, size_t sig_len,
    const struct buf *message)
{
	const EVP_MD *md = k->alg == NOTE_ECDSA ? EVP_sha256() : NULL;
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	int ok;

	if (ctx == NULL)
		return CAMCA_ENOMEM;
	if (EVP_DigestVerifyInit(ctx, NULL, md, NULL, k->pub) != 1) {
		ERR_clear_error();
		return CAMCA_ECRYPTO;
	}
	ok = EVP_DigestVerify(ctx, sig, sig_len, message->data, message->len);
	ERR_clear_error();
	return ok == 1 ? CAMCA_OK : CAMCA_EINVAL;
}

static int
note_check_one(const struct note *n, const struct note_key *k,
    const struct note_sig *s, int64_t *time_s_out)
{
	size_t skip = k->alg == NOTE_COSIG_ED25519 ? 8 : 0;
	int64_t time_s = skip != 0 ? note_sig_time(s) : 0;
	struct buf message;
	int ret;

	if (time_s < 0 || s->sig_len <= skip)
		return CAMCA_EINVAL;
	buf_init(&message, 0);
	ret = note_message(k->alg, n->text, n->text_len, time_s, &message);
	if (ret == CAMCA_OK)
		ret = note_verify(k, s->sig + skip, s->sig_len - skip,
		    &message);
	buf_fini(&message);
	*time_s_out = time_s;
	return ret;
}

static bool
note_sig_names(const struct note_sig *s, const struct note_key *k)
{
	return memcmp(s->id, k->id, sizeof s->id) == 0 &&
	    strlen(k->name) == s->name_len &&
	    memcmp(s->name, k->name, s->name_len) == 0;
}

int
note_check(const struct note *n, const struct note_key *k, int64_t *time_s_out)
{
	int64_t time_s, first_s = 0;
	bool found = false;
	size_t i;
	int ret;

	for (i = 0; i < n->nsigs; i++) {
		if (!note_sig_names(&n->sigs[i], k))
			continue;
		ret = note_check_one(n, k, &n->sigs[i], &time_s);
		if (ret < 0)
			return ret;
		if (!found || time_s < first_s)
			first_s = time_s;
		found = true;
	}
	if (!found)
		return CAMCA_ENOENT;
	if (time_s_out != NULL)
		*time_s_out = first_s;
	return CAMCA_OK;
}
