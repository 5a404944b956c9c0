/* SPDX-License-Identifier: Apache-2.0 */
/* Entries against what RFC 5280 5.3 and OpenSSL's decoder say of them. */
#include "tests/unit/ca/store/fixture.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/base/auto.h"
#include "ca/status/crl_entry.h"
#include "ca/status/crl_walk.h"

AUTO_DEFINE(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free)
AUTO_DEFINE(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free)
AUTO_DEFINE(X509_REVOKED, X509_REVOKED_free)

#define NOW_MS INT64_C(1795300000999)

static struct cert_row
revoked(int64_t reason)
{
	struct cert_row r = { .status = CERT_REVOKED, .reason = reason,
	    .revoked_ms = NOW_MS, .not_before_ms = 5 };

	memset(r.serial, 0x41, sizeof r.serial);
	return r;
}

static size_t
encode(const struct cert_row *r, uint8_t der[CRL_ENTRY_MAX])
{
	size_t n = 0;

	assert_int_equal(crl_entry_encode(r, der, &n), 0);
	assert_in_range(n, 1, CRL_ENTRY_MAX);
	assert_int_equal(ERR_peek_error(), 0);
	return n;
}

static struct crl_walk_entry
walk(const uint8_t *der, size_t n)
{
	struct crl_walk_entry e;
	const char *bad = crl_walk_entry(der, n, &e);

	if (bad != NULL)
		fail_msg("%s", bad);
	assert_int_equal(e.n, n);
	return e;
}

/* C8: unspecified is left out, 7 and 8 never appear, a hold says 6. */
static void
test_reasons(void **state)
{
	static const int want[] = { -1, 1, 2, 3, 4, 5, -1, -1, -1, 9, 10, -1 };
	uint8_t der[CRL_ENTRY_MAX];
	struct cert_row r;

	(void)state;
	for (int i = 0; i < 12; i++) {
		r = revoked(i);
		assert_int_equal(walk(der, encode(&r, der)).reason, want[i]);
	}
	r = revoked(-1);
	assert_int_equal(walk(der, encode(&r, der)).reason, -1);
	r.status = CERT_HOLD;
	assert_int_equal(walk(der, encode(&r, der)).reason, 6);
}

static void
test_openssl_reads_it(void **state)
{
	struct cert_row r = revoked(1);
	uint8_t der[CRL_ENTRY_MAX];
	const unsigned char *p = der;
	size_t n;
	int crit = -2;
	ASN1_GENERALIZEDTIME *since;
	struct tm tm;

	(void)state;
	r.invalidity_ms = NOW_MS - 86400000;
	n = encode(&r, der);
	AUTO(X509_REVOKED) *rev = d2i_X509_REVOKED(NULL, &p, (long)n);
	assert_non_null(rev);
	assert_ptr_equal(p, der + n);
	assert_memory_equal(ASN1_STRING_get0_data(
	    X509_REVOKED_get0_serialNumber(rev)), r.serial, 20);
	assert_int_equal(ASN1_TIME_to_tm(X509_REVOKED_get0_revocationDate(rev),
	    &tm), 1);
	assert_int_equal(timegm(&tm), NOW_MS / 1000);
	since = X509_REVOKED_get_ext_d2i(rev, NID_invalidity_date, &crit,
	    NULL);
	assert_non_null(since);
	assert_int_equal(crit, 0);
	assert_int_equal(ASN1_STRING_type(since), V_ASN1_GENERALIZEDTIME);
	ASN1_GENERALIZEDTIME_free(since);
	assert_int_equal(X509_REVOKED_get_ext_count(rev), 2);
}

