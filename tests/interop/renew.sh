#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camca-renew against the real server: first contact, enrolling, waiting,
# renewing, proof of possession, as a service.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
need openssl curl jq faketime
policies
profile pop camera-ec 's/^  pop: .*/  pop: require/'
profile wait camera-ec 's/^  approval: .*/  approval: true/' \
    's/^  retry_after: .*/  retry_after: 1s/'
profile hour camera-ec 's/^validity: .*/validity: 1h/' \
    's/^  window: .*/  window: 1h/' 's/^  same_window: .*/  same_window: 1m/'
est_init --rsa --policies "$POLICIES"
camca_start
URL=https://localhost:$EST_PORT
ROOT=(--trust "$TMP/root.pem")

# renew STATUS MODE FOLDER [options]: one run, which ends with STATUS
renew() {
	local want=$1 mode=$2 dir=$TMP/$3 got
	shift 3
	"$BIN/camca-renew" "$mode" --url "$URL" --dir "$dir" "$@" \
	    >"$TMP/renew.log" 2>&1
	got=$?
	cat "$TMP/renew.log"
	equal "$got" "$want"
}
# first STATUS FOLDER DEVICE [options]: enrolls with $SECRET
first() {
	local want=$1 dir=$2 id=$3
	shift 3
	printf '%s\n' "$SECRET" >"$TMP/secret"
	renew "$want" enroll "$dir" --user "$id" --secret-file "$TMP/secret" "$@"
}
pair() { # FOLDER: key, certificate and chain are whole
	local d=$TMP/$1/current
	equal "$(openssl pkey -in "$d/key.pem" -pubout)" \
	    "$(openssl x509 -in "$d/cert.pem" -noout -pubkey)" &&
	    openssl verify -x509_strict -CAfile "$TMP/root.pem" \
	        -untrusted "$d/chain.pem" "$d/cert.pem"
}
serial() { # FOLDER
	serial_of "$TMP/$1/current/cert.pem"
}
key_of() { # FOLDER
	openssl pkey -in "$TMP/$1/current/key.pem" -pubout
}
# Another certificate now, of the same names; KEY: "same" or "new".
replaced() { # FOLDER KEY
	not equal "$(serial "$1")" "$SERIAL" >/dev/null && pair "$1" &&
	    equal "$(openssl x509 -in "$TMP/$1/current/cert.pem" -noout -subject \
	        -ext subjectAltName)" "$NAMES" || return 1
	case $2 in
	same) equal "$(key_of "$1")" "$KEY" ;;
	new) not equal "$(key_of "$1")" "$KEY" >/dev/null ;;
	esac
}
remember() { # FOLDER
	SERIAL=$(serial "$1")
	KEY=$(key_of "$1")
	NAMES=$(openssl x509 -in "$TMP/$1/current/cert.pem" -noout -subject \
	    -ext subjectAltName)
}
status_has() { # FOLDER WORDS
	grep -E "$2" "$TMP/$1/status"
}
decide() { # approve|deny DEVICE
	camca enroll "$1" "$(camca --json enroll list | jq -r --arg d "$2" \
	    '.items[] | select(.device == $d) | .id')" --reason "test"
}

# ---- first contact ----

device cam-1
check "no trust, no contact" first 3 a cam-1
check "enroll with the root's file" first 0 a cam-1 "${ROOT[@]}"
check "the pair is whole" pair a
check "the key is P-256, as the CSR attributes ask" sh -c "openssl pkey -in \
    '$TMP/a/current/key.pem' -noout -text | grep -q P-256"
device cam-2
PRINT=$(camca ca certificate root --fingerprint)
OTHER=${PRINT%?}0
[ "$OTHER" != "$PRINT" ] || OTHER=${PRINT%?}1
check "another root's fingerprint is refused" first 3 b cam-2 \
    --trust-fingerprint "$OTHER"
check "the secret was not spent on it" first 0 b cam-2 \
    --trust-fingerprint "$PRINT"
check "that pair is whole" pair b
device cam-3
RIGHT=$SECRET
SECRET=x$SECRET
check "a wrong secret" first 4 c cam-3 "${ROOT[@]}"
check "the server's words are kept" status_has c 'unknown, wrong or locked'
SECRET=$RIGHT
check "then the right one" first 0 c cam-3 "${ROOT[@]}"
device cam-4
check "an RSA key for the RSA label" first 0 d cam-4 "${ROOT[@]}" --label rsa
check "as its CSR attributes ask" sh -c "openssl x509 -in \
    '$TMP/d/current/cert.pem' -noout -text | grep -q 'Public-Key: (2048 bit)'"
check "the RSA pair is whole" pair d

# ---- renewing ----

remember a
check "nothing is due" renew 0 auto a
check "and nothing has changed" equal "$(serial a)" "$SERIAL"
check "renew, with a new key" renew 0 renew a
check "the new pair" replaced a new
remember a
check "renew with the same key, TLS 1.2" renew 0 renew a --rekey never \
    --tls-max 1.2
