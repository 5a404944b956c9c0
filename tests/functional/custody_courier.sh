#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The courier of the anchors in other hands: as the gate's user, false answers to
# custody.anchored, of every kind and many of them. None is believed, what they
# leave is bounded, and the true answer afterwards is taken.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_witness.sh"
[ "$(id -u)" -eq 0 ] || skip "needs root"
getent passwd camca camca-gate >/dev/null ||
    skip "no users camca and camca-gate: run scripts/setup"
need jq openssl sqlite3 python3 curl
python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography"

camca_init
camca_start
check "all is signed" cu_signed
witness_new 1 || exit 1
cu_call custody.key | jq -r '.keys[]' >"$TMP/w1/logs"
witness 1 || exit 1
mkdir -p "$STATE/policies/custody"
{ sed 's/^/log /' "$TMP/w1/logs"
  echo "witness first $(cat "$TMP/w1.vkey") $URL1"
  echo "quorum first"; } >"$STATE/policies/custody/policy.tlog"
check "a witness" camca policy reload

events() { cu_sql "SELECT COUNT(*) FROM (SELECT CAST(body AS TEXT) AS t FROM event)
    WHERE t LIKE '%' || char(10) || 'type $1' || char(10) || '%'"; }
all() { cu_sql "SELECT n FROM counter WHERE name = 'outbox'"; }
courier() { # WHAT: as the gate's user; what it counted in $TMP/counts
	python3 "$TOP/tests/tools/false_courier.py" \
	    "$STATE/run/authority.sock" "$@" | tee "$TMP/counts"
	[ -s "$TMP/counts" ]
}
counted() { jq -r ".$1" "$TMP/counts"; }
cosignatures() { cu_sql "SELECT COUNT(*) FROM log_cosig"; }

ALL=$(all)
check "10,000 answers that nobody asked for" courier unknown 10000
check "not one is taken" equal "$(counted taken)" 0
check "they leave nothing" equal "$(all)" "$ALL"

while sleep 0.3; do camca policy reload; done >/dev/null 2>&1 &
AGAIN=$!
PIDS+=("$AGAIN")
check "to real questions: each kind of false answer" courier false
stop "$AGAIN"
check "there were questions for all of them" test "$(counted kinds)" -ge 17
check "none is a cosignature" equal "$(cosignatures)" 0
state() { cu_call custody.status | jq -r '.witnesses[0].state'; }
check "the witness does not answer, as far as one knows" not equal "$(state)" answering
check "events of it are few" test "$(events custody.witness)" -le 12
check "an answer is taken once" equal "$(counted again)" 0

ALL=$(all)
check "2,000 calls that are no answers at all" courier malformed 2000
check "not one goes through" equal "$(counted through)" 0
check "they are on record" test "$(events request.refused)" -ge 1
check "the first of a minute one by one, the rest as a sum" test \
    "$(($(all) - ALL))" -le 400
check "a frame of 1 MiB is answered or ends the connection" courier frames 50

# ---- and nobody else noticed ----
device cam-1
check "a camera enrolls" enroll cam-1 "$TMP/cam-1"
check "the log is signed" cu_signed
start anchor "$BIN/camca-anchor" --state "$STATE"
answering() { camca site add "s$RANDOM$RANDOM" --name x --level 1 >/dev/null
    equal "$(state)" answering; }
# A witness that failed so often is asked again after up to five minutes; a
# reload asks at once.
check "asked again" camca policy reload
check "by a true courier the witness answers" eventually answering
check "fsck is clean" cu_fsck
finish
