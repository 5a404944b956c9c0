#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ONVIF driver against the fake camera, call by call: the whole way of a
# certificate on three kinds of cameras, and each fault of the catalogue with
# the name that the driver gives it.
. "$(dirname "$0")/../lib.sh"
need openssl jq curl python3
PROBE=$BIN/tests/tools/onvif_probe
[ -x "$PROBE" ] || skip "onvif_probe is not built"
CAMERAS=(modern rsa4 lateclock default md5first)

mkdir "$TMP/messages"
# shellcheck disable=SC2016
export OUT=$TMP/fake.json
start fake bash -c 'exec "$0" "$@" >"$OUT"' "$BIN/camca-fake-camera" \
    --cameras 5 --persona "$(IFS=,; echo "${CAMERAS[*]}")" --keygen-ms 50 \
    --boot-ms 100 --discovery-port 0 --messages "$TMP/messages" || exit 1
CONTROL=http://127.0.0.1:$(jq -r .control "$TMP/fake.json")

fact() { jq -r ".cameras[$1].$2" "$TMP/fake.json"; }
truth() { curl -s "$CONTROL/cameras/$1" | jq -r "$2"; }
post() { # CAMERA VERB JSON
	curl -s -f -d "$3" "$CONTROL/cameras/$1/$2" >"$TMP/post"
}
fault() { # JSON...: switched on at camera 3, alone
	local f
	post 3 clear '{}'
	for f; do post 3 fault "$f"; done
}

# ---- one driver under way ----

# open CAMERA: a driver of its own, by HTTP, logged in. CLEAR: may be "clear".
open() {
	[ -n "${DRIVER_PID:-}" ] && { exec {TO}>&-; wait "$DRIVER_PID"; }
	rm -f "$TMP/to" "$TMP/from"
	mkfifo "$TMP/to" "$TMP/from"
	"$PROBE" 127.0.0.1 "$(fact "$1" http)" ${CLEAR:-} <"$TMP/to" >"$TMP/from" \
	    2>>"$TMP/driver.log" &
	DRIVER_PID=$!
	exec {TO}>"$TMP/to" {FROM}<"$TMP/from"
	ask cred admin "${2:-admin}"
}
# ask WORDS...: ROWS, and ANSWER, its last line.
ask() {
	local line
	echo "$*" >&"$TO"
	ROWS=
	while read -r -t 60 -u "$FROM" line; do
		case $line in
		ok|ok\ *|fail\ *) ANSWER=$line; [ "${line%% *}" = ok ]; return ;;
		esac
		ROWS+=$line$'\n'
	done
	ANSWER="no answer"
	return 1
}
says() { # ANSWER WORDS...
	local wanted=$1
	shift
	ask "$@"
	case $ANSWER in
	"$wanted"*) ;;
	*) echo "$*: got '$ANSWER', wanted '$wanted...'"; return 1 ;;
	esac
}
# To the second that passes while it is asked.
clock_right() {
	ask time
	grep -xE 'ok (-1|0|1) .*' <<<"$ANSWER" || { echo "$ANSWER"; return 1; }
}
row() { # TEXT WORDS...
	local text=$1
	shift
	ask "$@" && grep -q -- "$text" <<<"$ROWS" ||
	    { echo "$ANSWER"; echo "$ROWS"; return 1; }
}
no_row() { ! row "$@" && [ "${ANSWER%% *}" = ok ]; }
second() { cut -d ' ' -f 2 <<<"$ANSWER"; }
# Calls of functions that change ANSWER run in this shell, so that it is kept.

# ---- a CA ----

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$TMP/ca.key" -out "$TMP/ca.pem" -subj "/CN=Test CA" -days 3650 \
    -not_before 20200101000000Z 2>/dev/null ||
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$TMP/ca.key" -out "$TMP/ca.pem" -subj "/CN=Test CA" \
    -days 3650 2>/dev/null
openssl x509 -in "$TMP/ca.pem" -outform DER -out "$TMP/ca.der"
: >"$TMP/index.txt"
echo 01 >"$TMP/crlnumber"
cat >"$TMP/ca.cnf" <<-END
	[ca]
	default_ca = c
	[c]
	database = $TMP/index.txt
	crlnumber = $TMP/crlnumber
	default_md = sha256
	default_crl_days = 30
	[v3]
	subjectAltName = DNS:cam.local
	extendedKeyUsage = serverAuth
