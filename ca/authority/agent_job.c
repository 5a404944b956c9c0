/* SPDX-License-Identifier: Apache-2.0 */
/* A leased job as its agent gets it: what it needs for one camera, and its
 * passwords sealed to the agent's certificate, so that neither the gate nor a
 * disk on the way sees one. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/json_memory.h"
#include "ca/status/publisher.h"

/* What fits a frame of 1 MiB with its job around it. */
#define LEASED_CRL_MAX 400000

void
leased_fini(struct leased *l)
{
	vault_entries_free(&l->entries);
	json_decref(l->json);
	l->json = NULL;
}

/* ---- from the store ---- */

struct held_search {
	struct leased *l;
	int64_t now;
};

static uint8_t *
leased_issued_next(struct leased *l)
{
	if (l->nissued == LEASED_CERTS_MAX) {
		memmove(l->issued[0], l->issued[1],
		    (LEASED_CERTS_MAX - 1) * sizeof l->issued[0]);
		l->nissued--;
	}
	return l->issued[l->nissued++];
}

/* A leaf that is expected there, and revoked since: whoever has its key could
 * wait for a new password in the camera's place. Only what replaces it, or ends
 * its service, still goes there. */
static int
leased_revoked(struct leased *l, const struct cert_row *r)
{
	uint8_t hash[STORE_HASH_LEN];

	if (l->job.kind == JOB_ENROLL || l->job.kind == JOB_RETIRE)
		return 0;
	if (EVP_Digest(r->der.p, r->der.n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	if (memcmp(hash, l->reach.tls_sha256, sizeof hash) == 0)
		memset(l->reach.tls_sha256, 0, sizeof hash);
	return 0;
}

/* The newest that is in force; on hold the camera still has it. One that ran
 * out may be served still; a revoked one may be in other hands. */
static int
leased_held_row(const struct cert_row *r, void *arg)
{
	struct held_search *h = arg;
	uint8_t *hash;

	if (r->status == CERT_REVOKED)
		return leased_revoked(h->l, r);
	hash = leased_issued_next(h->l);
	if (EVP_Digest(r->der.p, r->der.n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	if (r->not_after_ms <= h->now)
		return 0;
	memcpy(h->l->held_sha256, hash, sizeof h->l->held_sha256);
	memcpy(h->l->held_serial, r->serial, sizeof r->serial);
	h->l->held_issuer = r->issuer;
	h->l->has_held = true;
	return 0;
}

int
leased_load(struct tx *tx, struct leased *l, int64_t now)
{
	struct held_search h = { l, now };
	int ret;

	l->has_held = false;
	l->nissued = 0;
	vault_entries_free(&l->entries);
	if ((ret = store_device_by_pk(tx, l->job.device, &l->dev)) < 0 ||
	    (ret = store_site_get(tx, l->dev.site, &l->site)) < 0 ||
	    (ret = store_reach_get(tx, l->dev.pk, &l->reach)) < 0 ||
	    (ret = store_cert_list(tx, l->dev.pk, 0, 0, INT64_MAX,
	    leased_held_row, &h)) < 0)
		return ret;
	return vault_accounts(tx, l->dev.pk, &l->entries);
}

bool
leased_sealed(const struct leased *l, const struct vault_account *a)
{
	/* It lies in an envelope for a person; only when it is changed itself
	 * an agent must have it. */
	return a->role != ACCOUNT_BREAK_GLASS || l->job.account == a->id;
}

/* ---- sealed ---- */

static int
leased_password(struct agent_call *x, const struct leased *l, json_t *o,
    const char *name, const struct vault_secret *row, struct refusal *why)
{
	struct secret_text text;
	int ret;

	if (row->id == 0)
		return json_object_set_new(o, name, json_null()) == 0 ?
		    CAMCA_OK : CAMCA_ENOMEM;
	ret = vault_open(x->a->vault, row, &text, why);
	if (ret < 0)
		return ret;
	ret = agent_guard_note(x, l->job.id, text.text);
	if (ret == CAMCA_OK && json_object_set_new(o, name,
	    json_string(text.text)) != 0)
		ret = CAMCA_ENOMEM;
	secret_text_wipe(&text);
	return ret;
}

static int
leased_account(struct agent_call *x, const struct leased *l,
    const struct vault_entry *e, json_t *list, struct refusal *why)
{
	json_t *o = json_pack("{s:I, s:s, s:s, s:s}", "id",
	    (json_int_t)e->account.id, "user", e->account.username, "role",
	    vault_role_name(e->account.role), "level", e->account.level);
	int ret;

	if (o == NULL)
		return CAMCA_ENOMEM;
	ret = leased_password(x, l, o, "current", &e->current, why);
	if (ret == CAMCA_OK)
		ret = leased_password(x, l, o, "pending", &e->pending, why);
	if (ret == CAMCA_OK && json_array_append(list, o) != 0)
		ret = CAMCA_ENOMEM;
	json_decref(o);
	return ret;
}

/* jansson frees what it held through the program's cleansing free. */
static int
leased_seal_json(struct agent_call *x, json_t *plain, json_t **out,
    struct refusal *why)
{
	char *text = json_dumps(plain, JSON_COMPACT), *b64;
	struct buf der;
	int ret;

	if (text == NULL)
		return CAMCA_ENOMEM;
	buf_init(&der, 0);
	ret = vault_seal_to(x->leaf, text, strlen(text), &der, why);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	if (ret == CAMCA_OK) {
		b64 = enc_base64_dup(der.data, der.len);
		*out = b64 != NULL ? json_string(b64) : NULL;
		free(b64);
		ret = *out != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	}
	buf_fini(&der);
	return ret;
}

static bool
leased_is_account(const struct leased *l, const char *user)
{
	size_t i;

	for (i = 0; i < l->entries.n; i++)
		if (strcmp(l->entries.list[i].account.username, user) == 0)
			return true;
	return false;
}

/* The maker's passwords that are worth a login: of an account whose password
 * the vault has, it is known already. */
static json_t *
leased_factory(const struct agent_call *x, const struct leased *l)
{
	const struct password_factory *f;
	json_t *list = json_array();
	size_t i, n;

	f = password_rules_factory(&x->pol->passwords, l->dev.manufacturer,
	    l->dev.model, &n);
	if (l->job.kind != JOB_OBSERVE || !x->pol->jobs.try_factory)
		n = 0;
	for (i = 0; i < n; i++)
		if (!leased_is_account(l, f[i].user))
			json_array_append_new(list, json_pack("{s:s, s:s}",
			    "user", f[i].user, "password", f[i].password));
	return list;
}

static int
leased_accounts(struct agent_call *x, const struct leased *l, json_t **out,
    struct refusal *why)
{
	json_t *list = json_array();
	json_t *plain = json_pack("{s:O, s:o}", "accounts", list, "factory",
	    leased_factory(x, l));
	size_t i;
	int ret = plain != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	/* An empty list is sealed too: the guard knows the job then. */
	if (ret == CAMCA_OK)
		ret = agent_guard_note(x, l->job.id, NULL);
	for (i = 0; ret == CAMCA_OK && i < l->entries.n; i++)
		if (leased_sealed(l, &l->entries.list[i].account))
			ret = leased_account(x, l, &l->entries.list[i], list,
			    why);
	if (ret == CAMCA_OK)
		ret = leased_seal_json(x, plain, out, why);
	json_decref(list);
	json_decref(plain);
	return ret;
}

/* ---- in clear ---- */

static json_t *
leased_device(const struct device_row *d)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id",
	    d->id, "manufacturer", d->manufacturer, "model", d->model,
	    "serial", d->serial, "mac", d->mac, "hardware_id", d->hardware_id,
	    "firmware", d->firmware, "site", d->site);
}

json_t *
reach_json(const struct reach_row *r)
{
	static const uint8_t none[STORE_HASH_LEN];
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:s}", "driver",
	    r->driver, "host", r->host, "http_port", (json_int_t)r->http_port,
	    "https_port", (json_int_t)r->https_port, "path", r->path);

	if (o == NULL)
		return NULL;
	if (memcmp(r->tls_sha256, none, sizeof none) == 0)
		json_object_set_new(o, "tls_sha256", json_null());
	else
		json_set_hex(o, "tls_sha256", r->tls_sha256,
		    sizeof r->tls_sha256);
	return o;
}

