#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# /csrattrs: lines J1 to J10 (RFC 8951 section 4, RFC 9908), read by a decoder
# that shares nothing with ours.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl python3
policies
profile linked camera-ec 's/pop: optional/pop: require/' 's/rfc7894: false/rfc7894: true/'
profile named camera-ec 's/subject_must_match: false/subject_must_match: true/'
profile old camera-ec 's/csrattrs: both/csrattrs: legacy/'
profile new camera-ec 's/csrattrs: both/csrattrs: template/'
profile p384 camera-ec 's/^keys: .*/keys: [p384]/' '/^rsa_/d'
profile rsa-big camera-ec 's/^keys: .*/keys: [rsa]/' 's/rsa_min_bits: 2048/rsa_min_bits: 3072/' \
    's/rsa_max_bits: 4096/rsa_max_bits: 3072/'
est_init --rsa --policies "$POLICIES"
camca_start
W=/.well-known/est
attrs() { # LABEL: what it asks for, in $TMP/LABEL.txt
	equal "$(get "$TMP/$1" "$W/$1/csrattrs")" 200 &&
	    python3 "$TOP/tests/tools/csrattrs.py" <"$TMP/$1.out" >"$TMP/$1.txt" ||
	    { cat "$TMP/$1.out" "$TMP/$1.txt"; return 1; }
}
asks() { grep -qxE -- "$2" "$TMP/$1.txt" || { cat "$TMP/$1.txt"; return 1; }; }
asks_not() { ! grep -qE -- "$2" "$TMP/$1.txt" || { cat "$TMP/$1.txt"; return 1; }; }
CHALLENGE=1.2.840.113549.1.9.7
LINKING=1.2.840.113549.1.9.16.2.58
EC=1.2.840.10045.2.1
RSA=1.2.840.113549.1.1.1
P256=1.2.840.10045.3.1.7
P384=1.3.132.0.34

# J1
check "J1 anonymous" equal "$(get "$TMP/g" $W/csrattrs)" 200
check "J1 with a label" equal "$(get "$TMP/c" $W/camera/csrattrs)" 200
check "J1 the same" cmp "$TMP/g.out" "$TMP/c.out"
check "J1 a login makes no difference" equal "$(get "$TMP/u" $W/csrattrs -u a:b; \
    cmp "$TMP/g.out" "$TMP/u.out")" 200

# J2
check "J2 the media type" equal "$(field Content-Type "$TMP/g")" application/csrattrs
check "J2 base64 alone, no armour" sh -c "! grep -q -- ----- '$TMP/g.out'"
check "J2 no such label: 404" equal "$(get "$TMP/n" $W/nowhere/csrattrs)" 404

# J3: for every label. The decoder refuses what is not DER, or not CsrAttrs.
for l in camera strict rsa ra linked named old new p384 rsa-big; do
	check "J3 $l: DER of CsrAttrs" attrs $l
	check "J2 $l: never an empty list" test -s "$TMP/$l.txt"
done
check "J3 OpenSSL reads it as well" sh -c \
    "base64 -d '$TMP/camera.out' | openssl asn1parse -inform DER"

# J4
check "J4 camera: EC on P-256" asks camera "attr $EC oid:$P256"
check "J4 camera: or RSA of 2048" asks camera "attr $RSA int:2048"
check "J4 camera: signed with ECDSA and SHA-256" asks camera 'oid 1.2.840.10045.4.3.2'
check "J4 camera: or RSA and SHA-256" asks camera 'oid 1.2.840.113549.1.1.11'
check "J4 strict takes no RSA and asks for none" asks_not strict "$RSA"
check "J4 p384: EC on P-384" asks p384 "attr $EC oid:$P384"
check "J4 p384: SHA-384" asks p384 'oid 1.2.840.10045.4.3.3'
check "J4 rsa-big: RSA of 3072" asks rsa-big "attr $RSA int:3072"
check "J4 rsa-big: no EC" asks_not rsa-big "$EC"

# J5
check "J5 proof required: challengePassword" asks strict "oid $CHALLENGE"
check "J5 proof optional: not asked for" asks_not camera "$CHALLENGE"
check "J5 with RFC 7894: challengePassword" asks linked "oid $CHALLENGE"
check "J5 with RFC 7894: estIdentityLinking" asks linked "oid $LINKING"
check "J5 with RFC 7894: otpChallenge" asks linked 'oid 1.2.840.113549.1.9.16.2.56'
check "J5 without RFC 7894: not" asks_not strict "$LINKING"

