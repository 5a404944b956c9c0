#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A log of its own making, to speak C2SP tlog-witness with: right requests and
wrong ones, written from the specification and not from our code.

  witness_peer.py key FILE NAME          makes an Ed25519 key; prints its vkey
  witness_peer.py body KEY SIZE [K=V]..  a request: old=N branch=B fork=N
                                         prove=N root=N (proof and root of
                                         another size) lines=N
  witness_peer.py check VKEY KEY SIZE [branch=B fork=N] <answer
                                         the cosignatures over that checkpoint
  witness_peer.py storm URL VKEY KEY ROUNDS
                                         two histories at once, many threads
"""
import base64
import hashlib
import http.client
import sys
import threading
import time
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519


def h(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class Tree:
    """Below fork the leaves of a branch are those of "a"."""

    def __init__(self, branch="a", fork=0):
        self.branch, self.fork, self.memo = branch, fork, {}

    def leaf(self, i):
        name = "a" if i < self.fork else self.branch
        return h(b"\0", f"entry {i} {name}".encode())

    def root(self, lo, hi):
        if lo == hi:
            return h()
        if (lo, hi) not in self.memo:
            if hi - lo == 1:
                value = self.leaf(lo)
            else:
                k = lo + split(hi - lo)
                value = h(b"\1", self.root(lo, k), self.root(k, hi))
            self.memo[lo, hi] = value
        return self.memo[lo, hi]

    def proof(self, m, lo, hi, whole=True):
        """RFC 6962 2.1.2, SUBPROOF(m, D[lo:hi], whole)."""
        n = hi - lo
        if m == n:
            return [] if whole else [self.root(lo, hi)]
        k = split(n)
        if m <= k:
            return self.proof(m, lo, lo + k, whole) + [self.root(lo + k, hi)]
        return self.proof(m - k, lo + k, hi, False) + [self.root(lo, lo + k)]


class Key:
    def __init__(self, path):
        with open(path, encoding="ascii") as f:
            self.name, secret = f.read().split()
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(
            bytes.fromhex(secret))
        self.public = self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = h(self.name.encode(), b"\n\x01", self.public)[:4]

    def vkey(self):
        return "%s+%s+%s" % (self.name, self.id.hex(),
                             b64(b"\x01" + self.public))

    def text(self, tree, size):
        return f"{self.name}\n{size}\n{b64(tree.root(0, size))}\n"

    def note(self, text):
        sig = self.key.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {b64(self.id + sig)}\n"


def body(key, tree, size, old, prove=None, root=None, lines=None):
    prove = old if prove is None else prove
    proof = tree.proof(prove, 0, size) if 0 < prove < size else []
    if lines is not None:
        proof = (proof + [h(b"x")] * lines)[:lines]
    text = key.text(tree, size if root is None else root)
    if root is not None:
        parts = text.split("\n")
        parts[1] = str(size)
        text = "\n".join(parts)
    return "old %d\n%s\n%s" % (
        old, "".join(b64(p) + "\n" for p in proof), key.note(text))


def cosignatures(vkey, text, answer):
    """Times of the valid signatures of vkey; one that is wrong ends it."""
    name, key_id, material = vkey.split("+", 2)
    material = base64.b64decode(material)
    if material[0] != 4 or h(name.encode(), b"\n", material)[:4].hex() != \
            key_id:
        raise ValueError("not a witness's key")
    public = ed25519.Ed25519PublicKey.from_public_bytes(material[1:])
    times = []
    for line in answer.splitlines():
        dash, who, sig = line.split(" ")
        raw = base64.b64decode(sig, validate=True)
        if dash != "\u2014" or who != name or raw[:4].hex() != key_id:
            continue
        when = int.from_bytes(raw[4:12], "big")
        public.verify(raw[12:], b"cosignature/v1\ntime %d\n%s" % (
            when, text.encode()))
        times.append(when)
    return times


def post(url, data):
    u = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=20)
    try:
        c.request("POST", u.path + "/add-checkpoint", data.encode(),
                  {"Content-Type": "text/plain"})
        r = c.getresponse()
        return r.status, r.read().decode()
    finally:
        c.close()


def storm(url, vkey, key, rounds):
    """Two histories that part at 7 are offered at the same time, each from
    whatever size the witness states. It may sign either, never both."""
    signed, wrong, lock = {}, [], threading.Lock()
    trees = [Tree("a", 7), Tree("b", 7)]

    def offer(tree, seed):
        old = 0
        for i in range(rounds):
            size = max(old, 7) + (seed + i) % 5
            try:
                status, answer = post(url, body(key, tree, size, old))
            except OSError as e:
                wrong.append(str(e))
                return
            if status == 409:
                old = int(answer)
            elif status == 200:
                text = key.text(tree, size)
                if len(cosignatures(vkey, text, answer)) != 1:
                    wrong.append("200 without a signature")
                with lock:
                    signed.setdefault(size, set()).add(text)
                old = size
            elif status != 422:
                wrong.append(f"{status} {answer}")

    threads = [threading.Thread(target=offer, args=(trees[i % 2], i))
               for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    split_view = [s for s, texts in signed.items() if len(texts) > 1]
    # All that was signed must be one history, not only each size alone.
    whose = {b for s, texts in signed.items() if s > 7
             for b, t in enumerate(trees) if key.text(t, s) in texts}
    print(f"{len(signed)} sizes signed, histories {sorted(whose)}, split "
          f"views {split_view}, wrong {wrong[:3]}")
    return not split_view and not wrong and len(whose) == 1 and \
        len(signed) > 3


def options(words):
    out = dict(w.split("=", 1) for w in words)
    return {k: v if k == "branch" else int(v) for k, v in out.items()}


def main(argv):
    if argv[0] == "key":
        secret = ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
            serialization.NoEncryption())
        with open(argv[1], "w", encoding="ascii") as f:
            f.write(f"{argv[2]} {secret.hex()}\n")
        print(Key(argv[1]).vkey())
    elif argv[0] == "body":
        o = options(argv[3:])
        tree = Tree(o.pop("branch", "a"), o.pop("fork", 0))
        sys.stdout.write(body(Key(argv[1]), tree, int(argv[2]),
                              o.pop("old", 0), **o))
    elif argv[0] == "check":
        o = options(argv[4:])
        text = Key(argv[2]).text(Tree(o.get("branch", "a"),
                                      o.get("fork", 0)), int(argv[3]))
        times = cosignatures(argv[1], text, sys.stdin.read())
        print(times)
        return bool(times) and all(abs(t - time.time()) < 600 for t in times)
    elif argv[0] == "storm":
        return storm(argv[1], argv[2], Key(argv[3]), int(argv[4]))
    else:
        return False
    return True


if __name__ == "__main__":
    try:
        sys.exit(0 if main(sys.argv[1:]) else 1)
    except (InvalidSignature, ValueError, IndexError) as error:
        print(f"wrong: {error!r}")
        sys.exit(1)
