#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A site agent onboards cameras: certificate by EST with the key made on the
# camera, proof by a handshake, an account of its own, the factory's password
# gone, plain HTTP off; then renews, goes back, pushes a CRL, retires.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

cameras fleet -n 5 --persona=modern,rsa4,lateclock,md5first,md5first \
    --keygen-ms=50 || exit 1
agent_site
for i in 0 1 2 3 4; do agent_camera "cam-$i" $i; done

FACTORY0=$(served 0)

# ---- the agent itself ----
agent_start || exit 1
check "the agent enrolls itself and asks for jobs" sh -c \
    "'$BIN/camca' --json agent list | jq -e '.items[] | select(.agent == \"ra-1\") | .seen'"
check "at rest it has its key, its certificate and a state file" sh -c \
    "cd '$TMP/ra-1.dir' && [ \$(ls | wc -l) = 1 ] && ls identity/current/key.pem"
check "nobody but its user reads the key" equal \
    "$(stat -c %a "$TMP"/ra-1.dir/identity/current/key.pem)" 600

# ---- plan ----
P=$(job cam-0 enroll --mode plan)
check "a plan ends" equal "$(ended "$P")" "done"
plan() { camca --json job show "$P" | jq -r "[.steps[] | $1] | join(\"; \")"; }
check "it says which key" grep -q 'would make a P-256 key' <<<"$(plan .detail)"
check "and how long video may pause" grep -q 'may pause' <<<"$(plan .detail)"
check "and changes nothing" equal "$(truth 0 '[.keys, .certs, .paths] | map(length)')" \
    '[1,1,1]'

# ---- enroll ----
for i in 0 1 2; do eval "J$i=$(job "cam-$i" enroll)"; done
check "the modern camera is enrolled" equal "$(ended "$J0")" "done"
check "the RSA-only one with four slots is" equal "$(ended "$J1")" "done"
check "the one with its clock two years off is" equal "$(ended "$J2")" "done"
for i in 0 1 2; do
	check "camera $i serves what the inventory has" equal "$(served $i)" \
	    "$(held "cam-$i")"
	check "camera $i: its key was made there" equal \
	    "$(truth $i '[.keys[] | select(.alias | startswith("camca:cam-")) | .private]')" \
	    '[true]'
	check "camera $i has an account for us" equal \
	    "$(truth $i '[.users[].name] | sort')" '["admin","camca-svc"]'
	check "camera $i: the factory's password is gone" equal \
	    "$(truth $i '[.users[] | select(.password == "admin")]')" '[]'
	check "camera $i: one failed login, the proof" equal \
	    "$(truth $i .failed)" 1
	check "camera $i: plain HTTP is off" equal \
	    "$(truth $i .protocols.HTTP)" false
	check "camera $i: no password crossed the wire in clear" equal \
	    "$(truth $i .clear_passwords)" 0
	check "camera $i: the vault has its password" equal \
	    "\"$(vault_password "cam-$i" --account=admin)\"" \
	    "$(truth $i '.users[] | select(.name == "admin") | .password')"
	camca --json job list --device "cam-$i" --status waiting |
	    jq -r '.items[].id' | while read -r j; do camca job cancel "$j" \
	    --reason test >/dev/null; done
done
# ---- logins by SHA-256 ----
P=$(job cam-3 enroll --mode plan)
check "a plan says that SHA-256 would be used" equal "$(ended "$P")" "done"
check "... so" grep -q 'would let logins use SHA-256' <<<"$(plan .detail)"
check "and leaves it off" equal "$(truth 3 .sha256)" false
camera_post /cameras/4/fault '{"fault":"sha256-broken"}' >/dev/null
J3=$(job cam-3 enroll) J4=$(job cam-4 enroll)
check "one that could use SHA-256 is enrolled" equal "$(ended "$J3")" "done"
check "uses it, and MD5 for those who know nothing else" equal \
    "$(truth 3 '[.sha256, .md5]')" '[true,true]'
check "which cost no failed login" equal "$(truth 3 .failed)" 1
check "before and after are told" sh -c "'$BIN/camca' --json job show $J3 |
    jq -e '.steps[] | select(.step == \"protocols\") |
    (.before | test(\"digest MD5\")) and (.after | test(\"digest MD5 SHA-256\"))'"
check "one whose logins then fail is enrolled too" equal "$(ended "$J4")" "done"
check "with MD5 alone, as before" equal "$(truth 4 '[.sha256, .md5]')" \
    '[false,true]'
check "for one failed login more" equal "$(truth 4 .failed)" 2
check "and why is told" sh -c "'$BIN/camca' --json job show $J4 |
    jq -e '[.steps[].detail] | any(test(\"does not log in with SHA-256\"))'"
check "it is worked with on" equal "$(ended "$(job cam-4 observe)")" "done"
check "the RSA-only one has an RSA key of 3072 or 2048 bits" equal \
    "$(truth 1 '[.keys[] | select(.alias | startswith("camca:cam-")) | .type]')" \
    '["RSA"]'
check "its clock is right now" equal \
    "$(truth 2 '.offset_s | fabs < 5')" true
check "the steps are on record" equal "$(camca --json job show "$J0" |
    jq -r '[.steps[].step] | unique | length > 12')" true

# ---- renew, and back ----
OLD=$(served 0)
R=$(job cam-0 renew)
check "a renewal ends" equal "$(ended "$R")" "done"
check_not "another certificate is served" equal "$(served 0)" "$OLD"
check "the one of the inventory" equal "$(served 0)" "$(held cam-0)"
B=$(job cam-0 renew --mode rollback)
check "a rollback ends" equal "$(ended "$B")" "done"
check "the one before is served again" equal "$(served 0)" "$OLD"
for n in 1 2 3 4 5; do
	R=$(job cam-1 renew)
	check "renewal $n on four slots" equal "$(ended "$R")" "done"
	check "what is served is known" equal "$(served 1)" "$(held cam-1)"
done
check "two paths, four certificates, four keys at most" equal \
    "$(truth 1 '(.paths | length) <= 2 and (.certs | length) <= 4 and (.keys | length) <= 4')" true

# ---- CRL, observation, end ----
C=$(job cam-0 push-crl)
check "a CRL is pushed" equal "$(ended "$C")" "done"
check "it is there" equal "$(truth 0 '.crls | length')" 1
C=$(job cam-0 push-crl)
check "again: still one" equal "$(ended "$C") $(truth 0 '.crls | length')" "done 1"
O=$(job cam-2 observe)
check "an observation" equal "$(ended "$O")" "done"
X=$(job cam-0 retire)
check "retired" equal "$(ended "$X")" "done"
check "the factory's certificate is served" equal "$(served 0)" "$FACTORY0"
check "nothing of ours is left" equal \
    "$(truth 0 '[.keys[], .certs[], .paths[] | select(.alias | startswith("camca:"))] | length')" 0
agent_end
check "the agent ended well" grep -q 'stopping' "$TMP/agent.log"
finish
