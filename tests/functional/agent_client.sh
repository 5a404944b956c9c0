#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cameras that ask for client certificates: never before the agent's own is
# known to be taken, taken back at once where it is not, gone when retired.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

cameras fleet -n 5 --persona=default,default,default,default,lateclock \
    --keygen-ms=50 || exit 1
agent_rules -e 's/require_client_cert: false/require_client_cert: true/'
agent_site
for i in 0 1 2 3 4; do agent_camera "cam-$i" $i; done
agent_start || exit 1

fault() { camera_post "/cameras/$1/fault" "$2" >/dev/null; }
tells() { # JOB FIELD REGULAR-EXPRESSION
	camca --json job show "$1" |
	    jq -e "[.steps[].$2] | any(test(\"$3\"))" >/dev/null
}
asks() { # N [options of curl]: does it talk to us over TLS?
	local n=$1
	shift
	curl -sk --max-time 10 "$@" -o /dev/null \
	    "https://127.0.0.1:$(camera_port "$n" https)/web/login"
}
OURS=(--cert "$TMP/ra-1.dir/identity/current/fullchain.pem"
    --key "$TMP/ra-1.dir/identity/current/key.pem")

P=$(job cam-0 enroll --mode plan)
check "a plan ends" equal "$(ended "$P")" "done"
check "it says who loses the camera" tells "$P" detail \
    'whoever has none loses the camera'
check "and changes nothing" equal "$(truth 0 '[.client_auth, .policy]')" \
    '[false,""]'

# ---- taken ----
J=$(job cam-0 enroll)
check "a camera that can is enrolled" equal "$(ended "$J")" "done"
check "asks for client certificates" equal "$(truth 0 .client_auth)" true
check "before and after are told" tells "$J" after \
    'ours is taken, a stranger is not'
check_not "a stranger is not talked to" asks 0
check "the agent is" asks 0 "${OURS[@]}"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
    -subj "/CN=ra-1" -keyout "$TMP/own.key" -out "$TMP/own.pem" 2>/dev/null
check_not "a certificate of somebody else is not" asks 0 \
    --cert "$TMP/own.pem" --key "$TMP/own.key"
check "plain HTTP went off after it" equal "$(truth 0 .protocols.HTTP)" false
for k in observe renew rotate-password push-crl; do
	check "$k works with it" equal "$(ended "$(job cam-0 "$k")")" "done"
done
check "what is served is known" equal "$(served 0)" "$(held cam-0)"
J=$(job cam-0 enroll)
check "enrolled again" equal "$(ended "$J")" "done"
check "it has one policy and one root" equal "$(truth 0 \
    '[.certs[] | select(.alias | startswith("camca-trust:"))] | length')" 1

# ---- not taken: back at once, the rest is done ----
back() { # N CODE
	J=$(job "cam-$1" enroll)
	check "camera $1: told by its name" equal "$(ended "$J")" "failed $2"
	check "camera $1: asks for none, no policy of ours is left" equal \
	    "$(truth "$1" '[.client_auth, .policy]')" '[false,""]'
	check "camera $1: said so" tells "$J" after 'not asked for, as before'
	check "camera $1: the rest was done" equal \
	    "$(truth "$1" .protocols.HTTP)" false
	check "camera $1: it talks to its viewers" asks "$1"
	check "camera $1: and is worked with on" equal \
	    "$(ended "$(job "cam-$1" observe)")" "done"
}
fault 1 '{"fault":"client-cert-refused"}'
back 1 camera.client-auth
fault 2 '{"fault":"client-cert-ignored"}'
back 2 camera.client-auth-ignored
# Its power fails then: no connection from before is left, plain HTTP is.
fault 3 '{"fault":"client-cert-refused"}'
fault 3 '{"fault":"power-cut","operation":"SetClientAuthenticationRequired","when":"after","count":1,"value":700}'
back 3 camera.client-auth
J=$(job cam-4 enroll)
check "a camera that cannot is enrolled without" equal "$(ended "$J")" "done"
check "and that is told" tells "$J" detail 'cannot ask for client certificates'

# ---- retired ----
J=$(job cam-0 retire)
check "retired" equal "$(ended "$J")" "done"
check "nobody is asked any more" equal "$(truth 0 '[.client_auth, .policy]')" \
    '[false,""]'
check "nothing of ours is left" equal "$(truth 0 \
    '[.keys[], .certs[], .paths[] | select(.alias | startswith("camca"))]')" \
    '[]'
check "no password crossed the wire in clear" equal "$(camera_get /cameras/3 |
    jq '[.clear_passwords, .basic_seen]' -c)" '[0,0]'
finish
