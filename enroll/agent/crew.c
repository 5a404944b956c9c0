/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/crew.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "enroll/agent/post.h"
#include "enroll/agent/visit.h"
#include "enroll/renew/bag.h"
#include "enroll/renew/est.h"
#include "enroll/renew/url.h"

#define CREW_STACK (256u * 1024)
#define CREW_POLL_MIN_MS 200
#define CREW_RETRY_MIN_MS 500
#define CREW_RETRY_MAX_MS 60000
/* Jobs are fetched by handfuls: not one question for each one that ends. */
#define CREW_GATHER_MS 100

struct crew {
	const struct agent_settings *settings;
	struct keeper *keeper;
	struct post *post;
	struct visit_peer peer;
	int ready_fd;                  /* of the asker alone */
	bool once;
	pthread_t asker;
	bool asking;
	atomic_bool stopping;
	pthread_mutex_t lock;          /* guards what follows */
	pthread_cond_t change;
	unsigned running;
	struct hand *at_work;          /* one for each camera at most */
	bool ended;                    /* the asker has */
	int err;                       /* that ended it */
};

struct hand {
	struct crew *crew;
	struct agent_job *job;         /* the visit's, while it is at work */
	char device[AGENT_NAME_MAX];
	struct hand *next;             /* at work, too */
};

/* ---- what a visit needs of the world ---- */

static int
crew_post(void *arg, const char *what, json_t *body, json_t **answer_out,
    struct ident **id_out, struct refusal *why)
{
	struct crew *c = arg;

	return post_json(c->post, what, body, answer_out, id_out, why);
}

static int
crew_est(void *arg, const char *label, const struct buf *csr, EVP_PKEY *pub,
    X509 **leaf_out, STACK_OF(X509) **bag_out, struct refusal *why)
{
	struct crew *c = arg;
	struct ident *id = keeper_ident(c->keeper);
	struct est e = { .auth = NULL };
	struct url url;
	int ret;

	ret = url_parse(&url, c->settings->value[AGENT_URL],
	    label[0] != '\0' ? label : NULL, why);
	if (ret == CAMCA_OK) {
		e.conn_config = (struct conn_config){ .url = &url,
		    .connect_to = c->settings->value[AGENT_CONNECT_TO],
		    .trust = id->trust, .cert = id->cert, .chain = id->chain,
		    .key = id->key, .timeout_ms = c->settings->timeout_ms,
		    .now_ms = ctx_now_ms(&camca_ctx_system) };
		ret = est_enroll_for(&e, csr, pub, leaf_out, bag_out, why);
		est_close(&e);
	}
	ident_free(id);
	return ret;
}

static bool
crew_stopping(void *arg)
{
	const struct crew *c = arg;

	return atomic_load(&c->stopping);
}

static void
crew_sleep(void *arg, int64_t ms)
{
	struct crew *c = arg;
	struct timespec end = mono_after(ms);
	bool was = atomic_load(&c->stopping);
	int err = 0;

	/* Told to stop already: a wait that still matters is waited for. */
	pthread_mutex_lock(&c->lock);
	while (atomic_load(&c->stopping) == was && err == 0)
		err = pthread_cond_timedwait(&c->change, &c->lock, &end);
	pthread_mutex_unlock(&c->lock);
}

static int64_t
crew_mono(void *arg)
{
	(void)arg;
	return mono_ms();
}

/* ---- hands ---- */

static const struct cam_driver *
crew_driver(const char *name)
{
	return name[0] == '\0' || strcmp(name, cam_onvif.name) == 0 ?
	    &cam_onvif : NULL;
}

/* Under the lock. */
static bool
crew_visits(const struct crew *c, const char *device)
{
	const struct hand *h = c->at_work;

	while (h != NULL && strcmp(h->device, device) != 0)
		h = h->next;
	return h != NULL;
}

/* A job that is leased to us while an earlier visit has not noticed yet that
 * its own lease is over: that one ends first. */
static void
crew_begin(struct crew *c, struct hand *h)
{
	pthread_mutex_lock(&c->lock);
	while (crew_visits(c, h->device))
		pthread_cond_wait(&c->change, &c->lock);
	h->next = c->at_work;
	c->at_work = h;
	pthread_mutex_unlock(&c->lock);
}

/* Under the lock. */
static void
crew_end(struct crew *c, const struct hand *h)
{
	struct hand **p = &c->at_work;

	while (*p != h)
		p = &(*p)->next;
	*p = h->next;
}

