/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of list that must not come out, C13. */
#include "tests/unit/ca/status/crl_fixture.h"

#include "ca/status/crl_gate.h"
#include "ca/status/crl_make.h"

/* A good list of three entries and what is known of the one before it. */
struct gate {
	struct crl_list l;
	struct crl_file_row row;
	struct crl_last last;
	struct crl_made m;
};

static void
add(struct crl_list *l, uint8_t tag, int64_t reason, int64_t at_ms)
{
	struct cert_row r = { .status = reason == 6 ? CERT_HOLD : CERT_REVOKED,
	    .reason = reason, .revoked_ms = at_ms };
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_change c;
	size_t n;

	r.serial[0] = 0x11;
	r.serial[19] = tag;
	assert_int_equal(crl_entry_encode(&r, der, &n), 0);
	assert_int_equal(crl_change_put(&c, tag, at_ms + YEAR_MS, der, n), 0);
	assert_int_equal(crl_list_merge(l, &c, 1, 0, NULL), 0);
}

static void
gate_init(struct crl_fix *f, struct gate *g)
{
	memset(g, 0, sizeof *g);
	crl_list_init(&g->l);
	for (uint8_t i = 1; i <= 3; i++)
		add(&g->l, i, i == 2 ? 6 : 1, FIX_NOW_MS - 9000);
	g->row = (struct crl_file_row){ .issuer = f->ca->row.id, .number = 5,
	    .this_update_ms = FIX_NOW_MS, .next_update_ms = FIX_NOW_MS +
	    LIFE_MS, .entries = 3 };
	g->last = (struct crl_last){ 4, FIX_NOW_MS - 1000 };
	assert_int_equal(crl_make(&g->l, f->ca, &g->row, &g->m), 0);
}

static int
pass(struct crl_fix *f, struct gate *g)
{
	memset(&f->f->why, 0, sizeof f->f->why);
	return crl_gate(&g->m, &g->l, f->ca, &g->row, &g->last, &f->f->why);
}

