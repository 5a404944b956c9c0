#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that no strict reader takes, and keys that nobody should certify.

  csr_bend.py HOW FILE.der >BENT.der   one change to a good P-256 CSR
  csr_bend.py roca >KEY.pem            RSA key as CVE-2017-15361 made them

HOW is a name of BENDS below. Nothing but the standard library."""
import base64
import random
import sys


def length(n):
    if n < 128:
        return bytes([n])
    b = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(b)]) + b


def tlv(tag, body):
    return bytes([tag]) + length(len(body)) + body


def split(der):
    """(tag, header length, content, rest)"""
    n, head = der[1], 2
    if n >= 128:
        k = n & 127
        n, head = int.from_bytes(der[2:2 + k], "big"), 2 + k
    return der[0], head, der[head:head + n], der[head + n:]


def parts(der):
    info_all = split(der)[2]
    _, head, info, rest = split(info_all)
    return info, info_all[:head + len(info)], rest


def trailing(der):
    return der + b"\0"


def two(der):
    return der + der


def cut(der):
    return der[:-1]


def long_length(der):
    body = split(der)[2]
    return b"\x30\x83\x00" + len(body).to_bytes(2, "big") + body


def indefinite(der):
    return b"\x30\x80" + split(der)[2] + b"\0\0"


def version(der):
    info, _, rest = parts(der)
    assert info[:3] == b"\x02\x01\x00"
    return tlv(0x30, tlv(0x30, b"\x02\x01\x01" + info[3:]) + rest)


def signature(der):
    return der[:-1] + bytes([der[-1] ^ 1])


def subject(der):
    i = der.index(b"ignored")
    return der[:i] + b"I" + der[i + 1:]


def key(der):
    # The last byte of the point: most such points are on no curve.
    i = der.index(b"\x03\x42\x00\x04") + 4 + 63
    return der[:i] + bytes([der[i] ^ 1]) + der[i + 1:]


def boolean_version(der):
    info, _, rest = parts(der)
    return tlv(0x30, tlv(0x30, b"\x01\x01\x00" + info[3:]) + rest)


BENDS = {f.__name__: f for f in (trailing, two, cut, long_length, indefinite,
    version, signature, subject, key, boolean_version)}


def prime(n):
    if any(n % p == 0 for p in (3, 5, 7, 11, 13)):
        return n in (3, 5, 7, 11, 13)
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(20):
        x = pow(random.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def roca_prime(bits):
    """k * M + (65537^a mod M), M the product of the first primes."""
    m = 1
    for p in range(2, 168):
        if all(p % q for q in range(2, p)):
            m *= p
    low, high = 3 << (bits - 2), 1 << bits
    while True:
        k = random.randrange(low // m + 1, high // m)
        n = k * m + pow(65537, random.randrange(m), m)
        if (n - 1) % 65537 and prime(n):
            return n


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def roca():
    p, q = roca_prime(1024), roca_prime(1024)
    n = p * q
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    der = tlv(0x30, b"".join(integer(i) for i in (0, n, e, d, p, q,
        d % (p - 1), d % (q - 1), pow(q, -1, p))))
    text = base64.b64encode(der).decode()
    print("-----BEGIN RSA PRIVATE KEY-----")
    for i in range(0, len(text), 64):
        print(text[i:i + 64])
    print("-----END RSA PRIVATE KEY-----")


if sys.argv[1] == "roca":
    roca()
else:
    with open(sys.argv[2], "rb") as f:
        sys.stdout.buffer.write(BENDS[sys.argv[1]](f.read()))
