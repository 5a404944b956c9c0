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
#include "ca/custody/note.h"
#include "tests/unit/ca/custody/note_vectors.h"

/* The example of C2SP signed-note. */
#define C2SP_KEY "example.com/foo+530d903a+" \
	"AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define C2SP_NOTE "This is an example message.\n\n" \
	DASH " example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2O" \
	"NncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
/* The ones that golang.org/x/mod/sumdb/note is documented with. */
#define GO_KEY "PeterNeumann+c74f20a3+" \
	"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_KEY_2 "EnochRoot+af0cfe78+" \
	"ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define GO_TEXT \
	"If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n"
#define GO_LINE DASH " PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8p" \
	"AcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define GO_LINE_2 DASH " EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNt" \
	"COXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

static const char *const vector_keys[] = {V_ED_KEY, V_EC_KEY, V_W1_KEY,
    V_W2_KEY};
#define KEYS (sizeof vector_keys / sizeof *vector_keys)

static struct note_key
key(const char *vkey)
{
	struct refusal why = {0};
	struct note_key k;

	if (note_key_parse(&k, vkey, strlen(vkey), &why) != 0)
		fail_msg("%s: %s", vkey, why.detail);
	return k;
}

static struct note *
note_new(void)
{
	struct note *n = malloc(sizeof *n);

	assert_non_null(n);
	return n;
}

static int
parse_n(struct note *n, const void *p, size_t len)
{
	struct refusal why = {0};
	int ret = note_parse(n, p, len, &why);

	if (ret < 0) {
		assert_true(ret == CAMCA_EINVAL || ret == CAMCA_ELIMIT);
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, "custody.note");
	}
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static int
parse(struct note *n, const char *s)
{
	return parse_n(n, s, strlen(s));
}

/* Parses and checks with one key. */
static int
check_n(const char *vkey, const char *p, size_t len)
{
	struct note *n = note_new();
	struct note_key k = key(vkey);
	int ret = parse_n(n, p, len);

	if (ret == 0)
		ret = note_check(n, &k, NULL);
	assert_int_equal(ERR_peek_error(), 0);
	note_key_fini(&k);
	free(n);
	return ret;
}

static int
check(const char *vkey, const char *s)
{
	return check_n(vkey, s, strlen(s));
}

/* ---- known answers ---- */

static void
test_c2sp_example(void **state)
{
	struct note *n = note_new();

	(void)state;
	assert_int_equal(check(C2SP_KEY, C2SP_NOTE), 0);
	assert_int_equal(parse(n, C2SP_NOTE), 0);
	assert_int_equal(n->text_len, strlen("This is an example message.\n"));
	assert_int_equal(n->nsigs, 1);
	assert_int_equal(n->sigs[0].name_len, strlen("example.com/foo"));
	assert_memory_equal(n->sigs[0].id, "\x53\x0d\x90\x3a", 4);
	assert_int_equal(n->sigs[0].sig_len, 64);
	assert_int_equal(check(GO_KEY, C2SP_NOTE), CAMCA_ENOENT);
	free(n);
}

static void
test_go_examples(void **state)
{
	(void)state;
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" GO_LINE GO_LINE_2), 0);
	assert_int_equal(check(GO_KEY_2, GO_TEXT "\n" GO_LINE GO_LINE_2), 0);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" GO_LINE_2), CAMCA_ENOENT);
	assert_int_equal(check(GO_KEY, "\n" GO_TEXT "\n" GO_LINE),
	    CAMCA_EINVAL);
	assert_int_equal(check(GO_KEY, GO_TEXT GO_TEXT "\n" GO_LINE),
	    CAMCA_EINVAL);
}

static void
test_all_kinds(void **state)
{
	struct note *n = note_new();
	int64_t time_s;
	struct note_key k;
	size_t i;

	(void)state;
	assert_int_equal(parse(n, V_NOTE), 0);
	assert_int_equal(n->nsigs, 4);
	assert_int_equal(n->text_len, strlen(V_TEXT));
	for (i = 0; i < KEYS; i++) {
		k = key(vector_keys[i]);
		time_s = -1;
		assert_int_equal(note_check(n, &k, &time_s), 0);
		assert_int_equal(time_s, i == 2 ? V_W1_TIME : i == 3 ?
		    V_W2_TIME : 0);
		note_key_fini(&k);
	}
	free(n);
}

