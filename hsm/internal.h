/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hsm/ share; nobody outside includes this.
 *
 * Who does what. libp11 loads and initializes the module, and finalizes. Slots,
 * sessions, login and keys are plain PKCS#11 calls on the same module, because
 * of three properties of libp11 0.4.12 (Debian 12) that cannot be lived with
 * here:
 *   - where C_OpenSession fails it waits for ever for a session: PKCS11_login,
 *     the lists of keys and the signing methods would hang the authority when a
 *     token is pulled at the wrong moment, instead of giving CAMCA_EHSM;
 *   - one Ed25519 key in a token makes all its other keys invisible;
 *   - one slot that fails makes the list of slots fail, and leak: a log token
 *     that is ill would keep the CAs' token from being opened.
 * tests/unit/hsm/test_session.c, test_key.c and test_log.c hold the cases.
 *
 * Life of a token. Each use runs between session_enter and session_leave. A
 * return value that says "lost" closes the token's gate: the next caller waits
 * until nobody is inside, opens the token again, opens the gate. Attempts are
 * at least a second apart; other callers fail at once meanwhile. Keys carry the
 * epoch in which their handle was found and look it up again in the next.
 *
 * Two tokens, one module. The main token is opened again by finalizing and
 * loading the module (SoftHSM hands out stale object handles otherwise), which
 * ends the log token's sessions too; the next call that wants the log token
 * logs in there. The log token alone is opened again by a new login in its own
 * slot while the module goes on: what it does, and how long it takes, must
 * never be felt by the main token's callers. Hence:
 *   - the module is finalized only by a thread that has put the main token in
 *     HSM_LOADING while nobody is inside either token nor opening the log's;
 *   - where a call to the log token hangs, the main token is opened again by a
 *     login as well, and not by finalizing;
 *   - SoftHSM never sees a token again that it once missed, until it is
 *     initialized anew. That alone loads the module for the log token's sake:
 *     once each time that the folder of tokens has changed. */
#ifndef CAMCA_HSM_INTERNAL_H
#define CAMCA_HSM_INTERNAL_H

#include <libp11.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <time.h>

#include "ca/base/refusal.h"
#include "hsm/hsm.h"
#include "hsm/pin.h"
#include "hsm/uri.h"

#define HSM_WAIT_MS 5000      /* the longest that a caller waits for others */
#define HSM_LOG_SHARE 5       /* of that, 1/5 for calls to the log token */
#define HSM_RETRY_MS 1000     /* between two attempts to load */
#define HSM_POOL_MAX 64       /* idle sessions kept */
#define HSM_SIG_MAX 512       /* RSA 4096 */

/* SoftHSM 2.6.1 loses 64 bytes (the name of the curve) each time that it makes
 * an Ed25519 key or begins to sign with one. The leak checker of the address
 * sanitizer is to look at our memory. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define HSM_LEAKS_BEGIN() __lsan_disable()
#define HSM_LEAKS_END() __lsan_enable()
#else
#define HSM_LEAKS_BEGIN() ((void)0)
#define HSM_LEAKS_END() ((void)0)
#endif

enum hsm_rsa_way { HSM_RSA_UNKNOWN, HSM_RSA_WE_HASH, HSM_RSA_TOKEN_HASHES };
enum hsm_state { HSM_UP, HSM_LOST, HSM_LOADING };
enum hsm_role { HSM_MAIN, HSM_LOG, HSM_TOKENS };

/* What a token says of itself, blanks at the end cut. */
struct hsm_names {
	char label[33], manufacturer[33], model[17], serial[17];
};

struct hsm_token {
	/* Constant from hsm_open to hsm_close. */
	struct hsm *h;
	bool used;                      /* false: no log token configured */
	bool same_pin;                  /* log token: source is the main's */
	struct hsm_uri uri;
	struct hsm_pin_source source;   /* own copies */

	/* Belong to the one thread that loads (state HSM_LOADING). */
	CK_SLOT_ID slot;                /* written under lock too */
	CK_SESSION_HANDLE anchor;       /* keeps the login: never pooled */
	bool anchor_open;
	struct hsm_pin pin;
	bool pin_refused;               /* the token said no to this very PIN */
	struct hsm_names names;

