#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# /simplereenroll: lines H1 to H10 (RFC 7030 4.2.2, 3.3.2, RFC 6402 2.8).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
need openssl curl jq
policies
profile late camera-ec 's/window: 1y/window: 30d/' 's/same_window: 1h/same_window: 0s/'
profile late-same camera-ec 's/window: 1y/window: 30d/' 's/early: refuse/early: same/'
profile rekey camera-ec 's/rekey_required: false/rekey_required: true/'
profile change camera-ec 's/change_subject: false/change_subject: true/'
profile by-secret camera-ec 's/by_secret: false/by_secret: true/'
profile super camera-ec 's/supersede_after: 0s/supersede_after: 1h/'
profile short camera-ec 's/^validity: 1y/validity: 1h/' 's/window: 1y/window: 1h/' \
    's/same_window: 1h/same_window: 10m/'
profile grace camera-ec 's/^validity: 1y/validity: 1h/' 's/window: 1y/window: 1h/' \
    's/same_window: 1h/same_window: 10m/' \
    's/expired_grace: 0s/expired_grace: 2h/'
est_init --policies "$POLICIES"
camca_start

# camera ID [LABEL]: enrolls it; its files are $TMP/ID.*
camera() {
	device "$1" 1 && csr "$TMP/$1" &&
	    [ "$(est_post "${2:+$2/}simpleenroll" "$TMP/$1" -u "$1:$SECRET")" = 200 ] &&
	    p7_cert "$TMP/$1" && return
	echo "not ok $1 does not enroll: $(cat "$TMP/$1.out")"
	exit 1
}
# renew NEW OLD [curl options]: renews OLD.pem with the CSR NEW, made if needed
renew() {
	local new=$1 old=$2
	shift 2
	[ -f "$TMP/$new.b64" ] || renew_csr "$TMP/$new" "$TMP/$old"
	accepts "${LABEL:+$LABEL/}simplereenroll" "$TMP/$new" \
	    --cert "$TMP/$old.pem" --key "$TMP/$old.key" "$@"
}
renew_not() { # STATUS WORDS NEW OLD
	[ -f "$TMP/$3.b64" ] || renew_csr "$TMP/$3" "$TMP/$4"
	refuses "$1" "$2" "${LABEL:+$LABEL/}simplereenroll" "$TMP/$3" \
	    --cert "$TMP/$4.pem" --key "$TMP/$4.key"
}
new_key() { # FILE: another key than the certificate's
	openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/$1.key" 2>/dev/null
}
names_of() { openssl x509 -in "$TMP/$1.pem" -noout -subject -ext subjectAltName; }
key_of() { openssl x509 -in "$TMP/$1.pem" -noout -pubkey; }
status() { camca --json cert show "$(serial_of "$TMP/$1.pem")" | jq -r '.. | .status? // empty'; }

# H1
camera cam-1
renew_csr "$TMP/one" "$TMP/cam-1"
ONE=(--cert "$TMP/cam-1.pem" --key "$TMP/cam-1.key")
check "H1 another media type" answers 415 'application/pkcs10' "$TMP/one" get "$TMP/one" \
    /.well-known/est/simplereenroll -H 'Content-Type: text/plain' \
    --data-binary "@$TMP/one.b64" "${ONE[@]}"
check "H1 renewed" renew one cam-1
check "H1 the media type, byte by byte" grep -qxF \
    "Content-Type: application/pkcs7-mime; smime-type=certs-only"$'\r' "$TMP/one.head"
check "H1 one certificate" equal "$(base64 -d -i "$TMP/one.out" | openssl pkcs7 \
    -inform DER -print_certs | grep -c 'BEGIN CERTIFICATE')" 1
check "H1 of the same issuer" openssl verify -partial_chain -CAfile "$TMP/cacerts.pem" \
    "$TMP/one.pem"

# H2
camera cam-2
camera cam-2x
renew_csr "$TMP/two" "$TMP/cam-2"
check "H2 no certificate" refuses 403 'certificate' simplereenroll "$TMP/two"
check "H2 a secret instead" refuses 403 'certificate' simplereenroll "$TMP/two" -u "cam-2:$SECRET"
check "H2 another camera's certificate" renew_not 403 'subject' two cam-2x
check "H2 under another label" refuses 403 'another label' late/simplereenroll \
    "$TMP/two" --cert "$TMP/cam-2.pem" --key "$TMP/cam-2.key"
