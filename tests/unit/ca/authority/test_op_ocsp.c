/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp.certify and ocsp.sign: who gets a certificate, and what gets signed. */
#include "tests/unit/ca/issue/ca_fixture.h"

#include "ca/authority/ops.h"
#include "ca/base/enc.h"
#include "ca/issue/ocsp_cert.h"
#include "ca/status/change.h"

#define NOW_S (FIX_NOW_MS / 1000)

struct au {
	struct fix *f;
	struct authority a;
	struct caller caller;
	struct session session;
	json_t *answer;
	const struct ca *root, *ec;
	uint8_t serial[20];          /* of a certificate of ec */
	struct ocsp_data d;
	OCSP_CERTID *id;
};

static struct au *
au_new(struct fix *f, bool hsm)
{
	struct au *u = calloc(1, sizeof *u);

	fix_cas(f);
	u->f = f;
	u->root = ca_root(f->set);
	u->ec = ca_active(f->set, "ec");
	config_default(&u->a.conf, f->dir);
	snprintf(u->a.conf.policies, sizeof u->a.conf.policies, "policies");
	u->a.conf.ocsp_hsm = hsm;
	u->a.ctx = &f->ctx;
	u->a.store = f->store;
	u->a.hsm = f->hsm;
	u->a.events = (struct event_source){ &f->ctx, "test" };
	pthread_mutex_init(&u->a.lock, NULL);
	pthread_mutex_init(&u->a.refusals.lock, NULL);
	pthread_mutex_init(&u->session.lock, NULL);
	ocsp_side_init(&u->a.ocsp);
	assert_int_equal(authority_load_policies(&u->a, "test", NULL), 0);
	u->a.cas = ca_set_ref(f->set);
	u->caller = (struct caller){ ROLE_GATE, 0, "gate" };
	return u;
}

static void
au_free(struct au *u)
{
	json_decref(u->answer);
	OCSP_CERTID_free(u->id);
	ocsp_side_fini(&u->a.ocsp);
	authority_cas_put(&u->a, u->a.cas);
	authority_policies_put(&u->a, u->a.policies);
	free(u);
}

/* The status of the answer, 200 for a result. */
static int
call(struct au *u, const char *op, json_t *args)
{
	json_t *c = json_pack("{s:i, s:s, s:o}", "id", 1, "op", op, "args",
	    args), *error;
	char *text = json_dumps(c, 0), *out;
	size_t n = 0;

	out = dispatch(&u->a, &u->caller, &u->session, (uint8_t *)text,
	    strlen(text), &n);
	assert_non_null(out);
	json_decref(u->answer);
	u->answer = json_loads(out, 0, NULL);
	free(text);
	free(out);
	json_decref(c);
	error = json_object_get(u->answer, "error");
	return error == NULL ? 200 :
	    (int)json_integer_value(json_object_get(error, "http"));
}

static const char *
code(const struct au *u)
{
	return json_string_value(json_object_get(json_object_get(u->answer,
	    "error"), "code"));
}

static void
result_bytes(const struct au *u, const char *name, struct buf *out)
{
	const char *b64 = json_string_value(json_object_get(json_object_get(
	    u->answer, "result"), name));

	assert_non_null(b64);
	buf_init(out, 0);
	assert_int_equal(dec_base64(out, b64, strlen(b64), 0), 0);
}

static json_t *
args_for(const struct ca *ca, EVP_PKEY *key)
{
	json_t *args = json_object();
	unsigned char *der = NULL;
	X509_REQ *req;
	char *b64;
	int n;

	json_set_hex(args, "issuer", ca->row.ski, 20);
	if (key == NULL)
		return args;
	req = X509_REQ_new();
	X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req),
	    NID_commonName, MBSTRING_UTF8, (const unsigned char *)"x", -1, -1,
	    0);
	X509_REQ_set_pubkey(req, key);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	b64 = enc_base64_dup(der, (size_t)n);
	json_object_set_new(args, "csr", json_string(b64));
	free(b64);
	OPENSSL_free(der);
	X509_REQ_free(req);
	return args;
}

static X509 *
certified(struct au *u)
{
	const unsigned char *p;
	struct buf der;
	X509 *x;

	result_bytes(u, "cert", &der);
	p = der.data;
	x = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(x);
	buf_fini(&der);
	return x;
}

static int
row_tx(struct tx *tx, void *arg)
{
	struct cert_row *row = arg;

	return store_cert_by_serial(tx, row->serial, row);
}

