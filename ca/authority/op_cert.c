/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/feed.h"
#include "ca/authority/ops.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/status/change.h"

/* RFC 5280 5.3.1; 7 is not used, 8 is for delta CRLs. */
static const char *const reason_names[] = { "unspecified", "keyCompromise",
    "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
    "certificateHold", "", "", "privilegeWithdrawn", "aACompromise" };

const char *
reason_name(int64_t reason)
{
	if (reason < 0 ||
	    (size_t)reason >= sizeof reason_names / sizeof reason_names[0])
		return "";
	return reason_names[reason];
}

const char *
cert_status_name(int64_t status)
{
	return status == CERT_GOOD ? "good" : status == CERT_HOLD ? "hold" :
	    "revoked";
}

json_t *
cert_json(const struct cert_row *r, const char *device, const char *issuer)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "device", device,
	    "issuer", issuer, "profile", r->profile, "status",
	    cert_status_name(r->status), "reason", reason_name(r->reason));

	if (o != NULL) {
		json_set_hex(o, "serial", r->serial, sizeof r->serial);
		json_set_hex(o, "spki", r->spki, sizeof r->spki);
		json_set_time(o, "not_before", r->not_before_ms);
		json_set_time(o, "not_after", r->not_after_ms);
		json_set_time(o, "created", r->created_ms);
		json_set_time(o, "revoked", r->revoked_ms);
	}
	return o;
}

struct cert_list {
	struct op_call *c;
	struct tx *tx;
	struct ca_set *cas;
	struct page page;
	int64_t after;
};

static int
cert_list_row(const struct cert_row *r, void *arg)
{
	struct cert_list *x = arg;
	const struct ca *ca = ca_by_id(x->cas, r->issuer);
	struct device_row d = { .id = "-" };
	int ret = CAMCA_OK;

	if (r->device != 0)
		ret = store_device_by_pk(x->tx, r->device, &d);
	if (ret < 0)
		return ret;
	snprintf(x->page.next, sizeof x->page.next, "%" PRId64, r->id);
	return json_array_append_new(x->page.items, cert_json(r, d.id,
	    ca != NULL ? ca->row.name : "")) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
cert_list_tx(struct tx *tx, void *arg)
{
	struct cert_list *x = arg;
	const char *id = arg_text(x->c, "device");
	struct device_row d = { .pk = 0 };
	int ret = CAMCA_OK;

	x->tx = tx;
	json_array_clear(x->page.items);
	if (id != NULL)
		ret = store_device_get(tx, id, &d);
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", id);
	return ret < 0 ? ret : store_cert_list(tx, d.pk, 0, x->after,
	    x->page.limit, cert_list_row, x);
}

int
op_cert_list(struct op_call *c)
{
	struct cert_list x = { .c = c };
	int ret = page_after(c, &x.after);

	if (ret < 0)
		return ret;
	page_begin(c, &x.page);
	x.cas = authority_cas(c->a);
	ret = store_tx(c->a->store, DB_READ, cert_list_tx, &x);
	authority_cas_put(c->a, x.cas);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}

struct cert_one {
	struct op_call *c;
	uint8_t serial[STORE_SERIAL_LEN];
	struct cert_row row;
	struct device_row dev;
	struct status_to to;
	int64_t now, rev_seq;
	int64_t others;                /* of the device, good and in force */
	bool already;                  /* it stands so, nothing to do */
};

static int
cert_serial_arg(struct op_call *c, uint8_t out[static STORE_SERIAL_LEN])
{
	const char *s = arg_text(c, "serial");
	char padded[2 * STORE_SERIAL_LEN + 1];

	snprintf(padded, sizeof padded, "%*s", 2 * STORE_SERIAL_LEN, s);
	for (char *p = padded; *p == ' '; p++)
		*p = '0';
	if (dec_hex(out, STORE_SERIAL_LEN, padded) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "cert.serial",
		    "A serial is hex, without colons.");
	return CAMCA_OK;
}

static int
cert_find(struct tx *tx, struct cert_one *x)
{
	int ret = store_cert_by_serial(tx, x->serial, &x->row);

	snprintf(x->dev.id, sizeof x->dev.id, "-");
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "cert.unknown",
		    "No certificate with this serial was issued here.");
	if (ret == CAMCA_OK && x->row.device != 0)
		ret = store_device_by_pk(tx, x->row.device, &x->dev);
	return ret;
}

static int
cert_show_tx(struct tx *tx, void *arg)
{
	struct cert_one *x = arg;

	store_cert_free(&x->row);
	return cert_find(tx, x);
}

static char *
cert_pem(const struct store_blob *der)
{
	const unsigned char *p = der->p;
	AUTO(X509) *cert = d2i_X509(NULL, &p, (long)der->n);
	AUTO(BIO) *b = BIO_new(BIO_s_mem());
	char *data;
	long n;

	if (cert == NULL || b == NULL || PEM_write_bio_X509(b, cert) != 1)
		return NULL;
	n = BIO_get_mem_data(b, &data);
	return n > 0 ? strndup(data, (size_t)n) : NULL;
}

int
op_cert_show(struct op_call *c)
{
	struct cert_one x = { .c = c };
	struct ca_set *cas;
	const struct ca *ca;
	char *pem;
	int ret = cert_serial_arg(c, x.serial);

	if (ret < 0)
		return ret;
	ret = store_tx(c->a->store, DB_READ, cert_show_tx, &x);
	if (ret == CAMCA_OK) {
		cas = authority_cas(c->a);
		ca = ca_by_id(cas, x.row.issuer);
		c->result = cert_json(&x.row, x.dev.id,
		    ca != NULL ? ca->row.name : "");
		authority_cas_put(c->a, cas);
		pem = cert_pem(&x.row.der);
		if (c->result == NULL || pem == NULL)
			ret = CAMCA_ENOMEM;
		else
			json_object_set_new(c->result, "pem", json_string(pem));
		free(pem);
	}
	store_cert_free(&x.row);
	return ret;
}

