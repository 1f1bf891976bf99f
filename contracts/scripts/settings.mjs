// The one place for compiler settings of the committed artifacts. foundry.toml repeats them because
// forge cannot read this file; `compile.mjs` refuses to run when the two disagree.
export const settings = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 10000 },
  // Without a source hash the bytecode depends on code and compiler only, not on comments or paths.
  metadata: { bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
};

// The same, in the words of foundry.toml.
export const foundrySettings = {
  evm_version: '"cancun"',
  optimizer: 'true',
  optimizer_runs: '10000',
  bytecode_hash: '"none"',
};
