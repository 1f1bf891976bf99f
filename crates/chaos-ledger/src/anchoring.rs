//! Where the log is anchored, and what shows its anchors.

use chaos_agency::{
    Action, Answer, Declaration, Evidence, Key,
    action::{self, DeclareAnchoring},
};
use chaos_log::SignedCheckpoint;
use chaos_store::{Blobs as _, Records as _};
use chaos_types::{Digest, canonical};
use chaos_verify::Anchored;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Ledger, NewEntry};

/// The format line of what shows an anchor.
const FORMAT: &str = "chaoschain-anchored/1";

/// What shows an anchor, as it is kept beside the log: the head, and the chain's proof that it was anchored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    checkpoint: String,
    proof: Value,
}

/// An anchor with everything that a bundle needs of it.
#[derive(Debug, Clone)]
pub struct KeptAnchor {
    /// The head that was anchored.
    pub checkpoint: SignedCheckpoint,
    /// Its receipt, with the chain's proof.
    pub anchored: Anchored,
}

/// The rows that show what the log declares about its anchors.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) rows: Vec<(Key, Option<Vec<u8>>)>,
}

impl Ledger {
    /// Where the log's first `size` entries say that it is anchored, if they do.
    ///
    /// # Errors
    /// If the store fails.
    pub fn declaration(&self, size: u64) -> Result<Option<Declaration>, Error> {
        self.ask(|state| Declaration::last(state, size).map(|(_, last)| last))
    }

    /// Says where the log is anchored from here on.
    ///
    /// # Errors
    /// If the log would not admit it, as what it declares already; nothing is then written. If the store fails.
    pub fn declare_anchoring(&mut self, body: DeclareAnchoring) -> Result<Digest, Error> {
        let key = self.operator_key()?;
        self.record(NewEntry {
            agent: self.operator(),
            keys: vec![&key],
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::DeclareAnchoring(body),
        })
    }

    /// The rows that show the declaration in force for a head of this size, or that there is none.
    pub(crate) fn declared(&self, size: u64) -> Result<Declared, Error> {
        self.ask(|state| {
            let (count, _) = Declaration::last(state, size)?;
            let rows = Declaration::keys(count).into_iter().enumerate().map(|(at, key)| {
                // The last of the keys is that of what does not follow under this head.
                let value = match state.get(&key) {
                    Answer::Is(bytes) if count > 0 && at == 0 => Some(bytes),
                    Answer::Is(_) | Answer::Absent | Answer::NotShown => None,
                };
                (key, value)
            });
            Ok(Declared { rows: rows.collect() })
        })
    }

    /// Keeps what shows an anchor, and gives its digest, which the anchor's receipt names.
    ///
    /// # Errors
    /// If the store fails.
    pub fn keep_anchor(
        &mut self,
        checkpoint: &SignedCheckpoint,
        proof: Value,
    ) -> Result<Digest, Error> {
        let document =
            Document { format: FORMAT.to_owned(), checkpoint: checkpoint.to_string(), proof };
        let bytes = canonical::to_vec(&document).map_err(Error::Bundle)?;
        Ok(self.store.blobs().put(&bytes)?)
    }

    /// The newest anchor of a head that holds the entry at `index`, if the log has one and what shows it is here. One
    /// that is not where the log declares it is none.
    ///
    /// # Errors
    /// If the store fails, or what it holds is unreadable.
    pub fn newest_anchor(&self, index: u64) -> Result<Option<KeptAnchor>, Error> {
        // The receipt of an anchor stands after everything that its head holds.
        for at in (index + 1..self.size()).rev() {
            let Some(row) = self.action(at)?.filter(|row| row.kind == action::Anchor::KIND) else {
                continue;
            };
            let Some(entry) = self.store.entry_by_digest(&row.receipt)? else { continue };
            let Some(receipt) = self.receipt(&row.receipt)? else { continue };
            let Action::Anchor(anchor) = &receipt.action else { continue };
            if anchor.log_size <= index || !self.is_where_declared(anchor)? {
                continue;
            }
            let Some(Document { checkpoint, proof, .. }) = self.document(anchor.shown_by)? else {
                continue;
            };
            let envelope = canonical::from_slice(&entry.record).map_err(Error::Record)?;
            let Ok(checkpoint) = SignedCheckpoint::parse(checkpoint.as_bytes()) else { continue };
            let anchored = Anchored { envelope, proof };
            return Ok(Some(KeptAnchor { checkpoint, anchored }));
        }
        Ok(None)
    }

    fn is_where_declared(&self, anchor: &action::Anchor) -> Result<bool, Error> {
        let Some(declared) = self.declaration(anchor.log_size)? else { return Ok(true) };
        let DeclareAnchoring { chain, contract, publisher } = &declared.body;
        let by = anchor.publisher.as_ref();
        Ok((&anchor.chain, &anchor.contract) == (chain, contract)
            && by.is_none_or(|by| by == publisher))
    }

    /// What shows an anchor, if it is here and is what it should be.
    fn document(&self, digest: Option<Digest>) -> Result<Option<Document>, Error> {
        let Some(digest) = digest else { return Ok(None) };
        if !self.store.blobs().has(&digest)? {
            return Ok(None);
        }
        let bytes = self.store.blobs().get(&digest)?;
        let document: Option<Document> = canonical::from_slice(&bytes).ok();
        Ok(document.filter(|document| document.format == FORMAT))
    }
}
