/* SPDX-License-Identifier: Apache-2.0 */
/* What camca-agent is told: "name = value" lines of its settings file. No
 * secret stands there; the one-time secret is a file of its own. */
#ifndef CAMCA_AGENT_SETTINGS_H
#define CAMCA_AGENT_SETTINGS_H

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define AGENT_CONCURRENCY_MAX 1024
#define AGENT_SURFACES_MAX 4
#define AGENT_PATH_MAX 256

enum agent_setting {
	AGENT_URL, AGENT_CONNECT_TO, AGENT_ID, AGENT_SECRET_FILE, AGENT_TRUST,
	AGENT_FINGERPRINT, AGENT_DIR, AGENT_USER, AGENT_CONCURRENCY,
	AGENT_POLL, AGENT_TIMEOUT, AGENT_CAMERA_TIMEOUT, AGENT_KEY_TIMEOUT,
	AGENT_LOGIN_PATHS,
	AGENT_SETTINGS
};

struct agent_settings {
	struct buf text;          /* the file; what is below points into it */
	const char *value[AGENT_SETTINGS];   /* NULL: not given */
	unsigned concurrency;
	int poll_ms;              /* at most so long between two questions */
	int timeout_ms;           /* one request to the gate */
	int camera_ms;            /* one request to a camera */
	int key_ms;               /* a camera makes a key */
	/* Other pages of a camera that ask for the same login. */
	char surface[AGENT_SURFACES_MAX][AGENT_PATH_MAX];
	size_t surfaces;
};

/* Name of a setting in the file; static memory. */
const char *agent_settings_name(enum agent_setting id);
/* Reads and checks text, which out takes over in every case; out wants
 * agent_settings_fini(). dir (may be NULL) replaces the file's. CAMCA_EINVAL
 * and why for an unknown, doubled, missing or impossible one. */
CAMCA_MUST int agent_settings_parse(struct agent_settings *out,
    struct buf *text, const char *dir, struct refusal *why);
void agent_settings_fini(struct agent_settings *s);

#endif
