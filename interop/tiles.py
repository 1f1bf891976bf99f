#!/usr/bin/env python3
"""The tree of a data directory, by RFC 6962 written anew: leaves, records, tiles and stored checkpoints.

usage: tiles.py DATA      exit 0 if all agree; Python's own library is enough
"""

import base64
import hashlib
import json
import os
import sqlite3
import sys

failures = 0


def fail(*what):
    global failures
    failures += 1
    print("FAIL", *what)


def sha(data):
    return hashlib.sha256(data).digest()


def tree_root(hashes):
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    left = 1
    while left * 2 < len(hashes):
        left *= 2
    return sha(b"\1" + tree_root(hashes[:left]) + tree_root(hashes[left:]))


database = os.path.join(sys.argv[1], "chaoschain.sqlite")
store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
rows = store.execute("select idx, digest, leaf, record from entries order by idx").fetchall()
is_stated = False
for expected, (index, digest, leaf, record) in enumerate(rows):
    read = json.loads(leaf)
    if index != expected or sha(record) != digest or read["receipt"] != "sha256:" + digest.hex():
        fail("entry", expected)
    # Layout 2 states a root, layout 1 does not, and none of layout 1 follows one of layout 2.
    if (read["version"] == 2) != ("state" in read) or is_stated > ("state" in read):
        fail("layout of leaf", expected)
    is_stated = "state" in read

hashes = [sha(b"\0" + leaf) for _, _, leaf, _ in rows]
level, row, tiles = 0, hashes, {}
while row:
    for at in range(0, len(row), 256):
        tiles[level, at // 256] = b"".join(row[at : at + 256])
    row = [tree_root(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
    level += 1
stored = {(level, index): data for level, index, data in store.execute("select level, idx, hashes from tiles")}
# Since ADR 28 the one partial tile of each level lies beside the full ones, in parts.
if store.execute("select 1 from sqlite_master where name = 'edge'").fetchone():
    for level, index, data in store.execute("select level, idx, hashes from edge order by level, part"):
        stored[level, index] = stored.get((level, index), b"") + data
if stored != tiles:
    fail("tiles", set(stored) ^ set(tiles))

checkpoints = store.execute("select size, note from checkpoints").fetchall()
for size, note in checkpoints:
    _, said, root, *_ = note.split("\n")
    if int(said) != size or base64.b64decode(root) != tree_root(hashes[:size]):
        fail("checkpoint of size", size)
print("tiles.py:", len(rows), "entries,", len(tiles), "tiles,", len(checkpoints), "checkpoints", "FAILED" if failures else "all agree")
sys.exit(bool(failures) or not rows)
