#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A gate that is handed to an attacker: whatever runs as its user can open
# neither the database nor the token, nor speak for an operator. Needs root and
# the users that scripts/setup makes.
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" -eq 0 ] || skip "needs root"
getent passwd camca camca-gate >/dev/null ||
    skip "no users camca and camca-gate: run scripts/setup"
need setpriv sqlite3

SOCKET=$STATE/run/authority.sock
# Where any user can run them, wherever the build folder may be.
cp "$BIN/camca" "$BIN/tests/tools/intruder" "$TMP"
chmod 755 "$TMP/camca" "$TMP/intruder"
call() { # AS OP [JSON]
	local as=$1
	shift
	"$as" "$TMP/intruder" call "$SOCKET" "$@"
}

camca_init
camca_start
device inside

# What the two processes are.
field() { # PID NAME: of /proc/PID/status
	awk -v n="$2:" '$1 == n { $1 = ""; print substr($0, 2) }' "/proc/$1/status"
}
ids() { # USER: its number four times, as in Uid:
	local n
	n=$(id -u "$1")
	echo "$n $n $n $n"
}
for w in "camcad:$AUTHORITY_PID:camca" "camca-gate:$GATE_PID:camca-gate"; do
	IFS=: read -r name pid user <<<"$w"
	check "$name runs as $user" equal "$(field "$pid" Uid)" "$(ids "$user")"
	check "$name has that user's groups only" equal \
	    "$(field "$pid" Groups | xargs)" "$(id -G "$user" | xargs)"
	check "$name has no capability left" equal "$(field "$pid" CapEff) \
$(field "$pid" CapPrm) $(field "$pid" CapAmb)" \
	    "0000000000000000 0000000000000000 0000000000000000"
	check "$name leaves no core file" grep -q \
	    '^Max core file size  *0  *0 ' "/proc/$pid/limits"
	check "$name gains no rights by a set-user-ID program" equal \
	    "$(field "$pid" NoNewPrivs)" 1
done
check "the two are different users" not equal "$(id -u camca)" \
    "$(id -u camca-gate)"
open_files() { # PID: of database and token
	find "/proc/$1/fd" \( -lname "$STATE/db/*" -o -lname "$STATE/hsm/*" \) |
	    grep .
}
libraries() { # PID: that speak to either
	grep -oE '(libsqlite3|libp11|libsofthsm2)\.so' "/proc/$1/maps"
}
check "camcad has the database open" open_files "$AUTHORITY_PID"
check_not "the gate's process has no file of either open" \
    open_files "$GATE_PID"
check "camcad has their libraries in memory" libraries "$AUTHORITY_PID"
check_not "the gate's process has not" libraries "$GATE_PID"

# An attacker in its place.
gate() {
	setpriv --reuid camca-gate --regid camca-gate --init-groups "$@"
}
other() {
	setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}
check "the attacker's shell works" gate test -r "$STATE/gate/ports"
check "there is a database" sqlite3 -readonly "$STATE/db/camca.sqlite" .tables
check_not "it does not read the database" gate cat "$STATE/db/camca.sqlite"
check_not "nor list its folder" gate ls "$STATE/db"
check_not "nor open it by SQLite" gate sqlite3 -readonly \
    "$STATE/db/camca.sqlite" .tables
check_not "it does not read the PIN" gate cat "$STATE/hsm/pin"
check_not "nor list the token's folder" gate ls "$STATE/hsm"
token_file=$(find "$STATE/hsm/tokens" -type f | head -1)
check "there is a token to look for" test -n "$token_file"
check_not "nor read the token" gate cat "$token_file"
check_not "nor change the settings" gate test -w "$STATE/camca.yaml"
writable() {
	gate find "$STATE" -path "$STATE/gate" -prune -o -writable -print |
	    grep -vxe "$SOCKET" -e "$STATE/run/status.sock"
}
check_not "it writes nowhere but in its own folder" writable
check_not "it does not take the socket's place" gate rm -f "$SOCKET"
check_not "nor put one beside it" gate touch "$STATE/run/other"
check_not "it does not rename its folder" gate mv "$STATE/gate" "$STATE/gate2"

