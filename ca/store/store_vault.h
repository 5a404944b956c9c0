/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of cameras and their sealed passwords, as rows. */
#ifndef CAMCA_STORE_STORE_VAULT_H
#define CAMCA_STORE_STORE_VAULT_H

#include "ca/store/store.h"

#define VAULT_USER_MAX 65              /* ONVIF names, with NUL */
#define VAULT_LEVEL_MAX 17             /* "Administrator", with NUL */
#define VAULT_RULE_MAX 129             /* ca/vault/password.h, with NUL */
#define VAULT_UID_LEN 16

enum vault_role { ACCOUNT_SERVICE, ACCOUNT_ADMINISTRATOR, ACCOUNT_BREAK_GLASS,
	VAULT_ROLES };
enum vault_state { VAULT_PENDING, VAULT_CURRENT, VAULT_OLD,
	VAULT_COMPROMISED, VAULT_STATES };
/* "service", "administrator", "break-glass"; "pending", "current", "old",
 * "compromised". */
const char *vault_role_name(int64_t role);
const char *vault_state_name(int64_t state);
/* -1 for an unknown name. */
int vault_role_parse(const char *name);

struct vault_account {
	int64_t id;                      /* given by the store */
	int64_t device;                  /* pk */
	char username[VAULT_USER_MAX];   /* unique with device */
	int64_t role;                    /* enum vault_role */
	char level[VAULT_LEVEL_MAX];     /* ONVIF UserLevel */
	int64_t created_ms;
	char device_id[STORE_ID_MAX];    /* of the device; read only */
};
struct vault_secret {
	int64_t id;                      /* given by the store */
	int64_t account;
	int64_t state;                   /* enum vault_state */
	uint8_t uid[VAULT_UID_LEN];      /* unique, inside sealed too */
	struct store_blob sealed;
	char rule[VAULT_RULE_MAX];       /* it was made by, "" imported */
	int64_t job;                     /* that set or will set it, 0: none */
	int64_t compromised_ms;          /* 0: not known to strangers */
	int64_t created_ms;
	int64_t changed_ms;
	char device_id[STORE_ID_MAX];    /* of its account; read only */
	char username[VAULT_USER_MAX];
};
void vault_secret_free(struct vault_secret *s);  /* its blob */

/* Sets r->id. CAMCA_ECONFLICT: the device has this username;
 * CAMCA_ENOENT: no such device. */
CAMCA_MUST int store_vault_account_insert(struct tx *tx,
    struct vault_account *r);
CAMCA_MUST int store_vault_account_get(struct tx *tx, int64_t device,
    const char *username, struct vault_account *out);
CAMCA_MUST int store_vault_account_by_id(struct tx *tx, int64_t id,
    struct vault_account *out);
/* Role and level; CAMCA_ENOENT. */
CAMCA_MUST int store_vault_account_set(struct tx *tx, int64_t id,
    enum vault_role role, const char *level);
/* Order by id, above after_id; device 0: all. */
CAMCA_MUST int store_vault_account_list(struct tx *tx, int64_t device,
    int64_t after_id, int64_t limit,
    int (*fn)(const struct vault_account *r, void *arg), void *arg);

/* Sets r->id. CAMCA_ECONFLICT: the account has one in this state, of which
 * there is one (pending, current); or the uid is there. */
CAMCA_MUST int store_vault_secret_insert(struct tx *tx,
    struct vault_secret *r);
CAMCA_MUST int store_vault_secret_get(struct tx *tx, int64_t id,
    struct vault_secret *out);
/* The pending or current one of an account. */
CAMCA_MUST int store_vault_secret_in(struct tx *tx, int64_t account,
    enum vault_state state, struct vault_secret *out);
/* From one state to another; CAMCA_ECONFLICT where it is in none of them.
 * job stays where it is 0. */
CAMCA_MUST int store_vault_secret_move(struct tx *tx, int64_t id,
    enum vault_state from, enum vault_state to, int64_t job, int64_t now_ms);
CAMCA_MUST int store_vault_secret_mark(struct tx *tx, int64_t id,
    int64_t now_ms);
/* All of an account, order by id, above after_id; with their blobs. */
CAMCA_MUST int store_vault_secret_list(struct tx *tx, int64_t account,
    int64_t after_id, int64_t limit,
    int (*fn)(const struct vault_secret *r, void *arg), void *arg);
/* Deletes what is old and not compromised, but for the keep made last. */
CAMCA_MUST int store_vault_secret_prune(struct tx *tx, int64_t account,
    int64_t keep);

#endif
