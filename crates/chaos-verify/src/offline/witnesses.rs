//! Who cosigned the log's head, by the policy that the reader brings.

use std::ops::RangeInclusive;

use chaos_agency::calendar::moment;
use chaos_log::{Policy, SignedCheckpoint, UnsatisfiedError};
use chaos_types::{Check, Rejection};

use super::keys::Known;
use crate::{Fault, words::Witnessed};

/// What the lines below a head say to this reader.
pub(super) struct Cosigned {
    pub(super) word: Witnessed,
    /// Whether the policy names the log, so that its key is not the bundle's word.
    pub(super) is_log_known: bool,
    /// Who cosigned and when, to follow the sentence about the head.
    pub(super) detail: String,
}

/// How far the clocks of a log, its witnesses and its readers may lie apart, in seconds.
const SKEW_S: u64 = 60;

/// When an honest witness can have cosigned a head: not before its newest entry was taken in, and not
/// after now, if the reader has a clock.
#[must_use]
pub fn possible_times(newest_ms: u64, now_ms: Option<u64>) -> RangeInclusive<u64> {
    let earliest_s = (newest_ms / 1_000).saturating_sub(SKEW_S);
    let latest_s = now_ms.map_or(u64::MAX, |now_ms| (now_ms / 1_000).saturating_add(SKEW_S));
    earliest_s..=latest_s
}

/// Holds a head that its log has signed against the reader's policy. A policy without logs says
/// nothing of whose log it is.
pub(super) fn check(
    head: &SignedCheckpoint,
    known: &Known<'_>,
    policy: Option<&Policy>,
    times_s: &RangeInclusive<u64>,
) -> Result<Cosigned, Rejection> {
    let Some(policy) = policy else {
        let lines = head.note().signatures();
        let others = lines.iter().filter(|line| !known.is_named_by(line)).count();
        let word = if others == 0 { Witnessed::NotAsked } else { Witnessed::NotYours };
        return Ok(Cosigned { word, is_log_known: false, detail: String::new() });
    };
    let is_log_known = !policy.logs().is_empty();
    if is_log_known && policy.logs().iter().all(|log| known.position(&log.key).is_none()) {
        let log = known.root;
        let reason = format!("the bundle is of log {log}, which the policy does not name");
        return Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason));
    }
    // Of a log whose root key has delegated, the key in force has signed: that was checked.
    if is_log_known && known.succession.delegations().is_empty() {
        policy.verify(head).map_err(|error| refused(&error))?;
    }
    let all = policy.witnessed(head).map_err(|error| refused(&error))?;
    let cosigners = policy.witnessed_within(head, times_s).map_err(|error| {
        let times: Vec<String> = all.iter().map(ToString::to_string).collect();
        let reason = format!(
            "cosigned by {}, of which only from {} s to {} s count: {error}",
            times.join(", "),
            times_s.start(),
            times_s.end()
        );
        Rejection::new(Check::Checkpoint, Fault::NotWitnessed, reason)
    })?;
    let names: Vec<String> = cosigners
        .iter()
        .map(|cosigner| format!("{cosigner} ({})", moment(cosigner.time_s.saturating_mul(1_000))))
        .collect();
    let quorum = policy.quorum();
    Ok(if policy.asks_for_witnesses() {
        let detail = format!("; quorum {quorum} has cosigned: {}", names.join(", "));
        Cosigned { word: Witnessed::Witnessed, is_log_known, detail }
    } else {
        Cosigned { word: Witnessed::NoQuorum, is_log_known, detail: String::new() }
    })
}

fn refused(error: &UnsatisfiedError) -> Rejection {
    let fault = match error {
        UnsatisfiedError::UnknownLog { .. } => Fault::LogNotTrusted,
        UnsatisfiedError::Log(_) => Fault::CheckpointInvalid,
        UnsatisfiedError::Cosignature(_) => Fault::CosignatureFalse,
        UnsatisfiedError::Quorum { .. } => Fault::NotWitnessed,
    };
    Rejection::caused(Check::Checkpoint, fault, error)
}
