#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every fault of the fake camera's catalogue, each alone, and those that break
# the order of steps in pairs: each job ends in success, rolled back, or as a
# failure with a name and a sentence. Whatever happened, a password in the vault
# works, no certificate is served that nobody knows, and no more logins failed
# than the budget allows. One camera a fault, all at once.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

# A line: name, what is switched on (JSON objects for the control port), and
# "yes" where nothing but success will do.
faults() {
	cat <<'LIST'
clock-skew {"fault":"clock-skew","value":63072000}
tight-window {"fault":"tight-window","value":5} yes
nonce-once {"fault":"nonce-once"} yes
digest-only {"fault":"digest-only"} yes
token-only {"fault":"token-only"} yes
basic-digest {"fault":"basic-digest"} yes
fault-status-200 {"fault":"fault-status-200"} yes
fault-status-400 {"fault":"fault-status-400"} yes
fault-status-500 {"fault":"fault-status-500"} yes
no-getservices {"fault":"no-getservices"} yes
xaddr-odd-port {"fault":"xaddr-odd-port"} yes
xaddr-wrong-host {"fault":"xaddr-wrong-host"} yes
xaddr-factory-ip {"fault":"xaddr-factory-ip"} yes
no-serial {"fault":"no-serial"} yes
no-hardware-id {"fault":"no-hardware-id"} yes
slow {"fault":"slow","value":100} yes
truncated {"fault":"truncated"}
truncated-once {"fault":"truncated","operation":"GetAllKeys","count":1} yes
huge {"fault":"huge"}
malformed {"fault":"malformed"}
malformed-once {"fault":"malformed","operation":"GetAllCertificates","count":1} yes
wrong-namespace {"fault":"wrong-namespace"}
duplicate-elements {"fault":"duplicate-elements"}
reboot-on-overload {"fault":"reboot-on-overload","value":4} yes
key-stuck {"fault":"key-stuck"}
key-corrupt {"fault":"key-corrupt"}
key-corrupt-once {"fault":"key-corrupt","count":1} yes
csr-other-subject {"fault":"csr-other-subject"}
csr-no-san {"fault":"csr-no-san"} yes
csr-2048 {"fault":"csr-2048"}
keystore-full {"fault":"keystore-full"}
duplicate {"fault":"duplicate"} yes
no-key-sharing {"fault":"no-key-sharing"} yes
tls-late {"fault":"tls-late","value":3} yes
tls-old-leaf {"fault":"tls-old-leaf"}
password-late {"fault":"password-late","value":2} yes
password-onvif-only {"fault":"password-onvif-only"}
password-silently-ignored {"fault":"password-silently-ignored"}
symbols-rejected {"fault":"symbols-rejected"} yes
lock-after-5 {"fault":"lock-after-5","value":300} yes
fixed-user {"fault":"fixed-user","user":"admin"}
factory-reset {"fault":"factory-reset","operation":"SetUser","count":1}
no-crl {"fault":"no-crl"} yes
crl-max-1 {"fault":"crl-max-1"} yes
LIST
	local op f g
	for op in CreateECCKeyPair CreatePKCS10CSR UploadCertificate \
	    CreateCertificationPath ReplaceServerCertificateAssignment \
	    CreateUsers SetUser SetNetworkProtocols; do
		for f in drop-before-answer drop-after-change; do
			echo "$f-$op {\"fault\":\"$f\",\"operation\":\"$op\",\"count\":1} yes"
		done
		for f in before after; do
			echo "power-$f-$op {\"fault\":\"power-cut\",\"operation\":\"$op\",\"when\":\"$f\",\"count\":1,\"value\":1200} yes"
		done
	done
	# Pairs: the change is made, nobody hears of it, and then it is late.
	for op in ReplaceServerCertificateAssignment SetUser CreateUsers; do
		for g in '{"fault":"tls-late","value":2}' \
		    '{"fault":"password-late","value":2}' \
		    '{"fault":"no-key-sharing"}' '{"fault":"duplicate"}'; do
			for f in drop-after-change power-cut; do
				echo "pair-$f-$op-$(jq -r .fault <<<"$g")" \
				    "{\"fault\":\"$f\",\"operation\":\"$op\",\"when\":\"after\",\"count\":1,\"value\":1200}|$g yes"
			done
		done
	done
	echo 'pair-drop-after-change-tls-old-leaf {"fault":"drop-after-change","operation":"ReplaceServerCertificateAssignment","count":1}|{"fault":"tls-old-leaf"}'
	echo 'pair-drop-after-change-ignored {"fault":"drop-after-change","operation":"SetUser","count":1}|{"fault":"password-silently-ignored"}'
}
faults >"$TMP/faults"
[ -z "${ONLY:-}" ] || { grep -E "$ONLY" "$TMP/faults" >"$TMP/some"; mv "$TMP/some" "$TMP/faults"; }
N=$(wc -l <"$TMP/faults")
mapfile -t NAMES < <(cut -d' ' -f1 "$TMP/faults")
mapfile -t SPECS < <(cut -d' ' -f2 "$TMP/faults")
mapfile -t MUST < <(cut -d' ' -f3 "$TMP/faults")

cameras fleet -n "$N" --persona=default --keygen-ms=50 || exit 1
agent_rules -e 's/^login_paths: .*/login_paths: ["\/web\/login"]/' \
    -e 's/^batch: .*/batch: 500/'
AGENT_CONCURRENCY=32 AGENT_KEY_TIMEOUT=6   # a key that never comes
agent_site
for i in $(seq 0 $((N - 1))); do agent_camera "cam-$i" "$i"; done

