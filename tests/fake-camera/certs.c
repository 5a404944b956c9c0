/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of the keystore. */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

/* One certificate in DER and nothing behind it. The dates are not looked at:
 * the clock may be wrong (UploadCertificate: BadCertificate shall not be
 * produced for that). */
static X509 *
certs_parse(struct call *c)
{
	struct buf der;
	const uint8_t *p;
	X509 *x = NULL;

	buf_init(&der, 65536);
	if (xml_base64(xml_child(c->body, "Certificate"), &der) == 0 &&
	    der.len > 0) {
		p = der.data;
		x = d2i_X509(NULL, &p, (long)der.len);
		if (x != NULL && p != der.data + der.len) {
			X509_free(x);
			x = NULL;
		}
	}
	buf_fini(&der);
	ERR_clear_error();
	return x;
}

static struct cert *
certs_same(struct camera *cam, const X509 *x)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (cam->certs[i].x != NULL && X509_cmp(cam->certs[i].x, x) ==
		    0)
			return &cam->certs[i];
	return NULL;
}

static bool
certs_supported(const struct persona *p, EVP_PKEY *pub)
{
	int type = pub != NULL ? EVP_PKEY_get_base_id(pub) : 0;

	return type == EVP_PKEY_RSA || (type == EVP_PKEY_EC && p->ec) ||
	    /* An issuing CA with a curve is read, not used. */
	    type == EVP_PKEY_EC;
}

static bool
certs_shared(struct camera *cam, const struct key *k)
{
	return (cam->persona->no_key_sharing || fault_on(cam,
	    CF_NO_KEY_SHARING)) && store_key_used(cam, k->id);
}

/* What stands against storing it; on success *k_out is the key that it will
 * refer to, NULL where one with the public key alone has to be made. */
static int
certs_rules(struct call *c, X509 *x, struct key **k_out)
{
	struct camera *cam = c->cam;
	EVP_PKEY *pub = X509_get0_pubkey(x);
	bool need = xml_bool(xml_child(c->body, "PrivateKeyRequired"), false);
	struct key *k;

	if (!certs_supported(cam->persona, pub))
		return soap_sender(c, "InvalidArgVal",
		    "UnsupportedPublicKeyAlgorithm", "no such keys");
	if (certs_same(cam, x) != NULL)
		return soap_sender(c, "InvalidArgVal", "Duplicate",
		    "the certificate is there already");
	k = store_key_of(cam, pub);
	*k_out = k;
	if (need && (k == NULL || !k->has_private))
		return soap_receiver(c, "Action", "NoMatchingPrivateKey",
		    "no private key fits");
	if (k != NULL && store_key_status(cam, k) != KEY_OK)
		return soap_sender(c, "InvalidArgVal", "InvalidKeyStatus",
		    "the key is not ready");
	if (k != NULL && k->has_private && certs_shared(cam, k))
		return soap_sender(c, "InvalidArgVal", "InvalidKeyStatus",
		    "the key has a certificate already");
	return CAMCA_OK;
}

static struct key *
certs_public_key(struct call *c, X509 *x)
{
	char alias[CAM_ALIAS];
	struct key *k;

	xml_raw(xml_child(c->body, "KeyAlias"), alias, sizeof alias);
	if ((k = store_new_key(c->cam, alias)) == NULL)
		return NULL;
	k->pkey = X509_get_pubkey(x);
	k->status = KEY_OK;
	return k;
}

static int
certs_store(struct call *c, X509 *x, struct key *k)
{
	struct camera *cam = c->cam;
	struct cert *cert = NULL;
	char alias[CAM_ALIAS];

	xml_raw(xml_child(c->body, "Alias"), alias, sizeof alias);
	if (!fault_hit(cam, CF_KEYSTORE_FULL, c->name))
		cert = store_new_cert(cam, alias);
	if (cert == NULL)
		return soap_receiver(c, "Action",
		    "MaximumNumberOfCertificatesReached",
		    "no room for a certificate");
	if (k == NULL && (k = certs_public_key(c, x)) == NULL) {
		store_drop_cert(cert);
		return soap_receiver(c, "Action",
		    "MaximumNumberOfKeysReached", "no room for its key");
	}
	X509_up_ref(x);
	cert->x = x;
	memcpy(cert->key, k->id, CAM_ID);
	if (fault_hit(cam, CF_DUPLICATE, c->name))
		return soap_sender(c, "InvalidArgVal", "Duplicate",
		    "the certificate is there already");
	xo_text(c->out, "tas:CertificateID", cert->id);
	xo_text(c->out, "tas:KeyID", k->id);
	return CAMCA_OK;
}

int
certs_upload(struct call *c)
{
	AUTO(X509) *x = certs_parse(c);
	struct key *k = NULL;
	int ret;

	if (x == NULL || X509_get_version(x) != 2)
		return soap_sender(c, "InvalidArgVal", "BadCertificate",
		    "not an X.509 v3 certificate in DER");
	ret = certs_rules(c, x, &k);
	return ret < 0 ? ret : certs_store(c, x, k);
}

static void
certs_write(struct call *c, const struct cert *cert)
{
	struct xo *x = c->out;
	struct key *k = store_key(c->cam, cert->key);
	uint8_t *der = NULL;
	int n = i2d_X509(cert->x, &der);

	xo_puts(x, "<tas:Certificate>");
	xo_text(x, "tas:CertificateID", cert->id);
	xo_text(x, "tas:KeyID", cert->key);
	if (cert->alias[0] != '\0')
		xo_text(x, "tas:Alias", cert->alias);
	xo_base64(x, "tas:CertificateContent", der, n > 0 ? (size_t)n : 0);
	xo_bool(x, "tas:HasPrivateKey", k != NULL && k->has_private);
	xo_puts(x, "</tas:Certificate>");
	OPENSSL_free(der);
}

static struct cert *
certs_find(struct call *c)
{
	char id[72];

	xml_text(xml_child(c->body, "CertificateID"), id, sizeof id);
	return store_cert(c->cam, id);
}

int
certs_get(struct call *c)
{
	struct cert *cert = certs_find(c);

	if (cert == NULL)
		return soap_sender(c, "InvalidArgVal", "CertificateID",
		    "no certificate of that id");
	certs_write(c, cert);
	return CAMCA_OK;
}

int
certs_all(struct call *c)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (c->cam->certs[i].id[0] != '\0')
			certs_write(c, &c->cam->certs[i]);
	return CAMCA_OK;
}

int
certs_delete(struct call *c)
{
	struct camera *cam = c->cam;
	struct cert *cert = certs_find(c);
	struct key *k;

	if (cert == NULL)
		return soap_sender(c, "InvalidArgVal", "CertificateID",
		    "no certificate of that id");
	if (store_cert_used(cam, cert->id))
		return soap_sender(c, "InvalidArgVal", "ReferenceExists",
		    "a path or policy refers to the certificate");
	k = store_key(cam, cert->key);
	store_drop_cert(cert);
	if (cam->persona->auto_delete_key && k != NULL && !k->factory &&
	    !store_key_used(cam, k->id)) {
		memcpy(cam->gone_keys[cam->gone_next++ % 4], k->id, CAM_ID);
		store_drop_key(k);
	}
	return CAMCA_OK;
}
