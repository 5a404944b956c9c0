/* SPDX-License-Identifier: Apache-2.0 */
/* The store from outside: opening, transactions from many threads, health, and
 * what a killed process leaves. */
#include "tests/unit/ca/store/fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define THREADS 8

struct env {
	struct fix f;
	struct store *s;
	int64_t ca, dev;
};

static struct store *
open_store(struct env *e, int readers, int queue)
{
	struct store_conf c = { e->f.path, readers, 64, queue,
	    &camca_ctx_system };
	struct refusal why = { 0 };

	assert_int_equal(store_open(&e->s, &c, true, &why), 0);
	return e->s;
}

static int
base_job(struct tx *tx, void *arg)
{
	uint8_t der[] = { 0x30, 0 };
	struct env *e = arg;
	struct site_row s = fix_site_row("hq");
	struct device_row d = fix_device_row("cam-1");
	struct issuer_row r = { .name = "ec", .generation = 1,
	    .cert = { der, sizeof der } };
	int err;

	if ((err = store_site_insert(tx, &s)) < 0 ||
	    (err = store_device_insert(tx, &d)) < 0 ||
	    (err = store_issuer_insert(tx, &r)) < 0)
		return err;
	e->dev = d.pk;
	e->ca = r.id;
	return 0;
}

static int
setup(void **state)
{
	struct env *e = calloc(1, sizeof *e);

	assert_non_null(e);
	log_setup("test", (enum log_level)0);
	fix_folder(&e->f);
	open_store(e, 4, 256);
	assert_int_equal(store_tx(e->s, DB_WRITE, base_job, e), 0);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct env *e = *state;

	store_close(e->s);
	fix_folder_remove(&e->f);
	free(e);
	return 0;
}

/* ---- one secret, many threads ---- */
struct racer {
	struct env *e;
	pthread_t thread;
	uint8_t key[STORE_HASH_LEN];
	int ret;
};

static int
secret_job(struct tx *tx, void *arg)
{
	struct env *e = arg;
	struct secret_row r = { .selector = "AAAA", .device = e->dev };

	return store_secret_insert(tx, &r);
}

static int
use_job(struct tx *tx, void *arg)
{
	struct racer *r = arg;

	return store_secret_use(tx, "AAAA", r->key, 5);
}

static void *
use_main(void *arg)
{
	struct racer *r = arg;

	r->ret = store_tx(r->e->s, DB_WRITE, use_job, r);
	return NULL;
}

