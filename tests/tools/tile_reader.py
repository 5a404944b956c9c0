#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Readers of the custody log while its gate is killed and started anew.

  tile_reader.py PORTS STOP OUT   PORTS: the gate's file "ports", read anew for
                                  each connection; until STOP exists

Each answer that is whole is held against all before it: the bytes of a name
never change, a narrower tile is the beginning of a wider one, checkpoints never
go back. OUT gets the counts as JSON, exit 1 where something did not hold."""
import hashlib
import http.client
import json
import os
import sys
import threading
import time

lock = threading.Lock()
tiles, counts, wrong = {}, {"whole": 0, "cut": 0, "not": 0}, []
newest = 0


def port():
    with open(sys.argv[1]) as f:
        for line in f:
            if line.startswith("http "):
                return int(line.split()[1])
    raise OSError


def get(path):
    c = http.client.HTTPConnection("127.0.0.1", port(), timeout=5)
    try:
        c.request("GET", "/custody" + path)
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def checkpoint():
    global newest
    with lock:
        before = newest
    status, body = get("/checkpoint")
    if status != 200:
        return False
    size = int(body.split(b"\n")[1])
    with lock:
        if size < before:
            wrong.append("checkpoint %d after %d" % (size, before))
        newest = max(newest, size)
    return True


def tile(n, width):
    name = "/tile/0/%03d" % n + ("" if width == 256 else ".p/%d" % width)
    status, body = get(name)
    if status != 200:
        return False
    with lock:
        had = tiles.get(n, b"")
        k = min(len(had), len(body))
        if len(body) != 32 * width or had[:k] != body[:k]:
            wrong.append("%s: %d bytes" % (name, len(body)))
        if len(body) > len(had):
            tiles[n] = body
    return True


def work(seed):
    i = seed
    while not os.path.exists(sys.argv[2]):
        i += 1
        try:
            with lock:
                size = newest
            n = i % (size // 256 + 1)
            width = min(256, size - 256 * n)
            if i % 4 == 0 or width < 1:
                ok = checkpoint()
            else:
                ok = tile(n, width if i % 3 else 1 + i % width)
            key = "whole" if ok else "not"
        except (OSError, http.client.HTTPException, ValueError):
            key = "cut"
            time.sleep(0.01)
        with lock:
            counts[key] += 1


threads = [threading.Thread(target=work, args=(7 * s,)) for s in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
with open(sys.argv[3], "w") as f:
    json.dump(dict(counts, newest=newest, tile=hashlib.sha256(
        tiles.get(0, b"")).hexdigest(), wrong=wrong[:10]), f)
sys.exit(1 if wrong else 0)
