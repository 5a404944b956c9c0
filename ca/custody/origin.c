/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

#define META_BASE "custody.origin"
#define SPKI_MAX 512

static const struct {
	enum note_alg alg;
	enum hsm_key_type type;
	const char *name, *label, *uri, *pub;
} origin_algs[ORIGIN_KEYS] = {
	{ NOTE_ED25519, HSM_ED25519, "ed25519", "camca-log-ed25519",
	    "custody.ed25519.uri", "custody.ed25519.pub" },
	{ NOTE_ECDSA, HSM_EC_P256, "ecdsa", "camca-log-ecdsa",
	    "custody.ecdsa.uri", "custody.ecdsa.pub" },
};

const char *
origin_alg_name(enum note_alg alg)
{
	size_t i;

	for (i = 0; i < ORIGIN_KEYS; i++)
		if (origin_algs[i].alg == alg)
			return origin_algs[i].name;
	return "unknown";
}

void
origin_name(char out[static NOTE_NAME_MAX], const struct origin *o,
    int64_t number)
{
	if (number <= 1)
		snprintf(out, NOTE_NAME_MAX, "%s", o->base);
	else
		snprintf(out, NOTE_NAME_MAX, "%s/%lld", o->base,
		    (long long)number);
}

int
origin_number(const struct origin *o, const char *name, int64_t *out)
{
	size_t n = strlen(o->base);
	char again[NOTE_NAME_MAX];
	int64_t number = 1;

	if (strncmp(name, o->base, n) != 0)
		return CAMCA_ENOENT;
	if (name[n] != '\0')
		number = name[n] == '/' ? strtoll(name + n + 1, NULL, 10) : 0;
	/* One spelling each: no sign, no zero in front, nothing behind. */
	origin_name(again, o, number);
	if (number < 1 || strcmp(again, name) != 0)
		return CAMCA_ENOENT;
	*out = number;
	return CAMCA_OK;
}

/* ---- reading ---- */

