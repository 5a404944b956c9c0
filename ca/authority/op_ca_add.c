/* SPDX-License-Identifier: Apache-2.0 */
/* ca.add: a further issuing CA under the root, so that one site group has a CRL
 * of its own that stays small. A profile names it ("issuer:"), and so its label
 * chooses it. */
#include <ctype.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/authority/ops.h"
#include "ca/base/auto.h"
#include "ca/base/log.h"

#define ADD_LIFE_MS (10LL * 365 * 86400000)
#define ADD_CAS_MAX 256          /* generations of all */

struct ca_add {
	struct op_call *c;
	const char *key_type;
	struct issuer_row row;
};

static int
ca_add_tx(struct tx *tx, void *arg)
{
	struct ca_add *x = arg;
	const unsigned char *p = x->row.cert.p;
	AUTO(X509) *cert = d2i_X509(NULL, &p, (long)x->row.cert.n);
	uint8_t hash[32];
	struct event e;
	int ret;

	if (cert == NULL || X509_digest(cert, EVP_sha256(), hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	ret = store_issuer_insert(tx, &x->row);
	if (ret < 0)
		return ret;
	event_init(&e, &x->c->a->events, "ca.created", NULL,
	    x->c->caller->actor);
	event_add(&e, "ca", "%s", x->row.name);
	event_add(&e, "generation", "%lld", (long long)x->row.generation);
	event_add_hex(&e, "cert-sha256", hash, sizeof hash);
	event_add_hex(&e, "ski", x->row.ski, sizeof x->row.ski);
	event_add(&e, "key-type", "%s", x->key_type);
	return event_put(tx, &e);
}

/* Lower case, so that names differ by more than case on labels and in URLs. */
static bool
ca_add_name_ok(const char *s)
{
	if (s[0] < 'a' || s[0] > 'z')
		return false;
	for (; *s != '\0'; s++)
		if (!islower((unsigned char)*s) &&
		    !isdigit((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static int
ca_add_check(struct op_call *c, const struct ca_set *set, const char *name)
{
	size_t i;

	if (!ca_add_name_ok(name))
		return refuse(&c->why, CAMCA_EINVAL, 400, "ca.name",
		    "The name of a CA is a letter and then letters, digits and "
		    "hyphens, all lower case.");
	for (i = 0; i < set->n; i++)
		if (strcmp(set->list[i].row.name, name) == 0)
			return refuse(&c->why, CAMCA_ECONFLICT, 409,
			    "ca.exists", "There is a CA '%s' already: its next "
			    "generation is made by ca.rollover.", name);
	if (set->n >= ADD_CAS_MAX)
		return refuse(&c->why, CAMCA_ELIMIT, 409, "ca.many",
		    "There are %d CA generations already.", ADD_CAS_MAX);
	if (ca_root(set) == NULL)
		return refuse(&c->why, CAMCA_ENOENT, 404, "ca.unknown",
		    "There is no root.");
	return CAMCA_OK;
}

static int
ca_add_make(struct ca_add *x, const struct ca *root)
{
	struct op_call *c = x->c;
	const char *cn = arg_text(c, "common_name"), *key = arg_text(c, "key");
	char common[256], crl_url[400], issuer_url[400], ocsp_url[400];
	struct ca_spec spec = { .name = arg_text(c, "name"),
	    .organization = c->a->conf.organization, .common_name = common,
	    .key = HSM_EC_P256, .validity_ms = ADD_LIFE_MS };
	int ret;

	if (key != NULL && (hsm_key_type_parse(key, &spec.key) < 0 ||
	    !hsm_key_type_is_ca(spec.key)))
		return refuse(&c->why, CAMCA_EINVAL, 400, "ca.key-type",
		    "There is no key type '%s' for a CA.", key);
	x->key_type = hsm_key_type_name(spec.key);
	if (cn != NULL)
		snprintf(common, sizeof common, "%s", cn);
	else
		snprintf(common, sizeof common, "%.24s Camera CA %.28s",
		    c->a->conf.organization, spec.name);
	authority_urls(c->a, root, crl_url, issuer_url, ocsp_url);
	ret = ca_make(c->a->hsm, c->a->ctx, &spec, root, crl_url, issuer_url,
	    ocsp_url, &x->row, &c->why);
	if (ret < 0)
		return ret;
	/* As at the ceremony: the key first, then its certificate. */
	sync();
	return store_tx(c->a->store, DB_WRITE, ca_add_tx, x);
}

static int
ca_add_run(struct op_call *c, const struct ca_set *set)
{
	struct ca_add x = { .c = c };
	const char *name = arg_text(c, "name");
	int ret = ca_add_check(c, set, name);

	if (ret == CAMCA_OK)
		ret = ca_add_make(&x, ca_root(set));
	if (ret == CAMCA_OK) {
		log_msg(LOG_NOTE, name, "issuing CA made");
		c->result = json_pack("{s:s, s:I, s:s}", "name", name,
		    "generation", (json_int_t)x.row.generation, "key",
		    x.key_type);
		json_set_hex(c->result, "ski", x.row.ski, sizeof x.row.ski);
	}
	store_issuer_free(&x.row);
	return ret;
}

int
op_ca_add(struct op_call *c)
{
	return ca_change(c, ca_add_run);
}
