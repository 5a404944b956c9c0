#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# RFC 3161: time-stamps over checkpoints by a TSA made of openssl, and what is
# not one.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_tsa.sh"
need jq openssl sqlite3 python3

tsas() { # "NAME URL"...: in camca.yaml, in the place of those before
	local list='' t
	for t in "$@"; do list="$list${list:+, }\"$t\""; done
	sed -i "s|^  tsa: .*|  tsa: [$list]|" "$STATE/camca.yaml"
}
trust() { # NAME ROOT
	mkdir -p "$STATE/policies/custody"
	cp "$TMP/tsa/$2-root.pem" "$STATE/policies/custody/$1.pem"
}
t() { # NAME FIELD
	cu_call custody.status | jq -r --arg n "$1" \
	    ".timestamps[] | select(.tsa == \$n) | .$2"
}
state_is() { equal "$(t "$1" state)" "$2" || { t "$1" failed; return 1; }; }
failed_says() { # NAME WORDS
	t "$1" failed | tee "$TMP/failed"
	grep -q "$2" "$TMP/failed"
}
stamped() { # on demand
	cu_call custody.timestamp | tee "$TMP/stamped"
	jq -e '.timestamps | length > 0' "$TMP/stamped" >/dev/null
}
grow() { camca site add "s$RANDOM$RANDOM" --name x --level 1 >/dev/null; }
begin() { # "NAME URL"...
	tsas "$@"
	start_authority
	start anchor "$BIN/camca-anchor" --state "$STATE"
	ANCHOR_PID=$LAST_PID
}
end() { stop "$ANCHOR_PID"; stop "$AUTHORITY_PID"; }
# token TSA: its newest one as $TMP/token.tsr, the text it is of as token.text
token() {
	cu_sql "SELECT hex(token) || ' ' || size FROM log_timestamp
	    WHERE tsa = '$1' ORDER BY size DESC LIMIT 1" >"$TMP/token"
	cut -d' ' -f1 "$TMP/token" | python3 -c 'import sys
sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >"$TMP/token.tsr"
	cu_call custody.checkpoint "{\"size\":$(cut -d' ' -f2 "$TMP/token")}" |
	    jq -r .note | sed '/^$/,$d' >"$TMP/token.text"
	[ -s "$TMP/token.tsr" ] && [ -s "$TMP/token.text" ]
}
verified() { # by openssl alone
	openssl ts -verify -data "$TMP/token.text" -in "$TMP/token.tsr" \
	    -CAfile "$TMP/tsa/good-root.pem"
}

check "a TSA starts" tsa_start
camca_init
trust one good
trust two good
begin "one $TSA/ok/1" "two $TSA/ok/2"
answering() { state_is one answering && state_is two answering; }
check "both TSAs stamp the first checkpoint by themselves" eventually answering
check "the answer is kept whole" token one
check "4.1 openssl ts -verify takes it" verified
cp "$TMP/token.text" "$TMP/true.text"
sed -i 's/^localhost/LOCALHOST/' "$TMP/token.text"
check_not "not for another text" verified
cp "$TMP/true.text" "$TMP/token.text"
sed -i '2 s/$/0/' "$TMP/token.text"
check_not "not for another size" verified
on_record() { # the hash of $TMP/token.tsr
	cu_sql "SELECT COUNT(*) FROM event WHERE CAST(body AS TEXT) LIKE
	    '%tsa one%token-sha256 $(sha256sum "$TMP/token.tsr" |
	    cut -c1-64)%'" | grep -qx 1
}
check "its hash is an event" eventually on_record
grow
check "camca custody timestamp: on demand" stamped
check "by both" equal "$(jq -c '[.timestamps[].tsa]' "$TMP/stamped")" \
    '["one","two"]'
check "over all that had happened" test "$(jq .size "$TMP/stamped")" -ge \
    "$(cut -d' ' -f2 "$TMP/token")"
check "the doctor is content" cu_doctor ok 'tsa one' entries
stamps() { cu_sql 'SELECT COUNT(*) FROM log_timestamp'; }
n=$(stamps)
check "events of stamps alone are nothing new" cu_signed
check "and get no stamp" equal "$(stamps)" "$n"
end

# ---- what is not a stamp ----
begin "one $TSA/nonce" "two $TSA/imprint"
grow
check "none of two: 503" cu_refused custody.timestamp custody.timestamp
check "wrong nonce" failed_says one nonce
check "wrong imprint" failed_says two imprint
check "the doctor says so" cu_doctor warning 'tsa one' nonce
check "nothing of it is kept" equal "$(stamps)" "$n"
end
begin "one $TSA/other" "two $TSA/garbage" "cut $TSA/cut" "page $TSA/html"
trust cut good
trust page good
check "a file of trust that came later is read by policy reload" \
    camca policy reload
grow
check "none of four" cu_refused custody.timestamp custody.timestamp
check "a TSA that nobody trusts" failed_says one 'certificate'
check "garbage" failed_says two 'no TimeStampResp'
check "cut short" failed_says cut 'no TimeStampResp'
check "another type" failed_says page 'no time-stamp reply'
check "nothing of it is kept" equal "$(stamps)" "$n"
end
rm "$STATE/policies/custody/page.pem"
begin "one $TSA/reject" "two $TSA/error" "cut $TSA/slow" "page $TSA/ok"
check "one without trust is not asked" failed_says page 'no such object'
check "and is an alarm" cu_doctor warning anchors 'TSA page'
grow
began=$(date +%s)
check "none of four again" cu_refused custody.timestamp custody.timestamp
check "within 15 s" test $(($(date +%s) - began)) -le 18
check "refused by the TSA" failed_says one 'status'
check "HTTP 500" failed_says two 'HTTP 500'
check "slow" failed_says cut '[Tt]imed\? \?out'
check "nothing of it is kept" equal "$(stamps)" "$n"
check "the log goes on meanwhile" cu_signed
end

# ---- one of two is enough; none stops anything ----
begin "one $TSA/ok" "two http://127.0.0.1:1/"
grow
check "one that is down does not hold up the other" stamped
check "down is an alarm" eventually failed_says two "onnect"
check "the stamp holds" token one
check "for openssl too" verified
kill "$TSA_PID"
grow
check "with none left there is no stamp" cu_refused custody.timestamp \
    custody.timestamp
start_gate
curl -s --insecure "$EST/cacerts" -o /dev/null
camca ca certificate root >"$TMP/root.pem"
device cam-1
check "certificates are issued all the same" enroll cam-1 "$TMP/cam-1"
check "without a courier it ends in time" stop "$ANCHOR_PID"
end
tsas
start_authority
check "no TSA at all: said so" cu_refused custody.no-tsa custody.timestamp
finish
