#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whoever may reach the gate means harm: odd bodies, other people's jobs, an
# agent that fills what it can, a stolen one that leaves something behind for
# the day after it is revoked, a camera that is given up while its job runs.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq python3 sqlite3

OK="done"              # the word of the shell confuses its checkers
policies
sed -i -e 's/^pause: 10m/pause: 0s/' -e 's/^login_window: .*/login_window: 0s/' \
    -e 's/observe_every: .*/observe_every: 0s/' \
    -e 's/crl_every: .*/crl_every: 0s/' "$POLICIES/rules/jobs.yaml"
est_init --policies "$POLICIES"
camca_start

# ---- help ----
sql() { sqlite3 -cmd ".timeout 10000" "$STATE/db/camca.sqlite" "$1"; }
# agent ID SITE: registered, enrolled; key and certificate in $TMP/ID
agent() {
	local s
	s=$(camca --json agent add "$1" --site "$2" | jq -r .secret)
	csr "$TMP/$1" && equal "$(est_post ra/simpleenroll "$TMP/$1" \
	    -u "$1:$s")" 200 && p7_cert "$TMP/$1"
}
# ask AGENT WHAT BODY [options]: the HTTP status; the answer in $TMP/answer
ask() {
	curl -s -m 20 -o "$TMP/answer" -w '%{http_code}' --cacert "$TMP/root.pem" \
	    --cert "$TMP/$1.pem" --key "$TMP/$1.key" \
	    -H 'Content-Type: application/json' --data-binary "$3" "${@:4}" \
	    "https://localhost:$EST_PORT/agent/v1/$2"
}
lease() { # AGENT [FREE]
	ask "$1" lease "{\"version\":\"0.1.0\",\"free\":${2:-8},\"drivers\":[\"onvif\"]}"
}
job() { jq -r ".jobs[0]$1" "$TMP/answer"; }
report() { # AGENT JOB STEP OUTCOME [MORE]
	ask "$1" report "{\"job\":$2,\"step\":\"$3\",\"outcome\":\"$4\"${5:+,$5}}"
}
code() { jq -r .code "$TMP/answer"; }
go() { jq -r .go "$TMP/answer"; }
state() { camca --json job show "$1" | jq -r .job.state; }
create() { camca --json job create "$2" --device "$1" "${@:3}" | jq -r '.jobs[0]'; }
is() { # STATUS CODE COMMAND...: it is refused so
	equal "$("${@:3}")" "$1" && { [ -z "$2" ] || equal "$(code)" "$2"; } ||
	    { cat "$TMP/answer"; return 1; }
}
account() { sql "SELECT a.id FROM vault_account a JOIN device d ON d.pk = a.device
    WHERE d.id = '$1' AND a.username = '$2'"; }

camca site add s1 --name One --level 1 >/dev/null
camca site add s2 --name Two --level 1 >/dev/null
for i in 1 2 3 4 5; do
	camca device add --id "cam-$i" --manufacturer Acme --model M1 \
	    --serial "SN$i" --site s1 >/dev/null
	camca device reach "cam-$i" --host "192.0.2.$i" >/dev/null
done
cat >"$TMP/secrets.csv" <<CSV
device,username,password,role,level
cam-1,admin,Mk7-admin-one,administrator,Administrator
cam-2,admin,Mk7-admin-two,administrator,Administrator
cam-3,admin,Mk7-admin-three,administrator,Administrator
cam-4,admin,Mk7-admin-four,administrator,Administrator
CSV
camca secret import "$TMP/secrets.csv" >/dev/null
agent ag-1 s1 && agent ag-2 s1 || exit 1

# ---- who is no agent ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 \
    -subj /CN=ag-1 -addext extendedKeyUsage=1.3.6.1.5.5.7.3.28 \
    -keyout "$TMP/own.key" -out "$TMP/own.pem" 2>/dev/null
check_not "a certificate of its own making" is 200 '' lease own
cp "$TMP/ag-1.key" "$TMP/stranger.key"
openssl req -x509 -key "$TMP/ag-1.key" -days 3 -subj /CN=ag-1 \
    -addext extendedKeyUsage=1.3.6.1.5.5.7.3.28 -out "$TMP/stranger.pem" 2>/dev/null
check_not "with an agent's very key" is 200 '' lease stranger
agent ag-3 s1
check "an agent" equal "$(lease ag-3)" 200
camca device hold ag-3 --reason "Where is it?" >/dev/null
check "on hold gets nothing" is 403 client.revoked lease ag-3
camca device release ag-3 --reason "Here" >/dev/null
check "released it works on" equal "$(lease ag-3)" 200
agent ag-4 s2
openssl x509 -req -in <(openssl req -new -key "$TMP/ag-4.key" -subj /CN=cam-1) \
    -CA "$TMP/ag-4.pem" -CAkey "$TMP/ag-4.key" -days 1 -out "$TMP/child.pem" \
    -extfile <(echo extendedKeyUsage=1.3.6.1.5.5.7.3.28) 2>/dev/null
cat "$TMP/ag-4.pem" >>"$TMP/child.pem"
cp "$TMP/ag-4.key" "$TMP/child.key"
check_not "nor one that an agent has issued" is 200 '' lease child

# ---- certificates without a job ----
ra() { # how simpleenroll for this device ends, asked by ag-3
	csr "$TMP/$1" -subj "/CN=$1" && est_post simpleenroll "$TMP/$1" --cert "$TMP/ag-3.pem" \
	    --key "$TMP/ag-3.key"
}
camca device add --id cam-9 --manufacturer Acme --model M1 --serial SN9 --site s1 >/dev/null
check "for a camera that nobody visits an RA speaks" equal "$(ra cam-9)" 200
check "for one that has an address only by a job" equal "$(ra cam-5)" 403
J=$(create cam-5 observe)
lease ag-3 >/dev/null
check "and not by any" equal "$(job .kind) $(ra cam-5)" "observe 403"
report ag-3 "$J" end "$OK" '"end":"success"' >/dev/null
J=$(create cam-5 enroll)
lease ag-1 >/dev/null
check "nor by another agent's" equal "$(job .id) $(ra cam-5)" "$J 403"
report ag-1 "$J" end failed '"code":"agent.stopped","end":"failed"' >/dev/null
lease ag-3 >/dev/null
check "with its own it does" equal "$(job .id) $(ra cam-5)" "$J 200"
report ag-3 "$J" end "$OK" '"end":"success"' >/dev/null
check "as long as it has it" equal "$(ra cam-5)" 403

# ---- odd bodies: each has an answer, and nobody else waits for it ----
python3 - "$TMP" <<'PY'
import sys, os
d = sys.argv[1] + "/odd."
base = b'{"version":"0.1.0","free":1,"drivers":["onvif"]%s}'
odd = {
    "nul": b'{"version":"0.1\x00.0","free":1,"drivers":["onvif"]}',
    "nul-end": base % b'' + b'\x00',
    "nul-text": b'{"version":"0\\u0000","free":1,"drivers":["onvif"]}',
    "no-utf8": b'{"version":"\xff\xfe","free":1,"drivers":["onvif"]}',
    "surrogate": b'{"version":"\\ud800","free":1,"drivers":["onvif"]}',
    "nan": b'{"version":"0","free":NaN,"drivers":["onvif"]}',
    "infinite": b'{"version":"0","free":1e999,"drivers":["onvif"]}',
    "huge-number": b'{"version":"0","free":' + b'9' * 400 + b',"drivers":[]}',
    "negative": b'{"version":"0","free":-1,"drivers":[]}',
    "real": b'{"version":"0","free":1.0,"drivers":[]}',
    "deep": b'[' * 200000,
    "deep-closed": b'{"version":"0","free":1,"x":' + b'[' * 2000 +
        b']' * 2000 + b'}',
    "deeper": b'{"version":"0","free":1,"drivers":' + b'[' * 100000 +
        b']' * 100000 + b'}',
    "keys": b'{"version":"0","free":1,"drivers":[]' + b''.join(
        b',"k%d":1' % i for i in range(20000)) + b'}',
    "twice": b'{"version":"0","version":"1","free":1,"drivers":[]}',
    "two": (base % b'') * 2,
    "empty": b'',
    "blank": b' ' * 262144,
    "text": b'"' + b'a' * 262142 + b'"',
    "escape": b'{"version":"\x1b[2J","free":1,"drivers":[]}',
}
for k, v in odd.items():
    open(d + k, "wb").write(v)
PY
for f in "$TMP"/odd.*; do
	S=$(date +%s)
	C=$(ask ag-1 lease "@$f")
	check "odd body ${f##*.} is refused at once" test "$C" = 400 -a \
	    $(($(date +%s) - S)) -lt 6
done
check "the gate and camcad live" equal "$(lease ag-1)" 200
python3 - "$EST_PORT" "$TMP" <<'PY' >"$TMP/slow" 2>&1
# A body that comes a byte at a time, and heads that promise more than comes.
import socket, ssl, sys, time
port, d = int(sys.argv[1]), sys.argv[2]
def conn():
    c = ssl.create_default_context(cafile=d + "/root.pem")
    c.load_cert_chain(d + "/ag-1.pem", d + "/ag-1.key")
    return c.wrap_socket(socket.create_connection(("localhost", port)),
        server_hostname="localhost")
head = ("POST /agent/v1/lease HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: application/json\r\n")
def ask(fields, body):
    s = conn()
    s.settimeout(5)
    s.sendall((head + fields + "\r\n").encode() + body)
    try:
        return s.recv(4096).split(b"\r\n")[0].decode()
    except Exception as e:
        return type(e).__name__
slow = [conn() for _ in range(20)]
for s in slow:
    s.sendall((head + "Content-Length: 200000\r\n\r\n{").encode())
print("two-lengths", ask("Content-Length: 2\r\nContent-Length: 9\r\n", b"{}"))
print("both", ask("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    b"2\r\n{}\r\n0\r\n\r\n"))
print("negative", ask("Content-Length: -1\r\n", b"{}"))
print("chunk", ask("Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n{}"))
t = time.time()
print("other", ask("Content-Length: 2\r\n", b"{}"))
print("fast" if time.time() - t < 3 else "slow")
PY
check "slow and crooked requests hold up nobody" sh -c "grep -q '^fast' '$TMP/slow' &&
    grep -q '^other HTTP/1.1 400' '$TMP/slow' || { cat '$TMP/slow'; false; }"
check "no crooked length is taken" equal "$(grep -cE \
    '^(two-lengths|both|negative|chunk) HTTP/1.1 200' "$TMP/slow")" 0

# ---- an agent that asks without end keeps nobody from the work ----
J=$(create cam-1 rotate-password --account admin)
lease ag-1 >/dev/null
A=$(account cam-1 admin)
python3 - "$EST_PORT" "$TMP" "$J" "$A" <<'PY' >"$TMP/many"
import http.client, json, ssl, sys
port, d, job, account = sys.argv[1:]
c = ssl.create_default_context(cafile=d + "/root.pem")
c.load_cert_chain(d + "/ag-1.pem", d + "/ag-1.key")
h = http.client.HTTPSConnection("localhost", int(port), context=c)
said = []
for i in range(200):
    rule = {"min": 20} if i % 2 else {"max": 12}
    h.request("POST", "/agent/v1/secret", json.dumps({"job": int(job),
        "account": int(account), "rule": rule}),
        {"Content-Type": "application/json"})
    r = h.getresponse()
    r.read()
    said.append(r.status)
print(len(said), *sorted(set(said)))
PY
check "two hundred new passwords in one job" equal "$(cat "$TMP/many")" '200 200'
check "of which those that went leave no trace" test "$(sql "SELECT COUNT(*) FROM
    agent_sealed WHERE account = $A")" -le 12
check "its report is heard" equal "$(report ag-1 "$J" reach "$OK") $(go)" '200 true'
camca job cancel "$J" --reason x >/dev/null
J=$(create cam-1 rotate-password --account admin)
check "and the next agent is served" equal "$(lease ag-2) $(job .id)" "200 $J"

# ---- nor does it fill the store ----
check "a sign of life says nothing else" is 400 request.argument report ag-2 "$J" \
    reach skipped '"code":"agent.waiting","observation":{"served":null}'
# keys SERVED: an observation with 200 keys of which none was ever certified
keys() {
	python3 - "$1" <<-'PY'
	import json, os, sys
	certs = [{"alias": "camca:cam-1:%d" % i, "sha256": os.urandom(32).hex(),
	    "spki": os.urandom(32).hex()} for i in range(100)]
	certs += [{"alias": "", "sha256": sys.argv[1],
	    "spki": os.urandom(32).hex()} for i in range(100)]
	print(json.dumps({"manufacturer": "Acme", "served":
	    {"sha256": sys.argv[1]}, "certificates": certs}))
	PY
}
B=$(sql "SELECT COUNT(*) FROM camera_key")
for i in 1 2 3; do
	check "keys of nobody are heard" equal "$(report ag-2 "$J" observe "$OK" \
	    "\"before\":\"keys $i\",\"observation\":$(keys "$(printf 'ab%.0s' $(seq 32))")")" 200
done
check "and leave a row for the leaf that is served" equal \
    "$(sql "SELECT COUNT(*) FROM camera_key")" $((B + 3))
sql "INSERT INTO job_step (job, n, attempt, step, outcome, code, before_text,
    after_text, detail, time_ms) VALUES ($J, 2000, 1, 0, 0, '', 'x', '', '', 0)"
check "a job has only so many steps" is 409 job.too-many-steps report ag-2 "$J" \
    reach "$OK" '"before":"one more"'
camca job cancel "$J" --reason x >/dev/null

# ---- a leaf of its own for the day after ----
leaf_of() { sql "SELECT lower(hex(tls_sha256)) FROM device_reach r JOIN device d
    ON d.pk = r.device WHERE d.id = '$1'"; }
served() { # JOB STEP HEX
	report ag-1 "$1" "$2" "$OK" "\"served\":{\"sha256\":\"$3\"}"
}
ONE=$(printf 'a1%.0s' $(seq 32)) TWO=$(printf 'b2%.0s' $(seq 32))
J=$(create cam-2 enroll)
lease ag-1 >/dev/null
check "whatever a camera serves that nobody has met" equal "$(served "$J" reach "$ONE")" 200
check "is expected there" equal "$(leaf_of cam-2)" "$ONE"
check "another one in its place is not" is 403 job.served served "$J" tls "$TWO"
check "which stays so" equal "$(leaf_of cam-2)" "$ONE"
csr "$TMP/cam-2" && accepts simpleenroll "$TMP/cam-2" \
    -u "cam-2:$(camca --json enroll secret cam-2 | jq -r .secret)"
OURS=$(openssl x509 -in "$TMP/cam-2.pem" -outform DER | sha256sum | cut -d' ' -f1)
check "but one that the inventory has" equal "$(served "$J" tls "$OURS")" 200
report ag-1 "$J" end "$OK" '"end":"success"' >/dev/null
J=$(create cam-2 rotate-password)
lease ag-1 >/dev/null
check "a rotation brings no new one" is 403 job.served served "$J" reach "$ONE"
report ag-1 "$J" end failed '"code":"agent.stopped","end":"failed"' >/dev/null
lease ag-1 >/dev/null
check "the lease names the good ones" equal "$(jq -c '.jobs[0].issued' \
    "$TMP/answer")" "[\"$OURS\"]"
report ag-1 "$J" end failed '"code":"agent.stopped","end":"failed"' >/dev/null
camca job cancel "$J" --reason x >/dev/null

# ---- a camera that is given up while its job runs ----
J=$(create cam-4 rotate-password)
lease ag-1 >/dev/null
check "leased" equal "$(job .id)" "$J"
camca device lost cam-4 --reason "Stolen from its pole" >/dev/null
check "no new password for a camera that is stolen" is 409 job.state ask ag-1 \
    secret "{\"job\":$J,\"account\":$(account cam-4 admin)}"
check "nor is it leased anew" equal "$(camca job cancel "$J" --reason x >/dev/null
    lease ag-1) $(jq '.jobs | length' "$TMP/answer")" '200 0'

# ---- cancelled while secrets are asked for: never a password after the "no" ----
J=$(create cam-3 rotate-password)
lease ag-1 >/dev/null
A=$(account cam-3 admin)
python3 - "$EST_PORT" "$TMP" "$J" "$A" <<'PY' >"$TMP/race" &
import http.client, json, ssl, sys, threading, time
port, d, job, account = sys.argv[1:]
c = ssl.create_default_context(cafile=d + "/root.pem")
c.load_cert_chain(d + "/ag-1.pem", d + "/ag-1.key")
said, lock = [], threading.Lock()
def ask():
    h = http.client.HTTPSConnection("localhost", int(port), context=c)
    end = time.time() + 30
    while time.time() < end and [s for _, s in said].count(409) < 40:
        h.request("POST", "/agent/v1/secret", json.dumps({"job": int(job),
            "account": int(account)}), {"Content-Type": "application/json"})
        r = h.getresponse()
        r.read()
        with lock:
            said.append((time.time(), r.status))
        open(d + "/asked", "w").close()
t = [threading.Thread(target=ask) for _ in range(4)]
[x.start() for x in t]
[x.join() for x in t]
said.sort()
print(*[s for _, s in said])
PY
RACE=$!
eventually test -e "$TMP/asked"
camca job cancel "$J" --reason "Now" >/dev/null
wait "$RACE"
check "some before the cancellation, none long after" python3 - "$TMP/race" <<'PY'
import sys
s = open(sys.argv[1]).read().split()
no = s.index("409")
# Four ask at once: those under way may still be answered.
sys.exit(0 if "200" in s[:no] and "200" not in s[no + 4:] else
    print(*s[:60]) or 1)
PY
check "and one pending password in the end" equal "$(sql "SELECT COUNT(*) FROM
    vault_secret WHERE account = $A AND state = 0")" 1

# ---- a password that a stolen agent had set is not the last one ----
J=$(create cam-3 rotate-password --account admin)
lease ag-1 >/dev/null
ask ag-1 secret "{\"job\":$J,\"account\":$A}" >/dev/null
camca agent revoke ag-1 --reason Stolen >/dev/null
check "what it was asked to do goes to another" equal "$(lease ag-2) $(job .id)" "200 $J"
check "which finds its password at work, and says so" equal "$(report ag-2 "$J" prove \
    "$OK" "\"confirm\":{\"account\":$A}")" 200
report ag-2 "$J" end "$OK" '"end":"success"' >/dev/null
check "that one is compromised" equal "$(sql "SELECT compromised_ms <> 0 FROM
    vault_secret WHERE account = $A AND state = 1")" 1
check "so it is changed once more" equal "$(lease ag-2) $(job .kind) $(job .account)" \
    "200 rotate-password $A"
J=$(job .id)
ask ag-2 secret "{\"job\":$J,\"account\":$A}" >/dev/null
report ag-2 "$J" prove "$OK" "\"confirm\":{\"account\":$A}" >/dev/null
report ag-2 "$J" end "$OK" '"end":"success"' >/dev/null
check "until one works that nobody else has" equal "$(sql "SELECT compromised_ms FROM
    vault_secret WHERE account = $A AND state = 1") $(lease ag-2) $(jq \
    '.jobs | length' "$TMP/answer")" '0 200 0'
check "its certificate's key opens nothing more" is 403 client.revoked ask ag-1 \
    secret "{\"job\":$J,\"account\":$A}"
finish
