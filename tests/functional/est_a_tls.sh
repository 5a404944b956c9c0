#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# EST over TLS: lines A1 to A12 of the acceptance table (RFC 7030 3.2, 3.3).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl gnutls-cli python3
est_init
camca_start
AT=localhost:$EST_PORT

# tls FILE [s_client options]: handshake; what s_client says in FILE.
tls() {
	local out=$1
	shift
	openssl s_client -connect "$AT" -CAfile "$TMP/root.pem" \
	    -servername localhost "$@" </dev/null >"$out" 2>&1
}
# Not what our own client refuses to send: its ClientHello went out.
tls_refused() {
	! tls "$TMP/tls" "$@" && grep -q 'and written [1-9]' "$TMP/tls" &&
	    grep -q 'Cipher is (NONE)' "$TMP/tls" || { cat "$TMP/tls"; return 1; }
}

# A1
no_est_without_tls() { # PORT
	local status
	status=$(curl -s -o "$TMP/plain" -w '%{http_code}' \
	    "http://localhost:$1/.well-known/est/cacerts")
	[ "$status" != 200 ] && ! grep -q MII "$TMP/plain"
}
check "A1 the EST port answers nothing without TLS" \
    no_est_without_tls "$EST_PORT"
check "A1 the HTTP port has no EST" no_est_without_tls "$HTTP_PORT"
csr "$TMP/a1"
check "A1 the HTTP port takes no enrollment" equal "$(curl -s -o /dev/null \
    -w '%{http_code}' -H 'Content-Type: application/pkcs10' --data-binary \
    "@$TMP/a1.b64" "http://localhost:$HTTP_PORT/.well-known/est/simpleenroll")" 404

# A2. Security level 0: else our client would not even offer the old ones.
OLD=(-cipher 'ALL:@SECLEVEL=0')
check "A2 TLS 1.0 is refused" tls_refused -tls1 "${OLD[@]}"
check "A2 TLS 1.1 is refused" tls_refused -tls1_1 "${OLD[@]}"
check "A2 TLS 1.2 is served" tls "$TMP/tls12" -tls1_2 -verify_return_error
check "A2 TLS 1.3 is served" tls "$TMP/tls13" -tls1_3 -verify_return_error
check "A2 TLS 1.2 it is" grep -q 'TLSv1.2' "$TMP/tls12"
check "A2 TLS 1.3 it is" grep -q 'TLSv1.3' "$TMP/tls13"

# A3: every suite of TLS 1.2 that OpenSSL can offer, alone.
sweep() {
	local c good=0
	for c in $(openssl ciphers -s -tls1_2 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' |
	    tr : ' '); do
		tls "$TMP/sweep" -tls1_2 -cipher "$c:@SECLEVEL=0" || continue
		case $c in
		ECDHE-ECDSA-AES*-GCM-SHA*|ECDHE-ECDSA-CHACHA20-POLY1305)
			good=$((good + 1)) ;;
		*) echo "$c was accepted"; return 1 ;;
		esac
	done
	equal "$good" 3
}
check "A3 forward secrecy and AEAD only, of all suites of TLS 1.2" sweep
gnutls_fails() {
	! gnutls-cli --no-ca-verification -p "$EST_PORT" --priority "$1" \
	    localhost </dev/null >"$TMP/gnutls" 2>&1 &&
	    ! grep -q 'Handshake was completed' "$TMP/gnutls"
}
check "A3 no anonymous key exchange" gnutls_fails \
    'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH:+ANON-DH:%ALLOW_SMALL_RECORDS'
check "A3 no NULL cipher" gnutls_fails \
    'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:+MAC-ALL'
check "A3 no RSA key transport" gnutls_fails \
    'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA'

# A4
server_chain() {
	tls "$TMP/chain" -showcerts
	awk '/BEGIN CERT/ { n++ } /BEGIN CERT/, /END CERT/ { print > d "/srv" n ".pem" }' \
	    d="$TMP" "$TMP/chain"
}
server_chain
verify_server() {
	openssl verify -x509_strict -purpose sslserver -CAfile "$TMP/root.pem" \
	    -untrusted "$TMP/srv2.pem" "$@" "$TMP/srv1.pem"
}
check "A4 the server's chain verifies strictly, for its name" \
    verify_server -verify_hostname localhost
check "A4 and for its address" verify_server -verify_ip 127.0.0.1
check_not "A4 and for no other name" verify_server -verify_hostname example.org
check "A4 id-kp-cmcRA is there, for clients with an explicit trust anchor" \
    sh -c "openssl x509 -in '$TMP/srv1.pem' -noout -ext extendedKeyUsage |
    grep -qE 'cmcRA|CMC Registration Authority|1.3.6.1.5.5.7.3.28'"

# A5
check "A5 a client certificate is asked for" \
    grep -qE 'Requested Signature Algorithms|Client Certificate Types' "$TMP/tls13"
