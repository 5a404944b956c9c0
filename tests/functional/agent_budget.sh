#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An agent that is killed again and again in the middle of a rotation never
# makes more logins fail than the budget allows within its window: neither where
# the camera has the new password and nobody knows, nor where somebody at the
# camera changed all passwords. The cameras lock at the fifth failure in 30 s.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3
FAULT=$BIN/tests/faults/agent_fault.so
[ -f "$FAULT" ] || skip "agent_fault.so is not built"
preload "$FAULT" "$BIN/camca-agent"
KILLS=${KILLS:-2}
WINDOW=31

# A sanitizer makes all of it slower.
SLOW=$(((${EVENTUALLY:-30} + 29) / 30))
agent_rules "${NONE_DUE[@]}" -e "s/^lease: .*/lease: $((10 * SLOW))s/" \
    -e 's/^attempts: .*/attempts: 9/' \
    -e "s/^login_window: .*/login_window: ${WINDOW}s/"
cat >>"$POLICIES/rules/passwords.yaml" <<'YAML'

  - manufacturer: Rehearsal
    source: "what the test says"
    factory:
      - { user: "installer", password: "4711" }
YAML
est_init --policies "$POLICIES"
camca_start
cameras fleet -n 2 --persona=default --keygen-ms=50 || exit 1
CAM=(unproven changed)
for i in 0 1; do
	camca site add "s-$i" --name x --level 1 >/dev/null
	agent_add "ra-$i" "s-$i"
	agent_camera "${CAM[$i]}" "$i" "s-$i"
	camera_post "/cameras/$i/fault" '{"fault":"lock-after-5","value":300}' \
	    >/dev/null
	JOBS[i]=$(job "${CAM[$i]}" enroll)
	agent_once "ra-$i"
	check "${CAM[$i]} is enrolled" equal "$(ended "${JOBS[$i]}")" "done"
done

# ---- a maker's password ----
# The camera has an account that the vault has not: a look finds out whether its
# maker's password opens it, for one failed login, or none.
findings() {
	events unproven | jq -r 'select(.type == "camera.finding" or
	    .type == "camera.cleared") | .body' |
	    grep -c "^rule camera.default-password"
}
look() { # FINDINGS FAILED NAME
	local before after
	before=$(truth 0 .failed)
	J=$(job unproven observe)
	agent_once ra-0
	after=$(truth 0 .failed)
	check "$3" equal "$(ended "$J") $(($(findings) - BEFORE)) $((after - before))" \
	    "done $1 $2"
}
# The maker's password that it had is in the vault no more.
BEFORE=1
look 1 0 "rotated: what was found at its enrollment is cleared"
BEFORE=$(findings)
look 0 0 "the camera has no such account: nothing is tried"
camera_post /cameras/0/user '{"user":"installer","password":"4711"}' >/dev/null
look 1 0 "a maker's password that works is found"
look 1 0 "and told once"
camera_post /cameras/0/user '{"user":"installer","password":"its-own-8Hq"}' >/dev/null
look 2 1 "one that works no more is cleared, for one failed login"
camera_post /cameras/0/user '{"user":"installer"}' >/dev/null

# ---- killed ----
# Nobody knows these.
for u in admin camca-svc; do
	check "$u is changed at the camera" equal "$(camera_post /cameras/1/user \
	    "{\"user\":\"$u\",\"password\":\"by-hand-0Kq\"}")" 200
done
for i in 0 1; do JOBS[i]=$(job "${CAM[$i]}" rotate-password); done
# What failed, second by second: "CAMERA TIME FAILED"
watch() {
	local i
	while sleep 1; do
		for i in 0 1; do
			echo "$i ${EPOCHSECONDS} $(truth "$i" .failed)"
		done
	done >"$TMP/failed"
}
watch &
PIDS+=($!)
# most CAMERA: of all stretches of the window, the most failures in one
most() {
	awk -v i="$1" -v w="$WINDOW" '$1 == i { t[n] = $2; f[n++] = $3 }
	END {
		for (a = 0; a < n; a++)
			for (b = a; b < n && t[b] - t[a] < w; b++)
				if (f[b] - f[a] > m)
					m = f[b] - f[a]
		print m + 0
	}' "$TMP/failed"
}
attempts_are() { # N
	[ "$(job_field "${JOBS[0]}" attempts)" -ge "$1" ] &&
	    [ "$(job_field "${JOBS[1]}" attempts)" -ge "$1" ]
}
# Where the first password is set and not yet proven; then at each look. The
# other one where it has tried all, and has told nothing yet.
doomed() { # CAMERA POINT NTH
	env "${PRELOAD[@]}" CAMCA_FAULT_STEP="$2" CAMCA_FAULT_NTH="$3" \
	    "$BIN/camca-agent" --config "$TMP/ra-$1.conf" --log-level info run \
	    2>>"$TMP/agent-$1.log" &
	DOOMED[$1]=$!
	PIDS+=($!)
}
dead() { ! kill -0 "${DOOMED[0]}" 2>/dev/null && ! kill -0 "${DOOMED[1]}" 2>/dev/null; }
DOOMED=()
for k in $(seq "$KILLS"); do
	[ "$k" = 1 ] && doomed 0 prove:before 1 || doomed 0 reach:after 1
	doomed 1 reach:after 1
	EVENTUALLY=$((90 * SLOW)) check "kill $k meets both" eventually dead
done
waits() {
	[ "$(job_field "${JOBS[1]}" state) $(job_field "${JOBS[1]}" code)" = \
	    "waiting agent.next-visit" ]
}
agent_start ra-0
agent_start ra-1
eventually waits
check "put off, it says until when, and who may decide otherwise" grep -qE \
    'left alone until 20.*Z.*camca job retry' <<<"$(job_field "${JOBS[1]}" detail)"
export EVENTUALLY=$((120 * SLOW))
check "the new password is found and proven" equal "$(ended "${JOBS[0]}")" "done"
check "nobody knows the other: parked" equal "$(ended "${JOBS[1]}")" \
    "parked camera.password-unknown"
sleep 2
for i in 0 1; do
	check "${CAM[$i]}: each visit was one" test \
	    "$(job_field "${JOBS[$i]}" attempts)" -gt "$KILLS"
	check "${CAM[$i]}: at most three failures in $WINDOW s, $(most "$i")" \
	    test "$(most "$i")" -le 3
	check "${CAM[$i]}: never locked" equal "$(truth "$i" \
	    '[.users[] | select(.locked == true)] | length')" 0
done
check "logins were tried at all" test "$(most 1)" -ge 2
finish
