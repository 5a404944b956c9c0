/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/fake-camera/store.h"

/* The same four lines for five kinds of objects. */
#define STORE_FIND(fn, type, field) \
struct type * \
fn(struct camera *cam, const char *id) \
{ \
	unsigned i; \
 \
	for (i = 0; i < CAM_SLOTS; i++) \
		if (id[0] != '\0' && strcmp(cam->field[i].id, id) == 0) \
			return &cam->field[i]; \
	return NULL; \
}
#define STORE_NEW(fn, type, field, most, prefix) \
struct type * \
fn(struct camera *cam, const char *alias) \
{ \
	struct type *free_slot = NULL; \
	unsigned i, used = 0; \
 \
	for (i = CAM_SLOTS; i-- > 0; ) \
		if (cam->field[i].id[0] == '\0') \
			free_slot = &cam->field[i]; \
		else \
			used++; \
	if (free_slot == NULL || used >= (most)) \
		return NULL; \
	memset(free_slot, 0, sizeof *free_slot); \
	camera_id(cam, free_slot->id, prefix); \
	snprintf(free_slot->alias, CAM_ALIAS, "%s", alias); \
	return free_slot; \
}

STORE_FIND(store_key, key, keys)
STORE_FIND(store_cert, cert, certs)
STORE_FIND(store_path, path, paths)
STORE_FIND(store_crl, crl, crls)
STORE_FIND(store_policy, policy, policies)
static struct key *store_slot_key(struct camera *cam, const char *alias);
STORE_NEW(store_slot_key, key, keys, cam->persona->keys, "key")
STORE_NEW(store_new_cert, cert, certs, cam->persona->certs, "cert")
STORE_NEW(store_new_path, path, paths, cam->persona->paths, "path")
STORE_NEW(store_new_crl, crl, crls, store_max_crls(cam), "crl")
STORE_NEW(store_new_policy, policy, policies, cam->persona->policies, "policy")

struct key *
store_new_key(struct camera *cam, const char *alias)
{
	struct key *k = store_slot_key(cam, alias);

	if (k != NULL)
		k->serial = ++cam->next_id;
	return k;
}

unsigned
store_max_crls(const struct camera *cam)
{
	if (fault_on(cam, CF_NO_CRL))
		return 0;
	return fault_on(cam, CF_CRL_MAX_1) ? 1 : cam->persona->crls;
}

void
store_drop_key(struct key *k)
{
	EVP_PKEY_free(k->pkey);
	memset(k, 0, sizeof *k);
}

void
store_drop_cert(struct cert *c)
{
	X509_free(c->x);
	memset(c, 0, sizeof *c);
}

void
store_drop_path(struct path *p)
{
	memset(p, 0, sizeof *p);
}

void
store_drop_crl(struct crl *c)
{
	X509_CRL_free(c->crl);
	memset(c, 0, sizeof *c);
}

void
store_drop_all(struct camera *cam)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++) {
		store_drop_key(&cam->keys[i]);
		store_drop_cert(&cam->certs[i]);
		store_drop_path(&cam->paths[i]);
		store_drop_crl(&cam->crls[i]);
		memset(&cam->policies[i], 0, sizeof cam->policies[i]);
	}
	cam->assigned[0] = '\0';
	cam->assigned_policy[0] = '\0';
}

bool
store_key_used(const struct camera *cam, const char *id)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (cam->certs[i].id[0] != '\0' &&
		    strcmp(cam->certs[i].key, id) == 0)
			return true;
	return false;
}

bool
store_cert_used(const struct camera *cam, const char *id)
{
	unsigned i, k;

	for (i = 0; i < CAM_SLOTS; i++) {
		for (k = 0; k < cam->paths[i].n; k++)
			if (strcmp(cam->paths[i].certs[k], id) == 0)
				return true;
		for (k = 0; k < cam->policies[i].n; k++)
			if (strcmp(cam->policies[i].anchors[k], id) == 0)
				return true;
	}
	return false;
}

bool
store_path_used(const struct camera *cam, const char *id)
{
	return strcmp(cam->assigned, id) == 0;
}

enum key_status
store_key_status(struct camera *cam, struct key *k)
{
	if (k->status == KEY_GENERATING && !k->stuck && k->pkey != NULL &&
	    camera_uptime(cam) >= k->ready_at)
		k->status = KEY_OK;
	return k->status;
}

const char *
store_status_name(enum key_status s)
{
	return s == KEY_OK ? "ok" : s == KEY_GENERATING ? "generating" :
	    "corrupt";
}

struct key *
store_key_of(struct camera *cam, EVP_PKEY *pub)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (cam->keys[i].pkey != NULL && EVP_PKEY_eq(
		    cam->keys[i].pkey, pub) == 1)
			return &cam->keys[i];
	return NULL;
}

/* ---- what the TLS server shows ---- */

void
identity_free(struct identity *id)
{
	X509_free(id->leaf);
	EVP_PKEY_free(id->key);
	sk_X509_pop_free(id->chain, X509_free);
	memset(id, 0, sizeof *id);
}

/* The path as it is assigned, or the identity of the factory. */
static bool
tls_identity(struct camera *cam, struct identity *id)
{
	struct path *p = store_path(cam, cam->assigned);
	struct cert *c;
	struct key *k;
	unsigned i;

	memset(id, 0, sizeof *id);
	if (p == NULL) {
		X509_up_ref(cam->factory_cert);
		EVP_PKEY_up_ref(cam->factory_key);
		id->leaf = cam->factory_cert;
		id->key = cam->factory_key;
		id->chain = sk_X509_new_null();
		return id->chain != NULL;
	}
	if ((c = store_cert(cam, p->certs[0])) == NULL ||
	    (k = store_key(cam, c->key)) == NULL || k->pkey == NULL ||
	    (id->chain = sk_X509_new_null()) == NULL)
		return false;
	X509_up_ref(c->x);
	id->leaf = c->x;
	EVP_PKEY_up_ref(k->pkey);
	id->key = k->pkey;
	for (i = 1; i < p->n; i++)
		if ((c = store_cert(cam, p->certs[i])) != NULL &&
		    sk_X509_push(id->chain, c->x) > 0)
			X509_up_ref(c->x);
	return true;
}

void
tls_assign(struct camera *cam, bool faults)
{
	struct identity id;

	if (faults && fault_hit(cam, CF_TLS_OLD_LEAF, NULL))
		return;
	if (!tls_identity(cam, &id)) {
		identity_free(&id);
		return;
	}
	identity_free(&cam->next);
	cam->next = id;
	cam->next_at = camera_uptime(cam);
	if (faults && fault_hit(cam, CF_TLS_LATE, NULL))
		cam->next_at += fault_value(cam, CF_TLS_LATE) * 1000;
	tls_settle(cam);
}

void
tls_settle(struct camera *cam)
{
	if (cam->next.leaf == NULL || cam->next_at > camera_uptime(cam))
		return;
	identity_free(&cam->served);
	cam->served = cam->next;
	memset(&cam->next, 0, sizeof cam->next);
}
