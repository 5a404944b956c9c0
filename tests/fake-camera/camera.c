/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ca/base/auto.h"
#include "ca/base/ctx.h"
#include "ca/base/mono.h"
#include "tests/fake-camera/keygen.h"
#include "tests/fake-camera/store.h"

int64_t
camera_uptime(const struct camera *cam)
{
	return mono_ms() + cam->advance_ms;
}

int64_t
camera_clock(const struct camera *cam)
{
	return ctx_now_ms(&camca_ctx_system) + cam->offset_ms +
	    cam->advance_ms;
}

void
camera_id(struct camera *cam, char out[static CAM_ID], const char *prefix)
{
	uint8_t r[3] = { 0 };

	(void)RAND_bytes(r, sizeof r);
	snprintf(out, CAM_ID, "%s_%u.%02x%02x%02x", prefix,
	    ++cam->next_id % 100000U, r[0], r[1], r[2]);
}

/* ---- the identity from the factory ---- */

static int
factory_name(X509_NAME *n, const struct camera *cam)
{
	return X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8,
	    (const uint8_t *)"Rehearsal Cameras", -1, -1, 0) == 1 &&
	    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
	    (const uint8_t *)cam->serial, -1, -1, 0) == 1 &&
	    X509_NAME_add_entry_by_txt(n, "serialNumber", MBSTRING_UTF8,
	    (const uint8_t *)cam->serial, -1, -1, 0) == 1 ? CAMCA_OK :
	    CAMCA_ECRYPTO;
}

/* An IDevID in form (IEEE 802.1AR: no end of validity), signed by itself. */
static X509 *
factory_sign(const struct camera *cam)
{
	AUTO(X509) *x = X509_new();
	AUTO(BIGNUM) *bn = BN_new();

	if (x == NULL || bn == NULL || X509_set_version(x, 2) != 1 ||
	    BN_set_word(bn, 0x51000000UL + cam->number) != 1 ||
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) == NULL ||
	    factory_name(X509_get_subject_name(x), cam) < 0 ||
	    X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
	    ASN1_TIME_set_string(X509_getm_notBefore(x), "20240101000000Z") !=
	    1 || ASN1_TIME_set_string(X509_getm_notAfter(x),
	    "99991231235959Z") != 1 ||
	    X509_set_pubkey(x, cam->factory_key) != 1 ||
	    X509_sign(x, cam->factory_key, EVP_sha256()) == 0)
		return NULL;
	return TAKE(x);
}

static int
factory_make(struct camera *cam)
{
	cam->factory_key = keygen_now(0, "secp256r1");
	if (cam->factory_key == NULL ||
	    (cam->factory_cert = factory_sign(cam)) == NULL) {
		ERR_clear_error();
		return CAMCA_ECRYPTO;
	}
	return CAMCA_OK;
}

static void
factory_store(struct camera *cam)
{
	struct key *k = store_new_key(cam, "factory");
	struct cert *c = store_new_cert(cam, "factory");
	struct path *p = store_new_path(cam, "factory");

	if (k == NULL || c == NULL || p == NULL)
		return;
	EVP_PKEY_up_ref(cam->factory_key);
	k->pkey = cam->factory_key;
	k->status = KEY_OK;
	k->has_private = k->factory = true;
	X509_up_ref(cam->factory_cert);
	c->x = cam->factory_cert;
	c->factory = p->factory = true;
	memcpy(c->key, k->id, sizeof c->key);
	memcpy(p->certs[p->n++], c->id, CAM_ID);
	memcpy(cam->assigned, p->id, CAM_ID);
}

