/* SPDX-License-Identifier: Apache-2.0 */
/* What the camera is and has, as read: for the inventory's "read" columns, and
 * as the "before" of whatever comes. Judged by camcad alone. */
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/agent/visit.h"

/* ---- pieces of the observation ---- */

/* Of each list so many bytes at most: with all four an observation is one that
 * camcad takes (JOB_OBSERVATION_MAX). A camera with a thousand accounts must
 * not be one of which nothing can be told. */
#define OBSERVE_CERTS_BYTES 40960
#define OBSERVE_ROWS_BYTES 24576

/* A list of the camera, and its rows as JSON. */
struct observe_list {
	const char *name;
	size_t n, max_bytes;
	/* NULL without memory. */
	json_t *(*row)(const struct visit *v, size_t i);
	/* Told before the others: what is judged. */
	bool (*first)(const struct visit *v, size_t i);
};

static bool
observe_is_camca(const char *alias)
{
	return strncmp(alias, "camca:", 6) == 0;
}

static json_t *
observe_rows(struct visit *v, const struct observe_list *l)
{
	json_t *out = json_array(), *row;
	size_t i, bytes = 0, told = 0;
	int turn;

	for (turn = 0; turn < 2 && out != NULL; turn++)
		for (i = 0; i < l->n; i++) {
			if (l->first(v, i) != (turn == 0))
				continue;
			row = l->row(v, i);
			bytes += json_dumpb(row, NULL, 0, JSON_COMPACT) + 1;
			if (bytes > l->max_bytes) {
				json_decref(row);
				break;
			}
			told += json_array_append_new(out, row) == 0;
		}
	if (told < l->n)
		visit_detail(v, "%s: %zu of %zu are told", l->name, told,
		    l->n);
	return out;
}

static json_t *
observe_account(const struct visit *v, size_t i)
{
	const struct cam_account *a = &v->lists.accounts.v[i];

	return json_pack("{s:s, s:s}", "user", a->user, "level", a->level);
}

static bool
observe_account_first(const struct visit *v, size_t i)
{
	return strcmp(v->lists.accounts.v[i].level, "Administrator") == 0;
}

static json_t *
observe_accounts(struct visit *v)
{
	struct cam_why why = { 0 };

	if (visit_lists_try(v, LIST_ACCOUNTS, &why) < 0)
		visit_detail(v, "accounts: %s", why.text);
	return observe_rows(v, &(struct observe_list){ "accounts",
	    v->lists.accounts.n, OBSERVE_ROWS_BYTES, observe_account,
	    observe_account_first });
}

static json_t *
observe_protocols(struct visit *v)
{
	const struct cam_protocols *l = &v->lists.protocols;
	struct cam_why why = { 0 };
	json_t *out = json_array();
	size_t i;

	if (visit_lists_try(v, LIST_PROTOCOLS, &why) < 0)
		visit_detail(v, "protocols: %s", why.text);
	for (i = 0; i < l->n && out != NULL; i++)
		(void)json_array_append_new(out, json_pack("{s:s, s:b, s:i}",
		    "name", l->v[i].name, "enabled", l->v[i].enabled, "port",
		    (int)l->v[i].port));
	return out;
}

static void
observe_spki(const struct cam_cert *c, char hex[static 65])
{
	const unsigned char *p = c->der;
	AUTO(X509) *x = d2i_X509(NULL, &p, (long)c->der_len);
	unsigned char *spki = NULL, hash[32];
	int n = x != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki) :
	    -1;

	hex[0] = '\0';
	if (n > 0) {
		SHA256(spki, (size_t)n, hash);
		enc_hex(hex, hash, sizeof hash);
	}
	OPENSSL_free(spki);
}

static json_t *
observe_cert(const struct visit *v, size_t i)
{
	const struct cam_cert *c = &v->lists.certs.v[i];
	char sha[65], spki[65];

	enc_hex(sha, c->sha256, 32);
	observe_spki(c, spki);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", c->id, "alias",
	    c->alias, "key", c->key_id, "sha256", sha, "spki", spki);
}

