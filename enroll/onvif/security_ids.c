/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"

int
security_ids(struct camera *c, const struct onvif_call *call,
    const char *name, struct cam_ids *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	struct soap_answer a;
	size_t i;
	int ret = onvif_call(c, call, NULL, &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	out->v = xml_rows(&in, a.body, NS_TAS, name, sizeof *out->v, &out->n);
	for (i = 0; i < out->n; i++) {
		n = xml_each(a.body, n, NS_TAS, name);
		xml_node_id(&in, n, out->v[i]);
	}
	soap_answer_fini(&a);
	if (out->n > 0)
		xml_distinct(&in, out->v[0], out->n, sizeof *out->v, name);
	if (in.err < 0)
		cam_ids_fini(out);
	return in.err;
}

int
security_new_id(struct camera *c, const struct onvif_call *call,
    const struct xml_out *w, const char *name,
    char id_out[static CAM_ID_MAX], struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	int ret = onvif_call(c, call, w, &a, why);

	id_out[0] = '\0';
	if (ret < 0)
		return ret;
	xml_id(&in, a.body, NS_TAS, name, id_out, XML_NEED);
	soap_answer_fini(&a);
	/* It exists, but under which ID is not known: look. */
	return in.err < 0 ? CAMCA_EUNKNOWN : CAMCA_OK;
}
