#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An older copy of the database is put back and the log goes on: its next
# checkpoint would tell another history than one that is out already. It is not
# signed, until a person decides under which new name the log goes on. Cameras
# get their certificates all the while.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
need curl jq openssl sqlite3

camca_init
camca_start
FILE=$STATE/custody/checkpoint

grow() { # NAME...: an event each
	local n
	for n in "$@"; do
		camca site add "$n" --name "$n" --level 1 >/dev/null || return 1
	done
}
again() { stop "$AUTHORITY_PID"; start_authority; }
issues() { # DEVICE: a camera enrolls, once the gate has found camcad again
	device "$1" && eventually enroll "$1" "$TMP/$1"
}
# what: note of the newest checkpoint; origin and size of it
newest() {
	cu_call custody.checkpoint | jq -r .note | sed -n "$1p"
}
events_of() { # TYPE
	cu_sql "SELECT COUNT(*) FROM (SELECT CAST(body AS TEXT) AS t FROM event)
	    WHERE t LIKE '%' || char(10) || 'type $1' || char(10) || '%'"
}

# ---- an older copy of the database ----
grow a1 a2 a3
check "the log is signed" cu_signed
stop "$AUTHORITY_PID"
cu_backup old
start_authority
grow b1 b2 b3 b4 b5 b6 b7 b8
check "and goes on" cu_signed
SIZE=$(newest 2)
cp "$FILE" "$TMP/signed"
stop "$AUTHORITY_PID"
cu_restore old
start_authority
check "4.4 an older copy of the database put back: signing refused" \
    cu_refused custody.fork custody.sign
check "and why is said in words that can be acted on" grep -q \
    "has a checkpoint of size $SIZE, which the .* of the database do not continue" \
    "$TMP/cu.said"
check "certificates are issued all the same" issues cam-1
grow c1 c2 c3 c4 c5 c6 c7 c8 c9 c10
check "also when the log is longer again than what was signed" \
    cu_refused custody.fork custody.sign
check "no checkpoint came out" test "$(cu_sql 'SELECT MAX(size) FROM
    log_checkpoint')" -lt "$SIZE"
check "the file is as it was" cmp "$FILE" "$TMP/signed"
check "custody.status has the fork" equal "$(cu_call custody.status |
    jq -r .fork)" true
check "doctor has it" cu_doctor error checkpoints 'No checkpoint is signed'
check "fsck has it" cu_fsck_finds 'do not continue'
check "it is on record, once" equal "$(events_of custody.halted)" 1
again
check "a start does not help" cu_refused custody.fork custody.sign
check "the old name's last checkpoint still goes out" equal \
    "$(newest 1)" localhost/custody

# ---- a person decides ----
check "a decision needs a reason" cu_refused request.argument custody.fork
check "of words" cu_refused request.argument custody.fork '{"reason":" "}'
decided() {
	cu_call custody.fork "$(jq -cn --arg r "$1" '{reason: $r}')" |
	    tee "$TMP/forked"
	jq -e --arg o "$2" '.origin == $o and .error == ""' "$TMP/forked"
}
check "custody fork: the log goes on under a new origin" \
    decided "disk lost, backup of Monday" localhost/custody/2
check "which checkpoints have" equal "$(newest 1)" localhost/custody/2
openssl_agrees() {
	cu_call custody.checkpoint | jq -j .note >"$TMP/note"
	cu_cut "$TMP/note" && cu_verify "$TMP/note"
}
check "signed by the same keys under the new name" openssl_agrees
check "the decision is in the log" equal "$(events_of custody.forked)" 1
check "with old name, size and root" cu_event custody.forked \
    "old-origin localhost/custody" "origin localhost/custody/2" \
    "size $SIZE" "root $(sed -n 3p "$TMP/signed" | base64 -d | od -An -tx1 |
    tr -d ' \n')" "reason disk lost, backup of Monday"
check "which is what the first checkpoint of the new name must cover" equal \
    "$(cu_sql "SELECT seq FROM event WHERE CAST(body AS TEXT) LIKE
    '%type custody.forked%'")" "$(cu_sql "SELECT value FROM meta WHERE key =
    'custody.from'")"
check "and covered by the first checkpoint of the new name" test \
    "$(newest 2)" -ge "$(cu_sql "SELECT value FROM meta WHERE key =
    'custody.from'")"
check "there is nothing more to decide" cu_refused custody.no-fork \
    custody.fork '{"reason":"again"}'
check "fsck is clean, over both names" cu_fsck
check "doctor is content" cu_doctor ok checkpoints localhost/custody/2
again
grow d1
check "it stays so over a start" cu_signed
check "and is the new name" equal "$(newest 1)" localhost/custody/2

# ---- the copy from before the decision ----
stop "$AUTHORITY_PID"
cu_restore old
start_authority
check "the copy from before the decision is refused, too" \
    cu_refused custody.fork custody.sign
check "a name is not used twice" decided "again" localhost/custody/3

# ---- the file ----
check "signed" cu_signed
mv "$FILE" "$TMP/away"
grow e1
check "the file is removed: signing refused" cu_refused custody.fork \
    custody.sign
check "with what to do" grep -q 'is missing, although .*camca custody fork' \
    "$TMP/cu.said"
check "certificates are issued all the same" issues cam-2
again
check "so it is after a start" cu_refused custody.fork custody.sign
mv "$TMP/away" "$FILE"
check "it is put back: checkpoints come out by themselves" eventually cu_signed
cp "$FILE" "$TMP/good"
sed '2s/^/1/' "$TMP/good" >"$FILE"
grow e2
check "the file is altered: signing refused" cu_refused custody.fork \
    custody.sign
check "for its signature" grep -q 'signature is wrong' "$TMP/cu.said"
: >"$FILE"
check "it is empty: signing refused" cu_refused custody.fork custody.sign
cp "$TMP/signed" "$FILE"
check "it is an older name's: signing refused" cu_refused custody.fork \
    custody.sign
cp "$TMP/good" "$FILE"
check "the right one: signed" cu_signed

# ---- both at once: what nobody on this machine can tell ----
stop "$AUTHORITY_PID"
cu_backup both
cp "$FILE" "$TMP/both"
start_authority
grow f1
check "signed once more" cu_signed
stop "$AUTHORITY_PID"
cu_restore both
cp "$TMP/both" "$FILE"
start_authority
grow g1
check "database and file both put back: only witnesses can tell (THREATS)" \
    cu_signed
check "doctor says that this cannot be known" cu_doctor ok witnesses \
    'cannot be known here'

# ---- what the database's administrator can do ----
stop "$AUTHORITY_PID"
cu_sql_rw "UPDATE log_head SET edge = zeroblob(length(edge))"
start_authority
check "a changed head is not signed" cu_refused custody.damaged custody.sign
check "nor is it a matter of a new name" cu_refused custody.damaged \
    custody.fork '{"reason":"no"}'
finish