check "A5 cacerts without one" equal "$(get "$TMP/a5" /.well-known/est/cacerts)" 200
device cam-a5
check "A5 enrolling with a secret, without one" enroll cam-a5 "$TMP/cam"
MINE=(--cert "$TMP/cam.pem" --key "$TMP/cam.key")
check "A5 cacerts with one" equal \
    "$(get "$TMP/a5" /.well-known/est/cacerts "${MINE[@]}")" 200
renew_csr "$TMP/again" "$TMP/cam"
check "A5 renewing with one, on the same port" accepts simplereenroll \
    "$TMP/again" "${MINE[@]}"

# A6: libmicrohttpd verifies nothing, so every one of these reaches our code.
fake_ca() { # NAME SUBJECT: a CA that says it is somebody else
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$TMP/$1.key" -out "$TMP/$1.pem" -days 30 -subj "$2" \
	    -addext basicConstraints=critical,CA:TRUE 2>/dev/null
}
fake_leaf() { # NAME CA [x509 options]: certificate with the camera's names
	local name=$1 ca=$2
	shift 2
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$TMP/$name.key" -subj "/CN=cam-a5/serialNumber=SN-cam-a5" \
	    2>/dev/null | openssl x509 -req -CA "$TMP/$ca.pem" -CAkey \
	    "$TMP/$ca.key" -CAcreateserial -out "$TMP/$name.pem" "$@" 2>/dev/null
}
stranger() { # NAME OP: the certificate NAME is no entrance
	local op=$2
	est_post "$op" "$TMP/again" --cert "$TMP/$1.pem" --key "$TMP/$1.key" \
	    >"$TMP/status"
	grep -qxE '401|403' "$TMP/status" || { cat "$TMP/status" "$TMP/again.out"; return 1; }
	is_text "$TMP/again"
}
ISSUER=$(openssl x509 -in "$TMP/cam.pem" -noout -issuer -nameopt compat |
    sed 's/^issuer=//')
fake_ca rogue /CN=cam-a5
fake_ca twin "$ISSUER"
fake_leaf foreign rogue -days 30
fake_leaf forged twin -days 30
fake_leaf copied twin -days 30 -set_serial "0x$(serial_of "$TMP/cam.pem")"
check "A6 self-signed" stranger rogue simpleenroll
check "A6 self-signed, renewing" stranger rogue simplereenroll
check "A6 of an unknown CA" stranger foreign simpleenroll
check "A6 of an unknown CA, renewing" stranger foreign simplereenroll
check "A6 of a CA with our CA's name" stranger forged simplereenroll
check "A6 of such a CA, with a serial of ours" stranger copied simplereenroll
check "A6 of such a CA, enrolling" stranger forged simpleenroll
cp "$STATE/gate/tls.pem" "$TMP/gate.pem"
cp "$STATE/gate/tls.key" "$TMP/gate.key"
check "A6 of ours, but no clientAuth: the gate's own" stranger gate simplereenroll
check "A6 nor is the gate a registration authority" stranger gate simpleenroll
no_possession() {
	"$BIN/tests/tools/est_probe" post "$EST_PORT" "$TMP/root.pem" \
	    /.well-known/est/simplereenroll "$TMP/again.b64" \
	    cert="$TMP/cam.pem" wrongkey=1 tls="$1" >"$TMP/probe"
	! grep -q 'status 200' "$TMP/probe"
}
check "A6 a certificate without its key, TLS 1.2" no_possession 1.2
check "A6 a certificate without its key, TLS 1.3" no_possession 1.3
check "A6 each refused one is an event" event_has \
    'type (reenroll|enroll).refused .*(idevid|client|reenroll)\.'

# A7: roots of makers are another list, which opens the door for enrolling only.
fake_ca maker "/O=Acme/CN=Acme Device Root"
openssl x509 -req -in <(openssl req -new -newkey ec -pkeyopt \
    ec_paramgen_curve:P-256 -nodes -keyout "$TMP/idevid.key" \
    -subj /serialNumber=SN-cam-a7 2>/dev/null) -CA "$TMP/maker.pem" \
    -CAkey "$TMP/maker.key" -CAcreateserial -days 30 -out "$TMP/idevid.pem" 2>/dev/null
IDEVID=(--cert "$TMP/idevid.pem" --key "$TMP/idevid.key")
device cam-a7
csr "$TMP/a7"
check "A7 an unpinned maker's camera is refused" refuses 403 'pinned' \
    simpleenroll "$TMP/a7" "${IDEVID[@]}"
camca vendor add Acme --roots "$TMP/maker.pem" --crl-required false >/dev/null
check "A7 a pinned maker's camera enrolls" accepts simpleenroll "$TMP/a7" "${IDEVID[@]}"
renew_csr "$TMP/a7r" "$TMP/a7"
check "A7 it does not renew with the factory identity" refuses 403 \
    'enrolls, it does not renew' simplereenroll "$TMP/a7r" "${IDEVID[@]}"
camca vendor set Acme --enabled false >/dev/null
check "A7 with the maker switched off it is refused" refuses 403 '.' \
    simpleenroll "$TMP/a7" "${IDEVID[@]}"

