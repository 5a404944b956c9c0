#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What camca issues, judged by OpenSSL, GnuTLS and NSS: certificates under an
# elliptic-curve and an RSA authority, and the CRLs, before and after a
# revocation.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl python3 certtool certutil crlutil
# The addresses in the certificates have to be real ones here.
PORT=$(free_port)
est_init --rsa --http-listen "127.0.0.1:$PORT" \
    --http-url "http://localhost:$PORT"
camca_start
cd "$TMP" || exit 1

for ca in ec rsa; do
	camca ca certificate $ca >$ca.ca
done
cat ec.ca rsa.ca >cas.pem
device cam-ec
enroll cam-ec ec || echo "not ok enroll ec"
device cam-rsa
openssl genrsa -out rsa.key 2048 2>/dev/null
csr rsa
[ "$(est_post rsa/simpleenroll rsa -u "cam-rsa:$SECRET")" = 200 ] && p7_cert rsa
device cam-mixed
openssl genrsa -out mixed.key 2048 2>/dev/null
csr mixed
[ "$(est_post simpleenroll mixed -u "cam-mixed:$SECRET")" = 200 ] &&
    p7_cert mixed
cp ec.ca mixed.ca

NSS=sql:$TMP/nss
nss_init() {
	mkdir nss && certutil -N -d "$NSS" --empty-password &&
	# Trust goes to the root alone. A nickname is of a subject, not of a
	# certificate: two names for one subject would end up as one.
	certutil -A -d "$NSS" -n root -t CT,C,C -a -i root.pem &&
	certutil -A -d "$NSS" -n ca-ec -t ,, -a -i ec.ca &&
	certutil -A -d "$NSS" -n ca-rsa -t ,, -a -i rsa.ca
}
check "NSS takes root and authorities" nss_init

# ---- certificates ----

by_openssl() { # LEAF PURPOSE
	openssl verify -x509_strict -policy_check -purpose "$2" \
	    -CAfile root.pem -untrusted "$1.ca" "$1.pem"
}
by_gnutls() { # LEAF PURPOSE-OID [certtool options]
	local leaf=$1 oid=$2
	shift 2
	cat "$leaf.pem" "$leaf.ca" root.pem >chain.pem
	certtool --verify --load-ca-certificate root.pem --infile chain.pem \
	    --verify-profile medium --verify-purpose "$oid" "$@"
}
by_nss() { # LEAF USAGE
	certutil -V -d "$NSS" -n "cam-$1" -u "$2" -e | tee nss.out
	grep -q 'certificate is valid' nss.out
}
CLIENT=1.3.6.1.5.5.7.3.2 SERVER=1.3.6.1.5.5.7.3.1
for c in ec rsa mixed; do
	check "$c: OpenSSL, client" by_openssl $c sslclient
	check "$c: OpenSSL, server" by_openssl $c sslserver
	check "$c: OpenSSL, its name" openssl verify -CAfile root.pem \
	    -untrusted $c.ca -verify_hostname cam-$c.site1.camca.internal $c.pem
	check "$c: GnuTLS, client" by_gnutls $c $CLIENT
	check "$c: GnuTLS, server and name" by_gnutls $c $SERVER \
	    --verify-hostname cam-$c.site1.camca.internal
	check_not "$c: GnuTLS, another name" by_gnutls $c $SERVER \
	    --verify-hostname cam-x.site1.camca.internal
	check "$c: NSS takes it" certutil -A -d "$NSS" -n cam-$c -t ,, -a \
	    -i $c.pem
	check "$c: NSS, client" by_nss $c C
	# NSS wants keyEncipherment of RSA servers, which a profile for EC keys
	# as well cannot have (RFC 8813 section 3).
	[ $c = mixed ] || check "$c: NSS, server" by_nss $c V
	check_not "$c: NSS, as an authority" by_nss $c L
	check_not "$c: OpenSSL, as CRL signer" by_openssl $c crlsign
	check_not "$c: without the authority there is no chain" openssl verify \
	    -CAfile root.pem $c.pem
done
check "the RSA chain has no other signature below the root" \
    sh -c "! openssl x509 -in rsa.pem -noout -text | grep -q ecdsa"
gate() { # the gate's own chain, as TLS clients see it
	: | gnutls-cli --x509cafile root.pem -p "$EST_PORT" localhost \
	    >gate.out 2>&1
	grep -q 'The certificate is trusted' gate.out
}
check "GnuTLS trusts the gate" gate
check "OpenSSL trusts the gate" sh -c "openssl s_client -CAfile root.pem \
    -verify_return_error -verify_hostname localhost -x509_strict \
    -connect localhost:$EST_PORT </dev/null"

# ---- CRLs ----

