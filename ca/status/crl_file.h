/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one issuer's CRL: DIR/SKI.crl is published, DIR/SKI.new is
 * whole and durable and waits for the database to say that it is the next. */
#ifndef CAMCA_STATUS_CRL_FILE_H
#define CAMCA_STATUS_CRL_FILE_H

#include <stdatomic.h>

#include "ca/store/store.h"

/* A published list, open: it can be read also when a newer one has taken its
 * name. Constant, counted. */
struct crl_file {
	atomic_uint refs;
	int fd;
	struct crl_file_row row;
};

struct crl_paths {
	char now[512];                   /* DIR/SKI.crl */
	char next[512];                  /* DIR/SKI.new */
};
CAMCA_MUST int crl_paths(struct crl_paths *out, const char *dir,
    const uint8_t ski[static 20]);

/* Writes p->next whole and durable (0600) and keeps it open: *out takes row.
 * CAMCA_EFULL, CAMCA_EIO, CAMCA_ENOMEM; then nothing is left of it. */
CAMCA_MUST int crl_file_write(struct crl_file **out, const struct crl_paths *p,
    const void *data, size_t n, const struct crl_file_row *row);
/* p->next becomes p->now, for good. CAMCA_EIO. */
CAMCA_MUST int crl_file_show(const struct crl_paths *p);

/* Opens path where it has the size and hash that row says; *out takes row.
 * CAMCA_ENOENT where there is no such file, CAMCA_ECONFLICT for another
 * content, CAMCA_EIO, CAMCA_ENOMEM. */
CAMCA_MUST int crl_file_open(struct crl_file **out, const char *path,
    const struct crl_file_row *row);
/* Opens path whatever it holds: size and hash in *out come from the file, all
 * else in row is zero. */
CAMCA_MUST int crl_file_open_any(struct crl_file **out, const char *path);
struct crl_file *crl_file_ref(struct crl_file *f);
void crl_file_free(struct crl_file *f);          /* one holder less */

/* Up to n bytes from offset on. CAMCA_EINVAL past the end; CAMCA_EIO. Any
 * thread. */
CAMCA_MUST int crl_file_read(const struct crl_file *f, int64_t offset,
    uint8_t *out, size_t n, size_t *n_out);

#endif
