//! Which chain a node serves.

use chaos_types::ChainId;
use serde_json::json;

use crate::{
    Error,
    json_rpc::{JsonRpc, Quantity64},
};

/// Asks for the chain id and compares it. Every connection starts here.
pub(crate) async fn check_chain(rpc: &JsonRpc, expected: Option<&ChainId>) -> Result<u64, Error> {
    let Quantity64(number) = rpc.request("eth_chainId", json!([])).await?;
    let got = ChainId::evm(number);
    match expected {
        Some(expected) if *expected != got => {
            Err(Error::WrongChain { expected: expected.clone(), got })
        }
        _ => Ok(number),
    }
}
