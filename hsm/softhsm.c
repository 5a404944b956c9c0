/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/ctx.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "hsm/internal.h"

#define SOFT_SLOTS_MAX 256
#define SOFT_LABEL_LEN 32      /* CK_TOKEN_INFO.label, padded with blanks */
#define SOFT_PIN_BYTES 20      /* 32 characters of base32, 160 bits */

/* Paths below the folder of the embedded token. A new token is made below new/
 * and moved to tokens/ when it is whole: a crash between C_InitToken and
 * C_InitPIN would leave a token that nobody can log in to. */
struct soft {
	char dir[PATH_MAX];
	char conf[PATH_MAX];
	char tokens[PATH_MAX];
	char pin[PATH_MAX];
	char lock[PATH_MAX];
	char new_dir[PATH_MAX];
	char new_conf[PATH_MAX];
	char new_tokens[PATH_MAX];
	CK_UTF8CHAR label[SOFT_LABEL_LEN];
	/* hsm_softhsm_add: */
	bool adding;
	CK_UTF8CHAR beside[SOFT_LABEL_LEN];
	char made[PATH_MAX];         /* the token was made once */
	CK_FUNCTION_LIST *p11;
	void *dl;
};

const char *
softhsm_module(void)
{
	static const char *const paths[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so",
	};
	size_t i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++)
		if (file_exists(paths[i]))
			return paths[i];
	return NULL;
}

struct timespec
softhsm_changed(const char *tokens)
{
	struct stat st;

	if (tokens == NULL || stat(tokens, &st) != 0)
		return (struct timespec){ 0, 0 };
	return st.st_mtim;
}

static int
soft_refuse_io(const char *path, int err, struct refusal *why)
{
	return refuse(why, err == CAMCA_EFULL || err == CAMCA_ENOMEM ? err :
	    CAMCA_EIO, 503, "hsm.softhsm", "%s: %s.", path,
	    camca_strerror(err));
}

static int
soft_label(const char *label, CK_UTF8CHAR out[static SOFT_LABEL_LEN],
    struct refusal *why)
{
	char copy[SOFT_LABEL_LEN + 1];
	size_t n = strnlen(label, sizeof copy);

	if (n == 0 || n == sizeof copy)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.label",
		    "A token label has 1 to %d bytes.", SOFT_LABEL_LEN);
	memcpy(copy, label, n + 1);
	refusal_sanitize(copy);
	if (strcmp(copy, label) != 0 || label[n - 1] == ' ')
		return refuse(why, CAMCA_EINVAL, 400, "hsm.label",
		    "A token label is UTF-8 without control characters and "
		    "does not end in a blank.");
	memset(out, ' ', SOFT_LABEL_LEN);
	memcpy(out, label, n);
	return CAMCA_OK;
}

/* Makes the folder and fills in the paths, absolute: SoftHSM would read a
 * relative one against whatever folder the daemon runs in. */
static int
soft_paths(struct soft *f, const char *dir, struct refusal *why)
{
	int ret = file_mkdirs(dir, 0700);

	if (ret < 0 || realpath(dir, f->dir) == NULL)
		return soft_refuse_io(dir, ret < 0 ? ret : CAMCA_EIO, why);
	/* The configuration is a line format without quoting. */
	if (strpbrk(f->dir, "\n\r") != NULL || chmod(f->dir, 0700) != 0)
		return soft_refuse_io(dir, CAMCA_EIO, why);
	if (file_join(f->conf, sizeof f->conf, f->dir, "softhsm2.conf") < 0 ||
	    file_join(f->tokens, sizeof f->tokens, f->dir, "tokens") < 0 ||
	    file_join(f->pin, sizeof f->pin, f->dir, "pin") < 0 ||
	    file_join(f->lock, sizeof f->lock, f->dir, "lock") < 0 ||
	    file_join(f->new_dir, sizeof f->new_dir, f->dir, "new") < 0 ||
	    file_join(f->new_conf, sizeof f->new_conf, f->new_dir,
	    "softhsm2.conf") < 0 ||
	    file_join(f->new_tokens, sizeof f->new_tokens, f->new_dir,
	    "tokens") < 0)
		return soft_refuse_io(dir, CAMCA_ELIMIT, why);
	ret = file_mkdirs(f->tokens, 0700);
	return ret < 0 ? soft_refuse_io(f->tokens, ret, why) : CAMCA_OK;
}

/* Rewritten where it differs, so that a folder that was moved or restored
 * elsewhere works again. */
