#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An independent ONVIF client, npm onvif 0.8.3, drives device and user part of
# the fake camera. It is in no Debian package: taken from where node finds it
# (NODE_PATH), else from npm's registry or cache, else the test is skipped.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_camera.sh"
need node jq
if ! node -e "require.resolve('onvif')" 2>/dev/null; then
	need npm
	timeout 120 npm install --prefix "$TMP/npm" --ignore-scripts --no-audit \
	    --no-fund --prefer-offline onvif@0.8.3 >"$TMP/npm.out" 2>&1 ||
	    skip "npm does not get onvif 0.8.3"
	export NODE_PATH=$TMP/npm/node_modules
fi
cameras fleet -n 3 --persona default,modern,lateclock \
    --messages "$TMP/messages" || exit 1
node "$TOP/tests/interop/fake_camera.js" "$CAMERA_JSON" | tee "$TMP/out"
rc=${PIPESTATUS[0]}
PASSED=$((PASSED + $(grep -c '^ok ' "$TMP/out")))
FAILED=$((FAILED + $(grep -c '^not ok ' "$TMP/out")))
check "the client ends well" equal "$rc" 0
for n in 0 1 2; do
	check "camera $n found none of its messages invalid" equal \
	    "$(camera_get "/cameras/$n" | jq .invalid)" 0
done
finish
