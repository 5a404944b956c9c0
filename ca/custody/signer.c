/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/signer.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/base/uptime.h"
#include "ca/custody/signer_int.h"
#include "ca/store/store_log.h"

#define SIGNER_IDLE_MS 60000

/* ---- what is there to sign ---- */

struct signer_head {
	int64_t size;                    /* of the log */
	int64_t given;                   /* events ever committed */
};

static int
signer_head_tx(struct tx *tx, void *arg)
{
	struct signer_head *h = arg;
	struct outbox_state o;
	int ret = store_log_size(tx, &h->size);

	if (ret == CAMCA_OK)
		ret = store_outbox_state(tx, &o);
	h->given = o.given;
	return ret;
}

/* ---- the thread ---- */

int
signer_take(struct signer *s, int64_t wait_ms)
{
	struct timespec ts = mono_after(wait_ms > 0 ? wait_ms : 0);
	int late = 0;

	pthread_mutex_lock(&s->lock);
	while (s->taken && late == 0)
		late = wait_ms < 0 ? pthread_cond_wait(&s->turn, &s->lock) :
		    pthread_cond_timedwait(&s->turn, &s->lock, &ts);
	late = s->taken ? CAMCA_ETIME : CAMCA_OK;
	s->taken = true;
	pthread_mutex_unlock(&s->lock);
	return late;
}

void
signer_leave(struct signer *s)
{
	pthread_mutex_lock(&s->lock);
	s->taken = false;
	pthread_cond_signal(&s->turn);
	pthread_mutex_unlock(&s->lock);
}

/* False where it has to end. A decision (custody fork) ends the pause. */
static bool
signer_pause(struct signer *s, int64_t ms)
{
	struct timespec ts = mono_after(ms);
	bool stop;

	pthread_mutex_lock(&s->lock);
	if (!s->stop)
		(void)pthread_cond_timedwait(&s->wake, &s->lock, &ts);
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return !stop;
}

/* Time until a round is due; 0: now, -1: nothing is new. */
static int64_t
signer_wait(struct signer *s)
{
	struct signer_head h;
	int64_t wait = 0, pause, passed;

	if (store_tx(s->conf.store, DB_READ, signer_head_tx, &h) < 0)
		return 1000;
	pthread_mutex_lock(&s->lock);
	if (s->looked) {
		passed = uptime_ms() - s->tried_ms;
		pause = s->state.failed < 0 ? s->pause_ms :
		    s->conf.checkpoint_ms;
		wait = pause > passed ? pause - passed : 0;
		if (s->state.failed == CAMCA_OK && h.size <= s->state.size)
			wait = -1;
	}
	pthread_mutex_unlock(&s->lock);
	return wait;
}

static void *
signer_main(void *arg)
{
	struct signer *s = arg;
	int64_t seen = -1, wait;

	/* In this order: a stop after the number was read ends the wait. */
	while (store_commits_wait(s->conf.store, -1, 0, &seen) == CAMCA_OK &&
	    signer_pause(s, 0)) {
		wait = signer_wait(s);
		if (wait == 0) {
			/* What fails is told there, and tried again. */
			(void)!signer_take(s, -1);
			(void)!signer_round(s, NULL);
			signer_leave(s);
		} else if (wait > 0) {
			(void)signer_pause(s, wait);
		} else if (store_commits_wait(s->conf.store, seen,
		    SIGNER_IDLE_MS, &seen) < 0) {
			break;
		}
	}
	return NULL;
}

/* ---- start and stop ---- */

/* What a process that was killed while it wrote the file has left. */
static void
signer_sweep(const struct signer *s)
{
	static const char begin[] = SIGNER_FILE ".";
	char path[400];
	struct dirent *e;
	DIR *d = opendir(s->dir);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, begin, sizeof begin - 1) == 0 &&
		    strlen(e->d_name) == sizeof begin - 1 + 6 &&
		    file_join(path, sizeof path, s->dir, e->d_name) == 0)
			(void)unlink(path);
	if (d != NULL)
		closedir(d);
}

