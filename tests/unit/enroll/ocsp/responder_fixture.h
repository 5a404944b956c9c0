/* SPDX-License-Identifier: Apache-2.0 */
/* A responder with a table, three CAs (a root, and two generations of one
 * issuing CA) and keys for them, on a clock of its own. */
#ifndef CAMCA_TEST_RESPONDER_FIXTURE_H
#define CAMCA_TEST_RESPONDER_FIXTURE_H

#include "tests/unit/enroll/gate/fake_authority.h"
#include "tests/unit/enroll/ocsp/pki.h"

#include <poll.h>
#include <sys/stat.h>

#include "ca/base/file.h"
#include "ca/base/mono.h"
#include "ca/base/uptime.h"
#include "enroll/ocsp/responder.h"
#include "enroll/ocsp/signer_cert.h"

static int64_t rf_now_s;

static inline int64_t
rf_clock(void *arg)
{
	(void)arg;
	return rf_now_s * 1000;
}

static inline int
rf_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0x5c, n);
	return 0;
}

static const struct camca_ctx rf_ctx = { .now_ms = rf_clock,
	.random = rf_random };

#define RF_CAS 3     /* ids 1 root, 2 and 3: one name, two keys */

struct rf {
	struct fake fake;
	struct config cfg;
	struct upstream *up;
	struct issuers_box box;
	struct table *table;
	struct signer *signer;
	struct responder r;
	atomic_uint busy;
	struct pki_ca cas[RF_CAS];
	struct buf der;          /* of the last request */
	struct buf out;          /* of the last answer */
	struct client_key from;
};

static inline void
rf_pem_path(const struct rf *f, size_t ca, char out[static 200])
{
	char ski[41];

	enc_hex(ski, f->cas[ca].ski, 20);
	snprintf(out, 200, "%s/gate/ocsp-%s.pem", f->fake.dir, ski);
}

/* What a gate that ran before has left: a pair for each CA. */
static inline void
rf_leave_pair(struct rf *f, size_t ca, int64_t from_s, int64_t to_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct signer_cert *c = NULL;
	struct buf der, pem;
	char path[200];

	buf_init(&der, 0);
	buf_init(&pem, 0);
	pki_responder(&f->cas[ca], key, "OCSPSigning", from_s, to_s, &der);
	assert_int_equal(signer_cert_new(&c, key, der.data, der.len,
	    f->cas[ca].cert, from_s), 0);
	assert_int_equal(signer_cert_write(c, &pem), 0);
	rf_pem_path(f, ca, path);
	assert_int_equal(file_replace(path, pem.data, pem.len, 0600), 0);
	signer_cert_free(c);
	EVP_PKEY_free(key);
	buf_fini(&der);
	buf_fini(&pem);
}

static inline void
rf_lease(struct rf *f, bool held)
{
	table_lease(f->table, held ? uptime_ms() + 3600000 : 0);
}

static inline void
rf_serial(uint32_t n, uint8_t out[static 20])
{
	memset(out, 0x11, 20);
	memcpy(out + 16, &n, sizeof n);
}

static inline void
rf_put(struct rf *f, uint32_t n, enum status_wire_status status, int reason,
    int64_t revoked_s, int64_t rev_seq)
{
	struct status_wire w = { .issuer = 2, .status = (uint8_t)status,
	    .reason = (uint8_t)reason, .revoked_s = revoked_s,
	    .not_after_s = PKI_NOW_S + 86400, .rev_seq = rev_seq };

	rf_serial(n, w.serial);
	assert_int_equal(table_put(f->table, &w), 0);
}

static inline void
rf_good(struct rf *f, uint32_t n, int64_t rev_seq)
{
	rf_put(f, n, STATUS_WIRE_GOOD, STATUS_WIRE_NO_REASON, 0, rev_seq);
}

