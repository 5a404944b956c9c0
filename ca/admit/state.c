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
 * of a person, with a new entry in the inventory. A registered device can be
 * held and revoked too: a warned model must not enroll from the box either. */
static const unsigned state_moves[DEVICE_STATES] = {
	[DEVICE_REGISTERED] = TO(DEVICE_ENROLLED) | TO(DEVICE_HELD) |
	    TO(DEVICE_REVOKED) | TO(DEVICE_RETIRED) | TO(DEVICE_LOST),
	[DEVICE_ENROLLED] = TO(DEVICE_HELD) | TO(DEVICE_REVOKED) |
	    TO(DEVICE_RETIRED) | TO(DEVICE_LOST),
	[DEVICE_HELD] = TO(DEVICE_REGISTERED) | TO(DEVICE_ENROLLED) |
	    TO(DEVICE_REVOKED) | TO(DEVICE_RETIRED) | TO(DEVICE_LOST),
	[DEVICE_REVOKED] = TO(DEVICE_LOST),
	[DEVICE_RETIRED] = TO(DEVICE_LOST),
	[DEVICE_LOST] = 0,
};

static const char *const place_names[DEVICE_PLACES] = {
	[PLACE_OTHER] = "other",
	[PLACE_PUBLIC] = "public",
	[PLACE_KEY_AREA] = "key-area",
};
static const char *const action_names[DEVICE_ACTIONS] = {
	[ACTION_WATCH] = "watch",
	[ACTION_STOP_RENEWAL] = "stop-renewal",
	[ACTION_HOLD] = "hold",
	[ACTION_RELEASE] = "release",
	[ACTION_REVOKE] = "revoke",
};
static const char *const restriction_names[DEVICE_RESTRICTIONS] = {
	[RESTRICT_NONE] = "none",
	[RESTRICT_WATCHED] = "watched",
	[RESTRICT_RENEWAL] = "renewal-stopped",
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

/* Where an action leads to. OUT: the device is out of service for good, and
 * nothing here changes that. */
#define SAME DEVICE_STATES
#define BACK (DEVICE_STATES + 1)
#define OUT (DEVICE_STATES + 2)
static const int action_states[DEVICE_ACTIONS][DEVICE_STATES] = {
	[ACTION_WATCH] = { SAME, SAME, SAME, OUT, OUT, OUT },
	[ACTION_STOP_RENEWAL] = { SAME, SAME, SAME, OUT, OUT, OUT },
	[ACTION_HOLD] = { DEVICE_HELD, DEVICE_HELD, SAME, OUT, OUT, OUT },
	[ACTION_RELEASE] = { SAME, SAME, BACK, OUT, OUT, OUT },
	[ACTION_REVOKE] = { DEVICE_REVOKED, DEVICE_REVOKED, DEVICE_REVOKED,
	    OUT, OUT, OUT },
};

/* Of a grade and a stricter one the stricter stays; a release ends both. */
static enum device_restriction
action_restriction(enum device_action action, enum device_restriction now)
{
	if (action == ACTION_RELEASE)
		return RESTRICT_NONE;
	if (action == ACTION_WATCH && now < RESTRICT_WATCHED)
		return RESTRICT_WATCHED;
	return action == ACTION_STOP_RENEWAL ? RESTRICT_RENEWAL : now;
}

enum device_effect
device_action(enum device_action action, const struct device_standing *from,
    bool had_cert, struct device_standing *to)
{
	int next;

	*to = *from;
	if ((size_t)action >= DEVICE_ACTIONS ||
	    (size_t)from->state >= DEVICE_STATES ||
	    (size_t)from->restriction >= DEVICE_RESTRICTIONS)
		return EFFECT_REFUSED;
	next = action_states[action][from->state];
	if (next == OUT)
		return EFFECT_REFUSED;
	if (next == BACK)
		next = had_cert ? DEVICE_ENROLLED : DEVICE_REGISTERED;
	if (next != SAME)
		to->state = (enum device_state)next;
	to->restriction = action_restriction(action, from->restriction);
	if (to->state == from->state)
		return to->restriction == from->restriction ?
		    EFFECT_NONE : EFFECT_CHANGES;
	/* The table of actions adds nothing to that of moves. */
	return device_move_ok(from->state, to->state) ? EFFECT_CHANGES :
	    EFFECT_REFUSED;
}

#define REASON_KEY_COMPROMISE 1

bool
cert_action(enum device_action action, int64_t crl_reason,
    enum cert_status status, int64_t reason, enum cert_status *to)
{
	*to = action == ACTION_HOLD ? CERT_HOLD :
	    action == ACTION_RELEASE ? CERT_GOOD : CERT_REVOKED;
	switch (action) {
	case ACTION_HOLD:
		return status == CERT_GOOD;
	case ACTION_RELEASE:
		return status == CERT_HOLD;
	case ACTION_REVOKE:
		return status == CERT_GOOD || status == CERT_HOLD ||
		    (status == CERT_REVOKED &&
		    crl_reason == REASON_KEY_COMPROMISE &&
		    reason != REASON_KEY_COMPROMISE);
	default:
		*to = status;
		return false;
	}
}

const char *
device_action_name(enum device_action a)
{
	return table_name(action_names, COUNT(action_names), (size_t)a);
}

int
device_action_parse(const char *name)
{
	return table_find(action_names, COUNT(action_names), name);
}

const char *
device_restriction_name(enum device_restriction r)
{
	return table_name(restriction_names, COUNT(restriction_names),
	    (size_t)r);
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