# The status feed: the gate's user, and no other, and nothing else there.
fed() { # AS OP [JSON]: on the feed's socket
	local as=$1
	shift
	"$as" "$TMP/intruder" call "$STATE/run/status.sock" "$@"
}
root() { "$@"; }
ask='{"gate":"00000000000000000000000000000000","store":"","after_cert":0}'
check "the gate's user is served by the feed" fed gate status.feed "$ask"
check_not "root is not: who asks there can make operators wait" \
    fed root status.feed "$ask"
check_not "the feed does nothing else" fed gate system.ping

# The other process.
check_not "it sends camcad no signal" gate kill -0 "$AUTHORITY_PID"
for f in mem environ maps; do
	check_not "it does not read camcad's $f" gate head -c 1 \
	    "/proc/$AUTHORITY_PID/$f"
done
check_not "nor see its open files" gate ls "/proc/$AUTHORITY_PID/fd"
check_not "nor trace it" gate "$TMP/intruder" trace "$AUTHORITY_PID"
check_not "a second process of the gate's user does not trace the gate" \
    gate "$TMP/intruder" trace "$GATE_PID"
# The same attempt on a process that does not guard itself succeeds.
setpriv --reuid camca-gate --regid camca-gate --init-groups sleep 600 &
PIDS+=("$!")
check "another process of its user it does trace" \
    eventually gate "$TMP/intruder" trace "$!"

# The socket.
check "it is heard on the socket" call gate system.ping
check "every operator's operation is refused to it" \
    gate "$TMP/intruder" sweep "$SOCKET" gate
refused_to_gate() { # OP JSON
	call gate "$@" | grep -q '^403 auth.not-permitted'
}
check "it learns nothing of a device" refused_to_gate device.show \
    '{"id":"inside"}'
check "it makes no secret" refused_to_gate enroll.secret '{"device":"inside"}'
check "it approves nothing" refused_to_gate enroll.approve '{"id":1}'
check "the command line does not help it" sh -c \
    '"$@" device list 2>&1 | grep -q auth.not-permitted' - setpriv \
    --reuid camca-gate --regid camca-gate --init-groups "$TMP/camca" \
    --state "$STATE"
root() { "$@"; }
check "an operator is heard" call root system.ping
check "an operator does not speak for cameras" \
    "$TMP/intruder" sweep "$SOCKET" operator
check "another user can run the program" other "$TMP/camca" --help
check_not "another user does not reach the socket" call other system.ping
near() { # the gate's group, another user
	setpriv --reuid nobody --regid camca-gate --clear-groups "$@"
}
check_not "nor with the gate's group" call near system.ping
check "that was noticed" grep -q 'was turned away' "$TMP/camcad.log"

# It may take up connections, but none that operators need.
mkfifo "$TMP/crowd.in"
gate "$TMP/intruder" crowd "$SOCKET" 400 <"$TMP/crowd.in" >"$TMP/crowd" &
PIDS+=("$!")
exec 6>"$TMP/crowd.in"
for _ in $(seq 300); do
	[ -s "$TMP/crowd" ] && break
	sleep 0.1
done
check "a crowd of its connections is cut" test "$(cat "$TMP/crowd")" -lt 200
check "an operator is heard all the same" timeout 20 "$BIN/camca" device list
exec 6>&-

# What the settings give to nobody at the gate it does not get for itself.
check "the gate gets the custody log where it serves it" \
    call gate custody.checkpoint
stop "$GATE_PID"
stop "$AUTHORITY_PID"
sed -i 's/^  access: .*/  access: "off"/' "$STATE/camca.yaml"
camca_start
for c in 'custody.checkpoint {}' 'custody.tile {"level":0,"n":0,"width":1}' \
    'custody.entries {"n":0,"width":1}'; do
	op=${c%% *}
	check "custody: access: off: $op is refused to the gate's user" \
	    refused_to_gate "$op" "${c#* }"
	check "off: an operator has $op" call root "$op" "${c#* }"
done
check "off: the refusal says why" sh -c \
    '"$@" | grep -q "custody: access: off"' - setpriv --reuid camca-gate \
    --regid camca-gate --init-groups "$TMP/intruder" call "$SOCKET" \
    custody.checkpoint
check "off: who asks all the same is on record" sh -c \
    '"$1" event list --limit 1000 | grep -q custody.entries' - "$BIN/camca"
finish
