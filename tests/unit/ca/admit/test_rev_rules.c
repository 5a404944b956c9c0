/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ca/admit/rev_rules.h"

static int
load(const char *text, struct rev_rules *out)
{
	char path[] = "/tmp/camca-rules.XXXXXX", error[300] = "";
	int ret, fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ret = rev_rules_load(out, path, error, sizeof error);
	assert_int_equal(error[0] != '\0', ret < 0);
	unlink(path);
	return ret;
}

static void
test_shipped(void **state)
{
	struct rev_rules file, none;
	char error[300] = "";

	(void)state;
	assert_int_equal(rev_rules_load(&file,
	    "policies/rules/revocation.yaml", error, sizeof error), 0);
	assert_int_equal(file.version, 1);
	/* Without a file the same numbers are in force. */
	assert_int_equal(rev_rules_load(&none, "/nonexistent/x.yaml", error,
	    sizeof error), 0);
	assert_int_equal(none.version, 0);
	assert_int_equal(none.second_person_above, file.second_person_above);
	assert_int_equal(none.batch_ttl_ms, file.batch_ttl_ms);
	assert_int_equal(none.crl_warn_bytes, file.crl_warn_bytes);
}

#define GOOD "version: 2\nsecond_person_above: 0\nbatch_ttl: 10m\n" \
	"crl_warn_bytes: 4096\n"

static void
test_strict(void **state)
{
	static const char *const bad[] = { "", "version: 1\n",
	    GOOD "extra: 1\n", "[]\n",
	    "version: 0\nsecond_person_above: 0\nbatch_ttl: 10m\n"
	    "crl_warn_bytes: 4096\n",
	    "version: 1\nsecond_person_above: -1\nbatch_ttl: 10m\n"
	    "crl_warn_bytes: 4096\n",
	    "version: 1\nsecond_person_above: many\nbatch_ttl: 10m\n"
	    "crl_warn_bytes: 4096\n",
	    "version: 1\nsecond_person_above: 1\nbatch_ttl: 1s\n"
	    "crl_warn_bytes: 4096\n",
	    "version: 1\nsecond_person_above: 1\nbatch_ttl: 31d\n"
	    "crl_warn_bytes: 4096\n",
	    "version: 1\nsecond_person_above: 1\nbatch_ttl: 1d\n"
	    "crl_warn_bytes: 10\n" };
	struct rev_rules r;
	char text[200];
	size_t i;

	(void)state;
	assert_int_equal(load(GOOD, &r), 0);
	assert_int_equal(r.second_person_above, 0);
	assert_int_equal(r.batch_ttl_ms, 600000);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(load(bad[i], &r), CAMCA_EINVAL);
	/* A line that got lost, at any place. */
	for (i = 0; i + 1 < strlen(GOOD); i++) {
		snprintf(text, sizeof text, "%.*s", (int)i, GOOD);
		if (i < strlen(GOOD) - 4)
			assert_int_equal(load(text, &r), CAMCA_EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
