/* SPDX-License-Identifier: Apache-2.0 */
/* The vault over a real token and store: what is sealed opens, and only for the
 * account it was sealed for. */
#include "tests/unit/ca/vault/vault_fixture.h"

#include <openssl/cms.h>
#include <pthread.h>

#define MARKER "Marker-9xQ2-Password"

static void
test_round_trip(void **state)
{
	static const char *const texts[] = { MARKER, "a", " b ", "\"\\,<&>'",
	    "p\xc3\xa4ss", "0123456789012345678901234567890123456789"
	    "012345678901234567890123456789012345678901234567890123456789"
	    "0123456789012345678901234567" };
	struct vfix *x = *state;
	int64_t id;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		id = import(x, 0, "admin", texts[i]);
		assert_text(x, id, false, texts[i]);
		assert_text(x, id, true, "");
	}
	assert_int_equal(vault_check(x->v, &x->f->why), 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_bad_input(void **state)
{
	struct vfix *x = *state;
	struct refusal why = { 0 };
	char large[PASSWORD_STORED_MAX + 2];
	struct vault_draft d;

	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	assert_int_equal(vault_draft_text(x->v, "cam-1", "u", "", &d, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "vault.password");
	assert_int_equal(vault_draft_text(x->v, "cam-1", "u", large, &d, &why),
	    CAMCA_EINVAL);
	assert_int_equal(vault_draft_text(x->v, "cam-1", "u", "a\nb", &d,
	    &why), CAMCA_EINVAL);
	assert_int_equal(vault_draft_text(x->v, "cam-1", "u", "a\xff", &d,
	    &why), CAMCA_EINVAL);
	assert_int_equal(vault_draft_text(x->v, "cam-1", "", "p", &d, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "vault.username");
	assert_int_equal(vault_draft_text(x->v, "cam-1", large, "p", &d, &why),
	    CAMCA_EINVAL);
	assert_int_equal(vault_draft_text(x->v, "cam 1", "u", "p", &d, &why),
	    CAMCA_EINVAL);
	assert_int_equal(vault_draft_text(NULL, "cam-1", "u", "p", &d, NULL),
	    CAMCA_EHSM);
}

/* Two of one length have the same length sealed, whatever they are. */
static void
test_length_hidden(void **state)
{
	struct vfix *x = *state;
	struct vault_draft a, b;

	assert_int_equal(vault_draft_text(x->v, "cam-1", "u", "x", &a, NULL),
	    0);
	assert_int_equal(vault_draft_text(x->v, "cam-1", "username",
	    "0123456789012345678901234567890123456789", &b, NULL), 0);
	assert_int_equal(a.sealed.n, b.sealed.n);
	assert_true(a.sealed.n <= VAULT_SEALED_MAX);
	vault_draft_fini(&a);
	vault_draft_fini(&b);
}

/* One row's blob in another's place is refused, whatever they share. */
static void
test_swapped(void **state)
{
	struct vfix *x = *state;
	int64_t a = import(x, 0, "admin", "one"), b;
	struct call c = call(x, 0);
	struct vault_secret *s, moved;
	struct secret_text text;

	b = import(x, 0, "other", "two");
	(void)import(x, 1, "admin", "three");
	(void)a;
	(void)b;
	assert_int_equal(run(&c, all_tx), 0);
	assert_int_equal(c.all.n, 2);
	s = &c.all.list[0].current;
	moved = *s;
	moved.sealed = c.all.list[1].current.sealed;
	assert_int_equal(vault_open(x->v, &moved, &text, &c.why),
	    CAMCA_EPOLICY);
	assert_string_equal(c.why.code, "vault.swapped");
	assert_string_equal(text.text, "");
	/* Each of the three that is sealed with it. */
	for (int i = 0; i < 3; i++) {
		moved = *s;
		if (i == 0)
			snprintf(moved.device_id, sizeof moved.device_id,
			    "cam-2");
		else if (i == 1)
			snprintf(moved.username, sizeof moved.username,
			    "other");
		else
			moved.uid[0] ^= 1;
		memset(&c.why, 0, sizeof c.why);
		assert_int_equal(vault_open(x->v, &moved, &text, &c.why),
		    CAMCA_EPOLICY);
		assert_string_equal(c.why.code, "vault.swapped");
	}
	assert_int_equal(vault_open(x->v, s, &text, &c.why), 0);
	vault_entries_free(&c.all);
}

/* Each byte cut off, each bit turned: refused, or the very same password where
 * the bit says nothing. */
static void
test_bits(void **state)
{
	struct vfix *x = *state;
	struct vault_draft d;
	struct vault_secret row = { .device_id = "cam-1", .username = "u" };
	struct secret_text text;
	size_t bit, same = 0, n;
	int ret;

	assert_int_equal(vault_draft_text(x->v, "cam-1", "u", MARKER, &d,
	    NULL), 0);
	memcpy(row.uid, d.uid, sizeof row.uid);
	row.sealed = d.sealed;
	for (n = 0; n < d.sealed.n; n++) {
		row.sealed.n = n;
		assert_int_equal(vault_open(x->v, &row, &text, NULL),
		    CAMCA_EPOLICY);
	}
	row.sealed.n = d.sealed.n;
	for (bit = 0; bit < 8 * d.sealed.n; bit++) {
		d.sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ret = vault_open(x->v, &row, &text, NULL);
		assert_true(ret == CAMCA_EPOLICY || ret == 0);
		if (ret == 0)
			assert_string_equal(text.text, MARKER);
		else
			assert_string_equal(text.text, "");
		same += ret == 0;
		d.sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* Numbers of versions, and a length that may be written otherwise. */
	assert_true(same < 8 * 5);
	assert_int_equal(vault_open(x->v, &row, &text, NULL), 0);
	assert_int_equal(ERR_peek_error(), 0);
	vault_draft_fini(&d);
}

static int
lost_tx(struct tx *tx, void *arg)
{
	return store_meta_set(tx, "vault.key", arg);
}

/* The token has lost the key: said, and no other one is made. */
static void
test_key_lost(void **state)
{
	struct vfix *x = *state;
	struct refusal why = { 0 };
	struct vault *v;

	(void)import(x, 0, "admin", "first");
	assert_int_equal(store_tx(x->f->store, DB_WRITE, lost_tx,
	    (void *)(uintptr_t)"pkcs11:object=gone;type=private"), 0);
	v = new_vault(x);
	assert_int_equal(vault_ready(v, &why), CAMCA_EHSM);
	assert_string_equal(why.code, "vault.key-lost");
	assert_int_equal(vault_check(v, NULL), CAMCA_EHSM);
	vault_free(v);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM meta WHERE"
	    " key = 'vault.key' AND value = 'pkcs11:object=gone;type=private'"),
	    1);
}

/* Another key under the name of the vault's is none. */
static void
test_key_other(void **state)
{
	struct vfix *x = *state;
	struct refusal why = { 0 };
	char *uri = NULL;
	struct vault *v;

	/* Looking makes no key. */
	assert_int_equal(vault_check(x->v, &why), CAMCA_EHSM);
	assert_string_equal(why.code, "vault.no-key");
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM meta WHERE"
	    " key LIKE 'vault.%'"), 0);
	memset(&why, 0, sizeof why);
	assert_int_equal(vault_ready(x->v, &why), 0);
	assert_int_equal(hsm_generate_derive(x->f->hsm, "imposter", &uri,
	    &why), 0);
	assert_int_equal(store_tx(x->f->store, DB_WRITE, lost_tx, uri), 0);
	free(uri);
	v = new_vault(x);
	assert_int_equal(vault_ready(v, &why), CAMCA_EHSM);
	assert_string_equal(why.code, "vault.key-lost");
	vault_free(v);
}