/* O18 */
static void
check_responder(struct au *u, const struct ca *ca, EVP_PKEY *key)
{
	X509 *x = certified(u);
	struct cert_row row = { 0 };
	int at = X509_get_ext_by_NID(x, NID_id_pkix_OCSP_noCheck, -1);
	int64_t from, to;
	ASN1_OCTET_STRING *v;

	assert_int_equal(X509_verify(x, X509_get0_pubkey(ca->cert)), 1);
	if (key != NULL)
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_OCSP_SIGN);
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_check_ca(x), 0);
	assert_true(at >= 0);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, at)), 0);
	v = X509_EXTENSION_get_data(X509_get_ext(x, at));
	assert_int_equal(ASN1_STRING_length(v), 2);
	assert_memory_equal(ASN1_STRING_get0_data(v), "\x05\x00", 2);
	assert_true(X509_get_ext_by_NID(x, NID_crl_distribution_points,
	    -1) < 0);
	assert_true(X509_get_ext_by_NID(x, NID_info_access, -1) < 0);
	assert_int_equal(cert_times(x, &from, &to), 0);
	assert_int_equal(to, FIX_NOW_MS + 7 * DAY_MS);
	assert_int_equal(cert_serial_bytes(x, row.serial), 0);
	assert_int_equal(store_tx(u->f->store, DB_READ, row_tx, &row), 0);
	assert_string_equal(row.profile, OCSP_CERT_PROFILE);
	assert_int_equal(row.issuer, ca->row.id);
	assert_int_equal(row.device, 0);
	store_cert_free(&row);
	X509_free(x);
}

static int
events_tx(struct tx *tx, void *arg)
{
	return store_outbox_count(tx, arg);
}

static void
test_certify(void **state)
{
	struct au *u = au_new(*state, false);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int64_t before = 0, after = 0;

	assert_int_equal(store_tx(u->f->store, DB_READ, events_tx, &before),
	    0);
	assert_int_equal(call(u, "ocsp.certify", args_for(u->ec, key)), 200);
	check_responder(u, u->ec, key);
	assert_int_equal(call(u, "ocsp.certify", args_for(u->root, key)),
	    200);
	check_responder(u, u->root, key);
	assert_int_equal(store_tx(u->f->store, DB_READ, events_tx, &after),
	    0);
	assert_int_equal(after - before, 2);
	EVP_PKEY_free(key);
	au_free(u);
}

static void
refused(struct au *u, const char *op, json_t *args, int http,
    const char *want)
{
	assert_int_equal(call(u, op, args), http);
	assert_string_equal(code(u), want);
}

static void
test_certify_refuses(void **state)
{
	struct au *u = au_new(*state, false);
	EVP_PKEY *p384 = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(2048);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	json_t *args;

	assert_int_equal(call(u, "ocsp.certify", args_for(u->ec, p384)), 400);
	assert_int_equal(call(u, "ocsp.certify", args_for(u->ec, rsa)), 400);
	refused(u, "ocsp.certify", args_for(u->ec, NULL), 400, "ocsp.csr");
	args = args_for(u->ec, key);
	json_object_set_new(args, "issuer", json_string("xyz"));
	refused(u, "ocsp.certify", args, 400, "ocsp.issuer");
	args = args_for(u->ec, key);
	json_object_set_new(args, "issuer", json_string(
	    "0000000000000000000000000000000000000000"));
	refused(u, "ocsp.certify", args, 404, "ocsp.issuer");
	refused(u, "ocsp.sign", json_pack("{s:s, s:s}", "issuer", "00", "tbs",
	    "MAA="), 403, "ocsp.signer");
	u->caller.roles = ROLE_OPERATOR;
	assert_int_equal(call(u, "ocsp.certify", args_for(u->ec, key)), 403);
	EVP_PKEY_free(key);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
	au_free(u);
}

/* What a gate that was taken over can collect. */
static void
test_certify_rate(void **state)
{
	struct au *u = au_new(*state, false);
	EVP_PKEY *key = EVP_EC_gen("P-256");

	for (int i = 0; i < 16; i++)
		assert_int_equal(call(u, "ocsp.certify", args_for(u->ec,
		    key)), 200);
	refused(u, "ocsp.certify", args_for(u->ec, key), 429,
	    "ocsp.too-many");
	assert_int_equal(call(u, "ocsp.certify", args_for(u->root, key)),
	    200);
	u->f->now_ms += 3600000;
	assert_int_equal(call(u, "ocsp.certify", args_for(u->ec, key)), 200);
	refused(u, "ocsp.certify", args_for(u->ec, key), 429,
	    "ocsp.too-many");
	EVP_PKEY_free(key);
	au_free(u);
}

