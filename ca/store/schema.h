/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, one STEP a version; included by each engine after it has defined
 * STEP(number, sql) and its dialect:
 *   INT64 BYTES KEYTEXT   column types (KEYTEXT compares byte by byte)
 *   ROWKEY                a primary key that the engine counts up
 *   END, END_KEYED        end of CREATE TABLE (END_KEYED: rows live in the
 *                         primary key's index)
 *   APPEND_ONLY(table)    triggers that refuse UPDATE and DELETE
 * A step that has been released is never changed: add the next one. Times are
 * milliseconds UTC. No include guard: an X-macro list.
 *
 * Indexes with random keys cost most at a million rows (each insert dirties a
 * page of its own), so there are few: cert_spki holds 8 bytes of the hash, the
 * serial starts with the time, and partial indexes hold only open cases. */

STEP(1,
    "CREATE TABLE schema_version ("
    " id " INT64 " NOT NULL PRIMARY KEY CHECK (id = 1),"
    " version " INT64 " NOT NULL" END
    "INSERT INTO schema_version (id, version) VALUES (1, 0);"

    "CREATE TABLE meta ("
    " key " KEYTEXT " NOT NULL PRIMARY KEY,"
    " value TEXT NOT NULL" END_KEYED

    /* Counters are kept with the rows they count: COUNT(*) reads them all. */
    "CREATE TABLE counter ("
    " name " KEYTEXT " NOT NULL PRIMARY KEY,"
    " n " INT64 " NOT NULL CHECK (n >= 0)" END_KEYED
    "INSERT INTO counter (name, n) VALUES"
    " ('device', 0), ('rev_seq', 0), ('outbox', 0);"

    "CREATE TABLE site ("
    " id " KEYTEXT " NOT NULL PRIMARY KEY CHECK (id <> ''),"
    " name TEXT NOT NULL,"
    " level " INT64 " NOT NULL CHECK (level BETWEEN 1 AND 5),"
    " created_ms " INT64 " NOT NULL" END_KEYED

    "CREATE TABLE device ("
    " pk " ROWKEY ","
    " id " KEYTEXT " NOT NULL UNIQUE CHECK (id <> ''),"
    " kind " INT64 " NOT NULL CHECK (kind BETWEEN 0 AND 1),"
    " manufacturer " KEYTEXT " NOT NULL,"
    " model " KEYTEXT " NOT NULL,"
    " serial " KEYTEXT " NOT NULL,"
    " mac TEXT NOT NULL,"
    " hardware_id TEXT NOT NULL,"
    " firmware TEXT NOT NULL,"
    " site " KEYTEXT " NOT NULL REFERENCES site (id),"
    " place " INT64 " NOT NULL CHECK (place BETWEEN 0 AND 2),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 5),"
    " import_batch " KEYTEXT " NOT NULL,"
    " created_ms " INT64 " NOT NULL,"
    " updated_ms " INT64 " NOT NULL" END
    /* An agent has no factory serial: the empty one is no identity. */
    "CREATE UNIQUE INDEX device_serial ON device (manufacturer, serial)"
    " WHERE serial <> '';"
    "CREATE INDEX device_site ON device (site, pk);"
    "CREATE INDEX device_batch ON device (import_batch, pk)"
    " WHERE import_batch <> '';"

    "CREATE TABLE document ("
    " id " ROWKEY ","
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " kind " INT64 " NOT NULL CHECK (kind BETWEEN 0 AND 3),"
    " number TEXT NOT NULL,"
    " issuer TEXT NOT NULL,"
    " date_ms " INT64 " NOT NULL,"
    " expires_ms " INT64 " NOT NULL,"
    " passed " INT64 " NOT NULL CHECK (passed BETWEEN 0 AND 1),"
    " sha256 " BYTES " NOT NULL CHECK (length(sha256) = 32),"
    " created_ms " INT64 " NOT NULL" END
    "CREATE INDEX document_device ON document (device, date_ms);"

    /* Rows in order of device, so that the cameras of a site share pages: the
     * random selector is only searched for when a secret is used. */
    "CREATE TABLE enroll_secret ("
    " id " ROWKEY ","
    " selector " KEYTEXT " NOT NULL UNIQUE CHECK (selector <> ''),"
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " hash " BYTES " NOT NULL CHECK (length(hash) = 32),"
    " created_ms " INT64 " NOT NULL,"
    " expires_ms " INT64 " NOT NULL,"
    " attempts " INT64 " NOT NULL CHECK (attempts >= 0),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 4),"
    " spki " BYTES " NOT NULL CHECK (length(spki) = 32),"
    " used_ms " INT64 " NOT NULL" END
    "CREATE INDEX enroll_secret_device ON enroll_secret (device);"
    /* One secret a device that still opens anything. */
    "CREATE UNIQUE INDEX enroll_secret_open ON enroll_secret (device)"
    " WHERE state IN (0, 1);"

    "CREATE TABLE pending ("
    " id " ROWKEY ","
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " label " KEYTEXT " NOT NULL,"
    " spki " BYTES " NOT NULL CHECK (length(spki) = 32),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 4),"
    " created_ms " INT64 " NOT NULL,"
    " expires_ms " INT64 " NOT NULL,"
    " decided_ms " INT64 " NOT NULL,"
    " decided_by TEXT NOT NULL,"
    " reason TEXT NOT NULL" END
    "CREATE INDEX pending_device ON pending (device);"
    "CREATE INDEX pending_state ON pending (state);"
    "CREATE UNIQUE INDEX pending_open ON pending (device, spki, label)"
    " WHERE state IN (0, 1);"

    "CREATE TABLE issuer ("
    " id " ROWKEY ","
    " name " KEYTEXT " NOT NULL CHECK (name <> ''),"
    " generation " INT64 " NOT NULL CHECK (generation >= 1),"
    " parent " INT64 " REFERENCES issuer (id),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 1),"
    " key_uri TEXT NOT NULL,"
    " ski " BYTES " NOT NULL UNIQUE CHECK (length(ski) = 20),"
    " cert " BYTES " NOT NULL,"
    " old_with_new " BYTES ","
    " new_with_old " BYTES ","
    " created_ms " INT64 " NOT NULL,"
    " UNIQUE (name, generation)" END
    "CREATE UNIQUE INDEX issuer_active ON issuer (name) WHERE state = 0;"

    /* Beside the issuer, so that each new certificate writes a small row. */
    "CREATE TABLE issuer_stat ("
    " issuer " INT64 " NOT NULL PRIMARY KEY REFERENCES issuer (id),"
    " certs " INT64 " NOT NULL,"
    " last_expiry_ms " INT64 " NOT NULL" END

    "CREATE TABLE cert ("
    " id " ROWKEY ","
    " serial " BYTES " NOT NULL UNIQUE CHECK (length(serial) = 20),"
    " issuer " INT64 " NOT NULL REFERENCES issuer (id),"
    " device " INT64 " REFERENCES device (pk),"
    " profile TEXT NOT NULL,"
    " label TEXT NOT NULL,"
    " not_before_ms " INT64 " NOT NULL,"
    " not_after_ms " INT64 " NOT NULL,"
    " spki " BYTES " NOT NULL CHECK (length(spki) = 32),"
    " spki_key " INT64 " NOT NULL,"
    " status " INT64 " NOT NULL CHECK (status BETWEEN 0 AND 2),"
    " reason " INT64 " NOT NULL CHECK (reason BETWEEN -1 AND 10),"
    " revoked_ms " INT64 " NOT NULL,"
    " rev_seq " INT64 ","
    " created_ms " INT64 " NOT NULL,"
    " seen_ms " INT64 " NOT NULL,"
    " replaced_by " INT64 " REFERENCES cert (id),"
    " revocation_challenge TEXT NOT NULL" END
    "CREATE INDEX cert_spki ON cert (spki_key);"
    "CREATE INDEX cert_device ON cert (device) WHERE device IS NOT NULL;"
    "CREATE UNIQUE INDEX cert_rev_seq ON cert (issuer, rev_seq)"
    " WHERE rev_seq IS NOT NULL;"
    "CREATE INDEX cert_replaced ON cert (id)"
    " WHERE replaced_by IS NOT NULL AND status = 0;"

    /* The encoded certificate is five sixths of the bytes and seldom read:
     * apart, a scan of 300,000 rows took 57 ms instead of 265 ms, and a batch
     * revocation of 5 % of them wrote 34 MB instead of 59 MB. */
    "CREATE TABLE cert_der ("
    " id " INT64 " NOT NULL PRIMARY KEY REFERENCES cert (id),"
    " der " BYTES " NOT NULL" END

    "CREATE TABLE crl ("
    " issuer " INT64 " NOT NULL PRIMARY KEY REFERENCES issuer (id),"
    " number " INT64 " NOT NULL CHECK (number >= 0),"
    " rev_seq " INT64 " NOT NULL,"
    " this_update_ms " INT64 " NOT NULL,"
    " next_update_ms " INT64 " NOT NULL,"
    " der " BYTES " NOT NULL" END

    "CREATE TABLE vendor ("
    " name " KEYTEXT " NOT NULL PRIMARY KEY CHECK (name <> ''),"
    " enabled " INT64 " NOT NULL CHECK (enabled BETWEEN 0 AND 1),"
    " crl_required " INT64 " NOT NULL CHECK (crl_required BETWEEN 0 AND 1),"
    " crl_grace_ms " INT64 " NOT NULL CHECK (crl_grace_ms >= 0),"
    " roots " BYTES " NOT NULL,"
    " crls " BYTES ","
    " updated_ms " INT64 " NOT NULL" END

    "CREATE TABLE policy ("
    " sha256 " BYTES " NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),"
    " body TEXT NOT NULL,"
    " loaded_ms " INT64 " NOT NULL" END

    /* seq comes from counter: without gaps, and never given twice, even when
     * rows have left. Rows may leave in order of seq only. */
    "CREATE TABLE outbox ("
    " seq " INT64 " NOT NULL PRIMARY KEY,"
    " id " BYTES " NOT NULL UNIQUE CHECK (length(id) = 16),"
    " time_ms " INT64 " NOT NULL,"
    " type TEXT NOT NULL,"
    " device " KEYTEXT " NOT NULL,"
    " body " BYTES " NOT NULL" END
    "CREATE INDEX outbox_device ON outbox (device);")

/* Revocation: graded actions, batches, CRLs that are files. */
STEP(2,
    "ALTER TABLE device ADD COLUMN restriction " INT64 " NOT NULL DEFAULT 0"
    " CHECK (restriction BETWEEN 0 AND 2);"
    /* A few hundred different products among a million devices: a selection
     * judges each product once and then reads the devices of those it wants. */
    "CREATE INDEX device_product ON device (manufacturer, model, firmware);"

    "ALTER TABLE cert ADD COLUMN invalidity_ms " INT64 " NOT NULL DEFAULT 0;"
    /* Changes are read in one order for all issuers: by the status feed. */
    "DROP INDEX cert_rev_seq;"
    "CREATE UNIQUE INDEX cert_rev_seq ON cert (rev_seq)"
    " WHERE rev_seq IS NOT NULL;"
    "ALTER TABLE issuer_stat ADD COLUMN rev_seq " INT64 " NOT NULL DEFAULT 0;"
    "UPDATE issuer_stat SET rev_seq = (SELECT COALESCE(MAX(c.rev_seq), 0)"
    " FROM cert c WHERE c.issuer = issuer_stat.issuer"
    " AND c.rev_seq IS NOT NULL);"

    /* One element of revokedCertificates for each certificate that is held or
     * revoked, in the order of the changes. */
    "CREATE TABLE crl_entry ("
    " issuer " INT64 " NOT NULL REFERENCES issuer (id),"
    " rev_seq " INT64 " NOT NULL,"
    " cert " INT64 " NOT NULL REFERENCES cert (id),"
    " not_after_ms " INT64 " NOT NULL,"
    " der " BYTES " NOT NULL,"
    " PRIMARY KEY (issuer, rev_seq)" END_KEYED

    /* The bytes are a file: a list of a million entries has 49 MB. The numbers
     * of the lists before stay: they must never come again. */
    "CREATE TABLE crl_file ("
    " issuer " INT64 " NOT NULL PRIMARY KEY REFERENCES issuer (id),"
    " number " INT64 " NOT NULL CHECK (number >= 0),"
    " rev_seq " INT64 " NOT NULL,"
    " this_update_ms " INT64 " NOT NULL,"
    " next_update_ms " INT64 " NOT NULL,"
    " entries " INT64 " NOT NULL,"
    " size " INT64 " NOT NULL,"
    " sha256 " BYTES END
    "INSERT INTO crl_file (issuer, number, rev_seq, this_update_ms,"
    " next_update_ms, entries, size, sha256) SELECT issuer, number, rev_seq,"
    " this_update_ms, next_update_ms, 0, 0, NULL FROM crl;"
    "DROP TABLE crl;"

    "CREATE TABLE rev_batch ("
    " id " ROWKEY ","
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 3),"
    " action " INT64 " NOT NULL CHECK (action BETWEEN 0 AND 4),"
    " crl_reason " INT64 " NOT NULL CHECK (crl_reason BETWEEN -1 AND 10),"
    " invalidity_ms " INT64 " NOT NULL,"
    " reason TEXT NOT NULL CHECK (reason <> ''),"
    " reference TEXT NOT NULL,"
    " selector TEXT NOT NULL,"
    " summary TEXT NOT NULL,"
    " world " BYTES " NOT NULL CHECK (length(world) = 32),"
    " created_ms " INT64 " NOT NULL,"
    " created_by TEXT NOT NULL,"
    " approved_ms " INT64 " NOT NULL,"
    " approved_by TEXT NOT NULL,"
    " decided_ms " INT64 " NOT NULL,"
    " decided_by TEXT NOT NULL,"
    " rev_seq " INT64 " NOT NULL" END
    /* cert 0: the device itself, where it has no certificate in force. */
    "CREATE TABLE rev_batch_item ("
    " batch " INT64 " NOT NULL REFERENCES rev_batch (id),"
    " device " INT64 " NOT NULL,"
    " cert " INT64 " NOT NULL,"
    " verdict " INT64 " NOT NULL CHECK (verdict BETWEEN 0 AND 2),"
    " rule TEXT NOT NULL,"
    " PRIMARY KEY (batch, device, cert)" END_KEYED)

