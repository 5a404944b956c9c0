/* SPDX-License-Identifier: Apache-2.0 */
/* The vault over a real token and store: what is sealed opens, and only for the
 * account it was sealed for; states of passwords move as they may. */
#include "tests/unit/ca/issue/ca_fixture.h"

#include <openssl/cms.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include "ca/base/log.h"
#include "ca/vault/vault.h"

#define MARKER "Marker-9xQ2-Password"

struct vfix {
	struct fix *f;
	struct event_source src;
	struct vault *v;
	struct device_row cam[2];
};

static struct vault *
new_vault(struct vfix *x)
{
	struct vault_conf conf = { x->f->store, x->f->hsm, &x->src };
	struct vault *v = NULL;

	assert_int_equal(vault_new(&v, &conf), 0);
	return v;
}

static int
cams_tx(struct tx *tx, void *arg)
{
	struct vfix *x = arg;
	struct site_row site = { .id = "s", .name = "S", .level = 1 };
	int ret = store_site_insert(tx, &site);

	for (int i = 0; ret == 0 && i < 2; i++) {
		memset(&x->cam[i], 0, sizeof x->cam[i]);
		snprintf(x->cam[i].id, sizeof x->cam[i].id, "cam-%d", i + 1);
		snprintf(x->cam[i].site, sizeof x->cam[i].site, "s");
		ret = store_device_insert(tx, &x->cam[i]);
	}
	return ret;
}

static int
vsetup(void **state)
{
	struct fix *f = *state;
	struct vfix *x = calloc(1, sizeof *x);

	assert_non_null(x);
	log_setup("test", LOG_ERROR - 1);
	assert_int_equal(fix_setup(state), 0);
	x->f = f;
	x->src = (struct event_source){ &f->ctx, "test" };
	assert_int_equal(store_tx(f->store, DB_WRITE, cams_tx, x), 0);
	x->v = new_vault(x);
	*state = x;
	return 0;
}

static int
vteardown(void **state)
{
	struct vfix *x = *state;

	vault_free(x->v);
	*state = x->f;
	free(x);
	return fix_teardown(state);
}

/* ---- calls in transactions of their own ---- */

struct call {
	struct vfix *x;
	struct vault_by by;
	const struct device_row *dev;
	struct vault_draft *draft;
	enum vault_role role;
	bool over_pending;
	int64_t account;
	struct vault_secret row;
	bool made;
	struct refusal why;
	struct vault_entries all;
	char sql[300];
	int64_t secret;
};

static struct call
call(struct vfix *x, int64_t job)
{
	return (struct call){ .x = x, .dev = &x->cam[0],
	    .by = { &x->src, "test", FIX_NOW_MS, job },
	    .role = ACCOUNT_ADMINISTRATOR };
}

static int
put_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_put(tx, &c->by, c->dev, c->draft, c->role,
	    "Administrator", c->over_pending, &c->why);
}

static int
pend_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_make_pending(tx, &c->by, c->account, c->draft, &c->row,
	    &c->made);
}

static int
confirm_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_confirm(tx, &c->by, c->account);
}

static int
mark_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_mark_compromised(tx, &c->by, c->secret, "found");
}

static int
all_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_accounts(tx, c->dev->pk, &c->all);
}

static int
run(struct call *c, int (*fn)(struct tx *tx, void *arg))
{
	return store_tx(c->x->f->store, DB_WRITE, fn, c);
}

/* Imports a password of cam; the id of its account. */
static int64_t
import(struct vfix *x, int cam, const char *user, const char *password)
{
	struct vault_draft d;
	struct call c = call(x, 0);
	struct vault_account a;
	int64_t id = 0;

	c.dev = &x->cam[cam];
	c.draft = &d;
	if (vault_draft_text(x->v, c.dev->id, user, password, &d, &c.why) < 0)
		fail_msg("%s", c.why.detail);
	assert_int_equal(run(&c, put_tx), 0);
	vault_draft_fini(&d);
	assert_int_equal(run(&c, all_tx), 0);
	for (size_t i = 0; i < c.all.n; i++) {
		a = c.all.list[i].account;
		if (strcmp(a.username, user) == 0)
			id = a.id;
	}
	vault_entries_free(&c.all);
	assert_true(id > 0);
	return id;
}

