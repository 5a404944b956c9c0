/* SPDX-License-Identifier: Apache-2.0 */
/* Linking identity and proof of possession: the client copies the channel
 * binding of this TLS connection into the CSR it signs, so that a CSR taken
 * from elsewhere is worth nothing. TLS 1.2: tls-unique (RFC 5929), which needs
 * the extended master secret (RFC 7627) to be unique; TLS 1.3: tls-exporter (RFC
 * 9266), in the same attribute as RFC 9148 section 3 does. */
#include <openssl/crypto.h>
#include <string.h>

#include "ca/authority/est.h"
#include "ca/base/enc.h"

static bool
pop_equal(const char *value, const char *binding)
{
	size_t n = strlen(binding);

	return n > 0 && strlen(value) == n &&
	    CRYPTO_memcmp(value, binding, n) == 0;
}

/* Has the text the form of a binding: base64 of 12 or 32 bytes? */
static bool
pop_looks_like_binding(const char *value)
{
	size_t n = strlen(value);
	struct buf raw;
	bool yes;

	if (n != 16 && n != 44)
		return false;
	buf_init(&raw, 64);
	yes = dec_base64(&raw, value, n, 0) == CAMCA_OK;
	buf_fini(&raw);
	return yes;
}

static int
pop_check_one(struct est *x, const char *what, const char *value)
{
	const char *binding = x->tls13 ? x->exporter : x->unique;

	if (!x->tls13 && !x->ems && x->profile->pop_require_ems)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "pop.ems-required",
		    "%s: tls-unique needs the extended master secret "
		    "(RFC 7627), which this connection lacks.", what);
	if (x->pop_used)
		return refuse(&x->c->why, CAMCA_EAUTH, 403,
		    "pop.binding-reused", "%s: this connection's channel "
		    "binding has been used already (RFC 9266 section 4.1); "
		    "connect again.", what);
	if (pop_equal(value, binding)) {
		x->pop_done = true;
		return CAMCA_OK;
	}
	/* An RA passes on CSRs of devices it met elsewhere: RFC 7030 3.7. */
	if (x->auth == AUTH_RA)
		return CAMCA_OK;
	if (strcmp(what, "challengePassword") == 0 &&
	    x->profile->challenge_may_be_other &&
	    !pop_looks_like_binding(value))
		return CAMCA_OK;
	return refuse(&x->c->why, CAMCA_EAUTH, 403, "pop.mismatch",
	    "%s is not the %s of this TLS connection: proof of possession "
	    "(RFC 7030 section 3.5) failed%s.", what,
	    x->tls13 ? "tls-exporter" : "tls-unique",
	    pop_looks_like_binding(value) ? "" :
	    "; if it is a password, the label must allow that");
}

int
est_check_pop(struct est *x)
{
	int ret;

	/* Each attribute that is there must verify on its own: RFC 7894 4. */
	if (x->csr.challenge[0] != '\0') {
		ret = pop_check_one(x, "challengePassword", x->csr.challenge);
		if (ret < 0)
			return ret;
	}
	if (x->csr.linking[0] != '\0') {
		ret = pop_check_one(x, "estIdentityLinking", x->csr.linking);
		if (ret < 0)
			return ret;
	}
	if (x->profile->pop == POP_REQUIRE && !x->pop_done &&
	    x->auth != AUTH_RA)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "pop.required",
		    "This label needs proof of possession: put the %s of the "
		    "TLS connection into challengePassword (RFC 7030 section "
		    "3.5).", x->tls13 ? "tls-exporter" : "tls-unique");
	return CAMCA_OK;
}
