/* SPDX-License-Identifier: Apache-2.0 */
/* One job as camcad leases it: what to do with which camera, and, sealed to
 * the agent's certificate, the accounts it may use. */
#ifndef CAMCA_AGENT_JOB_H
#define CAMCA_AGENT_JOB_H

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/job_wire.h"
#include "ca/base/refusal.h"
#include "enroll/agent/ident.h"
#include "enroll/agent/settings.h"
#include "enroll/onvif/driver.h"

#define AGENT_LABELS_MAX 8
#define AGENT_ISSUED_MAX 32
#define AGENT_NTP_MAX 4
#define AGENT_JOB_SURFACES_MAX 12      /* camcad's, and the agent's own */
#define AGENT_NAME_MAX 129
#define AGENT_ROLE_MAX 20
#define AGENT_HOST_MAX 254
#define AGENT_SERIAL_MAX 48
#define AGENT_SEALED_MAX 65536
#define AGENT_FACTORY_MAX 4

/* What is known of an account's passwords on the camera itself. */
enum agent_works { WORKS_UNKNOWN, WORKS_CURRENT, WORKS_PENDING, WORKS_NEITHER };

struct agent_account {
	int64_t id;
	char user[CAM_USER_MAX];
	char role[AGENT_ROLE_MAX];     /* "service", "administrator",
	                                  "break-glass" */
	char level[CAM_WORD_MAX];      /* as the camera calls it, or "" */
	char current[CAM_PASSWORD_MAX];    /* "": none */
	char pending[CAM_PASSWORD_MAX];
	bool leased_pending;           /* pending came with the lease */
	bool target;                   /* its password is to change */
	bool sent;                     /* the camera may have the pending one */
	bool old_dead;                 /* current was tried, and fails */
	bool changed;                  /* done in this visit */
	enum agent_works works;
	unsigned tried;                /* 1: current, 2: pending, 3: both */
};

/* An EST label and the keys it certifies. */
struct agent_label {
	char name[64];
	bool rsa, p256, p384;
	unsigned rsa_min, rsa_max;     /* bits */
};

struct agent_options {
	bool http_off, discovery_off, require_client_cert;
	char service[CAM_USER_MAX];    /* "": no account of our own */
	char ntp[AGENT_NTP_MAX][AGENT_HOST_MAX];
	size_t ntp_count;
	unsigned login_budget;
	int64_t tls_wait_ms, password_wait_ms;
	/* Other places that ask for the same login, job_surface_parse(). */
	char surface[AGENT_JOB_SURFACES_MAX][AGENT_PATH_MAX];
	size_t surfaces;
};

struct agent_device {
	char id[AGENT_NAME_MAX];
	char manufacturer[CAM_WORD_MAX], model[CAM_WORD_MAX];
	char serial[CAM_WORD_MAX], firmware[CAM_WORD_MAX];
	char hardware_id[CAM_WORD_MAX], site[AGENT_NAME_MAX];
};

struct agent_reach {
	char driver[16];
	char host[AGENT_HOST_MAX];
	uint16_t http_port, https_port;   /* 0: none */
	char path[AGENT_PATH_MAX];     /* "": the usual one */
	bool has_leaf;                 /* leaf that is expected there */
	uint8_t leaf[32];
};

/* A maker's first password, to be looked for. */
struct agent_factory {
	char user[CAM_USER_MAX], password[CAM_PASSWORD_MAX];
};

struct agent_job {
	int64_t id;
	int64_t lease_ms;
	enum job_kind kind;
	enum job_mode mode;
	int attempt;
	int step;                      /* enum job_step last told, -1: none */
	int64_t account;               /* 0: not one in particular */
	char alias[CAM_ALIAS_MAX];
	struct agent_device device;
	struct agent_reach reach;
	struct agent_options options;
	bool has_held;                 /* the certificate on record */
	uint8_t held[32];
	char held_serial[AGENT_SERIAL_MAX];
	bool has_issued;               /* camcad told which ones are good */
	uint8_t issued[AGENT_ISSUED_MAX][32];
	size_t issued_count;
	STACK_OF(X509) *trust;         /* roots and issuers */
	struct buf crl;                /* DER; len 0: none */
	struct agent_label labels[AGENT_LABELS_MAX];
	size_t labels_count;
	struct agent_account accounts[JOB_ACCOUNTS_MAX];
	size_t accounts_count;
	struct agent_factory factory[AGENT_FACTORY_MAX];
	size_t factories;
	struct ident *ident;           /* whom it is sealed to */
};

/* Takes one job apart and opens its sealed part with id's key. Members that
 * are not known here are passed over: a newer camcad may tell more. 0 and the
 * caller's *out; CAMCA_EPROTO or CAMCA_ECRYPTO and why. Where the id of a job
 * could be read at least, *id_out has it (else 0), so that it can be given
 * back with what was wrong. */
CAMCA_MUST int job_parse(struct agent_job **out, int64_t *id_out,
    const json_t *o, struct ident *id, struct refusal *why);
/* The agent's own surfaces beside those of the lease; each once, as many as
 * fit. */
void job_surfaces_add(struct agent_job *j, const struct agent_settings *s);
/* Overwrites every password. NULL is fine. */
void job_free(struct agent_job *j);

/* The account of that name, NULL where there is none. Borrowed. */
struct agent_account *job_account(struct agent_job *j, const char *user);
/* A row for a new account; NULL where there are too many. Borrowed. */
struct agent_account *job_account_add(struct agent_job *j, const char *user,
    const char *role, const char *level);
/* Opens an answer to "secret" into a's id and pending password. CAMCA_EPROTO,
 * CAMCA_ECRYPTO and why. */
CAMCA_MUST int job_secret(struct agent_account *a, const json_t *answer,
    const struct ident *id, struct refusal *why);

#endif