static void
test_serials_and_dates(void **state)
{
	struct cert_row r = revoked(0);
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_walk_entry e;

	(void)state;
	/* The first bit set takes a zero more; the shortest one is one byte. */
	memset(r.serial, 0xff, sizeof r.serial);
	assert_int_equal(walk(der, encode(&r, der)).serial_n, 21);
	memset(r.serial, 0, sizeof r.serial);
	r.serial[19] = 7;
	e = walk(der, encode(&r, der));
	assert_int_equal(e.serial_n, 1);
	assert_int_equal(e.serial[0], 7);
	/* C12: not before the certificate began. C2: 2050 changes the type. */
	r.not_before_ms = NOW_MS + 5000;
	assert_int_equal(walk(der, encode(&r, der)).date_s, NOW_MS / 1000 + 5);
	r.revoked_ms = INT64_C(2524607999000);
	assert_int_equal(walk(der, encode(&r, der)).date_s, 2524607999);
	assert_int_equal(der[5], 0x17);
	r.revoked_ms += 1000;
	assert_int_equal(walk(der, encode(&r, der)).date_s, 2524608000);
	assert_int_equal(der[5], 0x18);
	/* The largest there is. */
	memset(r.serial, 0xff, sizeof r.serial);
	r.reason = 1;
	r.invalidity_ms = 1000;
	assert_int_equal(walk(der, encode(&r, der)).reason, 1);
}

/* ---- byte for byte what OpenSSL's templates make ---- */

static void
template_extensions(X509_REVOKED *rev, const struct cert_row *r)
{
	AUTO(ASN1_ENUMERATED) *e = ASN1_ENUMERATED_new();
	AUTO(ASN1_GENERALIZEDTIME) *since = NULL;
	int64_t reason = r->status == CERT_HOLD ? 6 : r->reason;
	bool listed = reason == 6 ? r->status == CERT_HOLD :
	    (reason >= 1 && reason <= 5) || reason == 9 || reason == 10;

	assert_non_null(e);
	assert_int_equal(ASN1_ENUMERATED_set(e, (long)reason), 1);
	if (listed)
		assert_int_equal(X509_REVOKED_add1_ext_i2d(rev,
		    NID_crl_reason, e, 0, X509V3_ADD_DEFAULT), 1);
	if (r->invalidity_ms <= 0)
		return;
	since = ASN1_GENERALIZEDTIME_set(NULL, r->invalidity_ms / 1000);
	assert_non_null(since);
	assert_int_equal(X509_REVOKED_add1_ext_i2d(rev, NID_invalidity_date,
	    since, 0, X509V3_ADD_DEFAULT), 1);
}

static size_t
template(const struct cert_row *r, uint8_t der[CRL_ENTRY_MAX])
{
	AUTO(X509_REVOKED) *rev = X509_REVOKED_new();
	BIGNUM *bn = BN_bin2bn(r->serial, STORE_SERIAL_LEN, NULL);
	ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(bn, NULL);
	AUTO(ASN1_TIME) *date = ASN1_TIME_set(NULL, (r->revoked_ms <
	    r->not_before_ms ? r->not_before_ms : r->revoked_ms) / 1000);
	unsigned char *p = der;

	assert_non_null(rev);
	assert_non_null(date);
	assert_int_equal(X509_REVOKED_set_serialNumber(rev, serial), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(rev, date), 1);
	ASN1_INTEGER_free(serial);
	BN_free(bn);
	template_extensions(rev, r);
	assert_in_range(i2d_X509_REVOKED(rev, NULL), 1, CRL_ENTRY_MAX);
	return (size_t)i2d_X509_REVOKED(rev, &p);
}

static void
same(const struct cert_row *r)
{
	uint8_t ours[CRL_ENTRY_MAX], theirs[CRL_ENTRY_MAX];
	size_t n = encode(r, ours);

	assert_int_equal(template(r, theirs), n);
	assert_memory_equal(ours, theirs, n);
}

/* The first second of 1970, both sides of the month's, the year's, the leap
 * day's and 2050's ends, and the last second of 9999. */
static const int64_t dates[] = { 0, 1, 86399, 86400, 68169599, 68169600,
    68255999, 68256000, 951782399, 951782400, 951868799, 951868800,
    1795300000, 2145916799, 2524607999, 2524608000, 4107542399, 4107542400,
    7258118399, 253402300799 };

static void
test_same_reasons_and_dates(void **state)
{
	struct cert_row r;

	(void)state;
	for (int reason = -1; reason <= 10; reason++) {
		for (size_t i = 0; i < COUNT(dates); i++) {
			r = revoked(reason);
			r.revoked_ms = dates[i] * 1000 + 999;
			same(&r);
			for (size_t k = 0; k < COUNT(dates); k++) {
				r.invalidity_ms = dates[k] * 1000 + 1;
				same(&r);
			}
			r.status = CERT_HOLD;
			same(&r);
		}
	}
}

