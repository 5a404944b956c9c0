#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Enrollments that wait for a person. What a client sees of it is in
# est_i_errors.sh (I1 to I4); here are the queue, the decisions and what else
# may happen while somebody waits.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
need openssl curl jq
policies
profile wait camera-ec 's/approval: false/approval: true/' 's/retry_after: 60s/retry_after: 11s/'
profile also camera-ec 's/approval: false/approval: true/'
profile short camera-ec 's/approval: false/approval: true/' 's/approval_ttl: 7d/approval_ttl: 1h/'
sed -i -e 's/^approval: false/approval: true/' "$POLICIES/levels/level-2.yaml"
est_init --policies "$POLICIES"
camca_start
declare -A S

queue() { # STATE DEVICE: ids of its entries
	camca --json enroll list --status "$1" | jq -r ".items[] | select(.device == \"$2\") | .id"
}
count() { queue "$@" | wc -l; }
camera() { # ID [LEVEL]: registered, with CSR $TMP/ID and login
	device "$@" && csr "$TMP/$1"
	S[$1]=$SECRET
}
login() { echo "$1:${S[$1]}"; }
ask() { # LABEL ID [FILE]: the status
	est_post "${1:+$1/}simpleenroll" "$TMP/${3:-$2}" -u "$(login "$2")"
}
waits() { # LABEL ID [FILE]: 202
	equal "$(ask "$@")" 202 && grep 'waits for approval' "$TMP/${3:-$2}.out"
}
gets() { # LABEL ID [FILE]: 200, a certificate for that key
	equal "$(ask "$@")" 200 || { cat "$TMP/${3:-$2}.out"; return 1; }
	p7_cert "$TMP/${3:-$2}"
	equal "$(openssl x509 -in "$TMP/${3:-$2}.pem" -noout -pubkey)" \
	    "$(openssl ec -in "$TMP/${3:-$2}.key" -pubout 2>/dev/null)"
}
gets_not() { # STATUS WORDS LABEL ID [FILE]
	equal "$(ask "${@:3}")" "$1" && grep -E "$2" "$TMP/${5:-$4}.out" ||
	    { cat "$TMP/${5:-$4}.out"; return 1; }
}
certs() { camca --json cert list --device "$1" | jq '.items | length'; }
# says WORDS COMMAND...: refused, in these words
says() {
	local words=$1 out
	shift
	out=$("$@" 2>&1) && { echo "not refused"; return 1; }
	grep -E "$words" <<<"$out" || { echo "$out"; return 1; }
}

# Asked for by the label, and by the level of the site.
camera cam-1
check "202 where the label asks for approval" waits wait cam-1
check "Retry-After is a whole number of seconds" equal "$(field Retry-After "$TMP/cam-1")" 11
check "the body is a sentence" is_text "$TMP/cam-1"
camera cam-2 2
check "202 where the level of the site does" waits '' cam-2
check "which is an event, as is the other" event_has 'type enroll.pending .*auth secret' cam-2
check "nothing is issued" equal "$(certs cam-1) $(certs cam-2)" '0 0'
check "the device is still registered" equal "$(camca --json device show cam-1 |
    jq -r .device.state)" registered
shown() { camca --json device show cam-1 | jq -r '.pending[0].state // .pending.state'; }
check "device show has it" equal "$(shown)" waiting

# A new request with another proof of possession each time is the same request.
pop() { # VERSION: the status of a request made for its own connection
	"$BIN/tests/tools/est_link" "$EST_PORT" "$TMP/root.pem" wait/simpleenroll \
	    "$TMP/cam-1.key" "$TMP/cam-1" login="$(login cam-1)" tls="$1" \
	    challenge=binding
}
for v in 1.2 1.3 1.3; do
	check "signed anew for its connection, TLS $v: still 202" equal "$(pop $v)" 'status 202'
done
check "one entry" equal "$(count waiting cam-1)" 1
check "matched on the key: its hash" equal "$(camca --json enroll list | jq -r '.items[] |
    select(.device == "cam-1") | .spki')" "$(openssl ec -in "$TMP/cam-1.key" -pubout \
    -outform DER 2>/dev/null | sha256sum | cut -d' ' -f1)"

# Restarts of either daemon.
restart_authority
check "after a restart of the authority: 202" waits wait cam-1
stop "$GATE_PID"
start_gate
check "after a restart of the gate: 202" waits wait cam-1
check "still one entry" equal "$(count all cam-1)" 1

# Approved.
ID=$(queue waiting cam-1)
check "approved" camca enroll approve "$ID" --reason "seen on site"
check "who and why are on record" event_has 'type enroll.approved .*actor [^ ]+.*reason seen on site' cam-1
check "not twice" says 'approved' camca enroll approve "$ID"
check "nor denied afterwards" says 'approved' camca enroll deny "$ID" --reason no
restart_authority
check "approved is approved after a restart" equal "$(count approved cam-1)" 1
csr "$TMP/other"
check "the approval is for that key: another gets nothing" gets_not 401 'another key' \
    wait cam-1 other
check "and for that label" waits also cam-1
check "proof of possession still counts" equal "$("$BIN/tests/tools/est_link" "$EST_PORT" \
    "$TMP/root.pem" wait/simpleenroll "$TMP/cam-1.key" "$TMP/cam-1" \
    login="$(login cam-1)" challenge=stale)" 'status 403'
check "the next request gets the certificate" equal "$(pop 1.3)" 'status 200'
check "the entry is closed" equal "$(count issued cam-1)" 1
cp "$TMP/cam-1.pem" "$TMP/first.pem"
check "once more: the same certificate, without a person" gets wait cam-1
check "byte by byte" cmp "$TMP/cam-1.pem" "$TMP/first.pem"
check "one certificate" equal "$(certs cam-1)" 1
renew_csr "$TMP/r1" "$TMP/cam-1"
check "renewal waits for nobody" accepts simplereenroll "$TMP/r1" --cert "$TMP/cam-1.pem" \
    --key "$TMP/cam-1.key"
