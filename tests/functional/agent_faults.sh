#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every fault of the fake camera's catalogue, each alone, and those that change
# the order in which things come true, in pairs: each job ends in success, rolled
# back, or as a failure with a name and a sentence. Whatever happened, a password
# in the vault works, no certificate is served that nobody knows, and no more
# logins failed than the budget allows, however many visits it took. One camera
# a row; rows run in fleets of their own, all cameras of one at once.
#
# Each row alone and a share of the pairs; CAMCA_FULL=1: all pairs. ONLY=REGEXP:
# rows of that name.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

# ---- the rows ----
# A line: name, what is switched on (JSON objects for the control port), and
# "yes" where nothing but success will do.
others() {
	cat <<'LIST'
clock-skew {"fault":"clock-skew","value":63072000} -
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
truncated {"fault":"truncated"} -
truncated-once {"fault":"truncated","operation":"GetAllKeys","count":1} yes
huge {"fault":"huge"} -
malformed {"fault":"malformed"} -
malformed-once {"fault":"malformed","operation":"GetAllCertificates","count":1} yes
wrong-namespace {"fault":"wrong-namespace"} -
duplicate-elements {"fault":"duplicate-elements"} -
key-corrupt-once {"fault":"key-corrupt","count":1} yes
csr-other-subject {"fault":"csr-other-subject"} -
csr-no-san {"fault":"csr-no-san"} yes
csr-2048 {"fault":"csr-2048"} -
keystore-full {"fault":"keystore-full"} -
symbols-rejected {"fault":"symbols-rejected"} yes
lock-after-5 {"fault":"lock-after-5","value":300} yes
fixed-user {"fault":"fixed-user","user":"admin"} -
no-crl {"fault":"no-crl"} yes
crl-max-1 {"fault":"crl-max-1"} yes
client-cert-refused {"fault":"client-cert-refused"} yes
client-cert-ignored {"fault":"client-cert-ignored"} yes
sha256-broken {"fault":"sha256-broken"} yes
LIST
}
# What changes when, or whether, a change becomes true or is heard of.
ordering() {
	local op f
	cat <<'LIST'
tls-late {"fault":"tls-late","value":3} yes
tls-old-leaf {"fault":"tls-old-leaf"} -
password-late {"fault":"password-late","value":2} yes
password-onvif-only {"fault":"password-onvif-only"} -
password-silently-ignored {"fault":"password-silently-ignored"} -
reboot-on-overload {"fault":"reboot-on-overload","value":4} yes
key-stuck {"fault":"key-stuck"} -
key-corrupt {"fault":"key-corrupt"} -
duplicate {"fault":"duplicate"} yes
no-key-sharing {"fault":"no-key-sharing"} yes
factory-reset {"fault":"factory-reset","operation":"SetUser","count":1} -
LIST
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
}
# Each with each after it; every SHARE-th, and two that are met in the field.
pairs() { # SHARE
	ordering | awk -v share="$1" '
	{ name[NR] = $1; spec[NR] = $2; must[NR] = $3 }
	function field(a, b) {
		return (a " " b) == "tls-old-leaf " \
		    "drop-after-change-ReplaceServerCertificateAssignment" ||
		    (a " " b) == "password-silently-ignored " \
		    "drop-after-change-SetUser"
	}
	END {
		for (i = 1; i <= NR; i++)
			for (k = i + 1; k <= NR; k++)
				if (n++ % share == 7 % share ||
				    field(name[i], name[k]))
					print name[i] "+" name[k],
					    spec[i] "|" spec[k],
					    (must[i] must[k] == "yesyes" ? \
					    "yes" : "-")
	}'
}
ALL=$(($(pairs 1 | wc -l)))
SHARE=31
[ -z "${CAMCA_FULL:-}" ] || SHARE=1
{ others; ordering; pairs "$SHARE"; } >"$TMP/rows"
[ -z "${ONLY:-}" ] || { { others; ordering; pairs 1; } | grep -E "^[^ ]*($ONLY)" \
    >"$TMP/rows"; }
check "every pair of $(ordering | wc -l) is one of $ALL" test "$ALL" -eq \
    $(($(ordering | wc -l) * ($(ordering | wc -l) - 1) / 2))
check "each fault of the catalogue has a row" equal "$("$BIN/camca-fake-camera" \
    --faults | cut -d' ' -f1 | sort | while read -r f; do
    [ "$f" = lock-told ] || grep -q "\"fault\":\"$f\"" "$TMP/rows" ||
    [ -n "${ONLY:-}" ] || echo "$f"; done)" ""

