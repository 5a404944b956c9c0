#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# EST addresses and methods: lines B1 to B10 (RFC 7030 3.2.2, 4).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl python3
est_init
camca_start
W=/.well-known/est
device cam-1
csr "$TMP/c"
ME=(-u "cam-1:$SECRET")
TYPE=application/pkcs10
enroll_at() { # PATH [curl options]
	local path=$1
	shift
	get "$TMP/c" "$path" "${ME[@]}" -H "Content-Type: $TYPE" \
	    --data-binary "@$TMP/c.b64" "$@"
}

# B1, B2: with and without a label.
for p in "$W" "$W/camera"; do
	check "B2 GET $p/cacerts" equal "$(get "$TMP/g" "$p/cacerts")" 200
	check "B2 GET $p/csrattrs" equal "$(get "$TMP/g" "$p/csrattrs")" 200
	check "B2 POST $p/simpleenroll" equal "$(enroll_at "$p/simpleenroll")" 200
done
p7_cert "$TMP/c"
cp "$TMP/c.pem" "$TMP/me.pem"
cp "$TMP/c.key" "$TMP/me.key"
MINE=(--cert "$TMP/me.pem" --key "$TMP/me.key")
renew_csr "$TMP/r" "$TMP/me"
check "B1 POST $W/simplereenroll" accepts simplereenroll "$TMP/r" "${MINE[@]}"
check "B2 POST $W/camera/simplereenroll" equal "$(get "$TMP/r" \
    "$W/camera/simplereenroll" "${MINE[@]}" --data-binary "@$TMP/r.b64" \
    -H 'Content-Type: application/pkcs10')" 200
check "B1 HEAD has the header of GET" equal \
    "$(get "$TMP/h" "$W/cacerts" -I; field Content-Length "$TMP/h")" \
    "200$(get "$TMP/g" "$W/cacerts" >/dev/null; field Content-Length "$TMP/g")"

# B3: a label that is an operation's name would make two meanings of one
# address; refused where labels are made, and never a route.
bad_label() { # LABEL: the policies are not taken over
	sed -i "s/^label:.*/label: $1/" "$STATE/policies/profiles/camera-strict.yaml"
	! camca policy check >"$TMP/policy" 2>&1 || return 1
	! camca policy reload >>"$TMP/policy" 2>&1 || return 1
	grep -qi label "$TMP/policy" || { cat "$TMP/policy"; return 1; }
}
cp "$STATE/policies/profiles/camera-strict.yaml" "$TMP/strict.yaml"
for l in cacerts csrattrs simpleenroll simplereenroll serverkeygen fullcmc; do
	check "B3 a label cannot be '$l'" bad_label "$l"
done
check "B3 nor have a slash" bad_label a/b
check "B3 nor a percent sign" bad_label 'a%2f'
check "B3 nor be '..'" bad_label '".."'
check "B3 nor that of another profile" bad_label camera
cp "$TMP/strict.yaml" "$STATE/policies/profiles/camera-strict.yaml"
check "B3 the old rules stay in force meanwhile" equal \
    "$(get "$TMP/g" "$W/strict/csrattrs")" 200
not_found() { answers 404 '.' "$TMP/g" get "$TMP/g" "$@"; }
check "B3 an operation's name is no label in an address" \
    not_found "$W/cacerts/cacerts"

# B4
check "B4 unknown label" not_found "$W/nowhere/cacerts"
check "B4 unknown label, enrolling" answers 404 nowhere "$TMP/c" \
    enroll_at "$W/nowhere/simpleenroll"
check "B4 unknown operation" not_found "$W/cacert"
check "B4 unknown operation of a label" not_found "$W/camera/simplenroll"
check "B4 no operation" not_found "$W/"
check "B4 no EST" not_found /
check "B4 a label whose CA does not exist here" not_found "$W/rsa/cacerts"

# B5
method() { # METHOD OPERATION ALLOW
	equal "$(get "$TMP/m" "$W/$2" -X "$1")" 405 && is_text "$TMP/m" &&
	    equal "$(field Allow "$TMP/m")" "$3"
}
for m in POST PUT DELETE OPTIONS PATCH; do
	check "B5 $m cacerts" method "$m" cacerts 'GET, HEAD'
	check "B5 $m csrattrs" method "$m" csrattrs 'GET, HEAD'
done
for m in GET PUT DELETE OPTIONS; do
	for o in simpleenroll simplereenroll serverkeygen fullcmc; do
		check "B5 $m $o" method "$m" "$o" POST
	done
done
check "B5 a method nobody knows" method BREW cacerts 'GET, HEAD'
check "B5 a body with GET is refused" equal "$(get "$TMP/m" "$W/cacerts" -X GET \
    --data-binary x)" 400

# B6
for o in serverkeygen fullcmc; do
	check "B6 $o is not offered" answers 501 "$o" "$TMP/m" get "$TMP/m" "$W/$o" \
	    -H 'Content-Type: application/pkcs10' --data-binary "@$TMP/c.b64"
	check "B6 nor is camera/$o" answers 501 "$o" "$TMP/m" get "$TMP/m" \
	    "$W/camera/$o" -H 'Content-Type: application/pkcs10' \
	    --data-binary "@$TMP/c.b64"