static void
test_secret_race(void **state)
{
	struct racer r[THREADS];
	int i, won = 0;

	assert_int_equal(store_tx(((struct env *)*state)->s, DB_WRITE,
	    secret_job, *state), 0);
	for (i = 0; i < THREADS; i++) {
		memset(&r[i], 0, sizeof r[i]);
		r[i].e = *state;
		r[i].key[0] = (uint8_t)(i + 1);
		assert_int_equal(pthread_create(&r[i].thread, NULL, use_main,
		    &r[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(r[i].thread, NULL);
		assert_true(r[i].ret == 0 || r[i].ret == CAMCA_ECONFLICT);
		won += r[i].ret == 0;
	}
	assert_int_equal(won, 1);
}

/* ---- each change of a status gets a number of its own ---- */
#define CERTS 20

struct revoker {
	struct env *e;
	pthread_t thread;
	int first;
	int64_t id;
	int64_t seqs[CERTS];
	int err;
};

static int
revoke_job(struct tx *tx, void *arg)
{
	struct revoker *r = arg;
	uint8_t der[] = { 0x30 };
	struct cert_row c = { .issuer = r->e->ca, .device = r->e->dev,
	    .reason = -1, .der = { der, 1 } };
	int err;

	c.serial[0] = (uint8_t)(r->first >> 8);
	c.serial[1] = (uint8_t)r->first;
	if ((err = store_cert_insert(tx, &c)) < 0)
		return err;
	return fix_status(tx, c.id, CERT_REVOKED, 1, 5,
	    &r->seqs[r->first % CERTS]);
}

static void *
revoke_main(void *arg)
{
	struct revoker *r = arg;
	int i;

	for (i = 0; i < CERTS && r->err == 0; i++) {
		r->err = store_tx(r->e->s, DB_WRITE, revoke_job, r);
		r->first++;
	}
	return NULL;
}

static void
test_rev_seq_race(void **state)
{
	struct revoker *r = calloc(THREADS, sizeof *r);
	bool seen[THREADS * CERTS + 1] = { false };
	int i, k;

	assert_non_null(r);
	for (i = 0; i < THREADS; i++) {
		r[i].e = *state;
		r[i].first = i * CERTS;
		assert_int_equal(pthread_create(&r[i].thread, NULL,
		    revoke_main, &r[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(r[i].thread, NULL);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(r[i].err, 0);
		for (k = 0; k < CERTS; k++) {
			assert_in_range(r[i].seqs[k], 1, THREADS * CERTS);
			assert_false(seen[r[i].seqs[k]]);
			seen[r[i].seqs[k]] = true;
		}
	}
	free(r);
}

/* ---- a group: jobs queue up behind one that waits ---- */
struct gate {
	sem_t inside, go;
};

static int
gate_job(struct tx *tx, void *arg)
{
	struct gate *g = arg;

	(void)tx;
	sem_post(&g->inside);
	while (sem_wait(&g->go) != 0)
		;
	return 0;
}

struct call {
	struct store *s;
	pthread_t thread;
	int (*fn)(struct tx *, void *);
	void *arg;
	int ret;
};

static void *
call_main(void *arg)
{
	struct call *c = arg;

	c->ret = store_tx(c->s, DB_WRITE, c->fn, c->arg);
	return NULL;
}

static void
call_start(struct call *c, struct store *s, int (*fn)(struct tx *, void *),
    void *arg)
{
	*c = (struct call){ .s = s, .fn = fn, .arg = arg, .ret = 1 };
	assert_int_equal(pthread_create(&c->thread, NULL, call_main, c), 0);
}

static void
wait_depth(struct store *s, int64_t want)
{
	struct store_health h;

	do
		assert_int_equal(store_health(s, &h), 0);
	while (h.queue_depth != want);
}

static int
half_job(struct tx *tx, void *arg)
{
	char key[16];
	int n = *(int *)arg, err;

	snprintf(key, sizeof key, "k%d", n);
	if ((err = store_meta_set(tx, key, "1")) < 0)
		return err;
	return n % 2 == 1 ? CAMCA_EPOLICY : 0;
}

static int
count_keys(struct tx *tx, void *arg)
{
	char key[16], value[4];
	int *n = arg, i, err;

	*n = 0;
	for (i = 0; i < 16; i++) {
		snprintf(key, sizeof key, "k%d", i);
		err = store_meta_get(tx, key, value, sizeof value);
		if (err != 0 && err != CAMCA_ENOENT)
			return err;
		*n += err == 0;
		if (err == 0 && i % 2 == 1)
			return -99;
	}
	return 0;
}

/* A job that fails takes only its own changes with it. */
static void
test_group(void **state)
{
	struct env *e = *state;
	struct call first, c[10];
	struct gate g;
	int n[10], i, found = -1;

	sem_init(&g.inside, 0, 0);
	sem_init(&g.go, 0, 0);
	call_start(&first, e->s, gate_job, &g);
	while (sem_wait(&g.inside) != 0)
		;
	for (i = 0; i < 10; i++) {
		n[i] = i;
		call_start(&c[i], e->s, half_job, &n[i]);
	}
	wait_depth(e->s, 10);
	sem_post(&g.go);
	pthread_join(first.thread, NULL);
	assert_int_equal(first.ret, 0);
	for (i = 0; i < 10; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].ret, i % 2 ? CAMCA_EPOLICY : 0);
	}
	assert_int_equal(store_tx(e->s, DB_READ, count_keys, &found), 0);
	assert_int_equal(found, 5);
	/* Alone it is the same. */
	assert_int_equal(store_tx(e->s, DB_WRITE, half_job, &n[1]),
	    CAMCA_EPOLICY);
	assert_int_equal(store_tx(e->s, DB_READ, count_keys, &found), 0);
}

static void
test_queue_full(void **state)
{
	struct env *e = *state;
	struct call first, c[2];
	struct gate g;
	int n[3] = { 0, 2, 4 }, i;

	store_close(e->s);
	open_store(e, 1, 2);
	sem_init(&g.inside, 0, 0);
	sem_init(&g.go, 0, 0);
	call_start(&first, e->s, gate_job, &g);
	while (sem_wait(&g.inside) != 0)
		;
	for (i = 0; i < 2; i++)
		call_start(&c[i], e->s, half_job, &n[i]);
	wait_depth(e->s, 2);
	assert_int_equal(store_tx(e->s, DB_WRITE, half_job, &n[2]),
	    CAMCA_EBUSY);
	sem_post(&g.go);
	pthread_join(first.thread, NULL);
	for (i = 0; i < 2; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].ret, 0);
	}
	assert_int_equal(store_tx(e->s, DB_WRITE, half_job, &n[2]), 0);
}

/* ---- readers ---- */
struct reader {
	struct store *s;
	int n;
	int before, after;
};

static int
snapshot_job(struct tx *tx, void *arg)
{
	struct reader *r = arg;
	int err;

	if ((err = count_keys(tx, &r->before)) < 0)
		return err;
	/* A write commits while this snapshot is open; neither waits. */
	if ((err = store_tx(r->s, DB_WRITE, half_job, &r->n)) < 0)
		return err;
	return count_keys(tx, &r->after);
}

static void
test_snapshot(void **state)
{
	struct env *e = *state;
	struct reader r = { .s = e->s, .n = 2 };
	int n = -1;

	assert_int_equal(store_tx(e->s, DB_READ, snapshot_job, &r), 0);
	assert_int_equal(r.before, 0);
	assert_int_equal(r.after, 0);
	assert_int_equal(store_tx(e->s, DB_READ, count_keys, &n), 0);
	assert_int_equal(n, 1);
	/* A reader may not write. */
	assert_int_equal(store_tx(e->s, DB_READ, half_job, &r.n), CAMCA_EDB);
}

static int
nested_job(struct tx *tx, void *arg)
{
	struct env *e = arg;
	int n = 0;

	(void)tx;
	return store_tx(e->s, DB_WRITE, half_job, &n);
}

static int
read_inside_job(struct tx *tx, void *arg)
{
	struct env *e = arg;
	int n = 4, seen = -1, err;

	/* The reader does not see what is not committed. */
	if ((err = half_job(tx, &n)) < 0 ||
	    (err = store_tx(e->s, DB_READ, count_keys, &seen)) < 0)
		return err;
	return seen == 0 ? 0 : -99;
}

static void
test_nested(void **state)
{
	struct env *e = *state;

	assert_int_equal(store_tx(e->s, DB_WRITE, nested_job, e), CAMCA_EDB);
	assert_int_equal(store_tx(e->s, DB_WRITE, read_inside_job, e), 0);
}

static int
read_job(struct tx *tx, void *arg)
{
	int64_t *n = arg;

	return store_device_count(tx, n);
}

static void *
reader_main(void *arg)
{
	struct call *c = arg;
	int64_t n = 0;
	int i;

	c->ret = 0;
	for (i = 0; i < 300 && c->ret == 0; i++) {
		c->ret = store_tx(c->s, DB_READ, read_job, &n);
		if (n != 1)
			c->ret = -99;
	}
	return NULL;
}

static void
test_readers_share(void **state)
{
	struct env *e = *state;
	struct call c[THREADS];
	int i;

	store_close(e->s);
	open_store(e, 2, 16);
	for (i = 0; i < THREADS; i++) {
		c[i] = (struct call){ .s = e->s };
		assert_int_equal(pthread_create(&c[i].thread, NULL,
		    reader_main, &c[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].ret, 0);
	}
}

/* ---- closing ---- */
static void *
close_main(void *arg)
{
	store_close(arg);
	return NULL;
}

static void
test_close(void **state)
{
	struct env *e = *state;
	struct call first, waiting;
	pthread_t closer;
	struct gate g;
	int64_t n;
	int k[2] = { 0, 2 }, found = -1, err;

	sem_init(&g.inside, 0, 0);
	sem_init(&g.go, 0, 0);
	call_start(&first, e->s, gate_job, &g);
	while (sem_wait(&g.inside) != 0)
		;
	call_start(&waiting, e->s, half_job, &k[0]);
	wait_depth(e->s, 1);
	assert_int_equal(pthread_create(&closer, NULL, close_main, e->s), 0);
	do
		err = store_tx(e->s, DB_READ, read_job, &n);
	while (err == 0);
	assert_int_equal(err, CAMCA_EBUSY);
	assert_int_equal(store_tx(e->s, DB_WRITE, half_job, &k[1]),
	    CAMCA_EBUSY);
	sem_post(&g.go);
	pthread_join(closer, NULL);
	pthread_join(first.thread, NULL);
	pthread_join(waiting.thread, NULL);
	/* What waited was still done, what came later was not. */
	assert_int_equal(waiting.ret, 0);
	open_store(e, 1, 16);
	assert_int_equal(store_tx(e->s, DB_READ, count_keys, &found), 0);
	assert_int_equal(found, 1);
	store_close(NULL);
}

/* ---- configuration and health ---- */
static void
test_open_refusals(void **state)
{
	static const int bad[][3] = { { 0, 1, 1 }, { 65, 1, 1 }, { 1, 0, 1 },
	    { 1, 1025, 1 }, { 1, 1, 0 } };
	struct env *e = *state;
	struct store_conf c = { NULL, 1, 1, 1, &camca_ctx_system };
	struct store *s = NULL;
	struct refusal why;
	size_t i;

	assert_int_equal(store_open(&s, &c, true, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "store.conf");
	c.path = e->f.path;
	for (i = 0; i < COUNT(bad); i++) {
		c.readers = bad[i][0];
		c.batch_max = bad[i][1];
		c.queue_max = bad[i][2];
		memset(&why, 0, sizeof why);
		assert_int_equal(store_open(&s, &c, true, &why),
		    CAMCA_EINVAL);
		assert_string_equal(why.code, "store.conf");
	}
	c = (struct store_conf){ "/nonexistent/x.db", 1, 1, 1,
	    &camca_ctx_system };
	assert_int_equal(store_open(&s, &c, false, &why), CAMCA_ENOENT);
	assert_string_equal(why.code, "store.missing");
	assert_null(s);
}

static void
test_health(void **state)
{
	struct env *e = *state;
	struct store_health h;

	assert_int_equal(store_health(e->s, &h), 0);
	assert_true(h.free_bytes > 0);
	assert_true(h.db_bytes > 4096);
	assert_int_equal(h.queue_depth, 0);
	assert_int_equal(h.last_error, 0);
	assert_int_equal(h.schema, db_sqlite.nsteps);
}

/* ---- kill -9 ---- */
static int
numbered_job(struct tx *tx, void *arg)
{
	char key[24];
	uint8_t body[200] = { 1 };
	int64_t *n = arg;
	struct event_row r = { .device = "-",
	    .body = { body, sizeof body } };
	int err;

	memcpy(r.id, n, sizeof *n);
	snprintf(key, sizeof key, "n%lld", (long long)*n);
	if ((err = store_meta_set(tx, key, "done")) < 0)
		return err;
	return store_outbox_put(tx, &r);
}

/* Writes the number of each job into the pipe once it is said to be durable. */
static void
child_main(const char *path, int fd)
{
	struct store_conf c = { path, 1, 8, 8, &camca_ctx_system };
	struct store *s = NULL;
	int64_t n;

	if (store_open(&s, &c, false, NULL) < 0)
		_exit(1);
	for (n = 1;; n++)
		if (store_tx(s, DB_WRITE, numbered_job, &n) < 0 ||
		    write(fd, &n, sizeof n) != sizeof n)
			_exit(2);
}

struct found {
	int64_t last, events;
};

static int
found_job(struct tx *tx, void *arg)
{
	struct found *f = arg;
	char key[24], value[8];
	int64_t n;
	int err = 0;

	for (n = 1; err == 0; n++) {
		snprintf(key, sizeof key, "n%lld", (long long)n);
		err = store_meta_get(tx, key, value, sizeof value);
	}
	f->last = n - 2;
	return err == CAMCA_ENOENT ? store_outbox_count(tx, &f->events) : err;
}

static void
test_kill(void **state)
{
	struct env *e = *state;
	struct found f = { 0 };
	int64_t told = 0, n, base = 0;
	int fd[2], status, round;
	pid_t pid;

	for (round = 1; round <= 3; round++) {
		store_close(e->s);
		e->s = NULL;
		unlink(e->f.path);
		open_store(e, 1, 8);
		store_close(e->s);
		assert_int_equal(pipe(fd), 0);
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			close(fd[0]);
			child_main(e->f.path, fd[1]);
		}
		close(fd[1]);
		told = 0;
		while (told < 40 * round &&
		    read(fd[0], &n, sizeof n) == sizeof n)
			told = n;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		while (read(fd[0], &n, sizeof n) == sizeof n)
			told = n;
		close(fd[0]);
		assert_true(told >= 40 * round);
		open_store(e, 1, 8);
		assert_int_equal(store_tx(e->s, DB_READ, found_job, &f), 0);
		/* All that was told, at most the one in flight more. */
		assert_in_range(f.last, told, told + 1);
		assert_int_equal(f.events, f.last);
		base = f.last + 1;
		assert_int_equal(store_tx(e->s, DB_WRITE, numbered_job,
		    &base), 0);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_secret_race), T(test_rev_seq_race), T(test_group),
		T(test_queue_full), T(test_snapshot), T(test_nested),
		T(test_readers_share), T(test_close), T(test_open_refusals),
		T(test_health), T(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
