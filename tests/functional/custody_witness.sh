#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# C2SP tlog-witness: camca-witness against a log that is not ours.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_witness.sh"
need python3 curl
python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography"

# ask URL SIZE [K=V]...: posts a request of the foreign log; HTTP status, answer
# in ask.out, its type in ask.type.
ask() {
	local url=$1
	shift
	peer body "$TMP/log.key" "$@" >"$TMP/ask.in" || return 1
	ask_raw "$url"
}
ask_raw() {
	curl -s -o "$TMP/ask.out" -w '%{http_code} %{content_type}' \
	    --data-binary "@$TMP/ask.in" -H 'Content-Type: text/plain' \
	    "$1/add-checkpoint" >"$TMP/ask.code"
	cut -d' ' -f2- "$TMP/ask.code" >"$TMP/ask.type"
	cut -d' ' -f1 "$TMP/ask.code"
}
asked() { # STATUS SIZE [K=V]...
	local want=$1
	shift
	equal "$(ask "$URL0" "$@")" "$want" || { cat "$TMP/ask.out"; return 1; }
}
cosigned() { # SIZE [K=V]...: the last answer is our witness's signature
	peer check "$(cat "$TMP/w0.vkey")" "$TMP/log.key" "$@" <"$TMP/ask.out"
}
states() { # SIZE: the last answer was a 409 with that size
	equal "$(cat "$TMP/ask.out") $(cat "$TMP/ask.type")" \
	    "$1 text/x.tlog.size"
}
damaged() { # SED EXPRESSION on the request
	sed -i "$1" "$TMP/ask.in"
}

# One byte a second from many: they are cut, and nobody else waits for them.
slow_cut() {
	python3 - "$(cat "$TMP/w9/port")" <<-'END'
	import socket, sys, time
	c = [socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	     for _ in range(30)]
	for s in c:
	    s.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"
	              b"Content-Length: 1000\r\n\r\n")
	end = time.time() + 25
	while c and time.time() < end:
	    time.sleep(0.5)
	    for s in list(c):
	        try:
	            s.sendall(b"o")
	        except OSError:
	            c.remove(s)
	sys.exit(len(c))
	END
}
# One address takes all it can get: 32 of 40 connections wait, and others are
# closed; another address is served meanwhile, and the first one again when it
# has given one back.
crowd() {
	python3 - "$(cat "$TMP/w9/port")" <<-'END'
	import socket, sys, time
	port = int(sys.argv[1])
	def connect(source):
	    return socket.create_connection(("127.0.0.1", port), timeout=5,
	                                    source_address=(source, 0))
	def served(source):
	    s = connect(source)
	    try:
	        s.sendall(b"GET /x HTTP/1.0\r\n\r\n")
	        return s.recv(12) == b"HTTP/1.1 404"
	    except OSError:
	        return False
	    finally:
	        s.close()
	def eventually(fn):
	    end = time.monotonic() + 5
	    while not fn():
	        assert time.monotonic() < end
	        time.sleep(0.05)
	c = [connect("127.0.0.1") for _ in range(40)]
	for s in c:
	    s.setblocking(False)
	def held():
	    n = 0
	    for s in c:
	        try:
	            s.recv(1)
	        except BlockingIOError:
	            n += 1
	    return n
	eventually(lambda: held() <= 32)
	assert held() == 32, held()
	assert not served("127.0.0.1")
	assert served("127.0.0.2")
	assert held() == 32, held()
	for s in c:
	    s.close()
	eventually(lambda: served("127.0.0.1"))
	END
}
witness_new 9 && witness 9 || exit 1
check "one address has 32 places, others are served meanwhile" crowd
slow_cut & SLOW=$!
PIDS+=("$SLOW")

check "camca-witness --init makes a key" witness_new 0
check "and prints its verifier key" grep -Eqx \
    'witness\.test/w0\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}' "$TMP/w0.vkey"
check "the key is its owner's alone" equal \
    "$(stat -c %a "$TMP/w0/witness.key")" 600
check_not "once" "$BIN/camca-witness" --dir "$TMP/w0" --init --name other
peer key "$TMP/log.key" log.test/a >>"$TMP/w0/logs"
peer key "$TMP/stranger.key" log.test/b >/dev/null
peer key "$TMP/false.key" log.test/a >/dev/null
check "it starts" witness 0
check_not "a second one does not work in the same folder" \
    "$BIN/camca-witness" --dir "$TMP/w0" --listen 127.0.0.1:0

check "tlog-witness: the first checkpoint" asked 200 5
check "is cosigned" cosigned 5
check "the same again" asked 200 5 old=5
check "is cosigned again" cosigned 5
check "a larger one" asked 200 9 old=5
check "is cosigned too" cosigned 9
check "not the smaller one any more" asked 409 5 old=5
check "409 states the size" states 9
check "old 0, to hear the size" asked 409 12
check "409 states it" states 9
check "an old size above the new one: 400" asked 400 8 old=9
check "from another size than it knows: 409" asked 409 12 old=11
check "422: no proof" asked 422 12 old=9 prove=0
check "422: the proof of another size" asked 422 12 old=9 prove=5
check "422: a proof with one line more" asked 422 12 old=9 lines=6
check "4.6 422: same size, other root" asked 422 9 old=9 branch=b
check "422: another history that is longer" asked 422 12 old=9 branch=b
check "422: the same up to another place" asked 422 12 old=9 branch=b fork=4
check "the true one still is cosigned" asked 200 12 old=9
check "and counts" cosigned 12

