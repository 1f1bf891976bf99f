// Payments' Merkle roots and sums by npm @openzeppelin/merkle-tree, accounts' agreements by ethereum-cryptography.
// usage: node rewards.mjs BUNDLES
import { StandardMerkleTree } from '@openzeppelin/merkle-tree';
import { keccak256 } from 'ethereum-cryptography/keccak.js';
import { secp256k1 } from 'ethereum-cryptography/secp256k1.js';
import fs from 'node:fs';
import path from 'node:path';

const folder = process.argv[2];
const counts = { payments: 0, agreements: 0 };
let failures = 0;
const fail = (...what) => { failures += 1; console.log('FAIL', ...what); };

const checkPayment = (name, body) => {
  counts.payments += 1;
  const rows = body.payments.filter((one) => one.amount !== '0').map((one) => [one.account, one.amount]);
  const tree = StandardMerkleTree.of(rows, ['address', 'uint256']);
  const sum = body.payments.reduce((sum, one) => sum + BigInt(one.amount), BigInt(body.returned));
  if (tree.root !== body.merkle_root) fail(name, 'root', tree.root, body.merkle_root);
  if (sum !== BigInt(body.pool)) fail(name, 'sum', sum, body.pool);
  for (const [number, row] of tree.entries()) {
    if (!tree.verify(row, tree.getProof(number))) fail(name, 'proof', row);
  }
};

// EIP-191: who signed the text that names account, chain, agent, log, and the account's number where it has one.
const checkAgreement = (name, { log, agent, action: { body } }) => {
  counts.agreements += 1;
  const number = body.number === undefined ? '' : `\nNumber: ${body.number}`;
  const text = Buffer.from(
    'ChaosChain: pay an agent at this account\n\n'
      + `Account: ${body.account}\nChain: ${body.chain}\nAgent: ${agent}\nLog: ${log}${number}\n\n`
      + 'What this agent earns in this log goes to this account. This is no transaction.',
  );
  const hash = keccak256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${text.length}`), text]));
  const bytes = Buffer.from(body.signature.slice(2), 'hex');
  const signature = secp256k1.Signature.fromCompact(bytes.subarray(0, 64)).addRecoveryBit(bytes[64] - 27);
  const key = signature.recoverPublicKey(hash).toRawBytes(false).subarray(1);
  const account = `0x${Buffer.from(keccak256(key).subarray(12)).toString('hex')}`;
  if (account !== body.account) fail(name, 'agreed by', account, 'instead of', body.account);
};

for (const name of fs.readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const bundle = JSON.parse(fs.readFileSync(path.join(folder, name)));
  const envelope = bundle.envelope ?? bundle.receipt.envelope;
  const { predicate } = JSON.parse(Buffer.from(envelope.payload, 'base64'));
  if (predicate.action.kind === 'pay') checkPayment(name, predicate.action.body);
  if (predicate.action.kind === 'bind_account') checkAgreement(name, predicate);
}
console.log('rewards.mjs:', counts, failures ? 'FAILED' : 'all agree');
process.exit(failures || !counts.payments ? 1 : 0);
