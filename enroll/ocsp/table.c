/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing in 64 parts, a mutex each: a lookup holds one for well under
 * a microsecond. Parts grow by a fifth, so that at most a third of
 * the memory is empty (56 bytes an entry, 84 at the worst), and are mapped from
 * the kernel one by one, so that what a part has outgrown goes back. */
#include "enroll/ocsp/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "ca/base/uptime.h"

#define TABLE_PARTS 64
#define TABLE_PART_MIN 64              /* slots */
#define TABLE_PAUSE_NS 100000

/* The order of the fields leaves no gap: 56 bytes. */
struct entry {
	uint8_t serial[20];
	uint32_t issuer;               /* 0: free slot */
	int64_t revoked_s;
	int64_t not_after_s;
	int64_t rev_seq;
	uint32_t version;
	uint8_t status;                /* enum status_value */
	uint8_t reason;
};

/* Slots of one part, without a lock of their own. */
struct slots {
	struct entry *list;            /* NULL: none */
	size_t cap, n;
};

struct part {
	pthread_mutex_t lock;          /* guards s */
	struct slots s;
};

struct table {
	struct part parts[TABLE_PARTS];
	struct slots *fresh;           /* TABLE_PARTS: being loaded; feed only */
	size_t swept;                  /* next part to sweep; feed only */
	uint32_t version;              /* last one given; feed only */
	atomic_bool loaded;
	_Atomic int64_t lease_ms;
	/* Answers on their way: those of even and of odd epochs. */
	atomic_uint epoch;
	atomic_uint inside[2];
};

/* --- slots --- */

static uint64_t
slots_word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Serials hold 16 random bytes of ours; who asks can choose others, but cannot
 * store them, so a mixer is enough. */
