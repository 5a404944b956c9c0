/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for site agents, what they told of their steps, what was read on
 * cameras, and where a camera is reached, as rows. */
#ifndef CAMCA_STORE_STORE_JOB_H
#define CAMCA_STORE_STORE_JOB_H

#include "ca/base/job_wire.h"
#include "ca/store/store.h"

#define STORE_HOST_MAX 254             /* DNS name or address, with NUL */
#define STORE_JOB_TEXT_MAX (JOB_TEXT_MAX + 1)
#define STORE_JOB_REASON_MAX 257

/* ---- where a camera is reached ---- */
struct reach_row {
	int64_t device;                  /* pk */
	char driver[17];                 /* "onvif" */
	char host[STORE_HOST_MAX];
	int64_t http_port, https_port;   /* 0: none */
	char path[129];                  /* "": the usual one */
	uint8_t tls_sha256[STORE_HASH_LEN]; /* leaf seen there, zeros: none */
	int64_t updated_ms;
};
/* Inserts or replaces. CAMCA_ENOENT: no such device. */
CAMCA_MUST int store_reach_put(struct tx *tx, const struct reach_row *r);
CAMCA_MUST int store_reach_get(struct tx *tx, int64_t device,
    struct reach_row *out);
/* Order by device, above after_pk. */
CAMCA_MUST int store_reach_list(struct tx *tx, int64_t after_pk,
    int64_t limit, int (*fn)(const struct reach_row *r, void *arg),
    void *arg);
/* The leaf that is served there; CAMCA_ENOENT. */
CAMCA_MUST int store_reach_leaf(struct tx *tx, int64_t device,
    const uint8_t sha256[static STORE_HASH_LEN], int64_t now_ms);

/* ---- job ---- */
enum job_state { JOB_WAITING, JOB_LEASED, JOB_DONE, JOB_FAILED, JOB_CANCELLED,
	JOB_PARKED, JOB_STATES };
/* "waiting", ...; "?" for a value outside the enum. */
const char *job_state_name(int64_t state);
/* -1 for an unknown name. */
int job_state_parse(const char *name);

struct job_row {
	int64_t id;                      /* given by the store */
	int64_t device;                  /* pk */
	char site[STORE_ID_MAX];         /* the device's */
	int64_t kind;                    /* enum job_kind */
	int64_t mode;                    /* enum job_mode */
	int64_t account;                 /* vault_account.id, 0: all or none */
	int64_t series;                  /* 1: one of many, may be stopped */
	int64_t state;                   /* enum job_state */
	int64_t agent;                   /* device.pk of who has or had it */
	int64_t lease_until_ms;          /* of a leased one */
	int64_t attempts;                /* leases that were begun */
	int64_t step;                    /* enum job_step last told, -1 none */
	int64_t end;                     /* enum job_end last told */
	int64_t not_before_ms;
	int64_t created_ms;
	char created_by[STORE_NAME_MAX];
	char reason[STORE_JOB_REASON_MAX];
	char outcome[JOB_CODE_MAX];      /* code of the last failure, or "" */
	char detail[513];
	int64_t updated_ms;
	char device_id[STORE_ID_MAX];    /* read only */
};
/* Sets r->id. CAMCA_ENOENT: no such device or site. */
CAMCA_MUST int store_job_insert(struct tx *tx, struct job_row *r);
CAMCA_MUST int store_job_get(struct tx *tx, int64_t id, struct job_row *out);
/* Writes state, agent, lease_until_ms, attempts, step, end, not_before_ms,
 * outcome, detail and updated_ms of r where the job is in state `from`; else
 * CAMCA_ECONFLICT, also where the device has another leased one. */
CAMCA_MUST int store_job_move(struct tx *tx, const struct job_row *r,
    enum job_state from);
struct job_filter {                    /* NULL, -1, 0: not asked for */
	int state, kind;
	int64_t device;                  /* pk */
	const char *site;
};
/* Newest first, ids below before (0: from the newest). */
CAMCA_MUST int store_job_list(struct tx *tx, const struct job_filter *f,
    int64_t before, int64_t limit,
    int (*fn)(const struct job_row *r, void *arg), void *arg);
/* Waiting ones of a site whose device has none leased, due by now_ms; order by
 * id, above after_id. */