check "the same key" replaced a same
remember a
printf '#!/bin/sh\necho "$CAMCA_RENEW_GENERATION" >"%s/hooked"\n' "$TMP" \
    >"$TMP/hook"
chmod 755 "$TMP/hook"
check "rekey to P-384, with a hook" renew 0 renew a --key-type p384 \
    --hook "$TMP/hook"
check "the new key" replaced a new
check "the hook ran" test -s "$TMP/hooked"
remember d
check "renew RSA" renew 0 renew d --label rsa
check "the new RSA pair" replaced d new
check "another label than the certificate's" renew 4 renew d --label pop
check "the authority rolls over" camca ca rollover ec
remember a
check "renew under the new authority" renew 0 renew a
check "the chain leads there" replaced a new
check "it is the new one's" not equal "$(openssl x509 -noout -ext \
    authorityKeyIdentifier -in "$TMP/a/current/cert.pem")" "$(openssl x509 \
    -noout -ext authorityKeyIdentifier -in "$TMP/b/current/cert.pem")"
remember b
camca cert revoke "$SERIAL" --reason keyCompromise --text "test" >/dev/null
check "a revoked certificate renews nothing" renew 4 renew b
check "the pair stays" equal "$(serial b)" "$SERIAL"

# ---- proof of possession ----

for v in 1.3 1.2; do
	device "cam-pop-$v"
	check "enroll with proof, TLS $v" first 0 "pop$v" "cam-pop-$v" \
	    "${ROOT[@]}" --label pop --tls-max $v
	check "a whole pair, TLS $v" pair "pop$v"
	remember "pop$v"
	check "renew with proof, TLS $v" renew 0 renew "pop$v" --label pop \
	    --tls-max $v
	check "a new pair, TLS $v" replaced "pop$v" new
done

# ---- waiting ----

device cam-5
check "told to wait" first 5 e cam-5 "${ROOT[@]}" --label wait
check "it says when it comes again" status_has e 'next-attempt: 2'
PENDING=$(openssl pkey -in "$TMP/e/pending.pem" -pubout)
check "still waiting, the same request" first 5 e cam-5 --label wait
check "one request waits" equal "$(camca --json enroll list |
    jq '.items | length')" 1
check "approved" decide approve cam-5
check "it gets its certificate" first 0 e cam-5 --label wait
check "for the key that waited" equal "$(key_of e)" "$PENDING"
check "that pair, too, is whole" pair e
device cam-6
check "another one waits" first 5 f cam-6 "${ROOT[@]}" --label wait
check "denied" decide deny cam-6
check "it is refused" first 4 f cam-6 --label wait

# ---- the strictest label: factory identity, proof, approval ----

maker_init Acme 2>/dev/null
factory Acme SN-cam-7 "$TMP/factory"
camca vendor add Acme --roots "$TMP/Acme/root.pem" --crl-required false \
    >/dev/null
device cam-7
strict() { # STATUS MODE [options]
	local want=$1 mode=$2
	shift 2
	renew "$want" "$mode" g "${ROOT[@]}" --label strict \
	    --idevid-cert "$TMP/factory.pem" --idevid-key "$TMP/factory.key" "$@"
}
check "a factory identity waits, TLS 1.3" strict 5 enroll
check "it is approved" decide approve cam-7
check "and gets its certificate, TLS 1.2" strict 0 enroll --tls-max 1.2
check "the pair is whole, too" pair g
check "it is too early to renew" strict 4 renew
check "and the server says so" status_has g 'renew'

# ---- as a service ----

device cam-8
printf %s "$SECRET" >"$TMP/secret8"
service() { # [wrapper]: starts it; wants a status of a cycle that went well
	rm -f "$TMP/h/status"
	"$@" "$BIN/camca-renew" --daemon --url "$URL" --dir "$TMP/h" \
	    --label hour "${ROOT[@]}" --user cam-8 \
	    --secret-file "$TMP/secret8" >>"$TMP/daemon.log" 2>&1 &
	DAEMON=$!
	PIDS+=("$DAEMON")
	eventually idle || { cat "$TMP/daemon.log"; return 1; }
}
idle() {
	[ -f "$TMP/h/status" ] && status_has h '^exit-code: 0'
}
check "the service enrolls" service
check "its pair is whole" pair h
kill -TERM "$DAEMON"
check "it ends when told" wait "$DAEMON"
remember h
# By then two thirds of the hour are over, jitter included.
check "the service renews in time" service env \
    "ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
    LD_PRELOAD="$(ls /usr/lib/*/faketime/libfaketime.so.1)" FAKETIME=+50m
check "with a new key" replaced h new
kill -TERM "$DAEMON"
check "it ends again" wait "$DAEMON"
finish
