/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/store: the columns of a certificate, shared by store_cert.c and
 * store_cert_list.c. */
#ifndef CAMCA_STORE_STORE_CERT_H
#define CAMCA_STORE_STORE_CERT_H

#include "ca/store/tx.h"

/* In the order of CERT_COLS; the last one is the encoded certificate, which
 * lists of revoked and superseded certificates leave out. */
#define CERT_NCOLS 19
extern const struct col cert_cols[CERT_NCOLS];

#endif
