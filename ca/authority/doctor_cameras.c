/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for a person at the sites: stopped series, parked jobs, silent
 * agents, passwords that no clock has changed. Nothing here reads more than
 * some thousand rows, all of them by an index of what is wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/doctor.h"
#include "ca/job/plan.h"

#define DOCTOR_JOBS_MAX 1000           /* parked ones looked at */
#define DOCTOR_SITES_MAX 100
#define DOCTOR_AGENTS_MAX 100
#define DOCTOR_AGED_MAX 20000          /* passwords looked at */
#define DOCTOR_NAMED 3                 /* of each kind */
#define DOCTOR_SILENT_MS (10 * 60000LL)
#define DOCTOR_UNKNOWN "camera.password-unknown"

/* The first ones of a kind by name, and how many there are. */
struct tally {
	int64_t n;
	char names[512];
};

static void tally_add(struct tally *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
tally_add(struct tally *t, const char *fmt, ...)
{
	size_t used = strlen(t->names);
	va_list ap;

	if (t->n++ >= DOCTOR_NAMED || used + 3 > sizeof t->names)
		return;
	used += (size_t)snprintf(t->names + used, sizeof t->names - used,
	    "%s", used > 0 ? ", " : "");
	va_start(ap, fmt);
	(void)vsnprintf(t->names + used, sizeof t->names - used, fmt, ap);
	va_end(ap);
}

/* "Jobs …: 4 (a, b, c and others)." or what holds where there are none. */
static void
tally_say(struct doctor *d, const char *name, const struct tally *t,
    const char *what, const char *none, const char *mend)
{
	char text[900];

	snprintf(text, sizeof text, "%s: %lld (%s%s).", what,
	    (long long)t->n, t->names, t->n > DOCTOR_NAMED ? " and others" :
	    "");
	doctor_say(d, name, t->n == 0, "warning", t->n == 0 ? none : text,
	    mend);
}

struct doctor_look {
	struct doctor *d;
	struct policies *pol;
	int64_t now;
	struct tally sites, parked, unknown, agents, aged;
	int64_t looked;                /* aged rows */
};

static int
look_site(const struct job_site_row *r, void *arg)
{
	struct doctor_look *x = arg;

	tally_add(&x->sites, "%s (%s)", r->site, r->code);
	return 0;
}

static int
look_parked(const struct job_row *r, void *arg)
{
	struct doctor_look *x = arg;

	if (strcmp(r->outcome, DOCTOR_UNKNOWN) == 0)
		tally_add(&x->unknown, "%s", r->device_id);
	else
		tally_add(&x->parked, "%lld at %s (%s)", (long long)r->id,
		    r->device_id, r->outcome);
	return 0;
}

static int
look_agent(const struct agent_silent_row *r, void *arg)
{
	struct doctor_look *x = arg;
	char when[CTX_TIME_LEN];

	ctx_time_format(when, r->seen_ms);
	tally_add(&x->agents, "%s of %s (%s)", r->id, r->site, when);
	return 0;
}

static int
look_aged(const struct aged_row *r, void *arg)
{
	struct doctor_look *x = arg;
	const struct job_level *level =
	    &x->pol->jobs.levels[r->level >= 1 && r->level <= 5 ?
	    r->level - 1 : 0];
	char when[CTX_TIME_LEN];

	x->looked++;
	if (r->changed_ms >= plan_stale_before(level, x->now))
		return 0;
	ctx_time_format(when, r->changed_ms);
	tally_add(&x->aged, "%s of %s (%.10s)", r->username, r->device_id,
	    when);
	return 0;
}

/* The strictest level finds all that may be too old. */
static int64_t
look_aged_before(const struct doctor_look *x)
{
	int64_t before = 0, at;
	size_t i;

	for (i = 0; i < 5; i++) {
		at = plan_stale_before(&x->pol->jobs.levels[i], x->now);
		before = at > before ? at : before;
	}
	return before;
}

static int
look_tx(struct tx *tx, void *arg)
{
	struct doctor_look *x = arg;
	int ret;

	memset(&x->sites, 0, sizeof x->sites);
	memset(&x->parked, 0, sizeof x->parked);
	memset(&x->unknown, 0, sizeof x->unknown);
	memset(&x->agents, 0, sizeof x->agents);
	memset(&x->aged, 0, sizeof x->aged);
	x->looked = 0;
	if ((ret = store_job_site_stopped(tx, DOCTOR_SITES_MAX, look_site,
	    x)) < 0 ||
	    (ret = store_job_parked(tx, DOCTOR_JOBS_MAX, look_parked,
	    x)) < 0 ||
	    (ret = store_agent_silent(tx, x->now - DOCTOR_SILENT_MS,
	    DOCTOR_AGENTS_MAX, look_agent, x)) < 0)
		return ret;
	return store_vault_aged(tx, look_aged_before(x), DOCTOR_AGED_MAX,
	    look_aged, x);
}

static void
look_say_aged(const struct doctor_look *x)
{
	static const char mend[] = "camca job list --device ID says why "
	    "nothing has changed them. No job at all: no address (camca "
	    "device reach), or no agent of the site (camca agent list).";

	if (x->aged.n == 0 && x->looked == DOCTOR_AGED_MAX)
		doctor_say(x->d, "passwords", false, "warning", "More "
		    "passwords are past the shortest rotate_every than are "
		    "looked at here; the oldest are within their level's.",
		    mend);
	else
		tally_say(x->d, "passwords", &x->aged, "Passwords older than "
		    "the rotate_every of their level", "None is older "
		    "than the rotate_every of its level.", mend);
}

void
doctor_cameras(struct doctor *d)
{
	struct doctor_look x = { .d = d, .pol = authority_policies(d->a),
	    .now = ctx_now_ms(d->a->ctx) };
	int ret = store_tx(d->a->store, DB_READ, look_tx, &x);

	if (ret < 0) {
		doctor_say(d, "jobs", false, "error", "The jobs of site agents "
		    "cannot be looked at.", "Look into the log of camcad.");
	} else {
		tally_say(d, "series", &x.sites, "Sites that stopped after "
		    "failures in a row", "No site is stopped.", "camca job "
		    "list --site SITE --status failed says why; then camca "
		    "job retry --site SITE.");
		tally_say(d, "parked jobs", &x.parked, "Jobs that wait for a "
		    "person", "None waits for a person.", "camca job show JOB "
		    "says what to do; then camca job retry JOB, or camca job cancel.");
		tally_say(d, "unknown passwords", &x.unknown, "Jobs that "
		    "found no password that opens the camera", "The vault opened "
		    "each camera that was visited.", "Read it there or reset the "
		    "camera; camca secret import, then camca job retry JOB.");
		tally_say(d, "agents", &x.agents, "Site agents that have "
		    "not asked for ten minutes", "Each site agent in service "
		    "asks for work.", "Look at its machine, the network and its log; "
		    "one that is gone for good: camca agent revoke ID.");
		look_say_aged(&x);
	}
	authority_policies_put(d->a, x.pol);
}
