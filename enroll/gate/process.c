/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/harden.h"
#include "ca/base/log.h"

static void
process_files(size_t files)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	if (r.rlim_max != RLIM_INFINITY && r.rlim_max < files)
		log_msg(LOG_WARN, NULL, "max_connections needs %zu file "
		    "descriptors; the limit is %llu", files,
		    (unsigned long long)r.rlim_max);
	if (r.rlim_cur >= files)
		return;
	r.rlim_cur = r.rlim_max < files ? r.rlim_max : files;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0)
		log_msg(LOG_WARN, NULL, "no more file descriptors: %s",
		    strerror(errno));
}

void
process_harden(size_t files)
{
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	process_files(files);
	harden_process();
}

static int
process_become(const struct passwd *pw, const char *dir)
{
	/* The first start of an installation leaves the folder to root. */
	if (chown(dir, pw->pw_uid, pw->pw_gid) != 0) {
		log_msg(LOG_ERROR, dir, "cannot be given to %s: %s",
		    pw->pw_name, strerror(errno));
		return CAMCA_EIO;
	}
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0 ||
	    setuid(0) == 0) {
		log_msg(LOG_ERROR, pw->pw_name, "cannot become this user: %s",
		    strerror(errno));
		return CAMCA_EPERM;
	}
	harden_process();   /* a change of user makes it dumpable */
	return CAMCA_OK;
}

int
process_drop(const char *user, const char *dir)
{
	const struct passwd *pw = getuid() == 0 ? getpwnam(user) : NULL;
	int ret = file_mkdirs(dir, 0700);

	if (ret < 0) {
		log_msg(LOG_ERROR, dir, "cannot be made: %s",
		    camca_strerror(ret));
		return ret;
	}
	if (pw != NULL && pw->pw_uid != 0)
		return process_become(pw, dir);
	if (pw != NULL)
		log_msg(LOG_WARN, NULL, "running as %s, as the settings say",
		    user);
	else if (getuid() == 0)
		log_msg(LOG_WARN, NULL, "there is no user '%s': running as "
		    "root", user);
	return CAMCA_OK;
}

