/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists. A camera cannot fetch one: they are pushed. There is no
 * update in place; the caller uploads, then deletes, or, where there is one
 * slot, the other way round. */
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/trouble.h"

/* CrlID in requests and responses, CRLID inside tas:CRL: the WSDL says so. */
static void
crl_row(struct xml_in *in, const xmlNode *n, struct cam_crl *k)
{
	xml_id(in, n, NS_TAS, "CRLID", k->id, XML_NEED);
	xml_string(in, n, NS_TAS, "Alias", k->alias, sizeof k->alias,
	    XML_CUT);
	xml_base64(in, n, NS_TAS, "CRLContent", CAM_CRL_MAX, &k->der,
	    &k->der_len);
}

int
onvif_crls(struct camera *c, struct cam_crls *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	struct soap_answer a;
	size_t i;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL("GetAllCRLs", CALL_LARGE),
	    NULL, &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	out->v = xml_rows(&in, a.body, NS_TAS, "Crl", sizeof *out->v,
	    &out->n);
	for (i = 0; i < out->n && in.err == 0; i++) {
		n = xml_each(a.body, n, NS_TAS, "Crl");
		crl_row(&in, n, &out->v[i]);
	}
	soap_answer_fini(&a);
	if (out->n > 0)
		xml_distinct(&in, out->v[0].id, out->n, sizeof *out->v,
		    "CRLID");
	if (in.err < 0)
		cam_crls_fini(out);
	return in.err;
}

int
onvif_crl_upload(struct camera *c, const uint8_t *der, size_t len,
    const char *alias, char id_out[static CAM_ID_MAX], struct cam_why *why)
{
	struct xml_out w;
	int ret;

	id_out[0] = '\0';
	if (len == 0 || len > CAM_CRL_MAX)
		return cam_fail_plain(why, CAMCA_EINVAL);
	xml_out_init(&w);
	xml_open(&w, "tas:UploadCRL");
	xml_put_base64(&w, "tas:Crl", der, len);
	xml_put_some(&w, "tas:Alias", alias);
	xml_close(&w);
	ret = security_new_id(c, ONVIF_SECURITY_CALL("UploadCRL",
	    CALL_CHANGES), &w, "CrlID", id_out, why);
	xml_out_fini(&w);
	return ret;
}

int
onvif_crl_delete(struct camera *c, const char *id, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL("DeleteCRL", CALL_CHANGES),
	    "tas:CrlID", id, NULL, why);
}
