#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proof of possession on TLS 1.3 (RFC 9266) with gnutls-cli as client: it shows
# the channel binding of its session, the request is made with it and goes
# through the same session.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need gnutls-cli openssl curl
policies
profile pop camera-ec 's/^  pop: .*/  pop: require/'
est_init --policies "$POLICIES"
camca_start

# session VERSION [options]: a TLS session, its exporter in base64 in $EXPORTER,
# its ends in file descriptors 3 and 4.
session() {
	local version=$1 line
	shift
	EXPORTER=
	coproc TLS { exec timeout 60 stdbuf -oL gnutls-cli --verbose \
	    --x509cafile "$TMP/root.pem" -p "$EST_PORT" \
	    --priority "NORMAL:-VERS-ALL:+VERS-TLS$version" "$@" localhost \
	    2>>"$TMP/gnutls.log"; }
	PIDS+=("$TLS_PID")
	# Copies: bash forgets the coprocess' own ones when it ends.
	exec 3<&"${TLS[0]}" 4>&"${TLS[1]}"
	while read -r -t 30 -u 3 line; do
		case $line in
		*"'tls-exporter':"*)
			EXPORTER=$(printf %s "${line##*: }" | tr a-f A-F |
			    basenc --base16 -d | base64 -w 0) ;;
		*'Simple Client Mode'*) [ -n "$EXPORTER" ]; return ;;
		esac
	done
	return 1
}
# post OP FILE [field]: FILE.b64 through the session; prints the status, the
# body goes to FILE.out.
post() {
	local f=$2
	{
		printf 'POST /.well-known/est/%s HTTP/1.1\r\n' "$1"
		printf 'Host: localhost\r\nConnection: close\r\n'
		printf 'Content-Type: application/pkcs10\r\n'
		[ -z "${3:-}" ] || printf '%s\r\n' "$3"
		printf 'Content-Length: %s\r\n\r\n' "$(wc -c <"$f.b64")"
		cat "$f.b64"
	} >&4
	# It marks each record that it receives, and each that it sends.
	tr -d '\r' <&3 | sed -e 's/- Received\[[0-9]*\]: //' \
	    -e '/^- /d' >"$f.answer"
	exec 3<&- 4>&-
	sed -n 's/^HTTP\/1.1 \([0-9]*\) .*/\1/p' "$f.answer"
	sed -e '1,/^Content-Length:/d' "$f.answer" | sed 1d >"$f.out"
}
# proves FILE CHALLENGE: a request for P-256 with that challengePassword, with
# subject and SAN of the certificate FILE.old, if there is one.
proves() {
	local san=
	cat >"$1.conf" <<-EOT
		[req]
		prompt = no
		distinguished_name = dn
		attributes = attributes
		[dn]
		CN = ignored
		[attributes]
		${2:+challengePassword = $2}
	EOT
	if [ -f "$1.old" ]; then
		sed -i -e "s/^CN = .*/CN = $(subject "$1.old" commonName)/" \
		    -e "/^CN/aserialNumber = $(subject "$1.old" serialNumber)" \
		    "$1.conf"
		san=$(openssl x509 -in "$1.old" -noout -ext subjectAltName |
		    sed -n '2s/ //gp')
	fi
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$1.key" -config "$1.conf" ${san:+-addext \
	    "subjectAltName=$san"} -outform DER -out "$1.der" 2>"$1.log" &&
	    base64 "$1.der" >"$1.b64" || cat "$1.log"
}
subject() { # PEM TYPE: that part of its subject
	openssl x509 -in "$1" -noout -subject -nameopt multiline |
	    sed -n "s/^ *$2 *= //p"
}
login() { # DEVICE
	printf 'Authorization: Basic %s' "$(printf '%s:%s' "$1" "$SECRET" |
	    base64 -w 0)"
}
# enrolls STATUS FILE DEVICE BINDING: through the session that is open
enrolls() {
	proves "$2" "$4"
	equal "$(post pop/simpleenroll "$2" "$(login "$3")")" "$1" ||
	    { cat "$2.answer"; return 1; }
}
ours() { # FILE
	p7_cert "$1" && openssl verify -x509_strict -CAfile "$TMP/root.pem" \
	    -untrusted "$TMP/cacerts.pem" "$1.pem"
}
check "gnutls-cli verifies the server" session 1.3
device cam-1
check "the exporter has 32 bytes" equal "${#EXPORTER}" 44
check "enroll with it" enrolls 200 "$TMP/one" cam-1 "$EXPORTER"
check "the certificate is ours" ours "$TMP/one"

OLD=$EXPORTER
device cam-2
check "another session" session 1.3
check "has another exporter" not equal "$EXPORTER" "$OLD"
check "that of the session before is refused" \
    enrolls 403 "$TMP/two" cam-2 "$OLD"
check "and the answer says why" grep -q 'tls-exporter of this TLS connection' \
    "$TMP/two.out"
session 1.3
check "no proof is refused" enrolls 403 "$TMP/two" cam-2 ""
session 1.2
check "an exporter on TLS 1.2 is refused" enrolls 403 "$TMP/two" cam-2 \
    "$EXPORTER"
check "and the answer asks for tls-unique" grep -q tls-unique "$TMP/two.out"

renews() { # STATUS FILE OLD BINDING
	cp "$3.pem" "$2.old"
	proves "$2" "$4"
	equal "$(post pop/simplereenroll "$2")" "$1" ||
	    { cat "$2.answer"; return 1; }
}
MINE=(--x509certfile "$TMP/one.pem" --x509keyfile "$TMP/one.key")
check "a session with the client certificate" session 1.3 "${MINE[@]}"
check "renew with its exporter" renews 200 "$TMP/three" "$TMP/one" "$EXPORTER"
check "the new certificate is ours" ours "$TMP/three"
session 1.3 "${MINE[@]}"
check "a made-up one is refused" renews 403 "$TMP/four" "$TMP/one" "$OLD"
finish
