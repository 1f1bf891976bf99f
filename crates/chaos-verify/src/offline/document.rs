//! The two formats of a bundle, and where in a log each says that its receipt stands.

use std::collections::BTreeMap;

use chaos_agency::{Corrections, Dated, Leaf, LeafError, Receipt, Shown, Stop, calendar::moment};
use chaos_log::{InclusionProof, SignedCheckpoint, map};
use chaos_types::{Check, Code, Rejection, dsse::Envelope};

use super::place::{check_inclusion, parse_proof};
use crate::{Anchored, Bundle, Fault, Placed, RowProof, StateBundle, bundle};

/// A bundle as it was read.
pub(super) enum Document {
    /// It shows the agent's registry entries.
    History(Box<Bundle>),
    /// It shows rows under a root that the log states.
    State(Box<StateBundle>),
}

/// Where the log holds the receipt, and under which head.
pub(super) struct Stand {
    pub(super) index: u64,
    pub(super) inclusion: InclusionProof,
    pub(super) checkpoint: SignedCheckpoint,
    /// The corrections of the log's clock that the bundle shows.
    pub(super) corrections: Corrections,
}

/// How far the clocks of a log and of its reader may lie apart, in milliseconds; a mirror allows as much.
const SKEW_MS: u64 = 60_000;

impl Stand {
    /// Neither the receipt's entry nor the newest one that is shown is dated after the reader's clock. An
    /// entry that a correction of the log's clock takes back is as old as that says.
    pub(super) fn ensure_past(
        &self,
        file: &Document,
        now_ms: Option<u64>,
    ) -> Result<(), Rejection> {
        let Some(now_ms) = now_ms else { return Ok(()) };
        let newest = match file {
            // No correction is shown there, so that the place makes no difference.
            Document::History(_) => (self.index, file.newest_ms()),
            Document::State(bundle) => (bundle.edge.index, bundle.edge.leaf.integrated_at_ms),
        };
        let at = [(self.index, file.leaf().integrated_at_ms), newest]
            .map(|(index, at_ms)| (index, self.corrections.effective_ms(index, at_ms)));
        match at.into_iter().find(|(_, at_ms)| *at_ms > now_ms.saturating_add(SKEW_MS)) {
            None => Ok(()),
            Some((index, at_ms)) => Err(reject(
                Fault::DatedAhead,
                format!(
                    "entry {index} is dated in the future: {at_ms} ms ({}), and the clock here says \
                     {now_ms} ms ({})",
                    moment(at_ms),
                    moment(now_ms)
                ),
            )),
        }
    }
}

impl Document {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Rejection> {
        if bundle::is_by_state(bytes)? {
            StateBundle::from_bytes(bytes).map(|bundle| Self::State(Box::new(bundle)))
        } else {
            Bundle::from_bytes(bytes).map(|bundle| Self::History(Box::new(bundle)))
        }
    }

    pub(super) const fn envelope(&self) -> &Envelope {
        match self {
            Self::History(bundle) => &bundle.receipt.envelope,
            Self::State(bundle) => &bundle.envelope,
        }
    }

    pub(super) const fn leaf(&self) -> &Leaf {
        match self {
            Self::History(bundle) => &bundle.receipt.leaf,
            Self::State(bundle) => &bundle.place.leaf,
        }
    }

    pub(super) fn log(&self) -> &str {
        match self {
            Self::History(bundle) => &bundle.log,
            Self::State(bundle) => &bundle.log,
        }
    }

    pub(super) const fn anchor(&self) -> Option<&Anchored> {
        match self {
            Self::History(bundle) => bundle.anchor.as_ref(),
            Self::State(bundle) => bundle.anchor.as_ref(),
        }
    }

    /// The rows that show what the log declares about its anchors, and the root that they are under.
    pub(super) fn anchoring(&self) -> Option<(&[RowProof], map::Hash)> {
        match self {
            Self::History(_) => None,
            Self::State(bundle) => {
                Some((&bundle.anchoring, bundle.edge.leaf.state.unwrap_or(map::EMPTY)))
            }
        }
    }

    pub(super) const fn attachments(&self) -> &BTreeMap<String, String> {
        match self {
            Self::History(bundle) => &bundle.attachments,
            Self::State(bundle) => &bundle.attachments,
        }
    }

    /// When the log took in the newest entry that the bundle shows, milliseconds since 1970.
    pub(super) fn newest_ms(&self) -> u64 {
        match self {
            Self::History(bundle) => {
                let earlier = bundle.history.iter().map(|entry| entry.leaf.integrated_at_ms);
                earlier.fold(bundle.receipt.leaf.integrated_at_ms, u64::max)
            }
            // It is not before the receipt's, which was checked with their places.
            Self::State(bundle) => bundle.edge.leaf.integrated_at_ms,
        }
    }

    /// Checks that the log holds what the bundle says it holds under the head, which nobody has
    /// checked yet.
    pub(super) fn stand(&self, receipt: &Receipt) -> Result<Stand, Rejection> {
        match self {
            Self::History(bundle) => {
                let proof = parse_proof(&bundle.receipt)?;
                check_inclusion(&bundle.receipt, receipt, &proof)?;
                Ok(Stand {
                    index: proof.index(),
                    inclusion: proof.inclusion().clone(),
                    checkpoint: proof.checkpoint().clone(),
                    corrections: Corrections::default(),
                })
            }
            Self::State(bundle) => {
                let checkpoint = SignedCheckpoint::parse(bundle.checkpoint.as_bytes());
                let checkpoint = checkpoint.map_err(|error| {
                    Rejection::caused(Check::Inclusion, Fault::ProofMalformed, &error)
                })?;
                ensure_names(&bundle.place.leaf, receipt)?;
                let inclusion = bundle.place.ensure_under(&checkpoint)?;
                ensure_edge(bundle, &checkpoint)?;
                let corrections = corrections(bundle, receipt)?;
                ensure_order(bundle, &corrections)?;
                Ok(Stand { index: bundle.place.index, inclusion, checkpoint, corrections })
            }
        }
    }
}

