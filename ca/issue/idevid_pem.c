/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/idevid_pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"
#include "ca/issue/ca.h"

struct idevid_bundle {
	const char *block;           /* the only PEM type allowed */
	int max;
	STACK_OF(X509) *certs;       /* one of the two is set */
	STACK_OF(X509_CRL) *crls;
};

static int
idevid_pem_refused(struct refusal *why, const char *block, const char *what)
{
	ERR_clear_error();
	return refuse(why, CAMCA_EINVAL, 400, "idevid.pem",
	    "The vendor's bundle of %s blocks is refused: %s.", block, what);
}

/* One decoded block into the stack. */
static int
idevid_pem_add(struct idevid_bundle *b, const unsigned char *der, long n)
{
	const unsigned char *p = der;

	if (b->certs != NULL) {
		AUTO(X509) *cert = d2i_X509(NULL, &p, n);

		if (cert == NULL || p != der + n)
			return CAMCA_EINVAL;
		if (sk_X509_push(b->certs, cert) <= 0)
			return CAMCA_ENOMEM;
		cert = NULL;
	} else {
		AUTO(X509_CRL) *crl = d2i_X509_CRL(NULL, &p, n);

		if (crl == NULL || p != der + n)
			return CAMCA_EINVAL;
		if (sk_X509_CRL_push(b->crls, crl) <= 0)
			return CAMCA_ENOMEM;
		crl = NULL;
	}
	return CAMCA_OK;
}

static int
idevid_pem_block(struct idevid_bundle *b, const char *name, const char *header,
    const unsigned char *der, long n, int count, struct refusal *why)
{
	int ret;

	/* A private key pasted beside the root must not reach the store. */
	if (strcmp(name, b->block) != 0 || header[0] != '\0')
		return idevid_pem_refused(why, b->block,
		    "it holds something else too");
	if (count > b->max)
		return idevid_pem_refused(why, b->block, "it holds too many");
	ret = idevid_pem_add(b, der, n);
	if (ret == CAMCA_EINVAL)
		return idevid_pem_refused(why, b->block, "one is damaged");
	return refuse_default(why, ret);
}

/* How often a block begins or ends: a cut bundle must not pass as a smaller
 * whole one. */
static int
idevid_pem_marks(const char *pem, size_t n)
{
	const char *p = pem, *end = pem + n;
	int marks = 0;

	while ((p = memmem(p, (size_t)(end - p), "-----", 5)) != NULL) {
		marks++;
		p += 5;
	}
	return marks;
}

static int
idevid_pem_read(const char *pem, size_t n, struct idevid_bundle *b,
    struct refusal *why)
{
	AUTO(BIO) *bio = NULL;
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	int count = 0, ret = CAMCA_OK;

	if (n == 0)
		return CAMCA_OK;
	if (n > IDEVID_PEM_MAX)
		return refuse(why, CAMCA_ELIMIT, 413, "idevid.pem-too-large",
		    "A vendor's bundle may have %u MiB.", IDEVID_PEM_MAX >> 20);
	ERR_clear_error();
	bio = BIO_new_mem_buf(pem, (int)n);
	if (bio == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	while (ret == 0 &&
	    PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		ret = idevid_pem_block(b, name, header, der, len, ++count, why);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (ret < 0)
		return ret;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE ||
	    idevid_pem_marks(pem, n) != 4 * count)
		return idevid_pem_refused(why, b->block,
		    "it is cut off or no PEM");
	ERR_clear_error();
	return CAMCA_OK;
}

int
idevid_pem_certs(const char *pem, size_t n, STACK_OF(X509) **out,
    struct refusal *why)
{
	struct idevid_bundle b = { .block = PEM_STRING_X509,
	    .max = IDEVID_ROOTS_MAX, .certs = sk_X509_new_null() };
	int ret;

	if (b.certs == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	ret = idevid_pem_read(pem, n, &b, why);
	if (ret < 0) {
		sk_X509_pop_free(b.certs, X509_free);
		return ret;
	}
	*out = b.certs;
	return CAMCA_OK;
}

int
idevid_pem_crls(const char *pem, size_t n, STACK_OF(X509_CRL) **out,
    struct refusal *why)
{
	struct idevid_bundle b = { .block = PEM_STRING_X509_CRL,
	    .max = IDEVID_CRLS_MAX, .crls = sk_X509_CRL_new_null() };
	int ret;

