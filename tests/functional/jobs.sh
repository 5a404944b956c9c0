#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Jobs as a site agent and an operator meet them, without an agent: curl with a
# client certificate asks the gate, openssl opens what is sealed. What an agent
# may have, what it may say, and what is left after a crash between any two
# calls.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq python3 sqlite3 faketime

MARK=Mk9Wq
OK="done"              # the word of the shell confuses its checkers
policies
RULES=$POLICIES/rules/jobs.yaml
sed -i -e 's/^pause: 10m/pause: 0s/' -e 's/^attempts: 5/attempts: 3/' \
    -e 's/^login_window: .*/login_window: 0s/' "$RULES"
est_init --policies "$POLICIES"
camca_start

# ---- help ----
sql() { sqlite3 "$STATE/db/camca.sqlite" "$1"; }
# agent ID SITE: registered, enrolled; key and certificate in $TMP/ID
agent() {
	local s
	s=$(camca --json agent add "$1" --site "$2" | jq -r .secret)
	csr "$TMP/$1" && equal "$(est_post ra/simpleenroll "$TMP/$1" \
	    -u "$1:$s")" 200 && p7_cert "$TMP/$1"
}
# ask AGENT WHAT BODY: the HTTP status; the answer in $TMP/answer
ask() {
	curl -s -o "$TMP/answer" -w '%{http_code}' --cacert "$TMP/root.pem" \
	    --cert "$TMP/$1.pem" --key "$TMP/$1.key" \
	    -H 'Content-Type: application/json' --data-binary "$3" \
	    "https://localhost:$EST_PORT/agent/v1/$2"
}
lease() { # AGENT [FREE]
	ask "$1" lease "{\"version\":\"0.1.0\",\"free\":${2:-8},\"drivers\":[\"onvif\"]}"
}
job() { jq -r ".jobs[0]$1" "$TMP/answer"; }
# report AGENT JOB STEP OUTCOME [MORE]
report() {
	ask "$1" report "{\"job\":$2,\"step\":\"$3\",\"outcome\":\"$4\"${5:+,$5}}"
}
go() { jq -r .go "$TMP/answer"; }
code() { jq -r .code "$TMP/answer"; }
# open AGENT: opens base64 CMS from standard input
open() {
	base64 -d | openssl cms -decrypt -inform DER -recip "$TMP/$1.pem" \
	    -inkey "$TMP/$1.key"
}
state() { camca --json job show "$1" | jq -r .job.state; }
field_of() { camca --json job show "$1" | jq -r ".job.$2"; }
# create DEVICE KIND [options]: number of the job
create() { camca --json job create "$2" --device "$1" "${@:3}" | jq -r '.jobs[0]'; }
# is STATUS CODE COMMAND...: it is refused so
is() {
	equal "$("${@:3}")" "$1" && { [ -z "$2" ] || equal "$(code)" "$2"; } ||
	    { cat "$TMP/answer"; return 1; }
}

camca site add s1 --name One --level 1 >/dev/null
camca site add s2 --name Two --level 2 >/dev/null
for i in 1 2 3 4 5 6; do
	camca device add --id "cam-$i" --manufacturer Acme --model M1 \
	    --serial "SN$i" --site s1 >/dev/null
	printf 'cam-%s,192.0.2.%s,8080,8443,\n' "$i" "$i"
done >"$TMP/rows"
camca device add --id far-1 --manufacturer Acme --model M1 --serial F1 \
    --site s2 >/dev/null
{ echo id,host,http_port,https_port,path; cat "$TMP/rows"; } >"$TMP/reach.csv"
cat >"$TMP/secrets.csv" <<CSV
device,username,password,role,level
cam-1,admin,${MARK}-admin-one,administrator,Administrator
cam-1,glass,${MARK}-glass-one,break-glass,Administrator
cam-2,admin,${MARK}-admin-two,administrator,Administrator
cam-3,admin,admin,administrator,Administrator
far-1,admin,${MARK}-admin-far,administrator,Administrator
CSV
camca secret import "$TMP/secrets.csv" >/dev/null