CAMCA_MUST int store_job_ready(struct tx *tx, const char *site,
    int64_t now_ms, int64_t after_id,
    int (*fn)(const struct job_row *r, void *arg), void *arg);
/* Finished before before_ms; CAMCA_ENOENT where it is not finished, or not
 * there. With its steps. */
CAMCA_MUST int store_job_old(struct tx *tx, int64_t before_ms, int64_t limit,
    int (*fn)(const struct job_row *r, void *arg), void *arg);
CAMCA_MUST int store_job_delete(struct tx *tx, int64_t id);
/* Whose lease was over by now_ms, the longest first. Of some with the very same
 * deadline one may be left out: it is there the next time. */
CAMCA_MUST int store_job_over(struct tx *tx, int64_t now_ms,
    int (*fn)(const struct job_row *r, void *arg), void *arg);
/* Leased to this agent. Order by id. */
CAMCA_MUST int store_job_leased(struct tx *tx, int64_t agent,
    int (*fn)(const struct job_row *r, void *arg), void *arg);
/* Of a site, in the series. */
CAMCA_MUST int store_job_leased_count(struct tx *tx, const char *site,
    int64_t *out);
/* An unfinished one (waiting, leased or parked) of this device, kind, mode and
 * account: the newest; CAMCA_ENOENT. */
CAMCA_MUST int store_job_open(struct tx *tx, int64_t device, int64_t kind,
    int64_t mode, int64_t account, struct job_row *out);

/* ---- steps ---- */
struct job_step_row {
	int64_t job;
	int64_t n;                       /* 1, 2, ... */
	int64_t attempt;
	int64_t step;                    /* enum job_step */
	int64_t outcome;                 /* enum job_outcome */
	char code[JOB_CODE_MAX];
	char before[STORE_JOB_TEXT_MAX];
	char after[STORE_JOB_TEXT_MAX];
	char detail[STORE_JOB_TEXT_MAX];
	int64_t time_ms;
};
/* Numbers it. */
CAMCA_MUST int store_job_step_insert(struct tx *tx, struct job_step_row *r);
/* The newest one; CAMCA_ENOENT. */
CAMCA_MUST int store_job_step_last(struct tx *tx, int64_t job,
    struct job_step_row *out);
/* Order by n, above after_n. */
CAMCA_MUST int store_job_step_list(struct tx *tx, int64_t job,
    int64_t after_n, int64_t limit,
    int (*fn)(const struct job_step_row *r, void *arg), void *arg);

/* ---- when a kind of job was last done with a device ---- */
struct job_last_row {
	int64_t device, kind;
	int64_t ended_ms;                /* however it went */
	int64_t ok_ms;                   /* the last success, 0: never */
};
/* Inserts or replaces; ok_ms 0 keeps the one there. */
CAMCA_MUST int store_job_last_put(struct tx *tx, const struct job_last_row *r);
/* Zeros where there is none. */
CAMCA_MUST int store_job_last_get(struct tx *tx, int64_t device, int64_t kind,
    struct job_last_row *out);

/* ---- failed logins at a camera ---- */
struct login_row {
	int64_t device;                  /* pk */
	int64_t failed;                  /* counted until now */
	int64_t last_ms;                 /* of the last that was counted */
	int64_t job;                     /* of the visit under way */
	int64_t granted;                 /* what that visit may add; 0: none is */
};
/* The clock was ahead and is right again: what jobs, passwords and agents have
 * of later times counts as of now, or jobs would stay leased, and cameras
 * unvisited, until then. */
CAMCA_MUST int store_job_clock_back(struct tx *tx, int64_t now_ms);
/* Inserts or replaces. CAMCA_ENOENT: no such device. */
CAMCA_MUST int store_login_put(struct tx *tx, const struct login_row *r);
/* Zeros where there is none. */
CAMCA_MUST int store_login_get(struct tx *tx, int64_t device,
    struct login_row *out);

/* ---- how a site's series goes ---- */
struct job_site_row {
	char site[STORE_ID_MAX];
	int64_t failures;                /* in a row */
	int64_t stopped_ms;              /* 0: it goes on */
	char code[JOB_CODE_MAX];         /* of the last failure */
};
CAMCA_MUST int store_job_site_put(struct tx *tx, const struct job_site_row *r);
/* Zeros where there is none. */
CAMCA_MUST int store_job_site_get(struct tx *tx, const char *site,
    struct job_site_row *out);

