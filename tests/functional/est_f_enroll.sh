#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# /simpleenroll: lines F1 to F10 (RFC 7030 4.2.1, 4.2.3). F7 under kill -9 is in
# tests/faults.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
need openssl curl jq python3
policies
profile once camera-ec 's/same_window: 1h/same_window: 0s/'
profile brief camera-ec 's/same_window: 1h/same_window: 10m/'
profile change camera-ec 's/change_subject: false/change_subject: true/'
profile all camera-ec 's/^keys: .*/keys: [p256, p384, p521, ed25519, rsa]/'
openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/weak.key" 2>/dev/null
openssl ec -in "$TMP/weak.key" -pubout -outform DER 2>/dev/null | sha256sum |
    cut -d' ' -f1 >>"$POLICIES/rules/weak-keys"
est_init --policies "$POLICIES"
camca_start

# F1
device cam-1
LOGIN=(-u "cam-1:$SECRET")
csr "$TMP/f1"
typed() { # CONTENT-TYPE, as curl -H takes it
	get "$TMP/f1" /.well-known/est/simpleenroll -H "Content-Type$1" \
	    --data-binary "@$TMP/f1.b64" "${LOGIN[@]}"
}
for t in ': application/pkcs7-mime' ': application/pkcs10x' ': text/plain' \
    ': application/x-www-form-urlencoded' ': application/pkcs-10' ':'; do
	check "F1 Content-Type$t" answers 415 'application/pkcs10' "$TMP/f1" typed "$t"
done
for t in ': application/pkcs10' ': APPLICATION/Pkcs10' ': application/pkcs10;x=y' \
    ':application/pkcs10 ; name="smime.p10"'; do
	check "F1 Content-Type$t" equal "$(typed "$t")" 200
done

# F2 F3
device cam-2
LOGIN=(-u "cam-2:$SECRET")
csr "$TMP/good"
bent() { # HOW WORDS
	python3 "$TOP/tests/tools/csr_bend.py" "$1" "$TMP/good.der" |
	    base64 >"$TMP/bent.b64"
	refuses 400 "$2" simpleenroll "$TMP/bent" "${LOGIN[@]}"
}
for how in trailing two cut long_length indefinite boolean_version; do
	check "F2 $how" bent $how 'DER|PKCS'
done
check "F2 version 1" bent version 'version'
check "F3 a bit of the signature" bent signature 'signature'
check "F3 a letter of the subject" bent subject 'signature'
check "F3 a bit of the key" bent key '.'
check "F3 all of them are events" event_has 'rule csr\.'
check "F3 and none has used the secret up" accepts simpleenroll "$TMP/good" "${LOGIN[@]}"

# F4
device cam-4
LOGIN=(-u "cam-4:$SECRET")
weak() { # LABEL WORDS FILE: a request with that key
	csr "$TMP/$3" && refuses 400 "$2" "$1/simpleenroll" "$TMP/$3" "${LOGIN[@]}"
}
key() { # NAME OPTIONS of genpkey
	local f=$TMP/$1.key
	shift
	openssl genpkey "$@" -out "$f" 2>/dev/null
}
key rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key rsa2047 -algorithm RSA -pkeyopt rsa_keygen_bits:2047
key e3 -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3
key e257 -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:257
key p224 -algorithm EC -pkeyopt ec_paramgen_curve:P-224
key k256 -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
key brain -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1
key spelled -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
key ed448 -algorithm ED448
key pss -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
key ed25519 -algorithm ED25519
python3 "$TOP/tests/tools/csr_bend.py" roca >"$TMP/roca.key"
check "F4 RSA 1024" weak camera '1024 bits' rsa1024
check "F4 RSA 2047" weak camera '2047 bits' rsa2047
check "F4 RSA exponent 3" weak camera 'exponent' e3
check "F4 RSA exponent 257" weak camera 'exponent' e257
check "F4 RSA of the faulty library (ROCA)" weak camera 'ROCA' roca
check "F4 P-224" weak camera '.' p224
check "F4 secp256k1" weak camera '.' k256
check "F4 brainpoolP256r1" weak camera '.' brain
check "F4 a curve spelled out, not named" weak camera '.' spelled
check "F4 Ed448" weak camera '.' ed448
check "F4 RSA-PSS" weak camera '.' pss
check "F4 P-521, which this label does not take" weak camera 'P-521' p521
check "F4 Ed25519, which this label does not take" weak camera 'Ed25519' ed25519
check "F4 a key on the list of weak ones" weak camera 'weak' weak
csr "$TMP/good"
check "F4 a key that another device has" refuses 403 'Another device' simpleenroll \
    "$TMP/good" "${LOGIN[@]}"
