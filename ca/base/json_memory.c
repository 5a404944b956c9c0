/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/json_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* Of each thread, as jansson gives its allocator no argument. */
static _Thread_local bool missed;
static _Thread_local bool reading;

/* A reader that went on after the first failure could lose the end of a text
 * and then look for it behind its buffer. */
static void *
json_memory_malloc(size_t n)
{
	void *p = reading && missed ? NULL : malloc(n);

	if (p == NULL && n > 0)
		missed = true;
	return p;
}

static void
json_memory_free(void *p)
{
	if (p == NULL)
		return;
	OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

void
json_memory_setup(void)
{
	json_set_alloc_funcs(json_memory_malloc, json_memory_free);
}

bool
json_memory_missed(void)
{
	bool was = missed;

	missed = false;
	return was;
}

int
json_memory_parse(const void *p, size_t n, json_t **out)
{
	json_t *o;

	missed = false;
	reading = true;
	o = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	reading = false;
	if (json_memory_missed()) {
		json_decref(o);
		return CAMCA_ENOMEM;
	}
	*out = o;
	return o != NULL ? CAMCA_OK : CAMCA_EINVAL;
}
