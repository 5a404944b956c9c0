/* SPDX-License-Identifier: Apache-2.0 */
/* May this tree be signed? Only as the continuation of everything that was
 * signed before, as far as the store and the file outside it know. A log that
 * signs two histories has lost what it is for, so each doubt is a no. */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "ca/custody/reader.h"
#include "ca/custody/signer_int.h"
#include "ca/store/store_log_anchor.h"

void
judge_fini(struct judge *j)
{
	origin_fini(&j->origin);
}

static int
judge_fork(struct judge *j, const char *what)
{
	return refuse(&j->why, CAMCA_EPOLICY, 409, "custody.fork",
	    "No checkpoint is signed: %s. Put back what belongs there, or "
	    "decide with camca custody fork that the log goes on under a new "
	    "origin.", what);
}

static int
judge_damaged(struct judge *j, const char *what)
{
	return refuse(&j->why, CAMCA_EPOLICY, 500, "custody.damaged",
	    "No checkpoint is signed: %s. camca custody fsck says more.", what);
}

/* The head by its edge, which the sequencer goes on from, and by the tiles,
 * which everybody else reads. */
static int
judge_head(struct judge *j, struct tx *tx, const struct tiles *tiles)
{
	struct edge edge;
	struct hash root;
	int ret;

	if ((ret = reader_edge(tx, &edge)) < 0 ||
	    (ret = edge_root(&edge, &j->head.root)) < 0 ||
	    (ret = tree_root(tiles, edge.size, &root)) < 0)
		return ret == CAMCA_EDB ? judge_damaged(j,
		    "head or tiles of the log cannot be read") : ret;
	j->head.size = edge.size;
	memcpy(j->head.origin, j->origin.name, sizeof j->head.origin);
	if (memcmp(&root, &j->head.root, sizeof root) != 0)
		return judge_damaged(j, "the tiles of the log are not those "
		    "of its head");
	return CAMCA_OK;
}

/* CAMCA_EINVAL where there is no consistency proof from c to the head. Equal
 * roots by each set of tiles would not be enough: an inner hash that was
 * changed in one tile and not in the other is found by the proof alone. */
static int
judge_extends(const struct judge *j, const struct tiles *tiles,
    const struct checkpoint *c)
{
	struct proof proof = { 0 };
	struct hash empty;
	int ret;

	if (c->size > j->head.size)
		return CAMCA_EINVAL;
	if (c->size == 0)
		return (ret = tree_empty(&empty)) < 0 ? ret :
		    memcmp(&empty, &c->root, sizeof empty) == 0 ? CAMCA_OK :
		    CAMCA_EINVAL;
	ret = tree_consistency(tiles, c->size, j->head.size, &proof);
	return ret < 0 ? ret : tree_check_consistency(c->size, j->head.size,
	    &c->root, &j->head.root, &proof);
}

int
judge_continues(struct tx *tx, const struct checkpoint *c)
{
	struct judge j = { 0 };
	struct reader *r = NULL;
	int ret = reader_open(&r, tx);

	if (ret == CAMCA_OK)
		ret = judge_head(&j, tx, reader_tiles(r));
	if (ret == CAMCA_OK)
		ret = judge_extends(&j, reader_tiles(r), c);
	reader_close(r);
	return ret;
}

/* The newest checkpoint of the store. */
static int
judge_newest(struct judge *j, struct tx *tx, const struct tiles *tiles)
{
	struct checkpoint_row row;
	struct refusal why = { 0 };
	char what[400];
	int ret = store_checkpoint_latest(tx, &row);

	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret < 0)
		return ret;
	j->newest_ms = row.signed_ms;
	ret = origin_check(&j->origin, row.note.p, row.note.n, 0, &j->newest,
	    &j->newest_number, &why);
	if (ret == CAMCA_EINVAL || (ret == CAMCA_OK &&
	    (j->newest.size != row.size || memcmp(&j->newest.root, row.root,
	    sizeof row.root) != 0))) {
		snprintf(what, sizeof what, "the newest checkpoint of the "
		    "database, of size %lld, is not what was signed%s%.200s",
		    (long long)row.size, ret < 0 ? ": " : "", why.detail);
		ret = judge_damaged(j, what);
	}
	store_checkpoint_free(&row);
	if (ret < 0)
		return ret;
	ret = judge_extends(j, tiles, &j->newest);
	if (ret != CAMCA_EINVAL)
		return ret;
	snprintf(what, sizeof what, "the log's %lld entries do not continue "
	    "its newest checkpoint, of size %lld", (long long)j->head.size,
	    (long long)j->newest.size);
	return judge_damaged(j, what);
}

