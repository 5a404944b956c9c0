#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camcad is killed, by the signal that nobody can catch, while a camera gets a
# new password: from the moment that one is pending to the one in which it is
# confirmed. Whenever that is, the vault holds the password that the camera has,
# as its current or its pending one; and once camcad is back the job goes on to
# its end by itself.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"
need openssl curl jq python3 sqlite3

cameras fleet -n 1 --persona=default --keygen-ms=50 || exit 1
agent_site
agent_camera cam-0 0
agent_start || exit 1
check "the camera is enrolled" equal "$(ended "$(job cam-0 enroll)")" "done"

sql() { sqlite3 -readonly -cmd '.timeout 5000' "$STATE/db/camca.sqlite" "$1"; }
states() {
	sql "SELECT group_concat(state, '') FROM (SELECT s.state FROM vault_secret s
	    JOIN vault_account a ON a.id = s.account
	    WHERE a.username = 'admin' AND s.state < 2 ORDER BY s.state)"
}
pending() { [ "$(states)" = 01 ]; }
password() { truth 0 '.users[] | select(.name == "admin") | .password' | jq -r .; }
# What the vault has of the account, sealed: current and pending, as one text a
# line, opened on the authority's own word.
vault_has() { # PASSWORD
	local o=$TMP/both
	rm -f "$o"
	on_terminal "$BIN/camca" secret reveal cam-0 --account admin \
	    --reason test >"$o" || return 1
	sed -e 's/ (if the camera.*//' -e 's/ (on its way.*//' "$o" | grep -qxF "$1"
}
on_terminal() {
	python3 - "$@" <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
out = b""
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    out += got
sys.stdout.write(out.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
}

# Answers take a while, so that there is something between two of them.
check "the camera is slow" equal "$(camera_post /cameras/0/fault \
    '{"fault":"slow","value":150}')" 200
for delay in 0 0.2 0.5 0.9 1.3; do
	J=$(job cam-0 rotate-password --account admin)
	seen=no
	for _ in $(seq 300); do
		pending && { seen=yes; break; }
		sleep 0.02
	done
	check "$delay: a password is pending" equal "$seen" yes
	sleep "$delay"
	stop "$AUTHORITY_PID" KILL
	check "$delay: killed, the vault has one current and at most one pending" \
	    sh -c 'case $1 in 01 | 1) ;; *) exit 1 ;; esac' - "$(states)"
	start_authority
	check "$delay: camcad needs no repair" not grep -q DAMAGED "$TMP/camcad.log"
	check "$delay: what the camera has is in the vault" vault_has "$(password)"
	check "$delay: the job goes on to its end" equal "$(ended "$J")" "done"
	check "$delay: and those that the reveal made" eventually all_over cam-0
	check "$delay: nothing is pending any more" equal "$(states)" 1
done
check "the camera's password is the vault's" equal \
    "$(vault_password cam-0 --account=admin)" "$(password)"
finish