# ---- agents and addresses ----
check "an agent enrolls with its one-time secret" agent ag-1 s1
check "a second one of the site" agent ag-2 s1
check "one of another site" agent ag-far s2
check "addresses from a table" camca device reach --csv "$TMP/reach.csv"
check "one address" camca device reach far-1 --host far.example --https-port 0
check_not "no host that is none" camca device reach far-1 --host 'a b/c'
check_not "no address without a port" camca device reach cam-1 --host x \
    --http-port 0 --https-port 0
camca device add --id cam-8 --manufacturer Acme --model M1 --serial SN8 --site s1 >/dev/null
check_not "no job for a camera without an address" camca job create observe --device cam-8
check_not "no rollback of a password" camca job create rotate-password --device cam-1 \
    --mode rollback
check "who is there" equal "$(camca --json agent list --site s1 |
    jq -r '[.items[].agent] | join(" ")')" 'ag-1 ag-2'

# ---- nothing to do ----
check "a lease without jobs" equal "$(lease ag-1) $(jq -c '[.poll_s, .jobs]' "$TMP/answer")" \
    '200 [5,[]]'
check "it is seen" equal "$(camca --json agent list | jq -r \
    '.items[] | select(.agent == "ag-1") | .version')" 0.1.0

# ---- the happy path of a rotation ----
J=$(create cam-1 rotate-password --account admin --reason "First change")
check "the same once more is the same job" equal \
    "$(create cam-1 rotate-password --account admin)" "$J"
check "another site's agent hears nothing of it" equal \
    "$(lease ag-far) $(jq '.jobs | length' "$TMP/answer")" '200 0'
check "leased" equal "$(lease ag-1) $(job .id)" "200 $J"
cp "$TMP/answer" "$TMP/lease-1"
check "kind, mode, alias" equal "$(job .kind) $(job .mode) $(job .alias)" \
    "rotate-password apply camca:cam-1:$J"
check "where it is" equal "$(job .reach.host):$(job .reach.https_port)" 192.0.2.1:8443
check "EST labels with their keys" equal "$(jq -c '.jobs[0].est[0].keys' "$TMP/answer")" \
    '["p256","p384","rsa"]'
check "trust is PEM" grep -q 'BEGIN CERTIFICATE' "$TMP/answer"
check_not "no password in it" grep -q "$MARK" "$TMP/answer"
job .sealed | open ag-1 >"$TMP/plain"
check "sealed: the account" equal "$(jq -r '.accounts[0] | .user + " " + .current' \
    "$TMP/plain")" "admin ${MARK}-admin-one"
check "sealed: not the one for emergencies" equal "$(jq '.accounts | length' "$TMP/plain")" 1
A=$(jq '.accounts[0].id' "$TMP/plain")
check_not "another agent cannot open it" sh -c "jq -r '.jobs[0].sealed' '$TMP/lease-1' |
    base64 -d | openssl cms -decrypt -inform DER -recip '$TMP/ag-2.pem' \
    -inkey '$TMP/ag-2.key'"
check "leased once: a second agent gets nothing" equal \
    "$(lease ag-2) $(jq '.jobs | length' "$TMP/answer")" '200 0'

check "a step is reported" equal "$(report ag-1 "$J" reach "$OK" \
    '"before":"port 8443 answers","after":""') $(go)" '200 true'
check "told twice" equal "$(report ag-1 "$J" reach "$OK" \
    '"before":"port 8443 answers","after":""') $(go)" '200 true'
check "counts once" equal "$(camca --json job show "$J" | jq '.steps | length')" 1
check "a sign of life is no step" equal "$(report ag-1 "$J" reach skipped \
    '"code":"agent.waiting"') $(camca --json job show "$J" | jq '.steps | length')" '200 1'
check "a new password" equal "$(ask ag-1 secret \
    "{\"job\":$J,\"account\":$A,\"rule\":{\"min\":8,\"max\":16,\"specials\":\"\"}}")" 200
