/* SPDX-License-Identifier: Apache-2.0 */
/* Making a password for one camera. What the rule asks for of each class is
 * drawn first, the rest from all that is allowed, and then all of it is
 * shuffled: so that a rule such as "8 characters, 3 of them digits" costs no
 * lucky throws. */
#include "ca/vault/password.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PASSWORD_TRIES 1000            /* for the rules on runs and names */
#define PASSWORD_NAME_MIN 3            /* a shorter name is no clue */
#define PASSWORD_BITS_1 1000           /* of password_log2 */

static const char password_upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char password_lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char password_digit[] = "0123456789";

static bool
password_is_mark(char c)
{
	return c > ' ' && c < 0x7f && strchr(password_upper, c) == NULL &&
	    strchr(password_lower, c) == NULL &&
	    strchr(password_digit, c) == NULL;
}

/* ---- rules ---- */

void
password_rule_init(struct password_rule *r)
{
	*r = (struct password_rule){ .min = 8, .max = PASSWORD_MAX,
	    .upper = 1, .lower = 1, .digit = 1, .run = 3,
	    .no_username = true };
}

static int
rule_refuse(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "password.rule",
	    "No password keeps this rule: %s.", what);
}

static bool
rule_count_ok(int64_t n)
{
	return n >= 0 && n <= PASSWORD_MAX;
}

int
password_rule_check(struct password_rule *r, struct refusal *why)
{
	size_t i, n = strnlen(r->specials, sizeof r->specials);

	if (r->max == 0 || r->max > PASSWORD_MAX)
		r->max = PASSWORD_MAX;
	if (n == sizeof r->specials)
		return rule_refuse(why, "too many marks");
	for (i = 0; i < n; i++)
		if (!password_is_mark(r->specials[i]) ||
		    strchr(r->specials + i + 1, r->specials[i]) != NULL)
			return rule_refuse(why, "the marks are not different "
			    "ones of ASCII");
	if (r->max < 1 || r->min < 0 || r->min > r->max)
		return rule_refuse(why, "the shortest is longer than the "
		    "longest, or than 64");
	if (!rule_count_ok(r->upper) || !rule_count_ok(r->lower) ||
	    !rule_count_ok(r->digit) || !rule_count_ok(r->special) ||
	    r->upper + r->lower + r->digit + r->special > r->max)
		return rule_refuse(why, "it asks for more characters than "
		    "there may be");
	if (r->special > 0 && n == 0)
		return rule_refuse(why, "it asks for marks and allows none");
	if (r->run < 0 || r->run == 1 || r->run > PASSWORD_MAX)
		return rule_refuse(why, "a run is of 2 to 64 characters");
	return CAMCA_OK;
}

