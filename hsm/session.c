/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "ca/base/log.h"
#include "hsm/internal.h"

int64_t
session_clock(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
session_set_clock(struct hsm *h, int64_t (*now_ms)(void *), void *arg)
{
	h->now_ms = now_ms;
	h->now_arg = arg;
}

bool
session_is_up(struct hsm *h)
{
	bool up;

	pthread_mutex_lock(&h->lock);
	up = h->state == HSM_UP;
	pthread_mutex_unlock(&h->lock);
	return up;
}

/* Waits for a change until deadline (CLOCK_MONOTONIC); false: time is up. */
static bool
session_wait(struct hsm *h, const struct timespec *deadline)
{
	return pthread_cond_timedwait(&h->changed, &h->lock, deadline) !=
	    ETIMEDOUT;
}

static struct timespec
session_deadline(const struct hsm *h)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += h->wait_ms / 1000;
	ts.tv_nsec += h->wait_ms % 1000 * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_nsec -= 1000000000L;
		ts.tv_sec++;
	}
	return ts;
}

/* Under lock, state HSM_LOADING is ours: nobody is inside any more, or some
 * call hangs in the module and loading must be left for later. */
static bool
session_drain(struct hsm *h, const struct timespec *deadline)
{
	while (h->users > 0)
		if (!session_wait(h, deadline) && h->users > 0)
			return false;
	return true;
}

/* Under lock: the outcome of a load, for all who wait. */
static void
session_loaded(struct hsm *h, int err, const struct refusal *why)
{
	h->state = err == CAMCA_OK ? HSM_UP : HSM_LOST;
	h->next_try_ms = h->now_ms(h->now_arg) + HSM_RETRY_MS;
	/* Once a change, not once a second for a night. */
	if (err == CAMCA_OK)
		log_msg(LOG_NOTE, "hsm", "token %s is open again", h->label);
	else if (strcmp(why->code, h->last_why.code) != 0)
		log_msg(LOG_ERROR, "hsm", "%s", why->detail);
	if (err == CAMCA_OK)
		h->epoch++;
	h->last_err = err;
	h->last_why = *why;
	pthread_cond_broadcast(&h->changed);
}

/* Under lock: opens the token again unless that was tried a moment ago. */
static int
session_reload(struct hsm *h, const struct timespec *deadline)
{
	struct refusal why = { 0 };
	int err;

	if (h->now_ms(h->now_arg) < h->next_try_ms)
		return h->last_err < 0 ? h->last_err : CAMCA_EHSM;
	h->state = HSM_LOADING;
	if (!session_drain(h, deadline)) {
		err = refuse(&why, CAMCA_EHSM, 503, "hsm.hangs",
		    "A call to the token does not return.");
	} else {
		h->n_pool = 0;   /* dies with its module */
		pthread_mutex_unlock(&h->lock);
		token_unload(h);
		err = token_load(h, &why);
		/* "No such token" was for hsm_open; now it is a lost one. */
		if (err == CAMCA_ENOENT || err == CAMCA_ECONFLICT)
			err = CAMCA_EHSM;
		pthread_mutex_lock(&h->lock);
	}
	session_loaded(h, err, &why);
	return err;
}

/* Through the gate, or not: then why says what is wrong with the token. */
static int
session_enter(struct hsm *h, const struct timespec *deadline,
    struct refusal *why)
{
	int err = CAMCA_OK;

	pthread_mutex_lock(&h->lock);
	while (h->state == HSM_LOADING && err == CAMCA_OK)
		if (!session_wait(h, deadline) && h->state == HSM_LOADING)
			err = CAMCA_EHSM;
	if (err == CAMCA_OK && h->state == HSM_LOST)
		err = session_reload(h, deadline);
	if (err == CAMCA_OK)
		h->users++;
	else if (why != NULL && h->last_why.http != 0)
		*why = h->last_why;
	pthread_mutex_unlock(&h->lock);
	if (err < 0 && why != NULL && why->http == 0)
		refuse(why, err, 503, "hsm.token-lost",
		    "The token is lost and not back yet.");
	return err;
}

/* A lost token closes the gate; the session of a failed call is not used
 * again, whatever state the module has left it in. */
static void
session_leave(struct hsm *h, CK_RV rv)
{
	pthread_mutex_lock(&h->lock);
	h->users--;
	if (ckr_is_lost(rv) && h->state == HSM_UP) {
		h->state = HSM_LOST;
		log_msg(LOG_ERROR, "hsm", "token %s lost: %s (0x%lx)",
		    h->label, ckr_name(rv), rv);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* Waits until a session may be free; CKR_OK: look again. */
static CK_RV
session_wait_free(struct hsm *h, const struct timespec *deadline)
{
	bool in_time = true;

	pthread_mutex_lock(&h->lock);
	if (h->n_pool == 0)
		in_time = session_wait(h, deadline);
	pthread_mutex_unlock(&h->lock);
	return in_time ? CKR_OK : HSM_RV_TIMEOUT;
}

/* An idle session or a new one. A token with few sessions makes its callers
 * take turns. */
static CK_RV
session_take(struct hsm *h, bool rw, const struct timespec *deadline,
    CK_SESSION_HANDLE *out)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0UL);
	bool found = false;
	CK_RV rv;

	for (;;) {
		pthread_mutex_lock(&h->lock);
		if (!rw && h->n_pool > 0) {
			*out = h->pool[--h->n_pool];
			found = true;
		}
		pthread_mutex_unlock(&h->lock);
		if (found)
			return CKR_OK;
		rv = h->p11->C_OpenSession(h->slot, flags, NULL, NULL, out);
		if (rv != CKR_SESSION_COUNT || rw)
			return rv;
		if ((rv = session_wait_free(h, deadline)) != CKR_OK)
			return rv;
	}
}

static void
session_give(struct hsm *h, bool rw, CK_SESSION_HANDLE s, CK_RV rv)
{
	bool kept = false;

	pthread_mutex_lock(&h->lock);
	if (!rw && rv == CKR_OK && h->n_pool < HSM_POOL_MAX) {
		h->pool[h->n_pool++] = s;
		kept = true;
	}
	pthread_mutex_unlock(&h->lock);
	if (!kept)
		h->p11->C_CloseSession(s);
}

int
session_run(struct hsm *h, bool rw, const char *what, session_call call,
    void *arg, struct refusal *why)
{
	struct timespec deadline = session_deadline(h);
	CK_SESSION_HANDLE s;
	CK_RV rv = CKR_OK;
	int attempt, ret;

	for (attempt = 0; attempt < 2; attempt++) {
		ret = session_enter(h, &deadline, why);
		if (ret < 0)
			return ret;
		rv = session_take(h, rw, &deadline, &s);
		if (rv == CKR_OK) {
			rv = call(h, s, arg);
			session_give(h, rw, s, rv);
		}
		session_leave(h, rv);
		if (!ckr_is_lost(rv))
			break;
	}
	/* SoftHSM and libp11 use this process's libcrypto, and its queue. */
	ERR_clear_error();
	return ckr_refuse(rv, what, why);
}
