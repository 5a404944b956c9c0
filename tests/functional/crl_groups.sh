#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A further issuing CA for a site group: made by ca add, chosen by the label of
# a profile that names it, with a CRL of its own.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need curl jq openssl python3

camca_init
camca_start
check "a further issuing CA" camca ca add ec-north --common-name "Test North CA"
north_profile() {
	sed 's/^label: .*/label: north/; s/^default: .*/default: false/; s/^issuer: .*/issuer: ec-north/' \
	    "$STATE/policies/profiles/camera-ec.yaml" >"$STATE/policies/profiles/camera-north.yaml" &&
	    camca policy reload >/dev/null
}
check "a profile of three changed lines sends a label there" north_profile
ski() { camca --json ca list | jq -r --arg n "$1" '.items[]? // . | select(.name==$n) | .ski' | head -1; }
NORTH=$(ski ec-north) EC=$(ski ec)

check_not "its name is taken then" camca ca add ec-north
check_not "as that of the root" camca ca add root
for bad in "" North "no rth" -x 9x ../x "$(printf 'a%.0s' $(seq 65))"; do
	check_not "'$bad' is no name of a CA" camca ca add "$bad"
done
check_not "nor is this a key type" camca ca add ec-south --key rsa-512
check_not "Ed25519 is for the log" camca ca add ec-south --key ed25519
check_not "in a rollover too" camca ca rollover ec --key ed25519
check "an RSA one is possible" camca ca add rsa-north --key rsa-3072
check "the record has it" event_has "ca.created.* ca ec-north"

camca ca certificate ec-north >"$TMP/north.pem"
camca ca certificate root >"$TMP/root.pem"
check "the root signed it" openssl verify -x509_strict -CAfile "$TMP/root.pem" "$TMP/north.pem"
check "its subject" sh -c 'openssl x509 -in "$1" -noout -subject | grep -q "CN = Test North CA"' - "$TMP/north.pem"
check "it signs certificates and CRLs only, and no CA under it" sh -c '
	openssl x509 -in "$1" -noout -text | grep -A1 "Basic Constraints" | grep -q "CA:TRUE, pathlen:0"' - "$TMP/north.pem"

device cam-n; N=$SECRET
csr "$TMP/n"
check "a camera of that label" equal "$(est_post north/simpleenroll "$TMP/n" -u "cam-n:$N")" 200
p7_cert "$TMP/n"
device cam-s
enroll cam-s "$TMP/s"
check "is issued by that CA" openssl verify -CAfile "$TMP/root.pem" -untrusted "$TMP/north.pem" "$TMP/n.pem"
check "and points to its CRL" sh -c 'openssl x509 -in "$1" -noout -ext crlDistributionPoints | grep -q "$2"' - "$TMP/n.pem" "$NORTH"
check "one without the label is not" sh -c 'openssl x509 -in "$1" -noout -ext crlDistributionPoints | grep -q "$2"' - "$TMP/s.pem" "$EC"
bag() { curl -s --cacert "$TMP/root.pem" "$EST/$1/cacerts" | base64 -d -i |
    openssl pkcs7 -inform DER -print_certs -noout | grep -c subject; }
check "the label's /cacerts has its CA and the root" equal "$(bag north)" 2

serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2; }
camca cert revoke "$(serial "$TMP/n.pem")" --reason keyCompromise --text x >/dev/null
count() { python3 "$TOP/tests/tools/crl_facts.py" "$STATE/crl/$1.crl" | jq '.entries | length'; }
listed() { equal "$(count "$1")" "$2"; }
check "C7 revoked: on the CRL of its own CA" eventually listed "$NORTH" 1
check "C7 and on no other" listed "$EC" 0
check "it is served" eventually sh -c 'curl -sf "$1" | openssl crl -inform DER -noout -CAfile "$2" 2>&1 | grep -q "verify OK"' - \
    "http://127.0.0.1:$HTTP_PORT/crl/$NORTH.crl" "$TMP/north.pem"
old_number() { python3 "$TOP/tests/tools/crl_facts.py" "$STATE/crl/$NORTH.crl" | jq .number; }
check "it rolls over like the others" camca ca rollover ec-north
check "each generation has a list" eventually sh -c '
	"$1" --json crl list | jq -se "[.[] | .items[]? // .] | map(select(.name == \"ec-north\" and .number > 0)) | length == 2"' - "$BIN/camca"
check "the old one goes on" listed "$NORTH" 1
stop "$AUTHORITY_PID"
start_authority
check "and all are there after a restart" eventually sh -c '
	"$1" --json crl list | jq -se "[.[] | .items[]? // .] | length == 5 and all(.current)"' - "$BIN/camca"
finish
