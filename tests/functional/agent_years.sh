#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A site that was left alone for more than a year, its clocks with it: every
# certificate has ended, the agent's own, too. It needs one secret from a person;
# the rest goes on by itself.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq sqlite3
FAKETIME_LIB=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -1)
[ -n "$FAKETIME_LIB" ] || skip "faketime is not installed"
! ldd "$BIN/camcad" | grep -q 'lib[at]san' || skip "faketime and a sanitizer"

clock() { # OFFSET: of all the programs below
	echo "$1" >"$TMP/clock.new" && chmod 644 "$TMP/clock.new" &&
	    mv "$TMP/clock.new" "$TMP/clock"
}
clock +0
CLOCK=("LD_PRELOAD=$FAKETIME_LIB" "FAKETIME_TIMESTAMP_FILE=$TMP/clock"
    FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
    FAKETIME_FORCE_MONOTONIC_FIX=0)
start_authority() {
	start camcad env "${CLOCK[@]}" "$BIN/camcad" --state "$STATE" || exit 1
	AUTHORITY_PID=$LAST_PID
}
start_gate() {
	start gate env "${CLOCK[@]}" "$BIN/camca-gate" --state "$STATE" || exit 1
	GATE_PID=$LAST_PID
	EST_PORT=$(awk '$1 == "est" { print $2 }' "$STATE/gate/ports")
	HTTP_PORT=$(awk '$1 == "http" { print $2 }' "$STATE/gate/ports")
	EST=https://localhost:$EST_PORT/.well-known/est
	export GATE_PID EST_PORT HTTP_PORT EST
}
AGENT_ENV=${CLOCK[*]}

cameras fleet -n 1 --persona=default --keygen-ms=50 || exit 1
agent_site
agent_camera cam-0 0
agent_start || exit 1
check "a camera is enrolled" equal "$(ended "$(job cam-0 enroll)")" "done"
FIRST=$(held cam-0)
check "and serves it" equal "$(served 0)" "$FIRST"
PASSWORD=$(truth 0 '.users[] | select(.name == "admin") | .password')
rotated() {
	[ "$(truth 0 '.users[] | select(.name == "admin") | .password')" != \
	    "$PASSWORD" ]
}


clock +400d
refused() { grep -q 'client.expired' "$TMP/agent.log"; }
check "more than a year later the agent is refused" eventually refused
camca --json enroll secret ra-1 | jq -r .secret >"$TMP/ra-1.secret"
kill -HUP "$AGENT_PID"
installed() { grep -q 'generation 2 installed' "$TMP/agent.log"; }
check "a new secret and SIGHUP: it enrolls anew" eventually installed
renewed() { [ "$(held cam-0)" != "$FIRST" ] && [ "$(served 0)" = "$(held cam-0)" ]; }
export EVENTUALLY=150
check "the clock has the camera's certificate renewed" eventually renewed
check "and its passwords changed" eventually rotated

# ---- a folder that cannot be opened ----
agent_end
agent_start || exit 1
mv "$TMP/ra-1.dir/identity" "$TMP/aside"
: >"$TMP/ra-1.dir/identity"
kill -HUP "$AGENT_PID"
complains() { [ "$(grep -c 'Cannot make' "$TMP/agent.log")" -ge "$1" ]; }
check "a folder that is gone: it says so" eventually complains 1
sleep 3
check_not "but not each second" complains 2
rm "$TMP/ra-1.dir/identity"
mv "$TMP/aside" "$TMP/ra-1.dir/identity"
check "and works on" equal "$(ended "$(job cam-0 observe)")" "done"
finish
