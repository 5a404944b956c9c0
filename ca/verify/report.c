/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/verify/report.h"

#include <stdarg.h>
#include <string.h>

static struct report_item *
report_new(struct report *r, enum report_kind kind)
{
	size_t room = REPORT_ITEMS_MAX - (kind == REPORT_WRONG ? 0 : 1);

	if (r->wrong || r->n >= room)
		return NULL;
	r->wrong = kind == REPORT_WRONG;
	return &r->items[r->n++];
}

void
report_add(struct report *r, enum report_kind kind, const char *code,
    const char *file, const char *en, const char *vi, ...)
{
	struct report_item *it = report_new(r, kind);
	va_list ap;

	if (it == NULL)
		return;
	it->kind = kind;
	snprintf(it->code, sizeof it->code, "%s", code);
	snprintf(it->file, sizeof it->file, "%s", file != NULL ? file : "");
	va_start(ap, vi);
	vsnprintf(it->text, sizeof it->text, r->lang == REPORT_VI ? vi : en,
	    ap);
	va_end(ap);
	refusal_sanitize(it->file);
	refusal_sanitize(it->text);
}

int
report_refused(struct report *r, int err, const char *code,
    const char *file, const struct refusal *why)
{
	if (err == CAMCA_ENOMEM || err == CAMCA_ECRYPTO)
		return err;
	return report_wrong(r, code, file, "It is not what it has to be: %s.",
	    "Tệp không đúng quy cách: %s.", why->http != 0 ? why->detail :
	    camca_strerror(err));
}

const char *
report_word(const struct report *r, const char *en, const char *vi)
{
	return r->lang == REPORT_VI ? vi : en;
}

void
report_json_text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			fprintf(f, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}
