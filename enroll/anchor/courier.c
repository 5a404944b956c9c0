/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/anchor/courier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/base/rpc.h"
#include "enroll/anchor/carry.h"

#define COURIER_WAIT_MS 1000           /* camcad answers no later than that */
#define COURIER_ANSWER_MS 10000        /* or the connection is given up */
#define COURIER_RETRY_MS 50
#define COURIER_RETRY_MAX_MS 1000
/* Where camcad has no worker to spare for our waiting, it answers at once. */
#define COURIER_PAUSE_MS 250

struct worker {
	struct courier *courier;
	pthread_t thread;
	struct carry *carry;           /* of the thread alone */
	bool started, busy;
	struct carry_job job;          /* while busy */
	char url[CARRY_URL_MAX];       /* last one: its connection is open */
};

struct courier {
	const struct config *conf;
	char path[300];
	int ready_fd;                  /* of the asker alone */
	pthread_t asker;
	atomic_bool stopping;
	pthread_mutex_t lock;          /* guards rpc and the workers */
	pthread_cond_t change;         /* a job, a free worker, the end */
	struct rpc *rpc;               /* of the asker; NULL: not connected */
	struct worker workers[COURIER_WORKERS];
};

/* ---- workers ---- */

static void
worker_report(struct courier *c, const struct carry_job *j,
    const struct carry_result *r)
{
	struct refusal why = { 0 };
	json_t *result = NULL;
	struct rpc *rpc = NULL;
	int ret = rpc_open(&rpc, c->path);

	if (ret == CAMCA_OK)
		ret = rpc_call(rpc, "custody.anchored",
		    carry_result_json(j, r), COURIER_ANSWER_MS, &result, &why);
	if (ret < 0)
		log_msg(LOG_WARN, j->url, "the answer cannot be handed over: "
		    "%s", why.detail[0] != '\0' ? why.detail :
		    camca_strerror(ret));
	json_decref(result);
	rpc_close(rpc);
}

static void
worker_run(struct worker *w)
{
	struct carry_result r;

	carry_run(w->carry, &w->job, &r);
	log_msg(LOG_TRACE, w->job.url, "%s (%d)", r.error[0] != '\0' ?
	    r.error : "answered", r.status);
	if (!atomic_load(&w->courier->stopping))
		worker_report(w->courier, &w->job, &r);
	carry_result_fini(&r);
}

static void *
worker_thread(void *arg)
{
	struct worker *w = arg;
	struct courier *c = w->courier;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (!w->busy && !atomic_load(&c->stopping))
			pthread_cond_wait(&c->change, &c->lock);
		if (!w->busy || atomic_load(&c->stopping))
			break;
		pthread_mutex_unlock(&c->lock);
		worker_run(w);
		pthread_mutex_lock(&c->lock);
		memcpy(w->url, w->job.url, sizeof w->url);
		carry_job_fini(&w->job);
		w->busy = false;
		pthread_cond_broadcast(&c->change);
	}
	if (w->busy)
		carry_job_fini(&w->job);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* The idle one that spoke to this URL last, else any, else NULL. */
static struct worker *
courier_pick(struct courier *c, const char *url)
{
	struct worker *idle = NULL;
	size_t i;

	for (i = 0; i < COURIER_WORKERS; i++) {
		struct worker *w = &c->workers[i];

		if (w->busy)
			continue;
		if (url != NULL && strcmp(w->url, url) == 0)
			return w;
		/* A thread that is there before one that is not. */
		if (idle == NULL || (w->started && !idle->started))
			idle = w;
	}
	return idle;
}

static int
worker_start(struct worker *w)
{
	int ret;

	if (w->started)
		return CAMCA_OK;
	ret = carry_new(&w->carry, w->courier->conf, &w->courier->stopping);
	if (ret == CAMCA_OK &&
	    pthread_create(&w->thread, NULL, worker_thread, w) != 0) {
		carry_free(w->carry);
		w->carry = NULL;
		ret = CAMCA_ENOMEM;
	}
	w->started = ret == CAMCA_OK;
	return ret;
}

/* Takes the job over, also where it fails. */
static int
courier_hand(struct courier *c, struct carry_job *j)
{
	struct worker *w;
	int ret = CAMCA_EBUSY;

	pthread_mutex_lock(&c->lock);
	w = courier_pick(c, j->url);
	if (w != NULL)
		ret = worker_start(w);
	if (ret == CAMCA_OK) {
		w->job = *j;
		memset(j, 0, sizeof *j);
		w->busy = true;
		pthread_cond_broadcast(&c->change);
	}
	pthread_mutex_unlock(&c->lock);
	carry_job_fini(j);
	return ret;
}

/* ---- the asker ---- */

