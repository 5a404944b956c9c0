#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Linking identity and proof of possession: lines G1 to G12 and A12 (RFC 7030
# 3.5, RFC 9266, RFC 7894). The client is OpenSSL, or Python for tls-unique:
# what they take for the binding owes nothing to ours.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq python3
policies
profile off camera-ec 's/pop: optional/pop: off/'
profile need camera-ec 's/pop: optional/pop: require/'
profile old-tls camera-ec 's/pop: optional/pop: require/' \
    's/pop_require_ems: true/pop_require_ems: false/'
profile scep camera-ec 's/challenge_may_be_other: false/challenge_may_be_other: true/'
profile otp camera-ec 's/rfc7894: false/rfc7894: true/'
profile otp-need camera-ec 's/rfc7894: false/rfc7894: true/' 's/pop: optional/pop: require/'
est_init --policies "$POLICIES"
camca_start

# link NAME OP [option=value...]: a request made for its connection, with the
# key $TMP/NAME.key; prints what est_link prints.
link() {
	local f=$TMP/$1 op=$2
	shift 2
	[ -f "$f.key" ] || openssl ecparam -name prime256v1 -genkey -noout \
	    -out "$f.key" 2>/dev/null
	"$BIN/tests/tools/est_link" "$EST_PORT" "$TMP/root.pem" "$op" "$f.key" \
	    "$f" "$@" 2>&1
}
links() { # NAME OP OPTIONS: 200, and a certificate for that key
	local f=$TMP/$1
	rm -f "$f.pem"
	equal "$(link "$@")" "status 200" || { cat "$f.out"; return 1; }
	equal "$(openssl x509 -in "$f.pem" -noout -pubkey)" \
	    "$(openssl ec -in "$f.key" -pubout 2>/dev/null)"
}
links_not() { # STATUS WORDS NAME OP OPTIONS
	local status=$1 words=$2 f=$TMP/$3
	shift 2
	equal "$(link "$@")" "status $status" && grep -E -- "$words" "$f.out" ||
	    { cat "$f.out"; return 1; }
}
# camera ID: a registered camera; LOGIN and ME are how it calls.
camera() {
	device "$1"
	ME=$1
	LOGIN=login=$1:$SECRET
}

# G1 G3 G4
camera cam-12
check "G3 TLS 1.2: tls-unique" links $ME simpleenroll "$LOGIN" tls=1.2 challenge=binding
camera cam-13
check "G4 TLS 1.3: tls-exporter" links $ME simpleenroll "$LOGIN" tls=1.3 challenge=binding
camera cam-need12
check "G1 required, TLS 1.2" links $ME need/simpleenroll "$LOGIN" tls=1.2 challenge=binding
camera cam-need13
check "G1 required, TLS 1.3" links $ME need/simpleenroll "$LOGIN" tls=1.3 challenge=binding
cp "$TMP/$ME.pem" "$TMP/cur.pem"
cp "$TMP/$ME.key" "$TMP/cur.key"
python_unique() { # Python's ssl knows tls-unique by itself
	python3 - "$EST_PORT" "$TMP/root.pem" "$TMP/py.key" "$1" <<-'PY'
	import base64, socket, ssl, subprocess, sys
	port, root, key, login = sys.argv[1:]
	c = ssl.create_default_context(cafile=root)
	c.maximum_version = ssl.TLSVersion.TLSv1_2
	s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(port))),
	    server_hostname="localhost")
	cb = base64.b64encode(s.get_channel_binding("tls-unique")).decode()
	assert len(cb) == 16, cb
	conf = "[req]\ndistinguished_name=d\nattributes=a\nprompt=no\n[d]\nCN=x\n" \
	    "[a]\nchallengePassword=%s\n" % cb
	csr = subprocess.run(["openssl", "req", "-new", "-key", key, "-outform",
	    "DER", "-config", "/dev/stdin"], input=conf.encode(), stdout=-1,
	    check=True).stdout
	body = base64.b64encode(csr)
	s.sendall(b"POST /.well-known/est/need/simpleenroll HTTP/1.1\r\n"
	    b"Host: localhost\r\nContent-Type: application/pkcs10\r\n"
	    b"Connection: close\r\nAuthorization: Basic " +
	    base64.b64encode(login.encode()) + b"\r\nContent-Length: %d\r\n\r\n"
	    % len(body) + body)
	answer = s.makefile("rb").read().decode()
	print(answer)
	sys.exit(" 200 " not in answer.splitlines()[0])
	PY
}
device cam-py
csr "$TMP/py"
check "G3 tls-unique of 12 bytes as Python sees it" python_unique "cam-py:$SECRET"