switch_on() { # N
	local s
	camera_post "/cameras/$1/clear" '{}' >/dev/null
	while IFS= read -r s; do
		[ "$(camera_post "/cameras/$1/fault" "$s")" = 200 ] || return 1
	done < <(tr '|' '\n' <<<"${SPECS[$1]}")
}
# jobs FILE: all of them, once
jobs() { camca --json job list --limit 5000 | jq -c '.items[]' >"$TMP/jobs"; }
field() { # JOB FIELD, as of the last jobs()
	jq -r "select(.id == $1) | .$2" "$TMP/jobs"
}
all_tried() {
	jobs && [ -z "$(jq 'select(.state == "leased" or (.state ==
	    "waiting" and .attempts == 0)) | .id' "$TMP/jobs")" ]
}
# A password of the vault works: a visit without the fault gets in.
gets_in() { # N
	# After a reset in the middle of a rotation the camera has the factory's
	# again, which the vault has as an old one: told as unknown.
	[ "${NAMES[$1]} $(field "${LOOK[$1]}" code)" != \
	    "factory-reset camera.password-unknown" ] || return 0
	[ "$(field "${LOOK[$1]}" state)" = "done" ] || {
		camca --json job show "${LOOK[$1]}" | jq -c .job
		truth "$1" .users
		return 1
	}
}
leaves() { # SHA-256 of all certificates of the inventory
	sqlite3 "$STATE/db/camca.sqlite" 'SELECT lower(hex(serial)) FROM cert' |
	    while read -r c; do
		camca --json cert show "$c" | jq -r .pem | openssl x509 \
		    -outform DER | sha256sum
	    done | cut -d' ' -f1 >"$TMP/leaves"
}
known_leaf() { # N
	local s
	s=$(truth "$1" .served | tr -d '"')
	[ "$s" = "$(truth "$1" .factory | tr -d '"')" ] ||
	    grep -q "$s" "$TMP/leaves"
}
named() { # JOB: it says what happened, in a sentence
	camca --json job show "$1" | jq -e '.job |
	    (.code | test("^(camera|est|agent)\\.[a-z0-9-]+$")) and
	    (.detail | length > 20)' >/dev/null
}

# round KIND: one job a camera under its fault; then, without it, a look
round() {
	local kind=$1 i state before=()
	for i in $(seq 0 $((N - 1))); do
		switch_on "$i" || check "$kind ${NAMES[$i]} is switched on" false
		before[i]=$(truth "$i" .failed)
		JOBS[i]=$(job "cam-$i" "$kind")
	done
	agent_start || exit 1
	EVENTUALLY=150 check "$kind: all of them are tried" eventually all_tried
	cp "$TMP/jobs" "$TMP/tried"
	for i in $(seq 0 $((N - 1))); do
		AFTER[i]=$(truth "$i" .failed)
		camera_post "/cameras/$i/clear" '{}' >/dev/null
		[ "$(field "${JOBS[$i]}" state)" != waiting ] || camca job \
		    cancel "${JOBS[$i]}" --reason test >/dev/null 2>&1
		# One that was reset serves its factory's certificate: nothing
		# is said to it until somebody has looked.
		[ "${NAMES[$i]}" != factory-reset ] || camca device reach \
		    "cam-$i" --host 127.0.0.1 --http-port "$(camera_port "$i" \
		    http)" --https-port "$(camera_port "$i" https)" \
		    --tls-sha256 "$(truth "$i" .factory | tr -d '"')" >/dev/null
		LOOK[i]=$(job "cam-$i" observe)
	done
	EVENTUALLY=60 check "$kind: a look at each afterwards" eventually all_tried
	agent_end
	for i in $(seq 0 $((N - 1))); do
		state=$(jq -r "select(.id == ${JOBS[$i]}) | .state" "$TMP/tried")
		if [ "${MUST[$i]}" = yes ]; then
			check "$kind ${NAMES[$i]}: success" equal "$state" "done"
		elif [ "$state" != "done" ]; then
			check "$kind ${NAMES[$i]}: $(field "${JOBS[$i]}" code)" \
			    named "${JOBS[$i]}"
		fi
		check "$kind ${NAMES[$i]}: a password in the vault works" \
		    gets_in "$i"
		check "$kind ${NAMES[$i]}: failed logins within the budget" test \
		    $((AFTER[i] - before[i])) -le 3
	done
	leaves
	for i in $(seq 0 $((N - 1))); do
		check "$kind ${NAMES[$i]}: what is served is known" known_leaf "$i"
	done
}
# Without the fault each of them is enrolled in the end.
mend() {
	local i
	for i in $(seq 0 $((N - 1))); do
		JOBS[i]=
		[ "$(jq -r "select(.device == \"cam-$i\" and .kind == \"enroll\") |
		    .state" "$TMP/jobs")" = "done" ] || JOBS[i]=$(job "cam-$i" enroll)
	done
	agent_start || exit 1
	EVENTUALLY=60 check "without the faults: all are tried" eventually all_tried
	agent_end
	for i in $(seq 0 $((N - 1))); do
		[ -z "${JOBS[$i]}" ] || check "without ${NAMES[$i]} it is enrolled" \
		    equal "$(field "${JOBS[$i]}" state) $(field "${JOBS[$i]}" code)" \
		    "done "
	done
}
JOBS=() LOOK=() AFTER=()
round enroll
mend
round rotate-password
finish
