#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "Done" is said to an operator only when no gate can say good any more: with
# two gates, one of them stopped, camcad killed, a gate killed or restarted.
. "$(dirname "$0")/../lib.sh"
need jq openssl python3 sqlite3

# gate2 has a state folder of its own and the same sockets.
second_gate() {
	mkdir -p "$TMP/gate2"
	cp "$STATE/camca.yaml" "$TMP/gate2"
	cp -a "$STATE/gate" "$TMP/gate2/gate"
	ln -sfn "$STATE/run" "$TMP/gate2/run"
	start gate2 "$BIN/camca-gate" --state "$TMP/gate2" || exit 1
	GATE2_PID=$LAST_PID
	HTTP2_PORT=$(awk '$1 == "http" { print $2 }' "$TMP/gate2/gate/ports")
}
count() { # TEXT FILE: how often it was logged
	grep -c -- "$1" "$TMP/$2.log"
}
logged() { # TEXT FILE TIMES
	[ "$(count "$1" "$2")" -ge "$3" ]
}
now_ms() { date +%s%3N; }
serial_of() { openssl x509 -in "$1" -noout -serial | cut -d= -f2; }

# revoke N: revokes the N-th certificate. $CONFIRMED, $CUT and $TOOK_MS.
revoke() {
	local begin answer
	begin=$(now_ms)
	answer=$(camca --json cert revoke "$(serial_of "$TMP/cam-$1.pem")" \
	    --reason keyCompromise --text "test") || return 1
	TOOK_MS=$(($(now_ms) - begin))
	CONFIRMED=$(jq .gates.confirmed <<<"$answer")
	CUT=$(jq .gates.cut <<<"$answer")
	[ -n "$CONFIRMED" ] && [ -n "$CUT" ]
}
result() { # CONFIRMED CUT
	equal "$CONFIRMED confirmed, $CUT cut" "$1 confirmed, $2 cut"
}
took() { # AT-LEAST AT-MOST
	[ "$TOOK_MS" -ge "$1" ] && [ "$TOOK_MS" -le "$2" ] ||
	    { echo "took $TOOK_MS ms, wanted $1 to $2"; return 1; }
}
# says N PORT: what the gate there answers about the N-th certificate.
says() {
	openssl ocsp -issuer "$TMP/issuing.pem" -cert "$TMP/cam-$1.pem" \
	    -url "http://127.0.0.1:$2/ocsp" -noverify 2>&1 |
	    sed -nE "s,^$TMP/cam-$1.pem: ,,p; s/^Responder Error: (\w+).*/\1/p"
}
says_is() { # N PORT WANTED
	equal "$(says "$1" "$2")" "$3"
}
fed() { # PORT: does that gate say good about a certificate that is good?
	[ "$(says 12 "$1")" = good ]
}

camca_init
camca_start
second_gate
check "both gates take the feed" eventually logged \
    "gate takes the status feed" camcad 2
check "the first has loaded it" eventually logged "certificates is loaded" gate 1
check "and the second" eventually logged "certificates is loaded" gate2 1

for i in $(seq 12); do
	device "cam-$i" && enroll "cam-$i" "$TMP/cam-$i" ||
	    { echo "not ok enroll $i"; exit 1; }
done
camca ca certificate ec >"$TMP/issuing.pem"
check "gate 1 says good" eventually fed "$HTTP_PORT"
check "gate 2 says good" eventually fed "$HTTP2_PORT"

check "a revocation is answered" revoke 1
check "when both gates have it" result 2 0
check "long before a lease would end" took 0 2500
check "gate 1 says revoked" says_is 1 "$HTTP_PORT" revoked
check "gate 2 says revoked" says_is 1 "$HTTP2_PORT" revoked
check "revoked once more: refused" not revoke 1

# One that stands still: it is cut, and the answer waits until it may not say
# good any more, whatever it does then.
kill -STOP "$GATE2_PID"
check "with a gate that stands still" revoke 2
check "the operator is told that it was cut" result 1 1
check "after its lease, and not much later" took 2500 7500
check "the other one says revoked" says_is 2 "$HTTP_PORT" revoked
check "camcad names the gate" logged "this gate has not confirmed" camcad 1
kill -CONT "$GATE2_PID"
check_not "awake it never says good about that" says_is 2 "$HTTP2_PORT" good
check "it comes back by itself" eventually fed "$HTTP2_PORT"
check "and says revoked" says_is 2 "$HTTP2_PORT" revoked
check "the next revocation" revoke 3
check "has both gates again" result 2 0
check "long before a lease would end again" took 0 2500

# Nobody waits for a gate that has ended as it should.
stop "$GATE2_PID"
check "after a gate has ended" revoke 4
check "one gate is left" result 1 0
check "and nobody is waited for" took 0 2500
second_gate
check "back again it says good" eventually fed "$HTTP2_PORT"
check "about nothing that was revoked meanwhile" says_is 4 "$HTTP2_PORT" revoked

# One that was killed may, for all we know, still answer until its lease ends.
stop "$GATE2_PID" KILL
check "after a gate was killed" revoke 5
check "its lease is waited for" result 1 1
check "no longer than that" took 500 7500
second_gate
check "another one takes its place" eventually fed "$HTTP2_PORT"

known() { # COUNT: gates that the next camcad will wait for
	equal "$(sqlite3 -readonly "$STATE/db/camca.sqlite" \
	    "SELECT value FROM meta WHERE key = 'gates'" | grep -c .)" "$1"
}
check "the one that was killed is forgotten" eventually known 2

# camcad killed: the leases that it gave live on. The new one knows them.
stop "$AUTHORITY_PID" KILL
start_authority
check "right after camcad was killed and started" revoke 6
check "both gates have come back" result 2 0
check "gate 1 says revoked then" says_is 6 "$HTTP_PORT" revoked
check "gate 2 says revoked then" says_is 6 "$HTTP2_PORT" revoked
check "nobody loaded the table again" equal \
    "$(count "certificates is loaded" gate)" 1
kill -STOP "$GATE2_PID"
stop "$AUTHORITY_PID" KILL
start_authority
check "with a gate that does not come back" revoke 7
check "the new camcad knows of its lease" result 1 1
check "and waits for it, from its start" took 2500 7500
kill -CONT "$GATE2_PID"
check_not "that gate never says good about it" says_is 7 "$HTTP2_PORT" good
check "and comes back" eventually fed "$HTTP2_PORT"

# Without camcad for longer than the lease.
stop "$AUTHORITY_PID" KILL
lost() { says_is 12 "$HTTP_PORT" trylater; }
check "without camcad nobody says good in the end" eventually lost
check "but revoked is revoked" says_is 1 "$HTTP_PORT" revoked
start_authority
check "with camcad good is good" eventually fed "$HTTP_PORT"

# A gate that asks and does not read holds up nobody.
python3 - "$STATE/run/status.sock" <<'END' &
import json, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
ask = json.dumps({"id": 1, "op": "status.feed", "args": {
    "gate": "d" * 32, "store": "", "after_cert": 0, "issuers": 1}}).encode()
try:
    while True:
        s.sendall(struct.pack(">I", len(ask)) + ask)
except OSError:
    pass
END
PIDS+=($!)
deaf=$!
check "while one does not read its answers" revoke 8
check "nobody waits for it" took 0 2500
check "and it is dropped" eventually logged "does not read its answers" camcad 1
kill "$deaf" 2>/dev/null

check "camcad ends when it is told to" stop "$AUTHORITY_PID"
check "so does the gate" stop "$GATE_PID"
finish
