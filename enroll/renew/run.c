/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/run.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/renew/cycle.h"
#include "enroll/renew/hook.h"
#include "enroll/renew/schedule.h"

#define RUN_CLOCK_SLACK_MS (300 * INT64_C(1000))
#define RUN_LOOK_AGAIN_MS (3600 * INT64_C(1000))
#define RUN_REFUSED_FAILURES 4u

enum run_action { RUN_NOTHING, RUN_ENROLL, RUN_REENROLL, RUN_WAIT, RUN_FAIL };

/* Four random bytes; where the generator fails, the clock's low bits: they
 * only spread waiting times. */
static uint32_t
cycle_random(const struct cycle *c)
{
	uint8_t b[4];

	if (ctx_random(c->ctx, b, sizeof b) < 0)
		return (uint32_t)c->now_ms;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

static int64_t
run_time_ms(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1) {
		ERR_clear_error();
		return 0;
	}
	return (int64_t)timegm(&tm) * 1000;
}

static void
run_serial(struct state *st, X509 *cert)
{
	AUTO(BIGNUM) *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert),
	    NULL);
	char *hex = bn != NULL ? BN_bn2hex(bn) : NULL;

	snprintf(st->serial, sizeof st->serial, "%s", hex != NULL ? hex : "");
	OPENSSL_free(hex);
}

/* When the pair is due. What an earlier cycle drew stays, so that runs by a
 * timer do not draw until they win. */
static int64_t
run_renew_at(struct cycle *c, int64_t not_before_ms, int64_t not_after_ms)
{
	uint8_t hash[32] = { 0 };

	if (c->st.generation == c->pair.generation &&
	    c->st.not_after_ms == not_after_ms &&
	    c->st.renew_at_ms > not_before_ms &&
	    c->st.renew_at_ms < not_after_ms)
		return c->st.renew_at_ms;
	if (keys_hash(hash, c->pair.key) < 0)
		memset(hash, 0, sizeof hash);
	return schedule_renew_at(not_before_ms, not_after_ms, hash,
	    cycle_random(c));
}

/* Puts the pair's facts into the state. */
static void
run_describe(struct cycle *c)
{
	struct state *st = &c->st;
	int64_t begin, end;

	if (c->key_away)          /* what the last cycle knew still holds */
		return;
	if (!c->has_pair) {
		st->generation = 0;
		st->serial[0] = '\0';
		st->not_before_ms = st->not_after_ms = st->renew_at_ms = 0;
		return;
	}
	begin = run_time_ms(X509_get0_notBefore(c->pair.cert));
	end = run_time_ms(X509_get0_notAfter(c->pair.cert));
	st->renew_at_ms = run_renew_at(c, begin, end);
	st->not_before_ms = begin;
	st->not_after_ms = end;
	st->generation = c->pair.generation;
	run_serial(st, c->pair.cert);
}

/* Loads the pair. A key store that is down is no reason to enroll anew. */
static enum renew_exit
run_load(struct cycle *c)
{
	struct renew_config *cfg = c->cfg;
	EVP_PKEY *pending = NULL;
	int ret;

	ret = install_load(c->in, &cfg->key, &c->pair, &c->why);
	c->has_pair = ret == CAMCA_OK;
	c->key_away = ret == CAMCA_EHSM || ret == CAMCA_EPIN ||
	    ret == CAMCA_ENOMEM;
	if (c->key_away)
		return RENEW_INSTALL;
	if (ret == CAMCA_EINVAL)
		log_msg(LOG_ERROR, NULL, "%s", c->why.detail);
	/* A crash between the switch and the end of the cycle leaves the key
	 * in both places; asking with it again would not be a rekey. */
	if (c->has_pair &&
	    install_pending_load(c->in, &pending) == CAMCA_OK &&
	    EVP_PKEY_eq(pending, c->pair.key) == 1 &&
	    install_pending_drop(c->in) < 0)
		log_msg(LOG_WARN, NULL, "pending key cannot be removed");
	EVP_PKEY_free(pending);
	ERR_clear_error();
	return RENEW_DONE;
}

/* Does a wait of an earlier cycle still run? Times from another clock, which
 * a camera without battery may well have had, do not count. */
static bool
run_waits(const struct cycle *c)
{
	const struct state *st = &c->st;

	return st->exit_code != RENEW_DONE && st->next_attempt_ms > c->now_ms &&
	    st->updated_ms <= c->now_ms + RUN_CLOCK_SLACK_MS &&
	    st->next_attempt_ms - c->now_ms <=
	    SCHEDULE_RETRY_AFTER_MAX_MS * 11 / 10;
}

