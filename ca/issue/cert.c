/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/cert.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"
#include "ca/base/ossl.h"
#include "ca/issue/cert_ext.h"

AUTO_DEFINE(PKCS7, PKCS7_free)

/* Serials count seconds from 2020-01-01 above 0x10000000: 59 years until the
 * prefix stands still; uniqueness never rests on it. */
#define CERT_SERIAL_EPOCH_S INT64_C(1577836800)
#define CERT_SERIAL_FIRST INT64_C(0x10000000)
#define CERT_SERIAL_LAST INT64_C(0x7effffff)

int
cert_serial(const struct camca_ctx *ctx, int64_t now_ms, uint8_t out[static 20])
{
	int64_t t = now_ms / 1000 - CERT_SERIAL_EPOCH_S;

	if (t < 0)
		t = 0;
	if (t > CERT_SERIAL_LAST - CERT_SERIAL_FIRST)
		t = CERT_SERIAL_LAST - CERT_SERIAL_FIRST;
	t += CERT_SERIAL_FIRST;
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(t >> (24 - 8 * i));
	return ctx_random(ctx, out + 4, 16);
}

int
cert_bag(STACK_OF(X509) *certs, struct buf *out)
{
	AUTO(PKCS7) *p7 = PKCS7_new();
	unsigned char *p;
	int n, ret;

	if (p7 == NULL || PKCS7_set_type(p7, NID_pkcs7_signed) != 1)
		return cert_failed("certs-only bag", NULL);
	/* Content type id-data and no content at all: PKCS7_content_new()
	 * would put an empty OCTET STRING there. */
	p7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (PKCS7_add_certificate(p7, sk_X509_value(certs, i)) != 1)
			return cert_failed("certs-only bag", NULL);
	n = i2d_PKCS7(p7, NULL);
	if (n <= 0)
		return cert_failed("certs-only bag", NULL);
	ret = buf_reserve(out, (size_t)n);
	if (ret < 0)
		return ret;
	p = out->data + out->len;
	if (i2d_PKCS7(p7, &p) != n)
		return cert_failed("certs-only bag", NULL);
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return CAMCA_OK;
}

int
cert_is_ra(X509 *cert, bool *out)
{
	EXTENDED_KEY_USAGE *eku;
	int i;

	ERR_clear_error();
	eku = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	*out = false;
	for (i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
		if (OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i)) == NID_cmcRA)
			*out = true;
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	return ossl_failed(CAMCA_OK);
}

int
cert_spki_sha256(const X509 *cert, uint8_t out[static 32])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int ret = CAMCA_OK;

	if (n <= 0 || EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(),
	    NULL) != 1)
		ret = cert_failed("public key hash", NULL);
	OPENSSL_free(der);
	return ret;
}

int
cert_serial_bytes(const X509 *cert, uint8_t out[static 20])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const uint8_t *p = ASN1_STRING_get0_data(serial);
	int n = ASN1_STRING_length(serial);

	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || n < 0 || n > 20)
		return CAMCA_EINVAL;
	/* RFC 5280 4.1.2.2 allows 20 octets, sign bit included. */
	if (n == 20 && (p[0] & 0x80) != 0)
		return CAMCA_EINVAL;
	memset(out, 0, 20);
	if (n > 0)
		memcpy(out + 20 - n, p, (size_t)n);
	return CAMCA_OK;
}

static int
cert_time_ms(const ASN1_TIME *t, int64_t *ms_out)
{
	struct tm tm;
	time_t s;

	/* ASN1_TIME_to_tm() takes a missing time as "now". */
	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1) {
		ERR_clear_error();
		return CAMCA_EINVAL;
	}
	s = timegm(&tm);
	*ms_out = (int64_t)s * 1000;
	return CAMCA_OK;
}

int
cert_times(const X509 *cert, int64_t *not_before_ms, int64_t *not_after_ms)
{
	int64_t first, last;

	if (cert_time_ms(X509_get0_notBefore(cert), &first) < 0 ||
	    cert_time_ms(X509_get0_notAfter(cert), &last) < 0)
		return CAMCA_EINVAL;
	*not_before_ms = first;
	*not_after_ms = last;
	return CAMCA_OK;
}