check "no such entry" says 'no queue entry' camca enroll approve 99999

# Denied.
camera cam-3
check "another waits" waits wait cam-3
check "a denial needs a reason" says 'reason is missing' \
    camca enroll deny "$(queue waiting cam-3)"
check "that is not blank" says 'request.argument' \
    camca enroll deny "$(queue waiting cam-3)" --reason " "
check "denied" camca enroll deny "$(queue waiting cam-3)" --reason "wrong place"
check "403 with the reason" gets_not 403 'denied.*wrong place' wait cam-3
check "again: no new entry" gets_not 403 'denied' wait cam-3
check "one entry, denied" equal "$(count denied cam-3) $(count all cam-3)" '1 1'
check "another key with that secret: no" gets_not 401 'another key' wait cam-3 other
S[cam-3]=$(camca --json enroll secret cam-3 | jq -r .secret)
csr "$TMP/cam-3b"
check "a new secret and a new key may ask again" waits wait cam-3 cam-3b
check "the event" event_has 'type enroll.denied .*reason wrong place' cam-3

# Two people at once: one of them decides.
camera cam-4
waits wait cam-4 >/dev/null
both() {
	local id a b
	id=$(queue waiting cam-4)
	camca enroll approve "$id" >/dev/null 2>&1 & a=$!
	camca enroll deny "$id" --reason x >/dev/null 2>&1 & b=$!
	wait $a; a=$?
	wait $b; b=$?
	equal $((a + b)) 1
	equal "$(events cam-4 | grep -cE 'enroll.(approved|denied)')" 1
}
check "approved and denied at the same moment: one holds" both

# What happens between approval and fetching counts.
camera cam-5
waits wait cam-5 >/dev/null
camca enroll approve "$(queue waiting cam-5)" >/dev/null
camca device move cam-5 lost --reason stolen >/dev/null
check "approved, then reported lost" gets_not 403 'lost' wait cam-5
check "nothing was issued" equal "$(certs cam-5)" 0
camera cam-6 2
waits '' cam-6 >/dev/null
camca enroll approve "$(queue waiting cam-6)" >/dev/null
cp "$STATE/policies/levels/level-2.yaml" "$TMP/level-2.yaml"
sed -i -e 's/^need_origin: .*/need_origin: true/' "$STATE/policies/levels/level-2.yaml"
camca policy reload >/dev/null
check "approved, then the level asks for documents" gets_not 403 'origin' '' cam-6
cp "$TMP/level-2.yaml" "$STATE/policies/levels/level-2.yaml"
camca policy reload >/dev/null
check "and no more" gets '' cam-6

# A bound for each device; keys of another are another's.
camera cam-7
full() { # keys that wait before one is refused
	local i n=0
	for i in 1 2 3 4 5 6; do
		csr "$TMP/k$i"
		S[cam-7]=$(camca --json enroll secret cam-7 | jq -r .secret)
		[ "$(ask wait cam-7 k$i)" = 202 ] && n=$((n + 1))
	done
	echo $n
}
check "four entries a device" equal "$(full)" 4
check "the next is told" grep -q 'has 4 requests waiting' "$TMP/k5.out"
check "in the queue, too" equal "$(count waiting cam-7)" 4
camera cam-8
check "which is no other device's trouble" waits wait cam-8
camca enroll deny "$(queue waiting cam-7 | head -1)" --reason x >/dev/null
S[cam-7]=$(camca --json enroll secret cam-7 | jq -r .secret)
check "a decision makes room" waits wait cam-7 k6

# A label that takes factory identities only, and proof of possession.
maker_init Acme
maker_crl Acme
camca vendor add Acme --roots "$TMP/Acme/root.pem" >/dev/null
camca vendor crl Acme --crls "$TMP/Acme/crls.pem" >/dev/null
device cam-9
factory Acme SN-cam-9 "$TMP/f9"
csr "$TMP/cam-9"
strict() {
	"$BIN/tests/tools/est_link" "$EST_PORT" "$TMP/root.pem" strict/simpleenroll \
	    "$TMP/cam-9.key" "$TMP/cam-9" cert="$TMP/f9.pem" certkey="$TMP/f9.key" \
	    challenge=binding
}
check "strict, by factory identity: 202" equal "$(strict)" 'status 202'
check "again: 202, one entry" equal "$(strict) $(count waiting cam-9)" 'status 202 1'
camca enroll approve "$(queue waiting cam-9)" >/dev/null
check "approved: 200" equal "$(strict)" 'status 200'

# Time. The authority's clock moves, not ours.
camera cam-10
S[cam-10]=$(camca --json enroll secret cam-10 --ttl 5m | jq -r .secret)
camera cam-11
camera cam-12
for c in 10:wait 11:short 12:short; do
	check "cam-${c%:*} waits" waits ${c#*:} cam-${c%:*}
done
camca enroll approve "$(queue waiting cam-12)" >/dev/null
restart_authority +2h
camca enroll approve "$(queue waiting cam-10)" >/dev/null
check "a secret that ended while its key waited is enough" gets wait cam-10
expired() { equal "$(count expired "$1")" 1; }
check "an entry ends by itself" eventually expired cam-11
check "an approved one that nobody fetched, too" eventually expired cam-12
check "they are events" event_has 'type enroll.expired' cam-12
check "an ended entry cannot be approved" says 'expired' camca enroll approve "$(queue expired cam-11)"
check "who asks again waits again" waits short cam-12
check "in a new entry" equal "$(count waiting cam-12)" 1
finish