/* What changes apart from what does not: a batch over a fleet changes rows that
 * lie scattered over tables of wide ones, and writes whole pages. With 25,000
 * of 500,000 changed that was 10,300 pages, and is 1,300. */
STEP(3,
    /* A row for each device that is not what it was registered as: without one
     * it is registered, unrestricted, and as old as its inventory row. */
    "CREATE TABLE device_standing ("
    " device " INT64 " NOT NULL PRIMARY KEY REFERENCES device (pk),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 5),"
    " restriction " INT64 " NOT NULL CHECK (restriction BETWEEN 0 AND 2),"
    " updated_ms " INT64 " NOT NULL" END
    "INSERT INTO device_standing (device, state, restriction, updated_ms)"
    " SELECT pk, state, restriction, updated_ms FROM device"
    " WHERE state <> 0 OR restriction <> 0 OR updated_ms <> created_ms"
    " ORDER BY pk;"
    "ALTER TABLE device DROP COLUMN state;"
    "ALTER TABLE device DROP COLUMN restriction;"
    "ALTER TABLE device DROP COLUMN updated_ms;"

    /* A row for each certificate whose status ever changed: without one it is
     * good. The copies never change, and spare the feed the wide row. A status
     * without a number would be lost to the feed: such a row ends the step. */
    "CREATE TABLE cert_status ("
    " cert " INT64 " NOT NULL PRIMARY KEY REFERENCES cert (id),"
    " serial " BYTES " NOT NULL CHECK (length(serial) = 20),"
    " issuer " INT64 " NOT NULL,"
    " not_after_ms " INT64 " NOT NULL,"
    " status " INT64 " NOT NULL CHECK (status BETWEEN 0 AND 2),"
    " reason " INT64 " NOT NULL CHECK (reason BETWEEN -1 AND 10),"
    " revoked_ms " INT64 " NOT NULL,"
    " invalidity_ms " INT64 " NOT NULL,"
    " rev_seq " INT64 " NOT NULL UNIQUE" END
    "INSERT INTO cert_status (cert, serial, issuer, not_after_ms, status,"
    " reason, revoked_ms, invalidity_ms, rev_seq) SELECT id, serial, issuer,"
    " not_after_ms, status, reason, revoked_ms, invalidity_ms, rev_seq"
    " FROM cert WHERE rev_seq IS NOT NULL OR status <> 0 ORDER BY id;"

    /* Replaced by another one and still good: what the clock looks through. */
    "DROP INDEX cert_replaced;"
    "CREATE TABLE cert_replaced ("
    " cert " INT64 " NOT NULL PRIMARY KEY REFERENCES cert (id)" END
    "INSERT INTO cert_replaced (cert) SELECT id FROM cert"
    " WHERE replaced_by IS NOT NULL AND status = 0 ORDER BY id;"

    "DROP INDEX cert_rev_seq;"
    "ALTER TABLE cert DROP COLUMN status;"
    "ALTER TABLE cert DROP COLUMN reason;"
    "ALTER TABLE cert DROP COLUMN revoked_ms;"
    "ALTER TABLE cert DROP COLUMN invalidity_ms;"
    "ALTER TABLE cert DROP COLUMN rev_seq;")

