/* SPDX-License-Identifier: Apache-2.0 */
/* What a verification found, in sentences: what is proven, what is not, and the
 * first thing that is wrong. Each sentence is written in English and Vietnamese
 * side by side, so that neither can be forgotten. */
#ifndef CAMCA_VERIFY_REPORT_H
#define CAMCA_VERIFY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "ca/base/refusal.h"

enum report_lang { REPORT_EN, REPORT_VI };
enum report_kind {
	REPORT_PROVEN,
	REPORT_OPEN,             /* not proven, or to be compared by a person */
	REPORT_WRONG
};

#define REPORT_ITEMS_MAX 320
#define REPORT_TEXT_MAX 768
#define REPORT_CODE_MAX 40

struct report_item {
	enum report_kind kind;
	char code[REPORT_CODE_MAX];  /* "events.chain" */
	char file[128];              /* the file it is about, or "" */
	char text[REPORT_TEXT_MAX];
};
struct report {
	enum report_lang lang;
	bool wrong;                  /* one item is REPORT_WRONG, the last */
	size_t n;
	struct report_item items[REPORT_ITEMS_MAX];
};

/* One sentence; en and vi take the same arguments in the same order. Past
 * REPORT_ITEMS_MAX the last place is kept for what is wrong. */
void report_add(struct report *r, enum report_kind kind, const char *code,
    const char *file, const char *en, const char *vi, ...)
    __attribute__((format(printf, 5, 7), format(printf, 6, 7)));
/* The one that is wrong: REPORT_WRONG of code and file, then this value. */
#define report_wrong(r, code, file, ...) \
	(report_add((r), REPORT_WRONG, (code), (file), __VA_ARGS__), \
	CAMCA_EPOLICY)
/* The same with the sentence of a parser behind it. Returns err where that is
 * lack of memory: then nothing was found. */
int report_refused(struct report *r, int err, const char *code,
    const char *file, const struct refusal *why);

/* One of two words by the language. */
const char *report_word(const struct report *r, const char *en,
    const char *vi);
/* A JSON string with its quotes. */
void report_json_text(FILE *f, const char *s);

#endif
