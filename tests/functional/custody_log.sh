#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Into the log: every event, in its order, once; the chains of
# devices; what stands still when somebody deletes an event, and what goes on;
# what is pushed back when too many wait.
. "$(dirname "$0")/../lib.sh"
need curl jq openssl python3 sqlite3

set_yaml() { # KEY VALUE: of the section custody
	sed -i "/^  $1: /d; s/^custody:/custody:\n  $1: $2/" "$STATE/camca.yaml"
}
op() { # OPERATION [JSON]
	"$TOP/tests/tools/op.py" "$STATE" "$@"
}
status() { # FIELD
	op custody.status | jq -r ".$1"
}
sql() { # of a store at rest, as its owner
	sqlite3 "$STATE/db/camca.sqlite" "$1" &&
	    { [ "$(id -u)" -ne 0 ] ||
	    chown -R --reference="$STATE/db" "$STATE/db"; }
}
settled() {
	[ "$(status waiting)" = 0 ]
}
# events [options]: all of them, page by page, one JSON object a line.
events() {
	local after="" page
	while :; do
		page=$(camca --json event list --limit 7 ${after:+--after "$after"} "$@") || return 1
		jq -c '.items[]' <<<"$page"
		after=$(jq -r .next <<<"$page")
		[ -n "$after" ] || break
	done
}
seqs_whole() { # FILE: 1, 2, 3 .. without a gap
	jq -r .seq "$1" | awk '$1 != NR { print "line " NR " has " $1
	    exit 1 } END { exit NR == 0 }'
}

camca_init
check "the settings are there to be changed" grep -q '^custody:' "$STATE/camca.yaml"
camca_start
device cam-1
check "a camera enrolls" enroll cam-1 "$TMP/c1"

# ---- order ----
check "events get into the log by themselves" eventually settled
check "all of them" test "$(status size)" -ge 8
check "nothing is wrong with it" equal "$(status error)" ""
events >"$TMP/all"
check "the list has each of them once, in their order" seqs_whole "$TMP/all"
check "as many as the log has" equal "$(wc -l <"$TMP/all")" "$(status size)"
check "with type, device, time and id" jq -se 'all(.[]; (.type | length) > 3
    and .device != "" and .time != null and (.id | length) == 32)' "$TMP/all"
check "the text of an event of the log has its place in the chain" \
    jq -se 'all(.[]; .body | test("\ndevice [^\n]+\ndev-seq [0-9]+\ndev-prev "))' \
    "$TMP/all"

events --device cam-1 >"$TMP/cam-1"
check "a device's own events are those of the list" equal \
    "$(jq -r .seq "$TMP/cam-1" | tr '\n' ' ')" \
    "$(jq -r 'select(.device == "cam-1").seq' "$TMP/all" | tr '\n' ' ')"
chain() {
	jq -r .body "$TMP/cam-1" | sed -n 's/^dev-seq //p' |
	    awk '$1 != NR { exit 1 } END { exit NR < 2 }'
}
check "numbered 1, 2, 3" chain
# The hash of the one before, by sha256sum alone.
links() {
	local n i before=-
	n=$(wc -l <"$TMP/cam-1")
	for i in $(seq "$n"); do
		sed -n "${i}p" "$TMP/cam-1" | jq -j .body >"$TMP/event"
		equal "$(sed -n 's/^dev-prev //p' "$TMP/event")" "$before" ||
		    return 1
		before=$({ printf '\0'; cat "$TMP/event"; } | sha256sum |
		    cut -d' ' -f1)
	done
}
check "each with the leaf hash of the one before" links
check "a device without events has none" equal \
    "$(camca --json event list --device nobody | jq -c .items)" '[]'

# ---- while events move from one to the other ----
busy() {
	local i
	for i in $(seq 40); do
		camca site add "s$i" --name S --level 1 >/dev/null || return 1
	done
}
busy &
BUSY=$!
PIDS+=("$BUSY")
moving() {
	local rc=0
	while kill -0 "$BUSY" 2>/dev/null; do
		events >"$TMP/moving" && seqs_whole "$TMP/moving" || rc=1
	done
	return "$rc"
}
check "pages neither miss nor repeat what moves between them" moving
wait "$BUSY"

# ---- waiting ----
stop "$GATE_PID"
stop "$AUTHORITY_PID"
set_yaml interval_ms 60000
start_authority
check "with a long interval an event waits" camca site add w1 --name W --level 1
check "it is counted" test "$(status waiting)" -gt 0
check "and its age" test "$(status oldest_ms)" -ge 0
camca site add w2 --name W --level 1 >/dev/null
camca site add w3 --name W --level 1 >/dev/null
events >"$TMP/mixed"
check "what is in the log and what waits are one list" seqs_whole "$TMP/mixed"
check "and the newest is its last" sh -c 'tail -n 1 "$1" | jq -e "
    .type == \"site.added\" and (.body | contains(\"dev-seq\") | not)"' - \
    "$TMP/mixed"
stop "$AUTHORITY_PID"

