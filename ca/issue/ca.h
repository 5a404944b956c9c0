/* SPDX-License-Identifier: Apache-2.0 */
/* The authority's own CAs: one root, issuing CAs in generations. */
#ifndef CAMCA_ISSUE_CA_H
#define CAMCA_ISSUE_CA_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "ca/base/refusal.h"
#include "ca/store/store.h"
#include "hsm/hsm.h"

/* One generation of one CA, as loaded. Read-only once published; any thread. */
struct ca {
	struct issuer_row row;
	X509 *cert;
	X509 *old_with_new, *new_with_old;   /* NULL where there are none */
	struct hsm_key *key;
	int64_t not_before_ms, not_after_ms;
};

/* All of them: an immutable snapshot, counted; a rollover makes a new one. */
struct ca_set {
	struct ca *list;        /* order of issuer.id */
	size_t n;
	int64_t epoch;          /* from the issuer rows: rises with each new
	                           generation, the same after a restart */
	int refs;               /* atomic */
};

/* Loads every issuer of the store, opens its key and checks each certificate
 * once: the key is the certificate's, its parent signed it, the rollover
 * certificates join this generation and the one before. One that fails fails
 * all: half a set would sign for some cameras and lock out others. CAMCA_EINVAL
 * (a row contradicts itself), CAMCA_EHSM, CAMCA_EDB; why names the issuer. An
 * empty store gives an empty set. Main thread or a rollover. */
CAMCA_MUST int ca_set_load(struct ca_set **out, struct store *s, struct hsm *h,
    struct refusal *why);
/* One more holder; returns set. Any thread that holds it already. */
struct ca_set *ca_set_ref(struct ca_set *set);
/* One holder less; the last one frees. ca_set_free(NULL) is fine. */
void ca_set_free(struct ca_set *set);
/* Active generation by name / any generation by id / by SKI; borrowed as long
 * as the set is held; NULL. ca_root: the active self-signed one. Any thread. */
const struct ca *ca_active(const struct ca_set *set, const char *name);
const struct ca *ca_by_id(const struct ca_set *set, int64_t id);
const struct ca *ca_by_ski(const struct ca_set *set,
    const uint8_t ski[static 20]);
const struct ca *ca_root(const struct ca_set *set);

struct ca_spec {
	const char *name;             /* "root", "ec", "rsa" */
	const char *organization;     /* O= of the subject */
	const char *common_name;      /* CN= of the subject */
	enum hsm_key_type key;
	int64_t validity_ms;
};
/* Makes key and certificate in the HSM: a self-signed root (parent NULL), or
 * an issuing CA under parent with pathLen 0. *out_row (blobs the caller's) is
 * ready for store_issuer_insert; nothing is stored here. The URLs are those of
 * the parent, NULL for the root. The validity is cut at the parent's. RFC 5280
 * 4.2. CAMCA_EINVAL/CAMCA_EPOLICY (the spec), CAMCA_ETIME (clock before the
 * parent), CAMCA_EHSM; all but the last are found before a key is made: where
 * the token fails half way, an unused key stays in it. Any thread. */
CAMCA_MUST int ca_make(struct hsm *h, const struct camca_ctx *ctx,
    const struct ca_spec *spec, const struct ca *parent, const char *crl_url,
    const char *issuer_url, const char *ocsp_url, struct issuer_row *out_row, struct refusal *why);

/* Next generation of cur under the root: same subject, new key of this type,
 * NewWithNew (signed by the root), OldWithNew (cur's key signed by the new one,
 * covering cur's validity) and NewWithOld (the new key signed by cur's, not
 * longer than cur). RFC 4210 4.4, RFC 9810. cur may be the root itself (root
 * is then ignored): NewWithNew is self-signed. As ca_make, nothing is stored.
 * CAMCA_ECONFLICT where cur is not the active generation; CAMCA_EPOLICY where
 * cur has expired or the new one would not outlive it. */
CAMCA_MUST int ca_make_next(struct hsm *h, const struct camca_ctx *ctx,
    const struct ca *cur, const struct ca *root, enum hsm_key_type key,
    int64_t validity_ms, const char *crl_url, const char *issuer_url,
    const char *ocsp_url, struct issuer_row *out_row, struct refusal *why);

