#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A new generation of an issuing CA: lines P1 to P6 and D5, D6 (RFC 7030 4.1.3,
# RFC 4210 4.4). openssl verify judges, each yes with its control.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq gnutls-cli
est_init --rsa
camca_start
W=/.well-known/est

# bag NAME [LABEL]: the certificates of /cacerts, one a file, $TMP/NAME.N.pem
bag() {
	rm -f "$TMP/$1".[0-9]*.pem
	get "$TMP/$1" "$W/${2:+$2/}cacerts" >/dev/null
	base64 -d -i "$TMP/$1.out" | openssl pkcs7 -inform DER -print_certs |
	    awk -v f="$TMP/$1" '/BEGIN CERT/ { n++ } n { print >(f "." n ".pem") }'
	cat "$TMP/$1".[0-9]*.pem >"$TMP/$1.pem"
}
x() { openssl x509 -in "$1" -noout "${@:2}"; }
ski() { x "$1" -ext subjectKeyIdentifier | tail -1 | tr -d ' :' | tr A-Z a-z; }
aki() { x "$1" -ext authorityKeyIdentifier | tail -1 | tr -d ' :' | sed 's/^keyid//' | tr A-Z a-z; }
name() { x "$1" -subject -nameopt compat | sed 's/^subject=//'; }
# of BAG SKI AKI: the file of the certificate of that key, signed by that one
of() {
	local f
	for f in "$TMP/$1".[0-9]*.pem; do
		[ "$(ski "$f")" = "$2" ] && [ "$(aki "$f")" = "$3" ] && echo "$f"
	done
}
# verifies LEAF TRUSTED [UNTRUSTED...]: nothing else is known
verifies() {
	local leaf=$1 root=$2 c=() f
	shift 2
	for f in "$@"; do c+=(-untrusted "$f"); done
	openssl verify -x509_strict -partial_chain -no-CApath -no-CAstore \
	    -CAfile "$root" "${c[@]}" "$leaf"
}
crl() { # FILE SKI [OPTIONS]: from the HTTP listener, as PEM
	curl -sf "http://127.0.0.1:$HTTP_PORT/crl/$2.crl" |
	    openssl crl -inform DER -out "$TMP/$1.crl.pem" "${@:3}"
}
lists() { # CRL CERTIFICATE
	openssl crl -in "$TMP/$1.crl.pem" -noout -text | tr A-Z a-z |
	    grep -q "serial number: $(serial_of "$TMP/$2.pem")"
}
in_crl() { crl "$1" "$2" && lists "$1" "$3"; }
camera() { device "$1" && enroll "$1" "$TMP/$1"; }
renew() { # NEW OLD
	renew_csr "$TMP/$1" "$TMP/$2" && accepts simplereenroll "$TMP/$1" \
	    --cert "$TMP/$2.pem" --key "$TMP/$2.key"
}

# Before.
for c in 1 2 3; do check "P3 cam-$c enrolls under the first generation" camera cam-$c; done
bag before
bag before-rsa rsa
camca ca certificate ec >"$TMP/old.pem"
OLD=$(ski "$TMP/old.pem")
camca cert revoke "$(serial_of "$TMP/cam-3.pem")" --reason keyCompromise --text M >/dev/null
check "P5 the old CRL before lists the revoked one" eventually in_crl old "$OLD" cam-3
check "P4 before: CA and root" equal "$(ls "$TMP"/before.[0-9]*.pem | wc -l)" 2
get "$TMP/etag" $W/cacerts >/dev/null
ETAG=$(field ETag "$TMP/etag")

# The switch, with enrollments under way.
camca site add mass --name Mass --level 1 >/dev/null
awk 'BEGIN { print "id,manufacturer,model,serial,site"
    for (i = 1; i <= 60; i++) printf "m-%d,Acme,M1,MS-%d,mass\n", i, i }' >"$TMP/mass.csv"
camca device import "$TMP/mass.csv" --labels-csv "$TMP/labels.csv" >/dev/null
tr -d '"\r' <"$TMP/labels.csv" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++)
    if ($i == "secret") k = i; next } { print $1, $k }' >"$TMP/mass.sec"
"$BIN/tests/bench/est_load" --port "$EST_PORT" --ca "$TMP/root.pem" --threads 4 \
    --secrets "$TMP/mass.sec" --renew >"$TMP/load" 2>&1 &
LOAD=$!
check "P1 rollover" camca ca rollover ec
check "P1 no enrollment fails over it" wait $LOAD
check "P1 no such CA" not camca ca rollover nobody
check "P1 the root is no issuing CA" not camca ca rollover root
camca ca certificate ec >"$TMP/new.pem"
NEW=$(ski "$TMP/new.pem")
ROOT=$(ski "$TMP/root.pem")
check_not "P1 a new key" equal "$OLD" "$NEW"
check "P1 the same name" equal "$(name "$TMP/new.pem")" "$(name "$TMP/old.pem")"
check "P1 generations in the list" equal "$(camca --json ca list | jq -r '.items[] |
    select(.name == "ec") | "\(.generation) \(.state)"' | sort | tr '\n' ' ')" '1 old 2 active '
