//! From wishes to blocks.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use alloy_consensus::TxEnvelope;
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use revm::context::{TxEnv, result::EVMError};
use serde_json::json;

use super::{
    CHAIN_ID, contracts,
    contracts::{ArtifactError, CreationCodes},
    demand::{Cast, Demand, Wish},
    header,
    parameters::{LoadParameters, ParameterError},
    world::World,
};
use crate::{
    Block, Commitments, Header, RecordedBlock, Recording, RejectReason, Transaction,
    TransactionKind, TransactionOutcome, encode,
    execute::{Attempt, Executor},
    fork::{self, UnknownChain},
    overlay::{Overlay, WrittenAccount},
    receipts,
    replay::{outcome, receipt_parts},
};

/// Seconds between blocks.
const SLOT_SECONDS: u64 = 12;
/// Gas a set-up transaction may use: the cap of EIP-7825.
const SETUP_GAS: u64 = 16_777_216;
/// Wei each account starts with: a thousand ether.
const FUNDS_WEI: u128 = 1_000_000_000_000_000_000_000;
/// Smallest units of each token that each account starts with.
const FUNDS_TOKEN: u128 = 1_000_000_000_000_000_000;
/// Smallest units of each token that each pool starts with.
const POOL_TOKEN: u128 = 1_000_000_000_000_000_000_000;

/// A generated chain.
///
/// No transaction is signed: `r` of each signature holds the sender's address, `s` is 1. Hashes and
/// the transactions root are real ones over these placeholders.
#[derive(Debug, Clone)]
pub struct GeneratedLoad {
    /// The chain, by EIP-155 number.
    pub chain_id: u64,
    /// The blocks, oldest first, each standing on the state the one before left.
    pub blocks: Vec<GeneratedBlock>,
    /// `{"0x<code hash>": "0x<code>"}` for every contract, as JSON.
    pub bytecodes: Vec<u8>,
}

/// One generated block.
#[derive(Debug, Clone)]
pub struct GeneratedBlock {
    /// Height.
    pub number: u64,
    /// The recorded form, as JSON.
    pub json: Vec<u8>,
}

