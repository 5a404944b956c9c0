/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors: others that remember our checkpoints, so that no two histories can be
 * shown. Witnesses (C2SP tlog-witness) cosign each checkpoint that extends the
 * one before; time-stamping authorities (RFC 3161) say when one existed. All is
 * decided and checked here; a courier outside of this process (camca-anchor)
 * only carries bytes: it asks anchor_next() for work and hands what it got to
 * anchor_done(). What others do not do is an alarm and never holds up the log.
 *
 * Witnesses are asked in rounds: all of them about the same checkpoint, always
 * the newest when a round begins, so that a quorum meets on one. */
#ifndef CAMCA_CUSTODY_ANCHOR_H
#define CAMCA_CUSTODY_ANCHOR_H

#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/config.h"
#include "ca/custody/event.h"
#include "ca/custody/tlog.h"
#include "ca/store/store_log_anchor.h"
#include "ca/store/store_log_sign.h"

#define ANCHOR_FLIGHTS 16              /* requests under way at a time */
#define ANCHOR_ID_LEN 32               /* hex digits of a request's name */
#define ANCHOR_WAIT_MAX_MS 1000
#define ANCHOR_URL_MAX 300

struct anchor_conf {
	struct store *store;
	const struct event_source *src;
	const char *dir;               /* policies/custody: policy.tlog, NAME.pem */
	const struct config_tsa *tsas;
	size_t ntsas;
	int64_t timestamp_ms;          /* between two stamps of a TSA */
	int64_t (*clock_ms)(void *arg);    /* steady; NULL: uptime_ms() */
	void *arg;
	/* What a witness that contradicts has to show (a checkpoint note, as it
	 * came: nothing of it is checked). NULL: it is not asked. */
	void (*shown)(void *arg, const char *witness, const void *note,
	    size_t n);
	void *shown_arg;
};
struct anchor;

/* Reads policy and trust; what cannot be read is an alarm (anchor_list), not a
 * failure. Starts no thread. conf is copied, with dir and tsas; its other pointers
 * outlive it. CAMCA_ENOMEM. */
CAMCA_MUST int anchor_open(struct anchor **out, const struct anchor_conf *conf);
/* No other thread uses it any more. NULL is fine. */
void anchor_close(struct anchor *an);
/* Reads policy and trust anew; of a policy that is wrong the one before stays.
 * an may be NULL. CAMCA_EINVAL … with why. */
CAMCA_MUST int anchor_reload(struct anchor *an, struct refusal *why);
/* There is something new (a checkpoint): who waits looks now. an may be NULL.
 * Any thread. */
void anchor_kick(struct anchor *an);
/* Ends all waits, for good. an may be NULL. */
void anchor_stop(struct anchor *an);

/* ---- the courier's side ---- */
struct anchor_work {
	char id[ANCHOR_ID_LEN + 1];    /* "": nothing to do now */
	char url[ANCHOR_URL_MAX + 96];
	bool get;                      /* GET; else POST of body */
	const char *type;              /* of the body; constant */
	size_t max_bytes;              /* of the answer */
	int timeout_ms;
	struct buf body;               /* anchor_work_fini() */
};
void anchor_work_fini(struct anchor_work *w);
/* The next request to carry out; waits up to wait_ms (one caller at a time,
 * others do not wait). Its name serves once, and only until its time is over.
 * Errors of the store, CAMCA_ENOMEM. Any thread but one inside a transaction. */
CAMCA_MUST int anchor_next(struct anchor *an, int wait_ms,
    struct anchor_work *out);
struct anchor_answer {
	const char *id;
	const char *error;             /* no HTTP answer: why; else NULL */
	int status;
	const char *type;              /* Content-Type, "" where there was none */
	const void *body;
	size_t body_len;
};
/* Looks at what came back. CAMCA_ENOENT (404 "custody.no-such-work") where
 * nobody asked for it; the store's errors. That an answer is bad is no error. */
CAMCA_MUST int anchor_done(struct anchor *an, const struct anchor_answer *a,
    struct refusal *why);

/* ---- everybody else's ---- */
/* Asks all TSAs now about the newest checkpoint, or has them answered already,
 * and waits until each has answered or failed, timeout_ms at the most.
 * *size_out (may be NULL): that checkpoint. CAMCA_ENOENT (409
 * "custody.no-tsa"), CAMCA_ETIME (503 "custody.timestamp") where not one has a
 * stamp for it by then, CAMCA_EBUSY (503) where too many wait. an may be NULL.
 * Any thread but one inside a transaction. */
CAMCA_MUST int anchor_timestamp(struct anchor *an, int timeout_ms,
    int64_t *size_out, struct refusal *why);

enum anchor_kind { ANCHOR_WITNESS, ANCHOR_TSA };
/* FAILING: no answer, or none that is of use. CONTRADICTS: the witness knows
 * another history, or a longer one, than ours: a person must look. */
enum anchor_state_is { ANCHOR_UNKNOWN, ANCHOR_ANSWERING, ANCHOR_FAILING,
	ANCHOR_CONTRADICTS };
/* "answering" … as in the event custody.witness. */
const char *anchor_state_name(enum anchor_state_is is);
struct anchor_state {
	enum anchor_kind kind;
	enum anchor_state_is is;
	char name[STORE_WITNESS_MAX];  /* key name of a witness; a TSA's name */
	char url[ANCHOR_URL_MAX];
	int64_t size;                  /* newest checkpoint it has seen; -1: none */
	int64_t answered_ms;           /* when; 0: never */
	int64_t time_ms;               /* as it says */
	char failed[STORE_NAME_MAX];   /* why not; "" */
};
/* Each witness that has a URL, then each TSA. an may be NULL: none. Any thread
 * but one inside a transaction. */
CAMCA_MUST int anchor_list(struct anchor *an,
    int (*fn)(const struct anchor_state *s, void *arg), void *arg);

struct anchor_summary {
	bool policy;                   /* there is a policy.tlog in force */
	size_t witnesses, tsas;
	int64_t quorum_size;           /* newest checkpoint with its quorum; -1 */
	int64_t quorum_ms;             /* when it was signed; 0 */
	int64_t waiting_ms;            /* when the first one after it was; 0 */
	int64_t newest_size;           /* newest checkpoint; -1: none */
	int64_t newest_ms;
	int64_t asked_ms;              /* the courier asked so long ago; -1: never */
	char why[REFUSAL_DETAIL_MAX];  /* what is wrong with the files; "" */
};
CAMCA_MUST int anchor_summary(struct anchor *an, struct anchor_summary *out);

/* Appends all cosignature lines that are known of the checkpoint of that size. */
CAMCA_MUST int custody_cosigs(struct tx *tx, int64_t size, struct buf *out);
/* The newest checkpoint that the policy's quorum has signed, its note with all
 * cosignature lines; without a policy, or with "quorum none", simply the newest;
 * none where policy.tlog is there and was wrong from the start on.
 * Looks at the last 256 that have cosignatures. CAMCA_ENOENT. Free with
 * store_checkpoint_free. an may be NULL. */
CAMCA_MUST int anchor_checkpoint(struct tx *tx, struct anchor *an,
    struct checkpoint_row *out);
/* Appends the text of policy.tlog in force; CAMCA_ENOENT. an may be NULL. */
CAMCA_MUST int anchor_policy_text(struct anchor *an, struct buf *out);
/* Appends the PEM that a TSA is trusted by; CAMCA_ENOENT. an may be NULL. */
CAMCA_MUST int anchor_tsa_trust(struct anchor *an, const char *tsa,
    struct buf *out);

#endif
