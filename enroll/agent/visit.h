/* SPDX-License-Identifier: Apache-2.0 */
/* A visit: one leased job at one camera, step by step, by one thread. Each step
 * looks first and changes only what is not yet as it should be; so it can be
 * taken again after a lost answer, a power cut or a kill, and the camera's
 * true state decides what is left to do. */
#ifndef CAMCA_AGENT_VISIT_H
#define CAMCA_AGENT_VISIT_H

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/ctx.h"
#include "enroll/agent/job.h"
#include "enroll/onvif/driver.h"

#define NOTE_TEXT_MAX 2048

/* What a step may return beside 0 (done) and errors. */
#define VISIT_SKIPPED 1

/* camcad and the world, as a visit meets them; a test puts its own here. */
struct visit_peer {
	/* As post_json(): "report" and "secret". */
	int (*post)(void *arg, const char *what, json_t *body,
	    json_t **answer_out, struct ident **id_out, struct refusal *why);
	/* EST for the camera: csr is DER, pub its key. Errors as est_enroll. */
	int (*est)(void *arg, const char *label, const struct buf *csr,
	    EVP_PKEY *pub, X509 **leaf_out, STACK_OF(X509) **bag_out,
	    struct refusal *why);
	bool (*stopping)(void *arg);   /* the program is to end */
	void (*sleep)(void *arg, int64_t ms);  /* ends early when stopping */
	int64_t (*mono_ms)(void *arg);
	const struct camca_ctx *ctx;
	long camera_ms;                /* one request to the camera */
	int64_t key_ms;                /* the camera makes a key */
	void *arg;
};

/* Carries the job out and tells camcad how it went. Returns how it ended;
 * END_NOT_YET: it was not to go on (stopped, cancelled, lease over), somebody
 * will resume it. Takes job over. */
enum job_end visit_run(const struct visit_peer *peer,
    const struct cam_driver *drv, struct agent_job *job);

/* ---- for the steps alone ---- */

enum leaf_kind {
	LEAF_NONE,                /* no TLS there */
	LEAF_HELD,                /* the certificate on record, or the pinned */
	LEAF_OURS,                /* chains to our CA, names this device, and
	                             is not revoked */
	LEAF_OTHER
};

struct note {
	char code[JOB_CODE_MAX];
	char before[NOTE_TEXT_MAX], after[NOTE_TEXT_MAX],
	    detail[NOTE_TEXT_MAX];
	json_t *extra;            /* members that the report gets, or NULL */
};

/* What is on the camera, as far as this visit has read it. Each request takes a
 * camera's while, so a list is read again only where it may have changed: by
 * something this visit did, or while the camera was away. */
enum visit_list {
	LIST_KEYS = 1, LIST_CERTS = 2, LIST_PATHS = 4, LIST_ASSIGNED = 8,
	LIST_KEYSTORE = 15,
	LIST_ACCOUNTS = 16, LIST_PROTOCOLS = 32, LIST_DISCOVERY = 64,
	LIST_ALL = 127
};

struct visit_lists {
	unsigned known;                /* of enum visit_list: as it is there */
	struct cam_keys keys;
	struct cam_certs certs;
	struct cam_paths paths;
	struct cam_ids assigned;
	struct cam_accounts accounts;
	struct cam_protocols protocols;
	bool discoverable;
};

struct visit {
	const struct visit_peer *peer;
	const struct cam_driver *drv;
	struct agent_job *job;
	struct camera *cam;
	struct cam_env env;
	struct cam_client client;      /* us, in the job's ident */
	struct note note;
	enum job_step step;            /* under way */
	int64_t lease_until_ms;        /* of mono_ms() */
	int64_t told_ms;               /* last report that was heard */
	bool gone;                     /* cancelled or lease over */
	bool critical;                 /* no stop until this is settled */
	bool telling;                  /* inside a report: no heartbeat */

	enum leaf_kind leaf_seen;
	uint8_t served[32];            /* leaf at the beginning, then now */
	uint8_t before[32];            /* leaf at the beginning */
	bool on_tls;                   /* the link is HTTPS, pinned */
	bool open;                     /* the camera asks for no login */
	uint16_t rtsp_port;            /* as the camera tells; 0: not asked */
	struct agent_account *self;    /* logged in as */
	struct cam_time time;
	bool time_known;               /* read a moment ago */
	struct cam_identity identity;
	struct cam_caps caps;
	struct cam_password_rule rule;
	bool rule_known;
	struct visit_lists lists;

