/* SPDX-License-Identifier: Apache-2.0 */
/* Logins: HTTP Digest and Basic, WS-UsernameToken, and the lock. */
#ifndef FAKE_AUTH_H
#define FAKE_AUTH_H

#include <libxml/tree.h>

#include "tests/fake-camera/camera.h"

enum auth_result {
	AUTH_NONE,               /* nothing was sent */
	AUTH_GOOD,
	AUTH_STALE,              /* right password, nonce used up: try again */
	AUTH_WRONG,              /* counted */
	AUTH_LOCKED,
	AUTH_BAD                 /* the login breaks a rule; not counted */
};

enum surface { SURFACE_ONVIF, SURFACE_WEB, SURFACE_RTSP };

struct auth {
	enum auth_result result;
	struct user *user;       /* where good */
	const char *why;         /* for the fault's text */
};

/* All of these are called with the camera locked. */

/* Checks an Authorization field for that method and target. */
void auth_http(struct camera *cam, const char *field, const char *method,
    const char *target, enum surface where, bool basic_too,
    struct auth *out);
/* Checks a wsse:Security header; NULL is AUTH_NONE. */
void auth_token(struct camera *cam, const xmlNode *security,
    struct auth *out);
/* Writes WWW-Authenticate values: up to 3, "" = none. */
void auth_challenge(struct camera *cam, bool stale, bool basic,
    char out[3][400]);
/* Applies what was due later: passwords that came into force. */
void auth_settle(struct camera *cam);
struct user *auth_find(struct camera *cam, const char *name);
/* Counts a failure of that name; true where the account is locked now. */
bool auth_failed(struct camera *cam, const char *name);

#endif
