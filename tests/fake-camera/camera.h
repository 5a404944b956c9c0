/* SPDX-License-Identifier: Apache-2.0 */
/* One camera's state. All fields are guarded by its lock but those marked as
 * constant. */
#ifndef FAKE_CAMERA_H
#define FAKE_CAMERA_H

#include <openssl/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "tests/fake-camera/fault.h"
#include "tests/fake-camera/persona.h"

#define CAM_SLOTS 16             /* of each kind of stored object */
#define CAM_USERS 16
#define CAM_ID 24                /* our own ids are shorter */
#define CAM_ALIAS 129
#define CAM_NAME 65
#define CAM_PASSWORD 129
#define CAM_CHAIN 5
#define CAM_NONCES 64
#define CAM_TALLIES 24
#define CAM_OPS 96
#define CAM_CONNS 64

enum level { LEVEL_NONE, LEVEL_USER, LEVEL_OPERATOR, LEVEL_ADMIN };

struct user {
	char name[CAM_NAME];     /* "" = free */
	char password[CAM_PASSWORD];
	char other[CAM_PASSWORD];/* web and RTSP */
	char late[CAM_PASSWORD]; /* works from late_at on */
	int64_t late_at;         /* 0 = none */
	bool late_other;         /* the late one goes to web and RTSP too */
	enum level level;
	int64_t failed[5];       /* uptime of the last ones, ms */
	int64_t locked_until;
};

struct tally { char name[CAM_NAME]; unsigned n; };

enum key_status { KEY_GENERATING, KEY_OK, KEY_CORRUPT };

struct key {
	char id[CAM_ID];         /* "" = free */
	char alias[CAM_ALIAS];
	EVP_PKEY *pkey;          /* NULL until made */
	enum key_status status;
	bool has_private;
	bool factory;
	bool stuck;
	unsigned serial;         /* of this life of the slot */
	int64_t ready_at;        /* not ok before */
};

struct cert {
	char id[CAM_ID];
	char alias[CAM_ALIAS];
	char key[CAM_ID];
	X509 *x;
	bool factory;
};

struct path {
	char id[CAM_ID];
	char alias[CAM_ALIAS];
	char certs[CAM_CHAIN][CAM_ID];
	unsigned n;
	bool factory;
};

struct crl { char id[CAM_ID]; char alias[CAM_ALIAS]; X509_CRL *crl; };

struct policy {
	char id[CAM_ID];
	char alias[CAM_ALIAS];
	bool require_eku, delta;
	char anchors[CAM_CHAIN][CAM_ID];
	unsigned n;
};

/* What the TLS server shows. */
struct identity {
	X509 *leaf;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;
};

struct nonce {
	char text[33];
	uint32_t nc;             /* the highest seen */
	int64_t born;            /* uptime, ms */
};

struct seen { uint8_t sha[20]; int64_t until; };

struct exchange { char *op, *request, *response; int status; bool tls; };

struct protocol { bool enabled; uint16_t port; };

struct camera {
	pthread_mutex_t lock;
	/* Constant after the start. */
	unsigned number;
	const struct persona *persona;
	char serial[24], mac[18], guid[46];
	uint16_t http_port, https_port, rtsp_port;
	char address[48];
	EVP_PKEY *factory_key;
	X509 *factory_cert;
	const char *user0, *password0;
	/* Clock: wall = system + offset; uptime moves with advance_ms. */
	int64_t offset_ms, advance_ms;
	bool ntp;
	char ntp_server[65];
	int8_t ntp_type;         /* 0 IPv4, 1 IPv6, 2 DNS */
	char tz[33];
	/* Accounts. */
	struct user users[CAM_USERS];
	struct tally tallies[CAM_TALLIES];
	bool md5, sha256;        /* digests in use */
	unsigned failed, refused_auth, basic_seen, clear_passwords;
	struct nonce nonces[CAM_NONCES];
	unsigned nonce_next;
	struct seen seen[CAM_NONCES];
	unsigned seen_next;
	int c_min_len, c_upper, c_digit, c_special;
	bool c_username;
	/* Keystore and TLS. */
	unsigned next_id;
	struct key keys[CAM_SLOTS];
	struct cert certs[CAM_SLOTS];
	struct path paths[CAM_SLOTS];
	struct crl crls[CAM_SLOTS];
	struct policy policies[CAM_SLOTS];
	char gone_keys[4][CAM_ID]; /* went with their certificates */
	unsigned gone_next;
	char assigned[CAM_ID];   /* one path at most */
	char assigned_policy[CAM_ID];
	bool client_auth, cn_maps;
	struct identity served, next;
	int64_t next_at;         /* uptime; 0 = nothing waits */
	struct protocol http, https, rtsp;
	bool discoverable;
	/* What went on. */
	unsigned ops[CAM_OPS];   /* by number of the operation */
	unsigned requests, boots, invalid, probes, described;
	struct exchange *kept;   /* ring of keep, NULL = none */
	unsigned keep, kept_next;
	struct fault_state faults[FAULTS];
	/* Power: uptime does not count, it is real time. */
	bool off;
	int64_t off_until;       /* mono_ms; -1 = until told */
	int fd[CAM_CONNS];       /* open connections, -1 = free */
	unsigned nconns;
};

/* Allocates the camera as it leaves the factory. user and password live as
 * long as it. NULL without memory or where OpenSSL failed. */
struct camera *camera_new(unsigned number, const struct persona *p,
    const char *user, const char *password, unsigned keep);
void camera_free(struct camera *cam);
/* Back to the state of the factory; hard also forgets clock and counters. */
void camera_reset(struct camera *cam, bool hard);
/* Milliseconds that timers of this camera count in. */
int64_t camera_uptime(const struct camera *cam);
/* What the camera believes the time is, ms since 1970, UTC. */
int64_t camera_clock(const struct camera *cam);
/* A new id: prefix, number, a few letters. An NCName. */
void camera_id(struct camera *cam, char out[static CAM_ID],
    const char *prefix);
/* Takes the power away from all that is in flight: connections, keys being
 * made, nonces; for off_ms, or until told where it is -1. */
void camera_cut(struct camera *cam, int64_t off_ms);
/* Keeps the exchange for the control port; takes nothing over. */
void camera_remember(struct camera *cam, const char *op, const char *request,
    const char *response, int status, bool tls);

#endif
