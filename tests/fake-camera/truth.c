/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "tests/fake-camera/auth.h"
#include "tests/fake-camera/device.h"
#include "tests/fake-camera/soap.h"
#include "tests/fake-camera/store.h"
#include "tests/fake-camera/truth.h"

static void
truth_sha(json_t *o, const char *name, const void *p, size_t n)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";

	if (p != NULL && EVP_Digest(p, n, md, &len, EVP_sha256(), NULL) == 1)
		enc_hex(hex, md, len);
	json_object_set_new(o, name, json_string(hex));
}

static void
truth_cert_sha(json_t *o, const char *name, X509 *x)
{
	uint8_t *der = NULL;
	int n = x != NULL ? i2d_X509(x, &der) : 0;

	if (n > 0)
		truth_sha(o, name, der, (size_t)n);
	else
		json_object_set_new(o, name, json_null());
	OPENSSL_free(der);
}

json_t *
truth_short(struct camera *cam)
{
	json_t *o = json_pack(
	    "{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b}",
	    "n", (int)cam->number, "serial", cam->serial, "persona",
	    cam->persona->name, "model", cam->persona->model, "mac",
	    cam->mac, "host", cam->address, "http", cam->http_port, "https",
	    cam->https_port, "rtsp", cam->rtsp_port, "off", cam->off);

	tls_settle(cam);
	truth_cert_sha(o, "served", cam->served.leaf);
	truth_cert_sha(o, "factory", cam->factory_cert);
	return o;
}

static json_t *
truth_users(struct camera *cam)
{
	json_t *list = json_array();
	const struct user *u;
	unsigned i;

	auth_settle(cam);
	for (i = 0; i < CAM_USERS; i++) {
		u = &cam->users[i];
		if (u->name[0] == '\0')
			continue;
		json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:s, s:s, s:s, s:b}", "name", u->name,
		    "level", level_name(u->level), "password", u->password,
		    "web_password", u->other, "late_password", u->late_at !=
		    0 ? u->late : "", "locked", u->locked_until >
		    camera_uptime(cam)));
	}
	return list;
}

static json_t *
truth_tallies(const struct camera *cam)
{
	json_t *o = json_object();
	unsigned i;

	for (i = 0; i < CAM_TALLIES; i++)
		if (cam->tallies[i].name[0] != '\0')
			json_object_set_new(o, cam->tallies[i].name,
			    json_integer((json_int_t)cam->tallies[i].n));
	return o;
}

