/* SPDX-License-Identifier: Apache-2.0 */
/* Validation policies and the demand for client certificates. */
#include <stdio.h>
#include <string.h>

#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

static int
policies_anchors(struct call *c, struct policy *p)
{
	const xmlNode *n;
	struct cert *cert;
	char id[72];

	for (n = xml_first(c->body); n != NULL; n = xml_next(n)) {
		if (strcmp((const char *)n->name, "TrustAnchor") != 0)
			continue;
		xml_text(xml_child(n, "CertificateID"), id, sizeof id);
		if ((cert = store_cert(c->cam, id)) == NULL)
			return soap_sender(c, "InvalidArgVal",
			    "CertificateID", "no certificate of that id");
		if (p->n == CAM_CHAIN)
			return soap_sender(c, "InvalidArgVal",
			    "CertPathValidationParameters",
			    "too many trust anchors");
		memcpy(p->anchors[p->n++], cert->id, CAM_ID);
	}
	return CAMCA_OK;
}

int
policies_create(struct call *c)
{
	const xmlNode *params = xml_child(c->body, "Parameters");
	struct policy *p;
	char alias[CAM_ALIAS];
	int ret;

	xml_raw(xml_child(c->body, "Alias"), alias, sizeof alias);
	if ((p = store_new_policy(c->cam, alias)) == NULL)
		return soap_receiver(c, "Action",
		    "MaximumNumberOfCertPathValidationPoliciesReached",
		    "no room for a policy");
	p->require_eku = xml_bool(xml_child(params,
	    "RequireTLSWWWClientAuthExtendedKeyUsage"), false);
	p->delta = xml_bool(xml_child(params, "UseDeltaCRLs"), false);
	if ((ret = policies_anchors(c, p)) < 0) {
		memset(p, 0, sizeof *p);
		return ret;
	}
	xo_text(c->out, "tas:CertPathValidationPolicyID", p->id);
	return CAMCA_OK;
}

static void
policies_write(struct xo *x, const struct policy *p)
{
	unsigned i;

	xo_puts(x, "<tas:CertPathValidationPolicy>");
	xo_text(x, "tas:CertPathValidationPolicyID", p->id);
	if (p->alias[0] != '\0')
		xo_text(x, "tas:Alias", p->alias);
	xo_puts(x, "<tas:Parameters>");
	xo_bool(x, "tas:RequireTLSWWWClientAuthExtendedKeyUsage",
	    p->require_eku);
	xo_bool(x, "tas:UseDeltaCRLs", p->delta);
	xo_puts(x, "</tas:Parameters>");
	for (i = 0; i < p->n; i++) {
		xo_puts(x, "<tas:TrustAnchor>");
		xo_text(x, "tas:CertificateID", p->anchors[i]);
		xo_puts(x, "</tas:TrustAnchor>");
	}
	xo_puts(x, "</tas:CertPathValidationPolicy>");
}

static struct policy *
policies_find(struct call *c, const char *element)
{
	char id[72];

	xml_text(xml_child(c->body, element), id, sizeof id);
	return store_policy(c->cam, id);
}

static int
policies_none(struct call *c, const char *sub)
{
	return soap_sender(c, "InvalidArgVal", sub, "no policy of that id");
}

int
policies_get(struct call *c)
{
	struct policy *p = policies_find(c, "CertPathValidationPolicyID");

	if (p == NULL)
		return policies_none(c, "CertPathValidationPolicyID");
	policies_write(c->out, p);
	return CAMCA_OK;
}

int
policies_all(struct call *c)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (c->cam->policies[i].id[0] != '\0')
			policies_write(c->out, &c->cam->policies[i]);
	return CAMCA_OK;
}

int
policies_delete(struct call *c)
{
	struct policy *p = policies_find(c, "CertPathValidationPolicyID");

	if (p == NULL)
		return policies_none(c, "CertPathValidationPolicyID");
	if (strcmp(c->cam->assigned_policy, p->id) == 0)
		return soap_sender(c, "InvalidArgVal", "ReferenceExists",
		    "the policy is assigned to the TLS server");
	memset(p, 0, sizeof *p);
	return CAMCA_OK;
}

int
policies_add(struct call *c)
{
	struct policy *p = policies_find(c, "CertPathValidationPolicyID");

	if (p == NULL)
		return policies_none(c, "CertPathValidationPolicyID");
	if (!c->cam->persona->client_auth || (c->cam->assigned_policy[0] !=
	    '\0' && strcmp(c->cam->assigned_policy, p->id) != 0))
		return soap_receiver(c, "Action",
		    "MaximumNumberOfTLSCertPathValidationPoliciesReached",
		    "one policy is assigned already, or none can be");
	memcpy(c->cam->assigned_policy, p->id, CAM_ID);
	return CAMCA_OK;
}

int
policies_remove(struct call *c)
{
	struct policy *p = policies_find(c, "CertPathValidationPolicyID");

	if (p == NULL || strcmp(c->cam->assigned_policy, p->id) != 0)
		return policies_none(c, "CertPathValidationPolicyID");
	c->cam->assigned_policy[0] = '\0';
	c->cam->client_auth = false;
	return CAMCA_OK;
}

int
policies_replace(struct call *c)
{
	struct policy *old = policies_find(c, "OldCertPathValidationPolicyID");
	struct policy *new = policies_find(c, "NewCertPathValidationPolicyID");

	if (old == NULL || strcmp(c->cam->assigned_policy, old->id) != 0)
		return policies_none(c, "OldCertPathValidationPolicyID");
	if (new == NULL)
		return policies_none(c, "NewCertPathValidationPolicyID");
	memcpy(c->cam->assigned_policy, new->id, CAM_ID);
	return CAMCA_OK;
}

int
policies_assigned(struct call *c)
{
	if (c->cam->assigned_policy[0] != '\0')
		xo_text(c->out, "tas:CertPathValidationPolicyID",
		    c->cam->assigned_policy);
	return CAMCA_OK;
}

int
policies_set_auth(struct call *c)
{
	bool on = xml_bool(xml_child(c->body, "clientAuthenticationRequired"),
	    false);

	if (on && (!c->cam->persona->client_auth ||
	    c->cam->assigned_policy[0] == '\0'))
		return soap_receiver(c, "ActionNotSupported",
		    "EnablingClientAuthenticationFailed",
		    "no policy is assigned to the TLS server");
	c->cam->client_auth = on;
	return CAMCA_OK;
}

int
policies_auth(struct call *c)
{
	xo_bool(c->out, "tas:clientAuthenticationRequired",
	    c->cam->client_auth);
	return CAMCA_OK;
}

int
policies_set_cn(struct call *c)
{
	bool on = xml_bool(xml_child(c->body, "cnMapsToUser"), false);

	if (on && !c->cam->persona->client_auth)
		return soap_receiver(c, "ActionNotSupported",
		    "CnMapsToUserFailed", "no client certificates here");
	c->cam->cn_maps = on;
	return CAMCA_OK;
}

int
policies_cn(struct call *c)
{
	xo_bool(c->out, "tas:cnMapsToUser", c->cam->cn_maps);
	return CAMCA_OK;
}
