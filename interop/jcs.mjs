// Canonical JSON by npm `canonicalize`, signatures by node:crypto.   usage: node jcs.mjs BUNDLES
import canonicalize from 'canonicalize';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const folder = process.argv[2];
const counts = { files: 0, envelopes: 0, signatures: 0 };
let failures = 0;
const fail = (...what) => { failures += 1; console.log('FAIL', ...what); };

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const base58 = (text) => {
  let number = 0n;
  for (const letter of text) {
    const digit = ALPHABET.indexOf(letter);
    if (digit < 0) throw Error(`no base58: ${text}`);
    number = number * 58n + BigInt(digit);
  }
  return Buffer.from(number.toString(16).padStart(68, '0'), 'hex');
};
const keyOf = (did) => {
  const raw = base58(did.slice('did:key:z'.length));
  if (raw[0] !== 0xed || raw[1] !== 1 || raw.length !== 34) throw Error(did);
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(2)]);
  return crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
};
const preAuth = (type, payload) =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);

const check = (where, envelope, receipt) => {
  counts.envelopes += 1;
  const id = `sha256:${crypto.createHash('sha256').update(canonicalize(envelope)).digest('hex')}`;
  if (receipt && id !== receipt) fail(where, 'the leaf names another envelope');
  const payload = Buffer.from(envelope.payload, 'base64');
  if (canonicalize(JSON.parse(payload)) !== payload.toString()) fail(where, 'payload is not canonical');
  for (const { keyid, sig } of envelope.signatures) {
    counts.signatures += 1;
    const signed = preAuth(envelope.payloadType, payload);
    if (!crypto.verify(null, signed, keyOf(keyid), Buffer.from(sig, 'base64'))) fail(where, keyid);
  }
};

for (const name of fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) {
  counts.files += 1;
  const text = fs.readFileSync(path.join(folder, name), 'utf8');
  const bundle = JSON.parse(text);
  if (canonicalize(bundle) !== text) fail(name, 'not canonical');
  if (bundle.format === 'chaoschain-bundle/2') {
    check(name, bundle.envelope, bundle.place.leaf.receipt);
  } else {
    for (const [number, logged] of [bundle.receipt, ...bundle.history].entries()) {
      check(`${name}#${number}`, logged.envelope, logged.leaf.receipt);
    }
  }
  if (bundle.anchor) check(`${name}#anchor`, bundle.anchor.envelope);
}
console.log('jcs.mjs:', counts, failures ? 'FAILED' : 'all agree');
process.exit(failures || !counts.files ? 1 : 0);
