/* SPDX-License-Identifier: Apache-2.0 */
/* Certification paths: a leaf and what signed it. */
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/trouble.h"

static int
path_read(const xmlNode *response, struct cam_path *p, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *path = xml_one(&in, response, NS_TAS,
	    "CertificationPath", true);
	const xmlNode *id = NULL;

	xml_string(&in, path, NS_TAS, "Alias", p->alias, sizeof p->alias,
	    XML_CUT);
	while (in.err == 0 && (id = xml_each(path, id, NS_TAS,
	    "CertificateID")) != NULL) {
		if (p->n == CAM_CHAIN_MAX)
			xml_bad(&in, "is too long", "CertificationPath");
		else
			xml_node_id(&in, id, p->cert[p->n++]);
	}
	return in.err;
}

static int
path_get(struct camera *c, const char *id, struct cam_path *p,
    struct cam_why *why)
{
	struct soap_answer a;
	int ret = onvif_call1(c, ONVIF_SECURITY_CALL("GetCertificationPath",
	    0), "tas:CertificationPathID", id, &a, why);

	if (ret < 0)
		return ret;
	memcpy(p->id, id, strlen(id) + 1);
	ret = path_read(a.body, p, why);
	soap_answer_fini(&a);
	return ret;
}

int
onvif_paths(struct camera *c, struct cam_paths *out, struct cam_why *why)
{
	struct cam_ids ids;
	size_t i;
	int ret = security_ids(c, ONVIF_SECURITY_CALL(
	    "GetAllCertificationPaths", 0), "CertificationPathID", &ids, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	if (ids.n > 0)
		out->v = calloc(ids.n, sizeof *out->v);
	if (ids.n > 0 && out->v == NULL)
		ret = cam_fail_plain(why, CAMCA_ENOMEM);
	for (i = 0; i < ids.n && ret == CAMCA_OK; i++)
		ret = path_get(c, ids.v[i], &out->v[out->n++], why);
	cam_ids_fini(&ids);
	if (ret < 0)
		cam_paths_fini(out);
	return ret;
}

int
onvif_path_create(struct camera *c, const char *const *cert_ids, size_t n,
    const char *alias, char id_out[static CAM_ID_MAX], struct cam_why *why)
{
	struct xml_out w;
	size_t i;
	int ret;

	id_out[0] = '\0';
	if (n == 0 || n > CAM_CHAIN_MAX)
		return cam_fail_plain(why, CAMCA_EINVAL);
	xml_out_init(&w);
	xml_open(&w, "tas:CreateCertificationPath");
	xml_open(&w, "tas:CertificateIDs");
	for (i = 0; i < n; i++)
		xml_put(&w, "tas:CertificateID", cert_ids[i]);
	xml_close(&w);
	xml_put_some(&w, "tas:Alias", alias);
	xml_close(&w);
	ret = security_new_id(c, ONVIF_SECURITY_CALL(
	    "CreateCertificationPath", CALL_CHANGES), &w,
	    "CertificationPathID", id_out, why);
	xml_out_fini(&w);
	return ret;
}

int
onvif_path_delete(struct camera *c, const char *id, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL("DeleteCertificationPath",
	    CALL_CHANGES), "tas:CertificationPathID", id, NULL, why);
}