static bool
observe_cert_first(const struct visit *v, size_t i)
{
	const struct cam_cert *c = &v->lists.certs.v[i];

	return memcmp(c->sha256, v->served, 32) == 0 ||
	    observe_is_camca(c->alias);
}

static json_t *
observe_key(const struct visit *v, size_t i)
{
	static const char *const states[] = { "ok", "generating", "corrupt" };
	const struct cam_key *k = &v->lists.keys.v[i];

	return json_pack("{s:s, s:s, s:s, s:b}", "id", k->id, "alias",
	    k->alias, "status", states[k->state], "external", k->external);
}

static bool
observe_key_first(const struct visit *v, size_t i)
{
	return observe_is_camca(v->lists.keys.v[i].alias);
}

static json_t *
observe_path(const struct visit *v, size_t i)
{
	const struct cam_path *p = &v->lists.paths.v[i];

	return json_pack("{s:s, s:s, s:b}", "id", p->id, "alias", p->alias,
	    "assigned", visit_assigned(v, p->id));
}

static bool
observe_path_first(const struct visit *v, size_t i)
{
	return visit_assigned(v, v->lists.paths.v[i].id);
}

/* What stands in the keystore. */
static void
observe_keystore(struct visit *v, json_t *o)
{
	(void)json_object_set_new(o, "certificates", observe_rows(v,
	    &(struct observe_list){ "certificates", v->lists.certs.n,
	    OBSERVE_CERTS_BYTES, observe_cert, observe_cert_first }));
	(void)json_object_set_new(o, "keys", observe_rows(v,
	    &(struct observe_list){ "keys", v->lists.keys.n,
	    OBSERVE_ROWS_BYTES, observe_key, observe_key_first }));
	(void)json_object_set_new(o, "paths", observe_rows(v,
	    &(struct observe_list){ "paths", v->lists.paths.n,
	    OBSERVE_ROWS_BYTES, observe_path, observe_path_first }));
}

/* ---- the whole ---- */

static json_t *
observe_json(struct visit *v)
{
	static const char *const kinds[] = { "none", "known", "ours",
	    "other" };
	struct cam_why why = { 0 };
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b}",
	    "manufacturer", v->identity.manufacturer, "model",
	    v->identity.model, "firmware", v->identity.firmware, "serial",
	    v->identity.serial, "hardware_id", v->identity.hardware_id,
	    "clock_offset_ms", (json_int_t)v->time.offset_ms, "ntp",
	    v->time.ntp);
	char hex[65];

	if (o == NULL)
		return NULL;
	enc_hex(hex, v->served, 32);
	(void)json_object_set_new(o, "served", v->leaf_seen == LEAF_NONE ?
	    json_null() : json_pack("{s:s, s:s}", "sha256", hex, "kind",
	    kinds[v->leaf_seen]));
	(void)json_object_set_new(o, "accounts", observe_accounts(v));
	(void)json_object_set_new(o, "protocols", observe_protocols(v));
	if (visit_lists_try(v, LIST_DISCOVERY, &why) == CAMCA_OK)
		(void)json_object_set_new(o, "discoverable",
		    json_boolean(v->lists.discoverable));
	observe_keystore(v, o);
	return o;
}

/* Serial numbers are written with blanks, dashes and in either case. */
static bool
observe_same(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, " -_.:");
		b += strspn(b, " -_.:");
		if (*a == '\0' || *b == '\0' || strncasecmp(a, b, 1) != 0)
			return *a == *b;
	}
}

/* Another camera under this address would get this one's name. */
static int
observe_identity(struct visit *v)
{
	const struct agent_device *d = &v->job->device;
	struct cam_why why = { 0 };
	int ret = v->drv->identify(v->cam, &v->identity, &why);

	if (ret < 0)
		return visit_cam(v, ret, &why, "the camera names itself");
	visit_before(v, "%s %s, firmware %s, serial %s",
	    v->identity.manufacturer, v->identity.model, v->identity.firmware,
	    v->identity.serial[0] != '\0' ? v->identity.serial : "not told");
	if (d->serial[0] != '\0' && v->identity.serial[0] != '\0' &&
	    !observe_same(d->serial, v->identity.serial))
		return visit_fail(v, "camera.identity", "The camera at this "
		    "address has the serial number %s, the inventory says %s: "
		    "correct the address (camca device reach) or the device",
		    v->identity.serial, d->serial);
	return CAMCA_OK;
}

