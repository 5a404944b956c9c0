/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong and how to mend it, in words an operator can act on. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/authority/custody.h"
#include "ca/authority/doctor.h"
#include "ca/custody/signer.h"
#include "ca/custody/anchor.h"
#include "ca/custody/chains.h"
#include "ca/status/publisher.h"

#define DOCTOR_SOON_MS (90LL * 86400000)
#define DOCTOR_DISK_LOW (512LL << 20)
#define DOCTOR_EVENT_LATE_MS 10000
#define DOCTOR_BAG_HIGH 16000
#define DOCTOR_ANCHOR_MS 30000

void
doctor_say(struct doctor *d, const char *name, bool ok, const char *level,
    const char *detail, const char *mend)
{
	json_array_append_new(d->checks, json_pack(
	    "{s:s, s:b, s:s, s:s, s:s}", "name", name, "ok", ok, "level",
	    ok ? "note" : level, "detail", detail, "mend", ok ? "" : mend));
}

static void
doctor_token(struct doctor *d)
{
	struct refusal why = { 0 };
	bool ok = hsm_check(d->a->hsm, &why) == CAMCA_OK;

	doctor_say(d, "token", ok, "error", ok ? "The token answers and every "
	    "key signs." : why.detail, "Put the token back, or check its "
	    "module, its PIN file and the HSM's own log.");
}

static void
doctor_log_token(struct doctor *d)
{
	struct refusal why = { 0 };
	bool has = hsm_has_log(d->a->hsm);
	bool ok = hsm_check_log(d->a->hsm, &why) == CAMCA_OK;

	doctor_say(d, "log token", ok, "warning", ok ? "The token of the "
	    "custody log answers and every key signs." : why.detail, has ?
	    "Put the token back, or check its PIN (hsm: log_pin_file) and the "
	    "HSM's own log. Certificates are issued meanwhile; checkpoints "
	    "wait." : "Make a second token in the HSM with its own tools and "
	    "name it in camca.yaml (hsm: log_token).");
}

static void
doctor_vault(struct doctor *d)
{
	struct refusal why = { 0 };
	bool ok = vault_check(d->a->vault, &why) == CAMCA_OK;

	doctor_say(d, "vault", ok, "error", ok ? "The vault's key opens what "
	    "is sealed to it." : why.detail, strcmp(why.code,
	    "hsm.no-derive") == 0 ? "An HSM without ECDH holds no vault: "
	    "passwords of cameras are not kept here; certificates are issued "
	    "all the same." : "Put the token back, or restore the one that "
	    "has the vault's key; certificates are issued meanwhile.");
}

static void
doctor_clock(struct doctor *d)
{
	struct refusal why = { 0 };
	int64_t now;
	bool ok = authority_now(d->a, &now, &why) == CAMCA_OK;

	doctor_say(d, "clock", ok, "error", ok ? "Time has not run backwards." :
	    why.detail, "Set the clock by NTP. If it was wrong before and is "
	    "right now: camca clock accept.");
}

static void
doctor_store(struct doctor *d)
{
	struct store_health h;
	char text[256];
	bool ok = store_health(d->a->store, &h) == CAMCA_OK;

	if (!ok) {
		doctor_say(d, "store", false, "error", "The store does not "
		    "answer.", "Look into the log of camcad.");
		return;
	}
	snprintf(text, sizeof text, "Schema %d, %lld MB, last commit: %s.",
	    h.schema, (long long)(h.db_bytes >> 20),
	    camca_strerror(h.last_error));
	doctor_say(d, "store", h.last_error == 0, "error", text,
	    "Look into the log of camcad; check the disk.");
	snprintf(text, sizeof text, "%lld MB are free beside the store.",
	    (long long)(h.free_bytes >> 20));
	doctor_say(d, "disk", h.free_bytes > DOCTOR_DISK_LOW, "warning", text,
	    "Make room: with a full disk nothing is issued.");
}

