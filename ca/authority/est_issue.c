/* SPDX-License-Identifier: Apache-2.0 */
/* From a request that was let in to a certificate that is on record. The
 * facts are read again inside the transaction that stores the certificate:
 * what changed meanwhile refuses it, and nobody ever sees it. */
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/est.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

#define ISSUE_CHAIN_MAX 100000     /* a circle is damage */

struct issue {
	struct est *x;
	const struct ca *ca;
	X509 *cert;
	struct cert_row row;
	uint8_t sha256[32];
};

int
est_answer(struct est *x, X509 *cert, const uint8_t *der, size_t n)
{
	static const char *const layouts[] = { "auto", "wrap", "flat" };
	STACK_OF(X509) *one = sk_X509_new_null();
	AUTO(X509) *decoded = NULL;
	struct buf bag;
	int ret = CAMCA_ENOMEM;

	buf_init(&bag, 0);
	if (cert == NULL)
		cert = decoded = d2i_X509(NULL, &der, (long)n);
	if (one != NULL && cert != NULL && sk_X509_push(one, cert) > 0)
		ret = cert_bag(one, &bag);
	sk_X509_free(one);
	if (ret == CAMCA_OK) {
		x->c->result = json_pack("{s:b, s:s, s:b}", "pop", x->pop_done,
		    "base64", layouts[x->profile->base64], "cte",
		    x->profile->cte_header);
		json_set_base64(x->c->result, "der", bag.data, bag.len);
	}
	buf_fini(&bag);
	return ret;
}

int
est_find_same(struct tx *tx, struct est *x)
{
	int ret;

	store_cert_free(&x->same);
	memset(&x->same, 0, sizeof x->same);
	ret = store_cert_by_spki(tx, x->csr.spki, x->dev.pk, &x->same);
	if (ret < 0)
		return ret;
	if (x->same.status != CERT_GOOD ||
	    strcmp(x->same.profile, x->profile->name) != 0 ||
	    x->same.not_after_ms <= x->now ||
	    x->same.created_ms + x->profile->same_window_ms < x->now ||
	    /* To go back to an older key is a new request. */
	    x->same.replaced_by != 0 ||
	    (x->renew && !x->secret_again && x->same.id <= x->cur.id))
		return CAMCA_ENOENT;
	return CAMCA_OK;
}

/* ---- building ---- */

static int
issue_names(struct est *x, X509_NAME **subject, GENERAL_NAMES **san)
{
	struct profile_fields f = {
		.device_id = x->dev.id,
		.device_serial = x->dev.serial,
		.device_manufacturer = x->dev.manufacturer,
		.device_model = x->dev.model,
		.device_mac = x->dev.mac,
		.device_hardware_id = x->dev.hardware_id,
		.site_id = x->site.id,
		.site_name = x->site.name,
	};

	return cert_names(x->profile, &f, subject, san, &x->c->why);
}

/* Renewal keeps subject and SAN (RFC 7030 4.2.2), unless the client asked by
 * ChangeSubjectName for just what the inventory says now (RFC 6402 2.8). */
