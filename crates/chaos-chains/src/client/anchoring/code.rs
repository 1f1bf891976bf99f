//! What a `CheckpointAnchor` looks like on a chain: its code holds its log's name and its publisher.

use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_sol_types::{SolCall as _, SolValue as _};
use revm::{
    Context, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _,
    context::{TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
};

use crate::contracts::checkpoint_anchor::CheckpointAnchor;

/// Gas that deploying and anchoring stay far below.
const GAS_LIMIT: u64 = 5_000_000;

/// A contract as its constructor makes it, in an EVM of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::client) struct Made {
    /// The code that it has on every chain.
    pub(in crate::client) code: Bytes,
    /// Gas that the first anchor takes, the transaction's own included.
    pub(super) first_anchor_gas: u64,
}

/// What is sent to deploy one.
pub(in crate::client) fn deployment(origin_hash: B256, publisher: Address) -> Bytes {
    let arguments = (origin_hash, publisher).abi_encode_params();
    [CheckpointAnchor::BYTECODE.as_ref(), &arguments].concat().into()
}

/// Deploys one and anchors once, in memory; none where the constructor refuses, as it does nobody as
/// publisher.
pub(in crate::client) fn make(origin_hash: B256, publisher: Address) -> Option<Made> {
    let mut evm = Context::mainnet().with_db(CacheDB::new(EmptyDB::default())).build_mainnet();
    let mut run = |kind, data: Bytes, nonce| {
        let tx = TxEnv::builder().caller(publisher).kind(kind).data(data).nonce(nonce);
        let outcome = evm.transact_commit(tx.gas_limit(GAS_LIMIT).build().ok()?).ok()?;
        match outcome {
            ExecutionResult::Success { .. } => Some(outcome),
            _ => None,
        }
    };
    let deployed = run(TxKind::Create, deployment(origin_hash, publisher), 0)?;
    let (code, contract) = (deployed.output()?.clone(), deployed.created_address()?);
    // A root without zero bytes costs most.
    let call = CheckpointAnchor::anchorCall { size: u64::MAX, root: B256::repeat_byte(0xff) };
    let anchored = run(TxKind::Call(contract), call.abi_encode().into(), 1)?;
    Some(Made { code, first_anchor_gas: anchored.tx_gas_used() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_holds_the_log_and_its_publisher() {
        let origin = B256::repeat_byte(0xa1);
        let publisher = Address::repeat_byte(0xb2);
        let made = make(origin, publisher).unwrap();
        let holds = |part: &[u8]| made.code.windows(part.len()).any(|window| window == part);
        assert!(holds(origin.as_slice()) && holds(publisher.as_slice()));
        assert_eq!(made.code.len(), CheckpointAnchor::DEPLOYED_BYTECODE.len());
        assert_ne!(make(origin, Address::repeat_byte(0xb3)).unwrap().code, made.code);
        assert_eq!(make(origin, Address::ZERO), None);
    }

    #[test]
    fn first_anchor_takes_the_gas_that_was_measured_on_a_chain() {
        let made = make(B256::repeat_byte(0xa1), Address::repeat_byte(0xb2)).unwrap();
        assert!((67_000..70_000).contains(&made.first_anchor_gas), "{}", made.first_anchor_gas);
    }
}