/* ---- keys ---- */

static void
test_key_texts(void **state)
{
	static const char *const good[] = {C2SP_KEY, GO_KEY, GO_KEY_2,
	    V_ED_KEY, V_EC_KEY, V_W1_KEY, V_W2_KEY,
	    /* '+' in the base64, and a witness's key, of public test sets. */
	    "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
	    "remora.n621.de+da77ade7+"
	    "BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"};
	struct note_key k;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof good / sizeof *good; i++) {
		k = key(good[i]);
		buf_reset(&b);
		assert_int_equal(note_key_text(&k, &b), 0);
		assert_string_equal(buf_str(&b), good[i]);
		note_key_fini(&k);
		assert_null(k.pub);
		note_key_fini(&k);
	}
	buf_fini(&b);
}

static void
assert_key_bad(const char *p, size_t n)
{
	struct refusal why = {0};
	struct note_key k;

	if (note_key_parse(&k, p, n, &why) != CAMCA_EINVAL)
		fail_msg("'%.*s' is read as a key", (int)n, p);
	assert_null(k.pub);
	assert_int_equal(why.http, 400);
	assert_string_equal(why.code, "custody.vkey");
	assert_int_equal(ERR_peek_error(), 0);
}

/* A bit of name, id or key never fits the rest, with two exceptions: upper case
 * hex is the same id, and an ECDSA key's id does not depend on the name. */
static void
assert_key_flip_bad(const char *vkey, size_t i, size_t bit)
{
	size_t plus = strcspn(vkey, "+");
	char text[1200];

	snprintf(text, sizeof text, "%s", vkey);
	text[i] = (char)(text[i] ^ (1 << bit));
	if (bit == 5 && i > plus && i < plus + 9 && text[i] >= 'A' &&
	    text[i] <= 'F')
		return;
	if (strcmp(vkey, V_EC_KEY) == 0 && i < plus)
		return;
	assert_key_bad(text, strlen(vkey));
}

static void
test_key_bad(void **state)
{
	static const char *const bad[] = {"", "+", "++", "a+b+c",
	    "example.com/foo", "example.com/foo+530d903a",
	    "example.com/foo+530d903a+", "+530d903a+AekyeRrm56hApGFkyQR4ZC"
	    "bV54Id2LKaANYcrnKv3U2k",
	    /* a name with a space, with U+00A0, not UTF-8; another name */
	    "example.com/ foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKa"
	    "ANYcrnKv3U2k", "a\xc2\xa0+530d903a+AekyeRrm56hApGFkyQR4ZCbV54"
	    "Id2LKaANYcrnKv3U2k", "a\xff+530d903a+AekyeRrm56hApGFkyQR4ZCbV"
	    "54Id2LKaANYcrnKv3U2k", "example.com/bar+530d903a+AekyeRrm56hA"
	    "pGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	    /* an unknown type, 31 and 33 bytes of key, no key */
	    "a+00000000+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	    "a+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
	    "a+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2kAA==",
	    "a+00000000+AQ==", "a+00000000+Ag==", "a+00000000+AjBZMBM="};
	char text[1200], big[NOTE_NAME_MAX + 80];
	size_t i, k, bit;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_key_bad(bad[i], strlen(bad[i]));
	memset(text, 'a', sizeof text);
	assert_key_bad(text, sizeof text);
	memset(big, 'a', NOTE_NAME_MAX);
	snprintf(big + NOTE_NAME_MAX, 80, "%s", strchr(C2SP_KEY, '+'));
	assert_key_bad(big, strlen(big));
	for (k = 0; k < KEYS; k++)
		for (i = 0; i < strlen(vector_keys[k]); i++)
			assert_key_bad(vector_keys[k], i);
	for (k = 0; k < KEYS; k++)
		for (i = 0; i < strlen(vector_keys[k]); i++)
			for (bit = 0; bit < 8; bit++)
				assert_key_flip_bad(vector_keys[k], i, bit);
}

