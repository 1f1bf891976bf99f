//! Where a chain holds the log's head.

use chaos_agency::{
    Action, Declaration, Receipt,
    action::{self, DeclareAnchoring},
};
use chaos_log::Checkpoint;
use chaos_types::{Check, Rejection};

use super::{Options, place::Case};
use crate::{
    Fault, Successions,
    report::{Status, Trail},
    words::{Anchored, Declared},
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
            if self.file.anchoring().is_some_and(|(rows, _)| !rows.is_empty()) {
                return Err(reject(
                    Fault::StateUnasked,
                    "rows about anchors are shown, and no anchor".to_owned(),
                ));
            }
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
        let (declared, earlier) = self.ensure_declared(anchor)?;
        let Some(chain) = options.anchor else {
            let detail = "no adapter for the chain's proof was given";
            trail.ended(Check::Anchor, Status::NotPlaced, detail);
            (trail.words.anchored, trail.words.declared) = (Anchored::NotPlaced, declared);
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
                     millisecond {newest_ms}; a block whose clock is not set by hand is no older than \
                     what it holds"
                ),
            ));
        }
        let (status, word) = if block.is_placed {
            (Status::Passed, Anchored::Anchored)
        } else {
            (Status::NotPlaced, Anchored::NotPlaced)
        };
        let moved = match earlier {
            0 => String::new(),
            1 => "; the log declared another place before, and this bundle shows nothing of it"
                .to_owned(),
            many => format!(
                "; the log declared {many} places before, and this bundle shows nothing of them"
            ),
        };
        trail.ended(Check::Anchor, status, block.detail + &moved);
        (trail.words.anchored, trail.words.declared) = (word, declared);
        Ok(())
    }

    /// The anchor is where the log declares it as of the head that it is of; and how often it declared a place before.
    fn ensure_declared(&self, anchor: &action::Anchor) -> Result<(Declared, u64), Rejection> {
        let Some((rows, root)) = self.file.anchoring() else { return Ok((Declared::NotShown, 0)) };
        if rows.is_empty() {
            // Bundles of before there were declarations hold anchors of the first form.
            return match &anchor.publisher {
                None => Ok((Declared::NotShown, 0)),
                Some(_) => Err(reject(
                    Fault::DeclarationNotShown,
                    "nothing shows what the log declares about its anchors".to_owned(),
                )),
            };
        }
        let rows = rows.iter().map(|row| row.verify(&root)).collect::<Result<Vec<_>, _>>();
        let rows = rows.map_err(|inner| {
            reject(Fault::DeclarationMalformed, format!("declaration: {}", inner.reason))
        })?;
        let declaration = Declaration::shown(&rows)
            .map_err(|stop| Rejection::caused(Check::Anchor, Fault::DeclarationMalformed, &stop))?;
        match declaration {
            None => Ok((Declared::Nothing, 0)),
            Some(declaration) => {
                let number = rows.first().and_then(|(key, _)| key.parts().nth(1)?.parse().ok());
                Ok((ensure_there(anchor, &declaration)?, number.unwrap_or_default()))
            }
        }
    }
}

/// The anchor is in the place that is declared.
fn ensure_there(anchor: &action::Anchor, declaration: &Declaration) -> Result<Declared, Rejection> {
    let DeclareAnchoring { chain, contract, publisher } = &declaration.body;
    // A contract of the first form has one publisher for ever, so that naming it names both.
    let by = anchor.publisher.as_ref().unwrap_or(publisher);
    if (&anchor.chain, &anchor.contract, by) == (chain, contract, publisher) {
        return Ok(Declared::There);
    }
    Err(reject(
        Fault::AnchorElsewhere,
        format!(
            "anchored by {by} in {} on {}; as of entry {} the log declares {publisher} in {contract} on \
             {chain}",
            anchor.contract, anchor.chain, declaration.index
        ),
    ))
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