# G2: what is there is verified, whatever the label asks for. One camera, whose
# secret is still good afterwards: no refusal uses it up.
camera cam-2
for l in off camera need; do
	for v in 1.2 1.3; do
		check "G2 $l, TLS $v: a wrong value" links_not 403 'proof of possession' \
		    $ME $l/simpleenroll "$LOGIN" tls=$v challenge=flip
		check "G2 $l, TLS $v: of another connection" links_not 403 \
		    'proof of possession' $ME $l/simpleenroll "$LOGIN" tls=$v challenge=stale
		check "G2 $l, TLS $v: estIdentityLinking of another connection" links_not \
		    403 'estIdentityLinking' $ME $l/simpleenroll "$LOGIN" tls=$v linking=stale
	done
done
check "G2 the text says what it should have been" links_not 403 'tls-exporter' \
    $ME simpleenroll "$LOGIN" tls=1.3 challenge=flip
check "G2 an event" event_has 'type enroll.refused .*rule pop.mismatch' cam-2
check "G2 the value is in no event" sh -c "! '$BIN/camca' --json event list --device cam-2 |
    grep -qF '$(openssl asn1parse -inform DER -in "$TMP/cam-2.der" |
    grep -A2 challengePassword | tail -1 | sed 's/.*://')'"

# G5: neither binding counts on the other protocol.
check "G5 tls-exporter on TLS 1.2" links_not 403 'tls-unique' $ME simpleenroll \
    "$LOGIN" tls=1.2 challenge=exporter
check "G5 tls-unique on TLS 1.3" links_not 403 'tls-exporter' $ME simpleenroll \
    "$LOGIN" tls=1.3 challenge=unique
check "G5 tls-exporter on TLS 1.2, where required" links_not 403 'tls-unique' $ME \
    need/simpleenroll "$LOGIN" tls=1.2 challenge=exporter
check "G5 tls-unique on TLS 1.3, in the other attribute" links_not 403 'tls-exporter' \
    $ME otp/simpleenroll "$LOGIN" tls=1.3 linking=unique

# G7
check "G7 off: not needed" links $ME off/simpleenroll "$LOGIN"
camera cam-7
check "G7 required: not there" links_not 403 'needs proof of possession' $ME \
    need/simpleenroll "$LOGIN"
check "G7 required: an empty one" links_not 400 'challengePassword' $ME need/simpleenroll \
    "$LOGIN" challenge=text:
check "G7 optional: not there" links $ME camera/simpleenroll "$LOGIN"
names_challenge() { # LABEL: csrattrs has the object identifier
	get "$TMP/attrs" "/.well-known/est/$1/csrattrs" >/dev/null
	base64 -d -i "$TMP/attrs.out" | openssl asn1parse -inform DER |
	    grep -q 'OBJECT *:challengePassword'
}
check "G7 required: csrattrs lists challengePassword" names_challenge need
check_not "G7 optional: it does not" names_challenge camera
check_not "G7 off: it does not" names_challenge off
check "G7 renewal: required too" links_not 403 'needs proof' new simplereenroll \
    cert="$TMP/cur.pem" certkey="$TMP/cur.key" names="$TMP/cur.pem"
check "G7 renewal with it" links new need/simplereenroll cert="$TMP/cur.pem" \
    certkey="$TMP/cur.key" names="$TMP/cur.pem" challenge=binding

# G6: one proof a connection.
camera cam-6
twice() { # OPTIONS: a proof, and another on the same connection
	link $ME simpleenroll "$LOGIN" times=2 "$@" | tr '\n' ' '
}
for v in 1.2 1.3; do
	check "G6 TLS $v: the connection ends with the first proof" equal \
	    "$(twice challenge=binding tls=$v)" 'status 200 closed '
	check "G6 TLS $v: and with a wrong one" equal \
	    "$(twice challenge=flip tls=$v)" 'status 403 closed '
done
check "G6 without proof it goes on" equal "$(twice)" 'status 200 status 200 '

# G8
camera cam-8
check "G8 PrintableString" links $ME need/simpleenroll "$LOGIN" challenge=binding type=printable
check "G8 UTF8String" links $ME need/simpleenroll "$LOGIN" challenge=binding type=utf8
check "G8 UTF8String in estIdentityLinking" links $ME need/simpleenroll \
    "$LOGIN" linking=binding type=utf8
camera cam-8s
check "G8 256 characters are too many" links_not 400 'challengePassword' $ME \
    scep/simpleenroll "$LOGIN" challenge="text:$(head -c 256 /dev/zero | tr '\0' a)"
check "G8 255 are not" links $ME scep/simpleenroll "$LOGIN" \
    challenge="text:$(head -c 255 /dev/zero | tr '\0' a)"