/* Events get into the log within a second, or something is wrong. */
static void
doctor_events(struct doctor *d)
{
	int64_t now = ctx_now_ms(d->a->ctx);
	struct sequencer_state s;
	char text[800];
	bool late;

	if (custody_state(d->a, &s) < 0)
		return;
	late = s.waiting > 0 && s.oldest_ms > 0 &&
	    now - s.oldest_ms > DOCTOR_EVENT_LATE_MS +
	    d->a->conf.custody_interval_ms;
	snprintf(text, sizeof text, "%lld events are in the custody log, %lld "
	    "wait.%s%s", (long long)s.size, (long long)s.waiting,
	    s.error < 0 ? " " : "", s.error < 0 ? s.why : "");
	doctor_say(d, "events", s.error == 0 && !late, "error", text,
	    s.error == CAMCA_EPOLICY ?
	    "Stop camcad and restore the database from a backup, or find out "
	    "who changed it; nothing is left out of the log by itself." :
	    "Look into the log of camcad; check the disk.");
}

static int
doctor_chains_tx(struct tx *tx, void *arg)
{
	return chains_off(tx, arg);
}

static void
doctor_chains(struct doctor *d)
{
	int64_t off = 0;
	char text[160];

	if (store_tx(d->a->store, DB_READ, doctor_chains_tx, &off) < 0)
		return;
	snprintf(text, sizeof text, off == 0 ? "Each event of the custody log "
	    "is in the chain of its device." : "The chains of all devices and "
	    "the custody log differ by %lld events.", (long long)off);
	doctor_say(d, "chains", off == 0, "error", text, "camca custody fsck "
	    "says where. Somebody changed the database: see OPERATIONS, When "
	    "something is wrong.");
}

static int
doctor_anchor(const struct anchor_state *s, void *arg)
{
	bool witness = s->kind == ANCHOR_WITNESS;
	bool ok = s->is == ANCHOR_ANSWERING || (s->is == ANCHOR_UNKNOWN &&
	    s->failed[0] == '\0');
	char name[400], text[700];

	snprintf(name, sizeof name, "%s %s", witness ? "witness" : "tsa",
	    s->name);
	if (ok && s->size >= 0)
		snprintf(text, sizeof text, "It has the log up to %lld "
		    "entries.", (long long)s->size);
	else
		snprintf(text, sizeof text, "%s: %s.", s->url, ok ?
		    "not asked yet" : s->failed);
	doctor_say(arg, name, ok, s->is == ANCHOR_CONTRADICTS ? "error" :
	    "warning", text, s->is == ANCHOR_CONTRADICTS ?
	    "Find out which history is the true one before anything else: "
	    "compare the checkpoint of the witness with camca custody status; "
	    "camca custody fsck checks this one." : "Ask whoever runs it, and "
	    "look at the network and at the log of camca-anchor; events are "
	    "recorded and certificates issued meanwhile.");
	return CAMCA_OK;
}

/* Checkpoints that enough others have signed, and who asks them. */
static void
doctor_anchors(struct doctor *d)
{
	struct anchor *an = d->a->anchor;
	struct anchor_summary s;
	char text[800];
	bool asked, late;

	if (an == NULL || anchor_summary(an, &s) < 0)
		return;
	if (s.witnesses == 0)
		doctor_say(d, "witnesses", true, "note", "There are none: "
		    "whether the database and custody/checkpoint were both put "
		    "back to an older copy cannot be known here.", "");
	if (!s.policy && s.why[0] == '\0' && s.tsas == 0)
		return;
	doctor_say(d, "anchors", s.why[0] == '\0', "warning",
	    s.why[0] == '\0' ? "The files of policies/custody are in force." :
	    s.why, "Mend the file, then camca policy reload.");
	if (anchor_list(an, doctor_anchor, d) < 0 ||
	    s.witnesses + s.tsas == 0)
		return;
	asked = s.asked_ms >= 0 && s.asked_ms < DOCTOR_ANCHOR_MS;
	doctor_say(d, "camca-anchor", asked, "warning", asked ?
	    "It asks for work." : "It does not ask for work: nobody talks to "
	    "witnesses and TSAs.", "camca up starts it; else start it beside "
	    "camcad and camca-gate.");
	late = s.waiting_ms > 0 && ctx_now_ms(d->a->ctx) - s.waiting_ms >
	    DOCTOR_ANCHOR_MS;
	snprintf(text, sizeof text, "The newest checkpoint has %lld entries, "
	    "the newest with its quorum %lld.", (long long)s.newest_size,
	    (long long)s.quorum_size);
	if (s.policy)
		doctor_say(d, "quorum", !late, "warning", text, "See the lines "
		    "of the witnesses; bundles use the older checkpoint.");
}

