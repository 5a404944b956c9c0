/* SPDX-License-Identifier: Apache-2.0 */
/* Cameras as agents find them: where they are reached, what was read on them,
 * and which of their passwords an agent was given. */
#include "ca/store/store_job.h"
#include "ca/store/tx.h"

static const struct col reach_cols[] = {
	COL(INT, reach_row, device),
	COL(TEXT, reach_row, driver),
	COL(TEXT, reach_row, host),
	COL(INT, reach_row, http_port),
	COL(INT, reach_row, https_port),
	COL(TEXT, reach_row, path),
	COL(BYTES, reach_row, tls_sha256),
	COL(INT, reach_row, updated_ms),
};

LIST_VISIT(reach_row)

int
store_reach_put(struct tx *tx, const struct reach_row *r)
{
	struct db_val v[COUNT(reach_cols)];
	int err;

	if ((err = row_vals(reach_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_REACH_PUT, v, COUNT(v), NULL);
}

int
store_reach_get(struct tx *tx, int64_t device, struct reach_row *out)
{
	struct db_val v = db_int(device);

	return tx_get(tx, ST_REACH_GET, &v, 1, reach_cols, COUNT(reach_cols),
	    out);
}

int
store_reach_list(struct tx *tx, int64_t after_pk, int64_t limit,
    int (*fn)(const struct reach_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_REACH_LIST, reach_cols,
	    COUNT(reach_cols), sizeof (struct reach_row), LIST_INT, 0 };
	struct reach_row_list visit = { fn, arg };
	struct db_val v[2] = { db_int(after_pk), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, reach_row_visit, &visit);
}

int
store_reach_leaf(struct tx *tx, int64_t device,
    const uint8_t sha256[static STORE_HASH_LEN], int64_t now_ms)
{
	const struct db_val v[] = { db_int(device),
	    db_bytes(sha256, STORE_HASH_LEN), db_int(now_ms) };

	return tx_change(tx, ST_REACH_LEAF, v, COUNT(v), ST_REACH_EXISTS);
}

/* ---- agents ---- */

static const struct col agent_cols[] = {
	COL(INT, agent_row, device),
	COL(INT, agent_row, seen_ms),
	COL(TEXT, agent_row, version),
	COL(INT, agent_row, free),
};

int
store_agent_put(struct tx *tx, const struct agent_row *r)
{
	struct db_val v[COUNT(agent_cols)];
	int err;

	if ((err = row_vals(agent_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_AGENT_PUT, v, COUNT(v), NULL);
}

int
store_agent_get(struct tx *tx, int64_t device, struct agent_row *out)
{
	struct db_val v = db_int(device);
	int err = tx_get(tx, ST_AGENT_GET, &v, 1, agent_cols,
	    COUNT(agent_cols), out);

	if (err != CAMCA_ENOENT)
		return err;
	*out = (struct agent_row){ .device = device };
	return CAMCA_OK;
}

static const struct col sealed_cols[] = {
	COL(INT, agent_sealed_row, id),
	COL(INT, agent_sealed_row, agent),
	COL(INT, agent_sealed_row, secret),
	COL(INT, agent_sealed_row, account),
	COL(INT, agent_sealed_row, device),
};
#define SEALED_COL_SECRET 2

LIST_VISIT(agent_sealed_row)

int
store_agent_sealed_put(struct tx *tx, const struct agent_sealed_row *r)
{
	struct db_val v[COUNT(sealed_cols) - 1];
	int err;

	if ((err = row_vals(sealed_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_AGENT_SEALED_PUT, v, COUNT(v), NULL);
}

int
store_agent_sealed_drop(struct tx *tx, int64_t secret)
{
	const struct db_val v = db_int(secret);

	return tx_exec(tx, ST_AGENT_SEALED_DROP, &v, 1, NULL);
}

int
store_agent_sealed_list(struct tx *tx, int64_t agent,
    int (*fn)(const struct agent_sealed_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_AGENT_SEALED_LIST, sealed_cols,
	    COUNT(sealed_cols), sizeof (struct agent_sealed_row), LIST_INT,
	    SEALED_COL_SECRET };
	struct agent_sealed_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(agent) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, agent_sealed_row_visit,
	    &visit);
}

/* ---- what was read ---- */

static const struct col observation_cols[] = {
	COL(INT, observation_row, device),
	COL(INT, observation_row, time_ms),
	COL(BYTES, observation_row, sha256),
	COL(TEXT, observation_row, findings),
	COL(BLOB, observation_row, body),
};

void
store_observation_free(struct observation_row *r)
{
	if (r != NULL)
		store_blob_free(&r->body);
}

int
store_observation_put(struct tx *tx, const struct observation_row *r)
{
	struct db_val v[COUNT(observation_cols)];
	int err;

	if (r->body.n > STORE_OBSERVATION_MAX)
		return CAMCA_EINVAL;
	if ((err = row_vals(observation_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_OBSERVATION_PUT, v, COUNT(v), NULL);
}

int
store_observation_get(struct tx *tx, int64_t device,
    struct observation_row *out)
{
	struct db_val v = db_int(device);

	return tx_get(tx, ST_OBSERVATION_GET, &v, 1, observation_cols,
	    COUNT(observation_cols), out);
}

int
store_camera_key_put(struct tx *tx, const uint8_t spki[static STORE_HASH_LEN],
    int64_t device, int64_t now_ms, int64_t *other_out, bool *new_out)
{
	const struct db_val v[] = { db_bytes(spki, STORE_HASH_LEN),
	    db_int(device), db_int(now_ms) };
	int64_t changed = 0;
	int err = tx_exec(tx, ST_CAMERA_KEY_PUT, v, 3, &changed);

	if (err < 0)
		return err;
	*new_out = changed == 1;
	err = tx_int(tx, ST_CAMERA_KEY_OTHER, v, 2, other_out);
	if (err == CAMCA_ENOENT) {
		*other_out = 0;
		err = CAMCA_OK;
	}
	return err;
}

static const struct col due_cols[] = {
	COL(TEXT, due_account_row, username),
	COL(INT, due_account_row, account),
	COL(INT, due_account_row, changed_ms),
	COL(INT, due_account_row, compromised_ms),
};

LIST_VISIT(due_account_row)

int
store_due_accounts(struct tx *tx, int64_t device, int64_t before_ms,
    int (*fn)(const struct due_account_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_DUE_ACCOUNTS, due_cols,
	    COUNT(due_cols), sizeof (struct due_account_row), LIST_TEXT, 0 };
	struct due_account_row_list visit = { fn, arg };
	struct db_val v[4] = { db_text(""), db_int(0), db_int(device),
	    db_int(before_ms) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, due_account_row_visit,
	    &visit);
}

static const struct col silent_cols[] = {
	COL(TEXT, agent_silent_row, id),
	COL(TEXT, agent_silent_row, site),
	COL(INT, agent_silent_row, seen_ms),
};

LIST_VISIT(agent_silent_row)

int
store_agent_silent(struct tx *tx, int64_t before_ms, int64_t limit,
    int (*fn)(const struct agent_silent_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_AGENT_SILENT, silent_cols,
	    COUNT(silent_cols), sizeof (struct agent_silent_row), LIST_OFFSET,
	    0 };
	struct agent_silent_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(before_ms) };

	return tx_list(tx, &l, v, COUNT(v), limit, agent_silent_row_visit,
	    &visit);
}

static const struct col aged_cols[] = {
	COL(TEXT, aged_row, device_id),
	COL(TEXT, aged_row, username),
	COL(INT, aged_row, level),
	COL(INT, aged_row, changed_ms),
};

LIST_VISIT(aged_row)

int
store_vault_aged(struct tx *tx, int64_t before_ms, int64_t limit,
    int (*fn)(const struct aged_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_VAULT_AGED, aged_cols,
	    COUNT(aged_cols), sizeof (struct aged_row), LIST_OFFSET, 0 };
	struct aged_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(before_ms) };

	return tx_list(tx, &l, v, COUNT(v), limit, aged_row_visit, &visit);
}
