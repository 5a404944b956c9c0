#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A token that fails within a request and a clock that runs back: lines N4, N5.
# More of the token is in tests/faults.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq
SOFTHSM=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so \
    2>/dev/null | head -1)
[ -n "$SOFTHSM" ] || skip "SoftHSM is not where Debian has it"
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 ||
    skip "faketime is not installed"
W=/.well-known/est

est_init
# camcad is another user, who may have no way into the build folder.
FAULT_MODULE=$TMP/pkcs11_fault.so
install -m 755 "$BIN/tests/faults/pkcs11_fault.so" "$FAULT_MODULE"
sed -i "s|^hsm:|hsm:\n  module: \"$FAULT_MODULE\"|" "$STATE/camca.yaml"
export CAMCA_FAULT_MODULE=$SOFTHSM CAMCA_FAULT_CONTROL=$TMP/order
: >"$TMP/order"
camca_start
order() { # for the module that stands between camcad and SoftHSM
	printf '%s\n' "$1" >"$TMP/order.new"
	mv "$TMP/order.new" "$TMP/order"
}
certs() { camca --json cert list --limit 1000 | jq '.items | length'; }
secret_state() { # DEVICE: state of its secret, and its own
	camca --json device show "$1" |
	    jq -r '.secret.state + " " + .device.state'
}

# N4
device cam-4
csr "$TMP/four"
LOGIN=(-u "cam-4:$SECRET")
BEFORE=$(certs)
for fault in gone 'fail C_Sign 0x32' 'fail C_SignInit 0x30' flip; do
	order "$fault"
	check "N4 token: $fault: 503" refuses 503 '.' simpleenroll "$TMP/four" "${LOGIN[@]}"
	check "N4 token: $fault: Retry-After" grep -qiE '^retry-after: [1-9]' "$TMP/four.head"
	check "N4 token: $fault: no certificate on record" equal "$(certs)" "$BEFORE"
	check "N4 token: $fault: the secret is unused, the device as it was" equal \
	    "$(secret_state cam-4)" 'active registered'
	order ''
done
check "N4 the token is back: the same request is served" eventually accepts \
    simpleenroll "$TMP/four" "${LOGIN[@]}"
check "N4 one certificate" equal "$(certs)" $((BEFORE + 1))
check "N4 one event of it" equal "$(events cam-4 | grep -c '"cert.issued"')" 1
check "N4 the certificate is whole" openssl verify -CAfile "$TMP/root.pem" \
    -untrusted "$TMP/cacerts.pem" "$TMP/four.pem"
renew_csr "$TMP/four2" "$TMP/four"
MINE=(--cert "$TMP/four.pem" --key "$TMP/four.key")
order gone
check "N4 renewing without a token: 503" refuses 503 '.' simplereenroll \
    "$TMP/four2" "${MINE[@]}"
check "N4 cacerts needs no token" equal "$(get "$TMP/g" $W/cacerts)" 200
order ''
check "N4 renewing with the token back" eventually accepts simplereenroll \
    "$TMP/four2" "${MINE[@]}"

# N5
seconds() { # PEM: notBefore in seconds
	date -d "$(openssl x509 -in "$1" -noout -startdate | cut -d= -f2)" +%s
}
first() { device "$1"; csr "$TMP/$1"; accepts simpleenroll "$TMP/$1" -u "$1:$SECRET"; }
check "N5 a camera enrolls" first cam-5
device cam-6
csr "$TMP/six"
S6=$SECRET
restart_authority -2h
check "N5 clock two hours back: 503" refuses 503 'clock was set back' \
    simpleenroll "$TMP/six" -u "cam-6:$S6"
check "N5 Retry-After" grep -qiE '^retry-after: [1-9]' "$TMP/six.head"
check "N5 renewal: 503" refuses 503 'clock' simplereenroll "$TMP/four2" "${MINE[@]}"
check_not "N5 no new secrets either" camca enroll secret cam-6
check "N5 the doctor says so" sh -c "'$BIN/camca' --json doctor |
    jq -e '.checks[] | select(.name == \"clock\") | .ok == false' >/dev/null"
check "N5 it is an event" event_has 'type clock.back'
check "N5 once, not at each request" equal "$(events | grep -c '"clock.back"')" 1
check_not "N5 nothing was issued" grep -q . <(camca --json cert list --device cam-6 |
    jq -r '.items[].serial')
restart_authority
check "N5 clock right again: issued without further ado" accepts simpleenroll \
    "$TMP/six" -u "cam-6:$S6"
check "N5 not before the earlier one" [ "$(seconds "$TMP/six.pem")" -ge \
    "$(seconds "$TMP/cam-5.pem")" ]
restart_authority -3m
check "N5 three minutes back: served" first cam-7
check "N5 but time does not fall" [ "$(seconds "$TMP/cam-7.pem")" -ge \
    "$(seconds "$TMP/six.pem")" ]
restart_authority +30d
check "N5 a clock that ran ahead" first cam-8
restart_authority
check "N5 set right: 503 until a person looks" refuses 503 'clock' simpleenroll \
    "$TMP/six" -u "cam-6:$S6"
check "N5 who accepts it" camca clock accept
check "N5 then it goes on" first cam-9
check "N5 the acceptance is an event" event_has 'type clock.accepted .*actor uid:'
check "N5 serials differ" equal "$(serial_of "$TMP/cam-9.pem" |
    cmp -s - <(serial_of "$TMP/cam-8.pem"); echo $?)" 1
finish