	/* Under h->lock. */
	bool claimed;                   /* slot is this token's */
	enum hsm_state state;
	unsigned int users;             /* threads between enter and leave */
	uint64_t epoch;                 /* of the last load; 0: none yet */
	int64_t next_try_ms;
	int last_err;
	struct refusal last_why;
	CK_SESSION_HANDLE pool[HSM_POOL_MAX];
	size_t n_pool;
};

struct hsm {
	/* Constant from hsm_open to hsm_close. */
	char *module;
	char *soft_tokens;              /* SoftHSM's folder, or NULL */
	void *dl;
	CK_FUNCTION_LIST *p11;
	int64_t (*now_ms)(void *arg);
	void *now_arg;
	int wait_ms;                    /* HSM_WAIT_MS, but in tests */

	/* Belong to the thread that loads the main token. */
	PKCS11_CTX *ctx;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under lock. */
	struct timespec soft_seen;      /* soft_tokens, before the last load */
	struct hsm_key *keys;

	struct hsm_token tokens[HSM_TOKENS];
};

struct hsm_key {
	struct hsm *h;
	struct hsm_token *t;
	struct hsm_uri uri;             /* id and object are matched */
	enum hsm_key_type type;
	bool derives;                   /* derive.c: it must, and not sign */
	EVP_PKEY *pub;
	pthread_mutex_t lock;
	/* Under lock: see sign.c. */
	enum hsm_rsa_way rsa_way;
	EVP_PKEY_CTX *checkers[HSM_POOL_MAX];
	size_t n_checkers;
	EVP_PKEY *derivers[HSM_POOL_MAX];   /* derive.c */
	size_t n_derivers;
	EC_KEY_METHOD *method;              /* of those */

	/* Under h->lock. */
	unsigned int refs;
	uint64_t epoch;                 /* handle was found in it; 0: never */
	CK_OBJECT_HANDLE handle;
	struct hsm_key *next;
};

/* ckr.c: return values. Ours beside the module's: */
#define HSM_RV(n) (CKR_VENDOR_DEFINED | 0x43410000UL | (n))
#define HSM_RV_NO_KEY HSM_RV(1UL)
#define HSM_RV_TWO_KEYS HSM_RV(2UL)
#define HSM_RV_EXTRACTABLE HSM_RV(3UL)
#define HSM_RV_KEY_TYPE HSM_RV(4UL)
#define HSM_RV_OTHER_KEY HSM_RV(5UL)
#define HSM_RV_NO_PUBLIC HSM_RV(6UL)
#define HSM_RV_TIMEOUT HSM_RV(7UL)
#define HSM_RV_ASKS_PIN HSM_RV(8UL)
#define HSM_RV_NO_ED25519 HSM_RV(9UL)
#define HSM_RV_OTHER_TOKEN HSM_RV(10UL)
#define HSM_RV_NO_DERIVE HSM_RV(11UL)
#define HSM_RV_KEY_USE HSM_RV(12UL)

/* "CKR_DEVICE_REMOVED"; static text, "CKR_?" for what no table knows. */
const char *ckr_name(CK_RV rv);
/* Whether the token or module has to be opened again after this value. What is
 * not known to be harmless says yes. */
bool ckr_is_lost(CK_RV rv);
/* Whether the value speaks of a PIN that is wrong, locked or expired. */
bool ckr_is_pin(CK_RV rv);
/* Fills why with a sentence that names rv, returns the camca_err (CAMCA_EHSM
 * for all that is not one of ours). what is a verb phrase: "sign". */
int ckr_refuse(CK_RV rv, const char *what, struct refusal *why);

/* token.c. Loads the module and opens the main token; on failure everything is
 * closed again. The thread that loads the main token alone, nobody inside
 * either. As token_reopen. */
CAMCA_MUST int token_load(struct hsm *h, struct refusal *why);
/* Closes sessions and finalizes the module. */
void token_unload(struct hsm *h);
/* Finds the token and logs in, with the module as it is; what it had open in
 * that slot is closed before. The thread that loads t alone, nobody inside t.
 * CAMCA_EHSM, CAMCA_EPIN, CAMCA_ENOENT, CAMCA_ECONFLICT. */
CAMCA_MUST int token_reopen(struct hsm_token *t, struct refusal *why);
/* Whether a token is what the URI asks for: an attribute that is not in the URI
 * matches everything. */
bool token_matches(const struct hsm_uri *uri, const struct hsm_names *names,
    unsigned long slot);
