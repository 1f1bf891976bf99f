// Runs the installed forge. Its own wrapper in npm (1.7.1) ends with 0 when tests fail, so that nobody
// would notice.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './solidity.mjs';

const system = { win32: 'windows' }[process.platform] ?? process.platform;
const machine = { x64: 'amd64' }[process.arch] ?? process.arch;
const suffix = process.platform === 'win32' ? '.exe' : '';

// The program for this machine.
export const forge = path.join(
  root, 'node_modules/@foundry-rs', `forge-${system}-${machine}`, 'bin', `forge${suffix}`,
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { status, signal, error } = spawnSync(forge, process.argv.slice(2), { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (signal !== null) console.error(`forge was ended by ${signal}`);
  process.exitCode = status ?? 1;
}
