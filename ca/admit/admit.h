/* SPDX-License-Identifier: Apache-2.0 */
/* May this device have this certificate now? Levels, provenance, assessment. */
#ifndef CAMCA_ADMIT_ADMIT_H
#define CAMCA_ADMIT_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/base/bad_rows.h"
#include "ca/base/refusal.h"
#include "ca/store/store.h"

/* policies/levels/level-1.yaml .. level-5.yaml: what a level requires. */
struct level {
	int64_t level;                /* 1..5 */
	int64_t version;
	char name[129];
	char legal_basis[513];        /* text shown to people, never a rule */
	bool need_origin, need_quality;      /* documents before enrollment */
	bool need_assessment;                /* a passed one still in force */
	bool assessment_replaces_documents;  /* passed assessment is enough */
	int64_t assessment_max_age_ms;       /* in force; 0: until expires */
	bool need_hardware_identity;         /* IDevID required */
	bool approval;                       /* 202 until approved */
	int64_t secret_ttl_ms;               /* life of a one-time secret */
	int64_t max_validity_ms;             /* cap over the profile's */
};
struct level_set {
	struct level list[5];         /* index level - 1 */
};
/* All five must be there. CAMCA_EINVAL, error "file:line: why". */
CAMCA_MUST int level_set_load(struct level_set *out, const char *dir,
    char *error, size_t error_len);

enum admit_purpose { ADMIT_ENROLL, ADMIT_RENEW };
/* The decision from stored facts: state of the device, documents of its level
 * at now_ms. by_idevid: it showed a factory identity. 0 and
 * *needs_approval_out, or CAMCA_EPOLICY with why (403 "admit.…") naming the level and what is
 * missing; errors of the store (503) where it can not answer. Runs inside a
 * transaction; reads only.
 *   state      enroll: registered or enrolled; renew: enrolled only; neither
 *              while "stop-renewal" is in force
 *   documents  cameras only; asked for again at each renewal, so that an
 *              assessment that ran out stops the renewal. A document counts
 *              from its date (a date has no time zone: up to 14 h early) until
 *              expires_ms, which is the first moment at which it does not. Of
 *              the assessments only the newest counts: one that failed takes
 *              the force of an older one that passed.
 *   identity   cameras only, at enrollment only
 *   approval   at enrollment only */
CAMCA_MUST int admit_check(struct tx *tx, const struct level_set *levels,
    const struct device_row *dev, const struct site_row *site,
    enum admit_purpose purpose, bool by_idevid, int64_t now_ms,
    bool *needs_approval_out, struct refusal *why);

/* The only place that knows which moves of a device are legal:
 *   registered -> enrolled -> (held <-> enrolled) -> revoked | retired
 *   registered -> held | revoked   a warned model still in its box
 *   held       -> registered       released, without ever a certificate
 *   registered -> retired          a camera that was never put up
 *   any        -> lost             and from lost nowhere
 * Staying where it is is no move. */
bool device_move_ok(enum device_state from, enum device_state to);

/* Graded actions on a device, and the only table of them:
 *   watch         it is shown, nothing else
 *   stop-renewal  no new certificate; what it has runs out
 *   hold          out of service until released; its certificates on hold
 *   release       ends hold, stop-renewal and watch
 *   revoke        out of service for good
 * On a device that is revoked, retired or lost there is no action any more; a
 * grade does not end a stricter one, only a release does. */
enum device_action { ACTION_WATCH, ACTION_STOP_RENEWAL, ACTION_HOLD,
	ACTION_RELEASE, ACTION_REVOKE, DEVICE_ACTIONS };
struct device_standing {
	enum device_state state;
	enum device_restriction restriction;
};
enum device_effect {
	EFFECT_CHANGES,
	EFFECT_NONE,                  /* it stands so already */
	EFFECT_REFUSED                /* no such change */
};
/* What the action makes of a device; *to is *from unless it changes. had_cert:
 * it was enrolled once, so a release leads back to enrolled, not registered. */
enum device_effect device_action(enum device_action action,
    const struct device_standing *from, bool had_cert,
    struct device_standing *to);
/* Does the action change a certificate of this status and CRL reason, and to
 * what? Revoked ones only to keyCompromise (RFC 5280 5.3.1); ca/status/change
 * has the last word. */
bool cert_action(enum device_action action, int64_t crl_reason,
    enum cert_status status, int64_t reason, enum cert_status *to);
const char *device_action_name(enum device_action a);
CAMCA_MUST int device_action_parse(const char *name);
const char *device_restriction_name(enum device_restriction r);
/* Names as in the API and in events; "?" for a value outside the enum. */
const char *device_state_name(enum device_state s);
const char *device_place_name(enum device_place p);
/* Index of the name, or CAMCA_EINVAL. */
CAMCA_MUST int device_place_parse(const char *name);
CAMCA_MUST int device_kind_parse(const char *name);
const char *device_kind_name(enum device_kind k);
CAMCA_MUST int document_kind_parse(const char *name);
const char *document_kind_name(enum document_kind k);

