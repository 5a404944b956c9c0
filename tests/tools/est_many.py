#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends many requests to an EST server, over one TLS connection as long as the
server keeps it, and looks at each answer.

  est_many.py PORT ROOT PATH MODE FILE... [--cert PEM --key PEM]

  files   each FILE is a body: prints "STATUS NAME SENTENCE"
  cut     the body FILE, cut after each byte
  flip    the base64 body FILE, one bit of each byte of its DER turned over
  text    the same with each character of the body itself
  abort   the whole request, ended after each tenth byte by closing

Where a changed body still means the same DER, 401 is expected (there is no
login), or with --cert 200; anything else must be answered by 400 with a
sentence. Prints what was sent and exits with 1 where an answer is another."""
import argparse
import base64
import binascii
import collections
import os
import socket
import ssl
import sys


class Server:
    def __init__(self, args):
        self.port, self.path = args.port, args.path
        self.tls = ssl.create_default_context(cafile=args.root)
        if args.cert:
            self.tls.load_cert_chain(args.cert, args.key)
        self.sock = self.file = None
        self.connections = 0

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        # Else the request waits for the delayed ACK of the handshake's end.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self.tls.wrap_socket(raw, server_hostname="localhost")
        self.file = self.sock.makefile("rb")
        self.connections += 1

    def close(self):
        if self.sock:
            self.file.close()
            self.sock.close()
        self.sock = None

    def request(self, body):
        return ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                "application/pkcs10\r\nContent-Length: %d\r\n\r\n"
                % (self.path, len(body))).encode() + body

    def answer(self):
        status = self.file.readline().split()
        fields = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":", 1)
            fields[name.lower()] = value.strip()
        text = self.file.read(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            self.close()
        return int(status[1]), fields, text

    def post(self, body):
        for again in (False, True):
            if not self.sock:
                self.connect()
            try:
                self.sock.sendall(self.request(body))
                return self.answer()
            except (OSError, IndexError):
                self.close()
                if again:
                    raise

    def abort(self, body, n):
        self.connect()
        self.sock.sendall(self.request(body)[:n])
        self.sock.close()
        self.sock = None


def decoded(body):
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        return None


def variants(mode, body):
    if mode == "cut":
        for n in range(len(body)):
            yield "cut at %d" % n, body[:n]
    data = decoded(body) if mode == "flip" else body
    for i in range(len(data) if mode != "cut" else 0):
        changed = bytearray(data)
        changed[i] ^= 1 << i % 8
        yield "bit of byte %d" % i, (
            base64.b64encode(changed) + b"\n" if mode == "flip"
            else bytes(changed))


def vary(server, mode, body, same_status):
    counts, wrong = collections.Counter(), 0
    for what, changed in variants(mode, body):
        status, fields, text = server.post(changed)
        want = same_status if decoded(changed) == decoded(body) else 400
        counts[status] += 1
        if status != want or (status == 400 and (
                not fields["content-type"].startswith("text/plain") or
                len(text) < 20)):
            wrong += 1
            print("%s: %d instead of %d: %r" % (what, status, want, text))
    print(dict(counts), "over", server.connections, "connections")
    return wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument("port", type=int)
    for name in ("root", "path", "mode"):
        p.add_argument(name)
    p.add_argument("files", nargs="+")
    p.add_argument("--cert")
    p.add_argument("--key")
    args = p.parse_args()
    server = Server(args)
    wrong = 0
    for path in args.files:
        with open(path, "rb") as f:
            body = f.read()
        if args.mode == "files":
            status, _, text = server.post(body)
            print(status, os.path.basename(path), text.decode().strip())
        elif args.mode == "abort":
            for n in range(1, len(server.request(body)), 10):
                server.abort(body, n)
        else:
            wrong += vary(server, args.mode, body, 200 if args.cert else 401)
    sys.exit(1 if wrong else 0)


main()