jq -r .sealed "$TMP/answer" | open ag-1 >"$TMP/new"
NEW=$(jq -r .password "$TMP/new")
check "is sealed, and keeps the camera's rule" \
    grep -qE '^[A-Za-z0-9]{16}$' <<<"$NEW"
ask ag-1 secret "{\"job\":$J,\"account\":$A,\"rule\":{\"min\":8,\"max\":16,\"specials\":\"\"}}" >/dev/null
jq -r .sealed "$TMP/answer" | open ag-1 >"$TMP/new2"
check "asked again it is the same one" equal "$(jq -r .password "$TMP/new2")" "$NEW"
check "pending in the vault" equal "$(sql "SELECT COUNT(*) FROM vault_secret
    WHERE account = $A AND state = 0")" 1

# ---- what an agent may not say ----
check "no password in a report" is 400 job.report-secret report ag-1 "$J" password \
    "$OK" "\"after\":\"set to $NEW\""
check "nor anywhere in an observation" is 400 job.report-secret report ag-1 "$J" \
    observe "$OK" "\"observation\":{\"x\":[{\"$NEW\":1}]}"
check "nor the old one" is 400 job.report-secret report ag-1 "$J" password \
    "$OK" "\"detail\":\"${MARK}-admin-one\""
check "no unknown member" is 400 request.argument report ag-1 "$J" password "$OK" '"pass":"x"'
check "no unknown step" is 400 request.argument report ag-1 "$J" dance "$OK"
check "no failure without a code" is 400 request.argument report ag-1 "$J" key failed
check "no text above its size" is 400 request.argument report ag-1 "$J" key "$OK" \
    "\"before\":\"$(head -c 4097 /dev/zero | tr '\0' a)\""
head -c 270000 /dev/zero | tr '\0' ' ' >"$TMP/large"
check "no body above 256 KiB" is 413 '' ask ag-1 report "@$TMP/large"
check "no JSON, no answer" is 400 request.malformed ask ag-1 report '{"job":'
check "no member twice" is 400 request.malformed ask ag-1 report '{"job":1,"job":2}'
check "another media type" equal "$(curl -s -o /dev/null -w '%{http_code}' \
    --cacert "$TMP/root.pem" --cert "$TMP/ag-1.pem" --key "$TMP/ag-1.key" \
    -d '{}' "https://localhost:$EST_PORT/agent/v1/lease")" 415
check "GET is not possible" equal "$(curl -s -o /dev/null -w '%{http_code}' \
    --cacert "$TMP/root.pem" --cert "$TMP/ag-1.pem" --key "$TMP/ag-1.key" \
    "https://localhost:$EST_PORT/agent/v1/lease")" 405
check "without a certificate" equal "$(curl -s -o "$TMP/answer" -w '%{http_code}' \
    --cacert "$TMP/root.pem" -H 'Content-Type: application/json' -d '{}' \
    "https://localhost:$EST_PORT/agent/v1/lease") $(code)" '403 agent.no-certificate'
check "nothing beside the three" is 404 http.no-such-resource ask ag-1 leases '{}'
check "another agent's report is not taken" equal \
    "$(report ag-2 "$J" password "$OK") $(go)" '200 false'
check "nor its wish for a password" is 409 job.lease ask ag-2 secret \
    "{\"job\":$J,\"account\":$A}"
check "another site's does not hear that there is one" is 404 job.unknown \
    report ag-far "$J" password "$OK"
G=$(sql "SELECT a.id FROM vault_account a WHERE a.username = 'glass'")
check "not for another account" is 403 job.account ask ag-1 secret "{\"job\":$J,\"account\":$G}"
check "nor a new one" is 403 job.account ask ag-1 secret \
    "{\"job\":$J,\"user\":\"mine\",\"role\":\"service\",\"level\":\"Administrator\"}"

# ---- its end ----
check "confirmed" equal "$(report ag-1 "$J" prove "$OK" "\"confirm\":{\"account\":$A}") $(go)" \
    '200 true'
check "confirmed twice" equal "$(report ag-1 "$J" prove "$OK" \
    "\"confirm\":{\"account\":$A}") $(go)" '200 true'
