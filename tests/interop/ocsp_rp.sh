#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other people's relying parties ask the responder: before a revocation, after
# it, on hold, after release. Their verdicts must be ours.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_ocsp.sh"
need openssl curl jq ocsptool certutil ocspclnt
PORT=$(free_port)
camca_init --http-listen "127.0.0.1:$PORT" --http-url "http://localhost:$PORT"
ocsp_start
cd "$TMP" || exit 1
NAMES="cam-good cam-rev cam-hold cam-back"
for n in $NAMES; do
	device "$n"; enroll "$n" "$TMP/$n" || exit 1
done
cat ec.pem root.pem >chain.pem
check "the certificate names the responder" bash -c 'openssl x509 -in "$1" \
    -noout -ocsp_uri | grep -qx "http://localhost:$2/ocsp"' - cam-good.pem "$PORT"
check "so does the authority's" bash -c 'openssl x509 -in "$1" \
    -noout -ocsp_uri | grep -qx "http://localhost:$2/ocsp"' - ec.pem "$PORT"

# ---- openssl ocsp: each answers "good" or "revoked" ----

by_openssl() { # NAME [options]
	local n=$1
	shift
	openssl ocsp -issuer ec.pem -CAfile root.pem -url "$OCSP" "$@" \
	    -cert "$n.pem" >"openssl.out" 2>&1
	grep -q 'Response verify OK' openssl.out || { cat openssl.out; return 1; }
	grep -q 'Status times invalid\|WARNING: no nonce' openssl.out &&
	    { cat openssl.out; return 1; }
	sed -n "s/^$n.pem: //p" openssl.out
}
by_openssl_sha256() { by_openssl "$1" -sha256; }
by_openssl_no_nonce() { by_openssl "$1" -no_nonce; }
# By GET: the same client makes the request and checks the answer.
by_openssl_get() {
	openssl ocsp -issuer ec.pem -cert "$1.pem" -no_nonce \
	    -reqout "get.req" >/dev/null 2>&1
	ocsp_get get || return 1
	openssl ocsp -issuer ec.pem -CAfile root.pem -cert "$1.pem" \
	    -no_nonce -respin get.resp >openssl.out 2>&1
	grep -q 'Response verify OK' openssl.out || { cat openssl.out; return 1; }
	sed -n "s/^$1.pem: //p" openssl.out
}

# ---- GnuTLS ----

by_gnutls() { # NAME [options]
	local n=$1
	shift
	ocsptool --ask="http://localhost:$PORT/ocsp" --load-issuer ec.pem \
	    --load-cert "$n.pem" --load-trust chain.pem "$@" \
	    >gnutls.out 2>&1
	grep -q 'Verifying OCSP Response: Success' gnutls.out ||
	    { cat gnutls.out; return 1; }
	sed -n 's/.*Certificate Status: //p' gnutls.out
}
by_gnutls_nonce() { by_gnutls "$1" --nonce; }

# ---- NSS ----

NSS=sql:$TMP/nss
mkdir nss && certutil -N -d "$NSS" --empty-password &&
    certutil -A -d "$NSS" -n root -t CT,C,C -a -i root.pem &&
    certutil -A -d "$NSS" -n ca-ec -t ,, -a -i ec.pem || exit 1
for n in $NAMES; do certutil -A -d "$NSS" -n "$n" -t ,, -a -i "$n.pem"; done
# Where the certificate says: by its AIA.
by_nss() {
	ocspclnt -d "$NSS" -S "$1" \
	    >nss.out 2>&1
	case $(cat nss.out) in
	*succeeded*) echo good ;;
	*"has been revoked"*) echo revoked ;;
	*) cat nss.out ;;
	esac
}

# ---- Go ----

cat >rp.go <<'G'
package main

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/crypto/ocsp"
)

func load(name string) *x509.Certificate {
	b, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	p, _ := pem.Decode(b)
	c, err := x509.ParseCertificate(p.Bytes)
	if err != nil {
		panic(err)
	}
	return c
}

func main() {
	leaf, issuer := load(os.Args[2]), load(os.Args[3])
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		req, err := ocsp.CreateRequest(leaf, issuer, &ocsp.RequestOptions{Hash: h})
		if err != nil {
			panic(err)
		}
		res, err := http.Post(os.Args[1], "application/ocsp-request", bytes.NewReader(req))
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		a, err := ocsp.ParseResponseForCert(body, leaf, issuer)
		if err != nil {
			panic(err)
		}
		fmt.Println(map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked",
			ocsp.Unknown: "unknown"}[a.Status])
	}
}
G
GO=
for g in /usr/bin/go $(command -v go); do
	[ -x "$g" ] && [ -d /usr/share/gocode/src/golang.org/x/crypto/ocsp ] &&
	    GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS="" GOCACHE=$TMP/gocache \
	    "$g" build -o rp-go rp.go >go.out 2>&1 && GO=$g && break
