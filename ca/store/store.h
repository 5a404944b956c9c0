/* SPDX-License-Identifier: Apache-2.0 */
/* The store: what the rest of camcad sees of the database. Nothing outside
 * ca/store knows SQL. Times are milliseconds UTC, flags are 0/1, texts are
 * UTF-8 without controls; every row type owns its memory (fixed arrays) but
 * for blobs, which the caller frees with store_blob_free. */
#ifndef CAMCA_STORE_STORE_H
#define CAMCA_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/ctx.h"
#include "ca/base/id.h"
#include "ca/base/refusal.h"

struct store;
struct tx;                     /* one transaction, valid inside its fn only */

enum db_mode { DB_READ, DB_WRITE };

struct store_conf {
	const char *path;          /* SQLite file; its folder must exist */
	int readers;               /* read connections, 1..64 */
	int batch_max;             /* write jobs in one commit, 1..1024 */
	int queue_max;             /* waiting write jobs before CAMCA_EBUSY */
	const struct camca_ctx *ctx; /* for engines that need a clock */
};

/* Opens and, where create is true, makes the database (mode 0600); migrates an
 * older schema one numbered step at a time; refuses a newer one (CAMCA_EDB, why
 * says which). Without create, CAMCA_ENOENT where there is none. Reads no rows:
 * a million take no longer than one. SQLite: WAL, synchronous FULL, STRICT
 * tables, foreign keys on; not on network file systems. */
CAMCA_MUST int store_open(struct store **out, const struct store_conf *conf,
    bool create, struct refusal *why);
/* Jobs that wait are still run, new transactions get CAMCA_EBUSY; waits for the
 * running ones. The caller sees to it that no call comes after the return.
 * store_close(NULL) is fine. */
void store_close(struct store *s);

/* Runs fn in a transaction. DB_READ: on a read connection, in the caller's
 * thread, a snapshot that never waits for the writer. DB_WRITE: on the writer's
 * thread; jobs that wait together are committed together, and the call returns
 * only when the commit is durable. fn returning anything but 0 undoes just its
 * own changes, and that value is returned. fn may run more than once (busy): it
 * must have no effect outside the transaction but into arg, and set that
 * afresh each time. CAMCA_EBUSY (queue full, closing, or another process
 * writes), CAMCA_EFULL (disk), CAMCA_ENOMEM, CAMCA_EDB; after an error nothing
 * of this job is stored, and the next one may work. Any thread; fn may open a
 * DB_READ transaction in a DB_WRITE one, never a second DB_WRITE (CAMCA_EDB),
 * nor a DB_READ in a DB_READ, which may wait for itself. */
CAMCA_MUST int store_tx(struct store *s, enum db_mode mode,
    int (*fn)(struct tx *tx, void *arg), void *arg);

/* Waits until the number of durable commits and wake-ups since store_open() is
 * another one than seen (-1: does not wait) or timeout_ms have passed; *now_out
 * is the number then. Read it before reading rows, and before looking whether
 * to stop, and no commit and no wake-up is missed. CAMCA_EBUSY where the store
 * is closing. Any thread but one inside a transaction. */
CAMCA_MUST int store_commits_wait(struct store *s, int64_t seen,
    int timeout_ms, int64_t *now_out);
/* Ends every store_commits_wait() that waits now, or begins later with a number
 * read before. Any thread. */
void store_commits_wake(struct store *s);

/* Health for doctor: free bytes of the file system, file size, queue depth,
 * last write error (0 where the last commit went well). Any thread. */
struct store_health {
	int64_t free_bytes;
	int64_t db_bytes;
	int64_t queue_depth;
	int last_error;
	int schema;
};
CAMCA_MUST int store_health(struct store *s, struct store_health *out);

struct store_blob {
	uint8_t *p;
	size_t n;
};
void store_blob_free(struct store_blob *b);   /* fields may be NULL/0 */

#define STORE_ID_MAX (ID_MAX + 1)   /* device and site ids, with NUL */
#define STORE_NAME_MAX 129     /* other texts, with NUL */
#define STORE_SERIAL_LEN 20    /* certificate serial, left-padded with zeros */
#define STORE_HASH_LEN 32

