#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody else has the database: a backup that reads for a long time, and a
# shell that forgot to commit. Readers disturb nobody; behind a writer the
# answer is "try again later", and work goes on when it has gone.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

N=$(sized 150 2000)
DB=$STATE/db/camca.sqlite

camca_init
sed -i 's/^gate:/gate:\n  failures_per_minute: 1000000/' "$STATE/camca.yaml"
camca_start
devices b "$N" && devices s 10 || { echo "not ok devices"; exit 1; }
exec 7<"$TMP/s.sec"

# A second SQLite, told what to do on descriptor 6; "done" when it was done.
mkfifo "$TMP/sql.in"
sqlite3 -batch "$DB" <"$TMP/sql.in" >"$TMP/sql.out" 2>&1 &
PIDS+=("$!")
exec 6>"$TMP/sql.in"
STEP=0
other() { # SQL
	STEP=$((STEP + 1))
	printf '%s\n.print done %d\n' "$1" "$STEP" >&6
	eventually grep -qx "done $STEP" "$TMP/sql.out"
}

check "a backup begins to read" other 'BEGIN; SELECT COUNT(*) FROM device;'
storm b --threads 8
check "all enroll beside it" storm_end
check "it still sees what was there when it began" other \
    'SELECT COUNT(*) FROM cert WHERE device IS NOT NULL;'
check "namely nothing" grep -qx 0 "$TMP/sql.out"
other 'COMMIT;'
record_whole b

read -r ID SECRET <&7
check "another program writes and does not commit" other 'BEGIN IMMEDIATE;'
check "an enrollment is told to come again" equal \
    "$(post "$TMP/busy" "$ID" "$SECRET")" 503
check "and when" has_retry_after "$TMP/busy"
check "the text names no insides" sh -c '! grep -iE "sqlite|lock" "$1"' - \
    "$TMP/busy.out"
check "reading goes on" camca device show "$ID"
check "the other commits" other 'COMMIT;'
check "the same request is served" equal \
    "$(post "$TMP/busy" "$ID" "$SECRET")" 200
exec 6>&-
check "each device has one certificate still" equal "$(store_sql \
    'SELECT COUNT(*) FROM cert WHERE device IS NOT NULL')" $((N + 1))
finish
