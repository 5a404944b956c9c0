/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/install.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/renew/bag.h"

#define INSTALL_FILE_MAX (64u * 1024)
#define INSTALL_GEN_MAX 999999u

struct install {
	char dir[PATH_MAX - 64];  /* room for every name below */
	int lock_fd;
};

static int
install_failed(struct refusal *why, int err, const char *what,
    const char *path)
{
	return refuse(why, err, 500, "install.failed", "%s %s: %s.", what,
	    path, camca_strerror(err));
}

/* Number of a "gen-000007" name, 0 for anything else. */
static unsigned
install_gen_number(const char *name)
{
	unsigned n = 0;
	size_t i;

	if (strlen(name) != 10 || strncmp(name, "gen-", 4) != 0)
		return 0;
	for (i = 4; i < 10; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		n = n * 10 + (unsigned)(name[i] - '0');
	}
	return n;
}

/* Generation that `current` points to, 0 where there is none. */
static unsigned
install_current(const struct install *in)
{
	char path[PATH_MAX], target[64];
	ssize_t n;

	if (file_join(path, sizeof path, in->dir, "current") < 0)
		return 0;
	n = readlink(path, target, sizeof target - 1);
	if (n <= 0)
		return 0;
	target[n] = '\0';
	return install_gen_number(target);
}

/* Removes one generation's folder. Whatever is in it is ours. */
static void
install_remove_gen(const struct install *in, const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (file_join(dir, sizeof dir, in->dir, name) < 0 ||
	    (d = opendir(dir)) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    file_join(path, sizeof path, dir, e->d_name) == CAMCA_OK)
			(void)unlink(path);
	closedir(d);
	(void)rmdir(dir);
}

/* Number for a new generation: behind every folder that is there. */
static unsigned
install_next(const struct install *in)
{
	unsigned next = install_current(in), gen;
	struct dirent *e;
	DIR *d = opendir(in->dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		gen = install_gen_number(e->d_name);
		if (gen > next)
			next = gen;
	}
	if (d != NULL)
		closedir(d);
	return next + 1;
}

/* Temporary names that file_replace() and install_point() leave in a crash;
 * one of them may hold a private key. */
static bool
install_is_litter(const char *name)
{
	static const char *const stems[] = { "pending.pem.", "trust.pem.",
	    "status.", "hook-done." };
	size_t i, n;

	if (strcmp(name, "current.new") == 0)
		return true;
	for (i = 0; i < sizeof stems / sizeof stems[0]; i++) {
		n = strlen(stems[i]);
		if (strncmp(name, stems[i], n) == 0 && strlen(name) == n + 6)
			return true;
	}
	return false;
}

/* Keeps the current generation and the one before; removes older ones, and
 * newer ones that a crash left unfinished. Where `current` is missing nobody
 * knows which is good: all stay. Failures are left for next time. */
static void
install_sweep(const struct install *in)
{
	unsigned now = install_current(in), gen;
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(in->dir);

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		gen = install_gen_number(e->d_name);
		if (gen != 0 && now != 0 && (gen > now || gen + 1 < now))
			install_remove_gen(in, e->d_name);
		else if (install_is_litter(e->d_name) &&
		    file_join(path, sizeof path, in->dir, e->d_name) == 0)
			(void)unlink(path);
	}
	closedir(d);
}

int
install_open(struct install **out, const char *dir, struct refusal *why)
{
	struct install *in = calloc(1, sizeof *in);
	int ret;

	if (in == NULL)
		return CAMCA_ENOMEM;
	in->lock_fd = -1;
	if ((size_t)snprintf(in->dir, sizeof in->dir, "%s", dir) >=
	    sizeof in->dir) {
		ret = install_failed(why, CAMCA_ELIMIT, "Folder", "DIR");
		goto fail;
	}
	if ((ret = file_mkdirs(in->dir, 0755)) < 0) {
		install_failed(why, ret, "Cannot make", dir);
		goto fail;
	}
	in->lock_fd = open(in->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in->lock_fd < 0) {
		ret = install_failed(why, CAMCA_EIO, "Cannot open", dir);
		goto fail;
	}
	if (flock(in->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		ret = refuse(why, CAMCA_EBUSY, 409, "install.locked",
		    "Another camca-renew works in %s.", dir);
		goto fail;
	}
	install_sweep(in);
	*out = in;
	return CAMCA_OK;
fail:
	install_close(in);
	return ret;
}

void
install_close(struct install *in)
{
	if (in == NULL)
		return;
	if (in->lock_fd >= 0)
		close(in->lock_fd);
	free(in);
}

const char *
install_dir(const struct install *in)
{
	return in->dir;
}

void
install_pair_fini(struct install_pair *p)
{
	X509_free(p->cert);
	bag_free(p->chain);
	EVP_PKEY_free(p->key);
	memset(p, 0, sizeof *p);
}

/* Reads DIR/sub/name; sub may be NULL. */
static int
install_read(const struct install *in, const char *sub, const char *name,
    struct buf *out)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int ret;

	if (sub == NULL)
		ret = file_join(path, sizeof path, in->dir, name);
	else if ((ret = file_join(dir, sizeof dir, in->dir, sub)) == CAMCA_OK)
		ret = file_join(path, sizeof path, dir, name);
	return ret < 0 ? ret : file_read(path, INSTALL_FILE_MAX, out);
}

