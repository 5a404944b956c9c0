#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CRLs over plain HTTP (C15): types, caching, conditions, ranges; and a list
# that is larger than one answer of the authority.
. "$(dirname "$0")/../lib.sh"
need curl jq openssl python3

camca_init
camca_start
EC=$(camca --json ca list | jq -r '.items[]? // . | select(.name=="ec") | .ski' | head -1)
URL=http://127.0.0.1:$HTTP_PORT/crl/$EC.crl
get() { # [curl options]: status; body in $TMP/body, fields in $TMP/head
	rm -f "$TMP/body"
	curl -s -o "$TMP/body" -D "$TMP/head" -w '%{http_code}' "$@" "$URL"
}
field() { tr -d '\r' <"$TMP/head" | awk -v n="$1" -F': ' 'tolower($1) == tolower(n) { print $2 }'; }
status() { equal "$(get "${@:2}")" "$1"; }
eventually sh -c 'curl -sf -o /dev/null "$1"' - "$URL"

check "C15 200" status 200
check "C15 application/pkix-crl" equal "$(field Content-Type)" application/pkix-crl
check "C15 DER, no PEM" openssl crl -inform DER -in "$TMP/body" -noout
check "C15 a small max-age" sh -c 'echo "$1" | grep -qE "^public, max-age=([1-9]|10)$"' - "$(field Cache-Control)"
ETAG=$(field ETag) MODIFIED=$(field Last-Modified)
check "C15 a strong ETag in quotes" sh -c 'echo "$1" | grep -qE "^\"[0-9a-f]{32}\"$"' - "$ETAG"
check "C15 Last-Modified is thisUpdate" equal "$(date -ud "$MODIFIED" +%s)" \
    "$(date -ud "$(openssl crl -inform DER -in "$TMP/body" -noout -lastupdate | cut -d= -f2)" +%s)"
check "C15 dates are GMT" sh -c 'echo "$1$2" | grep -c GMT' - "$(field Expires)" "$MODIFIED"
check "C15 Expires says no more than max-age" test \
    $(($(date -ud "$(field Expires)" +%s) - $(date +%s))) -le 10
cp "$TMP/body" "$TMP/whole"
SIZE=$(stat -c %s "$TMP/whole")
check "If-None-Match: 304" status 304 -H "If-None-Match: $ETAG"
check "with its ETag and without a body" sh -c '[ "$1" = "$2" ] && [ ! -s "$3" ]' - "$(field ETag)" "$ETAG" "$TMP/body"
check "If-None-Match, one of several: 304" status 304 -H "If-None-Match: \"x\", W/$ETAG"
check "If-None-Match of another list: 200" status 200 -H 'If-None-Match: "0"'
check "If-Modified-Since: 304" status 304 -H "If-Modified-Since: $MODIFIED"
check "If-Modified-Since long ago: 200" status 200 -H 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
check "If-Modified-Since that is no date: 200" status 200 -H 'If-Modified-Since: yesterday'
check "If-None-Match counts before If-Modified-Since" status 200 \
    -H 'If-None-Match: "0"' -H "If-Modified-Since: $MODIFIED"
