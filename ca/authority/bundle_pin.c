/* SPDX-License-Identifier: Apache-2.0 */
/* Which checkpoint a bundle ends in: one that covers the newest event of the
 * device and that the witnesses of the policy have signed. */
#include <stdlib.h>
#include <string.h>

#include "ca/authority/bundle_int.h"
#include "ca/base/uptime.h"
#include "ca/custody/anchor.h"
#include "ca/custody/reader.h"
#include "ca/custody/signer.h"

#define PIN_SIGN_MS 5000
#define PIN_WAIT_MS 8000
#define PIN_STEP_MS 50
#define PIN_NOTE_MAX (256 * 1024)
#define PIN_LATER 64               /* events behind a checkpoint, looked at */

struct pin {
	struct bundle *b;
	struct op_call *c;
	int64_t want;                  /* this checkpoint; -1: the newest */
	int64_t got;                   /* its size; -1: there is none */
	bool waiting;                  /* events in the outbox */
	bool weighty;                  /* an event behind it changes a status */
	struct buf note;               /* with all cosignatures */
};

/* ---- looking ---- */

static int
pin_waiting(const struct event_row *r, void *arg)
{
	struct pin *x = arg;

	(void)r;
	x->waiting = true;
	return CAMCA_OK;
}

static int
pin_checkpoint(struct tx *tx, struct pin *x)
{
	struct checkpoint_row row;
	int ret = x->want < 0 ? anchor_checkpoint(tx, x->b->a->anchor, &row) :
	    store_checkpoint_at(tx, x->want, &row);

	x->got = -1;
	buf_reset(&x->note);
	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret < 0)
		return ret;
	x->got = row.size;
	ret = buf_put(&x->note, row.note.p, row.note.n);
	store_checkpoint_free(&row);
	/* The newest one with its quorum brings them along. */
	if (ret == CAMCA_OK && x->want >= 0)
		ret = custody_cosigs(tx, x->want, &x->note);
	return ret;
}

static int
pin_later(const struct log_entry_row *r, void *arg)
{
	struct pin *x = arg;
	struct event_view e;

	/* What cannot be read may be anything. */
	if (event_parse(&e, r->data.p, r->data.n, NULL) < 0 ||
	    strncmp(e.type->name, "cert.", 5) == 0 ||
	    strcmp(e.type->name, "device.moved") == 0)
		x->weighty = true;
	return CAMCA_OK;
}

static int
pin_look_tx(struct tx *tx, void *arg)
{
	struct pin *x = arg;
	struct bundle *b = x->b;
	struct device_row d;
	int64_t n;
	int ret = store_device_get(tx, b->device, &d);

	x->waiting = x->weighty = false;
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", b->device);
	if (ret < 0)
		return ret;
	b->pk = d.pk;
	b->last = -1;
	ret = store_log_device(tx, b->device, &n, &b->last);
	if ((ret < 0 && ret != CAMCA_ENOENT) || (ret = store_outbox_list(tx,
	    b->device, 0, 1, pin_waiting, x)) < 0 ||
	    (ret = pin_checkpoint(tx, x)) < 0)
		return ret;
	if (x->got < 0 || b->last < x->got)
		return CAMCA_OK;
	return reader_device(tx, b->device, x->got - 1, PIN_LATER, pin_later,
	    x);
}

/* ---- what goes into the bundle ---- */

static int
pin_origin_tx(struct tx *tx, void *arg)
{
	return origin_load(tx, arg);
}

/* The vkeys of those keys of ours that have signed, one a line. */
static int
pin_vkeys(const struct origin *o, const struct note *n, const char *name,
    struct buf *out)
{
	struct note_key k;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < o->nkeys && ret == CAMCA_OK; i++) {
		ret = origin_note_key(o, i, name, &k);
		if (ret < 0)
			break;
		if (note_check(n, &k, NULL) == CAMCA_OK) {
			ret = note_key_text(&k, out);
			if (ret == CAMCA_OK)
				ret = buf_putc(out, '\n');
		}
		note_key_fini(&k);
	}
	return ret;
}

static int
pin_policy(struct pin *x, const struct origin *o, const struct note *n)
{
	struct bundle *b = x->b;
	struct buf vkeys, text;
	int ret;

	buf_init(&vkeys, 0);
	buf_init(&text, 0);
	buf_reset(&b->policy);
	ret = pin_vkeys(o, n, b->cp.origin, &vkeys);
	if (ret == CAMCA_OK)
		ret = anchor_policy_text(b->a->anchor, &text);
	if (ret == CAMCA_OK || ret == CAMCA_ENOENT)
		ret = bundle_policy(buf_str(&vkeys), ret == CAMCA_OK ?
		    buf_str(&text) : NULL, text.len, &b->policy);
	buf_fini(&vkeys);
	buf_fini(&text);
	return ret;
}

/* Policy and checkpoint as the verifier will read them. *fits_out: they hold,
 * with the quorum. */