done
[ -n "$GO" ] || echo "skipped: Go"
by_go() {
	./rp-go "$OCSP" "$1.pem" ec.pem >go.out 2>&1 || { cat go.out; return 1; }
	sort -u go.out
}

# ---- python3-cryptography ----

cat >rp.py <<'P'
import sys, urllib.request
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
leaf, issuer = (x509.load_pem_x509_certificate(open(f, "rb").read()) for f in sys.argv[2:4])
said = set()
for md in (hashes.SHA1(), hashes.SHA256()):
    req = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, md) \
        .add_extension(x509.OCSPNonce(b"0123456789abcdef"), critical=False).build()
    der = req.public_bytes(serialization.Encoding.DER)
    r = ocsp.load_der_ocsp_response(urllib.request.urlopen(urllib.request.Request(
        sys.argv[1], der, {"Content-Type": "application/ocsp-request"})).read())
    assert r.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
    assert r.serial_number == leaf.serial_number
    assert r.issuer_key_hash == req.issuer_key_hash
    assert r.issuer_name_hash == req.issuer_name_hash
    assert r.responder_key_hash is not None and len(r.certificates) == 1
    signer = r.certificates[0]
    signer.public_key().verify(r.signature, r.tbs_response_bytes, ec.ECDSA(r.signature_hash_algorithm))
    issuer.public_key().verify(signer.signature, signer.tbs_certificate_bytes,
        ec.ECDSA(signer.signature_hash_algorithm))
    nonce = r.extensions.get_extension_for_class(x509.OCSPNonce)
    assert nonce.value.nonce.endswith(b"0123456789abcdef") and not nonce.critical
    said.add(r.certificate_status.name.lower())
print(*said)
P
PY=/usr/bin/python3
$PY -c 'import cryptography' 2>/dev/null || PY=python3
by_python() { $PY rp.py "$OCSP" "$1.pem" ec.pem; }

# ---- JDK ----

cat >Rp.java <<'J'
import java.io.FileInputStream;
import java.security.cert.*;
import java.util.*;

public class Rp {
	static X509Certificate load(String f) throws Exception {
		return (X509Certificate) CertificateFactory.getInstance("X.509")
		    .generateCertificate(new FileInputStream(f));
	}

	public static void main(String[] a) throws Exception {
		CertPath path = CertificateFactory.getInstance("X.509")
		    .generateCertPath(List.of(load(a[0]), load(a[1])));
		CertPathValidator v = CertPathValidator.getInstance("PKIX");
		PKIXRevocationChecker rc = (PKIXRevocationChecker) v.getRevocationChecker();
		rc.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
		PKIXParameters p = new PKIXParameters(Set.of(new TrustAnchor(load(a[2]), null)));
		p.addCertPathChecker(rc);
		try {
			v.validate(path, p);
			System.out.println("good");
		} catch (CertPathValidatorException e) {
			System.out.println(e.getReason() == CertPathValidatorException.BasicReason.REVOKED
			    ? "revoked" : e.toString());
		}
	}
}
J
JAVA=
command -v javac >/dev/null && javac -d . Rp.java 2>java.out && JAVA=1
[ -n "$JAVA" ] || echo "skipped: JDK"
by_java() { java -cp . Rp "$1.pem" ec.pem root.pem; }

CLIENTS="openssl openssl_sha256 openssl_no_nonce openssl_get gnutls gnutls_nonce nss python"
[ -n "$GO" ] && CLIENTS="$CLIENTS go"
[ -n "$JAVA" ] && CLIENTS="$CLIENTS java"

agree() { # WHEN NAME VERDICT: every client says so
	local c
	for c in $CLIENTS; do
		check "$1: $2 is $3 for $c" equal "$("by_$c" "$2")" "$3"
	done
}
for n in $NAMES; do agree before "$n" good; done
revoke() { # NAME REASON
	camca cert revoke "$(cert_serial "$1.pem")" --reason "$2" --text "a test" >/dev/null
}
check "one is revoked" revoke cam-rev keyCompromise
check "two go on hold" eval 'revoke cam-hold certificateHold && revoke cam-back certificateHold ||
    camca cert hold "$(cert_serial cam-hold.pem)" --text "a test" &&
    camca cert hold "$(cert_serial cam-back.pem)" --text "a test"'
agree after cam-good good
agree after cam-rev revoked
agree "on hold" cam-hold revoked
agree "on hold" cam-back revoked
check "one is released" camca cert release "$(cert_serial cam-back.pem)" --text "a test"
agree "released" cam-back good
agree "still on hold" cam-hold revoked
finish