check "done" equal "$(report ag-1 "$J" end "$OK" '"end":"success"') $(state "$J")" '200 done'
check "told again changes nothing" equal "$(report ag-1 "$J" end failed \
    '"code":"camera.reset","end":"failed"') $(go) $(state "$J")" '200 false done'
check "a step after the end neither" equal "$(report ag-1 "$J" key "$OK") $(go)" '200 false'
check "one current, one old" equal "$(sql "SELECT group_concat(state, ' ') FROM
    (SELECT state FROM vault_secret WHERE account = $A ORDER BY state)")" '1 2'
check "made, leased, ended: on record" event_has \
    "type job.created .*type job.leased .*type job.ended .*state done" cam-1
check "and shown in words" sh -c "'$BIN/camca' custody show cam-1 | grep -qi 'job'"

# ---- cancelled at work ----
J=$(create cam-2 rotate-password)
lease ag-1 >/dev/null
check "leased" equal "$(job .id)" "$J"
camca job cancel "$J" --reason "Not tonight" >/dev/null
check "cancelled: the agent hears it, and nothing changes" equal \
    "$(report ag-1 "$J" password "$OK") $(go) $(state "$J")" '200 false cancelled'
check "nor does it get a password" is 409 job.lease ask ag-1 secret \
    "{\"job\":$J,\"account\":1}"
check_not "what is done cannot be cancelled" camca job cancel "$J" --reason x

# ---- two agents at once ----
for i in 1 2 3 4 5 6; do create "cam-$i" observe >/dev/null; done
race() {
	local i a asked=()
	for i in 1 2 3; do
		for a in ag-1 ag-2; do
			curl -s --cacert "$TMP/root.pem" --cert "$TMP/$a.pem" \
			    --key "$TMP/$a.key" -H 'Content-Type: application/json' \
			    -d '{"version":"0.1.0","free":2,"drivers":["onvif"]}' \
			    "https://localhost:$EST_PORT/agent/v1/lease" >"$TMP/race.$a.$i" &
			asked+=($!)
		done
	done
	wait "${asked[@]}"
	cat "$TMP"/race.* | jq -r '.jobs[].id'
}
race >"$TMP/got"
check "each job went to one agent" equal "$(sort "$TMP/got" | uniq -d)" ''
check "and each was given" equal "$(wc -l <"$TMP/got")" 6
check "never two at a camera" equal "$(sql "SELECT COUNT(*) FROM job WHERE state = 1")" 6
while read -r j; do
	for a in ag-1 ag-2; do
		report "$a" "$j" end "$OK" '"end":"success"' >/dev/null
	done
done <"$TMP/got"
check "all done" equal "$(sql "SELECT COUNT(*) FROM job WHERE state = 1")" 0

# ---- what was read ----
observe() { # JOB JSON [STEP-MORE]
	report ag-1 "$1" observe "$OK" "\"observation\":$2"
}
look() { # DEVICE JSON: a whole job
	local j
	j=$(create "$1" observe)
	lease ag-1 >/dev/null
	observe "$j" "$2" >/dev/null
	report ag-1 "$j" end "$OK" '"end":"success"' >/dev/null
}
findings() { events "$1" | jq -r 'select(.type == "camera.finding") | .body' | sed -n 's/^rule //p'; }
FINE='{"manufacturer":"ACME","model":"M1 rev 2","serial":"sn-2","firmware":"1.0","hardware_id":"H","clock_offset_ms":900,"served":null,"accounts":[{"user":"admin","level":"Administrator"}]}'
look cam-2 "$FINE"
check "a camera as declared: nothing is found" equal "$(findings cam-2)" ''
check "but it was seen" event_has 'type camera.observed .*firmware 1.0' cam-2
check "declared and read are kept apart" equal "$(camca --json device show cam-2 |
    jq -r '.device.model + "/" + .read.values.model + " at " + .reach.host')" \
    'M1/M1 rev 2 at 192.0.2.2'
