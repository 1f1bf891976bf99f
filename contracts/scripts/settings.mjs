// The one place for compiler settings of the committed artifacts. foundry.toml repeats them because
// forge cannot read this file; `compile.mjs` refuses to run when the two disagree.
export const settings = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 10000 },
  // Without a source hash the bytecode depends on code and compiler only, not on comments or paths.
  metadata: { bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
};

// Contracts that are to be deployed on any chain, also on one that has not taken up the instructions of
// Shanghai and Cancun (PUSH0, TLOAD, MCOPY). forge compiles them for Cancun as it does the rest: with two
// settings it keeps tests of a source that has changed since. What is committed is run by the Rust tests and
// by `npm run gas`.
export const anyChain = {
  evmVersion: 'paris',
  sources: ['src/CheckpointRegistry.sol', 'src/RewardDistributor.sol'],
};

// The same, in the words of foundry.toml.
export const foundrySettings = {
  evm_version: '"cancun"',
  optimizer: 'true',
  optimizer_runs: '10000',
  bytecode_hash: '"none"',
};
