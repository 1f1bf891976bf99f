//! One block in one EVM: the steps that replay, counterfactuals and the load generator share.

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, Bytes, U256};
use revm::{
    Context, Database, DatabaseCommit, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainnetEvm,
    SystemCallEvm,
    context::{
        BlockEnv, ContextTr, TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    handler::MainnetContext,
    primitives::hardfork::SpecId,
    state::{Account, EvmState},
};

use crate::{
    block::{Block, Deposit, Header, Transaction, TransactionKind, Withdrawal},
    changes::Changes,
    fork::Family,
};

/// Wei per gwei; withdrawals are counted in gwei.
const GWEI_WEI: u64 = 1_000_000_000;

/// A block being executed.
pub(crate) struct Executor<DB: Database, W = ()> {
    evm: MainnetEvm<MainnetContext<DB>, W>,
    gas_limit: u64,
    gas_used: u64,
    /// A calldata floor applies that the EVM does not compare with gas limits: before Prague it
    /// knows none.
    floor_unchecked: bool,
}

/// What a block is run under, where that may differ from its header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) gas_limit: u64,
    pub(crate) base_fee: Option<u64>,
    pub(crate) changes: &'a Changes,
}

/// What a transaction pays before it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intrinsic {
    /// Whatever its input.
    pub(crate) fixed: u64,
    /// For its input.
    pub(crate) calldata: u64,
}

/// How transactions are run: as they are (`()`), or watched step by step by an inspector.
pub(crate) trait Watch<DB: Database>: Sized {
    /// Runs a transaction and leaves its changes in the journal.
    fn transact(
        evm: &mut MainnetEvm<MainnetContext<DB>, Self>,
        env: TxEnv,
    ) -> Result<ExecutionResult, EVMError<DB::Error>>;
}

impl<DB: Database> Watch<DB> for () {
    fn transact(
        evm: &mut MainnetEvm<MainnetContext<DB>, Self>,
        env: TxEnv,
    ) -> Result<ExecutionResult, EVMError<DB::Error>> {
        evm.transact_one(env)
    }
}

/// How many times its gas limit a failing transaction is given to see whether gas was what it
/// lacked.
const RAISE_FACTOR: u64 = 10;

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
        let base_fee = block.header.base_fee_per_gas;
        let terms = Terms { gas_limit, base_fee, changes: &Changes::NONE };
        Self::under(block, &terms, state, ())
    }
}

impl<DB: Database + DatabaseCommit, W: Watch<DB>> Executor<DB, W> {
    /// Prepares `block` on `state` under `terms`.
    pub(crate) fn under(block: &Block, terms: &Terms<'_>, state: DB, watch: W) -> Self {
        let rules = block.rules;
        let mut configuration = rules.configuration(block.chain_id);
        terms.changes.configure(&rules, &mut configuration);
        let context: MainnetContext<DB> = Context::new(state, rules.spec);
        let context = context.with_cfg(configuration).with_block(block_env(block, terms));
        let mut evm = context.build_mainnet_with_inspector(watch);
        evm.precompiles = rules.precompiles();
        let floor_unchecked =
            terms.changes.calldata_floor_per_token.is_some() && !rules.has(SpecId::PRAGUE);
        Self { evm, gas_limit: terms.gas_limit, gas_used: 0, floor_unchecked }
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

    /// What watches the transactions.
    pub(crate) const fn watch(&self) -> &W {
        &self.evm.inspector
    }

    /// What watches the transactions.
    pub(crate) const fn watch_mut(&mut self) -> &mut W {
        &mut self.evm.inspector
    }

    /// The state as it stands.
    pub(crate) fn state_mut(&mut self) -> &mut DB {
        self.evm.ctx.db_mut()
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
        if let Some(reason) = self.no_place(transaction) {
            return Ok(Attempt::Rejected(reason));
        }
        let attempt = match self.uncommitted(transaction.env.clone())? {
            Ok(result) => {
                self.evm.commit_inner();
                self.executed(result, None)
            }
            Err(reason) => Attempt::Rejected(RejectReason::Invalid(reason)),
        };
        Ok(attempt)
    }

    /// Why the block has no place for an ordinary transaction, before the EVM looks at it.
    fn no_place(&self, transaction: &Transaction) -> Option<RejectReason> {
        let (gas_limit, gas_left) = (transaction.gas_limit(), self.gas_left());
        if gas_limit > gas_left {
            return Some(RejectReason::BlockGas { gas_limit, gas_left });
        }
        if self.floor_unchecked {
            let gas_floor = self.evm.ctx.cfg.gas_params.tx_floor_cost(transaction.input());
            if gas_floor > gas_limit {
                let reason = InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit };
                return Some(RejectReason::Invalid(reason));
            }
        }
        None
    }

