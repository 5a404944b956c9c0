#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Jobs of site agents while things break: the token is pulled, camcad is killed
# at any moment of an agent's work, one agent takes as much as it may. No job is
# lost, none is done twice, and the vault keeps a password that works.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3
SOFTHSM=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so \
    2>/dev/null | head -1)
[ -n "$SOFTHSM" ] || skip "SoftHSM is not where Debian has it"

policies
sed -i -e 's/^pause: 10m/pause: 0s/' -e 's/^login_window: .*/login_window: 0s/' \
    -e 's/^attempts: 5/attempts: 100/' \
    -e 's/^batch: 50/batch: 100/' "$POLICIES/rules/jobs.yaml"
est_init --policies "$POLICIES"
install -m 755 "$BIN/tests/faults/pkcs11_fault.so" "$TMP/pkcs11_fault.so"
sed -i -e "s|^hsm:|hsm:\n  module: \"$TMP/pkcs11_fault.so\"\n  log_token: pkcs11:token=camca-log|" \
    "$STATE/camca.yaml"
export CAMCA_FAULT_MODULE=$SOFTHSM
export CAMCA_FAULT_CONTROL=$TMP/order
: >"$TMP/order"
camca_start

order() {
	printf '%s\n' "$1" >"$TMP/order.new"
	mv "$TMP/order.new" "$TMP/order"
}
sql() { sqlite3 -cmd '.timeout 5000' "$STATE/db/camca.sqlite" "$1"; }
ask() { # WHAT BODY: the HTTP status; the answer in $TMP/answer
	curl -s -m 40 -o "$TMP/answer" -w '%{http_code}' --cacert "$TMP/root.pem" \
	    --cert "$TMP/agent.pem" --key "$TMP/agent.key" \
	    -H 'Content-Type: application/json' --data-binary "$2" \
	    "https://localhost:$EST_PORT/agent/v1/$1"
}
lease() { ask lease "{\"version\":\"1\",\"free\":${1:-1},\"drivers\":[\"onvif\"]}"; }
report() { # JOB STEP OUTCOME [MORE]
	ask report "{\"job\":$1,\"step\":\"$2\",\"outcome\":\"$3\"${4:+,$4}}"
}
OK="done"
jobs_in() { jq '.jobs | length' "$TMP/answer"; }

camca site add s1 --name One --level 1 >/dev/null
SECRET=$(camca --json agent add agent-1 --site s1 | jq -r .secret)
csr "$TMP/agent" && accepts ra/simpleenroll "$TMP/agent" -u "agent-1:$SECRET"
awk 'BEGIN { print "id,manufacturer,model,serial,site"
	for (i = 1; i <= 70; i++) printf "cam-%02d,Acme,M1,SN%02d,s1\n", i, i }' >"$TMP/devices.csv"
awk 'BEGIN { print "device,username,password,role,level"
	for (i = 1; i <= 70; i++) for (k = 1; k <= 3; k++)
		printf "cam-%02d,user%d,Mk4Vr-%02d-password-%d,service,Operator\n", i, k, i, k }' \
    >"$TMP/secrets.csv"
awk 'BEGIN { print "id,host"; for (i = 1; i <= 70; i++)
	printf "cam-%02d,192.0.2.%d\n", i, i }' >"$TMP/reach.csv"
camca device import "$TMP/devices.csv" >/dev/null
camca secret import "$TMP/secrets.csv" >/dev/null
camca device reach --csv "$TMP/reach.csv" >/dev/null

# ---- the token is pulled ----
J=$(camca --json job create rotate-password --device cam-01 --account user1 | jq '.jobs[0]')
order gone
check "pulled: nothing is leased, come again" eventually equal "$(lease)" 503
check "the job waits, and that was no attempt" equal \
    "$(camca --json job show "$J" | jq -r '.job | .state + " " + (.attempts | tostring)')" 'waiting 0'
: >"$TMP/order"
leased() { [ "$(lease)" = 200 ] && [ "$(jobs_in)" = 1 ]; }
check "back: it is leased" eventually leased
A=$(sql "SELECT a.id FROM vault_account a JOIN device d ON d.pk = a.device
    WHERE d.id = 'cam-01' AND a.username = 'user1'")

# ---- killed at any moment of the work ----
sound() {
	equal "$(sql 'PRAGMA integrity_check')" ok &&
	    equal "$(sql "SELECT COUNT(*) FROM (SELECT device FROM job
	        WHERE state = 1 GROUP BY device HAVING COUNT(*) > 1)")" 0 &&
	    equal "$(sql "SELECT COUNT(*) FROM vault_secret WHERE account = $A
	        AND state = 1")" 1 &&
	    [ "$(sql "SELECT COUNT(*) FROM vault_secret WHERE account = $A
	        AND state = 0")" -le 1 ]
}
work() { # one turn of an agent: whatever is next
	report "$J" reach "$OK" "\"before\":\"turn $1\"" >/dev/null
	ask secret "{\"job\":$J,\"account\":$A}" >/dev/null
	report "$J" password "$OK" "\"before\":\"turn $1\"" >/dev/null
	lease 1 >/dev/null
}
BAD=0
for i in $(seq "$(sized 12 100)"); do
	(work "$i") 2>/dev/null &
	W=$!
	sleep "0.0$((RANDOM % 90 + 10))"
	kill -9 "$AUTHORITY_PID"
	stop "$AUTHORITY_PID" KILL 2>/dev/null
	wait "$W"
	start_authority
	eventually gate_reaches_authority
	sound >>"$TMP/unsound" || BAD=$((BAD + 1))
done 2>/dev/null
check "after each kill: one lease, one current, at most one pending password" equal "$BAD" 0
STATE_NOW=$(camca --json job show "$J" | jq -r .job.state)
[ "$STATE_NOW" = waiting ] && lease >/dev/null
check "the job goes on" equal "$(report "$J" reach "$OK") $(jq .go "$TMP/answer")" '200 true'
P=$(ask secret "{\"job\":$J,\"account\":$A}" >/dev/null; jq -r .sealed "$TMP/answer" | base64 -d |
    openssl cms -decrypt -inform DER -recip "$TMP/agent.pem" -inkey "$TMP/agent.key" | jq -r .password)
check "with a password" test -n "$P"
check "and ends" equal "$(report "$J" prove "$OK" "\"confirm\":{\"account\":$A}") $(report "$J" \
    end "$OK" '"end":"success"') $(camca --json job show "$J" | jq -r .job.state)" '200 200 done'
check "with what it had set" equal "$(sql "SELECT COUNT(*) FROM vault_secret WHERE account = $A
    AND state = 1 AND job = $J")" 1
check "the log of it all is whole" sh -c "'$BIN/camca' custody fsck"

# ---- as much as it may, and others meanwhile ----
camca job create observe --site s1 >/dev/null
lease 1000 >"$TMP/status" &
L=$!
SLOW=0
while kill -0 "$L" 2>/dev/null; do
	B=$(date +%s%N)
	camca --json site list >/dev/null || SLOW=99999
	M=$((($(date +%s%N) - B) / 1000000))
	[ "$M" -gt "$SLOW" ] && SLOW=$M
done
wait "$L"
check "64 jobs with 192 passwords in one answer" equal "$(cat "$TMP/status") $(jobs_in)" '200 64'
check "nobody else waited a second for it (most: $SLOW ms)" test "$SLOW" -lt 1000
check "the rest the next time" equal "$(lease 1000) $(jobs_in)" '200 6'
finish