peer body "$TMP/stranger.key" 5 >"$TMP/ask.in"
check "404: a log that it does not know" equal "$(ask_raw "$URL0")" 404
peer body "$TMP/false.key" 13 old=12 >"$TMP/ask.in"
check "403: signed by another key" equal "$(ask_raw "$URL0")" 403
peer body "$TMP/log.key" 13 old=12 >"$TMP/ask.in"
damaged '$ s/\(.*\)\(.\)\(...\)$/\1_\3/; $ y/_/A/'
sed -i '/^13$/ s/13/14/' "$TMP/ask.in"
check "403: the signature is of another text" equal "$(ask_raw "$URL0")" 403
peer body "$TMP/log.key" 13 old=12 >"$TMP/ask.in"
damaged '1 s/12/012/'
check "400: a leading zero" equal "$(ask_raw "$URL0")" 400
check "400: 64 proof lines" asked 400 13 old=12 lines=64
: >"$TMP/ask.in"
check "400: nothing" equal "$(ask_raw "$URL0")" 400
head -c 200000 /dev/zero | tr '\0' x >"$TMP/ask.in"
check "413: too large" equal "$(ask_raw "$URL0")" 413
http() { # STATUS METHOD PATH
	equal "$(curl -s -o "$TMP/http.out" -w '%{http_code}' -X "$2" \
	    "$URL0$3")" "$1"
}
check "404: another path" http 404 GET /
check "405: another method" http 405 DELETE /add-checkpoint
HEX=$(printf log.test/a | sha256sum | cut -c1-64)
check "the newest checkpoint can be read" http 200 GET "/$HEX/checkpoint"
check "it is the one that was cosigned" equal \
    "$(sed -n '1,2p' "$TMP/http.out" | xargs)" "log.test/a 12"
check "with both signatures" equal "$(grep -c '^— ' "$TMP/http.out")" 2
check "none of a log that it does not know" http 404 GET \
    "/${HEX//[0-9]/a}/checkpoint"

# Anybody can add lines to a note: they must not get into the record.
peer body "$TMP/log.key" 13 old=12 >"$TMP/ask.in"
{ tail -n 1 "$TMP/w0/state/$HEX"; tail -n 1 "$TMP/ask.in" |
    sed 's,log.test/a,witness.test/x,'; } >"$TMP/lines"
cat "$TMP/lines" >>"$TMP/ask.in"
check "lines of strangers, and an old one of its own, are let be" equal \
    "$(ask_raw "$URL0")" 200
check "and not kept" equal "$(grep -c '^— ' "$TMP/w0/state/$HEX")" 2

stop "$PID0"
check "started again" witness 0
check "it knows what it signed" asked 409 20
check "at that size" states 13
check "and refuses the other history" asked 422 20 old=13 branch=b

# Nothing is signed that is not on the disk.
mv "$TMP/w0/state" "$TMP/w0/away"
check "no place to write: 503" asked 503 15 old=13
check_not "and no signature" grep -q '^—' "$TMP/ask.out"
mv "$TMP/w0/away" "$TMP/w0/state"
check "back again" asked 200 15 old=13
stop "$PID0"
cp "$TMP/w0/state/$HEX" "$TMP/record"
sed -i '2 s/15/14/' "$TMP/w0/state/$HEX"
check "with a damaged record it starts" witness 0
check "but that log gets 500" asked 500 16 old=15
check "whatever it asks" asked 500 16 old=14
stop "$PID0"
cp "$TMP/record" "$TMP/w0/state/$HEX"

# Killed between the record and the answer: signed for nobody, and remembered.
killed() {
	touch "$TMP/kill"
	ask "$URL0" 17 old=15 branch=b fork=15 >/dev/null
	[ ! -e "$TMP/kill" ] && [ ! -s "$TMP/ask.out" ] && ! wait "$PID0"
}
preloaded() {
	LD_PRELOAD=$BIN/tests/faults/rename_fault.so \
	    CAMCA_TEST_KILL=$TMP/kill \
	    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" witness 0
}
check "a witness that will be killed" preloaded
rm -f "$TMP/ask.out"
check "after the rename, before the answer" killed
check "the next one" witness 0
check "has the checkpoint that nobody heard of" asked 409 15 old=15
check "with its size" states 17
check "refuses another one of that size" asked 422 17 old=17
check "and signs that one when asked again" asked 200 17 old=17 branch=b fork=15
check "truly" cosigned 17 branch=b fork=15
peer key "$TMP/storm.key" log.test/storm >>"$TMP/w0/logs"
kill -HUP "$PID0"
known() {
	peer body "$TMP/storm.key" 1 >"$TMP/ask.in"
	[ "$(ask_raw "$URL0")" != 404 ]
}
check "SIGHUP: a further log" eventually known
check "4.6 two histories offered at once, 8 threads: one is signed" peer storm \
    "$URL0" "$(cat "$TMP/w0.vkey")" "$TMP/storm.key" 40
check "what was in memory is not forgotten by it" asked 409 17
nobody_waits() {
	equal "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$URL9/x")" 404
}
check "who drips holds up nobody" nobody_waits
check "and is cut" wait "$SLOW"
finish
