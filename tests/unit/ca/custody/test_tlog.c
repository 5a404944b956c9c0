/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/custody/tlog.h"
#include "tests/unit/ca/custody/note_vectors.h"

/* ---- tlog-proof ---- */

#define HEADER "c2sp.org/tlog-proof@v1\n"
#define HASH_1 "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="
#define HASH_2 "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA="
#define HASHES HASH_1 "\n" HASH_2 "\n"
#define PROOF HEADER "index 69999\n" HASHES "\n" V_NOTE
#define PROOF_EXTRA HEADER "extra AQIDBA==\nindex 69999\n" HASHES "\n" V_NOTE

static int
proof_n(struct tlog_proof *t, const char *p, size_t n)
{
	struct refusal why = {0};
	int ret = tlog_proof_parse(t, p, n, &why);

	if (ret < 0) {
		assert_true(ret == CAMCA_EINVAL || ret == CAMCA_ELIMIT);
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, "custody.proof");
	}
	return ret;
}

static int
proof(struct tlog_proof *t, const char *s)
{
	return proof_n(t, s, strlen(s));
}

static void
assert_one_spelling(const struct tlog_proof *t, const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(tlog_proof_text(t, &b), 0);
	assert_int_equal(b.len, n);
	assert_memory_equal(b.data, p, n);
	buf_fini(&b);
}

static void
test_proof(void **state)
{
	static const char *const good[] = {PROOF, PROOF_EXTRA,
	    HEADER "index 0\n\n" V_NOTE};
	struct tlog_proof t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(proof(&t, good[i]), 0);
		assert_int_equal(t.note_len, strlen(V_NOTE));
		assert_memory_equal(t.note, V_NOTE, t.note_len);
		assert_int_equal(t.index, i == 2 ? 0 : 69999);
		assert_int_equal(t.proof.n, i == 2 ? 0 : 2);
		assert_one_spelling(&t, good[i], strlen(good[i]));
	}
	assert_int_equal(proof(&t, PROOF_EXTRA), 0);
	assert_int_equal(t.extra_len, 8);
	assert_memory_equal(t.extra, "AQIDBA==", 8);
	assert_int_equal(t.proof.path[1].b[0], 0x07);
}

static void
test_proof_bad(void **state)
{
	static const char *const bad[] = {"", "\n", HEADER, HEADER "\n",
	    "c2sp.org/tlog-proof@v2\nindex 1\n\nnote",
	    " " PROOF, "\n" PROOF, "c2sp.org/tlog-proof@v1\r\nindex 1\n\nnote",
	    HEADER "index\n\nnote", HEADER "index \n\nnote",
	    HEADER "index -1\n\nnote", HEADER "index 01\n\nnote",
	    HEADER "index 1 \n\nnote", HEADER "index  1\n\nnote",
	    HEADER "index 99999999999999999999\n\nnote",
	    HEADER "Index 1\n\nnote", HEADER "\nindex 1\n\nnote",
	    HEADER "extra\nindex 1\n\nnote", HEADER "extra \nindex 1\n\nnote",
	    HEADER "extra AQ\nindex 1\n\nnote",
	    HEADER "extra AQ==\nextra AQ==\nindex 1\n\nnote",
	    HEADER "index 1\nextra AQ==\n\nnote",
	    HEADER "extra AQ==\n\nnote",
	    HEADER "index 1\n" HASH_1 " \n\nnote",
	    HEADER "index 1\n" HASH_1 HASH_2 "\n\nnote",
	    HEADER "index 1\nAAAA\n\nnote",
	    HEADER "index 1\n" HASH_1 "\r\n\nnote",
	    HEADER "index 1\n" HASH_1 "\nnote",
	    HEADER "index 1\n", HEADER "index 1\n\n", HEADER "index 1\nnote",
	    HEADER "index 1\n" HASHES, HEADER "index 1\n" HASHES "\n",
	    HEADER "index 1\n" HASH_1};
	struct tlog_proof t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (proof(&t, bad[i]) != CAMCA_EINVAL)
			fail_msg("proof %zu is read: %s", i, bad[i]);
	/* Cut inside the note it is the note's parser that sees it. */
	for (i = 0; i <= strlen(PROOF_EXTRA) - strlen(V_NOTE); i++)
		assert_int_equal(proof_n(&t, PROOF_EXTRA, i), CAMCA_EINVAL);
}

