#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The vault as an operator meets it: accounts come in by CSV, are listed without
# their passwords, and one is shown to a person who says why, on record and not
# for long. The passwords of this test are markers: no file, log, event or
# argument of any process may hold one.
. "$(dirname "$0")/../lib.sh"
need jq python3 sqlite3 curl

MARK=Mk7Qz
camca_init
camca_start
stop "$AUTHORITY_PID"
start_authority --log-level trace
camca site add s1 --name One --level 1 >/dev/null
camca site add s2 --name Two --level 2 >/dev/null
for i in 1 2 3; do
	camca device add --id "cam-$i" --manufacturer Acme --model M1 \
	    --serial "SN$i" --site s1 >/dev/null
done
camca device add --id cam-9 --manufacturer Acme --model M1 --serial SN9 \
    --site s2 >/dev/null

list() { camca --json secret list "$@" | jq -c .items; }
events() { # TYPE: how many
	camca --json event list | jq "[.items[] | select(.type == \"$1\")] | length"
}
# The command on a terminal of its own; what it shows on standard output.
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
_, status = os.waitpid(pid, 0)
sys.stdout.write(out.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(status))
PY
}

# ---- the key ----
check "the vault has its key since the ceremony" equal \
    "$(sqlite3 "$STATE/db/camca.sqlite" \
    "SELECT COUNT(*) FROM meta WHERE key IN ('vault.key', 'vault.pub')")" 2
check "doctor opens something with it" sh -c \
    "'$BIN/camca' --json doctor | jq -e '.checks[] | select(.name == \"vault\") | .ok'"

# ---- import ----
cat >"$TMP/good.csv" <<CSV
device,username,password,role,level
cam-1,admin,${MARK}-admin-1,administrator,Administrator
cam-1,svc,"${MARK}-svc ""1"", x",service,Operator
cam-2,admin,${MARK}-admin-2,,
cam-2,glass,${MARK}-glass-2,break-glass,Administrator
cam-9,admin,${MARK}-admin-9,administrator,Administrator
CSV
cat >"$TMP/bad.csv" <<CSV
device,username,password,role
cam-3,admin,${MARK}-bad-3,administrator
cam-7,admin,${MARK}-bad-7,administrator
cam-3,other,${MARK}-bad-8,owner
cam-3,third,"${MARK}-bad-9,service
CSV
camca secret import "$TMP/bad.csv" >"$TMP/bad.out" 2>&1
check "bad rows are refused" equal "$?" 1
check "they are named by line" grep -q ':4: role is service' "$TMP/bad.out"
check "unread quotes are named" grep -q ':5: does not have as many' "$TMP/bad.out"
check_not "no password is repeated" grep -q "$MARK" "$TMP/bad.out"
sed -i 4,5d "$TMP/bad.csv"
camca secret import "$TMP/bad.csv" >"$TMP/bad.out" 2>&1
check "an unknown device is named by line" grep -q \
    ':3: device is not registered' "$TMP/bad.out"
check "all or none: nothing was taken" equal "$(list)" "[]"
check "a good file is taken" camca secret import "$TMP/good.csv"
check "an import is on record, a line an account" equal \
    "$(events secret.imported)" 5
printf 'device,password\ncam-1,%s-x\n' "$MARK" >"$TMP/head.csv"
check_not "a file without its header is refused" camca secret import \
    "$TMP/head.csv"
printf 'cam-1,admin,%s-y\n' "$MARK" >"$TMP/head.csv"
camca secret import "$TMP/head.csv" >"$TMP/head.out" 2>&1
check_not "what stands there is not repeated" grep -q "$MARK" "$TMP/head.out"

# No more of a camera than its agent takes, whose own account is one of them.
accounts() { # FIRST LAST [ROLE]: of cam-3
	echo 'device,username,password,role'
	seq "$1" "$2" | sed "s/.*/cam-3,user-&,$MARK-many-&,${3:-}/"
}
accounts 1 16 >"$TMP/most.csv"
camca secret import "$TMP/most.csv" >"$TMP/most.out" 2>&1
check "one account too many for a camera" equal "$?" 1
check "is named by line" grep -q ':17: .*16 accounts of a camera' \
    "$TMP/most.out"
accounts 1 15 >"$TMP/most.csv"
check "without it" camca secret import "$TMP/most.csv"
check "the same once more" camca secret import "$TMP/most.csv"
accounts 16 16 service >"$TMP/most.csv"
check "and one for service" camca secret import "$TMP/most.csv"
accounts 17 17 service >"$TMP/most.csv"
check_not "but not two" camca secret import "$TMP/most.csv"
check "16 it has" equal "$(list --device cam-3 | jq length)" 16

