/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation of the program, or the n-th statement of SQLite, fails.
 * Defines the functions: one include a program. Sanitizers bring allocators of
 * their own, which are then called by the names they have beside malloc, so
 * that leaks on the way out of a failure are seen. */
#ifndef CAMCA_TEST_NTH_H
#define CAMCA_TEST_NTH_H

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int nth_left;            /* until one fails, 0: never */
static atomic_int nth_hits;
static _Thread_local bool nth_inside;

/* On behalf of a library that does not live through it: C++ throws, and glibc
 * ends the program where it cannot load what it needs. */
static inline bool
nth_spared(void)
{
	static const char *const names[] = { "libsofthsm2", "libstdc++",
		"libp11", "libgcc_s", "ld-linux" };
	void *frames[64];
	Dl_info info;
	size_t i;
	int n, k;

	n = backtrace(frames, 64);
	for (k = 0; k < n; k++) {
		if (dladdr(frames[k], &info) == 0 || info.dli_fname == NULL)
			continue;
		for (i = 0; i < sizeof names / sizeof names[0]; i++)
			if (strstr(info.dli_fname, names[i]) != NULL)
				return true;
		/* OpenSSL 3.0 looks into what it did not get. */
		if (info.dli_sname != NULL &&
		    strcmp(info.dli_sname, "EVP_KDF_CTX_new") == 0)
			return true;
	}
	return false;
}

static inline bool
nth_fails(void)
{
	int n = atomic_load(&nth_left);
	bool spared;

	if (n == 0 || nth_inside)
		return false;
	if (n > 1) {
		atomic_fetch_sub(&nth_left, 1);
		return false;
	}
	nth_inside = true;
	spared = nth_spared();
	nth_inside = false;
	if (spared)
		return false;
	atomic_store(&nth_left, 0);
	atomic_fetch_add(&nth_hits, 1);
	return true;
}

#ifdef __SANITIZE_ADDRESS__
#define NTH_REAL(name) __interceptor_##name
#else
#define NTH_REAL(name) __libc_##name
#endif

/* The thread sanitizer's cannot be called before it has begun, and what fails
 * one after the other is no matter of threads. */
#ifdef __SANITIZE_THREAD__
static void __attribute__((constructor))
nth_skip(void)
{
	puts("skipped: allocations that fail, and the thread sanitizer");
	fflush(stdout);
	_exit(77);
}
#else
void *NTH_REAL(malloc)(size_t n);
void *NTH_REAL(calloc)(size_t n, size_t size);
void *NTH_REAL(realloc)(void *p, size_t n);

void *__attribute__((noipa))
malloc(size_t n)
{
	return nth_fails() ? NULL : NTH_REAL(malloc)(n);
}

void *__attribute__((noipa))
calloc(size_t n, size_t size)
{
	return nth_fails() ? NULL : NTH_REAL(calloc)(n, size);
}

void *__attribute__((noipa))
realloc(void *p, size_t n)
{
	return nth_fails() ? NULL : NTH_REAL(realloc)(p, n);
}
#endif

/* Before the first failure: what finds the caller needs memory itself. */
static inline void
nth_setup(void)
{
	void *frames[4];

	backtrace(frames, 4);
}

static inline void
nth_arm(int n)
{
	atomic_store(&nth_hits, 0);
	atomic_store(&nth_left, n);
}

/* Whether it came so far. */
static inline bool
nth_disarm(void)
{
	atomic_store(&nth_left, 0);
	return atomic_load(&nth_hits) > 0;
}

#endif
