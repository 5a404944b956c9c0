#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What befalls the machine while checkpoints are signed: the clock goes back, the
# log's token is pulled, the folder of the file outside is full or closed. It is
# an alarm, cameras are served, and it ends by itself.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
need curl jq openssl sqlite3
FAKETIME_LIB=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -1)

# A file system of our own, in a mount namespace of our own.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] &&
    unshare -m true 2>/dev/null; then
	trap - EXIT
	rm -rf "$TMP"
	OWN_MOUNTS=1 exec unshare -m --propagation private "$0"
fi

camca_init
FILE=$STATE/custody/checkpoint
grow() { camca site add "s$RANDOM$RANDOM" --name x --level 1 >/dev/null; }
signed() { cu_sql 'SELECT COALESCE(MAX(size), 0) FROM log_checkpoint'; }
sign_error() { # WORDS
	cu_call custody.status | jq -r .sign_error | tee "$TMP/error"
	grep -q "$1" "$TMP/error"
}
halted() { cu_sql "SELECT COUNT(*) FROM log_entry JOIN event ON seq = idx + 1
    WHERE CAST(body AS TEXT) LIKE '%' || char(10) || 'type custody.halted' || char(10) || '%'"; }
is_halted() { equal "$(halted)" 1; }
camca_start
device cam-1
check "a camera enrolls" enroll cam-1 "$TMP/cam-1"
check "and all is signed" cu_signed

# ---- the log's token ----
LOG_FOLDER=$(dirname "$(grep -la camca-log "$STATE"/hsm/tokens/*/token.object)")
mv "$LOG_FOLDER" "$TMP/token"
N=$(signed)
grow
check "the token is pulled: an alarm" eventually sign_error 'custody log'
check "doctor has it" cu_doctor error checkpoints 'token of the custody log'
check "custody.sign says so" cu_refused system.hsm custody.sign
device cam-2
check "a camera enrolls" enroll cam-2 "$TMP/cam-2"
check "nothing is signed" equal "$(signed)" "$N"
check "it is no decision for a person: no event" equal "$(halted)" 0
mv "$TMP/token" "$LOG_FOLDER"
covered() { [ "$(signed)" -ge "$(cu_sql 'SELECT size FROM log_head')" ]; }
check "the token is back: checkpoints come out by themselves" eventually covered
check "and the alarm ends" equal "$(cu_call custody.status | jq -r .sign_error)" ""
check "all that happened is in them" cu_fsck

# ---- the folder ----
if [ -n "${OWN_MOUNTS:-}" ]; then
	cp -a "$STATE/custody" "$TMP/custody"
	mount -t tmpfs -o "size=16k,mode=700" none "$STATE/custody" || exit 1
	chown --reference "$TMP/custody" "$STATE/custody"
	cp -a "$TMP/custody/." "$STATE/custody"
	check "on a file system of its own it goes on" cu_signed
	head -c 1M /dev/zero >"$STATE/custody/filler" 2>/dev/null
	N=$(signed)
	grow
	check "its folder is full: an alarm" eventually sign_error \
	    'Cannot write .*custody/checkpoint'
	check "doctor has it" cu_doctor error checkpoints 'Cannot write'
	check "the file is whole" equal "$(sed -n 2p "$FILE")" "$N"
	device cam-3
	check "a camera enrolls" enroll cam-3 "$TMP/cam-3"
	check "nothing is signed" equal "$(signed)" "$N"
	rm "$STATE/custody/filler"
	check "there is room: checkpoints come out by themselves" eventually covered
	check "nothing is left behind" equal "$(ls "$STATE/custody")" checkpoint
	mount -o remount,ro "$STATE/custody"
	grow
	check "its folder cannot be written: an alarm" eventually sign_error \
	    'Cannot write .*custody/checkpoint'
	device cam-4
	check "a camera enrolls" enroll cam-4 "$TMP/cam-4"
	mount -o remount,rw "$STATE/custody"
	check "it can: checkpoints come out by themselves" eventually covered
	# The disk is pulled: below it lies the copy from before.
	umount -l "$STATE/custody"
	grow
	check "the disk is gone, below it an older file: it goes on, since the tree continues it" \
	    cu_signed
	rm -rf "$STATE/custody"
	grow
	check "the folder is gone: this is for a person to decide" cu_refused \
	    custody.fork custody.sign
	check "on record" eventually is_halted
	cp -a "$TMP/custody" "$STATE/custody"
	check "and back: by itself" eventually covered
	check "fsck is clean" cu_fsck
fi

# ---- the clock ----
if [ -n "$FAKETIME_LIB" ] && ! ldd "$BIN/camcad" | grep -q 'lib[at]san'; then
	clock() { # OFFSET: of a running camcad
		echo "$1" >"$TMP/clock.new" && chmod 644 "$TMP/clock.new" &&
		    mv "$TMP/clock.new" "$TMP/clock"
	}
	at() { # DAY: it believes that
		camca doctor | tee "$TMP/at" | grep -q "checkpoints.* at $1"
	}
	# Nothing is decided with a wrong clock, but refusals are events.
	happens() { ! cu_call site.add '{"no": 1}' >/dev/null; }
	device cam-5
	csr "$TMP/cam-5"
	clock +0
	stop "$AUTHORITY_PID"
	preload "$FAKETIME_LIB" "$BIN/camcad"
	start camcad env "${PRELOAD[@]}" \
	    "FAKETIME_TIMESTAMP_FILE=$TMP/clock" FAKETIME_NO_CACHE=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 "$BIN/camcad" --state "$STATE" ||
	    exit 1
	AUTHORITY_PID=$LAST_PID
	check "with a clock of its own it signs" cu_signed
	for _ in 1 2 3; do
		clock -1d
		happens
		check "the clock goes back a day: it signs" eventually covered
		check "with that day" eventually at "$(date -u -d '-1 day' +%Y-%m-%d)"
		clock +0
		happens
		check "and forth: it signs" eventually covered
	done
	clock -1d
	check "with a clock that is wrong no certificate is issued" equal \
	    "$(est_post simpleenroll "$TMP/cam-5" -u "cam-5:$SECRET")" 503
	check "but what happens is signed" cu_signed
	clock +0
	check "with the right one it is" eventually enroll cam-5 "$TMP/cam-5"
	check "fsck is clean" cu_fsck
	check "a bundle is made" camca custody bundle cam-5 --out "$TMP/bundle"
	check "and holds" "$BIN/camca-verify" "$TMP/bundle"
fi
finish