/* The custody log: entries in their order, tiles of hashes, the head that all
 * of it hangs on, what was signed over it and what others said of that. */
STEP(4,
    /* Events do not stay in the outbox any more: a scan of the few that wait
     * costs less than an index with a random key for each. */
    "DROP INDEX outbox_device;"
    "CREATE TABLE log_entry ("
    " idx " INT64 " NOT NULL PRIMARY KEY CHECK (idx >= 0),"
    /* Not unique: an index with a random key for each entry would be a tenth
     * of the work, and a second event with an id would stop the log. */
    " event_id " BYTES " NOT NULL CHECK (length(event_id) = 16),"
    /* Index of the event of this device before it, -1 for its first one: the
     * events of a device are a chain, read from its end. */
    " prev " INT64 " NOT NULL CHECK (prev < idx),"
    " leaf " BYTES " NOT NULL CHECK (length(leaf) = 32),"
    " data " BYTES " NOT NULL" END
    APPEND_ONLY("log_entry")
    "CREATE TABLE log_device ("
    " device " KEYTEXT " NOT NULL PRIMARY KEY,"
    " n " INT64 " NOT NULL CHECK (n >= 1),"
    " last " INT64 " NOT NULL CHECK (last >= n - 1),"
    /* Of the entry `last`: what the next one points back to. */
    " leaf " BYTES " NOT NULL CHECK (length(leaf) = 32)" END_KEYED
    /* id = level * 2^48 + n. One growing row a tile: a partial tile is the
     * beginning of the wider one. */
    "CREATE TABLE log_tile ("
    " id " INT64 " NOT NULL PRIMARY KEY,"
    " data " BYTES " NOT NULL" END
    "CREATE TABLE log_head ("
    " id " INT64 " NOT NULL PRIMARY KEY CHECK (id = 1),"
    " size " INT64 " NOT NULL CHECK (size >= 0),"
    " edge " BYTES " NOT NULL" END
    "INSERT INTO log_head (id, size, edge) VALUES (1, 0, x'');"
    /* Bodies that no reader understood: the entry holds their hash. */
    "CREATE TABLE log_odd ("
    " idx " INT64 " NOT NULL PRIMARY KEY,"
    " body " BYTES " NOT NULL" END
    APPEND_ONLY("log_odd")
    "CREATE TABLE log_checkpoint ("
    " size " INT64 " NOT NULL PRIMARY KEY,"
    " root " BYTES " NOT NULL CHECK (length(root) = 32),"
    " note " BYTES " NOT NULL,"
    " signed_ms " INT64 " NOT NULL" END
    APPEND_ONLY("log_checkpoint")
    "CREATE TABLE log_cosig ("
    " size " INT64 " NOT NULL REFERENCES log_checkpoint (size),"
    " witness " KEYTEXT " NOT NULL,"
    " line " BYTES " NOT NULL,"
    " time_ms " INT64 " NOT NULL,"
    " PRIMARY KEY (size, witness)" END
    /* What each witness has, as far as it told. */
    "CREATE TABLE log_witness ("
    " name " KEYTEXT " NOT NULL PRIMARY KEY,"
    " size " INT64 " NOT NULL,"
    " asked_ms " INT64 " NOT NULL,"
    " answered_ms " INT64 " NOT NULL,"
    " failed TEXT NOT NULL" END
    "CREATE TABLE log_timestamp ("
    " size " INT64 " NOT NULL REFERENCES log_checkpoint (size),"
    " tsa " KEYTEXT " NOT NULL,"
    " token " BYTES " NOT NULL,"
    " time_ms " INT64 " NOT NULL,"
    " PRIMARY KEY (size, tsa)" END)