/* Checks and canonicalises one declared device: id and site
 * [A-Za-z0-9][A-Za-z0-9._-]{0,63}, MAC to "aa:bb:…", lengths, UTF-8, no
 * controls; spaces at the ends go. A camera needs manufacturer, model and
 * serial; an RA without a serial gets its id for one. CAMCA_EINVAL, 400
 * "device.<field>". A site without a name gets its id; 400 "site.<field>". */
CAMCA_MUST int device_normalize(struct device_row *d, struct refusal *why);
/* Where no id was given: "site-serial", characters that an id may not have
 * becoming '-'. Two serials that fall together so are found as duplicates. */
CAMCA_MUST int device_default_id(struct device_row *d, struct refusal *why);
CAMCA_MUST int site_normalize(struct site_row *s, struct refusal *why);

/* ---- import (import.c) ---- */
struct import_row {
	int64_t line;
	struct device_row device;
	struct document_row docs[3];
	size_t ndocs;
	bool refused;              /* by import_store: not stored */
};
struct import {                    /* result of parsing, and of storing */
	struct import_row *rows;
	size_t nrows;
	struct bad_rows errors;    /* every one, in order of line */
	int64_t inserted;
};
#define IMPORT_MAX_BYTES (16u << 20)
#define IMPORT_MAX_ROWS 100000
/* RFC 4180 CSV with a header line (libcsv), UTF-8 (BOM tolerated), columns in
 * any order: id manufacturer model serial mac hardware_id firmware site place
 * kind origin_number origin_date origin_issuer origin_sha256 quality_… (same
 * four) assessment_number assessment_date assessment_issuer assessment_sha256
 * assessment_expires assessment_passed. Required: manufacturer model serial
 * site. Without id: made from site and serial. Unknown column refused.
 * Dates are YYYY-MM-DD or RFC 3339 UTC; a document needs number, date and
 * sha256, an assessment also passed (true/yes, false/no). A row's line is the
 * one on which it starts, where quoted fields hold line feeds. Bad rows go to
 * errors, good ones to rows; of duplicates within the file (id, manufacturer
 * and serial, MAC) the first one is good. CAMCA_EINVAL only where nothing can
 * be read (header), CAMCA_ELIMIT past the limits below (413), CAMCA_ENOMEM.
 * Free with import_free, also after a failure.
 * Values that start with = + - @ are kept: they are harmless here; whoever
 * writes CSV for a spreadsheet has to quote them. */
CAMCA_MUST int import_parse(struct import *out, const char *csv, size_t n,
    const char *default_site, struct refusal *why);
/* Stores rows and documents inside tx (one write job). Conflicts with the
 * store become errors. partial false: any error at all (parse or store) stores
 * nothing and returns CAMCA_EINVAL. batch: 32 hex characters. on_insert (may be
 * NULL) runs for each stored device in the same tx, its documents stored
 * already (store_document_list): events. May run again on the same imp, as a
 * transaction may: errors of the earlier run are dropped first. */
CAMCA_MUST int import_store(struct tx *tx, struct import *imp, bool partial,
    const char *batch, int64_t now_ms,
    int (*on_insert)(struct tx *tx, const struct device_row *d, void *arg),
    void *arg);
void import_free(struct import *imp);

/* ---- one-time secrets (secret.c) ---- */
#define SECRET_TEXT_MAX 40      /* "ABCD-EFGH-…" and NUL */
#define SECRET_MAX_ATTEMPTS 5
/* New random secret for the device: text for the label (cleanse after use) and
 * the row for store_secret_insert. 40-bit selector + at least 90 secret bits,
 * base32, groups of four; stored as SHA-256 only. */
CAMCA_MUST int secret_make(const struct camca_ctx *ctx, int64_t device_pk,
    int64_t now_ms, int64_t ttl_ms, char text[static SECRET_TEXT_MAX],
    struct secret_row *row_out);
/* Takes what a person typed (case, dashes and spaces are ignored) apart:
 * selector and hash. CAMCA_EINVAL where it cannot be a secret of ours. */
CAMCA_MUST int secret_parse(const char *text, size_t n,
    char selector[static 17], uint8_t hash[static STORE_HASH_LEN]);
/* Constant-time compare, state and expiry. 0 usable; CAMCA_EAUTH (401
 * "secret.…": one text for wrong, locked and unknown alike; the other refusals
 * are only heard by who knows the secret). A USED or RESERVED secret is fine
 * for the same spki only: *again_out true for USED. Expiry bounds the first
 * use: a key that came in time may wait for its approval past it. */
CAMCA_MUST int secret_check(const struct secret_row *r,
    const uint8_t hash[static STORE_HASH_LEN],
    const uint8_t spki[static STORE_HASH_LEN], int64_t now_ms,
    bool *again_out, struct refusal *why);
/* That one text, for a selector that the store does not know. CAMCA_EAUTH. */
int secret_refuse(struct refusal *why);

#endif
