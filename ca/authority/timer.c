/* SPDX-License-Identifier: Apache-2.0 */
/* What the clock brings about: superseded certificates, expired queue entries,
 * the stored time mark. */
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/base/log.h"
#include "ca/status/change.h"

#define TICK_BATCH 256

struct tick {
	struct authority *a;
	struct tx *tx;
	struct policies *pol;
	struct ca_set *cas;
	int64_t now;
	struct cert_row rows[TICK_BATCH];
	struct pending_row waiting[TICK_BATCH];
	size_t n;
};

/* Is it time? The old one goes only when the new one has been used for a while
 * (H9). The list has all that were ever replaced, also of profiles that let the
 * old ones run out: those must not fill the batch. */
static int
tick_superseded_row(const struct cert_row *r, void *arg)
{
	struct tick *t = arg;
	const struct profile *p = profile_by_name(&t->pol->profiles,
	    r->profile);
	int64_t seen = 0;
	int ret;

	if (p == NULL || p->supersede_after_ms == 0 ||
	    r->not_after_ms <= t->now)
		return 0;
	if ((ret = store_cert_seen_at(t->tx, r->replaced_by, &seen)) < 0)
		return ret;
	if (seen == 0 || seen + p->supersede_after_ms > t->now)
		return 0;
	t->rows[t->n++] = *r;
	return t->n == TICK_BATCH;
}

/* Reads only: it may be a long list, and the writer has other work. */
static int
tick_look_tx(struct tx *tx, void *arg)
{
	struct tick *t = arg;
	int ret;

	t->tx = tx;
	t->n = 0;
	ret = store_cert_superseded_list(tx, t->now, INT64_MAX,
	    tick_superseded_row, t);
	return ret < 0 ? ret : CAMCA_OK;
}

static int
tick_supersede(struct tick *t, const struct cert_row *r)
{
	static const struct status_to superseded = { CERT_REVOKED, 4, 0 };
	const struct ca *ca = ca_by_id(t->cas, r->issuer);
	struct cert_row by = { 0 };
	struct device_row d;
	struct event e;
	int64_t seq = 0;
	int ret;

	ret = status_change(t->tx, r, &superseded, t->now, &seq, NULL);
	if (ret == CAMCA_ECONFLICT)
		return CAMCA_OK;             /* revoked meanwhile */
	if (ret < 0 ||
	    (ret = store_device_by_pk(t->tx, r->device, &d)) < 0 ||
	    (ret = store_cert_by_id(t->tx, r->replaced_by, &by)) < 0)
		return ret;
	event_init(&e, &t->a->events, "cert.superseded", d.id, "camcad");
	event_add_hex(&e, "serial", r->serial, sizeof r->serial);
	if (ca != NULL)
		event_add_hex(&e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	event_add_hex(&e, "replaced-by", by.serial, sizeof by.serial);
	event_add(&e, "rev-seq", "%lld", (long long)seq);
	return event_put(t->tx, &e);
}

static int
tick_certs_tx(struct tx *tx, void *arg)
{
	struct tick *t = arg;
	size_t i;
	int ret = CAMCA_OK;

	t->tx = tx;
	for (i = 0; ret == CAMCA_OK && i < t->n; i++)
		ret = tick_supersede(t, &t->rows[i]);
	return ret;
}

static int
tick_certs(struct tick *t)
{
	int ret = store_tx(t->a->store, DB_READ, tick_look_tx, t);

	if (ret == CAMCA_OK && t->n > 0)
		ret = store_tx(t->a->store, DB_WRITE, tick_certs_tx, t);
	return ret;
}

static int
tick_waiting_row(const struct pending_row *r, void *arg)
{
	struct tick *t = arg;

	if (r->expires_ms > t->now)
		return 0;
	if (t->n == TICK_BATCH)
		return 1;
	t->waiting[t->n++] = *r;
	return 0;
}

static int
tick_expire(struct tick *t, const struct pending_row *r)
{
	struct device_row d;
	struct event e;
	int ret;

	if ((ret = store_device_by_pk(t->tx, r->device, &d)) < 0 ||
	    (ret = store_pending_move(t->tx, r->id,
	    (enum pending_state)r->state, PENDING_EXPIRED, t->now, "camcad",
	    "")) < 0)
		return ret;
	event_init(&e, &t->a->events, "enroll.expired", d.id, "camcad");
	event_add(&e, "label", "%s", r->label[0] != '\0' ? r->label : "-");
	event_add_hex(&e, "spki", r->spki, sizeof r->spki);
	return event_put(t->tx, &e);
}

static int
tick_pending_tx(struct tx *tx, void *arg)
{
	static const int open[] = { PENDING_WAITING, PENDING_APPROVED };
	struct tick *t = arg;
	size_t i, k;
	int ret;

	t->tx = tx;
	t->n = 0;
	for (k = 0; k < 2; k++) {
		ret = store_pending_list(tx, open[k], 0, INT64_MAX,
		    tick_waiting_row, t);
		if (ret < 0)
			return ret;
	}
	for (ret = 0, i = 0; ret >= 0 && i < t->n; i++)
		ret = tick_expire(t, &t->waiting[i]);
	return ret;
}

static bool
tick_any_supersede(const struct policies *p)
{
	size_t i;

	for (i = 0; i < p->profiles.n; i++)
		if (p->profiles.list[i].supersede_after_ms > 0)
			return true;
	return false;
}

void
authority_tick(struct authority *a)
{
	struct tick *t = calloc(1, sizeof *t);
	int ret;

	if (t == NULL)
		return;
	authority_refusals_flush(a);
	t->a = a;
	t->pol = authority_policies(a);
	t->cas = authority_cas(a);
	ret = authority_now(a, &t->now, NULL);
	if (ret == CAMCA_OK)
		ret = store_tx(a->store, DB_WRITE, tick_pending_tx, t);
	if (ret == CAMCA_OK && tick_any_supersede(t->pol))
		ret = tick_certs(t);
	if (ret == CAMCA_OK)
		ret = jobs_tick(a, t->pol, t->now);
	if (ret == CAMCA_OK)
		ret = clock_store(a);
	if (ret < 0)
		log_msg(LOG_WARN, "timer", "work of this minute failed: %s",
		    camca_strerror(ret));
	authority_cas_put(a, t->cas);
	authority_policies_put(a, t->pol);
	free(t);
}