/* Every function below: 0, CAMCA_ENOENT (no such row, or one it refers to is
 * missing), CAMCA_ECONFLICT (the row exists already, or is not in the state
 * asked for), CAMCA_EINVAL (a value outside its stated range, a text without
 * its NUL, a blob missing). After these the transaction goes on. CAMCA_EDB,
 * CAMCA_EFULL, CAMCA_ENOMEM end it: every later call returns the same, and so
 * does store_tx, whatever fn returns. A write in DB_READ is CAMCA_EDB.
 * On failure an output row holds no blobs.
 * Lists call fn for each row in order, stop at limit rows or where fn returns
 * non-zero, and return that value. Rows are read in small pieces, so any number
 * takes little memory, and fn may use tx, also to change what it is shown; the
 * row and its blobs are borrowed until fn returns. */

/* ---- meta: small values of the authority itself ---- */
/* CAMCA_EDB where the value does not fit out. */
CAMCA_MUST int store_meta_get(struct tx *tx, const char *key, char *out,
    size_t out_len);
CAMCA_MUST int store_meta_set(struct tx *tx, const char *key,
    const char *value);

/* ---- site ---- */
struct site_row {
	char id[STORE_ID_MAX];
	char name[STORE_NAME_MAX];
	int64_t level;             /* 1..5 */
	int64_t created_ms;
};
CAMCA_MUST int store_site_insert(struct tx *tx, const struct site_row *r);
CAMCA_MUST int store_site_get(struct tx *tx, const char *id,
    struct site_row *out);
/* Order by id, ids above after ("" = from the start). */
CAMCA_MUST int store_site_list(struct tx *tx, const char *after, int64_t limit,
    int (*fn)(const struct site_row *r, void *arg), void *arg);

/* ---- device ---- */
enum device_kind { DEVICE_CAMERA, DEVICE_RA };
enum device_state {
	DEVICE_REGISTERED, DEVICE_ENROLLED, DEVICE_HELD, DEVICE_REVOKED,
	DEVICE_RETIRED, DEVICE_LOST, DEVICE_STATES
};
enum device_restriction { RESTRICT_NONE, RESTRICT_WATCHED, RESTRICT_RENEWAL,
	DEVICE_RESTRICTIONS };
enum device_place { PLACE_OTHER, PLACE_PUBLIC, PLACE_KEY_AREA, DEVICE_PLACES };

struct device_row {
	int64_t pk;                      /* given by the store */
	char id[STORE_ID_MAX];           /* unique, "cam-0042" */
	int64_t kind;                    /* enum device_kind */
	char manufacturer[STORE_NAME_MAX];
	char model[STORE_NAME_MAX];
	char serial[STORE_NAME_MAX];     /* unique with manufacturer; "" none */
	char mac[18];                    /* "aa:bb:cc:dd:ee:ff" or "" */
	char hardware_id[STORE_NAME_MAX];
	char firmware[STORE_NAME_MAX];
	char site[STORE_ID_MAX];         /* an existing site */
	int64_t place;                   /* enum device_place */
	int64_t state;                   /* enum device_state */
	char import_batch[33];           /* hex, or "" */
	int64_t created_ms;
	int64_t updated_ms;
	int64_t restriction;             /* enum device_restriction */
};
/* Sets r->pk. CAMCA_ECONFLICT: id or (manufacturer, serial) exists;
 * CAMCA_ENOENT: no such site. */
CAMCA_MUST int store_device_insert(struct tx *tx, struct device_row *r);
CAMCA_MUST int store_device_get(struct tx *tx, const char *id,
    struct device_row *out);
CAMCA_MUST int store_device_by_pk(struct tx *tx, int64_t pk,
    struct device_row *out);
/* The device with this manufacturer (byte-equal) and serial. */
CAMCA_MUST int store_device_by_serial(struct tx *tx, const char *manufacturer,
    const char *serial, struct device_row *out);
/* Moves the device from state `from` to `to`; CAMCA_ECONFLICT where it is in
 * another state. Which moves are legal is decided by admit/state. */
