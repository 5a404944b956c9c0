/* SPDX-License-Identifier: Apache-2.0 */
/* What the site agent may ask of a camera, whatever language the camera
 * speaks: a table of functions over an opaque camera. ONVIF is one such table
 * (cam_onvif); a vendor's own API can be another.
 *
 * Every call returns CAMCA_OK or a negative camca_err and then fills why:
 *   CAMCA_EUNKNOWN  a change was sent and no answer came: it may have taken
 *                   effect. Read the camera's true state before anything else.
 *   CAMCA_EIO, CAMCA_ETIME   nothing was changed: connection, time
 *   CAMCA_EAUTH     credentials refused, or the budget is used up
 *   CAMCA_EPROTO, CAMCA_ELIMIT   the answer was malformed or too large
 *   CAMCA_EPERM     the camera refused with a fault of the table below
 *   CAMCA_EBUSY     wait() or stopping() of the environment said: stop
 *   CAMCA_ENOMEM, CAMCA_EINVAL (an argument breaks its stated limit)
 * What to do next follows from why->code. One thread at a time per camera;
 * different cameras share nothing. The program ignores SIGPIPE. */
#ifndef CAMCA_ONVIF_DRIVER_H
#define CAMCA_ONVIF_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "ca/base/err.h"

#define CAM_ID_MAX 65           /* NCName of at most 64 characters, NUL */
#define CAM_ALIAS_MAX 256
#define CAM_USER_MAX 129
#define CAM_PASSWORD_MAX 257
#define CAM_WORD_MAX 129        /* what a camera says about itself, cut */
#define CAM_ROWS_MAX 1024       /* rows of any listing */
#define CAM_CHAIN_MAX 8         /* certificates of a path */
#define CAM_DER_MAX 65536       /* one certificate or request */
#define CAM_CRL_MAX 524288

enum cam_trouble {
	CAM_NONE,
	CAM_UNREACHABLE,        /* no connection, or it broke */
	CAM_TIMEOUT,
	CAM_AUTH,               /* these credentials do not work */
	CAM_LOCKED,             /* the camera says that the account is locked */
	CAM_BUDGET,             /* our own limit of failed logins is reached */
	CAM_MALFORMED,          /* the answer breaks XML, SOAP, a size */
	CAM_UNSUPPORTED,        /* the camera does not have this */
	CAM_FULL,               /* no slot left */
	CAM_DUPLICATE,          /* exists already */
	CAM_IN_USE,             /* still referred to */
	CAM_WEAK_PASSWORD,      /* too weak, too long, forbidden characters */
	CAM_NO_SUCH,            /* no object or account of that name */
	CAM_FIXED_USER,         /* a built-in account: no change, no deletion */
	CAM_KEY_CORRUPT,        /* the camera could not make the key */
	CAM_KEY_STUCK,          /* the key is still being made */
	CAM_TLS,                /* handshake, or not the certificate expected */
	CAM_CLOCK,              /* the camera's time cannot be read or is wrong */
	CAM_REFUSED,            /* another fault: see fault and text */
	CAM_STOPPED,            /* the caller asked to stop */
	CAM_MEMORY,
	CAM_INTERNAL,           /* a limit of ours, a library that failed */
	CAM_TROUBLES
};

#define CAM_FAULT_MAX 160
#define CAM_TEXT_MAX 256

struct cam_why {
	enum cam_trouble code;
	int http;                    /* status of the answer, 0 without one */
	char fault[CAM_FAULT_MAX];   /* "Sender/InvalidArgVal/KeyID", local
				      * names of the SOAP code chain, or "" */
	char text[CAM_TEXT_MAX];     /* one sentence, UTF-8, no controls, no
				      * secrets */
};

/* "camera.unreachable", "camera.auth", "camera.budget" ... "camera.internal";
 * "" for CAM_NONE. Static memory, any thread. */
const char *cam_trouble_name(enum cam_trouble t);

