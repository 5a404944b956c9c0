/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/store: the columns of a certificate, shared by store_cert.c and
 * store_cert_list.c. */
#ifndef CAMCA_STORE_STORE_CERT_H
#define CAMCA_STORE_STORE_CERT_H

#include "ca/store/tx.h"

/* In the order of CERT_COLS: those of the row itself, of its status, and the
 * encoded certificate, which lists of revoked and superseded certificates leave
 * out. */
#define CERT_NCOLS 19
#define CERT_COL_REV_SEQ 17
/* Columns of the table, without id. */
#define CERT_NPLAIN 12
extern const struct col cert_cols[CERT_NCOLS];

#endif
