#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# camca-renew against another EST server: GlobalSign's estserver (Go). Wants
# that program in the PATH or named by ESTSERVER; nothing is downloaded.
#   go install github.com/globalsign/est/cmd/estserver@latest
set -u
BUILD=${BUILD:-build}
RENEW=$BUILD/camca-renew
ESTSERVER=${ESTSERVER:-$(command -v estserver)}
[ -n "$ESTSERVER" ] && [ -x "$ESTSERVER" ] ||
    { echo "skipped: estserver is not installed"; exit 77; }

T=$(mktemp -d)
SERVER=
cleanup() {
	[ -n "$SERVER" ] && kill "$SERVER" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$T"
}
trap cleanup EXIT
want() {
	local code=$1 what=$2 got
	shift 2
	"$@" >>"$T/log" 2>&1
	got=$?
	[ "$got" = "$code" ] && { echo "ok $what"; return; }
	echo "not ok $what: exit code $got, not $code"
	tail -5 "$T/log"
	exit 1
}
ec() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@"; }
# A port that was free a moment ago.
PORT=$(python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])') || exit 77

{
	ec -x509 -keyout "$T/root.key" -out "$T/root.pem" -days 30 \
	    -subj "/CN=Peer Root" \
	    -addext "keyUsage=critical,keyCertSign,cRLSign" &&
	ec -keyout "$T/tls.key" -out "$T/tls.req" -subj "/CN=est" \
	    -addext "subjectAltName=IP:127.0.0.1" &&
	openssl x509 -req -in "$T/tls.req" -CA "$T/root.pem" \
	    -CAkey "$T/root.key" -days 10 -copy_extensions copy \
	    -out "$T/tls.pem"
} >"$T/log" 2>&1 || { cat "$T/log"; exit 1; }
cat >"$T/config.json" <<JSON
{ "mock_ca": { "certificates": "$T/root.pem", "private_key": "$T/root.key" },
  "tls": { "listen_address": "127.0.0.1:$PORT",
    "certificates": "$T/tls.pem", "private_key": "$T/tls.key",
    "client_cas": [ "$T/root.pem" ] },
  "allowed_hosts": [ "127.0.0.1" ], "healthcheck_password": "x",
  "rate_limit": 1000, "timeout": 30 }
JSON
"$ESTSERVER" -config "$T/config.json" >"$T/server.log" 2>&1 &
SERVER=$!
for _ in $(seq 100); do
	(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && break
	sleep 0.1
done

PIN=sha256:$(openssl x509 -in "$T/root.pem" -noout -fingerprint -sha256 |
    sed 's/.*=//')
run() { "$RENEW" "$@" --dir "$T/pair" --url "https://127.0.0.1:$PORT"; }
want 0 "enroll" run enroll --trust-fingerprint "$PIN" --subject CN=cam-7 \
    --san DNS:cam-7.example
want 0 "pair verifies" openssl verify -CAfile "$T/root.pem" \
    "$T/pair/current/cert.pem"
want 0 "re-enroll with a new key" run renew
want 0 "re-enroll over TLS 1.2" run renew --tls-max 1.2
want 0 "re-enroll with the same key" run renew --rekey never
want 0 "label" run renew --label north
