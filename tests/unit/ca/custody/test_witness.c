/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP tlog-witness: requests and answers, good, cut, bent and too large. */
#include "tests/unit/ca/custody/witness_keys.h"

#include <stdlib.h>

static void
request_make(struct witness_request *r, size_t n)
{
	static const char note[] = "example.com/log\n9\nAAAA\n\n\xe2\x80\x94 x "
	    "AAAAAAAA\n";
	size_t i;

	memset(r, 0, sizeof *r);
	r->old_size = 20852014;
	r->proof.n = n;
	for (i = 0; i < n; i++)
		memset(r->proof.path[i].b, (int)i + 1, TREE_HASH_LEN);
	r->note = note;
	r->note_len = sizeof note - 1;
}

static void
same(const struct witness_request *a, const struct witness_request *b)
{
	assert_int_equal(a->old_size, b->old_size);
	assert_int_equal(a->proof.n, b->proof.n);
	assert_memory_equal(a->proof.path, b->proof.path,
	    a->proof.n * sizeof a->proof.path[0]);
	assert_int_equal(a->note_len, b->note_len);
	assert_memory_equal(a->note, b->note, a->note_len);
}

static void
test_request(void **state)
{
	struct witness_request r, got;
	struct buf b;
	size_t n;

	(void)state;
	for (n = 0; n <= WITNESS_PROOF_MAX; n += 21) {
		buf_init(&b, 0);
		request_make(&r, n);
		assert_int_equal(witness_request_text(&r, &b), 0);
		assert_int_equal(witness_request_parse(&got, b.data, b.len,
		    NULL), 0);
		same(&r, &got);
		buf_fini(&b);
	}
	buf_init(&b, 0);
	request_make(&r, 1);
	r.old_size = 0;
	assert_int_equal(witness_request_text(&r, &b), 0);
	assert_memory_equal(b.data, "old 0\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
	    "AQEBAQEBAQE=\n\nexample.com/log\n", 68);
	buf_reset(&b);
	r.old_size = -1;
	assert_int_equal(witness_request_text(&r, &b), CAMCA_EINVAL);
	buf_fini(&b);
}

/* Cut anywhere it is refused, or it is a shorter note: that is the note's
 * parser's business. */
static void
test_request_cut(void **state)
{
	struct witness_request r, got;
	struct refusal why;
	struct buf b;
	size_t n, head;

	(void)state;
	buf_init(&b, 0);
	request_make(&r, 3);
	assert_int_equal(witness_request_text(&r, &b), 0);
	head = b.len - r.note_len;
	for (n = 0; n < b.len; n++) {
		memset(&why, 0, sizeof why);
		if (n > head) {
			assert_int_equal(witness_request_parse(&got, b.data,
			    n, &why), 0);
			assert_int_equal(got.note_len, n - head);
			continue;
		}
		assert_int_equal(witness_request_parse(&got, b.data, n,
		    &why), CAMCA_EINVAL);
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, "witness.request");
	}
	buf_fini(&b);
}

/* What is accepted has one spelling: it is written the same again. */
static void
test_request_bits(void **state)
{
	struct witness_request r, got;
	struct buf b, again;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	buf_init(&again, 0);
	request_make(&r, 3);
	assert_int_equal(witness_request_text(&r, &b), 0);
	for (i = 0; i < b.len * 8; i++) {
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (witness_request_parse(&got, b.data, b.len, NULL) == 0) {
			buf_reset(&again);
			assert_int_equal(witness_request_text(&got, &again),
			    0);
			assert_int_equal(again.len, b.len);
			assert_memory_equal(again.data, b.data, b.len);
		}
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	buf_fini(&b);
	buf_fini(&again);
}

static void
test_request_refused(void **state)
{
	static const char *const bad[] = { "", "old\n\nx", "old \n\nx",
	    "old 01\n\nx", "old -1\n\nx", "old +1\n\nx", "old 1 \n\nx",
	    " old 1\n\nx", "Old 1\n\nx", "old 1\r\n\r\nx", "old 1\n\n",
	    "old 1\nx", "old 72057594037927937\n\nx",
	    "old 99999999999999999999\n\nx", "old 1\nAQ==\n\nx",
	    "old 1\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n\nx",
	    "old 1\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE= \n\nx",
	    "old 1\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=\n\nx" };
	struct witness_request got;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(witness_request_parse(&got, bad[i],
		    strlen(bad[i]), NULL), CAMCA_EINVAL);
	assert_int_equal(witness_request_parse(&got,
	    "old 72057594037927936\n\nx", 24, NULL), 0);
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "old 1\n"), 0);
	for (i = 0; i < 64; i++)
		assert_int_equal(buf_puts(&b, "AQEBAQEBAQEBAQEBAQEBAQEBAQEB"
		    "AQEBAQEBAQEBAQE=\n"), 0);
	assert_int_equal(buf_puts(&b, "\nx"), 0);
	assert_int_equal(witness_request_parse(&got, b.data, b.len, NULL),
	    CAMCA_EINVAL);
	while (b.len <= WITNESS_REQUEST_MAX)
		assert_int_equal(buf_putc(&b, 'x'), 0);
	assert_int_equal(witness_request_parse(&got, b.data, b.len, NULL),
	    CAMCA_ELIMIT);
	buf_fini(&b);
}

