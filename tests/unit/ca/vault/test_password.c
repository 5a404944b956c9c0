/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/vault/password.h"

#define ROUNDS 300
#define UNUSED(s) (void)(s)

static struct refusal why;

static int
make(const struct password_rule *r, const char *user,
    char out[static PASSWORD_MAX + 1])
{
	memset(&why, 0, sizeof why);
	return password_make(&camca_ctx_system, r, user, out, &why);
}

static size_t
count(const char *p, const char *set)
{
	size_t n = 0;

	for (; *p != '\0'; p++)
		n += strchr(set, *p) != NULL;
	return n;
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

static void
test_default(void **state)
{
	struct password_rule r;
	char p[PASSWORD_MAX + 1];

	UNUSED(state);
	password_rule_init(&r);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(make(&r, "admin", p), 0);
		assert_true(password_keeps(&r, "admin", p));
		assert_true(strlen(p) >= 22 && strlen(p) <= 24);
		assert_int_equal(count(p, UPPER LOWER DIGIT), strlen(p));
		assert_true(password_bits(&r, (int64_t)strlen(p)) >=
		    PASSWORD_BITS_GOAL);
	}
}

/* Each class as many times as asked, and more than by luck. */
static void
test_classes(void **state)
{
	struct password_rule r = { .min = 12, .max = 20, .upper = 4,
	    .lower = 5, .digit = 3, .special = 6, .specials = "-_." };
	char p[PASSWORD_MAX + 1];

	UNUSED(state);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(make(&r, "x", p), 0);
		assert_int_equal(strlen(p), 20);
		assert_true(count(p, UPPER) >= 4 && count(p, LOWER) >= 5);
		assert_true(count(p, DIGIT) >= 3 && count(p, "-_.") >= 6);
		assert_int_equal(count(p, UPPER LOWER DIGIT "-_."), 20);
		assert_true(password_keeps(&r, "x", p));
	}
}

/* Only one class is asked for, and all of the password is of it. */
static void
test_one_class(void **state)
{
	struct password_rule r = { .max = 14, .digit = 14 };
	char p[PASSWORD_MAX + 1];

	UNUSED(state);
	assert_int_equal(make(&r, "x", p), 0);
	assert_int_equal(strlen(p), 14);
	assert_int_equal(count(p, DIGIT), 14);
	assert_int_equal(password_bits(&r, 14), 46);
}

/* Letters and digits suffice: marks that are allowed are not used. Where they
 * do not, marks are. */
static void
test_marks(void **state)
{
	struct password_rule r = { .min = 8, .max = 32, .specials = "-_.@+=" };
	char p[PASSWORD_MAX + 1];
	size_t marks = 0;

	UNUSED(state);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(make(&r, "x", p), 0);
		assert_int_equal(count(p, r.specials), 0);
	}
	r.max = 14;
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(make(&r, "x", p), 0);
		assert_int_equal(strlen(p), 14);
		marks += count(p, r.specials);
	}
	assert_true(marks > ROUNDS / 2);
}

static void
test_tiny(void **state)
{
	struct password_rule r = { .max = 7 };
	char p[PASSWORD_MAX + 1];

	UNUSED(state);
	assert_int_equal(make(&r, "x", p), 0);      /* 41 bits */
	assert_int_equal(strlen(p), 7);
	for (r.max = 1; r.max < 7; r.max++) {
		assert_int_equal(make(&r, "x", p), CAMCA_EPOLICY);
		assert_string_equal(why.code, "password.too-weak");
	}
	r = (struct password_rule){ .max = 11, .digit = 11 };
	assert_int_equal(make(&r, "x", p), CAMCA_EPOLICY);
}

static void
test_run_and_name(void **state)
{
	struct password_rule r = { .max = 12, .run = 2, .digit = 8,
	    .no_username = true };
	char p[PASSWORD_MAX + 1];

	UNUSED(state);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(make(&r, "x", p), 0);
		assert_true(password_keeps(&r, "x", p));
	}
	password_rule_init(&r);
	r.run = 3;
	assert_true(password_keeps(&r, "x", "Xabc9cba1112"));
	assert_false(password_keeps(&r, "x", "Xabcd9k1Z"));
	assert_false(password_keeps(&r, "x", "X4321kkZz"));
	assert_false(password_keeps(&r, "x", "Xaaaa9k1Z"));
	assert_false(password_keeps(&r, "admin", "xxADmiN9k1Z"));
	assert_true(password_keeps(&r, "ad", "xxADmiN9k1Z"));
	r.no_username = false;
	assert_true(password_keeps(&r, "admin", "xxADmiN9k1Z"));
}

