/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the ONVIF driver: the camera, and one call to it. */
#ifndef CAMCA_ONVIF_CAMERA_H
#define CAMCA_ONVIF_CAMERA_H

#include "enroll/onvif/auth.h"
#include "enroll/onvif/driver.h"
#include "enroll/onvif/http.h"
#include "enroll/onvif/soap.h"
#include "enroll/onvif/xml_write.h"

enum onvif_auth {
	ONVIF_AUTH_UNKNOWN,          /* nobody has asked yet */
	ONVIF_AUTH_OPEN,             /* the camera asks nobody for a login */
	ONVIF_AUTH_DIGEST,
	ONVIF_AUTH_TOKEN
};

struct onvif_login {
	char user[CAM_USER_MAX];
	char password[CAM_PASSWORD_MAX];
};

/* The seam for tests: onvif_http_exchange on a real camera. */
typedef int onvif_exchange(void *arg, const struct onvif_request *request,
    struct onvif_answer *out, struct cam_why *why);

struct camera {
	struct onvif_link link;
	struct cam_env env;
	struct onvif_http *http;
	onvif_exchange *exchange;
	void *exchange_arg;

	struct onvif_login login;
	bool has_login;
	unsigned failed;             /* logins that may count as failed */

	enum onvif_auth auth;
	struct digest_challenge digest;
	uint32_t nc;                 /* uses of digest.nonce so far */
	bool one_shot;               /* the camera takes a nonce once only */
	bool stale;                  /* the last nonce was, as it says */
	bool sha256_offered;
	bool avoid_sha256;           /* seen to fail: MD5 where there is it */
	bool comma;                  /* between algorithms, as it has them */
	const char *guarded;         /* operation refused without a login */
	int64_t refused_ms;          /* a try_login was refused then, and the
				      * challenge it got is unused; else 0 */

	int64_t offset_ms;
	bool has_offset;
	bool in_clock;               /* time_get is on the stack */

	bool services_known;
	bool has_security;           /* or the camera cannot tell */
	char security_path[ONVIF_PATH_MAX];
};

enum onvif_service { ONVIF_DEVICE, ONVIF_SECURITY };

#define CALL_CHANGES 1u              /* state of the camera */
#define CALL_ANONYMOUS 2u            /* PRE_AUTH: sent without a login */
#define CALL_LARGE 4u                /* the answer may have 1 MiB */
#define CALL_KEPT 16u                /* over the connection that is open: a new
				      * one may be refused */
#define CALL_SECRET 8u               /* a password stands in the request: the
				      * camera's own words about it are not
				      * repeated, they may quote it */

struct onvif_call {
	enum onvif_service service;
	const char *name;            /* "GetUsers" */
	unsigned flags;
};

/* One operation: finds the service, logs in as the camera wants it within the
 * budget, sends, reads. body NULL: an empty request element. out is for
 * soap_answer_fini where CAMCA_OK; out NULL: the answer has nothing to read.
 * Errors as driver.h has them. */
CAMCA_MUST int onvif_call(struct camera *c, const struct onvif_call *call,
    const struct xml_out *body, struct soap_answer *out,
    struct cam_why *why);
/* The same for a request of at most one element: name (with its prefix) and
 * its text; name NULL: none. */
CAMCA_MUST int onvif_call1(struct camera *c, const struct onvif_call *call,
    const char *name, const char *text, struct soap_answer *out,
    struct cam_why *why);
/* Asks for something that needs a login, without one: how this camera wants
 * it is known then. offers is what it told. */
CAMCA_MUST int onvif_learn(struct camera *c, struct auth_offers *offers,
    struct cam_why *why);
/* One attempt to log in as l; what was learnt of other logins is not used.
 * CAMCA_OK, CAMCA_EAUTH with CAM_AUTH: it does not work; else unknown. */
CAMCA_MUST int onvif_try_login(struct camera *c, const struct onvif_login *l,
    struct cam_why *why);
/* CAM_BUDGET and CAMCA_EAUTH where no login may be sent any more. */
CAMCA_MUST int onvif_budget(const struct camera *c, struct cam_why *why);
/* The camera's time as of now, in milliseconds. */
int64_t onvif_camera_ms(const struct camera *c);
/* CAMCA_EINVAL where user or password do not fit. */
CAMCA_MUST int onvif_login_copy(struct onvif_login *out, const char *user,
    const char *password, struct cam_why *why);

/* A call as an argument: lives as long as the block it stands in. */
#define ONVIF_DEVICE_CALL(op, f) \
	(&(const struct onvif_call){ ONVIF_DEVICE, (op), (f) })
#define ONVIF_SECURITY_CALL(op, f) \
	(&(const struct onvif_call){ ONVIF_SECURITY, (op), (f) })

/* Finds the services once; CAMCA_OK also where the camera cannot tell. */
CAMCA_MUST int onvif_services(struct camera *c, struct cam_why *why);

