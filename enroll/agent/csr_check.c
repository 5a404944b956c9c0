/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/csr_check.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "ca/base/auto.h"

static int
csr_bad(struct refusal *why, const char *code, const char *what)
{
	return refuse(why, CAMCA_EPERM, 502, code, "The request that the "
	    "camera made %s.", what);
}

static int
csr_key(EVP_PKEY *pub, const struct csr_want *w, struct refusal *why)
{
	char group[32] = "";
	const char *wanted = w->type == CAM_P256 ? "prime256v1" : "secp384r1";
	size_t n;
	int bits = EVP_PKEY_get_bits(pub);

	if (w->type == CAM_RSA) {
		if (EVP_PKEY_get_base_id(pub) != EVP_PKEY_RSA)
			return csr_bad(why, "camera.csr-key", "has another "
			    "key than the RSA one that was asked for");
		if (bits < (int)w->label->rsa_min ||
		    bits > (int)w->label->rsa_max)
			return refuse(why, CAMCA_EPERM, 502, "camera.csr-key",
			    "The camera made an RSA key of %d bits, the label "
			    "takes %u to %u.", bits, w->label->rsa_min,
			    w->label->rsa_max);
		return CAMCA_OK;
	}
	if (EVP_PKEY_get_base_id(pub) != EVP_PKEY_EC ||
	    EVP_PKEY_get_group_name(pub, group, sizeof group, &n) != 1 ||
	    strcmp(group, wanted) != 0)
		return csr_bad(why, "camera.csr-key", "has another key than "
		    "the curve that was asked for");
	return CAMCA_OK;
}

static int
csr_subject(X509_REQ *req, const struct csr_want *w, struct refusal *why)
{
	const X509_NAME *name = X509_REQ_get_subject_name(req);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;
	bool same;
	int n = -1;

	if (at >= 0 && X509_NAME_get_index_by_NID(name, NID_commonName,
	    at) < 0)
		n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(name, at)));
	same = n >= 0 && (size_t)n == strlen(w->device) &&
	    memcmp(text, w->device, (size_t)n) == 0;
	OPENSSL_free(text);
	if (same)
		return CAMCA_OK;
	return refuse(why, CAMCA_EPERM, 502, "camera.csr-subject", "The "
	    "request that the camera made does not have the common name %s "
	    "that it was told: its certificate page may have a fixed subject; "
	    "update the firmware or enroll this model by hand.", w->device);
}

int
csr_check(const struct buf *der, const struct csr_want *w, EVP_PKEY **pub_out,
    struct refusal *why)
{
	const unsigned char *p = der->data;
	AUTO(X509_REQ) *req = d2i_X509_REQ(NULL, &p, (long)der->len);
	AUTO(EVP_PKEY) *pub = NULL;
	int ret;

	if (req != NULL && p == der->data + der->len)
		pub = X509_REQ_get_pubkey(req);
	if (pub == NULL) {
		ret = csr_bad(why, "camera.csr", "cannot be read");
	} else if (X509_REQ_verify(req, pub) != 1) {
		ret = csr_bad(why, "camera.csr-signature", "is not signed by "
		    "its own key: the camera does not prove that it has it");
	} else {
		ret = csr_key(pub, w, why);
		if (ret == CAMCA_OK)
			ret = csr_subject(req, w, why);
	}
	ERR_clear_error();
	if (ret == CAMCA_OK)
		*pub_out = TAKE(pub);
	return ret;
}