static int
soft_write_conf(const char *path, const char *tokens, struct refusal *why)
{
	struct buf want, have;
	int ret;

	buf_init(&want, 0);
	buf_init(&have, 0);
	ret = buf_printf(&want, "# Written by camca; changes are undone.\n"
	    "directories.tokendir = %s\n"
	    "objectstore.backend = file\n"
	    "log.level = ERROR\n"
	    "slots.removable = false\n", tokens);
	if (ret == CAMCA_OK && (file_read(path, 65536, &have) < 0 ||
	    have.len != want.len || memcmp(have.data, want.data, want.len)))
		ret = file_replace(path, want.data, want.len, 0600);
	buf_fini(&want);
	buf_fini(&have);
	return ret < 0 ? soft_refuse_io(path, ret, why) : CAMCA_OK;
}

static int
soft_init(struct soft *f, const char *conf, struct refusal *why)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv;

	if (setenv("SOFTHSM2_CONF", conf, 1) != 0)
		return refuse_default(why, CAMCA_ENOMEM);
	rv = f->p11->C_Initialize(&args);
	/* Somebody else in this process uses it, with another configuration. */
	if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return refuse(why, CAMCA_EHSM, 503, "hsm.softhsm",
		    "SoftHSM is in use by this process already.");
	return ckr_refuse(rv, "start SoftHSM", why);
}

static int
soft_load(struct soft *f, struct refusal *why)
{
	const char *path = softhsm_module();
	CK_C_GetFunctionList get;

	if (path == NULL)
		return refuse(why, CAMCA_EHSM, 503, "hsm.softhsm",
		    "SoftHSM is not installed (package softhsm2).");
	f->dl = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (f->dl == NULL)
		return refuse(why, CAMCA_EHSM, 503, "hsm.softhsm",
		    "PKCS#11 module: %s.", dlerror());
	*(void **)&get = dlsym(f->dl, "C_GetFunctionList");
	if (get == NULL || get(&f->p11) != CKR_OK || f->p11 == NULL)
		return refuse(why, CAMCA_EHSM, 503, "hsm.softhsm",
		    "%s is not a working PKCS#11 module.", path);
	return CAMCA_OK;
}

/* Looks for an initialized token with this label, or (NULL) for a slot with one
 * that is not initialized yet. HSM_RV_NO_KEY where there is none. */
static CK_RV
soft_find(const struct soft *f, const CK_UTF8CHAR *label, CK_SLOT_ID *out)
{
	CK_SLOT_ID slots[SOFT_SLOTS_MAX];
	CK_ULONG n = SOFT_SLOTS_MAX, i;
	CK_TOKEN_INFO info;
	CK_RV rv = f->p11->C_GetSlotList(CK_TRUE, slots, &n);
	bool initialized;

	for (i = 0; rv == CKR_OK && i < n; i++) {
		rv = f->p11->C_GetTokenInfo(slots[i], &info);
		if (rv != CKR_OK)
			break;
		initialized = (info.flags & CKF_TOKEN_INITIALIZED) != 0;
		if (initialized != (label != NULL) || (label != NULL &&
		    memcmp(info.label, label, SOFT_LABEL_LEN) != 0))
			continue;
		*out = slots[i];
		return CKR_OK;
	}
	return rv != CKR_OK ? rv : HSM_RV_NO_KEY;
}

static int
soft_has_token(struct soft *f, const CK_UTF8CHAR *label, bool *out,
    struct refusal *why)
{
	CK_SLOT_ID slot;
	CK_RV rv;
	int ret;

	ret = soft_init(f, f->conf, why);
	if (ret < 0)
		return ret;
	rv = soft_find(f, label, &slot);
	f->p11->C_Finalize(NULL);
	*out = rv == CKR_OK;
	return rv == HSM_RV_NO_KEY ? CAMCA_OK :
	    ckr_refuse(rv, "list its tokens", why);
}

/* 32 random characters into out (room for one more). */
static int
soft_random_pin(struct buf *out)
{
	uint8_t raw[SOFT_PIN_BYTES];
	int ret = ctx_random(&camca_ctx_system, raw, sizeof raw);

	if (ret == CAMCA_OK)
		ret = enc_base32(out, raw, sizeof raw);
	OPENSSL_cleanse(raw, sizeof raw);
	return ret;
}

/* The PIN of the folder, made where there is none. Durable before a token
 * depends on it. */
static int
soft_pin(struct soft *f, struct hsm_pin *out, struct refusal *why)
{
	struct hsm_pin_source src = { .file = f->pin };
	struct buf b;
	int ret = CAMCA_OK;

	buf_init(&b, 0);
	if (!file_exists(f->pin)) {
		ret = soft_random_pin(&b);
		if (ret == CAMCA_OK)
			ret = buf_putc(&b, '\n');
		if (ret == CAMCA_OK)
			ret = file_replace(f->pin, b.data, b.len, 0600);
		if (ret < 0)
			soft_refuse_io(f->pin, ret, why);
	}
	buf_cleanse(&b);
	return ret < 0 ? ret : hsm_pin_read(&src, out, why);
}

