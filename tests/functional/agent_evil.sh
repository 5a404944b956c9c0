#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A camera that means harm, and somebody between agent and camera: no password
# in clear or in Basic, nobody is followed elsewhere, no answer is endless, what
# it calls itself steers no terminal and no log, and a handshake with another
# key gets not a byte.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

EVIL=$TOP/tests/tools/evil_camera.py
cameras fleet -n 1 --persona=default --keygen-ms=50 || exit 1
agent_rules
agent_site
sed -i 's/^camera-timeout = .*/camera-timeout = 3/' "$TMP/ra-1.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 \
    -subj /CN=cam-0 -keyout "$TMP/evil.key" -out "$TMP/evil.pem" 2>/dev/null
touch "$TMP/heard" "$TMP/trapped"

# ---- cameras that mean harm, each with an enrollment that goes as far as it can ----
MARK=Mk7-evil-Secret
MODES='basic stale redirect bomb drip flood heads gzip names secret'
: >"$TMP/secrets.csv"
for m in $MODES; do
	mkdir "$TMP/$m"
	cp "$TMP"/evil.??? "$TMP/$m"
	HTTP=$(free_port) HTTPS=$(free_port) TRAP=$(free_port)
	python3 "$EVIL" camera "$m" "$TMP/$m" "$HTTP" "$HTTPS" "$TRAP" \
	    2>>"$TMP/evil.log" &
	PIDS+=($!)
	for how in tls clear; do
		camca device add --id "$m-$how" --manufacturer Acme --model M \
		    --serial "S-$m-$how" --site s1 >/dev/null
		[ $how = tls ] || HTTPS=1     # nobody is there
		camca device reach "$m-$how" --host 127.0.0.1 --http-port "$HTTP" \
		    --https-port "$HTTPS" >/dev/null
		echo "$m-$how,admin,$MARK,administrator,Administrator"
	done >>"$TMP/secrets.csv"
done
sed -i '1i device,username,password,role,level' "$TMP/secrets.csv"
camca secret import "$TMP/secrets.csv" >/dev/null
for m in $MODES; do
	for how in tls clear; do
		job "$m-$how" enroll >"$TMP/$m/job-$how"
	done
done
B=$(date +%s)
check "the agent does what it can" agent_once
check "and no camera held it up" test $(($(date +%s) - B)) -lt 120
for m in $MODES; do
	for how in tls clear; do
		J=$(cat "$TMP/$m/job-$how")
		check "$m over $how: named $(job_field "$J" code)" grep -qE \
		    '^(camera|agent)\.' <<<"$(job_field "$J" code)"
	done
	check_not "$m: the password is not said" grep -aq "$MARK" "$TMP/$m/heard"
	check_not "$m: nor in Basic" grep -aqi 'authorization: *basic' "$TMP/$m/heard"
	check "$m: nobody is followed elsewhere" test ! -s "$TMP/$m/trapped"
done
check "the names were read" grep -aq GetDeviceInformation "$TMP/names/heard"
check "one that says 'stale' without end is asked as often as the budget allows" test \
    "$(grep -ac '^Authorization:' "$TMP/stale/heard")" -le 8
steers() { # control characters, C1 too, and lines that are not the log's
	LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$@" ||
	    grep -a '^2026-01-01' "$@"
}
camca event list --limit 100000 >"$TMP/events.txt"
camca device show names-tls >"$TMP/shown.txt"
camca job show "$(cat "$TMP/names/job-tls")" >>"$TMP/shown.txt"
"$BIN/camca-agent" look "127.0.0.1:$HTTP" >>"$TMP/shown.txt" 2>&1
check_not "what it calls itself steers neither log nor terminal" steers \
    "$TMP/agent.log" "$TMP/camcad.log" "$TMP/events.txt" "$TMP/shown.txt"
check_not "and no password is in any of them" grep -aq "$MARK" "$TMP"/*.log \
    "$TMP/events.txt" "$TMP/shown.txt"

# ---- somebody in between, at each connection of a rotation ----
LISTEN=$(free_port)
echo 0 >"$TMP/nth"
python3 "$EVIL" between "$TMP" "$LISTEN" "$(camera_port 0 https)" \
    2>>"$TMP/evil.log" &
PIDS+=($!)
agent_camera cam-0 0
camca device reach cam-0 --host 127.0.0.1 --http-port "$(camera_port 0 http)" \
    --https-port "$LISTEN" >/dev/null
J=$(job cam-0 enroll)
agent_once
check "enrolled through a wire that is honest" equal "$(ended "$J")" "done"
: >"$TMP/heard"
for n in $(seq 12); do
	A=$(cat "$TMP/count")
	echo $((A + n)) >"$TMP/nth"
	J=$(job cam-0 rotate-password)
	agent_once
	S=$(ended "$J")
	[ "$(cat "$TMP/count")" -ge $((A + n)) ] || break
	check "another key at connection $n: $S" grep -qE \
	    '^(done|parked camera.fallback)' <<<"$S"
	check "hears nothing" test ! -s "$TMP/heard"
	camca job cancel "$J" --reason x >/dev/null 2>&1
	camca device release cam-0 --reason "Looked" >/dev/null 2>&1
done
check "more than one was met" test "$n" -gt 2
echo 0 >"$TMP/nth"
J=$(job cam-0 rotate-password)
agent_once
check "and the camera still is ours" equal "$(ended "$J")" "done"
finish
