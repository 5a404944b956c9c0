/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/mono.h"
#include "tests/fake-camera/keygen.h"

#define KEYGEN_QUEUE 4096
#define KEYGEN_WORKERS 2
#define KEYGEN_POOL 4096

struct order {
	struct camera *cam;
	char id[CAM_ID];
	unsigned serial, bits;
	char curve[16];
};

struct pooled { unsigned bits; char curve[16]; EVP_PKEY *pkey; };

/* One for the process: the context of this program. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t worker[KEYGEN_WORKERS];
	unsigned workers;
	bool stop;
	int64_t min_ms;
	struct order queue[KEYGEN_QUEUE];
	size_t head, n;
	unsigned pool;           /* of each kind; 0 = always fresh */
	struct pooled pooled[KEYGEN_POOL];
	size_t npooled, turn;
} gen = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

EVP_PKEY *
keygen_now(unsigned bits, const char *curve)
{
	EVP_PKEY *k;

	k = bits > 0 ? EVP_RSA_gen(bits) : EVP_EC_gen(strcmp(curve,
	    "secp384r1") == 0 ? "P-384" : "P-256");
	ERR_clear_error();
	return k;
}

static bool
keygen_has(const struct camera *cam, EVP_PKEY *k)
{
	unsigned i;

	for (i = 0; i < CAM_SLOTS; i++)
		if (cam->keys[i].pkey != NULL && EVP_PKEY_eq(
		    cam->keys[i].pkey, k) == 1)
			return true;
	return false;
}

/* One of the pool that the camera does not have, once there are enough. */
static EVP_PKEY *
keygen_reuse(const struct order *o)
{
	EVP_PKEY *found = NULL;
	size_t i, k, have = 0;

	pthread_mutex_lock(&gen.lock);
	for (i = 0; i < gen.npooled; i++)
		if (gen.pooled[i].bits == o->bits &&
		    strcmp(gen.pooled[i].curve, o->curve) == 0)
			have++;
	for (i = 0; gen.pool > 0 && have >= gen.pool && i < gen.npooled; i++) {
		k = (gen.turn + i) % gen.npooled;
		if (gen.pooled[k].bits != o->bits ||
		    strcmp(gen.pooled[k].curve, o->curve) != 0)
			continue;
		found = gen.pooled[k].pkey;
		EVP_PKEY_up_ref(found);
		gen.turn = k + 1;
		break;
	}
	pthread_mutex_unlock(&gen.lock);
	return found;
}

static void
keygen_keep(const struct order *o, EVP_PKEY *k)
{
	struct pooled *p;

	pthread_mutex_lock(&gen.lock);
	if (gen.pool > 0 && gen.npooled < KEYGEN_POOL) {
		p = &gen.pooled[gen.npooled++];
		p->bits = o->bits;
		memcpy(p->curve, o->curve, sizeof p->curve);
		p->pkey = k;
		EVP_PKEY_up_ref(k);
	}
	pthread_mutex_unlock(&gen.lock);
}

/* The slot may have been emptied, or given to another key, meanwhile. */
static void
keygen_deliver(const struct order *o, EVP_PKEY *pkey)
{
	struct camera *cam = o->cam;
	struct key *k;
	unsigned i;

	pthread_mutex_lock(&cam->lock);
	for (i = 0; i < CAM_SLOTS; i++) {
		k = &cam->keys[i];
		if (k->serial != o->serial || strcmp(k->id, o->id) != 0 ||
		    k->status != KEY_GENERATING || k->pkey != NULL)
			continue;
		if (pkey == NULL || keygen_has(cam, pkey))
			k->status = KEY_CORRUPT;
		else {
			k->pkey = pkey;
			EVP_PKEY_up_ref(pkey);
		}
	}
	pthread_mutex_unlock(&cam->lock);
}

static void
keygen_serve(const struct order *o)
{
	EVP_PKEY *k = keygen_reuse(o);
	bool clash;

	if (k != NULL) {
		pthread_mutex_lock(&o->cam->lock);
		clash = keygen_has(o->cam, k);
		pthread_mutex_unlock(&o->cam->lock);
		if (clash) {
			EVP_PKEY_free(k);
			k = NULL;
		}
	}
	if (k == NULL && (k = keygen_now(o->bits, o->curve)) != NULL)
		keygen_keep(o, k);
	keygen_deliver(o, k);
	EVP_PKEY_free(k);
}

static void *
keygen_run(void *arg)
{
	struct order o;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&gen.lock);
		while (gen.n == 0 && !gen.stop)
			pthread_cond_wait(&gen.more, &gen.lock);
		if (gen.stop) {
			pthread_mutex_unlock(&gen.lock);
			return NULL;
		}
		o = gen.queue[gen.head];
		gen.head = (gen.head + 1) % KEYGEN_QUEUE;
		gen.n--;
		pthread_mutex_unlock(&gen.lock);
		keygen_serve(&o);
	}
}

int
keygen_start(unsigned pool, int64_t min_ms)
{
	gen.pool = pool;
	gen.min_ms = min_ms;
	for (; gen.workers < KEYGEN_WORKERS; gen.workers++)
		if (pthread_create(&gen.worker[gen.workers], NULL, keygen_run,
		    NULL) != 0)
			return CAMCA_ENOMEM;
	return CAMCA_OK;
}

void
keygen_stop(void)
{
	unsigned i;

	pthread_mutex_lock(&gen.lock);
	gen.stop = true;
	pthread_cond_broadcast(&gen.more);
	pthread_mutex_unlock(&gen.lock);
	for (i = 0; i < gen.workers; i++)
		pthread_join(gen.worker[i], NULL);
	for (i = 0; i < gen.npooled; i++)
		EVP_PKEY_free(gen.pooled[i].pkey);
	gen.npooled = 0;
}

bool
keygen_order(struct camera *cam, struct key *k, unsigned bits,
    const char *curve)
{
	struct order *o;
	bool taken = false;

	k->ready_at = camera_uptime(cam) + gen.min_ms;
	pthread_mutex_lock(&gen.lock);
	if (gen.n < KEYGEN_QUEUE) {
		o = &gen.queue[(gen.head + gen.n++) % KEYGEN_QUEUE];
		*o = (struct order){ .cam = cam, .serial = k->serial,
		    .bits = bits };
		memcpy(o->id, k->id, sizeof o->id);
		snprintf(o->curve, sizeof o->curve, "%s", curve);
		pthread_cond_signal(&gen.more);
		taken = true;
	}
	pthread_mutex_unlock(&gen.lock);
	return taken;
}
