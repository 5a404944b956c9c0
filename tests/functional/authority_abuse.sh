#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a hostile or clumsy neighbour tries: a key that two hold, a flood of
# strangers, a gate that does not read, an RA with another device's secret, a
# second camcad.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq python3
est_init
camca_start

second() { # [OPTION]
	! "$BIN/camcad" --state "$STATE" "$@" 2>"$TMP/second" &&
	    grep 'Another camcad' "$TMP/second"
}
check "a second camcad is refused" second
check "so is a second ceremony" second --init
check "the first one still serves" camca site list

new_key() { # FILE
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}
# renewed FROM TO: renews FROM (key and certificate) with a new key as TO
renewed() {
	new_key "$TMP/$2" && renew_csr "$TMP/$2" "$TMP/$1" &&
	    accepts simplereenroll "$TMP/$2" --cert "$TMP/$1.pem" --key "$TMP/$1.key"
}
put_out() { # FROM: cannot renew any more
	new_key "$TMP/x" && renew_csr "$TMP/x" "$TMP/$1" && refuses 403 'successor is in use' \
	    simplereenroll "$TMP/x" --cert "$TMP/$1.pem" --key "$TMP/$1.key"
}
device cam-1
enroll cam-1 "$TMP/a"
check "H9 a renewal" renewed a b1
check "H9 again with another key: the answer may have been lost" renewed a b2
check "H9 and once more" renewed a b3
check "H9 the first of them to be used" renewed b1 c1
check "H9 puts out the second" put_out b2
check "H9 and the last" put_out b3
check "H9 and the one before" put_out a
check "H9 but not itself, whose own answer may be lost" renewed b1 c2
check "H9 until its successor is used" renewed c2 d
check "H9 then it goes" put_out b1
check "H9 with the successor that nobody used" put_out c1

# An RA that has seen the label of another device
device ra-1 1 --kind ra
csr "$TMP/ra"
check "E8 an RA" accepts ra/simpleenroll "$TMP/ra" -u "ra-1:$SECRET"
device cam-2
device cam-3
csr "$TMP/e8" -subj /CN=cam-2
check "E8 a secret of one device and the name of another" refuses 403 'two devices' \
    simpleenroll "$TMP/e8" --cert "$TMP/ra.pem" --key "$TMP/ra.key" -u ":$SECRET"
csr "$TMP/e3"
check "E8 the secret is not used up" accepts simpleenroll "$TMP/e3" -u "cam-3:$SECRET"

# Strangers: the first of them one by one, the rest as a sum
strangers() {
	csr "$TMP/s"
	for _ in $(seq 80); do
		[ "$(est_post simpleenroll "$TMP/s")" = 401 ] || return 1
	done
}
check "I8 eighty strangers" strangers
check "I8 not eighty events" test \
    "$(events | jq -r .body | grep -c 'rule auth.required')" -le 60
stop "$GATE_PID"
stop "$AUTHORITY_PID"
camca_start
check "I8 but their sum" event_has 'throttle.summary .*rule auth.required count [1-9]'

# A gate that asks and does not read
if [ "$(id -u)" = 0 ] && id camca-gate >/dev/null 2>&1; then
	python3 "$TOP/tests/tools/deaf_gate.py" "$STATE" camca-gate >"$TMP/deaf" &
	PIDS+=("$!")
	check "a deaf gate" eventually grep -q full "$TMP/deaf"
	check "operators are served meanwhile" timeout 8 "$BIN/camca" site list
fi
finish
