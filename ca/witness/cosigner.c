/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/witness/cosigner.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/file.h"

#define COSIGNER_FILE_MAX 4096

static int
cosigner_path(const char *dir, const char *name, char *out, size_t len,
    struct refusal *why)
{
	return file_join(out, len, dir, name) == CAMCA_OK ? CAMCA_OK :
	    refuse(why, CAMCA_ELIMIT, 400, "witness.dir",
	    "The folder's name is too long.");
}

/* ---- making ---- */

/* PEM of the key, and into a file that nobody had before: O_EXCL, so that two
 * of these never share a name, and no link is followed. */
static int
cosigner_write_key(const char *path, EVP_PKEY *k, struct refusal *why)
{
	AUTO(BIO) *b = BIO_new(BIO_s_secmem());
	const char *p = NULL;
	long n;
	int fd, ret = CAMCA_OK;

	if (b == NULL || PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0,
	    NULL, NULL) != 1 || (n = BIO_get_mem_data(b, (char **)&p)) <= 0)
		return refuse(why, CAMCA_ECRYPTO, 500, "witness.key",
		    "The key cannot be encoded.");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return refuse(why, errno == EEXIST ? CAMCA_ECONFLICT :
		    CAMCA_EIO, errno == EEXIST ? 409 : 503, "witness.key",
		    "%s: %s.", path, strerror(errno));
	if (write(fd, p, (size_t)n) != n || fsync(fd) != 0)
		ret = CAMCA_EIO;
	if (close(fd) != 0 || (ret == CAMCA_OK && file_sync_dir(path) < 0))
		ret = CAMCA_EIO;
	if (ret == CAMCA_OK)
		return ret;
	(void)unlink(path);
	return refuse(why, ret, 503, "witness.key", "%s cannot be written.",
	    path);
}

static int
cosigner_write_vkey(const char *path, const struct note_key *k,
    struct refusal *why)
{
	struct buf b;
	int ret;

	buf_init(&b, COSIGNER_FILE_MAX);
	ret = note_key_text(k, &b);
	if (ret == CAMCA_OK)
		ret = buf_putc(&b, '\n');
	if (ret == CAMCA_OK)
		ret = file_replace(path, b.data, b.len, 0644);
	buf_fini(&b);
	return ret == CAMCA_OK ? ret : refuse(why, ret, 503, "witness.key",
	    "%s cannot be written: %s.", path, camca_strerror(ret));
}

int
cosigner_make(const char *dir, const char *name, struct refusal *why)
{
	AUTO(EVP_PKEY) *k = NULL;
	struct note_key key = { .pub = NULL };
	char secret[400], public[400];
	int ret;

	if (!note_name_ok(name))
		return refuse(why, CAMCA_EINVAL, 400, "witness.name",
		    "A name is a URL without https://: no space, no '+'.");
	if ((ret = cosigner_path(dir, COSIGNER_KEY, secret, sizeof secret,
	    why)) < 0 || (ret = cosigner_path(dir, COSIGNER_VKEY, public,
	    sizeof public, why)) < 0)
		return ret;
	k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ret = k != NULL ? note_key_make(&key, name, NOTE_COSIG_ED25519, k) :
	    CAMCA_ECRYPTO;
	if (ret < 0)
		return refuse(why, ret, 500, "witness.key",
		    "No key can be made.");
	ret = cosigner_write_key(secret, k, why);
	if (ret == CAMCA_OK)
		ret = cosigner_write_vkey(public, &key, why);
	note_key_fini(&key);
	ERR_clear_error();
	return ret;
}

/* ---- reading ---- */

static int
cosigner_read_key(const char *path, EVP_PKEY **out, struct refusal *why)
{
	AUTO(BIO) *b = NULL;
	struct stat st;

	if (stat(path, &st) != 0)
		return refuse(why, errno == ENOENT ? CAMCA_ENOENT : CAMCA_EIO,
		    503, "witness.key", "%s: %s. camca-witness --init makes "
		    "one.", path, strerror(errno));
	if ((st.st_mode & 077) != 0)
		return refuse(why, CAMCA_EPERM, 503, "witness.key",
		    "%s is open to others: chmod 600.", path);
	b = BIO_new_file(path, "r");
	*out = b != NULL ? PEM_read_bio_PrivateKey(b, NULL, NULL, "") : NULL;
	ERR_clear_error();
	if (*out != NULL && EVP_PKEY_get_id(*out) == EVP_PKEY_ED25519)
		return CAMCA_OK;
	EVP_PKEY_free(*out);
	*out = NULL;
	return refuse(why, CAMCA_EINVAL, 503, "witness.key",
	    "%s holds no Ed25519 key that can be read.", path);
}

static int
cosigner_read_vkey(const char *path, struct note_key *out,
    struct refusal *why)
{
	struct buf b;
	int ret;

	buf_init(&b, COSIGNER_FILE_MAX);
	ret = file_read(path, COSIGNER_FILE_MAX, &b);
	if (ret < 0)
		ret = refuse(why, ret, 503, "witness.key", "%s cannot be read:"
		    " %s.", path, camca_strerror(ret));
	else
		ret = note_key_parse(out, buf_str(&b),
		    strcspn(buf_str(&b), "\n"), why);
	buf_fini(&b);
	return ret;
}

int
cosigner_open(struct cosigner *out, const char *dir, struct refusal *why)
{
	char secret[400], public[400];
	int ret;

	memset(out, 0, sizeof *out);
	if ((ret = cosigner_path(dir, COSIGNER_KEY, secret, sizeof secret,
	    why)) < 0 || (ret = cosigner_path(dir, COSIGNER_VKEY, public,
	    sizeof public, why)) < 0 ||
	    (ret = cosigner_read_key(secret, &out->private_key, why)) < 0)
		return ret;
	ret = cosigner_read_vkey(public, &out->key, why);
	if (ret == CAMCA_OK && (out->key.alg != NOTE_COSIG_ED25519 ||
	    EVP_PKEY_eq(out->key.pub, out->private_key) != 1))
		ret = refuse(why, CAMCA_EINVAL, 503, "witness.key",
		    "%s and %s do not belong together.", secret, public);
	if (ret < 0)
		cosigner_fini(out);
	return ret;
}

void
cosigner_fini(struct cosigner *c)
{
	note_key_fini(&c->key);
	EVP_PKEY_free(c->private_key);
	c->private_key = NULL;
}

int
cosigner_sign(const struct cosigner *c, const char *text, size_t text_len,
    int64_t time_s, struct buf *out)
{
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t n = sizeof sig;
	struct buf m;
	int ret;

	buf_init(&m, 0);
	ret = ctx != NULL ? note_message(NOTE_COSIG_ED25519, text, text_len,
	    time_s, &m) : CAMCA_ENOMEM;
	if (ret == CAMCA_OK && (EVP_DigestSignInit(ctx, NULL, NULL, NULL,
	    c->private_key) != 1 || EVP_DigestSign(ctx, sig, &n, m.data,
	    m.len) != 1 || n != sizeof sig))
		ret = CAMCA_ECRYPTO;
	buf_fini(&m);
	ERR_clear_error();
	return ret < 0 ? ret : note_line(&c->key, time_s, sig, n, out);
}
