/* SPDX-License-Identifier: Apache-2.0 */
/* What a selection reads: products, the devices of one of them, certificates
 * without their bytes. The rows are narrow, because a selection runs over
 * every device of a maker. */
#include "ca/store/tx.h"

static const struct col product_cols[] = {
	COL(TEXT, product_row, manufacturer),
	COL(TEXT, product_row, model),
	COL(TEXT, product_row, firmware),
};
static const struct col pick_cols[] = {
	COL(INT, device_pick, pk),
	COL(TEXT, device_pick, id),
	COL(TEXT, device_pick, manufacturer),
	COL(TEXT, device_pick, model),
	COL(TEXT, device_pick, firmware),
	COL(TEXT, device_pick, site),
	COL(INT, device_pick, place),
	COL(INT, device_pick, state),
	COL(INT, device_pick, restriction),
};
static const struct col cert_pick_cols[] = {
	COL(INT, cert_pick, id),
	COL(BYTES, cert_pick, serial),
	COL(INT, cert_pick, issuer),
	COL(REF, cert_pick, device),
	COL(INT, cert_pick, created_ms),
	COL(INT, cert_pick, not_before_ms),
	COL(INT, cert_pick, not_after_ms),
	COL(REF, cert_pick, replaced_by),
	COL(INT, cert_pick, status),
	COL(INT, cert_pick, reason),
	COL(INT, cert_pick, revoked_ms),
	COL(INT, cert_pick, invalidity_ms),
	COL(REF, cert_pick, rev_seq),
};

LIST_VISIT(device_pick)
LIST_VISIT(cert_pick)

/* Another firmware of the model, else another model of the maker, else another
 * maker. */
static int
product_next(struct tx *tx, struct product_row *r)
{
	static const enum stmt_id next[] = { ST_PRODUCT_FIRMWARE,
	    ST_PRODUCT_MODEL, ST_PRODUCT_MAKER };
	const struct product_row was = *r;
	const struct db_val v[] = { db_text(was.manufacturer),
	    db_text(was.model), db_text(was.firmware) };
	int ret = CAMCA_ENOENT;
	size_t i;

	for (i = 0; i < COUNT(next) && ret == CAMCA_ENOENT; i++)
		ret = tx_get(tx, next[i], v, COUNT(v) - i, product_cols,
		    COUNT(product_cols), r);
	return ret;
}

int
store_product_list(struct tx *tx,
    int (*fn)(const struct product_row *r, void *arg), void *arg)
{
	const struct db_val first = db_text("");
	struct product_row r;
	int ret;

	ret = tx_get(tx, ST_PRODUCT_FIRST, &first, 1, product_cols,
	    COUNT(product_cols), &r);
	while (ret == CAMCA_OK && (ret = fn(&r, arg)) == 0)
		ret = product_next(tx, &r);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static int
pick_list(struct tx *tx, enum stmt_id id, struct db_val *v, size_t n,
    int (*fn)(const struct device_pick *r, void *arg), void *arg)
{
	const struct list l = { id, pick_cols, COUNT(pick_cols),
	    sizeof (struct device_pick), LIST_INT, 0 };
	struct device_pick_list visit = { fn, arg };

	return tx_list(tx, &l, v, n, INT64_MAX, device_pick_visit, &visit);
}

int
store_pick_product(struct tx *tx, const struct product_row *p,
    int (*fn)(const struct device_pick *r, void *arg), void *arg)
{
	struct db_val v[] = { db_int(0), db_int(0), db_text(p->manufacturer),
	    db_text(p->model), db_text(p->firmware) };

	return pick_list(tx, ST_PICK_PRODUCT, v, COUNT(v), fn, arg);
}

int
store_pick_site(struct tx *tx, const char *site,
    int (*fn)(const struct device_pick *r, void *arg), void *arg)
{
	struct db_val v[] = { db_int(0), db_int(0), db_text(site) };

	return pick_list(tx, ST_PICK_SITE, v, COUNT(v), fn, arg);
}

int
store_pick_all(struct tx *tx,
    int (*fn)(const struct device_pick *r, void *arg), void *arg)
{
	struct db_val v[] = { db_int(0), db_int(0) };

	return pick_list(tx, ST_PICK_ALL, v, COUNT(v), fn, arg);
}

int
store_pick_id(struct tx *tx, const char *id, struct device_pick *out)
{
	struct db_val v = db_text(id);

	return tx_get(tx, ST_PICK_ID, &v, 1, pick_cols, COUNT(pick_cols), out);
}

int
store_pick_pk(struct tx *tx, int64_t pk, struct device_pick *out)
{
	struct db_val v = db_int(pk);

	return tx_get(tx, ST_PICK_PK, &v, 1, pick_cols, COUNT(pick_cols), out);
}

static int
cert_pick_list(struct tx *tx, enum stmt_id id, struct db_val *v, size_t n,
    int (*fn)(const struct cert_pick *r, void *arg), void *arg)
{
	const struct list l = { id, cert_pick_cols, COUNT(cert_pick_cols),
	    sizeof (struct cert_pick), LIST_INT, 0 };
	struct cert_pick_list visit = { fn, arg };

	return tx_list(tx, &l, v, n, INT64_MAX, cert_pick_visit, &visit);
}

int
store_cert_pick_device(struct tx *tx, int64_t device, int64_t now_ms,
    int (*fn)(const struct cert_pick *r, void *arg), void *arg)
{
	struct db_val v[] = { db_int(0), db_int(0), db_int(device),
	    db_int(now_ms) };

	return cert_pick_list(tx, ST_CERT_PICK_DEVICE, v, COUNT(v), fn, arg);
}

int
store_cert_pick_made(struct tx *tx, int64_t issuer, int64_t from_ms,
    int64_t to_ms, int64_t now_ms,
    int (*fn)(const struct cert_pick *r, void *arg), void *arg)
{
	struct db_val v[] = { db_int(0), db_int(0), db_int(issuer),
	    db_int(from_ms), db_int(to_ms), db_int(now_ms) };

	return cert_pick_list(tx, ST_CERT_PICK_MADE, v, COUNT(v), fn, arg);
}

int
store_cert_pick_serial(struct tx *tx,
    const uint8_t serial[static STORE_SERIAL_LEN], struct cert_pick *out)
{
	struct db_val v = db_bytes(serial, STORE_SERIAL_LEN);

	return tx_get(tx, ST_CERT_PICK_SERIAL, &v, 1, cert_pick_cols,
	    COUNT(cert_pick_cols), out);
}

int
store_cert_pick_id(struct tx *tx, int64_t id, struct cert_pick *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_CERT_PICK_ID, &v, 1, cert_pick_cols,
	    COUNT(cert_pick_cols), out);
}

int
store_cert_any(struct tx *tx, int64_t device, bool *out)
{
	struct db_val v = db_int(device);
	int64_t one;
	int err = tx_int(tx, ST_CERT_ANY, &v, 1, &one);

	*out = err == CAMCA_OK;
	return err == CAMCA_ENOENT ? CAMCA_OK : err;
}

int
store_device_standing(struct tx *tx, int64_t pk, enum device_state state,
    enum device_restriction restriction, int64_t now_ms)
{
	const struct db_val v[] = { db_int(pk), db_int((int64_t)state),
	    db_int((int64_t)restriction), db_int(now_ms) };
	int64_t changed = 0;
	int err;

	err = tx_exec(tx, ST_DEVICE_STANDING, v, COUNT(v), &changed);
	return err < 0 || changed > 0 ? err : tx_exec(tx,
	    ST_DEVICE_STANDING_FIRST, v, COUNT(v), NULL);
}
