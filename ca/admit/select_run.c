/* SPDX-License-Identifier: Apache-2.0 */
/* What a selector selects now. The narrowest way in is taken (serials, devices,
 * products, sites, a level's sites, everything), then each device found is held
 * against all the terms: the way in decides nothing but the time it takes. */
#include "ca/admit/select_int.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"

void
selection_free(struct selection *s)
{
	size_t i;

	for (i = 0; i < s->ndevices; i++)
		free(s->devices[i].id);
	for (i = 0; i < s->nrules; i++)
		free(s->rules[i]);
	free(s->devices);
	free(s->certs);
	free(s->sites);
	free(s->rules);
	memset(s, 0, sizeof *s);
}

/* ---- what the terms refer to ---- */

static int
select_site_row(const struct site_row *r, void *arg)
{
	struct select *x = arg;
	struct selection *o = x->out;
	void *grown = select_grow(o->sites, o->nsites, &x->site_cap,
	    sizeof *o->sites);

	if (grown == NULL)
		return CAMCA_ENOMEM;
	o->sites = grown;
	o->sites[o->nsites++] = *r;
	return 0;
}

static int
select_issuer_row(const struct issuer_row *r, void *arg)
{
	struct select *x = arg;
	char ski[2 * sizeof r->ski + 1];

	enc_hex(ski, r->ski, sizeof r->ski);
	if (strcmp(x->s->issuer, r->name) != 0 &&
	    strcasecmp(x->s->issuer, ski) != 0)
		return 0;
	if (x->nissuers == SELECT_ISSUERS_MAX)
		return CAMCA_ELIMIT;
	x->issuers[x->nissuers++] = r->id;
	return 0;
}

/* A name that is mistyped must not select nothing, quietly. */
static int
select_refer(struct select *x)
{
	const struct selector *s = x->s;
	size_t i;
	int ret;

	ret = store_site_list(x->tx, "", INT64_MAX, select_site_row, x);
	if (ret < 0)
		return ret;
	for (i = 0; i < s->sites.n; i++)
		if (select_site(x->out, s->sites.v[i]) == NULL)
			return refuse(x->why, CAMCA_ENOENT, 404,
			    "site.unknown", "There is no site '%s'.",
			    s->sites.v[i]);
	if (s->issuer[0] == '\0')
		return CAMCA_OK;
	ret = store_issuer_list(x->tx, select_issuer_row, x);
	if (ret == CAMCA_OK && x->nissuers == 0)
		return refuse(x->why, CAMCA_ENOENT, 404, "ca.unknown",
		    "There is no issuer '%s'.", s->issuer);
	return ret;
}

/* ---- devices ---- */

static int
select_add(struct select *x, const struct device_pick *p,
    const struct site_row *site, enum match m, const char *rule)
{
	struct selection *o = x->out;
	struct select_device *d;
	void *grown;

	if (rule == NULL)
		return CAMCA_ENOMEM;
	if (o->ndevices == SELECT_DEVICES_MAX)
		return refuse(x->why, CAMCA_ELIMIT, 413, "revoke.too-many",
		    "More than %d devices match: select them in parts, by "
		    "site for one.", SELECT_DEVICES_MAX);
	grown = select_grow(o->devices, o->ndevices, &x->dev_cap,
	    sizeof *o->devices);
	if (grown == NULL)
		return CAMCA_ENOMEM;
	o->devices = grown;
	d = &o->devices[o->ndevices];
	*d = (struct select_device){ .pk = p->pk, .id = strdup(p->id),
	    .site = site != NULL ? site->id : "", .place = (int)p->place,
	    .level = site != NULL ? (int)site->level : 0, .rule = rule,
	    .from = { (enum device_state)p->state,
	    (enum device_restriction)p->restriction },
	    .verdict = m == MATCH_MAYBE ? REV_UNDETERMINED : REV_CHANGES };
	d->to = d->from;
	if (d->id == NULL)
		return CAMCA_ENOMEM;
	o->ndevices++;
	return CAMCA_OK;
}

