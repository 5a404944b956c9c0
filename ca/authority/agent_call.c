/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks? The gate shows the agent's certificate and proves that the agent
 * has its key; whether that is an agent is decided here. */
#include "ca/authority/agent.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/base/ossl.h"
#include "ca/issue/cert.h"

#define AGENT_CERT_MAX 16384

static int
agent_leaf(struct agent_call *x)
{
	json_t *v = json_array_get(json_object_get(x->c->args, "chain"), 0);
	const unsigned char *p;
	struct buf der;
	int ret = CAMCA_EINVAL;

	ERR_clear_error();
	buf_init(&der, AGENT_CERT_MAX);
	if (json_is_string(v))
		ret = dec_base64(&der, json_string_value(v),
		    json_string_length(v), 0);
	if (ret == CAMCA_OK && der.len > 0) {
		p = der.data;
		x->leaf = d2i_X509(NULL, &p, (long)der.len);
		if (x->leaf != NULL && p != der.data + der.len) {
			X509_free(x->leaf);
			x->leaf = NULL;
		}
	}
	buf_fini(&der);
	ret = ossl_failed(ret);
	if (ret == CAMCA_ENOMEM)
		return ret;
	return x->leaf != NULL ? CAMCA_OK : refuse(&x->c->why, CAMCA_EAUTH,
	    403, "client.malformed", "The client certificate cannot be read.");
}

/* A camera's certificate must not take jobs. */
static int
agent_is_ra(struct agent_call *x)
{
	bool yes;
	int ret = cert_is_ra(x->leaf, &yes);

	if (ret < 0)
		return ret;
	return yes ? CAMCA_OK : refuse(&x->c->why, CAMCA_EAUTH, 403,
	    "agent.not-ra", "This is no site agent's certificate.");
}

int
agent_begin(struct agent_call *x, struct op_call *c,
    const struct body_key *keys)
{
	const struct ca *ca;
	int ret;

	memset(x, 0, sizeof *x);
	x->c = c;
	x->a = c->a;
	x->pol = authority_policies(c->a);
	x->cas = authority_cas(c->a);
	snprintf(x->actor, sizeof x->actor, "%s", c->caller->actor);
	if ((ret = authority_now(c->a, &x->now, &c->why)) < 0 ||
	    (ret = agent_leaf(x)) < 0 ||
	    (ret = ca_verify_leaf(x->cas, x->leaf, x->now, &ca, NULL,
	    &c->why)) < 0 ||
	    (ret = agent_is_ra(x)) < 0 ||
	    (ret = body_parse(arg_text(c, "body"), &x->body, &c->why)) < 0)
		return ret;
	return body_check(x->body, keys, "The body", &c->why);
}

void
agent_end(struct agent_call *x)
{
	X509_free(x->leaf);
	json_decref(x->body);
	store_cert_free(&x->cert);
	authority_policies_put(x->a, x->pol);
	authority_cas_put(x->a, x->cas);
}

static int
agent_load_cert(struct tx *tx, struct agent_call *x)
{
	uint8_t serial[STORE_SERIAL_LEN], spki[STORE_HASH_LEN];
	int ret;

	store_cert_free(&x->cert);
	memset(&x->cert, 0, sizeof x->cert);
	if ((ret = cert_spki_sha256(x->leaf, spki)) < 0)
		return ret;
	if (cert_serial_bytes(x->leaf, serial) < 0)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "client.unknown",
		    "The client certificate is not one of ours.");
	ret = store_cert_by_serial(tx, serial, &x->cert);
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    (memcmp(x->cert.spki, spki, sizeof spki) != 0 ||
	    x->cert.device == 0)))
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "client.unknown",
		    "The client certificate is not on record.");
	return ret;
}

int
agent_check(struct tx *tx, struct agent_call *x)
{
	int ret = agent_load_cert(tx, x);

	if (ret < 0 ||
	    (ret = store_device_by_pk(tx, x->cert.device, &x->dev)) < 0)
		return ret;
	snprintf(x->actor, sizeof x->actor, "ra %s", x->dev.id);
	if (x->cert.status != CERT_GOOD)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "client.revoked",
		    "The client certificate is %s.",
		    x->cert.status == CERT_HOLD ? "on hold" : "revoked");
	if (x->dev.kind != DEVICE_RA || x->dev.state != DEVICE_ENROLLED)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "agent.state",
		    "Agent '%s' is %s.", x->dev.id,
		    device_state_name((enum device_state)x->dev.state));
	return CAMCA_OK;
}

struct job_by
agent_by(const struct agent_call *x)
{
	return (struct job_by){ &x->a->events, x->actor, x->now };
}

struct vault_by
agent_vault_by(const struct agent_call *x, int64_t job)
{
	return (struct vault_by){ .src = &x->a->events, .actor = x->actor,
	    .now_ms = x->now, .job = job };
}

int
agent_done(struct agent_call *x, int ret, const char *op)
{
	struct op_call *c = x->c;
	const char *remote = arg_text(c, "remote");

	if (ret >= 0)
		return ret;
	refuse_default(&c->why, ret);
	log_msg(LOG_NOTE, x->dev.id[0] != '\0' ? x->dev.id : remote,
	    "%s refused for %s: %s [%s]", op, remote, c->why.detail,
	    c->why.code);
	if (c->why.http >= 500)
		return ret;
	if (x->dev.id[0] == '\0')
		authority_refused_stranger(c->a, "request.refused",
		    c->caller->actor, op, NULL, &c->why);
	else
		authority_refused(c->a, "request.refused", x->dev.id,
		    x->actor, op, NULL, &c->why);
	return ret;
}

int
agent_guard_note(struct agent_call *x, int64_t job, const char *password)
{
	return guard_add(x->a->guard, job, password, x->now);
}

struct guard_load {
	struct vault_entries entries;
	int64_t device;
};

static int
agent_guard_tx(struct tx *tx, void *arg)
{
	struct guard_load *l = arg;

	vault_entries_free(&l->entries);
	return vault_accounts(tx, l->device, &l->entries);
}

static int
agent_guard_open(struct agent_call *x, int64_t job,
    const struct vault_secret *row)
{
	struct refusal why = { 0 };
	struct secret_text text;
	int ret;

	if (row->id == 0)
		return CAMCA_OK;
	ret = vault_open(x->a->vault, row, &text, &why);
	if (ret == CAMCA_EPOLICY)            /* nobody can have told it */
		return CAMCA_OK;
	if (ret < 0) {
		x->c->why = why;
		return ret;
	}
	ret = agent_guard_note(x, job, text.text);
	secret_text_wipe(&text);
	return ret;
}

int
agent_guard_job(struct agent_call *x, const struct job_row *job)
{
	struct guard_load l = { .device = job->device };
	size_t i;
	int ret;

	if (guard_knows(x->a->guard, job->id, x->now))
		return CAMCA_OK;
	ret = store_tx(x->a->store, DB_READ, agent_guard_tx, &l);
	for (i = 0; ret == CAMCA_OK && i < l.entries.n; i++) {
		ret = agent_guard_open(x, job->id, &l.entries.list[i].current);
		if (ret == CAMCA_OK)
			ret = agent_guard_open(x, job->id,
			    &l.entries.list[i].pending);
	}
	if (ret == CAMCA_OK)
		ret = agent_guard_note(x, job->id, NULL);
	else
		guard_forget(x->a->guard, job->id);
	vault_entries_free(&l.entries);
	return ret;
}
