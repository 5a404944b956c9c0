#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The token goes away while cameras enroll, and comes back: "try again later",
# no half record, and work goes on by itself. By a PKCS#11 module that plays the
# pulled token, and by SoftHSM's own folder moved away.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

N=$(sized 200 2000)
SOFTHSM=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so \
    2>/dev/null | head -1)
[ -n "$SOFTHSM" ] || skip "SoftHSM is not where Debian has it"

camca_init
# All clients here are one address: its refusals must not slow the others.
# camcad is another user, who may have no way into the build folder.
FAULT_MODULE=$TMP/pkcs11_fault.so
install -m 755 "$BIN/tests/faults/pkcs11_fault.so" "$FAULT_MODULE"
sed -i -e 's/^gate:/gate:\n  failures_per_minute: 1000000/' \
    -e "s|^hsm:|hsm:\n  module: \"$FAULT_MODULE\"\n  log_token: pkcs11:token=camca-log|" \
    "$STATE/camca.yaml"
export CAMCA_FAULT_MODULE=$SOFTHSM
export CAMCA_FAULT_CONTROL=$TMP/order
: >"$TMP/order"
camca_start
devices g "$N" && devices m "$N" && devices l "$N" && devices s 60 ||
    { echo "not ok devices"; exit 1; }
exec 7<"$TMP/s.sec"

order() {
	printf '%s\n' "$1" >"$TMP/order.new"
	mv "$TMP/order.new" "$TMP/order"
}
rows() {
	store_sql "SELECT (SELECT COUNT(*) FROM cert), (SELECT n FROM counter
	    WHERE name = 'outbox'), (SELECT COUNT(*) FROM enroll_secret
	    WHERE state <> 0)"
}
# ask NAME: a camera of its own, status of its request.
ask() {
	[ -f "$TMP/$1.who" ] || { read -r ID SECRET <&7
	    echo "$ID $SECRET" >"$TMP/$1.who"; }
	read -r ID SECRET <"$TMP/$1.who"
	post "$TMP/$1" "$ID" "$SECRET"
}
asks() { # NAME STATUS
	equal "$(ask "$1")" "$2" || { cat "$TMP/$1.out"; return 1; }
}
clear_text() {
	cat "$1"
	grep -qiE 'token|HSM' "$1" && ! grep -qE "$STATE|0x[0-9a-f]|\.so" "$1"
}

# ---- pulled ----
storm g --threads 8 --patience 60
storm_until $((N / 4))
order gone
check "pulled: an enrollment is told to come again" eventually asks gone 503
check "pulled: and when" has_retry_after "$TMP/gone"
check "pulled: the text is clear" clear_text "$TMP/gone.out"
quiet=$(rows)
for i in 1 2 3 4 5; do ask "gone" >/dev/null; done
check "pulled: nothing half done is written" equal "$(rows)" "$quiet"
check "pulled: CA certificates are still given" equal "$(curl -s -o /dev/null \
    -w '%{http_code}' --cacert "$TMP/root.pem" "$EST/cacerts")" 200
check "pulled: an operator can still read and register" camca device add \
    --id late --manufacturer Acme --model M --serial late --site crowd
doctor_says() {
	camca doctor >"$TMP/doctor" && return 1
	grep -E '^error +token' "$TMP/doctor"
}
check "pulled: the doctor says so" doctor_says
order ""
check "given back: work goes on by itself" storm_end
check "given back: it did stop in between" test "$(storm_field busy)" -gt 0
note "storm: $STORM"
check "given back: the same request is served" eventually asks gone 200
record_whole g

# ---- single calls fail, at any of their places ----
every_call() {
	local n status good=0
	for n in $(seq 12); do
		order "after $n"
		status=$(ask "call$n")
		case $status in
		200) good=$((good + 1)) ;;
		503) order ""; eventually asks "call$n" 200 || return 1 ;;
		*) echo "call $n: $status"; cat "$TMP/call$n.out"; return 1 ;;
		esac
	done
	order ""
	echo "$good were served in spite of it"
}
check "any one call that fails gives 200 or 503, then 200" every_call

