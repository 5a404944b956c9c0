/* SPDX-License-Identifier: Apache-2.0 */
/* How things stood at a time, by the events up to then. */
#include <string.h>

#include "ca/verify/verify_int.h"

/* What later events say of that time: RFC 5280 5.3.2, invalidityDate. A change
 * that brings none leaves the one before as it is, as in the CRL; the end of a
 * hold takes it back. */
static void
asof_disowned(const struct verify_change *h, int64_t ms,
    struct verify_standing *s)
{
	if (h->status != VERIFY_GOOD && h->invalidity_ms == 0)
		return;
	s->disowned = h->invalidity_ms != 0 && h->invalidity_ms <= ms;
	s->disowned_event = h->event;
	s->invalidity_ms = h->invalidity_ms;
}

void
verify_standing_at(const struct verify *v, size_t cert, int64_t ms,
    struct verify_standing *out)
{
	const struct verify_cert *c = &v->certs[cert];
	const struct verify_change *h;
	size_t i;

	memset(out, 0, sizeof *out);
	out->reason = -1;
	out->issued = c->issued_ms <= ms;
	out->before = ms < c->not_before_ms;
	/* notAfter is a whole second, which belongs to the validity. */
	out->after = ms >= c->not_after_ms + 1000;
	for (i = 0; i < v->nchanges; i++) {
		h = &v->changes[i];
		if (h->cert != cert)
			continue;
		if (h->time_ms > ms) {
			asof_disowned(h, ms, out);
			continue;
		}
		if (out->status == VERIFY_GOOD)
			out->since_ms = h->time_ms;
		out->status = h->status;
		out->reason = h->reason;
	}
}

bool
verify_in_force(const struct verify_standing *s)
{
	return s->issued && !s->before && !s->after &&
	    s->status == VERIFY_GOOD;
}

size_t
verify_held_at(const struct verify *v, int64_t ms)
{
	struct verify_standing s;
	size_t i;

	for (i = v->ncerts; i > 0; i--) {
		verify_standing_at(v, i - 1, ms, &s);
		if (verify_in_force(&s))
			return i - 1;
	}
	return v->ncerts;
}

const char *
verify_state_at(const struct verify *v, int64_t ms)
{
	const char *state = "-";
	size_t i;

	for (i = 0; i < v->nmoves; i++)
		if (v->moves[i].time_ms <= ms)
			state = v->moves[i].state;
	return state;
}
