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
#define VAULT_ACCOUNT_SELECT "SELECT a.id, a.device, a.username, a.role," \
    " a.level, a.created_ms, d.id FROM vault_account a" \
    " JOIN device d ON d.pk = a.device "
#define VAULT_SELECT "SELECT s.id, s.account, s.state, s.uid, s.sealed," \
    " s.rule, s.job, s.compromised_ms, s.created_ms, s.changed_ms, d.id," \
    " a.username FROM vault_secret s JOIN vault_account a" \
    " ON a.id = s.account JOIN device d ON d.pk = a.device "

#define REACH_COLS "device, driver, host, http_port, https_port, path," \
    " tls_sha256, updated_ms"
#define JOB_WRITE_COLS "device, site, kind, mode, account, series, state," \
    " agent, lease_until_ms, attempts, step, ended, not_before_ms," \
    " created_ms, created_by, reason, outcome, detail, updated_ms"
#define JOB_SELECT "SELECT j.id, j.device, j.site, j.kind, j.mode," \
    " j.account, j.series, j.state, j.agent, j.lease_until_ms, j.attempts," \
    " j.step, j.ended, j.not_before_ms, j.created_ms, j.created_by," \
    " j.reason, j.outcome, j.detail, j.updated_ms, d.id FROM job j" \
    " JOIN device d ON d.pk = j.device "
#define JOB_FILTER " (j.state = $3 OR $3 < 0) AND (j.kind = $4 OR $4 < 0)" \
    " AND (CAST($5 AS TEXT) IS NULL OR j.site = $5) ORDER BY j.id DESC" \
    " LIMIT $2"
#define JOB_STEP_COLS "job, n, attempt, step, outcome, code, before_text," \
    " after_text, detail, time_ms"
#define OBSERVATION_COLS "device, time_ms, sha256, findings, body"

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

/* vault. A state in the statement lets the partial indexes serve it. */
STMT(ST_VAULT_ACCOUNT_INSERT, STMT_W, "INSERT INTO vault_account (device,"
    " username, role, level, created_ms) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT DO NOTHING RETURNING id", NULL)
STMT(ST_VAULT_ACCOUNT_GET, STMT_R, VAULT_ACCOUNT_SELECT
    "WHERE a.device = $1 AND a.username = $2", NULL)
STMT(ST_VAULT_ACCOUNT_BY_ID, STMT_R, VAULT_ACCOUNT_SELECT
    "WHERE a.id = $1", NULL)
STMT(ST_VAULT_ACCOUNT_EXISTS, STMT_R, "SELECT 1 FROM vault_account"
    " WHERE id = $1", NULL)
STMT(ST_VAULT_ACCOUNT_SET, STMT_W, "UPDATE vault_account SET role = $2,"
    " level = $3 WHERE id = $1", NULL)
STMT(ST_VAULT_ACCOUNT_LIST, STMT_R, VAULT_ACCOUNT_SELECT
    "WHERE a.device = $3 AND a.id > $1 ORDER BY a.id LIMIT $2", NULL)
STMT(ST_VAULT_ACCOUNT_ALL, STMT_R, VAULT_ACCOUNT_SELECT
    "WHERE a.id > $1 ORDER BY a.id LIMIT $2", NULL)
