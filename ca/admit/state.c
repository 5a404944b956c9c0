/* SPDX-License-Identifier: Apache-2.0 */
/* Device states and the other small tables of the inventory. */
#include <string.h>

#include "ca/admit/admit.h"

#define TO(s) (1u << (s))

static const char *const state_names[DEVICE_STATES] = {
	[DEVICE_REGISTERED] = "registered",
	[DEVICE_ENROLLED] = "enrolled",
	[DEVICE_HELD] = "held",
	[DEVICE_REVOKED] = "revoked",
	[DEVICE_RETIRED] = "retired",
	[DEVICE_LOST] = "lost",
};

/* Revoked and retired are final: a camera that comes back is a new decision
 * of a person, with a new entry in the inventory. */
static const unsigned state_moves[DEVICE_STATES] = {
	[DEVICE_REGISTERED] = TO(DEVICE_ENROLLED) | TO(DEVICE_RETIRED) |
	    TO(DEVICE_LOST),
	[DEVICE_ENROLLED] = TO(DEVICE_HELD) | TO(DEVICE_REVOKED) |
	    TO(DEVICE_RETIRED) | TO(DEVICE_LOST),
	[DEVICE_HELD] = TO(DEVICE_ENROLLED) | TO(DEVICE_REVOKED) |
	    TO(DEVICE_RETIRED) | TO(DEVICE_LOST),
	[DEVICE_REVOKED] = TO(DEVICE_LOST),
	[DEVICE_RETIRED] = TO(DEVICE_LOST),
	[DEVICE_LOST] = 0,
};

static const char *const place_names[DEVICE_PLACES] = {
	[PLACE_OTHER] = "other",
	[PLACE_PUBLIC] = "public",
	[PLACE_KEY_AREA] = "key-area",
};
static const char *const kind_names[] = {
	[DEVICE_CAMERA] = "camera",
	[DEVICE_RA] = "ra",
};
static const char *const document_names[DOC_KINDS] = {
	[DOC_ORIGIN] = "origin",
	[DOC_QUALITY] = "quality",
	[DOC_ASSESSMENT] = "assessment",
	[DOC_LETTER] = "letter",
};
#define COUNT(a) (sizeof (a) / sizeof (a)[0])

/* Values may come from a store of a newer version: never an index unchecked. */
static const char *
table_name(const char *const *names, size_t n, size_t i)
{
	return i < n ? names[i] : "?";
}

static int
table_find(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return CAMCA_EINVAL;
}

bool
device_move_ok(enum device_state from, enum device_state to)
{
	return (size_t)from < DEVICE_STATES && (size_t)to < DEVICE_STATES &&
	    (state_moves[from] & TO(to)) != 0;
}

const char *
device_state_name(enum device_state s)
{
	return table_name(state_names, COUNT(state_names), (size_t)s);
}

const char *
device_place_name(enum device_place p)
{
	return table_name(place_names, COUNT(place_names), (size_t)p);
}

int
device_place_parse(const char *name)
{
	return table_find(place_names, COUNT(place_names), name);
}

const char *
device_kind_name(enum device_kind k)
{
	return table_name(kind_names, COUNT(kind_names), (size_t)k);
}

int
device_kind_parse(const char *name)
{
	return table_find(kind_names, COUNT(kind_names), name);
}

const char *
document_kind_name(enum document_kind k)
{
	return table_name(document_names, COUNT(document_names), (size_t)k);
}

int
document_kind_parse(const char *name)
{
	return table_find(document_names, COUNT(document_names), name);
}