CAMCA_MUST int store_device_move(struct tx *tx, int64_t pk,
    enum device_state from, enum device_state to, int64_t now_ms);
struct device_filter {                 /* NULL / -1: not asked for */
	const char *site, *manufacturer, *model, *import_batch;
	int state, kind;
};
/* Order by pk, above after_pk. */
CAMCA_MUST int store_device_list(struct tx *tx, const struct device_filter *f,
    int64_t after_pk, int64_t limit,
    int (*fn)(const struct device_row *r, void *arg), void *arg);
CAMCA_MUST int store_device_count(struct tx *tx, int64_t *out);

/* ---- selecting devices for a batch (store_select.c) ---- */
struct product_row {
	char manufacturer[STORE_NAME_MAX];
	char model[STORE_NAME_MAX];
	char firmware[STORE_NAME_MAX];
};
/* Each different product once, in order; costs a search in the index for each,
 * however many devices there are. */
CAMCA_MUST int store_product_list(struct tx *tx,
    int (*fn)(const struct product_row *r, void *arg), void *arg);
/* What a selection looks at. */
struct device_pick {
	int64_t pk;
	char id[STORE_ID_MAX];
	char manufacturer[STORE_NAME_MAX];
	char model[STORE_NAME_MAX];
	char firmware[STORE_NAME_MAX];
	char site[STORE_ID_MAX];
	int64_t place;
	int64_t state;
	int64_t restriction;
};
/* Order by pk. Of one product, of one site, all. */
CAMCA_MUST int store_pick_product(struct tx *tx, const struct product_row *p,
    int (*fn)(const struct device_pick *r, void *arg), void *arg);
CAMCA_MUST int store_pick_site(struct tx *tx, const char *site,
    int (*fn)(const struct device_pick *r, void *arg), void *arg);
CAMCA_MUST int store_pick_all(struct tx *tx,
    int (*fn)(const struct device_pick *r, void *arg), void *arg);
CAMCA_MUST int store_pick_id(struct tx *tx, const char *id,
    struct device_pick *out);
CAMCA_MUST int store_pick_pk(struct tx *tx, int64_t pk,
    struct device_pick *out);
/* A certificate without its names, key and bytes. */
struct cert_pick {
	int64_t id;
	uint8_t serial[STORE_SERIAL_LEN];
	int64_t issuer;
	int64_t device;                  /* 0: the authority's own */
	int64_t created_ms;
	int64_t not_before_ms;
	int64_t not_after_ms;
	int64_t replaced_by;             /* cert.id, 0: none */
	int64_t status;
	int64_t reason;
	int64_t revoked_ms;
	int64_t invalidity_ms;
	int64_t rev_seq;
};
/* The device's certificates that end after now_ms, order by id. */
CAMCA_MUST int store_cert_pick_device(struct tx *tx, int64_t device,
    int64_t now_ms, int (*fn)(const struct cert_pick *r, void *arg),
    void *arg);
/* Did the device ever have one? */
CAMCA_MUST int store_cert_any(struct tx *tx, int64_t device, bool *out);
CAMCA_MUST int store_cert_pick_serial(struct tx *tx,
    const uint8_t serial[static STORE_SERIAL_LEN], struct cert_pick *out);
/* By row id. */
CAMCA_MUST int store_cert_pick_id(struct tx *tx, int64_t id,
    struct cert_pick *out);
/* Made in [from_ms, to_ms), ending after now_ms; issuer 0: of any. Order by
 * id. Reads every row: no index has the time. */
CAMCA_MUST int store_cert_pick_made(struct tx *tx, int64_t issuer,
    int64_t from_ms, int64_t to_ms, int64_t now_ms,
    int (*fn)(const struct cert_pick *r, void *arg), void *arg);
/* Sets state and restriction, whatever they were: the caller read them in the
 * same transaction. CAMCA_ENOENT. */
CAMCA_MUST int store_device_standing(struct tx *tx, int64_t pk,
    enum device_state state, enum device_restriction restriction,
    int64_t now_ms);

