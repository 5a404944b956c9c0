/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/custody/sign_fixture.h"

/* A log begins with the empty tree; then what has happened, in one. */
static void
test_first(void **state)
{
	struct sign_fix *x = *state;
	struct signer_state st;
	struct sign_look l;
	struct buf keys;

	sign_grow(x, 3);
	sign_start(x);
	sign_now(x);
	l = sign_look(x);
	assert_true(l.n >= 2);
	assert_int_equal(l.sizes[0], 0);
	assert_true(l.cp.size >= 3);
	assert_int_equal(l.number, 1);
	assert_string_equal(l.cp.origin, ORIGIN);
	signer_state(x->s, &st);
	assert_string_equal(st.origin, ORIGIN);
	assert_int_equal(st.size, l.cp.size);
	assert_int_equal(st.failed, 0);
	assert_int_equal(st.signed_ms, FIX_NOW_MS);
	assert_int_equal(__atomic_load_n(&x->calls, __ATOMIC_RELAXED), l.n);
	buf_init(&keys, 4096);
	assert_int_equal(signer_vkeys(x->s, &keys), 0);
	assert_non_null(strstr(buf_str(&keys), ORIGIN "+"));
	assert_non_null(strchr(buf_str(&keys), '\n'));
	buf_fini(&keys);
	/* Each key is on record once, however often it starts. */
	sign_stop(x);
	sign_start(x);
	sign_append(x);
	sign_now(x);
	assert_int_equal(sign_count(x, "custody.key"), 2);
	assert_int_equal(sign_count(x, "custody.halted"), 0);
}

/* The empty log, too, has one. */
static void
test_empty(void **state)
{
	struct sign_fix *x = *state;
	struct sign_look l;

	sign_start(x);
	assert_int_equal(signer_now(x->s, 0, 5000, NULL), 0);
	l = sign_look(x);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.cp.size, 0);
}

/* Asked for events that the sequencer has not taken yet: not before it has. */
static void
test_waits(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_events(x, 2);
	assert_int_equal(signer_now(x->s, -1, 20, &why), CAMCA_ETIME);
	assert_string_equal(why.code, "custody.behind");
	assert_int_equal(why.http, 503);
	assert_int_equal(why.retry_after_s, 1);
	sign_append(x);
	assert_int_equal(signer_now(x->s, -1, 5000, &why), 0);
	assert_int_equal(sign_look(x).cp.size, sign_size(x));
	/* Nothing new: no second signature. */
	assert_int_equal(signer_now(x->s, -1, 5000, &why), 0);
	assert_int_equal(signer_now(NULL, 0, 0, &why), CAMCA_EBUSY);
}

