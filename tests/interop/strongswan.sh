#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# strongSwan's pki(1) as EST client: CA certificates, enrolling, waiting for an
# operator, renewing. It speaks TLS 1.2 without the extensions of RFC 5746 and
# 7627, sends neither User-Agent nor Accept, reads base64 in one line only, and
# fetches CRLs on the way.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need pki openssl curl python3 jq
pki --help 2>/dev/null | grep -q -- '--est ' ||
    skip "this strongSwan has no EST client"

# The CRL's address stands in the certificates: the port has to be known before.
PORT=$(free_port)
policies
# pki writes no URI into a request's subjectAltName.
sed -i -e '/uri:urn:/d' "$POLICIES/profiles/camera-ec.yaml"
est_init --policies "$POLICIES" --http-listen "127.0.0.1:$PORT"
camca_start
cd "$TMP" || exit 1
URL=https://127.0.0.1:$EST_PORT

# est OUT [options]: what pki says goes to OUT.log, the certificate to OUT.pem.
est() {
	local out=$1
	shift
	timeout 60 pki --est --url "$URL" --cacert root.pem --cacert ca-1.pem \
	    --outform pem "$@" >"$out.pem" 2>"$out.log" && [ -s "$out.pem" ] ||
	    { cat "$out.log"; return 1; }
}
request() { # NAME DN [SAN]: key NAME.key, request NAME.req
	pki --gen --type ecdsa --size 256 --outform pem >"$1.key" &&
	    pki --req --in "$1.key" --type ecdsa --dn "$2" \
	        ${3:+--san "$3"} >"$1.req"
}
issued_by_us() { # NAME: chain, key, names
	openssl verify -x509_strict -CAfile root.pem -untrusted ca-1.pem \
	    "$1.pem" &&
	    equal "$(openssl x509 -in "$1.pem" -noout -pubkey)" \
	        "$(openssl pkey -in "$1.key" -pubout)" &&
	    pki --verify --in "$1.pem" --cacert ca.pem --cacert ca-1.pem
}

# ---- CA certificates ----

ca_certificates() {
	timeout 60 pki --estca --url "$URL" --cacert root.pem --caout ca \
	    --outform pem --force >ca.log 2>&1 || { cat ca.log; return 1; }
}
check "CA certificates are fetched" ca_certificates
check "it trusts the root" grep -q 'Root CA equals trusted TLS Root CA' ca.log
check "it builds the chain" grep -q 'Sub CA cert is trusted' ca.log
check "the root is ours" cmp <(openssl x509 -in ca.pem -outform DER) \
    <(openssl x509 -in root.pem -outform DER)
check "it asks our OCSP and accepts the answer" grep -q 'ocsp response is valid' ca.log
check "and finds our CA's certificate good" \
    grep -q 'certificate status is good' ca.log

# ---- enrolling ----

device cam-1
request one CN=cam-1
check "enroll with a one-time secret" est one --in one.req \
    --userpass "cam-1:$SECRET"
check "it trusts what it gets" grep -q 'Issued certificate is trusted' one.log
check "the certificate is what it asked for" issued_by_us one
device cam-2
request wrong CN=cam-2
check_not "a wrong secret gets nothing" est wrong --in wrong.req \
    --userpass "cam-2:x$SECRET"
check "and is told 401" grep -q 'HTTP 401' wrong.log

# ---- renewing ----

# The request's names are PrintableStrings, the certificate's are not.
DN='CN=cam-1, serialNumber=SN-cam-1'
SAN=cam-1.site1.camca.internal
renewed() { # NEW OLD
	issued_by_us "$1" &&
	    equal "$(openssl x509 -in "$1.pem" -noout -subject -ext subjectAltName)" \
	        "$(openssl x509 -in "$2.pem" -noout -subject -ext subjectAltName)" &&
	    not cmp -s "$1.pem" "$2.pem"
}
request two "$DN" "$SAN"
check "renew with the certificate and a new key" est two --in two.req \
    --cert one.pem --key one.key
check "the names are kept" renewed two one
cp two.key three.key
pki --req --in three.key --type ecdsa --dn "$DN" --san "$SAN" >three.req
check "renew with the same key" est three --in three.req \
    --cert two.pem --key two.key
check "the names are kept again" renewed three two
request other 'CN=cam-2, serialNumber=SN-cam-2' cam-2.site1.camca.internal
check_not "nobody renews under another's name" est other --in other.req \
    --cert three.pem --key three.key
check "and is told 403" grep -q 'HTTP 403' other.log
camca cert revoke "$(serial_of three.pem)" --reason keyCompromise \
    --text "test" >/dev/null
request four "$DN" "$SAN"
check_not "a revoked certificate renews nothing" est four --in four.req \
    --cert three.pem --key three.key
check_not "it sees the revocation in our CRL" pki --verify --in three.pem \
    --cacert ca.pem --cacert ca-1.pem --online

# ---- waiting for an operator ----

sed -i -e 's/^  approval: .*/  approval: true/' \
    -e 's/^  retry_after: .*/  retry_after: 1s/' \
    "$STATE/policies/profiles/camera-ec.yaml"
check "approval is asked for from now on" camca policy reload
waiting() { # DEVICE: the number of its waiting request in $WAITING
	WAITING=$(camca --json enroll list | jq -r --arg d "$1" \
	    '.items[] | select(.device == $d) | .id')
	[ -n "$WAITING" ]
}
polls() { # NAME: it was told to wait, and came again
	[ "$(grep -c 'going to sleep' "$1.log")" -ge 2 ]
}
waits() { # NAME DEVICE: starts enrolling and lets it poll
	device "$2"
	request "$1" "CN=$2"
	est "$1" --in "$1.req" --userpass "$2:$SECRET" --interval 1 \
	    --maxpolltime 50 >/dev/null &
	CLIENT=$!
	PIDS+=("$CLIENT")
	eventually waiting "$2" && eventually polls "$1"
}
check "it waits on 202" waits five cam-5
check "the operator approves" camca enroll approve "$WAITING"
check "and it ends with a certificate" wait "$CLIENT"
check "which is what it asked for" issued_by_us five
check "it waits again" waits six cam-6
check "the operator denies" camca enroll deny "$WAITING" --reason "test"
check_not "and it ends without" wait "$CLIENT"
check "told 403" grep -q 'HTTP 403' six.log
# ---- our CRL, where OCSP cannot be reached ----

list_has_it() {
	curl -s -o list.crl "$(openssl x509 -in three.pem -noout -ext \
	    crlDistributionPoints | sed -n 's/.*URI://p')" &&
	    openssl crl -inform DER -in list.crl -noout -text |
	    grep -qi "$(serial_of three.pem)"
}
by_list() { # CERT WORDS: what it says of it by the list
	pki --verify --in "$1" --cacert ca.pem --cacert ca-1.pem \
	    --crl list.crl >list.log 2>&1
	cat list.log
	grep -q 'crl is valid' list.log && grep -q "$2" list.log
}
check "the list has the revocation" eventually list_has_it
stop "$GATE_PID"
check "it accepts our CRL" by_list two.pem 'certificate status is good'
check "and finds the revocation there" by_list three.pem 'was revoked on'
finish
