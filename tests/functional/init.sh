#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ceremony with mistakes on its command line: what was wrong is said, and
# the corrected command works or says where the mistake stays.
. "$(dirname "$0")/../lib.sh"

init() { # options: the ceremony in $STATE
	"$BIN/camcad" --state "$STATE" --init --est-listen 127.0.0.1:0 \
	    --http-listen 127.0.0.1:0 --policies "$TOP/policies" "$@"
}
# refused CODE WORDS options
refused() {
	local code=$1 words=$2 rc
	shift 2
	init "$@" >"$TMP/said" 2>&1
	rc=$?
	cat "$TMP/said"
	[ $rc -eq "$code" ] && grep -q -- "$words" "$TMP/said"
}

LONG=$(printf 'đ%.0s' $(seq 65))
check "a name that would be cut short is refused" refused 2 \
    'the organization has more than 128 bytes' --organization "$LONG"
check "so is one of the gate" refused 2 'a name of the gate has more than' \
    --organization x --gate-name "$(printf 'a%.0s' $(seq 300))"
check_not "and nothing is made" test -e "$STATE"
check "a bad name of the gate" refused 1 'not a DNS name' \
    --organization x --gate-name 'bad name!'
check_not "leaves no settings behind" test -e "$STATE/camca.yaml"
check "a module that is not there" refused 1 "settings are those of $STATE/camca.yaml;" \
    --organization x --module /nonexistent.so
check "the corrected command says where the old one is" refused 1 \
    "camca.yaml, which was there before" --organization x
rm "$STATE/camca.yaml"
check "then it works" init --organization "Công ty 'Ví dụ' 📷"
check "once" refused 1 'init.done' --organization x
check_not "without advice to mend" grep -q 'mend' "$TMP/said"
said_json() { # CODE JQ-FILTER options: camca --json init
	local code=$1 filter=$2 rc
	shift 2
	camca --json init --policies "$TOP/policies" "$@" >"$TMP/json" 2>/dev/null
	rc=$?
	cat "$TMP/json"
	[ $rc -eq "$code" ] && jq -e "$filter" "$TMP/json"
}
need jq
check "camca --json init tells a refusal as JSON" said_json 1 \
    '.error.code == "init.done" and .error.http == 409' --organization x
STATE=$TMP/other
export CAMCA_STATE=$STATE
check "and that it is done" said_json 0 '.state == "'"$STATE"'"' \
    --organization x
finish