done

# B7: one address, one spelling.
LONG=$(printf 'a%.0s' $(seq 300))
for p in '/.well-known/est/%63acerts' '/.well-known/est/cacerts/' \
    '/.well-known/est//cacerts' '//.well-known/est/cacerts' \
    '/.well-known/est/./cacerts' '/.well-known/est/camera/../cacerts' \
    '/.well-known/est/camera/%2e%2e/cacerts' '/x/../.well-known/est/cacerts' \
    '/.well-known/est/CACERTS' '/.Well-Known/est/cacerts' \
    '/.well-known/est/camera%2fcacerts' '/.well-known/est/camera//cacerts' \
    '/.well-known/est/camera/camera/cacerts' '/.well-known/est/cacerts%00' \
    '/.well-known/est/camera%00x/cacerts' '/.well-known/est/Camera/cacerts' \
    '/.well-known/est/cacerts;x' '/.well-known/est\cacerts' \
    "/.well-known/est/$LONG/cacerts" "/.well-known/est/cacerts$LONG"; do
	check "B7 ${p:0:48}" not_found "$p"
done
raw() { # REQUEST (printf format): status of the answer to these bytes
	printf "$1" | timeout 20 openssl s_client -quiet -connect \
	    "localhost:$EST_PORT" -CAfile "$TMP/root.pem" 2>/dev/null |
	    head -1 | cut -d' ' -f2
}
# Where the server closes with bytes of it unread, the answer may be lost.
long_target() {
	get "$TMP/g" "$W/$(head -c 60000 /dev/zero | tr '\0' a)" | grep -xE '414|000'
}
check "B7 a target of 60,000 bytes" long_target
absolute() { # SCHEME AUTHORITY
	raw "GET $1://$2$W/cacerts HTTP/1.1\r\nHost: $2\r\nConnection: close\r\n\r\n"
}
check "B7 the absolute form (RFC 9112 3.2.2)" equal "$(absolute https localhost)" 200
check "B7 but not of another scheme" equal "$(absolute http localhost)" 404

# B8
framing() { # FILE: of the last answer
	[ -n "$(field Content-Length "$1")" ] &&
	    [ -z "$(field Transfer-Encoding "$1")" ] &&
	    equal "$(wc -c <"$1.out")" "$(field Content-Length "$1")" &&
	    [ "$(wc -c <"$1.head")" -lt 1024 ] && [ "$(wc -l <"$1.head")" -le 16 ]
}
framed() { # PATH [curl options]
	get "$TMP/f" "$@" >/dev/null
	framing "$TMP/f"
}
check "B8 cacerts has a length, few and short fields" framed "$W/cacerts"
check "B8 csrattrs too" framed "$W/csrattrs"
enroll_at "$W/simpleenroll" >/dev/null
check "B8 simpleenroll too" framing "$TMP/c"
check "B8 404 too" framed "$W/none"
check "B8 405 too" framed "$W/cacerts" -X POST
check "B8 401 too" framed "$W/simpleenroll" --data-binary "@$TMP/c.b64" \
    -H 'Content-Type: application/pkcs10'
check "B8 also for HTTP/1.0" framed "$W/cacerts" --http1.0
U=https://localhost:$EST_PORT$W
kept_alive() { # [curl options]: handshakes that two requests need
	curl -s -o /dev/null -o /dev/null -w '%{num_connects}\n' \
	    --cacert "$TMP/root.pem" "$@" "$U/cacerts" "$U/csrattrs" |
	    awk '{ n += $1 } END { print n }'
}
check "B8 connections are kept" equal "$(kept_alive)" 1
check "B8 closed on request" equal "$(kept_alive -H 'Connection: close')" 2

# B9
no_redirect() {
	local p
	for p in "$W/simpleenroll/" "$W/camera/simpleenroll" "$W/x/simpleenroll" \
	    "$W/simpleenroll?x=1" "$W//simpleenroll"; do
		case $(enroll_at "$p") in
		3*) echo "$p"; return 1 ;;
		esac
	done
}
check "B9 no redirection of a POST" no_redirect

# B10: curl and BouncyCastle ask first whether to send.
expects() { # PATH [curl options]: the interim and the final status
	enroll_at "$@" -H 'Expect: 100-continue' >/dev/null
	grep -aoE '^HTTP/1.1 [0-9]+' "$TMP/c.head" | cut -d' ' -f2 | paste -sd' '
}
check "B10 Expect: 100-continue is honoured" equal \
    "$(expects "$W/simpleenroll")" '100 200'
check "B10 a refusal comes before the body" equal \
    "$(TYPE=text/plain; expects "$W/simpleenroll")" 415
check "B10 an unknown expectation" equal "$(get "$TMP/g" "$W/cacerts" \
    -H 'Expect: the-unexpected')" 200
finish
