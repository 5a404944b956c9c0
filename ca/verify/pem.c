/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

static int
pem_bad(struct refusal *why, int err, const char *what)
{
	ERR_clear_error();
	return refuse(why, err, 400, "bundle.pem", "%s", what);
}

/* Reads them all into list; the end of the text is no error. */
static int
pem_take(BIO *in, int max, STACK_OF(X509) *list, struct refusal *why)
{
	X509 *c;

	while ((c = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(list) >= max) {
			X509_free(c);
			return pem_bad(why, CAMCA_ELIMIT,
			    "too many certificates");
		}
		if (sk_X509_push(list, c) <= 0) {
			X509_free(c);
			return refuse_default(why, CAMCA_ENOMEM);
		}
	}
	ERR_clear_error();
	return CAMCA_OK;
}

/* PEM has many spellings, and text may stand around it: a hash over one of them
 * says nothing about another. */
static int
pem_same(STACK_OF(X509) *list, const void *p, size_t n, struct refusal *why)
{
	AUTO(BIO) *again = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int i;

	if (again == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	for (i = 0; i < sk_X509_num(list); i++)
		if (PEM_write_bio_X509(again, sk_X509_value(list, i)) != 1)
			return pem_bad(why, CAMCA_EINVAL,
			    "a certificate that cannot be written again");
	len = BIO_get_mem_data(again, &data);
	if (len <= 0 || (size_t)len != n || memcmp(data, p, n) != 0)
		return pem_bad(why, CAMCA_EINVAL,
		    "not certificates in PEM and nothing else");
	return CAMCA_OK;
}

int
verify_pem(const void *p, size_t n, int max, STACK_OF(X509) **out,
    struct refusal *why)
{
	AUTO(BIO) *in = n <= INT32_MAX ? BIO_new_mem_buf(p, (int)n) : NULL;
	STACK_OF(X509) *list = sk_X509_new_null();
	int ret;

	if (in == NULL || list == NULL)
		ret = refuse_default(why, CAMCA_ENOMEM);
	else
		ret = pem_take(in, max, list, why);
	if (ret == CAMCA_OK)
		ret = pem_same(list, p, n, why);
	if (ret < 0) {
		sk_X509_pop_free(list, X509_free);
		return ret;
	}
	*out = list;
	return CAMCA_OK;
}

bool
verify_self_signed(X509 *c)
{
	EVP_PKEY *key = X509_get0_pubkey(c);
	bool own = key != NULL && X509_NAME_cmp(X509_get_subject_name(c),
	    X509_get_issuer_name(c)) == 0 && X509_verify(c, key) == 1;

	ERR_clear_error();
	return own;
}

int
verify_fingerprint(X509 *c, char out[static 65])
{
	uint8_t hash[32];

	if (X509_digest(c, EVP_sha256(), hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	enc_hex(out, hash, sizeof hash);
	return CAMCA_OK;
}
