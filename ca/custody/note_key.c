/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of signed notes: the text of a verifier key, key ids, what is signed and
 * the line that carries a signature. */
#include "ca/custody/note.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/custody/note_int.h"

#define NOTE_VKEY_MAX 1024             /* bytes of the text of a key */
#define NOTE_ED25519_LEN 32

/* The character at p, which has n > 0 bytes; its length, 0 where it is not
 * UTF-8 (RFC 3629: no surrogates, no second spelling). */
static size_t
note_char(const uint8_t *p, size_t n, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 :
	    p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	uint32_t c;
	size_t i;

	if (len == 0 || len > n)
		return 0;
	c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	*out = c;
	return len;
}

/* White_Space of Unicode. */
static bool
note_is_space(uint32_t c)
{
	return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 ||
	    c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
	    c == 0x3000;
}

bool
note_text_ok(const char *p, size_t n)
{
	const uint8_t *u = (const uint8_t *)p;
	size_t i, len;
	uint32_t c;

	for (i = 0; i < n; i += len) {
		len = note_char(u + i, n - i, &c);
		if (len == 0 || (c < 0x20 && c != '\n'))
			return false;
	}
	return true;
}

bool
note_name_ok_n(const char *p, size_t n)
{
	const uint8_t *u = (const uint8_t *)p;
	size_t i, len;
	uint32_t c;

	for (i = 0; i < n; i += len) {
		len = note_char(u + i, n - i, &c);
		if (len == 0 || c < 0x20 || c == 0x7f || c == '+' ||
		    note_is_space(c))
			return false;
	}
	return n > 0;
}

bool
note_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n < NOTE_NAME_MAX && note_name_ok_n(name, n);
}

/* ---- keys ---- */

static int
note_crypto_error(void)
{
	ERR_clear_error();
	return CAMCA_ECRYPTO;
}

static bool
note_curve_ok(EVP_PKEY *pub)
{
	char curve[32];

	if (EVP_PKEY_get_group_name(pub, curve, sizeof curve, NULL) != 1) {
		ERR_clear_error();
		return false;
	}
	return strcmp(curve, "prime256v1") == 0 ||
	    strcmp(curve, "secp384r1") == 0 || strcmp(curve, "secp521r1") == 0;
}

static bool
note_alg_fits(enum note_alg alg, EVP_PKEY *pub)
{
	switch (alg) {
	case NOTE_ED25519:
	case NOTE_COSIG_ED25519:
		return EVP_PKEY_get_id(pub) == EVP_PKEY_ED25519;
	case NOTE_ECDSA:
		return EVP_PKEY_get_id(pub) == EVP_PKEY_EC &&
		    note_curve_ok(pub);
	}
	return false;
}

/* The key as it stands in a vkey, behind the type byte. */
static int
note_key_bytes(enum note_alg alg, EVP_PKEY *pub, struct buf *out)
{
	uint8_t raw[NOTE_ED25519_LEN];
	size_t len = sizeof raw;
	uint8_t *der = NULL;
	int n, ret;

	if (alg != NOTE_ECDSA) {
		if (EVP_PKEY_get_raw_public_key(pub, raw, &len) != 1)
			return note_crypto_error();
		return buf_put(out, raw, len);
	}
	n = i2d_PUBKEY(pub, &der);
	if (n <= 0)
		return note_crypto_error();
	ret = buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	return ret;
}

/* C2SP signed-note: SHA-256(name || LF || type || key), but for ECDSA of the
 * key's SubjectPublicKeyInfo alone. */
