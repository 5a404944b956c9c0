/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs of the keystore. */
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

#define CRL_MAX 262144

static X509_CRL *
crls_parse(struct call *c)
{
	struct buf der;
	const uint8_t *p;
	X509_CRL *crl = NULL;

	buf_init(&der, CRL_MAX);
	if (xml_base64(xml_child(c->body, "Crl"), &der) == 0 && der.len > 0) {
		p = der.data;
		crl = d2i_X509_CRL(NULL, &p, (long)der.len);
		if (crl != NULL && p != der.data + der.len) {
			X509_CRL_free(crl);
			crl = NULL;
		}
	}
	buf_fini(&der);
	ERR_clear_error();
	return crl;
}

/* Complete and direct, as the specification asks: no delta, not indirect. */
static bool
crls_plain(const X509_CRL *crl)
{
	return X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

int
crls_upload(struct call *c)
{
	AUTO(X509_CRL) *crl = crls_parse(c);
	struct crl *slot;
	char alias[CAM_ALIAS];

	if (store_max_crls(c->cam) == 0) {
		fault_hit(c->cam, CF_NO_CRL, c->name);
		return soap_receiver(c, "ActionNotSupported", "",
		    "the camera keeps no CRLs");
	}
	if (crl == NULL || !crls_plain(crl))
		return soap_sender(c, "InvalidArgVal", "BadCRL",
		    "not a complete CRL in DER");
	xml_raw(xml_child(c->body, "Alias"), alias, sizeof alias);
	if ((slot = store_new_crl(c->cam, alias)) == NULL)
		return soap_receiver(c, "Action",
		    "MaximumNumberOfCRLsReached", "no room for a CRL");
	slot->crl = TAKE(crl);
	xo_text(c->out, "tas:CrlID", slot->id);
	return CAMCA_OK;
}

static void
crls_write(struct xo *x, const struct crl *crl)
{
	uint8_t *der = NULL;
	int n = i2d_X509_CRL(crl->crl, &der);

	/* An element of requests is CrlID, inside of tas:CRL it is CRLID. */
	xo_puts(x, "<tas:Crl>");
	xo_text(x, "tas:CRLID", crl->id);
	xo_text(x, "tas:Alias", crl->alias);
	xo_base64(x, "tas:CRLContent", der, n > 0 ? (size_t)n : 0);
	xo_puts(x, "</tas:Crl>");
	OPENSSL_free(der);
}

static struct crl *
crls_find(struct call *c)
{
	char id[72];

	xml_text(xml_child(c->body, "CrlID"), id, sizeof id);
	return store_crl(c->cam, id);
}

static int
crls_none(struct call *c)
{
	return soap_sender(c, "InvalidArgVal", "CRLID", "no CRL of that id");
}

int
crls_get(struct call *c)
{
	struct crl *crl = crls_find(c);

	if (crl == NULL)
		return crls_none(c);
	crls_write(c->out, crl);
	return CAMCA_OK;
}

int
crls_all(struct call *c)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (c->cam->crls[i].id[0] != '\0')
			crls_write(c->out, &c->cam->crls[i]);
	return CAMCA_OK;
}

int
crls_delete(struct call *c)
{
	struct crl *crl = crls_find(c);

	if (crl == NULL)
		return crls_none(c);
	store_drop_crl(crl);
	return CAMCA_OK;
}