/* Every bit: refused, or another proof that has that spelling alone. */
static void
test_proof_bits(void **state)
{
	static const char whole[] = PROOF_EXTRA;
	struct tlog_proof t;
	char copy[sizeof whole];
	size_t i, bit;

	(void)state;
	for (i = 0; i < sizeof whole - 1 - strlen(V_NOTE); i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(copy, whole, sizeof copy);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			if (proof_n(&t, copy, sizeof copy - 1) == 0)
				assert_one_spelling(&t, copy,
				    sizeof copy - 1);
		}
}

static void
test_proof_limits(void **state)
{
	struct tlog_proof t;
	struct buf b;
	char *big;
	int i;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, HEADER "index 1\n"), 0);
	for (i = 0; i < TREE_DEPTH_MAX; i++)
		assert_int_equal(buf_puts(&b, HASH_1 "\n"), 0);
	assert_int_equal(buf_puts(&b, "\nnote\n"), 0);
	assert_int_equal(proof(&t, buf_str(&b)), 0);
	assert_int_equal(t.proof.n, TREE_DEPTH_MAX);
	b.len -= strlen("\nnote\n");
	assert_int_equal(buf_puts(&b, HASH_1 "\n\nnote\n"), 0);
	assert_int_equal(proof(&t, buf_str(&b)), CAMCA_EINVAL);
	buf_fini(&b);

	big = calloc(1, 1 << 20);
	assert_non_null(big);
	assert_int_equal(proof_n(&t, big, 1 << 20), CAMCA_ELIMIT);
	free(big);
	assert_int_equal(proof(&t, PROOF), 0);
	t.index = -1;
	assert_int_equal(tlog_proof_text(&t, &b), CAMCA_EINVAL);
	t.index = 0;
	t.proof.n = TREE_DEPTH_MAX + 1;
	assert_int_equal(tlog_proof_text(&t, &b), CAMCA_EINVAL);
	t.proof.n = 0;
	t.note_len = 0;
	assert_int_equal(tlog_proof_text(&t, &b), CAMCA_EINVAL);
	buf_fini(&b);
}

/* ---- tlog-policy ---- */

static struct tlog_policy *
policy(const char *s)
{
	struct tlog_policy *p = NULL;
	struct refusal why = {0};

	if (tlog_policy_parse(&p, s, strlen(s), &why) != 0)
		fail_msg("%s: %s", s, why.detail);
	return p;
}

static void
assert_policy_bad(const char *s, size_t n, const char *detail)
{
	struct tlog_policy *p = (void *)1;
	struct refusal why = {0};

	if (tlog_policy_parse(&p, s, n, &why) != CAMCA_EINVAL)
		fail_msg("'%.*s' is read as a policy", (int)n, s);
	assert_null(p);
	assert_int_equal(why.http, 400);
	assert_string_equal(why.code, "custody.policy");
	if (strstr(why.detail, detail) == NULL)
		fail_msg("'%s' has no '%s'", why.detail, detail);
	assert_int_equal(ERR_peek_error(), 0);
}

#define LOGS "log " V_ED_KEY "\nlog " V_EC_KEY " https://log.example/c\n"
#define W1 "witness w1 " V_W1_KEY " https://w1.example/\n"
#define W2 "witness w2 " V_W2_KEY "\n"

static void
test_policy(void **state)
{
	static const char text[] = "# who is believed\n\n \t\n  # indented\n"
	    LOGS "\t" W1 W2 "group  both\tall w1   w2 \nquorum both\n";
	struct tlog_policy *p = policy(text);
	const char *name, *url;

	(void)state;
	assert_int_equal(tlog_policy_logs(p), 2);
	assert_string_equal(tlog_policy_log(p, 0)->name, V_ORIGIN);
	assert_int_equal(tlog_policy_log(p, 1)->alg, NOTE_ECDSA);
	assert_null(tlog_policy_log(p, 2));
	assert_int_equal(tlog_policy_witnesses(p), 2);
	assert_string_equal(tlog_policy_witness(p, 0, &name, &url)->name,
	    "w1.example");
	assert_string_equal(name, "w1");
	assert_string_equal(url, "https://w1.example/");
	assert_non_null(tlog_policy_witness(p, 1, &name, &url));
	assert_string_equal(name, "w2");
	assert_null(url);
	assert_null(tlog_policy_witness(p, 2, &name, &url));
	tlog_policy_free(p);
	tlog_policy_free(NULL);
	/* No log, no witness: the format allows both. */
	p = policy("quorum none\n");
	assert_int_equal(tlog_policy_logs(p), 0);
	tlog_policy_free(p);
	/* A name is octets: also those that are not UTF-8. */
	p = policy("witness \xe2\x84 " V_W1_KEY "\nquorum \xe2\x84\n");
	tlog_policy_free(p);
}