/* ---- agents ---- */
struct agent_row {
	int64_t device;                  /* pk, kind ra */
	int64_t seen_ms;
	char version[33];
	int64_t free;                    /* cameras it could take, as it said */
};
CAMCA_MUST int store_agent_put(struct tx *tx, const struct agent_row *r);
/* Zeros where there is none. */
CAMCA_MUST int store_agent_get(struct tx *tx, int64_t device,
    struct agent_row *out);
/* What was sealed to an agent: each password once. */
struct agent_sealed_row {
	int64_t id;
	int64_t agent;                   /* device.pk */
	int64_t secret;                  /* vault_secret.id */
	int64_t account;                 /* vault_account.id */
	int64_t device;                  /* the camera's pk */
};
CAMCA_MUST int store_agent_sealed_put(struct tx *tx,
    const struct agent_sealed_row *r);
/* Nobody needs to know any more who had this one. */
CAMCA_MUST int store_agent_sealed_drop(struct tx *tx, int64_t secret);
/* Those of them that are current or pending; order by secret. */
CAMCA_MUST int store_agent_sealed_list(struct tx *tx, int64_t agent,
    int (*fn)(const struct agent_sealed_row *r, void *arg), void *arg);

/* ---- what was read on a camera ---- */
#define STORE_OBSERVATION_MAX JOB_OBSERVATION_MAX
struct observation_row {
	int64_t device;
	int64_t time_ms;
	uint8_t sha256[STORE_HASH_LEN];  /* of what is judged */
	char findings[513];              /* codes, sorted, one blank between */
	struct store_blob body;          /* JSON */
};
void store_observation_free(struct observation_row *r);  /* its blob */
/* Inserts or replaces. */
CAMCA_MUST int store_observation_put(struct tx *tx,
    const struct observation_row *r);
CAMCA_MUST int store_observation_get(struct tx *tx, int64_t device,
    struct observation_row *out);
/* Notes that this key is on this device. *other_out: another device that has
 * the same one (the first that was seen), 0: none. *new_out: it was not noted
 * of this device before. */
CAMCA_MUST int store_camera_key_put(struct tx *tx,
    const uint8_t spki[static STORE_HASH_LEN], int64_t device,
    int64_t now_ms, int64_t *other_out, bool *new_out);

/* ---- what is due ---- */
/* An account whose current password is older than before_ms, or known to be
 * compromised. The one for emergencies only in the second case. */
struct due_account_row {
	char username[STORE_ID_MAX];
	int64_t account;
	int64_t changed_ms;
	int64_t compromised_ms;          /* 0: not */
};
CAMCA_MUST int store_due_accounts(struct tx *tx, int64_t device,
    int64_t before_ms, int (*fn)(const struct due_account_row *r, void *arg),
    void *arg);

/* ---- what waits for a person ---- */
/* Parked ones, the oldest first. */
CAMCA_MUST int store_job_parked(struct tx *tx, int64_t limit,
    int (*fn)(const struct job_row *r, void *arg), void *arg);
/* Sites whose series is stopped, by name. */
CAMCA_MUST int store_job_site_stopped(struct tx *tx, int64_t limit,
    int (*fn)(const struct job_site_row *r, void *arg), void *arg);
struct agent_silent_row {
	char id[STORE_ID_MAX], site[STORE_ID_MAX];
	int64_t seen_ms;
};
/* Agents in service that asked before before_ms for the last time, the most
 * silent first. */
CAMCA_MUST int store_agent_silent(struct tx *tx, int64_t before_ms,
    int64_t limit, int (*fn)(const struct agent_silent_row *r, void *arg),
    void *arg);
struct aged_row {
	char device_id[STORE_ID_MAX];
	char username[STORE_ID_MAX];
	int64_t level;                   /* of its site */
	int64_t changed_ms;
};
/* Accounts of cameras in service, break-glass ones left out, whose current
 * password is from before before_ms; the oldest first. */
CAMCA_MUST int store_vault_aged(struct tx *tx, int64_t before_ms,
    int64_t limit, int (*fn)(const struct aged_row *r, void *arg), void *arg);

#endif
