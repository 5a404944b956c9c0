/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/job.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/agent/seal.h"
#include "enroll/renew/bag.h"

#define JOB_LEASE_LONGEST_MS (3600 * INT64_C(1000))

static int
job_bad(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EPROTO, 502, "agent.job", "The job's %s is "
	    "missing or not as agreed.", what);
}

/* A text that fits. Missing and null are "" where optional. */
static bool
job_text(const json_t *o, const char *name, bool optional, char *out,
    size_t len)
{
	const json_t *v = json_object_get(o, name);
	const char *s = json_string_value(v);

	if (v == NULL || json_is_null(v))
		s = optional ? "" : NULL;
	if (s == NULL || strlen(s) >= len || (!optional && *s == '\0'))
		return false;
	memcpy(out, s, strlen(s) + 1);
	return true;
}

/* A whole number from 0 to max; missing and null are the fallback. */
static bool
job_number(const json_t *o, const char *name, json_int_t fallback,
    json_int_t max, json_int_t *out)
{
	const json_t *v = json_object_get(o, name);

	*out = fallback;
	if (v == NULL || json_is_null(v))
		return true;
	*out = json_integer_value(v);
	return json_is_integer(v) && *out >= 0 && *out <= max;
}

static bool
job_hash(const json_t *o, const char *name, bool *has, uint8_t out[static 32])
{
	const json_t *v = json_object_get(o, name);
	const char *s = json_string_value(v);

	*has = s != NULL && *s != '\0';
	if (v == NULL || json_is_null(v) || (s != NULL && *s == '\0'))
		return true;
	return s != NULL && dec_hex(out, 32, s) == CAMCA_OK;
}

static int
job_word(const json_t *o, const char *name, int (*parse)(const char *),
    int *out)
{
	const char *s = json_string_value(json_object_get(o, name));

	*out = s != NULL ? parse(s) : -1;
	return *out < 0 ? CAMCA_EPROTO : CAMCA_OK;
}

/* ---- parts of a job ---- */

static bool
job_device(struct agent_device *d, const json_t *o)
{
	return job_text(o, "id", false, d->id, sizeof d->id) &&
	    job_text(o, "manufacturer", true, d->manufacturer,
	    sizeof d->manufacturer) &&
	    job_text(o, "model", true, d->model, sizeof d->model) &&
	    job_text(o, "serial", true, d->serial, sizeof d->serial) &&
	    job_text(o, "firmware", true, d->firmware, sizeof d->firmware) &&
	    job_text(o, "hardware_id", true, d->hardware_id,
	    sizeof d->hardware_id) &&
	    job_text(o, "site", true, d->site, sizeof d->site);
}

static bool
job_reach(struct agent_reach *r, const json_t *o)
{
	json_int_t http, https;

	if (!job_text(o, "driver", true, r->driver, sizeof r->driver) ||
	    !job_text(o, "host", false, r->host, sizeof r->host) ||
	    !job_text(o, "path", true, r->path, sizeof r->path) ||
	    !job_number(o, "http_port", 0, 65535, &http) ||
	    !job_number(o, "https_port", 0, 65535, &https) ||
	    !job_hash(o, "tls_sha256", &r->has_leaf, r->leaf))
		return false;
	r->http_port = (uint16_t)http;
	r->https_port = (uint16_t)https;
	return true;
}

/* Texts of an array into rows of equal length. */
static bool
job_texts(const json_t *list, char *out, size_t len, size_t max, size_t *n)
{
	const char *s;
	size_t i;

	for (i = 0; i < json_array_size(list) && *n < max; i++) {
		s = json_string_value(json_array_get(list, i));
		if (s == NULL || strlen(s) >= len)
			return false;
		memcpy(out + *n * len, s, strlen(s) + 1);
		++*n;
	}
	return true;
}