/* /cacerts bag (DER, certs-only) of one issuing CA name: root, every
 * generation not yet expired at now_ms, their OldWithNew and NewWithOld.
 * Nothing of other issuing CAs. Active generation first, then older ones, the
 * root last: the order is ours, not sorted as DER sorts a SET. RFC 7030 4.1.3.
 * CAMCA_ENOENT for an unknown name. Appended to out. Any thread. */
CAMCA_MUST int ca_bag(const struct ca_set *set, const char *name,
    int64_t now_ms, struct buf *out);
/* Certificates a server sends under a leaf of ca: ca, its NewWithOld where it
 * has one, not the root. PEM appended. Any thread. Clients that trust the root
 * (it is in every /cacerts bag) are reached by all; those that pinned nothing
 * but the generation before need a path builder that tries both issuers (NSS),
 * which OpenSSL's does not, and one that knows RFC 5280 6.1.4 (l), which
 * GnuTLS's does not. */
CAMCA_MUST int ca_chain_pem(const struct ca_set *set, const struct ca *ca,
    struct buf *out);

/* Is leaf a certificate of ours, by signature, names and time? Walks leaf ->
 * issuing CA (by AKI and signature) -> root (checked at load). EKU of the leaf
 * must be absent or hold clientAuth; KU digitalSignature where KU is there; no
 * CA, no unknown critical extension. RFC 5280 6.1. 0 and *ca_out (borrowed from
 * set), or CAMCA_EAUTH with why (403 "client.…"). An expired leaf gives 0 with
 * *expired_out true (RFC 7030 3.3.2: the caller decides on grace); with
 * expired_out NULL it is refused. An expired CA is always refused. Does not
 * look at revocation: that is a row of the store. Any thread. */
CAMCA_MUST int ca_verify_leaf(const struct ca_set *set, X509 *leaf,
    int64_t now_ms, const struct ca **ca_out, bool *expired_out,
    struct refusal *why);

/* IDevID (IEEE 802.1AR): chain leaf..., untrusted intermediates in chain, under
 * the PEM roots of vendor, at now_ms; notAfter 99991231235959Z accepted;
 * revocation by the vendor's PEM CRLs for every non-root certificate of the
 * path, fail closed: no CRL, one not signed by the issuer, or one past
 * nextUpdate + grace refuses, where crl_required. A certificate that a CRL
 * lists is refused in every case, and so is one whose issuer is named by a CRL
 * that it did not sign. CRLs must be complete and direct: delta, indirect and
 * partial ones (IDP) do not count. Factory certificates are
 * sloppy, so extensions may be missing (X509_V_FLAG_X509_STRICT is off); but
 * each issuer must say CA:TRUE, the leaf must not, EKU is absent or holds
 * clientAuth, and nothing is weaker than 112 bits (RSA 2048, SHA-256).
 * *serial_out gets the device's serial: subject serialNumber, or hwSerialNum of
 * the SAN's HardwareModuleName (RFC 4108), as text where it is printable ASCII,
 * else in lower-case hex. CAMCA_EAUTH with why (403 "idevid.…"), CAMCA_ENOMEM.
 * Shares no state with our own CAs: our issuers are never vendor roots (see
 * idevid_check_not_ours). Any thread. */
CAMCA_MUST int idevid_verify(STACK_OF(X509) *chain, const struct vendor_row *v,
    int64_t now_ms, char *serial_out, size_t serial_len, struct refusal *why);
/* Parses and checks a PEM bundle of roots (each CA:TRUE, self-signed) or CRLs
 * before it is stored; CAMCA_EINVAL with why (400 "idevid.…"). A CRL whose
 * issuer is one of the roots must be signed by it; one of an intermediate CA is
 * checked when it is used. Any thread. */
CAMCA_MUST int idevid_check_roots(const char *pem, size_t n,
    struct refusal *why);
CAMCA_MUST int idevid_check_crls(const char *pem, size_t n,
    const char *roots_pem, size_t roots_n, struct refusal *why);
/* Refuses (CAMCA_EPOLICY, 409) roots that carry name or key of one of our own
 * CAs: a certificate of ours must not pass for a factory identity. */
CAMCA_MUST int idevid_check_not_ours(const char *pem, size_t n,
    const struct ca_set *set, struct refusal *why);

#endif
