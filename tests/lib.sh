# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by the shell tests: an installation of its own in a temporary folder,
# on free ports, ended by process id when the test ends.
#
#   . "$(dirname "$0")/../lib.sh"
#   camca_init; camca_start            # state, CAs, both daemons
#   check "F5 media type is exact" grep -q ... file
#   finish
#
# Each check prints "ok NAME" or "not ok NAME"; finish exits 1 after a failure.
set -u

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) BIN=$BUILD ;; *) BIN=$TOP/$BUILD ;; esac
TMP=$(mktemp -d "${TMPDIR:-/tmp}/camca-test.XXXXXX")
chmod 711 "$TMP"
STATE=$TMP/state
export CAMCA_STATE=$STATE
export LC_ALL=C
# The system's programs, which scripts/setup knows, before others of their name.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
. "$TOP/tests/lib_kill.sh"
PIDS=()
FAILED=0
PASSED=0
# The same language; jq 1.6 takes ten times as long to start, and half of the
# processor time of some tests. What it prints has its keys in order.
if command -v gojq >/dev/null; then
	jq() { gojq "$@"; }
	export -f jq
fi

cleanup() {
	local p rc=$?
	for p in "${PIDS[@]:-}"; do
		[ -n "$p" ] && kill "$p" 2>/dev/null
	done
	for p in "${PIDS[@]:-}"; do
		[ -n "$p" ] && wait "$p" 2>/dev/null
	done
	# A daemon's report in a sanitizer build is a failure of the test.
	if grep -ahE -A 40 'Sanitizer: |runtime error: ' "$TMP"/*.log 2>/dev/null; then
		echo "not ok no sanitizer reports anything"
		rc=1
	fi
	[ -n "${KEEP:-}" ] || rm -rf "$TMP"
	exit "$rc"
}
trap cleanup EXIT

# preload LIB PROGRAM: sets PRELOAD to what env needs for PROGRAM to have LIB in
# front of it. A sanitizer's runtime comes first, or it sees less.
preload() {
	local san
	san=$(ldd "$2" | awk '/lib[at]san/ { print $3 }')
	# shellcheck disable=SC2034 # the caller's
	PRELOAD=("LD_PRELOAD=${san:+$san:}$1")
}

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$TMP/check.out" 2>&1; then
		PASSED=$((PASSED + 1))
		echo "ok $name"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $name"
		sed 's/^/    /' "$TMP/check.out" | tail -20
	fi
}

# The command must fail.
check_not() {
	local name=$1
	shift
	check "$name" not "$@"
}
not() { ! "$@"; }
equal() { # GOT WANTED
	[ "$1" = "$2" ] || { echo "got '$1', wanted '$2'"; return 1; }
}
eventually() { # COMMAND...: within 30 s, or $EVENTUALLY
	local _
	for _ in $(seq $((${EVENTUALLY:-30} * 10))); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
rss_kb() { # PID
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"
}
skip() { # REASON: the whole test
	echo "skipped: $*"
	exit 77
}
need() { # PROGRAM...
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null || skip "$p is not installed"
	done
}
finish() {
	echo "$PASSED checks held, $FAILED did not"
	[ "$FAILED" -eq 0 ]
	exit
}

# free_port: one that was free a moment ago, for what has to know it in advance.
free_port() {
	python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

camca() { "$BIN/camca" "$@"; }

# camca_init [options of camcad --init]
camca_init() {
	"$BIN/camcad" --state "$STATE" --init --organization "Test" \
	    --gate-name localhost --gate-name 127.0.0.1 \
	    --est-listen 127.0.0.1:0 --http-listen 127.0.0.1:0 \
	    --policies "$TOP/policies" "$@" 2>"$TMP/init.log" ||
	    { cat "$TMP/init.log" >&2; echo "not ok init"; exit 1; }
}

# start NAME COMMAND...: runs a daemon that takes --ready-fd and waits for it.
# Sets LAST_PID.
start() {
	local name=$1 line=
	shift
	rm -f "$TMP/$name.ready"
	mkfifo "$TMP/$name.ready"
	"$@" --ready-fd 9 9>"$TMP/$name.ready" 2>>"$TMP/$name.log" &
	LAST_PID=$!
	PIDS+=("$LAST_PID")
	read -r -t 30 line <"$TMP/$name.ready"
	[ "$line" = ready ] || { echo "not ok start $name" >&2
	    cat "$TMP/$name.log" >&2; return 1; }
}
start_authority() {
	start camcad "$BIN/camcad" --state "$STATE" "$@" || exit 1
	AUTHORITY_PID=$LAST_PID
}
start_gate() {
	start gate "$BIN/camca-gate" --state "$STATE" "$@" || exit 1
	GATE_PID=$LAST_PID
	EST_PORT=$(awk '$1 == "est" { print $2 }' "$STATE/gate/ports")
	HTTP_PORT=$(awk '$1 == "http" { print $2 }' "$STATE/gate/ports")
	EST=https://localhost:$EST_PORT/.well-known/est
	export AUTHORITY_PID GATE_PID EST_PORT HTTP_PORT EST
}
stop() { # PID [SIGNAL]: ends a daemon and waits for it; its exit status
	local p rc left=()
	kill -s "${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	rc=$?
	# Its number may be another process's soon.
	for p in "${PIDS[@]:-}"; do
		[ "$p" = "$1" ] || left+=("$p")
	done
	PIDS=("${left[@]:-}")
	return "$rc"
}
# Both daemons, and the root certificate as $TMP/root.pem.
camca_start() {
	start_authority
	start_gate
	curl -s --insecure "$EST/cacerts" | base64 -d -i 2>/dev/null >"$TMP/cacerts.p7"
	openssl pkcs7 -inform DER -in "$TMP/cacerts.p7" -print_certs \
	    -out "$TMP/cacerts.pem" 2>/dev/null
	camca ca certificate root >"$TMP/root.pem"
}

# device ID [SITE-LEVEL] [options of device add]: one device with a secret in
# $SECRET. Level 1 unless told otherwise; the site is made on the way.
device() {
	local id=$1 level=${2:-1}
	shift; [ $# -gt 0 ] && shift
	camca site add "site$level" --name "Site $level" --level "$level" \
	    >/dev/null 2>&1
	camca device add --id "$id" --manufacturer Acme --model M1 \
	    --serial "SN-$id" --site "site$level" "$@" >/dev/null || return 1
	SECRET=$(camca --json enroll secret "$id" | jq -r .secret)
}

# csr FILE [openssl req options]: P-256 key FILE.key and CSR FILE.der, FILE.b64
csr() {
	local f=$1
	shift
	[ -f "$f.key" ] || openssl ecparam -name prime256v1 -genkey -noout \
	    -out "$f.key" 2>/dev/null
	openssl req -new -key "$f.key" -subj "/CN=ignored" "$@" \
	    -outform DER -out "$f.der" 2>/dev/null || return 1
	base64 -w 76 "$f.der" >"$f.b64"
}

# est_post OP FILE [curl options]: posts FILE.b64; body in FILE.out, headers in
# FILE.head, prints the HTTP status.
est_post() {
	local op=$1 f=$2
	shift 2
	curl -s -o "$f.out" -D "$f.head" -w '%{http_code}' \
	    --cacert "$TMP/root.pem" -H 'Content-Type: application/pkcs10' \
	    --data-binary "@$f.b64" "$@" "$EST/$op"
}
# p7_cert FILE: FILE.out (base64 certs-only) to FILE.pem
p7_cert() {
	base64 -d -i "$1.out" | openssl pkcs7 -inform DER -print_certs \
	    2>/dev/null | openssl x509 -out "$1.pem" 2>/dev/null
}
# enroll ID FILE: enrolls device ID with $SECRET; certificate in FILE.pem
enroll() {
	csr "$2" && [ "$(est_post simpleenroll "$2" -u "$1:$SECRET")" = 200 ] &&
	    p7_cert "$2"
}