/* The body of an event is written once, by the transaction of what it tells:
 * sequencing adds a narrow row to it, and removes nothing. */
STEP(5,
    /* The event number seq is entry seq - 1, or waits to become it where the
     * log is not that long. Ids are not unique: 80 random bits and a time keep
     * them apart, the log never asked, and an event whose id is there has to
     * be recorded instead of undoing what it tells. id, time_ms and device
     * are what an event is given that stands for a body nobody can read. */
    "CREATE TABLE event ("
    " seq " INT64 " NOT NULL PRIMARY KEY CHECK (seq >= 1),"
    " id " BYTES " NOT NULL CHECK (length(id) = 16),"
    " time_ms " INT64 " NOT NULL,"
    " device " KEYTEXT " NOT NULL,"
    " body " BYTES " NOT NULL" END
    /* What makes an entry of a body: its number in the chain of the device, and
     * the hash of the entry before (NULL in the first one). n = 0: the body is
     * the entry, byte by byte. */
    "CREATE TABLE log_entry_5 ("
    " idx " INT64 " NOT NULL PRIMARY KEY CHECK (idx >= 0),"
    " prev " INT64 " NOT NULL CHECK (prev < idx),"
    " n " INT64 " NOT NULL CHECK (n >= 0),"
    " dev_prev " BYTES " CHECK (dev_prev IS NULL OR length(dev_prev) = 32),"
    " leaf " BYTES " NOT NULL CHECK (length(leaf) = 32)" END
    /* A body that no reader understood: the one that stands for it. */
    "CREATE TABLE log_odd_5 ("
    " idx " INT64 " NOT NULL PRIMARY KEY,"
    " data " BYTES " NOT NULL" END

    /* An entry of before, with where its lines begin. In front of them stand
     * only lines that cannot hold such a word. */
    "CREATE TEMP VIEW entry_4 AS SELECT e.idx, e.event_id, e.prev, e.leaf,"
    " e.data, p.leaf AS dev_prev, CAST(e.data AS TEXT) AS t,"
    " instr(CAST(e.data AS TEXT), char(10) || 'time ') AS time_at,"
    " instr(CAST(e.data AS TEXT), char(10) || 'device ') AS device_at,"
    " instr(CAST(e.data AS TEXT), char(10) || 'dev-seq ') AS seq_at,"
    " instr(CAST(e.data AS TEXT), char(10) || 'actor ') AS actor_at"
    " FROM log_entry e LEFT JOIN log_entry p ON p.idx = e.prev;"
    "CREATE TEMP VIEW entry_5 AS SELECT *,"
    " CAST(substr(t, seq_at + 9, 20) AS INTEGER) AS n,"
    " substr(t, 1, seq_at) AS head, substr(t, actor_at + 1) AS tail"
    " FROM entry_4;"
    /* Only what comes out again as it was is taken apart. */
    "INSERT INTO log_entry_5 (idx, prev, n, dev_prev, leaf)"
    " SELECT idx, prev, CASE WHEN n >= 1 AND CAST(head || 'dev-seq ' || n ||"
    " char(10) || 'dev-prev ' || CASE WHEN dev_prev IS NULL THEN '-' ELSE"
    " lower(hex(dev_prev)) END || char(10) || tail AS BLOB) = data THEN n"
    " ELSE 0 END, dev_prev, leaf"
    " FROM entry_5 ORDER BY idx;"
    "INSERT INTO log_odd_5 (idx, data) SELECT o.idx, CASE WHEN e.n = 0"
    " THEN v.data ELSE CAST(v.head || v.tail AS BLOB) END FROM log_odd o"
    " JOIN log_entry_5 e ON e.idx = o.idx JOIN entry_5 v ON v.idx = o.idx"
    " ORDER BY o.idx;"
    "INSERT INTO event (seq, id, time_ms, device, body)"
    " SELECT v.idx + 1, v.event_id, COALESCE(CAST(strftime('%s',"
    " substr(v.t, v.time_at + 6, 19)) AS INTEGER) * 1000 +"
    " CAST(substr(v.t, v.time_at + 26, 3) AS INTEGER), 0),"
    " substr(v.t, v.device_at + 8, max(v.seq_at - v.device_at - 8, 0)),"
    " COALESCE(o.body, CASE WHEN e.n = 0 THEN v.data ELSE"
    " CAST(v.head || v.tail AS BLOB) END) FROM log_entry_5 e JOIN entry_5 v"
    " ON v.idx = e.idx LEFT JOIN log_odd o ON o.idx = e.idx ORDER BY e.idx;"
    "INSERT INTO event (seq, id, time_ms, device, body)"
    " SELECT seq, id, time_ms, device, body FROM outbox ORDER BY seq;"
    "DROP VIEW temp.entry_5;"
    "DROP VIEW temp.entry_4;"
    "DROP TABLE outbox;"
    "DROP TABLE log_odd;"
    "DROP TABLE log_entry;"
    "ALTER TABLE log_entry_5 RENAME TO log_entry;"
    "ALTER TABLE log_odd_5 RENAME TO log_odd;"
    APPEND_ONLY("event")
    APPEND_ONLY("log_entry")
    APPEND_ONLY("log_odd")
    /* It is in the entry `last`; rows of a third of the size share pages. */
    "ALTER TABLE log_device DROP COLUMN leaf;")

