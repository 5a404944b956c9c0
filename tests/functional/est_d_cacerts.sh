#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# /cacerts: lines D1 to D8 (RFC 7030 4.1).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl
est_init --rsa
camca_start
W=/.well-known/est

# bag NAME PATH [curl options]: NAME.der and NAME.pem, prints the status
bag() {
	local name=$1
	shift
	get "$TMP/$name" "$@"
	base64 -d -i "$TMP/$name.out" >"$TMP/$name.der" 2>/dev/null
	openssl pkcs7 -inform DER -in "$TMP/$name.der" -print_certs \
	    -out "$TMP/$name.pem" 2>/dev/null
}
count() { grep -c 'BEGIN CERT' "$TMP/$1.pem"; }
# split NAME: its certificates as NAME.1, NAME.2 …
split() {
	awk '/BEGIN CERT/ { n++ } /BEGIN CERT/, /END CERT/ { print > f "." n }' \
	    f="$TMP/$1" "$TMP/$1.pem"
}
has() { # NAME PEM: the certificate is in the bag
	local f want
	want=$(openssl x509 -in "$2" -noout -fingerprint -sha256)
	for f in "$TMP/$1".[0-9]*; do
		[ "$(openssl x509 -in "$f" -noout -fingerprint -sha256)" = "$want" ] &&
		    return 0
	done
	return 1
}

check "D1 anonymous" equal "$(bag one $W/cacerts)" 200

# D2
check "D2 the media type" equal "$(field Content-Type "$TMP/one")" application/pkcs7-mime
check "D2 SignedData" sh -c "openssl asn1parse -inform DER -in '$TMP/one.der' |
    sed -n 2p | grep -q pkcs7-signedData"
check "D2 no digest algorithms" sh -c "openssl cms -cmsout -print -inform DER \
    -in '$TMP/one.der' | grep -A1 digestAlgorithms: | grep -q EMPTY"
check "D2 no signers" sh -c "openssl cms -cmsout -print -inform DER \
    -in '$TMP/one.der' | grep -A1 signerInfos: | grep -q EMPTY"
check "D2 no content" sh -c "openssl cms -cmsout -print -inform DER \
    -in '$TMP/one.der' | grep -A2 encapContentInfo: | grep -q 'eContent: <ABSENT>'"
check "D2 DER, no indefinite lengths" sh -c "! openssl asn1parse -inform DER \
    -in '$TMP/one.der' | grep -q 'l=inf'"
check "D2 nothing after it" equal "$(wc -c <"$TMP/one.der")" \
    "$(openssl pkcs7 -inform DER -in "$TMP/one.der" -outform DER | wc -c)"

# D3, D4
split one
check "D3 the root is in it" has one "$TMP/root.pem"
device cam-1
check "D4 a camera enrolls" enroll cam-1 "$TMP/cam"
verify() { # BAG LEAF [verify options]
	local bag=$1 leaf=$2
	shift 2
	openssl verify -x509_strict -CAfile "$TMP/root.pem" \
	    -untrusted "$TMP/$bag.pem" "$@" "$leaf"
}
check "D4 the bag leads from it to the root" verify one "$TMP/cam.pem"
check_not "D4 without the bag nothing does" openssl verify -CAfile \
    "$TMP/root.pem" "$TMP/cam.pem"
check "D4 two certificates, no more than needed" equal "$(count one)" 2

# D6
TAG=$(field ETag "$TMP/one")
check "D6 it has a tag" test -n "$TAG"
check "D6 and a life in caches" sh -c \
    "grep -qi '^cache-control: max-age=' '$TMP/one.head'"
check "D6 the same again: 304" equal "$(get "$TMP/not" $W/cacerts \
    -H "If-None-Match: $TAG")" 304
check_not "D6 which has no body" test -s "$TMP/not.out"
check "D6 another tag: 200" equal "$(get "$TMP/not" $W/cacerts \
    -H 'If-None-Match: "else"')" 200
check "D6 the other layout has another tag" [ "$(get "$TMP/not" $W/cacerts \
    -H 'User-Agent:' -H 'Accept:' >/dev/null; field ETag "$TMP/not")" != "$TAG" ]

# D7
bag ec $W/camera/cacerts >/dev/null
bag rsa $W/rsa/cacerts >/dev/null
split ec
split rsa
camca ca certificate ec >"$TMP/ca-ec.pem"
camca ca certificate rsa >"$TMP/ca-rsa.pem"
check "D7 the label's bag is that of no label" cmp "$TMP/one.der" "$TMP/ec.der"
check "D7 label camera has its CA" has ec "$TMP/ca-ec.pem"
check_not "D7 but not that of label rsa" has ec "$TMP/ca-rsa.pem"
check "D7 label rsa has its CA" has rsa "$TMP/ca-rsa.pem"
check_not "D7 but not that of label camera" has rsa "$TMP/ca-ec.pem"
check "D7 both have the root" has rsa "$TMP/root.pem"

# D5: both generations and both links, from the moment of the rollover on.
cp "$TMP/ca-ec.pem" "$TMP/old.pem"
camca ca rollover ec >/dev/null
camca ca certificate ec >"$TMP/new.pem"
check "D6 the old tag is worth nothing at once" equal "$(bag roll $W/cacerts \
    -H "If-None-Match: $TAG")" 200
split roll
check "D5 OldWithOld" has roll "$TMP/old.pem"
check "D5 NewWithNew" has roll "$TMP/new.pem"
links() { # SIGNER SUBJECT: a certificate of SUBJECT's key signed by SIGNER
	local f
	for f in "$TMP"/roll.[0-9]*; do
		[ "$(openssl x509 -in "$f" -noout -pubkey)" = \
		    "$(openssl x509 -in "$2" -noout -pubkey)" ] &&
		    openssl verify -partial_chain -trusted "$1" "$f" >/dev/null 2>&1 &&
		    ! openssl verify -CAfile "$TMP/root.pem" "$f" >/dev/null 2>&1 &&
		    return 0
	done
	return 1
}
check "D5 OldWithNew" links "$TMP/new.pem" "$TMP/old.pem"
check "D5 NewWithOld" links "$TMP/old.pem" "$TMP/new.pem"
check "D5 five certificates" equal "$(count roll)" 5
check "D4 a leaf of the old generation verifies with the new bag" \
    verify roll "$TMP/cam.pem"
device cam-2
check "D4 a camera enrolls under the new generation" enroll cam-2 "$TMP/cam2"
check "D4 and its certificate verifies" verify roll "$TMP/cam2.pem"
check_not "D4 which the old bag cannot" verify one "$TMP/cam2.pem"
bag rsa2 $W/rsa/cacerts >/dev/null
check "D7 the rollover left label rsa alone" cmp "$TMP/rsa.der" "$TMP/rsa2.der"

# D8: strongSwan reads two TLS records, about 16 KB of base64.
for n in one roll rsa; do
	check "D8 bag $n is small enough for two TLS records" \
	    [ "$(wc -c <"$TMP/$n.out")" -le 16384 ]
done
doctor_bags() { # what the doctor says of each issuing CA's answer
	camca --json doctor | jq -r '.checks[] | select(.name | startswith("cacerts")) |
	    .name + ": " + (.ok | tostring)' | sort | paste -sd,
}
check "D8 camca doctor watches the size" equal "$(doctor_bags)" \
    'cacerts ec: true,cacerts rsa: true'
finish
