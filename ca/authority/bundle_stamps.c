/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3161 time-stamps over a bundle's checkpoint, with what they are trusted
 * by. */
#include <stdlib.h>

#include "ca/authority/bundle_int.h"
#include "ca/base/log.h"
#include "ca/custody/anchor.h"
#include "ca/custody/timestamp.h"

struct stamps {
	struct bundle *b;
	size_t first;                  /* file of theirs */
	size_t n;
};

/* Canonical: a certificate has one spelling in a bundle. */
static int
stamps_pem(struct bundle *b, const char *tsa, const STACK_OF(X509) *list)
{
	char name[BUNDLE_NAME_MAX];
	struct buf pem;
	int i, ret = CAMCA_OK;

	buf_init(&pem, 0);
	for (i = 0; ret == CAMCA_OK && i < sk_X509_num(list); i++)
		ret = bundle_pem(sk_X509_value(list, i), &pem);
	if (ret == CAMCA_OK) {
		snprintf(name, sizeof name, "timestamps/%s.pem", tsa);
		ret = bundle_put(b, name, pem.data, pem.len);
	}
	buf_fini(&pem);
	return ret;
}

/* Does it hold by what is trusted today? */
static int
stamps_check(const struct bundle *b, const struct timestamp_row *r,
    STACK_OF(X509) *trust)
{
	struct timestamp_expect want = { .trust = trust };
	uint8_t hash[32];
	struct buf text;
	int64_t time_ms;
	int ret;

	buf_init(&text, 0);
	ret = checkpoint_text(&b->cp, &text);
	if (ret == CAMCA_OK && EVP_Digest(text.data, text.len, hash, NULL,
	    EVP_sha256(), NULL) != 1)
		ret = CAMCA_ECRYPTO;
	buf_fini(&text);
	want.sha256 = hash;
	return ret < 0 ? ret : timestamp_check(r->token.p, r->token.n, &want,
	    &time_ms, NULL);
}

static int
stamps_put(struct stamps *x, const struct timestamp_row *r,
    STACK_OF(X509) *trust)
{
	char name[BUNDLE_NAME_MAX];
	int ret = stamps_check(x->b, r, trust);

	if (ret == CAMCA_EPOLICY || ret == CAMCA_EINVAL) {
		log_msg(LOG_WARN, x->b->device, "the time-stamp of %s is left "
		    "out of its bundle: it is not trusted any more", r->tsa);
		return CAMCA_OK;
	}
	if (ret == CAMCA_OK)
		ret = stamps_pem(x->b, r->tsa, trust);
	if (ret < 0)
		return ret;
	x->n++;
	snprintf(name, sizeof name, "timestamps/%s.tsr", r->tsa);
	return bundle_put(x->b, name, r->token.p, r->token.n);
}

static int
stamps_row(const struct timestamp_row *r, void *arg)
{
	struct stamps *x = arg;
	STACK_OF(X509) *trust = NULL;
	struct buf text;
	int ret;

	buf_init(&text, 0);
	ret = anchor_tsa_trust(x->b->a->anchor, r->tsa, &text);
	if (ret == CAMCA_OK)
		ret = timestamp_trust(text.data, text.len, &trust, NULL);
	if (ret == CAMCA_OK)
		ret = stamps_put(x, r, trust);
	timestamp_trust_free(trust);
	buf_fini(&text);
	/* Of a TSA that is not asked any more. */
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static int
stamps_tx(struct tx *tx, void *arg)
{
	struct stamps *x = arg;

	/* It may run again. */
	while (x->b->nfiles > x->first)
		free(x->b->files[--x->b->nfiles].p);
	x->n = 0;
	return store_timestamp_list(tx, x->b->cp.size, stamps_row, x);
}

int
bundle_stamps(struct bundle *b, size_t *n_out)
{
	struct stamps x = { .b = b, .first = b->nfiles };
	int ret = store_tx(b->a->store, DB_READ, stamps_tx, &x);

	*n_out = x.n;
	return ret;
}
