#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl and openssl(1) alone as EST client, as people do it by hand: both base64
# layouts, each decoded by each tool that can; requests as openssl writes them.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need curl openssl base64
est_init --rsa
camca_start
BARE=(-A '' -H 'Accept:')
W=/.well-known/est

# ---- CA certificates, decoded ----

pem_count() { # PKCS7-DER: certificates in it
	openssl pkcs7 -inform DER -in "$1" -print_certs | grep -c 'BEGIN CERT'
}
decodes() { # FILE COMMAND...: FILE.out by COMMAND is the bag of two
	local f=$1
	shift
	"$@" <"$f.out" >"$TMP/bag.p7" && equal "$(pem_count "$TMP/bag.p7")" 2 &&
	    cmp "$TMP/bag.p7" "$TMP/cacerts.p7"
}
check "cacerts, in lines" equal "$(get "$TMP/wrap" $W/cacerts)" 200
check "no line has more than 76 characters" equal \
    "$(awk 'length > 76' "$TMP/wrap.out" | wc -l)" 0
check "more than one line" [ "$(wc -l <"$TMP/wrap.out")" -gt 10 ]
check "lines: base64 -d" decodes "$TMP/wrap" base64 -d
check "lines: openssl base64 -d" decodes "$TMP/wrap" openssl base64 -d
check "cacerts, flat" equal "$(get "$TMP/flat" $W/cacerts "${BARE[@]}")" 200
check "one line" equal "$(wc -l <"$TMP/flat.out")" 1
check "flat: base64 -d" decodes "$TMP/flat" base64 -d
check "flat: openssl base64 -d -A" decodes "$TMP/flat" openssl base64 -d -A
check "the same bytes in both" equal "$(tr -d '\n' <"$TMP/wrap.out")" \
    "$(tr -d '\n' <"$TMP/flat.out")"
check "csrattrs is DER in base64" sh -c "curl -s --cacert '$TMP/root.pem' \
    '$EST/csrattrs' | base64 -d | openssl asn1parse -inform DER"
smime() { # an S/MIME message is made of it, as old recipes do
	{
		printf 'MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; '
		printf 'smime-type=certs-only\nContent-Transfer-Encoding: base64\n\n'
		cat "$TMP/wrap.out"
	} | openssl cms -cmsout -inform SMIME -print >"$TMP/smime" &&
	    grep -q certificates: "$TMP/smime"
}
check "lines: openssl cms reads it as S/MIME" smime

# ---- enrolling ----

good() { # FILE [KEY]: FILE.out is one certificate, ours, for KEY.key
	base64 -d "$1.out" >"$1.p7" && equal "$(pem_count "$1.p7")" 1 &&
	    p7_cert "$1" &&
	    openssl verify -x509_strict -CAfile "$TMP/root.pem" \
	        -untrusted "$TMP/cacerts.pem" "$1.pem" &&
	    equal "$(openssl x509 -in "$1.pem" -noout -pubkey)" \
	        "$(openssl pkey -in "${2:-$1}.key" -pubout)"
}
DEVICES=0
new_device() {
	DEVICES=$((DEVICES + 1))
	device "cam-$DEVICES"
	LOGIN=(-u "cam-$DEVICES:$SECRET")
}
enrolls() { # FILE OP [curl options]
	local f=$1 op=$2
	shift 2
	equal "$(est_post "$op" "$f" "${LOGIN[@]}" "$@")" 200 && good "$f" ||
	    { cat "$f.out"; return 1; }
}
new_device
csr "$TMP/p256"
check "P-256" enrolls "$TMP/p256" simpleenroll
check "in lines: openssl base64 -d" sh -c "openssl base64 -d \
    -in '$TMP/p256.out' | cmp - '$TMP/p256.p7'"
# The same request again gets the same certificate, whatever it looks like.
again() { # BODY [curl options]
	local f=$TMP/again
	cp "$1" "$f.b64"
	shift
	equal "$(est_post simpleenroll "$f" "${LOGIN[@]}" "$@")" 200 &&
	    good "$f" "$TMP/p256" && cmp "$f.pem" "$TMP/p256.pem" ||
	    { cat "$f.out"; return 1; }
}
check "flat: openssl base64 -d -A" again "$TMP/p256.b64" "${BARE[@]}"
check "it is flat" sh -c "openssl base64 -d -A -in '$TMP/again.out' |
    cmp - '$TMP/again.p7'"
