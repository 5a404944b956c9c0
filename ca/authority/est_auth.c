/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication of EST clients. The gate proves that the client holds the key
 * of its certificate; who that is, and whether it counts, is decided here. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/authority/est.h"
#include "ca/base/log.h"
#include "ca/job/job.h"

/* Ours if its issuer is one of our CAs; such a chain is never a vendor's. */
static bool
auth_is_ours(const struct est *x, X509 *leaf)
{
	const ASN1_OCTET_STRING *akid = X509_get0_authority_key_id(leaf);
	const X509_NAME *issuer = X509_get_issuer_name(leaf);
	size_t i;

	for (i = 0; i < x->cas->n; i++) {
		if (X509_NAME_cmp(issuer,
		    X509_get_subject_name(x->cas->list[i].cert)) == 0)
			return true;
		if (akid != NULL && ASN1_STRING_length(akid) == 20 &&
		    memcmp(ASN1_STRING_get0_data(akid),
		    x->cas->list[i].row.ski, 20) == 0)
			return true;
	}
	return false;
}

int
est_check_chain(struct est *x, const struct ca **ca_out)
{
	X509 *leaf;

	*ca_out = NULL;
	if (x->chain == NULL)
		return CAMCA_OK;
	leaf = sk_X509_value(x->chain, 0);
	if (!auth_is_ours(x, leaf))
		return est_rest_of_chain(x);
	return ca_verify_leaf(x->cas, leaf, x->now, ca_out, &x->cur_expired,
	    &x->c->why);
}

int
est_load_current(struct tx *tx, struct est *x)
{
	X509 *leaf = sk_X509_value(x->chain, 0);
	uint8_t serial[STORE_SERIAL_LEN], spki[STORE_HASH_LEN];
	int ret;

	store_cert_free(&x->cur);
	memset(&x->cur, 0, sizeof x->cur);
	if (cert_serial_bytes(leaf, serial) < 0 ||
	    cert_spki_sha256(leaf, spki) < 0)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "client.unknown",
		    "The client certificate is not one of ours.");
	ret = store_cert_by_serial(tx, serial, &x->cur);
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    memcmp(x->cur.spki, spki, sizeof spki) != 0))
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "client.unknown",
		    "The client certificate is not on record.");
	/* The refusals below should name the device in their event. */
	if (ret == CAMCA_OK && x->dev.pk == 0 && x->cur.device != 0)
		ret = store_device_by_pk(tx, x->cur.device, &x->dev);
	if (ret < 0)
		return ret;
	if (x->cur.status != CERT_GOOD)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "client.revoked",
		    "The client certificate is %s.",
		    x->cur.status == CERT_HOLD ? "on hold" : "revoked");
	return CAMCA_OK;
}

/* ---- factory identities ---- */

struct vendor_search {
	struct est *x;
	int found;
	struct refusal last;
};

static int
auth_try_vendor(const struct vendor_row *v, void *arg)
{
	struct vendor_search *s = arg;
	struct refusal why = { 0 };

	if (!v->enabled)
		return 0;
	if (idevid_verify(s->x->chain, v, s->x->now, s->x->vendor_serial,
	    sizeof s->x->vendor_serial, &why) < 0) {
		/* "unknown root" of another vendor must not hide the reason
		 * that the right vendor gave. */
		if (s->last.http == 0 ||
		    strcmp(why.code, "idevid.untrusted") != 0)
			s->last = why;
		return 0;
	}
	memcpy(s->x->vendor.name, v->name, sizeof v->name);
	s->x->vendor.updated_ms = v->updated_ms;
	return 1;
}

/* Every enabled vendor's roots are tried; the chain proves the manufacturer,
 * never what the client says of itself. */
static int
est_find_vendor(struct tx *tx, struct est *x)
{
	struct vendor_search s = { .x = x };
	int ret;

	x->by_idevid = false;
	ret = store_vendor_list(tx, auth_try_vendor, &s);
	if (ret == 1) {
		x->by_idevid = true;
		return CAMCA_OK;
	}
	if (ret < 0)
		return ret;
	if (s.last.http != 0)
		x->c->why = s.last;
	else
		refuse(&x->c->why, CAMCA_EAUTH, 403, "idevid.untrusted",
		    "The client certificate is neither ours nor under the "
		    "root of a pinned vendor.");
	return CAMCA_EAUTH;
}

/* ---- one-time secrets ---- */

/* The login, or otpChallenge; where both are there, both must be right (RFC 7894
 * section 4), and so the same. That they differ tells a guesser nothing. */
