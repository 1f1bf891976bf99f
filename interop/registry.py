#!/usr/bin/env python3
"""Anchors in the registry of checkpoints, by py-trie, rlp and eth-hash, from the descriptions in ADR 36 and 38 alone.

usage: registry.py BUNDLES      exit 0 if all agree

The header hashes to the block that the operator signed; from its state root py-trie finds the registry's account, and
in the account's storage the two slots of the log's key; what they hold is the head that the bundle is proved under. The
anchor is where the bundle's rows say that the log declares it (that they are the log's rows, state.py judges). A byte of
the header, of a node or of the key that is changed must lead nowhere.
"""

import base64
import glob
import hashlib
import json
import os
import sys

import rlp
from eth_hash.auto import keccak
from trie import HexaryTrie

REGISTRY = "0x81cee7a3281247cef7e07d84eb543555a04a8a97"
CODE_HASH = "ed59a5f99956e5157204c98145761ec283d2501ca16f6e59fcad6f7970434409"
FORMAT = "chaoschain-registry-proof/1"

failures = 0
counts = {"anchors": 0, "declared": 0, "forged": 0}


def fail(message):
    global failures
    failures += 1
    print("FAIL", message)


def slots(origin, publisher):
    word = bytes(12) + bytes.fromhex(publisher[2:])
    head = keccak(word + keccak(hashlib.sha256(origin.encode()).digest() + bytes(32)))
    return head, (int.from_bytes(head, "big") + 1).to_bytes(32, "big")


def held(parts, origin, publisher):
    """Size and root that the registry holds by a proof, and its block's hash and number."""
    header, account, size_path, shared, root_path = parts
    fields = rlp.decode(header)
    node = lambda items: [rlp.decode(item) for item in items]
    found = HexaryTrie.get_from_proof(fields[3], keccak(bytes.fromhex(REGISTRY[2:])), node(account))
    _, _, storage_root, code_hash = rlp.decode(found)
    if code_hash.hex() != CODE_HASH:
        raise ValueError("the account has other code")
    paths = (size_path, size_path[: int.from_bytes(shared, "big")] + root_path)
    words = []
    for slot, path in zip(slots(origin, publisher), paths):
        value = HexaryTrie.get_from_proof(storage_root, keccak(slot), node(path))
        words.append(int.from_bytes(rlp.decode(value), "big"))
    size, root = words[0] & (1 << 64) - 1, words[1].to_bytes(32, "big").hex()
    return size, root, "0x" + keccak(header).hex(), int.from_bytes(fields[8], "big")


def forge(parts, origin, publisher, expected):
    """Changed parts lead to something else, or nowhere."""
    for at in (0, 1, 2, 4):
        # The byte is one of the root that leads on, or of a node.
        flat = parts[at] if at == 0 else parts[at][-1] if parts[at] else None
        if flat is None:
            continue
        changed = bytearray(flat)
        changed[len(changed) // 2] ^= 1
        other = list(parts)
        other[at] = bytes(changed) if at == 0 else parts[at][:-1] + [bytes(changed)]
        try:
            is_same = held(other, origin, publisher) == expected
        except Exception:
            is_same = False
        counts["forged"] += 1
        if is_same:
            fail(f"a changed part {at} shows the same")
    try:
        held(parts, origin, "0x" + "11" * 20)
        fail("another publisher's checkpoint is shown")
    except Exception:
        counts["forged"] += 1


for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
    with open(path, "rb") as file:
        bundle = json.load(file)
    name, anchor = os.path.basename(path), bundle.get("anchor")
    if not anchor or anchor["proof"].get("format") != FORMAT:
        continue
    counts["anchors"] += 1
    body = json.loads(base64.b64decode(anchor["envelope"]["payload"]))["predicate"]["action"]["body"]
    origin, size, root = bundle["checkpoint"].split("\n")[:3]
    parts = rlp.decode(base64.b64decode(anchor["proof"]["rlp"], validate=True))
    try:
        found = held(parts, origin, body["publisher"])
    except Exception as error:
        fail(f"{name}: {error!r}")
        continue
    signed = int(body["log_size"]), body["root"], body["block_hash"], int(body["block_number"])
    if found != signed:
        fail(f"{name}: the proof shows {found}, signed is {signed}")
    if (int(size), base64.b64decode(root).hex()) != signed[:2]:
        fail(f"{name}: another head is anchored than the bundle's")
    if body["contract"] != REGISTRY:
        fail(f"{name}: in {body['contract']}")
    rows = bundle.get("anchoring", [])
    if not rows or rows[-1]["value"] is not None:
        fail(f"{name}: what the log declares is not shown")
    elif len(rows) == 2:
        counts["declared"] += 1
        for field in ("chain", "contract", "publisher"):
            if rows[0]["value"][field] != body[field]:
                fail(f"{name}: the log declares another {field}")
    forge(parts, origin, body["publisher"], found)
print("registry.py:", counts, "FAILED" if failures else "all agree")
sys.exit(bool(failures))
