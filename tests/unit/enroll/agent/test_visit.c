/* SPDX-License-Identifier: Apache-2.0 */
/* A visit with a camera and a camcad that are played here: rotation in every
 * way a camera answers, the budget, a lease that ends, a stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/enroll/agent/visit_world.h"

static void
test_rotates(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
	assert_string_equal(w.end, "success");
	assert_string_equal(w.cam.users[0].password, "New-Password-1");
	assert_int_equal(w.confirmed[1], 1);
	assert_int_equal(w.cam.failed, 1);
	safe(&w);
}

/* The visit before had set it and died: nothing is set again. */
static void
test_resumes(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "New-Password-1" };
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
	assert_int_equal(w.cam.sets, 0);
	assert_int_equal(w.confirmed[1], 1);
	assert_int_equal(w.cam.failed, 1);
	safe(&w);
}

static void
test_lost_answers(void **state)
{
	struct world w;
	int after;

	(void)state;
	for (after = 0; after < 2; after++) {
		begin(&w);
		w.cam.loses_after = after;
		w.cam.loses_before = !after;
		assert_int_equal(visit(&w, job_new()), END_SUCCESS);
		assert_string_equal(w.cam.users[0].password,
		    "New-Password-1");
		assert_int_equal(w.cam.sets, after ? 1 : 2);
		safe(&w);
	}
}

static void
test_late(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.late_ms = 2500;
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
	assert_int_equal(w.cam.failed, 1);
	safe(&w);
}

static void
test_ignored(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.ignores = true;
	assert_int_equal(visit(&w, job_new()), END_FAILED);
	assert_string_equal(w.code[w.n - 1], "camera.password-ignored");
	assert_int_equal(w.confirmed[1], 0);
	assert_int_equal(w.cam.failed, 0);
	safe(&w);
}

/* No password that the vault has: told, parked, within the budget. */
static void
test_unknown(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "Else" };
	w.cam.users[1] = (struct user){ "camca-svc", "Else" };
	assert_int_equal(visit(&w, job_new()), END_PARKED);
	assert_string_equal(w.code[w.n - 1], "camera.password-unknown");
	assert_non_null(strstr(w.all, "\"tried\""));
	assert_int_equal(w.cam.sets, 0);
	assert_true(w.cam.failed <= 3);
}

/* Earlier visits have used a part of the budget: what is left is used to get
 * in, and the report says how much it took and what was not tried. */
static void
test_less_budget(void **state)
{
	struct agent_job *j = job_new();
	struct world w;

	(void)state;
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "New-Password-1" };
	j->options.login_budget = 2;
	j->accounts_count = 1;
	assert_int_equal(visit(&w, j), END_SUCCESS);
	assert_int_equal(w.cam.failed, 1);
	assert_non_null(strstr(w.all, "\"failed\":1"));
	safe(&w);
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "Else" };
	w.cam.users[1] = (struct user){ "camca-svc", "Else" };
	j = job_new();
	j->options.login_budget = 2;
	assert_int_equal(visit(&w, j), END_PARKED);
	assert_int_equal(w.cam.failed, 2);
	assert_non_null(strstr(w.all, "not tried: admin"));
	assert_non_null(strstr(w.all, "\"failed\":2"));
}

/* Too weak, and no simpler one is to be had: nothing has changed. */
static void
test_weak(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.weak = 99;
	assert_int_equal(visit(&w, job_new()), END_FAILED);
	assert_true(w.secrets > 0);
	assert_string_equal(w.cam.users[0].password, "Old-Password-1");
	safe(&w);
}

/* "go": false, after each number of reports: nothing more is told or done. */
static void
test_cancelled(void **state)
{
	struct world w;
	int n;

	(void)state;
	for (n = 0; n < 6; n++) {
		begin(&w);
		w.go_until = n;
		(void)visit(&w, job_new());
		assert_int_equal(w.n, n + 1);
		if (n < 3)
			assert_int_equal(w.cam.sets, 0);
		safe(&w);
	}
}

