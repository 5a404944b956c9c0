/* SPDX-License-Identifier: Apache-2.0 */
/* What one answer of the status feed holds: first what changed, so that a
 * revocation never waits behind new certificates, then those. Everything comes
 * from one snapshot of the store: with more == false the gate has all that was
 * committed when it was taken. */
#include <string.h>

#include "ca/authority/feed_int.h"

static int
page_record(struct feed_page *p, const struct status_row *r)
{
	struct status_wire w = { .issuer = (uint32_t)r->issuer,
	    .status = (uint8_t)r->status, .reason = STATUS_WIRE_NO_REASON,
	    .not_after_s = r->not_after_ms / 1000, .rev_seq = r->rev_seq };
	uint8_t bytes[STATUS_WIRE_LEN];

	if (r->issuer <= 0 || r->issuer > UINT32_MAX)
		return CAMCA_EDB;
	memcpy(w.serial, r->serial, sizeof w.serial);
	if (r->status != CERT_GOOD) {
		w.revoked_s = r->revoked_ms / 1000;
		if (r->reason >= 0)
			w.reason = (uint8_t)r->reason;
	}
	status_wire_put(bytes, &w);
	p->room--;
	return buf_put(&p->records, bytes, sizeof bytes);
}

static int
page_changed_row(const struct status_row *r, void *arg)
{
	struct feed_page *p = arg;

	p->to.rev = r->rev_seq;
	p->changed++;
	return page_record(p, r);
}

static int
page_new_row(const struct status_row *r, void *arg)
{
	struct feed_page *p = arg;

	p->to.cert = r->id;
	return page_record(p, r);
}

static int
page_tx(struct tx *tx, void *arg)
{
	struct feed_page *p = arg;
	int64_t last = 0, end;
	int ret;

	buf_reset(&p->records);
	p->room = FEED_PAGE_MAX;
	p->changed = 0;
	p->more = true;
	p->to = p->from;
	if ((ret = store_rev_seq(tx, &p->rev)) < 0 ||
	    (ret = store_cert_last_id(tx, &last)) < 0)
		return ret;
	p->fits = p->from.rev <= p->rev && p->from.cert <= last;
	if (!p->fits)
		return CAMCA_OK;
	/* Who begins reads every certificate from here on, as it is then or
	 * later: only what changes from now on must be told apart. */
	if (p->from.rev < 0)
		p->to.rev = p->rev;
	if (p->to.rev < p->rev && (ret = store_status_list_changed(tx,
	    p->to.rev, FEED_PAGE_MAX, page_changed_row, p)) < 0)
		return ret;
	if (p->room > 0)
		p->to.rev = p->rev;
	/* A stretch at a time: after years most certificates have expired, and
	 * a gate gives up an answer that takes seconds. */
	end = last - p->to.cert > FEED_STRETCH ? p->to.cert + FEED_STRETCH :
	    last;
	if (p->room > 0 && p->to.cert < end &&
	    (ret = store_status_list_new(tx, p->to.cert, end, p->alive_ms,
	    (int64_t)p->room, page_new_row, p)) < 0)
		return ret;
	if (p->room > 0)
		p->to.cert = end;
	p->more = p->to.rev < p->rev || p->to.cert < last;
	return CAMCA_OK;
}

int
feed_page_read(struct feed_page *page, struct store *s)
{
	return store_tx(s, DB_READ, page_tx, page);
}

/* FNV-1a: nobody gains from two lists with the same number but those who may
 * write the store. */
int64_t
feed_issuers_epoch(const struct ca_set *set)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i, k;

	for (i = 0; i < set->n; i++) {
		h = (h ^ (uint64_t)set->list[i].row.id) *
		    UINT64_C(0x100000001b3);
		for (k = 0; k < sizeof set->list[i].row.ski; k++)
			h = (h ^ set->list[i].row.ski[k]) *
			    UINT64_C(0x100000001b3);
	}
	return (int64_t)(h >> 1);
}

static json_t *
page_issuer(const struct ca *ca)
{
	json_t *o = json_pack("{s:I}", "id", (json_int_t)ca->row.id);

	if (o == NULL)
		return NULL;
	json_set_hex(o, "ski", ca->row.ski, sizeof ca->row.ski);
	json_set_base64(o, "cert", ca->row.cert.p, ca->row.cert.n);
	return o;
}

json_t *
feed_issuers_json(const struct ca_set *set)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; list != NULL && i < set->n; i++) {
		o = page_issuer(&set->list[i]);
		/* Half a list would make the rest unknown: none at all. */
		if (json_array_append_new(list, o) == 0)
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}