/* What a checkpoint is late for, and whom it needs. */
static const char *
doctor_sign_mend(const struct signer_state *st)
{
	if (st->fork)
		return "Put the right database or the right checkpoint file "
		    "back: it goes on by itself. Only where they are lost: "
		    "camca custody fork.";
	if (strcmp(st->code, "custody.damaged") == 0)
		return "camca custody fsck says what was changed; restore the "
		    "database from a backup.";
	if (strcmp(st->code, "hsm.refused") == 0)
		return "An HSM without EdDSA: keys: [ecdsa] in section custody "
		    "of camca.yaml.";
	return "Look at the log's token, at the folder custody and at the log "
	    "of camcad; certificates are issued meanwhile.";
}

static void
doctor_checkpoints(struct doctor *d)
{
	int64_t grace = d->a->conf.checkpoint_ms + DOCTOR_EVENT_LATE_MS;
	int64_t now = ctx_now_ms(d->a->ctx);
	char text[800], when[CTX_TIME_LEN];
	struct sequencer_state s;
	struct signer_state st;
	bool late;

	signer_state(d->a->signer, &st);
	if (custody_state(d->a, &s) < 0)
		return;
	late = s.size > st.size && st.signed_ms > 0 &&
	    now - st.signed_ms > grace && st.failed == CAMCA_OK;
	ctx_time_format(when, st.signed_ms);
	if (st.failed < 0 && st.size < 0)
		snprintf(text, sizeof text, "%s", st.why);
	else if (st.failed < 0)
		snprintf(text, sizeof text, "%s The newest covers %lld of "
		    "%lld events.", st.why, (long long)st.size,
		    (long long)s.size);
	else
		snprintf(text, sizeof text, "%s: %lld of %lld events are "
		    "signed, at %s.", st.origin, (long long)st.size,
		    (long long)s.size, st.signed_ms > 0 ? when : "no time");
	doctor_say(d, "checkpoints", st.failed == 0 && !late && st.size >= 0,
	    "error", text, doctor_sign_mend(&st));
	if (st.origin[0] == '\0' || strncmp(st.origin,
	    d->a->conf.custody_origin,
	    strlen(d->a->conf.custody_origin)) == 0)
		return;
	snprintf(text, sizeof text, "The log is %.200s since its first start, "
	    "camca.yaml says %.200s.", st.origin,
	    d->a->conf.custody_origin);
	doctor_say(d, "origin", false, "warning", text, "Set custody: origin "
	    "to what the log is.");
}

/* strongSwan before 5.9.11 reads an answer of two TLS records, no more. */
static void
doctor_bag(struct doctor *d, const struct ca_set *set, const char *ca,
    int64_t now)
{
	char name[128], text[256];
	struct buf bag;
	size_t n;

	buf_init(&bag, 0);
	if (ca_bag(set, ca, now, &bag) == CAMCA_OK) {
		n = (bag.len + 2) / 3 * 4;
		snprintf(name, sizeof name, "cacerts %s", ca);
		snprintf(text, sizeof text, "The answer to /cacerts has %zu "
		    "bytes.", n);
		doctor_say(d, name, n <= DOCTOR_BAG_HIGH, "warning", text,
		    "Some clients read 16 KB only. Old generations leave the "
		    "answer when they expire: roll over less often.");
	}
	buf_fini(&bag);
}

static void
doctor_cas(struct doctor *d)
{
	struct ca_set *set = authority_cas(d->a);
	int64_t now = ctx_now_ms(d->a->ctx);
	char name[128], text[256], when[CTX_TIME_LEN];
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct ca *ca = &set->list[i];

		if (ca->row.state != ISSUER_ACTIVE)
			continue;
		ctx_time_format(when, ca->not_after_ms);
		snprintf(name, sizeof name, "ca %s", ca->row.name);
		snprintf(text, sizeof text, "Generation %lld is valid until "
		    "%.10s.", (long long)ca->row.generation, when);
		doctor_say(d, name, ca->not_after_ms - now > DOCTOR_SOON_MS,
		    "error", text, "camca ca rollover NAME makes the next "
		    "generation.");
		if (ca->row.parent != 0)
			doctor_bag(d, set, ca->row.name, now);
	}
	authority_cas_put(d->a, set);
}

struct doctor_crls {
	struct doctor *d;
	int64_t warn_bytes;
};