# ---- a signature that is wrong ----
order flip
check "a wrong signature is noticed and not given out" asks flip 503
order ""
check "and the next one is right" eventually asks flip 200
p7_cert "$TMP/flip"
camca ca certificate ec >"$TMP/ec.pem"
check "the certificate verifies" openssl verify -CAfile "$TMP/root.pem" \
    -untrusted "$TMP/ec.pem" "$TMP/flip.pem"

# ---- SoftHSM's folder moved away ----
storm m --threads 8 --patience 60
storm_until $((N / 4))
mv "$STATE/hsm/tokens" "$STATE/hsm/away"
moved() {
	local status i
	for i in 1 2 3 4 5 6 7 8; do
		status=$(ask "moved$i")
		case $status in 200|503) ;; *) echo "$status"; return 1 ;; esac
	done
	echo "last: $status"
}
check "moved away: an answer is 200 or 503, nothing else" moved
check "moved away: what was answered is on record" received_is_stored m
mv "$STATE/hsm/away" "$STATE/hsm/tokens"
check "put back: work goes on by itself" storm_end
note "storm: $STORM"
put_back() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		eventually asks "moved$i" 200 || return 1
	done
}
check "put back: each of them is served" put_back
record_whole m

# ---- the custody log's token alone ----
log_token_is() { # true|false
	camca --json doctor | jq -e --argjson ok "$1" \
	    '.checks[] | select(.name == "log token") | .ok == $ok' >/dev/null
}
check "the log's token is well" log_token_is true
storm l --threads 8 --patience 60
storm_until $((N / 4))
order "away camca-log"
check "log's token pulled: the doctor warns" eventually log_token_is false
check "log's token pulled: an enrollment is served at once" asks log1 200
order "ill camca-log"
check "log's token ill: an enrollment is served at once" asks log2 200
check "log's token ill: the CAs' token is well" sh -c '"$1" --json doctor |
    jq -e ".checks[] | select(.name == \"token\") | .ok"' - "$BIN/camca"
check "log's token ill: the storm goes on" storm_end
check "log's token ill: no camera was told to wait" equal \
    "$(storm_field busy)" 0
note "storm: $STORM"
record_whole l
order "ill camca-log; after 1"
check "both: the CAs' is open again inside the call" asks log3 200
order ""
check "log's token given back: it is well by itself" \
    eventually log_token_is true
LOG_FOLDER=$(dirname "$(grep -la camca-log "$STATE"/hsm/tokens/*/token.object)")
mv "$LOG_FOLDER" "$STATE/hsm/log-away"
check "its folder moved away: the doctor warns" eventually log_token_is false
check "its folder moved away: an enrollment is served" asks log4 200
mv "$STATE/hsm/log-away" "$LOG_FOLDER"
check "its folder put back: it is well by itself" eventually log_token_is true
check "its folder put back: an enrollment is served" asks log5 200

# ---- away when camcad starts ----
stop "$AUTHORITY_PID"
mv "$STATE/hsm/tokens" "$STATE/hsm/away"
no_start() {
	timeout 30 "$BIN/camcad" --state "$STATE" 2>"$TMP/no-token.log"
	equal $? 1 || return 1
	cat "$TMP/no-token.log"
	grep -iE 'token|hsm' "$TMP/no-token.log"
}
check "without its token camcad does not start, and says why" no_start
check "the gate answers 503 meanwhile" asks late 503
mv "$STATE/hsm/away" "$STATE/hsm/tokens"
start_authority
check "with it, all is as before" eventually asks late 200

# ---- the embedded token itself, without a module in front of it ----
stop "$AUTHORITY_PID"
sed -i -e '/^  module:/d' -e '/^  log_token:/d' "$STATE/camca.yaml"
mv "$LOG_FOLDER" "$STATE/hsm/log-away"
start_authority
check "without the log's token camcad starts" eventually asks log6 200
check "and none is made in its place" equal \
    "$(grep -la camca-log "$STATE"/hsm/tokens/*/token.object)" ""
mv "$STATE/hsm/log-away" "$LOG_FOLDER"
check "put back, it is well" eventually log_token_is true
stop "$AUTHORITY_PID"
rm -r "$LOG_FOLDER" "$STATE/hsm/made-camca-log"
start_authority
check "a state folder older than the log gets the token" \
    eventually log_token_is true
check "the daemons have lived through it" \
    kill -0 "$AUTHORITY_PID" "$GATE_PID"
finish