/* fullchain.pem is one file: leaf and chain cannot be of two minds. */
static int
install_load_certs(const struct install *in, const char *gen,
    struct install_pair *p, struct refusal *why)
{
	STACK_OF(X509) *bag = NULL;
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = install_read(in, gen, "fullchain.pem", &pem);
	if (ret == CAMCA_OK)
		ret = bag_from_pem(&bag, &pem, why);
	if (ret == CAMCA_OK && sk_X509_num(bag) < 1)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_OK) {
		p->cert = sk_X509_shift(bag);
		p->chain = bag;
		bag = NULL;
	}
	bag_free(bag);
	buf_fini(&pem);
	return ret;
}

/* The generation says where its key is, whatever today's settings say: they
 * may already be meant for the next one. */
static int
install_load_key(const struct install *in, const char *gen,
    const struct keys_source *src, struct install_pair *p,
    struct refusal *why)
{
	struct keys_source at = { .uri = NULL };
	struct buf text;
	int ret;

	buf_init(&text, 0);
	ret = install_read(in, gen, "key.uri", &text);
	if (ret == CAMCA_OK) {
		if (src != NULL)
			at = *src;
		text.len = strcspn(buf_str(&text), "\n");
		text.data[text.len] = '\0';
		at.uri = buf_str(&text);
		ret = keys_open(&p->key, &at, why);
	} else if (ret == CAMCA_ENOENT) {
		buf_reset(&text);
		ret = install_read(in, gen, "key.pem", &text);
		if (ret == CAMCA_OK)
			ret = keys_from_pem(&p->key, &text, why);
	}
	buf_cleanse(&text);
	return ret;
}

static int
install_load_gen(const struct install *in, unsigned number,
    const struct keys_source *src, struct install_pair *out,
    struct refusal *why)
{
	char gen[16];
	int ret;

	snprintf(gen, sizeof gen, "gen-%06u", number);
	if ((ret = install_load_certs(in, gen, out, why)) == CAMCA_OK)
		ret = install_load_key(in, gen, src, out, why);
	if (ret == CAMCA_OK &&
	    EVP_PKEY_eq(X509_get0_pubkey(out->cert), out->key) == 1)
		return CAMCA_OK;
	ERR_clear_error();
	install_pair_fini(out);
	/* A key store that does not answer is not a broken pair. */
	if (ret == CAMCA_EHSM || ret == CAMCA_EPIN || ret == CAMCA_ENOMEM)
		return ret;
	return refuse(why, CAMCA_EINVAL, 500, "install.broken",
	    "%s/%s does not hold a certificate and its key.", in->dir, gen);
}

int
install_load(const struct install *in, const struct keys_source *src,
    struct install_pair *out, struct refusal *why)
{
	unsigned now = install_current(in);
	int ret;

	memset(out, 0, sizeof *out);
	if (now == 0)
		return CAMCA_ENOENT;
	ret = install_load_gen(in, now, src, out, why);
	/* Flash memory rots. The pair before is as good as new towards the
	 * authority as long as nobody has used the one that is broken. */
	if (ret == CAMCA_EINVAL && now > 1 &&
	    install_load_gen(in, now - 1, src, out, NULL) == CAMCA_OK) {
		log_msg(LOG_ERROR, in->dir, "generation %u is broken, going "
		    "on with the one before", now);
		ret = CAMCA_OK;
	}
	if (ret == CAMCA_OK)
		out->generation = now;
	return ret;
}

int
install_pending_load(const struct install *in, EVP_PKEY **out)
{
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = install_read(in, NULL, "pending.pem", &pem);
	if (ret == CAMCA_OK)
		ret = keys_from_pem(out, &pem, NULL);
	buf_cleanse(&pem);
	if (ret == CAMCA_EINVAL || ret == CAMCA_ELIMIT) {
		log_msg(LOG_WARN, in->dir, "pending key is broken, dropped");
		ret = install_pending_drop(in);
		return ret < 0 ? ret : CAMCA_ENOENT;
	}
	return ret;
}

int
install_pending_save(const struct install *in, EVP_PKEY *key)
{
	char path[PATH_MAX];
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = file_join(path, sizeof path, in->dir, "pending.pem");
	if (ret == CAMCA_OK)
		ret = keys_to_pem(&pem, key);
	if (ret == CAMCA_OK)
		ret = file_replace(path, pem.data, pem.len, 0600);
	buf_cleanse(&pem);
	return ret;
}

int
install_pending_drop(const struct install *in)
{
	char path[PATH_MAX];
	int ret = file_join(path, sizeof path, in->dir, "pending.pem");

	if (ret < 0)
		return ret;
	if (unlink(path) != 0)
		return errno == ENOENT ? CAMCA_OK : CAMCA_EIO;
	return file_sync_dir(path);
}