static int
count_lines(const struct buf *note)
{
	const char *p = buf_str(note);
	int n = 0;

	while ((p = strstr(p, "\n\xe2\x80\x94 ")) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* Both lines are asked for; a token that makes one of them, too, will do where
 * the settings say so. */
static void
test_lines(void **state)
{
	struct sign_fix *x = *state;
	struct signer_conf conf = sign_conf(x);
	struct buf note;

	conf.algs = ORIGIN_ALG(NOTE_ECDSA);
	assert_int_equal(signer_start(&x->s, &conf), 0);
	sign_now(x);
	buf_init(&note, SIGNER_FILE_MAX);
	assert_int_equal(signer_file(x->dir, &note), 0);
	assert_int_equal(count_lines(&note), 1);
	assert_int_equal(sign_count(x, "custody.key"), 1);
	/* Ed25519 beside it later: the key is made, the log goes on. */
	sign_stop(x);
	sign_start(x);
	sign_append(x);
	sign_grow(x, 1);
	sign_now(x);
	buf_reset(&note);
	assert_int_equal(signer_file(x->dir, &note), 0);
	assert_int_equal(count_lines(&note), 2);
	buf_fini(&note);
}

/* Killed between the file and the store: what is in the file is stored first.
 */
static void
test_between(void **state)
{
	struct sign_fix *x = *state;
	struct sign_look before, after;
	struct buf a, b;

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 10);
	sign_backup(x, false);
	sign_now(x);
	before = sign_look(x);
	buf_init(&a, SIGNER_FILE_MAX);
	buf_init(&b, SIGNER_FILE_MAX);
	assert_int_equal(signer_file(x->dir, &a), 0);
	sign_backup(x, true);
	sign_grow(x, 5);
	sign_now(x);
	after = sign_look(x);
	assert_true(after.cp.size > before.cp.size);
	assert_int_equal(after.sizes[after.n - 2], before.cp.size);
	assert_int_equal(sign_count(x, "custody.halted"), 0);
	/* Its very bytes. */
	assert_int_equal(signer_file(x->dir, &b), 0);
	assert_true(b.len != a.len || memcmp(a.data, b.data, a.len) != 0);
	buf_fini(&a);
	buf_fini(&b);
}

/* A backup was put back and the log went on: it would sign two histories. */
static void
test_restored(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };
	struct sign_look l;
	int64_t old;

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 10);
	sign_now(x);
	sign_backup(x, false);
	sign_grow(x, 10);
	sign_now(x);
	old = sign_look(x).cp.size;
	sign_backup(x, true);
	assert_int_equal(signer_fork(x->s, "uid:0", "early", 0, &why), 0);
	assert_int_equal(signer_fork(x->s, "uid:0", "again", 0, &why),
	    CAMCA_ECONFLICT);
	assert_string_equal(why.code, "custody.no-fork");
	/* Not before the decision itself is in the tree. */
	sign_append(x);
	sign_now(x);
	l = sign_look(x);
	assert_string_equal(l.cp.origin, ORIGIN "/2");
	assert_int_equal(l.number, 2);
	assert_int_equal(l.cp.size, sign_size(x));
	assert_int_equal(sign_count(x, "custody.forked"), 1);
	assert_true(l.cp.size < old);
	/* And on, over a start. */
	sign_stop(x);
	sign_start(x);
	sign_grow(x, 3);
	sign_now(x);
	assert_string_equal(sign_look(x).cp.origin, ORIGIN "/2");
	/* The copy from before the decision again: the number is not used
	 * twice. */
	sign_backup(x, true);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	assert_int_equal(signer_fork(x->s, "uid:0", "no", 2, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.number");
	assert_int_equal(signer_fork(x->s, "uid:0", "third", 0, &why), 0);
	sign_append(x);
	sign_now(x);
	assert_string_equal(sign_look(x).cp.origin, ORIGIN "/3");
}

/* Database and file are both put back. Somebody who remembers shows what was
 * signed: that counts, and nothing else does. */
static void
test_shown(void **state)
{
	struct sign_fix *x = *state;
	struct buf old, newer;
	size_t i;

	buf_init(&old, 0);
	buf_init(&newer, 0);
	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 10);
	sign_now(x);
	assert_int_equal(signer_file(x->dir, &old), 0);
	sign_backup(x, false);
	sign_grow(x, 10);
	sign_now(x);
	assert_int_equal(signer_file(x->dir, &newer), 0);
	sign_stop(x);
	sign_backup(x, true);
	assert_int_equal(file_replace(x->file, old.data, old.len, 0600), 0);
	sign_start(x);
	sign_grow(x, 1);
	sign_now(x);
	/* What the tree continues, and what is not signed as it stands. */
	signer_shown(NULL, "w", newer.data, newer.len);
	signer_shown(x->s, "w", old.data, old.len);
	signer_shown(x->s, "w", "", 0);
	for (i = 0; i < newer.len; i += 7) {
		newer.data[i] ^= 1;
		signer_shown(x->s, "w", newer.data, newer.len);
		newer.data[i] ^= 1;
		signer_shown(x->s, "w", newer.data, i);
	}
	sign_grow(x, 1);
	sign_now(x);
	signer_shown(x->s, "w", newer.data, newer.len);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	/* Past its size, too, and over a start. */
	sign_grow(x, 40);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	sign_stop(x);
	sign_start(x);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	assert_int_equal(signer_fork(x->s, "uid:0", "so it is", 0, NULL), 0);
	sign_append(x);
	sign_now(x);
	assert_string_equal(sign_look(x).cp.origin, ORIGIN "/2");
	/* Of the name that was closed: no news. */
	signer_shown(x->s, "w", newer.data, newer.len);
	sign_grow(x, 1);
	sign_now(x);
	buf_fini(&old);
	buf_fini(&newer);
}

/* It goes on with other entries, past the size that was signed. */
static void
test_overtaken(void **state)
{
	struct sign_fix *x = *state;

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 10);
	sign_now(x);
	sign_backup(x, false);
	sign_grow(x, 10);
	sign_now(x);
	sign_backup(x, true);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	sign_grow(x, 40);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	/* One alarm. */
	assert_int_equal(sign_count(x, "custody.halted"), 1);
}

