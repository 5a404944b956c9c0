/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "enroll/renew/bag.h"
#include "enroll/renew/keys.h"
#include "enroll/renew/run.h"
#include "enroll/renew/schedule.h"
#include "enroll/renew/settings.h"
#include "enroll/renew/trust.h"

#define IDENT_FILE_MAX (256u * 1024)
#define IDENT_LABEL "ra"
#define KEEPER_LONGEST_MS (3600 * INT64_C(1000))
#define KEEPER_SHORTEST_MS 1000

struct keeper {
	const struct agent_settings *settings;
	char dir[PATH_MAX], seconds[16];
	struct renew_config cfg;       /* of the thread, once it runs */
	int dir_fd;                    /* locked: nobody else works here */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;          /* guards what follows */
	pthread_cond_t change;
	bool stopping, nudged;
	bool asked;                    /* a person has: try at once */
	struct ident *now;
};

void
ident_free(struct ident *id)
{
	if (id == NULL || atomic_fetch_sub(&id->refs, 1) != 1)
		return;
	X509_free(id->cert);
	bag_free(id->chain);
	EVP_PKEY_free(id->key);
	X509_STORE_free(id->trust);
	free(id);
}

/* ---- reading a pair ---- */

/* "DIR/identity/gen-000007" that `current` leads to. */
static int
ident_generation(const char *dir, char out[static PATH_MAX], unsigned *gen)
{
	char link[PATH_MAX], target[64];
	ssize_t n;

	if (file_join(link, sizeof link, dir, "current") < 0)
		return CAMCA_ELIMIT;
	n = readlink(link, target, sizeof target - 1);
	if (n <= 4)
		return CAMCA_ENOENT;
	target[n] = '\0';
	*gen = (unsigned)strtoul(target + 4, NULL, 10);
	return file_join(out, PATH_MAX, dir, target);
}

static int
ident_read_key(struct ident *id)
{
	struct refusal why = { 0 };
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = file_read(id->key_path, IDENT_FILE_MAX, &pem);
	if (ret == CAMCA_OK)
		ret = keys_from_pem(&id->key, &pem, &why);
	buf_cleanse(&pem);
	return ret;
}

static int
ident_read_certs(struct ident *id)
{
	struct refusal why = { 0 };
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = file_read(id->cert_path, IDENT_FILE_MAX, &pem);
	if (ret == CAMCA_OK)
		ret = bag_from_pem(&id->chain, &pem, &why);
	buf_fini(&pem);
	if (ret == CAMCA_OK)
		id->cert = sk_X509_shift(id->chain);
	return ret == CAMCA_OK && id->cert == NULL ? CAMCA_EINVAL : ret;
}

static int
ident_read_trust(struct ident *id)
{
	STACK_OF(X509) *anchors = sk_X509_new_null();
	struct refusal why = { 0 };
	int ret = CAMCA_ENOMEM;

	if (anchors != NULL)
		ret = trust_add_file(anchors, id->trust_path, &why);
	if (ret == CAMCA_OK)
		ret = trust_store(&id->trust, anchors);
	bag_free(anchors);
	return ret;
}

static int
ident_load(struct ident **out, const char *dir)
{
	struct ident *id = calloc(1, sizeof *id);
	char gen[PATH_MAX];
	int ret = id == NULL ? CAMCA_ENOMEM : CAMCA_OK;

	if (ret == CAMCA_OK) {
		atomic_init(&id->refs, 1);
		ret = ident_generation(dir, gen, &id->generation);
	}
	if (ret == CAMCA_OK && (
	    (ret = file_join(id->key_path, PATH_MAX, gen, "key.pem")) < 0 ||
	    (ret = file_join(id->cert_path, PATH_MAX, gen,
	    "fullchain.pem")) < 0 ||
	    (ret = file_join(id->trust_path, PATH_MAX, dir,
	    "trust.pem")) < 0 ||
	    (ret = ident_read_key(id)) < 0 ||
	    (ret = ident_read_certs(id)) < 0))
		;
	else if (ret == CAMCA_OK)
		ret = ident_read_trust(id);
	if (ret == CAMCA_OK &&
	    X509_check_private_key(id->cert, id->key) != 1)
		ret = CAMCA_EINVAL;
	ERR_clear_error();
	if (ret < 0) {
		ident_free(id);
		return ret;
	}
	*out = id;
	return CAMCA_OK;
}

/* ---- keeping it fresh ---- */

struct ident *
keeper_ident(struct keeper *k)
{
	struct ident *id;

	pthread_mutex_lock(&k->lock);
	id = k->now;
	atomic_fetch_add(&id->refs, 1);
	pthread_mutex_unlock(&k->lock);
	return id;
}

