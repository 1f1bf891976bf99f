// Compiles src/** and what tests deploy with the npm solc and writes artifacts/<Name>.json.
// With --check it writes nothing and exits 1, listing every artifact that is stale.
import fs from 'node:fs';
import path from 'node:path';
import solc from 'solc';
import { anyChain, foundrySettings, settings } from './settings.mjs';
import { compile, root } from './solidity.mjs';

const artifactsDir = path.join(root, 'artifacts');

// Contracts of other people's kinds, which tests of the program put on a local chain.
const deployedByTests = ['test/CompoundGovernor.sol'];

function sourceFiles(dir) {
  return fs
    .readdirSync(path.join(root, dir), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = `${dir}/${entry.name}`;
      if (entry.isDirectory()) return sourceFiles(name);
      return name.endsWith('.sol') ? [name] : [];
    });
}

function ensureFoundryAgrees() {
  const toml = fs.readFileSync(path.join(root, 'foundry.toml'), 'utf8');
  for (const [key, value] of Object.entries(foundrySettings)) {
    if (!toml.includes(`\n${key} = ${value}\n`)) {
      throw new Error(`foundry.toml: expected the line \`${key} = ${value}\`, as in settings.mjs`);
    }
  }
}

function compileAll() {
  const isForAnyChain = (file) => anyChain.sources.includes(file);
  const files = [...sourceFiles('src'), ...deployedByTests];
  return {
    ...compile(files.filter((file) => !isForAnyChain(file)), settings),
    ...compile(files.filter(isForAnyChain), { ...settings, evmVersion: anyChain.evmVersion }),
  };
}

function sortKeys(value) {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key])]),
  );
}

// Interfaces and abstract contracts have no bytecode and need no artifact of their own.
function artifacts(contracts) {
  const files = new Map();
  for (const [file, inFile] of Object.entries(contracts)) {
    for (const [contractName, contract] of Object.entries(inFile)) {
      const bytecode = contract.evm.bytecode.object;
      if (bytecode === '') continue;
      const name = `${contractName}.json`;
      if (files.has(name)) throw new Error(`two contracts are called ${contractName}`);
      const artifact = {
        abi: contract.abi,
        bytecode: `0x${bytecode}`,
        contractName,
        deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
        solc: solc.version(),
        source: file,
      };
      files.set(name, `${JSON.stringify(sortKeys(artifact), null, 2)}\n`);
    }
  }
  return files;
}

function staleFiles(expected) {
  const present = fs.existsSync(artifactsDir) ? fs.readdirSync(artifactsDir) : [];
  const names = new Set([...expected.keys(), ...present.filter((name) => name.endsWith('.json'))]);
  return [...names].sort().filter((name) => {
    const file = path.join(artifactsDir, name);
    return !fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== expected.get(name);
  });
}

ensureFoundryAgrees();
const expected = artifacts(compileAll());
const stale = staleFiles(expected);
if (process.argv.includes('--check')) {
  for (const name of stale) console.error(`stale: contracts/artifacts/${name}`);
  if (stale.length > 0) console.error('run `npm run compile` in contracts/ and commit the result');
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  fs.mkdirSync(artifactsDir, { recursive: true });
  for (const name of stale) {
    const file = path.join(artifactsDir, name);
    if (expected.has(name)) fs.writeFileSync(file, expected.get(name));
    else fs.rmSync(file);
  }
  console.log(`${expected.size} artifacts, ${stale.length} changed`);
}
