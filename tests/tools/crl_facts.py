#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a CRL file says, as JSON, read by a DER reader of its own that takes
nothing but DER (X.690 section 10): lengths as short as they can be, integers
without padding, TRUE as ff, no byte left over.

  crl_facts.py FILE
"""
import json
import sys


class Bad(Exception):
    pass


def take(b):
    """First element: tag, content, all of it, rest."""
    if len(b) < 2:
        raise Bad("cut off")
    n, head = b[1], 2
    if n & 0x80:
        k = n & 0x7F
        if not 1 <= k <= 4 or len(b) < 2 + k or b[2] == 0:
            raise Bad("length")
        n, head = int.from_bytes(b[2:2 + k], "big"), 2 + k
        if n < 0x80:
            raise Bad("length is too long")
    if len(b) < head + n:
        raise Bad("cut off")
    return b[0], b[head:head + n], b[:head + n], b[head + n:]


def items(b):
    out = []
    while b:
        tag, content, whole, b = take(b)
        out.append((tag, content, whole))
    return out


def want(item, tag, what):
    if item[0] != tag:
        raise Bad("%s has tag %02x" % (what, item[0]))
    return item[1]


def integer(item, what):
    c = want(item, 0x02, what)
    if not c or (len(c) > 1 and (c[0], c[1] >> 7) in ((0, 0), (0xFF, 1))):
        raise Bad(what + " is not the shortest integer")
    return int.from_bytes(c, "big", signed=True)


def oid(c):
    v, out = 0, []
    for x in c:
        v = v << 7 | x & 0x7F
        if not x & 0x80:
            out.append(v)
            v = 0
    return ".".join(map(str, [out[0] // 40, out[0] % 40] + out[1:]))


def extensions(b):
    out = []
    for e in items(b):
        parts = items(want(e, 0x30, "extension"))
        critical = False
        if len(parts) == 3:
            if want(parts[1], 0x01, "critical") != b"\xff":
                raise Bad("critical FALSE is written out")
            critical = True
        out.append({"oid": oid(want(parts[0], 0x06, "extension")),
                    "critical": critical,
                    "value": want(parts[-1], 0x04, "extension").hex()})
    return out


def time(item):
    if item[0] not in (0x17, 0x18):
        raise Bad("time")
    text = item[1].decode("ascii")
    return {"type": "utc" if item[0] == 0x17 else "generalized",
            "text": text, "full": ("20" + text if item[0] == 0x17 else text)}


def entry(item):
    parts = items(want(item, 0x30, "entry"))
    if not 2 <= len(parts) <= 3:
        raise Bad("entry")
    return {"serial": "%040x" % integer(parts[0], "serial"),
            "date": time(parts[1]),
            "extensions": extensions(want(parts[2], 0x30, "extensions"))
            if len(parts) == 3 else []}


def facts(b):
    tag, crl, _, rest = take(b)
    if tag != 0x30 or rest:
        raise Bad("not one SEQUENCE")
    tbs, alg, sig = items(crl)
    parts = items(want(tbs, 0x30, "tbsCertList"))
    f = {"version": integer(parts.pop(0), "version"),
         "inner_algorithm": parts.pop(0)[2].hex(),
         "outer_algorithm": alg[2].hex(), "issuer": parts.pop(0)[2].hex(),
         "this_update": time(parts.pop(0)), "next_update": None,
         "has_entries": False, "entries": [], "extensions": [],
         "unused_bits": want(sig, 0x03, "signature")[0], "size": len(b)}
    if parts and parts[0][0] in (0x17, 0x18):
        f["next_update"] = time(parts.pop(0))
    if parts and parts[0][0] == 0x30:
        f["has_entries"] = True
        f["entries"] = [entry(e) for e in items(parts.pop(0)[1])]
    if parts:
        inner = items(want(parts.pop(0), 0xA0, "extensions"))
        f["extensions"] = extensions(want(inner[0], 0x30, "extensions"))
    if parts:
        raise Bad("more than there may be")
    for e in f["extensions"]:
        if e["oid"] == "2.5.29.20":
            f["number"] = integer(items(bytes.fromhex(e["value"]))[0], "number")
        if e["oid"] == "2.5.29.35":
            aki = items(bytes.fromhex(e["value"]))[0]
            f["aki"] = {"%02x" % t: c.hex() for t, c, _ in items(aki[1])}
    for e in f["entries"]:
        for x in e["extensions"]:
            v = items(bytes.fromhex(x["value"]))[0]
            if x["oid"] == "2.5.29.21":
                e["reason"] = int.from_bytes(want(v, 0x0A, "reason"), "big")
            if x["oid"] == "2.5.29.24":
                e["invalidity"] = want(v, 0x18, "invalidityDate").decode()
    return f


with open(sys.argv[1], "rb") as file:
    try:
        json.dump(facts(file.read()), sys.stdout)
    except (Bad, IndexError, ValueError, UnicodeDecodeError) as e:
        sys.exit("crl_facts: " + str(e))