/* ---- where the camera is and whom to believe ---- */

enum cam_scheme { CAM_HTTP, CAM_HTTPS };

struct cam_link {
	enum cam_scheme scheme;
	const char *host;            /* name or address, no brackets */
	uint16_t port;
	const char *path;            /* device service; NULL: the usual one */
	/* HTTPS is believed where the leaf has this SHA-256, or where trust
	 * is given and the leaf chains to it, is valid now and is for name.
	 * With neither, HTTPS is refused. All of it is copied. */
	const uint8_t *leaf_sha256;  /* 32 bytes or NULL */
	X509_STORE *trust;           /* NULL: no chain is believed */
	const char *name;            /* NULL: host */
};

/* Who we are, where a camera asks for a client certificate. */
struct cam_client {
	X509 *cert;
	STACK_OF(X509) *chain;       /* sent with it; NULL: nothing */
	EVP_PKEY *key;
};

struct cam_env {
	const struct camca_ctx *ctx;
	const struct cam_client *client;     /* outlives the camera; NULL */
	/* Waits; nonzero: stop. A test moves its clock instead. */
	int (*wait)(void *arg, int64_t ms);
	/* Asked during transfers; true ends them. May be NULL. Not asked while
	 * a change is under way: its answer is worth the wait. */
	bool (*stopping)(void *arg);
	void *arg;
	long connect_ms;             /* 0: 10000 */
	long answer_ms;              /* one request; 0: 30000 */
	unsigned login_budget;       /* failed logins allowed; 0: 3 */
	bool clear_passwords;        /* a new password may be sent without TLS;
				      * otherwise CAMCA_EPOLICY and CAM_TLS */
};

/* ---- what is read ---- */

struct cam_time {
	int64_t utc_ms;              /* the camera's clock */
	int64_t offset_ms;           /* camera minus ours */
	bool ntp;
	bool daylight;
	char zone[CAM_WORD_MAX];     /* POSIX TZ, "" where not told */
};

struct cam_identity {
	char manufacturer[CAM_WORD_MAX];
	char model[CAM_WORD_MAX];
	char firmware[CAM_WORD_MAX];
	char serial[CAM_WORD_MAX];       /* "" where the camera omits it */
	char hardware_id[CAM_WORD_MAX];  /* likewise */
};

#define CAM_RSA_LENGTHS 8
#define CAM_NOT_TOLD (-1)

struct cam_caps {
	bool keystore;               /* the Security service is there */
	bool rsa, p256, p384;        /* pairs that it makes */
	unsigned rsa_bits[CAM_RSA_LENGTHS];  /* ascending, 0-ended */
	bool pkcs10;
	bool set_path;
	bool auto_delete_key;
	bool no_key_sharing;
	bool client_auth;            /* can ask for client certificates */
	bool cn_maps_to_user;
	/* Numbers are CAM_NOT_TOLD where the camera is silent. */
	int max_keys, max_certs, max_paths, max_crls, max_policies,
	    max_assigned;
	int max_users, max_user_len, max_password_len;
	bool http_digest, username_token;    /* as it declares */
	bool digest_sha256;          /* as declared or as offered */
	bool hashing;                /* SHA-256 can be switched on */
	bool tls_addon;              /* "TLSServerConfiguration" */
	char tls_versions[CAM_WORD_MAX];     /* "1.2 1.3" */
};

/* Smallest numbers that a password must keep; CAM_NOT_TOLD each. */
struct cam_password_rule {
	int min_len, upper, digits, special;
	bool no_username;
};

struct cam_account {
	char user[CAM_USER_MAX];
	char level[CAM_WORD_MAX];    /* "Administrator", as the camera says */
};

struct cam_accounts {
	struct cam_account *v;
	size_t n;
};

struct cam_protocol {
	char name[16];               /* "HTTP", "HTTPS", "RTSP" */
	bool enabled;
	uint16_t port;               /* the first where there are several */
};