/* The verdict on the product into x->product_match and x->product_rule. */
static enum match
select_judge(struct select *x, const char *manufacturer, const char *model,
    const char *firmware)
{
	struct product_row *p = &x->product;

	if (x->judged && strcmp(p->manufacturer, manufacturer) == 0 &&
	    strcmp(p->model, model) == 0 && strcmp(p->firmware, firmware) == 0)
		return x->product_match;
	snprintf(p->manufacturer, sizeof p->manufacturer, "%s", manufacturer);
	snprintf(p->model, sizeof p->model, "%s", model);
	snprintf(p->firmware, sizeof p->firmware, "%s", firmware);
	x->product_rule.n = 0;
	x->product_rule.text[0] = '\0';
	x->product_match = match_product(x, manufacturer, model, firmware,
	    &x->product_rule);
	x->judged = true;
	return x->product_match;
}

static int
select_consider(const struct device_pick *p, void *arg)
{
	struct select *x = arg;
	const struct site_row *site = select_site(x->out, p->site);
	struct rule r;
	enum match m;

	if (site == NULL)
		return CAMCA_EDB;
	m = select_judge(x, p->manufacturer, p->model, p->firmware);
	if (m == MATCH_NO)
		return 0;
	r.n = x->product_rule.n;
	memcpy(r.text, x->product_rule.text, r.n + 1);
	if (!match_place(x, p, site, &r))
		return 0;
	match_cert_rule(x, &r);
	return select_add(x, p, site, m, rule_keep(x, r.text));
}

static int
select_product(const struct product_row *p, void *arg)
{
	struct select *x = arg;

	if (select_judge(x, p->manufacturer, p->model, p->firmware) ==
	    MATCH_NO)
		return 0;
	return store_pick_product(x->tx, p, select_consider, x);
}

static int
select_ids(struct select *x)
{
	struct device_pick p;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < x->s->devices.n && ret == CAMCA_OK; i++) {
		ret = store_pick_id(x->tx, x->s->devices.v[i], &p);
		if (ret == CAMCA_ENOENT)
			return refuse(x->why, ret, 404, "device.unknown",
			    "There is no device '%s'.", x->s->devices.v[i]);
		if (ret == CAMCA_OK)
			ret = select_consider(&p, x);
	}
	return ret;
}

static int
select_sites(struct select *x)
{
	const struct selection *o = x->out;
	const struct selector *s = x->s;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < s->sites.n && ret == CAMCA_OK; i++)
		ret = store_pick_site(x->tx, s->sites.v[i], select_consider,
		    x);
	for (i = 0; s->sites.n == 0 && i < o->nsites && ret == CAMCA_OK; i++)
		if (o->sites[i].level == s->level)
			ret = store_pick_site(x->tx, o->sites[i].id,
			    select_consider, x);
	return ret;
}

/* ---- devices by their certificates ---- */

/* Remembers the device, or takes a certificate of the authority's own. */
static int
select_found(const struct cert_pick *c, void *arg)
{
	struct select *x = arg;
	void *grown;

	if (!match_cert(x, c) || (x->npks > 0 &&
	    x->pks[x->npks - 1] == c->device))
		return 0;
	grown = select_grow(x->pks, x->npks, &x->pk_cap, sizeof *x->pks);
	if (grown == NULL)
		return CAMCA_ENOMEM;
	x->pks = grown;
	x->pks[x->npks++] = c->device;
	return 0;
}

static int
select_serials(struct select *x)
{
	uint8_t serial[STORE_SERIAL_LEN];
	struct cert_pick c;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < x->s->serials.n && ret == CAMCA_OK; i++) {
		if (dec_hex(serial, sizeof serial, x->s->serials.v[i]) < 0)
			return CAMCA_EINVAL;
		ret = store_cert_pick_serial(x->tx, serial, &c);
		if (ret == CAMCA_ENOENT)
			return refuse(x->why, ret, 404, "cert.unknown",
			    "No certificate with serial %s was issued here.",
			    x->s->serials.v[i]);
		if (ret == CAMCA_OK)
			ret = select_found(&c, x);
	}
	return ret;
}

