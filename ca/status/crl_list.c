/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl_list.h"

#include <stdlib.h>
#include <string.h>

#include "ca/status/crl_walk.h"

/* The end of a certificate in four bytes: units of two seconds, rounded up,
 * that is too late rather than too early; the last bit says "not published
 * yet". What lies beyond the year 2106 never ends. */
#define END_FRESH 1u
#define END_NEVER (UINT32_MAX & ~END_FRESH)

static uint32_t
end_of(int64_t not_after_ms)
{
	int64_t units = not_after_ms / 2000 + 1;

	if (units < 0)
		units = 0;
	return units > INT32_MAX ? END_NEVER : (uint32_t)units << 1;
}

static bool
end_is_done(uint32_t end, int64_t done_s)
{
	return (end & END_FRESH) == 0 && end != END_NEVER && end < done_s;
}

void
crl_list_init(struct crl_list *l)
{
	memset(l, 0, sizeof *l);
}

void
crl_list_fini(struct crl_list *l)
{
	free(l->mem);
	free(l->ends);
	memset(l, 0, sizeof *l);
}

int
crl_change_put(struct crl_change *c, int64_t rev_seq, int64_t not_after_ms,
    const uint8_t *der, size_t n)
{
	struct crl_walk_entry e;

	if (n > CRL_ENTRY_MAX || crl_walk_entry(der, n, &e) != NULL ||
	    e.n != n)
		return CAMCA_EDB;
	c->rev_seq = rev_seq;
	c->end = end_of(not_after_ms) | END_FRESH;
	c->serial_n = (uint8_t)e.serial_n;
	memcpy(c->serial, e.serial, e.serial_n);
	c->n = (uint8_t)n;
	memcpy(c->der, der, n);
	return CAMCA_OK;
}

void
crl_change_gone(struct crl_change *c, int64_t rev_seq,
    const uint8_t serial[static STORE_SERIAL_LEN])
{
	size_t zeros = 0, n;

	while (zeros < STORE_SERIAL_LEN - 1 && serial[zeros] == 0)
		zeros++;
	n = STORE_SERIAL_LEN - zeros;
	c->rev_seq = rev_seq;
	c->end = 0;
	c->n = 0;
	c->serial[0] = 0;
	c->serial_n = 0;
	if (serial[zeros] >= 0x80)
		c->serial_n = 1;
	memcpy(c->serial + c->serial_n, serial + zeros, n);
	c->serial_n = (uint8_t)(c->serial_n + n);
}

static int
change_cmp(const void *pa, const void *pb)
{
	const struct crl_change *a = pa, *b = pb;
	int cmp = crl_serial_cmp(a->serial, a->serial_n, b->serial,
	    b->serial_n);

	if (cmp != 0)
		return cmp;
	return a->rev_seq < b->rev_seq ? -1 : a->rev_seq > b->rev_seq;
}

/* In order of serials, one each, the newest. */
static size_t
change_sort(struct crl_change *c, size_t n)
{
	size_t i, out = 0;

	if (n > 1)
		qsort(c, n, sizeof *c, change_cmp);
	for (i = 0; i < n; i++) {
		if (i + 1 < n && crl_serial_cmp(c[i].serial, c[i].serial_n,
		    c[i + 1].serial, c[i + 1].serial_n) == 0)
			continue;
		if (out != i)
			c[out] = c[i];
		out++;
	}
	return out;
}

/* Large blocks move by page tables, not by copies; an eighth more than needed,
 * so that it happens seldom, costs nothing until it is touched. */
static int
list_reserve(struct crl_list *l, size_t bytes, size_t entries)
{
	void *p;

	if (l->mem == NULL || bytes > l->room) {
		bytes += bytes / 8;
		p = realloc(l->mem, CRL_HEAD_ROOM + bytes + CRL_TAIL_ROOM);
		if (p == NULL)
			return CAMCA_ENOMEM;
		l->mem = p;
		l->room = bytes;
	}
	if (entries > l->ends_room) {
		entries += entries / 8;
		p = realloc(l->ends, entries * sizeof *l->ends);
		if (p == NULL)
			return CAMCA_ENOMEM;
		l->ends = p;
		l->ends_room = entries;
	}
	return CAMCA_OK;
}

/* Two cursors over the old entries, which have been moved to the end of the
 * block, and one where the next entry goes. What is added in all is the gap
 * between them at the start, so the writer never meets the reader. */
