// Has slither look at the contracts. Each finding is either mended or answered in slither.json; one
// without an answer fails, and so does an answer without a finding. Ends with 75 where slither is missing
// (`pip install slither-analyzer==0.11.6`).
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './solidity.mjs';
import { runTool } from './tools.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'slither-'));
const file = path.join(folder, 'findings.json');
const args = ['.', '--json', file, '--filter-paths', 'node_modules', '--foundry-out-directory', 'out/analyse'];
const { text } = runTool('slither', args, { FOUNDRY_PROFILE: 'analyse' });
if (!fs.existsSync(file)) throw new Error(`slither looked at nothing:\n${text.slice(-3000)}`);
const { success, error, results } = JSON.parse(fs.readFileSync(file, 'utf8'));
fs.rmSync(folder, { recursive: true });
if (!success) throw new Error(`slither failed: ${error}`);

// A finding by what it is and where; line numbers would change with every comment.
const nameOf = ({ check, elements }) => {
  const { name, type_specific_fields: fields } = elements[0];
  const parent = fields?.parent?.name ?? '';
  return `${check}: ${parent}${parent && '.'}${name}`.replace(/\s+/g, ' ').slice(0, 120);
};
const findings = new Map((results.detectors ?? []).map((finding) => [nameOf(finding), finding]));
const answers = JSON.parse(fs.readFileSync(path.join(root, 'slither.json'), 'utf8'));
const open = [...findings].filter(([name]) => !(name in answers));
const stale = Object.keys(answers).filter((name) => !findings.has(name));
for (const [name, { impact, description }] of open) {
  console.error(`no answer: ${name} (${impact})\n  ${description.trim().split('\n')[0]}`);
}
for (const name of stale) console.error(`answered and not found: ${name}`);
if (open.length + stale.length > 0) process.exitCode = 1;
else console.log(`${findings.size} findings, each answered in slither.json`);
