/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "hsm/internal.h"

int64_t
session_clock(void *arg)
{
	(void)arg;
	return mono_ms();
}

void
session_set_clock(struct hsm *h, int64_t (*now_ms)(void *), void *arg)
{
	h->now_ms = now_ms;
	h->now_arg = arg;
}

bool
session_is_up(struct hsm_token *t)
{
	bool up;

	pthread_mutex_lock(&t->h->lock);
	up = t->state == HSM_UP;
	pthread_mutex_unlock(&t->h->lock);
	return up;
}

/* Waits for a change until deadline (CLOCK_MONOTONIC); false: time is up. */
static bool
session_wait(struct hsm *h, const struct timespec *deadline)
{
	return pthread_cond_timedwait(&h->changed, &h->lock, deadline) !=
	    ETIMEDOUT;
}

/* Under lock, state HSM_LOADING is ours: nobody is inside any more, or some
 * call hangs in the module and loading must be left for later. */
static bool
session_drain(struct hsm_token *t, const struct timespec *deadline)
{
	while (t->users > 0)
		if (!session_wait(t->h, deadline) && t->users > 0)
			return false;
	return true;
}

static bool
session_log_busy(const struct hsm *h)
{
	const struct hsm_token *log = &h->tokens[HSM_LOG];

	return log->users > 0 || log->state == HSM_LOADING;
}

/* Under lock, the main token's HSM_LOADING is ours, which keeps new callers out
 * of the log token too: whether the module may be finalized for all that goes
 * on there. Not waited for as long: it may hang, and the CAs wait here. */
static bool
session_drain_log(struct hsm *h)
{
	struct timespec soon = mono_after(h->wait_ms / HSM_LOG_SHARE);

	while (session_log_busy(h))
		if (!session_wait(h, &soon) && session_log_busy(h))
			return false;
	return true;
}

/* Nothing is issued without the one; only the log waits for the other. */
static int
session_log_level(const struct hsm_token *t)
{
	return t == &t->h->tokens[HSM_LOG] ? LOG_WARN : LOG_ERROR;
}

/* Under lock: the outcome of a load, for all who wait; err as they get it. */
static int
session_loaded(struct hsm_token *t, int err, const struct refusal *why)
{
	struct hsm *h = t->h;

	/* "No such token" was for hsm_open; now it is a lost one. */
	if (err == CAMCA_ENOENT || err == CAMCA_ECONFLICT)
		err = CAMCA_EHSM;
	t->state = err == CAMCA_OK ? HSM_UP : HSM_LOST;
	t->next_try_ms = h->now_ms(h->now_arg) + HSM_RETRY_MS;
	/* Once a change, not once a second for a night. */
	if (err < 0 && strcmp(why->code, t->last_why.code) != 0)
		log_msg(session_log_level(t), "hsm", "%s", why->detail);
	else if (err == CAMCA_OK && (t->epoch > 0 || t->last_err < 0))
		log_msg(LOG_NOTE, "hsm", "token %s is open again",
		    t->names.label);
	if (err == CAMCA_OK)
		t->epoch++;
	t->last_err = err;
	t->last_why = *why;
	pthread_cond_broadcast(&h->changed);
	return err;
}

/* Under lock, the main token's HSM_LOADING is ours and nobody is inside either
 * token: the lock is left meanwhile. */
static int
session_load_module(struct hsm *h, struct refusal *why)
{
	struct hsm_token *log = &h->tokens[HSM_LOG];
	struct timespec seen;
	int err;

	/* Sessions die with the module; the next caller logs in again. */
	h->tokens[HSM_MAIN].n_pool = log->n_pool = 0;
	log->state = HSM_LOST;
	log->next_try_ms = 0;
	pthread_mutex_unlock(&h->lock);
	seen = softhsm_changed(h->soft_tokens);
	token_unload(h);
	err = token_load(h, why);
	pthread_mutex_lock(&h->lock);
	h->soft_seen = seen;
	return err;
}

/* Under lock, HSM_LOADING of t is ours and nobody is inside t: the lock is left
 * meanwhile. */