# ---- what is, read once a round ----
# many POST...: lines "CAMERA VERB JSON" to the control port, one connection;
# prints the statuses.
many() {
	python3 -c '
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
for line in sys.stdin:
    n, verb, body = line.rstrip("\n").split(" ", 2)
    c.request("POST", "/cameras/%s/%s" % (n, verb), body)
    r = c.getresponse()
    r.read()
    print(n, r.status)' "$CAMERA_CONTROL"
}
# truths: FAILED, SERVED and FACTORY of each camera as it really is
truths() {
	local i f s x
	while read -r i f s x; do
		FAILED_LOGINS[i]=$f SERVED[i]=$s FACTORY[i]=$x
	done < <(python3 -c '
import http.client, json, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
for n in range(int(sys.argv[2])):
    c.request("GET", "/cameras/%d" % n)
    o = json.loads(c.getresponse().read())
    print(n, o["failed"], o.get("served") or "-", o["factory"])' \
	    "$CAMERA_CONTROL" "$N")
}
# jobs: STATE_OF, CODE and SENTENCE (its length) by number; NEWEST by "camera
# kind"
jobs() {
	local id device kind state code detail
	STATE_OF=() CODE=() SENTENCE=() NEWEST=()
	while read -r id device kind state code detail; do
		STATE_OF[$id]=$state CODE[$id]=$code SENTENCE[$id]=$detail
		NEWEST["$device $kind"]=${NEWEST["$device $kind"]:-$id}
	done < <(camca --json job list --site "$SITE" --limit 5000 | jq -r '.items[] |
	    "\(.id) \(.device) \(.kind) \(.state) " +
	    "\(if .code == "" then "-" else .code end) \(.detail | length)"')
}
# How many of the fleet's jobs are so; 0 waiting, 1 leased.
count() { # CONDITION
	sqlite3 "$STATE/db/camca.sqlite" ".timeout 5000" "SELECT count(*) FROM job
	    WHERE site = '$SITE' AND ($1)"
}
# None runs, and each that waits was tried, or put off with a reason.
all_tried() {
	[ "$(count "state = 1 OR (state = 0 AND attempts = 0 AND outcome = '')")" = 0 ]
}
all_over() { [ "$(count "state IN (0, 1)")" = 0 ]; }
within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.5
	done
}
# leaves: KNOWN, SHA-256 of all certificates of the inventory
leaves() {
	local s
	KNOWN=()
	while read -r s; do KNOWN[$s]=1; done < <(python3 -c '
import hashlib, sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT der FROM cert_der"):
    print(hashlib.sha256(row[0]).hexdigest())' "$STATE/db/camca.sqlite")
}
NL=$'\n'
declare -A STATE_OF CODE SENTENCE NEWEST KNOWN
declare -a FAILED_LOGINS SERVED FACTORY JOBS BEFORE NAMES SPECS MUST

# ---- what must hold ----
# It says what happened, in a sentence.
named() { # JOB
	[[ ${CODE[$1]} =~ ^(camera|est|agent)\.[a-z0-9-]+$ ]] &&
	    [ "${SENTENCE[$1]}" -gt 20 ] && return
	camca --json job show "$1" | jq -c .job
	return 1
}
# A visit without the fault gets in.
gets_in() { # N
	local look=${NEWEST["$PREFIX-$1 observe"]}
	# After a reset in the middle of a rotation the camera has the factory's
	# again, which the vault has as an old one: told as unknown.
	[[ ${NAMES[$1]} != *factory-reset* ||
	    ${CODE[$look]} != camera.password-unknown ]] || return 0
	[ "${STATE_OF[$look]}" = "done" ] && return
	camca --json job show "$look" | jq -c .job
	truth "$1" .users
	return 1
}
known_leaf() { # N
	[ "${SERVED[$1]}" = "${FACTORY[$1]}" ] || [ -n "${KNOWN[${SERVED[$1]}]:-}" ]
}
# again_waiting: what waits, with a name, for a later visit has it now. (A
# person says so: nobody else waits with the budget of failed logins spent.)
again_waiting() {
	local i id
	for i in $(seq 0 $((N - 1))); do
		id=${NEWEST["$PREFIX-$i $1"]}
		[ "${STATE_OF[$id]}" = waiting ] || continue
		check "$1 ${NAMES[$i]}: waits: ${CODE[$id]}" named "$id"
		camca job retry "$id" --reason test >/dev/null
	done
}
create() { # KIND
	check "$1: a job for each" equal "$(camca --json job create "$1" --site \
	    "$SITE" --reason test | jq '.jobs | length')" "$N"
}

# round KIND: one job a camera under its fault; what was not over then has
# another visit without it; then a look.
round() {
	local kind=$1 i id
	truths
	BEFORE=("${FAILED_LOGINS[@]}")
	check "$kind: all faults are switched on" equal "$(for i in $(seq 0 \
	    $((N - 1))); do
		echo "$i clear {}"
		echo "$i fault ${SPECS[$i]//|/${NL}$i fault }"
	done | many | grep -cv ' 200$')" 0
	create "$kind"
	agent_start "$AGENT" || exit 1
	check "$kind: all of them are tried" within 240 all_tried
	truths
	jobs
	for i in $(seq 0 $((N - 1))); do
		check "$kind ${NAMES[$i]}: failed logins within the budget" test \
		    $((FAILED_LOGINS[i] - BEFORE[i])) -le 3
		# One that was reset serves its factory's certificate: nothing
		# is said to it until somebody has looked.
		[[ ${NAMES[$i]} != *factory-reset* ]] || camca device reach \
		    "$PREFIX-$i" --host 127.0.0.1 --http-port "$(camera_port "$i" \
		    http)" --https-port "$(camera_port "$i" https)" \
		    --tls-sha256 "${SERVED[$i]}" >/dev/null
	done
	echo "all clear {}" | many >/dev/null
	again_waiting "$kind"
	check "$kind: all are over" within 120 all_over
	create observe
	check "$kind: a look at each afterwards" within 120 all_tried
	jobs
	again_waiting observe
	check "$kind: all looks are over" within 60 all_over
	agent_end
	truths
	jobs
	leaves
	for i in $(seq 0 $((N - 1))); do
		id=${NEWEST["$PREFIX-$i $kind"]}
		if [ "${MUST[$i]}" = yes ]; then
			check "$kind ${NAMES[$i]}: success" equal \
			    "${STATE_OF[$id]} ${CODE[$id]}" "done -"
		elif [ "${STATE_OF[$id]}" != "done" ]; then
			check "$kind ${NAMES[$i]}: ${CODE[$id]}" named "$id"
		fi
		check "$kind ${NAMES[$i]}: a password in the vault works" \
		    gets_in "$i"
		check "$kind ${NAMES[$i]}: what is served is known" known_leaf "$i"
	done
}
# Without the fault each of them is enrolled in the end.
mend() {
	local i id
	JOBS=()
	for i in $(seq 0 $((N - 1))); do
		id=${NEWEST["$PREFIX-$i enroll"]}
		[ "${STATE_OF[$id]}" = "done" ] ||
		    JOBS[i]=$(job "$PREFIX-$i" enroll)
		[ -z "${JOBS[i]:-}" ] || camca job retry "${JOBS[i]}" >/dev/null
	done
	agent_start "$AGENT" || exit 1
	check "without the faults: all are tried" within 120 all_over
	agent_end
	jobs
	for i in "${!JOBS[@]}"; do
		id=${JOBS[$i]}
		check "without ${NAMES[$i]} it is enrolled" equal \
		    "${STATE_OF[$id]} ${CODE[$id]}" "done -"
	done
}

# fleet K: the rows from standard input
fleet() {
	local i
	PREFIX=f$1 SITE=f$1 AGENT=ra-$1
	mapfile -t ROWS
	N=${#ROWS[@]}
	NAMES=() SPECS=() MUST=() FAILED_LOGINS=() SERVED=() FACTORY=()
	for i in "${!ROWS[@]}"; do
		read -r "NAMES[$i]" "SPECS[$i]" "MUST[$i]" <<<"${ROWS[$i]}"
	done
	cameras "$PREFIX" -n "$N" --persona=default --keygen-ms=50 || exit 1
	FLEET_PID=$LAST_PID
	camca site add "$SITE" --name "$SITE" --level 1 >/dev/null
	agent_add "$AGENT" "$SITE"
	fleet_tables
	camca device import "$TMP/devices.csv" >/dev/null &&
	    camca device reach --csv "$TMP/reach.csv" >/dev/null &&
	    camca secret import "$TMP/secrets.csv" >/dev/null ||
	    check "$PREFIX: its tables are taken" false
	round enroll
	mend
	round rotate-password
	stop "$FLEET_PID"
}
fleet_tables() {
	echo id,manufacturer,model,serial,site,kind >"$TMP/devices.csv"
	jq -r --arg p "$PREFIX" '.cameras | to_entries[] | [ "\($p)-\(.key)",
	    "Rehearsal-\($p)", "Any", .value.serial, $p, "camera" ] | join(",")' \
	    "$CAMERA_JSON" >>"$TMP/devices.csv"
	echo id,host,http_port,https_port,path >"$TMP/reach.csv"
	jq -r --arg p "$PREFIX" '.cameras | to_entries[] | [ "\($p)-\(.key)",
	    "127.0.0.1", .value.http, .value.https, "" ] | join(",")' \
	    "$CAMERA_JSON" >>"$TMP/reach.csv"
	echo device,username,password,role,level >"$TMP/secrets.csv"
	jq -r --arg p "$PREFIX" '.cameras | to_entries[] | [ "\($p)-\(.key)",
	    "admin", "admin", "administrator", "Administrator" ] | join(",")' \
	    "$CAMERA_JSON" >>"$TMP/secrets.csv"
}

# The window is longer than all of this: what failed is never forgotten here.
agent_rules -e 's/^login_paths: .*/login_paths: ["\/web\/login"]/' \
    -e 's/^batch: .*/batch: 500/' -e 's/^login_window: .*/login_window: 1d/' \
    -e 's/\(rotate\|observe\|crl\)_every: .*/\1_every: 0s/'
AGENT_CONCURRENCY=32 AGENT_KEY_TIMEOUT=6   # a key that never comes
est_init --policies "$POLICIES"
camca_start
SLICE=${SLICE:-125}
K=0
while [ $((K * SLICE)) -lt "$(wc -l <"$TMP/rows")" ]; do
	fleet "$K" < <(tail -n +$((K * SLICE + 1)) "$TMP/rows" | head -n "$SLICE")
	K=$((K + 1))
done
finish
