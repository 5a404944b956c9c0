/* SPDX-License-Identifier: Apache-2.0 */
/* Database and outside file can both be put back to an older copy; a witness
 * remembers. That it says so proves nothing: who carries its words could have
 * made them up to keep the log from signing. What it shows does, since the
 * signature on it is the log's own. */
#include <stdio.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/custody/signer_int.h"

struct shown {
	const struct signer *s;
	const void *note;
	size_t n;
	struct checkpoint c;
};

/* CAMCA_EINVAL: a checkpoint of this log that its tree does not continue. */
static int
shown_tx(struct tx *tx, void *arg)
{
	struct shown *x = arg;
	struct origin o;
	int64_t number;
	int ret = origin_load(tx, &o);

	if (ret < 0)
		return ret;
	ret = origin_check(&o, x->note, x->n, x->s->conf.algs, &x->c, &number,
	    NULL);
	/* Under a name that a fork has closed, another tree is no news. */
	if (ret == CAMCA_EINVAL || (ret == CAMCA_OK && number != o.number))
		ret = CAMCA_ENOENT;
	origin_fini(&o);
	return ret < 0 ? ret : judge_continues(tx, &x->c);
}

static void
shown_keep(struct signer *s, const char *who, const struct shown *x)
{
	int ret = file_replace(s->path, x->note, x->n, 0600);

	log_msg(LOG_ERROR, who, "shows a checkpoint of %lld entries that this "
	    "log has signed and does not continue: an older copy of it was "
	    "put back, or somebody else has its keys", (long long)x->c.size);
	if (ret < 0)
		log_msg(LOG_ERROR, s->path, "cannot be replaced by it: %s",
		    camca_strerror(ret));
}

void
signer_shown(struct signer *s, const char *who, const void *note, size_t n)
{
	struct shown x = { .s = s, .note = note, .n = n };
	struct signer_state st;

	signer_state(s, &st);
	/* Once is enough: a fork is there already. */
	if (s == NULL || n > SIGNER_FILE_MAX || st.fork ||
	    signer_take(s, -1) < 0)
		return;
	if (store_tx(s->conf.store, DB_READ, shown_tx, &x) == CAMCA_EINVAL) {
		shown_keep(s, who, &x);
		(void)!signer_round(s, NULL);
	}
	signer_leave(s);
}