static int
session_login(struct hsm_token *t, struct refusal *why)
{
	int err;

	t->n_pool = 0;
	pthread_mutex_unlock(&t->h->lock);
	err = token_reopen(t, why);
	pthread_mutex_lock(&t->h->lock);
	return err;
}

/* Under lock, t is lost: opens it again unless that was tried a moment ago. For
 * the log token the main one is open. */
static int
session_reload(struct hsm_token *t, const struct timespec *deadline)
{
	struct hsm *h = t->h;
	struct refusal why = { 0 };
	int err;

	if (h->now_ms(h->now_arg) < t->next_try_ms)
		return t->last_err < 0 ? t->last_err : CAMCA_EHSM;
	t->state = HSM_LOADING;
	if (!session_drain(t, deadline))
		err = refuse(&why, CAMCA_EHSM, 503, "hsm.hangs",
		    "A call to the token does not return.");
	else if (t == &h->tokens[HSM_MAIN] && session_drain_log(h))
		err = session_load_module(h, &why);
	else
		err = session_login(t, &why);
	return session_loaded(t, err, &why);
}

/* Under lock, left meanwhile: whether the folder of SoftHSM's tokens is another
 * one than the module has seen. */
static bool
session_soft_changed(struct hsm *h, struct timespec *now_out)
{
	if (h->soft_tokens == NULL)
		return false;
	pthread_mutex_unlock(&h->lock);
	*now_out = softhsm_changed(h->soft_tokens);
	pthread_mutex_lock(&h->lock);
	return now_out->tv_sec != 0 &&
	    (now_out->tv_sec != h->soft_seen.tv_sec ||
	    now_out->tv_nsec != h->soft_seen.tv_nsec);
}

/* Under lock, the log token did not open: true where the module was loaded
 * again for its sake, and it is worth another try. Who signs with the main
 * token waits for as long as that takes with SoftHSM. A call that hangs there
 * makes them wait once for a change of the folder, and the module stays. */
static bool
session_refresh(struct hsm *h)
{
	struct hsm_token *m = &h->tokens[HSM_MAIN];
	struct timespec soon = mono_after(h->wait_ms / HSM_LOG_SHARE);
	struct refusal why = { 0 };
	struct timespec now;

	if (!session_soft_changed(h, &now) || m->state != HSM_UP ||
	    session_log_busy(h))
		return false;
	m->state = HSM_LOADING;
	if (session_drain(m, &soon))
		return session_loaded(m, session_load_module(h, &why),
		    &why) == CAMCA_OK;
	h->soft_seen = now;
	m->state = HSM_UP;
	pthread_cond_broadcast(&h->changed);
	return false;
}

/* Under lock: t is HSM_UP after it, whoever opened it, or an error. */
static int
session_open(struct hsm_token *t, const struct timespec *deadline)
{
	struct hsm *h = t->h;
	struct hsm_token *m = &h->tokens[HSM_MAIN];
	int err;

	for (;;) {
		if (m->state == HSM_LOADING || t->state == HSM_LOADING) {
			if (!session_wait(h, deadline) &&
			    (m->state == HSM_LOADING ||
			    t->state == HSM_LOADING))
				return CAMCA_EHSM;
		} else if (t->state == HSM_UP) {
			return CAMCA_OK;
		} else if (m->state == HSM_LOST) {
			if ((err = session_reload(m, deadline)) < 0)
				return err;
		} else if ((err = session_reload(t, deadline)) < 0 &&
		    !session_refresh(h)) {
			return err;
		}
	}
}

/* Through the gate, or not: then why says what is wrong with the token. */
static int
session_enter(struct hsm_token *t, const struct timespec *deadline,
    struct refusal *why)
{
	struct hsm *h = t->h;
	const struct hsm_token *blame = &h->tokens[HSM_MAIN];
	int err;

