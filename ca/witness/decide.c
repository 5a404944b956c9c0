/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/witness/decide.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/ctx.h"
#include "ca/base/log.h"
#include "ca/custody/witness.h"

#define DECIDE_TEXT "text/plain; charset=utf-8"

void
decision_fini(struct decision *d)
{
	buf_fini(&d->body);
}

static void
decision_init(struct decision *d)
{
	memset(d, 0, sizeof *d);
	buf_init(&d->body, NOTE_TEXT_MAX);
	d->http = 500;
	d->type = DECIDE_TEXT;
}

/* Without memory for the sentence there is the number. */
void
decide_refuse(struct decision *out, int http, const char *text)
{
	decision_init(out);
	out->http = http;
	if (buf_printf(&out->body, "%s\n", text) < 0)
		buf_reset(&out->body);
}

static void
decide_error(struct decision *out, int err)
{
	decide_refuse(out, err == CAMCA_ECRYPTO ? 500 : 503,
	    camca_strerror(err));
}

/* One request, as far as it has been read. */
struct ask {
	const struct desk *desk;
	struct witness_request q;
	struct note *note;
	struct checkpoint cp;
	struct roster_log *log;
};

/* The log signed it: one of its keys, and none of its signatures is wrong. */
static int
ask_signed(const struct ask *a)
{
	bool found = false;
	size_t i;
	int ret;

	for (i = 0; i < a->log->nkeys; i++) {
		ret = note_check(a->note, &a->log->keys[i], NULL);
		if (ret < 0 && ret != CAMCA_ENOENT)
			return ret == CAMCA_EINVAL ? CAMCA_EPERM : ret;
		found |= ret == CAMCA_OK;
	}
	return found ? CAMCA_OK : CAMCA_EPERM;
}

/* What can be said without the record. False: *out is the answer. */
static bool
ask_read(struct ask *a, const void *p, size_t n, struct decision *out)
{
	struct refusal why = { 0 };
	int ret = witness_request_parse(&a->q, p, n, &why);

	if (ret == CAMCA_OK)
		ret = note_parse(a->note, a->q.note, a->q.note_len, &why);
	if (ret == CAMCA_OK)
		ret = checkpoint_parse(&a->cp, a->note->text,
		    a->note->text_len, &why);
	if (ret == CAMCA_EINVAL || ret == CAMCA_ELIMIT) {
		decide_refuse(out, 400, why.detail);
		return false;
	}
	if (ret < 0) {
		decide_error(out, ret);
		return false;
	}
	a->log = roster_find(a->desk->roster, a->cp.origin);
	if (a->log == NULL) {
		decide_refuse(out, 404, "This log is not witnessed here.");
		return false;
	}
	ret = ask_signed(a);
	if (ret == CAMCA_EPERM)
		decide_refuse(out, 403, "No key of this log that is known here"
		    " has signed, or a signature is wrong.");
	else if (ret < 0)
		decide_error(out, ret);
	else if (a->q.old_size > a->cp.size)
		decide_refuse(out, 400, "The old size is above the new one.");
	else
		return true;
	return false;
}

/* With the record's lock: does it extend what was cosigned? */
static int
ask_extends(const struct ask *a)
{
	const struct roster_log *log = a->log;
	struct hash empty;
	const struct hash *before = &log->last.root;
	int ret;

	/* Nothing was cosigned yet, or an empty tree was. */
	if (log->last.size == 0) {
		if ((ret = tree_empty(&empty)) < 0)
			return ret;
		before = &empty;
	}
	return tree_check_consistency(log->last.size, a->cp.size, before,
	    &a->cp.root, &a->q.proof);
}

/* The note to be kept: the text, one line of each key of the log, and ours. Not
 * as it came: anybody can add lines to a note, such as a wrong one in our name,
 * and the record would not be believed at the next start. */
