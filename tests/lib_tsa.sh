# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests with time-stamps, on top of lib.sh: a local TSA out of openssl.

# tsa_ca NAME: a root and a TSA certificate under it, $TMP/tsa/NAME*.pem.
tsa_ca() {
	local d=$TMP/tsa n=$1
	mkdir -p "$d"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$d/$n-root.key" -out "$d/$n-root.pem" -days 30 \
	    -subj "/CN=$n root" 2>/dev/null || return 1
	printf '%s\n' 'basicConstraints=critical,CA:false' \
	    'keyUsage=critical,digitalSignature' \
	    'extendedKeyUsage=critical,timeStamping' >"$d/$n.ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$d/$n.key" -subj "/CN=$n TSA" -out "$d/$n.csr" \
	    2>/dev/null || return 1
	openssl x509 -req -in "$d/$n.csr" -CA "$d/$n-root.pem" \
	    -CAkey "$d/$n-root.key" -CAcreateserial -days 30 \
	    -extfile "$d/$n.ext" -out "$d/$n.pem" 2>/dev/null
}
tsa_section() { # SECTION NAME DIGESTS
	printf '%s\n' "[ $1 ]" 'serial = serial' 'crypto_device = builtin' \
	    "signer_cert = $2.pem" "certs = $2-root.pem" \
	    "signer_key = $2.key" 'signer_digest = sha256' \
	    'default_policy = 1.2.3.4.1' "digests = $3" \
	    'accuracy = secs:1' 'ordering = yes' 'tsa_name = yes' \
	    'ess_cert_id_chain = no' 'ess_cert_id_alg = sha256'
}
# tsa_start: $TSA is its URL, without the part that says how it behaves.
tsa_start() {
	tsa_ca good && tsa_ca other || return 1
	echo 1000 >"$TMP/tsa/serial"
	{ tsa_section tsa good sha256
	  tsa_section other_tsa other sha256
	  tsa_section reject_tsa good sha512; } >"$TMP/tsa/tsa.cnf"
	rm -f "$TMP/tsa/port"
	python3 "$TOP/tests/tools/tsa.py" "$TMP/tsa" "$TMP/tsa/port" \
	    2>>"$TMP/tsa.log" &
	PIDS+=("$!")
	TSA_PID=$!
	eventually test -s "$TMP/tsa/port" || return 1
	TSA=http://127.0.0.1:$(cat "$TMP/tsa/port")
	export TSA TSA_PID
}
