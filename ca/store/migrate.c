/* SPDX-License-Identifier: Apache-2.0 */
/* Schema versions, one transaction a step. The version is read again inside it,
 * because two programs may start at the same time. */
#include "ca/store/migrate.h"

#include <inttypes.h>
#include <stdio.h>

#include "ca/base/log.h"

static int
migrate_check(int err, int64_t have, size_t nsteps, bool create,
    struct refusal *why)
{
	if (err == CAMCA_EINVAL)
		return refuse(why, CAMCA_EDB, 503, "store.foreign",
		    "The database holds tables that are not camca's.");
	if (err < 0)
		return refuse(why, err, 503, "store.version",
		    "The schema version of the database cannot be read.");
	/* A newer program may have put rules there that this one breaks. */
	if (have > (int64_t)nsteps)
		return refuse(why, CAMCA_EDB, 503, "store.newer",
		    "The database has schema version %" PRId64 ", this program"
		    " knows versions up to %zu.", have, nsteps);
	if (have < 0)
		return refuse(why, CAMCA_EDB, 503, "store.version",
		    "The database has schema version %" PRId64 ".", have);
	if (have == 0 && !create)
		return refuse(why, CAMCA_ENOENT, 503, "store.missing",
		    "The database is empty.");
	return CAMCA_OK;
}

/* Step from version i to i + 1, unless another process was faster. */
static int
migrate_step(const struct db_engine *e, struct db *d,
    const struct db_step *step, int64_t i)
{
	char set[80];
	int64_t have;
	int err;

	if ((err = e->begin(d)) < 0)
		return err;
	if ((err = e->version(d, &have)) < 0 || have != i)
		goto out;
	snprintf(set, sizeof set, "UPDATE schema_version SET version = %"
	    PRId64, i + 1);
	err = e->script(d, step->sql);
	if (err == CAMCA_OK)
		err = e->script(d, set);
	if (err == CAMCA_OK)
		return e->commit(d);
out:
	e->rollback(d);
	return err;
}

int
migrate_run(const struct db_engine *e, struct db *d,
    const struct db_step *steps, size_t nsteps, bool create,
    int64_t *version_out, struct refusal *why)
{
	int64_t have = 0;
	int err;

	err = e->version(d, &have);
	if ((err = migrate_check(err, have, nsteps, create, why)) < 0)
		return err;
	if (have > 0 && have < (int64_t)nsteps)
		log_msg(LOG_NOTE, "store", "schema version %" PRId64
		    " becomes %zu", have, nsteps);
	for (; have < (int64_t)nsteps; have++) {
		err = migrate_step(e, d, &steps[have], have);
		if (err < 0)
			return refuse(why, err, 503, "store.migrate",
			    "The step to schema version %" PRId64 " failed: "
			    "%s.", have + 1, camca_strerror(err));
	}
	*version_out = have;
	return CAMCA_OK;
}