static bool
job_options(struct agent_options *op, const json_t *o)
{
	json_int_t budget, tls, password;

	if (!job_text(o, "service_account", true, op->service,
	    sizeof op->service) ||
	    !job_number(o, "login_budget", 3, 100, &budget) ||
	    !job_number(o, "tls_wait_s", 60, 3600, &tls) ||
	    !job_number(o, "password_wait_s", 10, 600, &password) ||
	    !job_texts(json_object_get(o, "ntp"), op->ntp[0],
	    sizeof op->ntp[0], AGENT_NTP_MAX, &op->ntp_count) ||
	    !job_texts(json_object_get(o, "login_paths"), op->surface[0],
	    sizeof op->surface[0], AGENT_JOB_SURFACES_MAX, &op->surfaces))
		return false;
	op->http_off = json_is_true(json_object_get(o, "http_off"));
	op->discovery_off = json_is_true(json_object_get(o, "discovery_off"));
	op->require_client_cert = json_is_true(json_object_get(o,
	    "require_client_cert"));
	op->login_budget = (unsigned)budget;
	op->tls_wait_ms = tls * 1000;
	op->password_wait_ms = password * 1000;
	return true;
}

static bool
job_label(struct agent_label *l, const json_t *o)
{
	const json_t *keys = json_object_get(o, "keys");
	json_int_t min, max;
	const char *s;
	size_t i;

	if (!job_text(o, "label", true, l->name, sizeof l->name) ||
	    !job_number(o, "rsa_min_bits", 2048, 16384, &min) ||
	    !job_number(o, "rsa_max_bits", 4096, 16384, &max) ||
	    !json_is_array(keys))
		return false;
	l->rsa_min = (unsigned)min;
	l->rsa_max = (unsigned)max;
	for (i = 0; i < json_array_size(keys); i++) {
		s = json_string_value(json_array_get(keys, i));
		l->rsa |= s != NULL && strcmp(s, "rsa") == 0;
		l->p256 |= s != NULL && strcmp(s, "p256") == 0;
		l->p384 |= s != NULL && strcmp(s, "p384") == 0;
	}
	return true;
}

static bool
job_labels(struct agent_job *j, const json_t *list)
{
	size_t i;

	for (i = 0; i < json_array_size(list) &&
	    j->labels_count < AGENT_LABELS_MAX; i++)
		if (!job_label(&j->labels[j->labels_count++],
		    json_array_get(list, i)))
			return false;
	return true;
}

static int
job_trust(struct agent_job *j, const json_t *list, struct refusal *why)
{
	STACK_OF(X509) *one;
	struct buf pem;
	const char *s;
	size_t i;
	int ret = CAMCA_OK;

	j->trust = sk_X509_new_null();
	if (j->trust == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < json_array_size(list) && ret == CAMCA_OK; i++) {
		s = json_string_value(json_array_get(list, i));
		one = NULL;
		buf_init(&pem, JOB_BODY_MAX);
		ret = s == NULL ? job_bad(why, "trust") : buf_puts(&pem, s);
		if (ret == CAMCA_OK)
			ret = bag_from_pem(&one, &pem, why);
		if (ret == CAMCA_OK && X509_add_certs(j->trust, one,
		    X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) != 1)
			ret = CAMCA_ENOMEM;
		bag_free(one);
		buf_fini(&pem);
	}
	return ret;
}

static int
job_crl(struct agent_job *j, const json_t *v, struct refusal *why)
{
	if (v == NULL || json_is_null(v))
		return CAMCA_OK;
	if (!json_is_string(v) || dec_base64(&j->crl, json_string_value(v),
	    json_string_length(v), 0) < 0)
		return job_bad(why, "crl");
	return CAMCA_OK;
}

/* SHA-256 of the certificates that this camera may serve. */
static bool
job_issued(struct agent_job *j, const json_t *list)
{
	const char *s;
	size_t i;

	j->has_issued = json_is_array(list);
	if (json_array_size(list) > AGENT_ISSUED_MAX)
		return false;
	for (i = 0; i < json_array_size(list); i++) {
		s = json_string_value(json_array_get(list, i));
		if (s == NULL || dec_hex(j->issued[j->issued_count++], 32,
		    s) < 0)
			return false;
	}
	return true;
}

/* ---- accounts ---- */