look cam-2 "$FINE"
check "the same once more is no news" equal "$(events cam-2 |
    jq -r 'select(.type == "camera.observed") | .type' | wc -l)" 1
look cam-2 "$(jq -c '.accounts += [{user: "ghost", level: "Administrator"}] |
    .firmware = "1.1" | .clock_offset_ms = -4000000' <<<"$FINE")"
check "a strange administrator, another firmware, a clock that is off" equal \
    "$(findings cam-2 | sort | tr '\n' ' ')" \
    'camera.clock-off camera.firmware-changed camera.second-administrator '
look cam-2 "$(jq -c '.firmware = "1.1"' <<<"$FINE")"
check "what is mended is cleared" equal "$(events cam-2 |
    jq -r 'select(.type == "camera.cleared") | .body' | grep -c '^rule ')" 2
look cam-3 "$(jq -c '.serial = "SN3"' <<<"$FINE")"
check "a maker's password that works" equal "$(findings cam-3)" camera.default-password
look cam-4 "$(jq -c '.serial = "XX-99"' <<<"$FINE" | jq -c '.accounts = []')"
check "another camera at the address" equal "$(findings cam-4)" camera.identity-drift

# A camera that an agent has enrolled, then reset to its factory certificate.
camca device add --id cam-7 --manufacturer Acme --model M1 --serial SN7 --site s1 >/dev/null
csr "$TMP/cam-7" && accepts simpleenroll "$TMP/cam-7" \
    -u "cam-7:$(camca --json enroll secret cam-7 | jq -r .secret)"
camca device reach cam-7 --host 192.0.2.7 >/dev/null
LEAF=$(openssl x509 -in "$TMP/cam-7.pem" -outform DER | sha256sum | cut -d' ' -f1)
J=$(create cam-7 enroll)
lease ag-1 >/dev/null
check "the agent knows what the inventory holds" equal "$(job .held.sha256)" "$LEAF"
report ag-1 "$J" tls "$OK" "\"served\":{\"sha256\":\"$LEAF\"}" >/dev/null
report ag-1 "$J" end "$OK" '"end":"success"' >/dev/null
check "what it serves is expected there from now on" equal \
    "$(sql "SELECT lower(hex(tls_sha256)) FROM device_reach r JOIN device d
    ON d.pk = r.device WHERE d.id = 'cam-7'")" "$LEAF"
OURS=$(jq -c ".serial = \"SN7\" | .accounts = [] | .served = {sha256: \"$LEAF\"}" <<<"$FINE")
look cam-7 "$OURS"
check "serving ours: nothing is found" equal "$(findings cam-7)" ''
FACTORY=$(printf 'ab%.0s' $(seq 32))
look cam-7 "$(jq -c ".served = {sha256: \"$FACTORY\"}" <<<"$OURS")"
check "serving another: found" equal "$(findings cam-7)" camera.fallback
check "and on hold by policy" equal "$(camca --json device show cam-7 | jq -r .device.state)" held
check "on hold: its certificate too" equal "$(camca --json cert list --device cam-7 |
    jq -r '.items[0].status')" hold
check "which is on record" event_has 'type camera.finding .*action hold' cam-7

# An agent that meets another leaf tells no more than that.
camca device release cam-7 --reason "Looked at it" >/dev/null
look cam-7 "$(jq -c '.accounts = [{user: "ghost", level: "Administrator"}]' <<<"$OURS")"
J=$(create cam-7 rotate-password)
lease ag-1 >/dev/null
FOREIGN=$(printf 'ef%.0s' $(seq 32))
report ag-1 "$J" reach failed "\"code\":\"camera.fallback\",\"end\":\"parked\",\"observation\":{\"served\":{\"sha256\":\"$FOREIGN\"}}" >/dev/null
check "seen at the door only: on hold as well" equal \
    "$(camca --json device show cam-7 | jq -r .device.state) $(state "$J")" 'held parked'
check "what was not looked at is not taken for mended" equal "$(events cam-7 |
    jq -r 'select(.type == "camera.cleared") | .body' | grep -c second-administrator)" 0