/* ---- batches of graded actions (store_rev_batch.c) ---- */
enum rev_batch_state { REV_PLANNED, REV_APPROVED, REV_APPLIED, REV_CANCELLED,
	REV_STATES };
#define REV_TEXT_MAX 257               /* reason, reference, with NUL */
#define REV_SELECTOR_MAX 8193
#define REV_SUMMARY_MAX 16385
struct rev_batch_row {
	int64_t id;                      /* given by the store */
	int64_t state;
	int64_t action;                  /* enum device_action */
	int64_t crl_reason;              /* RFC 5280 5.3.1, -1: none */
	int64_t invalidity_ms;           /* 0: none */
	char reason[REV_TEXT_MAX];
	char reference[REV_TEXT_MAX];
	char selector[REV_SELECTOR_MAX]; /* canonical, ca/admit/select.h */
	char summary[REV_SUMMARY_MAX];   /* JSON */
	uint8_t world[STORE_HASH_LEN];   /* what the preview saw */
	int64_t created_ms;              /* when the preview was made */
	char created_by[STORE_NAME_MAX];
	int64_t approved_ms;
	char approved_by[STORE_NAME_MAX];
	int64_t decided_ms;              /* applied or cancelled */
	char decided_by[STORE_NAME_MAX];
	int64_t rev_seq;                 /* highest it caused, 0: none */
};
CAMCA_MUST int store_rev_batch_insert(struct tx *tx, struct rev_batch_row *r);
CAMCA_MUST int store_rev_batch_get(struct tx *tx, int64_t id,
    struct rev_batch_row *out);
/* state -1: all. Newest first, ids below before (0: from the newest). */
CAMCA_MUST int store_rev_batch_list(struct tx *tx, int state, int64_t before,
    int64_t limit, int (*fn)(const struct rev_batch_row *r, void *arg),
    void *arg);
/* Writes state, times, actors, rev_seq, summary and world of r where the batch
 * is in state `from`; else CAMCA_ECONFLICT. */
CAMCA_MUST int store_rev_batch_move(struct tx *tx,
    const struct rev_batch_row *r, enum rev_batch_state from);

enum rev_verdict { REV_CHANGES, REV_UNDETERMINED, REV_UNCHANGED,
	REV_VERDICTS };
struct rev_item_row {
	int64_t batch;
	int64_t device;                  /* device.pk, 0: the authority's */
	int64_t cert;                    /* cert.id, 0: the device itself */
	int64_t verdict;
	char rule[513];
};
CAMCA_MUST int store_rev_item_insert(struct tx *tx,
    const struct rev_item_row *r);
/* Order by device and certificate, above the pair given (0, -1: from the
 * start); verdict -1: all. */
CAMCA_MUST int store_rev_item_list(struct tx *tx, int64_t batch, int verdict,
    int64_t after_device, int64_t after_cert, int64_t limit,
    int (*fn)(const struct rev_item_row *r, void *arg), void *arg);
/* All items of a batch, for a new preview. */
CAMCA_MUST int store_rev_item_clear(struct tx *tx, int64_t batch);

/* ---- document: provenance and assessment ---- */
enum document_kind { DOC_ORIGIN, DOC_QUALITY, DOC_ASSESSMENT, DOC_LETTER,
	DOC_KINDS };
struct document_row {
	int64_t id;                      /* given by the store */
	int64_t device;                  /* device.pk */
	int64_t kind;
	char number[STORE_NAME_MAX];
	char issuer[STORE_NAME_MAX];
	int64_t date_ms;
	int64_t expires_ms;              /* 0: no end */
	int64_t passed;                  /* assessments: 1 passed, 0 failed */
	uint8_t sha256[STORE_HASH_LEN];  /* of the file */
	int64_t created_ms;
};
CAMCA_MUST int store_document_insert(struct tx *tx, struct document_row *r);
/* Newest date first. */
CAMCA_MUST int store_document_list(struct tx *tx, int64_t device,
    int (*fn)(const struct document_row *r, void *arg), void *arg);

/* ---- enroll_secret ---- */
enum secret_state { SECRET_ACTIVE, SECRET_RESERVED, SECRET_USED,
	SECRET_LOCKED, SECRET_REPLACED };