/* HTTP Digest by these is what the camera asks for; neither: by none. */
struct cam_digests {
	bool md5, sha256;
};

#define CAM_PROTOCOLS_MAX 16

struct cam_protocols {
	struct cam_protocol v[CAM_PROTOCOLS_MAX];
	size_t n;
};

enum cam_key_state { CAM_KEY_OK, CAM_KEY_GENERATING, CAM_KEY_BROKEN };

struct cam_key {
	char id[CAM_ID_MAX];
	char alias[CAM_ALIAS_MAX];   /* "" where there is none; cut */
	enum cam_key_state state;
	bool has_private;            /* true where the camera is silent */
	bool external;               /* made outside of the camera */
};

struct cam_keys {
	struct cam_key *v;
	size_t n;
};

struct cam_cert {
	char id[CAM_ID_MAX];
	char key_id[CAM_ID_MAX];
	char alias[CAM_ALIAS_MAX];
	uint8_t *der;                /* owned by the list */
	size_t der_len;
	uint8_t sha256[32];
};

struct cam_certs {
	struct cam_cert *v;
	size_t n;
};

struct cam_path {
	char id[CAM_ID_MAX];
	char alias[CAM_ALIAS_MAX];
	char cert[CAM_CHAIN_MAX][CAM_ID_MAX];  /* leaf first */
	size_t n;
};

struct cam_paths {
	struct cam_path *v;
	size_t n;
};

struct cam_crl {
	char id[CAM_ID_MAX];
	char alias[CAM_ALIAS_MAX];
	uint8_t *der;
	size_t der_len;
};

struct cam_crls {
	struct cam_crl *v;
	size_t n;
};

/* IDs: of assigned paths, of validation policies. */
struct cam_ids {
	char (*v)[CAM_ID_MAX];
	size_t n;
};

#define CAM_SERVED_MAX 8

/* What a TLS handshake showed; nothing in it is verified. */
struct cam_served {
	uint8_t sha256[32];          /* of the leaf */
	int version;                 /* 0x0303 TLS 1.2, 0x0304 TLS 1.3 */
	X509 *chain[CAM_SERVED_MAX]; /* leaf first, as sent */
	size_t n;
};

/* Free what a list holds, and empty it. Empty and zeroed lists are fine. */
void cam_accounts_fini(struct cam_accounts *l);
void cam_keys_fini(struct cam_keys *l);
void cam_certs_fini(struct cam_certs *l);
void cam_paths_fini(struct cam_paths *l);
void cam_crls_fini(struct cam_crls *l);
void cam_ids_fini(struct cam_ids *l);
void cam_served_fini(struct cam_served *s);

/* ---- what is asked for ---- */

enum cam_key_type { CAM_RSA, CAM_P256, CAM_P384 };

struct cam_csr_ask {
	const char *key_id;
	enum cam_key_type type;      /* decides the signature algorithm */
	const char *common_name;     /* NULL or "": left out, as the others */
	const char *serial_number;
	const char *organization;
	const uint8_t *san;          /* DER of the extension's value, or NULL */
	size_t san_len;
};

struct cam_upload {
	const uint8_t *der;
	size_t der_len;
	const char *alias;
	bool private_key;            /* a leaf: its key is on the camera */
};

struct cam_uploaded {
	char cert_id[CAM_ID_MAX];
	char key_id[CAM_ID_MAX];     /* "" where the camera is silent */
	bool was_there;              /* found by content, not uploaded now */
};

/* Where the same account also logs in. */
enum cam_surface {
	CAM_SURFACE_API,             /* the driver's own: ONVIF */
	CAM_SURFACE_PATH,            /* GET of a path: its web page */
	CAM_SURFACE_RTSP             /* its video, rtsp://host:port/path */
};

struct cam_login {
	enum cam_surface surface;
	const char *path;            /* but of the API: "/web/login" */
	uint16_t port;               /* of CAM_SURFACE_RTSP */
	const char *user;
	const char *password;
};

