//! A block and the state it ran on, decoded from untrusted bytes.
//!
//! The recorded form is one JSON object, plain or gzipped:
//! `{"block": …, "preState": …, "blockHashes": …, "receipts": …}`. `block` is the JSON-RPC block
//! with full transactions, `from` included, so no signature is recovered. `preState` maps an
//! address to `{balance, nonce, code_hash, storage}` at the start of the block, limited to what
//! the block reads. `blockHashes` maps a decimal block number to the hash that `BLOCKHASH` may
//! ask for. `receipts` is optional, and so is `hardfork`: the rules that somebody named, where the
//! chain's schedule of forks is not known or not followed.
//!
//! What the header commits to is computed again as the block is read ([`body`]), so no decoded block has
//! a body that its own header denies; what could not be computed is kept in [`Block::unbound`].

use std::collections::BTreeMap;

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256};
use chaos_types::Digest;
use revm::context::TxEnv;

use crate::fork::{ForkRules, Hardfork, Under};

pub mod body;
pub(crate) mod decode;
mod error;
mod foreign;
pub mod import;
pub(crate) mod quantity;
mod wire;

pub use body::{Part, Unbound, Why};
pub use decode::BLOCK_BYTES_MAX;
pub use error::DecodeError;

/// A block with everything needed to execute it, as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedBlock {
    /// The block.
    pub block: Block,
    /// The state at the start of the block, limited to what the block reads.
    pub pre_state: BTreeMap<Address, RecordedAccount>,
    /// Hashes of ancestors by block number.
    pub block_hashes: BTreeMap<u64, B256>,
    /// The receipts the chain recorded, if the file holds them.
    pub receipts: Option<Vec<RecordedReceipt>>,
    /// SHA-256 of the decompressed file.
    pub digest: Digest,
}

/// A block: header, transactions and withdrawals, with the rules it runs under.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The chain, by EIP-155 number.
    pub chain_id: u64,
    /// The rules of this block on this chain.
    pub rules: ForkRules,
    /// The header.
    pub header: Header,
    /// The transactions in block order.
    pub transactions: Vec<Transaction>,
    /// The withdrawals, from Shanghai on.
    pub withdrawals: Vec<Withdrawal>,
    /// The hard fork that was named for it, in the place of the chain's schedule.
    pub hardfork: Option<Hardfork>,
    /// What of it could not be held to its header, and why.
    pub unbound: Vec<Unbound>,
}

/// The header fields that execution reads or that its result is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Height.
    pub number: u64,
    /// Hash, if recorded.
    pub hash: Option<B256>,
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// The account that receives tips.
    pub beneficiary: Address,
    /// Most gas the block may use.
    pub gas_limit: u64,
    /// Gas the block used.
    pub gas_used: u64,
    /// Base fee in wei per gas, from London on.
    pub base_fee_per_gas: Option<u64>,
    /// Proof-of-work difficulty; zero since the Merge.
    pub difficulty: U256,
    /// Mix hash, or the beacon chain's randomness since the Merge; execution reads it since then.
    pub mix_hash: Option<B256>,
    /// Root of the receipts trie.
    pub receipts_root: B256,
    /// Blob gas used, from Cancun on.
    pub blob_gas_used: Option<u64>,
    /// Excess blob gas, from Cancun on.
    pub excess_blob_gas: Option<u64>,
    /// Root of the parent beacon block (EIP-4788), from Cancun on.
    pub parent_beacon_block_root: Option<B256>,
    /// Free bytes of the block's builder, if recorded. OP-stack chains keep their base-fee rule
    /// there.
    pub extra_data: Option<Bytes>,
    /// Bytes of the encoded block, if recorded.
    pub size_bytes: Option<u64>,
    /// Hashes of its uncles, if recorded.
    pub uncles: Vec<B256>,
    /// What execution does not read of the header, as far as it is recorded.
    pub commitments: Commitments,
}

/// The fields of a header that execution does not read and its hash needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commitments {
    /// Keccak-256 of the list of uncles.
    pub ommers_hash: Option<B256>,
    /// Root of the state after the block.
    pub state_root: Option<B256>,
    /// Root of the transactions.
    pub transactions_root: Option<B256>,
    /// Union of the logs' blooms.
    pub logs_bloom: Option<Bloom>,
    /// Nonce of proof of work.
    pub nonce: Option<B64>,
    /// Root of the withdrawals; on OP-stack chains since Isthmus, of a contract's storage.
    pub withdrawals_root: Option<B256>,
    /// Hash of the requests to the beacon chain (EIP-7685).
    pub requests_hash: Option<B256>,
}

/// A transaction, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Hash, as recorded.
    pub hash: B256,
    /// What sort of transaction it is.
    pub kind: TransactionKind,
    /// The fields the EVM reads. Meaningless for [`TransactionKind::Unsupported`].
    pub env: TxEnv,
    /// Its signature, if recorded.
    pub signature: Option<RecordedSignature>,
}

/// A transaction's signature as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedSignature {
    /// First half.
    pub r: U256,
    /// Second half.
    pub s: U256,
    /// The parity of the point, or for a legacy transaction the number that also holds the chain
    /// (EIP-155).
    pub v: u64,
}

