/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/state.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/file.h"

#define STATE_FILE_MAX 8192u

static const struct {
	enum renew_exit code;
	const char *word;
} state_words[] = {
	{ RENEW_DONE, "ok" }, { RENEW_USAGE, "usage" },
	{ RENEW_TRUST, "untrusted" }, { RENEW_REFUSED, "refused" },
	{ RENEW_PENDING, "pending" }, { RENEW_RETRY, "retry" },
	{ RENEW_INSTALL, "install-failed" }, { RENEW_HOOK, "hook-failed" },
	{ RENEW_ANSWER, "bad-answer" },
};

const char *
state_word(enum renew_exit code)
{
	size_t i;

	for (i = 0; i < sizeof state_words / sizeof state_words[0]; i++)
		if (state_words[i].code == code)
			return state_words[i].word;
	return "unknown";
}

static int
state_number(const char *v, unsigned *out)
{
	uint64_t n = 0;
	size_t len = strlen(v), i;

	if (len == 0 || len > 9 || strspn(v, "0123456789") != len)
		return CAMCA_EINVAL;
	for (i = 0; i < len; i++)
		n = n * 10 + (uint64_t)(v[i] - '0');
	*out = (unsigned)n;
	return CAMCA_OK;
}

static int
state_time(const char *v, int64_t *out)
{
	if (strcmp(v, "-") == 0) {
		*out = 0;
		return CAMCA_OK;
	}
	return ctx_time_parse(v, out);
}

/* Unknown keys are fine: a newer program may have written the file. */
static int
state_line(struct state *st, const char *key, const char *v)
{
	unsigned code;
	int ret;

	if (strcmp(key, "exit-code") == 0) {
		if ((ret = state_number(v, &code)) < 0 || code > RENEW_ANSWER)
			return CAMCA_EINVAL;
		st->exit_code = (enum renew_exit)code;
		return CAMCA_OK;
	}
	if (strcmp(key, "generation") == 0)
		return state_number(v, &st->generation);
	if (strcmp(key, "failures") == 0)
		return state_number(v, &st->failures);
	if (strcmp(key, "not-before") == 0)
		return state_time(v, &st->not_before_ms);
	if (strcmp(key, "not-after") == 0)
		return state_time(v, &st->not_after_ms);
	if (strcmp(key, "renew-at") == 0)
		return state_time(v, &st->renew_at_ms);
	if (strcmp(key, "next-attempt") == 0)
		return state_time(v, &st->next_attempt_ms);
	if (strcmp(key, "updated") == 0)
		return state_time(v, &st->updated_ms);
	if (strcmp(key, "serial") == 0)
		snprintf(st->serial, sizeof st->serial, "%s",
		    strcmp(v, "-") == 0 ? "" : v);
	if (strcmp(key, "last-error") == 0)
		snprintf(st->last_error, sizeof st->last_error, "%s",
		    strcmp(v, "-") == 0 ? "" : v);
	return CAMCA_OK;
}

/* Copies one line of s into line; the position behind it, NULL at the end. */
static const char *
state_next_line(char *line, size_t line_len, const char *s)
{
	size_t n = strcspn(s, "\n");

	if (s[n] != '\n' || n >= line_len)
		return NULL;
	memcpy(line, s, n);
	line[n] = '\0';
	return s + n + 1;
}

int
state_parse(struct state *out, const struct buf *text)
{
	const char *s = buf_str(text);
	char line[REFUSAL_DETAIL_MAX + 64], *colon;

	memset(out, 0, sizeof *out);
	if (strlen(s) != text->len)
		return CAMCA_EINVAL;
	while (*s != '\0') {
		s = state_next_line(line, sizeof line, s);
		colon = s != NULL ? strstr(line, ": ") : NULL;
		if (colon == NULL)
			goto bad;
		*colon = '\0';
		if (state_line(out, line, colon + 2) < 0)
			goto bad;
	}
	return CAMCA_OK;
bad:
	memset(out, 0, sizeof *out);
	return CAMCA_EINVAL;
}

static int
state_put_time(struct buf *out, const char *key, int64_t ms)
{
	char text[CTX_TIME_LEN] = "-";

	if (ms > 0)
		ctx_time_format(text, ms);
	return buf_printf(out, "%s: %s\n", key, text);
}

int
state_format(struct buf *out, const struct state *st)
{
	int ret;

	ret = buf_printf(out, "state: %s\nexit-code: %d\ngeneration: %u\n"
	    "serial: %s\n", state_word(st->exit_code), (int)st->exit_code,
	    st->generation, st->serial[0] != '\0' ? st->serial : "-");
	if (ret < 0 ||
	    (ret = state_put_time(out, "not-before", st->not_before_ms)) < 0 ||
	    (ret = state_put_time(out, "not-after", st->not_after_ms)) < 0 ||
	    (ret = state_put_time(out, "renew-at", st->renew_at_ms)) < 0 ||
	    (ret = state_put_time(out, "next-attempt",
	    st->next_attempt_ms)) < 0)
		return ret;
	ret = buf_printf(out, "failures: %u\nlast-error: %s\n", st->failures,
	    st->last_error[0] != '\0' ? st->last_error : "-");
	return ret < 0 ? ret : state_put_time(out, "updated", st->updated_ms);
}

void
state_load(struct state *out, const char *dir)
{
	char path[PATH_MAX];
	struct buf text;

	memset(out, 0, sizeof *out);
	buf_init(&text, 0);
	if (file_join(path, sizeof path, dir, "status") == CAMCA_OK &&
	    file_read(path, STATE_FILE_MAX, &text) == CAMCA_OK &&
	    state_parse(out, &text) < 0)
		memset(out, 0, sizeof *out);
	buf_fini(&text);
}

int
state_save(const struct state *st, const char *dir)
{
	char path[PATH_MAX];
	struct buf text;
	int ret;

	buf_init(&text, 0);
	ret = file_join(path, sizeof path, dir, "status");
	if (ret == CAMCA_OK)
		ret = state_format(&text, st);
	if (ret == CAMCA_OK)
		ret = file_replace(path, text.data, text.len, 0644);
	buf_fini(&text);
	return ret;
}
