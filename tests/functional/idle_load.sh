#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 2,000 connections that do nothing, or do it slowly, and cameras that enroll
# meanwhile: they all get through, and when the crowd has gone, so has all that
# it took. How fast is printed; scripts/bench measures it (est_enroll_idle2000).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

N=$(sized 200 3000)
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 4096 ] ||
    skip "no more than $(ulimit -Hn) files a process"
ulimit -n 4096

camca_init
# Nobody is cut while we measure; gate_http.sh shows that the slow are cut.
sed -i 's/^gate:/gate:\n  idle_timeout_s: 600/' "$STATE/camca.yaml"
camca_start
devices a "$N" && devices b "$N" || { echo "not ok devices"; exit 1; }

storm a --threads 8
check "without a crowd all enroll" storm_end
alone=$(storm_field rate)
gate_fds=$(fd_count "$GATE_PID")
gate_kb=$(rss_kb "$GATE_PID")
authority_fds=$(fd_count "$AUTHORITY_PID")

# hold KIND COUNT: that many connections, until hold_end.
HOLDERS=()
hold() {
	"$BIN/tests/tools/est_probe" hold "$EST_PORT" "$1" "$2" 900 \
	    >"$TMP/hold.$1" 2>&1 &
	HOLDERS+=("$!")
	PIDS+=("$!")
}
held() { # KIND COUNT
	[ "$(cat "$TMP/hold.$1")" = "held $2" ]
}
hold idle 1000
hold slow 600
hold tcp 200
hold half 200
check "1,000 idle ones are connected" eventually held idle 1000
check "600 drip a header" eventually held slow 600
check "200 never begin their handshake" eventually held tcp 200
check "200 leave it half done" eventually held half 200
all_there() {
	[ "$(fd_count "$GATE_PID")" -ge $((gate_fds + 2000)) ]
}
check "the gate holds them all" eventually all_there

storm b --threads 8
check "with the crowd all enroll too" storm_end
note "$STORM"
check "none had to ask twice" equal \
    "$(storm_field busy) $(storm_field broken)" "0 0"
check "the crowd is still there" all_there
record_whole b
crowd_kb=$(rss_kb "$GATE_PID")
note "est_enroll_idle2000 $(storm_field rate)/s, $alone/s without:" \
    "$(awk -v a="$(storm_field rate)" -v b="$alone" \
    'BEGIN { printf "%.2f", a / b }')"
note "gate $gate_kb kB, with the crowd $crowd_kb kB:" \
    "$(((crowd_kb - gate_kb) / 2000)) kB a connection"
# Sanitizers keep shadows and freed memory.
if ! ldd "$BIN/camca-gate" | grep -qE 'lib[at]san'; then
	check "a connection costs less than 128 kB" test \
	    "$((crowd_kb - gate_kb))" -lt $((2000 * 128))
fi

for p in "${HOLDERS[@]}"; do stop "$p"; done
gone() {
	[ "$(fd_count "$GATE_PID")" -le "$gate_fds" ]
}
check "when it has gone, its descriptors have" eventually gone
authority_gone() {
	[ "$(fd_count "$AUTHORITY_PID")" -le "$authority_fds" ]
}
check "camcad has as many as before" eventually authority_gone
check "the gate serves as before" curl -s -f -o /dev/null \
    --cacert "$TMP/root.pem" "$EST/cacerts"
stops_cleanly() {
	stop "$1"
	equal $? 0
}
check "the gate stops cleanly" stops_cleanly "$GATE_PID"
check "camcad stops cleanly" stops_cleanly "$AUTHORITY_PID"
finish
