#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bodies on the wire: lines C1 to C7 (RFC 8951 section 3).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl python3
policies
profile bare camera-ec 's/cte_header: true/cte_header: false/'
profile wrapped camera-ec 's/base64: auto/base64: wrap/'
profile flat camera-ec 's/base64: auto/base64: flat/'
est_init --policies "$POLICIES"
camca_start
device cam-1
LOGIN=(-u "cam-1:$SECRET")
csr "$TMP/c"
DER=$TMP/c.der
# send FILE [curl options]: the bytes of FILE as the body
send() {
	cp "$1" "$TMP/c.b64"
	shift
	est_post simpleenroll "$TMP/c" "${LOGIN[@]}" "$@"
}
base64 -w 64 "$DER" >"$TMP/b64"
check "C2 lines of 64 columns" equal "$(send "$TMP/b64")" 200
cp "$TMP/c.out" "$TMP/first"
# The same request gets the same certificate, so every spelling of it must.
same() { equal "$(send "$@")" 200 && cmp "$TMP/c.out" "$TMP/first"; }

# C1: the header field means nothing.
for v in base64 binary 8bit 7bit quoted-printable junk ''; do
	check "C1 Content-Transfer-Encoding: ${v:-(empty)}" same "$TMP/b64" \
	    -H "Content-Transfer-Encoding:${v:+ }${v:-;}"
done
check "C1 it does not make raw DER welcome" equal \
    "$(send "$DER" -H 'Content-Transfer-Encoding: binary')" 400

# C2
base64 -w 76 "$DER" >"$TMP/v76"
base64 -w 0 "$DER" >"$TMP/flat"
printf '%s\n' "$(cat "$TMP/flat")" >"$TMP/flat-lf"
sed 's/$/\r/' "$TMP/v76" >"$TMP/crlf"
head -c -1 "$TMP/v76" >"$TMP/no-final-lf"
tr '\n' '\r' <"$TMP/v76" >"$TMP/cr"
sed 's/\(.\)/\1 \t/g' "$TMP/v76" >"$TMP/blanks"
{ printf '\r\n\n \t'; cat "$TMP/v76"; printf '\n \r\n\t'; } >"$TMP/around"
base64 -w 1 "$DER" >"$TMP/one-a-line"
for v in v76 flat flat-lf crlf no-final-lf cr blanks around one-a-line; do
	check "C2 $v" same "$TMP/$v"
done
# One line of 8 KB, by a request that is as large for a reason.
csr "$TMP/big" -addext "1.3.6.1.4.1.55555.1=DER:04821800$(printf '00%.0s' $(seq 6144))"
base64 -w 0 "$TMP/big.der" >"$TMP/big.b64"
device cam-2
check "C2 one line of 8 KB" accepts simpleenroll "$TMP/big" -u "cam-2:$SECRET"

# C3: our policy.
openssl req -inform DER -in "$DER" -out "$TMP/pem"
sed 's/CERTIFICATE REQUEST/NEW CERTIFICATE REQUEST/' "$TMP/pem" >"$TMP/new"
check "C3 PEM armour is taken" same "$TMP/pem"
check "C3 the old armour too" same "$TMP/new"
bad() { # NAME WORDS: the file $TMP/NAME is no body
	answers 400 "$2" "$TMP/c" send "$TMP/$1"
}
cp "$DER" "$TMP/raw"
check "C3 raw DER is refused, and said to be that" bad raw 'raw DER'
cat "$TMP/pem" "$TMP/pem" >"$TMP/twice"
check "C3 two PEM blocks" bad twice 'not base64'
sed 's/CERTIFICATE REQUEST/CERTIFICATE/' "$TMP/pem" >"$TMP/other"
check "C3 PEM of something else" bad other 'PEM'
{ cat "$TMP/pem"; echo more; } >"$TMP/after"
check "C3 text after the PEM block" bad after '.'

# C4
sed 's/^\(...\)./\1!/' "$TMP/v76" >"$TMP/alphabet"
tr '+/' '-_' <"$TMP/flat" | sed 's/^\(....\)./\1_/' >"$TMP/url"
# One or two signs where there should be two, one or none.
case $(cat "$TMP/flat") in
*[!=]=) sed 's/$/=/' "$TMP/flat" ;;
*) sed 's/=*$/=/' "$TMP/flat" ;;
esac >"$TMP/wrong-pad"
printf '%s====' "$(tr -d = <"$TMP/flat")" >"$TMP/pads"
printf 'AAAA%s' "$(cat "$TMP/flat")" >"$TMP/before"
{ cat "$DER"; printf x; } | base64 -w 0 >"$TMP/trailing"
{ cat "$DER" "$DER"; } | base64 -w 0 >"$TMP/two"
{ cat "$TMP/flat"; printf '\n.'; } >"$TMP/dot"
{ head -c 40 "$TMP/flat"; printf '\0'; tail -c +42 "$TMP/flat"; } >"$TMP/nul"
sed 's/^./\xc3\xa9/' "$TMP/flat" >"$TMP/utf8"
: >"$TMP/empty"
printf ' \r\n\t' >"$TMP/blank"
head -c 100 "$DER" | base64 >"$TMP/cut"
printf 'hello world ' | base64 >"$TMP/text"
for v in alphabet url wrong-pad pads before dot nul utf8; do
	check "C4 not base64: $v" bad "$v" 'base64|DER'
