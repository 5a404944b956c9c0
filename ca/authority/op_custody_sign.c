/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of the custody log: the thread that signs them, what it tells,
 * and what an operator may ask of it. */
#include <string.h>

#include "ca/authority/custody.h"
#include "ca/authority/ops.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/custody/anchor.h"
#include "ca/custody/fsck.h"
#include "ca/custody/signer.h"

#define SIGN_WAIT_MS 5000
#define SIGN_FIRST_MS 2000             /* a new log's first checkpoint */
#define SIGN_NOTE_MAX (256 * 1024)     /* a note with all cosignatures */
#define SIGN_ACCESS(a) config_access_name((a)->conf.custody_access)

static void
sign_folder(const struct authority *a, char out[static 320])
{
	if (file_join(out, 320, a->conf.state, "custody") < 0)
		out[0] = '\0';
}

static void
sign_published(void *arg)
{
	anchor_kick(((struct authority *)arg)->anchor);
}

static unsigned
sign_algs(const struct authority *a)
{
	return (a->conf.custody_ed25519 ? ORIGIN_ALG(NOTE_ED25519) : 0) |
	    (a->conf.custody_ecdsa ? ORIGIN_ALG(NOTE_ECDSA) : 0);
}

int
authority_sign(struct authority *a, struct refusal *why)
{
	char dir[320];
	struct signer_conf conf = {
		.store = a->store, .hsm = a->hsm, .src = &a->events,
		.dir = dir, .origin = a->conf.custody_origin,
		.algs = sign_algs(a),
		.checkpoint_ms = a->conf.checkpoint_ms,
		.published = sign_published, .arg = a,
	};
	int ret;

	sign_folder(a, dir);
	ret = signer_start(&a->signer, &conf);
	return ret < 0 ? refuse_default(why, ret) : ret;
}

/* At the ceremony, so that the first start has keys to show. Without them the
 * authority works, and camcad tries again. */
void
authority_log_keys(struct authority *a)
{
	struct refusal why = { 0 };
	int ret = origin_make(a->store, a->hsm, &a->events,
	    a->conf.custody_origin, sign_algs(a), &why);

	if (ret < 0) {
		refuse_default(&why, ret);
		log_msg(LOG_WARN, "custody", "the custody log has no keys yet: "
		    "%s", why.detail);
	}
}

/* ---- custody.checkpoint ---- */

struct sign_note {
	int64_t size;                    /* asked for; -1: the newest */
	int64_t got;
	struct buf note;
};

static int
sign_note_tx(struct tx *tx, void *arg)
{
	struct sign_note *x = arg;
	struct checkpoint_row row;
	int ret = x->size < 0 ? store_checkpoint_latest(tx, &row) :
	    store_checkpoint_at(tx, x->size, &row);

	buf_reset(&x->note);
	if (ret < 0)
		return ret;
	x->got = row.size;
	ret = buf_put(&x->note, row.note.p, row.note.n);
	store_checkpoint_free(&row);
	return ret < 0 ? ret : custody_cosigs(tx, x->got, &x->note);
}

