//! Where a chain holds the log's head.

use chaos_agency::{Action, Receipt, action};
use chaos_log::Checkpoint;
use chaos_types::{Check, Rejection};

use super::{Options, place::Case};
use crate::{
    Fault, Successions,
    report::{Status, Trail},
    words::Anchored,
};

/// How far the clocks of a log and of a chain may lie apart, in milliseconds.
const SKEW_MS: u64 = 60_000;

fn reject(fault: Fault, reason: String) -> Rejection {
    Rejection::new(Check::Anchor, fault, reason)
}

impl Case<'_> {
    pub(super) fn check_anchor(
        &self,
        keys: &Successions,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let Some(anchored) = self.file.anchor() else {
            trail.ended(Check::Anchor, Status::NotApplicable, "no anchor in the bundle");
            return Ok(());
        };
        let operator = keys.operator.root();
        let receipt = Receipt::open(&anchored.envelope, self.kinds).map_err(|inner| {
            let reason = format!("anchor receipt: {}: {}", inner.check, inner.reason);
            Rejection::new(Check::Anchor, inner.code, reason)
        })?;
        let Action::Anchor(anchor) = &receipt.action else {
            let found = receipt.action.kind();
            return Err(reject(
                Fault::AnchorReceiptUnexpected,
                format!("expected an anchor receipt, found {found}"),
            ));
        };
        if receipt.log != operator || receipt.agent != operator || !is_by_operator(&receipt, keys) {
            return Err(reject(
                Fault::AnchorSignerOther,
                format!("the anchor receipt is not by the log's operator {operator}"),
            ));
        }
        let checkpoint = self.stand.checkpoint.claimed();
        ensure_anchored(anchor, checkpoint)?;
        let Some(chain) = options.anchor else {
            let detail = "no adapter for the chain's proof was given";
            trail.ended(Check::Anchor, Status::NotPlaced, detail);
            trail.words.anchored = Anchored::NotPlaced;
            return Ok(());
        };
        let block = chain.read_anchor(&anchored.proof, anchor, checkpoint)?;
        trail.said = block.said;
        // A block cannot hold the head of a log whose entries are younger than itself. Its time is also
        // the only bound on how far a log can date its entries back.
        let newest_ms = self.file.newest_ms();
        if let Some(time_s) = block.time_s
            && time_s.saturating_mul(1000).saturating_add(SKEW_MS) < newest_ms
        {
            return Err(reject(
                Fault::AnchorTooOld,
                format!(
                    "the block is of second {time_s}, an entry under the anchored head of \
                     millisecond {newest_ms}"
                ),
            ));
        }
        let (status, word) = if block.is_placed {
            (Status::Passed, Anchored::Anchored)
        } else {
            (Status::NotPlaced, Anchored::NotPlaced)
        };
        trail.ended(Check::Anchor, status, block.detail);
        trail.words.anchored = word;
        Ok(())
    }
}

/// One of the keys signed that have signed for the operator, as far as the bundle shows them.
fn is_by_operator(receipt: &Receipt, keys: &Successions) -> bool {
    keys.operator.keys().any(|key| receipt.signers == [key])
}

/// The head that was anchored is the one that the receipt is proved under.
fn ensure_anchored(anchor: &action::Anchor, checkpoint: &Checkpoint) -> Result<(), Rejection> {
    let root = hex::encode(checkpoint.root().as_bytes());
    if anchor.log_size == checkpoint.size() && anchor.root == root {
        return Ok(());
    }
    Err(reject(
        Fault::AnchorCheckpointOther,
        format!(
            "anchored is size {} root {}, the checkpoint has size {} root {root}",
            anchor.log_size,
            anchor.root,
            checkpoint.size()
        ),
    ))
}