	pthread_mutex_lock(&h->lock);
	err = session_open(t, deadline);
	if (blame->state == HSM_UP)
		blame = t;
	if (err == CAMCA_OK)
		t->users++;
	else if (why != NULL && blame->last_why.http != 0)
		*why = blame->last_why;
	pthread_mutex_unlock(&h->lock);
	if (err < 0 && why != NULL && why->http == 0)
		refuse(why, err, 503, "hsm.token-lost",
		    "The token is lost and not back yet.");
	return err;
}

int
session_open_log(struct hsm *h, struct refusal *why)
{
	struct timespec deadline = mono_after(h->wait_ms);
	struct hsm_token *t = &h->tokens[HSM_LOG];
	int err = session_enter(t, &deadline, why);

	if (err < 0)
		return err;
	pthread_mutex_lock(&h->lock);
	t->users--;
	t->next_try_ms = 0;   /* as hsm_open leaves the main token */
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return CAMCA_OK;
}

/* A lost token closes the gate; the session of a failed call is not used
 * again, whatever state the module has left it in. */
static void
session_leave(struct hsm_token *t, CK_RV rv)
{
	struct hsm *h = t->h;

	pthread_mutex_lock(&h->lock);
	t->users--;
	if (ckr_is_lost(rv) && t->state == HSM_UP) {
		t->state = HSM_LOST;
		log_msg(session_log_level(t), "hsm",
		    "token %s lost: %s (0x%lx)", t->names.label, ckr_name(rv),
		    rv);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* Waits until a session may be free; CKR_OK: look again. */
static CK_RV
session_wait_free(struct hsm_token *t, const struct timespec *deadline)
{
	bool in_time = true;

	pthread_mutex_lock(&t->h->lock);
	if (t->n_pool == 0)
		in_time = session_wait(t->h, deadline);
	pthread_mutex_unlock(&t->h->lock);
	return in_time ? CKR_OK : HSM_RV_TIMEOUT;
}

/* An idle session or a new one. A token with few sessions makes its callers
 * take turns. */
static CK_RV
session_take(struct hsm_token *t, bool rw, const struct timespec *deadline,
    CK_SESSION_HANDLE *out)
{
	struct hsm *h = t->h;
	CK_FLAGS flags = CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0UL);
	bool found = false;
	CK_RV rv;

	for (;;) {
		pthread_mutex_lock(&h->lock);
		if (!rw && t->n_pool > 0) {
			*out = t->pool[--t->n_pool];
			found = true;
		}
		pthread_mutex_unlock(&h->lock);
		if (found)
			return CKR_OK;
		rv = h->p11->C_OpenSession(t->slot, flags, NULL, NULL, out);
		if (rv != CKR_SESSION_COUNT || rw)
			return rv;
		if ((rv = session_wait_free(t, deadline)) != CKR_OK)
			return rv;
	}
}

static void
session_give(struct hsm_token *t, bool rw, CK_SESSION_HANDLE s, CK_RV rv)
{
	bool kept = false;

	pthread_mutex_lock(&t->h->lock);
	if (!rw && rv == CKR_OK && t->n_pool < HSM_POOL_MAX) {
		t->pool[t->n_pool++] = s;
		kept = true;
	}
	pthread_mutex_unlock(&t->h->lock);
	if (!kept)
		t->h->p11->C_CloseSession(s);
}

int
session_run(struct hsm_token *t, bool rw, const char *what, session_call call,
    void *arg, struct refusal *why)
{
	struct timespec deadline = mono_after(t->h->wait_ms);
	CK_SESSION_HANDLE s;
	CK_RV rv = CKR_OK;
	int attempt, ret;

	for (attempt = 0; attempt < 2; attempt++) {
		ret = session_enter(t, &deadline, why);
		if (ret < 0)
			return ret;
		rv = session_take(t, rw, &deadline, &s);
		if (rv == CKR_OK) {
			rv = call(t->h, s, arg);
			session_give(t, rw, s, rv);
		}
		session_leave(t, rv);
		if (!ckr_is_lost(rv))
			break;
	}
	/* SoftHSM and libp11 use this process's libcrypto, and its queue. */
	ERR_clear_error();
	return ckr_refuse(rv, what, why);
}
