/* SPDX-License-Identifier: Apache-2.0 */
/* Roots and CRLs of factory identities (IDevID). camcad fetches nothing: an
 * operator or a job brings them, and what is missing refuses. */
#include <openssl/evp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/authority/ops.h"
#include "ca/base/auto.h"

struct vendor_job {
	struct op_call *c;
	const char *name;
	int64_t now;
	struct vendor_row row;
	int (*change)(struct vendor_job *x);   /* NULL: a new one */
};

static int
vendor_event(struct tx *tx, struct vendor_job *x, const char *type)
{
	uint8_t hash[32];
	struct event e;

	event_init(&e, &x->c->a->events, type, NULL, x->c->caller->actor);
	event_add(&e, "vendor", "%s", x->row.name);
	if (EVP_Digest(x->row.roots.p, x->row.roots.n, hash, NULL,
	    EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	event_add_hex(&e, "roots-sha256", hash, sizeof hash);
	if (x->row.crls.n > 0) {
		if (EVP_Digest(x->row.crls.p, x->row.crls.n, hash, NULL,
		    EVP_sha256(), NULL) != 1)
			return CAMCA_ECRYPTO;
		event_add_hex(&e, "crls-sha256", hash, sizeof hash);
	}
	event_add(&e, "crl-required", "%s",
	    x->row.crl_required ? "yes" : "no");
	if (strcmp(type, "vendor.changed") == 0)
		event_add(&e, "enabled", "%s", x->row.enabled ? "yes" : "no");
	return event_put(tx, &e);
}

static int
vendor_blob(struct store_blob *b, const char *text)
{
	store_blob_free(b);
	b->n = strlen(text);
	b->p = malloc(b->n + 1);
	if (b->p == NULL)
		return CAMCA_ENOMEM;
	memcpy(b->p, text, b->n + 1);
	return CAMCA_OK;
}

static int
vendor_add_tx(struct tx *tx, void *arg)
{
	struct vendor_job *x = arg;
	struct op_call *c = x->c;
	int ret;

	store_vendor_free(&x->row);
	memset(&x->row, 0, sizeof x->row);
	ret = store_vendor_get(tx, x->name, &x->row);
	if (ret == CAMCA_OK)
		return refuse(&c->why, CAMCA_ECONFLICT, 409, "vendor.exists",
		    "Vendor '%s' is pinned already.", x->name);
	if (ret != CAMCA_ENOENT)
		return ret;
	snprintf(x->row.name, sizeof x->row.name, "%s", x->name);
	x->row.enabled = 1;
	x->row.crl_required = arg_bool(c, "crl_required", true);
	x->row.crl_grace_ms = arg_int(c, "crl_grace_s", 0) * 1000;
	x->row.updated_ms = x->now;
	if ((ret = vendor_blob(&x->row.roots, arg_text(c, "roots"))) < 0 ||
	    (ret = store_vendor_put(tx, &x->row)) < 0)
		return ret;
	return vendor_event(tx, x, "vendor.added");
}

static int
vendor_change_tx(struct tx *tx, void *arg)
{
	struct vendor_job *x = arg;
	int ret;

	store_vendor_free(&x->row);
	memset(&x->row, 0, sizeof x->row);
	ret = store_vendor_get(tx, x->name, &x->row);
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "vendor.unknown",
		    "There is no vendor '%s'.", x->name);
	if (ret < 0)
		return ret;
	x->row.updated_ms = x->now;
	if ((ret = x->change(x)) < 0 ||
	    (ret = store_vendor_put(tx, &x->row)) < 0)
		return ret;
	return vendor_event(tx, x, "vendor.changed");
}

static int
vendor_run(struct op_call *c, struct vendor_job *x,
    int (*fn)(struct tx *tx, void *arg))
{
	int ret;

	x->c = c;
	x->name = arg_text(c, "name");
	if (!event_text_ok(x->name, strlen(x->name), 128))
		return refuse(&c->why, CAMCA_EINVAL, 400, "vendor.name",
		    "A vendor's name is text without control characters.");
	if ((ret = authority_now(c->a, &x->now, &c->why)) < 0)
		return ret;
	ret = store_tx(c->a->store, DB_WRITE, fn, x);
	store_vendor_free(&x->row);
	if (ret == CAMCA_OK)
		c->result = json_pack("{s:s}", "name", x->name);
	return ret;
}

int
op_vendor_add(struct op_call *c)
{
	const char *roots = arg_text(c, "roots");
	struct vendor_job x = { .c = c };
	struct ca_set *cas;
	int ret = idevid_check_roots(roots, strlen(roots), &c->why);

	if (ret < 0)
		return ret;
	cas = authority_cas(c->a);
	ret = idevid_check_not_ours(roots, strlen(roots), cas, &c->why);
	authority_cas_put(c->a, cas);
	return ret < 0 ? ret : vendor_run(c, &x, vendor_add_tx);
}

static int
vendor_change_crl(struct vendor_job *x)
{
	const char *crls = arg_text(x->c, "crls");
	int ret = idevid_check_crls(crls, strlen(crls),
	    (const char *)x->row.roots.p, x->row.roots.n, &x->c->why);

	return ret < 0 ? ret : vendor_blob(&x->row.crls, crls);
}

int
op_vendor_crl(struct op_call *c)
{
	struct vendor_job x = { .c = c, .change = vendor_change_crl };

	return vendor_run(c, &x, vendor_change_tx);
}

static int
vendor_change_enabled(struct vendor_job *x)
{
	x->row.enabled = arg_bool(x->c, "enabled", false);
	return CAMCA_OK;
}

int
op_vendor_set(struct op_call *c)
{
	struct vendor_job x = { .c = c, .change = vendor_change_enabled };

	return vendor_run(c, &x, vendor_change_tx);
}

/* Earliest nextUpdate of a PEM bundle of CRLs, 0 where there is none. */
static int64_t
vendor_next_update(const struct store_blob *crls)
{
	AUTO(BIO) *b = BIO_new_mem_buf(crls->p, (int)crls->n);
	int64_t first = 0, ms;
	X509_CRL *crl;
	struct tm tm;

	while (b != NULL && crls->n > 0 &&
	    (crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)) != NULL) {
		if (X509_CRL_get0_nextUpdate(crl) != NULL &&
		    ASN1_TIME_to_tm(X509_CRL_get0_nextUpdate(crl), &tm) == 1) {
			ms = (int64_t)timegm(&tm) * 1000;
			if (first == 0 || ms < first)
				first = ms;
		}
		X509_CRL_free(crl);
	}
	ERR_clear_error();
	return first;
}

