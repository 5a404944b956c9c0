#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CRLs and the clock: entries stay until a list of after the certificate's end
# has carried them (C9), lists come out with no revocation at all (C14), and
# neither number nor time goes back (C13).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need curl jq openssl python3
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 ||
    skip "faketime is not installed"

camca_init
sed -i 's/^validity: .*/validity: 2h/; s/^  window: .*/  window: 1h/' \
    "$STATE/policies/profiles/camera-ec.yaml"
camca_start
EC=$(camca --json ca list | jq -r '.items[]? // . | select(.name=="ec") | .ski' | head -1)
facts() { python3 "$TOP/tests/tools/crl_facts.py" "$STATE/crl/$EC.crl"; }
number() { facts | jq .number; }
above() { test "$(number)" -gt "$1"; }
has() { facts | jq -e --arg s "$1" '.entries | map(.serial) | index($s)' >/dev/null; }
serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f |
    awk '{ printf "%40s", $0 }' | tr ' ' 0; }
revoke() { # ID: enrolls and revokes; its serial in $SERIAL
	device "$1" && enroll "$1" "$TMP/$1" || return 1
	SERIAL=$(serial "$TMP/$1.pem")
	camca cert revoke "$SERIAL" --reason keyCompromise --text x >/dev/null
}
check "the first list is there" eventually above 0
check "a certificate of two hours is revoked" revoke short
SHORT=$SERIAL
check "and listed" eventually has "$SHORT"

# Three hours on: it has ended, but no list of after its end has carried it.
N=$(number)
restart_authority +3h
sleep 1.5
check "C14 nothing is renewed before half of the life is over" equal "$(number)" "$N"
check "another revocation, after the end of the first" revoke after1
check "C9 the list that is issued then carries both" eventually has "$SERIAL"
check "C9 the ended one is still there" has "$SHORT"
# (its thisUpdate says so, not only the clock)
check "C9 its thisUpdate is after that end" sh -c '[ "$1" \> "$2" ]' - \
    "$(facts | jq -r .this_update.full)" \
    "$(date -u -d "$(openssl x509 -in "$TMP/short.pem" -noout -enddate | cut -d= -f2)" +%Y%m%d%H%M%SZ)"
check "a third revocation" revoke after2
check "C9 the next list leaves it out" eventually sh -c '! python3 "$1" "$2" | grep -q "$3"' - \
    "$TOP/tests/tools/crl_facts.py" "$STATE/crl/$EC.crl" "$SHORT"
check "and has the others" has "$SERIAL"

# Half of seven days.
N=$(number)
NEXT=$(facts | jq -r .next_update.full)
restart_authority +4d
check "C14 renewed at half of its life, with no change at all" eventually above "$N"
check "C14 it lives longer than the one before" sh -c '[ "$1" \> "$2" ]' - \
    "$(facts | jq -r .next_update.full)" "$NEXT"
N=$(number)
restart_authority +8d
check "C14 renewed again" eventually above "$N"
roots() { camca --json crl list | jq -se '[.[] | .items[]? // .] | all(.number > 1)' >/dev/null; }
check "C14 the root's list too" eventually roots

# The clock goes back: nobody signs until somebody says that it is right now.
N=$(number) THIS=$(facts | jq -r .this_update.full)
restart_authority
sleep 1.5
check "C13 with a clock that was set back no list comes out" equal "$(number)" "$N"
camca clock accept >/dev/null 2>&1
check "a revocation after it was accepted" revoke after3
check "C13 the number rises all the same" eventually above "$N"
check "C13 and so does thisUpdate" sh -c '[ "$1" \> "$2" ]' - "$(facts | jq -r .this_update.full)" "$THIS"
finish
