/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent read on a camera: kept, judged, recorded, and acted on where
 * the camera is not the one that got our certificate. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/base/enc.h"
#include "ca/base/json_memory.h"
#include "ca/base/log.h"
#include "ca/issue/cert.h"
#include "ca/job/observe.h"

#define OBSERVE_CERTS_MAX 64
#define OBSERVE_USERS_MAX 64
#define OBSERVE_KEYS_MAX 256           /* of one camera, each a row */

struct observe {
	struct tx *tx;
	struct agent_call *x;
	const struct job_row *job;
	const json_t *o;
	struct device_row dev;
	struct site_row site;
	struct observation_row row;    /* the new one */
	char before[sizeof ((struct observation_row *)0)->findings];
	char firmware[STORE_NAME_MAX]; /* read the time before */
	bool first, same;
	bool partial;                  /* only what was served was read */
	bool served;                   /* its key is counted */
	uint8_t certs[OBSERVE_CERTS_MAX][STORE_HASH_LEN];
	size_t ncerts;
	char users[OBSERVE_USERS_MAX][VAULT_USER_MAX];
	const char *user[OBSERVE_USERS_MAX];
	size_t nusers;
	char shares[STORE_ID_MAX];
	struct findings found;
};

/* ---- what is known ---- */

static int
observe_cert_row(const struct cert_row *r, void *arg)
{
	struct observe *w = arg;

	if (r->status == CERT_REVOKED)
		return 0;
	/* The newest are what counts. */
	if (w->ncerts == OBSERVE_CERTS_MAX) {
		memmove(w->certs[0], w->certs[1],
		    (OBSERVE_CERTS_MAX - 1) * STORE_HASH_LEN);
		w->ncerts--;
	}
	return EVP_Digest(r->der.p, r->der.n, w->certs[w->ncerts++], NULL,
	    EVP_sha256(), NULL) == 1 ? 0 : CAMCA_ECRYPTO;
}

static int
observe_account_row(const struct vault_account *a, void *arg)
{
	struct observe *w = arg;

	if (w->nusers == OBSERVE_USERS_MAX)
		return 1;
	memcpy(w->users[w->nusers], a->username, sizeof a->username);
	w->user[w->nusers] = w->users[w->nusers];
	w->nusers++;
	return 0;
}

static int
observe_enrolled(struct observe *w, bool *out)
{
	struct job_last_row enroll, renew;
	int ret;

	if ((ret = store_job_last_get(w->tx, w->dev.pk, JOB_ENROLL,
	    &enroll)) < 0 ||
	    (ret = store_job_last_get(w->tx, w->dev.pk, JOB_RENEW,
	    &renew)) < 0)
		return ret;
	*out = (enroll.ok_ms != 0 || renew.ok_ms != 0) && w->ncerts > 0;
	return CAMCA_OK;
}

static int
observe_before(struct observe *w)
{
	struct observation_row r;
	json_t *o = NULL;
	int ret = store_observation_get(w->tx, w->dev.pk, &r);

	w->first = ret == CAMCA_ENOENT;
	if (ret < 0)
		return w->first ? CAMCA_OK : ret;
	memcpy(w->before, r.findings, sizeof w->before);
	w->same = memcmp(r.sha256, w->row.sha256, sizeof r.sha256) == 0;
	if (w->partial) {
		/* The rest is as it was known. */
		free(w->row.body.p);
		w->row.body = r.body;
		memcpy(w->row.sha256, r.sha256, sizeof r.sha256);
		memcpy(w->row.findings, r.findings, sizeof r.findings);
		return CAMCA_OK;
	}
	ret = json_memory_parse(r.body.p, r.body.n, &o);
	snprintf(w->firmware, sizeof w->firmware, "%s",
	    body_text(o, "firmware"));
	json_decref(o);
	store_observation_free(&r);
	return ret == CAMCA_ENOMEM ? ret : CAMCA_OK;
}

