#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads CsrAttrs (RFC 8951 4, RFC 9908) from base64 on standard input, with a
decoder of its own, and prints one line for each thing that it asks for:

    oid OID                      a bare object identifier
    attr OID VALUE...            an attribute: oid:…, int:…, or type:hex
    template subject OID...      attribute types of the subject
    template key OID PARAM       SubjectPublicKeyInfo template
    template attr OID            attributes of the request
    template ext OID filled|open extensions, with a value or without

It exits with 1 and a sentence where the encoding is not DER or a rule of RFC
9908 3.2 or 3.4 is broken."""
import base64
import sys

EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
TEMPLATE = "1.2.840.113549.1.9.16.2.61"
EXTENSION_TEMPLATE = "1.2.840.113549.1.9.16.2.62"
EC, RSA = "1.2.840.10045.2.1", "1.2.840.113549.1.1.1"


def bad(what):
    print("bad: " + what)
    sys.exit(1)


def der(data):
    """[(tag, value)], value: bytes, or the list of parts."""
    out = []
    while data:
        if len(data) < 2 or data[0] & 0x1F == 0x1F:
            bad("cut short, or a long tag")
        tag, n, head = data[0], data[1], 2
        if n & 0x80:
            k = n & 0x7F
            if not 1 <= k <= 3 or len(data) < 2 + k:
                bad("length is not DER")
            n, head = int.from_bytes(data[2:2 + k], "big"), 2 + k
            if n < 0x80 or n >> (8 * (k - 1)) == 0:
                bad("length is not minimal")
        if len(data) < head + n:
            bad("length beyond the end")
        value = data[head:head + n]
        out.append((tag, der(value) if tag & 0x20 else value, data[:head + n]))
        data = data[head + n:]
        if tag == 0x31 and [p[2] for p in out[-1][1]] != sorted(
                p[2] for p in out[-1][1]):
            bad("a SET that is not sorted")
    return out


def oid(part):
    if part[0] != 0x06:
        bad("no object identifier where one belongs")
    arcs, n = [], 0
    for b in part[1]:
        n = n << 7 | b & 0x7F
        if not b & 0x80:
            arcs.append(n)
            n = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first] + arcs[1:]))


def show(part):
    if part[0] == 0x06:
        return "oid:" + oid(part)
    if part[0] == 0x02:
        return "int:%d" % int.from_bytes(part[1], "big")
    return "%02x:%s" % (part[0], part[2].hex())


def attribute(part):
    """(OID, values) of an Attribute."""
    if part[0] != 0x30 or len(part[1]) != 2 or part[1][1][0] != 0x31:
        bad("an attribute is SEQUENCE { OID, SET }")
    return oid(part[1][0]), part[1][1][1]


def legacy(name, values):
    if name == EXTENSION_REQUEST and (
            len(values) != 1 or values[0][0] != 0x30 or any(
                e[0] != 0x30 for e in values[0][1])):
        bad("extensionReq holds one Extensions (RFC 9908 3.2)")
    if name == EC and not (values == [] or [v[0] for v in values] == [0x06]):
        bad("ecPublicKey: none or one curve (RFC 9908 3.2)")
    if name == RSA and not (values == [] or [v[0] for v in values] == [0x02]):
        bad("rsaEncryption: none or one size (RFC 9908 3.2)")
    print("attr", name, *[show(v) for v in values])


def template_attributes(parts):
    names = []
    for p in parts:
        name, values = attribute(p)
        names.append(name)
        print("template attr", name)
        if name != EXTENSION_TEMPLATE:
            continue
        if len(values) != 1:
            bad("one ExtensionTemplate value (RFC 9908 3.4)")
        for e in values[0][1]:
            filled = any(x[0] == 0x04 for x in e[1])
            print("template ext", oid(e[1][0]), "filled" if filled else "open")
    if EXTENSION_REQUEST in names and EXTENSION_TEMPLATE in names:
        bad("both extensionReq and its template (RFC 9908 3.4)")
    if len(set(names)) != len(names):
        bad("an attribute twice")


def template(values):
    if len(values) != 1 or values[0][0] != 0x30:
        bad("one template (RFC 9908 3.4)")
    parts = list(values[0][1])
    if not parts or parts.pop(0)[:2] != (0x02, b"\0"):
        bad("version 0 comes first")
    if parts and parts[0][0] == 0x30:
        print("template subject", *[oid(a[1][0]) for rdn in parts.pop(0)[1]
                                    for a in rdn[1]])
    if parts and parts[0][0] == 0xA0:
        spki = parts.pop(0)[1]
        print("template key", oid(spki[0][1][0]),
              *[show(p) for p in spki[0][1][1:]], *["sized" for p in spki[1:]])
    if len(parts) != 1 or parts[0][0] != 0xA1:
        bad("[1] attributes are not optional")
    template_attributes(parts[0][1])


def main():
    top = der(base64.b64decode(sys.stdin.read()))
    if len(top) != 1 or top[0][0] != 0x30:
        bad("CsrAttrs is one SEQUENCE")
    seen = []
    for p in top[0][1]:
        if p[0] == 0x06:
            print("oid", oid(p))
            continue
        name, values = attribute(p)
        if name in seen and name in (EXTENSION_REQUEST, TEMPLATE):
            bad("at most one " + name)
        seen.append(name)
        if name == TEMPLATE:
            template(values)
        else:
            legacy(name, values)


main()