device ra-2 1 --kind ra
csr "$TMP/ra"
accepts ra/simpleenroll "$TMP/ra" -u "ra-2:$SECRET" >/dev/null
check "H2 a registration authority does not renew for a camera" renew_not 403 'subject' two ra
check "H2 with its own" renew two cam-2
SECRET=$(camca --json enroll secret cam-2 | jq -r .secret)
csr "$TMP/two-b"
check "H2 a second certificate of the same subject" accepts simpleenroll \
    "$TMP/two-b" -u "cam-2:$SECRET"
renew_csr "$TMP/two-c" "$TMP/two-b"
check "H2 renews as well: a request for it, shown by the first" renew two-c two

camera cam-2s by-secret
SECRET=$(camca --json enroll secret cam-2s | jq -r .secret)
new_key two-s
renew_csr "$TMP/two-s" "$TMP/cam-2s"
BY=by-secret/simplereenroll
check "H2 a label that takes a secret: without one" refuses 401 'required' $BY "$TMP/two-s"
check "H2 a wrong one" refuses 401 'wrong' $BY "$TMP/two-s" -u \
    "cam-2s:${SECRET:0:10}AAAA-AAAA-AAAA-AAAA-AAAA"
check "H2 it is counted" event_has 'type secret.failed' cam-2s
check "H2 the names are to be the old ones there, too" refuses 403 'subject' $BY \
    "$TMP/two" -u "cam-2s:$SECRET"
check "H2 renewed by a secret" accepts $BY "$TMP/two-s" -u "cam-2s:$SECRET"
cp "$TMP/two-s.pem" "$TMP/two-s.was"
check "H2 the event says so" event_has "type cert.renewed .*auth secret .*replaces $(serial_of \
    "$TMP/cam-2s.pem")" cam-2s
check "H2 once more with this key: the same" accepts $BY "$TMP/two-s" -u "cam-2s:$SECRET"
check "H2 byte by byte" cmp "$TMP/two-s.pem" "$TMP/two-s.was"
new_key two-t
renew_csr "$TMP/two-t" "$TMP/cam-2s"
check "H2 the secret is used up" refuses 401 'another key' $BY "$TMP/two-t" -u "cam-2s:$SECRET"
device cam-2n
check "H2 nothing there to renew" refuses 403 'no certificate' $BY "$TMP/two-t" -u "cam-2n:$SECRET"

# H3
camera cam-3
SAN=$(openssl x509 -in "$TMP/cam-3.pem" -noout -ext subjectAltName | sed -n '2s/[ ]//gp')
other_names() { # FILE SUBJECT [SAN]
	cp "$TMP/cam-3.key" "$TMP/$1.key"
	csr "$TMP/$1" -subj "$2" ${3:+-addext "subjectAltName=$3"}
}
differs() { # WORDS SUBJECT [SAN]
	other_names h3 "$2" "${3:-}" && renew_not 403 "$1" h3 cam-3
}
ME=/CN=cam-3/serialNumber=SN-cam-3
check "H3 another CN" differs 'subject' /CN=cam-4/serialNumber=SN-cam-3 "$SAN"
check "H3 the CN in capitals" differs 'subject' /CN=CAM-3/serialNumber=SN-cam-3 "$SAN"
check "H3 without serialNumber" differs 'subject' /CN=cam-3 "$SAN"
check "H3 one more part" differs 'subject' "$ME/O=Test" "$SAN"
check "H3 parts in another order" differs 'subject' /serialNumber=SN-cam-3/CN=cam-3 "$SAN"
check "H3 one more DNS name" differs 'subjectAltName' "$ME" "$SAN,DNS:www.example.org"
check "H3 one name less" differs 'subjectAltName' "$ME" "${SAN%%,*}"
check "H3 the same name twice" differs 'subjectAltName' "$ME" "${SAN%%,*},${SAN%%,*}"
check "H3 no subjectAltName" differs 'subjectAltName' "$ME"
check "H3 an address instead" differs 'subjectAltName' "$ME" "IP:10.0.0.1"
other_names h3 "$ME" "${SAN##*,},${SAN%%,*}"
check "H3 the same names in another order" renew h3 cam-3
check "H3 subject and SAN are the old ones" equal "$(names_of h3)" "$(names_of cam-3)"
check "H3 events name the rule" event_has 'type reenroll.refused .*rule reenroll.san-differs' cam-3

