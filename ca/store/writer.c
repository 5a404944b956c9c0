/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: while one group is being synced to the disk the next one
 * gathers in the queue, so that thirty callers cost one fsync, not thirty, and
 * a caller alone waits for nobody. */
#include "ca/store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"

/* A busy database (another process writes: a backup, a shell) is tried again
 * after 5, 10, 20 .. ms, on top of the engine's own patience. */
#define WRITER_TRIES 8
#define WRITER_PAUSE_MS 5

/* Lives on the stack of the caller, who sleeps on done. */
struct job {
	int (*fn)(struct tx *tx, void *arg);
	void *arg;
	int ret;
	struct job *next;
	sem_t done;
};

struct writer {
	const struct db_engine *engine;
	struct db *db;
	int batch_max;
	int queue_max;
	pthread_t thread;
	pthread_mutex_t lock;          /* guards all below */
	pthread_cond_t work;
	struct job *head;
	struct job **tail;
	int depth;
	bool closing;
	int error;
	int64_t commits;               /* since the start */
	int64_t wakes;                 /* writer_commits_wake() so far */
	pthread_cond_t committed;      /* one of the two has changed */
};

/* Runs the job's function. The return value is the group's: an error where the
 * engine has given up the transaction. */
static int
writer_call(struct writer *w, struct job *j)
{
	struct tx tx = { .engine = w->engine, .db = w->db,
	    .mode = DB_WRITE };

	j->ret = tx_run(&tx, j->fn, j->arg);
	if (w->engine->active(w->db))
		return CAMCA_OK;
	return tx.err != 0 ? tx.err : CAMCA_EDB;
}

/* One of several jobs: what it did stays only where it went well. */
static int
writer_job(struct writer *w, struct job *j)
{
	int err;

	if ((err = w->engine->mark(w->db)) < 0)
		return err;
	if ((err = writer_call(w, j)) < 0)
		return err;
	return j->ret == 0 ? w->engine->release(w->db) :
	    w->engine->undo(w->db);
}

/* A job alone needs no savepoint: the transaction is its own. */
static int
writer_alone(struct writer *w, struct job *j)
{
	int err;

	if ((err = w->engine->begin(w->db)) < 0)
		return err;
	err = writer_call(w, j);
	if (err == CAMCA_OK && j->ret == 0)
		return w->engine->commit(w->db);
	w->engine->rollback(w->db);
	return err;
}

static int
writer_group_once(struct writer *w, struct job *list)
{
	struct job *j;
	int err;

	if (list->next == NULL)
		return writer_alone(w, list);
	if ((err = w->engine->begin(w->db)) < 0)
		return err;
	for (j = list; err == CAMCA_OK && j != NULL; j = j->next)
		err = writer_job(w, j);
	if (err == CAMCA_OK)
		return w->engine->commit(w->db);
	w->engine->rollback(w->db);
	return err;
}