/* Whether no token can be what both URIs ask for. */
bool token_excluded(const struct hsm_uri *a, const struct hsm_uri *b);

/* session.c. What is done in a session; the value says whether the token is
 * still there. Called again, in a fresh session, after a loss. */
typedef CK_RV (*session_call)(struct hsm *h, CK_SESSION_HANDLE s, void *arg);

/* Runs call in a session of its own (read/write with rw). Where t is lost it is
 * opened again, once, and call runs a second time. CAMCA_EHSM after
 * at most wait_ms of waiting for others (a module call of the caller's own that
 * does not return cannot be cut short), CAMCA_EPIN, and what ckr_refuse says of
 * the value of call. OpenSSL's error queue is empty after it. Any thread. */
CAMCA_MUST int session_run(struct hsm_token *t, bool rw, const char *what,
    session_call call, void *arg, struct refusal *why);
/* Opens the log token where it is not. As session_run. */
CAMCA_MUST int session_open_log(struct hsm *h, struct refusal *why);
/* Tests set a clock for the pauses between loads. Before other threads. */
void session_set_clock(struct hsm *h, int64_t (*now_ms)(void *), void *arg);
int64_t session_clock(void *arg);
/* Whether the token was open a moment ago. */
bool session_is_up(struct hsm_token *t);

/* key.c. One attribute of an object. */
#define KEY_ATTR_MAX 1024   /* RSA 4096 modulus: 512; labels, ids: 255 */
struct key_attr {
	uint8_t data[KEY_ATTR_MAX];
	size_t len;
};
CK_RV key_read(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, struct key_attr *out);
/* The handle of k in this epoch. Inside a session_call. */
CK_RV key_handle(struct hsm *h, CK_SESSION_HANDLE s, struct hsm_key *k,
    CK_OBJECT_HANDLE *out);
/* One object of a class by id and label; HSM_RV_NO_KEY, HSM_RV_TWO_KEYS. */
CK_RV key_find(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class,
    const struct hsm_uri *uri, CK_OBJECT_HANDLE *out);
/* CKR_OK where the token says sensitive, not extractable, and no PIN at each
 * signature; HSM_RV_EXTRACTABLE, HSM_RV_ASKS_PIN. */
CK_RV key_check_custody(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o);
/* As hsm_key_open; derives: a key of derive.c. */
CAMCA_MUST int key_open(struct hsm *h, const char *uri, bool derives,
    struct hsm_key **out, struct refusal *why);
/* The one reference that hsm_key_free or hsm_check drops. */
void key_unref(struct hsm_key *k);

/* A flag of an object; one that the token does not know is
 * CKR_ATTRIBUTE_TYPE_INVALID. */
CK_RV key_flag(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, bool *out);

/* public.c. Type and public key of the private key prv that uri found; *out is
 * the caller's. HSM_RV_KEY_TYPE, HSM_RV_NO_PUBLIC. */
CK_RV public_read(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE prv,
    const struct hsm_uri *uri, enum hsm_key_type *type, EVP_PKEY **out);

/* softhsm.c. Debian's SoftHSM, NULL where it is not installed. */
const char *softhsm_module(void);

/* sign.c. As hsm_sign_data, with a reason. */
CAMCA_MUST int sign_data(struct hsm_key *k, const void *p, size_t n,
    uint8_t *out, size_t *len_io, struct refusal *why);

/* derive.c. HSM_RV_NO_DERIVE where the token has no ECDH. */
CK_RV derive_check_token(struct hsm *h, CK_SLOT_ID slot);
/* HSM_RV_KEY_USE for a private key that may sign, or not derive. */
CK_RV derive_check_key(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o);
/* What k keeps of this file; the last reference is gone. */
void derive_fini(struct hsm_key *k);
/* For hsm_check: derives once. */
CAMCA_MUST int derive_probe(struct hsm_key *k, struct refusal *why);

/* The time of the last change of SoftHSM's folder of tokens; zero where there
 * is none. */
struct timespec softhsm_changed(const char *tokens);

/* generate.c. What CKA_EC_PARAMS may hold for the type, in form 0, 1 ..; NULL
 * for RSA and when there is no more. */
const uint8_t *key_curve_params(enum hsm_key_type type, int form,
    size_t *len_out);
/* The type whose params these are; false for an unknown curve. */
bool key_curve_type(const uint8_t *params, size_t len, enum hsm_key_type *out);

#endif
