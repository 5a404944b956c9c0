#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The OCSP responder, one check a rule: names are O1 … O30 of the acceptance
# table. HTTP is in ocsp_http.sh, other people's clients in interop/ocsp_rp.sh.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/lib_ocsp.sh
. "$TOP/tests/lib_ocsp.sh"
need openssl curl jq

camca_init
ocsp_start
device cam1; enroll cam1 "$TMP/cam1" || exit 1
device cam2; enroll cam2 "$TMP/cam2" || exit 1
device cam3; enroll cam3 "$TMP/cam3" || exit 1
S1=$(cert_serial "$TMP/cam1.pem")
S2=$(cert_serial "$TMP/cam2.pem")
S3=$(cert_serial "$TMP/cam3.pem")
EC=$(cert_serial "$TMP/ec.pem")
ROOT=$(cert_serial "$TMP/root.pem")
now() { date +%s; }
between() { # VALUE LOW HIGH
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "$1 is not in $2..$3"; return 1; }
}

ocsp_make one "$S1"
check "O1 a definitive answer is a signed BasicOCSPResponse" \
    asked one status=0 body=basic signature=ok der=yes trailing=0
check "O1 its version is left out" says one version=absent
printf 'nonsense' >"$TMP/bad.req"
check "O1 an error has no responseBytes" asked bad status=1 body=none bytes=5

ocsp_make many "$S1" "$S2" "$S3"
check "O2 one SingleResponse for each CertID, and no others" asked many \
    singles=3 single.0.status=good single.1.status=good single.2.status=good \
    single.0.id=echoed single.1.id=echoed single.2.id=echoed
mapfile -t MANY < <(yes "$S1" | head -17)
ocsp_make sixteen "${MANY[@]:1}"
check "O2 sixteen CertIDs are answered" asked sixteen singles=16
ocsp_make seventeen "${MANY[@]}"
check "O2 seventeen are malformedRequest" asked seventeen status=1
ocsp_make partly "$S1" 1234567890
check "O2 one of them unknown: none is answered" asked partly status=6

for md in sha1 sha256; do
	ocsp_make "echo-$md" -m "$md" "$S1"
	check "O3 CertID is echoed byte by byte, $md with NULL" \
	    asked "echo-$md" single.0.id=echoed
	ocsp_make "bare-$md" -m "$md" -p "$S1"
	check "O3 CertID is echoed byte by byte, $md without parameters" \
	    asked "bare-$md" status=0 single.0.status=good single.0.id=echoed
	check "O4 CertIDs with $md are answered" says "echo-$md" \
	    status=0 single.0.status=good
done
for md in sha384 sha512 md5; do
	ocsp_make "md-$md" -m "$md" "$S1"
	check "O4 $md is unauthorized" asked "md-$md" status=6
done
check "O5 issuerKeyHash is over the key's bits alone, as OpenSSL has it" \
    asked echo-sha1 single.0.status=good

ocsp_make other "$S1" root
check "O6 both hashes must be those of the issuer" asked root/other status=6
ocsp_make unknown 1CF7000000000000000000000000000000000001
check "O7 what was not issued is not good" asked unknown status=6
check "O8 what was not issued is unauthorized, five bytes" says unknown \
    bytes=5 body=none
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout /dev/null -subj "/O=Test/CN=Test Camera EC Issuing CA" -days 2 \
    -out "$TMP/foreign.pem" 2>/dev/null
ocsp_make foreign "$S1" foreign
check "O9 another issuer of the same name is unauthorized" \
    asked foreign/foreign status=6

head -c 40 "$TMP/one.req" >"$TMP/cut.req"
check "O10 a cut request is malformedRequest" asked cut status=1
{ cat "$TMP/one.req"; printf '\0'; } >"$TMP/trail.req"
check "O10 trailing bytes are malformedRequest" asked trail status=1
: >"$TMP/empty.req"
check "O10 an empty body is malformedRequest" asked empty status=1
ocsp_make version -v "$S1"
check "O10 a default that is spelled out is malformedRequest" \
    asked version status=1

t=$(now)
check "O11 producedAt is now" between "$(ocsp_post one; fact one produced)" \
    "$((t - 60))" "$((t + 2))"
check "O11 thisUpdate is not after producedAt, nextUpdate is after both" bash -c '
    [ "$1" -le "$2" ] && [ "$2" -lt "$3" ]' - "$(fact one single.0.this)" \
    "$(fact one produced)" "$(fact one single.0.next)"
