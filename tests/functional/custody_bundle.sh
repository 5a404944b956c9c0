#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The evidence bundle of a camera that was enrolled, renewed, held, released and
# revoked: written, checked by camca-verify, by openssl and sha256sum and by Go
# with the README's own commands, and asked what was so at each time.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_go.sh"
need openssl curl jq
est_init --rsa
camca_start

verify() { "$BIN/camca-verify" "$@"; }
# says WORDS FILE...: camca-verify fails and the reason has WORDS.
says() {
	local words=$1
	shift
	! verify "$@" >"$TMP/said" 2>&1 || { cat "$TMP/said"; return 1; }
	grep -qE -- "$words" "$TMP/said" || { cat "$TMP/said"; return 1; }
}
now() { sleep 0.05; date -u +%Y-%m-%dT%H:%M:%S.%3NZ; sleep 0.05; }
bundle() { camca custody bundle "$1" --out "$2"; }

# ---- a camera's life ----
T0=$(now)
device cam-1 1
T1=$(now)
enroll cam-1 "$TMP/one" || { echo "not ok enroll"; exit 1; }
FIRST=$(serial_of "$TMP/one.pem")
T2=$(now)
check "a bundle while the first certificate is good" bundle cam-1 "$TMP/b-good"
check "it holds" verify "$TMP/b-good"
cp "$TMP/one.key" "$TMP/two.key"
renew_csr "$TMP/two" "$TMP/one"
check "it renews" accepts simplereenroll "$TMP/two" --cert "$TMP/one.pem" --key "$TMP/one.key"
SECOND=$(serial_of "$TMP/two.pem")
T3=$(now)
camca device hold cam-1 --reason 'seen elsewhere' >/dev/null
T4=$(now)
check "a bundle while it is on hold" bundle cam-1 "$TMP/b-hold"
check "it holds" verify "$TMP/b-hold"
camca device release cam-1 --reason 'found' >/dev/null
T5=$(now)
camca cert revoke "$FIRST" --reason superseded --text 'the new one is in use' >/dev/null
T6=$(now)
# Known later: the key was out since T3.
check "a batch with an invalidity date" sh -c "'$BIN/camca' --json revoke plan revoke \
    --device cam-1 --crl-reason keyCompromise --invalidity $T3 --reason 'key found' >'$TMP/plan' &&
    '$BIN/camca' revoke apply \$(jq -r .batch.id '$TMP/plan')"
T7=$(now)
check "the bundle at its end" bundle cam-1 "$TMP/b"
check "it holds" verify "$TMP/b"

# ---- what is in it ----
# in_folders BUNDLE FOLDER...: how many files each has.
in_folders() {
	local b=$1 f
	shift
	for f in "$@"; do printf '%s ' "$(find "$b/$f" -type f | wc -l)"; done
}
last_event() { # BUNDLE: its number
	find "$1/events" -name '*.event' -printf '%f\n' | sort | tail -1 | cut -c1-6
}
check "files for all to read" equal "$(stat -c %a "$TMP/b" "$TMP/b/events" "$TMP/b/README.txt" | tr '\n' ' ')" '755 755 644 '
check "sha256sum agrees" sh -c "cd '$TMP/b' && sha256sum --quiet --strict -c MANIFEST"
check "two certificates, two CRLs, two answers" equal \
    "$(in_folders "$TMP/b" certs crl ocsp)" '2 2 2 '
check "the events are those of event list" equal "$((10#$(last_event "$TMP/b")))" \
    "$(events cam-1 | wc -l)"
check "an event is the leaf, byte by byte" sh -c "grep -q '^dev-seq 1\$' '$TMP/b/events/000001.event' &&
    grep -qx 'dev-prev -' '$TMP/b/events/000001.event'"
ocsp_takes() {
	openssl x509 -in "$TMP/b/ca-chain.pem" -out "$TMP/issuer.pem"
	openssl ocsp -respin "$TMP/b/ocsp/$SECOND.der" -issuer "$TMP/issuer.pem" \
	    -cert "$TMP/two.pem" -CAfile "$TMP/root.pem" \
	    -verify_other "$TMP/issuer.pem" -no_nonce >"$TMP/ocsp.out" 2>&1
	grep -q 'Response verify OK' "$TMP/ocsp.out" &&
	    grep -q 'keyCompromise' "$TMP/ocsp.out" || { cat "$TMP/ocsp.out"; return 1; }
}
check "openssl verifies an OCSP answer of it" ocsp_takes
check "no bundle is made into a folder that is there" sh -c "! '$BIN/camca' custody bundle cam-1 --out '$TMP/b'"
check "a device that is none" sh -c "! '$BIN/camca' --json custody bundle nobody --out '$TMP/x' >'$TMP/no' &&
    grep -q device.unknown '$TMP/no' && [ ! -e '$TMP/x' ]"
