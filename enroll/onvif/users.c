/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of the camera and the rules of their passwords. */
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

static int
users_read(const xmlNode *response, struct cam_accounts *out,
    struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *u = NULL;
	size_t i;

	out->v = xml_rows(&in, response, NS_TDS, "User", sizeof *out->v,
	    &out->n);
	for (i = 0; i < out->n; i++) {
		u = xml_each(response, u, NS_TDS, "User");
		/* Not cut: a name that is not whole is another account's. */
		xml_string(&in, u, NS_TT, "Username", out->v[i].user,
		    sizeof out->v[i].user, XML_NEED);
		xml_string(&in, u, NS_TT, "UserLevel", out->v[i].level,
		    sizeof out->v[i].level, XML_NEED);
	}
	if (out->n > 0)
		xml_distinct(&in, out->v[0].user, out->n, sizeof *out->v,
		    "User");
	if (in.err < 0)
		cam_accounts_fini(out);
	return in.err;
}

int
onvif_accounts(struct camera *c, struct cam_accounts *out,
    struct cam_why *why)
{
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL("GetUsers", 0), NULL, &a,
	    why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	ret = users_read(a.body, out, why);
	soap_answer_fini(&a);
	return ret;
}

static int
users_send(struct camera *c, const char *operation, const char *element,
    const struct onvif_login *l, const char *level, struct cam_why *why)
{
	const struct onvif_call call = { ONVIF_DEVICE, operation,
	    CALL_CHANGES | CALL_SECRET };
	struct xml_out w;
	int ret;

	xml_out_init(&w);
	xml_open(&w, element);
	xml_open(&w, "tds:User");
	xml_put(&w, "tt:Username", l->user);
	xml_put(&w, "tt:Password", l->password);
	xml_put(&w, "tt:UserLevel", level);
	xml_close(&w);
	xml_close(&w);
	ret = onvif_call(c, &call, &w, NULL, why);
	xml_out_fini(&w);
	return ret;
}

/* An empty password would ask the camera to clear it. The new one stands in
 * the message as it is: whoever listens would have it before its owner. */
static int
users_check(const struct camera *c, struct onvif_login *out,
    const char *user, const char *password, struct cam_why *why)
{
	if (c->link.scheme != CAM_HTTPS && !c->env.clear_passwords)
		return cam_fail(why, CAMCA_EPOLICY, CAM_TLS,
		    "A new password does not go over the network without "
		    "TLS.");
	if (password == NULL || password[0] == '\0')
		return cam_fail_plain(why, CAMCA_EINVAL);
	return onvif_login_copy(out, user, password, why);
}

int
onvif_account_create(struct camera *c, const char *user,
    const char *password, const char *level, struct cam_why *why)
{
	struct onvif_login l;
	int ret = users_check(c, &l, user, password, why);

	if (ret == CAMCA_OK)
		ret = users_send(c, "CreateUsers", "tds:CreateUsers", &l,
		    level, why);
	explicit_bzero(&l, sizeof l);
	return ret;
}

int
onvif_account_password(struct camera *c, const char *user,
    const char *password, struct cam_why *why)
{
	struct cam_accounts list;
	struct onvif_login l;
	const char *level = NULL;
	size_t i;
	int ret = onvif_accounts(c, &list, why);

	if (ret < 0)
		return ret;
	for (i = 0; i < list.n; i++)
		if (strcmp(list.v[i].user, user) == 0)
			level = list.v[i].level;
	if (level == NULL)
		ret = cam_fail(why, CAMCA_EPERM, CAM_NO_SUCH,
		    "The camera has no account of that name.");
	else
		ret = users_check(c, &l, user, password, why);
	if (ret == CAMCA_OK)
		ret = users_send(c, "SetUser", "tds:SetUser", &l, level, why);
	explicit_bzero(&l, sizeof l);
	cam_accounts_fini(&list);
	return ret;
}

int
onvif_account_delete(struct camera *c, const char *user, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_DEVICE_CALL("DeleteUsers", CALL_CHANGES),
	    "tds:Username", user, NULL, why);
}

/* What is configured is what a password must keep now. Where the camera only
 * tells its options, the smallest of each range is its rule of the house. */
static int
rule_configured(struct camera *c, struct cam_password_rule *out,
    struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL(
	    "GetPasswordComplexityConfiguration", 0), NULL, &a, why);

	if (ret < 0)
		return ret;
	xml_int(&in, a.body, NS_TDS, "MinLen", &out->min_len, 0);
	xml_int(&in, a.body, NS_TDS, "Uppercase", &out->upper, 0);
	xml_int(&in, a.body, NS_TDS, "Number", &out->digits, 0);
	xml_int(&in, a.body, NS_TDS, "SpecialChars", &out->special, 0);
	xml_bool(&in, a.body, NS_TDS, "BlockUsernameOccurrence",
	    &out->no_username, 0);
	soap_answer_fini(&a);
	return in.err;
}

static void
rule_least(struct xml_in *in, const xmlNode *response, const char *name,
    int *out)
{
	const xmlNode *range = xml_one(in, response, NS_TDS, name, false);

	if (*out == CAM_NOT_TOLD)
		xml_int(in, range, NS_TT, "Min", out, 0);
}

static int
rule_options(struct camera *c, struct cam_password_rule *out,
    struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL(
	    "GetPasswordComplexityOptions", 0), NULL, &a, why);

	if (ret < 0)
		return ret;
	rule_least(&in, a.body, "MinLenRange", &out->min_len);
	rule_least(&in, a.body, "UppercaseRange", &out->upper);
	rule_least(&in, a.body, "NumberRange", &out->digits);
	rule_least(&in, a.body, "SpecialCharsRange", &out->special);
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_password_rule(struct camera *c, struct cam_password_rule *out,
    struct cam_why *why)
{
	int ret;

	out->min_len = out->upper = out->digits = out->special = CAM_NOT_TOLD;
	out->no_username = false;
	ret = rule_configured(c, out, why);
	if (ret == CAMCA_OK || ret == CAMCA_EPERM)
		ret = rule_options(c, out, why);
	/* Most cameras have neither: then nothing is told. */
	if (ret == CAMCA_EPERM) {
		cam_why_clear(why);
		ret = CAMCA_OK;
	}
	return ret;
}
