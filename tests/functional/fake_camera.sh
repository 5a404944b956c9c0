#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The fake camera is as strict as the standard, as faulty as told, and what it
# says is valid against the official schema where that lies beside the checkout.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_camera.sh"
need curl jq python3 openssl
export PYTHONDONTWRITEBYTECODE=1

# Runs cases that print "ok" or "not ok" for each and counts them.
cases() { # SCRIPT READY-FILE
	local rc
	python3 "$TOP/tests/tools/$1" "$2" >"$TMP/$1.out" 2>&1
	rc=$?
	grep -E '^(ok|not ok) ' "$TMP/$1.out"
	[ "$rc" -eq 0 ] || sed 's/^/    /' "$TMP/$1.out" | grep -v '^    ok '
	PASSED=$((PASSED + $(grep -c '^ok ' "$TMP/$1.out")))
	FAILED=$((FAILED + $(grep -c '^not ok ' "$TMP/$1.out")))
	check "$1 ran to its end" equal "$rc" 0
}

# What was taken and what was answered. A request that was wrong on purpose has
# a fault beside it, no response.
valid() { # DIR: prints those that are not
	local f files=()
	for f in "$1"/*-response.xml; do
		files+=("$f" "${f%-response.xml}-request.xml")
	done
	xmllint --nonet --noout --schema "$TMP/schema/all.xsd" "${files[@]}" \
	    >"$TMP/xmllint.out" 2>&1 && return
	grep -v ' validates$' "$TMP/xmllint.out"
	return 1
}
# What the program's faults may look like: SOAP 1.2 with a chain of ter: codes.
faults_formed() { # DIR
	local f
	for f in "$1"/*-fault.xml; do
		grep -qE '<env:Code><env:Value>env:((Sender|Receiver)</env:Value><env:Subcode><env:Value>ter:[A-Za-z]+|MustUnderstand)</env:Value>' \
		    "$f" || { echo "$f"; return 1; }
	done
}
operations() { # DIR: those that were answered
	for f in "$1"/*-response.xml; do
		f=$(basename "$f" -response.xml)
		echo "${f#*-}"
	done | sort -u
}
operations_known() {
	sed -nE 's/^\t\{ "([A-Za-z0-9]+)", ACC.*/\1/p' \
	    "$TOP"/tests/fake-camera/{device,security}.c | sort -u
}

cameras strict -n 5 --persona default,modern,rsa4,lateclock,md5first \
    --discovery-port 0 --messages "$TMP/messages" || exit 1
PID=$LAST_PID
cases camera_cases.py "$CAMERA_JSON"
check "it ends by SIGTERM" stop "$PID" TERM

check "all operations were called" equal \
    "$(operations_known | comm -23 - <(operations "$TMP/messages"))" ""
if [ -x "$TOP/../shared/tools/onvif-schema" ] && command -v xmllint >/dev/null
then
	python3 "$TOP/../shared/tools/onvif-schema" "$TMP/schema" >/dev/null
	check "requests taken and responses are valid against the schema" \
	    valid "$TMP/messages"
	sed -i 's/<tds:Model>.*<\/tds:Model>//' \
	    "$TMP"/messages/*-GetDeviceInformation-response.xml
	check_not "the schema sees what is missing" valid "$TMP/messages"
else
	echo "no schema beside the checkout, or no xmllint: not validated"
fi
check "faults are SOAP 1.2 with codes of ter:" faults_formed "$TMP/messages"

cameras faulty -n 3 --persona default,modern,md5first || exit 1
cases camera_faults.py "$CAMERA_JSON"
check "messages are kept" test "$(camera_get /cameras/0/messages |
    jq length)" -gt 10
check "no such camera" equal "$(camera_post /cameras/7/clear '{}')" 404
check "no such address" equal "$(camera_post /nothing '{}')" 404
check "not JSON" equal "$(camera_post /cameras/0/fault '{')" 400
stop "$LAST_PID"

# A fleet starts in seconds and stays small.
SECONDS=0
cameras fleet -n 1000 --persona modern,default --key-pool 50 || exit 1
check "1,000 cameras start in seconds" test "$SECONDS" -le 20
check "each has ports of its own" equal "$(jq '[.cameras[] | .http, .https] |
    unique | length' "$CAMERA_JSON")" 2000
case $(nm "$BIN/camca-fake-camera" 2>/dev/null) in
*__asan_init*|*__tsan_init*) ;;
*) check "in 200 MB at the most" test "$(rss_kb "$LAST_PID")" -lt 204800 ;;
esac
check "the last one answers" equal "$(curl -s -o /dev/null -w '%{http_code}' \
    "http://127.0.0.1:$(camera_port 999 http)/web/login")" 401
check "a fault for all of them" equal \
    "$(camera_post /cameras/all/fault '{"fault":"slow","value":1}')" 200
check "is on in the last" equal \
    "$(camera_get /cameras/999 | jq .faults.slow.on)" true
stop "$LAST_PID"

# What starts it keeps it alive: with its end it ends too.
mkfifo "$TMP/in"
"$BIN/camca-fake-camera" --with-stdin <"$TMP/in" >"$TMP/stdin.json" \
    2>"$TMP/stdin.log" &
PID=$!
PIDS+=("$PID")
exec 7>"$TMP/in"
check "it is up" eventually test -s "$TMP/stdin.json"
exec 7>&-
check "and ends with its input" eventually not kill -0 "$PID" 2>/dev/null
check "no such persona" equal "$("$BIN/camca-fake-camera" --persona x \
    >/dev/null 2>&1; echo $?)" 1
check "the catalogue in words" equal \
    "$("$BIN/camca-fake-camera" --faults | wc -l)" \
    "$(grep -c '^	X(' "$TOP/tests/fake-camera/fault_names.h")"
finish
