/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th of OpenSSL's allocations from here fails, and what it has in use is
 * counted. Defines functions: one include a program. */
#ifndef CAMCA_TEST_OSSL_NTH_H
#define CAMCA_TEST_OSSL_NTH_H

#include <openssl/crypto.h>
#include <stdlib.h>

static long ossl_nth_left = -1;        /* until one fails, -1: none does */
static long ossl_nth_in_use;

static int
ossl_nth_fails(void)
{
	return ossl_nth_left >= 0 && ossl_nth_left-- == 0;
}

static void *
ossl_nth_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (ossl_nth_fails())
		return NULL;
	ossl_nth_in_use++;
	return malloc(n);
}

static void *
ossl_nth_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (ossl_nth_fails())
		return NULL;
	ossl_nth_in_use += p == NULL;
	return realloc(p, n);
}

static void
ossl_nth_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	ossl_nth_in_use -= p != NULL;
	free(p);
}

/* First of all in main(): before OpenSSL has allocated anything. 1: done. */
static inline int
ossl_nth_setup(void)
{
	return CRYPTO_set_mem_functions(ossl_nth_malloc, ossl_nth_realloc,
	    ossl_nth_free);
}

#endif