static void
test_key_make(void **state)
{
	AUTO(EVP_PKEY) *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	AUTO(EVP_PKEY) *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	AUTO(EVP_PKEY) *p224 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-224");
	AUTO(EVP_PKEY) *x = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	char name[NOTE_NAME_MAX + 1];
	struct note_key k, again;
	struct buf b;

	(void)state;
	assert_int_equal(note_key_make(&k, "a", NOTE_ECDSA, ed), CAMCA_EINVAL);
	assert_int_equal(note_key_make(&k, "a", NOTE_ED25519, p384),
	    CAMCA_EINVAL);
	assert_int_equal(note_key_make(&k, "a", NOTE_ECDSA, p224),
	    CAMCA_EINVAL);
	assert_int_equal(note_key_make(&k, "a", NOTE_ED25519, x),
	    CAMCA_EINVAL);
	assert_int_equal(note_key_make(&k, "a", 3, ed), CAMCA_EINVAL);
	assert_int_equal(note_key_make(&k, "a+b", NOTE_ED25519, ed),
	    CAMCA_EINVAL);
	assert_int_equal(note_key_make(&k, "", NOTE_ED25519, ed),
	    CAMCA_EINVAL);
	memset(name, 'a', sizeof name);
	name[NOTE_NAME_MAX] = '\0';
	assert_int_equal(note_key_make(&k, name, NOTE_ED25519, ed),
	    CAMCA_EINVAL);
	name[NOTE_NAME_MAX - 1] = '\0';
	assert_int_equal(note_key_make(&k, name, NOTE_ED25519, ed), 0);
	note_key_fini(&k);
	buf_init(&b, 0);
	assert_int_equal(note_key_make(&k, "m\xc3\xa1y.example", NOTE_ECDSA,
	    p384), 0);
	assert_int_equal(note_key_text(&k, &b), 0);
	again = key(buf_str(&b));
	assert_memory_equal(again.id, k.id, 4);
	note_key_fini(&again);
	note_key_fini(&k);
	buf_fini(&b);
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", "a b", "a+b", "+", " a", "a\n",
	    "a\tb", "a\xc2\x85", "a\xc2\xa0""b", "\xe1\x9a\x80",
	    "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
	    "\xe2\x81\x9f", "\xe3\x80\x80", "a\x7f", "a\x01", "\x80",
	    "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	    "\xf8\x88\x80\x80\x80", "a\xc3", "a\xe2\x80"};
	size_t i;

	(void)state;
	assert_true(note_name_ok("log.example/custody"));
	assert_true(note_name_ok("\xc4\x91\xe1\xbb\x8b\x61"));
	assert_true(note_name_ok("\xf0\x9f\x93\xb7"));
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (note_name_ok(bad[i]))
			fail_msg("name %zu is accepted", i);
}

/* ---- notes ---- */

static void
test_note_forms(void **state)
{
	static const char *const bad[] = {"", "\n", "\n\n", "\n\n\n", "text",
	    "text\n", "text\n\n", "text\n\n\n",
	    /* no blank line; the signature before it; no line feed at the end */
	    "This is an example message.\n" GO_LINE, GO_LINE "\n",
	    GO_TEXT "\n" GO_LINE "\n", GO_TEXT "\n" DASH " a AAAAAAA=",
	    /* a line of text among the signatures */
	    GO_TEXT "\n" GO_LINE "text\n", GO_TEXT "\n" "text\n" GO_LINE,
	    /* hyphen, en dash, no space, two spaces, tab */
	    GO_TEXT "\n- a AAAAAAA=\n", GO_TEXT "\n\xe2\x80\x93 a AAAAAAA=\n",
	    GO_TEXT "\n" DASH "a AAAAAAA=\n", GO_TEXT "\n" DASH
	    "  a AAAAAAA=\n", GO_TEXT "\n" DASH "\ta AAAAAAA=\n",
	    /* no name, no signature, only a key id, not base64, not canonical */
	    GO_TEXT "\n" DASH "  AAAAAAA=\n", GO_TEXT "\n" DASH " a\n",
	    GO_TEXT "\n" DASH " a \n", GO_TEXT "\n" DASH " a AAAAAA==\n",
	    GO_TEXT "\n" DASH " a AAAAAAA\n", GO_TEXT "\n" DASH
	    " a AAAAAAB=\n", GO_TEXT "\n" DASH " a AAAA AAA=\n",
	    GO_TEXT "\n" DASH " a+b AAAAAAA=\n", GO_TEXT "\n" DASH
	    " a AAAAAAA= \n", GO_TEXT "\n" DASH " a AAAA____\n",
	    /* line ends of another system, controls, not UTF-8 */
	    "a\r\n\r\n" DASH " a AAAAAAA=\r\n", "a\r\n\n" DASH
	    " a AAAAAAA=\n", "a\n\n" DASH " a AAAAAAA=\r\n", "a\tb\n\n" DASH
	    " a AAAAAAA=\n", "a\x1f\n\n" DASH " a AAAAAAA=\n",
	    "a\xff\n\n" DASH " a AAAAAAA=\n", "a\xc3\n\n" DASH
	    " a AAAAAAA=\n"};
	struct note *n = note_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (parse(n, bad[i]) != CAMCA_EINVAL)
			fail_msg("note %zu is read: %s", i, bad[i]);
	assert_int_equal(parse_n(n, "a\0b\n\n" DASH " a AAAAAAA=\n",
	    sizeof "a\0b\n\n" DASH " a AAAAAAA=\n" - 1), CAMCA_EINVAL);
	assert_int_equal(parse(n, "a\n\n" DASH " a AAAAAAA=\n"), 0);
	assert_int_equal(n->sigs[0].sig_len, 1);
	free(n);
}