/* The vault: accounts of cameras, and each password sealed on its own. */
STEP(6,
    "CREATE TABLE vault_account ("
    " id " ROWKEY ","
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " username " KEYTEXT " NOT NULL CHECK (username <> ''),"
    " role " INT64 " NOT NULL CHECK (role BETWEEN 0 AND 2),"
    " level TEXT NOT NULL CHECK (level <> ''),"
    " created_ms " INT64 " NOT NULL,"
    " UNIQUE (device, username)" END
    "CREATE INDEX vault_account_device ON vault_account (device, id);"
    "CREATE TABLE vault_secret ("
    " id " ROWKEY ","
    " account " INT64 " NOT NULL REFERENCES vault_account (id),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 3),"
    " uid " BYTES " NOT NULL CHECK (length(uid) = 16),"
    " sealed " BYTES " NOT NULL,"
    " rule TEXT NOT NULL,"
    " job " INT64 " NOT NULL,"
    " compromised_ms " INT64 " NOT NULL,"
    " created_ms " INT64 " NOT NULL,"
    " changed_ms " INT64 " NOT NULL" END
    "CREATE INDEX vault_secret_account ON vault_secret (account, id);"
    /* Never two that a camera may have been given at once. */
    "CREATE UNIQUE INDEX vault_secret_pending ON vault_secret (account)"
    " WHERE state = 0;"
    "CREATE UNIQUE INDEX vault_secret_current ON vault_secret (account)"
    " WHERE state = 1;")