check "P1 an event" event_has "type ca.rollover .*ca ec .*generation 2 .*old-ski $OLD"

# P4 D5 D6: the bag.
bag after
NWO=$(of after "$NEW" "$OLD")
OWN=$(of after "$OLD" "$NEW")
check "P4 cacerts: root, both generations, and what joins them" equal \
    "$(ls "$TMP"/after.[0-9]*.pem | wc -l)" 5
check "P4 OldWithOld" cmp "$(of after "$OLD" "$ROOT")" "$(of before "$OLD" "$ROOT")"
check "P4 NewWithNew" test -n "$(of after "$NEW" "$ROOT")"
check "P4 OldWithNew" test -n "$OWN"
check "P4 NewWithOld" test -n "$NWO"
check "D6 cacerts changed at once" equal "$(get "$TMP/etag" $W/cacerts -H "If-None-Match: $ETAG")" 200
check "D6 with another ETag" not equal "$ETAG" "$(field ETag "$TMP/etag")"
bag after-rsa rsa
check "D7 another CA's label sees nothing of it" cmp "$TMP/before-rsa.pem" "$TMP/after-rsa.pem"

# P1 P2
end() { date -d "$(x "$1" -enddate | cut -d= -f2)" +%s; }
begin() { date -d "$(x "$1" -startdate | cut -d= -f2)" +%s; }
check "P1 NewWithOld: the CA's name" equal "$(name "$NWO")" "$(name "$TMP/old.pem")"
check "P1 NewWithOld: the new key" equal "$(x "$NWO" -pubkey)" "$(x "$TMP/new.pem" -pubkey)"
check "P1 NewWithOld: signed by the old key" verifies "$NWO" "$TMP/old.pem"
check "P1 NewWithOld: control" not verifies "$NWO" "$TMP/new.pem"
check "P1 NewWithOld: not longer than the old one" [ "$(end "$NWO")" -le "$(end "$TMP/old.pem")" ]
check "P2 OldWithNew: the old key" equal "$(x "$OWN" -pubkey)" "$(x "$TMP/old.pem" -pubkey)"
check "P2 OldWithNew: signed by the new key" verifies "$OWN" "$TMP/new.pem"
check "P2 OldWithNew: control" not verifies "$OWN" "$TMP/old.pem"
check "P2 OldWithNew: begins with the old one" equal "$(begin "$OWN")" "$(begin "$TMP/old.pem")"
check "P2 OldWithNew: ends with the old one" equal "$(end "$OWN")" "$(end "$TMP/old.pem")"
check "P2 both are CAs that sign no CAs" equal "$(for f in "$NWO" "$OWN"; do
    x "$f" -ext basicConstraints | tail -1 | tr -d ' '; done | uniq)" 'CA:TRUE,pathlen:0'

# P3
check "P3 a camera enrolls" camera cam-4
check "P3 under the new generation" equal "$(aki "$TMP/cam-4.pem")" "$NEW"
check "P3 old leaf, trust in the new CA, OldWithNew" verifies "$TMP/cam-1.pem" "$TMP/new.pem" "$OWN"
check "P3 control: without OldWithNew" not verifies "$TMP/cam-1.pem" "$TMP/new.pem"
check "P3 control: with NewWithOld instead" not verifies "$TMP/cam-1.pem" "$TMP/new.pem" "$NWO"
check "P3 new leaf, trust in the old CA, NewWithOld" verifies "$TMP/cam-4.pem" "$TMP/old.pem" "$NWO"
check "P3 control: without NewWithOld" not verifies "$TMP/cam-4.pem" "$TMP/old.pem"
check "P3 control: with OldWithNew instead" not verifies "$TMP/cam-4.pem" "$TMP/old.pem" "$OWN"
check "P3 new leaf, trust in the root, the bag" openssl verify -x509_strict \
    -no-CApath -no-CAstore -CAfile "$TMP/root.pem" -untrusted "$TMP/after.pem" "$TMP/cam-4.pem"
check "P3 old leaf, trust in the root, the bag" openssl verify -x509_strict \
    -no-CApath -no-CAstore -CAfile "$TMP/root.pem" -untrusted "$TMP/after.pem" "$TMP/cam-1.pem"
check "P3 a camera of the first generation renews" renew cam-1b cam-1
check "P3 and is of the second" equal "$(aki "$TMP/cam-1b.pem")" "$NEW"
check "P3 which renews as well" renew cam-1c cam-1b