/* A new pending one by this rule for job; whether it is new, and its text. */
static bool
pend(struct vfix *x, int64_t account, const char *user,
    const struct password_rule *rule, int64_t job,
    char text[static PASSWORD_STORED_MAX + 1])
{
	struct vault_draft d;
	struct call c = call(x, job);
	struct secret_text s;

	assert_int_equal(vault_draft(x->v, x->cam[0].id, user, rule, &d,
	    &c.why), 0);
	c.draft = &d;
	c.account = account;
	assert_int_equal(run(&c, pend_tx), 0);
	assert_int_equal(vault_open(x->v, &c.row, &s, &c.why), 0);
	if (c.made)
		assert_string_equal(s.text, d.secret.text);
	memcpy(text, s.text, sizeof s.text);
	assert_int_equal(c.row.job, job);
	assert_true(password_keeps(rule, user, s.text));
	secret_text_wipe(&s);
	vault_draft_fini(&d);
	vault_secret_free(&c.row);
	return c.made;
}

static int
confirm(struct vfix *x, int64_t account, int64_t job)
{
	struct call c = call(x, job);

	c.account = account;
	return run(&c, confirm_tx);
}

/* The password in this state, opened; "" where there is none. */
static void
text_in(struct vfix *x, int64_t account, bool pending,
    char out[static PASSWORD_STORED_MAX + 1])
{
	struct call c = call(x, 0);
	struct vault_secret *s;
	struct secret_text text;

	out[0] = '\0';
	assert_int_equal(run(&c, all_tx), 0);
	for (size_t i = 0; i < c.all.n; i++) {
		if (c.all.list[i].account.id != account)
			continue;
		s = pending ? &c.all.list[i].pending : &c.all.list[i].current;
		if (s->id == 0)
			continue;
		assert_int_equal(vault_open(x->v, s, &text, &c.why), 0);
		memcpy(out, text.text, sizeof text.text);
		secret_text_wipe(&text);
	}
	vault_entries_free(&c.all);
}

static void
assert_text(struct vfix *x, int64_t account, bool pending, const char *want)
{
	char got[PASSWORD_STORED_MAX + 1];

	text_in(x, account, pending, got);
	assert_string_equal(got, want);
}

/* Behind everybody's back. */
static int64_t
sql(struct vfix *x, const char *text)
{
	char path[256];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	fix_path(x->f, "db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL),
	    SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* ---- tests ---- */

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

static void
test_rotation(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule rule;
	char p[PASSWORD_STORED_MAX + 1], again[PASSWORD_STORED_MAX + 1];

	password_rule_init(&rule);
	assert_int_equal(confirm(x, id, 7), CAMCA_ENOENT);
	assert_true(pend(x, id, "admin", &rule, 7, p));
	assert_text(x, id, false, "first");
	assert_text(x, id, true, p);
	/* Asked again, also by another job: the same one, never two. */
	assert_false(pend(x, id, "admin", &rule, 7, again));
	assert_string_equal(again, p);
	assert_false(pend(x, id, "admin", &rule, 8, again));
	assert_string_equal(again, p);
	/* The job before has no say any more. */
	assert_int_equal(confirm(x, id, 7), CAMCA_ECONFLICT);
	assert_int_equal(confirm(x, id, 8), 0);
	assert_text(x, id, false, p);
	assert_text(x, id, true, "");
	/* A report that comes twice. */
	assert_int_equal(confirm(x, id, 8), 0);
	assert_int_equal(confirm(x, id, 9), CAMCA_ENOENT);
	assert_int_equal(confirm(x, id, 0), CAMCA_ENOENT);
	assert_int_equal(confirm(x, 12345, 8), CAMCA_ENOENT);
	assert_text(x, id, false, p);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"), 2);
}

/* Marks are refused by the camera: a new one by the tighter rule, and the one
 * before is kept, for the camera may have taken it after all. */
static void
test_tighter(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule wide = { .min = 8, .max = 20, .special = 2,
	    .specials = "-_" }, tight = { .min = 8, .max = 20 };
	char p[PASSWORD_STORED_MAX + 1], q[PASSWORD_STORED_MAX + 1];

	assert_true(pend(x, id, "admin", &wide, 7, p));
	assert_true(pend(x, id, "admin", &tight, 7, q));
	assert_string_not_equal(p, q);
	assert_text(x, id, true, q);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 2"), 1);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 0"), 1);
	assert_false(pend(x, id, "admin", &tight, 7, p));
}

