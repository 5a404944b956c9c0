/* SPDX-License-Identifier: Apache-2.0 */
/* Validation policies: which client certificates the camera believes. With
 * more than one assigned its behaviour is unspecified, so there is one. */
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/trouble.h"

int
onvif_policies(struct camera *c, struct cam_ids *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	struct soap_answer a;
	size_t i;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL(
	    "GetAllCertPathValidationPolicies", 0), NULL, &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	out->v = xml_rows(&in, a.body, NS_TAS, "CertPathValidationPolicy",
	    sizeof *out->v, &out->n);
	for (i = 0; i < out->n && in.err == 0; i++) {
		n = xml_each(a.body, n, NS_TAS, "CertPathValidationPolicy");
		xml_id(&in, n, NS_TAS, "CertPathValidationPolicyID",
		    out->v[i], XML_NEED);
	}
	soap_answer_fini(&a);
	if (in.err < 0)
		cam_ids_fini(out);
	return in.err;
}

int
onvif_policy_find(struct camera *c, const char *alias,
    char id_out[static CAM_ID_MAX], struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	char found[CAM_ALIAS_MAX];
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL(
	    "GetAllCertPathValidationPolicies", 0), NULL, &a, why);

	id_out[0] = '\0';
	if (ret < 0)
		return ret;
	while (in.err == 0 && id_out[0] == '\0' && (n = xml_each(a.body, n,
	    NS_TAS, "CertPathValidationPolicy")) != NULL) {
		found[0] = '\0';
		xml_string(&in, n, NS_TAS, "Alias", found, sizeof found,
		    XML_CUT);
		if (in.err == 0 && strcmp(found, alias) == 0)
			xml_id(&in, n, NS_TAS, "CertPathValidationPolicyID",
			    id_out, XML_NEED);
	}
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_policy_create(struct camera *c, const char *const *cert_ids, size_t n,
    const char *alias, char id_out[static CAM_ID_MAX], struct cam_why *why)
{
	struct xml_out w;
	size_t i;
	int ret;

	id_out[0] = '\0';
	if (n == 0 || n > CAM_CHAIN_MAX)
		return cam_fail_plain(why, CAMCA_EINVAL);
	xml_out_init(&w);
	xml_open(&w, "tas:CreateCertPathValidationPolicy");
	xml_put_some(&w, "tas:Alias", alias);
	xml_open(&w, "tas:Parameters");
	xml_close(&w);
	for (i = 0; i < n; i++) {
		xml_open(&w, "tas:TrustAnchor");
		xml_put(&w, "tas:CertificateID", cert_ids[i]);
		xml_close(&w);
	}
	xml_close(&w);
	ret = security_new_id(c, ONVIF_SECURITY_CALL(
	    "CreateCertPathValidationPolicy", CALL_CHANGES), &w,
	    "CertPathValidationPolicyID", id_out, why);
	xml_out_fini(&w);
	return ret;
}

int
onvif_policy_delete(struct camera *c, const char *id, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL(
	    "DeleteCertPathValidationPolicy", CALL_CHANGES),
	    "tas:CertPathValidationPolicyID", id, NULL, why);
}

int
onvif_policies_assigned(struct camera *c, struct cam_ids *out,
    struct cam_why *why)
{
	return security_ids(c, ONVIF_SECURITY_CALL(
	    "GetAssignedCertPathValidationPolicies", 0),
	    "CertPathValidationPolicyID", out, why);
}

static int
policy_replace(struct camera *c, const char *old_id, const char *new_id,
    struct cam_why *why)
{
	struct xml_out w;
	int ret;

	xml_out_init(&w);
	xml_open(&w, "tas:ReplaceCertPathValidationPolicyAssignment");
	xml_put(&w, "tas:OldCertPathValidationPolicyID", old_id);
	xml_put(&w, "tas:NewCertPathValidationPolicyID", new_id);
	xml_close(&w);
	ret = onvif_call(c, ONVIF_SECURITY_CALL(
	    "ReplaceCertPathValidationPolicyAssignment", CALL_CHANGES), &w,
	    NULL, why);
	xml_out_fini(&w);
	return ret;
}

static int
policy_remove(struct camera *c, const char *id, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL(
	    "RemoveCertPathValidationPolicyAssignment", CALL_CHANGES),
	    "tas:CertPathValidationPolicyID", id, NULL, why);
}

int
onvif_policy_assign(struct camera *c, const char *id, struct cam_why *why)
{
	struct cam_ids now;
	bool done = false;
	size_t i;
	int ret = onvif_policies_assigned(c, &now, why);

	if (ret < 0)
		return ret;
	for (i = 0; i < now.n; i++)
		done = done || (id != NULL && strcmp(now.v[i], id) == 0);
	for (i = 0; i < now.n && ret == CAMCA_OK; i++) {
		if (id != NULL && strcmp(now.v[i], id) == 0)
			continue;
		ret = id == NULL || done ? policy_remove(c, now.v[i], why) :
		    policy_replace(c, now.v[i], id, why);
		done = true;
	}
	if (ret == CAMCA_OK && id != NULL && !done)
		ret = onvif_call1(c, ONVIF_SECURITY_CALL(
		    "AddCertPathValidationPolicyAssignment", CALL_CHANGES),
		    "tas:CertPathValidationPolicyID", id, NULL, why);
	cam_ids_fini(&now);
	return ret;
}
