/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is taken on trust but the bytes of the entries and the keys: leaves
 * from entries, chains from what the entries say, each tile from the one below,
 * roots from tiles, checkpoints from roots and keys. Each step is a statement
 * about one snapshot; the log may grow between two of them. */
#include "ca/custody/fsck.h"

#include <stdio.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/custody/fsck_int.h"
#include "ca/custody/signer_int.h"
#include "ca/store/store_log.h"

static const char *const fsck_names[] = { "entries", "devices", "tiles",
	"checkpoints", "done" };

const char *
fsck_phase_name(enum fsck_phase phase)
{
	return fsck_names[phase <= FSCK_DONE ? phase : FSCK_DONE];
}

/* ---- steps ---- */

static int
fsck_tx(struct tx *tx, void *arg)
{
	static int (*const phases[])(struct fsck_run *r) = { fsck_entries,
	    fsck_devices, fsck_tiles, fsck_checkpoints };
	struct fsck_run *r = arg;
	int ret;

	r->f = *r->from;
	r->f.checked = 0;
	r->tx = tx;
	memset(&r->why, 0, sizeof r->why);
	if ((ret = store_log_size(tx, &r->head)) < 0)
		return ret;
	if (r->head < r->f.size)
		return WRONG(r, "The log has %lld entries, and had %lld a "
		    "moment ago.", (long long)r->head, (long long)r->f.size);
	if ((ret = reader_open(&r->reader, tx)) < 0)
		return ret;
	ret = phases[r->f.phase](r);
	reader_close(r->reader);
	r->reader = NULL;
	origin_fini(&r->origin);
	return ret;
}

/* At the end: the file outside, as the signer judges it. */
static int
fsck_outside(struct store *store, const char *dir, struct refusal *why)
{
	char path[400];
	struct judge j = { .path = path };
	struct buf file;
	int ret = file_join(path, sizeof path, dir, SIGNER_FILE);

	if (ret < 0)
		return ret;
	buf_init(&file, SIGNER_FILE_MAX + 1);
	ret = signer_file(dir, &file);
	j.file = ret == CAMCA_ENOENT ? NULL : &file;
	if (ret == CAMCA_OK || ret == CAMCA_ENOENT || ret == CAMCA_ELIMIT)
		ret = store_tx(store, DB_READ, judge_tx, &j);
	if (ret == CAMCA_EPOLICY) {
		ret = CAMCA_ECONFLICT;
		if (why != NULL)
			*why = j.why;
	}
	judge_fini(&j);
	buf_fini(&file);
	return ret;
}

int
fsck_step(struct store *store, const char *dir, struct fsck *f,
    struct refusal *why)
{
	struct fsck_run r = { .from = f };
	int ret;

	if (f->phase >= FSCK_DONE)
		return CAMCA_OK;
	ret = store_tx(store, DB_READ, fsck_tx, &r);
	if (ret == CAMCA_OK && r.f.phase == FSCK_DONE)
		ret = fsck_outside(store, dir, &r.why);
	if (ret == CAMCA_OK) {
		*f = r.f;
		return ret;
	}
	if (why != NULL && r.why.http != 0)
		*why = r.why;
	return refuse_default(why, ret);
}

/* ---- the place as text ---- */

void
fsck_text(const struct fsck *f, char out[static FSCK_TEXT_MAX])
{
	out[0] = '\0';
	if (f->phase < FSCK_DONE)
		snprintf(out, FSCK_TEXT_MAX, "%d/%lld/%d/%lld/%lld/%s",
		    (int)f->phase, (long long)f->size, f->level,
		    (long long)f->at, (long long)f->number, f->device);
}

int
fsck_parse(struct fsck *out, const char *text)
{
	long long size, at, number;
	int phase, level, end = 0;

	memset(out, 0, sizeof *out);
	if (text[0] == '\0')
		return CAMCA_OK;
	if (strlen(text) >= FSCK_TEXT_MAX || sscanf(text,
	    "%1d/%18lld/%1d/%18lld/%18lld/%n", &phase, &size, &level, &at,
	    &number, &end) != 5 || end == 0 || phase < 0 ||
	    phase >= FSCK_DONE || size < 0 || level < 0 || at < 0 ||
	    number < 0 || strlen(text + end) >= sizeof out->device)
		return CAMCA_EINVAL;
	out->phase = (enum fsck_phase)phase;
	out->size = size;
	out->level = level;
	out->at = at;
	out->number = number;
	snprintf(out->device, sizeof out->device, "%s", text + end);
	return CAMCA_OK;
}