#define Q "quorum none\n"

static void
test_policy_bad(void **state)
{
	static const struct {
		const char *text, *detail;
	} bad[] = {
		{"", "no quorum"}, {"\n", "no quorum"}, {LOGS, "no quorum"},
		{"quorum none", "has no end"}, {LOGS "quorum", "has no end"},
		{"quorum\n", "one name"}, {"quorum none none\n", "one name"},
		{Q Q, "second quorum"}, {"quorum w1\n" W1, "quorum that no"},
		{"Quorum none\n", "first word"}, {"require w1\n" Q, "first"},
		{"quorum none\r\n", "control"}, {Q "a\x7f\n", "control"},
		{Q "\v\n", "control"}, {Q "# bell \a\n", "control"},
		{"log\n" Q, "a key"}, {"log x\n" Q, "verifier key"},
		{"log " V_ED_KEY " u v\n" Q, "at most a URL"},
		{"log " V_W1_KEY "\n" Q, "cannot be a log's"},
		{LOGS "log " V_EC_KEY "\n" Q, "listed twice"},
		{"witness w\n" Q, "a name and a key"},
		{"witness w " V_ED_KEY "\n" Q, "of type 4"},
		{"witness none " V_W1_KEY "\n" Q, "defined already"},
		{W1 "witness w1 " V_W2_KEY "\n" Q, "defined already"},
		{W1 "witness w9 " V_W1_KEY "\n" Q, "listed twice"},
		{W1 "group g 1\n" Q, "how many"}, {W1 "group g\n" Q, "how"},
		{W1 "group g 0 w1\n" Q, "how many"},
		{W1 "group g 2 w1\n" Q, "how many"},
		{W1 "group g -1 w1\n" Q, "how many"},
		{W1 "group g 01 w1\n" Q, "how many"},
		{W1 "group g some w1\n" Q, "how many"},
		{W1 "group g 4294967297 w1\n" Q, "how many"},
		{W1 "group w1 1 w1\n" Q, "defined already"},
		{W1 "group g all g\n" Q, "no line before"},
		{W1 "group g all none\n" Q, "no line before"},
		{W1 "group g all w2\n" W2 Q, "no line before"},
		{W1 "group g any w1 w1\n" Q, "in a group already"},
		{W1 W2 "group g any w1\ngroup h any w1 w2\n" Q, "already"},
	};
	static const char whole[] = LOGS W1 W2 "group g 1 w1 w2\nquorum g\n";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_policy_bad(bad[i].text, strlen(bad[i].text),
		    bad[i].detail);
	assert_policy_bad(Q "\0\n", sizeof Q "\0\n" - 1, "control");
	/* The line is named; a cut is never a shorter policy. */
	assert_policy_bad("# a\n\nlog x\n" Q, strlen("# a\n\nlog x\n" Q),
	    "line 3:");
	for (i = 0; i < sizeof whole - 1; i++)
		assert_policy_bad(whole, i, "policy, line");
}

/* A witness whose key is made from a number. */
static void
put_witness(struct buf *b, int i)
{
	uint8_t seed[32] = {9, (uint8_t)i, (uint8_t)(i >> 8)};
	AUTO(EVP_PKEY) *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519,
	    NULL, seed, sizeof seed);
	struct note_key k;

	assert_int_equal(note_key_make(&k, "w.example", NOTE_COSIG_ED25519,
	    pair), 0);
	assert_int_equal(buf_printf(b, "witness n%d ", i), 0);
	assert_int_equal(note_key_text(&k, b), 0);
	assert_int_equal(buf_putc(b, '\n'), 0);
	note_key_fini(&k);
}

