#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# At every boundary of the steps of enroll and rotate-password, enumerated: the
# agent is killed, camcad is killed, the camera loses its power, the agent stands
# still for longer than its lease. All jobs resume to success, and the passwords of
# the vault are those of the cameras.
# A camera, a site and an agent for each boundary, all at the same time.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3
FAULT=$BIN/tests/faults/agent_fault.so
[ -f "$FAULT" ] || skip "agent_fault.so is not built"
preload "$FAULT" "$BIN/camca-agent"

# STEP:WHEN:NTH; a step of the password part is met once before the first
# account, then once an account.
points() { # STEP[xN]...
	local s n k
	for s in "$@"; do
		n=${s#*x}
		[ "$n" != "$s" ] || n=1
		for k in $(seq "$n"); do
			echo "${s%x*}:before:$k"
			echo "${s%x*}:after:$k"
		done
	done
}
mapfile -t ENROLL < <(points reach clock observe key csr certificate upload \
    path assign tls account passwordx2 prove crl protocols collect end)
mapfile -t ROTATE < <(points reach clock observe passwordx3 provex2 end)
N=${#ENROLL[@]}

# A sanitizer makes all of it slower.
SLOW=$(((${EVENTUALLY:-30} + 29) / 30))
agent_rules "${NONE_DUE[@]}" -e "s/^lease: .*/lease: $((10 * SLOW))s/" \
    -e 's/^batch: .*/batch: 500/' \
    -e 's/^attempts: .*/attempts: 9/' -e 's/^login_window: .*/login_window: 5s/'
est_init --policies "$POLICIES"
camca_start

# campaign NAME: cameras, sites and agents of its own
campaign() {
	local i
	NAME=$1
	# Serial numbers are the same in each fleet: makers differ.
	cameras "$NAME" -n "$N" --persona=default --keygen-ms=50 --boot-ms=300 ||
	    exit 1
	for i in $(seq 0 $((N - 1))); do
		camca site add "$NAME-s$i" --name x --level 1 >/dev/null
		agent_add "$NAME-ra$i" "$NAME-s$i"
	done
	csv id,manufacturer,model,serial,site \
	    '"\($n)-\(.n)", $n, "Any", .serial, "\($n)-s\(.n)"'
	camca device import "$TMP/table.csv" --labels-csv "$TMP/$NAME.labels" \
	    >/dev/null || exit 1
	csv id,host,http_port,https_port '"\($n)-\(.n)", .host, .http, .https'
	camca device reach --csv "$TMP/table.csv" >/dev/null || exit 1
	csv device,username,password,role,level '"\($n)-\(.n)", "admin", "admin",
	    "administrator", "Administrator"'
	camca secret import "$TMP/table.csv" >/dev/null || exit 1
}
csv() { # COLUMNS CELLS: a row a camera in $TMP/table.csv
	echo "$1" >"$TMP/table.csv"
	jq -r --arg n "$NAME" ".cameras[] | [$2] | join(\",\")" \
	    "$CAMERA_JSON" >>"$TMP/table.csv"
}
# Each agent with its boundary, until all have met it.
launch() { # WHAT POINTS...: WHAT kill | hold
	local i p what=$1
	shift
	AGENTS=()
	for i in $(seq 0 $(($# - 1))); do
		p=${*:$((i + 1)):1}
		rm -f "$TMP/hold.$i"
		env "${PRELOAD[@]}" CAMCA_FAULT_STEP="${p%:*}" \
		    CAMCA_FAULT_NTH="${p##*:}" \
		    ${HOLD:+CAMCA_FAULT_HOLD="$TMP/hold.$i"} \
		    "$BIN/camca-agent" --config "$TMP/$NAME-ra$i.conf" \
		    --log-level info run 2>>"$TMP/$NAME-$i.log" &
		AGENTS+=($!)
		PIDS+=($!)
	done
	[ "$what" = kill ] || eventually held_all "$#"
}
held_all() { [ "$(find "$TMP" -maxdepth 1 -name 'hold.*' | wc -l)" = "$1" ]; }
none_left() {
	local p
	for p in "${AGENTS[@]}"; do
		kill -0 "$p" 2>/dev/null && return 1
	done
	return 0
}
end_agents() {
	local p
	for p in "${AGENTS[@]}"; do stop "$p"; done
	AGENTS=()
}
# One look at all jobs of a kind, or cameras, or certificates: hundreds of
# programs for a line each would be most of this test's work.
jobs_of() { # KIND: "device number state code", the newest of each device last
	camca --json job list --limit 5000 --kind "$1" | jq -r '.items |
	    sort_by(.id)[] | "\(.device) \(.id) \(.state) \(.code // "")"'
}
make() { # KIND COUNT
	local i
	for i in $(seq 0 $(($2 - 1))); do
		camca job create "$1" --device "$NAME-$i" --reason test >/dev/null
	done
}
all_over() { # KIND SECONDS
	local _
	for _ in $(seq $(($2 * 2 * SLOW))); do
		jobs_of "$1" | awk '$3 == "waiting" || $3 == "leased" { n++ }
		    END { exit n > 0 }' && return 0
		sleep 0.5
	done
	return 1
}
cameras_now() { # "number failed-logins leaf-served" of each
	local i
	for i in $(seq 0 $((N - 1))); do
		echo "url = http://127.0.0.1:$CAMERA_CONTROL/cameras/$i"
	done | curl -s --max-time 60 -K - | jq -r '"\(.n) \(.failed) \(.served)"'
}
inventory_now() { # "device hash" of each device's newest certificate
	python3 - "$STATE/db/camca.sqlite" <<-'PYTHON'
	import hashlib, sqlite3, sys
	db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
	for device, der in db.execute("SELECT device.id, der FROM cert_der"
	        " JOIN cert USING (id) JOIN device ON device = pk"
	        " ORDER BY cert.id"):
	    print(device, hashlib.sha256(der).hexdigest())
	PYTHON
}
# column TABLE N KEY...: into $COLUMN, by the first word, the last row wins
column() {
	local key value
	COLUMN=()
	while read -r key value; do COLUMN[$key]=$value; done < <("${@:2}" |
	    cut -d' ' -f"$1")
}
# verdict KIND POINTS...: each job ended well; the vault knows the camera
verdict() {
	local kind=$1 i p
	local -A COLUMN STATES SERVED
	shift
	column 1,3- jobs_of "$kind"
	for i in $(seq 0 $(($# - 1))); do STATES[$i]=${COLUMN[$NAME-$i]}; done
	column 1,2 cameras_now
	for i in $(seq 0 $(($# - 1))); do
		p=${*:$((i + 1)):1}
		check "$NAME $kind $p" equal "${STATES[$i]% }" "done"
		check "$NAME $kind $p: at most three failed logins a visit" \
		    test "${COLUMN[$i]}" -le 12
	done
	make observe "$#"
	check "$NAME $kind: a look at each" all_over observe 60
	end_agents
	column 1,3- jobs_of observe
	for i in $(seq 0 $(($# - 1))); do STATES[$i]=${COLUMN[$NAME-$i]}; done
	column 1,3 cameras_now
	for i in $(seq 0 $(($# - 1))); do SERVED[$i]=${COLUMN[$i]}; done
	column 1,2 inventory_now
	for i in $(seq 0 $(($# - 1))); do
		p=${*:$((i + 1)):1}
		check "$NAME $kind $p: the vault's passwords work" equal \
		    "${STATES[$i]% }" "done"
		check "$NAME $kind $p: what is served is on record" equal \
		    "${SERVED[$i]}" "${COLUMN[$NAME-$i]}"
	done
}
launch_plain() { # N
	local i
	AGENTS=()
	for i in $(seq 0 $(($1 - 1))); do
		"$BIN/camca-agent" --config "$TMP/$NAME-ra$i.conf" --log-level \
		    info run 2>>"$TMP/$NAME-$i.log" &
		AGENTS+=($!)
		PIDS+=($!)
	done
}

# ---- what may die ----
agent_dies() { # KIND POINTS...
	HOLD=
	launch kill "${@:2}"
	check "$NAME $1: each agent met its boundary and died" eventually none_left
	launch_plain $(($# - 1))
	check "$NAME $1: all are over" all_over "$1" 90
}
camcad_dies() {
	HOLD=yes
	launch hold "${@:2}"
	check "$NAME $1: each agent is at its boundary" held_all $(($# - 1))
	stop "$AUTHORITY_PID" KILL
	start_authority
	rm -f "$TMP"/hold.*
	check "$NAME $1: all are over" all_over "$1" 90
}
power_fails() {
	local i
	HOLD=yes
	launch hold "${@:2}"
	check "$NAME $1: each agent is at its boundary" held_all $(($# - 1))
	for i in $(seq 0 $(($# - 2))); do
		camera_post "/cameras/$i/power" '{"off_ms":1500}' >/dev/null
	done
	rm -f "$TMP"/hold.*
	check "$NAME $1: all are over" all_over "$1" 150
}
# An agent that stood still, as a suspended machine does, goes on when its job
# has been given to it once more: only one of the two may work on.
stands_still() {
	HOLD=yes
	camera_post /cameras/all/fault '{"fault":"slow","value":100}' >/dev/null
	launch hold "${@:2}"
	check "$NAME $1: each agent is at its boundary" held_all $(($# - 1))
	EVENTUALLY=$((60 * SLOW)) check "$NAME $1: each job is leased again" eventually \
	    leased_again "$1" $(($# - 1))
	rm -f "$TMP"/hold.*
	check "$NAME $1: all are over" all_over "$1" 150
	camera_post /cameras/all/clear '{}' >/dev/null
}
leased_again() { # KIND COUNT; prints those that were not
	camca --json job list --limit 5000 --kind "$1" | jq -r --arg n "$NAME-" \
	    '.items[] | select(.device | startswith($n)) | "\(.attempts) \(.device
	    ) \(.id) \(.state) \(.step // "") \(.code // "")"' |
	    awk -v n="$2" '$1 > 1 { again++; next } { print }
	    END { exit again != n }'
}
# The agents that are left look at the cameras, too, and end then.
run() { # NAME WHAT
	campaign "$1"
	make enroll "$N"
	"$2" enroll "${ENROLL[@]}"
	verdict enroll "${ENROLL[@]}"
	make rotate-password "${#ROTATE[@]}"
	"$2" rotate-password "${ROTATE[@]}"
	verdict rotate-password "${ROTATE[@]}"
}
AGENTS=()
for c in ${CAMPAIGNS:-agent camcad power still}; do
	case $c in
	agent) run agent agent_dies ;;
	camcad) run camcad camcad_dies ;;
	power) run power power_fails ;;
	still) run still stands_still ;;
	esac
done
finish
