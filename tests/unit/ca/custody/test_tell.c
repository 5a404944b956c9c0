/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/custody/tell.h"

/* Every type, as the list has them. */
static const struct event_type types[] = {
#define EVENT_TYPE(name, keys) { name, keys, sizeof name - 1 },
#include "ca/custody/event_types.h"
#undef EVENT_TYPE
};
#define TYPES (sizeof types / sizeof types[0])

/* Is {key} one of the type's? */
static bool
has_key(const struct event_type *t, const char *p, size_t n)
{
	const char *pos = t->keys;
	struct event_key k;

	while (event_key_next(&pos, &k))
		if (k.n == n && memcmp(k.p, p, n) == 0)
			return true;
	return false;
}

static bool
is_optional(const struct event_type *t, const char *p, size_t n)
{
	const char *pos = t->keys;
	struct event_key k;

	while (event_key_next(&pos, &k))
		if (k.n == n && memcmp(k.p, p, n) == 0)
			return k.optional;
	return false;
}

/* Each type has a sentence, with keys that it has; what may be absent stands in
 * brackets. */
static void
test_every_type(void **state)
{
	const struct event_type *t;
	const char *p, *end;
	bool part;
	size_t i;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		t = &types[i];
		p = event_tell_pattern(t->name);
		if (p == NULL)
			fail_msg("%s has no sentence", t->name);
		for (part = false; *p != '\0'; p++) {
			assert_false(*p == '[' && part);
			assert_false(*p == ']' && !part);
			if (*p == '[' || *p == ']')
				part = *p == '[';
			if (*p != '{')
				continue;
			end = strchr(p, '}');
			assert_non_null(end);
			if (!has_key(t, p + 1, (size_t)(end - p - 1)))
				fail_msg("%s has no key %.*s", t->name,
				    (int)(end - p - 1), p + 1);
			if (!part && is_optional(t, p + 1,
			    (size_t)(end - p - 1)))
				fail_msg("%s: %.*s may be absent", t->name,
				    (int)(end - p - 1), p + 1);
		}
		assert_false(part);
	}
	assert_null(event_tell_pattern("no.such"));
}

#define BEGIN(type) "camca-event/v1\nid 01a202d437fbabababababababababab\n" \
	"time 2026-11-22T10:36:32.123Z\ntype " type "\ndevice cam-1\nactor gate\n"

static void
told(const char *text, const char *want)
{
	struct event_view v;
	char out[TELL_MAX];

	assert_int_equal(event_parse(&v, text, strlen(text), NULL), 0);
	event_tell(&v, out);
	assert_string_equal(out, want);
}

static void
test_sentences(void **state)
{
	(void)state;
	told(BEGIN("secret.made") "expires 2026-12-01T00:00:00.000Z\nnode n\n",
	    "One-time secret made, good until 2026-12-01T00:00:00.000Z");
	told(BEGIN("device.moved") "from enrolled\nto held\nnode n\n",
	    "Device moved from enrolled to held");
	told(BEGIN("device.moved") "from enrolled\nto revoked\nreason lost\n"
	    "batch 3\nserial 1a\nissuer-ski -\nstatus revoked\n"
	    "crl-reason keyCompromise\nnode n\n",
	    "Device moved from enrolled to revoked; its certificate is now "
	    "revoked (keyCompromise): lost (batch 3)");
	told(BEGIN("cert.revoked") "serial 1a\nissuer-ski -\nstatus good\n"
	    "crl-reason -\nnode n\n", "Certificate is now good");
	told(BEGIN("enroll.refused") "rule a.b\nhttp 403\nreason {x} [y]\n"
	    "node n\n", "Enrollment refused by rule a.b: {x} [y]");
}

/* The longest values do not fit, and are cut. */
static void
test_long(void **state)
{
	char text[EVENT_BODY_MAX], value[513], out[TELL_MAX];
	struct event_view v;
	int n;

	(void)state;
	memset(value, 'x', 512);
	value[512] = '\0';
	n = snprintf(text, sizeof text, BEGIN("device.added") "site %s\nkind "
	    "camera\nplace other\nmanufacturer %s\nmodel %s\nserial %s\n"
	    "node n\n", value, value, value, value);
	assert_int_equal(event_parse(&v, text, (size_t)n, NULL), 0);
	event_tell(&v, out);
	assert_int_equal(strlen(out), TELL_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
