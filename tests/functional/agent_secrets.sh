#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Acceptance 5.5. A site agent onboards a camera and changes its passwords
# several times. Then every password that the camera ever had is looked for in
# logs, events, reports, arguments and environments of processes, every page of
# the database and its journal, all that the agent and the gate have on disk, and
# the memory of the gate, which passed all of it on. The passwords are taken from
# where they are real: the camera.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

ulimit -c unlimited 2>/dev/null
cd "$TMP" || exit 1
cameras fleet -n 1 --persona=default --keygen-ms=50 || exit 1
agent_rules
agent_site
# Everything that can be logged is.
stop "$GATE_PID"; stop "$AUTHORITY_PID"
start_authority --log-level trace
start_gate --log-level trace
agent_camera cam-0 0
sed -i "s/^url = .*/url = https:\/\/localhost:$EST_PORT/" "$TMP/ra-1.conf"
shred -u "$TMP/secret.csv"

# remember: what the camera has now
remember() { truth 0 '.users[].password' | jq -r . >>"$TMP/w/known"; }
mkdir -m 700 "$TMP/w"
# The agent in the foreground of its log, as talkative as it can be.
start agent "$BIN/camca-agent" --config "$TMP/ra-1.conf" --log-level trace run || exit 1
AGENT_PID=$LAST_PID
check "the camera is enrolled" equal "$(ended "$(job cam-0 enroll)")" "done"
remember
for i in 1 2 3; do
	check "rotation $i" equal "$(ended "$(job cam-0 rotate-password)")" "done"
	remember
done
# Paths that are walked when something is wrong write most.
for f in symbols-rejected password-silently-ignored truncated malformed; do
	camera_post /cameras/0/fault "{\"fault\":\"$f\",\"operation\":\"SetUser\",\"count\":1}" >/dev/null
	ended "$(job cam-0 rotate-password --account admin)" >"$TMP/how"
	remember
	camera_post /cameras/0/clear '{}' >/dev/null
done
check "a rotation after all the faults" equal \
    "$(ended "$(job cam-0 rotate-password)")" "done"
remember
check "an observation" equal "$(ended "$(job cam-0 observe)")" "done"
# The agent is stopped in the middle of a rotation, and the vault has a pending
# one as well.
camera_post /cameras/0/fault '{"fault":"slow","value":400}' >/dev/null
J=$(job cam-0 rotate-password --account admin)
pending() {
	[ "$(sqlite3 -readonly "$STATE/db/camca.sqlite" \
	    'SELECT COUNT(*) FROM vault_secret WHERE state = 0')" -gt 0 ]
}
check "a password is pending" eventually pending
remember
words() { sort -u "$TMP/w/known" | grep -vxE 'admin|' >"$TMP/w/words"; }
words
check "the camera had ten passwords at least" test \
    "$(wc -l <"$TMP/w/words")" -ge 8

# find_in WHAT...: files; prints which of them hold a password
find_in() {
	grep -rlaF -f "$TMP/w/words" "$@" 2>/dev/null
}
none_in() { ! find_in "$@"; }
# memory PID WORDS: how many of the words its memory holds
memory() {
	python3 - "$1" "$2" <<'PY'
import re, sys
pid, words = sys.argv[1], open(sys.argv[2], "rb").read().split()
found = set()
mem = open(f"/proc/{pid}/mem", "rb", 0)
for line in open(f"/proc/{pid}/maps"):
    m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
    if not m or "[v" in line:
        continue
    at, end = int(m[1], 16), int(m[2], 16)
    if end - at > 1 << 32:
        continue  # terabytes that a sanitizer set aside
    tail = b""
    while at < end:
        try:
            mem.seek(at)
            part = mem.read(min(1 << 22, end - at))
        except OSError:
            break
        if not part:
            break
        text = tail + part
        found.update(w for w in words if w in text)
        tail = text[-128:]
        at += len(part)
print(len(found))
PY
}

# ---- while all of them run ----
echo cam-0 >"$TMP/w/device"
if [ "$(id -u)" -eq 0 ]; then
	check "the search of memory finds what is there" equal \
	    "$(memory "$GATE_PID" "$TMP/w/device")" 1
	check "the gate's memory holds no password" equal \
	    "$(memory "$GATE_PID" "$TMP/w/words")" 0
fi
check_not "no process has one in its arguments" sh -c \
    "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -F -f '$TMP/w/words'"
for p in "$AUTHORITY_PID" "$GATE_PID" "$AGENT_PID"; do
	check "$(cat "/proc/$p/comm") writes no core file" grep -qE \
	    '^Max core file size +0 +0 ' "/proc/$p/limits"
	check_not "$(cat "/proc/$p/comm") has none in its environment" \
	    sh -c "tr '\\0' '\\n' <'/proc/$p/environ' | grep -F -f '$TMP/w/words'"
done
camca --json job list >"$TMP/jobs.json"
jq -r '.items[].id' "$TMP/jobs.json" | while read -r j; do
	camca --json job show "$j"
done >"$TMP/steps.json"
check "jobs have their steps on record" test \
    "$(jq -s '[.[].steps | length] | add' "$TMP/steps.json")" -gt 20
check "no report of the agent holds one" none_in "$TMP/steps.json" "$TMP/jobs.json"
camca --json event list >"$TMP/events.json"
check "no event holds one" none_in "$TMP/events.json"
check "no list does" not sh -c "'$BIN/camca' --json secret list |
    grep -F -f '$TMP/w/words'"
check "no page of the database or its journal" none_in "$STATE/db"
check "nothing in the whole state folder" none_in "$STATE"
check "nothing of what the agent keeps" none_in "$TMP/ra-1.dir" "$TMP/ra-1.conf"
check "no log of camcad, gate and agent" none_in "$TMP"/*.log
check "those logs are not empty" sh -c \
    "for f in camcad gate agent; do [ -s '$TMP'/\$f.log ] || exit 1; done"

# The one that was pending all the while.
check "the rotation ends" equal "$(ended "$J")" "done"
remember
words
check "the database has not it either" none_in "$STATE/db"
[ "$(id -u)" -ne 0 ] || check "nor has the gate" equal \
    "$(memory "$GATE_PID" "$TMP/w/words")" 0

# ---- killed, none of them leaves a core file ----
for p in "$AGENT_PID" "$GATE_PID" "$AUTHORITY_PID"; do stop "$p" ABRT; done
check "aborted, nobody leaves a core file" equal \
    "$(find "$TMP" /var/lib/systemd/coredump -newer "$TMP/events.json" \
    \( -name 'core*' -o -name '*.core' \) -type f 2>/dev/null)" ""
check "nothing in the whole state folder then" none_in "$STATE"
check "nor in the logs" none_in "$TMP"/*.log
rm -f "$TMP"/w/*
finish