camca job cancel "$J" --reason "Seen" >/dev/null

# ---- a key seen on two cameras ----
SPKI=$(printf 'cd%.0s' $(seq 32))
keyed() { jq -c ".serial = \"$1\" | .accounts = [] | .served = {sha256: \"$2\"} |
    .certificates = [{alias: \"factory\", sha256: \"$2\", spki: \"$SPKI\"}]" <<<"$FINE"; }
look cam-5 "$(keyed SN5 "$FACTORY")"
check "a key on one camera is fine" equal "$(findings cam-5)" ''
look cam-6 "$(keyed SN6 "$FACTORY")"
check "on a second one it is not" equal "$(findings cam-6)" camera.key-shared

# ---- a camera that has done its service ----
J=$(create cam-7 retire --reason "Replaced")
lease ag-1 >/dev/null
report ag-1 "$J" end "$OK" '"end":"success"' >/dev/null
check "retired" equal "$(camca --json device show cam-7 | jq -r .device.state)" retired
check "its certificate is revoked" equal "$(camca --json cert list --device cam-7 |
    jq -r '.items[0] | .status + " " + .reason')" 'revoked cessationOfOperation'
check_not "there is no more to do with it" camca job create observe --device cam-7

# ---- failures ----
fail() { # DEVICE CODE [END]
	local j
	j=$(create "$1" renew)
	lease ag-1 >/dev/null
	report ag-1 "$j" assign failed "\"code\":\"$2\",\"detail\":\"It said no.\",\"end\":\"${3:-failed}\"" >/dev/null
	echo "$j"
}
J=$(fail cam-5 camera.refused rolled-back)
check "a failure is one" equal "$(state "$J") $(field_of "$J" code)" 'failed camera.refused'
check "a person lets it begin anew" camca job retry "$J"
check "it waits" equal "$(state "$J")" waiting
lease ag-1 >/dev/null
report ag-1 "$J" reach failed '"code":"camera.unreachable","end":"failed"' >/dev/null
check "nobody there: another try, later" equal "$(state "$J")" waiting
check "not at once" equal "$(lease ag-1) $(jq '.jobs | length' "$TMP/answer")" '200 0'
J=$(create cam-4 renew)
lease ag-1 >/dev/null
report ag-1 "$J" reach failed '"code":"agent.stopped","end":"failed"' >/dev/null
check "an agent that stops has not failed" equal "$(state "$J") $(field_of "$J" attempts)" \
    'waiting 0'
camca job cancel "$J" --reason x >/dev/null
J=$(fail cam-6 camera.auth parked)
check "an unknown password waits for a person" equal "$(state "$J")" parked

# ---- a series stops ----
sed -i -e 's/^stop_after_failures: 3/stop_after_failures: 2/' -e 's/^version: 1/version: 2/' \
    "$STATE/policies/rules/jobs.yaml"
check "the rules are read anew" camca policy reload
camca job create push-crl --site s1 >/dev/null
for _ in 1 2; do
	lease ag-1 1 >/dev/null
	report ag-1 "$(job .id)" crl failed '"code":"camera.refused","end":"failed"' >/dev/null
done
check "after failures in a row nothing more is given out" equal \
    "$(lease ag-1) $(jq '.jobs | length' "$TMP/answer")" '200 0'
check "on record" event_has 'type job.stopped .*site s1 failures [0-9]+ code camera.refused'
J=$(create cam-2 observe)
check "what a person asks for one camera is done all the same" equal \
    "$(lease ag-1 >/dev/null; job .id)" "$J"
report ag-1 "$J" end "$OK" '"end":"success"' >/dev/null
check "the series goes on when a person says so" camca job retry --site s1 --reason "Mended"
check "with what had failed" sh -c "[ $(lease ag-1 >/dev/null; jq '.jobs | length' "$TMP/answer") -ge 4 ]"
jq -r '.jobs[].id' "$TMP/answer" | while read -r j; do
	report ag-1 "$j" end "$OK" '"end":"success"' >/dev/null
done

# ---- an agent that is stolen ----
J=$(create cam-1 rotate-password --account admin)
lease ag-2 >/dev/null
check "at work" equal "$(job .id)" "$J"
camca --json agent revoke ag-2 --reason "Stolen" >"$TMP/gone"
check "its work is taken back" equal "$(jq .leases_ended "$TMP/gone")" 1
check "what it was given is changed" sh -c "[ $(jq .rotations "$TMP/gone") -ge 1 ]"
check "and known to be compromised" event_has 'type secret.compromised' cam-1
check "its certificate is revoked" equal "$(camca --json cert list --device ag-2 |
    jq -r '.items[0].status')" revoked
