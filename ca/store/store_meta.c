/* SPDX-License-Identifier: Apache-2.0 */
/* Small values under a name, and the note of which policy was in force. */
#include "ca/store/tx.h"


int
store_meta_get(struct tx *tx, const char *key, char *out, size_t out_len)
{
	const struct col col = { COL_TEXT, 0, out_len };
	struct db_val v = db_text(key);

	return tx_get(tx, ST_META_GET, &v, 1, &col, 1, out);
}

int
store_meta_set(struct tx *tx, const char *key, const char *value)
{
	const struct db_val v[] = { db_text(key), db_text(value) };

	return tx_exec(tx, ST_META_SET, v, COUNT(v), NULL);
}

int
store_policy_put(struct tx *tx, const uint8_t sha256[static STORE_HASH_LEN],
    const char *body, int64_t now_ms)
{
	const struct db_val v[] = { db_bytes(sha256, STORE_HASH_LEN),
	    db_text(body), db_int(now_ms) };

	return tx_exec(tx, ST_POLICY_PUT, v, COUNT(v), NULL);
}
