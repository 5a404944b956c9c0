/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/judge.h"

#include <string.h>

#include "ca/base/uptime.h"

#define REASON_HOLD 6
#define REASON_UNSPECIFIED 0

static bool
judge_serial_is(const X509 *cert, const uint8_t serial[static 20])
{
	const ASN1_INTEGER *s = X509_get0_serialNumber(cert);
	int n = ASN1_STRING_length(s);
	uint8_t padded[20] = { 0 };

	if (n < 1 || n > 20)
		return false;
	memcpy(padded + 20 - n, ASN1_STRING_get0_data(s), (size_t)n);
	return memcmp(padded, serial, sizeof padded) == 0;
}

/* CA certificates are no rows of the status table (RFC 6960 2.2 is about them
 * too): they stand in the list itself. */
static bool
judge_is_ca(const struct issuers *l, const struct issuer *by,
    const uint8_t serial[static 20])
{
	const ASN1_OCTET_STRING *aki;
	X509 *c;

	for (size_t i = 0; i < l->n; i++) {
		c = l->list[i].cert;
		if (!judge_serial_is(c, serial))
			continue;
		aki = X509_get0_authority_key_id(c);
		if (aki == NULL)
			return &l->list[i] == by;
		return ASN1_STRING_length(aki) == 20 &&
		    memcmp(ASN1_STRING_get0_data(aki), by->ski, 20) == 0;
	}
	return false;
}

static bool
judge_good_now(const struct table *t)
{
	return table_may_say_good(t, uptime_ms());
}

/* One CertID. The table first, its lease after that: see table.h. */
static enum answer_status
judge_id(struct table *t, const struct issuers *l, const struct issuer *by,
    const uint8_t serial[static 20], bool unissued_revoked,
    struct prepared_about *out)
{
	bool known = table_lookup(t, by->id, serial, &out->status);

	out->issuer = by->id;
	memcpy(out->serial, serial, 20);
	out->ca = false;
	if (known && out->status.value != STATUS_GOOD)
		return ANSWER_SIGNED;
	if (!judge_good_now(t))
		return ANSWER_TRY_LATER;
	if (known)
		return ANSWER_SIGNED;
	out->ca = judge_is_ca(l, by, serial);
	return out->ca || unissued_revoked ? ANSWER_SIGNED :
	    ANSWER_UNAUTHORIZED;
}

enum answer_status
judge_request(struct table *t, const struct issuers *l,
    const struct ocsp_request *req, bool unissued_revoked,
    struct prepared_about *about)
{
	const struct issuer *by = NULL, *one;
	const struct ocsp_id *id;
	enum answer_status s = ANSWER_SIGNED, worst = ANSWER_SIGNED;

	if (!table_loaded(t))
		return ANSWER_TRY_LATER;
	for (size_t i = 0; i < req->n; i++) {
		id = &req->ids[i];
		if (id->hash_len == 0 || !id->serial_fits)
			return ANSWER_UNAUTHORIZED;
		one = issuers_by_hash(l, id->hash_len, id->name_hash,
		    id->key_hash);
		if (one == NULL || (by != NULL && one != by))
			return ANSWER_UNAUTHORIZED;
		by = one;
		s = judge_id(t, l, by, id->serial, unissued_revoked,
		    &about[i]);
		if (s == ANSWER_UNAUTHORIZED)
			return s;
		if (s == ANSWER_TRY_LATER)
			worst = s;
	}
	return worst;
}

enum judge_verdict
judge_again(struct table *t, const struct prepared_about *about)
{
	struct status now;

	if (table_lookup(t, about->issuer, about->serial, &now)) {
		if (now.value != about->status.value ||
		    now.version != about->status.version ||
		    now.rev_seq != about->status.rev_seq)
			return JUDGE_CHANGED;
	} else if (about->status.value != STATUS_UNKNOWN) {
		return JUDGE_CHANGED;
	}
	if (now.value == STATUS_HOLD || now.value == STATUS_REVOKED)
		return JUDGE_SAME;
	return judge_good_now(t) ? JUDGE_SAME : JUDGE_NOT_NOW;
}

/* RFC 6960 4.4.8: on hold since 1970 is what a certificate is that was never
 * issued. */
static void
judge_fill_unissued(struct ocsp_single *s)
{
	s->revoked = true;
	s->reason = REASON_HOLD;
	s->revoked_s = 0;
}

static void
judge_fill_status(struct ocsp_single *s, const struct status *st)
{
	s->revoked = st->value != STATUS_GOOD;
	if (!s->revoked)
		return;
	s->revoked_s = st->revoked_s;
	/* RFC 5280 5.3.1: unspecified is said by saying nothing. */
	s->reason = st->reason == STATUS_WIRE_NO_REASON ||
	    st->reason == REASON_UNSPECIFIED ? -1 : st->reason;
}

/* thisUpdate: a little earlier for clocks that lag, but never at a time when
 * the status was another one. A hold that has ended leaves its time nowhere:
 * then it is now. */
static int64_t
judge_this(const struct ocsp_single *s, const struct status *st, int64_t now_s)
{
	int64_t from = now_s - JUDGE_SKEW_S;

	if (s->revoked && from < s->revoked_s)
		from = s->revoked_s;
	if (!s->revoked && st->rev_seq != 0)
		from = now_s;
	return from < now_s ? from : now_s;
}

void
judge_fill(struct ocsp_data *out, const struct prepared_about *about,
    const struct ocsp_request *req, const struct judge_times *t)
{
	int64_t next = t->now_s + t->life_s;
	struct ocsp_single *s;

	memset(out, 0, sizeof *out);
	out->produced_s = t->now_s;
	out->n = req->n;
	for (size_t i = 0; i < req->n; i++) {
		s = &out->singles[i];
		s->id = req->ids[i].der;
		s->reason = -1;
		if (about[i].ca) {
			s->revoked = false;
		} else if (about[i].status.value == STATUS_UNKNOWN) {
			judge_fill_unissued(s);
			out->extended_revoke = true;
		} else {
			judge_fill_status(s, &about[i].status);
		}
		s->this_s = judge_this(s, &about[i].status, t->now_s);
		s->next_s = next < t->end_s ? next : t->end_s;
		if (t->retention_s > 0)
			s->archive_s = t->now_s - t->retention_s;
	}
	out->nonce_len = req->nonce_len;
	memcpy(out->nonce, req->nonce, req->nonce_len);
}