/* A log without a checkpoint is a new one, or one that lost them: then the mark
 * that went in with the first is still there, or what others said of them. */
static int
judge_lost(struct judge *j, struct tx *tx)
{
	char since[CTX_TIME_LEN];
	int ret = store_meta_get(tx, ORIGIN_META_SIGNED, since, sizeof since);

	j->lost = ret == CAMCA_OK;
	return ret == CAMCA_ENOENT ? store_anchored(tx, &j->lost) : ret;
}

/* The file is missing: right for a new log alone. Else it would be the easiest
 * way round all this to remove it together with putting back an older
 * database. */
static int
judge_missing(struct judge *j)
{
	static const uint8_t none[STORE_HASH_LEN];
	char what[400];

	if ((j->newest.size < 0 && !j->lost) || (j->fresh &&
	    memcmp(j->origin.past, none, sizeof none) == 0))
		return CAMCA_OK;
	if (j->newest.size < 0) {
		snprintf(what, sizeof what, "the file %.150s is missing, and "
		    "so are all checkpoints of the database, although some "
		    "were signed", j->path);
		return judge_fork(j, what);
	}
	snprintf(what, sizeof what, "the file %.150s is missing, although "
	    "the database has checkpoints up to size %lld", j->path,
	    (long long)j->newest.size);
	return judge_fork(j, what);
}

/* A person has decided about this very file (custody fork), and it still lies
 * there. */
static bool
judge_given_up(const struct judge *j)
{
	return j->fresh && memcmp(j->origin.past, j->sha256,
	    sizeof j->sha256) == 0;
}

static int
judge_outside(struct judge *j, const struct tiles *tiles)
{
	struct refusal why = { 0 };
	char what[400];
	int ret;

	if (j->file == NULL)
		return judge_missing(j);
	SHA256((const uint8_t *)buf_str(j->file), j->file->len, j->sha256);
	if (judge_given_up(j))
		return CAMCA_OK;
	ret = origin_check(&j->origin, buf_str(j->file), j->file->len, 0,
	    &j->outside, &j->outside_number, &why);
	if (ret == CAMCA_EINVAL || ret == CAMCA_ELIMIT) {
		j->outside.size = -1;
		snprintf(what, sizeof what, "the file %.100s is not a "
		    "checkpoint of this log: %.200s", j->path, why.detail);
		return judge_fork(j, what);
	}
	if (ret < 0)
		return ret;
	if (j->outside_number != j->origin.number) {
		snprintf(what, sizeof what, "the file %.100s has a checkpoint "
		    "of %.100s, and the database goes on as %.100s", j->path,
		    j->outside.origin, j->origin.name);
		return judge_fork(j, what);
	}
	ret = judge_extends(j, tiles, &j->outside);
	if (ret != CAMCA_EINVAL)
		return ret;
	snprintf(what, sizeof what, "the file %.100s has a checkpoint of size "
	    "%lld, which the %lld entries of the database do not continue: an "
	    "older copy of it was put back, or it was altered", j->path,
	    (long long)j->outside.size, (long long)j->head.size);
	return judge_fork(j, what);
}

int
judge_tx(struct tx *tx, void *arg)
{
	struct judge *j = arg;
	struct reader *r = NULL;
	int ret;

	origin_fini(&j->origin);
	j->newest.size = j->outside.size = -1;
	j->lost = false;
	memset(&j->why, 0, sizeof j->why);
	memset(j->sha256, 0, sizeof j->sha256);
	if ((ret = origin_load(tx, &j->origin)) < 0)
		return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
	if ((ret = reader_open(&r, tx)) < 0 ||
	    (ret = judge_head(j, tx, reader_tiles(r))) < 0 ||
	    (ret = judge_newest(j, tx, reader_tiles(r))) < 0 ||
	    (j->newest.size < 0 && (ret = judge_lost(j, tx)) < 0))
		goto out;
	j->fresh = j->origin.forked && j->newest_number < j->origin.number;
	ret = judge_outside(j, reader_tiles(r));
out:
	reader_close(r);
	return ret;
}