static void *
crew_hand(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;
	const struct cam_driver *drv = crew_driver(h->job->reach.driver);

	crew_begin(c, h);
	(void)visit_run(&c->peer, drv != NULL ? drv : &cam_onvif, h->job);
	/* What OpenSSL has of this thread goes now: once it is not counted any
	 * more, the program may end, and OpenSSL with it. */
	OPENSSL_thread_stop();
	pthread_mutex_lock(&c->lock);
	crew_end(c, h);
	free(h);
	c->running--;
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Takes the job over, also where it fails: then its lease runs out. */
static void
crew_hand_start(struct crew *c, struct agent_job *job)
{
	struct hand *h = malloc(sizeof *h);
	pthread_attr_t attr;
	pthread_t t;
	int err;

	if (h == NULL) {
		job_free(job);
		return;
	}
	*h = (struct hand){ .crew = c, .job = job };
	memcpy(h->device, job->device.id, sizeof h->device);
	pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, CREW_STACK);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&c->lock);
	c->running++;
	pthread_mutex_unlock(&c->lock);
	err = pthread_create(&t, &attr, crew_hand, h);
	pthread_attr_destroy(&attr);
	if (err == 0)
		return;
	log_msg(LOG_ERROR, job->device.id, "no thread for it: %s",
	    strerror(err));
	job_free(job);
	free(h);
	pthread_mutex_lock(&c->lock);
	c->running--;
	pthread_mutex_unlock(&c->lock);
}

/* ---- the asker ---- */

static unsigned
crew_free_hands(struct crew *c)
{
	unsigned n;

	pthread_mutex_lock(&c->lock);
	n = c->settings->concurrency - c->running;
	pthread_mutex_unlock(&c->lock);
	return n < JOB_LEASE_MAX ? n : JOB_LEASE_MAX;
}

static void
crew_ready(struct crew *c)
{
	if (c->ready_fd < 0)
		return;
	if (write(c->ready_fd, "ready\n", 6) != 6)
		log_msg(LOG_WARN, NULL, "nobody hears that we are ready");
	close(c->ready_fd);
	c->ready_fd = -1;
}

/* A job that cannot be read is given back with what is wrong. */
static void
crew_refuse(struct crew *c, int64_t id, const struct refusal *why)
{
	struct refusal ignored = { 0 };
	json_t *answer = NULL;

	log_msg(LOG_ERROR, NULL, "job %lld: %s", (long long)id, why->detail);
	if (id == 0 || post_json(c->post, "report", json_pack(
	    "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "job", (json_int_t)id,
	    "step", job_step_name(STEP_REACH), "outcome",
	    job_outcome_name(OUTCOME_FAILED), "code", "agent.job", "before",
	    "", "after", "", "detail", why->detail, "end",
	    job_end_name(END_FAILED)), &answer, NULL, &ignored) < 0)
		return;
	json_decref(answer);
}

static void
crew_take(struct crew *c, const json_t *jobs, struct ident *id)
{
	struct agent_job *job;
	struct refusal why;
	int64_t n;
	size_t i;

	for (i = 0; i < json_array_size(jobs); i++) {
		memset(&why, 0, sizeof why);
		if (job_parse(&job, &n, json_array_get(jobs, i), id, &why) <
		    0) {
			crew_refuse(c, n, &why);
			continue;
		}
		job_surfaces_add(job, c->settings);
		crew_hand_start(c, job);
	}
}

/* One question. *more: there may be work at once. Returns the pause. */
static int
crew_ask(struct crew *c, unsigned n, size_t *got, int64_t *pause_ms)
{
	struct refusal why = { 0 };
	struct ident *id = NULL;
	json_t *answer = NULL, *jobs;
	json_int_t poll;
	int ret;

	ret = post_json(c->post, "lease", json_pack("{s:s, s:i, s:[s]}",
	    "version", CAMCA_VERSION, "free", (int)n, "drivers",
	    cam_onvif.name), &answer, &id, &why);
	if (ret < 0) {
		log_msg(LOG_WARN, NULL, "no jobs: %s [%s]", why.detail[0] !=
		    '\0' ? why.detail : camca_strerror(ret), why.code);
		/* Perhaps it is our certificate that is not liked. */
		if (ret == CAMCA_EPOLICY)
			keeper_nudge(c->keeper);
		*pause_ms = why.retry_after_s * INT64_C(1000);
		return ret;
	}
	crew_ready(c);
	jobs = json_object_get(answer, "jobs");
	*got = json_array_size(jobs);
	poll = json_integer_value(json_object_get(answer, "poll_s"));
	*pause_ms = poll > 0 && poll * 1000 < c->settings->poll_ms ?
	    poll * 1000 : c->settings->poll_ms;
	crew_take(c, jobs, id);
	ident_free(id);
	json_decref(answer);
	return CAMCA_OK;
}

