/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: each is what was hashed, and what its device's chain says. */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/custody/chains.h"
#include "ca/custody/fsck_int.h"
#include "ca/store/store_log.h"
#include "ca/store/store_log_sign.h"

#define FSCK_ENTRY_STEP 2048
#define FSCK_DEVICE_STEP 2048

/* ---- entries and their chains ---- */

/* Parses an entry; device, number and link are what the next one is held to. */
static int
fsck_parse_entry(struct fsck_run *r, const struct log_entry_row *e,
    struct event_view *v)
{
	struct refusal why = { 0 };

	if (event_parse(v, e->data.p, e->data.n, &why) < 0)
		return WRONG(r, "Entry %lld is no event: %s.",
		    (long long)e->idx, why.detail);
	if (v->dev_seq < 1)
		return WRONG(r, "Entry %lld has no place in the chain of its "
		    "device.", (long long)e->idx);
	return CAMCA_OK;
}

/* The entry before in the chain: same device, one number lower, that hash. */
static int
fsck_link(struct fsck_run *r, const struct log_entry_row *e,
    const struct event_view *v)
{
	struct log_entry_row before;
	struct event_view b;
	int ret;

	if (!v->has_prev || e->prev < 0)
		return v->dev_seq == 1 && !v->has_prev && e->prev == -1 ?
		    CAMCA_OK : WRONG(r, "Entry %lld, number %lld of device "
		    "%.*s, names no entry before it.", (long long)e->idx,
		    (long long)v->dev_seq, (int)v->device.n, v->device.p);
	ret = store_log_entry_get(r->tx, e->prev, &before);
	if (ret < 0)
		return ret == CAMCA_ENOENT ? WRONG(r, "Entry %lld, which "
		    "entry %lld names, is missing.", (long long)e->prev,
		    (long long)e->idx) : ret;
	ret = fsck_parse_entry(r, &before, &b);
	if (ret == CAMCA_OK && (b.device.n != v->device.n ||
	    memcmp(b.device.p, v->device.p, b.device.n) != 0 ||
	    b.dev_seq + 1 != v->dev_seq ||
	    memcmp(before.leaf, v->dev_prev, sizeof v->dev_prev) != 0))
		ret = WRONG(r, "Entry %lld, number %lld of device %.*s, does "
		    "not continue entry %lld.", (long long)e->idx,
		    (long long)v->dev_seq, (int)v->device.n, v->device.p,
		    (long long)e->prev);
	store_log_entry_free(&before);
	return ret;
}

/* What the database keeps of where chains end, for the next event of each. */
static int
fsck_chain(struct fsck_run *r, const struct log_entry_row *e,
    const struct event_view *v)
{
	struct refusal why = { 0 };
	char device[STORE_ID_MAX];
	int ret;

	snprintf(device, sizeof device, "%.*s", (int)v->device.n,
	    v->device.p);
	ret = chains_entry(r->tx, e, device, v->dev_seq, &why);
	return ret == CAMCA_EPOLICY ? WRONG(r, "%s", why.detail) : ret;
}

/* The hash that level 0 has for an entry. */
static int
fsck_leaf_tile(struct fsck_run *r, const struct log_entry_row *e)
{
	int64_t n = e->idx / TILE_HASHES;
	size_t at = (size_t)(e->idx % TILE_HASHES) * TREE_HASH_LEN;
	int ret;

	if (r->tile_n != n) {
		store_blob_free(&r->tile);
		r->tile_n = -1;
		ret = store_log_tile_get(r->tx, 0, n, &r->tile);
		if (ret == CAMCA_ENOENT)
			return WRONG(r, "Tile %lld of level 0 is missing.",
			    (long long)n);
		if (ret < 0)
			return ret;
		r->tile_n = n;
	}
	if (at + TREE_HASH_LEN > r->tile.n ||
	    memcmp(r->tile.p + at, e->leaf, TREE_HASH_LEN) != 0)
		return WRONG(r, "Tile %lld of level 0 does not have the hash "
		    "of entry %lld.", (long long)n, (long long)e->idx);
	return CAMCA_OK;
}

/* An event that no reader understood: the entry is another one, with the hash of
 * its bytes. */
static int
fsck_odd(struct fsck_run *r, const struct log_entry_row *e,
    const struct event_view *v)
{
	char hex[2 * STORE_HASH_LEN + 1];
	uint8_t sha[STORE_HASH_LEN];
	struct log_odd_row odd;
	struct event_text want;
	int ret;

	if (strcmp(v->type->name, "record.unreadable") != 0)
		return CAMCA_OK;
	ret = store_log_odd_get(r->tx, e->idx, &odd);
	if (ret < 0)
		return ret == CAMCA_ENOENT ? WRONG(r, "The bytes that entry "
		    "%lld stands for are missing.", (long long)e->idx) : ret;
	SHA256(odd.body.p, odd.body.n, sha);
	enc_hex(hex, sha, sizeof sha);
	if (event_view_get(v, "body-sha256", &want) < 0 ||
	    want.n != strlen(hex) || memcmp(want.p, hex, want.n) != 0)
		ret = WRONG(r, "The bytes that entry %lld stands for are not "
		    "those that were recorded.", (long long)e->idx);
	store_blob_free(&odd.body);
	return ret;
}

/* What the database has beside the bytes is what they say. (An event that no
 * reader understood may have had a device that cannot be one.) */