static int
signer_prepare(struct signer *s, const struct signer_conf *conf)
{
	int ret;

	if (strlen(conf->dir) >= sizeof s->dir)
		return CAMCA_ELIMIT;
	s->conf = *conf;
	snprintf(s->dir, sizeof s->dir, "%s", conf->dir);
	s->conf.dir = s->dir;
	if ((ret = file_join(s->path, sizeof s->path, s->dir,
	    SIGNER_FILE)) < 0)
		return ret;
	signer_sweep(s);
	return CAMCA_OK;
}

static void
signer_free(struct signer *s)
{
	size_t i;

	for (i = 0; i < ORIGIN_KEYS; i++)
		hsm_key_free(s->keys[i]);
	buf_fini(&s->vkeys);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->turn);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int
signer_start(struct signer **out, const struct signer_conf *conf)
{
	struct signer *s = calloc(1, sizeof *s);
	int ret;

	if (s == NULL)
		return CAMCA_ENOMEM;
	s->state.size = -1;
	buf_init(&s->vkeys, 4096);
	pthread_mutex_init(&s->lock, NULL);
	mono_cond_init(&s->wake);
	mono_cond_init(&s->turn);
	ret = signer_prepare(s, conf);
	if (ret == CAMCA_OK &&
	    pthread_create(&s->thread, NULL, signer_main, s) != 0)
		ret = CAMCA_ENOMEM;
	if (ret < 0) {
		signer_free(s);
		return ret;
	}
	*out = s;
	return CAMCA_OK;
}

void
signer_stop(struct signer *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	store_commits_wake(s->conf.store);
	pthread_join(s->thread, NULL);
	signer_free(s);
}

/* ---- asking ---- */

void
signer_state(struct signer *s, struct signer_state *out)
{
	memset(out, 0, sizeof *out);
	out->size = -1;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	*out = s->state;
	pthread_mutex_unlock(&s->lock);
}

int
signer_vkeys(struct signer *s, struct buf *out)
{
	int ret;

	if (s == NULL)
		return CAMCA_OK;
	pthread_mutex_lock(&s->lock);
	ret = s->vkeys.len > 0 ?
	    buf_put(out, s->vkeys.data, s->vkeys.len) : CAMCA_OK;
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static int64_t
signer_covered(struct signer *s)
{
	struct signer_state st;

	signer_state(s, &st);
	return st.size;
}

/* One round of the caller's own, if it can have its turn in time. */
static int
signer_sign(struct signer *s, int64_t size, int64_t left_ms,
    struct refusal *why)
{
	int ret = signer_take(s, left_ms);

	if (ret < 0)
		return ret;
	if (signer_covered(s) < size)
		ret = signer_round(s, why);
	signer_leave(s);
	return ret;
}

static int
signer_late(int64_t size, int64_t got, struct refusal *why)
{
	refuse(why, CAMCA_ETIME, 503, "custody.behind", "No checkpoint covers "
	    "%lld events yet, the newest has %lld: try again.",
	    (long long)size, (long long)got);
	if (why != NULL)
		why->retry_after_s = 1;
	return CAMCA_ETIME;
}

int
signer_now(struct signer *s, int64_t size, int timeout_ms,
    struct refusal *why)
{
	int64_t end = uptime_ms() + timeout_ms, seen = -1, left;
	struct signer_head h;
	int ret;

	if (s == NULL)
		return refuse_default(why, CAMCA_EBUSY);
	for (;;) {
		if ((ret = store_commits_wait(s->conf.store, -1, 0,
		    &seen)) < 0 || (ret = store_tx(s->conf.store, DB_READ,
		    signer_head_tx, &h)) < 0)
			return refuse_default(why, ret);
		size = size < 0 ? h.given : size;
		if (signer_covered(s) >= size)
			return CAMCA_OK;
		left = end - uptime_ms();
		/* One try where there is something to sign, however late. */
		if (h.size >= size) {
			ret = signer_sign(s, size, left > 0 ? left : 0, why);
			if (ret < 0 && ret != CAMCA_ETIME)
				return refuse_default(why, ret);
			if (ret == CAMCA_OK && signer_covered(s) >= size)
				return CAMCA_OK;
			left = end - uptime_ms();
		}
		if (left <= 0)
			return signer_late(size, signer_covered(s), why);
		if ((ret = store_commits_wait(s->conf.store, seen, (int)left,
		    &seen)) < 0)
			return refuse_default(why, ret);
	}
}