static uint64_t
slots_hash(uint32_t issuer, const uint8_t serial[static 20])
{
	uint64_t h = slots_word(serial + 12) ^ issuer;

	h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= slots_word(serial + 4);
	h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	h ^= slots_word(serial);
	h = (h ^ h >> 32) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

static size_t
slots_part(uint64_t h)
{
	return (size_t)(h % TABLE_PARTS);
}

/* The slot of this certificate, or the free one where it would be. cap > n. */
static struct entry *
slots_at(const struct slots *s, uint64_t h, uint32_t issuer,
    const uint8_t serial[static 20])
{
	/* Lemire's reduction: the high bits choose the slot, the low ones
	 * chose the part. */
	size_t i = (size_t)(((unsigned __int128)h * s->cap) >> 64);
	struct entry *e;

	for (;; i = i + 1 < s->cap ? i + 1 : 0) {
		e = &s->list[i];
		if (e->issuer == 0 || (e->issuer == issuer &&
		    memcmp(e->serial, serial, sizeof e->serial) == 0))
			return e;
	}
}

static void
slots_free(struct slots *s)
{
	if (s->list != NULL)
		munmap(s->list, s->cap * sizeof *s->list);
	memset(s, 0, sizeof *s);
}

static int
slots_alloc(struct slots *s, size_t cap)
{
	void *p = mmap(NULL, cap * sizeof *s->list, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return CAMCA_ENOMEM;
	s->list = p;
	s->cap = cap;
	s->n = 0;
	return CAMCA_OK;
}

/* The entries that ended at after_s or later, in room for want of them. */
static int
slots_rebuild(struct slots *s, size_t want, int64_t after_s)
{
	struct slots next;
	size_t i;
	int ret;

	ret = slots_alloc(&next, want < TABLE_PART_MIN ? TABLE_PART_MIN : want);
	if (ret < 0)
		return ret;
	for (i = 0; i < s->cap; i++) {
		const struct entry *e = &s->list[i];

		if (e->issuer == 0 || e->not_after_s < after_s)
			continue;
		*slots_at(&next, slots_hash(e->issuer, e->serial), e->issuer,
		    e->serial) = *e;
		next.n++;
	}
	slots_free(s);
	*s = next;
	return CAMCA_OK;
}

/* One more must fit, with a fifth free: probes stay short. */
static int
slots_room(struct slots *s)
{
	if (s->n + 1 <= s->cap / 5 * 4)
		return CAMCA_OK;
	return slots_rebuild(s, s->cap + s->cap / 5 + 1, INT64_MIN);
}

static void
entry_set(struct entry *e, const struct status_wire *r, uint32_t version)
{
	static const uint8_t values[] = {
		[STATUS_WIRE_GOOD] = STATUS_GOOD,
		[STATUS_WIRE_HOLD] = STATUS_HOLD,
		[STATUS_WIRE_REVOKED] = STATUS_REVOKED,
	};

	memcpy(e->serial, r->serial, sizeof e->serial);
	e->issuer = r->issuer;
	e->revoked_s = r->revoked_s;
	e->not_after_s = r->not_after_s;
	e->rev_seq = r->rev_seq;
	e->status = values[r->status];
	e->reason = r->reason;
	e->version = version;
}

static int
slots_put(struct slots *s, uint64_t h, const struct status_wire *r,
    uint32_t *version)
{
	struct entry *e;
	int ret;

	if ((ret = slots_room(s)) < 0)
		return ret;
	e = slots_at(s, h, r->issuer, r->serial);
	if (e->issuer != 0 && e->rev_seq >= r->rev_seq)
		return CAMCA_OK;
	s->n += e->issuer == 0;
	entry_set(e, r, ++*version);
	return CAMCA_OK;
}

/* --- the table --- */

int
table_new(struct table **out)
{
	struct table *t = calloc(1, sizeof *t);
	size_t i;

	if (t == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < TABLE_PARTS; i++)
		pthread_mutex_init(&t->parts[i].lock, NULL);
	*out = t;
	return CAMCA_OK;
}

static void
table_drop_fresh(struct table *t)
{
	size_t i;

	for (i = 0; t->fresh != NULL && i < TABLE_PARTS; i++)
		slots_free(&t->fresh[i]);
	free(t->fresh);
	t->fresh = NULL;
}

void
table_free(struct table *t)
{
	size_t i;

	if (t == NULL)
		return;
	table_drop_fresh(t);
	for (i = 0; i < TABLE_PARTS; i++) {
		slots_free(&t->parts[i].s);
		pthread_mutex_destroy(&t->parts[i].lock);
	}
	free(t);
}

bool
table_lookup(struct table *t, uint32_t issuer, const uint8_t serial[20],
    struct status *out)
{
	uint64_t h = slots_hash(issuer, serial);
	struct part *p = &t->parts[slots_part(h)];
	const struct entry *e = NULL;

	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&p->lock);
	if (p->s.n > 0 && issuer != 0)
		e = slots_at(&p->s, h, issuer, serial);
	if (e != NULL && e->issuer != 0) {
		out->value = (enum status_value)e->status;
		out->reason = e->reason;
		out->revoked_s = e->revoked_s;
		out->not_after_s = e->not_after_s;
		out->rev_seq = e->rev_seq;
		out->version = e->version;
	}
	pthread_mutex_unlock(&p->lock);
	return out->value != STATUS_UNKNOWN;
}

bool
table_loaded(const struct table *t)
{
	return atomic_load(&t->loaded);
}

bool
table_may_say_good(const struct table *t, int64_t now_ms)
{
	return now_ms < atomic_load(&t->lease_ms);
}

void
table_lease(struct table *t, int64_t until_ms)
{
	atomic_store(&t->lease_ms, until_ms);
}

int
table_put(struct table *t, const struct status_wire *r)
{
	uint64_t h = slots_hash(r->issuer, r->serial);
	struct part *p = &t->parts[slots_part(h)];
	int ret;

	if (r->issuer == 0)
		return CAMCA_EINVAL;
	if (t->fresh != NULL)
		return slots_put(&t->fresh[slots_part(h)], h, r, &t->version);
	pthread_mutex_lock(&p->lock);
	ret = slots_put(&p->s, h, r, &t->version);
	pthread_mutex_unlock(&p->lock);
	return ret;
}

int
table_load_begin(struct table *t)
{
	table_lease(t, 0);
	table_drop_fresh(t);
	t->fresh = calloc(TABLE_PARTS, sizeof *t->fresh);
	return t->fresh != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

void
table_load_end(struct table *t)
{
	struct slots old;
	size_t i;

	if (t->fresh == NULL)
		return;
	/* Part by part: nobody may say good before the last one is there. */
	for (i = 0; i < TABLE_PARTS; i++) {
		pthread_mutex_lock(&t->parts[i].lock);
		old = t->parts[i].s;
		t->parts[i].s = t->fresh[i];
		pthread_mutex_unlock(&t->parts[i].lock);
		t->fresh[i] = old;
	}
	table_drop_fresh(t);
	atomic_store(&t->loaded, true);
}

size_t
table_sweep(struct table *t, int64_t before_s)
{
	struct part *p = &t->parts[t->swept];
	size_t i, gone = 0;

	t->swept = (t->swept + 1) % TABLE_PARTS;
	pthread_mutex_lock(&p->lock);
	for (i = 0; i < p->s.cap; i++)
		gone += p->s.list[i].issuer != 0 &&
		    p->s.list[i].not_after_s < before_s;
	/* Without memory it stays as it is: the next time. */
	if (gone > 0 && slots_rebuild(&p->s, (p->s.n - gone) / 4 * 5 + 2,
	    before_s) < 0)
		gone = 0;
	pthread_mutex_unlock(&p->lock);
	return gone;
}

size_t
table_count(struct table *t)
{
	size_t i, n = 0;

	for (i = 0; i < TABLE_PARTS; i++) {
		pthread_mutex_lock(&t->parts[i].lock);
		n += t->parts[i].s.n;
		pthread_mutex_unlock(&t->parts[i].lock);
	}
	return n;
}

size_t
table_bytes(struct table *t)
{
	size_t i, n = sizeof *t;

	for (i = 0; i < TABLE_PARTS; i++) {
		pthread_mutex_lock(&t->parts[i].lock);
		n += t->parts[i].s.cap * sizeof (struct entry);
		pthread_mutex_unlock(&t->parts[i].lock);
	}
	return n;
}

/* --- answers on their way --- */

unsigned
table_enter(struct table *t)
{
	unsigned epoch = atomic_load(&t->epoch) & 1;

	atomic_fetch_add(&t->inside[epoch], 1);
	return epoch;
}

void
table_leave(struct table *t, unsigned epoch)
{
	atomic_fetch_sub(&t->inside[epoch & 1], 1);
}

static bool
table_drained(const struct table *t, unsigned epoch, int64_t end_ms)
{
	const struct timespec pause = { 0, TABLE_PAUSE_NS };

	while (atomic_load(&t->inside[epoch & 1]) > 0) {
		if (uptime_ms() >= end_ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Two turns: who has read the epoch but not yet counted himself when it turns
 * would be counted among those of the turn after, and not be waited for then
 * (the same reason as in sleepable RCU). */
bool
table_quiesce(struct table *t, int timeout_ms)
{
	int64_t end_ms = uptime_ms() + timeout_ms;
	bool all = true;
	int i;

	for (i = 0; i < 2; i++)
		all &= table_drained(t, atomic_fetch_add(&t->epoch, 1), end_ms);
	return all;
}
