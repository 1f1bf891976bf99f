#!/usr/bin/env python3
"""What receipts say of a chain, by py-trie, rlp and eth-hash, from the descriptions in ADR 36 and 43 alone.

usage: chain_claims.py BUNDLES      exit 0 if all agree

A submission's endpoint holds its text's address and 130 bytes that begin with the version and the draft's receipt; a payment's
distributor holds token, root and total of the distribution, and a bit for each leaf that the receipt pays. Each is looked
up from the state root of the proof's header. Contracts are where their init code says. A changed byte must lead nowhere. A
vote's proof holds what a governor's code reads: that code is not run here, only its account is looked up.
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

FORMAT = b"chaoschain-state-proof/1\n"
ENDPOINT = "0x10025dac0d8ffedec99b8bfcfafc6b788fcdf7b9"
DISTRIBUTOR = "0x2a241807dfde60aaaf7e5a52b8e1430199a59742"

failures = 0
counts = {"submit": 0, "pay": 0, "observe_vote": 0, "forged": 0}


def fail(message):
    global failures
    failures += 1
    print("FAIL", message)


def word(number):
    return number.to_bytes(32, "big")


def mapping(key, slot):
    return int.from_bytes(keccak(word(key) + word(slot)), "big")


class State:
    """The storage of a contract after the proof's block."""

    def __init__(self, document, address):
        if not document.startswith(FORMAT):
            raise ValueError("another format")
        header, nodes, self.codes = rlp.decode(document[len(FORMAT) :])
        self.nodes = [rlp.decode(node) for node in nodes]
        fields = rlp.decode(header)
        self.number, self.time = (int.from_bytes(fields[at], "big") for at in (8, 11))
        self.hash = keccak(header)
        self.codes = {keccak(code) for code in self.codes}
        account = self.find(fields[3], bytes.fromhex(address[2:]))
        _, _, self.root, self.code_hash = rlp.decode(account)

    def find(self, root, key):
        return HexaryTrie.get_from_proof(root, keccak(key), self.nodes)

    def slot(self, number):
        value = self.find(self.root, word(number % 2**256))
        return int.from_bytes(rlp.decode(value), "big") if value else 0

    def long(self, slot):
        """Bytes of more than 31."""
        length = self.slot(slot)
        if length % 2 != 1:
            raise ValueError("a short one")
        length //= 2
        first = int.from_bytes(keccak(word(slot % 2**256)), "big")
        return b"".join(word(self.slot(first + at)) for at in range((length + 31) // 32))[:length]


def submitted(body, parents, document):
    state = State(document, body["contract"])
    base = mapping(int(body["proposal_id"]), 1)
    attestation = state.long(base + 3)
    if state.long(base + 2).decode() != body["metadata_uri"]:
        raise ValueError("another text")
    if len(attestation) != 130 or attestation[0] != 2:
        raise ValueError("no attestation of the second edition")
    if attestation[1:33].hex() != parents[0].removeprefix("sha256:"):
        raise ValueError("another draft")
    if state.number == int(body["block_number"]) and state.slot(base + 4) != state.time:
        raise ValueError("of another second")
    if body["contract"] != ENDPOINT:
        raise ValueError("in a contract that anybody can have made")
    return state.hash


def leaves(payments):
    """The root over the leaves, and each one's place, as OpenZeppelin's standard tree has them."""
    hashes = sorted(
        keccak(keccak(bytes(12) + bytes.fromhex(paid["account"][2:]) + word(int(paid["amount"])))) for paid in payments
    )
    count = len(hashes)
    tree = [b""] * (count - 1) + hashes[::-1]
    pair = lambda one, other: keccak(min(one, other) + max(one, other))
    for at in range(count - 2, -1, -1):
        tree[at] = pair(tree[2 * at + 1], tree[2 * at + 2])
    places = []
    for leaf in range(count - 1, 2 * count - 1):
        at, bits, depth = leaf, 0, 0
        while at:
            sibling = at + 1 if at % 2 else at - 1
            bits |= (tree[at] > tree[sibling]) << depth
            at, depth = (at - 1) // 2, depth + 1
        places.append(1 << depth | bits)
    return tree[0], places


def paid(body, document):
    state = State(document, body["distributor"])
    number = int(body["distribution_id"])
    funder = bytes(12) + bytes.fromhex(body["funder"][2:])
    if int.from_bytes(keccak(funder + bytes.fromhex(body["outcome"].removeprefix("sha256:"))), "big") != number:
        raise ValueError("of another funder or outcome")
    base = mapping(number, 0)
    root, places = leaves(body["payments"])
    total = sum(int(payment["amount"]) for payment in body["payments"])
    if state.slot(base) % 2**160 != int(body["token"], 16):
        raise ValueError("another token")
    if word(state.slot(base + 1)) != root or "0x" + root.hex() != body["merkle_root"]:
        raise ValueError("another root")
    if state.slot(base + 2) % 2**128 != total:
        raise ValueError("another total")
    for place in places:
        if not state.slot(mapping(place >> 8, mapping(number, 1))) >> (place & 255) & 1:
            raise ValueError("a leaf was not claimed")
    if body["distributor"] != DISTRIBUTOR:
        raise ValueError("in a contract that anybody can have made")
    return state.hash


def voted(body, document):
    state = State(document, body["governor"])
    if state.code_hash not in state.codes:
        raise ValueError("the governor's code is not there")
    if state.number != int(body["block_number"]):
        raise ValueError("of another block")
    return state.hash


for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
    with open(path, "rb") as file:
        bundle = json.load(file)
    envelope = bundle.get("envelope") or bundle.get("receipt", {}).get("envelope")
    if not envelope:
        continue
    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    kind, body = predicate["action"]["kind"], predicate["action"]["body"]
    if kind not in counts or not body.get("shown_by"):
        continue
    name, counts[kind] = os.path.basename(path), counts[kind] + 1
    document = base64.b64decode(bundle["attachments"][body["shown_by"]], validate=True)
    if "sha256:" + hashlib.sha256(document).hexdigest() != body["shown_by"]:
        fail(f"{name}: another document")
    judge = {
        "submit": lambda document: submitted(body, predicate["parents"], document),
        "pay": lambda document: paid(body, document),
        "observe_vote": lambda document: voted(body, document),
    }[kind]
    try:
        block = judge(document)
    except Exception as error:
        fail(f"{name}: {error!r}")
        continue
    # A byte of the format line, of the header, and of the nodes.
    step = max(1, len(document) // 40)
    for at in range(0, len(document) // 2, step):
        changed = bytearray(document)
        changed[at] ^= 1
        counts["forged"] += 1
        try:
            is_same = judge(bytes(changed)) == block
        except Exception:
            is_same = False
        # What a governor's code reads is not looked at here, so that its nodes may change.
        if is_same and kind != "observe_vote":
            fail(f"{name}: with byte {at} changed it is the same")
print("chain_claims.py:", counts, "FAILED" if failures else "all agree")
sys.exit(bool(failures))