static json_t *
truth_keys(struct camera *cam)
{
	json_t *list = json_array(), *o;
	struct key *k;
	uint8_t *der;
	unsigned i;
	int n;

	for (i = 0; i < CAM_SLOTS; i++) {
		k = &cam->keys[i];
		if (k->id[0] == '\0')
			continue;
		o = json_pack("{s:s, s:s, s:s, s:b}", "id", k->id, "alias",
		    k->alias, "status", store_status_name(store_key_status(
		    cam, k)), "private", k->has_private);
		if (k->pkey != NULL) {
			der = NULL;
			n = i2d_PUBKEY(k->pkey, &der);
			truth_sha(o, "spki_sha256", der, n > 0 ? (size_t)n :
			    0);
			json_object_set_new(o, "bits", json_integer(
			    EVP_PKEY_get_bits(k->pkey)));
			json_object_set_new(o, "type", json_string(
			    EVP_PKEY_get0_type_name(k->pkey)));
			OPENSSL_free(der);
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
truth_certs(struct camera *cam)
{
	json_t *list = json_array(), *o;
	const struct cert *c;
	char subject[256];
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++) {
		c = &cam->certs[i];
		if (c->id[0] == '\0')
			continue;
		X509_NAME_oneline(X509_get_subject_name(c->x), subject,
		    sizeof subject);
		o = json_pack("{s:s, s:s, s:s, s:s}", "id", c->id, "alias",
		    c->alias, "key", c->key, "subject", subject);
		truth_cert_sha(o, "sha256", c->x);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
truth_paths(const struct camera *cam)
{
	json_t *list = json_array(), *ids;
	const struct path *p;
	unsigned i, k;

	for (i = 0; i < CAM_SLOTS; i++) {
		p = &cam->paths[i];
		if (p->id[0] == '\0')
			continue;
		ids = json_array();
		for (k = 0; k < p->n; k++)
			json_array_append_new(ids, json_string(p->certs[k]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "id",
		    p->id, "alias", p->alias, "certs", ids));
	}
	return list;
}

static json_t *
truth_crls(const struct camera *cam)
{
	json_t *list = json_array(), *o;
	uint8_t *der;
	unsigned i;
	int n;

	for (i = 0; i < CAM_SLOTS; i++) {
		if (cam->crls[i].id[0] == '\0')
			continue;
		der = NULL;
		n = i2d_X509_CRL(cam->crls[i].crl, &der);
		o = json_pack("{s:s, s:s}", "id", cam->crls[i].id, "alias",
		    cam->crls[i].alias);
		truth_sha(o, "sha256", der, n > 0 ? (size_t)n : 0);
		json_array_append_new(list, o);
		OPENSSL_free(der);
	}
	return list;
}

static json_t *
truth_operations(const struct camera *cam)
{
	json_t *o = json_object();
	const char *name;
	json_int_t have;
	unsigned i;

	for (i = 0; i < CAM_OPS && (name = soap_operation(i)) != NULL; i++) {
		if (cam->ops[i] == 0)
			continue;
		have = json_integer_value(json_object_get(o, name));
		json_object_set_new(o, name, json_integer(have +
		    (json_int_t)cam->ops[i]));
	}
	return o;
}

static json_t *
truth_protocols(const struct camera *cam)
{
	return json_pack("{s:b, s:b, s:b}", "HTTP", cam->http.enabled,
	    "HTTPS", cam->https.enabled, "RTSP", cam->rtsp.enabled);
}

json_t *
truth_whole(struct camera *cam)
{
	json_t *o = truth_short(cam);

	json_object_update_new(o, json_pack(
	    "{s:o, s:i, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i}",
	    "users", truth_users(cam), "failed", (int)cam->failed,
	    "failed_by_user", truth_tallies(cam), "refused_logins",
	    (int)cam->refused_auth, "basic_seen", (int)cam->basic_seen,
	    "clear_passwords", (int)cam->clear_passwords, "requests",
	    (int)cam->requests, "described", (int)cam->described, "invalid", (int)cam->invalid, "boots",
	    (int)cam->boots));
	json_object_update_new(o, json_pack(
	    "{s:o, s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:o}",
	    "keys", truth_keys(cam), "certs", truth_certs(cam), "paths",
	    truth_paths(cam), "crls", truth_crls(cam), "assigned",
	    cam->assigned, "policy", cam->assigned_policy, "client_auth",
	    cam->client_auth, "cn_maps", cam->cn_maps, "protocols",
	    truth_protocols(cam)));
	json_object_update_new(o, json_pack(
	    "{s:b, s:b, s:I, s:b, s:s, s:b, s:i, s:o, s:o}",
	    "md5", cam->md5, "sha256", cam->sha256,
	    "offset_s", (json_int_t)((cam->offset_ms + cam->advance_ms) /
	    1000), "ntp", cam->ntp, "ntp_server", cam->ntp_server,
	    "discoverable", cam->discoverable, "connections",
	    (int)cam->nconns, "operations", truth_operations(cam), "faults",
	    fault_list(cam)));
	return o;
}

json_t *
truth_messages(const struct camera *cam)
{
	json_t *list = json_array();
	const struct exchange *e;
	unsigned i;

	for (i = 0; cam->kept != NULL && i < cam->keep; i++) {
		e = &cam->kept[(cam->kept_next + i) % cam->keep];
		if (e->op == NULL || e->request == NULL || e->response ==
		    NULL)
			continue;
		json_array_append_new(list, json_pack(
		    "{s:s, s:i, s:b, s:s, s:s}", "operation", e->op,
		    "status", e->status, "tls", e->tls, "request",
		    e->request, "response", e->response));
	}
	return list;
}
