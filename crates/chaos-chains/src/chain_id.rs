//! Which chain a node serves.

use alloy_primitives::U64;
use chaos_types::ChainId;
use serde_json::json;

use crate::{Error, json_rpc::JsonRpc};

/// Asks for the chain id and compares it. Every connection starts here.
pub(crate) async fn check_chain(rpc: &JsonRpc, expected: Option<&ChainId>) -> Result<u64, Error> {
    let number: U64 = rpc.request("eth_chainId", json!([])).await?;
    let got = ChainId::evm(number.to());
    match expected {
        Some(expected) if *expected != got => {
            Err(Error::WrongChain { expected: expected.clone(), got })
        }
        _ => Ok(number.to()),
    }
}
