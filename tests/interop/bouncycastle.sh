#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bouncy Castle's EST client (Java): all it can do, on its own TLS and on the
# JDK's. It wants a Content-Transfer-Encoding, which it also sends, and chokes on
# the text of a 401 or 202.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need javac java openssl curl jq
JARS=
for jar in bcprov bcpkix bcutil bctls; do
	[ -r "/usr/share/java/$jar.jar" ] || skip "lib$jar-java is not installed"
	JARS=$JARS:/usr/share/java/$jar.jar
done

policies
profile pop camera-ec 's/^  pop: .*/  pop: require/'
profile wait camera-ec 's/^  approval: .*/  approval: true/' \
    's/^  retry_after: .*/  retry_after: 1s/'
est_init --policies "$POLICIES"
camca_start
DEVICES=()
for i in 1 2 3 4 5 6; do
	device "cam-$i"
	DEVICES+=("cam-$i:$SECRET")
done
mkdir "$TMP/java" "$TMP/out"
# The compiler is the slow part: no need for it to be a clever one.
check "it compiles" javac -J-XX:TieredStopAtLevel=1 -J-Xmx256m -cp "$JARS" \
    -d "$TMP/java" "$TOP/tests/interop/EstClient.java" \
    "$TOP/tests/interop/EstTls13.java"

# Its own lines count as checks; between them it asks the operator for approval.
approve() { # DEVICE
	camca enroll approve "$(camca --json enroll list | jq -r --arg d "$1" \
	    '.items[] | select(.device == $d) | .id')" >/dev/null
}
coproc CLIENT { timeout 120 java -XX:TieredStopAtLevel=1 -Xmx256m \
    -cp "$TMP/java$JARS" EstClient "$EST_PORT" "$TMP/root.pem" "$TMP/out" \
    "${DEVICES[@]}" 2>"$TMP/java.log"; }
PIDS+=("$CLIENT_PID")
# Copies: bash forgets the coprocess' own ones when it ends.
exec 3<&"${CLIENT[0]}" 4>&"${CLIENT[1]}"
while read -r -u 3 word rest; do
	case $word in
	ok) check "$rest" true ;;
	pending)
		approve "$rest"
		echo go >&4 ;;
	*) check "${rest#ok }" false ;;
	esac
done
exec 4>&-
check "all steps were done" equal "$PASSED" 20

for f in one two three four five six seven eight nine; do
	check "certificate $f verifies" openssl verify -x509_strict \
	    -CAfile "$TMP/root.pem" -untrusted "$TMP/cacerts.pem" \
	    "$TMP/out/$f.pem"
done
finish