check "F4 events name the rule" event_has 'rule csr.key-roca' cam-4
takes() { # NAME: a key that the label "all" takes
	device "cam-4-$1"
	csr "$TMP/$1" && accepts all/simpleenroll "$TMP/$1" -u "cam-4-$1:$SECRET"
}
key rsa2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
for k in rsa2048 rsa4096 p256 p384 p521 ed25519; do
	check "F4 a label that takes $k" takes $k
done

# F5 F6 F7
device cam-5
csr "$TMP/f5"
check "F5 200" accepts simpleenroll "$TMP/f5" -u "cam-5:$SECRET"
check "F5 the media type, byte by byte" grep -qxF \
    "Content-Type: application/pkcs7-mime; smime-type=certs-only"$'\r' "$TMP/f5.head"
base64 -d -i "$TMP/f5.out" >"$TMP/f5.p7"
check "F6 one certificate" equal "$(openssl pkcs7 -inform DER -in "$TMP/f5.p7" \
    -print_certs | grep -c 'BEGIN CERTIFICATE')" 1
shape() { # of the SignedData: [0] holds the one certificate
	openssl asn1parse -inform DER -in "$TMP/f5.p7" | sed 's/  */ /g' |
	    grep -oE 'd=[0-3] .*' | sed -E 's/hl=[0-9]+ l= ?([0-9]+) /\1 /;
	    s/^(d=[0-3]) ([0-9]+) (cons|prim): /\1 \3 /' | tr '\n' ';'
}
check "F6 no digests, no content, no CRLs, no signers" equal "$(shape | sed -E 's/ +;/;/g')" \
    "d=0 cons SEQUENCE;d=1 prim OBJECT :pkcs7-signedData;d=1 cons cont [ 0 ];d=2 cons \
SEQUENCE;d=3 prim INTEGER :01;d=3 cons SET;d=3 cons SEQUENCE;d=3 cons cont [ 0 ];d=3 cons SET;"
check "F6 it is for the key of the request" equal "$(openssl x509 -in "$TMP/f5.pem" \
    -noout -pubkey)" "$(openssl ec -in "$TMP/f5.key" -pubout 2>/dev/null)"
check "F7 it is on record" equal "$(camca --json cert show "$(serial_of "$TMP/f5.pem")" |
    jq -r '.. | .pem? // empty' | openssl x509 -outform DER | sha256sum)" \
    "$(openssl x509 -in "$TMP/f5.pem" -outform DER | sha256sum)"
check "F7 its event names the bytes" event_has "type cert.issued .*cert-sha256 $(openssl x509 \
    -in "$TMP/f5.pem" -outform DER | sha256sum | cut -c1-64) .*auth secret" cam-5
check "F7 the device is enrolled" equal "$(camca --json device show cam-5 |
    jq -r .device.state)" enrolled

# F8
same() { # FILE OP [curl options]: the certificate of FILE.pem again
	cp "$1.pem" "$1.was"
	accepts "$2" "$1" "${@:3}" && cmp "$1.pem" "$1.was"
}
S5=$SECRET
check "F8 the same request: the same certificate" same "$TMP/f5" simpleenroll -u "cam-5:$S5"
csr "$TMP/f5"
check "F8 the same key, another request: the same" same "$TMP/f5" simpleenroll -u "cam-5:$S5"
restart_authority
check "F8 also after a restart" same "$TMP/f5" simpleenroll -u "cam-5:$S5"
check "F8 one certificate was issued" equal "$(camca --json cert list --device cam-5 |
    jq '.items | length')" 1
check "F8 one event of it" equal "$(events cam-5 | grep -c 'cert.issued')" 1
device cam-8
csr "$TMP/f8"
check "F8 a label without a window" accepts once/simpleenroll "$TMP/f8" -u "cam-8:$SECRET"
check "F8 where nothing is handed out again" refuses 401 '.' once/simpleenroll \
    "$TMP/f8" -u "cam-8:$SECRET"