static int
select_made(struct select *x)
{
	int64_t to = x->s->to_ms != 0 ? x->s->to_ms : INT64_MAX;
	size_t i = 0;
	int ret;

	do {
		ret = store_cert_pick_made(x->tx, x->nissuers > 0 ?
		    x->issuers[i] : 0, x->s->from_ms, to, x->now,
		    select_found, x);
	} while (ret == CAMCA_OK && ++i < x->nissuers);
	return ret;
}

static int
pk_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool
select_by_device(const struct selector *s)
{
	return s->devices.n > 0 || s->manufacturers.n > 0 ||
	    s->models.n > 0 || s->by_firmware || s->sites.n > 0 ||
	    s->level != 0 || s->place >= 0;
}

/* Certificates that belong to no device: the gate's, a signer's. */
static int
select_own(struct select *x)
{
	static const struct device_pick none = { .id = "-",
	    .state = DEVICE_ENROLLED };
	struct rule r = { .n = 0 };

	if (select_by_device(x->s))
		return CAMCA_OK;
	rule_add(&r, "of the authority itself");
	match_cert_rule(x, &r);
	return select_add(x, &none, NULL, MATCH_YES, rule_keep(x, r.text));
}

static int
select_owners(struct select *x)
{
	struct device_pick p;
	int64_t last = -1;
	size_t i;
	int ret = CAMCA_OK;

	if (x->npks > 0)
		qsort(x->pks, x->npks, sizeof *x->pks, pk_compare);
	for (i = 0; i < x->npks && ret == CAMCA_OK; i++) {
		if (x->pks[i] == last)
			continue;
		last = x->pks[i];
		if (last == 0) {
			ret = select_own(x);
			continue;
		}
		ret = store_pick_pk(x->tx, last, &p);
		if (ret == CAMCA_OK)
			ret = select_consider(&p, x);
	}
	return ret;
}

static int
select_devices(struct select *x)
{
	const struct selector *s = x->s;
	int ret;

	if (s->serials.n > 0)
		ret = select_serials(x);
	else if (s->devices.n > 0)
		return select_ids(x);
	else if (s->sites.n == 0 && (s->manufacturers.n > 0 ||
	    s->models.n > 0 || s->by_firmware))
		return store_product_list(x->tx, select_product, x);
	else if (s->sites.n > 0 || s->level != 0)
		return select_sites(x);
	else if (s->place >= 0)
		return store_pick_all(x->tx, select_consider, x);
	else
		ret = select_made(x);
	return ret < 0 ? ret : select_owners(x);
}

/* ---- what the action would do to each ---- */

struct select_certs {
	struct select *x;
	struct select_device *d;
	bool standing_refused;         /* no action on this device's state */
	bool changes;
	size_t good_lost, good_left;
};

static int
select_cert_row(const struct cert_pick *c, void *arg)
{
	struct select_certs *k = arg;
	struct select *x = k->x;
	struct selection *o = x->out;
	struct select_cert *sc;
	void *grown;

	if (!match_cert(x, c)) {
		k->good_left += c->status == CERT_GOOD;
		return 0;
	}
	grown = select_grow(o->certs, o->ncerts, &x->cert_cap,
	    sizeof *o->certs);
	if (grown == NULL)
		return CAMCA_ENOMEM;
	o->certs = grown;
	sc = &o->certs[o->ncerts++];
	*sc = (struct select_cert){ .pick = *c };
	sc->changes = !k->standing_refused &&
	    cert_action(x->act->action, x->act->crl_reason,
	    (enum cert_status)c->status, c->reason, &sc->to);
	k->d->ncerts++;
	k->changes |= sc->changes;
	if (c->status == CERT_GOOD && (!sc->changes || sc->to == CERT_GOOD))
		k->good_left++;
	else if (c->status == CERT_GOOD)
		k->good_lost++;
	return 0;
}

