#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A time-stamping authority for tests: HTTP around `openssl ts -reply`.

  tsa.py DIR PORT-FILE     DIR has tsa.cnf (openssl), and a counter is kept

The first part of the path says how it misbehaves: ok, nonce, imprint, other
(signed by one that nobody trusts), reject, garbage, html, cut, slow, error.
"""
import http.server
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time


class Tsa(http.server.BaseHTTPRequestHandler):
    def reply(self, query, section):
        with tempfile.TemporaryDirectory() as tmp:
            ask, out = os.path.join(tmp, "q"), os.path.join(tmp, "r")
            with open(ask, "wb") as f:
                f.write(query)
            with LOCK:
                subprocess.run(
                    ["openssl", "ts", "-reply", "-config",
                     os.path.join(DIR, "tsa.cnf"), "-section", section,
                     "-queryfile", ask, "-out", out], check=True, cwd=DIR,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(out, "rb") as f:
                return f.read()

    def do_POST(self):
        how = self.path.strip("/").split("/")[0]
        query = bytearray(self.rfile.read(int(self.headers["Content-Length"])))
        kind, status = "application/timestamp-reply", 200
        imprint = query.index(b"\x04\x20") + 2
        nonce = query.index(b"\x02\x08", imprint + 32) + 2
        if self.headers["Content-Type"] != "application/timestamp-query":
            status = 415
        if how == "slow":
            time.sleep(15)
        if how == "nonce":
            query[nonce + 7] ^= 1
        if how == "imprint":
            query[imprint] ^= 1
        section = {"other": "other_tsa", "reject": "reject_tsa"}.get(
            how, "tsa")
        body = self.reply(bytes(query), section)
        if how == "garbage":
            body = os.urandom(500)
        if how == "cut":
            body = body[:-1]
        if how == "html":
            kind = "text/html"
        if how == "error":
            status = 500
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


DIR = sys.argv[1]
LOCK = threading.Lock()     # the serial file of openssl ts is one
server = Server(("127.0.0.1", 0), Tsa)
with open(sys.argv[2] + ".new", "w", encoding="ascii") as port:
    port.write(str(server.server_address[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
