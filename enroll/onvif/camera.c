/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/camera.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "enroll/onvif/trouble.h"

static int
camera_exchange(void *arg, const struct onvif_request *request,
    struct onvif_answer *out, struct cam_why *why)
{
	struct camera *c = arg;

	if (c->http == NULL) {
		onvif_answer_init(out);
		return cam_fail_plain(why, CAMCA_ENOMEM);
	}
	return onvif_http_exchange(c->http, request, out, why);
}

static void
camera_close(struct camera *c)
{
	if (c == NULL)
		return;
	onvif_http_free(c->http);
	onvif_link_fini(&c->link);
	OPENSSL_cleanse(c, sizeof *c);
	free(c);
}

static int
camera_open(struct camera **out, const struct cam_link *link,
    const struct cam_env *env, struct cam_why *why)
{
	struct camera *c = calloc(1, sizeof *c);
	int ret;

	cam_why_clear(why);
	*out = NULL;
	if (c == NULL)
		return cam_fail_plain(why, CAMCA_ENOMEM);
	c->env = *env;
	c->exchange = camera_exchange;
	c->exchange_arg = c;
	ret = onvif_link_copy(&c->link, link, why);
	if (ret == CAMCA_OK && (ret = onvif_http_new(&c->http, &c->link,
	    &c->env)) < 0)
		cam_fail_plain(why, ret);
	if (ret < 0) {
		camera_close(c);
		return ret;
	}
	*out = c;
	return CAMCA_OK;
}

static bool
camera_same_place(const struct onvif_link *a, const struct onvif_link *b)
{
	return a->scheme == b->scheme && a->port == b->port &&
	    strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

static int
camera_move(struct camera *c, const struct cam_link *link,
    struct cam_why *why)
{
	struct onvif_link next;
	bool same;
	int ret;

	cam_why_clear(why);
	memset(&next, 0, sizeof next);
	ret = onvif_link_copy(&next, link, why);
	if (ret < 0)
		return ret;
	same = camera_same_place(&c->link, &next);
	/* The old connections believed another certificate. */
	onvif_http_free(c->http);
	c->http = NULL;
	onvif_link_fini(&c->link);
	c->link = next;
	ret = onvif_http_new(&c->http, &c->link, &c->env);
	/* Another port can mean another realm and other paths; a server that
	 * took a new certificate may have started anew, its nonces with it. */
	c->auth = ONVIF_AUTH_UNKNOWN;
	c->refused_ms = 0;
	c->services_known = c->services_known && same;
	return ret < 0 ? cam_fail_plain(why, ret) : CAMCA_OK;
}

static int
camera_credentials(struct camera *c, const char *user, const char *password,
    struct cam_why *why)
{
	int ret;

	cam_why_clear(why);
	if (user == NULL) {
		OPENSSL_cleanse(&c->login, sizeof c->login);
		c->has_login = false;
		return CAMCA_OK;
	}
	ret = onvif_login_copy(&c->login, user, password, why);
	if (ret == CAMCA_OK)
		c->has_login = true;
	return ret;
}

static unsigned
camera_failed_logins(const struct camera *c)
{
	return c->failed;
}

const struct cam_driver cam_onvif = {
	.name = "onvif",
	.open = camera_open,
	.close = camera_close,
	.move = camera_move,
	.credentials = camera_credentials,
	.login = onvif_login,
	.failed_logins = camera_failed_logins,
	.time_get = onvif_time_get,
	.time_set = onvif_time_set,
	.time_ntp = onvif_time_ntp,
	.identify = onvif_identify,
	.caps = onvif_caps,
	.password_rule = onvif_password_rule,
	.accounts = onvif_accounts,
	.account_create = onvif_account_create,
	.account_password = onvif_account_password,
	.account_delete = onvif_account_delete,
	.protocols = onvif_protocols,
	.protocols_set = onvif_protocols_set,
	.discoverable = onvif_discoverable,
	.discoverable_set = onvif_discoverable_set,
	.reboot = onvif_reboot,
	.digests = onvif_digests,
	.sha256_set = onvif_sha256_set,
	.keys = onvif_keys,
	.key_create = onvif_key_create,
	.key_state = onvif_key_state,
	.key_wait = onvif_key_wait,
	.key_delete = onvif_key_delete,
	.csr = onvif_csr,
	.certs = onvif_certs,
	.cert_upload = onvif_cert_upload,
	.cert_delete = onvif_cert_delete,
	.paths = onvif_paths,
	.path_create = onvif_path_create,
	.path_delete = onvif_path_delete,
	.assigned = onvif_assigned,
	.assign_add = onvif_assign_add,
	.assign_replace = onvif_assign_replace,
	.assign_remove = onvif_assign_remove,
	.client_auth = onvif_client_auth,
	.client_auth_set = onvif_client_auth_set,
	.client_taken = onvif_client_taken,
	.crls = onvif_crls,
	.crl_upload = onvif_crl_upload,
	.crl_delete = onvif_crl_delete,
	.policies = onvif_policies,
	.policy_find = onvif_policy_find,
	.policy_create = onvif_policy_create,
	.policy_delete = onvif_policy_delete,
	.policies_assigned = onvif_policies_assigned,
	.policy_assign = onvif_policy_assign,
	.served = onvif_served,
};
