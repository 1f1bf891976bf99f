//! What deploying takes that no node can tell yet, because it rests on what is deployed before it.

use alloy_primitives::{Address, Bytes, TxKind};
use revm::{
    Context, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _,
    context::{TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
};

use crate::client::stack::{StackConfig, creation};

/// Gas that each deployment stays below.
const GAS_LIMIT: u64 = 16_000_000;

/// Gas of the governor with its timelock, in an EVM of our own; none where the constructor refuses the terms.
pub(super) fn of_governor(account: Address, terms: &StackConfig) -> Option<u64> {
    let mut evm = Context::mainnet().with_db(CacheDB::new(EmptyDB::default())).build_mainnet();
    let mut create = |data: &Bytes, nonce| {
        let tx = TxEnv::builder().caller(account).kind(TxKind::Create).data(data.clone());
        let outcome = evm.transact_commit(tx.nonce(nonce).gas_limit(GAS_LIMIT).build().ok()?);
        match outcome.ok()? {
            outcome @ ExecutionResult::Success { .. } => Some(outcome),
            _ => None,
        }
    };
    let token = create(creation::token(terms.supply).input(), 0)?.created_address()?;
    Some(create(creation::governor(token, terms).input(), 1)?.tx_gas_used())
}
