/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/authority: batches of graded actions, from preview to commit. */
#ifndef CAMCA_AUTHORITY_REVOKE_H
#define CAMCA_AUTHORITY_REVOKE_H

#include "ca/admit/select.h"
#include "ca/authority/ops.h"
#include "ca/status/change.h"

/* One call of revoke.plan or revoke.apply. Large: on the heap. */
struct revoke {
	struct op_call *c;
	struct rev_batch_row row;
	struct selector selector;
	struct select_action action;
	struct selection found;
	struct ca_set *cas;
	struct rev_rules rules;        /* in force */
	char policy[65];
	int64_t now;
	int64_t rev_seq;               /* newest of the store, for the barrier */
	bool changed;                  /* the world is not the preview's */
	char what[256];                /* and this is how */
	int64_t plan_ms, write_ms;
	struct event_ids ids;
};
struct revoke *revoke_new(struct op_call *c);
void revoke_free(struct revoke *r);

/* What a preview counts; of a selection. */
struct revoke_counts {
	int64_t devices, certs;        /* that change */
	int64_t registered;            /* of the devices: never enrolled */
	int64_t losing, key_losing;    /* out of service, of these key-area */
	int64_t keeping;               /* in service by another certificate */
	int64_t undetermined, unchanged;     /* devices */
};
void revoke_count(const struct selection *s, struct revoke_counts *out);
/* Does this need a second person? */
bool revoke_needs_second(const struct rev_rules *rules,
    const struct revoke_counts *n);

/* ---- revoke_summary.c ---- */
/* The preview as JSON text into r->row.summary, the world into r->row.world. */
CAMCA_MUST int revoke_summary(struct revoke *r);
/* {"batch":{…},"summary":{…}}; NULL without memory. */
json_t *revoke_json(const struct rev_batch_row *row,
    const struct rev_rules *rules);
/* A line of the list. */
json_t *revoke_line_json(const struct rev_batch_row *row);
const char *revoke_state_name(int64_t state);

/* ---- revoke_items.c ---- */
/* Writes the items of r->found for batch r->row.id, in place of those there. */
CAMCA_MUST int revoke_items_put(struct tx *tx, struct revoke *r);
/* SHA-256 over the items as they would be written. */
CAMCA_MUST int revoke_items_hash(const struct revoke *r,
    char hex[static 65]);
/* What differs between the stored items and r->found, into r->what. */
CAMCA_MUST int revoke_items_compare(struct tx *tx, struct revoke *r);

/* ---- revoke_apply.c ---- */
/* Starts an event of a batch with the lines that all of them have. */
void revoke_event(struct event *e, struct revoke *r, const char *type,
    const struct revoke_counts *n);
/* Inside a DB_WRITE transaction: evaluates the selector anew, and either
 * applies the batch or, where the world has changed, stores the new preview and
 * sets r->changed. */
CAMCA_MUST int revoke_apply_tx(struct tx *tx, void *revoke);
/* The batch into r->row, its selector and action; 404 "revoke.unknown". */
CAMCA_MUST int revoke_load(struct tx *tx, struct revoke *r, int64_t id);
/* Planned or approved, young enough, and the preview that the caller saw (where
 * argument "world" says which); 409 "revoke.state", ".expired", ".changed". */
CAMCA_MUST int revoke_check_open(struct revoke *r);

#endif