static int
pin_compose(struct pin *x, const struct origin *o, const struct note *n,
    bool *fits_out)
{
	struct bundle *b = x->b;
	struct tlog_policy *policy = NULL;
	struct tlog_verdict verdict;
	int ret;

	*fits_out = false;
	buf_reset(&b->checkpoint);
	if ((ret = checkpoint_parse(&b->cp, n->text, n->text_len,
	    &x->c->why)) < 0 || (ret = pin_policy(x, o, n)) < 0 ||
	    (ret = tlog_policy_parse(&policy, b->policy.data, b->policy.len,
	    &x->c->why)) < 0)
		return ret;
	ret = bundle_checkpoint(policy, x->note.data, x->note.len,
	    &b->checkpoint);
	if (ret == CAMCA_OK)
		ret = tlog_policy_check(policy, b->checkpoint.data,
		    b->checkpoint.len, &verdict, &x->c->why);
	*fits_out = ret == CAMCA_OK && verdict.quorum;
	tlog_policy_free(policy);
	return ret;
}

static int
pin_fit(struct pin *x, bool *fits_out)
{
	struct note *n = malloc(sizeof *n);
	struct origin o;
	int ret;

	if (n == NULL)
		return CAMCA_ENOMEM;
	ret = note_parse(n, x->note.data, x->note.len, &x->c->why);
	if (ret == CAMCA_OK) {
		ret = store_tx(x->b->a->store, DB_READ, pin_origin_tx, &o);
		if (ret == CAMCA_OK) {
			ret = pin_compose(x, &o, n, fits_out);
			origin_fini(&o);
		}
	}
	free(n);
	return ret;
}

/* ---- waiting ---- */

/* Not covered in time: only what changes no status may be left out, since CRLs
 * and OCSP answers would contradict the bundle. */
static int
pin_late(struct pin *x, const struct refusal *unsigned_why)
{
	if (x->got >= 0 && x->b->last >= 0 && !x->waiting && !x->weighty)
		return CAMCA_OK;
	if (unsigned_why->http != 0) {
		x->c->why = *unsigned_why;
		return CAMCA_EBUSY;
	}
	if (x->waiting || x->b->last < 0)
		return refuse(&x->c->why, CAMCA_EBUSY, 503, "custody.behind",
		    "Events of %s are not in the log yet.", x->b->device);
	return refuse(&x->c->why, CAMCA_EBUSY, 503, "custody.unwitnessed",
	    "The newest checkpoint that has the witnesses' quorum does not "
	    "cover the newest events of %s.", x->b->device);
}

static int
pin_round(struct pin *x, bool *fits_out)
{
	struct bundle *b = x->b;
	int ret = store_tx(b->a->store, DB_READ, pin_look_tx, x);

	*fits_out = false;
	if (ret < 0 || x->got < 0 || x->waiting || b->last < 0 ||
	    b->last >= x->got)
		return ret;
	return pin_fit(x, fits_out);
}

static int
pin_wait(struct pin *x)
{
	int64_t until = uptime_ms() + PIN_WAIT_MS, seen;
	struct refusal unsigned_why = { .http = 0 };
	bool fits = false;
	int ret;

	(void)!signer_now(x->b->a->signer, -1, PIN_SIGN_MS, &unsigned_why);
	for (;;) {
		ret = store_commits_wait(x->b->a->store, -1, 0, &seen);
		if (ret == CAMCA_OK)
			ret = pin_round(x, &fits);
		if (ret < 0 || fits)
			return ret;
		if (uptime_ms() >= until || unsigned_why.http != 0)
			break;
		ret = store_commits_wait(x->b->a->store, seen, PIN_STEP_MS,
		    &seen);
		if (ret < 0)
			return ret;
	}
	ret = pin_late(x, &unsigned_why);
	if (ret == CAMCA_OK)
		ret = pin_fit(x, &fits);
	if (ret == CAMCA_OK && !fits)
		ret = refuse(&x->c->why, CAMCA_EBUSY, 503,
		    "custody.unwitnessed", "No checkpoint has the witnesses' "
		    "quorum.");
	return ret;
}

int
bundle_pin(struct op_call *c, struct bundle *b, int64_t size)
{
	struct pin x = { .b = b, .c = c, .want = size };
	int ret;

	buf_init(&x.note, PIN_NOTE_MAX);
	ret = pin_wait(&x);
	buf_fini(&x.note);
	return ret;
}

/* ---- looking again ---- */

struct moved {
	struct bundle *b;
	int64_t last;
	bool waiting;
};

static int
moved_waiting(const struct event_row *r, void *arg)
{
	struct moved *m = arg;

	(void)r;
	m->waiting = true;
	return CAMCA_OK;
}

static int
moved_tx(struct tx *tx, void *arg)
{
	struct moved *m = arg;
	int64_t n;
	int ret = store_log_device(tx, m->b->device, &n, &m->last);

	m->waiting = false;
	return ret < 0 ? ret : store_outbox_list(tx, m->b->device, 0, 1,
	    moved_waiting, m);
}

int
bundle_moved(struct bundle *b, bool *out)
{
	struct moved m = { .b = b };
	int ret = store_tx(b->a->store, DB_READ, moved_tx, &m);

	*out = m.waiting || m.last != b->last;
	return ret;
}