static json_t *
leased_keys(const struct profile *p)
{
	static const char *const names[PROFILE_KEYS] = { "p256", "p384",
	    "p521", "ed25519", "rsa" };
	json_t *list = json_array();
	int k;

	for (k = 0; k < PROFILE_KEYS; k++)
		if (p->keys & (1u << k))
			json_array_append_new(list, json_string(names[k]));
	return list;
}

/* The labels that policy names, as far as an agent may use them here. */
static json_t *
leased_labels(const struct agent_call *x)
{
	const struct job_rules *r = &x->pol->jobs;
	const struct profile *p;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->labels; i++) {
		p = profile_by_label(&x->pol->profiles, r->label[i]);
		if (p == NULL || p->kind != DEVICE_CAMERA ||
		    (p->auth & AUTH_RA) == 0 ||
		    ca_active(x->cas, p->issuer) == NULL)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:I}",
		    "label", p->label, "keys", leased_keys(p), "rsa_min_bits",
		    (json_int_t)p->rsa_min_bits, "rsa_max_bits",
		    (json_int_t)p->rsa_max_bits));
	}
	return list;
}

static json_t *
leased_pem(X509 *cert)
{
	AUTO(BIO) *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (b == NULL || PEM_write_bio_X509(b, cert) != 1)
		return NULL;
	n = BIO_get_mem_data(b, &text);
	return json_stringn(text, (size_t)n);
}