/* The key of one start is the key of the next. */
static void
test_key_stays(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", MARKER);
	char got[PASSWORD_STORED_MAX + 1];
	struct vault *first = x->v;

	x->v = new_vault(x);
	text_in(x, id, false, got);
	assert_string_equal(got, MARKER);
	vault_free(first);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM event WHERE"
	    " instr(CAST(body AS TEXT), 'type vault.key') > 0"), 1);
}

/* What the agent's certificate gets, OpenSSL opens. */
static void
test_seal_to(void **state)
{
	static const char *const curves[] = { "P-256", "P-384" };
	struct vfix *x = *state;
	struct refusal why = { 0 };
	const unsigned char *p;
	CMS_ContentInfo *cms;
	struct buf der;
	char *text = NULL;

	for (size_t i = 0; i < 2; i++) {
		AUTO(EVP_PKEY) *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
		    curves[i]);
		AUTO(X509) *cert = X509_new();
		AUTO(BIO) *out = BIO_new(BIO_s_mem());

		assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert),
		    5), 1);
		assert_int_equal(X509_NAME_add_entry_by_txt(
		    X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
		    (const unsigned char *)"ca", -1, -1, 0), 1);
		X509_gmtime_adj(X509_getm_notBefore(cert), 0);
		X509_gmtime_adj(X509_getm_notAfter(cert), 60);
		assert_int_equal(X509_set_pubkey(cert, k), 1);
		assert_true(X509_sign(cert, k, EVP_sha256()) > 0);
		buf_init(&der, 0);
		assert_int_equal(vault_seal_to(cert, MARKER, strlen(MARKER),
		    &der, &why), 0);
		assert_null(memmem(der.data, der.len, MARKER,
		    strlen(MARKER)));
		p = der.data;
		cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
		assert_non_null(cms);
		assert_int_equal(CMS_decrypt(cms, k, cert, NULL, out,
		    CMS_BINARY), 1);
		assert_int_equal(BIO_get_mem_data(out, &text),
		    strlen(MARKER));
		assert_memory_equal(text, MARKER, strlen(MARKER));
		CMS_ContentInfo_free(cms);
		buf_fini(&der);
	}
	(void)x;
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_seal_to_other(void **state)
{
	static const char *const curves[] = { "P-521", "secp256k1" };
	AUTO(EVP_PKEY) *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
	    (size_t)2048);
	AUTO(X509) *cert = X509_new();
	struct refusal why = { 0 };
	struct buf der;

	(void)state;
	buf_init(&der, 0);
	assert_int_equal(vault_seal_to(cert, "x", 1, &der, &why),
	    CAMCA_EINVAL);
	assert_int_equal(X509_set_pubkey(cert, rsa), 1);
	assert_int_equal(vault_seal_to(cert, "x", 1, &der, &why),
	    CAMCA_EINVAL);
	for (size_t i = 0; i < 2; i++) {
		AUTO(EVP_PKEY) *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
		    curves[i]);

		assert_int_equal(X509_set_pubkey(cert, k), 1);
		assert_int_equal(vault_seal_to(cert, "x", 1, &der, &why),
		    CAMCA_EINVAL);
		assert_string_equal(why.code, "vault.recipient");
	}
	assert_int_equal(der.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
	buf_fini(&der);
}