	/* the certificate under way */
	const struct agent_label *label;
	enum cam_key_type key_type;
	unsigned key_bits;             /* RSA */
	char key_id[CAM_ID_MAX], cert_id[CAM_ID_MAX], issuer_id[CAM_ID_MAX],
	    path_id[CAM_ID_MAX], old_path[CAM_ID_MAX];
	struct buf csr;
	X509 *leaf, *issuer;
	uint8_t leaf_sha256[32];
	bool replaced;                 /* path_id took old_path's place */
	/* What did not stop the job, but is no success: "" or its name. */
	char finding[JOB_CODE_MAX];
	char finding_text[NOTE_TEXT_MAX];
};

/* A step, and the jobs that take it. */
struct visit_row {
	enum job_step step;
	int (*run)(struct visit *v);
	unsigned jobs;                 /* bits of sequence.c */
	bool critical;                 /* not settled before the next step */
	bool own_reports;              /* tells of itself, with visit_begin() */
};

/* visit.c: a step begins, ends (reports). ret is what the step returned; false:
 * change nothing more. */
void visit_begin(struct visit *v, enum job_step step);
bool visit_done(struct visit *v, int ret);
/* Waits; nonzero: stop. Tells camcad meanwhile that the job lives. */
int visit_wait(struct visit *v, int64_t ms);
/* Told so, or the lease is over. */
bool visit_must_stop(struct visit *v);