done
check "C4 bytes after the object" bad trailing '1 bytes follow'
check "C4 two objects" bad two 'follow'
check "C4 a cut object" bad cut 'ends before'
check "C4 no body" bad empty 'no body'
check "C4 a body of blanks" bad blank 'no body'
check "C4 something else" bad text 'DER'
check "C4 after all that the request is still good" same "$TMP/b64"

# C5, C6: what we send. base64(1) reads every layout; openssl base64 -d wants
# lines, -d -A none; Python's decoder drops what is not of the alphabet.
layout() { # FILE: "wrap" or "flat"
	[ "$(tail -c 1 "$1.out" | od -An -tx1)" = ' 0a' ] || { echo no-final-lf; return; }
	if [ "$(wc -l <"$1.out")" -eq 1 ]; then
		echo flat
	elif [ "$(awk '{ print length($0) }' "$1.out" | sort -rn | head -1)" = 64 ]; then
		echo wrap
	fi
}
decodes() { # FILE
	local how=()
	[ "$(layout "$1")" = wrap ] || how=(-A)
	base64 -d "$1.out" >"$TMP/d1" && openssl base64 -d "${how[@]}" -in "$1.out" \
	    >"$TMP/d2" && python3 -c 'import base64, sys
sys.stdout.buffer.write(base64.b64decode(sys.stdin.read()))' <"$1.out" >"$TMP/d3" &&
	    cmp "$TMP/d1" "$TMP/d2" && cmp "$TMP/d1" "$TMP/d3" &&
	    openssl pkcs7 -inform DER -in "$TMP/d1" -noout
}
W=/.well-known/est
sent() { # NAME LAYOUT STATUS FILE: an answer of this layout came
	check "C5 $1 is answered" equal "$3" 200
	check "C5 $1 has layout $2" equal "$(layout "$4")" "$2"
	check "C5 $1 decodes everywhere" decodes "$4"
	check "C6 $1 says base64" equal \
	    "$(field Content-Transfer-Encoding "$4")" base64
}
for l in auto wrapped flat; do
	case $l in
	auto) at='' usual=wrap bare=flat ;;
	wrapped) at=wrapped/ usual=wrap bare=wrap ;;
	flat) at=flat/ usual=flat bare=flat ;;
	esac
	device "cam-$l"
	csr "$TMP/$l"
	# Without User-Agent and Accept: strongSwan, which keeps line feeds.
	BARE=(-H 'User-Agent:' -H 'Accept:')
	sent "$l: cacerts" $usual "$(get "$TMP/g" "$W/${at}cacerts")" "$TMP/g"
	sent "$l: cacerts, bare" $bare \
	    "$(get "$TMP/g" "$W/${at}cacerts" "${BARE[@]}")" "$TMP/g"
	sent "$l: simpleenroll" $usual "$(est_post "${at}simpleenroll" "$TMP/$l" \
	    -u "cam-$l:$SECRET")" "$TMP/$l"
	sent "$l: simpleenroll, bare" $bare "$(est_post "${at}simpleenroll" \
	    "$TMP/$l" -u "cam-$l:$SECRET" "${BARE[@]}")" "$TMP/$l"
done
check "C6 off by profile: cacerts" equal "$(get "$TMP/c" "$W/bare/cacerts")$(field \
    Content-Transfer-Encoding "$TMP/c")" 200
check "C6 off by profile: csrattrs" equal "$(get "$TMP/c" "$W/bare/csrattrs")$(field \
    Content-Transfer-Encoding "$TMP/c")" 200
device cam-bare
csr "$TMP/bare"
check "C6 off by profile: simpleenroll" equal "$(est_post bare/simpleenroll \
    "$TMP/bare" -u "cam-bare:$SECRET")$(field Content-Transfer-Encoding \
    "$TMP/bare")" 200
check "C6 a refusal has none" equal "$(est_post simpleenroll \
    "$TMP/bare")$(field Content-Transfer-Encoding "$TMP/bare")" 401

# C7: 64 KiB.
body() { head -c "$1" /dev/zero | tr '\0' A >"$TMP/body"; }
body 65536
check "C7 64 KiB is read" bad body 'DER'
body 65537
check "C7 a byte more is not" answers 413 '65536' "$TMP/c" send "$TMP/body"
check "C7 nor in chunks, where no length tells" answers 413 '65536' "$TMP/c" \
    send "$TMP/body" -H 'Transfer-Encoding: chunked'
body 8388608
check "C7 8 MiB is refused before it is sent" equal "$(send "$TMP/body" \
    -H 'Expect: 100-continue'; grep -c '100 Continue' "$TMP/c.head")" 4130
huge() { # a length that nobody could allocate
	printf '%s\r\n' "POST $W/simpleenroll HTTP/1.1" 'Host: localhost' \
	    'Content-Type: application/pkcs10' "Content-Length: $1" '' | timeout 20 openssl s_client -quiet -connect \
	    "localhost:$EST_PORT" -CAfile "$TMP/root.pem" 2>/dev/null |
	    head -1 | cut -d' ' -f2
}
before=$(rss_kb "$GATE_PID")
check "C7 a length of 4 EB" equal "$(huge 4611686018427387904)" 413
check "C7 a length that overflows" equal "$(huge 99999999999999999999999)" 413
check "C7 nothing was allocated for them" [ "$(rss_kb "$GATE_PID")" -lt \
    $((before + 4096)) ]
check "C7 each is an event" event_has '(gate.refused|throttle.summary) .*rule est.body-too-large'
finish