/* Each length and each first byte, with zeros and ones around it. */
static void
test_same_serials(void **state)
{
	struct cert_row r = revoked(1);

	(void)state;
	for (size_t at = 0; at < sizeof r.serial; at++) {
		for (int first = 0; first < 256; first++) {
			memset(r.serial, 0, sizeof r.serial);
			memset(r.serial + at, first % 2 == 0 ? 0 : 0xff,
			    sizeof r.serial - at);
			r.serial[at] = (uint8_t)first;
			same(&r);
		}
	}
}

/* A second of each day of 150 years. */
static void
test_same_days(void **state)
{
	struct cert_row r = revoked(3);

	(void)state;
	for (int64_t day = 0; day < 54787; day++) {
		r.revoked_ms = (day * 86400 + day * 7919 % 86400) * 1000;
		r.invalidity_ms = r.revoked_ms + 1;
		same(&r);
	}
}

static void
test_no_such_time(void **state)
{
	static const int64_t bad[] = { INT64_MIN, -1, 253402300800000,
	    INT64_MAX };
	uint8_t der[CRL_ENTRY_MAX];
	struct cert_row r;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		r = revoked(1);
		r.not_before_ms = INT64_MIN;
		r.revoked_ms = bad[i];
		assert_int_equal(crl_entry_encode(&r, der, &n), CAMCA_EINVAL);
		r = revoked(1);
		r.invalidity_ms = bad[i];
		assert_int_equal(crl_entry_encode(&r, der, &n), bad[i] < 0 ?
		    CAMCA_OK : CAMCA_EINVAL);
	}
}

/* An older store: entries are written once, and not again. */
static int
old_store_tx(struct tx *tx, void *arg)
{
	int64_t ca = fix_issuer(tx, "ec"), seq;
	struct cert_row c;

	(void)arg;
	for (int i = 0; i < 150; i++) {
		if (fix_cert(tx, ca, 0, (uint8_t)i, &c) < 0 ||
		    fix_status(tx, c.id, i % 3 == 0 ? CERT_GOOD :
		    CERT_REVOKED, 1, 5, &seq) < 0)
			return CAMCA_EDB;
	}
	return 0;
}

static int
count(const struct crl_entry_row *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return 0;
}

static int
count_tx(struct tx *tx, void *arg)
{
	return store_crl_entry_list(tx, 1, 0, INT64_MAX, count, arg);
}

static int
drop_tx(struct tx *tx, void *arg)
{
	(void)arg;
	return store_crl_entry_delete(tx, 1, 2);
}

static void
test_backfill(void **state)
{
	struct fix f;
	struct store_conf c = { f.path, 1, 4, 16, &camca_ctx_system };
	struct store *s;
	int n = 0;

	(void)state;
	fix_folder(&f);
	assert_int_equal(store_open(&s, &c, true, NULL), 0);
	assert_int_equal(store_tx(s, DB_WRITE, old_store_tx, NULL), 0);
	assert_int_equal(crl_entry_backfill(s), 0);
	assert_int_equal(store_tx(s, DB_READ, count_tx, &n), 0);
	assert_int_equal(n, 100);
	/* What CRLs need not list any more must not come back. */
	assert_int_equal(store_tx(s, DB_WRITE, drop_tx, NULL), 0);
	assert_int_equal(crl_entry_backfill(s), 0);
	n = 0;
	assert_int_equal(store_tx(s, DB_READ, count_tx, &n), 0);
	assert_int_equal(n, 99);
	store_close(s);
	fix_folder_remove(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_openssl_reads_it),
		cmocka_unit_test(test_serials_and_dates),
		cmocka_unit_test(test_same_reasons_and_dates),
		cmocka_unit_test(test_same_serials),
		cmocka_unit_test(test_same_days),
		cmocka_unit_test(test_no_such_time),
		cmocka_unit_test(test_backfill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
