// Compiling single files with the npm solc, for scripts that judge the sources.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

// What an import names: a file of ours, or one of an installed package.
export function findImport(name) {
  const folder = name.startsWith('src/') ? root : path.join(root, 'node_modules');
  const file = path.join(folder, name);
  return fs.existsSync(file)
    ? { contents: fs.readFileSync(file, 'utf8') }
    : { error: `${name} is not in node_modules; run npm ci` };
}

// The contracts of these files by file and name; throws if the compiler has anything to say about a
// file of ours.
export function compile(files, settings) {
  const sources = {};
  for (const file of files) {
    sources[file] = { content: fs.readFileSync(path.join(root, file), 'utf8') };
  }
  const input = JSON.stringify({ language: 'Solidity', sources, settings });
  const output = JSON.parse(solc.compile(input, { import: findImport }));
  // Warnings inside libraries are theirs to fix; ours stop the build.
  const messages = (output.errors ?? []).filter(
    (m) => m.severity === 'error' || !m.sourceLocation?.file.startsWith('@'),
  );
  for (const message of messages) console.error(message.formattedMessage);
  if (messages.length > 0) throw new Error('solc reported errors or warnings');
  return Object.fromEntries(files.map((file) => [file, output.contracts[file] ?? {}]));
}
