/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/verify: what the steps hand to each other. Each step returns 0, or
 * CAMCA_EPOLICY with the report's last item, or CAMCA_ENOMEM, CAMCA_ECRYPTO. */
#ifndef CAMCA_VERIFY_VERIFY_INT_H
#define CAMCA_VERIFY_VERIFY_INT_H

#include <openssl/x509.h>

#include "ca/custody/event.h"
#include "ca/custody/tlog.h"
#include "ca/verify/verify.h"

/* How far the clock of an honest authority may be off: it issues nothing while
 * it is further behind a time that it has seen. */
#define VERIFY_SKEW_MS (INT64_C(5) * 60 * 1000)
#define VERIFY_STAMPS_MAX 16
#define VERIFY_CHAIN_MAX 64            /* certificates of CAs */

enum verify_status { VERIFY_GOOD, VERIFY_HOLD, VERIFY_REVOKED };

struct verify_event {
	const struct file *file;
	struct hash leaf;
	uint8_t id[16];
	int64_t time_ms;
	int64_t index;                 /* in the log; -1 until proven */
};
struct verify_cert {                   /* as its event tells, then as it is */
	char serial[41];
	uint8_t serial_bytes[20];
	uint8_t sha256[32], spki[32], ski[20];
	char replaces[41];             /* "" */
	size_t event;
	int64_t issued_ms;
	enum verify_status status;     /* by the last event */
	int reason;                    /* RFC 5280 5.3.1, -1: none */
	int64_t since_ms;              /* it is not good since then */
	int64_t invalidity_ms;         /* 0: none */
	bool listed;                   /* seen in its issuer's CRL */
	int64_t crl_ms;                /* thisUpdate of that CRL */
	X509 *x;
	X509 *issuer;                  /* borrowed from chain */
	int64_t not_before_ms, not_after_ms;
};
struct verify_change {                 /* of the status of certs[cert] */
	size_t cert, event;
	int64_t time_ms;
	enum verify_status status;
	int reason;
	int64_t invalidity_ms;         /* 0: none */
};
struct verify_move {                   /* of the device */
	size_t event;
	int64_t time_ms;
	char state[24];
};
struct verify_stamp {
	char name[BUNDLE_NAME_MAX];
	int64_t time_ms;
};

struct verify {
	struct verify_conf conf;
	const struct files *f;
	struct report report;

	struct tlog_policy *own, *given;   /* of the bundle, of the reader */
	struct tlog_verdict verdict;
	const struct file *checkpoint;
	size_t text_len;                   /* the signed text's bytes */

	char device[STORE_ID_MAX];
	struct verify_event *events;
	size_t nevents;
	bool registered;                   /* the first one is the device's own */
	int64_t back_ms;                   /* farthest step back of the times */
	struct verify_cert *certs;
	size_t ncerts;
	struct verify_change *changes;
	size_t nchanges;
	struct verify_move *moves;
	size_t nmoves;

	STACK_OF(X509) *chain;             /* ca-chain.pem */
	bool chain_used[VERIFY_CHAIN_MAX];
	bool chain_led[VERIFY_CHAIN_MAX];  /* it led to a root */
	X509_STORE *store;                 /* the trusted roots */
	/* All of the chain, each one trusted: what it says is only worth
	 * something of those that led to a root. */
	X509_STORE *issuers;
	int64_t crl_ms;                    /* oldest thisUpdate */
	int64_t ocsp_ms;                   /* oldest producedAt; 0: none */

	struct verify_stamp stamps[VERIFY_STAMPS_MAX];
	size_t nstamps;
};

/* manifest.c: the files are exactly those of MANIFEST, with its hashes. */
CAMCA_MUST int verify_manifest(struct verify *v);
/* log.c: policy, checkpoint; the proof of each event. */
CAMCA_MUST int verify_log(struct verify *v);
CAMCA_MUST int verify_proofs(struct verify *v);
/* events.c: texts and chain, and what they tell (facts.c). */
CAMCA_MUST int verify_events(struct verify *v);
CAMCA_MUST int verify_fact(struct verify *v, size_t event,
    const struct event_view *view);
/* stamps.c: RFC 3161. */
CAMCA_MUST int verify_stamps(struct verify *v);
/* certs.c: certificates against events and roots. */
CAMCA_MUST int verify_certs(struct verify *v);
/* status.c: CRLs and OCSP answers against events. */
CAMCA_MUST int verify_crls(struct verify *v);
CAMCA_MUST int verify_ocsp(struct verify *v);
/* open.c: what all of this does not prove. */
CAMCA_MUST int verify_open(struct verify *v);

/* pem.c: the certificates of a PEM text that has nothing else in it, written as
 * OpenSSL writes it: at most max. CAMCA_EINVAL, CAMCA_ELIMIT, CAMCA_ENOMEM with
 * why; the caller's. */
CAMCA_MUST int verify_pem(const void *p, size_t n, int max,
    STACK_OF(X509) **out, struct refusal *why);
/* Serial number as 20 bytes; false where it is none that fits. */
bool verify_serial(const ASN1_INTEGER *s, uint8_t out[static 20]);
/* Is c signed by its own key? */
bool verify_self_signed(X509 *c);
/* SHA-256 of its DER, hex. */
CAMCA_MUST int verify_fingerprint(X509 *c, char out[static 65]);

/* Index of a certificate by its serial, v->ncerts where there is none. */
size_t verify_find_cert(const struct verify *v, const char *serial);
/* Name of a CRL reason; "-" for none. The other way: -1 none, -2 unknown. */
const char *verify_reason_name(int reason);
int verify_reason(const char *name);

/* asof.c: how a certificate stood at a time, by the events up to then. */
struct verify_standing {
	bool issued;                   /* by then */
	bool before, after;            /* outside of its validity */
	enum verify_status status;
	int reason;
	int64_t since_ms;              /* of a status that is not good */
	/* What came later says that its key was not to be trusted then. */
	bool disowned;
	size_t disowned_event;
	int64_t invalidity_ms;
};
void verify_standing_at(const struct verify *v, size_t cert, int64_t ms,
    struct verify_standing *out);
/* May one rely on it by what was known then? */
bool verify_in_force(const struct verify_standing *s);
/* The newest certificate in force then, v->ncerts where there is none. */
size_t verify_held_at(const struct verify *v, int64_t ms);
/* State of the device; "-" before its first event. */
const char *verify_state_at(const struct verify *v, int64_t ms);

#endif