openssl base64 -in "$TMP/p256.der" -out "$TMP/lines"
openssl base64 -A -in "$TMP/p256.der" -out "$TMP/line"
openssl req -inform DER -in "$TMP/p256.der" -out "$TMP/pem"
check "body of openssl base64" again "$TMP/lines"
check "body of openssl base64 -A" again "$TMP/line"
check "body of openssl req" again "$TMP/pem"
check "Expect: 100-continue" again "$TMP/lines" -H 'Expect: 100-continue'
check "HTTP/1.0" again "$TMP/lines" -0
check "body of curl -d, which takes the line feeds out" sh -c "curl -s \
    --cacert '$TMP/root.pem' ${LOGIN[*]} -H 'Content-Type: application/pkcs10' \
    -d @'$TMP/lines' '$EST/simpleenroll' | cmp - '$TMP/p256.out'"
by_hand() { # openssl alone, for machines without curl
	{
		printf 'POST %s/simpleenroll HTTP/1.1\r\nHost: localhost\r\n' $W
		printf 'Authorization: Basic %s\r\nContent-Type: %s\r\n' \
		    "$(printf %s "${LOGIN[1]}" | base64 -w 0)" application/pkcs10
		printf 'Connection: close\r\nContent-Length: %s\r\n\r\n' \
		    "$(wc -c <"$TMP/line")"
		cat "$TMP/line"
	} | timeout 30 openssl s_client -quiet -verify_quiet \
	    -verify_return_error -CAfile "$TMP/root.pem" \
	    -connect "localhost:$EST_PORT" 2>"$TMP/hand.log" |
	    sed '1,/^\r$/d' >"$TMP/hand.out"
	good "$TMP/hand" "$TMP/p256"
}
check "openssl s_client as the client" by_hand

new_device
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 \
    -out "$TMP/p384.key" 2>/dev/null
csr "$TMP/p384" -sha384
check "P-384, TLS 1.2" enrolls "$TMP/p384" simpleenroll --tls-max 1.2
new_device
openssl genrsa -out "$TMP/rsa.key" 2048 2>/dev/null
csr "$TMP/rsa"
check "RSA, TLS 1.3" enrolls "$TMP/rsa" simpleenroll --tlsv1.3
new_device
openssl genrsa -out "$TMP/label.key" 2048 2>/dev/null
csr "$TMP/label" -sha512
get "$TMP/rsabag" $W/rsa/cacerts >/dev/null
base64 -d "$TMP/rsabag.out" | openssl pkcs7 -inform DER -print_certs \
    >>"$TMP/cacerts.pem"
check "RSA from end to end, by label" enrolls "$TMP/label" rsa/simpleenroll
check "it is signed with RSA" sh -c "openssl x509 -in '$TMP/label.pem' \
    -noout -text | grep -q 'Signature Algorithm: .*WithRSAEncryption'"

# ---- renewing ----

# renews NEW OLD OP [curl options]: FILE NEW.b64 with the certificate OLD
renews() {
	local new=$1 old=$2 op=$3
	shift 3
	equal "$(est_post "$op" "$new" --cert "$old.pem" --key "$old.key" "$@")" \
	    200 && good "$new" || { cat "$new.out"; return 1; }
	equal "$(openssl x509 -in "$new.pem" -noout -subject -ext subjectAltName)" \
	    "$(openssl x509 -in "$old.pem" -noout -subject -ext subjectAltName)"
}
renew_csr "$TMP/same" "$TMP/p256"
check "renew with the same key" renews "$TMP/same" "$TMP/p256" simplereenroll
openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/new.key" 2>/dev/null
renew_csr "$TMP/new" "$TMP/same"
check "renew with a new key, TLS 1.2" renews "$TMP/new" "$TMP/same" \
    simplereenroll --tls-max 1.2
cp "$TMP/new.key" "$TMP/x509.key"
# openssl makes a request of a certificate, with all its extensions.
openssl x509 -x509toreq -in "$TMP/new.pem" -signkey "$TMP/new.key" \
    -copy_extensions copyall -out "$TMP/x509.b64" 2>/dev/null
check "renew by openssl x509 -x509toreq" renews "$TMP/x509" "$TMP/new" \
    simplereenroll
renew_csr "$TMP/label2" "$TMP/label"
check "renew RSA" renews "$TMP/label2" "$TMP/label" rsa/simplereenroll
renew_csr "$TMP/cross" "$TMP/p384"
check_not "not under another's certificate" renews "$TMP/cross" "$TMP/x509" \
    simplereenroll
# The issuer's certificate along with one's own, as some send it.
cat "$TMP/p384.pem" "$TMP/cacerts.pem" >"$TMP/chain.pem"
cp "$TMP/p384.key" "$TMP/chain.key"
renew_csr "$TMP/chained" "$TMP/p384"
check "a chain is sent" renews "$TMP/chained" "$TMP/chain" simplereenroll
finish