# ---- somebody deletes an event ----
sql "CREATE TABLE kept AS SELECT * FROM event
    WHERE CAST(body AS TEXT) LIKE '%site w2%';
    DROP TRIGGER event_no_delete;
    DELETE FROM event WHERE seq IN (SELECT seq FROM kept)"
check "one event was deleted" equal "$(sqlite3 -readonly \
    "$STATE/db/camca.sqlite" 'SELECT COUNT(*) FROM kept')" 1
set_yaml interval_ms 5
sed -i 's/^custody:/authority:\n  outbox_max: 20\ncustody:/' "$STATE/camca.yaml"
before=$(sqlite3 -readonly "$STATE/db/camca.sqlite" 'SELECT size FROM log_head')
start_authority
start_gate
stands_still() {
	status error | grep -q 'is missing'
}
check "the log stands still and says which one is missing" \
    eventually stands_still
check "nothing of what is behind it is taken" equal "$(status size)" "$before"
doctor_says() {
	camca --json doctor | jq -e '.checks[] | select(.name == "events") |
	    .ok == false and .level == "error" and
	    (.detail | contains("is missing"))'
}
check "doctor says so" doctor_says
check "camcad has said so once" equal \
    "$(grep -c 'events do not get into the log' "$TMP/camcad.log")" 1
device cam-2
check "cameras enroll all the same" enroll cam-2 "$TMP/c2"

# ---- back-pressure ----
crowd() {
	local i
	for i in $(seq 25); do
		camca site add "b$i" --name B --level 1 >/dev/null || return 1
	done
}
check "operators' changes go on" crowd
device cam-3
pushed_back() {
	[ -f "$TMP/c3.b64" ] || csr "$TMP/c3"
	equal "$(est_post simpleenroll "$TMP/c3" -u "cam-3:$SECRET")" 503
}
check "past outbox_max an enrollment is told to come again" \
    eventually pushed_back
check "and when" sh -c 'tr -d "\r" <"$1" | grep -qiE "^Retry-After: [0-9]+$"' \
    - "$TMP/c3.head"
check "for a clear reason" grep -q 'wait for the custody log' "$TMP/c3.out"
printf 'id,manufacturer,model,serial,site\ni-1,Acme,M,i-1,site1\n' >"$TMP/i.csv"
import_refused() {
	camca --json device import "$TMP/i.csv" >"$TMP/import.out" && return 1
	jq -e '.error.code == "custody.behind"' "$TMP/import.out"
}
check "so is an import" import_refused
check "which left nothing" equal "$(camca --json device list |
    jq '[.items[] | select(.id == "i-1")] | length')" 0
check "reading goes on" camca event list --limit 1

# ---- and puts it back ----
stop "$GATE_PID"
stop "$AUTHORITY_PID"
sql 'INSERT INTO event SELECT * FROM kept; DROP TABLE kept'
start_authority
start_gate
check "with the event back, all goes on by itself" eventually settled
check "without an error" equal "$(status error)" ""
check "the camera that was pushed back enrolls" equal \
    "$(est_post simpleenroll "$TMP/c3" -u "cam-3:$SECRET")" 200
check "the import works" camca device import "$TMP/i.csv"
check "all of that is in the log" eventually settled
events >"$TMP/end"
check "the list is whole" seqs_whole "$TMP/end"
check "with the event that was away in its place" sh -c \
    'jq -r "select(.type == \"site.added\").body" "$1" |
    sed -n "s/^site //p" | grep -A1 -x w1 | grep -qx w2' - "$TMP/end"

# ---- tiles and entries ----
tile() { # LEVEL N WIDTH
	op custody.tile "{\"level\":$1,\"n\":$2,\"width\":$3}"
}
signed() {
	[ "$(status checkpoint.size)" = "$(status size)" ]
}
check "a checkpoint covers it" eventually signed
size=$(status size)
check "hashes are served up to it" sh -c '[ "$(jq -r .data "$1" | base64 -d |
    wc -c)" = $((32 * $2)) ]' - <(tile 0 0 "$size") "$size"
entries() {
	op custody.entries "{\"n\":0,\"width\":$1}" | jq -r .data |
	    base64 -d >"$TMP/bundle"
}
hash_of_first() {
	local n
	entries "$1" || return 1
	n=$((16#$(head -c 2 "$TMP/bundle" | od -An -tx1 | tr -d ' \n')))
	{ printf '\0'; tail -c +3 "$TMP/bundle" | head -c "$n"; } | sha256sum |
	    cut -d' ' -f1
}
check "entries too, and they are what the hashes are of" equal \
    "$(hash_of_first "$size")" \
    "$(tile 0 0 1 | jq -r .data | base64 -d | od -An -v -tx1 | tr -d ' \n')"
unknown() { # LEVEL N WIDTH
	tile "$@" >"$TMP/tile.out" && return 1
	jq -e '.error.code == "custody.unknown" and .error.http == 404' \
	    "$TMP/tile.out"
}
check "not wider than it is" unknown 0 0 256
check "not behind it" unknown 0 1 1
check "not of width 0" unknown 0 0 0
check "not of a level that is empty" unknown 1 0 1
finish
