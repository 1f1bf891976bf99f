// Holds the endpoint's ABI against the mission's text: every function and event that it states, with the
// types of every argument, result and field, and what is indexed. Names of results are free.
import { compile } from './solidity.mjs';

const settings = { outputSelection: { '*': { '*': ['abi'] } } };

function abi(file, name) {
  return compile([file], settings)[file][name].abi;
}

// A struct is written as its fields.
function typeOf({ type, components }) {
  if (components === undefined) return type;
  const fields = components.map((field) => `${typeOf(field)} ${field.name}`);
  return type.replace('tuple', `(${fields.join(', ')})`);
}

function sentence(item) {
  const inputs = item.inputs.map(
    (input) => `${typeOf(input)}${input.indexed ? ' indexed' : ''} ${input.name}`,
  );
  const outputs = (item.outputs ?? []).map(typeOf);
  const kind = item.type === 'event' ? `event${item.anonymous ? ' anonymous' : ''}` : item.type;
  const state = item.stateMutability === undefined ? '' : ` ${item.stateMutability}`;
  return `${kind} ${item.name}(${inputs.join(', ')})${state} -> (${outputs.join(', ')})`;
}

const stated = abi('mission/IChaosChainEndpoint.sol', 'IChaosChainEndpoint').map(sentence);
const built = abi('src/ProposalEndpoint.sol', 'ProposalEndpoint')
  .filter((item) => item.type === 'function' || item.type === 'event')
  .map(sentence);
const missing = stated.filter((line) => !built.includes(line));
const added = built.filter((line) => !stated.includes(line));
for (const line of missing) console.error(`the mission states, the endpoint lacks: ${line}`);
for (const line of added) console.error(`the endpoint has, the mission does not state: ${line}`);
if (missing.length + added.length > 0) process.exitCode = 1;
else console.log(`${stated.length} functions and events as the mission states them`);