static int
issue_names_renew(struct est *x, X509_NAME **subject, GENERAL_NAMES **san)
{
	X509 *leaf = sk_X509_value(x->chain, 0);

	if (x->csr.change_subject)
		return issue_names(x, subject, san);
	*subject = X509_NAME_dup(X509_get_subject_name(leaf));
	*san = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	return *subject != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
issue_build(struct issue *i)
{
	struct est *x = i->x;
	AUTO(X509_NAME) *subject = NULL;
	AUTO(GENERAL_NAMES) *san = NULL;
	struct profile capped = *x->profile;
	int64_t cap = x->pol->levels.list[x->site.level - 1].max_validity_ms;
	char crl_url[400], issuer_url[400], ocsp_url[400];
	struct cert_plan plan;
	int ret;

	if (cap > 0 && capped.validity_ms > cap)
		capped.validity_ms = cap;
	ret = x->renew ? issue_names_renew(x, &subject, &san) :
	    issue_names(x, &subject, &san);
	if (ret == CAMCA_OK)
		ret = csr_check_wishes(&x->csr, x->profile, subject, san,
		    &x->c->why);
	if (ret == CAMCA_OK)
		ret = cert_serial(x->a->ctx, x->now, i->row.serial);
	if (ret < 0)
		return ret;
	authority_urls(x->a, i->ca, crl_url, issuer_url, ocsp_url);
	plan = (struct cert_plan){
		.profile = &capped, .issuer = i->ca->cert, .key = x->csr.key,
		.subject = subject, .san = san, .serial = i->row.serial,
		.now_ms = x->now, .crl_url = crl_url, .issuer_url = issuer_url,
		.ocsp_url = ocsp_url,
	};
	return cert_build(&plan, &i->cert, &x->c->why);
}

static int
issue_sign(struct issue *i)
{
	struct est *x = i->x;
	struct cert_row *r = &i->row;
	int ret, len;

	ret = hsm_sign_cert(i->ca->key, i->cert);
	if (ret < 0)
		return ret;
	if ((len = i2d_X509(i->cert, &r->der.p)) <= 0)
		return CAMCA_ENOMEM;
	r->der.n = (size_t)len;
	if (EVP_Digest(r->der.p, r->der.n, i->sha256, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	r->issuer = i->ca->row.id;
	r->device = x->dev.pk;
	memcpy(r->profile, x->profile->name, sizeof r->profile);
	memcpy(r->label, x->profile->label, sizeof r->label);
	memcpy(r->spki, x->csr.spki, sizeof r->spki);
	r->reason = -1;
	r->created_ms = x->now;
	ret = cert_times(i->cert, &r->not_before_ms, &r->not_after_ms);
	if (ret == CAMCA_OK && x->csr.revocation[0] != '\0') {
		uint8_t h[32];

		if (EVP_Digest(x->csr.revocation, strlen(x->csr.revocation), h,
		    NULL, EVP_sha256(), NULL) != 1)
			return CAMCA_ECRYPTO;
		enc_hex(r->revocation_challenge, h, sizeof h);
	}
	return ret;
}

/* ---- storing ---- */

static const char *
issue_auth_name(const struct est *x)
{
	if (x->renew)
		return x->have_secret ? "secret" : "cert";
	return x->auth == AUTH_SECRET ? "secret" : x->auth == AUTH_IDEVID ?
	    "idevid" : x->auth == AUTH_RA ? "ra" : "cert+secret";
}

static int
issue_event(struct tx *tx, struct issue *i)
{
	struct est *x = i->x;
	struct event e;

	event_init(&e, &x->a->events, x->renew ? "cert.renewed" :
	    "cert.issued", x->dev.id, x->c->caller->actor);
	event_add_hex(&e, "cert-sha256", i->sha256, sizeof i->sha256);
	event_add_hex(&e, "serial", i->row.serial, sizeof i->row.serial);
	event_add_hex(&e, "issuer-ski", i->ca->row.ski, sizeof i->ca->row.ski);
	event_add(&e, "profile", "%s", i->row.profile);
	event_add(&e, "policy", "%s", x->pol->hex);
	event_add_hex(&e, "spki", i->row.spki, sizeof i->row.spki);
	event_add(&e, "auth", "%s", issue_auth_name(x));
	if (x->renew)
		event_add_hex(&e, "replaces", x->cur.serial,
		    sizeof x->cur.serial);
	if (i->row.label[0] != '\0')
		event_add(&e, "label", "%s", i->row.label);
	if (x->auth == AUTH_RA)
		event_add_hex(&e, "ra-serial", x->cur.serial,
		    sizeof x->cur.serial);
	return event_put(tx, &e);
}

/* The chain is not verified again, but what it was verified against must be
 * the same: a vendor switched off, or a new CRL, counts from its commit on. */
static int
issue_recheck_vendor(struct tx *tx, struct est *x)
{
	struct vendor_row v = { 0 };
	int ret = store_vendor_get(tx, x->vendor.name, &v);

	/* CAMCA_ECONFLICT: look again, from the beginning. */
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK && (!v.enabled ||
	    v.updated_ms != x->vendor.updated_ms)))
		ret = CAMCA_ECONFLICT;
	store_vendor_free(&v);
	return ret;
}

/* What was true when the request was let in must still be true. */
static int
issue_recheck(struct tx *tx, struct issue *i, struct device_row *dev)
{
	struct est *x = i->x;
	struct cert_row cur = { 0 };
	bool elsewhere = false, approval = false;
	int ret;

	if ((ret = store_device_by_pk(tx, x->dev.pk, dev)) < 0 ||
	    (ret = admit_check(tx, &x->pol->levels, dev, &x->site,
	    x->renew ? ADMIT_RENEW : ADMIT_ENROLL, x->by_idevid, x->now,
	    &approval, &x->c->why)) < 0 ||
	    (ret = store_cert_spki_elsewhere(tx, x->csr.spki, x->dev.pk,
	    &elsewhere)) < 0)
		return ret;
	if (elsewhere)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "csr.key-elsewhere", "Another device holds a certificate "
		    "for this key.");
	if (x->by_idevid && (ret = issue_recheck_vendor(tx, x)) < 0)
		return ret;
	if (x->cur.id == 0)
		return CAMCA_OK;
	ret = store_cert_by_serial(tx, x->cur.serial, &cur);
	if (ret == CAMCA_OK && cur.status != CERT_GOOD)
		ret = refuse(&x->c->why, CAMCA_EAUTH, 403, "client.revoked",
		    "The client certificate is revoked.");
	/* Another renewal under this one may have been faster. */
	x->cur.replaced_by = cur.replaced_by;
	x->cur.seen_ms = cur.seen_ms;
	store_cert_free(&cur);
	return ret;
}

