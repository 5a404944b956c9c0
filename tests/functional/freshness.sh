#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From the moment camca says "done" nobody hears "good": eight clients ask while
# certificates are revoked one by one and in batches, and again while camcad is
# killed at random. CRL numbers are watched meanwhile: none comes twice.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

ROWS=$(sized 4000 17000)
QUERIES=$(sized 100000 1000000)
SINGLES=$(sized 300 2000)
BATCHES=20
KILLS=$(sized 4 20)
RANDOM=20260

camca_init
# All clients are one address here.
sed -i '/^ *sign_rate:/d; s/^ocsp:/ocsp:\n  sign_rate: 1000000/' "$STATE/camca.yaml"
"$BIN/tests/bench/fill" "$STATE" "$ROWS" || { echo "not ok fill"; exit 1; }
chown --reference="$STATE/db" "$STATE"/db/camca.sqlite*
# certs FROM-MODEL: the tool's list. The models from there on are batches 1 to
# $BATCHES, those of the other half of all models are for single ones.
OVER="SELECT cert FROM cert_status WHERE status <> 0"
certs() {
	sqlite3 -readonly -separator ' ' "$STATE/db/camca.sqlite" "
	    SELECT lower(hex(c.serial)), m - $1 + 1, d.manufacturer || '|' || d.model
	    FROM cert c JOIN (SELECT *, CAST(substr(model, 7) AS INTEGER) m
	    FROM device) d ON d.pk = c.device WHERE m >= $1 AND m < $1 + $BATCHES
	    AND d.manufacturer = 'Vendor ' || (m % 7) AND c.id NOT IN ($OVER);
	    SELECT lower(hex(c.serial)), 0, '' FROM cert c JOIN device d
	    ON d.pk = c.device WHERE CAST(substr(d.model, 7) AS INTEGER) >= 40
	    AND c.id NOT IN ($OVER)" >"$TMP/certs"
	[ "$(awk '{ print $2 }' "$TMP/certs" | sort -u | wc -l)" -eq \
	    $((BATCHES + 1)) ]
}
race() { # SINGLES: its JSON in $RACE
	RACE=$("$BIN/tests/tools/ocsp_race" --socket "$STATE/run/authority.sock" \
	    --port "$HTTP_PORT" --ca "$TMP/issuing.pem" --certs "$TMP/certs" \
	    --queries "$QUERIES" --singles "$1" 2>"$TMP/race.err")
	RACE_RC=$?
	head -5 "$TMP/race.err"
	echo "$RACE" >"$TMP/race.json"
	return "$RACE_RC"
}
raced() { # FIELD
	jq "$1" <<<"$RACE"
}
loaded() { # COUNT: so many at least
	[ "$(sed -nE 's/.*status of ([0-9]+) certificates is loaded.*/\1/p' \
	    "$TMP/gate.log" | tail -1)" -ge "$1" ] 2>/dev/null
}

# crl_watch: number and hash of each CRL that is served, until it is stopped.
crl_watch() {
	local number
	while sleep 0.1; do
		curl -s -m 2 -o "$TMP/watch.crl" \
		    "http://127.0.0.1:$HTTP_PORT/crl/$SKI.crl" || continue
		number=$(openssl crl -inform DER -in "$TMP/watch.crl" -noout \
		    -crlnumber 2>/dev/null | sed 's/.*=0x//; s/.*=//') || continue
		[ -n "$number" ] && echo "$((16#$number)) $(sha256sum \
		    <"$TMP/watch.crl" | cut -c1-64)" >>"$TMP/crl.seen"
	done
}
numbers_once() { # no number with two contents
	equal "$(sort -u "$TMP/crl.seen" | cut -d' ' -f1 | uniq -d)" ""
}
numbers_rise() {
	cut -d' ' -f1 "$TMP/crl.seen" | sort -nc
}

crl_is_whole() { # as many entries as the store has revoked
	curl -s -o "$TMP/whole.crl" "http://127.0.0.1:$HTTP_PORT/crl/$SKI.crl"
	equal "$(openssl crl -inform DER -in "$TMP/whole.crl" -noout -text |
	    grep -c 'Serial Number:')" "$(store_sql \
	    "SELECT COUNT(*) FROM cert_status WHERE status <> 0")"
}

camca_start
camca ca certificate ec >"$TMP/issuing.pem"
SKI=$(openssl x509 -in "$TMP/issuing.pem" -noout -ext subjectKeyIdentifier |
    tail -1 | tr -d ' :' | tr A-F a-f)
check "the gate has the status of all certificates" eventually loaded "$ROWS"
crl_watch &
watch=$!
PIDS+=("$watch")

check "certificates to be revoked" certs 0
check "O16 no answer good after done, nor any stale one" race "$SINGLES"
note "race: $RACE"
check "every operation was done" equal "$(raced .operations)" \
    $((SINGLES + BATCHES))
check "clients heard good, and then revoked" test "$(raced .good)" -gt 0 -a \
    "$(raced .revoked)" -gt 0
check "nobody heard anything else" equal "$(raced '.trylater + .other + .lost')" 0

# The same while camcad is killed by the signal that nobody can catch.
check "others to be revoked" certs "$BATCHES"
race $((SINGLES / 2)) &
racer=$!
kills=0
for _ in $(seq "$KILLS"); do
	sleep "0.$((RANDOM % 9 + 1))"
	kill -0 "$racer" 2>/dev/null || break
	stop "$AUTHORITY_PID" KILL
	start_authority && kills=$((kills + 1))
done
wait "$racer"
check "camcad was killed $KILLS times, and no answer was good after done" \
    equal "$?" 0
note "race: $(cat "$TMP/race.json")"
check "it was killed while they asked" test "$kills" -gt 0
check "what is revoked in the store is in the CRL" eventually crl_is_whole
kill "$watch"
check "CRLs were seen" test -s "$TMP/crl.seen"
check "no CRL number came twice" numbers_once
check "nor went back" numbers_rise
finish
