/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what the custody record says happened, one small text each
 * (docs/EVENTS.md). Written into the outbox in the same transaction as the
 * change itself, so that neither can exist without the other:
 *
 *	struct event e;
 *	event_init(&e, src, "cert.issued", dev.id, actor);
 *	event_add_hex(&e, "cert-sha256", hash, sizeof hash);
 *	event_add(&e, "profile", "%s", profile->name);
 *	ret = event_put(tx, &e);
 *
 * Mistakes of the program (an unknown type or key, a key given twice, one that
 * is missing) stick in e, are logged once, and come back from event_put. Data
 * can not make an event fail: text that does not fit the grammar is made to. */
#ifndef CAMCA_CUSTODY_EVENT_H
#define CAMCA_CUSTODY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/ctx.h"
#include "ca/base/refusal.h"
#include "ca/store/store.h"

#define EVENT_HEADER "camca-event/v1\n"
#define EVENT_BODY_MAX 4096      /* bytes of the whole text */
/* As it is stored: what the sequencer adds must fit as well ("dev-seq" with 18
 * digits, "dev-prev" with 64). */
#define EVENT_OUTBOX_MAX (EVENT_BODY_MAX - 101)
#define EVENT_VALUE_MAX 512      /* bytes of one value */
#define EVENT_WHO_MAX 128        /* bytes of actor and of node */
#define EVENT_KEYS_MAX 16        /* type-specific lines */

/* Who writes: the clock and the name of this node. Outlives its events. */
struct event_source {
	const struct camca_ctx *ctx;
	const char *node;
};

/* A row of event_types.h: "cert.issued" and its keys, separated by spaces. */
struct event_type {
	const char *name;
	const char *keys;
	size_t n;                         /* bytes of name */
};
/* NULL where there is none. Constant. Any thread. */
const struct event_type *event_type_find(const char *name, size_t n);

/* In the caller's memory, nothing to free. Fields are private. */
struct event {
	const struct event_source *src;
	const struct event_type *type;
	int error;                        /* sticky camca_err */
	uint8_t id[16];
	int64_t time_ms;
	char device[STORE_ID_MAX];
	char actor[EVENT_WHO_MAX + 1];
	size_t used;                      /* bytes of text[] */
	size_t at[EVENT_KEYS_MAX];        /* 1 + start of a value, 0 absent */
	char text[EVENT_BODY_MAX];        /* values, each ended by NUL */
};

/* Starts an event: a new id, the time now. device NULL, "" or a text
 * that could not be the id of a device (such as a name a stranger claims):
 * "-". actor: the caller as the authority knows it ("uid 0", "gate", "ra
 * cam-7"), NULL: "-". */
void event_init(struct event *e, const struct event_source *src,
    const char *type, const char *device, const char *actor);
/* The same for one of thousands of events, whose ids are drawn together (a call
 * for each is a twentieth of a batch): ids begins as zeros, and is of one
 * thread. */
struct event_ids {
	uint8_t bytes[640];
	size_t left;
};
void event_init_many(struct event *e, const struct event_source *src,
    const char *type, const char *device, const char *actor,
    struct event_ids *ids);
/* One line; keys may come in any order and are written in the documented one.
 * Control characters, text-direction marks and bytes that are not UTF-8 become
 * '?', spaces at the ends go, past EVENT_VALUE_MAX the rest becomes U+2026, and
 * an empty value is "-". Never a secret, never a person's data. */
void event_add(struct event *e, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for bytes (at most 256) in lower-case hex, for a time, and for the
 * lines rule, http and reason that every refused event has. */
void event_add_hex(struct event *e, const char *key, const void *p, size_t n);
void event_add_time(struct event *e, const char *key, int64_t ms);
void event_add_refusal(struct event *e, const struct refusal *why);

/* The text as it goes into the outbox: *n_out bytes, no NUL. The event stays as
 * it is. The sticky error, CAMCA_EINVAL (a key is missing), CAMCA_ELIMIT. */
CAMCA_MUST int event_format(const struct event *e,
    char out[static EVENT_BODY_MAX], size_t *n_out);
/* Writes it to the outbox. As the event stays unchanged, a transaction that
 * runs again may put it again. Errors of event_format and store_outbox_put. */
CAMCA_MUST int event_put(struct tx *tx, const struct event *e);

/* Does this text fit a value as it is? 1..max bytes (max <= EVENT_VALUE_MAX),
 * UTF-8, no control characters (C0, DEL, C1), no line or paragraph separator,
 * nothing that turns the direction of text around, no space at either end. */
bool event_text_ok(const char *p, size_t n, size_t max);

/* ---- reading (event_parse.c) ---- */
struct event_text {                       /* borrowed from the parsed bytes */
	const char *p;
	size_t n;
};
struct event_view {
	uint8_t id[16];
	int64_t time_ms;
	const struct event_type *type;
	struct event_text device, actor, node;
	int64_t dev_seq;                  /* 0: outbox form, not sequenced */
	bool has_prev;                    /* false: the device's first event */
	uint8_t dev_prev[STORE_HASH_LEN]; /* leaf hash of the one before */
	size_t nfields;
	struct {
		struct event_text key, value;
	} fields[EVENT_KEYS_MAX];
};
/* Strict: exactly the documented text, every byte of it, known types and keys
 * only; what is accepted has one spelling. CAMCA_EINVAL or CAMCA_ELIMIT with
 * why (400 "event.…"). Any thread. */
CAMCA_MUST int event_parse(struct event_view *out, const void *p, size_t n,
    struct refusal *why);
/* Value of a type-specific line; CAMCA_ENOENT where it is absent. */
CAMCA_MUST int event_view_get(const struct event_view *v, const char *key,
    struct event_text *out);

/* Next key of a type's list: false at its end. Start with *pos = type->keys. */
struct event_key {
	const char *p;
	size_t n;
	bool optional;
};
bool event_key_next(const char **pos, struct event_key *out);

#endif
