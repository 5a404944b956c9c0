/* SPDX-License-Identifier: Apache-2.0 */
/* Brings a database to the schema version of this program. */
#ifndef CAMCA_STORE_MIGRATE_H
#define CAMCA_STORE_MIGRATE_H

#include "ca/store/db.h"

/* Runs the steps above the version found, one transaction a step, so that a
 * crash leaves a whole version. d is a DB_WRITE connection whose statements are
 * not prepared yet. An empty database is only filled where create is true
 * (CAMCA_ENOENT). A version above nsteps, or tables that are not ours:
 * CAMCA_EDB. *version_out is the version now; why is filled on failure. */
CAMCA_MUST int migrate_run(const struct db_engine *e, struct db *d,
    const struct db_step *steps, size_t nsteps, bool create,
    int64_t *version_out, struct refusal *why);

#endif
