/* SPDX-License-Identifier: Apache-2.0 */
/* camcad: one context, one table of operations, one socket. */
#ifndef CAMCA_AUTHORITY_AUTHORITY_H
#define CAMCA_AUTHORITY_AUTHORITY_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ca/admit/admit.h"
#include "ca/admit/rev_rules.h"
#include "ca/authority/ocsp.h"
#include "ca/base/buf.h"
#include "ca/base/config.h"
#include "ca/base/ctx.h"
#include "ca/base/refusal.h"
#include "ca/custody/event.h"
#include "ca/issue/ca.h"
#include "ca/issue/keycheck.h"
#include "ca/issue/profile.h"
#include "ca/job/guard.h"
#include "ca/job/rules.h"
#include "ca/store/store.h"
#include "ca/vault/vault.h"
#include "hsm/hsm.h"

/* The policy files as loaded: an immutable snapshot, counted. */
struct policies {
	struct profile_set profiles;
	struct level_set levels;
	struct rev_rules revocation;
	struct job_rules jobs;
	struct password_rules passwords;
	struct keycheck *keys;         /* known weak keys */
	uint8_t sha256[32];
	char hex[65];
	int refs;
};

/* Refusals of strangers since the last minute (refusals.c). */
#define REFUSAL_SUMS 128
struct refusal_sum {
	char rule[64], op[24];
	int64_t written;               /* events of their own; 0: free */
	int64_t summed;
	int64_t since_ms, until_ms;
};
struct refusals {
	pthread_mutex_t lock;          /* guards sums */
	struct refusal_sum sums[REFUSAL_SUMS];
	struct refusal_sum flushing[REFUSAL_SUMS];  /* of the flush alone */
};

struct authority {
	struct config conf;
	const struct camca_ctx *ctx;
	struct store *store;
	struct hsm *hsm;
	struct event_source events;
	pthread_mutex_t lock;          /* guards the four below */
	struct policies *policies;
	struct ca_set *cas;
	int64_t clock_high_ms;         /* latest time seen; time may not fall behind */
	bool clock_complained;
	pthread_mutex_t rollover;      /* one change of CAs at a time */
	struct refusals refusals;
	struct ocsp_side ocsp;
	bool locked;                   /* lock_fd keeps a second camcad out */
	int lock_fd;
	uid_t gate_uid;                /* (uid_t)-1: no such user */
	uid_t operator_uids[CONFIG_NAMES_MAX];
	size_t noperators;
	char crl_dir[320];             /* STATE/crl */
	struct publisher *publisher;   /* publisher.h; NULL: not started */
	struct feed *feed;             /* feed.h; NULL: no gate is served */
	struct sequencer *sequencer;   /* sequencer.h; NULL: not started */
	struct signer *signer;         /* signer.h; NULL: not started */
	struct anchor *anchor;         /* anchor.h; NULL: not started */
	struct guard *guard;           /* guard.h */
	int64_t plan_after;            /* job_tick.c: where it goes on */
	struct vault *vault;           /* vault.h; open for as long as store */
};

/* ---- snapshot.c: what workers read; each get needs its put. Any thread. ---- */
struct policies *authority_policies(struct authority *a);
void authority_policies_put(struct authority *a, struct policies *p);
struct ca_set *authority_cas(struct authority *a);
void authority_cas_put(struct authority *a, struct ca_set *set);
/* Reads the policy folder anew and publishes it; on a mistake the old
 * snapshot stays and why says file and line. */
CAMCA_MUST int authority_load_policies(struct authority *a,
    const char *actor, struct refusal *why);
/* Reads folder dir into a snapshot of its own, for policy.check and start. */
CAMCA_MUST int policies_read(const char *dir, struct policies **out,
    struct refusal *why);
void policies_free(struct policies *p);
/* Loads the issuers of the store and publishes them. */
CAMCA_MUST int authority_load_cas(struct authority *a, struct refusal *why);

/* ---- clock.c ---- */
/* Time for decisions. CAMCA_ETIME (503 "system.clock-back") where the clock is
 * more than five minutes behind the latest time seen: certificates would begin
 * before those already issued. Writes an event the first time. */
CAMCA_MUST int authority_now(struct authority *a, int64_t *now_ms,
    struct refusal *why);
/* Start: reads the stored mark. Later, about each minute: stores it. */
CAMCA_MUST int clock_load(struct authority *a);
CAMCA_MUST int clock_store(struct authority *a);
/* An operator says that the clock is right now: forgets the mark, and what jobs
 * have of later times counts as of now. */
CAMCA_MUST int clock_accept(struct authority *a);

/* ---- open.c: start and stop ---- */
/* Opens HSM, store, policies and CAs by a->conf (config_load done before). */
CAMCA_MUST int authority_open(struct authority *a, struct refusal *why);
void authority_close(struct authority *a);
/* hsm_open as the settings say. */
CAMCA_MUST int authority_open_hsm(struct authority *a, struct refusal *why);
/* Makes a->vault and its key, where there is none yet. Without the key cameras
 * get their certificates all the same: that is logged, and the vault looks
 * again at each use. CAMCA_ENOMEM. */
CAMCA_MUST int authority_open_vault(struct authority *a);
/* store_open as the settings say. */
CAMCA_MUST int authority_open_store(struct authority *a, bool create,
    struct refusal *why);