static int
note_key_id(struct note_key *k, const struct buf *key)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t type = (uint8_t)k->alg;
	struct buf in;
	int ret = CAMCA_OK;

	buf_init(&in, 0);
	if (k->alg != NOTE_ECDSA) {
		ret = buf_puts(&in, k->name);
		if (ret == CAMCA_OK)
			ret = buf_putc(&in, '\n');
		if (ret == CAMCA_OK)
			ret = buf_putc(&in, type);
	}
	if (ret == CAMCA_OK)
		ret = buf_put(&in, key->data, key->len);
	if (ret == CAMCA_OK && SHA256(in.data, in.len, digest) == NULL)
		ret = note_crypto_error();
	if (ret == CAMCA_OK)
		memcpy(k->id, digest, sizeof k->id);
	buf_fini(&in);
	return ret;
}

int
note_key_make(struct note_key *out, const char *name, enum note_alg alg,
    EVP_PKEY *pub)
{
	struct buf key;
	int ret;

	memset(out, 0, sizeof *out);
	if (!note_name_ok(name) || !note_alg_fits(alg, pub))
		return CAMCA_EINVAL;
	memcpy(out->name, name, strlen(name) + 1);
	out->alg = alg;
	buf_init(&key, 0);
	ret = note_key_bytes(alg, pub, &key);
	if (ret == CAMCA_OK)
		ret = note_key_id(out, &key);
	buf_fini(&key);
	if (ret == CAMCA_OK && EVP_PKEY_up_ref(pub) != 1)
		ret = note_crypto_error();
	if (ret == CAMCA_OK)
		out->pub = pub;
	return ret;
}

void
note_key_fini(struct note_key *k)
{
	EVP_PKEY_free(k->pub);
	memset(k, 0, sizeof *k);
}

int
note_key_text(const struct note_key *k, struct buf *out)
{
	struct buf key;
	char id[2 * sizeof k->id + 1];
	int ret;

	enc_hex(id, k->id, sizeof k->id);
	buf_init(&key, 0);
	ret = buf_putc(&key, (uint8_t)k->alg);
	if (ret == CAMCA_OK)
		ret = note_key_bytes(k->alg, k->pub, &key);
	if (ret == CAMCA_OK)
		ret = buf_printf(out, "%s+%s+", k->name, id);
	if (ret == CAMCA_OK)
		ret = enc_base64(out, key.data, key.len, 0);
	buf_fini(&key);
	return ret;
}

/* A key out of its bytes with the type byte; NULL: not one that is known. */
static EVP_PKEY *
note_key_decode(const struct buf *b)
{
	const uint8_t *p = b->data + 1;
	size_t n = b->len - 1;
	EVP_PKEY *pub = NULL;

	if (b->data[0] == NOTE_ECDSA)
		pub = d2i_PUBKEY(NULL, &p, (long)n);
	else if (n == NOTE_ED25519_LEN)
		pub = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, n);
	ERR_clear_error();
	return pub;
}

/* The three parts of a vkey. The base64 may have a '+' as well: the first two
 * separate. */
static int
note_key_split(struct note_key *out, const char *vkey, size_t n,
    uint8_t id[static 4], struct buf *key)
{
	char hex[2 * sizeof out->id + 1] = "";
	const char *plus = memchr(vkey, '+', n);
	size_t name_len, rest;

	if (plus == NULL)
		return CAMCA_EINVAL;
	name_len = (size_t)(plus - vkey);
	rest = n - name_len - 1;
	if (name_len >= NOTE_NAME_MAX || !note_name_ok_n(vkey, name_len) ||
	    rest < sizeof hex || plus[sizeof hex] != '+')
		return CAMCA_EINVAL;
	memcpy(out->name, vkey, name_len);
	out->name[name_len] = '\0';
	memcpy(hex, plus + 1, sizeof hex - 1);
	if (dec_hex(id, 4, hex) < 0)
		return CAMCA_EINVAL;
	return dec_base64(key, plus + sizeof hex + 1, rest - sizeof hex, 0);
}

/* The key made again from what was read must have the same bytes and the same
 * id: nothing behind the key, no second encoding of it. */