struct camera;

struct cam_driver {
	const char *name;            /* "onvif" */

	/* No traffic. close() may be given NULL and forgets all secrets. */
	int (*open)(struct camera **out, const struct cam_link *link,
	    const struct cam_env *env, struct cam_why *why);
	void (*close)(struct camera *c);
	/* Another way to the same camera (HTTP to HTTPS, another pin).
	 * Connections end; clock, credentials and counters stay. */
	int (*move)(struct camera *c, const struct cam_link *link,
	    struct cam_why *why);
	/* Credentials of what follows; copied. NULL: none. No traffic. */
	int (*credentials)(struct camera *c, const char *user,
	    const char *password, struct cam_why *why);
	/* Does this login work? One attempt. CAMCA_OK with *works_out true, or
	 * false and why AUTH: nothing else proves a "no". A surface that asks
	 * nobody for a login is CAM_UNSUPPORTED: it proves nothing. The
	 * camera's own credentials stay as they are. */
	int (*login)(struct camera *c, const struct cam_login *l,
	    bool *works_out, struct cam_why *why);
	/* Failed logins that the camera may have counted since open(). */
	unsigned (*failed_logins)(const struct camera *c);

	/* time_get needs no login and remembers the offset. time_set sets the
	 * clock to ours and manual, keeping zone and daylight; with ntp the
	 * named servers instead (n of 1..4), then mode NTP. */
	int (*time_get)(struct camera *c, struct cam_time *out,
	    struct cam_why *why);
	int (*time_set)(struct camera *c, struct cam_why *why);
	int (*time_ntp)(struct camera *c, const char *const *servers, size_t n,
	    struct cam_why *why);

	int (*identify)(struct camera *c, struct cam_identity *out,
	    struct cam_why *why);
	/* Also finds where the services are; what a camera does not know
	 * leaves its fields at "not told". */
	int (*caps)(struct camera *c, struct cam_caps *out,
	    struct cam_why *why);
	int (*password_rule)(struct camera *c, struct cam_password_rule *out,
	    struct cam_why *why);

	int (*accounts)(struct camera *c, struct cam_accounts *out,
	    struct cam_why *why);
	int (*account_create)(struct camera *c, const char *user,
	    const char *password, const char *level, struct cam_why *why);
	/* Sends the level that it reads before: an omitted or guessed one
	 * would demote the account. CAM_NO_SUCH where it is not listed. */
	int (*account_password)(struct camera *c, const char *user,
	    const char *password, struct cam_why *why);
	int (*account_delete)(struct camera *c, const char *user,
	    struct cam_why *why);

	int (*protocols)(struct camera *c, struct cam_protocols *out,
	    struct cam_why *why);
	/* Only what is named in p changes. */
	int (*protocols_set)(struct camera *c, const struct cam_protocols *p,
	    struct cam_why *why);
	int (*discoverable)(struct camera *c, bool *out, struct cam_why *why);
	int (*discoverable_set)(struct camera *c, bool on,
	    struct cam_why *why);
	int (*reboot)(struct camera *c, struct cam_why *why);
	/* Asked without a login; no attempt is counted. */
	int (*digests)(struct camera *c, struct cam_digests *out,
	    struct cam_why *why);
	/* On: SHA-256 beside MD5, which others may still need. Off: MD5 alone,
	 * asked for with MD5 and used from then on. */
	int (*sha256_set)(struct camera *c, bool on, struct cam_why *why);