static void
test_policy_limits(void **state)
{
	struct tlog_policy *p = NULL;
	struct buf b;
	char *big;
	int i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < POLICY_WITNESSES_MAX; i++)
		put_witness(&b, i);
	for (i = 0; i < POLICY_GROUPS_MAX; i++)
		assert_int_equal(buf_printf(&b, "group g%d any n%d\n", i, i),
		    0);
	assert_int_equal(buf_puts(&b, "quorum g0\n"), 0);
	p = policy(buf_str(&b));
	assert_int_equal(tlog_policy_witnesses(p), POLICY_WITNESSES_MAX);
	tlog_policy_free(p);
	assert_int_equal(buf_puts(&b, "group more any g1\n"), 0);
	assert_policy_bad(buf_str(&b), b.len, "too many groups");
	buf_reset(&b);
	for (i = 0; i <= POLICY_WITNESSES_MAX; i++)
		put_witness(&b, i);
	assert_policy_bad(buf_str(&b), b.len, "too many witnesses");
	buf_reset(&b);
	for (i = 0; i < 200; i++)
		assert_int_equal(buf_puts(&b, "word "), 0);
	assert_int_equal(buf_puts(&b, "\n"), 0);
	assert_policy_bad(buf_str(&b), b.len, "too many words");
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "witness %0300d " V_W1_KEY "\n", 1),
	    0);
	assert_policy_bad(buf_str(&b), b.len, "name is too long");
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "log " V_ED_KEY " %01100d\n", 1), 0);
	assert_policy_bad(buf_str(&b), b.len, "URL is too long");
	buf_fini(&b);
	big = calloc(1, 1 << 20);
	assert_non_null(big);
	assert_int_equal(tlog_policy_parse(&p, big, 1 << 20, NULL),
	    CAMCA_ELIMIT);
	assert_null(p);
	free(big);
}

/* ---- checking ---- */

static int
verdict(const char *policy_text, const char *note, struct tlog_verdict *v,
    struct refusal *why)
{
	struct tlog_policy *p = policy(policy_text);
	int ret = tlog_policy_check(p, note, strlen(note), v, why);