check "Range: 206" status 206 -r 0-9
check "Content-Range" equal "$(field Content-Range)" "bytes 0-9/$SIZE"
check "the first ten bytes" cmp -n 10 "$TMP/body" "$TMP/whole"
check "and just those" equal "$(stat -c %s "$TMP/body")" 10
halves() {
	get -r "0-$((SIZE / 2 - 1))" >/dev/null; cp "$TMP/body" "$TMP/joined"
	get -r "$((SIZE / 2))-" >/dev/null; cat "$TMP/body" >>"$TMP/joined"
	cmp "$TMP/joined" "$TMP/whole"
}
check "two halves are the whole" halves
check "the last five bytes" status 206 -r -5
check "are those" sh -c 'tail -c 5 "$1" | cmp - "$2"' - "$TMP/whole" "$TMP/body"
check "beyond the end: 416" status 416 -r "$SIZE-"
check "with the size" equal "$(field Content-Range)" "bytes */$SIZE"
check "several ranges: all of it" status 200 -r 0-1,4-5
check "a range that is none: all of it" status 200 -H 'Range: bytes=9-1'
check "If-Range of this list: 206" status 206 -r 0-9 -H "If-Range: $ETAG"
check "If-Range of another one: all of it" status 200 -r 0-9 -H 'If-Range: "0"'
check "HEAD" equal "$(curl -s -I -o "$TMP/head" -w '%{http_code}' "$URL")" 200
check "HEAD says the length" equal "$(field Content-Length)" "$SIZE"
check "HEAD knows no range" equal "$(curl -s -I -r 0-9 -o "$TMP/head" -w '%{http_code}' "$URL")" 200
check "POST: 405" equal "$(curl -s -o /dev/null -w '%{http_code}' -d x "$URL")" 405
check "a CA that is not: 404" equal "$(curl -s -o /dev/null -w '%{http_code}' \
    "http://127.0.0.1:$HTTP_PORT/crl/${EC//[0-9]/a}.crl")" 404

# ---- a list of 40,000 entries: three answers of the authority ----
device big
enroll big "$TMP/big"
stop "$GATE_PID"
stop "$AUTHORITY_PID"
python3 - "$STATE/db/camca.sqlite" 40000 <<'P'
import sqlite3, sys, random
db = sqlite3.connect(sys.argv[1])
issuer, cert = db.execute("SELECT issuer, id FROM cert WHERE device IS NOT NULL").fetchone()
base = db.execute("SELECT n FROM counter WHERE name = 'rev_seq'").fetchone()[0]
n = int(sys.argv[2])
r = random.Random(1)
for i in range(n):
    serial = bytes([0x10]) + r.randbytes(19)
    body = b"\x02\x14" + serial + b"\x17\x0d261101000000Z" + bytes.fromhex("300c300a0603551d1504030a0101")
    db.execute("INSERT INTO crl_entry VALUES (?, ?, ?, ?, ?)",
               (issuer, base + 1 + i, cert, 4000000000000, b"\x30" + bytes([len(body)]) + body))
db.execute("UPDATE counter SET n = ? WHERE name = 'rev_seq'", (base + n,))
db.execute("UPDATE issuer_stat SET rev_seq = ? WHERE issuer = ?", (base + n, issuer))
db.commit()
P
camca_start
URL=http://127.0.0.1:$HTTP_PORT/crl/$EC.crl
large() { get >/dev/null && [ "$(stat -c %s "$TMP/body")" -gt 1900000 ]; }
check "a large list comes in one piece" eventually large
camca ca certificate ec >"$TMP/ec.pem"
check "its signature holds" sh -c 'openssl crl -inform DER -in "$1" -noout -CAfile "$2" 2>&1 | grep -q "verify OK"' - \
    "$TMP/body" "$TMP/ec.pem"
check "40,000 entries" equal "$(openssl crl -inform DER -in "$TMP/body" -noout -text | grep -c 'Serial Number:')" 40000
check "the file is what was served" cmp "$TMP/body" "$STATE/crl/$EC.crl"
check "doctor warns of its size" sh -c '"$1" doctor | grep -q "no larger CRL"' - "$BIN/camca"
parallel_gets() {
	local i p=()
	for i in 1 2 3 4 5 6; do
		curl -sf "$URL" -o "$TMP/par$i" & p+=($!)
	done
	wait "${p[@]}"
	for i in 1 2 3 4 5 6; do
		openssl crl -inform DER -in "$TMP/par$i" -noout -CAfile "$TMP/ec.pem" 2>&1 |
		    grep -q "verify OK" || return 1
	done
}
change_while_reading() { # whoever reads while lists change gets one whole list
	local i
	for i in 1 2 3; do
		device "ch$i"; enroll "ch$i" "$TMP/ch$i"
		camca cert revoke "$(openssl x509 -in "$TMP/ch$i.pem" -noout -serial | cut -d= -f2)" \
		    --reason superseded --text x >/dev/null
		parallel_gets || return 1
		sleep 1
	done
}
check "whole lists only, while they change" change_while_reading
finish
