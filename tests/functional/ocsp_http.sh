#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OCSP over HTTP: O25 to O28, stapling, and certificates by serial number.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/lib_ocsp.sh
. "$TOP/tests/lib_ocsp.sh"
need openssl curl jq gnutls-cli ocsptool python3

camca_init
ocsp_start
device cam1; enroll cam1 "$TMP/cam1" || exit 1
device cam2; enroll cam2 "$TMP/cam2" || exit 1
S1=$(cert_serial "$TMP/cam1.pem")
S2=$(cert_serial "$TMP/cam2.pem")
good() { says "$1" status=0 single.0.status=good signature=ok; }
is_field() { equal "$(ocsp_field "$1" "$2")" "$3"; }

ocsp_make one "$S1"
check "O25 POST is answered" ocsp_post one
check "O25 the answer's type" is_field one Content-Type application/ocsp-response
check "O25 its length is announced" is_field one Content-Length \
    "$(stat -c %s "$TMP/one.resp")"
check "O25 GET is answered" ocsp_get one
check "O25 with the same answer" good one
check "O25 a GET of less than 255 characters" bash -c '[ "$(base64 -w 0 "$1" | wc -c)" -lt 200 ]' - "$TMP/one.req"
printf x >"$TMP/bad.req"
check "O25 errors come with HTTP 200, too" ocsp_post bad
check "O25 by GET as well" ocsp_get bad
check "O25 another media type is 415" equal "$(curl -s -o /dev/null \
    -w '%{http_code}' -H 'Content-Type: text/plain' -d x "$OCSP")" 415
check "O25 below /ocsp nothing is posted" equal "$(curl -s -o /dev/null \
    -w '%{http_code}' -H 'Content-Type: application/ocsp-request' -d x \
    "$OCSP/x")" 404

