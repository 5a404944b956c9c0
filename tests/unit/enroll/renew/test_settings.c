/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ssl.h>
#include <stdio.h>

#include "enroll/renew/settings.h"
#include "pki.h"
#include "rmtree.h"

static int
check(struct renew_config *c, struct settings_texts *t, enum renew_mode mode,
    bool daemon)
{
	struct refusal why = { 0 };
	int ret = settings_check(c, mode, daemon, t, &why);

	if (ret < 0)
		assert_int_not_equal(why.detail[0], '\0');
	return ret;
}

static void
defaults(void **state)
{
	struct settings_texts t = { { NULL } };
	struct renew_config c;

	(void)state;
	assert_int_equal(check(&c, &t, RENEW_AUTO, false), CAMCA_EINVAL);
	settings_fini(&c);
	assert_int_equal(check(&c, &t, RENEW_STATUS, false), 0);
	settings_fini(&c);
	t.value[SETTING_URL] = "https://ca.example";
	t.value[SETTING_USER] = "cam-1";
	assert_int_equal(check(&c, &t, RENEW_AUTO, true), 0);
	assert_true(c.rekey);
	assert_int_equal(c.tls_max, TLS1_3_VERSION);
	assert_int_equal(c.timeout_ms, 60000);
	assert_int_equal(c.secret.len, 0);
	assert_int_equal(X509_NAME_entry_count(c.subject), 1);
	settings_fini(&c);
	assert_int_equal(check(&c, &t, RENEW_ENROLL, true), CAMCA_EINVAL);
	settings_fini(&c);
}

static void
bad_values(void **state)
{
	static const struct {
		enum setting_id id;
		const char *value;
	} bad[] = {
		{ SETTING_URL, "http://x" }, { SETTING_LABEL, "a/b" },
		{ SETTING_FINGERPRINT, "sha256:00" }, { SETTING_USER, "a:b" },
		{ SETTING_SUBJECT, "CN" }, { SETTING_SAN, "x" },
		{ SETTING_KEY_TYPE, "dsa" }, { SETTING_REKEY, "maybe" },
		{ SETTING_TLS_MAX, "1.1" }, { SETTING_TIMEOUT, "0" },
		{ SETTING_TIMEOUT, "1.5" }, { SETTING_TIMEOUT, "3601" },
		{ SETTING_TIMEOUT, "99999999999999999999" },
		{ SETTING_HOOK, "relative" }, { SETTING_HOOK_TIMEOUT, "-1" },
		{ SETTING_IDEVID_CERT, "x" }, { SETTING_KEY_URI, "a\nb" },
		{ SETTING_SECRET_FILE, "/" },
	};
	struct settings_texts t;
	struct renew_config c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&t, 0, sizeof t);
		t.value[SETTING_URL] = "https://ca.example";
		t.value[bad[i].id] = bad[i].value;
		assert_int_equal(check(&c, &t, RENEW_AUTO, false),
		    CAMCA_EINVAL);
		settings_fini(&c);
	}
}

static void
secrets(void **state)
{
	struct settings_texts t = { { NULL } };
	char *dir = pki_tmpdir(), path[128];
	struct renew_config c;
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	t.value[SETTING_URL] = "https://ca.example";
	setenv(SETTING_SECRET_ENV, "from-env", 1);
	assert_int_equal(check(&c, &t, RENEW_AUTO, false), 0);
	assert_string_equal(buf_str(&c.secret), "from-env");
	assert_null(getenv(SETTING_SECRET_ENV));
	settings_fini(&c);
	assert_int_equal(buf_puts(&text, "s3cret\r\n"), 0);
	pki_write(dir, "s", &text);
	snprintf(path, sizeof path, "%s/s", dir);
	t.value[SETTING_SECRET_FILE] = path;
	assert_int_equal(check(&c, &t, RENEW_AUTO, false), 0);
	assert_string_equal(buf_str(&c.secret), "s3cret");
	settings_fini(&c);
	/* Used up and removed: a renewal does not need it. */
	unlink(path);
	assert_int_equal(check(&c, &t, RENEW_AUTO, false), 0);
	assert_int_equal(c.secret.len, 0);
	settings_fini(&c);
	buf_reset(&text);
	assert_int_equal(buf_puts(&text, "two\nlines\n"), 0);
	pki_write(dir, "s", &text);
	assert_int_equal(check(&c, &t, RENEW_AUTO, false), CAMCA_EINVAL);
	settings_fini(&c);
	for (int i = 0; i < 300; i++)
		assert_int_equal(buf_putc(&text, 'x'), 0);
	pki_write(dir, "s", &text);
	assert_int_equal(check(&c, &t, RENEW_AUTO, false), CAMCA_EINVAL);
	settings_fini(&c);
	buf_fini(&text);
	rmtree(dir);
}

static int
read_text(struct settings_texts *t, struct buf *b, const char *text)
{
	struct refusal why;

	buf_reset(b);
	assert_int_equal(buf_puts(b, text), 0);
	return settings_read(t, b, &why);
}

static void
file_lines(void **state)
{
	struct settings_texts t = { { NULL } };
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	t.value[SETTING_DIR] = "/from/argv";
	assert_int_equal(read_text(&t, &b, "# comment\n\n url = https://x \r\n"
	    "dir=/from/file\nsubject=CN=a=b"), 0);
	assert_string_equal(t.value[SETTING_URL], "https://x");
	assert_string_equal(t.value[SETTING_DIR], "/from/argv");
	assert_string_equal(t.value[SETTING_SUBJECT], "CN=a=b");
	assert_int_equal(read_text(&t, &b, ""), 0);
	assert_int_equal(read_text(&t, &b, "url\n"), CAMCA_EINVAL);
	assert_int_equal(read_text(&t, &b, "colour = red\n"), CAMCA_EINVAL);
	assert_int_equal(read_text(&t, &b, "= x\n"), CAMCA_EINVAL);
	assert_int_equal(read_text(&t, &b, "dir=a\ndir=b\n"), CAMCA_EINVAL);
	buf_reset(&b);
	assert_int_equal(buf_put(&b, "dir=a\0b\n", 8), 0);
	assert_int_equal(settings_read(&t, &b, NULL), CAMCA_EINVAL);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(secrets),
		cmocka_unit_test(file_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