check "an id that is a way out is none" sh -c "! '$BIN/camca' --json custody bundle ../../way-out-$$ --out '$TMP/x' >'$TMP/no' &&
    grep -q device.unknown '$TMP/no' && [ ! -e '$TMP/x' ] && [ ! -e '$TMP/../way-out-$$' ]"
check "nothing half is left behind" sh -c "! ls -d '$TMP'/*.part-* 2>/dev/null"
default_name() {
	(cd "$TMP" && camca --json custody bundle cam-1 >"$TMP/named.json") &&
	    verify "$TMP/$(jq -r .folder "$TMP/named.json")" &&
	    jq -r .folder "$TMP/named.json" | grep -Eq '^evidence-cam-1-[0-9]{8}$'
}
check "a name of its own" default_name
device cam-2 1
check "a device without a certificate" bundle cam-2 "$TMP/b2"
check "that bundle holds, too" verify "$TMP/b2"

# ---- other CAs: RSA, and two generations ----
device cam-3 1
openssl genrsa -out "$TMP/rsa.key" 2048 2>/dev/null
csr "$TMP/rsa" && est_post rsa/simpleenroll "$TMP/rsa" -u "cam-3:$SECRET" >/dev/null &&
    p7_cert "$TMP/rsa"
camca custody bundle cam-3 --out "$TMP/b-rsa" >/dev/null
check "a bundle under the RSA CA" verify "$TMP/b-rsa" --trust "$TMP/root.pem"
check "with one certificate" equal "$(in_folders "$TMP/b-rsa" certs crl ocsp)" '1 2 1 '
device cam-4 1
enroll cam-4 "$TMP/gen1"
camca ca rollover ec >/dev/null
cp "$TMP/gen1.key" "$TMP/gen2.key"
renew_csr "$TMP/gen2" "$TMP/gen1"
check "it renews under the next generation" accepts simplereenroll "$TMP/gen2" \
    --cert "$TMP/gen1.pem" --key "$TMP/gen1.key"
camca custody bundle cam-4 --out "$TMP/b-gen" >/dev/null
check "a bundle over two generations" verify "$TMP/b-gen" --trust "$TMP/root.pem"
check "three CAs, a CRL each" equal "$(in_folders "$TMP/b-gen" certs crl ocsp)" '2 3 2 '

# ---- in plain words ----
verify "$TMP/b" >"$TMP/en"
verify "$TMP/b" --lang vi >"$TMP/vi"
check "it says what is proven" grep -q 'none is missing in between' "$TMP/en"
check "it says what is not" grep -q 'There may be later events' "$TMP/en"
check "it says whose keys these are" grep -q 'come from the bundle itself' "$TMP/en"
check "in Vietnamese" grep -q 'Kết quả: ĐẠT' "$TMP/vi"
check "the root's fingerprint is the one that people know" grep -q \
    "$(camca ca certificate root --fingerprint)" "$TMP/en"
camca custody key >"$TMP/keys"
key_shown() {
	local n=0 hex
	for hex in $(awk '$1 == "sha-256:" { print $2 }' "$TMP/keys"); do
		grep -q "$hex" "$TMP/en" || return 1
		n=$((n + 1))
	done
	[ "$n" -ge 1 ]
}
check "the keys' fingerprints are those of custody key" key_shown
camca custody key --policy >"$TMP/policy"
check "with keys and roots from elsewhere" sh -c "'$BIN/camca-verify' '$TMP/b' --policy '$TMP/policy' \
    --trust '$TMP/root.pem' >'$TMP/trusted' && ! grep -q 'bundle itself' '$TMP/trusted'"
check "JSON" sh -c "'$BIN/camca-verify' '$TMP/b' --json | jq -e '.result == \"ok\" and .device == \"cam-1\" and
    (.certificates | length) == 2 and .certificates[1].reason == \"keyCompromise\"'"
