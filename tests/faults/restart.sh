#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ordinary days: either daemon is told to stop, or dies, while cameras enroll.
# Each finds the other again by itself, and nothing that was answered is lost.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

N=$(sized 400 4000)

camca_init
camca_start
check "devices are registered" devices r "$N"

# ends PID SIGNAL STATUS: a daemon under load, told to stop.
ends() {
	stop "$1" "$2"
	equal $? "$3"
}
gate_serves() {
	curl -s -f -o /dev/null --cacert "$TMP/root.pem" "$EST/cacerts"
}

storm r --threads 8 --again
storm_until $((N / 10))
check "camcad stops cleanly under load" ends "$AUTHORITY_PID" TERM 0
check "what it answered is on record" received_is_stored r
check "meanwhile the gate says when to come again" equal "$(curl -s \
    -o "$TMP/away.out" -D "$TMP/away.head" -w '%{http_code}' \
    --cacert "$TMP/root.pem" "$EST/csrattrs")" 503
check "with Retry-After" has_retry_after "$TMP/away"
start_authority
check "the gate finds the new camcad by itself" eventually gate_serves

storm_until $((N * 3 / 10))
check "camcad stops cleanly on SIGINT too" ends "$AUTHORITY_PID" INT 0
start_authority

storm_until $((N * 5 / 10))
check "the gate stops cleanly under load" ends "$GATE_PID" TERM 0
start_gate
check "the new gate serves" eventually gate_serves

storm_until $((N * 7 / 10))
check "the gate dies" ends "$GATE_PID" KILL 137
check "camcad does not mind" kill -0 "$AUTHORITY_PID"
start_gate
check "the new gate serves with the certificate it had" eventually gate_serves

storm_until $((N * 9 / 10))
kill -s HUP "$AUTHORITY_PID" "$GATE_PID"
check "every client has its certificate in the end" storm_end
note "storm: $STORM"
check "none got a second one" equal "$(storm_field changed)" 0
record_whole r
check "both have lived through the signals" \
    kill -0 "$AUTHORITY_PID" "$GATE_PID"

# Both at once, the gate last: nobody waits for the other.
check "camcad stops" ends "$AUTHORITY_PID" TERM 0
check "the gate stops without it" ends "$GATE_PID" TERM 0
check "no log left behind that needs recovery" test ! -s "$STATE/db/camca.sqlite-wal"
start_gate_alone() {
	start gate "$BIN/camca-gate" --state "$STATE" && GATE_PID=$LAST_PID
}
check "a gate starts before its authority" start_gate_alone
start_authority
EST_PORT=$(awk '$1 == "est" { print $2 }' "$STATE/gate/ports")
EST=https://localhost:$EST_PORT/.well-known/est
check "and serves once that is there" eventually gate_serves
finish
