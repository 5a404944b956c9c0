/* SPDX-License-Identifier: Apache-2.0 */
/* What the events of a device tell about its certificates and its standing.
 * docs/EVENTS.md has the grammar. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

#define FACTS_STEP 64

/* RFC 5280 5.3.1. */
static const char *const reasons[] = { "unspecified", "keyCompromise",
    "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
    "certificateHold", "", "", "privilegeWithdrawn", "aACompromise" };
#define REASONS (sizeof reasons / sizeof reasons[0])
#define REASON_SUPERSEDED 4
#define REASON_HOLD 6
#define REASON_KEY_COMPROMISE 1

const char *
verify_reason_name(int reason)
{
	return reason >= 0 && (size_t)reason < REASONS ? reasons[reason] : "-";
}

int
verify_reason(const char *name)
{
	size_t i;

	if (strcmp(name, "-") == 0)
		return -1;
	for (i = 0; i < REASONS; i++)
		if (name[0] != '\0' && strcmp(name, reasons[i]) == 0)
			return (int)i;
	return -2;
}

size_t
verify_find_cert(const struct verify *v, const char *serial)
{
	size_t i;

	/* What is asked for is nearly always one of the newest. */
	for (i = v->ncerts; i > 0; i--)
		if (strcmp(v->certs[i - 1].serial, serial) == 0)
			return i - 1;
	return v->ncerts;
}

/* ---- reading lines ---- */

/* An event's line as a C string, "" where it is absent or does not fit. */
static void
fact_text(const struct event_view *e, const char *key, char *out, size_t size)
{
	struct event_text t;

	out[0] = '\0';
	if (event_view_get(e, key, &t) < 0 || t.n >= size)
		return;
	memcpy(out, t.p, t.n);
	out[t.n] = '\0';
}

static bool
fact_hex(const struct event_view *e, const char *key, uint8_t *out, size_t n)
{
	char hex[65];

	fact_text(e, key, hex, sizeof hex);
	return dec_hex(out, n, hex) == CAMCA_OK;
}

static int
fact_bad(struct verify *v, size_t event, const char *key)
{
	return report_wrong(&v->report, "events.value",
	    v->events[event].file->name, "Its line '%s' is not what such an "
	    "event has.", "Dòng '%s' không hợp lệ với loại sự kiện này.", key);
}

/* Room for one more element of size bytes. */
static int
fact_room(void **list, size_t n, size_t size)
{
	void *p;

	if (n % FACTS_STEP != 0)
		return CAMCA_OK;
	p = realloc(*list, (n + FACTS_STEP) * size);
	if (p == NULL)
		return CAMCA_ENOMEM;
	*list = p;
	return CAMCA_OK;
}

/* ---- certificates ---- */

static int
fact_room_cert(struct verify *v, struct verify_cert **out)
{
	void *list = v->certs;
	int ret = fact_room(&list, v->ncerts, sizeof *v->certs);

	v->certs = list;
	if (ret < 0)
		return ret;
	*out = &v->certs[v->ncerts];
	memset(*out, 0, sizeof **out);
	return CAMCA_OK;
}

static int
fact_issued(struct verify *v, size_t event, const struct event_view *e)
{
	struct verify_cert *c;
	int ret;

	if (v->ncerts >= BUNDLE_CERTS_MAX)
		return report_wrong(&v->report, "certs.many", "",
		    "More than %d certificates.", "Có hơn %d chứng thư.",
		    BUNDLE_CERTS_MAX);
	if ((ret = fact_room_cert(v, &c)) < 0)
		return ret;
	c->event = event;
	c->issued_ms = e->time_ms;
	c->reason = -1;
	fact_text(e, "serial", c->serial, sizeof c->serial);
	fact_text(e, "replaces", c->replaces, sizeof c->replaces);
	if (!fact_hex(e, "serial", c->serial_bytes, sizeof c->serial_bytes))
		return fact_bad(v, event, "serial");
	if (!fact_hex(e, "cert-sha256", c->sha256, sizeof c->sha256))
		return fact_bad(v, event, "cert-sha256");
	if (!fact_hex(e, "spki", c->spki, sizeof c->spki))
		return fact_bad(v, event, "spki");
	if (!fact_hex(e, "issuer-ski", c->ski, sizeof c->ski))
		return fact_bad(v, event, "issuer-ski");
	if (verify_find_cert(v, c->serial) < v->ncerts)
		return report_wrong(&v->report, "certs.twice",
		    v->events[event].file->name, "Certificate %s was issued "
		    "before already.", "Chứng thư %s đã được cấp trước đó.",
		    c->serial);
	v->ncerts++;
	return CAMCA_OK;
}

/* Which changes there are (RFC 5280 5.3.1): only a hold can end, and of a final
 * revocation only the reason can become a worse one. */
static bool
fact_change_ok(const struct verify_cert *c, const struct verify_change *h)
{
	switch (h->status) {
	case VERIFY_GOOD:
		return c->status == VERIFY_HOLD && h->reason == -1;
	case VERIFY_HOLD:
		return c->status == VERIFY_GOOD && h->reason == REASON_HOLD;
	default:
		return h->reason >= 0 && h->reason != REASON_HOLD &&
		    (c->status != VERIFY_REVOKED ||
		    (h->reason == REASON_KEY_COMPROMISE &&
		    c->reason != REASON_KEY_COMPROMISE));
	}
}