static int
auth_secret_shown(struct est *x)
{
	const char *otp = x->profile->rfc7894 ? x->csr.otp : "";
	const char *text = x->password != NULL ? x->password : "";
	char selector[sizeof x->selector];
	uint8_t hash[STORE_HASH_LEN];
	bool same;

	if (text[0] == '\0' && otp[0] == '\0')
		return CAMCA_ENOENT;
	if (text[0] == '\0')
		text = otp;
	if (secret_parse(text, strlen(text), x->selector, x->secret_hash) < 0)
		return secret_refuse(&x->c->why);
	if (otp[0] == '\0')
		return CAMCA_OK;
	same = secret_parse(otp, strlen(otp), selector, hash) == CAMCA_OK &&
	    CRYPTO_memcmp(hash, x->secret_hash, sizeof hash) == 0;
	OPENSSL_cleanse(hash, sizeof hash);
	return same ? CAMCA_OK : secret_refuse(&x->c->why);
}

int
est_secret(struct tx *tx, struct est *x)
{
	struct secret_row row;
	int ret;

	x->have_secret = false;
	ret = auth_secret_shown(x);
	if (ret < 0)
		return ret;
	ret = store_secret_get(tx, x->selector, &row);
	if (ret == CAMCA_ENOENT)
		return secret_refuse(&x->c->why);
	if (ret < 0)
		return ret;
	x->have_secret = true;
	/* First, so that the refusal's event names the device. */
	ret = store_device_by_pk(tx, row.device, &x->dev);
	if (ret == CAMCA_OK)
		ret = secret_check(&row, x->secret_hash, x->csr.spki, x->now,
		    &x->secret_again, &x->c->why);
	/* RFC 7030 3.2.3: the user name may be empty; else it is the device. */
	if (ret == CAMCA_OK && x->user != NULL && x->user[0] != '\0' &&
	    strcmp(x->user, x->dev.id) != 0)
		ret = secret_refuse(&x->c->why);
	return ret;
}

struct secret_miss {
	struct est *x;
	struct secret_row row;
};

static int
secret_failed_tx(struct tx *tx, void *arg)
{
	struct secret_miss *m = arg;
	struct est *x = m->x;
	struct device_row d;
	struct event e;
	int ret;

	ret = store_secret_failed(tx, x->selector, SECRET_MAX_ATTEMPTS,
	    &m->row);
	if (ret < 0)
		return ret;
	if ((ret = store_device_by_pk(tx, m->row.device, &d)) < 0)
		return ret;
	/* It locks once; tries after that are failures like those before. */
	event_init(&e, &x->a->events, m->row.state == SECRET_LOCKED &&
	    m->row.attempts == SECRET_MAX_ATTEMPTS ? "secret.locked" :
	    "secret.failed", d.id, x->c->caller->actor);
	event_add(&e, "attempts", "%lld", (long long)m->row.attempts);
	return event_put(tx, &e);
}

void
est_secret_failed(struct est *x)
{
	struct secret_miss m = { .x = x };
	int ret = store_tx(x->a->store, DB_WRITE, secret_failed_tx, &m);

	/* Gone meanwhile: nothing to note. */
	if (ret < 0 && ret != CAMCA_ECONFLICT && ret != CAMCA_ENOENT)
		log_msg(LOG_ERROR, "secret", "wrong try is not recorded: %s",
		    camca_strerror(ret));
}

/* ---- who may do what ---- */

struct auth_job {
	int64_t device, agent, now;
	bool found;
};

static int
auth_job_row(const struct job_row *r, void *arg)
{
	struct auth_job *j = arg;

	j->found = r->device == j->device && r->mode == JOB_APPLY &&
	    (r->kind == JOB_ENROLL || r->kind == JOB_RENEW) &&
	    job_lease_holds(r, j->agent, j->now);
	return j->found;
}

/* A camera that has an address gets its certificates by jobs. An agent that was
 * stolen must not have some made for the others of its site, with keys of its
 * own, which would be good when it is long revoked. */
static int
auth_ra_job(struct tx *tx, struct est *x, const struct device_row *ra)
{
	struct auth_job j = { x->dev.pk, ra->pk, x->now, false };
	struct reach_row reach;
	int ret = store_reach_get(tx, x->dev.pk, &reach);

	if (ret < 0)
		return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
	ret = store_job_leased(tx, ra->pk, auth_job_row, &j);
	if (ret < 0 || j.found)
		return ret < 0 ? ret : CAMCA_OK;
	return refuse(&x->c->why, CAMCA_EAUTH, 403, "ra.job",
	    "Camera '%s' is enrolled by jobs, and RA '%s' has none of it that "
	    "does so.", x->dev.id, ra->id);
}

/* The device an RA speaks for is the one that its CSR names in the common name.
 * Only devices of the RA's own site. */
