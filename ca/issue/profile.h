/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate profiles: one YAML file each in policies/profiles, read strictly
 * (unknown key, impossible value, missing field: refused with file and line).
 * docs/camca-profile.5 describes the keys. */
#ifndef CAMCA_ISSUE_PROFILE_H
#define CAMCA_ISSUE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/refusal.h"

#define PROFILE_ITEMS_MAX 16

enum profile_pop { POP_OFF, POP_OPTIONAL, POP_REQUIRE };
enum profile_auth {                  /* bits of profile.auth */
	/* one-time secret by HTTP Basic or RFC 7894 otpChallenge */
	AUTH_SECRET = 1,
	AUTH_IDEVID = 2,             /* factory identity, pinned root */
	AUTH_RA = 4,                 /* certificate of ours with id-kp-cmcRA */
	AUTH_CERT_SECRET = 8         /* factory identity and secret together */
};
enum profile_early { EARLY_REFUSE, EARLY_SAME };
enum profile_csrattrs { CSRATTRS_LEGACY, CSRATTRS_TEMPLATE, CSRATTRS_BOTH };
enum profile_base64 { BASE64_AUTO, BASE64_WRAP, BASE64_FLAT };
enum profile_key { KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_RSA,
	PROFILE_KEYS };

struct profile {
	char name[65];               /* = file name without .yaml */
	int64_t version;
	char label[65];              /* EST label; "" = none of its own */
	bool is_default;             /* answers without a label; exactly one */
	char issuer[65];             /* name of the issuing CA */
	int kind;                    /* enum device_kind it is for; -1: the
	                                authority's own (gate-server) */
	unsigned keys;               /* bit 1 << enum profile_key */
	int64_t rsa_min_bits, rsa_max_bits;
	int64_t validity_ms;
	unsigned key_usage;          /* KU_* bits of <openssl/x509v3.h> */
	int eku_nids[8];             /* ext. key usages, 0-ended */
	char *subject[PROFILE_ITEMS_MAX];   /* "CN={device.id}", NULL-ended */
	char *san[PROFILE_ITEMS_MAX];       /* "dns:{device.id}.cam.example" */
	bool cdp, aia;               /* carry CRL and issuer addresses */
	/* enrollment */
	unsigned auth;               /* enum profile_auth bits */
	enum profile_pop pop;
	bool pop_require_ems;        /* tls-unique only with RFC 7627 */
	bool challenge_may_be_other; /* G10: one that is not PoP is ignored */
	bool approval;               /* 202 until an operator approves */
	int64_t approval_ttl_ms;     /* queue entry lives so long */
	int64_t retry_after_s;
	bool csr_subject_must_match; /* else the CSR's names are overridden */
	int64_t same_window_ms;      /* F8: same key, same certificate */
	enum profile_csrattrs csrattrs;
	enum profile_base64 base64;
	bool cte_header;             /* Content-Transfer-Encoding: base64 */
	bool rfc7894;                /* otpChallenge etc. are accepted */
	/* renewal */
	int64_t renew_window_ms;     /* before notAfter; outside: early */
	enum profile_early early;
	int64_t expired_grace_ms;    /* 0: an expired one may not renew */
	bool rekey_required;
	bool change_subject;         /* RFC 6402 2.8 honoured */
	bool renew_by_secret;        /* H2: Basic-only renewal, default off */
	int64_t supersede_after_ms;  /* 0: never revoke the replaced one */
};

struct profile_set {
	struct profile *list;
	size_t n;
};

/* Reads every *.yaml in dir, checks each and the rules across them: labels
 * unique and no EST operation name (RFC 7030 3.2.2), exactly one default,
 * label characters [A-Za-z0-9._-]{1,64}. CAMCA_EINVAL: error has
 * "file:line: why", or "folder: why" where it takes two files to break a rule;
 * out is then empty. */
CAMCA_MUST int profile_set_load(struct profile_set *out, const char *dir,
    char *error, size_t error_len);
void profile_set_free(struct profile_set *s);
/* Borrowed from s; NULL where there is none. label NULL or "": the default. */
const struct profile *profile_by_label(const struct profile_set *s,
    const char *label);
const struct profile *profile_by_name(const struct profile_set *s,
    const char *name);

/* Values a template may name. */
struct profile_fields {
	const char *device_id, *device_serial, *device_manufacturer,
	    *device_model, *device_mac, *device_hardware_id, *site_id,
	    *site_name;
};
/* Fills "{device.id}" etc. into out. An item that starts with '?' is left out
 * (returns CAMCA_ENOENT) where a value is empty; without it CAMCA_EPOLICY,
 * "profile.field-empty". CAMCA_ELIMIT past out_len. Checked at load: only known
 * variables, balanced braces. */
CAMCA_MUST int profile_expand(const char *item, const struct profile_fields *f,
    char *out, size_t out_len, struct refusal *why);

#endif
