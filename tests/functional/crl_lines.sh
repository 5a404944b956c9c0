#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CRLs as clients get them, one check a line of the conformance table (C1 to
# C16), read by a DER reader of the tests' own. C5, C6 and C10 are about
# partitioned and delta CRLs, which are not made: that no IDP, no delta and no
# freshestCRL ever appears is what is checked of them.
. "$(dirname "$0")/../lib.sh"
need curl jq openssl python3 sqlite3

camca_init
camca_start

ski() { camca --json ca list | jq -r --arg n "$1" '.items[]? // . | select(.name==$n and .state=="active") | .ski' | head -1; }
EC=$(ski ec) ROOT=$(ski root)
fetch() { # SKI FILE: the CRL and its facts in FILE.json
	curl -sf "http://127.0.0.1:$HTTP_PORT/crl/$1.crl" -o "$2" &&
	    python3 "$TOP/tests/tools/crl_facts.py" "$2" >"$2.json"
}
fact() { jq -r "$2" "$1.json"; }
is() { equal "$(fact "$1" "$2")" "$3"; }
row() { camca --json crl list | jq -c --arg s "$1" '.items[]? // . | select(.ski==$s)' | head -1; }
current() { [ "$(camca --json crl list | jq -s '[.[] | .items[]? // .] | all(.current)')" = true ]; }
number() { row "$1" | jq .number; }
lists() { # FILE SERIAL: reason of its entry, -: none, missing
	jq -r --arg s "$2" '[.entries[] | select(.serial==$s) | .reason // "-"] |
	    if length == 0 then "missing" else map(tostring) | join("+") end' "$1.json"
}
# The gate asks again after two seconds.
newest() { # SKI FILE
	fetch "$1" "$2" && equal "$(fact "$2" .number)" "$(number "$1")"
}
settled() { eventually current && eventually newest "$EC" "$TMP/ec"; }
# Serial numbers have 160 bits, more than the shell's integers.
serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f |
    awk '{ printf "%40s", $0 }' | tr ' ' 0; }

check "C14 each CA has a CRL with no revocation at all" eventually current
check "the root's CRL is there" eventually fetch "$ROOT" "$TMP/root.crl"
check "the issuing CA's CRL is there" eventually fetch "$EC" "$TMP/ec"

# ---- an empty list ----
for f in root.crl ec; do
	check "C1 $f: version 2" is "$TMP/$f" .version 1
	check "C1 $f: one algorithm in both places" is "$TMP/$f" \
	    '.inner_algorithm == .outer_algorithm' true
	check "C2 $f: both times, UTCTime with seconds and Z" is "$TMP/$f" \
	    '[.this_update, .next_update] | all(.type == "utc" and (.text | test("^[0-9]{12}Z$")))' true
	check "C3 $f: no list of entries where there are none" is "$TMP/$f" .has_entries false
	check "C4 $f: a number, not critical" is "$TMP/$f" \
	    '.extensions[] | select(.oid == "2.5.29.20") | .critical' false
	check "C5 C6 C10 $f: complete and direct: no IDP, no delta, no freshestCRL" is "$TMP/$f" \
	    '[.extensions[].oid] | sort | join(" ")' "2.5.29.20 2.5.29.35"
	check "signature: whole bytes" is "$TMP/$f" .unused_bits 0
done
check "C4 the AKI is the CA's key identifier" is "$TMP/ec" '.aki["80"]' "$EC"
check "C4 the AKI has nothing else" is "$TMP/ec" '.aki | keys | length' 1
camca ca certificate ec >"$TMP/ec.pem"
openssl x509 -in "$TMP/ec.pem" -outform DER -out "$TMP/ec.der"
subject() { python3 - "$TMP/ec.der" <<-'P'
	import sys
	b = open(sys.argv[1], "rb").read()
	def take(b):
	    n, h = b[1], 2
	    if n & 128:
	        h = 2 + (n & 127); n = int.from_bytes(b[2:h], "big")
	    return b[h:h+n], b[:h+n], b[h+n:]
	tbs = take(take(b)[0])[0]
	for i in range(6):
	    _, whole, tbs = take(tbs)
	print(whole.hex())
	P
}
check "C1 the issuer is the CA's subject, byte by byte" is "$TMP/ec" .issuer "$(subject)"

# ---- changes ----
for i in 1 2 3 4; do
	device "cam-$i"
	enroll "cam-$i" "$TMP/c$i" || echo "not ok enroll cam-$i"
	eval "S$i=$(serial "$TMP/c$i.pem")"
done
check "C15 the CDP of a certificate is where the list is: http, DER" sh -c '
	openssl x509 -in "$1" -noout -ext crlDistributionPoints |
	    grep -q "URI:http://.*/crl/'"$EC"'.crl"' - "$TMP/c1.pem"
before=$(number "$EC")
camca cert revoke "$S1" --reason unspecified --text "none given" >/dev/null
camca cert revoke "$S2" --reason keyCompromise --text "stolen" >/dev/null
camca cert hold "$S3" --text "warned" >/dev/null
check "changes are in the next list" settled
check "C8 unspecified is left out" equal "$(lists "$TMP/ec" "$S1")" -
check "C8 keyCompromise" equal "$(lists "$TMP/ec" "$S2")" 1
check "C11 a hold is listed as certificateHold" equal "$(lists "$TMP/ec" "$S3")" 6
check "C8 no extension of an entry is critical" is "$TMP/ec" \
    '[.entries[].extensions[].critical] | any' false