/* What is due. A pair that does not load is not replaced by guesswork: only a
 * secret or a factory identity makes a new beginning. */
static enum run_action
run_decide_auto(struct cycle *c, bool broken)
{
	const struct renew_config *cfg = c->cfg;
	bool newcomer = cfg->secret.len > 0 || cfg->idevid_cert != NULL;

	if (!c->has_pair)
		return broken && !newcomer ? RUN_FAIL : RUN_ENROLL;
	if (c->now_ms + RUN_CLOCK_SLACK_MS < c->st.not_before_ms) {
		refuse(&c->why, CAMCA_ETIME, 500, "clock.behind",
		    "The clock is before the certificate's notBefore; waiting "
		    "for it to be set.");
		return RUN_WAIT;
	}
	if (c->now_ms >= c->st.not_after_ms && newcomer)
		return RUN_ENROLL;
	return c->now_ms >= c->st.renew_at_ms ? RUN_REENROLL : RUN_NOTHING;
}

static enum run_action
run_decide(struct cycle *c, bool broken)
{
	switch (c->cfg->mode) {
	case RENEW_ENROLL:
		return RUN_ENROLL;
	case RENEW_RENEW:
		if (c->has_pair)
			return RUN_REENROLL;
		if (!broken)
			refuse(&c->why, CAMCA_ENOENT, 500, "install.none",
			    "Nothing is installed in %s that could be renewed.",
			    install_dir(c->in));
		return RUN_FAIL;
	default:
		return run_decide_auto(c, broken);
	}
}

/* The hook runs once for each generation, also where a crash or a failure
 * came between the switch and it. */
static enum renew_exit
run_hook(struct cycle *c)
{
	const struct renew_config *cfg = c->cfg;

	if (cfg->hook == NULL || !c->has_pair ||
	    install_hook_done(c->in) == c->pair.generation)
		return RENEW_DONE;
	if (hook_run(cfg->hook, install_dir(c->in), c->pair.generation,
	    cfg->hook_timeout_ms) < 0) {
		refuse(&c->why, CAMCA_EIO, 500, "hook.failed",
		    "The pair is installed, but the hook failed.");
		return RENEW_HOOK;
	}
	if (install_hook_set(c->in, c->pair.generation) < 0)
		log_msg(LOG_WARN, NULL, "hook-done cannot be written");
	return RENEW_DONE;
}

/* When to come back. */
static int64_t
run_next(struct cycle *c, enum renew_exit code)
{
	unsigned failures = c->st.failures;
	int64_t left = c->has_pair ? c->st.not_after_ms - c->now_ms : -1;

	if (code == RENEW_DONE)
		return c->has_pair ? c->st.renew_at_ms : 0;
	if ((code == RENEW_PENDING || code == RENEW_RETRY) &&
	    c->why.retry_after_s > 0)
		return c->now_ms + schedule_retry_after_ms(
		    c->why.retry_after_s, cycle_random(c));
	/* Asking again soon does not turn a refusal round, nor hurry a
	 * decision; and a token counts wrong PINs. */
	if (code == RENEW_REFUSED || code == RENEW_PENDING ||
	    code == RENEW_INSTALL)
		failures += RUN_REFUSED_FAILURES;
	if (c->has_pair && left < 0)
		left = -1;        /* expired: no hurry is left to be in */
	return c->now_ms + schedule_backoff_ms(failures, left,
	    cycle_random(c));
}

static bool
run_same(const struct state *a, const struct state *b)
{
	return a->exit_code == b->exit_code && a->generation == b->generation &&
	    a->not_after_ms == b->not_after_ms &&
	    a->not_before_ms == b->not_before_ms &&
	    a->renew_at_ms == b->renew_at_ms &&
	    a->next_attempt_ms == b->next_attempt_ms &&
	    a->failures == b->failures && strcmp(a->serial, b->serial) == 0 &&
	    strcmp(a->last_error, b->last_error) == 0;
}

/* Closes the books of a cycle. An unchanged status is not written again: flash
 * wears out. */
