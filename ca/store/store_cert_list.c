/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of certificates. The changed and superseded ones are what CRLs and the
 * renewal clean-up run over, up to a million rows, so they leave the encoding
 * out and come in small pieces. */
#include "ca/store/store_cert.h"

/* Without the last column, the encoded certificate. */
#define CERT_BARE (CERT_NCOLS - 1)
#define CERT_COL_ID 0

LIST_VISIT(cert_row)

int
store_cert_list(struct tx *tx, int64_t device, int64_t issuer,
    int64_t after_id, int64_t limit,
    int (*fn)(const struct cert_row *r, void *arg), void *arg)
{
	struct list l = { ST_CERT_LIST, cert_cols, CERT_NCOLS,
	    sizeof (struct cert_row), LIST_INT, CERT_COL_ID };
	struct cert_row_list visit = { fn, arg };
	struct db_val v[4] = { db_int(after_id), db_int(0), db_int(issuer),
	    db_int(device) };

	if (device != 0)
		l.id = ST_CERT_LIST_DEVICE;
	return tx_list(tx, &l, v, device != 0 ? 4 : 3, limit, cert_row_visit,
	    &visit);
}

int
store_cert_released_list(struct tx *tx, int64_t issuer, int64_t after_rev_seq,
    int (*fn)(const struct cert_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_CERT_RELEASED, cert_cols, CERT_BARE,
	    sizeof (struct cert_row), LIST_INT, CERT_COL_REV_SEQ };
	struct cert_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_rev_seq), db_int(0),
	    db_int(issuer) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, cert_row_visit,
	    &visit);
}

int
store_cert_superseded_list(struct tx *tx, int64_t before_ms, int64_t limit,
    int (*fn)(const struct cert_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_CERT_SUPERSEDED, cert_cols,
	    CERT_BARE, sizeof (struct cert_row), LIST_INT, CERT_COL_ID };
	struct cert_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(before_ms) };

	return tx_list(tx, &l, v, COUNT(v), limit, cert_row_visit, &visit);
}

int
store_crl_entry_missing(struct tx *tx, int64_t after_rev_seq, int64_t limit,
    int (*fn)(const struct cert_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_CRL_ENTRY_MISSING, cert_cols,
	    CERT_BARE, sizeof (struct cert_row), LIST_INT, CERT_COL_REV_SEQ };
	struct cert_row_list visit = { fn, arg };
	struct db_val v[2] = { db_int(after_rev_seq), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, cert_row_visit, &visit);
}