static int
note_key_build(struct note_key *out, const struct buf *key,
    const uint8_t id[static 4])
{
	AUTO(EVP_PKEY) *pub = NULL;
	enum note_alg alg;
	struct note_key k;
	struct buf again;
	int ret;

	if (key->len < 2 || (key->data[0] != NOTE_ED25519 &&
	    key->data[0] != NOTE_ECDSA && key->data[0] != NOTE_COSIG_ED25519))
		return CAMCA_EINVAL;
	alg = (enum note_alg)key->data[0];
	pub = note_key_decode(key);
	if (pub == NULL)
		return CAMCA_EINVAL;
	ret = note_key_make(&k, out->name, alg, pub);
	if (ret < 0)
		return ret;
	buf_init(&again, 0);
	ret = note_key_bytes(alg, pub, &again);
	if (ret == CAMCA_OK && (again.len != key->len - 1 ||
	    memcmp(again.data, key->data + 1, again.len) != 0 ||
	    memcmp(k.id, id, sizeof k.id) != 0))
		ret = CAMCA_EINVAL;
	buf_fini(&again);
	if (ret < 0)
		note_key_fini(&k);
	else
		*out = k;
	return ret;
}

int
note_key_parse(struct note_key *out, const char *vkey, size_t n,
    struct refusal *why)
{
	struct buf key;
	uint8_t id[4];
	int ret;

	memset(out, 0, sizeof *out);
	buf_init(&key, NOTE_VKEY_MAX);
	ret = n > NOTE_VKEY_MAX ? CAMCA_EINVAL :
	    note_key_split(out, vkey, n, id, &key);
	if (ret == CAMCA_OK)
		ret = note_key_build(out, &key, id);
	buf_fini(&key);
	if (ret == CAMCA_EINVAL)
		return refuse(why, ret, 400, "custody.vkey", "a verifier key "
		    "is NAME+ID+KEY (C2SP signed-note) of type 1, 2 or 4, and "
		    "its id must fit name and key");
	return refuse_default(why, ret);
}

/* ---- signing ---- */

int
note_message(enum note_alg alg, const char *text, size_t text_len,
    int64_t time_s, struct buf *out)
{
	int ret = CAMCA_OK;

	if (time_s < 0)
		return CAMCA_EINVAL;
	if (alg == NOTE_COSIG_ED25519)
		ret = buf_printf(out, "cosignature/v1\ntime %" PRId64 "\n",
		    time_s);
	return ret < 0 ? ret : buf_put(out, text, text_len);
}

/* Does one signature of the stated algorithm have a length that it can have? */
static bool
note_sig_fits(enum note_alg alg, size_t n)
{
	if (alg == NOTE_ECDSA)
		return n >= 8 && n <= NOTE_SIG_MAX - sizeof(uint32_t);
	return n == 64;
}

int
note_line(const struct note_key *k, int64_t time_s, const uint8_t *sig,
    size_t sig_len, struct buf *out)
{
	uint8_t stamp[8];
	struct buf b;
	int ret, i;

	if (!note_sig_fits(k->alg, sig_len) || time_s < 0)
		return CAMCA_EINVAL;
	for (i = 0; i < 8; i++)
		stamp[i] = (uint8_t)((uint64_t)time_s >> (56 - 8 * i));
	buf_init(&b, 0);
	ret = buf_put(&b, k->id, sizeof k->id);
	if (ret == CAMCA_OK && k->alg == NOTE_COSIG_ED25519)
		ret = buf_put(&b, stamp, sizeof stamp);
	if (ret == CAMCA_OK)
		ret = buf_put(&b, sig, sig_len);
	if (ret == CAMCA_OK)
		ret = buf_printf(out, NOTE_DASH "%s ", k->name);
	if (ret == CAMCA_OK)
		ret = enc_base64(out, b.data, b.len, 0);
	if (ret == CAMCA_OK)
		ret = buf_putc(out, '\n');
	buf_fini(&b);
	return ret;
}