END
openssl ca -config "$TMP/ca.cnf" -gencrl -keyfile "$TMP/ca.key" \
    -cert "$TMP/ca.pem" -out "$TMP/crl.pem" 2>"$TMP/crl.err"
openssl crl -in "$TMP/crl.pem" -outform DER -out "$TMP/crl.der"
sign() { # CSR.der LEAF.der
	openssl x509 -req -in "$1" -inform DER -CA "$TMP/ca.pem" -CAkey \
	    "$TMP/ca.key" -extfile "$TMP/ca.cnf" -extensions v3 -days 30 \
	    -outform DER -out "$2" -set_serial "$RANDOM$RANDOM" 2>/dev/null
}

# ---- A: the whole way ----

# onboard NAME CAMERA TYPE BITS
onboard() {
	local n=$1 key cert ca path old leaf pin http https rtsp
	http=$(fact "$2" http) https=$(fact "$2" https) rtsp=$(fact "$2" rtsp)
	open "$2"
	check "$n the clock is set" says ok time set
	check "$n it is right" clock_right
	check "$n identity" says "ok Rehearsal Cameras|" identify
	check "$n capabilities" says "ok keystore=1" caps
	ask assigned; old=$(head -n 1 <<<"$ROWS")
	check "$n a key is asked for" says ok mkkey "$3" "$4" "camca:$2:1"
	ask mkkey "$3" "$4" "camca:$2:2"; key=$(second)
	check "$n a key is made" says ok keywait "$key" 30000
	check "$n it has its alias" row "^$key camca:$2:2 0" keys
	check "$n the camera makes a request" says ok csr "$key" "$3" \
	    "cam-$2" "$TMP/$2.csr"
	check "$n a certificate" sign "$TMP/$2.csr" "$TMP/$2.der"
	check "$n the CA goes up" says ok upload "$TMP/ca.der" ca no
	ca=$(second)
	ask upload "$TMP/ca.der" ca no
	check "$n it is there once" equal "$(second)" "$ca"
	check "$n the leaf goes up" says ok upload "$TMP/$2.der" "leaf:$2" leaf
	ask upload "$TMP/$2.der" "leaf:$2" leaf; cert=$(second)
	ask mkpath "path:$2" "$cert" "$ca"; path=$(second)
	check "$n a path" row "^$path path:$2 $cert $ca\$" paths
	if [ -n "$old" ]; then
		check "$n the path takes the place of the old one" says ok \
		    assign "$old" "$path"
	else
		check "$n the path is assigned" says ok assign "$path"
	fi
	check "$n no new password without TLS" says "fail camera.tls -5" \
	    setpass admin Another-98765
	check "$n HTTPS is on" says ok protocols HTTPS on "$https"
	leaf=$(sha256sum "$TMP/$2.der" | cut -d ' ' -f 1)
	check "$n the new leaf is served" eventually says "ok $leaf 03" \
	    served "$https"
	pin=$(truth "$2" .factory)
	check "$n a leaf that is not expected is refused" \
	    says ok move https "$https" "${pin//[0-9]/0}"
	check "$n ... by name" says "fail camera.tls" users
	check "$n our CA is believed" says ok move https "$https" - \
	    "$TMP/ca.pem" cam.local
	check "$n ... over TLS" row "^admin Administrator" users
	check "$n for its own name only" says ok move https "$https" - \
	    "$TMP/ca.pem" other.local
	check "$n ... by name" says "fail camera.tls" users
	check "$n the leaf is pinned" says ok move https "$https" "$leaf"
	check "$n an account" says ok adduser camca-svc Secret-12345 \
	    Administrator
	check "$n it logs in" says "ok yes" login camca-svc Secret-12345
	check "$n a password" says ok setpass admin Another-98765
	check "$n the new one works" says "ok yes" login admin Another-98765
	check "$n the old one does not" says "ok no" login admin admin
	check "$n on its page too" says "ok no" login admin admin /web/login
	check "$n the video takes it" says "ok yes" login admin \
	    Another-98765 "rtsp:$rtsp/stream1"
	check "$n that cost" says "ok 2" failed
	check "$n and no more" equal "$(truth "$2" .failed)" 2
	ask cred camca-svc Secret-12345
	check "$n the level stays" row "^admin Administrator" users
	check "$n a list goes up" says ok crl "$TMP/crl.der" crl-1
	check "$n it is listed" row "crl-1 $(stat -c %s "$TMP/crl.der")" crls
	check "$n discovery off" says ok discoverable off
	check "$n HTTP off" says ok protocols HTTP off "$http"
	check "$n it is off" row "^HTTP off" protocols
	check "$n what is assigned stays" says "fail camera.in-use" rmpath \
	    "$path"
	[ -n "$old" ] && check "$n the old path goes" says ok rmpath "$old"
	ask keys
	check "$n the key that is not used goes" says ok rmkey \
	    "$(awk -v a="camca:$2:1" '$2 == a { print $1 }' <<<"$ROWS")"
	check "$n nobody sent it what it does not know" equal \
	    "$(truth "$2" .invalid)" 0
}
onboard "A1 modern:" 0 p256 0
onboard "A2 four RSA keys:" 1 rsa 2048
onboard "A3 two years late:" 2 rsa 2048