check "it is refused" is 403 client.revoked lease ag-2
check "its reports are" is 403 client.revoked report ag-2 "$J" password "$OK"
csr "$TMP/cam-6" && accepts simpleenroll "$TMP/cam-6" \
    -u "cam-6:$(camca --json enroll secret cam-6 | jq -r .secret)"
check "a camera's certificate takes no jobs" is 403 agent.not-ra lease cam-6
check "the work goes to another" equal "$(lease ag-1) $(job .id)" "200 $J"

# ---- kill -9 between any two calls ----
crash() {
	kill -9 "$AUTHORITY_PID"
	stop "$AUTHORITY_PID" KILL
	start_authority
	eventually gate_reaches_authority
}
crash
check "leased before, leased after a crash" equal "$(state "$J")" leased
check "the agent goes on" equal "$(report ag-1 "$J" reach "$OK") $(go)" '200 true'
check "the guard knows the passwords again" is 400 job.report-secret report ag-1 "$J" \
    password "$OK" "\"after\":\"$NEW\""
ask ag-1 secret "{\"job\":$J,\"account\":$A}" >/dev/null
jq -r .sealed "$TMP/answer" | open ag-1 | jq -r .password >"$TMP/third"
crash
ask ag-1 secret "{\"job\":$J,\"account\":$A}" >/dev/null
check "the pending password is the same after a crash" equal \
    "$(jq -r .sealed "$TMP/answer" | open ag-1 | jq -r .password)" "$(cat "$TMP/third")"
report ag-1 "$J" prove "$OK" "\"confirm\":{\"account\":$A}" >/dev/null
crash
check "confirmed stays confirmed" equal "$(report ag-1 "$J" prove "$OK" \
    "\"confirm\":{\"account\":$A}") $(go)" '200 true'
check "one current password" equal "$(sql "SELECT COUNT(*) FROM vault_secret
    WHERE account = $A AND state = 1")" 1

# ---- a lease that is over ----
restart_authority +10m
check "too late: it changes nothing" equal "$(report ag-1 "$J" end "$OK" \
    '"end":"success"') $(go)" '200 false'
check "it is given anew, and knows how far it was" equal \
    "$(lease ag-1) $(jq -r ".jobs[] | select(.id == $J) | \"\(.attempt) \(.step)\"" \
    "$TMP/answer")" '200 3 prove'
check "who still works on the attempt before is told to stop" equal \
    "$(report ag-1 "$J" key "$OK" '"attempt":2') $(go)" '200 false'
check "and has not moved the job" equal "$(field_of "$J" step)" prove
check "who works on this one goes on" equal \
    "$(report ag-1 "$J" reach "$OK" '"attempt":3') $(go)" '200 true'
restart_authority +20m
lease ag-1 >/dev/null
check "after its last attempt it has failed" equal "$(state "$J") $(field_of "$J" code)" \
    'failed job.lease'

# ---- no password lies anywhere ----
sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
for m in "$MARK" "$NEW" "$(cat "$TMP/third")"; do
	check_not "not in database, state or log: ${m:0:2}…" \
	    grep -raqF -- "$m" "$STATE" "$TMP/camcad.log" "$TMP/gate.log"
done
check "the address is on record, but not what it is" event_has 'type device.reach'
check_not "nor anywhere in the log" sh -c "'$BIN/camca' --json event list --limit 100000 |
    grep -F 192.0.2."
finish