# A8
renegotiates() {
	{ printf 'R\n'; sleep 1; printf 'Q\n'; } | timeout 20 openssl s_client \
	    -connect "$AT" -CAfile "$TMP/root.pem" -tls1_2 -legacy_renegotiation \
	    >"$TMP/reneg" 2>&1
	grep -q RENEGOTIATING "$TMP/reneg" || return 0
	# A second handshake would verify the chain once more.
	[ "$(grep -c '^depth=0' "$TMP/reneg")" -gt 1 ]
}
check_not "A8 no renegotiation" renegotiates
check "A8 secure renegotiation is signalled (RFC 5746)" \
    grep -q 'Secure Renegotiation IS supported' "$TMP/tls12"
# Clients without RFC 5746 are served (strongSwan is one), but once.
unpatched() { # [options]
	gnutls-cli --x509cafile "$TMP/root.pem" -p "$EST_PORT" --priority \
	    'NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION' \
	    "$@" localhost </dev/null >"$TMP/unpatched" 2>&1
}
check "A8 a client without secure renegotiation is served" unpatched
check_not "A8 but no second handshake" unpatched --rehandshake
check "A8 which the server ended" grep -qE \
    'ReHandshake was not|Peer has (closed|terminated)' "$TMP/unpatched"

# A9, A10: deviations, which have to be written down with their reasons.
for l in A9 A10; do
	check "$l the deviation is documented" grep -qE "^\| $l \| .+ \| .+ \|" \
	    "$TOP/docs/ARCHITECTURE.md"
done
resumes() { # VERSION
	tls "$TMP/first" "-tls$1" -sess_out "$TMP/session$1"
	[ -s "$TMP/session$1" ] && tls "$TMP/second" "-tls$1" \
	    -sess_in "$TMP/session$1" && grep -q '^Reused' "$TMP/second"
}
check_not "A9 no session resumption, TLS 1.2" resumes 1_2
check_not "A9 no session resumption, TLS 1.3" resumes 1_3
check_not "A9 no tickets" grep -q 'TLS session ticket:' "$TMP/first" "$TMP/tls12"
check "A10 no TLS-SRP" gnutls_fails 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP'

# A11
check "A11 no names of CAs: a camera may show what it has" \
    grep -q 'No client certificate CA names sent' "$TMP/tls13"

# A12: Python can leave the extended master secret out, and knows tls-unique.
cat >"$TMP/noems.py" <<'PY'
import base64, socket, ssl, subprocess, sys
port, root, key, login, ems = sys.argv[1:]
c = ssl.create_default_context(cafile=root)
c.maximum_version = ssl.TLSVersion.TLSv1_2
if ems == "no":
    c.options |= 1		# SSL_OP_NO_EXTENDED_MASTER_SECRET
s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(port))),
    server_hostname="localhost")
cb = base64.b64encode(s.get_channel_binding("tls-unique")).decode()
conf = "[req]\ndistinguished_name=d\nattributes=a\nprompt=no\n[d]\nCN=x\n" \
    "[a]\nchallengePassword=%s\n" % cb
csr = subprocess.run(["openssl", "req", "-new", "-key", key, "-outform", "DER",
    "-config", "/dev/stdin"], input=conf.encode(), stdout=-1, check=True).stdout
body = base64.b64encode(csr)
s.sendall(b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/pkcs10\r\nConnection: close\r\nAuthorization: "
    b"Basic " + base64.b64encode(login.encode()) + b"\r\nContent-Length: %d"
    b"\r\n\r\n" % len(body) + body)
print(s.makefile("rb").read().decode())
PY
python_pop() { # EMS STATUS WORDS
	python3 "$TMP/noems.py" "$EST_PORT" "$TMP/root.pem" "$TMP/a12.key" \
	    "cam-a12:$SECRET" "$1" >"$TMP/pop" 2>&1
	head -1 "$TMP/pop" | grep -q " $2 " && grep -qE "$3" "$TMP/pop" ||
	    { cat "$TMP/pop"; return 1; }
}
device cam-a12
csr "$TMP/a12"
check "A12 tls-unique without extended master secret is refused" \
    python_pop no 403 'extended master secret'
check "A12 with it, it is accepted" python_pop yes 200 MII
check "A12 without proof of possession the secret is not asked for" accepts \
    simpleenroll "$TMP/a12" -u "cam-a12:$SECRET" --tls-max 1.2

# A6 again, with time and status, which need a certificate of ours to end.
device cam-a6
enroll cam-a6 "$TMP/gone"
camca cert revoke "$(serial_of "$TMP/gone.pem")" --reason keyCompromise \
    --text "A6" >/dev/null
renew_csr "$TMP/gone2" "$TMP/gone"
check "A6 revoked" refuses 403 'revoked' simplereenroll "$TMP/gone2" \
    --cert "$TMP/gone.pem" --key "$TMP/gone.key"
restart_authority +500d
check "A6 expired" refuses 403 'expired' simplereenroll "$TMP/again" "${MINE[@]}"
finish
