#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Witnesses of our own log: camcad, camca-anchor and two camca-witness, a quorum
# of both; one away, slow, strange, ahead, behind; a restored backup.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_witness.sh"
need jq openssl sqlite3 python3 curl

status() { cu_call custody.status; }
# w N FIELD: of witness N in custody.status
w() { status | jq -r --arg n "witness.test/w$1" \
    ".witnesses[] | select(.name == \$n) | .$2"; }
state_is() { # N STATE
	equal "$(w "$1" state)" "$2" || { w "$1" failed; return 1; }
}
failed_says() { # N WORDS
	w "$1" failed | tee "$TMP/failed"
	grep -q "$2" "$TMP/failed"
}
grow() { # something happens, and is signed
	camca site add "s$RANDOM$RANDOM" --name x --level 1 >/dev/null &&
	    cu_signed
}
newest() { status | jq .checkpoint.size; }
quorum() { # the newest checkpoint has it
	local q
	q=$(status | jq '.quorum.size // -1')
	[ "$q" -ge 0 ] && [ "$q" -eq "$(newest)" ]
}
grows_quorum() { grow && eventually quorum; }
lines() { cu_call custody.checkpoint | jq -r .note | grep -c '^— witness.test'; }
policy() { # LINES-OF-QUORUM...
	mkdir -p "$STATE/policies/custody"
	{ sed 's/^/log /' "$TMP/vkeys"
	  echo "witness first $(cat "$TMP/w1.vkey") $URL1"
	  echo "witness second $(cat "$TMP/w2.vkey") $URL2/"
	  printf '%s\n' "$@"
	} >"$STATE/policies/custody/policy.tlog"
}
reload() { camca policy reload; }
event() { # WITNESS STATE: the newest of that witness
	camca event list | grep "custody.witness" |
	    grep "witness=witness.test/w$1 " | tail -n 1 | tee "$TMP/event"
	grep -q "state=$2" "$TMP/event"
}
anchor_start() {
	start anchor "$BIN/camca-anchor" --state "$STATE"
	ANCHOR_PID=$LAST_PID
}

witness_new 1 && witness_new 2 || exit 1
camca_init
start_authority
check "all is signed" cu_signed
cu_call custody.key | jq -r '.keys[]' >"$TMP/vkeys"
check "two of them" equal "$(wc -l <"$TMP/vkeys")" 2
cp "$TMP/vkeys" "$TMP/w1/logs"
cp "$TMP/vkeys" "$TMP/w2/logs"
witness 1 && witness 2 || exit 1

# ---- who is asked ----
check "without policy.tlog there are no witnesses" equal \
    "$(status | jq '.witnesses | length')" 0
policy "group both all first second" "quorum both"
check "policy.tlog is read by camca policy reload" reload
check "both are there" equal "$(status | jq '.witnesses | length')" 2
check "without the courier the doctor says so" cu_doctor warning camca-anchor \
    "does not ask"
check "camca-anchor starts" anchor_start
check "4.6 the quorum of two is reached" eventually quorum
check "on a checkpoint with both lines" equal "$(lines)" 2
check "both answer" state_is 1 answering
check "the second too" state_is 2 answering
check "an event each" event 1 answering
check "what the witness has is our checkpoint" equal \
    "$(curl -s "$URL1/$(printf localhost/custody | sha256sum |
    cut -c1-64)/checkpoint" | sed -n 1p)" localhost/custody
check "each new checkpoint gets it" grows_quorum
check "camca doctor is content" cu_doctor ok quorum entries
check "with each witness" cu_doctor ok 'witness witness.test/w1' entries

# ---- one is away ----
stop "$PID1"
check "one is stopped: the log goes on" grow
check "it is an alarm" eventually state_is 1 failing
check "in the doctor too" cu_doctor warning 'witness witness.test/w1' \
    "127.0.0.1"
