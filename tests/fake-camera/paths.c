/* SPDX-License-Identifier: Apache-2.0 */
/* Certification paths, and the one that the TLS server shows. */
#include <openssl/err.h>
#include <string.h>

#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

/* Each signed with the key of the next. */
static bool
paths_signed(struct camera *cam, const struct path *p)
{
	struct cert *a, *b;
	unsigned i;
	bool good = true;

	for (i = 0; i + 1 < p->n && good; i++) {
		a = store_cert(cam, p->certs[i]);
		b = store_cert(cam, p->certs[i + 1]);
		good = X509_verify(a->x, X509_get0_pubkey(b->x)) == 1;
	}
	ERR_clear_error();
	return good;
}

static int
paths_fill(struct call *c, struct path *p)
{
	const xmlNode *n = xml_first(xml_child(c->body, "CertificateIDs"));
	struct cert *cert;
	char id[72];

	for (; n != NULL; n = xml_next(n)) {
		xml_text(n, id, sizeof id);
		if ((cert = store_cert(c->cam, id)) == NULL)
			return soap_sender(c, "InvalidArgVal",
			    "CertificateID", "no certificate of that id");
		if (p->n == CAM_CHAIN)
			return soap_receiver(c, "Action",
			    "CertificationPathCreationFailed",
			    "the path is too long");
		memcpy(p->certs[p->n++], cert->id, CAM_ID);
	}
	if (!paths_signed(c->cam, p))
		return soap_sender(c, "InvalidArgVal",
		    "InvalidCertificationPath",
		    "a certificate is not signed by the next");
	return CAMCA_OK;
}

int
paths_create(struct call *c)
{
	struct path *p = NULL;
	char alias[CAM_ALIAS];
	int ret;

	xml_raw(xml_child(c->body, "Alias"), alias, sizeof alias);
	if (!fault_hit(c->cam, CF_KEYSTORE_FULL, c->name))
		p = store_new_path(c->cam, alias);
	if (p == NULL)
		return soap_receiver(c, "Action",
		    "MaximumNumberOfCertificationPathsReached",
		    "no room for a path");
	if ((ret = paths_fill(c, p)) < 0) {
		store_drop_path(p);
		return ret;
	}
	xo_text(c->out, "tas:CertificationPathID", p->id);
	return CAMCA_OK;
}

static struct path *
paths_find(struct call *c, const char *element)
{
	char id[72];

	xml_text(xml_child(c->body, element), id, sizeof id);
	return store_path(c->cam, id);
}

static int
paths_none(struct call *c, const char *sub)
{
	return soap_sender(c, "InvalidArgVal", sub, "no path of that id");
}

int
paths_get(struct call *c)
{
	struct path *p = paths_find(c, "CertificationPathID");
	unsigned i;

	if (p == NULL)
		return paths_none(c, "CertificationPathID");
	xo_puts(c->out, "<tas:CertificationPath>");
	for (i = 0; i < p->n; i++)
		xo_text(c->out, "tas:CertificateID", p->certs[i]);
	if (p->alias[0] != '\0')
		xo_text(c->out, "tas:Alias", p->alias);
	xo_puts(c->out, "</tas:CertificationPath>");
	return CAMCA_OK;
}

int
paths_all(struct call *c)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (c->cam->paths[i].id[0] != '\0')
			xo_text(c->out, "tas:CertificationPathID",
			    c->cam->paths[i].id);
	return CAMCA_OK;
}

int
paths_delete(struct call *c)
{
	struct path *p = paths_find(c, "CertificationPathID");

	if (p == NULL)
		return paths_none(c, "CertificationPathID");
	if (store_path_used(c->cam, p->id))
		return soap_sender(c, "InvalidArgVal", "ReferenceExists",
		    "the path is assigned to the TLS server");
	store_drop_path(p);
	return CAMCA_OK;
}

/* ---- the assignment ---- */

static bool
assign_private(struct camera *cam, const struct path *p)
{
	struct cert *leaf = store_cert(cam, p->certs[0]);
	struct key *k = leaf != NULL ? store_key(cam, leaf->key) : NULL;

	return k != NULL && k->has_private;
}

static int
assign_to(struct call *c, const struct path *p)
{
	if (!assign_private(c->cam, p))
		return soap_sender(c, "InvalidArgVal", "NoPrivateKey",
		    "the first certificate has no private key here");
	if (strcmp(c->cam->assigned, p->id) == 0)
		return CAMCA_OK;
	memcpy(c->cam->assigned, p->id, CAM_ID);
	tls_assign(c->cam, true);
	return CAMCA_OK;
}

int
assign_add(struct call *c)
{
	struct path *p = paths_find(c, "CertificationPathID");

	if (p == NULL)
		return paths_none(c, "CertificationPathID");
	if (c->cam->assigned[0] != '\0' &&
	    strcmp(c->cam->assigned, p->id) != 0)
		return soap_receiver(c, "Action",
		    "MaximumNumberOfTLSCertificationPathsReached",
		    "one path is assigned already");
	return assign_to(c, p);
}

int
assign_replace(struct call *c)
{
	struct path *old = paths_find(c, "OldCertificationPathID");
	struct path *new = paths_find(c, "NewCertificationPathID");

	if (old == NULL || strcmp(old->id, c->cam->assigned) != 0)
		return paths_none(c, "OldCertificationPathID");
	if (new == NULL)
		return paths_none(c, "NewCertificationPathID");
	return assign_to(c, new);
}

int
assign_remove(struct call *c)
{
	struct path *p = paths_find(c, "CertificationPathID");

	if (p == NULL || strcmp(p->id, c->cam->assigned) != 0)
		return paths_none(c, "OldCertificationPathID");
	if (c->cam->https.enabled)
		return soap_sender(c, "InvalidArgVal", "ReferenceExists",
		    "the TLS server is enabled");
	c->cam->assigned[0] = '\0';
	tls_assign(c->cam, true);
	return CAMCA_OK;
}

int
assign_all(struct call *c)
{
	if (c->cam->assigned[0] != '\0')
		xo_text(c->out, "tas:CertificationPathID",
		    c->cam->assigned);
	return CAMCA_OK;
}
