/* SPDX-License-Identifier: Apache-2.0 */
/* One firmware version: taken apart, and compared with another. */
#include "ca/admit/firmware.h"

#include <string.h>

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

static bool
firmware_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
firmware_alpha(char c)
{
	return c >= 'a' && c <= 'z';
}

/* "2021-06-30" becomes "20210630", in place. */
static void
firmware_dashes(char *s)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;
	char *p;

	for (p = s; *p != '\0'; p++) {
		for (i = 0; form[i] != '\0'; i++)
			if (form[i] == 'd' ? !firmware_digit(p[i]) :
			    p[i] != form[i])
				break;
		if (form[i] != '\0' || firmware_digit(p[i]) ||
		    (p > s && firmware_digit(p[-1])))
			continue;
		memmove(p + 4, p + 5, 2);
		memmove(p + 6, p + 8, strlen(p + 8) + 1);
	}
}

/* Lower case, one space for several, none at the ends. Only ASCII: no vendor
 * writes anything else, and a look-alike digit must not be read as one. */
static int
firmware_fold(char out[static FIRMWARE_TEXT_MAX], const char *text)
{
	size_t n = 0;
	char c;

	for (; *text != '\0'; text++) {
		c = *text == '\t' ? ' ' : *text;
		if (c < ' ' || c > '~')
			return CAMCA_EINVAL;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == ' ' && (n == 0 || out[n - 1] == ' '))
			continue;
		if (n == FIRMWARE_TEXT_MAX - 1)
			return CAMCA_EINVAL;
		out[n++] = c;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	firmware_dashes(out);
	return n > 0 ? CAMCA_OK : CAMCA_EINVAL;
}

/* Skips word at p where something other than a letter follows. */
static const char *
firmware_word(const char *p, const char *word)
{
	size_t n = strlen(word);

	return strncmp(p, word, n) == 0 && !firmware_alpha(p[n]) ? p + n : p;
}

static const char *
firmware_skip(const char *p, const char *set)
{
	return p + strspn(p, set);
}

/* "Firmware Version: V5.5" begins at "5.5". */
static const char *
firmware_noise(const char *p)
{
	static const char *const words[] = { "firmware", "version", "ver",
	    "fw", "v" };
	const char *after;
	size_t i;

	for (i = 0; i < COUNT(words); i++) {
		after = firmware_word(p, words[i]);
		if (after != p)
			p = firmware_skip(after, " .:");
	}
	return p;
}

/* Where the numbers begin: behind the last "v" that stands alone, as in
 * "SRN4000_v2.16", else at the first digit. NULL: there are none. */
static const char *
firmware_begin(const char *p)
{
	const char *at = NULL, *q;

	for (q = p; *q != '\0'; q++)
		if (q > p && q[0] == 'v' && firmware_digit(q[1]) &&
		    strchr(" _-", q[-1]) != NULL)
			at = q + 1;
	for (q = p; at == NULL && *q != '\0'; q++)
		if (firmware_digit(*q))
			at = q;
	return at;
}

static struct firmware_part
firmware_part(const struct firmware *f, const char *from, const char *to)
{
	return (struct firmware_part){ (uint8_t)(from - f->text),
	    (uint8_t)(to - from) };
}

/* Digits without leading zeros; "000" is one zero. */
static const char *
firmware_number(const struct firmware *f, const char *p,
    struct firmware_part *out)
{
	const char *end = p;

	while (firmware_digit(*end))
		end++;
	while (*p == '0' && end - p > 1)
		p++;
	*out = firmware_part(f, p, end);
	return end;
}

static int
firmware_numbers(struct firmware *f, const char **pos)
{
	const char *p = *pos;

	for (;;) {
		if (f->nnumbers == FIRMWARE_NUMBERS_MAX)
			return CAMCA_EINVAL;
		p = firmware_number(f, p, &f->numbers[f->nnumbers++]);
		if (p[0] != '.' || !firmware_digit(p[1]))
			break;
		p++;
	}
	*pos = p;
	return CAMCA_OK;
}

