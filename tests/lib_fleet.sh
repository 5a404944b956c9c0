# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A whole fleet of fake cameras in one process, and an agent for them; after
# lib.sh, lib_est.sh, lib_camera.sh and lib_agent.sh.
#
#   fleet_site COUNT LATENCY_MS CONCURRENCY
#       camcad, gate, site s1, its agent ra-1 (enrolled, at rest) and cameras
#       f-0 ... f-<COUNT>, each with its address and factory password known
#   fleet_alone KIND
#       camera f-0 alone, with nobody beside it. $FLEET_STEPS: how many
#       requests the camera counted, which is the number of times that a job
#       of this kind must wait for an answer: one connection asks one thing
#       after the other. Handshakes of TCP and TLS are not counted.
#   fleet_run KIND
#       the other COUNT cameras, all jobs made before the agent starts
#   fleet_at_once KIND CONCURRENCY
#       the same with another concurrency; $FLEET_MOST: how many of the jobs
#       were seen under way at the same time
# All: $FLEET_S seconds from the agent's start to its end, when no job is
# left (at most $FLEET_LIMIT_S, 600); $FLEET_KB its peak of resident memory; $FLEET_ENDS how the jobs ended
# ("done 20").

fleet_site() {
	local count=$1 latency=$2
	# A series works on all at once; the clock makes no jobs of its own.
	agent_rules -e "s/^batch: .*/batch: $((count + 1))/" \
	    -e 's/_every: .*/_every: 0s/'
	cameras fleet -n $((count + 1)) --persona=modern \
	    --latency-ms="$latency" --keygen-ms=0 || exit 1
	export AGENT_CONCURRENCY=$3
	agent_site
	# As it is where nobody sets it: a busy machine is no lost camera.
	sed -i 's/^camera-timeout = .*/camera-timeout = 30/' "$TMP/ra-1.conf"
	fleet_import
	agent_once || { cat "$TMP/agent.log"; exit 1; }
}
fleet_csv() { # COLUMNS ROW-FILTER
	echo "$1"
	jq -r ".cameras[] | [\"f-\\(.n)\", $2] | join(\",\")" "$CAMERA_JSON"
}
fleet_import() {
	fleet_csv id,manufacturer,model,serial,site \
	    '"Rehearsal", "Any", .serial, "s1"' >"$TMP/fleet.csv"
	camca device import "$TMP/fleet.csv" --labels-csv "$TMP/fleet.labels" \
	    >/dev/null || exit 1
	fleet_csv id,host,http_port,https_port '.host, .http, .https' \
	    >"$TMP/fleet.csv"
	camca device reach --csv "$TMP/fleet.csv" >/dev/null || exit 1
	fleet_csv device,username,password,role,level \
	    '"admin", "admin", "administrator", "Administrator"' >"$TMP/fleet.csv"
	camca secret import "$TMP/fleet.csv" >/dev/null || exit 1
}
fleet_agent() { # LAST-JOB: the agent until nothing is left to do
	local t0 t1
	t0=$(date +%s%N)
	/usr/bin/time -f %M -o "$TMP/fleet.kb" timeout "${FLEET_LIMIT_S:-600}" \
	    "$BIN/camca-agent" --config "$TMP/ra-1.conf" once 2>>"$TMP/agent.log" ||
	    { tail "$TMP/agent.log"; exit 1; }
	t1=$(date +%s%N)
	FLEET_S=$(awk -v ns=$((t1 - t0)) 'BEGIN { printf "%.2f", ns / 1e9 }')
	FLEET_KB=$(tail -1 "$TMP/fleet.kb")
	FLEET_ENDS=$(camca --json job list --limit 100000 | jq -r --argjson last \
	    "$1" '[.items[] | select(.id > $last and .state != "cancelled") |
	    .state + " " + (.code // "")] | group_by(.) | map("\(.[0] |
	    rtrimstr(" ")) \(length)") | join(", ")')
	export FLEET_S FLEET_KB FLEET_ENDS
}
fleet_last() {
	camca --json job list --limit 100000 | jq '[.items[].id, 0] | max'
}
fleet_alone() {
	local last before
	last=$(fleet_last)
	before=$(truth 0 .requests)
	job f-0 "$1" >/dev/null
	fleet_agent "$last"
	FLEET_STEPS=$(($(truth 0 .requests) - before))
	export FLEET_STEPS
}
fleet_run() {
	local last
	last=$(fleet_last)
	camca job create "$1" --site s1 --reason fleet >/dev/null || exit 1
	camca --json job list --device f-0 --status waiting |
	    jq -r '.items[].id' | while read -r id; do
		camca job cancel "$id" --reason fleet >/dev/null
	done
	fleet_agent "$last"
}
# The agent is told to keep that many cameras, and watched from outside.
fleet_watch() {
	local n most=0
	while sleep 0.5; do
		n=$(camca --json job list --status leased --limit 100000 |
		    jq '.items | length')
		[ "${n:-0}" -le "$most" ] || most=$n
		echo "$most" >"$TMP/fleet.most"
	done
}
fleet_at_once() {
	local pid
	sed -i "s/^concurrency = .*/concurrency = $2/" "$TMP/ra-1.conf"
	echo 0 >"$TMP/fleet.most"
	fleet_watch &
	pid=$!
	PIDS+=("$pid")
	fleet_run "$1"
	stop "$pid"
	FLEET_MOST=$(cat "$TMP/fleet.most")
	export FLEET_MOST
}
