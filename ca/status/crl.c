/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"

AUTO_DEFINE(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
AUTO_DEFINE(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free)
AUTO_DEFINE(X509_REVOKED, X509_REVOKED_free)

#define CRL_BACKDATE_MS (5 * 60 * 1000)
#define CRL_TRIES 8
#define CRL_TIME_MAX_MS INT64_C(253402300799000) /* 9999-12-31T23:59:59Z */

/* What one snapshot of the store says. */
struct crl_work {
	const struct ca *ca;
	struct crl_row prev;         /* number 0: none yet */
	X509_CRL *prev_crl;
	X509_CRL *crl;               /* entries so far */
	int64_t rev_seq;             /* changes up to here are in it */
	int64_t newest_ms;           /* latest revocationDate */
	const char *lost;            /* why the gate refused, NULL */
};

static void
crl_work_reset(struct crl_work *w)
{
	X509_CRL_free(w->crl);
	X509_CRL_free(w->prev_crl);
	store_blob_free(&w->prev.der);
	memset(&w->prev, 0, sizeof w->prev);
	w->crl = w->prev_crl = NULL;
	w->rev_seq = w->newest_ms = 0;
	w->lost = NULL;
}

static int
crl_decode(const struct store_blob *der, X509_CRL **out)
{
	const unsigned char *p = der->p;

	if (der->n > LONG_MAX)
		return CAMCA_ELIMIT;
	*out = d2i_X509_CRL(NULL, &p, (long)der->n);
	if (*out == NULL || p != der->p + der->n)
		return CAMCA_EDB;
	return CAMCA_OK;
}

/* reasonCode, or -1: absent for unspecified (RFC 5280 5.3.1); 7 is unused, 8
 * belongs to delta CRLs, and 6 to certificates on hold only. */
static long
crl_reason(const struct cert_row *r)
{
	if (r->status == CERT_HOLD)
		return 6;
	if (r->reason < 1 || r->reason > 10 || r->reason == 6 ||
	    r->reason == 7 || r->reason == 8)
		return -1;
	return (long)r->reason;
}

static int
crl_entry_serial(X509_REVOKED *rev, const uint8_t serial[static 20])
{
	AUTO(BIGNUM) *bn = BN_bin2bn(serial, 20, NULL);
	AUTO(ASN1_INTEGER) *n = NULL;

	if (bn == NULL || (n = BN_to_ASN1_INTEGER(bn, NULL)) == NULL)
		return CAMCA_ECRYPTO;
	return X509_REVOKED_set_serialNumber(rev, n) == 1 ?
	    CAMCA_OK : CAMCA_ECRYPTO;
}

static int
crl_entry_reason(X509_REVOKED *rev, long reason)
{
	AUTO(ASN1_ENUMERATED) *e = NULL;

	if (reason < 0)
		return CAMCA_OK;
	e = ASN1_ENUMERATED_new();
	if (e == NULL || ASN1_ENUMERATED_set(e, reason) != 1 ||
	    X509_REVOKED_add1_ext_i2d(rev, NID_crl_reason, e, 0,
	    X509V3_ADD_DEFAULT) != 1)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

/* RFC 5280 3.3: an entry may go after one CRL that was issued beyond the
 * certificate's validity has carried it. The one before did, where it knew of
 * this change and is later than notAfter; thisUpdate is dated back, which only
 * keeps an entry longer. */
static bool
crl_is_done(const struct crl_work *w, const struct cert_row *r)
{
	return w->prev.number > 0 && r->rev_seq <= w->prev.rev_seq &&
	    w->prev.this_update_ms > r->not_after_ms;
}

static int
crl_entry(const struct cert_row *r, void *arg)
{
	struct crl_work *w = arg;
	AUTO(X509_REVOKED) *rev = NULL;
	AUTO(ASN1_TIME) *date = NULL;
	int64_t at_ms = r->revoked_ms;

	if (crl_is_done(w, r))
		return CAMCA_OK;
	if (at_ms < r->not_before_ms)
		at_ms = r->not_before_ms;
	at_ms = at_ms / 1000 * 1000;
	rev = X509_REVOKED_new();
	date = ASN1_TIME_set(NULL, (time_t)(at_ms / 1000));
	if (rev == NULL || date == NULL ||
	    crl_entry_serial(rev, r->serial) < 0 ||
	    X509_REVOKED_set_revocationDate(rev, date) != 1 ||
	    crl_entry_reason(rev, crl_reason(r)) < 0 ||
	    X509_CRL_add0_revoked(w->crl, rev) != 1)
		return CAMCA_ECRYPTO;
	rev = NULL;
	if (at_ms > w->newest_ms)
		w->newest_ms = at_ms;
	return CAMCA_OK;
}

static bool
crl_was_hold(const X509_REVOKED *rev)
{
	AUTO(ASN1_ENUMERATED) *e = X509_REVOKED_get_ext_d2i(rev, NID_crl_reason,
	    NULL, NULL);

	return e != NULL && ASN1_ENUMERATED_get(e) == 6;
}

/* May this entry of the CRL before be missing from the new one? */
static int
crl_may_go(struct tx *tx, const struct crl_work *w, const X509_REVOKED *rev)
{
	const ASN1_INTEGER *n = X509_REVOKED_get0_serialNumber(rev);
	int len = ASN1_STRING_length(n), ret;
	struct cert_row r = { 0 };
	uint8_t serial[20] = { 0 };
	bool done;

	if (len > 20)
		return CAMCA_EDB;
	memcpy(serial + 20 - len, ASN1_STRING_get0_data(n), (size_t)len);
	ret = store_cert_by_serial(tx, serial, &r);
	if (ret < 0)
		return ret == CAMCA_ENOENT ? CAMCA_EDB : ret;
	done = crl_is_done(w, &r) ||
	    (r.status == CERT_GOOD && crl_was_hold(rev));
	store_cert_free(&r);
	return done ? CAMCA_OK : CAMCA_EDB;
}

/* A list must not lose entries because rows did: only the end of a hold and
 * RFC 5280 3.3 take one off. */
static int
crl_gate(struct tx *tx, struct crl_work *w)
{
	STACK_OF(X509_REVOKED) *before;
	X509_REVOKED *now;
	int ret = CAMCA_OK;

	if (w->prev.number == 0)
		return CAMCA_OK;
	ret = crl_decode(&w->prev.der, &w->prev_crl);
	if (ret < 0) {
		w->lost = "the stored CRL is damaged";
		return ret;
	}
	before = X509_CRL_get_REVOKED(w->prev_crl);
	X509_CRL_sort(w->crl);
	for (int i = 0; ret == 0 && i < sk_X509_REVOKED_num(before); i++) {
		X509_REVOKED *rev = sk_X509_REVOKED_value(before, i);

		now = NULL;
		if (X509_CRL_get0_by_serial(w->crl, &now,
		    X509_REVOKED_get0_serialNumber(rev)) != 0)
			continue;
		ret = crl_may_go(tx, w, rev);
		if (ret == CAMCA_EDB)
			w->lost = "an entry of the CRL before would be lost";
	}
	return ret;
}

/* One consistent snapshot; may run again. */
static int
crl_read(struct tx *tx, void *arg)
{
	struct crl_work *w = arg;
	int64_t issuer = w->ca->row.id;
	int ret;

	crl_work_reset(w);
	w->crl = X509_CRL_new();
	if (w->crl == NULL)
		return CAMCA_ENOMEM;
	ret = store_crl_get(tx, issuer, &w->prev);
	if (ret == CAMCA_ENOENT)
		ret = CAMCA_OK;
	if (ret == 0)
		ret = store_cert_max_rev_seq(tx, issuer, &w->rev_seq);
	return ret;
}

static int
crl_read_all(struct tx *tx, void *arg)
{
	struct crl_work *w = arg;
	int ret = crl_read(tx, arg);

	if (ret == 0)
		ret = store_cert_revoked_list(tx, w->ca->row.id, crl_entry, w);
	return ret == 0 ? crl_gate(tx, w) : ret;
}

static bool
crl_is_current(const struct crl_work *w, int64_t now_ms)
{
	int64_t life = w->prev.next_update_ms - w->prev.this_update_ms;

	return w->prev.number > 0 && w->prev.rev_seq >= w->rev_seq &&
	    now_ms < w->prev.this_update_ms + life / 2;
}

/* thisUpdate and nextUpdate of the next CRL, in whole seconds: not before the
 * newest revocation in it, nor the CRL before, and later than that wherever the
 * clock allows; never in the future but for a clock that was set back. */
static void
crl_times(const struct crl_work *w, int64_t now_ms, int64_t life_ms,
    int64_t *this_ms, int64_t *next_ms)
{
	int64_t now = now_ms / 1000 * 1000;
	int64_t back = life_ms / 4 < CRL_BACKDATE_MS ? life_ms / 4 :
	    CRL_BACKDATE_MS;
	int64_t this = (now - back) / 1000 * 1000;

	if (this < w->newest_ms)
		this = w->newest_ms;
	if (w->prev.number > 0 && this <= w->prev.this_update_ms)
		this = w->prev.this_update_ms < now ?
		    w->prev.this_update_ms + 1000 : w->prev.this_update_ms;
	*this_ms = this;
	*next_ms = ((this > now ? this : now) + life_ms) / 1000 * 1000;
}

static int
crl_set_extensions(X509_CRL *crl, X509 *issuer, int64_t number)
{
	AUTO(AUTHORITY_KEYID) *aki = AUTHORITY_KEYID_new();
	AUTO(ASN1_INTEGER) *n = ASN1_INTEGER_new();
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(issuer);

	if (aki == NULL || n == NULL || ski == NULL ||
	    (aki->keyid = ASN1_OCTET_STRING_dup(ski)) == NULL ||
	    ASN1_INTEGER_set_int64(n, number) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0,
	    X509V3_ADD_DEFAULT) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0,
	    X509V3_ADD_DEFAULT) != 1)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

static int
crl_fill(const struct crl_work *w, const struct crl_row *row)
{
	AUTO(ASN1_TIME) *this = ASN1_TIME_set(NULL,
	    (time_t)(row->this_update_ms / 1000));
	AUTO(ASN1_TIME) *next = ASN1_TIME_set(NULL,
	    (time_t)(row->next_update_ms / 1000));

	if (this == NULL || next == NULL ||
	    X509_CRL_set_version(w->crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(w->crl,
	    X509_get_subject_name(w->ca->cert)) != 1 ||
	    X509_CRL_set1_lastUpdate(w->crl, this) != 1 ||
	    X509_CRL_set1_nextUpdate(w->crl, next) != 1 ||
	    crl_set_extensions(w->crl, w->ca->cert, row->number) < 0 ||
	    X509_CRL_sort(w->crl) != 1)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

static int
crl_encode(X509_CRL *crl, struct store_blob *out)
{
	unsigned char *p;
	int n = i2d_X509_CRL(crl, NULL);

	if (n <= 0)
		return CAMCA_ECRYPTO;
	out->p = malloc((size_t)n);
	if (out->p == NULL)
		return CAMCA_ENOMEM;
	out->n = (size_t)n;
	p = out->p;
	return i2d_X509_CRL(crl, &p) == n ? CAMCA_OK : CAMCA_ECRYPTO;
}

/* Reads the bytes back as a client would: what a token signed wrongly, or was
 * encoded wrongly, must not be published. */
static int
crl_check(const struct crl_work *w, const struct crl_row *row)
{
	AUTO(X509_CRL) *again = NULL;

	if (crl_decode(&row->der, &again) < 0 ||
	    X509_CRL_verify(again, X509_get0_pubkey(w->ca->cert)) != 1 ||
	    X509_NAME_cmp(X509_CRL_get_issuer(again),
	    X509_get_subject_name(w->ca->cert)) != 0 ||
	    sk_X509_REVOKED_num(X509_CRL_get_REVOKED(again)) !=
	    sk_X509_REVOKED_num(X509_CRL_get_REVOKED(w->crl)))
		return CAMCA_EHSM;
	return CAMCA_OK;
}

/* Signs what crl_read_all() gathered. */
static int
crl_sign(struct crl_work *w, int64_t now_ms, int64_t life_ms,
    struct crl_row *row)
{
	int ret;

	row->issuer = w->ca->row.id;
	row->number = w->prev.number + 1;
	row->rev_seq = w->rev_seq;
	crl_times(w, now_ms, life_ms, &row->this_update_ms,
	    &row->next_update_ms);
	ret = crl_fill(w, row);
	if (ret == 0)
		ret = hsm_sign_crl(w->ca->key, w->crl);
	if (ret == 0)
		ret = crl_encode(w->crl, &row->der);
	if (ret == 0)
		ret = crl_check(w, row);
	return ret;
}

struct crl_put {
	const struct crl_work *w;
	const struct crl_row *row;
	const struct event_source *src;
};

static int
crl_put_tx(struct tx *tx, void *arg)
{
	const struct crl_put *p = arg;
	uint8_t hash[32];
	struct event e;
	int ret = store_crl_put(tx, p->row);

	if (ret < 0)
		return ret;
	if (EVP_Digest(p->row->der.p, p->row->der.n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	event_init(&e, p->src, "crl.issued", NULL, "camcad");
	event_add_hex(&e, "issuer-ski", p->w->ca->row.ski,
	    sizeof p->w->ca->row.ski);
	event_add(&e, "number", "%lld", (long long)p->row->number);
	event_add_hex(&e, "crl-sha256", hash, sizeof hash);
	event_add_time(&e, "this-update", p->row->this_update_ms);
	event_add_time(&e, "next-update", p->row->next_update_ms);
	event_add(&e, "rev-seq", "%lld", (long long)p->row->rev_seq);
	return event_put(tx, &e);
}

static int
crl_next(struct store *s, struct crl_work *w, const struct event_source *src,
    int64_t now_ms, int64_t life_ms, struct crl_row *out)
{
	struct crl_row row = { 0 };
	struct crl_put put = { w, &row, src };
	int ret = store_tx(s, DB_READ, crl_read_all, w);

	if (ret == 0)
		ret = crl_sign(w, now_ms, life_ms, &row);
	if (ret == 0)
		ret = store_tx(s, DB_WRITE, crl_put_tx, &put);
	if (ret < 0) {
		store_blob_free(&row.der);
		return ret;
	}
	*out = row;
	return CAMCA_OK;
}

static int
crl_failed(const struct crl_work *w, int ret, struct refusal *why)
{
	if (w->lost != NULL) {
		log_msg(LOG_ERROR, w->ca->row.name, "CRL %lld not issued: %s",
		    (long long)w->prev.number + 1, w->lost);
		return refuse(why, ret, 503, "crl.shrinks",
		    "The next CRL of %s is not issued: %s.", w->ca->row.name,
		    w->lost);
	}
	log_msg(LOG_ERROR, w->ca->row.name, "CRL %lld not issued: %s",
	    (long long)w->prev.number + 1, camca_strerror(ret));
	return refuse_default(why, ret);
}

int
crl_current(struct store *s, const struct ca *ca,
    const struct event_source *src, int64_t life_ms, struct crl_row *out,
    struct refusal *why)
{
	struct crl_work w = { .ca = ca };
	int64_t now_ms = ctx_now_ms(src->ctx);
	int ret = CAMCA_ECONFLICT;

	if (life_ms < CRL_LIFE_MIN_MS || now_ms < 0 ||
	    life_ms > CRL_TIME_MAX_MS - now_ms)
		return refuse(why, CAMCA_EINVAL, 500, "crl.life",
		    "A CRL lives at least a minute and ends before the year "
		    "10000.");
	/* Losing the race for a number means that another builder stored a CRL
	 * meanwhile: mostly the one wanted here. */
	for (int i = 0; ret == CAMCA_ECONFLICT && i < CRL_TRIES; i++) {
		ret = store_tx(s, DB_READ, crl_read, &w);
		if (ret == 0 && crl_is_current(&w, now_ms)) {
			*out = w.prev;
			w.prev.der = (struct store_blob){ NULL, 0 };
			break;
		}
		if (ret == 0)
			ret = crl_next(s, &w, src, now_ms, life_ms, out);
	}
	if (ret == CAMCA_ECONFLICT)
		ret = CAMCA_EBUSY;
	if (ret < 0)
		ret = crl_failed(&w, ret, why);
	crl_work_reset(&w);
	ERR_clear_error();
	return ret;
}
