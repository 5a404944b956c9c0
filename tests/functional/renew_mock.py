#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""EST server for renew_cycle.sh: standard library and the openssl program.

usage: renew_mock.py DIR   (DIR: root.pem root.key tls.pem tls.key)
Writes the port it listens on to DIR/port. What it does is looked up for each
request in DIR/mode: "ok", "pending", "refuse", "busy", "redirect", "bind"
(tls-unique required, RFC 7030 3.5).
"""
import base64
import http.server
import os
import ssl
import subprocess
import sys

DIR = sys.argv[1]
BASE = "/.well-known/est/"


def path(name):
    return os.path.join(DIR, name)


def openssl(args, data=b""):
    return subprocess.run(["openssl"] + args, input=data, check=True,
                          capture_output=True).stdout


def certs_only(pem_file):
    der = openssl(["crl2pkcs7", "-nocrl", "-certfile", pem_file,
                   "-outform", "DER"])
    return base64.encodebytes(der)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body=b"", kind="text/plain", extra=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def mode(self):
        with open(path("mode")) as f:
            return f.read().strip()

    def do_GET(self):
        if self.path == BASE + "cacerts":
            self.reply(200, certs_only(path("root.pem")),
                       "application/pkcs7-mime")
        elif self.path == BASE + "csrattrs" and self.mode() == "bind":
            self.reply(200, b"MAsGCSqGSIb3DQEJBw==\n",
                       "application/csrattrs")
        else:
            self.reply(404)

    def bound(self, der):
        """Is the channel binding of this connection in the request?"""
        value = self.connection.get_channel_binding("tls-unique")
        text = openssl(["req", "-inform", "DER", "-noout", "-text"], der)
        return value is not None and base64.b64encode(value) in text

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        der = base64.b64decode(body)
        again = self.path == BASE + "simplereenroll"
        mode = self.mode()
        login = self.headers.get("Authorization")
        if mode == "pending":
            self.reply(202, extra=[("Retry-After", "300")])
        elif mode == "busy":
            self.reply(503, extra=[("Retry-After", "120")])
        elif mode == "redirect":
            self.reply(302, extra=[("Location", "https://127.0.0.1:1/")])
        elif mode == "refuse":
            self.reply(403, b"device is quarantined\n")
        elif again and self.connection.getpeercert() is None:
            self.reply(401, b"no client certificate\n")
        elif not again and login != "Basic " + base64.b64encode(
                b"cam-7:one-time").decode():
            self.reply(401, b"wrong secret\n",
                       extra=[("WWW-Authenticate", "Basic realm=est")])
        elif mode == "bind" and not self.bound(der):
            self.reply(403, b"linking does not match\n")
        else:
            self.issue(der)

    def issue(self, der):
        with open(path("req.der"), "wb") as f:
            f.write(der)
        openssl(["req", "-inform", "DER", "-in", path("req.der"), "-verify",
                 "-noout"])
        openssl(["x509", "-req", "-inform", "DER", "-in", path("req.der"),
                 "-CA", path("root.pem"), "-CAkey", path("root.key"),
                 "-set_serial", "0x" + os.urandom(8).hex(), "-days", "30",
                 "-copy_extensions", "copy", "-out", path("leaf.pem")])
        self.reply(200, certs_only(path("leaf.pem")),
                   "application/pkcs7-mime; smime-type=certs-only")


def main():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.minimum_version = ssl.TLSVersion.TLSv1_2
    ctx.load_cert_chain(path("tls.pem"), path("tls.key"))
    ctx.load_verify_locations(path("root.pem"))
    ctx.verify_mode = ssl.CERT_OPTIONAL
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = ctx.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
    with open(path("port.new"), "w") as f:
        f.write(str(server.server_address[1]))
    os.rename(path("port.new"), path("port"))
    server.serve_forever()


main()
