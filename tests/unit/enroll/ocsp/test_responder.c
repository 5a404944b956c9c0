/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered, seen by OpenSSL's client. Names are those of the rules. */
#include "tests/unit/enroll/ocsp/responder_fixture.h"

struct said {
	int status, reason;
	int64_t revoked_s, this_s, next_s, produced_s;
	int exts;
};

static int
setup(void **state)
{
	*state = rf_ready();
	return 0;
}

static int
teardown(void **state)
{
	rf_free(*state);
	return 0;
}

static int64_t
seconds(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	if (t == NULL)
		return 0;
	assert_int_equal(ASN1_TIME_to_tm(t, &tm), 1);
	return (int64_t)timegm(&tm);
}

static struct said
single(OCSP_BASICRESP *b, int i)
{
	OCSP_SINGLERESP *s = OCSP_resp_get0(b, i);
	ASN1_GENERALIZEDTIME *rev, *this, *next;
	struct said x = { 0 };

	assert_non_null(s);
	x.status = OCSP_single_get0_status(s, &x.reason, &rev, &this, &next);
	x.revoked_s = x.status == V_OCSP_CERTSTATUS_REVOKED ? seconds(rev) : 0;
	x.this_s = seconds(this);
	x.next_s = seconds(next);
	x.produced_s = seconds(OCSP_resp_get0_produced_at(b));
	x.exts = OCSP_SINGLERESP_get_ext_count(s);
	return x;
}

/* Asks for one certificate of the first issuing CA. */
static struct said
ask(struct rf *f, uint32_t n)
{
	OCSP_BASICRESP *b;
	struct said x;

	rf_request(f, 1, n, EVP_sha256(), 0);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	b = rf_verified(f);
	x = single(b, 0);
	assert_int_equal(OCSP_resp_count(b), 1);
	OCSP_BASICRESP_free(b);
	return x;
}

static void
test_o7_good(void **state)
{
	struct rf *f = *state;
	struct said x;

	rf_good(f, 1, 0);
	x = ask(f, 1);
	assert_int_equal(x.status, V_OCSP_CERTSTATUS_GOOD);
	/* O11, O12, O14 */
	assert_int_equal(x.produced_s, PKI_NOW_S);
	assert_int_equal(x.this_s, PKI_NOW_S - 300);
	assert_int_equal(x.next_s, PKI_NOW_S + 3600);
	assert_int_equal(x.exts, 0);
}

static void
test_o14_revoked_and_hold(void **state)
{
	struct rf *f = *state;
	struct said x;

	rf_put(f, 1, STATUS_WIRE_REVOKED, 1, PKI_NOW_S - 10, 5);
	x = ask(f, 1);
	assert_int_equal(x.status, V_OCSP_CERTSTATUS_REVOKED);
	assert_int_equal(x.reason, 1);
	assert_int_equal(x.revoked_s, PKI_NOW_S - 10);
	assert_int_equal(x.this_s, PKI_NOW_S - 10);
	rf_put(f, 2, STATUS_WIRE_HOLD, 6, PKI_NOW_S - 1000, 6);
	x = ask(f, 2);
	assert_int_equal(x.status, V_OCSP_CERTSTATUS_REVOKED);
	assert_int_equal(x.reason, 6);
	assert_int_equal(x.this_s, PKI_NOW_S - 300);
	rf_put(f, 3, STATUS_WIRE_REVOKED, 0, PKI_NOW_S, 7);
	assert_int_equal(ask(f, 3).reason, -1);
}

/* A hold that ended a moment ago: not good before that. */
static void
test_o14_released(void **state)
{
	struct rf *f = *state;
	struct said x;

	rf_good(f, 1, 9);
	x = ask(f, 1);
	assert_int_equal(x.status, V_OCSP_CERTSTATUS_GOOD);
	assert_int_equal(x.this_s, PKI_NOW_S);
}

