/* SPDX-License-Identifier: Apache-2.0 */
/* What the server wants to see in a certification request: CSR Attributes,
 * RFC 7030 section 4.5.2 as corrected by RFC 8951 and RFC 9908. */
#ifndef CAMCA_RENEW_CSRATTRS_H
#define CAMCA_RENEW_CSRATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define CSRATTRS_RDN_MAX 16

/* One naming attribute of a template; value NULL: the client fills it in. */
struct csrattrs_rdn {
	ASN1_OBJECT *type;
	ASN1_TYPE *value;
	int set;                  /* attributes of one set share a number */
};

struct csrattrs {
	bool challenge_password;  /* RFC 7030 3.5 linking is asked for */
	bool identity_linking;    /* RFC 7894 estIdentityLinking is */
	int key_nid;              /* NID_rsaEncryption, NID_X9_62_id_ecPublicKey
	                             or NID_undef */
	int curve_nid;            /* NID_undef where not said */
	int rsa_bits;             /* 0 where not said */
	int digest_nid;           /* of the wanted signature algorithm */
	int digest_key_nid;       /* the key type it goes with */
	bool has_template;        /* RFC 9908 3.4: a template is there */
	struct csrattrs_rdn rdn[CSRATTRS_RDN_MAX];
	size_t rdn_count;
	STACK_OF(X509_EXTENSION) *extensions;  /* with values; NULL for none */
};

void csrattrs_init(struct csrattrs *a);
void csrattrs_fini(struct csrattrs *a);
/* Reads the body of a /csrattrs response (base64 of DER); a is initialised by
 * this call and wants csrattrs_fini() in every case. Attributes we do not know
 * are passed over (RFC 7030 4.5.2). Where a template is present the older
 * attributes beside it are ignored, but for the linking ones (RFC 9908 3.4).
 * CAMCA_EPROTO and why for malformed ones. */
CAMCA_MUST int csrattrs_parse(struct csrattrs *a, const struct buf *body,
    struct refusal *why);

#endif