# ---- B: faults, each with its name ----

CLEAR=clear
open 3
quick() { fault "$@"; open 3; }
quick '{"fault":"clock-skew"}'
check "B1 a clock that cannot be set is seen" says "ok -63072000" time
quick '{"fault":"token-only"}'
check "B2 the token, where there is no challenge" says "ok Reh" identify
quick '{"fault":"token-only"}' '{"fault":"tight-window"}' '{"fault":"clock-skew"}'
check "B3 the token has the camera's time" says "ok Reh" identify
check "B3 for nothing" says "ok 0" failed
for s in 200 400 500; do
	quick '{"fault":"token-only"}' "{\"fault\":\"fault-status-$s\"}"
	check "B4 faults with status $s" says "ok Reh" identify
	check "B4 a wrong password is one, $s" says "ok no" login admin x
	quick "{\"fault\":\"fault-status-$s\"}"
	check "B4 with Digest, $s" says "ok Reh" identify
	check "B4 no such key, $s" says "fail camera.no-such" keywait k 1
done
post 3 reset '{}'
open 4
check "B5 SHA-256 is off" says "ok md5=1 sha256=0" sha256
check "B5 it goes on beside MD5" says ok sha256 on
check "B5 it is offered" says "ok md5=1 sha256=1" sha256
check "B5 and used" says "ok Reh" identify
check "B5 it goes off" says ok sha256 off
check "B5 it is not offered" says "ok md5=1 sha256=0" sha256
check "B5 MD5 is used" says "ok Reh" identify
check "B5 no login failed" says "ok 0" failed
ask discoverable off
quick '{"fault":"nonce-once"}'
ask identify
check "B5 a nonce is good once" says "ok Reh" identify
check "B5 and again" says "ok Reh" identify
quick '{"fault":"basic-digest"}'
check "B6 Digest, though Basic comes first" says "ok Reh" identify
check "B6 never Basic without TLS" equal "$(truth 3 .basic_seen)" 0
quick '{"fault":"no-getservices"}'
check "B7 without GetServices" row factory keys
for f in xaddr-odd-port xaddr-wrong-host xaddr-factory-ip; do
	quick "{\"fault\":\"$f\"}"
	check "B8 $f: the path counts" row factory keys
done
quick '{"fault":"no-serial"}' '{"fault":"no-hardware-id"}'
check "B9 no serial" says "ok Rehearsal Cameras|Default-1|1.4.2||" identify
quick '{"fault":"slow","value":7000,"operation":"GetUsers"}'
check "B10 slow" says "fail camera.timeout" users
for f in truncated huge malformed wrong-namespace; do
	quick "{\"fault\":\"$f\",\"operation\":\"GetUsers\"}"
	check "B11 $f" says "fail camera.malformed" users
	quick "{\"fault\":\"$f\",\"operation\":\"CreateUsers\"}"
	check "B11 $f of a change: nobody knows" says \
	    "fail camera.malformed -15" adduser x-$f Secret-12345 User
	quick
	check "B11 it was made" row "^x-$f User" users
	ask deluser "x-$f"
done
for o in GetUsers GetAllKeys GetAllCertificates GetAssignedServerCertificates \
    GetSystemDateAndTime GetDeviceInformation; do
	quick "{\"fault\":\"duplicate-elements\",\"operation\":\"$o\"}"
	case $o in
	GetUsers) o=users ;; GetAllKeys) o=keys ;; GetAllC*) o=certs ;;
	GetAss*) o=assigned ;; GetSys*) o="time" ;; *) o=identify ;;
	esac
	check "B11 twice what is there once: $o" grep -qE \
	    '^fail camera.(malformed|clock)' <<<"$(ask $o; echo "$ANSWER")"
