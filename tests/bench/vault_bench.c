/* SPDX-License-Identifier: Apache-2.0 */
/* vault_bench DIR [SECONDS]: makes a SoftHSM token and a store in DIR, seals
 * and opens passwords, and does beside it what sealing and opening cannot do
 * without, in turn, so that both meet the same machine: a P-256 key agreement
 * with a fresh key in software; one C_DeriveKey of the token, its value read
 * and destroyed. Seconds are those that this thread had a processor: with a
 * token in software there are no others. The ratio is the median of those of neighbouring slices. A
 * JSON line each:
 *   {"phase":"seal","rate":…,"raw":…,"ratio":…} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/vault/vault.h"
#include "hsm/internal.h"

#define SLICE_MS 50
#define SLICES_MAX 1000
#define ATTR(t, v) { (t), (v), sizeof *(v) }

struct bench {
	struct hsm *hsm;
	struct store *store;
	struct vault *v;
	struct event_source src;
	struct hsm_key *key;             /* of the raw operations */
	EVP_PKEY *pub;
	uint8_t point[HSM_POINT_LEN];
	struct vault_draft draft;
	struct vault_secret row;
	struct refusal why;
};

struct count {
	int64_t n, ms;
};

/* Two counts a slice: what is measured, and what it is held against. */
struct line {
	size_t n;
	double rate[SLICES_MAX], raw[SLICES_MAX], ratio[SLICES_MAX];
};

static int64_t
busy_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
fail(struct bench *b, const char *what)
{
	fprintf(stderr, "vault_bench: %s: %s\n", what, b->why.detail);
	exit(1);
}

static int
do_seal(struct bench *b)
{
	struct vault_draft d;
	int ret = vault_draft_text(b->v, "cam-1", "camca-svc",
	    "Zm3Kq9wTr2Vx7Lp5Yd8Nb", &d, &b->why);

	vault_draft_fini(&d);
	return ret;
}

static int
do_seal_raw(struct bench *b)
{
	AUTO(EVP_PKEY) *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t z[HSM_SHARED_LEN];
	size_t n = sizeof z;

	return ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, b->pub) == 1 &&
	    EVP_PKEY_derive(ctx, z, &n) == 1 ? 0 : -1;
}

static int
do_open(struct bench *b)
{
	struct secret_text text;
	int ret = vault_open(b->v, &b->row, &text, &b->why);

	secret_text_wipe(&text);
	return ret;
}

struct raw {
	struct bench *b;
	CK_OBJECT_HANDLE key;
	struct count *c;
	int64_t until;
};

/* Nothing but the calls, in one session. */
static CK_RV
open_raw_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct raw *r = arg;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG len = HSM_SHARED_LEN;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	uint8_t z[HSM_SHARED_LEN];
	CK_ATTRIBUTE want[] = { ATTR(CKA_CLASS, &class),
	    ATTR(CKA_KEY_TYPE, &type), ATTR(CKA_TOKEN, &no),
	    ATTR(CKA_SENSITIVE, &no), ATTR(CKA_EXTRACTABLE, &yes),
	    ATTR(CKA_VALUE_LEN, &len) };
	CK_ATTRIBUTE value = { CKA_VALUE, z, sizeof z };
	CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL,
	    .public_data_len = HSM_POINT_LEN, .public_data = r->b->point };
	CK_MECHANISM mech = { CKM_ECDH1_DERIVE, &params, sizeof params };
	CK_OBJECT_HANDLE o;
	CK_RV rv = key_handle(h, s, r->b->key, &r->key);

	while (rv == CKR_OK && busy_ms() < r->until) {
		rv = h->p11->C_DeriveKey(s, &mech, r->key, want, 6, &o);
		if (rv == CKR_OK)
			rv = h->p11->C_GetAttributeValue(s, o, &value, 1);
		if (rv == CKR_OK)
			rv = h->p11->C_DestroyObject(s, o);
		r->c->n++;
	}
	return rv;
}

static void
slice(struct bench *b, int (*one)(struct bench *b), struct count *c)
{
	int64_t start = busy_ms();

	while (busy_ms() - start < SLICE_MS) {
		if (one(b) < 0)
			fail(b, "operation");
		c->n++;
	}
	c->ms += busy_ms() - start;
}