# What the C library reads for itself does not count.
alone() {
	strace -f -o "$TMP/trace" -e trace=openat,open,socket,connect \
	    "$BIN/camca-verify" "$TMP/b" >/dev/null || return 1
	! grep -vE 'ENOENT|"(/etc/ld|/lib/|/usr/lib/|/etc/localtime|/usr/share/zoneinfo|/proc/self)|O_NOFOLLOW|exited' \
	    "$TMP/trace" | grep -vF "\"$TMP/b\"" | grep .
}
if command -v strace >/dev/null && [ -z "$(nm "$BIN/camca-verify" 2>/dev/null | grep -m1 -E '__[at]san_init')" ]; then
	check "no network, and no file but the bundle's" alone
fi

# ---- as of a time ----
as_of() { # TIME: held serial, state, and in force of both
	verify "$TMP/b" --as-of "$1" --json >"$TMP/asof" || return 1
	jq -r '.as_of | [.held // "none", .state] + [.certificates[] |
	    (if .in_force then "in-force" else .status end) +
	    (if .disowned_later then "!" else "" end)] | join(" ")' "$TMP/asof"
}
check "as of: before it was known" equal "$(as_of "$T0")" "none -"
check "as of: registered" equal "$(as_of "$T1")" "none registered"
check "as of: enrolled" equal "$(as_of "$T2")" "$FIRST enrolled in-force"
check "as of: renewed, disowned by what came later" equal "$(as_of "$T3")" \
    "$SECOND enrolled in-force! in-force!"
check "as of: on hold" equal "$(as_of "$T4")" "none held hold! hold!"
check "as of: released" equal "$(as_of "$T5")" "$SECOND enrolled in-force! in-force!"
check "as of: the first one superseded" equal "$(as_of "$T6")" \
    "$SECOND enrolled revoked! in-force!"
check "as of: revoked" equal "$(as_of "$T7")" "none revoked revoked revoked"
check "as of a day" sh -c "'$BIN/camca-verify' '$TMP/b' --as-of 2020-01-01 | grep -q 'no certificate in force'"
check "as of, in words" sh -c "'$BIN/camca-verify' '$TMP/b' --as-of $T4 | grep -q 'on hold (certificateHold) since'"
check "after the last event it says so" sh -c "'$BIN/camca-verify' '$TMP/b' --as-of 2999-01-01T00:00:00Z |
    grep -q 'last event of the bundle is older'"
check "a time that is none" sh -c "'$BIN/camca-verify' '$TMP/b' --as-of yesterday; test \$? = 2"
check "no bundle named" sh -c "'$BIN/camca-verify'; test \$? = 2"
check "an unknown option" sh -c "'$BIN/camca-verify' '$TMP/b' --what; test \$? = 2"

# ---- somebody else's trust ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=other \
    -keyout "$TMP/o.key" -out "$TMP/other.pem" 2>/dev/null
check "another root" says 'not one that you trust' "$TMP/b" --trust "$TMP/other.pem"
sed 's/^log \([^+]*\)/log other.example/' "$TMP/policy" >"$TMP/policy2"
check "another log's policy" says 'WRONG' "$TMP/b" --policy "$TMP/policy2"
check "an older bundle's events under a newer checkpoint" says 'checkpoint of this bundle' "$( \
    cp -R "$TMP/b" "$TMP/mixed" && cp "$TMP/b-good/events/"*.tlog-proof "$TMP/mixed/events/" &&
    (cd "$TMP/mixed" && find . -type f ! -name MANIFEST -printf '%P\n' | LC_ALL=C sort |
    xargs sha256sum >"$TMP/M" && mv "$TMP/M" MANIFEST) && echo "$TMP/mixed")"

# ---- odd folders ----
odd() { rm -rf "$TMP/odd"; cp -R "$TMP/b" "$TMP/odd"; }
odd; ln -s /etc/passwd "$TMP/odd/events/000099.event"
check "a link in it" says 'link' "$TMP/odd"
odd; rm -rf "$TMP/odd/crl"; ln -s "$TMP/b/crl" "$TMP/odd/crl"
check "a link for a folder" says 'cannot be read' "$TMP/odd"
odd; mkfifo "$TMP/odd/checkpoint2"
check "a pipe with an odd name" says 'no file of a bundle' "$TMP/odd"
odd; rm "$TMP/odd/checkpoint"; mkfifo "$TMP/odd/checkpoint"
check "a pipe for a file" says 'neither a file nor a folder' "$TMP/odd"
odd; touch "$TMP/odd/.hidden"
check "a hidden file" says 'no file of a bundle' "$TMP/odd"
odd; mkdir "$TMP/odd/events/more"
check "a folder in a folder" says 'no file of a bundle' "$TMP/odd"
odd; truncate -s 9000000 "$TMP/odd/policy.tlog"
check "a file too large" says 'too large' "$TMP/odd"
check "no folder at all" says 'cannot be read' "$TMP/nothing"

