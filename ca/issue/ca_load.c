/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert.h"

#define CA_SET_MAX 4096         /* generations; more is a damaged store */

static int
ca_blob_copy(struct store_blob *to, const struct store_blob *from)
{
	to->p = NULL;
	to->n = 0;
	if (from->n == 0)
		return CAMCA_OK;
	to->p = malloc(from->n);
	if (to->p == NULL)
		return CAMCA_ENOMEM;
	memcpy(to->p, from->p, from->n);
	to->n = from->n;
	return CAMCA_OK;
}

static int
ca_load_row(const struct issuer_row *r, void *arg)
{
	struct ca_set *set = arg;
	struct ca *list;
	struct issuer_row *row;

	if (set->n >= CA_SET_MAX)
		return CAMCA_ELIMIT;
	list = realloc(set->list, (set->n + 1) * sizeof *list);
	if (list == NULL)
		return CAMCA_ENOMEM;
	set->list = list;
	memset(&list[set->n], 0, sizeof *list);
	row = &list[set->n++].row;
	*row = *r;
	row->cert = row->old_with_new = row->new_with_old =
	    (struct store_blob){ NULL, 0 };
	/* One snapshot differs from an earlier one by a new row or by a row
	 * that went from ACTIVE to OLD; both make this sum larger. */
	set->epoch += r->state == ISSUER_OLD ? 2 : 1;
	if (ca_blob_copy(&row->cert, &r->cert) < 0 ||
	    ca_blob_copy(&row->old_with_new, &r->old_with_new) < 0 ||
	    ca_blob_copy(&row->new_with_old, &r->new_with_old) < 0)
		return CAMCA_ENOMEM;
	return CAMCA_OK;
}

static int
ca_load_tx(struct tx *tx, void *arg)
{
	struct ca_set *set = arg;

	/* May run again: nothing of an earlier run stays. */
	for (size_t i = 0; i < set->n; i++)
		store_issuer_free(&set->list[i].row);
	set->n = 0;
	set->epoch = 0;
	return store_issuer_list(tx, ca_load_row, set);
}

static int
ca_refused(const struct ca *ca, struct refusal *why, const char *what)
{
	ERR_clear_error();
	log_msg(LOG_ERROR, ca->row.name, "generation %lld: %s",
	    (long long)ca->row.generation, what);
	return refuse(why, CAMCA_EINVAL, 500, "ca.issuer",
	    "Issuer %s, generation %lld: %s.", ca->row.name,
	    (long long)ca->row.generation, what);
}

/* A whole DER certificate; NULL for an empty blob with ret 0. */
static int
ca_decode(const struct store_blob *b, X509 **out)
{
	const unsigned char *p = b->p;

	*out = NULL;
	if (b->n == 0)
		return CAMCA_OK;
	if (b->n > 65536)
		return CAMCA_ELIMIT;
	*out = d2i_X509(NULL, &p, (long)b->n);
	if (*out == NULL || p != b->p + b->n)
		return CAMCA_EINVAL;
	return CAMCA_OK;
}

/* What is true of each certificate under a CA's name (RFC 5280 4.2.1). */
static bool
ca_is_ca(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);

	return (flags & EXFLAG_INVALID) == 0 && (flags & EXFLAG_CA) != 0 &&
	    (flags & EXFLAG_CRITICAL) == 0 &&
	    (X509_get_key_usage(cert) & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) ==
	    (KU_KEY_CERT_SIGN | KU_CRL_SIGN);
}

/* cert carries key and subject of ca and is signed by signer. */
static bool
ca_links(X509 *cert, X509 *of, X509 *signer)
{
	EVP_PKEY *key = X509_get0_pubkey(of), *by = X509_get0_pubkey(signer);

	return key != NULL && by != NULL && ca_is_ca(cert) &&
	    EVP_PKEY_eq(X509_get0_pubkey(cert), key) == 1 &&
	    X509_NAME_cmp(X509_get_subject_name(cert),
	    X509_get_subject_name(of)) == 0 &&
	    X509_NAME_cmp(X509_get_issuer_name(cert),
	    X509_get_subject_name(signer)) == 0 && X509_verify(cert, by) == 1;
}