check "O12 nextUpdate is there, an hour after producedAt" equal \
    "$(($(fact one single.0.next) - $(fact one produced)))" 3600
check "O13 times have no fractions and end in Z" bash -c '
    [[ $1 =~ ^[0-9]{14}Z$ && $2 =~ ^[0-9]{14}Z$ && $3 =~ ^[0-9]{14}Z$ ]]' - \
    "$(fact one produced_raw)" "$(fact one single.0.this_raw)" \
    "$(fact one single.0.next_raw)"
check "O14 thisUpdate lies five minutes back for good" equal \
    "$(($(fact one produced) - $(fact one single.0.this)))" 300

camca cert revoke "$S2" --reason keyCompromise --text "a test" >/dev/null
ocsp_make two "$S2"
check "O14 revoked: reason, and thisUpdate not before the revocation" bash -c '
    [ "$1" -ge "$2" ]' - "$(ocsp_post two; fact two single.0.this)" \
    "$(fact two single.0.revoked)"
check "O14 revoked is said with its reason" says two \
    single.0.status=revoked single.0.reason=1
check "O16 the prepared answer is gone at once" asked many \
    single.0.status=good single.1.status=revoked

camca cert hold "$S3" --text "a test" >/dev/null
ocsp_make held "$S3"
check "O14 on hold is revoked with certificateHold" asked held \
    single.0.status=revoked single.0.reason=6
camca cert release "$S3" --text "a test" >/dev/null
check "O16 released is good again" asked held single.0.status=good
check "O14 and was not good before that: thisUpdate is now" equal \
    "$(fact held single.0.this)" "$(fact held produced)"

check "O17 ResponderID is byKey and the signer's" says one responder=byKey \
    responder_matches=yes
check "O18 the signer was certified by the CA itself" says one \
    signer.issued_by_ca=yes certs=1
check "O18 its usage is OCSPSigning and nothing else" says one \
    "signer.eku=OCSPSigning only" signer.ku=0x80 signer.ca=0
check "O18 nocheck is NULL and not critical" says one \
    "signer.nocheck=1.3.6.1.5.5.7.48.1.5 0500"
check "O18 no CDP, no AIA, seven days" says one signer.cdp=no signer.aia=no \
    signer.days=7
check "O19 nextUpdate does not outlive the signer" bash -c '
    [ "$1" -le "$2" ]' - "$(($(fact one single.0.next) - \
    $(fact one produced)))" "$(fact one signer.left)"

for n in 0 129 200; do
	ocsp_make "n$n" -n "$n" "$S1"
	check "O20 a nonce of $n octets is malformedRequest" asked "n$n" status=1
done
for n in 1 8 15 16 32 33 128; do
	ocsp_make "n$n" -n "$n" "$S1"
	check "O20 a nonce of $n octets is echoed" asked "n$n" status=0 nonce=1
done
check "O20 the echo is not critical" not grep -q '^ext=1.3.6.1.5.5.7.48.1.2!' \
    "$TMP/n16.facts"
ocsp_make e1 -e 1.2.3.4 "$S1"
check "O21 an unknown extension is ignored" asked e1 status=0
ocsp_make e2 -e '1.2.3.4!' "$S1"
check "O21 an unknown critical one is malformedRequest" asked e2 status=1
ocsp_make e3 -E '1.2.3.4!' "$S1"
check "O21 at a CertID as well" asked e3 status=1
check "O21 none of ours is critical" not grep -q '^[a-z.0-9]*ext=[0-9.]*!' \
    "$TMP/n16.facts" "$TMP/one.facts"
ocsp_make e4 -e 1.3.6.1.5.5.7.48.1.8 "$S1"
check "O22 preferred algorithms change nothing" asked e4 status=0 signature=ok
check "O23 no archiveCutoff where nothing is kept" not grep -q \
    'single.0.ext=' "$TMP/one.facts"
ocsp_make signed -s "$S1"
check "O24 a signed request is answered, its signature not looked at" \
    asked signed status=0 single.0.status=good

ocsp_make neg -- "-$S1"
check "O29 a negative serial is unauthorized" asked neg status=6
ocsp_make long "11$S1"
check "O29 one of 21 octets is unauthorized" asked long status=6
ocsp_make wide "FF${S1:2}"
check "O29 one of 20 octets with its top bit set is unauthorized" \
    asked wide status=6
ocsp_make zero 00
check "O29 zero is unauthorized" asked zero status=6

ocsp_make ca "$EC" root
check "O30 the issuing CA is good" asked root/ca status=0 \
    single.0.status=good signer.issued_by_ca=yes