static void
test_size(void **state)
{
	static const char *const bad[] = { "", "\n", "1", "01\n", "1\n\n",
	    "1 \n", " 1\n", "-1\n", "1\r\n", "1.0\n", "0x1\n",
	    "72057594037927937\n" };
	int64_t v = -1;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(witness_size_parse(bad[i], strlen(bad[i]),
		    &v), CAMCA_EINVAL);
	assert_int_equal(v, -1);
	assert_int_equal(witness_size_parse("0\n", 2, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(witness_size_parse("20852163\n", 9, &v), 0);
	assert_int_equal(v, 20852163);
	assert_true(witness_size_type("text/x.tlog.size"));
	assert_true(witness_size_type("Text/X.tlog.size; charset=utf-8"));
	assert_false(witness_size_type("text/x.tlog.sizes"));
	assert_false(witness_size_type("text/plain"));
	assert_false(witness_size_type(""));
}

/* ---- cosignatures ---- */

static const char text[] = "example.com/log\n5\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

struct cosigs {
	struct signer_key a, b, log;
	struct buf answer, out;
	int64_t time_s;
};

static int
setup(void **state)
{
	struct cosigs *x = calloc(1, sizeof *x);

	assert_non_null(x);
	key_new(&x->a, "witness.test/a", NOTE_COSIG_ED25519);
	key_new(&x->b, "witness.test/b", NOTE_COSIG_ED25519);
	key_new(&x->log, "example.com/log", NOTE_ED25519);
	buf_init(&x->answer, 0);
	buf_init(&x->out, 0);
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct cosigs *x = *state;

	key_free(&x->a);
	key_free(&x->b);
	key_free(&x->log);
	buf_fini(&x->answer);
	buf_fini(&x->out);
	free(x);
	return 0;
}

static int
take(struct cosigs *x, const struct signer_key *k)
{
	buf_reset(&x->out);
	return witness_cosig_take(&k->pub, text, sizeof text - 1,
	    x->answer.data, x->answer.len, &x->out, &x->time_s, NULL);
}

static void
test_cosig(void **state)
{
	struct cosigs *x = *state;
	size_t first;

	key_line(&x->a, text, sizeof text - 1, 1700000000, &x->answer);
	first = x->answer.len;
	assert_int_equal(take(x, &x->a), 0);
	assert_int_equal(x->time_s, 1700000000);
	assert_int_equal(x->out.len, first);
	assert_memory_equal(x->out.data, x->answer.data, first);
	assert_int_equal(take(x, &x->b), CAMCA_ENOENT);
	assert_int_equal(x->out.len, 0);
	/* Lines of others are let be, before and behind. */
	key_line(&x->b, text, sizeof text - 1, 5, &x->answer);
	assert_int_equal(take(x, &x->a), 0);
	assert_int_equal(take(x, &x->b), 0);
	assert_int_equal(x->time_s, 5);
	assert_int_equal(x->out.len, x->answer.len - first);
}

static void
test_cosig_wrong(void **state)
{
	static const char other[] = "example.com/log\n6\n"
	    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
	struct cosigs *x = *state;
	struct refusal why = { 0 };

	/* Over another checkpoint. */
	key_line(&x->a, other, sizeof other - 1, 1700000000, &x->answer);
	assert_int_equal(witness_cosig_take(&x->a.pub, text, sizeof text - 1,
	    x->answer.data, x->answer.len, &x->out, &x->time_s, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.cosignature");
	assert_int_equal(why.http, 502);
	/* A plain signature of the log is no cosignature. */
	buf_reset(&x->answer);
	key_line(&x->log, text, sizeof text - 1, 0, &x->answer);
	assert_int_equal(take(x, &x->log), CAMCA_EINVAL);
	assert_int_equal(take(x, &x->a), CAMCA_ENOENT);
	/* No list of lines. */
	buf_reset(&x->answer);
	assert_int_equal(take(x, &x->a), CAMCA_ENOENT);
	assert_int_equal(buf_puts(&x->answer, "hello\n"), 0);
	assert_int_equal(take(x, &x->a), CAMCA_EINVAL);
	buf_reset(&x->answer);
	assert_int_equal(buf_puts(&x->answer, "\n"), 0);
	key_line(&x->a, text, sizeof text - 1, 1700000000, &x->answer);
	assert_int_equal(take(x, &x->a), CAMCA_EINVAL);
	/* Too large. */
	while (x->answer.len <= WITNESS_ANSWER_MAX)
		key_line(&x->b, text, sizeof text - 1, 1, &x->answer);
	assert_int_equal(take(x, &x->a), CAMCA_EINVAL);
}

static void
test_cosig_cut_and_bits(void **state)
{
	struct cosigs *x = *state;
	size_t i, n;

	key_line(&x->a, text, sizeof text - 1, 1700000000, &x->answer);
	n = x->answer.len;
	for (x->answer.len = 0; x->answer.len < n; x->answer.len++)
		assert_true(take(x, &x->a) < 0);
	for (i = 0; i < n * 8; i++) {
		x->answer.data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(take(x, &x->a) < 0);
		assert_int_equal(x->out.len, 0);
		x->answer.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(take(x, &x->a), 0);
}

#define COSIG(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_cut),
		cmocka_unit_test(test_request_bits),
		cmocka_unit_test(test_request_refused),
		cmocka_unit_test(test_size),
		COSIG(test_cosig),
		COSIG(test_cosig_wrong),
		COSIG(test_cosig_cut_and_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
