//! What sending asks of a node, by questions that send nothing.

use alloy_primitives::{Address, B256, U64};
use serde_json::{Value, json};

use super::{Finding, Found, costs::ANY, probes::Asked};
use crate::{Error, client::EvmChain, json_rpc::Outcome};

/// A node whose newest block is older by the reader's clock, in seconds, is behind.
const NEWEST_AGE_S_MAX: u64 = 3_600;
/// Numbers of chains on somebody's own machine, which mine only when asked and by a clock of their own.
const LOCAL_NUMBERS: [u64; 2] = [1_337, 31_337];

/// The code for a method that is not there.
const NO_METHOD: i64 = -32_601;
/// The code for one that is there and not supported (EIP-1474).
const NOT_SUPPORTED: i64 = -32_004;
/// By such words a node says that it does not take transactions at all, rather than not these bytes.
const NOT_TAKEN: [&str; 13] = [
    "method",
    "not supported",
    "unsupported",
    "not allowed",
    "not available",
    "not accept",
    "not permitted",
    "unauthorized",
    "forbidden",
    "disabled",
    "denied",
    "read-only",
    "readonly",
];

impl EvmChain {
    /// Whether the node takes transactions: it is offered bytes that are none, which it has to refuse as such.
    pub(super) async fn takes_transactions(&self) -> Result<Finding, Error> {
        let method = "eth_sendRawTransaction";
        let is_taken = match self.rpc.ask(method, json!(["0x"])).await {
            Ok(Outcome::Refused { code, message, .. }) => refuses_bytes(code, &message),
            Ok(Outcome::Result(_)) | Err(Error::Rejected { .. }) => false,
            Err(error) => return Err(error),
        };
        let (found, text) = if is_taken {
            (Found::Here, format!("{method} reads what it is given"))
        } else {
            (Found::Missing, format!("{method}: none; another node"))
        };
        Ok(Finding { name: "sending", found, needed_for: ANY, text })
    }

    /// The node has a method for transactions: one that says it has none is known before what cannot be taken back. What
    /// it says of bytes that are none means nothing else here, since nodes say it in many ways.
    pub(in crate::client) async fn ensure_hands_in(&self) -> Result<(), Error> {
        let capability = "eth_sendRawTransaction";
        match self.rpc.ask(capability, json!(["0x"])).await {
            Ok(Outcome::Refused { code: NO_METHOD | NOT_SUPPORTED, .. }) => {
                Err(Error::Unsupported { url: self.url().to_owned(), capability })
            }
            Ok(_) | Err(Error::Rejected { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// By these the journal learns what became of what was sent: asked of what nobody sent.
    pub(super) async fn looks_up(&self) -> Result<[Finding; 2], Error> {
        let asked = self.probe("eth_getTransactionReceipt", json!([B256::ZERO])).await?;
        let (found, text) = match asked {
            Asked::Answered(Value::Null) => (Found::Here, "eth_getTransactionReceipt".to_owned()),
            Asked::Answered(_) => {
                (Found::Missing, "one of what nobody sent; another node".to_owned())
            }
            Asked::Refused(words) => (Found::Missing, words),
        };
        let receipt = Finding { name: "a receipt", found, needed_for: ANY, text };
        let asked = self.probe("eth_getTransactionByHash", json!([B256::ZERO])).await?;
        let (found, text) = match asked {
            Asked::Answered(Value::Null) => (Found::Here, "eth_getTransactionByHash"),
            Asked::Answered(_) | Asked::Refused(_) => {
                (Found::Limited, "what a journal lost is not outbid by its price")
            }
        };
        let text = text.to_owned();
        Ok([receipt, Finding { name: "a transaction", found, needed_for: &[], text }])
    }

    /// The account's next nonce, landed and waiting, and the gas of a transfer of nothing.
    pub(super) async fn plans(&self, account: Option<Address>) -> Result<[Finding; 2], Error> {
        let account = account.unwrap_or_default();
        let named = |name, lacks: Option<String>| {
            let found = if lacks.is_none() { Found::Here } else { Found::Missing };
            let text = lacks.unwrap_or_else(|| "answered".to_owned());
            Finding { name, found, needed_for: ANY, text }
        };
        let mut lacks = None;
        for at in ["latest", "pending"] {
            let asked = self.probe("eth_getTransactionCount", json!([account, at])).await?;
            lacks = lacks.or(asked.no_number());
        }
        let nonce = named("nonces", lacks);
        let transfer = json!([{"from": account, "to": account, "data": "0x"}]);
        let asked = self.probe("eth_estimateGas", transfer).await?;
        Ok([nonce, named("eth_estimateGas", asked.no_number())])
    }

    /// Whether the node is at its chain's end: as it says of itself, and by the age of its newest block.
    pub(super) async fn is_up_to_date(
        &self,
        newest: &Value,
        now_s: u64,
    ) -> Result<[Finding; 2], Error> {
        let (found, text) = match self.probe("eth_syncing", json!([])).await? {
            Asked::Answered(Value::Bool(false)) => (Found::Here, "it has caught up, as it says"),
            Asked::Answered(_) => {
                (Found::Missing, "it is still catching up; wait, or another node")
            }
            Asked::Refused(_) => (Found::Limited, "not said; its newest block tells"),
        };
        let syncing =
            Finding { name: "eth_syncing", found, needed_for: ANY, text: text.to_owned() };
        let time: Option<U64> = serde_json::from_value(newest["timestamp"].clone()).ok();
        let age_s = time.map(|time| now_s.saturating_sub(time.to()));
        let (found, text) = match age_s {
            None => (Found::Missing, "it has no time".to_owned()),
            Some(age_s) if age_s <= NEWEST_AGE_S_MAX => (Found::Here, format!("{age_s} s old")),
            Some(age_s) if LOCAL_NUMBERS.contains(&self.number) => {
                (Found::Limited, format!("{age_s} s old: a local chain, it seems"))
            }
            Some(age_s) => (Found::Missing, format!("{age_s} s old: behind; another node")),
        };
        Ok([syncing, Finding { name: "newest block", found, needed_for: ANY, text }])
    }
}

/// Whether a node that refuses bytes looked at them.
fn refuses_bytes(code: i64, message: &str) -> bool {
    let message = message.to_lowercase();
    code != NO_METHOD
        && code != NOT_SUPPORTED
        && !NOT_TAKEN.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_takes_no_transactions_is_told_from_one_that_does_not_take_these_bytes() {
        for (code, message) in [
            (-32_000, "typed transaction too short"),
            (-32_602, "Failed to decode transaction"),
            (-32_602, "Invalid transaction RLP"),
            (-32_000, "EOF"),
        ] {
            assert!(refuses_bytes(code, message), "{message}");
        }
        for (code, message) in [
            (-32_601, "not found"),
            (-32_004, "no"),
            (-32_000, "the method eth_sendRawTransaction does not exist/is not available"),
            (-32_600, "Unauthorized"),
            (-32_001, "This endpoint is read-only"),
            (-32_000, "transactions are not accepted by this node"),
        ] {
            assert!(!refuses_bytes(code, message), "{message}");
        }
    }
}