grow >/dev/null
check "and an event, without its address" eventually event 1 failing
check_not "no address in it" grep -q 127.0.0.1 "$TMP/event"
check "the other one goes on" state_is 2 answering
check_not "there is no quorum" quorum
device cam-1
start_gate
curl -s --insecure "$EST/cacerts" | base64 -d -i >"$TMP/cacerts.p7"
camca ca certificate root >"$TMP/root.pem"
check "certificates are issued all the same" enroll cam-1 "$TMP/cam-1"
check "it comes back" witness 1
check "and is asked again by itself" eventually quorum
check "an event says so" eventually event 1 answering

# ---- what each believes of the other ----
stop "$AUTHORITY_PID"
cu_sql_rw "UPDATE log_witness SET size = 1 WHERE name = 'witness.test/w1'"
cu_sql_rw "DELETE FROM log_witness WHERE name = 'witness.test/w2'"
start_authority
check "409: camcad has a size that is too small, or none" grows_quorum
stop "$AUTHORITY_PID"
cu_sql_rw "UPDATE log_witness SET size = 1000000"
start_authority
check "409: one that is too large" grows_quorum
stop "$PID1"
rm -rf "$TMP"/w1/state/*
witness 1
check "409: the witness has forgotten all" grows_quorum

# ---- strangers ----
: >"$TMP/w2/logs"
kill -HUP "$PID2"
strange() { grow >/dev/null; failed_says 2 'HTTP 404'; }
check "404: it does not know us" eventually strange
peer key "$TMP/other.key" localhost/custody >"$TMP/w2/logs"
kill -HUP "$PID2"
strange() { grow >/dev/null; failed_says 2 'HTTP 403'; }
check "403: it knows others of our name" eventually strange
cp "$TMP/vkeys" "$TMP/w2/logs"
kill -HUP "$PID2"
check "camca policy reload: asked again at once" reload
check "and well" grows_quorum

# A witness that takes connections and says nothing, one that sends rubbish.
python3 - "$TMP/bad.port" 2>>"$TMP/bad.log" <<'END' &
import http.server, socketserver, sys, threading, time
class Bad(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/mute"):
            time.sleep(30)
            return
        big = self.path.startswith("/big")
        body = b"x" * (1 << 20) if big else \
            "\u2014 witness.test/w3 AAAAAAAA\n".encode()
        self.send_response(302 if self.path.startswith("/move") else 200)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
s = Server(("127.0.0.1", 0), Bad)
open(sys.argv[1], "w").write(str(s.server_address[1]))
s.serve_forever()
END
PIDS+=("$!")
check "a bad witness starts" eventually test -s "$TMP/bad.port"
BAD=http://127.0.0.1:$(cat "$TMP/bad.port")
witness_new 3 && witness_new 4 && witness_new 5 && witness_new 6 || exit 1
policy "witness mute $(cat "$TMP/w3.vkey") $BAD/mute" \
    "witness rubbish $(cat "$TMP/w4.vkey") $BAD/rubbish" \
    "witness big $(cat "$TMP/w5.vkey") $BAD/big" \
    "witness moved $(cat "$TMP/w6.vkey") $BAD/move" \
    "group all 2 first second mute rubbish big moved" "quorum all"
check "with bad ones in the policy" reload
check "the good ones are not held up" grows_quorum
check "no answer in a second is a failure" eventually state_is 3 failing
check "so is rubbish" eventually failed_says 4 'no signature of its key\|no list'
check "an answer past all measure" eventually failed_says 5 'larger'
check "redirects are not followed" eventually failed_says 6 'HTTP 302'

# ---- files that are wrong ----
policy "quorum nobody"
check_not "a wrong policy.tlog is refused" reload
check "the one before stays in force" equal \
    "$(status | jq '.witnesses | length')" 6
check "the doctor says what is wrong" cu_doctor warning anchors policy
policy "group both all first second" "quorum both"
check "mended" reload

# ---- a restored backup, with its file: only witnesses can tell ----
stop "$AUTHORITY_PID"
cu_backup old
cp -a "$STATE/custody" "$TMP/custody.old"
start_authority
check "the log goes on" grows_quorum
grow >/dev/null && grow >/dev/null && check "and on" eventually quorum
stop "$AUTHORITY_PID"
cu_restore old
rm -rf "$STATE/custody"
cp -a "$TMP/custody.old" "$STATE/custody"
start_authority
check "4.6 an older copy is put back: the witness contradicts" eventually \
    state_is 1 contradicts
check "it says how far it had been" failed_says 1 'restored backup'
check "the doctor calls it an error" cu_doctor error \
    'witness witness.test/w1' 'restored backup'
check "it is on record" eventually event 2 contradicts
# What it has, it has with our signature: that is no false alarm.
halted() { cu_refused custody.fork custody.sign; }
check "8 its checkpoint is fetched, and nothing more is signed" eventually halted
check "for a reason that can be acted on" grep -q \
    'has a checkpoint of size [0-9]*, which the .* of the database do not continue' \
    "$TMP/cu.said"
check "in the log, who said so" grep -q 'witness.test/w[12]: shows a checkpoint of' \
    "$TMP/camcad.log"
check "the doctor has it" cu_doctor error checkpoints 'older copy'
signed() { cu_sql 'SELECT MAX(size) FROM log_checkpoint'; }
SIGNED=$(signed)
device cam-2
check "certificates are issued all the same" enroll cam-2 "$TMP/cam-2"
stop "$AUTHORITY_PID"
start_authority
for _ in $(seq 8); do camca site add "s$RANDOM$RANDOM" --name x --level 1 >/dev/null; done
check "so it is over a start, and past that size" cu_refused custody.fork custody.sign
check "no checkpoint came out" equal "$(signed)" "$SIGNED"
check "a person decides" cu_call custody.fork '{"reason":"backup of Monday"}'
check "and the log goes on under another name" equal \
    "$(status | jq -r .origin)" localhost/custody/2
check "the policy has to follow" cu_doctor warning anchors 'localhost/custody/2'
# Without what it shows, its word alone holds up nothing.
stop "$AUTHORITY_PID"
cu_restore old
rm -rf "$STATE/custody"
cp -a "$TMP/custody.old" "$STATE/custody"
cat >"$TMP/deny.py" <<'END'
import http.server, socketserver, sys
class Deny(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(409, b"1000000\n", "text/x.tlog.size")
    def do_GET(self):
        try:
            self.answer(200, open(sys.argv[2], "rb").read(), "text/plain")
        except OSError:
            self.answer(404, b"", "text/plain")
    def answer(self, code, body, kind):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
s = Server(("127.0.0.1", 0), Deny)
open(sys.argv[1], "w").write(str(s.server_address[1]))
s.serve_forever()
END
python3 "$TMP/deny.py" "$TMP/deny.port" "$TMP/shown" 2>>"$TMP/bad.log" &
PIDS+=("$!")
check "a witness that lies starts" eventually test -s "$TMP/deny.port"
stop "$PID1"
stop "$PID2"
URL1=http://127.0.0.1:$(cat "$TMP/deny.port")
start_authority
policy "quorum first"
check "it is asked" reload
check "it says that it knows more" eventually state_is 1 contradicts
check "with nothing to show for it the log goes on" grow
# A checkpoint of our name, larger than ours, by a key that is not ours; and ours
# with its size changed.
false_note() {
	cu_call custody.checkpoint | jq -j .note | sed '2s/.*/900000/' >"$TMP/shown"
}
check "a false checkpoint is shown" false_note
check "asked again" reload
asked_again() { eventually state_is 1 contradicts && sleep 2; }
check "it contradicts again" asked_again
check "what is not signed by the log holds up nothing" grow

# ---- camca up ----
stop "$GATE_PID"
stop "$ANCHOR_PID"
stop "$AUTHORITY_PID"
start up "$BIN/camca" --state "$STATE" up
UP_PID=$LAST_PID
asks() { status >/dev/null && cu_doctor ok camca-anchor "asks for work"; }
check "camca up starts camca-anchor" eventually asks
child_user() { ps -o user=,comm= --ppid "$UP_PID" | awk -v c="$1" '$2 == c { print $1 }'; }
check "as the gate's user" equal "$(child_user camca-anchor)" \
    "$(child_user camca-gate)"
check_not "which is not nobody" equal "$(child_user camca-anchor)" ""
stop "$UP_PID"
finish