static void
test_import_pending(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule rule;
	struct call c = call(x, 0);
	struct vault_draft d;
	char p[PASSWORD_STORED_MAX + 1];

	password_rule_init(&rule);
	assert_true(pend(x, id, "admin", &rule, 7, p));
	assert_int_equal(vault_draft_text(x->v, "cam-1", "admin", "by hand",
	    &d, NULL), 0);
	c.draft = &d;
	assert_int_equal(run(&c, put_tx), CAMCA_ECONFLICT);
	assert_string_equal(c.why.code, "vault.pending");
	assert_text(x, id, false, "first");
	assert_text(x, id, true, p);
	/* Nobody is there with it: what the person says is current, and the
	 * one that was pending is kept. */
	c.over_pending = true;
	assert_int_equal(run(&c, put_tx), 0);
	assert_text(x, id, false, "by hand");
	assert_text(x, id, true, "");
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 2"), 2);
	/* A draft is for its own account and device. */
	c.dev = &x->cam[1];
	assert_int_equal(run(&c, put_tx), CAMCA_EINVAL);
	c.account = import(x, 0, "other", "x");
	assert_int_equal(run(&c, pend_tx), CAMCA_ECONFLICT);
	c.account = 999;
	assert_int_equal(run(&c, pend_tx), CAMCA_ENOENT);
	vault_draft_fini(&d);
}

static void
test_history(void **state)
{
	struct vfix *x = *state;
	struct call c = call(x, 0);
	int64_t id = 0;
	char text[16];

	for (int i = 0; i < 15; i++) {
		snprintf(text, sizeof text, "pass-%d", i);
		id = import(x, 0, "admin", text);
		if (i == 0) {
			c.secret = sql(x, "SELECT id FROM vault_secret");
			assert_int_equal(run(&c, mark_tx), 0);
		}
	}
	assert_text(x, id, false, "pass-14");
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 2"), VAULT_OLD_MAX);
	/* What strangers know is kept for ever. */
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 3"), 1);
	assert_int_equal(sql(x, "SELECT MIN(id) FROM vault_secret"
	    " WHERE state = 3"), c.secret);
}

/* A pending one that somebody saw is not given out again. */
static void
test_compromised_pending(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule rule;
	struct call c = call(x, 0);
	char p[PASSWORD_STORED_MAX + 1], q[PASSWORD_STORED_MAX + 1];

	password_rule_init(&rule);
	assert_true(pend(x, id, "admin", &rule, 7, p));
	c.secret = sql(x, "SELECT id FROM vault_secret WHERE state = 0");
	assert_int_equal(run(&c, mark_tx), 0);
	assert_int_equal(run(&c, mark_tx), 0);
	assert_text(x, id, true, p);
	assert_true(pend(x, id, "admin", &rule, 7, q));
	assert_string_not_equal(p, q);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 3"), 1);
	c.secret = 999;
	assert_int_equal(run(&c, mark_tx), CAMCA_ENOENT);
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

#define VCASE(t) cmocka_unit_test_setup_teardown(t, vsetup, vteardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		VCASE(test_round_trip), VCASE(test_bad_input),
		VCASE(test_length_hidden), VCASE(test_swapped),
		VCASE(test_bits), VCASE(test_rotation), VCASE(test_tighter),
		VCASE(test_import_pending), VCASE(test_history),
		VCASE(test_compromised_pending), VCASE(test_key_lost),
		VCASE(test_key_other), VCASE(test_key_stays),
		VCASE(test_seal_to), VCASE(test_seal_to_other),
		VCASE(test_no_clear_text), VCASE(test_threads),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
