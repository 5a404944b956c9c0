/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, the readers, and the two ways into a transaction. Reading happens in
 * the caller's thread on a connection of the pool; WAL lets it see the last
 * commit without waiting for the writer. */
#include "ca/store/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "ca/store/migrate.h"
#include "ca/store/writer.h"

#define STORE_READERS_MAX 64
#define STORE_BATCH_MAX 1024

struct store {
	const struct db_engine *engine;
	char *path;
	int64_t schema;
	struct db *wdb;
	struct writer *writer;
	int readers;
	pthread_mutex_t lock;          /* guards the pool below */
	pthread_cond_t freed;
	struct db *pool[STORE_READERS_MAX];
	int idle;                      /* pool[0 .. idle-1] are free */
	bool closing;
};

static int
store_check(const struct store_conf *c, struct refusal *why)
{
	if (c->path == NULL || c->path[0] == '\0')
		return refuse(why, CAMCA_EINVAL, 500, "store.conf",
		    "The store has no path.");
	if (c->readers < 1 || c->readers > STORE_READERS_MAX)
		return refuse(why, CAMCA_EINVAL, 500, "store.conf",
		    "store readers: %d is not within 1..%d.", c->readers,
		    STORE_READERS_MAX);
	if (c->batch_max < 1 || c->batch_max > STORE_BATCH_MAX)
		return refuse(why, CAMCA_EINVAL, 500, "store.conf",
		    "store batch: %d is not within 1..%d.", c->batch_max,
		    STORE_BATCH_MAX);
	if (c->queue_max < 1)
		return refuse(why, CAMCA_EINVAL, 500, "store.conf",
		    "store queue: %d is below 1.", c->queue_max);
	return CAMCA_OK;
}

static int
store_open_writer(struct store *s, const struct store_conf *conf, bool create,
    struct refusal *why)
{
	struct db_conf c = { conf->path, DB_WRITE, create };
	int err;

	if ((err = s->engine->open(&s->wdb, &c, why)) < 0)
		return err;
	err = migrate_run(s->engine, s->wdb, s->engine->steps,
	    s->engine->nsteps, create, &s->schema, why);
	if (err < 0)
		return err;
	return s->engine->prepare(s->wdb);
}

static int
store_open_readers(struct store *s, struct refusal *why)
{
	struct db_conf c = { s->path, DB_READ, false };
	int err;

	while (s->idle < s->readers) {
		err = s->engine->open(&s->pool[s->idle], &c, why);
		if (err < 0)
			return err;
		s->idle++;
		if ((err = s->engine->prepare(s->pool[s->idle - 1])) < 0)
			return err;
	}
	return CAMCA_OK;
}

static void
store_free(struct store *s)
{
	int i;

	writer_stop(s->writer);
	for (i = 0; i < s->idle; i++)
		s->engine->close(s->pool[i]);
	/* Last, so that its close empties the WAL into the database. */
	s->engine->close(s->wdb);
	pthread_cond_destroy(&s->freed);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

int
store_open(struct store **out, const struct store_conf *conf, bool create,
    struct refusal *why)
{
	struct store *s;
	int err;

	if ((err = store_check(conf, why)) < 0)
		return err;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->freed, NULL);
	s->engine = &db_sqlite;
	s->readers = conf->readers;
	err = (s->path = strdup(conf->path)) != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	if (err == CAMCA_OK)
		err = store_open_writer(s, conf, create, why);
	if (err == CAMCA_OK)
		err = store_open_readers(s, why);
	if (err == CAMCA_OK)
		err = writer_start(&s->writer, s->engine, s->wdb,
		    conf->batch_max, conf->queue_max);
	if (err < 0) {
		store_free(s);
		return refuse_default(why, err);
	}
	*out = s;
	return CAMCA_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	writer_refuse(s->writer);
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_broadcast(&s->freed);
	while (s->idle < s->readers)
		pthread_cond_wait(&s->freed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	store_free(s);
}

/* The connection used last comes first: its cache is warm. */
static struct db *
store_take_reader(struct store *s)
{
	struct db *d = NULL;

	pthread_mutex_lock(&s->lock);
	while (s->idle == 0 && !s->closing)
		pthread_cond_wait(&s->freed, &s->lock);
	if (!s->closing)
		d = s->pool[--s->idle];
	pthread_mutex_unlock(&s->lock);
	return d;
}

static void
store_give_reader(struct store *s, struct db *d)
{
	pthread_mutex_lock(&s->lock);
	s->pool[s->idle++] = d;
	/* store_close waits here too, for all of them. */
	if (s->closing)
		pthread_cond_broadcast(&s->freed);
	else
		pthread_cond_signal(&s->freed);
	pthread_mutex_unlock(&s->lock);
}

static int
store_read(struct store *s, int (*fn)(struct tx *tx, void *arg), void *arg)
{
	struct tx tx = { .engine = s->engine, .mode = DB_READ };
	int ret;

	if ((tx.db = store_take_reader(s)) == NULL)
		return CAMCA_EBUSY;
	/* One snapshot for all of fn: what it reads belongs together. */
	ret = s->engine->begin(tx.db);
	if (ret == CAMCA_OK) {
		ret = tx_run(&tx, fn, arg);
		s->engine->rollback(tx.db);
	}
	store_give_reader(s, tx.db);
	return ret;
}

int
store_tx(struct store *s, enum db_mode mode,
    int (*fn)(struct tx *tx, void *arg), void *arg)
{
	if (mode == DB_WRITE)
		return writer_run(s->writer, fn, arg);
	return store_read(s, fn, arg);
}

int
store_commits_wait(struct store *s, int64_t seen, int timeout_ms,
    int64_t *now_out)
{
	return writer_commits_wait(s->writer, seen, timeout_ms, now_out);
}

void
store_commits_wake(struct store *s)
{
	writer_commits_wake(s->writer);
}

int
store_health(struct store *s, struct store_health *out)
{
	memset(out, 0, sizeof *out);
	writer_state(s->writer, &out->queue_depth, &out->last_error);
	out->schema = (int)s->schema;
	return s->engine->space(s->path, &out->free_bytes, &out->db_bytes);
}
