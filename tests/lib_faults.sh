# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of faults and load, on top of lib.sh: many devices, a storm of
# clients that goes on while things break, and what must hold afterwards.

# CAMCA_FULL=1 asks for the sizes of an acceptance run; make check has less
# time. sized SMALL FULL
sized() {
	if [ -n "${CAMCA_FULL:-}" ]; then echo "$2"; else echo "$1"; fi
}

# devices PREFIX COUNT: registers them; "device secret" lines in
# $TMP/PREFIX.sec
devices() {
	camca site add crowd --name Crowd --level 1 >/dev/null 2>&1
	awk -v p="$1" -v n="$2" 'BEGIN {
		print "id,manufacturer,model,serial,site"
		for (i = 1; i <= n; i++)
			printf "%s-%06d,Acme,M1,%s-%06d,crowd\n", p, i, p, i
	}' >"$TMP/$1.csv"
	camca device import "$TMP/$1.csv" --labels-csv "$TMP/$1.labels" \
	    >/dev/null || return 1
	tr -d '"\r' <"$TMP/$1.labels" | awk -F, '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == "secret") k = i
			next }
		{ print $1, $k }' >"$TMP/$1.sec"
	equal "$(wc -l <"$TMP/$1.sec")" "$2"
}

# storm PREFIX [options of est_storm]: starts it for the devices of PREFIX, its
# output on descriptor 8: a count after each success, then one JSON line.
# What was received is in $TMP/PREFIX.got.
storm() {
	local prefix=$1
	shift
	: >"$TMP/$prefix.got"
	rm -f "$TMP/storm.fifo"
	mkfifo "$TMP/storm.fifo"
	"$BIN/tests/tools/est_storm" --ports "$STATE/gate/ports" \
	    --ca "$TMP/root.pem" --secrets "$TMP/$prefix.sec" \
	    --out "$TMP/$prefix.got" "$@" >"$TMP/storm.fifo" \
	    2>"$TMP/storm.err" &
	STORM_PID=$!
	PIDS+=("$STORM_PID")
	exec 8<"$TMP/storm.fifo"
	STORM_DONE=0
	STORM=
}
# storm_until COUNT: reads until so many are enrolled. Fails where the storm
# ends before; $STORM is its JSON line then.
storm_until() {
	local line
	while [ "$STORM_DONE" -lt "$1" ]; do
		read -r line <&8 || return 1
		case $line in
		'{'*) STORM=$line; return 1 ;;
		*) STORM_DONE=$line ;;
		esac
	done
}
# storm_end: reads to the end; sets $STORM. Its exit status is the storm's.
storm_end() {
	local rc
	storm_until 1000000000
	exec 8<&-
	wait "$STORM_PID"
	rc=$?
	stop "$STORM_PID"
	[ "$rc" -eq 0 ] || { echo "$STORM"; cat "$TMP/storm.err"; }
	return "$rc"
}
storm_field() { # NAME
	jq -r ".$1" <<<"$STORM"
}

store_sql() { # SQL: of a running authority's store, read only
	sqlite3 -readonly -cmd '.timeout 20000' "$STATE/db/camca.sqlite" "$1"
}

# record_whole PREFIX: what the clients of PREFIX received is on record, each
# device has just one certificate, and each secret opened the door for one key.
record_whole() {
	local p=$1
	check "$p: every certificate that a client received is in the store" \
	    received_is_stored "$p"
	check "$p: each device has one certificate" equal "$(store_sql "
		SELECT COUNT(*), COUNT(DISTINCT c.device) FROM cert c
		JOIN device d ON d.pk = c.device WHERE d.id LIKE '$p-%'")" \
	    "$(wc -l <"$TMP/$p.sec")|$(wc -l <"$TMP/$p.sec")"
	check "$p: each secret is used, for the key of the certificate" \
	    equal "$(store_sql "
		SELECT COUNT(*) FROM enroll_secret s
		JOIN device d ON d.pk = s.device
		JOIN cert c ON c.device = d.pk AND c.spki = s.spki
		WHERE d.id LIKE '$p-%' AND s.state = 2")" \
	    "$(wc -l <"$TMP/$p.sec")"
	check "$p: each certificate has its event, and no event is alone" \
	    events_match "$p"
	check "$p: the store is sound" equal \
	    "$(store_sql 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
}
received_is_stored() {
	store_sql "SELECT d.id, lower(hex(c.serial)), lower(hex(c.spki))
	    FROM cert c JOIN device d ON d.pk = c.device
	    WHERE d.id LIKE '$1-%'" | tr '|' ' ' | sort >"$TMP/stored"
	sort -u "$TMP/$1.got" >"$TMP/received"
	[ -s "$TMP/received" ] || { echo "nothing was received"; return 1; }
	comm -23 "$TMP/received" "$TMP/stored" >"$TMP/lost"
	cat "$TMP/lost"
	[ ! -s "$TMP/lost" ]
}
events_match() {
	# In the log, or waiting for it.
	store_sql "SELECT t FROM (SELECT CAST(body AS TEXT) AS t FROM event)
	    WHERE t LIKE '%' || char(10) || 'type cert.issued' || char(10) ||
	    'device $1-%'" |
	    sed -n 's/^serial //p' | sort >"$TMP/events"
	cut -d' ' -f2 "$TMP/stored" | sort | diff - "$TMP/events"
}

# post FILE DEVICE SECRET: status of one enrollment of FILE's key.
post() {
	[ -f "$1.b64" ] || csr "$1"
	est_post simpleenroll "$1" -u "$2:$3" --max-time 60
}
# has_retry_after FILE: the last answer tells when to come again.
has_retry_after() {
	tr -d '\r' <"$1.head" | grep -qiE '^Retry-After: [0-9]+$'
}
fd_count() { # PID
	ls "/proc/$1/fd" | wc -l
}
# note TEXT: a line for the reader, no check.
note() {
	echo "note $*"
}