int
op_custody_checkpoint(struct op_call *c)
{
	struct sign_note x = { .size = arg_int(c, "size", -1) };
	int ret;

	buf_init(&x.note, SIGN_NOTE_MAX);
	ret = store_tx(c->a->store, DB_READ, sign_note_tx, &x);
	if (ret == CAMCA_ENOENT && x.size < 0) {
		ret = signer_now(c->a->signer, 0, SIGN_FIRST_MS, &c->why);
		if (ret == CAMCA_OK)
			ret = store_tx(c->a->store, DB_READ, sign_note_tx, &x);
	} else if (ret == CAMCA_ENOENT) {
		refuse(&c->why, ret, 404, "custody.unknown", "There is no "
		    "checkpoint of this size.");
	}
	if (ret == CAMCA_OK)
		c->result = json_pack("{s:s%, s:I, s:s}", "note",
		    buf_str(&x.note), x.note.len, "size", (json_int_t)x.got,
		    "access",
		    config_access_name(c->a->conf.custody_access));
	buf_fini(&x.note);
	if (ret < 0)
		return ret;
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* ---- what is signed, with which keys ---- */

static int
sign_latest_tx(struct tx *tx, void *arg)
{
	return store_checkpoint_latest(tx, arg);
}

/* {"size","root","time"}, null where there is none yet. */
static int
sign_latest(struct op_call *c, json_t **out)
{
	struct checkpoint_row row;
	int ret = store_tx(c->a->store, DB_READ, sign_latest_tx, &row);

	*out = NULL;
	if (ret < 0) {
		*out = ret == CAMCA_ENOENT ? json_null() : NULL;
		return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
	}
	*out = json_pack("{s:I}", "size", (json_int_t)row.size);
	json_set_hex(*out, "root", row.root, sizeof row.root);
	json_set_time(*out, "time", row.signed_ms);
	store_checkpoint_free(&row);
	return *out != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* The verifier keys, a list of texts. */
static int
sign_keys(struct op_call *c, json_t **out)
{
	struct buf b;
	char *line, *next = NULL;
	int ret;

	buf_init(&b, 8192);
	*out = json_array();
	ret = signer_vkeys(c->a->signer, &b);
	if (ret == CAMCA_OK && b.len > 0)
		for (line = strtok_r((char *)b.data, "\n", &next);
		    line != NULL; line = strtok_r(NULL, "\n", &next))
			if (json_array_append_new(*out,
			    json_string(line)) != 0)
				ret = CAMCA_ENOMEM;
	buf_fini(&b);
	if (ret == CAMCA_OK && *out != NULL)
		return ret;
	json_decref(*out);
	*out = NULL;
	return ret < 0 ? ret : CAMCA_ENOMEM;
}

int
custody_status_sign(struct op_call *c, json_t *o)
{
	json_t *latest = NULL, *keys = NULL;
	struct signer_state st;
	const char *error;
	int ret;

	signer_state(c->a->signer, &st);
	if ((ret = sign_latest(c, &latest)) < 0 ||
	    (ret = sign_keys(c, &keys)) < 0) {
		json_decref(latest);
		return ret;
	}
	json_object_set_new(o, "origin", json_string(st.origin));
	json_object_set_new(o, "checkpoint", latest);
	json_object_set_new(o, "keys", keys);
	json_object_set_new(o, "fork", json_boolean(st.fork));
	json_object_set_new(o, "sign_error", json_string(st.why));
	/* What stops the log itself is said first. */
	error = json_string_value(json_object_get(o, "error"));
	if (error == NULL || error[0] == '\0')
		json_object_set_new(o, "error", json_string(st.why));
	return CAMCA_OK;
}

/* C2SP tlog-policy: what somebody puts into a verifier. */
static int
sign_policy(struct op_call *c, const json_t *keys, struct buf *out)
{
	json_t *key;
	size_t i;
	int ret = anchor_policy_text(c->a->anchor, out);

	if (ret != CAMCA_ENOENT)
		return ret;
	ret = CAMCA_OK;
	json_array_foreach(keys, i, key)
		if (ret == CAMCA_OK)
			ret = buf_printf(out, "log %s\n",
			    json_string_value(key));
	return ret < 0 ? ret : buf_puts(out, "quorum none\n");
}

int
op_custody_key(struct op_call *c)
{
	struct signer_state st;
	struct buf policy;
	json_t *keys;
	int ret = sign_keys(c, &keys);

	if (ret < 0)
		return ret;
	signer_state(c->a->signer, &st);
	buf_init(&policy, SIGN_NOTE_MAX);
	ret = sign_policy(c, keys, &policy);
	if (ret == CAMCA_OK)
		c->result = json_pack("{s:s, s:O, s:s%}", "origin", st.origin,
		    "keys", keys, "policy", buf_str(&policy), policy.len);
	buf_fini(&policy);
	json_decref(keys);
	if (ret < 0)
		return ret;
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_custody_sign(struct op_call *c)
{
	json_t *latest;
	int ret = signer_now(c->a->signer, -1, SIGN_WAIT_MS, &c->why);

	if (ret < 0 || (ret = sign_latest(c, &latest)) < 0)
		return ret;
	c->result = json_pack("{s:o}", "checkpoint", latest);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* ---- what a person decides, and what checks everything ---- */

int
op_custody_fork(struct op_call *c)
{
	struct refusal late = { 0 };
	struct signer_state st;
	int ret = signer_fork(c->a->signer, c->caller->actor,
	    arg_text(c, "reason"), arg_int(c, "number", 0), &c->why);

	if (ret < 0)
		return ret;
	/* The new origin's first checkpoint is not part of the decision: it
	 * comes as soon as it can. */
	ret = signer_now(c->a->signer, -1, SIGN_WAIT_MS, &late);
	signer_state(c->a->signer, &st);
	c->result = json_pack("{s:s, s:I, s:s}", "origin", st.origin, "size",
	    (json_int_t)st.size, "error", ret < 0 ? late.detail : "");
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_custody_fsck(struct op_call *c)
{
	const char *from = arg_text(c, "from");
	char dir[320], next[FSCK_TEXT_MAX];
	struct refusal wrong = { 0 };
	struct fsck f;
	const char *phase;
	int ret = fsck_parse(&f, from != NULL ? from : "");

	if (ret < 0)
		return refuse(&c->why, ret, 400, "request.argument",
		    "'from' is not what a step before answered.");
	sign_folder(c->a, dir);
	phase = fsck_phase_name(f.phase);
	ret = fsck_step(c->a->store, dir, &f, &wrong);
	if (ret < 0 && ret != CAMCA_ECONFLICT) {
		c->why = wrong;
		return ret;
	}
	fsck_text(&f, next);
	c->result = json_pack("{s:s, s:I, s:I, s:s, s:s?}", "phase", phase,
	    "checked", (json_int_t)f.checked, "size", (json_int_t)f.size,
	    "next", ret < 0 ? "" : next, "wrong", ret < 0 ? wrong.detail :
	    NULL);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
