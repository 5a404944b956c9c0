/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of camera is played: what it can do, how small it is, and how it
 * lets people in. */
#ifndef FAKE_PERSONA_H
#define FAKE_PERSONA_H

#include <stdbool.h>
#include <stdint.h>

struct persona {
	const char *name;
	const char *model;
	const char *hardware_id;
	/* Logins. */
	bool md5, sha256;        /* HTTP Digest, RFC 7616 */
	bool sha256_off;         /* until SetHashingAlgorithm */
	bool token;              /* WS-UsernameToken */
	bool both_refused;       /* 400 where both layers are sent */
	bool opaque;             /* the challenge carries one */
	bool locks;              /* 5 failures in 30 s lock for 5 minutes */
	int window_s;            /* of wsu:Created, each way */
	/* Keystore. */
	bool ec;
	const char *rsa_lengths; /* as the capability spells them */
	unsigned keys, certs, paths, crls, policies;
	bool old_spelling;       /* RSAKeyPairGeneration and its like only */
	bool auto_delete_key;
	bool no_key_sharing;
	bool factory_stored;     /* the factory identity fills slots */
	bool https_at_start;
	bool client_auth;
	/* Passwords. */
	int max_users, max_name, max_password;
	int min_len, min_upper, min_digit, min_special;
	bool complexity;         /* the 21.12 operations are there */
	int64_t clock_offset_s;  /* at start */
};

/* The persona of that name, NULL where there is none. Static memory. */
const struct persona *persona_find(const char *name);
/* The i-th one, NULL past the last. */
const struct persona *persona_at(unsigned i);

#endif