static CK_RV
soft_set_pin(struct soft *f, CK_SLOT_ID slot, const struct buf *so_pin,
    const struct hsm_pin *pin)
{
	CK_SESSION_HANDLE s;
	CK_RV rv;

	rv = f->p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, &s);
	if (rv != CKR_OK)
		return rv;
	rv = f->p11->C_Login(s, CKU_SO, so_pin->data, so_pin->len);
	if (rv == CKR_OK)
		rv = f->p11->C_InitPIN(s, (CK_UTF8CHAR *)pin->text, pin->len);
	f->p11->C_CloseSession(s);
	return rv;
}

/* The security officer's PIN opens the token as well as the user's does, so it
 * is random and kept nowhere: what has to be guarded is one file. */
static int
soft_init_token(struct soft *f, const struct hsm_pin *pin, struct refusal *why)
{
	struct buf so_pin;
	CK_SLOT_ID slot;
	CK_RV rv;
	int ret;

	buf_init(&so_pin, 0);
	ret = soft_random_pin(&so_pin);
	if (ret == CAMCA_OK)
		ret = soft_init(f, f->new_conf, why);
	if (ret == CAMCA_OK) {
		rv = soft_find(f, NULL, &slot);
		if (rv == CKR_OK)
			rv = f->p11->C_InitToken(slot, so_pin.data, so_pin.len,
			    f->label);
		if (rv == CKR_OK)
			rv = soft_set_pin(f, slot, &so_pin, pin);
		f->p11->C_Finalize(NULL);
		ret = ckr_refuse(rv, "make a SoftHSM token", why);
	}
	buf_cleanse(&so_pin);
	return refuse_default(why, ret);
}

static int
soft_remove_one(const char *path, const struct stat *st, int flag,
    struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/* What an interrupted run left. */
static int
soft_clear_new(const struct soft *f, struct refusal *why)
{
	if (file_exists(f->new_dir) && nftw(f->new_dir, soft_remove_one, 8,
	    FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		return soft_refuse_io(f->new_dir, CAMCA_EIO, why);
	return CAMCA_OK;
}

/* SoftHSM keeps each token in a folder of its own, named by a UUID. */
static int
soft_publish(const struct soft *f, struct refusal *why)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(f->new_tokens);
	int ret = CAMCA_ENOENT;

	if (d == NULL)
		return soft_refuse_io(f->new_tokens, CAMCA_EIO, why);
	while (ret == CAMCA_ENOENT && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		ret = CAMCA_EIO;
		/* The files first, then the name that makes them count. */
		if (syncfs(dirfd(d)) == 0 &&
		    file_join(from, sizeof from, f->new_tokens, e->d_name) ==
		    CAMCA_OK &&
		    file_join(to, sizeof to, f->tokens, e->d_name) ==
		    CAMCA_OK && rename(from, to) == 0)
			ret = file_sync_dir(to);
	}
	closedir(d);
	return ret < 0 ? soft_refuse_io(f->tokens, ret, why) : CAMCA_OK;
}

static int
soft_make_token(struct soft *f, struct refusal *why)
{
	struct hsm_pin pin = { NULL, 0 };
	int ret;

	ret = soft_clear_new(f, why);
	if (ret == CAMCA_OK && (ret = file_mkdirs(f->new_tokens, 0700)) < 0)
		soft_refuse_io(f->new_tokens, ret, why);
	if (ret == CAMCA_OK && chmod(f->new_dir, 0700) != 0)
		ret = soft_refuse_io(f->new_dir, CAMCA_EIO, why);
	if (ret == CAMCA_OK)
		ret = soft_write_conf(f->new_conf, f->new_tokens, why);
	if (ret == CAMCA_OK)
		ret = soft_pin(f, &pin, why);
	if (ret == CAMCA_OK)
		ret = soft_init_token(f, &pin, why);
	hsm_pin_fini(&pin);
	if (ret == CAMCA_OK)
		ret = soft_publish(f, why);
	if (ret == CAMCA_OK)
		ret = soft_clear_new(f, why);
	return ret;
}

/* Whether a second token may be made in this folder now. */
static int
soft_may_add(struct soft *f, struct refusal *why)
{
	bool beside = false;
	int ret = soft_has_token(f, f->beside, &beside, why);

	if (ret < 0)
		return ret;
	/* The folder's tokens are elsewhere: a new one would be in their way
	 * when they come back. */
	if (!beside)
		return refuse(why, CAMCA_ENOENT, 503, "hsm.token-missing",
		    "%s holds no token beside which another one could be "
		    "made.", f->tokens);
	if (file_exists(f->made))
		return refuse(why, CAMCA_ENOENT, 503, "hsm.token-missing",
		    "The token that %s speaks of is gone: put it back from a "
		    "backup, or remove that file to begin with new keys.",
		    f->made);
	if (!file_exists(f->pin))
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-missing",
		    "%s is missing: no token is made without the PIN of the "
		    "other.", f->pin);
	return CAMCA_OK;
}

static int
soft_mark_made(const struct soft *f, struct refusal *why)
{
	int ret = CAMCA_OK;

	if (f->adding && !file_exists(f->made))
		ret = file_replace(f->made, "", 0, 0600);
	return ret < 0 ? soft_refuse_io(f->made, ret, why) : CAMCA_OK;
}

static int
soft_make_locked(struct soft *f, struct refusal *why)
{
	bool there = false;
	int ret;

	ret = soft_write_conf(f->conf, f->tokens, why);
	if (ret == CAMCA_OK)
		ret = soft_has_token(f, f->label, &there, why);
	if (ret == CAMCA_OK && !there && f->adding)
		ret = soft_may_add(f, why);
	if (ret < 0)
		return ret;
	if (!there)
		ret = soft_make_token(f, why);
	if (ret == CAMCA_OK)
		ret = soft_mark_made(f, why);
	if (ret < 0 || !there)
		return ret;
	/* A new PIN would not open the old token. */
	if (!file_exists(f->pin))
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-missing",
		    "%s is missing and the token is there: put the file back "
		    "from a backup.", f->pin);
	return CAMCA_OK;
}

