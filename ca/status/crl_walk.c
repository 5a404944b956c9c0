/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl_walk.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define TAG_INTEGER 0x02
#define TAG_BITS 0x03
#define TAG_UTC 0x17
#define TAG_GENERALIZED 0x18
#define TAG_SEQUENCE 0x30
#define TAG_EXTENSIONS 0xa0
#define SERIAL_MAX 20            /* RFC 5280 4.1.2.2 */
#define ENTRY_MAX 127            /* their lengths are one byte */

struct der {
	const uint8_t *p;
	size_t n;
};

/* Takes an element with this tag off the front: its content, and in *whole (may
 * be NULL) all of it. Lengths are as short as they can be (X.690 10.1). */
static bool
der_take(struct der *d, uint8_t tag, struct der *content, struct der *whole)
{
	size_t n, i, head = 2;

	if (d->n < 2 || d->p[0] != tag)
		return false;
	n = d->p[1];
	if (n >= 0x80) {
		head += n & 0x7f;
		if (head < 3 || head > 6 || d->n < head || d->p[2] == 0)
			return false;
		for (n = 0, i = 2; i < head; i++)
			n = n << 8 | d->p[i];
		if (n < 0x80)
			return false;
	}
	if (n > d->n - head)
		return false;
	content->p = d->p + head;
	content->n = n;
	if (whole != NULL)
		*whole = (struct der){ d->p, head + n };
	d->p += head + n;
	d->n -= head + n;
	return true;
}

/* ---- times ---- */

static bool
walk_two(const uint8_t *p, int64_t *out)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

static int64_t
walk_month_days(int64_t y, int64_t m)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };

	return m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 :
	    days[m - 1];
}