static int
ask_note(const struct ask *a, const struct buf *line, struct buf *out)
{
	const struct note *n = a->note;
	const struct note_sig *s;
	size_t i, k;
	int ret = buf_put(out, n->text, n->text_len);

	if (ret == CAMCA_OK)
		ret = buf_putc(out, '\n');
	for (k = 0; ret == CAMCA_OK && k < a->log->nkeys; k++) {
		const struct note_key *key = &a->log->keys[k];

		for (i = 0; i < n->nsigs; i++) {
			s = &n->sigs[i];
			if (s->name_len == strlen(key->name) &&
			    memcmp(s->name, key->name, s->name_len) == 0 &&
			    memcmp(s->id, key->id, sizeof s->id) == 0)
				break;
		}
		if (i < n->nsigs)
			ret = note_line(key, 0, n->sigs[i].sig,
			    n->sigs[i].sig_len, out);
	}
	return ret < 0 ? ret : buf_put(out, line->data, line->len);
}

/* Signs, puts it on the disk, and only then lets the signature out. */
static void
ask_cosign(struct ask *a, struct decision *out)
{
	struct buf note, line;
	int ret;

	buf_init(&note, NOTE_TEXT_MAX);
	buf_init(&line, 0);
	ret = cosigner_sign(a->desk->cosigner, a->note->text,
	    a->note->text_len, ctx_now_ms(a->desk->ctx) / 1000, &line);
	if (ret == CAMCA_OK)
		ret = ask_note(a, &line, &note);
	if (ret == CAMCA_OK)
		ret = roster_record(a->log, a->desk->dir, &a->cp, &note);
	if (ret == CAMCA_OK)
		ret = buf_put(&out->body, line.data, line.len);
	buf_fini(&note);
	buf_fini(&line);
	if (ret < 0) {
		log_msg(LOG_ERROR, a->log->origin, "no signature for %" PRId64
		    ": %s", a->cp.size, camca_strerror(ret));
		decide_error(out, ret);
	} else {
		out->http = 200;
	}
}

/* With the record's lock. */
static void
ask_decide(struct ask *a, struct decision *out)
{
	const struct roster_log *log = a->log;
	int ret;

	if (log->damaged) {
		decide_refuse(out, 500, "The record of this log is damaged "
		    "here.");
		return;
	}
	if (a->q.old_size != log->last.size) {
		out->http = 409;
		out->type = WITNESS_SIZE_TYPE;
		if (buf_printf(&out->body, "%" PRId64 "\n",
		    log->last.size) < 0)
			decide_error(out, CAMCA_ENOMEM);
		return;
	}
	ret = ask_extends(a);
	if (ret == CAMCA_EINVAL) {
		log_msg(LOG_ERROR, log->origin, "a signed checkpoint of %"
		    PRId64 " entries does not extend the one of %" PRId64
		    " that was cosigned: refused", a->cp.size,
		    log->last.size);
		decide_refuse(out, 422, "This checkpoint is not shown to "
		    "extend the one that was cosigned.");
	} else if (ret < 0) {
		decide_error(out, ret);
	} else {
		ask_cosign(a, out);
	}
}

void
decide_add(const struct desk *desk, const void *p, size_t n,
    struct decision *out)
{
	struct ask *a = calloc(1, sizeof *a);

	decision_init(out);
	if (a != NULL)
		a->note = malloc(sizeof *a->note);
	if (a == NULL || a->note == NULL) {
		decide_error(out, CAMCA_ENOMEM);
		free(a);
		return;
	}
	a->desk = desk;
	if (ask_read(a, p, n, out)) {
		pthread_mutex_lock(&a->log->lock);
		ask_decide(a, out);
		pthread_mutex_unlock(&a->log->lock);
	}
	free(a->note);
	free(a);
}

void
decide_get(const struct desk *desk, const char *hex, size_t n,
    struct decision *out)
{
	struct roster_log *log = roster_by_hex(desk->roster, hex, n);
	int ret = CAMCA_ENOENT;

	decision_init(out);
	if (log != NULL) {
		pthread_mutex_lock(&log->lock);
		if (!log->damaged && log->note.len > 0)
			ret = buf_put(&out->body, log->note.data,
			    log->note.len);
		pthread_mutex_unlock(&log->lock);
	}
	if (ret == CAMCA_OK)
		out->http = 200;
	else if (ret == CAMCA_ENOENT)
		decide_refuse(out, 404, "There is no such checkpoint here.");
	else
		decide_error(out, ret);
}