/* No page of the database nor of its journal holds a password. */
static void
test_no_clear_text(void **state)
{
	static const char *const names[] = { "db", "db-wal" };
	struct vfix *x = *state;
	char path[256];
	struct buf b;

	for (int i = 0; i < 3; i++)
		(void)import(x, 0, "admin", MARKER);
	for (size_t i = 0; i < 2; i++) {
		buf_init(&b, 0);
		fix_path(x->f, names[i], path);
		assert_int_equal(file_read(path, 64u << 20, &b), 0);
		assert_true(b.len > 0);
		assert_null(memmem(b.data, b.len, MARKER, strlen(MARKER)));
		buf_fini(&b);
	}
	assert_true(sql(x, "SELECT COUNT(*) FROM event WHERE"
	    " instr(CAST(body AS TEXT), 'type secret.imported') > 0") == 3);
}

struct worker {
	struct vfix *x;
	int bad;
};

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct vault_secret row = { .device_id = "cam-1", .username = "u" };
	struct secret_text text;
	struct vault_draft d;
	int i;

	for (i = 0; i < 20; i++) {
		if (vault_draft_text(w->x->v, "cam-1", "u", MARKER, &d,
		    NULL) < 0) {
			w->bad++;
			continue;
		}
		memcpy(row.uid, d.uid, sizeof row.uid);
		row.sealed = d.sealed;
		w->bad += vault_open(w->x->v, &row, &text, NULL) < 0 ||
		    strcmp(text.text, MARKER) != 0;
		secret_text_wipe(&text);
		vault_draft_fini(&d);
	}
	return NULL;
}

/* All at once from the first use on, which finds the key. */
static void
test_threads(void **state)
{
	struct worker w[8];
	pthread_t t[8];
	int i;

	for (i = 0; i < 8; i++) {
		w[i] = (struct worker){ .x = *state };
		assert_int_equal(pthread_create(&t[i], NULL, worker_run,
		    &w[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].bad, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		VCASE(test_round_trip), VCASE(test_bad_input),
		VCASE(test_length_hidden), VCASE(test_swapped),
		VCASE(test_bits), VCASE(test_key_lost),
		VCASE(test_key_other), VCASE(test_key_stays),
		VCASE(test_seal_to), VCASE(test_seal_to_other),
		VCASE(test_no_clear_text), VCASE(test_threads),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
