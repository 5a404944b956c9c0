#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Memory does not grow with the number of cameras served: after many enrollments
# each daemon holds what its caches are allowed to hold, and no more.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

N=$(sized 500 10000)
# camcad: 64 MiB page cache of the writer, 8 MiB for each of two readers, and
# the rest of the process. Leaks too small for this show in make check-asan.
AUTHORITY_KB=$(((64 + 2 * 8 + 32) * 1024))
GATE_KB=$((64 * 1024))

camca_init
printf '\nauthority:\n  workers: 2\n' >>"$STATE/camca.yaml"
camca_start
a0=$(rss_kb "$AUTHORITY_PID") g0=$(rss_kb "$GATE_PID")

# served PREFIX: N enrollments and as many renewals.
served() {
	devices "$1" "$N" || return 1
	"$BIN/tests/bench/est_load" --port "$EST_PORT" --ca "$TMP/root.pem" \
	    --threads 8 --secrets "$TMP/$1.sec" --renew
}
check "the first half is served" served x
a1=$(rss_kb "$AUTHORITY_PID") g1=$(rss_kb "$GATE_PID")
check "the second half is served" served y
a2=$(rss_kb "$AUTHORITY_PID") g2=$(rss_kb "$GATE_PID")
note "camcad: $a0 kB idle, $a1 kB after $((2 * N)) requests, $a2 kB after" \
    "$((4 * N))"
note "camca-gate: $g0 kB idle, $g1 kB after $((2 * N)) requests, $g2 kB after" \
    "$((4 * N))"
ldd "$BIN/camcad" | grep -qE 'lib[at]san' && finish
check "camcad stays within its caches" test "$a2" -lt "$AUTHORITY_KB"
check "camca-gate does not grow" test "$g2" -lt "$GATE_KB"
check "nor by a little with each request" test "$((g2 - g1))" -lt 4096
finish