static void
refused(struct crl_fix *f, struct gate *g, const char *what)
{
	assert_int_equal(pass(f, g), CAMCA_EPOLICY);
	assert_int_equal(f->f->why.http, 503);
	if (strstr(f->f->why.detail, what) == NULL)
		fail_msg("'%s' is not in '%s'", what, f->f->why.detail);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_good(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	assert_int_equal(pass(f, &g), 0);
	g.last = (struct crl_last){ 0, 0 };
	assert_int_equal(pass(f, &g), 0);
	crl_list_fini(&g.l);
}

/* Number and thisUpdate rise, each for itself. */
static void
test_order(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	for (int64_t n = 5; n <= 7; n++) {
		g.last.number = n;
		refused(f, &g, "a number that does not rise");
	}
	g.last.number = 4;
	for (int64_t ms = 0; ms <= 2000; ms += 1000) {
		g.last.this_update_ms = FIX_NOW_MS + ms;
		refused(f, &g, "a thisUpdate that does not rise");
	}
	crl_list_fini(&g.l);
}

/* Other entries than the changes explain: fewer, more, another one. */
static void
test_entries(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	g.l.n++;
	refused(f, &g, "other entries");
	g.l.n -= 2;
	refused(f, &g, "other entries");
	g.l.n++;
	g.l.hash ^= 1;
	refused(f, &g, "other entries");
	crl_list_fini(&g.l);
}

static void
test_facts(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	g.row.number++;
	refused(f, &g, "another number or time");
	g.row.number--;
	g.row.next_update_ms += 1000;
	refused(f, &g, "another number or time");
	g.row.next_update_ms -= 1000;
	g.m.tbs++;
	refused(f, &g, "other bytes");
	g.m.tbs--;
	f->ca = ca_root(f->f->set);
	refused(f, &g, "another issuer");
	crl_list_fini(&g.l);
}

static void
test_signature(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	g.m.tbs_hash[0] ^= 1;
	refused(f, &g, "a wrong signature");
	g.m.tbs_hash[0] ^= 1;
	/* The last byte of the signature: still DER, and wrong. */
	((uint8_t *)(uintptr_t)g.m.p)[g.m.n - 1] ^= 1;
	refused(f, &g, "a wrong signature");
	crl_list_fini(&g.l);
}

/* Memory that changed under us: whatever bit, it does not come out. */
static void
test_each_bit_of_the_signed_part(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;
	uint8_t *p;

	gate_init(f, &g);
	p = (uint8_t *)(uintptr_t)g.m.tbs;
	for (size_t i = 0; i < g.m.tbs_n * 8; i++) {
		p[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(EVP_Digest(g.m.tbs, g.m.tbs_n, g.m.tbs_hash,
		    NULL, EVP_sha256(), NULL), 1);
		assert_int_equal(pass(f, &g), CAMCA_EPOLICY);
		p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(EVP_Digest(g.m.tbs, g.m.tbs_n, g.m.tbs_hash, NULL,
	    EVP_sha256(), NULL), 1);
	assert_int_equal(pass(f, &g), 0);
	crl_list_fini(&g.l);
}

static void
test_read_back(void **state)
{
	struct crl_fix *f = *state;
	struct crl_file_row row = { 0 };
	struct gate g;

	gate_init(f, &g);
	assert_int_equal(crl_gate_read(g.m.p, g.m.n, f->ca, &row, NULL), 0);
	assert_int_equal(row.number, 5);
	assert_int_equal(row.entries, 3);
	assert_int_equal(row.this_update_ms, FIX_NOW_MS);
	assert_int_equal(crl_gate_read(g.m.p, g.m.n - 1, f->ca, &row, NULL),
	    CAMCA_EPOLICY);
	assert_int_equal(crl_gate_read(g.m.p, g.m.n, ca_root(f->f->set), &row,
	    NULL), CAMCA_EPOLICY);
	crl_list_fini(&g.l);
}

static int
cert_tx(struct tx *tx, void *arg)
{
	struct cert_row *r = arg, good = *r;
	int ret;

	good.status = CERT_GOOD;
	ret = store_cert_insert(tx, &good);
	r->id = good.id;
	return ret < 0 || r->status == CERT_GOOD ? ret :
	    store_cert_change(tx, r);
}

/* A certificate that the store knows, with the serial that add() gives. */
static void
known(struct crl_fix *f, uint8_t tag, int64_t status, int64_t not_after_ms)
{
	static uint8_t der[] = { 0x30, 0 };
	struct cert_row r = { .issuer = f->ca->row.id, .status = status,
	    .reason = -1, .not_after_ms = not_after_ms,
	    .der = { der, sizeof der } };

	r.serial[0] = 0x11;
	r.serial[19] = tag;
	assert_int_equal(store_tx(f->f->store, DB_WRITE, cert_tx, &r), 0);
}

static int
compare(struct crl_fix *f, const struct crl_list *l, const struct gate *g)
{
	memset(&f->f->why, 0, sizeof f->f->why);
	return crl_gate_compare(f->f->store, l, g->m.p, g->m.n, &f->f->why);
}

/* 1 keyCompromise, 2 on hold, 3 keyCompromise are on the list before. */
static void
test_compare(void **state)
{
	struct crl_fix *f = *state;
	struct crl_list l;
	struct gate g;

	gate_init(f, &g);
	crl_list_init(&l);
	for (uint8_t i = 1; i <= 3; i++)
		add(&l, i, i == 2 ? 6 : 1, FIX_NOW_MS - 9000);
	add(&l, 0, 1, FIX_NOW_MS);
	add(&l, 9, 1, FIX_NOW_MS);
	assert_int_equal(compare(f, &l, &g), 0);
	/* From a hold to anything; from one reason to another. */
	add(&l, 2, 5, FIX_NOW_MS - 9000);
	add(&l, 3, 2, FIX_NOW_MS - 9000);
	assert_int_equal(compare(f, &l, &g), 0);
	/* From revoked to a hold: it could be released then. */
	add(&l, 3, 6, FIX_NOW_MS - 9000);
	assert_int_equal(compare(f, &l, &g), CAMCA_EPOLICY);
	assert_string_equal(f->f->why.code, "crl.shrinks");
	crl_list_fini(&l);
	crl_list_fini(&g.l);
}

static void
lost(struct crl_fix *f, const struct gate *g, uint8_t tag, const char *what)
{
	struct crl_list l;

	crl_list_init(&l);
	assert_int_equal(crl_list_merge(&l, NULL, 0, 0, NULL), 0);
	for (uint8_t i = 1; i <= 3; i++)
		if (i != tag)
			add(&l, i, i == 2 ? 6 : 1, FIX_NOW_MS - 9000);
	if (what == NULL) {
		assert_int_equal(compare(f, &l, g), 0);
	} else {
		assert_int_equal(compare(f, &l, g), CAMCA_EPOLICY);
		assert_string_equal(f->f->why.code, "crl.shrinks");
		if (strstr(f->f->why.detail, what) == NULL)
			fail_msg("'%s' is not in '%s'", what,
			    f->f->why.detail);
	}
	crl_list_fini(&l);
}

static void
test_compare_missing(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	for (uint8_t i = 1; i <= 3; i++)
		lost(f, &g, i, "knows no such");
	known(f, 1, CERT_GOOD, FIX_NOW_MS + YEAR_MS);
	lost(f, &g, 1, "revoke it again");
	known(f, 2, CERT_GOOD, FIX_NOW_MS + YEAR_MS);
	lost(f, &g, 2, NULL);                        /* released */
	known(f, 3, CERT_REVOKED, FIX_NOW_MS + YEAR_MS);
	lost(f, &g, 3, "its entry is missing");
	crl_list_fini(&g.l);
}

/* C9: on the list before, which was issued after the end. */
static void
test_compare_expired(void **state)
{
	struct crl_fix *f = *state;
	struct gate g;

	gate_init(f, &g);
	known(f, 1, CERT_REVOKED, FIX_NOW_MS - 1);
	lost(f, &g, 1, NULL);
	known(f, 2, CERT_HOLD, FIX_NOW_MS);
	lost(f, &g, 2, "its entry is missing");
	crl_list_fini(&g.l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRL_TEST(test_good), CRL_TEST(test_order),
		CRL_TEST(test_entries), CRL_TEST(test_facts),
		CRL_TEST(test_signature),
		CRL_TEST(test_each_bit_of_the_signed_part),
		CRL_TEST(test_read_back), CRL_TEST(test_compare),
		CRL_TEST(test_compare_missing),
		CRL_TEST(test_compare_expired),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
