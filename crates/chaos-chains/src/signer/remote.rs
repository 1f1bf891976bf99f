//! Signers that run elsewhere, and what of their answers is believed: nothing that is not checked here.

mod web3signer;

use std::{fmt, future::Future, pin::Pin};

use alloy_consensus::{Signed, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind};
use serde_json::Value;

pub(super) use self::web3signer::Web3Signer;
use super::Unsigned;
use crate::error::shorten;

/// What is to be signed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// A transaction; the answer is its signed bytes.
    Transaction(&'a TxEip1559),
    /// A text, as EIP-191 says; the answer is a signature.
    Text(&'a str),
    /// Typed data of EIP-712 as JSON; the answer is a signature.
    Typed(&'a Value),
}

/// An answer that is still to come.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unsigned>> + Send + 'a>>;

/// Somebody who signs for one account, with a key that is kept elsewhere.
///
/// An implementation brings the answer and judges nothing: whoever asks holds the bytes against what was
/// asked. The same may be asked again. An answer that is no longer waited for may have been made all the
/// same, so that whoever asks for another one of the same nonce has to expect that either lands.
pub(super) trait RemoteSigner: fmt::Debug + Send + Sync {
    /// Scheme, host and port, for people; no secret.
    fn place(&self) -> &str;

    /// Whether it answers, and has the account as far as it says.
    fn ready(&self) -> Answer<'_, ()>;

    /// Has something signed.
    fn sign<'a>(&'a self, asked: Asked<'a>) -> Answer<'a, Bytes>;
}

/// The signed transaction, if these bytes are exactly the one that was asked for, signed by this account.
pub(super) fn transaction(
    signer: &str,
    account: Address,
    asked: &TxEip1559,
    raw: &[u8],
) -> Result<Signed<TxEip1559>, Unsigned> {
    let malformed = |reason: &dyn fmt::Display| Unsigned::Malformed {
        signer: signer.to_owned(),
        expected: "a signed transaction",
        reason: shorten(&reason.to_string()),
    };
    let signed = match TxEnvelope::decode_2718_exact(raw).map_err(|error| malformed(&error))? {
        TxEnvelope::Eip1559(signed) => signed,
        other => {
            return Err(Unsigned::Other {
                signer: signer.to_owned(),
                field: "type",
                expected: "0x2".to_owned(),
                found: format!("{:#x}", u8::from(other.tx_type())),
            });
        }
    };
    if let Some((field, expected, found)) = difference(asked, signed.tx()) {
        let signer = signer.to_owned();
        return Err(Unsigned::Other { signer, field, expected, found });
    }
    // A signature has two spellings. Chains refuse the one with the higher s, and what waited here with it
    // could neither land nor be signed anew.
    if signed.signature().normalize_s().is_some() {
        return Err(malformed(&"its signature has the higher s, which no chain takes"));
    }
    let found = signed.recover_signer().map_err(|error| malformed(&error))?;
    ensure_key(signer, account, found)?;
    Ok(signed)
}

/// The first field of a transaction that is not as it was asked for, with what was expected and what is there.
fn difference(asked: &TxEip1559, found: &TxEip1559) -> Option<(&'static str, String, String)> {
    let TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to,
        value,
        access_list,
        input,
    } = asked;
    let fields: [(&'static str, String, String); 9] = [
        ("chain", chain_id.to_string(), found.chain_id.to_string()),
        ("nonce", nonce.to_string(), found.nonce.to_string()),
        ("receiver", receiver(to), receiver(&found.to)),
        ("value", value.to_string(), found.value.to_string()),
        ("data", input.to_string(), found.input.to_string()),
        ("gas limit", gas_limit.to_string(), found.gas_limit.to_string()),
        ("fee", max_fee_per_gas.to_string(), found.max_fee_per_gas.to_string()),
        ("tip", max_priority_fee_per_gas.to_string(), found.max_priority_fee_per_gas.to_string()),
        ("access list", format!("{access_list:?}"), format!("{:?}", found.access_list)),
    ];
    let (field, expected, found) =
        fields.into_iter().find(|(_, expected, found)| expected != found)?;
    Some((field, shorten(&expected), shorten(&found)))
}

fn receiver(to: &TxKind) -> String {
    to.to().map_or_else(|| "a new contract".to_owned(), Address::to_string)
}

/// The signature, if it is this account's of this digest.
pub(super) fn signature(
    signer: &str,
    account: Address,
    hash: &B256,
    answer: &[u8],
) -> Result<Signature, Unsigned> {
    let malformed = |reason: &dyn fmt::Display| Unsigned::Malformed {
        signer: signer.to_owned(),
        expected: "a signature",
        reason: shorten(&reason.to_string()),
    };
    if answer.len() != 65 {
        return Err(malformed(&format_args!("expected 65 bytes, found {}", answer.len())));
    }
    let signature = Signature::from_raw(answer).map_err(|error| malformed(&error))?;
    // A signature has two spellings, and here it is always written in the one with the lower s.
    let signature = signature.normalized_s();
    let found = signature.recover_address_from_prehash(hash).map_err(|error| malformed(&error))?;
    ensure_key(signer, account, found)?;
    Ok(signature)
}

fn ensure_key(signer: &str, expected: Address, found: Address) -> Result<(), Unsigned> {
    if found == expected {
        return Ok(());
    }
    Err(Unsigned::OtherKey { signer: signer.to_owned(), expected, found })
}

#[cfg(test)]
mod tests;
