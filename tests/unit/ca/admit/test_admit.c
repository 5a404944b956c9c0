/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/admit.h"
#include "tests/unit/ca/admit/fake_store.h"

#define DAY_MS 86400000LL
#define NOW (20000 * DAY_MS + DAY_MS / 3)

static struct tx tx;
static struct level_set levels;
static struct device_row dev;
static struct site_row site;
static struct refusal why;

/* Level 3 asks for all documents, 4 for approval too, 5 for an IDevID too. */
static int
setup(void **state)
{
	int n;

	(void)state;
	memset(&tx, 0, sizeof tx);
	memset(&levels, 0, sizeof levels);
	memset(&dev, 0, sizeof dev);
	memset(&site, 0, sizeof site);
	for (n = 0; n < 5; n++) {
		levels.list[n].level = n + 1;
		levels.list[n].assessment_max_age_ms = 365 * DAY_MS;
		levels.list[n].need_origin = n >= 2;
		levels.list[n].need_quality = n >= 2;
		levels.list[n].need_assessment = n >= 2;
		levels.list[n].approval = n >= 3;
		levels.list[n].need_hardware_identity = n >= 4;
	}
	dev.pk = 7;
	snprintf(dev.id, sizeof dev.id, "cam-1");
	snprintf(dev.site, sizeof dev.site, "s1");
	dev.state = DEVICE_REGISTERED;
	snprintf(site.id, sizeof site.id, "s1");
	site.level = 3;
	return 0;
}

static struct document_row *
add(int64_t kind, int64_t date_ms)
{
	struct document_row r = { .device = dev.pk, .kind = kind,
	    .date_ms = date_ms, .passed = 1 };

	assert_int_equal(store_document_insert(&tx, &r), 0);
	return &tx.documents[tx.ndocuments - 1];
}

static void
add_all(void)
{
	add(DOC_ORIGIN, NOW - 500 * DAY_MS);
	add(DOC_QUALITY, NOW - 500 * DAY_MS);
	add(DOC_ASSESSMENT, NOW - 10 * DAY_MS);
}

static int
check(enum admit_purpose purpose, bool by_idevid)
{
	bool approval;
	int ret;

	memset(&why, 0, sizeof why);
	ret = admit_check(&tx, &levels, &dev, &site, purpose, by_idevid, NOW,
	    &approval, &why);
	if (ret == CAMCA_OK)
		return approval;
	assert_false(approval);
	return ret;
}

#define assert_refused(purpose, wanted) do { \
	assert_int_equal(check(purpose, false), CAMCA_EPOLICY); \
	assert_int_equal(why.http, 403); \
	assert_string_equal(why.code, wanted); \
	assert_non_null(strstr(why.detail, "cam-1")); \
} while (0)

static void
test_states(void **state)
{
	static const struct {
		int64_t state;
		const char *enroll, *renew;
	} cases[] = {
		{ DEVICE_REGISTERED, NULL, "admit.not-enrolled" },
		{ DEVICE_ENROLLED, NULL, NULL },
		{ DEVICE_HELD, "admit.device-held", "admit.device-held" },
		{ DEVICE_REVOKED, "admit.device-revoked",
		  "admit.device-revoked" },
		{ DEVICE_RETIRED, "admit.device-retired",
		  "admit.device-retired" },
		{ DEVICE_LOST, "admit.device-lost", "admit.device-lost" },
		{ 77, "admit.device-state", "admit.device-state" },
	};
	size_t i;

	(void)state;
	site.level = 1;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		dev.state = cases[i].state;
		if (cases[i].enroll == NULL)
			assert_int_equal(check(ADMIT_ENROLL, false), 0);
		else
			assert_refused(ADMIT_ENROLL, cases[i].enroll);
		if (cases[i].renew == NULL)
			assert_int_equal(check(ADMIT_RENEW, false), 0);
		else
			assert_refused(ADMIT_RENEW, cases[i].renew);
	}
}

static void
test_documents_needed(void **state)
{
	(void)state;
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
	assert_non_null(strstr(why.detail, "level 3"));
	assert_non_null(strstr(why.detail, "origin, certificate of quality"));
	add(DOC_ORIGIN, NOW - DAY_MS);
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
	assert_null(strstr(why.detail, "origin"));
	add(DOC_QUALITY, NOW - DAY_MS);
	assert_refused(ADMIT_ENROLL, "admit.assessment-missing");
	add(DOC_ASSESSMENT, NOW - DAY_MS);
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	/* A passed assessment alone does not stand in for the papers. */
	setup(NULL);
	add(DOC_ASSESSMENT, NOW - DAY_MS);
	add(DOC_LETTER, NOW - DAY_MS);
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
	levels.list[2].assessment_replaces_documents = true;
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	tx.documents[0].passed = 0;
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
}

