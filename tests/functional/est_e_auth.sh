#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may enroll: lines E1 to E10 (RFC 7030 3.2.3, 3.7, 6); factory identities
# are in est_e_idevid.sh.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq
policies
profile by-name camera-ec 's/subject_must_match: false/subject_must_match: true/'
profile no-ra camera-ec 's/auth: .*/auth: [secret]/'
est_init --policies "$POLICIES"
camca_start

# E1
device cam-1
csr "$TMP/a"
check "E1 nobody: 401" refuses 401 'Authentication is required' simpleenroll "$TMP/a"
check "E1 with a challenge" equal "$(field WWW-Authenticate "$TMP/a")" \
    'Basic realm="camca"'
check "E1 also with a label" refuses 401 '.' camera/simpleenroll "$TMP/a"
check "E1 nobody renews" refuses 403 'certificate' simplereenroll "$TMP/a"
check "E1 a secret does not renew" refuses 403 'certificate' simplereenroll \
    "$TMP/a" -u "cam-1:$SECRET"

# E4: Basic is what every client has. No Digest, no cookie.
est_post simpleenroll "$TMP/a" >/dev/null
check "E4 one challenge" equal "$(grep -ci '^www-authenticate' "$TMP/a.head")" 1
check_not "E4 no Digest" grep -qi digest "$TMP/a.head"
check_not "E4 no cookie" grep -qi '^set-cookie' "$TMP/a.head"
check "E4 curl without --basic, that lets the server choose" equal \
    "$(est_post simpleenroll "$TMP/a" --anyauth -u "cam-1:$SECRET")" 200

# E2: Basic is no reason to be read without TLS (A1), and is well formed.
basic() { # BASE64 STATUS WORDS
	refuses "$2" "$3" simpleenroll "$TMP/a" -H "Authorization: Basic $1"
}
check "E2 Basic without a colon" basic "$(printf abc | base64)" 400 'Basic'
check "E2 Basic that is not base64" basic '!!!!' 400 'Basic'
check "E2 Basic with a NUL in the secret" basic \
    "$(printf 'cam-1:%s\0x' "$SECRET" | base64 -w0)" 400 'Basic'
check "E2 Basic of 2 KB" basic "$(head -c 2000 /dev/zero | tr '\0' a | base64 -w0)" 400 Basic
check "E2 another scheme is no login" refuses 401 'required' simpleenroll "$TMP/a" \
    -H 'Authorization: Bearer abc'

# E3
device cam-3
csr "$TMP/e3"
check "E3 the user name may be empty" accepts simpleenroll "$TMP/e3" -u ":$SECRET"
device cam-3b
csr "$TMP/e3b"
check "E3 another name than the device's is refused" refuses 401 'secret' \
    simpleenroll "$TMP/e3b" -u "cam-3:$SECRET"
check "E3 its own is not" accepts simpleenroll "$TMP/e3b" -u "cam-3b:$SECRET"

# E5
device cam-5
S5=$SECRET
csr "$TMP/e5"
check "E5 a secret as people type it" accepts simpleenroll "$TMP/e5" -u \
    "cam-5:$(echo "$S5" | tr 'A-Z-' 'a-z ')"
cp "$TMP/e5.pem" "$TMP/e5-first.pem"
again() { accepts simpleenroll "$TMP/e5" -u "cam-5:$S5" && cmp "$TMP/e5.pem" "$TMP/e5-first.pem"; }
check "E5 the same key again gets the same certificate" again
csr "$TMP/e5b"
check "E5 another key: used up" refuses 401 'used with another key' simpleenroll \
    "$TMP/e5b" -u "cam-5:$S5"
