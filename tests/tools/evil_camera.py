# SPDX-License-Identifier: Apache-2.0
"""A camera that means harm, and somebody between agent and camera.

    evil_camera.py camera MODE DIR HTTP HTTPS TRAP
        answers on both ports (HTTPS with DIR/evil.pem, DIR/evil.key), writes
        every byte it is sent into DIR/heard; who follows it to TRAP is written
        into DIR/trapped
    evil_camera.py between DIR LISTEN TARGET
        passes connections on to TARGET; the one whose number, counted from 1,
        stands in DIR/nth is answered with DIR/evil.pem instead, and what comes
        over it goes into DIR/heard
"""
import re
import socket
import ssl
import sys
import threading
import time

ENV = "http://www.w3.org/2003/05/soap-envelope"
TDS = "http://www.onvif.org/ver10/device/wsdl"
TT = "http://www.onvif.org/ver10/schema"
TAS = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
lock = threading.Lock()


def note(name, data):
    with lock, open(f"{DIR}/{name}", "ab") as f:
        f.write(data)


def answer(op, inner, head=""):
    return (f'<?xml version="1.0"?>{head}<e:Envelope xmlns:e="{ENV}" '
            f'xmlns:tds="{TDS}" xmlns:tt="{TT}"><e:Body><tds:{op}Response>'
            f"{inner}</tds:{op}Response></e:Body></e:Envelope>").encode()


def fault(sub):
    return (f'<e:Envelope xmlns:e="{ENV}" xmlns:ter="http://www.onvif.org/'
            f'ver10/error"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value>'
            f"<e:Subcode><e:Value>ter:{sub}</e:Value></e:Subcode></e:Code>"
            f'<e:Reason><e:Text xml:lang="en">no</e:Text></e:Reason></e:Fault>'
            f"</e:Body></e:Envelope>").encode()


def now(head=""):
    t = time.gmtime()
    return answer("GetSystemDateAndTime", "<tds:SystemDateAndTime>"
                  "<tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>"
                  "false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>"
                  f"{t.tm_hour}</tt:Hour><tt:Minute>{t.tm_min}</tt:Minute>"
                  f"<tt:Second>{t.tm_sec}</tt:Second></tt:Time><tt:Date><tt:Year>"
                  f"{t.tm_year}</tt:Year><tt:Month>{t.tm_mon}</tt:Month><tt:Day>"
                  f"{t.tm_mday}</tt:Day></tt:Date></tt:UTCDateTime>"
                  "</tds:SystemDateAndTime>", head)


def bomb():
    return ("<!DOCTYPE x [" + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha" * 50}">'
        for i in range(12)) + f'<!ENTITY f SYSTEM "file:///etc/passwd">'
        f'<!ENTITY h SYSTEM "http://127.0.0.1:{TRAP}/entity">]>')


WORDS = ("Ac\u009b31mme\u202e\u2028 %n%s%s%s <b>\\x1b ' OR 1=1 --;"
         "\n2026-01-01T00:00:00.000Z camca note: all is well\ttab")


def about():
    w = WORDS.replace("<", "&lt;").replace("\u009b", "&#x9b;")
    if MODE == "secret":      # it calls itself by the password it has
        w = "Mk7-evil-Secret"
    return answer("GetDeviceInformation", f"<tds:Manufacturer>{w}"
                  f"</tds:Manufacturer><tds:Model>{w}</tds:Model>"
                  f"<tds:FirmwareVersion>{w}</tds:FirmwareVersion>"
                  f"<tds:SerialNumber></tds:SerialNumber>"
                  f"<tds:HardwareId>{w}</tds:HardwareId>")


def services():
    inner = ""
    for ns in (TDS, TAS):
        inner += (f"<tds:Service><tds:Namespace>{ns}</tds:Namespace><tds:XAddr>"
                  f"http://127.0.0.1:{TRAP}/latest/meta-data?u=@127.0.0.1:{TRAP}"
                  f"</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0"
                  f"</tt:Minor></tds:Version></tds:Service>")
    return answer("GetServices", inner)


def reply(sock, status, body, fields=()):
    head = [f"HTTP/1.1 {status} x", "Content-Type: application/soap+xml",
            f"Content-Length: {len(body)}", *fields, "", ""]
    sock.sendall("\r\n".join(head).encode() + body)


