/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl_entry.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/base/auto.h"

AUTO_DEFINE(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free)
AUTO_DEFINE(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free)
AUTO_DEFINE(X509_REVOKED, X509_REVOKED_free)

#define BACKFILL_KEY "crl-entry"
#define BACKFILL_PIECE 1000

/* reasonCode, or -1: absent. */
static long
crl_entry_reason(const struct cert_row *r)
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
	AUTO(BIGNUM) *bn = BN_bin2bn(serial, STORE_SERIAL_LEN, NULL);
	AUTO(ASN1_INTEGER) *n = NULL;

	if (bn == NULL || (n = BN_to_ASN1_INTEGER(bn, NULL)) == NULL)
		return CAMCA_ECRYPTO;
	return X509_REVOKED_set_serialNumber(rev, n) == 1 ?
	    CAMCA_OK : CAMCA_ECRYPTO;
}

static int
crl_entry_date(X509_REVOKED *rev, const struct cert_row *r)
{
	int64_t at_ms = r->revoked_ms < r->not_before_ms ? r->not_before_ms :
	    r->revoked_ms;
	AUTO(ASN1_TIME) *date = ASN1_TIME_set(NULL, (time_t)(at_ms / 1000));

	return date != NULL && X509_REVOKED_set_revocationDate(rev, date) == 1 ?
	    CAMCA_OK : CAMCA_ECRYPTO;
}

static int
crl_entry_extensions(X509_REVOKED *rev, const struct cert_row *r)
{
	AUTO(ASN1_ENUMERATED) *e = ASN1_ENUMERATED_new();
	AUTO(ASN1_GENERALIZEDTIME) *since = NULL;
	long reason = crl_entry_reason(r);

	if (e == NULL)
		return CAMCA_ENOMEM;
	if (reason >= 0 && (ASN1_ENUMERATED_set(e, reason) != 1 ||
	    X509_REVOKED_add1_ext_i2d(rev, NID_crl_reason, e, 0,
	    X509V3_ADD_DEFAULT) != 1))
		return CAMCA_ECRYPTO;
	if (r->invalidity_ms <= 0)
		return CAMCA_OK;
	since = ASN1_GENERALIZEDTIME_set(NULL,
	    (time_t)(r->invalidity_ms / 1000));
	return since != NULL && X509_REVOKED_add1_ext_i2d(rev,
	    NID_invalidity_date, since, 0, X509V3_ADD_DEFAULT) == 1 ?
	    CAMCA_OK : CAMCA_ECRYPTO;
}

int
crl_entry_encode(const struct cert_row *r, uint8_t out[static CRL_ENTRY_MAX],
    size_t *n_out)
{
	AUTO(X509_REVOKED) *rev = X509_REVOKED_new();
	unsigned char *p = out;
	int n, ret = CAMCA_ECRYPTO;

	if (rev == NULL)
		return CAMCA_ENOMEM;
	if (crl_entry_serial(rev, r->serial) == CAMCA_OK &&
	    crl_entry_date(rev, r) == CAMCA_OK &&
	    crl_entry_extensions(rev, r) == CAMCA_OK &&
	    (n = i2d_X509_REVOKED(rev, NULL)) > 0) {
		ret = n <= CRL_ENTRY_MAX ? CAMCA_OK : CAMCA_ELIMIT;
		if (ret == CAMCA_OK)
			*n_out = (size_t)i2d_X509_REVOKED(rev, &p);
	}
	ERR_clear_error();
	return ret;
}

struct backfill {
	struct tx *tx;
	int64_t after;
	int64_t n;
};

static int
backfill_row(const struct cert_row *r, void *arg)
{
	struct backfill *b = arg;
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_entry_row e = { .issuer = r->issuer, .rev_seq = r->rev_seq,
	    .cert = r->id, .not_after_ms = r->not_after_ms, .der = { der, 0 } };
	int ret = crl_entry_encode(r, der, &e.der.n);

	b->after = r->rev_seq;
	b->n++;
	return ret < 0 ? ret : store_crl_entry_put(b->tx, &e);
}

static int
backfill_tx(struct tx *tx, void *arg)
{
	struct backfill *b = arg, x = { tx, b->after, 0 };
	char done[8];
	int ret = store_meta_get(tx, BACKFILL_KEY, done, sizeof done);

	if (ret == CAMCA_ENOENT)
		ret = store_crl_entry_missing(tx, x.after, BACKFILL_PIECE,
		    backfill_row, &x);
	if (ret == CAMCA_OK && x.n < BACKFILL_PIECE)
		ret = store_meta_set(tx, BACKFILL_KEY, "done");
	if (ret == CAMCA_OK)
		*b = x;
	return ret;
}

static int
backfill_done_tx(struct tx *tx, void *arg)
{
	char done[8];

	(void)arg;
	return store_meta_get(tx, BACKFILL_KEY, done, sizeof done);
}

int
crl_entry_backfill(struct store *s)
{
	struct backfill b = { .n = BACKFILL_PIECE };
	int ret = store_tx(s, DB_READ, backfill_done_tx, NULL);

	if (ret != CAMCA_ENOENT)
		return ret;
	for (ret = CAMCA_OK; ret == CAMCA_OK && b.n == BACKFILL_PIECE;)
		ret = store_tx(s, DB_WRITE, backfill_tx, &b);
	return ret;
}
