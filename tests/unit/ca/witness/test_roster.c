/* SPDX-License-Identifier: Apache-2.0 */
/* The list of logs, the key, and what a cut write leaves. */
#include "tests/unit/ca/witness/fixture.h"

static int
read_logs(struct fix *f, const char *text, struct refusal *why)
{
	struct roster *r = NULL;
	int ret;

	fix_file(f, ROSTER_FILE, text, strlen(text));
	memset(why, 0, sizeof *why);
	ret = roster_open(&r, f->dir, &f->own, why);
	roster_close(r);
	return ret;
}

static void
test_logs(void **state)
{
	struct fix *f = *state;
	struct refusal why;
	struct roster_log *log = roster_find(f->roster, "log.test");
	char path[200];

	assert_non_null(log);
	assert_int_equal(log->nkeys, 1);
	assert_ptr_equal(roster_by_hex(f->roster, log->hex, 64), log);
	assert_null(roster_find(f->roster, "log.tes"));
	assert_int_equal(read_logs(f, "", &why), 0);
	assert_int_equal(read_logs(f, "# a\n\n#b", &why), 0);
	assert_int_equal(read_logs(f, "# a\nnonsense\n", &why),
	    CAMCA_EINVAL);
	assert_non_null(strstr(why.detail, "logs:2:"));
	snprintf(path, sizeof path, "%s/" ROSTER_FILE, f->dir);
	unlink(path);
	memset(&why, 0, sizeof why);
	assert_int_equal(roster_open(&f->roster, f->dir, &f->own, &why),
	    CAMCA_ENOENT);
	assert_string_equal(why.code, "witness.logs");
}

/* The key of a witness is none of a log, and a log has few. */
static void
test_logs_refused(void **state)
{
	struct fix *f = *state;
	struct signer_key k[ROSTER_KEYS_MAX + 1];
	struct refusal why;
	struct buf b;
	size_t i;

	buf_init(&b, 0);
	assert_int_equal(note_key_text(&f->own.key, &b), 0);
	assert_int_equal(read_logs(f, buf_str(&b), &why), CAMCA_EINVAL);
	buf_reset(&b);
	for (i = 0; i <= ROSTER_KEYS_MAX; i++) {
		key_new(&k[i], "many.test", NOTE_ED25519);
		assert_int_equal(note_key_text(&k[i].pub, &b), 0);
		assert_int_equal(buf_putc(&b, '\n'), 0);
	}
	assert_int_equal(read_logs(f, buf_str(&b), &why), CAMCA_ELIMIT);
	for (i = 0; i <= ROSTER_KEYS_MAX; i++)
		key_free(&k[i]);
	buf_fini(&b);
}

static void
test_sweep(void **state)
{
	struct fix *f = *state;
	char name[200], path[300];
	const char *hex = f->roster->logs[0]->hex;

	snprintf(name, sizeof name, "state/%s.Ab3xYz", hex);
	fix_file(f, name, "half", 4);
	fix_file(f, "state/other.Ab3xYz", "x", 1);
	assert_int_equal(fix_add(f, &f->log, 'a', 0, 0, 5), 200);
	roster_sweep(f->dir);
	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	assert_false(file_exists(path));
	snprintf(path, sizeof path, "%s/state/other.Ab3xYz", f->dir);
	assert_true(file_exists(path));
	snprintf(path, sizeof path, "%s/state/%s", f->dir, hex);
	assert_true(file_exists(path));
}

/* A record of another log, or signed by another witness, is damage. */
static void
test_foreign_record(void **state)
{
	struct fix *f = *state;
	const struct signer_key *keys[2] = { &f->log, &f->stranger };
	char name[200], path[300];
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(fix_add(f, &f->log, 'a', 0, 0, 5), 200);
	snprintf(path, sizeof path, "%s/state/%s", f->dir,
	    f->roster->logs[0]->hex);
	assert_int_equal(file_read(path, 10000, &b), 0);
	fix_logs(f, keys, 2);
	fix_open(f);
	snprintf(name, sizeof name, "state/%s", f->roster->logs[1]->hex);
	fix_file(f, name, b.data, b.len);
	fix_open(f);
	assert_true(f->roster->logs[1]->damaged);
	assert_false(f->roster->logs[0]->damaged);
	assert_int_equal(fix_add(f, &f->stranger, 'a', 0, 0, 5), 500);
	snprintf(path, sizeof path, "%s/witness.key", f->dir);
	unlink(path);
	cosigner_fini(&f->own);
	assert_int_equal(cosigner_make(f->dir, "w.test", NULL), 0);
	assert_int_equal(cosigner_open(&f->own, f->dir, NULL), 0);
	fix_open(f);
	assert_true(f->roster->logs[0]->damaged);
	buf_fini(&b);
}

static void
test_key(void **state)
{
	struct fix *f = *state;
	struct cosigner c;
	struct refusal why = { 0 };
	char path[200];

	assert_int_equal(cosigner_make(f->dir, "w.test", &why),
	    CAMCA_ECONFLICT);
	assert_int_equal(cosigner_make(f->dir, "a b", &why), CAMCA_EINVAL);
	assert_int_equal(cosigner_make(f->dir, "a+b", &why), CAMCA_EINVAL);
	assert_int_equal(cosigner_make(f->dir, "", &why), CAMCA_EINVAL);
	snprintf(path, sizeof path, "%s/witness.key", f->dir);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(cosigner_open(&c, f->dir, &why), CAMCA_EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(cosigner_open(&c, f->dir, NULL), 0);
	cosigner_fini(&c);
	/* Another key's vkey. */
	fix_file(f, "witness.vkey", "x\n", 2);
	assert_int_equal(cosigner_open(&c, f->dir, &why), CAMCA_EINVAL);
	fix_file(f, "witness.key", "x\n", 2);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(cosigner_open(&c, f->dir, &why), CAMCA_EINVAL);
	unlink(path);
	assert_int_equal(cosigner_open(&c, f->dir, &why), CAMCA_ENOENT);
}

#define FIX(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX(test_logs),
		FIX(test_logs_refused),
		FIX(test_sweep),
		FIX(test_foreign_record),
		FIX(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
