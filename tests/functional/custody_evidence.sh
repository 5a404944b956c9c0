#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A bundle with everything on it: the quorum of two witnesses, time-stamps of two
# TSAs. And when others are away: what is still given, and what is refused.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_witness.sh"
. "$TOP/tests/lib_tsa.sh"
need jq openssl curl python3

verify() { "$BIN/camca-verify" "$@"; }
says() { # WORDS ARGUMENTS...: it does not hold, and the reason has WORDS
	local words=$1
	shift
	! verify "$@" >"$TMP/said" 2>&1 || { cat "$TMP/said"; return 1; }
	grep -qE -- "$words" "$TMP/said" || { cat "$TMP/said"; return 1; }
}
refused() { # CODE ARGUMENTS of custody bundle...
	local code=$1
	shift
	! camca --json custody bundle "$@" >"$TMP/refused" || return 1
	grep -q "\"$code\"" "$TMP/refused" || { cat "$TMP/refused"; return 1; }
}
again() { # FOLDER: MANIFEST made anew
	(cd "$1" && find . -type f ! -name MANIFEST -printf '%P\n' |
	    LC_ALL=C sort | xargs sha256sum >"$TMP/M" && mv "$TMP/M" MANIFEST)
}

check "a TSA starts" tsa_start
witness_new 1 && witness_new 2 || exit 1
est_init --node authority-1
sed -i "s|^  tsa: .*|  tsa: [\"one $TSA/ok/1\", \"two $TSA/ok/2\"]|" "$STATE/camca.yaml"
mkdir -p "$STATE/policies/custody"
{ echo '# trusted for time-stamps'; cat "$TMP/tsa/good-root.pem"; } >"$STATE/policies/custody/one.pem"
cp "$TMP/tsa/good-root.pem" "$STATE/policies/custody/two.pem"
camca_start
cu_signed >/dev/null
cu_call custody.key | jq -r '.keys[]' >"$TMP/vkeys"
cp "$TMP/vkeys" "$TMP/w1/logs"
cp "$TMP/vkeys" "$TMP/w2/logs"
witness 1 && witness 2 || exit 1
{ echo '# who watches'; sed 's/^/log /' "$TMP/vkeys"
  echo "witness first $(cat "$TMP/w1.vkey") $URL1"
  echo "witness second $(cat "$TMP/w2.vkey") $URL2/"
  echo 'group both all first second'; echo 'quorum both'; } >"$STATE/policies/custody/policy.tlog"
camca policy reload >/dev/null
start anchor "$BIN/camca-anchor" --state "$STATE" || exit 1
ANCHOR_PID=$LAST_PID

device cam-1 1
enroll cam-1 "$TMP/one" || { echo "not ok enroll"; exit 1; }
camca device hold cam-1 --reason 'taken to the workshop' >/dev/null
camca device release cam-1 --reason 'back' >/dev/null
check "a bundle with time-stamps" camca custody bundle cam-1 --out "$TMP/b" --timestamp
check "it holds" verify "$TMP/b"
verify "$TMP/b" >"$TMP/en"
check "two witnesses" grep -q '2 witnesses have signed' "$TMP/en"
check "two time-stamps" equal "$(grep -c 'has seen the checkpoint at' "$TMP/en")" 2
check "the policy has neither URLs nor remarks" sh -c "! grep -qE 'http|#' '$TMP/b/policy.tlog'"
check "with everything from elsewhere" verify "$TMP/b" --trust "$TMP/root.pem" \
    --policy "$STATE/policies/custody/policy.tlog" --tsa "$TMP/tsa/good-root.pem"
check "a TSA that the reader does not trust" says 'time-stamp does not hold' "$TMP/b" \
    --tsa "$TMP/tsa/other-root.pem"
sed 's/^quorum .*/quorum none/' "$STATE/policies/custody/policy.tlog" >"$TMP/loose"
check "a reader who asks for no witness" verify "$TMP/b" --policy "$TMP/loose"
witness_new 3
sed -e "s|^witness second .*|witness second $(cat "$TMP/w3.vkey")|" \
    "$STATE/policies/custody/policy.tlog" >"$TMP/strict"
check "a reader who asks for another one" says 'no quorum' "$TMP/b" --policy "$TMP/strict"
sed -n '/^    # begin$/,/^    # end$/p' "$TMP/b/README.txt" | sed 's/^    //' >"$TMP/hand.sh"
check "4.1 openssl ts -verify, by the README" sh -c "cd '$TMP/b' && bash -eu '$TMP/hand.sh' >'$TMP/hand' 2>&1;
    test \$(grep -c '^Verification: OK' '$TMP/hand') = 2 || { cat '$TMP/hand'; exit 1; }"

# A line less: MANIFEST and policy of the bundle's own cannot hide it.
cp -R "$TMP/b" "$TMP/less"
for f in "$TMP/less/checkpoint" "$TMP"/less/events/*.tlog-proof; do
	sed -i '/^— witness.test\/w2 /d' "$f"
done
again "$TMP/less"
check "a witness's line taken out" says 'no quorum' "$TMP/less"
cp -R "$TMP/b" "$TMP/mixed"
cp "$TMP/b/timestamps/one.tsr" "$TMP/mixed/timestamps/three.tsr"
again "$TMP/mixed"
check "a time-stamp without its certificates" says 'certificates of a time-stamp are missing' "$TMP/mixed"
# What custody_tamper.sh has not got in its bundle, or not with all that is in it
# here: the others are tried there.
for f in timestamps checkpoint policy events; do
	ONLY=$f check "4.3 a bit of each third byte of $f, MANIFEST made anew" \
	    "$BIN/tests/tools/custody_tamper" "$TMP/b" repair
done
check "4.3 files" "$BIN/tests/tools/custody_tamper" "$TMP/b" files
[ -z "${CAMCA_CORPUS:-}" ] || "$BIN/tests/tools/custody_tamper" "$TMP/b" pack >"$CAMCA_CORPUS"

# ---- a witness is away ----
stop "$PID2"
camca custody bundle cam-1 --out "$TMP/b4" >/dev/null
check "what is witnessed is given all the same" verify "$TMP/b4"
camca device hold cam-1 --reason 'lost again' >/dev/null
check "a change of status that no quorum has seen: not now" refused custody.unwitnessed cam-1 --out "$TMP/b5"
check "nothing of it is left" sh -c "! ls -d '$TMP'/b5* 2>/dev/null"
witness 2
check "it is back: the bundle comes" eventually camca custody bundle cam-1 --out "$TMP/b6"
check "with the hold" sh -c "'$BIN/camca-verify' '$TMP/b6' --json | jq -e '.certificates[0].status == \"hold\"'"
# ---- the TSA is away ----
stop "$TSA_PID"
check "no time-stamp, no bundle with one" refused custody.timestamp cam-1 --out "$TMP/b7" --timestamp
check "one without is given" camca custody bundle cam-1 --out "$TMP/b8"
check "that holds" verify "$TMP/b8"
# ---- the courier is away: all is as it was
stop "$ANCHOR_PID"
check "enrolling goes on" sh -c "'$BIN/camca' device add --id cam-9 --manufacturer A --model B \
    --serial 9 --site site1"
finish
