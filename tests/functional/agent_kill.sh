#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# At every boundary of the steps of enroll and rotate-password, enumerated: the
# agent is killed, camcad is killed, the camera loses its power. All jobs resume
# to success, and the passwords of the vault are those of the cameras.
# A camera, a site and an agent for each boundary, all at the same time.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3
FAULT=$BIN/tests/faults/agent_fault.so
[ -f "$FAULT" ] || skip "agent_fault.so is not built"
case $(ldd "$BIN/camca-agent") in *asan* | *tsan*) skip "preloading and a sanitizer" ;; esac

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

agent_rules -e 's/^lease: .*/lease: 10s/' -e 's/^batch: .*/batch: 500/' \
    -e 's/^attempts: .*/attempts: 9/'
est_init --policies "$POLICIES"
camca_start

# campaign NAME: cameras, sites and agents of its own
campaign() {
	local i
	NAME=$1
	MAKER=$1      # serial numbers are the same in each fleet
	cameras "$NAME" -n "$N" --persona=default --keygen-ms=50 --boot-ms=300 ||
	    exit 1
	for i in $(seq 0 $((N - 1))); do
		camca site add "$NAME-s$i" --name x --level 1 >/dev/null
		agent_add "$NAME-ra$i" "$NAME-s$i"
		agent_camera "$NAME-$i" "$i" "$NAME-s$i"
	done
}
# Each agent with its boundary, until all have met it.
launch() { # WHAT POINTS...: WHAT kill | hold
	local i p what=$1
	shift
	AGENTS=()
	for i in $(seq 0 $(($# - 1))); do
		p=${*:$((i + 1)):1}
		rm -f "$TMP/hold.$i"
		env LD_PRELOAD="$FAULT" CAMCA_FAULT_STEP="${p%:*}" \
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
all_over_now() { # KIND
	camca --json job list --limit 5000 --kind "$1" | jq -e '[.items[] |
	    select(.state == "waiting" or .state == "leased")] == []' >/dev/null
}
# verdict KIND POINTS...: each job ended well; the vault knows the camera
verdict() {
	local kind=$1 i p
	shift
	camca --json job list --limit 5000 --kind "$kind" |
	    jq -c '.items[]' >"$TMP/jobs"
	for i in $(seq 0 $(($# - 1))); do
		p=${*:$((i + 1)):1}
		check "$NAME $kind $p" equal "$(jq -r "select(.id == ${JOBS[$i]}) |
		    .state + \" \" + (.code // \"\")" "$TMP/jobs")" "done "
		check "$NAME $kind $p: at most three failed logins a visit" \
		    test "$(truth "$i" .failed)" -le 12
	done
	for i in $(seq 0 $(($# - 1))); do LOOK[i]=$(job "$NAME-$i" observe); done
	launch_plain "$#"
	EVENTUALLY=60 check "$NAME $kind: a look at each" eventually \
	    all_over_now observe
	end_agents
	camca --json job list --limit 5000 --kind observe |
	    jq -c '.items[]' >"$TMP/jobs"
	for i in $(seq 0 $(($# - 1))); do
		p=${*:$((i + 1)):1}
		check "$NAME $kind $p: the vault's passwords work" equal \
		    "$(jq -r "select(.id == ${LOOK[$i]}) | .state" "$TMP/jobs")" \
		    "done"
		check "$NAME $kind $p: what is served is on record" equal \
		    "$(truth "$i" .served | tr -d '"')" "$(held "$NAME-$i")"
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
	EVENTUALLY=90 check "$NAME $1: all are over" eventually all_over_now "$1"
	end_agents
}
camcad_dies() {
	HOLD=yes
	launch hold "${@:2}"
	check "$NAME $1: each agent is at its boundary" held_all $(($# - 1))
	stop "$AUTHORITY_PID" KILL
	start_authority
	rm -f "$TMP"/hold.*
	EVENTUALLY=90 check "$NAME $1: all are over" eventually all_over_now "$1"
	end_agents
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
	EVENTUALLY=150 check "$NAME $1: all are over" eventually all_over_now "$1"
	end_agents
}
run() { # NAME WHAT
	local i
	campaign "$1"
	for i in $(seq 0 $((N - 1))); do JOBS[i]=$(job "$1-$i" enroll); done
	"$2" enroll "${ENROLL[@]}"
	verdict enroll "${ENROLL[@]}"
	for i in $(seq 0 $((${#ROTATE[@]} - 1))); do
		JOBS[i]=$(job "$1-$i" rotate-password)
	done
	"$2" rotate-password "${ROTATE[@]}"
	verdict rotate-password "${ROTATE[@]}"
}
JOBS=() LOOK=() AGENTS=()
for c in ${CAMPAIGNS:-agent camcad power}; do
	case $c in
	agent) run agent agent_dies ;;
	camcad) run camcad camcad_dies ;;
	power) run power power_fails ;;
	esac
done
finish
