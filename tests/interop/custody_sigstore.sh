#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Acceptance 4.1: @sigstore/verify (npm) on the ECDSA line of our checkpoints and
# on our inclusion proofs. It is in no Debian package: where node finds it (a
# folder of modules named by NODE_PATH), else this test is skipped.
. "$(dirname "$0")/../lib.sh"
need node
node -e "require.resolve('@sigstore/verify')" 2>/dev/null ||
    skip "node does not find @sigstore/verify (npm install, NODE_PATH)"
"$BIN/tests/bench/custody_export" --make "$TMP/log" 0 1 2 255 256 257 1000 ||
    { echo "not ok a log is made"; exit 1; }
node "$TOP/tests/interop/custody_sigstore.js" "$TMP/log" | tee "$TMP/out"
rc=${PIPESTATUS[0]}
PASSED=$((PASSED + $(grep -c '^ok ' "$TMP/out")))
FAILED=$((FAILED + $(grep -c '^not ok ' "$TMP/out")))
check "@sigstore/verify ends well" equal "$rc" 0
finish