/* note.c: appends a sentence to a text of the note, "; " between. */
void visit_before(struct visit *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void visit_after(struct visit *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void visit_detail(struct visit *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds a member to the report; takes value over. */
void visit_extra(struct visit *v, const char *name, json_t *value);
/* A failure by name: returns CAMCA_EPERM. */
int visit_fail(struct visit *v, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A failure of the driver: returns ret. what: "the key pair is made". */
int visit_cam(struct visit *v, int ret, const struct cam_why *why,
    const char *what);
/* A failure of the gate or EST: returns ret. */
int visit_peer_failed(struct visit *v, int ret, const struct refusal *why);
/* What the note tells of is no reason to stop, but the job's end names it. */
void visit_finding(struct visit *v);
/* The report of the step under way; NULL without memory. */
json_t *visit_report_json(struct visit *v, enum job_outcome outcome,
    enum job_end end);
void note_reset(struct note *n);

/* lists.c: what is on the camera. which: bits of enum visit_list; those that
 * are not known are read into v->lists. */
CAMCA_MUST int visit_lists_need(struct visit *v, unsigned which);
/* One of them; a camera that does not tell it is no failure of the step. */
CAMCA_MUST int visit_lists_try(struct visit *v, enum visit_list which,
    struct cam_why *why);
/* May have changed. What was read stays where it is until it is read again. */
void visit_lists_stale(struct visit *v, unsigned which);
/* The path that the camera just said it has made. CAMCA_ENOMEM. */
CAMCA_MUST int visit_lists_add_path(struct visit *v, const char *id,
    const char *alias, const char *const *certs, size_t n);
void visit_lists_fini(struct visit_lists *l);
const struct cam_path *visit_path(const struct visit *v, const char *id);
const struct cam_cert *visit_cert(const struct visit *v, const char *id);
bool visit_assigned(const struct visit *v, const char *path_id);
/* Made by an earlier job of this device, or by this one. */
bool visit_is_ours(const struct visit *v, const char *alias);
bool visit_is_mine(const struct visit *v, const char *alias);
/* Number of the job in an alias of ours, 0 for others. */
int64_t visit_alias_job(const struct visit *v, const char *alias);
/* The path to go back to: the newest of ours before the assigned one, else the
 * only other one. NULL: none. */
const struct cam_path *visit_previous(const struct visit *v);
/* Room for one more object, or nobody told how many fit (max < 0). */
bool visit_has_room(int max, size_t n, size_t more);

/* leaf.c */
enum leaf_kind visit_leaf_judge(const struct visit *v,
    const struct cam_served *s);
/* Does cert chain to the job's trust and name its device? */
bool visit_is_issued(const struct visit *v, X509 *cert, X509 **issuer_out);
/* The root among trust that our own certificate chains to as a TLS client's
 * now; the caller's. NULL: to none. */
X509 *visit_client_root(const struct visit *v);
/* The link becomes HTTPS, pinned to that leaf. */
CAMCA_MUST int visit_pin(struct visit *v, const uint8_t sha256[static 32]);
/* After a change of the served certificate: pins what is served now, where that
 * is one of the two that it may be. A camera that does not answer stays pinned
 * as it was. */
CAMCA_MUST int visit_repin(struct visit *v);
uint16_t visit_https_port(const struct visit *v);

/* login.c */
CAMCA_MUST int visit_login(struct visit *v);
/* Logs in with one of a's passwords; *works_out. CAMCA_EAUTH: budget. */
CAMCA_MUST int visit_try(struct visit *v, struct agent_account *a,
    bool pending, bool *works_out);
unsigned visit_budget_left(const struct visit *v);
/* What the camera may have counted in this visit. */
unsigned visit_failed_logins(const struct visit *v);

/* surface.c: one login of user at surface (NULL: the camera's own API). A "no"
 * is CAMCA_OK; being locked out, the budget and silence are errors. */
CAMCA_MUST int visit_ask(struct visit *v, const struct cam_login *surface,
    const char *user, const char *password, bool *works_out);
/* Whether the new password of a (pending, with the old one as current) works
 * at the other places of the camera too. What does not is a finding. */
void visit_surfaces(struct visit *v, const struct agent_account *a);
/* New pending password for a, by camcad. tighter: 0 what the camera says, 1..
 * ever simpler. */
CAMCA_MUST int visit_secret(struct visit *v, struct agent_account *a,
    unsigned tighter);

/* step_hashing.c: SHA-256 for logins, where the camera can and does not. */
CAMCA_MUST int visit_hashing(struct visit *v, bool *changed);

/* step_client.c: the camera asks for client certificates, where the policy
 * wants it and it can; and no longer, where it is retired. */
CAMCA_MUST int visit_client_auth(struct visit *v, bool *changed);
CAMCA_MUST int visit_client_away(struct visit *v);

/* room.c: deletes what earlier jobs left and nothing uses, after the lists as
 * they are known: who is not sure of them makes them stale before. mine: also
 * what this job made (after a failure); previous: also the path to go back to. What the
 * camera does not let go is told and left. *gone_out (may be NULL): how many
 * objects went. Errors: the camera is away. */
int visit_collect(struct visit *v, bool mine, bool previous,
    unsigned *gone_out);
/* A camera that has no slot left; path: for a path. True: try again. */
bool visit_make_room(struct visit *v, bool path);

/* The steps. */
int step_reach(struct visit *v);
int step_clock(struct visit *v);
int step_observe(struct visit *v);
/* Which key and label fit this camera; sets label, key_type and key_bits. */
int visit_choose_key(struct visit *v);
const char *visit_key_name(const struct visit *v);
int step_key(struct visit *v);
int step_csr(struct visit *v);
int step_certificate(struct visit *v);
int step_upload(struct visit *v);
int step_path(struct visit *v);
int step_assign(struct visit *v);
int step_assign_back(struct visit *v);
int step_assign_away(struct visit *v);
int step_tls(struct visit *v);
int step_tls_back(struct visit *v);
int step_account(struct visit *v);
int step_password(struct visit *v);
int step_crl(struct visit *v);
int step_protocols(struct visit *v);
int step_collect(struct visit *v);
int step_collect_all(struct visit *v);
int step_end(struct visit *v);

/* plan.c: the same, reading only. */
/* Also where a clock is only looked at. */
int plan_clock(struct visit *v);
int plan_key(struct visit *v);
int plan_assign(struct visit *v);
int plan_back(struct visit *v);
int plan_account(struct visit *v);
int plan_password(struct visit *v);
int plan_crl(struct visit *v);
int plan_protocols(struct visit *v);
int plan_collect(struct visit *v);

/* The row that a job takes after r (NULL: its first one); NULL: it is at its
 * end, or there is no such job in this mode. */
const struct visit_row *visit_next(enum job_kind kind, enum job_mode mode,
    const struct visit_row *r);

#endif