static inline void
rf_parts(struct rf *f)
{
	struct upstream_config uc;
	char dir[160];

	snprintf(dir, sizeof dir, "%s/gate", f->fake.dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	upstream_defaults(&uc, f->fake.path);
	uc.retry_min_ms = 1;
	assert_int_equal(upstream_open(&f->up, &uc), 0);
	assert_int_equal(table_new(&f->table), 0);
	issuers_box_init(&f->box);
	issuers_box_set(&f->box, pki_issuers(f->cas, RF_CAS));
	assert_int_equal(signer_open(&f->signer, &f->cfg, &rf_ctx, f->up,
	    &f->box), 0);
	f->r = (struct responder){ .cfg = &f->cfg, .ctx = &rf_ctx,
	    .table = f->table, .issuers = &f->box, .signer = f->signer,
	    .up = f->up, .busy = &f->busy };
	assert_int_equal(responder_init(&f->r), 0);
}

static inline struct rf *
rf_new(bool hsm)
{
	struct rf *f = calloc(1, sizeof *f);

	rf_now_s = PKI_NOW_S;
	fake_init(&f->fake);
	config_default(&f->cfg, f->fake.dir);
	f->cfg.ocsp_hsm = hsm;
	buf_init(&f->der, 0);
	buf_init(&f->out, 0);
	f->from.bytes[0] = 1;
	f->cas[0] = pki_ca("Root", 1, NULL);
	f->cas[1] = pki_ca("EC", 2, &f->cas[0]);
	f->cas[2] = pki_ca("EC", 3, &f->cas[0]);
	rf_parts(f);
	assert_int_equal(table_load_begin(f->table), 0);
	table_load_end(f->table);
	rf_lease(f, true);
	return f;
}

/* With pairs for all CAs, loaded. */
static inline struct rf *
rf_ready(void)
{
	struct rf *f = rf_new(false);

	for (size_t i = 0; i < RF_CAS; i++)
		rf_leave_pair(f, i, PKI_NOW_S - 60, PKI_NOW_S + 604800);
	signer_tick(f->signer, 0, false);
	return f;
}

static inline void
rf_free(struct rf *f)
{
	char path[200];

	upstream_close(f->up);
	responder_fini(&f->r);
	signer_close(f->signer);
	table_free(f->table);
	issuers_box_fini(&f->box);
	for (size_t i = 0; i < RF_CAS; i++) {
		rf_pem_path(f, i, path);
		unlink(path);
		pki_ca_fini(&f->cas[i]);
	}
	snprintf(path, sizeof path, "%s/gate", f->fake.dir);
	rmdir(path);
	fake_fini(&f->fake);
	buf_fini(&f->der);
	buf_fini(&f->out);
	free(f);
}

/* Asks with f->der; as an answer that may be kept. Counted. */
static inline struct prepared *
rf_answer(struct rf *f, bool get)
{
	struct prepared *p;
	struct question q;
	unsigned epoch = table_enter(f->table);

	question_init(&q, &f->r, get, f->der.data, f->der.len, &f->from);
	p = responder_ready(&q);
	if (p == NULL)
		assert_int_equal(responder_answer(&q, NULL, NULL, &p), 0);
	table_leave(f->table, epoch);
	assert_non_null(p);
	assert_int_equal(ERR_peek_error(), 0);
	return p;
}

/* The same, made anew, with its bytes in f->out; its OCSPResponseStatus. */
static inline enum answer_status
rf_ask(struct rf *f)
{
	struct prepared *p = NULL;
	struct question q;
	enum answer_status s = ANSWER_SIGNED;

	buf_reset(&f->out);
	question_init(&q, &f->r, false, f->der.data, f->der.len, &f->from);
	q.raw = &f->out;
	assert_int_equal(responder_answer(&q, NULL, NULL, &p), 0);
	assert_int_equal(ERR_peek_error(), 0);
	if (f->out.len == 0)
		for (size_t i = 1; i <= ANSWER_UNAUTHORIZED; i++)
			if (p == f->r.errors[i])
				s = (enum answer_status)i;
	assert_int_equal(f->out.len == 0, s != ANSWER_SIGNED);
	prepared_free(p);
	return s;
}

/* One certificate, by the issuing CA with this index. */
static inline void
rf_request(struct rf *f, size_t ca, uint32_t n, const EVP_MD *md, size_t nonce)
{
	uint8_t serial[20];

	rf_serial(n, serial);
	buf_reset(&f->der);
	pki_request(&f->cas[ca], md, serial, 20, nonce, &f->der);
}

/* f->out, decoded and verified as a client does that trusts the root. */
static inline OCSP_BASICRESP *
rf_verified(struct rf *f)
{
	const unsigned char *p = f->out.data;
	OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)f->out.len);
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *more = sk_X509_new_null();
	OCSP_BASICRESP *b;

	assert_non_null(r);
	assert_int_equal(OCSP_response_status(r), 0);
	b = OCSP_response_get1_basic(r);
	assert_non_null(b);
	X509_STORE_add_cert(store, f->cas[0].cert);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store),
	    (time_t)rf_now_s);
	sk_X509_push(more, f->cas[1].cert);
	sk_X509_push(more, f->cas[2].cert);
	assert_int_equal(OCSP_basic_verify(b, more, store, 0), 1);
	sk_X509_free(more);
	X509_STORE_free(store);
	OCSP_RESPONSE_free(r);
	return b;
}

#endif