static json_t *
leased_trust(const struct agent_call *x)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < x->cas->n; i++)
		if (x->cas->list[i].not_after_ms > x->now)
			json_array_append_new(list,
			    leased_pem(x->cas->list[i].cert));
	return list;
}

static json_t *
leased_texts(const char *first, size_t size, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_string(first + i * size));
	return list;
}

static json_t *
leased_options(const struct agent_call *x, const struct leased *l)
{
	const struct job_rules *r = &x->pol->jobs;
	const struct job_level *v = &r->levels[l->site.level - 1];

	return json_pack("{s:b, s:b, s:b, s:s, s:o, s:o, s:I, s:I, s:I}",
	    "http_off", v->http_off, "discovery_off", v->discovery_off,
	    "require_client_cert", v->require_client_cert, "service_account",
	    r->service_account, "ntp", leased_texts(r->ntp[0],
	    sizeof r->ntp[0], r->ntps), "login_paths",
	    leased_texts(r->path[0], sizeof r->path[0], r->paths),
	    "login_budget", (json_int_t)l->logins, "tls_wait_s",
	    (json_int_t)(r->tls_wait_ms / 1000), "password_wait_s",
	    (json_int_t)(r->password_wait_ms / 1000));
}

static json_t *
leased_held(const struct leased *l)
{
	json_t *o;

	if (!l->has_held)
		return json_null();
	o = json_object();
	json_set_hex(o, "serial", l->held_serial, sizeof l->held_serial);
	json_set_hex(o, "sha256", l->held_sha256, sizeof l->held_sha256);
	return o;
}

static json_t *
leased_issued(const struct leased *l)
{
	json_t *list = json_array();
	char hex[2 * STORE_HASH_LEN + 1];
	size_t i;

	for (i = 0; i < l->nissued; i++) {
		enc_hex(hex, l->issued[i], STORE_HASH_LEN);
		json_array_append_new(list, json_string(hex));
	}
	return list;
}

