/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle that was made by camcad with two witnesses and two TSAs, kept as a
 * block: the camera was enrolled, held and released. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/file.h"
#include "ca/custody/bundle.h"
#include "ca/verify/verify_int.h"

#define GOOD "tests/fuzz/corpus/bundle/full"

static struct buf good;

static int
setup(void **state)
{
	(void)state;
	return file_read(GOOD, 1 << 20, &good);
}

static int
teardown(void **state)
{
	(void)state;
	buf_fini(&good);
	return 0;
}

static void
unpack(struct files *f)
{
	memset(f, 0, sizeof *f);
	assert_int_equal(files_unpack(f, good.data, good.len, NULL), 0);
}

static struct file *
find(struct files *f, const char *name)
{
	struct file *x = (struct file *)(uintptr_t)files_find(f, name);

	assert_non_null(x);
	return x;
}

static size_t
kind_at(const struct files *f, enum bundle_kind kind)
{
	size_t i = files_next(f, kind, 0);

	assert_true(i < f->n);
	return i;
}

static void
repair(struct files *f)
{
	struct manifest m = { .list = NULL };
	struct file *x = find(f, "MANIFEST");
	struct buf text;
	size_t i;

	buf_init(&text, 0);
	for (i = 0; i < f->n; i++)
		if (f->list[i].kind != BUNDLE_MANIFEST)
			assert_int_equal(manifest_add_bytes(&m,
			    f->list[i].name, f->list[i].p, f->list[i].n), 0);
	assert_int_equal(manifest_text(&m, &text), 0);
	free(x->p);
	x->n = text.len;
	x->p = (uint8_t *)strdup(buf_str(&text));
	assert_non_null(x->p);
	buf_fini(&text);
	manifest_fini(&m);
}

/* The code of what is wrong, or "ok". */
static const char *
verdict(const struct files *f, const struct verify_conf *conf)
{
	static char code[REPORT_CODE_MAX];
	const struct report *r;
	struct verify *v;
	int ret;

	assert_int_equal(verify_new(&v, conf), 0);
	ret = verify_run(v, f);
	r = verify_report(v);
	assert_true(ret == 0 || ret == CAMCA_EPOLICY);
	assert_int_equal(r->wrong, ret < 0);
	snprintf(code, sizeof code, "%s", ret == 0 ? "ok" :
	    r->items[r->n - 1].code);
	verify_free(v);
	return code;
}

static const struct verify_conf plain = { .lang = REPORT_EN };

static void
test_good(void **state)
{
	struct verify_conf vi = { .lang = REPORT_VI };
	struct files f;

	(void)state;
	unpack(&f);
	assert_string_equal(verdict(&f, &plain), "ok");
	assert_string_equal(verdict(&f, &vi), "ok");
	files_fini(&f);
}

/* Replaces the first `from` in a file by `to` of the same length. */
static void
alter(struct files *f, const char *name, const char *from, const char *to)
{
	struct file *x = find(f, name);
	char *p = memmem(x->p, x->n, from, strlen(from));

	assert_non_null(p);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(p, to, strlen(to));
}

static void
altered(const char *name, const char *from, const char *to, const char *code)
{
	struct files f;

	unpack(&f);
	alter(&f, name, from, to);
	assert_string_equal(verdict(&f, &plain), strcmp(name, "MANIFEST") ==
	    0 ? "manifest.line" : "manifest.hash");
	repair(&f);
	assert_string_equal(verdict(&f, &plain), code);
	files_fini(&f);
}