/* One file of the new generation, durable when this returns. */
static int
install_put(const char *gen_dir, const char *name, const struct buf *text,
    mode_t mode)
{
	char path[PATH_MAX];
	int ret = file_join(path, sizeof path, gen_dir, name);

	return ret < 0 ? ret : file_replace(path, text->data, text->len, mode);
}

/* The three views of the same certificates that programs ask for. */
static int
install_put_certs(const char *gen_dir, const struct install_pair *p)
{
	struct buf pem;
	size_t leaf;
	int ret;

	buf_init(&pem, 0);
	if ((ret = bag_cert_to_pem(&pem, p->cert)) < 0 ||
	    (ret = install_put(gen_dir, "cert.pem", &pem, 0644)) < 0)
		goto out;
	leaf = pem.len;
	if ((ret = bag_to_pem(&pem, p->chain)) < 0 ||
	    (ret = install_put(gen_dir, "fullchain.pem", &pem, 0644)) < 0)
		goto out;
	buf_shift(&pem, leaf);
	ret = install_put(gen_dir, "chain.pem", &pem, 0644);
out:
	buf_fini(&pem);
	return ret;
}

static int
install_put_key(const char *gen_dir, const struct install_pair *p,
    const char *key_uri)
{
	struct buf text;
	int ret;

	buf_init(&text, 0);
	/* A URI may carry a PIN: it is as secret as a key. */
	ret = key_uri != NULL ? buf_printf(&text, "%s\n", key_uri) :
	    keys_to_pem(&text, p->key);
	if (ret == CAMCA_OK)
		ret = install_put(gen_dir, key_uri != NULL ? "key.uri" :
		    "key.pem", &text, 0600);
	buf_cleanse(&text);
	return ret;
}

/* Points `current` at gen: a new link beside it, renamed over it. */
static int
install_point(const struct install *in, const char *gen)
{
	char from[PATH_MAX], to[PATH_MAX];
	int ret;

	if ((ret = file_join(from, sizeof from, in->dir, "current.new")) < 0 ||
	    (ret = file_join(to, sizeof to, in->dir, "current")) < 0)
		return ret;
	if (unlink(from) != 0 && errno != ENOENT)
		return CAMCA_EIO;
	if (symlink(gen, from) != 0)
		return errno == ENOSPC ? CAMCA_EFULL : CAMCA_EIO;
	if (rename(from, to) != 0) {
		(void)unlink(from);
		return CAMCA_EIO;
	}
	/* The new pair is current from here on. Where this sync fails the link
	 * may fall back to the old, whole pair in a power cut; saying "failed"
	 * would be wrong as the new one is in use. */
	if (file_sync_dir(to) < 0)
		log_msg(LOG_WARN, in->dir, "folder could not be synced");
	return CAMCA_OK;
}

int
install_switch(const struct install *in, struct install_pair *p,
    const char *key_uri, struct refusal *why)
{
	char gen[16], path[PATH_MAX];
	unsigned next;
	int ret;

	install_sweep(in);        /* a half-made generation may be there */
	next = install_next(in);
	if (next > INSTALL_GEN_MAX)
		return install_failed(why, CAMCA_ELIMIT, "Generations in",
		    in->dir);
	snprintf(gen, sizeof gen, "gen-%06u", next);
	ret = file_join(path, sizeof path, in->dir, gen);
	if (ret == CAMCA_OK && mkdir(path, 0755) != 0)
		ret = errno == ENOSPC ? CAMCA_EFULL : CAMCA_EIO;
	if (ret == CAMCA_OK)
		ret = install_put_key(path, p, key_uri);
	if (ret == CAMCA_OK)
		ret = install_put_certs(path, p);
	if (ret == CAMCA_OK)
		ret = file_sync_dir(path);   /* the entry of gen itself */
	if (ret == CAMCA_OK)
		ret = install_point(in, gen);
	if (ret < 0) {
		install_remove_gen(in, gen);
		return install_failed(why, ret, "Cannot install", path);
	}
	p->generation = next;
	install_sweep(in);
	return CAMCA_OK;
}

unsigned
install_hook_done(const struct install *in)
{
	struct buf text;
	unsigned n = 0;

	buf_init(&text, 0);
	if (install_read(in, NULL, "hook-done", &text) == CAMCA_OK &&
	    text.len > 0 && text.data[text.len - 1] == '\n') {
		text.data[text.len - 1] = '\0';
		n = install_gen_number(buf_str(&text));
	}
	buf_fini(&text);
	return n;
}

int
install_hook_set(const struct install *in, unsigned generation)
{
	char path[PATH_MAX], text[16];
	int ret = file_join(path, sizeof path, in->dir, "hook-done");

	if (ret < 0)
		return ret;
	snprintf(text, sizeof text, "gen-%06u\n", generation % 1000000u);
	return file_replace(path, text, strlen(text), 0644);
}
