/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs of the keystore (security specification, key management). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake-camera/keygen.h"
#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

static bool
keys_length(const struct persona *p, const char *bits)
{
	const char *s = p->rsa_lengths;
	size_t n = strlen(bits);

	for (; *s != '\0'; s += strspn(s, " ")) {
		if (strncmp(s, bits, n) == 0 && (s[n] == ' ' || s[n] == '\0'))
			return n > 0;
		s += strcspn(s, " ");
	}
	return false;
}

static int
keys_create(struct call *c, unsigned bits, const char *curve)
{
	struct camera *cam = c->cam;
	struct key *k = NULL;
	char alias[CAM_ALIAS];

	xml_raw(xml_child(c->body, "Alias"), alias, sizeof alias);
	if (!fault_hit(cam, CF_KEYSTORE_FULL, c->name))
		k = store_new_key(cam, alias);
	if (k == NULL)
		return soap_receiver(c, "Action",
		    "MaximumNumberOfKeysReached", "no room for a key");
	k->has_private = true;
	k->stuck = fault_hit(cam, CF_KEY_STUCK, c->name);
	if (fault_hit(cam, CF_KEY_CORRUPT, c->name))
		k->status = KEY_CORRUPT;
	else if (!k->stuck && !keygen_order(cam, k, bits, curve))
		k->status = KEY_CORRUPT;
	xo_text(c->out, "tas:KeyID", k->id);
	xo_text(c->out, "tas:EstimatedCreationTime", bits > 2048 ? "PT3S" :
	    "PT1S");
	return CAMCA_OK;
}

int
keys_rsa(struct call *c)
{
	char bits[12];

	xml_text(xml_child(c->body, "KeyLength"), bits, sizeof bits);
	if (!keys_length(c->cam->persona, bits))
		return soap_sender(c, "InvalidArgVal", "KeyLength",
		    "no keys of that length");
	return keys_create(c, (unsigned)strtoul(bits, NULL, 10), "");
}

int
keys_ecc(struct call *c)
{
	char curve[24];

	if (!c->cam->persona->ec)
		return soap_receiver(c, "ActionNotSupported", "",
		    "no elliptic curves");
	xml_raw(xml_child(c->body, "EllipticCurve"), curve, sizeof curve);
	if (strcmp(curve, "secp256r1") != 0 && strcmp(curve, "secp384r1") !=
	    0)
		return soap_sender(c, "InvalidArgVal",
		    "UnsupportedEllipticCurve", "no keys of that curve");
	return keys_create(c, 0, curve);
}

static struct key *
keys_find(struct call *c)
{
	char id[72];

	xml_text(xml_child(c->body, "KeyID"), id, sizeof id);
	return store_key(c->cam, id);
}

int
keys_status(struct call *c)
{
	struct key *k = keys_find(c);

	if (k == NULL)
		return soap_sender(c, "InvalidArgVal", "KeyID",
		    "no key of that id");
	xo_text(c->out, "tas:KeyStatus", store_status_name(
	    store_key_status(c->cam, k)));
	return CAMCA_OK;
}

int
keys_all(struct call *c)
{
	struct xo *x = c->out;
	struct key *k;
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++) {
		k = &c->cam->keys[i];
		if (k->id[0] == '\0')
			continue;
		xo_puts(x, "<tas:KeyAttribute>");
		xo_text(x, "tas:KeyID", k->id);
		if (k->alias[0] != '\0')
			xo_text(x, "tas:Alias", k->alias);
		xo_bool(x, "tas:hasPrivateKey", k->has_private);
		xo_text(x, "tas:KeyStatus", store_status_name(
		    store_key_status(c->cam, k)));
		xo_bool(x, "tas:externallyGenerated", !k->has_private);
		xo_bool(x, "tas:securelyStored", k->has_private);
		xo_puts(x, "</tas:KeyAttribute>");
	}
	return CAMCA_OK;
}

/* With AutoDeleteKey the key went with its certificate; deleting it again is
 * no fault (release 25.12). */
static bool
keys_gone(const struct camera *cam, const char *id)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		if (id[0] != '\0' && strcmp(cam->gone_keys[i], id) == 0)
			return true;
	return false;
}

int
keys_delete(struct call *c)
{
	struct key *k = keys_find(c);
	char id[72];

	xml_text(xml_child(c->body, "KeyID"), id, sizeof id);
	if (k == NULL && keys_gone(c->cam, id))
		return CAMCA_OK;
	if (k == NULL)
		return soap_sender(c, "InvalidArgVal", "KeyID",
		    "no key of that id");
	if (store_key_used(c->cam, k->id))
		return soap_sender(c, "InvalidArgVal", "ReferenceExists",
		    "a certificate refers to the key");
	if (k->factory && c->cam->persona->auto_delete_key)
		return soap_receiver(c, "Action", "KeyDeletionFailed",
		    "the key of the factory stays");
	store_drop_key(k);
	return CAMCA_OK;
}