/* ---- ocsp.signer hsm ---- */

static int
insert_tx(struct tx *tx, void *arg)
{
	return store_cert_insert(tx, arg);
}

/* One certificate of ec in the store, and an answer about it that is true. */
static void
au_answer(struct au *u)
{
	X509 *leaf = fix_leaf(u->f, u->ec, "cam-1", YEAR_MS);
	struct cert_row row = { .issuer = u->ec->row.id, .profile = "camera",
	    .reason = -1, .created_ms = FIX_NOW_MS };
	int n = i2d_X509(leaf, &row.der.p);

	row.der.n = (size_t)n;
	assert_int_equal(cert_serial_bytes(leaf, row.serial), 0);
	assert_int_equal(cert_times(leaf, &row.not_before_ms,
	    &row.not_after_ms), 0);
	assert_int_equal(cert_spki_sha256(leaf, row.spki), 0);
	assert_int_equal(store_tx(u->f->store, DB_WRITE, insert_tx, &row), 0);
	memcpy(u->serial, row.serial, 20);
	store_cert_free(&row);
	u->id = OCSP_cert_to_id(EVP_sha1(), leaf, u->ec->cert);
	u->d.produced_s = NOW_S;
	u->d.n = 1;
	u->d.singles[0] = (struct ocsp_single){ .id = u->id, .reason = -1,
	    .this_s = NOW_S - 300, .next_s = NOW_S + 3600 };
	X509_free(leaf);
}

static void
au_hash_key(struct au *u)
{
	X509 *x;
	ASN1_BIT_STRING *bits;

	assert_int_equal(call(u, "ocsp.certify", args_for(u->ec, NULL)), 200);
	check_responder(u, u->ec, NULL);
	x = certified(u);
	bits = X509_get0_pubkey_bitstr(x);
	assert_int_equal(EVP_Digest(bits->data, (size_t)bits->length,
	    u->d.key_hash, NULL, EVP_sha1(), NULL), 1);
	X509_free(x);
}

static int
ask_sign(struct au *u, const struct ca *ca)
{
	json_t *args = args_for(ca, NULL);
	struct buf tbs;
	char *b64;

	buf_init(&tbs, 0);
	assert_int_equal(ocsp_data_encode(&u->d, &tbs), 0);
	b64 = enc_base64_dup(tbs.data, tbs.len);
	json_object_set_new(args, "tbs", json_string(b64));
	free(b64);
	buf_fini(&tbs);
	return call(u, "ocsp.sign", args);
}

static void
not_so(struct au *u)
{
	assert_int_equal(ask_sign(u, u->ec), 403);
	assert_string_equal(code(u), "ocsp.not-so");
}

struct change {
	struct au *u;
	struct status_to to;
};

static int
change_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct cert_row row;
	int64_t rev;
	int ret = store_cert_by_serial(tx, c->u->serial, &row);

	if (ret < 0)
		return ret;
	ret = status_change(tx, &row, &c->to, c->u->f->now_ms, &rev, NULL);
	store_cert_free(&row);
	return ret;
}

static void
au_change(struct au *u, enum cert_status status, int64_t reason)
{
	struct change c = { u, { .status = status, .reason = reason } };

	assert_int_equal(store_tx(u->f->store, DB_WRITE, change_tx, &c), 0);
}

static void
test_sign(void **state)
{
	struct au *u = au_new(*state, true);
	EVP_PKEY *gates = EVP_EC_gen("P-256");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct buf tbs, sig;
	X509 *x;

	refused(u, "ocsp.certify", args_for(u->ec, gates), 403,
	    "ocsp.signer");
	au_answer(u);
	au_hash_key(u);
	x = certified(u);
	assert_int_equal(ask_sign(u, u->ec), 200);
	result_bytes(u, "signature", &sig);
	buf_init(&tbs, 0);
	assert_int_equal(ocsp_data_encode(&u->d, &tbs), 0);
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL,
	    X509_get0_pubkey(x)), 1);
	assert_int_equal(EVP_DigestVerify(md, sig.data, sig.len, tbs.data,
	    tbs.len), 1);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(gates);
	buf_fini(&tbs);
	buf_fini(&sig);
	X509_free(x);
	au_free(u);
}

