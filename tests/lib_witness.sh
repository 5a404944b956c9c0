# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests with witnesses, on top of lib.sh: camca-witness and a log of its
# own making.

PEER="$TOP/tests/tools/witness_peer.py"
peer() { python3 "$PEER" "$@"; }

# witness N: (again) on a free port, or the one it had. URL1, URL2 …
witness() {
	local n=$1 port=0
	[ -f "$TMP/w$n/port" ] && port=$(cat "$TMP/w$n/port")
	start "w$n" "$BIN/camca-witness" --dir "$TMP/w$n" \
	    --listen "127.0.0.1:$port" || return 1
	awk '{ print $2 }' "$TMP/w$n/ports" >"$TMP/w$n/port"
	eval "PID$n=$LAST_PID URL$n=http://127.0.0.1:$(cat "$TMP/w$n/port")"
}
witness_new() { # N
	"$BIN/camca-witness" --dir "$TMP/w$1" --init --name "witness.test/w$1" \
	    >"$TMP/w$1.vkey" 2>"$TMP/w$1.log"
}
