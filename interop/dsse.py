#!/usr/bin/env python3
"""Envelopes, statements, canonical JSON and keys of bundles, by other people's libraries.

usage: dsse.py BUNDLES      exit 0 if all agree

DSSE by securesystemslib, in-toto Statement v1 by in-toto-attestation, JCS by rfc8785 and by jcs, did:key by base58.
"""

import base64
import copy
import glob
import hashlib
import json
import os
import sys

import base58
import in_toto_attestation.v1.statement_pb2 as statement_pb2
import jcs
import rfc8785
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

failures = 0
counts = {"files": 0, "envelopes": 0, "signatures": 0, "attachments": 0}


def fail(message):
    global failures
    failures += 1
    print("FAIL", message)


def key_of(did):
    raw = base58.b58decode(did[len("did:key:z") :])
    assert raw[:2] == b"\xed\x01" and len(raw) == 34, did
    assert "did:key:z" + base58.b58encode(raw).decode() == did
    return SSlibKey(did, "ed25519", "ed25519", {"public": raw[2:].hex()})


def check_envelope(where, envelope, receipt=None):
    counts["envelopes"] += 1
    raw = rfc8785.dumps(envelope)
    if raw != jcs.canonicalize(envelope):
        fail(f"{where}: rfc8785 and jcs differ")
    if receipt and "sha256:" + hashlib.sha256(raw).hexdigest() != receipt:
        fail(f"{where}: the leaf names another envelope")
    keys = [key_of(signature["keyid"]) for signature in envelope["signatures"]]
    read = Envelope.from_dict(copy.deepcopy(envelope))
    verified = read.verify(keys, threshold=len(keys))
    if set(verified) != {key.keyid for key in keys}:
        fail(f"{where}: not every signature verifies")
    counts["signatures"] += len(verified)
    if base64.b64encode(read.payload).decode() != envelope["payload"]:
        fail(f"{where}: another base64")
    document = json.loads(read.payload)
    if rfc8785.dumps(document) != read.payload:
        fail(f"{where}: the payload is not canonical")
    statement = statement_pb2.Statement()
    try:
        # Strict: an unknown member raises.
        json_format.ParseDict(document, statement)
        Statement.copy_from_pb(statement).validate()
    except Exception as error:  # noqa: BLE001
        fail(f"{where}: no in-toto statement: {error!r}")
    forged = Envelope.from_dict(copy.deepcopy(envelope))
    forged.payload = bytes([forged.payload[0] ^ 1]) + forged.payload[1:]
    try:
        forged.verify(keys, threshold=1)
        fail(f"{where}: a forged payload verifies")
    except Exception:  # noqa: BLE001, S110
        pass


def check_file(path):
    counts["files"] += 1
    name = os.path.basename(path)
    with open(path, "rb") as file:
        raw = file.read()
    bundle = json.loads(raw)
    if rfc8785.dumps(bundle) != raw:
        fail(f"{name}: not canonical")
    if bundle["format"] == "chaoschain-bundle/2":
        check_envelope(name, bundle["envelope"], bundle["place"]["leaf"]["receipt"])
    else:
        for number, logged in enumerate([bundle["receipt"], *bundle["history"]]):
            check_envelope(f"{name}#{number}", logged["envelope"], logged["leaf"]["receipt"])
    if bundle["anchor"]:
        check_envelope(f"{name}#anchor", bundle["anchor"]["envelope"])
    for digest, text in bundle["attachments"].items():
        counts["attachments"] += 1
        if "sha256:" + hashlib.sha256(base64.b64decode(text, validate=True)).hexdigest() != digest:
            fail(f"{name}: attachment {digest}")


for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
    check_file(path)
print("dsse.py:", counts, "FAILED" if failures else "all agree")
sys.exit(bool(failures) or not counts["files"])