/* The text ends at the last blank line: those before belong to it. */
static void
test_note_blank_lines(void **state)
{
	static const char note[] = "one\n\ntwo\n\n\nthree\n\n" GO_LINE GO_LINE_2;
	struct note *n = note_new();

	(void)state;
	assert_int_equal(parse(n, note), 0);
	assert_int_equal(n->text_len, strlen("one\n\ntwo\n\n\nthree\n"));
	assert_int_equal(n->nsigs, 2);
	/* A signed text of blank lines, and one signature moved into it. */
	assert_int_equal(parse(n, "\n\n" GO_LINE), 0);
	assert_int_equal(n->text_len, 1);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" GO_LINE "\n" GO_LINE),
	    CAMCA_EINVAL);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n\n" GO_LINE), CAMCA_EINVAL);
	free(n);
}

static void
test_note_unknown_keys(void **state)
{
	(void)state;
	/* Same name, another id; same id, another name: not this key. */
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" DASH
	    " PeterNeumann AAAAAAA=\n"), CAMCA_ENOENT);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" DASH
	    " PeterNeumann2 x08gowA=\n"), CAMCA_ENOENT);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" DASH
	    " PeterNeuman x08gowA=\n"), CAMCA_ENOENT);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" DASH
	    " PeterNeumann AAAAAAA=\n" GO_LINE), 0);
	/* This key, and it does not hold: whatever else is there. */
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" DASH
	    " PeterNeumann x08gowA=\n"), CAMCA_EINVAL);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" DASH
	    " PeterNeumann x08gowA=\n" GO_LINE), CAMCA_EINVAL);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" GO_LINE DASH
	    " PeterNeumann x08gowA=\n"), CAMCA_EINVAL);
	assert_int_equal(check(GO_KEY, GO_TEXT "\n" GO_LINE GO_LINE), 0);
}

/* Appends n lines of a foreign algorithm with len bytes of signature. */
static void
put_foreign(struct buf *b, size_t n, size_t len)
{
	uint8_t *sig = calloc(1, len);
	size_t i;

	assert_non_null(sig);
	for (i = 0; i < n; i++) {
		assert_int_equal(buf_puts(b, DASH " other.example "), 0);
		assert_int_equal(enc_base64(b, sig, len, 0), 0);
		assert_int_equal(buf_putc(b, '\n'), 0);
	}
	free(sig);
}

static void
test_note_limits(void **state)
{
	struct note *n = note_new();
	struct buf b;
	char *big;

	(void)state;
	buf_init(&b, 0);
	/* Signatures longer than any of ours must not hide ours. */
	assert_int_equal(buf_puts(&b, GO_TEXT "\n"), 0);
	put_foreign(&b, 1, 4 + 8 + 2420);
	put_foreign(&b, 1, 4 + 4627);
	assert_int_equal(buf_puts(&b, GO_LINE), 0);
	assert_int_equal(parse_n(n, b.data, b.len), 0);
	assert_int_equal(n->nsigs, 3);
	assert_int_equal(n->sigs[0].sig_len, 0);
	assert_int_equal(check_n(GO_KEY, (char *)b.data, b.len), 0);

	buf_reset(&b);
	assert_int_equal(buf_puts(&b, GO_TEXT "\n" GO_LINE), 0);
	put_foreign(&b, NOTE_SIGS_MAX - 1, 68);
	assert_int_equal(check_n(GO_KEY, (char *)b.data, b.len), 0);
	put_foreign(&b, 1, 68);
	assert_int_equal(parse_n(n, b.data, b.len), CAMCA_ELIMIT);

	big = malloc(1 << 20);
	assert_non_null(big);
	memset(big, 'a', 1 << 20);
	assert_int_equal(parse_n(n, big, 1 << 20), CAMCA_ELIMIT);
	assert_int_equal(parse_n(n, big, NOTE_TEXT_MAX + 1), CAMCA_ELIMIT);
	assert_int_equal(parse_n(n, big, NOTE_TEXT_MAX), CAMCA_EINVAL);
	memset(big, '\n', 1 << 20);
	assert_int_equal(parse_n(n, big, NOTE_TEXT_MAX), CAMCA_EINVAL);
	free(big);
	buf_fini(&b);
	free(n);
}

