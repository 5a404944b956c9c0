/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/bag.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <stdbool.h>

#include "ca/base/enc.h"

AUTO_DEFINE(PKCS7, PKCS7_free)

static int
bag_bad(struct refusal *why, const char *what)
{
	ERR_clear_error();
	return refuse(why, CAMCA_EPROTO, 502, "est.bad-certs",
	    "The server's certificates cannot be read: %s.", what);
}

/* RFC 5272 4.1 certs-only: SignedData without signers. Takes the certificates
 * out of p7. */
static int
bag_take(STACK_OF(X509) **out, PKCS7 *p7, struct refusal *why)
{
	STACK_OF(X509) *certs;

	if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL)
		return bag_bad(why, "no SignedData");
	certs = p7->d.sign->cert;
	if (certs == NULL || sk_X509_num(certs) < 1)
		return bag_bad(why, "no certificate in it");
	if (sk_X509_num(certs) > BAG_CERTS_MAX)
		return bag_bad(why, "more than 32 certificates");
	p7->d.sign->cert = NULL;
	*out = certs;
	return CAMCA_OK;
}

int
bag_parse(STACK_OF(X509) **out, const struct buf *body, struct refusal *why)
{
	AUTO(PKCS7) *p7 = NULL;
	const unsigned char *p;
	struct buf der;
	int ret;

	buf_init(&der, 0);
	ret = dec_base64(&der, buf_str(body), body->len, 1);
	if (ret == CAMCA_EINVAL || (ret == CAMCA_OK && der.len == 0)) {
		ret = bag_bad(why, "no base64");
		goto out;
	}
	if (ret < 0 || der.len > LONG_MAX)
		goto out;
	p = der.data;
	p7 = d2i_PKCS7(NULL, &p, (long)der.len);
	if (p7 == NULL)
		ret = bag_bad(why, "no PKCS #7 object");
	else if (p != der.data + der.len)
		ret = bag_bad(why, "bytes follow the object");
	else
		ret = bag_take(out, p7, why);
out:
	buf_fini(&der);
	return ret;
}

/* End of a PEM text shows as "no start line"; anything else is an error. */
static bool
bag_pem_ended(void)
{
	unsigned long e = ERR_peek_last_error();
	bool ended = ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return ended;
}

int
bag_from_pem(STACK_OF(X509) **out, const struct buf *pem, struct refusal *why)
{
	STACK_OF(X509) *bag = sk_X509_new_null();
	AUTO(BIO) *bio = NULL;
	X509 *c;

	if (pem->len > INT_MAX || bag == NULL)
		goto nomem;
	bio = BIO_new_mem_buf(buf_str(pem), (int)pem->len);
	if (bio == NULL)
		goto nomem;
	ERR_clear_error();
	while ((c = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(bag, c) <= 0) {
			X509_free(c);
			goto nomem;
		}
	if (!bag_pem_ended()) {
		bag_free(bag);
		return refuse(why, CAMCA_EINVAL, 400, "pem.malformed",
		    "A certificate in the PEM file is malformed.");
	}
	*out = bag;
	return CAMCA_OK;
nomem:
	bag_free(bag);
	return CAMCA_ENOMEM;
}

int
bag_cert_to_pem(struct buf *out, X509 *cert)
{
	AUTO(BIO) *bio = BIO_new(BIO_s_mem());
	char *data;
	long n;

	if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1) {
		ERR_clear_error();
		return CAMCA_ENOMEM;
	}
	n = BIO_get_mem_data(bio, &data);
	return n > 0 ? buf_put(out, data, (size_t)n) : CAMCA_ECRYPTO;
}

int
bag_to_pem(struct buf *out, const STACK_OF(X509) *bag)
{
	int i, ret = CAMCA_OK;

	for (i = 0; i < sk_X509_num(bag) && ret == CAMCA_OK; i++)
		ret = bag_cert_to_pem(out, sk_X509_value(bag, i));
	return ret;
}
