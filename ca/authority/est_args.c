/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/est.h"
#include "ca/base/enc.h"

#define EST_CERT_MAX 16384

/* Base64 text of a binding, re-encoded so that one spelling is compared. */
static int
est_binding(struct op_call *c, json_t *tls, const char *name,
    char out[static EST_BINDING_MAX])
{
	json_t *v = json_object_get(tls, name);
	struct buf raw, text;
	int ret = CAMCA_EINVAL;

	out[0] = '\0';
	if (v == NULL)
		return CAMCA_OK;
	buf_init(&raw, EST_BINDING_MAX);
	buf_init(&text, EST_BINDING_MAX - 1);
	if (json_is_string(v) && dec_base64(&raw, json_string_value(v),
	    json_string_length(v), 0) == CAMCA_OK &&
	    enc_base64(&text, raw.data, raw.len, 0) == CAMCA_OK) {
		snprintf(out, EST_BINDING_MAX, "%s", buf_str(&text));
		ret = CAMCA_OK;
	}
	buf_fini(&raw);
	buf_fini(&text);
	return ret < 0 ? refuse(&c->why, ret, 400, "request.argument",
	    "tls.%s is not a channel binding.", name) : CAMCA_OK;
}

static int
est_args_tls(struct est *x, struct op_call *c)
{
	json_t *tls = json_object_get(c->args, "tls");
	const char *version = json_string_value(json_object_get(tls, "version"));
	int ret;

	if (version == NULL ||
	    (strcmp(version, "1.2") != 0 && strcmp(version, "1.3") != 0))
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "tls.version must be 1.2 or 1.3.");
	x->tls13 = strcmp(version, "1.3") == 0;
	x->ems = json_is_true(json_object_get(tls, "ems"));
	ret = est_binding(c, tls, "unique", x->unique);
	return ret < 0 ? ret : est_binding(c, tls, "exporter", x->exporter);
}

static int
est_args_cert(struct est *x, struct op_call *c, json_t *v)
{
	const unsigned char *p;
	struct buf der;
	X509 *cert = NULL;

	buf_init(&der, EST_CERT_MAX);
	if (json_is_string(v) && dec_base64(&der, json_string_value(v),
	    json_string_length(v), 0) == CAMCA_OK && der.len > 0) {
		p = der.data;
		cert = d2i_X509(NULL, &p, (long)der.len);
		if (cert != NULL && p != der.data + der.len) {
			X509_free(cert);
			cert = NULL;
		}
	}
	buf_fini(&der);
	ERR_clear_error();
	if (cert == NULL)
		return refuse(&c->why, CAMCA_EAUTH, 403, "client.malformed",
		    "The client certificate cannot be read.");
	if (sk_X509_push(x->chain, cert) <= 0) {
		X509_free(cert);
		return CAMCA_ENOMEM;
	}
	return CAMCA_OK;
}

/* Only the leaf: OpenSSL takes half a millisecond to decode a certificate, and
 * the rest of a chain of ours tells nothing that we do not know. */
static int
est_args_chain(struct est *x, struct op_call *c)
{
	json_t *list = json_object_get(c->args, "chain");

	if (json_array_size(list) == 0)
		return CAMCA_OK;
	x->chain = sk_X509_new_null();
	if (x->chain == NULL)
		return CAMCA_ENOMEM;
	return est_args_cert(x, c, json_array_get(list, 0));
}

int
est_rest_of_chain(struct est *x)
{
	json_t *list = json_object_get(x->c->args, "chain");
	size_t i;
	int ret = CAMCA_OK;

	for (i = 1; ret == CAMCA_OK && i < json_array_size(list); i++)
		ret = est_args_cert(x, x->c, json_array_get(list, i));
	return ret;
}

static int
est_args_csr(struct est *x, struct op_call *c)
{
	struct buf der;
	int ret;

	buf_init(&der, CSR_MAX_BYTES + 1);
	ret = arg_base64(c, "csr", &der);
	if (ret == CAMCA_OK)
		ret = csr_parse(&x->csr, x->pol->keys, der.data, der.len,
		    &c->why);
	buf_fini(&der);
	return ret;
}

int
est_begin(struct est *x, struct op_call *c, bool renew)
{
	int ret;

	memset(x, 0, sizeof *x);
	x->c = c;
	x->a = c->a;
	x->renew = renew;
	x->pol = authority_policies(c->a);
	x->cas = authority_cas(c->a);
	x->label = arg_text(c, "label");
	x->user = arg_text(c, "user");
	x->password = arg_text(c, "password");
	x->remote = arg_text(c, "remote");
	x->pop_used = arg_bool(c, "pop_used", false);
	if ((ret = authority_now(c->a, &x->now, &c->why)) < 0 ||
	    (ret = est_args_tls(x, c)) < 0 ||
	    (ret = est_args_chain(x, c)) < 0)
		return ret;
	return est_args_csr(x, c);
}

void
est_end(struct est *x)
{
	sk_X509_pop_free(x->chain, X509_free);
	csr_fini(&x->csr);
	store_vendor_free(&x->vendor);
	store_cert_free(&x->cur);
	store_cert_free(&x->same);
	OPENSSL_cleanse(x->secret_hash, sizeof x->secret_hash);
	authority_policies_put(x->a, x->pol);
	authority_cas_put(x->a, x->cas);
}
