#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What nobody decent sends: lines N1, N2, N3, N6 (RFC 7030 section 6). N4 and N5
# are in est_n_faults.sh.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl python3
PROBE=$BIN/tests/tools/est_probe
W=/.well-known/est
HELD=()
est_init
# Silent connections are let go early here: nobody wants to wait 20 s.
sed -i 's/^gate:/gate:\n  idle_timeout_s: 3/' "$STATE/camca.yaml"
camca_start
device cam-1
check "N1 a camera enrolls before all this" enroll cam-1 "$TMP/cam"
renew_csr "$TMP/again" "$TMP/cam"
MINE=(--cert "$TMP/cam.pem" --key "$TMP/cam.key")

many() { # OP MODE FILE... [options of est_many]
	local op=$1
	shift
	python3 "$TOP/tests/tools/est_many.py" "$EST_PORT" "$TMP/root.pem" \
	    "$W/$op" "$@"
}
fds() { ls "/proc/$1/fd" | wc -l; }
alive() { kill -0 "$GATE_PID" && kill -0 "$AUTHORITY_PID"; }

# Memory and descriptors are compared with those of a server that has worked.
csr "$TMP/k"
mkdir "$TMP/bad"
python3 "$TOP/tests/tools/bad_csr.py" "$TMP/k.key" "$TMP/bad"
many simpleenroll files "$TMP"/bad/*.b64 >"$TMP/bad.txt"
GATE_RSS=$(rss_kb "$GATE_PID") AUTHORITY_RSS=$(rss_kb "$AUTHORITY_PID")
GATE_FDS=$(fds "$GATE_PID") AUTHORITY_FDS=$(fds "$AUTHORITY_PID")
# A sanitizer keeps what was freed, to see it used.
LIMIT_KB=24576
! grep -qE 'lib(a|t)san' "/proc/$GATE_PID/maps" || LIMIT_KB=600000

# N1: requests that are wrong inside, each properly signed.
check "N1 the request without a fault is well" grep -qE '^401 good.b64 ' "$TMP/bad.txt"
refused_clearly() { # STATUS TEXT
	[ "$1" = 400 ] && [ "${#2}" -gt 20 ] || { echo "$1: $2"; return 1; }
}
while read -r status name text; do
	[ "$name" = good.b64 ] ||
	    check "N1 ${name%.b64}" refused_clearly "$status" "$text"
done <"$TMP/bad.txt"
check "N1 all of them were sent" equal "$(wc -l <"$TMP/bad.txt")" \
    "$(ls "$TMP/bad" | wc -l)"
says() { grep -E "^400 $1.b64 .*$2" "$TMP/bad.txt"; }
check "N1 the depth is said" says depth-33 32
check "N1 the number of names is said" says san-1000 'not 1 to 100'
check "N1 a NUL in a name is said" says cn-nul NUL
check "N1 a NUL in a DNS name is said" says san-nul NUL
check "N1 what is not UTF-8 is said" says cn-not-utf8 UTF-8

# N1: 64 KiB of something.
junk() { # NAME COMMAND...: 64 KiB of its output as the body
	local name=$1
	shift
	"$@" 2>/dev/null | head -c 65536 >"$TMP/junk.b64"
	check "N1 64 KiB of $name" refuses 400 '.' simpleenroll "$TMP/junk"
}
junk "base64 digits" sh -c "yes MIIB | tr -d '\n'"
junk "random base64" sh -c 'openssl rand 60000 | base64 -w 0'
junk "random bytes" openssl rand 65536
junk "zeros" cat /dev/zero
junk "line feeds" sh -c 'yes ""'
junk "padding" sh -c "yes = | tr -d '\n'"
junk "a SEQUENCE of that length" sh -c "printf MIM; yes A | tr -d '\n'"
junk "PEM begins" sh -c 'yes -- "-----BEGIN CERTIFICATE REQUEST-----"'

# N1: every body cut at every byte, with a bit turned in each byte.
check "N1 simpleenroll, cut after each byte" many simpleenroll cut "$TMP/k.b64"
check "N1 simpleenroll, a bit of each byte of the request" \
    many simpleenroll flip "$TMP/k.b64"
check "N1 simpleenroll, a bit of each character" many simpleenroll text "$TMP/k.b64"
check "N1 simplereenroll, cut after each byte" \
    many simplereenroll cut "$TMP/again.b64" "${MINE[@]}"
check "N1 simplereenroll, a bit of each byte of the request" \
    many simplereenroll flip "$TMP/again.b64" "${MINE[@]}"
check "N1 connections that end within a request" many simpleenroll abort "$TMP/k.b64"
for o in serverkeygen fullcmc; do
	check "N1 $o takes no body at all" equal "$(get "$TMP/o" "$W/$o" \
	    -H 'Content-Type: application/pkcs10' --data-binary "@$TMP/junk.b64")" 501
done
check "N1 cacerts with a body" equal "$(get "$TMP/o" "$W/cacerts" -X GET \
    --data-binary "@$TMP/junk.b64")" 400

# N1: headers.
field_of() { # BYTES: a request with such a field
	get "$TMP/h" "$W/cacerts" -H "X: $(head -c "$1" /dev/zero | tr '\0' a)"
}
check "N1 a field of 4 KB" equal "$(field_of 4096)" 200
# 000: closed with bytes of it unread, where the answer may be lost.
too_long() { grep -xE '431|000' <<<"$1"; }
check "N1 a field of 40 KB" too_long "$(field_of 40000)"
fields() {
	local i h=()
	for i in $(seq "$1"); do
		h+=(-H "X-$i: $i")
	done
	get "$TMP/h" "$W/cacerts" "${h[@]}"
}
check "N1 2,000 fields" too_long "$(fields 2000)"
http() { # REQUEST: what comes back for these bytes, its status
	printf "$1" | timeout 20 openssl s_client -quiet -connect \
	    "localhost:$EST_PORT" -CAfile "$TMP/root.pem" 2>/dev/null |
	    head -1 | cut -d' ' -f2
}
HEAD="POST $W/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs10\r\n"
never_served() { # REQUEST: refused, or not answered at all
	case $(http "$1") in
	4*|'') ;;
	*) return 1 ;;
	esac
}
check "N1 two lengths" never_served \
    "${HEAD}Content-Length: 4\r\nContent-Length: 40\r\n\r\nMIIBMIIB"
check "N1 length and chunks" never_served \
    "${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
check "N1 a negative length" never_served "${HEAD}Content-Length: -1\r\n\r\n"
check "N1 a chunk that is no number" never_served \
    "${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nMIIB\r\n"
check "N1 no HTTP at all" never_served '\001\002\003 hello\r\n\r\n'

# N2: who says nothing, or too little, is let go.
KINDS='tcp byte half idle slow'
for kind in $KINDS; do
	"$PROBE" hold "$EST_PORT" "$kind" 40 10 >"$TMP/hold.$kind" &
	HELD+=($!)
done
wait "${HELD[@]}"
for kind in $KINDS; do
	check "N2 connections of kind $kind are let go" grep -x 'open 0' "$TMP/hold.$kind"
done

grown() { # PID KB-BEFORE LIMIT-KB
	local now
	now=$(rss_kb "$1")
	echo "$2 kB before, $now kB now"
	[ "$now" -lt $(($2 + $3)) ]
}
not_above() { # NOW BEFORE MORE, in kB
	echo "$2 kB before, $1 kB now"
	[ "$1" -lt $(($2 + $3)) ]
}
check "N1 the gate's memory is bounded" grown "$GATE_PID" "$GATE_RSS" "$LIMIT_KB"
check "N1 the authority's memory is bounded" grown "$AUTHORITY_PID" \
    "$AUTHORITY_RSS" "$LIMIT_KB"

# N3, twice: what the first thousand needed must do for the second.
fds_back() { [ "$(fds "$GATE_PID")" -le $((GATE_FDS + 2)) ] || { fds "$GATE_PID"; return 1; }; }
thousand() { # KIND
	"$PROBE" hold "$EST_PORT" "$1" 1000 1 >"$TMP/hold" &
	HOLD=$!
	eventually grep -q held "$TMP/hold"
	check "N3 beside 1,000 connections ($1) another is served" equal \
	    "$(get "$TMP/g" $W/cacerts)" 200
	wait "$HOLD"
	check "N3 no descriptor is lost ($1)" eventually fds_back
}
thousand idle
thousand half
# Peaks are compared: what the allocator gives back in between is its choice.
peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }
GATE_PEAK=$(peak_kb "$GATE_PID")
thousand idle
thousand half
check "N3 nor is memory" not_above "$(peak_kb "$GATE_PID")" "$GATE_PEAK" \
    $((LIMIT_KB / 3))

# N6: the corpus of each fuzzer, which make fuzz goes on from.
for f in est_body csr est_media est_route est_basic; do
	[ -x "$BIN/tests/fuzz/fuzz_$f" ] || continue
	check "N6 corpus of $f" sh -c "'$BIN/tests/fuzz/fuzz_$f' '$TOP/tests/fuzz/corpus/$f'"
done

# After all that.
check "N1 both daemons are the same processes" alive
check "N1 no descriptor of the authority is lost" [ "$(fds "$AUTHORITY_PID")" -le \
    $((AUTHORITY_FDS + 4)) ]
for r in csr.not-der csr.too-deep csr.san-count csr.name-nul csr.name-encoding \
    csr.signature csr.too-complex; do
	check "N1 an event of $r" event_has "rule $r "
done
check "N1 sums of what the gate refused" event_has 'throttle.summary .*rule est.body-cut'
check "N1 nothing was issued meanwhile" equal "$(events | grep -cE '"cert.(issued|renewed)"')" 2
check "N1 the camera's certificate renews as ever" accepts simplereenroll \
    "$TMP/again" "${MINE[@]}"
device cam-2
check "N1 another camera enrolls" enroll cam-2 "$TMP/cam2"
finish