struct secret_row {
	char selector[17];               /* public part, looked up by */
	int64_t device;
	uint8_t hash[STORE_HASH_LEN];
	int64_t created_ms;
	int64_t expires_ms;
	int64_t attempts;                /* wrong tries so far */
	int64_t state;
	uint8_t spki[STORE_HASH_LEN];    /* key it is reserved for or used by */
	int64_t used_ms;
};
/* CAMCA_ECONFLICT where the selector exists; then nothing is replaced.
 * Older ACTIVE or RESERVED secrets of the device become REPLACED. */
CAMCA_MUST int store_secret_insert(struct tx *tx, const struct secret_row *r);
CAMCA_MUST int store_secret_get(struct tx *tx, const char *selector,
    struct secret_row *out);
/* The device's newest secret. */
CAMCA_MUST int store_secret_latest(struct tx *tx, int64_t device,
    struct secret_row *out);
/* attempts + 1; at max_attempts an ACTIVE or RESERVED one becomes LOCKED. */
CAMCA_MUST int store_secret_failed(struct tx *tx, const char *selector,
    int64_t max_attempts, struct secret_row *out);
/* ACTIVE -> RESERVED for this key, or RESERVED for the same key already.
 * CAMCA_ECONFLICT otherwise. */
CAMCA_MUST int store_secret_reserve(struct tx *tx, const char *selector,
    const uint8_t spki[static STORE_HASH_LEN]);
/* ACTIVE, or RESERVED for this key -> USED. CAMCA_ECONFLICT otherwise. */
CAMCA_MUST int store_secret_use(struct tx *tx, const char *selector,
    const uint8_t spki[static STORE_HASH_LEN], int64_t now_ms);

/* ---- pending: the 202 queue, matched on device, key and label ---- */
enum pending_state { PENDING_WAITING, PENDING_APPROVED, PENDING_DENIED,
	PENDING_ISSUED, PENDING_EXPIRED };
struct pending_row {
	int64_t id;                      /* given by the store */
	int64_t device;
	char label[STORE_ID_MAX];
	uint8_t spki[STORE_HASH_LEN];
	int64_t state;
	int64_t created_ms;
	int64_t expires_ms;
	int64_t decided_ms;
	char decided_by[STORE_NAME_MAX];
	char reason[STORE_NAME_MAX];
};
/* CAMCA_ECONFLICT while another entry for the three is WAITING or APPROVED,
 * expired or not: move that one first. */
CAMCA_MUST int store_pending_insert(struct tx *tx, struct pending_row *r);
/* The newest entry for the three. */
CAMCA_MUST int store_pending_find(struct tx *tx, int64_t device,
    const uint8_t spki[static STORE_HASH_LEN], const char *label,
    struct pending_row *out);
CAMCA_MUST int store_pending_get(struct tx *tx, int64_t id,
    struct pending_row *out);
CAMCA_MUST int store_pending_move(struct tx *tx, int64_t id,
    enum pending_state from, enum pending_state to, int64_t now_ms,
    const char *by, const char *reason);
/* Every entry of the device, order by id. */
CAMCA_MUST int store_pending_device(struct tx *tx, int64_t device,
    int (*fn)(const struct pending_row *r, void *arg), void *arg);
/* Entries of the device that are WAITING or APPROVED and not past now_ms. */
CAMCA_MUST int store_pending_open_count(struct tx *tx, int64_t device,
    int64_t now_ms, int64_t *out);
/* state -1: all. Order by id, above after_id. */
CAMCA_MUST int store_pending_list(struct tx *tx, int state, int64_t after_id,
    int64_t limit, int (*fn)(const struct pending_row *r, void *arg),
    void *arg);

