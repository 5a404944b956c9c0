/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"

/* ---- MANIFEST ---- */

int
manifest_add(struct manifest *m, const char *name,
    const uint8_t sha256[static 32])
{
	size_t cap = m->cap > 0 ? 2 * m->cap : 64, n = strlen(name);
	struct manifest_item *list;

	if (bundle_kind(name, n) == BUNDLE_NONE)
		return CAMCA_EINVAL;
	if (m->n >= BUNDLE_FILES_MAX)
		return CAMCA_ELIMIT;
	if (m->n == m->cap) {
		list = realloc(m->list, cap * sizeof *list);
		if (list == NULL)
			return CAMCA_ENOMEM;
		m->list = list;
		m->cap = cap;
	}
	memcpy(m->list[m->n].name, name, n + 1);
	memcpy(m->list[m->n].sha256, sha256, 32);
	m->n++;
	return CAMCA_OK;
}

int
manifest_add_bytes(struct manifest *m, const char *name, const void *p,
    size_t n)
{
	uint8_t hash[32];

	if (EVP_Digest(p, n, hash, NULL, EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	return manifest_add(m, name, hash);
}

static int
manifest_order(const void *a, const void *b)
{
	return strcmp(((const struct manifest_item *)a)->name,
	    ((const struct manifest_item *)b)->name);
}

int
manifest_text(struct manifest *m, struct buf *out)
{
	char hex[65];
	size_t i;
	int ret = CAMCA_OK;

	if (m->n > 0)
		qsort(m->list, m->n, sizeof *m->list, manifest_order);
	for (i = 0; i < m->n && ret == CAMCA_OK; i++) {
		if (i > 0 && strcmp(m->list[i - 1].name,
		    m->list[i].name) == 0)
			return CAMCA_ECONFLICT;
		enc_hex(hex, m->list[i].sha256, 32);
		ret = buf_printf(out, "%s  %s\n", hex, m->list[i].name);
	}
	return ret;
}

void
manifest_fini(struct manifest *m)
{
	free(m->list);
	memset(m, 0, sizeof *m);
}

/* ---- policy.tlog ---- */

static size_t
policy_blanks(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i;
}

static size_t
policy_letters(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != ' ' && p[i] != '\t')
		i++;
	return i;
}

/* The first `max` words of a line, one space between them. */
static int
policy_words(const char *p, size_t n, size_t max, struct buf *out)
{
	size_t len, words;
	int ret = CAMCA_OK;

	for (words = 0; words < max && ret == CAMCA_OK; words++) {
		len = policy_blanks(p, n);
		p += len;
		n -= len;
		if (n == 0)
			break;
		len = policy_letters(p, n);
		if (words > 0)
			ret = buf_putc(out, ' ');
		if (ret == CAMCA_OK)
			ret = buf_put(out, p, len);
		p += len;
		n -= len;
	}
	return ret < 0 ? ret : buf_putc(out, '\n');
}

static bool
policy_begins(const char *p, size_t n, const char *word)
{
	return policy_letters(p, n) == strlen(word) &&
	    memcmp(p, word, strlen(word)) == 0;
}

static int
policy_line(const char *p, size_t n, struct buf *out)
{
	size_t skip = policy_blanks(p, n);

	p += skip;
	n -= skip;
	if (n == 0 || p[0] == '#' || policy_begins(p, n, "log"))
		return CAMCA_OK;
	return policy_words(p, n, policy_begins(p, n, "witness") ? 3 :
	    SIZE_MAX, out);
}

static int
policy_logs(const char *vkeys, struct buf *out)
{
	size_t n;
	int ret = CAMCA_OK;

	for (; *vkeys != '\0' && ret == CAMCA_OK; vkeys += n) {
		n = strcspn(vkeys, "\n");
		if (n > 0)
			ret = buf_printf(out, "log %.*s\n", (int)n, vkeys);
		n += vkeys[n] == '\n';
	}
	return ret;
}

int
bundle_policy(const char *vkeys, const char *text, size_t n, struct buf *out)
{
	struct tlog_policy *check = NULL;
	size_t start = out->len, len;
	const char *lf;
	int ret = policy_logs(vkeys, out);

	if (ret == CAMCA_OK && text == NULL)
		ret = buf_puts(out, "quorum none\n");
	for (; ret == CAMCA_OK && text != NULL && n > 0; n -= len) {
		lf = memchr(text, '\n', n);
		len = lf != NULL ? (size_t)(lf - text) : n;
		ret = policy_line(text, len, out);
		len += lf != NULL;
		text += len;
	}
	if (ret == CAMCA_OK)
		ret = tlog_policy_parse(&check, out->data + start,
		    out->len - start, NULL);
	tlog_policy_free(check);
	return ret;
}

/* ---- checkpoint ---- */

static bool
checkpoint_signer(const struct tlog_policy *p, const struct note_sig *s)
{
	const struct note_key *k;
	const char *name, *url;
	size_t i, logs = tlog_policy_logs(p);

	for (i = 0; i < logs + tlog_policy_witnesses(p); i++) {
		k = i < logs ? tlog_policy_log(p, i) :
		    tlog_policy_witness(p, i - logs, &name, &url);
		if (strlen(k->name) == s->name_len &&
		    memcmp(k->name, s->name, s->name_len) == 0 &&
		    memcmp(k->id, s->id, sizeof k->id) == 0)
			return true;
	}
	return false;
}

/* Each line behind the text is one signature, in the note's order. */
static int
checkpoint_lines(const struct tlog_policy *policy, const struct note *x,
    const char *end, struct buf *out)
{
	const char *p = x->text + x->text_len + 1, *lf;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < x->nsigs && p < end && ret == CAMCA_OK; i++) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			return CAMCA_EINVAL;
		if (checkpoint_signer(policy, &x->sigs[i]))
			ret = buf_put(out, p, (size_t)(lf - p) + 1);
		p = lf + 1;
	}
	return ret;
}

int
bundle_checkpoint(const struct tlog_policy *policy, const void *note,
    size_t n, struct buf *out)
{
	struct note *x = malloc(sizeof *x);
	int ret;

	if (x == NULL)
		return CAMCA_ENOMEM;
	ret = note_parse(x, note, n, NULL);
	if (ret == CAMCA_OK)
		ret = buf_put(out, x->text, x->text_len);
	if (ret == CAMCA_OK)
		ret = buf_putc(out, '\n');
	if (ret == CAMCA_OK)
		ret = checkpoint_lines(policy, x, (const char *)note + n, out);
	free(x);
	return ret;
}
