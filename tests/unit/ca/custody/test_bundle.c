/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/custody/bundle.h"

static void
test_manifest(void **state)
{
	struct manifest m = { .list = NULL };
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	assert_int_equal(manifest_add_bytes(&m, "policy.tlog", "", 0), 0);
	assert_int_equal(manifest_add_bytes(&m, "events/000001.event", "abc",
	    3), 0);
	assert_int_equal(manifest_add_bytes(&m, "README.txt", "abc", 3), 0);
	assert_int_equal(manifest_add_bytes(&m, "../x", "", 0), CAMCA_EINVAL);
	assert_int_equal(manifest_text(&m, &text), 0);
	assert_string_equal(buf_str(&text),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	    "  README.txt\n"
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	    "  events/000001.event\n"
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	    "  policy.tlog\n");
	assert_int_equal(manifest_add_bytes(&m, "README.txt", "", 0), 0);
	assert_int_equal(manifest_text(&m, &text), CAMCA_ECONFLICT);
	manifest_fini(&m);
	buf_fini(&text);
}

static void
test_manifest_many(void **state)
{
	struct manifest m = { .list = NULL };
	uint8_t hash[32] = { 1 };
	char name[BUNDLE_NAME_MAX];
	struct buf text;
	int i;

	(void)state;
	buf_init(&text, 0);
	for (i = 1000; i > 0; i--) {
		snprintf(name, sizeof name, "events/%06d.event", i);
		assert_int_equal(manifest_add(&m, name, hash), 0);
	}
	assert_int_equal(manifest_text(&m, &text), 0);
	assert_int_equal(text.len, 1000 * (64 + 2 + 19 + 1));
	assert_non_null(strstr(buf_str(&text), "  events/000001.event\n"));
	manifest_fini(&m);
	buf_fini(&text);
}

/* The example key of C2SP signed-note, and one of a witness made of it. */
static void
vkey(char out[static 128], const char *name, enum note_alg alg)
{
	uint8_t raw[32] = { 7 };
	EVP_PKEY *pub = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    raw, sizeof raw);
	struct note_key k;
	struct buf text;

	buf_init(&text, 0);
	assert_int_equal(note_key_make(&k, name, alg, pub), 0);
	assert_int_equal(note_key_text(&k, &text), 0);
	snprintf(out, 128, "%s", buf_str(&text));
	buf_fini(&text);
	note_key_fini(&k);
	EVP_PKEY_free(pub);
}

static void
test_policy(void **state)
{
	char log[128], witness[128], text[1024], want[1024];
	struct buf out;

	(void)state;
	vkey(log, "log.example", NOTE_ED25519);
	vkey(witness, "witness.example", NOTE_COSIG_ED25519);
	buf_init(&out, 0);
	assert_int_equal(bundle_policy(log, NULL, 0, &out), 0);
	snprintf(want, sizeof want, "log %s\nquorum none\n", log);
	assert_string_equal(buf_str(&out), want);

	buf_reset(&out);
	snprintf(text, sizeof text, "# remark\n\nlog %s http://a\n"
	    "  witness w %s   https://w/\ngroup g  1\tw\nquorum g", log,
	    witness);
	assert_int_equal(bundle_policy(log, text, strlen(text), &out), 0);
	snprintf(want, sizeof want, "log %s\nwitness w %s\ngroup g 1 w\n"
	    "quorum g\n", log, witness);
	assert_string_equal(buf_str(&out), want);

	buf_reset(&out);
	assert_int_equal(bundle_policy(log, "quorum nobody\n", 14, &out),
	    CAMCA_EINVAL);
	buf_fini(&out);
}

static const char note_text[] = "log.example\n1\n"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

/* A line by a key of this name: its id, and bytes that sign nothing. */
static void
line(struct buf *out, const char *text)
{
	struct note_key k;
	uint8_t sig[64] = { 9 };

	assert_int_equal(note_key_parse(&k, text, strlen(text), NULL), 0);
	assert_int_equal(note_line(&k, 1, sig, sizeof sig, out), 0);
	note_key_fini(&k);
}

/* Lines of those that the policy does not name are left out. */
static void
test_checkpoint(void **state)
{
	char log[128], stranger[128], policy[256];
	struct tlog_policy *p = NULL;
	struct buf note, out, want;

	(void)state;
	vkey(log, "log.example", NOTE_ED25519);
	vkey(stranger, "stranger.example", NOTE_COSIG_ED25519);
	buf_init(&note, 0);
	buf_init(&out, 0);
	buf_init(&want, 0);
	snprintf(policy, sizeof policy, "log %s\nquorum none\n", log);
	assert_int_equal(tlog_policy_parse(&p, policy, strlen(policy), NULL),
	    0);
	assert_int_equal(buf_printf(&note, "%s\n", note_text), 0);
	line(&note, stranger);
	line(&note, log);
	line(&note, stranger);
	assert_int_equal(buf_printf(&want, "%s\n", note_text), 0);
	line(&want, log);
	assert_int_equal(bundle_checkpoint(p, note.data, note.len, &out), 0);
	assert_string_equal(buf_str(&out), buf_str(&want));
	assert_int_equal(bundle_checkpoint(p, note.data, note.len - 1, &out),
	    CAMCA_EINVAL);
	tlog_policy_free(p);
	buf_fini(&note);
	buf_fini(&out);
	buf_fini(&want);
}

static void
test_readme(void **state)
{
	static const struct bundle_about about = { "cam-1", "a.example/log",
	    7, 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(bundle_readme(&about, &out), 0);
	assert_non_null(strstr(buf_str(&out), "cam-1"));
	assert_non_null(strstr(buf_str(&out), "a.example/log"));
	assert_non_null(strstr(buf_str(&out), "\n    # begin\n"));
	assert_non_null(strstr(buf_str(&out), "\n    # end\n"));
	assert_non_null(strstr(buf_str(&out), "\npackage main\n"));
	assert_true(out.len < bundle_kind_max(BUNDLE_README));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_manifest_many),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_readme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
