/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/est.h"

#include <openssl/err.h>
#include <string.h>

#include "ca/base/enc.h"
#include "enroll/renew/bag.h"

#define EST_TEXT_MAX 200

void
est_close(struct est *e)
{
	conn_close(e->conn);
	e->conn = NULL;
}

static int
est_connect(struct est *e, struct refusal *why)
{
	if (e->conn != NULL && conn_usable(e->conn))
		return CAMCA_OK;
	est_close(e);
	return conn_open(&e->conn, &e->conn_config, why);
}

/* What the server said, where it said it in words (RFC 8951 5.1). */
static void
est_words(char out[static EST_TEXT_MAX + 1], const struct http_reader *r)
{
	size_t n = r->body.len;

	out[0] = '\0';
	if (strcmp(r->content_type, "text/plain") != 0 || n == 0)
		return;
	if (n > EST_TEXT_MAX)
		n = EST_TEXT_MAX;
	memcpy(out, r->body.data, n);
	out[n] = '\0';
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r'))
		out[--n] = '\0';
	if (n > 0 && out[n - 1] == '.')      /* the sentence around it has one */
		out[--n] = '\0';
	refusal_sanitize(out);
}

/* An answer other than 200 to op, as error and sentence. */
static int
est_refused(const struct http_reader *r, const char *op, struct refusal *why)
{
	char words[EST_TEXT_MAX + 1];
	int s = r->status, err, http = s < 400 ? 502 : s;
	const char *code = "est.refused";

	est_words(words, r);
	if (s == 202) {
		err = CAMCA_EPENDING;
		code = "est.pending";
	} else if (s >= 300 && s < 400) {
		/* RFC 7030 3.2.1 lets a client ask a person first. Here is no
		 * person, and a secret must not follow a redirect. */
		err = CAMCA_EPROTO;
		code = "est.redirect";
	} else if (s == 408 || s == 429 || (s >= 500 && s != 501)) {
		err = CAMCA_EBUSY;
		code = "est.busy";
	} else {
		err = s < 300 ? CAMCA_EPROTO : CAMCA_EPOLICY;
	}
	refuse(why, err, http, code, "The server answered %s with %d%s%s%s",
	    op, s, words[0] != '\0' ? ": " : "", words,
	    s >= 300 && s < 400 ? " (redirects are not followed)." : ".");
	if (why != NULL)
		why->retry_after_s = r->retry_after_s > 0 ?
		    (int)r->retry_after_s : 0;
	return err;
}

static int
est_get_once(struct est *e, const char *op, struct http_reader *r,
    struct refusal *why)
{
	struct buf request;
	int ret;

	buf_init(&request, 0);
	ret = est_connect(e, why);
	if (ret == CAMCA_OK)
		ret = http_request(&request, e->conn_config.url, op, NULL,
		    NULL, NULL);
	if (ret == CAMCA_OK)
		ret = conn_exchange(e->conn, &request, r, why);
	buf_fini(&request);
	return ret;
}

/* A kept connection may have been closed by the server meanwhile: where not
 * one byte came back on such a one, a second try on a new one is right. */
static int
est_get(struct est *e, const char *op, struct http_reader *r,
    struct refusal *why)
{
	bool kept = e->conn != NULL && conn_usable(e->conn);
	int64_t now_s = e->conn_config.now_ms / 1000;
	int ret;

	http_reader_init(r, now_s);
	ret = est_get_once(e, op, r, why);
	if (ret < 0 && kept && r->head_bytes == 0) {
		http_reader_fini(r);
		http_reader_init(r, now_s);
		ret = est_get_once(e, op, r, why);
	}
	return ret;
}

/* A wrong media type here is most often a proxy's or captive portal's page;
 * saying so beats "no base64". */
int
est_cacerts(struct est *e, STACK_OF(X509) **out, struct refusal *why)
{
	struct http_reader r;
	int ret = est_get(e, "cacerts", &r, why);

	if (ret == CAMCA_OK && r.status != 200)
		ret = est_refused(&r, "cacerts", why);
	else if (ret == CAMCA_OK &&
	    strcmp(r.content_type, "application/pkcs7-mime") != 0)
		ret = refuse(why, CAMCA_EPROTO, 502, "est.content-type",
		    "The server's cacerts are \"%s\", not "
		    "application/pkcs7-mime.", r.content_type);
	if (ret == CAMCA_OK)
		ret = bag_parse(out, &r.body, why);
	http_reader_fini(&r);
	return ret;
}

