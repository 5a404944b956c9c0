/* SPDX-License-Identifier: Apache-2.0 */
/* A CA with a store, a token and a folder for its CRL; the clock moves on by a
 * second for each list, as thisUpdate must. */
#ifndef CAMCA_TEST_CRL_FIXTURE_H
#define CAMCA_TEST_CRL_FIXTURE_H

#include "tests/unit/ca/issue/ca_fixture.h"

#include "ca/status/change.h"
#include "ca/status/crl.h"

#define HOUR_MS INT64_C(3600000)
#define LIFE_MS (24 * HOUR_MS)
#define SKEW_MS INT64_C(300000)
#define NOT_LISTED (-2)

struct crl_fix {
	struct fix *f;
	const struct ca *ca;
	struct event_source src;
	struct crl_conf conf;
	struct crl *crl;
	char dir[256], path[512], next[512];
	struct crl_file_row row;         /* of the published list, by look() */
	int64_t id;                      /* of the certificate made last */
};

static inline void
reopen(struct crl_fix *f)
{
	struct crl_paths p;

	crl_close(f->crl);
	f->crl = NULL;
	assert_int_equal(crl_paths(&p, f->dir, f->ca->row.ski), 0);
	memcpy(f->path, p.now, sizeof f->path);
	memcpy(f->next, p.next, sizeof f->next);
	assert_int_equal(crl_open(&f->crl, &f->conf, f->ca), 0);
}

static inline int
crl_fix_setup(void **state)
{
	struct fix *base = *state;
	struct crl_fix *f = calloc(1, sizeof *f);

	assert_non_null(f);
	assert_int_equal(fix_setup(state), 0);
	fix_cas(base);
	f->f = base;
	f->ca = ca_active(base->set, "ec");
	f->src = (struct event_source){ &base->ctx, "test" };
	fix_path(base, "crl", f->dir);
	assert_int_equal(file_mkdirs(f->dir, 0700), 0);
	f->conf = (struct crl_conf){ base->store, &f->src, f->dir, LIFE_MS };
	reopen(f);
	*state = f;
	return 0;
}

static inline int
crl_fix_teardown(void **state)
{
	struct crl_fix *f = *state;

	crl_close(f->crl);
	nftw(f->dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS);
	*state = f->f;
	free(f);
	return fix_teardown(state);
}

#define CRL_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, crl_fix_setup, crl_fix_teardown)

static inline void
look(struct crl_fix *f)
{
	struct crl_file *file = crl_published(f->crl, 0);

	assert_non_null(file);
	f->row = file->row;
	crl_file_free(file);
}

static inline void
build(struct crl_fix *f)
{
	memset(&f->f->why, 0, sizeof f->f->why);
	f->f->now_ms += 1000 * (f->row.number > 0);
	if (crl_build(f->crl, f->ca, f->f->now_ms, &f->f->why) < 0)
		fail_msg("%s: %s", f->f->why.code, f->f->why.detail);
	assert_int_equal(ERR_peek_error(), 0);
	look(f);
}

/* err 0: it comes out after all. */
static inline void
refused_build(struct crl_fix *f, int err, const char *code)
{
	if (err == CAMCA_OK) {
		build(f);
		return;
	}
	memset(&f->f->why, 0, sizeof f->f->why);
	f->f->now_ms += 1000;
	assert_int_equal(crl_build(f->crl, f->ca, f->f->now_ms, &f->f->why),
	    err);
	if (code != NULL)
		assert_string_equal(f->f->why.code, code);
	assert_int_equal(ERR_peek_error(), 0);
}

/* The published list as a client reads it; the caller frees. */
static inline X509_CRL *
published(struct crl_fix *f)
{
	struct buf b;
	const unsigned char *p;
	X509_CRL *crl;

	buf_init(&b, 1 << 24);
	assert_int_equal(file_read(f->path, 1 << 24, &b), 0);
	p = b.data;
	crl = d2i_X509_CRL(NULL, &p, (long)b.len);
	assert_non_null(crl);
	assert_ptr_equal(p, b.data + b.len);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(f->ca->cert)),
	    1);
	buf_fini(&b);
	return crl;
}

