/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: may this device have this certificate now? It is made anew each
 * time, from what is stored and from the level's file; nothing is remembered
 * of an earlier yes, and what can not be looked up is no yes. */
#include "ca/admit/admit.h"

#include <stdio.h>
#include <string.h>

/* A document's date is a day without a time zone; the day begins first at
 * UTC+14. Without this, one dated today would not count this morning. */
#define ADMIT_DATE_SLACK_MS (14LL * 3600 * 1000)

/* What the documents of one device say at one moment. */
struct admit_facts {
	int64_t now_ms;
	int64_t max_age_ms;
	bool origin, quality;             /* one in force */
	bool have_assessment;
	struct document_row assessment;   /* the newest that has begun */
};

/* [date, expires), with the slack at the beginning. */
static bool
admit_begun(const struct document_row *r, int64_t now_ms)
{
	return r->date_ms - ADMIT_DATE_SLACK_MS <= now_ms;
}

static bool
admit_not_expired(const struct document_row *r, int64_t now_ms)
{
	return r->expires_ms == 0 || now_ms < r->expires_ms;
}

static int
admit_see_document(const struct document_row *r, void *arg)
{
	struct admit_facts *f = arg;

	if (!admit_begun(r, f->now_ms))
		return 0;
	if (r->kind == DOC_ORIGIN)
		f->origin |= admit_not_expired(r, f->now_ms);
	if (r->kind == DOC_QUALITY)
		f->quality |= admit_not_expired(r, f->now_ms);
	if (r->kind != DOC_ASSESSMENT)
		return 0;
	/* Of two on one day the one entered later is the newer. */
	if (f->have_assessment && (r->date_ms < f->assessment.date_ms ||
	    (r->date_ms == f->assessment.date_ms &&
	    r->id < f->assessment.id)))
		return 0;
	f->have_assessment = true;
	f->assessment = *r;
	return 0;
}

/* The interval of the level, over and above what the paper says. */
static bool
admit_assessment_young(const struct admit_facts *f)
{
	return f->max_age_ms == 0 ||
	    f->now_ms - f->assessment.date_ms < f->max_age_ms;
}

static bool
admit_assessed(const struct admit_facts *f)
{
	return f->have_assessment && f->assessment.passed == 1 &&
	    admit_not_expired(&f->assessment, f->now_ms) &&
	    admit_assessment_young(f);
}

/* A state that is not in this list, from a newer schema perhaps, is refused. */
static int
admit_check_state(const struct device_row *dev, enum admit_purpose purpose,
    struct refusal *why)
{
	switch (dev->state) {
	case DEVICE_ENROLLED:
		return CAMCA_OK;
	case DEVICE_REGISTERED:
		if (purpose == ADMIT_ENROLL)
			return CAMCA_OK;
		return refuse(why, CAMCA_EPOLICY, 403, "admit.not-enrolled",
		    "%s is registered but not enrolled: there is nothing to "
		    "renew", dev->id);
	case DEVICE_HELD:
		return refuse(why, CAMCA_EPOLICY, 403, "admit.device-held",
		    "%s is held: an operator must release it first", dev->id);
	case DEVICE_REVOKED:
		return refuse(why, CAMCA_EPOLICY, 403, "admit.device-revoked",
		    "%s is revoked: it gets no certificate", dev->id);
	case DEVICE_RETIRED:
		return refuse(why, CAMCA_EPOLICY, 403, "admit.device-retired",
		    "%s is retired: it gets no certificate", dev->id);
	case DEVICE_LOST:
		return refuse(why, CAMCA_EPOLICY, 403, "admit.device-lost",
		    "%s is reported lost: it gets no certificate",
		    dev->id);
	default:
		return refuse(why, CAMCA_EPOLICY, 403, "admit.device-state",
		    "%s is in an unknown state", dev->id);
	}
}

