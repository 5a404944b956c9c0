#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The custody log at the gate (C2SP tlog-tiles, tlog-checkpoint): addresses,
# header fields, caching, who may read, and what is left while camcad is away.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
need curl jq openssl python3
camca_init
cd "$TMP" || exit 1
settings() { # SED: changes camca.yaml
	sed -i "$1" "$STATE/camca.yaml"
}
check "the log is public unless told otherwise" \
    grep -qx '  access: public' "$STATE/camca.yaml"
camca_start
device cam-1
enroll cam-1 cam-1
# Enough events for a full tile and a bit.
python3 - "$STATE/run/authority.sock" <<'P'
import json, socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for i in range(270):
    m = json.dumps({"id": i, "op": "device.add", "args": {"id": "many-%d" % i,
        "manufacturer": "A", "model": "B", "serial": "%d" % i, "site": "site1"}}).encode()
    s.sendall(struct.pack(">I", len(m)) + m)
    n = b""
    while len(n) < 4:
        n += s.recv(4 - len(n))
    n = struct.unpack(">I", n)[0]
    while n > 0:
        n -= len(s.recv(n))
P
check "all that has happened is signed" cu_signed
SIZE=$(cu_call custody.checkpoint | jq .size)
check "there is more than one full tile" test "$SIZE" -gt 256

HTTP=http://127.0.0.1:$HTTP_PORT/custody
TLS=https://localhost:$EST_PORT/custody
# get URL [curl options]: body in out, header in head; prints the status
get() {
	local url=$1
	shift
	curl -s -o out -D head -w '%{http_code}' --cacert root.pem "$@" "$url"
}
field() { sed -n "s/^$1: \(.*\)\r$/\1/Ip" head; }
# shellcheck disable=SC2317
fresh_size() { # the checkpoint that is served is at least of this size
	get "$1/checkpoint" >code && [ "$(sed -n 2p out)" -ge "$2" ]
}

for base in "$HTTP" "$TLS"; do
	name=${base%%:*}
	check "$name: the newest checkpoint is there within two seconds" eventually fresh_size "$base" "$SIZE"
	check "$name: 200" equal "$(get "$base/checkpoint")" 200
	cp out "checkpoint.$name"
	check "$name: text/plain; charset=utf-8" equal "$(field content-type)" "text/plain; charset=utf-8"
	check "$name: fresh for a second" equal "$(field cache-control)" "public, max-age=1"
	check "$name: ETag" equal "$(get "$base/checkpoint" -H "If-None-Match: $(field etag)")" 304
	n=$(sed -n 2p "checkpoint.$name")
	part=$((n % 256))
	check "$name: a full tile" equal "$(get "$base/tile/0/000")" 200
	check "$name: of 256 hashes" equal "$(stat -c %s out)" 8192
	cp out tile.full
	check "$name: application/octet-stream" equal "$(field content-type)" application/octet-stream
	check "$name: immutable, for a year" equal "$(field cache-control)" "public, max-age=31536000, immutable"
	check "$name: the same by its ETag is 304" equal "$(get "$base/tile/0/000" -H "If-None-Match: $(field etag)")" 304
	check "$name: HEAD says what GET does" equal "$(get "$base/tile/0/000" -I) $(field content-length)" "200 8192"
	check "$name: nothing guesses its type" equal "$(field x-content-type-options)" nosniff
	check "$name: a partial tile" equal "$(get "$base/tile/0/001.p/$part") $(stat -c %s out)" "200 $((32 * part))"
	check "$name: a narrower one of an older checkpoint" equal "$(get "$base/tile/0/000.p/3")" 200
	check "$name: is the beginning of the full one" cmp -n 96 out tile.full
	check "$name: a partial tile may be dropped sooner" equal "$(field cache-control)" "public, max-age=3600, immutable"
	check "$name: level 1" equal "$(get "$base/tile/1/000.p/1") $(stat -c %s out)" "200 32"
	check "$name: a bundle of entries" equal "$(get "$base/tile/entries/000")" 200
	cp out entries.full
	check "$name: a partial bundle" equal "$(get "$base/tile/entries/001.p/$part")" 200
	check "$name: entries hash to the tile" python3 - <<'P'
import hashlib, struct
b, t = open("entries.full", "rb").read(), open("tile.full", "rb").read()
for i in range(256):
    n = struct.unpack(">H", b[:2])[0]
    assert hashlib.sha256(b"\0" + b[2:2 + n]).digest() == t[32 * i:32 * i + 32], i
    assert b[2:2 + n].startswith(b"camca-event/v1\n")
    b = b[2 + n:]