def drip(sock):
    sock.sendall(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(60):
        sock.sendall(b"1\r\n \r\n")
        time.sleep(1)


def flood(sock):
    sock.sendall(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        sock.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


def heads(sock):
    sock.sendall(b"HTTP/1.1 401 x\r\n")
    while True:
        sock.sendall(b"WWW-Authenticate: Digest realm=\"" + b"r" * 60000 +
                     b"\"\r\n")


def serve(sock, op, said):
    """One answer; op as asked, said: the request."""
    known = b"Authorization:" in said or b"UsernameToken" in said
    if MODE == "redirect":
        code = (301, 302, 303, 307, 308)[hash(said) % 5]
        return reply(sock, code, b"", [
            f"Location: http://127.0.0.1:{TRAP}/moved",
            "Refresh: 0; url=http://127.0.0.1/"])
    if MODE == "bomb":
        return reply(sock, 200, now(bomb()).replace(
            b"Manual", b"&a11;&f;&h;"))
    if MODE == "drip":
        return drip(sock)
    if MODE == "flood":
        return flood(sock)
    if MODE == "heads":
        return heads(sock)
    if op == "GetSystemDateAndTime":
        return reply(sock, 200, now())
    if MODE == "gzip":
        return reply(sock, 200, b"\x1f\x8b" + b"\x00" * 100,
                     ["Content-Encoding: gzip"])
    if not known:
        want = {"basic": ['WWW-Authenticate: Basic realm="x"'],
                "stale": ['WWW-Authenticate: Digest realm="x", nonce="n", '
                          'stale=true, qop="auth"']}.get(MODE, [
                              'WWW-Authenticate: Digest realm="x", nonce='
                              '"n", qop="auth"'])
        return reply(sock, 401, fault("NotAuthorized"), want)
    if MODE == "stale":
        return reply(sock, 401, fault("NotAuthorized"), [
            'WWW-Authenticate: Digest realm="x", nonce="n", stale=true, '
            'qop="auth"'])
    if op == "GetServices":
        return reply(sock, 200, services())
    if op == "GetDeviceInformation":
        return reply(sock, 200, about())
    return reply(sock, 400, fault("ActionNotSupported"))


def request(sock, left):
    """One whole request; None where there is no more."""
    while b"\r\n\r\n" not in left:
        more = sock.recv(65536)
        if not more:
            return None, b""
        left += more
    head, _, rest = left.partition(b"\r\n\r\n")
    m = re.search(rb"content-length: *(\d+)", head, re.I)
    n = int(m.group(1)) if m else 0
    while len(rest) < n:
        more = sock.recv(65536)
        if not more:
            return None, b""
        rest += more
    return head + b"\r\n\r\n" + rest[:n], rest[n:]


def talk(sock, ctx, name):
    try:
        if ctx is not None:
            sock = ctx.wrap_socket(sock, server_side=True)
        sock.settimeout(70)
        left = b""
        while True:
            said, left = request(sock, left)
            if said is None:
                return
            note("heard", f"\n--- {name}\n".encode() + said + b"\n")
            m = re.search(rb"Body>\s*<(?:\w+:)?(\w+)", said)
            serve(sock, m.group(1).decode() if m else "", said)
    except OSError:
        pass
    finally:
        sock.close()


def each(port, fn, *args):
    s = socket.create_server(("127.0.0.1", port))
    while True:
        c, _ = s.accept()
        threading.Thread(target=fn, args=(c, *args), daemon=True).start()


def trap(sock):
    note("trapped", b"somebody came\n")
    sock.close()


def evil_tls():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(f"{DIR}/evil.pem", f"{DIR}/evil.key")
    return ctx


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


count = 0


def between(sock, target):
    global count
    with lock:
        count += 1
        mine = str(count) == open(f"{DIR}/nth").read().strip()
        open(f"{DIR}/count", "w").write(str(count))
    if mine:
        try:
            sock = evil_tls().wrap_socket(sock, server_side=True)
            note("caught", b"a handshake\n")
            while data := sock.recv(65536):
                note("heard", data)
        except OSError:
            note("caught", b"no handshake\n")
        sock.close()
        return
    try:
        there = socket.create_connection(("127.0.0.1", target))
    except OSError:
        sock.close()
        return
    threading.Thread(target=pump, args=(there, sock), daemon=True).start()
    pump(sock, there)


if sys.argv[1] == "camera":
    MODE, DIR = sys.argv[2:4]
    http, https, TRAP = map(int, sys.argv[4:])
    threading.Thread(target=each, args=(TRAP, trap), daemon=True).start()
    threading.Thread(target=each, args=(https, talk, evil_tls(), "https"),
                     daemon=True).start()
    each(http, talk, None, "http")
else:
    DIR = sys.argv[2]
    each(int(sys.argv[3]), between, int(sys.argv[4]))
