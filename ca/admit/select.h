/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a batch of graded actions is about: a selector, and what it selects of
 * the store as it is now. */
#ifndef CAMCA_ADMIT_SELECT_H
#define CAMCA_ADMIT_SELECT_H

#include <jansson.h>

#include "ca/admit/admit.h"
#include "ca/admit/firmware.h"
#include "ca/base/buf.h"

#define SELECT_LIST_MAX 256            /* values of one term */
#define SELECT_DEVICES_MAX 250000      /* of one batch */

/* Terms join by "and", the values of one term by "or". */
struct select_list {
	char **v;                      /* sorted, each once */
	size_t n;
};
struct selector {
	struct select_list serials;    /* of certificates, 40 hex digits */
	struct select_list devices;    /* ids */
	struct select_list manufacturers, models;    /* patterns */
	struct select_list sites;
	bool by_firmware;
	struct firmware_range firmware;
	int level;                     /* 0: any */
	int place;                     /* -1: any */
	char issuer[STORE_ID_MAX];     /* name, or SKI in hex; "": any */
	int64_t from_ms, to_ms;        /* issued in [from, to); 0: open */
};
/* Reads the terms out of args (other members are not looked at): serial,
 * device, manufacturer, model, site (a text or a list), firmware, level, place,
 * issuer, issued_after, issued_before. CAMCA_EINVAL, 400 "revoke.…"; a selector
 * without any term is "revoke.no-term". Free it also after a failure. */
CAMCA_MUST int selector_parse(struct selector *out, const json_t *args,
    struct refusal *why);
void selector_free(struct selector *s);
/* The one spelling of it, appended: a JSON object with sorted members, which
 * selector_load reads again. CAMCA_ENOMEM. */
CAMCA_MUST int selector_text(const struct selector *s, struct buf *out);
CAMCA_MUST int selector_load(struct selector *out, const char *text,
    struct refusal *why);
/* Does it name certificates (serial, issuer, time), and not devices? Then the
 * certificates that fit are changed, and the state of no device. */
bool selector_by_cert(const struct selector *s);

/* "*" any characters, "?" one; ASCII letters in either case. */
bool select_pattern(const char *pattern, const char *text);

struct select_action {
	enum device_action action;
	int64_t crl_reason;            /* of "revoke" */
};
struct select_cert {
	struct cert_pick pick;
	enum cert_status to;
	bool changes;
};
struct select_device {
	int64_t pk;                    /* 0: the authority's own certificates */
	char *id;
	const char *site;              /* of selection.sites, or "" */
	int level, place;
	struct device_standing from, to;
	enum rev_verdict verdict;
	const char *rule;              /* what matched, and why unchanged */
	size_t certs, ncerts;          /* in selection.certs */
	bool loses_service;            /* no certificate in force any more */
	bool keeps_service;            /* another one than those goes on */
};
struct selection {
	struct select_device *devices; /* order by pk */
	size_t ndevices;
	struct select_cert *certs;     /* those that match, in force */
	size_t ncerts;
	struct site_row *sites;
	size_t nsites;
	char **rules;
	size_t nrules;
	/* Over all that a preview shows and decides by: which devices, where
	 * they are and how they stand, and of a selector by certificate these
	 * too, and whether the camera goes on with another one. For others a
	 * camera that renewed meanwhile is still the same camera. */
	uint8_t world[STORE_HASH_LEN];
};
/* Evaluates the selector inside tx; reads only. Each different product is
 * judged once. CAMCA_ENOENT (404) for a device, site, serial or issuer that
 * does not exist; CAMCA_ELIMIT (413 "revoke.too-many"). Free it also after a
 * failure. */
CAMCA_MUST int select_run(struct tx *tx, const struct selector *s,
    const struct select_action *act, int64_t now_ms, struct selection *out,
    struct refusal *why);
void selection_free(struct selection *s);

#endif
