# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the conformance tests of EST, on top of lib.sh: requests that must be
# refused, events that must be there, policies with a changed line.

# est_init [options of camcad --init]: an installation whose gate does not
# throttle logins: a test is one address that guesses wrong very often.
est_init() {
	camca_init "$@"
	est_throttle 1000000
}
est_throttle() { # FAILURES-A-MINUTE
	sed -i -e '/failures_per_minute/d' \
	    -e "s/^gate:/gate:\n  failures_per_minute: $1/" "$STATE/camca.yaml"
}

# policies: a copy of the policies to be changed in $POLICIES.
policies() {
	POLICIES=$TMP/policies
	cp -R "$TOP/policies" "$POLICIES"
}
# profile NAME FROM SED-SCRIPT...: profile NAME, which is FROM with its label
# called NAME, no default, and changed by the scripts.
profile() {
	local name=$1 from=$2 s
	shift 2
	sed -e "s/^label:.*/label: $name/" -e '/^default:/d' \
	    "$POLICIES/profiles/$from.yaml" >"$POLICIES/profiles/$name.yaml"
	for s in "$@"; do
		sed -i -e "$s" "$POLICIES/profiles/$name.yaml"
	done
}

# get FILE PATH [curl options]: body to FILE.out, header to FILE.head, prints
# the HTTP status (000: none).
get() {
	local f=$1 path=$2
	shift 2
	curl -s -o "$f.out" -D "$f.head" -w '%{http_code}' --path-as-is \
	    --cacert "$TMP/root.pem" "$@" "https://localhost:$EST_PORT$path"
}
# field NAME FILE: value of a header field in FILE.head, of the last answer.
field() {
	tr -d '\r' <"$2.head" | awk -v n="$(echo "$1" | tr A-Z a-z)" -F': ' \
	    '/^HTTP/ { v = "" } tolower($1) == n { v = substr($0, length($1) + 3) }
	    END { print v }'
}
# is_text FILE: the answer is one clear sentence, with nothing of our insides.
is_text() {
	equal "$(field Content-Type "$1")" 'text/plain; charset=utf-8' &&
	    [ "$(wc -l <"$1.out")" -eq 1 ] && [ "$(wc -c <"$1.out")" -gt 20 ] &&
	    ! grep -qE '\.c:|0x[0-9a-f]{6}|sqlite|CKR_|/state/' "$1.out"
}
# answers STATUS WORDS FILE COMMAND...: COMMAND prints STATUS and leaves in
# FILE.out a text with WORDS (a regular expression).
answers() {
	local want=$1 words=$2 f=$3
	shift 3
	equal "$("$@")" "$want" || { cat "$f.out"; return 1; }
	is_text "$f" && grep -E -- "$words" "$f.out" ||
	    { cat "$f.head" "$f.out"; return 1; }
}
# refuses STATUS WORDS OP FILE [curl options]: est_post is refused like that.
refuses() {
	local want=$1 words=$2 op=$3 f=$4
	shift 4
	answers "$want" "$words" "$f" est_post "$op" "$f" "$@"
}
# accepts OP FILE [curl options]: 200, and the certificate lies in FILE.pem.
accepts() {
	local f=$2
	equal "$(est_post "$@")" 200 || { cat "$f.out"; return 1; }
	p7_cert "$f"
}

# renew_csr FILE FROM [openssl req options]: CSR FILE with the names of the
# certificate FROM.pem and the key FROM.key.
renew_csr() {
	local f=$1 from=$2 san
	shift 2
	[ -f "$f.key" ] || cp "$from.key" "$f.key"
	san=$(openssl x509 -in "$from.pem" -noout -ext subjectAltName \
	    2>/dev/null | sed -n '2s/^ *//p' | tr -d ' ')
	csr "$f" -subj "$(openssl x509 -in "$from.pem" -noout -subject \
	    -nameopt compat | sed 's/^subject=//')" \
	    ${san:+-addext "subjectAltName=$san"} "$@"
}
# challenge_csr FILE VALUE [CN]: with this challengePassword. Not by csr(): its
# -subj makes openssl req leave the attributes of the settings out.
challenge_csr() {
	[ -f "$1.key" ] || openssl ecparam -name prime256v1 -genkey -noout \
	    -out "$1.key" 2>/dev/null
	printf '%s\n' '[req]' distinguished_name=d attributes=a prompt=no \
	    '[d]' "CN=${3:-ignored}" '[a]' "challengePassword=$2" |
	    openssl req -new -key "$1.key" -config /dev/stdin -outform DER \
	    -out "$1.der" && base64 -w 76 "$1.der" >"$1.b64"
}
serial_of() { # PEM: serial number, lower case
	openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-Z a-z
}

# Every event, one JSON object a line: those of a device, or all.
events() {
	camca --json event list --limit 100000 ${1:+--device "$1"} |
	    jq -c '.items[]'
}
# event_has WORDS [DEVICE]: an event whose text has WORDS. What the gate
# reports arrives a little later: waits for it.
event_has() {
	eventually event_there "$@"
}
event_there() {
	events "${2:-}" | jq -r .body | tr '\n' ' ' | grep -qE -- "$1"
}

# restart_authority [OFFSET]: the same state; the wall clock moved by OFFSET
# ("+10m", "-2h").
restart_authority() {
	local program=("$BIN/camcad")
	stop "$AUTHORITY_PID"
	if [ -n "${1:-}" ]; then
		preload "$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 | head -1)" \
		    "$BIN/camcad"
		program=(env "${PRELOAD[@]}" "FAKETIME=$1"
		    FAKETIME_DONT_FAKE_MONOTONIC=1 "$BIN/camcad")
	fi
	start camcad "${program[@]}" --state "$STATE" || exit 1
	AUTHORITY_PID=$LAST_PID
	eventually gate_reaches_authority
}
gate_reaches_authority() {
	curl -s --cacert "$TMP/root.pem" "$EST/cacerts" >"$TMP/reach" &&
	    ! grep -q 'cannot be reached' "$TMP/reach"
}
