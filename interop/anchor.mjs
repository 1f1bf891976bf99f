// Anchors' blocks, and their transactions and events or the registry's storage, by npm @ethereumjs/trie, @ethereumjs/rlp and ethereum-cryptography.
// usage: node anchor.mjs BUNDLES
import * as tries from '@ethereumjs/trie';
import { RLP } from '@ethereumjs/rlp';
import { keccak256 } from 'ethereum-cryptography/keccak.js';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const Trie = tries.Trie ?? tries.MerklePatriciaTrie;
const bytes = (hex) => Buffer.from(hex.slice(2), 'hex');
const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`;
const folder = process.argv[2];
const REGISTRY_CODE = '0xed59a5f99956e5157204c98145761ec283d2501ca16f6e59fcad6f7970434409';
let [anchors, failures] = [0, 0];

const prove = async (root, key, proof) => {
  const trie = new Trie({ useKeyHashing: false });
  return trie.verifyProof(Buffer.from(root), Buffer.from(key), proof.map(bytes));
};

// An anchor in the registry: size and root by the storage of its account.
const stored = async ({ envelope, proof }, origin, expect) => {
  const { body } = JSON.parse(Buffer.from(envelope.payload, 'base64')).predicate.action;
  const [header, account, sizePath, shared, rest] = RLP.decode(Buffer.from(proof.rlp, 'base64'));
  const rootPath = [...sizePath.slice(0, shared[0] ?? 0), ...rest];
  expect(hex(keccak256(header)) === body.block_hash, 'block hash');
  const fields = RLP.decode(header);
  expect(BigInt(hex(fields[8])) === BigInt(body.block_number), 'block number');
  const at = (root, key, nodes) => prove(root, keccak256(key), nodes.map(hex));
  const [, , storageRoot, codeHash] = RLP.decode(await at(fields[3], bytes(body.contract), account));
  expect(hex(codeHash) === REGISTRY_CODE, 'code of the registry');
  const ofOrigin = keccak256(Buffer.concat([createHash('sha256').update(origin).digest(), Buffer.alloc(32)]));
  const head = keccak256(Buffer.concat([Buffer.alloc(12), bytes(body.publisher), ofOrigin]));
  const next = Buffer.from((BigInt(hex(head)) + 1n).toString(16).padStart(64, '0'), 'hex');
  const size = BigInt(hex(RLP.decode(await at(storageRoot, head, sizePath))));
  expect(size % (1n << 64n) === BigInt(body.log_size), 'size');
  const root = hex(RLP.decode(await at(storageRoot, next, rootPath))).slice(2).padStart(64, '0');
  expect(root === body.root, 'root');
};

for (const name of fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) {
  const { anchor, checkpoint } = JSON.parse(fs.readFileSync(path.join(folder, name)));
  if (!anchor) continue;
  anchors += 1;
  const expect = (holds, what) => { if (!holds) { failures += 1; console.log('FAIL', name, what); } };
  const { proof } = anchor;
  if (proof.format) { await stored(anchor, checkpoint.split('\n')[0], expect); continue; }
  const header = RLP.decode(bytes(proof.header_rlp));
  expect(hex(keccak256(bytes(proof.header_rlp))) === proof.block_hash, 'block hash');
  expect(BigInt(hex(header[8])) === BigInt(proof.block_number), 'block number');
  const key = RLP.encode(proof.receipt_index);
  expect(hex(await prove(header[5], key, proof.proof)) === proof.receipt, 'receipts trie');
  expect(hex(await prove(header[4], key, proof.transaction_proof)) === proof.transaction, 'transactions trie');
  const { body } = JSON.parse(Buffer.from(anchor.envelope.payload, 'base64')).predicate.action;
  expect(hex(keccak256(bytes(proof.transaction))) === body.transaction, 'transaction');
  const typed = bytes(proof.receipt);
  const receipt = RLP.decode(typed[0] < 0x80 ? typed.subarray(1) : typed);
  expect(hex(receipt[0]) === '0x01', 'status');
  const event = receipt[3].find((event) => hex(event[0]) === proof.contract);
  expect(Boolean(event), 'event of the contract');
  const said = hex(Buffer.concat([...event[1], event[2]].map((part) => Buffer.from(part))));
  expect(said.includes(body.root), 'root in the event');
  expect(said.includes(BigInt(body.log_size).toString(16).padStart(64, '0')), 'size in the event');
}
console.log('anchor.mjs:', anchors, 'anchors', failures ? 'FAILED' : 'all agree');
process.exit(failures || !anchors ? 1 : 0);