# H4: the inventory's names change with the profile; the camera asks for them.
link() { # NEW OLD OP OPTIONS: what est_link says
	[ -f "$TMP/$1.key" ] || cp "$TMP/$2.key" "$TMP/$1.key"
	"$BIN/tests/tools/est_link" "$EST_PORT" "$TMP/root.pem" "$3" "$TMP/$1.key" \
	    "$TMP/$1" cert="$TMP/$2.pem" certkey="$TMP/$2.key" names="$TMP/$2.pem" \
	    "${@:4}"
}
asks() { # STATUS WORDS NEW OLD OPTIONS
	equal "$(link "$3" "$4" simplereenroll "${@:5}")" "status $1" &&
	    grep -qE "$2" "$TMP/$3.out" || { cat "$TMP/$3.out"; return 1; }
}
camera cam-4
check "H4 ChangeSubjectName where the profile has none" asks 403 ChangeSubjectName \
    h4 cam-4 change="$TMP/cam-4.pem"
camera cam-4c change
camera cam-4m change
check "H4 to names of another camera" asks 403 'not the one' h4a cam-4c change="$TMP/cam-3.pem"
sed -i 's/\.camca\.internal/.moved.internal/' "$STATE/policies/profiles/change.yaml"
camca policy reload >/dev/null
device cam-4n
csr "$TMP/cam-4n"
check "H4 a camera that enrolls gets the new names" accepts change/simpleenroll \
    "$TMP/cam-4n" -u "cam-4n:$SECRET"
openssl req -x509 -key "$TMP/cam-4c.key" -out "$TMP/moved.pem" -days 1 -subj \
    /CN=cam-4c/serialNumber=SN-cam-4c -addext \
    'subjectAltName=DNS:cam-4c.site1.moved.internal,URI:urn:camca:device:cam-4c' 2>/dev/null
openssl req -x509 -key "$TMP/cam-4c.key" -out "$TMP/bare.pem" -days 1 -subj \
    /CN=cam-4c/serialNumber=SN-cam-4c 2>/dev/null
check "H4 renewing keeps the old ones" asks 200 . h4m cam-4m
check "H4 as they were" equal "$(names_of h4m)" "$(names_of cam-4m)"
check "H4 to the old names: not what the inventory says" asks 403 'not the one' \
    h4b cam-4c change="$TMP/cam-4c.pem"
check "H4 no subjectAlt: that would remove it" asks 403 'not the one' h4b cam-4c \
    change="$TMP/bare.pem"
check "H4 the request's own subject must be the old one" asks 403 'subject' h4b cam-4c \
    change="$TMP/moved.pem" names="$TMP/cam-4m.pem"
check "H4 to the new ones" asks 200 . h4c cam-4c change="$TMP/moved.pem"
check "H4 it has them" equal "$(names_of h4c)" "$(names_of moved)"

# H5
camera cam-5
check "H5 renewed with the same key" renew h5 cam-5
check "H5 it is the same key" equal "$(key_of h5)" "$(key_of cam-5)"
check_not "H5 in another certificate" cmp "$TMP/h5.pem" "$TMP/cam-5.pem"
new_key h5b
check "H5 renewed with a new one" renew h5b h5
check "H5 it is the new one" equal "$(key_of h5b)" "$(openssl ec -in "$TMP/h5b.key" -pubout 2>/dev/null)"
check "H5 the event says what was replaced" event_has \
    "type cert.renewed .*replaces $(serial_of "$TMP/h5.pem")" cam-5
camera cam-5r rekey
check "H5 the same key where the profile demands a new one" renew_not 403 'new key' h5r cam-5r
rm -f "$TMP/h5r.b64"
new_key h5r
check "H5 a new one there" renew h5r cam-5r