static void
run_record(struct cycle *c, const struct state *before, enum renew_exit code)
{
	struct state *st = &c->st;

	run_describe(c);
	st->exit_code = code;
	st->failures = code == RENEW_DONE || code == RENEW_PENDING ? 0 :
	    before->failures + (before->failures < 1000000);
	st->next_attempt_ms = run_next(c, code);
	/* Nobody says a word where memory runs out. */
	snprintf(st->last_error, sizeof st->last_error, "%s",
	    code == RENEW_DONE ? "" : c->why.detail[0] != '\0' ?
	    c->why.detail : camca_strerror(CAMCA_ENOMEM));
	if (run_same(st, before))
		return;
	st->updated_ms = c->now_ms;
	if (state_save(st, install_dir(c->in)) < 0)
		log_msg(LOG_WARN, NULL, "status file cannot be written");
}

static enum renew_exit
run_act(struct cycle *c, enum run_action action)
{
	enum renew_exit code = RENEW_DONE;

	if (action == RUN_FAIL)
		return RENEW_INSTALL;
	if (action == RUN_WAIT)
		return RENEW_RETRY;
	if (action != RUN_NOTHING) {
		memset(&c->why, 0, sizeof c->why);
		code = fetch_pair(c, action == RUN_REENROLL);
		if (code == RENEW_DONE) {
			run_describe(c);
			log_msg(LOG_NOTE, NULL, "generation %u installed, "
			    "serial %s", c->st.generation, c->st.serial);
			/* Used up; a copy in memory serves nobody. */
			buf_cleanse(&c->cfg->secret);
		}
	}
	return code == RENEW_DONE ? run_hook(c) : code;
}

/* An exit code that nothing explains would send people to the network. */
static void
run_say_wait(const struct state *st)
{
	char at[CTX_TIME_LEN];

	ctx_time_format(at, st->next_attempt_ms);
	log_msg(LOG_NOTE, state_word(st->exit_code), "Waits until %s (enroll, "
	    "renew or SIGHUP try at once). Last try: %s", at, st->last_error);
}

/* One cycle while the folder is ours. */
static enum renew_exit
run_locked(struct cycle *c, bool now_please)
{
	struct state before = c->st;
	enum renew_exit code;
	enum run_action action;

	code = run_load(c);
	if (code == RENEW_DONE) {
		bool broken = c->why.http != 0;

		run_describe(c);
		if (c->cfg->mode == RENEW_AUTO && !now_please && run_waits(c)) {
			run_say_wait(&c->st);
			return c->st.exit_code;
		}
		action = run_decide(c, broken);
		code = run_act(c, action);
	}
	run_record(c, &before, code);
	if (code != RENEW_DONE)
		log_msg(code == RENEW_PENDING ? LOG_NOTE : LOG_ERROR,
		    state_word(code), "%s", c->st.last_error);
	return code;
}

enum renew_exit
run_cycle(struct renew_config *cfg, const struct camca_ctx *ctx,
    bool now_please, struct state *out)
{
	struct cycle c = { .cfg = cfg, .ctx = ctx, .now_ms = ctx_now_ms(ctx) };
	enum renew_exit code;
	int ret;

	state_load(&c.st, cfg->dir);
	ret = install_open(&c.in, cfg->dir, &c.why);
	if (ret < 0) {
		log_msg(LOG_ERROR, NULL, "%s", ret == CAMCA_ENOMEM ?
		    camca_strerror(ret) : c.why.detail);
		code = ret == CAMCA_EBUSY || ret == CAMCA_ENOMEM ?
		    RENEW_RETRY : RENEW_INSTALL;
	} else {
		state_load(&c.st, cfg->dir);   /* now under the lock */
		code = run_locked(&c, now_please);
	}
	*out = c.st;
	install_pair_fini(&c.pair);
	install_close(c.in);
	return code;
}

enum renew_exit
run_daemon(struct renew_config *cfg, const struct camca_ctx *ctx,
    const struct run_waiter *waiter)
{
	enum run_wake wake = RUN_DUE;
	enum renew_exit code;
	struct state st;
	int64_t now, until;

	for (;;) {
		code = run_cycle(cfg, ctx, wake == RUN_NOW, &st);
		now = ctx_now_ms(ctx);
		until = st.next_attempt_ms;
		/* At least once an hour: somebody may have changed the files,
		 * or set the clock without telling. */
		if (until <= now)
			until = now + SCHEDULE_BACKOFF_MIN_MS;
		if (until > now + RUN_LOOK_AGAIN_MS)
			until = now + RUN_LOOK_AGAIN_MS;
		wake = waiter->wait(waiter->arg, until);
		if (wake == RUN_END)
			return code;
	}
}