	/* key_create returns before the key is there; bits counts for RSA.
	 * key_wait asks at growing intervals until ok, broken (KEY_CORRUPT) or
	 * timeout_ms of ctx time are over (KEY_STUCK, CAMCA_ETIME). */
	int (*keys)(struct camera *c, struct cam_keys *out,
	    struct cam_why *why);
	int (*key_create)(struct camera *c, enum cam_key_type type,
	    unsigned bits, const char *alias, char id_out[static CAM_ID_MAX],
	    int64_t *estimate_ms_out, struct cam_why *why);
	int (*key_state)(struct camera *c, const char *id,
	    enum cam_key_state *out, struct cam_why *why);
	int (*key_wait)(struct camera *c, const char *id, int64_t timeout_ms,
	    struct cam_why *why);
	int (*key_delete)(struct camera *c, const char *id,
	    struct cam_why *why);
	/* Appends DER; nothing in it is checked but that it is one PKCS#10. */
	int (*csr)(struct camera *c, const struct cam_csr_ask *ask,
	    struct buf *der_out, struct cam_why *why);

	int (*certs)(struct camera *c, struct cam_certs *out,
	    struct cam_why *why);
	/* A fault Duplicate is answered by looking the certificate up. */
	int (*cert_upload)(struct camera *c, const struct cam_upload *u,
	    struct cam_uploaded *out, struct cam_why *why);
	int (*cert_delete)(struct camera *c, const char *id,
	    struct cam_why *why);
	int (*paths)(struct camera *c, struct cam_paths *out,
	    struct cam_why *why);
	/* n certificate IDs, leaf first. */
	int (*path_create)(struct camera *c, const char *const *cert_ids,
	    size_t n, const char *alias, char id_out[static CAM_ID_MAX],
	    struct cam_why *why);
	int (*path_delete)(struct camera *c, const char *id,
	    struct cam_why *why);

	/* Paths that the TLS server uses. */
	int (*assigned)(struct camera *c, struct cam_ids *out,
	    struct cam_why *why);
	int (*assign_add)(struct camera *c, const char *path_id,
	    struct cam_why *why);
	int (*assign_replace)(struct camera *c, const char *old_path_id,
	    const char *new_path_id, struct cam_why *why);
	int (*assign_remove)(struct camera *c, const char *path_id,
	    struct cam_why *why);
	int (*client_auth)(struct camera *c, bool *out, struct cam_why *why);
	/* Off goes over the connection that is open, if any: a new one may be
	 * refused by then. */
	int (*client_auth_set)(struct camera *c, bool on,
	    struct cam_why *why);
	/* A connection of its own, with our certificate or without: does the
	 * TLS server talk to us then? Any answer at all is a yes. */
	int (*client_taken)(struct camera *c, bool with_cert, bool *out,
	    struct cam_why *why);

	int (*crls)(struct camera *c, struct cam_crls *out,
	    struct cam_why *why);
	int (*crl_upload)(struct camera *c, const uint8_t *der, size_t len,
	    const char *alias, char id_out[static CAM_ID_MAX],
	    struct cam_why *why);
	int (*crl_delete)(struct camera *c, const char *id,
	    struct cam_why *why);

	/* Validation policies: trust anchors by certificate ID. */
	int (*policies)(struct camera *c, struct cam_ids *out,
	    struct cam_why *why);
	/* The first one of that alias; id_out "" where there is none. */
	int (*policy_find)(struct camera *c, const char *alias,
	    char id_out[static CAM_ID_MAX], struct cam_why *why);
	int (*policy_create)(struct camera *c, const char *const *cert_ids,
	    size_t n, const char *alias, char id_out[static CAM_ID_MAX],
	    struct cam_why *why);
	int (*policy_delete)(struct camera *c, const char *id,
	    struct cam_why *why);
	int (*policies_assigned)(struct camera *c, struct cam_ids *out,
	    struct cam_why *why);
	/* One policy at a time: the assigned one is replaced where there is
	 * one. id NULL: none stays assigned. */
	int (*policy_assign)(struct camera *c, const char *id,
	    struct cam_why *why);

	/* The leaf that is served on this port now: a handshake of its own,
	 * which believes everything and sends nothing else. Port 0: that of
	 * the link. */
	int (*served)(struct camera *c, uint16_t port, struct cam_served *out,
	    struct cam_why *why);
};

extern const struct cam_driver cam_onvif;

#endif
