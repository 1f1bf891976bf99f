//! Which blobs are published: those that published receipts of disclosed kinds name.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

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

    /// The kinds whose receipts' blobs are published.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.disclosure.0.iter().map(String::as_str)
    }

    /// Reads the receipts below `size` that were not read yet.
    pub(crate) fn read_to(&mut self, size: u64) -> Result<(), StoreError> {
        if self.disclosure.0.is_empty() {
            return Ok(());
        }
        let mut named = std::mem::take(&mut self.named);
        let read = self.read_range(self.read..size, &mut named);
        // What was taken in before an error is taken in again.
        self.named = named;
        self.read = read?;
        Ok(())
    }

    /// Takes in what the receipts of a range name, and whether each that names it is of a disclosed kind; says how
    /// far it came.
    fn read_range(
        &self,
        range: Range<u64>,
        named: &mut BTreeMap<Digest, bool>,
    ) -> Result<u64, StoreError> {
        self.each(range, |record| {
            let (digests, disclosed) = self.named_by(record);
            for digest in digests {
                *named.entry(digest).or_insert(true) &= disclosed;
            }
        })
    }

    /// What a record names, and whether it is of a disclosed kind.
    fn named_by(&self, record: &[u8]) -> (BTreeSet<Digest>, bool) {
        match Receipt::open_bytes(record, &self.kinds) {
            Ok(receipt) => {
                let disclosed = self.disclosure.0.contains(receipt.action.kind());
                (named_digests(&receipt), disclosed)
            }
            // A kind that this program does not know may be one that withholds.
            Err(_) => (written_digests(record), false),
        }
    }

    /// Shows the records of a range, and says where they end.
    fn each(&self, range: Range<u64>, mut see: impl FnMut(&[u8])) -> Result<u64, StoreError> {
        let mut next = range.start;
        while next < range.end {
            let page = self.store.entries(next..range.end.min(next + ENTRIES_MAX))?;
            if page.is_empty() {
                break;
            }
            next += page.len() as u64;
            page.iter().for_each(|entry| see(&entry.record));
        }
        Ok(next)
    }

    /// What the receipts of a range, the last ones, change in what is published. The older ones are read only for
    /// blobs that are here and not `known` yet, and only those that mention one of them are opened.
    pub(crate) fn new_blobs(
        &self,
        range: Range<u64>,
        known: &dyn Fn(&Digest) -> bool,
    ) -> Result<NewBlobs, StoreError> {
        let mut new = NewBlobs::default();
        if self.disclosure.0.is_empty() || range.is_empty() {
            return Ok(new);
        }
        let (mut named, older) = (BTreeMap::new(), 0..range.start);
        self.read_range(range, &mut named)?;
        for (digest, disclosed) in named {
            if !disclosed {
                new.withdrawn.push(digest);
            } else if !known(&digest) {
                if self.store.blobs().path(&digest).exists() {
                    new.disclosed.insert(digest);
                } else {
                    new.absent += 1;
                }
            }
        }
        if new.disclosed.is_empty() {
            return Ok(new);
        }
        self.each(older, |record| {
            if !mentions(record, &new.disclosed) {
                return;
            }
            let (digests, disclosed) = self.named_by(record);
            if !disclosed {
                new.disclosed.retain(|digest| !digests.contains(digest));
            }
        })?;
        Ok(new)
    }

    pub(crate) fn discloses(&self, digest: &Digest) -> bool {
        self.named.get(digest).is_some_and(|disclosed| *disclosed)
    }

    pub(crate) fn disclosed(&self) -> impl Iterator<Item = Digest> {
        self.named.iter().filter(|(_, disclosed)| **disclosed).map(|(digest, _)| *digest)
    }
}

/// What newer receipts change in the blobs that are published.
#[derive(Debug, Default)]
pub(crate) struct NewBlobs {
    /// Those that no receipt withholds.
    pub(crate) disclosed: BTreeSet<Digest>,
    /// Those that a newer receipt withholds.
    pub(crate) withdrawn: Vec<Digest>,
    /// How many the data directory does not hold.
    pub(crate) absent: u64,
}

/// Whether a record may name one of these digests: it is not opened for that, and where its text could be
/// spelled otherwise the answer is yes.
fn mentions(record: &[u8], digests: &BTreeSet<Digest>) -> bool {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(record) else { return true };
    let Ok(payload) = STANDARD.decode(envelope.payload) else { return true };
    if payload.contains(&b'\\') {
        return true;
    }
    let words = payload.split(|byte| !byte.is_ascii_hexdigit());
    words.filter(|word| word.len() == DIGEST_HEX).any(|word| {
        let digest = std::str::from_utf8(word).ok().and_then(|hex| Digest::from_hex(hex).ok());
        digest.is_none_or(|digest| digests.contains(&digest))
    })
}

/// The hexadecimal digits of a digest.
const DIGEST_HEX: usize = 64;

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
