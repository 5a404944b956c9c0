/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of the store: STMT(name, access, text, override). The text
 * is shared by all engines; override is NULL, or the text for an engine that
 * needs another one. $1..$n are the parameters, each used at least once. In
 * lists $1 is the key to go on after and $2 the number of rows. Nothing here is
 * a dialect: upserts by ON CONFLICT, counters by UPDATE .. RETURNING, which is
 * a row lock too. No include guard: an X-macro list. */

#define SITE_COLS "id, name, level, created_ms"
/* A device without a row of standing is what it was registered as, and a
 * certificate without one of status is good. */
#define DEVICE_SELECT "SELECT d.pk, d.id, d.kind, d.manufacturer, d.model," \
    " d.serial, d.mac, d.hardware_id, d.firmware, d.site, d.place," \
    " d.import_batch, d.created_ms, COALESCE(s.state, 0)," \
    " COALESCE(s.restriction, 0), COALESCE(s.updated_ms, d.created_ms)" \
    " FROM device d" STANDING_JOIN
#define STANDING_JOIN " LEFT JOIN device_standing s ON s.device = d.pk "
#define STATUS_JOIN " LEFT JOIN cert_status s ON s.cert = c.id "
#define DOCUMENT_COLS "id, device, kind, number, issuer, date_ms," \
    " expires_ms, passed, sha256, created_ms"
#define SECRET_COLS "selector, device, hash, created_ms, expires_ms," \
    " attempts, state, spki, used_ms"
#define PENDING_COLS "id, device, label, spki, state, created_ms," \
    " expires_ms, decided_ms, decided_by, reason"
#define ISSUER_COLS "id, name, generation, parent, state, key_uri, ski," \
    " cert, old_with_new, new_with_old, created_ms"
#define CERT_COLS "c.id, c.serial, c.issuer, c.device, c.profile, c.label," \
    " c.not_before_ms, c.not_after_ms, c.spki, c.created_ms, c.seen_ms," \
    " c.replaced_by, c.revocation_challenge, COALESCE(s.status, 0)," \
    " COALESCE(s.reason, -1), COALESCE(s.revoked_ms, 0)," \
    " COALESCE(s.invalidity_ms, 0), s.rev_seq"
#define CERT_FULL "SELECT " CERT_COLS ", d.der FROM cert c" \
    " JOIN cert_der d ON d.id = c.id" STATUS_JOIN
#define STATUS_COLS "cert, serial, issuer, status, reason, revoked_ms," \
    " not_after_ms, rev_seq"
#define CRL_ENTRY_COLS "issuer, rev_seq, cert, not_after_ms, der"
#define CRL_FILE_COLS "issuer, number, rev_seq, this_update_ms," \
    " next_update_ms, entries, size"
#define VENDOR_COLS "name, enabled, crl_required, crl_grace_ms, roots, crls," \
    " updated_ms"
#define EVENT_COLS "seq, id, time_ms, device, body"
/* A body that no reader understood has another one in its place. */
#define LOG_ENTRY_SELECT "SELECT e.idx, b.id, b.time_ms, b.device, e.prev," \
    " e.n, COALESCE(e.dev_prev, zeroblob(32)), e.leaf," \
    " COALESCE(o.data, b.body) FROM log_entry e JOIN event b" \
    " ON b.seq = e.idx + 1 LEFT JOIN log_odd o ON o.idx = e.idx"
/* Where the chain of a device ends, and the entry that is said to be its last:
 * NULL where it is gone. */
#define LOG_CHAIN_COLS "d.n, d.last, e.leaf, e.n, l.device"
#define LOG_CHAIN_JOIN " LEFT JOIN log_entry e ON e.idx = d.last" \
    " LEFT JOIN event l ON l.seq = d.last + 1"
#define LOG_SIZE "(SELECT size FROM log_head WHERE id = 1)"
#define CHECKPOINT_COLS "size, root, note, signed_ms"
#define LOG_DEVICE_COLS "device, n, last"
#define COSIG_COLS "size, witness, line, time_ms"
#define WITNESS_COLS "name, size, asked_ms, answered_ms, failed"
#define TIMESTAMP_COLS "size, tsa, token, time_ms"
#define PICK_SELECT "SELECT d.pk, d.id, d.manufacturer, d.model," \
    " d.firmware, d.site, d.place, COALESCE(s.state, 0)," \
    " COALESCE(s.restriction, 0) FROM device d" STANDING_JOIN
#define CERT_PICK_SELECT "SELECT c.id, c.serial, c.issuer, c.device," \
    " c.created_ms, c.not_before_ms, c.not_after_ms, c.replaced_by," \
    " COALESCE(s.status, 0), COALESCE(s.reason, -1)," \
    " COALESCE(s.revoked_ms, 0), COALESCE(s.invalidity_ms, 0), s.rev_seq" \
    " FROM cert c" STATUS_JOIN
