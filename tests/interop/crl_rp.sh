#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other people's relying parties on our CRLs: before a revocation, on hold, after
# the release, revoked for good. Each must say what we say.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq python3 certtool certutil crlutil
PORT=$(free_port)
est_init --rsa --http-listen "127.0.0.1:$PORT" --http-url "http://localhost:$PORT"
camca_start
cd "$TMP" || exit 1
export GOCACHE=$TMP/go-cache HOME=$TMP
GO=
# Debian's first: it brings its library compiled.
for g in /usr/bin/go $(command -v go); do
	[ -x "$g" ] && GO111MODULE=off "$g" build -o CrlRp \
	    "$TOP/tests/interop/CrlRp.go" 2>go.log && GO=1 && break
done
[ -n "$GO" ] || cat go.log

camca ca certificate ec >ec.ca
camca ca certificate rsa >rsa.ca
device cam-ec; enroll cam-ec ec
device cam-rsa
openssl genrsa -out rsa.key 2048 2>/dev/null
csr rsa
est_post rsa/simpleenroll rsa -u "cam-rsa:$SECRET" >/dev/null && p7_cert rsa
ski() { camca --json ca list | jq -r --arg n "$1" '.items[]? // . | select(.name==$n) | .ski' | head -1; }

NSS=sql:$TMP/nss
mkdir nss && certutil -N -d "$NSS" --empty-password
certutil -A -d "$NSS" -n root -t CT,C,C -a -i root.pem
certutil -A -d "$NSS" -n ca-ec -t ,, -a -i ec.ca
certutil -A -d "$NSS" -n ca-rsa -t ,, -a -i rsa.ca
for c in ec rsa; do
	certutil -A -d "$NSS" -n "cam-$c" -t ,, -a -i $c.pem
	curl -sf "http://localhost:$PORT/crl/$(ski root).crl" -o root.crl
done
# lists CA: its newest list as CA.crl and CA.crl.pem
lists() {
	curl -sf "http://localhost:$PORT/crl/$(ski "$1").crl" -o "$1.crl" &&
	    openssl crl -inform DER -in "$1.crl" -out "$1.crl.pem" &&
	    equal "$(python3 "$TOP/tests/tools/crl_facts.py" "$1.crl" | jq .number)" \
		"$(camca --json crl list | jq -s --arg n "$1" '[.[] | .items[]? // .] | map(select(.name==$n and .current)) | .[0].number')"
}
openssl_says() { # CA
	local out
	out=$(openssl verify -crl_check -CAfile root.pem -untrusted "$1.ca" \
	    -CRLfile "$1.crl.pem" "$1.pem" 2>&1) && { echo good; return; }
	echo "$out" | grep -q "error 23" && echo revoked || echo "$out"
}
nss_says() {
	local out
	crlutil -I -d "$NSS" -i "$1.crl" >/dev/null 2>nss.err || { cat nss.err; return; }
	out=$(certutil -V -d "$NSS" -n "cam-$1" -u V 2>&1)
	case $out in
	*"certificate is valid"*) echo good ;;
	*evoked*) echo revoked ;;
	*) echo "$out" ;;
	esac
}
gnutls_says() {
	local out
	certtool --verify-crl --load-ca-certificate "$1.ca" --infile "$1.crl.pem" >certtool.out 2>&1 ||
	    { cat certtool.out; return; }
	grep -q "Output: Verified" certtool.out || grep -qi "verified" certtool.out || { cat certtool.out; return; }
	cat "$1.pem" "$1.ca" root.pem >chain.pem
	cat root.pem >anchors.pem
	out=$(certtool --verify --load-ca-certificate anchors.pem --load-crl "$1.crl.pem" --infile chain.pem 2>&1)
	case $out in
	*evoked*) echo revoked ;;
	*"Chain verification output: Verified"*) echo good ;;
	*) echo "$out" | tail -3 ;;
	esac
}
python_says() { python3 - "$1" <<'P'
import sys
from cryptography import x509
n = sys.argv[1]
ca = x509.load_pem_x509_certificate(open(n + ".ca", "rb").read())
cert = x509.load_pem_x509_certificate(open(n + ".pem", "rb").read())
crl = x509.load_der_x509_crl(open(n + ".crl", "rb").read())
if crl.issuer != ca.subject or not crl.is_signature_valid(ca.public_key()):
    print("not signed"); sys.exit()
crl.extensions.get_extension_for_class(x509.CRLNumber)
r = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
print("good" if r is None else "revoked")
P
}
go_says() { ./CrlRp "$1.ca" "$1.crl" "$1.pem" | cut -d' ' -f1; }
verdicts() { # WANTED WHEN
	local ca
	for ca in ec rsa; do
		check "$2: the $ca list is the newest" eventually lists $ca
		check "$2: openssl crl verifies the $ca list" sh -c \
		    'openssl crl -inform DER -in $1.crl -noout -CAfile $1.ca 2>&1 | grep -q "verify OK"' - $ca
		check "$2: openssl verify -crl_check says $1 ($ca)" equal "$(openssl_says $ca)" "$1"
		check "$2: GnuTLS says $1 ($ca)" equal "$(gnutls_says $ca)" "$1"
		check "$2: NSS says $1 ($ca)" equal "$(nss_says $ca)" "$1"
		check "$2: Python cryptography says $1 ($ca)" equal "$(python_says $ca)" "$1"
		[ -n "$GO" ] && check "$2: Go says $1 ($ca)" equal "$(go_says $ca)" "$1"
	done
}
each() { # VERB [options]
	local ca verb=$1
	shift
	for ca in ec rsa; do
		camca cert "$verb" "$(openssl x509 -in $ca.pem -noout -serial | cut -d= -f2)" "$@" --text x >/dev/null ||
		    echo "not ok cert $verb"
	done
}
# The chain as a whole, with the root's list too.
whole_chain() {
	openssl crl -inform DER -in root.crl -out root.crl.pem &&
	    openssl verify -crl_check_all -CAfile root.pem -untrusted ec.ca \
		-CRLfile ec.crl.pem -CRLfile root.crl.pem ec.pem
}
verdicts good before
check "before: the whole chain by both lists" whole_chain
each hold
verdicts revoked "on hold"
each release
verdicts good released
each revoke --reason keyCompromise
verdicts revoked revoked
check "NSS shows the list" sh -c 'crlutil -L -d "$1" | grep -qi "ca"' - "$NSS"
finish
