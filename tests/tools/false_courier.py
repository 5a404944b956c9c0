#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A courier of the anchors that lies, over the authority's socket,
as the gate's user.

  false_courier.py SOCKET unknown N    answers to questions that nobody asked
  false_courier.py SOCKET false        to each real question another false answer
  false_courier.py SOCKET malformed N  arguments that are none
  false_courier.py SOCKET frames N     the largest frames there are

Prints what it counted as JSON."""
import base64
import hashlib
import json
import os
import pwd
import socket
import struct
import sys
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519


class Authority:
    def __init__(self, path):
        self.path, self.n = path, 0
        self.connect()

    def connect(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(60)
        self.s.connect(self.path)

    def read(self, n):
        out = b""
        while len(out) < n:
            part = self.s.recv(n - len(out))
            if not part:
                raise ConnectionError
            out += part
        return out

    def frame(self, payload):
        self.s.sendall(struct.pack(">I", len(payload)) + payload)
        return json.loads(self.read(struct.unpack(">I", self.read(4))[0]))

    def call(self, op, **args):
        self.n += 1
        return self.frame(json.dumps(
            {"id": self.n, "op": op, "args": args}).encode())

    def anchored(self, **args):
        return self.call("custody.anchored", **args).get("result", {})


def b64(data):
    return base64.b64encode(data).decode()


def cosignature(name, text, kid=None, key=None):
    """A line as tlog-cosignature has it, by a key of our own."""
    key = key or ed25519.Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw,
                                        serialization.PublicFormat.Raw)
    kid = kid or hashlib.sha256(name + b"\n\x04" + raw).digest()[:4]
    now = int(time.time())
    sig = key.sign(b"cosignature/v1\ntime %d\n" % now + text)
    return "\u2014 ".encode() + name + b" " + base64.b64encode(
        kid + struct.pack(">Q", now) + sig) + b"\n"


def answers(note):
    """Each kind of false answer to the question about a note."""
    text = note[:note.index(b"\n\n") + 1]
    name = b"witness.test/w1"
    other = text.replace(b"localhost", b"elsewhere", 1)
    size = text.split(b"\n")[1]
    old = text.replace(b"\n" + size + b"\n", b"\n1\n", 1)
    plain = {"status": 200, "type": "text/plain"}
    yield dict(plain, body=b64(cosignature(name, text)))
    yield dict(plain, body=b64(cosignature(name, other)))
    yield dict(plain, body=b64(cosignature(name, old)))
    yield dict(plain, body=b64(cosignature(b"another", text)))
    for line in note[note.index(b"\n\n") + 2:].splitlines(True):
        yield dict(plain, body=b64(line))      # the log's own, as a witness's
    yield dict(plain, body=b64(note))
    yield dict(plain, body=b64(b""))
    yield dict(plain, body=b64(os.urandom(16000)))
    yield dict(plain, body=b64(b"x" * 67000))
    yield dict(plain, body=b64(("\u2014 witness.test/w1 AAAA\n" * 900).encode()))
    yield {"status": 200, "type": "application/timestamp-reply",
           "body": b64(b"\x30\x03\x02\x01\x00")}
    yield {"status": 409, "type": "text/x.tlog.size", "body": b64(b"999999\n")}
    yield {"status": 409, "type": "text/x.tlog.size", "body": b64(b"-1\n")}
    yield {"status": 409, "type": "text/plain", "body": b64(b"7\n")}
    yield {"status": 422, "type": "text/plain", "body": b64(b"no\n")}
    yield {"status": 599}
    yield {"error": "no \n\x1b[31m \u202e answer"}


def lie(a):
    """Each false answer to a question of its own. The test has the policy read
    anew all the while, so that the witness is asked again at once; a question
    that was under way then is nobody's any more."""
    done, again, kinds, false = 0, 0, None, None
    end = time.time() + 60
    while time.time() < end:
        work = a.call("custody.anchor", wait_ms=1000).get("result", {})
        if "id" not in work:
            continue
        if work["method"] == "GET":
            # What it has: a checkpoint that no log has signed.
            a.anchored(id=work["id"], status=200, type="text/plain", body=b64(
                b"localhost/custody\n999999\n" + base64.b64encode(bytes(32))
                + b"\n\n" + cosignature(b"localhost/custody", b"x")))
            continue
        if kinds is None:
            body = base64.b64decode(work["body"])
            kinds = answers(body[body.index(b"\n\n") + 2:])
        false = false or next(kinds, None)
        if false is None:
            break
        if a.anchored(id=work["id"], **false).get("taken"):
            done, false = done + 1, None
            again += a.anchored(id=work["id"], status=422).get("taken", False)
    return {"kinds": done, "again": again}


def main():
    # Only now: the interpreter's own files may be closed to that user.
    user = pwd.getpwnam("camca-gate")
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    a = Authority(sys.argv[1])
    what = sys.argv[2]
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if what == "unknown":
        taken = sum(a.anchored(id=os.urandom(16).hex(), status=200,
                               type="text/plain", body="QUJD")["taken"]
                    for _ in range(n))
        out = {"taken": taken}
    elif what == "false":
        out = lie(a)
    elif what == "malformed":
        bad = [{}, {"id": 7}, {"id": "x" * 33}, {"id": "a", "status": 600},
               {"id": "a", "status": "200"}, {"id": "a", "body": "?"},
               {"id": "a", "body": b64(bytes(90001))},
               {"id": "a", "type": "t" * 129}, {"id": "a", "error": "e" * 257},
               {"id": "a", "no": 1}]
        out = {"through": sum(
            "error" not in a.call("custody.anchored", **bad[i % len(bad)])
            for i in range(n))}
    else:
        ended = 0
        for _ in range(n):
            try:
                a.frame(json.dumps({"id": 1, "op": "custody.anchored", "args": {
                    "id": "a", "body": "A" * ((1 << 20) - 90)}}).encode())
            except (ConnectionError, OSError):
                ended += 1
                a.connect()
        out = {"ended": ended}
    print(json.dumps(out))


main()
