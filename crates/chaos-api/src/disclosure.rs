//! Which blobs are published: those that published receipts of disclosed kinds name.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Kinds, Receipt};
use chaos_store::{ENTRIES_MAX, Records as _, Store, StoreError};
use chaos_types::{Digest, dsse::Envelope};
use chaos_verify::named_digests;
use serde_json::Value;

/// The kinds of receipts whose blobs are published. What a receipt of any other kind names is
/// withheld, even if a receipt of a disclosed kind names it as well: whoever may append a receipt
/// could otherwise have anything served whose digest is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disclosure(BTreeSet<String>);

impl Disclosure {
    /// What is published if nobody says otherwise: the documents of the kinds that declare it
    /// ([`Body::DISCLOSED`](chaos_agency::Body::DISCLOSED)).
    #[must_use]
    pub fn by_default(kinds: &Kinds) -> Self {
        kinds.disclosed().map(str::to_owned).collect()
    }
}

impl FromIterator<String> for Disclosure {
    fn from_iter<I: IntoIterator<Item = String>>(kinds: I) -> Self {
        Self(kinds.into_iter().collect())
    }
}

/// What the receipts of a log name, read as far as it was asked for.
#[derive(Debug)]
pub(crate) struct Disclosed {
    store: Store,
    kinds: Kinds,
    disclosure: Disclosure,
    /// Entries read.
    read: u64,
    /// By digest: whether every receipt that names it is of a disclosed kind.
    named: BTreeMap<Digest, bool>,
}

impl Disclosed {
    pub(crate) const fn new(store: Store, kinds: Kinds, disclosure: Disclosure) -> Self {
        Self { store, kinds, disclosure, read: 0, named: BTreeMap::new() }
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// Reads the receipts below `size` that were not read yet.
    pub(crate) fn read_to(&mut self, size: u64) -> Result<(), StoreError> {
        if self.disclosure.0.is_empty() {
            return Ok(());
        }
        while self.read < size {
            let page = self.store.entries(self.read..size.min(self.read + ENTRIES_MAX))?;
            if page.is_empty() {
                break;
            }
            for entry in &page {
                let (digests, disclosed) = match Receipt::open_bytes(&entry.record, &self.kinds) {
                    Ok(receipt) => {
                        let disclosed = self.disclosure.0.contains(receipt.action.kind());
                        (named_digests(&receipt), disclosed)
                    }
                    // A kind that this program does not know may be one that withholds.
                    Err(_) => (written_digests(&entry.record), false),
                };
                for digest in digests {
                    *self.named.entry(digest).or_insert(true) &= disclosed;
                }
            }
            self.read += page.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn discloses(&self, digest: &Digest) -> bool {
        self.named.get(digest).is_some_and(|disclosed| *disclosed)
    }

    pub(crate) fn disclosed(&self) -> impl Iterator<Item = Digest> {
        self.named.iter().filter(|(_, disclosed)| **disclosed).map(|(digest, _)| *digest)
    }
}

/// Every text that reads as a digest, in a record that is no receipt this program can read.
fn written_digests(record: &[u8]) -> BTreeSet<Digest> {
    let mut digests = BTreeSet::new();
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(record)
        && let Ok(payload) = STANDARD.decode(envelope.payload)
        && let Ok(payload) = serde_json::from_slice(&payload)
    {
        collect(&payload, &mut digests);
    }
    digests
}

fn collect(value: &Value, digests: &mut BTreeSet<Digest>) {
    match value {
        Value::String(text) => {
            digests.extend(text.parse::<Digest>().or_else(|_| Digest::from_hex(text)));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, digests)),
        Value::Object(values) => values.values().for_each(|value| collect(value, digests)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
