# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Fake cameras for the shell tests; after lib.sh.
#
#   cameras NAME [options of camca-fake-camera]
#       starts a fleet; ready line in $TMP/NAME.json, process id in $LAST_PID,
#       control port in $CAMERA_CONTROL
#   camera_get PATH, camera_post PATH JSON
#       the control port
#   camera_port N http|https
#       of the last fleet

cameras() {
	local name=$1
	shift
	CAMERA_JSON=$TMP/$name.json
	start "$name" camera_program "$CAMERA_JSON" "$@" || return 1
	CAMERA_CONTROL=$(jq .control "$CAMERA_JSON")
	export CAMERA_JSON CAMERA_CONTROL
}
# exec: the process id must be the program's.
camera_program() {
	local out=$1
	shift
	exec "$BIN/camca-fake-camera" "$@" >"$out"
}
camera_get() {
	curl -s --max-time 20 "http://127.0.0.1:$CAMERA_CONTROL$1"
}
camera_post() {
	curl -s --max-time 20 -o /dev/null -w '%{http_code}' -d "$2" \
	    "http://127.0.0.1:$CAMERA_CONTROL$1"
}
camera_port() {
	jq ".cameras[$1].$2" "$CAMERA_JSON"
}
