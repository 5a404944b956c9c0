/* SPDX-License-Identifier: Apache-2.0 */
/* The EST operations (RFC 7030) as camcad sees them. */
#include <openssl/evp.h>
#include <string.h>

#include "ca/authority/custody.h"
#include "ca/authority/est.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

static const char *const layouts[] = { "auto", "wrap", "flat" };

/* The profile of a label whose issuing CA exists; NULL with why. */
static const struct profile *
est_profile(struct op_call *c, const struct policies *pol,
    const struct ca_set *cas)
{
	const char *label = arg_text(c, "label");
	const struct profile *p = profile_by_label(&pol->profiles, label);

	if (p != NULL && ca_active(cas, p->issuer) != NULL)
		return p;
	refuse(&c->why, CAMCA_ENOENT, 404, "est.no-such-label",
	    "There is no EST label '%s' here.", label);
	return NULL;
}

static int
est_cacerts_answer(struct op_call *c, const struct profile *p,
    const struct ca_set *cas)
{
	uint8_t hash[32];
	struct buf bag;
	int64_t now;
	int ret;

	if ((ret = authority_now(c->a, &now, &c->why)) < 0)
		return ret;
	buf_init(&bag, 0);
	ret = ca_bag(cas, p->issuer, now, &bag);
	if (ret == CAMCA_OK && EVP_Digest(bag.data, bag.len, hash, NULL,
	    EVP_sha256(), NULL) != 1)
		ret = CAMCA_ECRYPTO;
	if (ret == CAMCA_OK) {
		c->result = json_pack("{s:s, s:b}", "base64",
		    layouts[p->base64], "cte", p->cte_header);
		json_set_base64(c->result, "der", bag.data, bag.len);
		json_set_hex(c->result, "etag", hash, 16);
	}
	buf_fini(&bag);
	return ret;
}

int
op_est_cacerts(struct op_call *c)
{
	struct policies *pol = authority_policies(c->a);
	struct ca_set *cas = authority_cas(c->a);
	const struct profile *p = est_profile(c, pol, cas);
	int ret = p != NULL ? est_cacerts_answer(c, p, cas) : CAMCA_ENOENT;

	authority_cas_put(c->a, cas);
	authority_policies_put(c->a, pol);
	return ret;
}

int
op_est_csrattrs(struct op_call *c)
{
	struct policies *pol = authority_policies(c->a);
	struct ca_set *cas = authority_cas(c->a);
	const struct profile *p = est_profile(c, pol, cas);
	struct buf der;
	int ret = CAMCA_ENOENT;

	buf_init(&der, 0);
	if (p != NULL)
		ret = csrattrs_build(p, &der);
	if (ret == CAMCA_OK) {
		c->result = json_pack("{s:s, s:b}", "base64",
		    layouts[p->base64], "cte", p->cte_header);
		if (der.len > 0)
			json_set_base64(c->result, "der", der.data, der.len);
	}
	buf_fini(&der);
	authority_cas_put(c->a, cas);
	authority_policies_put(c->a, pol);
	return ret;
}

/* ---- enroll ---- */

struct enroll_look {
	struct est *x;
	bool approval;
	bool same;
};

static int
enroll_look_tx(struct tx *tx, void *arg)
{
	struct enroll_look *k = arg;
	struct est *x = k->x;
	int ret;

	if ((ret = est_authenticate(tx, x)) < 0)
		return ret;
	if (x->dev.kind != x->profile->kind)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403, "admit.kind",
		    "Device '%s' is a %s: this label is not for it.",
		    x->dev.id, device_kind_name((enum device_kind)x->dev.kind));
	if ((ret = store_site_get(tx, x->dev.site, &x->site)) < 0 ||
	    (ret = admit_check(tx, &x->pol->levels, &x->dev, &x->site,
	    ADMIT_ENROLL, x->by_idevid, x->now, &k->approval,
	    &x->c->why)) < 0)
		return ret;
	ret = est_find_same(tx, x);
	k->same = ret == CAMCA_OK;
	if (ret != CAMCA_ENOENT)
		return ret;
	/* Spent on this key, and nothing to hand out again. */
	return x->have_secret && x->secret_again ?
	    secret_refuse(&x->c->why) : CAMCA_OK;
}

