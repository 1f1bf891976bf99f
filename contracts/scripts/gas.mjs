// Gas on receipts of a local chain: what docs/benchmarks.md states.
//   npm run gas                   our contracts
//   npm run gas -- --peer FOLDER  with Uniswap's distributor beside, in the same run; FOLDER holds
//                                 node_modules/@uniswap/merkle-distributor (npm i @uniswap/merkle-distributor@1.0.1)
// Exits 1 if a figure is above its bound.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import sha3 from 'js-sha3';
import { root } from './solidity.mjs';

const { keccak256 } = sha3;

const LEAVES = 1024;
const bounds = {
  'anchor, later': 36_000,
  'claim, 1,024 leaves, plain ERC-20, account holds some': 70_000,
  'proposal, evidence by digest (32 bytes)': 215_000,
};

const word = (value) => BigInt(value).toString(16).padStart(64, '0');
const hash = (hex) => keccak256(Buffer.from(hex, 'hex'));
const selector = (signature) => keccak256(signature).slice(0, 8);
const bytes = (hex) => word(hex.length / 2) + hex.padEnd(Math.ceil(hex.length / 64) * 64, '0');

function artifact(name) {
  return JSON.parse(fs.readFileSync(path.join(root, 'artifacts', `${name}.json`), 'utf8')).bytecode;
}

class Chain {
  static async start() {
    const file = path.join(root, 'node_modules/@foundry-rs/anvil/bin.mjs');
    const child = spawn(process.execPath, [file, '--port', '0', '--chain-id', '31337'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A group of its own: the script that is started here starts the program.
      detached: true,
    });
    const url = await new Promise((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
        const found = /Listening on ([\d.:]+)/.exec(text);
        if (found) resolve(`http://${found[1]}`);
      });
      child.on('exit', () => reject(new Error(`anvil ended: ${text.slice(-300)}`)));
    });
    const chain = new Chain();
    Object.assign(chain, { child, url });
    chain.accounts = await chain.rpc('eth_accounts');
    return chain;
  }

  async rpc(method, ...params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const headers = { 'content-type': 'application/json' };
    const answer = await (await fetch(this.url, { method: 'POST', headers, body })).json();
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }

  async send(to, data, from = this.accounts[0]) {
    const call = { from, data: `0x${data}`, ...(to && { to }), gas: '0x1c9c380' };
    const hash = await this.rpc('eth_sendTransaction', call);
    let receipt = null;
    for (let tries = 0; receipt === null && tries < 200; tries += 1) {
      receipt = await this.rpc('eth_getTransactionReceipt', hash);
      if (receipt === null) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    if (receipt.status !== '0x1') throw new Error(`reverted: ${data.slice(0, 8)}`);
    return { gas: Number(receipt.gasUsed), address: receipt.contractAddress, logs: receipt.logs };
  }

  async deploy(bytecode, ...words) {
    return this.send(undefined, bytecode.replace(/^0x/, '') + words.map(word).join(''));
  }
}

// A binary tree over a power of two of leaves, pairs in ascending order; a layer is a level.
function tree(leaves) {
  const layers = [leaves];
  while (layers.at(-1).length > 1) {
    const below = layers.at(-1);
    layers.push(
      below.filter((_, i) => i % 2 === 0).map((node, i) => hash([node, below[2 * i + 1]].sort().join(''))),
    );
  }
  const proof = (index) => layers.slice(0, -1).map((layer, level) => layer[(index >> level) ^ 1]);
  return { root: layers.at(-1)[0], proof };
}

const figures = [];
function say(what, gas) {
  const bound = bounds[what];
  figures.push({ what, gas, bound });
  const limit = bound === undefined ? '' : gas <= bound ? `  at most ${bound}` : `  ABOVE ${bound}`;
  console.log(`${String(gas).padStart(9)}  ${what}${limit}`);
}

async function anchors(chain) {
  const registry = await chain.deploy(artifact('CheckpointRegistry'));
  say('registry, deployed', registry.gas);
  const publisher = chain.accounts[0];
  const call = (size) =>
    selector('anchor(bytes32,address,uint64,bytes32)') +
    keccak256('origin') + word(publisher) + word(size) + keccak256(`root ${size}`);
  say('anchor, first', (await chain.send(registry.address, call(5))).gas);
  const later = [];
  for (const size of [6, 1_000, 70_000]) later.push((await chain.send(registry.address, call(size))).gas);
  say('anchor, later', Math.max(...later));
  say('anchor, again the same', (await chain.send(registry.address, call(70_000))).gas);
}

async function proposals(chain) {
  const endpoint = (await chain.deploy(artifact('ProposalEndpoint'))).address;
  const uri = Buffer.from(`ni:///sha-256;${'a'.repeat(43)}`).toString('hex');
  const submit = (attestation) => {
    const head = word(64) + word(64 + bytes(uri).length / 2);
    return chain.send(endpoint, selector('submitProposal(string,bytes)') + head + bytes(uri) + bytes(attestation));
  };
  await submit('');
  say('proposal, evidence by digest (32 bytes)', (await submit('33'.repeat(32))).gas);
  say('proposal, signed evidence (130 bytes)', (await submit('33'.repeat(130))).gas);
  say('proposal, first edition (320 bytes)', (await submit('33'.repeat(320))).gas);
}

