//! How transactions are encoded on their chains, from what is recorded of them.

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
    transaction::RlpEcdsaEncodableTx,
};
use alloy_primitives::{B256, Signature, TxKind};
use alloy_rlp::Encodable;
use revm::context::either::Either;

use crate::block::{Deposit, RecordedSignature, Transaction, TransactionKind, decode};

/// A transaction as its chain encodes it.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// The signature and what it signs; none for a deposit, which nobody signs.
    pub(super) signed: Option<(Signature, B256)>,
}

/// The EIP-2718 encoding; `None` if parts of it are not recorded.
pub(super) fn encoded(transaction: &Transaction) -> Option<Encoded> {
    match transaction.kind {
        TransactionKind::Deposit(deposit) => {
            let bytes = deposit_bytes(transaction, &deposit)?;
            Some(Encoded { bytes, signed: None })
        }
        TransactionKind::Unsupported => None,
        TransactionKind::Ordinary => ordinary(transaction, transaction.signature?),
    }
}

fn ordinary(transaction: &Transaction, recorded: RecordedSignature) -> Option<Encoded> {
    let env = &transaction.env;
    let (parity, chain) = parity(env.tx_type, recorded.v)?;
    let signature = Signature::new(recorded.r, recorded.s, parity);
    let (nonce, gas_limit, value, input) = (env.nonce, env.gas_limit, env.value, env.data.clone());
    let (to, chain_id) = (env.kind, env.chain_id.unwrap_or_default());
    let access_list = || env.access_list.clone();
    Some(match env.tx_type {
        0 => {
            let gas_price = env.gas_price;
            signed(
                TxLegacy { chain_id: chain, nonce, gas_price, gas_limit, to, value, input },
                signature,
            )
        }
        1 => {
            let (gas_price, access_list) = (env.gas_price, access_list());
            let tx =
                TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
            signed(tx, signature)
        }
        2 => {
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: env.gas_price,
                max_priority_fee_per_gas: env.gas_priority_fee?,
                to,
                value,
                access_list: access_list(),
                input,
            };
            signed(tx, signature)
        }
        3 => {
            let tx = TxEip4844 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: env.gas_price,
                max_priority_fee_per_gas: env.gas_priority_fee?,
                to: to.to().copied()?,
                value,
                access_list: access_list(),
                blob_versioned_hashes: env.blob_hashes.clone(),
                max_fee_per_blob_gas: env.max_fee_per_blob_gas,
                input,
            };
            signed(tx, signature)
        }
        4 => {
            let authorization_list = env.authorization_list.iter().map(as_signed);
            let authorization_list = authorization_list.collect::<Option<_>>()?;
            let tx = TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: env.gas_price,
                max_priority_fee_per_gas: env.gas_priority_fee?,
                to: to.to().copied()?,
                value,
                access_list: access_list(),
                authorization_list,
                input,
            };
            signed(tx, signature)
        }
        _ => return None,
    })
}

/// An authorization with its signature, if it was recorded with one.
fn as_signed<S: Clone, R>(authorization: &Either<S, R>) -> Option<S> {
    match authorization {
        Either::Left(signed) => Some(signed.clone()),
        Either::Right(_) => None,
    }
}

fn signed<T: SignableTransaction<Signature> + RlpEcdsaEncodableTx>(
    transaction: T,
    signature: Signature,
) -> Encoded {
    let mut bytes = Vec::with_capacity(transaction.eip2718_encoded_length(&signature));
    transaction.eip2718_encode(&signature, &mut bytes);
    Encoded { bytes, signed: Some((signature, transaction.signature_hash())) }
}

/// The parity of a signature, and the chain that a legacy one names (EIP-155).
const fn parity(tx_type: u8, v: u64) -> Option<(bool, Option<u64>)> {
    match v {
        0 | 1 => Some((v == 1, None)),
        27 | 28 => Some((v == 28, None)),
        35.. if tx_type == 0 => Some(((v - 35) % 2 == 1, Some((v - 35) / 2))),
        _ => None,
    }
}

/// A deposit's encoding ([specification](https://specs.optimism.io/protocol/deposits.html)).
fn deposit_bytes(transaction: &Transaction, deposit: &Deposit) -> Option<Vec<u8>> {
    let env = &transaction.env;
    let source = deposit.source_hash?;
    let mut payload = Vec::with_capacity(env.data.len() + 128);
    source.encode(&mut payload);
    env.caller.encode(&mut payload);
    match env.kind {
        TxKind::Call(to) => to.encode(&mut payload),
        TxKind::Create => payload.push(alloy_rlp::EMPTY_STRING_CODE),
    }
    deposit.mint_wei.encode(&mut payload);
    env.value.encode(&mut payload);
    env.gas_limit.encode(&mut payload);
    deposit.is_system.encode(&mut payload);
    env.data.encode(&mut payload);
    let mut bytes = vec![decode::DEPOSIT_TYPE];
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    bytes.extend_from_slice(&payload);
    Some(bytes)
}