/* Each thing that a lying gate could ask for. */
static void
test_sign_no_lies(void **state)
{
	struct au *u = au_new(*state, true);
	struct ocsp_single *s = &u->d.singles[0];
	struct ocsp_data honest;

	au_answer(u);
	au_hash_key(u);
	honest = u->d;
	s->revoked = true;
	s->revoked_s = NOW_S;
	not_so(u);
	u->d = honest;
	s->this_s = NOW_S + 1;
	not_so(u);
	s->this_s = NOW_S - 301;
	not_so(u);
	u->d = honest;
	s->next_s = NOW_S + 3601;
	not_so(u);
	s->next_s = s->this_s;
	not_so(u);
	u->d = honest;
	s->archive_s = NOW_S - 1;
	not_so(u);
	u->d = honest;
	u->d.produced_s = NOW_S + 6;
	not_so(u);
	u->d.produced_s = NOW_S - 61;
	not_so(u);
	u->d = honest;
	u->d.extended_revoke = true;
	not_so(u);
	u->d = honest;
	u->d.key_hash[0] ^= 1;
	not_so(u);
	u->d = honest;
	assert_int_equal(ask_sign(u, u->root), 403);
	assert_string_equal(code(u), "ocsp.not-so");
	assert_int_equal(ask_sign(u, u->ec), 200);
	au_free(u);
}

static void
test_sign_follows_the_store(void **state)
{
	struct au *u = au_new(*state, true);
	struct ocsp_single *s = &u->d.singles[0];

	au_answer(u);
	au_hash_key(u);
	au_change(u, CERT_HOLD, 6);
	not_so(u);
	s->revoked = true;
	s->revoked_s = NOW_S;
	s->this_s = NOW_S;
	not_so(u);
	s->reason = 6;
	assert_int_equal(ask_sign(u, u->ec), 200);
	au_change(u, CERT_GOOD, -1);
	not_so(u);
	au_change(u, CERT_REVOKED, 1);
	not_so(u);
	s->reason = 1;
	assert_int_equal(ask_sign(u, u->ec), 200);
	s->revoked_s--;
	not_so(u);
	s->revoked_s++;
	s->this_s = NOW_S - 1;
	not_so(u);
	au_free(u);
}

static void
test_sign_ca_and_not_issued(void **state)
{
	struct au *u = au_new(*state, true);
	struct ocsp_single *s = &u->d.singles[0];
	OCSP_CERTID *ca, *none;
	ASN1_INTEGER *nine = ASN1_INTEGER_new();

	au_answer(u);
	au_hash_key(u);
	ca = OCSP_cert_to_id(EVP_sha256(), u->ec->cert, u->root->cert);
	s->id = ca;
	assert_int_equal(ask_sign(u, u->root), 200);
	s->revoked = true;
	s->revoked_s = s->this_s = NOW_S;
	assert_int_equal(ask_sign(u, u->root), 403);
	ASN1_INTEGER_set(nine, 9);
	none = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(
	    u->ec->cert), X509_get0_pubkey_bitstr(u->ec->cert), nine);
	s->id = none;
	s->revoked = false;
	not_so(u);
	u->a.conf.ocsp_unissued_revoked = true;
	not_so(u);
	s->revoked = true;
	s->reason = 6;
	s->revoked_s = 0;
	not_so(u);
	u->d.extended_revoke = true;
	assert_int_equal(ask_sign(u, u->ec), 200);
	OCSP_CERTID_free(ca);
	OCSP_CERTID_free(none);
	ASN1_INTEGER_free(nine);
	au_free(u);
}

/* Not what the gate's own code would write: not signed, whatever it is. */
static void
test_sign_only_answers(void **state)
{
	struct au *u = au_new(*state, true);
	json_t *args;

	au_answer(u);
	au_hash_key(u);
	args = args_for(u->ec, NULL);
	json_object_set_new(args, "tbs", json_string("MAA="));
	refused(u, "ocsp.sign", args, 400, "ocsp.data");
	args = args_for(u->ec, NULL);
	json_object_set_new(args, "tbs", json_string("!"));
	assert_int_equal(call(u, "ocsp.sign", args), 400);
	au_free(u);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIX_TEST(test_certify), FIX_TEST(test_certify_refuses),
		FIX_TEST(test_certify_rate), FIX_TEST(test_sign),
		FIX_TEST(test_sign_no_lies),
		FIX_TEST(test_sign_follows_the_store),
		FIX_TEST(test_sign_ca_and_not_issued),
		FIX_TEST(test_sign_only_answers),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