static int
fsck_columns(struct fsck_run *r, const struct log_entry_row *e,
    const struct event_view *v)
{
	if (memcmp(v->id, e->event_id, sizeof v->id) != 0)
		return WRONG(r, "Entry %lld is stored under another id than "
		    "its own.", (long long)e->idx);
	if (v->time_ms != e->time_ms)
		return WRONG(r, "Entry %lld is stored under another time than "
		    "its own.", (long long)e->idx);
	if ((v->device.n != strlen(e->device) ||
	    memcmp(v->device.p, e->device, v->device.n) != 0) &&
	    !(v->device.n == 1 && v->device.p[0] == '-' &&
	    strcmp(v->type->name, "record.unreadable") == 0))
		return WRONG(r, "Entry %lld is stored under another device "
		    "than its own.", (long long)e->idx);
	return CAMCA_OK;
}

static int
fsck_entry(const struct log_entry_row *e, void *arg)
{
	struct fsck_run *r = arg;
	struct event_view v;
	struct hash leaf;
	int ret;

	if (e->idx != r->f.at)
		return WRONG(r, "Entry %lld is missing.",
		    (long long)r->f.at);
	if (e->idx >= r->head)
		return WRONG(r, "Entry %lld lies past the head of the log "
		    "(%lld).", (long long)e->idx, (long long)r->head);
	if ((ret = tree_leaf(&leaf, e->data.p, e->data.n)) < 0)
		return ret;
	if (memcmp(leaf.b, e->leaf, sizeof leaf.b) != 0)
		return WRONG(r, "Entry %lld is not what was hashed.",
		    (long long)e->idx);
	if ((ret = fsck_parse_entry(r, e, &v)) < 0)
		return ret;
	if ((ret = fsck_columns(r, e, &v)) < 0)
		return ret;
	if ((ret = fsck_odd(r, e, &v)) < 0 ||
	    (ret = fsck_link(r, e, &v)) < 0 ||
	    (ret = fsck_chain(r, e, &v)) < 0 ||
	    (ret = fsck_leaf_tile(r, e)) < 0)
		return ret;
	r->f.at++;
	r->f.checked++;
	return CAMCA_OK;
}

/* Each entry continues one of its device, and the numbers of the devices'
 * newest ones add up to all entries: so each entry is in one chain, which has
 * no branch and no gap. What waits in the outbox goes on where the log ends. */
static int
fsck_sums(struct fsck_run *r)
{
	struct outbox_state o;
	int64_t sum, rows;
	int ret;

	if ((ret = store_log_device_sum(r->tx, &sum)) < 0 ||
	    (ret = store_outbox_state(r->tx, &o)) < 0 ||
	    (ret = store_outbox_rows(r->tx, &rows)) < 0)
		return ret;
	if (sum != r->head)
		return WRONG(r, "The chains of all devices have %lld entries, "
		    "the log has %lld.", (long long)sum, (long long)r->head);
	if (rows != o.given - r->head || (rows != 0 &&
	    (o.first != r->head + 1 || o.last != o.given)))
		return WRONG(r, "%lld events were recorded, the log has %lld, "
		    "and %lld of the numbers %lld to %lld wait for it: some "
		    "are missing.", (long long)o.given, (long long)r->head,
		    (long long)rows, (long long)o.first, (long long)o.last);
	return CAMCA_OK;
}

int
fsck_entries(struct fsck_run *r)
{
	int ret;

	r->tile_n = -1;
	ret = store_log_entry_list(r->tx, r->f.at, FSCK_ENTRY_STEP,
	    fsck_entry, r);
	store_blob_free(&r->tile);
	if (ret < 0 || r->f.checked == FSCK_ENTRY_STEP)
		return ret;
	if (r->f.at != r->head)
		return WRONG(r, "Entry %lld is missing.", (long long)r->f.at);
	if ((ret = fsck_sums(r)) < 0)
		return ret;
	r->f.size = r->head;
	r->f.at = 0;
	r->f.phase = FSCK_DEVICES;
	return CAMCA_OK;
}

/* ---- devices ---- */

static int
fsck_device(const struct log_device_row *d, void *arg)
{
	struct fsck_run *r = arg;
	struct log_entry_row e;
	struct event_view v;
	int ret = store_log_entry_get(r->tx, d->last, &e);

	if (ret < 0)
		return ret == CAMCA_ENOENT ? WRONG(r, "The newest entry of "
		    "device %s, %lld, is missing.", d->device,
		    (long long)d->last) : ret;
	ret = fsck_parse_entry(r, &e, &v);
	if (ret == CAMCA_OK && (v.device.n != strlen(d->device) ||
	    memcmp(v.device.p, d->device, v.device.n) != 0 ||
	    v.dev_seq != d->n))
		ret = WRONG(r, "Entry %lld is not number %lld of device %s.",
		    (long long)d->last, (long long)d->n, d->device);
	store_log_entry_free(&e);
	snprintf(r->f.device, sizeof r->f.device, "%s", d->device);
	r->f.checked++;
	return ret;
}

int
fsck_devices(struct fsck_run *r)
{
	char after[STORE_ID_MAX];
	int ret;

	memcpy(after, r->f.device, sizeof after);
	ret = store_log_device_list(r->tx, after, FSCK_DEVICE_STEP,
	    fsck_device, r);
	if (ret < 0 || r->f.checked == FSCK_DEVICE_STEP)
		return ret;
	r->f.device[0] = '\0';
	r->f.phase = FSCK_TILES;
	return CAMCA_OK;
}