static void
keeper_wake(struct keeper *k, bool asked)
{
	pthread_mutex_lock(&k->lock);
	k->nudged = true;
	k->asked |= asked;
	pthread_cond_broadcast(&k->change);
	pthread_mutex_unlock(&k->lock);
}

void
keeper_nudge(struct keeper *k)
{
	keeper_wake(k, false);
}

void
keeper_now(struct keeper *k)
{
	keeper_wake(k, true);
}

static void
keeper_take(struct keeper *k)
{
	struct ident *id = NULL, *old;

	if (ident_load(&id, k->dir) < 0)
		return;                /* run_cycle() has said why */
	pthread_mutex_lock(&k->lock);
	old = k->now;
	k->now = id;
	pthread_mutex_unlock(&k->lock);
	ident_free(old);
}

/* How long from now until the next cycle. One that is overdue although a cycle
 * has just been: its folder cannot be opened. No reason to try, and to complain,
 * each second. */
static int64_t
keeper_pause(const struct state *st)
{
	int64_t ms = st->next_attempt_ms - ctx_now_ms(&camca_ctx_system);

	if (ms <= 0)
		ms = SCHEDULE_BACKOFF_MIN_MS;
	if (ms < KEEPER_SHORTEST_MS)
		ms = KEEPER_SHORTEST_MS;
	return ms > KEEPER_LONGEST_MS ? KEEPER_LONGEST_MS : ms;
}

/* True: go on. */
static bool
keeper_wait(struct keeper *k, int64_t ms, bool *asked)
{
	struct timespec end = mono_after(ms);
	bool go;
	int err = 0;

	pthread_mutex_lock(&k->lock);
	while (!k->stopping && !k->nudged && err == 0)
		err = pthread_cond_timedwait(&k->change, &k->lock, &end);
	*asked = k->asked;
	k->nudged = k->asked = false;
	go = !k->stopping;
	pthread_mutex_unlock(&k->lock);
	return go;
}

static int
keeper_config(struct keeper *k, struct renew_config *out, struct refusal *why)
{
	const struct agent_settings *s = k->settings;
	struct settings_texts t = { { NULL } };

	t.value[SETTING_URL] = s->value[AGENT_URL];
	t.value[SETTING_LABEL] = IDENT_LABEL;
	t.value[SETTING_CONNECT_TO] = s->value[AGENT_CONNECT_TO];
	t.value[SETTING_DIR] = k->dir;
	t.value[SETTING_TRUST] = s->value[AGENT_TRUST];
	t.value[SETTING_FINGERPRINT] = s->value[AGENT_FINGERPRINT];
	t.value[SETTING_USER] = s->value[AGENT_ID];
	t.value[SETTING_SECRET_FILE] = s->value[AGENT_SECRET_FILE];
	t.value[SETTING_TIMEOUT] = s->value[AGENT_TIMEOUT];
	t.value[SETTING_KEY_TYPE] = "p256";
	return settings_check(out, RENEW_AUTO, true, &t, why);
}

/* Others must not enroll in the agent's place; once used it is worth nothing,
 * and may be deleted. */
static void
keeper_look_at_secret(const char *path)
{
	struct stat st;

	if (path == NULL || strcmp(path, "-") == 0 || stat(path, &st) != 0)
		return;
	if ((st.st_mode & 077) != 0)
		log_msg(LOG_WARN, path, "mode %03o: others can read the "
		    "one-time secret; chmod 600", (unsigned)st.st_mode & 0777);
}

/* Who asks may have put a new secret there. One that is not used up stays where
 * there is no other. */
static void
keeper_read_again(struct keeper *k)
{
	const char *path = k->settings->value[AGENT_SECRET_FILE];
	struct renew_config cfg;
	struct refusal why = { 0 };
	struct buf none;
	int ret;

	if (path == NULL || strcmp(path, "-") == 0)
		return;
	keeper_look_at_secret(path);
	ret = keeper_config(k, &cfg, &why);
	if (ret < 0) {
		log_msg(LOG_ERROR, NULL, "secret-file is not read again: %s",
		    why.detail[0] != '\0' ? why.detail : camca_strerror(ret));
		settings_fini(&cfg);
		return;
	}
	if (cfg.secret.len == 0) {
		none = cfg.secret;
		cfg.secret = k->cfg.secret;
		k->cfg.secret = none;
	}
	settings_fini(&k->cfg);
	k->cfg = cfg;
}

