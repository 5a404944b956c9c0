/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of what goes wrong with real cameras, each switched by name. */
#ifndef FAKE_FAULT_H
#define FAKE_FAULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/fake-camera/fault_names.h"

enum fault {
#define FAULT(id, name, value, text) CF_##id,
	FAULT_NAMES(FAULT)
#undef FAULT
	FAULTS
};

struct fault_state {
	bool on;
	bool after_change;       /* power-cut: "when":"after" */
	char operation[48];      /* "" = each one */
	char user[65];           /* fixed-user: "" = each one */
	int64_t value;           /* ms, s, bytes: as the catalogue says */
	unsigned count;          /* hits left, 0 = for ever */
	unsigned after;          /* matching calls to let pass first */
	unsigned hits;           /* since it was switched on */
};

struct camera;

/* The number of a name, -1 where there is none. */
int fault_find(const char *name);
const char *fault_name(enum fault f);
/* Switches a fault on as the body says: {"fault", "operation", "count",
 * "after", "value", "when", "user"}. NULL, or a sentence that says what is
 * wrong with the body. The camera is locked by the caller. */
const char *fault_set(struct camera *cam, const json_t *body);
/* All off, or the one named. The camera is locked by the caller. */
void fault_clear(struct camera *cam, const char *name);
/* Whether the fault strikes now; op may be NULL for "no operation". Uses up
 * what counts. The camera is locked by the caller. */
bool fault_hit(struct camera *cam, enum fault f, const char *op);
/* On at all, without using anything up. */
bool fault_on(const struct camera *cam, enum fault f);
int64_t fault_value(const struct camera *cam, enum fault f);
/* The catalogue: [{"name", "text", "value"}]; NULL without memory. */
json_t *fault_catalogue(void);
/* Those that are on: {name: {hits, ...}}; NULL without memory. */
json_t *fault_list(const struct camera *cam);

#endif