/* Two programs that start at once must not make two tokens. */
static int
soft_make(struct soft *f, const char *dir, struct refusal *why)
{
	int fd, ret;

	ret = soft_paths(f, dir, why);
	if (ret < 0)
		return ret;
	fd = open(f->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		ret = soft_refuse_io(f->lock, CAMCA_EIO, why);
	if (ret == CAMCA_OK)
		ret = soft_load(f, why);
	if (ret == CAMCA_OK)
		ret = soft_make_locked(f, why);
	if (f->dl != NULL)
		dlclose(f->dl);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Before anything is made: a folder whose tokens are elsewhere stays as it
 * is. */
static int
soft_add_paths(struct soft *f, const char *dir, const char *beside,
    const char *label, struct refusal *why)
{
	char name[SOFT_LABEL_LEN + 8], tokens[PATH_MAX];
	int ret = soft_label(beside, f->beside, why);

	if (ret < 0)
		return ret;
	if (strchr(label, '/') != NULL)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.label",
		    "The label of a token that is added has no slash.");
	snprintf(name, sizeof name, "made-%s", label);
	if (file_join(tokens, sizeof tokens, dir, "tokens") < 0 ||
	    file_join(f->made, sizeof f->made, dir, name) < 0)
		return soft_refuse_io(dir, CAMCA_ELIMIT, why);
	if (!file_exists(tokens))
		return refuse(why, CAMCA_ENOENT, 503, "hsm.token-missing",
		    "%s is missing.", tokens);
	f->adding = true;
	return CAMCA_OK;
}

/* beside NULL: hsm_softhsm_make. */
static int
soft_run(const char *dir, const char *beside, const char *label,
    struct refusal *why)
{
	const char *env = getenv("SOFTHSM2_CONF");
	char *before = env != NULL ? strdup(env) : NULL;
	struct soft *f = calloc(1, sizeof *f);
	mode_t mask = umask(0077);
	int ret = CAMCA_ENOMEM;

	if (f != NULL && (env == NULL || before != NULL))
		ret = soft_label(label, f->label, why);
	if (ret == CAMCA_OK && beside != NULL)
		ret = soft_add_paths(f, dir, beside, label, why);
	if (ret == CAMCA_OK)
		ret = soft_make(f, dir, why);
	/* Everything as it was, for whoever else reads it in this process. */
	umask(mask);
	if (before != NULL && setenv("SOFTHSM2_CONF", before, 1) != 0)
		ret = CAMCA_ENOMEM;
	else if (before == NULL)
		unsetenv("SOFTHSM2_CONF");
	free(before);
	free(f);
	return refuse_default(why, ret);
}

int
hsm_softhsm_make(const char *dir, const char *label, struct refusal *why)
{
	return soft_run(dir, NULL, label, why);
}

int
hsm_softhsm_add(const char *dir, const char *beside, const char *label,
    struct refusal *why)
{
	return soft_run(dir, beside, label, why);
}
