//! One block in one EVM: the steps that replay, counterfactuals and the load generator share.

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, U256};
use revm::{
    Context, Database, DatabaseCommit, ExecuteCommitEvm, MainBuilder, MainnetEvm, SystemCallEvm,
    context::{
        BlockEnv, ContextTr,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    handler::MainnetContext,
    primitives::hardfork::SpecId,
    state::{Account, EvmState},
};

use crate::evm::block::{Block, Deposit, Header, Transaction, TransactionKind, Withdrawal};

/// Wei per gwei; withdrawals are counted in gwei.
const GWEI_WEI: u64 = 1_000_000_000;

/// A block being executed.
pub(crate) struct Executor<DB: Database> {
    evm: MainnetEvm<MainnetContext<DB>>,
    gas_limit: u64,
    gas_used: u64,
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It ran, perhaps to a revert.
    Executed(Executed),
    /// It may not stand in this block at this place.
    Rejected(RejectReason),
    /// Its type is not understood.
    Skipped,
}

/// A transaction that ran.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) result: ExecutionResult,
    /// The nonce a deposit's sender had before it.
    pub(crate) deposit_nonce: Option<u64>,
}

/// Why a transaction may not stand in a block at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// It may use more gas than the block has left.
    #[error("gas limit {gas_limit} exceeds the {gas_left} gas left in the block")]
    BlockGas {
        /// The transaction's gas limit.
        gas_limit: u64,
        /// What the block has left.
        gas_left: u64,
    },
    /// It breaks a rule of the protocol, such as a wrong nonce.
    #[error(transparent)]
    Invalid(InvalidTransaction),
}

impl<DB: Database + DatabaseCommit> Executor<DB> {
    /// Prepares `block` on `state`, with `gas_limit` in place of the header's.
    pub(crate) fn new(block: &Block, gas_limit: u64, state: DB) -> Self {
        let rules = block.rules;
        let context: MainnetContext<DB> = Context::new(state, rules.spec);
        let context = context
            .with_cfg(rules.configuration(block.chain_id))
            .with_block(block_env(block, gas_limit));
        let mut evm = context.build_mainnet();
        evm.precompiles = rules.precompiles();
        Self { evm, gas_limit, gas_used: 0 }
    }

    /// Gas used by the transactions so far.
    pub(crate) const fn gas_used(&self) -> u64 {
        self.gas_used
    }

