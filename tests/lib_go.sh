# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests that let Go's golang.org/x/mod judge a custody log, on top of lib.sh.
# Debian's go and Debian's packages; nothing is downloaded.

GO=$(command -v /usr/lib/go/bin/go || command -v go)
go_there() {
	[ -n "$GO" ] && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]
}
# go_ready: compiles the verifier as $TMP/custody_go.
go_ready() {
	env -u GOFLAGS GO111MODULE=off GOPATH=/usr/share/gocode GOPROXY=off \
	    GOCACHE="$TMP/go-cache" HOME="$TMP" "$GO" build -o "$TMP/custody_go" \
	    "$TOP"/tests/interop/custody_go/*.go
}
# go_holds FOLDER NAME: each line of the verifier is a check of ours.
go_holds() {
	local rc
	"$TMP/custody_go" "$1" >"$TMP/go.out" 2>&1
	rc=$?
	sed "s/^\(not \)\{0,1\}ok /&$2: /" "$TMP/go.out"
	PASSED=$((PASSED + $(grep -c '^ok ' "$TMP/go.out")))
	FAILED=$((FAILED + $(grep -c '^not ok ' "$TMP/go.out")))
	check "$2: the verifier ends well" equal "$rc" 0
}
# go_log FOLDER: the log of this installation as files; camcad may run.
go_log() {
	"$BIN/tests/bench/custody_export" --copy "$STATE/db/camca.sqlite" "$1" ||
	    { echo "not ok the log is copied"; exit 1; }
}
