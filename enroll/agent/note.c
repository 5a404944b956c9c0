/* SPDX-License-Identifier: Apache-2.0 */
/* What a step tells of itself. Never a secret: whatever a camera echoes, no
 * password of the job leaves in a report. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "enroll/agent/visit.h"

static void __attribute__((format(printf, 2, 0)))
note_add(char text[static NOTE_TEXT_MAX], const char *fmt, va_list ap)
{
	size_t n = strlen(text);

	if (n > 0 && n + 3 < NOTE_TEXT_MAX) {
		memcpy(text + n, "; ", 3);
		n += 2;
	}
	vsnprintf(text + n, NOTE_TEXT_MAX - n, fmt, ap);
}

#define NOTE_FUNCTION(name, field) \
	void name(struct visit *v, const char *fmt, ...) \
	{ \
		va_list ap; \
		va_start(ap, fmt); \
		note_add(v->note.field, fmt, ap); \
		va_end(ap); \
	}
NOTE_FUNCTION(visit_before, before)
NOTE_FUNCTION(visit_after, after)
NOTE_FUNCTION(visit_detail, detail)

void
visit_extra(struct visit *v, const char *name, json_t *value)
{
	if (v->note.extra == NULL)
		v->note.extra = json_object();
	if (v->note.extra == NULL)
		json_decref(value);
	else
		(void)json_object_set_new(v->note.extra, name, value);
}

void
note_reset(struct note *n)
{
	json_decref(n->extra);
	memset(n, 0, sizeof *n);
}

static void
note_code(struct visit *v, const char *code)
{
	snprintf(v->note.code, sizeof v->note.code, "%.47s", code);
}

int
visit_fail(struct visit *v, const char *code, const char *fmt, ...)
{
	va_list ap;

	note_code(v, code);
	va_start(ap, fmt);
	note_add(v->note.detail, fmt, ap);
	va_end(ap);
	return CAMCA_EPERM;
}

/* Shorter ones ("admin") are words that any text may hold. */
#define NOTE_SECRET_MIN 8

static void
note_scrub_one(char *text, const char *secret)
{
	size_t n = strlen(secret);
	char *p = text;

	if (n < NOTE_SECRET_MIN)
		return;
	while ((p = strstr(p, secret)) != NULL) {
		memset(p, '*', n);
		p += n;
	}
}

static void
note_scrub(const struct visit *v, char *text)
{
	const struct agent_account *a;
	size_t i;

	refusal_sanitize(text);
	for (i = 0; i < v->job->accounts_count; i++) {
		a = &v->job->accounts[i];
		note_scrub_one(text, a->current);
		note_scrub_one(text, a->pending);
	}
}

int
visit_cam(struct visit *v, int ret, const struct cam_why *why,
    const char *what)
{
	note_code(v, why->code != CAM_NONE ? cam_trouble_name(why->code) :
	    "camera.internal");
	visit_detail(v, "%s: %s%s%s%s", what, why->text[0] != '\0' ?
	    why->text : camca_strerror(ret), why->fault[0] != '\0' ? " [" : "",
	    why->fault, why->fault[0] != '\0' ? "]" : "");
	/* Now, as long as the passwords it may quote are known. */
	note_scrub(v, v->note.detail);
	return ret;
}

int
visit_peer_failed(struct visit *v, int ret, const struct refusal *why)
{
	note_code(v, why->code[0] != '\0' ? why->code : "agent.gate");
	visit_detail(v, "%s", why->detail[0] != '\0' ? why->detail :
	    camca_strerror(ret));
	return ret;
}

/* ---- the report ---- */

json_t *
visit_report_json(struct visit *v, enum job_outcome outcome, enum job_end end)
{
	struct note *n = &v->note;
	json_t *o;

	note_scrub(v, n->before);
	note_scrub(v, n->after);
	note_scrub(v, n->detail);
	o = json_pack("{s:I, s:i, s:s, s:s, s:s, s:s, s:s, s:s}",
	    "job", (json_int_t)v->job->id, "attempt", v->job->attempt,
	    "step", job_step_name(v->step),
	    "outcome", job_outcome_name(outcome), "code", n->code,
	    "before", n->before, "after", n->after, "detail", n->detail);
	if (o != NULL && n->extra != NULL)
		(void)json_object_update(o, n->extra);
	if (o != NULL)
		(void)json_object_set_new(o, "failed",
		    json_integer(visit_failed_logins(v)));
	if (o != NULL && end != END_NOT_YET)
		(void)json_object_set_new(o, "end",
		    json_string(job_end_name(end)));
	return o;
}

void
visit_finding(struct visit *v)
{
	if (v->finding[0] != '\0')
		return;                   /* the first one is told */
	memcpy(v->finding, v->note.code, sizeof v->finding);
	memcpy(v->finding_text, v->note.detail, sizeof v->finding_text);
}
