/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/chains.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/custody/event.h"
#include "ca/store/store_log_sign.h"

#define CHAINS_STEP 2048
#define CHAINS_LINES (STORE_ID_MAX + 64)

static int
chains_wrong(struct refusal *why, const char *device, int64_t idx,
    const char *what)
{
	return refuse(why, CAMCA_EPOLICY, 500, "custody.chain", "Device %s: "
	    "entry %" PRId64 " %s. Somebody changed the table log_device "
	    "behind our back: put its row back as it was.", device, idx, what);
}

int
chains_row(struct tx *tx, const char *device, int64_t dev_seq, int64_t last,
    struct refusal *why)
{
	struct log_entry_row e;
	char lines[CHAINS_LINES];
	int n, ret = store_log_entry_get(tx, last, &e);

	if (ret == CAMCA_ENOENT)
		return chains_wrong(why, device, last, "is said to be its "
		    "newest one, and does not exist");
	if (ret < 0)
		return ret;
	/* In this order and nowhere else in an event (docs/EVENTS.md). */
	n = snprintf(lines, sizeof lines, "\ndevice %s\ndev-seq %" PRId64 "\n",
	    device, dev_seq);
	if (memmem(e.data.p, e.data.n, lines, (size_t)n) == NULL)
		ret = chains_wrong(why, device, last, "is said to be its "
		    "newest one, and is not what is said of it");
	store_log_entry_free(&e);
	return ret;
}

int
chains_entry(struct tx *tx, const struct log_entry_row *e, const char *device,
    int64_t dev_seq, struct refusal *why)
{
	int64_t n, last;
	int ret = store_log_device(tx, device, &n, &last);

	if (ret == CAMCA_ENOENT)
		return chains_wrong(why, device, e->idx, "is its own, and no "
		    "chain is known");
	if (ret < 0)
		return ret;
	if (last < e->idx)
		return chains_wrong(why, device, e->idx, "is a later one than "
		    "that where its chain is said to end");
	if (last == e->idx && n != dev_seq)
		return chains_wrong(why, device, e->idx, "is its newest one, "
		    "with another number than is said");
	return CAMCA_OK;
}

int
chains_off(struct tx *tx, int64_t *out)
{
	int64_t size, sum;
	int ret = store_log_size(tx, &size);

	if (ret == CAMCA_OK)
		ret = store_log_device_sum(tx, &sum);
	if (ret == CAMCA_OK)
		*out = size - sum;
	return ret;
}

/* ---- all entries ---- */

struct chains_step {
	struct tx *tx;
	int64_t at, from;
	bool done;
	struct refusal why;
};

static int
chains_step_entry(const struct log_entry_row *e, void *arg)
{
	struct chains_step *s = arg;
	char device[STORE_ID_MAX];
	struct event_view v;
	int ret = event_parse(&v, e->data.p, e->data.n, NULL);

	s->at = e->idx;
	if (ret == CAMCA_ENOMEM)
		return ret;
	/* What is no event at all is for custody.fsck to say. */
	if (ret == CAMCA_OK && v.device.n < sizeof device) {
		snprintf(device, sizeof device, "%.*s", (int)v.device.n,
		    v.device.p);
		ret = chains_entry(s->tx, e, device, v.dev_seq, &s->why);
		if (ret < 0)
			return ret;
	}
	s->at = e->idx + 1;
	return CAMCA_OK;
}

static int
chains_step_tx(struct tx *tx, void *arg)
{
	struct chains_step *s = arg;
	int ret;

	s->tx = tx;
	s->at = s->from;
	s->why = (struct refusal){ 0 };
	ret = store_log_entry_list(tx, s->from, CHAINS_STEP,
	    chains_step_entry, s);
	s->done = s->at < s->from + CHAINS_STEP;
	return ret;
}

int
chains_walk(struct store *store, int64_t *at, bool *done_out,
    struct refusal *why)
{
	struct chains_step s = { .from = *at };
	int ret = store_tx(store, DB_READ, chains_step_tx, &s);

	if (ret < 0 && why != NULL && s.why.http != 0)
		*why = s.why;
	if (ret == CAMCA_OK || ret == CAMCA_EPOLICY)
		*at = s.at;
	*done_out = ret == CAMCA_OK && s.done;
	return ret < 0 ? refuse_default(why, ret) : CAMCA_OK;
}
