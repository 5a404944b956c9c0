#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camcad is killed between any two steps of a checkpoint: before the file outside
# is written, between the file and the database, inside the database's commit.
# Whatever anybody could have seen, there is one root for each size; and the next
# start signs on without help.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_faults.sh"
need jq sqlite3

SHIM=$BIN/tests/faults/kill_fault.so
[ -f "$SHIM" ] || { echo "not ok $SHIM is there: make tools"; exit 1; }
export CAMCA_KILL_FILE=$STATE/custody/checkpoint
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
SEEN=$TMP/seen
: >"$SEEN"

camca_init
sed -i 's/^custody:/custody:\n  checkpoint_ms: 50/' "$STATE/camca.yaml"

# What was ever in the file, or in the database: "origin size root" each.
look() {
	[ -s "$STATE/custody/checkpoint" ] &&
	    head -n 3 "$STATE/custody/checkpoint" | xargs >>"$SEEN"
	cu_sql "SELECT CAST(note AS TEXT) FROM log_checkpoint" |
	    awk '/^\xe2\x80\x94/ { signed = 1; next }
		signed { signed = n = 0 }
		$0 != "" && n < 3 { line[n++] = $0
			if (n == 3) print line[0], line[1], line[2] }' >>"$SEEN"
	sort -u -o "$SEEN" "$SEEN"
}
one_root_each() {
	awk '{ print $1, $2 }' "$SEEN" | sort | uniq -d | tee "$TMP/twice"
	[ ! -s "$TMP/twice" ]
}

# killed AT: started with the shim, given work, dead at that call.
killed() {
	local pid i
	CAMCA_KILL_AT=$1 LD_PRELOAD=$SHIM "$BIN/camcad" --state "$STATE" \
	    2>>"$TMP/killed.log" &
	pid=$!
	PIDS+=("$pid")
	for i in $(seq 400); do
		kill -0 "$pid" 2>/dev/null || break
		camca site add "k$1-$i" --name K --level 1 >/dev/null 2>&1 ||
		    sleep 0.02
	done
	wait "$pid" 2>/dev/null
	equal $? 137
}

MISSED=
for AT in $(seq 0 "$(sized 30 80)"); do
	killed "$AT" >/dev/null || MISSED+=" $AT"
	look
done
check "it was killed before each of the calls from a new file on" equal \
    "$MISSED" ""
check "4.4 no two checkpoints of one size with different roots" one_root_each
start_authority
check "the next start signs on, without help" cu_signed
look
check "and what was in the file when it was killed is stored" equal \
    "$(sort -k2n "$SEEN" | awk '{ print $2 }' | xargs)" \
    "$(cu_sql 'SELECT size FROM log_checkpoint ORDER BY size' | xargs)"
check "still one root for each size" one_root_each
check "nothing is left beside the file" equal \
    "$(ls "$STATE/custody")" checkpoint
check "nobody was alarmed" equal "$(cu_sql "SELECT COUNT(*) FROM event
    WHERE CAST(body AS TEXT) LIKE '%type custody.halted%'")" 0
check "fsck is clean" cu_fsck
check "the store is sound" equal "$(cu_sql 'PRAGMA integrity_check')" ok
finish
