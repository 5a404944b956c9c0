/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of firmware versions, and the verdict on one device. */
#include <string.h>

#include "ca/admit/firmware.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

/* Longer ones first: "<=" begins with "<". */
static const struct {
	const char *text;
	enum firmware_op op;
} range_ops[] = {
	{ "<=", FIRMWARE_OP_LE }, { ">=", FIRMWARE_OP_GE },
	{ "!=", FIRMWARE_OP_NE }, { "==", FIRMWARE_OP_EQ },
	{ "<", FIRMWARE_OP_LT }, { ">", FIRMWARE_OP_GT },
	{ "=", FIRMWARE_OP_EQ },
	/* U+2264, U+2265: how letters are typed. */
	{ "\xe2\x89\xa4", FIRMWARE_OP_LE }, { "\xe2\x89\xa5", FIRMWARE_OP_GE },
};

/* The relations that satisfy an operator. */
static const unsigned range_bits[] = {
	[FIRMWARE_OP_LT] = FIRMWARE_LT,
	[FIRMWARE_OP_LE] = FIRMWARE_LT | FIRMWARE_EQ,
	[FIRMWARE_OP_GT] = FIRMWARE_GT,
	[FIRMWARE_OP_GE] = FIRMWARE_GT | FIRMWARE_EQ,
	[FIRMWARE_OP_EQ] = FIRMWARE_EQ,
	[FIRMWARE_OP_NE] = FIRMWARE_LT | FIRMWARE_GT,
};

static int
range_refuse(struct refusal *why, const char *text, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "revoke.firmware",
	    "The firmware range '%.200s' %s (examples: <5.5.800 or "
	    ">=1.2,<1.4 or =V5.4.5 build 170124 or *).", text, what);
}

static const char *
range_spaces(const char *p)
{
	return p + strspn(p, " \t");
}

/* The operator at p, or -1; *len is 0 without one. */
static int
range_op(const char *p, size_t *len)
{
	size_t i;

	for (i = 0; i < COUNT(range_ops); i++) {
		*len = strlen(range_ops[i].text);
		if (strncmp(p, range_ops[i].text, *len) == 0)
			return (int)range_ops[i].op;
	}
	*len = 0;
	return -1;
}

/* The separator at p: '|', ',', 'a' for "and", or 0. A comma in front of
 * "Build Date" belongs to the version. */
static char
range_separator(const char *p, size_t *len)
{
	const char *q;
	size_t n;

	*len = 1;
	if (*p == '|')
		return '|';
	if (*p == ',') {
		q = range_spaces(p + 1);
		return strncasecmp(q, "build", 5) == 0 ? 0 : ',';
	}
	*len = 5;
	if (strncasecmp(p, " and ", 5) == 0 &&
	    range_op(range_spaces(p + 5), &n) >= 0)
		return 'a';
	return 0;
}

static bool
range_begins_interval(enum firmware_op op)
{
	return op == FIRMWARE_OP_GT || op == FIRMWARE_OP_GE ||
	    op == FIRMWARE_OP_EQ;
}

static bool
range_ends_interval(enum firmware_op op)
{
	return op == FIRMWARE_OP_LT || op == FIRMWARE_OP_LE ||
	    op == FIRMWARE_OP_EQ;
}

/* The group of the constraint that comes next. As in vers, "|" parts intervals:
 * one that begins anew, behind one that has ended, is another. */
static unsigned
range_group(const struct firmware_range *r, char separator,
    enum firmware_op op)
{
	size_t i;
	enum firmware_op last = FIRMWARE_OP_NE;
	unsigned group = 0;
	bool any = false;

	for (i = 0; i < r->n; i++)
		if (r->list[i].op != FIRMWARE_OP_NE) {
			last = r->list[i].op;
			group = r->list[i].group;
			any = true;
		}
	if (separator == '|' && op != FIRMWARE_OP_NE && any &&
	    range_ends_interval(last))
		group++;
	return group;
}

/* One constraint from p on; *pos behind it. */
static int
range_one(struct firmware_range *r, char separator, const char **pos)
{
	const char *p = range_spaces(*pos), *end;
	char version[FIRMWARE_TEXT_MAX];
	size_t n, sep;
	int op = range_op(p, &n);

	if (r->n == FIRMWARE_RANGE_MAX)
		return CAMCA_ELIMIT;
	p = range_spaces(p + n);
	for (end = p; *end != '\0' && range_separator(end, &sep) == 0; end++)
		;
	n = (size_t)(end - p);
	if (n >= sizeof version)
		return CAMCA_EINVAL;
	memcpy(version, p, n);
	version[n] = '\0';
	if (firmware_parse(&r->list[r->n].bound, version) < 0)
		return CAMCA_EINVAL;
	r->list[r->n].op = op < 0 ? FIRMWARE_OP_EQ : (enum firmware_op)op;
	r->list[r->n].group = range_group(r, separator, r->list[r->n].op);
	r->n++;
	*pos = end;
	return CAMCA_OK;
}

/* Can both hold? Two that exclude each other are a slip of the hand, and so are
 * intervals out of order: with them a range would take in far too much. */