/* ---- the functions of cam_onvif; contracts in driver.h ---- */

int onvif_login(struct camera *c, const struct cam_login *l, bool *works_out,
    struct cam_why *why);
int onvif_time_get(struct camera *c, struct cam_time *out,
    struct cam_why *why);
int onvif_time_set(struct camera *c, struct cam_why *why);
int onvif_time_ntp(struct camera *c, const char *const *servers, size_t n,
    struct cam_why *why);
int onvif_identify(struct camera *c, struct cam_identity *out,
    struct cam_why *why);
int onvif_caps(struct camera *c, struct cam_caps *out, struct cam_why *why);
int onvif_password_rule(struct camera *c, struct cam_password_rule *out,
    struct cam_why *why);
int onvif_accounts(struct camera *c, struct cam_accounts *out,
    struct cam_why *why);
int onvif_account_create(struct camera *c, const char *user,
    const char *password, const char *level, struct cam_why *why);
int onvif_account_password(struct camera *c, const char *user,
    const char *password, struct cam_why *why);
int onvif_account_delete(struct camera *c, const char *user,
    struct cam_why *why);
int onvif_protocols(struct camera *c, struct cam_protocols *out,
    struct cam_why *why);
int onvif_protocols_set(struct camera *c, const struct cam_protocols *p,
    struct cam_why *why);
int onvif_discoverable(struct camera *c, bool *out, struct cam_why *why);
int onvif_discoverable_set(struct camera *c, bool on, struct cam_why *why);
int onvif_reboot(struct camera *c, struct cam_why *why);
int onvif_digests(struct camera *c, struct cam_digests *out,
    struct cam_why *why);
int onvif_sha256_set(struct camera *c, bool on, struct cam_why *why);
int onvif_keys(struct camera *c, struct cam_keys *out, struct cam_why *why);
int onvif_key_create(struct camera *c, enum cam_key_type type, unsigned bits,
    const char *alias, char id_out[static CAM_ID_MAX],
    int64_t *estimate_ms_out, struct cam_why *why);
int onvif_key_state(struct camera *c, const char *id,
    enum cam_key_state *out, struct cam_why *why);
int onvif_key_wait(struct camera *c, const char *id, int64_t timeout_ms,
    struct cam_why *why);
int onvif_key_delete(struct camera *c, const char *id, struct cam_why *why);
int onvif_csr(struct camera *c, const struct cam_csr_ask *ask,
    struct buf *der_out, struct cam_why *why);
int onvif_certs(struct camera *c, struct cam_certs *out,
    struct cam_why *why);
int onvif_cert_upload(struct camera *c, const struct cam_upload *u,
    struct cam_uploaded *out, struct cam_why *why);
int onvif_cert_delete(struct camera *c, const char *id, struct cam_why *why);
int onvif_paths(struct camera *c, struct cam_paths *out,
    struct cam_why *why);
int onvif_path_create(struct camera *c, const char *const *cert_ids, size_t n,
    const char *alias, char id_out[static CAM_ID_MAX], struct cam_why *why);
int onvif_path_delete(struct camera *c, const char *id, struct cam_why *why);
int onvif_assigned(struct camera *c, struct cam_ids *out,
    struct cam_why *why);
int onvif_assign_add(struct camera *c, const char *path_id,
    struct cam_why *why);
int onvif_assign_replace(struct camera *c, const char *old_path_id,
    const char *new_path_id, struct cam_why *why);
int onvif_assign_remove(struct camera *c, const char *path_id,
    struct cam_why *why);
int onvif_client_auth(struct camera *c, bool *out, struct cam_why *why);
int onvif_client_auth_set(struct camera *c, bool on, struct cam_why *why);
int onvif_client_taken(struct camera *c, bool with_cert, bool *out,
    struct cam_why *why);
int onvif_crls(struct camera *c, struct cam_crls *out, struct cam_why *why);
int onvif_crl_upload(struct camera *c, const uint8_t *der, size_t len,
    const char *alias, char id_out[static CAM_ID_MAX], struct cam_why *why);
int onvif_crl_delete(struct camera *c, const char *id, struct cam_why *why);
int onvif_policies(struct camera *c, struct cam_ids *out,
    struct cam_why *why);
int onvif_policy_find(struct camera *c, const char *alias,
    char id_out[static CAM_ID_MAX], struct cam_why *why);
int onvif_policy_create(struct camera *c, const char *const *cert_ids,
    size_t n, const char *alias, char id_out[static CAM_ID_MAX],
    struct cam_why *why);
int onvif_policy_delete(struct camera *c, const char *id,
    struct cam_why *why);
int onvif_policies_assigned(struct camera *c, struct cam_ids *out,
    struct cam_why *why);
int onvif_policy_assign(struct camera *c, const char *id,
    struct cam_why *why);
int onvif_served(struct camera *c, uint16_t port, struct cam_served *out,
    struct cam_why *why);

#endif
