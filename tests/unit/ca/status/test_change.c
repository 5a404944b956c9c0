/* SPDX-License-Identifier: Apache-2.0 */
/* The whole table of changes, and what each leaves in the store. */
#include "tests/unit/ca/store/fixture.h"

#include "ca/status/change.h"
#include "ca/status/crl_walk.h"

#define NOW_MS INT64_C(1795300000000)

struct entry {
	struct crl_entry_row row;
	uint8_t der[128];
	int n;
};

static int
see(const struct crl_entry_row *r, void *arg)
{
	struct entry *e = arg;

	assert_true(r->der.n <= sizeof e->der);
	e->row = *r;
	memcpy(e->der, r->der.p, r->der.n);
	e->n++;
	return 0;
}

/* The entries of the issuer: how many, and the last one. */
static struct entry
entry_of(struct tx *tx, int64_t issuer)
{
	struct entry e = { .n = 0 };

	assert_int_equal(store_crl_entry_list(tx, issuer, 0, 100, see, &e), 0);
	return e;
}

static struct crl_walk_entry
decode(const struct entry *e)
{
	struct crl_walk_entry w;

	assert_null(crl_walk_entry(e->der, e->row.der.n, &w));
	assert_int_equal(w.n, e->row.der.n);
	return w;
}

static struct cert_row
fresh(struct tx *tx, int64_t issuer)
{
	static uint8_t n;
	struct cert_row c;

	assert_int_equal(fix_cert(tx, issuer, 0, ++n, &c), 0);
	return c;
}

/* The row as stored after the change; fails the test where it is refused. */
static struct cert_row
to(struct tx *tx, struct cert_row c, enum cert_status status, int64_t reason,
    int64_t at_ms)
{
	struct status_to x = { status, reason, 0 };
	struct refusal why = { 0 };
	int64_t seq = -1;
	struct cert_row got;

	if (status_change(tx, &c, &x, at_ms, &seq, &why) < 0)
		fail_msg("%s: %s", why.code, why.detail);
	assert_int_equal(store_cert_by_id(tx, c.id, &got), 0);
	assert_int_equal(got.rev_seq, seq);
	assert_true(seq > c.rev_seq);
	return got;
}

static void
refused(struct tx *tx, const struct cert_row *c, struct status_to x, int err,
    const char *code)
{
	struct refusal why = { 0 };
	struct cert_row got;
	int64_t seq = -1;

	assert_int_equal(status_change(tx, c, &x, NOW_MS, &seq, &why), err);
	assert_string_equal(why.code, code);
	assert_int_equal(why.http, err == CAMCA_EINVAL ? 400 : 409);
	assert_int_equal(seq, -1);
	assert_int_equal(status_change(tx, c, &x, NOW_MS, &seq, NULL), err);
	assert_int_equal(store_cert_by_id(tx, c->id, &got), 0);
	assert_int_equal(got.rev_seq, c->rev_seq);
	assert_int_equal(got.status, c->status);
}

/* From each status and reason to each: just these are allowed. */
static void
test_table(void **state)
{
	static const int64_t reasons[] = { 0, 1, 2, 3, 4, 5, 9, 10 };
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca = fix_issuer(tx, "ec");
	struct cert_row c;

	c = fresh(tx, ca);
	refused(tx, &c, (struct status_to){ CERT_GOOD, -1, 0 },
	    CAMCA_ECONFLICT, "cert.status");
	for (size_t i = 0; i < COUNT(reasons); i++) {
		c = to(tx, fresh(tx, ca), CERT_REVOKED, reasons[i], NOW_MS);
		assert_int_equal(c.status, CERT_REVOKED);
		assert_int_equal(c.reason, reasons[i]);
		assert_int_equal(c.revoked_ms, NOW_MS);
		refused(tx, &c, (struct status_to){ CERT_GOOD, -1, 0 },
		    CAMCA_ECONFLICT, "cert.status");
		refused(tx, &c, (struct status_to){ CERT_HOLD, 6, 0 },
		    CAMCA_ECONFLICT, "cert.status");
		for (size_t k = 0; k < COUNT(reasons); k++)
			if (reasons[k] != 1 || reasons[i] == 1)
				refused(tx, &c, (struct status_to){
				    CERT_REVOKED, reasons[k], 0 },
				    CAMCA_ECONFLICT, "cert.status");
		if (reasons[i] == 1)
			continue;
		/* C11: the key turned out to be stolen. */
		c = to(tx, c, CERT_REVOKED, 1, NOW_MS + 5000);
		assert_int_equal(c.reason, 1);
		assert_int_equal(c.revoked_ms, NOW_MS);
	}
}

