/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/store/store_job.h"
#include "ca/store/store_vault.h"

static int
reached(const struct reach_row *r, void *arg)
{
	*(int64_t *)arg += r->https_port;
	return 0;
}

static void
test_reach(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t a = fix_device(tx, "cam-1"), b = fix_device(tx, "cam-2");
	struct reach_row r = { .device = a, .driver = "onvif",
	    .host = "192.0.2.1", .http_port = 80, .https_port = 443 }, got;
	uint8_t leaf[STORE_HASH_LEN] = { 9 };
	int64_t sum = 0;

	assert_int_equal(store_reach_get(tx, a, &got), CAMCA_ENOENT);
	assert_int_equal(store_reach_leaf(tx, a, leaf, 5), CAMCA_ENOENT);
	assert_int_equal(store_reach_put(tx, &r), 0);
	assert_int_equal(store_reach_leaf(tx, a, leaf, 5), 0);
	assert_int_equal(store_reach_get(tx, a, &got), 0);
	assert_memory_equal(got.tls_sha256, leaf, sizeof leaf);
	assert_int_equal(got.updated_ms, 5);
	r.https_port = 8443;
	assert_int_equal(store_reach_put(tx, &r), 0);
	r.device = b;
	assert_int_equal(store_reach_put(tx, &r), 0);
	assert_int_equal(store_reach_list(tx, 0, 9, reached, &sum), 0);
	assert_int_equal(sum, 2 * 8443);
	r.device = b + 1;
	assert_int_equal(store_reach_put(tx, &r), CAMCA_ENOENT);
	r.device = b;
	r.https_port = 65536;
	assert_int_equal(store_reach_put(tx, &r), CAMCA_EINVAL);
	r.https_port = 0;
	r.host[0] = '\0';
	assert_int_equal(store_reach_put(tx, &r), CAMCA_EINVAL);
}

static int
sealed(const struct agent_sealed_row *r, void *arg)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 100 - n, "%s%lld", n > 0 ? " " : "",
	    (long long)r->secret);
	return 0;
}

static int64_t
secret(struct tx *tx, int64_t account, enum vault_state in, uint8_t n)
{
	uint8_t bytes[4] = { n };
	struct vault_secret s = { .account = account, .state = (int64_t)in,
	    .sealed = { bytes, sizeof bytes }, .changed_ms = n };

	memset(s.uid, n, sizeof s.uid);
	assert_int_equal(store_vault_secret_insert(tx, &s), 0);
	return s.id;
}

static int
due(const struct due_account_row *r, void *arg)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 100 - n, "%s%s", n > 0 ? " " : "", r->username);
	return 0;
}

static void
test_agents(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t cam = fix_device(tx, "cam-1"), ra = fix_device(tx, "ra-1"),
	    other = fix_device(tx, "ra-2");
	struct agent_row a;
	struct vault_account acc = { .device = cam, .username = "svc",
	    .role = ACCOUNT_SERVICE, .level = "Administrator" }, glass;
	struct agent_sealed_row s = { .agent = ra, .device = cam };
	char text[100] = "";
	int64_t old;

	assert_int_equal(store_agent_get(tx, ra, &a), 0);
	assert_int_equal(a.seen_ms, 0);
	a.seen_ms = 7;
	snprintf(a.version, sizeof a.version, "0.1.0");
	assert_int_equal(store_agent_put(tx, &a), 0);
	assert_int_equal(store_agent_get(tx, ra, &a), 0);
	assert_string_equal(a.version, "0.1.0");
	assert_int_equal(store_vault_account_insert(tx, &acc), 0);
	s.account = acc.id;
	old = s.secret = secret(tx, acc.id, VAULT_OLD, 1);
	assert_int_equal(store_agent_sealed_put(tx, &s), 0);
	s.secret = secret(tx, acc.id, VAULT_CURRENT, 2);
	assert_int_equal(store_agent_sealed_put(tx, &s), 0);
	assert_int_equal(store_agent_sealed_put(tx, &s), 0);
	/* What is old opens nothing any more. */
	assert_int_equal(store_agent_sealed_list(tx, ra, sealed, text), 0);
	assert_true(atoi(text) > old);
	assert_null(strchr(text, ' '));
	/* Whoever had it: it is forgotten, and nothing else. */
	s.agent = other;
	a.device = other;
	assert_int_equal(store_agent_put(tx, &a), 0);
	assert_int_equal(store_agent_sealed_put(tx, &s), 0);
	assert_int_equal(store_agent_sealed_drop(tx, old), 0);
	text[0] = '\0';
	assert_int_equal(store_agent_sealed_list(tx, other, sealed, text), 0);
	assert_true(atoi(text) > old);
	assert_int_equal(store_agent_sealed_drop(tx, s.secret), 0);
	text[0] = '\0';
	assert_int_equal(store_agent_sealed_list(tx, other, sealed, text), 0);
	assert_int_equal(store_agent_sealed_list(tx, ra, sealed, text), 0);
	assert_string_equal(text, "");
	/* Due: current ones that are old enough, but for emergencies. */
	glass = acc;
	glass.role = ACCOUNT_BREAK_GLASS;
	snprintf(glass.username, sizeof glass.username, "glass");
	assert_int_equal(store_vault_account_insert(tx, &glass), 0);
	secret(tx, glass.id, VAULT_CURRENT, 1 + 2);
	text[0] = '\0';
	assert_int_equal(store_due_accounts(tx, cam, 1, due, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(store_due_accounts(tx, cam, 9, due, text), 0);
	assert_string_equal(text, "svc");
}

static void
test_observation(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), two = fix_device(tx, "cam-2");
	uint8_t body[] = "{}", spki[STORE_HASH_LEN] = { 4 };
	struct observation_row r = { .device = dev, .time_ms = 3,
	    .findings = "camera.fallback:00000000",
	    .body = { body, 2 } }, got;
	int64_t other;
	bool fresh;

	assert_int_equal(store_observation_get(tx, dev, &got), CAMCA_ENOENT);
	assert_int_equal(store_observation_put(tx, &r), 0);
	r.time_ms = 4;
	assert_int_equal(store_observation_put(tx, &r), 0);
	assert_int_equal(store_observation_get(tx, dev, &got), 0);
	assert_int_equal(got.time_ms, 4);
	assert_int_equal(got.body.n, 2);
	store_observation_free(&got);
	r.body.n = STORE_OBSERVATION_MAX + 1;
	assert_int_equal(store_observation_put(tx, &r), CAMCA_EINVAL);
	assert_int_equal(store_camera_key_put(tx, spki, dev, 1, &other,
	    &fresh), 0);
	assert_true(fresh);
	assert_int_equal(other, 0);
	assert_int_equal(store_camera_key_put(tx, spki, dev, 2, &other,
	    &fresh), 0);
	assert_false(fresh);
	assert_int_equal(store_camera_key_put(tx, spki, two, 3, &other,
	    &fresh), 0);
	assert_true(fresh);
	assert_int_equal(other, dev);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(test_reach), T(test_agents), T(test_observation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
