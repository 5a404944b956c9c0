/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/bundle.h"

#include <stdbool.h>
#include <string.h>

#include "ca/base/id.h"

const char *const bundle_folders[] = { "certs", "crl", "events", "ocsp",
	"timestamps", NULL };

/* What the part between folder and ending is. */
enum bundle_part { PART_NONE, PART_NUMBER, PART_HEX, PART_WORD };

static const struct bundle_form {
	const char *before, *after;
	enum bundle_part part;
	size_t max;
} forms[BUNDLE_KINDS] = {
	[BUNDLE_README] = { "README.txt", "", PART_NONE, 256 << 10 },
	[BUNDLE_MANIFEST] = { "MANIFEST", "", PART_NONE, 32 << 20 },
	[BUNDLE_POLICY] = { "policy.tlog", "", PART_NONE, 64 << 10 },
	[BUNDLE_CHECKPOINT] = { "checkpoint", "", PART_NONE, 64 << 10 },
	[BUNDLE_CHAIN] = { "ca-chain.pem", "", PART_NONE, 256 << 10 },
	[BUNDLE_EVENT] = { "events/", ".event", PART_NUMBER, 4096 },
	[BUNDLE_PROOF] = { "events/", ".tlog-proof", PART_NUMBER, 96 << 10 },
	[BUNDLE_CERT] = { "certs/", ".pem", PART_HEX, 64 << 10 },
	[BUNDLE_CRL] = { "crl/", ".crl", PART_HEX, 256 << 20 },
	[BUNDLE_OCSP] = { "ocsp/", ".der", PART_HEX, 64 << 10 },
	[BUNDLE_STAMP] = { "timestamps/", ".tsr", PART_WORD, 256 << 10 },
	[BUNDLE_STAMP_TRUST] = { "timestamps/", ".pem", PART_WORD,
	    256 << 10 },
};

static bool
part_digits(const char *p, size_t n, size_t want, const char *digits)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] == '\0' || strchr(digits, p[i]) == NULL)
			return false;
	return n == want;
}

static bool
part_ok(enum bundle_part part, const char *p, size_t n)
{
	switch (part) {
	case PART_NUMBER:
		return part_digits(p, n, 6, "0123456789") &&
		    memcmp(p, "000000", 6) != 0;
	case PART_HEX:
		return part_digits(p, n, 40, "0123456789abcdef");
	case PART_WORD:
		return id_ok(p, n);
	default:
		return n == 0;
	}
}

static bool
form_fits(const struct bundle_form *f, const char *name, size_t n)
{
	size_t before = strlen(f->before), after = strlen(f->after);

	return n >= before + after && memcmp(name, f->before, before) == 0 &&
	    memcmp(name + n - after, f->after, after) == 0 &&
	    part_ok(f->part, name + before, n - before - after);
}

enum bundle_kind
bundle_kind(const char *name, size_t n)
{
	int k;

	if (n >= BUNDLE_NAME_MAX)
		return BUNDLE_NONE;
	for (k = BUNDLE_NONE + 1; k < BUNDLE_KINDS; k++)
		if (form_fits(&forms[k], name, n))
			return (enum bundle_kind)k;
	return BUNDLE_NONE;
}

size_t
bundle_kind_max(enum bundle_kind kind)
{
	return kind > BUNDLE_NONE && kind < BUNDLE_KINDS ? forms[kind].max : 0;
}
