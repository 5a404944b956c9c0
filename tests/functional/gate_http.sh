#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camca-gate as a client meets it, with a mock of the authority behind it. One
# line for each requirement; the IDs are those of the EST acceptance table.
set -u
build=${BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
gate=$build/camca-gate
mock=$build/tests/tools/mock_authority
probe=$build/tests/tools/est_probe
. "$(dirname "$0")/../lib_kill.sh"
dir=$(mktemp -d /tmp/camca-gate-XXXXXX)
failed=0
mock_pid=''
gate_pid=''

cleanup() {
	[ -n "$gate_pid" ] && kill "$gate_pid" 2>/dev/null
	[ -n "$mock_pid" ] && kill "$mock_pid" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

# check ID TEXT COMMAND...: the command's status is the result.
check() {
	local id=$1 text=$2 out=$dir/out-$BASHPID
	shift 2
	if "$@" > "$out" 2>&1; then
		echo "ok $id $text"
	else
		echo "not ok $id $text"
		sed 's/^/#   /' "$out" | head -20
		failed=1
	fi
}

# until_true COMMAND...: again and again, up to 20 s.
until_true() {
	local left=400
	while [ $((left -= 1)) -gt 0 ]; do
		"$@" > /dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

start_mock() {
	rm -f "$dir/run/authority.sock"
	"$mock" "$dir/run/authority.sock" "$dir" & mock_pid=$!
	until_true test -S "$dir/run/authority.sock" || exit 1
	chmod 666 "$dir/run/authority.sock"
}

start_gate() {
	: > "$dir/ready"
	"$gate" --state "$dir" --ready-fd 7 7> "$dir/ready" \
	    2>> "$dir/gate.log" & gate_pid=$!
	until_true grep -q ready "$dir/ready" ||
	    { echo "not ok start"; cat "$dir/gate.log"; exit 1; }
	est_port=$(sed -n 's/^est //p' "$dir/gate/ports")
	http_port=$(sed -n 's/^http //p' "$dir/gate/ports")
	est=https://localhost:$est_port
}

# --- requests ---

# ask PATH [curl options]: status in $status, header in $dir/h, body in $dir/b.
ask() {
	local path=$1
	shift
	rm -f "$dir/h" "$dir/b"
	touch "$dir/h" "$dir/b"
	status=$(curl -sS -m 20 --path-as-is --cacert "$dir/root.pem" \
	    -D "$dir/h" -o "$dir/b" -w '%{http_code}' "$@" "$est$path")
	echo "$path: $status"
	cat "$dir/h"
}

is() { ask "${@:2}"; [ "$status" = "$1" ]; }
field() { tr -d '\r' < "$dir/h" | grep -qi "^$1\$"; }

p10='Content-Type: application/pkcs10'
enroll() {
	local label=$1 body=$2
	shift 2
	ask "/.well-known/est/${label}simpleenroll" -u dev1:secret -H "$p10" \
	    --data-binary "@$body" "$@"
}
enroll_is() { enroll "${@:2}"; [ "$status" = "$1" ]; }

tls() { openssl s_client -connect "localhost:$est_port" -CAfile \
    "$dir/root.pem" -verify_return_error "$@" < /dev/null; }
tls_fails() { ! tls "$@"; }
weak() { tls_fails "$1" -cipher "$2@SECLEVEL=0"; }

all() {
	local t
	for t in "$@"; do
		eval "$t" || { echo "failed: $t"; return 1; }
	done
}

# --- start ---

# As root the gate must become somebody else, who has to get into the folder.
user=$(id -un)
[ "$user" = root ] && user=nobody && chmod 755 "$dir"
mkdir -p "$dir/run" "$dir/gate"
cat > "$dir/camca.yaml" <<YAML
organization: Test
users:
  gate: $user
gate:
  names: [localhost, 127.0.0.1]
  est_listen: 127.0.0.1:0
  http_listen: 127.0.0.1:0
  idle_timeout_s: 4
  failures_per_minute: 5
YAML
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \
    "$dir/dev.key" -subj /CN=dev1 -outform DER -out "$dir/r.der" 2>/dev/null
base64 -w0 "$dir/r.der" > "$dir/flat"
base64 -w64 "$dir/r.der" > "$dir/w64"
base64 -w76 "$dir/r.der" | sed 's/$/\r/' > "$dir/w76"
{ printf ' \t\r\n'; sed 's/./& \t/g' "$dir/flat"; printf '\n\n'; } > "$dir/odd"
{ cat "$dir/flat"; head -c 8000 /dev/zero | tr '\0' ' '; } > "$dir/long"
openssl req -inform DER -in "$dir/r.der" -out "$dir/pem"
sed 's/CERTIFICATE/NEW CERTIFICATE/' "$dir/pem" > "$dir/pem-new"
{ cat "$dir/r.der"; printf x; } | base64 -w0 > "$dir/trailing"
{ printf '%%'; cat "$dir/flat"; } > "$dir/alphabet"
head -c -1 "$dir/flat" > "$dir/padding"
head -c 65537 /dev/zero | tr '\0' A > "$dir/big"
head -c 400000 /dev/zero | tr '\0' A > "$dir/bigger"
: > "$dir/empty"
start_mock
start_gate
ski=$(cat "$dir/ski")

# --- A: TLS ---

plain_est() {
	! curl -sS -m 10 -f "http://localhost:$est_port/.well-known/est/cacerts"
}
plain_web() {
	[ "$(curl -sS -m 10 -o "$dir/b" -w '%{http_code}' \
	    "http://localhost:$http_port/.well-known/est/cacerts")" = 404 ]
}
check A1 "plain HTTP never answers EST" all plain_est plain_web
check A2 "TLS 1.2 and 1.3 only" all 'tls -tls1_2' 'tls -tls1_3' \
    'weak -tls1_1 ALL:' 'weak -tls1 ALL:'
check A3 "forward secrecy and AEAD only" all \
    'tls -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256' \
    'tls -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305' \
    'weak -tls1_2 eNULL:' 'weak -tls1_2 aNULL:' 'weak -tls1_2 kRSA:' \
    'weak -tls1_2 kDHE:' 'weak -tls1_2 ECDHE-ECDSA-AES128-SHA:' \
    'weak -tls1_2 ECDHE-ECDSA-AES256-SHA384:' 'weak -tls1_2 kPSK:'
check A4 "the certificate names the host" \
    tls -verify_hostname localhost -verify_ip 127.0.0.1

enroll_cert() {
	enroll cam/ "$dir/flat"
	[ "$status" = 200 ] || return 1
	base64 -d "$dir/b" | openssl pkcs7 -inform DER -print_certs \
	    -out "$dir/dev.pem"
}
with_cert() {
	ask /.well-known/est/simplereenroll --cert "$dir/dev.pem" --key \
	    "$dir/dev.key" -H "$p10" --data-binary "@$dir/flat" "$@"
	[ "$status" = 200 ]
}
wrong_key() {
	! "$probe" post "$est_port" "$dir/root.pem" \
	    /.well-known/est/simplereenroll "$dir/flat" cert="$dir/dev.pem" \
	    wrongkey=1 tls="$1" | grep 'status 200'
}
chain_passed_on() {
	grep '"op":"est.reenroll"' "$dir/calls.log" | grep -q '"chain":\["MII'
}
check A5 "client certificates optional, and proven" all \
    'is 200 /.well-known/est/cacerts' enroll_cert \
    'with_cert --tls-max 1.2' 'with_cert --tlsv1.3' chain_passed_on \
    'wrong_key 1.2' 'wrong_key 1.3'
# Lines for s_client: maybe R, then a request; is there an answer?
answered_after() {
	{ sleep 0.3; printf "$1"; sleep 0.3
	    printf 'GET /.well-known/est/cacerts HTTP/1.1\r\nHost: x\r\n\r\n'
	    sleep 0.7; } | openssl s_client -connect "localhost:$est_port" \
	    -tls1_2 -CAfile "$dir/root.pem" 2>/dev/null |
	    grep -a '^HTTP/1.1 200'
}
check A8 "renegotiation refused" all 'answered_after ""' \
    '! answered_after "R\\n"'
no_resumption() {
	openssl s_client -connect "localhost:$est_port" -tls1_2 -reconnect \
	    < /dev/null > "$dir/resume" 2>&1
	! grep -q '^Reused' "$dir/resume" && grep -q '^New' "$dir/resume"
}
no_ticket() { ! tls -tls1_3 -sess_out "$dir/sess" | grep -qi 'NewSessionTicket'
    [ ! -s "$dir/sess" ]; }
check A9 "no resumption: a reasoned deviation" all no_resumption no_ticket
check A11 "no names of CAs in CertificateRequest" \
    eval 'tls | grep -q "No client certificate CA names sent"'

# --- B: routing ---

check B1 "operations answer" all 'is 200 /.well-known/est/cacerts' \
    'is 200 /.well-known/est/csrattrs' 'enroll_is 200 "" "$dir/flat"'
check B2 "with and without label" all 'is 200 /.well-known/est/cam/cacerts' \
    'is 200 /.well-known/est/cam/csrattrs' 'enroll_is 200 cam/ "$dir/flat"'
check B3 "an operation's name is no label" \
    is 404 /.well-known/est/cacerts/cacerts
text_404() { is 404 "$1" && field 'content-type: text/plain; charset=utf-8'; }
check B4 "unknown label and operation: 404 text" all \
    'text_404 /.well-known/est/nosuch/cacerts' \
    'text_404 /.well-known/est/nosuch' 'text_404 /'
check B5 "405 with Allow" all \
    'is 405 /.well-known/est/cacerts -X POST -d x' \
    'field "allow: GET, HEAD"' 'is 405 /.well-known/est/simpleenroll' \
    'field "allow: POST"' 'is 405 /.well-known/est/fullcmc' \
    'is 405 /.well-known/est/csrattrs -X DELETE'
check B6 "not offered: 501" all \
    'is 501 /.well-known/est/serverkeygen -d x' \
    'is 501 /.well-known/est/fullcmc -d x'
check B7 "no second spelling of an address" all \
    'is 404 /.well-known/est/%63acerts' 'is 404 /.well-known/est//cacerts' \
    'is 404 /.well-known/est/x/../cacerts' \
    'is 404 /.well-known/est/./cacerts' 'is 404 /.well-known/est/cacerts/' \
    'is 404 "/.well-known/est/cacerts?x"' 'is 404 /.well-known/est/CACERTS' \
    'is 404 "/.well-known/est/$(printf %065d 0)/cacerts"'
small_header() {
	[ "$(wc -c < "$dir/h")" -lt 1024 ] && [ "$(wc -l < "$dir/h")" -le 16 ]
}
lengths() {
	field 'content-length: [0-9]*' && ! field 'transfer-encoding:.*' &&
	    ! field 'server:.*' && small_header
}
check B8 "Content-Length always, small header" all \
    'is 200 /.well-known/est/cacerts' lengths \
    'enroll_is 200 "" "$dir/flat"' lengths 'is 404 /x' lengths \
    'enroll_is 202 pending/ "$dir/flat"' lengths \
    'is 405 /.well-known/est/simpleenroll' lengths
keep_alive() {
	[ "$(curl -sS -m 20 --cacert "$dir/root.pem" -o /dev/null -o /dev/null \
	    -w '%{num_connects}' "$est/.well-known/est/cacerts" \
	    "$est/.well-known/est/csrattrs")" = 10 ]
}
check B8 "keep-alive" keep_alive
check B9 "no redirect" all 'is 404 /.well-known/est' \
    'enroll "" "$dir/flat"; ! field "location:.*"'
check B10 "Expect: 100-continue" all \
    'enroll_is 200 "" "$dir/flat" -H "Expect: 100-continue"' \
    'grep -q "^HTTP/1.1 100" "$dir/h"' \
    'is 415 /.well-known/est/simpleenroll -d x -H "Expect: 100-continue"' \
    '! grep -q "^HTTP/1.1 100" "$dir/h"'

# --- C: encoding ---

check C1 "Content-Transfer-Encoding is ignored" all \
    'enroll_is 200 "" "$dir/w64" -H "Content-Transfer-Encoding: base64"' \
    'enroll_is 200 "" "$dir/w64" -H "Content-Transfer-Encoding: binary"' \
    'enroll_is 200 "" "$dir/w64" -H "Content-Transfer-Encoding: junk"' \
    'enroll_is 200 "" "$dir/w64"'
check C2 "blanks anywhere, any layout" all \
    'enroll_is 200 "" "$dir/flat"' 'enroll_is 200 "" "$dir/w64"' \
    'enroll_is 200 "" "$dir/w76"' 'enroll_is 200 "" "$dir/odd"' \
    'enroll_is 200 "" "$dir/long"' \
    'enroll_is 200 "" "$dir/flat" -H "Transfer-Encoding: chunked"'
check C3 "PEM taken, DER refused with a clear text" all \
    'enroll_is 200 "" "$dir/pem"' 'enroll_is 200 "" "$dir/pem-new"' \
    'enroll_is 400 "" "$dir/r.der"' 'grep -q "raw DER" "$dir/b"'
check C4 "alphabet, padding, trailing bytes" all \
    'enroll_is 400 "" "$dir/alphabet"' 'enroll_is 400 "" "$dir/padding"' \
    'enroll_is 400 "" "$dir/trailing"' 'enroll_is 400 "" "$dir/empty"'
lines() { wc -l < "$dir/b"; }
# A client that sends neither of the two, as strongSwan.
bare() { is 200 "$1" -H User-Agent: -H Accept:; }
check C5 "layouts of answers" all \
    'is 200 /.well-known/est/cacerts' '[ "$(lines)" -gt 5 ]' \
    'bare /.well-known/est/cacerts' '[ "$(lines)" = 1 ]' \
    'bare /.well-known/est/wrap/cacerts' \
    '[ "$(lines)" -gt 5 ]' 'is 200 /.well-known/est/flat/cacerts' \
    '[ "$(lines)" = 1 ]' 'base64 -d "$dir/b" | openssl pkcs7 -inform DER'
check C6 "Content-Transfer-Encoding sent, by label" all \
    'is 200 /.well-known/est/cacerts' \
    'field "content-transfer-encoding: base64"' \
    'is 200 /.well-known/est/nocte/cacerts' \
    '! field "content-transfer-encoding:.*"'
check C7 "a large body: 413" all 'enroll_is 413 "" "$dir/big"' \
    'enroll_is 413 "" "$dir/bigger"' \
    'enroll_is 413 "" "$dir/big" -H "Transfer-Encoding: chunked"' \
    'enroll_is 413 "" "$dir/bigger" -H "Expect: 100-continue"'

# --- D, F: what comes back ---

check D6 "ETag and 304" all 'is 200 /.well-known/est/cacerts' \
    'field "etag: \"0123abcd-w\""' \
    'is 304 /.well-known/est/cacerts -H "If-None-Match: \"0123abcd-w\""' \
    'is 200 /.well-known/est/cacerts -H "If-None-Match: \"0123abcd-f\""' \
    'is 200 /.well-known/est/cacerts -I' '[ ! -s "$dir/b" ] ||
    ! grep -q MII "$dir/b"'
media() {
	ask /.well-known/est/simpleenroll -u dev1:secret -H "Content-Type: $2" \
	    --data-binary "@$dir/flat"
	[ "$status" = "$1" ]
}
check F1 "application/pkcs10, else 415" all 'media 200 application/pkcs10' \
    'media 200 "Application/PKCS10; x=y"' 'media 415 text/plain' \
    'media 415 application/pkcs10x' 'media 415 ""'
check F5 "exact media types" all 'enroll_is 200 "" "$dir/flat"' \
    'field "content-type: application/pkcs7-mime; smime-type=certs-only"' \
    'is 200 /.well-known/est/cacerts' \
    'field "content-type: application/pkcs7-mime"'
check J2 "csrattrs, and none" all 'is 200 /.well-known/est/csrattrs' \
    'field "content-type: application/csrattrs"' \
    'is 204 /.well-known/est/none/csrattrs'

# --- G: channel bindings ---

binding() {
	"$probe" post "$est_port" "$dir/root.pem" \
	    /.well-known/est/simpleenroll "$dir/flat" login=dev1:secret \
	    tls="$1" > "$dir/p" || return 1
	tail -1 "$dir/calls.log" | grep -qF "\"$2\":\"$(sed -n \
	    's/^binding //p' "$dir/p")\""
}
none_of() { ! tail -1 "$dir/calls.log" | grep -q "\"$1\""; }
check G3 "tls-unique with TLS 1.2" binding 1.2 unique
check G5 "no tls-exporter with TLS 1.2" none_of exporter
check G4 "tls-exporter with TLS 1.3" binding 1.3 exporter
check G5 "no tls-unique with TLS 1.3" none_of unique
once() {
	"$probe" post "$est_port" "$dir/root.pem" \
	    /.well-known/est/pop/simpleenroll "$dir/flat" times=2 \
	    login=dev1:secret > "$dir/p"
	[ "$(grep -c '^status 200' "$dir/p")" = 1 ] &&
	    grep -qi 'connection: close' "$dir/p"
}
twice() {
	"$probe" post "$est_port" "$dir/root.pem" \
	    /.well-known/est/simpleenroll "$dir/flat" times=2 \
	    login=dev1:secret > "$dir/p"
	[ "$(grep -c '^status 200' "$dir/p")" = 2 ]
}
check G6 "a binding serves once" all once twice

# --- I: errors ---

check I1 "202 with Retry-After in seconds" all \
    'enroll_is 202 pending/ "$dir/flat"' 'field "retry-after: 7"'
check I5 "errors are text for people" all 'enroll_is 400 "" "$dir/alphabet"' \
    'field "content-type: text/plain; charset=utf-8"' \
    '[ "$(wc -l < "$dir/b")" = 1 ]' 'grep -q "\.$" "$dir/b"'
check E1 "no login: 401 with a challenge" all \
    'is 401 /.well-known/est/simpleenroll -H "$p10" --data-binary \
    "@$dir/flat"' 'field "www-authenticate: Basic realm=\"camca\""'
check I7 "malformed login: 400" \
    is 400 /.well-known/est/simpleenroll -H "$p10" --data-binary \
    "@$dir/flat" -H "Authorization: Basic %%%"
check I7 "404, 405, 413, 415, 501" all 'is 404 /x' \
    'is 405 /.well-known/est/cacerts -X PUT' \
    'enroll_is 413 "" "$dir/big"' 'media 415 text/html' \
    'is 501 /.well-known/est/serverkeygen -d x'
check I7 "the authority's own 503 is passed on" all \
    'enroll_is 503 busy/ "$dir/flat"' 'field "retry-after: 11"'
check I7 "an unusable answer: 500" is 500 /.well-known/est/broken/cacerts
told() { grep '"op":"est.refused"' "$dir/calls.log" | grep -q "$1"; }
check I8 "the gate's own refusals are told" all \
    'until_true told "\"http\":415"' 'until_true told "\"http\":413"' \
    'until_true told est.plain-http' 'until_true told est.not-offered'

# --- downloads ---

web() {
	rm -f "$dir/h" "$dir/b"; touch "$dir/h" "$dir/b"
	status=$(curl -sS -m 20 --path-as-is -D "$dir/h" -o "$dir/b" -w \
	    '%{http_code}' "${@:2}" "http://localhost:$http_port$1")
}
web_is() { web "${@:2}"; echo "$status"; [ "$status" = "$1" ]; }
tag() { sed -n 's/\r$//; s/^ETag: //p' "$dir/h"; }
check WEB "CA certificate" all 'web_is 200 "/ca/$ski.cer"' \
    'field "content-type: application/pkix-cert"' \
    'openssl x509 -inform DER -in "$dir/b" -noout'
check WEB "CRL" all 'web_is 200 "/crl/$ski.crl"' \
    'field "content-type: application/pkix-crl"' \
    'openssl crl -inform DER -in "$dir/b" -noout' \
    'field "last-modified: .* GMT"'
check WEB "304" all 'web_is 200 "/ca/$ski.cer"' \
    'web_is 304 "/ca/$ski.cer" -H "If-None-Match: $(tag)"' \
    'web_is 200 "/ca/$ski.cer" -H "If-None-Match: \"x\""' \
    'web_is 200 "/crl/$ski.crl"' \
    'web_is 304 "/crl/$ski.crl" -H "If-Modified-Since: $(date -u -d +1hour \
    "+%a, %d %b %Y %T GMT")"' \
    'web_is 200 "/crl/$ski.crl" -H "If-Modified-Since: $(date -u -d -1hour \
    "+%a, %d %b %Y %T GMT")"'
check WEB "404, 405" all 'web_is 404 /' 'web_is 404 "/ca/$ski.crl"' \
    'web_is 404 /ca/0000000000000000000000000000000000000000.cer' \
    'web_is 404 "/ca/$ski.cer?x"' 'web_is 405 "/ca/$ski.cer" -d x' \
    'field "allow: GET, HEAD"' 'web_is 200 "/ca/$ski.cer" -I'

# --- N: robustness ---

# Only root may look: the gate hides its memory, and with it this folder.
fds() { ls "/proc/$gate_pid/fd" 2>/dev/null | wc -l; }
fds_back() { [ "$(fds)" -le $((fds_before + 4)) ]; }
ticks() { awk '{ print $14 + $15 }' "/proc/$gate_pid/stat"; }
# hold KIND COUNT SECONDS: others sit on connections meanwhile.
hold() {
	held=$dir/hold-$1
	"$probe" hold "$est_port" "$@" > "$held" & hold_pid=$!
	until_true grep -q held "$held"
}
served_beside() {
	local before
	hold "$1" "$2" 3 || return 1
	before=$(ticks)
	enroll_is 200 "" "$dir/flat" && is 200 /.well-known/est/cacerts ||
	    return 1
	wait "$hold_pid"
	cat "$held"
	# Nobody who sits still may cost a processor.
	echo "ticks $(($(ticks) - before))"
	[ $(($(ticks) - before)) -lt 150 ]
}
cut_in_time() {
	hold "$1" 20 9 || return 1
	wait "$hold_pid"
	cat "$held"
	grep -q '^open 0$' "$held"
}
fds_before=$(fds)
for kind in tcp byte half idle slow; do
	check N2 "served beside 200 connections of kind $kind" \
	    served_beside $kind 200
done
for kind in tcp byte half idle slow; do
	check N2 "kind $kind is cut" cut_in_time $kind & cuts+=" $!"
	sleep 0.2
done > "$dir/cuts" 2>&1
wait $cuts
cat "$dir/cuts"
grep -q '^not ok' "$dir/cuts" && failed=1
thousand() {
	"$probe" load "$est_port" "$dir/root.pem" \
	    /.well-known/est/canned/simpleenroll "$dir/flat" \
	    login=dev1:secret threads=200 seconds=4 > "$dir/load"
	cat "$dir/load"
	grep -q 'errors 0$' "$dir/load"
}
check N3 "200 handshakes at a time" thousand
check N3 "no descriptor is left" until_true fds_back

# --- E10: throttling, last of those that need the address ---

guess() { is "$1" /.well-known/est/simpleenroll -u dev1:wrong -H "$p10" \
    --data-binary "@$dir/flat"; }
check E10 "five wrong logins, then 429" all 'guess 401' 'guess 401' \
    'guess 401' 'guess 401' 'guess 401' 'guess 429' \
    'field "retry-after: [0-9]*"' 'enroll_is 429 "" "$dir/flat"'
check E10 "certificates and reading are not throttled" all with_cert \
    'is 200 /.well-known/est/cacerts'

# --- the gate's own life ---

serial() { tls 2>/dev/null | openssl x509 -noout -serial; }
new_serial() { [ "$(serial)" != "$old_serial" ]; }
old_serial=$(serial)
"$probe" hold "$est_port" idle 1 3 > "$dir/hold" & hold_pid=$!
until_true grep -q held "$dir/hold"
kill -HUP "$gate_pid"
check TLS "SIGHUP renews the certificate" until_true new_serial
wait "$hold_pid"
check TLS "a connection outlives the renewal" grep -q '^open 1' "$dir/hold"

kill "$mock_pid"; wait "$mock_pid" 2>/dev/null; mock_pid=''
away() { is 503 /.well-known/est/cacerts && field 'retry-after: [0-9]*'; }
check I7 "authority away: 503 with Retry-After" all 'until_true away' away \
    'is 503 /.well-known/est/simplereenroll -H "$p10" --data-binary \
    "@$dir/flat"' 'is 503 /.well-known/est/csrattrs' 'is 404 /x'
check I7 "a CRL that holds is still given" web_is 200 "/crl/$ski.crl"
check I7 "an unknown CRL: 503" \
    web_is 503 /crl/0000000000000000000000000000000000000000.crl
start_mock
check I7 "authority back: served again" \
    until_true is 200 /.well-known/est/cacerts

"$probe" post "$est_port" "$dir/root.pem" /.well-known/est/slow/simplereenroll \
    "$dir/flat" cert="$dir/dev.pem" key="$dir/dev.key" > "$dir/p" & slow_pid=$!
until_true eval 'tail -1 "$dir/calls.log" | grep -q "\"label\":\"slow\""'
kill -TERM "$gate_pid"
wait "$slow_pid"
check STOP "SIGTERM: what is under way is finished" \
    grep -q '^status 200' "$dir/p"
wait "$gate_pid"
check STOP "SIGTERM: exit status 0" test $? = 0
gate_pid=''
kill "$mock_pid"; wait "$mock_pid" 2>/dev/null; mock_pid=''
start_gate
check START "without the authority: the stored certificate serves" \
    is 503 /.well-known/est/cacerts
as_user() {
	[ "$(sed -n 's/^Uid:\t//p' "/proc/$gate_pid/status" | cut -f1-4)" = \
	    "$(id -u "$user" | sed 's/.*/&\t&\t&\t&/')" ]
}
check USER "the gate runs as its own user" as_user
private() { [ "$(stat -c %a "$dir/gate/tls.key")" = 600 ]; }
check KEY "the TLS key is private" private
if ldd "$gate" | grep -Eq 'libp11\.so|libsqlite3|libpq\.so'; then
	echo "not ok LINK no HSM and no database library"; failed=1
else
	echo "ok LINK no HSM and no database library"
fi
grep -q secret "$dir/gate.log" &&
    { echo "not ok LOG no secret in the log"; failed=1; } ||
    echo "ok LOG no secret in the log"
exit $failed