static void
test_keeps(void **state)
{
	struct password_rule r = { .min = 4, .max = 6, .upper = 1, .lower = 1,
	    .digit = 1, .special = 1, .specials = "-" };

	UNUSED(state);
	assert_true(password_keeps(&r, "", "aA1-"));
	assert_true(password_keeps(&r, "", "aA1-aA"));
	assert_false(password_keeps(&r, "", "aA-"));
	assert_false(password_keeps(&r, "", "aA1-aAa"));
	assert_false(password_keeps(&r, "", "aa1-"));
	assert_false(password_keeps(&r, "", "AA1-"));
	assert_false(password_keeps(&r, "", "aAa-"));
	assert_false(password_keeps(&r, "", "aA11"));
	assert_false(password_keeps(&r, "", "aA1_-"));
	assert_false(password_keeps(&r, "", "aA1- "));
	assert_false(password_keeps(&r, "", "aA1-\xc3\xa4"));
}

static void
check_bad(struct password_rule r)
{
	char p[PASSWORD_MAX + 1];

	assert_int_equal(make(&r, "x", p), CAMCA_EINVAL);
	assert_string_equal(why.code, "password.rule");
	assert_int_equal(password_rule_check(&r, NULL), CAMCA_EINVAL);
}

static void
test_bad_rules(void **state)
{
	struct password_rule r = { .max = 200 };

	UNUSED(state);
	check_bad((struct password_rule){ .min = 20, .max = 10 });
	check_bad((struct password_rule){ .min = 65 });
	check_bad((struct password_rule){ .max = 10, .upper = 6, .lower = 6 });
	check_bad((struct password_rule){ .max = 20, .special = 1 });
	check_bad((struct password_rule){ .max = 20, .specials = "a" });
	check_bad((struct password_rule){ .max = 20, .specials = "- " });
	check_bad((struct password_rule){ .max = 20, .specials = "--" });
	check_bad((struct password_rule){ .max = 20, .specials = "\xc3\xa4" });
	check_bad((struct password_rule){ .max = 20, .specials = "\n" });
	check_bad((struct password_rule){ .max = 20, .upper = -1 });
	check_bad((struct password_rule){ .max = -1 });
	check_bad((struct password_rule){ .max = 20, .run = 1 });
	check_bad((struct password_rule){ .max = 20, .digit = INT64_MAX });
	check_bad((struct password_rule){ .max = 20, .upper = INT64_MAX,
	    .lower = INT64_MAX, .digit = 3 });
	memset(r.specials, '-', sizeof r.specials);
	check_bad(r);
	r = (struct password_rule){ .max = 200 };
	assert_int_equal(password_rule_check(&r, NULL), 0);
	assert_int_equal(r.max, PASSWORD_MAX);
}

/* No character is favoured: the chi-square of 62 cells over 200,000 draws stays
 * below 120 (61 degrees of freedom: above that one run in 100,000). */
static void
test_distribution(void **state)
{
	static const char all[] = UPPER LOWER DIGIT;
	struct password_rule r = { .min = 64, .max = 64 };
	char p[PASSWORD_MAX + 1];
	double n = 0, chi = 0, expected, diff;
	unsigned long seen[62] = { 0 }, first[62] = { 0 };
	size_t i, k;

	UNUSED(state);
	for (i = 0; i < 3200; i++) {
		assert_int_equal(make(&r, "x", p), 0);
		for (k = 0; k < 64; k++)
			seen[strchr(all, p[k]) - all]++;
		first[strchr(all, p[0]) - all]++;
		n += 64;
	}
	expected = n / 62;
	for (i = 0; i < 62; i++) {
		diff = (double)seen[i] - expected;
		chi += diff * diff / expected;
		assert_true(first[i] > 10 && first[i] < 130);
	}
	assert_true(chi < 120);
}

