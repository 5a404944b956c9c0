/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests, made and signed by the camera. */
#include <stdlib.h>

#include <openssl/err.h>

#include "ca/base/auto.h"
#include "ca/base/ossl.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/trouble.h"

#define OID_SUBJECT_ALT_NAME "2.5.29.17"

static const char *
csr_algorithm(enum cam_key_type type)
{
	switch (type) {
	case CAM_P256:
		return "1.2.840.10045.4.3.2";    /* ecdsa-with-SHA256 */
	case CAM_P384:
		return "1.2.840.10045.4.3.3";    /* ecdsa-with-SHA384 */
	default:
		return "1.2.840.113549.1.1.11";  /* sha256WithRSAEncryption */
	}
}

/* The schema wants O before CN before SerialNumber. What comes back in which
 * order is the camera's business, and the CA sets the subject anyway. */
static void
csr_write(struct xml_out *w, const struct cam_csr_ask *ask)
{
	xml_open(w, "tas:CreatePKCS10CSR");
	xml_open(w, "tas:Subject");
	xml_put_some(w, "tas:Organization", ask->organization);
	xml_put_some(w, "tas:CommonName", ask->common_name);
	xml_put_some(w, "tas:SerialNumber", ask->serial_number);
	xml_close(w);
	xml_put(w, "tas:KeyID", ask->key_id);
	if (ask->san != NULL) {
		xml_open(w, "tas:CSRAttribute");
		xml_open(w, "tas:X509v3Extension");
		xml_put(w, "tas:extnOID", OID_SUBJECT_ALT_NAME);
		xml_put_bool(w, "tas:critical", false);
		xml_put_base64(w, "tas:extnValue", ask->san, ask->san_len);
		xml_close(w);
		xml_close(w);
	}
	xml_open(w, "tas:SignatureAlgorithm");
	xml_put(w, "tas:algorithm", csr_algorithm(ask->type));
	xml_close(w);
	xml_close(w);
}

static int
csr_is_pkcs10(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	AUTO(X509_REQ) *req = NULL;

	ERR_clear_error();
	req = d2i_X509_REQ(NULL, &p, (long)len);
	if (req == NULL)
		return ossl_failed(CAMCA_EPROTO);
	return p == der + len ? CAMCA_OK : CAMCA_EPROTO;
}

int
onvif_csr(struct camera *c, const struct cam_csr_ask *ask,
    struct buf *der_out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	struct xml_out w;
	uint8_t *der;
	size_t len;
	int ret;

	xml_out_init(&w);
	csr_write(&w, ask);
	/* It changes nothing on the camera (access class READ_SYSTEM). */
	ret = onvif_call(c, ONVIF_SECURITY_CALL("CreatePKCS10CSR", 0), &w, &a,
	    why);
	xml_out_fini(&w);
	if (ret < 0)
		return ret;
	xml_base64(&in, a.body, NS_TAS, "PKCS10CSR", CAM_DER_MAX, &der, &len);
	soap_answer_fini(&a);
	if (in.err < 0)
		return in.err;
	ret = csr_is_pkcs10(der, len);
	if (ret == CAMCA_ENOMEM)
		ret = cam_fail_plain(why, ret);
	else if (ret < 0)
		ret = cam_fail(why, CAMCA_EPROTO, CAM_MALFORMED,
		    "What the camera calls a PKCS10CSR is not one.");
	else if ((ret = buf_put(der_out, der, len)) < 0)
		cam_fail_plain(why, ret);
	free(der);
	return ret;
}