# --- O26: a request whose base64 has all three special characters ---
# Whichever byte of three the nonce begins at, ffffffff gives "//" and fbefbe "+";
# its length is chosen so that "=" is at the end.
has_special() { [[ $1 == *//*+*= ]]; }
for md in sha1 sha256; do
	for pad in '' 00 0000; do
		ocsp_make odd -m "$md" -N \
		    "ffffffff00000000000000fbefbe00fbefbe00fbefbe00$pad" "$S1"
		B=$(base64 -w 0 "$TMP/odd.req")
		has_special "$B" && break
	done
	check "O26 $md the request has + / and =" has_special "$B"
	up=$(echo "$B" | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')
	low=$(echo "$up" | sed 's/%2B/%2b/g; s/%2F/%2f/g; s/%3D/%3d/g')
	form() { # TEXT PATH
		rm -f "$TMP/odd.resp"
		check "O26 $md $1" ocsp_raw odd "$2" 200
		check "O26 $md $1: good" good odd
	}
	form "percent-encoded, upper case" "/ocsp/$up"
	form "percent-encoded, lower case" "/ocsp/$low"
	form "raw + / =" "/ocsp/$B"
	form "only = encoded" "/ocsp/${B//=/%3D}"
	form "two slashes after the prefix" "/ocsp//$up"
	form "three slashes, raw" "/ocsp///$B"
	form "padding missing" "/ocsp/${B%%=*}"
	form "letters encoded" "/ocsp/%4D${B:1}"
	check "O26 $md absolute address" ocsp_raw odd / 200 \
	    --request-target "http://camca.example/ocsp/$up"
	check "O26 $md absolute address: good" good odd
	broken() { # TEXT PATH
		check "O26 $md $1 is malformedRequest" ocsp_raw broken "$2" 200
		check "O26 $md $1: and says nothing else" says broken status=1
	}
	broken "nothing" /ocsp
	broken "a slash" /ocsp/
	broken "NUL" "/ocsp/${up:0:20}%00${up:20}"
	broken "NUL at its end" "/ocsp/$up%00"
	broken "half an escape" "/ocsp/$up%2"
	broken "a blank" "/ocsp/${up:0:20}%20${up:20}"
	broken "URL-safe base64" "/ocsp/$(echo "$B" | tr '+/' '-_')"
	broken "a query" "/ocsp/$up?x=1"
	broken "bytes behind the padding" "/ocsp/${up}AA"
	broken "twice encoded" "/ocsp/${up//%/%25}"
done
check "O26 too long is malformedRequest" ocsp_raw broken \
    "/ocsp/$(head -c 8400 /dev/zero | base64 -w 0)" 200
check "O26 and that is what it says" says broken status=1
check "O26 longer than any header is refused" bash -c '
    [[ $(curl -s -o /dev/null -w "%{http_code}" "$1") == 4* ]]' - \
    "http://127.0.0.1:$HTTP_PORT/ocsp/$(head -c 40000 /dev/zero | tr '\0' A)"
# A base64 text with "//" in it: collapsed it would be another request.
ocsp_make dbl -N ffffffffffffffff "$S1"
check "O26 // is inside" grep -q // <(base64 -w 0 "$TMP/dbl.req")
check "O26 // inside is not collapsed" ocsp_raw dbl \
    "/ocsp/$(base64 -w 0 "$TMP/dbl.req")" 200
check "O26 // inside: its nonce is echoed" says dbl status=0 nonce=1
for m in PUT DELETE OPTIONS PATCH; do
	check "O26 $m is 405" ocsp_raw m /ocsp 405 -X "$m"
	check "O26 $m: and says what is allowed" is_field m Allow "GET, POST"
done
check "O26 HEAD is 405" equal "$(curl -s -I "$OCSP" | head -1 | tr -d '\r')" \
    "HTTP/1.1 405 Method Not Allowed"

# --- O27 ---
ocsp_get one
A=$(ocsp_field one Cache-Control)
check "O27 Cache-Control of a GET" equal "$A" \
    "max-age=30, public, no-transform, must-revalidate"
date_is() { # FIELD EPOCH
	is_field one "$1" "$(date -u -d "@$2" '+%a, %d %b %Y %H:%M:%S GMT')"
}
check "O27 Last-Modified is thisUpdate" date_is Last-Modified "$(fact one single.0.this)"
check "O27 Expires is nextUpdate" date_is Expires "$(fact one single.0.next)"
check "O27 Date in GMT" bash -c '[[ $1 =~ ^[A-Z][a-z]{2},\ [0-9]{2}\ [A-Z][a-z]{2}\ [0-9]{4}\ [0-9:]{8}\ GMT$ ]]' - "$(ocsp_field one Date)"
check "O27 ETag is quoted hex" bash -c '[[ $1 =~ ^\"[0-9a-f]{32}\"$ ]]' - "$(ocsp_field one ETag)"
E=$(ocsp_field one ETag)
P="/ocsp/$(base64 -w 0 "$TMP/one.req")"
check "O27 304 on If-None-Match" ocsp_raw nm "$P" 304 -H "If-None-Match: $E"
check "O27 without a body" bash -c '[ ! -s "$1" ]' - "$TMP/nm.resp"
check "O27 200 on another tag" ocsp_raw nm "$P" 200 -H 'If-None-Match: "x"'
for kind in bad:error odd:nonced; do
	ocsp_get "${kind%:*}"
	check "O27 ${kind#*:}: not for caches" is_field "${kind%:*}" \
	    Cache-Control "max-age=0, no-cache"
	check "O27 ${kind#*:}: no ETag" is_field "${kind%:*}" ETag ""
done
ocsp_post one
check "O27 POST: not for caches" is_field one Cache-Control "max-age=0, no-cache"
camca cert revoke "$S1" --reason keyCompromise --text "a test" >/dev/null
check "O27 after a revocation the old tag does not match" ocsp_raw nm "$P" 200 \
    -H "If-None-Match: $E"
check "O16 and the answer is another one" says nm single.0.status=revoked

# --- O28 ---
head -c 1048576 /dev/zero >"$TMP/big.req"
check "O28 1 MiB is malformedRequest" asked big status=1
mapfile -t CROWD < <(yes 01 | head -10000)
ocsp_make crowd "${CROWD[@]}"
check "O28 10,000 CertIDs are malformedRequest" asked crowd status=1
head -c 8193 /dev/zero >"$TMP/edge.req"
check "O28 one byte too many is malformedRequest" asked edge status=1
check "O28 a chunked body is read" ocsp_post one -H 'Transfer-Encoding: chunked'
check "O28 and answered" says one single.0.status=revoked
python3 - "$TMP/odd.req" "$HTTP_PORT" >"$TMP/cuts" <<'PY'
# Each cut and each flipped bit, over one connection: an OCSPResponse always.
import http.client, sys
req, port = open(sys.argv[1], "rb").read(), int(sys.argv[2])
c, bad, signed = http.client.HTTPConnection("127.0.0.1", port, timeout=20), 0, 0
def ask(body):
    global bad, signed
    c.request("POST", "/ocsp", body, {"Content-Type": "application/ocsp-request"})
    r = c.getresponse(); out = r.read()
    ok = r.status == 200 and out[:1] == b"\x30" and (len(out) == 5 and out[4] in (1, 3, 6) or len(out) > 300)
    bad += not ok
    return out
for n in range(len(req)):
    if ask(req[:n])[4] != 1: bad += 1
for i in range(len(req) * 8):
    b = bytearray(req); b[i // 8] ^= 1 << i % 8
    ask(bytes(b))
print(bad)
PY
check "O28 requests cut at each byte, and each bit flipped" equal "$(cat "$TMP/cuts")" 0

# --- stapling (RFC 6066 section 8) ---
stapled() {
	openssl s_client -status -connect "localhost:$EST_PORT" -CAfile \
	    "$TMP/root.pem" "$@" </dev/null 2>/dev/null >"$TMP/staple" ||
	    return 1
	grep -q 'Cert Status: good' "$TMP/staple" &&
	    grep -q 'Verify return code: 0' "$TMP/staple"
}
check "stapling: openssl s_client -status, TLS 1.3" eventually stapled -tls1_3
check "stapling: TLS 1.2" stapled -tls1_2
check "stapling: it is about the gate's own certificate" grep -qi \
    "Serial Number: $(openssl x509 -in "$STATE/gate/tls.pem" -noout -serial | cut -d= -f2)" \
    "$TMP/staple"
gnutls-cli --x509cafile="$TMP/root.pem" --port "$EST_PORT" \
    --save-ocsp="$TMP/staple.der" localhost </dev/null >"$TMP/gnutls" 2>&1
cat "$TMP/ec.pem" "$TMP/root.pem" >"$TMP/chain.pem"
check "stapling: gnutls-cli takes it" grep -q 'OCSP status request' "$TMP/gnutls"
check "stapling: ocsptool verifies it" bash -c 'ocsptool --verify-response \
    --load-response="$1" --load-trust="$2" 2>&1 | tee /dev/stderr |
    grep -q "Success"' - "$TMP/staple.der" "$TMP/chain.pem"

# --- certificates by serial number ---
url=/cert/$(echo "$S2" | tr A-Z a-z).cer
check "an issued certificate is downloaded by its serial" ocsp_raw cer "$url" 200
check "it is the certificate" cmp "$TMP/cer.resp" <(openssl x509 -in "$TMP/cam2.pem" -outform DER)
check "with its media type" is_field cer Content-Type application/pkix-cert
check "304 for who has it" ocsp_raw cer2 "$url" 304 -H "If-None-Match: $(ocsp_field cer ETag)"
check "an unknown one is 404" ocsp_raw cer2 /cert/1cf7000000000000000000000000000000000001.cer 404
check "another spelling is 404" ocsp_raw cer2 "/cert/$S2.cer" 404

# --- O28: signatures are counted for each address ---
stop "$GATE_PID"
sed -i 's/^  signer: gate/  signer: gate\n  sign_rate: 5/' "$STATE/camca.yaml"
start_gate; OCSP=http://127.0.0.1:$HTTP_PORT/ocsp
ocsp_make ok "$S2"
check "O28 with a low rate the first ones are signed" eventually asked ok status=0
# On one connection, which is far above it on a busy machine, too.
for n in $(seq 60); do
	printf 'url = "%s"\noutput = "%s"\n' "$OCSP" "$TMP/crowd.$n"
done >"$TMP/crowd.conf"
curl -s -m 60 -K "$TMP/crowd.conf" --data-binary "@$TMP/odd.req" \
    -H 'Content-Type: application/ocsp-request'
check "O28 each of 60 is answered" equal \
    "$(find "$TMP" -name 'crowd.[0-9]*' -size +0 | wc -l)" 60
cp "$(find "$TMP" -name 'crowd.[0-9]*' -size -6c | head -1)" "$TMP/odd.resp"
check "O28 above it nonces get tryLater" says odd status=3
check "O28 what is prepared is answered all the same" asked ok status=0
finish