static void
test_altered(void **state)
{
	(void)state;
	altered("policy.tlog", "quorum both", "quorum bath", "policy");
	altered("policy.tlog", "log loc", "lug loc", "policy");
	altered("checkpoint", "localhost", "localpost", "checkpoint");
	altered("events/000002.event", "dev-seq 2", "dev-seq 3",
	    "events.number");
	altered("events/000002.event", "device cam-1", "device cam-2",
	    "events.device");
	altered("events/000002.event", "actor uid:0", "actor uid:1",
	    "events.chain");
	altered("events/000002.event", "type ", "tipe ", "events.form");
	altered("events/000007.event", "node authority-1", "node authority-2",
	    "proof.wrong");
	altered("events/000002.tlog-proof", "c2sp.org", "c3sp.org", "proof");
	altered("ca-chain.pem", "BEGIN CERT", "BEGIN SERT", "chain");
	altered("timestamps/one.pem", "-----END", "-----AND", "stamp.trust");
}

/* A byte in the middle of what is signed. */
static void
test_signed(void **state)
{
	static const struct {
		enum bundle_kind kind;
		size_t at;
		const char *code;
	} cases[] = {
		{ BUNDLE_CRL, 50, "crl.issuer" },
		{ BUNDLE_CRL, 220, "crl.signature" },
		{ BUNDLE_CRL, 2, "crl.form" },
		{ BUNDLE_OCSP, 150, "ocsp" },
		{ BUNDLE_STAMP, 120, "stamp" },
		{ BUNDLE_CERT, 300, "cert" },
	};
	struct files f;
	const char *code;
	struct file *x;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unpack(&f);
		x = &f.list[kind_at(&f, cases[i].kind)];
		x->p[cases[i].at] ^= 1;
		repair(&f);
		code = verdict(&f, &plain);
		if (strncmp(code, cases[i].code, strlen(cases[i].code)) != 0)
			fail_msg("%s: %s", x->name, code);
		files_fini(&f);
	}
}

/* ---- what the reader trusts ---- */

static struct buf
text_of(const struct files *f, const char *name)
{
	const struct file *x = files_find(f, name);
	struct buf b;

	buf_init(&b, 0);
	assert_non_null(x);
	assert_int_equal(buf_put(&b, x->p, x->n), 0);
	return b;
}

static void
test_trust(void **state)
{
	struct buf policy, chain, tsa, bad;
	struct verify_conf c = plain;
	struct files f;

	(void)state;
	unpack(&f);
	policy = text_of(&f, "policy.tlog");
	chain = text_of(&f, "ca-chain.pem");
	tsa = text_of(&f, "timestamps/one.pem");
	c.policy = &policy;
	c.trust = &chain;
	c.tsa = &tsa;
	assert_string_equal(verdict(&f, &c), "ok");
	c.trust = &tsa;                    /* somebody else's root */
	assert_string_equal(verdict(&f, &c), "chain.root");
	c.trust = &chain;
	c.tsa = &chain;
	assert_string_equal(verdict(&f, &c), "stamp");
	buf_init(&bad, 0);
	assert_int_equal(buf_puts(&bad, "quorum some\n"), 0);
	c.policy = &bad;
	assert_string_equal(verdict(&f, &c), "policy");
	c.policy = c.tsa = NULL;
	c.trust = &bad;
	assert_string_equal(verdict(&f, &c), "trust");
	c.trust = NULL;
	c.tsa = &bad;
	assert_string_equal(verdict(&f, &c), "stamp.trust");
	buf_fini(&bad);
	buf_fini(&policy);
	buf_fini(&chain);
	buf_fini(&tsa);
	files_fini(&f);
}

/* ---- as of a time ---- */

/* Registered (1), secret (2), issued (3), held (4, 5), released (6, 7): the
 * device and its certificate each have an event. */