/* ---- issuer: CA keys, a row a generation ---- */
enum issuer_state { ISSUER_ACTIVE, ISSUER_OLD, ISSUER_STATES };
struct issuer_row {
	int64_t id;                      /* given by the store */
	char name[STORE_ID_MAX];         /* "root", "ec", "rsa" */
	int64_t generation;              /* 1, 2, ... unique with name */
	int64_t parent;                  /* issuer.id, 0 for a root */
	int64_t state;
	char key_uri[512];
	uint8_t ski[20];                 /* subject key identifier, unique */
	struct store_blob cert;          /* DER */
	struct store_blob old_with_new;  /* DER or empty: previous key, signed
	                                  * by this one */
	struct store_blob new_with_old;  /* DER or empty: this key, signed by
	                                  * the previous one */
	int64_t created_ms;
};
void store_issuer_free(struct issuer_row *r);      /* its blobs */
/* Sets r->id. CAMCA_ECONFLICT: name and generation, or ski, exist, or another
 * generation is still ACTIVE; CAMCA_ENOENT: no such parent. */
CAMCA_MUST int store_issuer_insert(struct tx *tx, struct issuer_row *r);
/* ACTIVE -> OLD when the next generation takes over. */
CAMCA_MUST int store_issuer_set_state(struct tx *tx, int64_t id,
    enum issuer_state state);
/* Order by id; the row is borrowed inside fn. */
CAMCA_MUST int store_issuer_list(struct tx *tx,
    int (*fn)(const struct issuer_row *r, void *arg), void *arg);

/* ---- cert ---- */
enum cert_status { CERT_GOOD, CERT_HOLD, CERT_REVOKED };
struct cert_row {
	int64_t id;                      /* given by the store */
	uint8_t serial[STORE_SERIAL_LEN];
	int64_t issuer;                  /* issuer.id */
	int64_t device;                  /* device.pk, 0: the authority's own */
	char profile[STORE_ID_MAX];
	char label[STORE_ID_MAX];
	int64_t not_before_ms;
	int64_t not_after_ms;
	uint8_t spki[STORE_HASH_LEN];    /* SHA-256 of SubjectPublicKeyInfo */
	int64_t status;                  /* enum cert_status */
	int64_t reason;                  /* RFC 5280 5.3.1, -1: none */
	int64_t revoked_ms;              /* 0 while good */
	int64_t invalidity_ms;           /* key or trust lost since; 0: none */
	int64_t rev_seq;                 /* 0: never changed */
	int64_t created_ms;
	int64_t seen_ms;                 /* first use towards us, 0: none */
	int64_t replaced_by;             /* cert.id, 0: none */
	char revocation_challenge[65];   /* hex SHA-256, RFC 7894, or "" */
	struct store_blob der;
};
void store_cert_free(struct cert_row *r);          /* its blob */
/* Of a good one, never changed (CAMCA_EINVAL). CAMCA_ECONFLICT: serial exists;
 * CAMCA_ENOENT: no such issuer or device. Sets r->id. Serial numbers that begin with the time keep their index dense. */
CAMCA_MUST int store_cert_insert(struct tx *tx, struct cert_row *r);
CAMCA_MUST int store_cert_by_serial(struct tx *tx,
    const uint8_t serial[static STORE_SERIAL_LEN], struct cert_row *out);
/* Newest certificate with this key; device 0: of any device. */
CAMCA_MUST int store_cert_by_spki(struct tx *tx,
    const uint8_t spki[static STORE_HASH_LEN], int64_t device,
    struct cert_row *out);
/* True in *out where another device than `device` holds a certificate for the
 * key (rule: one key, one device). */
CAMCA_MUST int store_cert_spki_elsewhere(struct tx *tx,
    const uint8_t spki[static STORE_HASH_LEN], int64_t device, bool *out);
/* Keeps the first time. */
CAMCA_MUST int store_cert_seen(struct tx *tx, int64_t id, int64_t now_ms);
/* By row id; row carries no DER. */
CAMCA_MUST int store_cert_by_id(struct tx *tx, int64_t id,
    struct cert_row *out);