kept_secret() { # the text, its digits or its half in any file that we keep?
	local d
	d=$(echo "$S5" | tr -d -)
	grep -rqa -e "$S5" -e "$d" -e "${d:8}" -e "${S5:10}" "$STATE" "$TMP"/*.log &&
	    return 1
	! events | grep -q -e "${d:8}" -e "${S5:10}" -e "${S5:0:9}"
}
check "E5 the secret is in no file, log or event" kept_secret

parallel() { # N keys with one secret at the same moment: how many got 200
	local i n=$1 pids=()
	device cam-par
	for i in $(seq "$n"); do
		csr "$TMP/par$i"
	done
	for i in $(seq "$n"); do
		est_post simpleenroll "$TMP/par$i" -u "cam-par:$SECRET" >"$TMP/par$i.st" &
		pids+=($!)
	done
	wait "${pids[@]}"
	cat "$TMP"/par*.st | grep -o '[0-9][0-9][0-9]' | sort | uniq -c |
	    awk '{ printf "%s×%s ", $1, $2 }'
}
check "E5 twelve keys with one secret at once: one certificate" equal \
    "$(parallel 12)" '1×200 11×401 '
check "E5 and one only in the store" equal "$(camca --json cert list --device cam-par |
    jq '.items | length')" 1
same_key() { # the same request eight times at once: one certificate, for all
	local i pids=()
	device cam-twin
	csr "$TMP/twin"
	for i in $(seq 8); do
		cp "$TMP/twin.b64" "$TMP/twin$i.b64"
		est_post simpleenroll "$TMP/twin$i" -u "cam-twin:$SECRET" >"$TMP/twin$i.st" &
		pids+=($!)
	done
	wait "${pids[@]}"
	cat "$TMP"/twin*.st | tr -d '\n'
	sha256sum "$TMP"/twin*.out | cut -d' ' -f1 | sort -u | wc -l
}
check "E5 one key eight times at once: one certificate for all" equal \
    "$(same_key)" "2002002002002002002002001"

device cam-lock
SL=$SECRET
wrong=${SL:0:10}AAAA-AAAA-AAAA-AAAA-AAAA
csr "$TMP/lock"
for i in 1 2 3 4 5; do
	check "E5 wrong secret, try $i" refuses 401 'unknown, wrong or locked' \
	    simpleenroll "$TMP/lock" -u "cam-lock:$wrong"
done
check "E5 then the right one is locked too" refuses 401 'unknown, wrong or locked' \
    simpleenroll "$TMP/lock" -u "cam-lock:$SL"
tries() { events cam-lock | jq -r .type | grep secret | uniq -c | awk '{ printf "%s ", $1 $2 }'; }
check "E5 every try is on record, the lock once" equal "$(tries)" \
    '1secret.made 4secret.failed 1secret.locked 1secret.failed '
SECRET=$(camca --json enroll secret cam-lock | jq -r .secret)
check "E5 the operator makes a new one" accepts simpleenroll "$TMP/lock" -u "cam-lock:$SECRET"
check "E5 an unknown selector says the same" refuses 401 'unknown, wrong or locked' \
    simpleenroll "$TMP/lock" -u "cam-lock:AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"
check "E5 so does no secret at all" refuses 401 'unknown, wrong or locked' \
    simpleenroll "$TMP/lock" -u cam-lock:password
device cam-rep
OLD=$SECRET
SECRET=$(camca --json enroll secret cam-rep | jq -r .secret)
csr "$TMP/rep"
check "E5 a replaced secret" refuses 401 'newer' simpleenroll "$TMP/rep" -u "cam-rep:$OLD"
check "E5 the one that replaced it" accepts simpleenroll "$TMP/rep" -u "cam-rep:$SECRET"

# E6: who it is and whether it may are two questions.
device cam-6
S6=$SECRET
csr "$TMP/e6"
camca device move cam-6 lost --reason test >/dev/null
check "E6 right secret, but the device is lost" refuses 403 'lost' simpleenroll \
    "$TMP/e6" -u "cam-6:$S6"
check "E6 the event names device and rule" event_has 'type enroll.refused .*rule admit' cam-6
enroll cam-3 "$TMP/e3" 2>/dev/null
camca device move cam-3 held --reason test >/dev/null
renew_csr "$TMP/e6r" "$TMP/e3"
check "E6 good certificate, but the device is held" refuses 403 'held|on hold' \
    simplereenroll "$TMP/e6r" --cert "$TMP/e3.pem" --key "$TMP/e3.key"
device ra-6 1 --kind ra
csr "$TMP/ra6"
check "E6 an RA's secret at a camera's label" refuses 403 'not for it' simpleenroll \
    "$TMP/ra6" -u "ra-6:$SECRET"
device cam-6b
check "E6 a camera's secret at the RA's label" refuses 403 'not for it' \
    ra/simpleenroll "$TMP/e6" -u "cam-6b:$SECRET"

# E7
asks() { # NAME OPTIONS: a device that asks for more than it gets
	local name=$1
	shift
	device "$name" && csr "$TMP/$name" "$@"
}
asks cam-7 -subj '/CN=admin/O=Bank/serialNumber=SN-cam-1' -addext \
    'subjectAltName=DNS:www.example.org,IP:10.0.0.1,email:a@example.org'
check "E7 foreign names are asked for" accepts simpleenroll "$TMP/cam-7" -u "cam-7:$SECRET"
names() { openssl x509 -in "$TMP/cam-7.pem" -noout -subject -ext subjectAltName -nameopt compat; }
check "E7 and are not given" equal "$(names | tail -1 | tr -d ' ')" \
    'DNS:cam-7.site1.camca.internal,URI:urn:camca:device:cam-7'
check "E7 the subject is the inventory's" equal "$(names | head -1)" \
    'subject=/CN=cam-7/serialNumber=SN-cam-7'
asks cam-7a -addext basicConstraints=CA:TRUE
check "E7 CA:TRUE" refuses 403 'CA certificate' simpleenroll "$TMP/cam-7a" -u "cam-7a:$SECRET"
asks cam-7b -addext keyUsage=keyCertSign
check "E7 keyCertSign" refuses 403 'key usage' simpleenroll "$TMP/cam-7b" -u "cam-7b:$SECRET"
for e in codeSigning anyExtendedKeyUsage 1.3.6.1.5.5.7.3.28 OCSPSigning; do
	asks "cam-7-$e" -addext "extendedKeyUsage=$e"
	check "E7 $e" refuses 403 'extended key usage' simpleenroll \
	    "$TMP/cam-7-$e" -u "cam-7-$e:$SECRET"
done
asks cam-7c -subj /CN=other
check "E7 label that compares: another subject is refused" refuses 403 'subject' \
    by-name/simpleenroll "$TMP/cam-7c" -u "cam-7c:$SECRET"
csr "$TMP/cam-7c" -subj /CN=cam-7c/serialNumber=SN-cam-7c -addext \
    "subjectAltName=DNS:cam-7c.site1.camca.internal,URI:urn:camca:device:cam-7c,DNS:x.org"
check "E7 label that compares: one more SAN is refused" refuses 403 'subjectAltName' \
    by-name/simpleenroll "$TMP/cam-7c" -u "cam-7c:$SECRET"
csr "$TMP/cam-7c" -subj /CN=cam-7c/serialNumber=SN-cam-7c -addext \
    "subjectAltName=DNS:cam-7c.site1.camca.internal,URI:urn:camca:device:cam-7c"
check "E7 label that compares: its own names" accepts by-name/simpleenroll \
    "$TMP/cam-7c" -u "cam-7c:$SECRET"

# E8
device ra-1 1 --kind ra
csr "$TMP/ra"
check "E8 an RA enrolls itself" accepts ra/simpleenroll "$TMP/ra" -u "ra-1:$SECRET"
check "E8 its certificate has cmcRA" sh -c "openssl x509 -in '$TMP/ra.pem' -noout \
    -ext extendedKeyUsage | grep -qE 'cmcRA|CMC Registration Authority|5.5.7.3.28'"
RA=(--cert "$TMP/ra.pem" --key "$TMP/ra.key")
device cam-8
csr "$TMP/e8" -subj /CN=cam-8
check "E8 it enrolls a camera of its site" accepts simpleenroll "$TMP/e8" "${RA[@]}"
check "E8 the certificate is the camera's" equal "$(openssl x509 -in "$TMP/e8.pem" \
    -noout -subject -nameopt compat)" 'subject=/CN=cam-8/serialNumber=SN-cam-8'
check "E8 not a registration authority's" sh -c "! openssl x509 -in '$TMP/e8.pem' \
    -noout -ext extendedKeyUsage | grep -qE 'cmcRA|CMC Reg|5.5.7.3.28'"
check "E8 the event names the RA's certificate" event_has \
    "auth ra .*ra-serial $(serial_of "$TMP/ra.pem")" cam-8
csr "$TMP/e8n" -subj /CN=nobody
check "E8 a camera that is not in the inventory" refuses 403 "'nobody' is none" \
    simpleenroll "$TMP/e8n" "${RA[@]}"
device cam-8b 2
csr "$TMP/e8b" -subj /CN=cam-8b
check "E8 a camera of another site" refuses 403 'does not speak for' simpleenroll \
    "$TMP/e8b" "${RA[@]}"
check "E8 a label that takes no RA" refuses 403 '.' no-ra/simpleenroll "$TMP/e8" "${RA[@]}"
csr "$TMP/e8r" -subj /CN=ra-1
check "E8 an RA makes no other RA" refuses 403 '.' ra/simpleenroll "$TMP/e8r" "${RA[@]}"
check "E8 a camera's certificate is no RA's" refuses 403 'renews' simpleenroll \
    "$TMP/e8" --cert "$TMP/e8.pem" --key "$TMP/e8.key"
device cam-8c
challenge_csr "$TMP/e8c" "$(head -c 32 /dev/zero | base64)" cam-8c
check "E8 a proof of possession made for another session, by an RA" accepts \
    simpleenroll "$TMP/e8c" "${RA[@]}"
camca cert revoke "$(serial_of "$TMP/ra.pem")" --reason keyCompromise --text t >/dev/null
device cam-8d
csr "$TMP/e8d" -subj /CN=cam-8d
check "E8 a revoked RA speaks for nobody" refuses 403 'revoked' simpleenroll \
    "$TMP/e8d" "${RA[@]}"

# E5: the life of a secret; the authority's clock moves, not ours.
device cam-old
SECRET=$(camca --json enroll secret cam-old --ttl 5m | jq -r .secret)
csr "$TMP/old"
restart_authority +10m
check "E5 an expired secret" refuses 401 'expired' simpleenroll "$TMP/old" -u "cam-old:$SECRET"

# E10: the gate's own limit, a minute's worth of wrong logins from one address.
stop "$GATE_PID"
est_throttle 5
start_gate
for i in 1 2 3 4 5; do
	check "E10 wrong login $i" refuses 401 '.' simpleenroll "$TMP/old" -u x:y
done
check "E10 the next is not even looked at" refuses 429 'Too many' simpleenroll \
    "$TMP/old" -u x:y
check "E10 and is told when to come back" grep -qiE '^retry-after: [0-9]+' "$TMP/old.head"
check "E10 clients that show no login are served" equal \
    "$(get "$TMP/g" /.well-known/est/cacerts)" 200
renew_csr "$TMP/e8x" "$TMP/e8"
check "E10 so are those with a certificate" accepts simplereenroll "$TMP/e8x" \
    --cert "$TMP/e8.pem" --key "$TMP/e8.key"
check "E10 it is an event" event_has 'rule auth.throttled'
finish