	tlog_policy_free(p);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static void
test_check(void **state)
{
	struct refusal why = {0};
	struct tlog_verdict v;

	(void)state;
	assert_int_equal(verdict(LOGS W1 W2 "group g all w1 w2\nquorum g\n",
	    V_NOTE, &v, &why), 0);
	assert_string_equal(v.checkpoint.origin, V_ORIGIN);
	assert_int_equal(v.checkpoint.size, 70000);
	assert_int_equal(v.log_ed25519, 1);
	assert_int_equal(v.log_ecdsa, 1);
	assert_int_equal(v.witnesses, 2);
	assert_true(v.quorum);
	assert_int_equal(v.witnessed_s, V_W1_TIME);
	assert_int_equal(why.http, 0);

	/* One log key is enough; a foreign witness is no matter. */
	assert_int_equal(verdict("log " V_EC_KEY "\n" Q, V_NOTE, &v, &why), 0);
	assert_int_equal(v.log_ed25519, 0);
	assert_int_equal(v.log_ecdsa, 1);
	assert_int_equal(v.witnesses, 0);
	assert_true(v.quorum);
	assert_int_equal(v.witnessed_s, 0);
}

static void
test_check_refuses(void **state)
{
	static const char other[] = "log other.example+48d2598f+AjBZMBMGByqG"
	    "SM49AgEGCCqGSM49AwEHA0IABD7Xoo7GSO3OXVt+JS9rKq+7RINRFKJLPKqP"
	    "cQ9kmTvCVxGjTNySKQgLY58Jl3/rfKkezOFkm/6orYXHKyBq3n4=\n" Q;
	struct refusal why = {0};
	struct tlog_verdict v;

	(void)state;
	/* No log of the policy; the same key under another name is no log. */
	assert_int_equal(verdict(Q, V_NOTE, &v, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "custody.no-log");
	assert_int_equal(verdict(other, V_NOTE, &v, &why), CAMCA_EPOLICY);
	assert_int_equal(verdict("log " V_ED_KEY "\n" W1 Q,
	    V_TEXT "\n" V_W1_LINE V_EC_LINE, &v, &why), CAMCA_EPOLICY);
	/* A known key's signature that does not hold: of the log, of another
	 * one of its keys, of a witness that the quorum does not need. */
	assert_int_equal(verdict(LOGS Q, V_TEXT "\n" V_ED_LINE DASH " "
	    V_ORIGIN " SNJZjwA=\n", &v, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.signature");
	assert_int_equal(verdict("log " V_ED_KEY "\n" W1 Q, V_TEXT "\n"
	    V_ED_LINE DASH " w1.example wkTwFAA=\n", &v, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.signature");
	/* Not a note, not a checkpoint. */
	assert_int_equal(verdict(LOGS Q, "text\n", &v, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.note");
	assert_int_equal(verdict(LOGS Q, "text\n\n" V_ED_LINE, &v, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.checkpoint");
	/* Another log of the policy signed a checkpoint of this one. */
	assert_int_equal(verdict("log " V_ED_KEY "\n" Q, "other.example\n1\n"
	    "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n" V_ED_LINE, &v,
	    &why), CAMCA_EINVAL);
}

static uint8_t quorum_seed[4][32] = {{1}, {2}, {3}, {4}};

/* Signs V_TEXT as witness i and appends the line, or its policy line. */
static void
put_quorum(struct buf *b, int i, bool line)
{
	AUTO(EVP_PKEY) *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519,
	    NULL, quorum_seed[i], 32);
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	struct note_key k;
	uint8_t sig[64];
	size_t n = sizeof sig;
	struct buf m;

	buf_init(&m, 0);
	assert_int_equal(note_key_make(&k, "q.example", NOTE_COSIG_ED25519,
	    pair), 0);
	if (line) {
		assert_int_equal(note_message(k.alg, V_TEXT, strlen(V_TEXT),
		    100 + i, &m), 0);
		assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL,
		    pair), 1);
		assert_int_equal(EVP_DigestSign(ctx, sig, &n, m.data, m.len),
		    1);
		assert_int_equal(note_line(&k, 100 + i, sig, n, b), 0);
	} else {
		assert_int_equal(buf_printf(b, "witness %c ", 'a' + i), 0);
		assert_int_equal(note_key_text(&k, b), 0);
		assert_int_equal(buf_putc(b, '\n'), 0);
	}
	note_key_fini(&k);
	buf_fini(&m);
}

/* Every subset of four witnesses, against what the words say. */
static void
test_quorum(void **state)
{
	static const struct {
		const char *text;
		uint16_t met;          /* bit n: the subset n is a quorum */
	} rules[] = {
		{"quorum none\n", 0xffff},
		{"quorum b\n", 0xcccc},
		{"group g any a b c d\nquorum g\n", 0xfffe},
		{"group g all a b c d\nquorum g\n", 0x8000},
		{"group g 2 a b c\nquorum g\n", 0xe8e8},
		{"group g 3 a b c d\nquorum g\n", 0xe880},
		{"group x 2 a b c\ngroup y any d\ngroup z all x y\n"
		    "quorum z\n", 0xe800},
		{"group x all a b\ngroup y all c d\ngroup z any x y\n"
		    "quorum z\n", 0xf888},
		/* a group that the quorum does not name */
		{"group x all c d\nquorum a\n", 0xaaaa},
	};
	struct buf p, note;
	struct tlog_verdict v;
	size_t r;
	int i, set;

	(void)state;
	buf_init(&p, 0);
	buf_init(&note, 0);
	for (r = 0; r < sizeof rules / sizeof *rules; r++) {
		buf_reset(&p);
		assert_int_equal(buf_puts(&p, LOGS), 0);
		for (i = 0; i < 4; i++)
			put_quorum(&p, i, false);
		assert_int_equal(buf_puts(&p, rules[r].text), 0);
		for (set = 0; set < 16; set++) {
			buf_reset(&note);
			assert_int_equal(buf_puts(&note, V_TEXT "\n"
			    V_ED_LINE), 0);
			for (i = 3; i >= 0; i--)
				if (set >> i & 1)
					put_quorum(&note, i, true);
			assert_int_equal(verdict(buf_str(&p), buf_str(&note),
			    &v, NULL), 0);
			assert_int_equal(v.witnesses,
			    __builtin_popcount((unsigned)set));
			assert_int_equal(v.quorum, rules[r].met >> set & 1);
			assert_int_equal(v.witnessed_s, set == 0 ? 0 :
			    100 + __builtin_ctz((unsigned)set));
		}
	}
	buf_fini(&p);
	buf_fini(&note);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_proof_bad),
		cmocka_unit_test(test_proof_bits),
		cmocka_unit_test(test_proof_limits),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_policy_bad),
		cmocka_unit_test(test_policy_limits),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_refuses),
		cmocka_unit_test(test_quorum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
