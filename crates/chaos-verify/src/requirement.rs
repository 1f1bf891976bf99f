//! What a reader can insist on, beyond that nothing speaks against the receipt.

use chaos_types::{Check, Rejection};

use crate::{
    Fault, Report,
    words::{Anchored, Attested, Counted, Declared, OnChain, Reexecuted, Witnessed},
};

/// A fact that a reader wants shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// The log's own fold counts the receipt.
    Counted,
    /// A chain holds the log's head, in a block that the reader placed.
    Anchored,
    /// An anchor of the log's head is where the log declares it.
    Declared,
    /// What the receipt says of a chain was shown there, in a block that the reader placed.
    OnChain,
    /// The claimed computation was repeated here.
    Reexecuted,
    /// Hardware vouches for the receipt: under the maker's root, or under any that the policy which
    /// the reader named accepts.
    Attested {
        /// Whether the reader named a policy.
        by_named_policy: bool,
    },
    /// Anyone can run the program again.
    Replayable,
    /// The quorum of the reader's policy has cosigned the log's head.
    Witnessed,
}

impl Requirement {
    /// Refuses a report that does not show the fact. Of a receipt that was rejected nothing is asked; one whose
    /// program could not be run for want of an input was not, and is asked for all the rest.
    ///
    /// # Errors
    /// A [`Rejection`] with the code of the requirement and the word that was found instead.
    pub fn ensure(self, report: &Report) -> Result<(), Rejection> {
        let receipt = report.result.as_ref().ok();
        if receipt.is_none() && !report.lacks_an_input() {
            return Ok(());
        }
        let words = &report.words;
        let lacks = |check, fault: Fault, found: String| {
            let reason = if report.is_reached(check) {
                format!("required, found {found}")
            } else {
                "required, and not looked at: the checks ended before it".to_owned()
            };
            Err(Rejection::new(check, fault, reason))
        };
        match self {
            Self::Counted if words.counted < Counted::Shown => {
                lacks(Check::Agent, Fault::NotCounted, words.counted.to_string())
            }
            Self::Anchored if words.anchored != Anchored::Anchored => {
                lacks(Check::Anchor, Fault::NotAnchored, words.anchored.to_string())
            }
            Self::Declared if words.declared != Declared::There => {
                lacks(Check::Anchor, Fault::NotDeclared, words.declared.to_string())
            }
            Self::OnChain if words.on_chain != OnChain::Shown => {
                lacks(Check::Evidence, Fault::NotOnChain, words.on_chain.to_string())
            }
            Self::Reexecuted if words.reexecuted != Reexecuted::Reexecuted => {
                lacks(Check::Evidence, Fault::NotReexecuted, words.reexecuted.to_string())
            }
            Self::Attested { by_named_policy } => match words.attested {
                Attested::Production => Ok(()),
                Attested::Development if by_named_policy => Ok(()),
                Attested::Development | Attested::NotAppraised | Attested::NotAttested => {
                    lacks(Check::Attestation, Fault::NotAttested, words.attested.to_string())
                }
            },
            Self::Replayable => match receipt.filter(|it| it.evidence.replay().is_none()) {
                Some(it) => {
                    let found = it.evidence.classes();
                    lacks(Check::Evidence, Fault::NotReplayable, format!("evidence {found}"))
                }
                None => Ok(()),
            },
            Self::Witnessed if words.witnessed != Witnessed::Witnessed => {
                lacks(Check::Checkpoint, Fault::NotWitnessed, words.witnessed.to_string())
            }
            Self::Counted
            | Self::Anchored
            | Self::Declared
            | Self::OnChain
            | Self::Reexecuted
            | Self::Witnessed => Ok(()),
        }
    }
}
