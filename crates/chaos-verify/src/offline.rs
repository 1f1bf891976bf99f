//! The nine checks, from the bytes of a bundle to `Verified<Receipt>`.

mod anchor;
mod claim;
mod document;
mod evidence;
mod keys;
mod place;
mod state;
mod witnesses;

pub use witnesses::possible_times;

use chaos_agency::calendar::moment;
use chaos_agency::{Kinds, Receipt, Source, action, receipt::Attested};
use chaos_log::{Checkpoint, Policy, SignedCheckpoint, VerifierKey, leaf_hash};
use chaos_types::{Check, Did, Digest, Rejection, Verified};

use self::{document::Document, keys::Known, place::Case};
pub(crate) use self::{
    document::{ensure_last, ensure_names},
    keys::refused,
};
use crate::{
    Attachments, Fault, Head, Report, Said, Successions, bundle,
    report::{Status, Trail},
    words::{Formed, Placed},
};

/// A copy of the log that the reader has.
pub trait FoldedLog {
    /// Holds the copy against the head that the log signed, folds it, and says that the head is signed by
    /// the key in force and that the fold counts the receipt at its place; gives a sentence about what was folded. Called only if the log signed the
    /// head and it holds the receipt.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *agent*.
    fn ensure_counted(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        head: &SignedCheckpoint,
    ) -> Result<String, Rejection>;
}

/// Runs the programs that receipts name again.
pub trait Reexecute {
    /// Refuses what can be refused without running anything, such as a program that is not known.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *evidence*.
    fn ensure_repeatable(
        &self,
        receipt: &Verified<Receipt>,
        attachments: &Attachments,
    ) -> Result<(), Rejection>;

    /// Runs the receipt's program on the inputs it names and gives the output's digest; the receipt is
    /// the log's entry at `index`. Called only if everything else about the bundle holds.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *evidence*.
    fn reexecute(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        attachments: &Attachments,
    ) -> Result<Digest, Rejection>;
}

/// Under whose root a quote was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A root whose key anyone may hold.
    Development,
    /// The root of the hardware's maker.
    Production,
}

/// An accepted quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appraisal {
    /// Under whose root.
    pub trust: Trust,
    /// A sentence about what was found.
    pub detail: String,
}

/// Verifies and appraises the quotes behind attested evidence.
pub trait Appraise {
    /// Verifies the quote at the second (Unix time) that the log took the receipt in, and that it
    /// binds the key that signed. Called only if the log is shown to hold the receipt.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *attestation*.
    fn appraise(
        &self,
        receipt: &Verified<Receipt>,
        attested: &Attested,
        attachments: &Attachments,
        at_s: u64,
    ) -> Result<Appraisal, Rejection>;
}

/// The block that a chain's proof leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Whether something that the reader has says that the block is on the chain.
    pub is_placed: bool,
    /// When the block says it was made, Unix time; `None` where the chain's clock bounds nothing.
    pub time_s: Option<u64>,
    /// A sentence about the block.
    pub detail: String,
    /// What each of those says whom the reader asked for it.
    pub said: Vec<Said>,
}

/// Reads a chain's proofs.
pub trait ReadAnchor {
    /// Checks that a block contains what the operator signed about the checkpoint.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *anchor*.
    fn read_anchor(
        &self,
        proof: &serde_json::Value,
        anchor: &action::Anchor,
        checkpoint: &Checkpoint,
    ) -> Result<Block, Rejection>;
}

/// What a chain's state shows of what a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownClaim {
    /// The block after which it is so.
    pub block: Block,
    /// Whether the contract that holds it is known to hold nothing but what its code wrote.
    pub is_contract_known: bool,
}

/// Reads what shows what receipts say of a chain.
pub trait ReadClaim {
    /// Checks that a document shows what a receipt of the log with this origin line says of a chain.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *evidence*.
    fn read_claim(
        &self,
        receipt: &Receipt,
        document: &[u8],
        origin: &str,
    ) -> Result<ShownClaim, Rejection>;
}

/// What the caller brings to a verification.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The log that the reader trusts. Without it the bundle's own log key is used, which shows
    /// that the parts agree but not that the log is the right one.
    pub log: Option<&'a VerifierKey>,
    /// The log's root key, where `log` is one that it named. Without it such a key is not believed to be
    /// this log's: whoever holds it can lay it under a root key of its own.
    pub root: Option<&'a VerifierKey>,
    /// Which witnesses must have cosigned the log's head, and which logs the reader trusts if it
    /// names any.
    pub policy: Option<&'a Policy>,
    /// What time the reader has, milliseconds since 1970; `None` bounds nothing.
    pub now_ms: Option<u64>,
    /// The kinds of receipts that the reader knows; one of another kind is refused.
    pub kinds: Kinds,
    /// A copy of the log, if the reader has one.
    pub copy: Option<&'a dyn FoldedLog>,
    /// How to run programs again, if that was asked for.
    pub reexecute: Option<&'a dyn Reexecute>,
    /// How to verify and appraise quotes.
    pub appraise: Option<&'a dyn Appraise>,
    /// How to check a chain's proof.
    pub anchor: Option<&'a dyn ReadAnchor>,
    /// How to check what shows what receipts say of a chain.
    pub claim: Option<&'a dyn ReadClaim>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("log", &self.log)
            .field("root", &self.root)
            .field("policy", &self.policy)
            .field("now_ms", &self.now_ms)
            .field("copy", &self.copy.is_some())
            .field("reexecute", &self.reexecute.is_some())
            .field("appraise", &self.appraise.is_some())
            .field("anchor", &self.anchor.is_some())
            .field("claim", &self.claim.is_some())
            .finish()
    }
}