struct merge {
	struct crl_list *l;
	const uint8_t *from, *end;
	const uint32_t *from_end, *end_end;
	const uint8_t *run;              /* kept, but not yet copied */
	const uint32_t *run_end;
	uint8_t *to;
	uint32_t *to_end;
	int64_t done_s;
	struct crl_drops *drops;
};

/* Copies what has been kept since the last change, all at once. */
static void
merge_flush(struct merge *m)
{
	size_t n = (size_t)(m->from - m->run);
	size_t k = (size_t)(m->from_end - m->run_end);

	memmove(m->to, m->run, n);
	memmove(m->to_end, m->run_end, k * sizeof *m->to_end);
	m->to += n;
	m->to_end += k;
	m->run = m->from;
	m->run_end = m->from_end;
}

static void
merge_add(struct merge *m, const struct crl_change *c)
{
	struct crl_walk_entry e;

	if (c->n == 0)
		return;
	merge_flush(m);
	memcpy(m->to, c->der, c->n);
	m->to += c->n;
	*m->to_end++ = c->end;
	m->l->hash += crl_entry_hash(c->der, c->n);
	if (crl_walk_entry(c->der, c->n, &e) == NULL &&
	    e.date_s > m->l->newest_s)
		m->l->newest_s = e.date_s;
}

static void
merge_skip(struct merge *m)
{
	size_t n = (size_t)m->from[1] + 2;

	merge_flush(m);
	m->l->hash -= crl_entry_hash(m->from, n);
	m->run = m->from += n;
	m->run_end = ++m->from_end;
}

static bool
merge_drop(struct merge *m)
{
	struct crl_drops *d = m->drops;
	const uint8_t *serial = m->from + 4;
	size_t n = m->from[3];

	if (d == NULL || d->n == d->max || !end_is_done(*m->from_end,
	    m->done_s))
		return false;
	if (n > STORE_SERIAL_LEN) {
		serial++;
		n--;
	}
	memset(d->serials[d->n], 0, STORE_SERIAL_LEN);
	memcpy(d->serials[d->n] + STORE_SERIAL_LEN - n, serial, n);
	d->n++;
	merge_skip(m);
	return true;
}

/* Copies old entries up to the next change (NULL: all the rest). */
static void
merge_keep(struct merge *m, const struct crl_change *next)
{
	int cmp;

	/* Behind the last change there is nothing to look at. */
	if (next == NULL && m->drops == NULL) {
		m->from = m->end;
		m->from_end = m->end_end;
	}
	while (m->from < m->end) {
		cmp = next == NULL ? -1 : crl_serial_cmp(m->from + 4,
		    m->from[3], next->serial, next->serial_n);
		if (cmp > 0)
			return;
		if (cmp == 0) {
			merge_skip(m);
			return;
		}
		if (!merge_drop(m)) {
			m->from += (size_t)m->from[1] + 2;
			m->from_end++;
		}
	}
}

int
crl_list_merge(struct crl_list *l, struct crl_change *c, size_t n,
    int64_t done_s, struct crl_drops *drops)
{
	size_t add = 0, fresh = 0, i;
	uint8_t *first;
	struct merge m;

	n = change_sort(c, n);
	for (i = 0; i < n; i++) {
		add += c[i].n;
		fresh += c[i].n > 0;
	}
	if (list_reserve(l, l->len + add, l->n + fresh + 1) < 0)
		return CAMCA_ENOMEM;
	first = l->mem + CRL_HEAD_ROOM;
	memmove(first + add, first, l->len);
	memmove(l->ends + fresh, l->ends, l->n * sizeof *l->ends);
	m = (struct merge){ .l = l, .from = first + add, .run = first + add,
	    .end = first + add + l->len, .from_end = l->ends + fresh,
	    .run_end = l->ends + fresh, .end_end = l->ends + fresh + l->n,
	    .to = first, .to_end = l->ends,
	    .done_s = done_s, .drops = drops };
	for (i = 0; i < n; i++) {
		merge_keep(&m, &c[i]);
		merge_add(&m, &c[i]);
	}
	merge_keep(&m, NULL);
	merge_flush(&m);
	l->len = (size_t)(m.to - first);
	l->n = (size_t)(m.to_end - l->ends);
	return CAMCA_OK;
}

void
crl_list_published(struct crl_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		l->ends[i] &= ~END_FRESH;
}

bool
crl_list_any_done(const struct crl_list *l, int64_t done_s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (end_is_done(l->ends[i], done_s))
			return true;
	return false;
}