/* What site agents do with cameras that speak no EST. */
STEP(7,
    "CREATE TABLE device_reach ("
    " device " INT64 " NOT NULL PRIMARY KEY REFERENCES device (pk),"
    " driver TEXT NOT NULL CHECK (driver <> ''),"
    " host TEXT NOT NULL CHECK (host <> ''),"
    " http_port " INT64 " NOT NULL CHECK (http_port BETWEEN 0 AND 65535),"
    " https_port " INT64 " NOT NULL CHECK (https_port BETWEEN 0 AND 65535),"
    " path TEXT NOT NULL,"
    " tls_sha256 " BYTES " NOT NULL CHECK (length(tls_sha256) = 32),"
    " updated_ms " INT64 " NOT NULL" END

    "CREATE TABLE job ("
    " id " ROWKEY ","
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " site " KEYTEXT " NOT NULL REFERENCES site (id),"
    " kind " INT64 " NOT NULL CHECK (kind BETWEEN 0 AND 5),"
    " mode " INT64 " NOT NULL CHECK (mode BETWEEN 0 AND 2),"
    " account " INT64 " NOT NULL,"
    " series " INT64 " NOT NULL CHECK (series BETWEEN 0 AND 1),"
    " state " INT64 " NOT NULL CHECK (state BETWEEN 0 AND 5),"
    " agent " INT64 " NOT NULL,"
    " lease_until_ms " INT64 " NOT NULL,"
    " attempts " INT64 " NOT NULL CHECK (attempts >= 0),"
    " step " INT64 " NOT NULL,"
    " ended " INT64 " NOT NULL,"
    " not_before_ms " INT64 " NOT NULL,"
    " created_ms " INT64 " NOT NULL,"
    " created_by TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " outcome TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " updated_ms " INT64 " NOT NULL" END
    /* Whatever goes wrong elsewhere: never two agents, and never certificate
     * and password, at one camera at a time. */
    "CREATE UNIQUE INDEX job_leased ON job (device) WHERE state = 1;"
    "CREATE INDEX job_leased_agent ON job (agent, id) WHERE state = 1;"
    "CREATE INDEX job_leased_site ON job (site) WHERE state = 1;"
    "CREATE INDEX job_leased_until ON job (lease_until_ms) WHERE state = 1;"
    "CREATE INDEX job_over ON job (updated_ms) WHERE state IN (2, 3, 4);"
    "CREATE INDEX job_waiting ON job (site, id) WHERE state = 0;"
    "CREATE INDEX job_device ON job (device, id);"
    "CREATE TABLE job_step ("
    " job " INT64 " NOT NULL REFERENCES job (id),"
    " n " INT64 " NOT NULL,"
    " attempt " INT64 " NOT NULL,"
    " step " INT64 " NOT NULL,"
    " outcome " INT64 " NOT NULL CHECK (outcome BETWEEN 0 AND 2),"
    " code TEXT NOT NULL,"
    " before_text TEXT NOT NULL,"
    " after_text TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " time_ms " INT64 " NOT NULL,"
    " PRIMARY KEY (job, n)" END_KEYED
    "CREATE TABLE job_last ("
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " kind " INT64 " NOT NULL,"
    " ended_ms " INT64 " NOT NULL,"
    " ok_ms " INT64 " NOT NULL,"
    " PRIMARY KEY (device, kind)" END_KEYED
    "CREATE TABLE job_site ("
    " site " KEYTEXT " NOT NULL PRIMARY KEY REFERENCES site (id),"
    " failures " INT64 " NOT NULL CHECK (failures >= 0),"
    " stopped_ms " INT64 " NOT NULL,"
    " code TEXT NOT NULL" END_KEYED

    "CREATE TABLE agent ("
    " device " INT64 " NOT NULL PRIMARY KEY REFERENCES device (pk),"
    " seen_ms " INT64 " NOT NULL,"
    " version TEXT NOT NULL,"
    " free " INT64 " NOT NULL" END
    /* Which passwords an agent has been given: all of them are changed where
     * it is stolen. */
    "CREATE TABLE agent_sealed ("
    " id " ROWKEY ","
    " agent " INT64 " NOT NULL REFERENCES device (pk),"
    " secret " INT64 " NOT NULL,"
    " account " INT64 " NOT NULL,"
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " UNIQUE (agent, secret)" END

    "CREATE TABLE observation ("
    " device " INT64 " NOT NULL PRIMARY KEY REFERENCES device (pk),"
    " time_ms " INT64 " NOT NULL,"
    " sha256 " BYTES " NOT NULL CHECK (length(sha256) = 32),"
    " findings TEXT NOT NULL,"
    " body " BYTES " NOT NULL" END
    "CREATE TABLE camera_key ("
    " spki " BYTES " NOT NULL CHECK (length(spki) = 32),"
    " device " INT64 " NOT NULL REFERENCES device (pk),"
    " first_ms " INT64 " NOT NULL,"
    " PRIMARY KEY (spki, device)" END_KEYED)

/* What doctor asks: what waits for a person. */
STEP(8,
    "CREATE INDEX job_parked ON job (id) WHERE state = 5;"
    "CREATE INDEX job_site_stopped ON job_site (site) WHERE stopped_ms > 0;"
    "CREATE INDEX agent_seen ON agent (seen_ms);"
    "CREATE INDEX vault_secret_aged ON vault_secret (changed_ms)"
    " WHERE state = 1;")

/* Failed logins at a camera, whatever the visit: the camera counts them. */
STEP(9,
    "CREATE TABLE login_budget ("
    " device " INT64 " NOT NULL PRIMARY KEY REFERENCES device (pk),"
    " failed " INT64 " NOT NULL CHECK (failed >= 0),"
    " last_ms " INT64 " NOT NULL,"
    " job " INT64 " NOT NULL,"
    " granted " INT64 " NOT NULL CHECK (granted >= 0)" END)
