#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Waiting, refusals and their record: lines I1 to I8 (RFC 7030 4.2.3, RFC 8951
# 5.1). I6, an error as Simple PKI Response, is not offered: text it is.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq
policies
profile wait camera-ec 's/approval: false/approval: true/' \
    's/retry_after: 60s/retry_after: 7s/' \
    's/challenge_may_be_other: false/challenge_may_be_other: true/'
profile short camera-ec 's/approval: false/approval: true/' \
    's/approval_ttl: 7d/approval_ttl: 1h/'
est_init --policies "$POLICIES"
camca_start
W=/.well-known/est

# I1
device cam-1
csr "$TMP/one"
LOGIN=(-u "cam-1:$SECRET")
check "I1 approval: 202" equal "$(est_post wait/simpleenroll "$TMP/one" "${LOGIN[@]}")" 202
check "I1 Retry-After in seconds" equal "$(field Retry-After "$TMP/one")" 7
check "I1 a sentence says why" grep -q 'waits for approval' "$TMP/one.out"
check "I1 nothing is issued meanwhile" equal \
    "$(camca --json cert list --device cam-1 | jq '.items | length')" 0

# I2: the same key is the same request, whatever else changed in it.
waiting() { # STATE DEVICE: ids of its entries
	camca --json enroll list --status "$1" |
	    jq -r ".items[] | select(.device == \"$2\") | .id"
}
new_csr() { # the same key, other bytes: as a client does that proves possession
	challenge_csr "$TMP/one" "$1"
}
ask() { est_post wait/simpleenroll "$TMP/one" "${LOGIN[@]}"; }
for i in 1 2 3; do
	new_csr "not a binding $i"
	check "I2 signed anew, $i: still 202" equal "$(ask)" 202
done
check "I2 one entry in the queue" equal "$(waiting waiting cam-1 | wc -l)" 1
restart_authority
check "I2 it outlives a restart" equal "$(ask)" 202
check "I2 still one entry" equal "$(waiting waiting cam-1 | wc -l)" 1
csr "$TMP/else"
check "I2 the secret stays with the first key" refuses 401 'another key' \
    wait/simpleenroll "$TMP/else" "${LOGIN[@]}"
check "I2 approved" camca enroll approve "$(waiting waiting cam-1)"
new_csr "not a binding 4"
check "I2 asked again: the certificate" accepts wait/simpleenroll "$TMP/one" "${LOGIN[@]}"
check "I2 for that key" equal "$(openssl x509 -in "$TMP/one.pem" -noout -pubkey)" \
    "$(openssl ec -in "$TMP/one.key" -pubout 2>/dev/null)"
check "I2 the entry is closed" equal "$(waiting waiting cam-1 | wc -l)" 0

# I3
device cam-3
csr "$TMP/three"
est_post wait/simpleenroll "$TMP/three" -u "cam-3:$SECRET" >/dev/null
camca enroll deny "$(waiting waiting cam-3)" --reason "not on the list" >/dev/null
check "I3 denied: 403, with the operator's reason" refuses 403 'denied.*not on the list' \
    wait/simpleenroll "$TMP/three" -u "cam-3:$SECRET"
check "I3 the entry is closed" equal "$(waiting waiting cam-3 | wc -l)" 0
check "I3 asking again opens no other" refuses 403 'denied' wait/simpleenroll \
    "$TMP/three" -u "cam-3:$SECRET"

# I4: an RA can fill the queue of a device, but only so far.
device ra-4 1 --kind ra
csr "$TMP/ra"
enroll_ra() { accepts ra/simpleenroll "$TMP/ra" -u "ra-4:$SECRET"; }
check "I4 an RA" enroll_ra
device cam-4
fill() { # keys that were put into the queue, and the last answer
	local i n=0
	for i in 1 2 3 4 5 6; do
		csr "$TMP/k$i" -subj /CN=cam-4
		[ "$(est_post wait/simpleenroll "$TMP/k$i" --cert "$TMP/ra.pem" \
		    --key "$TMP/ra.key")" = 202 ] && n=$((n + 1))
	done
	echo "$n"
}
check "I4 four requests of a device wait, no more" equal "$(fill)" 4
check "I4 the fifth is told" grep -q 'waiting already' "$TMP/k5.out"
device cam-4b
csr "$TMP/exp"
est_post short/simpleenroll "$TMP/exp" -u "cam-4b:$SECRET" >/dev/null
check "I4 an entry that waits" equal "$(waiting waiting cam-4b | wc -l)" 1
SECRET4=$SECRET
restart_authority +2h
check "I4 after its time it cannot be approved" not camca enroll approve \
    "$(waiting all cam-4b)"