void
camera_reset(struct camera *cam, bool hard)
{
	const struct persona *p = cam->persona;
	struct user *u = &cam->users[0];

	memset(cam->users, 0, sizeof cam->users);
	snprintf(u->name, sizeof u->name, "%s", cam->user0);
	snprintf(u->password, sizeof u->password, "%s", cam->password0);
	snprintf(u->other, sizeof u->other, "%s", cam->password0);
	u->level = LEVEL_ADMIN;
	memset(cam->nonces, 0, sizeof cam->nonces);
	cam->md5 = p->md5;
	cam->sha256 = p->sha256 && !p->sha256_off;
	cam->c_min_len = p->min_len;
	cam->c_upper = p->min_upper;
	cam->c_digit = p->min_digit;
	cam->c_special = p->min_special;
	cam->c_username = false;
	store_drop_all(cam);
	identity_free(&cam->next);
	cam->client_auth = cam->cn_maps = false;
	cam->http = (struct protocol){ true, cam->http_port };
	cam->https = (struct protocol){ p->https_at_start, cam->https_port };
	cam->rtsp = (struct protocol){ true, cam->rtsp_port };
	cam->discoverable = true;
	cam->ntp = false;
	cam->ntp_server[0] = '\0';
	snprintf(cam->tz, sizeof cam->tz, "UTC0");
	if (p->factory_stored)
		factory_store(cam);
	tls_assign(cam, false);
	if (!hard)
		return;
	cam->offset_ms = p->clock_offset_s * 1000;
	cam->failed = cam->refused_auth = cam->basic_seen = 0;
	cam->clear_passwords = cam->requests = cam->invalid = 0;
	memset(cam->tallies, 0, sizeof cam->tallies);
	memset(cam->ops, 0, sizeof cam->ops);
}

struct camera *
camera_new(unsigned number, const struct persona *p, const char *user,
    const char *password, unsigned keep)
{
	struct camera *cam = calloc(1, sizeof *cam);
	unsigned i;

	if (cam == NULL)
		return NULL;
	pthread_mutex_init(&cam->lock, NULL);
	cam->number = number;
	cam->persona = p;
	cam->user0 = user;
	cam->password0 = password;
	snprintf(cam->serial, sizeof cam->serial, "FC%06u", number);
	snprintf(cam->mac, sizeof cam->mac, "02:00:5e:%02x:%02x:%02x",
	    number >> 16 & 255, number >> 8 & 255, number & 255);
	snprintf(cam->guid, sizeof cam->guid,
	    "urn:uuid:fa4eca00-0000-4000-8000-%012x", number);
	for (i = 0; i < CAM_CONNS; i++)
		cam->fd[i] = -1;
	cam->keep = keep;
	if (keep > 0)
		cam->kept = calloc(keep, sizeof *cam->kept);
	if ((keep > 0 && cam->kept == NULL) || factory_make(cam) < 0) {
		camera_free(cam);
		return NULL;
	}
	camera_reset(cam, true);
	return cam;
}

static void
exchange_free(struct exchange *e)
{
	free(e->op);
	free(e->request);
	free(e->response);
	memset(e, 0, sizeof *e);
}

void
camera_free(struct camera *cam)
{
	unsigned i;

	if (cam == NULL)
		return;
	store_drop_all(cam);
	identity_free(&cam->served);
	identity_free(&cam->next);
	X509_free(cam->factory_cert);
	EVP_PKEY_free(cam->factory_key);
	for (i = 0; cam->kept != NULL && i < cam->keep; i++)
		exchange_free(&cam->kept[i]);
	free(cam->kept);
	pthread_mutex_destroy(&cam->lock);
	free(cam);
}

void
camera_cut(struct camera *cam, int64_t off_ms)
{
	struct key *k;
	unsigned i;

	cam->off = true;
	cam->off_until = off_ms < 0 ? -1 : mono_ms() + off_ms;
	cam->boots++;
	for (i = 0; i < CAM_CONNS; i++)
		if (cam->fd[i] >= 0)
			shutdown(cam->fd[i], SHUT_RDWR);
	for (i = 0; i < CAM_SLOTS; i++) {
		k = &cam->keys[i];
		if (k->id[0] != '\0' && store_key_status(cam, k) ==
		    KEY_GENERATING)
			k->status = KEY_CORRUPT;
	}
	/* What waited in memory only is in force after a restart. */
	cam->next_at = camera_uptime(cam);
	tls_settle(cam);
	memset(cam->nonces, 0, sizeof cam->nonces);
}

void
camera_remember(struct camera *cam, const char *op, const char *request,
    const char *response, int status, bool tls)
{
	struct exchange *e;

	if (cam->kept == NULL)
		return;
	e = &cam->kept[cam->kept_next++ % cam->keep];
	exchange_free(e);
	e->op = strdup(op);
	e->request = strdup(request);
	e->response = strdup(response);
	e->status = status;
	e->tls = tls;
}
