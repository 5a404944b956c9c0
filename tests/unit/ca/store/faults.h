/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault tests do to a store: one enrollment a call, with everything
 * that must be there together or not at all. */
#ifndef CAMCA_TEST_STORE_FAULTS_H
#define CAMCA_TEST_STORE_FAULTS_H

#include "tests/unit/ca/store/fixture.h"

struct enroll {
	int64_t n;
};

static inline struct store_conf
faults_conf(const char *path)
{
	return (struct store_conf){ path, 1, 8, 8, &camca_ctx_system };
}

static inline int
faults_base(struct tx *tx, void *arg)
{
	uint8_t der[] = { 0x30, 0 };
	struct site_row s = fix_site_row("hq");
	struct issuer_row r = { .name = "ec", .generation = 1,
	    .cert = { der, sizeof der } };
	int err = store_site_insert(tx, &s);

	(void)arg;
	return err < 0 ? err : store_issuer_insert(tx, &r);
}

static inline int
faults_enroll(struct tx *tx, void *arg)
{
	const struct enroll *e = arg;
	static const uint8_t body[3000] = { 7 };
	uint8_t *bytes = (uint8_t *)(uintptr_t)body;
	struct device_row d;
	struct secret_row s = { .created_ms = 1 };
	struct cert_row c = { .issuer = 1, .reason = -1, .not_after_ms = 9,
	    .der = { bytes, sizeof body } };
	struct event_row v = { .device = "-",
	    .body = { bytes, 400 } };
	char id[17];
	int err;

	snprintf(id, sizeof id, "cam-%d", (int)e->n);
	d = fix_device_row(id);
	if ((err = store_device_insert(tx, &d)) < 0)
		return err;
	s.device = d.pk;
	snprintf(s.selector, sizeof s.selector, "%s", id);
	memcpy(c.serial, &e->n, sizeof e->n);
	memcpy(v.id, &e->n, sizeof e->n);
	c.device = d.pk;
	if ((err = store_secret_insert(tx, &s)) < 0 ||
	    (err = store_secret_use(tx, id, c.spki, 5)) < 0 ||
	    (err = store_cert_insert(tx, &c)) < 0 ||
	    (err = store_device_move(tx, d.pk, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 5)) < 0)
		return err;
	return store_outbox_put(tx, &v);
}

struct state {
	int64_t devices, certs, events, used;
	int64_t last;              /* highest n of a device */
	bool whole;                /* every device has its certificate */
};

static inline int
faults_see(const struct device_row *r, void *arg)
{
	struct state *s = arg;
	long long n = -1;

	s->used++;
	s->last = sscanf(r->id, "cam-%lld", &n) == 1 ? n : -1;
	if (r->state != DEVICE_ENROLLED)
		s->whole = false;
	return 0;
}

static inline int
faults_look(struct tx *tx, void *arg)
{
	struct device_filter f = { .state = -1, .kind = -1 };
	struct state *s = arg;
	struct cert_row c;
	int err;

	*s = (struct state){ .whole = true };
	if ((err = store_device_count(tx, &s->devices)) < 0 ||
	    (err = store_cert_count(tx, &s->certs)) < 0 ||
	    (err = store_outbox_count(tx, &s->events)) < 0 ||
	    (err = store_device_list(tx, &f, 0, INT64_MAX, faults_see, s)) < 0)
		return err;
	if (s->devices == 0)
		return 0;
	memset(&c, 0, sizeof c);
	memcpy(c.serial, &s->last, sizeof s->last);
	err = store_cert_by_serial(tx, c.serial, &c);
	store_cert_free(&c);
	return err;
}

/* Nothing half: as many of each as there were successes, no gaps, and the file
 * passes the engine's own check. */
static inline void
faults_check(struct store *s, int64_t want)
{
	struct state st;

	assert_int_equal(store_tx(s, DB_READ, faults_look, &st), 0);
	assert_true(st.whole);
	assert_int_equal(st.devices, want);
	assert_int_equal(st.used, want);
	assert_int_equal(st.certs, want);
	assert_int_equal(st.events, want);
}

#endif