static void
test_hold(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca = fix_issuer(tx, "ec");
	struct cert_row c = to(tx, fresh(tx, ca), CERT_HOLD, 6, NOW_MS);
	struct entry e = entry_of(tx, ca);

	assert_int_equal(c.reason, 6);
	assert_int_equal(e.n, 1);
	assert_int_equal(decode(&e).reason, 6);
	refused(tx, &c, (struct status_to){ CERT_HOLD, 6, 0 },
	    CAMCA_ECONFLICT, "cert.status");
	/* Released: nothing of it is left. */
	c = to(tx, c, CERT_GOOD, -1, NOW_MS + 1000);
	assert_int_equal(c.reason, -1);
	assert_int_equal(c.revoked_ms, 0);
	assert_int_equal(entry_of(tx, ca).n, 0);
	/* Hold again, then for good: the date of the hold stays. */
	c = to(tx, c, CERT_HOLD, 6, NOW_MS + 2000);
	c = to(tx, c, CERT_REVOKED, 9, NOW_MS + 9000);
	assert_int_equal(c.revoked_ms, NOW_MS + 2000);
	e = entry_of(tx, ca);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.row.rev_seq, c.rev_seq);
	assert_int_equal(e.row.cert, c.id);
	assert_int_equal(e.row.not_after_ms, c.not_after_ms);
	assert_int_equal(decode(&e).reason, 9);
	assert_int_equal(decode(&e).date_s, NOW_MS / 1000 + 2);
}

static void
test_reason_refused(void **state)
{
	static const int64_t bad[] = { INT64_MIN, -1, 6, 7, 8, 11, INT64_MAX };
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca = fix_issuer(tx, "ec");
	struct cert_row c = fresh(tx, ca), held;

	held = to(tx, fresh(tx, ca), CERT_HOLD, 6, NOW_MS);
	for (size_t i = 0; i < COUNT(bad); i++) {
		refused(tx, &c, (struct status_to){ CERT_REVOKED, bad[i], 0 },
		    CAMCA_EINVAL, "cert.reason");
		refused(tx, &held, (struct status_to){ CERT_REVOKED, bad[i],
		    0 }, CAMCA_EINVAL, "cert.reason");
	}
	assert_int_equal(entry_of(tx, ca).n, 1);
}

static void
test_invalidity(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca = fix_issuer(tx, "ec"), seq;
	struct cert_row c = fresh(tx, ca);
	struct status_to x = { CERT_HOLD, 6, NOW_MS - 7000 };
	struct entry e;

	refused(tx, &c, (struct status_to){ CERT_HOLD, 6, NOW_MS + 1 },
	    CAMCA_EINVAL, "cert.invalidity");
	refused(tx, &c, (struct status_to){ CERT_HOLD, 6, -1 }, CAMCA_EINVAL,
	    "cert.invalidity");
	assert_int_equal(status_change(tx, &c, &x, NOW_MS, &seq, NULL), 0);
	e = entry_of(tx, ca);
	assert_int_equal(decode(&e).invalidity_s, NOW_MS / 1000 - 7);
	/* The hold's stays where nobody knows better. */
	assert_int_equal(store_cert_by_id(tx, c.id, &c), 0);
	c = to(tx, c, CERT_REVOKED, 2, NOW_MS);
	assert_int_equal(c.invalidity_ms, NOW_MS - 7000);
	x = (struct status_to){ CERT_REVOKED, 1, NOW_MS - 9000 };
	assert_int_equal(status_change(tx, &c, &x, NOW_MS, &seq, NULL), 0);
	e = entry_of(tx, ca);
	assert_int_equal(e.n, 1);
	assert_int_equal(decode(&e).invalidity_s, NOW_MS / 1000 - 9);
	assert_int_equal(decode(&e).date_s, NOW_MS / 1000);
}

/* Two decide at the same time on the same row: the second one looks again. */
static void
test_stale_row(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca = fix_issuer(tx, "ec"), seq = -1;
	struct cert_row c = fresh(tx, ca), stale = c;
	struct status_to x = { CERT_REVOKED, 1, 0 };
	struct refusal why = { 0 };

	c = to(tx, c, CERT_HOLD, 6, NOW_MS);
	assert_int_equal(status_change(tx, &stale, &x, NOW_MS, &seq, &why),
	    CAMCA_ECONFLICT);
	assert_string_equal(why.code, "cert.status");
	assert_int_equal(entry_of(tx, ca).n, 1);
	stale.id = 12345;
	assert_int_equal(status_change(tx, &stale, &x, NOW_MS, &seq, NULL),
	    CAMCA_ENOENT);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_table), T(test_hold), T(test_reason_refused),
		T(test_invalidity), T(test_stale_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
