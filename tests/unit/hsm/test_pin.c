/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/hsm/fixture.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "hsm/pin.h"

static struct fixture fx;

static int
setup(void **state)
{
	(void)state;
	fixture_dir(&fx);
	assert_int_equal(file_mkdirs(fx.token, 0700), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_remove(&fx);
	return 0;
}

static int
read_file(struct hsm_pin *pin)
{
	struct hsm_pin_source src = { .file = fx.pin };

	memset(&fx.why, 0, sizeof fx.why);
	return hsm_pin_read(&src, pin, &fx.why);
}

static void
test_file(void **state)
{
	static const char *const texts[] =
	    { "12 34", "12 34\n", "12 34\r\n" };
	struct hsm_pin pin = { NULL, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		fixture_write(fx.pin, texts[i]);
		assert_int_equal(read_file(&pin), 0);
		assert_int_equal(pin.len, 5);
		assert_string_equal(pin.text, "12 34");
		hsm_pin_fini(&pin);
		assert_null(pin.text);
	}
}

static void
test_file_mode(void **state)
{
	static const mode_t bad[] =
	    { 0640, 0604, 0620, 0602, 0610, 0601, 0666, 0777 };
	struct hsm_pin pin = { NULL, 0 };
	size_t i;

	(void)state;
	fixture_write(fx.pin, "1234");
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(chmod(fx.pin, bad[i]), 0);
		assert_int_equal(read_file(&pin), CAMCA_EPIN);
		assert_string_equal(fx.why.code, "hsm.pin-mode");
		assert_null(pin.text);
	}
	assert_int_equal(chmod(fx.pin, 0400), 0);
	assert_int_equal(read_file(&pin), 0);
	hsm_pin_fini(&pin);
}

