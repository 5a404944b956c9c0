/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the making of bundles. */
#ifndef CAMCA_AUTHORITY_BUNDLE_INT_H
#define CAMCA_AUTHORITY_BUNDLE_INT_H

#include "ca/authority/bundle.h"
#include "ca/custody/bundle.h"
#include "ca/status/crl_file.h"

#define BUNDLE_CAS_MAX 32

struct bundle_cert {
	uint8_t serial[STORE_SERIAL_LEN];
	int64_t issuer;                /* issuer.id */
	int64_t status, reason, revoked_ms, not_after_ms, rev_seq;
};
struct bundle_file {                   /* ready to be sent */
	char name[BUNDLE_NAME_MAX];
	uint8_t *p;
	size_t n;
	struct crl_file *crl;          /* instead of p: read while it is sent */
};
enum bundle_phase { PHASE_EVENTS, PHASE_CERTS, PHASE_FILES, PHASE_MANIFEST,
	PHASE_DONE };

struct bundle {
	struct authority *a;
	char device[STORE_ID_MAX];
	int64_t pk;
	int64_t made_ms;
	struct ca_set *cas;

	/* bundle_pin.c */
	int64_t last;                  /* newest event of the device, idx */
	struct checkpoint cp;
	struct buf policy, checkpoint; /* as they go into the bundle */
	/* bundle_status.c */
	struct bundle_cert *certs;
	size_t ncerts;
	const struct ca *chain[BUNDLE_CAS_MAX];
	int64_t crl_ms[BUNDLE_CAS_MAX];    /* thisUpdate of its CRL */
	size_t nchain;
	struct bundle_file *files;
	size_t nfiles, files_cap;

	/* bundle_page.c: the place */
	enum bundle_phase phase;
	int64_t after;                 /* events up to this idx were sent */
	int64_t seq;                   /* so many of them */
	size_t next;                   /* certificate or file */
	int64_t offset;                /* of that file */
	struct manifest manifest;
};

/* bundle_pin.c. size -1: the newest checkpoint with a quorum, else that one.
 * Waits for it, until it covers the device's newest event. */
CAMCA_MUST int bundle_pin(struct op_call *c, struct bundle *b, int64_t size);
/* Has something of this device happened since bundle_pin()? */
CAMCA_MUST int bundle_moved(struct bundle *b, bool *out);

/* bundle_status.c: certificates, chain, CRLs, OCSP answers, as they are now. */
CAMCA_MUST int bundle_status(struct op_call *c, struct bundle *b);
/* bundle_ocsp.c: an answer about one certificate, DER, appended. */
CAMCA_MUST int bundle_ocsp(struct op_call *c, const struct ca *ca, X509 *x,
    const struct bundle_cert *cert, int64_t now_ms, struct buf *out);
/* bundle_stamps.c: RFC 3161 time-stamps over the pinned checkpoint. */
CAMCA_MUST int bundle_stamps(struct bundle *b, size_t *n_out);

/* Adds a file with a copy of n bytes; or a CRL, which is taken. */
CAMCA_MUST int bundle_put(struct bundle *b, const char *name, const void *p,
    size_t n);
/* Forgets the files and certificates again. */
void bundle_clear(struct bundle *b);
/* A certificate as PEM, appended. */
CAMCA_MUST int bundle_pem(X509 *x, struct buf *out);

#endif