# G9: RFC 7894
camera cam-9
check "G9 estIdentityLinking is the proof" links $ME otp-need/simpleenroll \
    "$LOGIN" linking=binding
check "G9 both attributes right" links $ME otp-need/simpleenroll "$LOGIN" \
    linking=binding challenge=binding
check "G9 challengePassword right, estIdentityLinking wrong" links_not 403 \
    'estIdentityLinking' $ME otp-need/simpleenroll "$LOGIN" linking=flip challenge=binding
check "G9 estIdentityLinking right, challengePassword wrong" links_not 403 \
    'challengePassword' $ME otp-need/simpleenroll "$LOGIN" linking=binding challenge=flip
camera cam-9o
check "G9 otpChallenge where the label has none of RFC 7894" links_not 401 'required' \
    $ME camera/simpleenroll otp="${LOGIN##*:}"
check "G9 otpChallenge is the secret" links $ME otp/simpleenroll otp="${LOGIN##*:}"
camera cam-9w
check "G9 a wrong otpChallenge" links_not 401 'wrong' $ME otp/simpleenroll \
    otp="${SECRET:0:10}AAAA-AAAA-AAAA-AAAA-AAAA"
check "G9 a wrong otpChallenge beside a right login" links_not 401 'wrong' $ME \
    otp/simpleenroll "$LOGIN" otp="${SECRET:0:10}AAAA-AAAA-AAAA-AAAA-AAAA"
check "G9 a right otpChallenge beside a wrong login" links_not 401 'wrong' $ME \
    otp/simpleenroll login=cam-9w:AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA otp="$SECRET"
check "G9 login and otpChallenge that say the same" links $ME \
    otp/simpleenroll "$LOGIN" otp="$SECRET" revocation=withdraw-me
check "G9 revocationChallenge is kept as a hash only" sh -c \
    "! grep -rqa withdraw-me '$STATE' '$TMP'/*.log"
kept_hash() { # as the store has it
	python3 - "$STATE/db/camca.sqlite" <<-'PY'
	import sqlite3, sys
	for row in sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute(
	    "SELECT revocation_challenge FROM cert WHERE revocation_challenge <> ''"):
	    print(row[0])
	PY
}
check "G9 its SHA-256" equal "$(kept_hash)" "$(printf withdraw-me | sha256sum | cut -d' ' -f1)"

# G10
camera cam-10
check "G10 a SCEP password is not taken for a proof, and told so" links_not 403 \
    'if it is a password, the label must allow that' $ME simpleenroll "$LOGIN" \
    challenge=text:Winter2026
check "G10 not where a proof is needed" links_not 403 'proof of possession' $ME \
    need/simpleenroll "$LOGIN" challenge=text:Winter2026
check "G10 a wrong proof is not taken for a password" links_not 403 \
    'proof of possession' $ME scep/simpleenroll "$LOGIN" challenge=stale
check "G10 the label that allows one" links $ME scep/simpleenroll "$LOGIN" \
    challenge=text:Winter2026

# A12
camera cam-a12
check "A12 tls-unique without extended master secret" links_not 403 \
    'extended master secret' $ME simpleenroll "$LOGIN" tls=1.2 ems=no challenge=binding
check "A12 not by estIdentityLinking either" links_not 403 'extended master secret' \
    $ME otp/simpleenroll "$LOGIN" tls=1.2 ems=no linking=binding
check "A12 a label that waives it" links $ME old-tls/simpleenroll "$LOGIN" tls=1.2 \
    ems=no challenge=binding
check "A12 waived or not, a wrong one is wrong" links_not 403 'proof of possession' \
    $ME old-tls/simpleenroll "$LOGIN" tls=1.2 ems=no challenge=flip

# G11: no full CMC, so no CMC to say popFailed in.
check "G11 fullcmc is not offered" equal "$(get "$TMP/cmc" \
    /.well-known/est/fullcmc --data-binary x)" 501

# G12
proxy() { # the gate's settings, as one behind a proxy would have them
	cp "$STATE/camca.yaml" "$TMP/camca.yaml"
	sed -i -e '/behind_proxy/d' -e 's/^gate:/gate:\n  behind_proxy: true/' \
	    "$STATE/camca.yaml"
	timeout 20 "$BIN/camca-gate" --state "$STATE" 2>"$TMP/proxy"
	local rc=$?
	cp "$TMP/camca.yaml" "$STATE/camca.yaml"
	cat "$TMP/proxy"
	[ $rc -ne 0 ] && [ $rc -ne 124 ] && grep -q 'TLS to end in camca-gate' "$TMP/proxy"
}
check "G12 the gate does not start behind a proxy that ends TLS" proxy
finish
