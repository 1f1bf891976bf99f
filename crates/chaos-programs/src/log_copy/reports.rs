//! Forks that a copy of a log reports, of whichever log.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Action, Receipt, action::ReportFork, forks};
use chaos_log::ForkProof;
use chaos_store::Records as _;
use chaos_types::{Rejection, dsse::Envelope};

use super::{CHUNK, LogCopy, unread};

/// A fork that an entry of the copy reports.
#[derive(Debug, Clone)]
pub struct ReportedFork {
    /// The entry.
    pub index: u64,
    /// What it carries, checked here.
    pub proof: ForkProof,
}

impl LogCopy {
    /// The forks that entries of the copy report: of each key and each two sizes the first. Which of them
    /// speak against a head is for whoever knows when the key signed for the log: one of a smaller size
    /// displaces no other.
    ///
    /// A proof shows itself, so that neither the rows nor the tree are asked: whoever writes to the
    /// copy can leave a report out and make none up.
    ///
    /// # Errors
    /// If the copy cannot be read.
    pub fn reported_forks(&self) -> Result<Vec<ReportedFork>, Rejection> {
        let size = self.store.head().map_err(|error| unread(&error))?.size;
        let mut found: BTreeMap<([u8; 32], [u64; 2]), ReportedFork> = BTreeMap::new();
        let mut first = 0;
        while first < size {
            let last = size.min(first.saturating_add(CHUNK));
            let entries = self.store.entries(first..last).map_err(|error| unread(&error))?;
            for entry in entries {
                let Some(proof) = self.reported(&entry.record) else { continue };
                let sizes = [proof.first(), proof.second()].map(|head| head.claimed().size());
                let key = (*proof.log().public(), sizes);
                found.entry(key).or_insert(ReportedFork { index: entry.index, proof });
            }
            first = last;
        }
        Ok(found.into_values().collect())
    }

    /// The proof that a record carries, if it is a report.
    fn reported(&self, record: &[u8]) -> Option<ForkProof> {
        if !may_report(record) {
            return None;
        }
        let receipt = Receipt::open_bytes(record, &self.kinds).ok()?;
        match &receipt.action {
            Action::ReportFork(report) => forks::read(report).ok(),
            _ => None,
        }
    }
}

/// Whether a record says that it is a report, before any signature is checked: the statement is
/// canonical, so that its kind has one spelling.
fn may_report(record: &[u8]) -> bool {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(record) else { return false };
    let Ok(payload) = STANDARD.decode(envelope.payload) else { return false };
    let kind = format!(r#""kind":"{}""#, ReportFork::KIND);
    payload.windows(kind.len()).any(|window| window == kind.as_bytes())
}