static int
select_own_row(const struct cert_pick *c, void *arg)
{
	struct select_certs *k = arg;

	return c->device == 0 && c->not_after_ms > k->x->now ?
	    select_cert_row(c, arg) : 0;
}

/* Those of no device have no index: they are few, and seldom asked for. */
static int
select_own_certs(struct select *x, struct select_certs *k)
{
	uint8_t serial[STORE_SERIAL_LEN];
	struct cert_pick c;
	size_t i;
	int ret = CAMCA_OK;

	if (x->s->serials.n == 0)
		return store_cert_pick_made(x->tx, 0, x->s->from_ms,
		    x->s->to_ms != 0 ? x->s->to_ms : INT64_MAX, x->now,
		    select_own_row, k);
	for (i = 0; i < x->s->serials.n && ret == CAMCA_OK; i++) {
		if (dec_hex(serial, sizeof serial, x->s->serials.v[i]) < 0)
			return CAMCA_EINVAL;
		ret = store_cert_pick_serial(x->tx, serial, &c);
		if (ret == CAMCA_OK)
			ret = select_own_row(&c, k);
	}
	return ret;
}

/* A certificate alone is released only where its device is in service: else
 * the one would contradict the other. */
static bool
select_refused(const struct select *x, const struct select_device *d,
    enum device_effect e)
{
	if (selector_by_cert(x->s))
		return x->act->action == ACTION_RELEASE &&
		    d->from.state != DEVICE_ENROLLED;
	/* What was revoked can still be revoked for a worse reason. */
	return e == EFFECT_REFUSED && x->act->action != ACTION_REVOKE;
}

static int
select_unchanged(struct select *x, struct select_device *d,
    enum device_effect e)
{
	struct rule r = { .n = 0 };

