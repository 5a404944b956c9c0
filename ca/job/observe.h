/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent read on a camera, judged against what the inventory, the vault
 * and the rules say. The observation is a JSON object:
 *
 *	manufacturer model firmware serial hardware_id   texts
 *	clock_offset_ms    camera minus us
 *	served             {"sha256":…} the TLS leaf, or null: no TLS
 *	accounts           [{"user":…,"level":…}]
 *	protocols          [{"name":"HTTP","enabled":…,"port":…}]
 *	discoverable       true or false
 *	certificates       [{"alias":…,"sha256":…,"spki":…}]
 *	default_password   true: one of the maker's passwords works; null: not
 *	                   all could be tried, it is as it was
 *
 * All of it may be missing; other members are kept and not judged. */
#ifndef CAMCA_JOB_OBSERVE_H
#define CAMCA_JOB_OBSERVE_H

#include <jansson.h>
#include <stdbool.h>

#include "ca/job/rules.h"
#include "ca/store/store.h"

#define FINDINGS_MAX 16
#define FINDING_TEXT_MAX 257

struct finding {
	const char *code;              /* "camera.fallback" */
	char declared[FINDING_TEXT_MAX], read[FINDING_TEXT_MAX];
	bool once;                     /* a change, not a state */
};
struct findings {
	struct finding list[FINDINGS_MAX];
	size_t n;
};

struct observe_facts {
	const struct device_row *dev;
	const struct job_rules *rules;
	const struct job_level *level;
	bool enrolled;                 /* an agent gave it a certificate once */
	const uint8_t (*certs)[STORE_HASH_LEN]; /* of it, not revoked */
	size_t ncerts;
	const char *const *users;      /* accounts in the vault */
	size_t nusers;
	const char *firmware;          /* read the time before, NULL: never */
	const char *shares_key_with;   /* id of another camera, NULL: none */
	bool default_password;         /* the one it let us in with */
	bool default_before;           /* found the time before */
};
/* Codes: camera.identity-drift, .firmware-changed, .second-administrator,
 * .fallback, .tls-off, .key-shared, .default-password, .clock-off, .http-on,
 * .discoverable. */
void observe_judge(const json_t *o, const struct observe_facts *f,
    struct findings *out);
/* "camera.fallback:1f2e3d4c": a finding with what was read, so that another
 * stranger's account is another finding. */
#define FINDING_KEY_MAX 48
void finding_key(const struct finding *f, char out[static FINDING_KEY_MAX]);
/* Is this word one of those in a text with a blank between each two? */
bool finding_in(const char *keys, const char *key);

/* Are two texts the same but for case, blanks and punctuation? */
bool observe_same(const char *a, const char *b);
/* A password that a maker ships, or that everybody tries first. */
bool password_is_default(const char *password);

#endif