/* ---- keys ---- */

static bool
observe_is_ca(const struct observe *w, const uint8_t spki[static 32])
{
	uint8_t ours[32];
	size_t i;

	for (i = 0; i < w->x->cas->n; i++)
		if (cert_spki_sha256(w->x->cas->list[i].cert, ours) ==
		    CAMCA_OK && memcmp(ours, spki, sizeof ours) == 0)
			return true;
	return false;
}

/* Keys that are this camera's: of the leaf that it serves, once, and of what we
 * made there. CA certificates lie in many cameras, and are no news. What we have
 * not certified is not ours, whatever it is called: a camera with ever new keys
 * in its list would leave a row of each for good. */
static int
observe_key_counts(struct observe *w, const json_t *cert,
    const uint8_t spki[static STORE_HASH_LEN], bool *out)
{
	const char *served = body_text(json_object_get(w->o, "served"),
	    "sha256");
	struct cert_row c = { .id = 0 };
	int ret;

	*out = !w->served && strcmp(body_text(cert, "sha256"), served) == 0;
	w->served = w->served || *out;
	if (*out || strncmp(body_text(cert, "alias"), "camca:", 6) != 0)
		return CAMCA_OK;
	ret = store_cert_by_spki(w->tx, spki, 0, &c);
	store_cert_free(&c);
	*out = ret == CAMCA_OK;
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static int
observe_key(struct observe *w, const json_t *cert)
{
	uint8_t spki[STORE_HASH_LEN];
	struct device_row other;
	int64_t pk = 0;
	bool counts, fresh;
	int ret;

	if (dec_hex(spki, sizeof spki, body_text(cert, "spki")) < 0 ||
	    observe_is_ca(w, spki))
		return CAMCA_OK;
	ret = observe_key_counts(w, cert, spki, &counts);
	if (ret < 0 || !counts)
		return ret;
	ret = store_camera_key_put(w->tx, spki, w->dev.pk, w->x->now, &pk,
	    &fresh);
	if (ret < 0 || pk == 0)
		return ret;
	if ((ret = store_device_by_pk(w->tx, pk, &other)) < 0)
		return ret;
	memcpy(w->shares, other.id, sizeof w->shares);
	return CAMCA_OK;
}

static int
observe_keys(struct observe *w)
{
	json_t *list = json_object_get(w->o, "certificates"), *item;
	size_t i;
	int ret = CAMCA_OK;

	json_array_foreach(list, i, item)
		if (ret == CAMCA_OK && i < OBSERVE_KEYS_MAX)
			ret = observe_key(w, item);
	return ret;
}

/* ---- the row ---- */

/* What is compared leaves out what is another number each time. */
static int
observe_digest(struct observe *w)
{
	json_t *o = json_copy((json_t *)(uintptr_t)w->o);
	char *text;
	int ret;

	if (o == NULL)
		return CAMCA_ENOMEM;
	json_object_del(o, "clock_offset_ms");
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	if (text == NULL)
		return CAMCA_ENOMEM;
	ret = EVP_Digest(text, strlen(text), w->row.sha256, NULL,
	    EVP_sha256(), NULL) == 1 ? CAMCA_OK : CAMCA_ECRYPTO;
	free(text);
	return ret;
}

static int
observe_body(struct observe *w)
{
	char *text = json_dumps(w->o, JSON_COMPACT | JSON_SORT_KEYS);

	if (text == NULL)
		return CAMCA_ENOMEM;
	w->row.body.p = (uint8_t *)text;
	w->row.body.n = strlen(text);
	if (w->row.body.n > STORE_OBSERVATION_MAX)
		return refuse(&w->x->c->why, CAMCA_ELIMIT, 413,
		    "job.observation", "An observation has at most %d bytes.",
		    STORE_OBSERVATION_MAX);
	return CAMCA_OK;
}

/* ---- events ---- */

static void
observe_line(struct event *e, const struct observe *w, const char *key,
    const char *name)
{
	const char *s = body_text(w->o, name);

	if (s[0] != '\0')
		event_add(e, key, "%s", s);
}

static int
observe_event(struct observe *w)
{
	const char *leaf = body_text(json_object_get(w->o, "served"),
	    "sha256");
	struct job_by by = agent_by(w->x);
	struct event e;

	event_init(&e, by.src, "camera.observed", w->dev.id, by.actor);
	event_add(&e, "job", "%" PRId64, w->job->id);
	event_add_hex(&e, "observation-sha256", w->row.sha256,
	    sizeof w->row.sha256);
	observe_line(&e, w, "manufacturer", "manufacturer");
	observe_line(&e, w, "model", "model");
	observe_line(&e, w, "serial", "serial");
	observe_line(&e, w, "firmware", "firmware");
	observe_line(&e, w, "hardware-id", "hardware_id");
	if (leaf[0] != '\0')
		event_add(&e, "tls-sha256", "%s", leaf);
	event_add(&e, "findings", "%zu", w->found.n);
	return event_put(w->tx, &e);
}

static int
observe_finding_event(struct observe *w, const struct finding *f,
    const char *action)
{
	struct job_by by = agent_by(w->x);
	struct event e;

	log_msg(LOG_WARN, w->dev.id, "%s: expected %s, read %s", f->code,
	    f->declared, f->read[0] != '\0' ? f->read : "otherwise");
	event_init(&e, by.src, "camera.finding", w->dev.id, by.actor);
	event_add(&e, "job", "%" PRId64, w->job->id);
	event_add(&e, "rule", "%s", f->code);
	event_add(&e, "declared", "%s", f->declared);
	if (f->read[0] != '\0')
		event_add(&e, "read", "%s", f->read);
	if (action != NULL)
		event_add(&e, "action", "%s", action);
	return event_put(w->tx, &e);
}

static int
observe_cleared(struct observe *w, const char *key)
{
	struct job_by by = agent_by(w->x);
	char code[FINDING_KEY_MAX];
	struct event e;

	snprintf(code, sizeof code, "%.*s", (int)strcspn(key, ":"), key);
	event_init(&e, by.src, "camera.cleared", w->dev.id, by.actor);
	event_add(&e, "job", "%" PRId64, w->job->id);
	event_add(&e, "rule", "%s", code);
	return event_put(w->tx, &e);
}

/* ---- a camera that is not the one it was ---- */

static int
observe_fallback(struct observe *w, struct observe_result *out,
    const char **action)
{
	static const enum device_action actions[JOB_FALLBACKS] = {
		[FALLBACK_WATCH] = ACTION_WATCH,
		[FALLBACK_HOLD] = ACTION_HOLD };
	struct job_by by = agent_by(w->x);
	int policy = w->x->pol->jobs.fallback;
	struct standing_change s = { .a = w->x->a, .cas = w->x->cas,
	    .by = &by, .dev = &w->dev, .reason = "The camera serves another "
	    "certificate than the one it was given: a factory reset, or "
	    "another camera." };
	int ret;

	/* Who enrolls it anew knows. */
	if (policy == FALLBACK_NONE || w->job->kind == JOB_ENROLL ||
	    w->job->kind == JOB_RETIRE || w->job->mode != JOB_APPLY)
		return CAMCA_OK;
	s.action = actions[policy];
	if ((ret = standing_change(w->tx, &s)) < 0)
		return ret;
	*action = device_action_name(s.action);
	out->held = policy == FALLBACK_HOLD;
	out->rev_seq = s.rev_seq;
	return CAMCA_OK;
}

static int
observe_findings(struct observe *w, struct observe_result *out)
{
	char key[FINDING_KEY_MAX], *keys = w->row.findings;
	const struct finding *f;
	const char *action;
	size_t i, n;
	int ret;

	for (i = 0; i < w->found.n; i++) {
		f = &w->found.list[i];
		finding_key(f, key);
		n = strlen(keys);
		if (!f->once && !finding_in(keys, key) &&
		    n + strlen(key) + 2 < sizeof w->row.findings)
			snprintf(keys + n, sizeof w->row.findings - n, "%s%s",
			    n > 0 ? " " : "", key);
		if (!f->once && finding_in(w->before, key))
			continue;
		action = NULL;
		if (strcmp(f->code, "camera.fallback") == 0 &&
		    (ret = observe_fallback(w, out, &action)) < 0)
			return ret;
		if ((ret = observe_finding_event(w, f, action)) < 0)
			return ret;
	}
	return CAMCA_OK;
}

/* What was found the time before, and is no more. (Of a camera that let nobody
 * look nothing is known to be better.) */
static int
observe_gone(struct observe *w)
{
	const char *p = w->before;
	char key[FINDING_KEY_MAX];
	size_t n;
	int ret = CAMCA_OK;

	while (*p != '\0' && ret == CAMCA_OK) {
		n = strcspn(p, " ");
		snprintf(key, sizeof key, "%.*s", (int)n, p);
		if (!finding_in(w->row.findings, key))
			ret = observe_cleared(w, key);
		p += n + strspn(p + n, " ");
	}
	return ret;
}

/* ---- the whole ---- */

static int
observe_load(struct observe *w, struct observe_facts *f)
{
	int ret;

	if ((ret = store_device_by_pk(w->tx, w->job->device, &w->dev)) < 0 ||
	    (ret = store_site_get(w->tx, w->dev.site, &w->site)) < 0 ||
	    (ret = store_cert_list(w->tx, w->dev.pk, 0, 0, INT64_MAX,
	    observe_cert_row, w)) < 0 ||
	    (ret = store_vault_account_list(w->tx, w->dev.pk, 0, INT64_MAX,
	    observe_account_row, w)) < 0 ||
	    (ret = observe_digest(w)) < 0 || (ret = observe_body(w)) < 0 ||
	    (ret = observe_before(w)) < 0 || (ret = observe_keys(w)) < 0)
		return ret;
	f->dev = &w->dev;
	f->rules = &w->x->pol->jobs;
	f->level = &f->rules->levels[w->site.level - 1];
	f->certs = (const uint8_t (*)[STORE_HASH_LEN])w->certs;
	f->ncerts = w->ncerts;
	f->users = w->user;
	f->nusers = w->nusers;
	f->firmware = w->firmware[0] != '\0' ? w->firmware : NULL;
	f->shares_key_with = w->shares[0] != '\0' ? w->shares : NULL;
	f->default_password = guard_default(w->x->a->guard, w->job->id);
	f->default_before = strstr(w->before, "camera.default-password:") !=
	    NULL;
	return observe_enrolled(w, &f->enrolled);
}

int
agent_observe(struct tx *tx, struct agent_call *x, const struct job_row *job,
    const json_t *o, struct observe_result *out)
{
	struct observe *w = calloc(1, sizeof *w);
	struct observe_facts f = { .dev = NULL };
	int ret;

	if (w == NULL)
		return CAMCA_ENOMEM;
	w->tx = tx;
	w->x = x;
	w->job = job;
	w->o = o;
	w->row.device = job->device;
	w->row.time_ms = x->now;
	w->partial = json_object_get(o, "manufacturer") == NULL &&
	    json_object_get(o, "accounts") == NULL;
	if ((ret = observe_load(w, &f)) < 0)
		goto out;
	observe_judge(o, &f, &w->found);
	if ((ret = observe_findings(w, out)) < 0 ||
	    (ret = observe_gone(w)) < 0 ||
	    (ret = store_observation_put(tx, &w->row)) < 0)
		goto out;
	if (!w->partial && (w->first || !w->same))
		ret = observe_event(w);
out:
	free(w->row.body.p);
	free(w);
	return ret;
}