static int
auth_ra_device(struct tx *tx, struct est *x, const struct device_row *ra)
{
	char cn[STORE_NAME_MAX] = "";
	int ret;

	X509_NAME_get_text_by_NID(x->csr.subject, NID_commonName, cn,
	    (int)sizeof cn);
	ret = cn[0] != '\0' ? store_device_get(tx, cn, &x->dev) : CAMCA_ENOENT;
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "ra.device",
		    "An RA names the device by its id in the CSR's common "
		    "name; '%s' is none.", cn);
	if (ret == CAMCA_OK && strcmp(ra->site, x->dev.site) != 0)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "ra.site",
		    "RA '%s' of site '%s' does not speak for site '%s'.",
		    ra->id, ra->site, x->dev.site);
	return ret < 0 ? ret : auth_ra_job(tx, x, ra);
}

static int
auth_ra(struct tx *tx, struct est *x)
{
	int64_t named = x->have_secret ? x->dev.pk : 0;
	struct device_row ra;
	int ret = store_device_by_pk(tx, x->cur.device, &ra);

	if (ret < 0)
		return ret;
	if (ra.kind != DEVICE_RA || ra.state != DEVICE_ENROLLED)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "ra.state",
		    "RA '%s' is %s.", ra.id,
		    device_state_name((enum device_state)ra.state));
	x->auth = AUTH_RA;
	ret = auth_ra_device(tx, x, &ra);
	/* The certificate would use up another device's secret. */
	if (ret == CAMCA_OK && named != 0 && named != x->dev.pk)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "auth.two-devices",
		    "Secret and request name two devices.");
	return ret;
}

static int
auth_idevid_device(struct tx *tx, struct est *x)
{
	struct device_row d;
	int ret = store_device_by_serial(tx, x->vendor.name, x->vendor_serial,
	    &d);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "idevid.unknown",
		    "No device of '%s' with serial '%s' is registered.",
		    x->vendor.name, x->vendor_serial);
	if (ret < 0)
		return ret;
	if (x->have_secret && d.pk != x->dev.pk)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "auth.two-devices",
		    "Secret and factory identity belong to two devices.");
	x->dev = d;
	return CAMCA_OK;
}

/* Which of the profile's ways in does what was shown amount to? */
static int
auth_choose(struct est *x)
{
	unsigned ways = x->profile->auth;

	if (x->by_idevid && x->have_secret && (ways & AUTH_CERT_SECRET))
		x->auth = AUTH_CERT_SECRET;
	else if (x->by_idevid && (ways & AUTH_IDEVID))
		x->auth = AUTH_IDEVID;
	else if (x->have_secret && (ways & AUTH_SECRET))
		x->auth = AUTH_SECRET;
	else if (x->by_idevid && (ways & AUTH_CERT_SECRET))
		return refuse(&x->c->why, CAMCA_EAUTH, 401,
		    "auth.secret-too", "This label needs the one-time secret "
		    "beside the factory certificate.");
	else if (x->have_secret)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "auth.way",
		    "This label does not take a one-time secret alone.");
	else if (x->by_idevid)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "auth.way",
		    "This label does not take factory identities.");
	else if ((ways & (AUTH_SECRET | AUTH_CERT_SECRET)) == 0)
		return refuse(&x->c->why, CAMCA_EAUTH, 403, "auth.way",
		    "This label needs a client certificate.");
	else
		return refuse(&x->c->why, CAMCA_EAUTH, 401, "auth.required",
		    "Authentication is required: a one-time secret or a "
		    "client certificate.");
	return CAMCA_OK;
}

int
est_authenticate(struct tx *tx, struct est *x)
{
	X509 *leaf = x->chain != NULL ? sk_X509_value(x->chain, 0) : NULL;
	bool ours = leaf != NULL && auth_is_ours(x, leaf), ra = false;
	int ret, secret;

	x->auth = 0;
	secret = est_secret(tx, x);
	if (secret < 0 && secret != CAMCA_ENOENT)
		return secret;
	if (ours) {
		ret = est_load_current(tx, x);
		if (ret < 0)
			return ret;
		if (!x->cur_expired && (x->profile->auth & AUTH_RA) != 0 &&
		    (ret = cert_is_ra(leaf, &ra)) < 0)
			return ret;
		if (ra)
			return auth_ra(tx, x);
		/* A certificate of ours alone is for renewal, not for
		 * enrollment; beside a secret it does no harm. */
		if (secret == CAMCA_ENOENT)
			return refuse(&x->c->why, CAMCA_EAUTH, 403,
			    "auth.renew-instead", "A camera with a "
			    "certificate of ours renews at simplereenroll.");
		if (x->cur.device != x->dev.pk)
			return refuse(&x->c->why, CAMCA_EAUTH, 403,
			    "auth.two-devices", "Secret and client "
			    "certificate belong to two devices.");
	} else if (leaf != NULL) {
		if ((ret = est_find_vendor(tx, x)) < 0 ||
		    (ret = auth_idevid_device(tx, x)) < 0)
			return ret;
	}
	return auth_choose(x);
}