	if (b.crls == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	ret = idevid_pem_read(pem, n, &b, why);
	if (ret < 0) {
		sk_X509_CRL_pop_free(b.crls, X509_CRL_free);
		return ret;
	}
	*out = b.crls;
	return CAMCA_OK;
}

static bool
idevid_entry_plain(const X509_REVOKED *rev)
{
	const STACK_OF(X509_EXTENSION) *exts =
	    X509_REVOKED_get0_extensions(rev);

	for (int i = 0; i < sk_X509_EXTENSION_num(exts); i++) {
		X509_EXTENSION *e = sk_X509_EXTENSION_value(exts, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		if (nid == NID_certificate_issuer)
			return false;
		if (X509_EXTENSION_get_critical(e) && nid != NID_crl_reason &&
		    nid != NID_invalidity_date)
			return false;
	}
	return true;
}

const char *
idevid_crl_unusable(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	int md = NID_undef;

	if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &md,
	    NULL) != 1 || md == NID_md5 || md == NID_sha1 || md == NID_md4)
		return "its signature algorithm is too weak or unknown";
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		if (nid == NID_delta_crl ||
		    nid == NID_issuing_distribution_point)
			return "it is partial, indirect or a delta";
		if (X509_EXTENSION_get_critical(e) && nid != NID_crl_number &&
		    nid != NID_authority_key_identifier)
			return "it has an unknown critical extension";
	}
	for (int i = 0; i < sk_X509_REVOKED_num(list); i++)
		if (!idevid_entry_plain(sk_X509_REVOKED_value(list, i)))
			return "an entry has an unknown critical extension";
	return NULL;
}

int
idevid_crl_times(const X509_CRL *crl, int64_t *this_ms, int64_t *next_ms)
{
	const ASN1_TIME *this = X509_CRL_get0_lastUpdate(crl);
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	struct tm tm;

	if (this == NULL || next == NULL || ASN1_TIME_to_tm(this, &tm) != 1)
		goto bad;
	*this_ms = (int64_t)timegm(&tm) * 1000;
	if (ASN1_TIME_to_tm(next, &tm) != 1)
		goto bad;
	*next_ms = (int64_t)timegm(&tm) * 1000;
	return CAMCA_OK;
bad:
	ERR_clear_error();
	return CAMCA_EINVAL;
}

static int
idevid_root_refused(struct refusal *why, X509 *root, const char *what)
{
	char name[200] = "";

	ERR_clear_error();
	X509_NAME_oneline(X509_get_subject_name(root), name, sizeof name);
	return refuse(why, CAMCA_EINVAL, 400, "idevid.root",
	    "Vendor root %s is refused: %s.", name, what);
}

static int
idevid_check_root(X509 *root, struct refusal *why)
{
	if ((X509_get_extension_flags(root) & EXFLAG_INVALID) != 0 ||
	    X509_check_ca(root) != 1)
		return idevid_root_refused(why, root,
		    "it does not say that it is a CA");
	if ((X509_get_key_usage(root) & KU_KEY_CERT_SIGN) == 0)
		return idevid_root_refused(why, root,
		    "its key usage has no keyCertSign");
	if (X509_self_signed(root, 1) != 1)
		return idevid_root_refused(why, root, "it is not self-signed");
	return CAMCA_OK;
}

int
idevid_check_roots(const char *pem, size_t n, struct refusal *why)
{
	STACK_OF(X509) *roots = NULL;
	int ret = idevid_pem_certs(pem, n, &roots, why);

	if (ret < 0)
		return ret;
	if (sk_X509_num(roots) == 0)
		ret = refuse(why, CAMCA_EINVAL, 400, "idevid.no-roots",
		    "The bundle holds no certificate.");
	for (int i = 0; ret == 0 && i < sk_X509_num(roots); i++)
		ret = idevid_check_root(sk_X509_value(roots, i), why);
	sk_X509_pop_free(roots, X509_free);
	return ret;
}

static int
idevid_check_crl(X509_CRL *crl, const STACK_OF(X509) *roots,
    struct refusal *why)
{
	const char *what = idevid_crl_unusable(crl);
	bool known = false, signed_by = false;
	int64_t this_ms, next_ms;
	char name[200] = "";

	for (int i = 0; i < sk_X509_num(roots); i++) {
		X509 *root = sk_X509_value(roots, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
		    X509_get_subject_name(root)) != 0)
			continue;
		known = true;
		if (X509_CRL_verify(crl, X509_get0_pubkey(root)) == 1)
			signed_by = true;
	}
	ERR_clear_error();
	if (what == NULL && known && !signed_by)
		what = "the root of that name did not sign it";
	if (what == NULL && (idevid_crl_times(crl, &this_ms, &next_ms) < 0 ||
	    next_ms < this_ms))
		what = "it needs thisUpdate and a later nextUpdate";
	if (what == NULL)
		return CAMCA_OK;
	X509_NAME_oneline(X509_CRL_get_issuer(crl), name, sizeof name);
	return refuse(why, CAMCA_EINVAL, 400, "idevid.crl",
	    "The CRL of %s is refused: %s.", name, what);
}

int
idevid_check_crls(const char *pem, size_t n, const char *roots_pem,
    size_t roots_n, struct refusal *why)
{
	STACK_OF(X509) *roots = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	int ret = idevid_pem_certs(roots_pem, roots_n, &roots, why);

	if (ret == 0)
		ret = idevid_pem_crls(pem, n, &crls, why);
	if (ret == 0 && sk_X509_CRL_num(crls) == 0)
		ret = refuse(why, CAMCA_EINVAL, 400, "idevid.no-crls",
		    "The bundle holds no CRL.");
	for (int i = 0; ret == 0 && i < sk_X509_CRL_num(crls); i++)
		ret = idevid_check_crl(sk_X509_CRL_value(crls, i), roots, why);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	sk_X509_pop_free(roots, X509_free);
	return ret;
}

static bool
idevid_is_ours(const struct ca_set *set, X509 *root)
{
	EVP_PKEY *key = X509_get0_pubkey(root);

	for (size_t i = 0; i < set->n; i++) {
		X509 *own = set->list[i].cert;

		if (X509_NAME_cmp(X509_get_subject_name(own),
		    X509_get_subject_name(root)) == 0 || (key != NULL &&
		    EVP_PKEY_eq(X509_get0_pubkey(own), key) == 1))
			return true;
	}
	return false;
}

int
idevid_check_not_ours(const char *pem, size_t n, const struct ca_set *set,
    struct refusal *why)
{
	STACK_OF(X509) *roots = NULL;
	int ret = idevid_pem_certs(pem, n, &roots, why);

	for (int i = 0; ret == 0 && i < sk_X509_num(roots); i++)
		if (idevid_is_ours(set, sk_X509_value(roots, i)))
			ret = refuse(why, CAMCA_EPOLICY, 409,
			    "idevid.root-is-ours",
			    "A vendor root has the name or key of this "
			    "authority's own CA.");
	ERR_clear_error();
	sk_X509_pop_free(roots, X509_free);
	return ret;
}
