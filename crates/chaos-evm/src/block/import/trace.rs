//! The state before a block from the `prestateTracer` of `debug_traceBlock…`.
//!
//! The tracer gives, for each transaction, every account it touched as it was *before that
//! transaction* ([geth's description](https://geth.ethereum.org/docs/developers/evm-tracing/built-in-tracers#prestate-tracer)).
//! The state before the block is the first value seen of each account and slot, with one trap: an
//! account that an earlier transaction created is first seen by a later one, with values it did not
//! have at the start. What a transaction touches and its entry does not list did not exist. For
//! recipients and created contracts the block itself says what was touched; for accounts made inside
//! a transaction, the same trace in diff mode does (`post` without a value before).

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, TxKind, U256, keccak256};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::ImportError;
use crate::block::{
    BLOCK_BYTES_MAX, Block, RecordedAccount, RecordedBlock, TransactionKind,
    decode::{decompress, typed},
    quantity::{AccountNonce, Hex256, UniqueMap},
};

/// Longest text of a node that goes into an error, in characters.
const REASON_CHARS_MAX: usize = 200;
const TRACE: &str = "trace";
const DIFF: &str = "diff trace";

/// The state before a block, as far as its transactions touch it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prestate {
    /// The accounts that exist, with the slots that were touched.
    pub accounts: BTreeMap<Address, RecordedAccount>,
    /// Accounts that were touched and do not exist.
    pub absent: BTreeSet<Address>,
    /// The codes of the accounts, by Keccak-256.
    pub codes: BTreeMap<B256, Bytes>,
}

/// Reads the answer of `debug_traceBlockByNumber` with `{"tracer": "prestateTracer"}`, plain or
/// gzipped, bare or in its JSON-RPC envelope, and joins its transactions into the state before the
/// block. `diff` is the answer with `{"tracerConfig": {"diffMode": true}}`; without it, an account
/// that one transaction creates by an inner call and a later one uses counts as existing from the
/// start, which the replay then shows.
///
/// # Errors
/// If either document does not have that form, or is not about this block's transactions.
pub fn prestate(trace: &[u8], diff: Option<&[u8]>, block: &Block) -> Result<Prestate, ImportError> {
    let entries: Vec<Entry<Accounts>> = entries(trace, TRACE, block)?;
    let diffs: Option<Vec<Entry<Diff>>> =
        diff.map(|diff| self::entries(diff, DIFF, block)).transpose()?;
    let mut merged = Merged::default();
    for (index, entry) in entries.into_iter().enumerate() {
        let accounts = entry.result.map(|accounts| accounts.0).unwrap_or_default();
        for (address, account) in accounts {
            merged.add(address, account);
        }
        let transaction = &block.transactions[index];
        let sender = transaction.sender();
        if transaction.kind == TransactionKind::Ordinary && !merged.0.contains_key(&sender) {
            return Err(ImportError::SenderMissing { index, sender });
        }
        merged.touched(match transaction.env.kind {
            TxKind::Call(to) => to,
            TxKind::Create => sender.create(transaction.env.nonce),
        });
        let diff = diffs.as_ref().and_then(|diffs| diffs[index].result.as_ref());
        for address in diff.into_iter().flat_map(|diff| diff.post.0.keys()) {
            merged.touched(*address);
        }
    }
    Ok(merged.finish())
}

impl Prestate {
    /// Joins the state with its block. Hashes of ancestors are not in a trace; reading one is
    /// counted as unknown.
    #[must_use]
    pub fn into_recorded(self, block: Block) -> (RecordedBlock, BTreeMap<B256, Bytes>) {
        let digest = chaos_types::Digest::of(&[]);
        let mut recorded = RecordedBlock {
            block,
            pre_state: self.accounts,
            block_hashes: BTreeMap::new(),
            receipts: None,
            digest,
        };
        recorded.digest = chaos_types::Digest::of(&recorded.encode());
        (recorded, self.codes)
    }
}

/// What is known of each account so far; `None` for one that did not exist.
#[derive(Default)]
struct Merged(BTreeMap<Address, Option<Traced>>);

struct Traced {
    account: RecordedAccount,
    code: Option<Bytes>,
}