/* How many of the vector's keys hold on these bytes; -1: not a note. */
static int
holding(struct note *n, const struct note_key *keys, const char *p,
    size_t len)
{
	int held = 0;
	size_t i;

	if (note_parse(n, p, len, NULL) < 0)
		return -1;
	for (i = 0; i < KEYS; i++)
		held += note_check(n, &keys[i], NULL) == 0;
	return held;
}

/* At each byte cut, and at each byte each bit flipped: a changed text holds for
 * no key, a changed line not for its own. */
static void
test_note_damage(void **state)
{
	static const char whole[] = V_NOTE;
	struct note_key keys[KEYS];
	struct note *n = note_new();
	size_t len = sizeof whole - 1, i, bit;
	char *copy;
	int held;

	(void)state;
	for (i = 0; i < KEYS; i++)
		keys[i] = key(vector_keys[i]);
	assert_int_equal(holding(n, keys, whole, len), KEYS);
	for (i = 0; i < len; i++) {
		copy = malloc(i > 0 ? i : 1);
		assert_non_null(copy);
		memcpy(copy, whole, i);
		held = holding(n, keys, copy, i);
		assert_true(held < (int)KEYS);
		assert_true(held <= 0 || copy[i - 1] == '\n');
		free(copy);
	}
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, whole, len);
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			copy[i] = (char)(whole[i] ^ (1 << bit));
			held = holding(n, keys, copy, len);
			assert_true(held < (int)KEYS);
			if (i < strlen(V_TEXT) && held > 0)
				fail_msg("byte %zu, bit %zu", i, bit);
			copy[i] = whole[i];
		}
	for (i = 0; i < KEYS; i++)
		note_key_fini(&keys[i]);
	free(copy);
	free(n);
}

static void
test_line(void **state)
{
	static const char *const lines[] = {V_ED_LINE, V_EC_LINE, V_W1_LINE};
	static const int64_t times[] = {0, 0, V_W1_TIME};
	struct note_sig s;
	struct note_key k;
	struct buf b;
	size_t i, skip;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < 3; i++) {
		k = key(vector_keys[i]);
		assert_int_equal(note_line_parse(&s, lines[i],
		    strlen(lines[i]), NULL), 0);
		assert_memory_equal(s.id, k.id, 4);
		skip = i == 2 ? 8 : 0;
		buf_reset(&b);
		assert_int_equal(note_line(&k, times[i], s.sig + skip,
		    s.sig_len - skip, &b), 0);
		assert_string_equal(buf_str(&b), lines[i]);
		assert_int_equal(note_line(&k, -1, s.sig, 64, &b),
		    CAMCA_EINVAL);
		assert_int_equal(note_line(&k, 0, s.sig, 7, &b),
		    CAMCA_EINVAL);
		assert_int_equal(note_line(&k, 0, s.sig, 4096, &b),
		    CAMCA_EINVAL);
		note_key_fini(&k);
	}
	buf_fini(&b);
}