/* What is asked for of a class does not always stand in the same place. */
static void
test_shuffled(void **state)
{
	struct password_rule r = { .min = 20, .max = 20, .digit = 1,
	    .upper = 18 };
	unsigned at[20] = { 0 };
	char p[PASSWORD_MAX + 1];
	size_t i, k;

	UNUSED(state);
	for (i = 0; i < 2000; i++) {
		assert_int_equal(make(&r, "x", p), 0);
		for (k = 0; k < 20; k++)
			at[k] += strchr(DIGIT, p[k]) != NULL;
	}
	for (k = 0; k < 20; k++)
		assert_true(at[k] > 50 && at[k] < 220);
}

static int
no_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0, n);
	return CAMCA_ECRYPTO;
}

static void
test_generator_fails(void **state)
{
	const struct camca_ctx ctx = { NULL, no_random, NULL };
	struct password_rule r;
	char p[PASSWORD_MAX + 1] = "untouched";

	UNUSED(state);
	password_rule_init(&r);
	memset(&why, 0, sizeof why);
	assert_int_equal(password_make(&ctx, &r, "x", p, &why),
	    CAMCA_ECRYPTO);
	assert_int_equal(p[0], '\0');
}

/* A generator that says the same thing for ever ends too. */
static int
stuck_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 7, n);
	return CAMCA_OK;
}

static void
test_generator_stuck(void **state)
{
	const struct camca_ctx ctx = { NULL, stuck_random, NULL };
	struct password_rule r;
	char p[PASSWORD_MAX + 1];

	UNUSED(state);
	password_rule_init(&r);
	assert_true(password_make(&ctx, &r, "x", p, &why) < 0);
}

static void
test_meet(void **state)
{
	struct password_rule a = { .min = 8, .max = 16, .upper = 1,
	    .specials = "-_.", .run = 0 };
	const struct password_rule b = { .min = 10, .max = 0, .upper = 2,
	    .digit = 1, .special = 1, .specials = "._!", .run = 3,
	    .no_username = true };
	struct password_rule m = a;

	UNUSED(state);
	password_rule_meet(&m, &b);
	assert_int_equal(m.min, 10);
	assert_int_equal(m.max, 16);
	assert_int_equal(m.upper, 2);
	assert_int_equal(m.digit, 1);
	assert_int_equal(m.special, 1);
	assert_string_equal(m.specials, "_.");
	assert_int_equal(m.run, 3);
	assert_true(m.no_username);
	assert_true(password_rule_implies(&m, &a));
	assert_true(password_rule_implies(&m, &b));
	assert_true(password_rule_implies(&a, &a));
	assert_false(password_rule_implies(&a, &b));
	assert_false(password_rule_implies(&b, &a));
	assert_false(password_rule_implies(&a, &m));
}

static void
test_text(void **state)
{
	static const char *const bad[] = { "", "8", "8 20 1 1 1 0 3 1",
	    "8 20 1 1 1 0 3 2 ", "08 20 1 1 1 0 3 1 ", "8 20 1 1 1 0 3 1  ",
	    "8 20 1 1 1 0 3 1 a", "+8 20 1 1 1 0 3 1 ",
	    "30 20 1 1 1 0 3 1 ", "8 20 1 1 1 1 3 1 ", "x 20 1 1 1 1 3 1 " };
	struct password_rule r, back;
	char text[PASSWORD_RULE_TEXT], again[PASSWORD_RULE_TEXT];
	size_t i;

	UNUSED(state);
	password_rule_init(&r);
	snprintf(r.specials, sizeof r.specials,
	    "!\"#$%%&'()*+,-./:;<=>?@[\\]^_`{|}~");
	assert_int_equal(password_rule_check(&r, NULL), 0);
	password_rule_format(&r, text);
	assert_int_equal(password_rule_parse(text, &back), 0);
	password_rule_format(&back, again);
	assert_string_equal(again, text);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(password_rule_parse(bad[i], &back),
		    CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_one_class),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_run_and_name),
		cmocka_unit_test(test_keeps),
		cmocka_unit_test(test_bad_rules),
		cmocka_unit_test(test_distribution),
		cmocka_unit_test(test_shuffled),
		cmocka_unit_test(test_generator_fails),
		cmocka_unit_test(test_generator_stuck),
		cmocka_unit_test(test_meet),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
