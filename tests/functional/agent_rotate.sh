#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Passwords are changed by the site agent, and nobody is locked out: two
# accounts change each other, one alone changes itself, a late camera is waited
# for, one that only says yes is found out, and an unknown password is told as
# that.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

cameras fleet -n 2 --persona=default --keygen-ms=50 || exit 1
agent_rules -e 's/^login_paths: .*/login_paths: ["\/web\/login", "rtsp:\/stream1"]/'
agent_site
agent_camera cam-0 0
agent_camera cam-1 1
agent_start || exit 1
for i in 0 1; do
	J=$(job "cam-$i" enroll)
	check "camera $i is enrolled" equal "$(ended "$J")" "done"
done

password() { truth "$1" ".users[] | select(.name == \"$2\") | .password"; }
fault() { camera_post "/cameras/$1/fault" "$2"; }
clear() { camera_post "/cameras/$1/clear" '{}' >/dev/null; }
failed() { truth "$1" .failed; }
rotate() { # DEVICE [options]: how it ended
	ended "$(job "$1" rotate-password "${@:2}")"
}

# A camera whose video alone keeps the old password; no page of it is asked.
video_keeps_the_old() {
	local rc j
	sed -i 's/^login_paths: .*/login_paths: ["rtsp:\/stream1"]/; s/^version: .*/version: 2/' \
	    "$STATE/policies/rules/jobs.yaml"
	camca policy reload >/dev/null || return 1
	equal "$(rotate cam-0 --account admin)" "done" || return 1
	fault 0 '{"fault":"password-onvif-only"}' >/dev/null
	j=$(job cam-0 rotate-password --account admin)
	equal "$(ended "$j")" "failed camera.password-onvif-only" &&
	    camca --json job show "$j" | jq -e '[.steps[].detail] |
	    any(test("rtsp:/stream1 of admin still takes the old"))' \
	    >"$TMP/video" || { camca --json job show "$j"; false; }
	rc=$?
	clear 0
	return $rc
}

# ---- two accounts ----
A=$(password 0 admin) S=$(password 0 camca-svc) F=$(failed 0)
check "both accounts get new passwords" equal "$(rotate cam-0)" "done"
check_not "the administrator's is another" equal "$(password 0 admin)" "$A"
check_not "ours is another" equal "$(password 0 camca-svc)" "$S"
check "each proof costs one failed login a surface at most" test \
    $(($(failed 0) - F)) -le 3
S=$(password 0 camca-svc)
check "one account alone" equal "$(rotate cam-0 --account admin)" "done"
check "leaves the other" equal "$(password 0 camca-svc)" "$S"
check "the video was asked too" test "$(truth 0 .described)" -ge 4
check "no password went in clear" equal "$(truth 0 .basic_seen)" 0
check "web page and camera agree" equal "$(truth 0 \
    '[.users[] | select(.password != .web_password)]')" '[]'

# ---- answers that are lost, power that fails ----
for o in drop-before-answer drop-after-change; do
	fault 0 "{\"fault\":\"$o\",\"operation\":\"SetUser\",\"count\":1}" >/dev/null
	check "$o at SetUser" equal "$(rotate cam-0 --account admin)" "done"
	clear 0
done
fault 0 '{"fault":"power-cut","operation":"SetUser","when":"after","count":1,"value":1500}' >/dev/null
check "the power fails right after the change" equal \
    "$(rotate cam-0 --account admin)" "done"
clear 0
fault 0 '{"fault":"password-late","value":2}' >/dev/null
F=$(failed 0)
check "a camera that applies it two seconds later" equal \
    "$(rotate cam-0 --account admin)" "done"
check "was asked with the old one, which costs nothing" test \
    $(($(failed 0) - F)) -le 2
clear 0

# ---- named failures ----
fault 0 '{"fault":"password-silently-ignored"}' >/dev/null
A=$(password 0 admin)
check "a yes that changes nothing is found out" equal \
    "$(rotate cam-0 --account admin)" "failed camera.password-ignored"
check "nothing has changed" equal "$(password 0 admin)" "$A"
clear 0
check "and the next rotation works" equal "$(rotate cam-0 --account admin)" \
    "done"
fault 0 '{"fault":"symbols-rejected"}' >/dev/null
check "a camera that takes letters and digits only" equal \
    "$(rotate cam-0 --account admin)" "done"
clear 0
fault 0 '{"fault":"password-onvif-only"}' >/dev/null
check "a web page that keeps the old one is told" equal \
    "$(rotate cam-0 --account admin)" "failed camera.password-onvif-only"
clear 0
check "the same of the video" video_keeps_the_old
check "the vault has what ONVIF takes" equal "\"$(vault_password cam-0 \
    --account=admin)\"" "$(password 0 admin)"
fault 0 '{"fault":"fixed-user","user":"admin"}' >/dev/null
check "a built-in account is told" equal "$(rotate cam-0 --account admin)" \
    "failed camera.fixed-user"
clear 0

# ---- somebody else changed them ----
stranger() { # N USER PASSWORD: at the camera, behind everybody's back
	camera_post "/cameras/$1/user" "{\"user\":\"$2\",\"password\":\"$3\"}" >/dev/null
}
stranger 1 admin Else-1234-else
check "a password that is unknown is set from the other account" equal \
    "$(rotate cam-1 --account admin)" "done"
stranger 1 admin Else-1234-else
stranger 1 camca-svc Else-1234-else
F=$(failed 1)
J=$(job cam-1 rotate-password)
check "with none that works the job waits for a person" equal "$(ended "$J")" \
    "parked camera.password-unknown"
check "the failed logins stay within the budget" test $(($(failed 1) - F)) -le 3
check "what was tried is told" sh -c "'$BIN/camca' --json job show $J |
    jq -e '.steps[-1].detail | test(\"secret import\")'"
printf 'device,username,password,role,level\ncam-1,admin,Else-1234-else,administrator,Administrator\n' \
    >"$TMP/again.csv"
check "the password is brought in" camca secret import "$TMP/again.csv"
camca job retry "$J" >/dev/null
check "and the job goes on" equal "$(ended "$J")" "done"
check "both accounts are the vault's again" equal "$(truth 1 \
    '[.users[] | select(.password == "Else-1234-else")]')" '[]'
finish