    /// Runs a transaction; its changes stay in the journal, which is empty if it may not run.
    fn uncommitted(
        &mut self,
        env: TxEnv,
    ) -> Result<Result<ExecutionResult, InvalidTransaction>, EVMError<DB::Error>> {
        match W::transact(&mut self.evm, env) {
            Ok(result) => Ok(Ok(result)),
            Err(error) => {
                drop(self.evm.finalize());
                match error {
                    EVMError::Transaction(reason) => Ok(Err(reason)),
                    error => Err(error),
                }
            }
        }
    }

    const fn executed(&mut self, result: ExecutionResult, deposit_nonce: Option<u64>) -> Attempt {
        self.gas_used += result.tx_gas_used();
        Attempt::Executed(Executed { result, deposit_nonce })
    }

    /// As [`Self::transaction`], and says of a transaction that fails or is refused whether it
    /// would have succeeded with more gas.
    pub(crate) fn transaction_or_probe(
        &mut self,
        transaction: &Transaction,
        gas_cap: u64,
    ) -> Result<(Attempt, bool), EVMError<DB::Error>> {
        if transaction.kind != TransactionKind::Ordinary {
            return Ok((self.transaction(transaction)?, false));
        }
        if let Some(reason) = self.no_place(transaction) {
            let fixable =
                lacks_gas(&reason) && self.succeeds_with_more_gas(transaction, gas_cap)?;
            return Ok((Attempt::Rejected(reason), fixable));
        }
        match self.uncommitted(transaction.env.clone())? {
            Ok(result) if result.is_success() => {
                self.evm.commit_inner();
                Ok((self.executed(result, None), false))
            }
            Ok(result) => {
                let changes = self.evm.finalize();
                let fixable = self.succeeds_with_more_gas(transaction, gas_cap)?;
                self.evm.commit(changes);
                Ok((self.executed(result, None), fixable))
            }
            Err(reason) => {
                let reason = RejectReason::Invalid(reason);
                let fixable =
                    lacks_gas(&reason) && self.succeeds_with_more_gas(transaction, gas_cap)?;
                Ok((Attempt::Rejected(reason), fixable))
            }
        }
    }

    /// Whether the transaction, run here on the state as it stands, succeeds when it is given
    /// [`RAISE_FACTOR`] times its gas limit, as far as `gas_cap` and the block allow, whatever its
    /// sender can pay. Nothing is kept.
    fn succeeds_with_more_gas(
        &mut self,
        transaction: &Transaction,
        gas_cap: u64,
    ) -> Result<bool, EVMError<DB::Error>> {
        let raised = transaction.gas_limit().saturating_mul(RAISE_FACTOR);
        let raised = raised.min(gas_cap).min(self.gas_limit);
        let floor = self.evm.ctx.cfg.gas_params.tx_floor_cost(transaction.input());
        if raised <= transaction.gas_limit() || raised < floor {
            return Ok(false);
        }
        let env = TxEnv { gas_limit: raised, ..transaction.env.clone() };
        self.evm.ctx.modify_cfg(|cfg| cfg.disable_balance_check = true);
        let outcome = self.uncommitted(env);
        self.evm.ctx.modify_cfg(|cfg| cfg.disable_balance_check = false);
        drop(self.evm.finalize());
        Ok(outcome?.is_ok_and(|result| result.is_success()))
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

        // It pays nothing and is bound by no limit but its own.
        let cap = self.evm.ctx.cfg.tx_gas_limit_cap;
        self.evm.ctx.modify_cfg(|cfg| {
            cfg.disable_base_fee = true;
            cfg.disable_block_gas_limit = true;
            cfg.tx_gas_limit_cap = Some(u64::MAX);
        });
        let outcome = self.uncommitted(env);
        self.evm.ctx.modify_cfg(|cfg| {
            cfg.disable_base_fee = false;
            cfg.disable_block_gas_limit = false;
            cfg.tx_gas_limit_cap = cap;
        });
        match outcome? {
            Ok(result) => {
                self.evm.commit_inner();
                Ok(self.executed(result, Some(nonce)))
            }
            Err(reason) => Ok(Attempt::Rejected(RejectReason::Invalid(reason))),
        }
    }

