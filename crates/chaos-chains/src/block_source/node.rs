//! A connection together with the runtime it needs, and how it is asked about one state.

use std::sync::atomic::{AtomicU8, Ordering};

use alloy_primitives::B256;
use serde_json::{Value, json};

use crate::{
    Error,
    blocking::Blocking,
    json_rpc::{JsonRpc, Outcome},
};

/// It is not known yet whether the node reads state by block hash (EIP-1898).
const UNKNOWN: u8 = 0;
const BY_HASH: u8 = 1;
const BY_NUMBER: u8 = 2;

#[derive(Debug)]
pub(crate) struct Node {
    rpc: JsonRpc,
    blocking: Blocking,
    state_tags: AtomicU8,
}

impl Node {
    pub(crate) fn new(rpc: JsonRpc) -> Result<Self, Error> {
        Ok(Self { rpc, blocking: Blocking::new()?, state_tags: AtomicU8::new(UNKNOWN) })
    }

    pub(crate) const fn rpc(&self) -> &JsonRpc {
        &self.rpc
    }

    pub(crate) const fn blocking(&self) -> &Blocking {
        &self.blocking
    }

    pub(crate) fn request<T>(&self, method: &'static str, params: Value) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let rpc = self.rpc.clone();
        self.blocking.run(async move { rpc.request(method, params).await })
    }

    pub(crate) fn ask(&self, method: &'static str, params: Value) -> Result<Outcome, Error> {
        let rpc = self.rpc.clone();
        self.blocking.run(async move { rpc.ask(method, params).await })
    }

    pub(super) fn batch(&self, calls: Vec<(&'static str, Value)>) -> Result<Vec<Value>, Error> {
        let rpc = self.rpc.clone();
        self.blocking.run(async move { rpc.batch(&calls).await })
    }

    /// Asks about the state after a block, by its hash where the node can
    /// ([EIP-1898](https://eips.ethereum.org/EIPS/eip-1898)), else by its number. The block is added
    /// as the last parameter.
    pub(crate) fn read_state(
        &self,
        number: u64,
        hash: B256,
        calls: &[(&'static str, Vec<Value>)],
    ) -> Result<Vec<Value>, Error> {
        let at = |tag: &Value| {
            let call = |(method, params): &(&'static str, Vec<Value>)| {
                let params = params.iter().chain([tag]).cloned().collect();
                (*method, Value::Array(params))
            };
            calls.iter().map(call).collect::<Vec<_>>()
        };
        let tags = self.state_tags.load(Ordering::Relaxed);
        if tags != BY_NUMBER {
            match self.batch(at(&json!({"blockHash": hash}))) {
                Ok(answers) => {
                    self.state_tags.store(BY_HASH, Ordering::Relaxed);
                    return Ok(answers);
                }
                Err(Error::Rejected { code, reason, .. })
                    if tags == UNKNOWN && refuses_hash(code, &reason) =>
                {
                    self.state_tags.store(BY_NUMBER, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        self.batch(at(&json!(format!("{number:#x}"))))
    }

    /// Whether state is read by number, so that a reorganisation in between would go unseen.
    pub(super) fn reads_by_number(&self) -> bool {
        self.state_tags.load(Ordering::Relaxed) == BY_NUMBER
    }
}

/// Whether a refusal is about the form of the block parameter, not about the block.
fn refuses_hash(code: i64, reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    code == -32602
        || ["invalid argument", "cannot unmarshal", "invalid type", "invalid params", "expected"]
            .iter()
            .any(|words| reason.contains(words))
}
