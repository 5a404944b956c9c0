#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deaf_gate.py STATE USER: as the gate's user, fills connections to the
authority with calls and reads no answer, until it is ended."""
import json
import os
import pwd
import socket
import struct
import sys
import time

CONNECTIONS = 32

user = pwd.getpwnam(sys.argv[2])
os.setgroups([])
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
call = json.dumps({"id": 1, "op": "est.cacerts", "args": {"label": ""}}).encode()
calls = (struct.pack(">I", len(call)) + call) * 200


def deaf():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1] + "/run/authority.sock")
    s.settimeout(0.2)
    try:
        s.sendall(calls)
    except OSError:
        pass
    return s


held = [deaf() for _ in range(CONNECTIONS)]
print("full", flush=True)
while True:
    time.sleep(0.5)
    held = [deaf() for _ in range(CONNECTIONS)]
