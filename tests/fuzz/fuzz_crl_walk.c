/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a CRL: refused, or OpenSSL's decoder reads the same in them. And
 * any bytes as one entry. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/status/crl_walk.h"
#include "tests/fuzz/replay.h"

struct sum {
	uint64_t hash;
	size_t n;
};

static void
check(int ok)
{
	if (!ok)
		abort();
}

static int
see(const struct crl_walk_entry *e, void *arg)
{
	struct crl_walk_entry again;
	struct sum *s = arg;

	check(crl_walk_entry(e->der, e->n, &again) == NULL);
	check(again.date_s == e->date_s && again.reason == e->reason);
	s->hash += crl_entry_hash(e->der, e->n);
	s->n++;
	return 0;
}

static void
compare(const struct crl_view *v, const uint8_t *data, size_t size)
{
	const unsigned char *p = data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)size);
	int n;

	/* What OpenSSL does not know is only what a Name may hold. */
	if (crl != NULL) {
		check(p == data + size);
		n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
		check((n < 0 ? 0 : (size_t)n) == v->entries);
		check(X509_CRL_get_version(crl) == 1);
		X509_CRL_free(crl);
	}
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl_walk_entry e;
	struct sum s = { 0, 0 };
	struct crl_view v;

	if (crl_walk_entry(data, size, &e) == NULL)
		check(e.n >= 2 && e.n <= size && e.serial_n > 0);
	if (crl_walk(&v, data, size, see, &s, NULL) == 0) {
		check(s.n == v.entries && s.hash == v.hash);
		check(v.tbs >= data && v.tbs + v.tbs_n <= data + size);
		check(v.sig >= data && v.sig + v.sig_n <= data + size);
		compare(&v, data, size);
	}
	return 0;
}