/// Why no load was generated.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A parameter is outside its range.
    #[error("bad load parameter")]
    Parameter(#[from] ParameterError),
    /// The contracts in this build are damaged.
    #[error("contracts cannot be loaded")]
    Artifact(#[from] ArtifactError),
    /// The development chain has no rules in this build.
    #[error("development chain has no rules")]
    Chain(#[from] UnknownChain),
    /// The EVM stopped.
    #[error("execution of block {block} stopped")]
    Execution {
        /// The block.
        block: u64,
        /// The cause.
        #[source]
        source: EVMError<Infallible>,
    },
    /// A contract could not be deployed or an account not be funded.
    #[error("set-up transaction {index} failed")]
    SetUp {
        /// Its place.
        index: usize,
    },
}

/// Generates a chain of blocks. The same parameters give the same bytes.
///
/// # Errors
/// [`LoadError::Parameter`] for a parameter outside its range; the others mean that this program
/// was built wrongly.
pub fn generate(parameters: &LoadParameters) -> Result<GeneratedLoad, LoadError> {
    parameters.ensure_valid()?;
    let (mut world, cast) = set_up(parameters)?;
    let mut demand = Demand::new(parameters.seed);
    let mut pool: Vec<Wish> = Vec::new();
    let mut tip = Tip {
        number: 1,
        parent_hash: keccak256(parameters.seed.to_be_bytes()),
        base_fee: parameters.base_fee_wei,
    };
    let mut blocks = Vec::new();
    for _ in 0..parameters.blocks {
        pool.retain(|wish| wish.expires >= tip.number);
        let waiting: BTreeSet<Address> = pool.iter().map(|wish| wish.sender).collect();
        pool.extend(demand.next(parameters, &cast, &waiting, tip.number));
        blocks.push(build(parameters, &mut world, &mut pool, &mut tip)?);
    }
    let bytecodes = encode::to_bytes(&json!(world.codes()));
    Ok(GeneratedLoad { chain_id: CHAIN_ID, blocks, bytecodes })
}

/// Where the chain has got to.
struct Tip {
    number: u64,
    parent_hash: B256,
    base_fee: u64,
}

/// A block without transactions.
fn empty_block(header: Header) -> Result<Block, UnknownChain> {
    let rules = fork::rules(CHAIN_ID, header.number, header.timestamp)?;
    Ok(Block {
        chain_id: CHAIN_ID,
        rules,
        header,
        transactions: Vec::new(),
        withdrawals: Vec::new(),
        hardfork: None,
        unbound: Vec::new(),
    })
}

fn empty_header(tip: &Tip, gas_limit: u64, timestamp: u64) -> Header {
    Header {
        number: tip.number,
        hash: None,
        parent_hash: tip.parent_hash,
        timestamp,
        beneficiary: account_address("beneficiary", 0),
        gas_limit,
        gas_used: 0,
        base_fee_per_gas: Some(tip.base_fee),
        difficulty: U256::ZERO,
        mix_hash: Some(keccak256(tip.parent_hash)),
        receipts_root: alloy_trie::EMPTY_ROOT_HASH,
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        extra_data: None,
        size_bytes: None,
        uncles: Vec::new(),
        commitments: Commitments::default(),
    }
}

/// An address that nobody has the key of.
fn account_address(role: &str, index: u32) -> Address {
    Address::from_word(keccak256(format!("chaoschain load {role} {index}")))
}

/// Builds the next block and moves the chain on.
fn build(
    parameters: &LoadParameters,
    world: &mut World,
    pool: &mut Vec<Wish>,
    tip: &mut Tip,
) -> Result<GeneratedBlock, LoadError> {
    let number = tip.number;
    let timestamp = parameters.timestamp + (number - 1) * SLOT_SECONDS;
    let block = empty_block(empty_header(tip, parameters.gas_limit, timestamp))?;
    let mut filled = fill(block, world, pool)?;
    world.absorb(filled.written.into_iter());

    let parts = receipt_parts(&filled.outcomes);
    let header = &mut filled.recorded.block.header;
    header.receipts_root = receipts::receipts_root(&parts);
    let bloom = receipts::logs_bloom(filled.outcomes.iter().flat_map(|outcome| &outcome.logs));
    let full = header::full_header(header, &filled.envelopes, bloom);
    let hash = full.hash_slow();
    header.hash = Some(hash);
    filled.recorded.block_hashes.insert(number - 1, tip.parent_hash);
    let mut value = encode::to_value(&filled.recorded);
    header::complete(&mut value["block"], &full);

    let rule = BaseFeeParams::ethereum();
    tip.base_fee = calc_next_block_base_fee(full.gas_used, full.gas_limit, tip.base_fee, rule);
    tip.parent_hash = hash;
    tip.number += 1;
    Ok(GeneratedBlock { number, json: encode::to_bytes(&value) })
}

/// A filled block, its receipts root and hash still missing.
struct Filled {
    outcomes: Vec<TransactionOutcome>,
    envelopes: Vec<TxEnvelope>,
    recorded: RecordedBlock,
    written: Vec<(Address, WrittenAccount)>,
}

/// Puts the best-paying wishes that fit into a block, and leaves the others in `pool`.
fn fill(mut block: Block, world: &World, pool: &mut Vec<Wish>) -> Result<Filled, LoadError> {
    let number = block.header.number;
    let base_fee = block.header.base_fee_per_gas;
    let price = u128::from(base_fee.unwrap_or(0));
    // Stable, so that of equal tips the older wish comes first; those below the base fee last.
    pool.sort_by_key(|wish| {
        Reverse(wish.fee_max.checked_sub(price).map(|most| most.min(wish.tip_max)))
    });

    let stop = |source| LoadError::Execution { block: number, source };
    let recorder = Recording::new(world);
    let mut executor = Executor::new(&block, block.header.gas_limit, Overlay::new(&recorder));
    executor.begin(&block).map_err(stop)?;
    let (mut outcomes, mut envelopes, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for wish in pool.drain(..) {
        if wish.fee_max < price {
            left.push(wish);
            continue;
        }
        let (transaction, envelope) = header::transaction(&wish, world.nonce(wish.sender));
        match executor.transaction(&transaction).map_err(stop)? {
            Attempt::Executed(executed) => {
                let index = block.transactions.len();
                outcomes.push(outcome(index, &transaction, base_fee, executed));
                block.transactions.push(transaction);
                envelopes.push(envelope);
            }
            Attempt::Rejected(RejectReason::BlockGas { .. }) => left.push(wish),
            // Its sender ran out of funds; the wish is dropped.
            Attempt::Rejected(RejectReason::Invalid(_)) | Attempt::Skipped => {}
        }
    }
    *pool = left;
    block.header.gas_used = executor.gas_used();
    let written = executor.into_state().into_written().into_iter().collect();
    let (recorded, _) = recorder.unsealed(block);
    Ok(Filled { outcomes, envelopes, recorded, written })
}

/// Deploys the contracts and funds the accounts, in a block that is not part of the load.
fn set_up(parameters: &LoadParameters) -> Result<(World, Cast), LoadError> {
    let codes = CreationCodes::embedded()?;
    let deployer = account_address("deployer", 0);
    let accounts: Vec<Address> =
        (0..parameters.accounts).map(|index| account_address("account", index)).collect();
    let mut world = World::default();
    for account in accounts.iter().chain([&deployer]) {
        world.fund(*account, U256::from(FUNDS_WEI));
    }

    let address = |nonce: u64| deployer.create(nonce);
    let tokens = vec![address(0), address(1), address(2)];
    let pools = vec![address(3), address(4), address(5)];
    let nfts = vec![address(6), address(7)];
    let pairs = [(0, 1), (1, 2), (0, 2)];
    let mut steps: Vec<(Address, TxKind, Bytes)> = Vec::new();
    for (name, symbol) in [("Load Amber", "LA"), ("Load Basalt", "LB"), ("Load Cobalt", "LC")] {
        steps.push((deployer, TxKind::Create, codes.token(name, symbol)));
    }
    for (first, second) in pairs {
        steps.push((deployer, TxKind::Create, codes.pool(tokens[first], tokens[second])));
    }
    steps
        .extend([(deployer, TxKind::Create, codes.nft()), (deployer, TxKind::Create, codes.nft())]);
    let pool_funds = U256::from(POOL_TOKEN);
    for token in &tokens {
        let funds = contracts::mint(deployer, pool_funds * U256::from(tokens.len()));
        steps.push((deployer, TxKind::Call(*token), funds));
    }
    for (pool, (first, second)) in pools.iter().zip(pairs) {
        for token in [first, second] {
            steps.push((deployer, TxKind::Call(tokens[token]), contracts::approve(*pool)));
        }
        steps.push((deployer, TxKind::Call(*pool), contracts::add_liquidity(pool_funds)));
    }
    for account in &accounts {
        for token in &tokens {
            let funds = contracts::mint(*account, U256::from(FUNDS_TOKEN));
            steps.push((deployer, TxKind::Call(*token), funds));
        }
        for (pool, (first, second)) in pools.iter().zip(pairs) {
            for token in [first, second] {
                steps.push((*account, TxKind::Call(tokens[token]), contracts::approve(*pool)));
            }
        }
    }
    run_set_up(&mut world, steps)?;
    Ok((world, Cast { accounts, tokens, pools, nfts }))
}

fn run_set_up(world: &mut World, steps: Vec<(Address, TxKind, Bytes)>) -> Result<(), LoadError> {
    let start = Tip { number: 0, parent_hash: B256::ZERO, base_fee: 0 };
    let block = empty_block(empty_header(&start, u64::MAX, 0))?;
    let mut executor = Executor::new(&block, u64::MAX, Overlay::new(&*world));
    let mut nonces = BTreeMap::<Address, u64>::new();
    for (index, (caller, kind, data)) in steps.into_iter().enumerate() {
        let nonce = nonces.entry(caller).or_default();
        let env = TxEnv {
            caller,
            gas_limit: SETUP_GAS,
            kind,
            data,
            nonce: *nonce,
            chain_id: Some(CHAIN_ID),
            ..TxEnv::default()
        };
        *nonce += 1;
        let transaction =
            Transaction { hash: B256::ZERO, kind: TransactionKind::Ordinary, env, signature: None };
        let attempt = executor
            .transaction(&transaction)
            .map_err(|source| LoadError::Execution { block: 0, source })?;
        match attempt {
            Attempt::Executed(executed) if executed.result.is_success() => {}
            _ => return Err(LoadError::SetUp { index }),
        }
    }
    let written: Vec<_> = executor.into_state().into_written().into_iter().collect();
    world.absorb(written.into_iter());
    Ok(())
}
