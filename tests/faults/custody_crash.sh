#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camcad is killed, by the signal that nobody can catch, while events get into
# the log and checkpoints are signed over it. No event of an operation that was
# answered may be missing afterwards, no number may be given twice, the tree is
# that of its entries, and each checkpoint one of its sizes.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
. "$TOP/tests/lib_go.sh"
need curl jq openssl python3 sqlite3

N=$(sized 900 5000)
KILLS=$(sized 10 50)
# Where in the work of a second it dies is random; which random is not.
RANDOM=20264

camca_init
# Small batches and many checkpoints: most of the time is spent in the middle.
sed -i '/^  interval_ms: /d; /^  checkpoint_ms: /d
    s/^custody:/custody:\n  interval_ms: 5\n  checkpoint_ms: 20/' \
    "$STATE/camca.yaml"
camca_start
check "devices are registered" devices k "$N"

# Another crowd: sites, whose events concern no device, in one chain.
answered() {
	local i
	for ((i = 0; ; i++)); do
		camca site add "site-$i" --name S --level 1 >/dev/null 2>&1 &&
		    echo "site-$i" >>"$TMP/answered"
	done
}
answered &
SITES=$!
PIDS+=("$SITES")

died=0 ready=0
storm k --threads 8 --drop 50 --again
for i in $(seq "$KILLS"); do
	storm_until $(((i - 1) * N / KILLS + 1 + RANDOM % (N / KILLS))) || break
	# Not at a commit that was just answered, but anywhere.
	sleep "0.0$((RANDOM % 100))"
	stop "$AUTHORITY_PID" KILL
	[ $? -eq 137 ] && died=$((died + 1))
	start_authority && ready=$((ready + 1))
done
check "camcad died $KILLS times in the middle of its work" equal "$died" "$KILLS"
check "each time it started again without help" equal "$ready" "$KILLS"
check "every client has its certificate in the end" storm_end
stop "$SITES"
record_whole k

status() { # FIELD
	"$TOP/tests/tools/op.py" "$STATE" custody.status | jq -r ".$1"
}
settled() {
	[ "$(status waiting)" = 0 ] &&
	    [ "$(status checkpoint.size)" = "$(status size)" ]
}
check "the rest gets into the log, and is signed" eventually settled
check "nothing keeps it from that" equal "$(status error)" ""
check "nothing was taken for a fork" equal "$(status fork)" false
sites_whole() {
	store_sql "SELECT CAST(body AS TEXT) FROM event JOIN log_entry
	    ON idx = seq - 1 WHERE CAST(body AS TEXT) LIKE '%type site.added%'" |
	    sed -n 's/^site //p' | sort >"$TMP/sites"
	sort "$TMP/answered" | comm -23 - "$TMP/sites" >"$TMP/lost"
	cat "$TMP/lost"
	[ ! -s "$TMP/lost" ] && test "$(wc -l <"$TMP/answered")" -ge 5
}
check "no event of a change that was answered is missing" sites_whole
check "none is there twice" equal "$(store_sql \
    'SELECT COUNT(*) - COUNT(DISTINCT id) FROM event')" 0
check "indexes run without a gap up to the head" equal "$(store_sql \
    'SELECT MIN(idx), MAX(idx) + 1 - COUNT(*), MAX(idx) + 1 FROM log_entry')" \
    "0|0|$(store_sql 'SELECT size FROM log_head')"
check "which is the number of events that were ever put" equal \
    "$(store_sql 'SELECT size FROM log_head')" \
    "$(store_sql "SELECT n FROM counter WHERE name = 'outbox'")"
# Rebuilds every tile and root from the entries, and compares each checkpoint.
fsck() {
	local args='{}' next
	while :; do
		"$TOP/tests/tools/op.py" "$STATE" custody.fsck "$args" \
		    >"$TMP/fsck" || break
		next=$(jq -r '.next // ""' "$TMP/fsck")
		[ -n "$next" ] || break
		args=$(jq -nc --arg f "$next" '{from: $f}')
	done
	cat "$TMP/fsck"
	jq -e 'has("wrong") and .wrong == null' "$TMP/fsck"
}
check "fsck finds nothing" fsck
# And so says a program that knows nothing of ours.
if go_there; then
	check "Go's verifier compiles" go_ready
	go_log "$TMP/log"
	go_holds "$TMP/log" "Go"
else
	note "no Go: its verifier did not look at the log"
fi
check "there were checkpoints all the while" test "$(store_sql \
    'SELECT COUNT(*) FROM log_checkpoint')" -gt "$KILLS"
note "$(store_sql 'SELECT (SELECT size FROM log_head) || " entries, " ||
    (SELECT COUNT(*) FROM log_checkpoint) || " checkpoints"')"
check "camcad found nothing to repair or complain of" sh -c \
    '! grep -E " error |DAMAGED" "$1"' - "$TMP/camcad.log"
finish