fn reject(code: impl Into<Code>, reason: String) -> Rejection {
    Rejection::new(Check::Inclusion, code, reason)
}

/// The leaf is of a known layout and names the receipt.
pub(crate) fn ensure_names(leaf: &Leaf, receipt: &Receipt) -> Result<(), Rejection> {
    ensure_layout(leaf)?;
    if leaf.receipt == receipt.id {
        return Ok(());
    }
    Err(reject(
        chaos_agency::Fault::LeafOfAnother,
        format!("the log entry names {}, the receipt is {}", leaf.receipt, receipt.id),
    ))
}

fn ensure_layout(leaf: &Leaf) -> Result<(), Rejection> {
    leaf.ensure_layout().map_err(|error| match error {
        LeafError::Version { .. } => reject(Fault::LeafVersionUnknown, error.to_string()),
        LeafError::Format(_) | LeafError::State { .. } => {
            reject(chaos_agency::Fault::LeafMalformed, error.to_string())
        }
    })
}

/// After an entry whose leaf states a root of the state, every leaf states one: a rule of the log's fold
/// that shown leaves can break in sight of everybody.
pub(super) fn ensure_stated(
    is_stated_before: bool,
    index: u64,
    leaf: &Leaf,
) -> Result<(), Rejection> {
    if leaf.state.is_some() || !is_stated_before {
        return Ok(());
    }
    Err(reject(
        chaos_agency::Fault::StateMissing,
        format!("log entry {index} states no root of the state, an earlier one does"),
    ))
}

/// An entry is the last one under the head, and states a root of the state.
pub(crate) fn ensure_last(edge: &Placed, checkpoint: &SignedCheckpoint) -> Result<(), Rejection> {
    let size = checkpoint.claimed().size();
    if size.checked_sub(1) != Some(edge.index) {
        let reason = format!("the edge is entry {} of {size}", edge.index);
        return Err(reject(Fault::EdgeNotLast, reason));
    }
    ensure_layout(&edge.leaf)?;
    edge.ensure_under(checkpoint).map_err(|inner| {
        let code = if inner.code == Fault::NotIncluded.code() {
            Fault::EdgeNotLast.into()
        } else {
            inner.code
        };
        reject(code, format!("edge: {}", inner.reason))
    })?;
    if edge.leaf.state.is_none() {
        let reason = "the last entry under the head states no root of the state".to_owned();
        return Err(reject(Fault::EdgeStatesNothing, reason));
    }
    Ok(())
}

/// The edge is the last entry under the head and states a root; earlier receipts are in log order before
/// the receipt; and from the first that states a root on, each does.
fn ensure_edge(bundle: &StateBundle, checkpoint: &SignedCheckpoint) -> Result<(), Rejection> {
    let StateBundle { place, edge, earlier, .. } = bundle;
    ensure_last(edge, checkpoint)?;
    let order: Vec<&Placed> = earlier.iter().chain([place]).collect();
    for pair in order.windows(2) {
        if pair[0].index >= pair[1].index {
            let (before, after) = (pair[0].index, pair[1].index);
            let reason = format!("earlier entry {before} stands before entry {after}");
            return Err(reject(Fault::StateOrder, reason));
        }
    }
    for earlier in earlier {
        ensure_layout(&earlier.leaf)?;
        earlier.ensure_under(checkpoint)?;
    }
    let mut is_stated = false;
    for Placed { index, leaf, .. } in &order {
        ensure_stated(is_stated, *index, leaf)?;
        is_stated |= leaf.state.is_some();
    }
    Ok(())
}

/// The corrections of the log's clock that are shown under the root that the edge states, all of them or
/// none.
fn corrections(bundle: &StateBundle, receipt: &Receipt) -> Result<Corrections, Rejection> {
    let mut shown = Shown::new(bundle.place.index, receipt.id);
    if let Some(root) = &bundle.edge.leaf.state {
        for row in bundle.state.iter().filter(|row| row.is_of("time")) {
            let (key, value) =
                row.verify(root).map_err(|inner| reject(inner.code, inner.reason))?;
            shown.insert(key, value);
        }
    }
    shown.corrections().map_err(|stop| {
        let fault = if matches!(stop, Stop::NotShown { .. }) {
            Fault::StateNotShown
        } else {
            Fault::StateUnreadable
        };
        reject(fault, format!("the corrections of the log's clock: {stop}"))
    })
}

/// The log's time does not go back between the entries that are shown, but where a correction takes the
/// earlier one back as far.
fn ensure_order(bundle: &StateBundle, corrections: &Corrections) -> Result<(), Rejection> {
    let dated =
        |placed: &Placed| Dated { index: placed.index, at_ms: placed.leaf.integrated_at_ms };
    let order: Vec<Dated> =
        bundle.earlier.iter().chain([&bundle.place, &bundle.edge]).map(dated).collect();
    for pair in order.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        if before.at_ms > after.at_ms && !corrections.excuse(before, after) {
            let reason = format!(
                "the log's time goes back from {} ms at entry {} to {} ms at entry {}, and no \
                 correction of it is shown",
                before.at_ms, before.index, after.at_ms, after.index
            );
            return Err(reject(chaos_agency::Fault::TimeGoesBack, reason));
        }
    }
    Ok(())
}
