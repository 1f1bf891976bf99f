#!/usr/bin/env python3
"""The rows that bundles of the second format show, by the description in docs/adr/0026 alone.

usage: state.py BUNDLES      exit 0 if all agree

Needs rfc8785. Every row's proof is computed to the root that the edge's leaf states; then the few rules that rows
answer without the project's help: the log does not refuse the entry, the key that signed is the span's, what is
judged was judged by nobody before, and a payee is paid at the account that it had registered.
"""

import base64
import glob
import hashlib
import json
import os
import sys

import rfc8785

failures = 0
counts = {"bundles": 0, "rows": 0, "absent": 0, "payees": 0, "judged": 0}


def fail(message):
    global failures
    failures += 1
    print("FAIL", message)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(key, value):
    return sha(b"chaoschain-map/1 leaf\0", key, value)


def root_of(proof):
    """The root that a row's proof leads to, or why it proves nothing."""
    key = sha("\0".join(proof["key"]).encode())
    steps = base64.b64decode(proof["steps"], validate=True)
    steps = [(steps[at], steps[at + 1 : at + 33]) for at in range(0, len(steps), 33)]
    bits = [bit for bit, _ in steps]
    if bits != sorted(set(bits)):
        raise ValueError("its branches are out of order")
    side = lambda key, bit: key[bit // 8] >> (7 - bit % 8) & 1
    if proof["value"] is not None:
        here = leaf_hash(key, sha(rfc8785.dumps(proof["value"])))
    elif proof["end"] is None:
        here = sha(b"chaoschain-map/1 empty")
        if steps:
            raise ValueError("an empty map has no branches")
    else:
        end = base64.b64decode(proof["end"], validate=True)
        other, value = end[:32], end[32:]
        if other == key or any(side(other, bit) != side(key, bit) for bit in bits):
            raise ValueError("its way does not end at the key's place")
        here = leaf_hash(other, value)
    for bit, sibling in reversed(steps):
        pair = (sibling, here) if side(key, bit) else (here, sibling)
        here = sha(b"chaoschain-map/1 node\0", bytes([bit]), *pair)
    return here.hex()


def written(row):
    return row["from"] if "from" in row else row["index"]


def check_rules(name, bundle, rows):
    index = int(bundle["place"]["index"])
    statement = json.loads(base64.b64decode(bundle["envelope"]["payload"]))["predicate"]
    agent, body = statement["agent"], statement["action"]["body"]
    signers = [signature["keyid"] for signature in bundle["envelope"]["signatures"]]
    if rows.get(("refused", str(index)), 0) is not None:
        fail(f"{name}: that the entry is not refused is not shown")
    if statement["action"]["kind"] == "register":
        return
    spans = [row for key, row in rows.items() if key[:2] == ("span", agent) and row]
    covers = lambda span: span["from"] <= index and (span["until"] is None or index < span["until"])
    if not any(covers(span) and span["key"] == signers[0] for span in spans):
        fail(f"{name}: no span shows the key that signed")
    if statement["action"]["kind"] == "observe_vote":
        for contribution in body["contributions"]:
            counts["judged"] += 1
            row = rows.get(("judged", contribution["receipt"]), 0)
            if row == 0 or row is not None and written(row) < index:
                fail(f"{name}: {contribution['receipt']} may have been judged before")
    if statement["action"]["kind"] == "pay":
        outcome = rows[("outcome", body["outcome"])]["index"]
        for payment in body["payments"]:
            counts["payees"] += 1
            # Bundles of the first program that wrote this format lack it, and it may be left out.
            row = rows.get(("account", payment["agent"], body["chain"]))
            bound = [b["account"] for b in (row or {"bindings": []})["bindings"] if b["index"] < outcome]
            if bound and bound[-1] != payment["account"]:
                fail(f"{name}: {payment['agent']} is paid elsewhere than it had registered")


for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
    with open(path, "rb") as file:
        bundle = json.load(file)
    if bundle["format"] != "chaoschain-bundle/2":
        continue
    name = os.path.basename(path)
    counts["bundles"] += 1
    stated = bundle["edge"]["leaf"]["state"]
    keys = ["\0".join(proof["key"]).encode() for proof in bundle["state"]]
    if keys != sorted(set(keys)):
        fail(f"{name}: rows out of order")
    # Beside an anchor also those of where the log declares to be anchored.
    for proof in bundle["state"] + bundle.get("anchoring", []):
        counts["rows"] += 1
        counts["absent"] += proof["value"] is None
        try:
            found = root_of(proof)
        except ValueError as error:
            found = str(error)
        if found != stated:
            fail(f"{name}: {proof['key']}: {found}, stated is {stated}")
        # Another value leads elsewhere, and so does one where there is none.
        forged = dict(proof, value={"forged": True})
        try:
            if root_of(forged) == stated:
                fail(f"{name}: {proof['key']}: a forged proof holds")
        except ValueError:
            pass
    check_rules(name, bundle, {tuple(proof["key"]): proof["value"] for proof in bundle["state"]})
print("state.py:", counts, "FAILED" if failures else "all agree")
sys.exit(bool(failures))
