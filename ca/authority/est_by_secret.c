/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal by one-time secret, for profiles with by_secret: a camera whose TLS
 * stack shows no client certificate, or that lost its key. The secret says
 * which device it is, the store which certificate is renewed; everything else
 * is checked as if that certificate had been shown. */
#include <openssl/x509.h>
#include <string.h>

#include "ca/authority/est.h"
#include "ca/base/auto.h"

struct by_secret {
	struct est *x;
	uint8_t serial[STORE_SERIAL_LEN];
	bool found;
};

/* Rows come in the order in which they were issued: the last one stays. */
static int
by_secret_row(const struct cert_row *r, void *arg)
{
	struct by_secret *b = arg;

	if (r->status != CERT_GOOD ||
	    strcmp(r->profile, b->x->profile->name) != 0)
		return 0;
	memcpy(b->serial, r->serial, sizeof b->serial);
	b->found = true;
	return 0;
}

static int
by_secret_tx(struct tx *tx, void *arg)
{
	struct by_secret *b = arg;
	struct est *x = b->x;
	int ret = est_secret(tx, x);

	b->found = false;
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, CAMCA_EAUTH, 401, "auth.required",
		    "Authentication is required: the certificate that is to "
		    "be renewed, or a one-time secret.");
	if (ret < 0)
		return ret;
	ret = store_cert_list(tx, x->dev.pk, 0, 0, INT64_MAX, by_secret_row,
	    b);
	if (ret == CAMCA_OK && !b->found)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "reenroll.nothing", "Device '%s' has no certificate of "
		    "this label that could be renewed.", x->dev.id);
	store_cert_free(&x->cur);
	memset(&x->cur, 0, sizeof x->cur);
	return ret < 0 ? ret : store_cert_by_serial(tx, b->serial, &x->cur);
}

int
est_renew_by_secret(struct est *x)
{
	struct by_secret b = { .x = x };
	AUTO(X509) *cert = NULL;
	const unsigned char *p;
	int ret;

	if (x->profile == NULL || !x->profile->renew_by_secret)
		return refuse(&x->c->why, CAMCA_EAUTH, 403,
		    "reenroll.certificate-required", "Renewal needs the "
		    "certificate that is to be renewed as TLS client "
		    "certificate.");
	ret = store_tx(x->a->store, DB_READ, by_secret_tx, &b);
	if (ret == CAMCA_EAUTH && x->have_secret)
		est_secret_failed(x);
	if (ret < 0)
		return ret;
	p = x->cur.der.p;
	cert = d2i_X509(NULL, &p, (long)x->cur.der.n);
	x->chain = sk_X509_new_null();
	if (cert == NULL || x->chain == NULL ||
	    sk_X509_push(x->chain, cert) <= 0)
		return CAMCA_ENOMEM;
	cert = NULL;
	x->auth = AUTH_SECRET;
	return CAMCA_OK;
}