static void
test_as_of(void **state)
{
	struct verify_standing s;
	struct files f;
	struct verify *v;
	int64_t t[8];
	size_t i;

	(void)state;
	unpack(&f);
	assert_int_equal(verify_new(&v, &plain), 0);
	assert_int_equal(verify_run(v, &f), 0);
	assert_int_equal(v->nevents, 7);
	assert_int_equal(v->ncerts, 1);
	for (i = 0; i < 7; i++)
		t[i + 1] = v->events[i].time_ms;
	assert_int_equal(verify_held_at(v, t[3] - 1), 1);
	assert_string_equal(verify_state_at(v, t[1] - 1), "-");
	assert_string_equal(verify_state_at(v, t[1]), "registered");
	assert_int_equal(verify_held_at(v, t[3]), 0);
	assert_string_equal(verify_state_at(v, t[3]), "enrolled");
	assert_int_equal(verify_held_at(v, t[5]), 1);
	assert_string_equal(verify_state_at(v, t[5]), "held");
	verify_standing_at(v, 0, t[5], &s);
	assert_int_equal(s.status, VERIFY_HOLD);
	assert_int_equal(s.reason, 6);
	assert_true(s.issued && !s.before && !s.after && !s.disowned);
	assert_int_equal(verify_held_at(v, t[7]), 0);
	assert_string_equal(verify_state_at(v, t[7]), "enrolled");
	/* The end of its life: the last second belongs to it. */
	assert_int_equal(verify_held_at(v, v->certs[0].not_after_ms + 999),
	    0);
	assert_int_equal(verify_held_at(v, v->certs[0].not_after_ms + 1000),
	    1);
	verify_standing_at(v, 0, v->certs[0].not_after_ms + 1000, &s);
	assert_true(s.after && s.status == VERIFY_GOOD);
	verify_free(v);
	files_fini(&f);
}

/* A revocation that came later and reaches back. */
static void
test_disowned(void **state)
{
	struct verify_cert c = { .issued_ms = 1000, .not_before_ms = 1000,
	    .not_after_ms = 100000, .reason = -1 };
	struct verify_change h = { .cert = 0, .event = 4, .time_ms = 5000,
	    .status = VERIFY_REVOKED, .reason = 1, .invalidity_ms = 3000 };
	struct verify v = { .certs = &c, .ncerts = 1, .changes = &h,
	    .nchanges = 1 };
	struct verify_standing s;

	(void)state;
	verify_standing_at(&v, 0, 2999, &s);
	assert_true(verify_in_force(&s) && !s.disowned);
	verify_standing_at(&v, 0, 3000, &s);
	assert_true(verify_in_force(&s) && s.disowned);
	assert_int_equal(s.disowned_event, 4);
	verify_standing_at(&v, 0, 5000, &s);
	assert_false(verify_in_force(&s) || s.disowned);
	assert_int_equal(s.since_ms, 5000);
}

/* A worse reason without a date leaves the date of before: so does the CRL. */
static void
test_disowned_twice(void **state)
{
	struct verify_cert c = { .issued_ms = 1000, .not_before_ms = 1000,
	    .not_after_ms = 100000, .reason = -1 };
	struct verify_change h[2] = { { .cert = 0, .event = 4,
	    .time_ms = 5000, .status = VERIFY_REVOKED, .reason = 4,
	    .invalidity_ms = 3000 }, { .cert = 0, .event = 5,
	    .time_ms = 6000, .status = VERIFY_REVOKED, .reason = 1 } };
	struct verify v = { .certs = &c, .ncerts = 1, .changes = h,
	    .nchanges = 2 };
	struct verify_standing s;

	(void)state;
	verify_standing_at(&v, 0, 4000, &s);
	assert_true(verify_in_force(&s) && s.disowned);
	assert_int_equal(s.disowned_event, 4);
	assert_int_equal(s.invalidity_ms, 3000);
	/* The end of a hold takes its date back. */
	h[0].status = VERIFY_HOLD;
	h[1].status = VERIFY_GOOD;
	verify_standing_at(&v, 0, 4000, &s);
	assert_true(verify_in_force(&s) && !s.disowned);
}

/* ---- what is not proven ---- */

static const char *
open_text(const struct verify *v, const char *code)
{
	const struct report *r = verify_report(v);
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->items[i].kind == REPORT_OPEN &&
		    strcmp(r->items[i].code, code) == 0)
			return r->items[i].text;
	return "";
}

