/* SPDX-License-Identifier: Apache-2.0 */
/* A client's certificate chain: DER certificates one after the other, the
 * last of them pinned as the vendor's root, then CRLs. Reads it as a factory
 * identity, as a certificate of ours, and as a vendor's bundle. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert.h"
#include "tests/fuzz/replay.h"

#define FUZZ_NOW_MS INT64_C(1795300000000)
#define FUZZ_CERTS_MAX 12

static void
fuzz_blob(BIO *bio, struct store_blob *out)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	if (n <= 0)
		return;
	out->p = malloc((size_t)n);
	if (out->p == NULL)
		return;
	memcpy(out->p, p, (size_t)n);
	out->n = (size_t)n;
}

/* Certificates from *p on; the last one becomes the root. */
static STACK_OF(X509) *
fuzz_chain(const unsigned char **p, const unsigned char *end,
    struct store_blob *roots)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	AUTO(BIO) *bio = BIO_new(BIO_s_mem());
	X509 *cert;

	while (chain != NULL && sk_X509_num(chain) < FUZZ_CERTS_MAX &&
	    (cert = d2i_X509(NULL, p, end - *p)) != NULL)
		if (sk_X509_push(chain, cert) <= 0)
			X509_free(cert);
	cert = sk_X509_pop(chain);
	if (cert != NULL && bio != NULL && PEM_write_bio_X509(bio, cert) == 1)
		fuzz_blob(bio, roots);
	X509_free(cert);
	return chain;
}

static void
fuzz_crls(const unsigned char **p, const unsigned char *end,
    struct store_blob *crls)
{
	AUTO(BIO) *bio = BIO_new(BIO_s_mem());
	X509_CRL *crl;

	if (bio == NULL)
		return;
	while ((crl = d2i_X509_CRL(NULL, p, end - *p)) != NULL) {
		(void)PEM_write_bio_X509_CRL(bio, crl);
		X509_CRL_free(crl);
	}
	fuzz_blob(bio, crls);
}

/* The parts that an authority reads of every certificate. */
static void
fuzz_leaf(X509 *leaf)
{
	struct ca_set none = { .refs = 1 };
	const struct ca *ca;
	uint8_t serial[20], hash[32];
	int64_t first, last;

	if (cert_serial_bytes(leaf, serial) == 0 &&
	    cert_times(leaf, &first, &last) == 0 &&
	    cert_spki_sha256(leaf, hash) == 0 &&
	    ca_verify_leaf(&none, leaf, FUZZ_NOW_MS, &ca, NULL, NULL) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const unsigned char *p = data;
	struct vendor_row v = { .enabled = 1, .crl_required = 1 };
	STACK_OF(X509) *chain;
	struct refusal why;
	char serial[129];

	if (n > 65536)
		return 0;
	chain = fuzz_chain(&p, data + n, &v.roots);
	fuzz_crls(&p, data + n, &v.crls);
	ERR_clear_error();
	if (chain != NULL && sk_X509_num(chain) > 0)
		fuzz_leaf(sk_X509_value(chain, 0));
	for (v.crl_required = 0; v.crl_required < 2; v.crl_required++)
		if (idevid_verify(chain, &v, FUZZ_NOW_MS, serial,
		    sizeof serial, &why) == 0 && strlen(serial) == 0)
			abort();
	if (idevid_check_crls((const char *)v.crls.p, v.crls.n,
	    (const char *)v.roots.p, v.roots.n, &why) < 0 && why.http == 0)
		abort();
	if (idevid_check_roots((const char *)data, n, &why) < 0 &&
	    why.http == 0)
		abort();
	if (ERR_peek_error() != 0)
		abort();
	sk_X509_pop_free(chain, X509_free);
	store_blob_free(&v.roots);
	store_blob_free(&v.crls);
	return 0;
}
