#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camcad is killed, by the signal that nobody can catch, while eight clients
# enroll. No certificate that a client received may be missing afterwards, no
# secret may open the door twice, and a restart must need no repair.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl sqlite3

N=$(sized 1000 5000)
KILLS=$(sized 6 20)
# The points are counts of certificates received: the same in each run, with
# whatever the other seven clients have under way at that moment.
RANDOM=20260

camca_init
camca_start
check "devices are registered" devices k "$N"

died=0 ready=0
storm k --threads 8 --drop 50 --again
for i in $(seq "$KILLS"); do
	storm_until $(((i - 1) * N / KILLS + 1 + RANDOM % (N / KILLS))) || break
	stop "$AUTHORITY_PID" KILL
	[ $? -eq 137 ] && died=$((died + 1))
	start_authority && ready=$((ready + 1))
done
check "camcad died $KILLS times in the middle of its work" equal "$died" "$KILLS"
check "each time it started again without help" equal "$ready" "$KILLS"
check "every client has its certificate in the end" storm_end
check "a client that asks again with its key gets what it has" equal \
    "$(storm_field changed) $(storm_field again)" "0 $N"
check "clients did meet the outage" test \
    $(($(storm_field busy) + $(storm_field broken))) -gt 0
note "storm: $STORM"
record_whole k
check "camcad found nothing to repair or complain of" sh -c \
    '! grep -E " error |DAMAGED" "$1"' - "$TMP/camcad.log"
check "the gate lived through all of it" kill -0 "$GATE_PID"

# A secret that was used by one key is spent for another.
twice() {
	local id secret i=0
	while read -r id secret; do
		equal "$(post "$TMP/twice$i" "$id" "$secret")" 401 || return 1
		i=$((i + 1))
	done < <(awk -v s="$((N / 5))" 'NR % s == 1' "$TMP/k.sec")
	test "$i" -ge 5
}
check "a used secret does not open the door to another key" twice
check "those refusals have left no certificate" equal "$(store_sql \
    'SELECT COUNT(*) FROM cert WHERE device IS NOT NULL')" "$N"
finish
