/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/job_wire.h"

#include <string.h>

static const char *const KINDS[JOB_KINDS] = { "enroll", "renew",
	"rotate-password", "push-crl", "observe", "retire" };
static const char *const MODES[JOB_MODES] = { "apply", "plan", "rollback" };
static const char *const STEPS[JOB_STEPS] = { "reach", "clock", "observe",
	"key", "csr", "certificate", "upload", "path", "assign", "tls",
	"account", "password", "prove", "crl", "protocols", "collect", "end" };
static const char *const OUTCOMES[JOB_OUTCOMES] = { "done", "skipped",
	"failed" };
static const char *const ENDS[JOB_ENDS] = { "", "success", "rolled-back",
	"failed", "parked" };

static int
word_parse(const char *const *words, int n, const char *name)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(words[i], name) == 0)
			return i;
	return -1;
}

const char *
job_kind_name(enum job_kind k)
{
	return KINDS[k];
}

const char *
job_mode_name(enum job_mode m)
{
	return MODES[m];
}

const char *
job_step_name(enum job_step s)
{
	return STEPS[s];
}

const char *
job_outcome_name(enum job_outcome o)
{
	return OUTCOMES[o];
}

const char *
job_end_name(enum job_end e)
{
	return ENDS[e];
}

int
job_kind_parse(const char *name)
{
	return word_parse(KINDS, JOB_KINDS, name);
}

int
job_mode_parse(const char *name)
{
	return word_parse(MODES, JOB_MODES, name);
}

int
job_step_parse(const char *name)
{
	return word_parse(STEPS, JOB_STEPS, name);
}

int
job_outcome_parse(const char *name)
{
	return word_parse(OUTCOMES, JOB_OUTCOMES, name);
}

int
job_end_parse(const char *name)
{
	return word_parse(ENDS, JOB_ENDS, name);
}

/* Printable, nothing that ends or splits a path in a request. */
static bool
surface_path_ok(const char *s)
{
	if (*s != '/')
		return false;
	for (; *s != '\0'; s++)
		if (*s <= 0x20 || *s >= 0x7f || strchr("#\\\"<>", *s) != NULL)
			return false;
	return true;
}

bool
job_surface_parse(const char *text, struct job_surface *out)
{
	unsigned long port = 0;
	size_t digits;

	memset(out, 0, sizeof *out);
	if (strncmp(text, "rtsp:", 5) == 0) {
		out->rtsp = true;
		text += 5;
		digits = strspn(text, "0123456789");
		if (digits > 5)
			return false;
		for (; digits > 0; digits--)
			port = port * 10 + (unsigned long)(*text++ - '0');
		if (port > UINT16_MAX || (port == 0 && text[-1] != ':'))
			return false;
		out->port = (uint16_t)port;
	}
	out->path = text;
	return surface_path_ok(text);
}
