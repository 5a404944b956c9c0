/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer: a thread that owns the writing connection and commits the
 * jobs that wait together in one transaction. */
#ifndef CAMCA_STORE_WRITER_H
#define CAMCA_STORE_WRITER_H

#include "ca/store/tx.h"

struct writer;

/* Starts the thread; db (a prepared DB_WRITE connection) is its own from here
 * until writer_stop, and stays the caller's to close. CAMCA_ENOMEM. */
CAMCA_MUST int writer_start(struct writer **out, const struct db_engine *e,
    struct db *db, int batch_max, int queue_max);
/* From here on new jobs get CAMCA_EBUSY; those that wait still run. */
void writer_refuse(struct writer *w);
/* writer_refuse, runs what waits, ends the thread, frees. NULL is fine. */
void writer_stop(struct writer *w);
/* store_tx with DB_WRITE. Any thread but the writer's own (CAMCA_EDB). */
CAMCA_MUST int writer_run(struct writer *w,
    int (*fn)(struct tx *tx, void *arg), void *arg);
/* store_commits_wait(), store_commits_wake(). */
CAMCA_MUST int writer_commits_wait(struct writer *w, int64_t seen,
    int timeout_ms, int64_t *now_out);
void writer_commits_wake(struct writer *w);
/* Jobs waiting, and the error of the last group (0 where it went well). */
void writer_state(struct writer *w, int64_t *depth_out, int *error_out);

#endif