/// The sort of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionKind {
    /// Pays for its gas: legacy, EIP-2930, EIP-1559, EIP-4844 or EIP-7702.
    Ordinary,
    /// An OP-stack deposit, which the rollup itself inserts.
    Deposit(Deposit),
    /// A type that is not understood; it is skipped and reported.
    Unsupported,
}

/// What an OP-stack deposit has beside an ordinary transaction
/// ([specification](https://specs.optimism.io/protocol/deposits.html)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposit {
    /// Wei created for the sender before execution.
    pub mint_wei: U256,
    /// Version of the receipt, from Canyon on.
    pub receipt_version: Option<u64>,
    /// What makes its hash its own, if recorded.
    pub source_hash: Option<B256>,
    /// Whether it was free of the block's gas, before Regolith.
    pub is_system: bool,
}

/// A payment from the beacon chain, in gwei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawal {
    /// Who is paid.
    pub address: Address,
    /// Amount in gwei.
    pub amount_gwei: u64,
    /// Its running number and its validator's, if recorded.
    pub numbers: Option<(u64, u64)>,
}

/// An account at the start of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAccount {
    /// Balance in wei.
    pub balance: U256,
    /// Number of transactions sent, or of contracts created by a contract.
    pub nonce: u64,
    /// Keccak-256 of the code; the hash of nothing for an account without code.
    pub code_hash: B256,
    /// The slots whose value is known.
    pub storage: BTreeMap<U256, U256>,
}

/// What a recorded receipt says about its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedReceipt {
    /// Gas used by this transaction.
    pub gas_used: u64,
    /// Whether it succeeded.
    pub success: bool,
    /// Wei paid per gas, if recorded.
    pub effective_gas_price: Option<u128>,
    /// Number of logs, if recorded.
    pub logs_count: Option<u64>,
}

impl Transaction {
    /// The account that pays and signs.
    #[must_use]
    pub const fn sender(&self) -> Address {
        self.env.caller
    }

    /// Most gas the transaction may use.
    #[must_use]
    pub const fn gas_limit(&self) -> u64 {
        self.env.gas_limit
    }

    /// The EIP-2718 type; 0 for a legacy transaction.
    #[must_use]
    pub const fn type_byte(&self) -> u8 {
        match self.kind {
            TransactionKind::Deposit(_) => decode::DEPOSIT_TYPE,
            TransactionKind::Ordinary | TransactionKind::Unsupported => self.env.tx_type,
        }
    }

    /// The input data.
    #[must_use]
    pub const fn input(&self) -> &Bytes {
        &self.env.data
    }

    /// Wei paid per gas at `base_fee` (EIP-1559); the gas price before London.
    #[must_use]
    pub fn effective_gas_price(&self, base_fee: u64) -> u128 {
        match self.env.gas_priority_fee {
            Some(priority) => self.env.gas_price.min(u128::from(base_fee).saturating_add(priority)),
            None => self.env.gas_price,
        }
    }

    /// Wei per gas that go to the block's beneficiary at `base_fee`; zero if the transaction does
    /// not even pay the base fee.
    #[must_use]
    pub fn effective_tip(&self, base_fee: u64) -> u128 {
        self.effective_gas_price(base_fee).saturating_sub(u128::from(base_fee))
    }
}

impl RecordedBlock {
    /// Reads a recorded block, plain or gzipped.
    ///
    /// The chain is taken from the transactions, which must agree with each other and with
    /// `expected_chain`. A block whose transactions name no chain (they predate EIP-155, or there
    /// are none) is taken to be on `expected_chain`, or on Ethereum mainnet if that is not given.
    ///
    /// # Errors
    /// [`DecodeError`], naming the block and the field.
    pub fn decode(bytes: &[u8], expected_chain: Option<u64>) -> Result<Self, DecodeError> {
        decode::recorded_block(bytes, expected_chain, None)
    }

    /// As [`RecordedBlock::decode`], under what is named in the place of the chain's built-in schedule. A file
    /// that names none is read as if it named this one, and its digest is that of the file with the name
    /// in it, so that the name is part of every result.
    ///
    /// # Errors
    /// As [`RecordedBlock::decode`]; [`DecodeError::OtherHardfork`] if the file names another.
    pub(crate) fn decode_under(
        bytes: &[u8],
        expected_chain: Option<u64>,
        under: Option<Under>,
    ) -> Result<Self, DecodeError> {
        decode::recorded_block(bytes, expected_chain, under)
    }
}

impl Block {
    /// Reads a block as a node returns it from `eth_getBlockByNumber` with full transactions.
    ///
    /// # Errors
    /// As [`RecordedBlock::decode`].
    pub fn decode_rpc(json: &[u8], expected_chain: Option<u64>) -> Result<Self, DecodeError> {
        decode::rpc_block(json, expected_chain, None)
    }

    /// As [`Block::decode_rpc`], under what is named in the place of the chain's built-in schedule.
    ///
    /// # Errors
    /// As [`RecordedBlock::decode`].
    pub fn decode_rpc_under(
        json: &[u8],
        expected_chain: Option<u64>,
        under: Option<Under>,
    ) -> Result<Self, DecodeError> {
        decode::rpc_block(json, expected_chain, under)
    }
}

#[cfg(test)]
mod tests;