    /// Pays the withdrawals, which follow the last transaction.
    pub(crate) fn finish(&mut self, withdrawals: &[Withdrawal]) -> Result<(), EVMError<DB::Error>> {
        for withdrawal in withdrawals {
            let wei = U256::from(withdrawal.amount_gwei) * U256::from(GWEI_WEI);
            self.credit(withdrawal.address, wei)?;
        }
        Ok(())
    }

    /// Pays the static block reward of proof of work (EIP-649, EIP-1234), so that a later block of
    /// the same run finds it; rewards for uncles are left out, since a recorded block does not
    /// say whose they are.
    pub(crate) fn reward(&mut self, block: &Block) -> Result<(), EVMError<DB::Error>> {
        let rules = block.rules;
        let ether: u64 = if rules.has(SpecId::MERGE) || rules.family == Family::OpStack {
            0
        } else if rules.has(SpecId::PETERSBURG) {
            2
        } else if rules.has(SpecId::BYZANTIUM) {
            3
        } else {
            5
        };
        let wei = U256::from(ether) * U256::from(GWEI_WEI) * U256::from(GWEI_WEI);
        self.credit(block.header.beneficiary, wei)
    }

    /// What a transaction pays before it runs.
    pub(crate) fn intrinsic(&self, transaction: &Transaction) -> Intrinsic {
        let price = &self.evm.ctx.cfg.gas_params;
        let env = &transaction.env;
        let all = price.initial_tx_gas_for_tx(env, None).initial_total_gas();
        let bare = TxEnv { data: Bytes::new(), ..env.clone() };
        let fixed = price.initial_tx_gas_for_tx(&bare, None).initial_total_gas();
        Intrinsic { fixed, calldata: all - fixed }
    }

    /// The blob base fee in wei; zero where there is none.
    pub(crate) fn blob_base_fee(&self) -> u128 {
        let price = self.evm.ctx.block.blob_excess_gas_and_price;
        price.map_or(0, |blob| blob.blob_gasprice)
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

/// Whether a transaction is refused because its own gas limit is too low.
const fn lacks_gas(reason: &RejectReason) -> bool {
    matches!(
        reason,
        RejectReason::Invalid(
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
                | InvalidTransaction::GasFloorMoreThanGasLimit { .. }
        )
    )
}

/// The header fields the EVM reads.
pub(crate) fn block_env(block: &Block, terms: &Terms<'_>) -> BlockEnv {
    let Header { number, timestamp, beneficiary, difficulty, mix_hash, .. } = block.header;
    let mut env = BlockEnv {
        number: U256::from(number),
        beneficiary,
        timestamp: U256::from(timestamp),
        gas_limit: terms.gas_limit,
        basefee: terms.base_fee.unwrap_or(0),
        difficulty,
        prevrandao: block.rules.has(SpecId::MERGE).then_some(mix_hash.unwrap_or_default()),
        blob_excess_gas_and_price: None,
        slot_num: 0,
    };
    // The EVM of Cancun asks for it, also on chains whose headers have none.
    let none = (!block.rules.has_consensus_fields()).then_some(0);
    if let (Some(blobs), Some(excess)) = (block.rules.blobs, block.header.excess_blob_gas.or(none))
    {
        env.set_blob_excess_gas_and_price(excess, blobs.update_fraction);
    }
    env
}