static int
fact_change(struct verify *v, const char *serial,
    const struct verify_change *from)
{
	void *list = v->changes;
	struct verify_change h = *from;
	struct verify_cert *c;
	int ret;

	h.cert = verify_find_cert(v, serial);
	if (h.cert >= v->ncerts)
		return report_wrong(&v->report, "events.cert",
		    v->events[h.event].file->name, "It tells of certificate "
		    "%s, which no event before it has issued.", "Sự kiện nói "
		    "về chứng thư %s mà trước đó không có sự kiện cấp.",
		    serial);
	c = &v->certs[h.cert];
	if (!fact_change_ok(c, &h))
		return report_wrong(&v->report, "events.status",
		    v->events[h.event].file->name, "It changes certificate %s "
		    "in a way that the events before it rule out.", "Sự kiện "
		    "đổi trạng thái chứng thư %s theo cách trái với các sự "
		    "kiện trước.", serial);
	ret = fact_room(&list, v->nchanges, sizeof *v->changes);
	v->changes = list;
	if (ret < 0)
		return ret;
	/* A revocation after a hold counts from the hold, and keeps its
	 * invalidity date where it brings none. */
	if (c->status == VERIFY_GOOD)
		c->since_ms = h.time_ms;
	if (c->status == VERIFY_GOOD || h.status == VERIFY_GOOD ||
	    h.invalidity_ms != 0)
		c->invalidity_ms = h.invalidity_ms;
	c->status = h.status;
	c->reason = h.reason;
	v->changes[v->nchanges++] = h;
	return CAMCA_OK;
}

static int
fact_status(struct verify *v, size_t event, const struct event_view *e)
{
	struct verify_change h = { .event = event, .time_ms = e->time_ms };
	char serial[41], status[16], reason[32], when[CTX_TIME_LEN];

	fact_text(e, "serial", serial, sizeof serial);
	fact_text(e, "status", status, sizeof status);
	fact_text(e, "crl-reason", reason, sizeof reason);
	fact_text(e, "invalidity", when, sizeof when);
	if (strcmp(status, "hold") == 0)
		h.status = VERIFY_HOLD;
	else if (strcmp(status, "revoked") == 0)
		h.status = VERIFY_REVOKED;
	else if (strcmp(status, "good") != 0)
		return fact_bad(v, event, "status");
	h.reason = verify_reason(reason);
	if (h.reason < -1)
		return fact_bad(v, event, "crl-reason");
	if (when[0] != '\0' && ctx_time_parse(when, &h.invalidity_ms) < 0)
		return fact_bad(v, event, "invalidity");
	return fact_change(v, serial, &h);
}

static int
fact_superseded(struct verify *v, size_t event, const struct event_view *e)
{
	struct verify_change h = { .event = event, .time_ms = e->time_ms,
	    .status = VERIFY_REVOKED, .reason = REASON_SUPERSEDED };
	char serial[41];

	fact_text(e, "serial", serial, sizeof serial);
	return fact_change(v, serial, &h);
}

/* ---- the device ---- */

static int
fact_move(struct verify *v, size_t event, int64_t time_ms, const char *state)
{
	void *list = v->moves;
	struct verify_move *m;
	int ret = fact_room(&list, v->nmoves, sizeof *v->moves);

	v->moves = list;
	if (ret < 0)
		return ret;
	m = &v->moves[v->nmoves++];
	m->event = event;
	m->time_ms = time_ms;
	snprintf(m->state, sizeof m->state, "%s", state);
	return CAMCA_OK;
}

static int
fact_moved(struct verify *v, size_t event, const struct event_view *e)
{
	struct event_text serial;
	char state[24];
	int ret;

	fact_text(e, "to", state, sizeof state);
	if (state[0] == '\0')
		return fact_bad(v, event, "to");
	ret = fact_move(v, event, e->time_ms, state);
	if (ret < 0 || event_view_get(e, "serial", &serial) < 0)
		return ret;
	return fact_status(v, event, e);
}

int
verify_fact(struct verify *v, size_t event, const struct event_view *e)
{
	const char *type = e->type->name;
	int ret;

	if (strcmp(type, "cert.issued") == 0 ||
	    strcmp(type, "cert.renewed") == 0) {
		ret = fact_issued(v, event, e);
		return ret < 0 ? ret : fact_move(v, event, e->time_ms,
		    "enrolled");
	}
	if (strcmp(type, "cert.revoked") == 0)
		return fact_status(v, event, e);
	if (strcmp(type, "cert.superseded") == 0)
		return fact_superseded(v, event, e);
	if (strcmp(type, "device.moved") == 0)
		return fact_moved(v, event, e);
	if (strcmp(type, "device.added") == 0 ||
	    strcmp(type, "device.imported") == 0)
		return fact_move(v, event, e->time_ms, "registered");
	return CAMCA_OK;
}