static void
slice_open_raw(struct bench *b, struct count *c)
{
	int64_t start = busy_ms();
	struct raw r = { .b = b, .c = c, .until = start + SLICE_MS };

	if (session_run(b->key->t, false, "derive", open_raw_call, &r,
	    &b->why) < 0)
		fail(b, "raw");
	c->ms += busy_ms() - start;
}

static void
setup(struct bench *b, const char *dir)
{
	struct hsm_conf hc = { .token_uri = "pkcs11:token=camca" };
	struct store_conf sc = { .readers = 1, .batch_max = 16,
	    .queue_max = 16, .ctx = &camca_ctx_system };
	struct vault_conf vc;
	char soft[300], pin[300], db[300], *uri = NULL;
	size_t n = 0;

	if (file_join(soft, sizeof soft, dir, "token/softhsm2.conf") < 0 ||
	    file_join(pin, sizeof pin, dir, "token/pin") < 0 ||
	    file_join(db, sizeof db, dir, "token") < 0 ||
	    hsm_softhsm_make(db, "camca", &b->why) < 0)
		fail(b, "token");
	hc.softhsm_conf = soft;
	hc.pin.file = pin;
	if (file_join(db, sizeof db, dir, "db") < 0)
		fail(b, "folder");
	sc.path = db;
	b->src = (struct event_source){ &camca_ctx_system, "bench" };
	if (hsm_open(&b->hsm, &hc, &b->why) < 0 ||
	    store_open(&b->store, &sc, true, &b->why) < 0)
		fail(b, "open");
	vc = (struct vault_conf){ b->store, b->hsm, &b->src };
	if (vault_new(&b->v, &vc) < 0 || vault_ready(b->v, &b->why) < 0 ||
	    hsm_generate_derive(b->hsm, "raw", &uri, &b->why) < 0 ||
	    hsm_key_open_derive(b->hsm, uri, &b->key, &b->why) < 0)
		fail(b, "keys");
	free(uri);
	b->pub = hsm_key_public(b->key);
	if (EVP_PKEY_get_octet_string_param(b->pub, "pub", b->point,
	    sizeof b->point, &n) != 1 ||
	    vault_draft_text(b->v, "cam-1", "camca-svc",
	    "Zm3Kq9wTr2Vx7Lp5Yd8Nb", &b->draft, &b->why) < 0)
		fail(b, "draft");
	snprintf(b->row.device_id, sizeof b->row.device_id, "cam-1");
	snprintf(b->row.username, sizeof b->row.username, "camca-svc");
	memcpy(b->row.uid, b->draft.uid, sizeof b->row.uid);
	b->row.sealed = b->draft.sealed;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_size);
	return v[n / 2];
}

static void
line_add(struct line *l, const struct count *c, const struct count *raw)
{
	if (l->n == SLICES_MAX)
		return;
	l->rate[l->n] = 1000.0 * (double)c->n / (double)c->ms;
	l->raw[l->n] = 1000.0 * (double)raw->n / (double)raw->ms;
	l->ratio[l->n] = l->rate[l->n] / l->raw[l->n];
	l->n++;
}

static void
line_print(const char *phase, struct line *l)
{
	printf("{\"phase\":\"%s\",\"rate\":%.0f,\"raw\":%.0f,\"ratio\":%.3f}"
	    "\n", phase, median(l->rate, l->n), median(l->raw, l->n),
	    median(l->ratio, l->n));
}

int
main(int argc, char **argv)
{
	static struct line seal, opening;
	struct bench b = { .v = NULL };
	int64_t end;

	if (argc < 2)
		return 2;
	log_setup("vault_bench", LOG_ERROR);
	setup(&b, argv[1]);
	end = mono_ms() + 1000 * (argc > 2 ? strtoll(argv[2], NULL, 10) : 8);
	do {
		struct count c = { 0 }, raw = { 0 };

		slice(&b, do_seal, &c);
		slice(&b, do_seal_raw, &raw);
		line_add(&seal, &c, &raw);
		c = raw = (struct count){ 0 };
		slice(&b, do_open, &c);
		slice_open_raw(&b, &raw);
		line_add(&opening, &c, &raw);
	} while (mono_ms() < end);
	line_print("seal", &seal);
	line_print("open", &opening);
	vault_draft_fini(&b.draft);
	EVP_PKEY_free(b.pub);
	hsm_key_free(b.key);
	vault_free(b.v);
	store_close(b.store);
	hsm_close(b.hsm);
	return 0;
}