/* The list of who issued the camera's certificate, or will. */
static const struct ca *
leased_crl_issuer(const struct agent_call *x, const struct leased *l)
{
	const struct profile *p;

	if (l->has_held)
		return ca_by_id(x->cas, l->held_issuer);
	p = profile_by_label(&x->pol->profiles, x->pol->jobs.label[0]);
	return p != NULL ? ca_active(x->cas, p->issuer) : NULL;
}

static int
leased_crl(const struct agent_call *x, const struct leased *l, json_t *o,
    struct refusal *why)
{
	const struct ca *ca = leased_crl_issuer(x, l);
	struct crl_file *f = NULL;
	uint8_t *der;
	size_t n = 0;
	int ret;

	if (l->job.kind != JOB_CRL)
		return json_object_set_new(o, "crl", json_null()) == 0 ?
		    CAMCA_OK : CAMCA_ENOMEM;
	if (ca != NULL && x->a->publisher != NULL)
		f = publisher_get(x->a->publisher, ca->row.ski, 0);
	if (f == NULL)
		return refuse(why, CAMCA_EBUSY, 503, "job.no-crl",
		    "There is no CRL to push yet.");
	if (f->row.size > LEASED_CRL_MAX) {
		ret = refuse(why, CAMCA_EPOLICY, 409, "job.crl-too-large",
		    "The CRL has %" PRId64 " bytes: no camera is given more "
		    "than %d. Issuing CAs by site group keep it small.",
		    f->row.size, LEASED_CRL_MAX);
		crl_file_free(f);
		return ret;
	}
	der = malloc((size_t)f->row.size + 1);
	ret = der != NULL ? crl_file_read(f, 0, der, (size_t)f->row.size, &n) :
	    CAMCA_ENOMEM;
	if (ret == CAMCA_OK)
		json_set_base64(o, "crl", der, n);
	free(der);
	crl_file_free(f);
	return ret;
}

/* ---- the whole ---- */

static json_t *
leased_head(const struct agent_call *x, const struct leased *l)
{
	char alias[160];

	snprintf(alias, sizeof alias, "camca:%s:%" PRId64, l->dev.id,
	    l->job.id);
	return json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:s, s:s}", "id",
	    (json_int_t)l->job.id, "lease_s",
	    (json_int_t)(x->pol->jobs.lease_ms / 1000), "kind",
	    job_kind_name((enum job_kind)l->job.kind), "mode",
	    job_mode_name((enum job_mode)l->job.mode), "attempt",
	    (json_int_t)l->job.attempts, "account",
	    (json_int_t)l->job.account, "step", l->job.step < 0 ? "" :
	    job_step_name((enum job_step)l->job.step), "alias", alias);
}

int
leased_build(struct agent_call *x, struct leased *l, struct refusal *why)
{
	json_t *o = leased_head(x, l), *sealed = NULL;
	int ret = o != NULL ? leased_accounts(x, l, &sealed, why) :
	    CAMCA_ENOMEM;

	if (ret == CAMCA_OK && (json_object_set_new(o, "sealed", sealed) |
	    json_object_set_new(o, "device", leased_device(&l->dev)) |
	    json_object_set_new(o, "reach", reach_json(&l->reach)) |
	    json_object_set_new(o, "est", leased_labels(x)) |
	    json_object_set_new(o, "trust", leased_trust(x)) |
	    json_object_set_new(o, "held", leased_held(l)) |
	    json_object_set_new(o, "issued", leased_issued(l)) |
	    json_object_set_new(o, "options", leased_options(x, l))) != 0)
		ret = CAMCA_ENOMEM;
	if (ret == CAMCA_OK)
		ret = leased_crl(x, l, o, why);
	/* Not a job without one of the CAs it should trust. */
	if (json_memory_missed() && ret == CAMCA_OK)
		ret = CAMCA_ENOMEM;
	if (ret < 0) {
		json_decref(o);
		return ret;
	}
	l->json = o;
	return CAMCA_OK;
}