static void
test_file_missing(void **state)
{
	struct sign_fix *x = *state;
	char away[400];

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 4);
	sign_now(x);
	snprintf(away, sizeof away, "%s.away", x->file);
	assert_int_equal(rename(x->file, away), 0);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	/* Over a start, too. */
	sign_stop(x);
	sign_start(x);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	/* The disk is back: it goes on by itself. */
	assert_int_equal(rename(away, x->file), 0);
	sign_now(x);
	/* Lost for good: a person decides. */
	assert_int_equal(unlink(x->file), 0);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	assert_int_equal(signer_fork(x->s, "uid:0", "disk is dead", 0, NULL),
	    0);
	sign_append(x);
	sign_now(x);
	assert_string_equal(sign_look(x).cp.origin, ORIGIN "/2");
	/* The lost one turns up: it is of the old name. */
	assert_int_equal(unlink(x->file), 0);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
}

/* All checkpoints gone from the database and the file with them: no new log, by
 * whichever trace there is, until a person decides. With the file there the
 * tree is proven to continue it. */
static void
test_all_gone(void **state)
{
	static const char none[] = "DELETE FROM log_checkpoint;";
	struct sign_fix *x = *state;
	struct sign_look l;

	sign_grow(x, 3);
	sign_start(x);
	sign_now(x);
	sign_grow(x, 3);
	sign_now(x);
	sign_backup(x, false);
	sign_sql(x, none);
	sign_start(x);
	sign_now(x);
	assert_true(sign_look(x).n < 3);
	sign_backup(x, true);
	sign_stop(x);
	assert_int_equal(unlink(x->file), 0);
	sign_sql(x, none);
	sign_start(x);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	/* Without the mark: what others were asked about. */
	sign_sql(x, "DELETE FROM meta WHERE key = 'custody.signed';"
	    "INSERT INTO log_witness VALUES ('w', 0, 5, 0, 'HTTP 404')");
	sign_start(x);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	sign_sql(x, "DELETE FROM log_witness; INSERT INTO log_timestamp"
	    " VALUES (3, 'tsa', x'30', 5)");
	sign_start(x);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
	assert_int_equal(signer_fork(x->s, "uid:0", "all is lost", 0, NULL),
	    0);
	sign_append(x);
	sign_now(x);
	l = sign_look(x);
	assert_string_equal(l.cp.origin, ORIGIN "/2");
	assert_int_equal(l.n, 1);
	/* The mark is back: the same again is found again. */
	sign_stop(x);
	assert_int_equal(unlink(x->file), 0);
	sign_sql(x, "DELETE FROM log_timestamp; DELETE FROM log_checkpoint;"
	    " DELETE FROM meta WHERE key IN ('custody.number', 'custody.past',"
	    " 'custody.from')");
	sign_start(x);
	sign_refused(x, CAMCA_EPOLICY, "custody.fork");
}

/* Whatever is done to the text of the file: no signature. */
static void
test_file_altered(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };
	struct buf good;
	size_t text;

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 4);
	sign_now(x);
	buf_init(&good, SIGNER_FILE_MAX);
	assert_int_equal(signer_file(x->dir, &good), 0);
	text = (size_t)(strstr(buf_str(&good), "\n\n") - buf_str(&good)) + 2;
	sign_grow(x, 1);
	for (size_t i = 0; i < text; i++) {
		good.data[i] ^= 1;
		assert_int_equal(file_replace(x->file, good.data, good.len,
		    0600), 0);
		assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why),
		    CAMCA_EPOLICY);
		assert_string_equal(why.code, "custody.fork");
		good.data[i] ^= 1;
	}
	for (size_t n = 0; n < text + 20; n += 7) {
		assert_int_equal(file_replace(x->file, good.data, n, 0600),
		    0);
		assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why),
		    CAMCA_EPOLICY);
	}
	assert_int_equal(truncate(x->file, 1 << 20), 0);
	assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why),
	    CAMCA_EPOLICY);
	assert_string_equal(why.code, "custody.fork");
	assert_int_equal(sign_count(x, "custody.halted"), 1);
	/* The first one, of size 0, is only older. */
	assert_int_equal(file_replace(x->file, good.data, good.len, 0600), 0);
	sign_now(x);
	buf_fini(&good);
}

/* Somebody else's checkpoint, by keys of its own, is not ours. */
static void
test_file_of_another(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 4);
	sign_now(x);
	sign_sql(x, "DELETE FROM meta WHERE key LIKE 'custody.%'");
	sign_sql(x, "DELETE FROM log_checkpoint");
	sign_start(x);
	assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why),
	    CAMCA_EPOLICY);
	assert_string_equal(why.code, "custody.fork");
}

