//! The judgement of all heads together.

use std::collections::{BTreeMap, BTreeSet};

use chaos_agency::{Delegation, Succession};
use chaos_log::{Hash, VerifierKey};
use chaos_types::{Check, Did, Rejection};

use super::{
    Heads,
    apart::{Apart, By, Stood},
    charge::{Charge, Grade},
    charges::Charges,
    pairs::each_apart,
    places::Seen,
    signers::{Signers, Split},
};
use crate::{Fault, Head};

/// What everything that was seen says of each head: a function of the set, in which no order matters.
#[derive(Debug)]
pub struct Judged {
    heads: BTreeMap<([u8; 32], String), Judgement>,
}

/// What is known of a head beside whatever was proved under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing speaks against it.
    Stands,
    /// Nothing speaks against it, and a key signed it that is retired since an entry: its owner may have
    /// signed at any time, or a thief, and nothing shows that it is of the history that the root key signed.
    ByRetiredKey {
        /// The entry.
        since: u64,
    },
    /// Whatever was proved under it is refused.
    Refused(Rejection),
}

/// A log while it is judged.
struct Log<'a> {
    known: &'a Succession,
    shown_by: &'a str,
    signers: &'a Signers,
    split: Option<Split>,
    bench: Vec<Stood<'a>>,
    /// The roots of first entries that the root key has signed, by their number.
    rooted: BTreeMap<u64, BTreeSet<Hash>>,
    charges: Charges,
}

/// What speaks against a head. The gravest comes first, and of equals what is about that very head.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    grade: Grade,
    is_general: bool,
    reason: String,
}

impl Judged {
    pub(super) fn of_all(heads: &Heads) -> Self {
        let mut judged = BTreeMap::new();
        for (root, signers) in &heads.signers {
            let seen: Vec<_> = heads.seen_of(root).collect();
            let Some(log) = Log::new(heads, signers, seen.iter().map(|(_, seen)| *seen)) else {
                continue;
            };
            let judgements = log.bench.iter().map(|stood| log.judge(stood));
            judged.extend(seen.iter().map(|(key, _)| (*key).clone()).zip(judgements));
        }
        Self { heads: judged }
    }

    /// What is known of a head, if it was seen.
    #[must_use]
    pub fn of(&self, head: &Head) -> Option<&Judgement> {
        self.heads.get(&(*head.log.public(), head.checkpoint.to_string()))
    }

    /// The rejection of whatever was proved under a head that was seen, if that is refused.
    #[must_use]
    pub fn rejection(&self, head: &Head) -> Option<&Rejection> {
        match self.of(head)? {
            Judgement::Refused(rejection) => Some(rejection),
            Judgement::Stands | Judgement::ByRetiredKey { .. } => None,
        }
    }
}

impl<'a> Log<'a> {
    fn new(
        heads: &'a Heads,
        signers: &'a Signers,
        seen: impl Iterator<Item = &'a Seen>,
    ) -> Option<Self> {
        let (known, shown_by) = signers.longest()?;
        let bench: Vec<Stood<'_>> = seen.map(|seen| Stood::new(seen, known, shown_by)).collect();
        let split = bench.first().and_then(|stood| signers.split(&stood.seen.log));
        let mut log = Log {
            known,
            shown_by,
            signers,
            split,
            bench,
            rooted: BTreeMap::new(),
            charges: Charges::default(),
        };
        log.rooted = log.rooted_starts();
        let proofs = heads.proofs.iter().filter_map(|(proof, whose)| {
            let charge = Charge::of_proof(proof, known)?;
            let since = charge.key().and_then(|key| known.end_of(&key)).map(|end| end.index);
            Some((charge, format!("{}: shown by {whose}", proof.sentence_if_retired(since))))
        });
        let charges = proofs
            .chain(log.by_late_heads())
            .chain(log.by_other_histories())
            .chain(log.by_heads_apart());
        log.charges = charges.collect();
        Some(log)
    }

    /// The roots of first entries that the root key has signed: those within a delegation that the tree
    /// holds, and all of a tree that a delegation names.
    fn rooted_starts(&self) -> BTreeMap<u64, BTreeSet<Hash>> {
        let mut rooted: BTreeMap<u64, BTreeSet<Hash>> = BTreeMap::new();
        for Stood { seen, .. } in &self.bench {
            let is_named = self.signers.vouch_for(seen.checkpoint.claimed());
            let end = if is_named { seen.size() } else { seen.rooted };
            for (size, root) in seen.roots().filter(|(size, _)| *size <= end) {
                rooted.entry(size).or_default().insert(root);
            }
        }
        rooted
    }

    /// What heads by a retired key after its end say of that key. The root key's time never ends: such a head
    /// by it is refused alone.
    fn by_late_heads(&self) -> Vec<(Charge, String)> {
        let late = self.bench.iter().filter_map(|stood| match &stood.by {
            By::AfterItsEnd { key, shows: true, rejection } if self.known.end_of(key).is_some() => {
                let reason = format!("{}, of {}", rejection.reason, stood.seen.whose);
                Some((Charge::Doubt { key: *key }, reason))
            }
            By::AfterItsEnd { .. } | By::InItsTime(_) | By::Other { .. } => None,
        });
        late.collect()
    }