/* seen_ms of a certificate, without its bytes. */
CAMCA_MUST int store_cert_seen_at(struct tx *tx, int64_t id, int64_t *out);
CAMCA_MUST int store_cert_replaced(struct tx *tx, int64_t id, int64_t by);
/* Stores status, reason, revoked_ms and invalidity_ms of r with the next rev_seq
 * (one counter for all issuers, never repeated; a refused change may leave a
 * gap), which is set in r and becomes that of its issuer. r is the row as it was
 * read (serial, issuer and end are copied). CAMCA_ECONFLICT where it was changed
 * since. Only status_change() calls this: it
 * knows which changes there are, and keeps the CRL's entry with the row. */
CAMCA_MUST int store_cert_change(struct tx *tx, struct cert_row *r);
/* device 0 and issuer 0: not asked for. Order by id, above after_id. */
CAMCA_MUST int store_cert_list(struct tx *tx, int64_t device, int64_t issuer,
    int64_t after_id, int64_t limit,
    int (*fn)(const struct cert_row *r, void *arg), void *arg);
/* Certificates of an issuer that were changed after after_rev_seq and are GOOD
 * now: their hold has ended. Order by rev_seq; rows carry no DER. */
CAMCA_MUST int store_cert_released_list(struct tx *tx, int64_t issuer,
    int64_t after_rev_seq, int (*fn)(const struct cert_row *r, void *arg),
    void *arg);
/* Certificates replaced by one that has been seen (seen_ms <= before_ms) and
 * still good: candidates for "superseded". Rows carry no DER. */
CAMCA_MUST int store_cert_superseded_list(struct tx *tx, int64_t before_ms,
    int64_t limit, int (*fn)(const struct cert_row *r, void *arg), void *arg);
CAMCA_MUST int store_cert_count(struct tx *tx, int64_t *out);
/* Latest not_after_ms of the issuer's certificates, 0 where it has none;
 * CAMCA_ENOENT: no such issuer. */
CAMCA_MUST int store_cert_last_expiry(struct tx *tx, int64_t issuer,
    int64_t *out);

/* ---- the status feed: certificates without anything but their status ---- */
struct status_row {
	int64_t id;                      /* cert.id */
	uint8_t serial[STORE_SERIAL_LEN];
	int64_t issuer;
	int64_t status;                  /* enum cert_status */
	int64_t reason;                  /* RFC 5280 5.3.1, -1: none */
	int64_t revoked_ms;
	int64_t not_after_ms;
	int64_t rev_seq;                 /* 0: never changed */
};
/* Order by id, above after_id and up to last_id, which bounds the work where
 * many are left out: those that ended before alive_ms. */
CAMCA_MUST int store_status_list_new(struct tx *tx, int64_t after_id,
    int64_t last_id, int64_t alive_ms, int64_t limit,
    int (*fn)(const struct status_row *r, void *arg), void *arg);
/* Order by rev_seq, above after_rev, all issuers. */
CAMCA_MUST int store_status_list_changed(struct tx *tx, int64_t after_rev,
    int64_t limit, int (*fn)(const struct status_row *r, void *arg),
    void *arg);
/* The newest change of all issuers, 0: none yet. */
CAMCA_MUST int store_rev_seq(struct tx *tx, int64_t *out);
/* The newest certificate's id, 0: none yet. */
CAMCA_MUST int store_cert_last_id(struct tx *tx, int64_t *out);

/* ---- crl_file: the newest CRL of an issuer; its bytes are a file ---- */
struct crl_file_row {
	int64_t issuer;
	int64_t number;
	int64_t rev_seq;                 /* changes up to here are in it */
	int64_t this_update_ms;
	int64_t next_update_ms;
	int64_t entries;
	int64_t size;                    /* bytes */
	uint8_t sha256[STORE_HASH_LEN];  /* of the file; zeros: not known, of a
	                                  * list from before there were files */
};
/* CAMCA_ECONFLICT unless number is above the stored one. */
CAMCA_MUST int store_crl_file_put(struct tx *tx, const struct crl_file_row *r);
CAMCA_MUST int store_crl_file_get(struct tx *tx, int64_t issuer,
    struct crl_file_row *out);
/* Newest rev_seq of the issuer's certificates, 0 where none changed;
 * CAMCA_ENOENT: no such issuer. */
CAMCA_MUST int store_issuer_rev_seq(struct tx *tx, int64_t issuer,
    int64_t *out);

