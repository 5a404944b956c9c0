#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The disk fills up while cameras enroll: "try again later", nothing half done,
# and work goes on by itself once there is room. Twice: a full file system (as
# root, where mounting is allowed) and a limit on the size of files.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3 prlimit setpriv

N=$(sized 200 2000)
# The log alone may grow to 64 MiB before it is emptied.
SMALL_KB=$(sized 49152 262144)

# A file system of our own, in a mount namespace of our own: nothing of it is
# left behind, whatever becomes of this test.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] &&
    unshare -m true 2>/dev/null; then
	trap - EXIT
	rm -rf "$TMP"
	OWN_MOUNTS=1 exec unshare -m --propagation private "$0"
fi
leave() {
	local rc=$?
	stop "$GATE_PID"
	stop "$AUTHORITY_PID"
	umount "$STATE" 2>/dev/null
	(exit "$rc")
	cleanup
}
MOUNTED=
if [ -n "${OWN_MOUNTS:-}" ]; then
	mkdir "$STATE"
	mount -t tmpfs -o "size=${SMALL_KB}k,mode=755" none "$STATE" 2>/dev/null &&
	    MOUNTED=1
	trap leave EXIT
fi

camca_init
# All clients here are one address: its refusals must not slow the others.
sed -i 's/^gate:/gate:\n  failures_per_minute: 1000000/' "$STATE/camca.yaml"
camca_start
check "devices are registered" devices f "$N"
check "more devices are registered" devices t "$N"
check "yet more devices are registered" devices c "$N"
check "spare devices are registered" devices s 60

# spare: the next unused device and its secret, in $ID and $SECRET.
spare() {
	read -r ID SECRET <&7
}
exec 7<"$TMP/s.sec"

# full_while PREFIX FILL MAKE-ROOM: enrollments, and the disk full in their
# midst.
full_while() {
	local p=$1 fill=$2 room=$3 before
	storm "$p" --threads 8 --patience 60
	storm_until $((N / 4))
	"$fill"
	check "$p: an enrollment is told to come again" eventually refused_503 \
	    "$p"
	check "$p: and when" has_retry_after "$TMP/$p-full"
	check "$p: the text is clear and names no path" reason_is_clear "$p"
	before=$(received "$p")
	check "$p: what was answered before is on record" \
	    received_is_stored "$p"
	check "$p: reading goes on meanwhile" equal "$(curl -s -o /dev/null \
	    -w '%{http_code}' --cacert "$TMP/root.pem" "$EST/cacerts")" 200
	check "$p: an operator's change is refused as well" \
	    operator_refused "$p"
	"$room"
	check "$p: work goes on by itself" storm_end
	check "$p: it did stop in between" test "$(storm_field busy)" -gt 0
	note "$p: $before received before, storm: $STORM"
	check "$p: the refused one enrolls with the same key" equal \
	    "$(post "$TMP/$p-full" "$ID" "$SECRET")" 200
	record_whole "$p"
	check "$p: the daemons have lived through it" \
	    kill -0 "$AUTHORITY_PID" "$GATE_PID"
}
received() { wc -l <"$TMP/$1.got"; }
# The writer may still have room in its log for a few more.
refused_503() {
	local status
	[ -f "$TMP/$1-full.b64" ] || spare
	status=$(post "$TMP/$1-full" "$ID" "$SECRET")
	[ "$status" = 503 ] && return 0
	echo "$status"
	[ "$status" != 200 ] || rm -f "$TMP/$1-full".*
	return 1
}
reason_is_clear() {
	cat "$TMP/$1-full.out"
	grep -qE 'no space|store|disk' "$TMP/$1-full.out" &&
	    ! grep -qE "$STATE|SQLITE|sqlite" "$TMP/$1-full.out"
}
operator_refused() {
	camca device add --id "op-$1" --manufacturer Acme --model M \
	    --serial "op-$1" --site crowd && return 1
	! store_sql "SELECT id FROM device WHERE id = 'op-$1'" | grep .
}

# ---- a limit on the size of files ----
# Set by the user whose process it is: root may lack the right.
limit_files() { # BYTES
	local as=()
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid "$(uid_of "$AUTHORITY_PID")"
	    --regid "$(gid_of "$AUTHORITY_PID")" --clear-groups)
	"${as[@]}" prlimit --pid "$AUTHORITY_PID" --fsize="$1:"
}
uid_of() { awk '$1 == "Uid:" { print $2 }' "/proc/$1/status"; }
gid_of() { awk '$1 == "Gid:" { print $2 }' "/proc/$1/status"; }
grow_no_more() {
	local size
	size=$(stat -c %s "$STATE/db/camca.sqlite-wal")
	# Below what the log already holds: not one page can be added.
	limit_files $((size < 65536 ? size : 65536))
}
grow_again() {
	limit_files unlimited
}
full_while f grow_no_more grow_again

# ---- a full file system ----
fill_disk() {
	head -c $((SMALL_KB * 1024)) /dev/zero >"$STATE/ballast" 2>/dev/null
	true
}
empty_disk() {
	rm "$STATE/ballast"
}
crash_and_room() {
	stop "$AUTHORITY_PID" KILL
	empty_disk
	start_authority
}
if [ -n "$MOUNTED" ]; then
	full_while t fill_disk empty_disk
	# And power is lost at that moment.
	full_while c fill_disk crash_and_room
else
	note "no mount here: the full file system was not tried"
fi

stop "$AUTHORITY_PID"
start_authority
check "after a restart the store is sound" equal \
    "$(store_sql 'PRAGMA integrity_check')" ok
check "and all is where it was" received_is_stored f
finish