STMT(ST_VAULT_INSERT, STMT_W, "INSERT INTO vault_secret (account, state, uid,"
    " sealed, rule, job, compromised_ms, created_ms, changed_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " ON CONFLICT DO NOTHING RETURNING id", NULL)
STMT(ST_VAULT_GET, STMT_R, VAULT_SELECT "WHERE s.id = $1", NULL)
STMT(ST_VAULT_IN, STMT_R, VAULT_SELECT
    "WHERE s.account = $1 AND s.state = $2", NULL)
STMT(ST_VAULT_EXISTS, STMT_R, "SELECT 1 FROM vault_secret WHERE id = $1", NULL)
STMT(ST_VAULT_MOVE, STMT_W, "UPDATE vault_secret SET state = $3,"
    " job = CASE WHEN CAST($4 AS BIGINT) = 0 THEN job"
    " ELSE CAST($4 AS BIGINT) END,"
    " changed_ms = $5 WHERE id = $1 AND state = $2", NULL)
STMT(ST_VAULT_MARK, STMT_W, "UPDATE vault_secret SET compromised_ms = $2,"
    " state = CASE WHEN state = 2 THEN 3 ELSE state END WHERE id = $1", NULL)
STMT(ST_VAULT_LIST, STMT_R, VAULT_SELECT
    "WHERE s.account = $3 AND s.id > $1 ORDER BY s.id LIMIT $2", NULL)
STMT(ST_VAULT_PRUNE, STMT_W, "DELETE FROM vault_secret WHERE account = $1"
    " AND state = 2 AND id NOT IN (SELECT id FROM vault_secret"
    " WHERE account = $1 AND state = 2 ORDER BY id DESC LIMIT $2)", NULL)

/* jobs of site agents */
STMT(ST_REACH_PUT, STMT_W, "INSERT INTO device_reach (" REACH_COLS ")"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (device) DO UPDATE"
    " SET driver = excluded.driver, host = excluded.host,"
    " http_port = excluded.http_port, https_port = excluded.https_port,"
    " path = excluded.path, tls_sha256 = excluded.tls_sha256,"
    " updated_ms = excluded.updated_ms", NULL)
STMT(ST_REACH_GET, STMT_R, "SELECT " REACH_COLS " FROM device_reach"
    " WHERE device = $1", NULL)
STMT(ST_REACH_EXISTS, STMT_R, "SELECT 1 FROM device_reach"
    " WHERE device = $1", NULL)
STMT(ST_REACH_LIST, STMT_R, "SELECT " REACH_COLS " FROM device_reach"
    " WHERE device > $1 ORDER BY device LIMIT $2", NULL)
STMT(ST_REACH_LEAF, STMT_W, "UPDATE device_reach SET tls_sha256 = $2,"
    " updated_ms = $3 WHERE device = $1", NULL)
STMT(ST_JOB_INSERT, STMT_W, "INSERT INTO job (" JOB_WRITE_COLS ") VALUES ($1,"
    " $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"
    " $18, $19) ON CONFLICT DO NOTHING RETURNING id", NULL)
STMT(ST_JOB_GET, STMT_R, JOB_SELECT "WHERE j.id = $1", NULL)
STMT(ST_JOB_EXISTS, STMT_R, "SELECT 1 FROM job WHERE id = $1", NULL)
STMT(ST_JOB_MOVE, STMT_W, "UPDATE job SET state = $3, agent = $4,"
    " lease_until_ms = $5, attempts = $6, step = $7, ended = $8,"
    " not_before_ms = $9, outcome = $10, detail = $11, updated_ms = $12"
    " WHERE id = $1 AND state = $2", NULL)
STMT(ST_JOB_LIST, STMT_R, JOB_SELECT "WHERE j.id < $1 AND" JOB_FILTER, NULL)
STMT(ST_JOB_LIST_DEVICE, STMT_R, JOB_SELECT "WHERE j.device = $6"
    " AND j.id < $1 AND" JOB_FILTER, NULL)
STMT(ST_JOB_READY, STMT_R, JOB_SELECT "WHERE j.site = $3 AND j.state = 0"
    " AND j.not_before_ms <= $4 AND j.id > $1 AND NOT EXISTS (SELECT 1"
    " FROM job l WHERE l.device = j.device AND l.state = 1)"
    " ORDER BY j.id LIMIT $2", NULL)
STMT(ST_JOB_LEASED, STMT_R, JOB_SELECT "WHERE j.state = 1"
    " AND j.agent = $3 AND j.id > $1 ORDER BY j.id LIMIT $2", NULL)
STMT(ST_JOB_OVER, STMT_R, JOB_SELECT "WHERE j.state = 1"
    " AND j.lease_until_ms > $1 AND j.lease_until_ms <= $3"
    " ORDER BY j.lease_until_ms LIMIT $2", NULL)
STMT(ST_JOB_OLD, STMT_R, JOB_SELECT "WHERE j.state IN (2, 3, 4)"
    " AND j.updated_ms > $1 AND j.updated_ms < $3"
    " ORDER BY j.updated_ms LIMIT $2", NULL)
STMT(ST_JOB_DELETE_STEPS, STMT_W, "DELETE FROM job_step WHERE job = $1", NULL)
/* The newest one stays: its number must not come again. */
STMT(ST_JOB_DELETE, STMT_W, "DELETE FROM job WHERE id = $1"
    " AND state IN (2, 3, 4) AND id < (SELECT MAX(id) FROM job)", NULL)
STMT(ST_JOB_LEASED_COUNT, STMT_R, "SELECT COUNT(*) FROM job"
    " WHERE state = 1 AND series = 1 AND site = $1", NULL)
STMT(ST_JOB_OPEN, STMT_R, JOB_SELECT "WHERE j.device = $1 AND j.kind = $2"
    " AND j.mode = $3 AND j.account = $4 AND j.state IN (0, 1, 5)"
    " ORDER BY j.id DESC LIMIT 1", NULL)
STMT(ST_JOB_STEP_INSERT, STMT_W, "INSERT INTO job_step (" JOB_STEP_COLS ")"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", NULL)
STMT(ST_JOB_STEP_LAST, STMT_R, "SELECT " JOB_STEP_COLS " FROM job_step"
    " WHERE job = $1 ORDER BY n DESC LIMIT 1", NULL)
STMT(ST_JOB_STEP_LIST, STMT_R, "SELECT " JOB_STEP_COLS " FROM job_step"
    " WHERE job = $3 AND n > $1 ORDER BY n LIMIT $2", NULL)
STMT(ST_JOB_LAST_PUT, STMT_W, "INSERT INTO job_last (device, kind, ended_ms,"
    " ok_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (device, kind) DO UPDATE SET"
    " ended_ms = excluded.ended_ms, ok_ms = CASE WHEN excluded.ok_ms = 0"
    " THEN job_last.ok_ms ELSE excluded.ok_ms END", NULL)
STMT(ST_JOB_LAST_GET, STMT_R, "SELECT device, kind, ended_ms, ok_ms"
    " FROM job_last WHERE device = $1 AND kind = $2", NULL)
STMT(ST_LOGIN_PUT, STMT_W, "INSERT INTO login_budget (device, failed,"
    " last_ms, job, granted) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (device)"
    " DO UPDATE SET failed = excluded.failed, last_ms = excluded.last_ms,"
    " job = excluded.job, granted = excluded.granted", NULL)
STMT(ST_LOGIN_GET, STMT_R, "SELECT device, failed, last_ms, job, granted"
    " FROM login_budget WHERE device = $1", NULL)
STMT(ST_JOB_SITE_PUT, STMT_W, "INSERT INTO job_site (site, failures,"
    " stopped_ms, code) VALUES ($1, $2, $3, $4) ON CONFLICT (site) DO UPDATE"
    " SET failures = excluded.failures, stopped_ms = excluded.stopped_ms,"
    " code = excluded.code", NULL)
STMT(ST_JOB_SITE_GET, STMT_R, "SELECT site, failures, stopped_ms, code"
    " FROM job_site WHERE site = $1", NULL)
STMT(ST_AGENT_PUT, STMT_W, "INSERT INTO agent (device, seen_ms, version,"
    " free) VALUES ($1, $2, $3, $4) ON CONFLICT (device) DO UPDATE SET"
    " seen_ms = excluded.seen_ms, version = excluded.version,"
    " free = excluded.free", NULL)
STMT(ST_AGENT_GET, STMT_R, "SELECT device, seen_ms, version, free FROM agent"
    " WHERE device = $1", NULL)
STMT(ST_AGENT_SEALED_PUT, STMT_W, "INSERT INTO agent_sealed (agent, secret,"
    " account, device) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", NULL)
/* By way of the agents, since that is how the index goes. */
STMT(ST_AGENT_SEALED_DROP, STMT_W, "DELETE FROM agent_sealed"
    " WHERE agent IN (SELECT device FROM agent) AND secret = $1", NULL)
STMT(ST_AGENT_SEALED_LIST, STMT_R, "SELECT a.id, a.agent, a.secret,"
    " a.account, a.device FROM agent_sealed a JOIN vault_secret s"
    " ON s.id = a.secret WHERE a.agent = $3 AND a.secret > $1"
    " AND s.state IN (0, 1) ORDER BY a.secret LIMIT $2", NULL)
/* Times of a clock that was ahead, brought down to now. */
STMT(ST_AHEAD_LEASE, STMT_W, "UPDATE job SET lease_until_ms = $1"
    " WHERE state = 1 AND lease_until_ms > $1", NULL)
STMT(ST_AHEAD_WAIT, STMT_W, "UPDATE job SET not_before_ms = $1"
    " WHERE state = 0 AND not_before_ms > $1 AND updated_ms > $1", NULL)
STMT(ST_AHEAD_JOB, STMT_W, "UPDATE job SET updated_ms = $1"
    " WHERE updated_ms > $1", NULL)
STMT(ST_AHEAD_LAST, STMT_W, "UPDATE job_last SET ended_ms = $1,"
    " ok_ms = CASE WHEN ok_ms > $1 THEN $1 ELSE ok_ms END"
    " WHERE ended_ms > $1", NULL)
STMT(ST_AHEAD_SECRET, STMT_W, "UPDATE vault_secret SET changed_ms = $1"
    " WHERE state = 1 AND changed_ms > $1", NULL)
STMT(ST_AHEAD_AGENT, STMT_W, "UPDATE agent SET seen_ms = $1"
    " WHERE seen_ms > $1", NULL)
STMT(ST_OBSERVATION_PUT, STMT_W, "INSERT INTO observation (" OBSERVATION_COLS
    ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (device) DO UPDATE SET"
    " time_ms = excluded.time_ms, sha256 = excluded.sha256,"
    " findings = excluded.findings, body = excluded.body", NULL)
STMT(ST_OBSERVATION_GET, STMT_R, "SELECT " OBSERVATION_COLS
    " FROM observation WHERE device = $1", NULL)
STMT(ST_CAMERA_KEY_PUT, STMT_W, "INSERT INTO camera_key (spki, device,"
    " first_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", NULL)
STMT(ST_CAMERA_KEY_OTHER, STMT_R, "SELECT device FROM camera_key"
    " WHERE spki = $1 AND device <> $2 ORDER BY device LIMIT 1",
    NULL)
/* Break-glass passwords lie in an envelope: no clock changes them. */
STMT(ST_DUE_ACCOUNTS, STMT_R, "SELECT a.username, a.id, s.changed_ms,"
    " s.compromised_ms FROM vault_account a"
    " JOIN vault_secret s ON s.account = a.id"
    " WHERE a.device = $3 AND s.state = 1 AND (s.compromised_ms <> 0 OR"
    " (s.changed_ms <= $4 AND a.role <> 2))"
    " AND a.username > $1 ORDER BY a.username LIMIT $2", NULL)

/* what waits for a person; for doctor */
STMT(ST_JOB_PARKED, STMT_R, JOB_SELECT "WHERE j.state = 5 AND j.id > $1"
    " ORDER BY j.id LIMIT $2", NULL)
STMT(ST_JOB_SITE_STOPPED, STMT_R, "SELECT site, failures, stopped_ms, code"
    " FROM job_site WHERE stopped_ms > 0 AND site > $1 ORDER BY site LIMIT $2",
    NULL)
STMT(ST_AGENT_SILENT, STMT_R, "SELECT d.id, d.site, a.seen_ms FROM agent a"
    " CROSS JOIN device_standing s CROSS JOIN device d"
    " WHERE s.device = a.device AND s.state = 1 AND d.pk = a.device"
    " AND a.seen_ms < $3 ORDER BY a.seen_ms LIMIT $2 OFFSET $1", NULL)
/* Devices that are registered (with or without a row), enrolled or held. */
STMT(ST_VAULT_AGED, STMT_R, "SELECT d.id, a.username, t.level, v.changed_ms"
    " FROM vault_secret v CROSS JOIN vault_account a CROSS JOIN device d"
    " CROSS JOIN site t" STANDING_JOIN "WHERE v.state = 1"
    " AND v.changed_ms < $3 AND a.id = v.account AND a.role <> 2"
    " AND d.pk = a.device AND t.id = d.site AND COALESCE(s.state, 0) <= 2"
    " ORDER BY v.changed_ms LIMIT $2 OFFSET $1", NULL)

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
#undef VAULT_ACCOUNT_SELECT
#undef VAULT_SELECT
#undef DEVICE_FILTER
#undef REACH_COLS
#undef JOB_WRITE_COLS
#undef JOB_SELECT
#undef JOB_FILTER
#undef JOB_STEP_COLS
#undef OBSERVATION_COLS