static void
writer_pause(int try)
{
	struct timespec ts = { 0, (WRITER_PAUSE_MS * 1000000L) << try };

	while (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

/* A failed commit fails every job of the group: nobody is told that something
 * is stored which is not. */
static int
writer_group(struct writer *w, struct job *list)
{
	struct job *j;
	int try, err;

	err = writer_group_once(w, list);
	for (try = 0; err == CAMCA_EBUSY && try < WRITER_TRIES - 1; try++) {
		writer_pause(try);
		err = writer_group_once(w, list);
	}
	for (j = list; err < 0 && j != NULL; j = j->next)
		j->ret = err;
	return err;
}

/* Up to batch_max jobs off the queue; the lock is held. */
static struct job *
writer_take(struct writer *w)
{
	struct job *list = w->head, **end = &w->head;
	int n;

	for (n = 0; n < w->batch_max && *end != NULL; n++)
		end = &(*end)->next;
	w->head = *end;
	*end = NULL;
	if (w->head == NULL)
		w->tail = &w->head;
	w->depth -= n;
	return list;
}

static void
writer_wake(struct job *list)
{
	struct job *j, *next;

	for (j = list; j != NULL; j = next) {
		next = j->next;        /* j is gone once its caller wakes */
		sem_post(&j->done);
	}
}

static void
writer_note(struct writer *w, int err)
{
	if (err == w->error)
		return;
	if (err < 0)
		log_msg(LOG_ERROR, "store", "writing fails: %s",
		    camca_strerror(err));
	else
		log_msg(LOG_NOTE, "store", "writing works again");
	w->error = err;
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	struct job *list;
	int err;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->head == NULL && !w->closing)
			pthread_cond_wait(&w->work, &w->lock);
		if (w->head == NULL)
			break;
		list = writer_take(w);
		pthread_mutex_unlock(&w->lock);
		err = writer_group(w, list);
		pthread_mutex_lock(&w->lock);
		writer_note(w, err);
		if (err == CAMCA_OK) {
			w->commits++;
			pthread_cond_broadcast(&w->committed);
		}
		pthread_mutex_unlock(&w->lock);
		writer_wake(list);
		/* After the callers have their answer. */
		w->engine->tidy(w->db);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
writer_run(struct writer *w, int (*fn)(struct tx *tx, void *arg), void *arg)
{
	struct job j = { .fn = fn, .arg = arg };
	bool taken;

	if (pthread_equal(pthread_self(), w->thread)) {
		log_msg(LOG_ERROR, "store", "a transaction inside another");
		return CAMCA_EDB;
	}
	if (sem_init(&j.done, 0, 0) != 0)
		return CAMCA_ENOMEM;
	pthread_mutex_lock(&w->lock);
	/* Pushed back at once: a queue without end only hides overload. */
	taken = !w->closing && w->depth < w->queue_max;
	if (taken) {
		*w->tail = &j;
		w->tail = &j.next;
		if (w->depth++ == 0)
			pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	/* A signal may wake the wait; the job is done only when it is. */
	while (taken && sem_wait(&j.done) != 0 && errno == EINTR)
		;
	sem_destroy(&j.done);
	return taken ? j.ret : CAMCA_EBUSY;
}

void
writer_state(struct writer *w, int64_t *depth_out, int *error_out)
{
	pthread_mutex_lock(&w->lock);
	*depth_out = w->depth;
	*error_out = w->error;
	pthread_mutex_unlock(&w->lock);
}

int
writer_commits_wait(struct writer *w, int64_t seen, int timeout_ms,
    int64_t *now_out)
{
	struct timespec end = mono_after(timeout_ms);
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	while (w->commits + w->wakes == seen && !w->closing && ret == 0)
		ret = pthread_cond_timedwait(&w->committed, &w->lock, &end);
	*now_out = w->commits + w->wakes;
	ret = w->closing ? CAMCA_EBUSY : CAMCA_OK;
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void
writer_commits_wake(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->wakes++;
	pthread_cond_broadcast(&w->committed);
	pthread_mutex_unlock(&w->lock);
}

static void
writer_free(struct writer *w)
{
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->committed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int
writer_start(struct writer **out, const struct db_engine *e, struct db *db,
    int batch_max, int queue_max)
{
	struct writer *w = calloc(1, sizeof *w);

	if (w == NULL)
		return CAMCA_ENOMEM;
	w->engine = e;
	w->db = db;
	w->batch_max = batch_max;
	w->queue_max = queue_max;
	w->tail = &w->head;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	mono_cond_init(&w->committed);
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
		writer_free(w);
		return CAMCA_ENOMEM;
	}
	*out = w;
	return CAMCA_OK;
}

void
writer_refuse(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->work);
	pthread_cond_broadcast(&w->committed);
	pthread_mutex_unlock(&w->lock);
}

void
writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	writer_refuse(w);
	pthread_join(w->thread, NULL);
	writer_free(w);
}