/* Takes a mark that may stand once only. */
static int
firmware_mark(struct firmware *f, enum firmware_mark m,
    struct firmware_part part)
{
	if (f->marks[m].len > 0 || part.len == 0)
		return CAMCA_EINVAL;
	f->marks[m] = part;
	return CAMCA_OK;
}

/* "20210628" and "210628" are the two ways in which the same day is written. */
static const char *
firmware_date(const struct firmware *f, const char *p,
    struct firmware_part *out)
{
	const char *end = p + strspn(p, "0123456789");

	if (end - p == 8 && p[0] == '2' && p[1] == '0')
		p += 2;
	*out = firmware_part(f, p, end);
	return end;
}

/* One mark at p (separators are skipped); NULL where it is not understood. */
static const char *
firmware_next(struct firmware *f, const char *p)
{
	static const struct {
		const char *word;
		enum firmware_mark mark;
	} words[] = {
		{ "build date", FIRMWARE_BUILD }, { "build", FIRMWARE_BUILD },
		{ "sp", FIRMWARE_SERVICE_PACK },
		{ "update", FIRMWARE_UPDATE }, { "upd", FIRMWARE_UPDATE },
		{ "hotfix", FIRMWARE_HOTFIX }, { "hf", FIRMWARE_HOTFIX },
		{ "rev", FIRMWARE_REVISION }, { "r", FIRMWARE_REVISION },
	};
	struct firmware_part part;
	const char *q, *sep = p;
	size_t i;

	p = firmware_skip(p, " ._-,:");
	/* ".R" and ".T" of one maker, with nothing behind that belongs to it. */
	if (p > sep && (*p == 'r' || *p == 't') && !firmware_alpha(p[1]) &&
	    !firmware_digit(p[1])) {
		part = firmware_part(f, p, p + 1);
		return firmware_mark(f, FIRMWARE_LETTER, part) < 0 ? NULL :
		    p + 1;
	}
	for (i = 0; i < COUNT(words); i++) {
		q = firmware_word(p, words[i].word);
		if (q == p)
			continue;
		q = firmware_skip(q, " .:");
		if (!firmware_digit(*q))
			return NULL;
		q = words[i].mark == FIRMWARE_BUILD ?
		    firmware_date(f, q, &part) : firmware_number(f, q, &part);
		return firmware_mark(f, words[i].mark, part) < 0 ? NULL : q;
	}
	/* A date or build number alone: "_210628". Shorter numbers could be
	 * anything. */
	if (p == sep || !firmware_digit(*p))
		return NULL;
	q = firmware_date(f, p, &part);
	if (part.len < 6 || firmware_mark(f, FIRMWARE_BUILD, part) < 0)
		return NULL;
	return q;
}

int
firmware_parse(struct firmware *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789 ._-";
	const char *p, *start;

	memset(out, 0, sizeof *out);
	if (firmware_fold(out->text, text) < 0)
		return CAMCA_EINVAL;
	start = firmware_noise(out->text);
	if ((p = firmware_begin(start)) == NULL)
		return CAMCA_EINVAL;
	out->prefix = firmware_part(out, start, p);
	/* "build 210628" is a build of nobody knows which version. */
	if (start + strspn(start, plain) < p ||
	    firmware_word(start, "build") != start ||
	    firmware_numbers(out, &p) < 0)
		return CAMCA_EINVAL;
	while (*p != '\0')
		if ((p = firmware_next(out, p)) == NULL)
			return CAMCA_EINVAL;
	return CAMCA_OK;
}

/* ---- comparing ---- */

static int
firmware_sign(int n)
{
	return n < 0 ? -1 : n > 0;
}

