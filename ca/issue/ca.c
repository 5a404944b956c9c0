/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/cert.h"

struct ca_set *
ca_set_ref(struct ca_set *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	return set;
}

void
ca_set_free(struct ca_set *set)
{
	if (set == NULL ||
	    __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < set->n; i++) {
		struct ca *ca = &set->list[i];

		X509_free(ca->cert);
		X509_free(ca->old_with_new);
		X509_free(ca->new_with_old);
		hsm_key_free(ca->key);
		store_issuer_free(&ca->row);
	}
	free(set->list);
	free(set);
}

const struct ca *
ca_active(const struct ca_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->list[i].row.state == ISSUER_ACTIVE &&
		    strcmp(set->list[i].row.name, name) == 0)
			return &set->list[i];
	return NULL;
}

const struct ca *
ca_by_id(const struct ca_set *set, int64_t id)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->list[i].row.id == id)
			return &set->list[i];
	return NULL;
}

const struct ca *
ca_by_ski(const struct ca_set *set, const uint8_t ski[static 20])
{
	for (size_t i = 0; i < set->n; i++)
		if (memcmp(set->list[i].row.ski, ski, 20) == 0)
			return &set->list[i];
	return NULL;
}

const struct ca *
ca_root(const struct ca_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->list[i].row.parent == 0 &&
		    set->list[i].row.state == ISSUER_ACTIVE)
			return &set->list[i];
	return NULL;
}

/* Borrowed references only: freed with sk_X509_free. */
static int
ca_bag_push(STACK_OF(X509) *bag, X509 *cert, int64_t now_ms)
{
	int64_t first, last;

	if (cert == NULL || cert_times(cert, &first, &last) < 0 ||
	    last < now_ms)
		return CAMCA_OK;
	return sk_X509_push(bag, cert) > 0 ? CAMCA_OK : CAMCA_ENOMEM;
}

/* Every generation of a name, the newest first; rollover certificates behind
 * the generation that they came with (RFC 7030 4.1.3). */
static int
ca_bag_name(const struct ca_set *set, const char *name, int64_t now_ms,
    STACK_OF(X509) *bag)
{
	int64_t below = INT64_MAX;
	const struct ca *next;

	do {
		next = NULL;
		for (size_t i = 0; i < set->n; i++) {
			const struct ca *ca = &set->list[i];

			if (strcmp(ca->row.name, name) == 0 &&
			    ca->row.generation < below && (next == NULL ||
			    ca->row.generation > next->row.generation))
				next = ca;
		}
		if (next == NULL)
			break;
		below = next->row.generation;
		if (ca_bag_push(bag, next->cert, now_ms) < 0 ||
		    ca_bag_push(bag, next->new_with_old, now_ms) < 0 ||
		    ca_bag_push(bag, next->old_with_new, now_ms) < 0)
			return CAMCA_ENOMEM;
	} while (next != NULL);
	return CAMCA_OK;
}

int
ca_bag(const struct ca_set *set, const char *name, int64_t now_ms,
    struct buf *out)
{
	const struct ca *ca = ca_active(set, name), *root = ca_root(set);
	STACK_OF(X509) *bag;
	int ret;

	if (ca == NULL || root == NULL)
		return CAMCA_ENOENT;
	bag = sk_X509_new_null();
	if (bag == NULL)
		return CAMCA_ENOMEM;
	/* The newest generation is the active one: ca_set_load() sees to it. */
	ret = ca_bag_name(set, name, now_ms, bag);
	if (ret == 0 && ca->row.parent != 0)
		ret = ca_bag_name(set, root->row.name, now_ms, bag);
	if (ret == 0)
		ret = cert_bag(bag, out);
	sk_X509_free(bag);
	return ret;
}

static int
ca_pem_put(BIO *bio, X509 *cert)
{
	return cert == NULL || PEM_write_bio_X509(bio, cert) == 1 ?
	    CAMCA_OK : CAMCA_ENOMEM;
}

int
ca_chain_pem(const struct ca_set *set, const struct ca *ca, struct buf *out)
{
	AUTO(BIO) *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	(void)set;
	if (bio == NULL || ca_pem_put(bio, ca->cert) < 0 ||
	    ca_pem_put(bio, ca->new_with_old) < 0) {
		ERR_clear_error();
		return CAMCA_ENOMEM;
	}
	n = BIO_get_mem_data(bio, &p);
	return n < 0 ? CAMCA_ENOMEM : buf_put(out, p, (size_t)n);
}