/* Nowhere to write to: no checkpoint that only the database knows. */
static void
test_file_unwritable(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };
	char path[400];
	int64_t n;

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 1);
	sign_now(x);
	n = sign_look(x).n;
	sign_grow(x, 1);
	/* A folder in its place can be neither read nor replaced. */
	snprintf(path, sizeof path, "%s.away", x->file);
	assert_int_equal(rename(x->file, path), 0);
	assert_int_equal(mkdir(x->file, 0700), 0);
	assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why),
	    CAMCA_EIO);
	assert_string_equal(why.code, "custody.file");
	assert_int_equal(sign_look(x).n, n);
	assert_int_equal(rmdir(x->file), 0);
	assert_int_equal(rename(path, x->file), 0);
	sign_now(x);
	/* No event: it mends by itself. */
	assert_int_equal(sign_count(x, "custody.halted"), 0);
}

/* What a database administrator changes in tiles, head or checkpoints. */
static void
test_damaged(void **state)
{
	static const char *const sql[] = {
		"UPDATE log_tile SET data = zeroblob(length(data))"
		" WHERE id = 1",
		"UPDATE log_head SET edge = zeroblob(length(edge))",
		"UPDATE log_checkpoint SET root = zeroblob(32) WHERE size ="
		" (SELECT MAX(size) FROM log_checkpoint)",
		"UPDATE log_checkpoint SET note ="
		" CAST(CAST(note AS TEXT) || 'x' AS BLOB) WHERE size ="
		" (SELECT MAX(size) FROM log_checkpoint)",
	};
	struct sign_fix *x = *state;
	struct refusal why;

	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_grow(x, 300);
	sign_now(x);
	sign_grow(x, 30);
	sign_backup(x, false);
	for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
		sign_backup(x, true);
		sign_sql(x, sql[i]);
		sign_start(x);
		memset(&why, 0, sizeof why);
		assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why),
		    CAMCA_EPOLICY);
		assert_string_equal(why.code, "custody.damaged");
		/* Not a matter of a new name. */
		assert_int_equal(signer_fork(x->s, "uid:0", "no", 0, &why),
		    CAMCA_EPOLICY);
		assert_string_equal(why.code, "custody.damaged");
	}
	sign_backup(x, true);
	sign_now(x);
}

/* Without a token for it there are no checkpoints, and nothing else is wrong.
 */
static void
test_no_token(void **state)
{
	struct sign_fix *x = *state;
	struct signer_conf conf = sign_conf(x);
	struct refusal why = { 0 };
	struct signer_state st;

	conf.origin = "not a name";
	assert_int_equal(signer_start(&x->s, &conf), 0);
	assert_int_equal(signer_now(x->s, 0, 5000, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.origin");
	signer_state(x->s, &st);
	assert_int_equal(st.size, -1);
	assert_int_equal(st.failed, CAMCA_EINVAL);
	signer_state(NULL, &st);
	assert_int_equal(st.size, -1);
	assert_int_equal(signer_fork(NULL, "", "", 0, &why), CAMCA_EBUSY);
}

/* Files that a killed process has left beside it go. */
static void
test_sweep(void **state)
{
	struct sign_fix *x = *state;
	char path[400];

	assert_int_equal(file_mkdirs(x->dir, 0700), 0);
	snprintf(path, sizeof path, "%s.Ab12Cd", x->file);
	assert_int_equal(file_replace(path, "x", 1, 0600), 0);
	sign_start(x);
	sign_now(x);
	assert_false(file_exists(path));
	assert_true(file_exists(x->file));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SIGN_TEST(test_first),
		SIGN_TEST(test_empty),
		SIGN_TEST(test_waits),
		SIGN_TEST(test_lines),
		SIGN_TEST(test_between),
		SIGN_TEST(test_restored),
		SIGN_TEST(test_shown),
		SIGN_TEST(test_overtaken),
		SIGN_TEST(test_file_missing),
		SIGN_TEST(test_all_gone),
		SIGN_TEST(test_file_altered),
		SIGN_TEST(test_file_of_another),
		SIGN_TEST(test_file_unwritable),
		SIGN_TEST(test_damaged),
		SIGN_TEST(test_no_token),
		SIGN_TEST(test_sweep),
	};

	return cmocka_run_group_tests(tests, sign_group, fix_group_end);
}
