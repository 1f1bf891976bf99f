#!/usr/bin/env python3
"""What a log serves, by the C2SP specifications: signed-note, tlog-checkpoint, tlog-tiles and tlog-cosignature.

usage: served.py URL VKEY [WITNESS-VKEY ...]      exit 0 if all agree

Needs cryptography. Fetches the checkpoint, every entry bundle and tile below it, and the receipts beside them.
"""

import base64
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

failures = 0


def fail(*what):
    global failures
    failures += 1
    print("FAIL", *what)


def sha(data):
    return hashlib.sha256(data).digest()


def get(path, media=None):
    with urllib.request.urlopen(f"{url}/{path}", timeout=10) as answer:
        if media and not answer.headers["content-type"].startswith(media):
            fail(path, "has type", answer.headers["content-type"])
        if answer.headers["content-encoding"]:
            fail(path, "is packed")
        return answer.read()


class Key:
    """A verifier key: name, id, kind of signature and the Ed25519 key."""

    def __init__(self, text):
        self.name, key_id, raw = text.split("+", 2)
        raw = base64.b64decode(raw, validate=True)
        self.kind, self.public = raw[0], raw[1:]
        self.id = sha(self.name.encode() + b"\n" + raw)[:4]
        assert self.id.hex() == key_id, text

    def verify(self, signature, text):
        Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)


def check_lines(note, keys):
    """Every key has a line below the note, and no line of theirs is false."""
    text, _, lines = note.rpartition("\n\n")
    text, seen = (text + "\n").encode(), set()
    for line in lines.splitlines():
        dash, name, data = line.split(" ")
        data = base64.b64decode(data, validate=True)
        if dash != "—":
            fail("signature line", line)
        for key in (key for key in keys if key.name == name and key.id == data[:4]):
            try:
                if key.kind == 1:
                    key.verify(data[4:], text)
                else:
                    at = int.from_bytes(data[4:12], "big")
                    key.verify(data[12:], b"cosignature/v1\ntime %d\n" % at + text)
                    if not 0 <= time.time() - at < 86_400:
                        fail(name, "cosigned at", at)
                seen.add(key.name)
            except InvalidSignature:
                fail(name, "has not signed")
    for key in keys:
        if key.name not in seen:
            fail("no line of", key.name)


def number(index):
    """An index as a path: `x001/x234/067`."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + [groups[-1]])


def names(count):
    """The tiles of a level with so many hashes: path and width."""
    for index in range(-(-count // 256)):
        width = min(256, count - index * 256)
        yield number(index) + ("" if width == 256 else f".p/{width}"), width


def read_bundle(raw, width, length_bytes):
    items, at = [], 0
    while at < len(raw):
        end = at + length_bytes + int.from_bytes(raw[at : at + length_bytes], "big")
        items.append(raw[at + length_bytes : end])
        at = end
    if len(items) != width or at != len(raw):
        fail("a bundle has", len(items), "items, expected", width)
    return items


def tree_root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha(b"")
    left = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\1" + tree_root(hashes[:left]) + tree_root(hashes[left:]))


url = sys.argv[1].rstrip("/")
keys = [Key(text) for text in sys.argv[2:]]
note = get("checkpoint", "text/plain").decode()
check_lines(note, keys)
origin, size, root, *_ = note.split("\n")
size = int(size)
if origin != keys[0].name:
    fail("origin", origin)

leaves, records = [], []
for path, width in names(size):
    leaves += read_bundle(get(f"tile/entries/{path}"), width, 2)
    records += read_bundle(get(f"records/{path}"), width, 4)
for index, (leaf, record) in enumerate(zip(leaves, records, strict=True)):
    read = json.loads(leaf)
    if read["receipt"] != "sha256:" + sha(record).hex():
        fail("receipt of entry", index)
    if index in (0, size - 1) and get(f"receipt/{read['receipt'][7:]}") != record:
        fail("receipt by its digest", index)

hashes = [sha(b"\0" + leaf) for leaf in leaves]
if tree_root(hashes) != base64.b64decode(root):
    fail("the entries have another root than the checkpoint")
level, tiles = 0, 0
while hashes:
    for at, (path, width) in enumerate(names(len(hashes))):
        tiles += 1
        if get(f"tile/{level}/{path}") != b"".join(hashes[at * 256 : at * 256 + width]):
            fail("tile", level, path)
    hashes = [tree_root(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
    level += 1
try:
    get(f"tile/0/{number(size // 256 + 1)}")
    fail("a tile above the checkpoint is served")
except urllib.error.HTTPError as error:
    if error.code != 404:
        fail("a tile above the checkpoint:", error.code)
print("served.py:", size, "entries,", tiles, "tiles,", len(keys), "signers", "FAILED" if failures else "all agree")
sys.exit(bool(failures) or not size)