done
quick '{"fault":"drop-before-answer","operation":"GetUsers","count":1}'
check "B12 a kept connection that drops: asked again" says ok users
quick '{"fault":"drop-before-answer","operation":"GetUsers"}'
check "B12 one that drops for good" says "fail camera.unreachable" users
quick '{"fault":"drop-after-change","operation":"CreateECCKeyPair","count":1}'
ask keys
before=$(wc -l <<<"$ROWS")
check "B13 a lost answer" says "fail camera.unreachable -15" mkkey p256 0 lost
ask keys
check "B13 is not asked for twice" equal "$(wc -l <<<"$ROWS")" $((before + 1))
quick '{"fault":"power-cut","operation":"CreateUsers","when":"after","value":300}'
check "B14 power fails after a change" says "fail camera.unreachable -15" \
    adduser dark Secret-12345 User
sleep 0.6
quick
check "B14 it was made" row "^dark User" users
quick '{"fault":"power-cut","operation":"GetUsers","value":300}'
check "B15 power fails" says "fail camera.unreachable" users
sleep 0.6
quick '{"fault":"key-stuck"}'
ask mkkey p256 0 stuck
check "B16 stuck" says "fail camera.key-stuck" keywait "$(second)" 1000
quick '{"fault":"key-corrupt"}'
ask mkkey p256 0 corrupt
check "B17 corrupt" says "fail camera.key-corrupt" keywait "$(second)" 9000
quick '{"fault":"keystore-full"}'
check "B18 full" says "fail camera.full" mkkey p256 0 more
check "B18 for certificates" says "fail camera.full" upload "$TMP/0.der" x no
post 3 reset '{}'
quick
ask upload "$TMP/ca.der" once no
one=$(second)
quick '{"fault":"duplicate"}'
check "B19 a duplicate is found by its content" says "ok $one" upload \
    "$TMP/ca.der" twice no
check "B19 and said to be" grep -q " was-there$" <<<"$ANSWER"
quick '{"fault":"symbols-rejected"}'
check "B20 symbols" says "fail camera.weak-password" setpass admin 'Abc#12345678'
check "B20 letters and digits" says ok adduser plain Abc123456789x User
quick
check "B21 too long" says "fail camera.weak-password" setpass plain \
    "$(printf 'Aa1-%.0s' {1..30})"
check "B22 nobody of that name" says "fail camera.no-such" setpass nobody \
    Secret-12345
check "B23 a name twice" says "fail camera.duplicate" adduser plain \
    Secret-12345 User
quick '{"fault":"fixed-user","user":"plain"}'
check "B24 built in" says "fail camera.fixed-user" deluser plain
quick '{"fault":"password-silently-ignored"}'
ask setpass plain Other-12345678
check "B25 ignored: the new one does not work" says "ok no" login plain \
    Other-12345678
quick '{"fault":"password-onvif-only"}'
ask setpass plain Third-12345678
check "B26 ONVIF has it" says "ok yes" login plain Third-12345678
check "B26 the page does not" says "ok no" login plain Third-12345678 /web/login
check "B26 the video does not" says "ok no" login plain Third-12345678 \
    "rtsp:$(fact 3 rtsp)/stream1"
post 3 reset '{}'
quick '{"fault":"basic-digest"}'
check "B28 Basic is offered, Digest taken" says "ok yes" login admin admin \
    "rtsp:$(fact 3 rtsp)/stream1"
check "B28 the password was never told" equal "$(truth 3 .basic_seen)" 0
check "B28 no such stream" says "fail camera.refused" login admin admin \
    "rtsp:$(fact 3 rtsp)/other"
check "B28 a port without RTSP" says "fail camera.malformed" login admin \
    admin "rtsp:$(fact 3 http)/stream1"
check "B28 nobody there" says "fail camera.unsupported" login admin admin \
    rtsp:1/stream1
check "B28 none of it was a failure" says "ok 0" failed
post 3 reset '{}'
quick '{"fault":"lock-after-5"}'
for _ in 1 2 3; do ask login admin wrong; done
check "B27 the budget" says "fail camera.budget" login admin admin
check "B27 keeps the account open" equal "$(truth 3 .failed)" 3
post 3 user '{"user":"late","password":"Secret-12345"}'
for _ in 1 2 3 4 5; do
	open 3
	ask login late wrong
	ask login late wrong
