/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in the camera's keystore. */
#include <string.h>

#include <openssl/evp.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/trouble.h"

/* Rows are freed with the list also where reading ends half-way. */
static void
cert_row(struct xml_in *in, const xmlNode *n, struct cam_cert *k)
{
	unsigned len = 0;

	xml_id(in, n, NS_TAS, "CertificateID", k->id, XML_NEED);
	xml_id(in, n, NS_TAS, "KeyID", k->key_id, 0);
	xml_string(in, n, NS_TAS, "Alias", k->alias, sizeof k->alias,
	    XML_CUT);
	xml_base64(in, n, NS_TAS, "CertificateContent", CAM_DER_MAX, &k->der,
	    &k->der_len);
	if (in->err == 0 && EVP_Digest(k->der, k->der_len, k->sha256, &len,
	    EVP_sha256(), NULL) != 1)
		in->err = cam_fail_plain(in->why, CAMCA_ENOMEM);
}

int
onvif_certs(struct camera *c, struct cam_certs *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	struct soap_answer a;
	size_t i;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL("GetAllCertificates",
	    CALL_LARGE), NULL, &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	out->v = xml_rows(&in, a.body, NS_TAS, "Certificate", sizeof *out->v,
	    &out->n);
	for (i = 0; i < out->n && in.err == 0; i++) {
		n = xml_each(a.body, n, NS_TAS, "Certificate");
		cert_row(&in, n, &out->v[i]);
	}
	soap_answer_fini(&a);
	if (out->n > 0)
		xml_distinct(&in, out->v[0].id, out->n, sizeof *out->v,
		    "CertificateID");
	if (in.err < 0)
		cam_certs_fini(out);
	return in.err;
}

/* The camera has it already, or we lost its answer: its ID by its bytes. */
static int
cert_find(struct camera *c, const struct cam_upload *u,
    struct cam_uploaded *out, struct cam_why *why)
{
	struct cam_certs list;
	size_t i;
	int ret = onvif_certs(c, &list, why);

	if (ret < 0)
		return ret;
	for (i = 0; i < list.n && !out->was_there; i++) {
		if (list.v[i].der_len != u->der_len ||
		    memcmp(list.v[i].der, u->der, u->der_len) != 0)
			continue;
		memcpy(out->cert_id, list.v[i].id, sizeof out->cert_id);
		memcpy(out->key_id, list.v[i].key_id, sizeof out->key_id);
		out->was_there = true;
	}
	cam_certs_fini(&list);
	if (out->was_there)
		return CAMCA_OK;
	return cam_fail(why, CAMCA_EPERM, CAM_DUPLICATE, "The camera says "
	    "that it has this certificate, and does not list it.");
}

static int
cert_send(struct camera *c, const struct cam_upload *u,
    struct soap_answer *a, struct cam_why *why)
{
	struct xml_out w;
	int ret;

	xml_out_init(&w);
	xml_open(&w, "tas:UploadCertificate");
	xml_put_base64(&w, "tas:Certificate", u->der, u->der_len);
	xml_put_some(&w, "tas:Alias", u->alias);
	/* Said in both cases: what its absence means is disputed. */
	xml_put_bool(&w, "tas:PrivateKeyRequired", u->private_key);
	xml_close(&w);
	ret = onvif_call(c, ONVIF_SECURITY_CALL("UploadCertificate",
	    CALL_CHANGES), &w, a, why);
	xml_out_fini(&w);
	return ret;
}

int
onvif_cert_upload(struct camera *c, const struct cam_upload *u,
    struct cam_uploaded *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct cam_why local;
	struct soap_answer a;
	int ret;

	why = why != NULL ? why : &local;
	memset(out, 0, sizeof *out);
	ret = cert_send(c, u, &a, why);
	if (ret == CAMCA_EPERM && why->code == CAM_DUPLICATE)
		return cert_find(c, u, out, why);
	if (ret < 0)
		return ret;
	xml_id(&in, a.body, NS_TAS, "CertificateID", out->cert_id, XML_NEED);
	xml_id(&in, a.body, NS_TAS, "KeyID", out->key_id, 0);
	soap_answer_fini(&a);
	return in.err < 0 ? CAMCA_EUNKNOWN : CAMCA_OK;
}

int
onvif_cert_delete(struct camera *c, const char *id, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL("DeleteCertificate",
	    CALL_CHANGES), "tas:CertificateID", id, NULL, why);
}