int
est_csrattrs(struct est *e, struct csrattrs *out, struct refusal *why)
{
	struct http_reader r;
	int ret;

	csrattrs_init(out);
	ret = est_get(e, "csrattrs", &r, why);
	if (ret == CAMCA_OK && r.status == 200)
		ret = csrattrs_parse(out, &r.body, why);
	else if (ret == CAMCA_OK && r.status != 204 && r.status != 404 &&
	    r.status != 501 && r.status != 401)
		ret = est_refused(&r, "csrattrs", why);
	http_reader_fini(&r);
	return ret;
}

/* Base64 of a request that carries this connection's binding where the server
 * asked for one (RFC 7030 3.5). */
static int
est_csr(struct est *e, struct csr_spec *spec, EVP_PKEY *key,
    struct buf *body, struct refusal *why)
{
	const struct csrattrs *w = spec->wish;
	struct buf der, binding;
	int ret = CAMCA_OK;

	buf_init(&der, 0);
	buf_init(&binding, 0);
	spec->binding = NULL;
	if (w != NULL && (w->challenge_password || w->identity_linking)) {
		ret = conn_binding(e->conn, &binding, why);
		spec->binding = buf_str(&binding);
	}
	if (ret == CAMCA_OK)
		ret = csr_build(&der, spec, key, why);
	/* Short lines: one known server reads no long ones. */
	if (ret == CAMCA_OK)
		ret = enc_base64(body, der.data, der.len, 64);
	spec->binding = NULL;
	buf_fini(&der);
	buf_fini(&binding);
	return ret;
}

/* The certificate in bag whose key is ours. RFC 7030 4.2.3 allows only that
 * one; servers that add their chain are forgiven. */
static int
est_pick(X509 **leaf_out, STACK_OF(X509) *bag, EVP_PKEY *key,
    struct refusal *why)
{
	X509 *c;
	int i;

	for (i = 0; i < sk_X509_num(bag); i++) {
		c = sk_X509_value(bag, i);
		if (EVP_PKEY_eq(X509_get0_pubkey(c), key) != 1)
			continue;
		if (X509_check_ca(c) != 0)
			return refuse(why, CAMCA_EPROTO, 502, "est.ca-cert",
			    "The server issued a CA certificate.");
		if (X509_up_ref(c) != 1)
			return CAMCA_ENOMEM;
		*leaf_out = c;
		ERR_clear_error();
		return CAMCA_OK;
	}
	ERR_clear_error();
	return refuse(why, CAMCA_EPROTO, 502, "est.wrong-key",
	    "The server's certificate is not for the requested key.");
}

/* Posts the body over the open connection and picks the certificate of key. */
static int
est_post(struct est *e, const char *op, const struct buf *body, EVP_PKEY *key,
    X509 **leaf_out, STACK_OF(X509) **bag_out, struct refusal *why)
{
	STACK_OF(X509) *bag = NULL;
	struct buf request;
	struct http_reader r;
	int ret;

	http_reader_init(&r, e->conn_config.now_ms / 1000);
	buf_init(&request, 0);
	if ((ret = http_request(&request, e->conn_config.url, op,
	    "application/pkcs10", body, e->auth)) < 0 ||
	    (ret = conn_exchange(e->conn, &request, &r, why)) < 0)
		goto out;
	if (r.status != 200)
		ret = est_refused(&r, op, why);
	else if ((ret = bag_parse(&bag, &r.body, why)) == CAMCA_OK)
		ret = est_pick(leaf_out, bag, key, why);
	if (ret == CAMCA_OK) {
		*bag_out = bag;
		bag = NULL;
	}
out:
	bag_free(bag);
	http_reader_fini(&r);
	buf_cleanse(&request);
	return ret;
}

int
est_enroll(struct est *e, bool again, struct csr_spec *spec, EVP_PKEY *key,
    X509 **leaf_out, STACK_OF(X509) **bag_out, struct refusal *why)
{
	struct buf body;
	int ret;

	buf_init(&body, 0);
	est_close(e);
	if ((ret = est_connect(e, why)) == CAMCA_OK &&
	    (ret = est_csr(e, spec, key, &body, why)) == CAMCA_OK)
		ret = est_post(e, again ? "simplereenroll" : "simpleenroll",
		    &body, key, leaf_out, bag_out, why);
	est_close(e);
	buf_fini(&body);
	return ret;
}

int
est_enroll_for(struct est *e, const struct buf *csr, EVP_PKEY *pub,
    X509 **leaf_out, STACK_OF(X509) **bag_out, struct refusal *why)
{
	struct buf body;
	int ret;

	buf_init(&body, 0);
	est_close(e);
	if ((ret = est_connect(e, why)) == CAMCA_OK &&
	    (ret = enc_base64(&body, csr->data, csr->len, 64)) == CAMCA_OK)
		ret = est_post(e, "simpleenroll", &body, pub, leaf_out,
		    bag_out, why);
	est_close(e);
	buf_fini(&body);
	return ret;
}