# ---- 4.1 openssl and sha256sum alone, by the README ----
by_hand() { # EVENT
	sed -n '/^    # begin$/,/^    # end$/p' "$TMP/b/README.txt" | sed "s/^    //;s/^N=.*/N=$1/" >"$TMP/hand.sh"
	(cd "$TMP/b" && bash -eu "$TMP/hand.sh") >"$TMP/hand.out" 2>&1
	cat "$TMP/hand.out"
	grep -qx "event $1: in the log" "$TMP/hand.out" &&
	    grep -qx 'Signature Verified Successfully' "$TMP/hand.out" &&
	    grep -qx 'Verified OK' "$TMP/hand.out" &&
	    [ "$(grep -c '^events/' "$TMP/hand.out")" = 2 ] &&
	    ! grep -qiE 'NOT in|fail|error' "$TMP/hand.out"
}
check "4.1 openssl and sha256sum check the first event" by_hand 000001
check "4.1 and the last one" by_hand "$(last_event "$TMP/b")"
by_hand_not() {
	cp "$TMP/b/events/000002.event" "$TMP/keep"
	sed -i 's/^actor .*/actor somebody/' "$TMP/b/events/000002.event"
	! by_hand 000002 && grep -qx 'event 000002: NOT in the log' "$TMP/hand.out"
	local rc=$?
	cp "$TMP/keep" "$TMP/b/events/000002.event"
	return "$rc"
}
check "4.1 an altered one is seen by hand" by_hand_not

# ---- 4.1 Go, by the README ----
# Compiling Go's own library takes longest: once a build folder is enough.
if go_there; then
	mkdir -p "$TMP/check"
	sed -n '/^package main/,$p' "$TMP/b/README.txt" >"$TMP/check/main.go"
	check "4.1 the README's program builds" env -u GOFLAGS GO111MODULE=off \
	    GOPATH=/usr/share/gocode GOPROXY=off GOCACHE="$BIN/go-cache" HOME="$TMP" "$GO" build -o "$TMP/check/check" "$TMP/check/main.go"
	check "4.1 it accepts the bundle" "$TMP/check/check" "$TMP/b"
	check "4.1 it accepts one without certificates" "$TMP/check/check" "$TMP/b2"
	odd; sed -i 's/^actor .*/actor somebody/' "$TMP/odd/events/000002.event"
	check_not "4.1 it rejects an altered event" "$TMP/check/check" "$TMP/odd"
	odd; sed -i '2s/.*/7/' "$TMP/odd/checkpoint"
	check_not "4.1 it rejects an altered checkpoint" "$TMP/check/check" "$TMP/odd"
	odd; mv "$TMP/odd/events/000002.event" "$TMP/odd/events/x"
	mv "$TMP/odd/events/000003.event" "$TMP/odd/events/000002.event"
	check_not "4.1 it rejects a swapped event" "$TMP/check/check" "$TMP/odd"
else
	echo "golang.org/x/mod is not installed: its part is left out"
fi

# ---- the history for people ----
camca custody show cam-1 >"$TMP/show"
check "the history has each event" equal "$(tail -n +2 "$TMP/show" | wc -l)" "$(events cam-1 | wc -l)"
check "in sentences" sh -c "grep -q 'Registered at site site1: Acme M1' '$TMP/show' &&
    grep -q 'Certificate renewed' '$TMP/show' && grep -q 'from enrolled to held' '$TMP/show' &&
    grep -q 'seen elsewhere' '$TMP/show'"
check "page by page the same" sh -c "'$BIN/camca' --json custody show cam-1 | jq -r '.items[].n' >'$TMP/all'
    a=; : >'$TMP/paged'; while :; do '$BIN/camca' --json custody show cam-1 --limit 2 \${a:+--after \$a} >'$TMP/p';
    jq -r '.items[].n' '$TMP/p' >>'$TMP/paged'; a=\$(jq -r .next '$TMP/p'); [ -n \"\$a\" ] || break; done
    cmp '$TMP/all' '$TMP/paged'"
check "what concerns no device" sh -c "'$BIN/camca' custody show - --limit 3 | grep -q 'Authority founded'"
check "nobody's history" sh -c "! '$BIN/camca' custody show nobody"
check "fsck finds nothing" sh -c "'$BIN/camca' custody fsck | grep -q 'The log is whole'"
finish
