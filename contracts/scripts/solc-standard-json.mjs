// The part of solc's command line that forge uses, on top of the npm solc: `--version` and
// `--standard-json` (input on stdin). Other arguments are paths that forge has already resolved.
import fs from 'node:fs';
import solc from 'solc';

if (process.argv.includes('--version')) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (process.argv.includes('--standard-json')) {
  const readFile = (name) =>
    fs.existsSync(name) ? { contents: fs.readFileSync(name, 'utf8') } : { error: `no file ${name}` };
  process.stdout.write(solc.compile(fs.readFileSync(0, 'utf8'), { import: readFile }));
} else {
  console.error('solc-wrapper: expected --version or --standard-json');
  process.exitCode = 1;
}