static bool
job_account_parse(struct agent_account *a, const json_t *o)
{
	json_int_t id;

	if (!job_number(o, "id", 0, INT64_MAX, &id) ||
	    !job_text(o, "user", false, a->user, sizeof a->user) ||
	    !job_text(o, "role", true, a->role, sizeof a->role) ||
	    !job_text(o, "level", true, a->level, sizeof a->level) ||
	    !job_text(o, "current", true, a->current, sizeof a->current) ||
	    !job_text(o, "pending", true, a->pending, sizeof a->pending))
		return false;
	a->id = id;
	a->leased_pending = a->pending[0] != '\0';
	return true;
}

static bool
job_factory(struct agent_job *j, const json_t *list)
{
	struct agent_factory *f;
	size_t i;

	for (i = 0; i < json_array_size(list) && i < AGENT_FACTORY_MAX; i++) {
		f = &j->factory[j->factories++];
		if (!job_text(json_array_get(list, i), "user", false, f->user,
		    sizeof f->user) ||
		    !job_text(json_array_get(list, i), "password", false,
		    f->password, sizeof f->password))
			return false;
	}
	return true;
}

static int
job_accounts(struct agent_job *j, const json_t *v, struct refusal *why)
{
	json_t *o = NULL, *list;
	size_t i;
	int ret;

	if (v == NULL || json_is_null(v))
		return CAMCA_OK;
	if (!json_is_string(v))
		return job_bad(why, "sealed part");
	ret = seal_open(&o, json_string_value(v), j->ident, why);
	if (ret < 0)
		return ret;
	list = json_object_get(o, "accounts");
	for (i = 0; i < json_array_size(list) && ret == CAMCA_OK; i++)
		if (j->accounts_count == JOB_ACCOUNTS_MAX)
			ret = job_bad(why, "list of accounts");
		else if (!job_account_parse(&j->accounts[j->accounts_count++],
		    json_array_get(list, i)))
			ret = job_bad(why, "account");
	if (ret == CAMCA_OK && !job_factory(j, json_object_get(o, "factory")))
		ret = job_bad(why, "list of factory passwords");
	json_decref(o);
	return ret;
}

void
job_surfaces_add(struct agent_job *j, const struct agent_settings *s)
{
	struct agent_options *op = &j->options;
	size_t i, k;

	for (i = 0; i < s->surfaces; i++) {
		for (k = 0; k < op->surfaces && strcmp(op->surface[k],
		    s->surface[i]) != 0; k++)
			;
		if (k == op->surfaces && k < AGENT_JOB_SURFACES_MAX)
			memcpy(op->surface[op->surfaces++], s->surface[i],
			    sizeof op->surface[0]);
	}
}

struct agent_account *
job_account(struct agent_job *j, const char *user)
{
	size_t i;

	for (i = 0; i < j->accounts_count; i++)
		if (strcmp(j->accounts[i].user, user) == 0)
			return &j->accounts[i];
	return NULL;
}

struct agent_account *
job_account_add(struct agent_job *j, const char *user, const char *role,
    const char *level)
{
	struct agent_account *a = &j->accounts[j->accounts_count];

	if (j->accounts_count == JOB_ACCOUNTS_MAX ||
	    strlen(user) >= sizeof a->user || strlen(role) >= sizeof a->role ||
	    strlen(level) >= sizeof a->level)
		return NULL;
	memset(a, 0, sizeof *a);
	memcpy(a->user, user, strlen(user) + 1);
	memcpy(a->role, role, strlen(role) + 1);
	memcpy(a->level, level, strlen(level) + 1);
	j->accounts_count++;
	return a;
}

int
job_secret(struct agent_account *a, const json_t *answer,
    const struct ident *id, struct refusal *why)
{
	const char *sealed = json_string_value(json_object_get(answer,
	    "sealed"));
	char password[CAM_PASSWORD_MAX];
	json_t *o = NULL;
	json_int_t account;
	int ret;

	if (sealed == NULL)
		return job_bad(why, "secret");
	ret = seal_open(&o, sealed, id, why);
	if (ret < 0)
		return ret;
	if (!job_number(o, "account", 0, INT64_MAX, &account) ||
	    !job_text(o, "password", false, password, sizeof password) ||
	    account == 0 || (a->id != 0 && account != a->id))
		ret = job_bad(why, "secret");
	if (ret == CAMCA_OK) {
		a->id = account;
		memcpy(a->pending, password, sizeof password);
	}
	OPENSSL_cleanse(password, sizeof password);
	json_decref(o);
	return ret;
}