#define REV_BATCH_COLS "id, state, action, crl_reason, invalidity_ms," \
    " reason, reference, selector, summary, world, created_ms, created_by," \
    " approved_ms, approved_by, decided_ms, decided_by, rev_seq"
#define REV_ITEM_COLS "batch, device, cert, verdict, rule"

/* What a device filter leaves open is NULL (texts) or -1 (numbers). */
#define DEVICE_FILTER " AND (CAST($3 AS TEXT) IS NULL OR d.site = $3)" \
    " AND (CAST($4 AS TEXT) IS NULL OR d.manufacturer = $4)" \
    " AND (CAST($5 AS TEXT) IS NULL OR d.model = $5)" \
    " AND (CAST($6 AS TEXT) IS NULL OR d.import_batch = $6)" \
    " AND (COALESCE(s.state, 0) = $7 OR $7 < 0)" \
    " AND (d.kind = $8 OR $8 < 0) ORDER BY d.pk LIMIT $2"

/* meta, counters, policy */
STMT(ST_META_GET, STMT_R, "SELECT value FROM meta WHERE key = $1", NULL)
STMT(ST_META_SET, STMT_W, "INSERT INTO meta (key, value) VALUES ($1, $2)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value", NULL)
STMT(ST_COUNTER_GET, STMT_R, "SELECT n FROM counter WHERE name = $1", NULL)
STMT(ST_COUNTER_NEXT, STMT_W, "UPDATE counter SET n = n + 1 WHERE name = $1"
    " RETURNING n", NULL)
STMT(ST_COUNTER_SET, STMT_W, "UPDATE counter SET n = $2 WHERE name = $1", NULL)
STMT(ST_COUNTER_BACK, STMT_W, "UPDATE counter SET n = n - 1 WHERE name = $1",
    NULL)
STMT(ST_POLICY_PUT, STMT_W, "INSERT INTO policy (sha256, body, loaded_ms)"
    " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", NULL)

/* site */
STMT(ST_SITE_INSERT, STMT_W, "INSERT INTO site (" SITE_COLS ")"
    " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", NULL)
STMT(ST_SITE_GET, STMT_R, "SELECT " SITE_COLS " FROM site WHERE id = $1", NULL)
STMT(ST_SITE_LIST, STMT_R, "SELECT " SITE_COLS " FROM site WHERE id > $1"
    " ORDER BY id LIMIT $2", NULL)
STMT(ST_SITE_EXISTS, STMT_R, "SELECT 1 FROM site WHERE id = $1", NULL)

