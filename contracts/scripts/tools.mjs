// Tools that are not in npm: where they are missing, a script says that it did not run and ends with 75.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { forge } from './forge.mjs';
import { root } from './solidity.mjs';

export const NOT_RUN = 75;

// A folder of programs, from a variable or nowhere, and what PATH has.
function where(variable) {
  const folder = process.env[variable];
  return folder === undefined ? process.env.PATH : `${folder}${path.delimiter}${process.env.PATH}`;
}

// Runs a tool in contracts/ with `forge` and `solc` in its PATH, as the project pins them, and gives what
// it printed; ends the process if there is no such tool. CONTRACT_TOOLS names a folder with tools, such as
// the `bin` of a virtual environment of Python.
export function runTool(tool, args, environment = {}) {
  const PATH = where('CONTRACT_TOOLS');
  if (spawnSync(tool, ['--version'], { env: { ...process.env, PATH } }).error) {
    console.error(`not run: ${tool} is neither in PATH nor in CONTRACT_TOOLS; nothing was looked at`);
    process.exit(NOT_RUN);
  }
  const shims = fs.mkdtempSync(path.join(os.tmpdir(), 'contract-tools-'));
  fs.symlinkSync(forge, path.join(shims, 'forge'));
  fs.symlinkSync(path.join(root, 'scripts/solc-wrapper'), path.join(shims, 'solc'));
  const env = { ...process.env, ...environment, PATH: `${shims}${path.delimiter}${PATH}` };
  const { status, stdout, stderr } = spawnSync(tool, args, {
    cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 28,
  });
  fs.rmSync(shims, { recursive: true });
  return { status, text: stdout + stderr };
}