/* Builds, and counts what a client sees. */
static inline int
entries(struct crl_fix *f)
{
	X509_CRL *crl;
	int n;

	build(f);
	crl = published(f);
	n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
	X509_CRL_free(crl);
	return n < 0 ? 0 : n;
}

/* Reason of the entry whose serial ends in tag, -1: it has none. */
static inline long
reason(struct crl_fix *f, uint8_t tag)
{
	X509_CRL *crl = published(f);
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	long ret = NOT_LISTED;

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		X509_REVOKED *r = sk_X509_REVOKED_value(list, i);
		ASN1_ENUMERATED *e;

		if (X509_REVOKED_get0_serialNumber(r)->data[19] != tag)
			continue;
		e = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
		ret = e != NULL ? ASN1_ENUMERATED_get(e) : -1;
		ASN1_ENUMERATED_free(e);
	}
	X509_CRL_free(crl);
	return ret;
}

static int
crl_insert_tx(struct tx *tx, void *arg)
{
	return store_cert_insert(tx, arg);
}

/* A certificate of the CA that ends at not_after_ms; its row id. */
static inline int64_t
cert_new(struct crl_fix *f, uint8_t tag, int64_t not_after_ms)
{
	struct cert_row r = { .issuer = f->ca->row.id, .profile = "camera",
	    .not_before_ms = f->f->now_ms - SKEW_MS,
	    .not_after_ms = not_after_ms, .reason = -1,
	    .created_ms = f->f->now_ms };
	static uint8_t der[] = { 0x30, 0x00 };

	assert_int_equal(cert_serial(&f->f->ctx, f->f->now_ms, r.serial), 0);
	r.serial[19] = tag;
	r.spki[0] = tag;
	r.der = (struct store_blob){ der, sizeof der };
	assert_int_equal(store_tx(f->f->store, DB_WRITE, crl_insert_tx, &r),
	    0);
	return r.id;
}

struct crl_change_arg {
	int64_t id, now_ms;
	struct status_to to;
};

static int
crl_change_tx(struct tx *tx, void *arg)
{
	struct crl_change_arg *c = arg;
	struct cert_row r;
	int64_t seq;
	int ret = store_cert_by_id(tx, c->id, &r);

	return ret < 0 ? ret : status_change(tx, &r, &c->to, c->now_ms, &seq,
	    NULL);
}

static inline void
change(struct crl_fix *f, int64_t id, enum cert_status status, int64_t reason)
{
	struct crl_change_arg c = { id, f->f->now_ms, { status, reason, 0 } };

	assert_int_equal(store_tx(f->f->store, DB_WRITE, crl_change_tx, &c),
	    0);
}

static inline int64_t
revoked_cert(struct crl_fix *f, uint8_t tag, int64_t reason)
{
	int64_t id = cert_new(f, tag, f->f->now_ms + YEAR_MS);

	change(f, id, CERT_REVOKED, reason);
	return id;
}

/* Copies the closed database; the store is opened again. */
static inline void
backup(struct crl_fix *f, const char *from, const char *to)
{
	struct store_conf conf = { .readers = 2, .batch_max = 16,
	    .queue_max = 64, .ctx = &f->f->ctx };
	char a[256], b[256];
	struct buf bytes;

	fix_path(f->f, from, a);
	fix_path(f->f, to, b);
	crl_close(f->crl);
	f->crl = NULL;
	store_close(f->f->store);
	buf_init(&bytes, 1 << 26);
	assert_int_equal(file_read(a, 1 << 26, &bytes), 0);
	assert_int_equal(file_replace(b, bytes.data, bytes.len, 0600), 0);
	buf_fini(&bytes);
	fix_path(f->f, "db", a);
	conf.path = a;
	assert_int_equal(store_open(&f->f->store, &conf, false, &f->f->why),
	    0);
	f->conf.store = f->f->store;
	reopen(f);
}
#define restore backup

#endif