impl Merged {
    fn add(&mut self, address: Address, wire: Account) {
        let slots = wire.storage.map(|storage| storage.0).unwrap_or_default();
        let slots = slots.into_iter().map(|(slot, value)| (slot.0, value.0));
        match self.0.get_mut(&address) {
            Some(Some(known)) => {
                for (slot, value) in slots {
                    known.account.storage.entry(slot).or_insert(value);
                }
            }
            // It was created since.
            Some(None) => {}
            None => {
                let balance = wire.balance.map_or(U256::ZERO, |balance| balance.0);
                let nonce = wire.nonce.map_or(0, |nonce| nonce.0);
                let code = wire.code.filter(|code| !code.is_empty());
                let code_hash = code
                    .as_ref()
                    .map(keccak256)
                    .or(wire.code_hash.filter(|hash| !hash.is_zero()))
                    .unwrap_or(KECCAK256_EMPTY);
                let empty = balance.is_zero() && nonce == 0 && code_hash == KECCAK256_EMPTY;
                let traced = (!empty).then(|| Traced {
                    account: RecordedAccount {
                        balance,
                        nonce,
                        code_hash,
                        storage: slots.collect(),
                    },
                    code,
                });
                self.0.insert(address, traced);
            }
        }
    }

    /// A transaction touched the account; if nothing was said about it, it did not exist.
    fn touched(&mut self, address: Address) {
        self.0.entry(address).or_insert(None);
    }

    fn finish(self) -> Prestate {
        let mut prestate = Prestate::default();
        for (address, traced) in self.0 {
            let Some(Traced { account, code }) = traced else {
                prestate.absent.insert(address);
                continue;
            };
            if let Some(code) = code {
                prestate.codes.insert(account.code_hash, code);
            }
            prestate.accounts.insert(address, account);
        }
        prestate
    }
}

/// Reads the entries and checks that they are about the block's transactions, all of them.
fn entries<T: for<'de> Deserialize<'de>>(
    bytes: &[u8],
    document: &'static str,
    block: &Block,
) -> Result<Vec<Entry<T>>, ImportError> {
    let failed = |source| ImportError::Document { document, source };
    let json = decompress(bytes, BLOCK_BYTES_MAX).map_err(failed)?;
    let Entries(entries) = typed(&json).map_err(failed)?;
    let (expected, found) = (block.transactions.len(), entries.len());
    if expected != found {
        let block = block.header.number;
        return Err(ImportError::TransactionCount { document, block, expected, found });
    }
    for (index, (entry, transaction)) in entries.iter().zip(&block.transactions).enumerate() {
        let expected = transaction.hash;
        if let Some(found) = entry.tx_hash.filter(|found| *found != expected) {
            return Err(ImportError::TransactionHash { document, index, expected, found });
        }
        if entry.result.is_none() {
            let reason = entry.error.as_deref().unwrap_or("it is null or absent");
            let reason =
                reason.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
            return Err(ImportError::Untraced { document, index, reason });
        }
    }
    Ok(entries)
}

/// The entries of a trace, bare or as the `result` of a JSON-RPC answer.
struct Entries<T>(Vec<Entry<T>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<T> {
    tx_hash: Option<B256>,
    #[serde(default = "nothing")]
    result: Option<T>,
    error: Option<String>,
}

const fn nothing<T>() -> Option<T> {
    None
}

/// Accounts by address.
struct Accounts(BTreeMap<Address, Account>);

#[derive(Deserialize)]
struct Diff {
    post: UniqueMap<Address, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    balance: Option<Hex256>,
    nonce: Option<AccountNonce>,
    code: Option<Bytes>,
    code_hash: Option<B256>,
    storage: Option<UniqueMap<Hex256, Hex256>>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array with one entry per transaction, or a JSON-RPC answer")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = seq.next_element()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "result" {
                        entries = Some(map.next_value::<Vec<Entry<T>>>()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                entries.map(Entries).ok_or_else(|| A::Error::missing_field("result"))
            }
        }

        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Accounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByAddress;

        impl<'de> Visitor<'de> for ByAddress {
            type Value = Accounts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of accounts by address")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut accounts = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "pre" || key == "post" {
                        return Err(A::Error::custom(
                            "a trace in diff mode leaves out what is only read; make it with \
                             diffMode false",
                        ));
                    }
                    let address: Address = key
                        .parse()
                        .map_err(|_| A::Error::custom(format_args!("`{key}` is no address")))?;
                    if accounts.insert(address, map.next_value()?).is_some() {
                        return Err(A::Error::custom("the same address appears twice"));
                    }
                }
                Ok(Accounts(accounts))
            }
        }

        deserializer.deserialize_map(ByAddress)
    }
}