# Over several parts of 128 KiB, with lines counted in the file.
{
	echo 'id,manufacturer,model,serial,site'
	seq 400 | sed 's/.*/many-&,Acme,M1,many-&,s1/'
} >"$TMP/devices.csv"
check "400 cameras" camca device import "$TMP/devices.csv"
{
	echo 'device,username,password'
	for i in $(seq 15); do
		seq 400 | sed "s/.*/many-&,user-$i,$MARK-long-password-of-&/"
	done
} >"$TMP/many.csv"
check "a large file is taken in parts" camca secret import "$TMP/many.csv"
check "all of it" equal "$(list | jq '[.[] |
    select(.device | startswith("many-"))] | length')" 6000
echo "cam-1,admin,$MARK-again,x" >>"$TMP/many.csv"
camca secret import "$TMP/many.csv" 2>&1 | grep -q "many.csv:6002:"
check "a bad row of the last part has its line of the file" equal "$?" 0

# ---- list ----
check "accounts are listed with role and state" equal \
    "$(list --device cam-1 | jq -r '.[] | "\(.username) \(.role) \(.level) \(.current != null) \(.pending)"')" \
    "admin administrator Administrator true null
svc service Operator true null"
check "without words for role and level it is the administrator" equal \
    "$(list --device cam-2 | jq -r '.[0] | "\(.role) \(.level)"')" \
    "administrator Administrator"
check "as a table" sh -c "'$BIN/camca' secret list --device cam-1 |
    grep -q '^cam-1 *svc *service *Operator *current'"
check_not "an unknown device is refused" camca secret list --device cam-77
printf 'device,username,password\ncam-9,admin,%s-admin-10\n' "$MARK" >"$TMP/again.csv"
check "the same account again" camca secret import "$TMP/again.csv"
check "the password before is history" equal \
    "$(list --device cam-9 | jq -r '.[0].history[].state')" old

# ---- reveal ----
check "with the ones before, where the camera may have one of them" camca secret \
    reveal cam-9 --account admin --old --reason "locked out" --out "$TMP/both"
check "the newest first" equal "$(sed -e "s/$MARK/M/" "$TMP/both" | tr '\n' ' ')" \
    "M-admin-10 M-admin-9 "
check "which the record says" sh -c "'$BIN/camca' --json event list |
    jq -r '.items[] | select(.type == \"secret.revealed\") | .body' |
    grep -qx 'old 1'"
check_not "a password does not go into a pipe" camca secret reveal cam-1 \
    --account admin --reason why
check_not "nor into JSON" on_terminal "$BIN/camca" --json secret reveal cam-1 \
    --account admin --reason why
check "that was no event" equal "$(events secret.revealed)" 1
check_not "a reason is needed" on_terminal "$BIN/camca" secret reveal cam-1 \
    --account admin
check_not "and not of blanks" on_terminal "$BIN/camca" secret reveal cam-1 \
    --account admin --reason "  "
on_terminal "$BIN/camca" secret reveal cam-1 --account svc \
    --reason "lens needs focus" >"$TMP/shown"
