#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What somebody with the database in his hands changes beside the tree: where
# the chain of a device ends, all checkpoints, what waits in the outbox. It is
# told, what cannot be taken back is not done, and cameras get their certificates
# all the while.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
need curl jq openssl sqlite3
# A log that stands still looks again each half minute.
export EVENTUALLY=60

camca_init
camca_start
status() { cu_call custody.status | jq -r ".$1"; }
settled() { [ "$(status waiting)" = 0 ] && [ "$(status error)" = "" ]; }
stands() { # WORDS
	status error | tee "$TMP/error"
	grep -q "$1" "$TMP/error"
}
alter() { # SQL: while camcad runs, or not
	sqlite3 -cmd '.timeout 20000' "$STATE/db/camca.sqlite" "$1" &&
	    chown --reference "$STATE/db" "$STATE"/db/camca.sqlite*
}
set_interval() {
	sed -i "/^  interval_ms: /d; s/^custody:/custody:\n  interval_ms: $1/" \
	    "$STATE/camca.yaml"
}
again() { stop "$AUTHORITY_PID"; start_authority; }
# The sentence of OPERATIONS, with the device's name.
mended() { # DEVICE
	local sql
	sql=$(sed -n 's/^\( *INSERT OR REPLACE INTO log_device .*\)/\1/p' \
	    "$TOP/docs/OPERATIONS.md" | sed "s/cam-0042/$1/g")
	[ -n "$sql" ] && alter "$sql"
}
row() { cu_sql "SELECT n, last FROM log_device WHERE device = '$1'"; }

# ---- the end of a chain ----
for c in cam-1 cam-2; do
	device "$c"
	check "$c enrolls" enroll "$c" "$TMP/$c"
done
check "all is in the log" eventually settled
check "doctor counts the chains" cu_doctor ok chains 'in the chain of its device'
ROW=$(row cam-1)
alter "DELETE FROM log_device WHERE device = 'cam-1'"
check "a deleted row: doctor says so" cu_doctor error chains 'differ by [1-9]'
check "fsck says where" cu_fsck_finds 'Device cam-1: entry .* no chain is known'
check "the other camera gets a secret" camca enroll secret cam-2
check "the log stands still, and names the device" eventually stands \
    'Device cam-1: entry .* is its own, and no chain is known'
check "doctor has it" cu_doctor error events 'log_device'
device cam-3
check "certificates are issued all the same" enroll cam-3 "$TMP/cam-3"
check "the row is put back as OPERATIONS says" mended cam-1
check "and is what it was" equal "$(row cam-1)" "$ROW"
check "the log goes on by itself" eventually settled
check "doctor is content" cu_doctor ok chains 'in the chain of its device'
check "with all that happened meanwhile" cu_fsck

alter "UPDATE log_device SET last = last - 1 WHERE device = 'cam-2'"
check "another entry in a row" camca enroll secret cam-2
check "the log stands still" eventually stands 'Device cam-2: entry .* is said to be its newest one'
check "mended" mended cam-2
again
check "it goes on" eventually settled
stop "$AUTHORITY_PID"
alter "UPDATE log_device SET n = 1, last = (SELECT MIN(seq) - 1 FROM event WHERE
    device = 'cam-2') WHERE device = 'cam-2'"
start_authority
check "a row that names an older entry, before a start: found at the start" \
    eventually stands 'Device cam-2: entry .* is a later one'
check "mended" mended cam-2
again
check "it goes on" eventually settled
check "and each chain has one of each number" cu_fsck
check "all is signed" cu_signed

# ---- all checkpoints ----
FILE=$STATE/custody/checkpoint
gone="DROP TRIGGER log_checkpoint_no_delete; DELETE FROM log_checkpoint"
stop "$AUTHORITY_PID"
cu_backup whole
cp "$FILE" "$TMP/file"
alter "$gone"
start_authority
check "no checkpoint in the database: it goes on from the file" cu_signed
check "but fsck says that they are missing" cu_fsck_finds \
    'checkpoints before that of size [0-9]* are missing'
stop "$AUTHORITY_PID"
cu_restore whole
alter "$gone"
rm "$FILE"
start_authority
check "none in the file either: this is no new log" cu_refused custody.fork \
    custody.sign
check "which is said" grep -q 'are all checkpoints of the database, although' "$TMP/cu.said"
check "doctor has it" cu_doctor error checkpoints 'although some were signed'
check "fsck has it" cu_fsck_finds 'although some were signed'
check "certificates are issued all the same" eventually enroll cam-3 "$TMP/cam-3"
stop "$AUTHORITY_PID"
cp "$TMP/file" "$FILE"
chown --reference "$STATE/custody" "$FILE"
start_authority
check "the file is back: it goes on by itself" eventually cu_signed

# ---- what waits ----
stop "$AUTHORITY_PID"
cu_restore whole
set_interval 60000
start_authority
check "with a long interval events wait" camca site add w1 --name W --level 1
camca site add w2 --name W --level 1 >/dev/null
stop "$AUTHORITY_PID"
set_interval 5
cu_backup waiting
waiting() { # SQL WORDS-OF-STATUS WORDS-OF-FSCK
	stop "$AUTHORITY_PID"
	cu_restore waiting
	cp "$TMP/file" "$FILE"
	alter "$1"
	start_authority
	eventually stands "$2" && cu_fsck_finds "$3"
}
LAST="(SELECT MAX(seq) FROM event)"
OPEN="DROP TRIGGER event_no_delete; DROP TRIGGER event_no_update;"
check "an event removed in the middle" waiting \
    "$OPEN DELETE FROM event WHERE seq = $LAST - 1" 'is missing' 'some are missing'
check "the last one removed" waiting "$OPEN DELETE FROM event WHERE seq = $LAST" \
    'is missing' 'some are missing'
COPY="INSERT INTO event SELECT"
REST="zeroblob(16), time_ms, device, body FROM event WHERE seq = $LAST"
check "one put in behind" waiting "$COPY seq + 1, $REST" \
    'its number was not given' 'some are missing'
check_not "one put in that the log has already" alter "$COPY 1, $REST"
check_not "or with a number that nothing has" alter "$COPY 0, $REST"
check "one moved" waiting "$OPEN UPDATE event SET seq = seq + 7 WHERE seq = $LAST" \
    'its number was not given' 'some are missing'
stop "$AUTHORITY_PID"
cu_restore waiting
cp "$TMP/file" "$FILE"
alter "$OPEN UPDATE event SET body = CAST('x' AS BLOB) WHERE seq = $LAST"
start_authority
check "one whose text is no event: its hash takes its place" eventually settled
check "on record" cu_event record.unreadable "bytes 1"
check "and fsck is clean" cu_fsck
finish