check "I4 asked again: a new entry" equal "$(est_post short/simpleenroll "$TMP/exp" \
    -u "cam-4b:$SECRET4")" 202
check "I4 the old one is expired" equal "$(waiting expired cam-4b | wc -l)" 1
check "I4 which is an event" event_has 'type enroll.expired' cam-4b
restart_authority
check "I4 the clock is right again" camca clock accept

# I5, I7, I8: one of each kind: status, a sentence, an event with the rule.
refusal() { # ID STATUS RULE WORDS COMMAND...: COMMAND leaves $TMP/i.out
	local id=$1 status=$2 rule=$3 words=$4
	shift 4
	check "I7 $id: $status" answers "$status" "$words" "$TMP/i" "$@"
	[ "$rule" = - ] || check "I8 $id: event of $rule" event_has "rule $rule( http $status)?"
}
post() { # OP [curl options]
	local op=$1
	shift
	est_post "$op" "$TMP/i" "$@"
}
csr "$TMP/i"
device cam-7
as_cam_7() { post simpleenroll -u "cam-7:$SECRET"; }
body() { # BYTES: as the body of an enrollment
	printf "$1" >"$TMP/i.b64"
	as_cam_7
}
typed() { # CONTENT-TYPE
	get "$TMP/i" $W/simpleenroll -H "Content-Type:$1" --data-binary "@$TMP/i.b64"
}
refusal "no login" 401 auth.required required post simpleenroll
refusal "wrong login" 401 secret.refused wrong post simpleenroll -u cam-1:x
refusal "malformed login" 400 auth.malformed Basic post simpleenroll \
    -H 'Authorization: Basic !'
refusal "renewal without certificate" 403 reenroll.certificate-required \
    certificate post simplereenroll
refusal "no such address" 404 est.no-such-resource nothing get "$TMP/i" $W/none
refusal "no such label" 404 est.no-such-label nowhere post nowhere/simpleenroll
refusal "wrong method" 405 est.method 'POST only' get "$TMP/i" $W/simpleenroll
refusal "not offered" 501 est.not-offered 'not offer' post serverkeygen
refusal "wrong media type" 415 est.media-type application/pkcs10 typed ' text/plain'
refusal "no media type" 415 est.media-type application/pkcs10 typed ''
check "I7 parameters and case of the media type do not matter" equal \
    "$(typed ' Application/PKCS10 ; charset=x')" 401
csr "$TMP/i" -addext basicConstraints=CA:TRUE
refusal "forbidden" 403 csr.asks-ca CA as_cam_7
challenge_csr "$TMP/i" AAAA
refusal "wrong proof of possession" 403 pop.mismatch 'proof of possession' as_cam_7
refusal "malformed: not base64" 400 est.body-base64 base64 body 'MIIC*'
refusal "malformed: not DER" 400 csr.not-der DER body 'MAMCAgA='
refusal "malformed: not PKCS#10" 400 csr.not-pkcs10 PKCS body 'MAMCAQA='
refusal "malformed: empty" 400 est.body-empty 'no body' body ''
head -c 70000 /dev/zero | tr '\0' A >"$TMP/i.b64"
refusal "too large" 413 est.body-too-large 65536 as_cam_7
check "I8 the events have no secrets and no addresses" sh -c "! '$BIN/camca' \
    --json event list --limit 100000 | grep -qE '127.0.0.1|$SECRET'"

# The authority away: 503, and the refusals are on record when it is back.
csr "$TMP/i"
stop "$AUTHORITY_PID"
check "I7 no authority: 503" answers 503 'try again' "$TMP/i" as_cam_7
check "I7 no authority: Retry-After" grep -qiE '^retry-after: [1-9]' "$TMP/i.head"
check "I7 no authority: cacerts too" equal "$(get "$TMP/i" $W/cacerts)" 503
start_authority
check "I7 the authority is back, and the gate finds it" eventually gate_reaches_authority
check "I8 the refusals meanwhile are events" event_has \
    'rule [a-z.-]+ http 503|throttle.summary .*rule system'
csr "$TMP/i"
check "I7 the same request is served now" equal "$(as_cam_7)" 200
check "I5 an answer without a refusal has no text" equal \
    "$(field Content-Type "$TMP/i")" 'application/pkcs7-mime; smime-type=certs-only'

stop "$GATE_PID"
est_throttle 1
start_gate
post simpleenroll -u cam-1:x >/dev/null
refusal "throttled" 429 auth.throttled 'Too many' post simpleenroll -u cam-1:x
check "I7 throttled: Retry-After" grep -qiE '^retry-after: [1-9]' "$TMP/i.head"
finish