static int
range_check_pair(const struct firmware_range *r, size_t i, size_t k)
{
	enum firmware_op a = r->list[i].op, b = r->list[k].op;
	unsigned c = firmware_compare(&r->list[i].bound, &r->list[k].bound);

	if (c == FIRMWARE_ANY)
		return CAMCA_EPROTO;
	if (a == FIRMWARE_OP_NE || b == FIRMWARE_OP_NE)
		return CAMCA_OK;
	if (r->list[i].group != r->list[k].group)
		return c == FIRMWARE_LT || (c == (FIRMWARE_LT | FIRMWARE_EQ)) ?
		    CAMCA_OK : CAMCA_ECONFLICT;
	if (range_begins_interval(a) != range_begins_interval(b) &&
	    range_ends_interval(a) != range_ends_interval(b))
		/* A lower bound and an upper one, in either order. */
		return c == (range_begins_interval(a) ? FIRMWARE_LT :
		    FIRMWARE_GT) || (c == FIRMWARE_EQ &&
		    (range_bits[a] & range_bits[b] & FIRMWARE_EQ) != 0) ?
		    CAMCA_OK : CAMCA_ECONFLICT;
	return CAMCA_ECONFLICT;          /* two of the same side */
}

static int
range_check(const struct firmware_range *r, const char *text,
    struct refusal *why)
{
	size_t i, k;
	int ret;

	for (i = 0; i < r->n; i++)
		for (k = i + 1; k < r->n; k++) {
			ret = range_check_pair(r, i, k);
			if (ret == CAMCA_EPROTO)
				return range_refuse(why, text, "compares "
				    "versions of different schemes");
			if (ret < 0)
				return range_refuse(why, text, "cannot hold: "
				    "write intervals lowest first, joined by |");
		}
	return CAMCA_OK;
}

/* Cuts "vers:SCHEME/" off; the words for everything. */
static const char *
range_head(const char *text, bool *all)
{
	static const char *const words[] = { "*", "all", "all versions" };
	const char *p = range_spaces(text), *slash = strchr(p, '/');
	size_t i, n;

	if (strncasecmp(p, "vers:", 5) == 0 && slash != NULL)
		p = range_spaces(slash + 1);
	n = strlen(p);
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	*all = false;
	for (i = 0; i < COUNT(words); i++)
		*all |= strlen(words[i]) == n &&
		    strncasecmp(p, words[i], n) == 0;
	return p;
}

int
firmware_range_parse(struct firmware_range *out, const char *text,
    struct refusal *why)
{
	const char *p;
	char separator = 0;
	size_t n;
	int ret;

	memset(out, 0, sizeof *out);
	p = range_head(text, &out->all);
	if (out->all)
		return CAMCA_OK;
	do {
		if ((ret = range_one(out, separator, &p)) < 0)
			return range_refuse(why, text, ret == CAMCA_ELIMIT ?
			    "has too many parts" : "is not understood");
		separator = range_separator(p, &n);
		p += separator != 0 ? n : 0;
	} while (separator != 0);
	return range_check(out, text, why);
}

int
firmware_range_text(const struct firmware_range *r, struct buf *out)
{
	static const char *const ops[] = { "<", "<=", ">", ">=", "=", "!=" };
	size_t i;
	int ret = CAMCA_OK;

	if (r->all)
		return buf_puts(out, "*");
	for (i = 0; i < r->n && ret == CAMCA_OK; i++)
		ret = buf_printf(out, "%s%s%s", i == 0 ? "" :
		    r->list[i].group != r->list[i - 1].group ? "|" : ",",
		    ops[r->list[i].op], r->list[i].bound.text);
	return ret;
}

/* One constraint: all that is possible satisfies it, some, or nothing. */
static enum firmware_verdict
range_judge_one(const struct firmware_range *r, size_t i,
    const struct firmware *f)
{
	unsigned possible = firmware_compare(f, &r->list[i].bound);
	unsigned good = range_bits[r->list[i].op];

	if ((possible & ~good) == 0)
		return FIRMWARE_AFFECTED;
	return (possible & good) == 0 ? FIRMWARE_NOT_AFFECTED :
	    FIRMWARE_UNDETERMINED;
}

/* Of a group: a version must be in all of it. "!=" counts for every group. */
static enum firmware_verdict
range_judge_group(const struct firmware_range *r, unsigned group,
    const struct firmware *f)
{
	enum firmware_verdict all = FIRMWARE_AFFECTED, one;
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (r->list[i].group != group &&
		    r->list[i].op != FIRMWARE_OP_NE)
			continue;
		one = range_judge_one(r, i, f);
		if (one == FIRMWARE_NOT_AFFECTED)
			return one;
		if (one == FIRMWARE_UNDETERMINED)
			all = one;
	}
	return all;
}

enum firmware_verdict
firmware_judge(const struct firmware_range *r, const char *text)
{
	enum firmware_verdict any = FIRMWARE_NOT_AFFECTED, one;
	struct firmware f;
	unsigned group, last = 0;
	size_t i;

	if (r->all)
		return FIRMWARE_AFFECTED;
	if (firmware_parse(&f, text) < 0)
		return FIRMWARE_UNDETERMINED;
	for (i = 0; i < r->n; i++)
		if (r->list[i].group > last)
			last = r->list[i].group;
	for (group = 0; group <= last; group++) {
		one = range_judge_group(r, group, &f);
		if (one == FIRMWARE_AFFECTED)
			return one;
		if (one == FIRMWARE_UNDETERMINED)
			any = one;
	}
	return any;
}
