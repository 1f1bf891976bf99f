//! The signer that others run: JSON-RPC over HTTP, `eth_signTransaction` and what is beside it.
//!
//! [Web3Signer](https://docs.web3signer.consensys.io/reference/api/json-rpc) answers so for keys in files, in
//! vaults and in the clouds' key services, and OP Stack's signer, go-ethereum and anvil do as well.

use std::time::Duration;

use alloy_consensus::{Transaction as _, TxEip1559};
use alloy_primitives::{Address, Bytes, U64, U128};
use reqwest::Url;
use serde_json::{Value, json};

use super::{Answer, Asked, RemoteSigner};
use crate::{
    Error as ChainError, RpcLimits,
    error::{reason, shorten},
    json_rpc::{JsonRpc, Outcome},
    signer::{Error, Unsigned},
};

/// Time for one answer. A key service behind the signer takes seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often something is asked while no answer comes: a person may have to agree each time.
const ATTEMPTS: u32 = 2;
/// Largest answer that is read, in bytes: the largest transaction twice over, in hexadecimal.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A signer at a URL.
#[derive(Debug)]
pub(in crate::signer) struct Web3Signer {
    rpc: JsonRpc,
    account: Address,
}

impl Web3Signer {
    pub(in crate::signer) fn new(url: &str, account: Address) -> Result<Self, Error> {
        let limits = RpcLimits {
            request_timeout: ANSWER_TIMEOUT,
            attempts: ATTEMPTS,
            rate_limited_attempts: ATTEMPTS,
            answer_bytes_max: ANSWER_BYTES_MAX,
            ..RpcLimits::default()
        };
        Self::with_limits(url, account, limits)
    }

    /// The same, with other patience.
    pub(super) fn with_limits(
        url: &str,
        account: Address,
        limits: RpcLimits,
    ) -> Result<Self, Error> {
        let rpc = JsonRpc::with_limits(url, limits).map_err(|error| match error {
            ChainError::InvalidUrl { reason } => Error::SignerUrl { reason },
            _ => Error::SignerUrl { reason: "no connection can be made to it" },
        })?;
        if Url::parse(url).is_ok_and(|url| shows_password(&url)) {
            let reason =
                "its password would be sent unencrypted; use https, or a signer on this machine";
            return Err(Error::SignerUrl { reason });
        }
        Ok(Self { rpc, account })
    }

    async fn ask(&self, method: &str, params: Value) -> Result<Value, Unsigned> {
        let signer = || self.rpc.shown_url().to_owned();
        let refused = |code, message: &str| Unsigned::Refused {
            signer: signer(),
            account: self.account,
            code,
            reason: shorten(message),
        };
        match self.rpc.ask(method, params).await {
            Ok(Outcome::Result(value)) => Ok(value),
            Ok(Outcome::Refused { code, message, .. }) => Err(refused(code, &message)),
            Err(ChainError::Rejected { code, reason, .. }) => Err(refused(code, &reason)),
            Err(error) => Err(Unsigned::Unanswered { signer: signer(), reason: reason(&error) }),
        }
    }

    /// Asks for bytes.
    async fn bytes(
        &self,
        method: &str,
        expected: &'static str,
        params: Value,
    ) -> Result<Bytes, Unsigned> {
        let answer = match self.ask(method, params).await? {
            // go-ethereum's has the bytes in an object, beside what they say.
            Value::Object(mut answer) => answer.remove("raw").unwrap_or_default(),
            answer => answer,
        };
        serde_json::from_value(answer).map_err(|error| Unsigned::Malformed {
            signer: self.rpc.shown_url().to_owned(),
            expected,
            reason: shorten(&error.to_string()),
        })
    }
}

impl RemoteSigner for Web3Signer {
    fn place(&self) -> &str {
        self.rpc.shown_url()
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let listed = match self.ask("eth_accounts", json!([])).await {
                // OP Stack's lists none.
                Err(Unsigned::Refused { .. }) => return Ok(()),
                listed => listed?,
            };
            let signer = || self.rpc.shown_url().to_owned();
            let listed: Vec<Address> =
                serde_json::from_value(listed).map_err(|error| Unsigned::Malformed {
                    signer: signer(),
                    expected: "its accounts",
                    reason: shorten(&error.to_string()),
                })?;
            if listed.contains(&self.account) {
                return Ok(());
            }
            let (account, count) = (self.account, listed.len());
            Err(Unsigned::NoAccount { signer: signer(), account, count })
        })
    }

    fn sign<'a>(&'a self, asked: Asked<'a>) -> Answer<'a, Bytes> {
        Box::pin(async move {
            match asked {
                Asked::Transaction(transaction) => {
                    let params = json!([described(self.account, transaction)]);
                    self.bytes("eth_signTransaction", "a signed transaction", params).await
                }
                Asked::Text(text) => {
                    let params = json!([self.account, Bytes::copy_from_slice(text.as_bytes())]);
                    self.bytes("eth_sign", "a signature", params).await
                }
                Asked::Typed(typed) => {
                    // A text that holds JSON, which is what Web3Signer reads.
                    let params = json!([self.account, typed.to_string()]);
                    self.bytes("eth_signTypedData", "a signature", params).await
                }
            }
        })
    }
}

/// A transaction in the words of JSON-RPC. Some programs read `data`, others `input`.
fn described(from: Address, transaction: &TxEip1559) -> Value {
    let TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        value,
        input,
        ..
    } = transaction;
    let mut described = json!({
        "type": "0x2",
        "from": from,
        "chainId": U64::from(*chain_id),
        "nonce": U64::from(*nonce),
        "gas": U64::from(*gas_limit),
        "maxFeePerGas": U128::from(*max_fee_per_gas),
        "maxPriorityFeePerGas": U128::from(*max_priority_fee_per_gas),
        "value": value,
        "data": input,
        "input": input,
    });
    if let Some(to) = transaction.to() {
        described["to"] = json!(to);
    }
    described
}

/// Whether a password would travel in sight of others.
fn shows_password(url: &Url) -> bool {
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "http" && !is_here && (url.password().is_some() || !url.username().is_empty())
}