/* A renewal repeated with another key, because the answer was lost or because
 * somebody else holds the key too, leaves certificates that may be in use or
 * not. They are chained, oldest first, the one before all of them to the last,
 * until one is seen: that puts all the others out. So two who share one stolen
 * key cannot both go on renewing unnoticed. */
static int
issue_replace(struct tx *tx, struct issue *i)
{
	struct est *x = i->x;
	struct cert_row r;
	int64_t id, last = 0;
	int ret, steps = 0;

	for (id = x->cur.replaced_by; id != 0; id = r.replaced_by) {
		if (++steps > ISSUE_CHAIN_MAX)
			return CAMCA_EDB;
		if ((ret = store_cert_by_id(tx, id, &r)) < 0)
			return ret;
		if (r.seen_ms != 0)
			return refuse(&x->c->why, CAMCA_EAUTH, 403,
			    "reenroll.replaced", "The certificate was "
			    "replaced, and its successor is in use.");
		/* Not used before, so it has no successor: these are its
		 * brothers, and it is the first of them to be seen. */
		if (x->cur.seen_ms == 0 &&
		    (ret = store_cert_replaced(tx, id, x->cur.id)) < 0)
			return ret;
		last = id;
	}
	if (last != 0 && x->cur.seen_ms != 0 &&
	    (ret = store_cert_replaced(tx, last, i->row.id)) < 0)
		return ret;
	return store_cert_replaced(tx, x->cur.id, i->row.id);
}

/* First time that this certificate is used towards us. */
static int
issue_seen(struct tx *tx, struct est *x)
{
	const struct ca *ca = ca_by_id(x->cas, x->cur.issuer);
	struct event e;
	int ret;

	if (x->cur.id == 0 || x->cur.seen_ms != 0 || x->auth == AUTH_RA ||
	    (x->renew && x->have_secret))
		return CAMCA_OK;
	ret = store_cert_seen(tx, x->cur.id, x->now);
	if (ret < 0)
		return ret == CAMCA_ECONFLICT ? CAMCA_OK : ret;
	event_init(&e, &x->a->events, "key.activated", x->dev.id,
	    x->c->caller->actor);
	event_add_hex(&e, "serial", x->cur.serial, sizeof x->cur.serial);
	if (ca != NULL)
		event_add_hex(&e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	return event_put(tx, &e);
}

static int
issue_tx(struct tx *tx, void *arg)
{
	struct issue *i = arg;
	struct est *x = i->x;
	struct device_row dev;
	int ret;

	if ((ret = issue_recheck(tx, i, &dev)) < 0)
		return ret;
	if (x->have_secret && (ret = store_secret_use(tx,
	    x->selector, x->csr.spki, x->now)) < 0)
		return ret;
	if (x->pending.id != 0 && (ret = store_pending_move(tx, x->pending.id,
	    PENDING_APPROVED, PENDING_ISSUED, x->now, "camcad", "")) < 0)
		return ret;
	if ((ret = store_cert_insert(tx, &i->row)) < 0)
		return ret;
	if (x->renew && (ret = issue_replace(tx, i)) < 0)
		return ret;
	if ((ret = issue_seen(tx, x)) < 0)
		return ret;
	if (dev.state == DEVICE_REGISTERED && (ret = store_device_move(tx,
	    dev.pk, DEVICE_REGISTERED, DEVICE_ENROLLED, x->now)) < 0)
		return ret;
	return issue_event(tx, i);
}

int
est_issue(struct est *x)
{
	struct issue i = { .x = x,
	    .ca = ca_active(x->cas, x->profile->issuer) };
	int ret;

	if (i.ca == NULL)
		return refuse(&x->c->why, CAMCA_ENOENT, 404,
		    "est.no-such-label", "The issuing CA of this label does "
		    "not exist here.");
	ret = issue_build(&i);
	if (ret == CAMCA_OK)
		ret = issue_sign(&i);
	if (ret == CAMCA_OK)
		ret = store_tx(x->a->store, DB_WRITE, issue_tx, &i);
	if (ret == CAMCA_OK)
		ret = est_answer(x, i.cert, i.row.der.p, i.row.der.n);
	if (ret == CAMCA_OK)
		log_msg(LOG_INFO, x->dev.id, "certificate %s",
		    x->renew ? "renewed" : "issued");
	store_cert_free(&i.row);
	X509_free(i.cert);
	return ret;
}
