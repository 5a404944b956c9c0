/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/change.h"

#include "ca/status/crl_entry.h"

#define REASON_KEY_COMPROMISE 1
#define REASON_HOLD 6

/* Which changes there are (RFC 5280 5.3.1: only a hold can end). */
enum change { NEVER, BEGIN, KEEP_DATE, WORSE, RELEASE };
static const enum change changes[3][3] = {
	/* from \ to     GOOD     HOLD   REVOKED */
	[CERT_GOOD] =    { NEVER,   BEGIN, BEGIN },
	[CERT_HOLD] =    { RELEASE, NEVER, KEEP_DATE },
	[CERT_REVOKED] = { NEVER,   NEVER, WORSE },
};

static const char *
change_name(int64_t status)
{
	return status == CERT_GOOD ? "good" : status == CERT_HOLD ? "on hold" :
	    "revoked";
}

/* 7 is not used, 8 belongs to delta CRLs, 6 is a status of its own here. */
static bool
change_reason_ok(int64_t reason)
{
	return reason >= 0 && reason <= 10 && (reason < 6 || reason > 8);
}

static int
change_check(const struct cert_row *cert, const struct status_to *to,
    int64_t now_ms, enum change *out, struct refusal *why)
{
	if (cert->status < CERT_GOOD || cert->status > CERT_REVOKED ||
	    to->status > CERT_REVOKED)
		return refuse_default(why, CAMCA_EINVAL);
	*out = changes[cert->status][to->status];
	if (*out == NEVER || (*out == WORSE &&
	    (to->reason != REASON_KEY_COMPROMISE ||
	    cert->reason == REASON_KEY_COMPROMISE)))
		return refuse(why, CAMCA_ECONFLICT, 409, "cert.status",
		    "A certificate that is %s cannot become %s%s.",
		    change_name(cert->status), change_name((int64_t)to->status),
		    *out == WORSE ? " but for keyCompromise" : "");
	if (to->status == CERT_REVOKED && !change_reason_ok(to->reason))
		return refuse(why, CAMCA_EINVAL, 400, "cert.reason",
		    "%lld is no reason of RFC 5280 section 5.3.1 for a final "
		    "revocation.", (long long)to->reason);
	if (to->invalidity_ms < 0 || to->invalidity_ms > now_ms)
		return refuse(why, CAMCA_EINVAL, 400, "cert.invalidity",
		    "The date from which a certificate is invalid lies in the "
		    "past.");
	return CAMCA_OK;
}

static void
change_apply(struct cert_row *r, const struct status_to *to, enum change how,
    int64_t now_ms)
{
	r->status = (int64_t)to->status;
	if (how == RELEASE) {
		r->reason = -1;
		r->revoked_ms = r->invalidity_ms = 0;
		return;
	}
	r->reason = to->status == CERT_HOLD ? REASON_HOLD : to->reason;
	/* "Revoked since" must not move to a later time: what was signed under
	 * a certificate on hold would become good again. */
	if (how == BEGIN)
		r->revoked_ms = now_ms;
	if (how == BEGIN || to->invalidity_ms > 0)
		r->invalidity_ms = to->invalidity_ms;
}

static int
change_entry(struct tx *tx, const struct cert_row *r)
{
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_entry_row e = { .issuer = r->issuer, .rev_seq = r->rev_seq,
	    .cert = r->id, .not_after_ms = r->not_after_ms, .der = { der, 0 } };
	int ret = crl_entry_encode(r, der, &e.der.n);

	return ret < 0 ? ret : store_crl_entry_put(tx, &e);
}

int
status_change(struct tx *tx, const struct cert_row *cert,
    const struct status_to *to, int64_t now_ms, int64_t *rev_seq_out,
    struct refusal *why)
{
	struct cert_row r = *cert;       /* without its blob */
	enum change how = NEVER;
	int ret;

	if ((ret = change_check(cert, to, now_ms, &how, why)) < 0)
		return ret;
	change_apply(&r, to, how, now_ms);
	ret = store_cert_change(tx, &r);
	if (ret == CAMCA_ECONFLICT)
		return refuse(why, ret, 409, "cert.status",
		    "The certificate was changed by somebody else meanwhile.");
	if (ret == CAMCA_OK && cert->status != CERT_GOOD)
		ret = store_crl_entry_delete(tx, r.issuer, cert->rev_seq);
	if (ret == CAMCA_OK && r.status != CERT_GOOD)
		ret = change_entry(tx, &r);
	if (ret == CAMCA_OK)
		*rev_seq_out = r.rev_seq;
	return ret;
}
