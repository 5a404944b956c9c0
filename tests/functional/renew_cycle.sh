#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# camca-renew as a person or a service manager runs it, against a small EST
# server: exit codes, files, hook, daemon, and kills at any moment.
set -u
BUILD=${BUILD:-build}
RENEW=$BUILD/camca-renew
HERE=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || { echo "skipped: python3 is missing"; exit 77; }

. "$HERE/../lib_kill.sh"
T=$(mktemp -d)
SERVER=
DAEMON=
cleanup() {
	[ -n "$DAEMON" ] && kill "$DAEMON" 2>/dev/null
	[ -n "$SERVER" ] && kill "$SERVER" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$T"
}
trap cleanup EXIT

fail() { echo "not ok $*"; [ -f "$T/log" ] && tail -5 "$T/log"; exit 1; }
# want CODE WHAT COMMAND...: runs it and compares the exit code.
want() {
	local code=$1 what=$2 got
	shift 2
	"$@" >>"$T/log" 2>&1
	got=$?
	[ "$got" = "$code" ] || fail "$what: exit code $got, not $code"
	echo "ok $what"
}
check() {
	local what=$1
	shift
	"$@" >>"$T/log" 2>&1 || fail "$what"
	echo "ok $what"
}
# until_true COMMAND...: polls for at most ten seconds.
until_true() {
	local i
	for i in $(seq 200); do
		"$@" 2>/dev/null && return 0
		sleep 0.05
	done
	return 1
}
mode() { echo "$1" >"$T/mode"; }

make_server() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$T/root.key" -out "$T/root.pem" -days 30 \
	    -subj "/CN=Test Root" || return 1
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$T/tls.key" -out "$T/tls.req" -subj "/CN=est" \
	    -addext "subjectAltName=IP:127.0.0.1" || return 1
	openssl x509 -req -in "$T/tls.req" -CA "$T/root.pem" \
	    -CAkey "$T/root.key" -days 10 -copy_extensions copy \
	    -out "$T/tls.pem" || return 1
	mode ok
	python3 "$HERE/renew_mock.py" "$T" >"$T/server.log" 2>&1 &
	SERVER=$!
	until_true test -s "$T/port"
}
make_server >"$T/setup.log" 2>&1 || { cat "$T/setup.log"; fail "the server"; }

URL=https://127.0.0.1:$(cat "$T/port")
PIN=sha256:$(openssl x509 -in "$T/root.pem" -noout -fingerprint -sha256 |
    sed 's/.*=//')
D=$T/pair
run() { "$RENEW" "$@" --dir "$D" --url "$URL"; }
secret() { printf 'one-time\n' | run "$@" --user cam-7 --secret-file -; }
# The current pair is whole: key and certificate belong together.
whole() {
	[ "$(openssl pkey -in "$1/current/key.pem" -pubout 2>/dev/null)" = \
	    "$(openssl x509 -in "$1/current/cert.pem" -pubkey -noout)" ] &&
	    openssl verify -CAfile "$T/root.pem" "$1/current/cert.pem"
}
serial() { openssl x509 -in "$D/current/cert.pem" -noout -serial; }

# What it is linked with: OpenSSL and the C library (sanitizers aside).
ldd "$RENEW" | grep -v -E 'linux-vdso|ld-linux|libssl|libcrypto|libc\.so|lib(a|ub|t)san|libm\.so|libgcc_s|libpthread|libdl|libstdc' |
    grep -q . && fail "ldd shows more than OpenSSL"

want 0 "help" "$RENEW" --help
want 0 "version" "$RENEW" --version
want 2 "no URL" "$RENEW" auto --dir "$D"
want 2 "unknown option" "$RENEW" --colour
want 2 "unknown mode" "$RENEW" sing --url "$URL"
want 2 "secret as an argument" "$RENEW" enroll --secret x
want 7 "nothing to renew" run renew --trust "$T/root.pem"
want 7 "no status" run status
want 3 "no trust" secret enroll
want 3 "wrong pin" secret enroll --trust-fingerprint "${PIN%??}00"
want 4 "wrong secret" env CAMCA_RENEW_SECRET=bad "$RENEW" enroll --dir "$D" \
    --url "$URL" --user cam-7 --trust-fingerprint "$PIN"
