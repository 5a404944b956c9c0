/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a batch: one for each certificate that changes, one for a device
 * that changes without any, and one for each that is shown but not touched. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/revoke.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"

/* Calls fn for each item, in the order of the store. */
static int
items_walk(const struct revoke *r,
    int (*fn)(const struct select_device *d, int64_t cert,
    enum rev_verdict verdict, void *arg), void *arg)
{
	const struct selection *s = &r->found;
	const struct select_device *d;
	bool by_cert = selector_by_cert(&r->selector), any;
	size_t i, k;
	int ret = CAMCA_OK;

	for (i = 0; i < s->ndevices && ret == CAMCA_OK; i++) {
		d = &s->devices[i];
		any = false;
		for (k = d->certs; k < d->certs + d->ncerts &&
		    ret == CAMCA_OK; k++) {
			if (d->verdict == REV_UNDETERMINED ||
			    (!by_cert && !s->certs[k].changes))
				continue;
			any = true;
			ret = fn(d, s->certs[k].pick.id, s->certs[k].changes ?
			    REV_CHANGES : REV_UNCHANGED, arg);
		}
		if (!any && ret == CAMCA_OK)
			ret = fn(d, 0, d->verdict, arg);
	}
	return ret;
}

struct items_put {
	struct tx *tx;
	struct rev_item_row row;
};

static int
items_put_one(const struct select_device *d, int64_t cert,
    enum rev_verdict verdict, void *arg)
{
	struct items_put *p = arg;

	p->row.device = d->pk;
	p->row.cert = cert;
	p->row.verdict = (int64_t)verdict;
	snprintf(p->row.rule, sizeof p->row.rule, "%s", d->rule);
	return store_rev_item_insert(p->tx, &p->row);
}

int
revoke_items_put(struct tx *tx, struct revoke *r)
{
	struct items_put p = { .tx = tx, .row = { .batch = r->row.id } };
	int ret = store_rev_item_clear(tx, r->row.id);

	return ret < 0 ? ret : items_walk(r, items_put_one, &p);
}

static int
items_hash_one(const struct select_device *d, int64_t cert,
    enum rev_verdict verdict, void *arg)
{
	const int64_t item[] = { d->pk, cert, (int64_t)verdict };

	return EVP_DigestUpdate(arg, item, sizeof item) == 1 &&
	    EVP_DigestUpdate(arg, d->rule, strlen(d->rule) + 1) == 1 ?
	    CAMCA_OK : CAMCA_ECRYPTO;
}

int
revoke_items_hash(const struct revoke *r, char hex[static 65])
{
	AUTO(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	uint8_t hash[32];
	int ret;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return CAMCA_ENOMEM;
	if ((ret = items_walk(r, items_hash_one, md)) < 0)
		return ret;
	if (EVP_DigestFinal_ex(md, hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	enc_hex(hex, hash, sizeof hash);
	return CAMCA_OK;
}

/* ---- two previews ---- */

/* Both are in order of device; the stored one comes from the store. */
struct items_compare {
	const struct selection *now;
	size_t at;                     /* of now->devices */
	int64_t last;                  /* device of the stored item before */
	int64_t came, went, other;
};

static int
items_stored(const struct rev_item_row *row, void *arg)
{
	struct items_compare *k = arg;
	const struct select_device *d = k->now->devices;

	if (row->device == k->last)
		return 0;
	k->last = row->device;
	while (k->at < k->now->ndevices && d[k->at].pk < row->device) {
		k->came++;
		k->at++;
	}
	if (k->at == k->now->ndevices || d[k->at].pk != row->device) {
		k->went++;
		return 0;
	}
	k->other += (int64_t)d[k->at].verdict != row->verdict;
	k->at++;
	return 0;
}

int
revoke_items_compare(struct tx *tx, struct revoke *r)
{
	struct items_compare k = { .now = &r->found, .last = -1 };
	int ret = store_rev_item_list(tx, r->row.id, -1, -1, -1, INT64_MAX,
	    items_stored, &k);

	k.came += (int64_t)(k.now->ndevices - k.at);
	snprintf(r->what, sizeof r->what, "%" PRId64 " devices came, %" PRId64
	    " went, %" PRId64 " are judged otherwise%s", k.came, k.went,
	    k.other, k.came + k.went + k.other == 0 ?
	    ", but the standing, place or certificates of some are "
	    "others" : "");
	return ret;
}