const account = (prefix, index) => (BigInt(prefix) << 80n) + BigInt(index);
const amount = (index) => 10n ** 18n + BigInt(index);

// With two empty strings for its names.
async function plainToken(chain) {
  const { address } = await chain.deploy(artifact('LoadToken'), 64, 96, 0, 0);
  const mint = selector('mint(address,uint256)') + word(chain.accounts[0]) + word(1n << 100n);
  await chain.send(address, mint);
  return address;
}

async function rewards(chain, erc20) {
  const distributor = await chain.deploy(artifact('RewardDistributor'));
  say('distributor, deployed', distributor.gas);
  await chain.send(erc20, selector('approve(address,uint256)') + word(distributor.address) + word(1n << 100n));
  const leaf = (prefix, i) => hash(hash(word(account(prefix, i)) + word(amount(i))));
  for (const [prefix, name] of [[0xaaaa, 'account holds some'], [0xbbbb, 'account holds none']]) {
    const leaves = tree(Array.from({ length: LEAVES }, (_, i) => leaf(prefix, i)));
    const total = Array.from({ length: LEAVES }, (_, i) => amount(i)).reduce((a, b) => a + b);
    const terms = word(erc20) + leaves.root + word(total) + word(31_536_000);
    const created = await chain.send(
      distributor.address,
      selector('createDistribution(bytes32,(address,bytes32,uint128,uint32))') + keccak256(name) + terms,
    );
    if (prefix === 0xaaaa) say('distribution, funded', created.gas);
    const id = created.logs.find((log) => log.address === distributor.address).topics[1];
    const claim = (i) => {
      const proof = leaves.proof(i);
      return chain.send(
        distributor.address,
        selector('claim(uint256,address,uint256,bytes32[])') +
          word(id) + word(account(prefix, i)) + word(amount(i)) + word(128) + word(proof.length) + proof.join(''),
      );
    };
    // What differs is the account's balance: a word of the bitmap is open after its first claim, and
    // which leaves share one follows from their hashes, so the cheapest of a few is taken.
    const gas = [];
    for (let i = 0; i < 24; i += 1) {
      if (prefix === 0xaaaa) await transfer(chain, erc20, account(prefix, i));
      gas.push((await claim(i)).gas);
    }
    gas.sort((a, b) => a - b);
    say(`claim, 1,024 leaves, plain ERC-20, ${name}`, gas[Math.floor(gas.length / 2)]);
    say(`claim, 1,024 leaves, plain ERC-20, ${name}, opens a word`, gas.at(-1));
  }
}

async function transfer(chain, erc20, to) {
  await chain.send(erc20, selector('transfer(address,uint256)') + word(to) + word(1));
}

async function uniswap(chain, erc20, folder) {
  const file = 'node_modules/@uniswap/merkle-distributor/build/MerkleDistributor.json';
  const { bytecode } = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  const leaf = (prefix, i) => hash(word(i) + word(account(prefix, i)).slice(24) + word(amount(i)));
  for (const [prefix, name] of [[0xcccc, 'account holds some'], [0xdddd, 'account holds none']]) {
    const leaves = tree(Array.from({ length: LEAVES }, (_, i) => leaf(prefix, i)));
    const { address } = await chain.deploy(bytecode, BigInt(erc20), BigInt(`0x${leaves.root}`));
    await chain.send(erc20, selector('transfer(address,uint256)') + word(address) + word(10n ** 21n * 2n));
    const gas = [];
    for (let i = 0; i < 24; i += 1) {
      if (prefix === 0xcccc) await transfer(chain, erc20, account(prefix, i));
      const proof = leaves.proof(i);
      const data =
        selector('claim(uint256,address,uint256,bytes32[])') +
        word(i) + word(account(prefix, i)) + word(amount(i)) + word(128) + word(proof.length) + proof.join('');
      gas.push((await chain.send(address, data)).gas);
    }
    gas.sort((a, b) => a - b);
    say(`claim, 1,024 leaves, plain ERC-20, ${name}: Uniswap's`, gas[Math.floor(gas.length / 2)]);
  }
}

const peer = process.argv.indexOf('--peer');
const chain = await Chain.start();
try {
  await anchors(chain);
  await proposals(chain);
  const erc20 = await plainToken(chain);
  await rewards(chain, erc20);
  if (peer < 0) console.log('not run: Uniswap\'s distributor; give --peer FOLDER');
  else await uniswap(chain, erc20, process.argv[peer + 1]);
} finally {
  process.kill(-chain.child.pid);
}
if (figures.some(({ gas, bound }) => bound !== undefined && gas > bound)) process.exitCode = 1;
