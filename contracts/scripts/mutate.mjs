// Changes the contracts in small wrong ways, one at a time, in a copy, and runs their tests: each must
// fail. Names who survives; exits 1 if fewer than 95 of 100 are noticed.
//   npm run mutate [-- ID ...]     ID: a mutant, or the letter of a group
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mutants } from '../mutants/list.mjs';
import { forge } from './forge.mjs';
import { root } from './solidity.mjs';

const PERCENT_MIN = 95;
// Fewer runs than `npm test` makes: a change that only some thousands of runs notice counts as survived.
const environment = {
  ...process.env,
  FOUNDRY_FUZZ_RUNS: '128',
  FOUNDRY_INVARIANT_RUNS: '16',
  FOUNDRY_INVARIANT_DEPTH: '48',
};

const only = process.argv.slice(2);
const chosen = mutants.filter(
  ({ id }) => only.length === 0 || only.includes(id) || only.includes(id.replace(/\d.*/, '')),
);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mutants-'));
for (const name of ['src', 'test', 'scripts', 'mission', 'foundry.toml', 'package.json']) {
  fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
}
fs.symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));

function run(program, ...args) {
  const options = { cwd: folder, env: environment, encoding: 'utf8', maxBuffer: 1 << 28 };
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (error) throw error;
  return { failed: status !== 0, text: stdout + stderr };
}

const test = (tests) => run(forge, 'test', '--match-path', `test/${tests}`);

// What the tests say of the folder as it is now: which of them noticed, or nothing.
function judge({ file, tests }) {
  if (/Endpoint/.test(file) && run(process.execPath, 'scripts/mission.mjs').failed) return 'the text of the mission';
  const { failed, text } = test(tests);
  if (!failed) return undefined;
  const noticed = /\[FAIL.*?\] (\w+)\(/.exec(text);
  // What does not compile has been judged by nobody.
  if (!noticed) throw new Error(`no test ran:\n${text.slice(-2000)}`);
  return noticed[1];
}

function edit(mutant) {
  const saved = new Map();
  for (const { file, edits } of [mutant, ...(mutant.also ?? [])]) {
    const full = path.join(folder, 'src', file);
    let text = fs.readFileSync(full, 'utf8');
    saved.set(full, text);
    for (const [from, to] of edits) {
      if (!text.includes(from)) throw new Error(`${mutant.id}: ${file} has no \`${from}\``);
      text = text.replace(from, () => to);
    }
    fs.writeFileSync(full, text);
  }
  return saved;
}

const survivors = [];
try {
  for (const tests of new Set(chosen.map((mutant) => mutant.tests))) {
    if (test(tests).failed) throw new Error(`test/${tests} fails without any change`);
  }
  for (const mutant of chosen) {
    const saved = edit(mutant);
    const started = Date.now();
    const noticed = judge(mutant);
    for (const [file, text] of saved) fs.writeFileSync(file, text);
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    const [from, to] = mutant.edits[0].map((text) => text.trim().split('\n')[0].slice(0, 60));
    const verdict = noticed === undefined ? 'SURVIVED' : `noticed by ${noticed}`;
    console.log(`${mutant.id.padEnd(5)}${seconds.padStart(4)} s  ${verdict}: ${from} -> ${to || '(nothing)'}`);
    if (noticed === undefined) survivors.push(mutant);
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
const noticed = chosen.length - survivors.length;
const percent = (100 * noticed) / chosen.length;
console.log(`${noticed} of ${chosen.length} noticed: ${percent.toFixed(1)} %`);
for (const { id, edits, equivalent } of survivors) {
  console.log(`survived: ${id} ${edits[0][0].trim()}${equivalent ? `: ${equivalent}` : ''}`);
}
if (percent < PERCENT_MIN) process.exitCode = 1;