/* Until the time is over, or, with hands, until some have come free. */
static void
crew_pause(struct crew *c, int64_t ms, bool hands)
{
	struct timespec end = mono_after(ms);
	unsigned most = c->settings->concurrency;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->stopping) && err == 0 &&
	    !(hands && c->running < most))
		err = pthread_cond_timedwait(&c->change, &c->lock, &end);
	pthread_mutex_unlock(&c->lock);
}

static bool
crew_idle(struct crew *c)
{
	bool idle;

	pthread_mutex_lock(&c->lock);
	idle = c->running == 0;
	pthread_mutex_unlock(&c->lock);
	return idle;
}

/* With once: until nothing runs and nothing more comes. */
static bool
crew_done(struct crew *c, size_t got)
{
	return c->once && got == 0 && crew_idle(c);
}

static void *
crew_ask_thread(void *arg)
{
	struct crew *c = arg;
	int64_t pause, retry = CREW_RETRY_MIN_MS;
	unsigned n;
	size_t got;
	int ret = CAMCA_OK;

	(void)pthread_setname_np(pthread_self(), "asker");
	while (!atomic_load(&c->stopping)) {
		n = crew_free_hands(c);
		if (n == 0) {
			crew_pause(c, c->settings->poll_ms, true);
			crew_pause(c, CREW_GATHER_MS, false);
			continue;
		}
		got = 0;
		if ((ret = crew_ask(c, n, &got, &pause)) < 0) {
			if (c->once)
				break;
			crew_pause(c, pause > retry ? pause : retry, false);
			retry = retry * 2 < CREW_RETRY_MAX_MS ? retry * 2 :
			    CREW_RETRY_MAX_MS;
			continue;
		}
		retry = CREW_RETRY_MIN_MS;
		if (crew_done(c, got))
			break;
		/* Where there was something there may be more. */
		if (got == 0 && c->once)
			pause = CREW_POLL_MIN_MS;
		crew_pause(c, got > 0 ? CREW_GATHER_MS : pause, false);
	}
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	c->err = ret;
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- start and stop ---- */

int
crew_start(struct crew **out, const struct agent_settings *s,
    struct keeper *k, int ready_fd, bool once)
{
	struct crew *c = calloc(1, sizeof *c);
	int ret;

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->settings = s;
	c->keeper = k;
	c->ready_fd = ready_fd;
	c->once = once;
	c->peer = (struct visit_peer){ .post = crew_post, .est = crew_est,
	    .stopping = crew_stopping, .sleep = crew_sleep,
	    .mono_ms = crew_mono, .ctx = &camca_ctx_system,
	    .camera_ms = s->camera_ms, .key_ms = s->key_ms, .arg = c };
	pthread_mutex_init(&c->lock, NULL);
	mono_cond_init(&c->change);
	ret = post_new(&c->post, s, k);
	if (ret == CAMCA_OK) {
		c->asking = pthread_create(&c->asker, NULL, crew_ask_thread,
		    c) == 0;
		ret = c->asking ? CAMCA_OK : CAMCA_ENOMEM;
	}
	if (ret < 0) {
		crew_free(c);
		return ret;
	}
	*out = c;
	return CAMCA_OK;
}

int
crew_wait(struct crew *c)
{
	int ret;

	pthread_mutex_lock(&c->lock);
	while (!c->ended || c->running > 0)
		pthread_cond_wait(&c->change, &c->lock);
	ret = c->err;
	pthread_mutex_unlock(&c->lock);
	return ret;
}

void
crew_stop(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->stopping, true);
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->lock);
}

void
crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	crew_stop(c);
	if (c->asking)
		pthread_join(c->asker, NULL);
	pthread_mutex_lock(&c->lock);
	while (c->running > 0)
		pthread_cond_wait(&c->change, &c->lock);
	pthread_mutex_unlock(&c->lock);
	post_free(c->post);
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	pthread_cond_destroy(&c->change);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