static void
observe_capacity(struct visit *v)
{
	const struct cam_caps *c = &v->caps;
	char hex[65];

	if (!c->keystore) {
		visit_before(v, "no keystore");
		return;
	}
	visit_before(v, "keys %zu of %d, certificates %zu of %d, paths %zu "
	    "of %d (-1: not told)", v->lists.keys.n, c->max_keys,
	    v->lists.certs.n, c->max_certs, v->lists.paths.n, c->max_paths);
	if (v->lists.assigned.n > 0)
		visit_before(v, "assigned %s", v->lists.assigned.v[0]);
	if (v->leaf_seen != LEAF_NONE) {
		enc_hex(hex, v->served, 32);
		visit_before(v, "serves %s", hex);
	}
}

/* ---- the maker's password ---- */

static bool
observe_lists(const json_t *accounts, const char *user)
{
	const json_t *item;
	size_t i;

	json_array_foreach(accounts, i, item)
		if (strcmp(user, json_string_value(json_object_get(item,
		    "user"))) == 0)
			return true;
	return false;
}

/* Does one of them open an account that is not ours to know? true, false, or
 * null where the budget did not reach all: as many failed logins are always
 * left as another visit needs. Nothing is changed, and no trouble with it is
 * the look's. */
static json_t *
observe_factory(struct visit *v, const json_t *accounts)
{
	struct cam_login l = { .surface = CAM_SURFACE_API };
	struct agent_job *j = v->job;
	struct cam_why why = { 0 };
	bool works = false, all = true;
	size_t i;

	for (i = 0; i < j->factories && !works; i++) {
		l.user = j->factory[i].user;
		l.password = j->factory[i].password;
		if (!observe_lists(accounts, l.user))
			continue;
		if (visit_budget_left(v) < 2 ||
		    v->drv->login(v->cam, &l, &works, &why) < 0)
			all = false;
		else
			visit_detail(v, "%s %s with a password of its maker",
			    l.user, works ? "logs in" : "does not log in");
	}
	return works || all ? json_boolean(works) : json_null();
}

int
step_observe(struct visit *v)
{
	struct cam_why why = { 0 };
	json_t *o;
	int ret = observe_identity(v);

	if (ret == CAMCA_OK) {
		ret = v->drv->caps(v->cam, &v->caps, &why);
		if (ret < 0)
			ret = visit_cam(v, ret, &why, "capabilities are read");
	}
	if (ret == CAMCA_OK && v->caps.keystore)
		ret = visit_lists_need(v, LIST_KEYSTORE);
	if (ret < 0)
		return ret;
	observe_capacity(v);
	if ((o = observe_json(v)) == NULL)
		return CAMCA_ENOMEM;
	if (v->job->factories > 0)
		(void)json_object_set_new(o, "default_password",
		    observe_factory(v, json_object_get(o, "accounts")));
	visit_extra(v, "observation", o);
	return CAMCA_OK;
}

/* The "after" of a job that changed certificates or settings. */
int
step_end(struct visit *v)
{
	enum job_kind k = v->job->kind;
	json_t *o;
	char hex[65];
	int ret;

	if (v->finding[0] != '\0')
		return visit_fail(v, v->finding, "%s", v->finding_text);
	if (v->job->mode == JOB_PLAN || (k != JOB_ENROLL && k != JOB_RENEW &&
	    k != JOB_RETIRE))
		return CAMCA_OK;
	if (v->caps.keystore && (ret = visit_lists_need(v,
	    LIST_KEYSTORE)) < 0)
		return ret;
	enc_hex(hex, v->served, 32);
	visit_after(v, "serves %s, keys %zu, certificates %zu, paths %zu", hex,
	    v->lists.keys.n, v->lists.certs.n, v->lists.paths.n);
	if ((o = observe_json(v)) == NULL)
		return CAMCA_ENOMEM;
	visit_extra(v, "observation", o);
	return CAMCA_OK;
}