/// Verifies a bundle offline.
///
/// The checks are made in the order of their cost, so that a file that is refused by a hash or a
/// signature starts neither an appraisal nor a computation.
#[must_use]
pub fn verify(bytes: &[u8], options: &Options<'_>) -> Report {
    let mut trail = Trail::default();
    let result = run(bytes, options, &mut trail);
    trail.end(result)
}

fn run(
    bytes: &[u8],
    options: &Options<'_>,
    trail: &mut Trail,
) -> Result<Verified<Receipt>, Rejection> {
    let file = Document::read(bytes)?;
    let opened = file.envelope().verify()?;
    trail.passed(Check::Envelope, format!("signed by {}", list(&opened.signers)));
    let receipt: Verified<Receipt> = opened.narrow(&options.kinds)?;
    trail.passed(Check::Statement, format!("{} by {}", receipt.action.kind(), receipt.agent));
    let attachments = bundle::attachments(file.attachments(), &receipt)?;
    trail.passed(
        Check::Format,
        format!(
            "canonical, {} bytes, {}",
            bytes.len(),
            several(file.attachments().len(), "attachment")
        ),
    );
    trail.words.formed = Formed::WellFormed;
    let stand = file.stand(&receipt)?;
    let (index, size) = (stand.index, stand.checkpoint.claimed().size());
    let at_ms = file.leaf().integrated_at_ms;
    stand.ensure_past(&file, options.now_ms)?;
    trail.not_placed = unplaced(&receipt);
    let mut when = format!("dated {at_ms} ms ({}) by the log", moment(at_ms));
    let meant_ms = stand.corrections.effective_ms(index, at_ms);
    if meant_ms != at_ms {
        let moment = moment(meant_ms);
        when.push_str(&format!(", which has corrected that to {meant_ms} ms ({moment})"));
    }
    trail.dated_ms = Some(meant_ms);
    trail.passed(Check::Inclusion, format!("entry {index} of {size}, {when}"));
    let case = Case { file: &file, receipt: &receipt, stand: &stand, kinds: &options.kinds };
    let (operator, keys) = check_log(&case, options, trail)?;
    case.check_agent(operator, options, trail)?;
    // What needs no computation is refused before anything is appraised: what a release cannot
    // repeat, and what the receipt says about its own place.
    receipt.ensure_place(index)?;
    receipt.ensure_history(&stand.inclusion.root_before())?;
    receipt.ensure_times(0, file.leaf())?;
    if let (Some(reexecute), Some(_)) = (options.reexecute, receipt.evidence.replay()) {
        reexecute.ensure_repeatable(&receipt, &attachments)?;
    }
    case.check_anchor(&keys, options, trail)?;
    case.check_attestation(&attachments, options, trail)?;
    case.check_evidence(&attachments, options, trail)?;
    trail.documents = attachments;
    Ok(receipt)
}

/// Whose log it is, and that it signed the checkpoint; its operator and who has signed for it.
fn check_log(
    case: &Case<'_>,
    options: &Options<'_>,
    trail: &mut Trail,
) -> Result<(Did, Successions), Rejection> {
    let log = place::log_key(case.file)?;
    let operator = Did::from_public_bytes(log.public()).ok_or_else(|| {
        let reason = "the log's key is not a curve point";
        Rejection::new(Check::Checkpoint, Fault::LogKeyMalformed, reason)
    })?;
    let checkpoint = &case.stand.checkpoint;
    let keys = case.successions(operator)?;
    let known = Known { root: &log, succession: &keys.checkpoints };
    let mut detail = place::check_checkpoint(checkpoint, &known, options)?;
    // A head that too few have cosigned can still be one of two.
    let leaf = leaf_hash(&case.file.leaf().to_bytes());
    trail.head = Some(Head {
        log: log.clone(),
        checkpoint: checkpoint.clone(),
        nodes: case.stand.inclusion.whole_nodes(&leaf),
        succession: keys.checkpoints.clone(),
    });
    known.ensure_followed(options)?;
    let times_s = witnesses::possible_times(case.file.newest_ms(), options.now_ms);
    let cosigned = witnesses::check(checkpoint, &known, options.policy, &times_s)?;
    let is_trusted = options.log.is_some() || cosigned.is_log_known;
    let (status, placed) = if is_trusted {
        (Status::Passed, Placed::InTheLog)
    } else {
        (Status::OwnLog, Placed::InItsOwnLog)
    };
    detail.push_str(&cosigned.detail);
    trail.ended(Check::Checkpoint, status, detail);
    trail.words.placed = placed;
    trail.words.witnessed = cosigned.word;
    Ok((operator, keys))
}

/// What a receipt says about a chain. Nothing here reads a chain but for the log's own head.
fn unplaced(receipt: &Receipt) -> Vec<&'static str> {
    let grounds = receipt.action.grounds().iter();
    grounds.filter(|ground| ground.source == Source::Chain).map(|ground| ground.what).collect()
}

/// A number of things: one attachment, two attachments.
fn several(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn list(keys: &[Did]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
