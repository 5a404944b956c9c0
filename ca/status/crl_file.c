/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"

#define CRL_FILE_CHUNK (256u * 1024)

static int
crl_errno(void)
{
	switch (errno) {
	case ENOENT: return CAMCA_ENOENT;
	case ENOSPC: case EDQUOT: case EFBIG: return CAMCA_EFULL;
	default: return CAMCA_EIO;
	}
}

int
crl_paths(struct crl_paths *out, const char *dir,
    const uint8_t ski[static 20])
{
	char hex[41], name[48];
	int ret;

	enc_hex(hex, ski, 20);
	snprintf(name, sizeof name, "%s.crl", hex);
	ret = file_join(out->now, sizeof out->now, dir, name);
	snprintf(name, sizeof name, "%s.new", hex);
	return ret < 0 ? ret : file_join(out->next, sizeof out->next, dir,
	    name);
}

static struct crl_file *
crl_file_new(void)
{
	struct crl_file *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	atomic_init(&f->refs, 1);
	f->fd = -1;
	return f;
}

static int
crl_file_write_fd(int fd, const uint8_t *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = write(fd, p, n);
		if (w < 0 && errno != EINTR)
			return crl_errno();
		if (w < 0)
			w = 0;
	}
	return fsync(fd) == 0 ? CAMCA_OK : crl_errno();
}

int
crl_file_write(struct crl_file **out, const struct crl_paths *p,
    const void *data, size_t n, const struct crl_file_row *row)
{
	struct crl_file *f = crl_file_new();
	int ret;

	if (f == NULL)
		return CAMCA_ENOMEM;
	f->row = *row;
	f->fd = open(p->next, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	ret = f->fd < 0 ? crl_errno() : crl_file_write_fd(f->fd, data, n);
	if (ret == CAMCA_OK)
		ret = file_sync_dir(p->next);
	if (ret == CAMCA_OK) {
		*out = f;
		return CAMCA_OK;
	}
	if (f->fd >= 0)
		(void)unlink(p->next);
	crl_file_free(f);
	/* A folder that is gone is not "no such list". */
	return ret == CAMCA_ENOENT ? CAMCA_EIO : ret;
}

int
crl_file_show(const struct crl_paths *p)
{
	if (rename(p->next, p->now) != 0)
		return CAMCA_EIO;
	return file_sync_dir(p->now);
}

static int
crl_file_hash(int fd, uint8_t out[static STORE_HASH_LEN])
{
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	uint8_t *chunk = malloc(CRL_FILE_CHUNK);
	off_t at = 0;
	ssize_t n = 1;
	int ret = CAMCA_OK;

	if (ctx == NULL || chunk == NULL ||
	    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		ret = CAMCA_ENOMEM;
	while (ret == CAMCA_OK && n > 0) {
		n = pread(fd, chunk, CRL_FILE_CHUNK, at);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0 || EVP_DigestUpdate(ctx, chunk,
		    (size_t)n) != 1)
			ret = CAMCA_EIO;
		else
			at += n;
	}
	if (ret == CAMCA_OK && EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		ret = CAMCA_ECRYPTO;
	free(chunk);
	return ret;
}

int
crl_file_open_any(struct crl_file **out, const char *path)
{
	struct crl_file *f = crl_file_new();
	struct stat st;
	int ret;

	if (f == NULL)
		return CAMCA_ENOMEM;
	f->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0) {
		ret = crl_errno();
	} else if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		ret = CAMCA_EIO;
	} else {
		f->row.size = st.st_size;
		ret = crl_file_hash(f->fd, f->row.sha256);
	}
	if (ret < 0) {
		crl_file_free(f);
		return ret;
	}
	*out = f;
	return CAMCA_OK;
}

int
crl_file_open(struct crl_file **out, const char *path,
    const struct crl_file_row *row)
{
	struct crl_file *f;
	int ret = crl_file_open_any(&f, path);

	if (ret < 0)
		return ret;
	if (f->row.size != row->size ||
	    memcmp(f->row.sha256, row->sha256, sizeof row->sha256) != 0) {
		crl_file_free(f);
		return CAMCA_ECONFLICT;
	}
	f->row = *row;
	*out = f;
	return CAMCA_OK;
}

struct crl_file *
crl_file_ref(struct crl_file *f)
{
	if (f != NULL)
		atomic_fetch_add(&f->refs, 1);
	return f;
}

void
crl_file_free(struct crl_file *f)
{
	if (f == NULL || atomic_fetch_sub(&f->refs, 1) > 1)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

int
crl_file_read(const struct crl_file *f, int64_t offset, uint8_t *out, size_t n,
    size_t *n_out)
{
	size_t got = 0;
	ssize_t r = 1;

	if (offset < 0 || offset >= f->row.size)
		return CAMCA_EINVAL;
	while (got < n && r > 0) {
		r = pread(f->fd, out + got, n - got, offset + (off_t)got);
		if (r < 0 && errno == EINTR)
			r = 1;
		else if (r < 0)
			return CAMCA_EIO;
		else
			got += (size_t)r;
	}
	*n_out = got;
	return CAMCA_OK;
}
