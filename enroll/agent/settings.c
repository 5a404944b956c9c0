/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/settings.h"

#include <limits.h>
#include <string.h>

#include "ca/base/job_wire.h"
#include "ca/base/namevalue.h"

#define SETTINGS_DIR "/var/lib/camca-agent"
#define SETTINGS_USER "camca-agent"

static const char *const settings_names[AGENT_SETTINGS] = {
	[AGENT_URL] = "url",
	[AGENT_CONNECT_TO] = "connect-to",
	[AGENT_ID] = "id",
	[AGENT_SECRET_FILE] = "secret-file",
	[AGENT_TRUST] = "trust",
	[AGENT_FINGERPRINT] = "trust-fingerprint",
	[AGENT_DIR] = "dir",
	[AGENT_USER] = "user",
	[AGENT_CONCURRENCY] = "concurrency",
	[AGENT_POLL] = "poll",
	[AGENT_TIMEOUT] = "timeout",
	[AGENT_CAMERA_TIMEOUT] = "camera-timeout",
	[AGENT_KEY_TIMEOUT] = "key-timeout",
	[AGENT_LOGIN_PATHS] = "login-paths",
};

const char *
agent_settings_name(enum agent_setting id)
{
	return settings_names[id];
}

static int
settings_bad(struct refusal *why, const char *name, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "settings.value", "%s: %s.",
	    name, what);
}

/* A whole number from 1 to max. */
static int
settings_number(const struct agent_settings *s, enum agent_setting id,
    int fallback, int max, int *out, struct refusal *why)
{
	const char *p = s->value[id];
	int n = 0;

	*out = fallback;
	if (p == NULL)
		return CAMCA_OK;
	for (; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (*p - '0');
	if (*p != '\0' || n < 1 || n > max)
		return refuse(why, CAMCA_EINVAL, 400, "settings.value",
		    "%s: not a whole number from 1 to %d.", settings_names[id],
		    max);
	*out = n;
	return CAMCA_OK;
}

/* "/web/login, rtsp:/stream1" */
static int
settings_surfaces(struct agent_settings *s, struct refusal *why)
{
	const char *p = s->value[AGENT_LOGIN_PATHS];
	struct job_surface ignored;
	char *to;
	size_t n;

	while (p != NULL && *(p += strspn(p, " ,")) != '\0') {
		n = strcspn(p, " ,");
		if (s->surfaces == AGENT_SURFACES_MAX || n >= AGENT_PATH_MAX)
			return settings_bad(why, "login-paths", "more than "
			    "four, or one is too long");
		to = s->surface[s->surfaces++];
		memcpy(to, p, n);
		to[n] = '\0';
		if (!job_surface_parse(to, &ignored))
			return settings_bad(why, "login-paths", "\"/path\", "
			    "\"rtsp:/path\" or \"rtsp:PORT/path\" are "
			    "needed, with commas between");
		p += n;
	}
	return CAMCA_OK;
}

static int
settings_check(struct agent_settings *s, struct refusal *why)
{
	int n, ret;

	if (s->value[AGENT_URL] == NULL)
		return settings_bad(why, "url", "is missing");
	if (strncmp(s->value[AGENT_URL], "https://", 8) != 0 ||
	    strchr(s->value[AGENT_URL] + 8, '/') != NULL)
		return settings_bad(why, "url", "is not https://host[:port]");
	if (s->value[AGENT_ID] == NULL || s->value[AGENT_ID][0] == '\0')
		return settings_bad(why, "id", "is missing: the name that "
		    "\"camca agent add\" was given");
	ret = settings_number(s, AGENT_CONCURRENCY, 32, AGENT_CONCURRENCY_MAX,
	    &n, why);
	s->concurrency = (unsigned)n;
	if (ret == CAMCA_OK)
		ret = settings_number(s, AGENT_POLL, 30, 3600, &s->poll_ms,
		    why);
	if (ret == CAMCA_OK)
		ret = settings_number(s, AGENT_TIMEOUT, 30, 600,
		    &s->timeout_ms, why);
	if (ret == CAMCA_OK)
		ret = settings_number(s, AGENT_CAMERA_TIMEOUT, 30, 600,
		    &s->camera_ms, why);
	if (ret == CAMCA_OK)
		ret = settings_number(s, AGENT_KEY_TIMEOUT, 600, 3600,
		    &s->key_ms, why);
	s->poll_ms *= 1000;
	s->timeout_ms *= 1000;
	s->camera_ms *= 1000;
	s->key_ms *= 1000;
	return ret < 0 ? ret : settings_surfaces(s, why);
}

int
agent_settings_parse(struct agent_settings *out, struct buf *text,
    const char *dir, struct refusal *why)
{
	int ret;

	memset(out, 0, sizeof *out);
	out->text = *text;
	buf_init(text, text->max);
	ret = namevalue_read(&out->text, settings_names, AGENT_SETTINGS,
	    out->value, why);
	if (ret < 0)
		return ret;
	if (dir != NULL)
		out->value[AGENT_DIR] = dir;
	if (out->value[AGENT_DIR] == NULL)
		out->value[AGENT_DIR] = SETTINGS_DIR;
	if (out->value[AGENT_USER] == NULL)
		out->value[AGENT_USER] = SETTINGS_USER;
	if (strlen(out->value[AGENT_DIR]) > PATH_MAX - 128)
		return settings_bad(why, "dir", "is too long");
	return settings_check(out, why);
}

void
agent_settings_fini(struct agent_settings *s)
{
	buf_fini(&s->text);
	memset(s, 0, sizeof *s);
}