static void
test_o8_not_issued(void **state)
{
	struct rf *f = *state;
	OCSP_BASICRESP *b;
	struct said x;

	rf_request(f, 1, 99, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	f->cfg.ocsp_unissued_revoked = true;
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	b = rf_verified(f);
	x = single(b, 0);
	assert_int_equal(x.status, V_OCSP_CERTSTATUS_REVOKED);
	assert_int_equal(x.reason, 6);
	assert_int_equal(x.revoked_s, 0);
	assert_int_equal(x.exts, 0);
	assert_int_equal(OCSP_BASICRESP_get_ext_count(b), 1);
	assert_false(X509_EXTENSION_get_critical(
	    OCSP_BASICRESP_get_ext(b, 0)));
	OCSP_BASICRESP_free(b);
}

/* Invented serials are never kept. */
static void
test_o8_not_kept(void **state)
{
	struct rf *f = *state;
	struct prepared *p, *q;

	f->cfg.ocsp_unissued_revoked = true;
	rf_request(f, 1, 99, EVP_sha1(), 0);
	p = rf_answer(f, true);
	q = rf_answer(f, true);
	assert_ptr_not_equal(p, q);
	prepared_free(p);
	prepared_free(q);
}

static void
test_o9_other_issuer(void **state)
{
	struct rf *f = *state;
	struct pki_ca other = pki_ca("EC", 5, NULL);
	uint8_t serial[20];

	rf_good(f, 1, 0);
	rf_serial(1, serial);
	buf_reset(&f->der);
	pki_request(&other, EVP_sha1(), serial, 20, 0, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	/* O6: the other generation has the name, but not the key. */
	rf_request(f, 2, 1, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	pki_ca_fini(&other);
}

static void
test_o4_hashes(void **state)
{
	struct rf *f = *state;

	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	rf_request(f, 1, 1, EVP_sha256(), 0);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	rf_request(f, 1, 1, EVP_sha384(), 0);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	rf_request(f, 1, 1, EVP_md5(), 0);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
}

/* O3: what was asked stands in the answer, byte by byte: with NULL parameters
 * and without them. */
static void
test_o3_id_echoed(void **state)
{
	static const uint8_t with[] = { 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
	    0x03, 0x02, 0x1a, 0x05, 0x00 };
	static const uint8_t without[] = { 0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e,
	    0x03, 0x02, 0x1a };
	struct rf *f = *state;
	OCSP_BASICRESP *b;
	uint8_t *at;

	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	at = memmem(f->der.data, f->der.len, with, sizeof with);
	assert_non_null(at);
	assert_non_null(memmem(f->out.data, f->out.len, at - 2,
	    f->der.len - (size_t)(at - 2 - f->der.data)));
	/* Take 05 00 out, and two from the five lengths around it. */
	memmove(at + 9, at + 11, f->der.len - (size_t)(at - f->der.data) - 11);
	f->der.len -= 2;
	at[1] = 7;
	for (int i = 1; i <= 9; i += 2)
		f->der.data[i] = (uint8_t)(f->der.data[i] - 2);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	assert_non_null(memmem(f->out.data, f->out.len, without,
	    sizeof without));
	assert_null(memmem(f->out.data, f->out.len, with, sizeof with));
	b = rf_verified(f);
	OCSP_BASICRESP_free(b);
}

static OCSP_CERTID *
numbered(struct rf *f, size_t ca, uint32_t n, const EVP_MD *md)
{
	uint8_t serial[20];

	rf_serial(n, serial);
	return pki_id(&f->cas[ca], md, serial, 20);
}

static void
test_o2_several(void **state)
{
	struct rf *f = *state;
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	OCSP_BASICRESP *b;

	for (uint32_t i = 1; i <= 16; i++) {
		if (i % 4 == 0)
			rf_put(f, i, STATUS_WIRE_REVOKED, 4, PKI_NOW_S - 5, i);
		else
			rf_good(f, i, 0);
		OCSP_request_add0_id(req, numbered(f, 1, i, i % 2 == 0 ?
		    EVP_sha1() : EVP_sha256()));
	}
	pki_put(req, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	b = rf_verified(f);
	assert_int_equal(OCSP_resp_count(b), 16);
	for (int i = 1; i <= 16; i++)
		assert_int_equal(single(b, i - 1).status, i % 4 == 0 ?
		    V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD);
	OCSP_BASICRESP_free(b);
	OCSP_request_add0_id(req, numbered(f, 1, 1, EVP_sha1()));
	buf_reset(&f->der);
	pki_put(req, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_MALFORMED);
	OCSP_REQUEST_free(req);
}

/* One signature speaks for one CA. */
static void
test_o2_several_issuers(void **state)
{
	struct rf *f = *state;
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	const uint8_t two = 2;

	rf_good(f, 1, 0);
	OCSP_request_add0_id(req, numbered(f, 1, 1, EVP_sha1()));
	OCSP_request_add0_id(req, pki_id(&f->cas[0], EVP_sha1(), &two, 1));
	pki_put(req, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	OCSP_REQUEST_free(req);
}

static void
test_o30_ca_certificates(void **state)
{
	struct rf *f = *state;
	OCSP_BASICRESP *b;
	uint8_t serial;

	for (serial = 1; serial <= 3; serial++) {
		buf_reset(&f->der);
		pki_request(&f->cas[0], EVP_sha1(), &serial, 1, 0, &f->der);
		assert_int_equal(rf_ask(f), ANSWER_SIGNED);
		b = rf_verified(f);
		assert_int_equal(single(b, 0).status, V_OCSP_CERTSTATUS_GOOD);
		OCSP_BASICRESP_free(b);
	}
	/* The root did not issue that, and EC did not issue the root. */
	buf_reset(&f->der);
	pki_request(&f->cas[0], EVP_sha1(), &serial, 1, 0, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	serial = 1;
	buf_reset(&f->der);
	pki_request(&f->cas[1], EVP_sha1(), &serial, 1, 0, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
	rf_lease(f, false);
	buf_reset(&f->der);
	pki_request(&f->cas[0], EVP_sha1(), &serial, 1, 0, &f->der);
	assert_int_equal(rf_ask(f), ANSWER_TRY_LATER);
}

static void
test_o10_malformed(void **state)
{
	struct rf *f = *state;

	assert_int_equal(rf_ask(f), ANSWER_MALFORMED);
	assert_int_equal(buf_puts(&f->der, "hello"), 0);
	assert_int_equal(rf_ask(f), ANSWER_MALFORMED);
}

/* Without the feed nothing is good, and what is revoked stays so. */
static void
test_o10_lease(void **state)
{
	struct rf *f = *state;

	rf_good(f, 1, 0);
	rf_put(f, 2, STATUS_WIRE_REVOKED, 1, PKI_NOW_S, 5);
	rf_lease(f, false);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_TRY_LATER);
	rf_request(f, 1, 2, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	rf_request(f, 1, 3, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_TRY_LATER);
	rf_lease(f, true);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
}

static void
test_o10_not_loaded(void **state)
{
	struct rf *f = *state;
	struct table *fresh = NULL;

	rf_good(f, 1, 0);
	assert_int_equal(table_new(&fresh), 0);
	f->r.table = fresh;
	rf_request(f, 1, 1, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_TRY_LATER);
	f->r.table = f->table;
	table_free(fresh);
}

static void
test_o20_nonce(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 32, 33, 128 };
	struct rf *f = *state;
	OCSP_BASICRESP *b;
	OCSP_REQUEST *req;
	const unsigned char *p;

	rf_good(f, 1, 0);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		rf_request(f, 1, 1, EVP_sha1(), sizes[i]);
		assert_int_equal(rf_ask(f), ANSWER_SIGNED);
		b = rf_verified(f);
		p = f->der.data;
		req = d2i_OCSP_REQUEST(NULL, &p, (long)f->der.len);
		assert_int_equal(OCSP_check_nonce(req, b), 1);
		OCSP_REQUEST_free(req);
		OCSP_BASICRESP_free(b);
	}
	rf_request(f, 1, 1, EVP_sha1(), 129);
	assert_int_equal(rf_ask(f), ANSWER_MALFORMED);
}

static void
test_o20_nonced_is_not_kept(void **state)
{
	struct rf *f = *state;
	struct prepared *p, *q;

	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 16);
	p = rf_answer(f, true);
	q = rf_answer(f, true);
	assert_ptr_not_equal(p, q);
	assert_string_equal(p->etag, "");
	prepared_free(p);
	prepared_free(q);
}

static void
test_kept_until_half_its_life(void **state)
{
	struct rf *f = *state;
	struct prepared *p, *q;

	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	p = rf_answer(f, true);
	rf_now_s += 1799;
	q = rf_answer(f, true);
	assert_ptr_equal(p, q);
	prepared_free(q);
	rf_now_s += 1;
	q = rf_answer(f, true);
	assert_ptr_not_equal(p, q);
	assert_string_not_equal(p->etag, q->etag);
	prepared_free(p);
	prepared_free(q);
	q = rf_answer(f, false);
	assert_string_equal(q->etag, "");
	prepared_free(q);
}

/* O11: an answer of a clock that ran ahead is not given once it is right. */
static void
test_o11_clock_set_back(void **state)
{
	struct rf *f = *state;
	struct prepared *p, *q;

	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	p = rf_answer(f, true);
	rf_now_s -= 600;
	q = rf_answer(f, true);
	assert_ptr_not_equal(p, q);
	prepared_free(p);
	p = rf_answer(f, true);
	assert_ptr_equal(p, q);
	prepared_free(p);
	prepared_free(q);
}

/* O16: nothing kept survives a change, in either direction. */
static void
test_o16_change_ends_what_is_kept(void **state)
{
	struct rf *f = *state;
	struct prepared *good, *hold, *again, *revoked;

	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	good = rf_answer(f, true);
	rf_put(f, 1, STATUS_WIRE_HOLD, 6, PKI_NOW_S, 1);
	hold = rf_answer(f, true);
	assert_ptr_not_equal(good, hold);
	assert_int_equal(hold->about.status.value, STATUS_HOLD);
	rf_good(f, 1, 2);
	again = rf_answer(f, true);
	assert_int_equal(again->about.status.value, STATUS_GOOD);
	assert_ptr_not_equal(good, again);
	rf_put(f, 1, STATUS_WIRE_REVOKED, 1, PKI_NOW_S, 3);
	revoked = rf_answer(f, true);
	assert_int_equal(revoked->about.status.value, STATUS_REVOKED);
	prepared_free(good);
	prepared_free(hold);
	prepared_free(again);
	prepared_free(revoked);
}

static void
test_o15_kept_good_without_lease(void **state)
{
	struct rf *f = *state;
	struct prepared *p;

	rf_good(f, 1, 0);
	rf_put(f, 2, STATUS_WIRE_REVOKED, 1, PKI_NOW_S, 1);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	prepared_free(rf_answer(f, true));
	rf_lease(f, false);
	p = rf_answer(f, true);
	assert_ptr_equal(p, f->r.errors[ANSWER_TRY_LATER]);
	prepared_free(p);
	rf_request(f, 1, 2, EVP_sha1(), 0);
	p = rf_answer(f, true);
	assert_int_equal(p->about.status.value, STATUS_REVOKED);
	prepared_free(p);
}

/* O19: never longer than the signer's certificate; none, no answer. */
static void
test_o19_signer_ends(void **state)
{
	struct rf *f = *state;
	struct said x;

	rf_good(f, 1, 0);
	rf_now_s = PKI_NOW_S + 604800 - 100;
	x = ask(f, 1);
	assert_int_equal(x.next_s, PKI_NOW_S + 604800);
	rf_now_s = PKI_NOW_S + 604800;
	assert_int_equal(rf_ask(f), ANSWER_TRY_LATER);
}

static void
test_o23_archive_cutoff(void **state)
{
	struct rf *f = *state;
	ASN1_GENERALIZEDTIME *t;
	OCSP_BASICRESP *b;

	rf_good(f, 1, 0);
	f->cfg.ocsp_retention_s = 86400;
	rf_request(f, 1, 1, EVP_sha1(), 0);
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	b = rf_verified(f);
	t = OCSP_SINGLERESP_get1_ext_d2i(OCSP_resp_get0(b, 0),
	    NID_id_pkix_OCSP_archiveCutoff, NULL, NULL);
	assert_non_null(t);
	assert_int_equal(seconds(t), PKI_NOW_S - 86400);
	ASN1_GENERALIZEDTIME_free(t);
	OCSP_BASICRESP_free(b);
}

/* O28: signatures are counted by address, kept answers are not. */
static void
test_o28_rate(void **state)
{
	struct rf *f = *state;
	int got = 0;

	bucket_free(f->r.bucket);
	assert_int_equal(bucket_new(&f->r.bucket, &rf_ctx, 64, 5), 0);
	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 16);
	for (int i = 0; i < 50; i++)
		got += rf_ask(f) == ANSWER_SIGNED;
	assert_in_range(got, 5, 10);
	f->from.bytes[0] = 2;
	assert_int_equal(rf_ask(f), ANSWER_SIGNED);
	rf_request(f, 1, 1, EVP_sha1(), 0);
	prepared_free(rf_answer(f, true));
	f->from.bytes[0] = 1;
	for (int i = 0; i < 50; i++) {
		struct prepared *p = rf_answer(f, true);

		assert_int_equal(p->about.status.value, STATUS_GOOD);
		prepared_free(p);
	}
}

static void
test_o29_serials(void **state)
{
	struct rf *f = *state;
	uint8_t long_one[21] = { 0x11 };

	f->cfg.ocsp_unissued_revoked = true;
	pki_request(&f->cas[1], EVP_sha1(), long_one, sizeof long_one, 0,
	    &f->der);
	assert_int_equal(rf_ask(f), ANSWER_UNAUTHORIZED);
}

/* Every cut and every flipped bit: an error, or an answer that verifies. */
static void
test_broken_requests(void **state)
{
	struct rf *f = *state;
	size_t n;

	f->cfg.ocsp_sign_rate = 1000000;
	bucket_free(f->r.bucket);
	assert_int_equal(bucket_new(&f->r.bucket, &rf_ctx, 64, 1000000), 0);
	rf_good(f, 1, 0);
	rf_request(f, 1, 1, EVP_sha1(), 16);
	n = f->der.len;
	while (f->der.len-- > 0)
		assert_int_equal(rf_ask(f), ANSWER_MALFORMED);
	f->der.len = n;
	for (size_t bit = 0; bit < n * 8; bit++) {
		f->der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rf_ask(f) == ANSWER_SIGNED)
			OCSP_BASICRESP_free(rf_verified(f));
		f->der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_o7_good), T(test_o14_revoked_and_hold),
		T(test_o14_released), T(test_o8_not_issued),
		T(test_o8_not_kept), T(test_o9_other_issuer),
		T(test_o4_hashes), T(test_o3_id_echoed), T(test_o2_several),
		T(test_o2_several_issuers), T(test_o30_ca_certificates),
		T(test_o10_malformed), T(test_o10_lease),
		T(test_o10_not_loaded), T(test_o20_nonce),
		T(test_o20_nonced_is_not_kept),
		T(test_kept_until_half_its_life),
		T(test_o11_clock_set_back),
		T(test_o16_change_ends_what_is_kept),
		T(test_o15_kept_good_without_lease), T(test_o19_signer_ends),
		T(test_o23_archive_cutoff), T(test_o28_rate),
		T(test_o29_serials), T(test_broken_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