# P5: the old key goes on answering for its certificates.
camca cert revoke "$(serial_of "$TMP/cam-2.pem")" --reason superseded --text M >/dev/null
check "P5 revoked after the switch, in the old CRL" eventually in_crl old "$OLD" cam-2
check "P5 what was in it before still is" lists old cam-3
check "P5 signed by the old key" openssl crl -in "$TMP/old.crl.pem" -noout -CAfile "$TMP/old.pem"
check "P5 the new CRL" eventually crl new "$NEW"
check "P5 signed by the new key" openssl crl -in "$TMP/new.crl.pem" -noout -CAfile "$TMP/new.pem"
check "P5 has nothing of the old one's" not lists new cam-2
crl_says() { # LEAF CRL CA
	openssl verify -crl_check -partial_chain -no-CApath -no-CAstore -CAfile \
	    "$3" -CRLfile "$TMP/$2.crl.pem" "$TMP/$1.pem"
}
check "P5 the old leaf is good by its CRL" crl_says cam-1 old "$TMP/old.pem"
check "P5 the revoked one is not" not crl_says cam-2 old "$TMP/old.pem"
check "P5 a revoked one does not renew" refuses 403 'revoked' simplereenroll \
    "$TMP/cam-1b" --cert "$TMP/cam-2.pem" --key "$TMP/cam-2.key"

# P6: the gate gets a certificate of the new generation; who knows no more than
# the cacerts of before reaches it all the same.
served() { # what the server shows, one a file
	rm -f "$TMP"/srv.[0-9]*.pem
	openssl s_client -connect "localhost:$EST_PORT" -showcerts </dev/null 2>/dev/null |
	    awk -v f="$TMP/srv" '/BEGIN CERT/ { n++; on = 1 } on { print >(f "." n ".pem") }
	    /END CERT/ { on = 0 }'
}
gate_is_new() { served && [ "$(aki "$TMP/srv.1.pem")" = "$NEW" ]; }
kill -HUP "$GATE_PID"
check "P6 the gate's certificate is of the new generation" eventually gate_is_new
reaches() { # CAFILE
	curl -s -o "$TMP/reached" --cacert "$1" "$EST/cacerts" && [ -s "$TMP/reached" ]
}
check "P6 a client with the old cacerts reaches it" reaches "$TMP/before.pem"
check "P6 so does one that knows the root only" reaches "$TMP/root.pem"
gnutls_reaches() { # VERSION
	gnutls-cli --x509cafile "$TMP/root.pem" --priority "NORMAL:-VERS-ALL:+VERS-TLS$1" \
	    -p "$EST_PORT" localhost </dev/null | grep 'certificate is trusted'
}
check "P6 GnuTLS reaches it, TLS 1.2" gnutls_reaches 1.2
check "P6 GnuTLS reaches it, TLS 1.3" gnutls_reaches 1.3
check "P6 the server shows NewWithOld as well" equal "$(ls "$TMP"/srv.[0-9]*.pem | wc -l)" 3
check "P6 who trusts just the old CA verifies by what is shown" verifies \
    "$TMP/srv.1.pem" "$TMP/old.pem" "$TMP/srv.3.pem"
old_client() { # the renewal of a camera that has not asked for cacerts since
	cp "$TMP/root.pem" "$TMP/root.keep"
	cp "$TMP/before.pem" "$TMP/root.pem"
	renew cam-1d cam-1c
	local rc=$?
	cp "$TMP/root.keep" "$TMP/root.pem"
	return $rc
}
check "P6 a camera that has the old cacerts only renews" old_client

# A second rollover, to another kind of key; all of it outlives a restart.
check "P4 a second rollover" camca ca rollover ec --key ec-p384
bag third
check "P4 three generations and what joins them" equal "$(ls "$TMP"/third.[0-9]*.pem | wc -l)" 8
check "P4 small enough for clients that read two TLS records (D8)" \
    [ "$(wc -c <"$TMP/third.out")" -le 16384 ]
restart_authority
bag again
check "P4 the same after a restart" cmp "$TMP/third.pem" "$TMP/again.pem"
check "P3 a camera of the second generation renews under the third" renew cam-4b cam-4
camca ca certificate ec >"$TMP/newest.pem"
check "P3 whose key is P-384" equal "$(aki "$TMP/cam-4b.pem") $(x "$TMP/newest.pem" \
    -text | grep -c 'secp384r1')" "$(ski "$TMP/newest.pem") 1"
check "P1 the RSA CA rolls over as well" camca ca rollover rsa

# P5 in time: until the last certificate of the first generation has ended.
restart_authority +350d
stop "$GATE_PID"
start_gate
check "P5 350 days on, the old CRL is there" crl late "$OLD"
fresh() { # its time is the authority's
	local at
	at=$(date -d "$(openssl crl -in "$TMP/late.crl.pem" -noout -nextupdate | cut -d= -f2)" +%s)
	[ "$at" -gt "$(date -d '+350 days' +%s)" ]
}
check "P5 it is fresh" fresh
check "P5 and complete" sh -c "openssl crl -in '$TMP/late.crl.pem' -noout -text |
    grep -c 'Serial Number' | grep -qx 2"
number() { openssl crl -in "$TMP/$1.crl.pem" -noout -crlnumber | sed 's/.*0x//'; }
check "P5 its number has grown" [ "$((16#$(number late)))" -gt "$((16#$(number old)))" ]
finish