    /// What heads say that have another root than a delegation names.
    fn by_other_histories(&self) -> Vec<(Charge, String)> {
        let others = self.bench.iter().filter(|stood| stood.speaks()).filter_map(|stood| {
            let (key, reason) = (stood.key(), self.other_history(stood.seen)?);
            Some(match self.known.end_of(&key) {
                None if stood.is_in_its_time() => {
                    (Charge::Fork { from: stood.seen.size() }, reason)
                }
                Some(_) | None => (Charge::Doubt { key }, reason),
            })
        });
        others.collect()
    }

    /// What heads say that contradict each other: of each charge what shows it best.
    fn by_heads_apart(&self) -> Vec<(Charge, String)> {
        let mut found: BTreeMap<Charge, Apart<'_>> = BTreeMap::new();
        each_apart(&self.bench, |apart| {
            let Some(charge) = Charge::of_heads(&apart, self.known) else { return };
            let best = found.entry(charge).or_insert(apart);
            if apart.rank() < best.rank() {
                *best = apart;
            }
        });
        found.into_iter().map(|(charge, apart)| (charge, apart.to_string())).collect()
    }

    /// What is known of a head.
    fn judge(&self, stood: &Stood<'_>) -> Judgement {
        let is_shown = self.is_shown(stood.seen);
        let mut findings: Vec<Finding> = self.own_findings(stood);
        findings.extend(self.general_findings(stood, is_shown));
        let since = self.known.end_of(&stood.key()).map(|end| end.index);
        match (findings.into_iter().min(), since) {
            (Some(gravest), _) => Judgement::Refused(gravest.into()),
            (None, Some(since)) if !is_shown => Judgement::ByRetiredKey { since },
            (None, _) => Judgement::Stands,
        }
    }

    /// Whether a head is shown to be of the history that the root key signed.
    fn is_shown(&self, seen: &Seen) -> bool {
        let claimed = seen.checkpoint.claimed();
        let roots = self.rooted.get(&claimed.size());
        self.signers.vouch_for(claimed) || roots.is_some_and(|roots| roots.contains(claimed.root()))
    }

    /// What speaks against this head alone.
    fn own_findings(&self, Stood { seen, by }: &Stood<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = |grade, reason: String| {
            findings.push(Finding { grade, is_general: false, reason });
        };
        if let Some(Split { reason, .. }) =
            self.split.as_ref().filter(|split| split.from < seen.size())
        {
            found(Grade::Forked, reason.clone());
        }
        match by {
            By::InItsTime(_) => {}
            By::AfterItsEnd { rejection, .. } => found(Grade::Retired, rejection.reason.clone()),
            By::Other { instead_of, .. } => found(
                Grade::Unsigned,
                format!(
                    "the head of {} entries is not signed by {instead_of}, which signs at that size: shown by {}",
                    seen.size(),
                    self.shown_by
                ),
            ),
        }
        findings
    }

    /// What the charges say of a head.
    fn general_findings(&self, stood: &Stood<'_>, is_shown: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = |grade, reason: String| {
            findings.push(Finding { grade, is_general: true, reason });
        };
        let (size, key) = (stood.seen.size(), stood.key());
        if let Some(reason) = self.charges.fork_within(size) {
            found(Grade::Forked, reason.to_owned());
        }
        if let Some(reason) = self.charges.doubt(&key).filter(|_| !is_shown) {
            match self.known.end_of(&key) {
                Some(end) => found(Grade::InDoubt, in_doubt(key, end, reason)),
                None => found(Grade::Forked, reason.to_owned()),
            }
        }
        for (stranger, charges) in self.charges.strangers(size) {
            // A line that a stranger puts beside the log's own says nothing: anybody can.
            if has_signed(stood.seen, stranger) && !has_signed(stood.seen, key.as_bytes()) {
                charges.for_each(|(grade, reason)| found(grade, reason.to_owned()));
            }
        }
        findings
    }

    /// That a head has another root than the root key has signed for its size.
    fn other_history(&self, seen: &Seen) -> Option<String> {
        let claimed = seen.checkpoint.claimed();
        let other = &self.known.contradicts(claimed)?.body;
        Some(format!(
            "the tree of {} entries in {} has root {}, and by delegation {} of {} the root key signed that they \
             have root {}",
            claimed.size(),
            seen.whose,
            claimed.root(),
            other.number,
            self.shown_by,
            other.root
        ))
    }
}

impl From<Finding> for Rejection {
    fn from(finding: Finding) -> Self {
        let fault = match finding.grade {
            Grade::Forked => Fault::LogForked,
            Grade::Retired => Fault::KeyRetired,
            Grade::InDoubt => Fault::RetiredKeyHead,
            Grade::Unsigned => Fault::CheckpointInvalid,
        };
        Self::new(Check::Checkpoint, fault, finding.reason)
    }
}

/// Why what a retired key has signed alone is refused.
fn in_doubt(key: Did, end: &Delegation, reason: &str) -> String {
    format!(
        "by {key}, a key retired since entry {}, the owner or a thief: nothing shows that this head is of the \
         history that the root key signed, and {reason}",
        end.index
    )
}

fn has_signed(seen: &Seen, key: &[u8; 32]) -> bool {
    VerifierKey::new(seen.log.name().clone(), key).is_ok_and(|key| seen.checkpoint.is_by(&key))
}
