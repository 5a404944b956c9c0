/* SPDX-License-Identifier: Apache-2.0 */
/* From entries to a signed CRL, in place: no entry is copied. */
#ifndef CAMCA_STATUS_CRL_MAKE_H
#define CAMCA_STATUS_CRL_MAKE_H

#include "ca/issue/ca.h"
#include "ca/status/crl_list.h"
#include "ca/store/store.h"

struct crl_made {
	const uint8_t *p;                /* the CRL, inside the list's memory
	                                  * until its next merge */
	size_t n;
	const uint8_t *tbs;
	size_t tbs_n;
	uint8_t tbs_hash[EVP_MAX_MD_SIZE];
	unsigned tbs_hash_n;
};

/* TBSCertList (RFC 5280 5.1.2) around the entries of l with row's number and
 * times, signed by ca's key: v2, AKI, CRLNumber, no IDP, no revokedCertificates
 * where there is no entry. All but the outer lengths comes from OpenSSL's
 * templates. CAMCA_EHSM, CAMCA_EPIN, CAMCA_ELIMIT past CRL_SIZE_MAX. */
#define CRL_SIZE_MAX (1u << 30)
CAMCA_MUST int crl_make(struct crl_list *l, const struct ca *ca,
    const struct crl_file_row *row, struct crl_made *out);

#endif
