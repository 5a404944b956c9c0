#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Acceptance 4.5: every operation of the authority's table once, done and
# refused, and its event found; what only reads leaves none. tests/op_events says
# which types belong to which operation.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
. "$TOP/tests/lib_custody.sh"
. "$TOP/tests/lib_tsa.sh"
[ "$(id -u)" -eq 0 ] || skip "needs root"
getent passwd camca camca-gate >/dev/null ||
    skip "no users camca and camca-gate: run scripts/setup"
need jq openssl curl setpriv sqlite3 python3
cp "$BIN/tests/tools/intruder" "$TMP" && chmod 755 "$TMP/intruder"

policies
sed -i -e 's/^approval: false/approval: true/' "$POLICIES/levels/level-2.yaml"
check "a TSA starts" tsa_start
est_init --policies "$POLICIES"
mkdir -p "$STATE/policies/custody"
cp "$TMP/tsa/good-root.pem" "$STATE/policies/custody/one.pem"
sed -i "s|^  tsa: .*|  tsa: [\"one $TSA/ok/1\"]|" "$STATE/camca.yaml"
camca_start

# ---- calling, and looking what came of it ----
declare -A RAN REFUSED
SOCKET=$STATE/run/authority.sock
gate() {
	setpriv --reuid camca-gate --regid camca-gate --init-groups \
	    "$TMP/intruder" "$@"
}
# call OP [JSON]: as who may; the answer in $TMP/answer
call() {
	case $1 in
	status.feed) gate call "$STATE/run/status.sock" "$@" ;;
	est.enroll|est.reenroll|est.refused|agent.lease|agent.secret|agent.report|gate.*|ocsp.*|custody.anchor*) gate call "$SOCKET" "$@" ;;
	*) cu_call "$@" ;;
	esac >"$TMP/answer"
}
answer() { jq -r "$1" "$TMP/answer"; }
last() { cu_sql "SELECT value FROM meta WHERE key = 'outbox.seq' UNION ALL
    SELECT MAX(seq) FROM event ORDER BY 1 DESC LIMIT 1"; }
mark() { MARK=$(last); }
# new: events since the mark, one a line: type, then its lines
new() {
	cu_call event.list "{\"after\":\"$MARK\",\"limit\":1000}" >"$TMP/new" || return 1
	jq -r '.items[] | .type + "\t" + (.body | gsub("\n"; "\t"))' "$TMP/new"
}
expected() { # OP: its types, of tests/op_events
	awk -v op="$1" '$1 == op { $1 = ""; if ($2 != "-") print }' "$TOP/tests/op_events"
}
has_all() { # TYPE...
	local t
	new >"$TMP/events"
	for t in "$@"; do
		grep -q "^$t	" "$TMP/events" || { echo "no $t in:"; cut -c1-200 "$TMP/events"; return 1; }
	done
}
# does OP [JSON]: it is done, and has left its events
does() {
	mark
	RAN[$1]=1
	call "$@" || { check "$1 is done" cat "$TMP/answer" /dev/missing; return; }
	recorded "$1"
}
recorded() { # OP: since the mark
	RAN[$1]=1
	# shellcheck disable=SC2046 # a list of words
	check "$1: $(expected "$1" | xargs || true)" has_all $(expected "$1")
}
# reads OP [JSON]: it is done, and is on no record
reads() {
	mark
	RAN[$1]=1
	call "$@" || { check "$1 is done" cat "$TMP/answer" /dev/missing; return; }
	check "$1 reads, and leaves no event" nothing_new
}
nothing_new() { # but what goes on by itself: lists, certificates of the gate
	new >"$TMP/events" || return 1
	if grep -vE "^(crl\.|ocsp\.certified|gate\.certified|key\.activated|custody\.)" "$TMP/events"; then
		return 1
	fi
}
was_refused() { # OP RULE
	new >"$TMP/events"
	grep "^request.refused	" "$TMP/events" | grep "	rule $2	" | grep -q "	op $1	" ||
	    { echo "no such event in:"; cut -c1-300 "$TMP/events"; return 1; }
}

# ---- every writing operation refused: a wrong argument, a wrong caller ----
cu_call system.ops >"$TMP/ops"
WRITING=$(jq -r '.ops[] | select(.writes) | .name' "$TMP/ops")
for op in $WRITING; do
	mark
	REFUSED[$op]=1
	call "$op" '{"no-such-argument": 1}'
	check "$op refused: request.refused" was_refused "$op" request.argument
done
# Who may not, whether it reads or writes.
jq -r '.ops[] | select(.who == "operator") | .name' "$TMP/ops" >"$TMP/operators"
mark
while read -r op; do
	gate call "$SOCKET" "$op" </dev/null >/dev/null
done <"$TMP/operators"
new >"$TMP/barred"
barred() { grep "	rule auth.not-permitted	" "$TMP/barred" | grep -q "	op $1	"; }
while read -r op; do
	check "$op by the gate: request.refused" barred "$op"
done <"$TMP/operators"
jq -r '.ops[] | select(.who == "gate") | .name' "$TMP/ops" >"$TMP/gates"
mark
while read -r op; do
	cu_call "$op" </dev/null >/dev/null
done <"$TMP/gates"
new >"$TMP/barred"
while read -r op; do
	check "$op by an operator: request.refused" barred "$op"
done <"$TMP/gates"

# ---- every operation done ----
mark
reads system.ping
reads system.ops
reads system.doctor
does system.clock-accept
does site.add '{"id":"north","name":"North","level":1}'
does site.add '{"id":"east","name":"East","level":2}'
reads site.list
add() { # ID SITE
	does device.add "{\"id\":\"$1\",\"manufacturer\":\"Acme\",\"model\":\"M1\",\"serial\":\"SN-$1\",\"site\":\"$2\"}"
}
add cam-1 north
does device.import '{"csv":"manufacturer,model,serial,site\nAcme,M1,SN-csv,north\n"}'
reads device.list
reads device.show '{"id":"cam-1"}'
does device.document "{\"device\":\"cam-1\",\"kind\":\"letter\",\"number\":\"12\",\"date\":\"2026-01-31\",\"issuer\":\"Customs\",\"sha256\":\"$(printf '%064d' 7)\"}"
does device.labels '{"ids":["cam-1"]}'
does enroll.secret '{"device":"cam-1"}'
# shellcheck disable=SC2034 # enroll uses it
SECRET=$(answer .secret)
reads enroll.list
mark
check "est.enroll: a camera enrolls" enroll cam-1 "$TMP/cam-1"
recorded est.enroll
mark
renew_csr "$TMP/r1" "$TMP/cam-1"
check "est.reenroll: and renews" accepts simplereenroll "$TMP/r1" \
    --cert "$TMP/cam-1.pem" --key "$TMP/cam-1.key"
recorded est.reenroll
reads est.cacerts '{"label":""}'
reads est.csrattrs '{"label":""}'
does est.refused '{"op":"simpleenroll","http":400,"code":"est.test","detail":"x"}'
# A wrong secret, and more of them than there may be: refused, failed, locked.
add cam-2 north
does enroll.secret '{"device":"cam-2"}'
S2=$(answer .secret)
csr "$TMP/cam-2"
mark
for _ in 1 2 3 4 5; do
	est_post simpleenroll "$TMP/cam-2" -u "cam-2:${S2:0:10}AAAA-AAAA-AAAA-AAAA-AAAA" >/dev/null
done
check "est.enroll refused: enroll.refused, secret.failed, secret.locked" \
    has_all enroll.refused secret.failed secret.locked
mark
renew_csr "$TMP/r2" "$TMP/cam-1"
est_post simplereenroll "$TMP/r2" >/dev/null
check "est.reenroll refused: reenroll.refused" has_all reenroll.refused
# Waiting for a person.
for n in 3 4; do
	add cam-$n east
	does enroll.secret "{\"device\":\"cam-$n\"}"
	csr "$TMP/cam-$n"
	mark
	est_post simpleenroll "$TMP/cam-$n" -u "cam-$n:$(answer .secret)" >/dev/null
	check "est.enroll that waits: enroll.pending" has_all enroll.pending
	call enroll.list
	WAITS=$(answer ".items[] | select(.device == \"cam-$n\") | .id")
	if [ $n = 3 ]; then
		does enroll.approve "{\"id\":$WAITS}"
	else
		does enroll.deny "{\"id\":$WAITS,\"reason\":\"not ours\"}"
	fi
done
reads ca.list
does ca.add '{"name":"other"}'
does ca.rollover '{"name":"other"}'
call ca.list
SKI=$(answer '[.items[] | select(.name == "ec")][0].ski')
reads ca.certificate "{\"ski\":\"$SKI\"}"
reads cert.list
SERIAL=$(openssl x509 -in "$TMP/cam-1.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
p7_cert "$TMP/r1"
SERIAL_2=$(openssl x509 -in "$TMP/r1.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
reads cert.get "{\"serial\":\"$SERIAL\"}"
reads cert.show "{\"serial\":\"$SERIAL\"}"
# A site agent at work on a camera: this test is the agent.
does agent.add '{"id":"agent-1","site":"north"}'
csr "$TMP/agent" && accepts ra/simpleenroll "$TMP/agent" -u "agent-1:$(answer .secret)"
reads agent.list
does device.reach '{"id":"cam-1","host":"cam-1.example"}'
does job.create '{"kind":"enroll","device":"cam-1"}'
does job.cancel "{\"job\":$(answer '.jobs[0]'),\"reason\":\"not now\"}"
does job.create '{"kind":"enroll","device":"cam-1"}'
JOB=$(answer '.jobs[0]')
reads job.list
reads job.show "{\"job\":$JOB}"
agent() { # BODY: arguments as the gate makes them
	jq -nc --arg der "$(openssl x509 -in "$TMP/agent.pem" -outform DER | base64 -w0)" \
	    --arg body "$1" '{chain: [$der], body: $body, remote: "127.0.0.1"}'
}
does agent.lease "$(agent '{"version":"1","free":1,"drivers":["onvif"]}')"
does agent.secret "$(agent "{\"job\":$JOB,\"user\":\"camca-svc\",\"role\":\"service\",\"level\":\"Administrator\"}")"
does agent.report "$(agent "{\"job\":$JOB,\"step\":\"key\",\"outcome\":\"failed\",\"code\":\"camera.full\",\"end\":\"failed\"}")"
does job.retry "{\"job\":$JOB}"
does agent.revoke '{"id":"agent-1","reason":"stolen"}'
does secret.import '{"csv":"device,username,password\ncam-1,root,Pw-1\n"}'
reads secret.list
does secret.rotate '{"device":"cam-1","reason":"x"}'
does secret.reveal '{"device":"cam-1","account":"root","reason":"x"}'
does cert.hold "{\"serial\":\"$SERIAL_2\",\"text\":\"lost\"}"
does cert.release "{\"serial\":\"$SERIAL_2\",\"text\":\"found\"}"
does cert.revoke "{\"serial\":\"$SERIAL\",\"reason\":\"keyCompromise\",\"text\":\"stolen\"}"
plan() { does revoke.plan "{\"action\":\"$1\",\"reason\":\"x\",\"device\":[\"cam-1\"]}"; BATCH=$(answer .batch.id); }
plan watch
reads revoke.show "{\"batch\":$BATCH}"
reads revoke.list
does revoke.apply "{\"batch\":$BATCH}"
plan hold
does revoke.cancel "{\"batch\":$BATCH}"
# A second person agrees: another operator than the one who planned it.
plan hold
mark
RAN[revoke.approve]=1
setpriv --reuid camca --regid camca --init-groups "$TMP/intruder" call "$SOCKET" \
    revoke.approve "{\"batch\":$BATCH}" >"$TMP/answer"
recorded revoke.approve
does device.move '{"id":"cam-4","state":"retired","reason":"scrapped"}'
maker_init Acme && maker_crl Acme
jq -n --rawfile r "$TMP/Acme/root.pem" '{name: "Acme", roots: $r}' >"$TMP/args"
does vendor.add "$(cat "$TMP/args")"
jq -n --rawfile r "$TMP/Acme/crls.pem" '{name: "Acme", crls: $r}' >"$TMP/args"
does vendor.crl "$(cat "$TMP/args")"
does vendor.set '{"name":"Acme","enabled":false}'
reads vendor.list
reads policy.check
echo '# another text' >>"$STATE/policies/levels/level-2.yaml"
does policy.reload
reads policy.list
reads event.list
reads crl.get "{\"ski\":\"$SKI\"}"
reads crl.list
openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/gate.key" 2>/dev/null
openssl req -new -key "$TMP/gate.key" -subj "/CN=localhost" -outform DER -out "$TMP/gate.der"
does gate.certify "{\"csr\":\"$(base64 -w0 "$TMP/gate.der")\"}"
openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/ocsp.key" 2>/dev/null
openssl req -new -key "$TMP/ocsp.key" -subj "/CN=ocsp" -outform DER -out "$TMP/ocsp.der"
mark
call ocsp.certify "{\"issuer\":\"$SKI\",\"csr\":\"$(base64 -w0 "$TMP/ocsp.der")\"}" || MARK=0
recorded ocsp.certify
# It signs nothing that is not an answer: the refusal is on record.
mark
RAN[ocsp.sign]=1
call ocsp.sign "{\"issuer\":\"$SKI\",\"tbs\":\"MAA=\"}"
check "ocsp.sign of what is no answer: request.refused" has_all request.refused
reads status.feed '{"gate":"0123456789abcdef0123456789abcdef","store":"","after_cert":0,"wait_ms":0}'
# The log itself.
reads custody.status
reads custody.sign
reads custody.checkpoint
reads custody.tile '{"level":0,"n":0,"width":1}'
reads custody.entries '{"n":0,"width":1}'
reads custody.key
reads custody.fsck
reads custody.show '{"device":"cam-1"}'
does custody.bundle '{"device":"cam-1"}'
# Anchors: this test is the courier.
mark
RAN[custody.timestamp]=1
(call custody.timestamp) &
PIDS+=("$!")
work() { call custody.anchor '{"wait_ms":500}' && [ "$(answer '.id // empty')" != "" ]; }
check "custody.anchor: there is work" eventually work
RAN[custody.anchor]=1
answer .body | base64 -d >"$TMP/query"
curl -s -o "$TMP/stamp" -H 'Content-Type: application/timestamp-query' \
    --data-binary "@$TMP/query" "$(answer .url)"
mark
RAN[custody.anchored]=1
call custody.anchored "{\"id\":\"$(answer .id)\",\"status\":200,\"type\":\"application/timestamp-reply\",\"body\":\"$(base64 -w0 "$TMP/stamp")\"}"
check "custody.anchored, a stamp: custody.timestamp" has_all custody.timestamp

# ---- a witness that does not answer, and a fork: both need a start ----
stop "$GATE_PID"
openssl genpkey -algorithm ed25519 -out "$TMP/w.key" 2>/dev/null
python3 - "$TMP/w.key" "$(cu_call custody.key | jq -r '.keys[0]')" >"$STATE/policies/custody/policy.tlog" <<'P'
import base64, hashlib, sys
from cryptography.hazmat.primitives import serialization as s
key = s.load_pem_private_key(open(sys.argv[1], "rb").read(), None)
raw = key.public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)
kid = hashlib.sha256(b"w.example\n\x04" + raw).digest()[:4].hex()
print("log " + sys.argv[2])
print("witness w w.example+%s+%s http://127.0.0.1:1/" % (kid, base64.b64encode(b"\x04" + raw).decode()))
print("quorum none")
P
stop "$AUTHORITY_PID"
sed -i 's|^  tsa: .*|  tsa: []|' "$STATE/camca.yaml"
start_authority
check "custody.anchor: a witness is to be asked" eventually work
# Three times, before it is more than a hiccup.
fails() {
	! work || call custody.anchored "{\"id\":\"$(answer .id)\",\"error\":\"refused\"}"
	has_all custody.witness
}
mark
check "custody.anchored, no answer: custody.witness" eventually fails
stop "$AUTHORITY_PID"
rm "$STATE/custody/checkpoint"
mark
start_authority
halted() { has_all custody.halted; }
check "a checkpoint that is gone: custody.halted" eventually halted
does custody.fork '{"reason":"the disk was lost","number":2}'

# ---- and nothing was left out ----
check "each operation of the table was done" equal \
    "$(jq -r '.ops[].name' "$TMP/ops" | sort)" \
    "$(printf '%s\n' "${!RAN[@]}" | sort)"
check "and each that writes is in tests/op_events" equal "$(sort <<<"$WRITING")" \
    "$(sed -nE '/^#/!s/^([a-z.-]+)[ 	].*/\1/p' "$TOP/tests/op_events" | sort)"
check "each that writes was refused" equal "$(sort <<<"$WRITING")" \
    "$(printf '%s\n' "${!REFUSED[@]}" | sort)"
check "and the log of it all is whole" cu_fsck
finish