static int
ca_load_cert(struct ca *ca, struct refusal *why)
{
	const ASN1_OCTET_STRING *ski;

	if (ca_decode(&ca->row.cert, &ca->cert) < 0 || ca->cert == NULL ||
	    ca_decode(&ca->row.old_with_new, &ca->old_with_new) < 0 ||
	    ca_decode(&ca->row.new_with_old, &ca->new_with_old) < 0)
		return ca_refused(ca, why, "a stored certificate is damaged");
	if (cert_times(ca->cert, &ca->not_before_ms, &ca->not_after_ms) < 0 ||
	    !ca_is_ca(ca->cert))
		return ca_refused(ca, why,
		    "its certificate is no CA certificate");
	ski = X509_get0_subject_key_id(ca->cert);
	if (ski == NULL || ASN1_STRING_length(ski) != 20 ||
	    memcmp(ASN1_STRING_get0_data(ski), ca->row.ski, 20) != 0)
		return ca_refused(ca, why,
		    "its subject key identifier is not the stored one");
	return CAMCA_OK;
}

static int
ca_load_key(struct ca *ca, struct hsm *h, struct refusal *why)
{
	AUTO(EVP_PKEY) *pub = NULL;
	int ret = hsm_key_open(h, ca->row.key_uri, &ca->key, why);

	if (ret < 0) {
		log_msg(LOG_ERROR, ca->row.name, "key %s: %s", ca->row.key_uri,
		    camca_strerror(ret));
		return refuse_default(why, ret);
	}
	pub = hsm_key_public(ca->key);
	if (pub == NULL ||
	    EVP_PKEY_eq(pub, X509_get0_pubkey(ca->cert)) != 1)
		return ca_refused(ca, why,
		    "the key in the token is not its certificate's");
	return CAMCA_OK;
}

static const struct ca *
ca_generation(const struct ca_set *set, const char *name, int64_t generation)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->list[i].row.generation == generation &&
		    strcmp(set->list[i].row.name, name) == 0)
			return &set->list[i];
	return NULL;
}

static int
ca_load_links(const struct ca_set *set, const struct ca *ca,
    struct refusal *why)
{
	const struct ca *parent = ca, *prev, *active;

	if (ca->row.parent != 0)
		parent = ca_by_id(set, ca->row.parent);
	if (parent == NULL || !ca_links(ca->cert, ca->cert, parent->cert) ||
	    (parent != ca && parent->row.parent != 0))
		return ca_refused(ca, why, "its parent did not sign it");
	active = ca_active(set, ca->row.name);
	if (active == NULL || active->row.generation < ca->row.generation ||
	    (ca->row.state == ISSUER_ACTIVE && active != ca))
		return ca_refused(ca, why,
		    "the newest generation is not the only active one");
	if (ca->old_with_new == NULL && ca->new_with_old == NULL)
		return CAMCA_OK;
	prev = ca_generation(set, ca->row.name, ca->row.generation - 1);
	if (prev == NULL || ca->old_with_new == NULL ||
	    ca->new_with_old == NULL ||
	    !ca_links(ca->old_with_new, prev->cert, ca->cert) ||
	    !ca_links(ca->new_with_old, ca->cert, prev->cert))
		return ca_refused(ca, why,
		    "its rollover certificates do not join it to the "
		    "generation before");
	return CAMCA_OK;
}

int
ca_set_load(struct ca_set **out, struct store *s, struct hsm *h,
    struct refusal *why)
{
	struct ca_set *set = calloc(1, sizeof *set);
	int ret;

	if (set == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	set->refs = 1;
	ret = store_tx(s, DB_READ, ca_load_tx, set);
	for (size_t i = 0; ret == 0 && i < set->n; i++) {
		ret = ca_load_cert(&set->list[i], why);
		if (ret == 0)
			ret = ca_load_key(&set->list[i], h, why);
	}
	for (size_t i = 0; ret == 0 && i < set->n; i++)
		ret = ca_load_links(set, &set->list[i], why);
	ERR_clear_error();
	if (ret < 0) {
		ca_set_free(set);
		return refuse_default(why, ret);
	}
	*out = set;
	return CAMCA_OK;
}
