/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/bundle.h"

#define HEX "00112233445566778899aabbccddeeff00112233"

static enum bundle_kind
kind(const char *name)
{
	return bundle_kind(name, strlen(name));
}

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(kind("README.txt"), BUNDLE_README);
	assert_int_equal(kind("MANIFEST"), BUNDLE_MANIFEST);
	assert_int_equal(kind("policy.tlog"), BUNDLE_POLICY);
	assert_int_equal(kind("checkpoint"), BUNDLE_CHECKPOINT);
	assert_int_equal(kind("ca-chain.pem"), BUNDLE_CHAIN);
	assert_int_equal(kind("events/000001.event"), BUNDLE_EVENT);
	assert_int_equal(kind("events/999999.tlog-proof"), BUNDLE_PROOF);
	assert_int_equal(kind("certs/" HEX ".pem"), BUNDLE_CERT);
	assert_int_equal(kind("crl/" HEX ".crl"), BUNDLE_CRL);
	assert_int_equal(kind("ocsp/" HEX ".der"), BUNDLE_OCSP);
	assert_int_equal(kind("timestamps/a.tsr"), BUNDLE_STAMP);
	assert_int_equal(kind("timestamps/a.b-c_D.pem"), BUNDLE_STAMP_TRUST);
}

static void
test_no_names(void **state)
{
	static const char *const bad[] = { "", "readme.txt", "MANIFEST ",
	    "./MANIFEST", "/MANIFEST", "../MANIFEST", "events/", "events",
	    "events/000000.event", "events/00001.event", "events/0000001.event",
	    "events/00000a.event", "events/../policy.tlog", "events//000001.event",
	    "certs/" HEX ".PEM", "certs/" HEX "0.pem",
	    "certs/00112233445566778899AABBCCDDEEFF00112233.pem",
	    "certs/../../../../../../../../etc/passwd0000.pem",
	    "timestamps/.tsr", "timestamps/.hidden.tsr", "timestamps/a/b.tsr",
	    "timestamps/../a.tsr", "timestamps/-x.tsr", "timestamps/a b.tsr",
	    "timestamps/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaa.tsr", "x" };
	char longer[BUNDLE_NAME_MAX + 8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(kind(bad[i]), BUNDLE_NONE);
	memset(longer, 'a', sizeof longer);
	assert_int_equal(bundle_kind(longer, sizeof longer), BUNDLE_NONE);
	assert_int_equal(bundle_kind("MANIFEST\0x", 10), BUNDLE_NONE);
	assert_int_equal(bundle_kind("events/000\0" "01.event", 19),
	    BUNDLE_NONE);
}

/* No byte of a name can be another one but where a part is free. */
static void
test_bits(void **state)
{
	char name[] = "crl/" HEX ".crl";
	size_t i, n = sizeof name - 1;
	int bit;

	(void)state;
	for (i = 0; i < n; i++)
		for (bit = 0; bit < 8; bit++) {
			name[i] ^= (char)(1 << bit);
			if (i < 4 || i >= n - 4 ||
			    strchr("0123456789abcdef", name[i]) == NULL)
				assert_int_equal(bundle_kind(name, n),
				    BUNDLE_NONE);
			name[i] ^= (char)(1 << bit);
		}
}

static void
test_sizes(void **state)
{
	int k;

	(void)state;
	assert_int_equal(bundle_kind_max(BUNDLE_NONE), 0);
	assert_int_equal(bundle_kind_max(BUNDLE_KINDS), 0);
	assert_int_equal(bundle_kind_max(BUNDLE_EVENT), 4096);
	for (k = BUNDLE_NONE + 1; k < BUNDLE_KINDS; k++) {
		assert_true(bundle_kind_max((enum bundle_kind)k) > 0);
		assert_true(bundle_kind_max((enum bundle_kind)k) <=
		    BUNDLE_BYTES_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