/* ---- dispatch.c ---- */
/* ROLE_FEED: who came to status.sock, whoever that is. ROLE_LOG: the gate, while
 * the settings let it serve the custody log; dispatch() alone gives it. */
enum caller_role { ROLE_OPERATOR = 1, ROLE_GATE = 2, ROLE_FEED = 4,
	ROLE_LOG = 8 };

struct caller {
	unsigned roles;                /* enum caller_role bits */
	uid_t uid;
	char actor[32];                /* as events name it: "uid:0", "gate" */
};

/* ARG_WORDS: text that is not blank, such as a reason for the record. */
enum op_type { ARG_END, ARG_TEXT, ARG_INT, ARG_BOOL, ARG_BASE64, ARG_LIST,
	ARG_OBJECT, ARG_WORDS };
struct op_arg {
	const char *name;
	enum op_type type;
	bool required;
	int64_t max;                   /* bytes, or largest number */
	const char *help;
};

/* State of one connection that lives longer than one call. */
struct session {
	pthread_mutex_t lock;
	struct buf upload;             /* device.import in chunks */
	struct feed_conn *feed;        /* of status.sock, else NULL */
	struct bundle *bundle;         /* bundle.h: being sent, or NULL */
};

struct op_call {
	struct authority *a;
	const struct op *op;
	const struct caller *caller;
	struct session *session;
	json_t *args;                  /* borrowed, checked against op->args */
	json_t *result;                /* set by the handler */
	struct refusal why;            /* or this, with a negative return */
};

struct op {
	const char *name;              /* "device.add" */
	unsigned callers;              /* enum caller_role bits */
	bool writes;
	int (*handler)(struct op_call *c);
	const struct op_arg *args;     /* ended by ARG_END */
	const char *help;
};

extern const struct op op_table[];     /* ended by a NULL name; ops.c */

/* Runs one frame's payload and returns the answer as malloc'd text, NULL only
 * without memory. Any thread. */
char *dispatch(struct authority *a, const struct caller *caller,
    struct session *session, const uint8_t *payload, size_t n, size_t *len_out);

/* ---- args.c: reading checked arguments ---- */
/* Borrowed text, NULL where the argument is absent. */
const char *arg_text(const struct op_call *c, const char *name);
int64_t arg_int(const struct op_call *c, const char *name, int64_t dflt);
bool arg_bool(const struct op_call *c, const char *name, bool dflt);
/* Decodes base64 into out (appended). CAMCA_EINVAL, 400 "request.argument". */
CAMCA_MUST int arg_base64(struct op_call *c, const char *name,
    struct buf *out);
/* Adds "name": RFC 3339 time, or null for 0. */
void json_set_time(json_t *o, const char *name, int64_t ms);
/* Adds "name": lower-case hex. */
void json_set_hex(json_t *o, const char *name, const uint8_t *p, size_t n);
/* Adds "name": base64. */
void json_set_base64(json_t *o, const char *name, const uint8_t *p, size_t n);
/* Writes one refusal event of its own, best effort: a failure is logged. */
void authority_refused(struct authority *a, const char *type,
    const char *device, const char *actor, const char *op, const char *label,
    const struct refusal *why);
/* The same for one whose device is not known; many are written as a sum
 * (refusals.c). */
void authority_refused_stranger(struct authority *a, const char *type,
    const char *actor, const char *op, const char *label,
    const struct refusal *why);
/* Writes the sums. About each minute and at the end, from one thread at a
 * time. */
void authority_refusals_flush(struct authority *a);
/* Puts one event in its own transaction. */
CAMCA_MUST int authority_event(struct authority *a, struct event *e);

/* Paged lists: {"items":[…],"next":"…"}. */
struct page {
	json_t *items;
	int64_t limit;
	char next[STORE_ID_MAX];       /* set by the row function */
};
void page_begin(const struct op_call *c, struct page *p);
/* Numeric form of "after"; CAMCA_EINVAL where it is no number. */
CAMCA_MUST int page_after(struct op_call *c, int64_t *out);
/* Hands the page over as c->result. */
CAMCA_MUST int page_end(struct op_call *c, struct page *p);

/* ---- server.c ---- */
/* Serves STATE/run/authority.sock until stop becomes true (set it and write to
 * the wake descriptor). ready_fd >= 0: "ready\n" is written when it listens. */
CAMCA_MUST int server_run(struct authority *a, int ready_fd, int wake_fd);

/* ---- init.c: the ceremony ---- */
struct init_options {
	struct config conf;
	bool rsa;                      /* an RSA issuing CA beside the EC one */
	const char *policies_from;     /* folder copied to conf.policies */
};
CAMCA_MUST int authority_init(struct authority *a,
    const struct init_options *o, struct refusal *why);

/* ---- timer.c ---- */
/* Work of the clock: superseded certificates, expired queue entries, the time
 * mark. Called about each minute from one thread. */
void authority_tick(struct authority *a);

/* ---- op_crl.c ---- */
/* Starts the thread that publishes CRLs (publisher_stop(a->publisher) ends it).
 * After authority_open(). */
CAMCA_MUST int authority_publish(struct authority *a, struct refusal *why);

/* Addresses inside certificates issued by ca; each has room for 400 bytes. */
void authority_urls(const struct authority *a, const struct ca *ca,
    char crl_url[static 400], char issuer_url[static 400],
    char ocsp_url[static 400]);

#endif
