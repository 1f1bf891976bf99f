//! Which evidence counts.

use std::collections::{BTreeMap, BTreeSet};

use chaos_types::Digest;

use super::{EVIDENCE_MAX, Error, Ignored, Key};
use crate::{Evidence, EvidenceClass, Model};

/// The evidence that counts, and how much does not.
pub(super) struct Admitted<'a> {
    pub(super) evidence: Vec<&'a Evidence>,
    pub(super) ignored: Ignored,
}

/// Drops repetitions and what does not count; refuses contradictions.
pub(super) fn admit(
    model: Model,
    evidence: &[Evidence],
    as_of_ms: u64,
) -> Result<Admitted<'_>, Error> {
    let mut by_receipt: BTreeMap<(Key<'_>, Digest), &Evidence> = BTreeMap::new();
    for piece in evidence {
        let key = (piece.agent.as_str(), piece.domain.as_str(), piece.role.as_str());
        let before = by_receipt.insert((key, piece.receipt), piece);
        if before.is_some_and(|before| before != piece) {
            return Err(Error::Conflict { receipt: piece.receipt, agent: piece.agent.clone() });
        }
    }
    let mut ignored = Ignored::default();
    let mut admitted = Vec::with_capacity(by_receipt.len());
    for piece in by_receipt.into_values() {
        if piece.at_ms > as_of_ms {
            ignored.later += 1;
        } else if piece.payer == piece.agent {
            ignored.self_paid += 1;
        } else if piece.class == EvidenceClass::None {
            ignored.unbacked += 1;
        } else {
            admitted.push(piece);
        }
    }
    let admitted = Admitted { evidence: admitted, ignored };
    Ok(match model {
        Model::Belief1 => admitted,
        Model::Belief2 => admitted.once_a_judgement().newest(EVIDENCE_MAX),
    })
}

impl Admitted<'_> {
    /// One judgement is one trial of a class for an agent, however many receipts it names: the one
    /// of the first role and receipt in the order of their bytes.
    fn once_a_judgement(mut self) -> Self {
        let mut seen = BTreeSet::new();
        let before = self.evidence.len();
        self.evidence
            .retain(|piece| seen.insert((&piece.agent, &piece.task_class, piece.judged_by)));
        self.ignored.repeated = count(before - self.evidence.len());
        self
    }

    /// At most so many, the newest; of one time those of the first receipts.
    pub(super) fn newest(mut self, pieces_max: usize) -> Self {
        if self.evidence.len() > pieces_max {
            self.evidence
                .sort_by(|a, b| b.at_ms.cmp(&a.at_ms).then_with(|| a.receipt.cmp(&b.receipt)));
            self.ignored.older = count(self.evidence.len() - pieces_max);
            self.evidence.truncate(pieces_max);
        }
        self
    }
}

fn count(pieces: usize) -> u64 {
    u64::try_from(pieces).unwrap_or(u64::MAX)
}
