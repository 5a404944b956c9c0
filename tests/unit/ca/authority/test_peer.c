/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ca/authority/peer.h"
#include "ca/base/log.h"

struct fix {
	char dir[64], path[96];
	struct authority a;
	int pair[2];
};

static int
fix_setup(void **state)
{
	static struct fix f;

	log_setup("test", (enum log_level)0);
	memset(&f, 0, sizeof f);
	snprintf(f.dir, sizeof f.dir, "/tmp/camca-peer-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof f.path, "%s/sock", f.dir);
	f.a.gate_uid = (uid_t)-1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f.pair), 0);
	*state = &f;
	return 0;
}

static int
fix_teardown(void **state)
{
	struct fix *f = *state;

	close(f->pair[0]);
	close(f->pair[1]);
	unlink(f->path);
	return rmdir(f->dir);
}

/* Without a user of its own the gate is who camcad is. */
static void
test_same_user(void **state)
{
	struct fix *f = *state;
	struct caller c;

	assert_true(peer_identify(&f->a, f->pair[0], &c));
	assert_int_equal(c.uid, getuid());
	assert_int_equal(c.roles, ROLE_OPERATOR | ROLE_GATE);
}

/* With one, nobody else speaks for it: root and camcad's user neither. */
static void
test_gate_user(void **state)
{
	struct fix *f = *state;
	struct caller c;

	f->a.gate_uid = getuid() + 1;
	assert_true(peer_identify(&f->a, f->pair[0], &c));
	assert_int_equal(c.roles, ROLE_OPERATOR);
}

static void
test_no_socket(void **state)
{
	struct fix *f = *state;
	struct caller c;

	assert_false(peer_identify(&f->a, -1, &c));
}

static int
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	return (int)(st.st_mode & 0777);
}

static void
test_listen(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct fix *f = *state;
	int fd = peer_listen(f->path, false), second, client;

	assert_true(fd >= 0);
	assert_int_equal(mode_of(f->path), 0660);
	/* What an earlier process left is no hindrance. */
	second = peer_listen(f->path, true);
	assert_true(second >= 0);
	assert_int_equal(mode_of(f->path), 0666);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(sa.sun_path, f->path, strlen(f->path));
	assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof sa),
	    0);
	close(client);
	close(second);
	close(fd);
}

static void
test_listen_fails(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(peer_listen(path, false), -1);
	assert_int_equal(peer_listen("/nowhere/at/all", false), -1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_same_user), T(test_gate_user), T(test_no_socket),
		T(test_listen), T(test_listen_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