static int
enroll_once(struct est *x)
{
	struct enroll_look k = { .x = x };
	int ret;

	memset(&x->pending, 0, sizeof x->pending);
	ret = store_tx(x->a->store, DB_READ, enroll_look_tx, &k);
	if (ret == CAMCA_EAUTH && x->have_secret &&
	    strncmp(x->c->why.code, "secret.", 7) == 0)
		est_secret_failed(x);
	if (ret < 0)
		return ret;
	if ((ret = est_check_pop(x)) < 0 ||
	    (ret = csr_check_key(&x->csr, x->pol->keys, x->profile,
	    &x->c->why)) < 0)
		return ret;
	if (k.same)
		return est_answer(x, NULL, x->same.der.p, x->same.der.n);
	if ((k.approval || x->profile->approval) && (ret = est_queue(x)) < 0)
		return ret;
	return est_issue(x);
}

static int
enroll_run(struct est *x)
{
	const struct ca *ca;
	int ret;

	x->profile = est_profile(x->c, x->pol, x->cas);
	if (x->profile == NULL)
		return CAMCA_ENOENT;
	if ((ret = est_check_chain(x, &ca)) < 0)
		return ret;
	ret = enroll_once(x);
	/* Somebody was faster with the same secret, queue entry or serial:
	 * look again, once. The same key gets the same certificate. */
	if (ret == CAMCA_ECONFLICT && x->c->why.http == 0)
		ret = enroll_once(x);
	if (ret == CAMCA_ECONFLICT && x->c->why.http == 0)
		ret = secret_refuse(&x->c->why);
	return ret;
}

/* ---- reenroll ---- */

struct reenroll_look {
	struct est *x;
	bool same, early;
};

static int
reenroll_time(struct reenroll_look *k)
{
	struct est *x = k->x;
	const struct profile *p = x->profile;

	if (x->cur_expired && (p->expired_grace_ms == 0 ||
	    x->cur.not_after_ms + p->expired_grace_ms < x->now))
		return refuse(&x->c->why, CAMCA_EAUTH, 403,
		    "reenroll.expired", "The certificate has expired: enroll "
		    "anew.");
	k->early = x->now < x->cur.not_after_ms - p->renew_window_ms;
	if (k->early && p->early == EARLY_REFUSE)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "reenroll.too-early", "The certificate may be renewed in "
		    "its last %lld hours only.",
		    (long long)(p->renew_window_ms / 3600000));
	return CAMCA_OK;
}

static int
reenroll_profile(struct est *x)
{
	x->profile = profile_by_name(&x->pol->profiles, x->cur.profile);
	if (x->profile == NULL)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "reenroll.profile", "Profile '%s' of the certificate is "
		    "not in force any more.", x->cur.profile);
	if (x->label[0] != '\0' && strcmp(x->label, x->profile->label) != 0)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403, "reenroll.label",
		    "The certificate was issued under another label.");
	return CAMCA_OK;
}

/* A replaced certificate may try again while its successor has not been seen:
 * a camera that lost power between answer and flash has only the old one. */
static int
reenroll_replaced(struct tx *tx, struct est *x)
{
	int64_t seen = 0;
	int ret;

	if (x->cur.replaced_by == 0)
		return CAMCA_OK;
	ret = store_cert_seen_at(tx, x->cur.replaced_by, &seen);
	if (ret == CAMCA_OK && seen != 0)
		return refuse(&x->c->why, CAMCA_EAUTH, 403,
		    "reenroll.replaced", "The certificate was replaced, and "
		    "its successor is in use.");
	return ret;
}

static int
reenroll_look_tx(struct tx *tx, void *arg)
{
	struct reenroll_look *k = arg;
	struct est *x = k->x;
	bool approval = false;
	int ret;

	if ((ret = est_load_current(tx, x)) < 0 ||
	    (ret = reenroll_profile(x)) < 0)
		return ret;
	if (x->cur.device == 0)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "reenroll.own",
		    "This certificate is not renewed by EST.");
	if ((ret = store_device_by_pk(tx, x->cur.device, &x->dev)) < 0 ||
	    (ret = store_site_get(tx, x->dev.site, &x->site)) < 0 ||
	    (ret = reenroll_replaced(tx, x)) < 0 ||
	    (ret = admit_check(tx, &x->pol->levels, &x->dev, &x->site,
	    ADMIT_RENEW, x->by_idevid, x->now, &approval, &x->c->why)) < 0 ||
	    (ret = reenroll_time(k)) < 0)
		return ret;
	ret = est_find_same(tx, x);
	k->same = ret == CAMCA_OK;
	if (ret != CAMCA_ENOENT)
		return ret;
	return x->have_secret && x->secret_again ?
	    secret_refuse(&x->c->why) : CAMCA_OK;
}

