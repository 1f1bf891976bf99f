//! Documents in the name of the format under which a receipt states them.
//!
//! Builds that told revised figures by the parameters alone wrote the figures of a base fee at its bound under
//! the former format (`docs/adr/0012-one-fee-rule.md`). The figures are those of today, so they are
//! accepted under either name, and nothing else is.

use chaos_governance::{Outcome, opportunity::Rule, receipts, rounds};
use chaos_simulation::Simulation;
use chaos_types::{Digest, Rejection};

use super::shown;
use crate::program::Ran;

/// The document of a simulation.
pub(super) fn simulation(
    ran: Ran<Simulation, receipts::Simulate>,
    stated: &Digest,
) -> Result<Vec<u8>, Rejection> {
    if ran.digest() != *stated
        && let Some(former) = ran.output.result.under_former_name()
    {
        let document = former.to_canonical().map_err(shown)?;
        if Digest::of(&document) == *stated {
            return Ok(document);
        }
    }
    Ok(ran.document)
}

/// The digest of the record of a draft's rounds, which names the digest of every round's result.
pub(super) fn rounds(
    ran: Ran<Outcome, receipts::Draft>,
    rule: Rule,
    stated: &Digest,
) -> Result<Digest, Rejection> {
    let digest = ran.digest();
    if digest == *stated {
        return Ok(digest);
    }
    let mut outcome = ran.output;
    for round in &mut outcome.rounds {
        if let Some(former) = round.result.under_former_name() {
            round.result_digest = former.digest().map_err(shown)?;
        }
    }
    let former = Digest::of(&rounds::to_canonical(rule, &outcome).map_err(shown)?);
    Ok(if former == *stated { former } else { digest })
}
