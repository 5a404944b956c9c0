#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mistakes in policy.tlog and in what names the TSAs: each is told in words that
# name the line or the file, at the start and by camca doctor, and no camera
# waits for it.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_tsa.sh"
need jq openssl sqlite3 python3 curl
python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography"

camca_init
mkdir -p "$STATE/policies/custody"
POLICY=$STATE/policies/custody/policy.tlog
camca_start
check "all is signed" cu_signed
LOG="log $(cu_call custody.key | jq -r '.keys[0]')"
vkey() { # NAME: a witness's key of that name
	python3 - "$1" <<'P'
import base64, hashlib, os, sys
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives import serialization as s
raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(
    s.Encoding.Raw, s.PublicFormat.Raw)
name = sys.argv[1]
kid = hashlib.sha256(name.encode() + b"\n\x04" + raw).digest()[:4].hex()
print("%s+%s+%s" % (name, kid, base64.b64encode(b"\x04" + raw).decode()))
P
}
W1=$(vkey w.example/1) W2=$(vkey w.example/2) W1_AGAIN=$(vkey w.example/1)
TO=http://127.0.0.1:1
n=0
# told NAME WORDS LINES...: a policy of these lines; what reload, doctor and a
# start say of it has the words, and a camera is served.
told() {
	local name=$1 words=$2
	shift 2
	rm -rf "$POLICY"
	printf '%s\n' "$@" >"$POLICY"
	all_say "$name" "$words"
}
all_say() { # NAME WORDS
	n=$((n + 1))
	check "$1: reload" reload_says "$2"
	check "$1: doctor" cu_doctor warning anchors "$2"
	stop "$AUTHORITY_PID"
	: >"$TMP/camcad.log"
	start_authority
	check "$1: at the start" grep "error: custody: .*$2" "$TMP/camcad.log"
	check "$1: doctor after a start" cu_doctor warning anchors "$2"
	device "cam-$n"
	check "$1: a camera enrolls" eventually enroll "cam-$n" "$TMP/cam-$n"
	check "$1: and the log is signed" cu_signed
}
reload_says() { # WORDS
	camca policy reload >"$TMP/said" 2>&1 && return 1
	cat "$TMP/said"
	grep -q "$1" "$TMP/said"
}

told "a scheme that is none" 'w.example/1 cannot be asked: its URL' "$LOG" \
    "witness one $W1 ftp://w.example/" "quorum one"
told "two witnesses of one name" 'line 3: the name is defined already' "$LOG" \
    "witness one $W1 $TO" "witness one $W2 $TO" "quorum one"
told "two keys of one name" 'w.example/1 .*another' "$LOG" \
    "witness one $W1 $TO" "witness two $W1_AGAIN $TO" \
    "group g any one two" "quorum g"
told "one key twice" 'line 3: the key is listed twice' "$LOG" \
    "witness one $W1 $TO" "witness two $W1 $TO" "quorum one"
told "a word that is none" 'line 2: ' "$LOG" "witnesses one $W1 $TO" "quorum none"
told "no quorum" 'quorum' "$LOG" "witness one $W1 $TO"
told "two of them" 'line 3: ' "$LOG" "quorum none" "quorum none"
told "a quorum of nobody" 'line 3: ' "$LOG" "witness one $W1 $TO" "quorum two"
told "a key that is cut" 'line 2: ' "$LOG" "witness one ${W1%????} $TO" "quorum one"
told "bytes that are no text" 'line 1: ' $'log \x01' "quorum none"
rm -f "$POLICY"
mkdir "$POLICY"
all_say "a folder in its place" 'policy.tlog cannot be read'
rm -rf "$POLICY"
: >"$POLICY"
all_say "an empty file" 'quorum'
printf '%s\n' "log $(sed 's/^log //' <<<"$LOG" | sed 's/^localhost/elsewhere/')" \
    "quorum none" >"$POLICY"
all_say "the key of a log of another name" 'policy'
rm -f "$POLICY"
check "without it all is well" camca policy reload

# ---- TSAs ----
tsas() { sed -i "s|^  tsa: .*|  tsa: $1|" "$STATE/camca.yaml"; }
no_start() { # WORDS
	timeout 20 "$BIN/camcad" --state "$STATE" 2>"$TMP/said" && return 1
	cat "$TMP/said"
	grep -q "camca.yaml:[0-9]*: .*$1" "$TMP/said"
}
stop "$AUTHORITY_PID"
tsas '["one ftp://tsa.example/"]'
check "a TSA with another scheme: camcad names the line" no_start 'not "NAME URL" with http or https'
tsas '["one"]'
check "a TSA without a URL" no_start 'not "NAME URL"'
tsas "[\"one $TO/\", \"one $TO/2\"]"
check "two TSAs of one name" no_start 'a TSA of this name stands above'
tsas "[\"../one $TO/\"]"
check "a TSA whose name is a path" no_start 'not "NAME URL"'
tsas '[]'
sed -i 's/^custody:/custody:\n  witnesses: 3/' "$STATE/camca.yaml"
check "an unknown key" no_start 'witnesses'
sed -i '/^  witnesses: 3/d' "$STATE/camca.yaml"
tsas "[\"one $TO/\"]"
start_authority
all_say "a TSA without its trust" 'TSA one is not asked: .*one.pem'
echo rubbish >"$STATE/policies/custody/one.pem"
all_say "a TSA whose trust is no certificate" 'TSA one is not asked: '

# ---- the courier ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$TMP/root.key" -out "$STATE/policies/custody/one.pem" -days 30 \
    -subj "/CN=root" 2>/dev/null
stop "$AUTHORITY_PID"
check "somebody listens" tsa_start
tsas "[\"one https${TSA#http}/\"]"
sed -i '/^  ca_file: /d; s|^custody:|custody:\n  ca_file: "/nonexistent/ca.pem"|' \
    "$STATE/camca.yaml"
start_authority
start anchor "$BIN/camca-anchor" --state "$STATE"
failing() { cu_doctor warning 'tsa one' '/nonexistent/ca.pem'; }
check "a CA file for https that is missing is named by doctor" eventually failing
check "and the log is signed" cu_signed
finish