check "C7 the issuing CA's list holds its certificates and no others" is "$TMP/ec" '.entries | length' 3
check "C12 no serial twice" is "$TMP/ec" '.entries | map(.serial) | length == (unique | length)' true
check "C12 entries in order of their serials" is "$TMP/ec" '.entries | map(.serial) | . == sort' true
check "C12 no revocation after thisUpdate" is "$TMP/ec" \
    '.this_update.full as $t | .entries | all(.date.full <= $t)' true
check "C12 no revocation before the certificate" sh -c '
	t=$(date -u -d "$(openssl x509 -in "$1" -noout -startdate | cut -d= -f2)" +%Y%m%d%H%M%SZ)
	[ "$(jq -r --arg s "$2" ".entries[] | select(.serial==\$s) | .date.full" "$3")" \> "$t" ]
	' - "$TMP/c2.pem" "$S2" "$TMP/ec.json"
check "C4 the number has risen" test "$(fact "$TMP/ec" .number)" -gt "$before"
check "C2 thisUpdate is not in the future" sh -c '
	[ "$(jq -r .this_update.full "$1")" \< "$(date -u -d "+1 second" +%Y%m%d%H%M%SZ)" ]' - "$TMP/ec.json"

camca cert release "$S3" --text "mended" >/dev/null
check "a release is in the next list" settled
check "C11 released: gone" equal "$(lists "$TMP/ec" "$S3")" missing
camca cert hold "$S3" --text "warned again" >/dev/null
camca cert revoke "$S3" --reason privilegeWithdrawn --text "for good" >/dev/null
check "C11 hold and revocation are in the next list" settled
check "C11 held, then revoked for good" equal "$(lists "$TMP/ec" "$S3")" 9
camca cert revoke "$S1" --reason keyCompromise --text "it was stolen" >/dev/null
check "C11 the worse reason is in the next list" settled
check "C11 revoked again for keyCompromise" equal "$(lists "$TMP/ec" "$S1")" 1
check_not "C11 keyCompromise is the last word" camca cert revoke "$S1" \
    --reason superseded --text no
check_not "C11 nor is it a hold" camca cert hold "$S1" --text no

# ---- C13: order, and what a crash leaves ----
watch_numbers() { # each list seen has a higher number and later time
	local i last=0 lasttime=0 n t
	for i in $(seq 8); do
		device "w-$i" && enroll "w-$i" "$TMP/w$i" || return 1
		camca cert revoke "$(serial "$TMP/w$i.pem")" --reason superseded --text x >/dev/null
		settled || return 1
		n=$(fact "$TMP/ec" .number) t=$(fact "$TMP/ec" .this_update.full | tr -d Z)
		[ "$n" -gt "$last" ] && [ "$t" -gt "$lasttime" ] || { echo "$n $t after $last $lasttime"; return 1; }
		last=$n lasttime=$t
	done
}
check "C13 number and thisUpdate rise with each list" watch_numbers
N=$(number "$EC")
cp "$STATE/crl/$EC.crl" "$TMP/kept.crl"
stop "$AUTHORITY_PID"
printf x >>"$STATE/crl/$EC.crl"
start_authority
check "C13 a damaged file is never served: a new list takes its place" eventually sh -c '
	[ "$("$1" --json crl list | jq -s "[.[] | .items[]? // .] | map(select(.ski==\"'"$EC"'\")) | .[0].number")" -gt '"$N"' ]' - "$BIN/camca"
check "C13 with the same entries" eventually newest "$EC" "$TMP/ec"
check "C13 none lost" equal "$(fact "$TMP/ec" '.entries | length')" \
    "$(python3 "$TOP/tests/tools/crl_facts.py" "$TMP/kept.crl" | jq '.entries | length')"

# Rows that vanish: the list before stays, and doctor says why.
stop "$AUTHORITY_PID"
N=$(jq .number "$TMP/ec.json")
sqlite3 "$STATE/db/camca.sqlite" 'DELETE FROM crl_entry WHERE rev_seq IN
    (SELECT rev_seq FROM crl_entry LIMIT 1)'
start_authority
device shrink
eventually enroll shrink "$TMP/shrink"
camca cert revoke "$(serial "$TMP/shrink.pem")" --reason superseded --text x >/dev/null
shrink() { row "$EC" | jq -r .error | grep -q "lists serial"; }
check "C13 a list that would lose an entry is not published" eventually shrink
check "C13 the list before stays published" sh -c '
	sleep 2.5; curl -sf "$1" -o "$2" && python3 "$3" "$2" | jq .number | grep -qx "$4"' - \
    "http://127.0.0.1:$HTTP_PORT/crl/$EC.crl" "$TMP/stay" "$TOP/tests/tools/crl_facts.py" "$N"
check "C13 doctor says why" sh -c '"$1" doctor | grep -q "does not come out"' - "$BIN/camca"
stop "$AUTHORITY_PID"

check "nothing was complained of but that" sh -c '
	! grep " error " "$1" | grep -v "ec: "' - "$TMP/camcad.log"
finish