static void *
keeper_thread(void *arg)
{
	struct keeper *k = arg;
	struct state st = { 0 };
	bool asked = false;

	state_load(&st, k->dir);
	while (keeper_wait(k, keeper_pause(&st), &asked)) {
		if (asked)
			keeper_read_again(k);
		(void)run_cycle(&k->cfg, &camca_ctx_system, asked, &st);
		keeper_take(k);
	}
	return NULL;
}

/* ---- start and stop ---- */

/* Two programs with one certificate would share its jobs, and each renew it. */
static int
keeper_lock(struct keeper *k, struct refusal *why)
{
	const char *dir = k->settings->value[AGENT_DIR];

	k->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->dir_fd < 0)
		return refuse(why, CAMCA_EIO, 500, "agent.dir", "%s cannot be "
		    "opened: %s.", dir, strerror(errno));
	if (flock(k->dir_fd, LOCK_EX | LOCK_NB) != 0)
		return refuse(why, CAMCA_EBUSY, 409, "agent.running",
		    "Another camca-agent works in %s: stop it, or give this "
		    "one an id and a folder of its own.", dir);
	return CAMCA_OK;
}

/* What may help somebody whose agent got no certificate. */
static void
keeper_hint(const struct keeper *k, enum renew_exit code,
    char *out, size_t len)
{
	const char *path = k->settings->value[AGENT_SECRET_FILE];

	out[0] = '\0';
	if (code == RENEW_TRUST)
		snprintf(out, len, " The settings trust and trust-fingerprint "
		    "name the root: camca ca certificate root.");
	if (code != RENEW_REFUSED)
		return;
	if (path == NULL)
		snprintf(out, len, " No secret-file is set: camca enroll "
		    "secret %.64s makes a secret.",
		    k->settings->value[AGENT_ID]);
	else if (strcmp(path, "-") != 0 && access(path, R_OK) != 0)
		snprintf(out, len, " The secret-file %.200s cannot be read: "
		    "%s.", path, strerror(errno));
	else
		snprintf(out, len, " Check id, and url; camca enroll secret "
		    "%.64s makes a new secret.",
		    k->settings->value[AGENT_ID]);
}

/* A first cycle; what counts is that there is a pair afterwards. */
static int
keeper_begin(struct keeper *k, struct refusal *why)
{
	struct state st = { 0 };
	enum renew_exit code;
	char hint[400];
	int ret;

	keeper_look_at_secret(k->settings->value[AGENT_SECRET_FILE]);
	code = run_cycle(&k->cfg, &camca_ctx_system, true, &st);
	ret = ident_load(&k->now, k->dir);
	if (ret == CAMCA_OK)
		return ret;
	if (code == RENEW_DONE)
		return refuse(why, ret, 500, "agent.identity", "The pair in "
		    "%s cannot be used: %s.", k->dir, camca_strerror(ret));
	keeper_hint(k, code, hint, sizeof hint);
	return refuse(why, code == RENEW_RETRY || code == RENEW_PENDING ?
	    CAMCA_EIO : CAMCA_EAUTH, 401, "agent.identity", "There is no "
	    "certificate of our own to work with: %s%s", st.last_error, hint);
}

int
keeper_open(struct keeper **out, const struct agent_settings *s,
    struct refusal *why)
{
	struct keeper *k = calloc(1, sizeof *k);
	int ret;

	if (k == NULL)
		return CAMCA_ENOMEM;
	k->settings = s;
	k->dir_fd = -1;
	pthread_mutex_init(&k->lock, NULL);
	mono_cond_init(&k->change);
	ret = file_join(k->dir, sizeof k->dir, s->value[AGENT_DIR],
	    "identity");
	if (ret == CAMCA_OK)
		ret = keeper_lock(k, why);
	if (ret == CAMCA_OK)
		ret = keeper_config(k, &k->cfg, why);
	if (ret == CAMCA_OK)
		ret = keeper_begin(k, why);
	if (ret == CAMCA_OK) {
		k->started = pthread_create(&k->thread, NULL, keeper_thread,
		    k) == 0;
		ret = k->started ? CAMCA_OK : CAMCA_ENOMEM;
	}
	if (ret < 0) {
		keeper_close(k);
		return ret;
	}
	*out = k;
	return CAMCA_OK;
}

void
keeper_close(struct keeper *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->stopping = true;
	pthread_cond_broadcast(&k->change);
	pthread_mutex_unlock(&k->lock);
	if (k->started)
		pthread_join(k->thread, NULL);
	ident_free(k->now);
	settings_fini(&k->cfg);
	if (k->dir_fd >= 0)
		close(k->dir_fd);
	pthread_cond_destroy(&k->change);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
