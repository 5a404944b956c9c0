/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/log.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/ctx.h"
#include "ca/base/refusal.h"

static const char *log_program = "camca";
static enum log_level log_max = LOG_NOTE;
static int log_journal;

static const char *const log_words[] = { [LOG_ERROR] = "error",
    [LOG_WARN] = "warning", [LOG_NOTE] = "note", [LOG_INFO] = "info",
    [LOG_TRACE] = "trace" };

bool
log_level_parse(const char *name, enum log_level *out)
{
	enum log_level l;

	for (l = LOG_ERROR; l <= LOG_TRACE; l++)
		if (strcmp(name, log_words[l]) == 0) {
			*out = l;
			return true;
		}
	return false;
}

void
log_setup(const char *program, enum log_level max)
{
	log_program = program;
	log_max = max;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_msg(enum log_level level, const char *object, const char *fmt, ...)
{
	char text[1024], line[1280], when[CTX_TIME_LEN];
	va_list ap;
	int n;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	refusal_sanitize(text);
	ctx_time_format(when, ctx_now_ms(&camca_ctx_system));
	if (log_journal)
		n = snprintf(line, sizeof line, "<%d>%s: %s%s%s\n", (int)level,
		    log_program, object != NULL ? object : "",
		    object != NULL ? ": " : "", text);
	else
		n = snprintf(line, sizeof line, "%s %s %s: %s%s%s\n", when,
		    log_program, log_words[level], object != NULL ? object : "",
		    object != NULL ? ": " : "", text);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof line) {
		n = (int)sizeof line - 1;
		line[n - 1] = '\n';
	}
	/* One write, so that lines of several threads do not mix. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void
log_openssl(const char *object, const char *what)
{
	char text[512] = "", one[160];
	unsigned long e;
	size_t used;

	while ((e = ERR_get_error()) != 0) {
		ERR_error_string_n(e, one, sizeof one);
		used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s",
		    used > 0 ? "; " : "", one);
	}
	log_msg(LOG_ERROR, object, "%s: %s", what,
	    text[0] != '\0' ? text : "no detail");
}