check "on a terminal it is shown" grep -qF "$MARK-svc \"1\", x" "$TMP/shown"
check "a job changes it next" grep -q 'changed again: job' "$TMP/shown"
check "the record has who and why" sh -c \
    "'$BIN/camca' --json event list | jq -e '.items[] |
    select(.type == \"secret.revealed\" and .device == \"cam-1\") |
    .body | contains(\"reason lens needs focus\")'"
check "and the job" sh -c \
    "'$BIN/camca' --json event list | jq -e '.items[] |
    select(.type == \"job.created\" and .device == \"cam-1\") |
    .body | contains(\"kind rotate-password\")'"
umask 022
check "break-glass goes into a file" camca secret reveal cam-2 \
    --account glass --reason "network is down" --out "$TMP/glass"
check "that nobody else reads" equal "$(stat -c %a "$TMP/glass")" 600
check "with what it should hold" equal "$(cat "$TMP/glass")" "$MARK-glass-2"
check_not "an account that is not there" camca secret reveal cam-2 \
    --account nobody --reason x --out "$TMP/none"
check_not "nor a device" camca secret reveal cam-99 --account admin \
    --reason x --out "$TMP/none"
check_not "nothing was written then" test -e "$TMP/none"
rm -f "$TMP/glass" "$TMP/shown"

# ---- rotate ----
check "a device is rotated" camca secret rotate --device cam-2 --reason leaver
check "a second time finds the job that waits" equal \
    "$(camca --json secret rotate --device cam-2 --reason leaver |
    jq -c '[.made, .waiting_already]')" "[0,1]"
check "a site is rotated" equal \
    "$(camca --json secret rotate --site s2 --reason leaver | jq -c .made)" 1
check_not "neither device nor site" camca secret rotate --reason x
check_not "both" camca secret rotate --device cam-1 --site s1 --reason x
check_not "an account that is not there" camca secret rotate \
    --device cam-1 --account nobody --reason x
check_not "a site that is not there" camca secret rotate --site s9 --reason x

# ---- what is moved about in the database does not open ----
swap() {
	sqlite3 "$STATE/db/camca.sqlite" "UPDATE vault_secret SET sealed =
	    (SELECT s.sealed FROM vault_secret s JOIN vault_account a
	    ON a.id = s.account JOIN device d ON d.pk = a.device
	    WHERE d.id = 'cam-9' AND s.state = 1)
	    WHERE account = (SELECT a.id FROM vault_account a JOIN device d
	    ON d.pk = a.device WHERE d.id = 'cam-1' AND a.username = 'admin')"
}
check "somebody gives one camera another's row" swap
camca secret reveal cam-1 --account admin --reason x --out "$TMP/swapped" \
    2>"$TMP/swapped.err"
check "it is refused" grep -q vault.swapped "$TMP/swapped.err"
check_not "and not shown" test -e "$TMP/swapped"

# ---- an older state folder gets its key at the next start ----
stop "$AUTHORITY_PID"
cp -a "$STATE" "$TMP/older"
sqlite3 "$TMP/older/db/camca.sqlite" "DELETE FROM vault_secret;
    DELETE FROM meta WHERE key LIKE 'vault.%'"
older() {
	local pid ok=1
	start older "$BIN/camcad" --state "$TMP/older" || return 1
	pid=$LAST_PID
	"$BIN/camca" --state "$TMP/older" --json doctor |
	    jq -e '.checks[] | select(.name == "vault") | .ok' && ok=0
	stop "$pid"
	return "$ok"
}
check "an older state folder gets a key when it is started" older
rm -rf "$TMP/older"

# ---- the token loses the key ----
mkdir "$TMP/aside"
lost_key() {
	local f
	for f in "$STATE"/hsm/tokens/*/*.object; do
		grep -qa camca-vault "$f" && mv "$f" "$TMP/aside/$(basename \
		    "$(dirname "$f")")_$(basename "$f")"
	done
	[ -n "$(ls "$TMP/aside")" ]
}
check "the vault's key is taken out of the token" lost_key
start_authority --log-level trace
check "camcad starts all the same" camca site list
camca secret reveal cam-9 --account admin --reason x --out "$TMP/lost" \
    2>"$TMP/lost.err"
check "a password is refused, and why" grep -q vault.key-lost "$TMP/lost.err"
check_not "doctor says so" sh -c "'$BIN/camca' --json doctor |
    jq -e '.checks[] | select(.name == \"vault\") | .ok'"
stop "$AUTHORITY_PID"
for f in "$TMP"/aside/*; do
	n=$(basename "$f")
	mv "$f" "$STATE/hsm/tokens/${n%%_*}/${n#*_}"
done
start_authority --log-level trace
check "with the key back it opens" camca secret reveal cam-9 --account admin \
    --reason x --out "$TMP/back"
check "what it was" equal "$(cat "$TMP/back")" "$MARK-admin-10"
rm -f "$TMP/back"

# ---- nothing in clear, anywhere ----
check "camcad writes no core file" grep -qE \
    '^Max core file size +0 +0 ' "/proc/$AUTHORITY_PID/limits"
printf '%s-\n' "$MARK" >"$TMP/mark"      # not in the arguments of grep itself
check_not "no process has one in its arguments or environment" sh -c \
    "cat /proc/[0-9]*/cmdline /proc/$AUTHORITY_PID/environ 2>/dev/null |
    tr '\\0' '\\n' | grep -F -f '$TMP/mark'"
check_not "no page of the database, its journal or the checkpoints" \
    grep -rlaF "$MARK" "$STATE"
check_not "no line of the log" grep -F "$MARK" "$TMP/camcad.log" "$TMP/gate.log"
camca --json event list >"$TMP/events" 2>&1
check_not "no event" grep -F "$MARK" "$TMP/events"
finish
