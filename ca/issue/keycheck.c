/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/keycheck.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/issue/keycheck_int.h"

#define KEYCHECK_HASH 32
#define KEYCHECK_LINE_MAX 512

static int
keycheck_error(char *error, size_t error_len, const char *path, size_t line,
    const char *why)
{
	if (line > 0)
		snprintf(error, error_len, "%s:%zu: %s", path, line, why);
	else
		snprintf(error, error_len, "%s: %s", path, why);
	return CAMCA_EINVAL;
}

static int
keycheck_compare(const void *a, const void *b)
{
	return memcmp(a, b, KEYCHECK_HASH);
}

/* Adds the hash of one line, if it has one. CAMCA_EINVAL for anything that is
 * neither a hash nor a comment: a typo must not switch an entry off. */
static int
keycheck_line(struct buf *list, const char *s, size_t n)
{
	char hex[2 * KEYCHECK_HASH + 1];
	uint8_t hash[KEYCHECK_HASH];
	const char *mark = memchr(s, '#', n);

	if (mark != NULL)
		n = (size_t)(mark - s);
	while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
		n--;
	if (n == 0)
		return CAMCA_OK;
	if (n != 2 * KEYCHECK_HASH)
		return CAMCA_EINVAL;
	memcpy(hex, s, n);
	hex[n] = '\0';
	if (dec_hex(hash, sizeof hash, hex) < 0)
		return CAMCA_EINVAL;
	return buf_put(list, hash, sizeof hash);
}

/* All lines; then sorted, for the binary search. The same key twice is fine. */
static int
keycheck_lines(struct keycheck *k, const char *path, const char *s, size_t n,
    char *error, size_t error_len)
{
	size_t at = 0, line = 1, len;
	const char *end;
	int ret;

	for (; at < n; at += len + 1, line++) {
		end = memchr(s + at, '\n', n - at);
		len = end != NULL ? (size_t)(end - (s + at)) : n - at;
		if (len > KEYCHECK_LINE_MAX)
			return keycheck_error(error, error_len, path, line,
			    "longer than 512 bytes");
		ret = keycheck_line(&k->list, s + at, len);
		if (ret == CAMCA_EINVAL)
			return keycheck_error(error, error_len, path, line,
			    "neither 64 hex digits nor a comment");
		if (ret < 0)
			return ret;
	}
	k->n = k->list.len / KEYCHECK_HASH;
	if (k->n > 1)
		qsort(k->list.data, k->n, KEYCHECK_HASH, keycheck_compare);
	return CAMCA_OK;
}

/* A missing file is an error as any other: fail closed. */
static int
keycheck_read(struct keycheck *k, const char *path, char *error,
    size_t error_len)
{
	struct buf b;
	int ret;

	buf_init(&b, 0);
	ret = file_read(path, KEYCHECK_MAX_BYTES, &b);
	if (ret == CAMCA_ELIMIT)
		ret = keycheck_error(error, error_len, path, 0,
		    "larger than 64 MiB");
	else if (ret == CAMCA_ENOENT || ret == CAMCA_EIO)
		ret = keycheck_error(error, error_len, path, 0,
		    strerror(errno));
	else if (ret == CAMCA_OK)
		ret = keycheck_lines(k, path, buf_str(&b), b.len, error,
		    error_len);
	buf_fini(&b);
	return ret;
}

int
keycheck_load(struct keycheck **out, const char *path, char *error,
    size_t error_len)
{
	struct keycheck *k = calloc(1, sizeof *k);
	int ret = CAMCA_ENOMEM;

	*out = NULL;
	if (error_len > 0)
		error[0] = '\0';
	if (k == NULL)
		goto out;
	buf_init(&k->list, KEYCHECK_MAX_BYTES);
	ret = keycheck_curves(k);
	if (ret == CAMCA_OK && path != NULL)
		ret = keycheck_read(k, path, error, error_len);
	if (ret == CAMCA_OK) {
		*out = k;
		k = NULL;
	}
out:
	if (ret < 0 && error_len > 0 && error[0] == '\0')
		snprintf(error, error_len, "weak keys: %s",
		    camca_strerror(ret));
	keycheck_free(k);
	return ret;
}

void
keycheck_free(struct keycheck *k)
{
	size_t i;

	if (k == NULL)
		return;
	for (i = 0; i < KEYCHECK_CURVES; i++)
		EVP_PKEY_free(k->curves[i]);
	buf_fini(&k->list);
	free(k);
}

bool
keycheck_is_weak(const struct keycheck *k, const uint8_t spki[static 32])
{
	return k->n > 0 && bsearch(spki, k->list.data, k->n, KEYCHECK_HASH,
	    keycheck_compare) != NULL;
}

static const uint8_t keycheck_primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31,
	37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
	109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

#define KEYCHECK_PRIMES (sizeof keycheck_primes)

/* Is r a power of 65537 modulo the prime p? The powers come round to 1 again
 * after at most p - 1 steps. */
static bool
keycheck_is_power(unsigned r, unsigned p)
{
	const unsigned g = 65537u % p;
	unsigned x = 1;

	do {
		if (x == r)
			return true;
		x = x * g % p;
	} while (x != 1);
	return false;
}

/* The library made its primes as k * M + (65537^a mod M), where M is a product
 * of the first primes (Nemec, Sys, Svenda, Klinec, Matyas: The Return of
 * Coppersmith's Attack, 2017, section 2). So both primes, and their product,
 * are powers of 65537 modulo each prime that divides M. 167 is the last one of
 * the shortest keys. */
bool
keycheck_roca(const BIGNUM *n)
{
	size_t i;
	BN_ULONG r;

	for (i = 0; i < KEYCHECK_PRIMES; i++) {
		r = BN_mod_word(n, keycheck_primes[i]);
		if (!keycheck_is_power((unsigned)r, keycheck_primes[i]))
			return false;
	}
	return true;
}

unsigned
keycheck_small_factor(const BIGNUM *n)
{
	size_t i;

	if (!BN_is_odd(n))
		return 2;
	for (i = 0; i < KEYCHECK_PRIMES; i++)
		if (BN_mod_word(n, keycheck_primes[i]) == 0)
			return keycheck_primes[i];
	return 0;
}