/* Another device's papers are no papers. */
static void
test_documents_of_another(void **state)
{
	(void)state;
	dev.pk = 8;
	add_all();
	dev.pk = 7;
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
}

static void
test_documents_in_force(void **state)
{
	struct document_row *origin;

	(void)state;
	add_all();
	origin = &tx.documents[0];
	origin->expires_ms = NOW;
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
	origin->expires_ms = NOW + 1;
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	/* A day has no time zone: dated today counts wherever today is. */
	origin->date_ms = NOW + 14 * 3600000LL;
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	origin->date_ms++;
	assert_refused(ADMIT_ENROLL, "admit.provenance-missing");
	/* One of several in force is enough. */
	add(DOC_ORIGIN, NOW - 900 * DAY_MS);
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
}

static void
test_assessment_runs_out(void **state)
{
	struct document_row *a;

	(void)state;
	dev.state = DEVICE_ENROLLED;
	add_all();
	a = &tx.documents[2];
	a->date_ms = NOW - 365 * DAY_MS;
	assert_refused(ADMIT_RENEW, "admit.assessment-expired");
	assert_non_null(strstr(why.detail, "interval"));
	a->date_ms++;
	assert_int_equal(check(ADMIT_RENEW, false), 0);
	a->expires_ms = NOW;
	assert_refused(ADMIT_RENEW, "admit.assessment-expired");
	a->expires_ms = NOW + 1;
	assert_int_equal(check(ADMIT_RENEW, false), 0);
	levels.list[2].assessment_max_age_ms = 0;
	a->date_ms = DAY_MS;
	assert_int_equal(check(ADMIT_RENEW, false), 0);
}

/* The newest assessment speaks, in whatever order they were entered. */
static void
test_newest_assessment(void **state)
{
	struct document_row *a, *b;

	(void)state;
	add_all();
	a = &tx.documents[2];
	b = add(DOC_ASSESSMENT, a->date_ms + DAY_MS);
	b->passed = 0;
	assert_refused(ADMIT_ENROLL, "admit.assessment-failed");
	b->date_ms = a->date_ms - DAY_MS;
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	/* On one day, the one entered later. */
	b->date_ms = a->date_ms;
	assert_refused(ADMIT_ENROLL, "admit.assessment-failed");
	a->passed = 0;
	b->passed = 1;
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	/* One that has not begun says nothing yet. */
	b->date_ms = NOW + 2 * DAY_MS;
	assert_refused(ADMIT_ENROLL, "admit.assessment-failed");
}

static void
test_levels(void **state)
{
	(void)state;
	site.level = 2;
	assert_int_equal(check(ADMIT_ENROLL, false), 0);
	add_all();
	site.level = 4;
	assert_int_equal(check(ADMIT_ENROLL, false), 1);
	site.level = 5;
	assert_refused(ADMIT_ENROLL, "admit.hardware-identity");
	assert_int_equal(check(ADMIT_ENROLL, true), 1);
	/* Neither is asked again at renewal. */
	dev.state = DEVICE_ENROLLED;
	assert_int_equal(check(ADMIT_RENEW, false), 0);
	site.level = 0;
	assert_refused(ADMIT_ENROLL, "admit.level");
	site.level = 6;
	assert_refused(ADMIT_ENROLL, "admit.level");
	site.level = 1;
	snprintf(site.id, sizeof site.id, "s2");
	assert_refused(ADMIT_ENROLL, "admit.level");
}

static void
test_ra(void **state)
{
	(void)state;
	dev.kind = DEVICE_RA;
	site.level = 5;
	assert_int_equal(check(ADMIT_ENROLL, false), 1);
	dev.state = DEVICE_HELD;
	assert_refused(ADMIT_ENROLL, "admit.device-held");
}

/* A store that can not answer is never a yes. */
static void
test_store_fails(void **state)
{
	(void)state;
	add_all();
	tx.fail_at = tx.calls + 1;
	assert_int_equal(check(ADMIT_ENROLL, false), CAMCA_EDB);
	assert_int_equal(why.http, 503);
	assert_true(why.retry_after_s > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_states, setup),
		cmocka_unit_test_setup(test_documents_needed, setup),
		cmocka_unit_test_setup(test_documents_of_another, setup),
		cmocka_unit_test_setup(test_documents_in_force, setup),
		cmocka_unit_test_setup(test_assessment_runs_out, setup),
		cmocka_unit_test_setup(test_newest_assessment, setup),
		cmocka_unit_test_setup(test_levels, setup),
		cmocka_unit_test_setup(test_ra, setup),
		cmocka_unit_test_setup(test_store_fails, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