# J6: the worked example of RFC 8951 has bare OIDs and a MAC address that no
# profile asks for: our encoder makes it in its unit test, and the decoder of
# this test reads it but for the one thing that RFC 9908 took out.
J6='MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw=='
check "J6 the worked example is made by our encoder, byte by byte" sh -c \
    "grep -q '${J6:0:20}' '$TOP/tests/unit/ca/issue/test_csrattrs.c' &&
    '$BIN/tests/unit/ca/issue/test_csrattrs'"
example() { printf %s "$J6" | python3 "$TOP/tests/tools/csrattrs.py" >"$TMP/j6.txt"; }
check_not "J7 its bare OID in extensionReq is what RFC 9908 forbids" example
check "J6 what stands before it is read" equal "$(tr '\n' ' ' <"$TMP/j6.txt")" \
    "oid $CHALLENGE attr $EC oid:$P384 bad: extensionReq holds one Extensions (RFC 9908 3.2) "

# J7: the decoder refuses what breaks RFC 9908 3.2; one entry a key family.
for l in camera strict rsa old named; do
	check "J7 $l: one EC entry at most" [ "$(grep -c "^attr $EC" "$TMP/$l.txt")" -le 1 ]
	check "J7 $l: one RSA entry at most" [ "$(grep -c "^attr $RSA" "$TMP/$l.txt")" -le 1 ]
done

# J8
check "J8 camera: a template with the preferred key" asks camera "template key $EC oid:$P256"
check "J8 rsa-big: RSA, with its size" asks rsa-big "template key $RSA .*sized"
check "J8 named: the subject's parts" asks named 'template subject 2.5.4.3 2.5.4.5'
check "J8 one template" equal "$(grep -c '^template key' "$TMP/camera.txt")" 1
check "J8 named: never extensionReq beside its template" sh -c \
    "! grep -q 'template attr 1.2.840.113549.1.9.14' '$TMP/named.txt' ||
    ! grep -q 'template attr 1.2.840.113549.1.9.16.2.62' '$TMP/named.txt'"

# J9
check "J9 both: the old entries too" asks camera "attr $EC .*"
check "J9 old: no template" asks_not old '^template'
check "J9 old: the old entries" asks old "attr $EC .*"
check "J9 new: the template" asks new 'template key .*'
check "J9 new: no old entries" asks_not new '^attr'

# J10: what is asked for is asked for in earnest.
try() { # LABEL STATUS WORDS KEY-OPTIONS...
	local l=$1 status=$2 words=$3
	shift 3
	openssl genpkey "$@" -out "$TMP/t.key" 2>/dev/null
	csr "$TMP/t" || return 1
	refuses "$status" "$words" "$l/simpleenroll" "$TMP/t" -u "cam-10:$SECRET"
}
device cam-10
SIZE=(-algorithm RSA -pkeyopt)
CURVE=(-algorithm EC -pkeyopt)
check "J10 camera: RSA 1024" try camera 400 '1024 bits' "${SIZE[@]}" rsa_keygen_bits:1024
check "J10 rsa-big: RSA 2048" try rsa-big 400 '2048 bits' "${SIZE[@]}" rsa_keygen_bits:2048
check "J10 camera: P-521" try camera 400 'P-521' "${CURVE[@]}" ec_paramgen_curve:P-521
check "J10 camera: secp256k1" try camera 400 '.' "${CURVE[@]}" ec_paramgen_curve:secp256k1
check "J10 camera: Ed25519" try camera 400 'Ed25519' -algorithm ED25519
check "J10 p384: P-256" try p384 400 'P-256' "${CURVE[@]}" ec_paramgen_curve:P-256
check "J10 rsa: EC" try rsa 400 'EC' "${CURVE[@]}" ec_paramgen_curve:P-256
check "J10 linked: without proof of possession" try linked 403 'proof of possession' \
    "${CURVE[@]}" ec_paramgen_curve:P-256
check "J10 named: without the subject it asked for" try named 403 'subject' \
    "${CURVE[@]}" ec_paramgen_curve:P-256
sha1() {
	csr "$TMP/t" -sha1 && refuses 400 'SHA|signature' camera/simpleenroll "$TMP/t" \
	    -u "cam-10:$SECRET"
}
check "J10 camera: a request signed with SHA-1" sha1
check "J10 camera: what it asks for is taken" enroll cam-10 "$TMP/good"
finish