	d->verdict = REV_UNCHANGED;
	d->to = d->from;
	rule_add(&r, "%s", d->rule);
	if (selector_by_cert(x->s) && d->ncerts == 0)
		rule_add(&r, "no certificate in force matches");
	else if (selector_by_cert(x->s) && e != EFFECT_REFUSED)
		rule_add(&r, "it is so already");
	else if (e == EFFECT_REFUSED)
		rule_add(&r, "cannot %s: the device is %s",
		    device_action_name(x->act->action),
		    device_state_name(d->from.state));
	else
		rule_add(&r, "it is so already: %s%s%s",
		    device_state_name(d->from.state),
		    d->from.restriction != RESTRICT_NONE ? ", " : "",
		    d->from.restriction != RESTRICT_NONE ?
		    device_restriction_name(d->from.restriction) : "");
	d->rule = rule_keep(x, r.text);
	return d->rule != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
select_effect(struct select *x, struct select_device *d)
{
	struct select_certs k = { .x = x, .d = d };
	enum device_effect e = EFFECT_NONE;
	bool had_cert = true;
	size_t i;
	int ret;

	d->certs = x->out->ncerts;
	if (!selector_by_cert(x->s)) {
		if (x->act->action == ACTION_RELEASE &&
		    d->from.state == DEVICE_HELD && (ret = store_cert_any(
		    x->tx, d->pk, &had_cert)) < 0)
			return ret;
		e = device_action(x->act->action, &d->from, had_cert, &d->to);
	}
	k.standing_refused = select_refused(x, d, e);
	ret = d->pk != 0 ? store_cert_pick_device(x->tx, d->pk, x->now,
	    select_cert_row, &k) : select_own_certs(x, &k);
	if (ret < 0)
		return ret;
	if (d->verdict == REV_UNDETERMINED) {
		/* Shown, never touched. */
		d->to = d->from;
		for (i = d->certs; i < x->out->ncerts; i++)
			x->out->certs[i].changes = false;
		return CAMCA_OK;
	}
	d->loses_service = k.good_lost > 0 && k.good_left == 0;
	d->keeps_service = k.good_left > 0 && k.changes &&
	    x->act->action != ACTION_RELEASE;
	if (e == EFFECT_CHANGES || k.changes)
		return CAMCA_OK;
	return select_unchanged(x, d, k.standing_refused ? EFFECT_REFUSED : e);
}

/* A device found by its terms whose certificates the other terms exclude was
 * not meant; one that was named by a serial is shown. */
static bool
select_keeps(const struct select *x, const struct select_device *d)
{
	return !selector_by_cert(x->s) || d->ncerts > 0 ||
	    x->s->serials.n > 0;
}

static int
select_device_compare(const void *a, const void *b)
{
	return pk_compare(&((const struct select_device *)a)->pk,
	    &((const struct select_device *)b)->pk);
}

static int
select_effects(struct select *x)
{
	struct selection *o = x->out;
	size_t i, n = 0, all = o->ndevices;
	int ret = CAMCA_OK;

	if (all > 0)
		qsort(o->devices, all, sizeof *o->devices,
		    select_device_compare);
	for (i = 0; i < all && ret == CAMCA_OK; i++) {
		ret = select_effect(x, &o->devices[i]);
		if (ret == CAMCA_OK && !select_keeps(x, &o->devices[i]))
			free(o->devices[i].id);
		else
			o->devices[n++] = o->devices[i];
	}
	/* After a failure those behind still have to be freed. */
	while (i < all)
		o->devices[n++] = o->devices[i++];
	o->ndevices = n;
	return ret;
}

/* ---- the world ---- */

static int
world_certs(EVP_MD_CTX *md, const struct selection *o,
    const struct select_device *d)
{
	size_t i;
	/* One that has renewed meanwhile would stay in service unnoticed. */
	int64_t facts[4] = { d->loses_service, d->keeps_service };

	if (EVP_DigestUpdate(md, facts, sizeof facts) != 1)
		return CAMCA_ECRYPTO;
	for (i = d->certs; i < d->certs + d->ncerts; i++) {
		facts[0] = o->certs[i].pick.id;
		facts[1] = o->certs[i].pick.status;
		facts[2] = o->certs[i].pick.reason;
		facts[3] = o->certs[i].changes;
		if (EVP_DigestUpdate(md, facts, sizeof facts) != 1)
			return CAMCA_ECRYPTO;
	}
	return CAMCA_OK;
}

static int
select_world(struct selection *o, bool by_cert)
{
	AUTO(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	const struct select_device *d;
	size_t i;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return CAMCA_ENOMEM;
	for (i = 0; i < o->ndevices; i++) {
		d = &o->devices[i];
		const int64_t facts[] = { d->pk, (int64_t)d->verdict,
		    (int64_t)d->from.state, (int64_t)d->from.restriction,
		    d->level, d->place };

		if (EVP_DigestUpdate(md, facts, sizeof facts) != 1 ||
		    EVP_DigestUpdate(md, d->site, strlen(d->site) + 1) != 1)
			return CAMCA_ECRYPTO;
		if (by_cert && world_certs(md, o, d) < 0)
			return CAMCA_ECRYPTO;
	}
	return EVP_DigestFinal_ex(md, o->world, NULL) == 1 ? CAMCA_OK :
	    CAMCA_ECRYPTO;
}

int
select_run(struct tx *tx, const struct selector *s,
    const struct select_action *act, int64_t now_ms, struct selection *out,
    struct refusal *why)
{
	struct select x = { .tx = tx, .s = s, .act = act, .now = now_ms,
	    .out = out, .why = why };
	struct buf range;
	int ret = CAMCA_OK;

	memset(out, 0, sizeof *out);
	buf_init(&range, 0);
	if (s->by_firmware)
		ret = firmware_range_text(&s->firmware, &range);
	if (ret == CAMCA_OK) {
		snprintf(x.range, sizeof x.range, "%s", buf_str(&range));
		ret = select_refer(&x);
	}
	if (ret == CAMCA_OK)
		ret = select_devices(&x);
	if (ret == CAMCA_OK)
		ret = select_effects(&x);
	if (ret == CAMCA_OK)
		ret = select_world(out, selector_by_cert(s));
	free(x.pks);
	buf_fini(&range);
	return ret;
}