static void
test_file_owner(void **state)
{
	struct hsm_pin pin = { NULL, 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	fixture_write(fx.pin, "1234");
	assert_int_equal(chown(fx.pin, 65534, 0), 0);
	assert_int_equal(read_file(&pin), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-owner");
}

static void
test_file_kind(void **state)
{
	struct hsm_pin pin = { NULL, 0 };

	(void)state;
	assert_int_equal(read_file(&pin), CAMCA_EPIN);       /* missing */
	assert_string_equal(fx.why.code, "hsm.pin-file");
	assert_int_equal(mkdir(fx.pin, 0700), 0);
	assert_int_equal(read_file(&pin), CAMCA_EPIN);
	assert_int_equal(rmdir(fx.pin), 0);
	assert_int_equal(mkfifo(fx.pin, 0600), 0);
	assert_int_equal(read_file(&pin), CAMCA_EPIN);       /* does not wait */
	assert_string_equal(fx.why.code, "hsm.pin-file");
	assert_int_equal(unlink(fx.pin), 0);
}

static void
test_file_content(void **state)
{
	char big[HSM_PIN_MAX + 2];
	struct hsm_pin pin = { NULL, 0 };

	(void)state;
	fixture_write(fx.pin, "");
	assert_int_equal(read_file(&pin), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-empty");
	fixture_write(fx.pin, "\n");
	assert_int_equal(read_file(&pin), CAMCA_EPIN);
	assert_int_equal(file_replace(fx.pin, "12\0" "34", 5, 0600), 0);
	assert_int_equal(read_file(&pin), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-nul");
	memset(big, 'x', sizeof big);
	assert_int_equal(file_replace(fx.pin, big, HSM_PIN_MAX + 1, 0600), 0);
	assert_int_equal(read_file(&pin), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-long");
	big[HSM_PIN_MAX] = '\n';
	assert_int_equal(file_replace(fx.pin, big, HSM_PIN_MAX + 1, 0600), 0);
	assert_int_equal(read_file(&pin), 0);
	assert_int_equal(pin.len, HSM_PIN_MAX);
	hsm_pin_fini(&pin);
}

static void
test_credential(void **state)
{
	struct hsm_pin_source src = { .credential = "pin" };
	struct hsm_pin pin = { NULL, 0 };

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	fixture_write(fx.pin, "1234\n");
	setenv("CREDENTIALS_DIRECTORY", fx.token, 1);
	assert_int_equal(chmod(fx.pin, 0440), 0);
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), 0);
	assert_string_equal(pin.text, "1234");
	hsm_pin_fini(&pin);
	assert_int_equal(chmod(fx.pin, 0444), 0);
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	src.credential = "../token/pin";
	assert_int_equal(chmod(fx.pin, 0400), 0);
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	src.credential = "..";
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	src.credential = "";
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
test_env(void **state)
{
	struct hsm_pin_source src = { .env = "CAMCA_TEST_PIN" };
	struct hsm_pin pin = { NULL, 0 };

	(void)state;
	unsetenv("CAMCA_TEST_PIN");
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	setenv("CAMCA_TEST_PIN", "", 1);
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), CAMCA_EPIN);
	setenv("CAMCA_TEST_PIN", "5678", 1);
	assert_int_equal(hsm_pin_read(&src, &pin, NULL), 0);
	assert_string_equal(pin.text, "5678");
	hsm_pin_fini(&pin);
	unsetenv("CAMCA_TEST_PIN");
}

/* A file that is set is the source, even where it cannot be read. */
static void
test_order(void **state)
{
	struct hsm_pin_source none = { .file = NULL };
	struct hsm_pin_source two = { .file = fx.pin, .env = "CAMCA_TEST_PIN" };
	struct hsm_pin pin = { NULL, 0 };

	(void)state;
	unlink(fx.pin);
	assert_int_equal(hsm_pin_read(&none, &pin, &fx.why), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-missing");
	setenv("CAMCA_TEST_PIN", "5678", 1);
	assert_int_equal(hsm_pin_read(&two, &pin, &fx.why), CAMCA_EPIN);
	unsetenv("CAMCA_TEST_PIN");
}

/* A page of its own: ending one leaves the other. */
static void
test_copy(void **state)
{
	struct hsm_pin a = { NULL, 0 }, b = { NULL, 0 };

	(void)state;
	fixture_write(fx.pin, "12 34\n");
	assert_int_equal(read_file(&a), 0);
	assert_int_equal(hsm_pin_copy(&a, &b), 0);
	assert_true(hsm_pin_same(&a, &b));
	hsm_pin_fini(&a);
	assert_string_equal(b.text, "12 34");
	hsm_pin_fini(&b);
}

static void
test_same(void **state)
{
	struct hsm_pin_source src = { .file = fx.pin };
	struct hsm_pin a = { NULL, 0 }, b = { NULL, 0 };

	(void)state;
	fixture_write(fx.pin, "1234");
	assert_int_equal(hsm_pin_read(&src, &a, NULL), 0);
	assert_false(hsm_pin_same(&a, &b));
	assert_int_equal(hsm_pin_read(&src, &b, NULL), 0);
	assert_true(hsm_pin_same(&a, &b));
	hsm_pin_fini(&b);
	fixture_write(fx.pin, "1235");
	assert_int_equal(hsm_pin_read(&src, &b, NULL), 0);
	assert_false(hsm_pin_same(&a, &b));
	hsm_pin_fini(&a);
	hsm_pin_fini(&b);
}

/* The child has the terminal fd as its own and answers by its exit code. */
static void
prompt_child(int fd, const char *want)
{
	struct hsm_pin_source src = { .prompt = true };
	struct hsm_pin pin = { NULL, 0 };
	int ret;

	if (setsid() < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
		_exit(9);
	ret = hsm_pin_read(&src, &pin, NULL);
	if (want == NULL)
		_exit(ret == CAMCA_EPIN ? 0 : 1);
	if (ret != 0)
		_exit(2);
	ret = strcmp(pin.text, want) == 0 ? 0 : 3;
	hsm_pin_fini(&pin);
	_exit(ret);
}

/* Reads what the terminal shows into out until the question is there. */
static void
prompt_wait(int master, char *out, size_t out_len)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	size_t used = 0;
	ssize_t n;

	memset(out, 0, out_len);
	while (strstr(out, "PIN: ") == NULL) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		n = read(master, out + used, out_len - 1 - used);
		assert_true(n > 0);
		used += (size_t)n;
	}
}

static void
prompt_once(const char *typed, const char *want)
{
	char shown[512], rest[512] = "";
	int master, slave, status;
	struct termios before, after;
	ssize_t n;
	pid_t pid;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master >= 0 && grantpt(master) == 0 &&
	    unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		prompt_child(slave, want);
	prompt_wait(master, shown, sizeof shown);
	assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(tcgetattr(slave, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	n = read(master, rest, sizeof rest - 1);
	assert_true(n >= 0);
	assert_null(strstr(rest, "secret"));   /* not echoed */
	close(slave);
	close(master);
}

static void
test_prompt(void **state)
{
	(void)state;
	prompt_once("secret 1\n", "secret 1");
	prompt_once("\n", NULL);
	prompt_once("secre\x03", NULL);
}

static void
test_prompt_without_terminal(void **state)
{
	struct hsm_pin_source src = { .prompt = true };
	struct hsm_pin pin = { NULL, 0 };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(setsid() > 0 && hsm_pin_read(&src, &pin, NULL) ==
		    CAMCA_EPIN ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_mode, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_file_owner, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_file_kind, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_file_content, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_credential, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_env, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prompt, setup, teardown),
		cmocka_unit_test(test_prompt_without_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
