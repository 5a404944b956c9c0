/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/authority/layout.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/yaml.h"

enum layout_owner { OWN_ROOT, OWN_AUTHORITY, OWN_GATE, OWN_SHARED };

/* run/ carries the gate's group and hands it to the socket (set-group-ID).
 * Others may pass it: the socket's own mode says whether they may connect. */
static const struct {
	const char *name;
	mode_t mode;
	enum layout_owner owner;
} folders[] = {
	{ "", 0755, OWN_ROOT },
	{ "db", 0700, OWN_AUTHORITY },
	{ "crl", 0700, OWN_AUTHORITY },
	{ "custody", 0700, OWN_AUTHORITY },
	{ "hsm", 0700, OWN_AUTHORITY },
	{ "run", 02751, OWN_SHARED },
	{ "gate", 0755, OWN_GATE },
};

static int
layout_chown(const char *path, enum layout_owner owner,
    const struct passwd *authority, gid_t authority_gid,
    const struct passwd *gate, gid_t gate_gid)
{
	int r = 0;

	if (geteuid() != 0)
		return CAMCA_OK;
	if (owner == OWN_AUTHORITY && authority != NULL)
		r = chown(path, authority->pw_uid, authority_gid);
	else if (owner == OWN_GATE && gate != NULL)
		r = chown(path, gate->pw_uid, gate_gid);
	else if (owner == OWN_SHARED && authority != NULL && gate != NULL)
		r = chown(path, authority->pw_uid, gate_gid);
	return r == 0 ? CAMCA_OK : CAMCA_EPERM;
}

static int
layout_folders(const struct config *c, struct refusal *why)
{
	struct passwd *pw, authority, gate;
	struct passwd *pa = NULL, *pg = NULL;
	char path[400];
	size_t i;

	if ((pw = getpwnam(c->authority_user)) != NULL) {
		authority = *pw;
		pa = &authority;
	}
	if ((pw = getpwnam(c->gate_user)) != NULL) {
		gate = *pw;
		pg = &gate;
	}
	for (i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		snprintf(path, sizeof path, "%s%s%s", c->state,
		    folders[i].name[0] != '\0' ? "/" : "", folders[i].name);
		if (file_mkdirs(path, folders[i].mode) < 0 ||
		    layout_chown(path, folders[i].owner, pa,
		    pa != NULL ? pa->pw_gid : 0, pg,
		    pg != NULL ? pg->pw_gid : 0) < 0 ||
		    (i > 0 && chmod(path, folders[i].mode) != 0))
			return refuse(why, CAMCA_EIO, 503, "init.folder",
			    "Cannot make %s: %s.", path, strerror(errno));
	}
	return CAMCA_OK;
}

static int
layout_copy_dir(const char *from, const char *to)
{
	char src[PATH_MAX], dst[PATH_MAX];
	struct dirent *d;
	struct buf b;
	DIR *dir = opendir(from);
	int ret;

	if (dir == NULL)
		return CAMCA_ENOENT;
	ret = file_mkdirs(to, 0755);
	buf_init(&b, 16u << 20);
	while (ret == CAMCA_OK && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || d->d_type == DT_DIR)
			continue;
		buf_reset(&b);
		if ((ret = file_join(src, sizeof src, from, d->d_name)) < 0 ||
		    (ret = file_join(dst, sizeof dst, to, d->d_name)) < 0 ||
		    file_exists(dst) ||
		    (ret = file_read(src, 16u << 20, &b)) < 0)
			continue;
		ret = file_replace(dst, buf_str(&b), b.len, 0644);
	}
	buf_fini(&b);
	closedir(dir);
	return ret;
}

static int
layout_policies(const struct config *c, const char *from, struct refusal *why)
{
	static const char *const parts[] = { "profiles", "levels", "rules" };
	char src[PATH_MAX], dst[PATH_MAX];
	size_t i;
	int ret;

	if (from == NULL)
		return CAMCA_OK;
	for (i = 0; i < 3; i++) {
		if ((ret = file_join(src, sizeof src, from, parts[i])) < 0 ||
		    (ret = file_join(dst, sizeof dst, c->policies,
		    parts[i])) < 0)
			return ret;
		ret = layout_copy_dir(src, dst);
		if (ret < 0 && !(ret == CAMCA_ENOENT && i == 2))
			return refuse(why, CAMCA_EIO, 503, "init.policies",
			    "Cannot copy %s to %s.", src, dst);
	}
	return CAMCA_OK;
}

int
layout_make(const struct config *c, const char *policies_from,
    struct refusal *why)
{
	char path[400];
	char *text;
	int ret;

	if ((ret = layout_folders(c, why)) < 0 ||
	    (ret = layout_policies(c, policies_from, why)) < 0)
		return ret;
	if (file_join(path, sizeof path, c->state, "camca.yaml") < 0)
		return CAMCA_ELIMIT;
	if (file_exists(path))
		return CAMCA_OK;
	text = config_write(c);
	if (text == NULL)
		return CAMCA_ENOMEM;
	ret = file_replace(path, text, strlen(text), 0644);
	free(text);
	return ret;
}

/* Folders that came with a later version than the state's. */
static int
layout_grow(const struct config *c)
{
	static const char *const later[] = { "crl", "custody" };
	struct refusal why = { 0 };
	char path[400];
	bool all = true;
	size_t i;
	int ret;

	for (i = 0; i < sizeof later / sizeof later[0]; i++) {
		if (file_join(path, sizeof path, c->state, later[i]) < 0)
			return CAMCA_ELIMIT;
		all = all && file_exists(path);
	}
	if (all || !file_exists(c->state))
		return CAMCA_OK;
	ret = layout_folders(c, &why);
	if (ret < 0)
		log_msg(LOG_ERROR, c->state, "%s", why.detail);
	return ret;
}

int
layout_drop(const struct config *c)
{
	struct passwd *pw;
	int ret;

	if ((ret = layout_grow(c)) < 0 || geteuid() != 0)
		return ret;
	pw = getpwnam(c->authority_user);
	if (pw == NULL) {
		log_msg(LOG_WARN, c->authority_user, "no such user: staying "
		    "root (scripts/setup makes the users)");
		return CAMCA_OK;
	}
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0 ||
	    setuid(0) == 0)
		return CAMCA_EPERM;
	return CAMCA_OK;
}
