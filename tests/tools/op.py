#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One operation of the authority, as its socket has it:

    op.py STATE OPERATION [JSON arguments]

Prints the result, or {"error": ...} and ends with 1."""
import json
import socket
import struct
import sys


def read(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            sys.exit("op.py: the authority hung up")
        data += part
    return data


def main():
    call = {"id": 1, "op": sys.argv[2],
            "args": json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}}
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(sys.argv[1] + "/run/authority.sock")
        text = json.dumps(call).encode()
        s.sendall(struct.pack(">I", len(text)) + text)
        answer = json.loads(read(s, struct.unpack(">I", read(s, 4))[0]))
    if "error" in answer:
        print(json.dumps({"error": answer["error"]}))
        sys.exit(1)
    print(json.dumps(answer["result"]))


main()