static int
reenroll_identity(struct est *x)
{
	if (x->csr.change_subject && !x->profile->change_subject)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "reenroll.change-subject", "ChangeSubjectName is not "
		    "honoured by this profile (RFC 6402 section 2.8).");
	return csr_same_identity(&x->csr, sk_X509_value(x->chain, 0),
	    &x->c->why);
}

static int
reenroll_run(struct est *x)
{
	struct reenroll_look k = { .x = x };
	const struct ca *ca = NULL;
	int ret;

	x->profile = profile_by_label(&x->pol->profiles, x->label);
	if (x->label[0] != '\0' &&
	    est_profile(x->c, x->pol, x->cas) == NULL)
		return CAMCA_ENOENT;
	if (x->chain == NULL && (ret = est_renew_by_secret(x)) < 0)
		return ret;
	if ((ret = est_check_chain(x, &ca)) < 0)
		return ret;
	if (ca == NULL)
		return refuse(&x->c->why, CAMCA_EAUTH, 403,
		    "reenroll.foreign", "The client certificate is not one of "
		    "ours: a factory identity enrolls, it does not renew.");
	if ((ret = store_tx(x->a->store, DB_READ, reenroll_look_tx, &k)) < 0 ||
	    (ret = est_check_pop(x)) < 0 ||
	    (ret = csr_check_key(&x->csr, x->pol->keys, x->profile,
	    &x->c->why)) < 0 ||
	    (ret = reenroll_identity(x)) < 0)
		return ret;
	if (k.same)
		return est_answer(x, NULL, x->same.der.p, x->same.der.n);
	if (k.early)
		return est_answer(x, NULL, x->cur.der.p, x->cur.der.n);
	if (x->profile->rekey_required &&
	    memcmp(x->csr.spki, x->cur.spki, sizeof x->cur.spki) == 0)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "reenroll.rekey", "This profile demands a new key.");
	return est_issue(x);
}

/* ---- both ---- */

static int
est_run(struct op_call *c, bool renew)
{
	const char *name = renew ? "simplereenroll" : "simpleenroll";
	struct est x;
	int ret = est_begin(&x, c, renew);

	if (ret == CAMCA_OK)
		ret = custody_behind(c);
	if (ret == CAMCA_OK)
		ret = renew ? reenroll_run(&x) : enroll_run(&x);
	if (ret < 0 && ret != CAMCA_EPENDING) {
		refuse_default(&c->why, ret);
		log_msg(LOG_NOTE, x.dev.id[0] != '\0' ? x.dev.id : x.remote,
		    "%s refused for %s: %s", name, x.remote, c->why.detail);
		/* What we cannot do for lack of store or HSM is not recorded
		 * there either; it is in the log. */
		if (c->why.http < 500 && x.dev.id[0] == '\0')
			authority_refused_stranger(c->a, renew ?
			    "reenroll.refused" : "enroll.refused",
			    c->caller->actor, name, x.label, &c->why);
		else if (c->why.http < 500)
			authority_refused(c->a, renew ? "reenroll.refused" :
			    "enroll.refused", x.dev.id, c->caller->actor, name,
			    x.label, &c->why);
	}
	est_end(&x);
	return ret;
}

int
op_est_enroll(struct op_call *c)
{
	return est_run(c, false);
}

int
op_est_reenroll(struct op_call *c)
{
	return est_run(c, true);
}

int
op_est_refused(struct op_call *c)
{
	struct refusal why = { .http = (int)arg_int(c, "http", 400) };
	int64_t count = arg_int(c, "count", 1);
	struct event e;

	event_init(&e, &c->a->events, count > 1 ? "throttle.summary" :
	    "gate.refused", NULL, c->caller->actor);
	if (count > 1) {
		event_add(&e, "rule", "%s", arg_text(c, "code"));
		event_add(&e, "count", "%lld", (long long)count);
		event_add_time(&e, "since", ctx_now_ms(c->a->ctx));
	} else {
		refuse(&why, CAMCA_EPOLICY, why.http, arg_text(c, "code"),
		    "%s", arg_text(c, "detail"));
		event_add_refusal(&e, &why);
	}
	event_add(&e, "op", "%s", arg_text(c, "op"));
	return authority_event(c->a, &e);
}
