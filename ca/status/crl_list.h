/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of one CRL in memory, ready to be signed and written: their DER
 * end to end, sorted by serial, with room before and behind for the rest of the
 * list. A million entries take 53 MB, and are never copied to build a list. */
#ifndef CAMCA_STATUS_CRL_LIST_H
#define CAMCA_STATUS_CRL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/status/crl_entry.h"

#define CRL_HEAD_ROOM 4096       /* outer lengths, algorithm, issuer, times */
#define CRL_TAIL_ROOM 2048       /* extensions, algorithm, signature */
#define CRL_SERIAL_MAX 21        /* with the zero before a first bit */

struct crl_list {
	uint8_t *mem;            /* CRL_HEAD_ROOM, entries, CRL_TAIL_ROOM */
	size_t room;             /* for entries */
	size_t len;              /* bytes of all entries */
	uint32_t *ends;          /* of each: end of its certificate */
	size_t n, ends_room;
	uint64_t hash;           /* sum of crl_entry_hash() */
	int64_t newest_s;        /* latest revocationDate ever merged */
};

void crl_list_init(struct crl_list *l);
void crl_list_fini(struct crl_list *l);

/* What happened to one certificate: a new entry, or none any more (n 0). */
struct crl_change {
	int64_t rev_seq;
	uint32_t end;
	uint8_t serial_n;
	uint8_t serial[CRL_SERIAL_MAX];  /* as in the INTEGER */
	uint8_t n;
	uint8_t der[CRL_ENTRY_MAX];
};
/* CAMCA_EDB where der is no entry as we write them. */
CAMCA_MUST int crl_change_put(struct crl_change *c, int64_t rev_seq,
    int64_t not_after_ms, const uint8_t *der, size_t n);
void crl_change_gone(struct crl_change *c, int64_t rev_seq,
    const uint8_t serial[static STORE_SERIAL_LEN]);

/* Serials of entries that a merge has left out. */
struct crl_drops {
	uint8_t (*serials)[STORE_SERIAL_LEN];
	size_t n, max;
};

/* Works n changes (which it sorts) into the list in one pass; of several for
 * one serial the newest counts. Entries that crl_list_published() has seen and
 * whose certificate ended before done_s are left out (RFC 5280 3.3) and noted
 * in drops, as long as there is room; drops NULL: none is. The same changes
 * again change nothing. CAMCA_ENOMEM: the list is as before. */
CAMCA_MUST int crl_list_merge(struct crl_list *l, struct crl_change *c,
    size_t n, int64_t done_s, struct crl_drops *drops);

/* All entries of now have been on a list that was published. */
void crl_list_published(struct crl_list *l);
/* Could a merge leave something out? */
bool crl_list_any_done(const struct crl_list *l, int64_t done_s);

#endif
