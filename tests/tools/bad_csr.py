#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes PKCS#10 requests that must be refused: bad_csr.py KEY.pem FOLDER

Each NAME.b64 in FOLDER is one. All are signed with the key, an EC key on P-256,
so that it is never the signature that saves the server. good.b64 is in order."""
import base64
import os
import subprocess
import sys

KEY, FOLDER = sys.argv[1:3]


def tlv(tag, *parts):
    value = b"".join(parts)
    n = len(value)
    if n < 0x80:
        return bytes([tag, n]) + value
    k = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | k]) + n.to_bytes(k, "big") + value


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *sorted(parts))


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def bits(data):
    return tlv(0x03, b"\0" + data)


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = b""
    for n in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        piece = [n & 0x7F]
        while n := n >> 7:
            piece.insert(0, 0x80 | n & 0x7F)
        out += bytes(piece)
    return tlv(0x06, out)


UTF8, PRINTABLE, IA5, BMP = 0x0C, 0x13, 0x16, 0x1E
ECDSA = seq(oid("1.2.840.10045.4.3.2"))
CHALLENGE = oid("1.2.840.113549.1.9.7")
EXTENSIONS = oid("1.2.840.113549.1.9.14")
SPKI = subprocess.run(["openssl", "pkey", "-in", KEY, "-pubout", "-outform",
                       "DER"], stdout=subprocess.PIPE, check=True).stdout


def rdn(value, tag=UTF8, kind="2.5.4.3"):
    return set_of(seq(oid(kind), tlv(tag, value)))


def attr(kind, *values):
    return seq(kind, set_of(*values))


def ext(kind, value):
    return seq(oid(kind), tlv(0x04, value))


def san(*names):
    return attr(EXTENSIONS, seq(ext("2.5.29.17", seq(*names))))


def dns(value):
    return tlv(0x82, value)


def info(name=None, spki=SPKI, attrs=(), version=0):
    return seq(integer(version), seq(rdn(b"x")) if name is None else name,
               spki, tlv(0xA0, *sorted(attrs)))


def signed(cri, alg=ECDSA):
    sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY],
                         input=cri, stdout=subprocess.PIPE, check=True).stdout
    return seq(cri, alg, bits(sig))


def put(what, der):
    with open(os.path.join(FOLDER, what + ".b64"), "wb") as f:
        f.write(base64.b64encode(der) + b"\n")


def case(what, **fields):
    put(what, signed(info(**fields)))


def nested(depth, inner=b"\x05\x00"):
    for _ in range(depth):
        inner = seq(inner)
    return inner


def lengths():
    put("length-beyond-end", seq(b"\x30\x82\xff\xff\x02\x01\x00"))
    put("length-4-bytes", seq(b"\x30\x84\x7f\xff\xff\xff\x02\x01\x00"))
    put("length-8-bytes", seq(b"\x30\x88" + b"\x7f" * 8 + b"\x02\x01\x00"))
    put("length-indefinite", seq(b"\x30\x80\x02\x01\x00\x00\x00"))
    put("length-not-minimal", seq(b"\x30\x81\x03\x02\x01\x00"))
    put("length-of-all-inside", seq(*[b"\x30\x83\xff\xff\xff"] * 500))
    put("depth-33", nested(33))
    put("depth-4000", nested(4000))
    put("depth-sets", seq(*[b"\x31\x80"] * 5000))
    put("parts-3000", seq(*[b"\x05\x00"] * 3000))
    put("parts-20000", seq(*[b"\x05\x00"] * 20000))
    put("oid-40000", seq(tlv(0x06, b"\x2a" + b"\x81" * 39998 + b"\x01")))
    put("oid-integer", seq(tlv(0x06, b"\x2a" + b"\xff" * 200 + b"\x7f")))
    put("integer-40000", seq(tlv(0x02, b"\x7f" * 40000)))
    put("long-tag", seq(b"\x3f\xff\xff\x7f\x00"))
    case("attribute-oid-40000", attrs=[attr(tlv(0x06, b"\x2a" * 40000),
                                            b"\x05\x00")])
    cri = info()
    put("trailing-inside", seq(cri, ECDSA, bits(b"\0"), b"\x05\x00"))
    put("no-signature", seq(cri, ECDSA))
    put("empty", seq())


def names():
    case("cn-nul", name=seq(rdn(b"cam\0evil.example")))
    case("cn-nul-printable", name=seq(rdn(b"cam\0evil", PRINTABLE)))
    case("cn-newline", name=seq(rdn(b"cam\ncamca: all is well")))
    case("cn-escape", name=seq(rdn(b"cam\x1b[2J")))
    case("cn-not-utf8", name=seq(rdn(b"cam\xff\xfe")))
    case("cn-overlong-utf8", name=seq(rdn(b"cam\xc0\xaf")))
    case("cn-surrogate", name=seq(rdn(b"cam\xed\xa0\x80")))
    case("cn-latin1-printable", name=seq(rdn(b"caf\xe9", PRINTABLE)))
    case("cn-bmp-odd", name=seq(rdn(b"\0a\0", BMP)))
    case("cn-bmp-nul", name=seq(rdn(b"\0a\0\0\0b", BMP)))
    case("cn-empty", name=seq(rdn(b"")))
    case("cn-40000", name=seq(rdn(b"a" * 40000)))
    case("cn-an-integer", name=seq(rdn(b"\x01", 0x02)))
    case("name-200-parts", name=seq(*[rdn(b"a")] * 200))
    case("san-1000", attrs=[san(*[dns(b"a%d.example" % i)
                                  for i in range(1000)])])
    case("san-101", attrs=[san(*[dns(b"a%d.example" % i)
                                 for i in range(101)])])
    case("san-none", attrs=[san()])
    case("san-nul", attrs=[san(dns(b"good.example\0.evil.example"))])
    case("san-not-ascii", attrs=[san(dns(b"caf\xc3\xa9.example"))])
    case("san-empty-name", attrs=[san(dns(b""))])
    case("san-uri-control", attrs=[san(tlv(0x86, b"http://x/\r\nSet:y"))])
    case("san-ip-5-bytes", attrs=[san(tlv(0x87, b"\x0a\0\0\1\2"))])
    case("san-directory-nul", attrs=[san(tlv(0xA4, seq(rdn(b"a\0b"))))])
    case("san-twice", attrs=[attr(EXTENSIONS, seq(
        ext("2.5.29.17", seq(dns(b"a"))), ext("2.5.29.17", seq(dns(b"b")))))])
    case("san-cut", attrs=[attr(EXTENSIONS, seq(
        ext("2.5.29.17", b"\x30\x05\x82\x01a")))])


def attributes():
    text = tlv(PRINTABLE, b"secret")
    case("challenge-256", attrs=[attr(CHALLENGE, tlv(UTF8, b"a" * 256))])
    case("challenge-empty", attrs=[attr(CHALLENGE, tlv(UTF8, b""))])
    case("challenge-nul", attrs=[attr(CHALLENGE, tlv(UTF8, b"a\0b"))])
    case("challenge-not-utf8", attrs=[attr(CHALLENGE, tlv(UTF8, b"\xff"))])
    case("challenge-bmp", attrs=[attr(CHALLENGE, tlv(BMP, b"\0a"))])
    case("challenge-two-values", attrs=[attr(CHALLENGE, text,
                                             tlv(PRINTABLE, b"other"))])
    case("challenge-no-value", attrs=[attr(CHALLENGE)])
    case("challenge-twice", attrs=[attr(CHALLENGE, text),
                                   attr(CHALLENGE, tlv(UTF8, b"x"))])
    case("extensions-twice", attrs=[san(dns(b"a")), san(dns(b"bb"))])
    case("attributes-65", attrs=[attr(oid("1.3.6.1.4.1.55555.%d" % i), text)
                                 for i in range(65)])
    case("extensions-65", attrs=[attr(EXTENSIONS, seq(*[
        ext("1.3.6.1.4.1.55555.%d" % i, b"\x05\x00") for i in range(65)]))])
    case("key-usage-not-bits", attrs=[attr(EXTENSIONS, seq(
        ext("2.5.29.15", b"\x05\x00")))])
    case("constraints-not-der", attrs=[attr(EXTENSIONS, seq(
        ext("2.5.29.19", b"\x30\x03\x01\x01\x05")))])


def keys():
    ec = oid("1.2.840.10045.2.1")
    p256 = oid("1.2.840.10045.3.1.7")
    rsa = seq(oid("1.2.840.113549.1.1.1"), b"\x05\x00")

    def rsa_key(n, e):
        return seq(rsa, bits(seq(integer(n), integer(e))))
    odd = (1 << 2047) + 1
    case("version-1", version=1)
    case("ec-off-curve", spki=seq(seq(ec, p256), bits(b"\4" + b"\1" * 64)))
    case("ec-infinity", spki=seq(seq(ec, p256), bits(b"\0")))
    case("ec-short", spki=seq(seq(ec, p256), bits(b"\4" + b"\1" * 32)))
    case("ec-explicit", spki=seq(seq(ec, seq(integer(1))),
                                 bits(b"\4" + b"\1" * 64)))
    case("ec-no-curve", spki=seq(seq(ec), bits(b"\4" + b"\1" * 64)))
    case("rsa-zero", spki=rsa_key(0, 65537))
    case("rsa-e-1", spki=rsa_key(odd, 1))
    case("rsa-e-huge", spki=rsa_key(odd, odd - 2))
    case("rsa-16384", spki=rsa_key((1 << 16383) + 1, 65537))
    case("rsa-100000", spki=rsa_key((1 << 99999) + 1, 65537))
    case("rsa-negative", spki=seq(rsa, bits(seq(tlv(
        0x02, b"\x80" + b"\1" * 255), integer(65537)))))
    case("key-unknown", spki=seq(seq(oid("1.3.6.1.4.1.55555.9")), bits(b"\0")))
    put("signature-unknown", signed(info(), seq(oid("1.3.6.1.4.1.55555.8"))))
    put("signature-md5", signed(info(), seq(oid("1.2.840.113549.1.1.4"),
                                            b"\x05\x00")))
    put("signature-zero", seq(info(), ECDSA, bits(seq(integer(0),
                                                      integer(0)))))
    put("signature-none", seq(info(), ECDSA, bits(b"")))


lengths()
names()
attributes()
keys()
case("good", attrs=[san(dns(b"a.example"))])
