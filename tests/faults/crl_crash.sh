#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Publication of CRLs while things break: camcad is killed by the signal that
# nobody can catch, the disk of the lists fills up, the token goes away. No
# number may ever come with two contents, none may go back, and the list before
# stays where no new one can come.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_faults.sh"
need curl jq openssl python3 sqlite3

# A file system of our own for the lists, in a mount namespace of our own.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] &&
    unshare -m true 2>/dev/null; then
	trap - EXIT
	rm -rf "$TMP"
	OWN_MOUNTS=1 exec unshare -m --propagation private "$0"
fi

N=$(sized 150 1500)
KILLS=$(sized 12 60)
RANDOM=20261

camca_init
camca_start
check "devices are registered" devices c "$N"
EC=$(camca --json ca list | jq -r '.items[]? // . | select(.name=="ec") | .ski' | head -1)
FILE=$STATE/crl/$EC.crl

# ---- serials to revoke, without a handshake each ----
openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/k.key"
storm c --threads 4 || exit 1
check "cameras are enrolled" storm_end
mapfile -t SERIALS < <(store_sql 'SELECT hex(serial) FROM cert WHERE device IS NOT NULL ORDER BY id')
check "each has a certificate" equal "${#SERIALS[@]}" "$N"

# Notes each list that is ever under the published name, or served: its number
# and its hash.
watch() {
	python3 - "$FILE" "http://127.0.0.1:$HTTP_PORT/crl/$EC.crl" "$TMP/stop" "$TOP" <<'P'
import hashlib, os, subprocess, sys, time, urllib.request
path, url, stop, top = sys.argv[1:]
seen, last, bad, n = {}, {"file": 0, "http": 0}, [], 0
def note(where, der):
    global n
    p = subprocess.run(["python3", top + "/tests/tools/crl_facts.py", "/dev/stdin"],
                       input=der, capture_output=True)
    if p.returncode:
        bad.append("%s: not a whole list: %s" % (where, p.stderr.decode().strip()))
        return
    import json
    number, h = json.loads(p.stdout)["number"], hashlib.sha256(der).hexdigest()
    n += 1
    if seen.setdefault(number, h) != h:
        bad.append("number %d has two contents" % number)
    if number < last[where]:
        bad.append("%s went back from %d to %d" % (where, last[where], number))
    last[where] = number
old = {}
while not os.path.exists(stop):
    try:
        with open(path, "rb") as f:
            der = f.read()
        if old.get("file") != der:
            old["file"] = der
            note("file", der)
    except OSError as e:
        bad.append(str(e))
    try:
        with urllib.request.urlopen(url, timeout=5) as r:
            der = r.read()
        if old.get("http") != der:
            old["http"] = der
            note("http", der)
    except OSError:
        pass
    time.sleep(0.02)
print(len(seen), n, *bad, sep="\n")
sys.exit(1 if bad else 0)
P
}
number() { python3 "$TOP/tests/tools/crl_facts.py" "$FILE" | jq .number; }
entries() { python3 "$TOP/tests/tools/crl_facts.py" "$FILE" | jq '.entries | length'; }
above() { test "$(number)" -gt "$1"; }
listed() { equal "$(entries)" "$1"; }
revoke() { camca cert revoke "$1" --reason superseded --text x >/dev/null 2>&1; }

eventually above 0
watch >"$TMP/watched" &
WATCH=$!
PIDS+=("$WATCH")
done_n=0 died=0
for _ in $(seq "$KILLS"); do
	for _ in 1 2 3; do
		[ "$done_n" -lt $((N - 20)) ] && revoke "${SERIALS[done_n]}" && done_n=$((done_n + 1))
	done
	# Before, while and after the list comes out, 200 ms after the last.
	sleep "$(awk -v r="$RANDOM" 'BEGIN { print 0.15 + r % 1200 / 1000 }')"
	stop "$AUTHORITY_PID" KILL
	[ $? -eq 137 ] && died=$((died + 1))
	start_authority
done
check "camcad died $KILLS times around a publication" equal "$died" "$KILLS"
check "the last list has every revocation" eventually listed "$done_n"
: >"$TMP/stop"
check "C13 no number came twice, none went back, no list was cut" wait "$WATCH"
sed 's/^/    /' "$TMP/watched"
check "it saw lists come out" test "$(head -1 "$TMP/watched")" -gt 3
check "nothing is left beside the lists" sh -c '[ -z "$(ls "$1" | grep -v "\.crl$")" ]' - "$STATE/crl"

# ---- the token goes away ----
N1=$(number)
mv "$STATE/hsm/tokens" "$STATE/hsm/away"
revoke "${SERIALS[done_n]}" && done_n=$((done_n + 1))
says() { camca --json crl list | jq -se '[.[] | .items[]? // .] | any(.error != "")' >/dev/null; }
check "without a token no list comes out, and crl list says so" eventually says
check "C13 the list before stays" equal "$(number)" "$N1"
# The gate may have an older one for two seconds yet.
check "it is served" eventually sh -c 'curl -sf "$1" -o "$2" && cmp "$2" "$3"' - \
    "http://127.0.0.1:$HTTP_PORT/crl/$EC.crl" "$TMP/x" "$FILE"
mv "$STATE/hsm/away" "$STATE/hsm/tokens"
check "with the token back it comes by itself" eventually listed "$done_n"
check "and it is one number on" test "$(number)" -gt "$N1"

# ---- no space for the list ----
if [ -n "${OWN_MOUNTS:-}" ]; then
	stop "$AUTHORITY_PID"
	cp -a "$STATE/crl" "$TMP/crl.kept"
	mount -t tmpfs -o size=24k,mode=700 none "$STATE/crl" &&
	    chown --reference="$TMP/crl.kept" "$STATE/crl" &&
	    cp -a "$TMP/crl.kept/." "$STATE/crl/"
	start_authority
	eventually above 0
	N1=$(number)
	dd if=/dev/zero of="$STATE/crl/filler" bs=1k count=64 2>/dev/null
	revoke "${SERIALS[done_n]}" && done_n=$((done_n + 1))
	check "on a full disk no list comes out, and crl list says so" eventually says
	check "C13 the list before stays whole" equal "$(number)" "$N1"
	check "doctor says it" sh -c '"$1" doctor | grep -q "does not come out"' - "$BIN/camca"
	rm "$STATE/crl/filler"
	check "with room again it comes by itself" eventually listed "$done_n"
	stop "$AUTHORITY_PID"
	umount "$STATE/crl"
fi
check "camcad complained of nothing else" sh -c '
	! grep " error " "$1" | grep -vE "does not come out|token|PKCS#11|not signed|status.feed|hsm"' - "$TMP/camcad.log"
finish
