/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/base/log.h"

/* What fn writes to standard error. */
static const char *
captured(void (*fn)(void))
{
	static char text[4096];
	int fd[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	assert_true(dup2(fd[1], STDERR_FILENO) >= 0);
	close(fd[1]);
	fn();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	n = read(fd[0], text, sizeof text - 1);
	close(fd[0]);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
say_plain(void)
{
	log_msg(LOG_WARN, "cam-0042", "CSR refused: %s %d", "RSA", 1024);
}

static void
say_no_object(void)
{
	log_msg(LOG_ERROR, NULL, "plain");
}

static void
say_too_low(void)
{
	log_msg(LOG_INFO, "x", "not shown");
}

/* A line feed in a value would forge a line of its own. */
static void
say_forged(void)
{
	log_msg(LOG_ERROR, NULL, "a\n2026 camcad error: all is well\x1b[2J");
}

static void
say_long(void)
{
	char big[5000];

	memset(big, 'l', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	log_msg(LOG_ERROR, big, "%s", big);
}

static void
say_openssl(void)
{
	ERR_raise(ERR_LIB_USER, ERR_R_PASSED_NULL_PARAMETER);
	log_openssl("key", "sign");
}

static void
test_line(void **state)
{
	const char *s;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_setup("camcad", LOG_NOTE);
	s = captured(say_plain);
	assert_int_equal(s[4], '-');
	assert_string_equal(s + 24,
	    " camcad warning: cam-0042: CSR refused: RSA 1024\n");
	assert_string_equal(captured(say_no_object) + 24,
	    " camcad error: plain\n");
	assert_string_equal(captured(say_too_low), "");
}

static void
test_one_line_only(void **state)
{
	const char *s;

	(void)state;
	s = captured(say_forged);
	assert_ptr_equal(strchr(s, '\n'), s + strlen(s) - 1);
	assert_null(strchr(s, '\x1b'));
	s = captured(say_long);
	assert_ptr_equal(strchr(s, '\n'), s + strlen(s) - 1);
}

static void
test_journal(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_setup("camcad", LOG_NOTE);
	assert_string_equal(captured(say_plain),
	    "<4>camcad: cam-0042: CSR refused: RSA 1024\n");
	unsetenv("JOURNAL_STREAM");
}

static void
test_openssl_queue_is_emptied(void **state)
{
	(void)state;
	log_setup("camcad", LOG_NOTE);
	assert_non_null(strstr(captured(say_openssl), "key: sign: error:"));
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_level_names(void **state)
{
	static const char *const names[] = { "error", "warning", "note",
	    "info", "trace" };
	static const char *const bad[] = { "", "e", "erro", "errors", "Error",
	    " error", "error ", "warn", "debug", "3", "7" };
	enum log_level l = LOG_NOTE;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_true(log_level_parse(names[i], &l));
		assert_int_equal(l, LOG_ERROR + (int)i);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		l = LOG_INFO;
		assert_false(log_level_parse(bad[i], &l));
		assert_int_equal(l, LOG_INFO);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_names),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_one_line_only),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_openssl_queue_is_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