/* Names everything that is missing at once: papers take days to come by. */
static int
admit_refuse_documents(const struct device_row *dev,
    const struct site_row *site, const struct level *l,
    const struct admit_facts *f, struct refusal *why)
{
	bool origin = l->need_origin && !f->origin;
	bool quality = l->need_quality && !f->quality;

	return refuse(why, CAMCA_EPOLICY, 403, "admit.provenance-missing",
	    "%s: level %d (site %s) asks for provenance; missing: %s%s%s%s",
	    dev->id, (int)l->level, site->id,
	    origin ? "certificate of origin" : "",
	    origin && quality ? ", " : "",
	    quality ? "certificate of quality" : "",
	    l->assessment_replaces_documents ?
	    " (or a passed assessment in force)" : "");
}

static int
admit_refuse_assessment(const struct device_row *dev,
    const struct site_row *site, const struct level *l,
    const struct admit_facts *f, struct refusal *why)
{
	const char *code = "admit.assessment-expired";
	const char *what = "the newest has run out";

	if (!f->have_assessment) {
		code = "admit.assessment-missing";
		what = "there is none";
	} else if (f->assessment.passed != 1) {
		code = "admit.assessment-failed";
		what = "the newest was not passed";
	} else if (!admit_assessment_young(f)) {
		what = "the newest is older than the level's interval";
	}
	return refuse(why, CAMCA_EPOLICY, 403, code, "%s: level %d (site %s) "
	    "asks for a passed assessment in force; %s", dev->id,
	    (int)l->level, site->id, what);
}

static int
admit_check_documents(struct tx *tx, const struct level *l,
    const struct device_row *dev, const struct site_row *site, int64_t now_ms,
    struct refusal *why)
{
	struct admit_facts f = { .now_ms = now_ms,
	    .max_age_ms = l->assessment_max_age_ms };
	bool provenance;
	int ret;

	ret = store_document_list(tx, dev->pk, admit_see_document, &f);
	if (ret < 0)
		return refuse_default(why, ret);
	provenance = (f.origin || !l->need_origin) &&
	    (f.quality || !l->need_quality);
	if (!provenance &&
	    !(l->assessment_replaces_documents && admit_assessed(&f)))
		return admit_refuse_documents(dev, site, l, &f, why);
	if (l->need_assessment && !admit_assessed(&f))
		return admit_refuse_assessment(dev, site, l, &f, why);
	return CAMCA_OK;
}

static int
admit_check_level(struct tx *tx, const struct level *l,
    const struct device_row *dev, const struct site_row *site,
    enum admit_purpose purpose, bool by_idevid, int64_t now_ms,
    struct refusal *why)
{
	/* The rules on documents and factory identities are about cameras; an
	 * RA is our own software on a computer of the site. */
	if (dev->kind != DEVICE_CAMERA)
		return CAMCA_OK;
	if (purpose == ADMIT_ENROLL && l->need_hardware_identity && !by_idevid)
		return refuse(why, CAMCA_EPOLICY, 403,
		    "admit.hardware-identity", "%s: level %d (site %s) asks "
		    "for a factory identity of a pinned vendor (IDevID)",
		    dev->id, (int)l->level, site->id);
	return admit_check_documents(tx, l, dev, site, now_ms, why);
}

int
admit_check(struct tx *tx, const struct level_set *levels,
    const struct device_row *dev, const struct site_row *site,
    enum admit_purpose purpose, bool by_idevid, int64_t now_ms,
    bool *needs_approval_out, struct refusal *why)
{
	const struct level *l;
	int ret;

	*needs_approval_out = false;
	/* First the state: a revoked camera learns nothing of papers. */
	ret = admit_check_state(dev, purpose, why);
	if (ret < 0)
		return ret;
	if (dev->restriction >= RESTRICT_RENEWAL)
		return refuse(why, CAMCA_EPOLICY, 403, "admit.renewal-stopped",
		    "%s gets no further certificate: its renewal was stopped",
		    dev->id);
	if (site->level < 1 || site->level > 5 ||
	    strcmp(site->id, dev->site) != 0)
		return refuse(why, CAMCA_EPOLICY, 403, "admit.level",
		    "%s is not at a site with a level from 1 to 5", dev->id);
	l = &levels->list[site->level - 1];
	ret = admit_check_level(tx, l, dev, site, purpose, by_idevid, now_ms,
	    why);
	if (ret == CAMCA_OK)
		*needs_approval_out = purpose == ADMIT_ENROLL && l->approval;
	return ret;
}
