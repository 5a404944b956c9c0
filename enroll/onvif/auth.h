/* SPDX-License-Identifier: Apache-2.0 */
/* Proving who we are: HTTP Digest (RFC 7616, RFC 2617), HTTP Basic (RFC 7617)
 * and the WS-Security UsernameToken. Only computations, no traffic. */
#ifndef CAMCA_ONVIF_AUTH_H
#define CAMCA_ONVIF_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "enroll/onvif/xml_write.h"

#define AUTH_VALUE_MAX 256

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256 };

/* One challenge that we can answer. */
struct digest_challenge {
	char realm[AUTH_VALUE_MAX];
	char nonce[AUTH_VALUE_MAX];
	char opaque[AUTH_VALUE_MAX];
	char algorithm_text[16];     /* as offered, echoed so */
	enum digest_algorithm algorithm;
	bool has_opaque;
	bool has_algorithm;
	bool session;                /* "MD5-sess", "SHA-256-sess" */
	bool qop_auth;               /* offered; false: RFC 2069 form */
	bool stale;
	bool userhash;               /* offered: we send the name all the same */
};

struct auth_offers {
	bool digest;                 /* one that we can answer is in best */
	bool basic;
	bool other;                  /* Bearer and what else there is */
	bool has_md5;                /* likewise in md5 */
	bool has_sha256;             /* then it is the best */
	struct digest_challenge best, md5;
};

/* Reads the values of all WWW-Authenticate fields of one response, one a line
 * (LF). Several challenges may stand in one field. SHA-256 is preferred to
 * MD5; what is malformed is passed over, as another one may be good. */
void auth_read_offers(struct auth_offers *out, const char *fields);

struct digest_use {
	const char *method;          /* "POST" */
	const char *uri;             /* path and query as sent */
	const char *user;
	const char *password;
	uint32_t nc;                 /* uses of this nonce, from 1 */
	const char *cnonce;          /* hex; only sent with qop or -sess */
};

/* Appends the value of the Authorization field. Quotes and backslashes are
 * escaped. CAMCA_EINVAL for control characters, CAMCA_ECRYPTO,
 * CAMCA_ENOMEM. The answer holds no secret, only what a guesser could test. */
CAMCA_MUST int digest_answer(struct buf *out,
    const struct digest_challenge *c, const struct digest_use *use);

/* Appends "Basic ...": holds the password, treat out as a secret. A user with
 * ':' is CAMCA_EINVAL. */
CAMCA_MUST int basic_answer(struct buf *out, const char *user,
    const char *password);

/* wsse:Security with a UsernameToken: 16 bytes of nonce and the camera's time
 * with milliseconds and 'Z', because some cameras refuse longer ones. */
CAMCA_MUST int token_write(struct xml_out *w, const struct camca_ctx *ctx,
    int64_t camera_ms, const char *user, const char *password);

#endif