/* ---- crl_entry: an element of revokedCertificates for each certificate that
 * is HOLD or REVOKED and still to be listed ---- */
struct crl_entry_row {
	int64_t issuer;
	int64_t rev_seq;                 /* of the certificate */
	int64_t cert;                    /* cert.id */
	int64_t not_after_ms;            /* of the certificate */
	struct store_blob der;
};
/* CAMCA_ECONFLICT: there is one with this issuer and rev_seq. */
CAMCA_MUST int store_crl_entry_put(struct tx *tx,
    const struct crl_entry_row *r);
/* Nothing to delete is fine. */
CAMCA_MUST int store_crl_entry_delete(struct tx *tx, int64_t issuer,
    int64_t rev_seq);
/* By the certificate's serial: its certificate has ended, and CRLs need not list
 * it any more (RFC 5280 3.3). */
CAMCA_MUST int store_crl_entry_done(struct tx *tx, int64_t issuer,
    const uint8_t serial[static STORE_SERIAL_LEN]);
/* Order by rev_seq, above after_rev_seq. */
CAMCA_MUST int store_crl_entry_list(struct tx *tx, int64_t issuer,
    int64_t after_rev_seq, int64_t limit,
    int (*fn)(const struct crl_entry_row *r, void *arg), void *arg);
/* Certificates that are HOLD or REVOKED without an entry: of a store older
 * than the table, or left out of CRLs by RFC 5280 3.3. Order by rev_seq; rows
 * carry no DER. */
CAMCA_MUST int store_crl_entry_missing(struct tx *tx, int64_t after_rev_seq,
    int64_t limit, int (*fn)(const struct cert_row *r, void *arg), void *arg);

/* ---- vendor: pinned roots of factory identities ---- */
struct vendor_row {
	char name[STORE_NAME_MAX];       /* = device.manufacturer */
	int64_t enabled;
	int64_t crl_required;            /* 1: no valid CRL, no enrollment */
	int64_t crl_grace_ms;            /* nextUpdate may be so long past */
	struct store_blob roots;         /* PEM bundle */
	struct store_blob crls;          /* PEM bundle or empty */
	int64_t updated_ms;
};
void store_vendor_free(struct vendor_row *r);
/* Inserts or replaces. */
CAMCA_MUST int store_vendor_put(struct tx *tx, const struct vendor_row *r);
CAMCA_MUST int store_vendor_get(struct tx *tx, const char *name,
    struct vendor_row *out);
CAMCA_MUST int store_vendor_list(struct tx *tx,
    int (*fn)(const struct vendor_row *r, void *arg), void *arg);

/* ---- policy: which rules were in force ---- */
/* Notes that these policy files (SHA-256 over them) were loaded; an older
 * note of the same hash is kept. */
CAMCA_MUST int store_policy_put(struct tx *tx,
    const uint8_t sha256[static STORE_HASH_LEN], const char *body,
    int64_t now_ms);

/* ---- events; those that the log does not have yet are the outbox ---- */
struct event_row {
	int64_t seq;                     /* given by the store, ascending */
	uint8_t id[16];                  /* nobody checks that it is unique */
	int64_t time_ms;
	char device[STORE_ID_MAX];       /* "-" if none */
	struct store_blob body;          /* the lines, ca/custody/event.h */
};
/* r->seq is not read: numbers are given in the order of commits, without gaps.
 * Never changed or deleted again: triggers refuse it; the log makes the entry
 * seq - 1 of the body (store_log.h).
 * CAMCA_ECONFLICT: somebody set the counter back, the number is there. */
CAMCA_MUST int store_outbox_put(struct tx *tx, const struct event_row *r);
/* Those that wait; device NULL: all. Order by seq, above after_seq. */
CAMCA_MUST int store_outbox_list(struct tx *tx, const char *device,
    int64_t after_seq, int64_t limit,
    int (*fn)(const struct event_row *r, void *arg), void *arg);
/* How many wait, by the numbers that were given. */
CAMCA_MUST int store_outbox_count(struct tx *tx, int64_t *out);

#endif