/* A certificate is released only where its device is in service: else the one
 * would contradict the other. */
static int
cert_check_device(struct cert_one *x)
{
	if (x->to.status != CERT_GOOD || x->row.device == 0 ||
	    x->dev.state == DEVICE_ENROLLED)
		return CAMCA_OK;
	return refuse(&x->c->why, CAMCA_ECONFLICT, 409, "cert.device",
	    "%s is %s: release the device.", x->dev.id,
	    device_state_name((enum device_state)x->dev.state));
}

static int
cert_status_event(struct tx *tx, struct cert_one *x)
{
	struct ca_set *cas = authority_cas(x->c->a);
	const struct ca *ca = ca_by_id(cas, x->row.issuer);
	struct event e;

	event_init(&e, &x->c->a->events, "cert.revoked", x->dev.id,
	    x->c->caller->actor);
	event_add_hex(&e, "serial", x->serial, sizeof x->serial);
	if (ca != NULL)
		event_add_hex(&e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	else
		event_add(&e, "issuer-ski", "-");
	authority_cas_put(x->c->a, cas);
	event_add(&e, "status", "%s", cert_status_name((int64_t)x->to.status));
	event_add(&e, "crl-reason", "%s", x->to.status == CERT_GOOD ? "-" :
	    reason_name(x->to.reason));
	event_add(&e, "rev-seq", "%" PRId64, x->rev_seq);
	event_add(&e, "reason", "%s", arg_text(x->c, "text"));
	return event_put(tx, &e);
}

static int
cert_other(const struct cert_pick *p, void *arg)
{
	struct cert_one *x = arg;

	x->others += p->id != x->row.id && p->status == CERT_GOOD;
	return CAMCA_OK;
}

static int
cert_status_tx(struct tx *tx, void *arg)
{
	struct cert_one *x = arg;
	int ret;

	store_cert_free(&x->row);
	x->already = false;
	x->others = 0;
	if ((ret = cert_find(tx, x)) < 0 || (ret = cert_check_device(x)) < 0 ||
	    (x->row.device != 0 && (ret = store_cert_pick_device(tx,
	    x->row.device, x->now, cert_other, x)) < 0))
		return ret;
	/* Whoever asks for what is so already hears so, but not before it is
	 * true at the gates as well. */
	x->already = x->row.status == (int64_t)x->to.status &&
	    (x->row.status != CERT_REVOKED || x->to.reason != 1 ||
	    x->row.reason == 1);
	if (x->already)
		return store_rev_seq(tx, &x->rev_seq);
	ret = status_change(tx, &x->row, &x->to, x->now, &x->rev_seq,
	    &x->c->why);
	return ret < 0 ? ret : cert_status_event(tx, x);
}

/* Sets x->to, which the caller filled, for the certificate of "serial". */
static int
cert_set_status(struct op_call *c, struct cert_one *x)
{
	struct feed_result gates = { 0 };
	int ret;

	if ((ret = cert_serial_arg(c, x->serial)) < 0 ||
	    (ret = authority_now(c->a, &x->now, &c->why)) < 0)
		return ret;
	ret = store_tx(c->a->store, DB_WRITE, cert_status_tx, x);
	if (ret == CAMCA_OK)
		feed_barrier(c->a, x->rev_seq, &gates);
	if (ret == CAMCA_OK && x->already)
		ret = refuse(&c->why, CAMCA_ECONFLICT, 409,
		    x->to.status == CERT_REVOKED ? "cert.revoked" :
		    "cert.status", "The certificate is %s already.",
		    cert_status_name((int64_t)x->to.status));
	if (ret == CAMCA_OK) {
		/* Who has renewed goes on with another one. */
		c->result = json_pack("{s:s, s:I, s:s, s:I}", "status",
		    cert_status_name((int64_t)x->to.status), "rev_seq",
		    (json_int_t)x->rev_seq, "device", x->dev.id,
		    "others_in_force", (json_int_t)x->others);
		json_set_hex(c->result, "serial", x->serial, sizeof x->serial);
		feed_result_json(c->result, &gates);
	}
	store_cert_free(&x->row);
	return ret;
}

static int
cert_reason_arg(struct op_call *c, int64_t *out)
{
	const char *s = arg_text(c, "reason");
	size_t i;

	for (i = 0; i < sizeof reason_names / sizeof reason_names[0]; i++)
		if (s[0] != '\0' && strcmp(s, reason_names[i]) == 0 &&
		    strcmp(s, "certificateHold") != 0) {
			*out = (int64_t)i;
			return CAMCA_OK;
		}
	return refuse(&c->why, CAMCA_EINVAL, 400, "cert.reason",
	    "'%s' is no reason of RFC 5280 section 5.3.1 for a final "
	    "revocation.", s);
}

int
op_cert_revoke(struct op_call *c)
{
	struct cert_one x = { .c = c, .to = { .status = CERT_REVOKED } };
	int ret = cert_reason_arg(c, &x.to.reason);

	return ret < 0 ? ret : cert_set_status(c, &x);
}

int
op_cert_hold(struct op_call *c)
{
	struct cert_one x = { .c = c,
	    .to = { .status = CERT_HOLD, .reason = 6 } };

	return cert_set_status(c, &x);
}

int
op_cert_release(struct op_call *c)
{
	struct cert_one x = { .c = c,
	    .to = { .status = CERT_GOOD, .reason = -1 } };

	return cert_set_status(c, &x);
}
