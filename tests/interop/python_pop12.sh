#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proof of possession on TLS 1.2 with Python's ssl module: tls-unique (RFC 5929)
# of the session goes into the request, the request through the session.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need python3 openssl curl
policies
profile pop camera-ec 's/^  pop: .*/  pop: require/'
est_init --policies "$POLICIES"
camca_start

cat >"$TMP/pop12.py" <<'EOT'
"""pop12.py PORT ROOT OP FILE KIND

KIND says what goes into challengePassword: unique, wrong or none. Makes a key,
FILE.key, prints status and Connection field, writes the body to FILE.out. The
client certificate is FILE.old with FILE.oldkey, if there; the environment
variable LOGIN holds a Basic login."""
import base64
import http.client
import os
import ssl
import subprocess
import sys

port, root, op, name, kind = sys.argv[1:6]
context = ssl.create_default_context(cafile=root)
context.maximum_version = ssl.TLSVersion.TLSv1_2
if os.path.exists(name + ".old"):
    context.load_cert_chain(name + ".old", name + ".oldkey")
connection = http.client.HTTPSConnection(
    "localhost", int(port), context=context, timeout=30)
connection.connect()
unique = connection.sock.get_channel_binding("tls-unique")
assert connection.sock.version() == "TLSv1.2" and len(unique) == 12
if kind == "wrong":
    unique = bytes([unique[0] ^ 1]) + unique[1:]


def openssl(*args):
    return subprocess.run(
        ("openssl",) + args, check=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout


def part(text, kind):
    for line in text.splitlines():
        left, _, right = line.partition("=")
        if left.strip() == kind:
            return right.strip()


conf = ["[req]", "prompt = no", "distinguished_name = dn",
        "attributes = attributes", "[dn]"]
san = []
if os.path.exists(name + ".old"):
    subject = openssl("x509", "-in", name + ".old", "-noout", "-subject",
                      "-nameopt", "multiline").decode()
    names = openssl("x509", "-in", name + ".old", "-noout", "-ext",
                    "subjectAltName").decode().splitlines()[1]
    conf += [f"{k} = {part(subject, k)}"
             for k in ("commonName", "serialNumber")]
    san = ["-addext", "subjectAltName=" + names.replace(" ", "")]
else:
    conf += ["CN = ignored"]
conf += ["[attributes]"]
if kind != "none":
    conf += ["challengePassword = " + base64.b64encode(unique).decode()]
with open(name + ".conf", "w") as f:
    f.write("\n".join(conf) + "\n")
csr = openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
              "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
              "-config", name + ".conf", "-outform", "DER", *san)

headers = {"Content-Type": "application/pkcs10"}
if os.environ.get("LOGIN"):
    headers["Authorization"] = "Basic " + base64.b64encode(
        os.environ["LOGIN"].encode()).decode()
connection.request("POST", "/.well-known/est/" + op, base64.encodebytes(csr),
                   headers)
answer = connection.getresponse()
print(answer.status, answer.getheader("Connection"))
with open(name + ".out", "wb") as f:
    f.write(answer.read())
EOT

# pop STATUS FILE OP KIND
pop() {
	python3 "$TMP/pop12.py" "$EST_PORT" "$TMP/root.pem" "$3" "$2" "$4" \
	    >"$2.status" 2>"$2.log" || { cat "$2.log"; return 1; }
	equal "$(cut -d' ' -f1 "$2.status")" "$1" || { cat "$2.out"; return 1; }
}
ours() { # FILE
	p7_cert "$1" && openssl verify -x509_strict -CAfile "$TMP/root.pem" \
	    -untrusted "$TMP/cacerts.pem" "$1.pem" &&
	    equal "$(openssl x509 -in "$1.pem" -noout -pubkey)" \
	        "$(openssl pkey -in "$1.key" -pubout)"
}
device cam-1
export LOGIN=cam-1:$SECRET
check "another connection's tls-unique is refused" \
    pop 403 "$TMP/one" pop/simpleenroll wrong
check "and the answer says why" grep -q 'tls-unique of this TLS connection' \
    "$TMP/one.out"
check "no proof is refused" pop 403 "$TMP/one" pop/simpleenroll none
check "a wrong one, too, where none is asked" \
    pop 403 "$TMP/one" simpleenroll wrong
check "enroll with tls-unique" pop 200 "$TMP/one" pop/simpleenroll unique
check "the certificate is ours" ours "$TMP/one"
check "the connection ends: its binding is spent" \
    equal "$(cut -d' ' -f2 "$TMP/one.status")" close
device cam-2
LOGIN=cam-2:$SECRET
check "enroll with it where none is asked" \
    pop 200 "$TMP/two" simpleenroll unique
check "that certificate is ours" ours "$TMP/two"
LOGIN=
cp "$TMP/one.pem" "$TMP/three.old"
cp "$TMP/one.key" "$TMP/three.oldkey"
check "renewing: a wrong one is refused" \
    pop 403 "$TMP/three" pop/simplereenroll wrong
check "renewing: none is refused" \
    pop 403 "$TMP/three" pop/simplereenroll none
check "renew with tls-unique" pop 200 "$TMP/three" pop/simplereenroll unique
check "the new certificate is ours" ours "$TMP/three"
finish
