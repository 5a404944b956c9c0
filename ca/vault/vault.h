/* SPDX-License-Identifier: Apache-2.0 */
/* The vault: accounts of cameras and their passwords. Each password is sealed
 * on its own to a key that never leaves the HSM; whoever holds the database
 * holds no password, and opening one costs one HSM operation.
 *
 * Sealing is software and needs no HSM: make a draft before the write
 * transaction, store it inside. Opening is never done inside a write
 * transaction: the one writer would wait for the HSM.
 *
 *	vault_draft(v, d.id, "camca-svc", &rule, &draft, why);
 *	store_tx(… vault_make_pending(tx, &by, account, &draft, &row, &made) …);
 *	made ? draft.secret : vault_open(v, &row, &secret, why);
 */
#ifndef CAMCA_VAULT_VAULT_H
#define CAMCA_VAULT_VAULT_H

#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/job_wire.h"
#include "ca/custody/event.h"
#include "ca/store/store_vault.h"
#include "ca/vault/password.h"
#include "hsm/hsm.h"

#define VAULT_OLD_MAX 10               /* old passwords kept of an account */
#define VAULT_SEALED_MAX 4096          /* bytes of one sealed password */

/* A password in clear: wiped as soon as it was used. */
struct secret_text {
	char text[PASSWORD_STORED_MAX + 1];
};
void secret_text_wipe(struct secret_text *s);

struct vault;
struct vault_conf {
	struct store *store;
	struct hsm *hsm;
	const struct event_source *src;
};
/* A vault without its key yet. CAMCA_ENOMEM. */
CAMCA_MUST int vault_new(struct vault **out, const struct vault_conf *conf);
/* Opens the key that the store names, makes it where there is none (two at once
 * end with one). What follows calls it too, so that a token that came back is
 * taken up. CAMCA_EHSM ("vault.key-lost") where the token has lost it: what was
 * sealed to it cannot be opened any more, and no other key is made in its
 * place; "hsm.no-derive" where it makes none; CAMCA_EPIN. Any thread, not
 * inside a transaction. */
CAMCA_MUST int vault_ready(struct vault *v, struct refusal *why);
/* vault_free(NULL) is fine. */
void vault_free(struct vault *v);
/* Seals something and opens it again; for doctor. One HSM operation, and
 * nothing is written: "vault.no-key" where there is no key yet. */
CAMCA_MUST int vault_check(struct vault *v, struct refusal *why);

/* ---- a password that is sealed, not yet stored ---- */
struct vault_draft {
	char device[STORE_ID_MAX];
	char username[VAULT_USER_MAX];
	char rule[PASSWORD_RULE_TEXT]; /* "" where it was given */
	uint8_t uid[VAULT_UID_LEN];
	struct secret_text secret;
	struct store_blob sealed;
};
/* A new password that keeps the rule / this password (an import), for this
 * account of this device (its id in the inventory). Any thread, not in a
 * transaction of the writer. CAMCA_EPOLICY, CAMCA_EINVAL ("vault.username":
 * 1..64 bytes, "vault.password": 1..128 bytes, both UTF-8 without controls),
 * CAMCA_ECRYPTO, errors of vault_ready. On failure out holds nothing. */
CAMCA_MUST int vault_draft(struct vault *v, const char *device,
    const char *username, const struct password_rule *rule,
    struct vault_draft *out, struct refusal *why);
CAMCA_MUST int vault_draft_text(struct vault *v, const char *device,
    const char *username, const char *password, struct vault_draft *out,
    struct refusal *why);
/* Wipes and frees. */
void vault_draft_fini(struct vault_draft *d);

/* ---- in a DB_WRITE transaction; all may run again ---- */
struct vault_by {
	const struct event_source *src;
	const char *actor;             /* for the event */
	int64_t now_ms;
	int64_t job;                   /* 0: none */
};
/* The account of this device with this username, made where it is missing;
 * an existing one keeps its role and level. *out its id. CAMCA_ELIMIT
 * (409 "vault.accounts"): the device has JOB_ACCOUNTS_MAX; where none of them
 * is a service account, the last place is left to the agent's. */
CAMCA_MUST int vault_account_ensure(struct tx *tx, const struct vault_by *by,
    int64_t device_pk, const char *username, enum vault_role role,
    const char *level, int64_t *out, struct refusal *why);
/* Stores a draft as the current password of an account (made where missing);
 * the one before becomes old. Event secret.imported. A pending one becomes old
 * too with over_pending: then nobody may be at the camera with it; without,
 * CAMCA_ECONFLICT ("vault.pending"); as vault_account_ensure(). */
CAMCA_MUST int vault_put(struct tx *tx, const struct vault_by *by,
    const struct device_row *dev, const struct vault_draft *d,
    enum vault_role role, const char *level, bool over_pending,
    struct refusal *why);
/* The pending password of this account. Where there is one whose rule implies
 * that of the draft it stays, is given to by->job, and *made_out is false: a
 * camera may have it already. Else the draft is stored (what was pending
 * becomes old: it may be the one that works) with event secret.pending.
 * *row_out is the caller's to free with vault_secret_free. CAMCA_ENOENT: no
 * such account; CAMCA_ECONFLICT: the draft is another account's. */
CAMCA_MUST int vault_make_pending(struct tx *tx, const struct vault_by *by,
    int64_t account, const struct vault_draft *d, struct vault_secret *row_out,
    bool *made_out);
/* Pending becomes current, current old; the oldest old ones above
 * VAULT_OLD_MAX go. Event secret.rotated. The same report a second time:
 * CAMCA_OK, nothing happens. CAMCA_ENOENT: nothing pending; CAMCA_ECONFLICT: it
 * belongs to another job. */
CAMCA_MUST int vault_confirm(struct tx *tx, const struct vault_by *by,
    int64_t account);
/* Notes that this password is known to somebody who should not: a current or
 * pending one keeps its state (the camera still has it) and is marked, an old
 * one becomes compromised; both are kept for ever. Event secret.compromised
 * with reason. */
CAMCA_MUST int vault_mark_compromised(struct tx *tx,
    const struct vault_by *by, int64_t secret, const char *reason);

/* ---- reading ---- */
/* All accounts of a device with their current and pending passwords, still
 * sealed: for use after the transaction. */
struct vault_entry {
	struct vault_account account;
	struct vault_secret current, pending;  /* id 0: none */
};
struct vault_entries {
	struct vault_entry *list;
	size_t n;
};
CAMCA_MUST int vault_accounts(struct tx *tx, int64_t device_pk,
    struct vault_entries *out);
void vault_entries_free(struct vault_entries *e);

/* Opens one: one HSM operation, not inside a DB_WRITE transaction. What is
 * sealed must say this device, account and row: CAMCA_EPOLICY ("vault.swapped")
 * where somebody has moved it, CAMCA_EPOLICY ("vault.broken") where a bit of it
 * was changed or it was sealed to another key, CAMCA_EHSM and CAMCA_EPIN while
 * the token is away. Any thread. out is empty on failure; else wipe it. */
CAMCA_MUST int vault_open(struct vault *v, const struct vault_secret *row,
    struct secret_text *out, struct refusal *why);

/* ---- seal.c ---- */
/* CMS AuthEnvelopedData (RFC 5083) of n bytes to this certificate's EC key
 * (P-256 or P-384), AES-256-GCM; appended to out as DER. CAMCA_EINVAL ("vault.
 * recipient") for another key. Any thread; software only. */
CAMCA_MUST int vault_seal_to(X509 *cert, const void *p, size_t n,
    struct buf *out, struct refusal *why);

#endif
