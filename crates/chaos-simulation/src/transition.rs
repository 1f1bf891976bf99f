use chaos_parameters::{Parameters, pricing::LimitRule};

/// Whether the figures of a change from `baseline` to `proposal` are other than by the rule that
/// releases before `docs/adr/0012-one-fee-rule.md` had.
///
/// The flow model then held a raised floor from the second block on and began the walk of a bound
/// limit there, too. Where neither happens both rules give the same figures to the last digit, so
/// what was computed before stands, and keeps its format, its digest and its key.
#[must_use]
pub fn is_revised(baseline: &Parameters, proposal: &Parameters) -> bool {
    let floor_rises = proposal.min_base_fee_wei() > baseline.min_base_fee_wei();
    let limit_walks =
        proposal.gas_limit() != baseline.gas_limit() && LimitRule::of(proposal).bound_divisor > 0;
    floor_rises || limit_walks
}