/* The end that is open begins at the last event, wherever the checkpoint is. */
static void
test_later(void **state)
{
	char want[64];
	struct files f;
	struct verify *v;

	(void)state;
	unpack(&f);
	assert_int_equal(verify_new(&v, &plain), 0);
	assert_int_equal(verify_run(v, &f), 0);
	snprintf(want, sizeof want, "after entry %lld of",
	    (long long)v->events[v->nevents - 1].index);
	assert_string_equal(open_text(v, "crl.ended"), "");
	assert_string_equal(open_text(v, "events.begin"), "");
	/* Others went on, and years later the list has forgotten it. */
	v->report.n = 0;
	v->verdict.checkpoint.size += 100;
	v->certs[0].crl_ms = v->certs[0].not_after_ms;
	assert_int_equal(verify_open(v), 0);
	assert_non_null(strstr(open_text(v, "later"), want));
	/* A chain that was begun a second time begins in the middle. */
	v->report.n = 0;
	v->registered = false;
	assert_int_equal(verify_open(v), 0);
	assert_non_null(strstr(open_text(v, "events.begin"), "registration"));
	assert_non_null(strstr(open_text(v, "crl.ended"), "1 certificates"));
	verify_free(v);
	files_fini(&f);
}

/* Whatever a bundle brings, no reservation is crowded out by the others. */
static void
test_room(void **state)
{
	(void)state;
	assert_true(REPORT_ITEMS_MAX >= 24 + 3 * VERIFY_STAMPS_MAX +
	    POLICY_LOGS_MAX + POLICY_WITNESSES_MAX + VERIFY_CHAIN_MAX);
}

/* ---- printing ---- */

static void
test_print(void **state)
{
	struct verify_conf c = { .lang = REPORT_VI, .as_of = true };
	struct files f;
	struct verify *v;
	char *p = NULL;
	size_t n = 0;
	FILE *out;

	(void)state;
	unpack(&f);
	assert_int_equal(verify_new(&v, &c), 0);
	assert_int_equal(verify_run(v, &f), 0);
	out = open_memstream(&p, &n);
	assert_non_null(out);
	verify_print(out, v, "x");
	verify_print_json(out, v, "a\"b\\c\n");
	fclose(out);
	assert_non_null(strstr(p, "Kết quả: ĐẠT"));
	assert_non_null(strstr(p, "Thiết bị không giữ chứng thư nào"));
	assert_non_null(strstr(p, "{\"bundle\":\"a\\\"b\\\\c\\u000a\","
	    "\"result\":\"ok\",\"wrong\":[],"));
	assert_non_null(strstr(p, "\"as_of\":{\"state\":\"-\",\"held\":null"));
	free(p);
	verify_free(v);
	files_fini(&f);
}

static void
test_reasons(void **state)
{
	(void)state;
	assert_int_equal(verify_reason("keyCompromise"), 1);
	assert_int_equal(verify_reason("-"), -1);
	assert_int_equal(verify_reason(""), -2);
	assert_int_equal(verify_reason("lost"), -2);
	assert_string_equal(verify_reason_name(6), "certificateHold");
	assert_string_equal(verify_reason_name(-1), "-");
	assert_string_equal(verify_reason_name(11), "-");
}

/* Cut at each place: refused, or wrong, and never otherwise. */
static void
test_cut(void **state)
{
	struct files f;
	size_t n;

	(void)state;
	for (n = 0; n < good.len; n += n < 600 ? 1 : 97) {
		memset(&f, 0, sizeof f);
		if (files_unpack(&f, good.data, n, NULL) == 0)
			assert_string_not_equal(verdict(&f, &plain), "ok");
		files_fini(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_as_of),
		cmocka_unit_test(test_disowned),
		cmocka_unit_test(test_disowned_twice),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