/* Not current is not wrong: lists follow changes by a second. */
static int
doctor_crl(const struct publisher_state *s, void *arg)
{
	struct doctor_crls *x = arg;
	char name[128], text[800], until[CTX_TIME_LEN] = "";
	bool large = s->row.size > x->warn_bytes;

	snprintf(name, sizeof name, "crl %s", s->name);
	if (s->row.number > 0)
		ctx_time_format(until, s->row.next_update_ms);
	if (s->failed < 0)
		snprintf(text, sizeof text, "The next CRL of generation %lld "
		    "does not come out: %s Number %lld is good until %s%s.",
		    (long long)s->generation, s->why,
		    (long long)s->row.number, until[0] != '\0' ? until :
		    "never", s->due ? " and past half its life" : "");
	else
		snprintf(text, sizeof text, "Generation %lld, number %lld: "
		    "%lld entries, %lld bytes, until %s.",
		    (long long)s->generation, (long long)s->row.number,
		    (long long)s->row.entries, (long long)s->row.size,
		    until[0] != '\0' ? until : "never");
	if (s->failed < 0)
		doctor_say(x->d, name, false, s->due ? "error" : "warning",
		    text, "Look at the token, the disk and the log of camcad; "
		    "the list before stays published until it ends.");
	else
		doctor_say(x->d, name, !large && !s->due, "warning", text,
		    large ? "Many cameras take no larger CRL. camca ca add "
		    "NAME makes an issuing CA for one site group, with a CRL "
		    "of its own; a profile with that issuer and a label of its "
		    "own sends cameras there." : "A new list is late: look at "
		    "the log of camcad.");
	return CAMCA_OK;
}

static void
doctor_crls(struct doctor *d)
{
	struct policies *p = authority_policies(d->a);
	struct doctor_crls x = { d, p->revocation.crl_warn_bytes };

	authority_policies_put(d->a, p);
	if (d->a->publisher == NULL || publisher_list(d->a->publisher,
	    doctor_crl, &x) < 0)
		doctor_say(d, "crl", false, "error", "The CRLs cannot be "
		    "looked at.", "Look into the log of camcad.");
}

static void
doctor_policies(struct doctor *d)
{
	struct policies *p = NULL, *now;
	struct refusal why = { 0 };

	if (policies_read(d->a->conf.policies, &p, &why) < 0) {
		doctor_say(d, "policies", false, "error", why.detail,
		    "Mend the file; the rules loaded before stay in force.");
		return;
	}
	now = authority_policies(d->a);
	doctor_say(d, "policies", strcmp(now->hex, p->hex) == 0, "warning",
	    strcmp(now->hex, p->hex) == 0 ? "The files are those in force." :
	    "The files have changed since they were loaded.",
	    "camca policy reload puts them in force.");
	authority_policies_put(d->a, now);
	policies_free(p);
}

/* Nobody but the authority may open token and database. */
static void
doctor_permissions(struct doctor *d)
{
	static const char *const dirs[] = { "db", "hsm", "crl",
	    "custody" };
	char path[400], text[500];
	struct stat st;
	size_t i;
	bool ok;

	for (i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", d->a->conf.state,
		    dirs[i]);
		ok = stat(path, &st) == 0 && (st.st_mode & 077) == 0 &&
		    st.st_uid == geteuid();
		snprintf(text, sizeof text, "%s is %s.", path, ok ?
		    "the authority's alone" : "open to others, or not ours");
		doctor_say(d, dirs[i], ok, "error", text,
		    "chown it to the authority's user, chmod 700.");
	}
}

static void
doctor_users(struct doctor *d)
{
	bool apart = d->a->gate_uid != (uid_t)-1;

	doctor_say(d, "users", apart, "warning", apart ?
	    "Authority and gate run as different users." :
	    "Authority and gate run as one user: a hole in the gate opens the "
	    "database and the token.",
	    "Run scripts/setup and start camca up as root.");
}

int
op_system_doctor(struct op_call *c)
{
	struct doctor d = { .a = c->a, .checks = json_array() };

	doctor_token(&d);
	doctor_log_token(&d);
	doctor_vault(&d);
	doctor_clock(&d);
	doctor_store(&d);
	doctor_events(&d);
	doctor_chains(&d);
	doctor_checkpoints(&d);
	doctor_anchors(&d);
	doctor_cas(&d);
	doctor_crls(&d);
	doctor_cameras(&d);
	doctor_policies(&d);
	doctor_permissions(&d);
	doctor_users(&d);
	c->result = json_pack("{s:o}", "checks", d.checks);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
