#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 4.3 Every bit of a small bundle, every file, every event: whatever is altered,
# taken out, put in or moved, the verifier rejects it and says why. Where the
# one who meddled also makes MANIFEST anew, the signatures and hashes still tell.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq
est_init
camca_start
TAMPER=$BIN/tests/tools/custody_tamper
[ -x "$TAMPER" ] || skip "custody_tamper is not built"

device cam-1 1
enroll cam-1 "$TMP/one" || { echo "not ok enroll"; exit 1; }
cp "$TMP/one.key" "$TMP/two.key"
renew_csr "$TMP/two" "$TMP/one"
accepts simplereenroll "$TMP/two" --cert "$TMP/one.pem" --key "$TMP/one.key" ||
    { echo "not ok renew"; exit 1; }
# The last event is one that CRL and OCSP know of.
camca cert revoke "$(serial_of "$TMP/two.pem")" --reason keyCompromise \
    --text 'key found' >/dev/null
camca custody bundle cam-1 --out "$TMP/b" >/dev/null || { echo "not ok bundle"; exit 1; }
check "the bundle is good" "$BIN/camca-verify" "$TMP/b"
check "4.3 every bit of every file" "$TAMPER" "$TMP/b" flip
check "4.3 a bit of each third byte, MANIFEST made anew" "$TAMPER" "$TMP/b" repair
check "4.3 every file removed, files added and exchanged" "$TAMPER" "$TMP/b" files
check "4.3 every event dropped, swapped, closed up again" "$TAMPER" "$TMP/b" events

# What nothing can show, and so is said: an event that changed no status, taken
# off the end.
camca device document cam-1 --kind letter --number 7 --date 2026-01-02 \
    --issuer Agency --sha256 "$(printf x | sha256sum | cut -c1-64)" >/dev/null || exit 1
camca custody bundle cam-1 --out "$TMP/b3" >/dev/null || exit 1
last=$(find "$TMP/b3/events" -name '*.event' -printf '%f\n' | sort | tail -1 | cut -c1-6)
rm "$TMP/b3/events/$last".*
(cd "$TMP/b3" && find . -type f ! -name MANIFEST -printf '%P\n' | LC_ALL=C sort |
    xargs sha256sum >"$TMP/M" && mv "$TMP/M" MANIFEST)
"$BIN/camca-verify" "$TMP/b3" >"$TMP/cut"
check "an end that was cut off: the report says that there may be more" grep \
    'There may be later events' "$TMP/cut"
finish