/* Numbers of any length, without leading zeros. */
static int
firmware_order(const struct firmware *a, struct firmware_part x,
    const struct firmware *b, struct firmware_part y)
{
	if (x.len != y.len)
		return x.len < y.len ? -1 : 1;
	return firmware_sign(memcmp(a->text + x.at, b->text + y.at, x.len));
}

static bool
firmware_zero(const struct firmware *f, struct firmware_part x)
{
	return x.len == 1 && f->text[x.at] == '0';
}

/* A first number that is a year or a day, not a version: its length; else 0. */
static uint8_t
firmware_dated(const struct firmware *f)
{
	const char *p = f->text + f->numbers[0].at;
	uint8_t n = f->numbers[0].len;

	return n >= 6 || (n == 4 && (memcmp(p, "19", 2) == 0 ||
	    memcmp(p, "20", 2) == 0)) ? n : 0;
}

/* "2.800.0000000.8": seven zeros stand in a place of their own in the scheme of
 * one maker, and in nobody else's. */
static bool
firmware_filled(const struct firmware *f)
{
	return strstr(f->text, ".0000000.") != NULL;
}

/* Two ways of counting that have nothing to do with each other. */
static bool
firmware_alike(const struct firmware *a, const struct firmware *b)
{
	return a->prefix.len == b->prefix.len &&
	    memcmp(a->text + a->prefix.at, b->text + b->prefix.at,
	    a->prefix.len) == 0 && firmware_dated(a) == firmware_dated(b) &&
	    firmware_filled(a) == firmware_filled(b);
}

static int
firmware_compare_numbers(const struct firmware *a, const struct firmware *b)
{
	size_t i, n = a->nnumbers > b->nnumbers ? a->nnumbers : b->nnumbers;
	int c;

	for (i = 0; i < n; i++) {
		if (i >= a->nnumbers)
			c = firmware_zero(b, b->numbers[i]) ? 0 : -1;
		else if (i >= b->nnumbers)
			c = firmware_zero(a, a->numbers[i]) ? 0 : 1;
		else
			c = firmware_order(a, a->numbers[i], b, b->numbers[i]);
		if (c != 0)
			return c;
	}
	return 0;
}

static unsigned
firmware_bit(int c)
{
	return c < 0 ? FIRMWARE_LT : c > 0 ? FIRMWARE_GT : FIRMWARE_EQ;
}

/* One mark that both have. */
static unsigned
firmware_compare_mark(const struct firmware *a, const struct firmware *b,
    enum firmware_mark m)
{
	struct firmware_part x = a->marks[m], y = b->marks[m];
	int c = firmware_order(a, x, b, y);

	/* A release is neither before nor after a test version; and a build
	 * number is no date. */
	if (c != 0 && (m == FIRMWARE_LETTER ||
	    (m == FIRMWARE_BUILD && x.len != y.len)))
		return FIRMWARE_ANY;
	return firmware_bit(c);
}

unsigned
firmware_compare(const struct firmware *version, const struct firmware *bound)
{
	unsigned bits;
	int c, m;

	if (!firmware_alike(version, bound))
		return FIRMWARE_ANY;
	if ((c = firmware_compare_numbers(version, bound)) != 0)
		return firmware_bit(c);
	for (m = 0; m < FIRMWARE_MARKS; m++) {
		bool has = version->marks[m].len > 0;
		bool asked = bound->marks[m].len > 0;

		if (asked && !has)
			return FIRMWARE_ANY;
		/* Who names no build means them all; but a service pack comes
		 * after what has none. */
		if (has && !asked && m != FIRMWARE_LETTER &&
		    m != FIRMWARE_BUILD)
			return FIRMWARE_EQ | FIRMWARE_GT;
		if (!has || !asked)
			continue;
		bits = firmware_compare_mark(version, bound,
		    (enum firmware_mark)m);
		if (bits != FIRMWARE_EQ)
			return bits;
	}
	return FIRMWARE_EQ;
}