# H7 H9: revoked, held, replaced.
camera cam-7
check "H9 renewed" renew h7 cam-7
new_key h7b
check "H9 the old one again, its successor never seen: a lost answer" renew h7b cam-7
check "H9 both are good" equal "$(status cam-7) $(status h7)" 'good good'
check "H9 the successor is used" renew h7c h7b
new_key h7d
check "H7 H9 the old one after that" renew_not 403 'replaced' h7d cam-7
camca device move cam-7 held --reason test >/dev/null
check "H7 the device is held" renew_not 403 'held|hold' h7e h7c
camca device move cam-7 enrolled --reason test >/dev/null
check "H7 released" renew h7e h7c
camera cam-7k
new_key h7k
kept_alive() { # two renewals on one connection, a third after the revocation
	local i
	mkfifo "$TMP/go"
	link h7k cam-7k simplereenroll times=3 pause=1 <"$TMP/go" >"$TMP/kept" &
	exec 8>"$TMP/go"
	for i in 1 2; do
		eventually sh -c "[ \"\$(grep -c again '$TMP/kept')\" -ge $i ]" || return 1
		[ $i = 1 ] || camca cert revoke "$(serial_of "$TMP/cam-7k.pem")" \
		    --reason keyCompromise --text H7 >/dev/null
		echo >&8
	done
	wait $!
	exec 8>&-
	equal "$(tr '\n' ' ' <"$TMP/kept")" 'status 200 again status 200 again status 403 ' &&
	    grep 'revoked' "$TMP/h7k.out"
}
check "H7 revoked between two requests of one connection" kept_alive
rm -f "$TMP/h7k.b64"
check "H7 and on a new one" renew_not 403 'revoked' h7k cam-7k
check "H7 an event" event_has 'type reenroll.refused .*rule client.revoked' cam-7k

# What a site's level asks for is asked again at each renewal.
document() { # KIND DATE [options]
	camca device document cam-l3 --kind "$1" --number 1 --date "$2" --issuer X \
	    --sha256 "$(printf '%064d' 1)" "${@:3}" >/dev/null
}
device cam-l3 3
TODAY=$(date -u +%F)
document origin 2026-01-01
document quality 2026-01-01
document assessment "$(date -u -d '-2 days' +%F)" --passed true
csr "$TMP/cam-l3"
check "H7 level 3 with its documents" accepts simpleenroll "$TMP/cam-l3" -u "cam-l3:$SECRET"
check "H7 renews" renew l3a cam-l3
document assessment "$(date -u -d '-1 day' +%F)" --passed false
check "H7 an assessment that was not passed stops the renewal" renew_not 403 \
    'assessment' l3b l3a
document assessment "$TODAY" --passed true
check "H7 the next one, passed, lets it go on" renew l3b l3a

# H10
maker_init Acme
maker_crl Acme
camca vendor add Acme --roots "$TMP/Acme/root.pem" >/dev/null
camca vendor crl Acme --crls "$TMP/Acme/crls.pem" >/dev/null
FACTORY_SUBJECT=/CN=cam-3/serialNumber=SN-cam-3 factory Acme SN-cam-3 "$TMP/factory"
check "H10 a factory identity with the same subject" renew_not 403 'does not renew' \
    h3 factory

# H6 H8 H9: time. The authority's clock moves, not ours.
LABEL=late
camera cam-8 late
check "H8 too early: refused" renew_not 403 'last 720 hours' h8 cam-8
LABEL=late-same
camera cam-8s late-same
new_key h8s
check "H8 too early: the same certificate, though the key is another" renew h8s cam-8s
check "H8 which is the old one" equal "$(serial_of "$TMP/h8s.pem")" "$(serial_of "$TMP/cam-8s.pem")"
LABEL=
camera cam-6 short
camera cam-6g grace
camera cam-6x grace
camera cam-9 super
check "H9 renewed, to be superseded" renew h9 cam-9
restart_authority +100m
check "H6 expired, no grace" renew_not 403 'expired' h6 cam-6
check "H6 expired, within the grace" renew h6g cam-6g
past_first_tick() { sleep 2; }
past_first_tick
check "H9 the old one stays good while the new one was never seen" equal "$(status cam-9)" good
check "H9 the new one is used" renew h9b h9
restart_authority +5h
check "H6 expired, after the grace" renew_not 403 'expired' h6x cam-6x
is_superseded() { [ "$(status cam-9)" = revoked ]; }
check "H9 after its time the old one is revoked" eventually is_superseded
check "H9 as superseded" event_has "type cert.superseded .*replaced-by $(serial_of "$TMP/h9.pem")" cam-9
check "H9 not the one whose successor was not seen" equal "$(status h9)" good
restart_authority +340d
LABEL=late
check "H8 in the last 30 days" renew h8 cam-8
finish