mode refuse
want 4 "refused" secret enroll --trust-fingerprint "$PIN"
check "the server's words are in the status" \
    grep -q "quarantined" "$D/status"
mode busy
want 6 "busy" secret enroll
mode redirect
want 9 "redirect" secret enroll
mode pending
want 5 "pending" secret enroll
want 5 "still pending, not asked again" secret auto
check "and it says until when, and why" \
    grep -q "Waits until 20.*Last try: .*202" "$T/log"
PENDING=$(openssl pkey -in "$D/pending.pem" -pubout)
mode ok
want 0 "enroll" secret enroll --san DNS:cam-7.example
[ "$PENDING" = "$(openssl pkey -in "$D/current/key.pem" -pubout)" ] ||
    fail "the pending key was not used"
check "pair" whole "$D"
check "names" sh -c "openssl x509 -in '$D/current/cert.pem' -noout -text |
    grep -q DNS:cam-7.example"
check "key mode" sh -c "[ \$(stat -c %a '$D/current/key.pem') = 600 ]"
want 0 "status" run status
FIRST=$(serial)
want 0 "not due" run auto
[ "$FIRST" = "$(serial)" ] || fail "renewed before time"
want 0 "renew" run renew
[ "$FIRST" != "$(serial)" ] || fail "not renewed"
check "renewed pair" whole "$D"
check "names kept" sh -c "openssl x509 -in '$D/current/cert.pem' -noout -text |
    grep -q DNS:cam-7.example"

# Proof of possession over TLS 1.2, checked by another implementation.
mode bind
want 0 "linked renewal" run renew --tls-max 1.2
mode ok

# Hook, and the configuration file.
printf '#!/bin/sh\nexit 1\n' >"$T/bad-hook"
printf '#!/bin/sh\necho "$CAMCA_RENEW_GENERATION" >"%s/hooked"\n' "$T" \
    >"$T/good-hook"
chmod +x "$T/bad-hook" "$T/good-hook"
want 8 "hook fails" run renew --hook "$T/bad-hook"
printf '# settings\nurl = %s\ndir = %s\nhook = %s\n' "$URL" "$D" \
    "$T/good-hook" >"$T/conf"
want 0 "hook tried again" "$RENEW" renew --config "$T/conf"
check "hook ran" test -s "$T/hooked"
want 0 "RSA key" run renew --key-type rsa2048
check "RSA pair" whole "$D"

# As a service: enrolls, hears SIGHUP, ends on SIGTERM with 0.
D=$T/service
printf 'one-time' >"$T/secret"
"$RENEW" --daemon --dir "$D" --url "$URL" --user cam-7 \
    --secret-file "$T/secret" --trust "$T/root.pem" >>"$T/log" 2>&1 &
DAEMON=$!
until_true test -s "$D/status" || fail "the daemon wrote no status"
check "daemon's pair" whole "$D"
want 6 "one at a time" sh -c "exec 9<'$D'; flock -n 9 &&
    '$RENEW' renew --dir '$D' --url '$URL'"
grep -h VmHWM "/proc/$DAEMON/status"
kill -HUP "$DAEMON"
kill -TERM "$DAEMON"
wait "$DAEMON"
CODE=$?
DAEMON=
[ "$CODE" = 0 ] || fail "the daemon ended with $CODE"

# Killed at any moment: a whole pair is current afterwards.
for i in $(seq 15); do
	"$RENEW" renew --dir "$D" --url "$URL" >>"$T/log" 2>&1 &
	DAEMON=$!
	sleep "0.0$((RANDOM % 90 + 10))"
	kill -KILL "$DAEMON" 2>/dev/null
	wait "$DAEMON" 2>/dev/null
	DAEMON=
	check "pair after a kill" whole "$D"
done
want 0 "renewal after the kills" run renew
check "pair after all" whole "$D"

mode ok
kill "$SERVER"
wait "$SERVER" 2>/dev/null
SERVER=
want 6 "server gone" run renew
check "pair kept" whole "$D"