/* A value that may be missing: "" then. */
static int
origin_meta(struct tx *tx, const char *key, char *out, size_t len)
{
	int ret = store_meta_get(tx, key, out, len);

	if (ret == CAMCA_ENOENT)
		out[0] = '\0';
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static int
origin_load_key(struct tx *tx, size_t i, struct origin *out)
{
	struct origin_key *k = &out->keys[out->nkeys];
	char text[2 * SPKI_MAX];
	const unsigned char *p;
	struct buf der;
	int ret;

	ret = origin_meta(tx, origin_algs[i].uri, k->uri, sizeof k->uri);
	if (ret == CAMCA_OK)
		ret = origin_meta(tx, origin_algs[i].pub, text, sizeof text);
	if (ret < 0 || k->uri[0] == '\0')
		return ret;
	buf_init(&der, SPKI_MAX);
	ret = dec_base64(&der, text, strlen(text), 0);
	p = der.data;
	k->alg = origin_algs[i].alg;
	k->pub = ret == CAMCA_OK ? d2i_PUBKEY(NULL, &p, (long)der.len) : NULL;
	buf_fini(&der);
	if (k->pub == NULL) {
		log_openssl(origin_algs[i].pub, "not a public key");
		return CAMCA_EDB;
	}
	out->nkeys++;
	return CAMCA_OK;
}

static int
origin_load_fork(struct tx *tx, struct origin *out)
{
	char number[24], past[2 * STORE_HASH_LEN + 1], from[24];
	int ret;

	out->number = 1;
	if ((ret = origin_meta(tx, ORIGIN_META_NUMBER, number,
	    sizeof number)) < 0 ||
	    (ret = origin_meta(tx, ORIGIN_META_PAST, past, sizeof past)) < 0 ||
	    (ret = origin_meta(tx, ORIGIN_META_FROM, from, sizeof from)) < 0)
		return ret;
	if (number[0] == '\0')
		return CAMCA_OK;
	out->forked = true;
	out->number = strtoll(number, NULL, 10);
	out->from = strtoll(from, NULL, 10);
	if (out->number < 2 ||
	    dec_hex(out->past, sizeof out->past, past) < 0) {
		log_msg(LOG_ERROR, ORIGIN_META_NUMBER,
		    "not what a fork left there");
		return CAMCA_EDB;
	}
	return CAMCA_OK;
}

int
origin_load(struct tx *tx, struct origin *out)
{
	size_t i;
	int ret;

	memset(out, 0, sizeof *out);
	ret = store_meta_get(tx, META_BASE, out->base, sizeof out->base);
	if (ret == CAMCA_OK)
		ret = origin_load_fork(tx, out);
	for (i = 0; ret == CAMCA_OK && i < ORIGIN_KEYS; i++)
		ret = origin_load_key(tx, i, out);
	if (ret < 0)
		origin_fini(out);
	else
		origin_name(out->name, out, out->number);
	return ret;
}

void
origin_fini(struct origin *o)
{
	size_t i;

	for (i = 0; i < ORIGIN_KEYS; i++)
		EVP_PKEY_free(o->keys[i].pub);
	memset(o, 0, sizeof *o);
}

/* ---- making ---- */

struct origin_new {
	const struct event_source *src;
	const char *base;
	struct origin now;               /* as the store has it */
	size_t alg;                      /* of origin_algs */
	char *uri;
	EVP_PKEY *pub;
	char *pub64;
};

static int
origin_load_tx(struct tx *tx, void *arg)
{
	struct origin_new *x = arg;
	int ret;

	origin_fini(&x->now);
	ret = origin_load(tx, &x->now);
	/* An origin without keys is as good as none to load. */
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static int
origin_base_tx(struct tx *tx, void *arg)
{
	struct origin_new *x = arg;

	return store_meta_set(tx, META_BASE, x->base);
}

static int
origin_key_event(struct tx *tx, const struct origin_new *x)
{
	char vkey[EVENT_VALUE_MAX + 1];
	struct note_key k;
	struct buf text;
	struct event e;
	int ret = note_key_make(&k, x->now.name, origin_algs[x->alg].alg,
	    x->pub);

	if (ret < 0)
		return ret;
	buf_init(&text, sizeof vkey - 1);
	ret = note_key_text(&k, &text);
	snprintf(vkey, sizeof vkey, "%s", buf_str(&text));
	buf_fini(&text);
	event_init(&e, x->src, "custody.key", NULL, "camcad");
	event_add(&e, "use", "checkpoint");
	event_add(&e, "alg", "%s", origin_algs[x->alg].name);
	event_add_hex(&e, "key-id", k.id, sizeof k.id);
	event_add(&e, "vkey", "%s", vkey);
	note_key_fini(&k);
	return ret < 0 ? ret : event_put(tx, &e);
}

static int
origin_key_tx(struct tx *tx, void *arg)
{
	struct origin_new *x = arg;
	int ret;

	if ((ret = store_meta_set(tx, origin_algs[x->alg].uri, x->uri)) < 0 ||
	    (ret = store_meta_set(tx, origin_algs[x->alg].pub, x->pub64)) < 0)
		return ret;
	return origin_key_event(tx, x);
}

static char *
origin_spki(EVP_PKEY *pub)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(pub, &der);
	char *text = n > 0 ? enc_base64_dup(der, (size_t)n) : NULL;

	OPENSSL_free(der);
	return text;
}

static int
origin_make_key(struct store *store, struct hsm *hsm, struct origin_new *x,
    struct refusal *why)
{
	struct hsm_key *key = NULL;
	int ret;

	ret = hsm_generate_log(hsm, origin_algs[x->alg].type,
	    origin_algs[x->alg].label, &x->uri, why);
	if (ret == CAMCA_OK && strlen(x->uri) >= ORIGIN_URI_MAX)
		ret = refuse(why, CAMCA_ELIMIT, 503, "custody.key",
		    "The URI of the new log key is too long.");
	if (ret == CAMCA_OK)
		ret = hsm_key_open(hsm, x->uri, &key, why);
	if (ret < 0)
		goto out;
	x->pub = hsm_key_public(key);
	x->pub64 = x->pub != NULL ? origin_spki(x->pub) : NULL;
	/* SoftHSM leaves a new key to the page cache: what the record names
	 * must outlive a power cut. */
	sync();
	ret = x->pub64 == NULL ? CAMCA_ECRYPTO :
	    store_tx(store, DB_WRITE, origin_key_tx, x);
	if (ret == CAMCA_OK)
		log_msg(LOG_NOTE, x->now.name, "a key for checkpoints (%s) was "
		    "made in the HSM", origin_algs[x->alg].name);
out:
	hsm_key_free(key);
	EVP_PKEY_free(x->pub);
	free(x->uri);
	free(x->pub64);
	x->pub = NULL;
	x->uri = x->pub64 = NULL;
	return ret;
}

static bool
origin_has(const struct origin *o, enum note_alg alg)
{
	size_t i;

	for (i = 0; i < o->nkeys; i++)
		if (o->keys[i].alg == alg)
			return true;
	return false;
}

/* Reads what is there, storing the base first where nothing is. */
static int
origin_begin(struct store *store, struct origin_new *x, struct refusal *why)
{
	int ret = store_tx(store, DB_READ, origin_load_tx, x);

	if (ret < 0 || x->now.base[0] != '\0')
		return ret;
	if (!note_name_ok(x->base) || strlen(x->base) >= ORIGIN_BASE_MAX)
		return refuse(why, CAMCA_EINVAL, 503, "custody.origin",
		    "The log's origin must be a name without spaces and '+', "
		    "of at most %d bytes.", ORIGIN_BASE_MAX - 1);
	ret = store_tx(store, DB_WRITE, origin_base_tx, x);
	return ret < 0 ? ret : store_tx(store, DB_READ, origin_load_tx, x);
}

int
origin_make(struct store *store, struct hsm *hsm,
    const struct event_source *src, const char *base, unsigned algs,
    struct refusal *why)
{
	struct origin_new x = { .src = src, .base = base };
	int ret = origin_begin(store, &x, why), one;

	if (ret < 0)
		return ret;
	for (x.alg = 0; x.alg < ORIGIN_KEYS; x.alg++) {
		if ((algs & ORIGIN_ALG(origin_algs[x.alg].alg)) == 0 ||
		    origin_has(&x.now, origin_algs[x.alg].alg))
			continue;
		/* A token without EdDSA still gives the other key. */
		one = origin_make_key(store, hsm, &x,
		    ret == CAMCA_OK ? why : NULL);
		ret = ret == CAMCA_OK ? one : ret;
	}
	origin_fini(&x.now);
	return ret;
}

/* ---- using ---- */

int
origin_note_key(const struct origin *o, size_t i, const char *name,
    struct note_key *out)
{
	return note_key_make(out, name, o->keys[i].alg, o->keys[i].pub);
}

int
origin_vkeys(const struct origin *o, const char *name, struct buf *out)
{
	struct note_key k;
	size_t i;
	int ret;

	for (i = 0; i < o->nkeys; i++) {
		if ((ret = origin_note_key(o, i, name, &k)) < 0)
			return ret;
		ret = note_key_text(&k, out);
		note_key_fini(&k);
		if (ret < 0 || (ret = buf_putc(out, '\n')) < 0)
			return ret;
	}
	return CAMCA_OK;
}

/* Which of our keys' lines it has, as bits; all of them hold. */
static int
origin_lines(const struct origin *o, const struct note *note,
    const char *name, unsigned *out, struct refusal *why)
{
	struct note_key k;
	size_t i;
	int ret;

	*out = 0;
	for (i = 0; i < o->nkeys; i++) {
		if ((ret = origin_note_key(o, i, name, &k)) < 0)
			return ret;
		ret = note_check(note, &k, NULL);
		note_key_fini(&k);
		if (ret == CAMCA_OK)
			*out |= ORIGIN_ALG(o->keys[i].alg);
		else if (ret == CAMCA_EINVAL)
			return refuse(why, ret, 409, "custody.signature",
			    "its %s signature is wrong",
			    origin_alg_name(o->keys[i].alg));
		else if (ret != CAMCA_ENOENT)
			return ret;
	}
	return CAMCA_OK;
}

int
origin_check(const struct origin *o, const void *note, size_t n,
    unsigned algs, struct checkpoint *out, int64_t *number_out,
    struct refusal *why)
{
	struct note *parsed = malloc(sizeof *parsed);
	unsigned lines = 0;
	int ret;

	if (parsed == NULL)
		return CAMCA_ENOMEM;
	if ((ret = note_parse(parsed, note, n, why)) < 0 ||
	    (ret = checkpoint_parse(out, parsed->text, parsed->text_len,
	    why)) < 0)
		goto out;
	if (origin_number(o, out->origin, number_out) < 0) {
		ret = refuse(why, CAMCA_EINVAL, 409, "custody.origin",
		    "its origin is %.200s, this log is %.100s", out->origin,
		    o->base);
		goto out;
	}
	ret = origin_lines(o, parsed, out->origin, &lines, why);
	if (ret == CAMCA_OK && (lines == 0 || (algs & ~lines) != 0))
		ret = refuse(why, CAMCA_EINVAL, 409, "custody.signature",
		    "it has no signature of this log's %s key",
		    (algs & ~lines & ORIGIN_ALG(NOTE_ED25519)) != 0 ?
		    "ed25519" : (algs & ~lines) != 0 ? "ecdsa" : "log");
out:
	free(parsed);
	return ret;
}