ocsp_make rootcert "$ROOT" root
check "O30 the root is good" asked root/rootcert single.0.status=good
ocsp_make gatecert "$(openssl x509 -in "$STATE/gate/tls.pem" -noout -serial |
    cut -d= -f2)"
check "O30 the gate's own certificate is good" asked gatecert \
    single.0.status=good
ocsp_make respcert "$(fact one signer.serial)"
check "O30 the responder's certificate is good" asked respcert \
    single.0.status=good

# --- a new generation: another key, another signer (O19, O6) ---
camca ca rollover ec >/dev/null
camca ca certificate ec >"$TMP/new.pem"
device cam4; enroll cam4 "$TMP/cam4" || exit 1
ocsp_make roll "$(cert_serial "$TMP/cam4.pem")" new
check "O19 a new generation has a signer of its own within seconds" \
    eventually asked new/roll status=0 single.0.status=good \
    signer.issued_by_ca=yes
check "O19 the old one still answers for its certificates" asked one \
    status=0 signer.issued_by_ca=yes single.0.status=good
ocsp_make mixed "$S1" new
check "O6 a certificate is not looked for under the other generation" \
    asked new/mixed status=6

# --- restarts make no certificates (O19) ---
count() { camca --json cert list | jq '[.items[] | select(.profile == "ocsp-responder")] | length'; }
before=$(count)
for _ in 1 2 3; do
	stop "$GATE_PID"; start_gate
done
OCSP=http://127.0.0.1:$HTTP_PORT/ocsp
check "O19 a gate that is restarted uses what it has" eventually asked one \
    status=0 single.0.status=good
check "O19 and asks for no other certificate" equal "$(count)" "$before"

# --- the feed is lost: nothing is good, what is revoked stays so ---
kill -STOP "$AUTHORITY_PID"
check "O10 without the feed good becomes tryLater" eventually asked one status=3
check "O15 a prepared good answer is not sent either" asked echo-sha1 status=3
check "O10 what is revoked stays revoked" asked two status=0 \
    single.0.status=revoked
check "O10 what is unknown is tryLater, too" asked unknown status=3
kill -CONT "$AUTHORITY_PID"
check "O10 and good again with the feed" eventually asked one status=0 \
    single.0.status=good

# --- settings ---
stop "$GATE_PID"; stop "$AUTHORITY_PID"
sed -i '/^ocsp:/,$d' "$STATE/camca.yaml"
cat >>"$STATE/camca.yaml" <<'Y'
ocsp:
  life: 10m
  max_age: 60s
  unissued: revoked
  retention: 30d
Y
start_authority; start_gate; ocsp_ready
check "O8 unissued: revoked answers hold since 1970 with extendedRevoke" \
    asked unknown status=0 single.0.status=revoked single.0.reason=6 \
    single.0.revoked=0 "ext=1.3.6.1.5.5.7.48.1.9 0500"
check "O8 and still unauthorized for another issuer" asked foreign/foreign status=6
check "O12 the setting life is nextUpdate" equal \
    "$(ocsp_post one; echo $(($(fact one single.0.next) - $(fact one produced))))" 600
check "O23 archiveCutoff is producedAt minus retention" equal \
    "$(fact one single.0.ext)" "1.3.6.1.5.5.7.48.1.6 $(printf '180f'; \
    date -u -d "@$(($(fact one produced) - 30 * 86400))" +%Y%m%d%H%M%SZ | \
    tr -d '\n' | od -An -tx1 | tr -d ' \n')"

# --- ocsp.signer hsm ---
stop "$GATE_PID"; stop "$AUTHORITY_PID"
sed -i 's/^ocsp:/ocsp:\n  signer: hsm/' "$STATE/camca.yaml"
start_authority; start_gate; ocsp_ready
check "O18 signer hsm: signed by a key in the HSM, certified by the CA" \
    asked one status=0 single.0.status=good signature=ok \
    signer.issued_by_ca=yes responder_matches=yes
check "O18 signer hsm: the gate holds no key" not grep -lq 'PRIVATE KEY' \
    "$STATE"/gate/ocsp-*.pem
check "O20 signer hsm: nonces" asked n32 status=0 nonce=1 signature=ok
check "O8 signer hsm: not issued" asked unknown single.0.status=revoked \
    single.0.revoked=0
camca cert revoke "$S3" --reason superseded --text "a test" >/dev/null
ocsp_make three "$S3"
check "O16 signer hsm: revoked at once" asked three single.0.status=revoked \
    single.0.reason=4
finish
