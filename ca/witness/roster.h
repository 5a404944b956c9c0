/* SPDX-License-Identifier: Apache-2.0 */
/* The logs that are witnessed, and the checkpoint that was cosigned last for
 * each of them. A record is looked at, changed on the disk and answered for by
 * one thread at a time: what was promised once is never taken back. */
#ifndef CAMCA_WITNESS_ROSTER_H
#define CAMCA_WITNESS_ROSTER_H

#include <pthread.h>

#include "ca/witness/cosigner.h"

#define ROSTER_LOGS_MAX 1024
#define ROSTER_KEYS_MAX 4              /* of one log */
#define ROSTER_FILE "logs"             /* a vkey a line, # for remarks */
#define ROSTER_FOLDER "state"
#define ROSTER_NAME_LEN 64             /* hex SHA-256 of an origin */

struct roster_log {
	char origin[NOTE_NAME_MAX];    /* the name of its keys */
	char hex[ROSTER_NAME_LEN + 1];
	size_t nkeys;
	struct note_key keys[ROSTER_KEYS_MAX];
	pthread_mutex_t lock;          /* guards what follows, and the file */
	bool damaged;                  /* its file is: nothing is signed */
	struct checkpoint last;        /* cosigned last; size 0: none, or empty */
	struct buf note;               /* that one with our line; empty: none */
};
struct roster {
	size_t n;
	struct roster_log **logs;
};

/* Reads dir/logs and the record of each log. A record that cannot be read, or
 * whose note our own key has not signed, is damaged: logged, kept as it is, and
 * its log gets no signature. CAMCA_EINVAL with file and line; CAMCA_EIO,
 * CAMCA_ENOMEM. */
CAMCA_MUST int roster_open(struct roster **out, const char *dir,
    const struct cosigner *c, struct refusal *why);
void roster_close(struct roster *r);   /* NULL is fine */
/* NULL where it is not witnessed. */
struct roster_log *roster_find(const struct roster *r, const char *origin);
struct roster_log *roster_by_hex(const struct roster *r, const char *hex,
    size_t n);
/* With log->lock: puts the checkpoint and its note on the disk, and only then
 * into the record. On failure the record is as before. CAMCA_EFULL, CAMCA_EIO,
 * CAMCA_ENOMEM. */
CAMCA_MUST int roster_record(struct roster_log *log, const char *dir,
    const struct checkpoint *cp, const struct buf *note);
/* What a write that was cut left behind. Before anything else uses dir. */
void roster_sweep(const char *dir);

#endif