assert b == b""
P
	for bad in "" / /checkpoint/ /checkpoint?x=1 /Checkpoint /tile /tile/ /tile/0 /tile/0/0 \
	    /tile/0/0000 /tile/00/000 /tile/8/000 /tile/64/000 /tile/data/000 /tile/-1/000 \
	    /tile/0/000/ /tile/0/000.p/ /tile/0/000.p/0 /tile/0/000.p/256 /tile/0/000.p/03 \
	    /tile/0/x000/000 /tile/0/%30%30%30 /tile/0/../0/000 /tile/0/001 /tile/0/999 \
	    "/tile/0/001.p/$((part + 100))" /tile/0/x999/x999/x999/x999/x999/999 /tile/1/001.p/1 \
	    /tile/entries/999 /tile/entries /tile/0/000%00 /tile/0/000.p/3/ /other; do
		check "$name: 404 for /custody$bad" equal "$(get "$base$bad" --path-as-is)" 404
	done
	check "$name: POST is not possible" equal "$(get "$base/checkpoint" -d x)" 405
	check "$name: and the answer says what is" equal "$(field allow)" "GET, HEAD"
done
check "both listeners tell the same" cmp tile.full <(curl -s "$HTTP/tile/0/000")
check "a target with its authority is the same" equal \
    "$(curl -s --proxy "http://127.0.0.1:$HTTP_PORT" -o /dev/null -w '%{http_code}' "http://pki.example/custody/tile/0/000")" 200

# A crowd at one tile that is not kept yet is one question to camcad.
seq 40 | xargs -P 20 -I{} curl -s -o crowd.{} "$HTTP/tile/entries/000.p/77"
# shellcheck disable=SC2016
check "a crowd gets the same bytes" sh -c '[ "$(cat crowd.* | wc -c)" = "$(($(wc -c <crowd.1) * 40))" ] && for f in crowd.*; do cmp -s $f crowd.1 || exit 1; done'

# camcad away.
stop "$AUTHORITY_PID"
gone() { [ "$(get "$HTTP/tile/0/000.p/5")" = 503 ]; }
check "camcad away: what is not kept gets 503" eventually gone
check "and is to be tried again" test "$(field retry-after)" -gt 0
check "a tile that is kept is still served" equal "$(get "$HTTP/tile/0/000")" 200
check "entries too" equal "$(get "$TLS/tile/entries/000")" 200
check "and the last checkpoint" equal "$(get "$HTTP/checkpoint")" 200
start_authority
back() { [ "$(get "$HTTP/tile/0/000.p/5")" = 200 ]; }
check "camcad back: it is served" eventually back
stop "$GATE_PID"
stop "$AUTHORITY_PID"

# Who may read it.
for n in reader other; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout $n.key -out $n.pem -subj "/CN=$n" -days 30 2>/dev/null
done
PRINT=$(openssl x509 -in reader.pem -noout -fingerprint -sha256 | cut -d= -f2)
settings 's/^  access: .*/  access: staff/; s/^  readers: .*/  readers: ["'"$PRINT"'"]/'
camca_start
HTTP=http://127.0.0.1:$HTTP_PORT/custody
TLS=https://localhost:$EST_PORT/custody
for what in checkpoint tile/0/000 tile/entries/000 tile/0/999 nothing; do
	check "staff: not on plain HTTP: $what" equal "$(get "$HTTP/$what")" 403
	check "staff: not without a certificate: $what" equal "$(get "$TLS/$what")" 403
	check "staff: not with another certificate: $what" equal "$(get "$TLS/$what" --cert other.pem --key other.key)" 403
done
check "staff: with the reader's certificate" equal "$(get "$TLS/tile/0/000" --cert reader.pem --key reader.key)" 200
check "staff: caches on the way must not keep it" equal "$(field cache-control)" "private, max-age=31536000, immutable"
check "staff: 404 for what is not there" equal "$(get "$TLS/tile/0/999" --cert reader.pem --key reader.key)" 404
check "staff: EST goes on on the same port" equal "$(curl -s -o /dev/null -w '%{http_code}' --cacert root.pem "$EST/cacerts")" 200
refusals() { camca event list --limit 1000 2>/dev/null | grep -q 'custody.access'; }
check "staff: refusals are events" eventually refusals
stop "$GATE_PID"
stop "$AUTHORITY_PID"
settings 's/^  access: .*/  access: "off"/'
camca_start
HTTP=http://127.0.0.1:$HTTP_PORT/custody
TLS=https://localhost:$EST_PORT/custody
check "off: nothing on HTTP" equal "$(get "$HTTP/checkpoint")" 403
check "off: nothing on TLS, whoever asks" equal "$(get "$TLS/checkpoint" --cert reader.pem --key reader.key)" 403
stop "$GATE_PID"
stop "$AUTHORITY_PID"

for bad in 'access: everybody' 'readers: ["12"]' 'readers: ["'"$(printf 'g%.0s' $(seq 64))"'"]'; do
	settings "s/^  ${bad%%:*}: .*/  $bad/"
	timeout 20 "$BIN/camcad" --state "$STATE" >bad.out 2>&1
	check "refused in camca.yaml: $bad" grep "camca.yaml:[0-9]*:" bad.out
	settings 's/^  access: .*/  access: public/; s/^  readers: .*/  readers: []/'
done
finish