/* A gate that is away for longer than the lease: the camera is left alone. */
static void
test_lease_ends(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.gate_down = true;
	assert_int_equal(visit(&w, job_new()), END_NOT_YET);
	assert_true(w.now >= 120000);
	assert_int_equal(w.cam.sets, 0);
	safe(&w);
}

/* It stood still for longer than its lease: the job may have been given to
 * somebody again, so nothing more is asked, changed or told. */
static void
test_stands_still(void **state)
{
	struct world w;
	size_t told;

	(void)state;
	begin(&w);
	(void)visit(&w, job_new());
	for (told = 0; strcmp(w.step[told], "observe") != 0; told++)
		;
	begin(&w);
	w.stall_ms = 120000;
	assert_int_equal(visit(&w, job_new()), END_NOT_YET);
	assert_int_equal(w.n, told);
	assert_int_equal(w.cam.sets, 0);
	safe(&w);
	/* All that is told names the attempt. */
	assert_non_null(strstr(w.all, "\"attempt\":1"));
	begin(&w);
	w.stall_ms = 100000;
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
}

/* A report that camcad does not take, for what the camera said: the job ends
 * with that at once, instead of being tried again and again in vain. */
static void
test_refused(void **state)
{
	static const int https[] = { 0, 400, 413, 403, 404 };
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof https / sizeof https[0]; i++) {
		begin(&w);
		w.refused = "observe";
		w.refused_http = https[i];
		assert_int_equal(visit(&w, job_new()), END_NOT_YET);
		assert_int_equal(w.cam.sets, 0);
		safe(&w);
		if (i > 2) {
			assert_string_equal(w.step[w.n - 1], "observe");
			assert_string_equal(w.end, "");
			continue;
		}
		assert_string_equal(w.code[w.n - 1], "agent.report");
		assert_string_equal(w.step[w.n - 1], "observe");
		assert_string_equal(w.end, "failed");
		assert_non_null(strstr(w.all, i == 0 ? "too large" :
		    "Not this? one."));
	}
}

/* Told to stop in the middle of a change: it is proven and told first. */
static void
test_stops(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.stopping = true;
	assert_int_equal(visit(&w, job_new()), END_NOT_YET);
	assert_string_equal(w.code[w.n - 1], "agent.stopped");
	assert_int_equal(w.cam.sets, 0);
	safe(&w);
	begin(&w);
	w.cam.late_ms = 1;
	w.stop_at_password = true;
	(void)visit(&w, job_new());
	assert_true(w.cam.sets == 0 || w.confirmed[1] == 1);
	safe(&w);
}

/* Somebody else's camera at this address, and somebody else's certificate. */
static void
test_strangers(void **state)
{
	struct agent_job *j = job_new();
	struct world w;

	(void)state;
	begin(&w);
	snprintf(j->device.serial, sizeof j->device.serial, "S 2");
	assert_int_equal(visit(&w, j), END_PARKED);
	assert_string_equal(w.code[w.n - 1], "camera.identity");
	assert_int_equal(w.cam.sets, 0);
	begin(&w);
	j = job_new();
	memset(j->reach.leaf, 0xbb, 32);
	assert_int_equal(visit(&w, j), END_PARKED);
	assert_string_equal(w.code[w.n - 1], "camera.fallback");
	/* The next visit must not believe it either. */
	assert_null(strstr(w.all, "\"serial\""));
	assert_int_equal(w.cam.failed, 0);
}

/* Whoever keeps the agent from TLS gets no login in clear, unless nobody has
 * ever seen TLS there. */
static void
test_downgrade(void **state)
{
	struct agent_job *j;
	struct world w;
	int known;

	(void)state;
	for (known = 0; known < 2; known++) {
		begin(&w);
		w.cam.no_tls = true;
		w.go_until = 0;
		j = job_new();
		j->kind = JOB_ENROLL;
		j->reach.http_port = 80;
		j->reach.has_leaf = known;
		(void)visit(&w, j);
		if (known) {
			assert_string_equal(w.code[w.n - 1], "camera.tls-off");
			assert_string_equal(w.end, "parked");
		}
		assert_true(known == (w.cam.logins == 0));
	}
}