static int64_t
rule_more(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of two limits of which 0 means none. */
static int64_t
rule_less(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

void
password_rule_meet(struct password_rule *io, const struct password_rule *other)
{
	char both[PASSWORD_SPECIALS_MAX + 1] = "";
	size_t i, n = 0;

	for (i = 0; io->specials[i] != '\0'; i++)
		if (strchr(other->specials, io->specials[i]) != NULL)
			both[n++] = io->specials[i];
	both[n] = '\0';
	memcpy(io->specials, both, sizeof both);
	io->min = rule_more(io->min, other->min);
	io->max = rule_less(io->max, other->max);
	io->upper = rule_more(io->upper, other->upper);
	io->lower = rule_more(io->lower, other->lower);
	io->digit = rule_more(io->digit, other->digit);
	io->special = rule_more(io->special, other->special);
	io->run = rule_less(io->run, other->run);
	io->no_username = io->no_username || other->no_username;
}

bool
password_rule_implies(const struct password_rule *tight,
    const struct password_rule *wide)
{
	return tight->min >= wide->min &&
	    rule_less(tight->max, wide->max) == tight->max &&
	    tight->upper >= wide->upper && tight->lower >= wide->lower &&
	    tight->digit >= wide->digit && tight->special >= wide->special &&
	    rule_less(tight->run, wide->run) == tight->run &&
	    (tight->no_username || !wide->no_username) &&
	    strspn(tight->specials, wide->specials) == strlen(tight->specials);
}

void
password_rule_format(const struct password_rule *r,
    char out[static PASSWORD_RULE_TEXT])
{
	snprintf(out, PASSWORD_RULE_TEXT, "%" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %s", r->min,
	    r->max, r->upper, r->lower, r->digit, r->special, r->run,
	    r->no_username, r->specials);
}

int
password_rule_parse(const char *text, struct password_rule *out)
{
	char again[PASSWORD_RULE_TEXT];
	int64_t name = 0;
	int64_t *const fields[] = { &out->min, &out->max, &out->upper,
	    &out->lower, &out->digit, &out->special, &out->run, &name };
	const char *p = text;
	char *end;
	size_t i;

	memset(out, 0, sizeof *out);
	for (i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		*fields[i] = strtoll(p, &end, 10);
		if (end == p || *end != ' ')
			return CAMCA_EINVAL;
		p = end + 1;
	}
	if (strlen(p) >= sizeof out->specials)
		return CAMCA_EINVAL;
	memcpy(out->specials, p, strlen(p) + 1);
	out->no_username = name == 1;
	/* One spelling, that of password_rule_format. */
	if (password_rule_check(out, NULL) < 0)
		return CAMCA_EINVAL;
	password_rule_format(out, again);
	return strcmp(again, text) == 0 ? CAMCA_OK : CAMCA_EINVAL;
}

/* ---- how much there is to guess ---- */

/* log2(n) * 1000, rounded down. */
static int64_t
password_log2(uint64_t n)
{
	uint64_t x = n << 32;
	int64_t whole = 0, part = 0;
	int i;

	if (n == 0)
		return 0;
	for (; x >= UINT64_C(2) << 32; x >>= 1)
		whole++;
	/* x is in [1, 2) with 32 bits behind the point: squared, its integer
	 * part is the next bit of the logarithm. */
	for (i = 0; i < 16; i++) {
		x = (uint64_t)(((unsigned __int128)x * x) >> 32);
		part <<= 1;
		if (x >= UINT64_C(2) << 32) {
			part |= 1;
			x >>= 1;
		}
	}
	return whole * PASSWORD_BITS_1 + ((part * PASSWORD_BITS_1) >> 16);
}

/* A password's chance is at the most that of its dearest way of being drawn:
 * where the places of the asked for characters were known. */
static int64_t
password_bits_of(const struct password_rule *r, int64_t n, bool marks)
{
	uint64_t nmarks = marks ? strlen(r->specials) : 0;
	int64_t rest = n - r->upper - r->lower - r->digit - r->special;

	if (rest < 0)
		return 0;
	return ((r->upper + r->lower) * password_log2(26) +
	    r->digit * password_log2(10) + r->special * password_log2(nmarks) +
	    rest * password_log2(62 + nmarks)) / PASSWORD_BITS_1;
}

static bool
password_takes_marks(const struct password_rule *r)
{
	return r->special > 0 || (r->specials[0] != '\0' &&
	    password_bits_of(r, r->max, false) < PASSWORD_BITS_GOOD);
}

int64_t
password_bits(const struct password_rule *rule, int64_t n)
{
	return password_bits_of(rule, n, password_takes_marks(rule));
}

/* ---- drawing ---- */

struct draw {
	const struct camca_ctx *ctx;
	uint8_t bytes[256];
	size_t left;
	int err;
};

/* A number below n (1..256), each as likely: bytes above the last whole
 * multiple of n are thrown away. */
static size_t
draw_below(struct draw *d, size_t n)
{
	size_t whole = 256 - 256 % n, b = whole;

	while (b >= whole && d->err == CAMCA_OK) {
		if (d->left == 0) {
			d->err = ctx_random(d->ctx, d->bytes,
			    sizeof d->bytes);
			d->left = sizeof d->bytes;
		} else {
			b = d->bytes[--d->left];
		}
	}
	return d->err == CAMCA_OK ? b % n : 0;
}

static size_t
draw_from(struct draw *d, const char *alphabet, int64_t n, char *out)
{
	size_t len = strlen(alphabet);
	int64_t i;

	for (i = 0; i < n; i++)
		out[i] = alphabet[draw_below(d, len)];
	return (size_t)n;
}

/* Fisher and Yates. */
static void
draw_shuffle(struct draw *d, char *p, size_t n)
{
	size_t i, j;
	char c;

	for (i = n; i > 1; i--) {
		j = draw_below(d, i);
		c = p[i - 1];
		p[i - 1] = p[j];
		p[j] = c;
	}
}

static void
draw_password(struct draw *d, const struct password_rule *r, size_t n,
    char out[static PASSWORD_MAX + 1])
{
	char all[62 + PASSWORD_SPECIALS_MAX + 1];
	size_t at = 0;

	snprintf(all, sizeof all, "%s%s%s%s", password_upper, password_lower,
	    password_digit, password_takes_marks(r) ? r->specials : "");
	at += draw_from(d, password_upper, r->upper, out + at);
	at += draw_from(d, password_lower, r->lower, out + at);
	at += draw_from(d, password_digit, r->digit, out + at);
	if (r->special > 0)
		at += draw_from(d, r->specials, r->special, out + at);
	at += draw_from(d, all, (int64_t)(n - at), out + at);
	draw_shuffle(d, out, at);
	out[at] = '\0';
}

/* ---- looking at one ---- */

/* The longest run of characters that rise by step. */
static int64_t
password_run(const char *p, int step)
{
	int64_t now = 1, longest = 1;

	for (; p[0] != '\0' && p[1] != '\0'; p++) {
		now = p[1] - p[0] == step ? now + 1 : 1;
		longest = now > longest ? now : longest;
	}
	return longest;
}

static bool
password_has_name(const char *text, const char *name)
{
	size_t n = strlen(name);

	if (n < PASSWORD_NAME_MIN)
		return false;
	for (; *text != '\0'; text++)
		if (strncasecmp(text, name, n) == 0)
			return true;
	return false;
}

bool
password_keeps(const struct password_rule *rule, const char *username,
    const char *text)
{
	int64_t upper = 0, lower = 0, digit = 0, special = 0, n = 0;

	for (; text[n] != '\0'; n++) {
		if (strchr(password_upper, text[n]) != NULL)
			upper++;
		else if (strchr(password_lower, text[n]) != NULL)
			lower++;
		else if (strchr(password_digit, text[n]) != NULL)
			digit++;
		else if (strchr(rule->specials, text[n]) != NULL)
			special++;
		else
			return false;
	}
	return n >= rule->min && (rule->max == 0 || n <= rule->max) &&
	    upper >= rule->upper && lower >= rule->lower &&
	    digit >= rule->digit && special >= rule->special &&
	    (rule->run == 0 || (password_run(text, 0) <= rule->run &&
	    password_run(text, 1) <= rule->run &&
	    password_run(text, -1) <= rule->run)) &&
	    (!rule->no_username || !password_has_name(text, username));
}

/* The shortest length with enough bits, or the longest there is. */
static int64_t
password_length(const struct password_rule *r)
{
	int64_t n = r->upper + r->lower + r->digit + r->special;

	if (n < r->min)
		n = r->min;
	while (n < r->max && password_bits(r, n) < PASSWORD_BITS_GOAL)
		n++;
	return n;
}

int
password_make(const struct camca_ctx *ctx, const struct password_rule *rule,
    const char *username, char out[static PASSWORD_MAX + 1],
    struct refusal *why)
{
	struct password_rule r = *rule;
	struct draw d = { .ctx = ctx };
	int64_t n;
	int i, ret = password_rule_check(&r, why);

	if (ret < 0)
		return ret;
	n = password_length(&r);
	if (password_bits(&r, n) < PASSWORD_BITS_LEAST)
		return refuse(why, CAMCA_EPOLICY, 409, "password.too-weak",
		    "What this camera accepts (%" PRId64 " characters) can be "
		    "guessed: under %d bits.", r.max, PASSWORD_BITS_LEAST);
	for (i = 0; i < PASSWORD_TRIES && d.err == CAMCA_OK; i++) {
		draw_password(&d, &r, (size_t)n, out);
		if (d.err == CAMCA_OK && password_keeps(&r, username, out))
			break;
	}
	OPENSSL_cleanse(&d.bytes, sizeof d.bytes);
	if (d.err == CAMCA_OK && i < PASSWORD_TRIES)
		return CAMCA_OK;
	OPENSSL_cleanse(out, PASSWORD_MAX + 1);
	return d.err < 0 ? refuse_default(why, d.err) :
	    rule_refuse(why, "none was found");
}
