/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the store is still the one that a gate knows. Lines of meta
 * "feed.past", the newest first: STORE REV CERT. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/feed_int.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

#define PAST_KEY "feed.past"
#define PAST_LINE_MAX (FEED_STORE_LEN + 2 * 21 + 2)
#define PAST_TEXT_MAX (FEED_PAST_MAX * PAST_LINE_MAX + 1)

struct past_tx {
	struct feed_past *past;
	char store[FEED_STORE_LEN + 1];
	char text[PAST_TEXT_MAX];
};

/* Digits and the character after them; NULL where it is not so. */
static const char *
past_number(const char *s, char after, int64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return NULL;
	*out = strtoll(s, &end, 10);
	return *end == after ? end + 1 : NULL;
}

static bool
past_line(const char *s, struct feed_origin *out)
{
	if (strspn(s, "0123456789abcdef") != FEED_STORE_LEN ||
	    s[FEED_STORE_LEN] != ' ')
		return false;
	memcpy(out->store, s, FEED_STORE_LEN);
	out->store[FEED_STORE_LEN] = '\0';
	s = past_number(s + FEED_STORE_LEN + 1, ' ', &out->rev);
	return s != NULL && past_number(s, '\n', &out->cert) != NULL;
}

/* A line that is not ours ends the list: gates then begin anew, no more. */
static void
past_parse(struct feed_past *p, const char *text)
{
	const char *s = text;

	while (*s != '\0' && p->n < FEED_PAST_MAX &&
	    past_line(s, &p->list[p->n])) {
		p->n++;
		s = strchr(s, '\n') + 1;
	}
}

static void
past_write(const struct feed_past *p, char out[static PAST_TEXT_MAX])
{
	size_t i, at = 0;

	for (i = 0; i < p->n; i++)
		at += (size_t)snprintf(out + at, PAST_TEXT_MAX - at,
		    "%s %" PRId64 " %" PRId64 "\n", p->list[i].store,
		    p->list[i].rev, p->list[i].cert);
}

static int
past_begin_tx(struct tx *tx, void *arg)
{
	struct past_tx *x = arg;
	struct feed_past *p = x->past;
	struct feed_origin *now = &p->list[0];
	int ret;

	p->n = 0;
	ret = store_meta_get(tx, PAST_KEY, x->text, sizeof x->text);
	if (ret == CAMCA_OK)
		past_parse(p, x->text);
	else if (ret != CAMCA_ENOENT)
		return ret;
	if (p->n == FEED_PAST_MAX)
		p->n--;
	memmove(p->list + 1, p->list, p->n * sizeof p->list[0]);
	p->n++;
	memcpy(now->store, x->store, sizeof now->store);
	if ((ret = store_rev_seq(tx, &now->rev)) < 0 ||
	    (ret = store_cert_last_id(tx, &now->cert)) < 0)
		return ret;
	past_write(p, x->text);
	return store_meta_set(tx, PAST_KEY, x->text);
}

int
feed_past_begin(struct feed_past *p, struct authority *a)
{
	struct past_tx *x = calloc(1, sizeof *x);
	uint8_t id[FEED_STORE_LEN / 2];
	int ret;

	if (x == NULL)
		return CAMCA_ENOMEM;
	x->past = p;
	ret = ctx_random(a->ctx, id, sizeof id);
	if (ret == CAMCA_OK) {
		enc_hex(x->store, id, sizeof id);
		ret = store_tx(a->store, DB_WRITE, past_begin_tx, x);
	}
	free(x);
	return ret;
}

bool
feed_past_fits(const struct feed_past *p, const char *store,
    const struct feed_position *pos)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->list[i].store, store) == 0)
			break;
	if (i == p->n)
		return false;
	return i == 0 || (pos->rev <= p->list[i - 1].rev &&
	    pos->cert <= p->list[i - 1].cert);
}
