#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The measurements of a fleet behind one agent, small: that they run, and how
# often a camera is asked; no time is a check here. Then one camera that is slow
# beside others that are not.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
. "$TOP/tests/lib_fleet.sh"
need openssl curl jq python3 sqlite3
[ -x /usr/bin/time ] || skip "time is not installed"

# ---- the lines ----
bench() {
	BENCH_FLEET=20 BENCH_FLEET_MS=20 BENCH_FLEET_AT_ONCE=8 \
	    "$TOP/scripts/bench" fleet >"$TMP/lines"
}
check "onboarding, rotation and memory are measured" bench
cat "$TMP/lines"
value() { # NAME FILTER
	jq -r "select(.name == \"$1\") | $2" "$TMP/lines"
}
for name in onboard_fleet rotate_fleet agent_memory; do
	check "$name is a line with a ratio" equal "$(value "$name" \
	    '(.value > 0 and .ratio > 0 and (.against | length) > 0)')" true
done
answers() { # NAME
	value "$1" '.against | capture("x (?<n>[0-9]+) answers").n'
}
check "an enrollment asks a camera 60 times at most" test \
    "$(answers onboard_fleet)" -le 60
check "a rotation of two accounts 40 times" test \
    "$(answers rotate_fleet)" -le 40

# ---- a slow one ----
fleet_site 9 0 4
camera_post /cameras/3/fault '{"fault":"slow","value":250}' >/dev/null
fleet_run enroll
check "all are enrolled" equal "$FLEET_ENDS" "done 9"
check "the slow one held up nobody: the others ended before" equal \
    "$(camca --json job list --kind enroll --status "done" --limit 100 |
    jq -r '.items | max_by(.updated) | .device')" f-3
finish
