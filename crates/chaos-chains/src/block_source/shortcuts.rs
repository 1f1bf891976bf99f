//! Calls that give the state of a whole block in one answer, where a node offers them.

use serde_json::{Value, json};

use super::{BlockSource, FetchedBlock};
use crate::{Error, json_rpc::Outcome};

/// The JSON-RPC code for a method that does not exist.
const NO_SUCH_METHOD: i64 = -32601;

/// What `prestateTracer` says about each transaction of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// The state before each transaction: `[{txHash, result}]`.
    pub prestate: Value,
    /// The same in diff mode, which shows the accounts a transaction made.
    pub diff: Value,
}

impl BlockSource {
    /// Traces every transaction of a block with `prestateTracer`: by the block's hash, else by its
    /// number, else transaction by transaction. A block without transactions needs no request.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the node offers none of these; [`Error::Rejected`] if it refuses.
    pub fn traces(&self, block: &FetchedBlock) -> Result<Traces, Error> {
        if block.transactions().is_empty() {
            return Ok(Traces { prestate: json!([]), diff: json!([]) });
        }
        let trace = |diff: bool| {
            let tracer = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": diff}});
            self.trace(block, &tracer)
        };
        Ok(Traces { prestate: trace(false)?, diff: trace(true)? })
    }

    fn trace(&self, block: &FetchedBlock, tracer: &Value) -> Result<Value, Error> {
        let ways = [
            ("debug_traceBlockByHash", json!([block.header.hash, tracer])),
            ("debug_traceBlockByNumber", json!([format!("{:#x}", block.number), tracer])),
        ];
        for (method, params) in ways {
            if let Some(trace) = self.offered(method, params)? {
                return Ok(trace);
            }
        }
        let mut entries = Vec::new();
        for transaction in block.transactions() {
            let hash = &transaction["hash"];
            let method = "debug_traceTransaction";
            let result = self.offered(method, json!([hash, tracer]))?.ok_or_else(|| {
                let url = self.shown_url().to_owned();
                Error::Unsupported { url, capability: "debug_traceBlock… with prestateTracer" }
            })?;
            entries.push(json!({"txHash": hash, "result": result}));
        }
        Ok(Value::Array(entries))
    }

    /// The block's state proof and its parent's header.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the node has no `debug_executionWitness`; [`Error::Rejected`] if it
    /// refuses, as for blocks older than the state it keeps.
    pub fn state_proof(&self, block: &FetchedBlock) -> Result<(Value, Value), Error> {
        let tag = format!("{:#x}", block.number);
        let state_proof =
            self.offered("debug_executionWitness", json!([tag]))?.ok_or_else(|| {
                let url = self.shown_url().to_owned();
                Error::Unsupported { url, capability: "debug_executionWitness" }
            })?;
        let parent =
            self.node.request("eth_getBlockByHash", json!([block.header.parent_hash, false]))?;
        Ok((state_proof, parent))
    }

    /// The answer of a method, or `None` if the node does not have it.
    fn offered(&self, method: &'static str, params: Value) -> Result<Option<Value>, Error> {
        match self.node.ask(method, params)? {
            Outcome::Result(Value::Null) => Ok(None),
            Outcome::Result(value) => Ok(Some(value)),
            Outcome::Refused { code, message, .. } => {
                let words = message.to_ascii_lowercase();
                let absent =
                    ["method not found", "does not exist", "not available", "not supported"];
                if code == NO_SUCH_METHOD || absent.iter().any(|absent| words.contains(absent)) {
                    return Ok(None);
                }
                let reason = crate::error::shorten(&message);
                Err(Error::Rejected { method: method.to_owned(), code, reason })
            }
        }
    }
}

impl FetchedBlock {
    /// The JSON-RPC transaction objects.
    #[must_use]
    pub fn transactions(&self) -> &[Value] {
        self.block["transactions"].as_array().map_or(&[], Vec::as_slice)
    }
}