/* issuer NULL: signed by itself. */
static X509 *
certificate(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *e;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, issuer != NULL ?
	    X509_get_subject_name(issuer) : name);
	X509_set_pubkey(x, key);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
	    issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, by, EVP_sha256()) > 0);
	return x;
}

/* A certificate of ours for this very camera, revoked since, in the hands of
 * whoever stole its key: it is not on the list of those that count. */
static void
test_revoked_leaf(void **state)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = certificate("Issuer", ca_key, NULL, ca_key);
	X509 *leaf = certificate("cam-1", key, ca, ca_key);
	struct agent_job *j;
	struct world w;
	int good;

	(void)state;
	for (good = 0; good < 2; good++) {
		begin(&w);
		w.cam.leaf = leaf;
		j = job_new();
		j->reach.has_leaf = false;
		j->trust = sk_X509_new_null();
		X509_up_ref(ca);
		sk_X509_push(j->trust, ca);
		j->has_issued = true;
		j->issued_count = 2;
		memset(j->issued[0], 0xbb, 32);
		memset(j->issued[1], good ? 0xaa : 0xab, 32);
		assert_int_equal(visit(&w, j), good ? END_SUCCESS :
		    END_PARKED);
		if (!good) {
			assert_string_equal(w.code[w.n - 1],
			    "camera.fallback");
			assert_int_equal(w.cam.logins, 0);
		}
	}
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
}

/* Its video as well: in step, late, kept apart, without a login, away. */
static void
test_video(void **state)
{
	static const struct {
		const char *video, *surface, *code;
		bool late, open;
		enum cam_trouble trouble;
		enum job_end end;
		unsigned failed;
		uint16_t port;
	} cases[] = {
		{ "", "rtsp:/s1", "", false, false, 0, END_SUCCESS, 1, 8554 },
		{ "", "rtsp:99/s1", "", false, false, 0, END_SUCCESS, 1, 99 },
		{ "Old-Password-1", "rtsp:/s1", "", true, false, 0,
		    END_SUCCESS, 2, 8554 },
		{ "Old-Password-1", "rtsp:/s1", "camera.password-onvif-only",
		    false, false, 0, END_FAILED, 3, 8554 },
		{ "Else", "rtsp:/s1", "camera.password-onvif-only", false,
		    false, 0, END_FAILED, 3, 8554 },
		{ "", "rtsp:/s1", "", false, true, 0, END_SUCCESS, 1, 8554 },
		{ "", "rtsp:/s1", "camera.timeout", false, false, CAM_TIMEOUT,
		    END_FAILED, 1, 8554 },
		{ "", "rtsp:s1", "agent.surface", false, false, 0,
		    END_FAILED, 1, 0 },
	};
	struct agent_job *j;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&w);
		w.cam.video_late = cases[i].late;
		w.cam.video_open = cases[i].open;
		w.cam.video_trouble = cases[i].trouble;
		snprintf(w.cam.video, sizeof w.cam.video, "%s",
		    cases[i].video);
		j = job_new();
		snprintf(j->options.surface[j->options.surfaces++],
		    AGENT_PATH_MAX, "%s", cases[i].surface);
		assert_int_equal(visit(&w, j), cases[i].end);
		assert_string_equal(w.code[w.n - 1], cases[i].code);
		assert_int_equal(w.cam.failed, cases[i].failed);
		assert_int_equal(w.cam.asked_port, cases[i].port);
		/* Whatever the video has, ONVIF's is proven and told. */
		assert_string_equal(w.cam.users[0].password,
		    "New-Password-1");
		assert_int_equal(w.confirmed[1], 1);
		safe(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotates),
		cmocka_unit_test(test_resumes),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_less_budget),
		cmocka_unit_test(test_weak),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_lease_ends),
		cmocka_unit_test(test_stands_still),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_downgrade),
		cmocka_unit_test(test_revoked_leaf),
		cmocka_unit_test(test_video),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
