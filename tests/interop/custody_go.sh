#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Acceptance 4.1: verifiers that are not ours over logs that are: Go's
# golang.org/x/mod/sumdb (note, tlog) over logs of every awkward size and over
# one that camcad signed with its HSM, openssl over the checkpoint's lines.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_go.sh"
need openssl jq python3
SIZES="0 1 2 255 256 257 65535 65536 65537 70000"
cd "$TMP" || exit 1
go_there || skip "golang-go or golang-golang-x-mod-dev is not installed"
check "the verifier compiles" go_ready
EXPORT=$BIN/tests/bench/custody_export

# shellcheck disable=SC2086 # a list of numbers
"$EXPORT" --make log $SIZES || { echo "not ok a log is made"; exit 1; }

go_holds log "Go"

# The same rules once more by openssl, on the lines alone.
# line FOLDER TYPE: the signature of that type (1 or 2) and its key, to files
line() {
	local vkey id key
	# The type is the first byte: base64 "AQ".."Af", and "Aj" before a SPKI.
	vkey=$(grep -m1 -E "^[^+]+[+][0-9a-f]{8}[+]A$([ "$2" = 1 ] && echo '[Q-Za-f]' || echo j)" "$1/vkeys")
	id=$(echo "$vkey" | cut -d+ -f2)
	key=$(echo "$vkey" | cut -d+ -f3-)
	echo "$key" | base64 -d | tail -c +2 >key.raw
	if [ "$2" = 1 ]; then
		# SubjectPublicKeyInfo of RFC 8410 around the 32 bytes.
		(printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'
		    cat key.raw) >key.der
	else
		cp key.raw key.der
	fi
	sed '1,/^$/d' "$1/checkpoint" | awk '{ print $3 }' | while read -r s; do
		echo "$s" | base64 -d >sig.all
		[ "$(cu_hex 4 sig.all)" = "$id" ] && tail -c +5 sig.all >sig
	done
	sed '/^$/,$d' "$1/checkpoint" >text
}
openssl_holds() { # FOLDER NAME
	rm -f sig
	line "$1" 1
	check "$2: openssl verifies the Ed25519 line" openssl pkeyutl -verify -pubin \
	    -keyform DER -inkey key.der -rawin -in text -sigfile sig
	rm -f sig
	line "$1" 2
	check "$2: openssl verifies the ECDSA line" openssl dgst -sha256 \
	    -verify key.der -keyform DER -signature sig text
	echo more >>text
	check_not "$2: and not over another text" openssl dgst -sha256 \
	    -verify key.der -keyform DER -signature sig text
}
openssl_holds log made

rejected() { [ "$1" = 1 ] && grep '^not ok' bad.out; }
# altered NAME COMMAND...: a copy with one thing changed must not pass.
altered() {
	local name=$1
	shift
	rm -rf bad
	cp -al log bad
	(cd bad && "$@") || echo "not ok $name: could not be altered"
	./custody_go bad >bad.out 2>&1 && rc=0 || rc=$?
	check "rejected: $name" rejected "$rc"
	rm -rf bad
}
# Writes a file anew: the copy shares its blocks with the log.
flip() { # FILE BYTE
	python3 - "$1" "$2" <<'P'
import os, sys
name, at = sys.argv[1], int(sys.argv[2])
b = bytearray(open(name, "rb").read())
b[at] ^= 1
os.unlink(name)
open(name, "wb").write(b)
P
}
shorten() { head -c -32 "$1" >x; mv x "$1"; }
more() { { cat "$1"; echo; } >x; mv x "$1"; }
other_key() { sed '1s/+A/+B/' vkeys >x; mv x vkeys; }
swap() { mv "$1" x && mv "$2" "$1" && mv x "$2"; }
# newest FILE: what is read from the pipe is FILE and the newest checkpoint.
newest() { cat >x; rm -f "$1" checkpoint; cp x checkpoint; mv x "$1"; }
resize() { sed "2s/.*/$1/" checkpoint.70000 >y; rm checkpoint.70000; newest "checkpoint.$1" <y; rm y; }
reroot() { sed '3s/^../zz/' checkpoint.70000 | newest checkpoint.70000; }
reindex() { sed 's/^index .*/index 254/' "$1" >x; mv x "$1"; }
other_lines() {
	{ sed '/^$/,$d' checkpoint.70000; echo; sed '1,/^$/d' checkpoint.65537; } |
	    newest checkpoint.70000
}
one_line() { sed '$d' checkpoint.70000 | newest checkpoint.70000; }
altered "a bit of a level 0 tile" flip tile/0/100 4000
altered "a bit of a partial tile" flip tile/0/273.p/112 3583
altered "a bit of a level 1 tile" flip tile/1/000 31
altered "a bit of the top tile" flip tile/2/000.p/1 0
altered "two tiles swapped" swap tile/0/004 tile/0/005
altered "a tile that is missing" rm tile/0/017
altered "a tile that no tree has" cp tile/0/017 tile/0/500
altered "a partial tile a hash too short" shorten tile/0/000.p/255
altered "a bit of an entry" flip tile/entries/200 1000
altered "a bit of an entry's length" flip tile/entries/200 1
altered "a bit of a partial bundle of entries" flip tile/entries/000.p/2 20
altered "two bundles swapped" swap tile/entries/004 tile/entries/005
altered "a bundle that is missing" rm tile/entries/255
altered "a byte behind a bundle" more tile/entries/003
altered "another size" resize 69999
altered "another root" reroot
altered "another index in a proof" reindex proof/257/255.tlog-proof
altered "a proof of another leaf" swap proof/257/255.tlog-proof proof/257/254.tlog-proof
altered "a consistency proof of another size" swap proof/70000/from.65535 proof/70000/from.65536
altered "another checkpoint's signatures" other_lines
altered "one of the two lines missing" one_line
altered "another key" other_key

# The log that camcad itself keeps and signs, with the keys of its HSM.
cd "$TMP" || exit 1
camca_init
camca_start
for i in 1 2 3 4 5; do
	device "cam-$i"
	cu_signed >/dev/null || echo "not ok sign"
done
enroll cam-5 cam-5
check "camcad signs what has happened" cu_signed
stop "$GATE_PID"
stop "$AUTHORITY_PID"
go_log camcad
go_holds camcad "camcad's log, Go"
openssl_holds camcad "camcad's log"
finish
