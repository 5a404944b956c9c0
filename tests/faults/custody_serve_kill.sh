#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camca-gate and camca-anchor are killed again and again while the custody log
# grows and readers fetch checkpoints and tiles. Neither holds anything: what was
# read stays true, nothing is left behind, and after the next start it goes on.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_faults.sh"
. "$TOP/tests/lib_witness.sh"
need jq sqlite3 python3 curl

camca_init
sed -i 's/^custody:/custody:\n  checkpoint_ms: 50/' "$STATE/camca.yaml"
camca_start
witness_new 1 || exit 1
check "all is signed" cu_signed
cu_call custody.key | jq -r '.keys[]' >"$TMP/w1/logs"
witness 1 || exit 1
mkdir -p "$STATE/policies/custody"
{ sed 's/^/log /' "$TMP/w1/logs"
  echo "witness first $(cat "$TMP/w1.vkey") $URL1"
  echo "quorum first"; } >"$STATE/policies/custody/policy.tlog"
check "a witness" camca policy reload
anchor_start() {
	start anchor "$BIN/camca-anchor" --state "$STATE" || exit 1
	ANCHOR_PID=$LAST_PID
}
anchor_start

# The log grows until told to stop.
grows() {
	local i
	for i in $(seq 100000); do
		[ ! -e "$TMP/stop" ] || return 0
		camca site add "g$i" --name G --level 1 >/dev/null 2>&1
	done
}
devices many 600 || { echo "not ok devices"; exit 1; }
grows &
GROWS=$!
python3 "$TOP/tests/tools/tile_reader.py" "$STATE/gate/ports" "$TMP/stop" \
    "$TMP/read" &
READER=$!
PIDS+=("$GROWS" "$READER")

ROUNDS=$(sized 8 40)
left_alone() { # moments that differ
	sleep "0.$((RANDOM % 6 + 1))"
}
for _ in $(seq "$ROUNDS"); do
	left_alone
	stop "$GATE_PID" KILL
	start_gate
	left_alone
	stop "$ANCHOR_PID" KILL
	anchor_start
done
sleep 0.5
touch "$TMP/stop"
wait "$GROWS"
wait "$READER"
check "nothing that was read was ever otherwise" equal $? 0
cat "$TMP/read"; echo
check "much was read" test "$(jq .whole "$TMP/read")" -gt "$((ROUNDS * 20))"
check "some readers were cut off" test "$(jq .cut "$TMP/read")" -gt 0
check "all is signed in the end" cu_signed
SIZE=$(cu_call custody.checkpoint | jq .size)
fresh() {
	[ "$(curl -s "http://127.0.0.1:$HTTP_PORT/custody/checkpoint" |
	    sed -n 2p)" -ge "$SIZE" ]
}
check "the newest checkpoint is served" eventually fresh
check "the tile that was read is the authority's" equal \
    "$(jq -r .tile "$TMP/read")" "$(cu_call custody.tile \
    '{"level":0,"n":0,"width":256}' | jq -r .data | base64 -d | sha256sum |
    cut -c1-64)"
quorum() { [ "$(cu_call custody.status | jq '.quorum.size // -1')" -ge "$SIZE" ]; }
check "the witness has it, too" eventually quorum
check "no request of a courier that was killed is in the way" equal \
    "$(cu_call custody.status | jq -r '.witnesses[0].state')" answering
check "the courier and the gate left nothing behind" equal "$(find "$STATE/gate" \
    "$STATE/run" -name '*.new' -o -name '*.??????' -type f | wc -l)" 0
device cam-1
check "a camera enrolls" eventually enroll cam-1 "$TMP/cam-1"
check "fsck is clean" cu_fsck
finish