# F9
camca site add mass --name Mass --level 1 >/dev/null
awk 'BEGIN { print "id,manufacturer,model,serial,site"
    for (i = 1; i <= 200; i++) printf "m-%d,Acme,M1,MS-%d,mass\n", i, i }' >"$TMP/mass.csv"
camca device import "$TMP/mass.csv" --labels-csv "$TMP/labels.csv" >/dev/null
tr -d '"\r' <"$TMP/labels.csv" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++)
    if ($i == "secret") k = i; next } { print $1, $k }' >"$TMP/mass.sec"
check "F9 200 secrets" equal "$(wc -l <"$TMP/mass.sec")" 200
check "F9 200 cameras enroll at once and renew" "$BIN/tests/bench/est_load" --port \
    "$EST_PORT" --ca "$TMP/root.pem" --threads 32 --secrets "$TMP/mass.sec" --renew
camca --json cert list --limit 100000 | jq -r '.items[] |
    select(.device | startswith("m-")) | .serial' >"$TMP/serials"
check "F9 400 certificates" equal "$(wc -l <"$TMP/serials")" 400
check "F9 no serial twice" equal "$(sort -u "$TMP/serials" | wc -l)" 400
check "F9 20 octets at the most, positive" equal \
    "$(grep -cE '^[0-7][0-9a-f]{0,39}$' "$TMP/serials")" 400
check "F9 8 octets of each are like those of no other" equal \
    "$(grep -oE '.{16}$' "$TMP/serials" | sort -u | wc -l)" 400
odd_bits() { # of 400 times 64 bits about half are set
	grep -oE '.{16}$' "$TMP/serials" | python3 -c 'import sys
n = sum(bin(int(l, 16)).count("1") for l in sys.stdin)
print(n); sys.exit(not 12100 < n < 13500)'
}
check "F9 and look random" odd_bits

# F10: whoever a maker vouches for may ask for the names that it will get.
maker_init Acme
maker_crl Acme
camca vendor add Acme --roots "$TMP/Acme/root.pem" >/dev/null
camca vendor crl Acme --crls "$TMP/Acme/crls.pem" >/dev/null
change() { # STATUS OP NAMES: a request with ChangeSubjectName to those of NAMES
	local got
	csr "$TMP/f10"
	got=$("$BIN/tests/tools/est_link" "$EST_PORT" "$TMP/root.pem" "$2" \
	    "$TMP/f10.key" "$TMP/f10" cert="$TMP/idevid.pem" \
	    certkey="$TMP/idevid.key" change="$TMP/$3.pem")
	equal "$got" "status $1" || { cat "$TMP/f10.out"; return 1; }
}
device cam-10
enroll cam-10 "$TMP/names"
factory Acme SN-cam-10 "$TMP/idevid"
check "F10 ChangeSubjectName where the profile has none" change 403 simpleenroll names
check "F10 to names of another device" change 403 change/simpleenroll f5
check "F10 to its own names" change 200 change/simpleenroll names
check "F10 which it has" equal "$(openssl x509 -in "$TMP/f10.pem" -noout -subject \
    -ext subjectAltName)" "$(openssl x509 -in "$TMP/names.pem" -noout -subject -ext subjectAltName)"

# F8 again: the window ends. The authority's clock moves, not ours.
csr "$TMP/f8b"
check "F8 a factory identity enrolls" accepts brief/simpleenroll "$TMP/f8b" --cert \
    "$TMP/idevid.pem" --key "$TMP/idevid.key"
check "F8 again within the window" same "$TMP/f8b" brief/simpleenroll --cert \
    "$TMP/idevid.pem" --key "$TMP/idevid.key"
restart_authority +20m
check_not "F8 after it: another certificate" same "$TMP/f8b" brief/simpleenroll \
    --cert "$TMP/idevid.pem" --key "$TMP/idevid.key"
check "F8 for the same key" equal "$(openssl x509 -in "$TMP/f8b.pem" -noout -pubkey)" \
    "$(openssl x509 -in "$TMP/f8b.was" -noout -pubkey)"
check "F8 after it: a secret that was used" refuses 401 '.' brief/simpleenroll \
    "$TMP/f8b" -u "cam-5:$S5"
finish