static void
test_line_bad(void **state)
{
	static const char *const bad[] = {"", "\n", V_W1_LINE "\n",
	    V_W1_LINE V_W2_LINE, "\n" V_W1_LINE, " " V_W1_LINE,
	    DASH " a AAAAAAA=\r\n", DASH " a AAAAAAA= b\n",
	    DASH " \xff AAAAAAA=\n"};
	static const char line[] = V_W1_LINE;
	struct refusal why = {0};
	struct note_sig s;
	size_t i;
	char *big;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(note_line_parse(&s, bad[i], strlen(bad[i]),
		    &why), CAMCA_EINVAL);
	for (i = 0; i < sizeof line - 1; i++)
		assert_int_equal(note_line_parse(&s, line, i, &why),
		    CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.note");
	big = calloc(1, 1 << 20);
	assert_non_null(big);
	assert_int_equal(note_line_parse(&s, big, 1 << 20, &why),
	    CAMCA_ELIMIT);
	free(big);
}

/* ---- signing ---- */

static int
sign(EVP_PKEY *key_pair, const struct note_key *k, const char *text,
    int64_t time_s, struct buf *out)
{
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	uint8_t sig[NOTE_SIG_MAX];
	size_t n = sizeof sig;
	struct buf m;
	int ret;

	buf_init(&m, 0);
	assert_int_equal(note_message(k->alg, text, strlen(text), time_s, &m),
	    0);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, k->alg == NOTE_ECDSA ?
	    EVP_sha256() : NULL, NULL, key_pair), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, m.data, m.len), 1);
	ret = note_line(k, time_s, sig, n, out);
	buf_fini(&m);
	return ret;
}

/* A text with blank lines, signed by every algorithm and curve. */
static void
test_sign_and_check(void **state)
{
	static const struct {
		enum note_alg alg;
		const char *type, *curve;
	} kinds[] = {
		{NOTE_ED25519, "ED25519", NULL},
		{NOTE_COSIG_ED25519, "ED25519", NULL},
		{NOTE_ECDSA, "EC", "P-256"}, {NOTE_ECDSA, "EC", "P-384"},
		{NOTE_ECDSA, "EC", "P-521"},
	};
	static const char text[] = "first\n\nsecond\n\n\n\xc4\x91\n";
	struct note *n = note_new();
	EVP_PKEY *pair[5];
	struct note_key k[5];
	struct buf b;
	int64_t time_s;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_printf(&b, "%s\n", text), 0);
	for (i = 0; i < 5; i++) {
		pair[i] = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type,
		    kinds[i].curve);
		assert_non_null(pair[i]);
		assert_int_equal(note_key_make(&k[i], "k.example",
		    kinds[i].alg, pair[i]), 0);
		assert_int_equal(sign(pair[i], &k[i], text, 1234567890, &b),
		    0);
	}
	/* One witness twice: the older time is the one that is shown. */
	assert_int_equal(sign(pair[1], &k[1], text, 1234567000, &b), 0);
	assert_int_equal(parse_n(n, b.data, b.len), 0);
	assert_int_equal(n->text_len, strlen(text));
	for (i = 0; i < 5; i++) {
		assert_int_equal(note_check(n, &k[i], &time_s), 0);
		assert_int_equal(time_s, i == 1 ? 1234567000 : 0);
		note_key_fini(&k[i]);
		EVP_PKEY_free(pair[i]);
	}
	buf_fini(&b);
	free(n);
}

