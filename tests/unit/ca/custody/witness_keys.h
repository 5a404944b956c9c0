/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a log and of witnesses, and what they sign. */
#ifndef CAMCA_TESTS_WITNESS_KEYS_H
#define CAMCA_TESTS_WITNESS_KEYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ca/custody/witness.h"

struct signer_key {
	EVP_PKEY *priv;
	struct note_key pub;
};

static inline void
key_new(struct signer_key *k, const char *name, enum note_alg alg)
{
	k->priv = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_non_null(k->priv);
	assert_int_equal(note_key_make(&k->pub, name, alg, k->priv), 0);
}

static inline void
key_free(struct signer_key *k)
{
	note_key_fini(&k->pub);
	EVP_PKEY_free(k->priv);
}

static inline void
key_line(const struct signer_key *k, const char *text, size_t n,
    int64_t time_s, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t len = sizeof sig;
	struct buf m;

	buf_init(&m, 0);
	assert_int_equal(note_message(k->pub.alg, text, n, time_s, &m), 0);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->priv),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, m.data, m.len), 1);
	assert_int_equal(note_line(&k->pub, time_s, sig, len, out), 0);
	buf_fini(&m);
	EVP_MD_CTX_free(ctx);
}

/* A checkpoint and its note by k, which is its origin too. */
static inline void
key_note(const struct signer_key *k, const struct checkpoint *c,
    struct buf *text, struct buf *note)
{
	assert_int_equal(checkpoint_text(c, text), 0);
	assert_int_equal(buf_put(note, text->data, text->len), 0);
	assert_int_equal(buf_putc(note, '\n'), 0);
	key_line(k, buf_str(text), text->len, 0, note);
}

#endif