/* ---- the whole ---- */

static int
job_head(struct agent_job *j, const json_t *o, struct refusal *why)
{
	json_int_t lease, attempt, account;
	const char *step = json_string_value(json_object_get(o, "step"));
	int kind, mode;

	if (job_word(o, "kind", job_kind_parse, &kind) < 0 ||
	    job_word(o, "mode", job_mode_parse, &mode) < 0)
		return job_bad(why, "kind or mode");
	if (!job_number(o, "lease_s", 120, 86400, &lease) ||
	    !job_number(o, "attempt", 1, INT32_MAX, &attempt) ||
	    !job_number(o, "account", 0, INT64_MAX, &account) ||
	    !job_text(o, "alias", false, j->alias, sizeof j->alias))
		return job_bad(why, "head");
	j->kind = (enum job_kind)kind;
	j->mode = (enum job_mode)mode;
	j->lease_ms = lease * 1000 < JOB_LEASE_LONGEST_MS ? lease * 1000 :
	    JOB_LEASE_LONGEST_MS;
	j->attempt = (int)attempt;
	j->account = account;
	j->step = step != NULL && *step != '\0' ? job_step_parse(step) : -1;
	return CAMCA_OK;
}

static int
job_fill(struct agent_job *j, const json_t *o, struct refusal *why)
{
	const json_t *held = json_object_get(o, "held");
	int ret = job_head(j, o, why);

	if (ret < 0)
		return ret;
	if (!job_device(&j->device, json_object_get(o, "device")))
		return job_bad(why, "device");
	if (!job_reach(&j->reach, json_object_get(o, "reach")))
		return job_bad(why, "address");
	if (!job_options(&j->options, json_object_get(o, "options")))
		return job_bad(why, "options");
	if (!job_labels(j, json_object_get(o, "est")))
		return job_bad(why, "list of EST labels");
	if (json_is_object(held) && (!job_hash(held, "sha256", &j->has_held,
	    j->held) || !job_text(held, "serial", true, j->held_serial,
	    sizeof j->held_serial)))
		return job_bad(why, "certificate on record");
	if (!job_issued(j, json_object_get(o, "issued")))
		return job_bad(why, "list of certificates");
	if ((ret = job_trust(j, json_object_get(o, "trust"), why)) < 0 ||
	    (ret = job_crl(j, json_object_get(o, "crl"), why)) < 0)
		return ret;
	return job_accounts(j, json_object_get(o, "sealed"), why);
}

int
job_parse(struct agent_job **out, int64_t *id_out, const json_t *o,
    struct ident *id, struct refusal *why)
{
	struct agent_job *j;
	json_int_t n;
	int ret;

	*id_out = 0;
	if (!job_number(o, "id", 0, INT64_MAX, &n) || n == 0)
		return job_bad(why, "id");
	*id_out = n;
	j = calloc(1, sizeof *j);
	if (j == NULL)
		return CAMCA_ENOMEM;
	buf_init(&j->crl, CAM_CRL_MAX);
	j->id = n;
	atomic_fetch_add(&id->refs, 1);
	j->ident = id;
	ret = job_fill(j, o, why);
	ERR_clear_error();
	if (ret < 0) {
		job_free(j);
		return ret;
	}
	*out = j;
	return CAMCA_OK;
}

void
job_free(struct agent_job *j)
{
	if (j == NULL)
		return;
	bag_free(j->trust);
	buf_fini(&j->crl);
	ident_free(j->ident);
	OPENSSL_cleanse(j->accounts, sizeof j->accounts);
	OPENSSL_cleanse(j->factory, sizeof j->factory);
	free(j);
}