/* A cosignature is over its time, and a plain signature is none. */
static void
test_cosignature_time(void **state)
{
	AUTO(EVP_PKEY) *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct note *n = note_new();
	struct note_key k;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(note_key_make(&k, "w.example", NOTE_COSIG_ED25519,
	    pair), 0);
	assert_int_equal(buf_puts(&b, "text\n\n"), 0);
	assert_int_equal(sign(pair, &k, "text\n", 7, &b), 0);
	assert_int_equal(parse_n(n, b.data, b.len), 0);
	assert_int_equal(note_check(n, &k, NULL), 0);
	for (i = 0; i < 64; i++) {
		n->sigs[0].sig[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(note_check(n, &k, NULL), CAMCA_EINVAL);
		n->sigs[0].sig[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(note_check(n, &k, NULL), 0);
	/* Past 2^63 - 1; without its time; with a byte more. */
	memset(n->sigs[0].sig, 0xff, 8);
	assert_int_equal(note_check(n, &k, NULL), CAMCA_EINVAL);
	memset(n->sigs[0].sig, 0, 7);
	n->sigs[0].sig[7] = 7;
	assert_int_equal(note_check(n, &k, NULL), 0);
	n->sigs[0].sig_len = 73;
	assert_int_equal(note_check(n, &k, NULL), CAMCA_EINVAL);
	n->sigs[0].sig_len = 64;
	assert_int_equal(note_check(n, &k, NULL), CAMCA_EINVAL);
	n->sigs[0].sig_len = 0;
	assert_int_equal(note_check(n, &k, NULL), CAMCA_EINVAL);
	assert_int_equal(note_message(NOTE_COSIG_ED25519, "a\n", 2, -1, &b),
	    CAMCA_EINVAL);
	note_key_fini(&k);
	buf_fini(&b);
	free(n);
}

/* ---- checkpoints ---- */

static void
test_checkpoint(void **state)
{
	struct checkpoint c;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(checkpoint_parse(&c, V_TEXT, strlen(V_TEXT), NULL),
	    0);
	assert_string_equal(c.origin, V_ORIGIN);
	assert_int_equal(c.size, 70000);
	assert_int_equal(checkpoint_text(&c, &b), 0);
	assert_string_equal(buf_str(&b), V_TEXT);
	c.size = TREE_SIZE_MAX;
	buf_reset(&b);
	assert_int_equal(checkpoint_text(&c, &b), 0);
	assert_int_equal(checkpoint_parse(&c, buf_str(&b), b.len, NULL), 0);
	assert_int_equal(c.size, TREE_SIZE_MAX);
	c.size = TREE_SIZE_MAX + 1;
	assert_int_equal(checkpoint_text(&c, &b), CAMCA_EINVAL);
	c.size = -1;
	assert_int_equal(checkpoint_text(&c, &b), CAMCA_EINVAL);
	c.size = 0;
	memcpy(c.origin, "two words", 10);
	assert_int_equal(checkpoint_text(&c, &b), CAMCA_EINVAL);
	buf_fini(&b);
}

#define ROOT "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I="

static void
test_checkpoint_bad(void **state)
{
	static const char *const bad[] = {"", "\n", "a", "a\n", "a\n1\n",
	    "a\n1\n" ROOT, "\n1\n" ROOT "\n", "a b\n1\n" ROOT "\n",
	    "a+b\n1\n" ROOT "\n", "a\n\n" ROOT "\n", "a\n01\n" ROOT "\n",
	    "a\n+1\n" ROOT "\n", "a\n-1\n" ROOT "\n", "a\n 1\n" ROOT "\n",
	    "a\n1 \n" ROOT "\n", "a\n0x1\n" ROOT "\n", "a\n1.0\n" ROOT "\n",
	    "a\n72057594037927937\n" ROOT "\n",
	    "a\n9223372036854775808\n" ROOT "\n",
	    "a\n99999999999999999999999999\n" ROOT "\n",
	    "a\n1\n\n", "a\n1\nSBNJ\n", "a\n1\n" ROOT " \n",
	    "a\n1\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7J=\n",
	    "a\n1\nSBNJTRN-FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n",
	    "a\n1\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7IA\n",
	    "a\n1\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2dw==\n",
	    "a\n1\n" ROOT "\n\n", "a\n1\n" ROOT "\nextension\n",
	    "a\n1\n" ROOT "\nhalf", "a\r\n1\r\n" ROOT "\r\n"};
	char big[NOTE_NAME_MAX + 80];
	struct refusal why = {0};
	struct checkpoint c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (checkpoint_parse(&c, bad[i], strlen(bad[i]), &why) !=
		    CAMCA_EINVAL)
			fail_msg("checkpoint %zu is read: %s", i, bad[i]);
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, "custody.checkpoint");
	}
	for (i = 0; i < strlen(V_TEXT); i++)
		assert_int_equal(checkpoint_parse(&c, V_TEXT, i, &why),
		    CAMCA_EINVAL);
	memset(big, 'a', NOTE_NAME_MAX);
	snprintf(big + NOTE_NAME_MAX, 80, "%s", "\n1\n" ROOT "\n");
	assert_int_equal(checkpoint_parse(&c, big, strlen(big), &why),
	    CAMCA_EINVAL);
	assert_int_equal(checkpoint_parse(&c, big + 1, strlen(big + 1), &why),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c2sp_example),
		cmocka_unit_test(test_go_examples),
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_key_texts),
		cmocka_unit_test(test_key_bad),
		cmocka_unit_test(test_key_make),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_note_forms),
		cmocka_unit_test(test_note_blank_lines),
		cmocka_unit_test(test_note_unknown_keys),
		cmocka_unit_test(test_note_limits),
		cmocka_unit_test(test_note_damage),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_line_bad),
		cmocka_unit_test(test_sign_and_check),
		cmocka_unit_test(test_cosignature_time),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_checkpoint_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