address() { # EXTENSION FILE: the http address in it
	openssl x509 -in "$2" -noout -ext "$1" | grep -v OCSP |
	    sed -n 's/.*URI://p'
}
fetch() { # NAME: NAME.crl and NAME.crl.pem, from the address in a certificate
	local from=$1.pem
	[ "$1" = root ] && from=ec.ca
	curl -sf -o "$1.crl" "$(address crlDistributionPoints "$from")" &&
	    openssl crl -inform DER -in "$1.crl" -out "$1.crl.pem"
}
entries() { # NAME
	openssl crl -in "$1.crl.pem" -noout -text | grep -c 'Serial Number:'
}
crl_signed() { # NAME CA: by OpenSSL and GnuTLS
	openssl crl -in "$1.crl.pem" -noout -CAfile "$2" 2>&1 |
	    grep -q 'verify OK' &&
	    certtool --verify-crl --load-ca-certificate "$2" \
	        --infile "$1.crl.pem"
}
crl_in_nss() { # NAME NICKNAME
	crlutil -I -d "$NSS" -i "$1.crl" -n "$2" &&
	    crlutil -L -d "$NSS" -n "$2" | tee nss.out &&
	    grep -q 'Version: 2' nss.out
}
for c in root ec rsa; do
	check "$c: its CRL is where the certificate says" fetch $c
	ca=$c.ca; [ $c = root ] && ca=root.pem
	check "$c: its CRL is signed" crl_signed $c $ca
	nick=ca-$c; [ $c = root ] && nick=root
	check "$c: NSS takes the CRL" crl_in_nss $c $nick
	check "$c: nobody is on it" equal "$(entries $c)" 0
done
issuer_there() { # LEAF
	curl -sf "$(address authorityInfoAccess "$1.pem")" |
	    cmp - <(openssl x509 -in "$1.ca" -outform DER)
}
for c in ec rsa; do
	check "$c: the authority's certificate is where the leaf says" \
	    issuer_there $c
done
not_revoked() { # LEAF: both links of the chain
	openssl verify -crl_check_all -x509_strict -CAfile root.pem \
	    -untrusted "$1.ca" -CRLfile "$1.crl.pem" -CRLfile root.crl.pem \
	    "$1.pem" 2>&1 | tee openssl.out
	grep -qx "$1.pem: OK" openssl.out
}
downloads() { # LEAF: OpenSSL fetches the leaf's CRL itself
	openssl verify -crl_check -crl_download -CAfile root.pem \
	    -untrusted "$1.ca" "$1.pem"
}
gnutls_not_revoked() { # LEAF
	cat "$1.crl.pem" root.crl.pem >crls.pem
	by_gnutls "$1" $CLIENT --load-crl crls.pem
}
for c in ec rsa; do
	check "$c: OpenSSL, not revoked" not_revoked $c
	check "$c: OpenSSL with -crl_download" downloads $c
	check "$c: GnuTLS, not revoked" gnutls_not_revoked $c
	check "$c: NSS, not revoked" by_nss $c C
done

for c in ec rsa; do
	camca cert revoke "$(serial_of $c.pem)" --reason keyCompromise \
	    --text "test" >/dev/null
	on_it() { fetch $c && [ "$(entries $c)" -eq 1 ]; }
	check "$c: revoked, it is on the CRL" eventually on_it
	check "$c: with its serial" sh -c "openssl crl -in $c.crl.pem -noout \
	    -text | grep -qi $(serial_of $c.pem)"
	check "$c: the CRL is signed again" crl_signed $c $c.ca
	check "$c: NSS takes the newer one" crl_in_nss $c ca-$c
	check_not "$c: OpenSSL, revoked" not_revoked $c
	check "$c: for that reason" grep -q 'error 23 ' openssl.out
	check_not "$c: OpenSSL with -crl_download, revoked" downloads $c
	check_not "$c: GnuTLS, revoked" gnutls_not_revoked $c
	check_not "$c: NSS, revoked" by_nss $c C
	check "$c: for that reason" grep -qi revoked nss.out
done
cp ec.crl.pem mixed.crl.pem
check "the other one of that authority is not" not_revoked mixed

# ---- after a rollover: one name, two keys ----

cp ec.ca old.ca
check "rollover" camca ca rollover ec
camca ca certificate ec >new.ca
check "NSS takes the new authority under the old one's nickname" \
    certutil -A -d "$NSS" -n ca-ec -t ,, -a -i new.ca
device cam-new
check "a camera enrolls under it" enroll cam-new new
check "new: NSS takes it" certutil -A -d "$NSS" -n cam-new -t ,, -a -i new.pem
cp new.ca alone.ca
cat old.ca >>new.ca
cat alone.ca >>mixed.ca
for c in new mixed; do
	check "$c: OpenSSL, both authorities at hand" by_openssl $c sslclient
done
cp alone.ca new.ca
cp old.ca mixed.ca
check "new: GnuTLS" by_gnutls new $CLIENT
check "mixed: GnuTLS" by_gnutls mixed $CLIENT
fetch new
check "new: it has a CRL of its own" crl_signed new new.ca
check "new: OpenSSL, not revoked" not_revoked new
# NSS keeps one CRL for each issuer's name, here the old authority's: all it can
# do is not to take it for the new one's.
check "new: NSS" by_nss new C
check "mixed: NSS" by_nss mixed C
check_not "ec: NSS, still revoked" by_nss ec C
finish