/* device */
STMT(ST_DEVICE_INSERT, STMT_W, "INSERT INTO device (id, kind, manufacturer,"
    " model, serial, mac, hardware_id, firmware, site, place, import_batch,"
    " created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    " ON CONFLICT DO NOTHING RETURNING pk", NULL)
STMT(ST_DEVICE_GET, STMT_R, DEVICE_SELECT "WHERE d.id = $1", NULL)
STMT(ST_DEVICE_BY_PK, STMT_R, DEVICE_SELECT "WHERE d.pk = $1", NULL)
STMT(ST_DEVICE_EXISTS, STMT_R, "SELECT 1 FROM device WHERE pk = $1", NULL)
STMT(ST_DEVICE_BY_SERIAL, STMT_R, DEVICE_SELECT "WHERE d.manufacturer = $1"
    " AND d.serial = $2 AND d.serial <> ''", NULL)
STMT(ST_DEVICE_LIST, STMT_R, DEVICE_SELECT "WHERE d.pk > $1" DEVICE_FILTER,
    NULL)
STMT(ST_DEVICE_LIST_SITE, STMT_R, DEVICE_SELECT "WHERE d.site = $3"
    " AND d.pk > $1" DEVICE_FILTER, NULL)
STMT(ST_DEVICE_LIST_BATCH, STMT_R, DEVICE_SELECT "WHERE d.import_batch = $6"
    " AND d.import_batch <> '' AND d.pk > $1" DEVICE_FILTER, NULL)

/* device_standing: the row, or the first one. A move from "registered" may be
 * either. */
STMT(ST_DEVICE_MOVE, STMT_W, "UPDATE device_standing SET state = $3,"
    " updated_ms = $4 WHERE device = $1 AND state = $2", NULL)
STMT(ST_DEVICE_MOVE_FIRST, STMT_W, "INSERT INTO device_standing (device,"
    " state, restriction, updated_ms) VALUES ($1, $3, 0, $4)"
    " ON CONFLICT (device) DO UPDATE SET state = excluded.state,"
    " updated_ms = excluded.updated_ms WHERE device_standing.state = $2", NULL)
STMT(ST_DEVICE_STANDING, STMT_W, "UPDATE device_standing SET state = $2,"
    " restriction = $3, updated_ms = $4 WHERE device = $1", NULL)
STMT(ST_DEVICE_STANDING_FIRST, STMT_W, "INSERT INTO device_standing (device,"
    " state, restriction, updated_ms) VALUES ($1, $2, $3, $4)", NULL)

/* selecting: the next product is found by one search in device_product for
 * each of its columns. (A row value above another one would be one search, but
 * SQLite then steps through all that are equal: 170 us a product of 480.) */
STMT(ST_PRODUCT_FIRMWARE, STMT_R, "SELECT manufacturer, model, firmware"
    " FROM device WHERE manufacturer = $1 AND model = $2 AND firmware > $3"
    " ORDER BY firmware LIMIT 1", NULL)
STMT(ST_PRODUCT_MODEL, STMT_R, "SELECT manufacturer, model, firmware"
    " FROM device WHERE manufacturer = $1 AND model > $2"
    " ORDER BY model, firmware LIMIT 1", NULL)
STMT(ST_PRODUCT_MAKER, STMT_R, "SELECT manufacturer, model, firmware"
    " FROM device WHERE manufacturer > $1"
    " ORDER BY manufacturer, model, firmware LIMIT 1", NULL)
STMT(ST_PRODUCT_FIRST, STMT_R, "SELECT manufacturer, model, firmware"
    " FROM device WHERE manufacturer >= $1"
    " ORDER BY manufacturer, model, firmware LIMIT 1", NULL)
STMT(ST_PICK_PRODUCT, STMT_R, PICK_SELECT "WHERE d.manufacturer = $3"
    " AND d.model = $4 AND d.firmware = $5 AND d.pk > $1"
    " ORDER BY d.pk LIMIT $2", NULL)
STMT(ST_PICK_SITE, STMT_R, PICK_SELECT "WHERE d.site = $3 AND d.pk > $1"
    " ORDER BY d.pk LIMIT $2", NULL)
STMT(ST_PICK_ALL, STMT_R, PICK_SELECT "WHERE d.pk > $1"
    " ORDER BY d.pk LIMIT $2", NULL)
STMT(ST_PICK_ID, STMT_R, PICK_SELECT "WHERE d.id = $1", NULL)
STMT(ST_PICK_PK, STMT_R, PICK_SELECT "WHERE d.pk = $1", NULL)
STMT(ST_CERT_PICK_DEVICE, STMT_R, CERT_PICK_SELECT "WHERE c.device = $3"
    " AND c.id > $1 AND c.not_after_ms > $4 ORDER BY c.id LIMIT $2", NULL)
STMT(ST_CERT_PICK_MADE, STMT_R, CERT_PICK_SELECT "WHERE c.id > $1"
    " AND (c.issuer = $3 OR $3 = 0) AND c.created_ms >= $4"
    " AND c.created_ms < $5 AND c.not_after_ms > $6"
    " ORDER BY c.id LIMIT $2", NULL)
STMT(ST_CERT_PICK_SERIAL, STMT_R, CERT_PICK_SELECT "WHERE c.serial = $1",
    NULL)
STMT(ST_CERT_PICK_ID, STMT_R, CERT_PICK_SELECT "WHERE c.id = $1", NULL)
STMT(ST_CERT_ANY, STMT_R, "SELECT 1 FROM cert WHERE device = $1 LIMIT 1",
    NULL)

/* rev_batch */
STMT(ST_REV_BATCH_INSERT, STMT_W, "INSERT INTO rev_batch (state, action,"
    " crl_reason, invalidity_ms, reason, reference, selector, summary, world,"
    " created_ms, created_by, approved_ms, approved_by, decided_ms,"
    " decided_by, rev_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
    " $11, $12, $13, $14, $15, $16) RETURNING id", NULL)
STMT(ST_REV_BATCH_GET, STMT_R, "SELECT " REV_BATCH_COLS " FROM rev_batch"
    " WHERE id = $1", NULL)
STMT(ST_REV_BATCH_EXISTS, STMT_R, "SELECT 1 FROM rev_batch WHERE id = $1",
    NULL)
STMT(ST_REV_BATCH_LIST, STMT_R, "SELECT " REV_BATCH_COLS " FROM rev_batch"
    " WHERE id < $1 AND (state = $3 OR $3 < 0)"
    " ORDER BY id DESC LIMIT $2", NULL)
STMT(ST_REV_BATCH_MOVE, STMT_W, "UPDATE rev_batch SET state = $3,"
    " summary = $4, world = $5, created_ms = $6, approved_ms = $7,"
    " approved_by = $8, decided_ms = $9, decided_by = $10, rev_seq = $11"
    " WHERE id = $1 AND state = $2", NULL)
STMT(ST_REV_ITEM_INSERT, STMT_W, "INSERT INTO rev_batch_item ("
    REV_ITEM_COLS ") VALUES ($1, $2, $3, $4, $5)", NULL)
STMT(ST_REV_ITEM_LIST, STMT_R, "SELECT " REV_ITEM_COLS " FROM rev_batch_item"
    " WHERE batch = $1 AND (device, cert) > ($3, $4)"
    " AND (verdict = $5 OR $5 < 0) ORDER BY device, cert LIMIT $2", NULL)
STMT(ST_REV_ITEM_CLEAR, STMT_W, "DELETE FROM rev_batch_item"
    " WHERE batch = $1", NULL)

/* document */
STMT(ST_DOCUMENT_INSERT, STMT_W, "INSERT INTO document (device, kind, number,"
    " issuer, date_ms, expires_ms, passed, sha256, created_ms) VALUES ($1, $2,"
    " $3, $4, $5, $6, $7, $8, $9) RETURNING id", NULL)
STMT(ST_DOCUMENT_LIST, STMT_R, "SELECT " DOCUMENT_COLS " FROM document"
    " WHERE device = $3 ORDER BY date_ms DESC, id DESC LIMIT $2 OFFSET $1",
    NULL)

/* enroll_secret */
STMT(ST_SECRET_REPLACE, STMT_W, "UPDATE enroll_secret SET state = 4"
    " WHERE device = $1 AND state IN (0, 1)", NULL)
STMT(ST_SECRET_INSERT, STMT_W, "INSERT INTO enroll_secret (" SECRET_COLS ")"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    NULL)
STMT(ST_SECRET_GET, STMT_R, "SELECT " SECRET_COLS " FROM enroll_secret"
    " WHERE selector = $1", NULL)
STMT(ST_SECRET_LATEST, STMT_R, "SELECT " SECRET_COLS " FROM enroll_secret"
    " WHERE device = $1 ORDER BY id DESC LIMIT 1", NULL)
STMT(ST_SECRET_EXISTS, STMT_R, "SELECT 1 FROM enroll_secret"
    " WHERE selector = $1", NULL)
/* A used or replaced secret keeps its state: only open ones can be locked. */
STMT(ST_SECRET_FAILED, STMT_W, "UPDATE enroll_secret SET"
    " attempts = attempts + 1, state = CASE WHEN state IN (0, 1)"
    " AND attempts + 1 >= $2 THEN 3 ELSE state END WHERE selector = $1"
    " RETURNING " SECRET_COLS, NULL)
STMT(ST_SECRET_RESERVE, STMT_W, "UPDATE enroll_secret SET state = 1, spki = $2"
    " WHERE selector = $1 AND (state = 0 OR (state = 1 AND spki = $2))", NULL)
STMT(ST_SECRET_USE, STMT_W, "UPDATE enroll_secret SET state = 2, spki = $2,"
    " used_ms = $3 WHERE selector = $1"
    " AND (state = 0 OR (state = 1 AND spki = $2))", NULL)

/* pending */
STMT(ST_PENDING_INSERT, STMT_W, "INSERT INTO pending (device, label, spki,"
    " state, created_ms, expires_ms, decided_ms, decided_by, reason)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
    " RETURNING id", NULL)
STMT(ST_PENDING_FIND, STMT_R, "SELECT " PENDING_COLS " FROM pending"
    " WHERE device = $1 AND spki = $2 AND label = $3"
    " ORDER BY id DESC LIMIT 1", NULL)
STMT(ST_PENDING_GET, STMT_R, "SELECT " PENDING_COLS " FROM pending"
    " WHERE id = $1", NULL)
STMT(ST_PENDING_LIST_DEVICE, STMT_R, "SELECT " PENDING_COLS " FROM pending"
    " WHERE device = $3 AND id > $1 ORDER BY id LIMIT $2", NULL)
STMT(ST_PENDING_EXISTS, STMT_R, "SELECT 1 FROM pending WHERE id = $1", NULL)
STMT(ST_PENDING_MOVE, STMT_W, "UPDATE pending SET state = $3, decided_ms = $4,"
    " decided_by = $5, reason = $6 WHERE id = $1 AND state = $2", NULL)
STMT(ST_PENDING_OPEN, STMT_R, "SELECT COUNT(*) FROM pending"
    " WHERE device = $1 AND state IN (0, 1) AND expires_ms > $2", NULL)
STMT(ST_PENDING_LIST, STMT_R, "SELECT " PENDING_COLS " FROM pending"
    " WHERE id > $1 ORDER BY id LIMIT $2", NULL)
STMT(ST_PENDING_LIST_STATE, STMT_R, "SELECT " PENDING_COLS " FROM pending"
    " WHERE state = $3 AND id > $1 ORDER BY id LIMIT $2", NULL)

/* issuer */
STMT(ST_ISSUER_INSERT, STMT_W, "INSERT INTO issuer (name, generation, parent,"
    " state, key_uri, ski, cert, old_with_new, new_with_old, created_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " ON CONFLICT DO NOTHING RETURNING id", NULL)
STMT(ST_ISSUER_STAT_INSERT, STMT_W, "INSERT INTO issuer_stat (issuer, certs,"
    " last_expiry_ms) VALUES ($1, 0, 0)", NULL)
STMT(ST_ISSUER_SET_STATE, STMT_W, "UPDATE issuer SET state = $2"
    " WHERE id = $1", NULL)
STMT(ST_ISSUER_LIST, STMT_R, "SELECT " ISSUER_COLS " FROM issuer"
    " WHERE id > $1 ORDER BY id LIMIT $2", NULL)

/* cert */
STMT(ST_CERT_INSERT, STMT_W, "INSERT INTO cert (serial, issuer, device,"
    " profile, label, not_before_ms, not_after_ms, spki, created_ms, seen_ms,"
    " replaced_by, revocation_challenge, spki_key) VALUES ($1, $2, $3, $4, $5,"
    " $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    " RETURNING id", NULL)
STMT(ST_CERT_DER_INSERT, STMT_W, "INSERT INTO cert_der (id, der)"
    " VALUES ($1, $2)", NULL)
STMT(ST_CERT_STAT, STMT_W, "UPDATE issuer_stat SET certs = certs + 1,"
    " last_expiry_ms = CASE WHEN last_expiry_ms < $2 THEN $2"
    " ELSE last_expiry_ms END WHERE issuer = $1", NULL)
STMT(ST_CERT_BY_SERIAL, STMT_R, CERT_FULL "WHERE c.serial = $1", NULL)
STMT(ST_CERT_BY_SPKI, STMT_R, CERT_FULL "WHERE c.spki_key = $1"
    " AND c.spki = $2 AND (c.device = $3 OR $3 = 0)"
    " ORDER BY c.id DESC LIMIT 1", NULL)
STMT(ST_CERT_ELSEWHERE, STMT_R, "SELECT 1 FROM cert WHERE spki_key = $1"
    " AND spki = $2 AND COALESCE(device, 0) <> $3 LIMIT 1", NULL)
STMT(ST_CERT_BY_ID, STMT_R, "SELECT " CERT_COLS " FROM cert c"
    STATUS_JOIN "WHERE c.id = $1", NULL)
STMT(ST_CERT_SEEN_AT, STMT_R, "SELECT seen_ms FROM cert WHERE id = $1", NULL)
STMT(ST_CERT_EXISTS, STMT_R, "SELECT 1 FROM cert WHERE id = $1", NULL)
STMT(ST_CERT_SEEN, STMT_W, "UPDATE cert SET seen_ms = $2"
    " WHERE id = $1 AND seen_ms = 0", NULL)
STMT(ST_CERT_REPLACED, STMT_W, "UPDATE cert SET replaced_by = $2"
    " WHERE id = $1", NULL)
STMT(ST_CERT_REPLACED_PUT, STMT_W, "INSERT INTO cert_replaced (cert)"
    " VALUES ($1) ON CONFLICT DO NOTHING", NULL)
STMT(ST_CERT_REPLACED_DELETE, STMT_W, "DELETE FROM cert_replaced"
    " WHERE cert = $1", NULL)
STMT(ST_CERT_CHANGE_FIRST, STMT_W, "INSERT INTO cert_status (cert, status,"
    " reason, revoked_ms, invalidity_ms, rev_seq, serial, issuer,"
    " not_after_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " ON CONFLICT (cert) DO NOTHING", NULL)
STMT(ST_CERT_CHANGE, STMT_W, "UPDATE cert_status SET status = $2,"
    " reason = $3, revoked_ms = $4, invalidity_ms = $5, rev_seq = $6"
    " WHERE cert = $1 AND rev_seq = $7", NULL)
STMT(ST_ISSUER_CHANGED, STMT_W, "UPDATE issuer_stat SET rev_seq = $2"
    " WHERE issuer = $1", NULL)
STMT(ST_CERT_LIST, STMT_R, CERT_FULL "WHERE c.id > $1"
    " AND (c.issuer = $3 OR $3 = 0) ORDER BY c.id LIMIT $2", NULL)
STMT(ST_CERT_LIST_DEVICE, STMT_R, CERT_FULL "WHERE c.device = $4"
    " AND c.id > $1 AND (c.issuer = $3 OR $3 = 0) ORDER BY c.id LIMIT $2",
    NULL)
/* CROSS JOIN: the narrow table first, whatever the planner believes. */
STMT(ST_CERT_RELEASED, STMT_R, "SELECT " CERT_COLS " FROM cert_status s"
    " CROSS JOIN cert c WHERE c.id = s.cert AND s.rev_seq > $1"
    " AND s.issuer = $3 AND s.status = 0 ORDER BY s.rev_seq LIMIT $2", NULL)
STMT(ST_CERT_SUPERSEDED, STMT_R, "SELECT " CERT_COLS " FROM cert_replaced p"
    " CROSS JOIN cert c CROSS JOIN cert n" STATUS_JOIN "WHERE p.cert > $1"
    " AND c.id = p.cert AND n.id = c.replaced_by"
    " AND COALESCE(s.status, 0) = 0 AND n.seen_ms > 0 AND n.seen_ms <= $3"
    " ORDER BY p.cert LIMIT $2", NULL)
STMT(ST_CERT_COUNT, STMT_R, "SELECT COALESCE(SUM(certs), 0)"
    " FROM issuer_stat", NULL)
STMT(ST_CERT_LAST_EXPIRY, STMT_R, "SELECT last_expiry_ms FROM issuer_stat"
    " WHERE issuer = $1", NULL)
STMT(ST_ISSUER_REV_SEQ, STMT_R, "SELECT rev_seq FROM issuer_stat"
    " WHERE issuer = $1", NULL)

/* the status feed */
STMT(ST_STATUS_NEW, STMT_R, "SELECT c.id, c.serial, c.issuer,"
    " COALESCE(s.status, 0), COALESCE(s.reason, -1),"
    " COALESCE(s.revoked_ms, 0), c.not_after_ms, s.rev_seq FROM cert c"
    STATUS_JOIN "WHERE c.id > $1 AND c.id <= $3 AND c.not_after_ms >= $4"
    " ORDER BY c.id LIMIT $2", NULL)
STMT(ST_STATUS_CHANGED, STMT_R, "SELECT " STATUS_COLS " FROM cert_status"
    " WHERE rev_seq > $1 ORDER BY rev_seq LIMIT $2", NULL)
STMT(ST_CERT_LAST_ID, STMT_R, "SELECT COALESCE(MAX(id), 0) FROM cert", NULL)

/* crl_entry: what the next CRL of an issuer is made of */
STMT(ST_CRL_ENTRY_PUT, STMT_W, "INSERT INTO crl_entry (" CRL_ENTRY_COLS ")"
    " VALUES ($1, $2, $3, $4, $5)", NULL)
STMT(ST_CRL_ENTRY_DELETE, STMT_W, "DELETE FROM crl_entry WHERE issuer = $1"
    " AND rev_seq = $2", NULL)
STMT(ST_CRL_ENTRY_DONE, STMT_W, "DELETE FROM crl_entry WHERE issuer = $1"
    " AND rev_seq = (SELECT s.rev_seq FROM cert c JOIN cert_status s"
    " ON s.cert = c.id WHERE c.serial = $2)", NULL)
STMT(ST_CRL_ENTRY_LIST, STMT_R, "SELECT " CRL_ENTRY_COLS " FROM crl_entry"
    " WHERE issuer = $3 AND rev_seq > $1 ORDER BY rev_seq LIMIT $2", NULL)
STMT(ST_CRL_ENTRY_MISSING, STMT_R, "SELECT " CERT_COLS " FROM cert_status s"
    " CROSS JOIN cert c WHERE c.id = s.cert AND s.rev_seq > $1"
    " AND s.status <> 0 AND NOT EXISTS (SELECT 1 FROM crl_entry e"
    " WHERE e.issuer = s.issuer AND e.rev_seq = s.rev_seq)"
    " ORDER BY s.rev_seq LIMIT $2", NULL)

/* crl_file: the number of a newer list is higher (RFC 5280 5.2.3) */
STMT(ST_CRL_FILE_PUT, STMT_W, "INSERT INTO crl_file (" CRL_FILE_COLS ", sha256)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (issuer) DO UPDATE"
    " SET number = excluded.number, rev_seq = excluded.rev_seq,"
    " this_update_ms = excluded.this_update_ms,"
    " next_update_ms = excluded.next_update_ms, entries = excluded.entries,"
    " size = excluded.size, sha256 = excluded.sha256"
    " WHERE excluded.number > crl_file.number", NULL)
STMT(ST_CRL_FILE_GET, STMT_R, "SELECT " CRL_FILE_COLS ", sha256 FROM crl_file"
    " WHERE issuer = $1 AND sha256 IS NOT NULL", NULL)
STMT(ST_CRL_FILE_GET_BARE, STMT_R, "SELECT " CRL_FILE_COLS " FROM crl_file"
    " WHERE issuer = $1", NULL)

/* vendor */
STMT(ST_VENDOR_PUT, STMT_W, "INSERT INTO vendor (" VENDOR_COLS ")"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET"
    " enabled = excluded.enabled, crl_required = excluded.crl_required,"
    " crl_grace_ms = excluded.crl_grace_ms, roots = excluded.roots,"
    " crls = excluded.crls, updated_ms = excluded.updated_ms", NULL)
STMT(ST_VENDOR_GET, STMT_R, "SELECT " VENDOR_COLS " FROM vendor"
    " WHERE name = $1", NULL)
STMT(ST_VENDOR_LIST, STMT_R, "SELECT " VENDOR_COLS " FROM vendor"
    " WHERE name > $1 ORDER BY name LIMIT $2", NULL)

/* event outbox */
STMT(ST_OUTBOX_PUT, STMT_W, "INSERT INTO event (" EVENT_COLS ")"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", NULL)
/* What waits is what is above the size of the log. */
STMT(ST_OUTBOX_LIST, STMT_R, "SELECT " EVENT_COLS " FROM event"
    " WHERE seq > max($1, " LOG_SIZE ") ORDER BY seq LIMIT $2", NULL)
/* With the end of the device's chain: a statement for each device costs more
 * than looking it up for each event. */
STMT(ST_OUTBOX_READ, STMT_R, "SELECT b.seq, b.id, b.time_ms, b.device, b.body,"
    " " LOG_CHAIN_COLS " FROM event b LEFT JOIN log_device d"
    " ON d.device = b.device" LOG_CHAIN_JOIN
    " WHERE b.seq > $1 ORDER BY b.seq LIMIT $2", NULL)
STMT(ST_OUTBOX_LIST_DEVICE, STMT_R, "SELECT " EVENT_COLS " FROM event"
    " WHERE device = $3 AND seq > max($1, " LOG_SIZE ")"
    " ORDER BY seq LIMIT $2", NULL)
STMT(ST_OUTBOX_ROWS, STMT_R, "SELECT COUNT(*) FROM event"
    " WHERE seq > " LOG_SIZE, NULL)
/* The numbers at both ends of what waits. */
STMT(ST_OUTBOX_STATE, STMT_R, "SELECT COALESCE((SELECT MIN(seq) FROM event"
    " WHERE seq > " LOG_SIZE "), 0), COALESCE((SELECT MAX(seq) FROM event"
    " WHERE seq > " LOG_SIZE "), 0), COALESCE((SELECT time_ms FROM event"
    " WHERE seq > " LOG_SIZE " ORDER BY seq LIMIT 1), 0)", NULL)

/* Another value than before where another connection has committed since. */
STMT(ST_OTHERS, STMT_R, "PRAGMA data_version", NULL)

/* the custody log: its indexes come from the head, never from the engine */
STMT(ST_LOG_HEAD, STMT_R, "SELECT size, edge FROM log_head WHERE id = 1", NULL)
STMT(ST_LOG_SIZE, STMT_R, "SELECT size FROM log_head WHERE id = 1", NULL)
STMT(ST_LOG_SET_HEAD, STMT_W, "UPDATE log_head SET size = $2, edge = $3"
    " WHERE id = 1 AND size = $1", NULL)
STMT(ST_LOG_ENTRY_INSERT, STMT_W, "INSERT INTO log_entry (idx, prev, n,"
    " dev_prev, leaf) VALUES ($1, $2, $3, $4, $5)", NULL)
STMT(ST_LOG_ENTRY_GET, STMT_R, LOG_ENTRY_SELECT " WHERE e.idx = $1", NULL)
STMT(ST_LOG_ENTRY_LIST, STMT_R, LOG_ENTRY_SELECT
    " WHERE e.idx > $1 ORDER BY e.idx LIMIT $2", NULL)
STMT(ST_LOG_PREV, STMT_R, "SELECT prev FROM log_entry WHERE idx = $1", NULL)
STMT(ST_LOG_DEVICE, STMT_R, "SELECT " LOG_DEVICE_COLS " FROM log_device"
    " WHERE device = $1", NULL)
STMT(ST_LOG_CHAIN, STMT_R, "SELECT " LOG_CHAIN_COLS " FROM log_device d"
    LOG_CHAIN_JOIN " WHERE d.device = $1", NULL)
STMT(ST_LOG_DEVICE_INSERT, STMT_W, "INSERT INTO log_device ("
    LOG_DEVICE_COLS ") VALUES ($1, $2, $3)", NULL)
STMT(ST_LOG_DEVICE_UPDATE, STMT_W, "UPDATE log_device SET n = $2, last = $3"
    " WHERE device = $1", NULL)
STMT(ST_LOG_DEVICE_LIST, STMT_R, "SELECT " LOG_DEVICE_COLS " FROM log_device"
    " WHERE device > $1 ORDER BY device LIMIT $2", NULL)
STMT(ST_LOG_TILE_GET, STMT_R, "SELECT data FROM log_tile WHERE id = $1", NULL)
STMT(ST_LOG_TILE_PUT, STMT_W, "INSERT INTO log_tile (id, data)"
    " VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET data = excluded.data",
    NULL)
STMT(ST_LOG_ODD_PUT, STMT_W, "INSERT INTO log_odd (idx, data)"
    " VALUES ($1, $2)", NULL)
STMT(ST_LOG_ODD_GET, STMT_R, "SELECT o.idx, b.body FROM log_odd o"
    " JOIN event b ON b.seq = o.idx + 1 WHERE o.idx = $1", NULL)

/* signed checkpoints, and what the check of the whole log counts */
STMT(ST_CHECKPOINT_PUT, STMT_W, "INSERT INTO log_checkpoint (" CHECKPOINT_COLS
    ") SELECT CAST($1 AS BIGINT), $2, $3, CAST($4 AS BIGINT) WHERE NOT EXISTS"
    " (SELECT 1 FROM log_checkpoint WHERE size >= $1)", NULL)
STMT(ST_CHECKPOINT_LATEST, STMT_R, "SELECT " CHECKPOINT_COLS
    " FROM log_checkpoint WHERE size >= 0 ORDER BY size DESC LIMIT 1", NULL)
STMT(ST_CHECKPOINT_AT, STMT_R, "SELECT " CHECKPOINT_COLS
    " FROM log_checkpoint WHERE size = $1", NULL)
STMT(ST_CHECKPOINT_LIST, STMT_R, "SELECT " CHECKPOINT_COLS
    " FROM log_checkpoint WHERE size > $1 ORDER BY size LIMIT $2", NULL)
STMT(ST_LOG_DEVICE_SUM, STMT_R, "SELECT COALESCE(SUM(n), 0)"
    " FROM log_device", NULL)
STMT(ST_LOG_TILE_COUNT, STMT_R, "SELECT COUNT(*) FROM log_tile", NULL)

/* what others said of checkpoints */
STMT(ST_COSIG_PUT, STMT_W, "INSERT INTO log_cosig (" COSIG_COLS ")"
    " VALUES ($1, $2, $3, $4) ON CONFLICT (size, witness) DO UPDATE SET"
    " line = excluded.line, time_ms = excluded.time_ms", NULL)
STMT(ST_COSIG_LIST, STMT_R, "SELECT " COSIG_COLS " FROM log_cosig"
    " WHERE size = $3 AND witness > $1 ORDER BY witness LIMIT $2", NULL)
STMT(ST_COSIG_SIZE_BELOW, STMT_R, "SELECT size FROM log_cosig"
    " WHERE size < $1 ORDER BY size DESC LIMIT 1", NULL)
STMT(ST_ANCHORED, STMT_R, "SELECT COUNT(*) FROM (SELECT size FROM log_cosig"
    " UNION ALL SELECT size FROM log_timestamp"
    " UNION ALL SELECT size FROM log_witness LIMIT 1) AS x", NULL)
STMT(ST_WITNESS_PUT, STMT_W, "INSERT INTO log_witness (" WITNESS_COLS ")"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET"
    " size = excluded.size, asked_ms = excluded.asked_ms,"
    " answered_ms = excluded.answered_ms, failed = excluded.failed", NULL)
STMT(ST_WITNESS_GET, STMT_R, "SELECT " WITNESS_COLS " FROM log_witness"
    " WHERE name = $1", NULL)
STMT(ST_TIMESTAMP_PUT, STMT_W, "INSERT INTO log_timestamp (" TIMESTAMP_COLS ")"
    " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", NULL)
STMT(ST_TIMESTAMP_LIST, STMT_R, "SELECT " TIMESTAMP_COLS " FROM log_timestamp"
    " WHERE size = $3 AND tsa > $1 ORDER BY tsa LIMIT $2", NULL)
STMT(ST_TIMESTAMP_LATEST, STMT_R, "SELECT " TIMESTAMP_COLS
    " FROM log_timestamp WHERE size >= 0 AND tsa = $1"
    " ORDER BY size DESC LIMIT 1", NULL)

#undef SITE_COLS
#undef DEVICE_SELECT
#undef STANDING_JOIN
#undef STATUS_JOIN
#undef DOCUMENT_COLS
#undef SECRET_COLS
#undef PENDING_COLS
#undef ISSUER_COLS
#undef CERT_COLS
#undef CERT_FULL
#undef STATUS_COLS
#undef CRL_ENTRY_COLS
#undef CRL_FILE_COLS
#undef VENDOR_COLS
#undef EVENT_COLS
#undef LOG_ENTRY_SELECT
#undef LOG_CHAIN_COLS
#undef LOG_CHAIN_JOIN
#undef LOG_SIZE
#undef LOG_DEVICE_COLS
#undef CHECKPOINT_COLS
#undef COSIG_COLS
#undef WITNESS_COLS
#undef TIMESTAMP_COLS
#undef PICK_SELECT
#undef CERT_PICK_SELECT
#undef REV_BATCH_COLS
#undef REV_ITEM_COLS
#undef DEVICE_FILTER