    /// Gas left in the block.
    pub(crate) const fn gas_left(&self) -> u64 {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    /// The state as it stands.
    pub(crate) fn state(&self) -> &DB {
        self.evm.ctx.db()
    }

    /// Ends execution and hands the state back.
    pub(crate) fn into_state(self) -> DB {
        self.evm.ctx.journaled_state.database
    }

    /// Makes the system calls at the start of a block: EIP-4788 stores the parent beacon root,
    /// EIP-2935 the parent hash. Where the contract does not exist the call does nothing.
    pub(crate) fn begin(&mut self, block: &Block) -> Result<(), EVMError<DB::Error>> {
        let header = &block.header;
        if header.number == 0 {
            return Ok(());
        }
        if block.rules.has(SpecId::CANCUN)
            && let Some(root) = header.parent_beacon_block_root
        {
            self.system_call(eip4788::BEACON_ROOTS_ADDRESS, root.0)?;
        }
        if block.rules.has(SpecId::PRAGUE) {
            self.system_call(eip2935::HISTORY_STORAGE_ADDRESS, header.parent_hash.0)?;
        }
        Ok(())
    }

    fn system_call(&mut self, to: Address, data: [u8; 32]) -> Result<(), EVMError<DB::Error>> {
        // A call to nothing is skipped, as the EIPs say, so that it leaves no touched account.
        if self.evm.ctx.db_mut().basic(to)?.is_none() {
            return Ok(());
        }
        let state = self.evm.system_call(to, data.to_vec().into())?.state;
        self.evm.ctx.db_mut().commit(state);
        Ok(())
    }

    /// Runs the next transaction and commits what it did.
    pub(crate) fn transaction(
        &mut self,
        transaction: &Transaction,
    ) -> Result<Attempt, EVMError<DB::Error>> {
        match transaction.kind {
            TransactionKind::Ordinary => self.ordinary(transaction),
            TransactionKind::Deposit(deposit) => self.deposit(transaction, &deposit),
            TransactionKind::Unsupported => Ok(Attempt::Skipped),
        }
    }

    fn ordinary(&mut self, transaction: &Transaction) -> Result<Attempt, EVMError<DB::Error>> {
        let (gas_limit, gas_left) = (transaction.gas_limit(), self.gas_left());
        if gas_limit > gas_left {
            return Ok(Attempt::Rejected(RejectReason::BlockGas { gas_limit, gas_left }));
        }
        match self.evm.transact_commit(transaction.env.clone()) {
            Ok(result) => {
                self.gas_used += result.tx_gas_used();
                Ok(Attempt::Executed(Executed { result, deposit_nonce: None }))
            }
            Err(EVMError::Transaction(reason)) => {
                Ok(Attempt::Rejected(RejectReason::Invalid(reason)))
            }
            Err(error) => Err(error),
        }
    }

    /// Runs an OP-stack deposit: wei is minted first and kept whatever happens, nothing is paid for
    /// gas, the nonce is not checked, and a deposit that may not run uses all its gas.
    fn deposit(
        &mut self,
        transaction: &Transaction,
        deposit: &Deposit,
    ) -> Result<Attempt, EVMError<DB::Error>> {
        let sender = transaction.sender();
        self.credit(sender, deposit.mint_wei)?;
        let nonce = self.evm.ctx.db_mut().basic(sender)?.map_or(0, |account| account.nonce);
        let mut env = transaction.env.clone();
        env.nonce = nonce;

        self.evm.ctx.modify_cfg(|cfg| cfg.disable_base_fee = true);
        let outcome = self.evm.transact_commit(env);
        self.evm.ctx.modify_cfg(|cfg| cfg.disable_base_fee = false);

        let result = match outcome {
            Ok(result) => result,
            Err(EVMError::Transaction(reason)) => {
                return Ok(Attempt::Rejected(RejectReason::Invalid(reason)));
            }
            Err(error) => return Err(error),
        };
        self.gas_used += result.tx_gas_used();
        Ok(Attempt::Executed(Executed { result, deposit_nonce: Some(nonce) }))
    }

    /// Pays the withdrawals, which follow the last transaction.
    pub(crate) fn finish(&mut self, withdrawals: &[Withdrawal]) -> Result<(), EVMError<DB::Error>> {
        for withdrawal in withdrawals {
            let wei = U256::from(withdrawal.amount_gwei) * U256::from(GWEI_WEI);
            self.credit(withdrawal.address, wei)?;
        }
        Ok(())
    }

    fn credit(&mut self, address: Address, wei: U256) -> Result<(), EVMError<DB::Error>> {
        if wei.is_zero() {
            return Ok(());
        }
        let database = self.evm.ctx.db_mut();
        let mut account = Account::from(database.basic(address)?.unwrap_or_default());
        account.info.balance = account.info.balance.saturating_add(wei);
        account.mark_touch();
        database.commit(EvmState::from_iter([(address, account)]));
        Ok(())
    }
}

/// The header fields the EVM reads.
fn block_env(block: &Block, gas_limit: u64) -> BlockEnv {
    let Header { number, timestamp, beneficiary, difficulty, mix_hash, .. } = block.header;
    let mut env = BlockEnv {
        number: U256::from(number),
        beneficiary,
        timestamp: U256::from(timestamp),
        gas_limit,
        basefee: block.header.base_fee_per_gas.unwrap_or(0),
        difficulty,
        prevrandao: block.rules.has(SpecId::MERGE).then_some(mix_hash),
        blob_excess_gas_and_price: None,
        slot_num: 0,
    };
    if let (Some(blobs), Some(excess)) = (block.rules.blobs, block.header.excess_blob_gas) {
        env.set_blob_excess_gas_and_price(excess, blobs.update_fraction);
    }
    env
}
