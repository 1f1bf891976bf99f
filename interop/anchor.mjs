// Anchors' blocks, transactions and events by npm @ethereumjs/trie, @ethereumjs/rlp and ethereum-cryptography.
// usage: node anchor.mjs BUNDLES
import * as tries from '@ethereumjs/trie';
import { RLP } from '@ethereumjs/rlp';
import { keccak256 } from 'ethereum-cryptography/keccak.js';
import fs from 'node:fs';
import path from 'node:path';

const Trie = tries.Trie ?? tries.MerklePatriciaTrie;
const bytes = (hex) => Buffer.from(hex.slice(2), 'hex');
const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`;
const folder = process.argv[2];
let [anchors, failures] = [0, 0];

const prove = async (root, key, proof) => {
  const trie = new Trie({ useKeyHashing: false });
  return trie.verifyProof(Buffer.from(root), Buffer.from(key), proof.map(bytes));
};

for (const name of fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) {
  const { anchor } = JSON.parse(fs.readFileSync(path.join(folder, name)));
  if (!anchor) continue;
  anchors += 1;
  const expect = (holds, what) => { if (!holds) { failures += 1; console.log('FAIL', name, what); } };
  const { proof } = anchor;
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