done
open 3
check "B28 a locked account does not log in" not says "ok yes" login late \
    Secret-12345
post 3 reset '{}'
quick '{"fault":"no-crl"}'
check "B29 no lists" says "fail camera." crl "$TMP/crl.der" x
check "B29 by its capabilities" grep -q "crls=0" <<<"$(ask caps; echo "$ANSWER")"
quick '{"fault":"crl-max-1"}'
ask crl "$TMP/crl.der" one
check "B30 one list" says "fail camera.full" crl "$TMP/crl.der" two
quick
check "B31 a certificate that is none" says "fail camera.refused" upload \
    "$TMP/crl.der" x no
ask upload "$TMP/ca.der" anchor no; ca=$(second)
ask mkpolicy camca "$ca"; policy=$(second)
check "B32 a policy" row "^$policy" policies
check "B32 assigned" says ok policy "$policy"
check "B32 it is" row "^$policy" policies assigned
ask mkpolicy camca-2 "$ca"; next=$(second)
check "B32 another takes its place" says ok policy "$next"
check "B32 it is the only one" equal "$(ask policies assigned; echo "${ROWS%?}")" \
    "$next"
ask policy "$policy"; ask rmpolicy "$next"
check "B32 client certificates" says ok clientauth on
check "B32 they are asked for" says "ok on" clientauth
check "B32 and not" says ok clientauth off
check "B32 none" says ok policy -
check "B32 none is" no_row "$policy" policies assigned
check "B32 it goes" says ok rmpolicy "$policy"
check "B34 the rules of passwords" says "ok min=" rule
check "B34 servers of time" says ok time 192.0.2.1 2001:db8::1 ntp.example
check "B34 they are asked" says "ok 0 ntp" time
check "B34 discovery" says "ok on" discoverable
check "B34 a path that is assigned stays" says "fail camera.in-use" \
    unassign "$(ask assigned; head -n 1 <<<"$ROWS")"
check "B34 a list goes" says ok rmcrl "$(ask crls; cut -d ' ' -f 1 <<<"$ROWS")"
check "B34 a certificate goes" says ok rmcert "$ca"
check "B34 it restarts" says ok reboot
# Camera 3 is just restarting; the others have been told to be silent.
seen() {
	ask discover 127.0.0.1 "$(jq -r .discovery "$TMP/fake.json")" 300
	grep -q ":$(fact 3 http)/onvif/device_service" <<<"$ROWS"
}
check "B35 one says that it is there" eventually seen
check "B35 those that shall be silent are" equal "$(wc -l <<<"${ROWS%?}")" 1
fault
exec {TO}>&-
wait "$DRIVER_PID"
check "B33 the driver ends well" equal "$?" 0

# ---- C: what was sent, by the official schema ----

MAKE=$TOP/../shared/tools/onvif-schema
if [ -x "$MAKE" ] && command -v xmllint >/dev/null; then
	"$MAKE" "$TMP/schema" >/dev/null
	find "$TMP/messages" -name '*-request.xml' -exec xmllint --nonet \
	    --noout --schema "$TMP/schema/all.xsd" {} + >"$TMP/valid" 2>&1
	check "C1 all requests are valid" equal \
	    "$(grep -v ' validates$' "$TMP/valid" | head -n 3)" ""
	check "C1 there were many" test "$(wc -l <"$TMP/valid")" -gt 300
fi
# Every operation that the driver knows has been sent.
grep -ohE '_CALL\($|_CALL\("[A-Za-z0-9]+"|^	    "[A-Z][A-Za-z0-9]+", (0|CALL)|"(CreateUsers|SetUser|CreateRSAKeyPair)",' \
    "$TOP"/enroll/onvif/*.c | grep -oE '"[A-Za-z0-9]+"' | tr -d '"' |
    sort -u >"$TMP/known"
find "$TMP/messages" -name '*-request.xml' |
    sed -E 's/.*-([A-Za-z0-9]+)-request.xml/\1/' | sort -u >"$TMP/sent"
check "C2 all that the driver can say was said" equal \
    "$(comm -23 "$TMP/known" "$TMP/sent")" ""
check "C2 it is as much as it should be" test "$(wc -l <"$TMP/known")" -ge 40
finish