static void
courier_pause(struct courier *c, int ms)
{
	struct timespec end = mono_after(ms);
	int ret = 0;

	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->stopping) && ret == 0)
		ret = pthread_cond_timedwait(&c->change, &c->lock, &end);
	pthread_mutex_unlock(&c->lock);
}

/* Until a worker is free: what is asked for is carried out at once. */
static void
courier_wait_free(struct courier *c)
{
	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->stopping) && courier_pick(c, NULL) == NULL)
		pthread_cond_wait(&c->change, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void
courier_set_rpc(struct courier *c, struct rpc *rpc)
{
	pthread_mutex_lock(&c->lock);
	c->rpc = rpc;
	if (rpc != NULL && atomic_load(&c->stopping))
		rpc_interrupt(rpc);
	pthread_mutex_unlock(&c->lock);
}

static void
courier_ready(struct courier *c)
{
	if (c->ready_fd < 0)
		return;
	if (write(c->ready_fd, "ready\n", 6) != 6)
		log_msg(LOG_WARN, NULL, "nobody hears that we are ready");
	close(c->ready_fd);
	c->ready_fd = -1;
}

/* One question. Errors end the connection. */
static int
courier_ask(struct courier *c, struct rpc *rpc, struct refusal *why)
{
	int64_t begun = mono_ms();
	json_t *answer = NULL;
	struct carry_job job;
	int ret = rpc_call(rpc, "custody.anchor", json_pack("{s:i}", "wait_ms",
	    COURIER_WAIT_MS), COURIER_ANSWER_MS, &answer, why);

	if (ret < 0)
		return ret;
	courier_ready(c);
	ret = carry_job_parse(&job, answer);
	json_decref(answer);
	if (ret == CAMCA_OK)
		return courier_hand(c, &job);
	carry_job_fini(&job);
	if (ret == CAMCA_ENOENT &&
	    mono_ms() - begun < COURIER_PAUSE_MS)
		courier_pause(c, COURIER_PAUSE_MS);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

/* Talks until something fails. True where anything was heard at all. */
static bool
courier_connection(struct courier *c)
{
	struct refusal why = { 0 };
	struct rpc *rpc = NULL;
	bool heard = false;
	int ret;

	if (rpc_open(&rpc, c->path) < 0)
		return false;
	courier_set_rpc(c, rpc);
	do {
		courier_wait_free(c);
		ret = courier_ask(c, rpc, &why);
		heard |= ret == CAMCA_OK;
	} while (ret == CAMCA_OK && !atomic_load(&c->stopping));
	courier_set_rpc(c, NULL);
	rpc_close(rpc);
	if (ret < 0 && !atomic_load(&c->stopping)) {
		refuse_default(&why, ret);
		log_msg(LOG_WARN, NULL, "camcad gives no work: %s [%s]",
		    why.detail, why.code);
	}
	return heard;
}

static void *
courier_thread(void *arg)
{
	struct courier *c = arg;
	int wait_ms = COURIER_RETRY_MS;

	while (!atomic_load(&c->stopping)) {
		if (courier_connection(c))
			wait_ms = COURIER_RETRY_MS;
		else if (wait_ms < COURIER_RETRY_MAX_MS)
			wait_ms *= 2;
		courier_pause(c, wait_ms);
	}
	return NULL;
}

/* ---- start and stop ---- */

static void
courier_free(struct courier *c)
{
	size_t i;

	for (i = 0; i < COURIER_WORKERS; i++)
		carry_free(c->workers[i].carry);
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	pthread_cond_destroy(&c->change);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int
courier_start(struct courier **out, const struct config *conf, int ready_fd)
{
	struct courier *c = calloc(1, sizeof *c);
	size_t i;
	int ret;

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->conf = conf;
	c->ready_fd = ready_fd;
	for (i = 0; i < COURIER_WORKERS; i++)
		c->workers[i].courier = c;
	pthread_mutex_init(&c->lock, NULL);
	mono_cond_init(&c->change);
	ret = config_socket_path(conf->state, c->path, sizeof c->path);
	if (ret == CAMCA_OK &&
	    pthread_create(&c->asker, NULL, courier_thread, c) != 0)
		ret = CAMCA_ENOMEM;
	if (ret < 0) {
		courier_free(c);
		return ret;
	}
	*out = c;
	return CAMCA_OK;
}

void
courier_stop(struct courier *c)
{
	size_t i;

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->stopping, true);
	pthread_cond_broadcast(&c->change);
	if (c->rpc != NULL)
		rpc_interrupt(c->rpc);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->asker, NULL);
	for (i = 0; i < COURIER_WORKERS; i++)
		if (c->workers[i].started)
			pthread_join(c->workers[i].thread, NULL);
	courier_free(c);
}