static int
vendor_count(const struct store_blob *roots)
{
	AUTO(BIO) *b = BIO_new_mem_buf(roots->p, (int)roots->n);
	X509 *x;
	int n = 0;

	while (b != NULL && roots->n > 0 &&
	    (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		X509_free(x);
		n++;
	}
	ERR_clear_error();
	return n;
}

static int
vendor_list_row(const struct vendor_row *r, void *arg)
{
	json_t *o = json_pack("{s:s, s:b, s:b, s:i}", "name", r->name,
	    "enabled", r->enabled != 0, "crl_required", r->crl_required != 0,
	    "roots", vendor_count(&r->roots));

	if (o == NULL)
		return CAMCA_ENOMEM;
	json_set_time(o, "crl_next_update", vendor_next_update(&r->crls));
	return json_array_append_new(arg, o) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
vendor_list_tx(struct tx *tx, void *arg)
{
	json_array_clear(arg);
	return store_vendor_list(tx, vendor_list_row, arg);
}

int
op_vendor_list(struct op_call *c)
{
	json_t *list = json_array();
	int ret = store_tx(c->a->store, DB_READ, vendor_list_tx, list);

	if (ret < 0) {
		json_decref(list);
		return ret;
	}
	c->result = json_pack("{s:o}", "items", list);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
