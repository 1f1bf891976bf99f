// Has halmos prove the laws of test/laws for all inputs within the bounds that they state. A law for which
// there is a counterexample, or no answer in time, fails. Ends with 75 where halmos is missing
// (`pip install halmos==0.3.3`).
import fs from 'node:fs';
import path from 'node:path';
import { root } from './solidity.mjs';
import { runTool } from './tools.mjs';

// Loops go as far as the longest proof and calldata of the laws.
const BOUNDS = ['--loop', '4', '--solver-timeout-assertion', '120000'];

const folder = path.join(root, 'test/laws');
const laws = fs
  .readdirSync(folder)
  .flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').match(/function check_\w+/g) ?? [])
  .map((text) => text.replace('function ', ''));
const args = ['--function', 'check_', '--forge-build-out', 'out/laws', ...BOUNDS];
const { text } = runTool('halmos', args, { FOUNDRY_PROFILE: 'laws' });
const plain = text.replace(/\x1b\[\d*m/g, '');
process.stdout.write(plain);
const unproved = laws.filter((law) => !plain.includes(`[PASS] ${law}(`));
for (const law of unproved) console.error(`not proved: ${law}`);
// What is cut off at a bound was not looked at.
const isCut = /loop unrolling bound|incomplete execution/i.test(plain);
if (isCut) console.error('not proved: paths were cut at a bound');
if (unproved.length > 0 || isCut) process.exitCode = 1;
else console.log(`${laws.length} laws proved`);