/* Days since 1970 of a date in the Gregorian calendar, years 1970..9999. */
static int64_t
walk_days(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	return 365 * y + y / 4 - y / 100 + y / 400 +
	    (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1 - 719468;
}

/* HHMMSSZ */
static bool
walk_clock(const uint8_t *p, int64_t *out)
{
	int64_t h, m, s;

	if (!walk_two(p, &h) || !walk_two(p + 2, &m) || !walk_two(p + 4, &s) ||
	    p[6] != 'Z' || h > 23 || m > 59 || s > 59)
		return false;
	*out = h * 3600 + m * 60 + s;
	return true;
}

/* MMDDHHMMSSZ after the year. */
static bool
walk_date(const uint8_t *p, int64_t year, int64_t *out)
{
	int64_t month, day, clock;

	if (!walk_two(p, &month) || !walk_two(p + 2, &day) || month < 1 ||
	    month > 12 || day < 1 || day > walk_month_days(year, month) ||
	    !walk_clock(p + 4, &clock))
		return false;
	*out = walk_days(year, month, day) * 86400 + clock;
	return true;
}

static bool
walk_generalized(const uint8_t *p, size_t n, int64_t *out)
{
	int64_t hundreds, years;

	return n == 15 && walk_two(p, &hundreds) && walk_two(p + 2, &years) &&
	    hundreds * 100 + years >= 1970 &&
	    walk_date(p + 4, hundreds * 100 + years, out);
}

/* The day that was read last: a million entries are of few days. */
struct walk_day {
	uint8_t digits[6];
	int64_t start_s;
};

static bool
walk_utc(const uint8_t *p, size_t n, struct walk_day *day, int64_t *out)
{
	int64_t y, clock;

	if (n != 13)
		return false;
	if (memcmp(p, day->digits, 6) != 0) {
		if (!walk_two(p, &y) || (y >= 50 && y < 70) ||
		    !walk_date(p + 2, y < 50 ? 2000 + y : 1900 + y, out))
			return false;
		memcpy(day->digits, p, 6);
		day->start_s = *out - (*out % 86400);
		return true;
	}
	if (!walk_clock(p + 6, &clock))
		return false;
	*out = day->start_s + clock;
	return true;
}

/* Takes a Time (RFC 5280 5.1.2.4): UTCTime up to 2049. */
static bool
walk_time(struct der *d, struct walk_day *day, int64_t *out)
{
	struct der t;

	if (der_take(d, TAG_UTC, &t, NULL))
		return walk_utc(t.p, t.n, day, out);
	return der_take(d, TAG_GENERALIZED, &t, NULL) &&
	    walk_generalized(t.p, t.n, out) && memcmp(t.p, "2050", 4) >= 0;
}

/* ---- entries ---- */

int
crl_serial_cmp(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	uint64_t x, y;

	if (an != bn)
		return an < bn ? -1 : 1;
	if (an < sizeof x)
		return memcmp(a, b, an);
	/* Mostly the first bytes tell: the time of issue. */
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	if (x != y)
		return be64toh(x) < be64toh(y) ? -1 : 1;
	return memcmp(a + sizeof x, b + sizeof y, an - sizeof x);
}

static uint64_t
hash_mix(const uint8_t *p, uint64_t h)
{
	unsigned __int128 m;
	uint64_t a, b;

	memcpy(&a, p, sizeof a);
	memcpy(&b, p + sizeof a, sizeof b);
	m = (unsigned __int128)(a ^ h ^ 0xa0761d6478bd642fu) *
	    (b ^ 0xe7037ed1a0b428dbu);
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t
crl_entry_hash(const uint8_t *der, size_t n)
{
	uint64_t h = 0x9e3779b97f4a7c15u * (n + 1);
	uint8_t few[16] = { 0 };
	size_t i;

	if (n < sizeof few) {
		memcpy(few, der, n);
		return hash_mix(few, h);
	}
	for (i = 0; i + 16 <= n; i += 16)
		h = hash_mix(der + i, h);
	/* The rest with bytes that were there already. */
	return hash_mix(der + n - 16, h);
}

/* Positive, without a leading zero that is not needed. */
static bool
walk_integer_ok(const struct der *i, size_t max)
{
	return i->n > 0 && i->n <= max && i->p[0] < 0x80 &&
	    (i->n == 1 || i->p[0] != 0 || i->p[1] >= 0x80);
}

/* Extensions of an entry, in the one order and encoding we write. */
static const char *
walk_entry_extensions(struct der d, struct crl_walk_entry *e)
{
	static const uint8_t reason[] = { 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d,
	    0x15, 0x04, 0x03, 0x0a, 0x01 };
	static const uint8_t invalid[] = { 0x30, 0x18, 0x06, 0x03, 0x55, 0x1d,
	    0x18, 0x04, 0x11, 0x18, 0x0f };

	if (d.n > sizeof reason && memcmp(d.p, reason, sizeof reason) == 0) {
		e->reason = d.p[sizeof reason];
		/* 0 is left out, 7 is not used, 8 is for delta CRLs (5.3.1) */
		if (e->reason < 1 || e->reason > 10 || e->reason == 7 ||
		    e->reason == 8)
			return "a reason that no entry may have";
		d.p += sizeof reason + 1;
		d.n -= sizeof reason + 1;
	}
	if (d.n >= sizeof invalid + 15 &&
	    memcmp(d.p, invalid, sizeof invalid) == 0) {
		if (!walk_generalized(d.p + sizeof invalid, 15,
		    &e->invalidity_s))
			return "an invalidity date that is none";
		d.n -= sizeof invalid + 15;
	}
	if (d.n != 0 || (e->reason < 0 && e->invalidity_s == INT64_MIN))
		return "an extension of an entry that is not ours";
	return NULL;
}

static const char *
walk_entry(const uint8_t *p, size_t n, struct walk_day *day,
    struct crl_walk_entry *out)
{
	struct der d = { p, n }, e, serial, ext;

	out->reason = -1;
	out->invalidity_s = INT64_MIN;
	/* Short lengths only; der_take() checks the rest. */
	if (n < 2 || p[1] > ENTRY_MAX || !der_take(&d, TAG_SEQUENCE, &e, NULL))
		return "an entry that is not DER";
	out->der = p;
	out->n = (size_t)p[1] + 2;
	/* The leading zero of a serial whose first bit is set is the 21st. */
	if (!der_take(&e, TAG_INTEGER, &serial, NULL) ||
	    !walk_integer_ok(&serial, SERIAL_MAX + 1) ||
	    (serial.n > SERIAL_MAX && serial.p[0] != 0))
		return "a serial that is not a positive number of 20 bytes";
	out->serial = serial.p;
	out->serial_n = serial.n;
	if (!walk_time(&e, day, &out->date_s))
		return "a revocation date that is none";
	if (e.n == 0)
		return NULL;
	if (!der_take(&e, TAG_SEQUENCE, &ext, NULL) || e.n != 0)
		return "an entry with more than it may have";
	return walk_entry_extensions(ext, out);
}

const char *
crl_walk_entry(const uint8_t *p, size_t n, struct crl_walk_entry *out)
{
	struct walk_day day = { .start_s = 0 };

	return walk_entry(p, n, &day, out);
}

struct walk {
	struct crl_view *v;
	int (*fn)(const struct crl_walk_entry *e, void *arg);
	void *arg;
	int ret;                 /* what fn returned */
	struct walk_day day;
};

static const char *
walk_entries(struct walk *w, struct der d)
{
	struct crl_walk_entry e, last = { .n = 0 };
	const char *bad;

	while (d.n > 0) {
		if ((bad = walk_entry(d.p, d.n, &w->day, &e)) != NULL)
			return bad;
		if (last.n != 0 && crl_serial_cmp(last.serial, last.serial_n,
		    e.serial, e.serial_n) >= 0)
			return "serials that do not rise";
		if (e.date_s > w->v->this_s)
			return "a revocation after thisUpdate";
		w->v->entries++;
		w->v->hash += crl_entry_hash(e.der, e.n);
		if (w->fn != NULL && (w->ret = w->fn(&e, w->arg)) != 0)
			return NULL;
		d.p += e.n;
		d.n -= e.n;
		last = e;
	}
	return NULL;
}

/* ---- the list ---- */

static const char *
walk_extensions(struct crl_view *v, struct der d)
{
	static const uint8_t aki[] = { 0x30, 0x1f, 0x06, 0x03, 0x55, 0x1d,
	    0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14 };
	static const uint8_t oid[] = { 0x06, 0x03, 0x55, 0x1d, 0x14 };
	struct der ext, value, number;
	size_t i;

	if (d.n < sizeof aki + 20 || memcmp(d.p, aki, sizeof aki) != 0)
		return "no authority key identifier";
	memcpy(v->aki, d.p + sizeof aki, 20);
	d.p += sizeof aki + 20;
	d.n -= sizeof aki + 20;
	if (!der_take(&d, TAG_SEQUENCE, &ext, NULL) || d.n != 0 ||
	    ext.n < sizeof oid || memcmp(ext.p, oid, sizeof oid) != 0)
		return "no CRL number, or more extensions";
	ext.p += sizeof oid;
	ext.n -= sizeof oid;
	if (!der_take(&ext, 0x04, &value, NULL) || ext.n != 0 ||
	    !der_take(&value, TAG_INTEGER, &number, NULL) || value.n != 0 ||
	    !walk_integer_ok(&number, 8))
		return "a CRL number that is none";
	for (v->number = 0, i = 0; i < number.n; i++)
		v->number = v->number << 8 | number.p[i];
	return NULL;
}

static const char *
walk_tbs(struct walk *w, struct der d, const struct der *alg)
{
	static const uint8_t v2[] = { TAG_INTEGER, 1, 1 };
	struct crl_view *v = w->v;
	struct der x, whole, list;
	const char *bad;

	if (d.n < sizeof v2 || memcmp(d.p, v2, sizeof v2) != 0)
		return "a version that is not 2";
	d.p += sizeof v2;
	d.n -= sizeof v2;
	if (!der_take(&d, TAG_SEQUENCE, &x, &whole) || whole.n != alg->n ||
	    memcmp(whole.p, alg->p, alg->n) != 0)
		return "another algorithm inside than outside";
	if (!der_take(&d, TAG_SEQUENCE, &x, &whole))
		return "no issuer";
	v->issuer = whole.p;
	v->issuer_n = whole.n;
	if (!walk_time(&d, &w->day, &v->this_s) ||
	    !walk_time(&d, &w->day, &v->next_s) ||
	    v->this_s >= v->next_s)
		return "times that are none, or in the wrong order";
	if (der_take(&d, TAG_SEQUENCE, &list, NULL)) {
		if (list.n == 0)
			return "an empty list of entries";
		if ((bad = walk_entries(w, list)) != NULL || w->ret != 0)
			return bad;
	}
	if (!der_take(&d, TAG_EXTENSIONS, &x, NULL) || d.n != 0 ||
	    !der_take(&x, TAG_SEQUENCE, &list, NULL) || x.n != 0)
		return "no extensions at its end";
	return walk_extensions(v, list);
}

static const char *
walk_all(struct walk *w, struct der d)
{
	struct crl_view *v = w->v;
	struct der crl, tbs, whole, x, alg, sig;

	if (!der_take(&d, TAG_SEQUENCE, &crl, NULL) || d.n != 0)
		return "an outer form that is not one DER element";
	if (!der_take(&crl, TAG_SEQUENCE, &tbs, &whole) ||
	    !der_take(&crl, TAG_SEQUENCE, &x, &alg) ||
	    !der_take(&crl, TAG_BITS, &sig, NULL) || crl.n != 0 ||
	    sig.n < 2 || sig.p[0] != 0)
		return "not the three parts of a signed list";
	v->tbs = whole.p;
	v->tbs_n = whole.n;
	v->alg = alg.p;
	v->alg_n = alg.n;
	v->sig = sig.p + 1;
	v->sig_n = sig.n - 1;
	return walk_tbs(w, tbs, &alg);
}

int
crl_walk(struct crl_view *out, const uint8_t *p, size_t n,
    int (*fn)(const struct crl_walk_entry *e, void *arg), void *arg,
    struct refusal *why)
{
	struct walk w = { .v = out, .fn = fn, .arg = arg };
	const char *bad;

	memset(out, 0, sizeof *out);
	bad = walk_all(&w, (struct der){ p, n });
	if (bad == NULL)
		return w.ret;
	return refuse(why, CAMCA_EINVAL, 503, "crl.form",
	    "The CRL has %s (entry %zu).", bad, out->entries);
}
